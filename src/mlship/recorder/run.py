"""Run the statements in one namespace, describe the models, and hand one over."""

from __future__ import annotations
import __future__

import ast
import builtins
import functools
import io
import operator
import os
import pickle
import platform
import random
import signal
import sys
import types
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from . import (
    classes,
    cutting,
    experiments,
    handing,
    libraries,
    models,
    outputs,
    own,
    parameters,
    personal,
    pictures,
    proving,
    reading,
    statements,
    synthetic,
    tables,
    targets,
    tensors,
    views,
)
from .harmless import is_harmless, stored
from .hooks import Hooks
from .log import Log
from .models import FITS, Candidate, Refused
from .rows import trace
from .statements import Statement, first_line
from .watch import Watch, digest, loaded

_FUTURES = functools.reduce(
    operator.or_, (getattr(__future__, name).compiler_flag for name in __future__.all_feature_names)
)


class NotAnswered(Exception):
    """The notebook asks a person for input, and nobody is there."""


class Recorder:
    """A notebook's run: its statements, its namespace and its log."""

    def __init__(self, job: Mapping[str, Any], send: Callable[[dict[str, Any]], None]) -> None:
        self.job = job
        self.send = send
        read = statements.split(job["cells"])
        self.statements = pictures.spaced(read)
        self._read = len(read)
        self.module = types.ModuleType("__main__")
        self.namespace: dict[str, Any] = self.module.__dict__
        self.log = Log(job)
        self.log.networks.namespace = self.namespace
        self.log.pictures.namespace = self.namespace
        self.hooks = Hooks(self.namespace, self.log)
        self.watch = Watch(self.namespace)
        self._changing = statements.changing(self.statements)
        self._functions: dict[types.FunctionType, ast.FunctionDef] = {}
        """The notebook's functions with their code, as far as it defines them by themselves."""
        self._random: tuple[Any, Any] = None, None
        self._drawn = True
        """Whether the last statement may have drawn random numbers."""
        self._future = 0

    def run(self) -> None:
        """Run every statement; one that fails is noted and passed over."""
        sys.modules["__main__"] = self.module
        self.namespace.update(
            __builtins__=builtins, display=lambda *a, **k: None, get_ipython=lambda: _Shell()
        )
        builtins.input = _refuse_input
        total = len(self.job["cells"])
        cell = 0
        for index, statement in enumerate(self.statements):
            self.log.statement, self.log.cell = index, statement.cell
            if statement.error:
                continue
            if statement.cell != cell:
                self.log.figures.take(cell)
                cell = statement.cell
                self.send({"event": "cell", "number": cell, "of": total})
                _limit_processor_time(self.job["cell_seconds"])
            self._execute(statement)
        self.log.figures.take(cell)
        _limit_processor_time(0)
        self.hooks.silent = True

    def _execute(self, statement: Statement) -> None:
        if self._drawn:
            self._random = _random_state(self._random)
        statement.random = self._random
        self.log.fitted.clear()
        looks = is_harmless(statement.node, self.namespace, self._functions)
        store = None if looks else stored(statement.node, self.namespace, self._functions)
        plain = looks or store is not None
        self._drawn = not plain
        reached = set() if plain else self.watch.before(statement.reads)
        before = {name: self.watch.content(name) for name in reached}
        # a view of the column that is set may have changed it before: what sets it counts
        item = self.watch.item(store) if store and not self._sets_view(statement.node) else None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                body, place = ast.Module([statement.node], []), f"<cell {statement.cell}>"
                code = compile(body, place, "exec", self._future, dont_inherit=True)
                defines = isinstance(statement.node, (ast.FunctionDef, ast.AsyncFunctionDef))
                read = statement.reads if plain else loaded(code, within=not defines)
                statement.needs = self.watch.needs(read)
                if (
                    isinstance(statement.node, ast.ImportFrom)
                    and statement.node.module == "__future__"
                ):
                    self._future |= code.co_flags & _FUTURES
                exec(code, self.namespace)  # noqa: S102 - running the user's code is the task
        except BaseException as error:  # a notebook may raise anything, SystemExit too
            statement.error = f"{type(error).__name__}: {first_line(_said(error))}"
            self.hooks.silent = False
            statement.lost = self._lost_by(statement, before)
        self.log.networks.settle()
        if looks:
            statement.changed = self.watch.after_look(statement.binds)
        elif store:
            statement.changed = self.watch.after_store(store, item)
        else:
            self._take_functions(statement)
            self.hooks.install()
            suspected = statements.intended(statement, self._changing) if reached else ()
            statement.changed = self.watch.after(reached, suspected, self.log.fitted)
        self.log.pictures.settle(self.log.statement, statement.changed)

    def _sets_view(self, node: ast.stmt) -> bool:
        """Say whether a statement sets in a table what is a view of it."""
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Name):
            return False
        holders = (part.value for part in node.targets if isinstance(part, ast.Subscript))
        named = [self.namespace.get(part.id) for part in holders if isinstance(part, ast.Name)]
        return any(views.overlap(self.namespace.get(node.value.id), holder) for holder in named)

    def _take_functions(self, statement: Statement) -> None:
        if isinstance(statement.node, ast.FunctionDef):
            function = self.namespace.get(statement.node.name)
            if isinstance(function, types.FunctionType):
                self._functions[function] = statement.node

    def _lost_by(self, statement: Statement, before: Mapping[str, str | None]) -> set[str]:
        """Return what a failed statement changed or was to change, under every name it has."""
        changed = statements.intended(statement, self._changing)
        changed |= {
            name
            for name, key in before.items()
            if key is not None and key != digest(self.namespace.get(name))
        }
        objects = {id(self.namespace.get(name)) for name in changed} - {id(None)}
        aliases = {name for name, value in self.namespace.items() if id(value) in objects}
        return statement.binds | changed | aliases

    def candidates(self) -> list[Candidate]:
        """Return the fitted models, the likeliest first."""
        found: dict[int, Candidate] = {}
        for position, event in enumerate(self.log.events):
            if event.kind in FITS:
                model = self.log.model_of(event)
                found.setdefault(id(model), Candidate(model)).fit(position, event)
        for position, event in enumerate(self.log.events):
            candidate = found.get(id(self.log.model_of(event)))
            if candidate and event.result is not None:
                if position >= candidate.position:
                    candidate.answered.append(event)
                elif event.kind == "predict":
                    candidate.stale += 1
        for metric in self.log.metrics:
            candidate = found.get(id(metric["owner"]))
            if candidate and metric["position"] >= candidate.position:
                candidate.metrics.append(metric)
        names = self._names()
        for key, candidate in found.items():
            candidate.name = names.get(key)
            saved = map(libraries.predicting, self.log.saved)
            wanted = (candidate.model, candidate.served())
            candidate.saved = any(value is model for value in saved for model in wanted)
        return sorted(found.values(), key=lambda c: (c.rank(), c.last_use()), reverse=True)

    def describe(self, candidates: list[Candidate]) -> dict[str, Any]:
        """Describe the run and its models."""
        failed = [statement for statement in self.statements if statement.error]
        compared = experiments.Compared()
        tried = experiments.found(self.log, self.statements, candidates, self._names(), compared)
        return {
            "python": platform.python_version(),
            "statements": self._read,
            "errors": [
                {"cell": s.cell, "error": s.error, "source": s.source[:200]} for s in failed
            ],
            "notes": [{"cell": cell, "text": text} for cell, text in self.log.mapped],
            "unserved": libraries.unserved(self.namespace),
            "files": [{"name": name, "sha256": value} for name, value in self.log.files.items()],
            "experiments": tried,
            "figures": {"kept": self.log.figures.kept, "left_out": self.log.figures.left_out},
            "models": [
                {
                    "name": candidate.name,
                    "estimator": type(candidate.model).__name__,
                    "served": type(candidate.served()).__name__,
                    "cell": self.statements[candidate.fitted.statement].cell,
                    "rank": candidate.rank(),
                    "reasons": candidate.reasons(),
                    "samples": {
                        "kind": type(candidate.fitted.samples).__name__,
                        "rows": tables.rows(candidate.fitted.samples),
                        "columns": tables.width(candidate.fitted.samples),
                    },
                    "parameters": parameters.of(candidate.served()),
                    "stale_predictions": candidate.stale,
                    "doubts": self._doubts(candidate),
                    "metrics": experiments.scores(candidate.metrics, candidate.fitted, compared),
                }
                for candidate in candidates
            ],
        }

    def hand_over(self, candidate: Candidate, folder: str, made_up: bool = False) -> dict[str, Any]:
        """Write the model, its rows and its answers into ``folder``; return what is known of them.

        With ``made_up``, rows that nobody ever was go along, for the tests of the project.

        Raises:
            Refused: the model, or what it was fitted on, cannot be served.
        """
        self._require_sound(candidate)
        libraries.of(candidate.served()).require_served(candidate.served())
        model, library = candidate.served(), libraries.of(candidate.served())
        samples = candidate.fitted.samples
        names: list[str] | None = None
        source: str | None = None
        refused = search = None
        try:
            name = candidate.fitted.names[0]
            samples, names, source = trace(samples, self.log, self.namespace, name)
        except Refused as error:
            refused = error
        if source is not None and self.log.written(source):
            source = None
        flattened = tensors.flattened(samples, self.log)
        if source is None or flattened:
            search = cutting.find(self.statements, self.log, candidate)
        if flattened and search is not None and search.cut is not None:
            source = None if tensors.are_samples(search.cut.rows) else source
        if refused is not None and (search is None or search.cut is None):
            why = "; ".join(search.blocked[-1:]) if search else ""
            raise Refused(f"{refused}" + (f" Its rows as loaded: {why}." if why else ""))
        definitions = own.adopt(models.made_of(model), self.statements, self.namespace)
        models.require_importable(model)
        rows, answers, probabilities = models.answers_of(candidate, samples)
        learned_from = candidate.fitted.target
        answered = outputs.answered(model, learned_from, answers)
        count = answers.shape[1] if answered else None
        named = classes.named(model, learned_from, candidate.fitted.samples, self.log, count)
        target = targets.name_of(
            learned_from,
            candidate.fitted.samples,
            [table for _, table in self.log.sources],
            self._made_of(search, source, rows, names),
        )
        values = {
            "estimator": library.write(model, folder),
            "options": candidate.options(),
            "rows": rows,
            "answers": answers,
            "probabilities": probabilities,
            "names": names or (None if hasattr(rows, "columns") else library.names(model)),
            "target": named.column or target if named else target,
            "labels": named.labels if named else outputs.own_labels(model) if answered else None,
            "answered": answered,
        }
        facts: dict[str, Any] = {
            "level": "raw" if source else "direct",
            "code": {},
            "tests": {},
            "cut": {},
        }
        facts["why"] = "its rows are not found, unchanged, in what the notebook loads"
        asked: Any = model
        prepared: tuple[proving.Cut, dict[str, Any], dict[str, Any]] | None = None
        if source:
            facts["why"] = f"its rows are those of {source}, unchanged"
            facts.update(self._training_alone(candidate, rows, folder, definitions))
            if "train.py" not in facts["code"]:
                prepared = self._trainable(values, candidate, folder, definitions)
        elif search is not None and search.cut is not None:
            prepared = self._cut(search, values, candidate, folder, definitions)
        elif search is not None:
            facts["blocked"] = search.blocked
            facts["remark"] = (
                "There is no training code, since nothing that makes the model's inputs of the "
                "rows as loaded could be proven."
            )
        if prepared is not None:
            cut, change, more = prepared
            facts.pop("remark", None)
            values.update(change)
            facts.update(more)
            from . import testing  # it needs pandas, which is there where a cut is

            with_own = {**facts["code"], **({"own.py": definitions} if definitions else {})}
            if hasattr(cut.rows, "iloc"):  # nobody could read an array in a test
                tests, notes = testing.tested(cut, candidate, self.log, with_own, folder, made_up)
                facts["tests"] = tests
                facts["cut"]["notes"] += notes
            asked = handing.Served(cut, model, candidate.options())
        if definitions:
            facts["code"] = {**facts["code"], "own.py": definitions}
        answers_to = {key: values[key] for key in ("rows", "answers", "probabilities")}
        of = pictures if pictures.are_pictures(answers_to["rows"]) else tensors
        answers_to, sampled = of.fewer(answers_to)
        values.update(answers_to)
        rows, names = values["rows"], values["names"]
        values["personal"] = personal.columns(rows, names)
        if made_up:
            values["synthetic"] = synthetic.answered(asked, rows, names, values["personal"])
        with io.open(os.path.join(folder, "handover.pickle"), "wb") as file:
            pickle.dump(values, file, protocol=5)
        return {
            **facts,
            "rows": tables.rows(rows),
            "inputs": 1 if tensors.are_samples(rows) else tables.width(rows),
            "columns": [name for name, _ in tables.named_columns(rows[:1], names)],
            "target": values["target"],
            "labels": values["labels"],
            "personal": values["personal"],
            "documents": self.log.documents,
            "packages": models.packages(values, model, facts["code"].values()),
            "remarks": [
                *models.remarks(model, learned_from, answers),
                *outputs.remarks(answered, learned_from, answers),
                *([facts["remark"]] if "remark" in facts else []),
                *(f"{said[0].upper()}{said[1:]}." for said in _of_files(facts.get("blocked", ()))),
                *([sampled] if sampled else []),
            ],
        }

    def _cut(
        self,
        search: cutting.Search,
        values: Mapping[str, Any],
        candidate: Candidate,
        folder: str,
        definitions: str,
    ) -> tuple[proving.Cut, dict[str, Any], dict[str, Any]]:
        """Hand over the rows at the cut: the leanest for which the training code runs."""
        name = self.job.get("notebook", "the notebook")
        for tried in filter(None, (search.cut, search.whole)):
            change, facts, kept = handing.handover(
                search._replace(cut=tried), values, self.statements, name, candidate
            )
            code, said = handing.trained(
                tried, kept, candidate, self.log, folder, name, definitions
            )
            facts["code"] = {**facts["code"], **code}
            facts["cut"]["notes"].append(said)
            if "train.py" in code:
                break
        return tried, change, facts

    def _trainable(
        self, values: Mapping[str, Any], candidate: Candidate, folder: str, definitions: str
    ) -> tuple[proving.Cut, dict[str, Any], dict[str, Any]] | None:
        """Return the cut of a model whose rows are loaded, if only its code can be trained.

        So it is where a notebook chooses the columns in the call of ``fit``.
        """
        if libraries.of(candidate.served()).loops:
            return None
        search = cutting.find(self.statements, self.log, candidate)
        if search.cut is None:
            return None
        prepared = self._cut(search, values, candidate, folder, definitions)
        return prepared if "train.py" in prepared[2]["code"] else None

    def _made_of(
        self, search: cutting.Search | None, source: str | None, rows: Any, names: Any
    ) -> targets.Made | None:
        """Return the rows as loaded and what the model takes of them."""
        if search is not None and search.cut is not None:
            return handing.made_of(search.cut)
        for name, table in reversed(self.log.sources):
            if name != source or not hasattr(table, "columns"):
                continue
            columns = list(rows.columns) if hasattr(rows, "columns") else names
            if columns and set(columns) <= set(table.columns):
                return targets.Made(table, table[columns])
        return None

    def _training_alone(
        self, candidate: Candidate, rows: Any, folder: str, definitions: str
    ) -> dict[str, Any]:
        """Write the training code of a model that takes its rows as they were loaded."""
        if libraries.of(candidate.served()).loops:
            return {"remark": handing.LOOPS}
        search = cutting.last(self.statements, self.log, candidate)
        if search.cut is None:
            return {"remark": f"There is no training code: {search.blocked[0]}."}
        kept = handing.answered(search.cut, rows)
        name = self.job.get("notebook", "the notebook")
        code, said = handing.trained(
            search.cut, kept, candidate, self.log, folder, name, definitions
        )
        return {"code": code, "remark": said}

    def _doubts(self, candidate: Candidate) -> list[str]:
        """Name the failed statements that may have fitted or saved the model that is meant."""
        doubts = []
        for index, statement in enumerate(self.statements):
            later = index > candidate.fitted.statement
            refitted = later and statement.calls("fit", "fit_predict", "partial_fit")
            rebound = later and candidate.name in statement.binds
            meant = candidate.saved or candidate.name in statement.reads
            saved = statement.calls("dump", "save_model") and not meant
            if statement.error and (refitted or rebound or saved):
                doubts.append(f"cell {statement.cell}: {first_line(statement.source)}")
        return doubts

    def _require_sound(self, candidate: Candidate) -> None:
        """Refuse a model that a failed statement, or an unreadable cell, would have shaped."""
        at = candidate.fitted.statement
        failed = statements.lost(self.statements, at)
        if failed:
            statement, names = failed
            raise Refused(
                f"Cell {statement.cell} fails, and the model depends on what it makes "
                f"({', '.join(names)}):\n  {first_line(statement.source)}\n  {statement.error}"
            )

    def _names(self) -> dict[int, str]:
        """Map each object's id to how the notebook says it: ``model``, ``models['forest']``."""
        names: dict[int, str] = {}
        for name, value in self.namespace.items():
            if name.startswith("_"):
                continue
            names.setdefault(id(libraries.predicting(value)), name)
            inner = list(value.items()) if isinstance(value, dict) else []
            inner = list(enumerate(value)) if isinstance(value, (list, tuple)) else inner
            for key, part in inner[:1000]:
                names.setdefault(id(libraries.predicting(part)), f"{name}[{key!r}]")
        return names


class _Shell:
    """Stands in for IPython's shell: every call does nothing."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *args, **kwargs: None


def _random_state(before: tuple[Any, Any]) -> tuple[Any, Any]:
    """Return the state of the generators that a notebook shares without naming them.

    What is as ``before`` is kept once, as a state takes 20 KB.
    """
    state = random.getstate()
    numpy = sys.modules.get("numpy.random")
    drawn = None if numpy is None else numpy.get_state()
    if drawn and before[1] and drawn[2:] == before[1][2:]:
        drawn = before[1] if (drawn[1] == before[1][1]).all() else drawn
    return before[0] if state == before[0] else state, drawn


def _of_files(blocked: Iterable[str]) -> list[str]:
    """Return why the files of pictures are not served, if they are not."""
    return [said for said in blocked if said.startswith(reading.REFUSED)]


def _refuse_input(*_: Any) -> str:
    raise NotAnswered("the cell asks for input, and nobody is there to type it")


def _said(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # it is the notebook's own class
        return "it does not say why"


def _limit_processor_time(seconds: float) -> None:
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_PROF, seconds)
