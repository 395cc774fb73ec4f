"""The training code: load and prepare the rows, fit the model as the notebook did, measure it."""

from __future__ import annotations

import ast
from collections.abc import Container, Sequence
from typing import Any

from . import drawn
from .script import Script, Stage
from .slices import bound
from .statements import names_of
from .writer import NotWritable, indented, names_in

PATH_WORDS = ("filepath_or_buffer", "io", "path", "path_or_buf", "fname", "file")
SOWING = ("seed", "set_seed", "manual_seed", "set_random_seed")
MODULE = "steps"
"""What the training code calls the module of the features."""


class Training:
    """The modules load, train and evaluate for one script."""

    def __init__(
        self,
        script: Script,
        estimator: Any,
        name: str | None,
        score: str,
        fits: Container[int],
        own: Container[str] = (),
        labels: Sequence[Any] | None = None,
    ) -> None:
        """Write the code.

        Args:
            script: the code of the features.
            estimator: the fitted model, for a way to make it where the notebook has none alone.
            name: the model's name in the notebook, as code.
            score: what ``score`` of the model measures.
            fits: the statements that fit this very model, of which the last one counts.
            own: the names that the module ``own`` defines.
            labels: what the model's classes are called, where they are codes.

        Raises:
            NotWritable: what training needs cannot be told apart from the rest of the notebook.
        """
        if script.fit.whole:
            cell = script.statements[script.fit.at].cell
            raise NotWritable(f"the rows to learn from are chosen inside cell {cell}")
        self.script = script
        self.statements = script.statements
        self.score = score
        self.estimator = estimator
        self.fits = fits
        self.own = own
        self.model = name if name and name.isidentifier() else "model"
        self.own_fit = self._simple_fit(name)
        self.sowing = [
            statement.node.name
            for statement in self.statements[: script.fit.at]
            if isinstance(statement.node, ast.FunctionDef) and statement.calls(*SOWING)
        ]
        """The notebook's functions that seed a random generator."""
        self._require_one_meaning()
        self.gathered: set[int] = set()
        """The statements that put tables into a list, which the work on the target reads again."""
        self.body = self._needed()
        taken = set().union(*(self.statements[i].binds for i in self.body))
        self.rows = "loaded_rows" if "rows" in taken else "rows"
        """What the rows as loaded are called, where the notebook's own names are."""
        self.measure = "measured" if "evaluate" in taken else "evaluate"
        self.target_names = self._target_names()
        self.encoder = None if labels is None else self._encoder(list(labels))
        """The encoder that gave the classes their codes, and the statement that fits it."""
        self.files = {
            "load.py": self._load(),
            "train.py": self._train(),
            "evaluate.py": self._evaluate(),
        }

    def _simple_fit(self, name: str | None) -> bool:
        """Say whether the fitting statement can stand as it is."""
        node = self.statements[self.script.fit.at].node
        plain = (
            isinstance(node, (ast.Expr, ast.Assign)) and name is not None and name.isidentifier()
        )
        if not plain:
            return False
        return name in names_of(node)

    def _require_one_meaning(self) -> None:
        """Refuse names that mean one thing before the cut and another after it."""
        meanings: dict[str, str] = {}
        for index in self.script.module_level:
            statement = self.statements[index]
            if isinstance(statement.node, (ast.Import, ast.ImportFrom)):
                continue
            said = ast.dump(statement.node)
            for name in bound(statement.node):
                if meanings.setdefault(name, said) != said:
                    raise NotWritable(f"`{name}` is made anew in cell {statement.cell}")

    def _needed(self) -> list[int]:
        """Return the statements after the cut that training runs beside the features' own.

        Walks back from the fit, so that of a name that is made several times the one counts which
        is there when it is read.
        """
        script = self.script
        at = script.fit.at
        inside = {i for stage in script.stages for i in stage.inner}
        own = script.target_path - inside | {border.at for border in script.borders}
        own |= {index for index in range(at) if self._sows(index)}
        live = set(self.statements[at].needs) if self.own_fit else set()
        passed = {script.rows_name, *(stage.returned for stage in script.stages)}
        chosen: set[int] = set()
        for index in reversed(range(at)):
            statement = self.statements[index]
            if index in own:
                chosen.add(index)
                live = (live - bound(statement.node)) | statement.needs
            elif statement.error is None and statement.changed & live:
                if index in inside and script.spared and _gathers(statement.node, live - passed):
                    self.gathered.add(index)
                    chosen.add(index)
                    live = (live - bound(statement.node)) | statement.needs
                elif index in inside or index in script.of_rows or index in self.fits:
                    live = live - bound(statement.node)
                else:
                    chosen.add(index)
                    live = (live - bound(statement.node)) | statement.needs
        return sorted(chosen)

    def _target_names(self) -> list[str]:
        """Return what is needed of the loading beside the rows: the target, as a rule."""
        script = self.script
        made: set[str] = set()
        for index in script.whole:
            if index <= script.cut and index in script.of_rows:
                made |= self.statements[index].changed
        live: set[str] = set()
        for index in reversed([i for i in self.body if i > script.cut and i in script.of_rows]):
            live = (live - self.statements[index].binds) | self.statements[index].needs
        if script.fit.target is not None:
            names = names_of(script.fit.target)
            bound = set().union(*(self.statements[i].changed for i in self.body if i > script.cut))
            live |= names - bound
        return sorted((live & made) - {script.rows_name})

    def _encoder(self, labels: list[Any]) -> tuple[str, int] | None:
        """Return the name of the encoder of the target, if it has one, and where it is fitted."""
        tape = self.script.tape
        fits: dict[str, list[int]] = {}
        for place, found in tape.found.items():
            owner = getattr(getattr(tape.nodes[place], "func", None), "value", None)
            if found.kind in ("fit", "fit_transform") and isinstance(owner, ast.Name):
                fits.setdefault(owner.id, []).append(found.statement)
        if any("labels" in self.statements[i].binds for i in self.body):
            return None
        for name, places in fits.items():
            known = getattr(tape.namespace.get(name), "classes_", None)
            plain = isinstance(self.statements[places[0]].node, (ast.Assign, ast.Expr))
            alone = len(places) == 1 and plain and places[0] in self.body
            if alone and known is not None and list(known) == labels:
                return name, places[0]
        return None

    # The modules.

    def _load(self) -> str:
        script = self.script
        writer = script.writer
        lines: list[str] = []
        own = [i for i in script.whole if i <= script.cut]
        own = [i for i in own if i in script.of_rows or i not in script.module_level]
        main = script.tape.nodes[script.main]
        if not isinstance(main, ast.Call):
            raise NotWritable("the rows are not loaded by a call")
        spot = main.args[0] if main.args else None
        for word in main.keywords:
            spot = word.value if word.arg in PATH_WORDS else spot
        from_file = script.tape.found[script.main].facts["name"].rpartition(".")[2] != ""
        from_file = "." in str(script.source_name) and spot is not None
        self.from_file = from_file
        if from_file and spot is not None:
            writer.replaced[id(spot)] = "path or DATA"
        beside = self._beside(own)
        writer.replaced.update(beside)
        for index in own:
            statement = self.statements[index]
            if isinstance(statement.node, (ast.Import, ast.ImportFrom)):
                continue
            lines += [*statement.comments, writer.statement(statement, training=True)]
        writer.replaced.clear()
        spoken = names_in("\n".join(lines)) - {"path"}
        constants = [self.statements[i] for i in sorted(script.unsaid())]
        lines[:0] = [s.source for s in constants if bound(s.node) & spoken]
        kind = script.rows_kind
        rows, columns = script.rows_name, ""
        if script.columns is not None:
            rows, columns = f"pd.DataFrame({rows}, columns=COLUMNS)", _columns(script.columns.names)
        returned = [rows, *self.target_names]
        if self.target_names:
            kind = f"tuple[{', '.join([kind, *('Any' for _ in self.target_names)])}]"
        where = f"DATA = Path({f'data/{script.source_name}'!r})" if from_file else ""
        about = (
            f"path: the file to read; without it, ``{script.source_name}`` in ``data/``."
            if from_file
            else "path: not used, since the data set ships with its library."
        )
        others = self._other_loaders()
        where = where or ('FOLDER = Path("data")' if others or beside else "")
        return "\n".join(
            [
                '"""Read the rows that the model learns from."""',
                "from pathlib import Path",
                "from typing import Any",
                "import numpy as np",
                "import pandas as pd",
                *script.imports(),
                where,
                columns,
                "",
                *(self._definitions(lines) if script.stages else script.definitions()),
                f"def load(path: Path | None = None) -> {kind}:",
                f'    """Return the rows{script.cells(own)}.',
                "",
                "    Args:",
                f"        {about}",
                '    """',
                indented(lines),
                f"    return {', '.join(returned)}",
                "",
                *others,
            ]
        )

    def _beside(self, own: Container[int]) -> dict[int, str]:
        """Return the paths of the other files that are read before the cut, by their nodes."""
        paths: dict[int, str] = {}
        for place, found in self.script.tape.found.items():
            node = self.script.tape.nodes[place]
            if found.kind != "source" or found.facts["main"] or found.statement not in own:
                continue
            if isinstance(node, ast.Call) and "." in str(found.facts["name"]):
                spots = [*node.args[:1], *(w.value for w in node.keywords if w.arg in PATH_WORDS)]
                paths.update({id(part): self._path_of(str(found.facts["name"])) for part in spots})
        return paths

    def _path_of(self, file: str) -> str:
        """Return the code that says where another file than that of the rows lies."""
        return f"DATA.with_name({file!r})" if self.from_file else f"FOLDER / {file!r}"

    def _other_loaders(self) -> list[str]:
        """Return a function for each other table that is loaded."""
        script = self.script
        lines: list[str] = []
        for name, (file, place) in script.loaders.items():
            node = script.tape.nodes[place]
            statement = self.statements[script.tape.found[place].statement]
            if not isinstance(node, ast.Call):
                raise NotWritable(f"{file} is not loaded by a call")
            spot = node.args[0] if node.args else None
            for word in node.keywords:
                spot = word.value if word.arg in PATH_WORDS else spot
            known = script.writer.loaders.pop(place)
            if "." in file and spot is not None:
                script.writer.replaced[id(spot)] = self._path_of(file)
            code = script.writer.expression(statement, node, True)
            script.writer.replaced.clear()
            script.writer.loaders[place] = known
            lines += [
                "",
                f"def {name}() -> Any:",
                f'    """Return the table of {file}, which lies beside the rows."""',
                f"    return {code}",
                "",
            ]
        return lines

    def _definitions(self, lines: Sequence[str]) -> list[str]:
        """Import the notebook's functions and constants that the lines speak of."""
        spoken = {
            part.id
            for part in ast.walk(ast.parse("\n".join(lines) or "pass"))
            if isinstance(part, ast.Name)
        }
        names = sorted(spoken & self.script.defined() - {"path"})
        module = "features" if self.script.stages else "load"
        lines = [f"from .{module} import {', '.join(names)}"] if names else []
        owned = sorted(name for name in spoken if name in self.own)
        return [*lines, *([f"from .own import {', '.join(owned)}"] if owned else []), ""]

    def _train(self) -> str:
        script = self.script
        writer = script.writer
        steps: list[tuple[float, list[str]]] = []
        loaded = ", ".join([script.rows_name, *self.target_names])
        steps.append(
            (
                script.cut + 0.1,
                [f"{loaded} = load(path)", f"{self.rows} = {script.rows_name}.copy()"],
            )
        )
        for number, stage in enumerate(script.stages):
            end = self._end_of(number)
            name = stage.returned if stage.returned.isidentifier() else "samples"
            learned = ", learned" if stage.learns else ""
            line = f"{name} = {MODULE}.{stage.name}({stage.given}{learned})"
            steps.append((self._last_of(stage) + 0.2 + number / 1000, [line]))
            if name != stage.returned:
                writer.replaced[id(end)] = name
        imports: list[str] = []
        unsaid = script.unsaid()
        for index in self.body:
            statement = self.statements[index]
            if any(name in self.own for name in bound(statement.node)):
                continue
            if isinstance(statement.node, (ast.Import, ast.ImportFrom)):
                imports.append(statement.source)
            elif index not in script.module_level or index in unsaid:
                code = [*statement.comments, writer.statement(statement, training=True)]
                steps.append((self._position(index), code))
                if self.encoder is not None and self.encoder[1] == index:
                    said = [f"labels = list({self.encoder[0]}.classes_)"]
                    steps.append((self._position(index), said))
        fit = self.statements[script.fit.at]
        if self.own_fit:
            steps.append((script.fit.at, [*fit.comments, writer.statement(fit, training=True)]))
        else:
            samples = self._said(script.fit.samples)
            target = "" if script.fit.target is None else f", {self._said(script.fit.target)}"
            made, needed = _construction(self.estimator)
            spoken = names_in(made)
            imports += needed
            imports += [
                s.source
                for s in self.statements[: script.fit.at]
                if isinstance(s.node, (ast.Import, ast.ImportFrom))
                and not s.error
                and bound(s.node) & spoken
            ]
            code = [f"{self.model} = {made}", f"{self.model}.fit({samples}{target})"]
            steps.append((script.fit.at, code))
        writer.replaced.clear()
        steps += self._left_out()
        lines = [line for _, code in sorted(steps, key=lambda step: step[0]) for line in code]
        held_out = self._held_out()
        prepared = bool(script.stages)
        steps_import = [f"from . import features as {MODULE}"] if prepared else []
        learned_import = ["from .learned import Learned"] if prepared else []
        learned = "learned.sealed()" if prepared else "None"
        labels = "" if self.encoder is None else ", labels"
        labelled = ["    labels: list[Any]", '    """What the codes of the classes stand for."""']
        labelled = labelled if labels else []
        cells = script.cells([*self.body, script.fit.at])
        return "\n".join(
            [
                '"""Train the model as the notebook does."""',
                "from pathlib import Path",
                "from typing import Any, NamedTuple",
                "import numpy as np",
                "import pandas as pd",
                *imports,
                *steps_import,
                "from .evaluate import evaluate"
                + ("" if self.measure == "evaluate" else f" as {self.measure}"),
                *learned_import,
                "from .load import load",
                *self._definitions(lines),
                "",
                "class Trained(NamedTuple):",
                '    """What training leaves behind."""',
                "    rows: Any",
                '    """The rows as they were loaded (n)."""',
                "    model: Any",
                "    learned: Learned" if prepared else "    learned: None",
                '    """What the features know of the training rows."""'
                if prepared
                else '    """Nothing: the model takes the rows as they are."""',
                "    metrics: dict[str, float]",
                *labelled,
                "",
                "def train(path: Path | None = None) -> Trained:",
                f'    """Load the rows, prepare them and fit the model{cells}."""',
                *(["    learned = Learned()"] if prepared else []),
                indented(lines),
                *(f"    {line}" for line in held_out),
                f"    return Trained({self.rows}, {self.model}, {learned}, metrics{labels})",
                "",
            ]
        )

    def _left_out(self) -> list[tuple[float, list[str]]]:
        """Return the steps that draw the random numbers which other cells draw in the notebook.

        They stand after what sows the generator, so that the numbers that count stay the same.
        """
        script = self.script
        running = [(self._position(i), [i]) for i in self.body if i not in script.module_level]
        running += [(self._last_of(s) + 0.2, s.inner) for s in script.stages if s.inner]
        running.append((script.fit.at, [script.fit.at]))
        steps: list[tuple[float, list[str]]] = []
        left: Any = None
        for position, indices in sorted(running):
            drawing = [i for i in indices if self._state(i) is not self._state(i + 1)]
            if any(self._sows(i) for i in indices):
                left = self._state(indices[-1] + 1)
            elif left is not None and drawing:
                count = drawn.between(left, self._state(drawing[0]))
                if count:
                    said = "# The numbers that other cells of the notebook draw."
                    steps.append((position - 1e-9, [said, f"np.random.bytes({4 * count})"]))
                left = self._state(drawing[-1] + 1)
        return steps

    def _state(self, index: int) -> Any:
        """Return the state of numpy's generator at the start of a statement."""
        known = (statement.random for statement in self.statements[index:])
        return next((state[1] for state in known if state is not None), None)

    def _said(self, node: ast.expr) -> str:
        """Return the code of what the model is fitted on."""
        if id(node) in self.script.writer.replaced:
            return self.script.writer.replaced[id(node)]
        if not hasattr(node, "lineno"):
            return ast.unparse(node)
        return self.script.writer.expression(self.statements[self.script.fit.at], node, True)

    def _position(self, index: int) -> float:
        """Return when a statement runs: where rows are spared work on the target, after them."""
        script = self.script
        if not script.spared or index not in script.target_path | self.gathered:
            return index
        drawn = sum(border.at < index for border in script.borders)
        lasts = [max(s.inner, default=-1) for s in script.stages if s.number == drawn]
        return max([index, *lasts]) + 0.5 + index / 1_000_000

    def _last_of(self, stage: Stage) -> int:
        """Return the statement that a stage runs after: its own last, or what it is given by."""
        borders = self.script.borders
        drawn = borders[stage.number - 1].at if stage.number else self.script.cut
        return max([drawn, *stage.inner])

    def _end_of(self, number: int) -> ast.expr:
        """Return what a stage makes, as the notebook wrote it."""
        script = self.script
        stage = script.stages[number]
        later = script.stages[number + 1 :]
        if any(other.number == stage.number for other in later):
            return stage.wanted
        if stage.number < len(script.borders):
            return script.borders[stage.number].source
        return script.fit.samples

    def _sows(self, index: int) -> bool:
        """Say whether a statement seeds a random generator, which binds no name."""
        statement = self.statements[index]
        return statement.error is None and (
            isinstance(statement.node, ast.Expr) and statement.calls(*SOWING, *self.sowing)
        )

    def sown(self) -> bool:
        """Say whether training seeds a random generator, so that other numbers are the same ones.

        Then another model may come of numbers that are drawn in another order.
        """
        return any(map(self._sows, self.body))

    def _held_out(self) -> list[str]:
        """Return the lines that evaluate the model, on rows that it did not learn from if any."""
        script = self.script
        split = None
        for number, border in enumerate(script.borders):
            node = self.statements[border.at].node
            found = script.tape.found.get(getattr(getattr(node, "value", None), "place", -1))
            if found is not None and found.kind == "split":
                split = number
        if split is not None and script.fit.target is not None and self.score:
            border = script.borders[split]
            parts = [part.id for part in self.statements[border.at].node.targets[0].elts]  # type: ignore[attr-defined]
            at = parts.index(border.becomes)
            later = [i for i in script.target_path if i > border.at]
            if at % 2 == 0 and len(parts) == 4 and not later:
                samples, target = parts[at + 1], parts[(at + 3) % 4]
                after = [self.statements[i].changed for i in self.body if i > border.at]
                if {samples, target} & set().union(*after):  # prepared here, and not by the stages
                    return ["metrics: dict[str, float] = {}"]
                for stage in script.stages:
                    if stage.number > split:
                        learned = ", learned.sealed()" if stage.learns else ""
                        samples = f"{MODULE}.{stage.name}({samples}{learned})"
                return [f"metrics = {self.measure}({self.model}, {samples}, {target})"]
        if script.fit.target is None or not self.score:
            return ["metrics: dict[str, float] = {}"]
        samples = self.script.stages[-1].returned if script.stages else ""
        samples = samples if samples.isidentifier() else "samples"
        if not script.stages or script.stages[-1].number < len(script.borders):
            samples = self._said(script.fit.samples)
        target = self._said(script.fit.target)
        return [f"metrics = {self.measure}({self.model}, {samples}, {target})"]

    def _evaluate(self) -> str:
        return "\n".join(
            [
                '"""Say how good the model is."""',
                "from typing import Any",
                "",
                "def evaluate(model: Any, samples: Any, target: Any) -> dict[str, float]:",
                '    """Return the score on samples (n) and what is true of them (n)."""',
                f'    return {{"{self.score}": float(model.score(samples, target))}}',
                "",
            ]
        )


def _gathers(node: ast.stmt, names: Container[str]) -> bool:
    """Say whether a statement only puts tables into a list that has one of some names."""
    if not isinstance(node, ast.Assign) or not isinstance(node.value, (ast.List, ast.Tuple)):
        return False
    named = all(isinstance(item, ast.Name) for item in node.value.elts)
    target = node.targets[0]
    return named and isinstance(target, ast.Name) and target.id in names


def _columns(names: Sequence[str]) -> str:
    """Return the code that names an array's columns."""
    by_place = list(names) == [f"x{i}" for i in range(len(names))]
    said = f'[f"x{{i}}" for i in range({len(names)})]' if by_place else repr(list(names))
    return f"COLUMNS = {said}"


def _construction(estimator: Any) -> tuple[str, list[str]]:
    """Return code that makes an estimator like this one, and its imports.

    Raises:
        NotWritable: its parameters cannot be written.
    """
    from sklearn.base import clone

    try:
        text = " ".join(repr(clone(estimator)).split())
        ast.parse(text)
    except Exception:
        raise NotWritable("the model's parameters cannot be written as code") from None
    imports: list[str] = []
    waiting: list[Any] = [estimator]
    seen: set[str] = set()
    while waiting:
        part = waiting.pop()
        cls = type(part)
        if hasattr(part, "get_params") and cls.__name__ not in seen:
            seen.add(cls.__name__)
            module = cls.__module__.split("._")[0]
            imports.append(f"from {module} import {cls.__name__}")
            waiting += [value for value in part.get_params(deep=True).values()]
            for value in part.get_params(deep=False).values():
                if isinstance(value, list):
                    waiting += [
                        inner for item in value if isinstance(item, tuple) for inner in item
                    ]
    if "..." in text or "<" in text:
        raise NotWritable("the model's parameters cannot be written as code")
    return text, imports
