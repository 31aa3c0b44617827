"""Without last month: the model itself on a shorter record, ranked among all others as they are."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from analytics.hotspots.counterfactual import RECENT_DAYS, rank_without_recent
from analytics.hotspots.forecast import forecast_hotspots
from analytics.hotspots.history import day_number
from analytics.hotspots.study import Study


@pytest.fixture(scope="module")
def told(incidents, grid, as_of):
    from tests.analytics.hotspots.conftest import frame_of

    lon, lat = grid.centres([9] * 30, [9] * 30)
    fresh = frame_of("THEFT", lon, lat, [as_of - timedelta(days=1 + i % RECENT_DAYS) for i in range(30)])
    rows = pl.concat([incidents, fresh])
    study = Study.of(rows, as_of=as_of, grid=grid)
    asked = {"as_of": as_of, "horizon_days": 28, "category": "THEFT", "grid": grid, "area_km2": 0.05}
    found = forecast_hotspots(rows, **asked, study=study, candidates=["kernel"], fitted=6, tried=4)
    without = rank_without_recent(study, "THEFT", found.backtest.ranker, 28, found.expected, found.listed)
    return rows, study, found, without


def test_a_fresh_cluster_falls_far_and_lasting_places_stay(told):
    _, _, found, without = told
    ranks = dict(zip(found.cells.select("column", "row").iter_rows(), without.rank.tolist(), strict=True))
    assert (9, 9) in ranks
    assert ranks[9, 9] > 5
    lasting = [ranks[cell] for cell in ((3, 3), (15, 4), (7, 16))]
    assert max(lasting) <= 5


def test_it_is_the_model_on_the_record_without_last_month(told, grid, as_of):
    rows, study, found, without = told
    recent = (pl.col("category") == "THEFT") & (pl.col("occurred_on") >= as_of - timedelta(days=RECENT_DAYS))
    shorter = Study.of(rows.filter(~recent), as_of=as_of, grid=grid)
    features = shorter.panel("THEFT").period(day_number(as_of), 28, observed=False).features
    # Cells are those near any incident; the same cell may stand elsewhere in the shorter study.
    place = dict(zip(zip(shorter.lattice.columns, shorter.lattice.rows, strict=True), features, strict=True))
    full = study.lattice
    at = [place[full.columns[i], full.rows[i]] for i in found.listed]
    np.testing.assert_allclose(without.expected, found.backtest.ranker.predict(np.array(at)), rtol=0.02)
    for expected, rank, i in zip(without.expected, without.rank, found.listed, strict=True):
        assert rank == 1 + int((np.delete(found.expected, i) > expected).sum())


def test_a_place_with_nothing_recent_near_stays_where_it_is(incidents, grid, as_of):
    # Nothing of the category in the last month in the western half, and nothing at all of it between.
    column, _ = grid.index(incidents["lon"].to_numpy(), incidents["lat"].to_numpy())
    own = pl.col("category") == "THEFT"
    rows = incidents.with_columns(column=pl.Series(column)).filter(
        ~(own & (pl.col("column") < 19) & (pl.col("occurred_on") >= as_of - timedelta(days=RECENT_DAYS)))
    )
    study = Study.of(rows, as_of=as_of, grid=grid)
    asked = {"as_of": as_of, "horizon_days": 28, "category": "THEFT", "grid": grid, "area_km2": 0.4}
    found = forecast_hotspots(rows, **asked, study=study, candidates=["poisson_glm"], fitted=6, tried=4)
    without = rank_without_recent(study, "THEFT", found.backtest.ranker, 28, found.expected, found.listed)
    far = study.lattice.columns[found.listed] < 6
    assert far.any()
    np.testing.assert_allclose(without.expected[far], found.expected[found.listed][far], rtol=1e-5)
