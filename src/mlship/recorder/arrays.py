"""The rows of an array as a table: what its columns are called, and whether they are as loaded.

A request names its values, so a frame is served where the notebook works on an array of numpy's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from . import tables
from .alike import same_rows
from .log import Log


class Columns(NamedTuple):
    """The columns of an array."""

    names: list[str]
    loaded: bool
    """Whether the array is what a file or a data set holds, or columns of that, unchanged."""


def is_array(value: Any) -> bool:
    """Say whether a value is an array of rows and columns."""
    return type(value).__module__ == "numpy" and getattr(value, "ndim", 0) == 2


def columns_of(array: Any, log: Log) -> Columns:
    """Name the columns of an array (n x columns) as the data does, else by their positions."""
    known = list(_loaded(log))
    for names, table in known:
        whole = table.to_numpy() if hasattr(table, "columns") else table
        if whole.shape == array.shape and same_rows(whole, array):
            return Columns(names, True)
    parts = [
        tables.names_in(table if hasattr(table, "columns") else (names, table), array)
        for names, table in known
    ]
    found = [names for names in parts if names]
    if found and all(names == found[0] for names in found):
        return Columns(found[0], True)
    return Columns(_positions(array.shape[1]), False)


def is_loaded(table: Any, log: Log) -> bool:
    """Say whether a frame holds what was loaded, unchanged and by the same names.

    A frame that is made of a whole array without names has its columns' positions for names.
    """
    array = table.to_numpy()
    known = columns_of(array, log)
    names = list(table.columns)
    widths = {part.shape[1] for _, part in _loaded(log) if not hasattr(part, "columns")}
    placed = names == list(range(array.shape[1])) and array.shape[1] in widths
    return known.loaded and (placed or names == known.names)


def as_table(array: Any, names: Sequence[str]) -> Any:
    """Return an array as a frame."""
    import pandas

    return pandas.DataFrame(array, columns=list(names))


def _positions(count: int) -> list[str]:
    return [f"x{position}" for position in range(count)]


def _loaded(log: Log) -> Iterator[tuple[list[str], Any]]:
    """Yield the tables that were loaded, each with its columns' names, or their positions."""
    for _, value in log.loads.values():
        table = rows_in(value)
        names = getattr(table, "columns", getattr(value, "feature_names", None))
        for _, samples in log.sources:
            if names is None and isinstance(samples, tuple) and samples[1] is table:
                names = samples[0]
        if not is_array(table) and not hasattr(table, "columns"):
            continue
        named = [] if names is None else [str(name) for name in names]
        fitting = len(named) == len(set(named)) == table.shape[1]
        yield (named if fitting else _positions(table.shape[1])), table


def rows_in(value: Any) -> Any:
    """Return the rows in what a loader gave: a table, a data set, or rows first of several."""
    if isinstance(value, tuple) and value:
        return rows_in(value[0])
    return value.data if hasattr(value, "target") and hasattr(value, "data") else value
