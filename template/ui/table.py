"""Many rows: a table in, predictions in chunks the service accepts, a table out."""

import json
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from client import Client, Json, Rejected, about
from form import Field, Value

DTYPES = {"number": pd.Float64Dtype(), "integer": pd.Int64Dtype(), "boolean": pd.BooleanDtype()}
BOOLEANS = {"true": True, "false": False, "yes": True, "no": False, "1": True, "0": False}
PROBLEM = "not predicted because"
MISSING = {"", "na", "nan", "null"}


@dataclass(frozen=True)
class Answer:
    """What became of one row: its prediction, or the problem with it."""

    prediction: Json | None = None
    problem: str | None = None


def example(fields: Sequence[Field]) -> pd.DataFrame:
    """Return a table of one row, the example."""
    return typed(pd.DataFrame([{f.name: f.example for f in fields}], dtype=object), fields)


def typed(frame: pd.DataFrame, fields: Sequence[Field]) -> pd.DataFrame:
    """Give the inputs among the columns of ``frame`` their types; one that does not fit stays."""
    for field in fields:
        if field.type in DTYPES and field.name in frame:
            values = pd.Series([cell(value, field) for value in frame[field.name]], dtype=object)
            with suppress(TypeError, ValueError, OverflowError):
                frame[field.name] = values.astype(DTYPES[field.type])
    return frame


def cell(value: Value, field: Field) -> Value:
    """Read a cell; what cannot be read stays text, for the service to refuse with its reason."""
    if not isinstance(value, str):
        return None if pd.isna(value) else value
    if field.type == "string":
        return None if field.nullable and not value else value
    word = value.strip().lower()
    if word in MISSING:
        return None
    if field.type == "boolean":
        return BOOLEANS.get(word, value)
    try:
        number = float(word)
    except ValueError:
        return value
    if not math.isfinite(number):
        return value
    if field.type == "integer" and number.is_integer():
        return int(word) if word.isdecimal() else int(number)
    return number


def columns(frame: pd.DataFrame, fields: Sequence[Field]) -> Json:
    """Return how to edit each column: by choice where all its values are options, else by type.

    A choice would show a value that is no option as an empty cell.
    """
    return {
        field.name: st.column_config.SelectboxColumn(
            field.title, help=field.help, options=field.options
        )
        if field.options and set(frame[field.name].dropna()) <= set(field.options)
        else st.column_config.Column(field.title, help=field.help)
        for field in fields
        if field.name in frame
    }


def instances(frame: pd.DataFrame, fields: Sequence[Field]) -> list[Json]:
    """Return the rows of a table as the service takes them."""
    columns = {
        field.name: [cell(value, field) for value in frame[field.name].tolist()]
        for field in fields
        if field.name in frame
    }
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def chunks(rows: Sequence[Json], limits: Json) -> Iterator[list[Json]]:
    """Divide rows so that each request stays within the service's limits of rows and bytes."""
    chunk: list[Json] = []
    room = limits["bytes"] - len(json.dumps({"instances": []}))
    size = 0
    for row in rows:
        weight = len(json.dumps(row)) + len(", ")
        if chunk and (len(chunk) == limits["rows"] or size + weight > room):
            yield chunk
            chunk, size = [], 0
        chunk.append(row)
        size += weight
    if chunk:
        yield chunk


def answer(api: Client, rows: Sequence[Json]) -> list[Answer]:
    """Predict each row on its own merits: those refused get the reason, the others an answer.

    Raises:
        ApiError: The service failed, and not because of the rows.
    """
    problems: defaultdict[int, list[str]] = defaultdict(list)
    while pending := [row for row in range(len(rows)) if row not in problems]:
        try:
            predictions = api.predict([rows[row] for row in pending])["predictions"]
        except Rejected as refusal:
            for error in refusal.errors:
                for row in pending if error.row is None else [pending[error.row]]:
                    problems[row].append(str(error))
        else:
            answered = dict(zip(pending, predictions, strict=True))
            break
    else:
        answered = {}
    return [Answer(answered.get(i), "; ".join(problems[i]) or None) for i in range(len(rows))]


def results(answers: Sequence[Answer], outputs: Json) -> pd.DataFrame:
    """Return what was predicted for each row, or why nothing was; rows count from 1."""
    predictions = [answer.prediction or {} for answer in answers]
    columns: Json = {}
    for target in outputs.get("targets", [outputs]):
        single = [about(prediction, target, outputs) for prediction in predictions]
        columns[f"predicted {target['name']}"] = [p.get("label", p.get("value")) for p in single]
        of = f"{target['name']} " if "targets" in outputs else ""
        for label in map(str, target["labels"] if outputs.get("probabilities") else ()):
            columns[f"probability of {of}{label}"] = [
                p.get("probabilities", {}).get(label) for p in single
            ]
    columns[PROBLEM] = [answer.problem for answer in answers]
    # As objects: beside a missing one, pandas would turn the label 1 into 1.0.
    return pd.DataFrame(columns, index=range(1, len(answers) + 1), dtype=object)
