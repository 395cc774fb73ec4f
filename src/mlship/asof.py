"""The day whose libraries a notebook wants, where uv builds its environment."""

import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from . import ipynb
from .errors import MlshipError, UsageError

NOTEBOOK = "notebook"
"""What ``--as-of`` says to take the notebook's own date."""
RELEASED = {
    "3.9": date(2020, 10, 5),
    "3.10": date(2021, 10, 4),
    "3.11": date(2022, 10, 24),
    "3.12": date(2023, 10, 2),
    "3.13": date(2024, 10, 7),
    "3.14": date(2025, 10, 7),
}
"""The first release of each Python that the recorder runs in (https://peps.python.org)."""
FIRST_NOTEBOOKS = date(2011, 12, 19)
"""IPython 0.12, the first with a notebook: a date before it is a clock that was not set."""
TIMES = ("end_time", "start_time", "iopub.execute_input", "shell.execute_reply", "timestamp")
"""What Papermill, Jupyter, Kaggle and Colab call the time of a run."""
CHANGES = ("ImportError", "ModuleNotFoundError", "AttributeError", "TypeError", "ValueError")
"""How a statement fails when a library has changed since it was written."""


@dataclass(frozen=True)
class AsOf:
    """A day, and who says so."""

    day: date
    source: str

    @property
    def before(self) -> str:
        """The end of the day, in UTC, as uv's ``--exclude-newer`` takes it."""
        return f"{self.day + timedelta(days=1)}T00:00:00Z"

    def pythons(self) -> list[str]:
        """Return the minor versions of Python that were out, the newest first."""
        return [minor for minor, first in reversed(RELEASED.items()) if first <= self.day]

    def __str__(self) -> str:
        """Say the day and where it comes from."""
        return f"{self.day} ({self.source})"


def read(said: str, notebook: Path) -> AsOf:
    """Return the day that ``--as-of`` means: one as YYYY-MM-DD, or the notebook's own.

    Raises:
        UsageError: it is no day, or the notebook has none, or no Python of that day is taken.
        IntakeError: the notebook cannot be read.
    """
    if said == NOTEBOOK:
        found = _of_metadata(notebook) or _of_git(notebook)
        if not found:
            raise UsageError(
                f"{notebook} holds no date of a run, and git has no commit of it: say the day "
                "yourself with --as-of YYYY-MM-DD."
            )
    else:
        try:
            found = AsOf(datetime.strptime(said, "%Y-%m-%d").date(), "--as-of")
        except ValueError:
            raise UsageError(
                f"--as-of takes a day as YYYY-MM-DD, or {NOTEBOOK!r}, and not {said!r}."
            ) from None
    if found.day > _today():
        raise UsageError(f"--as-of: {found.day} is still to come.")
    if not found.pythons():
        oldest, first = next(iter(RELEASED.items()))
        raise UsageError(
            f"--as-of: on {found.day} there was no Python {oldest} yet, the oldest that mlship "
            f"runs a notebook in. Try {first + timedelta(days=88)}: most libraries had wheels for "
            "it then."
        )
    return found


@contextmanager
def hinting(newest: bool, errors: Sequence[Mapping[str, Any]]) -> Iterator[None]:
    """Name ``--as-of`` in a refusal for a statement that today's libraries may have broken.

    Args:
        newest: uv built the environment, with the newest libraries.
        errors: the statements that failed, in their order.
    """
    try:
        yield
    except MlshipError as refused:
        named = [at for at, error in enumerate(errors) if error["error"] in str(refused)]
        until = errors[: named[-1] + 1] if named else []
        if newest and any(error["error"].partition(":")[0] in CHANGES for error in until):
            raise type(refused)(
                f"{refused}\nIt ran with today's libraries, which uv installed for it; it may want "
                f"older ones: try --as-of {NOTEBOOK}, or --as-of YYYY-MM-DD."
            ) from None
        raise


def _of_metadata(notebook: Path) -> AsOf | None:
    """Return the last day on which the notebook was run, by what its tools noted in it."""
    _, node = ipynb.load(notebook)
    days = [
        day
        for part in (node, *node.cells)
        for said in _times(part.metadata)
        if (day := _day(said)) and FIRST_NOTEBOOKS <= day <= _today()
    ]
    return AsOf(max(days), "the last run that its metadata note") if days else None


def _times(metadata: Mapping[str, Any]) -> Iterator[object]:
    for name in ("papermill", "execution", "ExecuteTime", "executionInfo"):
        part = metadata.get(name)
        if isinstance(part, Mapping):
            yield from (part[key] for key in TIMES if key in part)


def _day(said: object) -> date | None:
    """Return the day of a time in ISO 8601, or in milliseconds since 1970 as Colab has it."""
    if isinstance(said, str) and re.match(r"\d{4}-\d\d-\d\d", said):
        try:
            return date.fromisoformat(said[:10])
        except ValueError:
            return None
    if isinstance(said, int) and 0 < said < 10**13:
        return datetime.fromtimestamp(said / 1000, UTC).date()
    return None


def _of_git(notebook: Path) -> AsOf | None:
    path = notebook.resolve()
    try:
        result = subprocess.run(
            ["git", "log", "-1", "--format=%cs", "--", path.name],
            cwd=path.parent,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:  # no git
        return None
    said = result.stdout.strip()
    return AsOf(date.fromisoformat(said), "its last commit in git") if said else None


def _today() -> date:
    return datetime.now(UTC).date()
