"""Rows on their way into a load, kept in memory while they are few and in parts on disk when they are many.

A part holds all rows whose record key starts with the same hexadecimal digits. Whatever must see all versions of a
record (numbers of identical rows, corrections, earlier loads) then needs one part at a time, so that memory does not
grow with the load.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from data.integration.keys import DIGEST, digest_start
from data.integration.numbering import NUMBER
from data.schemas import CANONICAL

if TYPE_CHECKING:
    import pyarrow as pa

#: Most rows a part should hold.
PART_ROWS = 2_000_000
#: Streams a part is written to: rows that fill the same columns go together, so that empty ones cost nothing.
MOST_STREAMS = 3
#: Place of the file in the ingest, a column of every row on its way.
FILE = "$file"


def digits_for(rows: int, part_rows: int | None = None) -> int:
    """Return how many hexadecimal digits of the key tell parts apart: 0 is one part, 1 is 16, 2 is 256."""
    most = part_rows or PART_ROWS
    return next((digits for digits in (0, 1) if rows <= most * 16**digits), 2)


def prefixes(digits: int) -> list[str]:
    """Return the names of all parts."""
    return [f"{place:0{digits}x}" for place in range(16**digits)] if digits else [""]


def key_start(source: str, digits: int) -> pl.Expr:
    """Return the first digits of the digest in ``record_key``."""
    return pl.col("record_key").str.slice(len(source) + 1, digits)


class Spill:
    """Rows of one table and one kind of file.

    Parameters
    ----------
    folder
        Where parts go; made when the first is written.
    digits
        See :func:`digits_for`.
    """

    def __init__(self, table: str, folder: Path, digits: int) -> None:
        self.table = table
        self.folder = folder
        self.digits = digits
        self._held: list[pl.DataFrame] = []
        self._writers: dict[tuple[str, int], pa.ipc.RecordBatchFileWriter] = {}
        #: Columns of the streams of each part, by their number.
        self._filled: list[list[str]] = []
        types = CANONICAL[table].columns()
        self._types = {name: column.dtype for name, column in types.items()}
        self._types[FILE] = pl.Int32()
        self._types[DIGEST] = pl.Binary()
        self._types[NUMBER] = pl.Int32()

    def add(self, rows: pl.DataFrame) -> None:
        """Take rows in; columns that hold nothing cost nothing."""
        if rows.is_empty():
            return
        filled = [name for name in rows.columns if rows[name].null_count() < rows.height]
        if not self.digits:
            self._held.append(rows.select(filled))
            return
        stream = self._stream(filled, rows.columns)
        rows = rows.select(self._filled[stream])
        plain = rows.with_columns(pl.col(pl.Enum).to_physical(), digest_start(self.digits).alias("$part"))
        for (part,), some in plain.partition_by("$part", as_dict=True, include_key=False).items():
            self._write(str(part), stream, some)

    def _stream(self, filled: list[str], every: list[str]) -> int:
        """Return the number of the stream for rows that fill some columns; the last of a few streams has all."""
        if filled not in self._filled:
            if len(self._filled) < MOST_STREAMS - 1:
                self._filled.append(filled)
            elif len(self._filled) < MOST_STREAMS:
                self._filled.append(every)
        return self._filled.index(filled) if filled in self._filled else MOST_STREAMS - 1

    def _path(self, part: str, stream: int) -> Path:
        return self.folder / f"{part}-{stream}.arrows"

    def _write(self, part: str, stream: int, rows: pl.DataFrame) -> None:
        import pyarrow as pa

        table = rows.to_arrow(compat_level=pl.CompatLevel.oldest())
        writer = self._writers.get((part, stream))
        if writer is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            options = pa.ipc.IpcWriteOptions(compression="lz4")
            writer = pa.ipc.new_stream(str(self._path(part, stream)), table.schema, options=options)
            self._writers[part, stream] = writer
        writer.write_table(table)

    def finish(self) -> None:
        """Close the parts for writing."""
        for writer in self._writers.values():
            writer.close()

    def take(self, part: str) -> pl.DataFrame:
        """Return the rows of one part in the order they came, and forget them."""
        if not self.digits:
            held, self._held = self._held, []
            return pl.concat(held, how="diagonal") if held else pl.DataFrame(schema=self._types)
        found = [self._read(part, stream) for stream in range(len(self._filled)) if (part, stream) in self._writers]
        if not found:
            return pl.DataFrame(schema=self._types)
        if len(found) == 1:
            return found[0]
        return pl.concat(found, how="diagonal").sort(FILE, "source_line", maintain_order=True)

    def _read(self, part: str, stream: int) -> pl.DataFrame:
        import pyarrow as pa

        path = self._path(part, stream)
        with pa.ipc.open_stream(str(path)) as reader:
            frame = pl.DataFrame(pl.from_arrow(reader.read_all()))
        path.unlink()
        frame = frame.select(name for name in frame.columns if frame[name].null_count() < frame.height)
        types = {name: self._types[name] for name in frame.columns}
        words = {name: dtype for name, dtype in types.items() if isinstance(dtype, pl.Enum)}
        numbered = frame.with_columns(pl.col(name).cat.to(dtype) for name, dtype in words.items())
        return numbered.cast({name: dtype for name, dtype in types.items() if name not in words})
