"""Parquet keeps its types."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from data.errors import SourceError
from data.sources.mapping import FileKind
from data.sources.reading.raw import LINE, RawTable, numbered, split_personal, written_out


def scan(path: Path) -> pl.LazyFrame:
    """Return a Parquet file, not yet read.

    Raises
    ------
    SourceError
        If it is none.
    """
    try:
        lazy = pl.scan_parquet(path, glob=False)
        lazy.collect_schema()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise SourceError(
            "the file cannot be read as Parquet: it is damaged or none.", where=path.name, remedy="Ask for it again."
        ) from error
    return lazy


def parquet_headers(path: Path) -> list[str]:
    """Return the names of a Parquet file's columns."""
    return list(scan(path).collect_schema().names())


def read_parquet(path: Path, kind: FileKind) -> RawTable:
    """Read a Parquet file; long whole numbers kept as floats are written out and counted."""
    lazy = scan(path)
    names = lazy.collect_schema().names()
    kept, dropped, keys = split_personal(names, kind)
    wanted = [pl.col(name).alias(key) for name, key in zip(names, keys, strict=True) if key in kept]
    frame, notes = written_out(lazy.select(wanted).collect())
    return RawTable(numbered(frame, 1).select(LINE, *kept), kept, dropped, notes=notes)
