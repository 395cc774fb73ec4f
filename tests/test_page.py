"""The page of a project in a real browser: with a keyboard, a phone, bad rows and no service."""

import csv
import json
import os
import re
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import MLSHIP, needs
from playwright.sync_api import Browser, Page, expect, sync_playwright

from mlship import uv

pytestmark = [pytest.mark.slow, pytest.mark.browser]

QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
PATIENCE = 60_000
"""Milliseconds that the page may take on a busy machine."""
ADDRESS = r"http://127\.0\.0\.1:\d+"
LABELS = re.compile("setosa|versicolor|virginica")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The embedded example's project, with its pair running."""
    folder = tmp_path_factory.mktemp("page") / "iris"
    command = [*MLSHIP, "new", str(folder), "--defaults", "--no-git"]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    try:
        yield folder
    finally:
        uv.run(["run", "poe", "down"], cwd=folder)


@pytest.fixture
def address(project: Path) -> str:
    _, address = re.findall(ADDRESS, uv.run(["run", "poe", "up"], cwd=project))
    return str(address)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = needs("chromium", "chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1100, "height": 1000})
    page.set_default_timeout(PATIENCE)
    page.goto(address)
    page.get_by_label("sepal length (cm)", exact=True).wait_for()
    yield page
    assert page.get_by_test_id("stException").count() == 0
    page.close()


def test_enter_asks_and_the_link_fills_in_the_form_again(page: Page, browser: Browser) -> None:
    length = page.get_by_label("sepal length (cm)", exact=True)
    length.fill("6.6")
    length.press("Enter")
    expect(page.get_by_test_id("stMetricValue").first).to_have_text(LABELS, timeout=PATIENCE)
    expect(page.get_by_test_id("stVegaLiteChart").first).to_be_visible()
    page.get_by_text("A link to these inputs").click()
    link = page.get_by_test_id("stCode").first.inner_text().strip()

    other = browser.new_page()
    other.goto(link)
    expect(other.get_by_label("sepal length (cm)", exact=True)).to_have_value(
        "6.6", timeout=PATIENCE
    )
    other.close()


def test_a_file_of_good_and_bad_rows_comes_back_with_both(page: Page, tmp_path: Path) -> None:
    names = ["sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"]
    rows = [["1", "5,1", "3,5", "1,4", "0,2"], ["2", "abc", "3,5", "1,4", "0,2"]]
    given = tmp_path / "rows.csv"
    lines = [";".join(line) for line in [["id", *names], *rows]]
    given.write_text("\n".join(lines), encoding="utf-16")

    page.get_by_role("tab", name="Many rows").click()
    page.locator("input[type=file]").set_input_files(given)
    page.get_by_text("are read as decimal points").wait_for()
    page.get_by_role("button", name="Predict").last.click()
    page.get_by_text("1 of 2 rows have no prediction.").wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download all rows as CSV").click()

    with Path(download.value.path()).open(newline="") as file:
        good, bad = csv.DictReader(file)
    assert (good["id"], good["predicted species"]) == ("1", "setosa")
    assert (bad["id"], bad["predicted species"]) == ("2", "")
    assert "sepal length (cm): " in bad["not predicted because"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_a_phone(
    browser: Browser, address: str, scheme: str, tmp_path: Path
) -> None:
    page = browser.new_page(
        viewport={"width": 400, "height": 800},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    page.goto(address)
    page.get_by_role("button", name="Predict").first.click(timeout=PATIENCE)
    page.get_by_test_id("stMetricValue").first.wait_for(timeout=PATIENCE)
    for tab in ("One prediction", "Many rows", "About the model"):
        page.get_by_role("tab", name=tab).click()
        page.wait_for_timeout(500)
        width = page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth")
        assert width <= 400, tab
        page.screenshot(path=tmp_path / f"{scheme}-{tab}.png")
    red, *_ = page.evaluate(
        "getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor"
        ".match(/\\d+/g).map(Number)"
    )
    assert (red < 60) is (scheme == "dark")
    page.close()


def test_no_other_site_may_frame_the_page(address: str) -> None:
    for path in ("/", "/_stcore/health", "/nowhere.js"):
        with urllib.request.urlopen(address + path, timeout=10) as response:
            headers = response.headers
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"{address}/_stcore/metrics", timeout=10)


def test_the_readme_shows_the_page_that_is_drawn(project: Path, address: str) -> None:
    before = (project / "README.md").read_text()
    for _ in range(2):
        uv.run(["run", "poe", "screenshot"], cwd=project)

    assert (project / "docs" / "page.png").read_bytes().startswith(b"\x89PNG")
    line = "![The page, after one prediction](docs/page.png)"
    after = (project / "README.md").read_text().splitlines()
    assert [text for text in after if text not in before.splitlines()] == [line]


def test_when_the_service_is_gone_the_page_says_so(page: Page, project: Path) -> None:
    service = int((project / ".run" / "api.pid").read_text())
    api = json.loads((project / ".run" / "addresses.json").read_text())["api"]
    os.killpg(service, signal.SIGTERM)
    for _ in range(300):
        try:
            urllib.request.urlopen(f"{api}/livez", timeout=5)
        except OSError:
            break
        time.sleep(0.1)
    page.get_by_role("button", name="Predict").first.click()

    expect(page.get_by_test_id("stAlert").first).to_contain_text("does not answer")
    assert page.get_by_text("Traceback").count() == 0
