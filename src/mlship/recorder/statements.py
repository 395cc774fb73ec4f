"""The notebook's statements, and which names each of them reads, binds and may change."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

LASTING = {"add", "append", "compile", "extend", "fit", "insert", "set_params", "update"}
"""Methods that change their object for good, so that a failed call leaves it unfinished."""


class Statement:
    """One top-level statement of a cell."""

    def __init__(self, cell: int, node: ast.stmt, source: str) -> None:
        self.cell = cell
        self.node = node
        self.source = source
        self.error: str | None = None
        self.binds, self.changes = _written(node)
        self.reads = {
            part.id
            for part in ast.walk(node)
            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load)
        }


def split(cells: Iterable[Sequence[Any]]) -> tuple[list[Statement], dict[int, str]]:
    """Split (number, source) cells into statements; return those, and why others have none."""
    statements: list[Statement] = []
    unreadable: dict[int, str] = {}
    for number, source in cells:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                body = ast.parse(source).body
        except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
            unreadable[number] = first_line(f"{type(error).__name__}: {error}")
            continue
        for node in body:
            text = ast.get_source_segment(source, node) or ""
            statements.append(Statement(number, node, text))
    return statements, unreadable


def lost(statements: Sequence[Statement], at: int) -> tuple[Statement, list[str]] | None:
    """Find the last failed statement that shaped what statement ``at`` reads.

    Walks back from it: a name is needed until the statement that binds it, whose own names are
    needed from there on.

    Returns:
        The failed statement and the names that it was to make, or None if no failure matters.
    """
    needed = set(statements[at].reads)
    for statement in reversed(statements[:at]):
        if statement.error:
            names = (statement.binds | _left_unfinished(statement.node)) & needed
            if names:
                return statement, sorted(names)
        elif (statement.binds | statement.changes) & needed:
            needed = (needed - statement.binds) | statement.reads
    return None


def first_line(text: str) -> str:
    """Return the first line of a message, shortened."""
    lines = text.strip().splitlines()
    return lines[0][:300] if lines else ""


def _written(node: ast.stmt) -> tuple[set[str], set[str]]:
    """Return the names that a statement binds, and those whose objects it may change."""
    binds: set[str] = set()
    changes: set[str | None] = set()
    for part in ast.walk(node):
        if isinstance(part, ast.Name) and isinstance(part.ctx, (ast.Store, ast.Del)):
            binds.add(part.id)
        elif isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            binds.add(part.name)
        elif isinstance(part, (ast.Import, ast.ImportFrom)):
            binds.update(alias.asname or alias.name.split(".")[0] for alias in part.names)
        elif isinstance(part, (ast.Subscript, ast.Attribute)) and isinstance(part.ctx, ast.Store):
            changes.add(_root(part))
        elif isinstance(part, ast.Call):
            if isinstance(part.func, ast.Attribute):
                changes.add(_root(part.func))
            changes.update(value.id for value in part.args if isinstance(value, ast.Name))
    if isinstance(node, ast.AugAssign):
        changes.add(_root(node.target))
        return binds - {_root(node.target) or ""}, {name for name in changes if name}
    return binds, {name for name in changes if name}


def _left_unfinished(node: ast.stmt) -> set[str]:
    """Return the names whose objects a failed statement was about to change for good."""
    names: set[str | None] = set()
    if isinstance(node, ast.AugAssign):
        names.add(_root(node.target))
    for part in ast.walk(node):
        if isinstance(part, (ast.Subscript, ast.Attribute)):
            if isinstance(part.ctx, (ast.Store, ast.Del)):
                names.add(_root(part))
        elif isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute):
            inplace = any(
                word.arg == "inplace" and getattr(word.value, "value", True)
                for word in part.keywords
            )
            if inplace or part.func.attr in LASTING:
                names.add(_root(part.func))
    return {name for name in names if name}


def _root(node: ast.expr) -> str | None:
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Call)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else None
