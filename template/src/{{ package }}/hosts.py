"""Answer only requests for the names that the service is known by, where it was given any."""

import re
from collections.abc import Sequence
from typing import Annotated

from pydantic import BeforeValidator
from pydantic_settings import NoDecode
from starlette.datastructures import Headers
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from . import problems

HEALTH = frozenset({"/livez", "/readyz"})
"""Paths that load balancers ask, which know the service by its address only."""


def _hosts(value: object) -> object:
    if not isinstance(value, str):
        return value
    hosts = tuple(part.strip().lower() for part in value.split(","))
    if not all(re.fullmatch(r"(\*\.)?[a-z0-9][a-z0-9.-]*|\[[0-9a-f:]+\]", host) for host in hosts):
        # An empty one too: a variable that is set to nothing must not open the service.
        raise ValueError("names as in api.example.com or *.example.com are wanted, with commas")
    return hosts


Hosts = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_hosts)]
"""Names without ports, with commas between them; ``*.`` stands for every name below one."""


class TrustedHosts:
    """Middleware that answers 400 where the framework's own would, as a problem."""

    def __init__(self, app: ASGIApp, hosts: Sequence[str]) -> None:
        self.app = app
        self.hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on if it asks one of the hosts, or for health."""
        asked = scope["type"] == "http" and scope["path"] not in HEALTH
        if asked and not await self._trusts(scope, receive):
            detail = "The header Host must be one name that this service is known by."
            await problems.respond(400, detail)(scope, receive, send)
            return
        await self.app(scope, receive, send)

    async def _trusts(self, scope: Scope, receive: Receive) -> bool:
        passed = False

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            nonlocal passed
            passed = True

        async def unsent(message: Message) -> None:
            """Drop the plain text that the framework answers."""

        check = TrustedHostMiddleware(app, self.hosts, www_redirect=False)
        await check(scope, receive, unsent)
        return passed and len(Headers(scope=scope).getlist("host")) == 1
