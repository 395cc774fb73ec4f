"""Each kind of property becomes the widget that fits it."""

import pytest
from streamlit.testing.v1 import AppTest

import form
from client import Json
from form import Field, Value

NAME = "a_b / c (cm) *d* :red[e] $f$"


def field(schema: Json, example: Value = None) -> Field:
    inputs = {"properties": {NAME: schema}, "required": [NAME]}
    [only] = form.fields({"inputs": inputs, "example": {} if example is None else {NAME: example}})
    return only


def one_widget(drawn):
    """Draw one widget; AppTest runs this as a script of its own."""
    import streamlit as st

    import form

    st.session_state["entered"] = form.draw(drawn)


def draw(drawn: Field) -> AppTest:
    page = AppTest.from_function(one_widget, kwargs={"drawn": drawn}).run()
    assert not page.exception
    return page


@pytest.mark.parametrize(
    ("schema", "example", "widget"),
    [
        ({"type": "number"}, 5.8, "number_input"),
        ({"type": "number"}, 5, "number_input"),
        ({"type": ["number", "null"]}, 0.000034, "number_input"),
        ({"type": "integer", "minimum": 0, "maximum": 9}, 3, "number_input"),
        ({"type": "string", "enum": ["female", "male"]}, "male", "selectbox"),
        ({"type": ["string", "null"], "enum": ["C", "S", None]}, "S", "selectbox"),
        ({"type": "integer", "enum": [1, 2, 3]}, 2, "selectbox"),
        ({"type": "boolean"}, True, "toggle"),
        ({"type": ["boolean", "null"]}, False, "selectbox"),
        ({"type": "string", "format": "date-time"}, "1912-04-10T12:30:00", "date_time_input"),
        ({"type": "string", "format": "date"}, "1912-04-10", "date_input"),
        ({"type": "string", "x-observed": {"longest": 20}}, "short", "text_input"),
        ({"type": "string", "x-observed": {"longest": 910}}, "long", "text_area"),
    ],
)
def test_a_widget_returns_its_example(schema: Json, example: Value, widget: str):
    page = draw(field(schema, example))

    assert page.get_by_key(f"input:{NAME}").type == widget
    assert page.session_state["entered"] == example


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "number"},
        {"type": "integer"},
        {"type": "string"},
        {"type": "string", "enum": ["a", "b"]},
        {"type": "string", "format": "date-time"},
        {"type": "string", "x-observed": {"longest": 910}},
    ],
)
def test_without_an_example_a_widget_is_empty(schema: Json):
    assert draw(field(schema)).session_state["entered"] is None


@pytest.mark.parametrize(
    ("schema", "example"),
    [
        ({"type": ["number", "null"]}, 28.0),
        ({"type": ["integer", "null"]}, 28),
        ({"type": ["string", "null"], "enum": ["C", "S", None]}, "S"),
        ({"type": ["boolean", "null"]}, True),
        ({"type": ["string", "null"], "format": "date-time"}, "1912-04-10T12:00:00"),
        ({"type": ["string", "null"]}, "text"),
    ],
)
def test_what_may_be_missing_can_be_emptied(schema: Json, example: Value):
    page = draw(field(schema, example))
    page.get_by_key(f"input:{NAME}").set_value(None).run()

    assert page.session_state["entered"] is None


def test_an_emptied_text_is_null_only_where_null_is_allowed():
    for schema, expected in (({"type": ["string", "null"]}, None), ({"type": "string"}, "")):
        page = draw(field(schema, "text"))
        page.text_input[0].set_value("").run()

        assert page.session_state["entered"] == expected


@pytest.mark.parametrize(
    ("observed", "step"),
    [
        ({"minimum": 4.3, "maximum": 7.9}, 0.1),
        ({"minimum": 0.42, "maximum": 80.0}, 1.0),
        ({"minimum": 0.00001, "maximum": 0.00009}, 0.000001),
        ({"minimum": 3, "maximum": 35682}, 1000.0),
        ({"minimum": 2.0, "maximum": 2.0}, 1.0),
        ({}, 1.0),
    ],
)
def test_the_step_follows_what_training_saw(observed: Json, step: float):
    assert field({"type": "number", "x-observed": observed}).step == step


def test_the_help_says_what_a_person_should_know():
    schema = {
        "type": ["integer", "null"],
        "description": "Age at departure.",
        "minimum": 0,
        "x-observed": {"minimum": 1, "maximum": 80},
        "x-personal": "by its name",
    }

    assert field(schema).help == (
        "Age at departure. Training saw 1 to 80. At least 0. May be left empty. "
        "Looks personal: in no link."
    )


def test_the_label_names_the_unit_once():
    inputs = {
        "width (cm)": {"type": "number", "x-unit": "cm"},
        "age": {"type": "number", "x-unit": "years"},
    }
    model = {"inputs": {"properties": inputs, "required": []}, "example": {}}

    assert [field.title for field in form.fields(model)] == ["width (cm)", "age (years)"]


def test_markdown_in_a_name_is_shown_as_it_is():
    label = draw(field({"type": "number"})).number_input[0].label

    assert label == r"a_b / c (cm) \*d\* \:red\[e\] \$f\$"


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("_a_ __b__ a__b", r"\_a\_ \_\_b\_\_ a\_\_b"),
        ("time: 5 :wave: http://x", r"time: 5 \:wave: http\://x"),
        ("# a\n> b C# 1>0 a<b", "\\# a\n\\> b C# 1>0 a\\<b"),
        ("~a~ `b` \\", r"\~a\~ \`b\` \\"),
    ],
)
def test_only_what_markdown_means_is_escaped(text: str, escaped: str):
    assert form.plain(text) == escaped


def test_a_value_outside_what_training_saw_is_worth_a_warning():
    age = field({"type": "number", "x-unit": "years", "x-observed": {"minimum": 1, "maximum": 80}})

    assert age.warning(81.5) == f"{NAME} (years) is 81.5, but training saw only 1 to 80."
    assert age.warning(80) is None
    assert age.warning(None) is None
    assert field({"type": "number"}).warning(1e9) is None
