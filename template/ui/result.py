"""One prediction, drawn: a label with its probabilities, or a number with its unit."""

import altair as alt
import pandas as pd
import streamlit as st

from client import Json, about
from form import numeral, plain

TOP = 10
"""Probabilities that are drawn; of more classes, the largest."""
BAR = 30
"""Pixels that a bar with its space is high."""
FONT = 13


def show(prediction: Json, outputs: Json) -> None:
    """Show one prediction: of several targets, one below the other."""
    for target in outputs.get("targets", [outputs]):
        show_target(about(prediction, target, outputs), target)


def show_target(prediction: Json, outputs: Json) -> None:
    """Show what is predicted of one target."""
    name, unit = plain(outputs["name"]), outputs.get("unit")
    if outputs["task"] == "regression":
        st.metric(f"{name} ({plain(unit)})" if unit else name, numeral(prediction["value"]))
        return
    st.metric(name, plain(str(prediction["label"])))
    if probabilities := prediction.get("probabilities"):
        likely = sorted(probabilities.items(), key=lambda item: item[1], reverse=True)
        st.altair_chart(chart(likely[:TOP], outputs["name"]))
        if len(likely) > TOP:
            st.caption(f"The {TOP} most likely of {len(likely)}.")


def chart(likely: list[tuple[str, float]], name: str) -> alt.LayerChart | alt.FacetChart:
    """Draw (label, probability) pairs as bars in their order, with the numbers beside them."""
    data = pd.DataFrame(likely, columns=["label", "probability"])
    base = alt.Chart(data).encode(
        alt.Y("label:N", sort=None, title=None, axis=alt.Axis(labelLimit=220, labelFontSize=FONT)),
        alt.X("probability:Q", scale=alt.Scale(domain=[0, 1]), axis=None),
        tooltip=[
            alt.Tooltip("label:N", title=name),
            alt.Tooltip("probability:Q", format=".4%"),
        ],
    )
    number = base.mark_text(align="left", dx=4, fontSize=FONT).encode(
        text=alt.Text("probability:Q", format=".1%"), color=alt.value("gray")
    )
    return alt.layer(
        base.mark_bar(height=BAR // 2), number, height=alt.Step(BAR), padding={"right": 52}
    )
