"""The incident view over calls, dispatches and feedbacks, by hand-computed rows."""

from __future__ import annotations

import polars as pl
import shapely
from shapely import box

from data.integration.areas import AreaFinder
from data.integration.incidents import IncidentContext
from data.schemas import Areas, Calls, Dispatches, Feedbacks
from data.snapshots import current_snapshot
from data.store import Store

from .conftest import Load

CALLS = (
    "JJDBH,GLJJDBH,GLLX,BJSJ,BJLX,GXDWDM,X,Y\n"
    "1,,,20250301080000,010100,S1,120.5,30.5\n"
    "2,1,01,20250301081000,010100,S1,120.5,30.5\n"
    "3,,,20250301090000,020100,S2,0,0\n"
    "4,,,20250301100000,020200,S2,0,0\n"
    "5,,,20250301110000,020200,S2,0,0\n"
)
DISPATCHES = (
    "PJDBH,JJDBH,PJSJ,CJSJ,DDSJ,WBSJ,CDRC\n"
    "d1,1,20250301080100,20250301080200,20250301081000,20250301093200,2\n"
    "d2,1,20250301080300,20250301080500,20250301081500,20250301083500,3\n"
    "d3,3,20250301090100,20250301090200,20250301091000,,2\n"
    "d4,4,20250301100100,20250301100200,20250301101000,20250302100200,2\n"
    "d5,5,20250301110100,20250301110200,20250301111000,20250301113200,\n"
    "bad,5,20250301110100,20250301110200,20250301100000,20250301113200,1\n"
)
FEEDBACKS = (
    "FKDBH,JJDBH,FKSJ,FKLX,WXBS\n"
    "f2,1,20250301094000,020200,0\n"
    "f1,1,20250301090000,010100,1\n"
    "f3,3,20250301093000,,1\n"
    "f4,4,20250302110000,039900,\n"
)


def derived(load: Load, store: Store) -> dict[str, dict[str, object]]:
    report = load({"calls.csv": CALLS, "dispatches.csv": DISPATCHES, "feedbacks.csv": FEEDBACKS})
    assert report.files[1].quarantined == {"rule_times_are_ordered": 1}
    snapshot = current_snapshot(store)
    number = dict(snapshot.read("calls").select("record_key", "call_id").iter_rows())
    return {number[row["incident_id"]]: row for row in snapshot.read("incidents").iter_rows(named=True)}


def test_one_row_per_call_with_service_and_outcome(load: Load, store: Store) -> None:
    rows = derived(load, store)
    assert set(rows) == {"1", "2", "3", "4", "5"}
    first = rows["1"]
    # (09:32 - 08:02) x 2 + (08:35 - 08:05) x 3 = 3.0 + 1.5 hours; first times, last clearance.
    assert first["officer_hours"] == 4.5
    assert str(first["dispatched_at"])[11:16] == "00:01"
    assert str(first["cleared_at"])[11:16] == "01:32"


def test_an_open_dispatch_leaves_hours_unknown_and_long_ones_are_capped(load: Load, store: Store) -> None:
    rows = derived(load, store)
    assert (rows["3"]["officer_hours"], rows["3"]["cleared_at"]) == (None, None)
    assert rows["4"]["officer_hours"] == 2 * 8.0
    assert rows["5"]["officer_hours"] is None
    assert rows["2"]["officer_hours"] is None


def test_the_last_feedback_by_time_decides(load: Load, store: Store) -> None:
    rows = derived(load, store)
    # f2 is later than f1 although it comes first in the file: another type, and a valid incident.
    assert (rows["1"]["category"], rows["1"]["category_detail"], rows["1"]["valid"]) == ("public_order", "020200", True)
    assert rows["1"]["category_intake"] == "010100"
    assert (rows["3"]["valid"], rows["3"]["category_detail"]) == (False, "020100")
    # A final type that no call has at intake says nothing about its first level: intake stands.
    assert (rows["4"]["category"], rows["4"]["category_detail"], rows["4"]["valid"]) == ("public_order", "039900", True)


def test_a_repeat_is_kept_but_not_valid(load: Load, store: Store) -> None:
    assert derived(load, store)["2"]["valid"] is False


def test_stations_as_stated_when_there_is_no_boundary(load: Load, store: Store) -> None:
    rows = derived(load, store)
    assert (rows["1"]["station_code"], rows["3"]["station_code"]) == ("S1", "S2")
    assert (rows["1"]["location_level"], rows["3"]["location_level"]) == ("point", "station")


def test_dispatches_that_come_in_a_later_load_are_joined(load: Load, store: Store) -> None:
    load({"calls.csv": CALLS})
    assert current_snapshot(store).read("incidents")["officer_hours"].null_count() == 5
    load({"dispatches.csv": DISPATCHES})
    assert current_snapshot(store).read("incidents")["officer_hours"].drop_nulls().sort().to_list() == [4.5, 16.0]


def test_a_link_taken_back_gives_the_officer_hours_back(load: Load, store: Store) -> None:
    head = "JJDBH,GLJJDBH,GLLX,BJSJ,BJLX\n"
    dispatch = "PJDBH,JJDBH,PJSJ,CJSJ,DDSJ,WBSJ,CDRC\np,2,20250301084000,20250301084000,,20250301094000,2\n"
    first = "1,,,20250301083000,010100\n"
    load({"calls.csv": head + first + "2,1,01,20250301083500,010100\n", "dispatches.csv": dispatch})
    assert hours(store) == {"1": 2.0, "2": None}
    load({"later.csv": head + "2,,,20250301083500,010100\n"})
    assert hours(store) == {"1": None, "2": 2.0}


def hours(store: Store) -> dict[str, float | None]:
    snapshot = current_snapshot(store)
    number = dict(snapshot.read("calls").select("record_key", "call_id").iter_rows())
    rows = snapshot.read("incidents").select("incident_id", "officer_hours").iter_rows()
    return {number[key]: worked for key, worked in rows}


def test_a_point_at_zero_or_far_outside_the_areas_is_not_located_but_counts() -> None:
    areas = city_areas(box(120.0, 30.0, 121.0, 31.0))
    inside = [(120.0 + n / 40, 30.5) for n in range(38)]
    found, notes = located([*inside, (0.0, 0.0), (30.5, 120.5)], areas)
    assert notes == {"point_at_zero": 1, "point_outside_areas": 1}
    assert found.height == 40
    assert found["lon"].null_count() == 2
    assert found["location_level"].tail(2).to_list() == ["station", "station"]
    # A margin of a tenth of the box is believed; so is everything when the areas are only a part of the force.
    assert located([*inside, (121.09, 30.5)], areas)[1] == {}
    assert located([*inside[:5], (125.0, 30.5)], areas)[1] == {}
    assert located([(0.0, 0.0)], areas.clear())[1] == {"point_at_zero": 1}


def city_areas(shape: object) -> pl.DataFrame:
    schema = Areas.create_empty().schema
    row = {"area_code": "S1", "level": "station", "geometry": shapely.to_wkb(shape)}
    return pl.DataFrame([{**dict.fromkeys(schema), **row}], schema=schema)


def located(points: list[tuple[float, float]], areas: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, int]]:
    schema = Calls.create_empty().schema
    fixed = {"source": "t", "load_id": "L", "category": "c", "weight": 1, "invalid": False, "time_precision": "day"}
    rows = [
        {**dict.fromkeys(schema), **fixed, "record_key": str(n), "lon": x, "lat": y, "location_level": "point"}
        | {"unit_code": "S9"}
        for n, (x, y) in enumerate(points)
    ]
    calls = pl.DataFrame(rows, schema=schema)
    nothing = (pl.DataFrame(Dispatches.create_empty()), pl.DataFrame(Feedbacks.create_empty()))
    context = IncidentContext.of(
        calls.lazy(), *nothing, AreaFinder(areas), jurisdiction="zz", first_level_characters=None
    )
    return context.derive(calls), context.notes
