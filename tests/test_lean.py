"""What a cut needs: which columns, which statements, and which tables are held for it."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

SOURCE = Path(__file__).parents[1] / "src"
COLUMNS = """
import json
import numpy as np, pandas as pd
from mlship.recorder.columns import Columns

COUNT = 3000
rows = pd.DataFrame({
    "a": np.arange(COUNT) / 7, "b": np.arange(COUNT) % 5, "kind": ["oak", "ash", "oak"] * 1000,
    "name": [f"person {number}" for number in range(COUNT)], "mark": "even",
})
rows.loc[1, "mark"] = "odd"
rows["twin"] = rows["a"]

def plain(rows):
    rows["double"] = rows["b"] * 2
    return rows[["a"]]

def either(rows):
    return rows[["a"] if "a" in rows else ["twin"]].set_axis(["a"], axis=1)

def rarely(rows):
    rows["double"] = rows["b"] * 2
    return (rows["a"] + (rows["mark"] == "odd")).to_frame()

def initials(rows):
    rows["initial"] = [name[0] for name in rows["name"]]
    rows["leaf"] = rows["kind"].map({"oak": "round", "ash": "long"}.__getitem__)
    return rows[["a"]]

def first(rows):
    return rows.iloc[:, [0]]

features, by_place = FEATURES
inputs = features(rows.copy())
needed, filled = Columns(features, rows, inputs, by_place).needed()
print(json.dumps([needed, {k: getattr(v, "item", lambda: v)() for k, v in filled.items()}]))
"""
LARGE = """
import json, sys
import numpy as np, pandas as pd
from mlship.recorder.run import Recorder
from mlship.recorder.tape import Tape

pd.DataFrame({"a": np.arange(600_000.0), "b": 1}).to_csv("large.csv", index=False)
cells = [
    (1, "import pandas as pd"),
    (2, "df = pd.read_csv('large.csv')"),
    (3, "few = df.head(3)\\nmean = df['a'].mean()\\ndf['a'] = df['a'] - mean"),
    (4, "other = df[['b', 'a']]"),
]
job = {"cells": cells, "folder": ".", "origin": ".", "maps": {}, "cell_seconds": 600}
recorder = Recorder(job, lambda message: None)
recorder.run()
tape = Tape(recorder.statements, recorder.log)
tape.run(range(len(recorder.statements)), 1)
before = sorted(name for name in ("df", "few", "mean", "other") if name in tape.namespace)
tape.free()
after = sorted(name for name in ("df", "few", "mean", "other") if name in tape.namespace)
held = [tape.held("df", at)["a"].iloc[0].item() for at in (1, 4)]
print(json.dumps([before, after, held, tape.held("other", 5).shape]))
"""
LEAN = """
import json
import numpy as np, pandas as pd
from mlship.recorder import cutting
from mlship.recorder.run import Recorder

pd.DataFrame({
    "age": [20.0, None, 31.0, 44.0, 52.0] * 12, "size": np.arange(60.0) ** 1.5,
    "note": [" a", "b ", "c", "d", "e"] * 12, "place": ["x", "y", "z"] * 20, "y": np.arange(60) % 7,
}).to_csv("people.csv", index=False)
cells = [
    (1, "import pandas as pd\\nfrom sklearn.linear_model import LinearRegression"),
    (2, "df = pd.read_csv('people.csv')"),
    (3, "df['note'] = df['note'].str.strip()"),
    (4, "df['age'] = df['age'].fillna(30)"),
    (5, "df['note'], df['size'] = df['note'].str.lower(), df['size'] * 2"),
    (6, "df['long'] = df['note'].str.len()"),
    (7, "df['place'] = df['place'].str.upper()"),
    (8, "X = df[['age', 'size']]\\nmodel = LinearRegression().fit(X, df['y'])\\nmodel.predict(X)"),
]
job = {"cells": cells, "folder": ".", "origin": ".", "maps": {}, "cell_seconds": 600}
recorder = Recorder(job, lambda message: None)
recorder.run()
search = cutting.find(recorder.statements, recorder.log, recorder.candidates()[0])
found = [cut.script for cut in (search.cut, search.whole)]
spared = [sorted(script.statements[at].cell for at in script.spared) for script in found]
print(json.dumps([search.cut.names, sorted(search.cut.filled), spared]))
"""


def said(science: Path, program: str, folder: Path) -> Any:
    """Run a program where pandas is installed; return what it prints as JSON."""
    result = subprocess.run(
        [science, "-c", program],
        cwd=folder,
        env={"PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not result.returncode, result.stderr
    return json.loads(result.stdout)


@pytest.mark.parametrize(
    ("features", "needed", "filled"),
    [
        pytest.param("plain, False", ["a"], {"b": 0}, id="read, but of no effect"),
        pytest.param("either, False", ["twin"], {}, id="one of two that stand for each other"),
        pytest.param("rarely, False", ["a", "mark"], {"b": 0}, id="of effect in one row of 3,000"),
        pytest.param("initials, False", ["a", "name"], {"kind": "oak"}, id="no name of a person"),
        pytest.param(
            "first, True",
            ["a"],
            {"b": 0, "kind": "", "name": "", "mark": "", "twin": 0.0},
            id="by place, where none is left out",
        ),
    ],
)
def test_only_columns_that_matter_are_asked_for(
    science: Path, tmp_path: Path, features: str, needed: list[str], filled: dict[str, Any]
) -> None:
    program = COLUMNS.replace("FEATURES", features)
    assert said(science, program, tmp_path) == [needed, filled]


def test_idle_statements_go_and_one_among_them_that_matters_stays(
    science: Path, tmp_path: Path
) -> None:
    names, filled, spared = said(science, LEAN, tmp_path)
    assert names == ["age", "size"]
    assert filled == ["note"]
    assert spared == [[3, 6, 7], []]


def test_large_tables_of_a_run_are_let_go_and_their_copies_kept(
    science: Path, tmp_path: Path
) -> None:
    before, after, held, shape = said(science, LARGE, tmp_path)
    assert before == ["df", "few", "mean", "other"]
    assert after == ["few", "mean"]
    assert held == [0.0, -299999.5]
    assert shape == [600_000, 2]
