"""Calls → standard addresses: three outcomes, and how exactly the place is known from the text.

An incident is linked to an address, never to a person: what is known about who lives there stays in the population
platform, and nothing here reads it.
"""

from __future__ import annotations

from hashlib import sha256

import polars as pl

from data.integration.addresses.comparison import FEATURES, pair_candidates
from data.integration.addresses.elements import parse_addresses, plain_text
from data.integration.addresses.model import LinkModel, load_model
from data.schemas.links import AddressLinks

#: A point of the call's own this far from the address found is told, and casts doubt on a text that differs, metres.
CONFLICT_M = 1000.0
#: A number the table does not have is placed at the nearest one of the same side of the road, so many numbers off.
NEAREST_NUMBERS = 10
#: Words after a number that say "not there but by it".
BESIDE = "附近|对面|旁|斜|一带|周边|背后|后面|路口|之间"
_METRES_PER_DEGREE = 111_195.0
DECISIONS = ("accept", "reject", "none")


def link_addresses(
    calls: pl.DataFrame,
    addresses: pl.DataFrame,
    reviews: pl.DataFrame | None = None,
    *,
    model: LinkModel | None = None,
) -> pl.DataFrame:
    """Link calls to standard addresses.

    Parameters
    ----------
    calls
        Canonical calls; ``record_key``, ``source``, ``address``, ``lon`` and ``lat`` are read.
    addresses, reviews, model
        See :class:`AddressLinker`.

    Returns
    -------
    DataFrame
        Schema AddressLinks: one row per call that has an address, in the order of ``calls``.
    """
    return AddressLinker(addresses, reviews, model=model).link(calls)


class AddressLinker:
    """The standard addresses of one police force, read once and ready to be linked to.

    Parameters
    ----------
    addresses
        Canonical standard addresses of the police force.
    reviews
        What the steward decided, newest last: ``text_key``, ``address_code``, ``decision`` (``accept``: this is it;
        ``reject``: this one is not, another may be; ``none``: no standard address is meant).
    model
        None for the one that is part of this version.

    Notes
    -----
    Every distinct text is read once. The place of a call whose number the table does not have is that of the nearest
    number on the same side of the road; its level is ``road``, so no hotspot is built on it.
    """

    def __init__(
        self, addresses: pl.DataFrame, reviews: pl.DataFrame | None = None, *, model: LinkModel | None = None
    ) -> None:
        self.model = model or load_model()
        self.reviews = reviews
        standards = addresses.select("address_code", "lon", "lat", pl.col("address").alias("standard_text"))
        standards = standards.with_row_index("standard")
        parsed = parse_addresses(standards["standard_text"])
        self.standards = pl.concat([standards, parsed], how="horizontal")

    def link(self, calls: pl.DataFrame) -> pl.DataFrame:
        """Link some calls; see :func:`link_addresses`."""
        named = calls.filter(pl.col("address").str.strip_chars().str.len_chars() > 0)
        if named.is_empty() or self.standards.is_empty():
            return pl.DataFrame(AddressLinks.create_empty())
        # One way of writing has one reading: a caller's full-width digits make no second text.
        written = plain_text(named["address"])
        queries = self._read(written.unique(maintain_order=True))
        links = _link_texts(queries, self.standards, self.reviews, self.model)
        own = named.select("record_key", "source", own_lon="lon", own_lat="lat", text=written)
        return _finish(own.join(links, on="text", how="left", maintain_order="left"))

    def _read(self, plain: pl.Series) -> pl.DataFrame:
        texts = pl.DataFrame({"text": plain}).with_row_index("query")
        known = {name: self.standards[name].drop_nulls().unique().sort().to_list() for name in ("city", "district")}
        elements = parse_addresses(texts["text"], cities=known["city"], districts=known["district"])
        keys = pl.Series("text_key", [text_key(text) for text in plain], dtype=pl.String)
        return pl.concat([texts.with_columns(keys), elements], how="horizontal")


def text_key(plain: str) -> str:
    """Return the key of an address text in the review queue: 24 hexadecimal digits of the SHA-256 of the plain text."""
    return sha256(plain.encode("utf-8")).hexdigest()[:24]


def _link_texts(
    queries: pl.DataFrame, standards: pl.DataFrame, reviews: pl.DataFrame | None, model: LinkModel
) -> pl.DataFrame:
    pairs = pair_candidates(queries, standards)
    ruled = pl.DataFrame(schema={"query": pl.UInt32, "ruling": pl.String, "ruled_standard": pl.UInt32})
    if reviews is not None and reviews.height:
        pairs, ruled = _apply_reviews(queries, standards, pairs, reviews)
    best = model.choose(pairs)
    differs = [name for name in FEATURES if name != "known_road"]
    differing = pl.concat_list(
        pl.when(pl.col(name) != "same").then(pl.format("{}:{}", pl.lit(name), pl.col(name))) for name in differs
    ).list.drop_nulls()
    best = best.select("query", "standard", "probability", differing.alias("differences"))
    found = (
        queries.join(best, on="query", how="left", maintain_order="left")
        .join(ruled, on="query", how="left", maintain_order="left")
        .with_columns(
            pl.when(pl.col("ruling") == "accept").then("ruled_standard").otherwise("standard").alias("standard")
        )
        .join(
            standards.select(
                "standard",
                "address_code",
                "lon",
                "lat",
                table_unit=pl.coalesce("unit", "room"),
            ),
            on="standard",
            how="left",
            maintain_order="left",
        )
    )
    probability = pl.col("probability").fill_null(0.0)
    outcome = (
        pl.when(pl.col("ruling") == "accept")
        .then(pl.lit("match"))
        .when(pl.col("ruling") == "none")
        .then(pl.lit("none"))
        .when(probability >= model.match_from)
        .then(pl.lit("match"))
        .when(probability >= model.review_from)
        .then(pl.lit("review"))
        .otherwise(pl.lit("none"))
    )
    found = found.with_columns(
        outcome=outcome,
        probability=pl.when(pl.col("ruling") == "accept").then(1.0).otherwise(probability),
        method=pl.when(pl.col("ruling").is_not_null())
        .then(pl.lit("steward"))
        .when(pl.col("differences").list.len() == 0)
        .then(pl.lit("exact"))
        .otherwise(pl.lit("model")),
    )
    return found.join(_on_the_road(found, standards), on="query", how="left", maintain_order="left")


def _apply_reviews(
    queries: pl.DataFrame, standards: pl.DataFrame, pairs: pl.DataFrame, reviews: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Take out the pairs the steward refused; return the texts the steward decided."""
    keyed = queries.select("query", "text_key")
    decided = reviews.unique(["text_key", "address_code"], keep="last", maintain_order=True)
    # The same words mean another place in another police force: only a decision on an address of this one holds.
    decided = decided.join(keyed, on="text_key", maintain_order="left").join(
        standards.select("address_code", ruled_standard="standard"), on="address_code", maintain_order="left"
    )
    rejected = decided.filter(pl.col("decision") == "reject").select("query", standard="ruled_standard")
    final = decided.filter(pl.col("decision") != "reject").unique("query", keep="last", maintain_order=True)
    return (
        pairs.join(rejected, on=["query", "standard"], how="anti", maintain_order="left"),
        final.select("query", ruling="decision", ruled_standard="ruled_standard"),
    )


def _on_the_road(queries: pl.DataFrame, standards: pl.DataFrame) -> pl.DataFrame:
    """Return for each text whether its road is known, and the point of the nearest number on its side."""
    roads = standards.select("road", "district").unique()
    known = queries.select("query", "road", "district").join(roads.select("road", table_district="district"), on="road")
    # The same name in a district the table does not cover is another road.
    agrees = pl.col("district").is_null() | pl.col("table_district").is_null()
    known = known.filter(agrees | (pl.col("district") == pl.col("table_district"))).select("query").unique()
    side = (pl.col("n") % 2).alias("side")
    simple = pl.all_horizontal(pl.col(name).is_null() for name in ("section", "lane_name", "lane", "sub_lane"))
    number = pl.col("number").cast(pl.Int64, strict=False).alias("n")
    asked = queries.filter(simple).select("query", "road", number).drop_nulls().join(known, on="query", how="semi")
    table = standards.filter(simple).select("road", number, "lon", "lat").drop_nulls()
    # Two roads of one name in different places have no nearest number.
    doubled = table.group_by("road", "n").len().filter(pl.col("len") > 1)["road"].unique()
    table = table.filter(~pl.col("road").is_in(doubled.implode()))
    near = (
        asked.with_columns(side)
        .sort("n")
        .join_asof(
            table.with_columns(side).sort("n").rename({"lon": "road_lon", "lat": "road_lat"}),
            on="n",
            by=["road", "side"],
            strategy="nearest",
            tolerance=NEAREST_NUMBERS,
            check_sortedness=False,
        )
        .select("query", "road_lon", "road_lat")
    )
    return known.with_columns(road_known=pl.lit(True)).join(near, on="query", how="left")


def _finish(calls: pl.DataFrame) -> pl.DataFrame:
    """Doubt links far from the call's own point, and say which level of location the text reaches."""
    east = (pl.col("own_lon") - pl.col("lon")) * (pl.col("lat").radians().cos())
    apart_m = (east.pow(2) + (pl.col("own_lat") - pl.col("lat")).pow(2)).sqrt() * _METRES_PER_DEGREE
    far = ((pl.col("outcome") == "match") & (apart_m > CONFLICT_M)).fill_null(False)
    calls = calls.with_columns(far.alias("far"))
    calls = calls.with_columns(
        # A text that agrees in every element means the address: then it is the point that is wrong.
        pl.when(pl.col("far") & (pl.col("method") == "model"))
        .then(pl.lit("review"))
        .otherwise("outcome")
        .alias("outcome"),
        pl.when("far")
        .then(pl.concat_list(pl.col("differences").fill_null([]), pl.lit("point:far")))
        .otherwise(pl.col("differences").fill_null([]))
        .alias("differences"),
    )
    matched = pl.col("outcome") == "match"
    beside = pl.col("suffix").str.contains(BESIDE).fill_null(False)
    stated = pl.coalesce("unit", "room")
    level = (
        pl.when(matched & ~beside & pl.col("table_unit").is_not_null() & (stated == pl.col("table_unit")))
        .then(pl.lit("unit"))
        .when(matched & ~beside)
        .then(pl.lit("building"))
        .when(matched | pl.col("road_known"))
        .then(pl.lit("road"))
        .when(pl.col("community").is_not_null())
        .then(pl.lit("community"))
        .otherwise(pl.lit("none"))
    )
    linked = calls.select(
        pl.col("record_key").alias("incident_id"),
        "source",
        pl.when(pl.col("outcome") != "none").then("address_code").alias("address_code"),
        "probability",
        "outcome",
        "method",
        level.alias("level"),
        pl.when(matched).then("lon").otherwise("road_lon").alias("lon"),
        pl.when(matched).then("lat").otherwise("road_lat").alias("lat"),
        "differences",
        "text_key",
    )
    return AddressLinks.cast(linked)


def locate_calls(calls: pl.DataFrame, links: pl.DataFrame) -> pl.DataFrame:
    """Give calls without a point of their own the point of their address.

    Parameters
    ----------
    calls
        Canonical calls.
    links
        Schema AddressLinks.

    Returns
    -------
    DataFrame
        The calls in the same order; ``location_level`` of those placed is ``building`` or ``road``, never ``point``.
    """
    places = links.filter(pl.col("lon").is_not_null()).select(
        pl.col("incident_id").alias("record_key"),
        pl.col("lon").alias("$lon"),
        pl.col("lat").alias("$lat"),
        pl.when(pl.col("level").is_in(["unit", "building"]))
        .then(pl.lit("building"))
        .otherwise(pl.lit("road"))
        .cast(calls.schema["location_level"])
        .alias("$level"),
    )
    joined = calls.join(places, on="record_key", how="left", maintain_order="left")
    placed = pl.col("lon").is_null() & pl.col("$lon").is_not_null()
    return joined.with_columns(
        pl.when(placed).then("$lon").otherwise("lon").alias("lon"),
        pl.when(placed).then("$lat").otherwise("lat").alias("lat"),
        pl.when(placed).then("$level").otherwise("location_level").alias("location_level"),
    ).select(calls.columns)
