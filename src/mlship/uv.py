"""Call uv, which makes every environment and lock."""

import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


class UvError(Exception):
    """uv failed; the message is what it said."""


def run(
    arguments: Sequence[str],
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Run uv and return its standard output.

    Raises:
        UvError: uv ended with another code than 0.
    """
    from uv import find_uv_bin

    inherited = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    result = subprocess.run(
        [find_uv_bin(), "--no-progress", *arguments],
        cwd=cwd,
        env={**inherited, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise UvError((result.stderr or result.stdout).strip()[-3000:])
    return result.stdout


def typed() -> str:
    """Return how a person calls uv: by its name if that is found, else by its path."""
    from uv import find_uv_bin

    return "uv" if shutil.which("uv") else find_uv_bin()


def shown(arguments: Sequence[str]) -> str:
    """Return the command as a person would type it."""
    return shlex.join([typed(), *arguments])
