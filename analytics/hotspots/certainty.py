"""How sure it is that a place belongs to the busiest k of the coming period, and whether such words were kept.

A place belongs to the top k when its count turns out among the k highest of all studied places; where several places
tie for the last seats they share them evenly, and a place without any incident never belongs. This is a statement
about what will be counted, so it can be checked on past periods; a rank of unknown true rates could not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analytics.cells import Floats, Integers
from analytics.hotspots.intervals import count_law, estimate_dispersion

if TYPE_CHECKING:
    from analytics.hotspots.selection import BackTest

#: Draws of a forecast, and of every past forecast it is checked on. 1,000 draws are sure to 1.6 points (one sigma).
DRAWS, CHECK_DRAWS = 1000, 300
#: Places drawn one by one: this many times k, and at least so many; the others are drawn as numbers of places by count.
ALONE_TIMES_K, LEAST_ALONE = 3, 200
#: Expected number of other places above a count below which higher counts are not looked at.
NEGLIGIBLE_PLACES = 1e-4
#: Highest count told apart; a cell of a city's centre may have hundreds a month.
MOST_COUNT = 5000


@dataclass(frozen=True)
class TopCheck:
    """What past forecasts said about the places they flagged, and what came true.

    Attributes
    ----------
    promised, kept
        Mean chance told, and mean share that did belong, over flagged places and past periods; None without a test.
    chances, membership
        The pairs themselves, for a finer look.
    """

    promised: float | None
    kept: float | None
    chances: Floats
    membership: Floats


def chances_of_top(
    expected: Floats, which: Integers, k: int, *, dispersion: float, seed: int, draws: int = DRAWS
) -> Floats:
    """Return for each place in ``which`` the chance to be among the ``k`` busiest of all places.

    Parameters
    ----------
    expected
        Expected counts of all studied places.
    which
        Positions in ``expected``.
    k
        Places in the list.
    dispersion
        Extra-Poisson variance of the counts, see ``intervals.estimate_dispersion``.

    Notes
    -----
    Counts are drawn from each place's own negative binomial, independently. A wave that lifts all places alike hardly
    moves who is in front; one that moves a district does, and is not in here. The many quiet places are drawn together,
    as Poisson numbers of places with one incident, two, and so on. A higher expectation never gets a lower chance, and
    equal ones get the same: what differs otherwise is the noise of the draws, and is averaged out.
    """
    order = np.argsort(-expected, kind="stable")
    alone = np.union1d(order[: max(ALONE_TIMES_K * k, LEAST_ALONE)], which)
    rest = np.setdiff1d(order, alone)
    rng = np.random.default_rng(seed)
    counts = count_law(expected[alone], dispersion).rvs(size=(draws, len(alone)), random_state=rng)
    counts = np.minimum(counts.astype(np.int64), MOST_COUNT)
    exactly = _places_by_count(expected[rest], dispersion) if len(rest) else np.zeros(0)
    others = rng.poisson(exactly, size=(draws, len(exactly)))
    seats = _seats(counts, others, k)
    at = np.searchsorted(alone, which)
    return _never_falling(expected[which], np.take_along_axis(seats, counts[:, at], axis=1).mean(axis=0))


def membership_of(counts: Floats, k: int) -> Floats:
    """Return how far each place belongs to the ``k`` busiest by what was counted: 1, 0, or its share of tied seats."""
    whole = np.minimum(np.round(counts).astype(np.int64), MOST_COUNT)[None, :]
    return np.asarray(_seats(whole, np.zeros((1, 0), dtype=np.int64), k)[0, whole[0]])


def check_chances(backtest: BackTest, k: int, *, seed: int) -> TopCheck:
    """Compare the chances told on past origins with what came true; dispersion is learnt on every other origin."""
    chances, membership = [], []
    tops = [np.argsort(-told, kind="stable")[:k] for told in backtest.told]
    for i, (told, seen) in enumerate(zip(backtest.told, backtest.observed, strict=True)):
        apart = [j for j in range(len(tops)) if j % 2 != i % 2] or [i]
        dispersion = estimate_dispersion(
            np.concatenate([backtest.told[j][tops[j]] for j in apart]),
            np.concatenate([backtest.observed[j][tops[j]] for j in apart]),
        )
        chances.append(chances_of_top(told, tops[i], k, dispersion=dispersion, seed=seed + 1 + i, draws=CHECK_DRAWS))
        membership.append(membership_of(seen, k)[tops[i]])
    if not chances:
        return TopCheck(None, None, np.zeros(0), np.zeros(0))
    told_all, kept_all = np.concatenate(chances), np.concatenate(membership)
    return TopCheck(float(told_all.mean()), float(kept_all.mean()), told_all, kept_all)


def _never_falling(expected: Floats, chance: Floats) -> Floats:
    from scipy.optimize import isotonic_regression

    _, where, places = np.unique(expected, return_inverse=True, return_counts=True)
    mean = np.bincount(where, weights=chance) / places
    return np.asarray(isotonic_regression(mean, weights=places).x[where])


def _places_by_count(expected: Floats, dispersion: float) -> Floats:
    """Return the expected number of places with exactly 1, 2, 3 ... incidents."""
    # Places of nearly equal expectation have nearly the same law: a few hundred laws stand for tens of thousands.
    level = np.round(np.log(np.maximum(expected, 1e-9)) * 50).astype(np.int64)
    _, where, places = np.unique(level, return_inverse=True, return_counts=True)
    mean = np.bincount(where, weights=expected) / places
    law = count_law(mean, dispersion)
    exactly: list[float] = []
    while len(exactly) < MOST_COUNT and float((places * law.sf(len(exactly))).sum()) > NEGLIGIBLE_PLACES:
        exactly.append(float((places * law.pmf(len(exactly) + 1)).sum()))
    return np.array(exactly)


def _seats(counts: Integers, others: Integers, k: int) -> Floats:
    """Return per draw and count the share of a seat among the k highest: shape (draws, highest count + 1).

    ``others`` are numbers of further places with 1, 2, 3 ... incidents.
    """
    draws, highest = counts.shape[0], max(int(counts.max(initial=0)), others.shape[1]) + 1
    row = np.arange(draws)[:, None] * (highest + 1)
    places = np.bincount((row + counts).ravel(), minlength=draws * (highest + 1)).reshape(draws, highest + 1)
    places[:, 1 : others.shape[1] + 1] += others
    above = np.cumsum(places[:, ::-1], axis=1)[:, ::-1] - places
    seats = np.clip((k - above) / np.maximum(places, 1), 0.0, 1.0)
    seats[:, 0] = 0.0
    return np.asarray(seats)
