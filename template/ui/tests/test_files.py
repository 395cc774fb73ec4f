import base64
import io

import pytest
from PIL import Image

import files
import form

SCHEMA = {
    "type": "string",
    "contentEncoding": "base64",
    "contentMediaType": "image/*",
    "x-media-types": ["image/jpeg", "image/png"],
    "x-pixels": 5000,
    "x-observed": {"missing": 0.0, "width": [9, 60], "height": [9, 60], "bytes": 999},
}


def picture(width: int, height: int, kind: str = "PNG", mode: str = "RGB") -> bytes:
    file = io.BytesIO()
    Image.new(mode, (width, height), 200 if mode == "L" else None).save(file, kind)
    return file.getvalue()


@pytest.fixture
def field() -> form.Field:
    inputs = {"required": ["image"], "properties": {"image": SCHEMA}}
    (only,) = form.fields({"inputs": inputs, "example": {"image": ""}})
    return only


def test_a_file_is_sent_as_it_is():
    data = picture(8, 6)
    assert base64.b64decode(files.encoded(data)) == data


@pytest.mark.parametrize(("kind", "mode"), [("PNG", "RGBA"), ("PNG", "L"), ("JPEG", "RGB")])
def test_a_picture_is_shown_small(kind: str, mode: str):
    small = files.shown(files.encoded(picture(600, 300, kind, mode)), 200_000)
    assert small is not None
    assert small.size == (files.SIDE, files.SIDE // 2)


@pytest.mark.parametrize("data", [b"", b"text", picture(80, 80)[:30], picture(80, 80)])
def test_what_is_no_picture_or_too_large_is_not_shown(data: bytes):
    assert files.shown(files.encoded(data), 5000) is None


def test_an_input_that_is_a_picture_takes_files_of_its_forms(field: form.Field):
    assert field.is_file
    assert form.suffixes(field) == ["jpg", "jpeg", "png"]
    assert field.kind == "picture"
    assert field.seen is None
    assert not field.is_long
