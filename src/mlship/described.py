"""What a notebook says in words of its columns: a data dictionary in its Markdown, or none.

Only a table or a list that plainly explains columns by their names is taken: two of them at least,
and no list of what is to be done with them.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

LONGEST = 300
"""Letters of a description."""
SCALED = "centered and scaled"
"""What a data set of scikit-learn says of itself if its columns are not what it explains."""
FEWEST = 2
"""Columns that a list or table must explain to be taken for a data dictionary."""
ITEM = re.compile(
    r"^\s*(?:(?P<bullet>[-*+•]|\d+[.)])\s+)?(?P<name>[^|:=\u2013\u2014]{1,80}?)"
    r"(?:\s*[:=\u2013\u2014]\s*|\s+->?\s+|(?<=\S)(?P<gap>\s{2,}|\t+))(?P<text>\S.*)$"
)
HEADINGS = ("description", "definition", "meaning", "explanation", "details", "what", "info")
UNIT = (
    r"(?:\$ ?\d[\d,]*'?s?|US ?dollars?|USD|EUR|GBP|INR|dollars?|euros?|pounds?|rupees?|[$€£%]"
    r"|per ?cent|percentage|years?|months?|weeks?|days?|hours?|minutes?|seconds?|ms"
    r"|square (?:feet|foot|met(?:er|re)s?|kilomet(?:er|re)s?|miles?)|sq\.? ?(?:ft|m)\.?|sqft|m2|m²"
    r"|cubic (?:feet|inches|centimet(?:er|re)s?)|cm2|cm²|cm|mm|km|kilomet(?:er|re)s?"
    r"|centimet(?:er|re)s?|millimet(?:er|re)s?|met(?:er|re)s?|feet|foot|inch(?:es)?|miles?|acres?"
    r"|kg|kilograms?|grams?|lbs?\.?|km/h|kmh|mph|mpg|mg/d[lL]|g/d[lL]|mmol/[lL]|mm ?Hg|kg/m\^?[2²]"
    r"|kWh?|MWh?|°[CF]|degrees (?:celsius|fahrenheit)|celsius|fahrenheit|hPa|bpm|ppm|litres?"
    r"|liters?)"
)
IN_UNIT = re.compile(
    rf"\b(?:measured )?in (?:the )?({UNIT})(?=[\s.,;)]*$|[,;.)])|\(\s*(?:in )?({UNIT})\s*\)", re.I
)
NAME_UNIT = re.compile(rf"\s*[(\[]\s*(?:in )?({UNIT})\s*[)\]]$", re.I)
DOINGS = re.compile(
    r"\b(?:missing|nulls?|nans?|fill|filled|drop|dropped|imput\w+|convert\w*|encod\w+|outliers?"
    r"|correlat\w+|distribut\w+|skew\w*|should|must|we|i|let'?s|need|replac\w+|transform\w*|scal\w+"
    r"|dtype|float64|int64|object|seems?|looks?|shows?|important|significant|more likely|higher"
    r"|lower|p-value|remove\w*)\b",
    re.I,
)
"""Words of somebody who says what to do with a column, or was found in it, not what it is."""


def columns(
    texts: Iterable[str], names: Sequence[str], prepared: Sequence[str] = ()
) -> dict[str, dict[str, str]]:
    """Return ``description`` and ``unit`` of the columns that the texts explain.

    Args:
        texts: Markdown cells and data sets' own descriptions; the first that explains a column
            counts.
        names: the columns that there are.
        prepared: those of them that the notebook may have changed. What is said in a unit is not
            said of them.
    """
    found: dict[str, dict[str, str]] = {}
    for text in texts:
        if SCALED in text:
            continue
        for block in _blocks(text):
            known = {
                column: (said, unit)
                for name, said, unit in block
                for column in [_column(name, names)]
                if column is not None
            }
            doings = sum(bool(DOINGS.search(said)) for said, _ in known.values())
            if len(known) < min(FEWEST, len(names)) or 2 * doings > len(known):
                continue
            for column, (said, unit) in known.items():
                if column not in found and not DOINGS.search(said):
                    found[column] = _said(column, said, unit)
    return {
        column: said
        for column, said in found.items()
        if said and not (column in prepared and "unit" in said)
    }


def _blocks(text: str) -> Iterator[list[tuple[str, str, str | None]]]:
    """Yield the items of each table, and of each list or run of lines, as name, text and unit."""
    rows: list[list[str]] = []
    items: list[tuple[str, str, str | None]] = []
    for line in [*text.splitlines(), "#"]:
        cells = [_plain(cell) for cell in line.strip().strip("|").split("|")]
        if "|" in line and len(cells) > 1:
            rows.append(cells)
            continue
        if rows:
            yield _table(rows)
            rows = []
        item = ITEM.match(line)
        if item and (item["bullet"] or not item["gap"]):
            name, unit = _name(_plain(item["name"]))
            items.append((name, _plain(item["text"]), unit))
        elif line.startswith("#") and items:
            yield items
            items = []


def _table(rows: list[list[str]]) -> list[tuple[str, str, str | None]]:
    """Read a Markdown table: its first column names, one explains, and one may give a unit."""
    header, *body = [row for row in rows if not all(set(cell) <= set("-: ") for cell in row)]
    heads = [cell.lower() for cell in header]
    said = next((i for i, head in enumerate(heads[1:], 1) if head.startswith(HEADINGS)), None)
    said = 1 if said is None and len(heads) == 2 else said
    units = next((i for i, head in enumerate(heads) if head in ("unit", "units")), None)
    if said is None and units is None:
        return []
    read = []
    for row in [header, *body]:
        if len(row) == len(header):
            name, unit = _name(row[0])
            given = row[units] if units is not None else None
            read.append((name, row[said] if said is not None else "", given or unit))
    return read


def _name(text: str) -> tuple[str, str | None]:
    """Take a unit in brackets off a name."""
    unit = NAME_UNIT.search(text)
    return (text[: unit.start()], unit[1]) if unit else (text, None)


def _column(name: str, names: Sequence[str]) -> str | None:
    if name in names:
        return name
    alike = [column for column in names if _loose(column) == _loose(name)]
    return alike[0] if len(alike) == 1 and _loose(name) else None


def _loose(name: str) -> str:
    return re.sub(r"[\W_]+", "", _name(name)[0]).lower()


def _said(column: str, text: str, unit: str | None) -> dict[str, str]:
    said = {}
    if text[:1].isalpha() and _loose(text) != _loose(column):
        said["description"] = text[:LONGEST]
    inside = IN_UNIT.search(text)
    unit = unit or (inside and (inside[1] or inside[2])) or None
    if unit:
        said["unit"] = unit.strip()
    return said


def _plain(text: str) -> str:
    """Take Markdown's marks off a text."""
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"<[^>]{1,40}>|\*\*|__|`|(?<!\w)[*_]|[*_](?!\w)", "", text)
    return " ".join(text.split()).strip(" :")
