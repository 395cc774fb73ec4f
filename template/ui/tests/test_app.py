"""The page as a person uses it, against the real service."""

import csv
import io
import socket
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import form
from client import Client, Json, about
from form import Field, plain

APP = Path(__file__).parents[1] / "app.py"


def to_csv(*rows: Json) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def require_table(fields: list[Field]):
    if any(field.shape for field in fields):
        pytest.skip("the model takes arrays, which are uploaded one by one")


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
        if field.shape:
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
    tables = iter(page.dataframe)
    for shown, target in zip(page.metric, targets, strict=False):
        expected = about(prediction, target, outputs)
        if "value" in expected:
            assert shown.value == form.numeral(expected["value"])
            continue
        assert shown.value == plain(str(expected["label"]))
        if expected.get("probabilities"):
            bars = next(tables).value
            assert list(bars["probability"]) == sorted(bars["probability"], reverse=True)
            for label, probability in zip(bars["label"], bars["probability"], strict=True):
                assert probability == pytest.approx(expected["probabilities"][label])


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
