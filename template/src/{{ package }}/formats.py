"""The formats of models that skops cannot hold: how each is written, read and asked.

A model of a library without scikit-learn's API is wrapped, so that it predicts rows as an
estimator does. A library is imported only by the model that is made of it.
"""

import os
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

TOLERANCE = 1e-9
"""By how much of its size a number may differ from the one that the reference answered."""


class Native:
    """A model in its library's own format; ``options`` is how the notebook asked it."""

    file: ClassVar[str]
    tolerance: ClassVar[float] = TOLERANCE

    def __init__(self, model: Any, options: Mapping[str, Any]) -> None:
        self.model = model
        self.options = dict(options)

    @staticmethod
    def read(path: Path) -> Any:
        """Return the library's own object."""
        raise NotImplementedError

    def save(self, path: Path) -> None:
        """Write the model to ``path``."""
        raise NotImplementedError

    def predict(self, rows: Any) -> Any:
        """Answer n rows: n numbers or labels, or n x k numbers."""
        raise NotImplementedError


class XGBoost(Native):
    """A booster, which answers a DMatrix."""

    file = "model.json"

    @staticmethod
    def read(path: Path) -> Any:
        """Return the booster."""
        import xgboost

        return xgboost.Booster(model_file=path)

    def save(self, path: Path) -> None:
        """Write XGBoost's JSON."""
        self.model.save_model(path)

    def predict(self, rows: Any) -> Any:
        """Answer rows as the notebook's DMatrix would hold them."""
        import xgboost

        options = dict(self.options)
        matrix = {"missing": options.pop("missing")} if "missing" in options else {}
        if not hasattr(rows, "columns"):
            matrix["feature_names"] = self.model.feature_names
        data = xgboost.DMatrix(rows, enable_categorical=True, nthread=1, **matrix)
        return self.model.predict(data, **options)


class LightGBM(Native):
    """A booster, asked up to its best iteration."""

    file = "model.txt"

    def __init__(self, model: Any, options: Mapping[str, Any]) -> None:
        super().__init__(model, options)
        self.options.setdefault("num_iteration", model.best_iteration)  # the file forgets it

    @staticmethod
    def read(path: Path) -> Any:
        """Return the booster."""
        import lightgbm

        return lightgbm.Booster(model_file=path)

    def save(self, path: Path) -> None:
        """Write LightGBM's text, with the iterations after the best one too."""
        self.model.save_model(path, num_iteration=-1)

    def predict(self, rows: Any) -> Any:
        """Answer rows in one thread: for a few rows more only cost time."""
        return self.model.predict(rows, num_threads=1, **self.options)


class CatBoost(Native):
    """CatBoost's class without a task, which answers raw scores if it is not told otherwise."""

    file = "model.cbm"

    @staticmethod
    def read(path: Path) -> Any:
        """Return the model."""
        import catboost

        return catboost.CatBoost().load_model(str(path))

    def save(self, path: Path) -> None:
        """Write CatBoost's binary format."""
        self.model.save_model(str(path))

    def predict(self, rows: Any) -> Any:
        """Answer rows in one thread."""
        return self.model.predict(rows, thread_count=1, **self.options)


class Keras(Native):
    """A network, in 32 bits."""

    file = "model.keras"
    tolerance = 1e-5
    together: ClassVar[int] = 256
    """Rows that go through the network at once: what is in between takes memory."""

    @staticmethod
    def read(path: Path) -> Any:
        """Return the network without its optimizer and loss."""
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        import keras

        return keras.models.load_model(path, compile=False)

    def save(self, path: Path) -> None:
        """Write Keras's own format."""
        self.model.save(path)

    def predict(self, rows: Any) -> Any:
        """Call the network: for a few rows that is much faster than its ``predict``."""
        table = np.asarray(rows)
        if table.dtype == object and hasattr(rows, "columns"):
            table = table.astype(np.float32)  # as Keras does with a frame of several types
        parts = [
            table[start : start + self.together] for start in range(0, len(table), self.together)
        ]
        return np.concatenate([np.asarray(self.model(part, training=False)) for part in parts])


class Onnx(Native):
    """A graph with one table as its input, or with an input for each column.

    ``options`` names the output that is the ``answer``, and the one with the ``probabilities`` of
    the ``classes``. Without an ``answer``, that is the likeliest class.
    """

    file = "model.onnx"
    tolerance = 1e-5

    def __init__(self, model: bytes, options: Mapping[str, Any]) -> None:
        super().__init__(model, options)
        import onnxruntime

        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = 1  # for a few rows more only cost time
        settings.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(
            model, settings, providers=["CPUExecutionProvider"]
        )
        self.inputs = self.session.get_inputs()
        if "classes" in self.options:
            self.classes_ = self.options["classes"]
            self.predict_proba = self._probabilities

    @staticmethod
    def read(path: Path) -> bytes:
        """Return the file's content."""
        return path.read_bytes()

    def save(self, path: Path) -> None:
        """Write the file as it was."""
        path.write_bytes(self.model)

    def predict(self, rows: Any) -> Any:
        """Answer rows with labels or numbers."""
        if "answer" in self.options:
            answers = self._run(self.options["answer"], rows)
            return answers.reshape(len(rows)) if answers.size == len(rows) else answers
        return np.asarray(self.classes_)[self._probabilities(rows).argmax(axis=1)]

    def _probabilities(self, rows: Any) -> Any:
        found = self._run(self.options["probabilities"], rows)
        if isinstance(found, list):  # a mapping for each row
            return np.array([[row[name] for name in self.classes_] for row in found])
        return found

    def _run(self, output: str, rows: Any) -> Any:
        if len(self.inputs) == 1:
            only = self.inputs[0]
            given = {only.name: self._typed(np.asarray(rows), only.type)}
        else:
            given = {
                one.name: self._typed(rows[one.name].to_numpy(), one.type).reshape(
                    (-1, 1)[: len(one.shape)]
                )
                for one in self.inputs
            }
        return self.session.run([output], given)[0]

    @staticmethod
    def _typed(values: Any, kind: str) -> Any:
        """Give an array the type of an input, if no value is changed by more than a rounding."""
        if kind == "tensor(string)":
            if not all(isinstance(value, str) for value in values.ravel().tolist()):
                raise TypeError("texts are taken, and not all of the values are some")
            return values.astype(object)
        name = kind.removeprefix("tensor(").removesuffix(")")
        typed = values.astype({"float": "float32", "double": "float64"}.get(name, name))
        if typed.dtype.kind != "f" and (typed != values).any():
            raise ValueError("whole numbers are taken, and not all of the values are some")
        return typed


class Statsmodels(Native):
    """Fitted results, which only a pickle holds: whoever can change the file can run code."""

    file = "model.pickle"

    @staticmethod
    def read(path: Path) -> Any:
        """Return the results. A formula may say ``np.log``, which is looked up from here."""
        with path.open("rb") as file:
            return pickle.load(file)  # noqa: S301 - pack wrote it, and its hash has been checked

    def save(self, path: Path) -> None:
        """Write a pickle without the rows that the model was fitted on.

        A formula needs its columns to be read again, for their categories and what its functions
        computed of them. Each column is sorted by itself, so that no row is left.
        """
        frame = getattr(self.model.model.data, "frame", None)
        self.model.remove_data()
        if frame is not None:
            known = frame.dropna()
            columns = {name: known[name].sort_values(ignore_index=True) for name in known}
            self.model.model.data.frame = type(frame)(columns)
        with path.open("wb") as file:
            pickle.dump(self.model, file, protocol=5)

    def predict(self, rows: Any) -> Any:
        """Answer rows, from a frame where there is a formula."""
        return np.asarray(self.model.predict(rows, **self.options))


FORMATS: dict[str, type[Native]] = {
    "catboost": CatBoost,
    "keras": Keras,
    "lightgbm": LightGBM,
    "onnx": Onnx,
    "pickle": Statsmodels,
    "xgboost": XGBoost,
}
"""The formats by the name that the signature gives them; skops is the one for all others."""
LIBRARIES = {
    ("catboost.core", "CatBoost"): CatBoost,
    ("keras.src.models.model", "Model"): Keras,
    ("keras.src.engine.training", "Model"): Keras,
    ("lightgbm.basic", "Booster"): LightGBM,
    ("statsmodels.base.model", "Results"): Statsmodels,
    ("xgboost.core", "Booster"): XGBoost,
}
"""Where the classes are whose instances have these formats."""


def as_estimator(model: Any, options: Mapping[str, Any]) -> Any:
    """Return what predicts rows as scikit-learn's estimators do: ``model``, wrapped if need be."""
    places = [(cls.__module__, cls.__name__) for cls in type(model).__mro__]
    if ("catboost.core", "CatBoost") in places[1:]:
        return model  # its classifiers and regressors
    native = next((LIBRARIES[place] for place in places if place in LIBRARIES), None)
    return native(model, options) if native else model


def handed_over(directory: Path, model: Any, options: Mapping[str, Any]) -> Any:
    """Return the estimator of a handover: ``model``, or the file of its library beside it."""
    for native in FORMATS.values():
        if model is None and (directory / native.file).is_file():
            return native(native.read(directory / native.file), options)
    return as_estimator(model, options)


def tolerance(artifact: Mapping[str, Any]) -> float:
    """Return by how much the numbers of an artifact may differ from the reference."""
    native = FORMATS.get(artifact["format"])
    return native.tolerance if native else TOLERANCE
