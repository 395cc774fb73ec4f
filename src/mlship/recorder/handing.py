"""Hand over a cut: its rows with the notebook's answers, the code, and what is to be said of it."""

from __future__ import annotations

import ast
import os
import pathlib
import random
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from . import arrays, classes, libraries, models, pictures, tables, targets, tensors
from .alike import keys, numbered, take
from .cutting import Search
from .log import Log
from .models import LITERAL_ROWS, Candidate, Refused
from .package import imported
from .proving import Cut, features_of, module_of, said_of
from .script import Script
from .slices import bound
from .statements import Statement, first_line
from .training import Training
from .writer import NotWritable

LOOPS = (
    "There is no training code: a loop of the notebook's own trains the network, with PyTorch, "
    "which the project does not have."
)
ANOTHER = (
    "There is no training code, since what was written learns another model than the notebook's, "
    "and the same one each time."
)
CHOSEN = (
    "There is no training code: the rows to learn from are chosen where the model is fitted, and "
    "what was written for that {}."
)
FIT_SECONDS = 120.0
"""A model that took longer to fit is not fitted again to compare the two."""


def handover(
    search: Search,
    values: Mapping[str, Any],
    statements: Sequence[Statement],
    notebook: str,
    candidate: Candidate,
) -> tuple[dict[str, Any], dict[str, Any], list[int]]:
    """Return what is handed over in place of the model's own inputs.

    With it, what is said of it, and which of the served rows those are. Each row at the cut that
    became one of the rows that the notebook fitted or asked about is handed over, with the answer
    that was given there.

    Raises:
        Refused: hardly any row is found again.
    """
    cut = search.cut
    if cut is None:
        raise Refused("There is no cut.")
    pairs = _pairs(cut, values["rows"])
    kept, asked = [position for position, _ in pairs], [answer for _, answer in pairs]
    if not kept:
        raise Refused("None of the rows as loaded becomes one that the model was fitted on.")
    from .learned import parted

    plain, estimators = parted(cut.known)
    rows = numbered(take(cut.rows, [cut.served[i] for i in kept]))
    samples, files = tensors.are_samples(rows), pictures.are_pictures(rows)
    names = [pictures.NAME] if files else None
    if samples:
        names = [tensors.called(rows, cut.script.rows_name)]
    change = {
        "rows": rows,
        "names": names,
        "answers": take(values["answers"], asked),
        "features": {
            "columns": cut.columns,
            "filled": cut.filled,
            "learned": {"values": plain, "estimators": estimators},
        },
    }
    if values["probabilities"] is not None:
        change["probabilities"] = take(values["probabilities"], asked)
    script = cut.script
    whole = script.cut == script.first or script.columns is not None or _is_as_loaded(cut)
    if samples:
        whole = tensors.source_of(cut.rows, script.tape.log) is not None
    reasons: dict[str, int] = {}
    for said in cut.unservable.values():  # of the message, nothing that could be a row's value
        reason = re.sub(r"'[^']*'|\"[^\"]*\"", "...", said)
        reasons[reason] = reasons.get(reason, 0) + 1
    written = script.tape.log.written(script.source_name)
    of = script.source_name if files else f"the rows of {script.source_name}"
    facts = {
        "level": "raw" if whole and not written else "frame",
        "why": f"its inputs are made again from {of}"
        + (", which the notebook writes itself" if written else "")
        + ("" if whole else f" as they are after cell {statements[script.cut].cell}"),
        "blocked": search.blocked,
        "slice": [
            {"cell": statements[i].cell, "source": first_line(statements[i].source)}
            for i in script.samples
            if not isinstance(statements[i].node, (ast.Import, ast.ImportFrom))
        ],
        "code": {"features.py": script.features(notebook)},
        "cut": {
            "source": script.source_name,
            "cell": statements[script.cut].cell,
            "rows": len(cut.served) + len(cut.unservable),
            "left_out": len(cut.served) - len(kept),
            "unservable": [{"reason": r, "rows": n} for r, n in reasons.items()],
            "filled": sorted(map(str, cut.filled)),
            "notes": [*_leaks(cut, values["target"]), *_skewed(cut, candidate, statements)],
        },
    }
    return change, facts, kept


def _is_as_loaded(cut: Cut) -> bool:
    """Say whether the rows at a cut are what a file or a data set holds, unchanged."""
    log = cut.script.tape.log
    loaded = [table for _, table in log.sources if hasattr(table, "columns")]
    if any(tables.unchanged_part(table, cut.rows) for table in loaded):
        return True
    if not hasattr(cut.rows, "columns"):
        return False
    columns = list(cut.rows.columns)
    stacked = [keys(table[columns]) for table in loaded if {*columns} <= {*table.columns}]
    if len(stacked) > 1 and tables.rows(cut.rows_whole) == sum(map(len, stacked)):
        wanted = sorted(keys(cut.rows).tolist())
        if wanted == sorted(key for part in stacked for key in part.tolist()):
            return True
    return arrays.is_loaded(cut.rows, log)


def made_of(cut: Cut) -> targets.Made | None:
    """Return what the inputs at a cut are made of: the columns that are as they were loaded."""
    script = cut.script
    positions = script.columns is not None and script.columns.names[0] == "x0"
    if positions or not hasattr(cut.rows_whole, "columns"):
        return None
    rows = cut.rows_whole.iloc[cut.served]
    if script.cut != script.first:
        asked = list(cut.rows.columns)
        known = [table for _, table in script.tape.log.sources if hasattr(table, "columns")]
        known = [table for table in known if {*asked} <= {*table.columns}]
        same = [
            name
            for name in rows.columns
            for table in known
            if name in table.columns and _are_rows_of(rows, table, [*asked, name])
        ]
        rows = rows[list(dict.fromkeys(same))]
    return targets.Made(rows, cut.inputs)


def _are_rows_of(rows: Any, table: Any, columns: Sequence[Any]) -> bool:
    columns = list(dict.fromkeys(columns))
    return set(keys(rows[columns])) <= set(keys(table[columns]))


def _leaks(cut: Cut, target: Any) -> list[str]:
    """Say whether requests must hold what the model is to find out."""
    name = targets.plain(target)
    if not hasattr(cut.rows, "columns") or name not in map(str, cut.rows.columns):
        return []
    return [
        f"The model's inputs depend on {name}, which is what it predicts: the notebook lets the "
        "answer into the question."
    ]


def _skewed(cut: Cut, candidate: Candidate, statements: Sequence[Statement]) -> list[str]:
    """Name the predictions whose rows no served row becomes."""
    made = set(keys(cut.inputs).tolist())
    notes: dict[str, None] = {}
    for event in candidate.answered:
        if tables.rows(event.samples) < LITERAL_ROWS or event.kind == "score":
            continue
        if tables.width(event.samples) == tables.width(cut.inputs) and not made & set(
            keys(event.samples).tolist()
        ):
            notes[
                f"Cell {statements[event.statement].cell} asks the model about "
                f"{tables.rows(event.samples)} rows that no row of {cut.script.source_name} "
                "becomes: they are another table's, or were prepared in another way than those "
                "that it was fitted on."
            ] = None
    return list(notes)


def _pairs(cut: Cut, rows: Any) -> list[tuple[int, int]]:
    """Return (served row, answered row) for each served row that the notebook has an answer to."""
    places = {key: i for i, key in enumerate(keys(rows).tolist())}
    made = enumerate(keys(cut.inputs).tolist())
    return [(position, places[key]) for position, key in made if key in places]


def answered(cut: Cut, rows: Any) -> list[int]:
    """Return which of the served rows the notebook has an answer to."""
    return [position for position, _ in _pairs(cut, rows)]


def trained(
    cut: Cut,
    kept: Sequence[int],
    candidate: Candidate,
    log: Log,
    folder: str,
    notebook: str,
    definitions: str,
) -> tuple[dict[str, str], str]:
    """Write the training code, run it, and compare its model with the notebook's.

    Args:
        cut: what is served.
        kept: positions, among the served rows, of those that are known to be answered.
        candidate: the notebook's model.
        log: the notebook's run.
        folder: where to run the code.
        notebook: the notebook's name.
        definitions: the code of what the notebook itself defines of the model.

    Returns:
        The modules, none if there is no such code, and what came of it in words.
    """
    served = candidate.served()
    if libraries.of(served).loops:
        return _without_training(cut.script), LOOPS
    score = models.metric_of(served) if hasattr(served, "score") else ""
    try:
        owner = candidate.fitted.owner
        fits = {event.statement for event in log.events if event.owner is owner}
        own = {name for node in ast.parse(definitions).body for name in bound(node)}
        named = classes.named(served, candidate.fitted.target, candidate.fitted.samples, log)
        labels = named.labels if named else None
        training = Training(cut.script, owner, candidate.name, score, fits, own, labels, cut.known)
        files = training.files
    except NotWritable as error:
        return _without_training(cut.script), f"There is no training code: {error}."
    if cut.script.stages:
        files["features.py"] = cut.script.features(notebook)
    if definitions:
        files["own.py"] = definitions
    if candidate.fitted.seconds > FIT_SECONDS and cut.script.fit.whole:
        return _without_training(cut.script), CHOSEN.format("was not run")
    if candidate.fitted.seconds > FIT_SECONDS:
        return files, "The training code was not run: the notebook took too long for that."
    try:
        beside = training.beside() if training.files_of else None
        retrained = _retrained(files, cut, log, folder, beside)
        theirs = _asked(candidate.served(), take(cut.inputs, kept), candidate)
        ours = _answers(retrained, cut, kept, candidate)
        same = tables.equal(ours, theirs, libraries.of(served).tolerance)
        if not same and cut.script.fit.whole:
            return _without_training(cut.script), CHOSEN.format("learns another model")
        if not same and not training.sown():
            again = _answers(_retrained(files, cut, log, folder, beside), cut, kept, candidate)
            if tables.equal(ours, again, libraries.of(served).tolerance):
                return _without_training(cut.script), ANOTHER
    except Exception as error:
        why = f"There is no training code, since what was written fails: {said_of(error)}."
        return _without_training(cut.script), why
    if same:
        return files, "Training again gives the same model, as far as its answers to its rows tell."
    return files, "Training again gives another model: the notebook's training is random."


def _answers(result: Any, cut: Cut, kept: Sequence[int], candidate: Candidate) -> Any:
    """Return what a model that was trained again says of the rows that are served."""
    rows = numbered(take(cut.rows_whole, [cut.served[i] for i in kept]))
    if cut.script.stages:
        from .learned import Learned

        rows = module_of(cut.script).features(rows, Learned(result.learned.known))
    return _asked(result.model, rows, candidate)


def _asked(model: Any, inputs: Any, candidate: Candidate) -> Any:
    return libraries.of(model).ask(model, inputs, candidate.options())


def _without_training(script: Script) -> dict[str, str]:
    """Return what the features import where nothing loads the tables: their content is learned."""
    functions = [
        f"def {name}() -> Any:\n"
        f'    """Refuse to load {file}: what is needed of it was learned."""\n'
        f"    raise RuntimeError({f'There is no training code that reads {file}.'!r})\n"
        for name, (file, _) in script.loaders.items()
    ]
    about = '"""Tables that only training reads."""\nfrom typing import Any\n'
    return {"load.py": "\n\n".join([about, *functions])} if functions else {}


def _retrained(
    files: Mapping[str, str], cut: Cut, log: Log, folder: str, beside: Mapping[str, Any] | None
) -> Any:
    """Run the training code as a package of its own, beside the data that it reads.

    The random generators are in a state that nobody knows. Of pictures, what goes along with them
    is there too.
    """
    source = cut.script.source_name
    random.seed()
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()
    with imported(files, folder) as module, tempfile.TemporaryDirectory() as apart:
        data = pathlib.Path(apart, "data")
        data.mkdir()
        for name in log.paths:
            place = log.unchanged(name)
            if place is not None:
                shutil.copy(place, data / name)
        if beside is not None:
            pictures.write(cut.script.rows(), beside, str(data))
        before = os.getcwd()
        os.chdir(apart)
        try:
            return module("train").train(data / source if source in log.paths else None)
        finally:
            os.chdir(before)


class Served:
    """A model that takes the rows at a cut, as the service does."""

    def __init__(self, cut: Cut, model: Any, options: Mapping[str, Any]) -> None:
        self._features = features_of(module_of(cut.script), cut.known)
        self._cut = cut
        library = libraries.of(model)
        self.predict = self._asking(lambda rows: library.ask(model, rows, options))
        if hasattr(model, "predict_proba"):
            self.predict_proba = self._asking(model.predict_proba)

    def _asking(self, method: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def ask(rows: Any) -> Any:
            rows = rows.copy()
            for name, given in self._cut.filled.items():
                rows[name] = given["value"]
            whole = rows[self._cut.columns] if hasattr(rows, "columns") else rows
            return method(self._features(whole))

        return ask
