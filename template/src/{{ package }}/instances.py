"""Turn instances (JSON objects, one a row) into what the estimator was fitted on, and back.

The signature's ``x-container`` says which: a pandas ``dataframe`` or ``series``, a numpy
``ndarray`` of columns, a ``list`` of texts, an ``array`` of samples that are arrays themselves,
or ``pictures``, which are the contents of files. Only the first two import pandas.
"""

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from . import pictures

Instance = Mapping[str, Any]


def to_rows(instances: Sequence[Instance], inputs: Mapping[str, Any]) -> Any:
    """Build the estimator's input, with the columns, order and dtypes that it was fitted on.

    Args:
        instances: n JSON objects that satisfy ``inputs``.
        inputs: the signature's JSON Schema of one instance.

    Returns:
        A container of n rows, indexed from 0.
    """
    properties: Mapping[str, Any] = inputs["properties"]
    columns = {name: [instance.get(name) for instance in instances] for name in properties}
    match inputs["x-container"]:
        case "list":
            (values,) = columns.values()
            return values
        case "ndarray":
            table = [list(row) for row in zip(*columns.values(), strict=True)]
            dtype = np.dtype(inputs["x-dtype"])
            return np.array(_missing_as_nan(table) if dtype.kind in "fO" else table, dtype=dtype)
        case "array":
            ((name, values),) = columns.items()
            return np.array(values, dtype=np.dtype(properties[name]["x-dtype"]))
        case "pictures":
            (values,) = columns.values()
            return pictures.to_rows(values)
        case "series":
            ((name, values),) = columns.items()
            return column(values, name, properties[name])
        case _:
            import pandas as pd

            series = [column(columns[name], name, properties[name]) for name in properties]
            frame = pd.DataFrame(dict(enumerate(series)))
            frame.columns = pd.Index([_label(name, properties[name]) for name in properties])
            return frame


def from_rows(rows: Any, inputs: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Say rows of the estimator's input as instances: plain JSON values, missing ones as null."""
    properties: Mapping[str, Any] = inputs["properties"]
    match inputs["x-container"]:
        case "list":
            columns = [list(rows)]
        case "array":
            (name,) = properties
            return [{name: sample.tolist()} for sample in rows]
        case "pictures":
            (name,) = properties
            return [{name: pictures.encoded(content)} for content in rows]
        case "ndarray":
            columns = [list(column) for column in np.asarray(rows).T]
        case "series":
            columns = [rows.tolist()]
        case _:
            columns = [rows.iloc[:, position].tolist() for position in range(rows.shape[1])]
    plain = [
        [_as_published(plain_value(value), schema) for value in column]
        for column, schema in zip(columns, properties.values(), strict=True)
    ]
    return [dict(zip(properties, row, strict=True)) for row in zip(*plain, strict=True)]


def plain_value(value: Any) -> Any:
    """Say one cell as a JSON value: numpy scalars unwrapped, dates in ISO 8601, missing as None."""
    if isinstance(value, dt.date):
        return None if value != value else value.isoformat()
    if isinstance(value, np.datetime64):
        return None if np.isnat(value) else str(value)
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and math.isnan(value):
        return None
    if type(value).__name__ in {"NAType", "NaTType"}:
        return None
    return value


def _as_published(value: Any, schema: Mapping[str, Any]) -> Any:
    """Say a whole number that pandas keeps as a float, or a day that it keeps as a moment."""
    if isinstance(value, float) and "integer" in schema.get("type", ()):
        return int(value)
    if isinstance(value, str) and schema.get("format") == "date":
        return value[:10]
    return value


def column(values: list[Any], name: str, schema: Mapping[str, Any]) -> Any:
    """Build one pandas column (n) of the type that its schema names."""
    import pandas as pd

    dtype = schema["x-dtype"]
    if dtype == "category":
        known = [value for value in schema["enum"] if value is not None]
        categories = pd.Index(known, dtype=schema["x-categories-dtype"])
        kind = pd.CategoricalDtype(categories, ordered=schema.get("x-ordered", False))
        return pd.Series(values, name=name, dtype=kind)
    if dtype == "object" and schema.get("x-missing") != "None":
        return pd.Series(_missing_as_nan(values), name=name, dtype=object)
    if dtype.startswith("datetime64"):
        aware = "," in dtype  # as in datetime64[ns, UTC]
        return pd.to_datetime(pd.Series(values), format="ISO8601", utc=aware).astype(dtype)
    return pd.Series(values, name=name, dtype=dtype)


def _label(name: str, schema: Mapping[str, Any]) -> Any:
    return schema.get("x-column", name)


def _missing_as_nan(values: list[Any]) -> list[Any]:
    return [
        _missing_as_nan(value) if isinstance(value, list) else np.nan if value is None else value
        for value in values
    ]
