"""A link that fills in the form again: inputs in the query of the page's own address.

What stands in an address ends up in histories and logs. So a link is made only where a person asks
for it, and holds only inputs of which the service publishes what training saw: choices, switches,
and numbers and days with a range; never free text, and nothing that looks personal.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from urllib.parse import urlencode

from client import Json
from form import EARLIEST, LATEST, Field, Value
from table import cell

LONGEST = 6000
"""Letters of a query; proxies refuse addresses of more than about 8000."""
TAKEN = {"embed", "embed_options"}
"""What Streamlit itself reads in a query."""
EXACT = 2**53
"""Whole numbers up to here are exact in a browser."""


def query(fields: Sequence[Field], row: Json) -> str | None:
    """Write a row as a query, or return None where nothing of it may be shared or it is too long.

    An input without a value has an empty one, so that it comes back empty.
    """
    shared = {field.name: _said(row[field.name]) for field in fields if shareable(field)}
    written = urlencode(shared)
    return written if shared and len(written) <= LONGEST else None


def shareable(field: Field) -> bool:
    """Say whether values of a field may stand in an address."""
    if field.is_file or field.personal or field.name in TAKEN:
        return False
    return bool(field.options) or field.type == "boolean" or "minimum" in field.observed


def fill(fields: Sequence[Field], given: Mapping[str, str]) -> tuple[list[Field], list[str]]:
    """Return the fields with the values of a query, and the names of those that it fits no more."""
    filled: list[Field] = []
    unfit: list[str] = []
    for field in fields:
        if field.name in given and shareable(field):
            value = cell(given[field.name], field) if given[field.name] else None
            if _fits(value, field):
                field = replace(field, example=value)
            else:
                unfit.append(field.name)
        filled.append(field)
    return filled, unfit


def _said(value: Value) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _fits(value: Value, field: Field) -> bool:
    """Say whether the widget of a field can show a value; it fails on any other."""
    if value is None:
        return field.nullable
    if field.options:
        return any(type(value) is type(option) and value == option for option in field.options)
    if field.type == "boolean":
        return isinstance(value, bool)
    if field.type in ("integer", "number"):
        whole = field.type == "integer"
        if not isinstance(value, int if whole else int | float) or not abs(value) < EXACT:
            return False
        low, high = field.minimum, field.maximum
        return (low is None or low <= value) and (high is None or value <= high)
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return False
    return moment.tzinfo is None and EARLIEST <= moment <= LATEST
