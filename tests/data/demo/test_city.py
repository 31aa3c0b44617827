"""The demo city as files, and as the tables they become."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import shapely

from data.demo.calendar import count_days
from data.demo.categories import category_names
from data.demo.city import first_day, write_city
from data.demo.dirt import REFUSED
from data.errors import RequestError
from data.files import sha256_of_file
from data.schemas.columns import VISIT_KINDS


def test_same_seed_writes_the_same_bytes(small_city, tmp_path: Path) -> None:
    again = write_city(tmp_path, seed=20260101, until=date(2026, 6, 30), scale=0.05)
    assert [path.name for path in again.paths] == [path.name for path in small_city.files.paths]
    for path, other in zip([*again.paths, again.truth], [*small_city.files.paths, small_city.files.truth], strict=True):
        assert sha256_of_file(path) == sha256_of_file(other), path.name


def test_another_seed_makes_another_city(small_city, tmp_path: Path) -> None:
    other = write_city(tmp_path, seed=7, until=date(2024, 2, 29), scale=0.01)
    assert (other.first, other.until) == (date(2021, 3, 1), date(2024, 2, 29))
    assert max(path.name for path in other.paths if path.name.startswith("jjd")) == "jjd_2024.csv"
    for name in ("areas.geojson", "bzdz.csv", "zfdx.csv"):
        assert (tmp_path / name).read_bytes() != (small_city.files.folder / name).read_bytes()


@pytest.mark.parametrize(
    ("until", "first"),
    [
        (date(2024, 2, 29), date(2021, 3, 1)),
        (date(2029, 12, 31), date(2027, 1, 1)),
        (date(2026, 6, 30), date(2023, 7, 1)),
    ],
)
def test_any_last_day_has_three_years_of_calendar(until: date, first: date) -> None:
    days = count_days(first_day(until), until)
    assert days.first == first
    assert days.first + timedelta(days=len(days) - 1) == until
    assert abs(days.from_spring_festival).max() < 200


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan")])
def test_scale_must_be_positive(tmp_path: Path, scale: float) -> None:
    with pytest.raises(RequestError, match="scale must be above 0"):
        write_city(tmp_path / "never", scale=scale)
    assert not (tmp_path / "never").exists()


def test_every_fault_meets_its_reason_and_nothing_else_is_refused(small_city) -> None:
    expected = Counter()
    for fault, number in small_city.files.faults.items():
        if fault in REFUSED:
            expected[REFUSED[fault]] += number
    found = Counter()
    for file in small_city.report.files:
        found.update(file.quarantined)
        assert file.read == file.kept + sum(file.quarantined.values())
    assert found == expected
    assert small_city.snapshot.quarantine().collect().height == sum(expected.values())


def test_bad_coordinates_are_kept_but_not_located(small_city) -> None:
    faults = small_city.files.faults
    calls = small_city.snapshot.read("calls")
    assert calls.filter(pl.col("x") < 100, pl.col("x") > 0)["lon"].null_count() == faults["swapped_coordinates"]
    # 0, 0 means nowhere to the mapping; every point that is left lies near the city.
    points = calls.filter(pl.col("location_level") == "point")
    assert (
        points.select(pl.col("lon").is_between(113.7, 114.1) & pl.col("lat").is_between(30.1, 30.3)).to_series().all()
    )


def test_rows_reported_are_rows_in_the_files(small_city) -> None:
    for name, rows in small_city.files.rows.items():
        if name.endswith(".csv"):
            assert (small_city.files.folder / name).read_bytes().count(b"\r\n") == rows + 1


def test_names_and_phones_stay_outside(small_city) -> None:
    calls = [file for file in small_city.report.files if file.table == "calls"]
    assert calls
    assert all(sorted(file.personal_dropped) == ["BJRXM", "LXDH"] for file in calls)
    stored = small_city.snapshot.quarantine().collect()["raw"].str.join("").item()
    assert "测试" not in stored


def test_ids_are_long_text_with_leading_zeros_and_codes_have_twelve_digits(small_city) -> None:
    calls = small_city.upstream("jjd")
    numbers = calls["JJDBH"].drop_nulls()
    assert numbers.str.contains(r"^00\d{18}$").all()
    assert calls["GXDWDM"].drop_nulls().str.contains(r"^99\d{10}$").all()
    assert small_city.snapshot.read("calls")["call_id"].str.len_chars().unique().to_list() == [20]


def test_areas_chain_and_tile_the_city(small_city) -> None:
    areas = small_city.snapshot.read("areas").with_columns(pl.col("level").cast(pl.String))
    counts = dict(areas["level"].value_counts().iter_rows())
    assert counts == {"sub_bureau": 1, "station": 6, "beat": 48, "community": 72}
    above = {"community": "beat", "beat": "station", "station": "sub_bureau"}
    whole = shapely.from_wkb(areas.filter(pl.col("level") == "sub_bureau")["geometry"].item())
    for level, parent in above.items():
        rows = areas.filter(pl.col("level") == level)
        assert set(rows["parent_code"]) == set(areas.filter(pl.col("level") == parent)["area_code"])
        shapes = shapely.from_wkb(rows["geometry"].to_list())
        assert shapely.coverage_is_valid(shapes)
        assert shapely.area(shapes).sum() == pytest.approx(whole.area, rel=1e-9)
        assert {shape.geom_type for shape in shapes} == {"Polygon"}


def test_a_community_lies_in_its_beat(small_city) -> None:
    areas = small_city.snapshot.read("areas")
    shapes = dict(zip(areas["area_code"], shapely.from_wkb(areas["geometry"].to_list()), strict=True))
    for code, parent in areas.filter(pl.col("level") == "community").select("area_code", "parent_code").iter_rows():
        assert shapes[code].intersection(shapes[parent]).area == pytest.approx(shapes[code].area, rel=1e-6)


def test_response_times_have_the_published_shape(small_city) -> None:
    moment = {"format": "%Y%m%d%H%M%S"}
    sent = small_city.upstream("pjd")
    sent = sent.with_columns(pl.col("PJSJ", "PDQSSJ", "CJSJ01").str.to_datetime(**moment))
    filed = small_city.upstream("fkd").with_columns(pl.col("FKSJ").str.to_datetime(**moment))
    filed = filed.join(sent.select("PJDBH", "PJSJ"), on="PJDBH")
    assert 0.976 <= ((sent["PDQSSJ"] - sent["PJSJ"]).dt.total_seconds() <= 30).mean() <= 0.989
    assert 0.618 <= ((sent["CJSJ01"] - sent["PJSJ"]).dt.total_seconds() <= 300).mean() <= 0.707
    assert 0.074 <= ((filed["FKSJ"] - filed["PJSJ"]).dt.total_seconds() > 4 * 3600).mean() <= 0.086


def test_two_thirds_of_raw_calls_are_no_valid_incident(small_city) -> None:
    incidents = small_city.snapshot.read("incidents")
    assert 0.62 <= 1 - incidents["valid"].mean() <= 0.70
    valid = incidents.filter("valid")
    # The unfounded ones are found out on the spot: the call itself did not know.
    calls = small_city.snapshot.read("calls")
    assert calls["invalid"].mean() < 1 - incidents["valid"].mean()
    assert 0.005 < valid["cleared_at"].is_null().mean() < 0.06
    assert 0.01 < (valid["discovered_by"] == "police").mean() < 0.1
    assert 0.05 < (valid["category_detail"] != valid["category_intake"]).mean() < 0.2


def test_a_few_points_lie_outside_the_city(small_city) -> None:
    points = small_city.snapshot.read("incidents").filter(pl.col("location_level") == "point")
    areas = small_city.snapshot.read("areas").filter(pl.col("level") == "sub_bureau")
    city = shapely.from_wkb(areas["geometry"].item())
    outside = ~shapely.contains_xy(city, points["lon"].to_numpy(), points["lat"].to_numpy())
    assert 0 < outside.mean() < 0.01


def test_thefts_are_known_as_intervals(small_city) -> None:
    burglaries = small_city.snapshot.read("incidents").filter(pl.col("valid") & (pl.col("category") == "010100"))
    hours = (burglaries["occurred_to"] - burglaries["occurred_from"]).dt.total_seconds() / 3600
    assert 0.7 < (hours > 0).mean() < 0.98
    assert 3 < hours.filter(hours > 0).median() < 12


def test_every_code_has_a_name_in_both_languages(small_city) -> None:
    names = category_names()
    assert set(small_city.snapshot.read("incidents")["category"]) <= set(names)
    assert all(zh and en and zh != en for zh, en in names.values())
    assert all(code[:2] + "0000" in names and code[:4] + "00" in names for code in names)


def test_half_a_million_residents_and_fewer_at_spring_festival(small_city) -> None:
    people = small_city.snapshot.read("population").filter(
        pl.col("population_class").is_in(["registered", "floating", "lodging", "overseas", "unsettled"])
    )
    by_month = people.group_by("month").agg(pl.col("count").sum()).sort("month")
    assert by_month.height == 36
    assert by_month["count"].mean() == pytest.approx(500_000, rel=0.06)
    floating = people.filter(pl.col("population_class") == "floating").group_by("month").agg(pl.col("count").sum())
    month = floating.with_columns(pl.col("month").dt.month()).group_by("month").agg(pl.col("count").mean())
    assert month.sort("count")["month"].first() == 2


def test_register_holds_every_kind_and_hangs_from_known_addresses(small_city) -> None:
    register = small_city.snapshot.read("visit_register")
    assert set(register["visit_kind"].cast(pl.String)) == set(VISIT_KINDS)
    addresses = small_city.snapshot.read("addresses")
    assert set(register["address_code"]) <= set(addresses["address_code"])
    beats = small_city.snapshot.read("areas").filter(pl.col("level") == "beat")["area_code"]
    assert set(register["beat_code"]) == set(beats)
    venues = register.filter(pl.col("visit_kind") == "entertainment_venue")
    assert set(venues["grade"]) == {"A", "B", "C"}
    assert (register["closed_on"] >= register["opened_on"]).drop_nulls().all()


def test_people_are_met_in_the_evening_and_beats_differ_in_keeping_up(small_city) -> None:
    visits = small_city.snapshot.read("visits").with_columns(
        hour=pl.col("visited_at").dt.convert_time_zone("Asia/Shanghai").dt.hour()
    )
    rentals = visits.filter(pl.col("visit_kind") == "rental")
    evening = rentals.filter(pl.col("hour") >= 18)["contact"].mean()
    morning = rentals.filter(pl.col("hour") < 12)["contact"].mean()
    assert evening - morning > 0.25
    elderly = visits.filter((pl.col("visit_kind") == "elderly_alone") & pl.col("contact")).sort("visited_at")
    gaps = elderly.with_columns(gap=pl.col("visited_at").diff().over("object_id").dt.total_days())
    by_beat = gaps.group_by("beat_code").agg(pl.col("gap").median(), pl.len()).filter(pl.col("len") > 40)
    assert by_beat["gap"].min() < 30 < 40 < by_beat["gap"].max()


def test_shifts_cover_the_day_and_some_are_short(small_city) -> None:
    shifts = small_city.snapshot.read("shifts")
    assert shifts.height == 18
    for _, rows in shifts.group_by("unit_code"):
        assert rows["hours"].sum() == 24
    assert sorted(shifts["start_hour"].unique()) == [7.0, 15.0, 23.0]
    short = shifts["available"] < shifts["established"]
    assert short.any()
    assert not short.all()


def test_no_street_or_building_stands_in_the_river(small_city) -> None:
    base = small_city.snapshot.read("base_map").with_columns(pl.col("kind").cast(pl.String))
    assert set(base["kind"]) == {"street", "main_street", "river", "park", "boundary"}
    water = shapely.union_all(shapely.from_wkb(base.filter(pl.col("kind") == "river")["geometry"].to_list()))
    homes = small_city.snapshot.read("addresses")
    wet = shapely.contains_xy(water, homes["lon"].to_numpy(), homes["lat"].to_numpy())
    assert not wet.any()
    assert homes.height == homes["address_code"].n_unique() > 5_000
    names = base.filter(pl.col("kind") == "main_street")
    assert names["name_zh"].null_count() == names["name_en"].null_count() == 0
    assert np.unique(base["feature_id"]).size == base.height
