"""The model's code: the slice as typed functions for loading, features and training."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from . import arrays
from .slices import backward, bound
from .statements import Statement, names_of
from .tape import Tape
from .writer import NotWritable, Writer, indented, names_in

SAMPLING = ("split", "resample")
TAKEN = {"features", "learned", "Learned"}
"""Names that the module has of its own; the notebook's stay inside its functions."""


class Fit(NamedTuple):
    """What a model was fitted with, where."""

    at: int
    samples: ast.expr
    target: ast.expr | None
    whole: bool = False
    """Whether ``samples`` is a table of which the model was fitted on some rows."""


class Stage(NamedTuple):
    """A function that prepares rows."""

    name: str
    given: str
    """The name of the table that it takes."""
    returned: str
    """What it returns, as code."""
    source: str
    """The whole function."""
    learns: bool
    number: int
    """The draws that come before it."""
    inner: list[int]
    """Its statements."""
    wanted: ast.expr


class Border(NamedTuple):
    """A statement that draws the rows to learn from: a split, or a resampling."""

    at: int
    source: ast.expr
    """What the samples are drawn from."""
    others: list[ast.expr]
    """What else is drawn along with them, the target for one."""
    becomes: str
    """The samples' name afterwards."""


class Script:
    """Everything that is written from one slice, for one cut."""

    def __init__(
        self,
        statements: Sequence[Statement],
        tape: Tape,
        fit: Fit,
        cut: int,
        climb: bool = True,
        spared: frozenset[int] = frozenset(),
        table: bool = True,
    ) -> None:
        """Write the code.

        Args:
            statements: the notebook's.
            tape: what running the slice again found.
            fit: the fit that the code leads to.
            cut: the statement that the served rows are taken after; what comes before it is
                loading.
            climb: whether a learned value may be said at a larger place than where it is found.
            spared: statements that prepare nothing the model takes.
            table: whether rows that are an array at the cut are served as a table.

        Raises:
            NotWritable: no code that prepares a single row can be written.
        """
        self.statements = statements
        self.tape = tape
        self.fit = fit
        self.cut = cut
        self.spared = spared
        self.writer = Writer(tape.found, tape.loops)
        self.writer.climb = climb
        self.samples = sorted(self._needed(fit.samples))
        self.target = sorted(self._needed(fit.target)) if fit.target is not None else []
        self.whole = sorted({*self.samples, *self.target})
        self.of_rows = self._of_rows()
        self.source_name, self.main = self._source()
        self.first = tape.found[self.main].statement
        """The statement that loads the rows."""
        self.loaders = self._loaders()
        self.borders = self._borders()
        self.rows_name = self._name_after(cut)
        self.columns = self._columns() if table else None
        """Where the rows at the cut are an array, its columns in a table of them."""
        self.module_level = self._module_level()
        self._learn_through_functions()
        self.stages = self._stages()

    # What belongs where.

    def _needed(self, expression: ast.expr) -> list[int]:
        return backward(self.statements, self.fit.at, names_of(expression))

    def _of_rows(self) -> set[int]:
        """Return the statements whose work depends on the rows."""
        names: set[str] = set()
        found: set[int] = set()
        for index in self.whole:
            statement = self.statements[index]
            if _defines(statement.node):
                if statement.needs & names and isinstance(statement.node, ast.ClassDef):
                    raise NotWritable(f"cell {statement.cell} defines a class that reads a table")
                continue
            loads = any(
                found_.kind == "source" and found_.statement == index
                for found_ in self.tape.found.values()
            )
            if loads or statement.needs & names:
                found.add(index)
                names |= statement.changed
            else:
                names -= bound(statement.node)
        return found

    def _source(self) -> tuple[str, int]:
        for place, found in self.tape.found.items():
            if found.kind == "source" and found.facts["main"]:
                return str(found.facts["name"]), place
        raise NotWritable("the rows come from no file or data set")

    def _loaders(self) -> dict[str, tuple[str, int]]:
        """Name a function for each other table that is loaded after the cut, with its place."""
        functions: dict[str, tuple[str, int]] = {}
        for place, found in self.tape.found.items():
            if found.kind == "source" and not found.facts["main"] and found.statement > self.cut:
                file = str(found.facts["name"])
                stem = re.sub(r"\W+", "_", file.rpartition(".")[0] or file).strip("_").lower()
                name = f"load_{stem}"
                while name in functions:
                    name += "_"
                functions[name] = (file, place)
                self.writer.loaders[place] = name
        return functions

    def _name_after(self, cut: int) -> str:
        """Return the one table that everything after the cut is made from."""
        end, wanted = self.fit.at, self.fit.samples
        if self.borders:
            end, wanted = self.borders[0].at, self.borders[0].source
        live = self._live_after(wanted, [i for i in self.whole if cut < i < end])
        made = self._made_by(i for i in self.whole if i <= cut)
        names = sorted(live & made)
        if len(names) != 1:
            raise NotWritable(
                f"after cell {self.statements[cut].cell} the rows are in several tables "
                f"({', '.join(names) or 'none'})"
            )
        return names[0]

    def _columns(self) -> arrays.Columns | None:
        array = self.tape.held(self.rows_name, self.cut)
        return arrays.columns_of(array, self.tape.log) if arrays.is_array(array) else None

    def rows(self) -> Any:
        """Return all rows at the cut (n) as they are served, which nobody may change."""
        held = self.tape.seen(self.rows_name, self.cut)
        return held if self.columns is None else arrays.as_table(held, self.columns.names)

    def _made_by(self, indices: Iterable[int]) -> set[str]:
        """Return the names of the tables that some statements made of the rows."""
        names: set[str] = set()
        for index in indices:
            if index in self.of_rows:
                names |= set(self.tape.values.get(index, ()))
        return names

    def _module_level(self) -> list[int]:
        """Return imports, functions, plain constants, and what the functions read."""
        setup = [i for i in self.whole if i not in self.of_rows]
        chosen: set[int] = set()
        for index in setup:
            node = self.statements[index].node
            if _defines(node) or isinstance(node, (ast.Import, ast.ImportFrom)):
                chosen.add(index)
                names = self._globals_of(index) | self.statements[index].needs
                chosen.update(self._setup_of(names, setup))
            elif (
                _is_constant(node)
                and self._bound_once(index)
                and not self.statements[index].changed & TAKEN
            ):
                chosen.add(index)
        for index in chosen:
            taken = self.statements[index].changed & TAKEN
            if taken:
                raise NotWritable(f"the notebook calls something {', '.join(taken)}")
        return sorted(chosen)

    def _globals_of(self, index: int) -> set[str]:
        """Return the globals that the functions of a statement read when they are called."""
        names = {
            part.id
            for part in ast.walk(self.statements[index].node)
            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load)
        }
        node = self.statements[index].node
        if isinstance(node, ast.FunctionDef):
            inner = {
                part.id
                for part in ast.walk(node)
                if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)
            }
            names -= inner | {argument.arg for argument in node.args.args}
            tables_read = names & self._made_by(self.whole)
            if tables_read:
                raise NotWritable(
                    f"the function `{node.name}` (cell {self.statements[index].cell}) reads "
                    f"{', '.join(sorted(tables_read))} from outside"
                )
        return names

    def _setup_of(self, names: set[str], setup: Sequence[int]) -> set[int]:
        found: set[int] = set()
        needed = set(names)
        for index in reversed(setup):
            statement = self.statements[index]
            if statement.changed & needed and index not in self.of_rows:
                found.add(index)
                needed |= statement.needs
        return found

    def _bound_once(self, index: int) -> bool:
        names = self.statements[index].changed
        return not any(
            self.statements[other].changed & names for other in self.whole if other != index
        )

    def _learn_through_functions(self) -> None:
        """Find the notebook's functions inside which something is learned or left out."""
        functions = {
            self.statements[i].node.name: self.statements[i].node  # type: ignore[attr-defined]
            for i in self.module_level
            if isinstance(self.statements[i].node, ast.FunctionDef)
        }
        before = -1
        while before != len(self.writer.learning):
            before = len(self.writer.learning)
            for name, node in functions.items():
                for part in ast.walk(node):
                    found = self.tape.found.get(getattr(part, "place", -1))
                    if (found and found.kind != "source") or self.writer._calls_learning(part):
                        self.writer.learning.add(name)

    def _borders(self) -> list[Border]:
        """Find the statements after the cut that draw the rows to learn from."""
        borders: list[Border] = []
        wanted = names_of(self.fit.samples)
        for index in reversed([i for i in self.samples if i > self.cut]):
            statement = self.statements[index]
            node = statement.node
            found = self.tape.found.get(getattr(getattr(node, "value", None), "place", -1))
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
                call, target = node.value, node.targets[0]
                kind = found.kind if found else ""
                several = isinstance(target, ast.Tuple)
                if kind in SAMPLING or (kind == "rows" and several):
                    if not isinstance(target, ast.Tuple):
                        raise NotWritable(f"cell {statement.cell} keeps a split in one name")
                    position = [
                        i for i, part in enumerate(target.elts)
                        if isinstance(part, ast.Name) and part.id in wanted
                    ]  # fmt: skip
                    if len(position) != 1 or not call.args:
                        raise NotWritable(f"cell {statement.cell} splits in an unknown way")
                    at = position[0] // 2 if kind == "split" else position[0]
                    source = call.args[at]
                    others = [part for part in call.args if part is not source]
                    becomes = target.elts[position[0]].id  # type: ignore[attr-defined]
                    borders.insert(0, Border(index, source, others, becomes))
                    wanted = names_of(source)
                    continue
            if statement.changed & wanted:
                wanted = (wanted - bound(node)) | statement.needs
        return borders

    # The functions.

    def _stages(self) -> list[Stage]:
        stages: list[Stage] = [] if self.columns is None else [self._as_array()]
        self.target_path: set[int] = set()
        start, given = self.cut, self.rows_name
        ends = [(border.at, border.source, border.others) for border in self.borders]
        target = [] if self.fit.target is None else [self.fit.target]
        ends.append((self.fit.at, self.fit.samples, target))
        for number, (end, wanted, others) in enumerate(ends):
            inner = self._path([wanted], start, end, self.spared)
            theirs = set(self._path(others, start, end))
            common = set(inner) & theirs
            self.target_path |= theirs
            last = max(common, default=start)
            if common and last < max(inner):
                live = self._live_after(wanted, [i for i in inner if i > last])
                tables = sorted(live & (self._made_by(inner) | {given}))
                first = [i for i in inner if i <= last]
                made = set().union(*(self.statements[i].changed for i in first))
                if len(tables) == 1 and live & made <= set(tables):
                    middle = ast.Name(tables[0], ast.Load())
                    called = self._free("prepare", stages)
                    stages.append(self._stage(called, given, middle, first, start, number))
                    inner, given = [i for i in inner if i > last], tables[0]
            if inner and self.chooses_columns(wanted):
                table = wanted.value  # type: ignore[attr-defined]
                called = self._free("prepare", stages)
                stages.append(self._stage(called, given, table, inner, start, number))
                inner, given = [], table.id
            name = self._free(self._call_it(inner, number), stages)
            if inner or not isinstance(wanted, ast.Name) or wanted.id != given:
                stages.append(self._stage(name, given, wanted, inner, start, number))
            if number < len(self.borders):
                start, given = self.borders[number].at, self.borders[number].becomes
        return stages

    def chooses_columns(self, wanted: ast.expr) -> bool:
        """Say whether a fit takes a whole table, of which a formula in it names some columns."""
        return (
            self.fit.whole
            and wanted is self.fit.samples
            and isinstance(wanted, ast.Subscript)
            and isinstance(wanted.value, ast.Name)
        )

    def _as_array(self) -> Stage:
        name, rows = self._free("as_array", []), self.rows_name
        source = [
            f"def {name}({rows}: pd.DataFrame) -> np.ndarray:",
            '    """Return the rows as the array that the notebook works on."""',
            f"    return {rows}.to_numpy(copy=True)",
        ]
        return Stage(name, rows, rows, "\n".join(source), False, 0, [], ast.Name(rows, ast.Load()))

    def _free(self, name: str, stages: Sequence[Stage]) -> str:
        """Return a name for a stage that nothing else in its module has."""
        taken = {stage.name for stage in stages}
        for index in self.module_level:
            taken |= self.statements[index].changed
        for free in (name, f"{name}_rows", *(f"{name}_rows_{i}" for i in range(2, 99))):
            if free not in taken:
                return free
        raise NotWritable(f"the notebook calls too many things {name}")

    def _path(
        self,
        wanted: Sequence[ast.expr],
        start: int,
        end: int,
        spared: frozenset[int] = frozenset(),
    ) -> list[int]:
        """Return the statements between two others that make ``wanted`` of the rows."""
        live = names_of(*wanted)
        found: list[int] = []
        for index in reversed([i for i in self.whole if start < i < end]):
            statement = self.statements[index]
            if statement.changed & live and index not in spared:
                live = (live - bound(statement.node)) | statement.needs
                if index in self.of_rows:
                    found.insert(0, index)
        return found

    def _live_after(self, wanted: ast.expr, later: Sequence[int]) -> set[str]:
        live = names_of(wanted)
        for other in reversed(later):
            if self.statements[other].changed & live:
                live = (live - bound(self.statements[other].node)) | self.statements[other].needs
        return live

    def _call_it(self, inner: Sequence[int], number: int) -> str:
        """Name a stage by what it is for."""
        if number == 0:
            return "inputs"
        fitted = {
            str(found.facts.get("estimator", ""))
            for found in self.tape.found.values()
            if found.statement in inner
        }
        for ending, name in (
            ("Scaler", "scale"),
            ("Encoder", "encode"),
            ("Vectorizer", "vectorize"),
        ):
            if any(ending in estimator for estimator in fitted):
                return name
        return "reduce" if fitted & {"PCA", "TruncatedSVD", "SelectKBest"} else "transform"

    def _stage(
        self,
        name: str,
        given: str,
        wanted: ast.expr,
        inner: Sequence[int],
        start: int,
        number: int,
    ) -> Stage:
        returned = ast.unparse(wanted)
        live = names_of(wanted)
        served: set[int] = set()
        for index in reversed(inner):
            statement = self.statements[index]
            if statement.changed & live and not self._spares_requests(statement):
                served.add(index)
                live = (live - bound(statement.node)) | self._names_served(statement)
        kind = self._kind(returned, max(inner, default=start))
        body: list[str] = []
        training: list[str] = []
        locals_ = self._local_setup(inner, wanted)
        for index in sorted([*locals_, *inner]):
            statement = self.statements[index]
            only = index in inner and index not in served
            lines = [*statement.comments, self._statement_text(statement, training=only)]
            if only:
                training += lines
                continue
            body += _conditional(training)
            training = []
            body += lines
        body += _conditional(training)
        if body and body[-1] == f"{returned}":
            body.pop()
        returning = self.writer_text(wanted)
        learns = "learned" in names_in("\n".join([*body, returning]))
        before = min(inner) - 1 if inner else self.fit.at - 1
        parameters = f"{given}: {self._kind(given, before)}"
        parameters += ", learned: Learned" if learns else ""
        whole = [
            f"def {name}({parameters}) -> {kind}:",
            indented([f'"""{self._summary(name)}{self.cells(inner)}."""', *body]),
            f"    return {returning}",
        ]
        return Stage(name, given, returned, "\n".join(whole), learns, number, list(inner), wanted)

    def writer_text(self, wanted: ast.expr) -> str:
        """Return the code of what a fit or a split was given."""
        if not hasattr(wanted, "lineno"):
            return ast.unparse(wanted)
        at = self.fit.at
        for border in self.borders:
            if wanted is border.source:
                at = border.at
        return self.writer.expression(self.statements[at], wanted)

    def _summary(self, name: str) -> str:
        return {
            "prepare": "Prepare the rows",
            "inputs": "Make the model's inputs",
            "scale": "Scale the inputs",
            "encode": "Encode the inputs",
            "vectorize": "Turn texts into numbers",
            "reduce": "Reduce the inputs",
        }.get(name, "Transform the inputs")

    @property
    def rows_kind(self) -> str:
        """The type of the rows that are served."""
        return "pd.DataFrame" if self.columns is not None else self._kind(self.rows_name, self.cut)

    def defined(self) -> set[str]:
        """Return the names of the functions and constants in the module of the features."""
        names: set[str] = set()
        for index in self.written():
            if not isinstance(self.statements[index].node, (ast.Import, ast.ImportFrom)):
                names |= bound(self.statements[index].node)
        return names

    def written(self) -> list[int]:
        """Return what stands at the top of the module of the features.

        It lacks those constants that only loading or training speaks of.
        """
        spoken = self._spoken()
        return [
            index
            for index in self.module_level
            if not _is_constant(self.statements[index].node)
            or bound(self.statements[index].node) & spoken
        ]

    def cells(self, inner: Iterable[int]) -> str:
        """Say which cells some statements are from."""
        cells = sorted({self.statements[i].cell for i in inner})
        if not cells:
            return ""
        few = f"cell {cells[0]}" if len(cells) == 1 else f"cells {_ranges(cells)}"
        return f" ({few})"

    def _local_setup(self, inner: Sequence[int], wanted: ast.expr) -> list[int]:
        names = names_of(wanted)
        names |= set().union(*(self.statements[i].needs for i in inner))
        setup = [i for i in self.whole if i not in self.of_rows]
        found = self._setup_of(names, setup)
        return sorted(found - set(self.module_level))

    def _spares_requests(self, statement: Statement) -> bool:
        """Say whether a statement only leaves rows out, so that it does nothing to a request."""
        node = statement.node
        self.writer._open(statement)
        if isinstance(node, ast.Expr):
            found = self.tape.found.get(getattr(node.value, "place", -1))
            return bool(found and found.kind == "rows" and found.facts.get("inplace"))
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found = self.tape.found.get(getattr(node.value, "place", -1))
            if found and found.kind in ("rows", "stack"):
                return self.writer.serving(node.value) == node.targets[0].id
        return False

    def _names_served(self, statement: Statement) -> set[str]:
        """Return what a statement reads when it prepares a request."""
        node = statement.node
        found = self.tape.found.get(getattr(getattr(node, "value", None), "place", -1))
        if isinstance(node, ast.Assign) and found and found.kind in ("rows", "stack"):
            self.writer._open(statement)
            return names_in(self.writer.serving(node.value))
        return statement.needs

    def _statement_text(self, statement: Statement, training: bool) -> str:
        node = statement.node
        found = self.tape.found.get(getattr(getattr(node, "value", None), "place", -1))
        if not training and isinstance(node, ast.Expr) and found:
            if found.kind == "rows" and found.facts.get("inplace"):
                return "if learned.training:\n    " + self.writer.statement(statement, True)
            if found.kind == "columns" and found.facts.get("inplace"):
                raise NotWritable(f"cell {statement.cell} drops columns in place")
        if (
            isinstance(node, ast.Assign)
            and found
            and found.kind in ("rows", "stack")
            and not training
        ):
            text = self.writer.statement(statement)
            return re.sub(r"= \((.*)\)$", r"= \1", text, flags=re.DOTALL)
        return self.writer.statement(statement, training)

    def _kind(self, name: str, at: int) -> str:
        """Return the type of a table after statement ``at``."""
        if not name.isidentifier():
            return "Any"
        for index in reversed([i for i in self.whole if i <= at]):
            if name in self.tape.kinds.get(index, {}):
                return self.tape.kinds[index][name]
        return "Any"

    # The files.

    def imports(self, needed: set[str] | None = None) -> list[str]:
        """Return the notebook's own imports among what the code needs.

        Of one that imports several things, only those that are ``needed``, if that is said: the
        others need not be there where the code runs.
        """
        nodes = [self.statements[i] for i in self.module_level]
        return [
            s.source if needed is None else _narrowed(s.source, s.node, needed)
            for s in nodes
            if isinstance(s.node, (ast.Import, ast.ImportFrom))
        ]

    def definitions(self) -> list[str]:
        """Return the notebook's functions and constants that the code needs."""
        lines: list[str] = []
        for index in self.written():
            statement = self.statements[index]
            if isinstance(statement.node, (ast.Import, ast.ImportFrom)):
                continue
            lines += statement.comments
            if isinstance(statement.node, ast.FunctionDef):
                lines.append(self._function(statement, statement.node))
            else:
                lines.append(self.writer.statement(statement, training=True))
        return lines

    def _spoken(self) -> set[str]:
        """Return the names in the functions and in what they call."""
        spoken = names_in("\n".join(stage.source for stage in self.stages))
        for index in self.module_level:
            if _defines(self.statements[index].node):
                spoken |= self._globals_of(index) | self.statements[index].needs
        return spoken

    def features(self, notebook: str, alone: bool = False) -> str:
        """Return the module that prepares rows, in training and in serving.

        ``alone``, it imports no other module of the project but what is learned.
        """
        chain = self.rows_name
        for stage in self.stages:
            chain = f"{stage.name}({chain}{', learned' if stage.learns else ''})"
        kind = self.rows_kind
        result = (
            self.stages[-1].source.split("->")[1].split(":")[0].strip() if self.stages else kind
        )
        entry = [
            f"def features({self.rows_name}: {kind}, learned: Learned) -> {result}:",
            '    """Turn rows as loaded into what the model takes, in training and in serving."""',
            f"    return {chain}",
        ]
        imports = [
            "from io import BytesIO",
            "from typing import Any",
            "import numpy as np",
            "import pandas as pd",
        ]
        imports += [line for line in self.imports(self._spoken()) if line not in imports]
        return "\n".join(
            [
                '"""What the model takes, made from rows as loaded.',
                "",
                *textwrap.wrap(f"From {notebook}{self.cells(self.samples)}.", 98),
                '"""',
                "",
                *imports,
                "from .learned import Learned",
                *(f"from .load import {name}" for name in self.loaders if not alone),
                "",
                *self.definitions(),
                "",
                *(stage.source + "\n\n" for stage in self.stages),
                *entry,
                "",
            ]
        )

    def _function(self, statement: Statement, node: ast.FunctionDef) -> str:
        """Return one of the notebook's functions with types and a docstring."""
        seen = self.tape.signatures.get(node.name, {})
        learns = node.name in self.writer.learning
        text = self.writer.statement(statement)
        inner = _body(text)
        arguments = _typed_arguments(node, seen, learns)
        returned = ast.unparse(node.returns) if node.returns else _union(seen.get("return"), "None")
        documented = ast.get_docstring(node) is not None
        summary = [] if documented else [f'    """{_sentence(node, statement)}."""']
        return "\n".join([f"def {node.name}({arguments}) -> {returned}:", *summary, inner])


def _narrowed(source: str, node: ast.Import | ast.ImportFrom, needed: set[str]) -> str:
    """Return an import without those of its several names that are not needed."""
    kept = [a for a in node.names if (a.asname or a.name.split(".")[0]) in needed]
    if not kept or len(kept) == len(node.names):
        return source
    if isinstance(node, ast.Import):
        return ast.unparse(ast.Import(kept))
    return ast.unparse(ast.ImportFrom(node.module, kept, node.level))


def _body(text: str) -> str:
    """Return the lines of a function's body, as they were edited."""
    (tree,) = (part for part in ast.parse(text).body if isinstance(part, ast.FunctionDef))
    lines = text.splitlines()
    head = tree.body[0].lineno - 1
    if tree.body[0].lineno == tree.lineno:  # all on one line
        return indented([ast.unparse(part) for part in tree.body])
    comments = head
    while comments > 0 and lines[comments - 1].strip().startswith("#"):
        comments -= 1
    depth = tree.body[0].col_offset
    body = lines[comments:]
    return "\n".join("    " + line[depth:] if line[:depth].strip() == "" else line for line in body)


def _typed_arguments(node: ast.FunctionDef, seen: Mapping[str, set[str]], learns: bool) -> str:
    arguments = node.args
    for argument in [*arguments.args, *arguments.kwonlyargs]:
        if argument.annotation is None:
            argument.annotation = ast.parse(_union(seen.get(argument.arg), "Any"), mode="eval").body
    for rest in (arguments.vararg, arguments.kwarg):
        if rest is not None and rest.annotation is None:
            rest.annotation = ast.Name("Any", ast.Load())
    text = ast.unparse(arguments)
    if learns:
        star = "" if arguments.kwonlyargs or arguments.vararg else "*, "
        text += (", " if text else "") + star + "learned: Learned"
    return text


def _union(kinds: Iterable[str] | None, default: str) -> str:
    found = set(kinds or ())
    if not found:
        return default
    if "Any" in found:
        return "Any"
    if {"int", "float"} <= found:
        found.discard("int")
    if len(found - {"None"}) > 1:
        return "Any"
    return " | ".join(sorted(found, key=lambda kind: (kind == "None", kind)))


def _sentence(node: ast.FunctionDef, statement: Statement) -> str:
    named = node.name.replace("_", " ").strip()
    return f"{named[:1].upper()}{named[1:]} (cell {statement.cell})"


def _conditional(code: Sequence[str]) -> list[str]:
    if not code:
        return []
    if all(line.startswith("#") for line in code):
        return list(code)
    return ["if learned.training:", indented(code)]


def _defines(node: ast.stmt) -> bool:
    return isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))


def _is_constant(node: ast.stmt) -> bool:
    if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Name):
        return False
    try:
        ast.literal_eval(node.value)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return True


def _ranges(cells: Sequence[int]) -> str:
    parts: list[list[int]] = []
    for cell in cells:
        if parts and cell == parts[-1][-1] + 1:
            parts[-1].append(cell)
        else:
            parts.append([cell])
    return ", ".join(str(p[0]) if len(p) == 1 else f"{p[0]}-{p[-1]}" for p in parts)
