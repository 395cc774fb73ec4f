"""Many inputs are divided by their names, and found by parts of them."""

import form
import groups
from form import Field


def fields(*names: str) -> list[Field]:
    inputs = {"properties": {name: {"type": "number"} for name in names}, "required": []}
    return form.fields({"inputs": inputs, "example": {}})


def titles(given: list[Field]) -> list[tuple[str, int]]:
    return [(title, len(group)) for title, group in groups.divide(given)]


def test_few_inputs_stand_in_one_group_without_a_title():
    assert titles(fields("a", "b")) == [("", 2)]


def test_inputs_that_begin_alike_stand_together():
    names = [f"{place}_{i}" for place in ("flow", "heat") for i in range(25)]

    assert titles(fields(*names)) == [
        ("flow_0 to flow_19", 20),
        ("flow_20 to flow_24", 5),
        ("heat_0 to heat_19", 20),
        ("heat_20 to heat_24", 5),
    ]


def test_inputs_that_share_nothing_are_divided_by_their_number():
    names = [f"{chr(97 + i % 26)}{i}" for i in range(45)]

    assert [count for _, count in titles(fields(*names))] == [20, 20, 5]


def test_each_input_is_in_one_group():
    given = fields(*(f"x{i}" for i in range(203)))

    assert [field for _, group in groups.divide(given) for field in group] == given


def test_an_input_is_found_by_parts_of_its_name_in_any_order_and_case():
    given = fields("Flow of water", "flow of air", "heat")

    assert [field.name for field in groups.matching(given, "WATER flow")] == ["Flow of water"]
    assert groups.matching(given, "earth") == []
