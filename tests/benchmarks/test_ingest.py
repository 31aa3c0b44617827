"""The same job in pandas comes to the same rows as beatwise, dirty rows included: otherwise their times say nothing."""

import json
from pathlib import Path

import polars as pl
import pytest

from benchmarks.ingest import outcome, run_beatwise, run_pandas
from data.integration.draft import Draft

HEADER = (
    "Crime ID,Month,Reported by,Falls within,Longitude,Latitude,Location,LSOA code,LSOA name,Crime type,"
    "Last outcome category,Context"
)
#: Month, longitude, latitude, LSOA, type, outcome.
ROWS = [
    ("2025-01", "0.5", "0.5", "E01", "Burglary", "Under investigation"),
    ("2025-01", "0.5", "0.5", "E01", "Burglary", ""),
    ("2025-01", "0.5", "0.5", "E01", "Burglary", "Under investigation"),
    ("2025-01", "1.0", "0.5", "E01", "Drugs", ""),
    ("2025-01", "", "", "E02", "Drugs", ""),
    ("2025-01", "0", "0", "", "Drugs", ""),
    ("2025-01", "7.5", "0.5", "E03", "Drugs", "see a.b@example.org"),
    ("2025-13", "0.5", "0.5", "E01", "Drugs", ""),
    ("2031-01", "0.5", "0.5", "E01", "Drugs", ""),
    ("2025-01", "east", "0.5", "E01", "Drugs", ""),
    ("2025-01", "0.5", "0.5", "E01", "", "Under investigation"),
    ("", "1.5", "0.25", "E01", "Robbery", ""),
]
FINE = [("2025-02", str(0.1 + place / 20), "0.5", "E01", "Robbery", "") for place in range(30)]


def write_files(folder: Path) -> tuple[list[Path], Path]:
    paths = []
    for name, rows in (("2025-01-a-street.csv", ROWS), ("2025-02-b-street.csv", FINE)):
        lines = [
            f",{month},A,Force,{x},{y},On or near,{lsoa},Name,{kind},{end}," for month, x, y, lsoa, kind, end in rows
        ]
        paths.append(folder / name)
        paths[-1].write_text("\n".join([HEADER, *lines]) + "\n")
    squares = [
        {
            "type": "Feature",
            "properties": {"beat_code": f"B{west}"},
            "geometry": {
                "type": "Polygon",
                "coordinates": [[[west, 0.1], [west + 1, 0.1], [west + 1, 1], [west, 1], [west, 0.1]]],
            },
        }
        for west in (1, 0)
    ]
    beats = folder / "beats.geojson"
    beats.write_text(json.dumps({"type": "FeatureCollection", "features": squares}))
    return paths, beats


def test_beatwise_and_the_peer_keep_refuse_and_assign_the_same(tmp_path: Path) -> None:
    paths, beats = write_files(tmp_path)
    (tmp_path / "ours").mkdir()
    (tmp_path / "theirs").mkdir()
    rows = len(ROWS) + len(FINE)
    assert run_beatwise(paths, beats, tmp_path / "ours") == rows == run_pandas(paths, beats, tmp_path / "theirs")
    ours, theirs = outcome("beatwise", tmp_path / "ours"), outcome("pandas", tmp_path / "theirs")
    assert ours["files"]["2025-01-a-street.csv"][2], "some rows are refused"
    assert ours == theirs


def test_beats_are_the_same_when_the_load_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths, beats = write_files(tmp_path)
    for name in ("held", "read"):
        (tmp_path / name).mkdir()
    run_beatwise(paths, beats, tmp_path / "held")
    monkeypatch.setattr(Draft, "held", property(lambda draft: {}, lambda draft, held: None), raising=False)
    run_beatwise(paths, beats, tmp_path / "read")
    assert outcome("beatwise", tmp_path / "held") == outcome("beatwise", tmp_path / "read")
    (incidents,) = (tmp_path / "held").glob("store/snapshots/*/incidents.parquet")
    assert set(pl.read_parquet(incidents)["beat_code"].drop_nulls()) == {"B0", "B1"}
