"""Intervals of counts: negative binomial around the expected count, spread measured on past forecasts.

Two coverages are told. The plain one is that of the whole numbers a reader sees; where incidents are rare it cannot be
the level asked for (a place with 0.06 expected is empty 94 times in 100). The randomised one asks whether the
distribution behind them is right, and can be the level exactly, however rare incidents are.

Source: Czado, Gneiting & Held 2009, Predictive model assessment for count data, Biometrics 65 (the non-randomised
probability integral transform).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from analytics.cells import Floats

#: Least and greatest dispersion looked at; below the first a count is as good as Poisson.
DISPERSIONS = (1e-4, 50.0)
#: How much smaller and larger than nominal the tails of an interval may become, see :func:`fit_width`.
NARROWEST_TAIL, WIDEST_TAIL = 0.2, 2.0


def estimate_dispersion(expected: Floats, counts: Floats) -> float:
    """Return d >= 0 of variance = mean + d x mean^2, by maximum likelihood over forecasts and what then happened.

    Notes
    -----
    Includes the error of the forecast itself, since the counts come after it. 0 means Poisson. Moments would let a
    single place with twenty incidents in a month decide for all; a second parameter that lets d depend on the mean
    gained nothing (14 series, origins before the judged ones).
    """
    from scipy.optimize import minimize_scalar

    if not len(counts) or expected.sum() <= 0:
        return 0.0
    mean, seen = np.maximum(expected, 1e-12), np.maximum(counts, 0.0)
    low, high = (float(np.log(d)) for d in DISPERSIONS)
    found = minimize_scalar(
        lambda log_d: -_gain_over_poisson(mean, seen, np.exp(log_d)),
        bounds=(low, high),
        method="bounded",
        options={"xatol": 1e-4},
    )
    return float(np.exp(found.x)) if found.fun < 0 else 0.0


def _gain_over_poisson(mean: Floats, counts: Floats, dispersion: float) -> float:
    """Return how much likelier the counts are with the dispersion than without, in logarithms."""
    from scipy.special import gammaln

    size = 1.0 / dispersion
    spread = np.log1p(mean * dispersion)
    repeats = gammaln(counts + size) - gammaln(size) - counts * np.log(size)
    return float((repeats - counts * spread - size * spread + mean).sum())


def fit_width(expected: Floats, counts: Floats, dispersion: float, level: float) -> float:
    """Return the central level at which intervals of past forecasts held the share ``level`` of counts.

    Notes
    -----
    Split conformal prediction with the tail of the negative binomial as score. Counts are whole numbers, so central
    intervals of a fixed level hold far more than it where expectations are small; over many places the right share is
    met by a narrower level. The tails are at most doubled, so that no single interval becomes a bare guess, and the
    share stays above ``level`` where even the narrowest interval of most places (none) holds more.
    """
    tail = (1 - level) / 2
    reach = np.sort(_tails(expected, counts, dispersion))[::-1]
    if not len(reach):
        return level
    found = float(reach[min(int(np.ceil(level * len(reach))), len(reach)) - 1])
    return 1 - 2 * float(np.clip(found, tail * NARROWEST_TAIL, tail * WIDEST_TAIL))


def _tails(expected: Floats, counts: Floats, dispersion: float) -> Floats:
    """Return for each count the largest tail whose central interval still holds it."""
    law = count_law(expected, dispersion)
    return np.asarray(np.minimum(law.cdf(counts), law.sf(counts - 1)))


def count_law(expected: Floats, dispersion: float) -> Any:
    """Return the negative binomial distribution of counts, as scipy holds it; Poisson without dispersion."""
    from scipy.stats import nbinom, poisson

    mean = np.maximum(expected, 1e-12)
    if dispersion < 1e-9:
        return poisson(mean)
    size = 1.0 / dispersion
    return nbinom(size, size / (size + mean))


def count_interval(expected: Floats, dispersion: float, level: float) -> tuple[Floats, Floats]:
    """Return the central interval of a negative binomial count; both ends belong to it."""
    tail = (1 - level) / 2
    law = count_law(expected, dispersion)
    return np.asarray(law.ppf(tail)), np.asarray(law.ppf(1 - tail))


def coverage_of(expected: Floats, counts: Floats, dispersion: float, level: float) -> float:
    """Return the share of counts inside their interval."""
    low, high = count_interval(expected, dispersion, level)
    return float(np.mean((counts >= low) & (counts <= high)))


def ranked_probability(expected: Floats, counts: Floats, dispersion: float) -> float:
    """Return the mean continuous ranked probability score of the distributions told: 0 is perfect, in incidents.

    Notes
    -----
    For counts the sum over k of (P(Y <= k) - [count <= k])^2 (Gneiting & Raftery 2007); of a distribution without
    spread it would be the absolute error.
    """
    law = count_law(expected, dispersion)
    most = int(max(law.ppf(1 - 1e-9).max(), counts.max()))
    score = np.zeros(len(counts))
    for k in range(most + 1):
        score += (law.cdf(k) - (counts <= k)) ** 2
    return float(score.mean())


def randomised_coverage(expected: Floats, counts: Floats, dispersion: float, level: float) -> float:
    """Return the share of counts inside the central ``level`` of their distribution, a count at its edge in part."""
    return float(np.mean(covered_shares(expected, counts, dispersion, level)))


def covered_shares(expected: Floats, counts: Floats, dispersion: float, level: float) -> Floats:
    """Return how far each count lies inside the central ``level`` of its distribution, from 0 to 1.

    Notes
    -----
    A count y stands for the stretch from P(Y < y) to P(Y <= y) of its distribution, and is covered with the share of
    that stretch between (1 - level) / 2 and (1 + level) / 2. Under the right distribution the expectation is ``level``
    exactly, also for a law that is nearly always 0. For such a law it is a weak test: most of an empty place's stretch
    lies inside whatever was expected of it.
    """
    law, tail = count_law(expected, dispersion), (1 - level) / 2
    below, reached = law.cdf(counts - 1), law.cdf(counts)
    inside = np.maximum(np.minimum(reached, 1 - tail) - np.maximum(below, tail), 0.0)
    stretch = reached - below
    # A count beyond anything expected has no probability left to share out: it is outside.
    return np.asarray(np.where(stretch > 0, inside / np.where(stretch > 0, stretch, 1.0), 0.0))
