"""Write the reference pages from the code, and build the site into ``docs/site``.

python docs/build.py             build what can be built
python docs/build.py --strict    fail on every warning, broken link and forgotten page
"""

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import typer
import yaml

from mlship.cli import app
from mlship.errors import EXIT_CODES

DOCS = Path(__file__).parent
ROOT = DOCS.parent
PAGES = DOCS / "pages"
REFERENCE = PAGES / "reference"
SITE = DOCS / "site"
CONFIG = DOCS / "mkdocs.yml"
PACKAGE = ROOT / "template" / "src" / "{{ package }}"

FIELDS = {
    "name": "The project's name, from its `pyproject.toml`.",
    "title": "The name as people read it.",
    "description": "What the model does, in one sentence.",
    "level": "`raw`: rows as they are in the team's data. `direct`: the estimator's own input, "
    "which the notebook prepared.",
    "inputs": "The JSON Schema of one instance.",
    "inputs.type": "Always `object`: one instance is one row.",
    "inputs.additionalProperties": "Always `false`: an input of another name is refused.",
    "inputs.x-container": "What the estimator was fitted on: `dataframe`, `series`, `ndarray`, "
    "`list`, `array` of arrays, or `pictures`, whose files the project's code opens.",
    "inputs.x-dtype": "The dtype of an `ndarray`.",
    "inputs.required": "Every input, in the estimator's order.",
    "inputs.properties": "One entry for each input, by its column's name.",
    "inputs.properties.*.type": "`number`, `integer`, `boolean` or `string`; with `null` where "
    "values were missing.",
    "inputs.properties.*.enum": "The values that are accepted, where there are few.",
    "inputs.properties.*.format": "`date-time` for a column of moments, `date` where all "
    "of them are days.",
    "inputs.properties.*.description": "What the input means: what the notebook's Markdown "
    "says of it, or people write.",
    "inputs.properties.*.minimum": "The least value that is accepted. Written by people.",
    "inputs.properties.*.maximum": "The greatest value that is accepted. Written by people.",
    "inputs.properties.*.x-unit": "The unit that the page shows: the one that the notebook's "
    "Markdown says, or people write.",
    "inputs.properties.*.x-dtype": "The dtype that the column is given back before the estimator "
    "sees it.",
    "inputs.properties.*.x-column": "The column's label, where it is no text.",
    "inputs.properties.*.x-categories-dtype": "The dtype of the values of a categorical column.",
    "inputs.properties.*.x-ordered": "Whether a categorical column has an order.",
    "inputs.properties.*.contentEncoding": "`base64` where the input is the file of a picture.",
    "inputs.properties.*.contentMediaType": "Its form, or `image/*` where there are several.",
    "inputs.properties.*.x-media-types": "The forms of pictures that are taken.",
    "inputs.properties.*.x-pixels": "The most pixels that a picture may have.",
    "inputs.properties.*.x-missing": "`None` where the column says so instead of NaN.",
    "inputs.properties.*.x-personal": "What tells that the column looks personal. Its values are "
    "in no `enum`, no range and no example. It may be set by hand.",
    "inputs.properties.*.x-observed": "What the model's rows showed: the page shows the range and "
    "warns outside it. It is no limit.",
    "inputs.properties.*.x-observed.missing": "The share of rows without a value.",
    "inputs.properties.*.x-observed.minimum": "The least value seen.",
    "inputs.properties.*.x-observed.maximum": "The greatest value seen.",
    "inputs.properties.*.x-observed.longest": "The length of the longest text seen.",
    "outputs": "What one prediction is.",
    "outputs.task": "`classification` answers a `label`, `regression` a `value`.",
    "outputs.name": "The name of the column that the model learned.",
    "outputs.unit": "The unit of a `value`, if the notebook's Markdown says it.",
    "outputs.labels": "The labels that can be answered.",
    "outputs.x-encoded": "What the model itself answers for each of the `labels`, where the "
    "notebook had encoded its target.",
    "outputs.targets": "Of a model that answers several targets at once, the `outputs` of each. An "
    "answer then holds `values`, or `labels` and `probabilities`, by their names.",
    "outputs.probabilities": "Whether each label comes with its probability.",
    "artifact": "The file that holds the fitted model.",
    "artifact.file": "Its name in `model/`.",
    "artifact.format": "`skops`, or `pickle` where skops cannot hold the model.",
    "artifact.sha256": "Its hash, checked before it is loaded. The first twelve digits are the "
    "version that the service names.",
    "artifact.types": "The types in it beyond those that skops knows; all from trusted packages.",
    "artifact.why": "Why it is a pickle.",
    "artifact.packages": "The versions that it was proven with; the service starts with no other.",
    "features": "The notebook's own code between the rows as loaded and the model's inputs, where "
    "it is proven.",
    "features.module": "The module in `model/src` that holds the code.",
    "features.columns": "The columns that the code is given, in their order.",
    "features.filled": "Columns that the code reads though no answer depends on them: no input, "
    "but given a value, by their names.",
    "features.filled.*.value": "That value.",
    "features.filled.*.x-dtype": "The column's dtype.",
    "features.learned": "What the code found in training.",
    "features.learned.values": "Its plain values.",
    "features.learned.values.file": "Their file in `model/`.",
    "features.learned.values.sha256": "Its hash, checked before it is read.",
    "features.learned.estimators": "Its fitted estimators, told of as `artifact` is.",
    "provenance": "Where the model comes from.",
    "provenance.notebook": "The notebook's file name.",
    "provenance.notebook_sha256": "The hash of the notebook as it was read.",
    "provenance.model_file": "The saved model's file, where there is no notebook.",
    "provenance.model_sha256": "Its hash.",
    "provenance.cell": "The code cell of the last fit, counted from 1.",
    "provenance.estimator": "The class that is served.",
    "provenance.python": "The Python that the notebook ran in, or that loaded the saved model.",
    "provenance.packages": "The versions of the model's libraries there. Where `artifact.packages` "
    "has another, the run's own cannot be had for the service's Python.",
    "provenance.data": "The data files that it read, or the rows of a saved model, each with its "
    "hash.",
    "provenance.metrics": "What the notebook measured of the model after its last fit.",
    "provenance.notes": "What was passed over or not run.",
}
"""What each part of the contract means; ``*`` stands for the name of an input."""
NAMED = ("inputs.properties", "features.filled", "provenance.packages")
"""Where the keys are names of inputs, columns or packages, and no fields."""


def cli() -> str:
    """Return the help of every command, as a terminal of 80 columns shows it."""
    group = typer.main.get_command(app)
    parts = ["# The command line", _help()]
    for name in group.commands:  # type: ignore[attr-defined]
        parts += [f"## mlship {name}", _help(name)]
    parts.append(
        "Results go to standard output, what is found on the way to standard error. The "
        "[exit codes](exit-codes.md) are the same for every command."
    )
    return "\n\n".join(parts)


def questions() -> str:
    """Return the template's questions, in the order in which they are asked."""
    config = yaml.safe_load((ROOT / "copier.yml").read_text("utf-8"))
    items = {name: item for name, item in config.items() if not name.startswith("_")}
    asked = {name: item for name, item in items.items() if item.get("when") is not False}
    parts = [
        "# The template's questions",
        "Answer one with `mlship new -d KEY=VALUE`, several with `--data-file FILE.yml`, and take "
        "the defaults of the rest with `--defaults`. A default in double braces is a Jinja "
        "expression over the other answers. mlship answers `python_version` itself, from the "
        "notebook's Python, unless you do, and offers git's `user.name` as `author_name`.",
    ]
    for name, item in asked.items():
        parts += [f"## {name}", f"{item['help']}", _facts(item)]
    parts += ["## Derived", "Never asked and never recorded: fixed, or made from the answers."]
    rows = [f"- `{name}` ({item['type']})" for name, item in items.items() if name not in asked]
    return "\n\n".join([*parts, "\n".join(rows)])


def signature() -> str:
    """Return the contract, field by field, with the one that the tutorial made.

    Raises:
        ValueError: ``FIELDS`` lacks a field of the tutorial's contract, or has one that the
            template's code does not know.
    """
    text = (PAGES / "assets" / "signature.json").read_text("utf-8")
    used = set(_paths(json.loads(text)))
    code = "".join(path.read_text("utf-8") for path in PACKAGE.glob("*.py"))
    for name in ("intake.py", "saved.py"):
        code += (ROOT / "src" / "mlship" / name).read_text("utf-8")
    unknown = [path for path in FIELDS if f'"{path.rpartition(".")[2]}"' not in code]
    if used - FIELDS.keys() or unknown:
        raise ValueError(f"FIELDS lacks {sorted(used - FIELDS.keys())}; nobody writes {unknown}")
    rows = [f"| `{path}` | {meaning} |" for path, meaning in FIELDS.items()]
    return "\n\n".join(
        [
            "# The contract: model/signature.json",
            "`pack` infers it from the rows that the model is proven on. The API builds its "
            "types from it, the page reads it through `GET /model`, and the tests compare it. "
            "What people add to an input by hand survives the next packing.",
            "\n".join(["| field | meaning |", "|---|---|", *rows]),
            "A name that begins with `x-` says more than JSON Schema does. `GET /model` shows "
            "`x-observed` and `x-unit` and leaves the others out.",
            "## An example",
            "The contract of the project that the [tutorial](../tutorial.md) makes:",
            f"```json\n{text.strip()}\n```",
        ]
    )


def exit_codes() -> str:
    """Return what each exit code means."""
    rows = [f"| {code} | {meaning} |" for code, meaning in EXIT_CODES.items()]
    return "\n".join(["# Exit codes", "", "| code | meaning |", "|---|---|", *rows])


def modules() -> str:
    """Return what each module says of itself."""
    places = {
        "mlship": ROOT / "src" / "mlship",
        "mlship.recorder, in the notebook's interpreter": ROOT / "src" / "mlship" / "recorder",
        "mlship.loader, in the saved model's interpreter": ROOT / "src" / "mlship" / "loader",
        "src/<package> of a project": PACKAGE,
        "ui of a project": ROOT / "template" / "ui",
    }
    parts = ["# The modules", "The first sentence of each file."]
    for title, folder in places.items():
        rows = [f"| `{path.name}` | {said} |" for path, said in _documented(folder)]
        parts += [f"## {title}", "\n".join(["| file | owns |", "|---|---|", *rows])]
    return "\n\n".join(parts)


WRITERS = {
    "cli.md": cli,
    "questions.md": questions,
    "signature.md": signature,
    "modules.md": modules,
    "exit-codes.md": exit_codes,
}


def main() -> None:
    """Write the references, build the site and, if asked to be strict, check it."""
    strict = "--strict" in sys.argv[1:]
    shutil.rmtree(REFERENCE, ignore_errors=True)
    REFERENCE.mkdir()
    for name, write in WRITERS.items():
        (REFERENCE / name).write_text(write() + "\n", "utf-8")
    shutil.rmtree(SITE, ignore_errors=True)
    command = [sys.executable, "-m", "zensical", "build", "--clean", "--config-file", str(CONFIG)]
    built = subprocess.run([*command, "--strict"] if strict else command, check=False)
    problems = [*_forgotten(), *_broken()]
    for problem in problems:
        print(f"warning: {problem}", file=sys.stderr)
    if built.returncode or (strict and problems):
        sys.exit(f"error: the site is not whole: {len(problems)} problems beside Zensical's own")


def _help(*command: str) -> str:
    environment = {**os.environ, "COLUMNS": "80", "TERM": "dumb"}
    shown = subprocess.run(
        [Path(sys.executable).with_name("mlship"), *command, "--help"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    called = " ".join(["mlship", *command, "--help"])
    return f"```console\n$ {called}\n{shown.stdout.strip()}\n```"


def _documented(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield each module of a folder with the first paragraph of its docstring, as Markdown."""
    for path in sorted(folder.glob("*.py")):
        text = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
        said = " ".join(text.partition("\n\n")[0].split()).replace("``", "`")
        if said:
            yield path, said


def _facts(item: Mapping[str, Any]) -> str:
    lines = [f"- type: {item['type']}"]
    choices = item.get("choices", [])
    if isinstance(choices, dict):
        lines.append("- choices: " + ", ".join(f"`{v}` ({k})" for k, v in choices.items()))
    elif choices:
        lines.append("- choices: " + ", ".join(f"`{value}`" for value in choices))
    return "\n".join([*lines, f"- default: `{item['default']}`"])


def _paths(value: Any, at: str = "") -> Iterator[str]:
    """Yield the path of each field of a contract."""
    if not isinstance(value, dict) or at in ("artifact.packages", "features.learned.estimators"):
        return
    for key, part in value.items():
        path = f"{at}.{'*' if at in NAMED else key}".lstrip(".")
        if not path.endswith("*"):
            yield path
        yield from _paths(part, path)


def _forgotten() -> Iterator[str]:
    """Compare the navigation with the pages, which Zensical does not."""
    config = yaml.safe_load(CONFIG.read_text("utf-8"))
    listed = set(_leaves(config["nav"]))
    there = {str(path.relative_to(PAGES)) for path in PAGES.rglob("*.md")}
    yield from (f"{page} is in the navigation, but not there" for page in sorted(listed - there))
    yield from (f"{page} is not in the navigation" for page in sorted(there - listed))


def _leaves(nav: Any) -> Iterator[str]:
    if isinstance(nav, str):
        yield nav
    else:
        for part in nav.values() if isinstance(nav, dict) else nav:
            yield from _leaves(part)


class _Page(HTMLParser):
    """The addresses that a built page refers to, and the places in it that others can."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.places: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take note of one element."""
        for name, value in attrs:
            if name in ("href", "src") and value:
                self.links.append(value)
            elif name == "id" and value:
                self.places.add(value)


def _broken() -> Iterator[str]:
    """Follow every relative link of the built site: Zensical looks at Markdown pages only."""
    pages = {path.resolve(): _Page(path.read_text("utf-8")) for path in SITE.rglob("*.html")}
    for path, page in pages.items():
        if path.name == "404.html":
            continue  # its links start at the address of the site
        for link in dict.fromkeys(page.links):
            url = urlsplit(link)
            if url.scheme or url.netloc:
                continue
            target = (path.parent / unquote(url.path)).resolve() if url.path else path
            target = target / "index.html" if target.is_dir() else target
            known = pages[target].places if target in pages else set()
            if not target.is_file() or (
                target in pages and url.fragment and unquote(url.fragment) not in known
            ):
                yield f"{path.relative_to(SITE)} links to {link}, which is not there"


if __name__ == "__main__":
    main()
