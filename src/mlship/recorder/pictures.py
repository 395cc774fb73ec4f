"""The picture files that the notebook opens one by one, and the contents of them as rows."""

from __future__ import annotations

import ast
import csv
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from io import BytesIO
from typing import Any, NamedTuple

from . import alike
from .statements import Statement

FUNCTIONS = {
    "cv2": "imread",
    "PIL.Image": "open",
    "matplotlib.image": "imread",
    "matplotlib.pyplot": "imread",
    "skimage.io": "imread",
    "imageio": "imread",
    "imageio.v2": "imread",
    "imageio.v3": "imread",
    "keras.utils": "load_img",
    "keras.preprocessing.image": "load_img",
    "tensorflow.keras.utils": "load_img",
    "tensorflow.keras.preprocessing.image": "load_img",
    "keras.api.utils": "load_img",
    "keras.src.utils.image_utils": "load_img",
}
"""The functions that read a picture, by their modules."""
NAME = "image"
"""What a request calls its picture."""
MOST_BYTES = 64_000_000
"""Bytes of pictures that are handed over: more of them prove little more and take long."""
MOST_READ = 1_000_000_000
"""Bytes of pictures that are held in memory to be read again."""
TABLE, FILE = "pictures.csv", "file"
"""What training reads of pictures: a table, and its column of their names."""
MOST_OPENED = 500_000
"""Openings that are noted; a network that opens its pictures anew in each epoch has more."""
MOST_LABELS = 1_000_000
FORMS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8", b"BM", b"P5", b"P6")
"""What the files begin with that are served."""
NO_READING = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef, ast.Pass)
SPACE = "pass"
"""The text of an empty statement, in whose place the pictures can be loaded."""


class Opened(NamedTuple):
    """A picture that was read."""

    statement: int
    path: str


class Pictures:
    """Listens to the functions that read pictures."""

    def __init__(self) -> None:
        self.opened: list[Opened] = []
        self.namespace: Mapping[str, Any] = {}
        """The notebook's."""
        self.beside: dict[int, dict[str, Any]] = {}
        """For each statement that read pictures, the lists of plain values that it changed."""
        self.lengths: dict[int, dict[str, int]] = {}
        """And how long each list, or table, is that it changed."""
        self._modules: dict[int, str] = {}

    def opening(self, module: str, log: Any) -> Callable[[Any, str], Any]:
        """Return what makes a function of a module tell of each picture that it read."""

        def make(function: Any, name: str) -> Any:
            self._modules[id(function)] = module

            def opened(path: Any, *args: Any, **kwargs: Any) -> Any:
                result = function(path, *args, **kwargs)
                known = result is not None and isinstance(path, (str, os.PathLike))
                if known and len(self.opened) < MOST_OPENED:
                    self.opened.append(Opened(log.statement, os.path.abspath(str(path))))
                return result

            return opened

        return make

    def module_of(self, function: Any) -> str | None:
        """Return the module of a function that reads pictures, or None for any other."""
        function = getattr(function, "__wrapped__", function)
        return self._modules.get(id(function))

    def settle(self, statement: int, changed: Iterable[str]) -> None:
        """Keep the lists beside the pictures, their labels for one, as a statement left them."""
        if not self.opened or self.opened[-1].statement != statement:
            return
        kept: dict[str, Any] = {}
        lengths = self.lengths[statement] = {}
        for name in changed:
            value: Any = self.namespace.get(name)
            if isinstance(value, list) or getattr(value, "ndim", 0) > 0:
                lengths[name] = len(value)
            value = value.tolist() if getattr(value, "ndim", 0) == 1 else value
            if isinstance(value, list) and len(value) <= MOST_LABELS and all(map(_is_plain, value)):
                held = self.namespace[name]
                kept[name] = list(held) if isinstance(held, list) else held.copy()
        self.beside[statement] = kept

    def paths(self, statement: int) -> list[str]:
        """Return the files that a statement read, in their order."""
        return [opened.path for opened in self.opened if opened.statement == statement]


def spaced(statements: Sequence[Statement]) -> list[Statement]:
    """Put an empty statement before each one that may read pictures."""
    names = {*FUNCTIONS.values()} - {"open"} | {"Image.open"}
    if not any(name in statement.source for statement in statements for name in names):
        return list(statements)
    result: list[Statement] = []
    for statement in statements:
        if statement.error is None and not isinstance(statement.node, NO_READING):
            result.append(Statement(statement.cell, ast.parse(SPACE).body[0], SPACE))
        result.append(statement)
    return result


def contents(paths: Sequence[str]) -> Any:
    """Return the bytes of files (n, of objects).

    Raises:
        OSError: one is not there any more.
    """
    import numpy

    rows = numpy.empty(len(paths), dtype=object)
    for position, path in enumerate(paths):
        with open(path, "rb") as file:
            rows[position] = file.read()
    return rows


def are_pictures(rows: Any) -> bool:
    """Say whether rows are the contents of picture files."""
    return (
        type(rows).__module__ == "numpy"
        and getattr(rows, "ndim", 0) == 1
        and rows.dtype.kind == "O"
        and len(rows) > 0
        and all(type(row) is bytes for row in rows)
    )


def fewer(values: dict[str, Any]) -> tuple[dict[str, Any], str | None]:
    """Take evenly spaced ones of many pictures, with their answers.

    Args:
        values: ``rows``, ``answers`` and ``probabilities`` (n each).

    Returns:
        The same, and what is to be said of it.
    """
    rows = values["rows"]
    size = sum(map(len, rows)) if are_pictures(rows) else 0
    if size <= MOST_BYTES:
        return values, None
    step = -(-size // MOST_BYTES)
    return alike.thinned(values, step, "pictures")


def globals_of_code() -> dict[str, Any]:
    """Return what the code that opens contents speaks of."""
    known: dict[str, Any] = {"BytesIO": BytesIO, "read_pictures": read_pictures}
    if "numpy" in sys.modules:
        known["np"] = sys.modules["numpy"]
    return known


def reading_code(beside: Mapping[str, Any]) -> str:
    """Return a function that reads pictures, and what goes along with them, by a table of names.

    Args:
        beside: lists or arrays of plain values (n each), by their names.
    """
    texts = {name: str for name, values in beside.items() if isinstance(values[0], str)}
    types = ", ".join(f"{name!r}: str" for name in texts)
    types = f", dtype={{{types}}}" if types else ""
    columns = [
        f"table[{name!r}]." + ("tolist()" if isinstance(values, list) else "to_numpy()")
        for name, values in beside.items()
    ]
    given = ", ".join(["pictures", *columns])
    return f'''
def read_pictures(path: Path) -> Any:
    """Read the pictures whose names are in the column ``file`` of a table beside them."""
    table = pd.read_csv(path{types}, keep_default_na=False)
    pictures = np.empty(len(table), dtype=object)
    for position, name in enumerate(table["file"]):
        pictures[position] = (path.parent / name).read_bytes()
    return {given}
'''


def write(rows: Any, beside: Mapping[str, Any], folder: str) -> None:
    """Write pictures (n) and what goes along with them as that function reads them."""
    names = []
    for position, content in enumerate(rows):
        names.append(f"{position}.picture")
        with open(os.path.join(folder, names[-1]), "wb") as file:
            file.write(content)
    with open(os.path.join(folder, TABLE), "w", newline="", encoding="utf-8") as table:
        writer = csv.writer(table)
        writer.writerow([FILE, *beside])
        writer.writerows(zip(names, *beside.values()))


def read_pictures() -> Any:
    """Stand for the loading of pictures, whose contents the log has."""
    raise AssertionError("the log has what it gives")


read_pictures.__recorded__ = True  # type: ignore[attr-defined]


def _is_plain(value: Any) -> bool:
    number = type(value).__module__ == "numpy" and getattr(value, "ndim", None) == 0
    return number or isinstance(value, (str, int, float))
