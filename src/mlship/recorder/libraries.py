"""Libraries whose models are fitted, asked or stored in another way than scikit-learn's.

XGBoost and LightGBM train boosters on containers of their own, statsmodels' ``fit`` returns what
predicts, Keras has its own file. A library is imported only where the notebook has.
"""

from __future__ import annotations

import inspect
import io
import os
import pickle
import platform
import re
import sys
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

ROOTS = (
    ("sklearn.base", "BaseEstimator"),
    ("catboost.core", "CatBoost"),
    ("xgboost.core", "Booster"),
    ("lightgbm.basic", "Booster"),
    ("statsmodels.base.model", "Model"),
    ("statsmodels.base.model", "Results"),
    ("statsmodels.base.wrapper", "ResultsWrapper"),
    ("keras.src.models.model", "Model"),
    ("keras.src.engine.training", "Model"),
)
"""Modules and the class below which their models are; Keras moved it with version 3."""
CONTAINERS = (
    ("catboost.core", "Pool"),
    ("lightgbm.basic", "Dataset"),
    ("xgboost.core", "DMatrix"),
)
"""What holds rows and target for a fit; none of them gives the rows back as they were."""
TRAINERS = ("catboost", "lightgbm", "xgboost")
"""Modules whose function ``train`` fits a model."""
SMALLER = {
    "opencv-contrib-python": "opencv-contrib-python-headless",
    "opencv-python": "opencv-python-headless",
    **({"tensorflow": "tensorflow-cpu"} if platform.system() == "Linux" else {}),
}
"""Distributions that are served by a smaller build of the same version."""
SAMPLES = ("X", "x", "data", "exog")
"""What the first argument of ``fit`` and ``predict`` is called."""
TARGETS = ("y", "label")


class Library:
    """How the models of a library are asked and handed over; as scikit-learn's, if not told."""

    tolerance = 1e-9
    """Of two answers to the same rows."""
    options: tuple[str, ...] = ()
    """The arguments of ``predict`` that decide about the numbers, and belong to the service."""
    modules: tuple[str, ...] = ()
    """What a fitted model needs beside the modules of its parts."""
    served_with: Mapping[str, str] = MappingProxyType({})
    """Distributions that serve the model though the notebook lacks them, with their versions."""
    loops = False
    """Whether a loop of the notebook's own trains the model, and no method."""

    def require_served(self, model: Any) -> None:
        """Refuse a model that cannot be served, whatever its rows are."""

    def ask(self, model: Any, rows: Any, options: Mapping[str, Any]) -> Any:
        """Return what ``model`` predicts for ``rows`` (n)."""
        return model.predict(rows, **options)

    def answered(self, rows: Any, model: Any) -> Any:
        """Return those of ``rows`` that the model answers with a number."""
        return rows

    def names(self, model: Any) -> list[str] | None:
        """Return the names that the notebook itself gave to the columns of an array."""
        return None

    def write(self, model: Any, folder: str) -> Any:
        """Return what is pickled of ``model``; the rest is put into ``folder``."""
        return model

    def parts(self, model: Any) -> Any:
        """Return what of ``model`` must be importable; raise what keeps it from being read."""
        return model


class XGBoost(Library):
    """A booster answers a DMatrix."""

    options = ("iteration_range", "missing", "ntree_limit", "output_margin")

    def ask(self, model: Any, rows: Any, options: Mapping[str, Any]) -> Any:
        """Put the rows into a DMatrix, with the number that stands for a missing one."""
        xgboost = sys.modules["xgboost"]
        options = dict(options)
        matrix = {"missing": options.pop("missing")} if "missing" in options else {}
        if not hasattr(rows, "columns"):
            matrix["feature_names"] = model.feature_names
        return model.predict(xgboost.DMatrix(rows, enable_categorical=True, **matrix), **options)

    def names(self, model: Any) -> list[str] | None:
        """Return the names that the DMatrix was given."""
        return None if model.feature_names is None else list(model.feature_names)


class LightGBM(Library):
    """A booster answers rows, up to its best iteration if it stopped early."""

    options = ("num_iteration", "raw_score", "start_iteration")

    def names(self, model: Any) -> list[str] | None:
        """Return the names that the Dataset was given; LightGBM makes up those that are missing."""
        names = [str(name) for name in model.feature_name()]
        made_up = all(re.fullmatch(r"Column_\d+", name) for name in names)
        return None if made_up else names


class CatBoost(Library):
    """The class without a task answers raw scores, unless it is asked for something else."""

    options = ("ntree_end", "ntree_start", "prediction_type")


class Statsmodels(Library):
    """What ``fit`` returns predicts."""

    options = ("linear", "transform", "which")
    modules = ("formulaic", "patsy", "statsmodels")

    def answered(self, rows: Any, model: Any) -> Any:
        """Leave out what a formula leaves out: rows with missing values."""
        return rows.dropna() if getattr(model.model, "formula", None) else rows

    def parts(self, model: Any) -> Any:
        """Read the model back, as a formula that calls the notebook's functions cannot be."""
        import numpy as np  # noqa: F401 - a formula may say np.log, which is looked up from here

        return pickle.loads(pickle.dumps(model))  # noqa: S301 - written in this line


class Keras(Library):
    """A network answers numbers, which the notebook may compare with a threshold of its own."""

    tolerance = 1e-5
    modules = ("keras", "tensorflow")

    def ask(self, model: Any, rows: Any, options: Mapping[str, Any]) -> Any:
        """Predict without a progress bar, which is all that the options are about."""
        return model.predict(rows, verbose=0)

    def write(self, model: Any, folder: str) -> Any:
        """Write Keras's own file, which needs neither the optimizer nor the loss to be read."""
        model.save(os.path.join(folder, "model.keras"))

    def parts(self, model: Any) -> Any:
        """Return the classes and functions of the layers, which a pickle would not name."""
        layers = [layer for part in model.layers for layer in getattr(part, "layers", [part])]
        activations = [getattr(layer, "activation", None) for layer in layers]
        return [type(model), *map(type, layers), *activations]


class Torch(Library):
    """A network is asked in evaluation mode, and served as a graph, without PyTorch."""

    tolerance = 1e-5
    options = ("answer", "classes", "probabilities")
    served_with = MappingProxyType({"onnxruntime": "1.20.1"})
    loops = True

    def require_served(self, model: Any) -> None:
        """Refuse a network that takes or answers anything but a table of rows."""
        model.require_plain()

    def write(self, model: Any, folder: str) -> Any:
        """Export the network."""
        with io.open(os.path.join(folder, "model.onnx"), "wb") as file:
            file.write(model.graph())

    def parts(self, model: Any) -> Any:
        """Return nothing: the graph holds what the notebook's classes do."""


class Onnx(Library):
    """A graph that was loaded from a file, as ``loader.graphs`` does."""

    tolerance = 1e-5
    modules = ("onnxruntime",)

    def write(self, model: Any, folder: str) -> Any:
        """Write the file again, unchanged."""
        with io.open(os.path.join(folder, "model.onnx"), "wb") as file:
            file.write(model.content)

    def parts(self, model: Any) -> Any:
        """Return nothing: a graph is made of operators, and of no code."""


SCIKIT_LEARN = Library()
LIBRARIES: dict[tuple[str, str], Library] = {
    ("xgboost.core", "Booster"): XGBoost(),
    ("lightgbm.basic", "Booster"): LightGBM(),
    ("catboost.core", "CatBoost"): CatBoost(),
    ("statsmodels.base.model", "Results"): Statsmodels(),
    ("keras.src.models.model", "Model"): Keras(),
    ("keras.src.engine.training", "Model"): Keras(),
    ("mlship.loader.graphs", "OnnxModel"): Onnx(),
    ("mlship.recorder.network", "Network"): Torch(),
}
NETWORKS: dict[int, Any] = {}
"""What stands for the modules of PyTorch that the notebook calls, by their ids: ``Network``."""


def of(model: Any) -> Library:
    """Return how the model's library is asked."""
    places = [(cls.__module__, cls.__name__) for cls in type(model).__mro__]
    if ("catboost.core", "CatBoost") in places[1:]:
        return SCIKIT_LEARN  # its classifiers and regressors have scikit-learn's API
    return next((LIBRARIES[place] for place in places if place in LIBRARIES), SCIKIT_LEARN)


def predicting(owner: Any, result: Any = None) -> Any:
    """Return the object that predicts: statsmodels' results without their wrapper, or ``owner``.

    For a module of PyTorch that is its network.

    Args:
        owner: whose method was called, or any value of the notebook.
        result: what a fit returned.
    """
    for value in (result, owner):
        if type(value).__module__.startswith("statsmodels") and hasattr(value, "params"):
            return getattr(value, "_results", value)
    return NETWORKS.get(id(owner), owner)


def fitted_on(owner: Any, samples: Any, target: Any) -> tuple[Any, Any]:
    """Return the rows and the target of a fit, which statsmodels was given before it."""
    data = getattr(owner, "data", None)
    if data is None or not type(owner).__module__.startswith("statsmodels"):
        return samples, target
    if type(owner).__module__.startswith("statsmodels.tsa"):
        return None, target
    formula = getattr(owner, "formula", None)
    if formula:
        terms = str(formula).partition("~")[2]
        frame = data.frame
        used = [c for c in frame.columns if re.search(rf"(?<!\w){re.escape(str(c))}(?!\w)", terms)]
        rows = frame[used].dropna()
        return rows, data.orig_endog
    rows = data.orig_exog
    return rows.reshape(-1, 1) if getattr(rows, "ndim", 0) == 1 else rows, data.orig_endog


def unserved(namespace: Mapping[str, Any]) -> list[str]:
    """Return the names of PyTorch's modules; those that no optimizer changed are not served."""
    module: Any = getattr(sys.modules.get("torch.nn"), "Module", ())
    return [name for name, value in namespace.items() if isinstance(value, module)]


def as_table(value: Any) -> Any:
    """Return TensorFlow's tensors as arrays, and all else as it is."""
    tensor = type(value).__module__.startswith("tensorflow") and hasattr(value, "numpy")
    return value.numpy() if tensor else value


def options(method: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """Return by name what ``method`` was given beside its rows."""
    try:
        names = list(inspect.signature(method).parameters)[2:]
    except ValueError:  # some of C have no signature
        names = []
    named = {name: value for name, value in kwargs.items() if name not in SAMPLES}
    return {**dict(zip(names, args[1:])), **named}
