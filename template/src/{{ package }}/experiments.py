"""Say what the notebook tried: its models and their scores, its pictures, its trackers."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

START = "<!-- experiments: written by pack, from what was tried -->"
END = "<!-- /experiments -->"

README_ROWS = 10
CARD_ROWS = 200
README_PICTURES = 2
FIGURES = "notebooks/figures"
HEADER = ("model", "parameters it set", "scores", "fitted in")
ERRORS = ("error", "loss")
"""How the names of metrics end of which less is better."""

Row = Mapping[str, Any]


def kept(project: Path) -> dict[str, Any]:
    """Return what is known of the notebook's experiments from before; none of them serves now."""
    receipt = project / "model" / "receipt.json"
    if not receipt.is_file():
        return {}
    known = dict(json.loads(receipt.read_text(encoding="utf-8")).get("experiments") or {})
    if "models" in known:
        known["models"] = [{**row, "served": False} for row in known["models"]]
    return known


def for_readme(experiments: Mapping[str, Any], project: Path) -> str:
    """Show the served model and the best of the others, the telling pictures and the trackers."""
    models = experiments.get("models", [])
    if not models:
        return "No experiments are recorded."
    parts = [_intro(models), _models(ranked(models), README_ROWS)]
    served = next((row["cell"] for row in models if row["served"]), 0)
    pictures = telling(_present(experiments, project), served)
    parts += [_picture(item, FIGURES) for item in pictures]
    links = experiments.get("links", [])
    parts += [f"The notebook names {'; '.join(map(_link, links))}."] if links else []
    return "\n\n".join(parts)


def for_card(experiments: Mapping[str, Any], project: Path) -> list[str]:
    """Show every model in the order of the cells, every picture and every tracker."""
    models, links = experiments.get("models", []), experiments.get("links", [])
    pictures, left_out = _present(experiments, project), experiments.get("left_out", [])
    parts: list[str] = []
    if models:
        parts += ["## Experiments", _intro(models), _models(models, CARD_ROWS)]
    if links:
        parts += ["### Trackers", "\n".join(f"- {_link(link)}" for link in links)]
    if pictures or left_out:
        parts += ["### Pictures", *(_picture(item, f"../{FIGURES}") for item in pictures)]
        parts += ["\n".join(f"- Left out: {_escaped(why)}." for why in left_out)] * bool(left_out)
    return parts


def ranked(models: Sequence[Row]) -> list[Row]:
    """Put the served model first, then the best by the score that most of them have.

    A score on training rows says little and counts only where there is no other.
    """
    counts: dict[tuple[bool, str], int] = {}
    for row in models:
        for key in _comparable(row):
            counts[key] = counts.get(key, 0) + 1
    common = max(counts, key=lambda key: (key[0], counts[key]), default=(False, ""))

    def order(row: Row) -> tuple[bool, bool, float, int]:
        value = _comparable(row).get(common)
        worst_first = value if common[1].endswith(ERRORS) else -(value or 0)
        return not row["served"], value is None, worst_first or 0, -row["cell"]

    return sorted(models, key=order)


def telling(pictures: Sequence[Row], cell: int) -> list[Row]:
    """Return the last pictures of the last cells; those from the model's cell on come first."""
    last = list({item["cell"]: item for item in pictures}.values())
    later = [item for item in last if item["cell"] >= cell]
    return (later or last)[-README_PICTURES:]


def _intro(models: Sequence[Row]) -> str:
    if any(row["served"] for row in models):
        return "What the notebook tried; the model in bold is served."
    return "What the notebook tried. The model that is served now was trained later."


def _models(models: Sequence[Row], most: int) -> str:
    rows = [(_name(row), _parameters(row), _scores(row), _place(row)) for row in models[:most]]
    lines = [HEADER, ["---"] * len(HEADER), *rows]
    text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    rest = len(models) - most
    where = "[model card](model/MODEL_CARD.md)" if most == README_ROWS else "`model/receipt.json`"
    return text + (f"\n\n{rest} more are in the {where}." if rest > 0 else "")


def _name(row: Row) -> str:
    best = f" of {row['best']}" if row.get("best") else ""
    name = f" {_code(row['name'])}" if row.get("name") else ""
    said = f"{row['estimator']}{best}{name}"
    return f"**{said}**, served" if row["served"] else said


def _parameters(row: Row) -> str:
    return _code(row["parameters"]) if row["parameters"] else "defaults"


def _place(row: Row) -> str:
    if not row["fits"]:
        return f"cell {row['cell']}, cross-validated only"
    times = f", {row['fits']} times" if row["fits"] > 1 else ""
    return f"cell {row['cell']}{times}, {row['rows']} rows"


def _scores(row: Row) -> str:
    groups: dict[tuple[str, int, str], list[float]] = {}
    for score in row["scores"]:
        key = (score["name"], score["cell"], score["rows"])
        groups.setdefault(key, []).append(score["value"])
    said = [
        f"{_escaped(name)} {_numbers(values)} on {rows} (cell {cell})"
        for (name, cell, rows), values in groups.items()
    ]
    said += [
        f"{_escaped(item['name'])} {item['mean']:.4g} ± {item['deviation']:.2g}, "
        f"cross-validated {item['folds']}-fold (cell {item['cell']})"
        for item in row["cross_validations"]
    ]
    search = row.get("search")
    if search:
        best = f": {_code(search['best'])}" if search["best"] else ""
        said.append(f"best of {search['tried']} searched{best}")
        if search["score"] is not None:
            said[-1] += f", {_escaped(search['scoring'])} {search['score']:.4g} cross-validated"
    return "; ".join(said) or "none"


def _numbers(values: Sequence[float]) -> str:
    if len(set(values)) == 1:
        return f"{values[0]:.4g}"
    return f"{min(values):.4g} to {max(values):.4g} ({len(values)} times)"


def _comparable(row: Row) -> dict[tuple[bool, str], float]:
    """Map (not on training rows, metric) to a model's last score of it."""
    found = {
        ("training" not in score["rows"], score["name"]): score["value"] for score in row["scores"]
    }
    for item in row["cross_validations"]:
        found.setdefault((True, item["name"]), item["mean"])
    search = row.get("search") or {}
    if search.get("score") is not None:
        found.setdefault((True, search["scoring"]), search["score"])
    return found


def _present(experiments: Mapping[str, Any], project: Path) -> list[Row]:
    """Return the pictures that the team has not removed."""
    figures = experiments.get("figures", [])
    return [item for item in figures if (project / FIGURES / item["file"]).is_file()]


def _picture(item: Row, folder: str) -> str:
    title = f": {_escaped(item['title'])}" if item["title"] else ""
    return (
        f"Cell {item['cell']}{title}\n\n![Figure of cell {item['cell']}]({folder}/{item['file']})"
    )


def _link(link: Row) -> str:
    name = _code(link["name"]) if link["name"] else "named while it runs"
    at = f"<{link['url']}>" if link["url"] else name
    if link["url"] and link["name"] != link["url"]:
        at = f"{name} at {at}"
    return f"{link['tracker']} {link['what']} {at} (cell {link['cell']})"


def _code(text: str) -> str:
    """Write text as code that holds in a table's cell and is no marker of this file."""
    for letters, instead in (("`", "'"), ("|", "\\|"), ("-->", "-- >")):
        text = text.replace(letters, instead)
    return f"`{_line(text)}`"


def _escaped(text: str) -> str:
    """Write text so that Markdown shows it as it is."""
    return re.sub(r"([\\`*_\[\]<>|~$])", r"\\\1", _line(text))


def _line(text: str) -> str:
    return " ".join(text.split())
