"""The prediction service: what it answers and where."""

import json
from typing import Any, Literal

from fastapi import FastAPI, HTTPException, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel

from . import arrays, keys, pictures, problems, schema
from .headers import SecurityHeaders
from .hosts import HEALTH, TrustedHosts
from .limits import BodyLimit
from .logs import RequestLog
from .metrics import Metrics
from .pool import Full, Pool
from .predictor import Predictor, RowsRefused, read_json
from .quota import Quota
from .settings import Settings

ROWS = 1000
"""Rows that one request may hold, if they are not large ones such as pictures."""
LARGEST_BODY = 25_000_000
"""Bytes to which a request may grow by the number of its rows."""


class Status(BaseModel):
    """The service's state."""

    status: Literal["ok"] = "ok"


def create_app(settings: Settings | None = None) -> FastAPI:
    """Build the service for the model in ``settings.model_dir``.

    Raises:
        ModelError: there is no model, or it is not the one that was proven.
    """
    settings = settings or Settings()
    predictor = Predictor.load(settings.model_dir)
    description = describe(predictor, settings)
    most_rows = description["limits"]["rows"]
    request_type = schema.request_type(predictor.signature["inputs"], most_rows)
    response_type = schema.response_type(predictor.signature["outputs"])
    version = schema.ModelVersion(name=description["name"], version=predictor.version)
    pool = Pool(settings.predict_threads, settings.max_waiting)
    metrics = Metrics(predictor.signature, predictor.version, pool)

    app = FastAPI(
        title=description["title"],
        description=description["description"],
        version=predictor.version,
        redirect_slashes=False,
        # Off unless FASTAPI_OTEL_AUTO_CONFIGURE says so; its logs would hold what callers sent.
        telemetry={"logs": False, "exclude": lambda scope: scope.get("path") in HEALTH},
    )
    app.state.pool = pool
    app.state.stopping = False
    app.add_middleware(BodyLimit, max_bytes=description["limits"]["bytes"])
    if settings.max_requests_per_minute:
        app.add_middleware(Quota, per_minute=settings.max_requests_per_minute)
    if settings.api_keys:
        app.add_middleware(keys.KeyRequired, digests=settings.api_keys)
    if settings.allowed_hosts:
        app.add_middleware(TrustedHosts, hosts=settings.allowed_hosts)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(RequestLog, observe=metrics.request)
    problems.install(app)

    @app.api_route("/livez", methods=["GET", "HEAD"], tags=["health"], include_in_schema=False)
    async def livez() -> Status:
        """Say that the process answers."""
        return Status()

    @app.api_route("/readyz", methods=["GET", "HEAD"], tags=["health"], include_in_schema=False)
    async def readyz() -> Status:
        """Say that requests are welcome; without a model the service does not start."""
        if app.state.stopping:
            raise HTTPException(503, "The service stops.")
        if pool.stuck:
            raise HTTPException(503, "Every thread is in a prediction that does not end.")
        return Status()

    @app.get("/metrics", include_in_schema=False)
    async def read_metrics() -> Response:
        """Say the metrics in Prometheus' text format."""
        return Response(metrics.text(), media_type=CONTENT_TYPE_LATEST)

    @app.get(
        "/model",
        tags=["model"],
        dependencies=[keys.documented],
        responses=problems.documented(400, 401, 429),
    )
    async def model() -> dict[str, Any]:
        """Describe the model: its inputs, outputs, limits, proof and where it comes from."""
        return description

    async def predict(request: Request, body: Any) -> Any:
        """Answer each instance, in order."""
        instances = [instance.model_dump(by_alias=True) for instance in body.instances]
        request.state.rows = len(instances)
        try:
            answers = await pool.run(predictor.predict, instances, settings.predict_timeout)
        except Full:
            raise HTTPException(
                503, "The service is full; try again in a moment.", {"Retry-After": "1"}
            ) from None
        except TimeoutError:
            raise HTTPException(
                504, "The model took too long; send fewer rows, or try again later."
            ) from None
        except RowsRefused as refused:
            return problems.rows_refused(refused.reasons)
        metrics.answered(instances, answers)
        return {"predictions": answers, "model": version}

    predict.__annotations__ |= {"body": request_type, "return": response_type}
    app.post(
        "/predict",
        tags=["model"],
        dependencies=[keys.documented],
        responses=problems.documented(400, 401, 413, 422, 429, 500, 503, 504),
    )(predict)
    return app


def describe(predictor: Predictor, settings: Settings) -> dict[str, Any]:
    """Say what ``GET /model`` says, which is all that the page is made from."""
    signature = predictor.signature
    properties = signature["inputs"]["properties"]
    receipt = read_json(settings.model_dir / "receipt.json")
    example = read_json(settings.model_dir / "example.json")["instances"][0]
    inputs = signature["inputs"]
    usual = arrays.most_bytes(inputs) + pictures.usual_bytes(inputs)
    row = max(len(json.dumps(example)), usual)
    rows = settings.max_rows or max(1, min(ROWS, LARGEST_BODY // row))
    largest = max(min(100, rows) * row, pictures.most_bytes(inputs)) + 1000
    return {
        "name": signature["name"],
        "title": signature["title"],
        "description": signature["description"],
        "version": predictor.version,
        "level": signature["level"],
        "inputs": {
            "type": "object",
            "additionalProperties": False,
            "required": signature["inputs"]["required"],
            "properties": {name: schema.published(item) for name, item in properties.items()},
        },
        "outputs": signature["outputs"],
        "example": example,
        "limits": {
            "rows": rows,
            "bytes": settings.max_bytes or max(2_000_000, largest),
        },
        "parity": receipt["parity"],
        "provenance": {**signature["provenance"], "packages": signature["artifact"]["packages"]},
    }
