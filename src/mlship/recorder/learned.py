"""What training learns from its rows, and serving uses again."""

from __future__ import annotations

import copy
import datetime
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd


class Learned:
    """Values and fitted estimators by name: found once while training, only read afterwards.

    The same code prepares the rows of training and of a request. What it asks of this object is
    computed from the rows in the one case and looked up in the other, so that no request is
    prepared in another way than the rows that the model learned from.
    """

    def __init__(self, known: Mapping[str, Any] | None = None) -> None:
        self.training = known is None
        """Whether the rows at hand are those to learn from."""
        self.known = dict(known or {})

    def sealed(self) -> Learned:
        """Return what was learned, for rows that nothing is to be learned from."""
        return Learned(self.known)

    def value(self, name: str, compute: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """Return ``compute(*args, **options)`` of the training rows."""
        if self.training:
            self._keep(name, compute(*args, **options))
        return copy.copy(self.known[name])

    def fit(self, name: str, estimator: Any, *data: Any) -> Any:
        """Return ``estimator``, fitted to the training rows."""
        if self.training:
            estimator.fit(*data)
            self._keep(name, copy.deepcopy(estimator))
        else:
            estimator.__dict__.update(vars(self.known[name]))
        return estimator

    def fit_transform(self, name: str, estimator: Any, *data: Any) -> Any:
        """Return ``data`` as ``estimator`` transforms them, fitted to the training rows."""
        if self.training:
            result = estimator.fit_transform(*data)
            self._keep(name, copy.deepcopy(estimator))
            return result
        return self.fit(name, estimator).transform(data[0])

    def categories(self, name: str, column: Any) -> Any:
        """Return the categorical type of a column: its values among the training rows."""
        return self.value(name, lambda: pd.Series(column).astype("category").dtype)

    def get_dummies(self, name: str, table: Any, *args: Any, **options: Any) -> pd.DataFrame:
        """Return ``pandas.get_dummies`` with the categories and columns of the training rows."""
        if self.training:
            result = pd.get_dummies(table, *args, **options)
            self._keep(name, [_categories(table, options.get("columns")), list(result.columns)])
            return result
        categories, columns = self.known[name]
        if isinstance(table, pd.DataFrame):
            typed = {
                column: pd.Categorical(table[column], categories=known)
                for column, known in categories
            }
            options["columns"] = list(typed)
            result = pd.get_dummies(table.assign(**typed), *args, **options)
        else:
            known = categories[0][1]
            index = getattr(table, "index", None)
            name_ = getattr(table, "name", None)
            typed_ = pd.Series(pd.Categorical(table, categories=known), index=index, name=name_)
            result = pd.get_dummies(typed_, *args, **options)
        return result.reindex(columns=columns, fill_value=0)

    def factorize(self, name: str, column: Any, **options: Any) -> tuple[Any, Any]:
        """Return ``pandas.factorize`` with the values of the training rows."""
        known = self.value(name, lambda: list(pd.factorize(column, **options)[1]))
        return pd.Categorical(column, categories=known).codes.astype(np.int64), pd.Index(known)

    def cut(self, name: str, column: Any, bins: int, **options: Any) -> Any:
        """Return ``pandas.cut`` with the edges of the training rows."""
        edges = self.value(name, lambda: pd.cut(column, bins, retbins=True, **options)[1])
        return pd.cut(column, edges, **options)

    def qcut(self, name: str, column: Any, q: Any, **options: Any) -> Any:
        """Return ``pandas.qcut`` with the edges of the training rows."""
        edges = self.value(name, lambda: pd.qcut(column, q, retbins=True, **options)[1])
        options.pop("duplicates", None)
        return pd.cut(column, edges, include_lowest=True, **options)

    def group(self, name: str, grouped: Any, *args: Any, **options: Any) -> pd.Series:
        """Return ``grouped.transform(...)`` with each group's result among the training rows."""
        groups = grouped.indices
        if self.training:
            result = grouped.transform(*args, **options)
            found: list[tuple[Any, Any]] = []
            for key, places in groups.items():
                values = pd.unique(result.iloc[places])
                if len(values) > 1:
                    raise ValueError(f"{name}: the rows of a group have different results")
                found.extend((key, value) for value in values)
            self._keep(name, [[key for key, _ in found], [value for _, value in found]])
            return result
        known = dict(zip(*self.known[name]))
        made = pd.Series(np.nan, index=grouped.obj.index)
        for key, places in groups.items():
            made.iloc[places] = known.get(key, np.nan)
        return made

    def _keep(self, name: str, value: Any) -> None:
        if name in self.known:
            raise ValueError(f"{name} is learned twice")
        self.known[name] = value


def _categories(table: Any, columns: Any) -> list[list[Any]]:
    """Return [column, its values] for each column that ``pandas.get_dummies`` takes apart."""
    if not isinstance(table, pd.DataFrame):
        return [["", pd.Series(table).astype("category").cat.categories.tolist()]]
    if columns is None:
        columns = table.select_dtypes(["object", "string", "category"]).columns
    return [
        [column, table[column].astype("category").cat.categories.tolist()] for column in columns
    ]


def to_json(value: Any) -> Any:
    """Say a learned value in JSON; ``from_json`` makes the same value of it.

    Raises:
        TypeError: it is none of numbers, texts, dates, lists, dictionaries, arrays and tables.
    """
    if isinstance(value, float) and not np.isfinite(value):
        return _tagged("number", repr(float(value)))
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, list):
        return [to_json(part) for part in value]
    if isinstance(value, tuple):
        return _tagged("tuple", [to_json(part) for part in value])
    if isinstance(value, set):
        return _tagged("set", [to_json(part) for part in sorted(value, key=repr)])
    if isinstance(value, dict):
        return _tagged("dict", [[to_json(key), to_json(part)] for key, part in value.items()])
    if isinstance(value, (pd.Timestamp, datetime.datetime)):
        return _tagged("timestamp", value.isoformat())
    if isinstance(value, np.generic):
        return _tagged("scalar", [str(value.dtype), to_json(value.item())])
    if isinstance(value, np.ndarray):
        return _tagged("array", [str(value.dtype), to_json(value.tolist())])
    if isinstance(value, pd.CategoricalDtype):
        return _tagged("categories", [to_json(value.categories), value.ordered])
    if isinstance(value, pd.Categorical):
        return _tagged("categorical", [to_json(list(value)), to_json(value.dtype)])
    if isinstance(value, pd.Index):
        return _tagged("index", [str(value.dtype), to_json(value.tolist()), to_json(value.name)])
    if isinstance(value, pd.Series):
        parts = [value.tolist(), value.index, value.name]
        return _tagged("series", [str(value.dtype), *map(to_json, parts)])
    if isinstance(value, pd.DataFrame):
        columns = [value.iloc[:, position] for position in range(value.shape[1])]
        return _tagged("frame", [to_json(value.index), *map(to_json, columns)])
    raise TypeError(f"a {type(value).__name__} cannot be kept in JSON")


def parted(known: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Part what was learned into values, said in JSON, and fitted estimators, both by name.

    Raises:
        TypeError: a value cannot be said in JSON.
    """
    estimators = {name: value for name, value in known.items() if hasattr(value, "get_params")}
    values = {name: to_json(known[name]) for name in known if name not in estimators}
    return values, estimators


def from_json(value: Any) -> Any:
    """Make the value that ``to_json`` was given."""
    if isinstance(value, list):
        return [from_json(part) for part in value]
    if not isinstance(value, dict):
        return value
    ((kind, held),) = value.items()
    return READERS[kind](held)


def _tagged(kind: str, held: Any) -> dict[str, Any]:
    return {kind: held}


def _series(held: Any) -> pd.Series:
    dtype, values, index, name = held
    values, index, name = from_json(values), from_json(index), from_json(name)
    if dtype == "category":
        dtype = None
    return pd.Series(values, index=index, name=name, dtype=dtype)


def _frame(held: Any) -> pd.DataFrame:
    index, columns = from_json(held[0]), [from_json(column) for column in held[1:]]
    frame = pd.concat(columns, axis=1) if columns else pd.DataFrame(index=index)
    return frame.set_axis([column.name for column in columns], axis=1)


READERS: dict[str, Callable[[Any], Any]] = {
    "number": float,
    "tuple": lambda held: tuple(from_json(held)),
    "set": lambda held: set(from_json(held)),
    "dict": lambda held: {from_json(key): from_json(part) for key, part in held},
    "timestamp": pd.Timestamp,
    "scalar": lambda held: np.dtype(held[0]).type(from_json(held[1])),
    "array": lambda held: np.array(from_json(held[1]), dtype=held[0]),
    "categories": lambda held: pd.CategoricalDtype(from_json(held[0]), ordered=held[1]),
    "categorical": lambda held: pd.Categorical(from_json(held[0]), dtype=from_json(held[1])),
    "index": lambda held: pd.Index(from_json(held[1]), dtype=held[0], name=from_json(held[2])),
    "series": _series,
    "frame": _frame,
}
