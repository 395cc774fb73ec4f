"""Find the earliest rows from which the model's inputs can be made again, one row at a time.

The rows as loaded are tried first, then what each statement of the slice makes of them. A cut
counts only once the code that is written for it has made, from those rows, what the model was
fitted on, the same for a row alone as for all together.
"""

from __future__ import annotations

import ast
import time
from collections.abc import Container, Iterator, Sequence
from typing import Any, NamedTuple

from . import arrays, bunches, libraries, pictures, reading, tables
from .alike import keys, same_rows
from .log import Log
from .models import FITS, Candidate, Event
from .proving import SECONDS, Cut, NotProven, prove, said_of
from .rewriting import NotTaken
from .script import SAMPLING, Fit, Script
from .slices import backward, bound, held_out, reduced
from .statements import Statement, names_of
from .tape import Tape, Unrepeatable
from .writer import NotWritable

SMALL = 10
"""A table with that many times fewer rows than the model's is tried last."""
TABLES = 3
"""Tables that are tried as the one with the rows."""
WHOLES = 6
"""Tables that are tried as the one which the rows of a fit were chosen from."""


class Search(NamedTuple):
    """The earliest proven cut, and why none was earlier."""

    cut: Cut | None
    blocked: list[str]
    whole: Cut | None = None
    """The same cut with all that the notebook does to the rows, where ``cut`` does less."""


class Slice(NamedTuple):
    """A slice that was run again, with what it leads to."""

    fit: Fit
    path: list[int]
    tape: Tape


def find(statements: Sequence[Statement], log: Log, candidate: Candidate) -> Search:
    """Find the earliest cut for a model: of pictures that are files, first from their contents."""
    if not log.pictures.opened:
        return _find(statements, log, candidate)
    try:
        samples = names_of(_fit(statements, candidate).samples)
        path = backward(statements, candidate.fitted.statement, samples)
        taken = reading.apart(statements, path, log)
        if taken == list(statements):
            return _find(statements, log, candidate)
        search = _find(taken, log, candidate)
        if search.cut is not None:
            return search
        why = "; ".join(search.blocked[:1])
    except (Unrepeatable, NotTaken) as error:
        why = str(error)
    except Exception as error:  # pixels are served where the files cannot be
        why = f"the code could not be written ({said_of(error)})"
    search = _find(statements, log, candidate)
    return search._replace(blocked=[f"{reading.REFUSED}: {why}", *search.blocked])


def _find(statements: Sequence[Statement], log: Log, candidate: Candidate) -> Search:
    """Find the earliest cut for a model.

    Each table that is loaded is tried as the one with the rows, at first without the tables that
    the notebook only works on along with it.
    """
    blocked: list[str] = []
    end = time.monotonic() + SECONDS
    try:
        fits = [_fit(statements, candidate)]
        _loaders(statements, log, fits[0])
    except Unrepeatable as error:
        blocked.append(str(error))
        fits = _wholes(statements, candidate)
    for fit in fits:
        for variant, primary in _readings(statements, log, candidate, fit):
            for beside in [True, False] if fit.whole else [False]:
                try:
                    again = fit if fit.whole else _fit(variant, candidate)
                    slice_ = _again(variant, log, candidate, again, primary, beside)
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


def _readings(
    statements: Sequence[Statement], log: Log, candidate: Candidate, fit: Fit
) -> Iterator[tuple[list[Statement], int]]:
    """Yield the statements as they may be read, with the one that is taken to load the rows."""
    try:
        path, loaders = _loaders(statements, log, fit)
    except Unrepeatable:
        return
    for primary in sorted(loaders, key=lambda i: _unlikely(log, i, candidate))[:TABLES]:
        others = {name for i in loaders if i != primary for name in statements[i].changed}
        others |= held_out(statements, path)
        for variant in _variants(statements, log, fit, path, others):
            yield variant, primary


def _variants(
    statements: Sequence[Statement],
    log: Log,
    fit: Fit,
    path: Sequence[int],
    others: Container[str] = frozenset(),
) -> list[list[Statement]]:
    """Return the statements as they may be read, the simplest reading first.

    Args:
        statements: the notebook's.
        log: what was loaded.
        fit: the fit that they lead to.
        path: those that make its rows.
        others: the names of the tables that are loaded beside the rows, or held out of them.
    """
    target = names_of(fit.target)
    within = {*path, *backward(statements, fit.at, target), fit.at}
    found = [list(statements)]
    for simpler in (bunches.apart(statements, within, log), reduced(statements, path, others)):
        if simpler != list(statements):
            found.insert(0, simpler)
    return found


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
                return prove(Script(statements, tape, fit, at, climb), tape, candidate)
            except (NotWritable, NotProven) as error:
                reason = str(error)
            except Exception as error:  # an honest later cut is better than no answer at all
                reason = f"the code could not be written ({said_of(error)})"
        blocked.append(f"after cell {statements[at].cell}: {reason}")
    return None


def _lean(cut: Cut, tape: Tape, candidate: Candidate, end: float) -> Cut:
    """Leave out of a cut's code what only works on columns that do not matter.

    All of it is tried at once, and ever smaller groups where that makes other inputs.
    """
    script = cut.script
    inner = {index for stage in script.stages for index in stage.inner}

    def idle(index: int) -> bool:
        source = script.statements[index].source
        return any(str(name) in source for name in cut.filled)

    waiting = [[index for index in sorted(inner, reverse=True) if idle(index)]]
    while waiting and time.monotonic() < end:
        group = [index for index in waiting.pop() if idle(index)]
        if not group:
            continue
        fewer = _without(group, cut, tape, candidate)
        if fewer is not None:
            cut = fewer
        elif len(group) > 1:
            half = len(group) // 2
            waiting += [group[half:], group[:half]]
    return cut


def _without(indices: Sequence[int], cut: Cut, tape: Tape, candidate: Candidate) -> Cut | None:
    """Return a cut without some of its statements, if it makes the same inputs."""
    script = cut.script
    spared = script.spared.union(indices)
    try:
        fewer = Script(script.statements, tape, script.fit, script.cut, script.writer.climb, spared)
        proven = prove(fewer, tape, candidate)
    except Exception:  # whatever it raises, the statements are needed
        return None
    if list(proven.served) != list(cut.served) or not same_rows(proven.inputs, cut.inputs):
        return None
    return proven._replace(inputs=cut.inputs)


def last(statements: Sequence[Statement], log: Log, candidate: Candidate) -> Search:
    """Find the latest cut, after which nothing is done to the rows: only training is written."""
    try:
        fit = _fit(statements, candidate)
        path, loaders = _loaders(statements, log, fit)
        statements = _variants(statements, log, fit, path)[0]
        fit = _fit(statements, candidate)
        _, _, tape = _again(statements, log, candidate, fit, loaders[0])
    except (Unrepeatable, NotWritable) as error:
        return Search(None, [str(error)])
    drawn = [found.statement for found in tape.found.values() if found.kind in SAMPLING]
    reason = "the rows have no name where nothing more is done to them"
    for at in reversed([i for i in range(min([fit.at, *drawn])) if i in tape.kinds]):
        try:
            script = Script(statements, tape, fit, at, table=False)
        except NotWritable as error:
            reason = str(error)
            continue
        rows = tape.held(script.rows_name, at)
        if not script.stages and rows is not None:
            served = range(tables.rows(rows))
            return Search(Cut(script, None, rows, served, {}, {}, [], {}, rows), [])
    return Search(None, [reason])


def _unlikely(log: Log, statement: int, candidate: Candidate) -> tuple[bool, bool]:
    """Rank what a statement loads: pictures before tables, and last what has too few rows."""
    loaded = [value for (at, _), (_, value) in log.loads.items() if at == statement]
    files = any(pictures.are_pictures(arrays.rows_in(value)) for value in loaded)
    return not files, _is_small(loaded, candidate)


def _is_small(loaded: Sequence[Any], candidate: Candidate) -> bool:
    """Say whether what is loaded has fewer rows than the model's could have come from."""
    most = max(tables.rows(arrays.rows_in(value)) for value in loaded)
    return 0 < SMALL * most < tables.rows(candidate.fitted.samples)


def _loaders(statements: Sequence[Statement], log: Log, fit: Fit) -> tuple[list[int], list[int]]:
    """Return the statements that made the rows of a fit, and those of them that load tables.

    Raises:
        Unrepeatable: none loads one.
    """
    path = backward(statements, fit.at, names_of(fit.samples))
    loaders = sorted({statement for statement, _ in log.loads} & set(path))
    if not loaders:
        raise Unrepeatable("the rows are not loaded from a file or a data set")
    return path, loaders


def _again(
    statements: Sequence[Statement],
    log: Log,
    candidate: Candidate,
    fit: Fit,
    primary: int,
    beside: bool = False,
) -> Slice:
    """Run again what made the rows of a fit; statement ``primary`` loads them.

    ``beside`` them, what else is read where the rows are chosen from a table counts as its target.

    Raises:
        Unrepeatable: it does not give the same rows.
    """
    path = backward(statements, fit.at, names_of(fit.samples))
    target = backward(statements, fit.at, names_of(fit.target)) if fit.target is not None else []
    others = _beside(statements, log, fit) if beside else []
    target = sorted(
        {*target, *(i for name in others for i in backward(statements, fit.at, [name]))}
    )
    tape = Tape(statements, log)
    tape.run(sorted({*path, *target}), primary)
    samples = tape.value(fit.samples, fit.at)
    if fit.whole:
        part = _part_with_rows(fit.samples, samples, candidate.fitted.samples)
        if part is None:
            raise Unrepeatable(f"{ast.unparse(fit.samples)} is not what the model was fitted on")
        along = [n for n in others if tables.rows(tape.namespace.get(n)) == tables.rows(samples)]
        along = [*(sorted(names_of(fit.samples)) if part is not fit.samples else []), *along]
        named: list[ast.expr] = [ast.Name(name, ast.Load()) for name in along]
        together = ast.Tuple(named, ast.Load()) if beside and named else None
        fit = fit._replace(samples=part, target=together)
    elif not same_rows(samples, candidate.fitted.samples):
        raise Unrepeatable("running the cells again does not give the same rows: they are random")
    tape.free()
    return Slice(fit, path, tape)


def _part_with_rows(name: ast.expr, table: Any, samples: Any) -> ast.expr | None:
    """Return the code of what, in a table, has the columns of a fit and all of its rows."""
    part: ast.expr = name
    if hasattr(table, "columns") and hasattr(samples, "columns"):
        wanted = list(samples.columns)
        if list(table.columns) != wanted:
            if not table.columns.is_unique or not {*map(str, wanted)} <= {*map(str, table.columns)}:
                return None
            columns = ast.List([ast.Constant(column) for column in wanted], ast.Load())
            part, table = ast.Subscript(name, columns, ast.Load()), table[wanted]
    elif hasattr(table, "columns") and arrays.is_array(samples):
        part, table = ast.Attribute(name, "values", ast.Load()), table.to_numpy()
    if type(table) is not type(samples) or tables.width(table) != tables.width(samples):
        return None
    return part if set(keys(samples)) <= set(keys(table)) else None


def _beside(statements: Sequence[Statement], log: Log, fit: Fit) -> list[str]:
    """Return what may be rows too of what the statement of a fit reads, beside its table."""
    fits = {event.statement for event in log.events if event.kind in FITS}
    loaders = {statement for statement, _ in log.loads}
    found: list[str] = []
    for name in sorted(statements[fit.at].needs - names_of(fit.samples)):
        path = backward(statements, fit.at, [name])
        makers = [statements[i].node for i in path if statements[i].changed & {name}]
        assigned = any(isinstance(node, ast.Assign) for node in makers)
        if assigned and loaders & {*path} and not fits & {*path}:
            found.append(name)
    return found


def _wholes(statements: Sequence[Statement], candidate: Candidate) -> list[Fit]:
    """Return what the rows of a fit may have been chosen from, where they have no name.

    In a loop over folds, or in a function that splits, it is a table that has one; so it is where
    a formula takes some columns of one, and of these the rows that miss nothing.
    """
    at = candidate.fitted.statement
    needed = statements[at].needs
    near = [i for i in backward(statements, at, needed) if bound(statements[i].node) & needed]
    needed = needed.union(*(statements[i].needs for i in near))
    made: dict[str, None] = {}
    for statement in reversed(statements[:at]):
        if not isinstance(statement.node, (ast.Import, ast.ImportFrom, ast.FunctionDef)):
            made.update(dict.fromkeys(sorted(bound(statement.node) & needed)))
    return [Fit(at, ast.Name(name, ast.Load()), None, True) for name in list(made)[:WHOLES]]


def _fit(statements: Sequence[Statement], candidate: Candidate) -> Fit:
    """Return what the model was fitted with, as names or as code.

    Raises:
        Unrepeatable: it has no name.
    """
    event = candidate.fitted
    if libraries.of(event.owner).loops:
        return _looped(statements, event)
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
        made = calls[0].func.value  # type: ignore[attr-defined]
        if given == [None, None] and isinstance(made, ast.Call) and len(made.args) > 1:
            given = [made.args[1], made.args[0]]  # statsmodels: OLS(y, X).fit()
            given = [None, None] if isinstance(given[1], ast.Constant) else given
    named = [ast.Name(name, ast.Load()) if name else None for name in event.names]
    samples, target = (given[i] if isinstance(given[i], ast.expr) else named[i] for i in (0, 1))
    if named[0] is not None and not isinstance(samples, ast.Name):
        samples = named[0]
    loops = (ast.For, ast.While, ast.FunctionDef, ast.comprehension)
    if any(isinstance(part, loops) for part in ast.walk(statement.node)):
        samples, target = (
            node if node is not None and not names_of(node) & statement.binds else named[i]
            for i, node in enumerate((samples, target))
        )
    if samples is None:
        raise Unrepeatable("what the model was fitted on has no name in the notebook")
    return Fit(event.statement, samples, target)


def _looped(statements: Sequence[Statement], event: Event) -> Fit:
    """Return what a network was trained on: a table by its name, or as it was made a tensor of.

    Raises:
        Unrepeatable: it has no name.
    """
    if event.names[0] is not None:
        return Fit(event.statement, ast.Name(event.names[0], ast.Load()), None)
    if event.made is not None:
        at, function, turn = event.made
        calls = [
            part
            for part in ast.walk(statements[at].node)
            if isinstance(part, ast.Call)
            and getattr(part.func, "attr", getattr(part.func, "id", "")) == function
        ]
        calls.sort(key=lambda call: (call.lineno, call.col_offset))
        if turn < len(calls) and calls[turn].args:
            return Fit(at, calls[turn].args[0], None)
    raise Unrepeatable("what the network was trained on has no name in the notebook")
