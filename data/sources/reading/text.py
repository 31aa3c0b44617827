"""Text files: the fast reader, and the careful one for what the fast one cannot account for."""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import polars as pl

from data.errors import SourceError
from data.sources.mapping import FileKind
from data.sources.personal import without_bom
from data.sources.reading.formats import HEAD_BYTES
from data.sources.reading.raw import LINE, RawTable, split_personal

#: Longest cell of a text file: a boundary written as text easily outgrows the limit of Python's reader, 131,072.
csv.field_size_limit(1 << 28)
#: ASCII blanks besides the space and the line end.
OTHER_BLANKS = (b"\t", b"\r", b"\v", b"\f", b"\x1c", b"\x1d", b"\x1e", b"\x1f")


def decode(content: bytes, kind: FileKind, where: str) -> tuple[str, int]:
    """Return text with LF line ends and the number of byte sequences that could not be decoded."""
    if content[:4] == b"PK\x03\x04":
        raise SourceError("the file is a ZIP or Excel file, not text.", where=where, remedy="Give it its right ending.")
    _require_stated_encoding(content, kind, where)
    try:
        text, broken = content.decode(kind.encoding), 0
    except UnicodeDecodeError:
        if kind.fallback_encoding is not None:
            plainly = kind.model_copy(update={"encoding": kind.fallback_encoding, "fallback_encoding": None})
            return decode(content, plainly, where)
        before = content.decode(kind.encoding, errors="ignore").count("\ufffd")
        text = content.decode(kind.encoding, errors="replace")
        broken = text.count("\ufffd") - before
    text = text.replace("\x00", "")
    text = text.replace("\r\n", "\n") if "\n" in text else text.replace("\r", "\n")
    return text, broken


def _require_stated_encoding(content: bytes, kind: FileKind, where: str) -> None:
    """Refuse a file that says by its first bytes that it is UTF-16 or UTF-32, and is to be read as something else."""
    # The mark of UTF-32 begins with that of UTF-16.
    marks = {"utf-32": (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE), "utf-16": (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)}
    stated = next((name for name, some in marks.items() if content.startswith(some)), None)
    if stated is not None and not codecs.lookup(kind.encoding).name.startswith(("utf-16", "utf-32")):
        raise SourceError(
            f"the file is text in {stated.upper()}, and the mapping reads {kind.encoding}.",
            where=where,
            remedy=f'Have it exported in {kind.encoding}, or write encoding = "{stated}" in its [[file]].',
        )


def _as_utf8(content: bytes, kind: FileKind, where: str) -> tuple[bytes, int]:
    """Return the bytes of :func:`decode` as UTF-8; most files are so already and need no copy."""
    plain = content[:4] != b"PK\x03\x04" and b"\0" not in content
    if plain and ((content.isascii() and _includes_ascii(kind.encoding)) or _is_utf8(content, kind.encoding)):
        if b"\r" in content:
            content = content.replace(*((b"\r\n", b"\n") if b"\n" in content else (b"\r", b"\n")))
        return content, 0
    text, broken = decode(content, kind, where)
    return text.encode(), broken


@lru_cache
def _includes_ascii(encoding: str) -> bool:
    plain = bytes(range(128))
    return plain.decode(encoding, errors="replace") == plain.decode("ascii")


def _is_utf8(content: bytes, encoding: str) -> bool:
    if codecs.lookup(encoding).name not in ("utf-8", "utf-8-sig") or content.startswith(codecs.BOM_UTF8):
        return False
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _header_lines(text: str, kind: FileKind) -> tuple[list[str], int]:
    """Return the header's cells and the number of physical lines up to and including it."""
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=kind.separator)
    lines = [next(rows, []) for _ in range(kind.header_row)]
    return join_header([[without_bom(cell) for cell in line] for line in lines[-kind.header_rows :]]), rows.line_num


def join_header(lines: list[list[str]]) -> list[str]:
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


def text_headers(path: Path, kind: FileKind) -> list[str]:
    """Return the headers of a text file; only its beginning is read."""
    with path.open("rb") as handle:
        head = handle.read(HEAD_BYTES)
    if len(head) == HEAD_BYTES:
        # A cut in the middle of a line or a character must not look like damage.
        ends = [place for end in (b"\n", b"\r") if (place := head.rfind(end)) > 0]
        head = head[: max(ends) + 1] if ends else head
    text, _ = decode(head, kind, path.name)
    try:
        return _header_lines(text, kind)[0]
    except csv.Error as error:
        raise SourceError(f"the header cannot be read ({error}).", where=path.name) from error


def read_text(path: Path, kind: FileKind) -> RawTable:
    """Read a text file; every line is accounted for."""
    content, broken = _as_utf8(path.read_bytes(), kind, path.name)
    headers, header_lines, start = _header_of(content, kind, path.name)
    kept, dropped, keys = split_personal(headers, kind)
    body = content[start:]
    notes = {"undecodable_bytes": broken} if broken else {}
    ragged: list[tuple[int, str]] = []
    frame = _read_fast(body, keys, kind, header_lines)
    if frame is None:
        frame, ragged = _read_carefully(body, keys, list(kept), kind, header_lines, path.name)
    if not ragged and (absent := _missing_cells(body, frame, keys, kind)):
        notes["missing_trailing_cells"] = absent
    return RawTable(frame.select(LINE, *kept), kept, dropped, ragged, notes, clean=_is_clean(body, kind))


def read_texts(paths: Sequence[Path], kind: FileKind) -> tuple[RawTable, list[int]] | None:
    """Read several text files in one go.

    Returns
    -------
    tuple or None
        All records, ``$line`` counting on from file to file, headers included, and for each file how much was added to
        its lines. None when the files do not have the same header, or not every line is one record: read them one by
        one then.
    """
    # Written one after the other: what stands in it is taken out at the end without a copy.
    bodies = io.BytesIO()
    rows: list[int] = []
    head = b""
    header_lines = 0
    for path in paths:
        content, broken = _as_utf8(path.read_bytes(), kind, path.name)
        if not rows:
            headers, header_lines, start = _header_of(content, kind, path.name)
            head = content[:start]
        # A header that is the same to the byte is not looked at again.
        if broken or not head.endswith(b"\n") or not content.startswith(head):
            return None
        bodies.write(memoryview(content)[len(head) :])
        rows.append(_line_ends(content) - head.count(b"\n"))
        if not content.endswith(b"\n"):
            bodies.write(b"\n")
            rows[-1] += 1
    body = bodies.getvalue()
    kept, dropped, keys = split_personal(headers, kind)
    frame = _parsed(body, keys, kind)
    if frame is None or frame.height != sum(rows) or not body or _missing_cells(body, frame, keys, kind):
        return None
    places = np.cumsum([0, *rows[:-1]])
    starts = places + header_lines * np.arange(len(rows))
    lines = np.arange(frame.height, dtype=np.int64) + np.repeat(starts - places, rows) + header_lines + 1
    table = RawTable(frame.select(pl.Series(LINE, lines), *kept), kept, dropped, clean=_is_clean(body, kind))
    return table, starts.tolist()


def _line_ends(content: bytes) -> int:
    # Three times as fast as counting by bytes.count.
    return int(np.count_nonzero(np.frombuffer(content, dtype=np.uint8) == ord("\n")))


def _is_clean(body: bytes, kind: FileKind) -> bool:
    """Return whether surely no cell is empty text or has blanks around it: a look at the bytes, not at the cells."""
    separator = kind.separator.encode()
    if b'"' in body or not body.isascii() or any(blank in body for blank in OTHER_BLANKS if blank != separator):
        return False
    beside = (separator + b" ", b" " + separator, b"\n ", b" \n")
    return (
        separator != b" "
        and not body.startswith(b" ")
        and not body.endswith(b" ")
        and not any(blank in body for blank in beside)
    )


def _header_of(content: bytes, kind: FileKind, where: str) -> tuple[list[str], int, int]:
    """Return the headers, the number of physical lines up to and including them, and where the records start."""
    head = content[:HEAD_BYTES].decode("utf-8", errors="replace")
    try:
        headers, lines = _header_lines(head, kind)
        if head.count("\n") <= lines:
            headers, lines = _header_lines(content.decode("utf-8"), kind)
    except csv.Error as error:
        raise SourceError(f"the header cannot be read ({error}).", where=where) from error
    start = 0
    for _ in range(lines):
        start = content.find(b"\n", start) + 1 or len(content)
    return headers, lines, start


def _parsed(body: bytes, keys: list[str], kind: FileKind) -> pl.DataFrame | None:
    try:
        return pl.read_csv(
            body, has_header=False, schema=dict.fromkeys(keys, pl.String), separator=kind.separator, quote_char='"'
        )
    except pl.exceptions.PolarsError:
        return None


def _read_fast(body: bytes, keys: list[str], kind: FileKind, lines_before: int) -> pl.DataFrame | None:
    """Read with Polars; None when it cannot account for every line, so that the careful reader takes over."""
    if not body:
        return pl.DataFrame(schema={**dict.fromkeys(keys, pl.String), LINE: pl.Int64})
    frame = _parsed(body, keys, kind)
    if frame is None:
        return None
    lines = _line_ends(body) + (not body.endswith(b"\n"))
    line = pl.int_range(pl.len(), dtype=pl.Int64) + lines_before + 1
    if lines != frame.height:
        breaks = pl.sum_horizontal(pl.col(key).str.count_matches("\n", literal=True).fill_null(0) for key in keys)
        if lines != frame.height + frame.select(breaks.sum()).item():
            return None
        line = line + breaks.cum_sum().shift(1, fill_value=0).cast(pl.Int64)
    return frame.with_columns(line.alias(LINE))


def _missing_cells(body: bytes, frame: pl.DataFrame, keys: list[str], kind: FileKind) -> int:
    """Count the cells that rows shorter than the header lack; empty lines are refused as such and do not count."""
    if not keys or not frame[keys[-1]].has_nulls():
        return 0
    expected, there = frame.height * (len(keys) - 1), body.count(kind.separator.encode())
    blank = body.startswith(b"\n") or b"\n\n" in body
    if b'"' not in body and not blank:
        return max(0, expected - there)
    cells = [pl.col(key).fill_null("") for key in keys]
    inside = pl.sum_horizontal(cell.str.count_matches(kind.separator, literal=True) for cell in cells)
    lines = body.split(b"\n")
    empty = sum(not line for line in lines) - (not lines[-1])
    if empty:
        broken = frame.select(pl.concat_list(cells).explode().alias("cell")).filter(pl.col("cell").str.contains("\n\n"))
        empty -= sum(line == "" for cell in broken["cell"] for line in cell.split("\n")[1:-1])
    return max(0, expected + int(frame.select(inside.sum()).item()) - there - empty * (len(keys) - 1))


def _read_carefully(
    body: bytes, keys: list[str], kept: list[str], kind: FileKind, lines_before: int, where: str
) -> tuple[pl.DataFrame, list[tuple[int, str]]]:
    columns: list[list[str | None]] = [[] for _ in keys]
    lines: list[int] = []
    ragged: list[tuple[int, str]] = []
    rows = csv.reader(io.StringIO(body.decode("utf-8"), newline=""), delimiter=kind.separator)
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
