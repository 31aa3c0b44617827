"""Data quality: what came in, what was refused and why, and what can be used."""

from __future__ import annotations

from pages.ui.guard import guard

desk = guard("data_quality")

from functools import partial  # noqa: E402

import streamlit as st  # noqa: E402

from pages.ui import downloads, figures, frame, identity, intake, quality_words, tables  # noqa: E402
from pages.ui.language import t, term  # noqa: E402

frame.head(desk, "data_quality")
loads = desk.loads()
rows = intake.file_rows(loads)

tables.takeaway(intake.summary_of(rows))
st.subheader(t("data_quality.files"), anchor=False)
intake.draw_files(rows)
tables.note(t("data_quality.files_note"))

with st.container(key="wide"):
    left, right = st.columns([1, 1.15], gap="medium")
with left:
    st.subheader(t("data_quality.funnel"), anchor=False)
    for funnel in desk.funnels():
        sentence, *losses = quality_words.funnel_sentences(funnel)
        tables.takeaway(sentence)
        st.plotly_chart(
            figures.funnel_bars(intake.funnel_words(funnel["steps"]), axis=t("common.rows")),
            config=figures.CONFIG,
            theme=None,
            key=f"funnel.{funnel['source']}",
            alt=sentence,
        )
        for lost in losses:
            tables.note(lost)
with right:
    st.subheader(t("data_quality.quarantine"), anchor=False)
    counts = desk.quarantine_counts()
    st.html(intake.quarantine_table(counts))
    downloads.draw(desk, "quarantine_counts", {}, ("csv", "xlsx"))

st.subheader(t("quality.title"), anchor=False)
verdicts, reports = desk.quality_verdicts(), desk.quality_reports()
tables.takeaway(quality_words.verdict_sentence(verdicts))
st.html(f'<div class="bw-scroll">{quality_words.verdict_table(verdicts)}</div>')
with st.expander(t("quality.trend_title"), icon=":material/timeline:", expanded=len(reports) > 1):
    zone = loads[-1]["jurisdiction"]["timezone"] if loads else "UTC"
    st.html(f'<div class="bw-scroll">{quality_words.trend_table(reports, zone)}</div>')
    tables.note(t("quality.trend_note"))
with st.expander(t("quality.detail_title"), icon=":material/percent:"):
    tables.draw_plain(
        quality_words.completeness_rows(reports[-1]),
        quality_words.completeness_columns(),
        alt=t("quality.detail_title"),
        height=360,
    )
    tables.note(t("quality.detail_note"))

st.subheader(t("quality.entries_title"), anchor=False)
entries = desk.entries()
tables.takeaway(quality_words.entries_sentence(entries))
st.html(f'<div class="bw-scroll">{quality_words.entries_table(entries)}</div>')
tables.note(t("quality.entries_note"))
if desk.may("export_visits"):
    for source in desk.visits_layouts():
        st.download_button(
            t("quality.visits_button", source=term("source", source)),
            data=partial(quality_words.visits_content, desk, source, identity.lasting(desk.viewer, desk.store)),
            file_name=desk.visits_file_name(source),
            mime="text/csv",
            key=f"visits_export.{source}",
            icon=":material/sync_alt:",
            on_click="ignore",
        )
        tables.note(t("quality.visits_note"))

if desk.viewer.role == "steward":
    with st.expander(t("data_quality.rows_title"), icon=":material/block:"):
        tables.draw_plain(
            intake.quarantine_rows(desk), intake.quarantine_columns(), alt=t("data_quality.rows_title"), height=360
        )
        tables.note(t("data_quality.rows_note"))

with st.expander(t("data_quality.lineage"), icon=":material/account_tree:"):
    st.html(intake.lineage_table(desk, loads))
