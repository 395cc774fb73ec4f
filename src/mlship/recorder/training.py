"""The training code: load and prepare the rows, fit the model as the notebook did, measure it."""

from __future__ import annotations

import ast
from collections.abc import Container, Mapping, Sequence
from typing import Any, NamedTuple

from . import alike, drawn, pictures, proving
from .script import Script, Stage
from .slices import bound
from .statements import names_of
from .writer import NotWritable, indented, names_in

PATH_WORDS = ("filepath_or_buffer", "io", "path", "path_or_buf", "fname", "file")
SOWING = ("seed", "set_seed", "manual_seed", "set_random_seed")
MODULE = "steps"
"""What the training code calls the module of the features."""


class Apart(NamedTuple):
    """Held-out rows that the fit takes beside its own, prepared by the features."""

    held: str
    """What the split calls them."""
    name: str
    """What they are called when they are prepared, which may be the same."""
    at: int
    """The statement after which they are."""
    code: str
    instead_of: set[int]
    """The statements that prepare them in the notebook."""


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
        known: Mapping[str, Any] | None = None,
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
            known: what the features learned.

        Raises:
            NotWritable: what training needs cannot be told apart from the rest of the notebook.
        """
        self.files_of = pictures.are_pictures(script.rows())
        """Whether the rows are the files of pictures."""
        if self.files_of and script.cut != script.first:
            raise NotWritable("its pictures are worked on before they are served")
        self.script = script
        self.statements = script.statements
        self.score = score
        self.estimator = estimator
        self.fits = fits
        self.own = own
        self.model = name if name and name.isidentifier() else "model"
        self.own_fit = self._simple_fit(name)
        if script.fit.whole and not self.own_fit:
            cell = script.statements[script.fit.at].cell
            raise NotWritable(f"the rows to learn from are chosen inside cell {cell}")
        self.sowing = [
            statement.node.name
            for statement in self.statements[: script.fit.at]
            if isinstance(statement.node, ast.FunctionDef) and statement.calls(*SOWING)
        ]
        """The notebook's functions that seed a random generator."""
        self._require_one_meaning()
        self.gathered: set[int] = set()
        """The statements that put tables into a list, which the work on the target reads again."""
        self.above = set(script.written())
        """The statements at the top of the module of the features."""
        self.apart: Apart | None = None
        self.body = self._needed()
        if self.own_fit and known is not None:
            self._take_apart(known)
        taken = set().union(*(self.statements[i].binds for i in self.body))
        self.rows = "loaded_rows" if "rows" in taken else "rows"
        """What the rows as loaded are called, where the notebook's own names are."""
        self.measure = "measured" if "evaluate" in taken else "evaluate"
        self.target_names = self._target_names()
        labels = None if any("labels" in self.statements[i].binds for i in self.body) else labels
        self.encoder = None if labels is None else self._encoder(list(labels))
        """The encoder that gave the classes their codes, and the statement that fits it."""
        self.named = None if labels is None or self.encoder else self._mapped(list(labels))
        """The names of the codes, where the notebook says them itself: ``map({"no": 0})``."""
        self.files = {
            "load.py": self._load(),
            "train.py": self._train(),
            "evaluate.py": self._evaluate(),
        }

    def _simple_fit(self, name: str | None) -> bool:
        """Say whether the fitting statement can stand as it is."""
        node = self.statements[self.script.fit.at].node
        plain = (ast.Expr, ast.Assign, ast.For, ast.With)[: 4 if self.script.fit.whole else 2]
        known = name is not None and name.isidentifier()
        return known and isinstance(node, plain) and name in names_of(node)

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
            elif self.apart is not None and index in {*self.apart.instead_of, self.apart.at}:
                if index == self.apart.at:
                    live = live - {self.apart.name} | {self.apart.held}
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

    def _take_apart(self, known: Mapping[str, Any]) -> None:
        """Let the features prepare the held-out rows that the fit takes too, for early stopping.

        The notebook's own statements may need what only the features keep, a scaler for one. What
        they make must be what the features make.
        """
        script = self.script
        number = self._split()
        if number is None:
            return
        border = script.borders[number]
        held = _target_parts(self.statements[border.at].node)
        at = held.index(border.becomes)
        stages = [stage for stage in script.stages if stage.number > number]
        if at % 2 or at + 1 == len(held) or not stages:
            return
        from .learned import Learned  # it needs pandas, which is there where stages are

        name = held[at + 1]
        derived, chain = {name}, []
        inner = {i for stage in stages for i in stage.inner}
        for index in sorted({*self.body, *inner}):
            statement = self.statements[index].reduced_from or self.statements[index]
            if index > border.at and statement.needs & derived:
                chain.append(index)
                derived |= statement.changed if index not in inner else set()
        reduced = [i for i in chain if i in inner]
        module, prepared, code = proving.module_of(script), script.tape.held(name, border.at), name
        try:
            for stage in stages:
                given = (Learned(known),) if stage.learns else ()
                prepared = getattr(module, stage.name)(prepared, *given)
                code = f"{MODULE}.{stage.name}({code}{', learned.sealed()' if given else ''})"
        except Exception:  # these rows hold what the others do not
            chain = []
        found: tuple[int, str] | None = None
        again = sorted({*chain, *inner})
        for index, made, value in script.tape.after(border.at, (name, border.becomes), again):
            own = made != border.becomes and type(value) is type(prepared)
            if index in chain and own and alike.same_rows(value, prepared):
                found = index, made
                if index >= max(reduced, default=-1):
                    break
        if found is None:
            if reduced and name in self._fitted_with():
                cell = self.statements[reduced[0]].cell
                raise NotWritable(f"what cell {cell} does to {name} is not what it does to others")
            return
        index, made = found
        instead_of = {i for i in chain if i <= index} - inner
        made_too = set().union(*(self.statements[i].changed for i in instead_of))
        last = max(self._last_of(stage) for stage in stages)
        later = [i for i in self.body if i > border.at and i not in instead_of]
        needed = set().union(*(self.statements[i].needs for i in [*later, script.fit.at]))
        early = [i for i in later if i < last and made in self.statements[i].needs]
        if early or (made_too & needed) - {made}:
            return
        self.apart = Apart(name, made, index, code, instead_of)
        self.body = self._needed()

    def _fitted_with(self) -> set[str]:
        """Return the names that the fit, or what training runs for it, reads."""
        script = self.script
        return set().union(*(self.statements[i].needs for i in [*self.body, script.fit.at]))

    def _split(self) -> int | None:
        """Return which draw is the last split, if one is."""
        script = self.script
        split = None
        for number, border in enumerate(script.borders):
            node = self.statements[border.at].node
            found = script.tape.found.get(getattr(getattr(node, "value", None), "place", -1))
            if found is not None and found.kind == "split":
                split = number
        return split

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
        for name, places in fits.items():
            known = getattr(tape.namespace.get(name), "classes_", None)
            plain = isinstance(self.statements[places[0]].node, (ast.Assign, ast.Expr))
            alone = len(places) == 1 and plain and places[0] in self.body
            if alone and known is not None and list(known) == labels:
                return name, places[0]
        return None

    def _mapped(self, labels: list[Any]) -> list[Any] | None:
        """Return the names of all codes that the target can have, where a dictionary gives them."""
        script = self.script
        classes = getattr(self.estimator, "classes_", ())
        codes = [code.item() if hasattr(code, "item") else code for code in classes]
        kinds = {f.kind for f in script.tape.found.values() if f.statement in script.target}
        if codes != list(range(len(labels))) or kinds & {
            "fit_transform",
            "factorize",
            "categories",
        }:
            return None
        for index in script.target:
            for part in ast.walk(self.statements[index].node):
                method = getattr(getattr(part, "func", None), "attr", "")
                if method in ("map", "replace") and isinstance(part, ast.Call) and part.args:
                    known = self._dictionary(part.args[0])
                    names = {code: name for name, code in known.items()}
                    whole = sorted(names, key=repr) == sorted(range(len(known)), key=repr)
                    if whole and [names.get(code) for code in codes] == labels:
                        return [names[code] for code in range(len(known))]
        return None

    def _dictionary(self, node: ast.expr) -> dict[Any, Any]:
        """Return a dictionary of plain values that the notebook writes down, or an empty one."""
        known = self.script.tape.namespace.get(node.id) if isinstance(node, ast.Name) else None
        try:
            known = ast.literal_eval(repr(known) if known is not None else node)
        except (ValueError, SyntaxError):
            return {}
        plain = isinstance(known, dict) and all(type(code) is int for code in known.values())
        return known if plain else {}

    # The modules.

    def _load(self) -> str:
        script = self.script
        writer = script.writer
        lines: list[str] = []
        own = [i for i in script.whole if i <= script.cut]
        own = [i for i in own if i in script.of_rows or i not in script.module_level]
        if self.files_of:  # the lists that the notebook fills are none of the rows'
            loading = set().union(*(self.statements[i].needs for i in own if i in script.of_rows))
            own = [i for i in own if i in script.of_rows or self.statements[i].changed & loading]
        main = script.tape.nodes[script.main]
        if not isinstance(main, ast.Call):
            raise NotWritable("the rows are not loaded by a call")
        spot = main.args[0] if main.args else None
        for word in main.keywords:
            spot = word.value if word.arg in PATH_WORDS else spot
        from_file = script.tape.found[script.main].facts["name"].rpartition(".")[2] != ""
        from_file = "." in str(script.source_name) and spot is not None
        self.from_file = from_file
        several = script.tape.found[script.main].facts.get("several")
        if self.files_of:
            self.from_file = from_file = True
        elif several and spot is not None:
            said = writer.expression(self.statements[script.first], spot, True)
            writer.replaced[id(spot)] = f"(path or DATA).with_name(Path({said}).name)"
        elif from_file and spot is not None:
            writer.replaced[id(spot)] = "path or DATA"
        beside = self._beside(own)
        writer.replaced.update(beside)
        for index in own:
            statement = self.statements[index]
            if isinstance(statement.node, (ast.Import, ast.ImportFrom)):
                continue
            if self.files_of and index == script.first:
                given = ", ".join([script.rows_name, *self.beside()])
                lines.append(f"{given} = read_pictures(path or DATA)")
                continue
            lines += [*statement.comments, writer.statement(statement, training=True)]
        writer.replaced.clear()
        spoken = names_in("\n".join(lines)) - {"path"}
        constants = [self.statements[i] for i in script.module_level if i not in self.above]
        lines[:0] = [s.source for s in constants if bound(s.node) & spoken]
        kind = script.rows_kind
        rows, columns = script.rows_name, ""
        if script.columns is not None:
            rows, columns = f"pd.DataFrame({rows}, columns=COLUMNS)", _columns(script.columns.names)
        returned = [rows, *self.target_names]
        if self.target_names:
            kind = f"tuple[{', '.join([kind, *('Any' for _ in self.target_names)])}]"
        name = pictures.TABLE if self.files_of else script.source_name
        where = f"DATA = Path({f'data/{name}'!r})" if from_file else ""
        about = (
            f"path: the file to read; without it, ``{name}`` in ``data/``."
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
                *([pictures.reading_code(self.beside())] if self.files_of else []),
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

    def beside(self) -> dict[str, Any]:
        """Return what training needs along with pictures, their labels for one, by its name."""
        script = self.script
        target: Any = getattr(self.statements[script.first].node, "targets", [None])[0]
        parts = target.elts[1:] if isinstance(target, ast.Tuple) else []
        names = [part.id for part in parts if isinstance(part, ast.Name)]
        loaded = script.tape.loaded[script.main]
        values = dict(zip(names, loaded[1:])) if names else {}
        if pictures.FILE in self.target_names:
            raise NotWritable(f"what goes along with pictures is called {pictures.FILE}")
        return {name: values[name] for name in names if name in self.target_names}

    def _beside(self, own: Container[int]) -> dict[int, str]:
        """Return the paths of the other files that are read before the cut, by their nodes."""
        paths: dict[int, str] = {}
        for place, found in self.script.tape.found.items():
            node = self.script.tape.nodes[place]
            if found.facts.get("several") and not found.facts["main"]:
                raise NotWritable(f"cell {self.statements[found.statement].cell} loads many files")
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
            if script.tape.found[place].facts.get("several"):
                raise NotWritable(f"cell {statement.cell} loads many files")
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
            if script.chooses_columns(stage.wanted):  # the fit does so itself
                continue
            line = f"{name} = {MODULE}.{stage.name}({stage.given}{learned})"
            steps.append((self._last_of(stage) + 0.2 + number / 1000, [line]))
            if name != stage.returned:
                writer.replaced[id(end)] = name
        if self.apart is not None:
            line = f"{self.apart.name} = {self.apart.code}"
            last = max(map(self._last_of, script.stages))
            steps.append((max(self.apart.at, last) + 0.3, [line]))
        imports: list[str] = []
        for index in self.body:
            statement = self.statements[index]
            if any(name in self.own for name in bound(statement.node)):
                continue
            if isinstance(statement.node, (ast.Import, ast.ImportFrom)):
                imports.append(statement.source)
            elif index not in self.above:
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
        if self.named is not None:
            lines.append(f"labels = {self.named!r}")
        labels = "" if self.encoder is None and self.named is None else ", labels"
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
        running = [(self._position(i), [i]) for i in self.body if i not in self.above]
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
        if script.fit.whole:
            return ["metrics: dict[str, float] = {}"]
        split = self._split()
        if split is not None and script.fit.target is not None and self.score:
            border = script.borders[split]
            parts = _target_parts(self.statements[border.at].node)
            at = parts.index(border.becomes)
            later = [i for i in script.target_path if i > border.at]
            if at % 2 == 0 and len(parts) == 4 and not later:
                samples, target = parts[at + 1], parts[(at + 3) % 4]
                after = [self.statements[i].changed for i in self.body if i > border.at]
                if {samples, target} & set().union(*after):  # prepared here, and not by the stages
                    return ["metrics: dict[str, float] = {}"]
                samples = samples if self.apart is None else self.apart.name
                for stage in script.stages if self.apart is None else ():
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


def _target_parts(node: ast.stmt) -> list[str]:
    """Return the names among which a statement shares out what a split gives."""
    (target,) = node.targets  # type: ignore[attr-defined]
    return [getattr(part, "id", "") for part in target.elts]


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
