"""mlship new, end to end: a project that proves itself, or nothing at all."""

import importlib.util
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
import tomllib
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pexpect
import pytest
import yaml
from conftest import MLSHIP, Cli, MakeNotebook

from mlship import uv

QUESTIONS = (
    "project called", "in one sentence", "owns it", "Which CI", "Where will it be deployed"
)  # fmt: skip
MESSY = [
    "%matplotlib inline\nimport numpy as np, pandas as pd, seaborn_that_is_absent",
    "import numpy as np, pandas as pd\nfrom sklearn.compose import make_column_transformer\n"
    "from sklearn.ensemble import RandomForestClassifier\nfrom sklearn.impute import SimpleImputer\n"
    "from sklearn.model_selection import train_test_split\nfrom sklearn.pipeline import make_pipeline\n"
    "from sklearn.preprocessing import OneHotEncoder",
    "df = pd.read_csv('passengers.csv')",
    "X = df[['Fare (GBP)', 'Age', 'Rooms', 'Port', 'Note', 'Member']]\ny = df.Survived.map({0: 'no', 1: 'yes'})",
    "prepare = make_column_transformer(\n"
    "    (SimpleImputer(), ['Fare (GBP)', 'Age', 'Rooms']),\n"
    "    (OneHotEncoder(handle_unknown='ignore'), ['Port', 'Note', 'Member']))\n"
    "model = make_pipeline(prepare, RandomForestClassifier(30, random_state=0, n_jobs=-1))\n"
    "X_train, X_test, y_train, y_test = train_test_split(X, y)\nmodel.fit(X_train, y_train)",
    "print(model.score(X_test, y_test))",
]
"""A classifier on numbers, an integer, a category with holes, free text and a boolean."""


def write_passengers(path: Path) -> None:
    lines = ["Survived,Fare (GBP),Age,Rooms,Port,Note,Member"]
    for i in range(240):
        age = "" if i % 7 == 0 else str(20 + i % 50)
        port = ["C", "Q", "S", ""][i % 4]
        lines.append(f"{i % 3 == 0:d},{i * 1.1:.2f},{age},{i % 5},{port},note {i},{i % 2 == 0}")
    path.write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The embedded example, made into a project the way the README does it."""
    target = tmp_path_factory.mktemp("new") / "iris-demo"
    result = subprocess.run(
        [*MLSHIP, "new", str(target), "--defaults"], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert "raw: its rows are those of load_iris, unchanged" in result.stderr
    assert "uv run poe demo" in result.stdout
    return target


@pytest.fixture(scope="module")
def messy_project(science: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A messy notebook's project, from the environment that the notebook ran in."""
    from conftest import notebook_of

    folder = tmp_path_factory.mktemp("messy")
    write_passengers(folder / "passengers.csv")
    (folder / "Messy work.ipynb").write_text(json.dumps(notebook_of([MESSY[1], *MESSY[2:]])))
    command = [
        "new",
        "titanic",
        "-n",
        "Messy work.ipynb",
        "--python",
        str(science),
        "--defaults",
        "--json",
    ]
    result = subprocess.run(
        [*MLSHIP, *command], cwd=folder, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["level"] == "raw"
    return folder / "titanic"


def git(project: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=project, capture_output=True, text=True, check=True
    )
    return done.stdout


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def pytest_in(project: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = {k: v for k, v in os.environ.items() if k != "VIRTUAL_ENV"}
    command = [str(project / ".venv/bin/python"), "-m", "pytest", "-q", *arguments]
    return subprocess.run(
        command, cwd=project, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_project_passes_its_own_checks_and_stays_as_committed(project: Path) -> None:
    uv.run(["run", "poe", "check"], cwd=project)
    uv.run(["run", "ruff", "format", "."], cwd=project)
    assert git(project, "status", "--porcelain") == ""
    assert git(project, "log", "--format=%an %s").startswith("Ada Lovelace Start from")


@pytest.mark.slow
def test_readme_says_why_in_the_notebooks_words(project: Path) -> None:
    text = (project / "README.md").read_text()
    assert "\nWhich iris is it?\n" in text
    assert "Can four lengths tell the species?" in text


@pytest.mark.slow
def test_no_project_may_be_called_like_a_package_that_it_uses(project: Path) -> None:
    """Its own package would stand in the way of the other."""
    answers = yaml.safe_load((Path(__file__).parent.parent / "copier.yml").read_text())
    reserved = set(answers["reserved_names"]["default"].split())
    locked = tomllib.loads((project / "uv.lock").read_text())["package"]
    used = {package["name"].replace("-", "_") for package in locked}
    assert used - {"iris_demo", "iris_demo_model"} <= reserved


@pytest.mark.slow
def test_pair_says_at_once_why_it_does_not_start(project: Path) -> None:
    artifact = project / "model" / "model.skops"
    aside = artifact.rename(artifact.with_suffix(".aside"))
    try:
        with pytest.raises(uv.UvError, match=r"model\.skops is missing"):
            uv.run(["run", "poe", "up"], cwd=project)
        assert not list((project / ".run").glob("*.pid"))
    finally:
        aside.rename(artifact)


@pytest.mark.slow
def test_messy_project_passes_its_own_checks(messy_project: Path) -> None:
    uv.run(["run", "poe", "check"], cwd=messy_project)
    assert git(messy_project, "status", "--porcelain") == ""


@pytest.mark.slow
def test_contract_says_what_the_rows_are(messy_project: Path) -> None:
    signature = read(messy_project / "model" / "signature.json")
    properties = signature["inputs"]["properties"]
    assert [(name, schema["type"]) for name, schema in properties.items()] == [
        ("Fare (GBP)", "number"),
        ("Age", ["integer", "null"]),
        ("Rooms", "integer"),
        ("Port", ["string", "null"]),
        ("Note", "string"),
        ("Member", "boolean"),
    ]
    assert "minimum" not in properties["Rooms"], "what training saw is no promise"
    assert properties["Port"]["enum"] == ["C", "Q", "S", None]
    assert "enum" not in properties["Note"], "near-unique text is never published"
    assert signature["outputs"]["labels"] == ["no", "yes"]
    example = read(messy_project / "model" / "example.json")["instances"][0]
    assert example["Note"] == "text"
    assert {file["name"] for file in signature["provenance"]["data"]} == {"passengers.csv"}


@pytest.mark.slow
def test_versions_are_those_of_the_run(messy_project: Path, science: Path) -> None:
    code = (
        "import json, sklearn, pandas; print(json.dumps([sklearn.__version__, pandas.__version__]))"
    )
    run = subprocess.run([science, "-c", code], capture_output=True, text=True, check=True)
    packages = read(messy_project / "model" / "signature.json")["artifact"]["packages"]
    assert [packages["scikit-learn"], packages["pandas"]] == json.loads(run.stdout)


@pytest.mark.slow
def test_readme_and_card_say_what_the_notebook_measured(messy_project: Path) -> None:
    for path in ("README.md", "model/MODEL_CARD.md"):
        text = (messy_project / path).read_text()
        assert re.search(r"accuracy [\d.]+ \(cell 5, other rows\)", text), text
        assert "240 rows together and 240 one at a time" in text
    glance, _, rest = (messy_project / "README.md").read_text().partition("<!-- /facts -->")
    assert "n_estimators=30" not in glance
    assert "RandomForestClassifier(n_estimators=30" in rest


@pytest.mark.slow
@pytest.mark.parametrize("what", ["column order", "artifact", "recorded answer"])
def test_tampering_turns_the_projects_tests_red(
    messy_project: Path, tmp_path: Path, what: str
) -> None:
    """The proof can fail: whatever is changed behind its back, a test of the project sees it."""
    model = messy_project / "model"
    touched = {
        "column order": model / "signature.json",
        "artifact": model / "model.skops",
        "recorded answer": messy_project / "tests" / "parity" / "rows.json",
    }[what]
    before = touched.read_bytes()
    try:
        if what == "column order":
            signature = json.loads(before)
            inputs = signature["inputs"]["properties"]
            inputs["Fare (GBP)"], inputs["Age"] = inputs["Age"], inputs["Fare (GBP)"]
            for name, label in (("Fare (GBP)", "Age"), ("Age", "Fare (GBP)")):
                inputs[name]["x-column"] = label
            touched.write_text(json.dumps(signature))
        elif what == "artifact":
            touched.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
        else:
            rows = json.loads(before)
            rows[7]["prediction"]["probabilities"]["yes"] += 1e-6
            touched.write_text(json.dumps(rows))
        result = pytest_in(messy_project, "tests/test_parity.py")
        assert result.returncode == 1, result.stdout
    finally:
        touched.write_bytes(before)
    assert pytest_in(messy_project, "tests/test_parity.py").returncode == 0


@pytest.mark.slow
def test_pair_starts_answers_and_stops(project: Path) -> None:
    said = uv.run(["run", "poe", "demo"], cwd=project)
    try:
        answer = json.loads(re.search(r"answered (.*)", said)[1])  # type: ignore[index]
        assert answer["label"] in {"setosa", "versicolor", "virginica"}
        addresses = re.findall(r"http://127\.0\.0\.1:\d+", said)
        for address, path in zip(addresses, ("/readyz", "/_stcore/health"), strict=True):
            with urllib.request.urlopen(address + path, timeout=10) as response:
                assert response.status == 200
        assert uv.run(["run", "poe", "demo"], cwd=project).count(addresses[0]) == 1
    finally:
        uv.run(["run", "poe", "down"], cwd=project)
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(addresses[0] + "/livez", timeout=5)


@pytest.fixture
def pair(rendered: Path, tmp_path: Path) -> Any:
    """The script that starts a project's pair, in a project that may be changed."""
    spec = importlib.util.spec_from_file_location("pair", rendered / "scripts" / "pair.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.RUN = tmp_path  # type: ignore[attr-defined]
    return module


def test_pairs_that_start_together_take_ports_of_their_own(pair: Any) -> None:
    with pair.reserved(0) as port:
        with pair.reserved(port) as other:
            assert other != port
        with socket.create_server(("127.0.0.1", port)), pair.reserved(port) as other:
            assert other != port


def test_another_project_at_a_pairs_addresses_is_not_taken_for_it(
    pair: Any, tmp_path: Path
) -> None:
    with HTTPServer(("127.0.0.1", 0), Answering) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        addresses = {"api": address, "page": address}
        (tmp_path / "addresses.json").write_text(json.dumps(addresses))
        assert pair.running() == addresses
        (tmp_path / "api.pid").write_text(str(os.getppid()))
        assert pair.running() == {}
        server.shutdown()


class Answering(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *arguments: Any) -> None:
        pass


def left_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def wait_for(condition: Any, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_questions_are_asked_in_a_terminal(tmp_path: Path) -> None:
    command = [*MLSHIP[1:], "new", "my-app", "--dry-run"]
    terminal = pexpect.spawn(MLSHIP[0], command, cwd=str(tmp_path), timeout=60, encoding="utf-8")
    said = ""
    for question in QUESTIONS:
        terminal.expect(question)
        said += terminal.before or ""
        terminal.send("\r")
    terminal.expect("src/my_app/app.py")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 0
    assert "Which Python" not in said, "the notebook's Python is known"
    assert left_in(tmp_path) == []


@pytest.mark.slow
def test_person_at_a_terminal_answers_and_chooses_the_model(
    tmp_path: Path, make_notebook: MakeNotebook, science: Path
) -> None:
    fits = (
        "from sklearn.linear_model import LinearRegression, Ridge\nX, y = [[1], [2], [4]], [1, 2, 3]\n"
        "first = LinearRegression().fit(X, y)\nsecond = Ridge().fit(X, y)"
    )
    options = ["-n", str(make_notebook(fits)), "--python", str(science), "--no-install"]
    command = [*MLSHIP[1:], "new", "my-app", *options]
    terminal = pexpect.spawn(
        MLSHIP[0], command, cwd=str(tmp_path), timeout=120, encoding="utf-8", dimensions=(40, 120)
    )
    for question in QUESTIONS:
        terminal.expect(question)
        terminal.send("\r")
    terminal.expect("Which one is to be served")
    terminal.expect("1 +second +Ridge fitted in cell 1")
    terminal.expect("2 +first +LinearRegression")
    terminal.send("2\r")
    terminal.expect("is ready")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 0
    provenance = read(tmp_path / "my-app" / "model" / "signature.json")["provenance"]
    assert provenance["estimator"] == "LinearRegression"
    assert (tmp_path / "my-app" / ".git").is_dir()


def test_interrupt_at_a_question_is_130_and_leaves_nothing(
    tmp_path: Path, make_notebook: MakeNotebook, science: Path
) -> None:
    cwd = tmp_path / "cwd"
    cwd.mkdir()
    command = [
        *MLSHIP[1:],
        "new",
        "my-app",
        "-n",
        str(make_notebook("x = 1")),
        "--python",
        str(science),
    ]
    terminal = pexpect.spawn(MLSHIP[0], command, cwd=str(cwd), timeout=60, encoding="utf-8")
    terminal.expect("project called")
    terminal.send("\x03")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 130
    assert left_in(cwd) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_during_the_run_leaves_nothing(
    tmp_path: Path, make_notebook: MakeNotebook, science: Path, number: signal.Signals
) -> None:
    started = tmp_path / "started"
    path = make_notebook(f"open({str(started)!r}, 'w').close()\nimport time\ntime.sleep(600)")
    cwd = tmp_path / "cwd"
    cwd.mkdir()
    command = [*MLSHIP, "new", "my-app", "-n", str(path), "--python", str(science), "--defaults"]
    process = subprocess.Popen(command, cwd=cwd, stderr=subprocess.PIPE, text=True)
    wait_for(started.exists)
    assert any(name.startswith(".mlship-") for name in left_in(cwd))
    process.send_signal(number)
    _, said = process.communicate(timeout=30)
    assert process.returncode == {signal.SIGINT: 130, signal.SIGTERM: 143}[number]
    assert "Traceback" not in said
    assert left_in(cwd) == []


@pytest.mark.slow
def test_project_inside_a_repository_gets_none_of_its_own(
    make_notebook: MakeNotebook, cli: Cli, science: Path, tmp_path: Path
) -> None:
    fit = "from sklearn.linear_model import LinearRegression\nm = LinearRegression().fit([[1], [2], [4]], [1, 2, 3])"
    fit += "\nno_such_name" * 7
    git(tmp_path, "init", "--quiet")
    arguments = [
        "-n",
        make_notebook(fit),
        "--python",
        science,
        "--defaults",
        "--no-install",
        "--json",
        "-v",
    ]
    result = cli("new", tmp_path / "inner", *arguments)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["committed"] is False
    assert result.stderr.count("failed and was passed over") == 7
    assert json.loads(result.stdout)["level"] == "direct"
    assert not (tmp_path / "inner" / ".git").exists()
    assert not list((tmp_path / "inner").rglob(".venv"))
