"""Records that stop, begin late or are all but empty: a sound forecast, or one sentence on why there is none."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from analytics.hotspots.forecast import HotspotForecast, forecast_hotspots
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
