"""What k numbers a row mean: one for each of k classes, or one for each of k targets.

A model of a library without scikit-learn's API does not say it. What it was trained for does: its
objective or loss, the last layer of a network, and the form of the target.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from . import libraries
from .models import Refused

PROBABILITIES, SCORES = "probabilities", "scores"
"""One number for each class, which sum to 1 or do not."""
SUM = 1e-3
"""By how much the sum of a row's probabilities may differ from 1, in 32 bits."""
FEW = 100
CLASS_LOSSES = ("categorical_crossentropy", "sparse_categorical_crossentropy",
                "categorical_focal_crossentropy", "categorical_hinge")  # fmt: skip
TARGET_LOSSES = ("binary_crossentropy", "binary_focal_crossentropy", "cosine_similarity", "huber",
                 "log_cosh", "logcosh", "mean_absolute_error", "mean_absolute_percentage_error",
                 "mean_squared_error", "mean_squared_logarithmic_error", "poisson",
                 "mae", "mape", "mse", "msle")  # fmt: skip
"""Keras's losses of one right class of k, and of k numbers each on its own."""


def answered(model: Any, target: Any, answers: Any) -> str | None:
    """Say what the numbers in ``answers`` are of the classes of a model.

    Args:
        model: what answered.
        target: what it was fitted on, None where that is not known.
        answers: n, or n x k.

    Returns:
        ``probabilities`` or ``scores`` of k classes; None where the answers are what they say:
        labels, or numbers of one or several targets.

    Raises:
        Refused: that cannot be told.
    """
    of_classes = OF_CLASSES.get(type(libraries.of(model)).__name__)
    if answers.ndim < 2 or of_classes is None or not of_classes(model, target, answers):
        return None
    import numpy

    return PROBABILITIES if numpy.allclose(answers.sum(axis=1), 1, atol=SUM) else SCORES


def remarks(answered: str | None, target: Any, answers: Any) -> list[str]:
    """Say what a reader of the answers must know of them."""
    import numpy

    if answered == SCORES:
        return [
            "The model answers a score for each class, which is no probability; the label is the "
            "class with the largest."
        ]
    several = numpy.ndim(answers) == 2 and numpy.ndim(target) == 2 and answered is None
    values = numpy.unique(numpy.asarray(target)) if several else ()
    if several and answers.dtype.kind == "f" and len(values) <= 2:
        return [
            "The model answers a number for each of its targets. What the notebook makes of it, "
            "with a threshold for one, is not part of the answer."
        ]
    return []


def codes(target: Any, count: int) -> Any:
    """Return the class of each row as a number below ``count`` (n), None where there is none.

    Args:
        target: n codes, n x 1 of them, or n x count numbers of which one in each row is 1.
        count: how many classes there are.
    """
    import numpy

    try:
        values = numpy.asarray(target, dtype=float)
    except (TypeError, ValueError):
        return None
    if values.ndim == 2 and values.shape[1] == count > 1 and is_one_hot(values):
        return values.argmax(axis=1)
    values = values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values
    whole = values.ndim == 1 and len(values) and numpy.isin(values, numpy.arange(count)).all()
    return values.astype(int) if whole else None


def is_one_hot(table: Any) -> bool:
    """Say whether each row of ``table`` (n x k) has one 1 and is 0 otherwise."""
    import numpy

    values = numpy.asarray(table)
    if values.ndim != 2 or not len(values) or values.dtype.kind not in "biuf":
        return False
    parts = (values[:FEW], values)  # most tables show in their first rows that they are not
    return all(((p == 0) | (p == 1)).all() and (p.sum(axis=1) == 1).all() for p in parts)


def places_of_ones(table: Any) -> Any:
    """Return the place of the 1 in each row of a one-hot ``table`` (n)."""
    import numpy

    return numpy.asarray(table).argmax(axis=1)


def own_labels(model: Any) -> list[Any] | None:
    """Return what the model itself calls its classes, in the order of its columns."""
    if isinstance(libraries.of(model), libraries.CatBoost):
        return [value.item() if hasattr(value, "item") else value for value in model.classes_]
    return None


def _keras(model: Any, target: Any, answers: Any) -> bool:
    activation, losses = _activation(model), _loss(model)
    one_of_many = codes(target, answers.shape[1]) is not None
    if losses in CLASS_LOSSES:
        return True
    if losses in TARGET_LOSSES and activation != "softmax":
        return False
    if activation == "softmax" and (one_of_many or target is None):
        return True
    several = getattr(target, "ndim", 0) == 2 and target.shape[1] == answers.shape[1]
    if several and not one_of_many and activation in ("linear", "sigmoid", "softmax"):
        return False  # each column is learned on its own, or all as shares of a whole
    if target is None and activation == "sigmoid":
        return False
    raise Refused(
        f"The model answers {answers.shape[1]} numbers a row, and neither its last layer "
        f"({activation or 'no activation'}) nor its loss ({losses or 'unknown'}) says whether they "
        "are classes or several targets. Let it end in softmax, or compile it with a loss of Keras "
        "that says so."
    )


def _activation(model: Any) -> str | None:
    """Return the name of the function that a network's numbers go through last."""
    layers = list(model.layers)
    try:  # the layers of a functional model need not be in order
        history = model.outputs[0]._keras_history
        last = getattr(history, "operation", None) or history.layer
    except (AttributeError, IndexError, TypeError, ValueError):
        last = layers[-1] if layers else None
    while last is not None:
        inner = list(getattr(last, "layers", ()))
        kind = type(last).__name__
        if inner:
            last = inner[-1]
        elif kind in ("Flatten", "Reshape", "Dropout", "Identity"):
            at = next((i for i, layer in enumerate(layers) if layer is last), 0)
            last = layers[at - 1] if at else None
        else:
            function = getattr(last, "activation", None)
            return kind.lower() if function is None else str(getattr(function, "__name__", ""))
    return None


def _loss(model: Any) -> str | None:
    """Return the name of the loss that a network was compiled with."""
    loss = getattr(model, "loss", None)
    if isinstance(loss, (list, tuple)) and len(loss) == 1:
        loss = loss[0]
    name = loss if isinstance(loss, str) else getattr(loss, "name", getattr(loss, "__name__", None))
    if not isinstance(name, str):
        return None
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def _xgboost(model: Any, target: Any, answers: Any) -> bool:
    settings = json.loads(model.save_config())
    return str(settings["learner"]["objective"]["name"]).startswith("multi:")


def _lightgbm(model: Any, target: Any, answers: Any) -> bool:
    objective = re.search(r"^objective=(\w+)", model.model_to_string(num_iteration=1), re.MULTILINE)
    return bool(objective and objective[1].startswith("multiclass"))


def _catboost(model: Any, target: Any, answers: Any) -> bool:
    return bool(len(model.classes_) == answers.shape[1])


def _statsmodels(model: Any, target: Any, answers: Any) -> bool:
    return type(model.model).__name__ in ("MNLogit", "OrderedModel")


OF_CLASSES: Mapping[str, Callable[[Any, Any, Any], bool]] = {
    "CatBoost": _catboost,
    "Keras": _keras,
    "LightGBM": _lightgbm,
    "Statsmodels": _statsmodels,
    "XGBoost": _xgboost,
}
"""For each library, whether the k numbers of a row are for k classes."""
