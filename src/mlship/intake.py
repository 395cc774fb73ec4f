"""Take a notebook in: run it where it runs, find its model, and have that handed over."""

import json
import os
import shlex
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import described, links
from .deadline import MARK, Deadline, kill_all
from .errors import IntakeError, UsageError
from .interpreter import Interpreter
from .notebook import Notebook

START = (
    "import sys; sys.path.insert(0, sys.argv[1]); from mlship.recorder.process import main; "
    "del sys.path[0]; main()"
)
"""Runs the recorder in another interpreter, which sees mlship's folder for that import only."""
CELL_SECONDS = 3600
"""Processor time that one cell may use unless told; it may wait for as long again."""
LAST_WORDS = 20_000
"""Bytes at the end of what a notebook's Python wrote on standard error that are looked at."""
LISTED = 10
"""Models that a message lists."""
MAX_FOLDER_BYTES = 5_000_000_000
LEFT_OUT = ("__pycache__", "node_modules", "*.pyc")
"""What is not copied along with the notebook's folder, beside hidden files and environments."""

Progress = Callable[[int, int], None]
Ask = Callable[[Sequence["Model"]], "Model"]


@dataclass(frozen=True)
class Model:
    """A model that the notebook fitted."""

    index: int
    name: str | None
    estimator: str
    served: str
    cell: int
    rank: tuple[bool, ...]
    reasons: tuple[str, ...]
    samples: Mapping[str, Any]
    parameters: str
    metrics: tuple[Mapping[str, Any], ...]
    stale_predictions: int
    doubts: tuple[str, ...]
    """Failed statements that may have fitted or saved the model that is really meant."""
    label: str
    """How ``--estimator`` names this model, and no other."""


class Run:
    """A notebook that was run, its process still there to hand a model over."""

    def __init__(
        self,
        process: "subprocess.Popen[str]",
        errors: Path,
        figures: Path,
        progress: Progress | None,
        deadline: Deadline,
    ) -> None:
        self._process = process
        self._errors = errors
        self._deadline = deadline
        self.figures = figures
        """The folder of the pictures that ``record["figures"]`` names."""
        self._cell = 0
        try:
            self.record = self._await("record", progress)["record"]
        finally:
            deadline.stop()
        self.models = _models(self.record["models"])

    def hand_over(self, model: Model, folder: Path, synthetic: bool = False) -> dict[str, Any]:
        """Have ``model`` written into ``folder`` and return what is known of it.

        With ``synthetic``, rows are made up that the project's tests keep in place of real ones.

        Raises:
            IntakeError: it cannot be served; the message says why.
        """
        self._send({"model": model.index, "folder": str(folder), "synthetic": synthetic})
        facts: dict[str, Any] = self._await("handover", None)["facts"]
        return facts

    def _send(self, message: Mapping[str, Any]) -> None:
        assert self._process.stdin  # noqa: S101 - it was opened as a pipe
        try:
            self._process.stdin.write(json.dumps(message) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._died() from None

    def _await(self, event: str, progress: Progress | None) -> dict[str, Any]:
        assert self._process.stdout  # noqa: S101 - it was opened as a pipe
        for line in self._process.stdout:
            message: dict[str, Any] = json.loads(line)
            if message["event"] == "cell":
                self._cell = message["number"]
                self._deadline.restart()
                if progress:
                    progress(message["number"], message["of"])
            elif message["event"] == "refused":
                raise IntakeError(message["why"])
            elif message["event"] == "failed":
                raise IntakeError(f"The model could not be handed over:\n{message['why']}")
            elif message["event"] == event:
                return message
        raise self._died()

    def _died(self) -> IntakeError:
        code = self._process.wait()
        if self._deadline.killed:
            return IntakeError(
                f"Cell {self._cell} does not end in {self._deadline.seconds:.0f} s and cannot be "
                "stopped, so what was fitted before it is lost. Give it more with --cell-timeout, "
                "or have the model and its rows saved and use --model FILE --rows FILE."
            )
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        if code == -signal.SIGKILL:
            how += ", as when the memory runs out"
        with self._errors.open("rb") as file:
            file.seek(max(0, self._errors.stat().st_size - LAST_WORDS))
            last = file.read().decode("utf-8", "replace").strip().splitlines()[-3:]
        said = "".join(f"\n  {line[:300]}" for line in last)
        return IntakeError(f"The notebook's Python ended in cell {self._cell} ({how}).{said}")


@contextmanager
def run(
    notebook: Notebook,
    interpreter: Interpreter,
    maps: Mapping[str, Path],
    scratch: Path,
    progress: Progress | None = None,
    cell_seconds: float = CELL_SECONDS,
) -> Iterator[Run]:
    """Run ``notebook`` in a copy of its folder and keep its process until the block ends.

    A cell may compute for ``cell_seconds`` of processor time and wait for as long again.

    Raises:
        IntakeError: the folder is too large to copy, or the process died.
    """
    origin = notebook.path.resolve().parent
    folder = scratch / "run" / "a" / "b" / "c" / origin.name
    _copy(origin, folder, scratch)
    errors, figures = scratch / "stderr", scratch / "figures"
    figures.mkdir(exist_ok=True)
    environment = {**_trackers(folder), **os.environ}
    environment.pop("VIRTUAL_ENV", None)
    environment |= {
        "MPLBACKEND": "agg",
        "LOKY_MAX_CPU_COUNT": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONIOENCODING": "utf-8",
        "PYTHONWARNINGS": "ignore",
        MARK: str(scratch),
    }
    with errors.open("wb") as sink:
        process = subprocess.Popen(
            [interpreter.executable, "-c", START, Path(__file__).parents[1]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=sink,
            env=environment,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )
    try:
        job = {
            "cells": [(cell.number, cell.source) for cell in notebook.cells],
            "folder": str(folder),
            "origin": str(origin),
            "maps": {name: str(path.resolve()) for name, path in maps.items()},
            "cell_seconds": cell_seconds,
            "notebook": notebook.stored_name,
            "figures": str(figures),
        }
        assert process.stdin  # noqa: S101 - it was opened as a pipe
        process.stdin.write(json.dumps(job) + "\n")
        process.stdin.flush()
        yield Run(process, errors, figures, progress, Deadline(process.pid, 2 * cell_seconds))
    finally:
        _stop(process, scratch)


def _trackers(folder: Path) -> dict[str, str]:
    """Keep what the notebook reports to its trackers in the copy, unless the user says where to."""
    return {
        "WANDB_MODE": "offline",
        "MLFLOW_TRACKING_URI": (folder / "mlruns").as_uri(),
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
        "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    }


def choose(
    models: Sequence[Model],
    wanted: str | None,
    ask: Ask | None,
    failed: Sequence[Mapping[str, Any]] = (),
    unserved: Sequence[str] = (),
) -> Model:
    """Return the model to serve.

    Args:
        models: the likeliest first.
        wanted: what ``--estimator`` says: a model's label, or its class if only one has it.
        ask: asks a person; None where there is nobody.
        failed: the statements that failed, the likely reason why there is no model.
        unserved: models of a kind that is not served, another likely reason.

    Raises:
        UsageError: ``wanted`` is none of them, or only a person can choose.
        IntakeError: there is no model.
    """
    if not models:
        why = "The notebook fits no model that mlship knows to ask: one with `fit` and `predict`."
        for first in failed[:1]:
            why += f" Cell {first['cell']} is the first that fails: {first['error']}"
        if unserved:
            why += (
                f" {', '.join(unserved)} of PyTorch was not seen to be trained: mlship looks for "
                "the steps of an optimizer."
            )
        raise IntakeError(why)
    if wanted:
        return _named(models, wanted)
    doubts = "".join(f"\n  {doubt}" for doubt in models[0].doubts[:3])
    if len(models) == 1 and not doubts:
        return models[0]
    if ask:
        return ask(models)
    if doubts:
        raise UsageError(
            f"These fail, and may have made the model that is meant:{doubts}\n"
            f"Mend them, or say which model to serve:\n{listed(models)}"
        )
    if models[0].rank == models[1].rank:
        raise UsageError(f"Several models could be meant; say which:\n{listed(models)}")
    return models[0]


def listed(models: Sequence[Model]) -> str:
    """List the likeliest models with the flag that chooses each."""
    lines = [
        f"  --estimator {shlex.quote(model.label)}  {said(model)}" for model in models[:LISTED]
    ]
    if len(models) > LISTED:
        lines.append(f"  ... and {len(models) - LISTED} more; `mlship inspect` lists all")
    return "\n".join(lines)


def said(model: Model) -> str:
    """Describe a model in one line."""
    served = "" if model.served == model.estimator else f" -> {model.served}"
    scores = "".join(f", {m['name']} {m['value']:.4g}" for m in model.metrics[-2:])
    return f"{model.estimator}{served} fitted in cell {model.cell}{scores}"


def personal(handed: Mapping[str, Any]) -> str:
    """List the columns that look personal, with what tells."""
    return ", ".join(f"{name} ({why})" for name, why in handed["personal"].items())


def facts(
    notebook: Notebook, record: Mapping[str, Any], model: Model, handed: Mapping[str, Any]
) -> dict[str, Any]:
    """Put together what ``pack`` is told beside the model itself."""
    notes = [f"Cell {e['cell']} failed and was passed over: {e['error']}" for e in record["errors"]]
    notes += [f"Cell {n['cell']}: {n['text']}." for n in record["notes"]]
    notes += [
        f"Cell {cell.number}: `{line}` was not run."
        for cell in notebook.cells
        for line in cell.dropped[:1]
    ]
    notes += handed["remarks"]
    if model.stale_predictions:
        notes.append(
            f"The model is fitted again after {model.stale_predictions} of its predictions: those "
            "are not the served model's."
        )
    targets = [handed["target"]] if isinstance(handed["target"], str) else handed["target"] or []
    texts = [*notebook.markdown(), *handed["documents"]]
    prepared = [] if handed["level"] == "raw" else handed["columns"]
    return {
        "level": handed["level"],
        "cut": handed["cut"],
        "described": described.columns(texts, [*handed["columns"], *targets], prepared),
        "provenance": {
            "notebook": notebook.stored_name,
            "notebook_sha256": notebook.sha256,
            "cell": model.cell,
            "estimator": model.served,
            "python": record["python"],
            "packages": handed["packages"],
            "data": record["files"],
            "metrics": list(model.metrics),
            "notes": notes,
        },
        "experiments": {
            "models": [
                {key: value for key, value in item.items() if key != "model"}
                | {"served": item["model"] == model.index}
                for item in record["experiments"]
            ],
            "figures": record["figures"]["kept"],
            "left_out": left_out(record["figures"]),
            "links": [vars(link) for link in links.find(notebook.cells)],
        },
    }


def left_out(figures: Mapping[str, Any]) -> list[str]:
    """Say how many of the notebook's figures are not kept, and why."""
    counts = Counter((item["cell"], item["why"]) for item in figures["left_out"])
    return [
        f"{number} figure{'s' * (number > 1)} of cell {cell} ({why})"
        for (cell, why), number in counts.items()
    ]


def _named(models: Sequence[Model], wanted: str) -> Model:
    fitting = [model for model in models if model.label == wanted]
    fitting = fitting or [m for m in models if wanted in (m.name, m.estimator, m.served)]
    if len(fitting) == 1:
        return fitting[0]
    how_many = "Several models are" if fitting else "No model is"
    raise UsageError(f"{how_many} called {wanted!r}. Say which:\n{listed(fitting or models)}")


def _models(items: Sequence[Mapping[str, Any]]) -> list[Model]:
    labels: list[str] = []
    for item in items:
        label = item["name"] or f"{item['estimator']}@{item['cell']}"
        again = sum(other.partition("#")[0] == label for other in labels)
        labels.append(f"{label}#{again + 1}" if again else label)
    return [
        _model(i, item, label) for i, (item, label) in enumerate(zip(items, labels, strict=True))
    ]


def _model(index: int, item: Mapping[str, Any], label: str) -> Model:
    return Model(
        index=index,
        label=label,
        doubts=tuple(item["doubts"]),
        name=item["name"],
        estimator=item["estimator"],
        served=item["served"],
        cell=item["cell"],
        rank=tuple(item["rank"]),
        reasons=tuple(item["reasons"]),
        samples=item["samples"],
        parameters=item["parameters"],
        metrics=tuple(item["metrics"]),
        stale_predictions=item["stale_predictions"],
    )


def _copy(origin: Path, folder: Path, scratch: Path) -> None:
    """Copy the notebook's folder, so that nothing the notebook writes touches the user's files."""

    def ignore(place: str, names: list[str]) -> set[str]:
        left_out = set(shutil.ignore_patterns(*LEFT_OUT)(place, names))
        for name in names:
            path = Path(place, name)
            plain = path.is_file() or path.is_dir()
            loop = path.is_symlink() and path.is_dir() and path.resolve() in origin.parents
            hidden = name.startswith(".") or (path / "pyvenv.cfg").is_file()
            if not plain or loop or hidden or path.resolve() in (scratch.resolve(), origin):
                left_out.add(name)
        return left_out

    size = 0
    for place, folders, files in os.walk(origin):
        left_out = ignore(place, [*folders, *files])
        folders[:] = [name for name in folders if name not in left_out]
        size += sum(
            Path(place, name).stat().st_size
            for name in files
            if name not in left_out and Path(place, name).is_file()
        )
        if size > MAX_FOLDER_BYTES:
            raise IntakeError(
                f"{origin} holds more than {MAX_FOLDER_BYTES // 10**9} GB, and the notebook is run "
                "in a copy of its folder. Put it into a folder of its own with its data."
            )
    try:
        shutil.copytree(origin, folder, ignore=ignore, ignore_dangling_symlinks=True)
    except OSError as error:  # shutil.Error is one
        raise IntakeError(f"{origin} cannot be copied to run the notebook in: {error}") from None


def _stop(process: "subprocess.Popen[str]", scratch: Path) -> None:
    """End the recorder and every process that the notebook started."""
    kill_all(process.pid, str(scratch))
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe:
            with suppress(BrokenPipeError):
                pipe.close()
