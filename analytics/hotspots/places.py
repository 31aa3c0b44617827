"""What a reader needs to act on a flagged cell: the areas it lies in, the nearest street, when, and what to do."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from analytics.cells import Floats, Grid
from analytics.hotspots.history import LOCATED, is_discovered
from data.actions import ActionTable

#: Areas named beside a place, as level -> column.
AREA_COLUMNS = {"community": "community_code", "beat": "beat_code", "station": "station_code"}
#: Farthest named street, metres; beyond it none is named.
STREET_REACH_M = 500.0
#: Incidents this near to the cell's centre tell when it is busy, in sides of the cell; at least LEAST_REACH_M.
PEAK_REACH_CELLS = 1.5
LEAST_REACH_M = 200.0
#: Days looked back for the busy hours, and the fewest incidents that are worth a statement.
PEAK_DAYS = 730
LEAST_INCIDENTS = 8
#: Hours in the block that ``peak_hour`` starts.
PEAK_HOURS = 4
#: Widest interval of occurrence that still says anything about the hour.
WIDEST_HOURS = 24

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
    valid = areas.filter(
        (pl.col("valid_from").fill_null(date.min) <= as_of) & (pl.col("valid_to").fill_null(date.max) > as_of)
    ).sort("level", "area_code")
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


def outline_of(areas: pl.DataFrame | None) -> list[bytes] | None:
    """Return the polygons (WKB) of the level with most of them, or None without any: levels cover each other."""
    if areas is None or areas.is_empty():
        return None
    drawn = areas.filter(pl.col("geometry").is_not_null()).with_columns(pl.col("level").cast(pl.String))
    if drawn.is_empty():
        return None
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


def find_peaks(
    incidents: pl.DataFrame,
    category: str,
    grid: Grid,
    lon: Floats,
    lat: Floats,
    *,
    as_of: date,
    timezone: str,
    include_discovered: bool = False,
) -> tuple[list[int | None], list[int | None]]:
    """Return the busiest weekday (1 Monday) and the start of the busiest four hours around each point.

    Notes
    -----
    An interval of occurrence is spread evenly over its hours (aoristic weights, Ratcliffe 2002); intervals longer
    than a day say nothing about the hour. None where fewer than LEAST_INCIDENTS are near, or no hours are known.
    """
    from scipy.spatial import cKDTree

    known = pl.max_horizontal(pl.coalesce("known_on", "occurred_on"), "occurred_on")
    rows = incidents.filter(
        pl.col("valid")
        & (pl.col("weight") > 0)
        & (pl.col("category") == category)
        & pl.col("lon").is_not_null()
        & pl.col("lat").is_not_null()
        & pl.col("location_level").cast(pl.String).is_in(LOCATED)
        & (known < as_of)
        & (pl.col("occurred_on") >= as_of - timedelta(days=PEAK_DAYS))
        & (pl.lit(include_discovered) | ~is_discovered(incidents))
    ).sort("occurred_on", "lon", "lat", "occurred_from")
    if rows.is_empty():
        return [None] * len(lon), [None] * len(lon)
    weekday, hours = _profiles(rows, timezone)
    tree = cKDTree(np.column_stack(grid.project(rows["lon"].to_numpy(), rows["lat"].to_numpy())))
    reach = max(PEAK_REACH_CELLS * grid.cell_m, LEAST_REACH_M)
    days: list[int | None] = []
    starts: list[int | None] = []
    for near in tree.query_ball_point(np.column_stack(grid.project(lon, lat)), reach, return_sorted=True):
        by_day, by_hour = weekday[near].sum(axis=0), hours[near].sum(axis=0)
        days.append(int(np.argmax(by_day)) + 1 if by_day.sum() >= LEAST_INCIDENTS else None)
        blocks = sum(np.roll(by_hour, -k) for k in range(PEAK_HOURS))
        starts.append(int(np.argmax(np.round(blocks, 9))) if by_hour.sum() >= LEAST_INCIDENTS else None)
    return days, starts


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


def _profiles(rows: pl.DataFrame, timezone: str) -> tuple[Floats, Floats]:
    weekday = np.zeros((rows.height, 7))
    hours = np.zeros((rows.height, 24))
    weekday[np.arange(rows.height), rows["occurred_on"].dt.weekday().to_numpy() - 1] = 1.0
    timed = rows.with_row_index("at").filter(
        pl.col("time_precision").cast(pl.String).is_in(["exact", "hour", "slot"])
        & pl.col("occurred_from").is_not_null()
    )
    zone = ZoneInfo(timezone)
    for at, start, end in timed.select("at", "occurred_from", pl.coalesce("occurred_to", "occurred_from")).iter_rows():
        width = (end - start).total_seconds() / 3600
        if width > WIDEST_HOURS:
            continue
        first = start.astimezone(zone)
        begin = first.hour + first.minute / 60
        if width <= 0:
            hours[at, int(begin)] += 1.0
            continue
        position, left = begin, width
        while left > 1e-9:
            step = min(np.floor(position) + 1 - position, left)
            hours[at, int(position) % 24] += step / width
            position, left = position + step, left - step
    return weekday, hours
