"""How much work one visit is: tries until somebody is met, and minutes on the spot.

"The house is easy to find, the person is not": the chance of contact differs by kind and time slot, and a visit
that is due costs every try, not the last one only.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from analytics.visits.due import visits_before
from data.visit_rules import VisitMinutes, VisitRules

#: Years of record used; older visits tell little about today's doors.
RECORD_DAYS = 730
#: Fewest recorded durations of a kind before they replace the stated default.
ENOUGH_RECORDED = 20
#: Weight of the wider group's rate, in tries, when a rate is smoothed (mean of the Beta prior x strength).
PRIOR_TRIES = 10.0
#: Minutes on the way per try and officer inside a beat [assumption].
TRAVEL_MINUTES_PER_TRY = 6.0
#: Chance of contact when nothing at all is recorded [assumption].
DEFAULT_CONTACT_RATE = 0.7
#: Tries after which a visit is handed on instead of tried again [assumption].
MOST_TRIES = 5
#: Distance between the 10th and 90th percentile of a normal distribution, in standard deviations.
P10_TO_P90_SD = 2.5631

TIME_SLOTS = ("weekday_day", "weekend_day", "evening", "night")


@dataclass(frozen=True)
class VisitEffort:
    """Work behind one visit of a kind, in officer-minutes on the spot, travel excluded.

    ``attempts`` are expected tries; ``mean`` counts failed tries too. ``low`` and ``high`` bound the mean when the
    duration is an assumption (then the error is the same for every visit); ``sd`` is the spread from visit to visit.
    ``met_minutes`` and ``missed_minutes`` are minutes by the clock of one visit, with and without contact.
    """

    contact_rate: float
    attempts: float
    crew: float
    mean: float
    sd: float
    low: float
    high: float
    met_minutes: float
    missed_minutes: float
    assumed: bool

    @property
    def travel(self) -> float:
        """Officer-minutes on the way, for all expected tries."""
        return TRAVEL_MINUTES_PER_TRY * self.attempts * self.crew


def expected_tries(contact_rate: float, most: int = MOST_TRIES) -> float:
    """Return the expected tries until contact or until ``most`` tries: (1 - (1 - p)^most) / p."""
    return sum((1.0 - contact_rate) ** tries for tries in range(most))


def contact_rates(visits: pl.DataFrame, *, as_of: date, timezone: str) -> pl.DataFrame:
    """Return the chance of contact by kind and time slot, smoothed.

    Returns
    -------
    polars.DataFrame
        visit_kind, slot (one of ``TIME_SLOTS``), tries, contacts, kind_rate, contact_rate. Only combinations on record.

    Notes
    -----
    Beta smoothing in two steps: a kind toward all visits, a slot toward its kind, each with ``PRIOR_TRIES`` tries. So
    three lucky Sundays do not make Sunday certain.
    """
    local = pl.col("visited_at").dt.convert_time_zone(timezone)
    slot = (
        pl.when(local.dt.hour().is_between(18, 21))
        .then(pl.lit("evening"))
        .when(~local.dt.hour().is_between(8, 17))
        .then(pl.lit("night"))
        .when(local.dt.weekday() >= 6)
        .then(pl.lit("weekend_day"))
        .otherwise(pl.lit("weekday_day"))
    )
    counted = (
        _on_record(visits, as_of, timezone)
        .group_by("visit_kind", slot.alias("slot"))
        .agg(pl.len().cast(pl.Float64).alias("tries"), pl.col("contact").sum().cast(pl.Float64).alias("contacts"))
    )
    overall = (pl.col("contacts").sum() + PRIOR_TRIES * DEFAULT_CONTACT_RATE) / (pl.col("tries").sum() + PRIOR_TRIES)
    of_kind = pl.col("contacts").sum().over("visit_kind"), pl.col("tries").sum().over("visit_kind")
    return (
        counted.with_columns(kind_rate=(of_kind[0] + PRIOR_TRIES * overall) / (of_kind[1] + PRIOR_TRIES))
        .with_columns(
            contact_rate=(pl.col("contacts") + PRIOR_TRIES * pl.col("kind_rate")) / (pl.col("tries") + PRIOR_TRIES)
        )
        .sort("visit_kind", "slot")
    )


def estimate_effort(visits: pl.DataFrame, rules: VisitRules, *, as_of: date, timezone: str) -> dict[str, VisitEffort]:
    """Return the work behind one visit, by kind, for every kind that has a rule.

    Recorded minutes are used from ``ENOUGH_RECORDED`` visits on, the stated defaults (``assumed``) before.
    """
    record = _on_record(visits, as_of, timezone)
    rates = contact_rates(visits, as_of=as_of, timezone=timezone)
    kind_rate = dict(rates.select("visit_kind", "kind_rate").unique().iter_rows())
    with_minutes = record.filter(pl.col("minutes").is_not_null())
    durations = {kind: frame for (kind,), frame in with_minutes.filter(pl.col("contact")).group_by(["visit_kind"])}
    failed = dict(
        with_minutes.filter(~pl.col("contact")).group_by("visit_kind").agg(pl.col("minutes").mean()).iter_rows()
    )
    return {
        kind: _effort(
            default,
            durations.get(kind),
            failed.get(kind),
            kind_rate.get(kind, DEFAULT_CONTACT_RATE),
            nothing_recorded=kind not in kind_rate,
        )
        for kind, default in sorted(rules.minutes.items())
    }


def _effort(
    default: VisitMinutes,
    recorded: pl.DataFrame | None,
    failed_minutes: float | None,
    contact_rate: float,
    *,
    nothing_recorded: bool,
) -> VisitEffort:
    tries = expected_tries(contact_rate)
    assumed = recorded is None or recorded.height < ENOUGH_RECORDED
    crew = default.crew
    if recorded is not None and not assumed:
        minutes = recorded["minutes"]
        p10, p50, p90 = (float(minutes.quantile(level, "linear") or 0.0) for level in (0.1, 0.5, 0.9))
        mean = float(recorded.select(pl.col("minutes").mean()).item())
        crew = float(recorded.select(pl.col("crew").cast(pl.Float64).fill_null(default.crew).mean()).item())
    else:
        p10, p50, p90 = default.p10, default.p50, default.p90
        # Swanson's rule: the mean of a skewed quantity from its three quantiles.
        mean = 0.3 * default.p10 + 0.4 * default.p50 + 0.3 * default.p90
    # A closed door is soon told: without a record, a fifth of a visit [assumption].
    missed = failed_minutes if failed_minutes is not None else 0.2 * mean
    lost = missed * (tries - 1.0)
    return VisitEffort(
        contact_rate=contact_rate,
        attempts=tries,
        crew=crew,
        mean=crew * (mean + lost),
        sd=crew * (p90 - p10) / P10_TO_P90_SD,
        low=crew * (p10 + lost),
        high=crew * (p90 + lost),
        met_minutes=p50,
        missed_minutes=missed,
        assumed=assumed or nothing_recorded,
    )


def _on_record(visits: pl.DataFrame, as_of: date, timezone: str) -> pl.DataFrame:
    return visits_before(visits, as_of, timezone).filter(pl.col("visited_on") >= as_of - timedelta(days=RECORD_DAYS))
