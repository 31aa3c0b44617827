"""The real data sets: every file is loaded or excused, and counts reconcile with SOURCE.md.

The largest files are loaded only by ``python -m benchmarks.loads``; the table it writes is checked here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import polars as pl
import pytest

from benchmarks.loads import BEGIN, END, NOW, PLAN, TABLE, DataSet, load_set, unexplained
from data.integration.ingest import ingest
from data.snapshots import Snapshot, current_snapshot
from data.sources.mapping import built_in_mappings, load_mapping
from data.sources.matching import fit_of
from data.store import Store

#: Files whose count is not that of SOURCE.md, with the count found; docs/loads.md says why.
DIFFERENT = {"community_area_names.csv": 78, "lsoa_2011_population_households.csv": 69_506}


def loaded(shared: Path, data_set: DataSet, folder: Path) -> Snapshot:
    """Load a set and check every count that SOURCE.md states."""
    store = Store.create(folder / "store")
    for _, report in load_set(shared, data_set, store):
        report.check()
        if report.file in data_set.stated:
            expected = DIFFERENT.get(report.file, data_set.stated[report.file])
            assert (report.file, report.read) == (report.file, expected)
    snapshot = current_snapshot(store)
    assert snapshot is not None
    return snapshot


def some_of(name: str, *globs: str) -> DataSet:
    """Return a set with only the files that match."""
    whole = PLAN[name]
    loads = [(mapping, tuple(one for one in given if one in globs)) for mapping, given in whole.loads]
    named = [(whole.loads[0][0], tuple(glob for glob in globs if not any(glob in given for _, given in whole.loads)))]
    return DataSet(whole.folder, tuple(load for load in [*loads, *named] if load[1]), whole.stated)


@pytest.mark.real_data
@pytest.mark.parametrize("name", PLAN)
def test_every_file_is_loaded_or_excused(name: str, shared_data: Path) -> None:
    assert unexplained(shared_data, PLAN[name]) == []
    for glob in PLAN[name].not_loaded:
        assert list((shared_data / PLAN[name].folder).glob(glob)), f"{glob} excuses no file"
    files = {path.name for path in (shared_data / PLAN[name].folder).rglob("*")}
    assert set(PLAN[name].stated) <= files


@pytest.mark.real_data
@pytest.mark.parametrize("name", PLAN)
def test_a_file_fits_the_mapping_of_its_publisher_only(name: str, shared_data: Path) -> None:
    mappings = [load_mapping(one) for one in built_in_mappings()]
    for mapping, globs in PLAN[name].loads:
        for path in PLAN[name].files(shared_data, globs):
            fits = {one.source.name for one in mappings if any(fit_of(path, kind).fits for kind in one.files)}
            # A file that fills two tables is read by two mappings.
            expected = {"toronto", "toronto_population"} if path.name.startswith("neighbourhood_crime") else {mapping}
            assert fits == expected, path.name


@pytest.mark.real_data
def test_every_data_set_is_in_the_plan(shared_data: Path) -> None:
    folders = {path.name for path in shared_data.iterdir() if path.is_dir()}
    assert {one.folder for one in PLAN.values()} == folders


def lines_of_table() -> Iterator[dict[str, str]]:
    body = TABLE.read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0]
    names: list[str] = []
    for line in body.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
        if cells[:1] == ["file"]:
            names = cells
        elif cells and not cells[0].startswith("---"):
            yield dict(zip(names, cells, strict=True))


def number(text: str) -> int:
    return int(text.replace(",", ""))


def test_the_table_leaves_no_row_unaccounted_for() -> None:
    lines = list(lines_of_table())
    for line in lines:
        quarantined = sum(number(count) for count in re.findall(r"([\d,]+) `", line["quarantined"]))
        read, kept = number(line["read"]), number(line["kept"])
        assert read == kept + quarantined, line["file"]
        assert kept == sum(number(line[name]) for name in ("new", "unchanged", "replaced")), line["file"]
        if line["SOURCE.md"]:
            assert read == DIFFERENT.get(line["file"].strip("`"), number(line["SOURCE.md"])), line["file"]
    tabled = {line["file"].strip("`") for line in lines}
    for data_set in PLAN.values():
        assert set(data_set.stated) <= tabled
        # The largest files are in the table, though no test loads them.
        globs = [glob.rsplit("/", 1)[-1] for _, given in data_set.loads for glob in given]
        assert all(any(fnmatch(name, glob) for name in tabled) for glob in globs)


@pytest.mark.real_data
def test_memphis(shared_data: Path, tmp_path: Path) -> None:
    snapshot = loaded(shared_data, PLAN["memphis"], tmp_path)
    population = snapshot.read("population")
    assert (population["count"].sum(), population["area_code"].str.len_chars().unique().to_list()) == (634_612, [15])
    incidents = snapshot.read("incidents")
    # One precinct polygon touches itself; all but one robbery lie in a precinct.
    assert incidents["station_code"].null_count() == 1
    assert incidents["occurred_on"].min().isoformat() == "2019-01-01"
    assert incidents["occurred_on"].max().isoformat() == "2019-10-19"


@pytest.mark.real_data
def test_new_york(shared_data: Path, tmp_path: Path) -> None:
    calls = loaded(shared_data, PLAN["nyc"], tmp_path).read("calls")
    # 2,280 without date_end and 419 that end when they start.
    assert dict(calls["time_precision"].value_counts().rows()) == {"slot": 25_162, "exact": 2_699}
    first = calls.filter(pl.col("call_id") == "12386084").row(0, named=True)
    assert str(first["occurred_from"]) == "2013-12-31 15:00:00+00:00"
    assert str(first["occurred_to"]) == "2014-01-01 21:30:00+00:00"
    assert first["community_code"] == "360810443021005"


@pytest.mark.real_data
def test_san_diego(shared_data: Path, tmp_path: Path) -> None:
    calls = loaded(shared_data, PLAN["san_diego"], tmp_path).read("calls")
    assert calls["beat_code"].null_count() == 300
    assert calls["beat_code"].n_unique() - 1 == 125
    assert calls["invalid"].sum() == 1_517 + 311
    assert calls.filter(pl.col("category") == "UNKNOWN").height == 14
    assert set(calls["level"]) == {"0", "1", "2", "3", "4", "9"}


@pytest.mark.real_data
def test_sacramento(shared_data: Path, tmp_path: Path) -> None:
    calls = loaded(shared_data, PLAN["sacramento"], tmp_path).read("calls")
    assert calls["call_id"].n_unique() == 20_135
    assert set(calls["time_precision"]) == {"day"}
    assert [str(day) for day in (calls["occurred_on"].min(), calls["occurred_on"].max())] == [
        "2019-01-01",
        "2019-01-25",
    ]
    # 135 at (0,0) and one at (1,1); one more lies far outside.
    assert calls["lon"].null_count() == 136
    assert calls["lon"].is_between(-121.7, -121.2).sum() == 19_998


@pytest.mark.real_data
def test_officer_minutes_and_seattle(shared_data: Path, tmp_path: Path) -> None:
    snapshot = loaded(shared_data, PLAN["cad_workload_sample"], tmp_path)
    folders = [path for path in tmp_path.rglob("lookup_officer_minutes*") if path.is_file()]
    minutes = pl.concat([pl.read_parquet(path) for path in folders])
    assert minutes["totalMinutes"].cast(pl.Float64).sum() == pytest.approx(3_245_644, abs=1)
    assert minutes.filter(pl.col("district") == "unknown").height == 138
    calls = snapshot.read("calls")
    assert (calls.height, calls["reported_at"].null_count(), calls["category"].n_unique()) == (222, 0, 27)
    assert calls.filter(pl.col("discovered_by") == "police").height == 13
    dispatches = snapshot.read("dispatches")
    assert (dispatches.height, dispatches["arrived_at"].null_count()) == (186, 0)
    one = calls.filter(pl.col("call_id") == "2023000319821").row(0, named=True)
    # 11/04/2023 6:08:26 PM, the last day of summer time.
    assert (str(one["reported_at"]), one["category"]) == ("2023-11-05 01:08:26+00:00", "SUSPICIOUS CIRCUM.")


@pytest.mark.real_data
def test_carrollton(shared_data: Path, tmp_path: Path) -> None:
    areas = loaded(shared_data, PLAN["carrollton"], tmp_path).read("areas")
    assert dict(areas["level"].value_counts().rows()) == {"community": 325, "beat": 12}
    assert areas.filter(pl.col("level") == "community")["parent_code"].null_count() == 5
    beats = areas.filter(pl.col("level") == "beat")
    assert {code: code for code in beats["area_code"]} == {str(number): str(number) for number in range(1, 13)}
    [workload] = [pl.read_parquet(path) for path in tmp_path.rglob("lookup_workload*") if path.is_file()]
    assert workload["calls"].cast(pl.Int64).sum() == 129_082
    assert workload["sum_minutes_capped"].cast(pl.Float64).sum() == pytest.approx(3_696_943, abs=1)


@pytest.mark.real_data
def test_uk_police_without_the_large_files(shared_data: Path, tmp_path: Path) -> None:
    small = some_of("uk_police", "boundaries/*", "population/lancashire_ward_pop.xlsx", "raw/2018-11-*-street.csv")
    snapshot = loaded(shared_data, small, tmp_path)
    incidents = snapshot.read("incidents")
    assert incidents.height == 6_520 + 17_135
    assert set(incidents["time_precision"]) == {"month"}
    assert {str(day) for day in incidents["known_on"]} == {"2018-11-30"}
    areas = snapshot.read("areas")
    assert dict(areas["level"].value_counts().rows()) == {"beat": 271 + 107, "station": 14}
    stations = set(incidents["station_code"])
    assert {"Cambridgeshire Constabulary", "E06000008"} <= stations
    codes = set(areas.filter(pl.col("level") == "beat")["area_code"]), set(snapshot.read("population")["area_code"])
    wards = {code for code in codes[0] if code.startswith("E05")}
    # Re-coded wards, as SOURCE.md says.
    assert (len(wards - codes[1]), len(codes[1] - wards)) == (26, 40)
    # The month in London: until the end of November.
    assert {str(moment) for moment in snapshot.read("calls")["occurred_to"]} == {"2018-12-01 00:00:00+00:00"}


@pytest.mark.real_data
def test_uk_population_has_commas_and_three_columns_of_one_name(shared_data: Path, tmp_path: Path) -> None:
    only = some_of("uk_police", "population/lsoa_2011_population_households.csv")
    population = loaded(shared_data, only, tmp_path).read("population")
    first = population.filter(pl.col("area_code") == "E01020634").sort("population_class")
    assert first.select("population_class", "count").rows() == [("households", 666), ("total", 1563)]
    # Usual residents of England and Wales, Census 2011.
    assert population.filter(pl.col("population_class") == "total")["count"].sum() == 56_075_912


@pytest.mark.real_data
def test_toronto_2019(shared_data: Path, tmp_path: Path) -> None:
    part = some_of("toronto", "raw/mci_2019.csv", "boundaries/neighbourhood_crime_rates.geojson")
    snapshot = loaded(shared_data, part, tmp_path)
    counts = dict(snapshot.read("incidents")["category"].value_counts().rows())
    assert counts == {
        "Assault": 17_237,
        "Break and Enter": 8_282,
        "Auto Theft": 4_682,
        "Robbery": 2_595,
        "Theft Over": 1_268,
    }
    names = set(snapshot.read("areas")["area_code"])
    assert (len(names), set(snapshot.read("calls")["community_code"]) - names) == (140, set())
    population = snapshot.read("population")
    assert (set(population["area_code"]) == names, population["count"].sum()) == (True, 3_042_042)


@pytest.mark.real_data
def test_chicago_without_the_large_files(shared_data: Path, tmp_path: Path) -> None:
    part = some_of("chicago", "raw/*.csv", "boundaries/*", "population/*")
    snapshot = loaded(shared_data, part, tmp_path)
    areas = snapshot.read("areas")
    assert dict(areas["level"].value_counts().rows()) == {"community": 77, "beat": 275, "station": 23}
    size = {level: areas.filter(pl.col("level") == level)["area_km2"].sum() for level in ("beat", "station")}
    # Joined from its three records, the airport is counted once and whole on both levels.
    assert size["beat"] == pytest.approx(size["station"], rel=1e-6)
    assert set(areas.filter(pl.col("level") == "beat")["parent_code"]) == set(
        areas.filter(pl.col("level") == "station")["area_code"]
    )
    calls = snapshot.read("calls")
    incidents = snapshot.read("incidents")
    both = calls.join(incidents.select(record_key="incident_id", found="station_code"), on="record_key")
    assert both.height == 15_433
    assert (both["unit_code"] == both["found"]).mean() > 0.98
    population = snapshot.read("population").group_by("month").agg(pl.col("count").sum()).sort("month")
    assert population["count"].to_list() == [2_695_598, 2_733_835]


@pytest.mark.real_data
def test_division_codes_of_china(shared_data: Path, tmp_path: Path) -> None:
    areas = loaded(shared_data, some_of("china_admin_codes", "*.csv"), tmp_path).read("areas")
    counts = {"community": 7_535 + 3_320 + 788, "station": 41_352, "sub_bureau": 2_978}
    assert dict(areas["level"].value_counts().rows()) == counts
    lengths = areas.group_by("level").agg(pl.col("area_code").str.len_chars().unique()).rows()
    assert {level: found for level, found in lengths} == {"community": [12], "station": [9], "sub_bureau": [6]}
    codes = {level: set(areas.filter(pl.col("level") == level)["area_code"]) for level in counts}
    for lower, upper in (("community", "station"), ("station", "sub_bureau")):
        assert set(areas.filter(pl.col("level") == lower)["parent_code"]) <= codes[upper]


@pytest.mark.real_data
def test_overlapping_files_count_once(shared_data: Path, tmp_path: Path) -> None:
    # The August shapefile and a week of XLSX again: a smaller sibling of the overlaps in docs/loads.md.
    raw = shared_data / "nij_portland" / "raw"
    store = Store.create(tmp_path / "store")
    first = ingest(store, "portland", [raw / "2017feb22-26.xlsx"], loaded_by="tester", now=NOW)
    again = ingest(store, "portland", [raw / "022217_022617_Data.zip"], loaded_by="tester", now=NOW)
    assert (first.files[0].new, again.files[0].unchanged, again.files[0].new) == (2_798, 2_798, 0)
