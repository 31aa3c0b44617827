"""GeoJSON of the plain kind, read in one pass: features with flat properties and polygons, in longitude and latitude.

GDAL reads every GeoJSON, but passes over the text three times. What is out of the ordinary here is left to it, so that
both give the same records.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import polars as pl
import shapely

#: Systems a file may state that are longitude and latitude on WGS 84.
DEGREES = (None, "urn:ogc:def:crs:OGC:1.3:CRS84", "urn:ogc:def:crs:EPSG::4326", "EPSG:4326")
#: Text that GDAL turns into a date.
LIKE_A_DATE = r"^\s*\d{4}[-/]\d{2}[-/]\d{2}"
#: Larger files are left to GDAL, which does not hold all of the text, bytes.
MOST_BYTES = 256 << 20
#: Members of a file that tell nothing more than GDAL would use.
_MEMBERS = {"type", "name", "crs", "features", "bbox", "xy_coordinate_resolution"}
_PLAIN = (pl.String, pl.Int64, pl.Float64, pl.Boolean, pl.Null)
_POLYGON = pl.List(pl.List(pl.List(pl.Float64)))
_COORDINATES = {"Polygon": _POLYGON, "MultiPolygon": pl.List(_POLYGON)}


@dataclass(frozen=True)
class Features:
    """Features of one file.

    Attributes
    ----------
    properties
        One column per property, one row per feature.
    shapes
        WKB in EPSG:4326, null where a feature has no shape.
    """

    properties: pl.DataFrame
    shapes: pl.Series


def plain_features(path: Path) -> Features | None:
    """Read a GeoJSON file; None when GDAL should."""
    state = path.stat()
    return _features(path.resolve(), state.st_mtime_ns, state.st_size) if state.st_size <= MOST_BYTES else None


# A file is read to match it to a mapping and once more for its records: usually one right after the other.
@lru_cache(maxsize=1)
def _features(path: Path, mtime_ns: int, size: int) -> Features | None:
    content = path.read_bytes()
    names = _first_properties(content)
    if names is None:
        return None
    try:
        root = pl.read_json(io.BytesIO(content))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
        return None
    if root.height != 1 or not set(root.columns) <= _MEMBERS or not _states_degrees(root):
        return None
    features = root.schema.get("features")
    if not isinstance(features, pl.List) or not isinstance(features.inner, pl.Struct):
        return None
    parts = {field.name: field.dtype for field in features.inner.fields}
    if set(parts) != {"type", "properties", "geometry"}:
        return None
    rows = root.select(pl.col("features").explode()).to_series().struct.unnest()
    if not isinstance(parts["properties"], pl.Struct) or (rows["type"] != "Feature").any():
        return None
    properties = rows["properties"].struct.unnest()
    if set(names) != set(properties.columns):
        return None
    properties = properties.select(names)
    shapes = _polygons(rows["geometry"])
    if shapes is None or not _as_gdal_reads(properties):
        return None
    return Features(properties, shapes)


def _first_properties(content: bytes) -> list[str] | None:
    """Return the names of the first feature's properties in their order, which Polars does not keep."""
    start = content.find(b"{", content.find(b'"features"') + 1)
    try:
        feature, _ = json.JSONDecoder().raw_decode(content[start:].decode("utf-8"))
        return list(feature["properties"]) or None
    except (ValueError, LookupError, TypeError):
        return None


def _states_degrees(root: pl.DataFrame) -> bool:
    stated = None
    if "crs" in root.columns and root.schema["crs"] != pl.Null:
        crs = root["crs"].to_list()[0]
        stated = (crs.get("properties") or {}).get("name", "?") if isinstance(crs, dict) else "?"
    return stated in DEGREES


def _as_gdal_reads(properties: pl.DataFrame) -> bool:
    return all(
        column.dtype in _PLAIN and not (column.dtype == pl.String and column.str.contains(LIKE_A_DATE).any())
        for column in properties
    )


def _polygons(geometry: pl.Series) -> pl.Series | None:
    """Return the WKB of shapes of one kind, polygons or multipolygons of two coordinates, or null."""
    if not isinstance(geometry.dtype, pl.Struct):
        return None
    fields = {field.name: field.dtype for field in geometry.dtype.fields}
    word = next(
        (word for word, dtype in _COORDINATES.items() if fields == {"type": pl.String, "coordinates": dtype}), None
    )
    if word is None:
        return None
    parts = geometry.struct.unnest()
    there = geometry.is_not_null() & parts["type"].is_not_null()
    level = parts.filter(there)["coordinates"]
    if (parts["type"].filter(there) != word).any() or level.null_count():
        return None
    counts: list[pl.Series] = []
    while isinstance(level.dtype, pl.List):
        counts.append(level.list.len())
        level = level.explode()
    *outer, points_of, axes = counts
    # Nulls inside a list count as entries; an empty one would come out of it as a null.
    if any((count.fill_null(0) == 0).any() for count in outer) or level.has_nulls():
        return None
    if (points_of.fill_null(0) < 4).any() or (axes.fill_null(0) != 2).any():
        return None
    ends = tuple(np.concatenate([[0], np.cumsum(count.to_numpy())]) for count in (points_of, *reversed(outer)))
    kind = shapely.GeometryType.POLYGON if word == "Polygon" else shapely.GeometryType.MULTIPOLYGON
    try:
        shapes = shapely.from_ragged_array(kind, level.to_numpy().reshape(-1, 2), ends)
    except (shapely.errors.ShapelyError, ValueError):
        return None
    every = np.full(len(geometry), None, dtype=object)
    every[there.to_numpy()] = shapely.to_wkb(shapes)
    return pl.Series("shapes", every.tolist(), dtype=pl.Binary)
