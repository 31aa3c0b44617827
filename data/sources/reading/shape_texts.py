"""Shapes that a table holds as text: WKT, with or without its system, hexadecimal WKB (PostGIS), GeoJSON objects."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.errors import SourceError
from data.integration.coordinates import SHIFTED
from data.sources.personal import key_of_header
from data.sources.reading.raw import GEOMETRY, RawTable
from data.sources.reading.shapes import points_of, to_degrees

#: ``MULTIPOLYGON (((…``, also with heights and, as PostGIS writes it, ``SRID=4326;`` before it.
WKT = r"(?i)^\s*(?:SRID\s*=\s*\d+\s*;)?\s*(?:MULTI)?(?:POLYGON|LINESTRING|POINT)\s*Z?M?\s*(?:\(|EMPTY)"
HEXADECIMAL = r"^0[01][0-9A-Fa-f]{40,}$"
OBJECT = r"""^\s*\{.*"coordinates"\s*:"""
STATED = r"(?i)^\s*SRID\s*=\s*(\d+)\s*;"
#: Share of the records that have a shape where a column is one of shapes.
MOSTLY = 0.9
#: Characters of a text that is no shape which the quarantine shows.
SHOWN = 60


def read_shape_texts(texts: pl.Series) -> tuple[NDArray[Any], set[int | None]]:
    """Read shapes from text.

    Parameters
    ----------
    texts
        WKT, WKT with ``SRID=…;`` before it, hexadecimal WKB, or geometries of GeoJSON; nulls are none.

    Returns
    -------
    tuple
        Shapely shapes, None where a text is none (empty ones included); and the EPSG codes that the texts state, with
        None where one states no system.
    """
    import shapely

    frame = texts.to_frame("text")
    text = pl.col("text")
    frame = frame.select(
        code=text.str.extract(STATED).cast(pl.Int64, strict=False),
        plain=text.str.replace(STATED, "").str.strip_chars(),
        form=pl.when(text.str.contains(HEXADECIMAL)).then(1).when(text.str.contains(OBJECT)).then(2).otherwise(0),
    )
    plain, form = frame["plain"].to_numpy(), frame["form"].to_numpy()
    shapes = np.empty(len(plain), dtype=object)
    # Damaged numbers overflow; what comes of them is no place, see `_on_earth`.
    with np.errstate(all="ignore"):
        for number, read in enumerate((shapely.from_wkt, shapely.from_wkb, shapely.from_geojson)):
            shapes[form == number] = read(plain[form == number], on_invalid="ignore")
    shapes[shapely.is_empty(shapes)] = None
    there = ~shapely.is_missing(shapes)
    inside = shapely.get_srid(shapes)
    stated = np.where(inside > 0, inside, frame["code"].fill_null(0).to_numpy())
    return shapes, {int(code) or None for code in np.unique(stated[there])}


def find_shapes(raw: RawTable) -> tuple[str, str] | None:
    """Return the header of the column that holds a shape in nearly every record, and its coordinate reference system.

    Returns
    -------
    tuple or None
        The system is ``file`` where the texts state one, EPSG:4326 where they lie as degrees do, else empty. Points
        are not looked for: where something is, is read from text in other ways.
    """
    import shapely

    for key, header in raw.headers.items():
        if raw.frame[key].dtype != pl.String:
            continue
        texts = raw.frame[key].drop_nulls()
        drawn = texts.str.contains(WKT) | texts.str.contains(HEXADECIMAL) | texts.str.contains(OBJECT)
        if not texts.len() or drawn.sum() < MOSTLY * raw.frame.height:
            continue
        shapes, stated = read_shape_texts(texts)
        shapes = shapes[~shapely.is_missing(shapes)]
        if len(shapes) < MOSTLY * raw.frame.height or (shapely.get_dimensions(shapes) == 0).any():
            continue
        west, south, east, north = shapely.total_bounds(shapes)
        if None not in stated:
            return header, "file"
        return header, "EPSG:4326" if west >= -180 and east <= 180 and south >= -90 and north <= 90 else ""
    return None


def with_shapes(raw: RawTable, header: str, crs: str, where: str) -> RawTable:
    """Return the records with the shapes that one of their columns tells: WKB in EPSG:4326, and points.

    Parameters
    ----------
    header
        Of the column. Its cells are emptied, but for what is no shape on earth: that stays, shortened, for the
        quarantine. Records without the column come back as they are.
    crs
        Reference system of the coordinates, or ``file``: each text states it.

    Raises
    ------
    SourceError
        If a text states another system, or none where ``crs`` is ``file``.
    """
    import shapely

    key = key_of_header(header)
    if key not in raw.frame.columns:
        return raw
    texts = raw.frame[key].cast(pl.String)
    shapes, stated = read_shape_texts(texts)
    there = ~shapely.is_missing(shapes)
    known = {code for code in stated if code is not None}
    if crs == "file":
        if None in stated or len(known) > 1:
            what = "shapes in several systems" if len(known) > 1 else "shapes that state no coordinate reference system"
            raise SourceError(
                f"{header!r} holds {what}.", where=where, remedy="State crs in [[file]] and load one system at a time."
            )
        crs = f"EPSG:{known.pop()}" if known else "EPSG:4326"
    elif other := sorted(code for code in known if f"EPSG:{code}" != crs and crs not in SHIFTED):
        raise SourceError(
            f"{header!r} states the system EPSG:{other[0]}, the mapping {crs}.",
            where=where,
            remedy="Correct crs in [[file]].",
        )
    if crs != "EPSG:4326":
        shapes[there] = shapely.transform(shapes[there], to_degrees(crs))
    there = _on_earth(shapes)
    shapes[~there] = None
    geometry = [None if shape is None else bytes(shape) for shape in shapely.to_wkb(shapes)]
    left = pl.when(~pl.Series(there)).then(texts.str.slice(0, SHOWN))
    frame = raw.frame.with_columns(left.alias(key), pl.Series(GEOMETRY, geometry, dtype=pl.Binary))
    points = points_of(frame[GEOMETRY])
    raw.frame = frame if points is None else frame.with_columns(points)
    return raw


def _on_earth(shapes: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which shapes have nothing but longitudes and latitudes; a shape that is None has none."""
    import shapely

    points, of = shapely.get_coordinates(shapes, return_index=True)
    beyond = ~((np.abs(points[:, 0]) <= 180) & (np.abs(points[:, 1]) <= 90))
    found = ~shapely.is_missing(shapes)
    found[of[beyond]] = False
    return np.asarray(found, dtype=np.bool_)
