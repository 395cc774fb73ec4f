"""Where the rows that a model was fitted on come from, and what their columns are called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from . import tables, tensors
from .log import Log
from .models import Refused


class Traced(NamedTuple):
    """The rows of a fit."""

    samples: Any
    names: list[str] | None
    """The columns' names, where ``samples`` itself has none."""
    source: str | None
    """The file or data set that they are unchanged rows of, if they are."""


def trace(samples: Any, log: Log, namespace: Mapping[str, Any], name: str | None = None) -> Traced:
    """Find where the rows that a model was fitted on come from.

    Args:
        samples: what the fit was given.
        log: what the run loaded.
        namespace: the notebook's.
        name: what the notebook calls them.

    Raises:
        Refused: they are no table and no texts.
    """
    for made, given in reversed(log.resampled):
        if made is samples and tables.alike(given, samples):
            samples = given  # the notebook's own rows say more than copies and mixtures of them
            break
    if samples is None:
        raise Refused(
            "The model was fitted on no rows that mlship has seen and a client could send; a time "
            "series, for one, is not served."
        )
    if type(samples).__module__.startswith("scipy.sparse"):
        raise Refused(
            f"The model was fitted on a sparse matrix of {samples.shape[1]} columns, which "
            "other code had made. Put that code and the model into one Pipeline."
        )
    if isinstance(samples, (list, tuple)):
        texts = all(isinstance(value, str) for value in samples)
        samples = list(samples) if texts else _as_array(samples)
    elif getattr(samples, "ndim", 0) == 1 and not hasattr(samples, "iloc"):
        samples = list(samples)
    kind = type(samples).__name__
    if tables.rows(samples) == 0:
        raise Refused(f"The model was fitted on a {kind}, which is no table of rows.")
    if isinstance(samples, list):
        if not all(isinstance(value, str) for value in samples):
            raise Refused("The model takes single values that are no texts.")
        return Traced(samples, *_text_column(samples, log))
    if hasattr(samples, "iloc"):
        whole = (name for name, table in _frames(log) if tables.unchanged_part(table, samples))
        return Traced(samples, None, next(whole, None))
    if tensors.are_samples(samples) and samples.dtype.kind in "iuf":
        return Traced(samples, [tensors.called(samples, name)], tensors.source_of(samples, log))
    if getattr(samples, "ndim", 0) != 2:
        raise Refused(f"The model was fitted on a {kind}; tables, texts and arrays are served.")
    return Traced(samples, *_array_columns(samples, log, namespace))


def _frames(log: Log) -> list[tuple[str, Any]]:
    return [(n, table) for n, table in reversed(log.sources) if hasattr(table, "columns")]


def _text_column(samples: list[str], log: Log) -> tuple[list[str] | None, str | None]:
    """Return the name of the loaded column that a list of texts is part of, and its file."""
    for source, table in _frames(log):
        name = tables.texts_of(table, samples)
        if name:
            return [name], source
    return None, None


def _array_columns(
    samples: Any, log: Log, namespace: Mapping[str, Any]
) -> tuple[list[str] | None, str | None]:
    """Return an array's column names and the file that it was loaded from.

    Neither is known unless every table that could be meant agrees.
    """
    loaded = [(source, tables.names_in(table, samples)) for source, table in log.sources]
    frames = [value for value in namespace.values() if hasattr(value, "columns")]
    made = [value for value in frames if hasattr(value, "iloc")] + log.derived
    named = [(source, names) for source, names in reversed(loaded) if names]
    others = [names for names in (tables.names_in(t, samples) for t in made) if names]
    found = [names for _, names in named] + others
    if not found or any(names != found[0] for names in found):
        return None, None
    return found[0], named[0][0] if named else None


def _as_array(samples: Any) -> Any:
    import numpy

    try:
        return numpy.asarray(samples)
    except ValueError:
        raise Refused("The model was fitted on a list that is no table.") from None
