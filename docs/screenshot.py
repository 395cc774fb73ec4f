"""Draw a running page in Chromium, press its button and save what it looks like.

python docs/screenshot.py http://127.0.0.1:8501 docs/pages/assets/page.png
"""

import shutil
import sys

from playwright.sync_api import sync_playwright

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def shoot(address: str, path: str, width: int = 1100, height: int = 860) -> None:
    """Save the page at ``address``, after one prediction, as a PNG of ``width`` x ``height``."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=QUIET)
        page = browser.new_page(viewport={"width": width, "height": height})
        page.goto(address)
        page.get_by_role("button", name="Predict").first.click(timeout=60_000)
        page.get_by_test_id("stMetricValue").first.wait_for(timeout=60_000)
        page.wait_for_timeout(1000)  # the bars grow into place
        page.screenshot(path=path)
        browser.close()


if __name__ == "__main__":
    shoot(sys.argv[1], sys.argv[2])
