"""The versions that a project serves its model with: the run's own, else the nearest ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import tomlkit
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from . import uv
from .errors import IntakeError

LEFT_TO_OTHERS = {"joblib"}
"""What decides no answer and comes with another: its old versions install where they fail."""


@dataclass(frozen=True)
class Replaced:
    """A library whose version in the run cannot be had for the service's Python."""

    name: str
    run: str
    served: str

    def __str__(self) -> str:
        """Say it in words."""
        return f"{self.name} {self.served} in place of {self.run}"


def write(staged: Path, packages: Mapping[str, str]) -> None:
    """Pin the model's libraries in the project ``staged``."""
    path = staged / "model" / "pyproject.toml"
    document = tomlkit.parse(path.read_text(encoding="utf-8"))
    pins = tomlkit.array()
    pins.extend(f"{name}=={version}" for name, version in sorted(packages.items()))
    document["project"]["dependencies"] = pins.multiline(True)
    path.write_text(tomlkit.dumps(document), encoding="utf-8")


def lock(staged: Path, packages: Mapping[str, str]) -> list[Replaced]:
    """Lock the project ``staged``, whose model is pinned to ``packages``, and lock its page.

    Where a library has no wheel of its exact version for the project's Python, each gets the lowest
    version from the run's own upwards that installs together with the others and the service's.

    Returns:
        The libraries that are served in another version than the run's, in the order of names.

    Raises:
        IntakeError: no such versions can be had.
    """
    served = dict(packages)
    try:
        try:
            uv.run(["lock", *uv.wheels_only("lock")], cwd=staged)
        except uv.UvError as error:
            served = _nearest(staged, packages, error)
            write(staged, served)
            uv.run(["lock", *uv.wheels_only("lock")], cwd=staged)
        uv.run(["lock"], cwd=staged / "ui")
    except uv.UvError as error:
        raise IntakeError(
            "The versions that the model needs cannot be installed together with the "
            f"service's:\n{error}"
        ) from None
    return [
        Replaced(name, version, served[name])
        for name, version in sorted(packages.items())
        if served[name] != version
    ]


def said(replaced: Sequence[Replaced]) -> str:
    """List what is replaced."""
    return ", ".join(map(str, replaced))


def _nearest(staged: Path, packages: Mapping[str, str], why: uv.UvError) -> dict[str, str]:
    """Return the lowest versions, none below the run's, that install with the service's own.

    Raises:
        UvError: there are none; it says why the exact ones are none either.
    """
    about = tomlkit.parse((staged / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    own = [
        item for item in map(str, about["dependencies"]) if _name(item) != f"{about['name']}-model"
    ]
    wanted = [
        *own,
        *(f"{n}>={version}" for n, version in packages.items() if n not in LEFT_TO_OTHERS),
    ]
    minor = str(about["requires-python"]).removeprefix("==").removesuffix(".*")
    options = ["--python-version", minor, "--resolution", "lowest-direct", *uv.wheels_only("pip")]
    file = staged / "model" / "nearest.in"
    file.write_text("\n".join(wanted), encoding="utf-8")
    try:
        said = uv.run(
            ["pip", "compile", "--no-header", "--no-annotate", *options, str(file)], cwd=staged
        )
    except uv.UvError as error:
        raise uv.UvError(f"{why}\nNor can any newer ones:\n{error}") from None
    finally:
        file.unlink()
    lines = [line for line in said.splitlines() if "==" in line and not line.startswith("#")]
    found = {_name(line): line.partition("==")[2].partition(" ")[0] for line in lines}
    return {name: found.get(_name(name), version) for name, version in packages.items()}


def _name(requirement: str) -> str:
    """Return the distribution's normal name (https://packaging.python.org, name normalization)."""
    return str(canonicalize_name(Requirement(requirement).name))
