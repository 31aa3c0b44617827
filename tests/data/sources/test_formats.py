"""Formats and headers that mappings of real data sets need, each in the smallest form."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime
from pathlib import Path

import geopandas
import polars as pl
import pytest
import shapely
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.errors import SourceError
from data.integration.canonical import CanonicalRows, to_canonical
from data.snapshots import Jurisdiction
from data.sources.mapping import FileKind
from data.sources.reading import GEOMETRY, format_of, headers_of, read_records
from tests.conftest import run_cli

TORONTO = Jurisdiction("zz", "试", "Test", "America/Toronto", "EPSG:3857")


def kind(**more: object) -> FileKind:
    formats = ["csv", "xlsx", "parquet", "json", "geojson", "gpkg", "geoparquet"]
    return FileKind.model_validate({"name": "k", "table": "lookup", "format": formats, "headers": ["a"], **more})


def written(tmp_path: Path, name: str, content: bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


def mapped(tmp_path: Path, content: str, **more: object) -> CanonicalRows:
    calls = kind(table="calls", identity=["category", "occurred_from"], identical_rows="legitimate", **more)
    raw = read_records(written(tmp_path, "f.csv", content.encode()), calls)
    return to_canonical(raw, calls, TORONTO, source="s", file_name="f.csv", latest=date(2026, 1, 1))


def test_json_records_keep_numbers_as_written_and_drop_persons_at_any_depth(tmp_path: Path) -> None:
    records = '[{"a": 123456789012345678901, "b": 1.50, "姓名": "x"}, {"a": null, "c": {"phone_no": 1, "d": [true]}}]'
    path = written(tmp_path, "f.json", records.encode())
    assert headers_of(path, kind()) == ["a", "b", "姓名", "c"]
    raw = read_records(path, kind())
    assert raw.dropped == ["姓名"]
    assert raw.frame.rows() == [
        (2, "123456789012345678901", "1.50", None),
        (3, None, None, '{"d": [true]}'),
    ]


def test_one_json_object_is_one_record(tmp_path: Path) -> None:
    raw = read_records(written(tmp_path, "f.json", b'{"a": "x", "b": false}'), kind())
    assert raw.frame.rows() == [(2, "x", "false")]


@pytest.mark.parametrize(("content", "message"), [(b"[1, 2]", "no list of objects"), (b"[{", "cannot be read as JSON")])
def test_json_that_holds_no_records_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        read_records(written(tmp_path, "f.json", content), kind())


def test_json_with_features_is_geojson(tmp_path: Path) -> None:
    square = json.loads(shapely.to_geojson(shapely.box(0, 0, 1, 1)))
    features = {
        "type": "FeatureCollection",
        "features": [{"type": "Feature", "properties": {"a": "1"}, "geometry": square}],
    }
    path = written(tmp_path, "f.json", json.dumps(features).encode())
    assert format_of(path) == "geojson"
    assert read_records(path, kind()).frame["a"].to_list() == ["1"]


@pytest.mark.parametrize(
    ("name", "column"), [("f.gpkg", "geometry"), ("f.geoparquet", "geometry"), ("g.geoparquet", "shape")]
)
def test_shapes_come_back_in_degrees_from_every_format(tmp_path: Path, name: str, column: str) -> None:
    # British National Grid: the false origin's true origin lies at 400 km east, -100 km north, 2° W 49° N.
    frame = geopandas.GeoDataFrame(
        {"a": ["E1"], column: [shapely.Point(400_000, -100_000)]}, geometry=column, crs="EPSG:27700"
    )
    path = tmp_path / name
    if name.endswith("gpkg"):
        frame.to_file(path)
    else:
        frame.to_parquet(path)
    assert headers_of(path, kind()) == ["a"]
    raw = read_records(path, kind(crs="file"))
    assert raw.headers == {"a": "a"}
    point = shapely.from_wkb(raw.frame[GEOMETRY][0])
    assert (point.x, point.y) == pytest.approx((-2.0, 49.0), abs=0.01)


def test_parquet_without_shapes_under_the_name_of_geoparquet_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "f.geoparquet"
    pl.DataFrame({"a": [1]}).write_parquet(path)
    with pytest.raises(SourceError, match="no shapes"):
        read_records(path, kind())


def test_two_header_rows_are_joined_over_merged_cells(tmp_path: Path) -> None:
    content = "统计表,,,\na,人口,,户\n,男,女,户\n1,2,3,4\n".encode()
    two = kind(header_row=3, header_rows=2)
    raw = read_records(written(tmp_path, "f.csv", content), two)
    assert list(raw.headers.values()) == ["a", "人口 男", "人口 女", "户"]
    assert raw.frame.rows() == [(4, "1", "2", "3", "4")]
    path = tmp_path / "f.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["统计表"])
        sheet.write_row(1, 0, ["a", "人口", "", "户"])
        sheet.write_row(2, 1, ["男", "女", "户"])
        sheet.write_row(3, 0, ["1", "2", "3", "4"])
    assert headers_of(path, two) == ["a", "人口 男", "人口 女", "户"]
    assert read_records(path, two).frame.rows() == [(4, "1", "2", "3", "4")]


def test_header_rows_must_lie_above_header_row() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        kind(header_rows=2)


def test_repeated_and_unnamed_headers_can_be_named_and_stored(tmp_path: Path) -> None:
    raw = read_records(written(tmp_path, "f.csv", b"a,Persons,,Persons,\n1,2,3,4,5\n"), kind())
    assert list(raw.headers.values()) == ["a", "Persons", "#column3", "Persons#2", "#column5"]
    assert raw.frame.rename(raw.headers)["Persons#2"].to_list() == ["4"]


def test_a_fallback_encoding_is_used_only_when_stated_and_needed(tmp_path: Path) -> None:
    path = written(tmp_path, "f.csv", "a\nÉcole ’x’\n".encode("cp1252"))
    assert read_records(path, kind()).notes == {"undecodable_bytes": 3}
    raw = read_records(path, kind(fallback_encoding="cp1252"))
    assert (raw.frame["a"].to_list(), raw.notes) == (["École ’x’"], {})
    plain = written(tmp_path, "g.csv", "a\nÉcole\n".encode())
    assert read_records(plain, kind(fallback_encoding="cp1252")).frame["a"].to_list() == ["École"]


def test_missing_trailing_cells_are_counted_and_empty_lines_are_not(tmp_path: Path) -> None:
    raw = read_records(written(tmp_path, "f.csv", b'a,b,c\n1,"x,y",3\n4\n\n5,6\n'), kind())
    assert raw.frame.drop("$line").rows() == [
        ("1", "x,y", "3"),
        ("4", None, None),
        (None, None, None),
        ("5", "6", None),
    ]
    assert raw.notes == {"missing_trailing_cells": 3}
    full = read_records(written(tmp_path, "g.csv", b'a,b\n1,"x,y"\n2,\n'), kind())
    assert full.notes == {}


CELLS = st.text(alphabet='ab,"\n ', min_size=1, max_size=4).filter(lambda cell: cell.strip() != "")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.lists(CELLS, min_size=1, max_size=3), min_size=1, max_size=8))
def test_rows_that_end_early_are_all_read_and_their_missing_cells_counted(
    tmp_path: Path, rows: list[list[str]]
) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([["a", "b", "c"], *rows])
    raw = read_records(written(tmp_path, "f.csv", text.getvalue().encode()), kind())
    assert raw.records == len(rows)
    assert raw.notes.get("missing_trailing_cells", 0) == sum(3 - len(row) for row in rows)


def test_an_hour_beside_a_date_is_an_interval_of_one_local_hour(tmp_path: Path) -> None:
    rows = mapped(
        tmp_path,
        "a,day,hour\nx,2019/01/01 05:00:00+00,23\nx,2019/01/02 05:00:00+00,\nx,2019/01/03 05:00:00+00,24\n",
        columns={"category": {"from": "a"}},
        time={"date": {"from": "day", "slice": [0, 10]}, "hour": {"from": "hour"}},
    )
    assert rows.kept.select("occurred_from", "occurred_to", "occurred_on", "time_precision").rows() == [
        (datetime(2019, 1, 2, 4, tzinfo=UTC), datetime(2019, 1, 2, 5, tzinfo=UTC), date(2019, 1, 1), "hour"),
        (datetime(2019, 1, 2, 5, tzinfo=UTC), datetime(2019, 1, 3, 5, tzinfo=UTC), date(2019, 1, 2), "day"),
        (datetime(2019, 1, 3, 5, tzinfo=UTC), datetime(2019, 1, 4, 5, tzinfo=UTC), date(2019, 1, 3), "day"),
    ]
    assert rows.notes == {"unreadable_hour": 1}


@pytest.mark.parametrize(("zone", "day"), [("UTC", date(2019, 1, 1)), (None, date(2018, 12, 31))])
def test_milliseconds_give_the_day_of_the_zone_they_were_written_in(
    tmp_path: Path, zone: str | None, day: date
) -> None:
    rule = {"from": "ms", "parse": "epoch_ms", "blank": ["-2208988800000"], **({"zone": zone} if zone else {})}
    rows = mapped(
        tmp_path,
        "a,ms\nx,1546300800000\ny,-2208988800000\n",
        columns={"category": {"from": "a"}, "known_on": rule},
        time={"date": rule},
    )
    assert rows.kept.select("known_on", "occurred_on", "time_precision").rows() == [
        (day, day, "day"),
        (None, None, "unknown"),
    ]


def test_areas_in_parts_become_one_with_the_shape_of_all(tmp_path: Path) -> None:
    boxes = [shapely.box(0, 0, 1, 1), shapely.box(5, 5, 6, 6), shapely.box(1, 0, 2, 1)]
    path = tmp_path / "f.geojson"
    geopandas.GeoDataFrame({"a": ["31", "02", "31"]}, geometry=boxes, crs="EPSG:4326").to_file(path)
    areas = kind(
        table="areas",
        crs="file",
        identity=["level", "area_code"],
        identical_rows="parts",
        columns={"level": {"constant": "station"}, "area_code": {"from": "a"}},
    )
    raw = read_records(path, areas)
    rows = to_canonical(raw, areas, TORONTO, source="s", file_name="f.geojson", latest=date(2026, 1, 1))
    assert rows.refused.select("source_line", "reason").rows() == [(2, "joined_as_part")]
    shapes = dict(zip(rows.kept["area_code"], shapely.from_wkb(rows.kept["geometry"].to_list()), strict=True))
    assert shapes["31"].equals(shapely.box(0, 0, 2, 1))
    assert shapes["02"].equals(boxes[1])
    one, two = (rows.kept.filter(pl.col("area_code") == code)["area_km2"][0] for code in ("02", "31"))
    assert two == pytest.approx(2 * one, rel=0.02)


def test_only_shapes_come_in_parts() -> None:
    with pytest.raises(ValueError, match="parts"):
        kind(table="calls", identity=["category"], identical_rows="parts", columns={"category": {"from": "a"}})


def test_ids_that_a_file_keeps_as_numbers_stay_digits_and_rounded_ones_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "f.parquet"
    numbers = [9007199254740991.0, 12345678901234567.0, None, 1e20]
    pl.DataFrame({"a": numbers, "b": [12345678901234567, 1, 2, 3], "c": [0.5, 1.0, 2.0, 3.0]}).write_parquet(path)
    raw = read_records(path, kind())
    digits = ["9007199254740991", "12345678901234568", None, "100000000000000000000"]
    assert raw.frame["a"].to_list() == digits
    assert raw.frame["b"].to_list() == [12345678901234567, 1, 2, 3]
    assert raw.frame["c"].dtype == pl.Float64
    assert raw.notes == {"rounded_long_numbers": 2}


def test_a_damaged_page_of_parquet_ends_in_a_message_not_in_the_end_of_the_process(tmp_path: Path) -> None:
    path = tmp_path / "calls.parquet"
    frame = pl.DataFrame({"a": [None if n % 3 else f"x{n}" for n in range(40)], "b": list(range(40))})
    frame.write_parquet(path, compression="uncompressed")
    content = bytearray(path.read_bytes())
    # A run of nulls of impossible length: Polars asks for so much memory that the process is ended.
    content[121] = 0x7F
    path.write_bytes(content)
    done = run_cli("source", "check", path, check=False)
    assert done.returncode == 2
    assert "calls.parquet: the file cannot be read as Parquet" in done.stderr
