"""An input that is the file of a picture: sent as it is, for the service to decode, and shown."""

import base64
import io
from collections.abc import Sequence

from PIL import Image, UnidentifiedImageError

SUFFIXES = {
    "image/png": ("png",),
    "image/jpeg": ("jpg", "jpeg"),
    "image/bmp": ("bmp",),
    "image/x-portable-anymap": ("pgm", "ppm", "pnm"),
}
SIDE = 280
"""Pixels of a preview, twice what the page gives it."""


def suffixes(media_types: Sequence[str]) -> list[str]:
    """Return what the files of these types may be called."""
    return [suffix for media_type in media_types for suffix in SUFFIXES.get(media_type, ())]


def encoded(data: bytes) -> str:
    """Write a file as the service takes it."""
    return base64.b64encode(data).decode("ascii")


def shown(value: str, most: int) -> Image.Image | None:
    """Return a small copy of a picture to look at, or None where it is none, or too large.

    Args:
        value: the file, in base64.
        most: the pixels that the service takes.
    """
    try:
        with Image.open(io.BytesIO(base64.b64decode(value))) as image:
            if image.width * image.height > most:
                return None
            small = image.convert("RGB")
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError):
        return None
    small.thumbnail((SIDE, SIDE))
    return small
