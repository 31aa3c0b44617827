"""Ranked places on a map: cells, areas and pieces of street in the colour of what they expect, with their ranks."""

from __future__ import annotations

from typing import Any

import pydeck as pdk

from pages.ui import maps, theme

_TEXT = pdk.types.String
#: Ranks that are marked at every zoom.
MOST_BADGES = 10


def ranked_layers(places: list[dict[str, Any]], edges: list[float], *, chosen: str | None = None) -> list[pdk.Layer]:
    """Return the ranked cells with their numbers, the chosen one outlined.

    Parameters
    ----------
    places
        ``{"place_id", "ring", "expected", "rank", "lon", "lat", "title", "detail"}`` per cell; ``title`` and
        ``detail`` are for the tooltip.
    """
    cells = [
        {
            "place_id": row["place_id"],
            "title": row["title"],
            "detail": row["detail"],
            "polygon": [row["ring"][i : i + 2] for i in (0, 2, 4, 6)],
            "fill": theme.rgb(maps.colour_of(row["expected"], edges), theme.RANKED_ALPHA),
            "line": theme.rgb(theme.PRIMARY if row["place_id"] == chosen else theme.INK),
            "width": 4 if row["place_id"] == chosen else 1,
        }
        for row in places
    ]
    numbers = [
        {
            "text": str(row["rank"]),
            "position": [row["lon"], row["lat"]],
            "colour": theme.rgb(theme.text_on(maps.colour_of(row["expected"], edges))),
        }
        for row in places
        if row["rank"] > MOST_BADGES and row["place_id"] != chosen
    ]
    return [
        pdk.Layer(
            "PolygonLayer",
            cells,
            id="cells",
            pickable=True,
            auto_highlight=True,
            get_polygon="polygon",
            get_fill_color="fill",
            get_line_color="line",
            get_line_width="width",
            line_width_units=_TEXT("pixels"),
            stroked=True,
        ),
        pdk.Layer(
            "TextLayer",
            numbers,
            id="ranks",
            get_text="text",
            get_position="position",
            get_color="colour",
            get_size=110,
            size_units=_TEXT("meters"),
            size_max_pixels=14,
            size_min_pixels=0,
            font_family=_TEXT("Noto Sans, Segoe UI, sans-serif"),
            font_weight=700,
        ),
        # Cells are a few pixels wide when the whole city is shown: the first ten get a badge that can be seen and hit.
        _badges(places, chosen),
    ]


def squares_of(
    surface: list[dict[str, Any]], places: list[dict[str, Any]], edges: list[float]
) -> list[tuple[float, float, float, str]]:
    """Return the risk surface, pale, and the ranked cells over it as ``(lon, lat, side in metres, colour)``.

    Parameters
    ----------
    surface
        ``{"lon", "lat", "expected"}`` per cell.
    places
        The ranked cells, which tell how wide a cell is: ``{"lon", "lat", "expected", "cell_m"}``.
    """
    side_m = places[0]["cell_m"]
    under = sorted((theme.class_of(row["expected"], edges), row["lon"], row["lat"]) for row in surface)
    over = sorted((theme.class_of(row["expected"], edges), row["lon"], row["lat"]) for row in places)
    pale = [theme.on_paper(colour, theme.SURFACE_ALPHA) for colour in theme.RISK]
    return [(lon, lat, side_m, pale[risk]) for risk, lon, lat in under] + [
        (lon, lat, side_m, theme.RISK[risk]) for risk, lon, lat in over
    ]


def hexagon_layers(hexagons: list[dict[str, Any]], edges: list[float], *, chosen: str | None = None) -> list[pdk.Layer]:
    """Return ranked hexagons as :func:`area_layers` draws areas; a few pixels wide in a large city, so with badges.

    Parameters
    ----------
    hexagons
        As for :func:`area_layers`, and ``lon``, ``lat``.
    """
    shapes, _ = area_layers(hexagons, edges, chosen=chosen)
    return [shapes, _badges(hexagons, chosen)]


def area_layers(areas: list[dict[str, Any]], edges: list[float], *, chosen: str | None = None) -> list[pdk.Layer]:
    """Return ranked areas filled by what they expect, with their ranks, the chosen one outlined.

    Parameters
    ----------
    areas
        ``{"place_id", "geometry", "expected", "rank", "title", "detail"}`` per area.
    """
    import shapely.geometry

    features, labels = [], []
    for row in sorted(areas, key=lambda row: row["place_id"] == chosen):
        told = {name: row[name] for name in ("place_id", "title", "detail")}
        is_chosen = row["place_id"] == chosen
        features.append(
            {
                **maps.feature(
                    row["geometry"],
                    **told,
                    fill=theme.rgb(maps.colour_of(row["expected"], edges), theme.RANKED_ALPHA),
                    line=theme.rgb(theme.PRIMARY if is_chosen else theme.BEAT_LINE),
                    width=4 if is_chosen else 1,
                ),
                # The tooltip looks for columns here.
                **told,
            }
        )
        # A point inside also where the middle of the box is not: areas bend around each other.
        inside = shapely.point_on_surface(shapely.geometry.shape(row["geometry"]))
        labels.append(
            {
                **told,
                "text": str(row["rank"]),
                "position": [inside.x, inside.y],
                "colour": theme.rgb(theme.text_on(maps.colour_of(row["expected"], edges))),
            }
        )
    return [
        pdk.Layer(
            "GeoJsonLayer",
            {"type": "FeatureCollection", "features": features},
            id="areas",
            pickable=True,
            auto_highlight=True,
            get_fill_color="properties.fill",
            get_line_color="properties.line",
            get_line_width="properties.width",
            line_width_units=_TEXT("pixels"),
        ),
        pdk.Layer(
            "TextLayer",
            labels,
            id="area-ranks",
            get_text="text",
            get_position="position",
            get_color="colour",
            get_size=13,
            font_family=_TEXT("Noto Sans, Segoe UI, sans-serif"),
            font_weight=700,
        ),
    ]


def segment_layers(segments: list[dict[str, Any]], edges: list[float], *, chosen: str | None = None) -> list[pdk.Layer]:
    """Return ranked pieces of street as lines in the colour of what they expect, the first ten with their ranks.

    Parameters
    ----------
    segments
        ``{"place_id", "geometry", "expected", "rank", "lon", "lat", "title", "detail"}`` per segment.
    """
    lines = [
        {
            **{name: row[name] for name in ("place_id", "title", "detail")},
            "path": path,
            "colour": theme.rgb(maps.colour_of(row["expected"], edges)),
            "edge": theme.rgb(theme.PRIMARY if row["place_id"] == chosen else theme.INK),
            "edge_width": 13 if row["place_id"] == chosen else 9,
        }
        for row in segments
        for path in maps.paths_of(row["geometry"])
    ]
    shape = {"get_path": "path", "width_units": _TEXT("pixels"), "cap_rounded": True, "joint_rounded": True}
    return [
        # The lightest class could not be told from the paper without a dark edge.
        pdk.Layer("PathLayer", lines, id="segment-edges", get_color="edge", get_width="edge_width", **shape),
        pdk.Layer(
            "PathLayer",
            lines,
            id="segments",
            pickable=True,
            auto_highlight=True,
            get_color="colour",
            get_width=6,
            **shape,
        ),
        _badges(segments, chosen),
    ]


def _badges(places: list[dict[str, Any]], chosen: str | None) -> pdk.Layer:
    return pdk.Layer(
        "TextLayer",
        [
            {
                "place_id": row["place_id"],
                "title": row["title"],
                "detail": row["detail"],
                "text": str(row["rank"]),
                "position": [row["lon"], row["lat"]],
                "fill": theme.rgb(theme.PRIMARY if row["place_id"] == chosen else theme.INK, theme.BADGE_ALPHA),
            }
            for row in places
            if row["rank"] <= MOST_BADGES or row["place_id"] == chosen
        ],
        id="badges",
        pickable=True,
        get_text="text",
        get_position="position",
        get_color=[255, 255, 255],
        get_size=12,
        get_pixel_offset=[0, -14],
        background=True,
        get_background_color="fill",
        background_padding=[5, 3, 5, 3],
        font_family=_TEXT("Noto Sans, Segoe UI, sans-serif"),
        font_weight=700,
    )
