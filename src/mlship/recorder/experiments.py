"""What the notebook tried: each fit with its parameters and scores, and cross-validations.

A model that is fitted in several cells, or with several parameters, is as many experiments.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import tables
from .log import Log
from .models import FITS, Candidate, Event
from .statements import Statement

Key = tuple[int, str, int]
"""A model's id, the parameters it was fitted with, the cell."""


class Experiment:
    """One model, fitted in one cell with the same parameters, once or several times."""

    def __init__(self, model: Any, parameters: str, cell: int) -> None:
        self.model = model
        self.parameters = parameters
        self.cell = cell
        self.fits: list[Event] = []
        self.scores: list[dict[str, Any]] = []
        self.validations: list[dict[str, Any]] = []


class Compared:
    """Says which rows a score was measured on; each pair of tables is compared once."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], str] = {}

    def __call__(self, samples: Any, fitted: Any) -> str:
        """Name ``samples`` by how many of its rows are among those that were fitted."""
        key = (id(samples), id(fitted))
        if key not in self._known:
            self._known[key] = _named(tables.share_of(samples, fitted), samples, fitted)
        return self._known[key]


def found(
    log: Log,
    statements: Sequence[Statement],
    candidates: Sequence[Candidate],
    names: Mapping[int, str],
    compared: Compared,
) -> list[dict[str, Any]]:
    """Describe every experiment, in the order of the cells.

    ``model`` is the position of the candidate that came out of it, None for an earlier fit of
    one, or an estimator that was cross-validated only.
    """
    tried: dict[Key, Experiment] = {}
    history: dict[int, list[tuple[int, Experiment, Event]]] = {}
    for position, event in enumerate(log.events):
        if event.kind in FITS:
            model, cell = log.model_of(event), statements[event.statement].cell
            key = (id(model), event.parameters, cell)
            experiment = tried.setdefault(key, Experiment(model, event.parameters, cell))
            experiment.fits.append(event)
            history.setdefault(id(model), []).append((position, experiment, event))
    for metric in log.metrics:
        before = [
            item for item in history.get(id(metric["owner"]), ()) if item[0] <= metric["position"]
        ]
        if before:
            _, experiment, fit = before[-1]
            experiment.scores += scores([metric], fit, compared)
    for validation in log.validations:
        _of(validation, tried).validations.append(validation["result"])
    fitted = {id(candidate.fitted): index for index, candidate in enumerate(candidates)}
    return [
        _description(experiment, fitted, names.get(id(experiment.model)))
        for experiment in sorted(tried.values(), key=lambda experiment: experiment.cell)
    ]


def scores(
    metrics: Sequence[Mapping[str, Any]], fit: Event, compared: Compared
) -> list[dict[str, Any]]:
    """Say what was measured after a fit, and on which rows."""
    return [
        {name: metric[name] for name in ("name", "value", "cell")}
        | {"rows": compared(metric["samples"], fit.samples)}
        for metric in metrics
    ]


def _of(validation: Mapping[str, Any], tried: dict[Key, Experiment]) -> Experiment:
    """Return the last fit of the estimator as it was cross-validated, or make it one of its own."""
    owner, parameters = validation["owner"], validation["parameters"]
    for experiment in reversed(list(tried.values())):
        if experiment.model is owner and experiment.parameters == parameters:
            return experiment
    cell = validation["result"]["cell"]
    return tried.setdefault((id(owner), parameters, cell), Experiment(owner, parameters, cell))


def _description(
    experiment: Experiment, fitted: Mapping[int, int], name: str | None
) -> dict[str, Any]:
    model = experiment.model
    last = experiment.fits[-1] if experiment.fits else None
    best = getattr(model, "best_estimator_", None)
    return {
        "estimator": type(model).__name__,
        "best": None if best is None else type(best).__name__,
        "name": name,
        "cell": experiment.cell,
        "fits": len(experiment.fits),
        "rows": tables.rows(last.samples) if last else None,
        "parameters": experiment.parameters,
        "search": last.search if last else None,
        "scores": experiment.scores,
        "cross_validations": experiment.validations,
        "model": fitted.get(id(last)) if last else None,
    }


def _named(share: float | None, samples: Any, fitted: Any) -> str:
    if share is None:
        return "rows that could not be compared"
    if share == 1:
        whole = tables.rows(samples) == tables.rows(fitted)
        return "its training rows" if whole else "some of its training rows"
    return "mostly its training rows" if share >= tables.MOSTLY else "other rows"
