"""Hexagons and streets of an edition: forecasts of their own, as many as the area has room for, and how they did."""

import numpy as np
import polars as pl
import pytest
import shapely

from analytics.hotspots.unit_ranks import rank_units
from data.schemas.advice import UnitHotspots

AREA_KM2 = 0.25


@pytest.fixture(scope="module")
def base_map(grid):
    """Streets every 200 m both ways, through the middle of cells."""

    def line(*points):
        return shapely.LineString(np.column_stack(grid.unproject(*np.add(points, [500_000, 4_000_000]).T))).wkb

    rows = []
    for i in range(1, 20, 2):
        rows.append((f"e{i:02d}", "street", f"东{i}路", None, line((0, 100 * i + 50), (2000, 100 * i + 50))))
        rows.append((f"n{i:02d}", "main_street", None, f"North {i}", line((100 * i + 50, 0), (100 * i + 50, 2000))))
    rows.append(("w1", "river", "清河", None, line((0, 0), (2000, 2000))))
    schema = {"feature_id": pl.String, "kind": pl.String, "name_zh": pl.String, "name_en": pl.String}
    return pl.DataFrame(rows, schema={**schema, "geometry": pl.Binary}, orient="row")


@pytest.fixture(scope="module")
def areas():
    schema = {"area_code": pl.String, "level": pl.String, "parent_code": pl.String, "geometry": pl.Binary}
    return pl.DataFrame(schema={**schema, "valid_from": pl.Date, "valid_to": pl.Date})


@pytest.fixture(scope="module")
def ranked(incidents, areas, base_map, grid, as_of):
    return ask(incidents, areas, base_map, grid, as_of)


def ask(incidents, areas, base_map, grid, as_of, **more):
    asked = {"as_of": as_of, "horizon_days": 28, "categories": ["THEFT"], "grid": grid, "area_km2": AREA_KM2}
    return rank_units(incidents, areas, base_map, **asked | {"interval_level": 0.8, "origins": 4, "seed": 0} | more)


def test_both_kinds_are_listed_by_what_they_expect(ranked, grid):
    table = ranked.table
    assert UnitHotspots.is_valid(table)
    for kind in ("h3", "segment"):
        rows = table.filter(unit=kind)
        assert rows["rank"].to_list() == list(range(1, rows.height + 1))
        assert rows["expected"].is_sorted(descending=True)
        for expected, reasons in rows.select("expected", "reasons").iter_rows():
            assert sum(r["contribution"] for r in reasons) == pytest.approx(np.log(expected), abs=2e-6)
    hexagons = table.filter(unit="h3")
    # As many hexagons as just cover the area, and as many pieces of street as it has cells of a hectare.
    assert hexagons["area_km2"].sum() >= AREA_KM2 * 0.99 and hexagons["area_km2"][:-1].sum() < AREA_KM2
    assert hexagons["length_m"].null_count() == hexagons.height
    assert table.filter(unit="segment").height == 25
    # The busiest cell lies in the first hexagon.
    first = shapely.from_wkb(hexagons["geometry"][0])
    busiest = shapely.Point(*(float(c[0]) for c in grid.unproject([500_350], [4_000_350])))
    assert first.contains(busiest)


def test_a_piece_of_street_is_called_by_the_streets_it_ends_at(ranked):
    segments = ranked.table.filter(unit="segment")
    assert segments["length_m"].is_between(100, 200).all() and segments["area_km2"].null_count() == segments.height
    by_id = {row["place_id"]: row for row in segments.to_dicts()}
    # 350 m east, 350 m north: both streets cross there, and four pieces meet.
    touching = [row for row in by_id.values() if {row["from_street"], row["to_street"]} & {"North 3", "东3路"}]
    assert touching
    for row in segments.to_dicts():
        across = "North" if row["street"].startswith("东") else "东"
        ends = [end for end in (row["from_street"], row["to_street"]) if end]
        assert ends and all(end.startswith(across) for end in ends)


def test_the_manifest_tells_how_past_lists_did_beside_the_plain_count(ranked):
    for verdict in ranked.verdicts:
        assert verdict["periods"] == 4
        assert 0 < verdict["plain_hits"] <= verdict["events"] and 0 < verdict["hits"] <= verdict["events"]
        assert 0 <= verdict["coverage"] <= 1
    on_places = {verdict["unit"]: verdict["on_places"] for verdict in ranked.verdicts}
    assert on_places["h3"] == 1.0
    # Streets run through every second cell, 50 m beside them counts: only cells between four streets are left out.
    assert 0.5 < on_places["segment"] < 1.0


def test_without_streets_there_are_hexagons_only_and_order_changes_nothing(
    incidents, areas, base_map, grid, as_of, ranked
):
    rivers = base_map.filter(kind="river")
    shuffled = incidents.sample(fraction=1.0, shuffle=True, seed=3)
    found = ask(shuffled, areas, rivers, grid, as_of)
    # No street is near either, so none is named.
    assert found.table["street"].null_count() == found.table.height
    assert found.table.drop("street").equals(ranked.table.filter(unit="h3").drop("street"))


def test_a_category_that_cannot_be_forecast_says_so(incidents, areas, base_map, grid, as_of):
    found = ask(incidents, areas, base_map, grid, as_of, categories=["ARSON"])
    assert found.table.is_empty()
    assert [row["model"] for row in found.verdicts] == [None, None]
    assert all(row["verdict"].startswith("no forecast: ") for row in found.verdicts)
    assert ask(incidents, areas, base_map, grid, as_of, categories=[]).verdicts == []
