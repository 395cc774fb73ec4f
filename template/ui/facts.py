"""What the page tells about the model, and about the service that it asks."""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import streamlit as st

from client import ApiError, Client, Json
from form import Field, numeral, plain

SHOWN = 10
"""Choices of an input that are named."""
LEVELS = {
    "raw": "The inputs are columns of the data as it was loaded. The service prepares them itself, "
    "as the model's authors did.",
    "frame": "The inputs are columns of the data after some preparation by the model's authors. "
    "Other data must be prepared in the same way before it is entered here.",
    "direct": "The inputs are the model's own columns, as its notebook prepared them. "
    "Data must be prepared in the same way before it is entered here.",
}


KINDS = {
    "string": "text",
    "integer": "whole number",
    "boolean": "yes or no",
    "date": "day",
    "date-time": "day and time",
}
MEASURED = {
    "other rows": "on rows that it had not learned from",
    "its training rows": "on the rows that it learned from: others may go worse",
    "some of its training rows": "on rows that it learned from: others may go worse",
    "mostly its training rows": "mostly on rows that it learned from: others may go worse",
}


@st.cache_resource(max_entries=100)
def first_seen(name: str, version: str) -> datetime:
    """Return when this page first found a version in service."""
    return datetime.now(UTC)


def tell(model: Json, fields: Sequence[Field]) -> None:
    """Tell what the model is, how good, what it takes, and how it was checked."""
    provenance, parity = model["provenance"], model["parity"]
    st.subheader("What it is")
    st.write(plain(f"{provenance['estimator']}{_origin(provenance)}, version {model['version']}."))
    st.write(f"It answers {_answer(model['outputs'])}. {LEVELS.get(model['level'], '')}")
    if metrics := provenance.get("metrics", []):
        st.subheader("How good it was found to be")
        grid = st.grid(4)
        for metric in metrics:
            with grid.cell():
                st.metric(plain(metric["name"]), numeral(float(f"{metric['value']:.4g}")))
                st.caption(plain(_measured(metric)))
    st.subheader("What it takes")
    tell_inputs(fields)
    st.write(
        f"One request holds up to {model['limits']['rows']} rows and {model['limits']['bytes']:,} "
        "bytes; this page divides longer tables."
    )
    st.subheader("How it was checked")
    same = "the labels" if model["outputs"]["task"] == "classification" else "the numbers"
    st.write(
        plain(
            f"The service was asked {parity['rows']} rows together and {parity['single_rows']} one "
            f"at a time, and gave {same} of the {parity['reference']}. The largest difference "
            f"between two numbers is {parity['largest_difference']:.1g} "
            f"(allowed: {parity['tolerance']:g})."
        )
    )
    versions = {model["name"]: model["version"], "python": provenance["python"]}
    versions |= provenance.get("packages", {})
    with st.expander("Software"):
        st.dataframe({"software": versions.keys(), "version": versions.values()}, hide_index=True)


def tell_inputs(fields: Sequence[Field]) -> None:
    """List the inputs with what training saw of them, and say what becomes of other values."""
    columns = {
        "input": [field.title for field in fields],
        "type": [_kind(field) for field in fields],
        "training saw": [_seen(field) for field in fields],
        "missing": [share(field.observed.get("missing")) for field in fields],
        "allowed": [_allowed(field) for field in fields],
        "description": [field.description or "" for field in fields],
    }
    st.dataframe({name: cells for name, cells in columns.items() if any(cells)}, hide_index=True)
    if any(field.options for field in fields):
        st.write("A choice that training did not see is refused.")
    if any(field.seen for field in fields):
        st.write(
            "A value beyond what training saw is answered, with a warning: nothing shows how good "
            "such answers are."
        )


@st.fragment
def tell_state(api: Client, model: Json) -> None:
    """Tell whether the service answers, how fast, and with which version since when."""
    st.subheader("The service")
    since = first_seen(model["name"], model["version"])
    if st.button("Check now", key="check now"):
        start = time.monotonic()
        try:
            version = api.model()["version"]
        except ApiError as error:
            st.error(plain(str(error)))
            return
        took = time.monotonic() - start
        since = first_seen(model["name"], version)
        st.success(f"It answers within {took:.2g} seconds, with version {plain(version)}.")
        if version != model["version"]:
            st.info("That is another version than when this page was opened. Reload the page.")
    st.caption(f"This page has known the version since {since:%Y-%m-%d %H:%M} UTC.")


def share(part: float | None) -> str:
    """Write a share as a percentage, and one that is not known as nothing."""
    return "" if part is None else f"{part:.1%}"


def _origin(provenance: Mapping[str, Any]) -> str:
    if "notebook" in provenance:
        return f", fitted in cell {provenance['cell']} of {provenance['notebook']}"
    return f", saved in {provenance['model_file']}" if "model_file" in provenance else ""


def _answer(outputs: Json) -> str:
    """Say what is predicted: of each target a number, or one of how many labels."""
    said = []
    for target in outputs.get("targets", [outputs]):
        name, unit = plain(target["name"]), target.get("unit")
        if target["task"] == "regression":
            said.append(f"**{name}**, a number" + (f" in {plain(unit)}" if unit else ""))
        else:
            said.append(f"**{name}**, one of {len(target['labels'])} labels")
    return "; ".join(said)


def _measured(metric: Mapping[str, Any]) -> str:
    rows = metric.get("rows")
    cell = [f"cell {metric['cell']}"] if "cell" in metric else []
    return ", ".join(cell + ([MEASURED.get(rows, f"on {rows}")] if rows else []))


def _kind(field: Field) -> str:
    return "choice" if field.options else KINDS.get(field.kind, field.kind)


def _allowed(field: Field) -> str:
    """Say within what bounds a value must lie; a missing one too."""
    bounds = [
        "" if field.minimum is None else f"at least {numeral(field.minimum)}",
        "" if field.maximum is None else f"at most {numeral(field.maximum)}",
        "may be empty" if field.nullable else "",
    ]
    return ", ".join(filter(None, bounds))


def _seen(field: Field) -> str:
    choices = [str(option) for option in field.options[:SHOWN]]
    rest = len(field.options) - len(choices)
    return field.seen or ", ".join(choices) + (f" and {rest} more" if rest > 0 else "")
