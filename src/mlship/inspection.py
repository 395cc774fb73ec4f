"""Show what a notebook would become, without writing anything."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from . import asof, intake, interpreter, links, notebook, saved
from .console import Console
from .errors import IntakeError, MlshipError, UsageError
from .saved import Saved

SHOWN = 10
"""Other fits that are shown, and scores of each model."""
SCHEMA = 1
"""The version of what ``inspect --json`` prints."""


def inspect(
    path: Path,
    python: Path | None,
    estimator: str | None,
    maps: Mapping[str, Path],
    console: Console,
    cell_seconds: float = intake.CELL_SECONDS,
    as_of: str | None = None,
) -> tuple[dict[str, Any], MlshipError | None]:
    """Run the notebook and describe it, its models, and the one that would be served.

    Returns:
        The description, and why no model would be served, if none would.

    Raises:
        MlshipError: the notebook cannot be read or run at all.
    """
    taken = notebook.read(path)
    day = asof.read(as_of, path) if as_of else None
    with tempfile.TemporaryDirectory(prefix="mlship-") as folder:
        scratch = Path(folder)
        with console.step("looking for the notebook's Python"):
            found = interpreter.find(taken, python, scratch, day)
        for note in taken.notes:
            console.note(note)
        with (
            console.step(f"running {path.name}") as progress,
            intake.run(taken, found, maps, scratch, progress, cell_seconds) as run,
        ):
            progress.stop()
            chosen: str | None = None
            facts: dict[str, Any] | None = None
            refused: MlshipError | None = None
            errors = run.record["errors"]
            try:
                with asof.hinting(found.newest, errors):
                    model = intake.choose(
                        run.models, estimator, None, errors, run.record["unserved"]
                    )
                    chosen = model.label
                    facts = run.hand_over(model, scratch)
                del facts["documents"]  # the data sets' own texts, which are long
            except (IntakeError, UsageError) as error:
                refused = error
            description = {
                "schema": SCHEMA,
                "notebook": {"path": str(path), "sha256": taken.sha256, "cells": len(taken.cells)},
                "python": {"version": run.record["python"], "found": found.found},
                "run": {
                    "statements": run.record["statements"],
                    "errors": run.record["errors"],
                    "notes": run.record["notes"],
                    "data": run.record["files"],
                    "dropped": [
                        {"cell": cell.number, "lines": list(cell.dropped)}
                        for cell in taken.cells
                        if cell.dropped
                    ],
                },
                "models": [{**vars(model), "said": intake.said(model)} for model in run.models],
                "experiments": run.record["experiments"],
                "figures": run.record["figures"],
                "links": [vars(link) for link in links.find(taken.cells)],
                "chosen": chosen,
                "handover": facts,
                "refused": str(refused) if refused else None,
            }
            return description, refused


def inspect_model(
    taken: Saved, python: Path | None, console: Console
) -> tuple[dict[str, Any], MlshipError | None]:
    """Load a saved model and describe it.

    Returns:
        The description, and why it would not be served, if it would not.

    Raises:
        MlshipError: there is no Python that loads it.
    """
    with tempfile.TemporaryDirectory(prefix="mlship-") as folder:
        with console.step("looking for a Python that loads the model"):
            found = interpreter.find_for_model(taken, python, Path(folder))
        handover = Path(folder, "handover")
        handover.mkdir()
        facts: dict[str, Any] | None = None
        refused: MlshipError | None = None
        try:
            with console.step(f"loading {taken.name}"):
                facts = saved.hand_over(taken, found, handover)
        except IntakeError as error:
            refused = error
    description = {
        "schema": SCHEMA,
        "model": {"path": str(taken.file), "sha256": taken.sha256, "format": taken.format},
        "rows": str(taken.rows),
        "python": {"version": ".".join(map(str, found.version)), "found": found.found},
        "chosen": facts["estimator"] if facts else None,
        "handover": facts,
        "refused": str(refused) if refused else None,
    }
    return description, refused


def shown(result: Mapping[str, Any]) -> str:
    """Write the description for people."""
    lines = _model_lines(result) if "model" in result else _notebook_lines(result)
    if result["handover"]:
        facts = result["handover"]
        pins = ", ".join(f"{name} {version}" for name, version in facts["packages"].items())
        lines += [
            f"served    {result['chosen']}",
            f"level     {facts['level']}: {facts['why']}",
            f"rows      {facts['rows']} x {facts['inputs']} inputs, to prove it on",
            f"packages  {pins}",
        ]
        lines += _cut_lines(facts)
        if facts["labels"]:
            lines.append(f"answers   {', '.join(map(str, facts['labels']))}, which were encoded")
        if facts["personal"]:
            lines.append(f"personal  {intake.personal(facts)}")
    return "\n".join(lines)


def _cut_lines(facts: Mapping[str, Any]) -> list[str]:
    """Say how a row becomes the model's input, and why not from an earlier point."""
    lines = [f"blocked   {reason}" for reason in facts.get("blocked", [])[:SHOWN]]
    if facts.get("slice"):
        lines.append(f"slice     {len(facts['slice'])} statements, written as features.py")
        lines += [f"  cell {part['cell']}: {part['source'][:90]}" for part in facts["slice"]]
    cut = facts.get("cut")
    if cut:
        lines.append(f"left out  {cut['left_out']} of {cut['rows']} rows, by the notebook")
        lines += [f"refused   {item['rows']} rows: {item['reason']}" for item in cut["unservable"]]
        if cut["filled"]:
            lines.append(f"unneeded  {', '.join(cut['filled'])}: read, but no answer depends on it")
        lines += [f"note      {note}" for note in cut["notes"]]
    lines += [f"note      {note}" for note in facts.get("remarks", [])]
    return lines


def _model_lines(result: Mapping[str, Any]) -> list[str]:
    model, python = result["model"], result["python"]
    notes = result["handover"]["notes"] if result["handover"] else []
    return [
        f"saved     {model['path']} ({model['format']}, {model['sha256'][:12]})",
        f"python    {python['version']}, {python['found']}",
        *(f"note      {note}" for note in notes),
    ]


def _notebook_lines(result: Mapping[str, Any]) -> list[str]:
    run, python = result["run"], result["python"]
    lines = [
        f"notebook  {result['notebook']['path']} ({result['notebook']['cells']} code cells)",
        f"python    {python['version']}, {python['found']}",
        f"run       {run['statements']} statements, {len(run['errors'])} failed",
    ]
    lines += [f"  cell {e['cell']}: {e['error']}" for e in run["errors"]]
    lines += [f"  cell {n['cell']}: {n['text']}" for n in run["notes"]]
    lines += [
        f"  cell {item['cell']}: not run: {line}"
        for item in run["dropped"]
        for line in item["lines"][:1]
    ]
    lines += [f"data      {file['name']} {file['sha256'][:12]}" for file in run["data"]]
    lines.append(f"models    {len(result['models'])}, the likeliest first")
    fits = {item["model"]: item for item in result["experiments"]}
    for index, model in enumerate(result["models"]):
        lines.append(f"  {model['label']:<20} {model['said']}")
        lines.append(f"  {'':<20} {'; '.join(model['reasons'])}")
        lines += [f"  {'':<20} {score}" for score in _scores(fits[index])]
    lines += _also_tried([item for item in result["experiments"] if item["model"] is None])
    lines += _figures(result["figures"])
    lines += [
        f"link      {link['tracker']} {link['what']} "
        f"{link['url'] or link['name'] or 'named while it runs'} (cell {link['cell']})"
        for link in result["links"]
    ]
    return lines


def _scores(tried: Mapping[str, Any]) -> list[str]:
    """Say each score of a model, and on which rows."""
    said = [
        f"{s['name']} {s['value']:.4g} on {s['rows']} (cell {s['cell']})" for s in tried["scores"]
    ]
    said += [
        f"{v['name']} {v['mean']:.4g} cross-validated {v['folds']}-fold (cell {v['cell']})"
        for v in tried["cross_validations"]
    ]
    search = tried["search"]
    if search:
        score = "" if search["score"] is None else f", {search['scoring']} {search['score']:.4g}"
        said.append(f"best of {search['tried']} searched: {search['best']}{score}")
    return said[-SHOWN:]


def _also_tried(others: Sequence[Mapping[str, Any]]) -> list[str]:
    if not others:
        return []
    lines = [f"tried     {len(others)} more: earlier fits, and what was cross-validated only"]
    for tried in others[:SHOWN]:
        name = f" {tried['name']}" if tried["name"] else ""
        scores = "; ".join(_scores(tried)) or "no score"
        lines.append(f"  cell {tried['cell']}: {tried['estimator']}{name}: {scores}")
    return lines


def _figures(figures: Mapping[str, Any]) -> list[str]:
    if not (figures["kept"] or figures["left_out"]):
        return []
    cells = list(dict.fromkeys(str(figure["cell"]) for figure in figures["kept"]))
    of = f" (cell{'s' * (len(cells) > 1)} {', '.join(cells)})" if cells else ""
    return [
        f"figures   {len(figures['kept'])}{of}",
        *(f"  left out: {text}" for text in intake.left_out(figures)),
    ]
