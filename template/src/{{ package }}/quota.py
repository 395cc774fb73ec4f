"""Refuse requests beyond a number a minute, counted for each key in this process."""

import math
import time

from starlette.types import ASGIApp, Receive, Scope, Send

from . import problems
from .keys import OPEN


class Quota:
    """Middleware that answers 429, with the seconds after which there is room again.

    Each key has a bucket of ``per_minute`` requests, which fills up evenly. Callers without a key,
    where none is asked for, share one.
    """

    def __init__(self, app: ASGIApp, per_minute: int) -> None:
        self.app = app
        self.per_minute = per_minute
        self._buckets: dict[str, tuple[float, float]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on if its key has one left."""
        if scope["type"] == "http" and scope["path"] not in OPEN:
            seconds = self._take(scope.get("state", {}).get("key", ""))
            if seconds:
                detail = f"The quota is {self.per_minute} requests a minute; wait and try again."
                refused = problems.respond(429, detail, headers={"Retry-After": str(seconds)})
                await refused(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def _take(self, key: str) -> int:
        """Take one request from a key's bucket; return the seconds to wait if it is empty."""
        now = time.monotonic()
        left, then = self._buckets.get(key, (float(self.per_minute), now))
        left = min(self.per_minute, left + (now - then) * self.per_minute / 60)
        missing = 1 - left
        self._buckets[key] = (left if missing > 0 else left - 1, now)
        return math.ceil(missing * 60 / self.per_minute) if missing > 0 else 0
