"""Run a notebook's cells, statement by statement, and record what its models learned from.

This file is run by the *notebook's* interpreter (Python 3.9 or newer), which knows nothing of
mlship: it needs the standard library only, and takes what the notebook itself imports.

It speaks JSON, one message a line, with the process that started it: what it is to run comes in
on standard input; progress, the record and the handover go out on standard output. The
notebook's own output is dropped. The process stays alive after the run until it is told which
model to hand over, so that a person can be asked in between.
"""

from __future__ import annotations

import ast
import builtins
import copy
import functools
import hashlib
import importlib.metadata
import io
import json
import numbers
import os
import pickle
import platform
import signal
import sys
import traceback
import types
import warnings

FITS = ("fit", "fit_predict")
ANSWERS = ("predict", "predict_proba", "fit_predict", "score")
HOOKED = ("fit", "fit_predict", "fit_transform", "transform", "predict", "predict_proba", "score")
READERS = ("csv", "excel", "table", "json", "parquet", "pickle", "feather", "fwf", "stata", "xml")
ROWS_COMPARED = 200_000
LITERAL_ROWS = 6
"""An array of fewer rows that is predicted is taken for numbers typed in by hand."""


class Refused(Exception):
    """The chosen model cannot be handed over; the message says why."""


class NotAnswered(Exception):
    """The notebook asks a person for input, and nobody is there."""


class Statement:
    """One top-level statement of a cell, with the names that it reads and writes."""

    def __init__(self, cell, node, source):
        self.cell = cell
        self.node = node
        self.source = source
        self.line = node.lineno
        self.error = None
        self.writes, self.mutates = _written(node)
        self.reads = {
            n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)
        }


class Event:
    """One call of a fit, predict or score method by the notebook's own code."""

    def __init__(self, kind, statement, owner, samples, target, result):
        self.kind = kind
        self.statement = statement
        self.owner = owner
        self.samples = samples
        self.target = target
        self.result = result


class Recorder:
    """The namespace that the notebook runs in, and what happened there."""

    def __init__(self, job, send):
        self.job = job
        self.send = send
        self.module = types.ModuleType("__main__")
        self.namespace = self.module.__dict__
        self.statements = []
        self.current = -1
        self.events = []
        self.sources = []  # (name, frame or (names, array)): what the notebook loaded
        self.named = []  # (names, array): matrices whose columns have known names
        self.saved = []  # (statement, object)
        self.metrics = []
        self.files = {}
        self.depth = 0
        self.originals = {}  # id of a function -> (the function, its hooked twin)
        self.hooked_classes = set()
        self.modules_seen = 0
        self.notes = []
        self.snapshots = {}

    # ------------------------------------------------------------------ running

    def run(self):
        """Run every cell; a statement that fails is noted and passed over."""
        sys.modules["__main__"] = self.module
        self.namespace.update(
            __builtins__=builtins, display=lambda *a, **k: None, get_ipython=lambda: _Shell()
        )
        builtins.input = _refuse_input
        sys.path.insert(0, os.getcwd())
        for number, source in self.job["cells"]:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    body = ast.parse(source).body
            except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
                self.notes.append(
                    {"cell": number, "kind": "unreadable", "text": str(error).splitlines()[0]}
                )
                continue
            for node in body:
                text = ast.get_source_segment(source, node) or ""
                self.statements.append(Statement(number, node, text))
        total = len(self.job["cells"])
        last = None
        for index, statement in enumerate(self.statements):
            if statement.cell != last:
                last = statement.cell
                self.send({"event": "cell", "number": last, "of": total})
                _limit(self.job["cell_seconds"])
            self.current = index
            self.execute(statement)
        _limit(0)
        self.depth = 1  # from here on, nothing is recorded

    def execute(self, statement):
        """Run one statement in the notebook's namespace."""
        code = ast.Module([statement.node], [])
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                exec(compile(code, "<cell %s>" % statement.cell, "exec"), self.namespace)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            statement.error = "%s: %s" % (type(error).__name__, error)
            self.depth = 0
        if len(sys.modules) != self.modules_seen or isinstance(statement.node, ast.ClassDef):
            self.modules_seen = len(sys.modules)
            self.install_hooks()

    # ------------------------------------------------------------------ hooks

    def from_notebook(self):
        """Say whether the hooked call comes from the notebook, not from inside a library."""
        if self.depth:
            return False
        caller = sys._getframe(2).f_globals
        return caller is self.namespace or str(caller.get("__file__", "")).startswith(os.getcwd())

    def install_hooks(self):
        """Hook what the last imports brought, and rebind names that were imported from there."""
        modules = sys.modules
        if "sklearn.base" in modules:
            self.hook_classes(modules["sklearn.base"].BaseEstimator)
        for name, root in (("catboost", "CatBoost"), ("catboost.core", "CatBoost")):
            if hasattr(modules.get(name), root):
                self.hook_classes(getattr(modules[name], root))
        if "sklearn.metrics" in modules:
            self.hook_functions("sklearn.metrics", _is_metric, self.hooked_metric)
        if "sklearn.datasets" in modules:
            self.hook_functions("sklearn.datasets", _is_loader, self.hooked_loader)
        if "pandas" in modules:
            self.hook_functions(
                "pandas", lambda n: n in {"read_" + r for r in READERS}, self.hooked_reader
            )
        if "numpy" in modules:
            self.hook_functions("numpy", lambda n: n in ("loadtxt", "genfromtxt", "load"), self.hooked_reader)
        for name in ("pickle", "joblib"):
            if name in modules:
                self.hook_functions(name, lambda n: n == "dump", self.hooked_dump)
        if "matplotlib.pyplot" in modules:
            plots = modules["matplotlib.pyplot"]
            plots.show = lambda *a, **k: plots.close("all")
        for name, value in list(self.namespace.items()):
            if id(value) in self.originals and self.originals[id(value)][0] is value:
                self.namespace[name] = self.originals[id(value)][1]

    def hook_functions(self, module_name, wanted, make):
        """Replace the module's functions whose name is ``wanted`` by hooked ones."""
        module = sys.modules[module_name]
        for name in dir(module):
            function = getattr(module, name, None)
            if wanted(name) and callable(function) and not hasattr(function, "__recorded__"):
                hooked = make(function, name)
                hooked.__recorded__ = True
                self.originals[id(function)] = (function, hooked)
                setattr(module, name, hooked)

    def hook_classes(self, root):
        """Hook the methods of ``root``, everything below it, and the mix-ins of those."""
        waiting = [root]
        while waiting:
            cls = waiting.pop()
            waiting.extend(cls.__subclasses__())
            for base in cls.__mro__[:-1]:
                if base not in self.hooked_classes:
                    self.hooked_classes.add(base)
                    self.hook_methods(base)

    def hook_methods(self, cls):
        """Hook the methods that ``cls`` itself defines."""
        for name in HOOKED:
            method = cls.__dict__.get(name)
            try:
                if isinstance(method, types.FunctionType):
                    setattr(cls, name, self.hooked_method(method, name))
                elif hasattr(method, "fn"):  # scikit-learn's available_if
                    method.fn = self.hooked_method(method.fn, name)
            except (AttributeError, TypeError):
                continue

    def hooked_method(self, method, kind):
        """Wrap a method so that the notebook's own calls of it become events."""
        recorder = self

        @functools.wraps(method)
        def hooked(self, *args, **kwargs):
            if not recorder.from_notebook():
                return method(self, *args, **kwargs)
            samples = args[0] if args else kwargs.get("X", kwargs.get("data"))
            target = args[1] if len(args) > 1 else kwargs.get("y")
            before = recorder.snapshot(samples)
            recorder.depth += 1
            try:
                result = method(self, *args, **kwargs)
            finally:
                recorder.depth -= 1
            recorder.record(kind, self, before, target, result)
            return result

        return hooked

    def record(self, kind, owner, samples, target, result):
        """Keep what a fit, predict or score call was given and answered."""
        if kind in ("transform", "fit_transform"):
            names = _names_out(owner, result)
            if names:
                self.named.append((names, result))
            return
        if hasattr(owner, "predict"):
            target = self.snapshot(target)
            kept = result if kind in ANSWERS else None
            self.events.append(Event(kind, self.current, owner, samples, target, kept))
            if kind == "score" and _is_number(result):
                name = "accuracy" if _is_classifier(owner) else "r2"
                self.measure(name, float(result), owner, samples)

    def measure(self, name, value, owner, samples):
        """Keep one number that the notebook measured."""
        self.metrics.append(
            {"name": name, "value": value, "statement": self.current, "owner": owner,
             "samples": samples}
        )

    def hooked_metric(self, function, name):
        """Wrap a function of sklearn.metrics."""

        @functools.wraps(function)
        def hooked(*args, **kwargs):
            recorded = self.from_notebook()
            result = function(*args, **kwargs)
            if recorded and _is_number(result):
                answers = args[1] if len(args) > 1 else kwargs.get("y_pred", kwargs.get("y_score"))
                event = next((e for e in reversed(self.events) if e.result is answers), None)
                if event is None:
                    event = next((e for e in reversed(self.events) if _same(e.result, answers)), None)
                if event is not None:
                    self.measure(name.replace("_score", ""), float(result), event.owner, event.samples)
            return result

        return hooked

    def hooked_reader(self, function, name):
        """Wrap a reader of data files: find the file, and remember what it held."""

        @functools.wraps(function)
        def hooked(path, *args, **kwargs):
            if not self.from_notebook():
                return function(path, *args, **kwargs)
            self.depth += 1
            try:
                path = self.find(path)
                result = function(path, *args, **kwargs)
            finally:
                self.depth -= 1
            if hasattr(result, "columns"):
                self.sources.append((str(path), result.copy()))
            return result

        return hooked

    def hooked_loader(self, function, name):
        """Wrap a data set of sklearn.datasets."""

        @functools.wraps(function)
        def hooked(*args, **kwargs):
            result = function(*args, **kwargs)
            if self.from_notebook():
                data = getattr(result, "data", None)
                names = [str(n) for n in getattr(result, "feature_names", None) or []]
                frame = getattr(result, "frame", None)
                if frame is not None:
                    self.sources.append((name, frame.copy()))
                if hasattr(data, "columns"):
                    self.sources.append((name, data.copy()))
                elif names and getattr(data, "ndim", 0) == 2:
                    self.sources.append((name, (names, data.copy())))
            return result

        return hooked

    def hooked_dump(self, function, name):
        """Wrap pickle.dump and joblib.dump: what a notebook saves is what it means to serve."""

        @functools.wraps(function)
        def hooked(value, *args, **kwargs):
            if self.from_notebook():
                self.saved.append((self.current, value))
            return function(value, *args, **kwargs)

        return hooked

    def find(self, path):
        """Return where the data file is on this machine, and remember its hash."""
        if not isinstance(path, (str, os.PathLike)) or "://" in str(path):
            return path
        name = str(path).replace("\\", "/").rsplit("/", 1)[-1]
        places = [os.fspath(path), os.path.join(self.job["origin"], os.fspath(path))]
        if name in self.job["maps"]:
            places.insert(0, self.job["maps"][name])
        if not any(os.path.isfile(place) for place in places):
            matches = [
                os.path.join(folder, file)
                for folder, _, files in os.walk(os.getcwd())
                for file in files
                if file.lower() == name.lower()
            ]
            if len(matches) > 1:
                raise FileNotFoundError(
                    "%s is not there, and several files have its name: say which with --map %s=PATH"
                    % (path, name)
                )
            places.extend(matches)
        for place in places:
            if os.path.isfile(place):
                if place != os.fspath(path):
                    note = "read %s in place of %s" % (name, path)
                    self.notes.append(
                        {"cell": self.statements[self.current].cell, "kind": "mapped", "text": note}
                    )
                with open(place, "rb") as file:
                    self.files[name] = hashlib.sha256(file.read()).hexdigest()
                return place
        return path

    def snapshot(self, value):
        """Copy what may be changed later; the same content is kept once."""
        if value is None or isinstance(value, (str, int, float)):
            return value
        key = _digest(value)
        if key is not None and key in self.snapshots:
            return self.snapshots[key]
        try:
            kept = value.copy() if hasattr(value, "copy") else copy.copy(value)
        except Exception:
            return value
        if key is not None:
            self.snapshots[key] = kept
        return kept

    # ------------------------------------------------------------------ models

    def candidates(self):
        """Return the fitted models, the likeliest first."""
        found = {}
        for position, event in enumerate(self.events):
            owner = self.owner_of(event)
            if event.kind in FITS:
                found.setdefault(id(owner), Candidate(owner)).fit(position, event)
        for position, event in enumerate(self.events):
            candidate = found.get(id(self.owner_of(event)))
            if candidate and event.kind in ANSWERS and position > candidate.fitted_at:
                candidate.answered.append(event)
            elif candidate and event.kind in ANSWERS:
                candidate.stale += event.kind == "predict"
        for statement, value in self.saved:
            parts = list(value.values()) if isinstance(value, dict) else [value]
            parts += list(value) if isinstance(value, (list, tuple)) else []
            for part in parts:
                if id(part) in found:
                    found[id(part)].saved = self.statements[statement].cell
        for metric in self.metrics:
            candidate = found.get(id(metric["owner"]))
            if candidate and metric["statement"] >= candidate.event.statement:
                candidate.metrics.append(metric)
        names = self.names()
        for candidate in found.values():
            candidate.name = names.get(id(candidate.model))
        ranked = [c for c in found.values() if c.supervised()]
        ranked = ranked or list(found.values())
        return sorted(ranked, key=lambda c: (c.rank(), c.last()), reverse=True)

    def owner_of(self, event):
        """Return the search that an event's object came out of, or the object itself."""
        for other in self.events:
            if other.kind in FITS and getattr(other.owner, "best_estimator_", None) is event.owner:
                return other.owner
        return event.owner

    def names(self):
        """Map the id of each object to how the notebook can say it."""
        names = {}
        for name, value in self.namespace.items():
            if name.startswith("_"):
                continue
            names.setdefault(id(value), name)
            if isinstance(value, dict):
                inner = list(value.items())
            elif isinstance(value, (list, tuple)):
                inner = list(enumerate(value))
            else:
                continue
            for key, part in inner[:1000]:
                names.setdefault(id(part), "%s[%r]" % (name, key))
        return names

    def record_of(self, candidates):
        """Describe the run for the process that started it."""
        return {
            "python": platform.python_version(),
            "executable": sys.executable,
            "statements": len(self.statements),
            "errors": [
                {"cell": s.cell, "line": s.line, "error": _first_line(s.error), "source": s.source[:200]}
                for s in self.statements
                if s.error
            ],
            "notes": self.notes,
            "files": [{"name": n, "sha256": h} for n, h in self.files.items()],
            "models": [self.model_of(c) for c in candidates],
        }

    def model_of(self, candidate):
        """Describe one fitted model."""
        fitted = self.statements[candidate.event.statement]
        return {
            "name": candidate.name,
            "estimator": type(candidate.model).__name__,
            "served": type(candidate.served()).__name__,
            "cell": fitted.cell,
            "rank": candidate.rank(),
            "reasons": candidate.reasons(),
            "samples": _shape(candidate.event.samples),
            "parameters": _parameters(candidate.served()),
            "stale_predictions": candidate.stale,
            "metrics": [
                {
                    "name": m["name"],
                    "value": m["value"],
                    "cell": self.statements[m["statement"]].cell,
                    "rows": "its training rows" if m["samples"] is candidate.event.samples else "other rows",
                }
                for m in candidate.metrics
            ],
        }

    def hand_over(self, candidate, folder):
        """Write the chosen model, its rows and its answers; return what is known of them.

        Raises:
            Refused: the model or what it was fitted on cannot be served.
        """
        self.require_untouched(candidate)
        estimator = candidate.served()
        samples, names, level, why = self.rows_of(candidate)
        samples, answers, probabilities = self.answers_of(candidate, estimator, samples)
        foreign = _foreign_modules(estimator)
        if foreign:
            raise Refused(
                "The model holds %s, which only the notebook defines. Move it into a module that "
                "is installed, or use what the library has." % ", ".join(foreign)
            )
        values = {
            "estimator": estimator,
            "rows": samples,
            "answers": answers,
            "probabilities": probabilities,
            "names": names,
            "target": _target_name(candidate.event.target),
        }
        with open(os.path.join(folder, "handover.pickle"), "wb") as file:
            pickle.dump(values, file, protocol=5)
        return {
            "level": level,
            "why": why,
            "rows": len(samples),
            "inputs": _width(samples),
            "packages": _packages(values),
        }

    def require_untouched(self, candidate):
        """Refuse a model when a statement that failed would have shaped it or its rows."""
        at = candidate.event.statement
        needed = set(self.statements[at].reads)
        for statement in reversed(self.statements[:at]):
            touched = statement.writes | statement.mutates
            if statement.error:
                lost = sorted((statement.writes | _changed_by_failure(statement.node)) & needed)
                if lost:
                    raise Refused(
                        "Cell %s fails, and the model depends on what it makes (%s):\n  %s\n  %s"
                        % (statement.cell, ", ".join(lost), statement.source.splitlines()[0],
                           _first_line(statement.error))
                    )
            elif touched & needed:
                needed = (needed - statement.writes) | statement.reads
        for note in self.notes:
            if note["kind"] == "unreadable" and note["cell"] <= self.statements[at].cell:
                source = dict(self.job["cells"])[note["cell"]]
                lost = sorted(n for n in needed | set(self.statements[at].reads) if n + " =" in source)
                if lost:
                    raise Refused(
                        "Cell %s cannot be read (%s), and the model depends on what it makes (%s)."
                        % (note["cell"], note["text"], ", ".join(lost))
                    )

    def rows_of(self, candidate):
        """Return the rows the model was fitted on, the columns' names and the level."""
        samples = candidate.event.samples
        if type(samples).__module__.startswith("scipy.sparse"):
            raise Refused(
                "The model was fitted on a sparse matrix of %s columns that other code had "
                "prepared. Put that preparation and the model into one Pipeline."
                % samples.shape[1]
            )
        if isinstance(samples, (list, tuple)) and not all(isinstance(s, str) for s in samples):
            samples = _as_array(samples)
        shape = getattr(samples, "shape", (len(samples),))
        if len(shape) > 2:
            raise Refused("The model takes arrays of %s dimensions; only tables are served." % len(shape))
        if isinstance(samples, (list, tuple)) or hasattr(samples, "columns") or len(shape) == 1:
            source = self.source_of(samples)
            if source:
                return samples, None, "raw", "its rows are those of %s, unchanged" % source
            return samples, None, "direct", "the notebook prepared its rows before fitting"
        names, source, raw = self.names_of(samples)
        if raw:
            return samples, names, "raw", "its rows are those of %s, unchanged" % source
        return samples, names, "direct", "the notebook prepared its rows before fitting"

    def source_of(self, samples):
        """Return the loaded table that ``samples`` are unchanged rows and columns of, or None."""
        for name, source in reversed(self.sources):
            if not hasattr(source, "columns"):
                continue
            try:
                columns = list(samples.columns) if hasattr(samples, "columns") else samples.name
                same = source.loc[samples.index, columns]
                if same.shape == samples.shape and _same_types(same, samples) and same.equals(samples):
                    return name
            except (KeyError, AttributeError, TypeError, ValueError):
                continue
        return None

    def names_of(self, samples):
        """Find the names of an array's columns by their content: (names, source, loaded as is)."""
        wanted = _row_keys(samples)
        tables = [(n, t, True) for n, t in reversed(self.sources)]
        tables += [(n, v, False) for n, v in self.namespace.items() if hasattr(v, "columns") and hasattr(v, "loc")]
        tables += [(None, t, False) for t in reversed(self.named)]
        for name, table, loaded in tables:
            names, columns = _columns_of(table)
            chosen = _match_columns(samples, names, columns)
            if chosen is None:
                continue
            block = _stack([columns[i] for i in chosen])
            if block is not None and wanted is not None and wanted <= (_row_keys(block) or set()):
                return [str(names[i]) for i in chosen], name, loaded
        return None, None, False

    def answers_of(self, candidate, estimator, samples):
        """Ask the model, here where it was fitted, for all rows that the notebook gave it."""
        others = []
        for event in candidate.answered:
            if _like(event.samples, samples) and len(event.samples) >= LITERAL_ROWS:
                if not any(event.samples is other for other in [*others, candidate.event.samples]):
                    others.append(event.samples)
        rows = _concatenate([samples, *others])
        try:
            answers = _plain(estimator.predict(rows))
            proba = getattr(estimator, "predict_proba", None)
            probabilities = _plain(proba(rows)) if proba is not None else None
        except Exception as error:
            raise Refused(
                "The model does not answer the rows that it was fitted on: %s: %s"
                % (type(error).__name__, _first_line(str(error)))
            ) from None
        if len(answers) != len(rows):
            raise Refused("The model answered %s rows with %s answers." % (len(rows), len(answers)))
        return rows, answers, probabilities


class Candidate:
    """A model that the notebook fitted."""

    def __init__(self, model):
        self.model = model
        self.name = None
        self.saved = None
        self.answered = []
        self.stale = 0
        self.metrics = []

    def fit(self, position, event):
        """Take note of a fit; only the last one counts."""
        self.event = event
        self.fitted_at = position

    def last(self):
        """Return the last statement that used the model."""
        return max([self.event.statement] + [e.statement for e in self.answered])

    def supervised(self):
        """Say whether the model learned from a target."""
        return self.event.target is not None

    def served(self):
        """Return what would answer: the best estimator of a search, or the model itself."""
        if hasattr(self.model, "best_params_") or hasattr(self.model, "best_score_"):
            best = getattr(self.model, "best_estimator_", None)
            if best is not None:
                return best
        return self.model

    def composite(self):
        """Say whether this is a pipeline or a search rather than a bare estimator."""
        return hasattr(self.model, "steps") or hasattr(self.model, "best_score_")

    def used(self):
        """Say whether the model was asked for data, not typed-in numbers, after its last fit."""
        return any(_length(e.samples) >= LITERAL_ROWS for e in self.answered)

    def rank(self):
        """Return what decides between models, the weightiest first."""
        return [self.saved is not None, self.composite(), self.used(), self.name is not None]

    def reasons(self):
        """Say the rank in words."""
        words = ("the notebook saves it", "it is a pipeline or a search",
                 "it is asked for data after its last fit", "it has a name")
        return [word for word, holds in zip(words, self.rank()) if holds]


# ---------------------------------------------------------------------- what a statement touches


def _written(node):
    """Return the names that a statement binds, and those whose objects it may change."""
    binds, changes = set(), set()
    for part in ast.walk(node):
        if isinstance(part, ast.Name) and isinstance(part.ctx, (ast.Store, ast.Del)):
            binds.add(part.id)
        elif isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            binds.add(part.name)
        elif isinstance(part, (ast.Import, ast.ImportFrom)):
            binds.update((a.asname or a.name.split(".")[0]) for a in part.names)
        elif isinstance(part, (ast.Subscript, ast.Attribute)) and isinstance(part.ctx, ast.Store):
            changes.add(_root(part))
        elif isinstance(part, ast.Call):
            changes.add(_root(part.func) if isinstance(part.func, ast.Attribute) else None)
            changes.update(a.id for a in part.args if isinstance(a, ast.Name))
    if isinstance(node, ast.AugAssign):
        changes.add(_root(node.target))
    return binds, changes - {None}


def _changed_by_failure(node):
    """Return the names whose objects a failed statement was about to change for good."""
    lasting = {"fit", "append", "extend", "update", "insert", "add", "compile", "set_params"}
    names = set()
    for part in ast.walk(node):
        if isinstance(part, (ast.Subscript, ast.Attribute)) and isinstance(part.ctx, (ast.Store, ast.Del)):
            names.add(_root(part))
        elif isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute):
            inplace = any(
                k.arg == "inplace" and getattr(k.value, "value", True) for k in part.keywords
            )
            if inplace or part.func.attr in lasting:
                names.add(_root(part.func))
    return names - {None}


def _root(node):
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Call)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else None


# ---------------------------------------------------------------------- tables


def _columns_of(table):
    """Return the names and the one-dimensional columns of a frame or of (names, array)."""
    if isinstance(table, tuple):
        names, array = table
        return names, [array[:, i] for i in range(array.shape[1])]
    return list(table.columns), [table.iloc[:, i].to_numpy() for i in range(table.shape[1])]


def _match_columns(samples, names, columns):
    """Find which of ``columns`` each column of ``samples`` is: only if there is no doubt."""
    if samples.dtype.kind not in "iufb" or len(names) != len(columns):
        return None
    numeric = [i for i, c in enumerate(columns) if getattr(c, "dtype", None) is not None and c.dtype.kind in "iufb"]
    if samples.shape[1] == len(columns) == len(numeric):
        return numeric
    if len(numeric) < samples.shape[1] or len(samples) > ROWS_COMPARED:
        return None
    values = {i: set(columns[i].astype(float).tolist()) for i in numeric}
    chosen = []
    for position in range(samples.shape[1]):
        own = {v for v in samples[:, position].astype(float).tolist() if v == v}
        fitting = [i for i in numeric if own <= values[i]]
        if len(fitting) != 1:
            return None
        chosen.append(fitting[0])
    return chosen if len(set(chosen)) == len(chosen) else None


def _stack(columns):
    import numpy

    try:
        return numpy.column_stack([c.astype(float) for c in columns])
    except (TypeError, ValueError):
        return None


def _row_keys(array):
    """Return the set of an array's rows as bytes, or None where it holds no numbers."""
    import numpy

    array = numpy.asarray(array)
    if array.dtype.kind not in "iufb" or array.ndim != 2 or len(array) > ROWS_COMPARED:
        return None
    table = numpy.ascontiguousarray(array, dtype=float) + 0.0
    return {row.tobytes() for row in table}


def _names_out(transformer, result):
    """Return the names of a transformer's output columns if it knows its inputs' names."""
    if not hasattr(transformer, "feature_names_in_") or getattr(result, "ndim", 0) != 2:
        return None
    try:
        names = [str(n) for n in transformer.get_feature_names_out()]
    except Exception:
        return None
    return names if len(names) == result.shape[1] and not hasattr(result, "columns") else None


def _digest(value):
    """Return a key for the content of a table, or None where there is none."""
    try:
        if hasattr(value, "columns") or (hasattr(value, "index") and hasattr(value, "dtype")):
            import pandas

            content = pandas.util.hash_pandas_object(value, index=True).to_numpy().tobytes()
            label = str(getattr(value, "dtypes", "")) + str(list(getattr(value, "columns", [value.ndim])))
        elif type(value).__module__ == "numpy" and value.dtype.kind != "O":
            content, label = value.tobytes(), str(value.dtype) + str(value.shape)
        else:
            return None
    except Exception:
        return None
    return hashlib.blake2b(content + label.encode("utf-8", "replace")).hexdigest()


def _same(one, other):
    if one is None or other is None or type(one) is not type(other):
        return False
    key = _digest(one)
    return key is not None and key == _digest(other)


def _same_types(one, other):
    types_ = [list(getattr(t, "dtypes", None)) if t.ndim > 1 else [t.dtype] for t in (one, other)]
    return types_[0] == types_[1]


def _like(table, samples):
    """Say whether ``table`` has the same form and columns as ``samples``."""
    if type(table) is not type(samples):
        return False
    if hasattr(samples, "columns"):
        return list(table.columns) == list(samples.columns) and _same_types(table, samples)
    if isinstance(samples, list):
        return all(isinstance(t, str) for t in table)
    if hasattr(samples, "name"):
        return table.name == samples.name and table.dtype == samples.dtype
    return table.shape[1:] == samples.shape[1:] and table.dtype == samples.dtype


def _concatenate(tables):
    first = tables[0]
    if isinstance(first, (list, tuple)):
        return [row for table in tables for row in table]
    if hasattr(first, "iloc"):
        import pandas

        return pandas.concat(tables, ignore_index=True)
    import numpy

    return numpy.concatenate(tables)


def _as_array(samples):
    import numpy

    try:
        return numpy.asarray(samples)
    except ValueError:
        raise Refused("The model was fitted on a list that is no table.") from None


def _plain(values):
    """Return a model's answers as an array, whatever the library wraps them in."""
    import numpy

    if isinstance(values, list):
        raise Refused("The model answers several outputs a row; only one is served.")
    values = numpy.asarray(values)
    return values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values


def _length(samples):
    try:
        return len(samples) if not hasattr(samples, "shape") else samples.shape[0]
    except TypeError:
        return 0


def _width(samples):
    shape = getattr(samples, "shape", ())
    return shape[1] if len(shape) > 1 else 1


def _shape(samples):
    return {"kind": type(samples).__name__, "rows": _length(samples), "columns": _width(samples)}


def _target_name(target):
    name = getattr(target, "name", None)
    if name is None and getattr(target, "ndim", 0) == 2 and hasattr(target, "columns"):
        name = target.columns[0] if target.shape[1] == 1 else None
    return str(name) if name is not None else None


# ---------------------------------------------------------------------- the model itself


def _foreign_modules(estimator):
    """Return what the model is made of that lives in the notebook or in a file beside it."""
    foreign = []
    for module, name in sorted(_globals_of(estimator)):
        path = str(getattr(sys.modules.get(module.split(".")[0]), "__file__", "") or "")
        if module == "__main__" or path.startswith(os.getcwd()):
            foreign.append("%s.%s" % (module, name))
    return foreign


def _globals_of(value):
    """Return (module, name) of each class and function that a pickle of ``value`` refers to."""
    found = set()

    class Watching(pickle.Pickler):
        def reducer_override(self, part):
            if isinstance(part, (type, types.FunctionType, types.BuiltinFunctionType)):
                found.add((str(part.__module__), part.__qualname__))
            else:
                found.add((type(part).__module__, type(part).__qualname__))
            return NotImplemented

    try:
        Watching(io.BytesIO(), protocol=5).dump(value)
    except Exception as error:
        raise Refused("The model cannot be saved: %s" % _first_line(str(error))) from None
    return found


def _packages(values):
    """Return the installed distributions that the model and its rows are made of."""
    modules = {module.split(".")[0] for module, _ in _globals_of(values)}
    modules |= {m for m in ("numpy", "scipy", "joblib") if m in sys.modules}
    known = {"sklearn": ["scikit-learn"], "imblearn": ["imbalanced-learn"]}
    if hasattr(importlib.metadata, "packages_distributions"):
        known = importlib.metadata.packages_distributions()
    packages = {}
    for module in sorted(modules):
        for name in known.get(module, [module])[:1]:
            try:
                packages[name] = importlib.metadata.version(name).split("+")[0]
            except importlib.metadata.PackageNotFoundError:
                continue
    return packages


def _parameters(estimator):
    """Return the parameters that the notebook set, as text."""
    try:
        text = repr(estimator)
    except Exception:
        return ""
    inside = text.partition("(")[2].rpartition(")")[0]
    return " ".join(inside.split())[:300]


def _is_classifier(model):
    kind = getattr(model, "_estimator_type", None)
    return hasattr(model, "classes_") if kind is None else kind == "classifier"


def _is_number(value):
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def _is_metric(name):
    return name.endswith(("_score", "_error", "_loss")) and not name.startswith("_")


def _is_loader(name):
    return name.startswith(("load_", "fetch_"))


# ---------------------------------------------------------------------- the process


class _Shell:
    """Stands in for IPython's shell: every call does nothing."""

    def __getattr__(self, name):
        return lambda *args, **kwargs: None


def _refuse_input(*args):
    raise NotAnswered("the cell asks for input, and nobody is there to type it")


def _limit(seconds):
    """Stop a cell after so many seconds of processor time; 0 lifts the limit."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_PROF, seconds)


def _on_limit(*args):
    raise TimeoutError("the cell used up its processor time")


def _first_line(text):
    lines = str(text).strip().splitlines()
    return lines[0][:300] if lines else ""


def main():
    """Run the job that comes in, send the record, hand over the model that is asked for."""
    commands = os.fdopen(os.dup(0), encoding="utf-8")
    messages = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)

    def send(message):
        messages.write(json.dumps(message) + "\n")
        messages.flush()

    job = json.loads(commands.readline())
    os.chdir(job["folder"])
    if hasattr(signal, "SIGPROF"):
        signal.signal(signal.SIGPROF, _on_limit)
    recorder = Recorder(job, send)
    recorder.run()
    candidates = recorder.candidates()
    send({"event": "record", "record": recorder.record_of(candidates)})
    for line in commands:
        command = json.loads(line)
        try:
            facts = recorder.hand_over(candidates[command["model"]], command["folder"])
            send({"event": "handover", "facts": facts})
        except Refused as error:
            send({"event": "refused", "why": str(error)})
        except Exception:
            send({"event": "failed", "why": traceback.format_exc()})


if __name__ == "__main__":
    main()
