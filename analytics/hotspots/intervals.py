"""Intervals of counts: negative binomial around the expected count, spread measured on past forecasts."""

from __future__ import annotations

from typing import Any

import numpy as np

from analytics.cells import Floats

#: How much smaller and larger than nominal the tails of an interval may become, see :func:`fit_width`.
NARROWEST_TAIL, WIDEST_TAIL = 0.2, 2.0


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
