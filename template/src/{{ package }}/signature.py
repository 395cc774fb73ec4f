"""Infer the signature, the one contract that the API, the page and the tests are made from.

``inputs`` is the JSON Schema of one instance. What training saw is recorded under
``x-observed``: it makes help texts and warnings. ``minimum`` and ``maximum`` are promises, so only
people set them, by hand. ``x-container``, ``x-dtype`` and the like say how ``instances`` builds
the estimator's input.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

import numpy as np

from .artifact import ModelError
from .instances import from_rows, plain_value

MAX_CATEGORIES = 200
TYPES = {bool: "boolean", int: "integer", float: "number", str: "string"}


def infer_inputs(rows: Any, names: Sequence[str] | None = None) -> dict[str, Any]:
    """Describe one row of ``rows``, the estimator's own input (n samples).

    Args:
        rows: DataFrame, Series, two-dimensional array or list of texts.
        names: the columns' names where ``rows`` has none.

    Raises:
        ModelError: a column holds what JSON cannot say, or two columns share a name.
    """
    inputs: dict[str, Any] = {"type": "object", "additionalProperties": False}
    columns: dict[str, dict[str, Any]] = {}
    if isinstance(rows, list):
        inputs |= {"x-container": "list"}
        columns = {(names or ["text"])[0]: {}}
    elif isinstance(rows, np.ndarray):
        dtype = "O" if rows.dtype.kind == "U" else rows.dtype.str  # fixed widths would cut texts
        inputs |= {"x-container": "ndarray", "x-dtype": dtype}
        names = names or [f"x{i}" for i in range(rows.shape[1])]
        _require_different(names)
        columns = {name: _range(rows.dtype) for name in names}
    elif rows.ndim == 1:
        inputs |= {"x-container": "series"}
        columns = {str(rows.name or "text"): _dtype(rows)}
    else:
        inputs |= {"x-container": "dataframe"}
        _require_different([str(label) for label in rows.columns])
        for position, label in enumerate(rows.columns):
            entry = _dtype(rows.iloc[:, position])
            if not isinstance(label, str | int | float | np.generic):
                raise ModelError(f"Column {label!r} has no plain name.")
            if not isinstance(label, str):
                entry["x-column"] = label.item() if isinstance(label, np.generic) else label
            columns[str(label)] = entry
    values = from_rows(rows, {**inputs, "properties": columns})
    inputs["required"] = list(columns)
    inputs["properties"] = {
        name: _describe(name, [row[name] for row in values], entry)
        for name, entry in columns.items()
    }
    return inputs


def infer_outputs(estimator: Any, answers: Any, name: str | None) -> dict[str, Any]:
    """Describe a prediction from the estimator and its answers (n).

    Raises:
        ModelError: the model answers several numbers a row.
    """
    answers = np.asarray(answers)
    if answers.ndim > 1 and answers.shape[1] > 1:
        raise ModelError(f"The model answers {answers.shape[1]} values a row; only one is served.")
    outputs: dict[str, Any] = {"task": "regression", "name": name or "prediction", "unit": None}
    if task(estimator) == "regression":
        return outputs
    labels = getattr(estimator, "classes_", None)
    if labels is None and answers.dtype.kind == "f":
        return outputs  # a ranker's scores, for one
    if labels is None:
        found = set(np.unique(answers).tolist())
        labels = [-1, 1] if found <= {-1, 1} else sorted(found)  # outliers and inliers
    return {
        "task": "classification",
        "name": name or "prediction",
        "labels": [plain_value(label) for label in labels],
        "probabilities": hasattr(estimator, "predict_proba"),
    }


def task(estimator: Any) -> str:
    """Say ``classification`` or ``regression``; clusters and outliers are labels too."""
    kind = getattr(estimator, "_estimator_type", None)
    if kind is None:
        try:
            from sklearn.base import is_regressor

            kind = "regressor" if is_regressor(estimator) else None
        except (ImportError, AttributeError):
            kind = "regressor" if type(estimator).__name__.endswith("Regressor") else None
    return "regression" if kind == "regressor" else "classification"


def example(inputs: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Make the public example: per column the median or the most frequent value.

    No real row is shown, and no text of a column whose values could name a person.
    """
    instance: dict[str, Any] = {}
    for name, schema in inputs["properties"].items():
        present = [row[name] for row in rows if row[name] is not None]
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        if not present:
            instance[name] = None
        elif "enum" in schema or "boolean" in kinds:
            instance[name] = Counter(present).most_common(1)[0][0]
        elif "integer" in kinds:
            instance[name] = int(median(present))
        elif "number" in kinds:
            instance[name] = float(f"{median(present):.6g}")
        elif schema.get("format") == "date-time":
            instance[name] = sorted(present)[len(present) // 2]
        else:
            instance[name] = "text"
    return instance


def _require_different(names: Sequence[str]) -> None:
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise ModelError(f"Several columns are called {twice[0]!r}; each needs a name of its own.")


def _range(dtype: Any) -> dict[str, Any]:
    """Return the bounds of an integer type narrower than 64 bits, beyond which numbers wrap."""
    if getattr(dtype, "kind", "") not in "iu" or (dtype.kind == "i" and dtype.itemsize == 8):
        return {}
    bounds = np.iinfo(getattr(dtype, "numpy_dtype", dtype))
    return {"x-range": [int(bounds.min), min(int(bounds.max), 2**63 - 1)]}


def _dtype(series: Any) -> dict[str, Any]:
    entry: dict[str, Any] = {"x-dtype": str(series.dtype), **_range(series.dtype)}
    if entry["x-dtype"] == "category":
        categories = series.cat.categories
        entry["enum"] = categories.tolist()
        entry["x-categories-dtype"] = str(categories.dtype)
        entry["x-ordered"] = bool(series.cat.ordered)
    if entry["x-dtype"] == "object" and any(value is None for value in series):
        entry["x-missing"] = "None"
    if str(series.dtype).startswith(("timedelta", "period", "interval", "complex")):
        raise ModelError(f"Column {series.name!r} has type {series.dtype}, which JSON cannot say.")
    if str(series.dtype).startswith("datetime64"):
        entry["format"] = "date-time"
    return entry


def _describe(name: str, values: Sequence[Any], entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of one column from all of its n values (None where missing)."""
    present = [value for value in values if value is not None]
    kinds = {TYPES.get(type(value), type(value).__name__) for value in present}
    if kinds == {"integer", "number"}:
        kinds = {"number"}
    if len(kinds) > 1 or not kinds <= set(TYPES.values()):
        found = ", ".join(sorted(kinds))
        raise ModelError(
            f"Column {name!r} holds {found}. JSON has texts, numbers, booleans and dates, and a "
            "column is served if it holds one kind of them: convert it before the model is fitted."
        )
    kind = kinds.pop() if kinds else "number"
    missing = len(values) - len(present)
    schema: dict[str, Any] = {"type": [kind, "null"] if missing else kind, **entry}
    observed: dict[str, Any] = {"missing": round(missing / max(1, len(values)), 4)}
    if kind == "string" and "format" not in entry and present:
        known = sorted(set(present))
        if "enum" not in entry and len(known) <= MAX_CATEGORIES and 2 * len(known) <= len(present):
            schema["enum"] = known
        else:
            observed["longest"] = max(map(len, present))
    elif kind != "boolean" and present:
        observed |= {"minimum": min(present), "maximum": max(present)}
    if missing and "enum" in schema:
        schema["enum"] = [*schema["enum"], None]
    return {**schema, "x-observed": observed}
