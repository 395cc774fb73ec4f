"""An input that is an array of numbers: read from a picture or a NumPy file, and shown."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

MODES = {1: "L", 3: "RGB", 4: "RGBA"}
"""How Pillow calls the pictures of so many numbers a pixel."""
WHITE = 255
SUFFIXES = ("png", "jpg", "jpeg")


class Unreadable(Exception):
    """An uploaded file that is not what the model takes; the message says why."""


def mode(shape: Sequence[int]) -> str | None:
    """Return Pillow's mode of pictures of that shape, or None where it is none of a picture."""
    if len(shape) == 2:
        return "L"
    return MODES.get(shape[2]) if len(shape) == 3 else None


def largest(shape: Sequence[int], observed: Mapping[str, Any]) -> int | None:
    """Return the number that stands for white, 1 or 255, or None where pictures are not read.

    Training must have seen numbers from 0 to nearly that: of others, such as 0 to 16, nothing says
    how a picture becomes them.
    """
    if mode(shape) is None or observed.get("minimum") != 0:
        return None
    seen = observed["maximum"]
    return 1 if 0.9 < seen <= 1 else WHITE if 0.9 * WHITE < seen <= WHITE else None


def read(data: bytes, name: str, shape: Sequence[int], white: int | None) -> list[list[Any]]:
    """Read one array from a file, as nested lists.

    Raises:
        Unreadable: it is none, or one of another shape. It is not made to fit: a picture that is
            resized is answered differently.
    """
    array = _numpy(data) if name.lower().endswith(".npy") else _pixels(data, shape, white)
    if array.shape != tuple(shape):
        raise Unreadable(
            f"{name} has the shape {said(array.shape)}, and the model takes {said(shape)}."
        )
    values: list[list[Any]] = array.tolist()
    return values


def _numpy(data: bytes) -> NDArray[Any]:
    try:
        array = np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise Unreadable("This is no .npy file of numbers.") from error
    if array.dtype.kind not in "iuf" or not np.isfinite(array).all():
        raise Unreadable("The file does not hold numbers only.")
    return np.asarray(array)


def _pixels(data: bytes, shape: Sequence[int], white: int | None) -> NDArray[Any]:
    if white is None:
        raise Unreadable("This model takes its numbers from a .npy file only.")
    height, width = shape[0], shape[1]
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as image:
            if image.size != (width, height):
                raise Unreadable(
                    f"The picture is {image.width} wide and {image.height} high, and the model "
                    f"takes pictures that are {width} wide and {height} high. Resize it as the "
                    "model's own pictures were, then upload it again."
                )
            pixels = np.asarray(image.convert(mode(shape)))
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        raise Unreadable("This is no PNG or JPEG that can be read.") from error
    return (pixels if white == WHITE else pixels / WHITE).reshape(shape)


def shown(values: list[Any], observed: Mapping[str, Any]) -> NDArray[np.uint8]:
    """Return what can be shown as a picture of (height, width, ...), in 8 bits."""
    array = np.array(values, dtype=float)
    low, high = observed["minimum"], observed["maximum"]
    spread = (high - low) or 1
    array = np.clip((array - low) / spread * WHITE, 0, WHITE)
    flat = array.ndim == 3 and array.shape[2] == 1
    return np.asarray(array[:, :, 0] if flat else array, dtype=np.uint8)


def span(values: list[Any]) -> tuple[float, float]:
    """Return the smallest and the largest number of nested lists."""
    array = np.array(values)
    return array.min().item(), array.max().item()


def said(shape: Sequence[int]) -> str:
    """Write a shape as a person would: 28 x 28."""
    return " x ".join(map(str, shape)) or "a single number"
