"""Monthly series against a year before and against what earlier years lead one to expect; rates per inhabitants."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from data.errors import RequestError

#: Fewest earlier years that give an expected band.
FEWEST_YEARS = 2
#: Earlier years used, at most: older ones describe another city.
MOST_YEARS = 5
#: A source is taken to begin with the first month of at least this share of its median month; a few stray old dates
#: are no coverage.
BEGUN_SHARE = 0.1
#: A month after the beginning with less than this share of the median month has no record, where at least so many
#: incidents are usual that a month without any is no chance (e^-10).
UNRECORDED_SHARE, USUAL_MONTH = 0.02, 10

#: Share of a month's incidents that may be unknown yet where it is compared with other months.
MOST_UNKNOWN = 0.05
#: Ages of the incidents whose delays are looked at, days; how many there must be; days of the month asked for.
DELAYS_FROM_DAYS, FEWEST_DELAYS, MONTH_DAYS = (456, 91), 100, 28


def monthly_series(
    daily: pl.DataFrame | pl.LazyFrame,
    *,
    as_of: date,
    by: Sequence[str] = (),
    level: float = 0.95,
    first_day: date | None = None,
    unrecorded: Collection[date] = (),
    noise: float = 0.0,
) -> pl.DataFrame:
    """Return incidents per month with the year before and the band earlier years lead one to expect.

    Parameters
    ----------
    daily
        Frame of schema DailyCounts.
    as_of
        Local day the counts stand at; its month is marked incomplete.
    by
        Columns that make a series each, for example ``["category"]``.
    level
        Nominal coverage of the band.
    first_day
        First day the source covers; told from the counts where left out (``BEGUN_SHARE``).
    unrecorded
        First days of months of which the source holds nothing, see :func:`months_without_record`.
    noise
        Variance that was added to the count of every month, by rounding it at random; the band is so much wider.

    Returns
    -------
    polars.DataFrame
        The columns of ``by``, month, incidents, complete, recorded, year_before, change (relative to the year before),
        expected, low, high, earlier_years. Months without incidents are there with 0, months without a record with
        null. The band is null with fewer than two earlier years of the same month; all comparisons are null where
        either month is incomplete or has no record.

    Raises
    ------
    RequestError
        If ``level`` is not between 0.5 and 0.999.

    Notes
    -----
    The band is a negative-binomial prediction interval around the mean of the same month in earlier years, with a
    spread measured over all those months of the series. A trend over the years is not extrapolated: a month outside
    the band differs from its past, which is not yet a reason.
    """
    if not 0.5 <= level <= 0.999:
        raise RequestError(f"the level must lie between 0.5 and 0.999, got {level}.", where="level")
    keys = list(by)
    counts = daily.lazy().filter(pl.col("day") < as_of).collect()
    start = first_day or _first_covered_day(counts)
    if start is None:
        return pl.DataFrame(schema={name: counts.schema[name] for name in keys} | _SCHEMA)
    months = pl.DataFrame({"month": pl.date_range(start.replace(day=1), as_of.replace(day=1), "1mo", eager=True)})
    counts = counts.filter(pl.col("day") >= months["month"][0])
    # A month that begins on as_of has no day yet.
    months = months.filter(pl.col("month") < as_of)
    summed = counts.group_by(*keys, pl.col("day").dt.truncate("1mo").alias("month")).agg(
        pl.col("incidents").cast(pl.Int64).sum()
    )
    grid = summed.select(keys).unique().join(months, how="cross") if keys else months
    series = (
        grid.join(summed, on=[*keys, "month"], how="left", nulls_equal=True)
        .with_columns(recorded=~pl.col("month").is_in(list(unrecorded)))
        .with_columns(
            pl.when("recorded").then(pl.col("incidents").fill_null(0)),
            complete=(pl.col("month") >= start) & (pl.col("month").dt.offset_by("1mo") <= as_of) & pl.col("recorded"),
        )
        .with_columns(whole=pl.when("complete").then(pl.col("incidents").cast(pl.Float64)))
    )
    before = series.select(*keys, pl.col("month").dt.offset_by("1y"), pl.col("whole").alias("year_before"))
    series = series.join(before, on=[*keys, "month"], how="left", nulls_equal=True).with_columns(
        year_before=pl.when("complete").then(pl.col("year_before")),
        change=pl.when(pl.col("year_before") > 0).then(pl.col("whole") / pl.col("year_before") - 1),
    )
    return _with_band(series, keys, level, noise).sort(*keys, "month").select(*keys, *_SCHEMA)


_SCHEMA: dict[str, Any] = {
    "month": pl.Date,
    "incidents": pl.Int64,
    "complete": pl.Boolean,
    "recorded": pl.Boolean,
    "year_before": pl.Float64,
    "change": pl.Float64,
    "expected": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "earlier_years": pl.Int32,
}


def months_without_record(daily: pl.DataFrame, *, as_of: date) -> list[date]:
    """Return the first days of whole months, after the source begins, of which it holds next to nothing.

    Files of some years that were never loaded leave such months. Taken for months without incidents they would make
    every later month a rise.

    Parameters
    ----------
    daily
        Frame of schema DailyCounts of the whole force: of one beat a month without an incident is nothing unusual.
    """
    counts = daily.filter(pl.col("day") < as_of)
    start = _first_covered_day(counts)
    if start is None:
        return []
    months = pl.DataFrame({"month": pl.date_range(start.replace(day=1), as_of.replace(day=1), "1mo", eager=True)})
    summed = counts.group_by(pl.col("day").dt.truncate("1mo").alias("month")).agg(pl.col("incidents").sum())
    filled = (
        months.filter(pl.col("month").dt.offset_by("1mo") <= as_of)
        .join(summed, on="month", how="left")
        .with_columns(pl.col("incidents").fill_null(0))
    )
    usual = filled.filter(pl.col("incidents") > 0)["incidents"].median()
    if not isinstance(usual, float) or usual < USUAL_MONTH:
        return []
    few: list[date] = filled.filter(pl.col("incidents") < UNRECORDED_SHARE * usual)["month"].to_list()
    return few


def counted_whole_until(incidents: pl.DataFrame | pl.LazyFrame, *, as_of: date) -> date:
    """Return the day before which counts are as good as whole, the day itself where nothing is usually missing.

    Where a source learns of incidents weeks later, its newest weeks look quiet: compared with a year before, of which
    all is known by now, they would be told as a fall. So the newest days are left out until all but ``MOST_UNKNOWN`` of
    a month's incidents are usually known.

    Notes
    -----
    Delays are those of incidents a good month to a year old: of newer ones only the quick are known, and older ones may
    have been loaded together. A source without days of knowledge, or whose delays are longer than that (loaded all at
    once), does not say when it knew, and nothing is left out.
    """
    day = pl.col("occurred_on")
    known = pl.coalesce("known_on", "occurred_on")
    oldest, newest = (as_of - timedelta(days=days) for days in DELAYS_FROM_DAYS)
    seen = (
        incidents.lazy()
        .filter(pl.col("valid"), day >= oldest, day < newest, known < as_of)
        .select((known - day).dt.total_days().clip(lower_bound=0).alias("delay"))
        .collect()
    )
    delay = seen["delay"].sort().to_numpy()
    if len(delay) < FEWEST_DELAYS:
        return as_of
    # Of an age of so many days, what share is known: the delay is shorter than the age.
    known_share = np.searchsorted(delay, np.arange(1, DELAYS_FROM_DAYS[1] + MONTH_DAYS + 1)) / len(delay)
    of_month = np.convolve(known_share, np.full(MONTH_DAYS, 1 / MONTH_DAYS), mode="valid")
    whole = np.flatnonzero(of_month >= 1 - MOST_UNKNOWN)
    return as_of - timedelta(days=int(whole[0])) if len(whole) else as_of


def _first_covered_day(counts: pl.DataFrame) -> date | None:
    """Return the first day of the first well-filled month of the last years, or the first day counted in it."""
    by_month = (
        counts.group_by(pl.col("day").dt.truncate("1mo").alias("month"))
        .agg(pl.col("incidents").sum(), pl.col("day").min().alias("first"))
        .sort("month")
    )
    if by_month.is_empty():
        return None
    oldest = pl.col("month") >= pl.col("month").max().dt.offset_by(f"-{MOST_YEARS}y")
    filled = by_month.filter(oldest).filter(pl.col("incidents") >= BEGUN_SHARE * pl.col("incidents").median())
    begun: date = filled["month"].to_list()[0]
    first: date = filled["first"].to_list()[0]
    before: int = by_month.filter(pl.col("month") < begun).height
    return begun if before else first


def _with_band(series: pl.DataFrame, keys: list[str], level: float, noise: float) -> pl.DataFrame:
    from scipy import stats

    season = [*keys, pl.col("month").dt.month()]
    # Sums over the earlier years only: the month itself must not widen or pull its own band.
    # A day more in February is not a rise.
    longer = pl.when(pl.col("month").dt.days_in_month() == 29).then(29 / 28).otherwise(1.0)
    even = pl.col("whole").fill_null(0.0) / longer
    earlier = pl.col("whole").is_not_null().cast(pl.Int32).cum_sum().over(season) - pl.col("complete").cast(pl.Int32)
    total = (even.cum_sum().over(season) - even) * longer
    ready = (
        series.sort(*keys, "month")
        .with_columns(earlier_years=earlier, total=total)
        .with_columns(expected=pl.when(pl.col("earlier_years") > 0).then(pl.col("total") / pl.col("earlier_years")))
    )
    # Spread of earlier months of the series around their own earlier years, by moments; known before the month only.
    by_chance = (pl.col("expected") + noise) * (1 + 1 / pl.col("earlier_years"))
    miss = (pl.col("whole") - pl.col("expected")) ** 2 - by_chance
    scale = pl.col("expected") ** 2 * (1 + 1 / pl.col("earlier_years"))
    parts = (pl.when(pl.col("expected") > 0).then(miss), pl.when(pl.col("whole").is_not_null()).then(scale))
    sums = [_sum_of_rows_before(part.fill_null(0.0).fill_nan(0.0), keys) for part in parts]
    ready = ready.with_columns(
        spread=pl.when(sums[1] > 0).then((sums[0] / sums[1]).clip(lower_bound=0.0)).otherwise(0.0)
    )
    mean = ready["expected"].fill_null(0.0).to_numpy()
    years = np.maximum(ready["earlier_years"].to_numpy(), 1)
    # The mean itself is uncertain: it comes from a few years, and each of them varied as much as the month will.
    own = np.maximum(mean, 1e-9) + ready["spread"].to_numpy() * mean**2 + noise
    variance = own + (mean**2 / np.maximum(mean, 0.5) + ready["spread"].to_numpy() * mean**2 + noise) / years
    size = np.maximum(mean, 1e-9) ** 2 / np.maximum(variance - mean, 1e-9)
    chance = size / (size + np.maximum(mean, 1e-9))
    known = ready["earlier_years"] >= FEWEST_YEARS
    low, high = (stats.nbinom.ppf(tail, size, chance) for tail in ((1 - level) / 2, (1 + level) / 2))
    banded = ready.with_columns(low=pl.Series(low, dtype=pl.Float64), high=pl.Series(high, dtype=pl.Float64))
    return banded.with_columns(
        pl.when(known & pl.col("complete")).then(pl.col(name)).alias(name) for name in ("expected", "low", "high")
    )


def _sum_of_rows_before(part: pl.Expr, keys: list[str]) -> pl.Expr:
    total = part.cum_sum() - part
    return total.over(keys) if keys else total
