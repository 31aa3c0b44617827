"""The small map of a printed sheet, as one SVG picture.

Drawn here, not in the browser: it prints (WebGL canvases often come out blank) and stands as soon as the text does,
without waiting for a chart library (``docs/decisions/0404-no-plotly-beside-the-first-map.md``).
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from math import cos, radians
from typing import Any

from pages.ui import theme
from pages.ui.frame import escape

WIDTH_PX, HEIGHT_PX = 520, 300
#: Half the side of the square that carries a rank.
MARK_PX = 10
_MARGIN = 0.04


def picture(
    areas: Sequence[dict[str, Any]],
    lines: Sequence[dict[str, Any]],
    places: Sequence[dict[str, Any]],
    *,
    alt: str,
    chosen: str | None = None,
) -> str:
    """Return the map as an HTML image with words for those who do not see it.

    Parameters
    ----------
    areas
        ``{"code", "geometry"}``; GeoJSON polygons in degrees. They are the frame; a map without any is framed by
        ``places``.
    lines
        ``{"kind", "geometry"}`` of the base map; only river and main streets are drawn on so small a map.
    places
        ``{"rank", "lon", "lat"}`` of the places to number.
    """
    drawn = svg(areas, lines, places, chosen=chosen)
    source = base64.b64encode(drawn.encode()).decode()
    return f'<img class="bw-sketch" alt="{escape(alt)}" src="data:image/svg+xml;base64,{source}">'


def svg(
    areas: Sequence[dict[str, Any]],
    lines: Sequence[dict[str, Any]],
    places: Sequence[dict[str, Any]],
    *,
    chosen: str | None = None,
) -> str:
    """Return the same as the text of an SVG document, north up, one pixel the same length both ways."""
    corners = [point for row in areas for ring in rings_of(row["geometry"]) for point in ring]
    project = _projection(corners or [(row["lon"], row["lat"]) for row in places] or [(0.0, 0.0)])
    parts = []
    for kind, colour, width in (("river", theme.RIVER, 4.0), ("main_street", theme.MAIN_STREET, 1.0)):
        geometries = [row["geometry"] for row in lines if row["kind"] == kind]
        fill = colour if kind == "river" and any("Polygon" in geometry["type"] for geometry in geometries) else "none"
        parts.append(path_of(geometries, project, colour, width, fill))
    parts.append(path_of([row["geometry"] for row in areas], project, theme.BEAT_LINE, 0.7))
    parts.append(path_of([row["geometry"] for row in areas if row["code"] == chosen], project, theme.PRIMARY, 2.4))
    # The first rank last, so that it lies on top where marks meet.
    for row in sorted(places, key=lambda row: -row["rank"]):
        x, y = project((row["lon"], row["lat"]))
        parts.append(
            f'<rect x="{x - MARK_PX:.1f}" y="{y - MARK_PX:.1f}" width="{2 * MARK_PX}" height="{2 * MARK_PX}" rx="2"'
            f' fill="{theme.RISK[4]}" stroke="{theme.PAPER}"/>'
            f'<text x="{x:.1f}" y="{y + 4:.1f}" fill="{theme.PAPER}" font-size="12" font-weight="700"'
            f' text-anchor="middle" font-family="sans-serif">{escape(row["rank"])}</text>'
        )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH_PX} {HEIGHT_PX}" width="{WIDTH_PX}"'
        f' height="{HEIGHT_PX}">{"".join(parts)}</svg>'
    )


def rings_of(geometry: dict[str, Any]) -> list[Any]:
    """Return the lines or rings of a GeoJSON geometry, outer ones and holes alike."""
    kind, coordinates = geometry["type"], geometry["coordinates"]
    if kind == "LineString":
        return [coordinates]
    if kind in ("Polygon", "MultiLineString"):
        return list(coordinates)
    if kind == "MultiPolygon":
        return [ring for polygon in coordinates for ring in polygon]
    return []


def _projection(points: Iterable[Sequence[float]]) -> Any:
    """Return degrees → pixels so that all points fit, in the middle; parallels are shortened by their cosine."""
    lons, lats = zip(*[(point[0], point[1]) for point in points], strict=True)
    middle = (min(lons) + max(lons)) / 2, (min(lats) + max(lats)) / 2
    shortened = max(cos(radians(middle[1])), 0.1)
    wide, tall = (max(lons) - min(lons)) * shortened or 1e-3, (max(lats) - min(lats)) or 1e-3
    scale = min(WIDTH_PX / wide, HEIGHT_PX / tall) / (1 + 2 * _MARGIN)

    def project(point: Sequence[float]) -> tuple[float, float]:
        return (
            WIDTH_PX / 2 + (point[0] - middle[0]) * shortened * scale,
            HEIGHT_PX / 2 - (point[1] - middle[1]) * scale,
        )

    return project


def path_of(geometries: Iterable[dict[str, Any]], project: Any, colour: str, width: float, fill: str = "none") -> str:
    """Return lines as one path; points that fall on the pixel of the one before are left out."""
    drawn = []
    for geometry in geometries:
        for ring in rings_of(geometry):
            pixels = list(dict.fromkeys(f"{x:.0f} {y:.0f}" for x, y in map(project, ring)))
            closing = "Z" if "Polygon" in geometry["type"] else ""
            drawn.append(f"M{'L'.join(pixels)}{closing}")
    if not drawn:
        return ""
    return f'<path d="{"".join(drawn)}" fill="{fill}" fill-rule="evenodd" stroke="{colour}" stroke-width="{width}"/>'
