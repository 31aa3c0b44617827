"""Areas that a source names only as parents: made by joining the shapes of their children, day by day."""

from __future__ import annotations

from itertools import pairwise

import polars as pl
import shapely

from data.sources.mapping import Parents


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
        One row per parent code and period in which its children are the same, in the columns of ``areas``: one that is
        always valid when the children are. ``source_file`` and ``source_line`` are those of the first child.
    """
    rows = []
    children = areas.filter(pl.col("parent_code").is_not_null() & pl.col("geometry").is_not_null())
    children = children.sort("area_code", "valid_from", nulls_last=False, maintain_order=True)
    for (code,), versions in children.group_by("parent_code", maintain_order=True):
        days = sorted({day for name in ("valid_from", "valid_to") for day in versions[name].drop_nulls()})
        for start, end in pairwise([None, *days, None]):
            begun = pl.col("valid_from").is_null() | (pl.col("valid_from") <= pl.lit(start, dtype=pl.Date))
            goes_on = pl.col("valid_to").is_null() | (pl.col("valid_to") >= pl.lit(end, dtype=pl.Date))
            group = versions.filter(begun.fill_null(False) & goes_on.fill_null(False))
            if group.is_empty():
                continue
            joined = shapely.union_all(shapely.make_valid(shapely.from_wkb(group["geometry"].to_list())))
            rows.append(
                {
                    **dict.fromkeys(areas.columns),
                    **({"load_id": group["load_id"][0]} if "load_id" in areas.columns else {}),
                    "record_key": f"{joined_key(source, parents.level)}{code}{'' if start is None else f'-{start}'}",
                    "source": source,
                    "source_file": group["source_file"][0],
                    "source_line": group["source_line"][0],
                    "area_code": code,
                    "level": parents.level,
                    "name_zh": parents.name_zh.get(str(code)),
                    "name_en": parents.name_en.get(str(code)),
                    "valid_from": start,
                    "valid_to": end,
                    "geometry": shapely.to_wkb(joined),
                    "area_km2": group["area_km2"].sum(),
                }
            )
    return pl.DataFrame(rows, schema=areas.schema)


def joined_key(source: str, level: str) -> str:
    """Return how the record keys of the areas begin that :func:`join_children` makes."""
    return f"{source}:area-{level}-"


def join_known_children(
    known: pl.DataFrame, children: pl.DataFrame, parents: Parents, levels: set[str], source: str
) -> pl.DataFrame:
    """Make the areas a source names only as parents from all children there are, whichever file or load brought them.

    Parameters
    ----------
    known, children
        Rows of the schema Areas: the newest of earlier loads, and those that are new or stand in their place.
    levels
        Levels of the children.

    Returns
    -------
    DataFrame
        As of :func:`join_children`. An area joined before that no child names any more comes without a shape.
    """
    begin = pl.col("record_key").str.starts_with(joined_key(source, parents.level))
    rest = known.join(children.select("record_key"), on="record_key", how="anti")
    every = pl.concat([rest, children]).filter(pl.col("level").cast(pl.String).is_in(levels), ~begin)
    made = join_children(every, parents, source)
    gone = known.filter(begin).join(made.select("record_key"), on="record_key", how="anti")
    bare = [pl.lit(None, dtype=known.schema[name]).alias(name) for name in ("geometry", "area_km2")]
    return pl.concat([made, gone.with_columns(bare)])
