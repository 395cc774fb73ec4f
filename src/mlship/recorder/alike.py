"""Compare rows: those that were made again with those that a model was fitted on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import tables

PART = 10_000
"""Rows of an array that are compared at once: in between they take several times their memory."""


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
        one, other = numpy.asarray(one), numpy.asarray(other)
        if one.shape != other.shape:
            return False
        parts = [slice(i, i + PART) for i in range(0, len(one), PART)] if one.ndim else [...]
        pairs = [(one[part], other[part]) for part in parts]
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


def numbered(table: Any) -> Any:
    """Return a table whose rows are numbered from 0, itself if they are."""
    if not hasattr(table, "iloc"):
        return table
    index = table.index
    plain = type(index).__name__ == "RangeIndex" and index.name is None
    same = plain and (index.start, index.step) == (0, 1)
    return table if same else table.reset_index(drop=True)


def take(table: Any, positions: Sequence[int]) -> Any:
    """Return some rows of a table."""
    if hasattr(table, "iloc"):
        return table.iloc[list(positions)]
    if isinstance(table, list):
        return [table[i] for i in positions]
    return table[list(positions)]


def keys(table: Any) -> Any:
    """Return a key of each row's values (n, uint64), which hold for this process only.

    They are the same for numbers that differ by a rounding.
    """
    import numpy

    if hasattr(table, "tocsr"):
        table = table.tocsr()
        table.sort_indices()
        parts = zip(table.indptr[:-1], table.indptr[1:])
        data = _rounded(table.data)
        rows = [hash((table.indices[a:b].tobytes(), data[a:b].tobytes())) for a, b in parts]
        return numpy.array(rows, dtype=numpy.int64).view(numpy.uint64)
    if hasattr(table, "columns"):
        columns = [table.iloc[:, i].to_numpy() for i in range(table.shape[1])]
    elif isinstance(table, list):
        columns = [numpy.empty(len(table), dtype=object)]
        columns[0][:] = table
    else:
        array = numpy.asarray(table)
        array = array.reshape(len(array), -1)
        columns = [array[:, i] for i in range(array.shape[1])]
    found = numpy.zeros(tables.rows(table), dtype=numpy.uint64)
    for column in columns:
        found = (found ^ _bits(column)) * numpy.uint64(0x9E3779B97F4A7C15)
        found ^= found >> numpy.uint64(32)
    return found


def _bits(column: Any) -> Any:
    """Return 64 bits of each value of a column, the same for a number whatever its type."""
    import numpy

    if column.dtype.kind in tables.NUMBERS:
        values = _rounded(column)
        values[values != values] = numpy.nan
        return values.view(numpy.uint64)
    values = [v.item() if type(v).__module__ == "numpy" else v for v in column.tolist()]
    numeric = numpy.fromiter((isinstance(v, (int, float)) for v in values), bool, len(values))
    texts = (0 if isinstance(v, (int, float)) else hash(str(v)) for v in values)
    bits = numpy.fromiter(texts, numpy.int64, len(values)).view(numpy.uint64)
    if numeric.any():
        bits[numeric] = _bits(
            numpy.array([float(v) for v in values if isinstance(v, (int, float))])
        )
    return bits


def _rounded(values: Any) -> Any:
    """Round to nine significant digits, below which two ways of adding up may differ."""
    import numpy

    values = values.astype(float)
    with numpy.errstate(all="ignore"):
        size = numpy.where(values == 0, 1.0, 10.0 ** numpy.floor(numpy.log10(numpy.abs(values))))
        return (
            numpy.where(numpy.isfinite(values), numpy.round(values / size, 8) * size, values) + 0.0
        )


def thinned(values: dict[str, Any], step: int, what: str) -> tuple[dict[str, Any], str]:
    """Take each ``step``th of ``rows`` with its answers.

    Args:
        values: ``rows``, and what belongs to them (n each, or lists of such tables, or None).
        step: how many rows one stands for.
        what: what the rows are, in the plural.

    Returns:
        The same, and what is to be said of it.
    """
    taken = {name: None if value is None else _every(value, step) for name, value in values.items()}
    count, left = len(values["rows"]), len(range(0, len(values["rows"]), step))
    return taken, f"Of {count} {what}, {left}, evenly spaced, are proven."


def _every(values: Any, step: int) -> Any:
    return [table[::step] for table in values] if isinstance(values, list) else values[::step]
