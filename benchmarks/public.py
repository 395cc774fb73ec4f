"""Run public notebooks through the whole of mlship, and say how each one ends.

    poe full [--list FILE]... [--only NAME]... [--jobs N] [--without STEP]... [--keep]

Each notebook is fetched at its pinned commit, made into a project by a real `mlship new`, checked
by the project's own gate, asked over HTTP what a plain run of the notebook answers, and trained
again. It ends with 1 if any answer is wrong or a notebook ends worse than its list says. See
README.md beside this file.
"""

import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import asking
import fetching
import listed
from listed import LEVELS, SEEDS, Listed
from rich.console import Console
from rich.table import Table

HERE = Path(__file__).resolve().parent
STEPS = ("check", "witness", "train")
SECONDS = 1800
"""What one process may take."""
REFUSALS = (2, 5)
"""The exit codes of a refusal that is one; any other is a crash."""


UNSET = ("VIRTUAL_ENV", "PYTHONDONTWRITEBYTECODE")
"""What is not handed on: a project's many processes would compile its libraries again and again."""


@dataclass
class Result:
    """How a notebook ended."""

    name: str
    ended: str = "?"
    """A level, ``refused N``, ``crashed N``, ``not fetched``, or ``not ended`` in time."""
    said: str = ""
    """The line of a refusal, or the proof."""
    chosen: str | None = None
    """The model that was taken where several could be meant."""
    checked: str = "-"
    witness: str = "-"
    compared: dict[str, Any] = field(default_factory=dict)
    trained: str = "-"
    faults: list[str] = field(default_factory=list)
    """What is wrong, or worse than the list says."""
    wrong: bool = False
    seconds: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Place:
    """Where one notebook is worked on."""

    folder: Path
    logs: Path
    notebook: Path
    python: Path

    @property
    def project(self) -> Path:
        """The generated project."""
        return self.folder / "project"


def run(notebook: Listed, options: argparse.Namespace) -> Result:
    """Take one notebook through every step."""
    result = Result(notebook.name)
    logs = options.scratch / "logs" / notebook.name
    logs.mkdir(parents=True, exist_ok=True)
    for log in logs.glob("*.log"):
        log.unlink()
    folder = Path(tempfile.mkdtemp(prefix=f"{notebook.name}-", dir=options.scratch))
    try:
        path = fetching.checkout(notebook, options.cache, folder / "clone")
        python = fetching.environment(notebook.environment, options.cache)
        place = Place(folder, logs, path, python)
        if notebook.seeded:
            put_in_front(path, SEEDS[notebook.environment])
        with_steps = [step for step in STEPS if step not in options.without]
        if new(notebook, place, result):
            if "check" in with_steps:
                check(place, result)
            if "witness" in with_steps and notebook.witness:
                ask(notebook, place, result)
            if "train" in with_steps:
                train(place, result)
    except fetching.NotFetched as error:
        result.ended, result.said = "not fetched", str(error)
        result.faults.append("not fetched")
    except subprocess.TimeoutExpired as error:
        result.ended = "not ended" if result.ended == "?" else result.ended
        result.faults.append(f"took over {error.timeout} s: {shlex.join(map(str, error.cmd))}")
    finally:
        if not options.keep:
            shutil.rmtree(folder)
    return result


def new(notebook: Listed, place: Place, result: Result) -> bool:
    """Run `mlship new`; return whether there is a project."""
    command = [sys.executable, "-m", "mlship", "new", str(place.project), "--defaults", "--json"]
    command += ["--no-git", "--notebook", str(place.notebook), "--python", str(place.python)]
    estimator = ["--estimator", notebook.estimator] if notebook.estimator else []
    done = _run([*command, *estimator], place, "new", result)
    offered = re.findall(r"--estimator ('[^']*'|\S+)", done.stderr)
    if done.returncode == 2 and offered and notebook.ends is None:
        result.chosen = shlex.split(offered[0])[0]
        done = _run([*command, "--estimator", result.chosen], place, "new", result)
    lines = [line for line in done.stderr.strip().splitlines() if line.strip()]
    errors = [number for number, line in enumerate(lines) if line.startswith("error: ")]
    if done.returncode == 0:
        created = json.loads(done.stdout)
        parity = created["parity"]
        result.ended = created["level"]
        result.said = f"{created['estimator']}, {parity['rows']} rows"
    else:
        traced = any("Traceback" in line for line in lines)
        crashed = traced or done.returncode not in REFUSALS or not errors
        result.ended = f"{'crashed' if crashed else 'refused'} {done.returncode}"
        result.said = " ".join(lines[errors[0] :] if errors else lines[-1:])[:2000]
        if crashed:
            result.faults.append("crashed")
    if notebook.ends and _rank(result.ended) < _rank(notebook.ends):
        result.faults.append(f"ends worse than {notebook.ends}")
    if "refused" in result.ended and notebook.says not in result.said:
        result.faults.append(f"does not say {notebook.says!r}")
    return done.returncode == 0


def check(place: Place, result: Result) -> None:
    """Run the project's own gate, the parity over HTTP included."""
    done = _run(["uv", "run", "--quiet", "poe", "check"], place, "check", result, place.project)
    counted = re.findall(r"\d+ (?:passed|failed|errors?|skipped)", done.stdout)
    result.checked = ", ".join(counted) if done.returncode == 0 else "failed"
    if done.returncode:
        result.faults.append(f"its own check fails: {_last(done)}")


def ask(notebook: Listed, place: Place, result: Result) -> None:
    """Compare the service with a plain run of the notebook."""
    said = place.folder / "witness.json"
    answers = place.folder / "answers.json"
    said.write_text(json.dumps(asdict(notebook.witness)), "utf-8")  # type: ignore[arg-type]
    apart = place.folder / "plain"
    shutil.copytree(place.folder / "clone", apart)
    path = apart / place.notebook.relative_to(place.folder / "clone")
    command = [place.python, HERE / "plainly.py", path, said, answers]
    done = _run(list(map(str, command)), place, "witness", result, path.parent)
    if done.returncode:
        result.witness = "failed"
        result.faults.append(f"the witness fails: {_last(done)}")
        return
    contract = json.loads((place.project / "model" / "signature.json").read_text("utf-8"))
    witness = json.loads(answers.read_text("utf-8"))
    started = time.monotonic()
    try:
        with asking.serving(place.project, place.logs / "service.log") as connection:
            found = asking.compare(connection, contract, witness, notebook.witness.tolerance)  # type: ignore[union-attr]
    except asking.NotStarted as error:
        result.witness = "not started"
        result.faults.append(f"the service does not start: {error}")
        return
    result.seconds["ask"] = round(time.monotonic() - started)
    result.compared = asdict(found)
    wrong, refused = found.wrong_alone + found.wrong_together, sum(found.refused.values())
    result.witness = f"{found.asked - refused} of {found.asked} rows, {wrong} wrong"
    if found.missing:
        result.faults.append(f"the witness has no {', '.join(found.missing)}")
    if wrong and not found.missing:
        result.wrong = True
        result.faults.append(f"WRONG: {found.example}")
    if refused == found.asked:
        result.faults.append(f"refuses every row: {next(iter(found.refused))}")


def train(place: Place, result: Result) -> None:
    """Train the project again on the notebook's data and say what came of it."""
    model = place.project / "model"
    contract = json.loads((model / "signature.json").read_text("utf-8"))
    receipt = json.loads((model / "receipt.json").read_text("utf-8"))
    notes = [*contract["provenance"].get("notes", []), *receipt["cut"].get("notes", [])]
    expected = next((note for note in notes if "raining " in note and "gain" in note), "")
    missing = next((note for note in notes if "training code" in note), "no reason given")
    if not list(model.glob("src/*/train.py")):
        result.trained = f"no code: {missing}"
        return
    data = _data(place, contract, receipt)
    command = ["uv", "run", "--quiet", "poe", "train", *(["--data", str(data)] if data else [])]
    done = _run(command, place, "train", result, place.project)
    verdict = re.search(r"^(Trained .*|The inputs are .*)$", done.stdout, re.MULTILINE)
    if done.returncode or not verdict:
        result.trained = "failed"
        result.faults.append(f"training again fails: {_last(done)}")
    elif "the same answers" in verdict[1] and "same data" in verdict[1]:
        result.trained = "same"
    elif "is random" in expected:
        result.trained = "random, as said"
    else:
        result.trained = f"{verdict[1]} {expected}"
        result.faults.append(f"training again: {result.trained}")


def _data(place: Place, contract: Mapping[str, Any], receipt: Mapping[str, Any]) -> Path | None:
    """Put the notebook's files into ``data/`` and return the one with the rows, if it is one."""
    found: dict[str, Path] = {}
    for item in contract["provenance"].get("data", []):
        places = sorted(place.notebook.parent.rglob(item["name"])) or sorted(
            (place.folder / "clone").rglob(item["name"])
        )
        if places:
            found[item["name"]] = place.project / "data" / item["name"]
            found[item["name"]].parent.mkdir(exist_ok=True)
            shutil.copy(places[0], found[item["name"]])
    source = receipt["cut"].get("source")
    code = "".join(path.read_text("utf-8") for path in place.project.glob("model/src/*/load.py"))
    main = re.search(r'^DATA = Path\("data/(.*)"\)', code, re.MULTILINE)
    return found.get(main[1] if main else source)


def put_in_front(path: Path, source: str) -> None:
    """Insert a code cell at the top of a notebook."""
    content = json.loads(path.read_text("utf-8"))
    cells = content["cells"] if "cells" in content else content["worksheets"][0]["cells"]
    cell: dict[str, Any] = {"cell_type": "code", "metadata": {}, "outputs": []}
    if "cells" in content:
        cell |= {"source": source, "execution_count": None}
    else:
        cell |= {"input": source, "language": "python"}
    if (content.get("nbformat", 4), content.get("nbformat_minor", 0)) >= (4, 5):
        cell["id"] = "sow"
    cells.insert(0, cell)
    path.write_text(json.dumps(content), "utf-8")


def table(results: Sequence[Result]) -> Table:
    """Return what is printed at the end."""
    shown = Table("notebook", "ends", "check", "witness", "trained again", "faults", "s")
    for result in results:
        shown.add_row(
            result.name,
            f"{result.ended}: {result.said[:90]}" if "refused" in result.ended else result.ended,
            result.checked,
            result.witness,
            result.trained[:90],
            "; ".join(fault[:120] for fault in result.faults),
            str(sum(result.seconds.values())),
            style="red" if result.wrong else "yellow" if result.faults else None,
        )
    return shown


def counts(results: Sequence[Result]) -> dict[str, int]:
    """Count the ends, the witnesses and the trainings."""
    counted = Counter(result.ended for result in results)
    counted["witnesses"] = sum(bool(result.compared) for result in results)
    counted["wrong"] = sum(result.wrong for result in results)
    counted["trained the same"] = sum(result.trained == "same" for result in results)
    counted["random, as said"] = sum(result.trained.startswith("random") for result in results)
    counted["no training code"] = sum(result.trained.startswith("no code") for result in results)
    counted["with faults"] = sum(bool(result.faults) for result in results)
    return dict(counted)


def _rank(ended: str) -> int:
    return LEVELS.index(ended) + 1 if ended in LEVELS else 0 if "refused" in ended else -1


def _run(
    command: Sequence[str], place: Place, step: str, result: Result, cwd: Path | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run a process to its end; keep what it says beside the project."""
    started = time.monotonic()
    environment = {k: v for k, v in os.environ.items() if k not in UNSET}
    done = subprocess.run(
        command,
        cwd=cwd or place.folder,
        env={**environment, "MPLBACKEND": "agg", "OMP_NUM_THREADS": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    log = f"$ {shlex.join(map(str, command))}\n{done.stdout}\n{done.stderr}\n"
    with (place.logs / f"{step}.log").open("a", encoding="utf-8") as file:
        file.write(f"{log}ended with {done.returncode}\n")
    seconds = round(time.monotonic() - started)
    result.seconds[step] = result.seconds.get(step, 0) + seconds
    return done


def _last(done: "subprocess.CompletedProcess[str]") -> str:
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    failed = [line for line in lines if re.match(r"(FAILED|ERROR|error|E  )", line)]
    return " | ".join((failed or lines)[-3:])[-400:]


def main() -> None:
    """Run the listed notebooks, print a table and write a JSON file."""
    parser = argparse.ArgumentParser(prog="poe full", description=__doc__.splitlines()[0])
    parser.add_argument("--list", type=Path, action="append", help="default: public.toml")
    parser.add_argument("--only", action="append", metavar="NAME", help="run this one only")
    parser.add_argument("--jobs", type=int, default=1, help="notebooks at the same time")
    parser.add_argument("--without", action="append", choices=STEPS, default=[])
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "mlship-full")
    parser.add_argument("--scratch", type=Path, help="default: a folder of the cache")
    parser.add_argument("--keep", action="store_true", help="keep the projects")
    parser.add_argument("--json", type=Path, default=Path("full.json"), help="the results")
    options = parser.parse_args()
    options.cache = options.cache.absolute()
    options.scratch = (options.scratch or options.cache / "scratch").absolute()
    lists = options.list or [HERE / "public.toml"]
    notebooks = [entry for file in lists for entry in listed.read(file)]
    if unknown := set(options.only or []) - {entry.name for entry in notebooks}:
        parser.error(f"not on the list: {', '.join(sorted(unknown))}")
    notebooks = [entry for entry in notebooks if not options.only or entry.name in options.only]
    results: list[Result] = []
    console = Console(width=None if sys.stdout.isatty() else 200)
    with ThreadPoolExecutor(options.jobs) as pool:
        for result in pool.map(lambda entry: run(entry, options), notebooks):
            results.append(result)
            print(f"{result.name}: {result.ended}; {'; '.join(result.faults)}"[:300], flush=True)
            written = {"counts": counts(results), "results": [vars(r) for r in results]}
            options.json.write_text(json.dumps(written, indent=1), "utf-8")
    console.print(table(results))
    console.print(", ".join(f"{name} {number}" for name, number in counts(results).items()))
    if results and all(result.ended == "not fetched" for result in results):
        sys.exit(f"error: GitHub cannot be reached: {results[0].said}")
    sys.exit(1 if any(result.faults for result in results) else 0)


if __name__ == "__main__":
    main()
