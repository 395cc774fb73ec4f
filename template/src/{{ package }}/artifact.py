"""The model's file, pinned by its SHA-256: skops, or its library's own format."""

import hashlib
import importlib.metadata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import formats

TRUSTED = (
    "builtins",
    "catboost",
    "collections",
    "datetime",
    "imblearn",
    "lightgbm",
    "numpy",
    "scipy",
    "sklearn",
    "xgboost",
)
"""Packages whose types a model may be made of; anything else is refused when it is packed."""


class ModelError(Exception):
    """The model cannot be served; the message says what is wrong and what to do."""


def save(estimator: Any, directory: Path) -> dict[str, Any]:
    """Write the estimator into ``directory`` and return the signature's ``artifact`` entry.

    Raises:
        ModelError: the format cannot hold the model, or a type in it comes from outside the
            packages in ``TRUSTED``.
    """
    if isinstance(estimator, formats.Native):
        return _save_native(estimator, directory)
    return store(estimator, directory / "model.skops")


def store(value: Any, path: Path) -> dict[str, Any]:
    """Write a fitted estimator, or a dictionary of them, to ``path`` in skops.

    Raises:
        ModelError: as ``save``.
    """
    from skops import io as skops

    try:
        skops.dump(value, path)
        types = sorted(skops.get_untrusted_types(file=path))
        skops.load(path, trusted=types)
    except Exception as error:  # skops raises whatever the foreign type raised
        raise ModelError(
            f"The model cannot be stored in skops, the format that runs no code on loading: {error}"
        ) from None
    trusted = (*TRUSTED, f"{__package__}_model")
    foreign = [name for name in types if name.split(".")[0] not in trusted]
    if foreign:
        raise ModelError(
            f"The model holds types from packages that mlship does not trust: {', '.join(foreign)}."
        )
    return {"file": path.name, "format": "skops", "sha256": sha256(path), "types": types}


def load(directory: Path, artifact: Mapping[str, Any]) -> Any:
    """Load the estimator after its hash and the installed versions have been checked.

    Raises:
        ModelError: the file is missing or not the one that was packed, or a library that
            decides about the numbers has another version than when it was packed.
    """
    path = unchanged(directory, artifact)
    for name, version in artifact["packages"].items():
        installed = _version(name)
        if installed != version:
            raise ModelError(
                f"The model was proven with {name} {version}, but {installed or 'none'} is "
                "installed; run `uv sync`, or pack the model again."
            )
    native = formats.FORMATS.get(artifact["format"])
    if native:
        return native(native.read(path), artifact["options"])
    return restore(directory, artifact)


def restore(directory: Path, entry: Mapping[str, Any]) -> Any:
    """Load what ``store`` wrote, once its hash has been checked.

    Raises:
        ModelError: it is not what was packed, or holds a type that was not trusted then.
    """
    from skops import io as skops

    path = unchanged(directory, entry)
    try:
        return skops.load(path, trusted=entry["types"])
    except Exception as error:  # skops raises whatever the type raises
        raise ModelError(f"{path} cannot be loaded: {error}") from error


def unchanged(directory: Path, entry: Mapping[str, Any]) -> Path:
    """Return the path of a file that was packed.

    Raises:
        ModelError: it is missing, or not the one that was packed.
    """
    path = directory / str(entry["file"])
    if not path.is_file():
        raise ModelError(f"{path} is missing; pack the model again or restore it from git.")
    if sha256(path) != entry["sha256"]:
        raise ModelError(f"{path} is not the file that was packed (its SHA-256 differs).")
    return path


def replaced(signature: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return the libraries that serve in another version than the one that the model was made with.

    Each has the ``made`` version and the ``served`` one.
    """
    made = signature["provenance"].get("packages", {})
    return {
        name: {"made": made[name], "served": version}
        for name, version in signature["artifact"]["packages"].items()
        if made.get(name, version) != version
    }


def _save_native(estimator: formats.Native, directory: Path) -> dict[str, Any]:
    path = directory / estimator.file
    name = next(name for name, kind in formats.FORMATS.items() if isinstance(estimator, kind))
    try:
        estimator.save(path)
        estimator.read(path)
    except Exception as error:  # libraries raise what they like
        raise ModelError(f"The model cannot be stored as {path.name}: {error}") from None
    digest = sha256(path)
    return {"file": path.name, "format": name, "sha256": digest, "options": estimator.options}


def sha256(path: Path) -> str:
    """Return the file's SHA-256 in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None
