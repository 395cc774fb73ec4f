"""Pictures and NumPy files become the numbers of an input, or are refused in words."""

import io

import numpy as np
import pytest
from PIL import Image

import picture

BYTES = {"minimum": 0, "maximum": 255}


def png(array: np.ndarray, mode: str | None = None) -> bytes:
    file = io.BytesIO()
    image = Image.fromarray(array)
    (image.convert(mode) if mode else image).save(file, format="PNG")
    return file.getvalue()


def npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 1), (2, 3, 3), (2, 3, 4)])
def test_a_picture_becomes_its_pixels(shape: tuple[int, ...]):
    pixels = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    flat = pixels[:, :, 0] if shape[2:] == (1,) else pixels
    white = picture.largest(shape, BYTES)
    assert picture.read(png(flat), "a.png", shape, white) == pixels.tolist()
    assert picture.read(npy(pixels), "a.npy", shape, white) == pixels.tolist()


def test_a_colour_picture_becomes_grey_where_the_model_takes_grey():
    red = np.zeros((2, 2, 3), dtype=np.uint8) + np.array([255, 0, 0], dtype=np.uint8)
    assert picture.read(png(red), "a.png", (2, 2), 255) == [[76, 76], [76, 76]]


def test_pixels_are_as_large_as_training_saw_them():
    white = picture.largest((1, 2), {"minimum": 0.0, "maximum": 1.0})
    assert picture.read(png(np.array([[0, 255]], dtype=np.uint8)), "a.png", (1, 2), white) == [
        [0, 1]
    ]


@pytest.mark.parametrize(
    ("shape", "observed"),
    [((8, 8), {"minimum": 0, "maximum": 16}), ((8, 8), {"minimum": -1, "maximum": 1}),
     ((8, 8, 2), BYTES), ((8, 8, 8, 3), BYTES)],
)  # fmt: skip
def test_where_nothing_says_how_large_a_pixel_is_no_picture_is_taken(shape, observed):
    assert picture.largest(shape, observed) is None


@pytest.mark.parametrize(
    ("data", "name", "words"),
    [
        (
            png(np.zeros((2, 3), np.uint8)),
            "a.png",
            "3 wide and 2 high, and the model takes .* 2 wide",
        ),
        (npy(np.zeros((3, 2))), "a.npy", "shape 3 x 2, and the model takes 2 x 2"),
        (npy(np.array([[None, 1]])), "a.npy", "no .npy file"),
        (npy(np.array([["a", "b"]])), "a.npy", "numbers only"),
        (npy(np.full((2, 2), np.nan)), "a.npy", "numbers only"),
        (b"no picture", "a.png", "no PNG or JPEG"),
    ],
)
def test_another_file_is_refused_in_words(data: bytes, name: str, words: str):
    with pytest.raises(picture.Unreadable, match=words):
        picture.read(data, name, (2, 2), 255)
