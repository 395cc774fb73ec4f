"""Read a notebook: its cells as Python that any interpreter takes, and what it says of itself."""

import ast
import hashlib
import itertools
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import prose
from .errors import IntakeError

KEPT_CELL_MAGICS = {"%%time", "%%timeit", "%%capture", "%%prun"}
"""Cell magics that only watch the code below them, which therefore still runs."""
MAX_BYTES = 500_000_000


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
        beside: set[str] = set()
        for folder in [self.path.resolve().parent, *self.path.resolve().parents[1:3]]:
            beside |= {path.stem for path in folder.glob("*.py")}
            beside |= {path.parent.name for path in folder.glob("*/*.py")}
        return found - set(sys.stdlib_module_names) - beside - {"__main__"}


def read(path: Path) -> Notebook:
    """Read a Jupyter notebook of any version, or a Python script in the percent format.

    Raises:
        IntakeError: the file is no notebook, or not one in Python.
    """
    content = _content(path)
    node = _parse(path, content)
    language = node.metadata.get("kernelspec", {}).get("language") or node.metadata.get(
        "language_info", {}
    ).get("name", "python")
    if str(language).lower() not in {"python", "python3", "ipython"}:
        raise IntakeError(f"{path} is a notebook in {language}; mlship takes Python notebooks.")
    sources = [str(cell.source) for cell in node.cells if cell.cell_type == "code"]
    cells = tuple(_clean(number, source) for number, source in enumerate(sources, start=1))
    if not any(cell.source.strip() for cell in cells):
        raise IntakeError(f"{path} has no code cells, so there is no model in it.")
    kernel = node.metadata.get("kernelspec", {}).get("name")
    title, said = _opening(node)
    digest = hashlib.sha256(content).hexdigest()
    return Notebook(path, digest, cells, kernel, title, said, _stripped(node))


def _content(path: Path) -> bytes:
    if not path.exists():
        raise IntakeError(f"{path} does not exist.")
    if not path.is_file():
        raise IntakeError(f"{path} is a folder; give the notebook itself.")
    if path.stat().st_size > MAX_BYTES:
        raise IntakeError(
            f"{path} is larger than {MAX_BYTES // 10**6} MB; clear its outputs first."
        )
    content = path.read_bytes()
    if content.startswith(b"version https://git-lfs"):
        raise IntakeError(f"{path} is a Git LFS pointer, not the notebook: run `git lfs pull`.")
    return content


def _parse(path: Path, content: bytes) -> Any:
    import nbformat

    try:
        text = content.decode("utf-8-sig")
        if path.suffix == ".py":
            import jupytext

            return jupytext.reads(text, fmt="py:percent")
        raw = json.loads(text)
        if not isinstance(raw, dict) or not ("cells" in raw or "worksheets" in raw):
            raise IntakeError(f"{path} is JSON, but no notebook: it has no cells.")
        return nbformat.reads(text, as_version=4)
    except IntakeError:
        raise
    except Exception as error:  # nbformat raises seven different kinds for a bad file
        if b"<<<<<<<" in content:
            why = "it has git conflict markers"
        elif content[:1] == b"<":
            why = "it is a web page"
        else:
            why = (
                f"{type(error).__name__}: {str(error).splitlines()[0][:150]}" if str(error) else ""
            )
        raise IntakeError(f"{path} is not a notebook that can be read ({why}).") from None


def _opening(node: Any) -> tuple[str | None, str]:
    """Return the first heading and the text before the first code cell."""
    first = itertools.takewhile(lambda cell: cell.cell_type != "code", node.cells)
    return prose.opening([str(cell.source) for cell in first if cell.cell_type == "markdown"])


def _clean(number: int, source: str) -> Cell:
    """Replace what only IPython understands, keeping every line in its place."""
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


def _stripped(node: Any) -> dict[str, Any]:
    import nbformat

    for cell in node.cells:
        if cell.cell_type == "code":
            cell.outputs = []
            cell.execution_count = None
        cell.pop("attachments", None)
    return dict(json.loads(nbformat.writes(node)))
