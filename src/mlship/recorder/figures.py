"""The figures that a notebook shows, kept as PNG files of a sane size.

matplotlib is used only if the notebook has imported it. A figure counts as shown where a notebook
would show it: by ``plt.show``, or by being open when a cell ends. What cannot be drawn, or is too
much, is left out and counted, and never breaks the run.
"""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .statements import first_line

WIDTH, HEIGHT = 1200, 1600
"""The most pixels of a picture, before its margins are fitted."""
DPI = 100
PER_CELL = 4
MOST = 20
MOST_BYTES = 2_000_000
LARGEST = 400_000
"""Bytes of one picture; a larger one is drawn again at half the size."""
DRAW_SECONDS = 5.0
"""Processor time that one picture may take, and all of them together."""
ALL_SECONDS = 30.0


class Figures:
    """The pictures so far, the oldest first; the newest stay when there are too many."""

    def __init__(self, folder: str | None) -> None:
        self.folder = folder
        """Where the files go; None keeps none."""
        self.kept: list[dict[str, Any]] = []
        self.left_out: list[dict[str, Any]] = []
        self._drawn: dict[int, int] = {}
        """How many figures each cell has shown."""
        self._spent = 0.0

    def take(self, cell: int) -> None:
        """Keep the figures that are open, and close them as a notebook does."""
        plots = sys.modules.get("matplotlib.pyplot")
        if plots is None or threading.current_thread() is not threading.main_thread():
            return
        try:
            for number in plots.get_fignums():
                self._take(plots.figure(number), cell)
            plots.close("all")
        except Exception as error:  # whatever a half-made figure raises; the run goes on
            self._leave_out(cell, f"{type(error).__name__}: {first_line(str(error))}")

    def _take(self, figure: Any, cell: int) -> None:
        if self.folder is None or not (figure.axes or figure.texts or figure.images):
            return
        self._drawn[cell] = self._drawn.get(cell, 0) + 1
        if self._drawn[cell] > PER_CELL:
            return self._leave_out(cell, f"a cell's first {PER_CELL} are kept")
        if self._spent >= ALL_SECONDS:
            return self._leave_out(cell, "drawing took too long")
        started = _processor_time()
        try:
            with _limited(DRAW_SECONDS):
                content = _png(figure, 1)
                content = content if len(content) <= LARGEST else _png(figure, 0.5)
        except TimeoutError:
            return self._leave_out(cell, "drawing took too long")
        except Exception as error:  # a figure's text, data or callbacks may raise anything
            return self._leave_out(cell, f"{type(error).__name__}: {first_line(str(error))}")
        finally:
            self._spent += _processor_time() - started
        if len(content) > LARGEST:
            return self._leave_out(cell, "its picture is too large")
        name = f"cell-{cell:02}-{self._drawn[cell]}.png"
        with open(os.path.join(self.folder, name), "wb") as file:
            file.write(content)
        kept = {"file": name, "cell": cell, "title": _title(figure), "bytes": len(content)}
        self.kept.append(kept)
        while len(self.kept) > MOST or sum(item["bytes"] for item in self.kept) > MOST_BYTES:
            oldest = self.kept.pop(0)
            os.unlink(os.path.join(self.folder, oldest["file"]))
            self._leave_out(oldest["cell"], "later ones are kept instead")

    def _leave_out(self, cell: int, why: str) -> None:
        self.left_out.append({"cell": cell, "why": why})


def _png(figure: Any, scale: float) -> bytes:
    width, height = figure.get_size_inches()
    content = io.BytesIO()
    figure.savefig(
        content,
        format="png",
        dpi=scale * min(DPI, WIDTH / width, HEIGHT / height),
        bbox_inches="tight",
        transparent=False,
        metadata={"Software": None},
    )
    return content.getvalue()


def _title(figure: Any) -> str | None:
    """Return what stands above a figure, or above its only titled axes."""
    above = getattr(figure, "_suptitle", None)
    titles = {axes.get_title().strip() for axes in figure.axes} - {""}
    text = above.get_text().strip() if above is not None else ""
    if not text and len(titles) == 1:
        text = titles.pop()
    return " ".join(text.split())[:200] or None


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    """Lower the cell's limit of processor time for a while."""
    if not hasattr(signal, "setitimer"):
        yield
        return
    before = _processor_time()
    left, _ = signal.setitimer(signal.ITIMER_PROF, seconds)
    handler = signal.signal(signal.SIGPROF, _too_slow)
    try:
        yield
    finally:
        signal.signal(signal.SIGPROF, handler)
        spent = _processor_time() - before
        signal.setitimer(signal.ITIMER_PROF, max(left - spent, 0.001) if left else 0)


def _too_slow(*_: Any) -> None:
    raise TimeoutError


def _processor_time() -> float:
    return sum(os.times()[:2])
