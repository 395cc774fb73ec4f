"""Manifests as kustomize makes them, by Kubernetes' own schemas and Gateway API's.

A kind that no schema is known of is a problem, and so is a pod that a strict cluster refuses.
"""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import yaml

from .tools import BIN, by_schema

NAME = {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"}
MATCH = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "path": {
            "type": "object",
            "required": ["type", "value"],
            "additionalProperties": False,
            "properties": {
                "type": {"enum": ["Exact", "PathPrefix", "RegularExpression"]},
                "value": {"type": "string", "pattern": "^/"},
            },
        }
    },
}
REFERENCE = {
    "type": "object",
    "required": ["name"],
    "additionalProperties": False,
    "properties": {"name": NAME, "namespace": NAME, "sectionName": NAME},
}
BACKEND = {
    "type": "object",
    "required": ["name", "port"],
    "additionalProperties": False,
    "properties": {"name": NAME, "port": {"type": "integer", "minimum": 1, "maximum": 65535}},
}
ROUTE: dict[str, Any] = {
    "type": "object",
    "required": ["parentRefs", "rules"],
    "additionalProperties": False,
    "properties": {
        "parentRefs": {"type": "array", "minItems": 1, "items": REFERENCE},
        "hostnames": {
            "type": "array",
            "items": {"type": "string", "pattern": r"^(\*\.)?([a-z0-9-]+\.)*[a-z0-9-]+$"},
        },
        "rules": {
            "type": "array",
            "maxItems": 16,
            "items": {
                "type": "object",
                "required": ["backendRefs"],
                "additionalProperties": False,
                "properties": {
                    "matches": {"type": "array", "maxItems": 64, "items": MATCH},
                    "backendRefs": {"type": "array", "minItems": 1, "items": BACKEND},
                    "timeouts": {
                        "type": "object",
                        "additionalProperties": False,
                        "properties": {
                            part: {"type": "string", "pattern": r"^(\d{1,5}(h|m|s|ms)){1,4}$"}
                            for part in ("request", "backendRequest")
                        },
                    },
                },
            },
        },
    },
}
"""What is used of an HTTPRoute of gateway.networking.k8s.io/v1, from its published definition."""


def problems(path: Path) -> Iterator[str]:
    """Yield the problems of a folder with a kustomization, or of one file of manifests."""
    text = path.read_text("utf-8") if path.is_file() else None
    if text is None:
        done = subprocess.run(
            [BIN / "kubectl", "kustomize", path], capture_output=True, text=True, check=False
        )
        if done.returncode:
            yield done.stderr.strip()
            return
        text = done.stdout
    resources = [resource for resource in yaml.safe_load_all(text) if resource]
    for resource in resources:
        kind = f"{resource.get('kind')}/{resource.get('metadata', {}).get('name')}"
        yield from (f"{kind}: {problem}" for problem in _problems(resource))
    yield from _dangling(resources)


def _problems(resource: dict[str, Any]) -> Iterator[str]:
    if resource["apiVersion"].startswith("gateway.networking.k8s.io/"):
        if (resource["apiVersion"], resource["kind"]) != (
            "gateway.networking.k8s.io/v1",
            "HTTPRoute",
        ):
            yield f"{resource['apiVersion']} {resource['kind']} is not in tests/checkers/kubernetes.py"
        yield from by_schema(resource["spec"], ROUTE)
        return
    version = kubernetes_validate.latest_version()
    try:
        kubernetes_validate.validate(resource, version, strict=True)
    except kubernetes_validate.SchemaNotFoundError as error:
        yield error.message
    except kubernetes_validate.ValidationError as error:
        yield f"{'.'.join(map(str, error.path))}: {error.message[:200]}"
    if resource["kind"] == "Deployment":
        yield from _loose(resource["spec"]["template"]["spec"])


def _loose(pod: dict[str, Any]) -> Iterator[str]:
    """Yield what the restricted Pod Security Standard asks for and a pod lacks."""
    if not pod.get("securityContext", {}).get("runAsNonRoot"):
        yield "runAsNonRoot is missing"
    for container in pod["containers"]:
        context = container.get("securityContext", {})
        if context.get("capabilities", {}).get("drop") != ["ALL"]:
            yield f"{container['name']} keeps capabilities"
        if not context.get("readOnlyRootFilesystem"):
            yield f"{container['name']} may write to its root"
        if context.get("allowPrivilegeEscalation") is not False:
            yield f"{container['name']} may gain privileges"
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            if probe not in container:
                yield f"{container['name']} has no {probe}"


def _dangling(resources: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the selectors that select nothing, and the references to what is not there."""
    named = {(resource["kind"], resource["metadata"]["name"]) for resource in resources}
    pods = [
        resource["spec"]["template"]["metadata"]["labels"]
        for resource in resources
        if resource["kind"] == "Deployment"
    ]
    for resource in resources:
        spec, kind = resource.get("spec", {}), resource["kind"]
        wanted = {
            "Service": spec.get("selector"),
            "PodDisruptionBudget": spec.get("selector", {}).get("matchLabels"),
            "NetworkPolicy": spec.get("podSelector", {}).get("matchLabels"),
        }.get(kind)
        if wanted and not any(wanted.items() <= labels.items() for labels in pods):
            yield f"{kind} selects {wanted}, which no pod has"
        if kind == "HorizontalPodAutoscaler":
            target = spec["scaleTargetRef"]
            if (target["kind"], target["name"]) not in named:
                yield f"{kind} scales {target['name']}, which is not there"
        for rule in spec.get("rules", []) if kind == "HTTPRoute" else []:
            for backend in rule.get("backendRefs", []):
                if ("Service", backend["name"]) not in named:
                    yield f"{kind} leads to {backend['name']}, which is not there"
