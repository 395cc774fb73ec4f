"""Rows to keep beside tests: what looks personal in them is put in other words and numbers."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import Any

from . import synthetic, tables

SHARED = 0.1
"""A word that so many of a column's values have says nothing of one person: ``Mr``, ``Street``."""


def rows(samples: Any, personal: Collection[str], seed: int = 0) -> Any:
    """Return ``samples`` (n) with made-up values in the columns ``personal``.

    Texts keep their form, so that code which takes them apart still finds what it looks for, and
    equal values stay equal.
    """
    if not personal:
        return samples
    columns = []
    for name, values in tables.named_columns(samples):
        if name in personal:
            make = _maker(name, values, random.Random(seed))  # noqa: S311 - nothing is secret by it
            made = {value: make(value) for value in dict.fromkeys(filter(_is_there, values))}
            values = [made.get(value, value) for value in values]
        columns.append(values)
    return tables.rebuilt(samples, columns)


def _maker(name: str, values: Sequence[Any], dice: random.Random) -> Callable[[Any], Any]:
    present = [value for value in values if _is_there(value)]
    if not all(isinstance(value, str) for value in present):
        make = synthetic.maker(name, present, True, dice)
        return lambda value: make()
    times = Counter(word for text in present for word in set(re.findall(r"[^\W\d_]+", text)))
    kept = {word for word, number in times.items() if number >= SHARED * len(present)}
    return lambda value: synthetic.reworded(value, dice, kept)


def _is_there(value: Any) -> bool:
    return not (value is None or value != value or type(value).__name__ in ("NAType", "NaTType"))
