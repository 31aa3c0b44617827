"""Where mapped records are: points in the source's reference system to degrees, polygons repaired and measured."""

from __future__ import annotations

import numpy as np
import polars as pl

from data.integration.coordinates import to_equal_area_m, to_lon_lat
from data.schemas.columns import LOCATION_LEVELS
from data.sources.mapping import FileKind
from data.sources.reading import GEOMETRY


def located(mapped: pl.DataFrame, kind: FileKind, types: dict[str, pl.DataType]) -> pl.DataFrame:
    """Fill x, y, crs, lon, lat and location_level from the point block."""
    if "lon" not in types:
        return mapped
    added: list[pl.Series] = []
    if kind.point is not None and kind.point.crs is not None:
        points = mapped.select(x="$x", y="$y")
        nowhere = pl.any_horizontal(
            pl.col("x").is_null() | pl.col("y").is_null(),
            *((pl.col("x") == x) & (pl.col("y") == y) for x, y in kind.point.nowhere),
        )
        points = points.with_columns(pl.when(~nowhere).then(pl.col(axis)).alias(axis) for axis in ("x", "y"))
        lon, lat = to_lon_lat(
            points["x"].fill_null(np.nan).to_numpy(), points["y"].fill_null(np.nan).to_numpy(), kind.point.crs
        )
        added = [pl.Series("lon", lon).fill_nan(None), pl.Series("lat", lat).fill_nan(None)]
        if "x" in types:
            crs = pl.select(pl.when(points["x"].is_not_null()).then(pl.lit(kind.point.crs))).to_series()
            added += [points["x"], points["y"], crs.alias("crs")]
    mapped = mapped.with_columns(added)
    if "location_level" in types and "location_level" not in mapped.columns:
        words = pl.Enum(LOCATION_LEVELS)
        level = pl.lit(None, dtype=words)
        if added:
            level = pl.when(pl.col("lon").is_not_null()).then(pl.lit("point", dtype=words))
        otherwise = kind.point.otherwise if kind.point is not None else []
        stated = otherwise or [("community_code", "community"), ("beat_code", "beat"), ("unit_code", "station")]
        rest = [
            pl.when(pl.col(column).is_not_null()).then(pl.lit(name, dtype=words))
            for column, name in stated
            if column in mapped.columns
        ]
        filled = pl.coalesce(level, *rest, pl.lit("none", dtype=words))
        mapped = mapped.with_columns(filled.alias("location_level"))
    return mapped


def shaped(mapped: pl.DataFrame, types: dict[str, pl.DataType], provided: set[str]) -> pl.DataFrame:
    """Fill geometry and area_km2 from the shapes of the file; polygons that cross themselves are repaired."""
    if "geometry" not in types or GEOMETRY not in mapped.columns:
        return mapped
    import shapely

    shapes = shapely.from_wkb(mapped[GEOMETRY].to_list())
    crossed = ~shapely.is_valid(shapes) & ~shapely.is_missing(shapes)
    if crossed.any() or shapely.has_z(shapes).any():
        shapes[crossed] = shapely.make_valid(shapes[crossed])
        shapes = shapely.force_2d(shapes)
        mapped = mapped.with_columns(pl.Series("geometry", list(shapely.to_wkb(shapes)), dtype=pl.Binary))
    else:
        mapped = mapped.with_columns(pl.col(GEOMETRY).alias("geometry"))
    provided.add("geometry")
    if "area_km2" in types and "area_km2" not in mapped.columns:
        square_metres = shapely.area(shapely.transform(shapes, to_equal_area_m))
        mapped = mapped.with_columns(pl.Series("area_km2", (square_metres / 1e6).round(6)).fill_nan(None))
        provided.add("area_km2")
    return mapped
