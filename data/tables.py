"""Tables on disk: Parquet files of one schema in which columns that hold nothing are left out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from data.files import sync_file
from data.schemas import CANONICAL, DERIVED


def write_table(rows: pl.DataFrame, path: Path) -> None:
    """Write a table, or a part of one, and see it onto the disk.

    Most sources fill half of the columns. An empty one costs as much to write as one of few values, so it is not
    written; :func:`scan_table` puts it back.
    """
    path.parent.mkdir(exist_ok=True)
    filled = [name for name in rows.columns if rows[name].null_count() < rows.height]
    rows.select(filled or rows.columns).write_parquet(path, compression_level=1)
    sync_file(path)


def scan_table(table: str, paths: Path | Sequence[Path]) -> pl.LazyFrame:
    """Return a canonical or derived table from its files, with all columns of its schema."""
    schema = CANONICAL[table] if table in CANONICAL else DERIVED[table]
    types = {name: column.dtype for name, column in schema.columns().items()}
    files = [paths] if isinstance(paths, Path) else list(paths)
    return pl.scan_parquet(files, glob=False, schema=types, missing_columns="insert")
