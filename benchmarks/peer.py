"""The job of an ingest of police.uk files in pandas and GeoPandas, as somebody who knows them well would write it.

beatwise is measured against it (``benchmarks.ingest``). It does for this one source what beatwise does for any:

- SHA-256 of every file; every line of a file is kept or refused with a reason, and the refused are written aside;
- identity numbers, mobile numbers and e-mail addresses looked for in every text column, once per different text;
- month, coordinates and categories read and checked; points far outside the beats are not believed;
- a key of 128 bits a row, identical rows numbered by content within their file, keys told twice resolved;
- beats assigned with ``GeoDataFrame.sjoin``, once per different point, the first code on a shared border;
- two tables (calls, incidents) and the beats as zstd Parquet, a manifest with the counts of every file, all synced to
  disk, and one rename at the end.

Not done, although beatwise does: mappings, other encodings and broken files, earlier loads and corrections, tables that
do not fit into memory. Wherever pandas has a quick and a slow way, the quick one is taken.
"""

from __future__ import annotations

import binascii
import hashlib
import json
import os
from datetime import date
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pandas
import pyarrow
import pyarrow.compute
import shapely

from data.sources.personal_values import SUSPECT, redact

SOURCE = "uk_police"
COLUMNS = [
    *("Month", "Falls within", "Longitude", "Latitude", "LSOA code"),
    *("Crime type", "Last outcome category"),
]
TEXTS = ("Falls within", "LSOA code", "Crime type", "Last outcome category")
EARLIEST = pandas.Timestamp(1900, 1, 1)
#: Two keys for two hashes of 64 bits.
HASH_KEYS = ("beatwise-peer-01", "beatwise-peer-02")
OUTLINE_MARGIN, OUTLINE_SHARE = 0.1, 0.9


def ingest(paths: list[Path], beats: Path, folder: Path, today: date) -> dict[str, Any]:
    """Do the job; the tables appear in ``folder/store``. Returns the manifest."""
    scratch = folder / "unfinished"
    scratch.mkdir()
    digests = {path.name: _sha256(path) for path in [beats, *paths]}
    rows = pandas.concat([_read(path, number) for number, path in enumerate(paths)], ignore_index=True)
    read = np.bincount(rows["file"], minlength=len(paths))
    rows, removed = _without_personal(rows)
    rows, reasons = _checked(rows, today)
    refused = reasons != ""
    names = np.array([path.name for path in paths])
    _write(_quarantine(rows[refused], reasons[refused], names), scratch / "quarantine.parquet")
    counts = _counts(rows["file"].to_numpy(), reasons, names, read)
    calls = _numbered(_calls(rows[~refused]))
    areas = _areas(beats)
    incidents = _incidents(calls, areas)
    provenance = {"source": SOURCE, "load_id": "L1", "source_file": pandas.Categorical.from_codes(calls["file"], names)}
    _write(calls.assign(**provenance).drop(columns=["file", "high", "low", "number"]), scratch / "calls.parquet")
    _write(incidents, scratch / "incidents.parquet")
    areas.to_parquet(scratch / "areas.parquet", compression="zstd")
    manifest = {"sha256": digests, "files": counts, "personal_values_removed": removed, "kept": len(calls)}
    (scratch / "manifest.json").write_text(json.dumps(manifest, ensure_ascii=False, indent=1))
    for path in scratch.iterdir():
        _sync(path)
    scratch.rename(folder / "store")
    _sync(folder)
    return manifest


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)


def _read(path: Path, number: int) -> pandas.DataFrame:
    rows = pandas.read_csv(
        path, usecols=COLUMNS, dtype=str, keep_default_na=False, na_values=[""], skip_blank_lines=False
    )
    content = path.read_bytes()
    lines = content.count(b"\n") + (not content.endswith(b"\n")) - 1
    if lines != len(rows):
        raise SystemExit(f"{path.name}: {lines} lines, {len(rows)} rows")
    return rows.assign(file=np.int32(number), line=np.arange(2, len(rows) + 2))


def _without_personal(rows: pandas.DataFrame) -> tuple[pandas.DataFrame, int]:
    removed = 0
    for name in TEXTS:
        texts = pandas.Series(rows[name].dropna().unique(), dtype=str)
        suspects = texts[texts.str.contains(SUSPECT)]
        clean = {text: cleaned for text in suspects if (cleaned := redact(text)[0]) != text}
        if clean:
            where = rows[name].isin(list(clean))
            removed += int(where.sum())
            rows.loc[where, name] = rows.loc[where, name].map(clean)
    return rows, removed


def _checked(rows: pandas.DataFrame, today: date) -> tuple[pandas.DataFrame, np.ndarray[Any, Any]]:
    """Add typed columns, and tell the reason of each row that is refused; empty text for the others."""
    month = pandas.to_datetime(rows["Month"].str.strip(), format="%Y-%m", errors="coerce")
    x = pandas.to_numeric(rows["Longitude"], errors="coerce").to_numpy(dtype=np.float64)
    y = pandas.to_numeric(rows["Latitude"], errors="coerce").to_numpy(dtype=np.float64)
    no_x, no_y = rows["Longitude"].isna().to_numpy(), rows["Latitude"].isna().to_numpy()
    no_month = rows["Month"].isna().to_numpy()
    reasons = np.select(
        [
            rows[COLUMNS].isna().all(axis=1).to_numpy(),
            ~no_month & month.isna().to_numpy(),
            (month < EARLIEST).to_numpy() | (month > pandas.Timestamp(today)).to_numpy(),
            (~no_x & np.isnan(x)) | (~no_y & np.isnan(y)),
            rows["Crime type"].isna().to_numpy(),
        ],
        ["empty_row", "unreadable_value", "impossible_date", "unreadable_value", "missing_value"],
        default="",
    )
    nowhere = np.isnan(x) | np.isnan(y) | ((x == 0) & (y == 0))
    x, y = np.where(nowhere, np.nan, x), np.where(nowhere, np.nan, y)
    return rows.assign(month=month, x=x, y=y), reasons


def _quarantine(rows: pandas.DataFrame, reasons: np.ndarray[Any, Any], names: np.ndarray[Any, Any]) -> pandas.DataFrame:
    raw = [json.dumps(row, ensure_ascii=False) for row in rows[COLUMNS].to_dict("records")]
    return pandas.DataFrame(
        {
            "source_file": names[rows["file"]],
            "source_line": rows["line"].to_numpy(),
            "reason": reasons.astype(str),
            "raw": pandas.Series(raw, dtype=str),
        }
    )


def _counts(
    files: np.ndarray[Any, Any], reasons: np.ndarray[Any, Any], names: np.ndarray[Any, Any], read: np.ndarray[Any, Any]
) -> list[dict[str, Any]]:
    """Return what became of the rows of every file; refuses counts that do not add up."""
    refused = reasons != ""
    kept = np.bincount(files[~refused], minlength=len(names))
    by_reason = pandas.Series(reasons[refused]).groupby([files[refused], reasons[refused]]).size()
    told = [
        {"file": str(name), "read": int(read[place]), "kept": int(kept[place]), "quarantined": {}}
        for place, name in enumerate(names)
    ]
    for (place, reason), count in by_reason.items():
        told[place]["quarantined"][str(reason)] = int(count)
    for one in told:
        if one["read"] != one["kept"] + sum(one["quarantined"].values()):
            raise SystemExit(f"{one['file']}: rows are not accounted for")
    return told


def _calls(rows: pandas.DataFrame) -> pandas.DataFrame:
    placed = rows["x"].between(-180, 180) & rows["y"].between(-90, 90)
    lon, lat = (rows[axis].round(7).where(placed) for axis in ("x", "y"))
    start = rows["month"].dt.tz_localize("Europe/London").dt.tz_convert("UTC")
    end = (rows["month"] + pandas.offsets.MonthBegin(1)).dt.tz_localize("Europe/London").dt.tz_convert("UTC")
    level = np.select(
        [placed, rows["LSOA code"].notna(), rows["Falls within"].notna()], ["point", "community", "station"], "none"
    )
    dated = rows["month"].notna().to_numpy()
    return pandas.DataFrame(
        {
            "file": rows["file"],
            "source_line": rows["line"],
            "x": rows["x"],
            "y": rows["y"],
            "crs": pandas.Categorical(np.where(rows["x"].notna(), "EPSG:4326", None)),
            "lon": lon,
            "lat": lat,
            "location_level": pandas.Categorical(level),
            "occurred_from": start,
            "occurred_to": end,
            "occurred_on": rows["month"],
            "time_precision": pandas.Categorical(np.where(dated, "month", "unknown")),
            "known_on": rows["month"] + pandas.offsets.MonthEnd(0),
            "category_final": rows["Last outcome category"],
            "category": rows["Crime type"],
            "category_name": rows["Crime type"],
            "unit_code": rows["Falls within"],
            "community_code": rows["LSOA code"],
            "invalid": False,
            "confidential": False,
            "weight": np.int16(1),
        }
    ).reset_index(drop=True)


def _numbered(calls: pandas.DataFrame) -> pandas.DataFrame:
    """Add the key of each row: the digest of what makes it the record it is, and its number among identical rows."""
    thousandths = {axis: (calls[axis] * 1000).round() for axis in ("x", "y")}
    identity = calls[["category", "occurred_on", "unit_code"]].assign(**thousandths)
    high, low = (pandas.util.hash_pandas_object(identity, index=False, hash_key=key).to_numpy() for key in HASH_KEYS)
    calls = calls.assign(high=high, low=low, number=np.int64(1))
    same = ["file", "high", "low"]
    several = calls[calls.duplicated(same, keep=False)]
    content = ["x", "y", "category_final", "community_code", "source_line"]
    ordered = several.sort_values([*same, *content], na_position="first")
    calls.loc[ordered.index, "number"] = ordered.groupby(same).cumcount() + 1
    # Of two files that tell one record the later one stands.
    calls = calls[~calls.duplicated(["high", "low", "number"], keep="last")]
    return calls.assign(record_key=_keys(calls))


def _keys(calls: pandas.DataFrame) -> Any:
    both = np.column_stack([calls["high"], calls["low"]]).astype(">u8")
    digits = pyarrow.py_buffer(binascii.hexlify(both.tobytes()))
    ends = pyarrow.py_buffer(np.arange(len(calls) + 1, dtype=np.int64) * 32)
    digests = pyarrow.LargeStringArray.from_buffers(len(calls), ends, digits)
    numbers = pyarrow.array(calls["number"].to_numpy()).cast(pyarrow.large_string())
    first = pyarrow.scalar(f"{SOURCE}:", pyarrow.large_string())
    stem = pyarrow.compute.binary_join_element_wise(first, digests, pyarrow.scalar("", pyarrow.large_string()))
    keys = pyarrow.compute.binary_join_element_wise(stem, numbers, pyarrow.scalar("-", pyarrow.large_string()))
    return pandas.array(keys, dtype=pandas.StringDtype("pyarrow"))


def _areas(path: Path) -> geopandas.GeoDataFrame:
    areas = geopandas.read_file(path, use_arrow=True)[["beat_code", "geometry"]].to_crs("EPSG:4326")
    crossed = ~areas.geometry.is_valid
    if crossed.any():
        areas.loc[crossed, "geometry"] = areas.loc[crossed, "geometry"].make_valid()
    return areas.assign(area_km2=areas.geometry.to_crs("+proj=cea +ellps=WGS84").area / 1e6)


def _incidents(calls: pandas.DataFrame, areas: geopandas.GeoDataFrame) -> pandas.DataFrame:
    lon, lat = calls["lon"].to_numpy(copy=True), calls["lat"].to_numpy(copy=True)
    west, south, east, north = areas.total_bounds
    wide, tall = (east - west) * OUTLINE_MARGIN, (north - south) * OUTLINE_MARGIN
    there = ~np.isnan(lon)
    inside = (lon >= west - wide) & (lon <= east + wide) & (lat >= south - tall) & (lat <= north + tall)
    level = calls["location_level"]
    if there.any() and inside[there].mean() >= OUTLINE_SHARE:
        wrong = there & ~inside
        lon[wrong], lat[wrong] = np.nan, np.nan
        stated = np.where(
            calls["community_code"].notna(), "community", np.where(calls["unit_code"].notna(), "station", "none")
        )
        level = pandas.Categorical(np.where(wrong, stated, level.astype(str)))
    points = pandas.DataFrame({"lon": lon, "lat": lat})
    places = points.dropna().drop_duplicates()
    shapes = geopandas.GeoDataFrame(places, geometry=shapely.points(places["lon"], places["lat"]), crs="EPSG:4326")
    joined = shapes.sjoin(areas[["beat_code", "geometry"]], how="inner", predicate="intersects")
    beats = joined.groupby(["lon", "lat"], sort=False)["beat_code"].min().reset_index()
    beat = points.merge(beats, on=["lon", "lat"], how="left")["beat_code"]
    return pandas.DataFrame(
        {
            "incident_id": calls["record_key"].array,
            "jurisdiction": "gb-police",
            "source": SOURCE,
            "load_id": "L1",
            "category": calls["category"].array,
            "category_detail": calls["category_final"].array,
            "valid": True,
            "weight": calls["weight"].array,
            "occurred_from": calls["occurred_from"].array,
            "occurred_to": calls["occurred_to"].array,
            "occurred_on": calls["occurred_on"].array,
            "time_precision": calls["time_precision"].array,
            "known_on": calls["known_on"].array,
            "lon": lon,
            "lat": lat,
            "location_level": level,
            "community_code": calls["community_code"].array,
            "beat_code": beat.array,
            "station_code": calls["unit_code"].array,
        }
    )


def _write(rows: pandas.DataFrame, path: Path) -> None:
    rows.to_parquet(path, compression="zstd", compression_level=1, index=False)
