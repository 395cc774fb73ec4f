"""Every error leaves the API as ``application/problem+json`` (RFC 9457) and repeats no value."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from . import logs
from .headers import HEADERS
from .schema import FieldProblem, Problem

MEDIA_TYPE = "application/problem+json"
SHOWN = 20
"""Field problems that are listed in full; of more, the first of each row is."""

log = logging.getLogger(__name__)


def install(app: FastAPI) -> None:
    """Make ``app`` answer its errors as problems."""
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(Exception, _failed)


def respond(
    status: int,
    detail: str,
    errors: list[FieldProblem] | None = None,
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    """Make the response for one problem."""
    content = problem(status, detail, errors)
    return JSONResponse(content, status_code=status, media_type=MEDIA_TYPE, headers=headers)


def problem(status: int, detail: str, errors: list[FieldProblem] | None = None) -> dict[str, Any]:
    """Say one problem in JSON values."""
    return Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        errors=errors or [],
        request_id=logs.request_id.get(),
    ).model_dump()


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe the problems of a route for OpenAPI."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "model": Problem,
            "content": {MEDIA_TYPE: {"schema": schema}},
        }
        for status in statuses
    }


def rows_refused(reasons: Mapping[int, str]) -> JSONResponse:
    """Make the response for rows that satisfy the contract and yet cannot be answered."""
    errors = [FieldProblem(row=row, message=why) for row, why in list(reasons.items())[:SHOWN]]
    return respond(422, f"The model cannot answer {len(reasons)} of the instances.", errors)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - narrows the type
    errors = list(error.errors())
    if any(item["type"] == "json_invalid" for item in errors):
        return respond(400, "The body is not valid JSON.")
    shown = [_field_problem(item) for item in errors]
    if len(shown) > SHOWN:
        shown = list({problem.row: problem for problem in reversed(shown)}.values())[::-1]
    return respond(422, f"The request is not as /model says; problems: {len(errors)}.", shown)


def _field_problem(item: dict[str, Any]) -> FieldProblem:
    """Say where and why, without pydantic's copy of the value."""
    place = [part for part in item["loc"] if part not in ("body", "instances")]
    row = place[0] if place and isinstance(place[0], int) else None
    field = next((part for part in place if isinstance(part, str)), None)
    if field is not None:
        field = field.encode("utf-8", "backslashreplace").decode()[:200]
    message = item["msg"].removeprefix("Value error, ")
    if item.get("input") is None and field is not None:
        message = "A value is required here"
    return FieldProblem(row=row, field=field, message=message)


async def _refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - narrows the type
    return respond(error.status_code, str(error.detail), headers=dict(error.headers or {}))


async def _failed(request: Request, error: Exception) -> JSONResponse:
    log.error("%s %s failed: %s", request.method, request.url.path, type(error).__name__)
    # This answer is made outside the middleware, which would add the headers.
    headers = HEADERS | {logs.HEADER: logs.request_id.get() or "none"}
    return respond(500, "The service failed; its log says why.", headers=headers)
