"""Say how packages get into an interpreter: with uv, pip or conda, as it is."""

import shlex
import shutil
from collections.abc import Iterable
from pathlib import Path

from . import uv

DISTRIBUTIONS_OF_CONDA = {
    "opencv-python-headless": "opencv",
    "tensorflow-cpu": "tensorflow",
    "torch": "pytorch",
}
"""Packages that conda-forge calls otherwise than the package index does."""
PROBE = """
def installer():
    import importlib.util, os, sys, sysconfig
    if os.path.isdir(os.path.join(sys.prefix, "conda-meta")):
        return "conda"
    try:
        with open(os.path.join(sys.prefix, "pyvenv.cfg")) as file:
            by_uv = any(line.split("=")[0].strip() == "uv" for line in file)
    except OSError:
        managed = os.path.join(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED")
        if os.path.isfile(managed):
            return "system"
        by_uv = False
    return "uv" if by_uv or importlib.util.find_spec("pip") is None else "pip"
"""
"""A function for another interpreter, Python 3.9 or newer, that says what installs into it."""


def command(installer: str, executable: Path, prefix: Path, packages: Iterable[str]) -> str:
    """Return the command that installs ``packages`` into an interpreter, as a person types it.

    Args:
        installer: what ``PROBE`` said: conda, uv, pip, or system where the system's own tools
            forbid it, so that an environment on top of it is needed.
        executable: the interpreter.
        prefix: its ``sys.prefix``.
        packages: distributions, by their names on the package index.
    """
    wanted = sorted(packages)
    if installer == "conda":
        program = next((name for name in ("conda", "mamba") if shutil.which(name)), "conda")
        named = sorted(DISTRIBUTIONS_OF_CONDA.get(name, name) for name in wanted)
        return shlex.join(
            [program, "install", "--channel", "conda-forge", "--prefix", str(prefix), *named]
        )
    if installer == "pip":
        return shlex.join([str(executable), "-m", "pip", "install", *wanted])
    if installer == "system":
        make = ["venv", "--system-site-packages", "--python", str(executable), ".venv"]
        fill = ["pip", "install", "--python", ".venv", *wanted]
        return f"{uv.shown(make)} && {uv.shown(fill)}"
    return uv.shown(["pip", "install", "--python", str(executable), *wanted])
