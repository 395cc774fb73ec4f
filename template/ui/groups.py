"""Many inputs in few groups, by what their names have in common; and how one of them is found."""

import re
from collections.abc import Sequence
from itertools import groupby

from form import Field

GROUP = 20
"""Inputs of a group; fewer than this are in none."""

Group = tuple[str, list[Field]]


def divide(fields: Sequence[Field]) -> list[Group]:
    """Divide fields, in their order, into titled groups of at most ``GROUP``.

    Those whose names begin alike stay together if that makes groups of three and more.
    """
    if len(fields) <= GROUP:
        return [("", list(fields))]
    runs = [list(run) for _, run in groupby(fields, key=lambda field: _first_word(field.name))]
    if len(runs) > len(fields) / 3:
        runs = [list(fields)]
    parts = [run[i : i + GROUP] for run in runs for i in range(0, len(run), GROUP)]
    return [(_title(part), part) for part in parts]


def matching(fields: Sequence[Field], words: str) -> list[Field]:
    """Return the fields that have every one of the words in their name, unit or description."""
    wanted = words.casefold().split()
    return [
        field
        for field in fields
        if all(word in f"{field.title} {field.description or ''}".casefold() for word in wanted)
    ]


def _first_word(name: str) -> str:
    return re.split(r"[\W\d_]+", name.strip(), maxsplit=1)[0].casefold()


def _title(part: Sequence[Field]) -> str:
    first, last = part[0].name, part[-1].name
    return first if len(part) == 1 else f"{first} to {last}"
