"""Many rows on the page: entered by hand, from a CSV, or from several files."""

import time
from collections.abc import Sequence

import pandas as pd
import streamlit as st

import files
import form
import picture
import renewal
import table
import upload
from client import ApiError, Busy, Client, Json
from form import Field, plain

PATIENCE = 60
"""Seconds that the page waits where the service asks it to come back later."""


@st.fragment
def predict(api: Client, model: Json, fields: Sequence[Field]) -> None:
    """Ask for a table, by hand or from a CSV, and give it back with the predictions."""
    if renewal.asked():
        st.rerun(scope="app")
    if any(field.is_file for field in fields):
        predict_files(api, model, fields[0])
        return
    file = st.file_uploader(
        "Upload a CSV file, or fill in the table",
        type=["csv", "tsv", "txt"],
        help="Its header names the inputs. Other columns are kept beside the predictions.",
    )
    if file:
        try:
            uploaded = upload.read(file.getvalue(), fields)
        except upload.Unreadable as error:
            st.error(plain(str(error)))
            return
        for note in uploaded.notes:
            st.info(plain(note))
        given = uploaded.frame
    else:
        given = table.example(fields)
        st.download_button(
            "Download the table as a CSV file to fill in",
            given.to_csv(index=False),
            file_name=f"{model['name']}.csv",
            mime="text/csv",
            on_click="ignore",
            type="tertiary",
            icon=":material/download:",
        )
    frame = st.data_editor(given, num_rows="dynamic", column_config=table.columns(given, fields))
    if st.button("Predict", type="primary", key="predict table") and len(frame):
        answers = ask(api, model, table.instances(frame, fields))
        show(frame, table.results(answers, model["outputs"]), model["name"])
        if any(answer.problem for answer in answers):
            renewal.offer(api, model)


def predict_files(api: Client, model: Json, field: Field) -> None:
    """Ask for several files, one array or picture each; give their names with the predictions."""
    uploaded = st.file_uploader(
        "Upload several files", type=form.suffixes(field), accept_multiple_files=True
    )
    rows: list[Json] = []
    names: list[str] = []
    for file in uploaded:
        if field.media_types:
            rows.append({field.name: files.encoded(file.getvalue())})
            names.append(file.name)
            continue
        try:
            entered = picture.read(file.getvalue(), file.name, field.shape, field.white)
        except picture.Unreadable as error:
            st.error(plain(f"{file.name}: {error}"))
            continue
        rows.append({field.name: entered})
        names.append(file.name)
    if st.button("Predict", type="primary", key="predict files") and rows:
        results = table.results(ask(api, model, rows), model["outputs"])
        show(pd.DataFrame({"file": names}), results, model["name"])


def ask(api: Client, model: Json, rows: Sequence[Json]) -> list[table.Answer]:
    """Send rows in chunks; when the service stops answering, keep what it has answered."""
    answers: list[table.Answer] = []
    progress = st.progress(0.0, "Asking the model")
    try:
        for chunk in table.chunks(rows, model["limits"]):
            answers += patiently(api, chunk)
            progress.progress(len(answers) / len(rows), f"{len(answers)} of {len(rows)} rows")
    except ApiError as error:
        st.error(plain(str(error)))
    progress.empty()
    return answers + [table.Answer(problem="not answered")] * (len(rows) - len(answers))


def patiently(api: Client, rows: Sequence[Json]) -> list[table.Answer]:
    """Ask for rows, and once more where the service says how soon it will answer again."""
    try:
        return table.answer(api, rows)
    except Busy as busy:
        if not 0 < busy.wait <= PATIENCE:
            raise
        with st.spinner(f"The service asks to wait for {busy.wait:g} seconds"):
            time.sleep(busy.wait)
    return table.answer(api, rows)


def show(rows: pd.DataFrame, results: pd.DataFrame, name: str) -> None:
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
        icon=":material/download:",
    )
