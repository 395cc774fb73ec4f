"""One statement that reads pictures, written anew: for their contents in place of their paths."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .flow import COMPREHENSIONS, appends, is_repeated, line_to, loaded, made_of, read_first
from .log import Log
from .slices import bound
from .statements import Statement, names_of, written
from .texts import Span, dedented, spliced
from .writer import indented

PATHS = ("filename", "fp", "fname", "path", "uri")
"""What the first argument of a function that reads pictures is called."""
LEAVING = (ast.Break, ast.Continue)


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


class Rewriting:
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
            return Rewritten(spliced(text, node, edits), self.functions, {*made})
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
        return len(inside) == 1 and not is_repeated(node, inside[0])

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
            holder = spliced(text, call.func.value, {})
            flags = [*call.args[1:2], *(w.value for w in call.keywords if w.arg == "flags")]
            said = spliced(text, flags[0], {}) if flags else f"{holder}.IMREAD_COLOR"
            return call, f"{holder}.imdecode(np.frombuffer({content}, np.uint8), {said})"
        if module.startswith("matplotlib"):
            if len(call.args) + len(call.keywords) > 1:
                raise NotTaken("`imread` is told the format of its file")
            holder = spliced(text, call.func, {})
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
        self.functions[at] = spliced(statement.text, node, edits)

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
        if loaded(part.elt, [_path_of(call)]) & targets:
            raise NotTaken("what is made of a picture depends on its name")
        where, said = self._opening(call, text)
        generators = Span(part.generators[0].target, _end_of(part.generators[-1]))
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
        tainted = made_of(body, call)
        fills = [
            part
            for statement in body
            for part in ast.walk(statement)
            if isinstance(part, ast.Expr) and appends(part.value, call, tainted)
        ]
        if not fills:
            raise NotTaken("what is made of a picture is not appended to a list")
        line = line_to(body, [call, *fills])
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
                live = (live - bound(part)) | loaded(part, [path])
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
        lines = [dedented(text, part, {where: said}) for part in kept]
        head = f"for {self.names.content} in {self.names.pictures}:\n"
        return head + indented(lines), lists

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
            f"{name}={spliced(statement.text, given[name], {})}" for name in kept if name in given
        ]
        function = self.statements[at].node.name  # type: ignore[attr-defined]
        said = f"{function}({', '.join([self.names.pictures, *words])})"
        node: Any = statement.node
        if position is None:
            made = bound(node) if isinstance(node, ast.Assign) else statement.changed
            return Rewritten(spliced(statement.text, node, {call: said}), self.functions, {*made})
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
        tainted = made_of(node.body, self._openings(work)[0])
        parts = returned.value.elts if isinstance(returned.value, ast.Tuple) else [returned.value]
        fitting = [i for i, part in enumerate(parts) if loaded(part) & tainted]
        if len(fitting) != 1:
            raise NotTaken(f"`{node.name}` returns pictures in {len(fitting)} places")
        if isinstance(work, ast.For):
            loop, _ = self._loop([work], text)
        else:
            edits = self._in_expressions(work, text)
            if not edits:
                raise NotTaken(f"`{node.name}` opens pictures in a way that is not understood")
            loop = spliced(text, work, edits)
        (new,) = ast.parse(loop).body
        value = parts[fitting[0]]
        live = loaded(value)
        lines: list[str] = []
        for part in reversed(node.body[:-1]):
            binds, changes = written(part)
            if part is work:
                lines.insert(0, loop)
                live |= loaded(new)
                if isinstance(new, ast.For):
                    inner = set().union(*map(bound, new.body))
                    live -= {n for n in inner if n not in read_first(new.body)}
                    live -= {self.names.content}
            elif (binds | changes) & live:
                lines.insert(0, _of_several(text, part, live) or dedented(text, part, {}))
                live = (live - bound(part)) | loaded(part)
        names = [argument.arg for argument in node.args.args]
        kept = [name for name in names if name in live]
        defaults = dict(zip(reversed(names), reversed(node.args.defaults)))
        said = [
            f"{n}={spliced(text, defaults[n], {})}" if n in defaults else n
            for n in sorted(kept, key=lambda name: name in defaults)
        ]
        head = f"def {node.name}({', '.join([self.names.pictures, *said])}):\n"
        body = "\n".join([*lines, f"return {spliced(text, value, {})}"])
        self.functions[at] = head + indented([body])
        alone = not isinstance(returned.value, ast.Tuple)
        return None if alone else fitting[0], kept


def _end_of(generator: ast.comprehension) -> ast.expr:
    return generator.ifs[-1] if generator.ifs else generator.iter


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
    said = [(spliced(text, one, {}), spliced(text, other, {})) for one, other in kept]
    return "\n".join(f"{name} = {value}" for name, value in said)
