"""The notebook's statements, and which names each of them reads, binds and may change."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

LASTING = {
    "add", "append", "clear", "compile", "extend", "fit", "insert", "partial_fit", "pop", "remove",
    "reverse", "set_params", "sort", "update",
}  # fmt: skip
"""Methods that change their object for good, so that a failed call leaves it unfinished."""
NAME = r"(?<![\w.])([A-Za-z_]\w*)"
ASSIGNMENT = re.compile(NAME + r"(?:\.\w+|\[[^\]\n]*\])*\s*(?:[-+*/%|&^@]|//|\*\*)?=(?!=)")
CHANGE = re.compile(rf"{NAME}(?:\.\w+)*\.(?:{'|'.join(LASTING)})\(|{NAME}\.[^\n]*inplace\s*=")


class Statement:
    """One top-level statement of a cell, or a whole cell that is no Python."""

    def __init__(self, cell: int, node: ast.stmt, source: str) -> None:
        self.cell = cell
        self.node = node
        self.source = source
        self.error: str | None = None
        self.lost: set[str] = set()
        """After a failure, the names whose objects are not what they were to be."""
        self.text = source
        """The whole cell, in which the node has its place."""
        self.comments: list[str] = []
        """The comment lines above it."""
        self.needs: set[str] = set()
        """The names that it read when it ran, with what the notebook's functions read of it."""
        self.changed: set[str] = set()
        """The names that it bound, or whose objects it changed, when it ran."""
        self.random: Any = None
        """The state of the random generators when it started."""
        self.reduced_from: Statement | None = None
        """The statement as the notebook has it, where this one does less."""
        parts = _parts(node)
        self.binds, self.changes = _written(node, parts)
        self.reads = {
            part.id for part in parts if type(part) is ast.Name and type(part.ctx) is ast.Load
        }
        self.reads |= {
            part.target.id
            for part in parts
            if type(part) is ast.AugAssign and type(part.target) is ast.Name
        }

    def calls(self, *methods: str) -> bool:
        """Say whether the statement calls a method or function of one of these names."""
        return any(
            isinstance(part, ast.Call)
            and getattr(part.func, "attr", getattr(part.func, "id", None)) in methods
            for part in ast.walk(self.node)
        )


def split(cells: Iterable[Sequence[Any]]) -> list[Statement]:
    """Split (number, source) cells into statements; a cell that is no Python is a failed one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _split(cells)


def _split(cells: Iterable[Sequence[Any]]) -> list[Statement]:
    statements: list[Statement] = []
    cells = list(cells)
    shared = _read_by_functions(source for _, source in cells)
    for number, source in cells:
        try:
            body = ast.parse(source).body
        except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
            unreadable = Statement(number, ast.Pass(), source)
            unreadable.error = first_line(f"{type(error).__name__}: {error}")
            unreadable.lost = {name for name in ASSIGNMENT.findall(source)}
            unreadable.lost |= {name for found in CHANGE.findall(source) for name in found if name}
            statements.append(unreadable)
            continue
        lines, end = source.splitlines(), 0
        encoded = source.encode("utf-8").splitlines(keepends=True)
        for node in body:
            text = _segment(encoded, node)
            statements.append(Statement(number, node, text))
            statements[-1].text = source
            above = [line.strip() for line in lines[end : _first_line_of(node) - 1]]
            statements[-1].comments = [line for line in above if _says_something(line)]
            end = node.end_lineno or end
            parts = _one_by_one(node, encoded, shared)
            if parts:
                comments = statements.pop().comments
                statements += [Statement(number, ast.parse(text).body[0], text) for text in parts]
                statements[-len(parts)].comments = comments
    return statements


def _one_by_one(node: ast.stmt, lines: Sequence[bytes], shared: set[str]) -> list[str]:
    """Return ``a, b = f(x), g(y)`` as two assignments, if that means the same; else nothing.

    So each can be left out where only the other one matters.

    Args:
        node: a statement.
        lines: those of its cell.
        shared: the names that functions of the notebook read of it.
    """
    if not isinstance(node, ast.Assign) or len(node.targets) > 1:
        return []
    target, value = node.targets[0], node.value
    if not isinstance(target, (ast.Tuple, ast.List)) or not isinstance(value, ast.Tuple):
        return []
    names = [part.id for part in target.elts if isinstance(part, ast.Name)]
    plain = not any(isinstance(part, ast.Starred) for part in value.elts)
    if not plain or len({*names} - shared) != len(target.elts) or len(names) != len(value.elts):
        return []
    if any(names_of(part) & {*names[:i]} for i, part in enumerate(value.elts)):
        return []
    texts = [_segment(lines, part) for part in value.elts]
    texts = [f"({text})" if "\n" in text else text for text in texts]
    return [f"{name} = {text}" for name, text in zip(names, texts)]


def _read_by_functions(sources: Iterable[str]) -> set[str]:
    """Return the names that functions read without binding them."""
    names: set[str] = set()
    for source in sources:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse(source)
        except (SyntaxError, ValueError, MemoryError, RecursionError):
            continue
        for part in ast.walk(tree):
            if isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
                inner = [name for name in ast.walk(part) if isinstance(name, ast.Name)]
                own = {argument.arg for argument in ast.walk(part) if isinstance(argument, ast.arg)}
                own |= {name.id for name in inner if isinstance(name.ctx, ast.Store)}
                names |= {name.id for name in inner} - own
    return names


def lost(statements: Sequence[Statement], at: int) -> tuple[Statement, list[str]] | None:
    """Find the last failed statement that shaped what statement ``at`` reads.

    Walks back from it: a name is needed until the statement that binds it, whose own names are
    needed from there on. What a function reads is needed where it is called.

    Returns:
        The failed statement and the names that it was to make, or None if no failure matters.
    """
    functions = {
        statement.node.name: statement.reads
        for statement in statements
        if isinstance(statement.node, (ast.FunctionDef, ast.ClassDef))
    }
    needed = _with_functions(statements[at].reads, functions)
    for statement in reversed(statements[:at]):
        if statement.error:
            if statement.lost & needed:
                return statement, sorted(statement.lost & needed)
        elif (statement.binds | statement.changes) & needed:
            needed = (needed - statement.binds) | _with_functions(statement.reads, functions)
    return None


def changing(statements: Iterable[Statement]) -> set[str]:
    """Return the names of the notebook's functions that change what they are given."""
    return {
        statement.node.name
        for statement in statements
        if isinstance(statement.node, ast.FunctionDef)
        and statement.changes & {argument.arg for argument in statement.node.args.args}
    }


def intended(statement: Statement, changing: set[str]) -> set[str]:
    """Return the names whose objects a failed statement was to change.

    Args:
        statement: the one that failed.
        changing: the functions that change what they are given.
    """
    names: set[str | None] = set()
    if isinstance(statement.node, ast.AugAssign):
        names.add(_root(statement.node.target))
    for part in ast.walk(statement.node):
        if isinstance(part, (ast.Subscript, ast.Attribute)):
            if isinstance(part.ctx, (ast.Store, ast.Del)):
                names.add(_root(part))
        elif isinstance(part, ast.Call):
            names.update(_changed_by(part, changing))
    return {name for name in names if name}


def names_of(*nodes: ast.AST | None) -> set[str]:
    """Return the names that stand in pieces of code."""
    parts = (part for node in nodes if node is not None for part in ast.walk(node))
    return {part.id for part in parts if isinstance(part, ast.Name)}


def first_line(text: str) -> str:
    """Return the first line of a message, shortened."""
    lines = text.strip().splitlines()
    return lines[0][:300] if lines else ""


def _first_line_of(node: ast.stmt) -> int:
    decorators = getattr(node, "decorator_list", [])
    return int(min([node.lineno, *(decorator.lineno for decorator in decorators)]))


def _segment(lines: Sequence[bytes], node: ast.stmt | ast.expr) -> str:
    """Return the text of a statement; columns count bytes."""
    last = (node.end_lineno or node.lineno) - 1
    part = [*lines[node.lineno - 1 : last], lines[last][: node.end_col_offset]]
    part[0] = part[0][node.col_offset :]
    return b"".join(part).decode("utf-8")


def _parts(node: ast.AST) -> list[ast.AST]:
    """Return a node and all below it, from the top down, without what only marks a context.

    It is ``ast.walk`` at a third of its time.
    """
    found = [node]
    for part in found:
        for name in part._fields:
            value = getattr(part, name, None)
            if isinstance(value, list):
                found.extend([inner for inner in value if isinstance(inner, ast.AST)])
            elif isinstance(value, ast.AST) and value._fields:
                found.append(value)
    return found


def _says_something(line: str) -> bool:
    """Say whether a line is a comment in words, and no code that was put aside."""
    text = line.lstrip("#! ").rstrip()
    if not line.startswith("#") or not any(map(str.isalpha, text)):
        return False
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError):
        return True
    return all(isinstance(node, ast.Expr) and isinstance(node.value, ast.Name) for node in body)


def _changed_by(call: ast.Call, changing: set[str]) -> set[str | None]:
    """Return the names whose objects a call changes: its receiver, or what a function is given."""
    if isinstance(call.func, ast.Attribute):
        inplace = any(
            word.arg == "inplace" and getattr(word.value, "value", True) for word in call.keywords
        )
        return {_root(call.func)} if inplace or call.func.attr in LASTING else set()
    if isinstance(call.func, ast.Name) and call.func.id in changing:
        return {argument.id for argument in call.args if isinstance(argument, ast.Name)}
    return set()


def _with_functions(reads: set[str], functions: Mapping[str, set[str]]) -> set[str]:
    """Add what the functions among ``reads`` read themselves, and those that they call."""
    found, waiting = set(), list(reads)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(functions.get(name, ()))
    return found


def _written(node: ast.stmt, parts: Iterable[ast.AST]) -> tuple[set[str], set[str]]:
    """Return the names that a statement binds, and those whose objects it may change.

    ``parts`` are the statement and all below it.
    """
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        inner = [_written(statement, _parts(statement)) for statement in node.body]
        return {node.name}, set().union(*(binds | changes for binds, changes in inner))
    binds: set[str] = set()
    changes: set[str | None] = set()
    for part in parts:
        if isinstance(part, ast.Name):
            if not isinstance(part.ctx, ast.Load):
                binds.add(part.id)
        elif isinstance(part, ast.Call):
            if isinstance(part.func, ast.Attribute):
                changes.add(_root(part.func))
            changes.update([value.id for value in part.args if isinstance(value, ast.Name)])
        elif isinstance(part, (ast.Subscript, ast.Attribute)):
            if isinstance(part.ctx, ast.Store):
                changes.add(_root(part))
        elif isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            binds.add(part.name)
        elif isinstance(part, (ast.Import, ast.ImportFrom)):
            binds.update(alias.asname or alias.name.split(".")[0] for alias in part.names)
    if isinstance(node, ast.AugAssign):
        changes.add(_root(node.target))
        binds.discard(_root(node.target) or "")
    return binds, {name for name in changes if name}


def written(node: ast.stmt) -> tuple[set[str], set[str]]:
    """Return the names that a statement binds, and those whose objects it may change."""
    return _written(node, _parts(node))


def _root(node: ast.expr) -> str | None:
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Call)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else None
