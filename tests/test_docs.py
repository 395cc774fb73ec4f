"""Pages that are made by running commands must not tell of an older mlship."""

import ast
import json
import re
import sys
import tomllib
from pathlib import Path

from conftest import ROOT, Record

from mlship import code, notebook

sys.path.append(str(ROOT / "docs"))
import cells
import tutorial

CURE = "run `python docs/tutorial.py` or `python docs/cells.py`"


def blocks(page: str, language: str) -> list[str]:
    """Return the code blocks of a page that are in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def test_tutorial_was_made_of_its_notebook() -> None:
    made = json.loads(tutorial.SIGNATURE.read_text("utf-8"))["provenance"]
    taken = notebook.read(tutorial.PAGES / "notebooks" / made["notebook"])
    assert made["notebook_sha256"] == taken.sha256, CURE


def test_tutorial_shows_the_layout_and_tasks_that_a_project_has(rendered: Path) -> None:
    page = tutorial.PAGE.read_text("utf-8")
    layout = ("compose.yaml", "docker/", "docs/", "scripts/", "tests/", "ui/")
    shown = [line.split()[0] for line in blocks(page, "text")[0].splitlines()]
    assert shown == sorted(tutorial.ANNOTATED), CURE
    for path in shown:
        if path.startswith(layout) and not path.startswith("tests/parity"):
            assert (rendered / path).exists(), path
    tasks = tomllib.loads((rendered / "pyproject.toml").read_text("utf-8"))["tool"]["poe"]["tasks"]
    assert set(re.findall(r"^\$ uv run poe ([\w-]+)", page, re.MULTILINE)) <= tasks.keys()


def test_five_cells_show_the_code_that_is_written_for_them(record: Record, tmp_path: Path) -> None:
    shown = blocks(cells.PAGE.read_text("utf-8"), "python")
    assert [text.rstrip("\n") for text in shown[:-1]] == list(cells.CELLS), CURE
    cells.write_notebook(tmp_path)
    with record(tmp_path / "rentals.ipynb") as run:
        handed = run.hand_over(run.models[0], tmp_path)
    package = tmp_path / "rentals" / "model" / "src" / "rentals_model"
    package.mkdir(parents=True)
    code.write(tmp_path / "rentals", handed["code"], {})
    written = (package / "features.py").read_text("utf-8")
    assert ast.dump(ast.parse(written)) == ast.dump(ast.parse(shown[-1])), CURE
