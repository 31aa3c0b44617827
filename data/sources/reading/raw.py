"""Records as they were read: their headers, their lines, and what was mended."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import polars as pl

from data.sources.mapping import FileKind
from data.sources.personal import key_of_header, without_bom

#: Column with the line (text file) or row (sheet, Parquet, features) of a record; the header is line 1.
LINE = "$line"
#: Column with the shape of a record, WKB in EPSG:4326, of formats that have shapes.
GEOMETRY = "$geometry"
#: Made-up headers of formats with shapes: the point of a record, degrees on WGS 84.
POINT_LON, POINT_LAT = "$lon", "$lat"
#: From here on a floating-point number does not hold every whole number.
EXACT_UP_TO = 2**53


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
    clean
        Whether no cell is empty text or has blanks around it; False when that is not known.
    """

    frame: pl.DataFrame
    headers: dict[str, str]
    dropped: list[str] = field(default_factory=list)
    ragged: list[tuple[int, str]] = field(default_factory=list)
    notes: dict[str, int] = field(default_factory=dict)
    clean: bool = False

    @property
    def records(self) -> int:
        """Records read, ragged ones included."""
        return self.frame.height + len(self.ragged)


def keys_of(headers: list[str]) -> list[str]:
    """Return unique column names for headers, in order."""
    seen: dict[str, int] = {}
    keys = []
    for place, header in enumerate(headers, start=1):
        key = key_of_header(header) or f"#column{place}"
        seen[key] = seen.get(key, 0) + 1
        keys.append(key if seen[key] == 1 else f"{key}#{seen[key]}")
    return keys


def header_of(key: str, header: str) -> str:
    """Return a header that no other header of its file has: repeated and unnamed ones by their key's number."""
    plain = without_bom(header)
    return key if not plain else f"{plain}{key[key.rindex('#') :]}" if re.search(r"#\d+$", key) else plain


def split_personal(headers: list[str], kind: FileKind) -> tuple[dict[str, str], list[str], list[str]]:
    """Return key → header of what may be read, the personal headers, and the keys of all."""
    keys = keys_of(headers)
    kept = {
        key: header_of(key, header) for key, header in zip(keys, headers, strict=True) if not kind.is_personal(header)
    }
    return kept, [header for header in headers if kind.is_personal(header)], keys


def numbered(frame: pl.DataFrame, lines_before: int) -> pl.DataFrame:
    """Return the frame with ``$line``, for files of which every record is one row."""
    return frame.with_columns((pl.int_range(pl.len(), dtype=pl.Int64) + lines_before + 1).alias(LINE))


def written_out(frame: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, int]]:
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
