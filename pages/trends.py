"""Trends: is a change real, when does it happen, and where did it change most."""

from __future__ import annotations

from pages.ui.guard import guard

desk = guard("trends")

from datetime import date  # noqa: E402

import streamlit as st  # noqa: E402

from pages.ui import downloads, figures, frame, places, provenance, series, tables, urls  # noqa: E402
from pages.ui.formats import day, sentences  # noqa: E402
from pages.ui.language import category_name, current, t  # noqa: E402

officer = desk.viewer.role == "officer"
own = urls.state("beat") or desk.viewer.area_code
frame.head(desk, "trends", note=t("trends.question_beat", beat=places.named(desk, own, "beat")) if officer else None)
with st.container(key="controls", horizontal=True, vertical_alignment="bottom"):
    category = urls.choose(
        "category",
        t("trends.category"),
        ["", *series.categories(desk)],
        words=lambda code: category_name(code) if code else t("common.all"),
        lang=f"trends.{current()}",
        width=280,
    )
    if officer:
        unit, beat = None, own
    else:
        # A choice of nothing is none: many forces' data know no stations or no beats.
        stations = places.codes(desk, "station")
        unit = stations and urls.choose(
            "unit",
            t("trends.station"),
            ["", *stations],
            words=lambda code: places.named(desk, code, "station") if code else t("common.all"),
            lang=f"trends.{current()}",
            width=220,
        )
        beats = series.beats_of(desk, unit or None)
        beat = beats and urls.choose(
            "beat",
            t("trends.beat"),
            ["", *beats],
            words=lambda code: places.named(desk, code, "beat") if code else t("common.all"),
            lang=f"trends.{current()}.{unit}",
            width=220,
        )
where = {"category": category or None, "station_code": unit or None, "beat_code": beat or None}
as_of = frame.counted_until(desk.manifest)
of_months = "_of_months" if desk.rounded_to > 1 else ""
if desk.rounded_to > 1:
    tables.note(t("trends.rounded", base=desk.rounded_to, most=desk.rounded_to - 1))

months = series.months_of(desk, where, as_of)
st.subheader(t("trends.monthly"), anchor=False)
sentence = series.monthly_sentence(months, desk.rounded_to)
tables.takeaway(sentence)
st.plotly_chart(
    figures.monthly_series(
        *(months[name].to_list() for name in ("month", "incidents", "year_before", "low", "high")),
        labels={name: t(f"trends.series.{name}") for name in ("counts", "last_year", "band", "axis")},
    ),
    config=figures.CONFIG,
    theme=None,
    key="trends.monthly",
    alt=sentence,
)
tables.note(t("trends.monthly_note"))
if as_of != frame.as_of_day(desk.manifest):
    why = "late" if frame.is_known_late(desk.manifest) else "ended"
    tables.note(t(f"trends.{why}", day=day(date.fromordinal(as_of.toordinal() - 1))))
provenance.draw(desk, "daily_counts")
downloads.draw(desk, "daily_counts", {**where, "period": "month"}, ("csv", "xlsx"))

with st.container(key="wide"):
    left, right = st.columns([1.25, 1], gap="medium")
with left:
    st.subheader(t("trends.hourly"), anchor=False)
    grid, window_days = series.hour_grid(desk, where)
    if grid is None:
        tables.note(t("trends.no_hours"))
    else:
        sentence = series.hour_sentence(desk, grid)
        tables.takeaway(sentence)
        st.plotly_chart(
            figures.hour_heatmap(
                grid,
                [t(f"common.weekday.{number}") for number in range(1, 8)],
                hour_label=t("trends.hour"),
                value_label=t("trends.series.counts"),
            ),
            config=figures.CONFIG,
            theme=None,
            key="trends.hourly",
            alt=sentence,
        )
        tables.note(
            sentences(t("trends.hourly_note", days=window_days), series.left_out_sentence(desk, category or None))
        )
with right:
    st.subheader(t("trends.changes"), anchor=False)
    split = series.split_for(category, unit, beat, officer=officer)
    changes = series.changes_of(desk, where, as_of, split)
    known = series.comparable(desk, as_of)
    sentence = series.change_sentence(desk, changes, split) if known else t(f"trends.sentence.no_change{of_months}")
    tables.takeaway(sentence)
    if changes:
        st.plotly_chart(
            figures.change_bars(
                [(series.split_words(desk, split, row["key"]), row["change"]) for row in changes],
                axis=t(f"trends.change_axis{of_months}"),
            ),
            config=figures.CONFIG,
            theme=None,
            key="trends.changes",
            alt=sentence,
        )
    tables.note(t(f"trends.changes_note{of_months}"))

with st.expander(t("trends.table_title"), icon=":material/table:"):
    st.html(series.months_table(months, desk.rounded_to))
