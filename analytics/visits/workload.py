"""The visit workload per beat, week and kind, and the plan behind it: what is due by rule and what events trigger."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from statistics import NormalDist
from typing import NamedTuple

import polars as pl

from analytics.visits.due import find_due_visits
from analytics.visits.effort import VisitEffort, estimate_effort
from analytics.visits.plan import BEAT_MINUTES_PER_DAY, plan_visits
from analytics.visits.triggered import TriggeredForecast, forecast_triggered
from data.errors import RequestError
from data.schemas import VisitPlan, VisitScores, VisitWorkload
from data.visit_rules import VisitRules, load_visit_rules

_KEYS = ["beat_code", "visit_kind", "week"]
#: Column of the working frame: attribute of VisitEffort.
_EFFORT = {
    "tries": ("attempts", pl.Float64),
    "mean": ("mean", pl.Float64),
    "sd": ("sd", pl.Float64),
    "low_minutes": ("low", pl.Float64),
    "high_minutes": ("high", pl.Float64),
    "travel_each": ("travel", pl.Float64),
    "effort_assumed": ("assumed", pl.Boolean),
}


class VisitForecast(NamedTuple):
    """Frames of schemas VisitWorkload, VisitPlan and VisitScores."""

    workload: pl.DataFrame
    plan: pl.DataFrame
    scores: pl.DataFrame


def stations_of_beats(areas: pl.DataFrame, incidents: pl.DataFrame | pl.LazyFrame | None = None) -> dict[str, str]:
    """Return the station of each beat: its parent among the areas, else the station its incidents name most often."""
    found: dict[str, str] = {}
    if incidents is not None:
        named = (
            incidents.lazy()
            .filter(pl.col("beat_code").is_not_null() & pl.col("station_code").is_not_null())
            .group_by("beat_code", "station_code")
            .len()
            .sort("len", "station_code", descending=[False, True])
            .collect()
        )
        found = dict(named.select("beat_code", "station_code").iter_rows())
    parents = areas.filter((pl.col("level").cast(pl.String) == "beat") & pl.col("parent_code").is_not_null())
    return found | dict(parents.select("area_code", "parent_code").iter_rows())


def forecast_visits(
    register: pl.DataFrame,
    visits: pl.DataFrame,
    incidents: pl.DataFrame | pl.LazyFrame | None = None,
    *,
    as_of: date,
    weeks: int,
    timezone: str,
    edition_id: str,
    rules: VisitRules | None = None,
    areas: pl.DataFrame | None = None,
    interval_level: float = 0.8,
    plan_days: int = 14,
    minutes_per_day: float = BEAT_MINUTES_PER_DAY,
    seed: int = 0,
) -> VisitForecast:
    """Forecast the visit workload of every beat and plan its next visits.

    Parameters
    ----------
    register, visits, incidents, areas
        Frames of schemas VisitRegister, Visits, Incidents and Areas; the last two only name each beat's station.
    as_of
        Local day; only facts known before it are used. Weeks of seven days run from it.
    rules
        The rule table; the shipped one of ``data.visit_rules`` where left out.
    interval_level
        Nominal coverage of the intervals.
    plan_days
        How far the plan looks ahead, days.
    minutes_per_day
        Officer-minutes a beat has for visits on a working day.
    seed
        Taken like everywhere in an edition, and without effect: nothing here is drawn at random.

    Returns
    -------
    VisitForecast
        Workload: a row per beat, week and kind on the register or triggered. Minutes are officer-minutes on the spot
        with failed tries, travel excluded. Plan: a row per object due. Scores: how good past forecasts of what events
        trigger were, see ``TriggeredForecast.scores``.

    Raises
    ------
    RequestError
        If ``weeks``, ``plan_days`` or ``interval_level`` is out of range.

    Notes
    -----
    ``due`` supposes that late visits are made in the first week (there counted as ``overdue``) and all others on
    time. A triggered visit counts in the week its case is opened.
    """
    rules = rules or load_visit_rules()
    forecast = _triggered(register, rules, as_of, weeks, plan_days, interval_level)
    until = as_of + timedelta(days=max(7 * weeks, plan_days))
    due = find_due_visits(register, visits, rules, as_of=as_of, until=until, timezone=timezone)
    effort = estimate_effort(visits, rules, as_of=as_of, timezone=timezone)
    station_of = stations_of_beats(areas, incidents) if areas is not None else {}
    workload = _assemble(due, forecast, effort, rules, as_of, weeks, interval_level)
    workload = workload.with_columns(
        pl.format("{}:visits:{}:{}:{}", pl.lit(edition_id), "beat_code", "week_start", "visit_kind").alias("advice_id"),
        pl.col("beat_code").replace_strict(station_of, default=None, return_dtype=pl.String).alias("station_code"),
    )
    plan = plan_visits(
        due,
        effort,
        as_of=as_of,
        days=plan_days,
        edition_id=edition_id,
        station_of=station_of,
        minutes_per_day=minutes_per_day,
    )
    return VisitForecast(
        VisitWorkload.validate(workload.select(VisitWorkload.column_names()), cast=True),
        VisitPlan.validate(plan.select(VisitPlan.column_names()), cast=True),
        VisitScores.validate(forecast.scores.select(VisitScores.column_names()), cast=True),
    )


def _triggered(
    register: pl.DataFrame, rules: VisitRules, as_of: date, weeks: int, plan_days: int, interval_level: float
) -> TriggeredForecast:
    if not 1 <= weeks <= 26:
        raise RequestError(f"the outlook of visits must be 1 to 26 weeks, got {weeks}.", where="weeks")
    if not 1 <= plan_days <= 92:
        raise RequestError(f"a plan must cover 1 to 92 days, got {plan_days}.", where="plan_days")
    if not 0.5 <= interval_level <= 0.99:
        raise RequestError(f"the level must lie between 0.5 and 0.99, got {interval_level}.", where="interval_level")
    kinds = sorted({rule.visit_kind for rule in rules.in_force(as_of) if rule.triggered})
    beats = register.filter(pl.col("opened_on") < as_of)["beat_code"].unique().sort().to_list()
    return forecast_triggered(
        register, kinds=kinds, beats=beats, as_of=as_of, weeks=weeks, interval_level=interval_level
    )


def _assemble(
    due: pl.DataFrame,
    forecast: TriggeredForecast,
    effort: Mapping[str, VisitEffort],
    rules: VisitRules,
    as_of: date,
    weeks: int,
    level: float,
) -> pl.DataFrame:
    upcoming = (
        due.select("beat_code", "visit_kind", pl.col("upcoming").alias("day"))
        .explode("day", empty_as_null=False, keep_nulls=False)
        .with_columns(((pl.col("day") - as_of).dt.total_days() // 7).alias("week"))
        .group_by(_KEYS)
        .agg(pl.len().cast(pl.Float64).alias("due"))
    )
    overdue = (
        due.group_by("beat_code", "visit_kind")
        .agg(pl.col("overdue_visits").sum().cast(pl.Float64).alias("overdue"), pl.lit(0, pl.Int64).alias("week"))
    )  # fmt: skip
    pairs = pl.concat([due.select(_KEYS[:2]), forecast.openings.select(_KEYS[:2])]).unique().sort(_KEYS[:2])
    held = rules.in_force(as_of)
    assumed = due.group_by("beat_code", "visit_kind").agg(pl.col("assumed").any().alias("of_due"))
    triggered_by_assumption = {rule.visit_kind: rule.assumed for rule in held if rule.triggered}
    rows = (
        pairs.join(pl.DataFrame({"week": range(weeks)}, schema={"week": pl.Int64}), how="cross")
        .join(upcoming, on=_KEYS, how="left")
        .join(overdue, on=_KEYS, how="left")
        .join(forecast.openings, on=_KEYS, how="left")
        .join(assumed, on=_KEYS[:2], how="left")
        .with_columns(pl.col("due", "overdue", "expected", "low", "high", "baseline").fill_null(0.0))
        .rename({"expected": "triggered", "low": "triggered_low", "high": "triggered_high"})
        .with_columns(
            week_start=pl.lit(as_of) + pl.duration(days=7 * pl.col("week")),
            of_rule=pl.col("of_due").fill_null(False)
            | pl.col("visit_kind").replace_strict(triggered_by_assumption, default=False, return_dtype=pl.Boolean),
            **{
                column: pl.col("visit_kind").replace_strict(
                    {kind: getattr(one, attribute) for kind, one in effort.items()}, return_dtype=dtype
                )
                for column, (attribute, dtype) in _EFFORT.items()
            },
        )
        .sort(_KEYS)
    )
    certain = pl.col("due") + pl.col("overdue")
    visits = certain + pl.col("triggered")
    # Recorded durations vary from visit to visit and partly cancel; an assumed duration is wrong for all alike.
    spread = NormalDist().inv_cdf((1 + level) / 2) * pl.col("sd") * visits.sqrt()
    fewest, most = (
        (certain + pl.col("triggered_low")) * pl.col("mean"),
        (certain + pl.col("triggered_high")) * pl.col("mean"),
    )
    guess = pl.col("effort_assumed")
    minutes = visits * pl.col("mean")
    low = pl.when(guess).then((certain + pl.col("triggered_low")) * pl.col("low_minutes")).otherwise(
        minutes - ((minutes - fewest) ** 2 + spread**2).sqrt()
    )  # fmt: skip
    high = pl.when(guess).then((certain + pl.col("triggered_high")) * pl.col("high_minutes")).otherwise(
        minutes + ((most - minutes) ** 2 + spread**2).sqrt()
    )  # fmt: skip
    return rows.with_columns(
        attempts=visits * pl.col("tries"),
        minutes=minutes,
        minutes_low=low.clip(lower_bound=0.0),
        minutes_high=high,
        travel_minutes=visits * pl.col("travel_each"),
        assumed=pl.col("of_rule") | guess,
    )
