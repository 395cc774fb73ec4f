"""What to remember of the calls of a notebook's functions: a few that tell the most."""

from __future__ import annotations

import copy
import functools
import inspect
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

POOL = 5000
"""Different calls of a function that the telling ones are chosen from."""
MOST = 6
"""Examples of one function."""
TABLES = 3
"""Calls with tables that are looked at."""
LENGTHS = (8, 20, 60, 200)
"""Rows of a table that a function may be shown, the fewest first that it does something to."""
LONGEST = 80
"""Longer texts are shortened."""


class Example(NamedTuple):
    """One call of a function."""

    given: dict[str, Any]
    """The arguments by name."""
    expected: Any


class Calls:
    """The arguments that a module's functions are called with."""

    def __init__(self) -> None:
        self._plain: dict[str, dict[str, dict[str, Any]]] = {}
        self._other: dict[str, list[dict[str, Any]]] = {}

    def watch(self, module: Any, names: Sequence[str]) -> None:
        """Note what the functions ``names`` of ``module`` are given from now on."""
        for name in names:
            setattr(module, name, self._watched(name, getattr(module, name)))

    def _watched(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        signature = inspect.signature(function)

        @functools.wraps(function)
        def watched(*args: Any, **kwargs: Any) -> Any:
            self._note(name, signature, args, kwargs)
            return function(*args, **kwargs)

        return watched

    def _note(self, name: str, signature: inspect.Signature, args: Any, kwargs: Any) -> None:
        pool = self._plain.setdefault(name, {})
        others = self._other.setdefault(name, [])
        if len(pool) >= POOL or len(others) >= POOL:
            return
        try:
            given = dict(signature.bind(*args, **kwargs).arguments)
        except TypeError:
            return  # the call fails, too
        given.pop("learned", None)
        given = {key: shortened(plain(value)) for key, value in given.items()}
        texts = list(map(literal, given.values()))
        if all(text is not None for text in texts):
            pool.setdefault(", ".join(map(str, texts)), given)
        elif len(others) < TABLES or not any(hasattr(v, "columns") for v in given.values()):
            others.append({key: copy.deepcopy(value) for key, value in given.items()})

    def plain(self, name: str, answer: Callable[..., Any]) -> list[Example]:
        """Return telling calls with numbers and texts, and what ``answer`` says to each.

        One that fails is left out.
        """
        found = []
        for given in self._plain.get(name, {}).values():
            result = answered(answer, given)
            if result is not NOTHING and literal(plain(result)) is not None:
                found.append(Example(given, plain(result)))
        return _telling(found)

    def other(self, name: str, answer: Callable[..., Any]) -> list[Example]:
        """Return telling calls with tables, of as few rows as say something, or with rows."""
        found = []
        for given in self._other.get(name, []):
            for less in _smaller(given):
                result = plain(answered(answer, copy.deepcopy(less)))
                if result is NOTHING or result is None:
                    continue
                if _is_table(result) and any(_same_length(result, v) for v in less.values()):
                    found.append(Example(less, result))
                    continue
                found.insert(0, Example(less, result))
                break
        return _telling(found) if _of_rows(found) else found[:1]


NOTHING = object()


def answered(answer: Callable[..., Any], given: Mapping[str, Any]) -> Any:
    """Return what a function answers, or ``NOTHING`` where it fails."""
    try:
        return answer(**given)
    except Exception:  # the notebook's own code, on values it may not take
        return NOTHING


def plain(value: Any) -> Any:
    """Return a number of numpy as one of Python, anything else as it is."""
    if type(value).__module__ == "numpy" and getattr(value, "ndim", 1) == 0:
        return value.item()
    return value


def shortened(value: Any) -> Any:
    """Return a long text's beginning, up to a word's end."""
    if isinstance(value, str) and len(value) > LONGEST:
        return value[:LONGEST].rpartition(" ")[0] or value[:LONGEST]
    return value


def literal(value: Any) -> str | None:
    """Return the code of a plain value, or None for any other."""
    if value is None or type(value) in (bool, int):
        return repr(value)
    if type(value) is str:
        return repr(value) if len(value) <= 2 * LONGEST else None
    if type(value) is float:
        if math.isnan(value):
            return "math.nan"
        return repr(value) if math.isfinite(value) else f"{'-' if value < 0 else ''}math.inf"
    if type(value) in (list, tuple) and len(value) <= 10:
        parts = [literal(part) for part in value]
        if None not in parts:
            inner = ", ".join(map(str, parts))
            comma = "," if len(parts) == 1 else ""
            return f"[{inner}]" if type(value) is list else f"({inner}{comma})"
    return None


def _telling(examples: Sequence[Example]) -> list[Example]:
    """Choose examples: each kind of result, each form of arguments, each result, the edges."""
    examples = sorted(examples, key=_size)
    forms: dict[str, int] = {}
    for example in examples:
        forms[_form(example.given)] = forms.get(_form(example.given), 0) + 1
    often = sorted(examples, key=lambda e: -forms[_form(e.given)])
    chosen: dict[int, Example] = {}
    missing = [e for e in examples if any(v is None or v != v for v in _values(e.given))]
    for example in list({repr(e.expected): e for e in missing}.values())[: MOST // 2]:
        chosen[id(example)] = example
    keys: tuple[Callable[[Example], str], ...] = (
        lambda e: type(e.expected).__name__ + str(e.expected is None or _is_nan(e.expected)),
        lambda e: _form(e.given),
        lambda e: repr(e.expected),
    )
    for key in keys:
        seen = {key(example) for example in chosen.values()}
        for example in often:
            if len(chosen) < MOST and key(example) not in seen:
                seen.add(key(example))
                chosen[id(example)] = example
    return [example for example in examples if id(example) in chosen]


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and value != value


def _values(given: Mapping[str, Any]) -> Iterator[Any]:
    for value in given.values():
        if type(value).__module__.startswith("pandas") and hasattr(value, "tolist"):
            yield from value.tolist()
        elif not _is_table(value):
            yield value


def _form(given: Mapping[str, Any]) -> str:
    """Say what the arguments look like: ``2100 - 2850`` is ``9 - 9``."""
    forms = []
    for value in _values(given):
        if isinstance(value, str):
            forms.append(re.sub(r"[^\W\d_]+", "a", re.sub(r"\d+(\.\d+)?", "9", value)))
        elif isinstance(value, (int, float)):
            forms.append("nan" if value != value else str((value > 0) - (value < 0)))
        else:
            forms.append(type(value).__name__)
    return "|".join(forms)


def _size(example: Example) -> tuple[Any, ...]:
    """Sort numbers by their size, so that the first with a result is its edge, and texts after."""
    values = list(_values(example.given))
    numbers = [v for v in values if isinstance(v, (int, float)) and v == v]
    return (len(numbers) < len(values), numbers, sum(len(v) for v in values if isinstance(v, str)))


def _smaller(given: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the arguments with ever more rows of their tables: neighbours, and spread ones."""
    lengths = {len(value) for value in given.values() if _is_table(value)}
    if len(lengths) != 1 or not any(_is_frame(value) for value in given.values()):
        yield dict(given)
        return
    (whole,) = lengths
    for length in LENGTHS:
        for start, step in ((0, max(1, whole // length)), (0, 1), (whole // 2, 1)):
            at = list(range(start, whole, step))[:length]
            yield {
                key: value.iloc[at].copy()
                if hasattr(value, "iloc")
                else value[at]
                if _is_table(value)
                else value
                for key, value in given.items()
            }
        if length >= whole:
            return


def _of_rows(examples: Sequence[Example]) -> bool:
    """Say whether the tables are but rows, one each."""
    return not any(_is_frame(v) for e in examples for v in e.given.values())


def _is_frame(value: Any) -> bool:
    """Say whether a table has many rows; the index of a single row says the columns."""
    if hasattr(value, "columns"):
        return True
    if hasattr(value, "iloc"):
        return bool(value.index.dtype != object)
    return _is_table(value)


def _is_table(value: Any) -> bool:
    return hasattr(value, "shape") and hasattr(value, "__len__") and not isinstance(value, str)


def _same_length(one: Any, other: Any) -> bool:
    return _is_table(other) and len(one) == len(other) and type(one) is type(other)
