"""The models that a notebook fitted: which one it means, and what is handed over of it."""

from __future__ import annotations

import ast
import contextlib
import importlib.metadata
import io
import os
import pickle
import sys
import types
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, Optional, Tuple

from . import libraries, tables
from .statements import first_line

FITS = ("fit", "fit_predict", "partial_fit")
LITERAL_ROWS = 6
"""A table of fewer rows that is predicted is taken for numbers typed in by hand."""
CLASSES = 2
"""A target with more values than these is a quantity."""
REASONS = (
    "the notebook saves it",
    "it learned from a target",
    "it is a pipeline or a search",
    "it is used to predict",
    "it has a name",
)


Names = Tuple[Optional[str], Optional[str]]


class Refused(Exception):
    """The model cannot be handed over; the message says why and what to do."""


class Given(NamedTuple):
    """What a method was given, as it was at that time."""

    samples: Any
    target: Any
    options: Mapping[str, Any]
    """Its other arguments, by name."""
    names: Names = (None, None)
    """The global names that were its samples and its target."""


class Event:
    """One call of a fit, predict or score method by the notebook's own code."""

    def __init__(self, kind: str, statement: int, owner: Any, given: Given, result: Any) -> None:
        self.kind = kind
        self.statement = statement
        self.owner = owner
        self.samples, self.target, self.options, self.names = given
        self.result = result
        self.seconds = 0.0
        self.parameters = ""
        """Of a fit, what the notebook had set, and what a search found best."""
        self.search: dict[str, Any] | None = None
        self.made: tuple[int, str, int] | None = None
        """Where the samples, which have no name, were made a tensor of: ``networks.Made``."""


class Candidate:
    """A model that the notebook fitted; only its last fit counts."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.name: str | None = None
        self.saved = False
        self.fitted: Event
        self.position = 0
        self.answered: list[Event] = []
        self.stale = 0
        self.metrics: list[dict[str, Any]] = []

    def fit(self, position: int, event: Event) -> None:
        """Take note of a fit."""
        self.fitted, self.position = event, position

    def last_use(self) -> int:
        """Return the last statement that used the model."""
        return max([self.fitted.statement, *(event.statement for event in self.answered)])

    def served(self) -> Any:
        """Return what would answer: the best estimator of a search, or the model itself."""
        best = getattr(self.model, "best_estimator_", None)
        return self.model if best is None else best

    def options(self) -> dict[str, Any]:
        """Return how the notebook asks, where that decides about the numbers."""
        last = self.fitted
        wanted = libraries.of(self.served()).options
        for event in self.answered:
            single = tables.cells(event.result) == tables.rows(event.samples)
            if event.kind == "predict" and (single or event.options.keys() <= set(wanted)):
                last = event
        given = {name: last.options.get(name) for name in wanted}
        return {name: _json(value) for name, value in given.items() if value is not None}

    def rank(self) -> list[bool]:
        """Return what decides between models, the weightiest first; ``REASONS`` says it."""
        return [
            self.saved,
            self.fitted.target is not None,
            hasattr(self.model, "steps") or hasattr(self.model, "cv_results_"),
            any(tables.rows(event.samples) >= LITERAL_ROWS for event in self.answered),
            self.name is not None,
        ]

    def reasons(self) -> list[str]:
        """Say the rank in words."""
        return [word for word, holds in zip(REASONS, self.rank()) if holds]


def answers_of(candidate: Candidate, samples: Any) -> tuple[Any, Any, Any]:
    """Ask the model, here where it was fitted, for every row that the notebook gave it.

    Returns:
        The rows (n), its answers (n) and its probabilities (n x classes, or None).

    Raises:
        Refused: the model does not answer them.
    """
    model = candidate.served()
    library = libraries.of(model)
    asked = [samples]
    for event in candidate.answered:
        if not tables.rows(event.samples):
            continue
        if event.kind == "predict":
            again = library.ask(model, event.samples, event.options)
        elif event.kind == "predict_proba":
            again = model.predict_proba(event.samples, **event.options)
        else:
            again = event.result
        if not tables.equal(again, event.result, library.tolerance):
            raise Refused(
                f"The model does not answer any more what the notebook saw from `{event.kind}`: it "
                "was changed after that, or answers at random."
            )
        known = any(event.samples is table for table in [*asked, candidate.fitted.samples])
        if not known and tables.alike(event.samples, samples):
            asked.append(event.samples)
    rows = library.answered(tables.concatenate(asked), model)
    return (rows, *ask(model, rows, candidate.options()))


def ask(
    model: Any, rows: Any, options: Mapping[str, Any] = MappingProxyType({})
) -> tuple[Any, Any]:
    """Return a model's answers to n rows and its probabilities, or None for those.

    The answers are n, or n x targets; the probabilities n x classes, or one such table for each
    target.

    Raises:
        Refused: the model does not answer them.
    """
    try:
        answers = libraries.of(model).ask(model, rows, options)
        probabilities: Any = None
        if hasattr(model, "predict_proba"):
            probabilities = model.predict_proba(rows)
    except Exception as error:  # whatever the library raises for its own rows
        raise Refused(
            "The model does not answer the rows that it was fitted on: "
            f"{type(error).__name__}: {first_line(str(error))}"
        ) from None
    return shaped(answers, probabilities, tables.rows(rows))


def shaped(answers: Any, probabilities: Any, count: int) -> tuple[Any, Any]:
    """Return what a model answered to ``count`` rows as ``ask`` does.

    Raises:
        Refused: it is nothing that is served.
    """
    answers = _plain(answers)
    if len(answers) != count:
        raise Refused(f"The model gave {len(answers)} answers to {count} rows.")
    if answers.ndim > 2:
        shape = " x ".join(map(str, answers.shape[1:]))
        raise Refused(
            f"The model answers {shape} numbers a row; labels, numbers and a list of numbers a row "
            "are served."
        )
    if answers.ndim > 1:
        by_target = isinstance(probabilities, list) and len(probabilities) == answers.shape[1]
        return answers, [_table(table) for table in probabilities] if by_target else None
    return answers, None if probabilities is None else _table(probabilities)


def require_importable(model: Any) -> None:
    """Refuse a model made of what only the notebook, or a file beside it, defines."""
    foreign = sorted(
        f"{module}.{name}"
        for module, name in made_of(model)
        if module == "__main__" or _lies_beside(module)
    )
    if foreign:
        raise Refused(
            f"The model is made of {', '.join(foreign)}, which only this notebook has. Move it "
            "into a package that is installed, or use what the library offers."
        )


def made_of(model: Any) -> set[tuple[str, str]]:
    """Return (module, name) of each class and function that a model is made of.

    Raises:
        Refused: it cannot be saved, or not be read back.
    """
    try:
        parts = libraries.of(model).parts(model)
    except Exception as error:  # whatever a library raises that cannot read its own model
        raise Refused(
            "The model cannot be read back outside the notebook: "
            f"{type(error).__name__}: {first_line(str(error))}"
        ) from None
    return _parts(parts)


def packages(values: Any, model: Any, code: Iterable[str] = ()) -> dict[str, str]:
    """Return the distributions, with versions, that a model, its rows and its code need."""
    modules = {module.split(".")[0] for module, _ in _parts(values)}
    for part in (part for text in code for part in ast.walk(ast.parse(text))):
        if isinstance(part, ast.Import):
            modules.update(alias.name.split(".")[0] for alias in part.names)
        elif isinstance(part, ast.ImportFrom) and part.module and not part.level:
            modules.add(part.module.split(".")[0])
    beside = ("joblib", "numpy", "scipy", *libraries.of(model).modules)
    modules |= {name for name in beside if name in sys.modules}
    known: Any = {"sklearn": ["scikit-learn"], "imblearn": ["imbalanced-learn"]}
    if hasattr(importlib.metadata, "packages_distributions"):  # from Python 3.10 on
        known = importlib.metadata.packages_distributions()
    found = {}
    for module in sorted(modules):
        for name in known.get(module, [module])[:1]:
            try:
                version = importlib.metadata.version(name).split("+")[0]
            except importlib.metadata.PackageNotFoundError:
                continue
            name = name.replace("_", "-")
            found[libraries.SMALLER.get(name, name)] = version
    for name, version in libraries.of(model).served_with.items():
        found.setdefault(name, version)
    return found


def remarks(model: Any, target: Any, answers: Any) -> list[str]:
    """Say what a reader of the answers must know: a score is no class yet."""
    import numpy

    library = libraries.of(model)
    if library.loops:
        return list(model.said)
    if library is libraries.SCIKIT_LEARN or target is None:
        return []
    if numpy.ndim(answers) == 2:
        return []
    classes = numpy.unique(numpy.asarray(target).astype(str))
    if len(classes) > CLASSES or numpy.asarray(answers).dtype.kind != "f":
        return []
    return [
        "The model answers a number for its classes. What the notebook makes of that number, with "
        "a threshold for one, is not part of the answer."
    ]


def metric_of(model: Any) -> str:
    """Return what ``score`` of this model measures, fitted or not."""
    base = sys.modules.get("sklearn.base")
    for kind, metric in (("classifier", "accuracy"), ("regressor", "r2")):
        if getattr(model, "_estimator_type", None) == kind:
            return metric
        # A foreign estimator need not have what scikit-learn asks for.
        with contextlib.suppress(Exception):
            if base is not None and getattr(base, f"is_{kind}")(model):
                return metric
    return "accuracy" if hasattr(model, "classes_") else "score"


def _json(value: Any) -> Any:
    """Say an option as JSON does: numbers, texts and lists of them."""
    if isinstance(value, (list, tuple)):
        return [_json(part) for part in value]
    value = value.item() if hasattr(value, "item") else value
    if not isinstance(value, (bool, int, float, str)):
        raise Refused(f"The notebook's `predict` is given {value!r}, which a service cannot keep.")
    return value


def _plain(values: Any) -> Any:
    values = _table(values)
    return values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values


def _table(values: Any) -> Any:
    import numpy

    if isinstance(values, list):
        raise Refused("The model answers a list, where a table of answers is served.")
    return numpy.asarray(values)


def _parts(value: Any) -> set[tuple[str, str]]:
    """Return (module, name) of each class and function that a pickle of ``value`` refers to."""
    found: set[tuple[str, str]] = set()

    class Watching(pickle.Pickler):
        def reducer_override(self, part: Any) -> Any:
            named = isinstance(part, (type, types.FunctionType, types.BuiltinFunctionType))
            owner = part if named else type(part)
            found.add((str(owner.__module__), str(owner.__qualname__)))
            return NotImplemented

    try:
        Watching(io.BytesIO(), protocol=5).dump(value)
    except Exception as error:  # pickling runs foreign code
        why = first_line(str(error))
        if "<lambda>" in why:
            why = "it holds a lambda. Write a named function in a package that is installed"
        raise Refused(f"The model cannot be saved: {why}.") from None
    return found


def _lies_beside(module: str) -> bool:
    path = getattr(sys.modules.get(module.split(".")[0]), "__file__", None)
    return str(path or "").startswith(os.getcwd() + os.sep)
