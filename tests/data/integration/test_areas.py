"""Areas: a point lies in the polygon that held on its day; codes climb to the parents."""

from __future__ import annotations

import random
from datetime import date

import polars as pl
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from data.integration.areas import AreaFinder, assign_areas, locate_points, parents_of
from data.integration.joined_areas import join_children
from data.schemas import Areas
from data.sources.mapping import Parents


def area(code: str, level: str, parent: str | None, box: tuple[float, ...] | None, **more: object) -> dict[str, object]:
    return {
        "record_key": f"{level}-{code}-{more.get('valid_from')}",
        "source": "t",
        "load_id": "L",
        "source_file": "f",
        "source_line": 2,
        "area_code": code,
        "level": level,
        "parent_code": parent,
        "geometry": None if box is None else shapely.to_wkb(shapely.box(*box)),
        "area_km2": 1.0,
        **more,
    }


def areas(*rows: dict[str, object]) -> pl.DataFrame:
    schema = Areas.create_empty().schema
    return pl.DataFrame([{**dict.fromkeys(schema), **row} for row in rows], schema=schema)


def records(*rows: tuple[object, ...]) -> pl.DataFrame:
    schema = {
        "lon": pl.Float64,
        "lat": pl.Float64,
        "on": pl.Date,
        "stated_community": pl.String,
        "stated_beat": pl.String,
        "stated_station": pl.String,
    }
    return pl.DataFrame(rows, schema=schema, orient="row").with_row_index("row")


CITY = areas(
    area("c1", "community", "b1", (0, 0, 1, 1)),
    area("c2", "community", "b2", (1, 0, 2, 1)),
    area("b1", "beat", "s1", None),
    area("b2", "beat", "s1", None),
)


def test_codes_by_point_then_parent_then_statement() -> None:
    found = assign_areas(
        records(
            (0.5, 0.5, None, "c2", "b9", "s9"),
            (5.0, 5.0, None, "c2", None, None),
            (None, None, None, None, "b2", None),
            (None, None, None, None, None, "s7"),
            (None, None, None, "c1", "b2", None),
        ),
        CITY,
    )
    assert found.rows() == [
        (0, "c1", "b1", "s1"),
        (1, "c2", "b2", "s1"),
        (2, None, "b2", "s1"),
        (3, None, None, "s7"),
        (4, "c1", "b2", "s1"),
    ]


def test_a_point_on_a_border_goes_to_the_first_code_whatever_the_order_of_rows() -> None:
    points = records((1.0, 0.5, None, None, None, None)).select("row", "lon", "lat", "on")
    for rows in (CITY, CITY.reverse()):
        assert locate_points(points, rows, "community").rows() == [(0, "c1")]


def test_a_boundary_holds_from_its_first_day_to_the_day_before_its_last() -> None:
    moved = areas(
        area("old", "beat", None, (0, 0, 1, 1), valid_to=date(2025, 7, 1)),
        area("new", "beat", None, (0, 0, 1, 1), valid_from=date(2025, 7, 1)),
    )
    points = records(*((0.5, 0.5, day, None, None, None) for day in (date(2025, 6, 30), date(2025, 7, 1), None)))
    found = locate_points(points.select("row", "lon", "lat", "on"), moved, "beat").sort("row")
    assert found["code"].to_list() == ["old", "new", "new"]


def test_a_parent_is_that_of_the_day_too() -> None:
    first = date(2025, 7, 1)
    moved = areas(
        area("b1", "beat", "s1", (0, 0, 1, 1), valid_to=first),
        area("b1", "beat", "s2", (0, 0, 1, 1), valid_from=first),
        area("b2", "beat", "s2", (1, 0, 2, 1)),
    )
    days = (date(2025, 6, 30), first, None)
    found = assign_areas(records(*((0.5, 0.5, day, None, None, None) for day in days)), moved)
    assert found["station_code"].to_list() == ["s1", "s2", "s2"]
    # The same for a beat that the source only states.
    stated = assign_areas(records(*((None, None, day, None, "b1", None) for day in days)), moved)
    assert stated["station_code"].to_list() == ["s1", "s2", "s2"]


def test_a_shape_without_any_point_is_no_area(recwarn: pytest.WarningsRecorder) -> None:
    empty = {**area("x", "beat", None, None), "geometry": shapely.to_wkb(shapely.Polygon())}
    finder = AreaFinder(areas(empty, area("b1", "beat", None, (0, 0, 1, 1))))
    assert finder.box == (0.0, 0.0, 1.0, 1.0)
    assert assign_areas(records((0.5, 0.5, None, None, None, None)), finder)["beat_code"].to_list() == ["b1"]
    assert not recwarn.list


def test_a_polygon_that_crosses_itself_is_repaired() -> None:
    bow_tie = shapely.Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])
    crossed = areas({**area("x", "beat", None, None), "geometry": shapely.to_wkb(bow_tie)})
    points = records((1.9, 1.0, None, None, None, None), (1.0, 1.9, None, None, None, None))
    assert locate_points(points.select("row", "lon", "lat", "on"), crossed, "beat").rows() == [(0, "x")]


def test_a_parent_is_looked_for_at_every_larger_level() -> None:
    skipping = areas(
        area("v", "community", "d", None), area("d", "station", None, None), area("w", "community", "q", None)
    )
    assert parents_of(skipping)["community"] == {"v": ("station", "d"), "w": ("beat", "q")}


def test_parents_are_the_sum_of_their_children() -> None:
    children = areas(area("b1", "beat", "s1", (0, 0, 1, 1)), area("b2", "beat", "s1", (1, 0, 2, 1)))
    made = join_children(children, Parents(level="station", name_zh={"s1": "一所"}), "t")
    assert made.select("area_code", "level", "name_zh", "area_km2", "load_id").rows() == [
        ("s1", "station", "一所", 2.0, "L")
    ]
    assert shapely.from_wkb(made["geometry"][0]).equals(shapely.box(0, 0, 2, 1))
    assert Areas.is_valid(made)


def test_parents_change_on_the_day_their_children_do() -> None:
    first = date(2025, 7, 1)
    children = areas(
        area("b1", "beat", "s1", (0, 0, 1, 1), valid_to=first),
        area("b1", "beat", "s2", (0, 0, 1, 1), valid_from=first),
        area("b2", "beat", "s1", (1, 0, 2, 1)),
    )
    made = join_children(children, Parents(level="station"), "t").sort("area_code", "valid_from", nulls_last=False)
    assert made.select("record_key", "valid_from", "valid_to", "area_km2").rows() == [
        ("t:area-station-s1", None, first, 2.0),
        ("t:area-station-s1-2025-07-01", first, None, 1.0),
        ("t:area-station-s2-2025-07-01", first, None, 1.0),
    ]
    assert shapely.from_wkb(made["geometry"][1]).equals(shapely.box(1, 0, 2, 1))


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), large=st.booleans())
def test_places_are_found_as_one_by_one(seed: int, large: bool) -> None:
    chance = random.Random(seed)
    rows = [area("all", "station", None, (-170, -80, 170, 80))] if large else []
    for number in range(chance.randrange(12)):
        west, south = chance.uniform(-5, 5), chance.uniform(-5, 5)
        size = chance.choice([0.01, 0.5, 3])
        rows.append(area(f"b{number:02}", "beat", None, (west, south, west + size, south + size)))
    table = areas(*rows)
    finder = AreaFinder(table)
    for _ in range(3):
        points = records(
            *((chance.randrange(-60, 60) / 10, chance.randrange(-60, 60) / 10, *[None] * 4) for _ in range(40))
        )
        found = assign_areas(points, finder)
        for row, lon, lat in points.select("row", "lon", "lat").iter_rows():
            point = shapely.Point(lon, lat)
            inside = [one for one in table.rows(named=True) if shapely.from_wkb(one["geometry"]).intersects(point)]
            expected = min((one["area_code"] for one in inside if one["level"] == "beat"), default=None)
            assert found["beat_code"][row] == expected
            assert found["station_code"][row] == ("all" if large else None)
