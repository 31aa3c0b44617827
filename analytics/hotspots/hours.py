"""Time of need: when in the week incidents of a category fall near a place, hour by hour and weekday by weekday.

Occurrences known as an interval are spread over its hours (aoristic weights, Ratcliffe 2000); rows of which only the
day is known, clock times that mean "unknown" (00:01 in some sources) among them, say nothing and are left out. A place
with few timed incidents is drawn towards the week of its category by empirical Bayes (Dirichlet prior), so that three
burglaries on a Friday night do not make a Friday place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from analytics.cells import Floats, Grid
from analytics.hotspots.history import LOCATED, is_discovered
from analytics.trends.aoristic import HOUR_KNOWN, is_stand_in, occurrence_interval, spread_over_hours

#: Hours of a week; hour 0 is Monday 00:00-01:00.
WEEK_HOURS = 168
#: Days looked back.
PROFILE_DAYS = 730
#: Incidents this near to the centre count, in sides of the cell; at least LEAST_REACH_M.
REACH_CELLS = 1.5
LEAST_REACH_M = 200.0
#: Widest interval of occurrence that still says anything about the hour.
WIDEST_HOURS = 24
#: Fewest timed incidents of a category (sum of weights) for its week to be told, and of a place for its weekday.
LEAST_INCIDENTS = 8
#: Weight of weekday x hour taken as independent, incidents: the category's own week is a table of 168 numbers.
INDEPENDENCE_INCIDENTS = 168.0
#: Weights of the category's week that are tried at the places, incidents.
PRIORS = (10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 640.0, 1280.0)
#: Hours of the block that a reader is told.
BLOCK_HOURS = 4
#: Decimals shares of the week are kept with.
DECIMALS = 5


@dataclass(frozen=True)
class WeekProfile:
    """The week of one place.

    Attributes
    ----------
    shares
        168 shares that sum to 1 (within the stored decimals), Monday 00:00 first; None when no hours are known.
    own_share
        Weight of the place's own record in them, 0 to 1; the rest is the category's week.
    weekday, hour, block_share
        Start of the busiest four hours of the week (1 Monday; they may run past midnight) and their share of it.
        Without hours ``weekday`` is the busiest weekday, None where too few incidents are near.
    """

    shares: list[float] | None
    own_share: float
    weekday: int | None
    hour: int | None
    block_share: float | None


class TimesOfNeed:
    """Timed incidents of one category, read once for all places and horizons.

    Parameters
    ----------
    incidents
        Frame of schema Incidents.
    grid
        Gives the reference system and the reach.
    as_of
        Nothing that happened or was known on this day or later is used.
    """

    def __init__(
        self,
        incidents: pl.DataFrame,
        category: str,
        grid: Grid,
        *,
        as_of: date,
        timezone: str,
        include_discovered: bool = False,
    ) -> None:
        self.grid, self.timezone = grid, timezone
        known = pl.max_horizontal(pl.coalesce("known_on", "occurred_on"), "occurred_on")
        self.rows = incidents.filter(
            pl.col("valid")
            & (pl.col("weight") > 0)
            & (pl.col("category") == category)
            & pl.col("lon").is_not_null()
            & pl.col("lat").is_not_null()
            & pl.col("location_level").cast(pl.String).is_in(LOCATED)
            & (known < as_of)
            & (pl.col("occurred_on") >= as_of - timedelta(days=PROFILE_DAYS))
            & (pl.lit(include_discovered) | ~is_discovered(incidents))
        ).sort("occurred_on", "lon", "lat", "occurred_from", "occurred_to")

    def at(self, lon: Floats, lat: Floats) -> list[WeekProfile]:
        """Return the week of every point, EPSG:4326."""
        if len(lon) == 0:
            # Where nothing is listed no place has a week.
            return []
        if self.rows.is_empty():
            return [WeekProfile(None, 0.0, None, None, None)] * len(lon)
        category = self.category_week
        if category is None:
            return [WeekProfile(None, 0.0, self._weekday(rows), None, None) for rows in self._near(lon, lat)]
        own = self.counts_near(lon, lat)
        prior = choose_prior(own, category)
        return [_profile(counts, category, prior) for counts in own]

    def counts_near(self, lon: Floats, lat: Floats) -> Floats:
        """Return how many timed incidents fell in each hour of the week near each point: shape (points, 168)."""
        return np.array([np.asarray(self._weights[rows].sum(axis=0)).ravel() for rows in self._near(lon, lat)])

    def _near(self, lon: Floats, lat: Floats) -> list[list[int]]:
        from scipy.spatial import cKDTree

        tree = cKDTree(np.column_stack(self.grid.project(self.rows["lon"].to_numpy(), self.rows["lat"].to_numpy())))
        reach = max(REACH_CELLS * self.grid.cell_m, LEAST_REACH_M)
        return list(tree.query_ball_point(np.column_stack(self.grid.project(lon, lat)), reach, return_sorted=True))

    @cached_property
    def category_week(self) -> Floats | None:
        """The week of the whole category, 168 shares; None with too few timed incidents."""
        counts = np.asarray(self._weights.sum(axis=0)).ravel()
        if counts.sum() < LEAST_INCIDENTS:
            return None
        table = counts.reshape(7, 24)
        apart = np.outer(table.sum(axis=1) + 1, table.sum(axis=0) + 1).ravel()
        mixed = counts + INDEPENDENCE_INCIDENTS * apart / apart.sum()
        return np.asarray(mixed / mixed.sum())

    @cached_property
    def _weights(self) -> Any:
        """Sparse (rows, 168): how much of each incident falls in each hour of the week."""
        from scipy.sparse import csr_array

        start, end = occurrence_interval()
        timed = (
            self.rows.with_row_index("at")
            .filter(
                pl.col("time_precision").cast(pl.String).is_in(HOUR_KNOWN)
                & start.is_not_null()
                & ((end - start) <= pl.duration(hours=WIDEST_HOURS))
            )
            .select("at", "lon", "lat", start.alias("start"), end.alias("end"))
            # Several records of one event (victims, offences) are one time of need.
            .unique(["lon", "lat", "start", "end"], keep="first", maintain_order=True)
            .drop("lon", "lat")
        )
        timed = timed.filter(~is_stand_in(pl.col("start"), pl.col("end"), self.timezone))
        spread = spread_over_hours(timed.lazy(), start="start", end="end", timezone=self.timezone).collect()
        column = (spread["day"].dt.weekday().cast(pl.Int64) - 1) * 24 + spread["hour"].cast(pl.Int64)
        shape = (self.rows.height, WEEK_HOURS)
        at = spread["at"].cast(pl.Int64).to_numpy()
        return csr_array((spread["share"].to_numpy(), (at, column.to_numpy())), shape=shape)

    def _weekday(self, rows: Sequence[int]) -> int | None:
        if len(rows) < LEAST_INCIDENTS:
            return None
        days = self.rows["occurred_on"].dt.weekday().to_numpy()[np.asarray(rows)]
        return int(np.argmax(np.bincount(days, minlength=8)))


def choose_prior(counts: Floats, category: Floats) -> float:
    """Return the weight of the category's week, incidents, under which the places' own weeks are most likely.

    Parameters
    ----------
    counts
        Places x 168, sums of aoristic weights.
    category
        168 shares, all positive.

    Notes
    -----
    Dirichlet-multinomial likelihood over all places; where they differ little from the category the weight is large.
    """
    from scipy.special import gammaln

    total = counts.sum(axis=1)

    def likelihood(prior: float) -> float:
        alpha = prior * category
        each = gammaln(prior) - gammaln(prior + total) + (gammaln(counts + alpha) - gammaln(alpha)).sum(axis=1)
        return float(each.sum())

    return max(PRIORS, key=likelihood)


def busiest_block(shares: Floats) -> tuple[int, int, float]:
    """Return weekday (1 Monday) and hour the busiest BLOCK_HOURS hours of the week begin at, and their share."""
    blocks = sum(np.roll(shares, -k) for k in range(BLOCK_HOURS))
    start = int(np.argmax(np.round(blocks, 9)))
    return start // 24 + 1, start % 24, float(np.asarray(blocks)[start])


def _profile(counts: Floats, category: Floats, prior: float) -> WeekProfile:
    total = float(counts.sum())
    shares = (counts + prior * category) / (total + prior)
    weekday, hour, share = busiest_block(shares)
    kept = [round(float(value), DECIMALS) for value in shares]
    return WeekProfile(kept, round(total / (total + prior), 3), weekday, hour, round(share, DECIMALS))
