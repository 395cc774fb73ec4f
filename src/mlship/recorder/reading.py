"""Take the opening of picture files out of the notebook's loops, so that their contents are rows.

::

    for name in os.listdir("cats"):                     pictures, labels = read_pictures()
        img = cv2.imread(os.path.join("cats", name))
        images.append(cv2.resize(img, (32, 32)))   =>   for content in pictures:
        labels.append("cat")                                img = cv2.imdecode(np.frombuffer(...
                                                            images.append(cv2.resize(img, (32, 32)))

What is done to one picture stays the notebook's own text, and its own library decodes it. Nothing
is believed of that: like any other slice, it must make what the model was fitted on.
"""

from __future__ import annotations

import ast
import importlib.util
import os
from collections.abc import Iterable, Sequence

from . import pictures
from .flow import COMPREHENSIONS, read_first
from .log import Log
from .pictures import MOST_READ
from .rewriting import Names, NotTaken, Rewriting, Rewritten
from .statements import Statement, names_of

REFUSED = "the files of pictures cannot be asked for"
"""What a reason begins with why the notebook's arrays are served in their place."""


def apart(statements: Sequence[Statement], path: Sequence[int], log: Log) -> list[Statement]:
    """Return the statements, with the pictures loaded before they are worked on.

    Args:
        statements: the notebook's.
        path: those that made what a model was fitted on, in their order.
        log: what was read; what is loaded now is added to it.

    Raises:
        NotTaken: their reading cannot be told from the rest.
    """
    reading = [index for index in path if log.pictures.paths(index)]
    result = list(statements)
    if reading and importlib.util.find_spec("pandas") is None:
        raise NotTaken(
            "what prepares pictures in the project needs pandas: install it in its Python"
        )
    names = _free_names(statements)
    done: dict[str, list[int]] = {}
    for index in reading:
        if not index or statements[index - 1].source != pictures.SPACE:
            raise NotTaken(f"cell {statements[index].cell} reads pictures outside of a loop")
        try:
            new = Rewriting(statements, index, log, names).rewritten()
        except NotTaken as error:
            raise NotTaken(f"cell {statements[index].cell}: {error}") from None
        same = done.setdefault(new.text, [])
        for before in same:
            result[before] = _like(statements[before], pictures.SPACE, set(), set())
            result[before - 1] = statements[before - 1]
            log.loads.pop((before - 1, 0), None)
        same.append(index)
        _place(result, statements, same, new, log, names)
    return result


def _place(
    result: list[Statement],
    statements: Sequence[Statement],
    same: Sequence[int],
    new: Rewritten,
    log: Log,
    names: Names,
) -> None:
    """Put the loading of pictures, and the work on them, in the place of statements ``same``."""
    last = same[-1]
    paths = [path for index in same for path in log.pictures.paths(index)]
    if sum(os.path.getsize(path) for path in paths if os.path.isfile(path)) > MOST_READ:
        raise NotTaken(f"its pictures take more than {MOST_READ // 10**9} GB")
    try:
        rows = pictures.contents(paths)
    except OSError as error:
        raise NotTaken(f"a picture cannot be read again ({type(error).__name__})") from None
    others = sum(not content.startswith(pictures.FORMS) for content in rows)
    if others:
        raise NotTaken(f"{others} of its pictures are no PNG, JPEG, BMP, PGM or PPM")
    for made_, length in log.pictures.lengths.get(last, {}).items():
        if made_ in new.made and length != len(rows):
            raise NotTaken(f"of {len(rows)} pictures that it opens, {length} are in {made_}")
    kept = log.pictures.beside.get(last, {})
    beside = {
        name: value
        for name, value in kept.items()
        if len(value) == len(rows) and name not in new.made
    }
    log.loads[last - 1, 0] = (
        f"the files of {len(rows)} pictures",
        (rows, *beside.values()) if beside else rows,
    )
    targets = ", ".join([names.pictures, *beside])
    made = {names.pictures, *beside}
    result[last - 1] = _like(statements[last], f"{targets} = read_pictures()", set(), made)
    result[last - 1].comments = []
    functions = {statements[at].node.name for at in new.functions}  # type: ignore[attr-defined]
    result[last] = _like(
        statements[last],
        new.text,
        _needed(new.text, statements[last].needs, functions) | {names.pictures},
        new.made,
    )
    _mark(result[last].node, names)
    for at, text in new.functions.items():
        name = {statements[at].node.name}  # type: ignore[attr-defined]
        result[at] = _like(statements[at], text, set(statements[at].needs), name)
        spoken = names_of(result[at].node)
        result[at].needs = statements[at].needs & spoken
        result[last].needs |= (statements[last].needs | statements[at].needs) & spoken
        _mark(result[at].node, names)


def _needed(text: str, before: Iterable[str], functions: Iterable[str]) -> set[str]:
    """Return what a statement reads of the notebook's, without what it binds first itself."""
    (node,) = ast.parse(text).body
    live = read_first(node.body if isinstance(node, ast.For) else [node])
    return live & {*before, *functions}


def _like(statement: Statement, text: str, needs: set[str], changed: set[str]) -> Statement:
    new = Statement(statement.cell, ast.parse(text).body[0], text)
    new.random, new.comments = statement.random, statement.comments
    new.needs, new.changed = needs, changed
    return new


def _mark(node: ast.AST, names: Names) -> None:
    """Mark what is done to one picture at a time, which tells nothing of all."""
    for part in ast.walk(node):
        if isinstance(part, ast.For) and _is_name(part.iter, names.pictures):
            part.by_itself = True  # type: ignore[attr-defined]
        elif isinstance(part, COMPREHENSIONS) and _is_name(part.generators[0].iter, names.pictures):
            part.elt.by_itself = True  # type: ignore[attr-defined]
        elif isinstance(part, ast.FunctionDef) and any(
            argument.arg == names.content for argument in part.args.args
        ):
            part.by_itself = True  # type: ignore[attr-defined]


def _is_name(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _free_names(statements: Sequence[Statement]) -> Names:
    taken = {
        part.id if isinstance(part, ast.Name) else part.arg
        for statement in statements
        for part in ast.walk(statement.node)
        if isinstance(part, (ast.Name, ast.arg))
    }
    for statement in statements:
        taken |= statement.binds

    def free(*wanted: str) -> str:
        return next((n for n in wanted if n not in taken), wanted[-1] + "_")

    return Names(free("pictures", "picture_files"), free("content", "file_content"))
