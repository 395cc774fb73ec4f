"""How what one call gives goes through the code around it: into names, lists and other calls."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence

from .slices import bound
from .statements import names_of

LOOPS = (ast.For, ast.While)
COMPREHENSIONS = (ast.ListComp, ast.GeneratorExp)
BLOCKS = ("body", "orelse", "handlers", "finalbody")


def loaded(node: ast.AST, without: Iterable[ast.AST] = ()) -> set[str]:
    """Return the names that some code reads, without those in parts of it."""
    hidden = {id(part) for piece in without for part in ast.walk(piece)}
    return {
        part.id
        for part in ast.walk(node)
        if isinstance(part, ast.Name)
        and id(part) not in hidden
        and (isinstance(part.ctx, ast.Load) or _is_augmented(node, part))
    }


def _is_augmented(node: ast.AST, name: ast.Name) -> bool:
    return any(isinstance(p, ast.AugAssign) and p.target is name for p in ast.walk(node))


def read_first(body: Sequence[ast.stmt]) -> set[str]:
    """Return the names that a block reads before it binds them."""
    live: set[str] = set()
    for part in reversed(body):
        live = (live - bound(part)) | loaded(part)
    return live


def is_repeated(function: ast.AST, call: ast.Call) -> bool:
    """Say whether a call is made several times."""
    return any(
        isinstance(part, (*LOOPS, *COMPREHENSIONS)) and any(p is call for p in ast.walk(part))
        for part in ast.walk(function)
    )


def made_of(body: Sequence[ast.stmt], call: ast.Call) -> set[str]:
    """Return the names of what is made of what a call gives."""
    found: set[str] = set()
    before = -1
    while before != len(found):
        before = len(found)
        for statement in body:
            for part in ast.walk(statement):
                value = getattr(part, "value", None)
                if isinstance(part, ast.withitem):
                    value = part.context_expr
                if not isinstance(value, ast.AST) or not _comes(value, call, found):
                    continue
                if isinstance(part, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
                    found |= bound(part) or names_of(getattr(part, "target", None))
                elif isinstance(part, ast.withitem) and part.optional_vars is not None:
                    found |= names_of(part.optional_vars)
                elif isinstance(part, ast.Expr) and appends(value, call, found):
                    found.add(value.func.value.id)  # type: ignore[attr-defined]
    return found


def _comes(value: ast.AST, call: ast.Call, tainted: set[str]) -> bool:
    return any(part is call for part in ast.walk(value)) or bool(loaded(value) & tainted)


def appends(value: ast.AST, call: ast.Call, tainted: set[str]) -> bool:
    """Say whether an expression appends what comes of a picture to a list."""
    return (
        isinstance(value, ast.Call)
        and isinstance(value.func, ast.Attribute)
        and value.func.attr == "append"
        and isinstance(value.func.value, ast.Name)
        and any(_comes(part, call, tainted) for part in value.args)
    )


def line_to(body: Sequence[ast.stmt], wanted: Sequence[ast.AST]) -> list[ast.stmt]:
    """Return the statements of blocks that lead to what is wanted, one after the other.

    What a condition or an attempt leaves out is no row, so that every row goes through.
    """
    found: list[ast.stmt] = []
    for part in body:
        blocks = [
            getattr(part, name) for name in BLOCKS if isinstance(getattr(part, name, None), list)
        ]
        leading = [
            block for block in blocks if any(w in ast.walk(s) for s in block for w in wanted)
        ]
        head = isinstance(part, ast.With) and any(
            w in ast.walk(item) for item in part.items for w in wanted
        )
        if len(leading) == 1 and not head and not isinstance(part, ast.FunctionDef):
            found += line_to(leading[0], wanted)
        else:
            found.append(part)
    return found
