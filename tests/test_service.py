"""A project with inputs of every kind, asked by a program that knows nothing but its OpenAPI."""

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

KEY = "the key of the tests"
CASES, SEED = 200, 1
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))

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
WISHES = ["a quiet room with a view of the lake, and late breakfast", "two beds, the dog comes too"]

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


def write_bookings(path: Path) -> None:
    lines = ["cancelled,Price (EUR),Children,nights,day,asked at,member,Board,wish"]
    for i in range(200):
        price = "" if i % 9 == 0 else f"{40 + i * 1.3:.2f}"
        children = "" if i % 7 == 0 else str(i % 4)
        day = f"2024-{1 + i % 12:02d}-{1 + i % 28:02d}"
        asked = f"2023-{1 + i % 12:02d}-{1 + i % 27:02d} {i % 24:02d}:{i % 60:02d}:00"
        board = ["half", "full", "none", ""][i % 4]
        wish = f'"{WISHES[i % 2]} {i}"'
        cells = [i % 3 == 0, price, children, 1 + i % 14, day, asked, i % 2 == 0, board, wish]
        cells[0] = int(i % 3 == 0)
        lines.append(",".join(map(str, cells)))
    path.write_text("\n".join(lines) + "\n")


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
def test_schemathesis_finds_nothing(address: str, tmp_path: Path) -> None:
    home = tmp_path / "venv"
    uv.run(["venv", "--python", sys.executable, str(home)])
    uv.run(["pip", "install", "--python", str(home / "bin/python"), "schemathesis>=4.32,<5"])
    (tmp_path / "hooks.py").write_text(HOOKS)
    named = {"PYTHONPATH": str(tmp_path), "SCHEMATHESIS_HOOKS": "hooks", "NO_PROXY": "127.0.0.1"}
    asked = ["run", f"{address}/openapi.json", "-H", f"X-API-Key: {KEY}", "--checks", "all"]
    limits = ["--max-examples", str(CASES), "--seed", str(SEED), "--max-response-time", "5"]
    found = subprocess.run(
        [home / "bin/schemathesis", *asked, *limits],
        cwd=tmp_path,
        env=os.environ | named,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout
    assert "No issues found" in found.stdout
