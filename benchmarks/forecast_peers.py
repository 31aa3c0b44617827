"""Methods of others that the forecast is compared with: those of the published table, on the same past."""

from __future__ import annotations

import numpy as np

from analytics.cells import Floats
from analytics.hotspots.panel import Panel, feature_names
from analytics.hotspots.study import Study

#: Bandwidth of the peers, metres: 300 and 1,200 feet as in the published table.
NARROW_M, WIDE_M = 91.44, 365.76
NARROW_KERNEL = "kernel 730 d / 300 ft"
#: What the learners of the published table are shown: the category's own lags and counts.
LAGS = [at for at, name in enumerate(feature_names()) if name.startswith(("lag_", "count_"))]


def peers(panel: Panel, origin: int, study: Study, category_points: tuple[Floats, Floats, Floats]) -> dict[str, Floats]:
    """Return the scores of scikit-learn's kernel density (1,200 ft, two years) and a 730-day kernel of 300 ft."""
    from scipy.ndimage import gaussian_filter
    from sklearn.neighbors import KernelDensity

    x, y, day = category_points
    recent = (day < origin) & (day >= origin - 730)
    points = np.column_stack([x[recent], y[recent]])
    centres = np.column_stack(study.grid.centres_metres(panel.lattice.columns, panel.lattice.rows))
    # Tolerance is relative: the density of a quiet cell needs no sixth digit.
    density = KernelDensity(bandwidth=WIDE_M, rtol=1e-3).fit(points).score_samples(centres)
    past = panel.known < origin
    age = (origin - panel.day[past]).astype(float)
    decayed = panel.lattice.sum_up(panel.position[past], panel.weight[past] * np.exp(-age / 730))
    kernel = gaussian_filter(np.maximum(decayed, 0.0), NARROW_M / study.grid.cell_m, mode="constant")
    return {"sklearn KDE 1,200 ft": density, NARROW_KERNEL: kernel.reshape(-1)[panel.lattice.flat]}


def learners(sample: tuple[Floats, Floats, Floats], features: Floats) -> dict[str, Floats]:
    """Return what a random forest and boosted trees, both free to interact, expect of each place.

    They are what the published table calls so (its settings are not published; these are common ones) and are fitted on
    the rows and weights our own rankers are fitted on. A forest is the peer of Wheeler & Steenbeek 2021.
    """
    from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor

    X, y, weight = sample
    forest = RandomForestRegressor(100, min_samples_leaf=20, max_features=1 / 3, random_state=0)
    trees = HistGradientBoostingRegressor(
        loss="poisson", learning_rate=0.05, max_iter=100, min_samples_leaf=100, early_stopping=False, random_state=0
    )
    found = {}
    for name, model in {"random forest": forest, "boosted trees, interacting": trees}.items():
        model.fit(X[:, LAGS], y, sample_weight=weight)
        # A forest may expect nothing at all, which has no logarithm.
        found[name] = np.maximum(model.predict(features[:, LAGS]), 1e-6)
    return found


def mean_of_logs(ours: Floats, kernel: Floats) -> Floats:
    """Return the geometric mean of two scores, each brought to a sum of 1; no place counts as empty."""
    floor = kernel[kernel > 0].min() if (kernel > 0).any() else 1.0
    return np.asarray(np.sqrt(ours / ours.sum() * np.maximum(kernel, floor) / kernel.sum()))
