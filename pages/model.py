"""Models: whether the ranking deserves trust, where it is wrong, and what it would do to itself."""

from __future__ import annotations

from pages.ui.guard import guard

desk = guard("model")

import streamlit as st  # noqa: E402

from pages.ui import (  # noqa: E402
    advice,
    downloads,
    figures,
    forecast_choice,
    frame,
    grid_words,
    looking_back,
    model_figures,
    model_words,
    other_places,
    provenance,
    tables,
    visit_scores,
)
from pages.ui.language import t  # noqa: E402

frame.head(desk, "model")
category, horizon_days = forecast_choice.draw(desk)
asked = {"category": category, "horizon_days": horizon_days}

methods = desk.model_comparison(category, horizon_days).to_dicts()
if not methods:
    # An edition of an earlier version has the back-test in its older, shorter form.
    tables.note(t("model.older"))
    advice.draw_verdict(desk, category, horizon_days)
    st.stop()

sentence = model_words.verdict_sentence(methods)
tables.takeaway(sentence)
chosen = next(row["model"] for row in methods if row["chosen"])

st.subheader(t("model.methods_title"), anchor=False)
st.html(model_words.methods_table(methods))
with st.expander(t("model.how_to_read"), icon=":material/help:"):
    tables.note(t("model.methods_note"))
provenance.draw(desk, "model_comparison")
downloads.draw(desk, "model_comparison", asked, ("csv", "xlsx"))

looking_back.draw(desk, category, horizon_days)

with st.container(key="wide"):
    left, right = st.columns([1.2, 1], gap="medium")
with left:
    st.subheader(t("model.curve_title"), anchor=False)
    points = desk.model_curves(category, horizon_days).to_dicts()
    if not points:
        tables.note(t("model.no_events"))
    else:
        sentence = model_words.curve_sentence(points, chosen)
        tables.takeaway(sentence)
        st.plotly_chart(
            model_figures.hit_rate_curves(
                model_words.curves_of(points, chosen),
                budget_share=next(row["area_share"] for row in points if row["is_budget"]),
                labels={name: t(f"model.curve.{name}") for name in ("x", "y", "budget")},
            ),
            config=figures.CONFIG,
            theme=None,
            key="model.curve",
            alt=sentence,
        )
        with st.expander(t("model.as_table"), icon=":material/table:"):
            st.html(model_words.curve_table(points, chosen))
        downloads.draw(desk, "model_curves", asked, ("csv", "xlsx"))
with right:
    st.subheader(t("model.calibration_title"), anchor=False)
    bands = desk.model_calibration(category, horizon_days).to_dicts()
    sentence = model_words.calibration_sentence(bands)
    tables.takeaway(sentence)
    st.plotly_chart(
        model_figures.calibration_points(
            bands,
            labels={name: t(f"model.calibration_chart.{name}") for name in ("bands", "listed", "equal", "x", "y")},
        ),
        config=figures.CONFIG,
        theme=None,
        key="model.calibration",
        alt=sentence,
    )
    st.html(model_words.coverage_table(bands))
    tables.note(t("model.coverage_note"))
    with st.expander(t("model.as_table"), icon=":material/table:"):
        st.html(model_words.bands_table(bands))

st.subheader(t("model.groups_title"), anchor=False)
found = desk.model_groups(category, horizon_days).to_dicts()
groups = model_words.groups_of(found)
if not groups:
    tables.note(t("model.no_groups"))
else:
    sentence = model_words.groups_sentence(desk, groups)
    tables.takeaway(sentence)
    st.plotly_chart(
        model_figures.ratios_by_group(model_words.ratio_rows(desk, groups), axis=t("model.ratio_axis")),
        config=figures.CONFIG,
        theme=None,
        key="model.groups",
        alt=sentence,
    )
    st.html(model_words.groups_table(desk, groups))
    tables.note(t("model.groups_note"))
    downloads.draw(desk, "model_groups", asked, ("csv", "xlsx"))

others = other_places.verdicts_of(desk, category, horizon_days)
if others:
    st.subheader(t("units.model.title"), anchor=False)
    tables.takeaway(other_places.sentence(others))
    st.html(other_places.table(others))
    tables.note(t("units.model.note"))

st.subheader(t("grids.title"), anchor=False)
grids = desk.grid_sensitivity(category).to_dicts()
if not grids:
    tables.note(t("grids.older"))
else:
    tables.takeaway(grid_words.sentence(grids))
    st.html(grid_words.table(grids))
    tables.note(t("grids.note"))
    downloads.draw(desk, "grid_sensitivity", {"category": category}, ("csv", "xlsx"))

scores = desk.visit_scores().to_dicts()
if scores:
    st.subheader(t("visit_scores.title"), anchor=False)
    for told in visit_scores.sentences(scores):
        tables.takeaway(told)
    st.html(visit_scores.table(scores))
    tables.note(t("visit_scores.note"))
    provenance.draw(desk, "visit_scores")
    downloads.draw(desk, "visit_scores", {}, ("csv", "xlsx"))

st.subheader(t("model.source_title"), anchor=False)
tables.takeaway(model_words.source_sentence(found))
tables.note(t("model.source_note"))

st.subheader(t("model.feedback_title"), anchor=False)
simulated = desk.feedback(category).to_dicts()
if not simulated:
    tables.note(t("model.feedback_none"))
else:
    sentence = model_words.feedback_sentence(simulated)
    tables.takeaway(sentence)
    st.plotly_chart(
        model_figures.feedback_lines(
            model_words.feedback_series(simulated),
            labels={name: t(f"model.feedback_chart.{name}") for name in ("x", "y")},
        ),
        config=figures.CONFIG,
        theme=None,
        key="model.feedback",
        alt=sentence,
    )
    tables.note(t("model.feedback_note"))
    with st.expander(t("model.as_table"), icon=":material/table:"):
        st.html(model_words.feedback_table(simulated))
        st.html(model_words.feedback_shares_table(desk, simulated))
    downloads.draw(desk, "feedback", {"category": category}, ("csv", "xlsx"))
