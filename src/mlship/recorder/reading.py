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
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from . import pictures
from .log import Log
from .pictures import MOST_READ
from .slices import bound
from .statements import Statement, names_of, written

LOOPS = (ast.For, ast.While)
LEAVING = (ast.Break, ast.Continue)
COMPREHENSIONS = (ast.ListComp, ast.GeneratorExp)
PATHS = ("filename", "fp", "fname", "path", "uri")
"""What the first argument of a function that reads pictures is called."""
REFUSED = "the files of pictures cannot be asked for"
"""What a reason begins with why the notebook's arrays are served in their place."""
BLOCKS = ("body", "orelse", "handlers", "finalbody")


class NotTaken(Exception):
    """The reading of pictures cannot be told from the rest; the message says why."""


class Names(NamedTuple):
    """Names that the notebook does not have."""

    pictures: str
    content: str


class Rewritten(NamedTuple):
    """A statement that reads contents, and what becomes of the functions that it calls."""

    text: str
    functions: dict[int, str]
    made: set[str]
    """The names that it makes of pictures."""


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
            new = _Rewriting(statements, index, log, names).rewritten()
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
    live: set[str] = set()
    for part in reversed(node.body if isinstance(node, ast.For) else [node]):
        live = (live - bound(part)) | _loads(part)
    return live & {*before} | live & {*functions}


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


def _loads(node: ast.AST, without: Iterable[ast.AST] = ()) -> set[str]:
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


class _Rewriting:
    """One statement that reads pictures."""

    def __init__(self, statements: Sequence[Statement], at: int, log: Log, names: Names) -> None:
        self.statements = statements
        self.at = at
        self.log = log
        self.names = names
        self.functions: dict[int, str] = {}
        self.defined: dict[str, int] = {}
        """The notebook's functions, by name."""
        for index, statement in enumerate(statements[:at]):
            if isinstance(statement.node, ast.FunctionDef) and statement.error is None:
                self.defined[statement.node.name] = index

    def rewritten(self) -> Rewritten:
        """Return the statement as it works on contents.

        Raises:
            NotTaken: it cannot be written.
        """
        statement = self.statements[self.at]
        node, text = statement.node, statement.text
        if isinstance(node, ast.For):
            loop, made = self._loop([node], text)
            return Rewritten(loop, self.functions, made & statement.changed)
        edits = self._in_expressions(node, text)
        if edits:
            made = bound(node) if isinstance(node, ast.Assign) else statement.changed
            return Rewritten(_said(text, node, edits), self.functions, {*made})
        return self._through_function(statement)

    # What opens a picture.

    def _openings(self, node: ast.AST) -> list[ast.Call]:
        """Return the calls in some code that open a picture by its path."""
        return [
            part
            for part in ast.walk(node)
            if isinstance(part, ast.Call) and (self._module(part) or self._opens(part))
        ]

    def _module(self, call: ast.Call) -> str | None:
        value: Any = None
        parts: list[str] = []
        function = call.func
        while isinstance(function, ast.Attribute):
            parts.insert(0, function.attr)
            function = function.value
        if not isinstance(function, ast.Name):
            return None
        value = self.log.pictures.namespace.get(function.id)
        for part in parts:
            value = getattr(value, part, None)
        return None if value is None else self.log.pictures.module_of(value)

    def _opens(self, call: ast.Call) -> bool:
        """Say whether a call is of a function of the notebook's that opens one picture."""
        at = self.defined.get(call.func.id) if isinstance(call.func, ast.Name) else None
        if at is None or at == self.at:
            return False
        node: Any = self.statements[at].node
        inside = self._openings(node)
        return len(inside) == 1 and not _looped(node, inside[0])

    def _opening(self, call: ast.Call, text: str) -> tuple[ast.AST, str]:
        """Return what of a call is replaced, and the text of it for a file's content."""
        module = self._module(call)
        place = _path_of(call)
        content = self.names.content
        if module is None:
            self._make_open_content(self.defined[call.func.id])  # type: ignore[attr-defined]
            return place, content
        if module == "cv2":
            if not isinstance(call.func, ast.Attribute):
                raise NotTaken("`imread` is used without the name of its module")
            holder = _said(text, call.func.value, {})
            flags = [*call.args[1:2], *(w.value for w in call.keywords if w.arg == "flags")]
            said = _said(text, flags[0], {}) if flags else f"{holder}.IMREAD_COLOR"
            return call, f"{holder}.imdecode(np.frombuffer({content}, np.uint8), {said})"
        if module.startswith("matplotlib"):
            if len(call.args) + len(call.keywords) > 1:
                raise NotTaken("`imread` is told the format of its file")
            holder = _said(text, call.func, {})
            png = all(p.lower().endswith(".png") for p in self.log.pictures.paths(self.at))
            kind = "png" if png else "jpg"
            return call, f'{holder}(BytesIO({content}), format="{kind}")'
        return place, f"BytesIO({content})"

    def _make_open_content(self, at: int) -> None:
        """Let a function of the notebook's take a picture's content in place of its path."""
        statement = self.statements[at]
        node: Any = statement.node
        if node.decorator_list or node.args.vararg or node.args.kwarg:
            raise NotTaken(f"`{node.name}` takes its arguments in an unusual way")
        (call,) = self._openings(node)
        place = _path_of(call)
        paths = [argument for argument in node.args.args if argument.arg in names_of(place)]
        if (
            len(paths) != 1
            or node.args.args[0] is not paths[0]
            or node.args.defaults[len(node.args.args) - 1 :]
        ):
            raise NotTaken(f"`{node.name}` does not take a picture's path first")
        others = [
            part for part in ast.walk(node) if isinstance(part, ast.Name)
            and part.id == paths[0].arg and id(part) not in {id(p) for p in ast.walk(place)}
        ]  # fmt: skip
        if others:
            raise NotTaken(f"`{node.name}` uses a picture's path for more than to open it")
        where, said = self._opening(call, statement.text)
        edits = {where: said, paths[0]: f"{self.names.content}: bytes"}
        self.functions[at] = _said(statement.text, node, edits)

    # Where pictures are opened.

    def _in_expressions(self, node: ast.AST, text: str) -> dict[Any, str]:
        """Return what to write in place of the parts of a comprehension that opens pictures."""
        calls = self._openings(node)
        around = [
            part
            for part in ast.walk(node)
            if isinstance(part, COMPREHENSIONS) and any(c in ast.walk(part.elt) for c in calls)
        ]
        if not around:
            return {}
        if len(around) > 1 or len(calls) > 1:
            raise NotTaken("it opens several pictures at once")
        (part,), (call,) = around, calls
        targets = {n for generator in part.generators for n in names_of(generator.target)}
        if _loads(part.elt, [_path_of(call)]) & targets:
            raise NotTaken("what is made of a picture depends on its name")
        where, said = self._opening(call, text)
        generators = _Span(part.generators[0].target, _end_of(part.generators[-1]))
        return {
            where: said,
            generators: f"{self.names.content} in {self.names.pictures}",
        }

    def _loop(self, body: Sequence[ast.stmt], text: str) -> tuple[str, set[str]]:
        """Return a loop over contents for one over files, and the lists that it fills."""
        calls = [call for part in body for call in self._openings(part)]
        if len(calls) != 1:
            raise NotTaken(f"it opens pictures in {len(calls)} places")
        (call,) = calls
        tainted = _tainted(body, call)
        fills = [
            part
            for statement in body
            for part in ast.walk(statement)
            if isinstance(part, ast.Expr) and _fills(part.value, call, tainted)
        ]
        if not fills:
            raise NotTaken("what is made of a picture is not appended to a list")
        line = _line(body, [call, *fills])
        path = _path_of(call)
        kept: list[ast.stmt] = []
        live: set[str] = set()
        for part in reversed(line):
            filling = any(fill in ast.walk(part) for fill in fills)
            binds, changes = written(part)
            if any(isinstance(inner, LEAVING) for inner in ast.walk(part)):
                if filling or binds & live:
                    raise NotTaken("pictures are left out by what is in them")
                continue
            if filling or (binds | changes) & live:
                kept.insert(0, part)
                live = (live - bound(part)) | _loads(part, [path])
        lists = {fill.value.func.value.id for fill in fills}  # type: ignore[attr-defined]
        targets = {
            name
            for statement in body
            for part in ast.walk(statement)
            if isinstance(part, ast.For)
            for name in names_of(part.target)
        }
        if live & targets:
            raise NotTaken("what is made of a picture depends on its name or its folder")
        where, said = self._opening(call, text)
        lines = [_dedented(text, part, {where: said}) for part in kept]
        head = f"for {self.names.content} in {self.names.pictures}:\n"
        return head + "\n".join(map(_indented, lines)), lists

    def _through_function(self, statement: Statement) -> Rewritten:
        """Rewrite a function that reads all pictures, and its call."""
        calls = [
            part
            for part in ast.walk(statement.node)
            if isinstance(part, ast.Call)
            and isinstance(part.func, ast.Name)
            and part.func.id in self.defined
            and self._openings(self.statements[self.defined[part.func.id]].node)
        ]
        if len(calls) != 1:
            raise NotTaken("it opens pictures in a way that is not understood")
        (call,) = calls
        at = self.defined[call.func.id]  # type: ignore[attr-defined]
        position, kept = self._whole_function(at)
        given = _given(call, self.statements[at].node)
        words = [
            f"{name}={_said(statement.text, given[name], {})}" for name in kept if name in given
        ]
        function = self.statements[at].node.name  # type: ignore[attr-defined]
        said = f"{function}({', '.join([self.names.pictures, *words])})"
        node: Any = statement.node
        if position is None:
            made = bound(node) if isinstance(node, ast.Assign) else statement.changed
            return Rewritten(_said(statement.text, node, {call: said}), self.functions, {*made})
        plain = isinstance(node, ast.Assign) and node.value is call and len(node.targets) == 1
        target = node.targets[0] if plain else None
        part = target.elts[position] if isinstance(target, ast.Tuple) else None
        if not isinstance(part, ast.Name):
            raise NotTaken("what a function makes of pictures has no name of its own")
        name = part.id
        return Rewritten(f"{name} = {said}", self.functions, {name})

    def _whole_function(self, at: int) -> tuple[int | None, list[str]]:
        """Let a function that reads pictures take their contents, and return those alone.

        Returns:
            Which of the values that it returned that is, and which arguments it still takes.
        """
        statement = self.statements[at]
        node: Any = statement.node
        text = statement.text
        if node.decorator_list or node.args.vararg or node.args.kwarg or node.args.posonlyargs:
            raise NotTaken(f"`{node.name}` takes its arguments in an unusual way")
        working = [part for part in node.body if self._openings(part)]
        if len(working) != 1:
            raise NotTaken(f"`{node.name}` opens pictures in several places")
        (work,) = working
        returned = node.body[-1]
        if not isinstance(returned, ast.Return) or returned.value is None:
            raise NotTaken(f"`{node.name}` does not end in what it returns")
        tainted = _tainted(node.body, self._openings(work)[0])
        parts = returned.value.elts if isinstance(returned.value, ast.Tuple) else [returned.value]
        fitting = [i for i, part in enumerate(parts) if _loads(part) & tainted]
        if len(fitting) != 1:
            raise NotTaken(f"`{node.name}` returns pictures in {len(fitting)} places")
        if isinstance(work, ast.For):
            loop, _ = self._loop([work], text)
        else:
            edits = self._in_expressions(work, text)
            if not edits:
                raise NotTaken(f"`{node.name}` opens pictures in a way that is not understood")
            loop = _said(text, work, edits)
        (new,) = ast.parse(loop).body
        value = parts[fitting[0]]
        live = _loads(value)
        lines: list[str] = []
        for part in reversed(node.body[:-1]):
            binds, changes = written(part)
            if part is work:
                lines.insert(0, loop)
                live |= _loads(new)
                if isinstance(new, ast.For):
                    inner = set().union(*map(bound, new.body))
                    live -= {n for n in inner if n not in _early(new.body)}
                    live -= {self.names.content}
            elif (binds | changes) & live:
                lines.insert(0, _of_several(text, part, live) or _dedented(text, part, {}))
                live = (live - bound(part)) | _loads(part)
        names = [argument.arg for argument in node.args.args]
        kept = [name for name in names if name in live]
        defaults = dict(zip(reversed(names), reversed(node.args.defaults)))
        said = [
            f"{n}={_said(text, defaults[n], {})}" if n in defaults else n
            for n in sorted(kept, key=lambda name: name in defaults)
        ]
        head = f"def {node.name}({', '.join([self.names.pictures, *said])}):\n"
        body = "\n".join([*lines, f"return {_said(text, value, {})}"])
        self.functions[at] = head + _indented(body)
        alone = not isinstance(returned.value, ast.Tuple)
        return None if alone else fitting[0], kept


class _Span:
    """A stretch of code from the start of one node to the end of another."""

    def __init__(self, first: Any, last: Any) -> None:
        self.lineno, self.col_offset = first.lineno, first.col_offset
        self.end_lineno, self.end_col_offset = last.end_lineno, last.end_col_offset


def _end_of(generator: ast.comprehension) -> ast.expr:
    return generator.ifs[-1] if generator.ifs else generator.iter


def _early(body: Sequence[ast.stmt]) -> set[str]:
    """Return the names that a block reads before it binds them."""
    live: set[str] = set()
    for part in reversed(body):
        live = (live - bound(part)) | _loads(part)
    return live


def _path_of(call: ast.Call) -> ast.expr:
    """Return the argument of a call that says where a picture is."""
    found = [*call.args[:1], *(word.value for word in call.keywords if word.arg in PATHS)]
    if not found or isinstance(found[0], ast.Starred):
        raise NotTaken("a picture is opened without saying where it is")
    return found[0]


def _given(call: ast.Call, function: Any) -> Mapping[str, ast.expr]:
    """Return the arguments of a call by the names that the function gives them."""
    if any(isinstance(part, ast.Starred) for part in call.args):
        raise NotTaken("a function is given its arguments in an unusual way")
    names = [argument.arg for argument in function.args.args]
    given = dict(zip(names, call.args))
    given.update({word.arg: word.value for word in call.keywords if word.arg})
    return given


def _looped(function: ast.AST, call: ast.Call) -> bool:
    """Say whether a call is made several times."""
    return any(
        isinstance(part, (*LOOPS, *COMPREHENSIONS)) and any(p is call for p in ast.walk(part))
        for part in ast.walk(function)
    )


def _tainted(body: Sequence[ast.stmt], call: ast.Call) -> set[str]:
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
                elif isinstance(part, ast.Expr) and _fills(value, call, found):
                    found.add(value.func.value.id)  # type: ignore[attr-defined]
    return found


def _comes(value: ast.AST, call: ast.Call, tainted: set[str]) -> bool:
    return any(part is call for part in ast.walk(value)) or bool(_loads(value) & tainted)


def _fills(value: ast.AST, call: ast.Call, tainted: set[str]) -> bool:
    """Say whether an expression appends what comes of a picture to a list."""
    return (
        isinstance(value, ast.Call)
        and isinstance(value.func, ast.Attribute)
        and value.func.attr == "append"
        and isinstance(value.func.value, ast.Name)
        and any(_comes(part, call, tainted) for part in value.args)
    )


def _line(body: Sequence[ast.stmt], wanted: Sequence[ast.AST]) -> list[ast.stmt]:
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
            found += _line(leading[0], wanted)
        else:
            found.append(part)
    return found


def _offset(text: str, line: int, column: int) -> int:
    lines = text.encode().splitlines(keepends=True)
    return sum(map(len, lines[: line - 1])) + column


def _said(text: str, node: Any, edits: Mapping[Any, str]) -> str:
    """Return the text of a node, with other texts for some parts of it."""
    data = text.encode()
    at = _offset(text, node.lineno, node.col_offset)
    end = _offset(text, node.end_lineno, node.end_col_offset)
    pieces: list[bytes] = []
    for part, said in sorted(edits.items(), key=lambda e: (e[0].lineno, e[0].col_offset)):
        start = _offset(text, part.lineno, part.col_offset)
        if not at <= start < end:
            continue
        pieces += [data[at:start], said.encode()]
        at = _offset(text, part.end_lineno, part.end_col_offset)
    return b"".join([*pieces, data[at:end]]).decode()


def _dedented(text: str, node: Any, edits: Mapping[Any, str]) -> str:
    """Return the text of a statement in a block, with its comments, as at the start of a line."""
    lines = text.splitlines()
    above = node.lineno - 1
    while above > 0 and lines[above - 1].strip().startswith("#"):
        above -= 1
    comments = [line.strip() for line in lines[above : node.lineno - 1]]
    first, *rest = _said(text, node, edits).splitlines()
    rest = [
        line[node.col_offset :] if not line[: node.col_offset].strip() else line for line in rest
    ]
    return "\n".join([*comments, first, *rest])


def _of_several(text: str, node: ast.stmt, live: set[str]) -> str:
    """Return what is needed of ``a, b = [], []``, or nothing where it is no such statement."""
    target = node.targets[0] if isinstance(node, ast.Assign) else None
    value = getattr(node, "value", None)
    if not isinstance(target, ast.Tuple) or not isinstance(value, ast.Tuple):
        return ""
    pairs = list(zip(target.elts, value.elts))
    if len(target.elts) != len(value.elts) or names_of(value):
        return ""
    kept = [(one, other) for one, other in pairs if names_of(one) & live]
    return "\n".join(f"{_said(text, one, {})} = {_said(text, other, {})}" for one, other in kept)


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" if line.strip() else "" for line in text.splitlines())
