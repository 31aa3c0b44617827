"""A family of rankers behind one interface: ``fit`` on a panel, ``predict`` counts, ``explain`` them exactly.

Every ranker is additive: the logarithm of its prediction is a base plus one part per feature. What a reader is told
about a place is therefore the model itself, not an approximation of it. The base is what a place without any history
would get (every feature at the least value seen in training). Every ranker is also monotone: one incident more, of
whatever age, never lowers what a place is expected to see, so reasons count upwards from that base (decision 0115).

Sources: Gamma-Poisson shrinkage (empirical Bayes, Clayton & Kaldor 1987); mixtures of space-time kernels fitted by
expectation-maximisation (Mohler et al. 2011); Poisson regression on lags; boosted Poisson trees without interactions
(scikit-learn).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from analytics.cells import Floats, Integers
from analytics.hotspots.panel import feature_names
from analytics.hotspots.regression import RECORDED, PoissonGLM

#: Steps of expectation-maximisation; the likelihood is concave, so only the tail of the weights still moves.
EM_STEPS = 200
#: Trees, chosen on Portland origins before 2016: more trees lower the deviance and leave the ranks as they are.
TREES = 40
#: Bins a feature is cut into before trees see it.
BINS = 127


class Ranker(Protocol):
    """What the back-test asks of a model. ``X`` has one row per place and one column per feature, in log units."""

    def fit(self, X: Floats, y: Floats, weight: Floats) -> Ranker:
        """Learn from counts ``y``; rows stand for ``weight`` places each."""
        ...

    def predict(self, X: Floats) -> Floats:
        """Return the expected count per row, positive."""
        ...

    def explain(self, X: Floats) -> tuple[float, Floats]:
        """Return the base and the parts (rows, features) whose sum is the logarithm of :meth:`predict`."""
        ...


class RateMixture:
    """Non-negative sum of rates: expected = sum of share x exp(feature), shares by maximum Poisson likelihood.

    With one column it is a scaled plain count; with an own and a neighbourhood rate it is Gamma-Poisson shrinkage;
    with all lags it is a space-time kernel whose shape is learnt.
    """

    def __init__(self, columns: tuple[str, ...]) -> None:
        names = feature_names()
        self.columns = [names.index(column) for column in columns]

    def fit(self, X: Floats, y: Floats, weight: Floats) -> RateMixture:
        """Learn the shares by expectation-maximisation (multiplicative steps, deterministic)."""
        rates = np.exp(X[:, self.columns])
        exposure = (rates * weight[:, None]).sum(axis=0)
        shares = np.full(rates.shape[1], max(float((y * weight).sum()), 1e-9)) / (exposure * rates.shape[1])
        seen = y > 0
        rates, mass = rates[seen], (y * weight)[seen]
        for _ in range(EM_STEPS if len(self.columns) > 1 else 0):
            shares = shares * (rates.T @ (mass / np.maximum(rates @ shares, 1e-300))) / exposure
        self.shares = np.maximum(shares, 1e-12)
        self.reference = X.min(axis=0)
        return self

    def predict(self, X: Floats) -> Floats:
        """Return the expected count per row."""
        return np.asarray(np.exp(X[:, self.columns]) @ self.shares)

    def explain(self, X: Floats) -> tuple[float, Floats]:
        """Return base and parts. The log of a sum is shared out in proportion to what each rate adds to it."""
        empty = np.exp(self.reference[self.columns]) * self.shares
        added = np.exp(X[:, self.columns]) * self.shares - empty
        total = added.sum(axis=1)
        safe = np.where(np.abs(total) < 1e-300, 1.0, total)
        slope = np.where(np.abs(total) < 1e-300, 1.0 / empty.sum(), np.log1p(total / empty.sum()) / safe)
        parts = np.zeros(X.shape)
        parts[:, self.columns] = added * slope[:, None]
        return float(np.log(empty.sum())), parts


class AdditiveBoosting:
    """Boosted Poisson trees without interactions, on top of a rate mixture.

    The trees correct the mixture by a factor per feature. A tree alone cannot tell the hundred riskiest of 60,000
    places apart (they share a bin of every histogram); the mixture beneath it can.

    Features are cut into bins here, by quantiles of the expected counts: scikit-learn would compute the same weighted
    quantiles one by one, sorting a column again for each. Without interactions the trees are one table of factors per
    feature, which is what is kept, used and explained. Factors of lags never fall as the lag rises; those of the
    background are free.
    """

    def __init__(self, start: RateMixture, trees: int = TREES, *, populated: bool = False) -> None:
        self.start = start
        self.trees = trees
        self.seen = slice(None if populated else RECORDED)

    def fit(self, X: Floats, y: Floats, weight: Floats) -> AdditiveBoosting:
        """Fit the mixture, then the trees."""
        self.start.fit(X, y, weight)
        return self.fit_trees(X, y, weight)

    def fit_trees(self, X: Floats, y: Floats, weight: Floats) -> AdditiveBoosting:
        """Learn the factors; a Poisson fit of y / start with weights x start is one with log(start) as offset."""
        from sklearn.ensemble import HistGradientBoostingRegressor
        from threadpoolctl import threadpool_limits

        offset = self.start.predict(X)
        self.edges = [_weighted_edges(column, weight * offset) for column in X[:, self.seen].T]
        model = HistGradientBoostingRegressor(
            loss="poisson",
            interaction_cst="no_interactions",
            max_iter=self.trees,
            learning_rate=0.05,
            max_leaf_nodes=6,
            min_samples_leaf=300,
            l2_regularization=5.0,
            max_bins=BINS,
            monotonic_cst=[int(column < RECORDED) for column in range(len(self.edges))],
            early_stopping=False,
            random_state=0,
        )
        self.reference = X.min(axis=0)
        lowest = self._bins(self.reference[None, :])
        # One thread: sums of floats, and so the splits, would otherwise depend on the number of cores.
        with threadpool_limits(1):
            model.fit(self._bins(X).astype(np.float32), y / offset, sample_weight=weight * offset)
            self.log_reference = float(np.log(model.predict(lowest))[0])
            self.tables = []
            for feature, edges in enumerate(self.edges):
                alone = np.repeat(lowest, len(edges) + 1, axis=0)
                alone[:, feature] = np.arange(len(edges) + 1)
                self.tables.append(np.log(model.predict(alone)) - self.log_reference)
        return self

    def predict(self, X: Floats) -> Floats:
        """Return the expected count per row."""
        return np.asarray(self.start.predict(X) * np.exp(self.log_reference + self._parts(X).sum(axis=0)))

    def explain(self, X: Floats) -> tuple[float, Floats]:
        """Return base and parts: those of the mixture and the logarithms of the factors."""
        base, parts = self.start.explain(X)
        parts[:, self.seen] += self._parts(X).T
        return base + self.log_reference, parts

    def _parts(self, X: Floats) -> Floats:
        bins = self._bins(X)
        return np.array([table[bins[:, feature]] for feature, table in enumerate(self.tables)])

    def _bins(self, X: Floats) -> Integers:
        return np.column_stack([np.searchsorted(edges, X[:, f], side="left") for f, edges in enumerate(self.edges)])


def _weighted_edges(values: Floats, weight: Floats) -> Floats:
    """Return increasing edges that cut values into at most BINS bins of about equal weight."""
    order = np.argsort(values, kind="stable")
    running = np.cumsum(weight[order])
    at = np.searchsorted(running, running[-1] * np.arange(1, BINS) / BINS)
    edges = np.unique(values[order][np.minimum(at, len(values) - 1)])
    # A value equal to an edge falls below it, so an edge at the very top would leave the last bin empty.
    return np.asarray(edges[edges < values[order[-1]]])


class GeometricMean:
    """Mean of the logarithms of several rankers; additive because they are."""

    def __init__(self, members: tuple[Ranker, ...]) -> None:
        self.members = members

    def fit(self, X: Floats, y: Floats, weight: Floats) -> GeometricMean:
        """Fit every member, then scale so that the total is met (a geometric mean falls below the members)."""
        for member in self.members:
            member.fit(X, y, weight)
        return self.rescale(X, y, weight)

    def rescale(self, X: Floats, y: Floats, weight: Floats) -> GeometricMean:
        """Learn the scale alone; the members are fitted already."""
        self.scale = 0.0
        self.scale = float(np.log((y * weight).sum() / (self.predict(X) * weight).sum())) if y.any() else 0.0
        return self

    def predict(self, X: Floats) -> Floats:
        """Return the expected count per row."""
        logs = np.mean([np.log(member.predict(X)) for member in self.members], axis=0)
        return np.asarray(np.exp(logs + self.scale))

    def explain(self, X: Floats) -> tuple[float, Floats]:
        """Return base and parts: the means of the members'."""
        told = [member.explain(X) for member in self.members]
        base = float(np.mean([base for base, _ in told])) + self.scale
        return base, np.asarray(np.mean([parts for _, parts in told], axis=0))


#: Columns of the learnt space-time kernel: every scale of time and space and what else happens at the place.
KERNEL_COLUMNS = tuple(n for n in feature_names() if n.startswith(("lag_", "season_", "others_")))

#: Rankers that are mixtures of rates, and the rates they mix.
MIXTURES = {
    "count_365": ("count_365d",),
    "count_1095": ("count_1095d",),
    "gamma_poisson": ("lag_36m_w0", "lag_36m_w4"),
    "kernel": KERNEL_COLUMNS,
}
#: Plain counts every other ranker has to beat.
PLAIN = ("count_365", "count_1095")
#: Members of the ensemble. Chosen on St. Louis and Chicago 2017 and Toronto 2019 (9 series, the year before the one
#: that is judged): hits against the better plain count 1.055 times, never below it; its members alone 1.017 to 1.051.
ENSEMBLE = ("gamma_poisson", "kernel", "poisson_glm", "additive_boosting")

#: Rankers from simple to involved; selection prefers the earlier one unless a later one is clearly better.
LADDER = ("count_365", "count_1095", "gamma_poisson", "kernel", "poisson_glm", "additive_boosting", "ensemble")
#: The ensemble with residents, rented dwellings and households as further terms of the regression and the trees; it is
#: the last rung where the source knows them (``residents.py``), and does not exist where it does not.
POPULATED = "ensemble_population"


def make_ranker(name: str) -> Ranker:
    """Return an unfitted ranker by name.

    Raises
    ------
    ValueError
        If the name is neither in :data:`LADDER` nor :data:`POPULATED`.
    """
    if name in MIXTURES:
        return RateMixture(MIXTURES[name])
    if name == "poisson_glm":
        return PoissonGLM()
    if name == "additive_boosting":
        return AdditiveBoosting(RateMixture(KERNEL_COLUMNS))
    if name == "ensemble":
        return GeometricMean(tuple(make_ranker(member) for member in ENSEMBLE))
    if name == POPULATED:
        return GeometricMean(
            (
                *(make_ranker(member) for member in ENSEMBLE[:2]),
                PoissonGLM(populated=True),
                AdditiveBoosting(RateMixture(KERNEL_COLUMNS), populated=True),
            )
        )
    raise ValueError(f"The 'name' parameter of make_ranker must be one of {LADDER}. Got {name!r} instead.")


def fit_rankers(names: Sequence[str], X: Floats, y: Floats, weight: Floats) -> dict[str, Ranker]:
    """Return the named rankers fitted on one sample; what several of them are made of is fitted once.

    Notes
    -----
    One thread: matrices of 60,000 x 26 are too small to share out (several threads mostly wait for each other, at
    twice the processor time), and sums do not depend on the number of cores.
    """
    from threadpoolctl import threadpool_limits

    fitted: dict[str, Ranker] = {}

    def kernel() -> RateMixture:
        found = part("kernel")
        if not isinstance(found, RateMixture):
            raise TypeError("the kernel must be a RateMixture")
        return found

    def part(name: str) -> Ranker:
        if name not in fitted:
            if name == "ensemble":
                fitted[name] = GeometricMean(tuple(part(member) for member in ENSEMBLE)).rescale(X, y, weight)
            elif name == "additive_boosting":
                fitted[name] = AdditiveBoosting(kernel()).fit_trees(X, y, weight)
            elif name == POPULATED:
                trees = AdditiveBoosting(kernel(), populated=True).fit_trees(X, y, weight)
                regression = PoissonGLM(populated=True).fit(X, y, weight)
                members = (*(part(member) for member in ENSEMBLE[:2]), regression, trees)
                fitted[name] = GeometricMean(members).rescale(X, y, weight)
            else:
                fitted[name] = make_ranker(name).fit(X, y, weight)
        return fitted[name]

    with threadpool_limits(1):
        return {name: part(name) for name in names}
