"""What patrol hours reach: sums from the top of a list, for the force and for each area a commander may have."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.hotspots.evaluation import average_hits
from analytics.hotspots.reach import Reach, catch_from_top
from data.schemas.advice import PatrolReach


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 9)), min_size=1, max_size=30))
def test_every_length_catches_what_an_average_over_equal_scores_does(places):
    score, counts = np.array(places, dtype=float).T
    caught = catch_from_top(score, counts, len(places))
    assert caught.tolist() == pytest.approx([average_hits(score, counts, n) for n in range(1, len(places) + 1)])


def test_the_list_is_added_up_from_the_top_for_each_area(forecast, two_stations, grid):
    found, study = forecast(candidates=["count_365", "kernel"])
    reach = Reach(two_stations)
    reach.look_at(found, study)
    table = reach.table()
    assert PatrolReach.is_valid(table)
    whole = table.filter(pl.col("area_code").is_null())
    assert whole["places"].to_list() == [1, 2, 3, 4, 5]
    assert whole["expected"].to_list() == pytest.approx(np.cumsum(found.expected[found.listed]), rel=1e-5)
    assert whole["expected_all"].unique().to_list() == pytest.approx([found.expected.sum()], rel=1e-5)
    # No choice of five places expects more than the five highest.
    assert (whole["plain_expected"] <= whole["expected"] + 1e-5).all()
    rolled = found.backtest.rolled
    for column, scores in (("hits", found.backtest.told), ("plain_hits", [p.baseline for p in rolled.newest])):
        caught = sum(average_hits(s, c, 5) for s, c in zip(scores, found.backtest.observed, strict=True))
        assert whole[column][-1] == pytest.approx(caught)
    assert whole["events"][0] == sum(p.events for p in rolled.newest) >= whole["hits"][-1] > 0
    # Both stations are all of the sub-bureau, and of the city.
    parts = {code: part for (code,), part in table.group_by("area_code", maintain_order=True) if code}
    assert parts["F"]["expected"].equals(whole["expected"])
    inside = (
        study.grid.centres(study.lattice.columns, study.lattice.rows)[0] < grid.unproject([501_000], [4_000_000])[0]
    )
    listed = found.listed[inside[found.listed]]
    assert parts["S1"]["expected"].to_list() == pytest.approx(np.cumsum(found.expected[listed]), rel=1e-5)
    assert parts["S1"].height + parts["S2"].height == 5
    # Cells beside the city belong to the force alone.
    shared = parts["S1"]["expected_all"][0] + parts["S2"]["expected_all"][0]
    assert 0.9 * found.expected.sum() < shared < found.expected.sum()


def test_without_areas_only_the_whole_force_is_added_up(forecast):
    found, study = forecast(area_km2=0.03)
    reach = Reach(None)
    reach.look_at(found, study)
    assert reach.table()["area_level"].unique().to_list() == [None]
    # A plain count reaches what the plain count reaches.
    assert reach.table()["hits"].equals(reach.table()["plain_hits"])
