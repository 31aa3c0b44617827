"""The real files of three police forces load as they are and reconcile with their SOURCE.md to the row."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from data.integration.ingest import IngestReport, ingest
from data.snapshots import current_snapshot
from data.sources.check import check_source
from data.store import Store

from .conftest import NOW

pytestmark = pytest.mark.real_data


def load(store: Store, source: str, paths: list[Path]) -> IngestReport:
    return ingest(store, source, paths, loaded_by="tester", now=NOW)


def test_portland(shared_data: Path, store: Store) -> None:
    folder = shared_data / "nij_portland"
    report = load(
        store, "portland", [*sorted((folder / "raw").glob("*.xlsx")), folder / "portland_police_districts.geojson"]
    )
    calls = {file.file: (file.read, file.new) for file in report.files if file.table == "calls"}
    assert calls == {
        "2016aug.xlsx": (19375, 19375),
        "2016sept.xlsx": (18443, 18443),
        "2016oct.xlsx": (17690, 17690),
        "2016nov.xlsx": (16834, 16834),
        "2016dec.xlsx": (15956, 15956),
        "2017jan.xlsx": (16388, 16388),
        "2017feb1-14.xlsx": (7584, 7584),
        "2017feb15-21.xlsx": (3869, 3869),
        "2017feb22-26.xlsx": (2798, 2798),
        "2017feb27.xlsx": (545, 545),
        "2017feb28.xlsx": (571, 571),
    }
    assert sum(read for read, _ in calls.values()) == 120_053
    same = load(store, "portland", [folder / "calls_all_2016-08_2017-02.parquet"]).files[0]
    assert (same.read, same.unchanged) == (120_053, 120_053)
    longer = load(store, "portland", [folder / "calls_target3_2012-03_2017-02.parquet"]).files[0]
    # 20,891 calls of the three categories are in the XLSX already; the rest is before August 2016.
    assert (longer.read, longer.new, longer.unchanged) == (172_251, 151_360, 20_891)
    incidents = current_snapshot(store).read("incidents")
    counts = dict(incidents["category"].value_counts().rows())
    assert counts == {"STREET CRIMES": 158_088, "MOTOR VEHICLE THEFT": 9_060, "BURGLARY": 5_103, "OTHER": 99_162}
    added = incidents.filter(pl.col("load_id") == current_snapshot(store).loads[-1]["load_id"])
    assert str(added["occurred_on"].max()) == "2016-07-31"
    recent = incidents.filter(pl.col("occurred_on") >= pl.date(2016, 8, 1))
    # SOURCE.md: 99.67 % of the calls since August 2016 lie inside the districts.
    assert recent["beat_code"].is_not_null().mean() == pytest.approx(0.9967, abs=0.00005)
    assert set(incidents["station_code"].drop_nulls()) == {"NO", "CE", "EA"}
    areas = current_snapshot(store).read("areas").filter(pl.col("level") == "beat")
    # The published sum is planar in EPSG:2913, whose scale makes areas 0.017 % smaller here than on the ground.
    assert areas["area_km2"].sum() == pytest.approx(4_117_743_415 * 0.3048**2 / 1e6 * 1.000167, rel=2e-6)


def test_portland_shapefiles_add_nothing_but_an_empty_record(shared_data: Path, store: Store) -> None:
    raw = shared_data / "nij_portland" / "raw"
    load(store, "portland", [raw / "2016aug.xlsx", raw / "2017feb22-26.xlsx"])
    report = load(store, "portland", [raw / "080116_083116_Data.zip", raw / "022217_022617_Data.zip"])
    assert [(f.read, f.new, f.quarantined) for f in report.files] == [(19_376, 0, {"missing_value": 1}), (2_798, 0, {})]


def test_st_louis(shared_data: Path, store: Store) -> None:
    folder = shared_data / "st_louis"
    report = load(
        store,
        "st_louis",
        [
            *sorted((folder / "raw").glob("*.csv")),
            folder / "boundaries" / "neighborhoods_88.geojson",
            folder / "population" / "STL_PopByNhood.csv",
        ],
    )
    read = {file.file: file.read for file in report.files}
    assert sum(count for name, count in read.items() if name.endswith("2018.csv")) == 46_742
    assert (read["UCRCodes.csv"], read["neighborhood_lookup.csv"]) == (26, 89)
    calls = [file for file in report.files if file.table == "calls"]
    assert len(calls) == 18
    assert sum(file.new for file in calls) == sum(file.read for file in calls) == 77_222
    snapshot = current_snapshot(store)
    population = snapshot.read("population").filter(pl.col("month") == pl.date(2017, 7, 1))
    assert population["count"].sum() == pytest.approx(314_867, abs=1)
    unified = load(store, "st_louis", [folder / "incidents_2008_2018.parquet"]).files[0]
    assert (unified.read, unified.new, unified.unchanged, unified.replaced) == (595_155, 517_933, 77_222, 0)
    incidents = current_snapshot(store).read("incidents")
    assert (incidents.height, incidents["weight"].sum()) == (595_155, 585_818 - 9_337)
    # 13,631 rows at (0,0) and three at a placeholder 130 km away; 43 more lie well outside the 88 neighbourhoods.
    assert current_snapshot(store).manifest["notes"] == {"point_outside_areas": 43}
    assert incidents["lon"].null_count() == 13_634 + 43
    assert current_snapshot(store).read("calls")["lon"].null_count() == 13_634
    assert str(incidents["occurred_on"].min()) == "1900-01-01"
    assert incidents["category"].str.len_chars().unique().to_list() == [2]
    assert incidents.filter(pl.col("time_precision") == "day").height == 10_491
    assert current_snapshot(store).quarantine().collect().is_empty()


def test_taipei(shared_data: Path, store: Store) -> None:
    folder = shared_data / "taipei_theft"
    report = load(
        store, "taipei", [*sorted((folder / "raw").glob("*.csv")), *sorted((folder / "boundaries").glob("*"))]
    )
    read = {file.file: (file.read, file.kept) for file in report.files}
    assert read == {
        "bicycle.csv": (2759, 2759),
        "car.csv": (3266, 560),
        "motorcycle.csv": (1986, 1986),
        "residential.csv": (3554, 3554),
        "robbery.csv": (22, 22),
        "snatching.csv": (36, 36),
        "taipei_districts.geojson": (12, 12),
        "taipei_villages.geojson": (456, 456),
    }
    assert sum(file.read for file in report.files if file.table == "calls") == 11_623
    snapshot = current_snapshot(store)
    refused = snapshot.quarantine().collect()
    assert dict(refused["reason"].value_counts().rows()) == {"empty_row": 2705, "missing_value": 1}
    odd = refused.filter(pl.col("reason") == "missing_value").row(0, named=True)
    assert (odd["source_file"], odd["source_line"], odd["column"]) == ("car.csv", 3267, "案類")
    incidents = snapshot.read("incidents")
    assert incidents["time_precision"].value_counts().sort("count").rows() == [("day", 1), ("slot", 8916)]
    assert incidents["station_code"].null_count() < 50
    night = (
        snapshot.read("calls")
        .filter(pl.col("source_file") == "motorcycle.csv", pl.col("source_line") == 7)
        .row(0, named=True)
    )
    # 1070103, 23~01 in Taipei: 15:00 to 17:00 UTC.
    assert str(night["occurred_from"])[:16] == "2018-01-03 15:00"
    assert str(night["occurred_to"])[:16] == "2018-01-03 17:00"
    six = snapshot.read("calls").filter(pl.col("source_file") == "motorcycle.csv", pl.col("source_line") == 1802)
    assert str(six["occurred_on"][0]) == "2021-04-20"


def test_check_says_which_mapping_fits(shared_data: Path) -> None:
    check = check_source(shared_data / "st_louis" / "raw" / "May2017.csv")
    assert check.fitting == ["st_louis"]
    assert "Coded Month" in check.to_text()
    other = check_source(shared_data / "nij_portland" / "reference" / "independent_rescoring_students.txt")
    assert other.fitting == []
    assert "beatwise source new independent_rescoring_students.txt" in other.to_text()
    named = check_source(shared_data / "nij_portland" / "reference" / "independent_rescoring_students.txt", "st_louis")
    assert "lacks the header" in named.to_text()
