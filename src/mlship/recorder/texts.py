"""Parts of the notebook's own text: with other texts for some of them, or from the line's start."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Span:
    """A stretch of code from the start of one node to the end of another."""

    def __init__(self, first: Any, last: Any) -> None:
        self.lineno, self.col_offset = first.lineno, first.col_offset
        self.end_lineno, self.end_col_offset = last.end_lineno, last.end_col_offset


def spliced(text: str, node: Any, texts: Mapping[Any, str]) -> str:
    """Return the text of a node, with other texts for some parts of it.

    Args:
        text: the code that the node was parsed from.
        node: a statement, with its decorators, or an expression.
        texts: what to write in place of nodes and spans, none of which holds another. Those that
            lie outside of the node are passed over.
    """
    data = text.encode()
    lines = data.splitlines(keepends=True)

    def place(line: int, column: int) -> int:
        return sum(map(len, lines[: line - 1])) + column

    above = [part.lineno for part in getattr(node, "decorator_list", ())]
    at = place(min([node.lineno, *above]), node.col_offset)
    end = place(node.end_lineno, node.end_col_offset)
    pieces: list[bytes] = []
    for part, said in sorted(texts.items(), key=lambda item: (item[0].lineno, item[0].col_offset)):
        start = place(part.lineno, part.col_offset)
        if at <= start < end:
            pieces += [data[at:start], said.encode()]
            at = place(part.end_lineno, part.end_col_offset)
    return b"".join([*pieces, data[at:end]]).decode()


def dedented(text: str, node: Any, texts: Mapping[Any, str]) -> str:
    """Return the text of a statement in a block, with its comments, as at the start of a line."""
    lines = text.splitlines()
    above = node.lineno - 1
    while above > 0 and lines[above - 1].strip().startswith("#"):
        above -= 1
    comments = [line.strip() for line in lines[above : node.lineno - 1]]
    first, *rest = spliced(text, node, texts).splitlines()
    rest = [
        line[node.col_offset :] if not line[: node.col_offset].strip() else line for line in rest
    ]
    return "\n".join([*comments, first, *rest])
