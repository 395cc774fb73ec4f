"""An uploaded CSV, as spreadsheets write them: read as the model's inputs, or refused in words."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from form import Field
from table import typed

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
DECIMAL_COMMA = re.compile(r"\s*[+-]?\d*,\d+\s*")
NAMED = 5
"""Columns that are named of many."""
BOMS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}
ZIP = b"PK\x03\x04"


class Unreadable(Exception):
    """An uploaded file that is not a table of the model's inputs; the message says why."""


@dataclass(frozen=True)
class Upload:
    """The table of a file, and what was supposed of it that the person should check."""

    frame: pd.DataFrame
    notes: tuple[str, ...] = ()


def read(data: bytes, fields: Sequence[Field]) -> Upload:
    """Read a CSV; a column with a cell of the wrong type stays text, so that it can be put right.

    Columns that are no inputs of the model are kept, and come back beside the predictions.

    Raises:
        Unreadable: The file is no CSV, or lacks columns or rows.
    """
    text, notes = _decoded(data)
    separator = _separator(text, fields)
    try:
        lines = csv.DictReader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
        rows = list(lines)
    except csv.Error as error:
        raise Unreadable("This is no CSV file. Save the table as one, then try again.") from error
    header = list(lines.fieldnames or ())
    _require_columns(header, fields)
    for number, row in enumerate(rows, start=1):
        if None in row or None in row.values():
            raise Unreadable(
                f"Row {number} has more or fewer cells than the header, which has {len(header)}, "
                f"with {SEPARATORS[separator]} between them."
            )
    if not rows:
        raise Unreadable("The file has a header, but no rows.")
    if separator != "," and (commas := _with_decimal_commas(rows, fields)):
        for row in rows:
            row.update({name: row[name].replace(",", ".") for name in commas})
        notes.append(f"Commas in {_some(commas)} are read as decimal points: 1,5 is 1.5.")
    return Upload(typed(pd.DataFrame(rows, columns=header, dtype=object), fields), tuple(notes))


def _decoded(data: bytes) -> tuple[str, list[str]]:
    """Return a file's text, with a note where its encoding is only likely."""
    if data.startswith(ZIP):
        raise Unreadable("This is a spreadsheet, not a CSV file. Save it as CSV, then try again.")
    encoding = next((name for mark, name in BOMS.items() if data.startswith(mark)), "utf-8")
    try:
        text, notes = data.decode(encoding), list[str]()
    except UnicodeDecodeError:
        notes = [
            "The file is not in UTF-8 and is read as Windows-1252. If letters look wrong in the "
            "table, save the file as CSV in UTF-8 and upload it again."
        ]
        text = data.decode("cp1252", errors="replace")
    if "\0" in text or "\N{REPLACEMENT CHARACTER}" in text:
        raise Unreadable("This is no text. Save the table as CSV in UTF-8, then try again.")
    return text, notes


def _separator(text: str, fields: Sequence[Field]) -> str:
    """Return what divides the header into the most inputs; a comma if that tells nothing."""
    first = next(iter(text.splitlines()), "")
    names = {field.name for field in fields}

    def inputs(separator: str) -> int:
        try:
            return len(names.intersection(*csv.reader([first], delimiter=separator)))
        except csv.Error:
            return 0

    return max(SEPARATORS, key=inputs)


def _require_columns(header: Sequence[str], fields: Sequence[Field]) -> None:
    twice = [name for i, name in enumerate(header) if name in header[:i]]
    if twice:
        raise Unreadable(f"Two columns of the file have the same name: {_some(twice)}.")
    lacking = [field.name for field in fields if field.required and field.name not in header]
    if not lacking:
        return
    known = {field.name for field in fields}
    alike = {_bare(name): name for name in header if name not in known}
    meant = [f"{alike[bare]!r} is {name!r}" for name in lacking if (bare := _bare(name)) in alike]
    raise Unreadable(
        f"The file has no column {_some(lacking)}."
        + (f" Perhaps {', '.join(meant[:NAMED])}: names must be written alike." if meant else "")
    )


def _with_decimal_commas(rows: Sequence[dict[str, str]], fields: Sequence[Field]) -> list[str]:
    """Return the columns of numbers that have commas, and points nowhere."""
    found = []
    for field in fields:
        if field.type == "number" and field.name in rows[0]:
            cells = [row[field.name] for row in rows]
            if any(map(DECIMAL_COMMA.fullmatch, cells)) and not any("." in cell for cell in cells):
                found.append(field.name)
    return found


def _bare(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold()


def _some(names: Iterable[str]) -> str:
    names = list(names)
    rest = len(names) - NAMED
    return ", ".join(map(repr, names[:NAMED])) + (f" and {rest} more" if rest > 0 else "")
