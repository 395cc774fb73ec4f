"""Projects that are served for real: their notebooks, and the service as it ships."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))

DIABETES = [
    "import pandas\n"
    "from sklearn.datasets import load_diabetes\n"
    "from sklearn.ensemble import GradientBoostingRegressor\n"
    "rows = load_diabetes(as_frame=True, scaled=False).frame",
    "X = rows.drop(columns='target')\ny = rows['target']",
    "model = GradientBoostingRegressor(random_state=0)\nmodel.fit(X, y)",
]
LETTERS = [
    "import pandas as pd\n"
    "from sklearn.feature_extraction.text import TfidfVectorizer\n"
    "from sklearn.linear_model import LogisticRegression\n"
    "from sklearn.pipeline import make_pipeline",
    "letters = pd.read_csv('letters.csv')",
    "model = make_pipeline(TfidfVectorizer(), LogisticRegression())\n"
    "model.fit(letters['text'], letters['kind'])",
]
BOOKINGS = [
    "import pandas as pd\n"
    "from sklearn.compose import make_column_transformer\n"
    "from sklearn.ensemble import RandomForestClassifier\n"
    "from sklearn.feature_extraction.text import CountVectorizer\n"
    "from sklearn.impute import SimpleImputer\n"
    "from sklearn.pipeline import make_pipeline\n"
    "from sklearn.preprocessing import OneHotEncoder",
    "bookings = pd.read_csv(\n"
    "    'bookings.csv', parse_dates=['day', 'asked at'], dtype={'Children': 'Int64'})",
    "rows = bookings.drop(columns='cancelled').copy()\n"
    "rows['ahead'] = (rows['day'] - rows['asked at']).dt.days\n"
    "rows['Children'] = rows['Children'].fillna(0).astype(float)\n"
    "rows['member'] = rows['member'].astype(int)\n"
    "X = rows.drop(columns=['day', 'asked at'])\n"
    "y = bookings['cancelled'].map({0: 'kept', 1: 'cancelled'})",
    "prepare = make_column_transformer(\n"
    "    (SimpleImputer(), ['Price (EUR)', 'Children', 'nights', 'ahead', 'member']),\n"
    "    (OneHotEncoder(handle_unknown='ignore'), ['Board']),\n"
    "    (CountVectorizer(max_features=40), 'wish'))\n"
    "model = make_pipeline(prepare, RandomForestClassifier(20, random_state=0))\n"
    "model.fit(X, y)",
]
FOREST = [
    "from sklearn.datasets import load_iris\n"
    "from sklearn.ensemble import RandomForestClassifier\n"
    "X, y = load_iris(return_X_y=True)",
    "model = RandomForestClassifier({trees}, max_depth=3, random_state=0)\nmodel.fit(X, y)",
]
"""A model that is slow for what it is: each tree costs a row some 50 microseconds."""
WISHES = ["a quiet room with a view of the lake, and late breakfast", "two beds, the dog comes too"]
COMPLAINTS = ["the parcel {} came late and open", "thanks for the quick help with order {}"]


def write_bookings(path: Path) -> None:
    """Write 200 rows: numbers, integers, days, moments, booleans, a category, all with holes."""
    lines = ["cancelled,Price (EUR),Children,nights,day,asked at,member,Board,wish"]
    for i in range(200):
        price = "" if i % 9 == 0 else f"{40 + i * 1.3:.2f}"
        children = "" if i % 7 == 0 else str(i % 4)
        day = f"2024-{1 + i % 12:02d}-{1 + i % 28:02d}"
        asked = f"2023-{1 + i % 12:02d}-{1 + i % 27:02d} {i % 24:02d}:{i % 60:02d}:00"
        board = ["half", "full", "none", ""][i % 4]
        wish = f'"{WISHES[i % 2]} {i}"'
        cells = [int(i % 3 == 0), price, children, 1 + i % 14, day, asked, i % 2 == 0, board, wish]
        lines.append(",".join(map(str, cells)))
    path.write_text("\n".join(lines) + "\n")


def write_letters(path: Path) -> None:
    """Write 200 short texts of two kinds."""
    lines = ["text,kind"]
    lines += [f"{COMPLAINTS[i % 2].format(i)},{['complaint', 'praise'][i % 2]}" for i in range(200)]
    path.write_text("\n".join(lines) + "\n")


@dataclass(frozen=True)
class Project:
    """A generated project."""

    folder: Path

    @property
    def package(self) -> str:
        """The name of its package."""
        return self.folder.name

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / ".venv" / "bin" / "python"

    def read(self, path: str) -> Any:
        """Return the content of one of its JSON files."""
        return json.loads((self.folder / path).read_text(encoding="utf-8"))


def make(name: str, home: Path, cells: Sequence[str] = (), options: Sequence[str] = ()) -> Project:
    """Run ``mlship new`` below ``home`` on a notebook, or on mlship's own; keep what is there."""
    project = Project(home / name)
    if project.folder.exists():
        return project
    home.mkdir(parents=True, exist_ok=True)
    write_bookings(home / "bookings.csv")
    write_letters(home / "letters.csv")
    notebook: list[str] = []
    if cells:
        code = [_cell(number, cell) for number, cell in enumerate(cells)]
        content = {"cells": code, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        (home / f"{name}.ipynb").write_text(json.dumps(content))
        notebook = ["--notebook", f"{name}.ipynb"]
    command = [sys.executable, "-m", "mlship", "new", name, *notebook, "--defaults", "--no-git"]
    made = subprocess.run(
        [*command, *options], cwd=home, capture_output=True, text=True, check=False
    )
    if made.returncode:
        raise RuntimeError(f"{name}: {made.stderr}")
    return project


def _cell(number: int, source: str) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "id": f"cell-{number}",
        "metadata": {},
        "source": source,
        "outputs": [],
        "execution_count": None,
    }


@dataclass
class Service:
    """The service of a project in a process of its own."""

    project: Project
    log: Path
    """What it writes to standard error."""
    settings: dict[str, str] = field(default_factory=dict)
    wrapped: Sequence[str] = ()
    """A command that runs the service's own, given behind it."""
    port: int = 0
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Its process."""
        assert self.process  # noqa: S101 - narrows the type
        return self.process.pid

    def start(self) -> None:
        """Start it, and return when it is ready."""
        self.launch()
        self.wait()

    def launch(self) -> None:
        """Start it."""
        self.port = self.port or free_port()
        fixed = {"HOST": "127.0.0.1", "PORT": str(self.port)}
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [*self.wrapped, self.project.python, "-m", self.project.package],
                cwd=self.project.folder,
                env=os.environ | fixed | self.settings,
                stdin=subprocess.DEVNULL,
                stderr=output,
            )

    def wait(self, seconds: float = 600) -> None:
        """Return when ``/readyz`` answers 200.

        Raises:
            RuntimeError: it ended, or is not ready in time.
        """
        assert self.process  # noqa: S101 - narrows the type
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise RuntimeError(f"it ended with {self.process.returncode}, see {self.log}")
            try:
                DIRECT.open(f"{self.address}/readyz", timeout=2).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise RuntimeError(f"not ready within {seconds:g} s, see {self.log}")

    def ended(self) -> int:
        """Wait for its end and return its exit code."""
        assert self.process  # noqa: S101 - narrows the type
        return self.process.wait(timeout=300)

    def stop(self) -> int:
        """Send SIGTERM and return its exit code."""
        os.kill(self.pid, signal.SIGTERM)
        return self.ended()

    def memory(self) -> float:
        """Return its resident memory in MB."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        (line,) = [line for line in status.splitlines() if line.startswith("VmRSS")]
        return int(line.split()[1]) / 1024

    def descriptors(self) -> int:
        """Return how many files and sockets it has open."""
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))


@contextmanager
def serving(
    project: Project, scratch: Path, wrapped: Sequence[str] = (), **settings: str
) -> Iterator[Service]:
    """Serve a project; at the end, stop what still runs."""
    log = scratch / f"{project.package}-{time.monotonic_ns()}.log"
    service = Service(project, log, settings, wrapped)
    try:
        service.start()
        yield service
    finally:
        if service.process and service.process.poll() is None:
            service.stop()


def free_port() -> int:
    """Return a port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
