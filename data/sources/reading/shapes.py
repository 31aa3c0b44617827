"""Files with shapes (GeoJSON, shapefile, GeoPackage, GeoParquet): to WKB in EPSG:4326."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.errors import SourceError
from data.gdal import shape_library
from data.integration.coordinates import SHIFTED, to_lon_lat
from data.sources.mapping import FileKind
from data.sources.reading.formats import format_of
from data.sources.reading.geojson import plain_features
from data.sources.reading.parquet import scan
from data.sources.reading.raw import GEOMETRY, POINT_LAT, POINT_LON, RawTable, numbered, split_personal, written_out


def _shape_path(path: Path) -> str:
    return f"/vsizip/{path.resolve()}" if path.suffix.lower() == ".zip" else str(path)


def _info(path: Path) -> dict[str, Any]:
    pyogrio = shape_library()
    try:
        return dict(pyogrio.read_info(_shape_path(path)))
    except pyogrio.errors.DataSourceError as error:
        raise SourceError("the file holds no shapes that can be read.", where=path.name) from error


def shape_headers(path: Path) -> list[str]:
    """Return the names of the properties that the shapes have."""
    if format_of(path) == "geoparquet":
        return [name for name in scan(path).collect_schema().names() if name != _shape_column(path)]
    if format_of(path) == "geojson" and (features := plain_features(path)) is not None:
        return features.properties.columns
    return [str(name) for name in _info(path)["fields"]]


def to_degrees(crs: str) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """Return what turns points of a system, shape (n, 2), into longitude and latitude on WGS 84."""
    return lambda points: np.column_stack(to_lon_lat(points[:, 0], points[:, 1], crs))


def _shape_column(path: Path) -> str:
    """Return the name of the column of a GeoParquet file that holds its shapes."""
    try:
        return str(json.loads(pl.read_parquet_metadata(path)["geo"])["primary_column"])
    except (KeyError, ValueError, OSError, pl.exceptions.PolarsError) as error:
        raise SourceError("the file holds no shapes that can be read.", where=path.name) from error


def _shapes(path: Path) -> Any:
    if format_of(path) == "geoparquet":
        import geopandas

        column = _shape_column(path)
        shapes = geopandas.read_parquet(path)
        return shapes if column == "geometry" else shapes.rename_geometry("geometry")
    pyogrio = shape_library()
    try:
        return pyogrio.read_dataframe(_shape_path(path))
    except pyogrio.errors.DataSourceError as error:
        raise SourceError("the file holds no shapes that can be read.", where=path.name) from error


def read_shapes(path: Path, kind: FileKind) -> RawTable:
    """Read records with their shapes; a system stated twice must be the same one."""
    import shapely

    if format_of(path) == "geojson" and kind.crs in (None, "file", "EPSG:4326"):
        features = plain_features(path)
        if features is not None:
            return _records(features.properties, features.shapes, kind)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        shapes = _shapes(path)
    # GDAL keeps the digits before the first character that is none: the value is wrong, and the steward must know.
    cut_short = sum("parsed incompletely" in str(one.message) for one in said)
    stated = shapes.crs
    shifted = kind.crs in SHIFTED
    if shifted:
        shapes = shapes.set_crs("EPSG:4326", allow_override=True)
        shapes["geometry"] = shapely.transform(shapes.geometry.to_numpy(), to_degrees(str(kind.crs)))
    if stated is None and kind.crs == "file":
        raise SourceError(
            "the file does not state its coordinate reference system.", where=path.name, remedy="State crs in [[file]]."
        )
    if kind.crs not in (None, "file") and not shifted:
        if stated is not None and not stated.equals(kind.crs, ignore_axis_order=True) and stated.to_epsg() != 4326:
            raise SourceError(
                f"the file states the system {stated.name!r}, the mapping {kind.crs}.",
                where=path.name,
                remedy="Correct crs in [[file]].",
            )
        shapes = shapes.set_crs(kind.crs, allow_override=True)
    if shapes.crs is not None:
        shapes = shapes.to_crs("EPSG:4326")
    geometry = [None if shape is None else bytes(shape) for shape in shapely.to_wkb(shapes.geometry.to_numpy())]
    headers = [name for name in shapes.columns if name != "geometry"]
    properties = pl.DataFrame({str(name): pl.from_pandas(shapes[name]) for name in headers})
    table = _records(properties, pl.Series(geometry, dtype=pl.Binary), kind)
    if cut_short:
        table.notes["numbers_cut_short"] = cut_short
    return table


def _records(properties: pl.DataFrame, shapes: pl.Series, kind: FileKind) -> RawTable:
    kept, dropped, keys = split_personal(properties.columns, kind)
    named = properties.rename(dict(zip(properties.columns, keys, strict=True))).select(list(kept))
    frame, notes = written_out(named.with_columns(shapes.alias(GEOMETRY)))
    points = points_of(shapes)
    if points is not None:
        frame = frame.with_columns(points)
    return RawTable(numbered(frame, 1), kept, dropped, notes=notes)


def points_of(shapes: pl.Series) -> list[pl.Series] | None:
    """Return longitude and latitude of records whose shapes are points (the first of several); None without any."""
    import shapely

    made = shapely.from_wkb(shapes.to_list())
    kinds = shapely.get_type_id(made)
    several = kinds == shapely.GeometryType.MULTIPOINT
    if not (several | (kinds == shapely.GeometryType.POINT)).any():
        return None
    made[several] = shapely.get_geometry(made[several], 0)
    return [
        pl.Series(name, of(made)).fill_nan(None)
        for name, of in ((POINT_LON, shapely.get_x), (POINT_LAT, shapely.get_y))
    ]
