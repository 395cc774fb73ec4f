"""The model as it is served: a signature and the estimator behind it."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from . import artifact, features
from .artifact import ModelError
from .features import Features
from .instances import Instance, plain_value, to_rows
from .schema import SEVERAL

Prediction = dict[str, Any]

SHOWN = 3
"""Reasons that a message gives."""


class RowsRefused(Exception):
    """The model cannot answer some rows: ``reasons`` says why, by position, and shows no value."""

    def __init__(self, reasons: Mapping[int, str]) -> None:
        rows: dict[str, int] = {}
        for why in reasons.values():
            rows[why] = rows.get(why, 0) + 1
        said = [f"{why} ({times} rows)" for why, times in list(rows.items())[:SHOWN]]
        super().__init__("; ".join(said))
        self.reasons = reasons


@dataclass(frozen=True)
class Predictor:
    """Answers instances; the same answers one by one and all together."""

    signature: Mapping[str, Any]
    estimator: Any
    features: Features | None = None

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Load what ``pack`` wrote into ``directory``.

        Raises:
            ModelError: there is no model, or it is not the one that was proven.
        """
        signature = read_json(directory / "signature.json")
        estimator = artifact.load(directory, signature["artifact"])
        return cls(
            signature,
            _single_threaded(estimator),
            features.load(directory, signature.get("features")),
        )

    @property
    def version(self) -> str:
        """The first twelve digits of the artifact's SHA-256."""
        return str(self.signature["artifact"]["sha256"][:12])

    def predict(self, instances: Sequence[Instance]) -> list[Prediction]:
        """Answer n instances that satisfy the signature.

        Returns:
            n predictions: ``label`` and, if the model has them, ``probabilities`` by label;
            or ``value``. Of several targets, ``labels`` and ``probabilities``, or ``values``,
            by the target's name.

        Raises:
            RowsRefused: the model cannot answer some of them.
        """
        try:
            return self._answer(instances)
        except Exception as error:
            if len(instances) == 1:
                raise RowsRefused({0: _said(error)}) from error
        reasons: dict[int, str] = {}
        for start in range(0, len(instances), step := max(1, len(instances) // 10)):
            part = instances[start : start + step]
            try:
                self.predict(part)
            except RowsRefused as refused:
                reasons |= {start + row: why for row, why in refused.reasons.items()}
        raise RowsRefused(reasons or dict.fromkeys(range(len(instances)), "only together"))

    def _answer(self, instances: Sequence[Instance]) -> list[Prediction]:
        rows = to_rows(instances, self.signature["inputs"])
        if self.features:
            rows = self.features(rows)
        outputs = self.signature["outputs"]
        asks = outputs.get("probabilities") and "x-answers" not in outputs
        probabilities = self.estimator.predict_proba(rows) if asks else None
        answers = predictions(self.estimator.predict(rows), probabilities, outputs)
        if len(answers) != len(instances):
            raise ValueError("The model answers another number of rows than it was asked.")
        return answers


def predictions(answers: Any, probabilities: Any, outputs: Mapping[str, Any]) -> list[Prediction]:
    """Say an estimator's answers and probabilities as JSON values.

    Args:
        answers: n, n x 1, n x targets, or n x classes where ``x-answers`` says so.
        probabilities: n x classes, or one such table for each target; None if it has none.
        outputs: the signature's.

    Raises:
        ValueError: an answer is not a finite number, or no class of the model.
    """
    if "targets" in outputs:
        columns = np.asarray(answers).T
        tables = probabilities if outputs.get("probabilities") else [None] * len(columns)
        apart = [
            predictions(column, table, target)
            for column, table, target in zip(columns, tables, outputs["targets"], strict=True)
        ]
        names = [target["name"] for target in outputs["targets"]]
        return [_together(names, row) for row in zip(*apart, strict=True)]
    if "x-answers" in outputs:  # a number for each class: the largest one says which
        probabilities = answers if outputs["probabilities"] else None
        answers = np.argmax(answers, axis=1)
    flat = [plain_value(answer) for answer in np.asarray(answers).reshape(len(answers))]
    if outputs["task"] == "regression":
        values = [float(value) for value in flat]
        _require_finite(values)
        return [{"value": value} for value in values]
    flat = _decoded(flat, outputs)
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


def _decoded(codes: list[Any], outputs: Mapping[str, Any]) -> list[Any]:
    """Say the classes by their names, where the notebook had encoded them."""
    if "x-encoded" not in outputs:
        return codes
    names = dict(zip(outputs["x-encoded"], outputs["labels"], strict=True))
    unknown = set(codes) - names.keys()
    if unknown:
        raise ValueError(f"The model answered {unknown.pop()!r}, which is none of its classes.")
    return [names[code] for code in codes]


def _together(names: Sequence[str], answers: Sequence[Prediction]) -> Prediction:
    """Put the answers about several targets into one prediction."""
    return {
        SEVERAL[kind]: {name: answer[kind] for name, answer in zip(names, answers, strict=True)}
        for kind in answers[0]
    }


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


def _said(error: Exception) -> str:
    """Say where the model fails on a row, without any value of it."""
    place = error.__traceback__
    where = ""
    while place:
        if "/model/src/" in place.tb_frame.f_code.co_filename.replace("\\", "/"):
            where = f" in {place.tb_frame.f_code.co_name}, line {place.tb_lineno}"
        place = place.tb_next
    return f"the model cannot take this row ({type(error).__name__}{where})"


def _require_finite(values: list[float]) -> None:
    if not all(math.isfinite(value) for value in values):
        raise ValueError("The model answered a number that is not finite.")


def _single_threaded(estimator: Any) -> Any:
    """Turn off the estimator's own thread pools: for a few rows they only cost time."""
    parameters = estimator.get_params(deep=True) if hasattr(estimator, "get_params") else {}
    pools = {name: 1 for name in parameters if name == "n_jobs" or name.endswith("__n_jobs")}
    return estimator.set_params(**pools) if pools else estimator
