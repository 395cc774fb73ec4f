"""A CSV is read as the model's inputs, and nothing in it is lost or guessed."""

import json

import pytest

import form
import table
from form import Field

PROPERTIES = {
    "length (cm)": {"type": "number"},
    "age": {"type": ["integer", "null"]},
    "sex": {"type": "string", "enum": ["female", "male"]},
    "insured": {"type": ["boolean", "null"]},
    "when": {"type": "string", "format": "date-time"},
    "remark": {"type": ["string", "null"]},
}
HEADER = "id,length (cm),age,sex,insured,when,remark"


@pytest.fixture
def fields() -> list[Field]:
    inputs = {"properties": PROPERTIES, "required": list(PROPERTIES)}
    return form.fields({"inputs": inputs, "example": {}})


def instances(lines: str, fields: list[Field]) -> list[list[object]]:
    rows = table.instances(table.read(f"{HEADER}\n{lines}\n".encode(), fields), fields)
    assert all(list(row) == list(PROPERTIES) for row in rows)
    return [list(row.values()) for row in rows]


def test_cells_become_json_of_the_type_of_their_column(fields: list[Field]):
    lines = (
        "a,5.1,3,male,true,2020-01-01T00:00:00,fine\n"
        "b,5,3.0,female,No,2020-01-01T00:00:00,NA\n"
        'c,1e-5,,other,,,""'
    )

    rows = instances(lines, fields)

    assert rows == [
        [5.1, 3, "male", True, "2020-01-01T00:00:00", "fine"],
        [5.0, 3, "female", False, "2020-01-01T00:00:00", "NA"],
        [1e-5, None, "other", None, "", None],
    ]
    assert all(type(row[1]) in (int, type(None)) for row in rows)
    json.dumps(rows, allow_nan=False)


def test_a_cell_of_the_wrong_type_is_left_for_the_service_to_refuse(fields: list[Field]):
    lines = "a,abc,3.5,male,maybe,soon,\nb,inf,3,male,1,soon,\nc,5.1,2,male,0,soon,"

    assert [row[:4] for row in instances(lines, fields)] == [
        ["abc", 3.5, "male", "maybe"],
        ["inf", 3, "male", True],
        [5.1, 2, "male", False],
    ]


def test_columns_that_are_no_inputs_are_kept(fields: list[Field]):
    frame = table.read(f"{HEADER}\n007,1,1,male,1,x,y\n".encode(), fields)

    assert list(frame["id"]) == ["007"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no column"),
        (b"id,age\n1,2\n", "'length (cm)'"),
        (HEADER.encode(), "no rows"),
        (f"{HEADER}\n1,2\n".encode(), "Row 1"),
        (f"{HEADER}\n1,2,3,4,5,6,7,8\n".encode(), "Row 1"),
        (f"{HEADER},age\n1,2,3,4,5,6,7,8\n".encode(), "same name"),
        (HEADER.encode("utf-16"), "UTF-8"),
        (f'{HEADER}\n"1,2\n'.encode(), "no CSV"),
    ],
)
def test_a_file_that_is_no_table_is_refused_in_words(data: bytes, reason: str, fields: list[Field]):
    with pytest.raises(table.Unreadable, match=reason.replace("(", r"\(").replace(")", r"\)")):
        table.read(data, fields)


def test_a_file_from_a_spreadsheet_may_start_with_a_byte_order_mark(fields: list[Field]):
    frame = table.read(f"{HEADER}\n1,2,3,male,1,x,y\n".encode("utf-8-sig"), fields)

    assert frame.columns[0] == "id"


def test_chunks_stay_within_the_limits_of_rows_and_bytes():
    rows = [{"a_long_name": n} for n in range(1000)]
    limits = {"rows": 300, "bytes": 4096}

    chunks = list(table.chunks(rows, limits))

    assert [row for chunk in chunks for row in chunk] == rows
    assert max(map(len, chunks)) <= limits["rows"]
    assert max(len(json.dumps({"instances": chunk})) for chunk in chunks) <= limits["bytes"]
    assert len(chunks) < 10
    assert list(map(len, table.chunks(rows, limits | {"bytes": 10**6}))) == [300, 300, 300, 100]


def test_results_keep_the_labels_as_they_were_answered():
    answers = [table.Answer({"label": 1, "probabilities": {"0": 0.25, "1": 0.75}})]
    answers.append(table.Answer(problem="age: too old"))

    results = table.results(answers, {"name": "survived", "labels": [0, 1], "probabilities": True})

    assert results.to_csv() == (
        ",predicted survived,probability of 0,probability of 1,not predicted because\n"
        "1,1,0.25,0.75,\n"
        "2,,,,age: too old\n"
    )


def test_results_of_several_targets_have_a_column_each():
    answers = [table.Answer({"values": {"depth": 1.5, "width": 2.0}})]
    answers.append(table.Answer(problem="age: too old"))
    targets = [{"task": "regression", "name": name} for name in ("depth", "width")]

    results = table.results(answers, {"name": "depth, width", "targets": targets})

    assert results.to_csv() == (
        ",predicted depth,predicted width,not predicted because\n1,1.5,2.0,\n2,,,age: too old\n"
    )


def test_labels_of_several_targets_come_with_their_probabilities():
    said = {"wet": {"False": 0.25, "True": 0.75}, "cold": {"no": 1.0}}
    answer = table.Answer({"labels": {"wet": True, "cold": "no"}, "probabilities": said})
    targets = [{"name": "wet", "labels": [False, True]}, {"name": "cold", "labels": ["no"]}]

    results = table.results([answer], {"probabilities": True, "targets": targets})

    assert results.to_csv() == (
        ",predicted wet,probability of wet False,probability of wet True,"
        "predicted cold,probability of cold no,not predicted because\n"
        "1,True,0.25,0.75,no,1.0,\n"
    )
