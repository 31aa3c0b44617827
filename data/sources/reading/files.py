"""Any file: its headers, its records, and a message instead of a traceback when it is damaged."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TypeVar

import polars as pl

from data.errors import SourceError
from data.sources.mapping import FileKind
from data.sources.reading.formats import FORMAT_OF_SUFFIX, OF_DAMAGE, format_of
from data.sources.reading.json_objects import json_headers, read_json
from data.sources.reading.parquet import parquet_headers, read_parquet
from data.sources.reading.raw import RawTable
from data.sources.reading.shape_texts import with_shapes
from data.sources.reading.shapes import read_shapes, shape_headers
from data.sources.reading.sheets import read_sheet, sheet_headers
from data.sources.reading.text import read_text, text_headers

Read = TypeVar("Read")


def _tells_damage(read: Callable[[Path, FileKind], Read]) -> Callable[[Path, FileKind], Read]:
    """Turn what the libraries of binary formats raise over a damaged file into a message for the steward."""

    @wraps(read)
    def told(path: Path, kind: FileKind) -> Read:
        form = format_of(path)
        if form == "csv":
            return read(path, kind)
        try:
            return read(path, kind)
        except (*OF_DAMAGE, pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
            raise SourceError(
                f"the file is damaged: it cannot be read as {form}.", where=path.name, remedy="Ask for the file again."
            ) from error

    return told


@_tells_damage
def headers_of(path: Path, kind: FileKind) -> list[str]:
    """Return the headers of a file as ``kind`` would read it, personal ones included.

    Raises
    ------
    SourceError
        If the file cannot be opened in the format its name promises.
    """
    match format_of(path):
        case "csv":
            return text_headers(path, kind)
        case "xlsx":
            return sheet_headers(path, kind)
        case "parquet":
            return parquet_headers(path)
        case "json":
            return json_headers(path, kind)
        case "geojson" | "shapefile_zip" | "gpkg" | "geoparquet":
            return shape_headers(path)
    raise SourceError(
        "the ending of the file's name is not known.",
        where=path.name,
        remedy=f"Known: {', '.join(FORMAT_OF_SUFFIX)}.",
    )


@_tells_damage
def read_records(path: Path, kind: FileKind) -> RawTable:
    """Read all records of a file.

    Raises
    ------
    SourceError
        If the file cannot be read: says why, never shows a cell.
    """
    match format_of(path):
        case "csv":
            table = read_text(path, kind)
        case "xlsx":
            table = read_sheet(path, kind)
        case "parquet":
            table = read_parquet(path, kind)
        case "json":
            table = read_json(path, kind)
        case _:
            return read_shapes(path, kind)
    return table if kind.shape is None else with_shapes(table, kind.shape, kind.crs or "file", path.name)
