"""What the tests share: an isolated home, notebooks made of cells, one scientific environment."""

import json
import os
import pwd
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NoReturn

import copier
import pytest

from mlship import bundle, intake, interpreter, notebook, uv
from mlship.intake import Run

ROOT = Path(__file__).parent.parent
MLSHIP = [sys.executable, "-m", "mlship"]
LIBRARIES = [
    "catboost",
    "imbalanced-learn",
    "lightgbm",
    "matplotlib",
    "onnxruntime",
    "opencv-python-headless",
    "pandas<3",
    "pydantic>=2",
    "scikit-learn<1.8",
    "skl2onnx",
    "skops",
    "statsmodels",
    "xgboost-cpu",
]
"""What the tests' own notebooks run with."""
SERVICE = [
    "fastapi",
    "httpx2",
    "prometheus-client",
    "pydantic-settings",
    "pytest",
    "skops",
    "uvicorn[standard]",
]
"""What a generated service and its tests need beside a model's libraries."""

MakeNotebook = Callable[..., Path]
Record = Callable[[Path], AbstractContextManager[Run]]
Cli = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session", autouse=True)
def _isolated_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the tests out of the user's home and git configuration; uv keeps its cache.

    Interpreters that pyenv installed are found where the machine's user has them.
    """
    users = Path(pwd.getpwuid(os.getuid()).pw_dir)
    cache = uv.run(["cache", "dir"]).strip()
    home = tmp_path_factory.mktemp("home")
    settings = home / "copier.yml"
    settings.write_text("{}")
    config = home / ".gitconfig"
    config.write_text("[user]\n  name = Ada Lovelace\n  email = ada@example.org\n")
    values = {
        "HOME": str(home),
        "PYENV_ROOT": os.environ.get("PYENV_ROOT", str(users / ".pyenv")),
        "UV_CACHE_DIR": cache,
        "COPIER_SETTINGS_PATH": str(settings),
        "GIT_CONFIG_GLOBAL": str(config),
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in values.items():
            patch.setenv(name, value)
        patch.delenv("VIRTUAL_ENV", raising=False)
        patch.delenv("MLSHIP_TEMPLATE", raising=False)
        yield


def environment(folder: Path, *packages: str) -> Path:
    """Make an environment of some packages in a folder, and return its interpreter."""
    home = folder / "venv"
    uv.run(["venv", "--python", f"{sys.version_info[0]}.{sys.version_info[1]}", str(home)])
    uv.run(["pip", "install", "--python", str(home / "bin/python"), *packages])
    return home / "bin" / "python"


@pytest.fixture(scope="session")
def science(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with the libraries that the notebooks use."""
    return environment(tmp_path_factory.mktemp("science"), *LIBRARIES)


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with what a generated service needs."""
    return environment(tmp_path_factory.mktemp("service"), *LIBRARIES, *SERVICE)


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of the template without a model, which nobody may change."""
    folder = tmp_path_factory.mktemp("rendered")
    bundle.build(ROOT, "1.0.0", folder / "template.bundle")
    answers = {"project_name": "App", "example": False}
    copier.run_copy(
        str(folder / "template.bundle"), folder / "app", data=answers, defaults=True, quiet=True
    )
    return folder / "app"


@pytest.fixture
def make_notebook(tmp_path: Path) -> MakeNotebook:
    """Write a notebook of the given code cells."""

    def make(*cells: str, name: str = "work.ipynb") -> Path:
        path = tmp_path / "notebooks" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(notebook_of(cells)), encoding="utf-8")
        return path

    return make


def notebook_of(cells: Sequence[str]) -> dict[str, object]:
    return {
        "cells": [
            {
                "cell_type": "code",
                "id": f"cell-{number}",
                "metadata": {},
                "source": source,
                "outputs": [],
                "execution_count": None,
            }
            for number, source in enumerate(cells)
        ],
        "metadata": {},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


@pytest.fixture
def record(science: Path, tmp_path: Path) -> Record:
    """Run a notebook in the scientific environment."""

    @contextmanager
    def start(path: Path, **maps: Path) -> Iterator[Run]:
        found = interpreter.Interpreter(science, sys.version_info[:3], "the tests")
        scratch = tmp_path / "scratch"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        with intake.run(notebook.read(path), found, maps, scratch) as run:
            yield run

    return start


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """Run the program as a user does, in an empty folder and without a terminal."""

    def call(*arguments: str | Path, cwd: Path | None = None) -> "subprocess.CompletedProcess[str]":
        folder = cwd or tmp_path / "cwd"
        folder.mkdir(exist_ok=True)
        return subprocess.run(
            [*MLSHIP, *map(str, arguments)],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    return call


def needs(program: str, package: str) -> str:
    """Return the program's path; without it the tier is skipped, or fails where all must run."""
    path = shutil.which(program)
    if path:
        return path
    lacking(f"{program} is not installed (Debian: apt-get install {package})")


def lacking(what: str) -> NoReturn:
    """Skip the tier because of what is not there, or fail where all must run."""
    if os.environ.get("MLSHIP_ALL_TIERS"):
        pytest.fail(what)
    pytest.skip(what)


def predict_in_browser(address: str, heading: str, answers: str, picture: Path) -> None:
    """Open the example's page in Chromium and ask for a prediction, which is to match a pattern."""
    from playwright.sync_api import expect, sync_playwright

    chromium = needs("chromium", "chromium")
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
             "--disable-component-update", "--disable-sync"]  # fmt: skip
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=quiet)
        page = browser.new_page(viewport={"width": 1100, "height": 1000})
        page.goto(address)
        expect(page.get_by_role("heading", name=heading)).to_be_visible(timeout=60_000)
        for name in ("sepal length (cm)", "petal width (cm)"):
            expect(page.get_by_label(name, exact=False).first).to_be_visible()
        page.get_by_role("button", name="Predict").first.click()
        answer = page.get_by_test_id("stMetricValue").first
        expect(answer).to_have_text(re.compile(answers), timeout=30_000)
        page.screenshot(path=str(picture))
        assert page.get_by_test_id("stException").count() == 0
        browser.close()
