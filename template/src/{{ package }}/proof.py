"""The parity promise: the served model answers what it answered where it was fitted.

Labels must be equal. Numbers may differ by ``TOLERANCE`` of their size, because a linear model sums
a batch in another order than a single row, in the last digits of a double. A number smaller than 1
is measured against 1, or against the largest of all the answers if that is smaller still.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from . import schema
from .artifact import ModelError
from .predictor import Prediction, Predictor

TOLERANCE = 1e-9
SINGLE_ROWS = 500
"""Rows asked one at a time; the whole batch is asked too."""
KEPT_ROWS = 50
"""Rows kept for the tests, in the process and over HTTP."""


def prove(
    predictor: Predictor, instances: Sequence[Mapping[str, Any]], reference: Sequence[Prediction]
) -> dict[str, Any]:
    """Ask n instances as a client would, through JSON and the schema, and compare the answers.

    Returns:
        How many rows were asked together and one at a time, the tolerance, and the largest
        difference met, relative to the size of the number.

    Raises:
        ModelError: an answer differs, depends on the other rows, or an instance is refused.
    """
    asked = _through_schema(predictor, instances)
    together = largest_difference(predictor.predict(asked), reference)
    step = max(1, -(-len(asked) // SINGLE_ROWS))
    picked = range(0, len(asked), step)
    alone = [predictor.predict([asked[i]])[0] for i in picked]
    one_by_one = largest_difference(alone, [reference[i] for i in picked])
    if together > TOLERANCE:
        raise ModelError(
            f"The saved model answers its own rows differently (by {together:.2g}) from where it "
            "was fitted, so it is not served."
        )
    if one_by_one > TOLERANCE:
        raise ModelError(
            f"A row asked alone is answered differently (by {one_by_one:.2g}) from the same row "
            "among others, so the model cannot answer single requests."
        )
    return {
        "rows": len(asked),
        "single_rows": len(alone),
        "tolerance": TOLERANCE,
        "largest_difference": max(together, one_by_one),
    }


def largest_difference(answers: Sequence[Prediction], reference: Sequence[Prediction]) -> float:
    """Compare predictions pairwise; a different label counts as infinite."""
    if len(answers) != len(reference):
        return float("inf")
    largest = max((abs(item["value"]) for item in reference if "value" in item), default=0.0)
    floor = min(1.0, largest) or 1.0
    pairs = zip(answers, reference, strict=True)
    return max((_difference(a, b, floor) for a, b in pairs), default=0.0)


def choose(instances: Sequence[Mapping[str, Any]], reference: Sequence[Prediction]) -> list[int]:
    """Pick at most ``KEPT_ROWS`` telling rows: extremes, missing values, each category and label.

    Returns:
        Indices in ascending order.
    """
    picked: dict[int, None] = {}
    for label in {repr(answer.get("label")): i for i, answer in enumerate(reference)}.values():
        picked[label] = None
    for name in instances[0]:
        column = {i: row[name] for i, row in enumerate(instances)}
        present = {i: value for i, value in column.items() if value is not None}
        if len(present) < len(column):
            picked[next(i for i in column if i not in present)] = None
        if present:
            picked[min(present, key=present.__getitem__)] = None
            picked[max(present, key=present.__getitem__)] = None
    every = max(1, len(instances) // KEPT_ROWS)
    picked |= dict.fromkeys(range(0, len(instances), every))
    return sorted(list(picked)[:KEPT_ROWS])


def _through_schema(
    predictor: Predictor, instances: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    request_type = schema.request_type(predictor.signature["inputs"], max_rows=len(instances))
    body = json.loads(json.dumps({"instances": list(instances)}))
    try:
        request: Any = request_type.model_validate(body)
    except ValidationError as error:
        first = error.errors()[0]
        raise ModelError(f"A row of the notebook breaks the contract: {first['loc']}.") from None
    return [instance.model_dump(by_alias=True) for instance in request.instances]


def _difference(answer: Prediction, reference: Prediction, floor: float) -> float:
    if answer.keys() != reference.keys():
        return float("inf")
    if "value" in answer:
        return _distance(answer["value"], reference["value"], floor)
    if answer["label"] != reference["label"] or type(answer["label"]) is not type(
        reference["label"]
    ):
        return float("inf")
    ours, theirs = answer.get("probabilities", {}), reference.get("probabilities", {})
    if ours.keys() != theirs.keys():
        return float("inf")
    return max((_distance(ours[name], theirs[name], 1.0) for name in ours), default=0.0)


def _distance(number: float, reference: float, floor: float) -> float:
    return abs(number - reference) / max(floor, abs(reference))
