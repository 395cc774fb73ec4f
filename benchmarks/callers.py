"""Callers of a service, many at a time in one thread: quick ones, slow ones, and what they got."""

import asyncio
import json
import socket
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from served import Project

HEAD = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
TOLERANCE = 1e-9
REFUSED, LOST, IDLE = -1, -2, -3
"""Outcomes that are no HTTP status: nobody listens; a request that was sent and not answered; one
that was sent on a used connection just while the service closed it, which HTTP clients repeat."""


@dataclass(frozen=True)
class Answer:
    """What came back for one request; ``status`` may be one of the three above."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    seconds: float = 0.0
    right: bool = True
    """Whether a 200 says what was recorded when the model was proven."""


class Line:
    """One connection, kept open between requests as clients do."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._wire: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: bytes) -> Answer:
        """Send one request and return its answer; never raise for what the service does."""
        begun = time.perf_counter()
        used = self._wire is not None
        try:
            reader, writer = self._wire or await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return Answer(REFUSED)
        self._wire = reader, writer
        head = b""
        try:
            writer.write(request)
            await writer.drain()
            head = await reader.readuntil(b"\r\n\r\n")
            first, *lines = head.decode("latin-1").split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in lines if line)
            body = await reader.readexactly(int(headers.get("content-length", 0)))
        except (OSError, EOFError):
            self.close()
            return Answer(IDLE if used and not head else LOST)
        if headers.get("connection") == "close":
            self.close()
        return Answer(int(first.split()[1]), headers, body, time.perf_counter() - begun)

    def close(self) -> None:
        """End the connection, if there is one."""
        if self._wire:
            self._wire[1].close()
        self._wire = None


class Rows:
    """The rows that a project's model is proven on, as requests of one row each."""

    def __init__(self, project: Project) -> None:
        rows = project.read("tests/parity/rows.json")
        self.instances = [row["instance"] for row in rows]
        self.requests = [post([instance]) for instance in self.instances]
        self._expected = [row["prediction"] for row in rows]
        self._next = 0

    async def ask(self, line: Line) -> Answer:
        """Ask the next row, and compare what is answered."""
        place = self._next = (self._next + 1) % len(self.requests)
        answer = await line.ask(self.requests[place])
        if answer.status != 200 or self.right(place, answer.body):
            return answer
        return Answer(200, answer.headers, answer.body, answer.seconds, right=False)

    def right(self, place: int, body: bytes) -> bool:
        """Say whether an answer is the recorded one."""
        (prediction,) = json.loads(body)["predictions"]
        return alike(prediction, self._expected[place])


def alike(one: Any, other: Any) -> bool:
    """Say whether two predictions have the same labels, and numbers within ``TOLERANCE``."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    if isinstance(one, float) and isinstance(other, int | float):
        return abs(one - other) <= TOLERANCE * max(1.0, abs(other))
    return bool(one == other)


def post(instances: Sequence[Any]) -> bytes:
    """Write one request for predictions."""
    body = json.dumps({"instances": instances}).encode()
    return HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body


def get(path: str) -> bytes:
    """Write one request for a path."""
    return b"GET " + path.encode() + b" HTTP/1.1\r\nHost: x\r\n\r\n"


async def keep_asking(
    port: int, rows: Rows, goes_on: Callable[[], bool], pause: float = 0.0
) -> list[Answer]:
    """Ask one row after the other on one connection, like one client; connect anew where cut."""
    line = Line(port)
    answers = []
    while goes_on():
        answers.append(await rows.ask(line))
        await asyncio.sleep(pause if answers[-1].status > 0 else max(pause, 0.02))
    line.close()
    return answers


async def offer(
    port: int, rows: Rows, rate: float, seconds: float, most: int = 1000
) -> tuple[list[Answer], int]:
    """Ask ``rate`` times a second, whether the earlier ones are answered or not.

    Returns:
        the answers, and how many requests were not sent because ``most`` waited already.
    """
    idle: list[Line] = []
    answers: list[Answer] = []
    asked: set[asyncio.Task[None]] = set()
    unsent = 0

    async def one() -> None:
        line = idle.pop() if idle else Line(port)
        answers.append(await rows.ask(line))
        idle.append(line)

    begun = time.perf_counter()
    sent = 0
    while (now := time.perf_counter() - begun) < seconds:
        for _ in range(int(now * rate) - sent):
            sent += 1
            if len(asked) >= most:
                unsent += 1
                continue
            task = asyncio.create_task(one())
            asked.add(task)
            task.add_done_callback(asked.discard)
        await asyncio.sleep(0.005)
    await asyncio.gather(*asked)
    for line in idle:
        line.close()
    return answers, unsent


async def hold(port: int, first: bytes, more: bytes, seconds: float, window: int = 0) -> float:
    """Be a slow caller; return the seconds after which the service let go, or ``seconds``.

    Args:
        port: where the service listens.
        first: what is sent at once.
        more: what follows each second.
        seconds: how long to hold on.
        window: bytes that the socket takes in, of which one is read each second; 0 reads all.
    """
    loop = asyncio.get_running_loop()
    wire = socket.socket()
    wire.setblocking(False)
    begun = time.perf_counter()
    if window:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
    try:
        await loop.sock_connect(wire, ("127.0.0.1", port))
        await loop.sock_sendall(wire, first)
        while (left := begun + seconds - time.perf_counter()) > 0:
            with suppress(TimeoutError):
                got = await asyncio.wait_for(
                    loop.sock_recv(wire, 1 if window else 65536), min(1.0, left)
                )
                if not got:
                    break
                if window:
                    await asyncio.sleep(1)
            if more:
                await loop.sock_sendall(wire, more)
    except OSError:
        pass
    finally:
        wire.close()
    return time.perf_counter() - begun


def percentile(values: Iterable[float], share: float) -> float:
    """Return the value below which a share of all lies; 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
