"""Which of the notebook's statements made what a model was fitted on."""

from __future__ import annotations

import ast
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any

from .statements import Statement, names_of
from .texts import spliced


def backward(statements: Sequence[Statement], at: int, names: Iterable[str]) -> list[int]:
    """Return the statements before ``at`` that made what ``names`` held there, in their order.

    A name is needed until the statement that binds it afresh, whose own needs take over. What a
    statement changed is known from its run, so that a frame changed through a list counts too.
    What a transformer learned is forgotten where it learns anew, from the test rows for one.
    """
    needed = set(names)
    forgotten: set[str] = set()
    found: list[int] = []
    for index in reversed(range(at)):
        statement = statements[index]
        if statement.error is not None or not statement.changed & needed:
            continue
        anew = _learning_anew(statement.node)
        if statement.changed & needed <= forgotten & anew:
            continue
        found.append(index)
        needed = (needed - bound(statement.node)) | statement.needs
        forgotten = forgotten - names_of(statement.node) | anew
    return found[::-1]


def _learning_anew(node: ast.stmt) -> set[str]:
    """Return the names of which a statement uses nothing but ``fit_transform``."""
    learning = [
        part.func.value.id
        for part in ast.walk(node)
        if isinstance(part, ast.Call)
        and isinstance(part.func, ast.Attribute)
        and part.func.attr == "fit_transform"
        and isinstance(part.func.value, ast.Name)
    ]
    spoken = [part.id for part in ast.walk(node) if isinstance(part, ast.Name)]
    return {name for name in learning if learning.count(name) == spoken.count(name)}


def reduced(
    statements: Sequence[Statement], within: Iterable[int], others: Container[str]
) -> list[Statement]:
    """Take tables that are only worked on along with the rows out of the notebook's loops.

    ``for table in [train, test]: ...`` does the same to both; of the two only one is served.

    Args:
        statements: the notebook's.
        within: those that may be changed.
        others: the names of the tables that are not served.

    Returns:
        The statements, those changed that list such tables beside another one.
    """
    result = list(statements)
    for index in within:
        node = statements[index].node
        if isinstance(node, ast.For):
            result[index] = _without(statements[index], node, others)
            node = result[index].node
        listed = node.iter if isinstance(node, ast.For) else getattr(node, "value", None)
        if not isinstance(listed, (ast.List, ast.Tuple)) or not isinstance(
            node, (ast.For, ast.Assign)
        ):
            continue
        names = [part.id for part in listed.elts if isinstance(part, ast.Name)]
        kept = [name for name in names if name not in others]
        if len(names) != len(listed.elts) or not kept or kept == names:
            continue
        needs = result[index].needs - (names_of(listed) - set(kept))
        result[index] = edited(result[index], {listed: f"[{', '.join(kept)}]"})
        result[index].needs = needs
    for index, statement in enumerate(statements):
        if result[index] is not statement:
            result[index].reduced_from = statement
    return result


def held_out(statements: Sequence[Statement], within: Iterable[int]) -> set[str]:
    """Return what splits call the rows that are not the first part of each: the test rows."""
    names: set[str] = set()
    for index in within:
        node = statements[index].node
        if isinstance(node, ast.Assign) and statements[index].calls("train_test_split"):
            parts = getattr(node.targets[0], "elts", [])
            names.update(part.id for part in parts[1::2] if isinstance(part, ast.Name))
    return names


def _without(statement: Statement, loop: ast.For, others: Container[str]) -> Statement:
    """Leave out of a loop what it only does to other tables: ``test[c] = test[c] * 2``."""
    left_out = [part for part in loop.body if _changed_by(part) in others]
    if not left_out or len(left_out) == len(loop.body):
        return statement
    try:
        changed = edited(statement, dict.fromkeys(left_out, ""))
    except SyntaxError:  # several on one line
        return statement
    gone = {_changed_by(part) for part in left_out} - names_of(changed.node)
    changed.needs, changed.changed = changed.needs - gone, changed.changed - gone
    return changed


def _changed_by(node: ast.stmt) -> str | None:
    """Return the one name whose object an assignment changes, without binding it anew."""
    target: ast.AST | None = None
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target = node.targets[0]
    elif isinstance(node, ast.AugAssign):
        target = node.target
    plain = target
    while isinstance(target, (ast.Subscript, ast.Attribute)):
        target = target.value
    return target.id if isinstance(target, ast.Name) and target is not plain else None


def edited(statement: Statement, texts: Mapping[Any, str]) -> Statement:
    """Return a statement with other texts for some of its nodes, none of which holds another."""
    text = spliced(statement.text, statement.node, texts)
    changed = Statement(statement.cell, ast.parse(text).body[0], text)
    changed.comments, changed.random = statement.comments, statement.random
    changed.needs, changed.changed = set(statement.needs), set(statement.changed)
    return changed


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
