"""The page: what it asks comes from GET /model, what it answers from POST /predict."""

import json
import os
from collections.abc import Sequence

import streamlit as st

import facts
import form
import groups
import link
import many
import renewal
import result
from client import ApiError, Client, Json, Rejected
from form import Field, plain


@st.cache_data(ttl="1 minute", show_spinner=False)
def describe(url: str, key: str | None) -> Json:
    """Return the model at an address; a page opened a minute after a change shows the new one."""
    return Client(url, key).model()


def page() -> None:
    """Draw the whole page."""
    url = os.environ.get("API_URL", "http://127.0.0.1:8000")
    key = os.environ.get("API_KEY") or None
    if renewal.begun():
        describe.clear()
    try:
        with st.spinner("Asking what the model takes"):
            model = describe(url, key)
    except ApiError as error:
        st.error(plain(str(error)))
        st.button("Try again")
        return
    st.set_page_config(page_title=model["title"])
    st.title(plain(model["title"]))
    st.write(plain(model["description"]))
    if model["level"] == "direct":
        st.info(facts.LEVELS["direct"])
    forget_other_inputs(model)
    api = Client(url, key)
    fields, unfit = link.fill(form.fields(model), st.query_params.to_dict())
    if unfit:
        names = plain(", ".join(unfit))
        st.warning(f"The link gives values that the model does not take, of {names}. Check these.")
    one, rows, about = st.tabs(["One prediction", "Many rows", "About the model"])
    with one:
        predict_one(api, model, fields)
    with rows:
        many.predict(api, model, form.fields(model))
    with about:
        facts.tell(model, fields)
        facts.tell_state(api, model)


def forget_other_inputs(model: Json) -> None:
    """Empty the form where it was filled in for a model with other inputs."""
    inputs = json.dumps(model["inputs"])
    if st.session_state.setdefault("inputs", inputs) != inputs:
        for key in [key for key in st.session_state if str(key).startswith("input:")]:
            del st.session_state[key]
        st.session_state["inputs"] = inputs


@st.fragment
def predict_one(api: Client, model: Json, fields: Sequence[Field]) -> None:
    """Ask for one row and show what the model makes of it."""
    if renewal.asked():
        st.rerun(scope="app")
    row, pressed = enter(fields)
    if not pressed or any(field.is_file and row[field.name] is None for field in fields):
        return
    try:
        with st.spinner("Asking the model"):
            answer = api.predict([row])
    except Rejected as refusal:
        for problem in refusal.errors:
            st.error(plain(str(problem)))
        renewal.offer(api, model)
    except ApiError as error:
        st.error(plain(str(error)))
    else:
        for field in fields:
            if warning := field.warning(row[field.name]):
                st.warning(plain(warning))
        result.show(answer["predictions"][0], model["outputs"])
        name, version = answer["model"]["name"], answer["model"]["version"]
        st.caption(plain(f"{name}, version {version}"))
        if version != model["version"]:
            renewal.offer(api, model)
        share(fields, row)


def enter(fields: Sequence[Field]) -> tuple[Json, bool]:
    """Draw the form; return what is entered, and whether to ask for it.

    Of many inputs, those that are looked for come first. All are always drawn: Streamlit forgets
    what was entered in one that is not.
    """
    found: list[Field] = []
    if len(fields) > groups.GROUP:
        words = st.text_input(
            f"Find one of the {len(fields)} inputs", placeholder="A part of its name"
        )
        found = groups.matching(fields, words) if words.strip() else []
        if words.strip() and not found:
            st.info("No input has that in its name.")
    with st.form("row"):
        row: Json = {}
        if found:
            with st.expander(f"Found: {len(found)}", expanded=True):
                row |= ask(found)
        rest = [field for field in fields if field not in found]
        for place, (title, group) in enumerate(groups.divide(rest)):
            opened = place == 0 and not found
            with st.expander(plain(title), expanded=opened) if title else st.container():
                row |= ask(group)
        pressed = st.form_submit_button("Predict", type="primary")
    return {field.name: row[field.name] for field in fields}, pressed


def ask(fields: Sequence[Field]) -> Json:
    """Draw a grid of widgets; long texts take its whole width."""
    row: Json = {}
    grid = st.grid(3, vertical_alignment="bottom")
    for field in fields:
        with grid.cell(column_span="all" if field.is_long else 1):
            row[field.name] = form.draw(field)
    return row


def share(fields: Sequence[Field], row: Json) -> None:
    """Show a link that fills in the form as it is now."""
    query = link.query(fields, row)
    if query is None:
        return
    address = (st.context.url or "").partition("?")[0]
    with st.expander("A link to these inputs"):
        st.code(f"{address}?{query}", language=None, wrap_lines=True)
        left_out = [field.title for field in fields if not link.shareable(field)]
        kept = f" without {', '.join(left_out)}" if left_out else ""
        st.caption(
            plain(
                f"Whoever opens it finds the form filled in{kept}. The inputs stand in it for all "
                "to read."
            )
        )


page()
