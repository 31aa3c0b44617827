"""Records that stop, begin late or are all but empty: a sound forecast, or one sentence on why there is none."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from analytics.hotspots.forecast import HotspotForecast, forecast_hotspots
from analytics.hotspots.panel import SEASON, feature_names
from analytics.hotspots.rankers import make_ranker
from analytics.hotspots.tables import hotspot_tables
from data.errors import RequestError


def forecast(rows: pl.DataFrame, grid, as_of: date, horizon_days: int = 28) -> HotspotForecast:
    return forecast_hotspots(
        rows, as_of=as_of, horizon_days=horizon_days, category="THEFT", grid=grid, area_km2=0.1, tried=8, fitted=12
    )


def cut(incidents: pl.DataFrame, keep: pl.Expr) -> pl.DataFrame:
    return incidents.filter((pl.col("category") != "THEFT") | keep)


@pytest.mark.parametrize("stopped_days", [40, 200, 250, 300, 340, 400, 900])
def test_a_category_that_stopped(incidents, grid, as_of, stopped_days):
    rows = cut(incidents, pl.col("occurred_on") < as_of - timedelta(days=stopped_days))
    if stopped_days >= 12 * 28:
        with pytest.raises(RequestError, match="no incident of it is known at a place in the 336 days"):
            forecast(rows, grid, as_of)
        return
    sound(forecast(rows, grid, as_of))


@pytest.mark.parametrize("begun_days", [5, 30, 60, 200, 500])
def test_a_category_that_began_late(incidents, grid, as_of, begun_days):
    rows = cut(incidents, pl.col("occurred_on") >= as_of - timedelta(days=begun_days))
    if begun_days <= 30:
        with pytest.raises(RequestError, match="the history is too short"):
            forecast(rows, grid, as_of)
        return
    sound(forecast(rows, grid, as_of))


@pytest.mark.parametrize("kept", [1, 2, 5])
@pytest.mark.parametrize("horizon_days", [7, 28, 90])
def test_a_handful_of_incidents(incidents, grid, as_of, kept, horizon_days):
    own = incidents.filter(pl.col("category") == "THEFT").sample(kept, seed=1)
    rows = pl.concat([own, incidents.filter(pl.col("category") != "THEFT")])
    try:
        sound(forecast(rows, grid, as_of, horizon_days))
    except RequestError as error:
        assert "no incident of it is known" in error.problem


def sound(found: HotspotForecast) -> None:
    assert np.isfinite(found.expected).all() and (found.expected > 0).all()
    assert found.cells.height == found.parameters["cells_flagged"] > 0
    assert (found.cells["low"] <= found.cells["high"]).all()
    assert found.verdict


@pytest.mark.parametrize("name", ["poisson_glm", "additive_boosting", "ensemble", "kernel"])
def test_a_feature_that_only_varies_after_the_fit_moves_nothing_beyond_what_was_seen(name):
    # The season before there was an earlier year: all but constant in fitting, then a thousand times as wide.
    rng = np.random.default_rng(3)
    features = np.log(rng.gamma(2.0, 0.5, (4000, len(feature_names()))))
    features[:, SEASON] = -9 + 1e-7 * rng.standard_normal(4000)
    counts = rng.poisson(0.2 * np.exp(features[:, 0])).astype(float)
    ranker = make_ranker(name).fit(features, counts, np.ones(4000))
    later = features[:200].copy()
    later[:, SEASON] = np.linspace(-9, 0, 200)
    told = ranker.predict(later)
    assert told.max() < 3 * max(counts.max(), ranker.predict(features).max())
    base, parts = ranker.explain(later)
    np.testing.assert_allclose(base + parts.sum(axis=1), np.log(told), atol=1e-9)


def test_an_edition_names_the_category_that_stopped_and_keeps_the_others(incidents, grid, as_of):
    rows = cut(incidents, pl.col("occurred_on") < as_of - timedelta(days=500))
    found = hotspot_tables(
        rows,
        None,
        None,
        as_of=as_of,
        horizons=[28],
        categories=["THEFT", "NOISE"],
        grid=grid,
        area_km2=0.1,
        seed=0,
        edition_id="E20230101-0123456789",
        timezone="UTC",
    )
    told = {each["category"]: each["verdict"] for each in found.verdicts}
    assert told["THEFT"].startswith("no forecast: no incident of it is known at a place")
    assert set(found.tables["hotspots"]["category"]) == {"NOISE"}


def test_one_stray_point_does_not_stretch_the_map_to_itself(incidents, grid, as_of, make_frame):
    usual = forecast(incidents, grid, as_of)
    for lon, lat in ((0.0, 0.0), (11.7, 36.1), (-153.0, 0.0)):
        stray = make_frame("NOISE", [lon], [lat], [as_of - timedelta(days=100)])
        told = forecast(pl.concat([incidents, stray]), grid, as_of)
        assert told.parameters["cells_studied"] == usual.parameters["cells_studied"]
        assert told.cells["place_id"].to_list() == usual.cells["place_id"].to_list()


def test_points_all_over_the_country_are_refused_in_a_sentence(incidents, grid, as_of, make_frame):
    rng = np.random.default_rng(0)
    days = [as_of - timedelta(days=int(d)) for d in rng.integers(1, 900, 300)]
    rows = make_frame("THEFT", rng.uniform(115, 119, 300), rng.uniform(30, 40, 300), days)
    with pytest.raises(RequestError, match="reach too far for cells of 100 m"):
        forecast(rows, grid, as_of)
