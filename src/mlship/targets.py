"""What would fail at a target, as far as the project's own files tell; nobody is asked."""

import json
import platform
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .finding import OK, WARN, Finding, found
from .machine import answer

DEFAULTS = {"api": 8000, "ui": 8501}
"""Where the images listen if nobody sets PORT."""
HEALTHS = {"/livez", "/readyz", "/_stcore/health"}
GIVEN = ("gcp-app-engine", "gcp-cloud-run")
"""Platforms that set PORT to the port that they ask."""
LARGE = 2_000_000_000
"""Bytes of an image from which a start takes long."""
CONFIGS = {".yaml", ".yml", ".config", ".bicep"}


@dataclass(frozen=True)
class Need:
    """Something that a target's files must say."""

    name: str
    pattern: str
    said: str
    cure: str


@dataclass(frozen=True)
class Affinity:
    """How a target says to how many replicas of the page a visitor may come, and to which."""

    replicas: str
    sticky: str | None = None


NEEDS: dict[str, tuple[Need, ...]] = {
    "aws-eb": (
        Need(
            "websocket",
            r"LoadBalancerType:\W*application",
            "an application balancer passes it on",
            "LoadBalancerType must be application.",
        ),
    ),
    "gcp-app-engine": (
        Need(
            "websocket",
            r"env:\W*flex",
            "the flexible environment passes it on",
            "env must be flex: the standard environment has no websockets.",
        ),
    ),
    "gcp-cloud-run": (
        Need(
            "websocket",
            r"timeoutSeconds:\W*3600",
            "open for an hour",
            "Set timeoutSeconds: 3600 in ui.yaml: a page's websocket is one request.",
        ),
    ),
    "azure-app-service": (
        Need(
            "websocket",
            r"webSocketsEnabled:\W*true",
            "switched on",
            "Set webSocketsEnabled: true for the page, which stays empty without.",
        ),
    ),
    "kubernetes": (
        Need(
            "user",
            r"runAsNonRoot:\W*true",
            "no root, as the cluster may want it",
            "Set runAsNonRoot: true.",
        ),
    ),
}
AFFINITY = {
    "aws-eb": Affinity(r"MaxSize:\W*(\d+)", r"StickinessEnabled:\W*true"),
    "aws-ecs": Affinity(r"\bUi:.*?MaxTaskCount:\W*(\d+)"),
    "gcp-app-engine": Affinity(r"(?<!min_num_)instances:\W*(\d+)"),
    "gcp-cloud-run": Affinity(r"maxScale:\W*(\d+)"),
    "azure-app-service": Affinity(r"capacity:\W*(\d+)", r"clientAffinityEnabled:\W*true"),
    "azure-container-apps": Affinity(r"resource ui .*?maxReplicas:\W*(\d+)", r"affinity:\W*sticky"),
    "kubernetes": Affinity(r"\breplicas:\W*(\d+)"),
}


def examine(project: Path, target: str, ci: str) -> Iterator[Finding]:
    """Look at the files of one target."""
    folder = project / "deploy" / target
    if not folder.is_dir():
        cure = f"uvx copier update, or copy it from another project; or take {target} out."
        yield found(target, "folder", False, f"deploy/{target} is missing", cure)
        return
    text, page = _text(folder), _text(folder, "ui.yaml") or _text(folder)
    asked = set(re.findall(r"(?i)(?:\bhealth\w*path|\bpath)['\"]?:\W*?(/[\w/-]+)", text))
    wrong = sorted(asked - HEALTHS)
    missing = [] if "/_stcore/health" in text else ["/_stcore/health"]
    missing += [] if {"/livez", "/readyz"} & asked else ["/livez or /readyz"]
    yield found(
        target,
        "health",
        not (wrong or missing),
        ", ".join([f"{path} is not answered" for path in wrong] or missing or sorted(asked)),
        "The API is well at /livez and /readyz, the page at /_stcore/health.",
    )
    yield _ports(target, text)
    for need in NEEDS.get(target, ()):
        well = bool(re.search(need.pattern, page))
        yield found(target, need.name, well, need.said if well else "not as it must be", need.cure)
    yield from _affinity(target, page)
    everything = text + "".join(path.read_text("utf-8") for path in folder.glob("deploy.sh"))
    keyed = "API_KEYS" in everything
    said = "set from a secret" if keyed else "API_KEYS is not set: whoever finds it may ask"
    yield found(target, "key", keyed, said, "Set API_KEYS, as deploy/*/README.md shows.")
    if ci == "github":
        there = (project / ".github" / "workflows" / "deploy.yml").is_file()
        said = "deploy.yml is there" if there else "deploy.yml is missing"
        yield found(target, "workflow", there, said, "uvx copier update")


def images(project: Path, slug: str) -> Iterator[Finding]:
    """Look at the Dockerfiles and, where they are built on this machine, at the images."""
    for part, port in DEFAULTS.items():
        path = project / "docker" / f"{part}.Dockerfile"
        if not path.is_file():
            cure = "uvx copier update, or restore it from git."
            yield found("images", part, False, f"docker/{path.name} is missing", cure)
            continue
        text = path.read_text("utf-8")
        last = text[text.rindex("FROM ") :] if "FROM " in text else text
        users = re.findall(r"^USER\s+(\S+)", last, re.MULTILINE)
        numeric = bool(users) and users[-1].partition(":")[0].isdigit()
        well = numeric and int(users[-1].partition(":")[0]) > 0
        said = f"{part}: {users[-1] if users else 'root'}"
        yield found("images", "user", well, said, "End with a USER that is a number, not 0.")
        fixed = re.search(r"--(?:server\.)?port[= \",]+\d", last)
        well = not fixed and bool(re.search(rf"\bPORT={port}\b", last))
        said = f"{part}: PORT, else {port}" if well else f"{part}: PORT does not decide"
        yield found("images", "port", well, said, f"Listen on $PORT, {port} by default.")
        yield from _built(part, f"{slug}-{part}")


def _built(part: str, name: str) -> Iterator[Finding]:
    described = answer("docker", "image", "inspect", name)
    if not described:
        machine = platform.machine().lower()
        if machine not in ("x86_64", "amd64"):
            cure = "Let CI build what is deployed, or build with --platform linux/amd64."
            yield Finding("images", "arch", WARN, f"{part} would be built for {machine}", cure)
        return
    image = json.loads(described)[0]
    arch = image["Architecture"]
    cure = "Targets run amd64: let CI build what is deployed, or use --platform linux/amd64."
    yield found("images", "arch", arch == "amd64", f"{part}: {arch}", cure)
    size = image["Size"]
    cure = "Each start pulls it; leave out of the page and the service what they do not need."
    yield found("images", "size", size < LARGE, f"{part}: {size / 1e6:.0f} MB", cure, WARN)


def _ports(target: str, text: str) -> Finding:
    """Compare the ports that a platform asks with those on which the images listen."""
    declared = re.findall(r"(?i)(?:containerPort|targetPort)\W+(\d+)|\"\d+:(\d+)\"", text)
    asked = {int(one or other) for one, other in declared}
    if target in GIVEN:
        return Finding(target, "port", OK, "PORT, which the platform sets")
    listening = {int(port) for port in re.findall(r"\bPORT\W+value\W+(\d+)", text)}
    wrong = sorted(asked - (listening or set(DEFAULTS.values())))
    said = ", ".join(map(str, wrong or sorted(asked)))
    return found(
        target,
        "port",
        bool(asked) and not wrong,
        f"{said}: nothing listens there" if wrong else said or "none is named",
        "Ask 8000 of the API and 8501 of the page, or set PORT.",
    )


def _affinity(target: str, page: str) -> Iterator[Finding]:
    """A visitor's state lives in one process of the page, so each request must find it."""
    known = AFFINITY.get(target)
    if not known:
        return
    if known.sticky and re.search(known.sticky, page):
        yield Finding(target, "affinity", OK, "a visitor stays with one replica")
        return
    replicas = re.search(known.replicas, page, re.DOTALL)
    if not replicas:
        cure = "See to it that one replica of the page runs, or that visitors stay with theirs."
        yield Finding(target, "affinity", WARN, "how many replicas run is not said", cure)
        return
    count = int(replicas[1])
    said = f"{count} replica{'s' * (count != 1)} of the page at most"
    cure = "Visitors lose their page when they come to another one: " + (
        "switch stickiness on." if known.sticky else "run one."
    )
    yield found(target, "affinity", count <= 1, said, cure)


def _text(folder: Path, name: str | None = None) -> str:
    """Return a target's configuration, or one file of it, without comments."""
    parts = []
    for path in sorted(folder.rglob(name or "*")):
        if path.suffix in CONFIGS and path.stem not in ("setup", "action"):
            parts.append(re.sub(r"(?m)(?:^|\s)(?:#|//).*$", "", path.read_text("utf-8")))
    return "\n".join(parts)
