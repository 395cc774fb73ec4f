"""Which tables lie in the same memory, so that what changes one changes the other.

Before pandas 3, ``sex = df["sex"]`` is such a view: ``sex[0] = 1`` changes ``df`` too.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def memory(values: Iterable[Any]) -> set[int]:
    """Return the ids of the arrays that own the memory of some tables."""
    found: set[int] = set()
    for value in values:
        module = type(value).__module__.partition(".")[0]
        if module == "pandas":
            arrays = getattr(getattr(value, "_mgr", None), "arrays", ())
        else:
            arrays = [value] if module == "numpy" else ()
        for array in arrays:
            owner = getattr(array, "_ndarray", array)
            while getattr(owner, "base", None) is not None:
                owner = owner.base
            found.add(id(owner))
    return found


def overlap(one: Any, other: Any) -> bool:
    """Say whether two tables share memory."""
    return not memory([one]).isdisjoint(memory([other]))
