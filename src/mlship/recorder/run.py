"""Run the statements in one namespace, and keep what the hooks hear."""

from __future__ import annotations
import __future__

import ast
import builtins
import functools
import hashlib
import numbers
import operator
import os
import pickle
import platform
import signal
import sys
import types
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from . import models, statements, tables
from .hooks import Hooks
from .models import Candidate, Event, Refused
from .statements import Statement, first_line

_FUTURES = functools.reduce(
    operator.or_, (getattr(__future__, name).compiler_flag for name in __future__.all_feature_names)
)
FITS = ("fit", "fit_predict", "partial_fit")


CELLS_WATCHED = 2_000_000
"""Larger tables are not compared before and after each statement."""


class NotAnswered(Exception):
    """The notebook asks a person for input, and nobody is there."""


class Recorder:
    """A notebook's run: its namespace, what was loaded, fitted, answered and measured."""

    def __init__(self, job: Mapping[str, Any], send: Callable[[dict[str, Any]], None]) -> None:
        self.job = job
        self.send = send
        self.statements = statements.split(job["cells"])
        self.module = types.ModuleType("__main__")
        self.namespace: dict[str, Any] = self.module.__dict__
        self.hooks = Hooks(self.namespace, self)
        self.current = 0
        self.events: list[Event] = []
        self.sources: list[tuple[str, Any]] = []
        """Tables as the notebook loaded them, with their names."""
        self.derived: list[Any] = []
        """Tables that transformers made, as (names, array)."""
        self.saved: list[Any] = []
        self.metrics: list[dict[str, Any]] = []
        self.files: dict[str, str] = {}
        self.mapped: list[tuple[int, str]] = []
        self._kept: dict[str, Any] = {}
        self._future = 0

    # Running

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
            self.current = index
            if statement.error:
                continue
            if statement.cell != cell:
                cell = statement.cell
                self.send({"event": "cell", "number": cell, "of": total})
                _limit_processor_time(self.job["cell_seconds"])
            self._execute(statement)
        _limit_processor_time(0)
        self.hooks.silent = True

    def _execute(self, statement: Statement) -> None:
        before = {
            name: tables.digest(self.namespace.get(name))
            for name in statement.reads
            if tables.cells(self.namespace.get(name)) <= CELLS_WATCHED
        }
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                body, place = ast.Module([statement.node], []), f"<cell {statement.cell}>"
                code = compile(body, place, "exec", self._future, dont_inherit=True)
                if (
                    isinstance(statement.node, ast.ImportFrom)
                    and statement.node.module == "__future__"
                ):
                    self._future |= code.co_flags & _FUTURES
                exec(code, self.namespace)  # noqa: S102 - running the user's code is the task
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a notebook may raise anything, SystemExit too
            statement.error = f"{type(error).__name__}: {first_line(str(error))}"
            self.hooks.silent = False
            statement.lost = self._lost_by(statement, before)
        self.hooks.install()

    def _lost_by(self, statement: Statement, before: Mapping[str, str | None]) -> set[str]:
        """Return what a failed statement changed or was to change, under every name it has."""
        changed = statements.intended(statement, self.statements)
        changed |= {
            name
            for name, key in before.items()
            if key is not None and key != tables.digest(self.namespace.get(name))
        }
        objects = {id(self.namespace.get(name)) for name in changed} - {id(None)}
        aliases = {name for name, value in self.namespace.items() if id(value) in objects}
        return statement.binds | changed | aliases

    # What the hooks tell

    def keep(self, value: Any) -> Any:
        """Return a copy that the notebook cannot change; the same content is kept once."""
        key = tables.digest(value)
        if key is None:
            return tables.snapshot(value)
        if key not in self._kept:
            self._kept[key] = tables.snapshot(value)
        return self._kept[key]

    def called(self, kind: str, owner: Any, samples: Any, target: Any, result: Any) -> None:
        """Take note of a call of an estimator's method."""
        if kind in ("transform", "fit_transform"):
            self._name_columns(owner, result)
        elif hasattr(owner, "predict"):
            answer = None if kind in ("fit", "partial_fit") else self.keep(result)
            event = Event(kind, self.current, owner, samples, self.keep(target), answer)
            self.events.append(event)
            if kind == "score" and _is_number(result):
                name = "accuracy" if models.is_classifier(owner) else "r2"
                self._measure(name, result, event)

    def measuring(self, function: Callable[..., Any], name: str) -> Callable[..., Any]:
        """Make a function of sklearn.metrics tell whose predictions it measured."""

        def measured(*args: Any, **kwargs: Any) -> Any:
            result = function(*args, **kwargs)
            answers = args[1] if len(args) > 1 else kwargs.get("y_pred", kwargs.get("y_score"))
            asked = [event for event in reversed(self.events) if event.result is not None]
            event = next((e for e in asked if e.result is answers), None)
            event = event or next((e for e in asked if tables.same(e.result, answers)), None)
            if event and _is_number(result):
                self._measure(name.removesuffix("_score"), result, event)
            return result

        return measured

    def reading(self, function: Callable[..., Any], name: str) -> Callable[..., Any]:
        """Make a reader find its file on this machine, and keep what it read."""

        def read(path: Any, *args: Any, **kwargs: Any) -> Any:
            place = self._find(path)
            result = function(place, *args, **kwargs)
            if hasattr(result, "columns"):
                self.sources.append((os.path.basename(str(place)), result.copy()))
            return result

        return read

    def loading(self, function: Callable[..., Any], name: str) -> Callable[..., Any]:
        """Make a data set of scikit-learn keep what it gave."""

        def load(*args: Any, **kwargs: Any) -> Any:
            result = function(*args, **kwargs)
            data = getattr(result, "data", None)
            names = getattr(result, "feature_names", None)
            names = [] if names is None else [str(feature) for feature in names]
            frame = result[0] if isinstance(result, tuple) else getattr(result, "frame", None)
            if frame is not None and hasattr(frame, "columns"):
                self.sources.append((name, frame.copy()))
            elif data is not None and names and data.ndim == 2 and not hasattr(data, "columns"):
                self.sources.append((name, (names, data.copy())))
            return result

        return load

    def saving(self, function: Callable[..., Any], name: str) -> Callable[..., Any]:
        """Make ``dump`` tell what the notebook saves, which is what it means to serve."""

        def dump(value: Any, *args: Any, **kwargs: Any) -> Any:
            parts = list(value.values()) if isinstance(value, dict) else value
            self.saved.append(value)
            self.saved.extend(parts if isinstance(parts, (list, tuple)) else ())
            return function(value, *args, **kwargs)

        return dump

    def _measure(self, name: str, value: Any, event: Event) -> None:
        self.metrics.append(
            {
                "name": name,
                "value": float(value),
                "cell": self.statements[self.current].cell,
                "statement": self.current,
                "owner": self._model_of(event),
                "samples": event.samples,
            }
        )

    def _name_columns(self, transformer: Any, result: Any) -> None:
        """Keep the columns' names of what a transformer made, if it knows them."""
        if not hasattr(transformer, "feature_names_in_") or getattr(result, "ndim", 0) != 2:
            return
        try:
            names = [str(name) for name in transformer.get_feature_names_out()]
        except Exception:  # not every transformer can say
            return
        if type(result).__module__ == "numpy" and len(names) == result.shape[1]:
            plain = set(transformer.feature_names_in_)
            kind = type(transformer).__name__
            names = [f"{name} ({kind})" if name in plain else name for name in names]
            self.derived.append((names, self.keep(result)))

    def _find(self, path: Any) -> Any:
        """Return where a data file is on this machine, and remember its hash."""
        if not isinstance(path, (str, os.PathLike)) or "://" in str(path):
            return path
        name = os.path.basename(str(path).replace("\\", "/"))
        places = [str(path), os.path.join(self.job["origin"], str(path))]
        if name in self.job["maps"]:
            places.insert(0, self.job["maps"][name])
        if not any(map(os.path.isfile, places)):
            places = [
                os.path.join(folder, file)
                for folder, _, files in os.walk(self.job["folder"])
                for file in files
                if file.lower() == name.lower()
            ]
            if len(places) > 1:
                raise FileNotFoundError(
                    f"{path} is not there, and {len(places)} files have its name: say which with "
                    f"--map {name}=PATH"
                )
        place = next(filter(os.path.isfile, places), None)
        if place is None:
            return path
        if place != str(path):
            cell = self.statements[self.current].cell
            inside = os.path.relpath(place)
            shown = os.path.abspath(place) if inside.startswith("..") else inside
            self.mapped.append((cell, f"{path} was read from {shown}"))
        with open(place, "rb") as file:
            self.files[name] = hashlib.sha256(file.read()).hexdigest()
        return place

    # The models

    def candidates(self) -> list[Candidate]:
        """Return the fitted models, the likeliest first."""
        found: dict[int, Candidate] = {}
        for position, event in enumerate(self.events):
            if event.kind in FITS:
                model = self._model_of(event)
                found.setdefault(id(model), Candidate(model)).fit(position, event)
        for position, event in enumerate(self.events):
            candidate = found.get(id(self._model_of(event)))
            if candidate and event.result is not None:
                if position >= candidate.position:
                    candidate.answered.append(event)
                elif event.kind == "predict":
                    candidate.stale += 1
        for metric in self.metrics:
            candidate = found.get(id(metric["owner"]))
            if candidate and metric["statement"] >= candidate.fitted.statement:
                candidate.metrics.append(metric)
        names = self._names()
        for key, candidate in found.items():
            candidate.name = names.get(key)
            candidate.saved = any(
                value is candidate.model or value is candidate.served() for value in self.saved
            )
        return sorted(found.values(), key=lambda c: (c.rank(), c.last_use()), reverse=True)

    def describe(self, candidates: list[Candidate]) -> dict[str, Any]:
        """Describe the run and its models."""
        failed = [statement for statement in self.statements if statement.error]
        return {
            "python": platform.python_version(),
            "statements": len(self.statements),
            "errors": [
                {"cell": s.cell, "error": s.error, "source": s.source[:200]} for s in failed
            ],
            "notes": [{"cell": cell, "text": text} for cell, text in self.mapped],
            "files": [{"name": name, "sha256": value} for name, value in self.files.items()],
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
                    "parameters": models.parameters(candidate.served()),
                    "stale_predictions": candidate.stale,
                    "doubts": self._doubts(candidate),
                    "metrics": candidate.measured(),
                }
                for candidate in candidates
            ],
        }

    def hand_over(self, candidate: Candidate, folder: str) -> dict[str, Any]:
        """Write the model, its rows and its answers into ``folder``; return what is known of them.

        Raises:
            Refused: the model, or what it was fitted on, cannot be served.
        """
        self._require_sound(candidate)
        samples, names, source = self._rows_of(candidate)
        models.require_importable(candidate.served())
        rows, answers, probabilities = models.answers_of(candidate, samples)
        values = {
            "estimator": candidate.served(),
            "rows": rows,
            "answers": answers,
            "probabilities": probabilities,
            "names": names,
            "target": models.target_name(
                candidate.fitted.target, [table for _, table in self.sources]
            ),
        }
        with open(os.path.join(folder, "handover.pickle"), "wb") as file:
            pickle.dump(values, file, protocol=5)
        why = "its rows are not found, unchanged, in what the notebook loads"
        if source:
            why = f"its rows are those of {source}, unchanged"
        return {
            "level": "raw" if source else "direct",
            "why": why,
            "rows": tables.rows(rows),
            "inputs": tables.width(rows),
            "packages": models.packages(values),
        }

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

    def _rows_of(self, candidate: Candidate) -> tuple[Any, list[str] | None, str | None]:
        """Return the rows of the last fit, their columns' names, and where they were loaded.

        The last is None if the notebook prepared them.
        """
        samples = candidate.fitted.samples
        if type(samples).__module__.startswith("scipy.sparse"):
            raise Refused(
                f"The model was fitted on a sparse matrix of {samples.shape[1]} columns, which "
                "other code had made. Put that code and the model into one Pipeline."
            )
        if isinstance(samples, (list, tuple)):
            texts = all(isinstance(value, str) for value in samples)
            samples = list(samples) if texts else _as_array(samples)
        elif getattr(samples, "ndim", 0) == 1 and not hasattr(samples, "iloc"):
            samples = list(samples)
        kind = type(samples).__name__
        if samples is None or tables.rows(samples) == 0:
            raise Refused(f"The model was fitted on a {kind}, which is no table of rows.")
        if isinstance(samples, list):
            if not all(isinstance(value, str) for value in samples):
                raise Refused("The model takes single values that are no texts.")
            return samples, *self._texts_of(samples)
        if hasattr(samples, "iloc"):
            whole = (
                name for name, table in self._frames() if tables.unchanged_part(table, samples)
            )
            return samples, None, next(whole, None)
        if getattr(samples, "ndim", 0) != 2:
            raise Refused(f"The model was fitted on a {kind}; tables and texts are served.")
        return samples, *self._names_of(samples)

    def _frames(self) -> list[tuple[str, Any]]:
        return [(n, table) for n, table in reversed(self.sources) if hasattr(table, "columns")]

    def _texts_of(self, samples: list[str]) -> tuple[list[str] | None, str | None]:
        """Return the name of the loaded column that a list of texts is part of, and its file."""
        for source, table in self._frames():
            name = tables.texts_of(table, samples)
            if name:
                return [name], source
        return None, None

    def _names_of(self, samples: Any) -> tuple[list[str] | None, str | None]:
        """Return an array's column names and the file that it was loaded from.

        Neither is known unless every table that could be meant agrees.
        """
        loaded = [(source, tables.names_in(table, samples)) for source, table in self.sources]
        frames = [value for value in self.namespace.values() if hasattr(value, "columns")]
        made = [value for value in frames if hasattr(value, "iloc")] + self.derived
        named = [(source, names) for source, names in reversed(loaded) if names]
        others = [names for names in (tables.names_in(t, samples) for t in made) if names]
        found = [names for _, names in named] + others
        if not found or any(names != found[0] for names in found):
            return None, None
        return found[0], named[0][0] if named else None

    def _model_of(self, event: Event) -> Any:
        """Return the search that an event's object came out of, or the object itself."""
        owners = {id(other.owner): other.owner for other in self.events}
        for owner in owners.values():
            if getattr(owner, "best_estimator_", None) is event.owner:
                return owner
        return event.owner

    def _names(self) -> dict[int, str]:
        """Map each object's id to how the notebook says it: ``model``, ``models['forest']``."""
        names: dict[int, str] = {}
        for name, value in self.namespace.items():
            if name.startswith("_"):
                continue
            names.setdefault(id(value), name)
            inner = list(value.items()) if isinstance(value, dict) else []
            inner = list(enumerate(value)) if isinstance(value, (list, tuple)) else inner
            for key, part in inner[:1000]:
                names.setdefault(id(part), f"{name}[{key!r}]")
        return names


class _Shell:
    """Stands in for IPython's shell: every call does nothing."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *args, **kwargs: None


def _as_array(samples: Any) -> Any:
    import numpy

    try:
        return numpy.asarray(samples)
    except ValueError:
        raise Refused("The model was fitted on a list that is no table.") from None


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def _refuse_input(*_: Any) -> str:
    raise NotAnswered("the cell asks for input, and nobody is there to type it")


def _limit_processor_time(seconds: float) -> None:
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_PROF, seconds)
