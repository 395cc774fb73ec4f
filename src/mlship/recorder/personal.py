"""The columns that look personal, by their names or by what their values look like."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from . import tables

ALONE = {"name", "names"}
"""What is personal as a whole name; in ``car name`` or ``company_name`` it is not."""
PERSONS = {
    "applicant", "client", "contact", "customer", "driver", "employee", "family", "first", "full",
    "given", "guest", "last", "maiden", "member", "middle", "owner", "passenger", "patient",
    "person", "student", "sur", "user",
}  # fmt: skip
"""With one of these, a name, a mail or a number is a person's."""
WORDS = {
    "address", "birthdate", "birthday", "cellphone", "cpf", "dob", "email", "fax",
    "firstname", "forename", "fullname", "iban", "ip", "ipaddress", "lastname", "mobile", "nhs",
    "passport", "phone", "phonenumber", "postcode", "ssn", "street", "surname", "telephone",
    "username", "zip", "zipcode",
}  # fmt: skip
PAIRS = (
    {"birth", "date"}, {"birth", "day"}, {"birth", "place"}, {"birth", "year"},
    {"e", "mail"}, {"credit", "card"}, {"social", "security"}, {"national", "id"},
    {"license", "plate"}, {"postal", "code"}, {"post", "code"}, {"tax", "id"},
)  # fmt: skip
VALUES = (
    ("e-mail addresses", re.compile(r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}")),
    ("IP addresses", re.compile(r"(\d{1,3}\.){3}\d{1,3}")),
    ("social security numbers", re.compile(r"\d{3}-\d{2}-\d{4}")),
    ("phone numbers", re.compile(r"(?=(.*\d){7})(\+|\(|00)\(?\d[\d ()/.-]{5,18}\d")),
    ("phone numbers", re.compile(r"\d{3}[ .-]\d{3}[ .-]\d{4}")),
)
LOOKED_AT = 1000
"""Different values of a column that are looked at."""


def columns(samples: Any, names: Sequence[str] | None = None) -> dict[str, str]:
    """Return the columns of a table that look personal, each with what tells: name or values.

    Args:
        samples: n rows: a frame, a series, an array, or a list of texts.
        names: the columns' names, where ``samples`` has none.
    """
    found = {}
    for name, values in tables.named_columns(samples, names):
        if _is_called_so(name):
            found[name] = "by its name"
        else:
            kind = _looks_like(values)
            if kind:
                found[name] = f"its values look like {kind}"
    return found


def words(name: str) -> list[str]:
    """Split a column's name into its words: ``PassengerId`` is passenger and id."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+", " ", name).lower().split()


def _is_called_so(name: str) -> bool:
    said = words(name)
    if len(said) == 1 and said[0] in ALONE:
        return True
    if "name" in said and PERSONS & set(said):
        return True
    return bool(WORDS & set(said)) or any(pair <= set(said) for pair in PAIRS)


def _looks_like(values: Sequence[Any]) -> str | None:
    texts = list(dict.fromkeys(v.strip() for v in values if isinstance(v, str)))[:LOOKED_AT]
    for kind, pattern in VALUES:
        if texts and 2 * sum(bool(pattern.fullmatch(text)) for text in texts) > len(texts):
            return kind
    return None
