"""Files that are no notebook, or only just: refused with one clear line, or taken."""

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli, MakeNotebook, Record, notebook_of

from mlship import notebook
from mlship.errors import IntakeError

GOOD = json.dumps(notebook_of(["x = 1"]))


def changed(**parts: Any) -> str:
    """The good notebook with other parts; one that is ... is left out."""
    merged = {**json.loads(GOOD), **parts}
    return json.dumps({name: part for name, part in merged.items() if part is not ...})


def cell(**parts: Any) -> str:
    """The good notebook with other parts of its only cell."""
    merged = {**json.loads(GOOD)["cells"][0], **parts}
    return changed(cells=[{name: part for name, part in merged.items() if part is not ...}])


def kernel(**spec: Any) -> str:
    return changed(metadata={"kernelspec": spec})


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


BAD: dict[str, tuple[str | bytes, str]] = {
    "empty": (b"", "it is empty"),
    "blank": (b" \n", "it is empty"),
    "text": (b"hello", "no JSON"),
    "cut short": (GOOD[:60], "cut short"),
    "list": (b"[]", "JSON without cells"),
    "null": (b"null", "JSON without cells"),
    "mapping": (b"{}", "JSON without cells"),
    "no nbformat": (changed(nbformat=...), "`nbformat` is null"),
    "nbformat 99": (changed(nbformat=99), "`nbformat` is 99"),
    "nbformat a text": (changed(nbformat="4"), '`nbformat` is "4"'),
    "nbformat a list": (changed(nbformat=[]), "`nbformat` is"),
    "nbformat_minor a text": (changed(nbformat_minor="5"), "`nbformat_minor` is no number"),
    "cells null": (changed(cells=None), "`cells` are no list"),
    "cells a mapping": (changed(cells={"a": 1}), "`cells` are no list"),
    "cell null": (changed(cells=[None]), "cell 1 from the top is no mapping"),
    "cell without source": (cell(source=...), "cell 1 from the top has no text"),
    "source a number": (cell(source=7), "cell 1 from the top has no text"),
    "source of numbers": (cell(source=[7]), "cell 1 from the top has no text"),
    "cell without type": (cell(cell_type=...), "unknown type null"),
    "cell of unknown type": (cell(cell_type="sql"), 'unknown type "sql"'),
    "metadata null": (changed(metadata=None), "`metadata` is no mapping"),
    "cell metadata null": (cell(metadata=None), "no mapping as its `metadata`"),
    "worksheets null": ('{"nbformat": 3, "metadata": {}, "worksheets": null}', "not a notebook"),
    "nested deep": ("[" * 100_000, "nested too deep"),
    "metadata nested deep": (
        GOOD.replace('"metadata": {}', f'"metadata": {{"a": {"[" * 9_000 + "]" * 9_000}}}'),
        "nested too deep",
    ),
    "UTF-16": (GOOD.encode("utf-16"), "it is UTF-16"),
    "UTF-16 without BOM": (GOOD.encode("utf-16-le"), "no JSON"),
    "Latin-1": (
        cell(source="# caf\xe9").encode().replace(b"\\u00e9", b"\xe9"),
        "no UTF-8",
    ),
    "R": (kernel(name="ir", language="R"), "in 'R'"),
    "Julia": (changed(metadata={"language_info": {"name": "julia"}}), "in 'julia'"),
    "no cells": (changed(cells=[]), "no code cells"),
    "only text": (cell(cell_type="markdown"), "no code cells"),
    "only magics": (cell(source="%%bash\nls"), "no code cells"),
    "conflict": (
        GOOD.replace('"nbformat": 4', '\n<<<<<<< HEAD\n"nbformat": 4'),
        "conflict markers",
    ),
    "LFS pointer": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
        "git lfs pull",
    ),
    "web page": (b"\n<!doctype html><title>Sign in</title>", "web page"),
    "gzip": (gzip.compress(GOOD.encode()), "compressed"),
    "zip": (b"PK\x03\x04rest", "zip archive"),
    "binary": (bytes(range(128, 256)), "no UTF-8"),
}

TAKEN: dict[str, str | bytes] = {
    "byte order mark": b"\xef\xbb\xbf" + GOOD.encode(),
    "nbformat 3": json.dumps(
        {
            "nbformat": 3,
            "nbformat_minor": 0,
            "metadata": {"name": "old"},
            "worksheets": [{"cells": [{"cell_type": "code", "input": ["x = 1"], "outputs": []}]}],
        }
    ),
    "newer minor version": changed(nbformat_minor=99),
    "source a list": cell(source=["x ", "= 1"]),
    "no outputs": cell(outputs=...),
    "outputs null": cell(outputs=None),
    "no execution count": cell(execution_count=...),
    "no metadata": changed(metadata=...),
    "kernelspec a text": changed(metadata={"kernelspec": "python3", "language_info": None}),
    "kernel name a number": kernel(name=7),
    "kernel name a path": kernel(name="../../etc"),
    "NaN in metadata": GOOD.replace('"metadata": {}, "nbformat"', '"metadata": {"a": NaN}, "nbformat"'),
    "unknown parts": changed(foo=1),
    "id a number": cell(id=7),
}  # fmt: skip


@pytest.mark.parametrize(("content", "said"), BAD.values(), ids=BAD.keys())
def test_bad_notebook_is_refused_in_one_line(
    tmp_path: Path, content: str | bytes, said: str
) -> None:
    path = write(tmp_path / "bad.ipynb", content)
    with pytest.raises(IntakeError) as refused:
        notebook.read(path)
    assert said in str(refused.value)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("content", TAKEN.values(), ids=TAKEN.keys())
def test_odd_notebook_is_taken(tmp_path: Path, content: str | bytes) -> None:
    taken = notebook.read(write(tmp_path / "odd.ipynb", content))
    assert [cell.source.strip() for cell in taken.cells] == ["x = 1"]
    assert taken.kernel is None
    stored = json.dumps(taken.stripped, ensure_ascii=False, allow_nan=False)
    again = notebook.read(write(tmp_path / "stored.ipynb", stored))
    assert again.cells == taken.cells
    assert again.stripped == taken.stripped


def test_cells_of_one_id_get_ids_of_their_own(tmp_path: Path) -> None:
    cells = json.loads(GOOD)["cells"] * 2
    taken = notebook.read(write(tmp_path / "twins.ipynb", changed(cells=cells)))
    assert len({cell["id"] for cell in taken.stripped["cells"]}) == 2


@pytest.mark.parametrize("what", ["missing", "folder", "pipe", "name too long"])
def test_what_is_no_file_is_refused(tmp_path: Path, what: str) -> None:
    path = tmp_path / ("x" * 5000 if what == "name too long" else "a.ipynb")
    if what == "folder":
        path.mkdir()
    elif what == "pipe":
        os.mkfifo(path)
    said = {"missing": "not exist", "folder": "is a folder", "pipe": "is no file"}
    with pytest.raises(IntakeError, match=said.get(what, "cannot be read")):
        notebook.read(path)


@pytest.mark.parametrize(
    "what", ["cut short", "UTF-16", "cell of unknown type", "R", "nested deep"]
)
@pytest.mark.parametrize("command", ["new", "inspect"])
def test_refusal_of_a_file_is_5_and_one_line(
    cli: Cli, tmp_path: Path, command: str, what: str
) -> None:
    path = write(tmp_path / "bad.ipynb", BAD[what][0])
    more = ["new", tmp_path / "x", "-n", path, "--defaults"]
    result = cli(*(more if command == "new" else ["inspect", path]))
    assert result.returncode == 5
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith("error: ")
    assert result.stdout == ""
    assert {place.name for place in tmp_path.iterdir()} == {"bad.ipynb", "cwd"}


def test_100_mb_of_outputs_are_dropped(tmp_path: Path) -> None:
    output = {"output_type": "stream", "name": "stdout", "text": "x" * 100_000_000}
    taken = notebook.read(write(tmp_path / "large.ipynb", cell(outputs=[output])))
    assert len(json.dumps(taken.stripped)) < 1000


def test_larger_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "huge.ipynb"
    with path.open("wb") as file:
        file.truncate(500_000_001)
    with pytest.raises(IntakeError, match="clear its outputs"):
        notebook.read(path)


def test_script_is_taken(tmp_path: Path) -> None:
    taken = notebook.read(
        write(tmp_path / "a.py", "# %% [markdown]\n# # Title\n\n# %%\nx = 1\n\n# %%\ny = 2\n")
    )
    assert (taken.title, len(taken.cells)) == ("Title", 2)
    with pytest.raises(IntakeError, match="no code cells"):
        notebook.read(write(tmp_path / "b.py", "# %% [markdown]\n# only text\n"))
    with pytest.raises(IntakeError, match="no UTF-8"):
        notebook.read(write(tmp_path / "c.py", b"x = '\xe9'"))


UNREADABLE = {
    "no Python": ("x = ", "SyntaxError"),
    "Python 2": ("print 'x'", "SyntaxError"),
    "NUL": ("x = '\0'", "null bytes|SyntaxError"),
    "half of a UTF-16 pair": ("x = '\ud800'", "UnicodeEncodeError"),
    "500 parentheses": ("x = " + "(" * 500 + "1" + ")" * 500, "SyntaxError|MemoryError"),
    "100 000 signs": ("x = " + "-" * 100_000 + "1", "MemoryError|RecursionError"),
    "100 000 terms": ("x = " + "+".join(["1"] * 100_000), "RecursionError|MemoryError"),
    "long chain": ("x = a" + ".b" * 100_000, "RecursionError|MemoryError"),
}


@pytest.mark.parametrize(("source", "said"), UNREADABLE.values(), ids=UNREADABLE.keys())
def test_cell_that_cannot_be_compiled_is_named_and_passed_over(
    tmp_path: Path, record: Record, source: str, said: str
) -> None:
    path = tmp_path / "a" / "odd.ipynb"
    path.parent.mkdir()
    write(path, json.dumps(notebook_of(["y = 1", source, "assert y == 1"])))
    json.dumps(notebook.read(path).stripped, ensure_ascii=False).encode()
    with record(path) as run:
        (error,) = run.record["errors"]
    assert error["cell"] == 2
    assert error["error"].startswith(tuple(said.split("|"))) or said.split("|")[0] in error["error"]
    assert len(error["error"]) < 350


def test_text_that_utf_8_cannot_say_is_replaced(tmp_path: Path) -> None:
    title = {"cell_type": "markdown", "id": "t", "metadata": {}, "source": "# A\ud800B\nC\udfff"}
    cells = [title, *json.loads(GOOD)["cells"]]
    taken = notebook.read(write(tmp_path / "a.ipynb", changed(cells=cells)))
    assert (taken.title, taken.prose) == ("A?B", "C?")


def test_notebook_without_a_model_is_5(
    cli: Cli, make_notebook: MakeNotebook, science: Path, tmp_path: Path
) -> None:
    path = make_notebook("x = 1")
    result = cli("new", tmp_path / "x", "-n", path, "--python", science, "--defaults")
    assert result.returncode == 5
    assert "fits no model" in result.stderr
    assert not (tmp_path / "x").exists()
