"""What an edition is about: which police force, which incidents and categories, and what is known of its places."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import polars as pl

from data.errors import RequestError
from data.snapshots import Jurisdiction, Snapshot

if TYPE_CHECKING:
    from analytics.edition import EditionParameters
    from analytics.hotspots.residents import Register

#: How many categories an edition forecasts when none is named, and how many incidents in the three years before
#: ``as_of`` a category needs for a forecast to be worth printing.
MOST_CATEGORIES = 6
FEWEST_INCIDENTS = 100


def choose_jurisdiction(snapshot: Snapshot, wanted: str | None, *, category: str | None = None) -> Jurisdiction:
    """Return the police force an edition is for.

    Without a name there must be only one force, or only one that knows ``category``.
    """
    known = snapshot.jurisdictions
    if wanted in known:
        return known[wanted]
    candidates = list(known)
    if wanted is None and len(known) > 1 and category is not None:
        with_category = snapshot.scan("incidents").filter(pl.col("category") == category)
        candidates = sorted(with_category.select("jurisdiction").unique().collect()["jurisdiction"])
    if wanted is None and len(candidates) == 1:
        return known[candidates[0]]
    problem = "the store holds several police forces." if wanted is None else f"unknown police force {wanted!r}."
    raise RequestError(problem, where="--jurisdiction", remedy=f"Choose one of: {', '.join(known) or 'none loaded'}.")


def known_incidents(snapshot: Snapshot, force: Jurisdiction, as_of: date) -> pl.DataFrame:
    """Return the incidents of a force that had happened and were known before ``as_of``.

    Rows without a date are kept (they count in the funnel); models drop them.
    """
    own = snapshot.scan("incidents").filter(pl.col("jurisdiction") == force.code)
    frame = own.filter(known_before(as_of)).collect()
    if frame.select(pl.col("occurred_on").is_not_null().sum()).item() == 0:
        raise RequestError(f"nothing is known before {as_of}.", where="--as-of", remedy="Choose a later day.")
    return frame


def known_before(as_of: date) -> pl.Expr:
    """Return whether a row of calls or incidents had happened and was known before a day; an undated row passes."""
    known_on = pl.coalesce("known_on", "occurred_on")
    return (pl.col("occurred_on") < as_of).fill_null(True) & (known_on < as_of).fill_null(True)


def choose_categories(incidents: pl.DataFrame, parameters: EditionParameters) -> list[str]:
    """Return the categories to forecast: those asked for, else the most frequent of the last three years."""
    recent = (
        incidents.lazy()
        .filter(pl.col("valid"), pl.col("lon").is_not_null())
        .filter(pl.col("occurred_on") >= parameters.as_of - timedelta(days=3 * 365))
        .group_by("category")
        .agg(pl.col("weight").sum().alias("incidents"))
        .sort("incidents", "category", descending=[True, False])
        .collect()
    )
    if parameters.categories:
        known = set(incidents["category"].unique())
        unknown = [code for code in parameters.categories if code not in known]
        if unknown:
            raise RequestError(
                f"no incident before {parameters.as_of} has category {', '.join(map(repr, unknown))}.",
                where="--category",
                remedy=f"Known categories: {', '.join(sorted(known))}.",
            )
        return list(parameters.categories)
    enough = recent.filter(pl.col("incidents") >= FEWEST_INCIDENTS)["category"].to_list()
    return enough[:MOST_CATEGORIES]


def read_register(snapshot: Snapshot, force: Jurisdiction) -> Register:
    """Return what the population platform knows of a force's places; empty tables where the source has none."""
    from analytics.hotspots.residents import Register

    return Register(snapshot.read("population", force.code), snapshot.read("addresses", force.code))
