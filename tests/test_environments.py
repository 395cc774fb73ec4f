"""Which Python and which libraries a notebook runs with, and is served with."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest
import tomlkit
from conftest import Cli, MakeNotebook

from mlship import asof, installing, interpreter, notebook, pins, uv
from mlship.errors import IntakeError, PreconditionError, UsageError

IRIS = "from sklearn.datasets import load_iris\nX, y = load_iris(return_X_y=True, as_frame=True)"
FIT = "from sklearn.linear_model import LinearRegression\nmodel = LinearRegression().fit(X, y)"
KAGGLE = {"execution": {"iopub.execute_input": "2021-03-04T05:06:07.891Z"}}
COLAB = {"executionInfo": {"timestamp": 1612345678901, "user": {"displayName": "Ada"}}}
EXECUTE_TIME = {"ExecuteTime": {"start_time": "2019-01-02T03:04:05.6Z"}}


def with_metadata(path: Path, notebook_: object, cells: Sequence[object]) -> Path:
    node = json.loads(path.read_text())
    node["metadata"] = notebook_
    for cell, metadata in zip(node["cells"], cells, strict=True):
        cell["metadata"] = metadata
    path.write_text(json.dumps(node))
    return path


def commit(path: Path, day: str) -> None:
    environment = {**os.environ, "GIT_COMMITTER_DATE": f"{day}T12:00:00+00:00"}
    for arguments in (["init", "-q"], ["add", path.name], ["commit", "-qm", "Add a notebook"]):
        subprocess.run(["git", *arguments], cwd=path.parent, env=environment, check=True)


@pytest.mark.parametrize(
    ("metadata", "cells", "day"),
    [
        ({"papermill": {"end_time": "2022-05-06T07:08:09.1"}}, [{}, {}], date(2022, 5, 6)),
        ({}, [KAGGLE, COLAB], date(2021, 3, 4)),
        ({}, [COLAB, {}], date(2021, 2, 3)),
        ({"papermill": "x"}, [KAGGLE, {"execution": {"iopub.execute_input": 7}}], date(2021, 3, 4)),
        ({}, [KAGGLE, {"execution": {"iopub.execute_input": "9999-99-99"}}], date(2021, 3, 4)),
    ],
    ids=["papermill", "the last of several", "colab", "what is no time", "what is no day"],
)
def test_day_of_a_notebook_is_that_of_its_last_run(
    make_notebook: MakeNotebook, metadata: object, cells: Sequence[object], day: date
) -> None:
    path = with_metadata(make_notebook("x = 1", "y = 2"), metadata, cells)
    assert asof.read("notebook", path).day == day


def test_day_of_a_notebook_without_times_is_its_last_commit(make_notebook: MakeNotebook) -> None:
    path = make_notebook("x = 1")
    commit(path, "2023-04-05")
    found = asof.read("notebook", path)
    assert (found.day, found.source) == (date(2023, 4, 5), "its last commit in git")


def test_day_is_not_guessed(make_notebook: MakeNotebook) -> None:
    with pytest.raises(UsageError, match="--as-of YYYY-MM-DD"):
        asof.read("notebook", make_notebook("x = 1"))


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("yesterday", "YYYY-MM-DD"),
        ("2021-02-30", "YYYY-MM-DD"),
        ("2999-01-01", "still to come"),
        ("2020-10-04", "no Python 3.9 yet"),
    ],
)
def test_day_that_does_not_do_is_2(
    make_notebook: MakeNotebook, cli: Cli, said: str, why: str
) -> None:
    result = cli("inspect", make_notebook("x = 1"), "--as-of", said)
    assert result.returncode == 2
    assert why in result.stderr


@pytest.mark.parametrize("other", ["--python", "--model"])
def test_day_goes_with_no_environment_of_the_users(cli: Cli, tmp_path: Path, other: str) -> None:
    source = ["--model"] if other == "--model" else [tmp_path / "x.ipynb", other]
    result = cli("inspect", *source, "x", "--as-of", "2022-01-01")
    assert result.returncode == 2
    assert "--as-of is for" in result.stderr


def test_python_of_a_day_was_out_by_then() -> None:
    assert asof.AsOf(date(2021, 10, 3), "").pythons() == ["3.9"]
    assert asof.AsOf(date(2022, 10, 24), "").pythons() == ["3.11", "3.10", "3.9"]


def test_day_ends_with_the_day() -> None:
    assert asof.AsOf(date(2021, 12, 31), "").before == "2022-01-01T00:00:00Z"


def test_python_of_a_day_that_is_not_there_is_named(
    make_notebook: MakeNotebook, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    monkeypatch.setenv("UV_PYTHON_INSTALL_DIR", str(tmp_path))
    monkeypatch.setenv("UV_PYTHON_DOWNLOADS", "never")
    if uv.python("3.9"):
        pytest.skip("this machine's own Python is 3.9")
    taken = notebook.read(make_notebook("import numpy"))
    with pytest.raises(PreconditionError, match=r"need Python 3\.9, which is not on"):
        interpreter.find(taken, None, tmp_path, asof.AsOf(date(2021, 6, 1), "--as-of"))


def test_environment_that_is_complete_is_taken_whatever_the_day(
    make_notebook: MakeNotebook, science: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VIRTUAL_ENV", str(science.parent.parent))
    taken = notebook.read(make_notebook("import sklearn"))
    found = interpreter.find(taken, None, tmp_path, asof.AsOf(date(2023, 6, 1), "--as-of"))
    assert (found.executable, found.newest) == (science, False)
    assert "--as-of 2023-06-01 is not used" in found.found


REMOVED = {"cell": 1, "error": "ImportError: `load_boston` has been removed"}
UNDEFINED = {"cell": 2, "error": "NameError: name 'load_boston' is not defined"}
MISSING = {"cell": 1, "error": "FileNotFoundError: boston.csv"}


@pytest.mark.parametrize(
    ("newest", "errors", "named", "hinted"),
    [
        (True, [REMOVED], REMOVED, True),
        (True, [REMOVED, UNDEFINED], UNDEFINED, True),
        (True, [MISSING, UNDEFINED], UNDEFINED, False),
        (True, [MISSING, REMOVED], MISSING, False),
        (False, [REMOVED], REMOVED, False),
    ],
    ids=["its own", "what follows", "another reason", "later", "not of today"],
)
def test_refusal_names_the_flag_where_libraries_may_have_changed(
    newest: bool, errors: list[dict[str, str]], named: dict[str, str], hinted: bool
) -> None:
    with pytest.raises(IntakeError) as refused, asof.hinting(newest, errors):
        raise IntakeError(f"No model. Cell {named['cell']} fails: {named['error']}")
    assert ("try --as-of notebook" in str(refused.value)) == hinted


@pytest.mark.parametrize(
    ("installer", "said"),
    [
        ("uv", "pip install --python /env/bin/python opencv-python-headless torch"),
        ("pip", "/env/bin/python -m pip install opencv-python-headless torch"),
        ("conda", "install --channel conda-forge --prefix /env opencv pytorch"),
        ("system", "pip install --python .venv opencv-python-headless torch"),
    ],
)
def test_install_command_is_that_of_the_environment(installer: str, said: str) -> None:
    packages = ["torch", "opencv-python-headless"]
    command = installing.command(installer, Path("/env/bin/python"), Path("/env"), packages)
    assert command.endswith(said)


def test_environment_knows_who_installs_into_it(science: Path, tmp_path: Path) -> None:
    def installer(executable: Path) -> str:
        code = f"{installing.PROBE}\nprint(installer())"
        return subprocess.check_output([executable, "-c", code], text=True).strip()

    assert installer(science) == "uv"
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "plain")], check=True)
    plain = tmp_path / "plain" / "bin" / "python"
    assert installer(plain) == "pip"
    (tmp_path / "plain" / "conda-meta").mkdir()
    assert installer(plain) == "conda"


def test_install_command_brings_what_is_missing(
    make_notebook: MakeNotebook, cli: Cli, tmp_path: Path
) -> None:
    home = tmp_path / "env"
    uv.run(["venv", str(home)])
    path = make_notebook("import tabulate")
    before = cli("inspect", path, "--python", home)
    command = before.stderr.partition("Install it with:  ")[2].splitlines()[0]
    subprocess.run(command, shell=True, check=True, capture_output=True)
    after = cli("inspect", path, "--python", home)
    assert "tabulate" in before.stderr
    assert "tabulate" not in after.stderr


def test_package_that_is_not_known_is_not_vouched_for(
    make_notebook: MakeNotebook, cli: Cli, science: Path
) -> None:
    result = cli("inspect", make_notebook("import acme_secret"), "--python", science)
    assert result.returncode == 5
    assert "mlship does not know which package has acme_secret" in result.stderr


@pytest.fixture
def staged(tmp_path: Path) -> Path:
    """A project with one dependency of its own, a model's and a page's, for Python 3.11."""
    own = {"name": "app", "version": "0", "requires-python": "==3.11.*"}
    texts: dict[str, dict[str, object]] = {
        ".": {
            "project": {**own, "dependencies": ["app-model", "skops>=0.13"]},
            "tool": {
                "uv": {
                    "workspace": {"members": ["model"]},
                    "sources": {"app-model": {"workspace": True}},
                }
            },
        },
        "model": {"project": {**own, "name": "app-model", "dependencies": []}},
        "ui": {"project": {**own, "name": "app-ui", "dependencies": []}},
    }
    for folder, text in texts.items():
        (tmp_path / "app" / folder).mkdir(exist_ok=True, parents=True)
        (tmp_path / "app" / folder / "pyproject.toml").write_text(tomlkit.dumps(text))
    return tmp_path / "app"


def locked(staged: Path) -> dict[str, str]:
    lock = tomlkit.parse((staged / "uv.lock").read_text()).unwrap()
    return {package["name"]: package["version"] for package in lock["package"]}


def test_versions_of_the_run_are_served_where_they_can_be_had(staged: Path) -> None:
    packages = {"numpy": "1.26.4", "scikit-learn": "1.5.2"}
    pins.write(staged, packages)
    assert pins.lock(staged, packages) == []
    assert locked(staged).items() >= packages.items()


def test_nearest_versions_are_served_where_the_runs_own_cannot_be_had(staged: Path) -> None:
    packages = {"joblib": "1.0.1", "numpy": "1.20.3", "pandas": "1.5.3", "scikit-learn": "0.24.2"}
    pins.write(staged, packages)
    replaced = {item.name: item for item in pins.lock(staged, packages)}
    assert replaced.keys() == {"joblib", "numpy", "scikit-learn"}
    assert replaced["scikit-learn"].run == "0.24.2"
    assert replaced["scikit-learn"].served.startswith("1.2.")
    served = {name: item.served for name, item in replaced.items()} | {"pandas": "1.5.3"}
    assert locked(staged).items() >= served.items()
    assert not (staged / "model" / "nearest.in").exists()


def test_versions_that_nobody_has_are_refused(staged: Path) -> None:
    packages = {"scikit-learn": "99.0"}
    pins.write(staged, packages)
    with pytest.raises(IntakeError, match=r"scikit-learn==99\.0"):
        pins.lock(staged, packages)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("estimator", "served"),
    [("linear_model.LinearRegression", True), ("ensemble.GradientBoostingRegressor", False)],
)
def test_notebook_of_2021_is_served_or_refused(
    make_notebook: MakeNotebook, cli: Cli, tmp_path: Path, estimator: str, served: bool
) -> None:
    """A boosting model of scikit-learn 0.24 unpickles in 1.2, and cannot be asked there."""
    if not (uv.python("3.9") or uv.pyenv_python("3.9")):
        pytest.skip("Python 3.9 is not on this machine")
    module, _, name = estimator.partition(".")
    fit = f"from sklearn.{module} import {name}\nmodel = {name}().fit(X, y)"
    path = with_metadata(
        make_notebook("import pandas as pd", IRIS, fit), {}, [KAGGLE, KAGGLE, KAGGLE]
    )
    options = ["--as-of", "notebook", "--defaults", "--no-install"]
    result = cli("new", tmp_path / "app", "-n", path, *options)
    assert "scikit-learn 1.2.0 in place of 0.24.1" in result.stderr
    if not served:
        assert result.returncode == 5
        assert "the model does not serve" in result.stderr
        assert not (tmp_path / "app").exists()
        return
    assert result.returncode == 0, result.stderr
    receipt = json.loads((tmp_path / "app" / "model" / "receipt.json").read_text())
    assert receipt["replaced"]["scikit-learn"] == {"made": "0.24.1", "served": "1.2.0"}
    for card in ("README.md", "model/MODEL_CARD.md"):
        assert "scikit-learn 1.2.0 in place of 0.24.1" in (tmp_path / "app" / card).read_text()


def test_todays_libraries_are_named_as_the_reason(make_notebook: MakeNotebook, cli: Cli) -> None:
    cell = "from sklearn.datasets import load_boston\nX, y = load_boston(return_X_y=True)"
    result = cli("inspect", make_notebook(cell, FIT))
    assert result.returncode == 5
    assert "try --as-of notebook" in result.stderr
