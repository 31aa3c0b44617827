"""Hexagons, areas and street segments: incidents fall where they belong, sizes count, budgets are just reached."""

from datetime import date, timedelta

import h3
import numpy as np
import polars as pl
import pytest
import shapely

from analytics.hotspots.budget import Budget, places_for_patrol, sizes_of
from analytics.hotspots.forecast import forecast_hotspots
from analytics.hotspots.history import History, read_located
from analytics.hotspots.panel import Lattice
from analytics.hotspots.study import Study
from analytics.hotspots.units import UnitLattice, cut_hexagons, cut_segments, take_areas
from data.errors import RequestError

AS_OF = date(2023, 1, 1)
LEFT, LOW = 500_000.0, 4_000_000.0
CORNER = np.array([LEFT, LOW])


def at(x_m, y_m):
    n = len(x_m)
    day, weight = np.zeros(n, dtype=np.int64), np.ones(n)
    return History(LEFT + np.array(x_m, float), LOW + np.array(y_m, float), day, day, weight, np.ones(n, dtype=bool))


def square(grid, x, y, side):
    ring = [(x, y), (x + side, y), (x + side, y + side), (x, y + side)]
    return shapely.Polygon(np.column_stack(grid.unproject(*(np.array(ring) + CORNER).T)))


@pytest.fixture(scope="module")
def areas(grid):
    rows = [
        ("B1", "beat", "东", square(grid, 0, 0, 1000).wkb, None),
        ("B2", "beat", "西", square(grid, 1000, 0, 500).wkb, None),
        ("B3", "beat", None, square(grid, 0, 1000, 1000).wkb, None),
        ("OLD", "beat", None, square(grid, 0, 0, 2000).wkb, date(2020, 1, 1)),
        ("S1", "station", None, None, None),
    ]
    schema = {"area_code": pl.String, "level": pl.String, "name_zh": pl.String, "geometry": pl.Binary}
    frame = pl.DataFrame(rows, schema={**schema, "valid_to": pl.Date}, orient="row")
    return frame.with_columns(valid_from=pl.lit(None, dtype=pl.Date), name_en=pl.lit(None, dtype=pl.String))


@pytest.fixture(scope="module")
def base_map(grid):
    def line(*points):
        return shapely.LineString(np.column_stack(grid.unproject(*(np.array(points) + CORNER).T))).wkb

    rows = [
        ("r1", "street", "临河路", line((0, 500), (1000, 500))),
        ("r2", "main_street", "人民路", line((400, 0), (400, 900))),
        ("r3", "river", "清河", line((0, 100), (1000, 100))),
    ]
    frame = pl.DataFrame(rows, schema=["feature_id", "kind", "name_zh", "geometry"], orient="row")
    return frame.with_columns(name_en=pl.lit(None, dtype=pl.String))


def test_hexagons_cover_the_outline_and_hold_what_h3_says(grid):
    outline = square(grid, 0, 0, 1500)
    hexagons = cut_hexagons(grid, 9, outline)
    assert shapely.union_all(hexagons.shapes).buffer(1e-6).covers(outline)
    assert hexagons.total_size == pytest.approx(
        shapely.area(hexagons.shapes).sum() / shapely.area(outline) * 2.25, rel=1e-3
    )
    rng = np.random.default_rng(0)
    x, y = rng.uniform(50, 1450, (2, 200))
    found = hexagons.locate(at(x, y))
    lon, lat = grid.unproject(LEFT + x, LOW + y)
    assert [hexagons.ids[i] for i in found] == [h3.latlng_to_cell(b, a, 9) for a, b in zip(lon, lat, strict=True)]
    near = cut_hexagons(grid, 9, around=(lon[:1], lat[:1]))
    assert near.size == 19
    with pytest.raises(RequestError, match="no places to patrol"):
        cut_hexagons(grid, 4, outline)


def test_areas_are_those_valid_that_day_and_measured_in_metres(grid, areas):
    beats = take_areas(grid, areas, "beat", AS_OF)
    assert (beats.ids, beats.names) == (("B1", "B2", "B3"), ("东", "西", None))
    np.testing.assert_allclose(beats.sizes, [1, 0.25, 1], rtol=1e-6)
    # On the shared side the first counts; outside all none does.
    assert beats.locate(at([500, 1000, 1200, 1200], [500, 250, 400, 800])).tolist() == [0, 0, 1, -1]
    with pytest.raises(RequestError, match="It has: beat"):
        take_areas(grid, areas, "community", AS_OF)


def test_streets_are_cut_at_crossings_and_catch_what_is_near(grid, base_map):
    segments = cut_segments(grid, base_map, snap_m=50)
    assert segments.ids == ("r1:001", "r1:002", "r2:001", "r2:002")
    assert segments.names == ("临河路", "临河路", "人民路", "人民路")
    np.testing.assert_allclose(segments.sizes, [0.4, 0.6, 0.5, 0.4], rtol=1e-4)
    assert segments.locate(at([100, 900, 410, 395, 700], [510, 495, 100, 800, 300])).tolist() == [0, 1, 2, 3, -1]
    with pytest.raises(RequestError, match="no streets"):
        cut_segments(grid, base_map.filter(pl.col("kind") == "river"))
    with pytest.raises(RequestError, match="no streets"):
        cut_segments(grid, None)


def test_what_is_no_line_or_too_short_is_no_street(grid, base_map):
    usual = cut_segments(grid, base_map)
    odd = [("r4", square(grid, 0, 0, 300).wkb), ("r5", shapely.LineString().wkb)]
    kept = ["feature_id", "kind", "name_zh", "geometry", "name_en"]
    more = pl.DataFrame(
        [(code, "street", "广场", shape, None) for code, shape in odd],
        schema=dict(zip(kept, [pl.String] * 3 + [pl.Binary, pl.String], strict=True)),
        orient="row",
    )
    assert cut_segments(grid, pl.concat([base_map.select(kept), more])).ids == usual.ids
    with pytest.raises(RequestError, match="no streets"):
        cut_segments(grid, more)


def test_a_boundary_that_encloses_nothing_is_no_place(grid, areas):
    line = shapely.Polygon([(117.0, 36.0), (117.01, 36.0), (117.0, 36.0)]).wkb
    flat = areas.filter(pl.col("area_code") == "B2").with_columns(area_code=pl.lit("B9"), geometry=pl.lit(line))
    assert take_areas(grid, pl.concat([areas, flat]), "beat", AS_OF).ids == ("B1", "B2", "B3")
    with pytest.raises(RequestError, match="enclose nothing"):
        take_areas(grid, flat, "beat", AS_OF)


def test_neighbourhoods_are_averages(grid):
    hexagons = cut_hexagons(grid, 9, square(grid, 0, 0, 1500))
    total = np.random.default_rng(0).uniform(0, 5, (1, hexagons.size))
    np.testing.assert_array_equal(hexagons.smooth(total, 0.0), total)
    np.testing.assert_allclose(hexagons.smooth(np.full_like(total, 3.0), 2.0), 3.0)
    smoothed = hexagons.smooth(total, 1.0)
    assert smoothed.shape == total.shape
    assert total.min() <= smoothed.min() <= smoothed.max() <= total.max()
    assert hexagons.smooth(total, 4.0).std() < smoothed.std() < total.std()


def test_budgets_are_just_reached(grid, areas, base_map):
    beats, segments = take_areas(grid, areas, "beat", AS_OF), cut_segments(grid, base_map)
    order = np.array([1, 0, 2])
    assert Budget(area_km2=0.25).fill(order, beats).tolist() == [1]
    assert Budget(area_km2=0.26).fill(order, beats).tolist() == [1, 0]
    assert Budget(area_km2=99).fill(order, beats).tolist() == [1, 0, 2]
    assert Budget(places=2).fill(order, beats).tolist() == [1, 0]
    assert Budget(length_km=0.9).fill(np.array([2, 3, 0, 1]), segments).tolist() == [2, 3]
    assert Budget(length_km=1.0).typical_places(segments) == 2
    expected = np.array([4.0, 2.0, 3.0])
    # By area the small beat is worth most, by number of places it is not.
    assert np.argsort(-Budget(area_km2=1).scores(expected, beats)).tolist() == [1, 0, 2]
    assert np.argsort(-Budget(places=1).scores(expected, beats)).tolist() == [0, 2, 1]
    cells = Lattice.of_cells(grid, np.array([0, 1, 2]), np.array([0, 0, 0]))
    assert Budget(area_km2=0.015).fill(order, cells).tolist() == [1, 0]
    np.testing.assert_allclose(sizes_of(cells), 0.01)
    for wrong, lattice in ((Budget(area_km2=1), segments), (Budget(length_km=1), beats), (Budget(length_km=1), cells)):
        with pytest.raises(RequestError, match="segments"):
            wrong.typical_places(lattice)
    for wrong in ({}, {"area_km2": 1, "places": 1}, {"area_km2": -1}, {"places": 0}):
        with pytest.raises(RequestError, match="one budget"):
            Budget(**wrong)


def test_patrol_hours_hold_as_many_places_as_stops_fit():
    # 15 minutes every two hours of eight: one hour a place and shift.
    assert places_for_patrol(10) == 10
    assert places_for_patrol(10, dwell_minutes=12, visits_per_shift=5) == 10
    assert places_for_patrol(1.4, dwell_minutes=10, visits_per_shift=2) == 4
    with pytest.raises(RequestError, match="do not hold one place"):
        places_for_patrol(0.5)


@pytest.fixture(scope="module")
def hexagons(incidents, grid):
    located = read_located(incidents, grid, as_of=AS_OF)
    lon, lat = grid.unproject(located.rows.x_m, located.rows.y_m)
    return cut_hexagons(grid, 10, around=(lon, lat))


def rank(incidents, units: UnitLattice, **more):
    study = Study.of(incidents, as_of=AS_OF, grid=units.grid, units=units)
    asked = {"as_of": AS_OF, "horizon_days": 28, "category": "THEFT", "grid": units.grid, "area_km2": 0.06}
    return forecast_hotspots(
        incidents, **asked | {"fitted": 6, "candidates": ["count_365", "kernel"]} | more, study=study
    )


def test_a_forecast_of_hexagons_finds_the_hot_ones_and_explains_them(incidents, hexagons, grid):
    found = rank(incidents, hexagons)
    cells = found.cells
    assert found.parameters["unit"] == "h3"
    assert cells["size"].sum() >= 0.06 > cells["size"][:-1].sum()
    density = cells["expected"] / cells["size"]
    assert density.is_sorted(descending=True)
    hottest = grid.unproject(LEFT + 350, LOW + 350)
    flagged = shapely.union_all(shapely.from_wkb(cells["geometry"].to_numpy()))
    assert flagged.contains(shapely.Point(*hottest))
    for expected, reasons in cells.select("expected", "reasons").iter_rows():
        assert sum(r["contribution"] for r in reasons) == pytest.approx(np.log(expected), abs=2e-6)
    shuffled = rank(incidents.sample(fraction=1.0, shuffle=True, seed=3), hexagons)
    assert shuffled.cells.equals(cells)


def test_nothing_after_as_of_moves_a_segment(incidents, grid, base_map, make_frame):
    segments = cut_segments(grid, base_map, snap_m=200)
    asked = {"budget": Budget(length_km=0.5), "candidates": ["count_365"], "tried": 4}
    found = rank(incidents, segments, **asked)
    assert found.cells["size"].sum() >= 0.5
    assert found.cells["name"].is_in(["临河路", "人民路"]).all()
    lon, lat = grid.unproject([LEFT + 100] * 50, [LOW + 500] * 50)
    later = make_frame("THEFT", lon, lat, [AS_OF + timedelta(days=i % 9) for i in range(50)])
    assert rank(pl.concat([incidents, later]), segments, **asked).cells.equals(found.cells)
