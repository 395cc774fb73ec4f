"""Read a notebook: its cells as Python that any interpreter takes, and what it says of itself."""

import ast
import hashlib
import itertools
import json
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import credentials, ipynb, prose
from .errors import IntakeError

KEPT_CELL_MAGICS = {"%%time", "%%timeit", "%%capture", "%%prun"}
"""Cell magics that only watch the code below them, which therefore still runs."""
HOME = re.compile(r"(?<![\w.])(?:/home|/Users|[A-Za-z]:(?:\\{1,2}|/)Users)[\\/]+[\w.-]")


@dataclass(frozen=True)
class Cell:
    """A code cell; ``number`` counts the code cells from 1."""

    number: int
    source: str
    dropped: tuple[str, ...] = ()
    """Lines that are IPython's or the shell's, and are not run."""


@dataclass(frozen=True)
class Notebook:
    """What a notebook file holds, outputs left out."""

    path: Path
    sha256: str
    cells: tuple[Cell, ...]
    kernel: str | None
    title: str | None
    """The first heading."""
    prose: str
    """What the notebook says before its first code cell, as Markdown for a README."""
    stripped: dict[str, Any]
    """The notebook as nbformat 4 JSON without outputs and execution counts."""
    notes: tuple[str, ...] = ()
    """What its author may want to know before it is shared."""

    @property
    def stored_name(self) -> str:
        """The file's name in a project, where every notebook is an .ipynb."""
        return f"{self.path.stem}.ipynb"

    def markdown(self) -> list[str]:
        """Return the text of each Markdown cell."""
        cells = [cell for cell in self.stripped["cells"] if cell["cell_type"] == "markdown"]
        return ["".join(cell["source"]) for cell in cells]

    def imports(self) -> set[str]:
        """Return the top-level modules that the cells need from outside the standard library.

        An import inside ``try`` is optional, and a module that lies beside the notebook is there.
        """
        found: set[str] = set()
        for cell in self.cells:
            try:
                tree = ast.parse(cell.source)
            except (SyntaxError, ValueError, MemoryError, RecursionError):
                continue
            optional = {
                id(part)
                for attempt in ast.walk(tree)
                if isinstance(attempt, ast.Try)
                for part in ast.walk(attempt)
            }
            for node in ast.walk(tree):
                if id(node) in optional:
                    continue
                if isinstance(node, ast.Import):
                    found.update(alias.name.split(".")[0] for alias in node.names)
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    found.add(node.module.split(".")[0])
        folders = self.path.resolve().parents[:3]
        beside = set().union(*map(_modules_in, folders))
        return found - set(sys.stdlib_module_names) - beside - {"__main__"}


def read(path: Path) -> Notebook:
    """Read a Jupyter notebook of any version, or a Python script in the percent format.

    Raises:
        IntakeError: the file is no notebook, or not one in Python, or it holds a secret.
    """
    content, node = ipynb.load(path)
    language = _mapping(node, "kernelspec").get("language")
    language = language or _mapping(node, "language_info").get("name", "python")
    if str(language).lower() not in {"python", "python3", "ipython"}:
        raise IntakeError(
            f"{path} is a notebook in {str(language)[:40]!r}; mlship takes Python notebooks."
        )
    sources = [str(cell.source) for cell in node.cells if cell.cell_type == "code"]
    cells = tuple(_clean(number, source) for number, source in enumerate(sources, start=1))
    if not any(cell.source.strip() for cell in cells):
        raise IntakeError(f"{path} has no code cells, so there is no model in it.")
    _refuse_secrets(path, node)
    title, said = _opening(node)
    digest = hashlib.sha256(content).hexdigest()
    return Notebook(
        path, digest, cells, _kernel(node), title, said, ipynb.stored(node), _notes(node)
    )


def _modules_in(folder: Path) -> set[str]:
    """Return the modules and packages in a folder, in which others may be at work meanwhile."""
    if not os.access(folder, os.R_OK):
        return set()
    found = {path.stem for path in folder.glob("*.py")}
    for place in folder.iterdir():
        try:
            if place.is_dir() and any(place.glob("*.py")):
                found.add(place.name)
        except OSError:  # gone, or not to be read
            continue
    return found


def _mapping(node: Any, name: str) -> Any:
    """Return a part of the metadata, which anyone may have put anything into."""
    part = node.metadata.get(name)
    return part if isinstance(part, dict) else {}


def _kernel(node: Any) -> str | None:
    name = _mapping(node, "kernelspec").get("name")
    return name if isinstance(name, str) and re.fullmatch(r"[\w.-]+", name) else None


def _refuse_secrets(path: Path, node: Any) -> None:
    """Refuse what must not be copied into a project; the message never holds the secret."""
    texts = [("the metadata", json.dumps([node.metadata, *(c.metadata for c in node.cells)]))]
    texts += _placed(node)
    places: dict[str, list[str]] = {}
    for place, text in texts:
        for line, kind in credentials.found(text):
            where = place if place == "the metadata" else f"{place}, line {line}"
            places.setdefault(kind, []).append(where)
    if places:
        listed = "; ".join(
            f"{kind} ({'; '.join(where[:5])}{' and more' if where[5:] else ''})"
            for kind, where in places.items()
        )
        raise IntakeError(
            f"{path} seems to hold {listed}. A project keeps a copy of the notebook: read secrets "
            f"from the environment. If a line holds none, end it with `# {credentials.ESCAPE}`."
        )


def _notes(node: Any) -> tuple[str, ...]:
    """Name the cells with a path below someone's home, which only one machine has."""
    places = list(dict.fromkeys(place for place, text in _placed(node) if HOME.search(text)))
    if not places:
        return ()
    more = f" and {len(places) - 5} more" if places[5:] else ""
    return (
        f"{', '.join(places[:5])}{more}: a path below someone's home folder, which the project's "
        "copy of the notebook keeps.",
    )


def _placed(node: Any) -> list[tuple[str, str]]:
    """Return each cell's text with the words for its place; code cells count from 1."""
    texts, number = [], 0
    for cell in node.cells:
        number += cell.cell_type == "code"
        place = f"cell {number}" if cell.cell_type == "code" else f"the text after cell {number}"
        texts.append((place if number else "the text before cell 1", cell.source))
    return texts


def _opening(node: Any) -> tuple[str | None, str]:
    """Return the first heading and the text before the first code cell."""
    first = itertools.takewhile(lambda cell: cell.cell_type != "code", node.cells)
    return prose.opening([str(cell.source) for cell in first if cell.cell_type == "markdown"])


def _clean(number: int, source: str) -> Cell:
    """Replace what only IPython understands, keeping every line in its place."""
    if not _parses(source):
        source = _unindented(source)
    if _parses(source):
        return Cell(number, source)
    lines = source.split("\n")
    dropped: list[str] = []
    first = next((line for line in lines if line.strip()), "")
    if first.startswith("%%"):
        at = lines.index(first)
        if first.split()[0] not in KEPT_CELL_MAGICS:
            return Cell(number, "", (first, *lines[at + 1 :]))
        lines[at] = ""
    for at, line in enumerate(lines):
        lines[at] = _clean_line(line, dropped)
    return Cell(number, "\n".join(lines), tuple(dropped))


def _unindented(source: str) -> str:
    """Take away the indentation of the first line, as IPython does, from each line that has it."""
    first = next((line for line in source.split("\n") if line.strip()), "")
    indent = first[: len(first) - len(first.lstrip())]
    return "\n".join(line.removeprefix(indent) for line in source.split("\n"))


def _clean_line(line: str, dropped: list[str]) -> str:
    line = re.sub(r"^(\s*)(>>>|\.\.\.) ", r"\1", line)
    if not line.strip(" ;"):
        return ""
    timed = re.match(r"^(\s*)%(?:time|timeit|prun|memit)\s+(?:-\w+\s*\d*\s+)*(\S.*)$", line)
    if timed:
        return timed[1] + timed[2]
    code = line.strip()
    indent = line[: len(line) - len(line.lstrip())]
    assigned = re.match(r"^([\w, ]+)=\s*[!%]", code)
    shell = re.match(r"^(pip3?|conda|ls|cd|pwd|mkdir|apt-get)\s+[\w./-]", code)
    help_ = re.match(r"^\?|^[\w.]+\?{1,2}$", code)
    if not (code.startswith(("!", "%")) or help_ or assigned or (shell and not _parses(code))):
        return line
    if not code.startswith(("%matplotlib", "%config", "%load_ext", "%autoreload")):
        dropped.append(code)
    return f"{indent}{assigned[1]}= None" if assigned else f"{indent}pass"


def _parses(source: str) -> bool:
    try:
        ast.parse(source)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return False
    return True
