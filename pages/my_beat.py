"""My beat: what is due, in what order, recorded in three taps; and what happened here."""

from __future__ import annotations

from pages.ui.guard import guard

desk = guard("my_beat")

import streamlit as st  # noqa: E402

from pages.ui import advice, frame, maps, places, provenance, tables, urls, visits  # noqa: E402
from pages.ui.language import current, t  # noqa: E402

beats = places.codes(desk, "beat")
head = st.container()
if desk.viewer.role == "officer":
    beat = urls.state("beat") or desk.viewer.area_code
else:
    if not beats:
        frame.head(desk, "my_beat")
        tables.note(t("my_beat.no_beats"))
        st.stop()
    with st.container(key="controls"):
        beat = urls.choose(
            "beat",
            t("my_beat.beat"),
            beats,
            words=lambda code: visits.beat_words(desk, code),
            lang=current(),
            width=360,
        )

with head:
    frame.head(desk, "my_beat", note=t("my_beat.headline", beat=places.named(desk, beat, "beat")))
as_of = frame.as_of_day(desk.manifest)
workload, plan = desk.visit_workload(beat), desk.visit_plan(beat).to_dicts()
done = visits.recorded(desk, beat)
week = visits.this_week(plan, as_of)

tables.figures(visits.figures_of(workload, done))
if desk.may("record_visit"):
    with st.container(key="wide_beat"):
        listed, tap = st.columns([1.6, 1], gap="medium")
    with listed:
        shown = visits.choose_list(week, plan)
        key = f"my_beat.plan.{current()}.{len(shown)}"
        if shown:
            lines = [visits.plan_row(row, done, as_of) for row in shown]
            tables.draw_selectable(
                lines,
                visits.plan_columns(lines, named=True, with_done=bool(done)),
                key=key,
                alt=t("my_beat.plan_alt"),
                on_select="rerun",
                height=tables.height_for(len(shown)),
            )
            tables.note(visits.plan_words(plan))
        else:
            tables.note(t("my_beat.nothing_listed"))
    with tap:
        if shown:
            chosen = shown[min(tables.selected_row(key) or 0, len(shown) - 1)]
            with st.container(border=True, key="record_form"):
                visits.draw_record_form(desk, chosen, done)
                provenance.draw(desk, "visit_plan", chosen["advice_id"])
        own = [area for area in places.outlines(desk, "beat") if area["code"] == beat]
        box = maps.bounds_of(area["geometry"] for area in own)
        if box:
            with st.container(key="beat_map"):
                st.pydeck_chart(
                    maps.deck(
                        [
                            *maps.base_layers(places.base_map(desk)),
                            *maps.outline_layer(own, chosen=beat),
                            *maps.point_layer(visits.points_of(shown)),
                        ],
                        box,
                        tooltip="<b>{title}</b><br/>{detail}",
                        height_px=330,
                    ),
                    height=330,
                    alt=t("my_beat.map_alt"),
                )
                tables.note(t("my_beat.map_note"))
else:
    st.subheader(t("my_beat.kinds_title"), anchor=False)
    st.html(visits.workload_table(workload))
    tables.note(t("my_beat.no_names"))
    provenance.draw(desk, "visit_workload")
    st.subheader(t("my_beat.plan_title"), anchor=False)
    if plan:
        lines = [visits.plan_row(row, done, as_of) for row in plan]
        tables.draw_plain(
            lines,
            visits.plan_columns(lines, named=False, with_done=bool(done)),
            alt=t("my_beat.plan_alt"),
            height=tables.height_for(len(plan)),
        )
        tables.note(visits.plan_words(plan))
    else:
        tables.note(t("my_beat.nothing_listed"))
tables.note(visits.contact_words(done, as_of))

with st.container(key="wide_below"):
    left, right = st.columns([1, 2], gap="medium")
with left:
    st.subheader(t("my_beat.incidents_title"), anchor=False)
    st.html(visits.incidents_table(desk, beat))
with right:
    st.subheader(t("my_beat.hotspots_title", days=min(desk.horizons(), default=7)), anchor=False)
    strongest = advice.strongest(desk, min(desk.horizons(), default=7), beat=beat, most=6)
    st.html(advice.places_table(desk, strongest, none=t("my_beat.no_hotspots")))
