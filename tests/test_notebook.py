"""Reading notebooks: every form that is one, and a clear refusal of what is none."""

import json
from pathlib import Path

import pytest
from conftest import MakeNotebook, notebook_of

from mlship import notebook, prose


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


GOOD = json.dumps(notebook_of(["x = 1"]))
OLD = json.dumps(
    {
        "nbformat": 3,
        "nbformat_minor": 0,
        "metadata": {"name": "old"},
        "worksheets": [{"cells": [{"cell_type": "code", "input": ["x = 1"], "outputs": []}]}],
    }
)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.ipynb", GOOD),
        ("bom.ipynb", b"\xef\xbb\xbf" + GOOD.encode()),
        ("old.ipynb", OLD),
        ("script.py", "# %%\nx = 1\n"),
        (
            "nan.ipynb",
            GOOD.replace('"metadata": {}, "nbformat"', '"metadata": {"a": NaN}, "nbformat"'),
        ),
    ],
)
def test_notebook_is_read(tmp_path: Path, name: str, content: str | bytes) -> None:
    (cell,) = notebook.read(write(tmp_path / name, content)).cells
    assert cell.source.strip() == "x = 1"


@pytest.mark.parametrize(
    ("source", "expected", "dropped"),
    [
        ("%matplotlib inline\nx = 1", "pass\nx = 1", ()),
        ("!pip install pandas\nx = 1", "pass\nx = 1", ("!pip install pandas",)),
        ("files = !ls\nx = 1", "files = None\nx = 1", ("files = !ls",)),
        ("%%time\nx = 1", "\nx = 1", ()),
        ("%%bash\nrm -rf /", "", ("%%bash", "rm -rf /")),
        (">>> x = 1", "x = 1", ()),
        ("df?\nx = 1", "pass\nx = 1", ("df?",)),
        ("if x:\n    !ls\ny = 2", "if x:\n    pass\ny = 2", ("!ls",)),
        ('text = """\n%not a magic\n"""', 'text = """\n%not a magic\n"""', ()),
        (
            "\n    # so\n    if x:\n        y = 1\n%ls\nz = 2",
            "\n# so\nif x:\n    y = 1\npass\nz = 2",
            ("%ls",),
        ),
        ("    x = 1\n    y = 2", "x = 1\ny = 2", ()),
        ("  x = 1\n y = 2", "x = 1\n y = 2", ()),
        ("pip install x", "pass", ("pip install x",)),
    ],
)
def test_magics_are_taken_out(
    make_notebook: MakeNotebook, source: str, expected: str, dropped: tuple[str, ...]
) -> None:
    cell = notebook.read(make_notebook(source, "y = 1")).cells[0]
    assert (cell.source, cell.dropped) == (expected, dropped)


def test_imports_are_what_must_be_installed(make_notebook: MakeNotebook) -> None:
    path = make_notebook(
        "import os, numpy as np\nfrom sklearn.svm import SVC",
        "try:\n    import optional\nexcept ImportError:\n    pass",
        "import helper\nthis is not python",
    )
    (path.parent / "helper.py").touch()
    assert notebook.read(path).imports() == {"numpy", "sklearn"}


def test_outputs_are_stripped(tmp_path: Path) -> None:
    content = notebook_of(["1"])
    cell = content["cells"][0]  # type: ignore[index]
    cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "secret"}]
    cell["execution_count"] = 3
    path = write(tmp_path / "a.ipynb", json.dumps(content))
    assert "secret" not in json.dumps(notebook.read(path).stripped)


@pytest.mark.parametrize(
    ("words", "title", "said"),
    [
        ("# Churn\n\nWho leaves?", "Churn", "Who leaves?"),
        ("# Churn\n\n## Goal\nfind out\n### Why\n- a\n    - b", "Churn",
         "### Goal\n\nfind out\n\n#### Why\n\n- a\n    - b"),
        ("Churn\n=====\nWords\n\nGoal\n----\nmore", "Churn", "Words\n\n### Goal\n\nmore"),
        ("```python\n# no heading\nx = '<b>'", None, "```python\n# no heading\nx = '<b>'\n```"),
        ("<h1 style='x'>Ch&amp;urn **now**</h1><div class='alert'>Who<br>leaves?</div>",
         "Ch&urn now", "Who\\\nleaves?"),
        ("#Tight\n# [A](https://example.org) `b`\nc", "Tight",
         "### [A](https://example.org) `b`\n\nc"),
        ("a <script>alert(1)</script>b<scr<script>ipt>c", None, "a b< scr"),
        ("a <!-- /facts --> b <!-- never closed", None, "a  b"),
        ("<img src='x.png'><img src='https://example.org/a.png' onerror='x'>", None,
         "![](https://example.org/a.png)"),
        ("![a](a.png)![b](attachment:b.png)![c](data:image/png;base64,AA)b", None, "b"),
        ("![a](https://example.org/a.png 'A') ![b][c]\n\n[c]: c.png", None,
         "![a](https://example.org/a.png 'A')"),
        ("[a](#part) [b](data/b.csv) [c](javascript:x) [d](http://example.org)", None,
         "a b c [d](http://example.org)"),
        ("<a href='https://example.org'>site</a> <a id='top'></a><https://example.org>", None,
         "[site](https://example.org) <https://example.org>"),
        ("a < b, `<b>` and 1<2 and a<b", None, "a < b, `<b>` and 1<2 and a< b"),
        ("one\n\n---\n\n***\n\ntwo", None, "one\n\ntwo"),
        ("| a | b |\n|---|---|\n| 1 | 2 |", None, "| a | b |\n|---|---|\n| 1 | 2 |"),
    ],
)  # fmt: skip
def test_opening_words_stand_well_in_a_readme(
    tmp_path: Path, words: str, title: str | None, said: str
) -> None:
    content = notebook_of(["x = 1"])
    opening = {"cell_type": "markdown", "id": "words", "metadata": {}, "source": words}
    content["cells"].insert(0, opening)  # type: ignore[attr-defined]
    found = notebook.read(write(tmp_path / "a.ipynb", json.dumps(content)))
    assert (found.title, found.prose) == (title, said)


def test_long_opening_ends_with_a_paragraph_and_closed_code() -> None:
    paragraphs = "\n\n".join(["word " * 100] * 20)
    _, said = prose.opening([paragraphs])
    assert len(said) < 3100
    assert said.endswith("word\n\n...")
    _, said = prose.opening(["words\n\n```\n" + "code\n\n" * 1000])
    assert said == "words\n\n..."
