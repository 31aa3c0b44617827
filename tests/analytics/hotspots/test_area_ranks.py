"""Areas ranked by their cells: sums agree with the forecast, intervals hold, and the plain count stands beside."""

import polars as pl
import pytest
import shapely

from analytics.hotspots.area_ranks import AreaRanks
from data.schemas.advice import AreaHotspots


@pytest.fixture(scope="module")
def areas(make_areas):
    return make_areas(
        ("B1", "beat", "S1", (500_000, 4_000_000, 1000, 1000)),
        ("B2", "beat", "S1", (501_000, 4_000_000, 1000, 1000)),
        ("B3", "beat", "S2", (500_000, 4_001_000, 1000, 1000)),
        ("S1", "station", None, None),
        ("S2", "station", None, None),
    )


def test_beats_are_ranked_by_the_sum_of_their_cells(forecast, areas, grid):
    found, study = forecast()
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


def test_without_boundaries_nothing_is_ranked():
    ranks = AreaRanks(None, interval_level=0.8)
    ranks.look_at(None, None)
    assert ranks.table().is_empty() and ranks.verdicts == []
