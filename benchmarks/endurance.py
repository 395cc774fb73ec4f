"""Put the service, as it ships, through what happens to services, and say how it stood.

    poe endure [SCENARIO]... [--minutes 10] [--callers 200] [--home FOLDER]
        [--json FILE] [--slack 1]

It makes real projects by `mlship new`, starts their service as the image does, and prints a line
for each figure, with what is allowed. It ends with 1 if one is beyond that. Without a name, every
scenario runs; see README.md beside this file. Linux only.
"""

import argparse
import asyncio
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import cases
import served
from callers import (
    HEAD,
    IDLE,
    LOST,
    REFUSED,
    Answer,
    Line,
    Rows,
    get,
    hold,
    keep_asking,
    offer,
    percentile,
    post,
)
from rich.console import Console
from rich.table import Table
from served import Project, Service, serving

from mlship import uv

TREES = 200
"""A forest that takes some 10 ms for one row, as slow models do."""
READ_TIMEOUT, KEEP_ALIVE, WAITING, STOP_DELAY, STOP_TIMEOUT = 20, 75, 32, 1, 25
"""The service's own defaults, in seconds and in requests."""
TELEMETRY = ("opentelemetry-sdk>=1.44", "opentelemetry-exporter-otlp-proto-http>=1.44")
"""What ``fastapi[opentelemetry]`` adds."""
slack = 1.0
"""How many times slower than alone this machine is; ``--slack`` says."""
TIMES = 7
"""How many times its capacity the service is offered."""


@dataclass(frozen=True)
class Figure:
    """One thing that was measured."""

    what: str
    measured: str
    allowed: str
    good: bool


@dataclass(frozen=True)
class Bench:
    """Where scenarios work, and how much of each."""

    home: Path
    scratch: Path
    callers: int
    minutes: float

    def flowers(self) -> Project:
        """The project that `mlship new` makes without a notebook; it answers in a millisecond."""
        return served.make("flowers", self.home)

    def flowers_anew(self) -> Project:
        """The same, fitted with another strength, so that it answers otherwise."""
        cells = [cell.replace("max_iter=1000", "C=0.1") for cell in cases.example(self.home)]
        return served.make("flowers2", self.home, cells)

    def forest(self) -> Project:
        """A project whose model is slow."""
        cells = [cell.replace("{trees}", str(TREES)) for cell in served.FOREST]
        return served.make(f"forest{TREES}", self.home, cells)


def in_time(what: str, value: float, most: float) -> Figure:
    """Make a figure of seconds that is good up to a bound, on a machine that does nothing else."""
    return at_most(what, value, most * slack, " s")


def at_most(what: str, value: float, most: float, unit: str = "") -> Figure:
    """Make a figure that is good up to a bound."""
    return Figure(what, f"{value:.4g}{unit}", f"<= {most:.4g}{unit}", value <= most)


def equal(what: str, value: object, expected: object) -> Figure:
    """Make a figure that is good if it is exactly this."""
    return Figure(what, str(value), str(expected), value == expected)


def told(what: str, value: str) -> Figure:
    """Make a figure that nothing is expected of."""
    return Figure(what, value, "", True)


def counted(answers: Sequence[Answer]) -> str:
    """Say how many answers had which status."""
    names = {REFUSED: "refused", LOST: "lost", IDLE: "closed while idle"}
    found = Counter(answer.status for answer in answers)
    return ", ".join(f"{names.get(status, status)}: {n}" for status, n in sorted(found.items()))


def wrong(answers: Sequence[Answer]) -> int:
    """Count the answers that say something else than was recorded."""
    return sum(not answer.right for answer in answers)


def seconds(answers: Sequence[Answer], status: int = 200) -> list[float]:
    """Return how long the answers of a status took."""
    return [answer.seconds for answer in answers if answer.status == status]


async def slow(bench: Bench) -> list[Figure]:
    """Slow clients of each kind hold on to the service, and good ones ask beside them."""
    project = bench.flowers()
    rows = Rows(project)
    kinds: dict[str, tuple[bytes, bytes, int, float]] = {
        "no request": (b"", b"", 0, READ_TIMEOUT),
        "slow headers": (b"GET /livez HTTP/1.1\r\n", b"X-A: b\r\n", 0, READ_TIMEOUT),
        "slow body": (HEAD + b"Content-Length: 1000\r\n\r\n{", b" ", 0, READ_TIMEOUT),
        "slow chunks": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n", 0,
                        READ_TIMEOUT),
        "idle after an answer": (get("/model"), b"", 0, KEEP_ALIVE),
        "slow reader": (get("/openapi.json") * 10, b"", 2048, 2 * READ_TIMEOUT),
    }  # fmt: skip
    figures = []
    with serving(project, bench.scratch) as service:
        for kind, (first, more, window, deadline) in kinds.items():
            await some(service.port, rows, 20)
            memory, descriptors = service.memory(), service.descriptors()
            length = deadline + 10
            held = asyncio.gather(
                *(hold(service.port, first, more, length, window) for _ in range(bench.callers))
            )
            goes_on = until(held)
            good = asyncio.create_task(keep_asking(service.port, rows, goes_on, 0.05))
            alive = asyncio.create_task(probe(service.port, "/livez", goes_on))
            at_once = 0
            while not held.done():
                at_once = max(at_once, service.descriptors() - descriptors)
                await asyncio.sleep(0.2)
            let_go, answers, probes = await held, await good, await alive
            await asyncio.sleep(1)
            left, grown = service.descriptors() - descriptors, service.memory() - memory
            found = crowded(bench, at_once, answers, probes, left, grown)
            if not window:  # what is answered is the network's to deliver: no deadline holds
                found.append(in_time("last let go", max(let_go), deadline + 2))
            figures += [replace(figure, what=f"{kind}: {figure.what}") for figure in found]
    return figures


def crowded(
    bench: Bench,
    at_once: int,
    answers: Sequence[Answer],
    probes: Sequence[Answer],
    left: int,
    grown: float,
) -> list[Figure]:
    """Say how good callers were answered beside slow ones, and what these left behind.

    Args:
        bench: how many slow ones there were.
        at_once: connections that the service held.
        answers: what good callers got.
        probes: what ``/livez`` answered.
        left: descriptors that are open after all have gone.
        grown: memory in MB that was taken.
    """
    enough = 0.95 * bench.callers
    return [
        Figure("held at once", str(at_once), f">= {enough:g}", at_once >= enough),
        equal("good callers beside", counted(answers), f"200: {len(answers)}"),
        equal("wrong answers", wrong(answers), 0),
        in_time("p99 of good", percentile(seconds(answers), 0.99), 1),
        equal("/livez", counted(probes), f"200: {len(probes)}"),
        in_time("slowest /livez", max(seconds(probes)), 1),
        at_most("descriptors left", left, 5),
        at_most("memory grew", grown, 60, " MB"),
    ]


async def overload(bench: Bench) -> list[Figure]:
    """Seven times as much is asked as can be answered, of a slow model and of a quick one."""
    figures = []
    for project, most in ((bench.forest(), 1000), (bench.flowers(), 300)):
        rows = Rows(project)
        with serving(project, bench.scratch) as service:
            name = project.package
            goes_on = lasting(6)
            ways = (keep_asking(service.port, rows, goes_on) for _ in range(4))
            alone = [answer for answers in await asyncio.gather(*ways) for answer in answers]
            capacity = len(alone) / 6
            one = 1 / capacity
            memory, descriptors = service.memory(), service.descriptors()
            goes_on = lasting(20)
            alive = asyncio.create_task(probe(service.port, "/livez", goes_on))
            begun = time.perf_counter()
            answers, unsent = await offer(service.port, rows, TIMES * capacity, 20, most)
            took = time.perf_counter() - begun
            probes = await alive
            grown = service.memory() - memory
            after = await Line(service.port).ask(rows.requests[0])
            await asyncio.sleep(1)
            full = [answer for answer in answers if answer.status == 503]
            unsaid = sum("retry-after" not in answer.headers for answer in full)
            rate = len(seconds(answers)) / took
            figures += [
                told(f"{name}: capacity", f"{capacity:.4g} /s"),
                told(f"{name}: offered for 20 s", f"{len(answers) / 20:.4g} /s, unsent {unsent}"),
                told(f"{name}: answers", counted(answers)),
                equal(f"{name}: other than 200, 503", sorted({a.status for a in answers}
                      - {200, 503}), []),
                equal(f"{name}: 503 without Retry-After", unsaid, 0),
                equal(f"{name}: wrong answers", wrong(answers), 0),
                Figure(f"{name}: answered", f"{rate:.4g} /s", f">= {0.5 * capacity:.4g} /s",
                       rate >= 0.5 * capacity),
                in_time(f"{name}: p99 of 200", percentile(seconds(answers), 0.99),
                        (WAITING + 3) * one * 2 + 1),
                told(f"{name}: p99 of 503", f"{percentile(seconds(answers, 503), 0.99):.3g} s"),
                equal(f"{name}: /livez", counted(probes), f"200: {len(probes)}"),
                in_time(f"{name}: p99 of /livez", percentile(seconds(probes), 0.99), 1.0),
                at_most(f"{name}: memory grew", grown, 40, " MB"),
                at_most(f"{name}: descriptors left", service.descriptors() - descriptors,
                        most),
                equal(f"{name}: asked afterwards", after.status, 200),
            ]  # fmt: skip
    return figures


async def stop(bench: Bench) -> list[Figure]:
    """SIGTERM comes while 20 clients are answered, with and without a pause between requests."""
    figures = []
    for pause, name in ((0.0, "clients without a pause"), (0.3, "clients that pause")):
        figures += [
            replace(figure, what=f"{name}: {figure.what}") for figure in await stopped(bench, pause)
        ]
    return figures


async def stopped(bench: Bench, pause: float) -> list[Figure]:
    """Ask by 20 clients, send SIGTERM, and ask on until nobody listens."""
    project = bench.forest()
    rows = Rows(project)
    over = threading.Event()

    def goes_on() -> bool:
        return not over.is_set()

    with serving(project, bench.scratch) as service:
        clients = [
            asyncio.create_task(keep_asking(service.port, rows, goes_on, pause)) for _ in range(20)
        ]
        await asyncio.sleep(2)
        readiness = asyncio.create_task(probe(service.port, "/readyz", goes_on, 0.02))
        await asyncio.sleep(0.5)
        begun = time.perf_counter()
        os.kill(service.pid, signal.SIGTERM)
        code = await asyncio.to_thread(service.ended)
        took = time.perf_counter() - begun
        over.set()
        answers = [answer for each in await asyncio.gather(*clients) for answer in each]
        said = [answer.status for answer in await readiness]
    changed = [status for status in said if status != 200]
    return [
        told("answers", counted(answers)),
        equal("lost", sum(answer.status == LOST for answer in answers), 0),
        equal("closed while idle", sum(answer.status == IDLE for answer in answers), 0),
        equal("answers that failed", sum(answer.status >= 500 for answer in answers), 0),
        equal("wrong answers", wrong(answers), 0),
        equal("/readyz turned first", changed[:1], [503]),
        equal("exit code", code, 0),
        in_time("ended after", took, STOP_DELAY + 5),
    ]


async def killed(bench: Bench) -> list[Figure]:
    """A supervisor starts the service again when kill -9 ends it, three times."""
    project = bench.flowers()
    rows = Rows(project)
    service = Service(project, bench.scratch / "killed.log", port=served.free_port())
    over = threading.Event()
    codes: list[int] = []

    def supervise() -> None:
        while not over.is_set():
            service.launch()
            assert service.process  # noqa: S101 - narrows the type
            codes.append(service.process.wait())

    supervisor = threading.Thread(target=supervise)
    supervisor.start()
    while service.process is None:
        await asyncio.sleep(0.05)
    await asyncio.to_thread(service.wait)
    gaps = []
    answers: list[Answer] = []
    line = Line(service.port)
    for _ in range(3):
        answers += await keep_asking(service.port, rows, lasting(2))
        os.kill(service.pid, signal.SIGKILL)
        begun = time.perf_counter()
        while True:
            answers.append(await rows.ask(line))
            if answers[-1].status == 200 and answers[-1].right:
                break
            await asyncio.sleep(0.02)
        gaps.append(time.perf_counter() - begun)
    over.set()
    service.process.terminate()
    await asyncio.to_thread(supervisor.join, 60)
    failed = {answer.status for answer in answers} - {200, REFUSED, LOST, IDLE}
    return [
        told("answers", counted(answers)),
        equal("wrong answers", wrong(answers), 0),
        equal("failures but of the connection", sorted(failed), []),
        in_time("longest until the next right answer", max(gaps), 15),
        equal("exit codes", codes, [-9, -9, -9, 0]),
    ]


FULL = 'mount -t tmpfs -o size=64k tmpfs "$0" && exec "$@" 2>"$0/log"'
READ_ONLY = 'mount -o remount,bind,ro / && ! touch "$0" 2>/dev/null && exec "$@"'
NAMESPACE = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
"""A command in mounts of its own, which end with it; the first argument behind is the script."""


async def full_disk(bench: Bench) -> list[Figure]:
    """The disk of the log and of temporary files is full after some 300 requests."""
    project = bench.flowers()
    rows = Rows(project)
    disk = bench.scratch / "disk"
    disk.mkdir()
    with serving(
        project, bench.scratch, [*NAMESPACE, FULL, str(disk)], TMPDIR=str(disk)
    ) as service:
        answers = await some(service.port, rows, 1000)
        left = Path(f"/proc/{service.pid}/root{disk}/log").stat().st_size
        metrics = await Line(service.port).ask(get("/metrics"))
        lost = [
            float(line.split()[1])
            for line in metrics.body.decode().splitlines()
            if line.startswith("log_lines_lost")
        ]
        code = service.stop()
    return [
        told("log", f"{left} bytes of 65536"),
        equal("answers", counted(answers), "200: 1000"),
        equal("wrong answers", wrong(answers), 0),
        Figure("lines lost, as /metrics says", str(lost), "> 500", bool(lost) and lost[0] > 500),
        equal("exit code", code, 0),
    ]


async def read_only(bench: Bench) -> list[Figure]:
    """Nothing can be written anywhere, and there is no home."""
    project = bench.flowers()
    rows = Rows(project)
    wrapped = [*NAMESPACE, READ_ONLY, str(bench.scratch / "probe")]
    with serving(project, bench.scratch, wrapped, HOME="/nonexistent") as service:
        answers = await some(service.port, rows, 500)
        code = service.stop()
    return [
        equal("answers", counted(answers), "200: 500"),
        equal("wrong answers", wrong(answers), 0),
        equal("exit code", code, 0),
    ]


async def collector(bench: Bench) -> list[Figure]:
    """Traces go to a collector that takes connections and never answers."""
    return await traced(bench.flowers(), bench.scratch)


async def traced(project: Project, scratch: Path) -> list[Figure]:
    """Ask 100 rows of a service whose traces nobody takes."""
    packages = scratch / "telemetry"
    into = ["--python", str(project.python), "--target", str(packages)]
    uv.run(["pip", "install", *into, *TELEMETRY])
    rows = Rows(project)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings = {
            "PYTHONPATH": str(packages),
            "FASTAPI_OTEL_AUTO_CONFIGURE": "true",
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{silent.getsockname()[1]}",
            "OTEL_EXPORTER_OTLP_TIMEOUT": "2",  # as docs/running.md has it
        }
        with serving(project, scratch, **settings) as service:
            answers = await some(service.port, rows, 100)
            await asyncio.sleep(6)  # by then it has tried to hand over the first traces
            answers += await some(service.port, rows, 20)
            begun = time.perf_counter()
            code = await asyncio.to_thread(service.stop)
            took = time.perf_counter() - begun
        silent.settimeout(0)
        try:
            silent.accept()[0].close()
            tried = True
        except BlockingIOError:
            tried = False
    return [
        equal("traces were sent", tried, True),
        equal("answers", counted(answers), f"200: {len(answers)}"),
        equal("wrong answers", wrong(answers), 0),
        in_time("slowest answer", max(seconds(answers)), 1),
        equal("exit code", code, 0),
        in_time("ended after", took, STOP_DELAY + 10),
    ]


PAGE = """
import json
import time
from streamlit.testing.v1 import AppTest
page = AppTest.from_file("app.py", default_timeout=300).run()
said, notes, failed = [], [], []
for _ in range(8):
    time.sleep(1.5)  # longer than the service keeps the connection
    next(button for button in page.button if button.label == "Predict").click()
    page.run()
    said += [caption.value for caption in page.caption if ", version " in caption.value][:1]
    notes += [info.value for info in page.info]
    failed += [error.value for error in page.exception]
print(json.dumps({"versions": said, "notes": notes, "failed": failed}))
"""


async def replicas(bench: Bench) -> list[Figure]:
    """Two models of the same name answer in turn behind one address, as while one is replaced."""
    one, other = bench.flowers(), bench.flowers_anew()
    rows = Rows(one)
    with (
        serving(one, bench.scratch, KEEP_ALIVE="1") as first,
        serving(other, bench.scratch, KEEP_ALIVE="1") as second,
    ):
        known: dict[str, list[Any]] = {}
        for service in (first, second):
            version = service.project.read("model/signature.json")["artifact"]["sha256"][:12]
            known[version] = [
                json.loads(answer.body)["predictions"]
                for answer in await some(service.port, rows, 50)
            ]
        ports = itertools.cycle((first.port, second.port))

        async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            """Hand each connection to the other replica than the one before."""
            back, forth = await asyncio.open_connection("127.0.0.1", next(ports))
            await asyncio.gather(pump(reader, forth), pump(back, writer))

        balancer = await asyncio.start_server(pass_on, "127.0.0.1", 0)
        port = balancer.sockets[0].getsockname()[1]
        seen: Counter[str] = Counter()
        foreign = 0
        for place in range(100):
            (answer,) = await some(port, rows, 1)
            said = json.loads(answer.body)
            seen[said["model"]["version"]] += 1
            foreign += said["predictions"] != known[said["model"]["version"]][place % 50]
        page = await asyncio.to_thread(open_page, one, port)
        balancer.close()
    changed = [note for note in page["notes"] if "has changed" in note]
    versions = len(set(page["versions"]))
    return [
        equal("versions that answered", sorted(seen), sorted(known)),
        equal("answers of another model than they name", foreign, 0),
        equal("the page's failures", page["failed"], []),
        equal("versions that the page showed", versions, 2),
        Figure("times that it told of the other", str(len(changed)), ">= 1", len(changed) >= 1),
    ]


def open_page(project: Project, port: int) -> Any:
    """Run the project's page without a browser, against a port; return what ``PAGE`` prints."""
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    ran = subprocess.run(
        ["uv", "run", "--quiet", "--directory", "ui", "python", "-c", PAGE],
        cwd=project.folder,
        env=environment | {"API_URL": f"http://127.0.0.1:{port}", "NO_PROXY": "127.0.0.1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        raise RuntimeError(ran.stderr)
    return json.loads(ran.stdout)


async def soak(bench: Bench) -> list[Figure]:
    """Four clients ask for minutes, of ten requests one that is refused; nothing may grow."""
    project = bench.flowers()
    rows = Rows(project)
    bad = [post([]), post([{"a": 1}]), HEAD + b"Content-Length: 1\r\n\r\n{", get("/nothing")]
    with serving(project, bench.scratch) as service:
        goes_on = lasting(60 * bench.minutes)
        good = [asyncio.create_task(keep_asking(service.port, rows, goes_on, 0.02))
                for _ in range(4)]  # fmt: skip
        refused: list[Answer] = []
        samples: list[tuple[float, int, float]] = []
        line = Line(service.port)
        began = minute = time.monotonic()
        while goes_on():
            refused.append(await line.ask(bad[len(refused) % len(bad)]))
            await asyncio.sleep(0.05)
            if time.monotonic() - minute >= 60:
                minute = time.monotonic()
                samples.append((service.memory(), service.descriptors(), minute - began))
                print(f"{samples[-1][2] / 60:.0f} min: {samples[-1][0]:.1f} MB, "
                      f"{samples[-1][1]} descriptors", flush=True)  # fmt: skip
        answers = [answer for each in await asyncio.gather(*good) for answer in each]
        line.close()
        code = service.stop()
    fifth = len(answers) // 5
    memories = [memory for memory, _, _ in samples[min(2, len(samples) - 1) :]]
    descriptors = [number for _, number, _ in samples]
    early, late = (percentile([a.seconds for a in part], 0.99)
                   for part in (answers[:fifth], answers[-fifth:]))  # fmt: skip
    statuses = Counter(answer.status for answer in refused)
    return [
        told("asked", f"{len(answers)} rows, {len(refused)} bad requests, {bench.minutes:g} min"),
        equal("answers", counted(answers), f"200: {len(answers)}"),
        equal("wrong answers", wrong(answers), 0),
        told("bad requests", str(dict(sorted(statuses.items())))),
        equal("bad requests with 5xx or none", sum(not 400 <= s < 500 for s in statuses), 0),
        at_most("memory after the 3rd minute grew", max(memories) - memories[0], 20, " MB"),
        told("memory", f"{memories[0]:.1f} to {memories[-1]:.1f} MB"),
        at_most("descriptors differ by", max(descriptors) - min(descriptors), 5),
        at_most("p99, last fifth to first", late / early, 2),
        told("p50, p99", " ".join(f"{1000 * percentile(seconds(answers), share):.3g} ms"
                                  for share in (0.5, 0.99))),
        equal("exit code", code, 0),
    ]  # fmt: skip


async def some(port: int, rows: Rows, number: int) -> list[Answer]:
    """Ask this many rows one after the other."""
    left = iter(range(number))
    return await keep_asking(port, rows, lambda: next(left, None) is not None)


async def probe(
    port: int, path: str, goes_on: Callable[[], bool], pause: float = 0.1
) -> list[Answer]:
    """Ask a path again and again, each time on a new connection, as load balancers do."""
    answers = []
    while goes_on():
        line = Line(port)
        answers.append(await line.ask(get(path)))
        line.close()
        await asyncio.sleep(pause)
    return answers


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass bytes on until there are no more."""
    try:
        while part := await reader.read(65536):
            writer.write(part)
            await writer.drain()
    except OSError:
        pass
    writer.close()


def until(done: "asyncio.Future[Any]") -> Callable[[], bool]:
    """Return what says that it goes on until something is done."""
    return lambda: not done.done()


def lasting(length: float) -> Callable[[], bool]:
    """Return what says for so many seconds that it goes on."""
    end = time.monotonic() + length
    return lambda: time.monotonic() < end


SCENARIOS: Mapping[str, Callable[[Bench], Coroutine[Any, Any, list[Figure]]]] = {
    "slow": slow,
    "overload": overload,
    "stop": stop,
    "killed": killed,
    "full-disk": full_disk,
    "read-only": read_only,
    "collector": collector,
    "replicas": replicas,
    "soak": soak,
}


def main() -> None:
    """Run the scenarios and print what they measured."""
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("scenarios", nargs="*", choices=[[], *SCENARIOS], metavar="SCENARIO")
    parser.add_argument("--minutes", type=float, default=10, help="how long the soak lasts")
    parser.add_argument("--callers", type=int, default=200, help="slow clients of each kind")
    parser.add_argument("--slack", type=float, default=1, help="how many times slower it may be")
    parser.add_argument("--home", type=Path, help="where projects are made, and kept")
    parser.add_argument("--json", type=Path, help="a file for the figures")
    options = parser.parse_args()
    global slack
    slack = options.slack
    scratch = Path(tempfile.mkdtemp(prefix="mlship-endure-"))
    home = (options.home or scratch).resolve()
    bench = Bench(home, scratch, options.callers, options.minutes)
    console = Console(width=120)
    found: dict[str, list[Figure]] = {}
    for name in options.scenarios or SCENARIOS:
        begun = time.monotonic()
        try:
            figures = asyncio.run(SCENARIOS[name](bench))
        except (RuntimeError, subprocess.SubprocessError, uv.UvError) as error:
            figures = [Figure("it ran", str(error), "", False)]
        found[name] = figures
        title = f"{name}: {SCENARIOS[name].__doc__} ({time.monotonic() - begun:.0f} s)"
        table = Table("figure", "measured", "allowed", "", title=title, title_justify="left")
        for figure in figures:
            verdict = "" if not figure.allowed and figure.good else "ok" if figure.good else "NO"
            table.add_row(figure.what, figure.measured, figure.allowed, verdict)
        console.print(table)
    if options.json:
        text = {name: [asdict(figure) for figure in figures] for name, figures in found.items()}
        options.json.write_text(json.dumps(text, indent=2) + "\n")
    sys.exit(not all(figure.good for figures in found.values() for figure in figures))


if __name__ == "__main__":
    main()
