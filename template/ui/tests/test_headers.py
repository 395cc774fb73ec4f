"""Every answer of the page's server has the security headers; the websocket passes as it is."""

import asyncio

import pytest

from headers import HEADERS, INTERNAL, SecurityHeaders

Message = dict[str, object]


async def inner(scope, receive, send):
    """Answer like the page's server, with one header of its own."""
    start = {"type": "http.response.start", "status": 200, "headers": [(b"etag", b"1")]}
    await send(start if scope["type"] == "http" else {"type": "websocket.accept"})


def ask(path: str, kind: str = "http") -> Message:
    """Return the first message of the answer."""
    said: list[Message] = []

    async def send(message: Message) -> None:
        said.append(message)

    async def receive() -> Message:
        return {"type": f"{kind}.request"}

    scope = {"type": kind, "path": path, "method": "GET", "headers": []}
    asyncio.run(SecurityHeaders(inner)(scope, receive, send))
    return said[0]


@pytest.mark.parametrize(
    ("path", "status"), [("/", 200), ("/_stcore/health", 200), (INTERNAL, 404)]
)
def test_each_answer_has_the_headers(path: str, status: int):
    start = ask(path)
    headers = {name.decode(): value.decode() for name, value in start["headers"]}

    assert start["status"] == status
    assert headers.items() >= HEADERS.items()
    assert ("etag" in headers) is (status == 200)


def test_the_websocket_is_left_alone():
    assert ask("/_stcore/stream", "websocket") == {"type": "websocket.accept"}
