"""Reading upstream files as they are: every record, its line, and nothing personal.

Formats are read by well-kept libraries (Polars, fastexcel, pyogrio); what is ours is the accounting. Cells of text
formats come back as text; Parquet keeps its types.
"""

from __future__ import annotations

import csv
import io
import json
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.errors import SourceError
from data.integration.coordinates import SHIFTED, to_lon_lat
from data.sources.mapping import FileFormat, FileKind
from data.sources.personal import key_of_header, without_bom

#: Column with the line (text file) or row (sheet, Parquet, features) of a record; the header is line 1.
LINE = "$line"
#: Column with the shape of a record, WKB in EPSG:4326, of formats that have shapes.
GEOMETRY = "$geometry"

FORMAT_OF_SUFFIX: dict[str, FileFormat] = {
    ".csv": "csv",
    ".tab": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".xls": "xlsx",
    ".parquet": "parquet",
    ".geojson": "geojson",
    ".json": "json",
    ".zip": "shapefile_zip",
    ".gpkg": "gpkg",
    ".geoparquet": "geoparquet",
}
#: What libraries raise over bytes that break their format, besides errors of their own.
OF_DAMAGE = (ValueError, LookupError, ArithmeticError, EOFError, MemoryError, RuntimeError, TypeError)
Read = TypeVar("Read")
#: Bytes looked at to find the header of a text file.
HEAD_BYTES = 65_536
#: From here on a floating-point number does not hold every whole number.
EXACT_UP_TO = 2**53
#: What tells GeoJSON from other JSON.
FEATURES = re.compile(rb'"type"\s*:\s*"Feature(Collection)?"')


@dataclass
class RawTable:
    """Records of one file.

    Attributes
    ----------
    frame
        One column per header, named by its key (``key_of_header``), plus ``$line`` and, for shapes, ``$geometry``.
    headers
        Key → header as published, without personal ones. Repeated headers get ``#2``, ``#3``; unnamed ones
        ``#column3``: a mapping names them so.
    dropped
        Personal headers that were not read.
    ragged
        Records with more cells than headers: ``$line`` and ``raw``; not part of ``frame``.
    notes
        What was mended while reading, by kind and number of records.
    """

    frame: pl.DataFrame
    headers: dict[str, str]
    dropped: list[str] = field(default_factory=list)
    ragged: list[tuple[int, str]] = field(default_factory=list)
    notes: dict[str, int] = field(default_factory=dict)

    @property
    def records(self) -> int:
        """Records read, ragged ones included."""
        return self.frame.height + len(self.ragged)


def format_of(path: Path) -> FileFormat | None:
    """Return the format a file's name promises, or None; a ``.json`` file that says it has features is GeoJSON."""
    form = FORMAT_OF_SUFFIX.get(path.suffix.lower())
    if form == "json" and path.is_file():
        with path.open("rb") as handle:
            return "geojson" if FEATURES.search(handle.read(HEAD_BYTES)) else "json"
    return form


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
            return _text_headers(path, kind)
        case "xlsx":
            sheet = _sheet(path, kind, rows=kind.header_row)
            return [] if sheet.height < kind.header_row else _sheet_headers(sheet, kind)
        case "parquet":
            return list(_parquet(path).collect_schema().names())
        case "json":
            return _json_headers(_json_records(path, kind))
        case "geoparquet":
            return [name for name in _parquet(path).collect_schema().names() if name != _shape_column(path)]
        case "geojson" | "shapefile_zip" | "gpkg":
            return [str(name) for name in _shape_info(path)["fields"]]
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
            return _read_text(path, kind)
        case "xlsx":
            return _read_sheet(path, kind)
        case "parquet":
            return _read_parquet(path, kind)
        case "json":
            return _read_json(path, kind)
        case _:
            return _read_shapes(path, kind)


def keys_of(headers: list[str]) -> list[str]:
    """Return unique column names for headers, in order."""
    seen: dict[str, int] = {}
    keys = []
    for place, header in enumerate(headers, start=1):
        key = key_of_header(header) or f"#column{place}"
        seen[key] = seen.get(key, 0) + 1
        keys.append(key if seen[key] == 1 else f"{key}#{seen[key]}")
    return keys


def _named(key: str, header: str) -> str:
    """Return a header that no other header of its file has: repeated and unnamed ones by their key's number."""
    plain = without_bom(header)
    return key if not plain else f"{plain}{key[key.rindex('#') :]}" if re.search(r"#\d+$", key) else plain


def _split_personal(headers: list[str], kind: FileKind) -> tuple[dict[str, str], list[str], list[str]]:
    keys = keys_of(headers)
    kept = {key: _named(key, header) for key, header in zip(keys, headers, strict=True) if not kind.is_personal(header)}
    return kept, [header for header in headers if kind.is_personal(header)], keys


# Text files ------------------------------------------------------------------------------------------------------


def _decode(content: bytes, kind: FileKind, where: str) -> tuple[str, int]:
    """Return text with LF line ends and the number of byte sequences that could not be decoded."""
    if content[:4] == b"PK\x03\x04":
        raise SourceError("the file is a ZIP or Excel file, not text.", where=where, remedy="Give it its right ending.")
    try:
        text, broken = content.decode(kind.encoding), 0
    except UnicodeDecodeError:
        if kind.fallback_encoding is not None:
            plainly = kind.model_copy(update={"encoding": kind.fallback_encoding, "fallback_encoding": None})
            return _decode(content, plainly, where)
        before = content.decode(kind.encoding, errors="ignore").count("\ufffd")
        text = content.decode(kind.encoding, errors="replace")
        broken = text.count("\ufffd") - before
    text = text.replace("\x00", "")
    text = text.replace("\r\n", "\n") if "\n" in text else text.replace("\r", "\n")
    return text, broken


def _header_lines(text: str, kind: FileKind) -> tuple[list[str], int]:
    """Return the header's cells and the number of physical lines up to and including it."""
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=kind.separator)
    lines = [next(rows, []) for _ in range(kind.header_row)]
    return _joined_header([[without_bom(cell) for cell in line] for line in lines[-kind.header_rows :]]), rows.line_num


def _joined_header(lines: list[list[str]]) -> list[str]:
    """Join the lines of a header; a blank cell of an upper line belongs to the cell on its left, as merged cells do."""
    *upper, last = lines
    width = max(len(line) for line in lines) if upper else len(last)
    joined = [list[str]() for _ in range(width)]
    for line in upper:
        held = ""
        for place in range(width):
            held = (line[place] if place < len(line) else "") or held
            joined[place].append(held)
    for place, cell in enumerate(last):
        joined[place].append(cell)
    return [" ".join(dict.fromkeys(part for part in parts if part)) for parts in joined]


def _text_headers(path: Path, kind: FileKind) -> list[str]:
    with path.open("rb") as handle:
        head = handle.read(HEAD_BYTES)
    if len(head) == HEAD_BYTES:
        # A cut in the middle of a line or a character must not look like damage.
        ends = [place for end in (b"\n", b"\r") if (place := head.rfind(end)) > 0]
        head = head[: max(ends) + 1] if ends else head
    text, _ = _decode(head, kind, path.name)
    try:
        return _header_lines(text, kind)[0]
    except csv.Error as error:
        raise SourceError(f"the header cannot be read ({error}).", where=path.name) from error


def _read_text(path: Path, kind: FileKind) -> RawTable:
    text, broken = _decode(path.read_bytes(), kind, path.name)
    try:
        headers, header_lines = _header_lines(text, kind)
    except csv.Error as error:
        raise SourceError(f"the header cannot be read ({error}).", where=path.name) from error
    kept, dropped, keys = _split_personal(headers, kind)
    start = 0
    for _ in range(header_lines):
        start = text.find("\n", start) + 1 or len(text)
    body = text[start:]
    notes = {"undecodable_bytes": broken} if broken else {}
    ragged: list[tuple[int, str]] = []
    frame = _read_fast(body, keys, kind, header_lines)
    if frame is None:
        frame, ragged = _read_carefully(body, keys, list(kept), kind, header_lines, path.name)
    if not ragged and (absent := _missing_cells(body, frame, keys, kind)):
        notes["missing_trailing_cells"] = absent
    return RawTable(frame.select(LINE, *kept), kept, dropped, ragged, notes)


def _read_fast(body: str, keys: list[str], kind: FileKind, lines_before: int) -> pl.DataFrame | None:
    """Read with Polars; None when it cannot account for every line, so that the careful reader takes over."""
    if not body:
        return pl.DataFrame(schema={**dict.fromkeys(keys, pl.String), LINE: pl.Int64})
    try:
        frame = pl.read_csv(
            io.BytesIO(body.encode("utf-8")),
            has_header=False,
            schema=dict.fromkeys(keys, pl.String),
            separator=kind.separator,
            quote_char='"',
        )
    except pl.exceptions.PolarsError:
        return None
    lines = body.count("\n") + (not body.endswith("\n"))
    line = pl.int_range(pl.len(), dtype=pl.Int64) + lines_before + 1
    if lines != frame.height:
        breaks = pl.sum_horizontal(pl.col(key).str.count_matches("\n", literal=True).fill_null(0) for key in keys)
        if lines != frame.height + frame.select(breaks.sum()).item():
            return None
        line = line + breaks.cum_sum().shift(1, fill_value=0).cast(pl.Int64)
    return frame.with_columns(line.alias(LINE))


def _missing_cells(body: str, frame: pl.DataFrame, keys: list[str], kind: FileKind) -> int:
    """Count the cells that rows shorter than the header lack; empty lines are refused as such and do not count."""
    if not keys or not frame[keys[-1]].has_nulls():
        return 0
    expected, there = frame.height * (len(keys) - 1), body.count(kind.separator)
    blank = body.startswith("\n") or "\n\n" in body
    if '"' not in body and not blank:
        return max(0, expected - there)
    cells = [pl.col(key).fill_null("") for key in keys]
    inside = pl.sum_horizontal(cell.str.count_matches(kind.separator, literal=True) for cell in cells)
    lines = body.split("\n")
    empty = sum(not line for line in lines) - (not lines[-1])
    if empty:
        broken = frame.select(pl.concat_list(cells).explode().alias("cell")).filter(pl.col("cell").str.contains("\n\n"))
        empty -= sum(line == "" for cell in broken["cell"] for line in cell.split("\n")[1:-1])
    return max(0, expected + int(frame.select(inside.sum()).item()) - there - empty * (len(keys) - 1))


def _read_carefully(
    body: str, keys: list[str], kept: list[str], kind: FileKind, lines_before: int, where: str
) -> tuple[pl.DataFrame, list[tuple[int, str]]]:
    columns: list[list[str | None]] = [[] for _ in keys]
    lines: list[int] = []
    ragged: list[tuple[int, str]] = []
    rows = csv.reader(io.StringIO(body, newline=""), delimiter=kind.separator)
    line = lines_before + 1
    try:
        for row in rows:
            if any(cell.strip() for cell in row[len(keys) :]):
                cells = {key: cell for key, cell in zip(keys, row, strict=False) if key in set(kept)}
                ragged.append((line, json.dumps(cells, ensure_ascii=False)))
            else:
                lines.append(line)
                for place, column in enumerate(columns):
                    column.append((row[place] or None) if place < len(row) else None)
            line = lines_before + rows.line_num + 1
    except csv.Error as error:
        raise SourceError(f"line {line} cannot be read ({error}).", where=where) from error
    frame = pl.DataFrame(dict(zip(keys, columns, strict=True)), schema=dict.fromkeys(keys, pl.String))
    return frame.with_columns(pl.Series(LINE, lines, dtype=pl.Int64)), ragged


# Sheets, Parquet, shapes -----------------------------------------------------------------------------------------


def _sheet(path: Path, kind: FileKind, rows: int | None = None) -> pl.DataFrame:
    import fastexcel

    try:
        book = fastexcel.read_excel(path)
        if kind.sheet is not None and kind.sheet not in book.sheet_names:
            raise SourceError(
                f"the workbook has no sheet {kind.sheet!r}.",
                where=path.name,
                remedy=f"Its sheets: {', '.join(book.sheet_names)}.",
            )
        sheet = book.load_sheet(kind.sheet or 0, header_row=None, skip_rows=0, n_rows=rows, dtypes="string")
        frame: pl.DataFrame = sheet.to_polars()
    except fastexcel.FastExcelError as error:
        raise SourceError("the file cannot be read as a workbook.", where=path.name) from error
    return frame


def _sheet_headers(sheet: pl.DataFrame, kind: FileKind) -> list[str]:
    rows = sheet.slice(kind.header_row - kind.header_rows, kind.header_rows).rows()
    return _joined_header([["" if cell is None else str(cell).strip() for cell in row] for row in rows])


def _read_sheet(path: Path, kind: FileKind) -> RawTable:
    sheet = _sheet(path, kind)
    if sheet.height < kind.header_row:
        raise SourceError("the sheet has no header row.", where=path.name, remedy="Check header_row in the mapping.")
    kept, dropped, keys = _split_personal(_sheet_headers(sheet, kind), kind)
    frame = sheet.slice(kind.header_row).rename(dict(zip(sheet.columns, keys, strict=True)))
    return RawTable(_numbered(frame, kind.header_row).select(LINE, *kept), kept, dropped)


def _numbered(frame: pl.DataFrame, lines_before: int) -> pl.DataFrame:
    return frame.with_columns((pl.int_range(pl.len(), dtype=pl.Int64) + lines_before + 1).alias(LINE))


def _parquet(path: Path) -> pl.LazyFrame:
    try:
        lazy = pl.scan_parquet(path, glob=False)
        lazy.collect_schema()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise SourceError("the file cannot be read as Parquet.", where=path.name) from error
    return lazy


def _read_parquet(path: Path, kind: FileKind) -> RawTable:
    lazy = _parquet(path)
    names = lazy.collect_schema().names()
    kept, dropped, keys = _split_personal(names, kind)
    wanted = [pl.col(name).alias(key) for name, key in zip(names, keys, strict=True) if key in kept]
    frame, notes = _written_out(lazy.select(wanted).collect())
    return RawTable(_numbered(frame, 1).select(LINE, *kept), kept, dropped, notes=notes)


def _written_out(frame: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, int]]:
    """Write long whole numbers out as digits and count them: as floats they have lost their last digits already."""
    changed: list[pl.Expr] = []
    count = 0
    for name, dtype in frame.schema.items():
        if not dtype.is_float():
            continue
        number = pl.col(name).cast(pl.Float64)
        long = number.is_finite() & (number.abs() >= EXACT_UP_TO)
        found = int(frame.select(long.sum()).item())
        if found:
            digits = pl.when(long).then(number).cast(pl.Int128, strict=False).cast(pl.String)
            changed.append(pl.coalesce(digits, pl.col(name).cast(pl.String).str.replace(r"\.0$", "")).alias(name))
            count += found
    return frame.with_columns(changed), {"rounded_long_numbers": count} if count else {}


def _json_records(path: Path, kind: FileKind) -> list[dict[str, Any]]:
    """Return the records of a JSON file: the objects of a list, or the one object the file is."""
    text, _ = _decode(path.read_bytes(), kind, path.name)
    try:
        content = json.loads(without_bom(text), parse_float=str, parse_int=str)
    except ValueError as error:
        raise SourceError(f"the file cannot be read as JSON ({error}).", where=path.name) from error
    records = content if isinstance(content, list) else [content]
    if not all(isinstance(record, dict) for record in records):
        raise SourceError("the file is no list of objects.", where=path.name, remedy="Export one object per record.")
    return records


def _json_headers(records: list[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(str(name) for record in records for name in record))


def _read_json(path: Path, kind: FileKind) -> RawTable:
    records = _json_records(path, kind)
    headers = _json_headers(records)
    kept, dropped, keys = _split_personal(headers, kind)
    columns = {
        key: pl.Series(key, [_json_text(record.get(header), kind) for record in records], dtype=pl.String)
        for header, key in zip(headers, keys, strict=True)
        if key in kept
    }
    frame = pl.DataFrame({**columns, LINE: pl.int_range(2, len(records) + 2, dtype=pl.Int64, eager=True)})
    return RawTable(frame.select(LINE, *kept), kept, dropped)


def _json_text(value: Any, kind: FileKind) -> str | None:
    """Return a value as text: numbers as they are written, lists and objects as JSON without personal keys."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(_impersonal(value, kind), ensure_ascii=False)


def _impersonal(value: Any, kind: FileKind) -> Any:
    if isinstance(value, dict):
        return {key: _impersonal(one, kind) for key, one in value.items() if not kind.is_personal(str(key))}
    return [_impersonal(one, kind) for one in value] if isinstance(value, list) else value


def _shape_path(path: Path) -> str:
    return f"/vsizip/{path.resolve()}" if path.suffix.lower() == ".zip" else str(path)


def _shape_info(path: Path) -> dict[str, Any]:
    import pyogrio

    try:
        return dict(pyogrio.read_info(_shape_path(path)))
    except pyogrio.errors.DataSourceError as error:
        raise SourceError("the file holds no shapes that can be read.", where=path.name) from error


def _unshift(crs: str) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    return lambda points: np.column_stack(to_lon_lat(points[:, 0], points[:, 1], crs))


def _shape_column(path: Path) -> str:
    """Return the name of the column of a GeoParquet file that holds its shapes."""
    try:
        return str(json.loads(pl.read_parquet_metadata(path)["geo"])["primary_column"])
    except (KeyError, ValueError, OSError, pl.exceptions.PolarsError) as error:
        raise SourceError("the file holds no shapes that can be read.", where=path.name) from error


def _shapes(path: Path) -> Any:
    import geopandas
    import pyogrio

    if format_of(path) == "geoparquet":
        column = _shape_column(path)
        shapes = geopandas.read_parquet(path)
        return shapes if column == "geometry" else shapes.rename_geometry("geometry")
    try:
        return pyogrio.read_dataframe(_shape_path(path))
    except pyogrio.errors.DataSourceError as error:
        raise SourceError("the file holds no shapes that can be read.", where=path.name) from error


def _read_shapes(path: Path, kind: FileKind) -> RawTable:
    import shapely

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        shapes = _shapes(path)
    # GDAL keeps the digits before the first character that is none: the value is wrong, and the steward must know.
    cut_short = sum("parsed incompletely" in str(one.message) for one in said)
    stated = shapes.crs
    shifted = kind.crs in SHIFTED
    if shifted:
        shapes = shapes.set_crs("EPSG:4326", allow_override=True)
        shapes["geometry"] = shapely.transform(shapes.geometry.to_numpy(), _unshift(str(kind.crs)))
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
    headers = [name for name in shapes.columns if name != "geometry"]
    kept, dropped, keys = _split_personal([str(name) for name in headers], kind)
    columns = {key: pl.from_pandas(shapes[name]) for name, key in zip(headers, keys, strict=True) if key in kept}
    geometry = [None if shape is None else bytes(shape) for shape in shapely.to_wkb(shapes.geometry.to_numpy())]
    frame, notes = _written_out(pl.DataFrame({**columns, GEOMETRY: pl.Series(geometry, dtype=pl.Binary)}))
    if cut_short:
        notes["numbers_cut_short"] = cut_short
    return RawTable(_numbered(frame, 1), kept, dropped, notes=notes)
