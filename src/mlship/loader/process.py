"""The loader's process: a job comes in, one model goes out, one JSON message a line.

It speaks as the recorder does and writes the same handover, so that all that follows is the same.
"""

from __future__ import annotations

import json
import os
import pickle
import platform
import sys
import traceback
from typing import Any

from ..recorder import libraries, models, outputs, personal, pipes, synthetic, tensors
from ..recorder.models import Refused
from ..recorder.statements import first_line
from . import boosters, columns, formats, graphs, table

UNFITTED = ("NotFittedError", "LGBMNotFittedError")
NAMED = 5
"""Columns that a message names."""


def main() -> None:
    """Run the job that comes in and say what came of it."""
    commands, messages, _ = pipes.kept()

    def send(message: dict[str, Any]) -> None:
        messages.write(json.dumps(message) + "\n")
        messages.flush()

    job = json.loads(commands.readline())
    os.chdir(job["folder"])
    sys.argv = [""]
    try:
        send({"event": "handover", "facts": hand_over(job)})
    except Refused as error:
        send({"event": "refused", "why": str(error)})
    except Exception:
        send({"event": "failed", "why": traceback.format_exc()})


def hand_over(job: dict[str, Any]) -> dict[str, Any]:
    """Write the model, the rows and its answers into ``job["folder"]``; return what is known.

    Raises:
        Refused: the model cannot be loaded or served, or the rows are not for it.
    """
    name = os.path.basename(job["rows"])
    model, stored, notes = formats.load(job["file"], job["format"], job["trusted"])
    asked = table.read(job["rows"])
    if asked.sampled:
        notes.append(f"Only the first {table.MOST_ROWS} rows of {name} are taken.")
    fitted = columns.fit(model, asked.rows, name, job["target"], job["columns"])
    if isinstance(model, graphs.OnnxModel):
        notes += model.decide(fitted.rows)
    answers, probabilities = _ask(model, fitted.rows, name)
    if stored is not model:
        boosters.require_same(model, stored, fitted.rows)
    answered = outputs.answered(model, None, answers)
    values = {
        "estimator": libraries.of(model).write(model, job["folder"]),
        "rows": fitted.rows,
        "answers": answers,
        "probabilities": probabilities,
        "names": fitted.names,
        "target": job["target"],
        "options": getattr(model, "options", {}),
        "labels": outputs.own_labels(model) if answered else None,
        "answered": answered,
        "personal": personal.columns(fitted.rows, fitted.names),
    }
    if job["synthetic"]:
        values["synthetic"] = synthetic.answered(
            model, fitted.rows, fitted.names, values["personal"]
        )
    answers_to = {key: values[key] for key in ("rows", "answers", "probabilities")}
    answers_to, sampled = tensors.fewer(answers_to)
    values.update(answers_to)
    notes += [sampled] if sampled else []
    models.require_importable(model)
    packages = models.packages(values, model)
    with open(os.path.join(job["folder"], "handover.pickle"), "wb") as file:
        pickle.dump(values, file, protocol=5)
    return {
        "level": "raw",
        "why": f"its rows are those of {name}, unchanged",
        "rows": len(values["rows"]),
        "inputs": fitted.width,
        "packages": packages,
        "code": {},
        "labels": None,
        "personal": values["personal"],
        "estimator": type(model).__name__,
        "python": platform.python_version(),
        "notes": notes + fitted.notes + outputs.remarks(answered, None, answers),
    }


def _ask(model: Any, rows: Any, name: str) -> tuple[Any, Any]:
    """Return the model's answers to n rows, and its probabilities (n x classes, or None)."""
    try:
        answers = libraries.of(model).ask(model, rows, {})
        probability = getattr(model, "predict_proba", None)
        probabilities = None if probability is None else probability(rows)
    except Exception as error:  # whatever the library raises for rows that it does not take
        if type(error).__name__ in UNFITTED or "no trained model" in str(error):
            raise Refused(
                f"The {type(model).__name__} in the file is not fitted. Fit it, then save it again."
            ) from None
        raise Refused(
            f"The model refuses the rows of {name}: {type(error).__name__}: "
            f"{first_line(str(error))}{_missing(rows)}"
        ) from None
    return models.shaped(answers, probabilities, len(rows))


def _missing(rows: Any) -> str:
    """Name the columns of a frame that have rows without a value: a frequent reason."""
    if not hasattr(rows, "columns"):
        return ""
    holes = [str(column) for column in rows.columns if rows[column].isna().any()]
    more = ", ..." if len(holes) > NAMED else ""
    return f" (without a value in some rows: {', '.join(holes[:NAMED])}{more})" if holes else ""
