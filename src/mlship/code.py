"""Put the code that intake wrote into the project: formatted, free of what it does not use."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from ruff import find_ruff_bin

from .errors import IntakeError
from .recorder.package import PROJECTS

LEARNED = Path(__file__).parent / "recorder" / "learned.py"


TRAINING = ("load.py", "train.py", "evaluate.py", "test_training.py")
"""What is left out together."""


def write(staged: Path, files: Mapping[str, str], tests: Mapping[str, str]) -> None:
    """Write the model package's modules, and their tests, into the project at ``staged``.

    Training code that speaks of names it does not have is left out.

    Raises:
        IntakeError: a module is no Python, or what a request runs speaks of such names.
    """
    if not files:
        return
    package = next((staged / "model" / "src").iterdir())
    for name, text in files.items():
        (package / name).write_text(text, encoding="utf-8")
    if "features.py" in files:
        (package / LEARNED.name).write_bytes(LEARNED.read_bytes())
    folder = staged / "tests" / "model"
    for name, text in tests.items():
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(text.replace(PROJECTS, package.name), encoding="utf-8")
    places = [path for path in (package, folder) if path.is_dir()]
    _ruff(staged, places, "check", "--quiet", "--fix", "--select", "F401,F811,I001,UP,W")
    unknown = _ruff(staged, places, "check", "--select", "F821,F823", "--output-format", "concise")
    if any(name in unknown for name in TRAINING):
        for path in [place / name for place in places for name in TRAINING]:
            path.unlink(missing_ok=True)
        unknown = "\n".join(
            line for line in unknown.splitlines() if not any(name in line for name in TRAINING)
        )
    if "F821" in unknown or "F823" in unknown:
        raise IntakeError(f"The model's code speaks of names that it does not have:\n{unknown}")
    _ruff(staged, places, "format", "--quiet")
    _ruff(staged, places, "check", "--quiet", "--add-noqa")
    _ruff(staged, places, "format", "--quiet")


def _ruff(staged: Path, places: Sequence[Path], *arguments: str) -> str:
    result = subprocess.run(
        [find_ruff_bin(), *arguments, "--no-cache", *places],
        cwd=staged,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode > 1:
        raise IntakeError(f"The model's code cannot be written:\n{result.stderr.strip()}")
    return result.stdout
