"""What a reader needs to act on a flagged cell: the areas it lies in, the nearest street, and what to do."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from analytics.cells import Floats, Grid
from data.actions import ActionTable

#: Areas named beside a place, as level -> column.
AREA_COLUMNS = {"community": "community_code", "beat": "beat_code", "station": "station_code"}
#: Farthest named street, metres; beyond it none is named.
STREET_REACH_M = 500.0
#: Expected incidents below which watching is enough.
OBSERVE_BELOW = 0.02


def name_areas(lon: Floats, lat: Floats, areas: pl.DataFrame | None, as_of: date) -> pl.DataFrame:
    """Return community_code, beat_code and station_code of points; null where no valid area holds the point.

    Parameters
    ----------
    lon, lat
        Points, EPSG:4326.
    areas
        Frame of schema Areas, or None. Parents fill the levels that have no polygons of their own.
    as_of
        Day on which boundaries must be valid.
    """
    import shapely

    found: dict[str, list[str | None]] = {column: [None] * len(lon) for column in AREA_COLUMNS.values()}
    if areas is None or areas.is_empty():
        return pl.DataFrame(found, schema=dict.fromkeys(found, pl.String))
    valid = valid_areas(areas, as_of).sort("level", "area_code")
    points = shapely.points(lon, lat)
    for level, column in AREA_COLUMNS.items():
        drawn = valid.filter((pl.col("level").cast(pl.String) == level) & pl.col("geometry").is_not_null())
        if drawn.is_empty():
            continue
        tree = shapely.STRtree(shapely.make_valid(shapely.from_wkb(drawn["geometry"].to_numpy())))
        point, area = tree.query(points, predicate="intersects")
        codes = drawn["area_code"].to_list()
        # The lowest index wins on a shared boundary, whatever order the tree answers in.
        for p, a in sorted(zip(point.tolist(), area.tolist(), strict=True), reverse=True):
            found[column][p] = codes[a]
    parents = {
        (level, code): parent for level, code, parent in valid.select("level", "area_code", "parent_code").iter_rows()
    }
    for child, parent in (("community", "beat"), ("beat", "station")):
        lower, upper = found[AREA_COLUMNS[child]], found[AREA_COLUMNS[parent]]
        found[AREA_COLUMNS[parent]] = [
            u if u is not None or c is None else parents.get((child, c)) for c, u in zip(lower, upper, strict=True)
        ]
    return pl.DataFrame(found, schema=dict.fromkeys(found, pl.String))


def valid_areas(areas: pl.DataFrame, day: date) -> pl.DataFrame:
    """Return the areas whose boundaries hold on a day."""
    begun = pl.col("valid_from").fill_null(date.min) <= day
    return areas.filter(begun & (pl.col("valid_to").fill_null(date.max) > day))


def outline_of(areas: pl.DataFrame | None, as_of: date) -> list[bytes] | None:
    """Return the polygons (WKB) of the level with most of them, or None without any: levels cover each other.

    Boundaries are those that hold on the day, so that land added later is no part of the map; where all begin later (a
    source of today's boundaries and older incidents) those that there are.
    """
    if areas is None or areas.is_empty():
        return None
    drawn = areas.filter(pl.col("geometry").is_not_null()).with_columns(pl.col("level").cast(pl.String))
    if drawn.is_empty():
        return None
    valid = valid_areas(drawn, as_of)
    drawn = drawn if valid.is_empty() else valid
    level = drawn.group_by("level").len().sort("len", "level", descending=True)["level"][0]
    return list(drawn.filter(pl.col("level") == level).sort("area_code")["geometry"])


def name_streets(lon: Floats, lat: Floats, base_map: pl.DataFrame | None, grid: Grid) -> list[str | None]:
    """Return the name of the nearest named street within STREET_REACH_M, by language zh first, else None."""
    import shapely

    if base_map is None or base_map.is_empty():
        return [None] * len(lon)
    name = pl.coalesce("name_zh", "name_en")
    streets = base_map.filter(
        pl.col("kind").cast(pl.String).is_in(["street", "main_street"]) & name.is_not_null()
    ).sort("feature_id")
    if streets.is_empty():
        return [None] * len(lon)
    lines = shapely.transform(
        shapely.from_wkb(streets["geometry"].to_numpy()), lambda p: np.column_stack(grid.project(p[:, 0], p[:, 1]))
    )
    tree = shapely.STRtree(lines)
    x, y = grid.project(lon, lat)
    point, line = tree.query_nearest(shapely.points(x, y), max_distance=STREET_REACH_M, all_matches=True)
    names = streets.select(name.alias("name"))["name"].to_list()
    nearest: list[str | None] = [None] * len(lon)
    for p, s in sorted(zip(point.tolist(), line.tolist(), strict=True), reverse=True):
        nearest[p] = names[s]
    return nearest


def suggest_action(
    category: str,
    expected: float,
    reasons: list[dict[str, str | float]],
    actions: ActionTable,
    peak_hour: int | None = None,
) -> str:
    """Return one of ``data.schemas.advice.ACTIONS``.

    Very small expectations are watched; then the table decides by category and, where it says so, by the hour; a
    category without a rule is patrolled by vehicle where a place is high mainly through its surroundings, else on foot.
    """
    if expected < OBSERVE_BELOW:
        return "observe"
    ruled = actions.find(category, peak_hour)
    if ruled is not None:
        return ruled
    parts = {str(r["reason"]): float(r["contribution"]) for r in reasons}
    own = sum(parts.get(name, 0.0) for name in ("long_standing", "last_year", "recent", "place"))
    return "vehicle_patrol" if parts.get("neighbours", 0.0) > own else "foot_patrol"
