"""Pairs of an address as written and a standard address that could be the same, and how their elements agree."""

from __future__ import annotations

import polars as pl

from data.integration.addresses.roads import ROAD_RELATIONS, near_roads

#: Compared features, with their levels from best to worst. ``missing``: one of the two says nothing; ``only_text`` and
#: ``only_table`` say which one speaks, where that matters: a text may name a building inside a standard address.
FEATURES: dict[str, tuple[str, ...]] = {
    "road": ROAD_RELATIONS,
    # Whether the road as written is itself a known road: then it hardly stands for another one.
    "known_road": ("same", "unknown", "other"),
    "city": ("same", "missing", "different"),
    "district": ("same", "missing", "different"),
    "community": ("same", "missing", "different"),
    "section": ("same", "only_text", "only_table", "different"),
    "lane": ("same", "only_text", "only_table", "different"),
    "number": ("same", "sub_missing", "sub_different"),
    "building": ("same", "only_text", "only_table", "different"),
    "unit": ("same", "only_table", "different"),
}
#: Candidates kept per text, by agreement.
MOST_CANDIDATES = 8


def pair_candidates(queries: pl.DataFrame, standards: pl.DataFrame) -> pl.DataFrame:
    """Pair texts with the standard addresses they could mean.

    Parameters
    ----------
    queries
        Elements of the texts, with ``query`` (row number).
    standards
        Elements of the standard addresses, with ``standard`` (row number).

    Returns
    -------
    DataFrame
        ``query``, ``standard`` and one column per key of ``FEATURES``.

    Notes
    -----
    Blocks: the same number on the same road; where the table has no such pair, the same number on a road whose name
    looks or sounds alike. A number is never changed: 23号 and 32号 are two houses, so a mistyped number is not found.
    A range of numbers (91~120号) is a stretch of road and has no standard address.
    """
    known = standards.filter(pl.col("road").is_not_null() & pl.col("number").is_not_null())
    asked = queries.filter(
        pl.col("road").is_not_null() & pl.col("number").is_not_null() & pl.col("number_to").is_null()
    )
    right = known.select("standard", "road", "number")
    exact = asked.select("query", "road", "number").join(right, on=["road", "number"])
    exact = exact.select("query", "standard", road_relation=pl.lit("same"))
    left = asked.join(exact, on="query", how="anti")
    roads = near_roads(left["road"].unique(), known["road"].unique())
    fuzzy = (
        left.select("query", "road", "number")
        .join(roads, on="road")
        .join(right.rename({"road": "near_road"}), on=["near_road", "number"])
        .select("query", "standard", road_relation="relation")
    )
    pairs = pl.concat([exact, fuzzy])
    both = pairs.join(asked, on="query").join(known, on="standard", suffix="$s")
    compared = both.select(
        "query",
        "standard",
        pl.col("road_relation").alias("road"),
        pl.when(pl.col("road_relation") == "same")
        .then(pl.lit("same"))
        .when(pl.col("road").is_in(known["road"].unique().implode()))
        .then(pl.lit("other"))
        .otherwise(pl.lit("unknown"))
        .alias("known_road"),
        _agreement("city"),
        _agreement("district"),
        _agreement("community"),
        _part("section", ("section",)),
        _part("lane", ("lane_name", "lane", "sub_lane")),
        _number(),
        _part("building", ("building",)),
        _unit(),
    )
    badness = pl.sum_horizontal(
        pl.col(name).replace_strict({level: rank for rank, level in enumerate(levels)}, return_dtype=pl.Int32)
        for name, levels in FEATURES.items()
    )
    ordered = compared.with_columns(badness.alias("$badness")).sort("query", "$badness", "standard")
    return ordered.filter(pl.int_range(pl.len()).over("query") < MOST_CANDIDATES).drop("$badness")


def _agreement(name: str) -> pl.Expr:
    mine, other = pl.col(name), pl.col(f"{name}$s")
    either = mine.is_null() ^ other.is_null()
    # Both silent is agreement: the two describe the place with the same elements.
    return (
        pl.when(either)
        .then(pl.lit("missing"))
        .when(mine.eq_missing(other))
        .then(pl.lit("same"))
        .otherwise(pl.lit("different"))
        .alias(name)
    )


def _part(name: str, parts: tuple[str, ...]) -> pl.Expr:
    """Compare one or more elements as a whole, and say which side alone has any."""
    silent = pl.all_horizontal(pl.col(part).is_null() for part in parts)
    silent_s = pl.all_horizontal(pl.col(f"{part}$s").is_null() for part in parts)
    same = pl.all_horizontal(pl.col(part).eq_missing(pl.col(f"{part}$s")) for part in parts)
    return (
        pl.when(same)
        .then(pl.lit("same"))
        .when(silent)
        .then(pl.lit("only_table"))
        .when(silent_s)
        .then(pl.lit("only_text"))
        .otherwise(pl.lit("different"))
        .alias(name)
    )


def _number() -> pl.Expr:
    sub, sub_s = pl.col("number_sub"), pl.col("number_sub$s")
    return (
        pl.when(sub.eq_missing(sub_s))
        .then(pl.lit("same"))
        .when(sub.is_null())
        .then(pl.lit("sub_missing"))
        .otherwise(pl.lit("sub_different"))
        .alias("number")
    )


def _unit() -> pl.Expr:
    """Compare unit and room; what only the text names is inside the building and no disagreement."""
    differs = pl.any_horizontal(
        (pl.col(name) != pl.col(f"{name}$s")).fill_null(False) for name in ("unit", "floor", "room")
    )
    wanting = pl.any_horizontal(
        pl.col(name).is_null() & pl.col(f"{name}$s").is_not_null() for name in ("unit", "floor", "room")
    )
    return (
        pl.when(differs)
        .then(pl.lit("different"))
        .when(wanting)
        .then(pl.lit("only_table"))
        .otherwise(pl.lit("same"))
        .alias("unit")
    )
