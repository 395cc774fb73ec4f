"""The commands: each parses, calls one function, prints and ends."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from . import __version__
from .errors import UsageError

app = typer.Typer(
    name="mlship",
    help="Turn a notebook into a running, proven prediction service and its page.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

NotebookOption = Annotated[
    Path | None,
    typer.Option("--notebook", "-n", help="The notebook; without it, a small example."),
]
PythonOption = Annotated[
    Path | None,
    typer.Option(help="The interpreter or environment that the notebook runs in."),
]
AsOfOption = Annotated[
    str | None,
    typer.Option(
        "--as-of",
        metavar="DAY",
        help="Where uv builds the notebook's environment: with the libraries of that day "
        "(YYYY-MM-DD), or of the notebook's own ('notebook').",
    ),
]
EstimatorOption = Annotated[
    str | None,
    typer.Option(help="The model to serve where several could be meant: its name or class@cell."),
]
MapOption = Annotated[
    list[str] | None,
    typer.Option("--map", metavar="NAME=PATH", help="Where the data file NAME really is."),
]
SyntheticOption = Annotated[
    bool,
    typer.Option(
        "--synthetic-rows", help="Keep made-up rows for the project's tests, no real one."
    ),
]
ModelOption = Annotated[
    Path | None,
    typer.Option(help="A saved model instead of a notebook: a file, or an MLflow folder."),
]
RowsOption = Annotated[
    Path | None,
    typer.Option(
        help="With --model: rows that it is proven on (CSV, Parquet, JSON records, Excel, NPY)."
    ),
]
PickleOption = Annotated[
    bool,
    typer.Option("--allow-pickle", help="With --model: open a pickle, which may run any code."),
]
TargetOption = Annotated[
    str | None, typer.Option(help="With --model: the column of the rows that it learned.")
]
TimeoutOption = Annotated[
    float,
    typer.Option(
        min=1,
        metavar="SECONDS",
        help="Processor time that one cell may use; it may wait for as long again.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print only results and errors.")]
VerboseOption = Annotated[
    bool, typer.Option("--verbose", "-v", help="List every statement that failed, with its source.")
]


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"mlship {__version__}")
        raise typer.Exit


@app.callback()
def mlship(
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_show_version, help="Show the version."),
    ] = False,
) -> None:
    """Turn a notebook into a running, proven prediction service and its page."""


@app.command()
def new(
    path: Annotated[
        Path | None, typer.Argument(help="The new project's folder; default: the notebook's name.")
    ] = None,
    notebook: NotebookOption = None,
    python: PythonOption = None,
    as_of: AsOfOption = None,
    estimator: EstimatorOption = None,
    maps: MapOption = None,
    synthetic_rows: SyntheticOption = False,
    model: ModelOption = None,
    rows: RowsOption = None,
    allow_pickle: PickleOption = False,
    target: TargetOption = None,
    cell_timeout: TimeoutOption = 3600,
    data: Annotated[
        list[str] | None,
        typer.Option(
            "--data", "-d", metavar="KEY=VALUE", help="Answer a question of the template."
        ),
    ] = None,
    data_file: Annotated[
        Path | None, typer.Option(help="A YAML file with answers; --data goes before it.")
    ] = None,
    defaults: Annotated[
        bool, typer.Option("--defaults", "-l", help="Take the default for every other question.")
    ] = False,
    template: Annotated[
        str | None, typer.Option(help="Another template: a git URL or a folder.")
    ] = None,
    ref: Annotated[str | None, typer.Option(help="The template's version (a tag).")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List the files only; the notebook is not run.")
    ] = False,
    no_git: Annotated[bool, typer.Option("--no-git", help="Make no git repository.")] = False,
    no_install: Annotated[
        bool, typer.Option("--no-install", help="Leave no environment in the project.")
    ] = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Make a project from a notebook: run it, find its model, render, lock and prove it.

    Giving a notebook is the consent to run it, in a copy of its folder and with your rights. A
    saved model is loaded and asked the rows that are given with it.
    """
    import tempfile

    from . import project
    from .console import Console

    _check_source(notebook, model, rows, allow_pickle, target, estimator, maps, python, as_of)
    named = notebook or model
    request = project.Request(
        target=path or Path(named.stem.replace(" ", "-").lower() if named else "iris-demo"),
        model=model,
        rows=rows,
        allow_pickle=allow_pickle,
        notebook=notebook,
        python=python,
        as_of=as_of,
        estimator=estimator,
        maps=_maps(maps),
        synthetic_rows=synthetic_rows,
        learned=target,
        cell_seconds=cell_timeout,
        answers=_answers(data, data_file),
        defaults=defaults,
        template=template,
        ref=ref,
        git=not no_git,
        install=not no_install,
    )
    if dry_run:
        with tempfile.TemporaryDirectory() as folder:
            files = [str(file) for file in project.render_only(request, Path(folder))]
        print(json.dumps(files) if as_json else "\n".join(files))
        return
    created = project.create(request, Console(quiet, verbose))
    if as_json:
        result = {
            "path": str(created.path),
            "level": created.level,
            "estimator": created.estimator,
            "parity": created.parity,
            "committed": created.committed,
            "installed": created.installed,
        }
        print(json.dumps(result))
    elif not quiet:
        print(_next_steps(created.path))


@app.command()
def inspect(
    notebook: Annotated[
        Path | None, typer.Argument(help="The notebook; or give --model and --rows.")
    ] = None,
    python: PythonOption = None,
    as_of: AsOfOption = None,
    estimator: EstimatorOption = None,
    maps: MapOption = None,
    model: ModelOption = None,
    rows: RowsOption = None,
    allow_pickle: PickleOption = False,
    target: TargetOption = None,
    cell_timeout: TimeoutOption = 3600,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Run a notebook and show what a project would be made of; nothing is written.

    It is run in a copy of its folder, with your rights. A saved model is loaded and asked its rows.
    """
    from . import inspection, saved
    from .console import Console

    _check_source(notebook, model, rows, allow_pickle, target, estimator, maps, python, as_of)
    console = Console(quiet)
    if model:
        taken = saved.read(model, rows, allow_pickle, target)
        result, refused = inspection.inspect_model(taken, python, console)
    elif notebook:
        result, refused = inspection.inspect(
            notebook, python, estimator, _maps(maps), console, cell_timeout, as_of
        )
    else:
        raise UsageError("Give a notebook, or a saved model with --model and --rows.")
    print(json.dumps(result, indent=2) if as_json else inspection.shown(result))
    if refused:
        raise refused


@app.command()
def doctor(
    project: Annotated[Path, typer.Argument(help="The project's folder.")] = Path(),
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Say what would not work on this machine, in a project and at its targets, and the cure.

    Nothing is changed. It ends with 3 if something fails; a warning is no failure.
    """
    from . import doctor as examination
    from .console import Console
    from .finding import shown

    findings = examination.examine(project, Console(quiet))
    if as_json:
        print(json.dumps(examination.described(project, findings), indent=2))
    else:
        print(shown(findings))
    failure = examination.failure(findings)
    if failure:
        raise failure


@app.command()
def sync() -> None:
    """Put this mlship's template where `copier update` looks for it on this machine."""
    from . import template

    print(template.sync())


def _next_steps(path: Path) -> str:
    import os
    import shlex

    from .uv import typed

    uv = typed()
    return "\n".join(
        [
            f"{path} is ready. Next:",
            f"  cd {shlex.quote(os.path.relpath(path))}",
            f"  {uv} run poe demo     start the API and the page, ask for one prediction",
            f"  {uv} run poe down     stop them",
            f"  {uv} run poe check    run every test, linter and type check",
        ]
    )


def _check_source(
    notebook: Path | None,
    model: Path | None,
    rows: Path | None,
    allow_pickle: bool,
    target: str | None,
    estimator: str | None,
    maps: Sequence[str] | None,
    python: Path | None,
    as_of: str | None,
) -> None:
    """Refuse options that do not go together: a project has one source."""
    if model and notebook:
        raise UsageError("Give a notebook or a saved model (--model), not both.")
    if model and (estimator or maps):
        raise UsageError("--estimator and --map are for notebooks; a saved model is one model.")
    if as_of and (model or python):
        raise UsageError(
            "--as-of is for the environment of a notebook that uv builds: it goes with neither "
            "--model nor --python."
        )
    if not model and (rows or allow_pickle or target):
        raise UsageError("--rows, --allow-pickle and --target go with --model.")


def _maps(pairs: Sequence[str] | None) -> dict[str, Path]:
    maps = {name: Path(value) for name, value in _pairs(pairs, "--map").items()}
    for path in maps.values():
        if not path.is_file():
            raise UsageError(f"--map: {path} is no file.")
    return maps


def _answers(pairs: Sequence[str] | None, file: Path | None) -> dict[str, Any]:
    answers: dict[str, Any] = {}
    if file:
        import yaml

        try:
            answers = yaml.safe_load(file.read_text(encoding="utf-8"))
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise UsageError(f"{file} cannot be read as YAML: {error}") from None
        if not isinstance(answers, dict):
            raise UsageError(f"{file} holds no answers: it must map questions to values.")
    return answers | _pairs(pairs, "--data")


def _pairs(pairs: Sequence[str] | None, option: str) -> dict[str, str]:
    found = {}
    for pair in pairs or []:
        name, separator, value = pair.partition("=")
        if not separator or not name:
            raise UsageError(f"{option} takes NAME=VALUE, not {pair!r}.")
        found[name] = value
    return found
