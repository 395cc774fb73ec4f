"""Copies of tables, of which those that have columns in common hold these once.

A slice of twenty statements on a large table would otherwise keep it twenty times.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from . import tables

CELLS_SHARED = 1_000_000
"""Smaller tables are copied whole, which is quicker."""


class Shelf:
    """The columns that are kept."""

    def __init__(self, known: Iterable[Any] = ()) -> None:
        """Take tables that nobody changes any more: what they have in common is kept there."""
        self._columns: dict[str, Any] = {}
        for table in known:
            if type(table).__name__ == "DataFrame" and tables.cells(table) >= CELLS_SHARED:
                for array in table._iter_column_arrays():
                    key = tables.digest_of_column(array)
                    if type(array).__module__ == "numpy" and key is not None:
                        self._columns.setdefault(key, array)

    def keep(self, table: Any) -> Any:
        """Return a copy of a table; copy it again before it is changed.

        Numbers of a column that is shared cannot be overwritten.
        """
        if type(table).__name__ != "DataFrame" or tables.cells(table) < CELLS_SHARED:
            return tables.snapshot(table)
        import pandas

        columns = {
            position: self._column(array)
            for position, array in enumerate(table._iter_column_arrays())
        }
        try:
            frame = pandas.DataFrame(columns, index=table.index, copy=False)
        except Exception:  # an older pandas
            return tables.snapshot(table)
        frame.columns = table.columns
        return frame

    def _column(self, array: Any) -> Any:
        key = tables.digest_of_column(array)
        if key is None:
            return array.copy()
        if key not in self._columns:
            self._columns[key] = array.copy()
            if hasattr(array, "flags"):
                self._columns[key].flags.writeable = False
        return self._columns[key]
