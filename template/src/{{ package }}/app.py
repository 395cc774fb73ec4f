"""The prediction service: what it answers and where."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

from . import arrays, keys, problems, schema
from .headers import SecurityHeaders
from .limits import BodyLimit
from .predictor import Predictor, RowsRefused, read_json
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
    threads = ThreadPoolExecutor(settings.predict_threads, thread_name_prefix="predict")

    app = FastAPI(
        title=description["title"],
        description=description["description"],
        version=predictor.version,
        redirect_slashes=False,
    )
    app.add_middleware(BodyLimit, max_bytes=description["limits"]["bytes"])
    if settings.api_keys:
        app.add_middleware(keys.KeyRequired, digests=settings.api_keys)
    app.add_middleware(SecurityHeaders)
    problems.install(app)

    @app.api_route("/livez", methods=["GET", "HEAD"], tags=["health"], include_in_schema=False)
    async def livez() -> Status:
        """Say that the process answers."""
        return Status()

    @app.api_route("/readyz", methods=["GET", "HEAD"], tags=["health"], include_in_schema=False)
    async def readyz() -> Status:
        """Say that the model is loaded; the service does not start without one."""
        return Status()

    @app.get(
        "/model",
        tags=["model"],
        dependencies=[keys.documented],
        responses=problems.documented(401),
    )
    async def model() -> dict[str, Any]:
        """Describe the model: its inputs, outputs, limits, proof and where it comes from."""
        return description

    async def predict(body: Any) -> Any:
        """Answer each instance, in order."""
        instances = [instance.model_dump(by_alias=True) for instance in body.instances]
        running = asyncio.get_running_loop().run_in_executor(threads, predictor.predict, instances)
        try:
            answers = await asyncio.wait_for(running, settings.predict_timeout)
        except TimeoutError:
            raise HTTPException(
                504, "The model took too long; send fewer rows, or try again later."
            ) from None
        except RowsRefused as refused:
            return problems.rows_refused(refused.reasons)
        return {"predictions": answers, "model": version}

    predict.__annotations__ |= {"body": request_type, "return": response_type}
    app.post(
        "/predict",
        tags=["model"],
        dependencies=[keys.documented],
        responses=problems.documented(400, 401, 413, 422, 500, 504),
    )(predict)
    return app


def describe(predictor: Predictor, settings: Settings) -> dict[str, Any]:
    """Say what ``GET /model`` says, which is all that the page is made from."""
    signature = predictor.signature
    properties = signature["inputs"]["properties"]
    receipt = read_json(settings.model_dir / "receipt.json")
    example = read_json(settings.model_dir / "example.json")["instances"][0]
    row = max(len(json.dumps(example)), arrays.most_bytes(signature["inputs"]))
    rows = settings.max_rows or max(1, min(ROWS, LARGEST_BODY // row))
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
            "bytes": settings.max_bytes or max(2_000_000, min(100, rows) * row + 1000),
        },
        "parity": receipt["parity"],
        "provenance": {**signature["provenance"], "packages": signature["artifact"]["packages"]},
    }
