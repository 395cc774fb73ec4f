"""A sample that is a picture's file: its schema, its check, an example, and its size.

A request holds the file's bytes in base64. What a picture is, and how large, is read from its
first bytes, so that nothing is decoded that unpacks to more than the service can hold; decoding is
for the team's own code, with the library that the notebook used.
"""

import base64
import binascii
import re
import struct
import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

LEAST_BYTES = 10_000_000
"""A file may be at least that large, or several times the largest of the notebook's."""
LEAST_PIXELS = 12_500_000
"""Likewise; telephones take pictures of 12 million pixels."""
TIMES = 4
MOST_BYTES = 64_000_000
"""Bytes of pictures that a training run is proven on."""
PNG = b"\x89PNG\r\n\x1a\n"
SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Numbers a pixel for each of the colour types of PNG."""
FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""The markers of JPEG that say how large the picture is."""
PORTABLE = re.compile(rb"P([56])(?:\s+|\s*#[^\n]*\n)+(\d{1,9})\s+(?:#[^\n]*\n\s*)*(\d{1,9})\s")
NAMES = {
    "image/png": "PNG",
    "image/jpeg": "JPEG",
    "image/bmp": "BMP",
    "image/x-portable-anymap": "PGM or PPM",
}


@dataclass(frozen=True)
class Kind:
    """What the first bytes of a picture say of it."""

    media_type: str
    width: int
    height: int
    colours: int
    """The colour type of PNG, the components of JPEG, the bits of BMP, or the form of Netpbm."""


def kind_of(content: bytes) -> Kind | None:
    """Read what a picture's first bytes say, or None where it is no picture that is served."""
    try:
        if content.startswith(PNG) and content[12:16] == b"IHDR":
            width, height, _, colours = struct.unpack(">IIBB", content[16:26])
            kind = Kind("image/png", width, height, colours)
        elif content.startswith(b"\xff\xd8"):
            kind = _jpeg(content)
        elif content.startswith(b"BM"):
            width, height, _, bits = struct.unpack("<iiHH", content[18:30])
            kind = Kind("image/bmp", width, abs(height), bits)
        elif found := PORTABLE.match(content[:1000]):
            kind = Kind("image/x-portable-anymap", int(found[2]), int(found[3]), int(found[1]))
        else:
            return None
    except (struct.error, IndexError):
        return None
    return kind if kind.width > 0 and kind.height > 0 else None


def _jpeg(content: bytes) -> Kind:
    """Read the segments of a JPEG up to the one that says how large it is."""
    at = 2
    while True:
        marker, size = struct.unpack(">HH", content[at : at + 4])
        if marker >> 8 != 0xFF:
            raise IndexError
        if marker & 0xFF in FRAMES:
            _, height, width, components = struct.unpack(">BHHB", content[at + 4 : at + 10])
            return Kind("image/jpeg", width, height, components)
        at += 2 + size if marker != 0xFFFF else 1


def are_pictures(rows: Any) -> bool:
    """Say whether rows are the contents of picture files (n, of objects)."""
    known = isinstance(rows, np.ndarray) and rows.ndim == 1 and rows.dtype.kind == "O"
    return known and len(rows) > 0 and all(isinstance(row, bytes) for row in rows)


def fewer(rows: Any) -> Any:
    """Return evenly spaced ones of many pictures."""
    return rows[:: -(-sum(map(len, rows)) // MOST_BYTES)]


def describe(contents: Sequence[bytes]) -> dict[str, Any]:
    """Return the schema of one of n pictures.

    Only the forms of the notebook's own are taken, as nothing is proven of any other.

    Raises:
        ValueError: one is none that is served.
    """
    kinds = [kind_of(content) for content in contents]
    known = [kind for kind in kinds if kind is not None]
    if len(known) < len(kinds):
        raise ValueError(f"{len(kinds) - len(known)} files are no PNG, JPEG, BMP, PGM or PPM.")
    types = sorted({kind.media_type for kind in known})
    largest = max(LEAST_BYTES, TIMES * max(map(len, contents)))
    pixels = [kind.width * kind.height for kind in known]
    return {
        "type": "string",
        "contentEncoding": "base64",
        "contentMediaType": types[0] if len(types) == 1 else "image/*",
        "maxLength": encoded_length(largest),
        "x-media-types": types,
        "x-pixels": max(LEAST_PIXELS, TIMES * max(pixels)),
        "x-observed": {
            "missing": 0.0,
            "width": [min(kind.width for kind in known), max(kind.width for kind in known)],
            "height": [min(kind.height for kind in known), max(kind.height for kind in known)],
            "bytes": max(map(len, contents)),
        },
    }


def is_one(schema: Mapping[str, Any]) -> bool:
    """Say whether a property is a picture's file."""
    return "x-media-types" in schema


def said(schema: Mapping[str, Any]) -> str:
    """Name the forms of a picture that are taken: JPEG or PNG."""
    return " or ".join(NAMES[media_type] for media_type in schema["x-media-types"])


def encoded_length(size: int) -> int:
    """Return the letters that base64 takes for some bytes."""
    return 4 * -(-size // 3)


def check(schema: Mapping[str, Any]) -> Callable[[Any], bytes]:
    """Return a function that takes a picture out of the text of a request.

    It raises a ValueError that says what is wrong, and shows nothing of the picture.
    """
    forms = said(schema)

    def checked(value: Any) -> bytes:
        if not isinstance(value, str):
            raise ValueError(f"Input should be the file of a {forms} picture, as base64")
        if len(value) > schema["maxLength"]:
            raise ValueError(f"Input should be a file of at most {_size(schema)}")
        content = decoded(value)
        kind = kind_of(content)
        if kind is None or kind.media_type not in schema["x-media-types"]:
            raise ValueError(f"Input should be the file of a {forms} picture")
        if kind.width * kind.height > schema["x-pixels"]:
            raise ValueError(f"Input should be a picture of at most {schema['x-pixels']} pixels")
        return content

    return checked


def _size(schema: Mapping[str, Any]) -> str:
    return f"{schema['maxLength'] * 3 // 4} bytes"


def decoded(value: str) -> bytes:
    """Return the bytes that a text in base64 stands for.

    Raises:
        ValueError: it is no base64.
    """
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("Input should be a file as base64") from None


def encoded(content: bytes) -> str:
    """Write a file as base64."""
    return base64.b64encode(content).decode("ascii")


def to_rows(values: Sequence[Any]) -> Any:
    """Return the contents of n files (n, of objects), which may still be in base64."""
    rows = np.empty(len(values), dtype=object)
    for position, value in enumerate(values):
        rows[position] = decoded(value) if isinstance(value, str) else value
    return rows


def most_bytes(inputs: Mapping[str, Any]) -> int:
    """Return how many bytes of JSON the pictures of one instance may take."""
    schemas = inputs["properties"].values()
    return sum(schema["maxLength"] for schema in schemas if is_one(schema))


def usual_bytes(inputs: Mapping[str, Any]) -> int:
    """Return how many they take where they are as large as the largest of the notebook's."""
    schemas = inputs["properties"].values()
    return sum(encoded_length(s["x-observed"]["bytes"]) for s in schemas if is_one(s))


def example(values: Sequence[str]) -> str:
    """Return a plain grey picture of the form and size that most of n files have."""
    kinds = Counter(kind_of(decoded(value)) for value in values)
    kind = kinds.most_common(1)[0][0]
    if kind is None:
        raise ValueError("A file is no picture.")
    return encoded(grey(kind))


def grey(kind: Kind) -> bytes:
    """Write a grey picture."""
    width, height = kind.width, kind.height
    match kind.media_type:
        case "image/png":
            row = b"\0" + bytes([0 if kind.colours == 3 else 128]) * (width * SAMPLES[kind.colours])
            header = struct.pack(">IIBBBBB", width, height, 8, kind.colours, 0, 0, 0)
            palette = _chunk(b"PLTE", b"\x80\x80\x80") if kind.colours == 3 else b""
            data = _chunk(b"IDAT", zlib.compress(row * height, 9))
            return PNG + _chunk(b"IHDR", header) + palette + data + _chunk(b"IEND", b"")
        case "image/jpeg":
            return _grey_jpeg(width, height, kind.colours)
        case "image/bmp":
            line = b"\x80" * (-(-width * 3 // 4) * 4)
            header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
            start = struct.pack("<2sIHHI", b"BM", 54 + len(line) * height, 0, 0, 54)
            return start + header + line * height
        case _:
            samples = 1 if kind.colours == 5 else 3
            return f"P{kind.colours}\n{width} {height}\n255\n".encode() + b"\x80" * (
                width * height * samples
            )


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _grey_jpeg(width: int, height: int, components: int) -> bytes:
    """Write a JPEG (ITU-T T.81) all of whose blocks are zero: each is a code of two bits."""
    numbers = range(1, components + 1)
    frame = struct.pack(">BHHB", 8, height, width, components)
    frame += b"".join(bytes([number, 0x11, 0]) for number in numbers)
    only_zero = bytes([1, *[0] * 15, 0])  # one code of one bit, for the value 0
    scan = bytes([components]) + b"".join(bytes([number, 0]) for number in numbers) + b"\0\x3f\0"
    bits = 2 * components * -(-width // 8) * -(-height // 8)
    data = b"\0" * (bits // 8)
    if bits % 8:
        data += bytes([0xFF >> bits % 8])
    parts = [(0xDB, b"\0" + b"\x01" * 64), (0xC0, frame), (0xC4, b"\0" + only_zero)]
    parts += [(0xC4, b"\x10" + only_zero), (0xDA, scan)]
    segments = b"".join(
        struct.pack(">BBH", 0xFF, marker, len(part) + 2) + part for marker, part in parts
    )
    jfif = b"\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0"
    return b"\xff\xd8" + jfif + segments + data + b"\xff\xd9"
