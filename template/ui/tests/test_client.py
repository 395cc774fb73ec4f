"""Each failure becomes the exception that says what to do about it."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from client import ApiError, Busy, Client, Json, KeyRefused, Rejected, Unreachable

Reply = tuple[int, bytes]


def problem(status: int, **more: object) -> Reply:
    body = {"type": "about:blank", "title": "Title", "status": status, "detail": "Detail", **more}
    return status, json.dumps(body).encode()


@pytest.fixture
def service() -> Iterator[Callable[..., tuple[Client, list[Json]]]]:
    """A server that gives the replies it is told to, in turn, and notes who asked."""
    servers = []

    def start(*replies: Reply, key: str | None = None) -> tuple[Client, list[Json]]:
        asked: list[Json] = []
        left = list(replies)

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                asked.append({"key": self.headers["X-API-Key"]} | json.loads(body))
                status, reply = left.pop(0)
                self.send_response(status)
                self.send_header("Content-Length", str(len(reply)))
                self.send_header("Retry-After", "0")
                self.send_header("Location", self.path)
                self.end_headers()
                self.wfile.write(reply)

            def log_message(self, *_):
                pass

        server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        servers.append(server)
        return Client(f"http://127.0.0.1:{server.server_port}/", key), asked

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (problem(401), KeyRefused, "API_KEY"),
        (problem(413), Rejected, "Too large"),
        (problem(422), Rejected, "Detail"),
        (problem(429), Busy, "Wait a minute"),
        (problem(504), Busy, "too long"),
        (problem(500), ApiError, "Title"),
        ((200, b"<html>"), Unreachable, "API_URL"),
        ((302, b""), Unreachable, "HTTP 302"),
        ((502, b"Bad Gateway"), Unreachable, "API_URL"),
    ],
)
def test_a_failure_says_what_to_do(service, reply: Reply, kind: type[ApiError], words: str):
    client, _ = service(reply)

    with pytest.raises(ApiError, match=words) as failure:
        client.predict([{}])

    assert type(failure.value) is kind


def test_a_refusal_keeps_the_reason_for_each_row(service):
    errors = [{"row": 1, "field": "Age", "message": "too old"}, {"row": None, "message": "odd"}]
    client, _ = service(problem(422, errors=errors))

    with pytest.raises(Rejected, match="Age: too old; odd") as failure:
        client.predict([{}, {}])

    assert [error.row for error in failure.value.errors] == [1, None]


def test_a_full_service_is_asked_again(service):
    client, asked = service(problem(503), (200, b'{"predictions": []}'))

    assert client.predict([]) == {"predictions": []}
    assert len(asked) == 2


def test_a_service_that_stays_full_is_left_alone(service):
    client, asked = service(*[problem(503)] * 5)

    with pytest.raises(Busy):
        client.predict([])
    assert len(asked) == 3


def test_the_key_is_sent(service):
    client, asked = service((200, b'{"predictions": []}'), key="secret")
    client.predict([{"a": 1}])

    assert asked == [{"key": "secret", "instances": [{"a": 1}]}]
