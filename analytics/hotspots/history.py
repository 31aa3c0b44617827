"""Incidents as arrays on a grid, with what was known when: the only way models see incidents.

Everything a forecast as of a day may use has to have happened **and** to have been known before that day. Rows without
a day of knowledge are taken to be known on the day they happened, which flatters a source that reports late.
"""

from __future__ import annotations

from dataclasses import dataclass
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
        """First day on which anything happened, days since 1970-01-01."""
        return int(self.day.min())


def read_history(incidents: pl.DataFrame, category: str, grid: Grid, *, as_of: date) -> History:
    """Return the history that a forecast of one category as of a day may use.

    Parameters
    ----------
    incidents
        Frame of schema Incidents (more columns do no harm). The order of the rows does not matter.
    category
        First-level category to forecast.
    grid
        Gives the reference system.
    as_of
        First local day of the forecast; nothing that happened or became known on it or later is kept.

    Raises
    ------
    SchemaError
        If a column is missing.
    RequestError
        If no located incident of the category is left.
    """
    missing = [name for name in COLUMNS if name not in incidents.columns]
    if missing:
        raise SchemaError(f"the incidents lack the columns {', '.join(missing)}.", where="incidents")
    known = pl.max_horizontal(pl.coalesce("known_on", "occurred_on"), "occurred_on")
    located = pl.col("lon").is_not_null() & pl.col("lat").is_not_null() & pl.col("location_level").is_in(LOCATED)
    rows = (
        incidents.lazy()
        .filter(pl.col("valid") & located & pl.col("occurred_on").is_not_null())
        .with_columns(known=known, is_target=pl.col("category") == category)
        .filter(pl.col("known") < as_of)
        # Sorted by value, so that sums of floats do not depend on the order rows came in.
        .sort("occurred_on", "known", "lon", "lat", "is_target", "weight")
        .select(
            "lon",
            "lat",
            "is_target",
            pl.col("occurred_on").to_physical().cast(pl.Int64).alias("day"),
            pl.col("known").to_physical().cast(pl.Int64),
            pl.col("weight").cast(pl.Float64),
        )
        .collect()
    )
    if not rows["is_target"].any():
        seen = incidents["category"].unique().drop_nulls().sort().to_list()
        raise RequestError(
            f"there is no located incident of category {category!r} known before {as_of}.",
            remedy=f"Categories in the data: {', '.join(map(str, seen[:20])) or 'none'}.",
        )
    x_m, y_m = grid.project(rows["lon"].to_numpy(), rows["lat"].to_numpy())
    return History(
        x_m,
        y_m,
        rows["day"].to_numpy(),
        rows["known"].to_numpy(),
        rows["weight"].to_numpy(),
        rows["is_target"].to_numpy(),
    )


def day_number(day: date) -> int:
    """Return days since 1970-01-01."""
    return (day - date(1970, 1, 1)).days
