"""Ingest: every row is accounted for, loads are idempotent, corrections replace, a kill leaves old or new."""

from __future__ import annotations

import json
import tempfile
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import SourceError, StoreError
from data.integration.canonical import to_canonical
from data.integration.ingest import ingest
from data.snapshots import current_snapshot
from data.sources.mapping import load_mapping
from data.sources.reading import read_records
from data.store import Store

from .conftest import CITY, NOW, Load

CALLS = (
    "JJDBH,GLJJDBH,GLLX,BJSJ,BJLX,GXDWDM,SQDM,SFDZ,X,Y,BJRXM,LXDH,CZRY,BJNR\n"
    "0001234567890123456,,,20250301083000,010203,S1,C1,和平路1号,120.5,30.5,张三,13800000000,李四,丢车\n"
    "2,0001234567890123456,01,20250301084000,010203,S1,C1,和平路1号,0,0,张三,13800000000,李四,催\n"
    "3,,,2025-02-30 10:00:00,020100,S1,C1,和平路2号,120.5,30.5,王五,13900000000,李四,吵架\n"
    "4,,,20250302090000,990000,S1,C1,和平路3号,120.5,30.5,王五,13900000000,李四,其他\n"
    ",,,20250302090000,010000,S1,C1,和平路3号,120.5,30.5,王五,13900000000,李四,其他\n"
    "5,,,20250302100000,010000,S1,C1,和平路3号,abc,30.5,王五,13900000000,李四,其他\n"
    "6,,,20290302100000,010000,S1,C1,和平路3号,120.5,30.5,王五,13900000000,李四,其他\n"
    "7,,,20250302100000,010000,S1,C1,和平路3号,120.5,30.5,王五,13900000000,李四,测试呼叫\n"
    ",,,,,,,,,,,,,\n"
    "8,,,20250302110000,010000,S1,C1,和平路3号,120.5,30.5,王五,13900000000,李四,其他,多,余\n"
)


def test_each_row_is_kept_or_refused_with_its_line_column_and_reason(load: Load, store: Store) -> None:
    report = load({"calls.csv": CALLS})
    (file,) = report.files
    assert (file.read, file.kept, file.new) == (10, 2, 2)
    refused = current_snapshot(store).quarantine().sort("source_line").collect()
    assert refused.select("source_line", "column", "reason").rows() == [
        (4, "BJSJ", "unreadable_value"),
        (5, "BJLX", "unknown_code"),
        (6, "JJDBH", "missing_value"),
        (7, "X", "unreadable_value"),
        (8, "BJSJ", "impossible_date"),
        (9, "BJNR", "test_call"),
        (10, None, "empty_row"),
        (11, None, "ragged_row"),
    ]


def test_names_of_categories_come_with_the_load(load: Load, store: Store) -> None:
    load({"calls.csv": CALLS})
    names = {"criminal": {"zh": "刑事", "en": "Crime"}, "public_order": {"zh": "治安"}}
    assert current_snapshot(store).category_names("zz-city") == names
    assert current_snapshot(store).category_names("another force") == {}


def test_values_arrive_as_the_schema_says(load: Load, store: Store) -> None:
    load({"calls.csv": CALLS})
    first, second = current_snapshot(store).read("calls").rows(named=True)
    assert first["call_id"] == "0001234567890123456"
    assert first["reported_at"].isoformat() == "2025-03-01T00:30:00+00:00"
    assert (first["occurred_on"], first["time_precision"]) == (date(2025, 3, 1), "exact")
    assert (first["category"], first["category_intake"]) == ("criminal", "010203")
    assert (first["lon"], first["lat"], first["crs"]) == (pytest.approx(120.5), pytest.approx(30.5), "EPSG:4490")
    assert (first["location_level"], first["weight"], first["invalid"]) == ("point", 1, False)
    assert (second["link_type"], second["lon"], second["location_level"]) == ("repeat", None, "community")
    assert (first["source"], first["source_file"], first["source_line"]) == ("city", "calls.csv", 2)


def test_no_personal_value_is_anywhere_in_the_store(load: Load, store: Store) -> None:
    report = load({"calls.csv": CALLS})
    assert report.files[0].personal_dropped == ["BJRXM", "LXDH", "CZRY"]
    everything = (
        pl.concat(
            [
                pl.read_parquet(path).select(
                    pl.concat_str(pl.all().cast(pl.String, strict=False), ignore_nulls=True).alias("t")
                )
                for path in [*store.root.rglob("calls.parquet"), *store.root.rglob("quarantine.parquet")]
            ]
        )["t"]
        .str.join()
        .item()
    )
    for personal in ("张三", "王五", "李四", "13800000000", "13900000000"):
        assert personal not in everything
    # Addresses may be stored for linking, but not shown in the quarantine.
    raw = current_snapshot(store).quarantine().collect()["raw"].drop_nulls().str.join().item()
    assert "和平路" not in raw
    assert "990000" in raw


def test_same_files_again_change_nothing(load: Load, store: Store) -> None:
    first = load({"calls.csv": CALLS})
    before = sorted(path.name for path in store.loads.iterdir())
    again = load({"calls.csv": CALLS})
    assert again.already_loaded
    assert (again.snapshot_id, again.load_id) == (first.snapshot_id, first.load_id)
    assert (again.files[0].new, again.files[0].unchanged) == (0, 2)
    assert sorted(path.name for path in store.loads.iterdir()) == before


def test_a_source_that_tells_utc_is_believed_in_the_hour_that_comes_twice(
    load: Load, store: Store, tmp_path: Path
) -> None:
    mapping = tmp_path / "autumn.toml"
    text = CITY.read_text(encoding="utf-8").replace("Asia/Shanghai", "America/New_York")
    times = 'at = { from = "BJSJ", zone = "UTC" }\nuntil = { from = "END", zone = "UTC"OTHER }'
    text = text.replace('[file.time]\nat = { from = "BJSJ" }', f"[file.time]\n{times}")
    rows = (
        "1,2019-11-03 06:30:00,2019-11-03 06:31:00\n2,2019-11-03 05:45:00,2019-11-03 06:15:00\n3,2019-11-03 06:15:00,\n"
    )
    calls = "JJDBH,BJSJ,END,BJLX\n" + "".join(f"{row},010000\n" for row in rows.splitlines())
    for number, other in enumerate(("", ', on_error = "null"')):
        mapping.write_text(text.replace("OTHER", other).replace('"city"', f'"city{number}"'), encoding="utf-8")
        assert load({"calls.csv": calls}, mapping).files[0].kept == 3
        found = current_snapshot(store).read("calls").filter(source=f"city{number}").sort("call_id")
        assert found["occurred_from"].dt.strftime("%H:%M").to_list() == ["06:30", "05:45", "06:15"]
        assert found["occurred_to"].dt.strftime("%H:%M").to_list() == ["06:31", "06:15", "06:15"]
        assert found["time_precision"].to_list() == ["slot", "slot", "exact"]
        assert found["occurred_on"].to_list() == [date(2019, 11, 3)] * 3


def test_a_repeated_identity_in_one_file_is_quarantined_when_rows_must_differ(load: Load, store: Store) -> None:
    report = load({"calls.csv": "JJDBH,BJSJ,BJLX\n1,20250301083000,010000\n1,20250301083000,020000\n"})
    assert report.files[0].quarantined == {"repeated_in_file": 1}
    assert current_snapshot(store).read("calls")["category_intake"].to_list() == ["020000"]


def test_wide_population_becomes_one_row_per_value(load: Load, store: Store) -> None:
    report = load({"pop.csv": 'area,month,registered,floating\nC1,2025-03,"1,200",34\nC2,2025-03,,7\n'})
    assert report.files[0].read == report.files[0].kept == 3
    rows = current_snapshot(store).read("population").select("area_code", "month", "population_class", "count").rows()
    assert sorted(rows) == [
        ("C1", date(2025, 3, 1), "floating", 34.0),
        ("C1", date(2025, 3, 1), "registered", 1200.0),
        ("C2", date(2025, 3, 1), "floating", 7.0),
    ]


def test_a_lookup_is_counted_and_kept_aside(load: Load, store: Store) -> None:
    report = load({"codes.csv": "code,meaning\r1,one\r2,two\r"})
    assert (report.files[0].table, report.files[0].read, report.files[0].kept) == ("lookup", 2, 2)
    kept = pl.read_parquet(store.loads / report.load_id / "lookup_codes.parquet")
    assert kept["meaning"].to_list() == ["one", "two"]


def test_a_file_that_fits_nothing_stops_before_anything_is_written(load: Load, store: Store) -> None:
    with pytest.raises(SourceError, match=r"other\.csv.*calls \(calls\): it lacks the header JJDBH, BJSJ"):
        load({"calls.csv": CALLS, "other.csv": "a,b\n1,2\n"})
    assert store.current_snapshot_id() is None
    assert not store.loads.exists()


def test_the_load_says_where_it_came_from_and_on_which_basis(load: Load, store: Store) -> None:
    report = load({"calls.csv": CALLS})
    about = json.loads((store.loads / report.load_id / "load.json").read_text())
    assert (about["legal_basis"], about["purpose"], about["loaded_by"]) == ("synthetic-data", "demonstration", "tester")
    assert about["jurisdiction"]["timezone"] == "Asia/Shanghai"
    assert about["files"][0]["bytes"] == len(CALLS.encode("gb18030"))
    assert about["tables"] == {"calls": {"rows": 2, "replaced": 0}}


def test_another_force_keeps_its_incidents(load: Load, store: Store, tmp_path: Path) -> None:
    load({"calls.csv": "JJDBH,BJSJ,BJLX\n1,20250301083000,010000\n"})
    other = tmp_path / "other.toml"
    other.write_text(CITY.read_text().replace('"city"', '"town"').replace("zz-city", "zz-town"))
    load({"more.csv": "JJDBH,BJSJ,BJLX\n1,20250301083000,020000\n"}, other)
    incidents = current_snapshot(store).read("incidents")
    assert sorted(incidents.select("jurisdiction", "category").rows()) == [
        ("zz-city", "criminal"),
        ("zz-town", "public_order"),
    ]


def test_a_station_is_joined_from_the_beats_of_all_files_and_loads(load: Load, store: Store, tmp_path: Path) -> None:
    mapping = tmp_path / "joined.toml"
    ending = 'valid_to = { from = "valid_to" }\n'
    parents = ending + '\n[file.parents]\nlevel = "station"\n'
    mapping.write_text(CITY.read_text(encoding="utf-8").replace(ending, parents), encoding="utf-8")
    north = beat("B1", "S1", (0, 0, 1, 1))
    calls = "kind,day,x,y\n" + "".join(f"a,{day},{x},0.5\n" for day in ("2025-02-28", "2025-03-01") for x in (0.5, 1.5))
    report = load(
        {"n.geojson": beats(north), "s.geojson": beats(beat("B2", "S1", (1, 0, 2, 1))), "c.csv": calls}, mapping
    )
    assert [file.notes.get("areas_joined_from_children") for file in report.files] == [1, 1, None]
    shapes = dict(current_snapshot(store).read("areas").select("area_code", "geometry").iter_rows())
    assert shapely.from_wkb(shapes["S1"]).bounds == (0, 0, 2, 1)
    # Later only what changed is sent: B1 goes to another station in March.
    moved = beat("B1", "S2", (0, 0, 1, 1)) | {"valid_from": "2025-03-01"}
    load({"later.geojson": beats(north | {"valid_to": "2025-03-01"}, moved)}, mapping)
    found = current_snapshot(store).read("incidents").sort("occurred_on", "lon")
    assert found["beat_code"].to_list() == ["B1", "B2", "B1", "B2"]
    assert found["station_code"].to_list() == ["S1", "S1", "S2", "S1"]
    # A beat whose parent is corrected leaves no shape behind.
    load({"mended.geojson": beats(moved | {"parent": "S3"})}, mapping)
    left = current_snapshot(store).read("areas").filter(pl.col("area_code") == "S2")
    assert left["geometry"].to_list() == [None]


def beat(code: str, parent: str, corners: tuple[float, ...]) -> dict[str, object]:
    return {"code": code, "level": "beat", "parent": parent, "corners": corners}


def beats(*given_beats: dict[str, object]) -> str:
    features = [
        {
            "type": "Feature",
            "properties": {name: value for name, value in one.items() if name != "corners"},
            "geometry": shapely.geometry.mapping(shapely.box(*one["corners"])),
        }
        for one in given_beats
    ]
    return json.dumps({"type": "FeatureCollection", "features": features})


def test_a_source_does_not_move_to_another_force(load: Load, store: Store, tmp_path: Path) -> None:
    calls = "JJDBH,BJSJ,BJLX\n1,20250301083000,010000\n"
    first = load({"calls.csv": calls})
    other = tmp_path / "other.toml"
    other.write_text(CITY.read_text(encoding="utf-8").replace("zz-city", "zz-town"), encoding="utf-8")
    with pytest.raises(StoreError, match="was loaded for the police force zz-city, not for zz-town"):
        load({"calls.csv": calls}, other)
    assert store.current_snapshot_id() == first.snapshot_id


def test_what_a_killed_ingest_left_is_not_taken_for_a_later_one(
    load: Load, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "calls.csv"
    path.write_text("kind,day,x,y\na,2026-01-10,1,1\na,2026-01-20,1,1\n", encoding="utf-8")
    with monkeypatch.context() as killed, pytest.raises(RuntimeError, match="killed"):
        killed.setattr("data.integration.ingest.write_snapshot", fail)
        ingest(store, CITY, [path], loaded_by="t", now=NOW)
    # The load was there without a snapshot. A week later its second row lies no longer ahead.
    report = ingest(store, CITY, [path], loaded_by="t", now=NOW + timedelta(days=7))
    snapshot = current_snapshot(store)
    assert (report.files[0].kept, snapshot.read("calls").height, snapshot.loads[0]["files"][0]["kept"]) == (2, 2, 2)


def fail(*_: object, **__: object) -> None:
    raise RuntimeError("killed")


def test_incidents_derived_in_pieces_are_the_same(
    load: Load, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {"calls.csv": "JJDBH,BJSJ,BJLX\n" + "".join(f"{n},20250301083000,010000\n" for n in range(7))}
    load(files)
    whole = current_snapshot(store).read("incidents")
    monkeypatch.setattr("data.integration.ingest.ROWS_PER_FILE", 2)
    pieces = Store.create(tmp_path / "pieces")
    ingest(pieces, CITY, [tmp_path / "calls.csv"], loaded_by="tester", now=NOW)
    snapshot = current_snapshot(pieces)
    assert len(list((snapshot.folder / "incidents").glob("*.parquet"))) == 3
    assert snapshot.read("incidents").equals(whole)


cells = st.text(alphabet='0123456789abc.,"\n\r 月日~-', max_size=12)


KIND = next(kind for kind in load_mapping(CITY).files if kind.name == "calls")


@settings(max_examples=80, deadline=None)
@given(rows=st.lists(st.lists(cells, min_size=0, max_size=6), max_size=12), tail=st.sampled_from(["", "\n", "\r\n"]))
def test_whatever_the_file_holds_rows_read_are_kept_or_refused(rows: list[list[str]], tail: str) -> None:
    text = "JJDBH,BJSJ,BJLX,X,Y\n" + "\n".join(",".join(row) for row in rows) + tail
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "calls.csv"
        path.write_bytes(text.encode("gb18030"))
        raw = read_records(path, KIND)
    result = to_canonical(
        raw, KIND, load_mapping(CITY).jurisdiction, source="city", file_name="calls.csv", latest=date(2026, 1, 16)
    )
    lines = sorted([*result.kept["source_line"], *result.refused["source_line"]])
    # Quotes may join physical lines into one record; no record may come out twice or vanish.
    assert len(set(lines)) == len(lines) == raw.records == result.read
    assert result.refused["reason"].null_count() == 0
    if '"' not in text and "\r" not in text:
        assert raw.records == text.count("\n") - 1 + (not text.endswith("\n"))


@settings(max_examples=10, deadline=None)
@given(order=st.permutations(range(6)), cut=st.integers(0, 6))
def test_order_and_grouping_of_files_do_not_matter_for_counts(order: list[int], cut: int) -> None:
    row = ["a,2025-01-01,1,1,p", "a,2025-01-01,1,1,q", "a,2025-01-01,1,1,p", "b,2025-01-01,1,1,p"]
    contents = [row, row[:2], row[2:], row[1:], row[:1], [row[3]] * 2]
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for number in order:
            path = Path(folder) / f"{number}.csv"
            path.write_text("kind,day,x,y,detail\n" + "\n".join(contents[number]) + "\n")
            paths.append(path)
        store = Store.create(Path(folder) / "store")
        for part in (paths[:cut], paths[cut:]):
            if part:
                ingest(store, CITY, part, loaded_by="t", now=NOW)
        # The largest number of identical sightings in any one file: 3 of a, 2 of b.
        assert sorted(current_snapshot(store).read("incidents")["category"]) == ["a", "a", "a", "b", "b"]


def test_a_ragged_row_shows_no_cell_where_a_personal_one_may_have_slipped(load: Load, store: Store) -> None:
    load({"calls.csv": CALLS})
    ragged = current_snapshot(store).quarantine().filter(pl.col("reason") == "ragged_row").collect()
    assert ragged["raw"].to_list() == [None]


def test_files_of_one_name_are_told_apart_everywhere(store: Store, tmp_path: Path) -> None:
    paths = []
    head = "kind,day,x,y\n"
    for folder, rows in (
        ("a", "theft,2025-01-01,120.1,30.1\n" * 2 + ",,,\n"),
        ("b", "theft,2025-01-01,120.1,30.1\n" * 3),
    ):
        paths.append(tmp_path / folder / "2018.csv")
        paths[-1].parent.mkdir()
        paths[-1].write_text(head + rows, encoding="utf-8")
    report = ingest(store, CITY, paths, loaded_by="clerk", now=NOW)
    counts = {one.file: (one.read, one.kept, sum(one.quarantined.values())) for one in report.files}
    assert counts == {"a/2018.csv": (3, 2, 1), "b/2018.csv": (3, 3, 0)}
    snapshot = current_snapshot(store)
    # Over files the larger count of identical rows wins: three, whichever file tells them.
    calls = snapshot.read("calls")
    assert calls.height == calls["record_key"].n_unique() == 3
    assert set(calls["source_file"]) <= set(counts)
    assert snapshot.quarantine().collect()["source_file"].to_list() == ["a/2018.csv"]
    told = (store.loads / report.load_id / "load.json").read_text(encoding="utf-8")
    assert str(tmp_path) not in told
    # Alone each has its own name, and is known.
    again = ingest(store, CITY, [paths[1]], loaded_by="clerk", now=NOW)
    assert (again.already_loaded, again.files[0].file) == (True, "2018.csv")
