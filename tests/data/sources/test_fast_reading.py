"""What is read fast says the same as what is read carefully: several text files at once, GeoJSON without GDAL."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from data.integration.batches import read_together, small_texts_together
from data.integration.canonical import _as_text
from data.sources.mapping import FileKind
from data.sources.reading import GEOMETRY, LINE, geojson, headers_of, read_records, shapes
from data.sources.reading.geojson import plain_features
from data.sources.reading.text import read_texts

CALLS = FileKind.model_validate(
    {
        "name": "f",
        "table": "calls",
        "format": ["csv"],
        "headers": ["a"],
        "identity": "call_id",
        "columns": {"call_id": {"from": "a"}},
    }
)
AREAS = FileKind.model_validate(
    {
        "name": "g",
        "table": "areas",
        "format": ["geojson"],
        "headers": ["code"],
        "identity": "area_code",
        "crs": "file",
        "columns": {"area_code": {"from": "code"}, "level": {"constant": "beat"}},
    }
)
CELLS = st.text(alphabet='ab ,"\n\t\u3000é', max_size=4)


@settings(max_examples=150, deadline=None)
@given(files=st.lists(st.lists(st.lists(CELLS, min_size=1, max_size=3), max_size=5), min_size=2, max_size=4))
def test_files_read_together_give_what_each_gives(files: list[list[list[str]]], tmp_path_factory: Any) -> None:
    folder = tmp_path_factory.mktemp("t")
    paths = [folder / f"{place}.csv" for place in range(len(files))]
    for path, rows in zip(paths, files, strict=True):
        path.write_text("a,b\n" + "\n".join(",".join(row) for row in rows))
    apart = [read_records(path, CALLS) for path in paths]
    found: list[tuple[int, ...]] = []
    for piece in read_together(paths, CALLS, range(len(paths))):
        file, line = piece.origin(piece.raw.frame[LINE])
        found += piece.raw.frame.drop(LINE).with_columns(file.alias("file"), line.alias("line")).rows()
        if piece.raw.clean:
            assert_frame_equal(_as_text(piece.raw.frame), piece.raw.frame)
    assert found == [
        (*row[1:], place, row[0])
        for place, table in enumerate(apart)
        for row in table.frame.select(LINE, "a", "b").rows()
    ]


def test_plain_files_are_read_in_one_go_and_others_are_not(tmp_path: Path) -> None:
    def written(name: str, content: bytes) -> Path:
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    plain = [written("1.csv", b"a,b\r\n1,2\r\n"), written("2.csv", b"a,b\r\n"), written("3.csv", b"a,b\r\n3,\xc3\xa9")]
    together = read_texts(plain, CALLS)
    assert together is not None
    table, starts = together
    assert table.frame.rows() == [(2, "1", "2"), (5, "3", "é")]
    assert starts == [0, 2, 3]
    other = written("4.csv", b"b,a\r\n1,2\r\n")
    broken = written("5.csv", b"a,b\r\n1,\xff\r\n")
    short = written("6.csv", b"a,b\r\n1\r\n")
    for odd in (other, broken, short):
        assert read_texts([plain[0], odd], CALLS) is None
    lookup = FileKind.model_validate({"name": "l", "table": "lookup", "format": ["csv"], "headers": ["a"]})
    kinds = [CALLS, CALLS, lookup, lookup, CALLS]
    assert list(small_texts_together([*plain, other, short], kinds)) == [[0, 1], [2], [3], [4]]


def square(x: float, **more: Any) -> dict[str, Any]:
    ring = [[x, 0.0], [x + 1, 0.1], [x + 1, 1.0], [x, 1.0], [x, 0.0]]
    return {"type": "Feature", "properties": {"code": f"b{x}", "n": 7, "share": 0.5, **more}, "geometry": shape(ring)}


def shape(*rings: Any) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": list(rings)}


HOLE = [[0.2, 0.2], [0.4, 0.2], [0.4, 0.4], [0.2, 0.2]]
PLAIN = [
    [square(0), square(2)],
    [square(0, name=None), square(2, name="二")],
    [square(0), {**square(2), "geometry": None}],
    [{**square(0), "geometry": shape(square(0)["geometry"]["coordinates"][0], HOLE)}, square(3)],
    [{**square(0), "geometry": {"type": "MultiPolygon", "coordinates": [square(0)["geometry"]["coordinates"]] * 2}}],
    [square(0, zz=True, aa=1), square(1, zz=False, aa=None)],
    [{**square(0), "geometry": dict(reversed(square(0)["geometry"].items()))}, square(1)],
    [square(0, name='{"coordinates": [[1, 2]]}'), square(1, name="]}")],
    [{**square(0), "geometry": shape([[0, 0], [1, 0], [1, -1], [0, 0]])}, square(1)],
    [
        {**square(0), "geometry": {"type": "MultiPolygon", "coordinates": [[square(0)["geometry"]["coordinates"][0]]]}},
        {
            **square(1),
            "geometry": {
                "type": "MultiPolygon",
                "coordinates": [
                    [square(5)["geometry"]["coordinates"][0]],
                    [square(0)["geometry"]["coordinates"][0], HOLE],
                ],
            },
        },
    ],
]
ODD = [
    [square(0, day="2025-01-02")],
    [square(0), square(2, more=1)],
    [{**square(0), "id": 5}],
    [square(0, nested={"a": 1})],
    [{**square(0), "geometry": {"type": "Point", "coordinates": [1.0, 2.0]}}],
    [square(0, coordinates=[1.0, 2.0])],
    [square(0, coordinates=0)],
    [{**square(0), "geometry": shape([[0.0, 0.0], [1.0, 0.0], [0.0, 0.0]])}],
    [{**square(0), "geometry": shape([])}],
    [square(0), {**square(1), "geometry": {"type": "MultiPolygon", "coordinates": [shape(HOLE)["coordinates"]]}}],
    [{**square(0), "geometry": shape([[0.0, 0.0, 5.0], [1.0, 0.0, 5.0], [1.0, 1.0, 5.0], [0.0, 0.0, 5.0]])}],
]


def written(folder: Path, features: list[dict[str, Any]], **more: Any) -> Path:
    path = folder / "a.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", **more, "features": features}))
    return path


@pytest.mark.parametrize("piece_bytes", [geojson.PIECE_BYTES, 1])
@pytest.mark.parametrize("features", PLAIN)
def test_plain_geojson_reads_as_gdal_reads_it(
    features: list[dict[str, Any]], piece_bytes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(geojson, "PIECE_BYTES", piece_bytes)
    path = written(tmp_path, features)
    assert plain_features(path) is not None
    headers, fast = headers_of(path, AREAS), read_records(path, AREAS)
    monkeypatch.setattr(shapes, "plain_features", lambda path: None)
    assert headers == headers_of(path, AREAS)
    slow = read_records(path, AREAS)
    assert fast.headers == slow.headers
    assert_frame_equal(_as_text(fast.frame), _as_text(slow.frame))


@pytest.mark.parametrize("features", ODD)
def test_geojson_out_of_the_ordinary_is_left_to_gdal(features: list[dict[str, Any]], tmp_path: Path) -> None:
    assert plain_features(written(tmp_path, features)) is None


@pytest.mark.parametrize(
    ("sound", "broken"),
    [
        ("0.1]", "0.1"),
        ("[0, 0.0]", "[0, 0.0"),
        ("0.1", "0..1"),
        ("0.1", "0-1"),
        ("0.1", ""),
        ("0.1", "x"),
        ("0.1", "1/2"),
        ("[1, 0.1]", "p"),
        ("[1, 0.1]", "[1, 0.1, 2]"),
        ("[1, 0.1], ", "[1, 0.1] "),
        ("[1, 0.1], ", "[1, 0.1],, "),
        ("0.1", "1e400"),
        ('"coordinates": [', '"coordinates" [['),
    ],
)
def test_broken_coordinates_are_never_read_fast(sound: str, broken: str, tmp_path: Path) -> None:
    path = written(tmp_path, [square(0)])
    text = path.read_text()
    assert sound in text
    path.write_text(text.replace(sound, broken, 1))
    assert plain_features(path) is None


def test_geojson_in_metres_is_left_to_gdal(tmp_path: Path) -> None:
    metres = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::27700"}}
    assert plain_features(written(tmp_path, [square(0)], crs=metres)) is None
    degrees = {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}
    assert plain_features(written(tmp_path, [square(0)], crs=degrees)) is not None


def test_a_changed_geojson_is_read_again(tmp_path: Path) -> None:
    first = read_records(written(tmp_path, [square(0)]), AREAS).frame
    second = read_records(written(tmp_path, [square(0), square(5)]), AREAS).frame
    assert (first.height, second.height) == (1, 2)
    assert second.select(pl.col(GEOMETRY).is_not_null().all()).item()
