"""Read the file of rows that a model is proven on, as pandas or numpy reads it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any, NamedTuple

from ..recorder.models import Refused
from ..recorder.statements import first_line

MOST_ROWS = 100_000
"""Rows beyond these are left out: they would prove little more and take long."""


class Table(NamedTuple):
    """The rows: a pandas frame, or a numpy array of two or more dimensions."""

    rows: Any
    sampled: bool
    """Whether the file holds more rows than these."""


def read(path: str) -> Table:
    """Read at most ``MOST_ROWS`` rows.

    Raises:
        Refused: the file cannot be read as what its name says, or holds no rows.
    """
    name = os.path.basename(path)
    try:
        rows = READERS[_kind(name)](path)
    except Refused:
        raise
    except ImportError as error:
        raise Refused(
            f"{name} cannot be read in the model's Python: {first_line(str(error))} Or give the "
            "rows as CSV."
        ) from None
    except Exception as error:  # a reader raises what its library does
        raise Refused(
            f"{name} cannot be read as {_kind(name)}: {type(error).__name__}: "
            f"{first_line(str(error))}"
        ) from None
    if len(rows) == 0:
        raise Refused(f"{name} holds no rows, and the model is to be proven on some.")
    return Table(rows[:MOST_ROWS], len(rows) > MOST_ROWS)


def _csv(path: str) -> Any:
    import pandas

    return pandas.read_csv(path, nrows=MOST_ROWS + 1, sep="\t" if ".tsv" in path else ",")


def _excel(path: str) -> Any:
    import pandas

    return pandas.read_excel(path, nrows=MOST_ROWS + 1)


def _parquet(path: str) -> Any:
    import pandas

    return pandas.read_parquet(path).reset_index(drop=True)


def _json(path: str) -> Any:
    """Read records: a list of objects, one object a line, or a frame split into its parts."""
    import pandas

    with open(path, encoding="utf-8-sig") as file:
        text = file.read()
    try:
        content = json.loads(text)
    except ValueError:
        content = [json.loads(line) for line in text.splitlines() if line.strip()]
    if isinstance(content, dict) and isinstance(content.get("instances"), list):
        content = content["instances"]
    if isinstance(content, dict) and {"columns", "data"} <= content.keys():
        return pandas.DataFrame(content["data"], columns=content["columns"])
    if not isinstance(content, list) or not all(isinstance(row, dict) for row in content):
        raise Refused(f"{os.path.basename(path)} holds no records: a list of objects, one a row.")
    return pandas.DataFrame(content)


def _npy(path: str) -> Any:
    import numpy

    rows = numpy.load(path, mmap_mode="r", allow_pickle=False)
    if rows.ndim < 2:
        name = os.path.basename(path)
        raise Refused(f"{name} holds an array of {rows.ndim} dimensions, and rows have at least 2.")
    return numpy.array(rows[: MOST_ROWS + 1])


def _kind(name: str) -> str:
    parts = name.lower().split(".")[1:]
    return next(part for part in parts if part in READERS)


READERS: dict[str, Callable[[str], Any]] = {
    "csv": _csv,
    "tsv": _csv,
    "parquet": _parquet,
    "json": _json,
    "jsonl": _json,
    "ndjson": _json,
    "xls": _excel,
    "xlsx": _excel,
    "npy": _npy,
}
"""What a file's name says of how to read it; ``saved.ROWS`` lists the same."""
