"""The team's own code between a request's rows and the estimator, with what it learned.

It lies in ``model/``; nothing here knows a column. Where the estimator takes the rows as they are,
there is no such code.
"""

import importlib
import json
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import artifact
from .instances import column


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


def save(learned: Mapping[str, Any], directory: Path) -> dict[str, Any]:
    """Write what training learned into ``directory`` and return the signature's entry.

    Args:
        learned: ``values``, said in JSON, and fitted ``estimators``, each by name.
        directory: where to write.

    Raises:
        ModelError: an estimator cannot be stored.
    """
    path = directory / "learned.json"
    text = json.dumps(learned["values"], indent=1, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")
    entry: dict[str, Any] = {"values": {"file": path.name, "sha256": artifact.sha256(path)}}
    if learned["estimators"]:
        stored = artifact.store(dict(learned["estimators"]), directory / "learned.skops")
        entry["estimators"] = stored
    return entry


def load(directory: Path, entry: Mapping[str, Any] | None) -> Features | None:
    """Load the team's code and what it learned.

    Args:
        directory: the folder that ``pack`` wrote into.
        entry: the signature's ``features``.

    Raises:
        ModelError: what was learned is not what was packed.
    """
    if entry is None:
        return None
    learned = entry["learned"]
    path = artifact.unchanged(directory, learned["values"])
    values = json.loads(path.read_text(encoding="utf-8"))
    estimators: dict[str, Any] = {}
    if "estimators" in learned:
        estimators = artifact.restore(directory, learned["estimators"])
    return of(entry, values, estimators)


def of(
    entry: Mapping[str, Any], values: Mapping[str, Any], estimators: Mapping[str, Any]
) -> Features:
    """Put the team's code together with what it learned."""
    package = re.escape(entry["module"].partition(".")[0])
    # What a library warns the notebook's author of would fill the log, as each request repeats it.
    # A filter for the package, set once, is seen by every thread; catch_warnings is not.
    warnings.filterwarnings("ignore", module=rf"{package}(\.|$)")
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
    values, estimators = _learned(module).parted(known)
    return values, estimators


def _learned(module: str) -> Any:
    return importlib.import_module(f"{module.rpartition('.')[0]}.learned")
