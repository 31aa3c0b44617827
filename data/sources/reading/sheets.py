"""Workbooks: one sheet, its header rows joined."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from data.errors import SourceError
from data.sources.mapping import FileKind
from data.sources.reading.raw import LINE, RawTable, numbered, split_personal
from data.sources.reading.text import join_header


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
        raise SourceError(
            "the file cannot be read as a workbook: it is damaged or incomplete.",
            where=path.name,
            remedy="Ask for the file again.",
        ) from error
    return frame


def sheet_headers(path: Path, kind: FileKind) -> list[str]:
    """Return the headers of a sheet; only its first rows are read."""
    sheet = _sheet(path, kind, rows=kind.header_row)
    return [] if sheet.height < kind.header_row else _headers_of_sheet(sheet, kind)


def _headers_of_sheet(sheet: pl.DataFrame, kind: FileKind) -> list[str]:
    rows = sheet.slice(kind.header_row - kind.header_rows, kind.header_rows).rows()
    return join_header([["" if cell is None else str(cell).strip() for cell in row] for row in rows])


def read_sheet(path: Path, kind: FileKind) -> RawTable:
    """Read one sheet of a workbook, cells as text."""
    sheet = _sheet(path, kind)
    if sheet.height < kind.header_row:
        raise SourceError("the sheet has no header row.", where=path.name, remedy="Check header_row in the mapping.")
    kept, dropped, keys = split_personal(_headers_of_sheet(sheet, kind), kind)
    frame = sheet.slice(kind.header_row).rename(dict(zip(sheet.columns, keys, strict=True)))
    return RawTable(numbered(frame, kind.header_row).select(LINE, *kept), kept, dropped)
