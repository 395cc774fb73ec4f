"""The real service, started for these tests or found at API_URL, and the page in front of it."""

import json
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import requests
from streamlit.testing.v1 import AppTest

import form
from client import Client, Json
from form import Field, Value

APP = Path(__file__).parents[1] / "app.py"
PROJECT = APP.parents[1]
START_SECONDS = 120

Reply = tuple[int, bytes]
Service = Callable[..., tuple[str, list[Json]]]
ANSWER = b'{"predictions": [], "model": {}}'


def problem(status: int, **more: object) -> Reply:
    body = {"type": "about:blank", "title": "Title", "status": status, "detail": "Detail", **more}
    return status, json.dumps(body).encode()


@pytest.fixture
def service() -> Iterator[Service]:
    """A server that gives the replies it is told to, in turn, and notes who asked for what."""
    servers = []

    def start(*replies: Reply, retry_after: int = 0) -> tuple[str, list[Json]]:
        asked: list[Json] = []
        left = list(replies)

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.reply()

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                asked.append({"key": self.headers["X-API-Key"]} | json.loads(body))
                self.reply()

            def reply(self):
                status, reply = left.pop(0)
                self.send_response(status)
                self.send_header("Content-Length", str(len(reply)))
                self.send_header("Retry-After", str(retry_after))
                self.send_header("Location", self.path)
                self.end_headers()
                self.wfile.write(reply)

            def log_message(self, *_):
                pass

        server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/", asked

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="session")
def api_url() -> Iterator[str]:
    if "API_URL" in os.environ:
        yield os.environ["API_URL"]
        return
    [package] = [file.parent.name for file in (PROJECT / "src").glob("*/__main__.py")]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # These name the environment of the page, not that of the service.
    ours = {"VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT"}
    env = {name: value for name, value in os.environ.items() if name not in ours}
    env |= {"HOST": "127.0.0.1", "PORT": str(port)}
    uv = os.environ.get("UV", "uv")  # set by `uv run`
    run = [uv, "run", "--frozen", "--directory", str(PROJECT), "python", "-m", package]
    with subprocess.Popen(run, env=env) as service:  # noqa: S603
        try:
            url = f"http://127.0.0.1:{port}"
            wait_until_ready(url, service)
            yield url
        finally:
            service.terminate()


def wait_until_ready(url: str, service: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert service.poll() is None, f"the service ended with exit code {service.returncode}"
        with suppress(requests.ConnectionError):
            if requests.get(f"{url}/readyz", timeout=5).ok:
                return
        time.sleep(0.2)
    pytest.fail(f"the service was not ready within {START_SECONDS} seconds")


@pytest.fixture
def api(api_url: str) -> Client:
    return Client(api_url, os.environ.get("API_KEY"))


@pytest.fixture
def fields(api: Client) -> list[Field]:
    return form.fields(api.model())


@pytest.fixture
def instance(fields: list[Field]) -> Json:
    """The example as a person would send it: to the minute, with some text where it has none."""
    return {field.name: entered(field) for field in fields}


def entered(field: Field) -> Value:
    if field.is_moment and field.example:
        return f"{str(field.example)[:16]}:00"
    if field.kind == "string" and field.example is None and not field.nullable:
        return "some text"
    return field.example


@pytest.fixture
def page(api_url: str, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.setenv("API_URL", api_url)
    return AppTest.from_file(APP, default_timeout=60).run()
