"""Pack a fitted model: infer its signature, save it, prove it, and only then put it in place.

Two ways lead here. ``mlship`` hands over what a notebook or a saved model answered; ``--train``
runs the training code of this project. Nothing else writes the files in ``model/``.
"""

import argparse
import importlib
import importlib.metadata
import importlib.util
import json
import pickle
import platform
import re
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from . import arrays, artifact, card, experiments, features, formats, pictures, proof, signature
from .artifact import ModelError
from .instances import from_rows, plain_value
from .predictor import Prediction, Predictor, RowsRefused, predictions

KEPT = ("notebook", "notebook_sha256", "cell", "notes")
"""What training again does not change of where a model comes from."""
WRITTEN_BY_PEOPLE = ("description", "minimum", "maximum", "x-unit")
"""What people add to a property by hand; it survives packing again."""
KEPT_BYTES = 300_000
"""How many bytes of pictures are kept for the tests."""
KEPT_NUMBERS = 100_000
"""How many numbers of arrays are kept for the tests."""
SAID = {"description": "description", "x-unit": "unit"}
"""What of a property comes from what the notebook says in words."""
NUMBERS = re.compile(r"\[\n\s+([-+\d.eE,\s]+?)\n\s*\]")
"""A list of numbers in JSON with a line for each."""


@dataclass(frozen=True)
class Handover:
    """A fitted estimator with the rows that it is to be proven on, and its answers to them."""

    estimator: Any
    rows: Any
    """DataFrame, Series, array or list of texts: n samples."""
    answers: Any
    """What the estimator predicted for ``rows`` where it was fitted (n, or n x k)."""
    probabilities: Any = None
    """n x classes, where it has them."""
    names: Sequence[str] | None = None
    """The columns' names where ``rows`` has none."""
    target: str | Sequence[str] | None = None
    labels: Sequence[Any] | None = None
    """What the estimator's classes are called, in their order, where it answers codes."""
    answered: str | None = None
    """What the k numbers of a row are, if one for each class: ``probabilities`` or ``scores``."""
    personal: Mapping[str, str] = field(default_factory=dict)
    """The columns that look personal, with what tells."""
    described: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """The ``description`` and ``unit`` of columns, as the notebook says them."""
    synthetic: Mapping[str, Any] | None = None
    """``rows``, ``answers`` and ``probabilities`` to keep for the tests in place of real ones."""
    level: str = "raw"
    reference: str = "notebook"
    """Whose answers ``answers`` are."""
    provenance: Mapping[str, Any] = field(default_factory=dict)
    features: Mapping[str, Any] | None = None
    """Where the team's own code prepares the rows: ``columns`` that it reads, those ``filled``,
    and what it ``learned``: ``values``, said in JSON, and ``estimators``, by name."""
    cut: Mapping[str, Any] = field(default_factory=dict)
    """How the rows to be served were found in the notebook."""
    experiments: Mapping[str, Any] = field(default_factory=dict)


def pack(handover: Handover, project: Path) -> dict[str, Any]:
    """Write the model zone of ``project`` and return the receipt.

    Raises:
        ModelError: the model cannot be served, or does not answer as it did where it was
            fitted. Nothing is changed then.
    """
    handover, unservable = _servable(handover)
    with tempfile.TemporaryDirectory(dir=project / "model", prefix=".pack-") as staging:
        target = Path(staging)
        contract = _contract(handover, project, target)
        _write_json(target / "signature.json", contract)
        predictor = Predictor.load(target)
        instances = from_rows(handover.rows, contract["inputs"])
        reference = _reference(handover, contract)
        try:
            result = proof.prove(predictor, instances, reference)
            kept = _kept(handover, contract, predictor, instances, reference)
        except RowsRefused as refused:
            raise ModelError(f"The service cannot answer rows of the notebook: {refused}") from None
        receipt = {
            "parity": {
                "reference": handover.reference,
                "engine": "library",
                **result,
                "unservable_rows": unservable,
            },
            "kept_rows": "synthetic" if handover.synthetic else "real",
            "artifact_sha256": contract["artifact"]["sha256"],
            "replaced": artifact.replaced(contract),
            "cut": dict(handover.cut),
            "experiments": dict(handover.experiments) or experiments.kept(project),
        }
        _write_json(target / "receipt.json", receipt)
        example = _example(contract["inputs"], instances, predictor)
        _write_json(target / "example.json", {"instances": [example]}, _is_wide(contract))
        for pattern in ("model.*", "learned.*"):
            for old in (project / "model").glob(pattern):
                old.unlink()
        for path in target.iterdir():
            shutil.move(path, project / "model" / path.name)
    _write_json(project / "tests" / "parity" / "rows.json", kept, _is_wide(contract))
    card.write(project, contract, receipt)
    return receipt


def _reference(handover: Handover, contract: Mapping[str, Any]) -> list[Prediction]:
    try:
        return predictions(handover.answers, handover.probabilities, contract["outputs"])
    except ValueError as error:
        raise ModelError(str(error)) from None


def _example(
    inputs: Mapping[str, Any], instances: Sequence[Mapping[str, Any]], predictor: Predictor
) -> dict[str, Any]:
    """Return an instance that the model answers and that is no real row."""
    example = signature.example(inputs, instances)
    for changed in (example, {**example, **signature.masked(inputs, instances)}):
        try:
            predictor.predict([changed])
        except RowsRefused:
            continue
        return changed
    raise ModelError(
        "No example can be made up that the model answers: it takes texts of a form of their own, "
        f"in {', '.join(signature.masked(inputs, instances)) or 'no column'}."
    )


def _kept(
    handover: Handover,
    contract: Mapping[str, Any],
    predictor: Predictor,
    instances: Sequence[Mapping[str, Any]],
    reference: Sequence[Prediction],
) -> list[dict[str, Any]]:
    """Return the rows that the tests ask: telling ones of those, or made-up ones, proven too."""
    if handover.synthetic:
        made_up = replace(handover, **handover.synthetic)
        instances = from_rows(made_up.rows, contract["inputs"])
        reference = _reference(made_up, contract)
        proof.prove(predictor, instances, reference)
    size = arrays.cells(contract["inputs"])
    most = min(proof.KEPT_ROWS, max(2, KEPT_NUMBERS // size)) if size else proof.KEPT_ROWS
    bytes_ = pictures.usual_bytes(contract["inputs"])
    most = min(most, max(2, KEPT_BYTES // bytes_)) if bytes_ else most
    chosen = proof.choose(instances, reference, most)
    return [{"instance": instances[i], "prediction": reference[i]} for i in chosen]


def read_handover(directory: Path) -> Handover:
    """Read what mlship's intake wrote; the pickle is from the run that has just ended."""
    facts = json.loads((directory / "facts.json").read_text(encoding="utf-8"))
    own = f"{__package__}_model.own"
    if importlib.util.find_spec(own):  # classes that the notebook defined, by a name for all
        sys.modules["mlship_own"] = importlib.import_module(own)
    with (directory / "handover.pickle").open("rb") as file:
        values = pickle.load(file)  # noqa: S301 - made by mlship a moment ago
    options = values.pop("options")
    values["estimator"] = formats.handed_over(directory, values["estimator"], options)
    return Handover(**values, **facts)


def train(project: Path, data: Path | None) -> Handover:
    """Run the project's own training code.

    Raises:
        ModelError: the project has none, or its data is not there.
    """
    name = f"{__package__}_model.train"
    if importlib.util.find_spec(name) is None:
        raise ModelError(
            "There is no training code in model/: the model card says where this model came from, "
            "and why. Run `mlship new` on a changed notebook or model to serve a new one."
        )
    try:
        trained = importlib.import_module(name).train(data)
    except FileNotFoundError as error:
        raise ModelError(
            f"{error.filename} is not there: say where the data is with --data PATH."
        ) from None
    previous = _previous(project)
    model = formats.as_estimator(trained.model, previous.get("artifact", {}).get("options", {}))
    outputs = previous.get("outputs", {})
    target: Any = [item["name"] for item in outputs.get("targets", [])] or outputs.get("name")
    prepared, rows = None, trained.rows
    if getattr(rows, "ndim", 0) > 2:
        rows = arrays.fewer(rows)
    elif pictures.are_pictures(rows):
        rows = pictures.fewer(rows)
    inputs = rows
    if trained.learned is not None and "features" in previous:
        entry = previous["features"]
        values, estimators = features.part(trained.learned.known, entry["module"])
        prepared = {**entry, "learned": {"values": values, "estimators": estimators}}
        code = features.of(entry, values, estimators)
        names = list(previous["inputs"]["properties"])
        if hasattr(rows, "columns"):
            rows = rows[[column for column in rows.columns if str(column) in names]]
            rows = rows.reset_index(drop=True)
        rows = _taken(model, code, rows)
        inputs = code(rows)
    before = previous.get("provenance", {})
    known = before.get("data", [])
    files = _files(data, [file["name"] for file in known])
    provenance = {
        **{name: before[name] for name in KEPT if name in before},
        "estimator": type(trained.model).__name__,
        "python": platform.python_version(),
        "metrics": [{"name": name, "value": value} for name, value in trained.metrics.items()],
        "data": files,
    }
    answers = model.predict(inputs)
    labels, answered = None, outputs.get("x-answers")
    classes = range(np.shape(answers)[1]) if answered else getattr(model, "classes_", ())
    codes = [plain_value(code) for code in classes]
    encoded = getattr(trained, "labels", None)
    same = {file["sha256"] for file in files} <= {file["sha256"] for file in known}
    if same and (files or not _reads_files()):  # else nothing proves that the codes mean the same
        labels = outputs["labels"] if outputs.get("x-encoded") == codes else None
    elif encoded is not None and "x-encoded" in outputs and {*codes} <= {*range(len(encoded))}:
        labels = [plain_value(encoded[code]) for code in codes]
    receipt = project / "model" / "receipt.json"
    cut = json.loads(receipt.read_text(encoding="utf-8"))["cut"] if receipt.is_file() else {}
    return Handover(
        estimator=model,
        rows=rows,
        answers=answers,
        names=_names(previous, rows),
        probabilities=_probabilities(model, inputs),
        target=target,
        level=previous.get("level", "raw"),
        reference="training",
        labels=labels,
        answered=answered,
        provenance=provenance,
        features=prepared,
        cut=cut if prepared else {},
    )


def _names(previous: Mapping[str, Any], rows: Any) -> list[str] | None:
    """Return what the inputs were called before, where ``rows`` have no names of their own."""
    known = list(previous.get("inputs", {}).get("properties", {}))
    width = rows.shape[1] if getattr(rows, "ndim", 0) == 2 else 1
    return known if not hasattr(rows, "iloc") and len(known) == width else None


def _reads_files() -> bool:
    """Say whether the training code reads a file, and not only what ships with a library."""
    load = importlib.import_module(f"{__package__}_model.load")
    return hasattr(load, "DATA") or hasattr(load, "FOLDER")


def _files(data: Path | None, known: Sequence[str]) -> list[dict[str, str]]:
    """Return the file that was trained on, and of the known ones those beside which it belongs."""
    place = getattr(importlib.import_module(f"{__package__}_model.load"), "DATA", None)
    main = data or place
    beside = [place.with_name(name) for name in known] if place else []
    others = [path for path in beside if path != place and path.name != getattr(main, "name", "")]
    paths = [path for path in (main, *others) if path and path.is_file()]
    return [{"name": path.name, "sha256": artifact.sha256(path)} for path in paths]


def compare(before: Mapping[str, Any], rows: Sequence[Any], project: Path) -> str:
    """Say whether the model that was just packed answers as the one before it.

    Args:
        before: the previous signature.
        rows: the previous parity rows, with the answers of the model then.
        project: the project, packed anew.
    """
    if not rows or not before:
        return ""
    predictor = Predictor.load(project / "model")
    known = predictor.signature["provenance"].get("data", [])
    used = {file["sha256"] for file in before["provenance"].get("data", [])}
    same_data = all(file["sha256"] in used for file in known)
    try:
        answers = predictor.predict([row["instance"] for row in rows])
    except (RowsRefused, KeyError):
        return "The inputs are others than before."
    tolerance = formats.tolerance(predictor.signature["artifact"])
    difference = proof.largest_difference(answers, [row["prediction"] for row in rows])
    data = "on the same data" if same_data else "on other data"
    if difference <= tolerance:
        return f"Trained {data}: the same answers as before to {len(rows)} rows."
    return f"Trained {data}: other answers than before (by up to {difference:.2g})."


def _taken(estimator: Any, code: features.Features, rows: Any) -> Any:
    """Return the rows that the code and the estimator take; others answer 422 in the service."""
    try:
        estimator.predict(code(rows))
    except Exception:
        if len(rows) == 1:
            return rows[:0]
        half = len(rows) // 2
        parts = [_taken(estimator, code, part) for part in (rows[:half], rows[half:])]
        if isinstance(rows, np.ndarray):
            return np.concatenate(parts)
        import pandas as pd

        return pd.concat(parts, ignore_index=True)
    return rows


def _probabilities(estimator: Any, rows: Any) -> Any:
    return estimator.predict_proba(rows) if hasattr(estimator, "predict_proba") else None


def _contract(handover: Handover, project: Path, target: Path) -> dict[str, Any]:
    previous = _previous(project)
    inputs = signature.infer_inputs(
        handover.rows, handover.names, {**_personal(previous), **handover.personal}
    )
    about = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    outputs = signature.infer_outputs(
        handover.estimator, handover.answers, handover.target, handover.labels, handover.answered
    )
    _describe(inputs, outputs, handover.described)
    _keep_hand_written(inputs, previous)
    if handover.probabilities is None and handover.answered is None:
        for item in (outputs, *outputs.get("targets", [])):
            item |= {"probabilities": False} if item["task"] == "classification" else {}
    prepared: dict[str, Any] = {}
    if handover.features is not None:
        prepared["features"] = {
            "module": f"{__package__}_model.features",
            "columns": list(handover.features["columns"]),
            "filled": handover.features["filled"],
            "learned": features.save(handover.features["learned"], target),
        }
    return {
        "name": about["name"],
        "title": about["name"].replace("-", " ").capitalize(),
        "description": about["description"],
        "level": handover.level,
        "inputs": inputs,
        "outputs": outputs,
        **prepared,
        "artifact": artifact.save(handover.estimator, target) | {"packages": _pinned(project)},
        "provenance": dict(handover.provenance),
    }


def _pinned(project: Path) -> dict[str, str]:
    """Return the installed version of each library that ``model/pyproject.toml`` asks for."""
    text = (project / "model" / "pyproject.toml").read_text(encoding="utf-8")
    wanted = tomllib.loads(text)["project"]["dependencies"]
    names = [re.split(r"[^A-Za-z0-9._-]", item, maxsplit=1)[0] for item in wanted]
    return {name: importlib.metadata.version(name) for name in names}


def _previous(project: Path) -> dict[str, Any]:
    path = project / "model" / "signature.json"
    found: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    return found


def _personal(previous: Mapping[str, Any]) -> dict[str, str]:
    """Return the columns that were marked as personal before, by mlship or by hand."""
    known = previous.get("inputs", {}).get("properties", {})
    return {name: item["x-personal"] for name, item in known.items() if "x-personal" in item}


def _describe(
    inputs: dict[str, Any], outputs: dict[str, Any], described: Mapping[str, Mapping[str, str]]
) -> None:
    """Take over what the notebook says of its columns."""
    for name, schema in inputs["properties"].items():
        known = described.get(name, {})
        schema |= {key: known[said] for key, said in SAID.items() if said in known}
    for target in outputs.get("targets", [outputs]):
        if target["task"] == "regression":
            target["unit"] = described.get(target["name"], {}).get("unit")


def _keep_hand_written(inputs: dict[str, Any], previous: Mapping[str, Any]) -> None:
    known = previous.get("inputs", {}).get("properties", {})
    for name, schema_ in inputs["properties"].items():
        kept = {key: known[name][key] for key in WRITTEN_BY_PEOPLE if key in known.get(name, {})}
        schema_ |= kept


def _servable(handover: Handover) -> tuple[Handover, int]:
    """Leave out rows that JSON cannot say, and return how many those are.

    JSON has no infinite number, and no missing one within an array.
    """
    rows = handover.rows
    if isinstance(rows, list) or pictures.are_pictures(rows):
        return handover, 0
    numbers = rows.select_dtypes("number") if hasattr(rows, "select_dtypes") else np.asarray(rows)
    values = np.asarray(numbers)
    if values.dtype.kind != "f":
        return handover, 0
    wrong = np.isinf(values) if values.ndim < 3 else ~np.isfinite(values)
    bad = wrong.reshape(len(values), -1).any(axis=1)
    if not bad.any():
        return handover, 0
    keep = np.flatnonzero(~bad)

    def take(table: Any) -> Any:
        return table.iloc[keep] if hasattr(table, "iloc") else np.asarray(table)[keep]

    kept = {"rows": take(rows), "answers": take(handover.answers)}
    if isinstance(handover.probabilities, list):
        kept["probabilities"] = [take(table) for table in handover.probabilities]
    elif handover.probabilities is not None:
        kept["probabilities"] = take(handover.probabilities)
    return Handover(**{**vars(handover), **kept}), int(bad.sum())


def _is_wide(contract: Mapping[str, Any]) -> bool:
    return bool(arrays.cells(contract["inputs"]))


def _write_json(path: Path, value: Any, wide: bool = False) -> None:
    """Write JSON with a line for each part, or, where that is ``wide``, for each innermost list."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    if wide:
        text = NUMBERS.sub(lambda found: "[" + " ".join(found[1].split()) + "]", text)
    path.write_text(text + "\n", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> None:
    """Pack what is handed over or trained; end with 5 and one line if it cannot be served."""
    parser = argparse.ArgumentParser(prog="pack", description=__doc__)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--train", action="store_true", help="run the project's training code")
    source.add_argument("--handover", type=Path, help="the folder that mlship's intake wrote")
    parser.add_argument("--data", type=Path, help="the file to train on")
    options = parser.parse_args(arguments)
    try:
        project = Path.cwd()
        kept = project / "tests" / "parity" / "rows.json"
        before = _previous(project)
        rows = json.loads(kept.read_text(encoding="utf-8")) if kept.is_file() else []
        if options.train:
            handover = train(project, options.data)
        else:
            handover = read_handover(options.handover)
        parity = pack(handover, project)["parity"]
        news = compare(before, rows, project) if options.train else ""
    except ModelError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(5)
    print(
        f"proven: {parity['rows']} rows together and {parity['single_rows']} one at a time answer "
        f"as the {parity['reference']} did (largest difference {parity['largest_difference']:.1g})"
    )
    if news:
        print(news)


if __name__ == "__main__":
    main()
