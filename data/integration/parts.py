"""Areas that a source publishes in several records: their shapes are joined into one."""

from __future__ import annotations

import polars as pl
import shapely

from data.sources.mapping import FileKind

#: Reason of a record whose shape went into the last record of the same area.
PART = "joined_as_part"


def join_parts(kept: pl.DataFrame, kind: FileKind) -> pl.DataFrame:
    """Give each record of an area the shape and size of all its records together.

    Parameters
    ----------
    kept
        Canonical rows with ``geometry`` (WKB) and, for areas, ``area_km2``.
    kind
        Its identity says which records are one area.

    Returns
    -------
    DataFrame
        The same rows. One of them is kept later, the others are counted as ``joined_as_part``: nothing of their shape
        is lost, but a stated ``area_km2`` is added up as if the parts did not overlap.
    """
    several = kept.filter(pl.struct(kind.identity).is_duplicated() & pl.col("geometry").is_not_null())
    if several.is_empty():
        return kept
    joined = []
    for _, group in several.group_by(kind.identity, maintain_order=True):
        shape = shapely.union_all(shapely.make_valid(shapely.from_wkb(group["geometry"].to_list())))
        one = group.select(kind.identity).head(1).with_columns(pl.Series("$shape", [shapely.to_wkb(shape)]))
        joined.append(one.with_columns(group.select(pl.col("^area_km2$").sum().name.prefix("$"))))
    found = kept.join(pl.concat(joined), on=kind.identity, how="left", nulls_equal=True, maintain_order="left")
    sizes = [pl.coalesce("$area_km2", "area_km2")] if "$area_km2" in found.columns else []
    shapes = pl.coalesce("$shape", "geometry").alias("geometry")
    return found.with_columns(shapes, *(size.alias("area_km2") for size in sizes)).select(kept.columns)
