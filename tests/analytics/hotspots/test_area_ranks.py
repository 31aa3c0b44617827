"""Areas ranked by their cells: sums agree with the forecast, intervals hold, and the plain count stands beside."""

import numpy as np
import polars as pl
import pytest
import shapely

from analytics.hotspots.area_ranks import AreaRanks
from analytics.hotspots.forecast import forecast_hotspots
from analytics.hotspots.study import Study
from data.schemas.advice import AreaHotspots


@pytest.fixture(scope="module")
def areas(grid):
    def square(left, low):
        x, y = [left, left + 1000, left + 1000, left], [low, low, low + 1000, low + 1000]
        return shapely.Polygon(np.column_stack(grid.unproject(x, y))).wkb

    corners = {"B1": (500_000, 4_000_000), "B2": (501_000, 4_000_000), "B3": (500_000, 4_001_000)}
    rows = [(code, "beat", "S1" if code < "B3" else "S2", square(*corner)) for code, corner in corners.items()]
    rows += [("S1", "station", None, None), ("S2", "station", None, None)]
    frame = pl.DataFrame(rows, schema=["area_code", "level", "parent_code", "geometry"], orient="row")
    return frame.with_columns(valid_from=pl.lit(None, dtype=pl.Date), valid_to=pl.lit(None, dtype=pl.Date))


def test_beats_are_ranked_by_the_sum_of_their_cells(incidents, areas, grid, as_of):
    study = Study.of(incidents, as_of=as_of, grid=grid)
    found = forecast_hotspots(
        incidents,
        as_of=as_of,
        horizon_days=28,
        category="THEFT",
        grid=grid,
        area_km2=0.05,
        study=study,
        tried=4,
        candidates=["count_365"],
    )
    ranks = AreaRanks(areas, interval_level=0.8)
    ranks.look_at(found, study)
    table = ranks.table()
    assert AreaHotspots.is_valid(table)
    # Two stations are too few for an order.
    assert set(table["level"]) == {"beat"}
    assert table["rank"].to_list() == [1, 2, 3]
    assert table["expected"].is_sorted(descending=True)
    lon, lat = grid.centres(study.lattice.columns, study.lattice.rows)
    inside = shapely.contains_xy(shapely.from_wkb(areas["geometry"][1]), lon, lat)
    beat = table.row(by_predicate=pl.col("area_code") == "B2", named=True)
    assert beat["expected"] == pytest.approx(found.expected[inside].sum(), rel=1e-5)
    assert beat["baseline_count"] == pytest.approx(found.baseline[inside].sum())
    assert (beat["station_code"], beat["beat_code"]) == ("S1", "B2")
    assert beat["area_km2"] == pytest.approx(1.0)
    listed = inside[found.listed].sum()
    assert beat["listed_places"] == listed
    assert (table["low"] <= table["expected"]).all() and (table["expected"] <= table["high"]).all()
    # A plain count ranks like a plain count.
    assert table["baseline_rank"].to_list() == [1, 2, 3]
    (verdict,) = ranks.verdicts
    assert (verdict["level"], verdict["periods"], verdict["top"]) == ("beat", 4, 1)
    assert verdict["hits"] == verdict["plain_hits"] > 0
    assert verdict["events"] <= found.backtest.rolled.newest[0].events * 8
    assert 0 <= verdict["coverage"] <= 1


def test_without_boundaries_nothing_is_ranked(incidents, grid, as_of):
    ranks = AreaRanks(None, interval_level=0.8)
    ranks.look_at(None, None)
    assert ranks.table().is_empty() and ranks.verdicts == []
