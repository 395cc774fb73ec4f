"""Samples that are arrays themselves, such as pictures: (n, 28, 28) or (n, height, width, 3)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Dict

from . import alike, tables
from .log import Log

MOST_NUMBERS = 2_000_000
"""Numbers that are handed over: more samples prove little more and take long."""
SIDE = 8
"""A picture is at least as high and as wide."""
CHANNELS = (1, 3, 4)
FEW = 10
"""Parts of what is loaded that are looked into; a longer list is no list of arrays."""


def are_samples(value: Any) -> bool:
    """Say whether a value is n arrays of one shape."""
    return type(value).__module__ == "numpy" and getattr(value, "ndim", 0) > 2


def called(samples: Any, name: str | None) -> str:
    """Name the input: ``image`` if the samples have the form of pictures, else as the notebook."""
    shape = samples.shape[1:]
    square = len(shape) == 2 and shape[0] == shape[1]
    if (square or (len(shape) == 3 and shape[2] in CHANNELS)) and min(shape[:2]) >= SIDE:
        return "image"
    name = re.sub(r"(?i)^train_|_(train|tr)$", "", name or "")
    return name or "array"


def loaded(log: Log) -> Iterator[tuple[str, Any]]:
    """Yield each array of samples that the notebook loaded, with the name of its file."""
    for name, value in log.loads.values():
        for part in parts(value):
            if are_samples(part):
                yield name, part


def parts(value: Any) -> list[Any]:
    """Return the arrays in what a loader gave: a file or a data set of them, a tuple of pairs."""
    if isinstance(value, Mapping):
        return [part for inner in value.values() for part in parts(inner)]
    if isinstance(value, (list, tuple)) and len(value) <= FEW:
        return [part for inner in value for part in parts(inner)]
    return [value]


def flattened(samples: Any, log: Log) -> bool:
    """Say whether rows (n x k) may be samples that were arrays when they were loaded."""
    if type(samples).__module__ != "numpy" or getattr(samples, "ndim", 0) != 2:
        return False
    return any(table[0].size == samples.shape[1] for _, table in loaded(log) if len(table))


def source_of(samples: Any, log: Log) -> str | None:
    """Return the file that holds each of ``samples`` (n, ...) as they are, or None."""
    wanted: set[bytes] = set()
    for name, table in loaded(log):
        if table.shape[1:] != samples.shape[1:] or table.dtype != samples.dtype:
            continue
        if tables.same(table, samples):
            return name
        if len(samples) <= len(table):
            wanted = wanted or {sample.tobytes() for sample in samples}
            if wanted <= {sample.tobytes() for sample in table}:
                return name
    return None


def fewer(values: dict[str, Any]) -> tuple[dict[str, Any], str | None]:
    """Take evenly spaced ones of many samples, with their answers.

    Args:
        values: ``rows``, ``answers`` and ``probabilities`` (n each).

    Returns:
        The same, and what is to be said of it.
    """
    rows = values["rows"]
    if not are_samples(rows) or rows.size <= MOST_NUMBERS:
        return values, None
    count = max(1, MOST_NUMBERS // (rows.size // len(rows)))
    step = -(-len(rows) // count)
    return alike.thinned(values, step, "samples")


def mixed(samples: Any, count: int, seed: int) -> Any:
    """Make up ``count`` samples, each number from a real sample of its own."""
    import numpy

    draw = numpy.random.default_rng(seed)
    flat = samples.reshape(len(samples), -1)
    rows = draw.integers(len(flat), size=(count, flat.shape[1]))
    return flat[rows, numpy.arange(flat.shape[1])].reshape(count, *samples.shape[1:])


class Archive(Dict[str, Any]):
    """The arrays of a .npz file, which is closed by the time that they are looked at."""

    @property
    def files(self) -> list[str]:
        """The names, as numpy says them."""
        return list(self)

    def __enter__(self) -> Archive:  # noqa: D105 - as numpy's
        return self

    def __exit__(self, *_: object) -> None:  # noqa: D105 - as numpy's
        return None

    def close(self) -> None:
        """Do nothing: there is no file."""
