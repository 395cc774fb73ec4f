"""Pack a fitted model: infer its signature, save it, prove it, and only then put it in place.

Two ways lead here. ``mlship`` hands over what a notebook fitted and answered; ``--train`` runs
the training code of this project. Nothing else writes the files in ``model/``.
"""

import argparse
import importlib
import importlib.metadata
import json
import pickle
import platform
import re
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from . import artifact, card, proof, signature
from .artifact import ModelError
from .instances import from_rows
from .predictor import Predictor, predictions

WRITTEN_BY_PEOPLE = ("description", "minimum", "maximum", "x-unit")
"""What people add to a property by hand; it survives packing again."""


@dataclass(frozen=True)
class Handover:
    """A fitted estimator with the rows that it is to be proven on, and its answers to them."""

    estimator: Any
    rows: Any
    """DataFrame, Series, two-dimensional array or list of texts: n samples."""
    answers: Any
    """What the estimator predicted for ``rows`` where it was fitted (n)."""
    probabilities: Any = None
    """n x classes, where it has them."""
    names: Sequence[str] | None = None
    """The columns' names where ``rows`` has none."""
    target: str | None = None
    level: str = "raw"
    reference: str = "notebook"
    """Whose answers ``answers`` are."""
    provenance: Mapping[str, Any] = field(default_factory=dict)
    experiments: Sequence[Mapping[str, Any]] = ()


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
        try:
            reference = predictions(handover.answers, handover.probabilities, contract["outputs"])
        except ValueError as error:
            raise ModelError(str(error)) from None
        result = proof.prove(predictor, instances, reference)
        receipt = {
            "parity": {
                "reference": handover.reference,
                "engine": "library",
                **result,
                "unservable_rows": unservable,
            },
            "artifact_sha256": contract["artifact"]["sha256"],
            "experiments": list(handover.experiments),
        }
        _write_json(target / "receipt.json", receipt)
        example = signature.example(contract["inputs"], instances)
        _write_json(target / "example.json", {"instances": [example]})
        for old in (project / "model").glob("model.*"):
            old.unlink()
        for path in target.iterdir():
            shutil.move(path, project / "model" / path.name)
    chosen = proof.choose(instances, reference)
    rows = [{"instance": instances[i], "prediction": reference[i]} for i in chosen]
    _write_json(project / "tests" / "parity" / "rows.json", rows)
    card.write(project, contract, receipt)
    return receipt


def read_handover(directory: Path) -> Handover:
    """Read what mlship's intake wrote; the pickle is from the run that has just ended."""
    facts = json.loads((directory / "facts.json").read_text(encoding="utf-8"))
    with (directory / "handover.pickle").open("rb") as file:
        values = pickle.load(file)  # noqa: S301 - made by mlship a moment ago
    return Handover(**values, **facts)


def train(data: Path | None) -> Handover:
    """Run the project's own training code.

    Raises:
        ModelError: the project has none.
    """
    package = f"{__package__}_model"
    try:
        load, fit, evaluate = (
            importlib.import_module(f"{package}.{name}") for name in ("load", "train", "evaluate")
        )
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith(package):
            raise
        raise ModelError(
            "There is no training code in model/ yet: this model came out of the notebook in "
            "notebooks/. Run `mlship new` on the changed notebook to serve a new one."
        ) from None
    samples, target = load.load(data) if data else load.load()
    estimator = fit.train(samples, target)
    metrics = evaluate.evaluate(samples, target)
    return Handover(
        estimator=estimator,
        rows=samples,
        answers=estimator.predict(samples),
        probabilities=_probabilities(estimator, samples),
        target=getattr(target, "name", None),
        reference="training",
        provenance={
            "estimator": type(estimator).__name__,
            "python": platform.python_version(),
            "metrics": [{"name": name, "value": value} for name, value in metrics.items()],
        },
    )


def _probabilities(estimator: Any, rows: Any) -> Any:
    return estimator.predict_proba(rows) if hasattr(estimator, "predict_proba") else None


def _contract(handover: Handover, project: Path, target: Path) -> dict[str, Any]:
    inputs = signature.infer_inputs(handover.rows, handover.names)
    _keep_hand_written(inputs, project / "model" / "signature.json")
    about = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    outputs = signature.infer_outputs(handover.estimator, handover.answers, handover.target)
    if handover.probabilities is None:
        outputs |= {"probabilities": False} if outputs["task"] == "classification" else {}
    return {
        "name": about["name"],
        "title": about["name"].replace("-", " ").capitalize(),
        "description": about["description"],
        "level": handover.level,
        "inputs": inputs,
        "outputs": outputs,
        "artifact": artifact.save(handover.estimator, target) | {"packages": _pinned(project)},
        "provenance": dict(handover.provenance),
    }


def _pinned(project: Path) -> dict[str, str]:
    """Return the installed version of each library that ``model/pyproject.toml`` asks for."""
    text = (project / "model" / "pyproject.toml").read_text(encoding="utf-8")
    wanted = tomllib.loads(text)["project"]["dependencies"]
    names = [re.split(r"[^A-Za-z0-9._-]", item, maxsplit=1)[0] for item in wanted]
    return {name: importlib.metadata.version(name) for name in names}


def _keep_hand_written(inputs: dict[str, Any], previous: Path) -> None:
    if not previous.is_file():
        return
    known = json.loads(previous.read_text(encoding="utf-8"))["inputs"]["properties"]
    for name, schema_ in inputs["properties"].items():
        kept = {key: known[name][key] for key in WRITTEN_BY_PEOPLE if key in known.get(name, {})}
        schema_ |= kept


def _servable(handover: Handover) -> tuple[Handover, int]:
    """Leave out rows with an infinite number, which JSON cannot say; return how many those are."""
    rows = handover.rows
    if isinstance(rows, list):
        return handover, 0
    numbers = rows.select_dtypes("number") if hasattr(rows, "select_dtypes") else np.asarray(rows)
    values = np.asarray(numbers)
    if values.dtype.kind != "f":
        return handover, 0
    bad = np.isinf(values).reshape(len(values), -1).any(axis=1)
    if not bad.any():
        return handover, 0
    keep = np.flatnonzero(~bad)

    def take(table: Any) -> Any:
        return table.iloc[keep] if hasattr(table, "iloc") else np.asarray(table)[keep]

    kept = {"rows": take(rows), "answers": take(handover.answers)}
    if handover.probabilities is not None:
        kept["probabilities"] = take(handover.probabilities)
    return Handover(**{**vars(handover), **kept}), int(bad.sum())


def _write_json(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
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
        handover = train(options.data) if options.train else read_handover(options.handover)
        parity = pack(handover, Path.cwd())["parity"]
    except ModelError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(5)
    print(
        f"proven: {parity['rows']} rows together and {parity['single_rows']} one at a time answer "
        f"as the {parity['reference']} did (largest difference {parity['largest_difference']:.1g})"
    )


if __name__ == "__main__":
    main()
