"""Measure what recording a notebook costs, as ratios to running it plainly.

    python benchmarks/recording.py [--python PATH] [--rounds 5] [--case NAME]...

Each measurement is a process of its own, and plain and recorded runs take turns. The libraries are
imported, and what that left is collected, before the clock starts, so that their loading does not
change the ratios. The Python needs pandas and scikit-learn. See README.md beside this file.
"""

import argparse
import contextlib
import gc
import io
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "src"), str(Path(__file__).parent)]
LOADED = (
    "pandas",
    "sklearn.datasets",
    "sklearn.ensemble",
    "sklearn.linear_model",
    "sklearn.metrics",
    "sklearn.model_selection",
    "sklearn.pipeline",
    "sklearn.tree",
)
HEADER = """\
| notebook | cells | plain | recorded | ratio | search for the cut | ratio | peak memory | ratio |\
 with the search | ratio |
|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|"""


def measure(cells: list[str], recorded: bool) -> dict[str, float]:
    """Run cells in this process, plainly or recorded; return seconds and MiB."""
    for name in LOADED:
        import_module(name)
    gc.collect()
    result: dict[str, float] = {}
    with contextlib.redirect_stdout(io.StringIO()):
        if not recorded:
            namespace: dict[str, Any] = {"__name__": "__main__"}
            started = time.process_time()
            for at, cell in enumerate(cells, 1):
                code = compile(cell, f"<cell {at}>", "exec")
                exec(code, namespace)  # noqa: S102 - the cells are this folder's own
            result["run"] = time.process_time() - started
        else:
            from mlship.recorder import cutting, run

            folder = str(Path.cwd())
            job = {
                "cells": list(enumerate(cells, 1)),
                "folder": folder,
                "origin": folder,
                "maps": {},
                "cell_seconds": 3600,
            }
            started = time.process_time()
            recorder = run.Recorder(job, lambda message: None)
            recorder.run()
            result["run"] = time.process_time() - started
            result["memory"] = _peak()
            failed = [f"cell {s.cell}: {s.error}" for s in recorder.statements if s.error]
            if failed:
                sys.exit(f"error: {failed[0]}")
            started = time.process_time()
            search = cutting.find(recorder.statements, recorder.log, recorder.candidates()[0])
            result["search"] = time.process_time() - started
            result["found"] = float(search.cut is not None)
            result["memory with search"] = _peak()
    return {"memory": _peak(), **result}


def _peak() -> float:
    scale = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale


def rounds(python: str, cells: list[str], folder: Path, count: int) -> dict[str, float]:
    """Run the cells ``count`` times in each way, in turn; return the medians."""
    found: dict[str, list[float]] = {}
    for number in range(count + 1):
        for way in ("plain", "recorded"):
            command = [python, str(Path(__file__).resolve()), "--measure", way]
            done = subprocess.run(
                command,
                input=json.dumps(cells),
                cwd=folder,
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            )
            for name, value in json.loads(done.stdout).items():
                if number:  # the first round fills the caches
                    found.setdefault(f"{way} {name}", []).append(value)
    return {name: statistics.median(values) for name, values in found.items()}


def row(name: str, cells: int, found: dict[str, float]) -> str:
    """Return a line of the table."""
    plain, memory = found["plain run"], found["plain memory"]
    parts = [name, str(cells), f"{plain:.2f} s"]
    for key, unit, base in (
        ("recorded run", "s", plain),
        ("recorded search", "s", plain),
        ("recorded memory", "MiB", memory),
        ("recorded memory with search", "MiB", memory),
    ):
        value = found[key]
        parts += [f"{value:.2f} s" if unit == "s" else f"{value:.0f} MiB", f"{value / base:.2f}"]
    if not found["recorded found"]:
        parts[5] += " (none found)"
    return f"| {' | '.join(parts)} |"


def versions() -> str:
    """Say what this Python measures with."""
    names = ("pandas", "numpy", "scikit-learn")
    known = ", ".join(f"{name} {metadata.version(name)}" for name in names)
    return f"Python {platform.python_version()}, {known}"


def main() -> None:
    """Measure and print a Markdown table, or, with ``--measure``, one run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", default=sys.executable, help="has pandas and scikit-learn")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--case", action="append", help="measure only this one")
    parser.add_argument("--measure", choices=("plain", "recorded"), help=argparse.SUPPRESS)
    parser.add_argument("--versions", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.versions:
        print(versions())
        return
    if options.measure:
        print(json.dumps(measure(json.load(sys.stdin), options.measure == "recorded")))
        return
    from cases import CASES

    said = subprocess.run(
        [options.python, __file__, "--versions"], stdout=subprocess.PIPE, text=True, check=False
    )
    if said.returncode:
        sys.exit("error: --python needs a Python with pandas and scikit-learn.")
    before = os.getloadavg()[0]
    print(HEADER, flush=True)
    for name in options.case or CASES:
        with tempfile.TemporaryDirectory() as folder:
            cells = CASES[name](Path(folder))
            found = rounds(options.python, cells, Path(folder), options.rounds)
            print(row(name, len(cells), found), flush=True)
    print(
        f"\nMedians of {options.rounds} rounds. {said.stdout.strip()}; {platform.machine()}, "
        f"{os.cpu_count()} cores, load {before:.2f} before and {os.getloadavg()[0]:.2f} after."
    )


if __name__ == "__main__":
    main()
