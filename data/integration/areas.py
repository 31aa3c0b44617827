"""Points to areas: which community, beat and station a place lies in, by the boundaries of its own time."""

from __future__ import annotations

import numpy as np
import polars as pl
import shapely
from numpy.typing import NDArray

from data.schemas.columns import AREA_LEVELS

#: Incident column that holds the code of each level (sub-bureaus are reached through parents only).
COLUMN_OF_LEVEL = {"community": "community_code", "beat": "beat_code", "station": "station_code"}


#: Places are told apart in steps of 10⁻⁷ degrees, about a centimetre, as coordinates are kept.
STEPS_PER_DEGREE = 10_000_000
#: A place as one number: longitude, then latitude in the lower bits; both made positive.
LAT_BITS = 31
LAT_MASK, HALF = (1 << LAT_BITS) - 1, 90 * STEPS_PER_DEGREE
#: Cells of :class:`BoxGrid` that a box may take up, on average; and more than there can be rows of them.
MOST_CELLS_PER_BOX, CELLS_ACROSS = 40, 1 << 30
#: Points remembered between batches (20 bytes each); above that the memory is emptied.
MOST_PLACES = 8_000_000


class AreaFinder:
    """The areas of a police force, prepared for finding the points of many batches in them.

    Many records share a point (snapped locations, repeat addresses): each place is looked up once.

    Parameters
    ----------
    areas
        Rows of the schema Areas.
    """

    def __init__(self, areas: pl.DataFrame) -> None:
        self.parents = parents_of(areas)
        #: Versions of the areas whose parent changed: ``level``, ``code``, ``parent``, ``parent_level``, validity.
        self.moved = _moved(areas)
        wanted = areas.filter(pl.col("geometry").is_not_null()).with_row_index("area")
        shapes = shapely.from_wkb(wanted["geometry"].to_list())
        # A shape without any point has no box either, and would put every box into one cell of the grid.
        there = ~shapely.is_empty(shapes)
        shapes, wanted = shapes[there], wanted.filter(pl.Series(there)).drop("area").with_row_index("area")
        crossed = ~shapely.is_valid(shapes)
        shapes[crossed] = shapely.make_valid(shapes[crossed])
        shapely.prepare(shapes)
        #: Smallest and largest longitude and latitude of all areas, degrees; None without areas.
        self.box: tuple[float, float, float, float] | None = None
        if len(shapes):
            west, south, east, north = map(float, shapely.total_bounds(shapes))
            self.box = (west, south, east, north)
        self._grid = BoxGrid(shapely.bounds(shapes))
        self._shapes = shapes
        self._areas = wanted.select("area", pl.col("level").cast(pl.String), "valid_from", "valid_to", code="area_code")
        self._forget()

    def _forget(self) -> None:
        # Places looked up, ascending, and the areas they lie in, ascending by place.
        self._known = np.empty(0, dtype=np.int64)
        self._pair_places, self._pair_areas = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.uint32)

    def look_up(self, points: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Find the areas of the places of some points; places asked for before are remembered.

        Parameters
        ----------
        points
            Columns ``lon``, ``lat`` (degrees, EPSG:4326, may be null) and any others.

        Returns
        -------
        tuple of DataFrame
            The same rows with ``place``: the point in steps of 10⁻⁷ degrees as one number, null without a point. And
            ``place``, ``area``: all areas of these places, for :meth:`steady` and :meth:`by_day`.
        """
        points = points.with_columns(_place().alias("place"))
        if not len(self._shapes):
            return points, pl.DataFrame(schema={"place": pl.Int64, "area": pl.UInt32})
        asked = points["place"].unique().drop_nulls().sort().to_numpy()
        if len(self._known) > MOST_PLACES:
            self._forget()
        at = np.searchsorted(self._known, asked)
        fresh = asked[(at == len(self._known)) | (np.append(self._known, -1)[at] != asked)]
        if len(fresh):
            places, areas = self._areas_at(fresh)
            order = np.argsort(merged := np.concatenate([self._pair_places, places]), kind="stable")
            self._pair_places = merged[order]
            self._pair_areas = np.concatenate([self._pair_areas, areas])[order]
            self._known = np.sort(np.concatenate([self._known, fresh]), kind="stable")
        first = np.searchsorted(self._pair_places, asked, side="left")
        counts = np.searchsorted(self._pair_places, asked, side="right") - first
        index = np.repeat(first - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
        return points, pl.DataFrame({"place": self._pair_places[index], "area": self._pair_areas[index]})

    def _areas_at(self, places: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
        """Return places and areas that belong together, ascending by place."""
        lon = ((places >> LAT_BITS) - 2 * HALF) / STEPS_PER_DEGREE
        lat = ((places & LAT_MASK) - HALF) / STEPS_PER_DEGREE
        point, area = self._grid.candidates(lon, lat)
        inside = shapely.intersects_xy(self._shapes[area], lon[point], lat[point])
        return places[point[inside]], area[inside]

    def steady(self, pairs: pl.DataFrame, level: str) -> pl.DataFrame:
        """Return ``place`` and ``code`` of the places that lie in the same area of one level whatever the day."""
        candidates, dated = self._candidates(pairs, level)
        if dated:
            candidates = candidates.join(self._changing(candidates).select("place"), on="place", how="anti")
        # On a shared border the first code decides.
        several = candidates["place"].is_duplicated()
        if several.any():
            first = candidates.filter(several).group_by("place").agg(pl.col("code").min())
            candidates = pl.concat([candidates.filter(~several).select("place", "code"), first])
        return candidates.select("place", "code")

    def by_day(self, pairs: pl.DataFrame, points: pl.DataFrame, level: str) -> pl.DataFrame:
        """Return ``row`` and ``code`` of the points at places whose area of one level changes with the day.

        Parameters
        ----------
        points
            ``row`` (unique), ``place`` and ``on`` (date, may be null).
        """
        candidates, dated = self._candidates(pairs, level)
        if not dated:
            return pl.DataFrame(schema={"row": points.schema["row"], "code": pl.String})
        holds = pl.when(pl.col("on").is_null()).then(pl.col("valid_to").is_null()).otherwise(_holds_on_day())
        chosen = points.select("row", "place", "on").join(self._changing(candidates), on="place").filter(holds)
        return chosen.group_by("row").agg(pl.col("code").min())

    def _candidates(self, pairs: pl.DataFrame, level: str) -> tuple[pl.DataFrame, bool]:
        areas = self._areas.filter(pl.col("level") == level)
        dated = areas.select((pl.col("valid_from").is_not_null() | pl.col("valid_to").is_not_null()).any()).item()
        return pairs.join(areas, on="area"), bool(dated)

    def _changing(self, candidates: pl.DataFrame) -> pl.DataFrame:
        return candidates.filter(
            (pl.col("valid_from").is_not_null() | pl.col("valid_to").is_not_null()).any().over("place")
        )


class BoxGrid:
    """Boxes around areas, indexed by equal cells of longitude and latitude: which boxes can hold a point.

    Parameters
    ----------
    boxes
        Shape (n, 4): west, south, east, north, degrees.
    """

    def __init__(self, boxes: NDArray[np.float64]) -> None:
        self._boxes = boxes
        # Cells about as large as a box: a few boxes a cell, a few cells a box. Large boxes beside small ones need more.
        sides = boxes[:, 2:] - boxes[:, :2]
        self._cell = max(float(np.median(sides)), 1e-6) if len(boxes) else 1.0
        while True:
            low, high = self._cells(boxes[:, 0], boxes[:, 1]), self._cells(boxes[:, 2], boxes[:, 3])
            wide, tall = high[0] - low[0] + 1, high[1] - low[1] + 1
            if (wide * tall).sum() <= MOST_CELLS_PER_BOX * max(len(boxes), 1):
                break
            self._cell *= 2
        counts = wide * tall
        box = np.repeat(np.arange(len(boxes), dtype=np.uint32), counts)
        number = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        cell = (low[0][box] + number // tall[box]) * CELLS_ACROSS + low[1][box] + number % tall[box]
        order = np.argsort(cell, kind="stable")
        self._cell_of_box, self._box = cell[order], box[order]

    def _cells(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        column, row = np.floor((lon + 180) / self._cell), np.floor((lat + 90) / self._cell)
        return column.astype(np.int64), row.astype(np.int64)

    def candidates(
        self, lon: NDArray[np.float64], lat: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
        """Return the numbers of points and of the boxes they lie in, ascending by point."""
        column, row = self._cells(lon, lat)
        cell = column * CELLS_ACROSS + row
        first = np.searchsorted(self._cell_of_box, cell, side="left")
        counts = np.searchsorted(self._cell_of_box, cell, side="right") - first
        point = np.repeat(np.arange(len(lon)), counts)
        box = self._box[np.repeat(first - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())]
        west, south, east, north = self._boxes[box].T
        x, y = lon[point], lat[point]
        inside = (x >= west) & (x <= east) & (y >= south) & (y <= north)
        return point[inside], box[inside]


def _place() -> pl.Expr:
    lon, lat = ((pl.col(axis) * STEPS_PER_DEGREE).round().cast(pl.Int64, strict=False) for axis in ("lon", "lat"))
    return (lon + 2 * HALF) * (1 << LAT_BITS) + lat + HALF


def locate_points(points: pl.DataFrame, areas: pl.DataFrame, level: str) -> pl.DataFrame:
    """Assign points to the areas of one level.

    Parameters
    ----------
    points
        Columns ``row`` (unique), ``lon``, ``lat`` (degrees, EPSG:4326, may be null) and ``on`` (date, may be null).
    areas
        Rows of the schema Areas.
    level
        One of ``AREA_LEVELS``.

    Returns
    -------
    DataFrame
        ``row`` and ``code``; points in no area are left out.

    Notes
    -----
    A point on a shared border goes to the area whose code comes first, so that the result does not depend on the order
    of rows. Edges are straight in degrees. A point without a date takes the boundaries that are still open.
    """
    finder = AreaFinder(areas)
    placed, pairs = finder.look_up(points)
    found = placed.select("row", "place").join(finder.steady(pairs, level), on="place").select("row", "code")
    return pl.concat([found, finder.by_day(pairs, placed, level)])


def parents_of(areas: pl.DataFrame) -> dict[str, dict[str, tuple[str, str]]]:
    """Return level → code → (level of the parent, code of the parent).

    A parent is looked for among the areas of the larger levels; when no area has its code it is taken to be one level
    up. Of several boundary versions the latest decides here; :func:`assign_areas` takes that of the day.
    """
    rows = areas.select(pl.col("level").cast(pl.String), "area_code", "parent_code", "valid_from").sort(
        "valid_from", nulls_last=False, maintain_order=True
    )
    known = _codes_by_level(areas)
    found: dict[str, dict[str, tuple[str, str]]] = {level: {} for level in AREA_LEVELS}
    for level in AREA_LEVELS[:-1]:
        for code, parent in rows.filter(pl.col("level") == level).select("area_code", "parent_code").iter_rows():
            if parent is not None:
                found[level][code] = (_level_of_parent(parent, level, known), parent)
    return found


def _codes_by_level(areas: pl.DataFrame) -> dict[str, set[str]]:
    return {level: set(areas.filter(pl.col("level").cast(pl.String) == level)["area_code"]) for level in AREA_LEVELS}


def _level_of_parent(parent: str, level: str, known: dict[str, set[str]]) -> str:
    larger = AREA_LEVELS[AREA_LEVELS.index(level) + 1 :]
    return next((one for one in larger if parent in known[one]), larger[0])


def assign_areas(records: pl.DataFrame, areas: pl.DataFrame | AreaFinder) -> pl.DataFrame:
    """Fill ``community_code``, ``beat_code`` and ``station_code``.

    Parameters
    ----------
    records
        ``row``, ``lon``, ``lat``, ``on`` as in :func:`locate_points`, and the codes the source states:
        ``stated_community``, ``stated_beat``, ``stated_station`` (null where it is silent).
    areas
        Rows of the schema Areas of the same jurisdiction, or these prepared for several batches.

    Returns
    -------
    DataFrame
        ``row``, ``community_code``, ``beat_code``, ``station_code``, in the order of ``records``. Each code is, in this
        order: the area the point lies in; the parent of a smaller one it lies in; what the source states; the parent
        of a smaller one the source states.
    """
    finder = areas if isinstance(areas, AreaFinder) else AreaFinder(areas)
    result, pairs = finder.look_up(records)
    for level, column in COLUMN_OF_LEVEL.items():
        found = finder.steady(pairs, level).rename({"code": f"${level}"})
        if found.height:
            result = result.join(found, on="place", how="left", maintain_order="left")
        else:
            result = result.with_columns(pl.lit(None, dtype=pl.String).alias(f"${level}"))
        by_day = finder.by_day(pairs, result, level)
        if by_day.height:
            result = result.join(by_day, on="row", how="left", maintain_order="left")
            result = result.with_columns(pl.coalesce("code", f"${level}").alias(f"${level}")).drop("code")
        smaller = list(reversed(list(COLUMN_OF_LEVEL)[: list(COLUMN_OF_LEVEL).index(level)]))
        by_point = [_parent(result, f"${one}", one, level, finder) for one in smaller]
        result = result.with_columns(pl.coalesce(f"${level}", *by_point).alias(f"${level}"))
        by_statement = [_parent(result, COLUMN_OF_LEVEL[one], one, level, finder) for one in smaller]
        result = result.with_columns(pl.coalesce(f"${level}", f"stated_{level}", *by_statement).alias(column))
    return result.select("row", *COLUMN_OF_LEVEL.values())


def _moved(areas: pl.DataFrame) -> pl.DataFrame:
    """Return the versions of the areas that do not have the same parent in all of them, with the parent's level."""
    versions = areas.select(
        pl.col("level").cast(pl.String), "valid_from", "valid_to", code="area_code", parent="parent_code"
    )
    moved = versions.filter(
        pl.col("parent").n_unique().over("level", "code") > 1,
        pl.col("parent").is_not_null(),
        pl.col("level") != AREA_LEVELS[-1],
    )
    known = _codes_by_level(areas) if moved.height else {}
    levels = [_level_of_parent(parent, level, known) for level, parent in moved.select("level", "parent").iter_rows()]
    return moved.with_columns(pl.Series("parent_level", levels, dtype=pl.String))


def _parent(rows: pl.DataFrame, column: str, of_level: str, level: str, finder: AreaFinder) -> pl.Expr:
    """Return the parents of the areas in a column: those of the rows' own days, else the latest."""
    known = {child: parent for child, (found, parent) in finder.parents[of_level].items() if found == level}
    parent = pl.lit(None, dtype=pl.String)
    if known:
        parent = pl.col(column).replace_strict(list(known), list(known.values()), default=None, return_dtype=pl.String)
    moved = finder.moved.filter(pl.col("level") == of_level, pl.col("parent_level") == level)
    if moved.is_empty():
        return parent
    on_day = rows.select("row", "on", code=column).join(moved, on="code").filter(_holds_on_day())
    of_day = on_day.group_by("row").agg(pl.col("parent").min())
    found = rows.select("row").join(of_day, on="row", how="left", maintain_order="left")["parent"]
    return pl.coalesce(pl.lit(found), parent)


def _holds_on_day() -> pl.Expr:
    return (pl.col("valid_from").is_null() | (pl.col("valid_from") <= pl.col("on"))) & (
        pl.col("valid_to").is_null() | (pl.col("on") < pl.col("valid_to"))
    )
