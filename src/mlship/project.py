"""Make a project: check, ask and render, run the notebook, lock, prove, and only then put it there.

Everything happens in a staging folder beside the target, so that the target is either absent or
complete.
"""

import difflib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from . import asof, code, intake, interpreter, notebook, pins, saved, template, uv
from .console import Console
from .errors import IntakeError, PreconditionError, UsageError
from .interpreter import Interpreter
from .notebook import Notebook
from .pins import Replaced
from .saved import Saved

EXAMPLE = Path(__file__).parent / "example.ipynb"
OLDEST = (3, 11)
"""The oldest Python that the service's own libraries take."""
SAID = 300
"""Characters of a failure that follow a list of versions."""


@dataclass(frozen=True)
class Request:
    """What the user asked for."""

    target: Path
    notebook: Path | None = None
    python: Path | None = None
    as_of: str | None = None
    """A day, or ``asof.NOTEBOOK``: whose libraries uv takes where it builds the environment."""
    estimator: str | None = None
    maps: Mapping[str, Path] = field(default_factory=dict)
    synthetic_rows: bool = False
    model: Path | None = None
    """A saved model, instead of a notebook."""
    rows: Path | None = None
    """Rows to prove it on."""
    allow_pickle: bool = False
    learned: str | None = None
    """The column of ``rows`` that it learned."""
    cell_seconds: float = intake.CELL_SECONDS
    answers: Mapping[str, Any] = field(default_factory=dict)
    defaults: bool = False
    template: str | None = None
    ref: str | None = None
    git: bool = True
    install: bool = True


@dataclass(frozen=True)
class Created:
    """What came of it."""

    path: Path
    level: str
    estimator: str
    parity: Mapping[str, Any]
    committed: bool
    installed: bool


def create(request: Request, console: Console) -> Created:
    """Make the project that ``request`` describes.

    Raises:
        MlshipError: one of its kinds, for each thing that can be in the way. Nothing is left
            behind then. What can fail after the project is in place is only noted.
    """
    target = _free(request.target)
    source = template.resolve(request.template, request.ref)
    request = replace(request, answers=_checked(request.answers, source))
    taken = _read(request)
    with tempfile.TemporaryDirectory(prefix="mlship-") as folder:
        scratch = Path(folder)
        python = _find_python(request, taken, scratch, console)
        console.found("python", f"{python.minor}, {python.found}")
        for note in taken.notes if isinstance(taken, Notebook) else ():
            console.note(note)
        with tempfile.TemporaryDirectory(prefix=".mlship-", dir=target.parent) as beside:
            staged = Path(beside) / target.name
            _render(request, source, staged, taken, _serving_python(python))
            _require_python(staged)
            handover = scratch / "handover"
            handover.mkdir()
            if isinstance(taken, Saved):
                handed = _load(request, taken, python, handover, console)
            else:
                handed = _take_in(request, taken, python, scratch, handover, console)
            _write_model_zone(staged, taken, handed["packages"])
            code.write(staged, handed["code"], handed.get("tests", {}))
            pictures = _write_figures(staged, scratch / "figures")
            with console.step("locking the environments of the service and the page"):
                replaced = pins.lock(staged, handed["packages"])
            with console.step("packing the model and proving it in the service's environment"):
                receipt = _pack(staged, handover, scratch, replaced)
            parity = receipt["parity"]
            console.found(
                "proof",
                f"{parity['rows']} rows together and {parity['single_rows']} one at a time are "
                f"answered as {'by the saved model' if request.model else 'in the notebook'} "
                f"(largest difference {parity['largest_difference']:.1g})",
            )
            if replaced:
                console.note(
                    f"Proven with {pins.said(replaced)}: the run's own versions cannot be had for "
                    f"the service's Python."
                )
            if parity["unservable_rows"]:
                console.note(
                    f"{parity['unservable_rows']} rows hold an infinite number: not served."
                )
            try:
                staged.replace(target)
            except OSError as error:
                raise PreconditionError(f"{target} is there by now: {error}") from None
    committed = request.git and _commit(target, console)
    whose = taken.rows.name if isinstance(taken, Saved) else "the notebook's data"
    for note in _privacy(request, handed, whose):
        console.note(note)
    if pictures:
        console.note(
            f"notebooks/figures/ holds {pictures} of the notebook's pictures, which may show "
            "people's data; the model card shows them."
        )
    installed = request.install and _install(target, console)
    return Created(target, handed["level"], handed["estimator"], parity, committed, installed)


def render_only(request: Request, folder: Path) -> list[Path]:
    """Render what a dry run shows into ``folder`` and return the files' relative paths."""
    source = template.resolve(request.template, request.ref)
    request = replace(request, answers=_checked(request.answers, source))
    taken = _read(request)
    staged = folder / request.target.resolve().name
    _render(request, source, staged, taken, f"{sys.version_info[0]}.{sys.version_info[1]}")
    if isinstance(taken, Notebook):
        (staged / "notebooks" / taken.stored_name).touch()
    return sorted(path.relative_to(staged) for path in staged.rglob("*") if path.is_file())


def _read(request: Request) -> Notebook | Saved:
    if request.model:
        return saved.read(request.model, request.rows, request.allow_pickle, request.learned)
    return notebook.read(request.notebook or EXAMPLE)


def _find_python(
    request: Request, taken: Notebook | Saved, scratch: Path, console: Console
) -> Interpreter:
    if isinstance(taken, Saved):
        with console.step("looking for a Python that loads the model"):
            python = interpreter.find_for_model(taken, request.python, scratch)
        console.found("saved", f"{taken.file} ({taken.format}), with the rows of {taken.rows}")
    else:
        day = asof.read(request.as_of, taken.path) if request.as_of else None
        with console.step("looking for the notebook's Python"):
            python = interpreter.find(taken, request.python, scratch, day)
        console.found("notebook", f"{taken.path} ({len(taken.cells)} code cells)")
    return python


def _free(target: Path) -> Path:
    """Return the absolute target if a project can be put there."""
    if not shutil.which("git"):
        raise PreconditionError("git is not installed, and templates need it.")
    if any(ord(letter) < 32 for letter in str(target)):
        raise UsageError("The path holds control characters.")
    target = Path(os.path.abspath(target))  # noqa: PTH100 - a link stays a link
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise PreconditionError(f"{target} exists and is no folder; choose another path.")
    if target.is_dir() and any(target.iterdir()):
        raise PreconditionError(f"{target} exists and is not empty; choose another path.")
    if target == Path.cwd():
        raise PreconditionError(f"{target} is the folder you are in; go to its parent for this.")
    if not target.parent.is_dir():
        raise PreconditionError(f"{target.parent} does not exist; make it first.")
    if not os.access(target.parent, os.W_OK):
        raise PreconditionError(f"{target.parent} cannot be written to.")
    return target


def _checked(answers: Mapping[str, Any], source: template.Source) -> dict[str, Any]:
    """Return the answers, those to questions with several answers as lists.

    Raises:
        UsageError: there is no such question, or no such choice where there are several.
    """
    asked = source.asked()
    checked = dict(answers)
    for name, answer in answers.items():
        if name not in asked:
            near = difflib.get_close_matches(name, asked, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise UsageError(
                f"The template has no question {name!r}.{hint} It asks: {', '.join(asked)}."
            )
        if asked[name].get("multiselect"):
            given = answer.strip("[] ").split(",") if isinstance(answer, str) else answer or []
            checked[name] = [choice.strip() for choice in given if choice.strip()]
            choices = list(asked[name]["choices"].values())
            unknown = [choice for choice in checked[name] if choice not in choices]
            if unknown:
                raise UsageError(
                    f"{name!r} has no choice {unknown[0]!r}; choose from {', '.join(choices)}."
                )
    return checked


def _render(
    request: Request,
    source: template.Source,
    staged: Path,
    taken: Notebook | Saved,
    python: str,
) -> None:
    import copier
    from copier.errors import CopierError, InteractiveSessionError
    from jinja2 import TemplateError
    from plumbum import ProcessExecutionError

    given = {"python_version": python, **request.answers, "example": False}
    given["saved"] = isinstance(taken, Saved)
    if isinstance(taken, Notebook) and taken.prose:
        given["why"] = taken.prose
    try:
        copier.run_copy(
            source.location,
            staged,
            data=given,
            user_defaults=_known_defaults(taken),
            defaults=request.defaults,
            vcs_ref=source.ref,
            quiet=True,
        )
    except KeyboardInterrupt:
        raise
    except InteractiveSessionError:
        missing = [name for name in source.asked() if name not in given]
        raise UsageError(
            "There is no terminal to ask in: take the defaults with --defaults, or answer with "
            f"-d KEY=VALUE ({', '.join(missing[:8])})."
        ) from None
    except ProcessExecutionError as error:
        raise PreconditionError(f"git failed: {str(error.stderr).strip()}") from None
    except (CopierError, TemplateError, ValueError, TypeError) as error:
        said = str(getattr(error, "message", error)) or repr(error)
        hint = "\nGive another with -d project_name=NAME." if "'project_name'" in said else ""
        raise UsageError(said + hint) from None


def _known_defaults(taken: Notebook | Saved) -> dict[str, str]:
    """Return better defaults than the template's: the notebook's title, git's user."""
    known = {}
    if isinstance(taken, Notebook) and taken.title and taken.title.isprintable():
        known["description"] = taken.title[:300]
    result = subprocess.run(
        ["git", "config", "--get", "user.name"], capture_output=True, text=True, check=False
    )
    if result.stdout.strip():
        known["author_name"] = result.stdout.strip()
    return known


def _serving_python(python: Interpreter) -> str:
    """Return the minor version to serve on: the run's own, or the oldest here that can serve."""
    if python.version[:2] >= OLDEST:
        return python.minor
    able = [minor for minor in asof.RELEASED if tuple(map(int, minor.split("."))) >= OLDEST]
    return next((minor for minor in able if uv.python(minor)), able[0])


def _require_python(staged: Path) -> None:
    """Refuse early when the service's Python is neither on this machine nor to be had."""
    answers = yaml.safe_load((staged / ".copier-answers.yml").read_text(encoding="utf-8"))
    version = str(answers["python_version"])
    try:
        uv.run(["python", "find", version])
    except uv.UvError:
        try:
            uv.run(["python", "install", version])
        except uv.UvError as error:
            last = str(error).splitlines()[-1].strip()
            raise PreconditionError(
                f"The project is for Python {version}, which is not on this machine and cannot be "
                f"downloaded ({last})."
            ) from None


def _take_in(
    request: Request,
    taken: Notebook,
    python: Interpreter,
    scratch: Path,
    handover: Path,
    console: Console,
) -> dict[str, Any]:
    """Run the notebook, choose its model and have it written into ``handover``.

    Returns:
        What the recorder knows of what it handed over, and the class that is served.
    """
    with (
        console.step(f"running {taken.path.name}") as progress,
        intake.run(taken, python, request.maps, scratch, progress, request.cell_seconds) as run,
    ):
        progress.stop()
        console.errors(run.record["errors"])
        ask = console.ask if not request.defaults and console.interactive else None
        with asof.hinting(python.newest, run.record["errors"]):
            model = intake.choose(
                run.models, request.estimator, ask, run.record["errors"], run.record["unserved"]
            )
            console.found("model", f"{intake.said(model)} ({'; '.join(model.reasons)})")
            handed = run.hand_over(model, handover, request.synthetic_rows)
        console.found(
            "level", f"{handed['level']}: {handed['why']} ({handed['rows']} x {handed['inputs']})"
        )
        facts = intake.facts(taken, run.record, model, handed)
    (handover / "facts.json").write_text(json.dumps(facts), encoding="utf-8")
    return {**handed, "estimator": model.served}


def _load(
    request: Request, taken: Saved, python: Interpreter, handover: Path, console: Console
) -> dict[str, Any]:
    """Have the saved model and its answers written into ``handover``; return what is known."""
    with console.step(f"loading {taken.name}"):
        handed = saved.hand_over(taken, python, handover, request.synthetic_rows)
    console.found("model", f"{handed['estimator']} of {taken.name}")
    console.found(
        "level", f"{handed['level']}: {handed['why']} ({handed['rows']} x {handed['inputs']})"
    )
    for note in handed["notes"]:
        console.note(note)
    facts = saved.facts(taken, handed)
    (handover / "facts.json").write_text(json.dumps(facts), encoding="utf-8")
    return handed


def _write_model_zone(staged: Path, taken: Notebook | Saved, packages: Mapping[str, str]) -> None:
    """Write what is known before packing: the notebook, and the versions that the model needs."""
    if isinstance(taken, Notebook):
        text = json.dumps(taken.stripped, indent=1, ensure_ascii=False) + "\n"
        (staged / "notebooks" / taken.stored_name).write_text(text, encoding="utf-8")
        (staged / "notebooks" / ".gitkeep").unlink(missing_ok=True)
    pins.write(staged, packages)


def _write_figures(staged: Path, figures: Path) -> int:
    """Write the pictures of the run, which the README and the model card show; count them."""
    pictures = sorted(figures.glob("*.png"))
    if pictures:
        shutil.copytree(figures, staged / "notebooks" / "figures")
    return len(pictures)


def _pack(
    staged: Path, handover: Path, scratch: Path, replaced: Sequence[Replaced]
) -> dict[str, Any]:
    """Pack in the project's own locked environment, which is made outside and not kept."""
    apart = {"UV_PROJECT_ENVIRONMENT": str(scratch / "service")}
    package = next((staged / "src").iterdir()).name
    try:
        uv.run(["sync", "--frozen", "--no-dev"], cwd=staged, environment=apart)
    except uv.UvError as error:
        raise IntakeError(f"The service's environment cannot be installed:\n{error}") from None
    run = ["run", "--frozen", "--no-dev", "--no-sync", "python", "-m"]
    try:
        uv.run([*run, f"{package}.pack", "--handover", str(handover)], staged, apart)
        uv.run([*run, f"{package}.openapi"], staged, apart)
    except uv.UvError as error:
        last = str(error).splitlines()[-1].removeprefix("error: ")
        if replaced:
            raised = re.findall(r"^(?:[\w.]+Error|error): .+", str(error), re.MULTILINE)
            last = raised[-1].removeprefix("error: ") if raised else last
            last = last if len(last) < SAID else f"{last[:SAID]} ..."
            raise IntakeError(
                f"The versions of the run cannot be had for the service's Python, and with the "
                f"nearest ones ({pins.said(replaced)}) the model does not serve: {last}\n"
                "Fit it again with newer libraries, in Python 3.11 or newer."
            ) from None
        raise IntakeError(last if "error: " in str(error) else str(error)) from None
    for cache in staged.rglob("__pycache__"):
        shutil.rmtree(cache)
    receipt: dict[str, Any] = json.loads((staged / "model/receipt.json").read_text("utf-8"))
    return receipt


def _privacy(request: Request, handed: Mapping[str, Any], whose: str) -> Iterator[str]:
    """Say which columns look personal, and what of the data the project holds."""
    if handed["personal"]:
        yield f"These columns look personal: {intake.personal(handed)}."
    if request.synthetic_rows:
        yield "tests/parity/rows.json holds made-up rows only; the proof used all real ones."
    else:
        yield (
            f"tests/parity/rows.json holds up to 50 real rows of {whose}"
            + ("; --synthetic-rows keeps them out." if handed["personal"] else ".")
        )


def _install(target: Path, console: Console) -> bool:
    try:
        with console.step("installing the service and the page"):
            uv.run(["sync", "--frozen"], cwd=target)
            uv.run(["sync", "--frozen"], cwd=target / "ui")
    except uv.UvError as error:
        console.note(f"The project is complete, but its environments are not installed: {error}")
        return False
    return True


def _commit(target: Path, console: Console) -> bool:
    """Make the first commit, unless ``target`` lies inside a repository already."""

    def git(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["git", *arguments], cwd=target, capture_output=True, text=True, check=False
        )

    if git("rev-parse", "--is-inside-work-tree").returncode == 0:
        console.note("The project lies inside a git repository, so it was not made one itself.")
        return False
    git("init", "--quiet", "--initial-branch", "main")
    git("add", "--all")
    result = git("commit", "--quiet", "--no-verify", "--message", "Start from the mlship template")
    if result.returncode:
        console.note(
            "git could not commit, so the files are only staged: "
            + (result.stderr.strip().splitlines() or ["no reason given"])[-1]
        )
    return result.returncode == 0
