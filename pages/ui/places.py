"""Areas and base map as the map functions take them, made once per edition and viewer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import streamlit as st

from data.access import may_read
from pages.ui.language import pick, t

if TYPE_CHECKING:
    from data.desk import Desk

#: Areas whose names still leave a map to be seen.
MOST_LABELS = 40
#: Decimals of a degree kept for drawing: about 1 m, and a third of the bytes.
DECIMALS = 5


def named(desk: Desk, code: str | None, level: str) -> str:
    """Return the name of an area in the reader's language; level and code when the data do not name it."""
    if code is None:
        return t("common.not_known")
    if (level, code) not in _names(_key(desk), desk):
        return t("common.unnamed_area", level=t(f"codes.level.{level}"), code=code)
    zh, en = _names(_key(desk), desk)[level, code]
    return pick(zh, en)


def area_names(desk: Desk) -> dict[tuple[str, str], tuple[str, str]]:
    """Return (level, code) → (Chinese, English name) of the areas the viewer may see."""
    found: dict[tuple[str, str], tuple[str, str]] = _names(_key(desk), desk)
    return found


def outlines(desk: Desk, level: str = "beat") -> list[dict[str, Any]]:
    """Return ``{"code", "name", "parent", "geometry"}`` per area of a level that has a boundary."""
    return [
        {"code": row["code"], "name": pick(row["zh"], row["en"]), "parent": row["parent"], "geometry": row["geometry"]}
        for row in _outlines(_key(desk), level, desk)
        if row["geometry"]
    ]


def ground(desk: Desk) -> tuple[str | None, list[dict[str, Any]]]:
    """Return the level and the outlines that stand under ranked places: beats, else what the force has instead."""
    for level in ("beat", "community", "station"):
        found = outlines(desk, level)
        if found:
            return level, found
    return None, []


def ground_labels(desk: Desk) -> list[dict[str, Any]]:
    """Return names on the ground: stations, else its areas while they are few enough to be read."""
    named_areas = outlines(desk, "station") or ground(desk)[1]
    return labels(named_areas) if len(named_areas) <= MOST_LABELS else []


def ground_kinds(desk: Desk) -> list[str]:
    """Return the kinds of line that the ground really has, for a legend."""
    level, kinds = ground(desk)[0], {row["kind"] for row in base_map(desk)}
    lines = [name for name, kind in (("street", "main_street"), ("river", "river")) if kind in kinds]
    return [*([level] if level else []), *lines]


def codes(desk: Desk, level: str) -> list[str]:
    """Return the codes of a level that the viewer may see, in order."""
    return sorted(row["code"] for row in _outlines(_key(desk), level, desk))


def parent_of(desk: Desk, level: str, code: str) -> str | None:
    """Return the code one level up, or None."""
    return next((row["parent"] for row in _outlines(_key(desk), level, desk) if row["code"] == code), None)


def base_map(desk: Desk) -> list[dict[str, Any]]:
    """Return ``{"kind", "zh", "en", "geometry"}`` per feature under the advice."""
    found: list[dict[str, Any]] = _base_map(_key(desk), desk)
    return found


def street_named(desk: Desk, street: str | None) -> str | None:
    """Return a street's name in the reader's language, as far as the base map knows it."""
    if street is None:
        return None
    return pick(street, _streets(_key(desk), desk).get(street))


def shapes_of(geometries: list[bytes]) -> list[dict[str, Any]]:
    """Return stored shapes (WKB) as GeoJSON mappings, rounded for drawing."""
    import shapely

    found = [_rounded(text) for text in shapely.to_geojson(shapely.from_wkb(geometries)).tolist()]
    return [shape for shape in found if shape is not None]


def labels(areas: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a name in the middle of each area's box."""
    from pages.ui.maps import bounds_of

    found = []
    for area in areas:
        box = bounds_of([area["geometry"]])
        if box:
            found.append({"text": area["name"], "lon": (box[0] + box[2]) / 2, "lat": (box[1] + box[3]) / 2})
    return found


def _may_draw(desk: Desk) -> bool:
    return may_read(desk.viewer, "base_map")


def _key(desk: Desk) -> tuple[Any, ...]:
    return (str(desk.store.root), desk.edition_id, desk.viewer.role, desk.viewer.area_level, desk.viewer.area_code)


@st.cache_resource(show_spinner=False, max_entries=64)
def _names(key: tuple[Any, ...], _desk: Desk) -> dict[tuple[str, str], tuple[str, str]]:
    return dict(_desk.area_names())


@st.cache_resource(show_spinner=False, max_entries=64)
def _outlines(key: tuple[Any, ...], level: str, _desk: Desk) -> list[dict[str, Any]]:
    return [
        {
            "code": row["area_code"],
            "zh": row["name_zh"],
            "en": row["name_en"],
            "parent": row["parent_code"],
            "geometry": _rounded(row["geojson"]),
        }
        for row in _desk.areas(level).to_dicts()
    ]


@st.cache_resource(show_spinner=False, max_entries=64)
def _streets(key: tuple[Any, ...], _desk: Desk) -> dict[str, str]:
    return {row["zh"]: row["en"] for row in base_map(_desk) if row["zh"] and row["en"]} if _may_draw(_desk) else {}


@st.cache_resource(show_spinner=False, max_entries=16)
def _base_map(key: tuple[Any, ...], _desk: Desk) -> list[dict[str, Any]]:
    return [
        {"kind": row["kind"], "zh": row["name_zh"], "en": row["name_en"], "geometry": _rounded(row["geojson"])}
        for row in _desk.base_map().to_dicts()
    ]


def _rounded(geojson: str | dict[str, Any] | None) -> dict[str, Any] | None:
    if geojson is None:
        return None
    geometry = json.loads(geojson) if isinstance(geojson, str) else geojson
    return {"type": geometry["type"], "coordinates": _round(geometry["coordinates"])}


def _round(part: Any) -> Any:
    return round(part, DECIMALS) if isinstance(part, float) else [_round(p) for p in part] if part else part
