"""Run the programs that came with the environment, and validate by JSON Schema."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema

BIN = Path(sys.executable).parent


def said(*command: str | Path, env: dict[str, str] | None = None) -> Iterator[str]:
    """Yield the lines that a program says if it fails, and nothing otherwise."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    if done.returncode:
        lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        yield from lines or [f"{command[0]} ended with {done.returncode}"]


def by_schema(value: Any, schema: dict[str, Any]) -> Iterator[str]:
    """Yield where a value is not as its JSON Schema says."""
    for error in jsonschema.Draft202012Validator(schema).iter_errors(value):
        yield f"{'.'.join(map(str, error.absolute_path)) or 'top'}: {error.message[:200]}"
