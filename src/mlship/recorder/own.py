"""Move the classes and functions that a model is made of out of the notebook, into the project."""

from __future__ import annotations

import ast
import sys
import types
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .models import Refused
from .slices import backward
from .statements import Statement, first_line

MODULE = "mlship_own"
"""What the module is called in a handover, whatever package it comes to lie in."""


def adopt(
    parts: Iterable[tuple[str, str]], statements: Sequence[Statement], namespace: Mapping[str, Any]
) -> str:
    """Let the notebook's own definitions among ``parts`` belong to a module that can be imported.

    Args:
        parts: (module, name) of what a model is made of.
        statements: the notebook's, after its run.
        namespace: what it left behind.

    Returns:
        The module's code, empty if the notebook defines nothing of the model.

    Raises:
        Refused: a definition needs more than imports, constants and other definitions.
    """
    names = {name.split(".")[0] for module, name in parts if module == "__main__"}
    if not names:
        return ""
    lines: list[str] = []
    for index in backward(statements, len(statements), names):
        statement = statements[index]
        if not _can_move(statement.node):
            raise Refused(
                f"The model is made of {', '.join(sorted(names))}, which needs what cell "
                f"{statement.cell} does: {first_line(statement.source)}"
            )
        lines += ["", *statement.comments, _whole(statement)]
    module = types.ModuleType(MODULE)
    for name in names:
        value = namespace.get(name)
        if getattr(value, "__module__", "") != "__main__":
            raise Refused(f"The model is made of {name}, which the notebook has changed since.")
        value.__module__ = MODULE
        setattr(module, name, value)
    sys.modules[MODULE] = module
    head = ['"""What the model is made of, as the notebook defines it."""']
    head += ["# mypy: disallow-untyped-defs=False, disallow-incomplete-defs=False", ""]
    return "\n".join([*head, *lines, ""])


def _can_move(node: ast.stmt) -> bool:
    if isinstance(node, (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)):
        return True
    try:
        return isinstance(node, ast.Assign) and ast.literal_eval(node.value) is not NotImplemented
    except (ValueError, TypeError, SyntaxError):
        return False


def _whole(statement: Statement) -> str:
    """Return a statement with its decorators."""
    decorators = getattr(statement.node, "decorator_list", [])
    return "\n".join([*(f"@{ast.unparse(part)}" for part in decorators), statement.source])
