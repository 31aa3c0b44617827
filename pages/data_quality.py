"""Data quality: what came in, what was refused and why, and what can be used."""

from __future__ import annotations

from pages.ui.guard import guard

desk = guard("data_quality")

import streamlit as st  # noqa: E402

from pages.ui import downloads, figures, frame, intake, tables  # noqa: E402
from pages.ui.language import t  # noqa: E402

if desk.has_edition:
    frame.head(desk, "data_quality")
else:
    st.title(t("common.pages.data_quality"), anchor=False)
loads = desk.loads()
rows = intake.file_rows(loads)

tables.takeaway(intake.summary_of(rows))
st.subheader(t("data_quality.files"), anchor=False)
tables.draw_plain(rows, intake.file_columns(), alt=t("data_quality.files"), height=tables.height_for(len(rows)))
tables.note(t("data_quality.files_note"))

left, right = st.columns([1, 1.15], gap="medium")
with left:
    st.subheader(t("data_quality.funnel"), anchor=False)
    for source, steps in intake.funnels(desk).items():
        sentence = intake.funnel_sentence(source, steps)
        tables.takeaway(sentence)
        st.plotly_chart(
            figures.funnel_bars(intake.funnel_words(steps), axis=t("common.rows")),
            config=figures.CONFIG,
            theme=None,
            key=f"funnel.{source}",
            alt=sentence,
        )
with right:
    st.subheader(t("data_quality.quarantine"), anchor=False)
    counts = desk.quarantine_counts()
    st.html(intake.quarantine_table(counts))
    downloads.draw(desk, "quarantine_counts", lambda: counts, ("csv", "xlsx"))

if desk.viewer.role == "steward":
    with st.expander(t("data_quality.rows_title"), icon=":material/block:"):
        tables.draw_plain(
            intake.quarantine_rows(desk), intake.quarantine_columns(), alt=t("data_quality.rows_title"), height=360
        )
        tables.note(t("data_quality.rows_note"))

st.subheader(t("data_quality.lineage"), anchor=False)
st.html(intake.lineage_table(desk, loads))
