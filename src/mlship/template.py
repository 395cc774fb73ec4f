"""Where the template comes from: the bundle in this package, mirrored at one fixed place.

A project records the place, not a path inside an environment, so that plain ``copier update``
finds every version that mlship was ever run with on the machine, without a network.
"""

import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from . import __version__, bundle
from .errors import PreconditionError, UsageError

HOME = "~/.local/share/mlship/template.bundle"
"""Recorded as it is written here: the same on every machine and for every user."""
PACKAGED = Path(__file__).parent / "template.bundle"
CHECKOUT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Source:
    """What Copier is given: a template and the version of it."""

    location: str
    ref: str | None

    def questions(self) -> dict[str, dict[str, Any]]:
        """Return the template's questions by name.

        Raises:
            UsageError: there is no template at ``location``.
        """
        place = Path(self.location).expanduser()
        if (place / "copier.yml").is_file() and not (place / ".git").exists():
            text = (place / "copier.yml").read_text(encoding="utf-8")
        else:
            text = self._show("copier.yml")
        config = yaml.safe_load(text)
        return {
            name: item if isinstance(item, dict) else {"default": item}
            for name, item in config.items()
            if not name.startswith("_")
        }

    def asked(self) -> dict[str, dict[str, Any]]:
        """Return the questions that a person can answer."""
        return {n: item for n, item in self.questions().items() if item.get("when") is not False}

    def _show(self, path: str) -> str:
        location = os.path.expanduser(self.location)  # noqa: PTH111 - may be a URL
        branch = ["--branch", self.ref] if self.ref else []
        with tempfile.TemporaryDirectory() as scratch:
            clone = ["git", "clone", "--quiet", "--no-checkout", *branch, "--", location, scratch]
            for command in (clone, ["git", "-C", scratch, "show", f"HEAD:{path}"]):
                result = subprocess.run(command, capture_output=True, text=True, check=False)
                if result.returncode:
                    raise UsageError(f"No template at {self.location}: {result.stderr.strip()}")
        return result.stdout


def resolve(location: str | None, ref: str | None) -> Source:
    """Return the template that was asked for, or mlship's own at mlship's own version.

    Raises:
        PreconditionError: git is missing, or mlship's own template cannot be unpacked.
    """
    location = location or os.environ.get("MLSHIP_TEMPLATE")
    if location:
        return Source(location, ref)
    try:
        sync()
    except (bundle.BundleError, OSError) as error:
        raise PreconditionError(f"The template cannot be unpacked: {error}") from None
    return Source(HOME, ref or f"v{__version__}")


def sync() -> Path:
    """Bring the versions that this mlship holds to the mirror in the home folder."""
    mirror = Path(HOME).expanduser()
    if PACKAGED.is_file():
        bundle.merge(PACKAGED, mirror)
        return mirror
    with tempfile.TemporaryDirectory() as scratch:
        packed = Path(scratch) / "template.bundle"
        bundle.build(CHECKOUT, __version__, packed)
        bundle.merge(packed, mirror)
    return mirror
