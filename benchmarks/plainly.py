"""Run a notebook plainly and write what its model says of the rows as loaded: the witness.

    PYTHON plainly.py NOTEBOOK WITNESS.json ANSWERS.json

Run by the notebook's own Python, in the notebook's folder. It imports nothing of mlship, and what
fails in the notebook is passed over, statement by statement.
"""

import ast
import builtins
import contextlib
import json
import os
import pathlib
import re
import sys
import warnings
from typing import Any


def main(notebook: str, witness: str, answers: str) -> None:
    """Run the cells, then evaluate the expressions of the witness and write the answers."""
    content = json.loads(pathlib.Path(notebook).read_text("utf-8"))
    said = json.loads(pathlib.Path(witness).read_text("utf-8"))
    target = pathlib.Path(answers).resolve()
    namespace: dict[str, Any] = {"__name__": "__main__"}
    builtins.display = lambda *a, **k: None  # type: ignore[attr-defined]
    os.environ.setdefault("MPLBACKEND", "agg")
    warnings.simplefilter("ignore")
    sys.path.insert(0, "")
    cells = content.get("cells") or content["worksheets"][0]["cells"]
    with pathlib.Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
        for number, cell in enumerate((c for c in cells if c["cell_type"] == "code"), 1):
            run("".join(cell.get("source", cell.get("input", ""))), number, namespace)
        rows, inputs, model = (
            eval(said[name], namespace)  # noqa: S307 - the list is this folder's own
            for name in ("rows", "inputs", "model")
        )
        known = {**namespace, "model": model, "inputs": inputs}
        predicted = eval(said["answers"], known)  # noqa: S307
    probabilities = None
    if hasattr(model, "predict_proba"):
        probabilities = [[plain(value) for value in row] for row in model.predict_proba(inputs)]
    names = [str(name) for name in rows.columns]
    columns = [[plain(value) for value in rows.iloc[:, at]] for at in range(len(names))]
    instances = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
    said = [plain(value) for value in getattr(predicted, "tolist", lambda: predicted)()]
    if len(instances) != len(said):
        sys.exit(f"{len(instances)} rows, but {len(said)} answers")
    result = {
        "rows": instances,
        "answers": said,
        "probabilities": probabilities,
        "classes": [plain(value) for value in getattr(model, "classes_", [])],
    }
    target.write_text(json.dumps(result), "utf-8")


def run(source: str, number: int, namespace: dict[str, Any]) -> None:
    """Run a cell's statements; say which failed."""
    lines = source.strip("\n").split("\n")
    indent = lines[0][: len(lines[0]) - len(lines[0].lstrip())]
    lines = [line[len(indent) :] if line.startswith(indent) else line for line in lines]
    source = "\n".join("" if re.match(r"\s*[%!?]", line) else line for line in lines)
    try:
        body = ast.parse(source).body
    except SyntaxError as error:
        print(f"cell {number}: {error!r}", file=sys.stderr)
        return
    for statement in body:
        try:
            code = compile(ast.Module([statement], []), f"<cell {number}>", "exec")
            exec(code, namespace)  # noqa: S102 - running the notebook is the task
        except Exception as error:
            print(f"cell {number}: {error!r}"[:300], file=sys.stderr)


def plain(value: Any) -> Any:
    """Return what JSON can say of a value; a missing one is null."""
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, list) and len(value) == 1:
        return plain(value[0])
    if value is None or value != value:
        return None
    return value if isinstance(value, (bool, int, float, str)) else str(value)


if __name__ == "__main__":
    main(*sys.argv[1:])
