"""Call uv, which makes every environment and lock."""

import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

COMPILED = (
    "catboost", "gensim", "lightgbm", "matplotlib", "numba", "numpy", "onnxruntime",
    "opencv-python-headless", "pandas", "pillow", "polars", "pyarrow", "scikit-image",
    "scikit-learn", "scipy", "spacy", "statsmodels", "tensorflow", "tensorflow-cpu",
    "torch", "xgboost",
)  # fmt: skip
"""Packages whose wheels are waited for: building an old one takes long, and then mostly fails."""


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
    process = subprocess.Popen(
        [find_uv_bin(), "--no-progress", *arguments],
        cwd=cwd,
        env={**inherited, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        output, errors = process.communicate()
    except BaseException:  # ^C, which uv does not hear in a session of its own
        _end(process)
        raise
    if process.returncode:
        raise UvError((errors or output).strip()[-3000:])
    return output


def _end(process: "subprocess.Popen[str]") -> None:
    """End uv and what it runs."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError, subprocess.TimeoutExpired):
            os.killpg(process.pid, number)
            process.communicate(timeout=5)


def python(minor: str) -> Path | None:
    """Return an interpreter of this minor version that uv finds on the machine."""
    try:
        return Path(run(["python", "find", "--system", "--no-python-downloads", minor]).strip())
    except UvError:
        return None


def pyenv_python(minor: str) -> Path | None:
    """Return one of pyenv's interpreters, which uv finds only where they are switched on."""
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    return next(versions.glob(f"{minor}.*/bin/python"), None)


def wheels_only(command: str) -> list[str]:
    """Return the options that keep ``uv lock``, or ``uv pip``, from building a compiled library."""
    option = "--only-binary" if command == "pip" else "--no-build-package"
    return [part for name in COMPILED for part in (option, name)]


def typed() -> str:
    """Return how a person calls uv: by its name if that is found, else by its path."""
    from uv import find_uv_bin

    return "uv" if shutil.which("uv") else find_uv_bin()


def shown(arguments: Sequence[str]) -> str:
    """Return the command as a person would type it."""
    return shlex.join([typed(), *arguments])
