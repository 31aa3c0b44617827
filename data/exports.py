"""Advice as a file: CSV that Excel opens in Chinese, XLSX, GeoJSON. No cell of a file is ever read as a formula."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl
import xlsxwriter

from data.errors import RequestError

#: A text cell that starts with one of these would be run as a formula by a spreadsheet; the wide signs by Chinese and
#: Japanese ones.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
MIME_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "geojson": "application/geo+json",
}


@dataclass(frozen=True)
class Export:
    """A file ready to be handed over."""

    filename: str
    content: bytes
    mime: str

    @property
    def sha256(self) -> str:
        """SHA-256 of the content, 64 hexadecimal digits; the audit log keeps it."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True)
class Reading:
    """The same rows for a person: a first sheet of a workbook, before the one a program reads.

    Attributes
    ----------
    name, data_name
        Names of the two sheets, in the reader's language.
    frame
        Rows under headings of that language.
    """

    name: str
    frame: pl.DataFrame
    data_name: str


def make_export(name: str, frame: pl.DataFrame, format: str, reading: Reading | None = None) -> Export:
    """Return a frame as a file.

    Parameters
    ----------
    name
        File name without its ending.
    format
        ``csv``, ``xlsx`` or ``geojson``; the last needs a column ``ring`` (lon, lat of four corners) or ``geometry``
        (WKB, EPSG:4326).
    reading
        What a workbook shows first; other formats have no place for it.

    Raises
    ------
    RequestError
        If the format is unknown, or the frame has no cells to draw.
    """
    if format not in MIME_TYPES:
        raise RequestError(f"there is no export format {format!r}.", remedy=f"Formats: {', '.join(MIME_TYPES)}.")
    if format == "xlsx":
        first: dict[str | None, pl.DataFrame] = {} if reading is None else {reading.name: reading.frame}
        sheets = first | {None if reading is None else reading.data_name: frame}
        return Export(f"{name}.{format}", _xlsx(sheets), MIME_TYPES[format])
    make = {"csv": _csv, "geojson": _geojson}[format]
    return Export(f"{name}.{format}", make(frame), MIME_TYPES[format])


def guard_formulas(frame: pl.DataFrame) -> pl.DataFrame:
    """Put an apostrophe before every text cell (and column name) that a spreadsheet would run as a formula."""
    texts = [name for name, kind in frame.schema.items() if kind == pl.String]
    guarded = frame.with_columns(
        pl.when(pl.any_horizontal(pl.col(name).str.starts_with(start) for start in FORMULA_STARTS))
        .then("'" + pl.col(name))
        .otherwise(pl.col(name))
        .alias(name)
        for name in texts
    )
    return guarded.rename({name: f"'{name}" for name in frame.columns if name.startswith(FORMULA_STARTS)})


def _flat(frame: pl.DataFrame) -> pl.DataFrame:
    """Return a frame whose nested cells are JSON text and whose enums are text."""
    columns = []
    for name, kind in frame.schema.items():
        if isinstance(kind, pl.List | pl.Array | pl.Struct):
            texts = [json.dumps(value, ensure_ascii=False) for value in frame[name].to_list()]
            columns.append(pl.Series(name, texts, dtype=pl.String))
        elif isinstance(kind, pl.Enum | pl.Categorical):
            columns.append(frame[name].cast(pl.String))
        elif isinstance(kind, pl.Binary):
            raise RequestError("a binary column cannot be exported.", where=name)
        else:
            columns.append(frame[name])
    return pl.DataFrame(columns)


def _csv(frame: pl.DataFrame) -> bytes:
    return guard_formulas(_flat(frame)).write_csv(include_bom=True, line_terminator="\r\n").encode("utf-8")


def _xlsx(sheets: Mapping[str | None, pl.DataFrame]) -> bytes:
    buffer = io.BytesIO()
    # The file's own time of creation is fixed, so that the same rows give the same bytes.
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(buffer, options) as workbook:
        workbook.set_properties({"created": datetime(2000, 1, 1)})
        bold = workbook.add_format({"bold": True})
        day = workbook.add_format({"num_format": "yyyy-mm-dd"})
        for name, frame in sheets.items():
            # 31 characters is all a sheet's name may have.
            sheet = workbook.add_worksheet(name and name[:31])
            flat = _flat(frame)
            sheet.write_row(0, 0, flat.columns, bold)
            for number, row in enumerate(flat.iter_rows(), start=1):
                for column, value in enumerate(row):
                    _write_cell(sheet, number, column, value, day)
            sheet.freeze_panes(1, 0)
            sheet.autofit()
    return buffer.getvalue()


def _write_cell(sheet: Any, row: int, column: int, value: Any, day: Any) -> None:
    if value is None:
        return
    if isinstance(value, str):
        sheet.write_string(row, column, value)
    elif isinstance(value, datetime):
        # Excel knows no zones: text keeps the offset.
        sheet.write_string(row, column, value.isoformat())
    elif isinstance(value, date):
        sheet.write_datetime(row, column, datetime(value.year, value.month, value.day), day)
    else:
        sheet.write(row, column, value)


def _geojson(frame: pl.DataFrame) -> bytes:
    if "ring" not in frame.columns and "geometry" not in frame.columns:
        raise RequestError("only ranked places can be exported as GeoJSON.", remedy="Choose csv or xlsx.")
    features = []
    for row in frame.iter_rows(named=True):
        geometry = _cell(row.pop("ring")) if "ring" in row else _shape(row.pop("geometry"))
        features.append({"type": "Feature", "geometry": geometry, "properties": row})
    collection = {"type": "FeatureCollection", "features": features}
    return json.dumps(collection, ensure_ascii=False, default=str, allow_nan=False).encode("utf-8")


def _cell(ring: list[float]) -> dict[str, Any]:
    corners = [[ring[i], ring[i + 1]] for i in range(0, len(ring), 2)]
    return {"type": "Polygon", "coordinates": [[*corners, corners[0]]]}


def _shape(wkb: bytes) -> dict[str, Any]:
    import shapely

    # Outer rings anticlockwise, as the format asks.
    return dict(shapely.geometry.mapping(shapely.orient_polygons(shapely.from_wkb(wkb))))
