"""Points to areas: which community, beat and station a place lies in, by the boundaries of its own time."""

from __future__ import annotations

import numpy as np
import polars as pl
import shapely

from data.schemas.columns import AREA_LEVELS
from data.sources.mapping import Parents

#: Incident column that holds the code of each level (sub-bureaus are reached through parents only).
COLUMN_OF_LEVEL = {"community": "community_code", "beat": "beat_code", "station": "station_code"}


#: Points remembered between batches; above that the memory is emptied.
MOST_PLACES = 2_000_000


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
        wanted = areas.filter(pl.col("geometry").is_not_null()).with_row_index("area")
        shapes = shapely.from_wkb(wanted["geometry"].to_list())
        crossed = ~shapely.is_valid(shapes)
        shapes[crossed] = shapely.make_valid(shapes[crossed])
        shapely.prepare(shapes)
        #: Smallest and largest longitude and latitude of all areas, degrees; None without areas.
        self.box: tuple[float, float, float, float] | None = None
        if len(shapes):
            west, south, east, north = map(float, shapely.total_bounds(shapes))
            self.box = (west, south, east, north)
        self._shapes = shapes
        self._areas = wanted.select("area", pl.col("level").cast(pl.String), "valid_from", "valid_to", code="area_code")
        self._forget()

    def _forget(self) -> None:
        self._places = pl.DataFrame(schema={"lon": pl.Float64, "lat": pl.Float64, "place": pl.UInt32})
        self._pairs = pl.DataFrame(schema={"place": pl.UInt32, "area": pl.UInt32})

    def places(self, points: pl.DataFrame) -> pl.DataFrame:
        """Give every point its place.

        Parameters
        ----------
        points
            Columns ``row`` (unique), ``lon``, ``lat`` (degrees, EPSG:4326, may be null) and ``on`` (date, may be null).

        Returns
        -------
        DataFrame
            ``row``, ``on``, ``place``; points without coordinates are left out.
        """
        placed = points.filter(pl.col("lon").is_not_null() & pl.col("lat").is_not_null())
        if not len(self._shapes):
            return placed.select("row", "on", pl.lit(0, dtype=pl.UInt32).alias("place")).clear()
        if self._places.height > MOST_PLACES:
            self._forget()
        unique = placed.select("lon", "lat").unique()
        if self._places.height:
            unique = unique.join(self._places, on=["lon", "lat"], how="anti")
        if unique.height:
            fresh = unique.with_columns(
                pl.int_range(pl.len(), dtype=pl.UInt32).alias("place") + pl.lit(self._places.height, dtype=pl.UInt32)
            )
            tree = shapely.STRtree(shapely.points(fresh["lon"].to_numpy(), fresh["lat"].to_numpy()))
            area, place = tree.query(self._shapes, predicate="intersects")
            pairs = pl.DataFrame({"place": place.astype(np.uint32), "area": area.astype(np.uint32)})
            self._pairs = pl.concat([self._pairs, pairs.with_columns(pl.col("place") + self._places.height)])
            self._places = pl.concat([self._places, fresh])
        return placed.join(self._places, on=["lon", "lat"]).select("row", "on", "place")

    def locate(self, places: pl.DataFrame, level: str) -> pl.DataFrame:
        """Return ``row`` and ``code`` of the points that lie in an area of one level.

        Parameters
        ----------
        places
            From :meth:`places`.
        level
            One of ``AREA_LEVELS``.
        """
        candidates = self._pairs.join(self._areas.filter(pl.col("level") == level), on="area")
        if candidates.is_empty() or places.is_empty():
            return pl.DataFrame(schema={"row": places.schema["row"], "code": pl.String})
        # Places whose areas always hold need no look at the day; on a shared border the first code decides.
        dated = (pl.col("valid_from").is_not_null() | pl.col("valid_to").is_not_null()).any().over("place")
        changing = candidates.filter(dated)
        steady = candidates.join(changing.select("place"), on="place", how="anti") if changing.height else candidates
        first = steady.group_by("place").agg(pl.col("code").min())
        found = [places.join(first, on="place").select("row", "code")]
        if changing.height:
            held = (pl.col("valid_from").is_null() | (pl.col("valid_from") <= pl.col("on"))) & (
                pl.col("valid_to").is_null() | (pl.col("on") < pl.col("valid_to"))
            )
            holds = pl.when(pl.col("on").is_null()).then(pl.col("valid_to").is_null()).otherwise(held)
            chosen = places.join(changing, on="place").filter(holds)
            found.append(chosen.group_by("row").agg(pl.col("code").min()))
        return pl.concat(found)


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
    return finder.locate(finder.places(points), level)


def parents_of(areas: pl.DataFrame) -> dict[str, dict[str, tuple[str, str]]]:
    """Return level → code → (level of the parent, code of the parent).

    A parent is looked for among the areas of the larger levels; when no area has its code it is taken to be one level
    up. Of several boundary versions the latest decides.
    """
    rows = areas.select(pl.col("level").cast(pl.String), "area_code", "parent_code", "valid_from").sort(
        "valid_from", nulls_last=False, maintain_order=True
    )
    known = {level: set(rows.filter(pl.col("level") == level)["area_code"]) for level in AREA_LEVELS}
    found: dict[str, dict[str, tuple[str, str]]] = {level: {} for level in AREA_LEVELS}
    for place, level in enumerate(AREA_LEVELS[:-1]):
        larger = AREA_LEVELS[place + 1 :]
        for code, parent in rows.filter(pl.col("level") == level).select("area_code", "parent_code").iter_rows():
            if parent is not None:
                found[level][code] = (next((one for one in larger if parent in known[one]), larger[0]), parent)
    return found


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
    parents = finder.parents
    places = finder.places(records.select("row", "lon", "lat", "on"))
    result = records
    for level, column in COLUMN_OF_LEVEL.items():
        located = finder.locate(places, level)
        result = result.join(located.rename({"code": f"${level}"}), on="row", how="left", maintain_order="left")
        smaller = list(COLUMN_OF_LEVEL)[: list(COLUMN_OF_LEVEL).index(level)]
        by_point = [_parent(pl.col(f"${one}"), parents[one], level) for one in reversed(smaller)]
        result = result.with_columns(pl.coalesce(f"${level}", *by_point).alias(f"${level}"))
        by_statement = [_parent(pl.col(COLUMN_OF_LEVEL[one]), parents[one], level) for one in reversed(smaller)]
        result = result.with_columns(pl.coalesce(f"${level}", f"stated_{level}", *by_statement).alias(column))
    return result.select("row", *COLUMN_OF_LEVEL.values())


def _parent(code: pl.Expr, parents: dict[str, tuple[str, str]], level: str) -> pl.Expr:
    known = {child: parent for child, (of_level, parent) in parents.items() if of_level == level}
    return code.replace_strict(known, default=None, return_dtype=pl.String) if known else pl.lit(None, dtype=pl.String)


def join_children(areas: pl.DataFrame, parents: Parents, source: str) -> pl.DataFrame:
    """Make the areas a source names only as parents, by joining the shapes of their children.

    Parameters
    ----------
    areas
        Rows of the schema Areas (``load_id`` may be absent): the children.
    parents
        Level and names of the areas to make.

    Returns
    -------
    DataFrame
        One row per parent code, in the columns of ``areas``; ``source_file`` and ``source_line`` are those of the first
        child. Validity is left open: the parent is the sum of whatever children it has.
    """
    rows = []
    children = areas.filter(pl.col("parent_code").is_not_null() & pl.col("geometry").is_not_null())
    for (code,), group in children.group_by("parent_code", maintain_order=True):
        joined = shapely.union_all(shapely.make_valid(shapely.from_wkb(group["geometry"].to_list())))
        rows.append(
            {
                **dict.fromkeys(areas.columns),
                **({"load_id": group["load_id"][0]} if "load_id" in areas.columns else {}),
                "record_key": f"{source}:area-{parents.level}-{code}",
                "source": source,
                "source_file": group["source_file"][0],
                "source_line": group["source_line"][0],
                "area_code": code,
                "level": parents.level,
                "name_zh": parents.name_zh.get(str(code)),
                "name_en": parents.name_en.get(str(code)),
                "geometry": shapely.to_wkb(joined),
                "area_km2": group["area_km2"].sum(),
            }
        )
    return pl.DataFrame(rows, schema=areas.schema)
