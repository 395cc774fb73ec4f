"""What the column is called that a model learned, where it has a name.

A column of a loaded table that the notebook has changed since is not called by its name alone: the
logarithm of a price is no price. It is compared with the rows that the model's inputs are made of,
so that neither a new index nor an array without names matters.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from . import tables
from .alike import keys

CHANGED = " as the notebook transformed it"


class Made(NamedTuple):
    """What a model's inputs are made of."""

    rows: Any
    """Rows as they were loaded (n), a frame."""
    inputs: Any
    """What they become (n)."""


def name_of(
    target: Any, samples: Any, sources: Sequence[Any], made: Made | None
) -> str | list[str] | None:
    """Return the name of the column that a model learned, if it has one; of several, all.

    Args:
        target: what it was fitted on (n).
        samples: its rows (n).
        sources: the tables that were loaded.
        made: what the rows are made of, if that is known.
    """
    if hasattr(target, "columns") and tables.width(target) == 1:
        target = target.iloc[:, 0]
    elif hasattr(target, "columns"):
        return [str(column) for column in target.columns]
    name = getattr(target, "name", None)
    fitting = [] if made is None else _columns_with(target, samples, made)
    if name is None:
        return str(fitting[0]) if len(fitting) == 1 else None
    named = [table for table in sources if hasattr(table, "columns") and name in table.columns]
    unchanged = name in fitting or any(tables.unchanged_part(table, target) for table in named)
    return f"{name}{CHANGED}" if named and not unchanged else str(name)


def plain(name: Any) -> str:
    """Return the name alone of the column that a target was, if it was transformed."""
    return str(name).partition(CHANGED)[0]


def _columns_with(target: Any, samples: Any, made: Made) -> list[Any]:
    """Return the columns that hold, in the rows of each input, what the model learned of it."""
    if tables.rows(target) != tables.rows(samples) or tables.width(target) > 1:
        return []
    if tables.width(samples) != tables.width(made.inputs) or not made.rows.columns.is_unique:
        return []
    theirs = keys(made.inputs)
    known = set(theirs)
    values = _values(target)
    learned = Counter(pair for pair in zip(keys(samples), values) if pair[0] in known)
    if sum(learned.values()) < tables.MOSTLY * len(values) or len(set(values)) < 2:
        return []
    return [
        name
        for name in made.rows.columns
        if not learned - Counter(zip(theirs, _values(made.rows[name])))
    ]


def _values(column: Any) -> list[Any]:
    values = column.tolist() if hasattr(column, "tolist") else list(column)
    values = [value[0] if isinstance(value, list) else value for value in values]
    return [float(v) if isinstance(v, (bool, int, float)) else str(v) for v in values]
