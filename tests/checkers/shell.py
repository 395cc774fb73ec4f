"""A shell script by ShellCheck."""

from collections.abc import Iterator
from pathlib import Path

from .tools import BIN, said


def problems(path: Path) -> Iterator[str]:
    """Yield every finding."""
    yield from said(BIN / "shellcheck", "--format", "gcc", path)
