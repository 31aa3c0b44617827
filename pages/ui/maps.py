"""Maps as pydeck decks, drawn from the edition alone: no tile, style or font is fetched from anywhere.

Every function returns a deck or layers; none draws. ``map_provider=None`` with ``map_style`` left unset is what keeps
deck.gl offline, and data goes in as plain lists of dicts (a Polars frame draws nothing, silently).
"""

from __future__ import annotations

from collections.abc import Iterable
from math import cos, log2, radians
from typing import Any

import pydeck as pdk

from pages.ui import theme

#: Widths in metres, so that streets keep their proportion when the reader zooms.
_LINES = {
    "street": (theme.STREET, 6, 0.7),
    "main_street": (theme.MAIN_STREET, 14, 1.4),
    "river": (theme.RIVER, 40, 2.5),
    "boundary": (theme.BEAT_LINE, 20, 1.5),
}
_TEXT = pdk.types.String


def deck(
    layers: Iterable[pdk.Layer],
    bounds: tuple[float, float, float, float],
    tooltip: str | None = None,
    *,
    height_px: int = 540,
) -> pdk.Deck:
    """Return a deck that opens on a box.

    Parameters
    ----------
    bounds
        West, south, east, north; degrees.
    height_px
        Height it is drawn at; the box is to fit.
    tooltip
        HTML with ``{column}`` of the picked object.
    """
    style = {"backgroundColor": theme.INK, "color": theme.PAPER, "fontSize": "13px", "maxWidth": "280px"}
    return pdk.Deck(
        layers=list(layers),
        initial_view_state=view_of(bounds, height_px=height_px),
        map_provider=None,
        tooltip={"html": tooltip, "style": style} if tooltip else False,
    )


def view_of(bounds: tuple[float, float, float, float], *, height_px: int = 540) -> pdk.ViewState:
    """Return the view a map opens with so that a box (west, south, east, north; degrees) fits it."""
    west, south, east, north = bounds
    return pdk.ViewState(
        longitude=(west + east) / 2,
        latitude=(south + north) / 2,
        zoom=_zoom(bounds, height_px=height_px),
        min_zoom=7,
        max_zoom=17,
    )


def base_layers(base_map: list[dict[str, Any]]) -> list[pdk.Layer]:
    """Return parks, river and streets under everything else.

    Parameters
    ----------
    base_map
        ``{"kind", "geometry"}`` per feature; geometry is a GeoJSON mapping.
    """
    parks = [feature(row["geometry"]) for row in base_map if row["kind"] == "park"]
    waters = [feature(r["geometry"]) for r in base_map if r["kind"] == "river" and "Polygon" in r["geometry"]["type"]]
    layers = [_fill("parks", parks, theme.PARK), _fill("water", waters, theme.RIVER)]
    for kind in ("river", "street", "main_street", "boundary"):
        colour, width_m, least_px = _LINES[kind]
        paths = [
            {"path": path}
            for row in base_map
            if row["kind"] == kind and "Line" in row["geometry"]["type"]
            for path in paths_of(row["geometry"])
        ]
        layers.append(
            pdk.Layer(
                "PathLayer",
                paths,
                id=f"base-{kind}",
                get_path="path",
                get_color=theme.rgb(colour),
                get_width=width_m,
                width_min_pixels=least_px,
                width_max_pixels=9,
                cap_rounded=True,
                joint_rounded=True,
            )
        )
    return layers


def outline_layer(areas: list[dict[str, Any]], *, chosen: str | None = None) -> list[pdk.Layer]:
    """Return the outlines of areas, one of them emphasised.

    Parameters
    ----------
    areas
        ``{"code", "name", "geometry"}`` per area.
    """
    plain = [feature(row["geometry"], name=row["name"]) for row in areas if row["code"] != chosen]
    strong = [feature(row["geometry"], name=row["name"]) for row in areas if row["code"] == chosen]
    return [
        _outline("areas", plain, theme.rgb(theme.BEAT_LINE, theme.BEAT_LINE_ALPHA), 1.2),
        _outline("area-chosen", strong, theme.rgb(theme.PRIMARY), 3),
    ]


def label_layer(labels: list[dict[str, Any]], *, size_px: int = 12, layer_id: str = "labels") -> pdk.Layer:
    """Return names on the map: ``{"text", "lon", "lat"}`` per label."""
    return pdk.Layer(
        "TextLayer",
        [{"text": row["text"], "position": [row["lon"], row["lat"]]} for row in labels],
        id=layer_id,
        get_text="text",
        get_position="position",
        get_size=size_px,
        get_color=theme.rgb(theme.INK),
        # deck.gl draws ASCII only unless it is told to look at the data, and needs a font that has the signs.
        character_set=_TEXT("auto"),
        font_family=_TEXT("Noto Sans CJK SC, PingFang SC, Microsoft YaHei, Source Han Sans SC, sans-serif"),
        font_weight=600,
        font_settings={"sdf": True, "fontSize": 64, "buffer": 8, "radius": 16},
        outline_width=2,
        outline_color=[255, 255, 255, 230],
    )


def surface_layer(cells: list[dict[str, Any]], cell_m: float, edges: list[float]) -> pdk.Layer:
    """Return the risk surface: ``{"lon", "lat", "expected"}`` per cell."""
    data = [
        {
            "position": [row["lon"], row["lat"]],
            "colour": theme.rgb(colour_of(row["expected"], edges), theme.SURFACE_ALPHA),
        }
        for row in cells
    ]
    return pdk.Layer(
        "GridCellLayer",
        data,
        id="surface",
        get_position="position",
        get_fill_color="colour",
        cell_size=cell_m,
        offset=[0, 0],
        extruded=False,
    )


def point_layer(points: list[dict[str, Any]]) -> list[pdk.Layer]:
    """Return numbered points of a visit list: ``{"lon", "lat", "text", "title", "detail", "pressing"}``."""
    data = [
        {
            **row,
            "position": [row["lon"], row["lat"]],
            "fill": theme.rgb(theme.ACCENT if row["pressing"] else theme.PRIMARY),
        }
        for row in points
    ]
    return [
        pdk.Layer(
            "ScatterplotLayer",
            data,
            id="points",
            pickable=True,
            get_position="position",
            get_fill_color="fill",
            get_radius=9,
            radius_units=_TEXT("pixels"),
            stroked=True,
            get_line_color=[255, 255, 255],
            line_width_min_pixels=1.5,
        ),
        pdk.Layer(
            "TextLayer",
            data,
            id="point-numbers",
            get_text="text",
            get_position="position",
            get_size=11,
            get_color=[255, 255, 255],
            font_weight=700,
        ),
    ]


def bounds_of(geometries: Iterable[dict[str, Any]]) -> tuple[float, float, float, float] | None:
    """Return west, south, east, north of GeoJSON geometries; None when there are none."""
    points = [point for geometry in geometries for point in _points(geometry["coordinates"])]
    if not points:
        return None
    lons, lats = [p[0] for p in points], [p[1] for p in points]
    return min(lons), min(lats), max(lons), max(lats)


def colour_of(expected: float, edges: list[float]) -> str:
    """Return the colour of the class an expected count falls in."""
    return theme.RISK[theme.class_of(expected, edges)]


def _zoom(bounds: tuple[float, float, float, float], width_px: int = 560, height_px: int = 540) -> float:
    """Return the zoom at which a box fits a map of this size, the smallest one a page draws."""
    west, south, east, north = bounds
    # Web Mercator: 512 px hold 360 degrees of longitude at zoom 0; latitude is stretched by 1/cos.
    tall = max(north - south, 1e-4) / max(cos(radians((north + south) / 2)), 0.1)
    wide = max(east - west, 1e-4)
    return min(16.0, log2(360 / 512 * min(0.92 * height_px / tall, width_px / wide)))


def feature(geometry: dict[str, Any], **properties: Any) -> dict[str, Any]:
    """Return a GeoJSON feature."""
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def _fill(layer_id: str, features: list[dict[str, Any]], colour: str) -> pdk.Layer:
    data = {"type": "FeatureCollection", "features": features}
    return pdk.Layer("GeoJsonLayer", data, id=layer_id, stroked=False, get_fill_color=theme.rgb(colour))


def _outline(layer_id: str, features: list[dict[str, Any]], colour: list[int], width_px: float) -> pdk.Layer:
    data = {"type": "FeatureCollection", "features": features}
    return pdk.Layer(
        "GeoJsonLayer",
        data,
        id=layer_id,
        filled=False,
        stroked=True,
        get_line_color=colour,
        get_line_width=width_px,
        line_width_units=_TEXT("pixels"),
    )


def paths_of(geometry: dict[str, Any]) -> list[Any]:
    """Return the lines of a GeoJSON line or multi-line."""
    lines = geometry["coordinates"]
    return list(lines) if geometry["type"] == "MultiLineString" else [lines]


def _points(coordinates: Any) -> Iterable[tuple[float, float]]:
    if coordinates and isinstance(coordinates[0], int | float):
        yield coordinates[0], coordinates[1]
        return
    for part in coordinates:
        yield from _points(part)
