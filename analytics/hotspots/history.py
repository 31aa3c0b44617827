"""Incidents as arrays on a grid, with what was known when: the only way models see incidents.

Everything a forecast as of a day may use has to have happened **and** to have been known before that day. Rows without
a day of knowledge are taken to be known on the day they happened, which flatters a source that reports late.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from analytics.cells import Floats, Grid, Integers
from data.errors import RequestError, SchemaError

Flags = NDArray[np.bool_]

#: Levels of location exact enough for a cell; the centre of a road or an area would make a false hotspot.
LOCATED = ("point", "building")
#: Columns of the incident view the models read.
COLUMNS = ("category", "valid", "weight", "occurred_on", "known_on", "lon", "lat", "location_level")
#: Length of a month of the record, days; its share of a usual month below which it counts as not kept; how many such
#: months on end part a record from what lies before it (a year).
BLOCK_DAYS, USUAL_SHARE, GAP_BLOCKS = 28, 0.02, 13
#: Where points are put that a reference system has no place for, metres.
OFF_MAP_M = 1e9
#: Incidents that must be missing before a time is taken to be without a record: none of ten happens by chance once in
#: 22,000 times (e^-10).
SURELY_MISSED = 10.0


@dataclass(frozen=True)
class History:
    """Located incidents, sorted, as arrays of equal length.

    Attributes
    ----------
    x_m, y_m
        Easting and northing, metres in the analysis reference system.
    day, known
        Days since 1970-01-01 of the event and of the later of event and knowledge.
    weight
        1, or -1 for a later removal of an incident.
    is_target
        Whether the row belongs to the category that is forecast; the others describe the place.
    """

    x_m: Floats
    y_m: Floats
    day: Integers
    known: Integers
    weight: Floats
    is_target: Flags

    def before(self, origin: int) -> History:
        """Return the rows that had happened and were known before day ``origin``."""
        return self.where(self.known < origin)

    def where(self, keep: Flags) -> History:
        """Return some of the rows."""
        return History(
            self.x_m[keep], self.y_m[keep], self.day[keep], self.known[keep], self.weight[keep], self.is_target[keep]
        )

    @property
    def first_day(self) -> int:
        """First day on which the target was recorded as usual, days since 1970-01-01; see :func:`record_start`.

        A category recorded later than the others (a code introduced, files of a shorter time) starts by itself; one
        that is merely rare starts with them.
        """
        start, own_days = record_start(self.day), self.day[self.is_target]
        if not len(own_days):
            return start
        own = record_start(own_days)
        return own if _missed(own_days[own_days >= own], own - start) > SURELY_MISSED else start


def record_start(days: Integers) -> int:
    """Return the day from which a source records as usual, days since 1970-01-01.

    Sources hold a few events of long before (reported late, dates left at a default such as 1900-01-01). Taken for the
    beginning they would say that hardly anything happened for decades: rates too low, and past periods to learn from in
    which nobody kept a record. So months (28 days, counted back from the newest) with less than ``USUAL_SHARE`` of a
    usual month are no part of the record, and neither is what lies behind more than a year of such months, unless
    incidents are so rare that a year without one is nothing unusual.

    Parameters
    ----------
    days
        Days of incidents, at least one, in any order.
    """
    age = (int(days.max()) - days) // BLOCK_DAYS
    counts = np.bincount(age)
    usual = float(np.median(counts[age]))
    kept = np.flatnonzero(counts >= max(USUAL_SHARE * usual, 1.0))
    for at in np.flatnonzero(np.diff(kept) > GAP_BLOCKS):
        later = days[age <= kept[at]]
        gap = int(later.min() - days[age == kept[at + 1]].max())
        if _missed(later, gap) > SURELY_MISSED:
            return int(later.min())
    return int(days[age == kept[-1]].min())


def _missed(days: Integers, gap_days: int) -> float:
    """Return how many incidents ``gap_days`` days would have had at the rate of ``days``; one alone has no rate."""
    return float((len(days) - 1) / max(int(days.max() - days.min()), 1) * gap_days)


@dataclass(frozen=True)
class Located:
    """Located incidents of every category, read once for all forecasts of an edition.

    Attributes
    ----------
    categories
        Codes in order of the numbers in ``category``; the last number stands for rows without one.
    discovered
        Rows that the police found themselves and that were left out.
    """

    rows: History
    category: Integers
    categories: tuple[str, ...]
    discovered: int

    def history(self, category: str, *, as_of: date) -> History:
        """Return the rows seen from one category: its own are the target, the others describe the place.

        Raises
        ------
        RequestError
            If no located incident of the category is left.
        """
        code = self.categories.index(category) if category in self.categories else -2
        is_target = self.category == code
        if not is_target.any():
            raise RequestError(
                f"there is no located incident of category {category!r} known before {as_of}.",
                remedy=f"Categories in the data: {', '.join(self.categories[:20]) or 'none'}.",
            )
        return replace(self.rows, is_target=is_target)


def read_located(incidents: pl.DataFrame, grid: Grid, *, as_of: date, include_discovered: bool = False) -> Located:
    """Return the located incidents that a forecast as of a day may use.

    Parameters
    ----------
    incidents
        Frame of schema Incidents (more columns do no harm). The order of the rows does not matter.
    grid
        Gives the reference system.
    as_of
        First local day of the forecast; nothing that happened or became known on it or later is kept.
    include_discovered
        Whether incidents the police found themselves (``discovered_by`` = police) count. They say where officers
        looked, and a model that learns from them sends officers there again (Lum & Isaac 2016, Ensign et al. 2018).
        Rows whose source is silent are always kept.

    Raises
    ------
    SchemaError
        If a column is missing.
    """
    missing = [name for name in COLUMNS if name not in incidents.columns]
    if missing:
        raise SchemaError(f"the incidents lack the columns {', '.join(missing)}.", where="incidents")
    known = pl.max_horizontal(pl.coalesce("known_on", "occurred_on"), "occurred_on")
    located = pl.col("lon").is_not_null() & pl.col("lat").is_not_null() & pl.col("location_level").is_in(LOCATED)
    rows = (
        incidents.lazy()
        .filter(pl.col("valid") & located & pl.col("occurred_on").is_not_null())
        .with_columns(known=known, found=is_discovered(incidents))
        .filter(pl.col("known") < as_of)
        .select("lon", "lat", "category", "occurred_on", "known", "weight", "found")
        .collect()
    )
    discovered = 0 if include_discovered else int(rows["found"].sum())
    if not include_discovered:
        rows = rows.filter(~pl.col("found"))
    # Sorted by value, so that sums of floats do not depend on the order rows came in.
    if rows.is_empty():
        seen = incidents["category"].unique().drop_nulls().sort().to_list()
        raise RequestError(
            f"there is no located incident known before {as_of}.",
            remedy=f"Categories in the data: {', '.join(map(str, seen[:20])) or 'none'}.",
        )
    rows = rows.sort("occurred_on", "known", "lon", "lat", "category", "weight")
    categories = tuple(str(code) for code in incidents["category"].unique().drop_nulls().sort().to_list())
    numbers = (
        rows["category"]
        .cast(pl.String)
        .replace_strict(list(categories), list(range(len(categories))), default=len(categories), return_dtype=pl.Int64)
    )
    x_m, y_m = grid.project(rows["lon"].to_numpy(), rows["lat"].to_numpy())
    # A point the reference system cannot show lies off every map.
    x_m, y_m = (np.nan_to_num(part, nan=OFF_MAP_M, posinf=OFF_MAP_M, neginf=-OFF_MAP_M) for part in (x_m, y_m))
    history = History(
        x_m,
        y_m,
        rows["occurred_on"].to_physical().cast(pl.Int64).to_numpy(),
        rows["known"].to_physical().cast(pl.Int64).to_numpy(),
        rows["weight"].cast(pl.Float64).to_numpy(),
        np.zeros(rows.height, dtype=bool),
    )
    return Located(history, numbers.to_numpy(), categories, discovered)


def is_discovered(incidents: pl.DataFrame) -> pl.Expr:
    """Return the expression that is true for incidents found by the police; false where the source is silent."""
    if "discovered_by" not in incidents.columns:
        return pl.lit(False)
    return (pl.col("discovered_by").cast(pl.String) == "police").fill_null(False)


def day_number(day: date) -> int:
    """Return days since 1970-01-01."""
    return (day - date(1970, 1, 1)).days
