"""From one input of the model to one widget; it knows the model only through GET /model."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import streamlit as st

import files
import picture
from client import Json

Value = str | int | float | bool | list[Any] | None

LINE = 80
SHOWN = 140
"""Pixels of the page that a picture is wide."""
MARKDOWN = re.compile(r"[\\`*\[\]$~<]|:(?=\S)|(?<!\w)[#>]|(?<![^\W_])_|_(?![^\W_])")
EARLIEST, LATEST = datetime(1800, 1, 1), datetime(2199, 12, 31)


@dataclass(frozen=True)
class Field:
    """One property of the model's input schema."""

    name: str
    type: str
    nullable: bool
    required: bool
    options: tuple[str | int | float, ...]
    is_moment: bool
    is_day: bool
    unit: str | None
    description: str | None
    minimum: float | None
    maximum: float | None
    max_length: int | None
    shape: tuple[int, ...]
    """Of an array; empty for all else."""
    media_types: tuple[str, ...]
    """Of a picture's file; empty for all else."""
    pixels: int
    """The most that its picture may have."""
    observed: Mapping[str, Any]
    personal: bool
    """Whether its values look as if they tell of a person."""
    example: Value

    @property
    def title(self) -> str:
        """The name with its unit, unless the name already ends in it."""
        if self.unit is None or self.name.endswith(f"({self.unit})"):
            return self.name
        return f"{self.name} ({self.unit})"

    @property
    def kind(self) -> str:
        """What is to be entered, in a word."""
        if self.shape:
            return f"array {picture.said(self.shape)}"
        if self.media_types:
            return "picture"
        return "date-time" if self.is_moment else "date" if self.is_day else self.type

    @property
    def is_file(self) -> bool:
        """Whether it is uploaded."""
        return bool(self.shape or self.media_types)

    @property
    def white(self) -> int | None:
        """The number of a white pixel, where pictures can be uploaded."""
        return picture.largest(self.shape, self.observed)

    @property
    def is_long(self) -> bool:
        """Whether the text needs more than a line."""
        return (
            self.kind == "string"
            and not self.options
            and max(self.observed.get("longest", 0), len(str(self.example or ""))) > LINE
        )

    @property
    def step(self) -> float:
        """The power of ten that crosses what training saw in 20 to 200 steps."""
        if self.type == "integer":
            return 1
        spread = self.observed.get("maximum", 0) - self.observed.get("minimum", 0)
        return float(f"1e{math.floor(math.log10(spread / 20))}") if spread > 0 else 1.0

    @property
    def seen(self) -> str | None:
        """The range of values in training."""
        if "minimum" not in self.observed:
            return None
        return f"{self.say(self.observed['minimum'])} to {self.say(self.observed['maximum'])}"

    def say(self, value: Value) -> str:
        """Write a value as a person would."""
        return str(value)[:16].replace("T", " ") if self.is_moment else numeral(value)

    @property
    def help(self) -> str:
        """What a person should know before filling it in."""
        sentences = [
            self.description and self.description.rstrip(".") + ".",
            self.shape and f"Takes {picture.said(self.shape)} numbers.",
            self.white == 1 and "The pixels of a picture are divided by 255.",
            self.media_types and f"Takes a picture: {', '.join(files.suffixes(self.media_types))}.",
            self.seen and f"Training saw {self.seen}.",
            self.minimum is not None and f"At least {numeral(self.minimum)}.",
            self.maximum is not None and f"At most {numeral(self.maximum)}.",
            self.nullable and "May be left empty.",
            self.personal and "Looks personal: in no link.",
        ]
        return " ".join(sentence for sentence in sentences if sentence)

    def warning(self, value: Value) -> str | None:
        """Say so where a value lies outside what training saw."""
        if value is None or self.seen is None:
            return None
        if self.shape:
            low, high = picture.span(value if isinstance(value, list) else [value])
            if self.observed["minimum"] <= low and high <= self.observed["maximum"]:
                return None
            said = f"{numeral(low)} to {numeral(high)}"
            return f"{self.title} holds {said}, but training saw only {self.seen}."
        if self.observed["minimum"] <= value <= self.observed["maximum"]:
            return None
        return f"{self.title} is {self.say(value)}, but training saw only {self.seen}."


def fields(model: Json) -> list[Field]:
    """Read the inputs of a model in the order of its columns."""
    inputs = model["inputs"]
    return [
        _field(name, schema, name in inputs["required"], model["example"].get(name))
        for name, schema in inputs["properties"].items()
    ]


def _field(name: str, schema: Json, required: bool, example: Value) -> Field:
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return Field(
        name=name,
        type=next(kind for kind in types if kind != "null"),
        nullable="null" in types,
        required=required,
        options=tuple(option for option in schema.get("enum", ()) if option is not None),
        is_moment=schema.get("format") == "date-time",
        is_day=schema.get("format") == "date",
        unit=schema.get("x-unit"),
        description=schema.get("description"),
        minimum=schema.get("minimum"),
        maximum=schema.get("maximum"),
        max_length=schema.get("maxLength"),
        shape=tuple(schema.get("x-shape", ())),
        media_types=tuple(schema.get("x-media-types", ())),
        pixels=schema.get("x-pixels", 0),
        observed=schema.get("x-observed", {}),
        personal="x-personal" in schema,
        example=example,
    )


def draw(field: Field) -> Value:
    """Draw the widget of a field, filled with its example, and return what is entered."""
    label, help_, key = plain(field.title), plain(field.help), f"input:{field.name}"
    if field.shape:
        return draw_array(field, label, help_, key)
    if field.media_types:
        return draw_picture(field, label, help_, key)
    start: Any = field.example
    if start is not None and (field.is_moment or field.is_day):
        start = datetime.fromisoformat(start)
        start = start.date() if field.is_day else start
    elif start is not None and field.type == "number":
        start = float(start)
    if field.nullable:
        # A widget can be emptied only if it starts empty: the example comes through its state.
        if start is not None:
            st.session_state.setdefault(key, start)
        start = None

    if field.options:
        return st.selectbox(
            label,
            field.options,
            index=None if start is None else field.options.index(start),
            key=key,
            help=help_,
            placeholder="No value" if field.nullable else "Choose one",
        )
    match field.type:
        case "boolean" if field.nullable:
            words = {True: "Yes", False: "No"}
            return st.selectbox(
                label,
                [True, False],
                index=None,
                format_func=lambda choice: words[choice],
                key=key,
                help=help_,
                placeholder="No value",
            )
        case "boolean":
            return st.toggle(label, value=bool(start), key=key, help=help_)
        case "integer" | "number":
            number = int if field.type == "integer" else float
            entered: float | None = st.number_input(
                label,
                min_value=None if field.minimum is None else number(field.minimum),
                max_value=None if field.maximum is None else number(field.maximum),
                value=start,
                step=number(field.step),
                format="%d" if field.type == "integer" else "%g",
                key=key,
                help=help_,
            )
            return entered
        case "string" if field.is_moment:
            moment = st.datetime_input(
                label,
                value=start,
                min_value=EARLIEST,
                max_value=LATEST,
                key=key,
                help=help_,
                format="YYYY-MM-DD",
                step=60,
            )
            return moment.isoformat() if moment else None
        case "string" if field.is_day:
            day = st.date_input(
                label,
                value=start,
                min_value=EARLIEST.date(),
                max_value=LATEST.date(),
                key=key,
                help=help_,
                format="YYYY-MM-DD",
            )
            return day.isoformat() if day else None
        case _:
            write = st.text_area if field.is_long else st.text_input
            text = write(label, value=start, max_chars=field.max_length, key=key, help=help_)
            return text or None if field.nullable else text


def draw_array(field: Field, label: str, help_: str, key: str) -> Value:
    """Draw the upload of a picture or a NumPy file, and the picture; return the example if none."""
    file = st.file_uploader(label, type=suffixes(field), key=key, help=help_)
    entered = field.example if isinstance(field.example, list) else None
    if file:
        try:
            entered = picture.read(file.getvalue(), file.name, field.shape, field.white)
        except picture.Unreadable as error:
            st.error(plain(str(error)))
            return None
    if picture.mode(field.shape) and entered is not None:
        caption = plain(file.name) if file else "The example: the median of the training data"
        st.image(picture.shown(entered, field.observed), caption=caption, width=SHOWN)
    return entered


def draw_picture(field: Field, label: str, help_: str, key: str) -> Value:
    """Draw the upload of a picture and the picture, which goes to the service as it is."""
    file = st.file_uploader(label, type=suffixes(field), key=key, help=help_)
    entered = files.encoded(file.getvalue()) if file else str(field.example)
    small = files.shown(entered, field.pixels)
    if small is not None:
        st.image(small, caption=plain(file.name) if file else "The example", width=SHOWN)
    elif file:
        st.caption("The page cannot show this file.")
    return entered


def suffixes(field: Field) -> list[str]:
    """Return what the files of an input may be called."""
    if field.media_types:
        return files.suffixes(field.media_types)
    return [*(picture.SUFFIXES if field.white else ()), "npy"]


def plain(text: str) -> str:
    """Escape what Streamlit would read as Markdown, so that column names show as they are.

    Nothing more is, ``a_b`` for one: screen readers are given the names with their backslashes.
    """
    return MARKDOWN.sub(r"\\\g<0>", text)


def numeral(value: Value) -> str:
    """Write a number without noise, and anything else as it is."""
    return f"{value:.10g}" if isinstance(value, float) else str(value)
