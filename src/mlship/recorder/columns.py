"""Find the columns that a request must have: those without which the model's inputs differ.

Columns are tried on few rows, for what is tried often must be quick; what is found there is then
proven on all rows at once, and in ever smaller groups where that fails.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from .alike import same_rows

SECONDS = 120.0
"""Time for finding out which columns matter."""
FEW_ROWS = 300
"""Rows on which a column is tried first."""
QUICK = 0.1
"""Seconds that these may take; of code that takes longer, a fifth of them is tried."""
COMMON = 50
"""A column with more values than this may name people."""
MISSING = object()
"""Stands for the value of a column that is left out."""


class Columns:
    """What is known so far of the columns of one table."""

    def __init__(
        self, features: Callable[[Any], Any], rows: Any, inputs: Any, by_place: bool
    ) -> None:
        """Take the code, all rows (n) and what it makes of them (n).

        Of code that takes columns ``by_place``, none can be left out, only filled.
        """
        self.features = features
        self.rows = rows
        self.inputs = inputs
        self.by_place = by_place
        self.end = time.monotonic() + SECONDS
        self._fillers: dict[Any, list[Any]] = {}

    def needed(self) -> tuple[list[Any], dict[Any, Any]]:
        """Return the names of the needed ones, and a value for each other one that is read."""
        names = list(self.rows.columns)
        found = self._tried(FEW_ROWS)
        kept: dict[Any, Any] = {}
        waiting = [list(found)] if found else []
        while waiting and time.monotonic() < self.end:
            group = waiting.pop()
            if self._unchanged(self.rows, self.inputs, {**kept, **{c: found[c] for c in group}}):
                kept.update((column, found[column]) for column in group)
            elif len(group) > 1:
                half = len(group) // 2
                waiting += [group[half:], group[:half]]
            else:
                kept.update(self._filled(group[0], kept, self.rows, self.inputs))
        filled = {column: value for column, value in kept.items() if value is not MISSING}
        return [column for column in names if column not in kept], filled

    def _tried(self, most: int) -> dict[Any, Any]:
        """Return the columns that some rows do without, each with a value in its place."""
        few = self.rows.iloc[:: max(1, len(self.rows) // most)].reset_index(drop=True)
        started = time.monotonic()
        try:
            inputs = self.features(few.copy())
        except Exception:
            return {}
        if time.monotonic() - started > QUICK and most == FEW_ROWS and len(few) > most // 5:
            return self._tried(most // 5)
        left_out: dict[Any, Any] = {}
        for column in self.rows.columns:
            if time.monotonic() > self.end or len(left_out) == len(self.rows.columns) - 1:
                break
            missing = {**left_out, column: MISSING}
            if not self.by_place and self._unchanged(few, inputs, missing):
                left_out[column] = MISSING
            else:
                left_out.update(self._filled(column, left_out, few, inputs))
        return left_out

    def _filled(
        self, column: Any, left_out: Mapping[Any, Any], table: Any, inputs: Any
    ) -> dict[Any, Any]:
        """Return a column with the value that does in its place, or nothing."""
        if column not in self._fillers:
            self._fillers[column] = _fillers(self.rows[column].dropna())
        for value in self._fillers[column]:
            if self._unchanged(table, inputs, {**left_out, column: value}):
                return {column: value}
        return {}

    def _unchanged(self, table: Any, inputs: Any, left_out: Mapping[Any, Any]) -> bool:
        missing = [column for column, value in left_out.items() if value is MISSING]
        table = table.drop(columns=missing).copy()  # pandas' drop may give a view
        try:
            for column, value in left_out.items():
                if value is not MISSING:
                    table[column] = _constant_like(table[column], value)
            return same_rows(self.features(table), inputs, exact=False)
        except Exception:
            return False


def _fillers(present: Any) -> list[Any]:
    """Return values for a column that does not matter, none of which could name a person.

    Not the only value that it has: of others nothing would be known then.
    """
    try:
        common = present.iloc[: 100 * COMMON].value_counts()
        if len(common) <= COMMON:
            common = present.value_counts()
    except TypeError:  # values that cannot be hashed
        return []
    if present.dtype.kind == "b":
        values: list[Any] = [False]
    elif present.dtype.kind in "iuf":
        values = [present.dtype.type(0), present.dtype.type(1)]
    else:
        values = ["", common.index[0]] if 0 < len(common) <= COMMON else [""]
    constant = common.index.tolist() if len(common) < 2 else []
    return [value for value in values if value not in constant]


def _constant_like(column: Any, value: Any) -> Any:
    result = column.copy()
    result[:] = value
    return result
