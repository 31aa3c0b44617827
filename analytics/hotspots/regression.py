"""Poisson regression on the lags of a place in which one incident more never lowers what is expected.

Lags overlap (three years hold last year, which holds last month), so slopes left free take turns above and below
zero: a place would be told "long-standing x370, last year x0.14", and fewer incidents last month could raise what it
is expected to see. Held at zero or above they say the same to within chance (decision 0115), and every reason counts
upwards from a place with no history.
"""

from __future__ import annotations

import numpy as np

from analytics.cells import Floats
from analytics.hotspots.history import Flags
from analytics.hotspots.panel import feature_names

#: Ridge penalty on standardised features.
PENALTY = 1e-3
#: Columns made from incidents; those after them are the background (population) and only "populated" rankers see them.
RECORDED = len(feature_names())
#: Newton steps at most; five to ten are usual.
MOST_STEPS = 100
#: Relative fall of the objective below which a step is the last.
TOLERANCE = 1e-12


class PoissonGLM:
    """Poisson regression with a ridge penalty on all log lags, and on the background when ``populated``.

    Slopes of lags are not negative; those of the background are free. Nothing is extrapolated: a value outside the
    range seen in fitting counts as its nearest end. A feature that hardly varied then (the season, before there was an
    earlier year) has a slope that means nothing, and a place would be told any number of incidents once it does vary.
    """

    def __init__(self, *, populated: bool = False) -> None:
        self.seen = slice(None if populated else RECORDED)

    def fit(self, X: Floats, y: Floats, weight: Floats) -> PoissonGLM:
        """Learn from counts ``y``; the optimum is one and the same whatever the number of threads."""
        from threadpoolctl import threadpool_limits

        X = X[:, self.seen]
        centre, spread = X.mean(axis=0), X.std(axis=0)
        spread = np.where(spread > 1e-12, spread, 1.0)
        # One thread: matrix products are summed in another order by two, and the slopes differ in the last digits.
        with threadpool_limits(1):
            level, slopes = fit_poisson((X - centre) / spread, y, weight, bounded=np.arange(X.shape[1]) < RECORDED)
        self.slopes = slopes / spread
        self.intercept = float(level - centre @ self.slopes)
        self.reference, self.highest = X.min(axis=0), X.max(axis=0)
        return self

    def predict(self, X: Floats) -> Floats:
        """Return the expected count per row."""
        return np.asarray(np.exp(self.intercept + self._within(X) @ self.slopes))

    def explain(self, X: Floats) -> tuple[float, Floats]:
        """Return base and parts: slope x distance from the reference."""
        parts = np.zeros(X.shape)
        parts[:, self.seen] = (self._within(X) - self.reference) * self.slopes
        return float(self.intercept + self.reference @ self.slopes), parts

    def _within(self, X: Floats) -> Floats:
        return np.asarray(np.clip(X[:, self.seen], self.reference, self.highest))


def fit_poisson(Z: Floats, y: Floats, weight: Floats, *, bounded: Flags) -> tuple[float, Floats]:
    """Return intercept and slopes of a ridge-penalised Poisson regression, those of ``bounded`` columns >= 0.

    Parameters
    ----------
    Z
        Features of mean about 0 and spread about 1, shape (rows, features).
    y, weight
        Counts and what each row stands for; not all counts 0.
    bounded
        Flag per feature.

    Notes
    -----
    Minimises mean deviance / 2 + PENALTY / 2 x the sum of squared slopes by Newton's method; each step is a bounded
    least-squares problem of a few dozen unknowns, solved exactly (``scipy.optimize.lsq_linear``, BVLS).
    """
    from scipy.optimize import lsq_linear

    share = weight / weight.sum()
    A = np.column_stack([np.ones(len(Z)), Z])
    ridge = np.full(A.shape[1], PENALTY)
    ridge[0] = 0.0
    lowest = np.where(np.concatenate([[False], bounded]), 0.0, -np.inf)

    def objective(b: Floats) -> float:
        eta = A @ b
        return float(share @ (np.exp(eta) - y * eta) + ridge @ b**2 / 2)

    b = np.zeros(A.shape[1])
    b[0] = np.log(max(float(share @ y), 1e-12))
    value = objective(b)
    for _ in range(MOST_STEPS):
        mean = share * np.exp(A @ b)
        slope = A.T @ (mean - share * y) + ridge * b
        curvature = (A * mean[:, None]).T @ A + np.diag(ridge + 1e-12)
        root = np.linalg.cholesky(curvature).T
        target = b - np.linalg.solve(curvature, slope)
        step = lsq_linear(root, root @ target, (lowest, np.full(len(b), np.inf)), method="bvls", tol=1e-12).x - b
        length, reached = 1.0, objective(b + step)
        while reached > value and length > 1e-6:
            length /= 2
            reached = objective(b + length * step)
        if reached > value:
            break
        fallen, b, value = value - reached, b + length * step, reached
        if fallen <= TOLERANCE * max(1.0, abs(value)):
            break
    return float(b[0]), np.maximum(b[1:], lowest[1:])
