"""Upstream files in batches of bounded size: big files are cut between records, small ones go together.

A batch costs the same memory whatever the size of the files, and a hundred small files cost little more than one.
"""

from __future__ import annotations

import codecs
import csv
import tempfile
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import polars as pl

from data.errors import SourceError
from data.sources.mapping import FileKind
from data.sources.reading import LINE, RawTable, format_of, read_records
from data.sources.reading.text import read_texts

Item = TypeVar("Item")
#: A text file above this size is cut, bytes.
PIECE_BYTES = 64 << 20
#: Small text files are read together up to this size: what is freed after one reading is still there for the next.
TOGETHER_BYTES = 16 << 20
#: A Parquet file with more rows is cut; smaller pieces are put together up to this many rows.
PIECE_ROWS = 400_000
#: Encodings in which a line end and a quote are always the bytes 0A and 22: only these can be cut as bytes.
CUT_SAFELY = ("ascii", "utf-8", "gb18030", "gbk", "gb2312", "big5", "big5hkscs", "cp", "iso8859", "latin")


@dataclass
class Piece:
    """Records of one or several files of one kind with the same headers, or a run of the lines of one.

    Attributes
    ----------
    raw
        ``$line`` is unique over the piece; :meth:`origin` gives file and line back.
    files
        Places of the files in the ingest.
    starts
        What was added to the lines of each file.
    whole
        Whether all rows of its files are in it.
    """

    kind: FileKind
    raw: RawTable
    files: list[int] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    whole: bool = True

    def origin(self, lines: pl.Series) -> tuple[pl.Series, pl.Series]:
        """Return the place of the file in the ingest, and the line in it, of lines of the piece."""
        starts = np.array(self.starts, dtype=np.int64)
        piece = np.searchsorted(starts, lines.to_numpy(), side="left") - 1
        files = np.array(self.files, dtype=np.int32)[piece]
        return pl.Series("$file", files), pl.Series("source_line", lines.to_numpy() - starts[piece])


def needs_whole_file(kind: FileKind) -> bool:
    """Return whether rows of a kind depend on other rows of the file by more than their identity, or hold shapes."""
    whole = kind.table == "lookup" or kind.parents is not None or kind.identical_rows == "parts"
    # Shapes as text are read by `read_records`, which the quick ways around it do not know.
    return whole or kind.shape is not None


def expected_rows(path: Path) -> int:
    """Estimate the records of a file from its head, exactly for Parquet; 0 for formats that are always small."""
    match format_of(path):
        case "csv":
            with path.open("rb") as handle:
                head = handle.read(1 << 16)
            ends = max(head.count(b"\n"), head.count(b"\r"), 1)
            return path.stat().st_size * ends // max(len(head), 1)
        case "parquet":
            try:
                return int(pl.scan_parquet(path, glob=False).select(pl.len()).collect().item())
            except pl.exceptions.PolarsError as error:
                raise SourceError("the file cannot be read as Parquet.", where=path.name) from error
    return 0


def read_pieces(
    path: Path, kind: FileKind, file: int, *, piece_bytes: int | None = None, piece_rows: int | None = None
) -> Iterator[Piece]:
    """Read a file piece by piece.

    Parameters
    ----------
    file
        Place of the file in the ingest.
    piece_bytes, piece_rows
        Size of a piece of a text and of a Parquet file; default ``PIECE_BYTES``, ``PIECE_ROWS``.
    """
    most_bytes, most_rows = piece_bytes or PIECE_BYTES, piece_rows or PIECE_ROWS
    form = format_of(path)
    if not needs_whole_file(kind):
        if form == "csv" and path.stat().st_size > most_bytes and _may_be_cut(kind):
            yield from _cut_text(path, kind, file, most_bytes)
            return
        if form == "parquet" and (rows := expected_rows(path)) > most_rows:
            yield from _cut_parquet(path, kind, file, rows, most_rows)
            return
    yield Piece(kind, read_records(path, kind), [file], [0])


def read_together(paths: Sequence[Path], kind: FileKind, files: Sequence[int]) -> Iterator[Piece]:
    """Read small text files of one kind in one go where they have one layout, else one by one.

    Parameters
    ----------
    files
        Places of the files in the ingest.
    """
    together = read_texts(paths, kind) if len(paths) > 1 else None
    if together is None:
        for path, file in zip(paths, files, strict=True):
            yield from read_pieces(path, kind, file)
    else:
        yield Piece(kind, together[0], list(files), together[1])


def ahead(items: Iterator[Item], most: int = 1) -> Iterator[Item]:
    """Return the same items; while one is worked on the next ones are made by another thread, from now on.

    Parameters
    ----------
    most
        How many are made and held before they are asked for.
    """
    pool = ThreadPoolExecutor(1, thread_name_prefix="ahead")
    nothing: Any = object()
    following = deque(pool.submit(next, items, nothing) for _ in range(most))
    return _as_made(pool, following, items, nothing)


def _as_made(
    pool: ThreadPoolExecutor, following: deque[Future[Any]], items: Iterator[Any], nothing: Any
) -> Iterator[Any]:
    with pool:
        while (item := following.popleft().result()) is not nothing:
            following.append(pool.submit(next, items, nothing))
            yield item


def small_texts_together(paths: Sequence[Path], kinds: Sequence[FileKind]) -> Iterator[list[int]]:
    """Return the places of files, in order; text files of one kind that make one piece together stand together."""
    held: list[int] = []
    size = 0
    for place, (path, kind) in enumerate(zip(paths, kinds, strict=True)):
        small = format_of(path) == "csv" and _go_with_others(kind)
        more = path.stat().st_size if small else 0
        if held and (not small or kinds[held[-1]] is not kind or size + more > TOGETHER_BYTES):
            yield held
            held, size = [], 0
        if small:
            held.append(place)
            size += more
        else:
            yield [place]
    if held:
        yield held


def _may_be_cut(kind: FileKind) -> bool:
    name = codecs.lookup(kind.encoding).name
    return name.startswith(CUT_SAFELY) or name == "utf-8-sig"


def _settled(path: Path, kind: FileKind) -> FileKind:
    """Decide for the whole file which of two encodings it has, so that its pieces do not differ."""
    if kind.fallback_encoding is None:
        return kind
    decoder = codecs.getincrementaldecoder(kind.encoding)()
    encoding = kind.encoding
    try:
        with path.open("rb") as handle:
            while block := handle.read(1 << 24):
                decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        encoding = kind.fallback_encoding
    return kind.model_copy(update={"encoding": encoding, "fallback_encoding": None})


def _cut_parquet(path: Path, kind: FileKind, file: int, rows: int, most_rows: int) -> Iterator[Piece]:
    with tempfile.TemporaryDirectory(prefix="beatwise-") as folder:
        part = Path(folder) / path.name
        for start in range(0, rows, most_rows):
            pl.scan_parquet(path, glob=False).slice(start, most_rows).sink_parquet(part, compression="lz4")
            raw = read_records(part, kind)
            yield Piece(kind, _moved(raw, start), [file], [0], whole=False)


def _cut_text(path: Path, kind: FileKind, file: int, most_bytes: int) -> Iterator[Piece]:
    kind = _settled(path, kind)
    with tempfile.TemporaryDirectory(prefix="beatwise-") as folder, path.open("rb") as handle:
        part = Path(folder) / path.name
        rest = handle.read(most_bytes)
        cut = _records_end(rest, kind, at_most=kind.header_row)
        head, rest = rest[:cut], rest[cut:]
        header_lines = lines_before = head.count(b"\n")
        at_end = cut == 0
        while True:
            if at_end and not rest and lines_before > header_lines:
                return
            block = handle.read() if at_end else handle.read(max(1, most_bytes - len(rest)))
            at_end = at_end or not block
            rest += block
            # Without a line end that is surely between two records (carriage returns only, a quote that is never
            # closed) the piece grows until there is one: slower and larger, but never wrong.
            end = len(rest) if at_end else _records_end(rest, kind)
            if end == 0:
                most_bytes *= 2
                continue
            part.write_bytes(head + rest[:end])
            raw = _moved(read_records(part, kind), lines_before - header_lines)
            yield Piece(kind, raw, [file], [0], whole=False)
            lines_before += rest.count(b"\n", 0, end)
            rest = rest[end:]
            if at_end:
                return


def _records_end(content: bytes, kind: FileKind, at_most: int | None = None) -> int:
    """Return where the last record ends that is surely complete, or the first ``at_most`` records; 0 if unknown."""
    last = content.rfind(b"\n") + 1
    if at_most is None and b'"' not in content[:last]:
        return last
    ends = [0]

    def lines() -> Iterator[str]:
        start = 0
        while (end := content.find(b"\n", start, last) + 1) > 0:
            yield content[start:end].decode(kind.encoding, errors="replace").replace("\r\n", "\n")
            start = end
            ends[0] = end

    complete = before = 0
    try:
        for count, _ in enumerate(csv.reader(lines(), delimiter=kind.separator), start=1):
            if count == at_most:
                return ends[0]
            # The last record may go on in what has not been read yet.
            complete, before = before, ends[0]
    except csv.Error:
        return 0
    return complete


def _moved(raw: RawTable, lines: int) -> RawTable:
    raw.frame = raw.frame.with_columns(pl.col(LINE) + lines)
    raw.ragged = [(line + lines, cells) for line, cells in raw.ragged]
    return raw


def in_batches(pieces: Iterator[Piece], most_rows: int | None = None) -> Iterator[Piece]:
    """Put small pieces together: rows of one kind and the same headers, up to ``most_rows``.

    Rules that read the file's name, and kinds that need the whole file, keep each piece by itself.
    """
    limit = most_rows or PIECE_ROWS
    held: list[Piece] = []
    rows = 0
    for piece in pieces:
        if held and (not _go_together(held[-1], piece) or rows + piece.raw.records > limit):
            yield _joined(held)
            held, rows = [], 0
        held.append(piece)
        rows += piece.raw.records
    if held:
        yield _joined(held)


def _go_with_others(kind: FileKind) -> bool:
    return not needs_whole_file(kind) and not any(rule.file_name is not None for rule in kind.rules.values())


def _go_together(first: Piece, second: Piece) -> bool:
    return (
        first.kind.name == second.kind.name
        and _go_with_others(first.kind)
        and list(first.raw.headers.items()) == list(second.raw.headers.items())
        and first.raw.dropped == second.raw.dropped
        and first.raw.frame.schema == second.raw.frame.schema
    )


def _joined(held: Sequence[Piece]) -> Piece:
    first = held[0]
    if len(held) == 1:
        return first
    clean = all(piece.raw.clean for piece in held)
    joined = Piece(first.kind, RawTable(first.raw.frame, first.raw.headers, first.raw.dropped, clean=clean))
    joined.whole = all(piece.whole for piece in held)
    start = 0
    frames = []
    for piece in held:
        joined.files += piece.files
        joined.starts += [start + own for own in piece.starts]
        raw = _moved(piece.raw, start)
        frames.append(raw.frame)
        joined.raw.ragged += raw.ragged
        lines = [line for line, _ in raw.ragged]
        start = max([start, *raw.frame.select(pl.col(LINE).max()).to_series().drop_nulls(), *lines])
    joined.raw.frame = pl.concat(frames)
    return joined
