"""What comes of each shape and trap that notebooks have: never a wrong answer."""

import csv
import hashlib
import json
import os
import random
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from conftest import MLSHIP, ROOT, notebook_of
from shapes import LOAD, SHAPES, START, Shape

from mlship import notebook

CITIES = {"Aachen": 50, "Bonn": 60, "Kiel": 45, "Mainz": 40, "Ulm": 9}
WORDS = ("late", "kind", "cheap", "friendly", "slow", "clean", "noisy", "great")


def people(number: int, seed: int) -> list[dict[str, Any]]:
    """Make rows with gaps, rare categories, outliers and repetitions."""
    chance = random.Random(seed)
    rows = []
    for _ in range(number):
        city = chance.choices(list(CITIES), list(CITIES.values()))[0]
        visits, income = chance.randint(0, 9), round(chance.lognormvariate(7.6, 0.6), 2)
        score = visits * 1.5 + income / 900 + len(city) + chance.gauss(0, 1)
        rows.append(
            {
                "city": city,
                "sex": chance.choice(["male", "female"]),
                "age": "" if chance.random() < 0.15 else chance.randint(18, 80),
                "income": income,
                "visits": visits,
                "grade": chance.choice(["low", "mid", "high"]),
                "joined": f"20{chance.randint(10, 23)}-{chance.randint(1, 12):02}-0{chance.randint(1, 9)}",
                "note": " ".join(chance.sample(WORDS, 3)).capitalize() + "!",
                "score": round(score, 3),
                "bought": int(score + chance.gauss(0, 4) > 15),
            }
        )
    return rows


def prepared(shapes: Sequence[Shape], folder: Path) -> None:
    """Write the data and the cells of some notebooks into ``folder``, a folder for each."""
    jobs = []
    for shape in shapes:
        place = folder / shape.name / "data"
        place.mkdir(parents=True)
        write(place / "people.csv", people(204, 1))
        write(place / "more.csv", people(60, 2))
        write(place / "places.csv", [{"city": c, "people": len(c) * n} for c, n in CITIES.items()])
        numbers = [f"{r['income']},{r['visits']},{r['score']}" for r in people(60, 3)]
        (place / "plain.csv").write_text("\n".join(numbers) + "\n")
        path = folder / shape.name / "work.ipynb"
        path.write_text(json.dumps(notebook_of(shape.cells)), encoding="utf-8")
        cells = [(cell.number, cell.source) for cell in notebook.read(path).cells]
        jobs.append({**shape._asdict(), "cells": cells})
    (folder / "jobs.json").write_text(json.dumps(jobs), encoding="utf-8")


def write(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture(scope="session")
def found(science: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What came of each notebook; one process runs them all."""
    folder = tmp_path_factory.mktemp("slices")
    prepared(list(SHAPES.values()), folder)
    program = Path(__file__).parent / "witness.py"
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MPLBACKEND": "agg"}
    subprocess.run(
        [science, program, ROOT / "src", folder, str(os.cpu_count() or 1)],
        env=environment,
        check=True,
    )
    return dict(json.loads((folder / "found.json").read_text()))


@pytest.mark.parametrize("name", SHAPES)
def test_answers_are_those_of_the_notebook(found: dict[str, Any], name: str) -> None:
    """Each row, alone and among others, is answered as the notebook's own model answers it."""
    shape, result = SHAPES[name], found[name]
    assert "crash" not in result, result["crash"]
    assert bool(result["errors"]) == shape.fails
    assert result["level"] == shape.level, (result["why"], result.get("blocked"))
    if shape.level in ("raw", "frame"):
        assert result["compared"] > 5
        assert result["classes"] > 1
        assert (result["different"], result["alone"], result["own"]) == (0, [], 0)
    if shape.columns is not None:
        assert tuple(result["columns"]) == shape.columns
    if shape.cell is not None:
        assert result["cut"]["cell"] == shape.cell


@pytest.mark.parametrize(
    "name", [name for name, shape in SHAPES.items() if shape.level in ("raw", "frame")]
)
def test_training_code_is_emitted_if_it_runs(found: dict[str, Any], name: str) -> None:
    result = found[name]
    said = " ".join([*result["cut"].get("notes", []), *result["remarks"]])
    expected = {"same": "gives the same model", "another": "gives another model"}
    assert expected.get(SHAPES[name].training, "There is no training code") in said
    assert ("train.py" in result["code"]) == (SHAPES[name].training != "none")


def test_held_out_rows_that_the_training_prepares_are_not_prepared_twice(
    found: dict[str, Any],
) -> None:
    lines = found["held_out_rows_needed_for_the_fit"]["code"]["train.py"].splitlines()
    assert sum("X_test = " in line for line in lines) == 1
    assert not any("evaluate(model, " in line for line in lines)


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("learned_values", "score"),
        ("learned_values_split", "score"),
        ("learned_numbered_anew", "score"),
        ("learned_logarithm", "score as the notebook transformed it"),
    ],
)
def test_column_that_was_learned_is_called_as_in_the_data(
    found: dict[str, Any], name: str, target: str
) -> None:
    assert found[name]["target"] == target


def test_training_tells_what_the_codes_of_its_classes_stand_for(found: dict[str, Any]) -> None:
    assert "labels = list(le.classes_)" in found["learned_encoded"]["code"]["train.py"]
    code = found["classes_of_a_dictionary"]["code"]["train.py"]
    assert "labels = ['low', 'mid', 'high']" in code
    assert "labels" not in found["learned_values"]["code"]["train.py"]


def test_held_out_rows_are_prepared_by_what_was_learned(found: dict[str, Any]) -> None:
    code = found["evaluation_rows_that_stop_the_fit"]["code"]["train.py"]
    assert "B = steps.scale(X_test, learned.sealed())" in code
    assert "evaluate(model, B, y_test)" in code
    own = found["evaluation_rows_fit_transform"]["code"]["train.py"]
    assert "X_test = s.fit_transform(X_test)" in own


def test_numbers_that_other_cells_draw_are_left_out(found: dict[str, Any]) -> None:
    code = found["seeded_by_an_own_function"]["code"]["train.py"]
    assert "np.random.bytes(5600)" in code  # two 32-bit numbers for each of 700
    assert "np.random.bytes" not in found["split_unseeded"]["code"]["train.py"]


@pytest.mark.parametrize("name", ["data_set_and_file", "data_set_after_file"])
def test_file_beside_a_data_set_lies_in_a_folder_that_is_no_data(
    found: dict[str, Any], name: str
) -> None:
    code = found[name]["code"]["load.py"]
    assert 'FOLDER = Path("data")' in code
    assert "FOLDER / 'places.csv'" in code
    assert "DATA" not in code


def test_features_import_only_what_is_there(found: dict[str, Any]) -> None:
    for name, result in found.items():
        code = result.get("code", {})
        for module in re.findall(r"^from \.(\w+) import", code.get("features.py", ""), re.M):
            assert module == "learned" or f"{module}.py" in code, name


@pytest.fixture(scope="module")
def sliced_project(science: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project of a notebook that fills gaps, encodes and scales before it fits."""
    folder = tmp_path_factory.mktemp("sliced")
    write(folder / "people.csv", people(204, 1))
    cells = [
        START,
        LOAD,
        "df['age'] = df['age'].fillna(df['age'].mean())",
        "X = pd.get_dummies(df[['age', 'city', 'visits']])",
        "scaler = StandardScaler()\nA = scaler.fit_transform(X)",
        "model = LinearRegression().fit(A, df.score); model.predict(A)",
    ]
    (folder / "work.ipynb").write_text(json.dumps(notebook_of(cells)), encoding="utf-8")
    command = ["new", "people", "-n", "work.ipynb", "--python", str(science), "--defaults"]
    result = subprocess.run(
        [*MLSHIP, *command], cwd=folder, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return folder / "people"


def parity(project: Path) -> int:
    """Run the project's own proof; return its exit status."""
    environment = {k: v for k, v in os.environ.items() if k != "VIRTUAL_ENV"}
    command = [str(project / ".venv/bin/python"), "-m", "pytest", "-q", "tests/test_parity.py"]
    return subprocess.run(
        command, cwd=project, env=environment, capture_output=True, check=False
    ).returncode


@pytest.mark.slow
@pytest.mark.parametrize("what", ["learned value", "learned scaler", "code", "column"])
def test_tampering_with_what_prepares_rows_turns_the_proof_red(
    sliced_project: Path, what: str
) -> None:
    model = sliced_project / "model"
    (code,) = model.glob("src/*/features.py")
    said = model / "signature.json"
    kept = {path: path.read_bytes() for path in (code, said, *model.glob("learned.*"))}
    signature = json.loads(kept[said])
    try:
        if what == "learned value":  # and its hash, so that only the answers can tell
            values = json.loads((model / "learned.json").read_text())
            assert values["age_mean"]
            values["age_mean"] = 12.0
            (model / "learned.json").write_text(json.dumps(values))
            digest = hashlib.sha256((model / "learned.json").read_bytes()).hexdigest()
            signature["features"]["learned"]["values"]["sha256"] = digest
            said.write_text(json.dumps(signature))
        elif what == "learned scaler":
            path = model / "learned.skops"
            path.write_bytes(kept[path][:-1] + bytes([kept[path][-1] ^ 1]))
        elif what == "code":
            changed = code.read_text().replace('df["age"].fillna(', 'df["age"].abs().fillna(1 + ')
            changed = changed.replace("df['age'].fillna(", "df['age'].fillna(1 + ")
            assert changed != kept[code].decode()
            code.write_text(changed)
        else:
            properties = signature["inputs"]["properties"]
            properties["age"], properties["visits"] = properties["visits"], properties["age"]
            properties["age"]["x-column"], properties["visits"]["x-column"] = "visits", "age"
            said.write_text(json.dumps(signature))
        assert parity(sliced_project) == 1
    finally:
        for path, content in kept.items():
            path.write_bytes(content)
    assert parity(sliced_project) == 0
