"""A link fills in the form again, and holds nothing that should not stand in an address."""

from urllib.parse import parse_qsl

import pytest

import form
import link
from client import Json
from form import Field, Value

SEEN = {"minimum": 0, "maximum": 9}
PROPERTIES: Json = {
    "length (cm)": {"type": "number", "x-observed": SEEN},
    "age": {"type": ["integer", "null"], "minimum": 0, "x-observed": SEEN},
    "sex & more": {"type": "string", "enum": ["female", "male", "née=1"]},
    "grade": {"type": "integer", "enum": [1, 2]},
    "insured": {"type": ["boolean", "null"]},
    "born": {"type": "string", "format": "date", "x-observed": {"minimum": "1900-01-01"}},
    "when": {"type": "string", "format": "date-time", "x-observed": {"minimum": "1900-01-01"}},
}
ROW: Json = {
    "length (cm)": 1e-07,
    "age": None,
    "sex & more": "née=1",
    "grade": 2,
    "insured": False,
    "born": "1950-12-31",
    "when": "2020-02-29T12:30:00",
}


def fields(properties: Json = PROPERTIES) -> list[Field]:
    return form.fields({"inputs": {"properties": properties, "required": []}, "example": {}})


def test_a_link_brings_every_value_back_as_it_was():
    query = link.query(fields(), ROW)
    filled, unfit = link.fill(fields(), dict(parse_qsl(query, keep_blank_values=True)))

    assert {field.name: field.example for field in filled} == ROW
    assert [type(field.example) for field in filled] == [type(value) for value in ROW.values()]
    assert unfit == []


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "x-observed": {"longest": 12}},  # free text
        {"type": "integer", "x-observed": {"missing": 0.0}},  # no range: it looks personal
        {"type": "string", "format": "date", "x-observed": {"missing": 0.0}},
        {"type": "string", "enum": ["Smith", "Jones"], "x-personal": "by its name"},
        {"type": "array", "x-shape": [2], "x-observed": SEEN},
    ],
)
def test_an_input_that_may_be_personal_is_in_no_link(schema: Json):
    [hidden] = given = fields({"hidden": schema})

    assert link.query(given, {"hidden": "Smith"}) is None
    assert link.fill(given, {"hidden": "Smith"}) == ([hidden], [])


def test_a_link_that_is_too_long_is_not_made():
    many = {f"a rather long name {i}": {"type": "boolean"} for i in range(300)}

    assert link.query(fields(many), dict.fromkeys(many, True)) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("length (cm)", "abc"),
        ("length (cm)", "inf"),
        ("length (cm)", ""),
        ("age", "-1"),
        ("age", "1.5"),
        ("age", "9" * 30),
        ("sex & more", "other"),
        ("grade", "3"),
        ("insured", "perhaps"),
        ("born", "1950-13-31"),
        ("born", "0001-01-01"),
        ("when", "2020-02-29T12:30:00+01:00"),
    ],
)
def test_a_value_that_the_model_does_not_take_is_left_and_named(name: str, value: Value):
    filled, unfit = link.fill(fields(), {name: value, "embed": "true", "unknown": "1"})

    assert unfit == [name]
    assert filled == fields()
