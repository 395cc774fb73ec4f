"""Rows that nobody ever was: each column on its own from what was seen of it, no real row kept.

Categories are drawn from those that occur; numbers and moments are moved within the range that
was seen; texts that are no categories, and all that look personal, are made up.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from datetime import date
from typing import Any

from . import models, pictures, tables, tensors
from .models import Refused
from .personal import words
from .statements import first_line

COUNT = 50
TRIES = 20
"""Rounds of making up rows while some of them are real ones by chance."""
NOISE = 0.05
"""How far a number is moved, as a share of the range that was seen."""
FEW_NUMBERS = 20
"""Whole numbers of fewer different values are codes or counts, and are drawn as they are."""
MAX_CATEGORIES = 200
LONGEST_CATEGORY = 80
MANY_CODES = 20
CODE_DIGITS = 4
IDENTIFIERS = {
    "account", "case", "code", "hash", "id", "identifier", "key", "number", "patient", "pid",
    "reference", "serial", "sid", "subject", "ticket", "uid", "url", "uuid",
}  # fmt: skip
FORMED = re.compile(r"[^\w\s]|\d")
SHARED, MOSTLY, FEWEST = 0.1, 0.5, 5
"""A word that such a share of a column's values has, and so many of them, says nothing of one
person: ``Mr``, ``Street``, ``BHK``."""
ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?")
WORD = r"[^\W\d_]+"
VOCABULARY = (
    "amber", "bridge", "cloud", "delta", "field", "green", "harbour", "island", "kettle", "light",
    "meadow", "north", "ocean", "paper", "quiet", "river", "stone", "tower", "valley", "winter",
)  # fmt: skip


def rows(
    samples: Any,
    names: Sequence[str] | None = None,
    personal: Collection[str] = (),
    count: int = COUNT,
    seed: int = 0,
) -> Any:
    """Make up rows of the form, columns and types of ``samples``.

    Args:
        samples: n rows: a frame, a series, an array, or a list of texts.
        names: the columns' names, where ``samples`` has none.
        personal: columns whose values are always made up.
        count: how many rows; fewer come back where most are real ones by chance.
        seed: the same seed gives the same rows.

    Raises:
        ValueError: every row that can be made up is a real one.
    """
    dice = random.Random(seed)  # noqa: S311 - nothing is to be kept secret by it
    if tensors.are_samples(samples):
        return tensors.mixed(samples, count, seed)
    columns = list(tables.named_columns(samples, names))
    makers = [_maker(name, values, name in personal, dice) for name, values in columns]
    real = set(zip(*(map(_key, values) for _, values in columns)))
    made: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    for _ in range(TRIES * count):
        row = tuple(make() for make in makers)
        key = tuple(map(_key, row))
        if key not in real:
            made[key] = row
        if len(made) == count:
            break
    if not made:
        raise ValueError("each combination of its values is a row of the data")
    return tables.rebuilt(samples, [list(column) for column in zip(*made.values())])


def answered(
    model: Any, samples: Any, names: Sequence[str] | None, personal: Collection[str]
) -> dict[str, Any]:
    """Make up rows and have the model answer them.

    Raises:
        Refused: no such rows are found that it answers.
    """
    if pictures.are_pictures(samples):
        raise Refused(
            "Pictures cannot be made up. Without --synthetic-rows, some of the notebook's own are "
            "kept for the tests."
        )
    try:
        made = rows(samples, names, personal)
        answers, probabilities = models.ask(model, made)
    except (Refused, ValueError) as error:
        raise Refused(
            f"No rows can be made up that the model answers ({first_line(str(error))}). Without "
            "--synthetic-rows, real ones are kept for the tests."
        ) from None
    return {"rows": made, "answers": answers, "probabilities": probabilities}


def is_category(name: str, texts: Sequence[str]) -> bool:
    """Say whether texts are a choice of a few, by the rule of the project's ``columns``."""
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
    called_so = bool(set(words(name)) & IDENTIFIERS) and 2 * with_digits > len(times)
    return len(times) <= MANY_CODES or not (called_so or 2 * codes > len(times))


def _maker(
    name: str, values: Sequence[Any], personal: bool, dice: random.Random
) -> Callable[[], Any]:
    """Return what makes up one value of a column."""
    present = [value for value in values if not _is_missing(value)]
    missing = [value for value in values if _is_missing(value)]
    make = maker(name, present, personal, dice)

    def made() -> Any:
        if missing and (not present or dice.random() < len(missing) / len(values)):
            return missing[0]
        return make()

    return made


def maker(
    name: str, present: Sequence[Any], personal: bool, dice: random.Random
) -> Callable[[], Any]:
    """Return what makes up values like those ``present`` in a column."""
    known = list(dict.fromkeys(present))
    if not known or isinstance(known[0], bool):
        return lambda: dice.choice(known)
    if isinstance(known[0], str):
        if not personal and is_category(name, list(present)):
            return lambda: dice.choice(present)
        short = [text for text in known if isinstance(text, str) and len(text) <= LONGEST_CATEGORY]
        if short and all(map(ISO_DATE.fullmatch, short)):
            return lambda: _other_day(short, dice)
        if any(map(FORMED.search, short)):  # code may take them apart
            kept, real = shared(short, MOSTLY if personal else SHARED), set(known)
            return lambda: _other_text(short, real, kept, dice)
        return lambda: _words(dice)
    low, high = min(known), max(known)
    if isinstance(known[0], (int, float)):
        whole = all(float(value).is_integer() for value in known)
        kind = type(known[0])
        if whole and len(known) <= FEW_NUMBERS and not personal:
            return lambda: dice.choice(present)
        digits = 0 if whole else max(map(_decimals, known[:1000]))
        width = (high - low) * (1.0 if personal else NOISE)

        def number() -> Any:
            moved = dice.choice(present) + dice.uniform(-width, width)
            return kind(min(high, max(low, round(moved, digits))))

        return number
    days = all(getattr(value, "hour", 0) == getattr(value, "minute", 0) == 0 for value in known)

    def moment() -> Any:
        moved = low + (high - low) * dice.random()
        return low + (moved - low).floor("D") if days else moved.floor("min")

    return moment if hasattr(low, "floor") else lambda: dice.choice(present)


def _words(dice: random.Random) -> str:
    return " ".join(dice.sample(VOCABULARY, dice.randint(2, 5)))


def _other_text(
    texts: Sequence[str], real: Collection[Any], kept: Collection[str], dice: random.Random
) -> str:
    """Return a text of the form of one of ``texts`` that is none of ``real``."""
    for attempt in range(TRIES):
        text = reworded(dice.choice(texts), dice, kept)
        if attempt > TRIES // 2:  # all numbers of so many digits may be there
            text = re.sub(r"\d+", lambda number: number.group() + dice.choice("123456789"), text)
        if text not in real:
            return text
    return _words(dice)


def _other_day(texts: Sequence[str], dice: random.Random) -> str:
    """Return an ISO date, or a date and time, between the first and the last of ``texts``."""
    try:
        low, high = (date.fromisoformat(edge(texts)[:10]) for edge in (min, max))
    except ValueError:  # no day of the calendar
        return _words(dice)
    day = date.fromordinal(dice.randint(low.toordinal(), high.toordinal()))
    return day.isoformat() + dice.choice(texts)[10:]


def shared(texts: Sequence[str], share: float) -> set[str]:
    """Return the words that a share of the texts has; code may look for them."""
    times = Counter(word for text in texts for word in set(re.findall(WORD, text)))
    return {word for word, n in times.items() if n >= max(FEWEST, share * len(texts))}


def reworded(text: str, dice: random.Random, kept: Collection[str] = ()) -> str:
    """Return a text of the same form, with other numbers, and other words but for those kept."""

    def made(match: re.Match[str]) -> str:
        word = match.group()
        if word in kept:
            return word
        if word.isdigit():
            return "".join(dice.choice("123456789") for _ in word)
        other = dice.choice(VOCABULARY)
        return other.capitalize() if word[0].isupper() else other

    return re.sub(rf"\d+|{WORD}", made, text)


def _decimals(value: float) -> int:
    text = f"{value:.6f}".rstrip("0")
    return len(text.partition(".")[2])


def _is_missing(value: Any) -> bool:
    return value is None or value != value or type(value).__name__ in ("NAType", "NaTType")


def _key(value: Any) -> Any:
    return None if _is_missing(value) else value
