"""Put the code that intake wrote into the project: formatted, free of what it does not use."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

from ruff import find_ruff_bin

from .errors import IntakeError

LEARNED = Path(__file__).parent / "recorder" / "learned.py"


def write(staged: Path, files: Mapping[str, str]) -> None:
    """Write the model package's modules into the project at ``staged``.

    Raises:
        IntakeError: a module cannot be formatted, so it is no Python.
    """
    if not files:
        return
    package = next((staged / "model" / "src").iterdir())
    for name, text in files.items():
        (package / name).write_text(text, encoding="utf-8")
    if "features.py" in files:
        (package / LEARNED.name).write_bytes(LEARNED.read_bytes())
    folder = str(package)
    for arguments in (
        ["check", "--quiet", "--fix", "--select", "F401,F811,I001,UP,W"],
        ["format", "--quiet"],
        ["check", "--quiet", "--add-noqa"],
        ["format", "--quiet"],
    ):
        result = subprocess.run(
            [find_ruff_bin(), *arguments, "--no-cache", folder],
            cwd=staged,
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode > 1:
            raise IntakeError(f"The model's code cannot be written:\n{result.stderr.strip()}")
