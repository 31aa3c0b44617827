"""Two neighbourhoods and an urn: the smallest model of a ranking that learns from its own visits.

Every day one neighbourhood is visited, drawn in proportion to the balls in the urn; what is found there adds balls of
its colour. The set-up and its remedy are those of Ensign, Friedler, Neville, Scheidegger & Venkatasubramanian 2018,
"Runaway Feedback Loops in Predictive Policing" (FAT*), section 3 and 4; rates and starts are those of their code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from analytics.cells import Floats
from data.errors import RequestError

#: What adds balls: everything found on visits; the same, accepted with the other's share of the urn (the remedy of the
#: paper); or only what residents report, found or not.
UrnRule = Literal["discovered", "corrected", "reported"]
#: Incidents a day in two districts of Oakland, and the balls the urn starts with.
OAKLAND_TOP_TWO = ((3.68511, 2.816466), (609, 379))
OAKLAND_TOP_AND_RANDOM = ((3.68511, 2.35592), (609, 7))
#: Share of balls that is forgotten every day.
FORGET = 0.01


@dataclass(frozen=True)
class UrnRuns:
    """Many runs of one urn.

    Attributes
    ----------
    share
        Share of the first neighbourhood in the urn, so its chance of a visit: shape (days + 1, runs).
    truth
        Its share of the true incidents.
    """

    share: Floats
    truth: float

    def interval(self, day: int, level: float = 0.9) -> tuple[float, float, float]:
        """Return mean, lower and upper end of the share on a day over the runs."""
        values = self.share[day]
        low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
        return float(values.mean()), float(low), float(high)


def draw_urns(
    rates: tuple[float, float],
    start: tuple[int, int],
    *,
    rule: UrnRule,
    days: int = 1000,
    runs: int = 200,
    reported_share: float = 0.0,
    forget: float = FORGET,
    seed: int,
) -> UrnRuns:
    """Run an urn many times.

    Parameters
    ----------
    rates
        Incidents a day in each neighbourhood; on a visit all of the day's are found.
    start
        Balls of each colour at the beginning.
    rule
        ``discovered``: what the day's visit finds is added. ``corrected``: what it finds is added with a chance equal
        to the other neighbourhood's share of the urn, relative to the larger of both. ``reported``: nothing found is
        added, only what residents report.
    reported_share
        Share of each neighbourhood's incidents that residents report whoever is visited. Under ``discovered`` and
        ``corrected`` a visit finds the others; under ``reported`` it must be above 0.
    forget
        Chance of each ball to be taken out at the end of a day; at least one of each colour stays.

    Raises
    ------
    RequestError
        If a share is not one, or nothing would ever be learned.
    """
    if rule not in get_args(UrnRule):
        raise RequestError(f"there is no rule {rule!r}.", remedy=f"Rules: {', '.join(get_args(UrnRule))}.")
    if not (0 <= reported_share <= 1 and 0 <= forget < 1):
        raise RequestError("shares of reported incidents and of forgotten balls must lie between 0 and 1.")
    if rule == "reported" and reported_share == 0:
        raise RequestError("a ranking that learns from reports only needs some.", where="reported_share")
    rng = np.random.default_rng(seed)
    rate = np.array(rates)
    balls = np.tile(np.array(start, dtype=np.int64), (runs, 1))
    share = np.empty((days + 1, runs))
    every = np.arange(runs)
    for day in range(days + 1):
        share[day] = balls[:, 0] / balls.sum(axis=1)
        if day == days:
            break
        visited = (rng.random(runs) >= share[day]).astype(int)
        added = rng.poisson(np.broadcast_to(rate * reported_share, (runs, 2)))
        if rule != "reported":
            found = rng.poisson(rate[visited] * (1 - reported_share))
            if rule == "corrected":
                others = 1 - np.column_stack([share[day], 1 - share[day]])
                accepted = rng.random(runs) < others[every, visited] / others.max(axis=1)
                found = np.where(accepted, found, 0)
            added[every, visited] += found
        balls = balls + added
        balls = np.maximum(balls - rng.binomial(balls, forget), 1)
    return UrnRuns(share, float(rate[0] / rate.sum()))
