"""A model that has changed since the page was opened: noticed, and offered to be loaded."""

import streamlit as st

from client import ApiError, Client, Json

ASKED = "load the page anew"


def asked() -> bool:
    """Say whether the person has asked for the page of the new model."""
    return ASKED in st.session_state


def begun() -> bool:
    """Say so once, and forget it: the page is being drawn anew."""
    return bool(st.session_state.pop(ASKED, False))


def offer(api: Client, model: Json) -> None:
    """Where the service has another model by now than the page was made for, offer its page."""
    try:
        now = api.model()
    except ApiError:
        return
    if now != model:
        st.info(
            "The model has changed since this page was opened. Load the page anew: the new model "
            "may take other inputs."
        )
        st.button(
            "Load anew", key="load anew", on_click=st.session_state.update, args=[{ASKED: True}]
        )
