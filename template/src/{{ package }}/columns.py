"""What all values of a column say of it: whole numbers, days, categories, identifiers."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

MAX_CATEGORIES = 200
LONGEST_CATEGORY = 80
"""Letters; what is longer is written by somebody."""
MANY_CODES = 20
"""More different texts with digits than this are taken for identifiers, not for categories."""
CODE_DIGITS = 4
EXACT = 2**53
"""From here on a double does not hold every whole number."""

IDENTIFIERS = {
    "account", "case", "code", "hash", "id", "identifier", "key", "number", "patient", "pid",
    "reference", "serial", "sid", "subject", "ticket", "uid", "url", "uuid",
}  # fmt: skip
ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?")


def is_category(name: str, texts: Sequence[str]) -> bool:
    """Say whether the present texts of a column are a choice of a few, which may be published.

    Names, tickets, postcodes, dates and free text are none, even where some of them repeat.
    The recorder's ``synthetic`` has the same rule, for the same columns.
    """
    times = Counter(texts)
    if not times or len(times) > MAX_CATEGORIES or 2 * len(times) > len(texts):
        return False
    once = sum(number == 1 for number in times.values())
    if 2 * once > len(times) or max(map(len, times)) > LONGEST_CATEGORY:
        return False
    if all(ISO_DATE.fullmatch(text) for text in times):
        return False
    with_digits = sum(any(map(str.isdigit, text)) for text in times)
    codes = sum(sum(map(str.isdigit, text)) >= CODE_DIGITS for text in times)
    called_so = bool(words(name) & IDENTIFIERS) and 2 * with_digits > len(times)
    return len(times) <= MANY_CODES or not (called_so or 2 * codes > len(times))


def words(name: str) -> set[str]:
    """Split a column's name into its words: ``PassengerId`` is passenger and id."""
    return set(re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+", " ", name).lower().split())


def are_whole(values: Sequence[Any]) -> bool:
    """Say whether all values are numbers without a fraction, and small enough to be exact."""
    return all(
        isinstance(value, float) and value.is_integer() and abs(value) <= EXACT for value in values
    )


def are_days(moments: Sequence[str]) -> bool:
    """Say whether all moments in ISO 8601, without a time zone, are the beginnings of days."""
    return all(moment[10:] == "T00:00:00" for moment in moments)
