"""Give a model the columns that it was fitted on: by their names, in its order, with its types."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..recorder import tensors
from ..recorder.models import Refused
from . import boosters

SHOWN = 12
"""Columns that a message names."""
TYPES = {
    "boolean": "bool",
    "datetime": "datetime64[ns]",
    "double": "float64",
    "float": "float32",
    "integer": "int32",
    "long": "int64",
}
"""MLflow's types of a column whose values a file may give in another."""


class Fitted(NamedTuple):
    """Rows as the model takes them."""

    rows: Any
    """A pandas frame, a numpy array or a list of texts."""
    names: list[str] | None
    """The columns' names, where ``rows`` itself has none."""
    width: int
    notes: list[str]


def fit(
    model: Any,
    table: Any,
    source: str,
    target: str | None,
    schema: Sequence[tuple[str, str]] | None,
) -> Fitted:
    """Return the rows of ``table`` as ``model`` takes them.

    Args:
        model: the loaded model.
        table: a pandas frame or a numpy array (n x columns).
        source: the name of the file that it was read from.
        target: the column that the model learned, if the user names it.
        schema: (name, MLflow type) of each column, where an MLflow model says so.

    Raises:
        Refused: columns are missing, or their number is not the model's.
    """
    own = boosters.names(model)
    names = own or [name for name, _ in schema or ()] or None
    if not hasattr(table, "columns"):
        return _array(model, table, source, names)
    table = table.rename(columns=str)
    if target is not None and target not in table.columns:
        near = _near(target, table.columns)
        raise Refused(f"{source} has no column {target!r}, which --target names.{near}")
    notes = []
    if target is not None:
        holes = int(table[target].isna().sum())
        if holes:
            notes.append(f"{source} has no {target!r} in {holes} rows; the proof needs none.")
    if names and not boosters.generic(names, table.columns):
        if target in names:
            raise Refused(f"The model takes {target!r} as an input; it cannot be its target.")
        rows = _chosen(model, table, source, names)
        extra = [column for column in table.columns if column not in (target, *rows.columns)]
        if extra:
            notes.append(f"The model does not take these columns of {source}: {_list(extra)}.")
        rows = _typed(rows, schema or ())
        if not own and boosters.width(model) is not None:
            return Fitted(_plain(rows), list(names), len(names), notes)  # fitted on an array
        rows = _categories(model, rows, source)
        return Fitted(rows, None, rows.shape[1], notes)
    rows = table if target is None else table.drop(columns=target)
    expected = boosters.width(model)
    if expected is not None and expected != rows.shape[1]:
        raise Refused(
            f"The model takes {expected} columns and does not say which; {source} has "
            f"{rows.shape[1]}{'' if target is None else f' beside {target!r}'}: "
            f"{_list(rows.columns)}. Leave only its own in the file, in its order, or name the one "
            "that it learned with --target."
        )
    columns = list(rows.columns)
    if expected is None and rows.shape[1] == 1 and not _is_number(rows.iloc[:, 0]):
        return _texts(rows.iloc[:, 0], columns, source, notes)
    notes.append(f"The model does not name its columns: it is given those of {source}, in order.")
    if expected is None:
        return Fitted(rows, None, len(columns), notes)
    return Fitted(_plain(rows), columns, len(columns), notes)


def _chosen(model: Any, table: Any, source: str, names: Sequence[str]) -> Any:
    """Take the columns called ``names``, in that order; LightGBM writes _ for a space."""
    there = {column: column for column in table.columns}
    if boosters.spaceless(model):
        there = {re.sub(r"\s", "_", column): column for column in table.columns} | there
    missing = [name for name in names if name not in there]
    if missing:
        near = _near(missing[0], table.columns) if len(missing) == 1 else ""
        raise Refused(
            f"{source} lacks {len(missing)} of the {len(names)} columns that the model takes: "
            f"{_list(missing)}.{near} It has: {_list(table.columns)}."
        )
    return table[[there[name] for name in names]]


def _array(model: Any, table: Any, source: str, names: list[str] | None) -> Fitted:
    shape = boosters.sample_shape(model)
    if table.ndim > 2 or (shape is not None and len(shape) > 1):
        return _samples(table, source, shape)
    expected = len(names) if names else boosters.width(model)
    if expected is not None and expected != table.shape[1]:
        raise Refused(f"The model takes {expected} columns, and {source} has {table.shape[1]}.")
    if not names or boosters.generic(names, ()):
        return Fitted(table, None, table.shape[1], [])
    import pandas

    note = f"{source} does not name its columns: they are taken to be the model's, in its order."
    rows = pandas.DataFrame(table, columns=names)
    return Fitted(rows, None, len(names), [note])


def _samples(table: Any, source: str, shape: Sequence[int | None] | None) -> Fitted:
    """Take samples that are arrays themselves, of the shape that the model takes."""
    got = table.shape[1:]
    fits = shape is None or len(shape) == len(got)
    if not fits or any(size not in (None, found) for size, found in zip(shape or (), got)):
        raise Refused(
            f"The model takes samples of the shape {_said(shape or ())}, and those of {source} "
            f"have {_said(got)}."
        )
    return Fitted(table, [tensors.called(table, None)], 1, [])


def _said(shape: Sequence[int | None]) -> str:
    return " x ".join("any" if size is None else str(size) for size in shape)


def _typed(rows: Any, schema: Sequence[tuple[str, str]]) -> Any:
    """Give columns the types of an MLflow signature, where no value is lost by it."""
    rows = rows.copy()
    for name, kind in schema:
        if name not in rows.columns or kind not in TYPES:
            continue
        try:
            typed = rows[name].astype(TYPES[kind])
        except (TypeError, ValueError):
            continue  # missing values in a column of integers, for one
        if kind in ("double", "float", "datetime") or (typed == rows[name]).all():
            rows[name] = typed
    return rows


def _categories(model: Any, rows: Any, source: str) -> Any:
    """Make a category of each column that the model knows as one, with the model's categories."""
    known: Mapping[int, list[Any]] = boosters.categories(model, rows)
    if not known:
        return rows
    import pandas

    rows = rows.copy()
    for position, categories in known.items():
        column = rows.columns[position]
        before = rows[column]
        rows[column] = before.astype(object).astype(pandas.CategoricalDtype(categories))
        lost = sorted({str(value) for value in before[rows[column].isna() & before.notna()]})
        if lost:
            raise Refused(
                f"Column {column!r} of {source} holds {_list(lost)}, and the model knows only "
                f"{_list(categories)}. Leave those rows out."
            )
    return rows


def _texts(column: Any, names: list[str], source: str, notes: list[str]) -> Fitted:
    texts = column.tolist()
    if not all(isinstance(value, str) for value in texts):
        raise Refused(f"Some rows of {source} have no text in {names[0]!r}.")
    return Fitted(texts, names, 1, notes)


def _plain(rows: Any) -> Any:
    """Return a frame's values as one array: numbers where all columns are numbers."""
    if all(_is_number(rows.iloc[:, i]) for i in range(rows.shape[1])):
        kinds = {rows.dtypes.iloc[i].kind for i in range(rows.shape[1])}
        return rows.to_numpy() if len(kinds) == 1 else rows.to_numpy(dtype="float64")
    return rows.to_numpy(dtype=object)


def _is_number(column: Any) -> bool:
    return getattr(column.dtype, "kind", "O") in "iufb"


def _near(name: str, columns: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, list(columns), n=1)
    return f" Did you mean {near[0]!r}?" if near else ""


def _list(names: Any) -> str:
    names = [str(name) for name in names]
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" * (len(names) > SHOWN))
