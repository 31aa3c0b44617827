"""A picture that stands where a map one can move is going to be.

A browser needs seconds before deck.gl has drawn its first frame, and shows nothing meanwhile. So the page sends
everything else first, with a picture of the map made on the server, and the map last: it covers the picture in the same
place at the same scale (``docs/decisions/0405-a-picture-under-the-first-map.md``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from math import cos, radians
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pydeck as pdk
import streamlit as st

from pages.ui import maps, sketch, theme

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

#: Width of the picture: the middle of it is shown, as wide as the column is.
WIDTH_PX, HEIGHT_PX = 1100, 540
#: Kinds of line of the base map that are drawn, with their width.
_LINES = (
    ("street", theme.STREET, 0.7),
    ("main_street", theme.MAIN_STREET, 1.4),
    ("boundary", theme.BEAT_LINE, 1.5),
)
#: Degrees around the view that are covered with paper, so that nothing of the picture shows through or beside the map.
_COVERED = 8.0


def frame_of(picture: str) -> DeltaGenerator:
    """Draw a picture and return the container, over it, that takes the map."""
    with st.container(key="map_frame"):
        with st.container(key="map_picture"):
            st.html(picture)
        return st.container(key="map_itself")


def paper(view: pdk.ViewState) -> pdk.Layer:
    """Return the lowest layer of a map with a picture under it: white, so that the first frame covers the picture."""
    west, east = view.longitude - _COVERED, view.longitude + _COVERED
    south, north = max(view.latitude - _COVERED, -85.0), min(view.latitude + _COVERED, 85.0)
    corners = [[west, south], [west, north], [east, north], [east, south], [west, south]]
    shape = {"type": "FeatureCollection", "features": [maps.feature({"type": "Polygon", "coordinates": [corners]})]}
    return pdk.Layer("GeoJsonLayer", shape, id="paper", stroked=False, get_fill_color=theme.rgb(theme.PAPER))


def picture(
    view: pdk.ViewState,
    areas: Sequence[dict[str, Any]],
    base_map: Sequence[dict[str, Any]],
    squares: Sequence[tuple[float, float, float, str]],
    marks: Iterable[dict[str, Any]],
    *,
    chosen: str | None = None,
) -> str:
    """Return the picture as an HTML image. Hidden from screen readers: the map that covers it has the words.

    Parameters
    ----------
    view
        View the map opens with; the picture has its middle and scale.
    areas
        ``{"code", "geometry"}`` of the outlines.
    base_map
        ``{"kind", "geometry"}``.
    squares
        ``(lon, lat, side in metres, colour)`` with the middle of each square, in the order they are laid down.
    marks
        ``{"rank", "lon", "lat"}`` of the places that get a badge.
    """
    project = _projection(view)
    waters = [row["geometry"] for row in base_map if row["kind"] == "river"]
    shapes = [geometry for geometry in waters if "Polygon" in geometry["type"]]
    parts = [
        sketch.path_of([row["geometry"] for row in base_map if row["kind"] == "park"], project, "none", 0, theme.PARK),
        sketch.path_of(shapes, project, "none", 0, theme.RIVER),
        sketch.path_of([g for g in waters if "Line" in g["type"]], project, theme.RIVER, 6.0),
    ]
    for kind, colour, width in _LINES:
        parts.append(
            sketch.path_of([row["geometry"] for row in base_map if row["kind"] == kind], project, colour, width)
        )
    parts += _squares(squares, project, view)
    parts.append(sketch.path_of([row["geometry"] for row in areas], project, theme.BEAT_LINE, 1.2))
    parts.append(
        sketch.path_of([row["geometry"] for row in areas if row["code"] == chosen], project, theme.PRIMARY, 3.0)
    )
    for row in sorted(marks, key=lambda row: -row["rank"]):
        x, y = project((row["lon"], row["lat"]))
        half = 8 + 4 * len(str(row["rank"]))
        parts.append(
            f'<rect x="{x - half:.0f}" y="{y - 11:.0f}" width="{2 * half}" height="22" fill="{theme.INK}"/>'
            f'<text x="{x:.0f}" y="{y + 5:.0f}" fill="{theme.PAPER}" font-size="14" font-weight="700"'
            f' text-anchor="middle" font-family="sans-serif">{row["rank"]}</text>'
        )
    drawn = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH_PX} {HEIGHT_PX}" width="{WIDTH_PX}"'
        f' height="{HEIGHT_PX}">{"".join(parts)}</svg>'
    )
    # Quoted, not base64: two thirds of the bytes, and nothing the browser has to decode twice.
    source = "data:image/svg+xml," + quote(drawn, safe=" =:/'(),.-;")
    return f'<img class="bw-standin" alt="" aria-hidden="true" src="{escape(source)}">'


def _projection(view: pdk.ViewState) -> Any:
    """Return degrees → pixels of the picture, as the map has them: Web Mercator, near enough to flat over a city."""
    wide = 512 * 2**view.zoom / 360
    tall = wide / max(cos(radians(view.latitude)), 0.1)

    def project(point: Sequence[float]) -> tuple[float, float]:
        return (
            WIDTH_PX / 2 + (point[0] - view.longitude) * wide,
            HEIGHT_PX / 2 - (point[1] - view.latitude) * tall,
        )

    return project


def _squares(squares: Sequence[tuple[float, float, float, str]], project: Any, view: pdk.ViewState) -> list[str]:
    """Return the squares as one path for every stretch of one colour."""
    # 40,075,017 m around the equator; a metre has more pixels the farther from it.
    scale = 512 * 2**view.zoom / 40_075_017 / max(cos(radians(view.latitude)), 0.1)
    paths: list[tuple[str, list[str]]] = []
    for lon, lat, side_m, colour in squares:
        x, y = project((lon, lat))
        side = max(side_m * scale, 1.0)
        if not (-side < x < WIDTH_PX + side and -side < y < HEIGHT_PX + side):
            continue
        if not paths or paths[-1][0] != colour:
            paths.append((colour, []))
        paths[-1][1].append(f"M{x - side / 2:.1f} {y - side / 2:.1f}h{side:.1f}v{side:.1f}h-{side:.1f}z")
    return [f'<path d="{"".join(drawn)}" fill="{colour}"/>' for colour, drawn in paths]
