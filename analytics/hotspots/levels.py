"""How many incidents the whole area will have: the level that a forecast of places is brought to.

Rankers are fitted on a year of periods and carry that year's level into the next; where crime rises or has a season the
places are right and the numbers are not. The level is forecast apart, as a mean of four rates known at the origin
(the last month, the last quarter, the last year, and the same season a year ago moved by the year's trend), with
weights by maximum Poisson likelihood on past periods. On Portland's 24 origins of 2015 and 2016 the weighted mean
was as good as the best single rate of every category, and no single rate was good for all of them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analytics.cells import Floats
from analytics.hotspots.panel import Panel, Period

#: Windows of the recent rates, days.
WINDOWS_DAYS = (28, 91, 365)
#: Days added on both sides of the same season of the last year.
SEASON_MARGIN_DAYS = 15
#: Steps of expectation-maximisation.
EM_STEPS = 100
#: Incidents below which no level is told: an empty month does not mean that nothing can happen.
LEAST_LEVEL = 0.5


class LevelModel:
    """Weighted mean of recent and seasonal rates; the weights are not negative and sum to 1."""

    def __init__(self, panel: Panel, horizon_days: int) -> None:
        self.panel, self.horizon_days = panel, horizon_days

    def fit(self, periods: Sequence[Period]) -> LevelModel:
        """Learn the weights from periods whose counts are known."""
        rates = np.array([self.rates(period.origin) for period in periods])
        seen = np.array([0.0 if period.counts is None else period.counts.sum() for period in periods])
        self.weights = np.full(rates.shape[1], 1.0 / rates.shape[1])
        for _ in range(EM_STEPS if seen.any() else 0):
            responsible = rates * self.weights / np.maximum(rates @ self.weights, 1e-12)[:, None]
            mass = (responsible * seen[:, None]).sum(axis=0)
            if mass.sum() > 0:
                self.weights = mass / mass.sum()
        return self

    def predict(self, origin: int) -> float:
        """Return the incidents expected in all cells in the period that starts on day ``origin``."""
        return max(float(self.rates(origin) @ self.weights), LEAST_LEVEL)

    def rates(self, origin: int) -> Floats:
        """Return what each rate, known at the origin, says of the period: shape (4,)."""
        days, span = self.horizon_days, max(origin - self.panel.first_day, 1)
        record, rates = self.panel.record, [0.0]
        for window in WINDOWS_DAYS[::-1]:
            recorded = record.days(origin, 0, window)
            # A month of which nothing was recorded says what the longer window says.
            rates.insert(0, self.panel.recent_total(origin, 1, window) * days / recorded if recorded else rates[0])
        rates.pop()
        before = self.panel.recent_total(origin, 366, 730)
        oldest = 365 + SEASON_MARGIN_DAYS
        newest = max(366 - days - SEASON_MARGIN_DAYS, 1)
        if span < 730 or before <= 0:
            return np.array([*rates, rates[-1]])
        recorded, recorded_before = record.days(origin, newest - 1, oldest), record.days(origin, 365, 730)
        if not recorded:
            return np.array([*rates, rates[-1]])
        season = self.panel.recent_total(origin, newest, oldest) * days / recorded
        return np.array([*rates, season * rates[-1] * recorded_before / days / before])
