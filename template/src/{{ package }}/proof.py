"""The parity promise: the served model answers what it answered where it was fitted.

Labels must be equal. Numbers may differ by their format's tolerance, because a linear model sums a
batch in another order than a single row, in the last digits of a double, or of 32 bits in a neural
network. A number smaller than 1 is measured against 1, or against the largest of all the answers if
that is smaller still, of each target on its own.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from . import formats, schema
from .artifact import ModelError
from .predictor import Prediction, Predictor

NUMBERS, LABELS = ("value", "values"), ("label", "labels")
Path = tuple[str, ...]
"""The names that lead to a part of a prediction."""
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
    tolerance = formats.tolerance(predictor.signature["artifact"])
    together = largest_difference(predictor.predict(asked), reference)
    step = max(1, -(-len(asked) // SINGLE_ROWS))
    picked = range(0, len(asked), step)
    alone = [predictor.predict([asked[i]])[0] for i in picked]
    one_by_one = largest_difference(alone, [reference[i] for i in picked])
    if together > tolerance:
        raise ModelError(
            f"The saved model answers its own rows differently (by {together:.2g}) from where it "
            "was fitted, so it is not served."
        )
    if one_by_one > tolerance:
        raise ModelError(
            f"A row asked alone is answered differently (by {one_by_one:.2g}) from the same row "
            "among others, so the model cannot answer single requests."
        )
    return {
        "rows": len(asked),
        "single_rows": len(alone),
        "tolerance": tolerance,
        "largest_difference": max(together, one_by_one),
    }


def largest_difference(answers: Sequence[Prediction], reference: Sequence[Prediction]) -> float:
    """Compare predictions pairwise; a different label counts as infinite."""
    if len(answers) != len(reference):
        return float("inf")
    ours, theirs = [_flat(item) for item in answers], [_flat(item) for item in reference]
    largest: dict[Path, float] = {}
    for item in theirs:
        for path, value in item.items():
            if path[0] in NUMBERS:
                largest[path] = max(largest.get(path, 0.0), abs(value))
    floors = {path: min(1.0, value) or 1.0 for path, value in largest.items()}
    pairs = zip(ours, theirs, strict=True)
    return max((_difference(one, other, floors) for one, other in pairs), default=0.0)


def choose(
    instances: Sequence[Mapping[str, Any]],
    reference: Sequence[Prediction],
    most: int = KEPT_ROWS,
) -> list[int]:
    """Pick at most ``most`` telling rows: extremes, missing values, each category and label.

    Returns:
        Indices in ascending order.
    """
    picked: dict[int, None] = {}
    for label in {repr(_labels(answer)): i for i, answer in enumerate(reference)}.values():
        picked[label] = None
    for name in instances[0]:
        column = {i: row[name] for i, row in enumerate(instances)}
        present = {i: value for i, value in column.items() if value is not None}
        if len(present) < len(column):
            picked[next(i for i in column if i not in present)] = None
        if present and not isinstance(next(iter(present.values())), list):
            picked[min(present, key=present.__getitem__)] = None
            picked[max(present, key=present.__getitem__)] = None
    every = max(1, len(instances) // most)
    picked |= dict.fromkeys(range(0, len(instances), every))
    return sorted(list(picked)[:most])


def _through_schema(
    predictor: Predictor, instances: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    request_type = schema.request_type(predictor.signature["inputs"], max_rows=len(instances))
    body = json.loads(json.dumps({"instances": list(instances)}))
    try:
        request: Any = request_type.model_validate(body)
    except ValidationError as error:
        first = error.errors()[0]
        raise ModelError(f"A row to be proven breaks the contract: {first['loc']}.") from None
    return [instance.model_dump(by_alias=True) for instance in request.instances]


def _flat(value: Any, path: Path = ()) -> dict[Path, Any]:
    """Return what a prediction says, by the place where it says so."""
    if not isinstance(value, dict):
        return {path: value}
    return {
        place: part
        for name, item in value.items()
        for place, part in _flat(item, (*path, name)).items()
    }


def _labels(answer: Prediction) -> Any:
    return answer.get("label", answer.get("labels"))


def _difference(
    answer: Mapping[Path, Any], reference: Mapping[Path, Any], floors: Mapping[Path, float]
) -> float:
    if answer.keys() != reference.keys():
        return float("inf")
    largest = 0.0
    for path, expected in reference.items():
        given = answer[path]
        if path[0] in LABELS:
            if given != expected or type(given) is not type(expected):
                return float("inf")
        else:
            floor = floors.get(path, 1.0)
            largest = max(largest, abs(given - expected) / max(floor, abs(expected)))
    return largest
