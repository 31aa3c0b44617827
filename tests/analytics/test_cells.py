"""Cells: equal, without gaps or overlaps, in metres whatever the unit of the reference system."""

import math

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.cells import Grid, cells_for_area, merge_polygons, metres_per_unit
from data.errors import RequestError

FEET = "EPSG:2913"
METRES = "EPSG:32650"


def test_a_system_in_feet_is_converted_by_its_own_unit():
    assert metres_per_unit(FEET) == 0.3048
    assert metres_per_unit(METRES) == 1.0
    # US survey foot
    assert metres_per_unit("ESRI:102696") == pytest.approx(1200 / 3937, rel=1e-12)


def test_76_2_metres_are_250_feet():
    grid = Grid(FEET, 76.2)
    feet = np.array([7_640_000.0, 7_640_249.0, 7_640_250.0, 7_640_499.999])
    column, row = grid.index_metres(feet * 0.3048, np.full(4, 685_000 * 0.3048))
    assert column.tolist() == (feet // 250).astype(int).tolist() == [30560, 30560, 30561, 30561]
    assert set(row.tolist()) == {2740}


def test_a_point_on_a_side_belongs_to_the_right_and_upper_cell():
    column, row = Grid(METRES, 100).index_metres([299.99, 300.0, -0.01], [0.0, -100.0, 99.99])
    assert column.tolist() == [2, 3, -1]
    assert row.tolist() == [0, -1, 0]


def test_a_quarter_turn_swaps_the_axes():
    column, row = Grid(METRES, 10, rotation_deg=90).index_metres([-5.0], [25.0])
    assert (column[0], row[0]) == (2, 0)


def test_going_through_degrees_and_back_keeps_every_corner_in_its_cell():
    grid = Grid(FEET, 76.2)
    x, y = np.meshgrid(np.arange(30_560, 30_600) * 76.2, np.arange(2_740, 2_760) * 76.2)
    lon, lat = grid.unproject(x.ravel(), y.ravel())
    column, row = grid.index(lon, lat)
    assert (column == np.round(x.ravel() / 76.2)).all()
    assert (row == np.round(y.ravel() / 76.2)).all()


@settings(max_examples=40, deadline=None)
@given(
    cell=st.floats(20, 800),
    turn=st.floats(-90, 90),
    shift=st.tuples(st.floats(-500, 500), st.floats(-500, 500)),
    point=st.tuples(st.floats(490_000, 510_000), st.floats(3_990_000, 4_010_000)),
)
def test_every_point_lies_in_the_square_of_its_cell(cell, turn, shift, point):
    grid = Grid(METRES, cell).shifted(*shift, rotation_deg=turn)
    column, row = grid.index_metres([point[0]], [point[1]])
    x, y = grid.centres_metres(column, row)
    angle = math.radians(turn)
    dx, dy = point[0] - x[0], point[1] - y[0]
    across, along = dx * math.cos(angle) + dy * math.sin(angle), dy * math.cos(angle) - dx * math.sin(angle)
    assert max(abs(across), abs(along)) <= cell / 2 + 1e-3


@settings(max_examples=20, deadline=None)
@given(turn=st.floats(-180, 180), column=st.integers(0, 50), row=st.integers(0, 50))
def test_rings_are_anticlockwise_equal_and_share_only_sides(turn, column, row):
    grid = Grid(METRES, 120, 500_000, 4_000_000, turn)
    corners = grid.rings([column, column + 1], [row, row]).reshape(2, 4, 2)
    drawn = [shapely.Polygon(ring) for ring in corners]
    assert all(shapely.is_ccw(shape.exterior) for shape in drawn)
    assert shapely.area(shapely.intersection(*drawn)) < 1e-6 * drawn[0].area
    planes = [shapely.Polygon(np.column_stack(grid.project(ring[:, 0], ring[:, 1]))) for ring in corners]
    assert [p.area for p in planes] == pytest.approx([120**2] * 2, rel=1e-6)


def test_cells_of_a_study_area_hold_all_of_it():
    grid = Grid(METRES, 100, rotation_deg=20)
    lon, lat = grid.unproject([500_000, 500_950, 500_400], [4_000_000, 4_000_100, 4_000_700])
    area = shapely.Polygon(np.column_stack([lon, lat]))
    columns, rows = grid.cells_touching(area)
    cells = shapely.union_all([shapely.Polygon(r) for r in grid.rings(columns, rows).reshape(-1, 4, 2)])
    assert shapely.area(shapely.difference(area, cells)) < 1e-6 * area.area
    # No farther than half a diagonal (71 m) plus the allowance for simplification.
    plane = shapely.Polygon([(500_000, 4_000_000), (500_950, 4_000_100), (500_400, 4_000_700)])
    centres = shapely.points(*grid.centres_metres(columns, rows))
    assert shapely.distance(centres, plane).max() < 71 + 12
    assert grid.area_km2(area) == pytest.approx(plane.area / 1e6, rel=1e-6)


def test_overlapping_polygons_count_once():
    one, other = shapely.box(117.0, 36.0, 117.01, 36.01), shapely.box(117.0, 36.0, 117.005, 36.01)
    grid = Grid(METRES, 100)
    assert grid.area_km2(merge_polygons([one.wkb, other])) == pytest.approx(grid.area_km2(one), rel=1e-9)


def test_the_budget_is_reached_with_the_fewest_cells():
    grid = Grid(FEET, 76.2)
    assert cells_for_area(0.65, grid) == 112  # 111.94 cells
    assert cells_for_area(111 * grid.cell_km2, grid) == 111
    assert cells_for_area(1e-6, grid) == 1


def test_place_ids_tell_grids_apart():
    grid = Grid(METRES, 100)
    assert grid.place_ids([1, 2], [3, 3]) == [f"{grid.key}:1:3", f"{grid.key}:2:3"]
    assert grid.shifted(10, 0).place_ids([1], [3]) != grid.place_ids([1], [3])


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:999999", "nonsense"])
def test_a_system_that_is_not_projected_is_refused(crs):
    with pytest.raises(RequestError, match="reference system"):
        Grid(crs, 100)


@pytest.mark.parametrize("cell_m", [0.0, -5.0, math.nan, math.inf])
def test_a_side_must_be_positive(cell_m):
    with pytest.raises(RequestError, match="cell_m"):
        Grid(METRES, cell_m)


@pytest.mark.parametrize("area", [0.0, -1.0, math.nan])
def test_the_budget_must_be_positive(area):
    with pytest.raises(RequestError, match="area_km2"):
        cells_for_area(area, Grid(METRES, 100))
