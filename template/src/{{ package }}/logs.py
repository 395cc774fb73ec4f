"""The log: one JSON object a line, with the request's id and without anything that it holds."""

import json
import logging
import re
import time
import traceback
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, TextIO
from uuid import uuid4

from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = "X-Request-ID"
QUIET = frozenset({"/livez", "/readyz", "/metrics"})
"""Paths that are asked every few seconds, which would be most of the log."""
LONGEST_PATH = 200

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The id of the request that is answered."""
log = logging.getLogger(__name__)


class Formatter(logging.Formatter):
    """Write a record as one line of JSON.

    Of an exception it tells the type and the places, not the message, which may hold a value.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "severity": record.levelname,
            "message": record.getMessage(),
        }
        if identifier := request_id.get():
            line["request_id"] = identifier
        line |= getattr(record, "request", {})
        if record.exc_info and record.exc_info[0]:
            kind, _, place = record.exc_info
            line["exception"] = kind.__name__
            line["places"] = [
                f"{frame.f_code.co_filename}:{number} {frame.f_code.co_name}"
                for frame, number in traceback.walk_tb(place)
            ]
        return json.dumps(line)


class Handler(logging.StreamHandler[TextIO]):
    """Write to standard error; a full disk loses lines, not predictions."""

    lost = 0
    """Lines of the process that could not be written."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Count the line, which cannot be told of anywhere else."""
        Handler.lost += 1


def lost() -> int:
    """Return how many lines could not be written."""
    return Handler.lost


def configure() -> None:
    """Write every log of the process to standard error, as ``Formatter`` does."""
    handler = Handler()
    handler.setFormatter(Formatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


class RequestLog:
    """Middleware that gives each request an id, and notes how it was answered.

    Args:
        observe: called with the path, the status and the seconds of each request.
    """

    def __init__(self, app: ASGIApp, observe: Callable[[str, int, float], None]) -> None:
        self.app = app
        self.observe = observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and its answer back with the id."""
        if scope["type"] != "http" or scope["path"] in QUIET:
            await self.app(scope, receive, send)
            return
        identifier = _given(scope) or uuid4().hex
        request_id.set(identifier)
        header = (HEADER.lower().encode(), identifier.encode())
        state = scope.setdefault("state", {})
        status = 500  # unless something else is answered
        begun = time.perf_counter()

        async def with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], header]
            await send(message)

        try:
            await self.app(scope, receive, with_id)
        finally:
            seconds = time.perf_counter() - begun
            self.observe(scope["path"], status, seconds)
            request = {
                "method": scope["method"],
                "path": scope["path"][:LONGEST_PATH],
                "status": status,
                "milliseconds": round(seconds * 1000, 1),
            }
            if "rows" in state:
                request["rows"] = state["rows"]
            log.info("request", extra={"request": request})


def _given(scope: Scope) -> str | None:
    """Return the caller's own id for the request, if it is one that may stand in a log."""
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            return value.decode() if re.fullmatch(rb"[A-Za-z0-9._-]{1,64}", value) else None
    return None
