"""Read a notebook's file as nbformat 4 without outputs, or say what is wrong with the file."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .errors import IntakeError

MAX_BYTES = 500_000_000
NEWEST = 4
KINDS = ("code", "markdown", "raw")
FIRST_BYTES = {
    b"version https://git-lfs": "it is a Git LFS pointer: run `git lfs pull`",
    b"<!DOCTYPE": "it is a web page: download the notebook itself",
    b"<html": "it is a web page: download the notebook itself",
    b"\x1f\x8b": "it is compressed: unpack it first",
    b"PK\x03\x04": "it is a zip archive: unpack it first",
    b"\xff\xfe": "it is UTF-16: save it as UTF-8",
    b"\xfe\xff": "it is UTF-16: save it as UTF-8",
}
"""What a file is that begins like this."""


class Malformed(Exception):
    """The file is no notebook; the message says why, without the file's name."""


def load(path: Path) -> tuple[bytes, Any]:
    """Read a Jupyter notebook of any version, or a Python script in the percent format.

    Returns:
        The file's content, and the notebook as an nbformat 4 node without outputs.

    Raises:
        IntakeError: there is no such file, or it is no notebook.
    """
    try:
        content = _content(path)
        return content, _parse(path, content)
    except Malformed as error:
        raise IntakeError(f"{path} is not a notebook that can be read ({error}).") from None


def stored(node: Any) -> dict[str, Any]:
    """Return the notebook as a project keeps it: JSON that UTF-8 and a browser take.

    Halves of UTF-16 pairs become question marks and numbers that JSON has not become null.
    """
    import nbformat

    text = _sayable(nbformat.writes(node))
    return dict(json.loads(text, parse_constant=lambda _: None))


def _content(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise IntakeError(f"{path} is a folder; give the notebook itself.")
        if path.exists() and not path.is_file():
            raise IntakeError(f"{path} is no file; give the notebook itself.")
        if path.stat().st_size > MAX_BYTES:
            raise IntakeError(
                f"{path} is larger than {MAX_BYTES // 10**6} MB; clear its outputs first."
            )
        return path.read_bytes()
    except FileNotFoundError:
        raise IntakeError(f"{path} does not exist.") from None
    except OSError as error:
        raise IntakeError(f"{path} cannot be read: {error.strerror}.") from None


def _parse(path: Path, content: bytes) -> Any:
    import nbformat

    for first, what in FIRST_BYTES.items():
        if content.lstrip()[: len(first)].lower() == first.lower():
            raise Malformed(what)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Malformed(f"byte {error.start} is no UTF-8: save it as UTF-8") from None
    if not text.strip():
        raise Malformed("it is empty")
    try:
        raw = _script(text) if path.suffix == ".py" else _json(text)
        if isinstance(raw, dict) and raw.get("nbformat") in (1, 2, 3):
            raw = nbformat.reads(text, as_version=4)
        _mend(raw)
        return nbformat.from_dict(raw)
    except Malformed:
        raise
    except RecursionError:
        raise Malformed("it is nested too deep") from None
    except Exception as error:  # nbformat and jupytext raise many kinds for a bad file
        said = str(error).splitlines()
        raise Malformed(f"{type(error).__name__}: {said[0][:150] if said else ''}") from None


def _script(text: str) -> Any:
    import jupytext

    return jupytext.reads(text, fmt="py:percent")


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        if any(line.startswith("<<<<<<< ") for line in text.splitlines()):
            raise Malformed("it has git conflict markers: resolve them") from None
        raise Malformed(f"it is no JSON, or cut short: {error}") from None


def _mend(raw: Any) -> None:
    """Check an nbformat 4 dictionary, and make good in place what does not matter here.

    nbformat itself takes many a broken one, and fails later.
    """
    if not isinstance(raw, dict) or not ("cells" in raw or "worksheets" in raw):
        raise Malformed("it is JSON without cells")
    version = raw.get("nbformat")
    if not isinstance(version, int) or version != NEWEST:
        said = json.dumps(version)[:20]
        raise Malformed(f"its `nbformat` is {said}; notebooks of versions 1 to {NEWEST} are taken")
    minor = raw.setdefault("nbformat_minor", 0)
    if not isinstance(minor, int):
        raise Malformed("its `nbformat_minor` is no number")
    if not isinstance(raw["cells"], list):
        raise Malformed("its `cells` are no list")
    if not isinstance(raw.setdefault("metadata", {}), dict):
        raise Malformed("its `metadata` is no mapping")
    for number, cell in enumerate(raw["cells"], start=1):
        for problem in _mend_cell(cell):
            raise Malformed(f"cell {number} from the top {problem}")
    seen: set[str] = set()
    for number, cell in enumerate(raw["cells"], start=1):
        if minor < 5:
            cell.pop("id", None)
        elif not isinstance(cell.get("id"), str) or cell["id"] in seen:
            cell["id"] = f"cell-{number}"
        seen.add(cell.get("id", ""))


def _mend_cell(cell: Any) -> Iterator[str]:
    """Yield what is wrong with a cell; drop what a run of it left behind."""
    if not isinstance(cell, dict):
        yield "is no mapping"
    elif cell.get("cell_type") not in KINDS:
        yield f"is of the unknown type {json.dumps(cell.get('cell_type'))[:40]}"
    else:
        source = cell.get("source")
        if isinstance(source, list) and all(isinstance(line, str) for line in source):
            cell["source"] = "".join(source)
        elif not isinstance(source, str):
            yield "has no text as its `source`"
            return
        if not isinstance(cell.setdefault("metadata", {}), dict):
            yield "has no mapping as its `metadata`"
        cell.pop("attachments", None)
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
        else:
            cell["source"] = _sayable(cell["source"])


def _sayable(text: str) -> str:
    """Replace halves of UTF-16 pairs, which JSON can say and UTF-8 cannot."""
    return text.encode("utf-8", "replace").decode("utf-8")
