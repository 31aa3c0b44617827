"""Beats, communities and stations ranked by what their cells expect: map, one area looked at, table."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.ui import advice, downloads, maps, places, provenance, ranked_cells, ranked_maps, ranked_words, tables, theme
from pages.ui.formats import interval, literal, number, period, rank_change
from pages.ui.language import category_name, current, t

if TYPE_CHECKING:
    from data.desk import Desk

#: Cells of the list named for one area.
MOST_NAMED = 5
CHOSEN, TABLE, MAP = "areas.chosen", "areas.table", "areas.map"


def draw(desk: Desk, category: str, horizon_days: int, level: str) -> None:
    """Draw the ranking of one level of area."""
    ranked = desk.area_hotspots(category, horizon_days, level).to_dicts()
    if not ranked:
        tables.note(t("areas.empty"))
        return
    names = {row["area_code"]: places.named(desk, row["area_code"], level) for row in ranked}
    positions = {row["area_code"]: number for number, row in enumerate(ranked)}
    chosen = ranked[positions.get(st.session_state.get(CHOSEN), 0)]
    view = f"{category}.{horizon_days}.{level}.{current()}"
    tables.takeaway(summary_of(ranked, names, category, level))
    with st.container(key="wide"):
        left, right = st.columns([1.3, 1], gap="medium")
    with left:
        _draw_map(desk, ranked, names, chosen["area_code"], level, f"{MAP}.{view}")
    with right, st.container(border=True):
        _draw_area(desk, chosen, names, category, horizon_days, level)
    st.subheader(
        t(
            "areas.table_title",
            n=len(ranked),
            level=t(f"areas.many.{level}"),
            period=period(chosen["period_start"], chosen["period_end"]),
        ),
        anchor=False,
    )
    tables.draw_selectable(
        [table_row(row, names) for row in ranked],
        table_columns(),
        key=f"{TABLE}.{view}",
        alt=t("areas.table_alt"),
        on_select=partial(tables.take_row, list(positions), f"{TABLE}.{view}", CHOSEN),
        height=tables.height_for(len(ranked)),
        selected=positions[chosen["area_code"]],
    )
    tables.note(t("areas.table_note", level=round(chosen["interval_level"] * 100)))
    if desk.rounded_to > 1:
        tables.note(t("areas.rounded", base=desk.rounded_to, most=desk.rounded_to - 1))
    past = past_sentence(desk, category, horizon_days, level)
    if past:
        tables.note(past)
    asked = {"category": category, "horizon_days": horizon_days, "level": level}
    downloads.draw(desk, "area_hotspots", asked, ("csv", "xlsx"))


def summary_of(ranked: list[dict[str, Any]], names: dict[str, str], category: str, level: str) -> str:
    """Return how many areas there are, what they expect together, and which is first."""
    first = ranked[0]
    return t(
        "areas.summary",
        period=period(first["period_start"], first["period_end"]),
        category=category_name(category),
        n=len(ranked),
        level=t(f"areas.many.{level}"),
        expected=number(sum(row["expected"] for row in ranked)),
        name=names[first["area_code"]],
        first=interval(first["expected"], first["low"], first["high"]),
    )


def past_sentence(desk: Desk, category: str, horizon_days: int, level: str) -> str:
    """Return how rankings of this level did on past periods beside the plain count; empty without a back-test."""
    asked = (category, horizon_days, level)
    verdicts = desk.manifest.get("area_verdicts") or []
    found = next((row for row in verdicts if (row["category"], row["horizon_days"], row["level"]) == asked), {})
    return ranked_words.past_sentence("areas", found, top=found.get("top"), level=t(f"areas.many.{level}"))


def table_row(row: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """Return an area as a row of the table."""
    return {
        **ranked_cells.cells_of(row),
        "area": names[row["area_code"]],
        "density": _density(row),
        "listed": row["listed_places"],
    }


def table_columns() -> dict[str, Any]:
    """Return the columns of the table with their words."""
    column = st.column_config
    return ranked_cells.columns_around(
        {"area": column.TextColumn(t("areas.column.area"), width=215)},
        {"density": column.NumberColumn(t("areas.column.density"), format="%.1f", width=150)},
        {"listed": column.NumberColumn(t("areas.column.listed"), help=t("areas.column.listed_help"), width=120)},
    )


def _density(row: dict[str, Any]) -> float | None:
    return row["expected"] / row["area_km2"] if row["area_km2"] else None


def _draw_map(
    desk: Desk, ranked: list[dict[str, Any]], names: dict[str, str], chosen: str, level: str, key: str
) -> None:
    geometries = {area["code"]: area["geometry"] for area in places.outlines(desk, level)}
    edges = theme.even_steps([row["expected"] for row in ranked])
    shown = [
        ranked_words.on_map(row, row["area_code"], names[row["area_code"]], geometries[row["area_code"]])
        for row in ranked
        if row["area_code"] in geometries
    ]
    box = maps.bounds_of([row["geometry"] for row in shown])
    if box is None:
        tables.note(t("areas.no_boundaries"))
        return
    st.pydeck_chart(
        maps.deck(ranked_maps.area_layers(shown, edges, chosen=chosen), box, tooltip="<b>{title}</b><br/>{detail}"),
        height=540,
        key=key,
        on_select=partial(tables.take_tapped, key, CHOSEN),
        selection_mode="single-object",
        alt=t("areas.map_alt", n=len(shown)),
    )
    st.html(advice.legend_of(edges))


def _draw_area(
    desk: Desk, row: dict[str, Any], names: dict[str, str], category: str, horizon_days: int, level: str
) -> None:
    st.subheader(t("hotspots.why_title", rank=row["rank"], place=literal(names[row["area_code"]])), anchor=False)
    tables.figures(
        {
            t("hotspots.expected"): interval(row["expected"], row["low"], row["high"]),
            t("areas.column.density"): number(_density(row), 1),
            t("hotspots.baseline_rank"): rank_change(row["rank"], row["baseline_rank"]),
            t("areas.column.listed"): number(row["listed_places"]),
        }
    )
    inside = [
        place
        for place in desk.hotspots(category, horizon_days).to_dicts()
        if place[f"{level}_code"] == row["area_code"]
    ][:MOST_NAMED]
    if not inside:
        tables.note(t("areas.no_places"))
    else:
        st.html(
            tables.html_table(
                [t(f"hotspots.column.{name}") for name in ("rank", "place", "expected_interval", "when")],
                [
                    [
                        place["rank"],
                        places.street_named(desk, place["street"]) or advice.title_of(desk, place),
                        interval(place["expected"], place["low"], place["high"]),
                        advice.when_of(place),
                    ]
                    for place in inside
                ],
                caption=t("areas.places_caption", n=len(inside), of=row["listed_places"]),
                numeric=(0, 2),
            )
        )
    tables.note(t("areas.no_decision"))
    provenance.draw(desk, "area_hotspots")
