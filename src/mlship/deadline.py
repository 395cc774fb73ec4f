"""End a cell that takes too long, and every process that a run of a notebook leaves behind."""

import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

GRACE = 60.0
"""Seconds that a cell has to end after it was told to."""
TELLINGS = 5
"""How often it is told before its process is killed, and all that it fitted is lost."""
MARK = "MLSHIP_RUN"
"""The variable that tells the processes of one run from all others."""


class Deadline:
    """The time that one cell may take, computing and waiting."""

    def __init__(self, process: int, seconds: float) -> None:
        self.seconds = seconds
        self.killed = False
        self._process = process
        self._told = 0
        self._counting = False
        self._timer: threading.Timer | None = None

    def restart(self) -> None:
        """Count from now: another cell has begun."""
        self.stop()
        self._told, self._counting = 0, True
        self._arm(self.seconds, self._tell)

    def stop(self) -> None:
        """Count no more."""
        self._counting = False
        if self._timer:
            self._timer.cancel()

    def _arm(self, seconds: float, then: Callable[[], None]) -> None:
        self._timer = threading.Timer(seconds, then)
        self._timer.daemon = True
        self._timer.start()

    def _tell(self) -> None:
        """Have the recorder raise in the cell, which a wait in C code may hold up."""
        if not self._counting:
            return
        self._told += 1
        self.killed = self._told > TELLINGS
        with suppress(ProcessLookupError):
            if self.killed:
                os.killpg(self._process, signal.SIGKILL)
            else:
                os.kill(self._process, signal.SIGPROF)
                self._arm(min(GRACE, self.seconds), self._tell)


def kill_all(process: int, mark: str) -> None:
    """Kill a process, its group, and those that have left the group but carry ``mark``.

    The latter are found where there is /proc.
    """
    with suppress(ProcessLookupError):
        os.killpg(process, signal.SIGKILL)
    wanted = f"{MARK}={mark}\0".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if wanted in (folder / "environ").read_bytes() and int(folder.name) != os.getpid():
                os.kill(int(folder.name), signal.SIGKILL)
