"""Which of the notebook's statements made what a model was fitted on."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence

from .statements import Statement


def backward(statements: Sequence[Statement], at: int, names: Iterable[str]) -> list[int]:
    """Return the statements before ``at`` that made what ``names`` held there, in their order.

    A name is needed until the statement that binds it afresh, whose own needs take over. What a
    statement changed is known from its run, so that a frame changed through a list counts too.
    """
    needed = set(names)
    found: list[int] = []
    for index in reversed(range(at)):
        statement = statements[index]
        if statement.error is None and statement.changed & needed:
            found.append(index)
            needed = (needed - bound(statement.node)) | statement.needs
    return found[::-1]


def bound(node: ast.stmt) -> set[str]:
    """Return the names that a statement binds whatever happens, and not only in parts."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return {node.name}
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return {alias.asname or alias.name.split(".")[0] for alias in node.names}
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, ast.AnnAssign) and node.value is not None:
        targets = [node.target]
    names: set[str] = set()
    for target in targets:
        parts = target.elts if isinstance(target, (ast.Tuple, ast.List)) else [target]
        names.update(part.id for part in parts if isinstance(part, ast.Name))
    return names
