"""Start a generated service and compare what it answers over HTTP with what a witness says."""

import http.client
import json
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

START_SECONDS = 240
ASKED = 1000
"""Rows that are asked one at a time; of more, these many are drawn."""
TOGETHER = 100
"""Rows of one batch."""


class NotStarted(Exception):
    """The service ends, or does not become ready."""


@dataclass
class Compared:
    """How the answers compare: numbers of rows."""

    asked: int = 0
    wrong_alone: int = 0
    wrong_together: int = 0
    largest_difference: float = 0.0
    refused: dict[str, int] = field(default_factory=dict)
    """The rows that the service refuses, by its reason."""
    example: str = ""
    """The first wrong answer."""
    missing: list[str] = field(default_factory=list)
    """The inputs that the witness's rows do not have."""


@contextmanager
def serving(project: Path, log: Path) -> Iterator[http.client.HTTPConnection]:
    """Run a project's API on a free port.

    Raises:
        NotStarted: it does not come up.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    package = next(path.name for path in (project / "src").iterdir() if path.is_dir())
    python = project / ".venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    with log.open("w") as output:
        service = subprocess.Popen(
            [python, "-m", package],
            cwd=project,
            env={**os.environ, "PORT": str(port)},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
            _wait(service, connection, log)
            yield connection
            connection.close()
        finally:
            service.terminate()
            service.wait(60)


def _wait(
    service: subprocess.Popen[bytes], connection: http.client.HTTPConnection, log: Path
) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if service.poll() is not None:
            raise NotStarted(log.read_text("utf-8")[-300:])
        try:
            connection.request("GET", "/readyz")
            answer = connection.getresponse()
            answer.read()
            if answer.status == 200:
                return
        except OSError:
            connection.close()
        time.sleep(0.5)
    raise NotStarted("it was not ready in time")


def compare(
    connection: http.client.HTTPConnection,
    contract: Mapping[str, Any],
    witness: Mapping[str, Any],
    tolerance: float,
) -> Compared:
    """Ask for the witness's rows, each alone and all in batches."""
    names = list(contract["inputs"]["properties"])
    result = Compared(missing=[name for name in names if name not in witness["rows"][0]])
    chosen = list(range(len(witness["rows"])))
    if len(chosen) > ASKED:
        chosen = random.Random(1).sample(chosen, ASKED)  # noqa: S311 - rows to look at
    taken: list[int] = []
    instances = [{k: row[k] for k in names if k in row} for row in witness["rows"]]
    for row in chosen:
        status, answer = _post(connection, [instances[row]])
        result.asked += 1
        if status != 200:
            reason = _reason(status, answer)
            result.refused[reason] = result.refused.get(reason, 0) + 1
            continue
        taken.append(row)
        difference = _difference(answer["predictions"][0], witness, row, contract["outputs"])
        if difference <= tolerance:
            result.largest_difference = max(result.largest_difference, difference)
            continue
        result.wrong_alone += 1
        said = f"{answer['predictions'][0]}, but {witness['answers'][row]}: {instances[row]}"
        result.example = result.example or said
    for start in range(0, len(taken), TOGETHER):
        part = taken[start : start + TOGETHER]
        status, answer = _post(connection, [instances[row] for row in part])
        predictions = answer["predictions"] if status == 200 else [{}] * len(part)
        for row, prediction in zip(part, predictions, strict=True):
            wrong = _difference(prediction, witness, row, contract["outputs"]) > tolerance
            result.wrong_together += wrong
    return result


def _post(connection: http.client.HTTPConnection, instances: Sequence[Any]) -> tuple[int, Any]:
    body = json.dumps({"instances": instances})
    connection.request("POST", "/predict", body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def _reason(status: int, answer: Mapping[str, Any]) -> str:
    errors = answer.get("errors") or [{}]
    first = {key: value for key, value in errors[0].items() if key not in ("instance", "row")}
    return f"{status} {first or answer.get('detail')}"[:200]


def _difference(
    prediction: Mapping[str, Any],
    witness: Mapping[str, Any],
    row: int,
    outputs: Mapping[str, Any],
) -> float:
    """Return how far an answer is from the witness's; infinity for another label."""
    said = witness["answers"][row]
    if "value" in prediction:
        if said is None:
            return float("inf")
        return float(abs(prediction["value"] - said) / max(1.0, abs(said)))
    called = dict(zip(map(str, outputs.get("x-encoded", [])), outputs["labels"], strict=False))
    if "label" not in prediction or str(prediction["label"]) != str(called.get(str(said), said)):
        return float("inf")
    given = prediction.get("probabilities")
    if not given or not witness["probabilities"]:
        return 0.0
    pairs = zip(witness["classes"], witness["probabilities"][row], strict=True)
    try:
        apart = [abs(float(given[str(called.get(str(c), c))]) - p) for c, p in pairs]
        return float(max(apart))
    except KeyError as error:
        print(f"no probability of {error}", file=sys.stderr)
        return float("inf")
