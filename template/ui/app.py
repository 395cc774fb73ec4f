"""The page: what it asks comes from GET /model, what it answers from POST /predict."""

import os
from collections.abc import Sequence

import pandas as pd
import streamlit as st

import form
import picture
import table
from client import ApiError, Client, Json, Rejected, about
from form import Field, numeral, plain

GROUP = 20
TOP = 10


@st.cache_data(ttl="1 minute", show_spinner=False)
def describe(url: str, key: str | None) -> Json:
    """Return the model at an address; a page opened a minute after a change shows the new one."""
    return Client(url, key).model()


def page() -> None:
    """Draw the whole page."""
    url = os.environ.get("API_URL", "http://127.0.0.1:8000")
    key = os.environ.get("API_KEY")
    try:
        model = describe(url, key)
    except ApiError as error:
        st.error(plain(str(error)))
        st.button("Try again")
        return
    st.set_page_config(page_title=model["title"])
    st.title(plain(model["title"]))
    st.write(plain(model["description"]))
    if model["level"] == "direct":
        st.info(
            "The inputs are the model's own columns, as its notebook prepared them. "
            "Data must be prepared in the same way before it is entered here."
        )
    api, fields = Client(url, key), form.fields(model)
    one, many, facts = st.tabs(["One prediction", "Many rows", "About the model"])
    with one:
        predict_one(api, model, fields)
    with many:
        predict_many(api, model, fields)
    with facts:
        tell(model, fields)


@st.fragment
def predict_one(api: Client, model: Json, fields: Sequence[Field]) -> None:
    """Ask for one row and show what the model makes of it."""
    with st.form("row"):
        row: Json = {}
        for start in range(0, len(fields), GROUP):
            group = fields[start : start + GROUP]
            wide = len(fields) > GROUP
            title = f"{group[0].name} to {group[-1].name}"
            with st.expander(plain(title), expanded=start == 0) if wide else st.container():
                row |= ask(group)
        pressed = st.form_submit_button("Predict", type="primary")
    if not pressed or any(field.shape and row[field.name] is None for field in fields):
        return
    try:
        with st.spinner("Asking the model"):
            answer = api.predict([row])
    except Rejected as refusal:
        for problem in refusal.errors:
            st.error(plain(str(problem)))
    except ApiError as error:
        st.error(plain(str(error)))
    else:
        for field in fields:
            if warning := field.warning(row[field.name]):
                st.warning(plain(warning))
        show(answer["predictions"][0], model["outputs"])
        name, version = answer["model"]["name"], answer["model"]["version"]
        st.caption(plain(f"{name}, version {version}"))
        if version != model["version"]:
            st.info("The model has changed since this page was opened. Reload it in a minute.")


def ask(fields: Sequence[Field]) -> Json:
    """Draw a grid of widgets; long texts take its whole width."""
    row: Json = {}
    grid = st.grid(3, vertical_alignment="bottom")
    for field in fields:
        with grid.cell(column_span="all" if field.is_long else 1):
            row[field.name] = form.draw(field)
    return row


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
        likely = sorted(probabilities.items(), key=lambda item: item[1], reverse=True)[:TOP]
        bar = st.column_config.ProgressColumn(format="percent", min_value=0, max_value=1)
        st.dataframe(
            pd.DataFrame(likely, columns=["label", "probability"]),
            column_config={"label": outputs["name"], "probability": bar},
            hide_index=True,
        )


@st.fragment
def predict_many(api: Client, model: Json, fields: Sequence[Field]) -> None:
    """Ask for a table, by hand or from a CSV, and give it back with the predictions."""
    if any(field.shape for field in fields):
        predict_files(api, model, fields[0])
        return
    file = st.file_uploader(
        "Upload a CSV file, or fill in the table",
        type="csv",
        help="Its header names the inputs. Other columns are kept beside the predictions.",
    )
    try:
        given = table.read(file.getvalue(), fields) if file else table.example(fields)
    except table.Unreadable as error:
        st.error(plain(str(error)))
        return
    frame = st.data_editor(given, num_rows="dynamic", column_config=table.columns(given, fields))
    if st.button("Predict", type="primary", key="predict table") and len(frame):
        answers = ask_for_all(api, model, table.instances(frame, fields))
        show_table(frame, table.results(answers, model["outputs"]), model["name"])


def predict_files(api: Client, model: Json, field: Field) -> None:
    """Ask for several files, each with one array; give their names back with the predictions."""
    files = st.file_uploader(
        "Upload several files", type=form.suffixes(field), accept_multiple_files=True
    )
    rows: list[Json] = []
    names: list[str] = []
    for file in files:
        try:
            entered = picture.read(file.getvalue(), file.name, field.shape, field.white)
        except picture.Unreadable as error:
            st.error(plain(f"{file.name}: {error}"))
            continue
        rows.append({field.name: entered})
        names.append(file.name)
    if st.button("Predict", type="primary", key="predict files") and rows:
        results = table.results(ask_for_all(api, model, rows), model["outputs"])
        show_table(pd.DataFrame({"file": names}), results, model["name"])


def ask_for_all(api: Client, model: Json, rows: Sequence[Json]) -> list[table.Answer]:
    """Send rows in chunks; when the service stops answering, keep what it has answered."""
    answers: list[table.Answer] = []
    progress = st.progress(0.0, "Asking the model")
    try:
        for chunk in table.chunks(rows, model["limits"]):
            answers += table.answer(api, chunk)
            progress.progress(len(answers) / len(rows), f"{len(answers)} of {len(rows)} rows")
    except ApiError as error:
        st.error(plain(str(error)))
    progress.empty()
    return answers + [table.Answer(problem="not answered")] * (len(rows) - len(answers))


def show_table(rows: pd.DataFrame, results: pd.DataFrame, name: str) -> None:
    """Show the rows that have no prediction with the reason, then the others with theirs."""
    rows = rows.set_axis(results.index).drop(columns=results.columns, errors="ignore")
    refused = results[table.PROBLEM].notna()
    if refused.any():
        st.warning(f"{refused.sum()} of {len(results)} rows have no prediction.")
        st.dataframe(results.loc[refused, [table.PROBLEM]].join(rows))
    if not refused.all():
        st.dataframe(results.loc[~refused].drop(columns=table.PROBLEM).join(rows))
    st.download_button(
        "Download all rows as CSV",
        rows.join(results).to_csv(index=False),
        file_name=f"{name}-predictions.csv",
        mime="text/csv",
        on_click="ignore",
    )


def tell(model: Json, fields: Sequence[Field]) -> None:
    """Tell what the model is, where it comes from and how it was checked."""
    provenance, parity = model["provenance"], model["parity"]
    metrics = st.grid(4)
    for metric in provenance.get("metrics", []):
        cell = f" (cell {metric['cell']})" if "cell" in metric else ""
        metrics.metric(plain(metric["name"] + cell), numeral(round(metric["value"], 4)))
    st.dataframe(
        {
            "input": [field.title for field in fields],
            "type": [field.kind for field in fields],
            "training saw": [field.seen or ", ".join(map(str, field.options)) for field in fields],
            "missing": [share(field.observed.get("missing")) for field in fields],
            "description": [field.description or "" for field in fields],
        },
        hide_index=True,
    )
    if "notebook" in provenance:
        cell = f"cell {provenance['cell']} of {provenance['notebook']}"
        st.write(plain(f"{provenance['estimator']}, from {cell}."))
    if "model_file" in provenance:
        st.write(plain(f"{provenance['estimator']}, from {provenance['model_file']}."))
    st.write(
        plain(
            f"On {parity['rows']} rows together and {parity['single_rows']} one at a time, its "
            f"answers differ from those of the {parity['reference']} by at most "
            f"{parity['largest_difference']:g} (allowed: {parity['tolerance']:g})."
        )
    )
    versions = {model["name"]: model["version"], "python": provenance["python"]}
    versions |= provenance.get("packages", {})
    st.dataframe({"software": versions.keys(), "version": versions.values()}, hide_index=True)


def share(part: float | None) -> str:
    """Write a share as a percentage, and one that is not known as nothing."""
    return "" if part is None else f"{part:.1%}"


page()
