"""A Dockerfile by hadolint."""

from collections.abc import Iterator
from pathlib import Path

from .tools import BIN, said


def problems(path: Path) -> Iterator[str]:
    """Yield every finding but those about style."""
    yield from said(BIN / "hadolint", "--failure-threshold", "warning", path)
