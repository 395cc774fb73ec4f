"""What a run leaves behind: the tables that were loaded, the models that were used, the scores."""

from __future__ import annotations

import copy
import hashlib
import io
import math
import numbers
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from . import libraries, models, parameters, tables
from .figures import Figures
from .models import FITS, Event, Given, Names
from .networks import Networks
from .outputs import is_one_hot, places_of_ones
from .pictures import Pictures

CODERS = ("LabelBinarizer", "LabelEncoder", "OneHotEncoder", "OrdinalEncoder")
"""Transformers of scikit-learn that turn a column of names into one of codes."""
MAX_CLASSES = 1000
SYMMETRIC = (
    "accuracy_score", "mean_absolute_error", "mean_squared_error", "root_mean_squared_error",
)  # fmt: skip
"""Metrics that are the same whichever of targets and predictions comes first."""


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
        self.loads: dict[tuple[int, int], tuple[str, Any]] = {}
        """What the k-th loader in a statement gave, with its name."""
        self._owners: dict[int, Any] = {}
        self.sources: list[tuple[str, Any]] = []
        """Tables as the notebook loaded them, with their names."""
        self.derived: list[Any] = []
        """Tables that transformers made, as (names, array)."""
        self.encodings: list[tuple[Any, Any]] = []
        """Columns before and after a call that may have turned names into codes."""
        self.parts: list[tuple[Any, Any, Any]] = []
        """Columns before and after they were split, with the places of what was taken."""
        self.documents: list[str] = []
        """What the data sets of scikit-learn say of themselves."""
        self.resampled: list[tuple[Any, Any]] = []
        """Tables that a resampler made, each with the rows that it was given."""
        self.saved: list[Any] = []
        self.metrics: list[dict[str, Any]] = []
        self.validations: list[dict[str, Any]] = []
        """Cross-validations, with the estimator that was given and what came out."""
        self.figures = Figures(job.get("figures"))
        self.files: dict[str, str] = {}
        """Data files that were read, with their SHA-256."""
        self.mapped: list[tuple[int, str]] = []
        self.paths: dict[str, str] = {}
        """Where each data file is."""
        self.seconds = 0.0
        """How long the call took that is told of."""
        self._kept: dict[str, Any] = {}
        self._filled: dict[int, tuple[Any, Given]] = {}
        """What the containers of XGBoost, LightGBM and CatBoost were made of, by their ids."""
        self.networks = Networks(self)
        self.pictures = Pictures()

    def keep(self, value: Any) -> Any:
        """Return a copy that the notebook cannot change; the same content is kept once."""
        key = tables.digest(value)
        if key is None:
            return tables.snapshot(value)
        if key not in self._kept:
            self._kept[key] = tables.snapshot(value)
        return self._kept[key]

    def given(self, samples: Any, target: Any, options: Mapping[str, Any], names: Names) -> Given:
        """Keep what a method is given; of a container, what that was made of."""
        container, inside = self._filled.get(id(samples), (None, None))
        if inside is not None and container is samples:
            return inside._replace(options={**inside.options, **options})
        return Given(self.keep(libraries.as_table(samples)), self.keep(target), options, names)

    def filling(
        self, container: Any, data: Any, target: Any, options: Mapping[str, Any], names: Names
    ) -> None:
        """Take note of what a container is made of."""
        missing = options.get("missing")
        known = missing is not None and missing == missing  # NaN is missing anyway
        given = self.given(data, target, {"missing": missing} if known else {}, names)
        self._filled[id(container)] = container, given

    def called(self, kind: str, owner: Any, given: Given, result: Any) -> None:
        """Take note of a call of an estimator's method."""
        if kind.startswith("fit") or kind == "partial_fit":
            self.fitted.add(id(owner))
        if kind in ("transform", "fit_transform"):
            self._name_columns(owner, result)
            if type(owner).__name__ in CODERS:
                self._encode(given.target if given.samples is None else given.samples, result)
        elif kind == "fit_resample":
            self.resampled.append((self.keep(result[0]), given.samples))
        elif kind in ("save", "save_model"):
            self.saved.append(owner)
        elif hasattr(owner, "predict"):
            kind = "fit" if kind == "fit_regularized" else kind
            fitting = kind in ("fit", "partial_fit")
            owner = libraries.predicting(owner, result if fitting else None)
            event = Event(
                kind, self.statement, owner, given, None if fitting else self.keep(result)
            )
            event.seconds = self.seconds
            self.tell(event)
            metric = models.metric_of(owner)
            if kind in FITS:
                best = getattr(owner, "best_estimator_", None)
                event.parameters = parameters.of(owner if best is None else best)
                event.search = parameters.searched(owner, metric)
            if kind == "score" and _is_number(result):
                scoring = parameters.scoring(owner, metric)
                self._measure(*parameters.measured(scoring, float(result)), event)

    def tell(self, event: Event) -> None:
        """Take note of a fit, or of a question."""
        self.events.append(event)
        self._owners[id(event.owner)] = event.owner

    def forget(self, owner: Any, statement: int) -> None:
        """Forget what a model answered in a statement: it was changed after that."""
        for event in reversed(self.events):
            if event.statement < statement:
                break
            if event.owner is owner:
                event.result = None
        if any(metric["statement"] == statement for metric in self.metrics[-1:]):
            self.metrics = [
                metric
                for metric in self.metrics
                if metric["statement"] != statement or metric["owner"] is not owner
            ]

    def training(self, function: Callable[..., Any], name: str) -> Callable[..., Any]:
        """Make ``train`` of XGBoost, LightGBM or CatBoost tell the model that it returns."""

        def train(*args: Any, **kwargs: Any) -> Any:
            result = function(*args, **kwargs)
            passed = [*args, *kwargs.values()]
            container = next((value for value in passed if id(value) in self._filled), None)
            self.called("fit", result, self.given(container, None, {}, (None, None)), None)
            return result

        return train

    def measuring(self, function: Callable[..., Any], name: str) -> Callable[..., Any]:
        """Make a function of sklearn.metrics tell whose predictions it measured."""

        def measured(*args: Any, **kwargs: Any) -> Any:
            result = function(*args, **kwargs)
            answers = args[1] if len(args) > 1 else kwargs.get("y_pred", kwargs.get("y_score"))
            event = self._answered(answers)
            if event is None and name in SYMMETRIC:
                event = self._answered(args[0] if args else kwargs.get("y_true"))
            if event and _is_number(result):
                kind, value = parameters.measured(name, float(result))
                average = kwargs.get("average")
                self._measure(f"{kind} ({average})" if average else kind, value, event)
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
            result = self._loaded_by(function, args, kwargs)
            kept = self._load(name, result)
            data = getattr(kept, "data", None)
            names = getattr(kept, "feature_names", None)
            names = [] if names is None else [str(feature) for feature in names]
            if name.startswith("load_") and kwargs.get("return_X_y"):
                bunch = function(*args, **{**kwargs, "return_X_y": False})
                names = [str(feature) for feature in getattr(bunch, "feature_names", names)]
                data = kept[0]
            else:
                bunch = result
            frame = kept[0] if isinstance(kept, tuple) else getattr(kept, "frame", None)
            if frame is not None and hasattr(frame, "columns"):
                self.sources.append((name, frame))
            elif data is not None and names and data.ndim == 2 and not hasattr(data, "columns"):
                self.sources.append((name, (names, data)))
            self._describe_set(bunch)
            return result

        return load

    def fetching(self, function: Callable[..., Any], name: str) -> Callable[..., Any]:
        """Make a data set of Keras keep what it gave: two pairs of arrays."""

        def fetch(*args: Any, **kwargs: Any) -> Any:
            result = self._loaded_by(function, args, kwargs)
            self._load(str(function.__module__).rpartition(".")[2], result)
            return result

        return fetch

    def encoding(self, function: Callable[..., Any], name: str) -> Callable[..., Any]:
        """Make a function of a column tell what it made of each value."""

        def encode(column: Any, *args: Any, **kwargs: Any) -> Any:
            result = function(column, *args, **kwargs)
            self._encode(column, result[0] if isinstance(result, tuple) else result)
            return result

        return encode

    def splitting(self, function: Callable[..., Any], name: str) -> Callable[..., Any]:
        """Make ``train_test_split`` tell which rows it took: a column of their places goes along.

        The split stays the same, since it is drawn once for all that is given.
        """

        def split(*wholes: Any, **kwargs: Any) -> Any:
            import numpy

            count = tables.rows(wholes[0]) if wholes else 0
            if not count or any(tables.rows(whole) != count for whole in wholes):
                return function(*wholes, **kwargs)
            *parts, first, second = function(*wholes, numpy.arange(count), **kwargs)
            for number, whole in enumerate(wholes):
                if tables.width(whole) == 1:
                    for part, places in zip(parts[2 * number :], (first, second)):
                        self.parts.append((self.keep(whole), self.keep(part), places))
            return parts

        return split

    def places(self, column: Any) -> Iterator[Any]:
        """Yield at which rows of the columns that it was split off a column lies."""
        for whole, part, places in self.parts:
            if part is column or tables.same(part, column):
                yield places
                for further in self.places(whole):
                    yield further[places]

    def saving(self, function: Callable[..., Any], name: str) -> Callable[..., Any]:
        """Make ``dump`` tell what the notebook saves, which is what it means to serve."""

        def dump(value: Any, *args: Any, **kwargs: Any) -> Any:
            parts = list(value.values()) if isinstance(value, dict) else value
            self.saved.append(value)
            self.saved.extend(parts if isinstance(parts, (list, tuple)) else ())
            return function(value, *args, **kwargs)

        return dump

    def _loaded_by(self, function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Return what a loader gives, and forget the files that it reads itself."""
        loads, sources = set(self.loads), len(self.sources)
        result = function(*args, **kwargs)
        for inner in set(self.loads) - loads:
            del self.loads[inner]
        del self.sources[sources:]
        return result

    def _load(self, name: str, value: Any) -> Any:
        """Keep a copy of what a loader gave, and return it."""
        turn = sum(statement == self.statement for statement, _ in self.loads)
        kept = _archive(value) if hasattr(value, "files") else copy.deepcopy(value)
        self.loads[self.statement, turn] = (name, kept)
        return kept

    def validating(self, function: Callable[..., Any], name: str) -> Callable[..., Any]:
        """Make a cross-validation tell what it found of which estimator."""

        def validated(estimator: Any, *args: Any, **kwargs: Any) -> Any:
            result = function(estimator, *args, **kwargs)
            wanted = kwargs.get("scoring")
            default = "score" if wanted else models.metric_of(estimator)
            scored = wanted if isinstance(wanted, str) else default
            found = {scored: result}
            if isinstance(result, dict):
                found = {k[5:]: v for k, v in result.items() if k.startswith("test_")}
                found = {scored if k == "score" else k: v for k, v in found.items()}
            for metric, values in found.items():
                self._validate(metric, estimator, [float(value) for value in values])
            return result

        return validated

    def showing(self) -> Callable[..., None]:
        """Make ``plt.show`` keep the figures that it would show."""
        return lambda *args, **kwargs: self.figures.take(self.cell)

    def _validate(self, name: str, estimator: Any, values: list[float]) -> None:
        if not values or not all(map(math.isfinite, values)):
            return
        mean = sum(values) / len(values)
        spread = math.sqrt(sum((value - mean) ** 2 for value in values) / len(values))
        name, mean = parameters.measured(name, mean)
        result = {
            "name": name,
            "mean": mean,
            "deviation": spread,
            "folds": len(values),
            "cell": self.cell,
        }
        self.validations.append(
            {"owner": estimator, "parameters": parameters.of(estimator), "result": result}
        )

    def _answered(self, answers: Any) -> Event | None:
        """Return the last call that gave these answers, or these as one of its columns."""
        self.networks.answered()
        asked = [event for event in reversed(self.events) if event.result is not None]
        event = next((e for e in asked if e.result is answers), None)
        event = event or next((e for e in asked if tables.same(e.result, answers)), None)
        event = event or next((e for e in asked if tables.has_column(e.result, answers)), None)
        return event or self.networks.gave(answers)

    def _measure(self, name: str, value: float, event: Event) -> None:
        self.metrics.append(
            {
                "name": name,
                "value": value,
                "cell": self.cell,
                "statement": self.statement,
                "owner": self.model_of(event),
                "samples": event.samples,
                "position": self.events.index(event),
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

    def _encode(self, before: Any, after: Any) -> None:
        """Keep each column that was encoded, if it holds few enough values to be a target."""
        after = after.toarray() if hasattr(after, "tocsr") else after
        if not (tables.is_plain(before) and tables.is_plain(after)):
            return
        if tables.width(before) == 1 and is_one_hot(after):
            after = places_of_ones(after)
        if tables.rows(before) != tables.rows(after) or tables.width(before) != tables.width(after):
            return
        for one, other in zip(_columns(before), _columns(after)):
            if tables.distinct(other, MAX_CLASSES) and not tables.same(one, other):
                self.encodings.append((self.keep(one), self.keep(other)))

    def _describe_set(self, bunch: Any) -> None:
        """Keep what a data set of scikit-learn says, and its names for numbers of its target."""
        if isinstance(getattr(bunch, "DESCR", None), str):
            self.documents.append(bunch.DESCR)
        target, names = getattr(bunch, "target", None), getattr(bunch, "target_names", None)
        if target is None or names is None or getattr(target, "dtype", None) is None:
            return
        known = [str(name) for name in names if isinstance(name, str)]
        if (
            target.ndim == 1
            and target.dtype.kind == "i"
            and len(known) == len(names) > target.max()
        ):
            import numpy

            self.encodings.append((numpy.array(known, dtype=object)[target], self.keep(target)))

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
        found = os.path.basename(place)  # as it is called here, which the code will ask for
        self.paths[found] = os.path.abspath(place)
        self.files[found] = _hash(place)
        return place

    def unchanged(self, name: str) -> str | None:
        """Return where a file lies as the notebook read it, which may have written it since."""
        place = self.paths.get(name)
        if place is None:
            return None
        inside = os.path.relpath(place, self.job["folder"])
        for path in (place, os.path.join(self.job["origin"], inside)):
            if os.path.isfile(path) and _hash(path) == self.files[name]:
                return path
        return None

    def written(self, name: str) -> bool:
        """Say whether the notebook read a file that it had written itself."""
        place = self.paths.get(name)
        folder = os.path.join(self.job["folder"], "")
        if place is None or not place.startswith(folder):
            return False
        given = os.path.join(self.job["origin"], place[len(folder) :])
        return not os.path.isfile(given) or _hash(given) != self.files[name]

    def model_of(self, event: Event) -> Any:
        """Return the search that an event's object came out of, or the object itself."""
        for owner in self._owners.values():
            if getattr(owner, "best_estimator_", None) is event.owner:
                return owner
        return event.owner


def _hash(path: str) -> str:
    with io.open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def _columns(table: Any) -> list[Any]:
    if hasattr(table, "iloc"):
        return [table.iloc[:, i] for i in range(tables.width(table))] if table.ndim > 1 else [table]
    import numpy

    array = numpy.asarray(table)
    return [array] if array.ndim == 1 else list(array.T)


def _archive(value: Any) -> Any:
    """Read all arrays of a .npz file, of which the file itself cannot be kept."""
    from .tensors import Archive

    return Archive({name: value[name] for name in value.files})


def _is_number(value: Any) -> bool:
    number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    return number and math.isfinite(value)
