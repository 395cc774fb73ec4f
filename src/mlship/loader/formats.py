"""Load a model from a file of each format; ``LOADERS`` says how."""

from __future__ import annotations

import importlib
import os
import re
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

from ..recorder.models import Refused
from ..recorder.statements import first_line
from . import boosters, graphs, networks

TRUSTED = ("catboost", "imblearn", "lightgbm", "sklearn", "xgboost")
"""Packages whose classes a skops file may name beyond those that skops itself trusts."""
HARMLESS = {"collections.OrderedDict", "collections.defaultdict"}
OTHER_VERSION = re.compile(r"from version (\S+) when using version (\S+)\.")


class Loaded(NamedTuple):
    """A model as it is served, and as the file holds it."""

    model: Any
    stored: Any
    """The bare booster that ``model`` wraps, or ``model`` itself."""
    notes: list[str]


def load(path: str, kind: str, trusted: bool) -> Loaded:
    """Return the model in a file.

    Args:
        path: the file.
        kind: its format, a key of ``LOADERS``.
        trusted: whether the user allows what runs code on loading.

    Raises:
        Refused: it cannot be loaded here, or is no model that predicts.
    """
    name = os.path.basename(path)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            model = LOADERS[kind](path, trusted)
        except Refused:
            raise
        except Exception as error:  # a file can fail to load in every way there is
            raise Refused(_why(name, kind, error)) from None
    for warning in said:
        versions = OTHER_VERSION.search(str(warning.message))
        if versions:
            raise Refused(
                f"{name} was saved with scikit-learn {versions[1]}, and the Python that loads it "
                f"has {versions[2]}: it may answer otherwise there. Name an interpreter that has "
                f"{versions[1]} with --python, or save the model again."
            )
    best = getattr(model, "best_estimator_", None)
    model = model if best is None else best
    if isinstance(model, dict):
        keys = ", ".join(map(str, list(model)[:8]))
        raise Refused(
            f"{name} holds a dict ({keys}), no model. Put what belongs together into one Pipeline "
            "and save that."
        )
    wrapped, notes = boosters.wrap(model)
    if isinstance(wrapped, type) or not callable(getattr(wrapped, "predict", None)):
        raise Refused(f"{name} holds a {type(model).__name__}, which does not predict.")
    return Loaded(wrapped, model, notes)


def _why(name: str, kind: str, error: Exception) -> str:
    said = first_line(str(error))
    if isinstance(error, ModuleNotFoundError):
        return (
            f"{name} needs the module {error.name}, which the Python that loads it does not have. "
            "Name an interpreter that has it with --python."
        )
    if isinstance(error, AttributeError) and "__main__" in said:
        found = re.search(r"attribute '(\w+)'", said)
        return (
            f"{name} is made of {found[1] if found else 'a class'}, which only the notebook or "
            "script that saved it has. Move it into a package that is installed, and save the "
            "model again."
        )
    return f"{name} cannot be loaded as {kind}: {type(error).__name__}: {said}"


def _pickle(path: str, trusted: bool) -> Any:
    if not trusted:  # said before by mlship itself; this is the door
        raise Refused("A pickle is opened only with --allow-pickle.")
    try:
        import joblib
    except ImportError:
        import pickle

        with open(path, "rb") as file:
            return pickle.load(file)  # noqa: S301 - the user allows it
    return joblib.load(path)


def _skops(path: str, trusted: bool) -> Any:
    from skops import io

    types = sorted(io.get_untrusted_types(file=path))
    foreign = [] if trusted else [name for name in types if not _harmless(name)]
    if foreign:
        raise Refused(
            f"{os.path.basename(path)} names {', '.join(foreign[:5])}, which could run code on "
            "loading. If you trust who made it, add --allow-pickle."
        )
    return io.load(path, trusted=types)


def _harmless(name: str) -> bool:
    """Say whether a type that skops does not know is a class of a package in ``TRUSTED``."""
    module, _, attribute = name.rpartition(".")
    if name in HARMLESS:
        return True
    if name.partition(".")[0] not in TRUSTED:
        return False
    return isinstance(getattr(importlib.import_module(module), attribute, None), type)


def _xgboost(path: str, trusted: bool) -> Any:
    import xgboost

    booster = xgboost.Booster()
    with open(path, "rb") as file:
        booster.load_model(bytearray(file.read()))
    return booster


def _lightgbm(path: str, trusted: bool) -> Any:
    import lightgbm

    return lightgbm.Booster(model_file=path)


def _catboost(path: str, trusted: bool) -> Any:
    import catboost

    return catboost.CatBoost().load_model(path)


def _keras(path: str, trusted: bool) -> Any:
    return networks.load(path)


LOADERS: dict[str, Callable[[str, bool], Any]] = {
    "catboost": _catboost,
    "keras": _keras,
    "lightgbm": _lightgbm,
    "onnx": graphs.load,
    "pickle": _pickle,
    "skops": _skops,
    "xgboost": _xgboost,
}
"""How a file of each format is loaded; ``saved.FORMATS`` has the same keys."""
