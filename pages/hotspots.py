"""Hotspots: where most is to be expected, why there, and how sure that is."""

from __future__ import annotations

from pages.ui.guard import guard

desk = guard("hotspots")

from functools import partial  # noqa: E402

import streamlit as st  # noqa: E402

from pages.ui import (  # noqa: E402
    advice,
    area_ranking,
    certainty,
    decisions,
    downloads,
    forecast_choice,
    frame,
    identity,
    looking_back,
    maps,
    patrol_time,
    places,
    provenance,
    ranked_maps,
    standin,
    tables,
    theme,
    unit_ranking,
    urls,
    week,
)
from pages.ui.formats import interval, listed, literal, period, sentences, when  # noqa: E402
from pages.ui.language import category_name, current, t  # noqa: E402

#: Cells of the risk surface sent to the browser: the highest ones, about 150 kB.
MOST_CELLS = 1_500
CHOSEN, TABLE, MAP = "hotspots.chosen", "hotspots.table", "hotspots.map"

officer = desk.viewer.role == "officer"
own = places.named(desk, desk.viewer.area_code, "beat") if officer else None
frame.head(desk, "hotspots", note=t("hotspots.question_beat", beat=own) if officer else None)
category, horizon_days, level, calm = forecast_choice.draw_with_lists(desk)
units = desk.ranked_units()
if level in units:
    unit_ranking.draw(desk, category, horizon_days, level, units[level])
    st.stop()
if level != forecast_choice.CELLS:
    area_ranking.draw(desk, category, horizon_days, level)
    st.stop()

published = desk.hotspots(category, horizon_days).to_dicts()
ranked = published if calm is None else desk.hotspots(category, horizon_days, calm).to_dicts()
if not ranked:
    elsewhere = [code for code in advice.categories(desk) if desk.hotspots(code, horizon_days).height]
    tables.note(t("hotspots.empty"))
    if elsewhere:
        tables.note(t("hotspots.listed_under", categories=listed(category_name(code) for code in elsewhere)))
    st.stop()

standing = decisions.latest_by_advice(desk, [row["advice_id"] for row in ranked])
positions = {row["place_id"]: number for number, row in enumerate(ranked)}
chosen = ranked[positions.get(st.session_state.get(CHOSEN), 0)]
view = f"{category}.{horizon_days}.{calm}.{current()}"
verdict = certainty.verdict_of(desk, category, horizon_days)


tables.takeaway(advice.summary_of(desk, ranked, category, horizon_days))
if calm is not None:
    tables.note(certainty.other_list_sentence(ranked, published, calm, verdict))

with st.container(key="wide_map"):
    left, right = st.columns([1.3, 1], gap="medium")
with left:
    surface = desk.hotspot_surface(category, horizon_days).top_k(MOST_CELLS, by="expected").to_dicts()
    _, ground = places.ground(desk)
    edges = theme.steps([row["expected"] for row in [*surface, *ranked]])
    shown = [
        {**row, "title": advice.title_of(desk, row), "detail": advice.detail_of(row, positions=positions)}
        for row in ranked
    ]
    box = maps.bounds_of([area["geometry"] for area in ground]) or maps.bounds_of(advice.corners(ranked))
    opened = maps.view_of(box)
    # The map itself is drawn at the end of the page: nothing a reader can read waits for it.
    map_here = standin.frame_of(
        standin.picture(
            opened,
            ground,
            places.base_map(desk),
            ranked_maps.squares_of(surface, shown, edges),
            shown[: ranked_maps.MOST_BADGES],
            chosen=desk.viewer.area_code,
        )
    )
    st.html(advice.legend_of(edges, lines=places.ground_kinds(desk)))
    tables.note(t("common.precision", m=round(chosen["cell_m"])))
    under_map = st.container(key="under_map")

with right, st.container(border=True):
    st.subheader(
        t("hotspots.why_title", rank=chosen["rank"], place=literal(advice.title_of(desk, chosen))), anchor=False
    )
    tables.figures(
        {
            t("hotspots.expected"): interval(chosen["expected"], chosen["low"], chosen["high"]),
            t("certainty.column"): certainty.tenths(chosen["top_chance"]),
            t("hotspots.baseline_rank"): advice.baseline_words(chosen),
            t("hotspots.when"): when(chosen["peak_weekday"], chosen["peak_hour"]),
        }
    )
    why, sure, time = st.tabs([t("certainty.why"), t("certainty.title"), t("week.title")])
    with why:
        tables.takeaway(advice.reason_sentence(chosen))
        st.html(advice.reason_bars(chosen, horizon_days))
        tables.note(sentences(certainty.without_sentence(chosen), t("certainty.parts")))
    with sure:
        tables.takeaway(certainty.chance_sentence(chosen, verdict))
        past = looking_back.place_sentence(desk, category, horizon_days, chosen["place_id"])
        if past:
            tables.note(past)
        tables.note(sentences(certainty.kept_sentence(verdict), t("certainty.corrected")))
    with time:
        tables.takeaway(week.sentence(chosen))
        if chosen["hours"] is not None:
            st.html(week.drawing(chosen))
            tables.note(t("week.note"))
        elif chosen["hours_own_share"]:
            tables.note(t("week.hidden"))
    st.markdown(advice.next_step(chosen))
    provenance.draw(desk, advice.table_of(chosen, published), chosen["advice_id"])
    if identity.may_do(desk.viewer, "decide"):
        st.divider()
        decisions.draw_form(
            desk,
            chosen["advice_id"],
            decision=standing.get(chosen["advice_id"]),
            adjusted_label=t("hotspots.adjusted"),
            adjusted_from=2.0,
            timezone=advice.timezone(desk),
            view=urls.view_of("hotspots"),
        )

reached = None
if patrol_time.may_ask(desk):
    # Beside the reasons, which are longer than the map.
    with under_map:
        reached = patrol_time.draw(desk, ranked, category, horizon_days, published=calm is None)

span = period(chosen["period_start"], chosen["period_end"])
st.subheader(t("hotspots.table_title", n=len(ranked), period=span), anchor=False)
rows = [
    advice.table_row(desk, row, standing.get(row["advice_id"])) | patrol_time.mark_of(number, reached)
    for number, row in enumerate(ranked)
]
tables.draw_selectable(
    rows,
    advice.table_columns(
        rows,
        with_decisions=bool(standing) or identity.may_do(desk.viewer, "decide"),
        after_place=patrol_time.mark_column(reached),
    ),
    key=f"{TABLE}.{view}",
    alt=t("hotspots.table_alt"),
    on_select=partial(tables.take_row, list(positions), f"{TABLE}.{view}", CHOSEN),
    height=tables.height_for(len(ranked)),
    selected=positions[chosen["place_id"]],
)
tables.note(t("hotspots.table_note", level=round(chosen["interval_level"] * 100)))
asked = {"category": category, "horizon_days": horizon_days, "calm": calm}
downloads.draw(desk, "hotspots", asked, ("csv", "xlsx", "geojson"))

st.subheader(t("hotspots.verdict_title"), anchor=False)
advice.draw_verdict(desk, category, horizon_days)
if identity.may_open(desk.viewer, "model"):
    st.html(urls.anchor("model", t("hotspots.to_model")))
with st.expander(t("certainty.calm.title")):
    certainty.draw_calm(ranked, calm, verdict, desk.calm_changes(category, horizon_days))

drawn = maps.deck(
    [
        standin.paper(opened),
        *maps.base_layers(places.base_map(desk)),
        maps.surface_layer(surface, ranked[0]["cell_m"], edges),
        *maps.outline_layer(ground, chosen=desk.viewer.area_code),
        *ranked_maps.ranked_layers(shown, edges, chosen=chosen["place_id"]),
        maps.label_layer(places.ground_labels(desk), size_px=12),
    ],
    box,
    tooltip="<b>{title}</b><br/>{detail}",
)
map_here.pydeck_chart(
    drawn,
    height=540,
    key=f"{MAP}.{view}",
    on_select=partial(tables.take_tapped, f"{MAP}.{view}", CHOSEN),
    selection_mode="single-object",
    alt=t("hotspots.map_alt", category=category_name(category), n=len(ranked)),
)
