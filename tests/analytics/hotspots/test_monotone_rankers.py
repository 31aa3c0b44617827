"""One incident more never lowers what a place is expected to see, whichever ranker tells it (decision 0115)."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import PoissonRegressor

from analytics.hotspots.counterfactual import rank_without_recent
from analytics.hotspots.forecast import forecast_hotspots
from analytics.hotspots.panel import feature_names
from analytics.hotspots.rankers import LADDER, POPULATED, make_ranker
from analytics.hotspots.regression import PENALTY, RECORDED, fit_poisson
from analytics.hotspots.study import Study


@pytest.fixture(scope="module")
def lags():
    """Overlapping lags as records have them: each window holds the shorter ones; background columns come last."""
    rng = np.random.default_rng(11)
    rate = rng.gamma(0.4, 0.5, 6000)
    features = np.empty((6000, RECORDED + 2))
    for column in range(RECORDED):
        seen = rng.poisson(rate * 2.0 ** (column % 6)) / 2.0 ** (column % 6)
        features[:, column] = np.log(seen + 0.05)
    features[:, RECORDED:] = rng.standard_normal((6000, 2))
    # More residents, fewer incidents: the background may lower.
    counts = rng.poisson(rate * np.exp(-0.4 * features[:, RECORDED])).astype(float)
    return features, counts, rng.uniform(0.5, 3.0, 6000)


@pytest.mark.parametrize("name", [*LADDER, POPULATED])
def test_raising_any_lag_never_lowers_the_expectation(lags, name):
    features, counts, weight = lags
    ranker = make_ranker(name).fit(features, counts, weight)
    places = features[:300]
    before = ranker.predict(places)
    for column in range(RECORDED):
        raised = places.copy()
        raised[:, column] += np.linspace(0.01, 2.0, len(places))
        assert (ranker.predict(raised) >= before * (1 - 1e-12)).all(), feature_names()[column]
    _, parts = ranker.explain(features)
    assert parts[:, :RECORDED].min() > -1e-9


def test_the_background_may_lower_the_expectation(lags):
    features, counts, weight = lags
    ranker = make_ranker(POPULATED).fit(features, counts, weight)
    crowded = features[:300].copy()
    crowded[:, RECORDED] += 1.0
    assert (ranker.predict(crowded) < ranker.predict(features[:300])).mean() > 0.9


def test_free_slopes_are_those_of_scikit_learn():
    rng = np.random.default_rng(2)
    Z = rng.standard_normal((4000, 6))
    y = rng.poisson(np.exp(-0.5 + Z @ np.array([0.4, -0.3, 0.2, 0.1, -0.1, 0.3]))).astype(float)
    weight = rng.uniform(0.2, 2.0, 4000)
    level, slopes = fit_poisson(Z, y, weight, bounded=np.zeros(6, dtype=bool))
    peer = PoissonRegressor(alpha=PENALTY, solver="newton-cholesky", tol=1e-10, max_iter=200).fit(Z, y, weight)
    np.testing.assert_allclose(slopes, peer.coef_, atol=1e-6)
    assert level == pytest.approx(peer.intercept_, abs=1e-6)


def test_bounded_slopes_are_the_best_there_are(lags):
    features, counts, weight = lags
    Z = (features - features.mean(axis=0)) / features.std(axis=0)
    bounded = np.arange(Z.shape[1]) < RECORDED
    level, slopes = fit_poisson(Z, counts, weight, bounded=bounded)
    share = weight / weight.sum()
    gradient = Z.T @ (share * (np.exp(level + Z @ slopes) - counts)) + PENALTY * slopes
    held = bounded & (slopes == 0)
    assert held.any(), "no bound is at work, so nothing is tried"
    # Kuhn-Tucker: a slope held at zero would only make things worse above it, any other has reached the bottom.
    assert gradient[held].min() > -1e-7
    assert np.abs(gradient[~held]).max() < 1e-7
    assert (slopes[bounded] >= 0).all()


def test_no_incident_of_any_category_fits_the_regression():
    level, slopes = fit_poisson(np.eye(5), np.zeros(5), np.ones(5), bounded=np.ones(5, dtype=bool))
    assert np.exp(level + slopes.max()) < 1e-6


@pytest.mark.parametrize("name", ["kernel", "poisson_glm", "additive_boosting", "ensemble"])
def test_without_its_last_month_no_place_is_told_more(incidents, grid, as_of, make_frame, name):
    lon, lat = grid.centres([9] * 12, [9] * 12)
    fresh = make_frame("THEFT", lon, lat, [as_of - timedelta(days=2 + 2 * i) for i in range(12)])
    rows = pl.concat([incidents, fresh])
    study = Study.of(rows, as_of=as_of, grid=grid)
    asked = {"as_of": as_of, "horizon_days": 28, "category": "THEFT", "grid": grid, "area_km2": 0.1}
    found = forecast_hotspots(rows, **asked, study=study, candidates=[name], fitted=6, tried=4)
    without = rank_without_recent(study, "THEFT", found.backtest.ranker, 28, found.expected, found.listed)
    told = found.expected[found.listed]
    assert (without.expected <= told * 1.001).all()
    assert (without.expected < told * 0.9).any()
