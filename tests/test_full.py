"""What `poe full` stands on: its lists, its plain run and its comparison of answers."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))
import asking  # noqa: E402
import listed  # noqa: E402
import public  # noqa: E402
from conftest import MakeNotebook  # noqa: E402


@pytest.mark.parametrize("name", ["public.toml", "drawn.toml"])
def test_every_notebook_on_a_list_has_a_commit_and_a_name_of_its_own(name: str) -> None:
    entries = listed.read(BENCHMARKS / name)
    assert len({(entry.repository, entry.path) for entry in entries}) == len(entries) > 10
    assert all(len(entry.commit) == 40 for entry in entries)


def test_a_key_that_there_is_none_of_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "list.toml"
    entry = 'commits = {"a/b" = "c"}\n[notebooks.x]\nrepository = "a/b"\npath = "x.ipynb"\n'
    file.write_text(entry)
    assert listed.read(file)[0].url == "https://github.com/a/b"
    for wrong in ('end = "raw"', 'ends = "best"'):
        file.write_text(f"{entry}{wrong}\n")
        with pytest.raises(ValueError, match="x: "):
            listed.read(file)


def test_a_plain_run_passes_over_what_fails_and_writes_answers(
    tmp_path: Path, make_notebook: MakeNotebook
) -> None:
    cells = [
        "%matplotlib inline\nraise SystemError",
        "class Column:\n    def __getitem__(self, at): return [1, float('nan')]",
        "class Rows:\n    columns, iloc = ['a'], Column()",
        "class Model:\n    def predict(self, x): return [v * factor for v in x]",
        "model = Model()",
    ]
    notebook = make_notebook(*cells)
    public.put_in_front(notebook, "factor = 3")
    nbformat.validate(json.loads(notebook.read_text()))
    said = tmp_path / "said.json"
    answers = tmp_path / "answers.json"
    said.write_text(
        json.dumps(
            {
                "rows": "Rows",
                "inputs": "[1, 2]",
                "model": "model",
                "answers": "model.predict(inputs)",
            }
        )
    )
    script = [sys.executable, str(BENCHMARKS / "plainly.py")]
    subprocess.run(
        [*script, str(notebook), str(said), str(answers)], check=True, capture_output=True
    )
    found = json.loads(answers.read_text())
    assert found["rows"] == [{"a": 1}, {"a": None}]
    assert found["answers"] == [3, 6]


@pytest.mark.parametrize(
    ("prediction", "right"),
    [
        ({"value": 2.0 + 1e-12}, True),
        ({"value": 2.001}, False),
        ({"label": "yes", "probabilities": {"no": 0.25, "yes": 0.75}}, True),
        ({"label": "yes", "probabilities": {"no": 0.24, "yes": 0.76}}, False),
        ({"label": "no", "probabilities": {"no": 0.25, "yes": 0.75}}, False),
        ({}, False),
    ],
)
def test_an_answer_that_differs_is_seen(prediction: dict[str, Any], right: bool) -> None:
    witness = {"answers": [2], "probabilities": [[0.25, 0.75]], "classes": [1, 2]}
    outputs = {"labels": ["no", "yes"], "x-encoded": [1, 2]}
    difference = asking._difference(prediction, witness, 0, outputs)
    assert (difference <= 1e-9) is right
