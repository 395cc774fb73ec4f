"""Infer the signature, the one contract that the API, the page and the tests are made from.

``inputs`` is the JSON Schema of one instance. What training saw is recorded under
``x-observed``: it makes help texts and warnings. ``minimum`` and ``maximum`` are promises, so only
people set them, by hand. ``x-container``, ``x-dtype`` and the like say how ``instances`` builds
the estimator's input.
"""

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from statistics import median
from typing import Any

import numpy as np

from . import arrays, pictures
from . import columns as column
from .artifact import ModelError
from .instances import from_rows, plain_value

FEW = 20
"""Fewer rows than this may well differ in each number without being counted."""
MANY = 5
"""Rows that share a word, so that it names none of them."""
TYPES = {bool: "boolean", int: "integer", float: "number", str: "string"}


def infer_inputs(
    rows: Any, names: Sequence[str] | None = None, personal: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Describe one row of ``rows``, the estimator's own input (n samples).

    Args:
        rows: DataFrame, Series, array, or list of texts.
        names: the columns' names where ``rows`` has none.
        personal: the columns that look personal, with what tells; their values are not published.

    Raises:
        ModelError: a column holds what JSON cannot say, or two columns share a name.
    """
    inputs: dict[str, Any] = {"type": "object", "additionalProperties": False}
    columns: dict[str, dict[str, Any]] = {}
    if isinstance(rows, list):
        inputs |= {"x-container": "list"}
        columns = {(names or ["text"])[0]: {}}
    elif pictures.are_pictures(rows):
        name = (names or ["image"])[0]
        inputs |= {"x-container": "pictures", "required": [name]}
        try:
            return inputs | {"properties": {name: pictures.describe(rows)}}
        except ValueError as error:
            raise ModelError(f"Not all pictures can be served: {error}") from None
    elif isinstance(rows, np.ndarray) and rows.ndim > 2:
        if rows.dtype.kind not in arrays.DIGITS:
            raise ModelError(f"The samples are arrays of {rows.dtype}; numbers are served.")
        name = (names or ["array"])[0]
        inputs |= {"x-container": "array", "required": [name]}
        return inputs | {"properties": {name: arrays.describe(rows)}}
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
    for name in columns.keys() & (personal or {}).keys():
        columns[name]["x-personal"] = (personal or {})[name]
    values = from_rows(rows, {**inputs, "properties": columns})
    inputs["required"] = list(columns)
    inputs["properties"] = {
        name: _describe(name, [row[name] for row in values], entry)
        for name, entry in columns.items()
    }
    return inputs


def infer_outputs(
    estimator: Any,
    answers: Any,
    name: str | Sequence[str] | None,
    labels: Sequence[Any] | None = None,
    answered: str | None = None,
) -> dict[str, Any]:
    """Describe a prediction from the estimator and its answers (n, n x targets, or n x classes).

    Args:
        estimator: the fitted model.
        answers: what it answered.
        name: the target's name, or the targets' names.
        labels: what the estimator's classes are called, where it answers codes.
        answered: ``probabilities`` or ``scores``, where it answers a number for each class.
    """
    answers = np.asarray(answers)
    if answered:
        numbers = np.arange(answers.shape[1])
        return {
            "task": "classification",
            "name": name if isinstance(name, str) else "prediction",
            "labels": numbers.tolist(),
            "probabilities": answered == "probabilities",
            "x-answers": answered,
        } | _named(labels, numbers)
    classes = getattr(estimator, "classes_", None)
    if answers.ndim == 2 and answers.shape[1] > 1:
        return _several(estimator, answers, classes, name)
    if not isinstance(name, str):
        name = next(iter(name or ["prediction"]))
    return _one(estimator, answers, classes, name) | _named(labels, classes)


def _several(
    estimator: Any, answers: Any, classes: Any, names: str | Sequence[str] | None
) -> dict[str, Any]:
    """Describe what a model answers of several targets at once."""
    count = answers.shape[1]
    if isinstance(names, str) or names is None or len(names) != count:
        names = [f"y{i}" for i in range(count)]
    _require_different(names)
    own = classes if isinstance(classes, list) and len(classes) == count else [None] * count
    targets = [
        _one(estimator, answers[:, i], own[i], name) for i, name in enumerate(map(str, names))
    ]
    outputs: dict[str, Any] = {
        "task": targets[0]["task"],
        "name": ", ".join(map(str, names)),
        "targets": targets,
    }
    if outputs["task"] == "classification":
        outputs["probabilities"] = all(target["probabilities"] for target in targets)
    return outputs


def _one(estimator: Any, answers: Any, classes: Any, name: str) -> dict[str, Any]:
    outputs: dict[str, Any] = {"task": "regression", "name": name, "unit": None}
    if task(estimator) == "regression":
        return outputs
    if classes is None and answers.dtype.kind == "f":
        return outputs  # a ranker's scores, for one
    if classes is None:
        found = set(np.unique(answers).tolist())
        classes = [-1, 1] if found <= {-1, 1} else sorted(found)  # outliers and inliers
    return {
        "task": "classification",
        "name": name,
        "labels": [plain_value(label) for label in classes],
        "probabilities": hasattr(estimator, "predict_proba"),
    }


def _named(labels: Sequence[Any] | None, classes: Any) -> dict[str, Any]:
    if labels is None or classes is None:
        return {}
    return {"labels": list(labels), "x-encoded": [plain_value(code) for code in classes]}


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

    No real row is shown, no text of a column whose values could name a person, and of a number or
    day that looks personal, or that tells each row from the others, only about how large it is.
    """
    instance: dict[str, Any] = {}
    for name, schema in inputs["properties"].items():
        present = [row[name] for row in rows if row[name] is not None]
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        personal = "x-personal" in schema
        if arrays.is_one(schema):
            instance[name] = arrays.middle(present, schema)
        elif pictures.is_one(schema):
            instance[name] = pictures.example(present)
        elif not present:
            instance[name] = None
        elif "enum" in schema or "boolean" in kinds:
            instance[name] = Counter(present).most_common(1)[0][0]
        elif "integer" in kinds:
            middle = int(median(present))
            vague = personal or len(set(present)) == len(present) > FEW
            instance[name] = int(float(f"{middle:.1g}")) if vague else middle
        elif "number" in kinds:
            instance[name] = float(f"{median(present):.{1 if personal else 6}g}")
        elif schema.get("format") in ("date", "date-time"):
            middle_moment = sorted(present)[len(present) // 2]
            first = f"{middle_moment[:4]}-01-01{'T00:00:00' if 'T' in middle_moment else ''}"
            instance[name] = first + _zone(middle_moment) if personal else middle_moment
        else:
            instance[name] = "text"
    return instance


def masked(inputs: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Make up a text of the right form for each column of free texts.

    Of a real one, only words that at least ``MANY`` rows share are kept; of the others letters
    become ``x`` and digits ``1``. A whole text that so many rows share, of a column that does not
    look personal, is taken as it is.
    """
    made: dict[str, str] = {}
    for name, schema in inputs["properties"].items():
        if "string" not in schema["type"] or "enum" in schema or "format" in schema:
            continue
        if pictures.is_one(schema):
            continue
        texts = [row[name] for row in rows if row[name] is not None]
        text, times = Counter(texts).most_common(1)[0] if texts else ("text", 0)
        if times >= MANY and "x-personal" not in schema:
            made[name] = text
            continue
        words = Counter(word for text in texts for word in set(re.findall(r"\w+", text)))
        made[name] = _masked(texts, {word for word, n in words.items() if n >= MANY})
    return made


def _masked(texts: Sequence[str], common: Collection[str]) -> str:
    """Return the text with the most words that are ``common``, the others masked."""
    known = set(common)
    text = max(texts, key=lambda text: len(known & set(re.findall(r"\w+", text))), default="text")
    return re.sub(r"\w+", lambda word: word[0] if word[0] in known else _form(word[0]), text)


def _form(word: str) -> str:
    letters = ("1" if letter.isdigit() else "X" if letter.isupper() else "x" for letter in word)
    return "".join(letters)


def _zone(moment: str) -> str:
    return moment[-6:] if "T" in moment and moment[-6] in "+-" else ""


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
    schema: dict[str, Any] = dict(entry)
    kept_as_float = missing and kind == "number" and entry.get("x-dtype") == "float64"
    naive = entry.get("format") == "date-time" and "," not in entry["x-dtype"]
    if kept_as_float and present and column.are_whole(present):
        kind, present = "integer", [int(value) for value in present]
    elif naive and present and column.are_days(present):
        schema["format"], present = "date", [value[:10] for value in present]
    schema = {"type": [kind, "null"] if missing else kind, **schema}
    observed: dict[str, Any] = {"missing": round(missing / max(1, len(values)), 4)}
    personal = "x-personal" in entry
    if kind == "string" and "format" not in entry and present:
        if "enum" not in entry and not personal and column.is_category(name, present):
            schema["enum"] = sorted(set(present))
        else:
            observed["longest"] = max(map(len, present))
    elif kind != "boolean" and present and not personal:
        observed |= {"minimum": min(present), "maximum": max(present)}
    if missing and "enum" in schema:
        schema["enum"] = [*schema["enum"], None]
    return {**schema, "x-observed": observed}
