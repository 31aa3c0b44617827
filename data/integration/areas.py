"""Points to areas: which community, beat and station a place lies in, by the boundaries of its own time."""

from __future__ import annotations

from dataclasses import dataclass

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
#: Places looked for in the grid at once.
PLACES_AT_ONCE = 16_384
#: Points remembered between batches (20 bytes each); above that the memory is emptied.
MOST_PLACES = 8_000_000


@dataclass(frozen=True)
class Places:
    """Where some points are: points share places, and what is asked of a place is asked once.

    Attributes
    ----------
    of_point
        Number of the place of each point; :attr:`count` without a point.
    count
        How many different places there are.
    place, area
        Pairs of a place and an area it lies in, ascending by place.
    """

    of_point: NDArray[np.int64]
    count: int
    place: NDArray[np.int64]
    area: NDArray[np.uint32]


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
        wanted = areas.filter(pl.col("geometry").is_not_null())
        shapes = shapely.from_wkb(wanted["geometry"].to_list())
        # A shape without any point has no box either, and would put every box into one cell of the grid.
        there = ~shapely.is_empty(shapes)
        shapes, wanted = shapes[there], wanted.filter(pl.Series(there))
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
        #: Codes of areas, ascending, and at the end null: what :meth:`codes` numbers.
        self.names = pl.concat([wanted["area_code"].unique().sort(), pl.Series([None], dtype=pl.String)])
        self._code = self.names.head(-1).search_sorted(wanted["area_code"]).to_numpy()
        self._level = np.array(wanted["level"].cast(pl.String).to_list(), dtype=object)
        self._validity = wanted.select("valid_from", "valid_to")
        self._dated = self._validity.select(pl.any_horizontal(pl.all().is_not_null())).to_series().to_numpy()
        self._forget()

    def _forget(self) -> None:
        # Places looked up, ascending, and the areas they lie in, ascending by place.
        self._known = np.empty(0, dtype=np.int64)
        self._pair_places, self._pair_areas = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.uint32)

    def look_up(self, points: pl.DataFrame) -> Places:
        """Find the areas of the places of some points; places asked for before are remembered.

        Parameters
        ----------
        points
            Columns ``lon``, ``lat``: degrees, EPSG:4326, may be null.
        """
        asked, of_point = _different(points.select(_place()).to_series())
        if not len(self._shapes):
            nothing = np.empty(0, dtype=np.int64)
            return Places(of_point, len(asked), nothing, nothing.astype(np.uint32))
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
        return Places(of_point, len(asked), np.repeat(np.arange(len(asked)), counts), self._pair_areas[index])

    def _areas_at(self, places: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
        """Return places and areas that belong together, ascending by place."""
        found = []
        # A few at a time, so that what is between stays in the processor's own memory.
        for some in np.split(places, range(PLACES_AT_ONCE, len(places), PLACES_AT_ONCE)):
            lon = ((some >> LAT_BITS) - 2 * HALF) / STEPS_PER_DEGREE
            lat = ((some & LAT_MASK) - HALF) / STEPS_PER_DEGREE
            point, area = self._grid.candidates(lon, lat)
            inside = shapely.intersects_xy(self._shapes[area], lon[point], lat[point])
            found.append((some[point[inside]], area[inside]))
        where, areas = zip(*found, strict=True)
        return np.concatenate(where), np.concatenate(areas)

    def codes(self, places: Places, on: pl.Series, level: str) -> NDArray[np.int64] | None:
        """Return the number in :attr:`names` of the area of each point; None when no point lies in any of the level.

        Parameters
        ----------
        on
            Date of each point, may be null: boundaries that are still open hold then.
        """
        own = self._level[places.area] == level
        place, area = places.place[own], places.area[own]
        if not len(place):
            return None
        nowhere = len(self.names) - 1
        dated = np.zeros(places.count + 1, dtype=np.bool_)
        dated[place[self._dated[area]]] = True
        steady = ~dated[place]
        of_place = _smallest(place[steady], self._code[area[steady]], places.count + 1, nowhere)
        found = of_place[places.of_point]
        if dated.any():
            # Places whose area changes with the day are looked at point by point.
            points = np.flatnonzero(dated[places.of_point])
            pairs = self._validity[area[~steady]].with_columns(
                pl.Series("place", place[~steady]), pl.Series("code", self._code[area[~steady]], dtype=pl.Int64)
            )
            asked = pl.DataFrame({"row": points, "place": places.of_point[points], "on": on[points]})
            holds = pl.when(pl.col("on").is_null()).then(pl.col("valid_to").is_null()).otherwise(_holds_on_day())
            chosen = asked.join(pairs, on="place").filter(holds).group_by("row").agg(pl.col("code").min())
            found[chosen["row"].to_numpy()] = chosen["code"].to_numpy()
        return found


def _different(values: pl.Series) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the different values above 0, ascending, and the number of each row's among them; their count for null."""
    numbers = values.fill_null(np.iinfo(np.int64).max).to_numpy()
    order = np.argsort(numbers)
    ascending = numbers[order]
    new = np.append(True, ascending[1:] != ascending[:-1])[: len(order)]
    of_row = np.empty(len(order), dtype=np.int64)
    of_row[order] = np.cumsum(new) - 1
    different = ascending[new]
    return (different[:-1] if values.has_nulls() else different), of_row


def _smallest(group: NDArray[np.int64], value: NDArray[np.int64], groups: int, otherwise: int) -> NDArray[np.int64]:
    """Return the smallest value of each group; ``group`` ascends."""
    found = np.full(groups, otherwise, dtype=np.int64)
    if len(group):
        starts = np.flatnonzero(np.append(True, group[1:] != group[:-1]))
        found[group[starts]] = np.minimum.reduceat(value, starts)
    return found


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
    codes = finder.codes(finder.look_up(points), points["on"], level)
    if codes is None:
        return pl.DataFrame(schema={"row": points.schema["row"], "code": pl.String})
    return points.select("row", finder.names.gather(codes).alias("code")).drop_nulls("code")


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
    places = finder.look_up(records)
    result = records
    smaller: list[str] = []
    for level, column in COLUMN_OF_LEVEL.items():
        codes = finder.codes(places, records["on"], level)
        by_point = [] if codes is None else [pl.lit(finder.names.gather(codes))]
        by_point += _parents(result, {one: f"${one}" for one in reversed(smaller)}, level, finder)
        by_statement = _parents(result, {one: COLUMN_OF_LEVEL[one] for one in reversed(smaller)}, level, finder)
        nothing = pl.lit(None, dtype=pl.String)
        result = result.with_columns(_first(by_point, nothing).alias(f"${level}"))
        stated = _first([pl.col(f"stated_{level}"), *by_statement], nothing)
        both = _first([pl.col(f"${level}"), stated], nothing) if by_point else stated
        result = result.with_columns(both.alias(column))
        smaller.append(level)
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


def _parents(rows: pl.DataFrame, columns: dict[str, str], level: str, finder: AreaFinder) -> list[pl.Expr]:
    """Return the parents, of one level, of the areas in some columns (by their level); none where there are none."""
    found = [_parent(rows, column, of_level, level, finder) for of_level, column in columns.items()]
    return [parent for parent in found if parent is not None]


def _parent(rows: pl.DataFrame, column: str, of_level: str, level: str, finder: AreaFinder) -> pl.Expr | None:
    """Return the parents of the areas in a column: those of the rows' own days, else the latest."""
    known = {child: parent for child, (found, parent) in finder.parents[of_level].items() if found == level}
    latest = [
        pl.col(column).replace_strict(list(known), list(known.values()), default=None, return_dtype=pl.String)
    ] * bool(known)
    moved = finder.moved.filter(pl.col("level") == of_level, pl.col("parent_level") == level)
    if moved.height:
        on_day = rows.select("row", "on", code=column).join(moved, on="code").filter(_holds_on_day())
        of_day = on_day.group_by("row").agg(pl.col("parent").min())
        latest.insert(0, pl.lit(rows.select("row").join(of_day, on="row", how="left", maintain_order="left")["parent"]))
    return pl.coalesce(latest) if latest else None


def _first(values: list[pl.Expr], nothing: pl.Expr) -> pl.Expr:
    return pl.coalesce(values) if len(values) > 1 else values[0] if values else nothing


def _holds_on_day() -> pl.Expr:
    return (pl.col("valid_from").is_null() | (pl.col("valid_from") <= pl.col("on"))) & (
        pl.col("valid_to").is_null() | (pl.col("on") < pl.col("valid_to"))
    )
