"""Bicep: its grammar by pycep, and the names of properties by the models in Azure's own SDKs.

Bicep's compiler cannot be had from a package registry. So types of values, scopes, functions and
versions of the API stay unchecked.
"""

import difflib
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pycep

MODELS = {
    "Microsoft.App/containerApps": ("appcontainers", "ContainerApp"),
    "Microsoft.App/managedEnvironments": ("appcontainers", "ManagedEnvironment"),
    "Microsoft.Authorization/roleAssignments": ("authorization", "RoleAssignment"),
    "Microsoft.ContainerRegistry/registries": ("containerregistry", "Registry"),
    "Microsoft.KeyVault/vaults": ("keyvault", "Vault"),
    "Microsoft.KeyVault/vaults/secrets": ("keyvault", "Secret"),
    "Microsoft.ManagedIdentity/userAssignedIdentities": ("msi", "Identity"),
    "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials": (
        "msi",
        "FederatedIdentityCredential",
    ),
    "Microsoft.Web/serverfarms": ("web", "AppServicePlan"),
    "Microsoft.Web/sites": ("web", "Site"),
    "Microsoft.Web/sites/sitecontainers": ("web", "SiteContainer"),
}
BICEPS = {"dependsOn", "location", "name", "parent", "scope", "tags"}
"""What a resource may say beside its model."""

Fields = dict[str, Any]
"""Of each property its model's name, or its own fields where the SDK has flattened them."""


def problems(path: Path) -> Iterator[str]:
    """Yield what does not parse, and what the resource's model does not have."""
    try:
        tree = pycep.BicepParser().parse(file_path=path)
    except Exception as error:  # the parser and its grammar raise many kinds
        yield f"{type(error).__name__}: {error}".splitlines()[0]
        return
    text = path.read_text("utf-8")
    for name, resource in tree.get("resources", {}).items():
        if resource["type"] not in MODELS:
            yield f"{name}: {resource['type']} is not in tests/checkers/bicep.py"
            continue
        package, model = MODELS[resource["type"]]
        module = importlib.import_module(f"azure.mgmt.{package}.models")
        yield from _walk(module, resource["config"], _fields(module, model), name, BICEPS)
    named = {*tree.get("resources", {}), *tree.get("parameters", {}), *tree.get("variables", {})}
    for name in re.findall(r"\$\{(\w+)[.}]", text):
        if name not in named:
            yield f"{name} is used and not declared"


def _walk(
    module: Any,
    value: Any,
    fields: Fields,
    path: str,
    also: set[str] = frozenset(),  # type: ignore[assignment]
) -> Iterator[str]:
    for key, item in value.items():
        if key.startswith("__") or key in also:
            continue
        if key not in fields:
            near = difflib.get_close_matches(key, fields, 1)
            yield f"{path}.{key}: unknown property" + (f", meant {near[0]}?" if near else "")
            continue
        inner = fields[key]
        if isinstance(inner, dict):
            if isinstance(item, dict):
                yield from _walk(module, item, inner, f"{path}.{key}")
            continue
        model, is_map = inner
        if model is None:
            continue
        items = item if isinstance(item, list) else [item]
        for part in items:
            parts = part.values() if is_map and isinstance(part, dict) else [part]
            for single in parts:
                if isinstance(single, dict) and not {"operator", "function"} & set(single):
                    yield from _walk(module, single, _fields(module, model), f"{path}.{key}")


def _fields(module: Any, name: str) -> Fields:
    model = getattr(module, name)
    found: Fields = {}
    if hasattr(model, "_attribute_map"):  # the older generation of SDKs
        for attribute in model._attribute_map.values():
            kind = attribute["type"]
            *outer, last = attribute["key"].split(".")
            inside = found
            for part in outer:
                inside = inside.setdefault(part, {})
            inside[last] = (_modelled(module, kind.strip("[]{}")), kind[:1] == "{")
        return found
    model()  # the newer one lists its fields after the first use
    for attribute, field in model._attr_to_rest_field.items():
        annotations = (vars(base).get("__annotations__", {}) for base in model.__mro__)
        kind = next((str(items[attribute]) for items in annotations if attribute in items), "")
        match = re.search(r"_models\.(\w+)", kind)
        found[field._rest_name] = (_modelled(module, match[1]) if match else None, "ict[" in kind)
    return found


def _modelled(module: Any, name: str) -> str | None:
    """Return the name if it is that of a model, and not of an enumeration or a plain type."""
    model = getattr(module, name, None)
    described = hasattr(model, "_attribute_map") or any(
        "model_base" in base.__module__ for base in getattr(model, "__mro__", ())
    )
    return name if described else None
