"""Headers that let no other site frame the page, guess at its files or learn its address."""

from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    "content-security-policy": "frame-ancestors 'none'; base-uri 'self'; object-src 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
"""Streamlit's charts compile what they draw, so that no policy for scripts is set."""
INTERNAL = "/_stcore/metrics"
"""How many people use the page, and how much memory it takes."""


class SecurityHeaders:
    """Middleware that adds ``HEADERS`` to every answer; the websocket is none."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and its answer back with the headers."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        inner = PlainTextResponse("", 404) if scope["path"] == INTERNAL else self.app
        await inner(scope, receive, with_headers)
