"""How the service meets the network: deadlines for what callers send, and an orderly end."""

import asyncio
import json
import signal
import time
from types import FrameType

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from .problems import MEDIA_TYPE, problem
from .settings import Settings

REFUSED = (
    "HTTP/1.1 {status} {title}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n"
    "connection: close\r\n\r\n{body}"
)


class HeadTooLarge(Exception):
    """The request line and the headers have more bytes than are accepted."""


class Deadlines(HttpToolsProtocol):
    """uvicorn's protocol, which alone would wait forever for the rest of a request.

    A connection is closed when a request is not all there ``seconds`` after its first byte, the
    first one after the connection was made. Between requests uvicorn's own keep-alive holds.
    """

    seconds: float
    head_bytes: int
    service: FastAPI
    _timer: asyncio.TimerHandle | None = None
    _head: int | None = 0
    """Bytes of the head so far; None while the body is read."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._start()

    def data_received(self, data: bytes) -> None:
        """Read on, unless the head grows too large."""
        if self._timer is None and (self.cycle is None or self.cycle.response_complete):
            self._start()
        if self._head is not None:
            self._head += len(data)
        super().data_received(data)
        if self._head is not None and self._head > self.head_bytes:
            self._refuse(431, "The request line and the headers are too large.")

    def on_headers_complete(self) -> None:
        """Measure the head, for it may have come together with the body."""
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > self.head_bytes:
            raise HeadTooLarge
        self._head = None
        super().on_headers_complete()
        if self.service.state.stopping:
            self.cycle.keep_alive = False  # or it is closed just when the caller asks again

    def on_message_complete(self) -> None:
        """The request is all there: what follows is the service's time, not the caller's."""
        self._stop()
        self._head = 0
        super().on_message_complete()
        if self.cycle is not None and self.cycle.response_complete:
            # Answered before it was read, after which uvicorn waits for the next one forever.
            self._unset_keepalive_if_required()
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadline."""
        self._stop()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, or a head that is too large, as a problem."""
        if self._head is not None and self._head > self.head_bytes:
            self._refuse(431, "The request line and the headers are too large.")
        else:
            self._refuse(400, "The request is not valid HTTP.")

    def _refuse(self, status: int, detail: str) -> None:
        if self.transport.is_closing():
            return
        said = problem(status, detail)
        body = json.dumps(said)
        answer = REFUSED.format(
            status=status, title=said["title"], kind=MEDIA_TYPE, length=len(body), body=body
        )
        self.transport.write(answer.encode("ascii"))
        self.transport.close()

    def _start(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(self.seconds, self._expire)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _expire(self) -> None:
        self._timer = None
        self.transport.abort()


class Server(uvicorn.Server):
    """uvicorn's server, which says first that it stops, then stops, and ends with 0.

    ``/readyz`` answers 503 from the first signal on, and everything else as before for
    ``stop_delay`` seconds, in which load balancers notice; each answer then ends its connection.
    A second signal ends it at once.
    """

    def __init__(self, config: uvicorn.Config, app: FastAPI, stop_delay: float) -> None:
        super().__init__(config)
        self._app = app
        self._stop_delay = stop_delay
        self._stops_at: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take a signal; ^C in a terminal has nobody to tell."""
        if self._stops_at is not None:
            self.should_exit = self.force_exit = True
        self._app.state.stopping = True
        self._stops_at = time.monotonic() + (self._stop_delay if sig == signal.SIGTERM else 0)

    async def on_tick(self, counter: int) -> bool:
        """Stop when it is time."""
        if self._stops_at is not None and time.monotonic() >= self._stops_at:
            self.should_exit = True
        return await super().on_tick(counter)


def serve(app: FastAPI, settings: Settings) -> None:
    """Serve until a signal, and the requests in flight to their end."""
    limits = {
        "seconds": settings.read_timeout,
        "head_bytes": settings.max_header_bytes,
        "service": app,
    }
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=type("Limited", (Deadlines,), limits),
        ws="none",
        access_log=False,
        server_header=False,
        log_config=None,
        timeout_keep_alive=settings.keep_alive,
        timeout_graceful_shutdown=settings.stop_timeout,
    )
    Server(config, app, settings.stop_delay).run()
