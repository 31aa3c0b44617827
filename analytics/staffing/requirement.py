"""Officers needed by unit and shift: the commander's table.

Workload-based staffing (Wilson and Weiss, COPS/MSU 2012): officer-hours of incidents, visits, backlog, travel and
duties, divided by the share of on-duty time that may be committed, never below the minimum crew nor below what the
busiest hour asks for. Officers per 1,000 inhabitants is not a method (IACP, ICMA), and nobody is ranked.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.staffing.demand import IncidentDemand, measure_incident_demand
from analytics.staffing.level import ShiftLevel, expect_level, season_ratio
from analytics.staffing.parameters import StaffingParameters
from analytics.staffing.shifts import share_hours, shifts_in_force
from analytics.staffing.waiting import load_by_hour, share_waiting
from analytics.trends.aoristic import DECIMALS
from analytics.visits.totals import together
from data.errors import RequestError
from data.schemas import Staffing, StaffingLoads

Array = npt.NDArray[np.float64]


class StaffingTables(NamedTuple):
    """Frames of schemas Staffing and StaffingLoads."""

    staffing: pl.DataFrame
    loads: pl.DataFrame


def staffing_tables(
    incidents: pl.DataFrame | pl.LazyFrame,
    shifts: pl.DataFrame,
    visit_workload: pl.DataFrame,
    *,
    as_of: date,
    horizon_days: int,
    timezone: str,
    edition_id: str,
    parameters: StaffingParameters | None = None,
    seed: int | None = None,
) -> StaffingTables:
    """Work out the staffing table of a period, and the hourly loads behind its waiting.

    Parameters
    ----------
    incidents, shifts, visit_workload
        Frames of schemas Incidents, Shifts and VisitWorkload; the last two may be empty.
    as_of
        Local day; only what happened and was known before it is used. The period starts on it.
    horizon_days
        Length of the period, days (1 to 366).
    parameters
        Figures the table rests on; the stated defaults where left out.
    seed
        Of the bootstrap; instead of the one in ``parameters``.

    Returns
    -------
    StaffingTables
        A row per unit and shift, all quantities averages per shift; and a row per unit, shift, weekday and hour.

    Raises
    ------
    RequestError
        If ``horizon_days`` is out of range.

    Notes
    -----
    Waiting supposes that visits and duties are interrupted for a call. ``need_p80`` is met on four days of five;
    the interval of ``fte`` covers the level's uncertainty, not a change in how the force works.
    """
    chosen = parameters or StaffingParameters()
    if seed is not None:
        chosen = replace(chosen, seed=seed)
    if not 1 <= horizon_days <= 366:
        raise RequestError(f"a staffing period must have 1 to 366 days, got {horizon_days}.", where="horizon_days")
    demand = measure_incident_demand(incidents, as_of=as_of, timezone=timezone, parameters=chosen)
    stations = visit_workload["station_code"].drop_nulls().unique().to_list()
    units = sorted({*demand.units["unit_code"].to_list(), *stations, *shifts["unit_code"].to_list()})
    table = shifts_in_force(shifts, units, as_of)
    hours = share_hours(table)
    visits = share_visit_hours(visit_workload, hours, as_of=as_of, horizon_days=horizon_days, parameters=chosen)
    visits_of = {(row["unit_code"], row["shift_code"]): row for row in visits.iter_rows(named=True)}
    per_shift = _lay_on_shifts(demand, hours)
    facts_of = {(unit, shift): frame for (unit, shift), frame in per_shift.group_by(["unit_code", "shift_code"])}
    unit_of = {row["unit_code"]: row for row in demand.units.iter_rows(named=True)}
    days = max(0, (demand.last_day - demand.first_day).days + 1)
    silent = [position for n in demand.silent_days if 0 <= (position := (n - demand.first_day).days) < days]
    total = _daily(per_shift, demand.first_day, days, silent)
    season = season_ratio(total, demand.last_day, as_of, horizon_days, chosen.recent_days)
    generator = np.random.default_rng(chosen.seed)
    rows, loads = [], []
    for entry in table.iter_rows(named=True):
        key = (entry["unit_code"], entry["shift_code"])
        facts = facts_of.get(key, per_shift.clear())
        level = expect_level(
            _daily(facts, demand.first_day, days, silent),
            last_day=demand.last_day,
            period_start=as_of,
            horizon_days=horizon_days,
            recent_days=chosen.recent_days,
            season=season,
            generator=generator,
            draws=chosen.bootstrap_draws,
        )
        unit = unit_of.get(entry["unit_code"], {"hours_per_incident_cv": 1.0, "assumed": False})
        needed, load = _require(entry, facts, level, unit, visits_of.get(key, {}), chosen)
        loads.append(load.select(pl.lit(key[0]).alias("unit_code"), pl.lit(key[1]).alias("shift_code"), pl.all()))
        rows.append(
            {
                "advice_id": f"{edition_id}:staffing:{entry['unit_code']}:{entry['shift_code']}",
                "shift_name_zh": entry["name_zh"],
                "shift_name_en": entry["name_en"],
                **{name: entry[name] for name in ("unit_code", "shift_code", "start_hour", "hours")},
                **{name: entry[name] for name in ("established", "available")},
                "period_start": as_of,
                "period_end": as_of + timedelta(days=horizon_days),
                **needed,
            }
        )
    if not rows:
        return StaffingTables(Staffing.create_empty(), StaffingLoads.create_empty())
    frame = pl.DataFrame(rows, infer_schema_length=None).sort("unit_code", "start_hour", "shift_code")
    return StaffingTables(
        Staffing.validate(frame.select(Staffing.column_names()), cast=True),
        StaffingLoads.validate(pl.concat(loads).sort("unit_code", "shift_code", "weekday", "hour"), cast=True),
    )


def share_visit_hours(
    visit_workload: pl.DataFrame,
    hours: pl.DataFrame,
    *,
    as_of: date,
    horizon_days: int,
    parameters: StaffingParameters,
) -> pl.DataFrame:
    """Spread the visit workload of each station over its shifts, within the hours visits are made.

    Parameters
    ----------
    visit_workload
        Frame of schema VisitWorkload.
    hours
        Frame from :func:`analytics.staffing.shifts.share_hours`.

    Returns
    -------
    polars.DataFrame
        unit_code, shift_code, visit_hours, backlog_hours, travel_hours, low_ratio, high_ratio: officer-hours per shift
        and day; summed over shifts and days they give back the station's workload within the period.

    Notes
    -----
    Weeks partly beyond the period count by their days inside it; the backlog counts whole. Days of the period beyond
    the last week of the workload are taken to be like the days before them. A workload row without a station is left
    out, unless there is one unit only. Rows that rest on an assumption err alike in every beat, as on the briefing.
    """
    units = hours["unit_code"].unique().to_list()
    only = units[0] if len(units) == 1 else None
    into = (pl.lit(as_of + timedelta(days=horizon_days)) - pl.col("week_start")).dt.total_days()
    inside = into.clip(0, 7) / 7
    visits = pl.col("due") + pl.col("overdue") + pl.col("triggered")
    late = pl.when(visits > 0).then(pl.col("overdue") / visits).otherwise(0.0)
    newest: date | None = visit_workload["week_start"].max()  # type: ignore[assignment]
    covered = min(horizon_days, (newest - as_of).days + 7) if newest else horizon_days
    # A backlog is cleared once in the period; what falls due goes on at the same pace to its end.
    counted = inside * (1 - late) * (horizon_days / covered) + late * (into > 0)
    by_unit = (
        visit_workload.with_columns(pl.col("station_code").fill_null(pl.lit(only, dtype=pl.String)))
        .group_by(pl.col("station_code").alias("unit_code"))
        .agg(
            (pl.col("minutes") * (1 - late) * inside * (horizon_days / covered)).sum().alias("visit_minutes"),
            (pl.col("minutes") * late * (into > 0)).sum().alias("backlog_minutes"),
            (pl.col("travel_minutes") * counted).sum().alias("travel_minutes"),
            together((pl.col("minutes") - pl.col("minutes_low")) * counted, pl.col("assumed")).alias("below"),
            together((pl.col("minutes_high") - pl.col("minutes")) * counted, pl.col("assumed")).alias("above"),
        )
    )
    open_hours = pl.col("hour").is_between(parameters.visit_hours_from, parameters.visit_hours_to - 1)
    window = (
        hours.filter(open_hours)
        .group_by("unit_code", "shift_code")
        .agg(pl.col("share").sum())
        .with_columns(pl.col("share") / pl.col("share").sum().over("unit_code"))
    )
    minutes = pl.col("visit_minutes") + pl.col("backlog_minutes")
    per_day = pl.col("share") / horizon_days / 60
    return window.join(by_unit, on="unit_code", how="inner").select(
        "unit_code",
        "shift_code",
        (pl.col("visit_minutes") * per_day).alias("visit_hours"),
        (pl.col("backlog_minutes") * per_day).alias("backlog_hours"),
        (pl.col("travel_minutes") * per_day).alias("travel_hours"),
        pl.when(minutes > 0).then((pl.col("below") / minutes).clip(0, 1)).otherwise(0.0).alias("low_ratio"),
        pl.when(minutes > 0).then(pl.col("above") / minutes).otherwise(0.0).alias("high_ratio"),
    ).sort("unit_code", "shift_code")  # fmt: skip


def _lay_on_shifts(demand: IncidentDemand, hours: pl.DataFrame) -> pl.DataFrame:
    """Return incidents and hours by unit, shift, day the shift began, and clock hour."""
    names = ("incidents", "complete", "officer_hours", "travel_hours", "undated_hour")
    return (
        demand.cells.join(hours, on=["unit_code", "hour"], how="inner")
        .with_columns(
            (pl.col("day") + pl.duration(days=pl.col("day_offset"))).alias("shift_day"),
            *(pl.col(name) * pl.col("share") for name in names),
        )
        .group_by("unit_code", "shift_code", "shift_day", "hour")
        .agg(pl.col(*names).sum().round(DECIMALS))
        .filter(pl.col("shift_day").is_between(demand.first_day, demand.last_day))
        .sort("unit_code", "shift_code", "shift_day", "hour")
    )


def _daily(facts: pl.DataFrame, first_day: date, days: int, silent: list[int]) -> Array:
    """Return the incidents per day, days without any as 0, days without a record as NaN."""
    summed = np.zeros(days)
    by_day = facts.group_by("shift_day").agg(pl.col("incidents").sum())
    for day, value in by_day.iter_rows():
        summed[(day - first_day).days] = value
    summed = np.maximum(summed, 0.0)
    summed[silent] = np.nan
    return summed


def _require(
    entry: dict[str, Any],
    facts: pl.DataFrame,
    level: ShiftLevel,
    unit: dict[str, Any],
    visits: dict[str, Any],
    chosen: StaffingParameters,
) -> tuple[dict[str, Any], pl.DataFrame]:
    """Return demand, requirement and service of one unit and shift, and the load of its hours."""
    shift_hours = entry["hours"]
    seen = float(facts["incidents"].sum())
    per_incident, travel_each, complete, undated = (
        max(0.0, float(facts[name].sum()) / seen) if seen > 0 else 0.0
        for name in ("officer_hours", "travel_hours", "complete", "undated_hour")
    )
    visit_hours, backlog_hours = visits.get("visit_hours", 0.0), visits.get("backlog_hours", 0.0)
    call_hours = level.mean * (per_incident + travel_each)
    duty_hours = chosen.duty_officers * shift_hours
    other = visit_hours + backlog_hours + visits.get("travel_hours", 0.0)
    loads = load_by_hour(facts, level, per_incident + travel_each)
    peak_rate = float(loads["officer_load"].max() or 0.0)  # type: ignore[arg-type]
    calls = {p: _call_hours_quantile(level, per_incident + travel_each, unit["hours_per_incident_cv"], p)
             for p in (0.5, 0.8, 0.9)}  # fmt: skip

    def need(hours_of_calls: Any, ratio: Any = 1.0, visits_ratio: Any = 1.0) -> dict[str, Any]:
        asked = hours_of_calls * ratio + other * visits_ratio + duty_hours
        return {
            "workload": asked / (chosen.target_committed_share * shift_hours),
            "peak_hour": peak_rate * ratio / chosen.peak_committed_share,
            "minimum_crew": chosen.minimum_crew + 0.0 * ratio,
        }

    needs = {p: need(hours) for p, hours in calls.items()}
    binding = max(needs[0.8], key=lambda name: (needs[0.8][name], name == "workload"))
    relief = chosen.relief_factor(shift_hours)
    tail = (1 - chosen.interval_level) / 2
    drawn = need(calls[0.8], level.relative_draws, _visit_draws(visits, level.relative_draws.size))
    fte_draws = np.maximum.reduce([np.broadcast_to(value, level.relative_draws.shape) for value in drawn.values()])
    fte = max(needs[0.8].values()) * relief
    fte_low, fte_high = (float(np.quantile(fte_draws, share)) * relief for share in (tail, 1 - tail))
    available = entry["available"]
    demand_hours = call_hours + other + duty_hours
    wait = next_value = None
    if available is not None:
        wait = share_waiting(available, loads, chosen.officers_per_call)
        next_value = wait - share_waiting(available + 1, loads, chosen.officers_per_call)
    needed = {
        "incidents_p10": level.count_quantile(0.1),
        "incidents_p50": level.count_quantile(0.5),
        "incidents_p90": level.count_quantile(0.9),
        "incident_hours": level.mean * per_incident,
        "visit_hours": visit_hours,
        "backlog_hours": backlog_hours,
        "travel_hours": level.mean * travel_each + visits.get("travel_hours", 0.0),
        "duty_hours": duty_hours,
        "demand_hours": demand_hours,
        "relief_factor": relief,
        "committed_share": demand_hours / (available * shift_hours) if available else None,
        "need_p50": max(needs[0.5].values()),
        "need_p80": max(needs[0.8].values()),
        "need_p90": max(needs[0.9].values()),
        "fte": fte,
        "fte_low": min(fte_low, fte),
        "fte_high": max(fte_high, fte),
        "gap": None if available is None else max(needs[0.8].values()) - available,
        "wait_share": wait,
        "next_officer_value": next_value,
        "binding": binding,
        "time_completeness": min(1.0, complete) if seen > 0 else None,
        "undated_share": min(1.0, undated) if seen > 0 else None,
        "assumed": bool(unit["assumed"] or entry["assumed"]),
    }
    return needed, loads


def _call_hours_quantile(level: ShiftLevel, hours_each: float, cv: float, share: float) -> float:
    """Return the officer-hours of calls not exceeded on a share of days: a gamma of the compound sum's moments."""
    from scipy import stats

    mean = level.mean * hours_each
    if mean <= 0:
        return 0.0
    variance = hours_each**2 * (level.mean * cv**2 + level.variance)
    return float(stats.gamma.ppf(share, mean**2 / variance, scale=variance / mean))


def _visit_draws(visits: dict[str, Any], draws: int) -> Array:
    """Return the visit workload relative to its mean at evenly spaced chances, by its 80 % interval on either side."""
    from scipy import stats

    if not visits:
        return np.ones(draws)
    normal = stats.norm.ppf((np.arange(draws) + 0.5) / draws) / stats.norm.ppf(0.9)
    side = np.where(normal < 0, visits["low_ratio"], visits["high_ratio"])
    return np.asarray(np.maximum(1 + normal * side, 0.0))
