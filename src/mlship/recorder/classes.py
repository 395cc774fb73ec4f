"""The names of the classes that a model was fitted on as codes: ``Iris-setosa`` for 0.

A name comes from what the run did or loaded: a call that turned names into codes, a data set of
scikit-learn that says its names, or a column of a loaded table. It counts only if names and codes
are in one-to-one relation on every row that the model was fitted on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from . import tables
from .log import Log
from .outputs import codes

SHIFTS = 100
"""Displacements of rows that a column must be able to tell from their right places."""


class Named(NamedTuple):
    """The classes of a model by the names that the notebook's data has for them."""

    labels: list[Any]
    """One for each of the model's classes, in their order."""
    column: str | None
    """The column that the names come from."""


def named(
    model: Any, target: Any, samples: Any, log: Log, count: int | None = None
) -> Named | None:
    """Find the names of a model's classes, or None where there are none or any doubt is left.

    Args:
        model: a fitted estimator.
        target: what it was fitted on (n, or n x count where one in each row is 1).
        samples: its rows (n).
        log: what the run loaded, encoded and split.
        count: how many classes it answers, where it has no ``classes_``: they are numbered.
    """
    if count is not None:
        return _of_numbers(target, samples, log, count)
    classes: Any = getattr(model, "classes_", None)
    target = _column(target)
    if getattr(classes, "ndim", 0) != 1 or classes.dtype.kind not in "iuf" or target is None:
        return None
    values = _numbers(target)
    return None if values is None else _agreed(classes, target, values, samples, log)


def _of_numbers(target: Any, samples: Any, log: Log, count: int) -> Named | None:
    """Find the names of classes that are numbered from 0 to ``count``."""
    import numpy

    values = codes(target, count)
    if values is None:
        return None
    if hasattr(target, "columns") and tables.width(target) == count:
        words = [str(name) for name in target.columns]
        prefix = words[0][: words[0].rfind("_") + 1]
        if prefix and all(word.startswith(prefix) for word in words):
            return Named([word[len(prefix) :] for word in words], prefix[:-1])
        return Named(words, None)
    return _agreed(numpy.arange(count), target, values.astype(float), samples, log)


def _agreed(classes: Any, target: Any, values: Any, samples: Any, log: Log) -> Named | None:
    """Return the names that everything which the run knows of the codes agrees on."""
    if len(values) < tables.FEWEST_ROWS:
        return None
    found = [
        Named(labels, None if name is None else str(name))
        for mapping, name in _encoded(target, values, samples, log)
        for labels in [_labels(classes, mapping)]
        if labels
    ]
    texts = [item for item in found if isinstance(item.labels[0], str)]
    found = texts or found
    if not found and not _as_loaded(target, log):
        found = _loaded(classes, target, values, samples, log)
    if not found or any(item.labels != found[0].labels for item in found):
        return None
    return found[0]


def _encoded(
    target: Any, values: Any, samples: Any, log: Log
) -> Iterator[tuple[Mapping[float, Any], Any]]:
    """Yield what each code of the target stood for in a call that made the target."""
    for before, after in log.encodings:
        coded = _numbers(after)
        if coded is None:
            continue
        names = before.to_numpy() if hasattr(before, "iloc") else before
        for positions in _places(target, samples, before, len(coded), log, values):
            if (coded[positions] == values).all():
                mapping = _one_to_one(values, names[positions])
                if mapping:
                    yield mapping, getattr(before, "name", None)
                break


def _loaded(classes: Any, target: Any, values: Any, samples: Any, log: Log) -> list[Named]:
    """Return the loaded columns that say the target in words, that of its own name alone if any."""
    found = []
    taken = set(samples.columns) if hasattr(samples, "columns") else set()
    own = getattr(target, "name", None)
    for _, table in log.sources:
        if not hasattr(table, "columns") or not table.columns.is_unique:
            continue
        columns = [name for name in table.columns if name not in taken]
        for positions in _places(target, samples, table, len(table), log):
            proven = _is_same_rows(table, samples, positions)
            for name in columns:
                column = table[name].to_numpy()
                mapping = _one_to_one(values, column[positions])
                words = mapping and all(isinstance(v, (str, bool)) for v in mapping.values())
                if not mapping or not (words or name == own):
                    continue
                labels = _labels(classes, mapping)
                if labels and (proven or _tells_places_apart(column)):
                    found.append(Named(labels, str(name)))
    return [item for item in found if own is not None and item.column == str(own)] or found


def _places(
    target: Any, samples: Any, whole: Any, count: int, log: Log, values: Any = None
) -> Iterator[Any]:
    """Yield at which of the ``count`` rows of ``whole`` the rows of a fit may lie.

    Those of a column that was split and holds ``values`` may be they, as well.
    """
    import numpy

    size = tables.rows(target)
    if size == count:
        yield numpy.arange(size)
    for positions in [*log.places(target), *_split_alike(values, log)]:
        if len(positions) and positions.max() < count:
            yield positions
    for labelled in (target, samples):
        labels = getattr(labelled, "index", None) if hasattr(labelled, "iloc") else None
        index = getattr(whole, "index", None) if hasattr(whole, "iloc") else None
        if labels is None or len(labels) != size:
            continue
        if index is None:
            if labels.dtype.kind == "i" and labels.min() >= 0 and labels.max() < count:
                yield labels.to_numpy()
        elif index.is_unique:
            positions = index.get_indexer(labels)
            if (positions >= 0).all():
                yield positions


def _split_alike(values: Any, log: Log) -> Iterator[Any]:
    """Yield the places of the parts of a split that hold ``values``, as codes or one-hot."""
    for _, part, places in log.parts if values is not None else ():
        if tables.rows(part) == len(values):
            known = codes(part, max(tables.width(part), int(values.max()) + 1))
            if known is not None and (known == values).all():
                yield places


def _is_same_rows(table: Any, samples: Any, positions: Any) -> bool:
    """Say whether columns that both have prove that the samples are these rows of the table."""
    if not hasattr(samples, "columns") or not samples.columns.is_unique:
        return False
    rows = table.iloc[positions]
    same = [
        name
        for name in samples.columns
        if name in table.columns
        and rows[name].dtype == samples[name].dtype
        and rows[name].reset_index(drop=True).equals(samples[name].reset_index(drop=True))
    ]
    if not same:
        return False
    return bool((~samples[same].duplicated()).sum() >= tables.DISTINCT * len(samples))


def _tells_places_apart(column: Any) -> bool:
    """Say whether a column's values would contradict rows that lie in another place.

    They would not where they repeat themselves, or lie in blocks, as those of a sorted table do.
    """
    import numpy
    import pandas

    codes, known = pandas.factorize(column)
    if (numpy.diff(codes) != 0).sum() < 3 * len(known):
        return False
    shifted = [(codes[s:], codes[:-s]) for s in range(1, min(SHIFTS, len(codes) // 2))]
    return not any(
        len(numpy.unique(one * (len(known) + 1) + other)) <= len(known)
        for one, other in [*shifted, (codes, codes[::-1])]
    )


def _as_loaded(target: Any, log: Log) -> bool:
    """Say whether the target is an unchanged column of a loaded table: then nobody encoded it."""
    return any(
        hasattr(table, "columns") and tables.unchanged_part(table, target)
        for _, table in log.sources
    )


def _one_to_one(values: Any, names: Any) -> dict[float, Any] | None:
    """Map each code to its name, if the n pairs are a relation between codes and names only."""
    try:
        pairs = set(zip(values.tolist(), names.tolist()))
        if any(name is None or name != name for _, name in pairs):
            return None
    except TypeError:  # a name that cannot be hashed or compared
        return None
    mapping = dict(pairs)
    if len(mapping) < len(pairs) or len(set(mapping.values())) < len(pairs):
        return None
    return mapping


def _labels(classes: Any, mapping: Mapping[float, Any]) -> list[Any] | None:
    """Return the name of each class: texts, booleans or whole numbers that are not the codes."""
    codes = [float(code) for code in classes.tolist()]
    if len(codes) < 2 or set(codes) != set(mapping):
        return None
    labels = [mapping[code] for code in codes]
    kinds = {type(label) for label in labels}
    if kinds == {float} and all(label.is_integer() for label in labels):
        labels, kinds = [int(label) for label in labels], {int}
    if len(kinds) > 1 or not kinds <= {str, bool, int}:
        return None
    same = kinds == {int} and labels == codes
    return None if same else labels


def _column(target: Any) -> Any:
    """Return a target as a series or an array of one dimension."""
    if getattr(target, "ndim", 0) == 2 and tables.width(target) == 1:
        return target.iloc[:, 0] if hasattr(target, "iloc") else target[:, 0]
    if isinstance(target, list):
        import numpy

        target = numpy.asarray(target)
    return target if getattr(target, "ndim", 0) == 1 else None


def _numbers(column: Any) -> Any:
    """Return a column as floats, or None if it holds anything else, or misses a value."""
    import numpy

    try:
        values = numpy.asarray(column, dtype=float)
    except (TypeError, ValueError):
        return None
    return None if values.ndim != 1 or numpy.isnan(values).any() else values
