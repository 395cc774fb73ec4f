"""The experiment trackers that a notebook names, read from its code and never asked."""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from .notebook import Cell

CALLS = {
    "mlflow.set_tracking_uri": ("MLflow", "tracking server", "uri"),
    "mlflow.set_experiment": ("MLflow", "experiment", "experiment_name"),
    "mlflow.start_run": ("MLflow", "run", "run_name"),
    "wandb.init": ("Weights & Biases", "project", "project"),
}
"""A call's full name: the tracker, what is named, and by which argument."""
POSITIONAL = {"mlflow.set_tracking_uri", "mlflow.set_experiment"}
"""Calls that may name it by their first argument."""
SITES = {
    "Weights & Biases": re.compile(r"(^|\.)wandb\.ai$"),
    "MLflow": re.compile(r"(^|[.-])mlflow([.-]|$)"),
}
"""A tracker: what the host of its addresses looks like."""
ADDRESS = re.compile(r"https?://[^\s\"'<>()\[\]{}|\\^`]+")


@dataclass(frozen=True)
class Link:
    """A tracker's experiment, project, run or server, as a cell names it."""

    tracker: str
    what: str
    name: str | None
    """None where the name is computed while the notebook runs."""
    url: str | None
    cell: int


def find(cells: Sequence[Cell]) -> list[Link]:
    """Return what the cells name, each thing once, in the order of the cells."""
    found: dict[tuple[str, str, str | None, str | None], Link] = {}
    aliases: dict[str, str] = {}
    texts: dict[str, str] = {}
    for cell in cells:
        try:
            tree = ast.parse(cell.source)
        except (SyntaxError, ValueError, MemoryError, RecursionError):
            continue
        for node in ast.walk(tree):
            aliases |= _imported(node)
            texts |= _assigned(node)
        named = list(_links(tree, cell.number, aliases, texts))
        addresses = {link.url or link.name for link in named}
        named += [link for link in _addresses(tree, cell.number) if link.url not in addresses]
        for link in named:
            found.setdefault((link.tracker, link.what, link.name, link.url), link)
    return list(found.values())


def _links(
    tree: ast.AST, cell: int, aliases: Mapping[str, str], texts: Mapping[str, str]
) -> Iterator[Link]:
    for node in ast.walk(tree):
        name = _full_name(node.func, aliases) if isinstance(node, ast.Call) else None
        if not isinstance(node, ast.Call) or name not in CALLS:
            continue
        tracker, what, argument = CALLS[name]
        given = {word.arg: word.value for word in node.keywords if word.arg}
        if node.args and name in POSITIONAL:
            given.setdefault(argument, node.args[0])
        said = {key: _text(value, texts) for key, value in given.items()}
        value, url = said.get(argument), None
        if name == "wandb.init" and value and said.get("entity"):
            value = f"{said['entity']}/{value}"
            url = _public(f"https://wandb.ai/{value}")
        elif what == "tracking server" and value and "://" in value:
            url = _public(value)
            value = url or value.partition("://")[0]
        if value or name != "mlflow.start_run":  # most runs have no name
            yield Link(tracker, what, value, url, cell)


def _addresses(tree: ast.AST, cell: int) -> Iterator[Link]:
    """Yield the trackers' addresses in the cell's texts."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            for address in ADDRESS.findall(node.value):
                url = _public(address.rstrip(".,;:!?"))
                host = (urlsplit(url).hostname or "") if url else ""
                for tracker, looks in SITES.items():
                    if looks.search(host):
                        yield Link(tracker, "address", url, url, cell)


def _public(address: str) -> str | None:
    """Return a web address without user, password and query, which may hold a secret."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host or ":" in host:
        return None
    place = f"{host}:{port}" if port else host
    url = f"{parts.scheme}://{place}{parts.path}"
    return url if ADDRESS.fullmatch(url) else None


def _imported(node: ast.AST) -> dict[str, str]:
    """Map the names that an import binds to what they stand for."""
    if isinstance(node, ast.Import):
        return {a.asname: a.name for a in node.names if a.asname}
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
    return {}


def _assigned(node: ast.AST) -> dict[str, str]:
    """Map a name to the text that is written out for it."""
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
        text = node.value.value
        names = [target.id for target in node.targets if isinstance(target, ast.Name)]
        return dict.fromkeys(names, text) if isinstance(text, str) else {}
    return {}


def _full_name(node: ast.expr, aliases: Mapping[str, str]) -> str | None:
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    return ".".join([aliases.get(node.id, node.id), *reversed(parts)])


def _text(node: ast.expr, texts: Mapping[str, str]) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return texts.get(node.id) if isinstance(node, ast.Name) else None
