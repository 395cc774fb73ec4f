"""The page as a person uses it, against the real service."""

import csv
import io
import json
import socket
from datetime import date, datetime
from pathlib import Path
from urllib.parse import parse_qsl

import pyarrow.ipc
import pytest
from conftest import Service, problem
from streamlit.testing.v1 import AppTest

import facts
import form
import groups
import link
import result
from client import Client, Json, about
from form import Field, Value, plain

APP = Path(__file__).parents[1] / "app.py"


def to_csv(*rows: Json) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def require_table(fields: list[Field]):
    if any(field.is_file for field in fields):
        pytest.skip("the model takes files, which are uploaded one by one")


def enter_texts(page: AppTest, instance: Json):
    """Fill in what the model publishes no example of."""
    for name, value in instance.items():
        widget = page.get_by_key(f"input:{name}")
        if widget.type in ("text_input", "text_area") and value is not None:
            widget.set_value(value)


def test_the_page_bears_the_title_of_the_model(page: AppTest, api: Client):
    assert not page.exception
    assert page.title[0].value == plain(api.model()["title"])


def test_each_input_has_one_widget_that_shows_its_example(page: AppTest, fields: list[Field]):
    for field in fields:
        widget = page.get_by_key(f"input:{field.name}")
        assert widget.label == plain(field.title)
        if field.is_file:
            assert widget.type == "file_uploader"
        elif field.is_moment and field.example:
            assert f"{widget.value:%Y-%m-%dT%H:%M}" == field.example[:16]
        elif field.is_day and field.example:
            assert f"{widget.value:%Y-%m-%d}" == field.example
        elif widget.type == "toggle":
            assert widget.value is bool(field.example)
        else:
            assert widget.value == field.example


def test_the_button_shows_what_the_service_answers(page: AppTest, api: Client, instance: Json):
    enter_texts(page, instance)
    page.form_submit_button[0].click().run()

    assert not page.exception
    assert not page.error
    [prediction] = api.predict([instance])["predictions"]
    outputs = api.model()["outputs"]
    targets = outputs.get("targets", [outputs])
    charts = iter(page.get("vega_lite_chart"))
    for shown, target in zip(page.metric, targets, strict=False):
        expected = about(prediction, target, outputs)
        if "value" in expected:
            assert shown.value == form.numeral(expected["value"])
            continue
        assert shown.value == plain(str(expected["label"]))
        if expected.get("probabilities"):
            [drawn] = next(charts).proto.datasets
            bars = pyarrow.ipc.open_stream(drawn.data.data).read_all().to_pydict()
            most = sorted(expected["probabilities"].values(), reverse=True)[: result.TOP]
            assert bars["probability"] == pytest.approx(most)
            for label, probability in zip(bars["label"], bars["probability"], strict=True):
                assert probability == pytest.approx(expected["probabilities"][label])


def test_the_link_to_a_prediction_fills_in_the_form(
    page: AppTest, fields: list[Field], instance: Json
):
    if not any(map(link.shareable, fields)):
        pytest.skip("no input may stand in an address")
    enter_texts(page, instance)
    changed = next(field for field in fields if link.shareable(field))
    entered = another(changed)
    page.get_by_key(f"input:{changed.name}").set_value(entered)
    page.form_submit_button[0].click().run()
    query = next(c.value for c in page.code if "?" in c.value).partition("?")[2]

    again = AppTest.from_file(APP, default_timeout=60)
    again.query_params.update(parse_qsl(query, keep_blank_values=True))
    again.run()

    assert not again.exception
    assert not again.warning
    assert again.get_by_key(f"input:{changed.name}").value == entered


def another(field: Field) -> Value | date | datetime:
    """A value that is not the example: the form must have been told of it.

    A number is one that training saw, since a model may know no other.
    """
    if field.options:
        return field.options[-1 if field.example == field.options[0] else 0]
    if field.type == "boolean":
        return not field.example
    if field.is_moment:
        return datetime(2001, 2, 3, 4, 5)
    if field.is_day:
        return date(2001, 2, 3)
    seen = (field.observed["minimum"], field.observed["maximum"])
    return next(n for n in (*seen, seen[1] + 1) if n != field.example)


def test_a_link_that_fits_no_more_is_said_to_be(api_url: str, fields: list[Field], monkeypatch):
    unfit = next((f for f in fields if link.shareable(f) and f.type != "boolean"), None)
    if unfit is None:
        pytest.skip("no input may stand in an address")
    monkeypatch.setenv("API_URL", api_url)
    page = AppTest.from_file(APP, default_timeout=60)
    page.query_params[unfit.name] = "neither here nor there"
    page.run()

    assert not page.exception
    assert plain(unfit.name) in page.warning[0].value
    assert page.get_by_key(f"input:{unfit.name}").value is not None or unfit.example is None


def test_many_inputs_can_be_found_without_forgetting_what_was_entered(
    page: AppTest, fields: list[Field]
):
    if len(fields) <= groups.GROUP:
        pytest.skip("the model has few inputs")
    last = fields[-1].name
    page.text_input[0].set_value(last).run()

    assert not page.exception
    assert page.expander[0].label.startswith("Found: ")
    for field in fields:
        assert page.get_by_key(f"input:{field.name}") is not None


def test_the_page_tells_what_the_model_is(page: AppTest, api: Client, fields: list[Field]):
    model = api.model()
    said = " ".join(element.value for element in (*page.markdown, *page.metric, *page.caption))

    assert model["version"] in said
    assert facts.LEVELS[model["level"]] in said
    for metric in model["provenance"].get("metrics", []):
        assert f"{metric['value']:.4g}" in said
    listed = next(t.value for t in page.dataframe if "input" in t.value)
    assert list(listed["input"]) == [field.title for field in fields]
    page.button(key="check now").click().run()
    assert model["version"] in page.success[0].value


def test_a_bad_row_is_marked_and_the_good_one_answered(
    page: AppTest, api: Client, fields: list[Field], instance: Json
):
    require_table(fields)
    strict = next((f for f in fields if f.type != "string" or f.options or f.is_moment), None)
    if strict is None:
        pytest.skip("the model takes any text")
    bad = instance | {strict.name: "neither here nor there"}
    file = to_csv({"id": 1} | instance, {"id": 2} | bad)

    page.file_uploader[0].upload("rows.csv", file, "text/csv").run()
    page.button(key="predict table").click().run()

    assert not page.exception
    assert page.warning[0].value == "1 of 2 rows have no prediction."
    refused, answered = (table.value for table in page.dataframe[1:3])
    assert list(refused["id"]) == ["2"]
    assert refused.iloc[0, 0].startswith(f"{strict.name}: ")
    assert list(answered["id"]) == ["1"]
    [prediction] = api.predict([instance])["predictions"]
    outputs = api.model()["outputs"]
    expected = about(prediction, outputs.get("targets", [outputs])[0], outputs)
    assert answered.iloc[0, 0] == expected.get("label", expected.get("value"))


def test_rows_wait_for_as_long_as_the_service_asks(
    api: Client,
    fields: list[Field],
    instance: Json,
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
):
    require_table(fields)
    answer = json.dumps(api.predict([instance])).encode()
    said = (200, json.dumps(api.model()).encode())
    url, _ = service(said, problem(429), (200, answer), retry_after=1)
    monkeypatch.setenv("API_URL", url)
    page = AppTest.from_file(APP, default_timeout=60).run()
    page.button(key="predict table").click().run()

    assert not page.error
    assert len(page.dataframe[1].value) == 1


def test_when_the_service_fails_half_way_its_answers_are_kept(
    api: Client,
    fields: list[Field],
    instance: Json,
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
):
    require_table(fields)
    model = api.model()
    model["limits"]["rows"] = 1
    answer = json.dumps(api.predict([instance])).encode()
    url, _ = service((200, json.dumps(model).encode()), (200, answer), problem(500))
    monkeypatch.setenv("API_URL", url)
    page = AppTest.from_file(APP, default_timeout=60).run()
    page.file_uploader[0].upload("rows.csv", to_csv(instance, instance), "text/csv").run()
    page.button(key="predict table").click().run()

    assert "log" in page.error[0].value
    refused, answered = (table.value for table in page.dataframe[1:3])
    assert list(refused.index) == [2]
    assert list(refused.iloc[:, 0]) == ["not answered"]
    assert list(answered.index) == [1]


def test_a_file_without_the_inputs_is_refused_in_words(page: AppTest, fields: list[Field]):
    require_table(fields)
    page.file_uploader[0].upload("rows.csv", b"something else\n1\n", "text/csv").run()

    assert not page.exception
    assert plain(fields[0].name) in page.error[0].value


def test_without_a_service_the_page_says_what_to_do(monkeypatch: pytest.MonkeyPatch):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        monkeypatch.setenv("API_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        page = AppTest.from_file(APP, default_timeout=60).run()

    assert not page.exception
    assert "does not answer" in page.error[0].value
    assert page.button[0].label == "Try again"


@pytest.mark.parametrize(
    ("status", "words"),
    [(401, "API_KEY"), (429, "no more requests"), (503, "busy"), (504, "too long"), (500, "log")],
)
def test_a_failure_of_the_service_is_told_in_words(
    status: int,
    words: str,
    api: Client,
    instance: Json,
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
):
    url, _ = service((200, json.dumps(api.model()).encode()), *[problem(status)] * 3)
    monkeypatch.setenv("API_URL", url)
    page = AppTest.from_file(APP, default_timeout=60).run()
    enter_texts(page, instance)
    page.form_submit_button[0].click().run()

    assert not page.exception
    assert words in page.error[0].value


NUMBER = {"type": ["integer", "null"], "minimum": 5, "maximum": 7}
CHOICE = {"type": ["string", "null"], "enum": ["five", "six", None]}


@pytest.mark.parametrize("button", ["FormSubmitter:row-Predict", "predict table"])
def test_a_form_for_another_model_is_renewed(
    button: str, api: Client, service: Service, monkeypatch: pytest.MonkeyPatch
):
    model = api.model()

    def version(name: str, schema: Json, example: Value) -> tuple[int, bytes]:
        inputs = {"properties": {"x": schema}, "required": ["x"]}
        more = {"version": name, "inputs": inputs, "example": {"x": example}}
        return 200, json.dumps(model | more).encode()

    refused = problem(422, errors=[{"row": 0, "field": "x", "message": "not one of these"}])
    after = version("after", CHOICE, "six")
    url, _ = service(version("before", NUMBER, 6), refused, after, after)
    monkeypatch.setenv("API_URL", url)
    page = AppTest.from_file(APP, default_timeout=60).run()
    assert page.get_by_key("input:x").value == 6
    page.button(key=button).click().run()

    assert "has changed" in page.info[-1].value
    page.button(key="load anew").click().run()

    assert not page.exception
    assert not page.error
    assert page.get_by_key("input:x").type == "selectbox"
    assert page.get_by_key("input:x").value == "six"
