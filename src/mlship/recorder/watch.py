"""Which names' objects each statement changed, by content and not by what its text says.

A table changed in place, through another name, inside a list or by a function is seen like one
that is bound anew. Only what a statement can reach is compared, so that the cost stays small.
"""

from __future__ import annotations

import dis
import functools
import types
from collections.abc import Iterable
from typing import Any

from . import tables, views
from .harmless import Store

CELLS_WATCHED = 2_000_000
"""Larger tables are not compared: a statement that could have changed one is taken to have."""
PARTS = 200
"""Parts of a list or a dictionary that are looked into."""
FIXED = {bool, int, float, complex, str, bytes, type(None), types.ModuleType}
"""Types of objects that no statement changes."""


class Watch:
    """The contents of a namespace, statement by statement."""

    def __init__(self, namespace: dict[str, Any]) -> None:
        self.namespace = namespace
        self._known: dict[str, tuple[Any, str | None]] = {}

    def item(self, store: Store) -> Any:
        """Return a plain value that tells an item from others, or None where there is none."""
        holder = self.namespace[store.name]
        if type(holder) is dict:
            value = holder.get(store.key)
            return value if type(value) in FIXED else None
        if store.key not in holder or not 0 < tables.cells(holder) <= CELLS_WATCHED:
            return None
        position = holder.columns.get_loc(store.key)
        if type(position) is not int:  # several columns have this name
            return None
        return tables.content_of_column(holder._get_column_array(position))

    def after_store(self, store: Store, before: Any) -> set[str]:
        """Return the names whose objects a statement changed that set one item."""
        after = self.item(store)
        if before is not None and type(before) is type(after) and before == after:
            return set()
        holder = self.namespace[store.name]
        changed = {
            name
            for name, value in self.namespace.items()
            if type(value) not in FIXED
            and (value is holder or any(part is holder for part in _items(value)))
        }
        for name in changed:
            self._known[name] = (self.namespace[name], None)
        return changed

    def after_look(self, names: Iterable[str]) -> set[str]:
        """Return which of the names that a statement binds, and does no more, are bound anew."""
        changed = set()
        for name in names:
            value = self.namespace.get(name, Watch)
            if value is Watch or name.startswith("__"):
                continue
            known = self._known.get(name)
            if known is None or known[0] is not value:
                changed.add(name)
                self._known[name] = (value, None)
        return changed

    def before(self, names: Iterable[str]) -> set[str]:
        """Remember what a statement that reads ``names`` can reach; return those names."""
        reached = self._reach(names)
        for name in reached:
            value = self.namespace[name]
            known = self._known.get(name)
            if known is None or known[0] is not value or known[1] is None:
                self._known[name] = (value, digest(value))
        return reached

    def content(self, name: str) -> str | None:
        """Return the key of what ``name`` held before the statement."""
        return self._known.get(name, (None, None))[1]

    def after(self, reached: set[str], suspected: Iterable[str], fitted: set[int]) -> set[str]:
        """Return the names that were bound anew, or whose objects changed.

        Args:
            reached: what ``before`` returned.
            suspected: names whose objects the statement changes, by its text; believed only of
                objects that cannot be compared.
            fitted: ids of the estimators that the statement fitted.
        """
        objects = {id(self.namespace[name]) for name in suspected if name in self.namespace}
        changed = {name for name in self._known if name not in self.namespace}
        for name in changed:
            del self._known[name]
        for name, value in self.namespace.items():
            known = self._known.get(name)
            if known is None or known[0] is not value:
                if not name.startswith("__"):
                    changed.add(name)
                    self._known[name] = (value, None)
            elif name in reached:
                key = digest(value)
                if id(value) in fitted or (
                    id(value) in objects if key is None else key != known[1]
                ):
                    changed.add(name)
                self._known[name] = (value, key)
        return changed

    def needs(self, names: Iterable[str]) -> set[str]:
        """Return ``names`` and the globals that the notebook's functions among them read."""
        found: set[str] = set()
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name in found:
                continue
            found.add(name)
            waiting.extend(self._globals_of(self.namespace.get(name)))
        return found

    def _globals_of(self, value: Any) -> set[str]:
        if isinstance(value, types.FunctionType) and value.__globals__ is self.namespace:
            return {name for name in loaded(value.__code__) if name in self.namespace}
        if isinstance(value, type) and value.__module__ == "__main__":
            inner = [
                self._globals_of(getattr(part, "__func__", part)) for part in vars(value).values()
            ]
            return set().union(*inner, *([base.__name__] for base in value.__bases__))
        return set()

    def _reach(self, names: Iterable[str]) -> set[str]:
        """Return each name of an object that ``names`` lead to.

        They lead through lists and dictionaries, and to what lies in the same memory.
        """
        objects: set[int] = set()
        shared: set[int] = set()
        for name in self.needs(names):
            value = self.namespace.get(name)
            if value is not None and not isinstance(value, (types.ModuleType, type)):
                found = [value, *_parts(value)]
                objects.update(map(id, found))
                shared |= views.memory(found)

        def leads_there(value: Any) -> bool:
            found = [value, *_parts(value)]
            return any(id(part) in objects for part in found) or (
                bool(shared) and not shared.isdisjoint(views.memory(found))
            )

        return {
            name
            for name, value in self.namespace.items()
            if type(value) not in FIXED and not name.startswith("__") and leads_there(value)
        }


def digest(value: Any) -> str | None:
    """Return a key of a table's content, or None where it is none or too large."""
    size = tables.cells(value) + sum(map(tables.cells, _parts(value)))
    return None if size > CELLS_WATCHED else tables.digest(value)


def _parts(value: Any) -> list[Any]:
    return [part for part in _items(value) if type(part) not in FIXED and hasattr(part, "shape")]


def _items(value: Any) -> Iterable[Any]:
    if type(value) in FIXED:
        return ()
    if isinstance(value, (list, tuple)):
        return value[:PARTS]
    if isinstance(value, dict) and len(value) <= PARTS:
        return value.values()
    return ()


@functools.lru_cache(maxsize=None)
def loaded(code: types.CodeType, within: bool = True) -> frozenset[str]:
    """Return the global names that compiled code reads, with the functions inside it or without."""
    names = {
        instruction.argval
        for instruction in dis.get_instructions(code)
        if instruction.opname in ("LOAD_NAME", "LOAD_GLOBAL", "LOAD_CLASSDEREF")
    }
    for constant in code.co_consts if within else ():
        if isinstance(constant, types.CodeType):
            names |= loaded(constant)
    return frozenset(names)
