"""The tests that a project gets of its team's own code: they pass, say much, and can fail."""

import json
import os
import random
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from conftest import MLSHIP, notebook_of

from mlship import uv

NOTEBOOK = [
    "import numpy as np, pandas as pd\n"
    "from sklearn.linear_model import LogisticRegression\n"
    "from sklearn.model_selection import train_test_split\n"
    "from sklearn.preprocessing import StandardScaler",
    "df = pd.read_csv('guests.csv')\ndf.head()",
    "def nights(text):\n"
    "    if '-' in text:\n"
    "        low, high = text.split('-')\n"
    "        return (int(low) + int(high)) / 2\n"
    "    try:\n"
    "        return float(text)\n"
    "    except ValueError:\n"
    "        return None",
    "def title_of(name):\n    return name.split(',')[1].split('.')[0].strip()",
    "df['Nights'] = df.Nights.apply(nights)\n"
    "df['Nights'] = df.Nights.fillna(df.Nights.median())\n"
    "df['Title'] = df['Guest name'].apply(title_of)\n"
    "df['Age'] = df['Age'].fillna(df['Age'].mean())\n"
    "df['Port'] = df['Port'].fillna('none')",
    "df = pd.get_dummies(df.drop(columns=['Guest name']), columns=['Port', 'Title'])",
    "X = df.drop(columns='Stayed')\ny = df.Stayed",
    "A, B, a, b = train_test_split(X, y, random_state=3)",
    "scaler = StandardScaler()\nA = scaler.fit_transform(A)\nB = scaler.transform(B)",
    "model = LogisticRegression().fit(A, a)\nprint(model.score(B, b))",
]
FAMILIES = [f"{first}{last}" for first in ("Hart", "Lind", "Ost", "Brak") for last in
            ("mann", "qvist", "erby", "wold", "heim", "stad")]  # fmt: skip


def write_guests(path: Path) -> list[str]:
    dice = random.Random(5)
    names, lines = [], ["Guest name,Age,Fare,Nights,Port,Stayed"]
    for i in range(240):
        family, first = dice.choice(FAMILIES), f"Xav{chr(97 + i % 26)}{chr(97 + i // 26)}"
        names.append(f"{family}, {('Mr', 'Mrs', 'Miss')[i % 3]}. {first}")
        age = "" if i % 7 == 0 else str(20 + dice.randrange(50))
        nights = "many" if i % 19 == 0 else f"{i % 4}-{i % 4 + 3}" if i % 5 == 0 else str(i % 9)
        port = ("C", "Q", "S", "")[dice.randrange(4)]
        fare = dice.random() * 90
        lines.append(f'"{names[-1]}",{age},{fare:.2f},{nights},{port},{int(fare > 40)}')
    path.write_text("\n".join(lines) + "\n")
    return names


def make(folder: Path, science: Path, *flags: str) -> Path:
    (folder / "stays.ipynb").write_text(json.dumps(notebook_of(NOTEBOOK)))
    command = ["new", "stays", "-n", "stays.ipynb", "--python", str(science), "--defaults", *flags]
    result = subprocess.run(
        [*MLSHIP, *command], cwd=folder, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return folder / "stays"


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return write_guests(tmp_path_factory.getbasetemp() / "guests.csv")


@pytest.fixture(scope="module")
def project(science: Path, names: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stays")
    write_guests(folder / "guests.csv")
    return make(folder, science)


@pytest.fixture(scope="module")
def made_up(science: Path, names: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made-up")
    write_guests(folder / "guests.csv")
    return make(folder, science, "--synthetic-rows")


def outcome(project: Path) -> "subprocess.CompletedProcess[str]":
    environment = {k: v for k, v in os.environ.items() if k != "VIRTUAL_ENV"}
    command = [str(project / ".venv/bin/python"), "-m", "pytest", "-q", "tests/model"]
    return subprocess.run(
        command, cwd=project, env=environment, capture_output=True, text=True, check=False
    )


def read(project: Path, name: str) -> str:
    return (project / "tests" / "model" / name).read_text(encoding="utf-8")


@pytest.mark.slow
def test_project_passes_its_own_tests_and_they_are_clean(project: Path) -> None:
    result = outcome(project)
    assert result.returncode == 0, result.stdout
    for command in (["ruff", "format", "--check"], ["ruff", "check"], ["mypy", "--strict"]):
        uv.run(["run", *command, "tests/model"], cwd=project)
    assert "noqa" not in read(project, "test_features.py") + read(project, "test_training.py")


@pytest.mark.slow
def test_every_function_has_a_test(project: Path) -> None:
    text = read(project, "test_features.py")
    for name in ("nights", "title_of", "prepare", "inputs", "scale", "features"):
        assert f"def test_{name}_" in text, text
    assert "train(data)" in read(project, "test_training.py")


@pytest.mark.slow
def test_examples_hold_each_form_and_a_row_with_something_missing(project: Path) -> None:
    text = read(project, "test_features.py")
    assert '("many", None)' in text
    assert re.search(r'\("\d-\d", \d\.5\)', text)
    cases = json.loads(read(project, "cases.json"))
    assert {"number": "nan"} in columns(cases["rows"])["Port"]
    assert {"number": "nan"} in columns(cases["requests"])["Age"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("/ 2", "/ 3"),
        ('.split(",")[1]', '.split(",")[0]'),
        ("return None", "return 0.0"),
        ('.fillna("none")', '.fillna("C")'),
        ('df["Age"].mean', 'df["Age"].max'),
        ('"Port", "Title"', '"Port"'),
    ],
)
def test_a_changed_function_is_seen(project: Path, old: str, new: str) -> None:
    path = next((project / "model" / "src").iterdir()) / "features.py"
    text = path.read_text()
    assert text.count(old) == 1, text
    path.write_text(text.replace(old, new))
    try:
        result = outcome(project)
    finally:
        path.write_text(text)
    assert result.returncode == 1, result.stdout
    assert "failed" in result.stdout


@pytest.mark.slow
def test_training_that_leaves_learning_on_is_seen(project: Path) -> None:
    path = next((project / "model" / "src").iterdir()) / "train.py"
    text = path.read_text()
    path.write_text(text.replace("learned.sealed(), metrics", "learned, metrics"))
    try:
        result = outcome(project)
    finally:
        path.write_text(text)
    assert "test_nothing_is_learned_after_training" in result.stdout


@pytest.mark.slow
def test_no_name_of_a_person_is_kept(project: Path, names: list[str]) -> None:
    text = read(project, "cases.json") + read(project, "test_features.py")
    assert "Mrs" in text
    assert not [family for family in FAMILIES if family in text]
    assert not [name for name in names if name.rpartition(" ")[2] in text]


@pytest.mark.slow
def test_no_real_row_is_kept_where_they_are_made_up(made_up: Path, names: list[str]) -> None:
    result = outcome(made_up)
    assert result.returncode == 0, result.stdout
    cases = json.loads(read(made_up, "cases.json"))
    assert "made up" in read(made_up, "test_features.py")
    lines = (made_up.parent / "guests.csv").read_text().splitlines()[1:]
    real = {tuple(line.rpartition('",')[2].split(",")[1:3]) for line in lines}
    rows = columns(cases["rows"])
    assert not real & {(f"{f:.2f}", n) for f, n in zip(rows["Fare"], rows["Nights"], strict=True)}
    assert not [name for name in names if name in read(made_up, "cases.json")]


def columns(table: Any) -> dict[str, list[Any]]:
    """Return the values of each column of a table said in JSON."""
    return {series["series"][3]: series["series"][1] for series in table["frame"][1:]}
