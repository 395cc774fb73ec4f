"""A CSV is read as the model's inputs, and nothing in it is lost or guessed unsaid."""

import json

import pytest

import form
import table
import upload
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
    rows = table.instances(upload.read(f"{HEADER}\n{lines}\n".encode(), fields).frame, fields)
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
    frame = upload.read(f"{HEADER}\n007,1,1,male,1,x,y\n".encode(), fields).frame

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
        (b"PK\x03\x04rest of a workbook", "spreadsheet"),
        (HEADER.encode("utf-16-le"), "no text"),
        (b"\x80\x81\x8d\x00", "no text"),
        (HEADER.replace("sex", "Sex").encode(), "Perhaps 'Sex' is 'sex'"),
        (HEADER.replace(",", " ").encode(), "no column 'length (cm)', 'age'"),
        (f'{HEADER}\n"1,2\n'.encode(), "no CSV"),
    ],
)
def test_a_file_that_is_no_table_is_refused_in_words(data: bytes, reason: str, fields: list[Field]):
    with pytest.raises(upload.Unreadable, match=reason.replace("(", r"\(").replace(")", r"\)")):
        upload.read(data, fields)


def test_a_file_from_a_spreadsheet_may_start_with_a_byte_order_mark(fields: list[Field]):
    frame = upload.read(f"{HEADER}\n1,2,3,male,1,x,y\n".encode("utf-8-sig"), fields).frame

    assert frame.columns[0] == "id"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_what_spreadsheets_write_is_read(encoding: str, separator: str, fields: list[Field]):
    text = f"{HEADER}\n1,2.5,3,male,1,x,für Łódź\n".replace(",", separator)

    uploaded = upload.read(text.encode(encoding), fields)

    [row] = table.instances(uploaded.frame, fields)
    assert list(row.values()) == [2.5, 3, "male", True, "x", "für Łódź"]
    assert uploaded.notes == ()


def test_a_file_in_windows_1252_is_read_with_a_note(fields: list[Field]):
    uploaded = upload.read(f"{HEADER}\n1,2,3,male,1,x,für\n".encode("cp1252"), fields)

    assert list(uploaded.frame["remark"]) == ["für"]
    [note] = uploaded.notes
    assert "Windows-1252" in note


def test_decimal_commas_are_read_where_semicolons_separate(fields: list[Field]):
    lines = f"{HEADER}\na,2b5,3,male,1,x,y\nb,7,3,male,1,x,1b5\n".replace(",", ";")

    uploaded = upload.read(lines.replace("b", ",").encode(), fields)

    assert list(uploaded.frame["length (cm)"]) == [2.5, 7.0]
    assert list(uploaded.frame["remark"]) == ["y", "1,5"]
    assert "'length (cm)' are read as decimal points" in uploaded.notes[0]


@pytest.mark.parametrize("number", ["1.234,5", "1,234,567"])
def test_a_number_that_can_be_read_in_two_ways_is_left_to_be_refused(
    number: str, fields: list[Field]
):
    text = f"{HEADER};x\na;{number};3;male;1;x;y;z\n".replace(HEADER, HEADER.replace(",", ";"))

    uploaded = upload.read(text.encode(), fields)

    assert table.instances(uploaded.frame, fields)[0]["length (cm)"] == number
    assert uploaded.notes == ()


def test_a_comma_in_a_number_of_a_file_with_commas_is_left_to_be_refused(fields: list[Field]):
    uploaded = upload.read(f'{HEADER}\na,"1,234",3,male,1,x,y\n'.encode(), fields)

    assert table.instances(uploaded.frame, fields)[0]["length (cm)"] == "1,234"
