"""The command line: what it takes, and one clear message and exit code for what it does not."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Cli, MakeNotebook

from mlship.errors import EXIT_CODES

HEAVY = ("copier", "rich", "jinja2", "nbformat", "jupytext", "yaml")


def test_help_lists_the_commands(cli: Cli) -> None:
    result = cli("--help")
    assert result.returncode == 0
    assert {"new", "inspect"} <= set(result.stdout.split())
    assert "\x1b" not in result.stdout


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys, mlship.cli; from mlship.__main__ import main; "
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_version(cli: Cli) -> None:
    assert cli("--version").stdout.startswith("mlship 0.")


@pytest.mark.parametrize(
    "arguments",
    [
        ["bogus"],
        ["new", "--bogus"],
        ["inspect"],
        ["new", "x", "-d"],
        ["new", "x", "-d", "noequals"],
    ],
)
def test_wrong_usage_is_2(cli: Cli, arguments: list[str]) -> None:
    result = cli(*arguments)
    assert result.returncode == 2
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_unknown_answer_is_2_with_the_nearest_question(cli: Cli, tmp_path: Path) -> None:
    result = cli("new", tmp_path / "x", "-d", "descripton=x", "--defaults")
    assert result.returncode == 2
    assert "Did you mean 'description'?" in result.stderr
    assert not (tmp_path / "x").exists()


def test_derived_answer_cannot_be_given(cli: Cli, tmp_path: Path) -> None:
    result = cli("new", tmp_path / "x", "-d", "package=os", "--defaults")
    assert result.returncode == 2
    assert "no question 'package'" in result.stderr


def test_several_targets_are_one_answer(cli: Cli, tmp_path: Path) -> None:
    chosen = ["-d", "targets=aws-eb, kubernetes"]
    result = cli("new", tmp_path / "harbour", *chosen, "--defaults", "--dry-run")
    assert result.returncode == 0, result.stderr
    lines = [line.split("/") for line in result.stdout.splitlines() if "deploy/" in line]
    folders = {names[1] for names in lines if len(names) > 2}
    assert folders == {"aws-eb", "kubernetes"}


def test_unknown_target_is_named_with_the_known_ones(cli: Cli, tmp_path: Path) -> None:
    result = cli("new", tmp_path / "harbour", "-d", "targets=aws-eb,heroku", "--defaults")
    assert result.returncode == 2
    assert "no choice 'heroku'" in result.stderr
    assert "gcp-cloud-run" in result.stderr


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("class", "keyword"),
        ("json", "keyword"),
        ("streamlit", "keyword"),
        ("{{ 7*7 }}", "Start with a letter"),
        ("$(id)", "Start with a letter"),
        ("a; rm -rf b", "Start with a letter"),
        ("naïve", "Start with a letter"),
        ("1st", "Start with a letter"),
        ("x" * 100, "Start with a letter"),
        ("con", "keyword"),
        ('quo"te', "Start with a letter"),
    ],
)
def test_hostile_project_name_is_2(cli: Cli, tmp_path: Path, name: str, said: str) -> None:
    result = cli("new", tmp_path / "target", "-d", f"project_name={name}", "--defaults")
    assert result.returncode == 2, result.stderr
    assert said in result.stderr
    assert "Traceback" not in result.stderr
    assert list(tmp_path.glob("target*")) == []


def test_folder_with_a_hostile_name_is_2(cli: Cli, tmp_path: Path) -> None:
    result = cli("new", tmp_path / "{{7*7}}", "--defaults")
    assert result.returncode == 2
    assert "project_name" in result.stderr


def test_existing_target_is_3(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("mine")
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("full", "file", "link"):
        result = cli("new", tmp_path / name, "--defaults")
        assert result.returncode == 3, result.stderr
        assert "choose another path" in result.stderr
    assert (tmp_path / "full" / "file").read_text() == "mine"


def test_current_folder_is_3(cli: Cli) -> None:
    assert "go to its parent" in cli("new", ".", "--defaults").stderr


def test_missing_parent_is_3(cli: Cli, tmp_path: Path) -> None:
    assert cli("new", tmp_path / "no" / "such", "--defaults").returncode == 3


def test_missing_git_is_3(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "mlship", "new", str(tmp_path / "x"), "--defaults"],
        env={**os.environ, "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 3
    assert "git is not installed" in result.stderr


def test_no_terminal_and_no_defaults_is_2(cli: Cli, tmp_path: Path) -> None:
    result = cli("new", tmp_path / "x")
    assert result.returncode == 2
    assert "--defaults" in result.stderr
    assert "project_name" in result.stderr
    assert not (tmp_path / "x").exists()


def test_data_file_that_is_no_mapping_is_2(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "answers.yml").write_text("- a\n")
    result = cli("new", tmp_path / "x", "--data-file", tmp_path / "answers.yml", "--defaults")
    assert result.returncode == 2


def test_unknown_template_is_2(cli: Cli, tmp_path: Path) -> None:
    result = cli("new", tmp_path / "x", "--template", tmp_path / "nowhere", "--defaults")
    assert result.returncode == 2
    assert "No template" in result.stderr


def test_unknown_version_of_the_template_is_2(cli: Cli, tmp_path: Path) -> None:
    result = cli("new", tmp_path / "x", "--ref", "v9.9.9", "--defaults")
    assert result.returncode == 2
    assert "Traceback" not in result.stderr


def test_interpreter_that_does_not_run_is_3(cli: Cli, make_notebook: MakeNotebook) -> None:
    result = cli("inspect", make_notebook("x = 1"), "--python", "/no/such/python")
    assert result.returncode == 3
    assert "no Python that runs" in result.stderr


def test_dry_run_lists_files_and_writes_none(cli: Cli, tmp_path: Path) -> None:
    result = cli("new", tmp_path / "x", "--dry-run", "--defaults", "--json")
    assert result.returncode == 0, result.stderr
    files = json.loads(result.stdout)
    assert {"pyproject.toml", "src/x/app.py", "ui/app.py", "docker/api.Dockerfile"} <= set(files)
    assert not (tmp_path / "x").exists()


def test_exit_codes_are_described() -> None:
    assert set(EXIT_CODES) == {0, 1, 2, 3, 5, 130, 143}
