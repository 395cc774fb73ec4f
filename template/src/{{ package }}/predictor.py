"""The model as it is served: a signature and the estimator behind it."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from . import artifact
from .artifact import ModelError
from .instances import Instance, plain_value, to_rows

Prediction = dict[str, Any]


@dataclass(frozen=True)
class Predictor:
    """Answers instances; the same answers one by one and all together."""

    signature: Mapping[str, Any]
    estimator: Any

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Load what ``pack`` wrote into ``directory``.

        Raises:
            ModelError: there is no model, or it is not the one that was proven.
        """
        signature = read_json(directory / "signature.json")
        estimator = artifact.load(directory, signature["artifact"])
        return cls(signature, _single_threaded(estimator))

    @property
    def version(self) -> str:
        """The first twelve digits of the artifact's SHA-256."""
        return str(self.signature["artifact"]["sha256"][:12])

    def predict(self, instances: Sequence[Instance]) -> list[Prediction]:
        """Answer n instances that satisfy the signature.

        Returns:
            n predictions: ``label`` and, if the model has them, ``probabilities`` by label;
            or ``value``.

        Raises:
            ValueError: the estimator refuses the rows, or its answer is not a finite number.
            OverflowError: a number is too large for its column.
        """
        rows = to_rows(instances, self.signature["inputs"])
        outputs = self.signature["outputs"]
        probabilities = self.estimator.predict_proba(rows) if outputs.get("probabilities") else None
        return predictions(self.estimator.predict(rows), probabilities, outputs)


def predictions(answers: Any, probabilities: Any, outputs: Mapping[str, Any]) -> list[Prediction]:
    """Say an estimator's answers (n or n x 1) and probabilities (n x classes) as JSON values.

    Raises:
        ValueError: an answer is not a finite number.
    """
    flat = [plain_value(answer) for answer in np.asarray(answers).reshape(len(answers))]
    if outputs["task"] == "regression":
        values = [float(value) for value in flat]
        _require_finite(values)
        return [{"value": value} for value in values]
    if probabilities is None:
        return [{"label": label} for label in flat]
    names = [str(label) for label in outputs["labels"]]
    table = np.asarray(probabilities, dtype=float).tolist()
    for row in table:
        _require_finite(row)
    return [
        {"label": label, "probabilities": dict(zip(names, row, strict=True))}
        for label, row in zip(flat, table, strict=True)
    ]


def read_json(path: Path) -> Any:
    """Read one of the files that ``pack`` wrote.

    Raises:
        ModelError: there is none, or it is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(f"{path} is missing; packing the model makes it.") from None
    except ValueError as error:
        raise ModelError(f"{path} is not JSON: {error}") from None


def _require_finite(values: list[float]) -> None:
    if not all(math.isfinite(value) for value in values):
        raise ValueError("The model answered a number that is not finite.")


def _single_threaded(estimator: Any) -> Any:
    """Turn off the estimator's own thread pools: for a few rows they only cost time."""
    parameters = estimator.get_params(deep=True) if hasattr(estimator, "get_params") else {}
    pools = {name: 1 for name in parameters if name == "n_jobs" or name.endswith("__n_jobs")}
    return estimator.set_params(**pools) if pools else estimator
