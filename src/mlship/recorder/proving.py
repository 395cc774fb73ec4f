"""Prove that the code written for a cut makes, from rows there, what the model was fitted on.

What counts is what the code does as the project will run it: with rows alone and together, away
from the notebook's files, with what it learned as it will be stored.
"""

from __future__ import annotations

import copy
import functools
import os
import tempfile
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from . import models, personal, pictures, tables, tensors
from .alike import keys, numbered, same_rows, take
from .columns import Columns
from .models import Candidate, Refused
from .script import Script
from .statements import first_line
from .tape import Tape, restore

SECONDS = 120.0
"""Time for trying cuts."""
LARGEST_TABLE = 20_000
"""Values of a table that is kept with what training learned."""
UNCOVERED = 0.01
"""Share of the rows of a fit that may be found again only by other digits than those compared."""
SINGLES = 40
"""Rows that are prepared one at a time, spread over the table."""


class NotProven(Exception):
    """The code for a cut does not make what the notebook made; the message says what differs."""


class Cut(NamedTuple):
    """Rows, and the code and the state that make the model's inputs of them."""

    script: Script
    names: list[Any] | None
    """The columns that requests have; None where the rows have none."""
    inputs: Any
    """What the code makes of them (n)."""
    served: Sequence[int]
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
    """All rows at the cut (n), numbered from 0, with all the columns. Nobody may change them."""

    @property
    def rows(self) -> Any:
        """All rows at the cut (n), with the columns that requests have."""
        return self.rows_whole if self.names is None else self.rows_whole[self.names]


def prove(script: Script, tape: Tape, candidate: Candidate) -> Cut:
    """Prove a cut, in a folder where no file of the notebook is."""
    before = os.getcwd()
    with tempfile.TemporaryDirectory() as empty:
        os.chdir(empty)
        try:
            return _proven(script, tape, candidate)
        finally:
            os.chdir(before)


def _proven(script: Script, tape: Tape, candidate: Candidate) -> Cut:
    rows = script.rows()
    arrays = tensors.are_samples(rows) or pictures.are_pictures(rows)
    if rows is None or not (hasattr(rows, "iloc") or arrays):
        raise NotProven("the rows are no table there")
    if script.columns is not None and not script.columns.loaded:
        raise NotProven("the rows are an array there, whose columns have no names")
    module = module_of(script)
    learned = _train(script, tape, module, candidate.fitted.samples)
    rows = numbered(rows)
    features = features_of(module, learned)
    served, unservable, inputs = _servable(features, rows)
    if not served:
        raise NotProven(f"no row can be prepared: {next(iter(unservable.values()))}")
    whole = numbered(take(rows, served)) if unservable else rows
    if unservable:
        inputs = _attempt(features, whole)
    _require_alike(inputs, candidate.fitted.samples)
    if tables.rows(inputs) != len(served):
        raise NotProven(f"{len(served)} rows become {tables.rows(inputs)}")
    _require_single(features, rows, served, inputs)
    _require_covered(script, tape, inputs, candidate.fitted.samples)
    names: list[Any] | None = None
    values: dict[Any, Any] = {}
    if hasattr(rows, "columns"):
        by_place = script.columns is not None
        names, values = Columns(features, whole, inputs, by_place).needed()
    read = [c for c in rows.columns if c in names or c in values] if names is not None else []
    filled = {
        name: {"value": _json(value), "x-dtype": str(rows[name].dtype)}
        for name, value in values.items()
    }
    return Cut(script, names, inputs, served, learned, filled, read, unservable, rows)


def _json(value: Any) -> Any:
    value = value.item() if hasattr(value, "item") else value
    return value if isinstance(value, (bool, int, float, str)) else str(value)


def module_of(script: Script) -> Any:
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
    from .learned import Learned, from_json, parted

    learned = Learned()
    table: Any = copy.deepcopy(script.rows())
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
        raise NotProven(f"the code fails in training: {said_of(error)}") from None
    known = script.fit.whole and set(keys(samples)) <= set(keys(table))
    if not known and not same_rows(table, samples):
        raise NotProven("the code does not make the rows that the model was fitted on")
    for name, value in learned.known.items():
        named = hasattr(value, "columns") and personal.columns(value, None)
        if tables.cells(value) > LARGEST_TABLE or named:
            raise NotProven(f"the table {name} is too large, or too personal, to be kept")
        if hasattr(value, "get_params"):
            _require_importable(name, value)
    try:
        values, estimators = parted(learned.known)
        return {**{name: from_json(value) for name, value in values.items()}, **estimators}
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


def features_of(module: Any, known: Mapping[str, Any]) -> Callable[[Any], Any]:
    """Return the code as a request runs it, with what training learned."""
    from .learned import Learned

    return lambda rows: module.features(rows, Learned(known))


def _attempt(features: Callable[[Any], Any], rows: Any) -> Any:
    try:
        return features(rows.copy())
    except Exception as error:
        raise NotProven(f"a request fails: {said_of(error)}") from None


def _servable(
    features: Callable[[Any], Any], rows: Any
) -> tuple[Sequence[int], dict[int, str], Any]:
    """Part rows into those that the code can prepare and those that it fails on, with reasons.

    Where it can prepare all, what it makes of them comes along.
    """
    served: list[int] = []
    failed: dict[int, str] = {}
    waiting = [range(len(rows))]
    tries = 0
    while waiting:
        part = waiting.pop()
        tries += 1
        try:
            if len(part) == len(rows):
                return part, {}, features(rows.copy())
            features(numbered(take(rows, part)))
            served += part
        except Exception as error:
            if len(part) == 1:
                failed[part[0]] = said_of(error)
            elif tries > 4000:
                failed.update({i: said_of(error) for i in part})
            else:
                half = len(part) // 2
                waiting += [part[half:], part[:half]]
            if len(failed) > 50 and len(failed) > 4 * len(served):
                raise NotProven(f"hardly a row can be prepared: {said_of(error)}") from None
    return sorted(served), failed, None


def _require_single(
    features: Callable[[Any], Any], rows: Any, served: Sequence[int], inputs: Any
) -> None:
    step = max(1, len(served) // SINGLES)
    for position in range(0, len(served), step):
        at = served[position]
        alone = _attempt(features, numbered(take(rows, [at])))
        if not same_rows(alone, take(inputs, [position]), exact=False):
            raise NotProven("a row alone is prepared in another way than among others")


def _require_covered(script: Script, tape: Tape, inputs: Any, samples: Any) -> None:
    """Refuse a cut whose rows become only some of those that the model was fitted on.

    Those of another file, with a mark of their own it may be, could not be asked about.
    """
    if any(found.kind == "resample" for found in tape.found.values()):
        return
    if same_rows(inputs, samples, exact=False):
        return
    import numpy

    wanted = keys(samples)
    missing = int((~numpy.isin(wanted, keys(inputs))).sum())
    if missing > UNCOVERED * len(wanted):
        raise NotProven(
            f"{missing} of the {len(wanted)} rows that the model was fitted on are not made of "
            f"the rows of {script.source_name}"
        )


def _require_alike(inputs: Any, samples: Any) -> None:
    if hasattr(samples, "columns"):
        if not hasattr(inputs, "columns") or list(inputs.columns) != list(samples.columns):
            raise NotProven("requests become other columns than the model was fitted on")
    elif getattr(inputs, "shape", ())[1:] != getattr(samples, "shape", ())[1:]:
        raise NotProven("requests become another number of columns than the model was fitted on")


def said_of(error: Exception) -> str:
    """Return an error in one line."""
    return f"{type(error).__name__}: {first_line(str(error))}"
