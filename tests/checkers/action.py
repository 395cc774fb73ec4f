"""A composite action of GitHub: names, shells, contexts, and actions pinned by commit."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from .tools import by_schema

TEXT = {"type": "string", "minLength": 1}
TEXTS = {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}}
STEP = {"id": TEXT, "name": TEXT, "if": TEXT, "env": TEXTS}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["name", "description", "outputs", "runs"],
    "additionalProperties": False,
    "properties": {
        "name": TEXT,
        "description": TEXT,
        "outputs": {
            "type": "object",
            "required": ["registry"],
            "additionalProperties": {
                "type": "object",
                "required": ["description", "value"],
                "additionalProperties": False,
                "properties": {"description": TEXT, "value": TEXT},
            },
        },
        "runs": {
            "type": "object",
            "required": ["using", "steps"],
            "additionalProperties": False,
            "properties": {
                "using": {"const": "composite"},
                "steps": {
                    "type": "array",
                    "items": {
                        "oneOf": [
                            {
                                "required": ["uses"],
                                "additionalProperties": False,
                                "properties": {**STEP, "uses": TEXT, "with": TEXTS},
                            },
                            {
                                "required": ["run", "shell"],
                                "additionalProperties": False,
                                "properties": {
                                    **STEP,
                                    "run": TEXT,
                                    "shell": {"const": "bash"},
                                    "working-directory": TEXT,
                                },
                            },
                        ]
                    },
                },
            },
        },
    },
}
PINNED = re.compile(r"uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+(\.\d+)*$")
CONTEXTS = {"env", "github", "inputs", "runner", "steps"}
"""What an expression in a composite action can name; secrets and vars are not among them."""


def problems(path: Path) -> Iterator[str]:
    """Yield what GitHub, or whoever trusts an action's tag, would stumble over."""
    text = path.read_text("utf-8")
    said = yaml.safe_load(text)
    yield from by_schema(said, SCHEMA)
    for line in filter(lambda line: "uses:" in line, text.splitlines()):
        if not PINNED.search(line):
            yield f"not pinned by a commit with its version beside it: {line.strip()}"
    for context, rest in re.findall(r"\$\{\{ *(\w+)\.([\w.-]+)", text):
        if context not in CONTEXTS:
            yield f"{context}.{rest} cannot be had in a composite action"
        step = rest.split(".")[0]
        if context == "steps" and f"id: {step}" not in text:
            yield f"no step is called {step}"
    for step in said.get("runs", {}).get("steps", []):
        if "${{" in str(step.get("run", "")):
            yield "an expression is pasted into a script"
