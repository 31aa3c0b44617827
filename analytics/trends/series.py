"""Counts by day, profiles by weekday and hour, and the funnel from call to located incident."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import polars as pl

from analytics.trends.aoristic import (
    DECIMALS,
    hour_is_known,
    is_stand_in,
    midnight_excess,
    occurrence_interval,
    spread_over_hours,
    valid_before,
)
from data.errors import RequestError
from data.schemas import DailyCounts, Funnel, HourlyProfile

#: Fewest incidents of which shares are told.
LEAST_FOR_SHARES = 100
_PLACE = ("station_code", "beat_code", "community_code")


def daily_counts(incidents: pl.DataFrame | pl.LazyFrame, *, as_of: date) -> pl.DataFrame:
    """Count valid incidents by local day, category, area and who found them.

    Parameters
    ----------
    incidents
        Frame of schema Incidents.
    as_of
        Local day; incidents that happened or became known on it or later are left out.

    Returns
    -------
    polars.DataFrame
        Schema DailyCounts. ``incidents`` sums weights, so a removal published later takes one away; a day whose sum is
        0 has no row.

    Notes
    -----
    The last days before ``as_of`` are incomplete where a source reports late: known_on decides.
    """
    keys = ["day", "category", *_PLACE, "discovered_by"]
    counted = (
        valid_before(incidents, as_of)
        .rename({"occurred_on": "day"})
        .group_by(keys)
        .agg(pl.col("weight").cast(pl.Int32).sum().alias("incidents"))
        .filter(pl.col("incidents") != 0)
        .sort(keys, nulls_last=True)
        .collect()
    )
    return DailyCounts.validate(counted.select(DailyCounts.column_names()), cast=True)


def hourly_profile(
    incidents: pl.DataFrame | pl.LazyFrame, *, timezone: str, as_of: date, window_days: int = 365
) -> pl.DataFrame:
    """Sum incidents by category, area, weekday and local hour over the last ``window_days`` days.

    Interval times are spread evenly over their interval, so each incident adds its weight exactly once. Incidents
    whose hour is not known, clock times that stand for "unknown" among them, are left out: :func:`hour_coverage` says
    how many.

    Returns
    -------
    polars.DataFrame
        Schema HourlyProfile; the weekday is that of the local hour, so a night crosses into the next weekday.

    Raises
    ------
    RequestError
        If ``window_days`` is not positive.
    """
    keys = ["category", "station_code", "beat_code", "weekday", "hour"]
    start, end = occurrence_interval()
    rows = (
        _window(incidents, as_of, window_days)
        .filter(hour_is_known())
        .filter(~is_stand_in(start, end, timezone).over("category"))
        .select("category", "station_code", "beat_code", "weight", start.alias("_start"), end.alias("_end"))
    )
    profile = (
        spread_over_hours(rows, start="_start", end="_end", timezone=timezone)
        .with_columns(pl.col("day").dt.weekday().alias("weekday"))
        .group_by(keys)
        .agg((pl.col("share") * pl.col("weight")).sum().round(DECIMALS).alias("incidents"))
        .with_columns(pl.lit(window_days).alias("window_days"))
        .sort(keys, nulls_last=True)
        .collect()
    )
    return HourlyProfile.validate(profile.select(HourlyProfile.column_names()), cast=True)


def hour_coverage(
    incidents: pl.DataFrame | pl.LazyFrame, *, timezone: str, as_of: date, window_days: int = 365
) -> list[dict[str, Any]]:
    """Return which share of the window's incidents the hourly profile leaves out, and which it keeps in doubt.

    Returns
    -------
    list
        ``category`` (None first: all of them), ``unknown`` (no hour known), ``stand_in`` (00:00 or 00:01 written for
        "unknown") and ``doubtful`` (kept, but more at 00:00 or 00:01 than at the hours around): shares of the
        incidents, two decimals. A category with fewer than LEAST_FOR_SHARES incidents has no row: its shares would
        tell single incidents.
    """
    start, end = occurrence_interval()
    known = hour_is_known().fill_null(False)
    timed = (start.filter(known), end.filter(known), timezone)
    by_category = (
        _window(incidents, as_of, window_days)
        .group_by("category")
        .agg(
            pl.len().alias("incidents"),
            (~known).sum().alias("unknown"),
            is_stand_in(*timed).sum().alias("stand_in"),
            midnight_excess(*timed).alias("doubtful"),
        )
        .sort("category")
        .collect()
    )
    rows = pl.concat([by_category.sum().with_columns(category=pl.lit(None, pl.String)), by_category], how="vertical")
    # Nearly all is not all.
    shares = [
        pl.when(pl.col(name) < pl.col("incidents")).then(part.clip(upper_bound=0.99)).otherwise(part).alias(name)
        for name in ("unknown", "stand_in", "doubtful")
        for part in [(pl.col(name) / pl.col("incidents")).round(2)]
    ]
    return rows.filter(pl.col("incidents") >= LEAST_FOR_SHARES).select("category", *shares).to_dicts()


def funnel(calls: pl.DataFrame | pl.LazyFrame, incidents: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame:
    """Count, per source, how many calls become incidents that are valid, dated, located and inside a known area.

    Each step counts rows among those of the step before, so numbers never rise.

    Returns
    -------
    polars.DataFrame
        Schema Funnel: six rows per source, in the order of the steps.

    Notes
    -----
    ``incidents`` leaves out calls linked to an earlier call (repeats, reminders); ``located`` means any precision
    down to a district, not a point; ``in_area`` a community, beat or station.
    """
    raw = calls.lazy().group_by("source").agg(pl.len().alias("calls"))
    linked = (
        calls.lazy().filter(pl.col("parent_call_id").is_not_null()).group_by("source").agg(pl.len().alias("linked"))
    )
    valid = pl.col("valid")
    dated = valid & pl.col("occurred_on").is_not_null()
    located = dated & (pl.col("location_level").cast(pl.String) != "none")
    in_area = located & pl.any_horizontal(pl.col(name).is_not_null() for name in _PLACE)
    steps = {"valid": valid, "dated": dated, "located": located, "in_area": in_area}
    reached = (
        incidents.lazy()
        .group_by("source")
        .agg(pl.len().alias("view"), *(step.sum().alias(name) for name, step in steps.items()))
    )
    wide = (
        raw.join(linked, on="source", how="left")
        .join(reached, on="source", how="full", coalesce=True)
        .with_columns(pl.exclude("source").fill_null(0).cast(pl.Int64))
        .with_columns(calls=pl.max_horizontal("calls", "view"))
        # Valid rows are incidents whatever their links; the rest of the linked calls are not.
        .with_columns(
            incidents=pl.max_horizontal(pl.min_horizontal("view", pl.col("calls") - pl.col("linked")), "valid")
        )
    )  # fmt: skip
    order = ["calls", "incidents", *steps]
    long = (
        wide.unpivot(order, index="source", variable_name="step", value_name="rows")
        .with_columns(pl.col("step").cast(pl.Enum(order)))
        .sort("source", "step")
        .collect()
    )
    return Funnel.validate(long.select(Funnel.column_names()), cast=True)


def _window(incidents: pl.DataFrame | pl.LazyFrame, as_of: date, window_days: int) -> pl.LazyFrame:
    if window_days < 1:
        raise RequestError(f"the window must be at least 1 day, got {window_days}.", where="window_days")
    return valid_before(incidents, as_of).filter(pl.col("occurred_on") >= as_of - timedelta(days=window_days))
