"""What a run leaves behind: the tables that were loaded, the models that were used, the scores."""

from __future__ import annotations

import copy
import hashlib
import numbers
import os
from collections.abc import Callable, Mapping
from typing import Any

from . import models, tables
from .models import Event, Names


class Log:
    """Listens to the hooks and keeps what they tell."""

    def __init__(self, job: Mapping[str, Any]) -> None:
        self.job = job
        self.statement = 0
        """The statement that runs, counted from 0, and its cell."""
        self.cell = 0
        self.events: list[Event] = []
        self.fitted: set[int] = set()
        """Ids of the estimators that were fitted since this was last cleared."""
        self.loaded: dict[tuple[int, int], tuple[str, Any]] = {}
        """What the k-th loader in a statement gave, with its name."""
        self._owners: dict[int, Any] = {}
        self.sources: list[tuple[str, Any]] = []
        """Tables as the notebook loaded them, with their names."""
        self.derived: list[Any] = []
        """Tables that transformers made, as (names, array)."""
        self.saved: list[Any] = []
        self.metrics: list[dict[str, Any]] = []
        self.files: dict[str, str] = {}
        """Data files that were read, with their SHA-256."""
        self.mapped: list[tuple[int, str]] = []
        self.places: dict[str, str] = {}
        """Where each data file is."""
        self.seconds = 0.0
        """How long the call took that is told of."""
        self._kept: dict[str, Any] = {}

    def keep(self, value: Any) -> Any:
        """Return a copy that the notebook cannot change; the same content is kept once."""
        key = tables.digest(value)
        if key is None:
            return tables.snapshot(value)
        if key not in self._kept:
            self._kept[key] = tables.snapshot(value)
        return self._kept[key]

    def called(
        self, kind: str, owner: Any, samples: Any, target: Any, result: Any, names: Names
    ) -> None:
        """Take note of a call of an estimator's method; ``names`` are its samples' and target's."""
        if kind.startswith("fit") or kind == "partial_fit":
            self.fitted.add(id(owner))
        if kind in ("transform", "fit_transform"):
            self._name_columns(owner, result)
        elif hasattr(owner, "predict"):
            answer = None if kind in ("fit", "partial_fit") else self.keep(result)
            event = Event(kind, self.statement, owner, samples, self.keep(target), answer, names)
            event.seconds = self.seconds
            self.events.append(event)
            self._owners[id(owner)] = owner
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
            name = os.path.basename(str(place))
            kept = self._load(name, result)
            if hasattr(result, "columns"):
                self.sources.append((name, kept))
            return result

        return read

    def loading(self, function: Callable[..., Any], name: str) -> Callable[..., Any]:
        """Make a data set of scikit-learn keep what it gave."""

        def load(*args: Any, **kwargs: Any) -> Any:
            result = function(*args, **kwargs)
            kept = self._load(name, result)
            data = getattr(kept, "data", None)
            names = getattr(kept, "feature_names", None)
            names = [] if names is None else [str(feature) for feature in names]
            frame = kept[0] if isinstance(kept, tuple) else getattr(kept, "frame", None)
            if frame is not None and hasattr(frame, "columns"):
                self.sources.append((name, frame))
            elif data is not None and names and data.ndim == 2 and not hasattr(data, "columns"):
                self.sources.append((name, (names, data)))
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

    def _load(self, name: str, value: Any) -> Any:
        """Keep a copy of what a loader gave, and return it."""
        turn = sum(statement == self.statement for statement, _ in self.loaded)
        kept = copy.deepcopy(value)
        self.loaded[self.statement, turn] = (name, kept)
        return kept

    def _measure(self, name: str, value: Any, event: Event) -> None:
        self.metrics.append(
            {
                "name": name,
                "value": float(value),
                "cell": self.cell,
                "statement": self.statement,
                "owner": self.model_of(event),
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
            inside = os.path.relpath(place)
            shown = os.path.abspath(place) if inside.startswith("..") else inside
            self.mapped.append((self.cell, f"{path} was read from {shown}"))
        self.places[name] = os.path.abspath(place)
        with open(place, "rb") as file:
            self.files[name] = hashlib.sha256(file.read()).hexdigest()
        return place

    def model_of(self, event: Event) -> Any:
        """Return the search that an event's object came out of, or the object itself."""
        for owner in self._owners.values():
            if getattr(owner, "best_estimator_", None) is event.owner:
                return owner
        return event.owner


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)
