"""The template: every answer renders to a project that parses, is formatted and needs no trust."""

import ast
import itertools
import json
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import copier
import pytest
import yaml
from conftest import ROOT
from pytest_copie.plugin import Copie

from mlship import bundle, uv

RUFF = shutil.which("ruff", path=str(Path(sys.executable).parent)) or "ruff"
MATRIX = [
    {"python_version": python, "ci": ci, "project_name": name}
    for python, ci, name in itertools.product(
        ["3.11", "3.12", "3.13"],
        ["github", "none"],
        ["Iris", "A rather long name of forty characters x"],
    )
]
HOSTILE = [
    'quotes " and \' and """',
    "back\\slash \\n \\u0041",
    "{{ 7*7 }} {% raw %} {# x #}",
    "# no comment: [yaml, {x: y}] | > & * !",
    "$(id) `id` ; rm -rf / && $HOME",
    "ünïcödé 漢字 🚢",
    "<script>alert(1)</script>",
    "*emphasis* | table | cell",
]

Render = Callable[[Mapping[str, Any]], Path]


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template as it is shipped."""
    out = tmp_path_factory.mktemp("bundle") / "template.bundle"
    bundle.build(ROOT, "1.0.0", out)
    return out


@pytest.fixture
def render(source: Path, tmp_path: Path) -> Render:
    """Render with plain Copier, which must not ask for trust."""

    def run(answers: Mapping[str, Any]) -> Path:
        target = tmp_path / "project"
        copier.run_copy(
            str(source), target, data=dict(answers), defaults=True, unsafe=False, quiet=True
        )
        return target

    return run


def assert_parses(project: Path) -> None:
    for path in filter(Path.is_file, project.rglob("*")):
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".py":
            ast.parse(text)
        elif path.suffix == ".toml":
            tomllib.loads(text)
        elif path.suffix in {".yml", ".yaml"}:
            yaml.safe_load(text)
        elif path.suffix == ".json":
            json.loads(text)


@pytest.mark.parametrize("answers", MATRIX, ids=lambda a: "-".join(a.values()))
def test_answers_render_to_a_clean_project(copie: Copie, answers: dict[str, str]) -> None:
    result = copie.copy(extra_answers=answers, template_dir=ROOT)
    assert (result.exit_code, result.exception) == (0, None)
    project = result.project_dir
    assert project
    assert_parses(project)
    left = [path for path in project.rglob("*") if path.suffix == ".jinja" or "{" in path.name]
    assert left == []
    for command in (["format", "--check"], ["check"]):
        done = subprocess.run(
            [RUFF, *command, "--no-cache", "."],
            cwd=project,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
    assert (project / ".github").exists() == (answers.get("ci", "github") == "github")


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_answers_stay_text(render: Render, text: str) -> None:
    project = render({"project_name": "Safe", "description": text, "author_name": text})
    assert_parses(project)
    about = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert about["description"] == text
    assert about["authors"] == [{"name": text}]


@pytest.mark.parametrize(
    "answers",
    [
        {"project_name": "../up"},
        {"project_name": "with\nnewline"},
        {"description": "two\nlines"},
        {"description": ""},
        {"description": "x" * 301},
        {"author_name": " "},
        {"python_version": "2.7"},
    ],
    ids=repr,
)
def test_answers_that_make_no_sense_are_refused(render: Render, answers: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=next(iter(answers))):
        render(answers)


def test_same_answers_give_the_same_bytes(source: Path, tmp_path: Path) -> None:
    contents = []
    for place in ("one/name", "two/name"):
        copier.run_copy(str(source), tmp_path / place, defaults=True, quiet=True)
        files = sorted(filter(Path.is_file, (tmp_path / place).rglob("*")))
        contents.append({str(f.relative_to(tmp_path / place)): f.read_bytes() for f in files})
    assert contents[0] == contents[1]


def test_layout_names_no_feature_and_no_mlship_import(render: Render) -> None:
    project = render({"project_name": "Plain"})
    for path in (project / "src").rglob("*.py"):
        assert "import mlship" not in path.read_text(encoding="utf-8")
        assert "sepal" not in path.read_text(encoding="utf-8")
    for path in (project / "ui").rglob("*.py"):
        assert "sepal" not in path.read_text(encoding="utf-8") or "tests" in path.parts


@pytest.mark.slow
def test_project_of_plain_copier_trains_and_passes_its_own_checks(render: Render) -> None:
    """Without mlship: the example's training code, one verb, and then everything is proven."""
    minor = f"{sys.version_info[0]}.{sys.version_info[1]}"
    project = render({"project_name": "Plain copy", "python_version": minor, "ci": "none"})
    uv.run(["lock"], cwd=project / "ui")
    uv.run(["run", "poe", "train"], cwd=project)
    receipt = json.loads((project / "model" / "receipt.json").read_text())
    assert receipt["parity"]["reference"] == "training"
    assert "accuracy (5-fold)" in (project / "README.md").read_text()
    uv.run(["run", "poe", "check"], cwd=project)
