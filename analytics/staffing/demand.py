"""Officer-hours asked for by incidents, by unit, day and local hour.

A call is work from the first departure to the last clearance; where no times are recorded it is a stated default
from the moment it was dispatched or reported. Where only the date is known it is spread evenly over the day.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from analytics.staffing.parameters import StaffingParameters
from analytics.staffing.silence import comparable_from, find_silence
from analytics.trends.aoristic import (
    DECIMALS,
    hour_is_known,
    is_stand_in,
    local_hours,
    occurrence_interval,
    spread_over_hours,
    valid_before,
)

#: Longest delay between event and knowledge allowed for, days.
LONGEST_LAG_DAYS = 60
_CELL = ["unit_code", "day", "hour"]


@dataclass(frozen=True)
class IncidentDemand:
    """What incidents asked for.

    ``cells``: unit_code, day, hour, incidents, officer_hours, travel_hours, complete (incidents with recorded officer
    times), undated_hour (incidents whose hour was spread over the day).
    ``units``: unit_code, hours_per_incident_cv (spread of officer-hours from call to call), assumed (a default
    duration was used). ``first_day``, ``last_day``: days the source covers well, both inclusive. ``silent_days``: days
    between them of which the source holds nothing; they are no days without calls.
    """

    cells: pl.DataFrame
    units: pl.DataFrame
    first_day: date
    last_day: date
    silent_days: frozenset[date] = frozenset()


def measure_incident_demand(
    incidents: pl.DataFrame | pl.LazyFrame, *, as_of: date, timezone: str, parameters: StaffingParameters
) -> IncidentDemand:
    """Measure officer-hours of incidents by unit, local day and hour.

    Parameters
    ----------
    incidents
        Frame of schema Incidents.
    as_of
        Local day; only what happened and was known before it counts.

    Notes
    -----
    The unit is the station. Where no incident at all names a station, the jurisdiction stands as one unit; otherwise
    incidents without a station are left out, since no unit can be asked to serve them.
    Days so recent that a tenth of their incidents would not yet be known are cut off (``last_day``), and so is the end
    of a record that fell silent: a file that was not loaded is no calm week. Days before a large category began to be
    recorded are left out as well (``first_day``).
    """
    first = as_of - timedelta(days=parameters.history_days + 1)
    known = valid_before(incidents, as_of).filter(pl.col("occurred_on") >= first).collect()
    lag = _lag_days(known)
    silence = find_silence(known["occurred_on"], until=as_of - timedelta(days=lag))
    # The newest day may be half told, and a shift that begins on the last day works on past midnight.
    last_day = min(as_of - timedelta(days=lag), silence.ended_on or as_of) - timedelta(days=2)
    rows = _with_unit(known.lazy()).collect()
    oldest: date | None = rows.select(pl.col("occurred_on").min()).item()
    first_day = max(first + timedelta(days=1), oldest or as_of, comparable_from(known, first))
    rows, units = _with_hours(rows, parameters)

    start, end = occurrence_interval()
    arrival = pl.coalesce("dispatched_at", "departed_at", _reported_time(timezone))
    placed = rows.with_columns(arrival.alias("_arrival")).with_columns(
        # Midnight written for "unknown" would put the work of the whole day on the night shift.
        (pl.col("_arrival").is_not_null() | (hour_is_known() & ~is_stand_in(start, end, timezone).over("category")))
        .fill_null(False)
        .alias("_hour_known"),
        pl.coalesce("_arrival", start).alias("_from"),
        pl.when(pl.col("_arrival").is_null()).then(end).otherwise(pl.col("_arrival")).alias("_to"),
    )
    timed = placed.lazy().filter("_hour_known")
    sums = ("incidents", "complete")
    arrivals = _summed(spread_over_hours(timed, start="_from", end="_to", timezone=timezone), sums)
    work = _summed(
        spread_over_hours(
            timed.with_columns(
                pl.coalesce("departed_at", "_from").alias("_work_from"), _work_end().alias("_work_to")
            ).with_columns(pl.max_horizontal("_work_from", "_work_to").alias("_work_to")),
            start="_work_from",
            end="_work_to",
            timezone=timezone,
        ),
        ("officer_hours", "travel_hours"),
    )
    undated = (
        placed.lazy()
        .filter(~pl.col("_hour_known"))
        .group_by("unit_code", pl.col("occurred_on").alias("day"))
        .agg(pl.col(*sums, "officer_hours", "travel_hours").sum().round(DECIMALS))
        .with_columns(pl.col("incidents").alias("undated_hour"))
    )
    clock = local_hours(undated.select("day").unique(), timezone)
    evenly = _summed(
        undated.join(clock, on="day", how="inner"), (*sums, "officer_hours", "travel_hours", "undated_hour")
    )
    cells = (
        pl.concat([arrivals, work, evenly], how="diagonal")
        .group_by(_CELL)
        .agg(pl.col("incidents", "complete", "officer_hours", "travel_hours", "undated_hour").sum().round(DECIMALS))
        .sort(_CELL)
        .collect()
    )
    return IncidentDemand(cells, units, first_day, last_day, silence.days)


def _summed(rows: pl.LazyFrame, names: tuple[str, ...]) -> pl.LazyFrame:
    return rows.group_by("unit_code", "day", pl.col("hour").cast(pl.Int8)).agg(
        (pl.col(name) * pl.col("share")).sum().round(DECIMALS) for name in names
    )


def _with_unit(rows: pl.LazyFrame) -> pl.LazyFrame:
    some_station = pl.col("station_code").is_not_null().any()
    unit = pl.when(some_station).then(pl.col("station_code")).otherwise(pl.col("jurisdiction"))
    return rows.with_columns(unit.alias("unit_code")).filter(pl.col("unit_code").is_not_null())


def _lag_days(rows: pl.DataFrame) -> int:
    """Return the days within which nine of ten incidents become known."""
    lag = rows.select((pl.col("known_on") - pl.col("occurred_on")).dt.total_days().quantile(0.9, "higher")).item()
    return 0 if lag is None else int(min(max(lag, 0), LONGEST_LAG_DAYS))


def _with_hours(rows: pl.DataFrame, parameters: StaffingParameters) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Fill the officer-hours of unrecorded incidents: the unit's own mean, else the stated default."""
    default = parameters.default_incident_minutes / 60 * parameters.officers_per_call
    travel = parameters.default_incident_travel_minutes / 60 * parameters.officers_per_call
    capped = rows.with_columns(pl.col("officer_hours").clip(upper_bound=parameters.longest_incident_hours))
    recorded = pl.col("officer_hours").drop_nulls()
    units = (
        capped.group_by("unit_code")
        .agg(
            recorded.len().alias("recorded"),
            recorded.mean().round(DECIMALS).alias("mean"),
            (recorded.std() / recorded.mean()).round(DECIMALS).alias("cv"),
            pl.col("officer_hours").is_null().any().alias("lacking"),
        )
        .with_columns((pl.col("recorded") >= parameters.enough_recorded).alias("enough"))
        .with_columns((pl.col("lacking") & ~pl.col("enough")).alias("assumed"))
        .sort("unit_code")
    )
    filled = (
        capped.join(units.select("unit_code", "mean", "enough"), on="unit_code", how="left")
        .with_columns(
            complete=pl.col("officer_hours").is_not_null().cast(pl.Float64) * pl.col("weight"),
            incidents=pl.col("weight").cast(pl.Float64),
            travel_hours=pl.when(pl.col("officer_hours").is_null() & ~pl.col("enough")).then(travel).otherwise(0.0)
            * pl.col("weight"),
            officer_hours=pl.coalesce("officer_hours", pl.when("enough").then(pl.col("mean")), pl.lit(default))
            * pl.col("weight"),
            undated_hour=pl.lit(0.0),
            # Time on the spot of one officer, to lay unrecorded work along the clock.
            _minutes=pl.lit(parameters.default_incident_minutes),
        )
        .drop("mean", "enough")
    )
    # Exponential spread where too little is recorded: a common finding for time on calls.
    cv = pl.when("enough").then(pl.col("cv")).otherwise(1.0).fill_null(1.0).fill_nan(1.0).alias("hours_per_incident_cv")
    return filled, units.select("unit_code", cv, "assumed")


def _reported_time(timezone: str) -> pl.Expr:
    """Return the time of report, unless it is a bare date in disguise (local midnight, and no hour known)."""
    local = pl.col("reported_at").dt.convert_time_zone(timezone)
    bare = (local.dt.time() == pl.time(0, 0, 0)) & pl.col("time_precision").cast(pl.String).is_in(
        ["day", "month", "unknown"]
    )
    return pl.when(bare).then(None).otherwise(pl.col("reported_at"))


def _work_end() -> pl.Expr:
    """Return the recorded clearance, else the default time after the start; a clearance half a day late is not used."""
    start = pl.coalesce("departed_at", "_from")
    plausible = (pl.col("cleared_at") >= start) & (pl.col("cleared_at") - start <= pl.duration(hours=12))
    by_default = pl.max_horizontal(start, pl.col("_to")) + pl.duration(minutes=pl.col("_minutes"))
    return pl.when(plausible.fill_null(False)).then(pl.col("cleared_at")).otherwise(by_default)
