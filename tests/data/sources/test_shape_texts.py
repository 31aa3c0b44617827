"""Boundaries that come as text in a table: WKT, PostGIS's forms of it, GeoJSON objects."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import geopandas
import polars as pl
import pytest
import shapely
from pyproj import Transformer

from benchmarks.fuzzing.bases import Base
from benchmarks.fuzzing.trials import try_one
from data.errors import BeatwiseError, SourceError
from data.integration.ingest import ingest
from data.schemas import CANONICAL
from data.snapshots import current_snapshot
from data.sources.mapping import parse_mapping
from data.sources.propose import Known, propose_mapping
from data.sources.reading.shape_texts import find_shapes, read_shape_texts
from data.store import Store

NOW = datetime(2026, 6, 1, tzinfo=UTC)
SQUARES = [shapely.box(120 + n, 30, 121 + n, 31) for n in range(6)]
FEET = Transformer.from_crs("EPSG:4326", "EPSG:3435", always_xy=True)


def in_feet(shape: Any) -> Any:
    return shapely.transform(shape, lambda points: pl.DataFrame(FEET.transform(*points.T)).to_numpy())


def with_srid(shape: Any) -> str:
    return f"SRID=4326;{shape.wkt}"


def hexadecimal(shape: Any) -> str:
    return str(shapely.to_wkb(shapely.set_srid(shape, 4326), hex=True, include_srid=True))


def table(path: Path, texts: list[str | None]) -> Path:
    codes = [f"B{n}" for n in range(len(texts))]
    pl.DataFrame({"the_geom": texts, "BEAT_NUM": codes}, schema_overrides={"the_geom": pl.String}).write_csv(path)
    return path


def mapping(crs: str, **keys: str) -> str:
    more = "\n".join(f'{name} = "{value}"' for name, value in keys.items())
    return f"""
format = 1
[source]
name = "town"
title_zh = "镇"
title_en = "Town"
legal_basis = "synthetic-data"
purpose = "demonstration"
[source.jurisdiction]
code = "zz-town"
name_zh = "镇"
name_en = "Town"
timezone = "UTC"
analysis_crs = "EPSG:4549"
[[file]]
name = "areas"
table = "areas"
format = ["csv", "json"]
headers = ["the_geom"]
shape = "the_geom"
crs = "{crs}"
identity = ["level", "area_code"]
{more}
[file.columns]
level = {{ constant = "beat" }}
area_code = {{ from = "BEAT_NUM" }}
"""


def loaded(folder: Path, path: Path, text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    (folder / "town.toml").write_text(text, encoding="utf-8")
    store = Store.create(folder / "store")
    report = ingest(store, folder / "town.toml", [path], loaded_by="test", now=NOW).to_dict()
    areas = current_snapshot(store).read("areas")
    shapes = shapely.from_wkb(areas["geometry"].to_list())
    return report, dict(zip(areas["area_code"], shapes, strict=True))


@pytest.mark.parametrize("form", [lambda shape: shape.wkt, with_srid, hexadecimal, shapely.to_geojson])
def test_every_form_of_text_gives_the_shape(tmp_path: Path, form: Callable[[Any], str]) -> None:
    path = table(tmp_path / "beats.csv", [form(one) for one in SQUARES])
    report, shapes = loaded(tmp_path, path, mapping("EPSG:4326"))
    assert (report["read"], report["kept"], report["quarantined"]) == (6, 6, {})
    assert all(shapes[f"B{n}"].equals(one) for n, one in enumerate(SQUARES))


def test_a_stated_system_is_used_and_a_contradiction_refused(tmp_path: Path) -> None:
    town = shapely.box(-87.7, 41.8, -87.6, 41.9)
    plain = table(tmp_path / "beats.csv", [in_feet(town).wkt])
    _, shapes = loaded(tmp_path, plain, mapping("EPSG:3435"))
    assert shapes["B0"].equals_exact(town, 1e-6)
    (tmp_path / "other").mkdir()
    with pytest.raises(SourceError, match="states the system EPSG:4326, the mapping EPSG:3435"):
        loaded(tmp_path / "other", table(tmp_path / "srid.csv", [with_srid(town)]), mapping("EPSG:3435"))
    (tmp_path / "none").mkdir()
    with pytest.raises(SourceError, match="state no coordinate reference system"):
        loaded(tmp_path / "none", table(tmp_path / "none.csv", [town.wkt]), mapping("file"))


def test_what_is_no_shape_is_quarantined_with_its_line_and_the_rest_kept(tmp_path: Path) -> None:
    texts = [SQUARES[0].wkt, "POLYGON ((0 0, 1 1", "see annex", None, "POLYGON EMPTY"]
    path = table(tmp_path / "beats.csv", texts)
    report, shapes = loaded(tmp_path, path, mapping("EPSG:4326"))
    assert (report["read"], report["kept"]) == (5, 2)
    assert report["quarantined"] == {"unreadable_value": 3}
    # An area whose boundary nobody wrote down is an area all the same, as a feature without a geometry is.
    assert set(shapes) == {"B0", "B3"} and shapes["B3"] is None
    refused = pl.read_parquet(next((tmp_path / "store").rglob("quarantine.parquet")))
    told = refused.sort("source_line").select("source_line", "column", "reason").rows()
    assert told == [(line, "the_geom", "unreadable_value") for line in (3, 4, 6)]
    assert "see annex" in refused.sort("source_line")["raw"][1]


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3857"])
def test_damaged_numbers_are_no_place(tmp_path: Path, crs: str) -> None:
    no_number, no_degree = "POLYGON ((0 0, 1e999 0, 1 1, 0 0))", "POLYGON ((0 0, 1 0, 1 91, 0 0))"
    path = table(tmp_path / "beats.csv", [SQUARES[0].wkt, no_number, "9" * 400, no_degree])
    _, shapes = loaded(tmp_path, path, mapping(crs))
    assert set(shapes) == ({"B0"} if crs == "EPSG:4326" else {"B0", "B3"})


def test_damaged_texts_end_as_others_do(tmp_path: Path) -> None:
    """What benchmarks.fuzz does to other files; the full run is in docs/stewards.md."""
    (tmp_path / "town.toml").write_text(mapping("EPSG:4326"), encoding="utf-8")
    forms: list[Callable[[Any], str]] = [lambda shape: shape.wkt, with_srid, hexadecimal, shapely.to_geojson]
    bases = [
        Base(
            "b.csv", str(tmp_path / "town.toml"), table(tmp_path / "b.csv", [*map(one, SQUARES)]).read_bytes(), "utf-8"
        )
        for one in forms
    ]
    (tmp_path / "work").mkdir()
    ended = [try_one(seed, bases, tmp_path / "work")[0] for seed in range(60)]
    assert {one.ended for one in ended} == {"loaded", "refused"}, [one.message for one in ended if one.message]


def test_a_boundary_longer_than_any_other_cell_is_read(tmp_path: Path) -> None:
    """Python's reader, which counts the cells of a line that has too many, stops at 131,072 characters of its own."""
    round_one = shapely.Point(120, 30).buffer(1, quad_segs=3000)
    assert len(round_one.wkt) > 400_000
    path = table(tmp_path / "beats.csv", [round_one.wkt, *(one.wkt for one in SQUARES)])
    path.write_text(path.read_text() + "POLYGON EMPTY,B9,one cell too many\n")
    report, shapes = loaded(tmp_path, path, mapping("EPSG:4326"))
    assert (report["read"], report["kept"], report["quarantined"]) == (8, 7, {"ragged_row": 1})
    assert shapes["B0"].equals(round_one)


def test_pieces_of_one_area_are_joined(tmp_path: Path) -> None:
    path = tmp_path / "beats.csv"
    pl.DataFrame({"the_geom": [one.wkt for one in SQUARES[:2]], "BEAT_NUM": ["B", "B"]}).write_csv(path)
    report, shapes = loaded(tmp_path, path, mapping("EPSG:4326", identical_rows="parts"))
    assert report["quarantined"] == {"joined_as_part": 1}
    assert shapes["B"].equals(shapely.union_all(SQUARES[:2]))


@pytest.mark.parametrize(
    ("crs", "changes", "message"),
    [
        ("", {}, "not known"),
        ("EPSG:4326", {'["csv", "json"]': '"geojson"'}, "files of shapes have their own"),
        ("EPSG:4326", {'shape = "the_geom"': 'shape = "联系电话"'}, "personal"),
    ],
)
def test_mappings_that_cannot_be_meant_are_refused(crs: str, changes: dict[str, str], message: str) -> None:
    text = mapping(crs)
    for old, new in changes.items():
        text = text.replace(old, new)
    with pytest.raises(BeatwiseError, match=message):
        parse_mapping(text, where="town.toml")


def test_the_system_of_text_must_be_stated() -> None:
    text = mapping("x").replace('crs = "x"\n', "")
    with pytest.raises(BeatwiseError, match="state the crs of the geometry"):
        parse_mapping(text, where="town.toml")


@pytest.mark.real_data
@pytest.mark.parametrize("form", ["csv", "json"])
def test_boundaries_of_a_city_are_proposed_from_text_as_from_their_geojson(
    tmp_path: Path, shared_data: Path, form: str
) -> None:
    """The layout in which Socrata's portals hand out the very same boundaries as a table."""
    source = next((shared_data / "chicago").rglob("police_beats.geojson"))
    beats = geopandas.read_file(source)
    told = beats.drop(columns="geometry")
    if form == "csv":
        path = tmp_path / "police_beats.csv"
        told.insert(0, "the_geom", shapely.to_wkt(beats.geometry.to_numpy(), rounding_precision=17))
        told.to_csv(path, index=False)
    else:
        path = tmp_path / "police_beats.json"
        rows = json.loads(told.to_json(orient="records", date_format="iso"))
        shapes = [json.loads(one) for one in shapely.to_geojson(beats.geometry.to_numpy())]
        path.write_text(json.dumps([{"the_geom": s, **row} for s, row in zip(shapes, rows, strict=True)]))
    known = Known("town", "zz-town", "America/Chicago", None, None, "published-open-data")
    found: list[pl.DataFrame] = []
    for place, one in enumerate((source, path)):
        proposal = propose_mapping([one], known)
        lines = [line for line in proposal.toml.splitlines() if not line.startswith("unconfirmed")]
        folder = tmp_path / str(place)
        folder.mkdir()
        (folder / "town.toml").write_text("\n".join(lines), encoding="utf-8")
        store = Store.create(folder / "store")
        ingest(store, folder / "town.toml", [one], loaded_by="test", now=NOW)
        found.append(current_snapshot(store).read("areas"))
    columns = [name for name in CANONICAL["areas"].column_names() if name not in ("geometry", "area_km2")]
    columns = [one for one in columns if one not in ("record_key", "source", "load_id", "source_file", "source_line")]
    first, second = (one.sort("area_code") for one in found)
    assert first.height > 270
    assert second.select(columns).equals(first.select(columns))
    pairs = zip(*(shapely.from_wkb(one["geometry"].to_list()) for one in (first, second)), strict=True)
    assert all(one.equals(other) for one, other in pairs)


def test_points_and_remarks_are_no_boundaries() -> None:
    raw: Any = type("Raw", (), {})()
    raw.frame = pl.DataFrame({"p": ["POINT (1 2)"] * 5, "t": ["POLYGON of the fair"] * 5, "n": [1] * 5})
    raw.headers = {"p": "p", "t": "t", "n": "n"}
    assert find_shapes(raw) is None
    shapes, stated = read_shape_texts(pl.Series(["SRID=3857;POLYGON ((0 0, 1 0, 1 1, 0 0))", None, "no"]))
    assert stated == {3857} and [one is None for one in shapes] == [False, True, True]
