"""Points to areas: which community, beat and station a place lies in, by the boundaries of its own time."""

from __future__ import annotations

import numpy as np
import polars as pl
import shapely

from data.schemas.columns import AREA_LEVELS
from data.sources.mapping import Parents

#: Incident column that holds the code of each level (sub-bureaus are reached through parents only).
COLUMN_OF_LEVEL = {"community": "community_code", "beat": "beat_code", "station": "station_code"}


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
    nothing = pl.DataFrame(schema={"row": points.schema["row"], "code": pl.String})
    wanted = areas.filter((pl.col("level").cast(pl.String) == level) & pl.col("geometry").is_not_null())
    placed = points.filter(pl.col("lon").is_not_null() & pl.col("lat").is_not_null())
    if wanted.is_empty() or placed.is_empty():
        return nothing
    # Many records share a point (snapped locations, repeat addresses): each place is looked up once.
    places = placed.select("lon", "lat").unique(maintain_order=True).with_row_index("place")
    tree = shapely.STRtree(shapely.points(places["lon"].to_numpy(), places["lat"].to_numpy()))
    shapes = shapely.make_valid(shapely.from_wkb(wanted["geometry"].to_list()))
    shapely.prepare(shapes)
    area_index, place_index = tree.query(shapes, predicate="intersects")
    pairs = pl.DataFrame({"place": place_index.astype(np.uint32), "area": area_index.astype(np.uint32)})
    candidates = pairs.join(
        wanted.with_row_index("area").select("area", "valid_from", "valid_to", code="area_code"), on="area"
    )
    found = placed.join(places, on=["lon", "lat"]).select("row", "on", "place").join(candidates, on="place")
    undated = pl.col("on").is_null()
    held = (pl.col("valid_from").is_null() | (pl.col("valid_from") <= pl.col("on"))) & (
        pl.col("valid_to").is_null() | (pl.col("on") < pl.col("valid_to"))
    )
    holds = pl.when(undated).then(pl.col("valid_to").is_null()).otherwise(held)
    return found.filter(holds).group_by("row").agg(pl.col("code").min())


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


def assign_areas(records: pl.DataFrame, areas: pl.DataFrame) -> pl.DataFrame:
    """Fill ``community_code``, ``beat_code`` and ``station_code``.

    Parameters
    ----------
    records
        ``row``, ``lon``, ``lat``, ``on`` as in :func:`locate_points`, and the codes the source states:
        ``stated_community``, ``stated_beat``, ``stated_station`` (null where it is silent).
    areas
        Rows of the schema Areas of the same jurisdiction.

    Returns
    -------
    DataFrame
        ``row``, ``community_code``, ``beat_code``, ``station_code``, in the order of ``records``. Each code is, in this
        order: the area the point lies in; the parent of a smaller one it lies in; what the source states; the parent
        of a smaller one the source states.
    """
    parents = parents_of(areas)
    result = records
    for level, column in COLUMN_OF_LEVEL.items():
        located = locate_points(records.select("row", "lon", "lat", "on"), areas, level)
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
