"""Runs that go wrong: they end, nothing stays behind, and what was fitted before is kept."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from conftest import MLSHIP, Cli, MakeNotebook, Record

from mlship import deadline, intake, interpreter, notebook
from mlship.errors import IntakeError
from mlship.intake import Run

FIT = """
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
X, y = load_iris(return_X_y=True, as_frame=True)
model = LogisticRegression(max_iter=500).fit(X, y)
"""
PREDICT = "answers = model.predict(X)"

# Nothing here may delete or write outside the folder that it makes itself: a run is not shut in.
KEPT = {
    "100 MB of output": ("import sys\nprint('x' * 100_000_000)\nsys.stderr.write('y' * 100_000_000)", None),
    "sys.exit": ("import sys; sys.exit(3)", "SystemExit: 3"),
    "exit": ("exit()", "SystemExit"),
    "KeyboardInterrupt": ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    "interrupts itself": ("import os, signal; os.kill(os.getpid(), signal.SIGINT)", "KeyboardInterrupt"),
    "MemoryError": ("x = [0] * 10**15", "MemoryError"),
    "endless recursion": ("def f(): f()\nf()", "RecursionError"),
    "error that cannot be said": ("class E(Exception):\n    def __str__(self): 1 / 0\nraise E", "E: it does not say why"),
    "fork": ("import os; os.fork()", None),
    "fork that stays": ("import os, time\nif os.fork() == 0: time.sleep(987)", None),
    "thread that stays": ("import threading, time; threading.Thread(target=time.sleep, args=(987,)).start()", None),
    "process that stays": ("import subprocess; subprocess.Popen(['sleep', '987'])", None),
    "process in a session of its own": (
        "import subprocess; subprocess.Popen(['sleep', '987'], start_new_session=True)", None),
    "standard files closed": ("import os\nfor i in (0, 1, 2): os.close(i)", None),
    "sys.stdout closed": (
        "import contextlib, sys\nwith contextlib.suppress(OSError):\n    sys.stdout.close()\n"
        "sys.stdout = sys.stderr = None", None),
    "sys.stdout redirected": ("import sys; sys.stdout = open('log.txt', 'w'); print('x')", None),
    "fd 1 redirected": ("import os; os.dup2(os.open('log', os.O_CREAT | os.O_WRONLY), 1); print('x')", None),
    "another directory": ("import os; os.chdir('..')", None),
    "its folder deleted": ("import os; os.mkdir('gone'); os.chdir('gone'); os.rmdir('../gone')", None),
    "open and print replaced": ("import builtins; builtins.open = builtins.print = None", None),
    "signals ignored": (
        "import signal\nfor name in ('SIGINT', 'SIGTERM', 'SIGPROF', 'SIGALRM'):\n"
        "    signal.signal(getattr(signal, name), signal.SIG_IGN)", None),
    "atexit hook": ("import atexit, time; atexit.register(time.sleep, 987)", None),
    "sys.path extended": ("import sys; sys.path.insert(0, '/nowhere'); sys.path.append('.')", None),
    "environment emptied": ("import os; os.environ.clear()", None),
    "locale": ("import locale; locale.setlocale(locale.LC_ALL, '')", None),
    "json.dumps in another form": ("import json; json.dumps.__kwdefaults__['ensure_ascii'] = False", None),
}  # fmt: skip
ENDED = {
    "os._exit": ("import os; os._exit(3)", "cell 2 (exit code 3)"),
    "segmentation fault": ("import ctypes; ctypes.string_at(0)", "cell 2 (SIGSEGV)"),
    "killed": ("import os; os.kill(os.getpid(), 9)", "as when the memory runs out"),
    "every file closed": ("import os; os.closerange(3, 256)", "closed what mlship had opened"),
    "dies before its fork": (
        "import os, time\nif os.fork() == 0: time.sleep(987)\nos._exit(4)", "cell 2 (exit code 4)"),
}  # fmt: skip


Bare = Callable[..., AbstractContextManager[Run]]


def left_running(scratch: Path) -> list[str]:
    """The processes of a run that are still there, by the mark in their environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if str(scratch).encode() in (folder / "environ").read_bytes():
                found.append((folder / "cmdline").read_text())
        except OSError:
            continue
    return found


@pytest.fixture
def bare(make_notebook: MakeNotebook, tmp_path: Path) -> Bare:
    """Run cells in a Python without libraries."""

    @contextmanager
    def start(*cells: str, cell_seconds: float = 60) -> Iterator[Run]:
        found = interpreter.Interpreter(Path(sys.executable), sys.version_info[:3], "the tests")
        taken = notebook.read(make_notebook(*cells))
        with intake.run(taken, found, {}, tmp_path / "scratch", cell_seconds=cell_seconds) as run:
            yield run
        wait_for(lambda: left_running(tmp_path / "scratch") == [])

    (tmp_path / "scratch").mkdir()
    return start


@pytest.mark.parametrize(("cell", "said"), KEPT.values(), ids=KEPT.keys())
def test_run_goes_on_whatever_a_cell_does(bare: Bare, cell: str, said: str | None) -> None:
    with bare("x = 1", cell, "assert x == 1") as run:
        errors = [(error["cell"], error["error"]) for error in run.record["errors"]]
    assert [number for number, _ in errors] == ([2] if said else [])
    assert all(text.startswith(said or "") for _, text in errors)


def test_model_is_handed_over_whatever_later_cells_do(
    make_notebook: MakeNotebook, record: Record, tmp_path: Path
) -> None:
    with record(make_notebook(FIT, *(cell for cell, _ in KEPT.values()), PREDICT)) as run:
        failed = {error["cell"] - 2 for error in run.record["errors"]}
        assert failed == {i for i, (_, said) in enumerate(KEPT.values()) if said}
        handed = run.hand_over(run.models[0], tmp_path)
    assert (handed["level"], handed["rows"]) == ("raw", 150)
    assert "scikit-learn" in handed["packages"]
    wait_for(lambda: left_running(tmp_path / "scratch") == [])


@pytest.mark.parametrize(("cell", "said"), ENDED.values(), ids=ENDED.keys())
def test_end_of_the_notebooks_python_is_told(bare: Bare, cell: str, said: str) -> None:
    started = time.monotonic()
    with pytest.raises(IntakeError) as refused, bare("x = 1", cell, "y = 2"):
        pass
    assert said in str(refused.value)
    assert "Traceback" not in str(refused.value)
    assert time.monotonic() - started < 120


HANGING = {
    "sleeps": "import time; time.sleep(987)",
    "computes": "while True: pass",
    "catches": ("import time\nwhile True:\n    try: time.sleep(987)\n    except Exception: pass"),
    "waits": "import threading; threading.Event().wait()",
    "listens": (
        "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(); s.accept()"
    ),
    "has a child": "import subprocess; subprocess.run(['sleep', '987'])",
    "pauses": "import signal; signal.alarm(1000); signal.pause()",
}


@pytest.mark.parametrize("hanging", HANGING.values(), ids=HANGING.keys())
def test_cell_that_hangs_is_stopped_and_the_rest_runs(bare: Bare, hanging: str) -> None:
    with bare("x = 1", hanging, "assert x == 1", cell_seconds=1.5) as run:
        (error,) = run.record["errors"]
    assert error["cell"] == 2
    assert error["error"].startswith("OutOfTime: the cell takes too long")
    assert "--cell-timeout" in error["error"]
    assert "--model FILE --rows FILE" in error["error"]


def test_cell_that_cannot_be_stopped_is_killed(make_notebook: MakeNotebook, cli: Cli) -> None:
    ignores = "import signal, time; signal.signal(signal.SIGPROF, signal.SIG_IGN); time.sleep(987)"
    result = cli(
        "inspect",
        make_notebook("x = 1", ignores),
        "--python",
        sys.executable,
        "--cell-timeout",
        "1",
    )
    assert result.returncode == 5
    assert "Cell 2 does not end in 2 s" in result.stderr
    assert "--model FILE --rows FILE" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_deadline_counts_each_cell_anew() -> None:
    ticking = subprocess.Popen(["sleep", "987"], start_new_session=True)
    limit = deadline.Deadline(ticking.pid, 0.6)
    try:
        for _ in range(6):
            limit.restart()
            time.sleep(0.2)
        limit.stop()
        time.sleep(0.8)
        assert ticking.poll() is None
    finally:
        deadline.kill_all(ticking.pid, "nothing")
        assert ticking.wait() == -signal.SIGKILL


PHASES = {
    "running": "mlship-*/run",
    "locking": "mlship-*/handover/facts.json",
    "packing": "mlship-*/service",
    "proving": "mlship-*/service/bin/python",
}


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("phase", PHASES)
def test_interrupt_leaves_nothing_in_any_phase(
    make_notebook: MakeNotebook, science: Path, tmp_path: Path, phase: str, number: signal.Signals
) -> None:
    cwd, scratch = tmp_path / "cwd", tmp_path / "tmp"
    cwd.mkdir()
    scratch.mkdir()
    command = [
        *MLSHIP,
        "new",
        "app",
        "-n",
        str(make_notebook(FIT, PREDICT)),
        "--python",
        str(science),
    ]
    process = subprocess.Popen(
        [*command, "--defaults", "--no-install"],
        cwd=cwd,
        env={**os.environ, "TMPDIR": str(scratch)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for(lambda: any(scratch.glob(PHASES[phase])), process)
    process.send_signal(number)
    if number == signal.SIGINT:
        process.send_signal(number)  # as the impatient do
    output, said = process.communicate(timeout=60)
    assert process.returncode == {signal.SIGINT: 130, signal.SIGTERM: 143}[number], said
    assert "Traceback" not in said
    assert output == ""
    assert list(cwd.iterdir()) == []
    assert [path.name for path in scratch.glob("mlship-*")] == []
    wait_for(lambda: left_running(scratch) == [])


def wait_for(condition: Callable[[], bool], process: "subprocess.Popen[str] | None" = None) -> None:
    end = time.monotonic() + 120
    while not condition():
        assert process is None or process.poll() is None, "it ended before"
        assert time.monotonic() < end
        time.sleep(0.01)


def test_uv_is_ended_with_what_it_runs(tmp_path: Path) -> None:
    """The packing runs below uv, which would outlive mlship."""
    code = (
        "import signal, sys; from mlship import uv\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))\n"
        "uv.run(['run', '--no-project', '--offline', 'python', '-c',"
        ' \'import time; open("there", "w"); time.sleep(987)\'])'
    )
    environment = {**os.environ, "TEST_MARK": str(tmp_path)}
    process = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, env=environment)
    wait_for((tmp_path / "there").exists)
    process.terminate()
    assert process.wait(timeout=30) == 143
    assert left_running(tmp_path) == []
