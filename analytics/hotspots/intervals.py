"""Intervals of counts: negative binomial around the expected count, spread measured on past forecasts."""

from __future__ import annotations

import numpy as np

from analytics.cells import Floats


def estimate_dispersion(expected: Floats, counts: Floats) -> float:
    """Return d >= 0 of variance = mean + d x mean^2, by moments over forecasts and what then happened.

    Notes
    -----
    Includes the error of the forecast itself, since the counts come after it. 0 means Poisson.
    """
    square = float((expected**2).sum())
    if square <= 0:
        return 0.0
    return max(0.0, float(((counts - expected) ** 2 - expected).sum()) / square)


def count_interval(expected: Floats, dispersion: float, level: float) -> tuple[Floats, Floats]:
    """Return the central interval of a negative binomial count; both ends belong to it.

    Notes
    -----
    Counts are whole numbers, so coverage is at least ``level``; for small expectations it is well above.
    """
    from scipy.stats import nbinom, poisson

    tail = (1 - level) / 2
    mean = np.maximum(expected, 1e-12)
    if dispersion < 1e-9:
        return np.asarray(poisson.ppf(tail, mean)), np.asarray(poisson.ppf(1 - tail, mean))
    size = 1.0 / dispersion
    chance = size / (size + mean)
    return np.asarray(nbinom.ppf(tail, size, chance)), np.asarray(nbinom.ppf(1 - tail, size, chance))


def coverage_of(expected: Floats, counts: Floats, dispersion: float, level: float) -> float:
    """Return the share of counts inside their interval."""
    low, high = count_interval(expected, dispersion, level)
    return float(np.mean((counts >= low) & (counts <= high)))
