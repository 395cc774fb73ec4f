"""Take a data set's rows and target apart where it is loaded, so that both have names.

``iris = load_iris()`` becomes ``iris_data, iris_target = load_iris(return_X_y=True)``, and
``iris.data`` becomes ``iris_data``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from .log import Log
from .slices import edited
from .statements import Statement

PARTS = ("data", "target")


def apart(statements: Sequence[Statement], within: Iterable[int], log: Log) -> list[Statement]:
    """Return the statements, with each data set taken apart whose rows have no name of their own.

    Args:
        statements: the notebook's.
        within: those that make what a model is fitted on, and the fit.
        log: what was loaded.
    """
    result = list(statements)
    within = set(within)
    for index in sorted(within):
        name = _data_set(result[index], index, log)
        if name is None:
            continue
        reading = [i for i in within if i != index and name in result[i].needs | result[i].reads]
        parts = {i: list(_parts(result[i].node, name)) for i in reading}
        counted = {i: sum(_is_name(part, name) for part in ast.walk(result[i].node)) for i in parts}
        bound = sum(name in statement.binds for statement in statements)
        new = {part: f"{name}_{part}" for part in PARTS}
        images = _images(log.loads[index, 0][1])
        said = {**new, **({"images": new["data"] + images} if images else {})}
        if any(part not in said for found in parts.values() for _, part in found):
            continue
        taken = any(new_ in s.binds | s.reads for s in statements for new_ in new.values())
        alone = all(len(found) == counted[i] for i, found in parts.items())
        if bound > 1 or taken or not alone or all(map(_names_rows, map(result.__getitem__, parts))):
            continue
        result[index] = _loading(result[index], new)
        for i, found in parts.items():
            changed = edited(result[i], {node: said[part] for node, part in found})
            used = {new["target" if part == "target" else "data"] for _, part in found}
            changed.needs = changed.needs - {name} | used
            result[i] = changed
    return result


def _data_set(statement: Statement, index: int, log: Log) -> str | None:
    """Return the name that a statement gives to a data set of scikit-learn, if it does that."""
    node: Any = statement.node
    _, value = log.loads.get((index, 0), ("", None))
    if not all(hasattr(value, part) for part in PARTS) or isinstance(value, tuple):
        return None
    plain = isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)
    if not plain or len(node.targets) > 1 or not isinstance(node.targets[0], ast.Name):
        return None
    return str(node.targets[0].id)


def _loading(statement: Statement, new: Mapping[str, str]) -> Statement:
    node: Any = statement.node
    call = ast.unparse(node.value)[:-1]
    call += ", return_X_y=True)" if not call.endswith("(") else "return_X_y=True)"
    changed = edited(statement, {node.targets[0]: ", ".join(new.values()), node.value: call})
    changed.changed = set(new.values())
    return changed


def _images(value: Any) -> str:
    """Return the code that makes a data set's images of its rows, if that is what they are."""
    images: Any = getattr(value, "images", None)
    data = value.data
    if getattr(images, "ndim", 0) < 3 or hasattr(data, "columns"):
        return ""
    flat = images.reshape(len(images), -1)
    same = flat.shape == data.shape and bool((flat == data).all())
    return f".reshape(({', '.join(map(str, (-1, *images.shape[1:])))}))" if same else ""


def _parts(node: ast.AST, name: str) -> Iterator[tuple[ast.expr, str]]:
    """Yield where the rows and the target of a data set are read, and which of the two it is."""
    for part in ast.walk(node):
        known = (*PARTS, "images")
        if isinstance(part, ast.Attribute) and _is_name(part.value, name) and part.attr in known:
            yield part, part.attr
        elif isinstance(part, ast.Subscript) and _is_name(part.value, name):
            key = part.slice
            key = getattr(key, "value", key) if type(key).__name__ == "Index" else key
            if isinstance(key, ast.Constant) and key.value in known:
                yield part, str(key.value)


def _is_name(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _names_rows(statement: Statement) -> bool:
    """Say whether a statement gives a name to the rows, to the target, or to some columns."""
    node = statement.node
    value = node.value if isinstance(node, ast.Assign) else None
    if isinstance(value, ast.Subscript) and not isinstance(value.value, ast.Name):
        value = value.value
    if isinstance(value, ast.Tuple):
        return all(isinstance(part, (ast.Attribute, ast.Subscript)) for part in value.elts)
    return isinstance(value, ast.Attribute) or (
        isinstance(value, ast.Subscript) and isinstance(value.value, ast.Name)
    )
