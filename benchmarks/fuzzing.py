"""Send what a program makes up from the OpenAPI document alone, and list what it finds.

    poe fuzz [--only NAME]... [--cases 1000] [--seeds 1,2,3] [--home FOLDER]

schemathesis asks the services of a classifier, a regressor, a text model and one with nullable
inputs, dates and booleans, each with every check and every seed. It ends with 1 if anything is
found. See README.md beside this file.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import served
from rich.console import Console
from rich.table import Table
from served import Project

KEY = "the key of the cases"
SECONDS = 5
"""What one answer may take, on a machine that does other work too."""
PROGRAM = "schemathesis>=4.32,<5"
MODELS: dict[str, Sequence[str]] = {
    "flowers": (),
    "diabetes": served.DIABETES,
    "letters": served.LETTERS,
    "bookings": served.BOOKINGS,
}
HOOKS = '''
"""What OpenAPI cannot say, or the program cannot make."""
import datetime

import schemathesis
from hypothesis import strategies

# RFC 3339 knows no time without a zone, and the model knows no other.
# Nor is there a bound for dates: the notebook subtracts them, which pandas does up to 292 years.
first, last = datetime.datetime(1900, 1, 1), datetime.datetime(2150, 12, 31)
moments = strategies.datetimes(first, last)
schemathesis.openapi.format("date-time", moments.map(lambda moment: moment.isoformat()))
schemathesis.openapi.format("date", moments.map(lambda moment: str(moment.date())))


@schemathesis.hook
def before_load_schema(context, raw_schema):
    # It cannot make texts beyond 100 000 letters, and reports short ones as if they were.
    for schema in raw_schema["components"]["schemas"]["Instance"]["properties"].values():
        schema.pop("maxLength", None)
'''


def run(address: str, folder: Path, cases: int, seed: int) -> "subprocess.CompletedProcess[str]":
    """Let the program ask a service, with every check; it ends with 0 if nothing is found."""
    from uv import find_uv_bin

    (folder / "hooks.py").write_text(HOOKS)
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    environment |= {
        "PYTHONPATH": str(folder),
        "SCHEMATHESIS_HOOKS": "hooks",
        "NO_PROXY": "127.0.0.1",
    }
    tool = [find_uv_bin(), "--quiet", "tool", "run", "--from", PROGRAM, "schemathesis"]
    asked = ["run", f"{address}/openapi.json", "-H", f"X-API-Key: {KEY}", "--checks", "all"]
    limits = ["--max-examples", str(cases), "--seed", str(seed)]
    return subprocess.run(
        [*tool, *asked, *limits, "--max-response-time", str(SECONDS)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def fuzz(project: Project, scratch: Path, cases: int, seeds: Sequence[int]) -> list[list[str]]:
    """Ask one project's service with each seed; return a line of the table for each."""
    lines = []
    digest = sha256(KEY.encode()).hexdigest()
    with served.serving(project, scratch, API_KEYS=digest) as service:
        for seed in seeds:
            begun = time.monotonic()
            done = run(service.address, scratch, cases, seed)
            seconds = time.monotonic() - begun
            (scratch / f"{project.package}-{seed}.out").write_text(done.stdout + done.stderr)
            counted = re.search(r"(\d+) generated", done.stdout)
            clean = done.returncode == 0 and "No issues found" in done.stdout
            found = "0" if clean else f"see {scratch / f'{project.package}-{seed}.out'}"
            made = counted.group(1) if counted else "?"
            lines.append([project.package, str(seed), made, found, f"{seconds:.0f}"])
            print(" ".join(lines[-1]), flush=True)
    failed = [line for line in service.log.read_text().splitlines() if '"ERROR"' in line]
    if failed:
        lines.append([project.package, "all", "", f"{len(failed)} errors in {service.log}", ""])
    return lines


def main() -> None:
    """Ask every model with every seed."""
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--only", action="append", choices=MODELS)
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--home", type=Path, help="where projects are made, and kept")
    options = parser.parse_args()
    scratch = Path(tempfile.mkdtemp(prefix="mlship-fuzz-"))
    home = (options.home or scratch).resolve()
    seeds = [int(seed) for seed in options.seeds.split(",")]
    table = Table("model", "seed", "cases", "findings", "seconds", title="schemathesis, all checks")
    found = False
    for name in options.only or MODELS:
        project = served.make(name, home, MODELS[name])
        for line in fuzz(project, scratch, options.cases, seeds):
            found |= line[3] != "0"
            table.add_row(*line)
    Console(width=120).print(table)
    sys.exit(found)


if __name__ == "__main__":
    main()
