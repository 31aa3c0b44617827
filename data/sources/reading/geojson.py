"""GeoJSON of the plain kind, read in one pass: features with flat properties and polygons, in longitude and latitude.

GDAL reads every GeoJSON, but passes over the text three times. What is out of the ordinary here is left to it, so that
both give the same records.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import polars as pl
import shapely
from numpy.typing import NDArray

#: Systems a file may state that are longitude and latitude on WGS 84.
DEGREES = (None, "urn:ogc:def:crs:OGC:1.3:CRS84", "urn:ogc:def:crs:EPSG::4326", "EPSG:4326")
#: Text that GDAL turns into a date.
LIKE_A_DATE = r"^\s*\d{4}[-/]\d{2}[-/]\d{2}"
#: Larger files are left to GDAL, which does not hold all of the text, bytes.
MOST_BYTES = 256 << 20
#: Points of a ring at least, the first again at the end.
FEWEST_POINTS = 4
#: Coordinates read at once, bytes.
PIECE_BYTES = 2 << 20
#: Members of a file that tell nothing more than GDAL would use.
_MEMBERS = {"type", "name", "crs", "features", "bbox", "xy_coordinate_resolution"}
_PLAIN = (pl.String, pl.Int64, pl.Float64, pl.Boolean, pl.Null)
_KEY = b'"coordinates"'
_BLANKS = b" \t\r\n"
#: Brackets and commas of coordinates when all points of a ring, two numbers in brackets each, are one ``p``.
_POLYGON = rb"\[\[p\](?:,\[p\])*\]"
_SHAPES = {"Polygon": _POLYGON, "MultiPolygon": rb"\[" + _POLYGON + rb"(?:," + _POLYGON + rb")*\]"}
_OUTLINES = {word: re.compile(rb"%b(?:;%b)*" % (shape, shape)) for word, shape in _SHAPES.items()}
_ONE_A_LINE = bytes.maketrans(b",;", b"\n\n")


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
    taken = _without_coordinates(path.read_bytes())
    if taken is None:
        return None
    frame, texts = taken
    names = _first_properties(frame)
    if names is None:
        return None
    try:
        root = pl.read_json(io.BytesIO(frame))
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
    shapes = _polygons(rows["geometry"], texts)
    if shapes is None or not _as_gdal_reads(properties):
        return None
    return Features(properties, shapes)


def _without_coordinates(content: bytes) -> tuple[bytes, list[memoryview]] | None:
    """Return the text with a running number in place of each array of coordinates, and these arrays.

    Nearly all of a file are coordinates: what is left is parsed as JSON, and they as a column of numbers.
    """
    kept: list[bytes] = []
    texts: list[memoryview] = []
    view = memoryview(content)
    done = 0
    while (at := content.find(_KEY, done)) >= 0:
        start = content.find(b"[", at)
        closing = content.find(b"}", start)
        quote = content.find(b'"', start, closing)
        end = content.rfind(b"]", start, closing if quote < 0 else quote) + 1
        if min(start, closing) < 0 or end == 0 or content[at + len(_KEY) : start].strip(b" \t\r\n") != b":":
            return None
        kept += (content[done:start], str(len(texts)).encode())
        texts.append(view[start:end])
        done = end
    return b"".join([*kept, content[done:]]), texts


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


def _polygons(geometry: pl.Series, texts: list[memoryview]) -> pl.Series | None:
    """Return the WKB of shapes of one kind, polygons or multipolygons of two coordinates, or null.

    Parameters
    ----------
    geometry
        Type, and the number of the shape's coordinates among ``texts``.
    """
    if not isinstance(geometry.dtype, pl.Struct):
        return None
    if {field.name: field.dtype for field in geometry.dtype.fields} != {"type": pl.String, "coordinates": pl.Int64}:
        return None
    parts = geometry.struct.unnest()
    there = geometry.is_not_null() & parts["type"].is_not_null()
    words = parts["type"].filter(there).unique().to_list()
    # Arrays called so that are no shape's, or numbers in their place: every number must be where it was put.
    numbers = parts["coordinates"].filter(there)
    if len(words) != 1 or words[0] not in _OUTLINES or not numbers.equals(pl.Series("coordinates", range(len(texts)))):
        return None
    parsed = _numbers(texts, words[0])
    if parsed is None:
        return None
    kind = shapely.GeometryType.POLYGON if words[0] == "Polygon" else shapely.GeometryType.MULTIPOLYGON
    try:
        shapes = shapely.from_ragged_array(kind, *parsed)
    except (shapely.errors.ShapelyError, ValueError):
        return None
    every = np.full(len(geometry), None, dtype=object)
    every[there.to_numpy()] = shapely.to_wkb(shapes)
    return pl.Series("shapes", every.tolist(), dtype=pl.Binary)


def _numbers(texts: list[memoryview], word: str) -> tuple[NDArray[np.float64], tuple[NDArray[np.int64], ...]] | None:
    """Return the points of arrays of coordinates, shape (n, 2), and where rings, polygons, shapes end among them."""
    values: list[pl.Series] = []
    outlines: list[bytes] = []
    for some in _in_pieces(texts):
        read = _read_piece(some, word)
        if read is None:
            return None
        values.append(read[0])
        outlines.append(read[1])
    if not values:
        return None
    codes = np.frombuffer(b";".join(outlines), dtype=np.uint8)
    # The bracket after a point ends a ring, the one after that a polygon, and so on.
    ends: list[NDArray[np.int64]] = []
    closing, parts = codes == ord("]"), codes == ord("p")
    for _ in range(3 if word == "MultiPolygon" else 2):
        over = np.append(False, closing[1:] & parts[:-1])
        ends.append(np.append(0, np.searchsorted(np.flatnonzero(parts), np.flatnonzero(over))))
        parts = over
    if np.diff(ends[0]).min() < FEWEST_POINTS:
        return None
    return pl.concat(values).to_numpy().reshape(-1, 2), tuple(ends)


def _in_pieces(texts: list[memoryview]) -> Iterator[bytes]:
    """Join texts until they are ``PIECE_BYTES``: what is between then stays in the processor's own memory."""
    start = size = 0
    for place, text in enumerate(texts):
        size += len(text)
        if size > PIECE_BYTES:
            yield b";".join(texts[start : place + 1])
            start, size = place + 1, 0
    if start < len(texts):
        yield b";".join(texts[start:])


def _read_piece(flat: bytes, word: str) -> tuple[pl.Series, bytes] | None:
    """Return the numbers of some arrays, and their outline; None if it is none of such shapes."""
    # Digits, points and signs stand between "-" and "9", and so does "/". Exponents are rare: they count as no number.
    letters = np.frombuffer(flat, dtype=np.uint8)
    others = letters[letters - np.uint8(ord("-")) > ord("9") - ord("-")].tobytes()
    outline = others.translate(None, _BLANKS).replace(b"[,]", b"p")
    codes = np.frombuffer(outline, dtype=np.uint8)
    again = (codes[2:] == ord("p")) & (codes[1:-1] == ord(",")) & (codes[:-2] == ord("p"))
    one_a_ring = np.ones(len(codes), dtype=np.bool_)
    one_a_ring[1:-1] &= ~again
    one_a_ring[2:] &= ~again
    if b"/" in flat or not _OUTLINES[word].fullmatch(codes[one_a_ring].tobytes()):
        return None
    try:
        lines = flat.translate(_ONE_A_LINE, b"[]" + _BLANKS)
        values = pl.read_csv(lines, has_header=False, schema={"value": pl.Float64}).to_series()
    except pl.exceptions.PolarsError:
        return None
    return None if values.len() != 2 * outline.count(b"p") or values.has_nulls() else (values, outline)
