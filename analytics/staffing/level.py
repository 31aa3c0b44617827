"""The level of incidents to expect per shift in the coming period: recent level x season x weekday.

A deliberately plain model that a commander can redo by hand:

    expected(day) = recent level of the unit's shift, drawn toward its year
                    x how the same period moved last year, over all units together
                    x weekday factor of the unit's shift

Days scatter around that as a negative binomial whose spread is measured on the last year.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

#: Weight of the year's mean in the recent level, days.
LEVEL_PRIOR_DAYS = 28.0
#: Weight of "no weekday effect" in a weekday factor, incidents.
WEEKDAY_PRIOR = 14.0
#: Incidents of last year below which no seasonal movement is read.
SEASON_ENOUGH = 400.0
#: The season may at most halve or double the level [assumption].
SEASON_BOUNDS = (0.5, 2.0)


@dataclass(frozen=True)
class ShiftLevel:
    """Incidents per shift expected in the period, for one unit and shift.

    ``by_weekday`` has the seven expected counts, Monday first, ``days`` how often each weekday occurs in the period,
    ``overdispersion`` is alpha of Var = mean + alpha mean², ``relative_draws`` how the level varies when the weeks it
    was learnt from are drawn anew (1 = as estimated).
    """

    by_weekday: Array
    days: Array
    overdispersion: float
    relative_draws: Array

    @property
    def mean(self) -> float:
        """Expected incidents per shift, averaged over the days of the period."""
        return float(self.by_weekday @ self.days / self.days.sum())

    @property
    def variance(self) -> float:
        """Variance of the count from day to day, weekdays included."""
        within = self.by_weekday + self.overdispersion * self.by_weekday**2
        share = self.days / self.days.sum()
        return float(share @ within + share @ (self.by_weekday - self.mean) ** 2)

    def count_quantile(self, level: float) -> float:
        """Return the smallest count that is not exceeded on a share ``level`` of the days."""
        from scipy import stats

        if self.mean <= 0:
            return 0.0
        top = int(stats.norm.isf(1e-6) * self.variance**0.5 * 3 + self.by_weekday.max() * 3 + 20)
        counts = np.arange(top + 1)
        means = np.maximum(self.by_weekday[:, None], 1e-9)
        if self.overdispersion < 1e-6:
            below = stats.poisson.cdf(counts, means)
        else:
            size = 1 / self.overdispersion
            below = stats.nbinom.cdf(counts, size, size / (size + means))
        share = self.days / self.days.sum()
        return float(np.searchsorted(share @ below, level - 1e-12))


def weekdays_in(start: date, days: int) -> Array:
    """Return how often Monday … Sunday occur in ``days`` days from ``start``."""
    return np.bincount([(start + timedelta(days=n)).weekday() for n in range(days)], minlength=7).astype(float)


def season_ratio(total: Array, last_day: date, period_start: date, horizon_days: int, recent_days: int) -> float:
    """Return how the coming period compared with the recent window, one year (364 days) before.

    Parameters
    ----------
    total
        Incidents of all units together per day, oldest first, the last on ``last_day``; NaN on days without a record.

    Returns
    -------
    float
        1 where history does not reach back far enough, is too thin or has a hole there.
    """
    end = len(total)
    ahead = (period_start - last_day).days - 1
    target = end - 364 + ahead
    window = end - 364 - recent_days
    if window < 0:
        return 1.0
    after, before = total[target : min(target + horizon_days, end)], total[window : window + recent_days]
    if after.size == 0 or np.isnan(after).any() or np.isnan(before).any():
        return 1.0
    if before.sum() + after.sum() < SEASON_ENOUGH or before.sum() <= 0:
        return 1.0
    return float(np.clip(after.mean() / before.mean(), *SEASON_BOUNDS))


def expect_level(
    counts: Array,
    *,
    last_day: date,
    period_start: date,
    horizon_days: int,
    recent_days: int,
    season: float,
    generator: np.random.Generator,
    draws: int,
) -> ShiftLevel:
    """Estimate the level of one unit's shift.

    Parameters
    ----------
    counts
        Incidents per shift and day, oldest first, the last on ``last_day``; NaN on days without a record.
    generator, draws
        Source of randomness and number of draws for the bootstrap over weeks.
    """
    days = weekdays_in(period_start, horizon_days)
    year, recent = counts[-364:], counts[-recent_days:]
    weekday = np.array([(last_day - timedelta(days=year.size - 1 - n)).weekday() for n in range(year.size)], dtype=int)
    recorded = ~np.isnan(year)
    year, weekday = year[recorded], weekday[recorded]
    relative = _relative_draws(recent, generator, draws)
    recent = recent[~np.isnan(recent)]
    if year.sum() <= 0:
        return ShiftLevel(np.zeros(7), days, 0.0, np.ones(draws))
    level = (recent.sum() + LEVEL_PRIOR_DAYS * year.mean()) / (recent.size + LEVEL_PRIOR_DAYS)
    seen = np.bincount(weekday, minlength=7)
    summed = np.bincount(weekday, weights=year, minlength=7)
    factor = (summed + WEEKDAY_PRIOR) / (seen * year.mean() + WEEKDAY_PRIOR)
    factor /= factor.mean()
    fitted = np.maximum(_smooth(year, 28) * factor[weekday], 1e-9)
    # One degree of freedom per four weeks and seven weekdays went into the fit.
    freedom = year.size / max(1.0, year.size - year.size / 28 - 7)
    overdispersion = max(0.0, float((((year - fitted) ** 2) * freedom - fitted).sum() / (fitted**2).sum()))
    by_weekday = np.maximum(level * season * factor, 0.0)
    return ShiftLevel(by_weekday, days, overdispersion, relative)


def _smooth(values: Array, width: int) -> Array:
    """Return the centred moving mean; the window is cut at the ends."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    index = np.arange(values.size)
    start, end = np.maximum(index - width // 2, 0), np.minimum(index + width - width // 2, values.size)
    return np.asarray((total[end] - total[start]) / (end - start))


def _relative_draws(recent: Array, generator: np.random.Generator, draws: int) -> Array:
    """Return the mean of weeks drawn with replacement, relative to the mean: whole weeks keep the weekday pattern."""
    weeks = recent[recent.size % 7 :].reshape(-1, 7).sum(axis=1)
    weeks = weeks[~np.isnan(weeks)]
    if weeks.size < 2 or weeks.sum() <= 0:
        return np.ones(draws)
    picked = generator.integers(0, weeks.size, size=(draws, weeks.size))
    # A mean of n weeks drawn from n weeks is too narrow by sqrt((n - 1) / n).
    relative = weeks[picked].mean(axis=1) / weeks.mean()
    return np.asarray(np.maximum(1 + (relative - 1) * (weeks.size / (weeks.size - 1)) ** 0.5, 0.0))
