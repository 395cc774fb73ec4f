"""Write a statement of the notebook as the project has it: with what it learns by name.

The notebook's own text is kept, comments and all; only the places change where training learns
something, or where it leaves rows out.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from typing import Any

from .statements import Statement, names_of
from .tape import Found

LIBRARY_NAMES = {"pd", "np", "df", "self", "sklearn", "preprocessing", "pandas", "numpy"}


class NotWritable(Exception):
    """The code cannot be written so that one row can be prepared; the message says where."""


class Writer:
    """Turns nodes into text, place by place."""

    def __init__(self, found: Mapping[int, Found], loops: Mapping[int, Mapping[str, str]]) -> None:
        self.found = found
        self.loops = loops
        self.loaders: dict[int, str] = {}
        """The functions that load other tables, by their places."""
        self.learning: set[str] = set()
        """The notebook's functions that are given what is learned."""
        self.replaced: dict[int, str] = {}
        """Texts for some nodes, by their ids."""
        self.stems: dict[str, int] = {}
        self.climb = True
        self._training = False
        self._statement: Statement
        self._parents: dict[ast.AST, ast.AST] = {}

    def statement(self, statement: Statement, training: bool = False) -> str:
        """Return a statement's text; ``training`` is that of one which no request runs."""
        self._open(statement)
        self._training = training
        return self.text(statement.node)

    def expression(self, statement: Statement, node: ast.AST, training: bool = False) -> str:
        """Return the text of a part of a statement."""
        self._open(statement)
        self._training = training
        return self.text(node)

    def _open(self, statement: Statement) -> None:
        self._statement = statement
        self._parents = {
            child: parent
            for parent in ast.walk(statement.node)
            for child in ast.iter_child_nodes(parent)
        }

    def text(self, node: ast.AST) -> str:
        """Return the text of ``node``, changed where something is found."""
        return self._edited(node) or self._spliced(node)

    def serving(self, node: ast.AST) -> str:
        """Return the text of ``node`` for a request's rows, none of which are left out."""
        found = self._found(node)
        if found and found.kind in ("rows", "stack"):
            return self._all_rows(node, found)
        return self.text(node)

    def _spliced(self, node: ast.AST, plain: bool = False) -> str:
        start, end = self._span(node)
        parts: list[str] = []
        data = self._statement.text.encode()
        for child in self._outermost(node, plain):
            first, last = self._span(child)
            parts += [data[start:first].decode(), self._edited(child) or ""]
            start = last
        return "".join([*parts, data[start:end].decode()])

    def _outermost(self, node: ast.AST, plain: bool) -> list[ast.AST]:
        found: list[ast.AST] = []
        waiting = list(ast.iter_child_nodes(node))
        while waiting:
            child = waiting.pop()
            own_call = self._calls_learning(child)
            if hasattr(child, "lineno") and (own_call or (not plain and self._edits(child))):
                found.append(child)
            else:
                waiting.extend(ast.iter_child_nodes(child))
        return sorted(found, key=self._span)

    def _span(self, node: Any) -> tuple[int, int]:
        lines = self._statement.text.encode().splitlines(keepends=True)
        decorators = getattr(node, "decorator_list", [])
        first = min([node.lineno, *(part.lineno for part in decorators)])
        column = node.col_offset if not decorators else 0
        start = sum(map(len, lines[: first - 1])) + column
        return start, sum(map(len, lines[: node.end_lineno - 1])) + node.end_col_offset

    def _found(self, node: ast.AST) -> Found | None:
        return self.found.get(getattr(node, "place", -1))

    def _calls_learning(self, node: ast.AST) -> bool:
        named = isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        return named and node.func.id in self.learning  # type: ignore[attr-defined]

    def _edits(self, node: ast.AST) -> bool:
        if id(node) in self.replaced:
            return True
        if getattr(node, "place", None) in self.loaders:
            return True
        if self._top_value(node) is not None:
            return not self._training
        found = self._found(node)
        return found is not None and found.kind not in ("value", "source") and not self._training

    def _top_value(self, node: ast.AST) -> Found | None:
        """Return the value that ``node`` is all of, as far as it can be said at one place."""
        inner: Any = node
        while True:
            found = self._found(inner)
            if found and found.kind == "value":
                break
            step = self._inside(inner)
            if step is None or not self.climb:
                return None
            inner = step
        parent = self._parents.get(node)
        if self.climb and parent is not None and self._inside(parent) is node:
            return None
        return found

    def _inside(self, node: ast.AST) -> ast.AST | None:
        """Return the one part of an expression that is not the same for every table."""
        if isinstance(node, ast.Attribute):
            return node.value
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            key = node.slice
            key = getattr(key, "value", key) if type(key).__name__ == "Index" else key
            return node.value if isinstance(key, ast.Constant) else None
        if isinstance(node, ast.Call):
            plain = all(isinstance(part, ast.Constant) for part in node.args)
            plain = plain and all(isinstance(word.value, ast.Constant) for word in node.keywords)
            if isinstance(node.func, ast.Attribute) and plain:
                return node.func.value
            casts = ("int", "float", "round", "list", "sorted", "str", "len", "set", "dict")
            if isinstance(node.func, ast.Name) and node.func.id in casts and len(node.args) == 1:
                return node.args[0]
        return None

    def _edited(self, node: ast.AST) -> str:
        if id(node) in self.replaced:
            return self.replaced[id(node)]
        if getattr(node, "place", None) in self.loaders:
            loader = self.loaders[node.place]  # type: ignore[attr-defined]
            key = self._key(node, loader.replace("load_", ""))
            return f"{loader}()" if self._training else f"learned.value({key}, {loader})"
        if not self._training:
            if self._top_value(node) is not None:
                return self._value(node)
            found = self._found(node)
            if found:
                return self._changed(node, found)
        if self._calls_learning(node):
            body = self._spliced(node)
            comma = ", " if node.args or node.keywords else ""  # type: ignore[attr-defined]
            return f"{body[:-1].rstrip().rstrip(',')}{comma}learned=learned)"
        return ""

    def _changed(self, node: Any, found: Found) -> str:
        if found.kind == "unknown":
            raise NotWritable(
                f"cell {self._statement.cell} uses rows in a way that is not understood: "
                f"{ast.unparse(node)[:80]}"
            )
        if found.kind in ("rows", "stack"):
            if found.facts.get("inplace"):
                raise NotWritable(f"cell {self._statement.cell} drops rows inside an expression")
            self._training = True
            chosen = self._spliced(node)
            self._training = False
            return f"({chosen} if learned.training else {self._all_rows(node, found)})"
        if found.kind in ("split", "resample"):
            raise NotWritable(f"cell {self._statement.cell} splits rows inside an expression")
        if found.kind == "value":
            return ""
        return str(getattr(self, f"_write_{found.kind}")(node, found))

    def _all_rows(self, node: Any, found: Found) -> str:
        """Return what a selection of rows is of: all the rows."""
        if found.kind == "stack":
            parts = node.args[0]
            if not isinstance(parts, (ast.List, ast.Tuple)):
                raise NotWritable(f"cell {self._statement.cell} stacks tables that have no names")
            return self.serving(parts.elts[found.facts["part"]])
        if isinstance(node, ast.Call):
            argument = found.facts.get("argument")
            if argument is not None:
                return self.serving(node.args[argument])
            if isinstance(node.func, ast.Attribute) and found.statement is not None:
                owner = node.func.value
                if found.facts.get("grouped"):
                    owner = self._grouped(owner)
                library = isinstance(owner, ast.Name) and owner.id in LIBRARY_NAMES - {"df"}
                return self.serving(node.args[0] if library else owner)
            return self.serving(node.args[0])
        if found.facts.get("indexer"):
            base = self.serving(node.value.value)
            key = node.slice
            if found.facts.get("pair") and isinstance(key, ast.Tuple):
                return f"{base}.{node.value.attr}[:, {self._spliced(key.elts[1])}]"
            return base
        return self.serving(node.value)

    def _grouped(self, node: ast.AST) -> ast.expr:
        """Return the table that ``table.groupby(...)`` is of."""
        named = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        if named and node.func.attr == "groupby":  # type: ignore[attr-defined]
            return node.func.value  # type: ignore[attr-defined,no-any-return]
        raise NotWritable(f"cell {self._statement.cell} leaves out groups that have a name")

    def _value(self, node: ast.AST) -> str:
        key = self._key(node, self._stem(node))
        code = self._spliced(node, plain=True)
        bare = isinstance(node, ast.Call) and not node.args and not node.keywords
        if bare and isinstance(node.func, ast.Attribute):  # type: ignore[attr-defined]
            return f"learned.value({key}, {self._spliced(node.func, plain=True)})"  # type: ignore[attr-defined]
        bound = ", ".join(f"{name}={name}" for name in self._loop_names(node))
        return f"learned.value({key}, lambda{' ' + bound if bound else ''}: {code})"

    def _write_reshape(self, node: Any, found: Found) -> str:
        """Leave to numpy how many rows there are, where the notebook says it as a number."""
        sizes = node.args if found.facts["method"] else node.args[1:]
        if sizes and isinstance(sizes[0], (ast.Tuple, ast.List)):
            sizes = sizes[0].elts
        if sizes and isinstance(sizes[0], ast.Constant):
            rest = {ast.unparse(size) for size in sizes[1:]}
            table = node.func.value if found.facts["method"] else node.args[0]
            count = f"len({self._spliced(table)})" if "-1" in rest else "-1"
            self.replaced[id(sizes[0])] = count
        return self._spliced(node)

    def _write_fit(self, node: Any, found: Found) -> str:
        owner = node.func.value
        key = self._key(node, self._stem_of_estimator(owner, found))
        return f"learned.fit({key}, {self._spliced(owner)}{self._arguments(node)})"

    def _write_fit_transform(self, node: Any, found: Found) -> str:
        owner = node.func.value
        key = self._key(node, self._stem_of_estimator(owner, found))
        return f"learned.fit_transform({key}, {self._spliced(owner)}{self._arguments(node)})"

    def _write_fit_predict(self, node: Any, found: Found) -> str:
        return f"{self._write_fit(node, found)}.predict({self.text(node.args[0])})"

    def _write_dummies(self, node: Any, found: Found) -> str:
        key = self._key(node, self._stem(node))
        return f"learned.get_dummies({key}{self._arguments(node, 'data')})"

    def _write_factorize(self, node: Any, found: Found) -> str:
        key = self._key(node, self._stem(node))
        words = "".join(f", {word.arg}={self.text(word.value)}" for word in node.keywords)
        given = node.func.value
        if node.args and isinstance(given, ast.Name) and given.id in LIBRARY_NAMES - {"df"}:
            given = node.args[0]
        return f"learned.factorize({key}, {self.text(given)}{words})"

    def _write_bins(self, node: Any, found: Found) -> str:
        key = self._key(node, self._stem(node))
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        return f"learned.{name}({key}{self._arguments(node, 'x')})"

    def _write_intercept(self, node: Any, found: Found) -> str:
        """Add the column to a row alone too, whose values do not vary."""
        return f'{self._spliced(node.func)}({self.text(node.args[0])}, has_constant="add")'

    def _write_group(self, node: Any, found: Found) -> str:
        key = self._key(node, self._stem(node))
        return f"learned.group({key}, {self.text(node.func.value)}{self._arguments(node)})"

    def _write_categories(self, node: Any, found: Found) -> str:
        key = self._key(node, self._stem(node))
        if getattr(node.func, "attr", "") == "astype":
            owner = self.text(node.func.value)
            return f"{owner}.astype(learned.categories({key}, {owner}))"
        column = self.text(node.args[0])
        return f"{self._spliced(node.func)}({column}, dtype=learned.categories({key}, {column}))"

    def _write_columns(self, node: Any, found: Found) -> str:
        if found.facts.get("inplace"):
            raise NotWritable(f"cell {self._statement.cell} drops columns inside an expression")
        key = self._key(node, f"{self._stem(node)}_columns")
        owner, code = self.text(node.func.value), self._spliced(node, plain=True)
        return f"{owner}[learned.value({key}, lambda: list({code}.columns))]"

    def _arguments(self, node: Any, first: str = "") -> str:
        """Return a call's arguments with a comma before each; ``first`` loses its name."""
        words = sorted(node.keywords, key=lambda word: word.arg != first)
        parts = [self.text(part) for part in node.args]
        parts += [
            self.text(word.value) if word.arg == first else f"{word.arg}={self.text(word.value)}"
            for word in words
            if word.arg
        ]
        return "".join(f", {part}" for part in parts)

    def _key(self, node: ast.AST, stem: str) -> str:
        """Return a name for what is learned, as Python writes it: one of its own for each pass."""
        place = min(
            int(part.place)  # type: ignore[attr-defined]
            for part in ast.walk(node)
            if getattr(part, "place", None) in self.found
        )
        stem = _slug(stem)
        names = self._loop_names(node, place)
        free = stem
        number = 1
        while self.stems.setdefault(free, place) != place:
            number += 1
            free = f"{stem}_{number}"
        if names:
            return 'f"' + free + "".join(f"_{{{name}}}" for name in names) + '"'
        return f'"{free}"'

    def _loop_names(self, node: ast.AST, place: int | None = None) -> list[str]:
        """Return the loop variables and parameters, texts or numbers, that ``node`` speaks of."""
        places = (
            [place]
            if place is not None
            else [getattr(part, "place", None) for part in ast.walk(node)]
        )
        around: dict[str, str] = {}
        for number in places:
            around.update(self.loops.get(number, {}) if number is not None else {})
        used = names_of(node)
        return [name for name, kind in around.items() if kind in ("str", "int") and name in used]

    def _stem(self, node: ast.AST) -> str:
        """Name what is learned: the column and what is taken of it, or the variable it becomes."""
        parent = self._parents.get(node)
        if isinstance(parent, ast.Assign) and isinstance(parent.targets[0], ast.Name):
            return parent.targets[0].id
        columns: list[str] = []
        methods: list[str] = []
        for part in ast.walk(node):
            if isinstance(part, ast.Subscript):
                key = part.slice
                key = getattr(key, "value", key) if type(key).__name__ == "Index" else key
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    columns.append(key.value)
            elif isinstance(part, ast.Call):
                methods.append(getattr(part.func, "attr", getattr(part.func, "id", "")))
            elif isinstance(part, ast.Attribute) and not isinstance(
                self._parents.get(part), ast.Call
            ):
                owner = part.value
                if isinstance(owner, ast.Name) and owner.id not in LIBRARY_NAMES - {"df"}:
                    columns.append(part.attr)
        names = [part.id for part in ast.walk(node) if isinstance(part, ast.Name)]
        names = [name for name in names if name not in LIBRARY_NAMES]
        method = (methods[:1] or ["value"])[0]
        if method == "get_dummies":
            method = "dummies"
        return "_".join([(columns[:1] or names[:1] or ["rows"])[0], method])

    def _stem_of_estimator(self, owner: ast.AST, found: Found) -> str:
        """Name an estimator: by the column that it makes, if it makes one."""
        name = str(found.facts.get("estimator", "estimator"))
        name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
        name = owner.id if isinstance(owner, ast.Name) else name
        node: ast.AST | None = owner
        while node is not None and not isinstance(node, ast.Assign):
            node = self._parents.get(node)
        target = node.targets[0] if isinstance(node, ast.Assign) else None
        key = getattr(target, "slice", None)
        key = getattr(key, "value", key) if type(key).__name__ == "Index" else key
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            return f"{key.value}_{name}"
        return f"{target.attr}_{name}" if isinstance(target, ast.Attribute) else name


def _slug(text: str) -> str:
    return re.sub(r"\W+", "_", text).strip("_").lower() or "value"


def names_in(text: str) -> set[str]:
    """Return the names that a piece of code reads."""
    return names_of(ast.parse(text))


def indented(lines: Iterable[str], by: int = 4) -> str:
    """Return lines of code, each indented."""
    text = "\n".join(lines)
    return "\n".join(" " * by + line if line.strip() else "" for line in text.split("\n"))
