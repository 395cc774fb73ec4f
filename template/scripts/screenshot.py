"""Draw the page after one prediction: into docs/page.png, which README.md then shows.

`uv run poe screenshot` starts the pair if it does not run. `screenshot.py ADDRESS FILE` draws any
page that runs already, and leaves README.md alone.
"""

import re
import shutil
import sys
from pathlib import Path

from playwright.sync_api import Error, sync_playwright

PROJECT = Path(__file__).parent.parent
PICTURE = Path("docs", "page.png")
SHOWN = "<!-- page: drawn by `uv run poe screenshot` -->\n"
END = "<!-- /page -->"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WIDTH, HEIGHT = 1100, 860
PATIENCE = 60_000
"""Milliseconds that the page and the model may take."""


def draw(address: str, path: Path) -> None:
    """Save the page at ``address`` as a PNG, with the answer to the inputs that it begins with."""
    browser_path = next(filter(None, map(shutil.which, BROWSERS)), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=browser_path,
            channel=None if browser_path else "chrome",
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        page.set_default_timeout(PATIENCE)
        page.goto(address)
        page.get_by_role("button", name="Predict").first.click()
        page.get_by_test_id("stMetricValue").first.wait_for()
        page.wait_for_load_state("networkidle")
        page.get_by_test_id("stSkeleton").wait_for(state="detached")
        page.wait_for_timeout(1000)  # the bars grow into place
        page.screenshot(path=path)
        browser.close()


def show(readme: Path) -> None:
    """Let the README show the picture at the place that is marked for it, if it has one."""
    text = readme.read_text(encoding="utf-8")
    image = f"![The page, after one prediction]({PICTURE.as_posix()})\n"
    place = re.compile(re.escape(SHOWN) + ".*?" + re.escape(END), re.DOTALL)
    readme.write_text(place.sub(SHOWN + image + END, text), encoding="utf-8")


def main() -> None:
    """Draw the project's own page, or the one at an address."""
    try:
        if len(sys.argv) == 3:
            draw(sys.argv[1], Path(sys.argv[2]))
            return
        import pair  # which is not there where mlship draws its own example

        draw(pair.up()["page"], PROJECT / PICTURE)
    except Error as error:
        said = str(error).strip().splitlines()[0]
        sys.exit(f"error: the page cannot be drawn: {said}\nIt takes Chromium or Chrome.")
    show(PROJECT / "README.md")
    print(f"drawn    {PICTURE}")


if __name__ == "__main__":
    main()
