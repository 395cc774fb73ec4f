"""The request and response types of the API, built from the signature."""

import datetime as dt
import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Union

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    create_model,
    model_validator,
)

from . import arrays, pictures

MAX_TEXT = 100_000
FAR = 1e15
EXACT = 2**53 - 1
OTHERS = 20
"""Names too many or too few that are told one by one."""
SEVERAL = {"value": "values", "label": "labels", "probabilities": "probabilities"}
"""What each field of an answer is called where a model answers several targets."""
STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class ModelVersion(BaseModel):
    """Which model answered."""

    name: str
    version: str


class Problem(BaseModel):
    """What went wrong, as RFC 9457 says it; a rejected value is never repeated."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list["FieldProblem"] = []
    request_id: str | None = None


class FieldProblem(BaseModel):
    """One reason why an instance was rejected."""

    row: int | None = None
    field: str | None = None
    message: str


def request_type(inputs: Mapping[str, Any], max_rows: int) -> type[BaseModel]:
    """Build the body of ``POST /predict``: 1 to ``max_rows`` instances."""
    fields: dict[str, Any] = {
        f"f{position}": (_field_type(schema), Field(alias=name))
        for position, (name, schema) in enumerate(inputs["properties"].items())
    }
    instance = create_model(
        "Instance",
        __config__=STRICT,
        __validators__={"much_the_same": _much_the_same(frozenset(inputs["properties"]))},
        **fields,
    )
    return create_model(
        "PredictRequest",
        __config__=ConfigDict(extra="forbid"),
        __validators__={"much_the_same": _much_the_same(frozenset({"instances"}))},
        instances=(list[instance], Field(min_length=1, max_length=max_rows)),  # type: ignore[valid-type]
    )


def _much_the_same(names: frozenset[str]) -> Any:
    """Refuse at once an object whose names are others by far.

    Each name would be a problem of its own, and a small body cost seconds.
    """

    def check(cls: type[BaseModel], value: Any) -> Any:
        if isinstance(value, dict) and not -OTHERS <= len(value) - len(names) <= OTHERS:
            unlike = "is missing" if len(value) < len(names) else "is none of the model's"
            raise ValueError(f"Much of what is expected here {unlike}; see /model")
        return value

    return model_validator(mode="before")(check)


def response_type(outputs: Mapping[str, Any]) -> type[BaseModel]:
    """Build the answer of ``POST /predict``: one prediction for each instance, in order."""
    targets = outputs.get("targets")
    answers = [_answer(target) for target in targets or [outputs]]
    fields = answers[0]
    if targets:
        names = [target["name"] for target in targets]
        fields = {SEVERAL[kind]: (_by_name(kind, names, answers), ...) for kind in answers[0]}
    prediction = create_model("Prediction", **fields)
    return create_model(
        "PredictResponse",
        predictions=(list[prediction], ...),  # type: ignore[valid-type]
        model=(ModelVersion, ...),
    )


def _answer(outputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of an answer about one target."""
    if outputs["task"] == "regression":
        return {"value": (float, ...)}
    labels = outputs["labels"]
    label: Any = Union[tuple({type(item) for item in labels})]  # noqa: UP007 - found at run time
    fields: dict[str, Any] = {"label": (Annotated[label, WithJsonSchema({"enum": labels})], ...)}
    if outputs["probabilities"]:
        fields["probabilities"] = (dict[str, float], ...)
    return fields


def _by_name(kind: str, names: Sequence[str], answers: Sequence[Mapping[str, Any]]) -> Any:
    """Build the object that holds one field of the answers about several targets."""
    fields: dict[str, Any] = {
        f"f{position}": (answer[kind][0], Field(alias=name))
        for position, (name, answer) in enumerate(zip(names, answers, strict=True))
    }
    return create_model(kind.capitalize(), **fields)


def _field_type(schema: Mapping[str, Any]) -> Any:
    """Map one property to a type that takes what the property allows and publishes it as it is."""
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    (kind,) = [name for name in kinds if name != "null"]
    public = published(schema)
    if kind in {"number", "integer"} and "enum" not in schema:
        public |= _within_reach(kind, schema, public)
    allowed = Field(ge=public.get("minimum"), le=public.get("maximum"))
    held = _held(schema.get("x-dtype", ""))
    base: Any
    if kind == "array":
        base = Annotated[Any, BeforeValidator(arrays.check(schema))]
    elif pictures.is_one(schema):
        base = Annotated[Any, BeforeValidator(pictures.check(schema))]
    elif "enum" in schema:
        known = tuple(value for value in schema["enum"] if value is not None)
        base = Annotated[Literal[known], BeforeValidator(_exact(known))]
    elif kind == "integer":
        base = Annotated[int, Field(strict=False), allowed, BeforeValidator(_number)]
    elif kind == "number":
        base = Annotated[float, allowed]
    elif kind == "boolean":
        base = bool
    elif schema.get("format") == "date-time":
        aware = "," in schema.get("x-dtype", "")  # as in datetime64[ns, UTC]
        base = Annotated[
            str, Field(max_length=40), AfterValidator(_date_time(aware)), AfterValidator(held)
        ]
    elif schema.get("format") == "date":
        base = Annotated[str, Field(max_length=10), AfterValidator(_date), AfterValidator(held)]
    else:
        base = Annotated[str, Field(max_length=MAX_TEXT)]
    base = base | None if len(kinds) > 1 else base
    return Annotated[base, WithJsonSchema(public)]


def _within_reach(
    kind: str, schema: Mapping[str, Any], public: Mapping[str, Any]
) -> dict[str, float]:
    """Bound what is far beyond training, of which a model could say only that it cannot take it.

    A number may be a thousand times what training saw, or ``FAR``; an integer what JSON readers do
    not round, or 64 bits where training saw more or does not tell.
    """
    bounds = [schema.get("x-observed", {}).get(name) for name in ("minimum", "maximum")]
    seen = max((abs(bound) for bound in bounds if isinstance(bound, int | float)), default=None)
    if kind == "integer":
        reach: float = EXACT if seen is not None and seen <= EXACT else 2**63 - 1
    elif seen is None:
        return {}  # a personal column does not tell
    else:
        reach = min(max(FAR, 1000 * seen), sys.float_info.max)
    return {
        "minimum": max(-reach, public.get("minimum", -reach)),
        "maximum": min(reach, public.get("maximum", reach)),
    }


def published(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the API tells the world of one property: all but how it is handed over."""
    keep = {"x-media-types", "x-observed", "x-personal", "x-pixels", "x-shape", "x-unit"}
    public = {name: value for name, value in schema.items() if name[:2] != "x-" or name in keep}
    if "x-range" in schema:  # beyond its type's range a number would wrap
        smallest, largest = schema["x-range"]
        public["minimum"] = max(smallest, schema.get("minimum", smallest))
        public["maximum"] = min(largest, schema.get("maximum", largest))
    text = "string" in schema["type"] and not pictures.is_one(schema)
    if text and "enum" not in schema and "format" not in schema:
        public["maxLength"] = MAX_TEXT
    return public


def _exact(known: tuple[Any, ...]) -> Any:
    def check(value: Any) -> Any:
        for item in known:
            numbers = {type(value), type(item)} == {int, float}
            if (numbers or type(value) is type(item)) and value == item:
                return item
        shown = ", ".join(map(repr, known[:20])) + (" ..." if len(known) > 20 else "")
        raise ValueError(f"Input should be one of {shown}")

    return check


def _number(value: Any) -> Any:
    if isinstance(value, bool | str):
        raise ValueError("Input should be a valid integer")
    return value


def _date(value: str) -> str:
    try:
        written = dt.date.fromisoformat(value).isoformat()
    except ValueError:
        written = None
    if written != value:
        raise ValueError("Input should be a date as in 2020-01-31")
    return value


def _held(dtype: str) -> Any:
    """Make the check that a column can hold a date; one in nanoseconds cannot hold them all."""

    def check(value: str) -> str:
        if "[ns" in dtype and not 1678 <= int(value[:4]) <= 2261:
            raise ValueError("Input should be a date from 1678 to 2261")
        return value

    return check


def _date_time(aware: bool) -> Any:
    def check(value: str) -> str:
        try:
            moment = dt.datetime.fromisoformat(value)
        except ValueError:
            raise ValueError("Input should be a time as in 2020-01-31T10:00:00") from None
        if (moment.tzinfo is not None) != aware:
            raise ValueError(f"Input should have {'a' if aware else 'no'} time zone")
        return value

    return check
