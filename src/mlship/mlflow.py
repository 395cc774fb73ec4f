"""Read an MLflow model's folder: its file, the versions it was saved with, its signature.

Only the file ``MLmodel`` is read, as YAML; MLflow itself is not needed.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from .errors import IntakeError

FLAVOURS: Mapping[str, tuple[str, str, str]] = {
    "sklearn": ("pickled_model", "sklearn_version", "scikit-learn"),
    "xgboost": ("data", "xgb_version", "xgboost"),
    "lightgbm": ("data", "lgb_version", "lightgbm"),
    "catboost": ("data", "catboost_version", "catboost"),
}
"""The flavours that are taken, the likeliest first: the key of the file, that of the version, and
the distribution."""
KEPT = {*(item[2] for item in FLAVOURS.values()), "cloudpickle", "numpy", "pandas", "scipy"}
"""Distributions whose version is taken from the folder's requirements.txt."""


@dataclass(frozen=True)
class Folder:
    """What an MLflow model's folder holds."""

    file: Path
    versions: Mapping[str, str]
    python: str | None
    columns: tuple[tuple[str, str], ...] | None
    """(name, MLflow type) of each column of the signature."""
    example: Path | None
    """The file with the input example."""


def read(folder: Path) -> Folder:
    """Read what ``folder/MLmodel`` says.

    Raises:
        IntakeError: there is none, or none of its flavours is served.
    """
    try:
        content = yaml.safe_load((folder / "MLmodel").read_text(encoding="utf-8"))
        flavours = content["flavors"]
    except FileNotFoundError:
        raise IntakeError(
            f"{folder} is a folder without an MLmodel file, so no MLflow model; give the file that "
            "holds the model."
        ) from None
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError) as error:
        raise IntakeError(f"{folder / 'MLmodel'} cannot be read: {error}") from None
    flavour = next((name for name in FLAVOURS if isinstance(flavours.get(name), dict)), None)
    if flavour is None:
        raise IntakeError(
            f"{folder} has the MLflow flavours {', '.join(flavours)}; mlship serves "
            f"{', '.join(FLAVOURS)}."
        )
    key, version, distribution = FLAVOURS[flavour]
    known = flavours[flavour]
    versions = _pins(folder / "requirements.txt")
    if known.get(version):
        versions[distribution] = str(known[version])
    python = str(flavours.get("python_function", {}).get("python_version", ""))
    example = (content.get("saved_input_example_info") or {}).get("artifact_path")
    return Folder(
        file=_inside(folder, str(known.get(key, "model.pkl"))),
        versions=versions,
        python=".".join(python.split(".")[:2]) or None,
        columns=_columns(content.get("signature")),
        example=_inside(folder, example) if example else None,
    )


def _inside(folder: Path, name: str) -> Path:
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise IntakeError(f"{folder / 'MLmodel'} names {name}, which is not in its folder.")
    return path


def _pins(requirements: Path) -> dict[str, str]:
    if not requirements.is_file():
        return {}
    found = re.findall(
        r"^([\w.-]+)==([\w.]+)", requirements.read_text(encoding="utf-8"), re.MULTILINE
    )
    return {name.lower(): version for name, version in found if name.lower() in KEPT}


def _columns(signature: Any) -> tuple[tuple[str, str], ...] | None:
    """Return the named columns of a signature; one of tensors has none."""
    try:
        inputs = signature["inputs"]
        inputs = json.loads(inputs) if isinstance(inputs, str) else inputs
        return tuple((str(item["name"]), str(item["type"])) for item in inputs) or None
    except (KeyError, TypeError, ValueError):
        return None
