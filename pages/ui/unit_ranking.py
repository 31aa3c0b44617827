"""Hexagons and pieces of street ranked by a forecast of their own: map, one place looked at, table."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.ui import (
    advice,
    downloads,
    maps,
    places,
    provenance,
    ranked_cells,
    ranked_maps,
    ranked_words,
    tables,
    theme,
)
from pages.ui.formats import interval, literal, number, period, rank_change, sentences, share
from pages.ui.language import category_name, current, t

if TYPE_CHECKING:
    from data.desk import Desk

CHOSEN, TABLE, MAP = "units.chosen", "units.table", "units.map"


def draw(desk: Desk, category: str, horizon_days: int, unit: str, known_days: int) -> None:
    """Draw the ranking of one kind of place.

    Parameters
    ----------
    known_days
        The period the edition ranks such places for.
    """
    if horizon_days != known_days:
        tables.note(t("units.other_period", kind=t(f"areas.many.{unit}"), n=known_days))
        return
    ranked = desk.unit_hotspots(category, horizon_days, unit).to_dicts()
    if not ranked:
        tables.note(t("units.empty"))
        return
    titles = {row["place_id"]: title_of(desk, row) for row in ranked}
    positions = {row["place_id"]: number for number, row in enumerate(ranked)}
    chosen = ranked[positions.get(st.session_state.get(CHOSEN), 0)]
    view = f"{category}.{horizon_days}.{unit}.{current()}"
    verdict = verdict_of(desk, category, horizon_days, unit)
    tables.takeaway(summary_of(ranked, titles, category, unit))
    with st.container(key="wide"):
        left, right = st.columns([1.3, 1], gap="medium")
    with left:
        _draw_map(desk, ranked, titles, chosen["place_id"], unit, f"{MAP}.{view}")
    with right, st.container(border=True):
        _draw_place(desk, chosen, titles[chosen["place_id"]], horizon_days)
    st.subheader(
        t(
            "areas.table_title",
            n=len(ranked),
            level=t(f"areas.many.{unit}"),
            period=period(chosen["period_start"], chosen["period_end"]),
        ),
        anchor=False,
    )
    rows = [table_row(desk, row) for row in ranked]
    tables.draw_selectable(
        rows,
        table_columns(rows, unit),
        key=f"{TABLE}.{view}",
        alt=t("units.table_alt"),
        on_select=partial(tables.take_row, list(positions), f"{TABLE}.{view}", CHOSEN),
        height=tables.height_for(len(ranked)),
        selected=positions[chosen["place_id"]],
    )
    for told in (past_sentence(verdict, unit), off_sentence(verdict, unit)):
        if told:
            tables.note(told)
    tables.note(t("units.table_note", level=round(chosen["interval_level"] * 100)))
    asked = {"category": category, "horizon_days": horizon_days, "unit": unit}
    downloads.draw(desk, "unit_hotspots", asked, ("csv", "xlsx", "geojson"))


def verdict_of(desk: Desk, category: str, horizon_days: int, unit: str) -> dict[str, Any]:
    """Return what the edition's manifest says of one ranking; empty where it says nothing."""
    asked = (category, horizon_days, unit)
    verdicts = desk.manifest.get("unit_verdicts") or []
    return next((row for row in verdicts if (row["category"], row["horizon_days"], row["unit"]) == asked), {})


def street_of(desk: Desk, row: dict[str, Any]) -> str | None:
    """Return on which piece of which street a place lies, or around which; None where no street is near."""
    street = places.street_named(desk, row["street"])
    if row["unit"] == "segment":
        ends = [end for side in ("from", "to") if (end := places.street_named(desk, row[f"{side}_street"]))]
        street = street or t("units.unnamed_street")
        if ends:
            street = t(f"units.between.{len(ends)}", street=street, first=ends[0], last=ends[-1])
    elif street:
        street = t("units.around", street=street)
    return street


def title_of(desk: Desk, row: dict[str, Any]) -> str:
    """Return where a place lies: a street between two others, or around a street; and the area people work by."""
    street = street_of(desk, row)
    return " · ".join(part for part in (street, advice.area_of(desk, row, street)) if part) or t(
        "units.hexagon", id=row["place_id"]
    )


def summary_of(ranked: list[dict[str, Any]], titles: dict[str, str], category: str, unit: str) -> str:
    """Return how many places are listed, how large they are, what they expect, and which is first."""
    first = ranked[0]
    size = (
        t(
            "units.size.h3",
            km2=number(sum(row["area_km2"] for row in ranked), 1),
            each=number(first["area_km2"], 2),
        )
        if unit == "h3"
        else t("units.size.segment", km=number(sum(row["length_m"] for row in ranked) / 1e3, 1))
    )
    return t(
        "units.summary",
        period=period(first["period_start"], first["period_end"]),
        category=category_name(category),
        n=len(ranked),
        kind=t(f"areas.many.{unit}"),
        size=size,
        expected=number(sum(row["expected"] for row in ranked)),
        place=titles[first["place_id"]],
        first=interval(first["expected"], first["low"], first["high"]),
    )


def past_sentence(verdict: dict[str, Any], unit: str) -> str:
    """Return how past lists of this kind did beside the plain count's; empty without a back-test."""
    return ranked_words.past_sentence("units", verdict, n=verdict.get("listed"), kind=t(f"areas.many.{unit}"))


def off_sentence(verdict: dict[str, Any], unit: str) -> str:
    """Return what share of the incidents lies on none of the places studied: away from any street, say."""
    on_places = verdict.get("on_places")
    off = 0.0 if on_places is None else 1 - on_places
    return t(f"units.off.{unit}", share=share(off)) if round(off, 2) > 0 else ""


def table_row(desk: Desk, row: dict[str, Any]) -> dict[str, Any]:
    """Return a place as a row of the table; the area in a cell of its own, so that the street is read whole."""
    street = street_of(desk, row)
    return {
        **ranked_cells.cells_of(row),
        "place": street or t("units.hexagon", id=row["place_id"]),
        "area": advice.area_of(desk, row, street) or "",
        "length": row["length_m"],
        "density": _per_km(row),
        "reason": advice.short_reason(row),
    }


def table_columns(rows: list[dict[str, Any]], unit: str) -> dict[str, Any]:
    """Return the columns of the table with their words; hexagons are alike in size, which is told once.

    Parameters
    ----------
    rows
        Rows of the table: names of places are to be read whole.
    """
    column = st.column_config
    length = {
        "length": column.NumberColumn(t("units.column.length"), format="localized", width=84),
        "density": column.NumberColumn(t("units.column.density"), format="%.1f", width=116),
    }
    width = tables.width_for((row["place"] for row in rows), least=140, most=600)
    return ranked_cells.columns_around(
        {"place": column.TextColumn(t("hotspots.column.place"), width=width)},
        {},
        {
            **({"area": column.TextColumn(t("areas.column.area"), width=118)} if any(r["area"] for r in rows) else {}),
            **(length if unit == "segment" else {}),
            "reason": column.TextColumn(t("hotspots.column.reason"), width=160),
        },
    )


def _per_km(row: dict[str, Any]) -> float | None:
    return row["expected"] / (row["length_m"] / 1e3) if row["length_m"] else None


def _draw_map(
    desk: Desk, ranked: list[dict[str, Any]], titles: dict[str, str], chosen: str, unit: str, key: str
) -> None:
    edges = theme.even_steps([row["expected"] for row in ranked])
    shapes = places.shapes_of([row["geometry"] for row in ranked])
    shown = [
        {
            **ranked_words.on_map(row, row["place_id"], titles[row["place_id"]], shape),
            "lon": row["lon"],
            "lat": row["lat"],
        }
        for row, shape in zip(ranked, shapes, strict=True)
    ]
    _, ground = places.ground(desk)
    layers = ranked_maps.hexagon_layers if unit == "h3" else ranked_maps.segment_layers
    st.pydeck_chart(
        maps.deck(
            [
                *maps.base_layers(places.base_map(desk)),
                *maps.outline_layer(ground, chosen=desk.viewer.area_code),
                *layers(shown, edges, chosen=chosen),
                maps.label_layer(places.ground_labels(desk), size_px=12),
            ],
            maps.bounds_of([area["geometry"] for area in ground]) or maps.bounds_of(shapes),
            tooltip="<b>{title}</b><br/>{detail}",
        ),
        height=540,
        key=key,
        on_select=partial(tables.take_tapped, key, CHOSEN),
        selection_mode="single-object",
        alt=t("units.map_alt", n=len(shown), kind=t(f"areas.many.{unit}")),
    )
    st.html(advice.legend_of(edges, lines=places.ground_kinds(desk)))


def _draw_place(desk: Desk, row: dict[str, Any], title: str, horizon_days: int) -> None:
    st.subheader(t("hotspots.why_title", rank=row["rank"], place=literal(title)), anchor=False)
    tables.figures(
        {
            t("hotspots.expected"): interval(row["expected"], row["low"], row["high"]),
            t("hotspots.baseline_rank"): rank_change(row["rank"], row["baseline_rank"]),
            **(
                {t("units.column.length"): number(row["length_m"]), t("units.column.density"): number(_per_km(row), 1)}
                if row["unit"] == "segment"
                else {}
            ),
        }
    )
    tables.takeaway(advice.reason_sentence(row))
    st.html(advice.reason_bars(row, horizon_days))
    tables.note(sentences(t("units.own_forecast"), t("areas.no_decision")))
    provenance.draw(desk, "unit_hotspots")
