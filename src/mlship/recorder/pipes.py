"""The pipes to mlship, kept from what the notebook or a model prints and reads."""

from __future__ import annotations

import os
from typing import IO


def kept() -> tuple[IO[str], IO[str], int]:
    """Move standard input and output out of reach.

    Returns:
        What mlship writes to this process, what it reads from it, and a descriptor of nothing,
        which takes the place of both.
    """
    commands = os.fdopen(os.dup(0), encoding="utf-8")
    messages = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    return commands, messages, nothing
