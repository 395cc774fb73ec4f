"""The team's own code between a request's rows and the estimator, with what it learned.

It lies in ``model/``; nothing here knows a column. Where the estimator takes the rows as they are,
there is no such code.
"""

import importlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import artifact
from .artifact import ModelError
from .instances import column

FILE = "learned.json"


@dataclass(frozen=True)
class Features:
    """Prepares rows as the training rows were prepared."""

    prepare: Callable[[Any, Any], Any]
    """The team's ``features(rows, learned)``."""
    learned: Callable[[], Any]
    """Makes what it is given: everything that training learned, to be read only."""
    columns: Sequence[str]
    """All columns that the code reads, in order."""
    filled: Mapping[str, Mapping[str, Any]]
    """Those that no answer depends on and no request has: the value and the type of each."""

    def __call__(self, rows: Any) -> Any:
        """Return what the estimator takes (n) for n rows as the contract has them."""
        rows = rows.copy()
        for name, given in self.filled.items():
            rows[name] = column([given["value"]] * len(rows), name, given)
        if hasattr(rows, "columns"):
            rows = rows[list(self.columns)]
        return self.prepare(rows, self.learned())


def save(learned: Mapping[str, Any], directory: Path) -> dict[str, str]:
    """Write learned values, said in JSON, into ``directory``; return the signature's entry."""
    path = directory / FILE
    text = json.dumps(learned, indent=1, ensure_ascii=False, allow_nan=False, sort_keys=True)
    path.write_text(text + "\n", encoding="utf-8")
    return {"file": FILE, "sha256": artifact.sha256(path)}


def load(
    directory: Path, entry: Mapping[str, Any] | None, estimators: Mapping[str, Any]
) -> Features | None:
    """Load the team's code and what it learned.

    Args:
        directory: the folder that ``pack`` wrote into.
        entry: the signature's ``features``.
        estimators: the fitted estimators among what was learned, by name.

    Raises:
        ModelError: the learned values are not those that were packed.
    """
    if entry is None:
        return None
    path = directory / entry["learned"]["file"]
    if not path.is_file() or artifact.sha256(path) != entry["learned"]["sha256"]:
        raise ModelError(f"{path} is missing, or not the file that was packed.")
    values = json.loads(path.read_text(encoding="utf-8"))
    return of(entry, values, estimators)


def of(
    entry: Mapping[str, Any], values: Mapping[str, Any], estimators: Mapping[str, Any]
) -> Features:
    """Put the team's code together with what it learned."""
    module = importlib.import_module(entry["module"])
    code = _learned(entry["module"])
    known = {name: code.from_json(value) for name, value in values.items()} | dict(estimators)
    return Features(
        prepare=module.features,
        learned=lambda: code.Learned(known),
        columns=entry["columns"],
        filled=entry["filled"],
    )


def part(known: Mapping[str, Any], module: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Part what was learned into values, said in JSON, and fitted estimators."""
    estimators = {name: value for name, value in known.items() if hasattr(value, "get_params")}
    code = _learned(module)
    values = {name: code.to_json(known[name]) for name in known if name not in estimators}
    return values, estimators


def _learned(module: str) -> Any:
    return importlib.import_module(f"{module.rpartition('.')[0]}.learned")
