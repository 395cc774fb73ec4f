"""Find the earliest rows from which the model's inputs can be made again, one row at a time.

The rows as loaded are tried first, then what each statement of the slice makes of them. A cut
counts only once the code that is written for it has made, from those rows, what the model was
fitted on, the same for a row alone as for all together.
"""

from __future__ import annotations

import ast
import copy
import functools
import os
import pathlib
import random
import re
import shutil
import sys
import tempfile
import time
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from . import libraries, models, personal, tables
from .log import Log
from .models import LITERAL_ROWS, Candidate, Refused
from .package import imported
from .script import SAMPLING, Fit, Script
from .slices import backward, bound, reduced
from .statements import Statement, first_line
from .tape import Tape, Unrepeatable, restore
from .training import Training
from .writer import NotWritable

SECONDS = 120.0
"""Time for trying cuts, and again for finding out which columns matter."""
SMALL = 10
"""A table with that many times fewer rows than the model's is tried last."""
TABLES = 3
"""Tables that are tried as the one with the rows."""
LARGEST_TABLE = 20_000
"""Values of a table that is kept with what training learned."""
UNCOVERED = 0.01
"""Share of the rows of a fit that may be found again only by other digits than those compared."""
SINGLES = 40
"""Rows that are prepared one at a time, spread over the table."""
FIT_SECONDS = 120.0
"""A model that took longer to fit is not fitted again to compare the two."""
FEW_ROWS = 300
"""Rows on which a column is tried first."""


COMMON = 50
"""A column with more values than this may name people."""


class NotProven(Exception):
    """The code for a cut does not make what the notebook made; the message says what differs."""


class Cut(NamedTuple):
    """Rows, and the code and the state that make the model's inputs of them."""

    script: Script
    rows: Any
    """All rows at the cut (n), numbered from 0, with the columns that requests have."""
    inputs: Any
    """What the code makes of them (n)."""
    served: list[int]
    """Positions of the rows that can be prepared."""
    known: dict[str, Any]
    """What training learned."""
    filled: dict[str, Any]
    """Columns that the code reads though no answer depends on them: a value and a type each."""
    columns: list[Any]
    """All columns that the code reads, in their order."""
    unservable: dict[int, str]
    """Why the other rows cannot be prepared, by position."""
    rows_whole: Any
    """All rows (n) with all the columns."""


class Search(NamedTuple):
    """The earliest proven cut, and why none was earlier."""

    cut: Cut | None
    blocked: list[str]
    whole: Cut | None = None
    """The same cut with all that the notebook does to the rows, where ``cut`` does less."""


def find(statements: Sequence[Statement], log: Log, candidate: Candidate) -> Search:
    """Find the earliest cut for a model.

    Each table that is loaded is tried as the one with the rows, at first without the tables that
    the notebook only works on along with it.
    """
    blocked: list[str] = []
    end = time.monotonic() + SECONDS
    try:
        fit = _fit(statements, candidate)
        path, loaders = _loaders(statements, log, fit)
    except Unrepeatable as error:
        return Search(None, [str(error)])
    for primary in sorted(loaders, key=lambda i: _is_small(log, i, candidate))[:TABLES]:
        others = {name for i in loaders if i != primary for name in statements[i].changed}
        fewer = reduced(statements, path, others)
        for variant in ([fewer] if fewer != list(statements) else []) + [list(statements)]:
            try:
                slice_ = _again(variant, log, candidate, fit, primary)
            except (Unrepeatable, NotWritable) as error:
                blocked.append(str(error))
                continue
            cut = _first(variant, slice_, candidate, blocked, end)
            if cut is not None:
                lean = _lean(cut, slice_.tape, candidate, end)
                return Search(lean, blocked, None if lean is cut else cut)
            if time.monotonic() > end:
                return Search(None, [*blocked, "finding a cut took too long"])
    return Search(None, blocked)


def _first(
    statements: Sequence[Statement],
    slice_: Slice,
    candidate: Candidate,
    blocked: list[str],
    end: float,
) -> Cut | None:
    """Return the first cut that is proven; note in ``blocked`` why others are not."""
    fit, path, tape = slice_
    for at in [i for i in path if i >= (tape.primary or 0) and tape.values.get(i)]:
        reason = ""
        for climb in (True, False):
            if time.monotonic() > end:
                return None
            try:
                return _prove(Script(statements, tape, fit, at, climb), tape, candidate)
            except (NotWritable, NotProven) as error:
                reason = str(error)
            except Exception as error:  # an honest later cut is better than no answer at all
                reason = f"the code could not be written ({_said(error)})"
        blocked.append(f"after cell {statements[at].cell}: {reason}")
    return None


def _lean(cut: Cut, tape: Tape, candidate: Candidate, end: float) -> Cut:
    """Leave out of a cut's code what only works on columns that do not matter."""
    script = cut.script
    inner = {index for stage in script.stages for index in stage.inner}
    for index in sorted(inner, reverse=True):
        source = script.statements[index].source
        named = [str(name) for name in cut.filled if str(name) in source]
        if not named or time.monotonic() > end:
            continue
        spared = script.spared | {index}
        try:
            fewer = Script(
                script.statements, tape, script.fit, script.cut, script.writer.climb, spared
            )
            proven = _prove(fewer, tape, candidate)
        except Exception:  # noqa: S112 - whatever it raises, the statement is needed
            continue
        if same_rows(proven.inputs, cut.inputs) and proven.served == cut.served:
            cut, script = proven, fewer
    return cut


def last(statements: Sequence[Statement], log: Log, candidate: Candidate) -> Search:
    """Find the latest cut, after which nothing is done to the rows: only training is written."""
    try:
        fit = _fit(statements, candidate)
        _, loaders = _loaders(statements, log, fit)
        _, _, tape = _again(statements, log, candidate, fit, loaders[0])
    except (Unrepeatable, NotWritable) as error:
        return Search(None, [str(error)])
    drawn = [found.statement for found in tape.found.values() if found.kind in SAMPLING]
    reason = "the rows have no name where nothing more is done to them"
    for at in reversed([i for i in range(min([fit.at, *drawn])) if i in tape.kinds]):
        try:
            script = Script(statements, tape, fit, at)
        except NotWritable as error:
            reason = str(error)
            continue
        rows = tape.held(script.rows_name, at)
        if not script.stages and rows is not None:
            served = list(range(tables.rows(rows)))
            return Search(Cut(script, rows, rows, served, {}, {}, [], {}, rows), [])
    return Search(None, [reason])


def _is_small(log: Log, statement: int, candidate: Candidate) -> bool:
    """Say whether a statement loads fewer rows than the model's could have come from."""
    loaded = [value for (at, _), (_, value) in log.loads.items() if at == statement]
    most = max(tables.rows(getattr(value, "data", None)) or tables.rows(value) for value in loaded)
    return 0 < SMALL * most < tables.rows(candidate.fitted.samples)


class Slice(NamedTuple):
    """A slice that was run again, with what it leads to."""

    fit: Fit
    path: list[int]
    tape: Tape


def _loaders(statements: Sequence[Statement], log: Log, fit: Fit) -> tuple[list[int], list[int]]:
    """Return the statements that made the rows of a fit, and those of them that load tables.

    Raises:
        Unrepeatable: none loads one.
    """
    path = backward(statements, fit.at, _names(fit.samples))
    loaders = sorted({statement for statement, _ in log.loads} & set(path))
    if not loaders:
        raise Unrepeatable("the rows are not loaded from a file or a data set")
    return path, loaders


def _again(
    statements: Sequence[Statement], log: Log, candidate: Candidate, fit: Fit, primary: int
) -> Slice:
    """Run again what made the rows of a fit; statement ``primary`` loads them.

    Raises:
        Unrepeatable: it does not give the same rows.
    """
    path = backward(statements, fit.at, _names(fit.samples))
    target = backward(statements, fit.at, _names(fit.target)) if fit.target is not None else []
    tape = Tape(statements, log)
    tape.run(sorted({*path, *target}), primary)
    if not same_rows(tape.value(fit.samples, fit.at), candidate.fitted.samples):
        raise Unrepeatable("running the cells again does not give the same rows: they are random")
    return Slice(fit, path, tape)


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
    estimators = {n: value for n, value in cut.known.items() if hasattr(value, "get_params")}
    from .learned import to_json

    plain = {n: to_json(value) for n, value in cut.known.items() if n not in estimators}
    rows = cut.rows.iloc[[cut.served[i] for i in kept]].reset_index(drop=True)
    change = {
        "rows": rows,
        "names": None,
        "answers": _take(values["answers"], asked),
        "features": {
            "columns": cut.columns,
            "filled": cut.filled,
            "learned": {"values": plain, "estimators": estimators},
        },
    }
    if values["probabilities"] is not None:
        change["probabilities"] = _take(values["probabilities"], asked)
    script = cut.script
    loaded = [table for _, table in script.tape.log.sources if hasattr(table, "columns")]
    whole = script.cut == script.first or any(
        tables.unchanged_part(table, cut.rows) for table in loaded
    )
    reasons: dict[str, int] = {}
    for said in cut.unservable.values():  # of the message, nothing that could be a row's value
        reason = re.sub(r"'[^']*'|\"[^\"]*\"", "...", said)
        reasons[reason] = reasons.get(reason, 0) + 1
    written = script.tape.log.written(script.source_name)
    facts = {
        "level": "raw" if whole and not written else "frame",
        "why": f"its inputs are made again from the rows of {script.source_name}"
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


def _leaks(cut: Cut, target: Any) -> list[str]:
    """Say whether requests must hold what the model is to find out."""
    name = str(target).partition(" as the notebook")[0]
    if not hasattr(cut.rows, "columns") or name not in map(str, cut.rows.columns):
        return []
    return [
        f"The model's inputs depend on {name}, which is what it predicts: the notebook lets the "
        "answer into the question."
    ]


def _skewed(cut: Cut, candidate: Candidate, statements: Sequence[Statement]) -> list[str]:
    """Name the predictions whose rows no served row becomes."""
    made = set(_keys(cut.inputs))
    notes: dict[str, None] = {}
    for event in candidate.answered:
        if tables.rows(event.samples) < LITERAL_ROWS or event.kind == "score":
            continue
        if tables.width(event.samples) == tables.width(cut.inputs) and not made & set(
            _keys(event.samples)
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
    places = {key: i for i, key in enumerate(_keys(rows))}
    keys = enumerate(_keys(cut.inputs))
    return [(position, places[key]) for position, key in keys if key in places]


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
    score = models.metric_of(served) if hasattr(served, "score") else ""
    try:
        owner = candidate.fitted.owner
        fits = {event.statement for event in log.events if event.owner is owner}
        own = {name for node in ast.parse(definitions).body for name in bound(node)}
        files = Training(cut.script, owner, candidate.name, score, fits, own).files
    except NotWritable as error:
        return _without_training(cut.script), f"There is no training code: {error}."
    if cut.script.stages:
        files["features.py"] = cut.script.features(notebook)
    if definitions:
        files["own.py"] = definitions
    if candidate.fitted.seconds > FIT_SECONDS:
        return files, "The training code was not run: the notebook took too long for that."
    random.seed()
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()
    try:
        result = _retrained(files, cut.script.source_name, log, folder)
        from .learned import Learned

        rows = _take(cut.rows_whole, [cut.served[i] for i in kept])
        rows = rows.reset_index(drop=True) if hasattr(rows, "iloc") else rows
        inputs = rows
        if cut.script.stages:
            inputs = _module(cut.script).features(rows, Learned(result.learned.known))
        model, options = candidate.served(), candidate.options()
        ours = libraries.of(result.model).ask(result.model, inputs, options)
        theirs = libraries.of(model).ask(model, _take(cut.inputs, kept), options)
    except Exception as error:
        why = f"There is no training code, since what was written fails: {_said(error)}."
        return _without_training(cut.script), why
    if tables.equal(ours, theirs, libraries.of(model).tolerance):
        return files, "Training again gives the same model, as far as its answers to its rows tell."
    return files, "Training again gives another model: the notebook's training is random."


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


def _retrained(files: Mapping[str, str], source: str, log: Log, folder: str) -> Any:
    """Run the training code as a package of its own, beside the data that it reads."""
    with imported(files, folder) as module, tempfile.TemporaryDirectory() as apart:
        data = pathlib.Path(apart, "data")
        data.mkdir()
        for name in log.paths:
            place = log.unchanged(name)
            if place is not None:
                shutil.copy(place, data / name)
        before = os.getcwd()
        os.chdir(apart)
        try:
            return module("train").train(data / source if source in log.paths else None)
        finally:
            os.chdir(before)


class Served:
    """A model that takes the rows at a cut, as the service does."""

    def __init__(self, cut: Cut, model: Any, options: Mapping[str, Any]) -> None:
        self._features = _features(_module(cut.script), cut.known)
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


def _keys(table: Any) -> list[Any]:
    """Return a key of each row's values (n), the same for numbers that differ by a rounding."""
    import numpy

    if hasattr(table, "tocsr"):
        table = table.tocsr()
        table.sort_indices()
        parts = [(table.indptr[i], table.indptr[i + 1]) for i in range(table.shape[0])]
        return [
            (table.indices[a:b].tobytes(), _rounded(table.data[a:b]).tobytes()) for a, b in parts
        ]
    if isinstance(table, list):
        return list(table)
    if hasattr(table, "columns"):
        columns = [table.iloc[:, i].to_numpy() for i in range(table.shape[1])]
    else:
        array = numpy.asarray(table)
        array = array.reshape(len(array), -1)
        columns = [array[:, i] for i in range(array.shape[1])]
    if all(column.dtype.kind in tables.NUMBERS for column in columns):
        whole = numpy.ascontiguousarray(numpy.column_stack([_rounded(c) for c in columns]))
        return [row.tobytes() for row in whole]
    return list(zip(*[[_plain(value) for value in column.tolist()] for column in columns]))


def _rounded(values: Any) -> Any:
    """Round to nine significant digits, below which two ways of adding up may differ."""
    import numpy

    values = values.astype(float)
    with numpy.errstate(all="ignore"):
        size = numpy.where(values == 0, 1.0, 10.0 ** numpy.floor(numpy.log10(numpy.abs(values))))
        return (
            numpy.where(numpy.isfinite(values), numpy.round(values / size, 8) * size, values) + 0.0
        )


def _plain(value: Any) -> Any:
    if isinstance(value, (bool, int, float)):
        return "nan" if value != value else float(f"{float(value):.9g}")
    return str(value)


def _fit(statements: Sequence[Statement], candidate: Candidate) -> Fit:
    """Return what the model was fitted with, as names or as code.

    Raises:
        Unrepeatable: it has no name.
    """
    event = candidate.fitted
    statement = statements[event.statement]
    calls = [
        part
        for part in ast.walk(statement.node)
        if isinstance(part, ast.Call)
        and isinstance(part.func, ast.Attribute)
        and part.func.attr == event.kind
    ]
    given: list[ast.expr | None] = [None, None]
    if len(calls) == 1:
        words = {word.arg: word.value for word in calls[0].keywords}
        args = [*calls[0].args[:2], None, None]
        given = [args[0] or words.get("X"), args[1] or words.get("y")]
    named = [ast.Name(name, ast.Load()) if name else None for name in event.names]
    samples, target = (given[i] if isinstance(given[i], ast.expr) else named[i] for i in (0, 1))
    if named[0] is not None and not isinstance(samples, ast.Name):
        samples = named[0]
    inside = isinstance(statement.node, (ast.For, ast.While, ast.FunctionDef))
    if inside:
        samples, target = (
            node if node is not None and not _names(node) & statement.binds else named[i]
            for i, node in enumerate((samples, target))
        )
    if samples is None:
        raise Unrepeatable("what the model was fitted on has no name in the notebook")
    return Fit(event.statement, samples, target)


def _prove(script: Script, tape: Tape, candidate: Candidate) -> Cut:
    """Prove a cut, in a folder where no file of the notebook is."""
    before = os.getcwd()
    with tempfile.TemporaryDirectory() as empty:
        os.chdir(empty)
        try:
            return _proven(script, tape, candidate)
        finally:
            os.chdir(before)


def _proven(script: Script, tape: Tape, candidate: Candidate) -> Cut:
    rows = tape.held(script.rows_name, script.cut)
    if rows is None or not hasattr(rows, "iloc"):
        raise NotProven("the rows are no table there")
    module = _module(script)
    learned = _train(script, tape, module, candidate.fitted.samples)
    rows = rows.reset_index(drop=True)
    features = _features(module, learned)
    served, unservable = _servable(features, rows)
    if not served:
        raise NotProven(f"no row can be prepared: {next(iter(unservable.values()))}")
    inputs = _attempt(features, rows.iloc[served].reset_index(drop=True))
    _require_alike(inputs, candidate.fitted.samples)
    if tables.rows(inputs) != len(served):
        raise NotProven(f"{len(served)} rows become {tables.rows(inputs)}")
    _require_single(features, rows, served, inputs)
    _require_covered(script, tape, inputs, candidate.fitted.samples)
    names, values = _columns(features, rows.iloc[served].reset_index(drop=True), inputs)
    read = [c for c in rows.columns if c in names or c in values] if names is not None else []
    filled = {
        name: {"value": _json(value), "x-dtype": str(rows[name].dtype)}
        for name, value in values.items()
    }
    asked = rows[names] if names is not None else rows
    return Cut(script, asked, inputs, served, learned, filled, read, unservable, rows)


def _json(value: Any) -> Any:
    value = value.item() if hasattr(value, "item") else value
    return value if isinstance(value, (bool, int, float, str)) else str(value)


def _module(script: Script) -> Any:
    """Run the module that was written, as the project will."""
    module = types.ModuleType("mlship.recorder.features")
    module.__package__ = __package__
    for place, name in script.writer.loaders.items():
        module.__dict__[name] = functools.partial(copy.deepcopy, script.tape.loaded[place])
    try:
        code = compile(
            script.features("notebook", alone=True), "<features>", "exec", dont_inherit=True
        )
        exec(code, module.__dict__)  # noqa: S102 - the notebook's own code, as it was written
    except Exception as error:
        raise NotProven(f"the code does not load: {type(error).__name__}: {error}") from None
    return module


def _train(script: Script, tape: Tape, module: Any, samples: Any) -> dict[str, Any]:
    """Let the code learn from the rows that the notebook learned from; return what it learned."""
    from .learned import Learned, from_json, to_json

    learned = Learned()
    table: Any = tape.held(script.rows_name, script.cut)
    drawn = 0
    restore(script.statements[script.cut].random)
    try:
        for stage in script.stages:
            if stage.number > drawn:
                drawn = stage.number
                border = script.borders[drawn - 1]
                table = tape.held(border.becomes, border.at)
            function = getattr(module, stage.name)
            table = function(table, learned) if stage.learns else function(table)
        if script.borders and drawn < len(script.borders):
            table = tape.held(script.borders[-1].becomes, script.borders[-1].at)
    except Exception as error:
        raise NotProven(f"the code fails in training: {_said(error)}") from None
    if not same_rows(table, samples):
        raise NotProven("the code does not make the rows that the model was fitted on")
    for name, value in learned.known.items():
        named = hasattr(value, "columns") and personal.columns(value, None)
        if tables.cells(value) > LARGEST_TABLE or named:
            raise NotProven(f"the table {name} is too large, or too personal, to be kept")
        if hasattr(value, "get_params"):
            _require_importable(name, value)
    try:
        return {
            name: value if hasattr(value, "get_params") else from_json(to_json(value))
            for name, value in learned.known.items()
        }
    except (TypeError, ValueError) as error:
        raise NotProven(f"what is learned cannot be kept: {error}") from None


def _require_importable(name: str, estimator: Any) -> None:
    own = [
        value for value in (estimator, *estimator.get_params().values())
        if type(value).__module__.startswith((f"{__package__}.", "__main__"))
    ]  # fmt: skip
    try:
        models.require_importable(estimator)
    except Refused as error:
        raise NotProven(str(error)) from None
    if own:
        raise NotProven(f"{name} is of a class that only the notebook has")


def _features(module: Any, known: Mapping[str, Any]) -> Callable[[Any], Any]:
    from .learned import Learned

    return lambda rows: module.features(rows, Learned(known))


def _attempt(features: Callable[[Any], Any], rows: Any) -> Any:
    try:
        return features(rows.copy())
    except Exception as error:
        raise NotProven(f"a request fails: {_said(error)}") from None


def _servable(features: Callable[[Any], Any], rows: Any) -> tuple[list[int], dict[int, str]]:
    """Part rows into those that the code can prepare and those that it fails on, with reasons."""
    served: list[int] = []
    failed: dict[int, str] = {}
    waiting = [list(range(len(rows)))]
    tries = 0
    while waiting:
        part = waiting.pop()
        tries += 1
        try:
            features(rows.iloc[part].reset_index(drop=True))
            served += part
        except Exception as error:
            if len(part) == 1:
                failed[part[0]] = _said(error)
            elif tries > 4000:
                failed.update({i: _said(error) for i in part})
            else:
                half = len(part) // 2
                waiting += [part[half:], part[:half]]
            if len(failed) > 50 and len(failed) > 4 * len(served):
                raise NotProven(f"hardly a row can be prepared: {_said(error)}") from None
    return sorted(served), failed


def _require_single(
    features: Callable[[Any], Any], rows: Any, served: Sequence[int], inputs: Any
) -> None:
    step = max(1, len(served) // SINGLES)
    for position in range(0, len(served), step):
        at = served[position]
        alone = _attempt(features, rows.iloc[[at]].reset_index(drop=True))
        if not same_rows(alone, _take(inputs, [position]), exact=False):
            raise NotProven("a row alone is prepared in another way than among others")


def _require_covered(script: Script, tape: Tape, inputs: Any, samples: Any) -> None:
    """Refuse a cut whose rows become only some of those that the model was fitted on.

    Those of another file, with a mark of their own it may be, could not be asked about.
    """
    if any(found.kind == "resample" for found in tape.found.values()):
        return
    known, wanted = set(_keys(inputs)), _keys(samples)
    missing = sum(key not in known for key in wanted)
    if missing > UNCOVERED * len(wanted):
        raise NotProven(
            f"{missing} of the {len(wanted)} rows that the model was fitted on are not made of "
            f"the rows of {script.source_name}"
        )


def _columns(
    features: Callable[[Any], Any], rows: Any, inputs: Any
) -> tuple[list[Any] | None, dict[str, Any]]:
    """Find the columns that a request must have.

    Returns:
        Their names, and a value for each other column that the code still reads.
    """
    if not hasattr(rows, "columns"):
        return None, {}
    needed = list(rows.columns)
    filled: dict[str, Any] = {}
    few = rows.iloc[:: max(1, len(rows) // FEW_ROWS)].reset_index(drop=True)
    end = time.monotonic() + SECONDS

    def unchanged(table: Any, full: Any) -> bool:
        try:
            return same_rows(features(table), full, exact=False)
        except Exception:
            return False

    try:
        few_inputs = features(few.copy())
    except Exception:
        return needed, {}

    def without(table: Any, left_out: Sequence[Any], values: Mapping[Any, Any]) -> Any:
        table = table.drop(columns=[c for c in left_out if c not in values])
        for column, value in values.items():
            table[column] = _constant_like(table[column], value)
        return table

    left_out: list[Any] = []
    for column in list(rows.columns):
        if time.monotonic() > end or len(needed) - len(left_out) == 1:
            break
        trial = [*left_out, column]
        less, whole = without(few.copy(), trial, filled), without(rows.copy(), trial, filled)
        if unchanged(less, few_inputs) and unchanged(whole, inputs):
            left_out = trial
            continue
        present = rows[column].dropna()
        constant = present.unique().tolist() if present.nunique() < 2 else []
        for value in _fillers(present):
            if value in constant:
                continue  # of other values nothing would be known then
            values = {**filled, column: value}
            if unchanged(without(few.copy(), trial, values), few_inputs) and unchanged(
                without(rows.copy(), trial, values), inputs
            ):
                filled, left_out = values, trial
                break
    return [c for c in needed if c not in left_out], filled


def _fillers(present: Any) -> list[Any]:
    """Return values for a column that does not matter, none of which could name a person."""
    if present.dtype.kind == "b":
        return [False]
    if present.dtype.kind in "iuf":
        return [present.dtype.type(0), present.dtype.type(1)]
    common = present.value_counts()
    return ["", common.index[0]] if len(common) <= COMMON else [""]


def _constant_like(column: Any, value: Any) -> Any:
    result = column.copy()
    result[:] = value
    return result


def _require_alike(inputs: Any, samples: Any) -> None:
    if hasattr(samples, "columns"):
        if not hasattr(inputs, "columns") or list(inputs.columns) != list(samples.columns):
            raise NotProven("requests become other columns than the model was fitted on")
    elif tables.width(inputs) != tables.width(samples):
        raise NotProven("requests become another number of columns than the model was fitted on")


def same_rows(one: Any, other: Any, exact: bool = True) -> bool:
    """Say whether two tables hold the same values in the same order; indexes do not count."""
    import numpy

    if tables.rows(one) != tables.rows(other) or tables.width(one) != tables.width(other):
        return False
    if hasattr(one, "tocsr") != hasattr(other, "tocsr"):
        return False
    if hasattr(one, "columns") and hasattr(other, "columns"):
        if list(one.columns) != list(other.columns):
            return False
        pairs = [
            (one.iloc[:, i].to_numpy(), other.iloc[:, i].to_numpy()) for i in range(one.shape[1])
        ]
    elif hasattr(one, "tocsr"):
        one, other = one.tocsr(), other.tocsr()
        return bool(abs(one - other).max() <= (0 if exact else 1e-9))
    else:
        pairs = [(numpy.asarray(one), numpy.asarray(other))]
    return all(_equal(a, b) for a, b in pairs)


def _equal(one: Any, other: Any) -> bool:
    import numpy

    try:
        if one.dtype.kind in "biuf" and other.dtype.kind in "biuf":
            one, other = one.astype(float), other.astype(float)
            return bool(numpy.allclose(one, other, rtol=1e-9, atol=1e-12, equal_nan=True))
        one, other = one.astype(object), other.astype(object)
        same = (one == other) | ((one != one) & (other != other))
        return bool(numpy.all(same))
    except (TypeError, ValueError):
        return False


def _take(table: Any, positions: Sequence[int]) -> Any:
    if hasattr(table, "iloc"):
        return table.iloc[list(positions)]
    if isinstance(table, list):
        return [table[i] for i in positions]
    return table[list(positions)]


def _names(expression: ast.expr | None) -> set[str]:
    nodes = ast.walk(expression) if expression is not None else ()
    return {part.id for part in nodes if isinstance(part, ast.Name)}


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {first_line(str(error))}"
