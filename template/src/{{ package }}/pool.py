"""The threads that predict, and how many requests may wait for one."""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

Argument = TypeVar("Argument")
Result = TypeVar("Result")


RECENT = 8
"""Predictions over which their time is averaged, about."""


class Full(Exception):
    """As many predictions run and wait as may, or can in time; this one was not begun."""


class Pool:
    """``threads`` predictions at the same time, and at most ``waiting`` behind them."""

    def __init__(self, threads: int, waiting: int) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="predict")
        self._places = threading.BoundedSemaphore(threads + waiting)
        self._threads = threads
        self._ahead: set[Future[Any]] = set()  # those that run and those that wait
        self._typical = 0.0  # seconds
        self._late: set[Future[Any]] = set()

    async def run(
        self, function: Callable[[Argument], Result], argument: Argument, seconds: float
    ) -> Result:
        """Return ``function(argument)``.

        Raises:
            Full: nothing more may wait, or it would wait for longer than ``seconds``.
            TimeoutError: it took longer than ``seconds``. If it had begun, it goes on and keeps
                its place, for a thread cannot be stopped.
        """
        if len(self._ahead) * self._typical / self._threads > seconds:
            raise Full
        if not self._places.acquire(blocking=False):
            raise Full
        running = self._executor.submit(self._timed, function, argument)
        self._ahead.add(running)
        running.add_done_callback(self._ahead.discard)
        running.add_done_callback(lambda _: self._places.release())
        try:
            return await asyncio.wait_for(asyncio.wrap_future(running), seconds)
        except TimeoutError:
            if running.running():
                self._late.add(running)
                running.add_done_callback(self._late.discard)
            raise

    def _timed(self, function: Callable[[Argument], Result], argument: Argument) -> Result:
        begun = time.monotonic()
        try:
            return function(argument)
        finally:
            self._typical += (time.monotonic() - begun - self._typical) / RECENT

    @property
    def late(self) -> int:
        """How many predictions were given up and still run."""
        return len(self._late)

    @property
    def stuck(self) -> bool:
        """Whether every thread is in a prediction that was given up."""
        return self.late >= self._threads
