"""Visits sent to ranked places of a city whose true risk is known, period after period.

In every period the places with the highest learned counts are listed and visits go to them in proportion to those
counts. Residents report a share of what happens, wherever visits go; visits find some of the rest, only where they go.
What the ranking learns from is the rule that is compared:

``everything``
    reported and found incidents alike; what a visit finds is proportional to what happens there and not used up by
    other visits (the assumption of Ensign et al. 2018).
``everything_limited``
    the same, but the incidents that nobody reports run out: no place can yield more than happened there.
``reported``
    only what residents report; the default of this system.
``reported_capped``
    the same, and no area's share of the visits changes by more than a cap from one period to the next.

Visits change neither what happens nor what is reported: the model shows a fault of records, not an effect of patrols.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.cells import Floats, Integers
from data.errors import RequestError
from data.schemas.models import LEARNING_RULES

#: Places whose share of all visits measures how concentrated they are: the most visited tenth of the list.
MOST_VISITED = 0.1


@dataclass(frozen=True)
class PatrolPlan:
    """Assumptions of a simulation; none is estimated from data.

    Attributes
    ----------
    listed
        Places on the list, the same number as visits in a period.
    periods, past_periods
        Periods simulated, and periods of records before the first ranking.
    reported_share
        Share of incidents that residents report.
    uneven_reporting
        Factor on that share in the group where most happens: reporting differs between areas.
    found_per_visit
        Share of the unreported incidents of a place and period that a single visit finds.
    half_life
        Periods after which a record counts half.
    past_tilt
        How many times its due of past visits the second-largest group got before the first ranking.
    cap
        Largest change of a group's share of visits per period under ``reported_capped``.
    runs
        Independent runs.
    """

    listed: int
    periods: int = 36
    past_periods: int = 13
    reported_share: float = 0.3
    uneven_reporting: float = 1.0
    found_per_visit: float = 0.5
    half_life: float = 13.0
    past_tilt: float = 2.0
    cap: float = 0.02
    runs: int = 20

    def __post_init__(self) -> None:
        if not 0 < self.reported_share <= 1:
            raise RequestError("the reported share must be above 0 and at most 1.", where="--reported-share")
        if not 0 < self.uneven_reporting <= 1:
            raise RequestError("the factor must be above 0 and at most 1.", where="--uneven-reporting")
        if not 0 < self.found_per_visit <= 1:
            raise RequestError("the share a visit finds must be above 0 and at most 1.", where="--found-per-visit")
        if not 0 < self.cap <= 1:
            raise RequestError("the cap must be above 0 and at most 1.", where="--cap")
        if self.past_tilt <= 0 or self.half_life <= 0:
            raise RequestError("the tilt of past visits and the half-life must be above 0.")
        if self.listed < 1 or self.periods < 1 or self.past_periods < 1 or self.runs < 1:
            raise RequestError("places, periods and runs must be 1 or more.")


@dataclass(frozen=True)
class PatrolRuns:
    """What became of one rule.

    Attributes
    ----------
    share
        Share of the visits per group: shape (periods + 1, runs, groups); period 0 is the past before any ranking.
    concentration
        Share of the visits that the most visited tenth of the list got: shape (periods + 1, runs).
    true_share, true_concentration
        What a list made from the true risk would give.
    """

    share: Floats
    concentration: Floats
    true_share: Floats
    true_concentration: float

    @property
    def distance(self) -> Floats:
        """Total variation distance of visits from the truth: shape (periods + 1, runs); 0 equal, 1 all elsewhere."""
        return np.asarray(np.abs(self.share - self.true_share).sum(axis=2) / 2)


def send_patrols(true_rate: Floats, group: Integers, plan: PatrolPlan, *, rule: str, seed: int) -> PatrolRuns:
    """Simulate one rule.

    Parameters
    ----------
    true_rate
        Incidents that happen per place and period, on average.
    group
        Group of each place, 0 to groups - 1.
    plan
        The assumptions.
    rule
        One of ``data.schemas.models.LEARNING_RULES``.
    seed
        The same seed gives every rule the same past and, where it learns the same, the same future.
    """
    if rule not in LEARNING_RULES:
        raise RequestError(f"there is no rule {rule!r}.", remedy=f"Rules: {', '.join(LEARNING_RULES)}.")
    groups, listed = int(group.max()) + 1, min(plan.listed, len(true_rate))
    most = int(np.bincount(group, weights=true_rate).argmax())
    reported_share = plan.reported_share * np.where(group == most, plan.uneven_reporting, 1.0)
    reports, unreported = true_rate * reported_share, true_rate * (1 - reported_share)
    learns_finds = rule.startswith("everything")

    def sum_groups(visits: Floats) -> Floats:
        return np.column_stack([visits[:, group == g].sum(axis=1) for g in range(groups)]) / listed

    def find(visits: Floats, rng: np.random.Generator) -> Floats:
        reach = plan.found_per_visit * visits
        mean = unreported * (1 - np.exp(-reach) if rule == "everything_limited" else reach)
        return np.asarray(rng.poisson(np.broadcast_to(mean, (plan.runs, len(true_rate)))), dtype=float)

    ideal = _share_out(true_rate[None, :], listed)
    true_share = sum_groups(ideal)[0]
    tilted = np.ones(groups)
    tilted[np.argsort(-true_share, kind="stable")[min(1, groups - 1)]] = plan.past_tilt
    past = ideal * tilted[group]
    past *= listed / past.sum()
    # Reports and finds come from streams of their own, so that rules differ by what they learn and by nothing else.
    of_reports, of_finds, of_ties = (np.random.default_rng([seed, stream]) for stream in range(3))
    keep = 0.5 ** (1 / plan.half_life)
    learned = np.zeros((plan.runs, len(true_rate)))
    for _ in range(plan.past_periods):
        learned = learned * keep + of_reports.poisson(reports, learned.shape)
        if learns_finds:
            learned += find(past, of_finds)
    shares, concentrations = [np.repeat(sum_groups(past), plan.runs, axis=0)], [_concentrate(past, listed, plan.runs)]
    for _ in range(plan.periods):
        # Equal counts are ordered by chance: a list must take some of them.
        visits = _share_out(learned + of_ties.random(learned.shape) * 1e-6, listed)
        if rule == "reported_capped":
            wanted = sum_groups(visits)
            allowed = limit_changes(shares[-1], wanted, plan.cap)
            visits = _bring_to_shares(visits, learned, group, allowed, listed)
        shares.append(sum_groups(visits))
        concentrations.append(_concentrate(visits, listed, plan.runs))
        learned = learned * keep + of_reports.poisson(reports, learned.shape)
        if learns_finds:
            learned += find(visits, of_finds)
    return PatrolRuns(np.array(shares), np.array(concentrations), true_share, float(_concentrate(ideal, listed, 1)[0]))


def limit_changes(before: Floats, wanted: Floats, cap: float) -> Floats:
    """Return shares as close to ``wanted`` as a cap on the change of each allows; they still sum to the same.

    Parameters
    ----------
    before, wanted
        Shares of visits per group, shape (runs, groups); rows sum to 1.
    cap
        Largest change of a share, in shares (0.02 is two points).
    """
    step = np.clip(wanted - before, -cap, cap)
    up, down = np.maximum(step, 0), np.minimum(step, 0)
    gained, lost = up.sum(axis=1, keepdims=True), -down.sum(axis=1, keepdims=True)
    both = np.minimum(gained, lost)
    # What some areas give up is what the others get: the larger side is cut down to the smaller.
    rise, fall = (np.divide(both, side, out=np.zeros_like(both), where=side > 0) for side in (gained, lost))
    return np.asarray(before + up * rise + down * fall)


def _share_out(score: Floats, listed: int) -> Floats:
    """Return the visits of each place: the ``listed`` highest scores get them in proportion; shape (runs, places)."""
    top = np.argpartition(-score, listed - 1, axis=1)[:, :listed]
    value = np.take_along_axis(score, top, axis=1)
    visits = np.zeros(score.shape)
    np.put_along_axis(visits, top, listed * value / value.sum(axis=1, keepdims=True), axis=1)
    return visits


def _bring_to_shares(visits: Floats, learned: Floats, group: Integers, allowed: Floats, listed: int) -> Floats:
    """Return the visits scaled to each group's allowed share; a group without a listed place gets its best one."""
    brought = np.zeros(visits.shape)
    for g in range(allowed.shape[1]):
        inside = np.flatnonzero(group == g)
        own = visits[:, inside]
        empty = own.sum(axis=1) <= 0
        own[empty, learned[empty][:, inside].argmax(axis=1)] = 1.0
        brought[:, inside] = own * (allowed[:, g] * listed / own.sum(axis=1))[:, None]
    return brought


def _concentrate(visits: Floats, listed: int, runs: int) -> Floats:
    most = max(1, round(listed * MOST_VISITED))
    return np.broadcast_to(np.sort(visits, axis=1)[:, -most:].sum(axis=1) / listed, (runs,))
