"""Correct expected counts by what past forecasts of the same kind turned out to be.

The places a model ranks highest are partly those it overrates (the winner's curse), and a model fitted on all places
may be far off in the few that are flagged. Both show on past origins the model was not fitted on, and are corrected
there by a strictly increasing map of log(expected). Ranks do not change; reasons are stretched in proportion, so they
still sum to the logarithm of what is shown.

What the forecast itself is corrected by leans on the newest origins, because levels drift: both numbers below were
chosen on origins before the judged ones (14 series of five cities, docs/accuracy.md).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analytics.cells import Floats
from analytics.hotspots.rankers import Ranker

#: Places are grouped by the share of all expected incidents that lies below them; finer where places are flagged.
EDGES = (0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.85, 0.92, 0.97)
#: Steps that a unit of log(expected) is cut into before places are grouped.
PER_LOG_UNIT = 100.0
#: Incidents added to both sides of observed / expected, so that small groups are corrected little.
PRIOR_EVENTS = 5.0
#: Origins after which what a past forecast got wrong counts half.
HALF_LIFE_ORIGINS = 2.0
#: Incidents added to both sides of observed / expected of the whole area.
LEVEL_PRIOR_EVENTS = 50.0
#: Least distance between two knots, log units.
LEAST_GAP = 0.05
#: Least slope of the map, so that it stays strictly increasing and ranks stay as they are.
LEAST_SLOPE = 0.05


class CalibrationMap:
    """Strictly increasing, piecewise linear map of log(expected), constant correction beyond its ends."""

    def __init__(self, knots: Floats, values: Floats) -> None:
        self.knots, self.values = knots, values

    @classmethod
    def fit(cls, expected: Floats, counts: Floats, weight: Floats | None = None) -> CalibrationMap:
        """Learn from forecasts and what then happened, pooled over places and origins; each counts ``weight`` times."""
        if weight is not None:
            counts = counts * weight
        mass = expected if weight is None else expected * weight
        # Equal expectations stay in one group: a plain count has few values, each shared by thousands of places.
        fine = np.floor(np.log(expected) * PER_LOG_UNIT).astype(np.int64)
        at = fine - fine.min()
        mean: Floats = np.asarray(np.bincount(at, weights=mass), dtype=float)
        seen: Floats = np.asarray(np.bincount(at, weights=counts), dtype=float)
        some = mean > 0
        level = np.bincount(at, weights=mass * np.log(expected))[some] / mean[some]
        mean, seen = mean[some], seen[some]
        running = np.cumsum(mean)
        group = np.searchsorted(EDGES, (running - mean / 2) / running[-1])
        knots: list[float] = []
        values: list[float] = []
        for g in range(len(EDGES) + 1):
            inside = group == g
            if inside.any():
                total = float(mean[inside].sum())
                knot = float(np.average(level[inside], weights=mean[inside]))
                ratio = (float(seen[inside].sum()) + PRIOR_EVENTS) / (total + PRIOR_EVENTS)
                if not knots or knot > knots[-1] + LEAST_GAP:
                    knots.append(knot)
                    values.append(knot + float(np.log(ratio)))
        for i in range(1, len(values)):
            values[i] = max(values[i], values[i - 1] + LEAST_SLOPE * (knots[i] - knots[i - 1]))
        return cls(np.array(knots), np.array(values))

    @classmethod
    def for_next(cls, told: Sequence[Floats], seen: Sequence[Floats], log_expected: Floats) -> CalibrationMap:
        """Learn from past forecasts, newest first, the map for the period after them.

        Parameters
        ----------
        told, seen
            Expected counts of every place on each past origin, before any correction, and those that then happened.
        log_expected
            Logarithms of what is expected of every place in the coming period, before any correction.

        Notes
        -----
        The map says how incidents are shared out; the total is the forecast one, times what past totals were wrong by.
        """
        recency = 0.5 ** (np.arange(len(told)) / HALF_LIFE_ORIGINS)
        learnt = cls.fit(
            np.concatenate(told), np.concatenate(seen), np.repeat(recency, [len(expected) for expected in told])
        )
        hoped = float(recency @ [expected.sum() for expected in told])
        came = float(recency @ [counts.sum() for counts in seen])
        total = np.exp(log_expected).sum() * (came + LEVEL_PRIOR_EVENTS) / (hoped + LEVEL_PRIOR_EVENTS)
        shift = float(np.log(total / np.exp(learnt.apply(log_expected)).sum()))
        return cls(learnt.knots, learnt.values + shift)

    def apply(self, log_expected: Floats) -> Floats:
        """Return the corrected logarithms."""
        inside = np.interp(log_expected, self.knots, self.values)
        below = np.minimum(log_expected - self.knots[0], 0.0)
        above = np.maximum(log_expected - self.knots[-1], 0.0)
        return np.asarray(inside + below + above)


class CalibratedRanker:
    """A fitted ranker brought to the level of one period and seen through a calibration map.

    ``log_level`` is the logarithm of the factor that brings the ranker's total to the level forecast for the period.
    """

    def __init__(self, ranker: Ranker, calibration: CalibrationMap, log_level: float = 0.0) -> None:
        self.ranker, self.calibration, self.log_level = ranker, calibration, log_level

    def fit(self, X: Floats, y: Floats, weight: Floats) -> CalibratedRanker:
        """Fit the ranker beneath; the map stays as it was learnt."""
        self.ranker.fit(X, y, weight)
        return self

    def predict(self, X: Floats) -> Floats:
        """Return corrected expected counts."""
        return np.asarray(np.exp(self.calibration.apply(np.log(self.ranker.predict(X)) + self.log_level)))

    def explain(self, X: Floats) -> tuple[float, Floats]:
        """Return base and parts of the corrected logarithm: the parts of the ranker, stretched alike."""
        base, parts = self.ranker.explain(X)
        base += self.log_level
        total = parts.sum(axis=1)
        new_base = float(self.calibration.apply(np.array([base]))[0])
        moved = self.calibration.apply(base + total) - new_base
        still = np.abs(total) < 1e-12
        return new_base, parts * np.where(still, 1.0, moved / np.where(still, 1.0, total))[:, None]
