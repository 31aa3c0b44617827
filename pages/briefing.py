"""Briefing: one page to print per period, with what matters and where it comes from."""

from __future__ import annotations

from pages.ui.guard import guard

desk = guard("briefing")

import streamlit as st  # noqa: E402

from pages.ui import advice, frame, places, provenance, routing, sheet, sketch, tables, urls  # noqa: E402
from pages.ui.formats import period  # noqa: E402
from pages.ui.language import t  # noqa: E402

officer = desk.viewer.role == "officer"
beat = (urls.state("beat") or desk.viewer.area_code) if officer else None
horizon_days = min(desk.horizons(), default=7)

with st.container(key="no_print_top", horizontal=True, horizontal_alignment="right"):
    sheet.draw_print_button(desk)
title = t("briefing.title_beat", beat=places.named(desk, beat, "beat")) if officer else t("briefing.title_force")
frame.head(desk, "briefing", note=title)

top = advice.strongest(desk, horizon_days, beat=beat, most=5)
span = period(*desk.period(horizon_days)) if top else ""
left, right = st.columns([1.7, 1], gap="medium")
left.html(sheet.section(t("briefing.headlines"), sheet.headlines(desk, top, beat, horizon_days)))
if top:
    with right:
        st.html(
            sketch.picture(
                places.ground(desk)[1],
                places.base_map(desk),
                [{**row, "rank": number} for number, row in enumerate(top, 1)],
                chosen=beat,
                alt=t("briefing.map_alt", n=len(top)),
            )
        )
        tables.note(t("briefing.map_note", m=round(top[0]["cell_m"])))
    st.html(
        sheet.section(t("briefing.places", n=len(top), period=span), advice.places_table(desk, top))
        + f'<p class="bw-note">{t("briefing.places_note")}</p>'
    )
else:
    nothing = None if advice.categories(desk) else t("hotspots.nothing_located")
    st.html(sheet.section(t("briefing.no_places"), advice.places_table(desk, top, none=nothing)))

if not officer:
    with st.container(key="wide"):
        left, right = st.columns([1.6, 1], gap="medium")
    left.html(sheet.section(sheet.staffing_title(desk), sheet.staffing_table(desk)))
    right.html(sheet.section(t("briefing.visits"), sheet.visits_by_station(desk)))
else:
    with st.container(key="wide"):
        left, right = st.columns([1.4, 1], gap="medium")
    left.html(sheet.section(t("briefing.visits_first"), sheet.visits_first(desk, beat)))
    right.html(sheet.section(t("briefing.incidents"), sheet.incidents(desk, beat)))
st.html(sheet.foot(desk))
with st.container(key="no_print_lineage", horizontal=True):
    for table in ("hotspots", "visit_plan") if officer else ("hotspots", "staffing", "visit_workload"):
        provenance.draw(desk, table, named=True)
routing.draw(desk)
