"""A project with inputs of every kind, asked by a program that knows nothing but its OpenAPI."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from conftest import MLSHIP, notebook_of

from mlship import uv

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
import endurance
import fuzzing
from fuzzing import KEY
from served import BOOKINGS, DIRECT, Project, write_bookings

CASES, SEED = 200, 1


@pytest.fixture(scope="module")
def project(science: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Numbers, integers and nullable ones, days, moments, booleans, a category with holes, text."""
    folder = tmp_path_factory.mktemp("service")
    write_bookings(folder / "bookings.csv")
    (folder / "Bookings.ipynb").write_text(json.dumps(notebook_of(BOOKINGS)))
    command = ["new", "bookings", "-n", "Bookings.ipynb", "--python", str(science), "--defaults"]
    made = subprocess.run(
        [*MLSHIP, *command, "--no-git"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stderr
    return folder / "bookings"


@pytest.fixture(scope="module")
def address(project: Path) -> Iterator[str]:
    """The project's service, with a key."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {"PORT": str(port), "API_KEYS": sha256(KEY.encode()).hexdigest()}
    log = project / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [project / ".venv/bin/python", "-m", "bookings"],
            cwd=project,
            env=os.environ | settings,
            stderr=output,
        )
    try:
        for _ in range(600):
            assert process.poll() is None, log.read_text()
            try:
                DIRECT.open(f"http://127.0.0.1:{port}/readyz", timeout=2).close()
                break
            except OSError:
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        assert process.wait(timeout=30) == 0
    said = [json.loads(line) for line in log.read_text().splitlines()]
    assert not [line for line in said if line["severity"] == "ERROR"]


@pytest.mark.slow
def test_contract_has_inputs_of_every_kind(project: Path) -> None:
    signature = json.loads((project / "model/signature.json").read_text())
    assert signature["level"] == "raw"
    properties = signature["inputs"]["properties"]
    assert {
        name: (schema["type"], schema.get("format") or schema.get("enum"))
        for name, schema in properties.items()
    } == {
        "Price (EUR)": (["number", "null"], None),
        "Children": (["integer", "null"], None),
        "nights": ("integer", None),
        "day": ("string", "date"),
        "asked at": ("string", "date-time"),
        "member": ("boolean", None),
        "Board": (["string", "null"], ["full", "half", "none", None]),
        "wish": ("string", None),
    }


@pytest.mark.slow
def test_project_passes_its_own_tests(project: Path) -> None:
    """Among them the whole catalogue of what callers send, for inputs of every kind."""
    uv.run(["run", "pytest", "-q"], cwd=project)


@pytest.mark.slow
def test_a_date_that_pandas_cannot_hold_is_named(address: str, project: Path) -> None:
    body = json.loads((project / "model/example.json").read_text())
    body["instances"][0]["day"] = "3754-07-11"
    asked = urllib.request.Request(
        f"{address}/predict",
        json.dumps(body).encode(),
        {"Content-Type": "application/json", "X-API-Key": KEY},
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        DIRECT.open(asked)
    assert refused.value.code == 422
    assert [error["field"] for error in json.load(refused.value)["errors"]] == ["day"]


@pytest.mark.slow
def test_a_collector_that_does_not_answer_holds_nothing_up(project: Path, tmp_path: Path) -> None:
    figures = asyncio.run(endurance.traced(Project(project), tmp_path))
    assert not [figure for figure in figures if not figure.good]


@pytest.mark.slow
def test_schemathesis_finds_nothing(address: str, tmp_path: Path) -> None:
    found = fuzzing.run(address, tmp_path, CASES, SEED)
    assert found.returncode == 0, found.stdout
    assert "No issues found" in found.stdout
