"""Run many notebooks in one process, each in a fork: recorded and handed over, and once plainly.

Run by the interpreter of the notebooks: ``witness.py SRC FOLDER WORKERS`` reads ``jobs.json`` in
FOLDER and writes ``found.json`` there. The plain run is the witness: what the notebook's model
says there of each row is compared with what the emitted code makes of the same row.
"""

import contextlib
import importlib
import io
import json
import os
import pathlib
import pickle
import random
import re
import shutil
import sys
import time
import traceback
import types
import warnings
from typing import Any

SINGLES = 20
"""Rows that are asked one at a time."""


def main(source: str, folder: pathlib.Path, workers: int) -> None:
    sys.path.insert(0, source)
    sys.argv = [""]
    warnings.simplefilter("ignore")
    import imblearn.over_sampling  # type: ignore[import-not-found]  # noqa: F401
    import numpy  # noqa: F401
    import pandas  # noqa: F401
    import sklearn.cluster
    import sklearn.compose
    import sklearn.datasets
    import sklearn.ensemble
    import sklearn.feature_extraction.text
    import sklearn.feature_selection
    import sklearn.impute
    import sklearn.neighbors
    import sklearn.pipeline
    import sklearn.svm
    import sklearn.tree  # noqa: F401

    import mlship.recorder.run  # noqa: F401

    jobs = json.loads((folder / "jobs.json").read_text())
    waiting, running = list(jobs), set[int]()
    while waiting or running:
        while waiting and len(running) < workers:
            running.add(_start(waiting.pop(0), folder))
        ended, _ = os.wait()
        running.discard(ended)
    found = {}
    for job in jobs:
        path = folder / job["name"] / "result.json"
        found[job["name"]] = json.loads(path.read_text()) if path.exists() else {"crash": "died"}
    (folder / "found.json").write_text(json.dumps(found, indent=1))


def _start(job: dict[str, Any], folder: pathlib.Path) -> int:
    child = os.fork()
    if child:
        return child
    place = folder / job["name"]
    result: dict[str, Any] = {}
    started = time.monotonic()
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            plain = os.fork()
            if not plain:
                _in_fork(place / "plain.json", lambda: _take(job, place))
            os.waitpid(plain, 0)
            result = json.loads((place / "plain.json").read_text())
            if result.get("level") in ("raw", "frame"):
                result.update(_compare(job, place))
    except BaseException:
        result["crash"] = traceback.format_exc()
    result["seconds"] = round(time.monotonic() - started, 2)
    (place / "result.json").write_text(json.dumps(result, indent=1))
    os._exit(0)


def _in_fork(path: pathlib.Path, work: Any) -> None:
    result: dict[str, Any] = {}
    try:
        result = work()
    except BaseException:
        result = {"crash": traceback.format_exc()}
    path.write_text(json.dumps(result))
    os._exit(0)


def _seed() -> None:
    import numpy

    random.seed(1)
    numpy.random.seed(1)


def _take(job: dict[str, Any], place: pathlib.Path) -> dict[str, Any]:
    """Record the notebook and hand its model over, as the recorder's process does."""
    from mlship.recorder.models import Refused
    from mlship.recorder.run import Recorder

    run, out, figures = place / "run", place / "out", place / "figures"
    shutil.copytree(place / "data", run)
    out.mkdir()
    figures.mkdir()
    os.chdir(run)
    _seed()
    recorder = Recorder(
        {
            "cells": job["cells"],
            "folder": str(run),
            "origin": str(place / "data"),
            "maps": {},
            "cell_seconds": 60,
            "notebook": "work.ipynb",
            "figures": str(figures),
        },
        lambda message: None,
    )
    recorder.run()
    errors = [[s.cell, s.error] for s in recorder.statements if s.error]
    candidates = recorder.candidates()
    chosen = [c for c in candidates if job["model"] in (None, c.name)]
    if not chosen:
        return {"errors": errors, "level": "none", "why": str([c.name for c in candidates])}
    try:
        facts = recorder.hand_over(chosen[0], str(out))
    except Refused as error:
        return {"errors": errors, "level": "refused", "why": str(error)}
    (place / "code.json").write_text(json.dumps(facts["code"]))
    kept = ("level", "why", "blocked", "columns", "cut", "code", "rows", "remarks", "target")
    return {"errors": errors, **{key: facts[key] for key in kept if key in facts}}


def _compare(job: dict[str, Any], place: pathlib.Path) -> dict[str, Any]:
    """Run the notebook plainly and compare its model's answers with those of the emitted code."""
    import numpy
    import pandas

    code = json.loads((place / "code.json").read_text())
    handed = pickle.loads((place / "out" / "handover.pickle").read_bytes())
    facts = json.loads((place / "plain.json").read_text())
    whole = facts["level"] == "raw"
    named = None if whole else re.findall(r"^def features\((\w+):", code["features.py"], re.M)[0]
    space, table = _plain_run(job, place, facts["cut"].get("cell"), named)
    model = eval(job["witness_model"], space)
    inputs = eval(job["inputs"], space)
    places = list(eval(job["places"], space))
    answers = numpy.asarray(model.predict(inputs))
    if table is None:
        table = eval(job["table"], space)
    if len(places) != len(answers):
        return {"crash": f"{len(places)} places for {len(answers)} rows"}
    (place / "nowhere").mkdir()
    os.chdir(place / "nowhere")
    features = _features(code, place, handed, "emitted")
    served: Any = handed["estimator"]
    ask: Any = lambda rows: served.predict(features(rows))  # noqa: E731
    if not hasattr(table, "loc"):
        table = pandas.DataFrame(table) if table.ndim > 1 else pandas.Series(table)
    rows = table.loc[places].reset_index(drop=True)
    if hasattr(handed["rows"], "columns"):
        rows = rows[list(handed["rows"].columns)]
    different = _different(ask(rows), answers)
    step = max(1, len(rows) // SINGLES)
    alone = [
        at
        for at in range(0, len(rows), step)
        if _different(ask(rows.iloc[[at]].reset_index(drop=True)), answers[[at]])
    ]
    kept = handed["rows"]
    kept = kept if hasattr(kept, "iloc") else pandas.DataFrame(kept, columns=handed["names"])
    own = _different(ask(kept), numpy.asarray(handed["answers"]))
    result = {"compared": len(answers), "different": different, "alone": alone, "own": own}
    result["classes"] = len(set(map(str, answers.tolist())))
    return result


def _plain_run(
    job: dict[str, Any], place: pathlib.Path, cell: int | None, named: str | None
) -> tuple[Any, Any]:
    """Execute the cells; return the namespace, and the table ``named`` as it is after a cell."""
    run = place / "again"
    shutil.copytree(place / "data", run)
    os.chdir(run)
    main = types.ModuleType("__main__")
    sys.modules["__main__"] = main
    main.__dict__.update(display=lambda *a: None)
    _seed()
    import pandas

    main.__dict__["_raw"] = pandas.read_csv(run / "people.csv")
    table = None
    for number, source in job["cells"]:
        try:
            exec(compile(source, f"<{number}>", "exec"), main.__dict__)
        except Exception:
            if not job["fails"]:
                raise
        if number == cell and named:
            table = main.__dict__[named].copy()
    return main.__dict__, table


def _features(code: dict[str, str], place: pathlib.Path, handed: dict[str, Any], name: str) -> Any:
    """Return the emitted ``features`` with what was learned, as a service would call it."""
    if "features" not in handed:
        array = not hasattr(handed["rows"], "columns")
        return lambda rows: rows[handed["names"]].to_numpy() if array else rows
    package = place / "package" / name
    package.mkdir(parents=True)
    for file, text in {**code, "__init__.py": ""}.items():
        (package / file).write_text(text)
    import mlship.recorder

    shutil.copy(pathlib.Path(mlship.recorder.__file__).parent / "learned.py", package)
    sys.path.insert(0, str(place / "package"))
    learned = importlib.import_module(f"{name}.learned")
    module = importlib.import_module(f"{name}.features")
    entry = handed["features"]
    values = json.loads(json.dumps(entry["learned"]["values"], allow_nan=False))
    known = {key: learned.from_json(value) for key, value in values.items()}
    known |= entry["learned"]["estimators"]

    def features(rows: Any) -> Any:
        rows = rows.copy()
        for column, given in entry["filled"].items():
            rows[column] = given["value"]
        rows = rows[entry["columns"]] if hasattr(rows, "columns") else rows
        return module.features(rows, learned.Learned(known))

    return features


def _different(ours: Any, theirs: Any) -> int:
    import numpy

    ours, theirs = numpy.asarray(ours), numpy.asarray(theirs)
    if len(ours) != len(theirs):
        return max(len(ours), len(theirs))
    if ours.dtype.kind == "f":
        return int((~numpy.isclose(ours, theirs, rtol=1e-9, atol=1e-9)).sum())
    return int((ours != theirs).sum())


if __name__ == "__main__":
    main(sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3]))
