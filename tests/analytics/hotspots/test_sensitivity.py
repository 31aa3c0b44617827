"""Grids moved, turned and resized: same incidents, same area, and only the grid differs."""

from datetime import date

import pytest

from analytics.cells import Grid
from analytics.hotspots.sensitivity import change_grids, grid_sensitivity, tell_sensitivity, try_grids
from data.errors import RequestError
from data.schemas.models import GridSensitivity


def tried(incidents, grids, as_of, **more):
    asked = {"as_of": as_of, "horizon_days": 28, "category": "THEFT", "area_km2": 0.04, "ranker": "count_1095"}
    return try_grids(incidents, grids, **asked | {"origins": 4} | more)


def test_grids_are_moved_turned_and_resized_one_at_a_time(grid):
    changed = change_grids(grid, shifts=[(0.5, 0.25)], turns_deg=[30], sides=[2])
    assert [change for change, _, _ in changed] == ["as_asked", "shift", "turn", "size"]
    assert changed[0][2] == grid
    assert changed[1][1] == (50, 25)
    assert changed[1][2] == Grid(grid.crs, 100, 500_050, 4_000_025)
    assert (changed[2][2].rotation_deg, changed[2][2].cell_m) == (30, 100)
    assert (changed[3][2].rotation_deg, changed[3][2].cell_m) == (0, 200)


def test_moving_by_a_whole_cell_changes_nothing_and_by_half_a_cell_does(incidents, grid, as_of):
    grids = [("as_asked", (0.0, 0.0), grid), ("shift", (100.0, 0.0), grid.shifted(100, 0))]
    grids.append(("shift", (50.0, 50.0), grid.shifted(50, 50)))
    same, whole, half = tried(incidents, grids, as_of)
    assert (same.overlap, same.places) == (pytest.approx(1), 4)
    assert whole.overlap == pytest.approx(1)
    assert whole.hits == same.hits
    assert {same.events, whole.events, half.events} == {same.events}
    # The true hot cells are those of the grid as asked: half a cell off catches about a quarter of each.
    assert half.overlap == pytest.approx(0.25, abs=0.05)
    assert half.hits < 0.5 * same.hits
    # 4 of the cells' 0.01 km² against a map of about 4 km² hold most of the thefts.
    assert same.pai == pytest.approx(same.hits / same.events / (0.04 / _map_km2(incidents, grid, as_of)))
    text = tell_sensitivity([same, half])
    assert f"PAI {half.pai:.2f} to {same.pai:.2f}" in text
    assert "shifted 50 m right, 50 m up" in text


def _map_km2(incidents, grid, as_of):
    from analytics.hotspots.study import Study

    return Study.of(incidents, as_of=as_of, grid=grid).total_km2


def test_turned_and_resized_grids_flag_the_same_area(incidents, grid, as_of):
    asked, turned, larger = tried(incidents, change_grids(grid, (), [30], [2]), as_of)
    assert (turned.places, larger.places) == (4, 1)
    assert 0 < turned.overlap < 1
    assert larger.overlap == pytest.approx(0.25)
    assert turned.to_dict()["hit_rate"] == turned.hits / turned.events
    assert asked.hits > turned.hits > 0


def test_a_budget_larger_than_the_map_is_the_map(incidents, grid, as_of):
    (all_of_it,) = tried(incidents, change_grids(grid, [], [], []), as_of, area_km2=1e4)
    assert all_of_it.hits == all_of_it.events
    assert all_of_it.pai == pytest.approx(1)


def test_a_short_history_is_refused(incidents, grid):
    with pytest.raises(RequestError, match="too short"):
        tried(incidents, change_grids(grid, (), (), ()), date(2020, 3, 15))


def test_an_edition_tries_a_few_grids_for_all_its_categories(incidents, grid, as_of):
    asked = {"as_of": as_of, "horizon_days": 28, "grid": grid, "area_km2": 0.04, "origins": 4, "seed": 0}
    table = grid_sensitivity(incidents, None, categories=["THEFT", "NOISE"], **asked)
    assert GridSensitivity.is_valid(table)
    assert table["category"].to_list() == ["THEFT"] * 6 + ["NOISE"] * 6
    assert table.group_by("change").len().sort("change").rows() == [
        ("as_asked", 2),
        ("shift", 4),
        ("turn", 2),
        ("size", 4),
    ]
    same = table.filter(change="as_asked")
    assert same["overlap"].to_list() == [1.0, 1.0]
    # What one category gets does not hang on the others.
    assert grid_sensitivity(incidents, None, categories=["NOISE"], **asked).equals(table.filter(category="NOISE"))
    assert grid_sensitivity(incidents, None, categories=[], **asked).is_empty()
