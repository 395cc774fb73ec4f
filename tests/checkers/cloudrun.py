"""A service of Cloud Run by the description of the API that Google publishes with its client."""

import functools
import importlib.resources
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from .tools import by_schema

ANNOTATIONS = {
    "autoscaling.knative.dev/maxScale",
    "autoscaling.knative.dev/minScale",
    "run.googleapis.com/invoker-iam-disabled",
    "run.googleapis.com/sessionAffinity",
    "run.googleapis.com/startup-cpu-boost",
}
"""Those in use: the description takes any."""


def problems(path: Path) -> Iterator[str]:
    """Yield what the API would not know, and what Cloud Run refuses beyond that."""
    said = yaml.safe_load(path.read_text("utf-8"))
    yield from by_schema(said, _schema())
    template = said["spec"]["template"]
    for name in [*said["metadata"].get("annotations", {}), *template["metadata"]["annotations"]]:
        if name not in ANNOTATIONS:
            yield f"{name}: an annotation that is not in tests/checkers/cloudrun.py"
    for container in template["spec"]["containers"]:
        for variable in container.get("env", []):
            if variable["name"] == "PORT" and "ports" in container:
                yield "PORT is Cloud Run's own"


@functools.cache
def _schema() -> dict[str, Any]:
    documents = importlib.resources.files("googleapiclient.discovery_cache") / "documents"
    said = json.loads((documents / "run.v1.json").read_text("utf-8"))
    definitions = {name: _converted(item) for name, item in said["schemas"].items()}
    return {"$defs": definitions, "$ref": "#/$defs/Service"}


def _converted(item: dict[str, Any]) -> dict[str, Any]:
    """Return a schema of Google's descriptions as JSON Schema that takes no other properties."""
    if "$ref" in item:
        return {"$ref": f"#/$defs/{item['$ref']}"}
    kind = item.get("type")
    if kind == "array":
        return {"type": kind, "items": _converted(item["items"])}
    if kind == "object":
        inside = {name: _converted(part) for name, part in item.get("properties", {}).items()}
        others = item.get("additionalProperties")
        return {
            "type": kind,
            "properties": inside,
            "additionalProperties": _converted(others) if others else not inside,
        }
    if kind in {"boolean", "integer", "number", "string"}:
        return {"type": kind, **({"enum": item["enum"]} if "enum" in item else {})}
    return {}
