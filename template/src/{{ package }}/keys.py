"""Ask callers for a key where the service was given any; ``python -m`` this module makes one.

The service is given digests only, so that neither its settings nor its log can give a key away.
"""

import hmac
import re
import secrets
from collections.abc import Sequence
from hashlib import sha256
from typing import Annotated

from fastapi import Security
from fastapi.security import APIKeyHeader
from pydantic import BeforeValidator
from pydantic_settings import NoDecode
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from . import problems
from .hosts import HEALTH

HEADER = "X-API-Key"
OPEN = HEALTH | {"/docs", "/docs/oauth2-redirect", "/openapi.json", "/redoc"}
"""Paths that answer without a key; they say nothing of the model's data."""

documented = Security(APIKeyHeader(name=HEADER, auto_error=False))
"""A dependency that writes the key into the OpenAPI document; ``KeyRequired`` asks for it."""


def _digests(value: object) -> object:
    if not isinstance(value, str):
        return value
    digests = tuple(part.strip().lower() for part in value.split(","))
    if not all(re.fullmatch("[0-9a-f]{64}", digest) for digest in digests):
        # An empty one too: a secret that is missing must not open the service.
        raise ValueError("SHA-256 digests of the keys are wanted, in hexadecimal, with commas")
    return digests


Digests = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_digests)]
"""SHA-256 digests, hexadecimal, with commas between them; two while a key is replaced."""


class KeyRequired:
    """Middleware that answers 401 before the body is read, on every path that is not open."""

    def __init__(self, app: ASGIApp, digests: Sequence[str]) -> None:
        self.app = app
        self.digests = digests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on if its key is one of those that are accepted."""
        closed = scope["type"] == "http" and scope["path"] not in OPEN
        if closed:
            digest = self._accepted(Headers(scope=scope).get(HEADER, ""))
            if digest is None:
                detail = f"A key is required in the header {HEADER}, and this is none accepted."
                refused = problems.respond(401, detail, headers={"WWW-Authenticate": "ApiKey"})
                await refused(scope, receive, send)
                return
            scope.setdefault("state", {})["key"] = digest
        await self.app(scope, receive, send)

    def _accepted(self, key: str) -> str | None:
        """Return the digest of a key that is accepted."""
        given = sha256(key.encode()).hexdigest()
        # Each one is compared: the time tells neither whether one is right nor which.
        same = [digest for digest in self.digests if hmac.compare_digest(given, digest)]
        return same[0] if same else None


def main() -> None:
    """Print a new key and what the service is told of it."""
    key = secrets.token_urlsafe(32)
    print(f"API_KEY={key}\nAPI_KEYS={sha256(key.encode()).hexdigest()}")


if __name__ == "__main__":
    main()
