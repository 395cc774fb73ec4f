"""A sample that is an array of numbers, a picture for one: its schema, its check and its size."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

DIGITS = {"i": 21, "u": 21, "f": 24}
"""Letters that JSON takes for a number of 64 bits, with what stands between two."""


MOST_NUMBERS = 2_000_000
"""Numbers that a training run is proven on: more samples prove little more and take long."""


def fewer(samples: Any) -> Any:
    """Return evenly spaced ones of many samples."""
    return samples[:: -(-samples.size // MOST_NUMBERS)]


def describe(samples: Any) -> dict[str, Any]:
    """Return the schema of one of n arrays of the same shape.

    Numbers of an integer type narrower than 64 bits are held to its range, beyond which they would
    wrap.
    """
    dtype = samples.dtype
    number: dict[str, Any] = {"type": "number" if dtype.kind == "f" else "integer"}
    if dtype.kind != "f":
        bounds = np.iinfo(dtype)
        number |= {"minimum": int(bounds.min), "maximum": int(bounds.max)}
    items = number
    for size in reversed(samples.shape[1:]):
        items = {"type": "array", "minItems": size, "maxItems": size, "items": items}
    return {
        **items,
        "x-shape": list(samples.shape[1:]),
        "x-dtype": dtype.str,
        "x-observed": {
            "missing": 0.0,
            "minimum": samples.min().item(),
            "maximum": samples.max().item(),
        },
    }


def middle(samples: Sequence[Any], schema: Mapping[str, Any]) -> Any:
    """Return the median of each number over n samples: no real sample is shown."""
    dtype = np.dtype(schema["x-dtype"])
    found = np.median(np.array(samples, dtype=dtype), axis=0)
    return (found if dtype.kind == "f" else found.round()).astype(dtype).tolist()


def check(schema: Mapping[str, Any]) -> Callable[[Any], Any]:
    """Return a function that makes an array of the nested lists of a request.

    It raises a ValueError that names the shape expected and got, and shows no number.
    """
    shape, dtype = tuple(schema["x-shape"]), np.dtype(schema["x-dtype"])
    allowed = {int, float} if dtype.kind == "f" else {int}
    numbers = "finite numbers" if dtype.kind == "f" else "whole numbers"
    if dtype.kind in "iu":
        bounds = np.iinfo(dtype)
        numbers += f" from {bounds.min} to {bounds.max}"

    def checked(value: Any) -> Any:
        rows = [value]
        for depth, size in enumerate(shape):
            if not all(isinstance(row, list) and len(row) == size for row in rows):
                got = _shape(value)
                raise ValueError(
                    f"Input should be an array of shape {said(shape)}; its shape is {said(got)}"
                    + (", but not in each part" if got == shape else "")
                )
            if depth + 1 < len(shape):
                rows = [part for row in rows for part in row]
        kinds = {type(number) for row in rows for number in row}
        array = np.array(value) if kinds <= allowed else None
        if array is None or not _fits(array, dtype):
            raise ValueError(f"Input should hold {numbers} only")
        return array.astype(dtype)

    return checked


def _fits(array: Any, dtype: Any) -> bool:
    if dtype.kind != "f":
        bounds = np.iinfo(dtype)
        return bool(bounds.min <= array.min() and array.max() <= bounds.max)
    try:
        largest = np.abs(array.astype(float)).max()
    except OverflowError:
        return False
    return bool(largest <= np.finfo(dtype).max)


def said(shape: Sequence[int]) -> str:
    """Write a shape as a person would: 28 x 28."""
    return " x ".join(map(str, shape)) or "a single value"


def _shape(value: Any) -> tuple[int, ...]:
    """Return the shape of nested lists, as their first parts have it."""
    if not isinstance(value, list):
        return ()
    return (len(value), *(_shape(value[0]) if value else ()))


def is_one(schema: Mapping[str, Any]) -> bool:
    """Say whether a property is an array."""
    return bool(schema["type"] == "array")


def cells(inputs: Mapping[str, Any]) -> int:
    """Return how many numbers the arrays of one instance hold; 0 where there are none."""
    arrays = [schema for schema in inputs["properties"].values() if is_one(schema)]
    return sum(math.prod(schema["x-shape"]) for schema in arrays)


def most_bytes(inputs: Mapping[str, Any]) -> int:
    """Return how many bytes of JSON the arrays of one instance may take."""
    total = 0
    for schema in inputs["properties"].values():
        if is_one(schema):
            dtype = np.dtype(schema["x-dtype"])
            small = dtype.kind == "u" and dtype.itemsize == 1
            total += math.prod(schema["x-shape"]) * (5 if small else DIGITS[dtype.kind])
    return total
