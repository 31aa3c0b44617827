"""Interval times spread over hours (aoristic), and what counts as known before a day.

A burglary between 22:00 and 06:00 is an eighth of a burglary in each of those hours (Ratcliffe 2000). Spreading is
done on the real time line and only then read off the local clock, so that a missing or repeated hour at a change to
or from summer time is neither invented nor lost.
"""

from __future__ import annotations

from datetime import date

import polars as pl

#: Precisions from which an hour can be told.
HOUR_KNOWN = ("exact", "hour", "slot")
#: An interval longer than this says nothing about the hour [assumption].
LONGEST_INTERVAL_HOURS = 72
#: How many times as many incidents at 00:00 or 00:01 as an hour before and after tell a stand-in for "unknown".
STAND_IN_TIMES = 4
#: Decimals kept of sums of shares. Rows are added in whatever order threads finish, which moves the last digits of a
#: float: the same edition would not be the same bytes twice.
DECIMALS = 9


def valid_before(incidents: pl.DataFrame | pl.LazyFrame, as_of: date) -> pl.LazyFrame:
    """Return valid, dated incidents that had happened and were known before a local day."""
    known_on = pl.coalesce("known_on", "occurred_on")
    return incidents.lazy().filter(pl.col("valid") & (pl.col("occurred_on") < as_of) & (known_on < as_of))


def occurrence_interval() -> tuple[pl.Expr, pl.Expr]:
    """Return start and end of the occurrence; an ``hour`` without an end lasts an hour, other points take no time."""
    start = pl.col("occurred_from")
    whole_hour = (pl.col("time_precision").cast(pl.String) == "hour") & (
        pl.col("occurred_to").is_null() | (pl.col("occurred_to") <= start)
    )
    end = pl.when(whole_hour).then(start + pl.duration(hours=1)).otherwise(pl.coalesce("occurred_to", start))
    return start, pl.max_horizontal(start, end)


def hour_is_known() -> pl.Expr:
    """Return whether the hour of occurrence can be told: precise enough, and not an interval of days."""
    start, end = occurrence_interval()
    precise = pl.col("time_precision").cast(pl.String).is_in(HOUR_KNOWN)
    return precise & start.is_not_null() & ((end - start) <= pl.duration(hours=LONGEST_INTERVAL_HOURS))


def is_stand_in(start: pl.Expr, end: pl.Expr, timezone: str) -> pl.Expr:
    """Return which times are 00:00 or 00:01 written where the time was not known.

    Parameters
    ----------
    start, end
        UTC; equal for a point in time. Use the result on the rows of one category, or ``.over("category")``.

    Notes
    -----
    Mappings list such clock times where a source is known to use them (``unknown_at``). This catches the others:
    points in time at 00:00 or 00:01 are stand-ins when they are more than STAND_IN_TIMES as many as those at the same
    minute of the hours before and after, so that a night that really is busy stays.
    """
    first, second = (
        here & (here.sum() > STAND_IN_TIMES * around) for here, around in _at_midnight(start, end, timezone)
    )
    return first | second


def midnight_excess(start: pl.Expr, end: pl.Expr, timezone: str) -> pl.Expr:
    """Return how many more times are written 00:00 or 00:01 than at the hours around, where none are stand-ins.

    Some of these may mean "unknown" too; which ones cannot be told.
    """
    first, second = (
        pl.when(here.sum() <= STAND_IN_TIMES * around).then((here.sum().cast(pl.Int64) - around).clip(0)).otherwise(0)
        for here, around in _at_midnight(start, end, timezone)
    )
    return first + second


def _at_midnight(start: pl.Expr, end: pl.Expr, timezone: str) -> list[tuple[pl.Expr, pl.Expr]]:
    """Return for 00:00 and 00:01 which points in time are written so, and the most an hour off (1 or more)."""
    local = start.dt.convert_time_zone(timezone)
    minute = local.dt.hour().cast(pl.Int32) * 60 + local.dt.minute().cast(pl.Int32)
    point = start == end

    def at(clock: int) -> pl.Expr:
        return (point & (minute == clock)).fill_null(False)

    return [(at(c), pl.max_horizontal(at(23 * 60 + c).sum(), at(60 + c).sum(), 1).cast(pl.Int64)) for c in (0, 1)]


def spread_over_hours(rows: pl.LazyFrame, *, start: str, end: str, timezone: str) -> pl.LazyFrame:
    """Replace each row by one row per local clock hour its interval touches.

    Parameters
    ----------
    rows
        Any frame with two UTC columns; neither null, ``end >= start``.
    start, end
        Names of those columns. ``end`` is exclusive; equal to ``start`` it is a point in time.
    timezone
        IANA name of the local zone.

    Returns
    -------
    polars.LazyFrame
        The rows with ``day`` (local date), ``hour`` (0-23, local clock) and ``share`` instead of the two columns.
        Shares of one row sum to 1.
    """
    hour = pl.duration(hours=1)
    begin, finish = pl.col("_begin"), pl.col("_finish")
    cell = pl.col("_cell")
    cell_end = cell + hour
    overlap = (pl.min_horizontal(cell_end, finish) - pl.max_horizontal(cell, begin)).dt.total_microseconds()
    length = (finish - begin).dt.total_microseconds()
    local = rows.with_columns(
        pl.col(start).dt.convert_time_zone(timezone).alias("_begin"),
        pl.col(end).dt.convert_time_zone(timezone).alias("_finish"),
    ).drop({start, end})
    # Local hours begin on the local clock (also where the zone is not whole hours off UTC).
    first = begin.dt.truncate("1h")
    cells = ((finish - first).dt.total_microseconds() / 3_600_000_000).ceil().cast(pl.Int64).clip(lower_bound=1)
    return (
        local.with_columns(first.alias("_cell"), pl.int_ranges(0, cells).alias("_step"))
        .explode("_step", empty_as_null=False, keep_nulls=False)
        .with_columns(cell + pl.duration(hours=pl.col("_step")))
        .with_columns(
            cell.dt.date().alias("day"),
            cell.dt.hour().alias("hour"),
            pl.when(length == 0).then(1.0).otherwise(overlap / length).alias("share"),
        )
        .drop("_begin", "_finish", "_cell", "_step")
    )


def local_hours(days: pl.LazyFrame, timezone: str) -> pl.LazyFrame:
    """Spread whole local days evenly over their real hours: 24, or 23 and 25 at a change of the clock.

    Parameters
    ----------
    days
        Frame with a column ``day``; other columns are repeated.

    Returns
    -------
    polars.LazyFrame
        One row per day and hour of its clock with ``hour`` and ``share``.
    """
    day = pl.col("day").cast(pl.Datetime("us"))
    bounds = days.with_columns(
        _start_of(day, timezone).alias("_from"),
        _start_of(day + pl.duration(days=1), timezone).alias("_to"),
    ).drop("day")
    return spread_over_hours(bounds, start="_from", end="_to", timezone=timezone)


def _start_of(midnight: pl.Expr, timezone: str) -> pl.Expr:
    """Return the first moment of a local day: 00:00, or 01:00 where summer time starts at midnight."""
    first, second = (
        (midnight + pl.duration(hours=hours)).dt.replace_time_zone(timezone, ambiguous="earliest", non_existent="null")
        for hours in (0, 1)
    )
    return pl.coalesce(first, second).dt.convert_time_zone("UTC")
