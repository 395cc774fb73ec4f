"""What of a machine a project needs: programs and their versions, a Python, two free ports."""

import json
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from . import uv
from .finding import OK, WARN, Finding, found

OF = "machine"
PATIENCE = 20
"""Seconds that a program may take to say its version."""
CLIENTS = {"aws": "aws", "gcp": "gcloud", "azure": "az", "kubernetes": "kubectl"}
"""The program of each cloud, by the beginning of its targets' names."""
VERSIONS = {
    "aws": ("aws", "--version"),
    "gcloud": ("gcloud", "version"),
    "az": ("az", "version", "--output", "tsv"),
    "kubectl": ("kubectl", "version", "--client"),
    "gh": ("gh", "--version"),
}
PORTS = {"API": 8000, "page": 8501}


def examine(minor: str | None, targets: Sequence[str], ci: str, project: Path) -> Iterator[Finding]:
    """Look at the machine.

    Args:
        minor: the project's Python, if there is a project.
        targets: where it is deployed.
        ci: ``github``, where the workflows are its.
        project: the folder whose own pair may have the ports.
    """
    git = answer("git", "--version")
    yield found(OF, "git", bool(git), version(git), "Install git; templates need it.")
    own = answer("uv", "--version")
    yield found(OF, "uv", bool(own), version(own), f"Install uv, or call {uv.typed()}.", WARN)
    yield from _containers()
    clients = {CLIENTS[target.partition("-")[0]] for target in targets if known(target)}
    if targets and ci == "github":
        clients.add("gh")
    for client in sorted(clients):
        yield _client(client)
    if minor:
        python = uv.python(minor)
        yield found(
            OF,
            "python",
            bool(python),
            str(python) if python else f"Python {minor} is not on this machine",
            f"uv downloads it when it is first needed: uv python install {minor}",
            WARN,
        )
    for name, port in PORTS.items():
        yield _port(name, port, project)


def known(target: str) -> bool:
    """Say whether a target is on a cloud whose program is known."""
    return target.partition("-")[0] in CLIENTS


def answer(*command: str) -> str:
    """Return what a program says, or nothing if it is not there, fails or takes too long."""
    if not shutil.which(command[0]):
        return ""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def version(said: str) -> str:
    """Return the first version in what a program said."""
    match = re.search(r"\d+(?:\.\d+)+", said)
    return match[0] if match else said.partition("\n")[0] or "is not there"


def _containers() -> Iterator[Finding]:
    """Look for Docker and Compose, without which only the containers do not run here."""
    client = answer("docker", "--version")
    engine = answer("docker", "version", "--format", "{{.Server.Version}}")
    if engine:
        yield Finding(OF, "docker", OK, engine)
    elif client:
        said = f"{version(client)}, but its engine does not answer"
        yield Finding(OF, "docker", WARN, said, "Start Docker, to run the containers here.")
    else:
        yield Finding(OF, "docker", WARN, "is not there", "Install it, to run the containers here.")
    compose = answer("docker", "compose", "version")
    cure = "Install Docker's Compose plugin, to run the containers here."
    yield found(OF, "compose", bool(compose), version(compose), cure, WARN)


def _client(name: str) -> Finding:
    said = answer(*VERSIONS[name])
    cure = f"Install {name}, to set up and deploy from this machine; CI has its own."
    if name == "aws" and said.startswith("aws-cli/1"):
        return Finding(OF, name, WARN, version(said), "Install version 2 of the AWS CLI.")
    return found(OF, name, bool(said), version(said), cure, WARN)


def _port(name: str, port: int, project: Path) -> Finding:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
    except OSError:
        return Finding(OF, "port", OK, f"{port} is free for the {name}")
    try:
        running = json.loads((project / ".run" / "addresses.json").read_text("utf-8")).values()
    except (OSError, ValueError, AttributeError):
        running = ()
    if any(str(address).endswith(f":{port}") for address in running):
        return Finding(OF, "port", OK, f"{port} is used by this project's own pair")
    cure = "poe up takes another one; for containers set API_PORT or UI_PORT."
    return Finding(OF, "port", WARN, f"{port}, for the {name}, is taken", cure)
