"""Numbers of identical rows: what makes a key of a digest, found out for all rows of some files at once.

What is sorted are numbers, not rows: a digest is taken as two 64-bit numbers, and only rows of one file and digest that
say different things are looked at column by column.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.integration.keys import DIGEST
from data.sources.mapping import PROVENANCE, FileKind

#: Column of :func:`with_numbers`: the number of a row among those of its file with the same digest.
NUMBER = "$number"
#: Column of :func:`number_rows`: whether another file tells the same key.
SHARED = "$shared"
Flags = NDArray[np.bool_]
Places = NDArray[np.int64]


def with_numbers(rows: pl.DataFrame, kind: FileKind, within: str | None = None) -> pl.DataFrame:
    """Add ``$number`` to rows of whole files whose identical rows are records of their own.

    Parameters
    ----------
    rows, kind, within
        As :func:`number_rows` takes them.
    """
    runs = _by_content(_runs(_digests(rows), _files(rows, within)), rows, kind, within)
    numbers = np.ones(rows.height, dtype=np.int32)
    numbers[runs.rows] = runs.numbers()
    return rows.with_columns(pl.Series(NUMBER, numbers))


def number_rows(
    rows: pl.DataFrame, kind: FileKind, source: str, *, within: str | None = None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Give all rows of one file, or of several, their ``record_key``.

    Parameters
    ----------
    rows
        Canonical columns, ``$digest`` and ``source_line``, perhaps ``$number``; a file's rows in their order.
    kind
        Its ``identical_rows`` says what two equal digests mean.
    source
        Name of the mapping, first part of every key: keys of different sources never meet.
    within
        Column that tells files apart when ``rows`` holds several; numbers start anew in each.

    Returns
    -------
    tuple of DataFrame
        The rows with ``record_key`` and ``$shared`` in place of ``$digest``, in order; and the rows that a later row
        of the same file repeats.
    """
    repeated = rows.clear()
    if kind.identical_rows != "legitimate":
        runs = _runs(_digests(rows), _files(rows, within))
        if len(runs.rows):
            last = np.ones(rows.height, dtype=np.bool_)
            last[runs.rows] = runs.ends()
            repeated, rows = rows.filter(~last), rows.filter(last)
        rows = rows.with_columns(pl.lit(1, dtype=pl.Int32).alias(NUMBER))
    elif NUMBER not in rows.columns or rows[NUMBER].has_nulls():
        rows = with_numbers(rows, kind, within)
    numbers = rows[NUMBER].to_numpy()
    shared = _told_by_several(_digests(rows), _files(rows, within), numbers)
    # Endings are written out once each, not once a row.
    endings = pl.Series([f"-{number}" for number in range(int(numbers.max(initial=0)) + 1)]).gather(numbers)
    key = pl.concat_str(pl.lit(f"{source}:"), pl.col(DIGEST).bin.encode("hex"), pl.lit(endings))
    keyed = rows.with_columns(key.alias("record_key"), pl.Series(SHARED, shared)).drop(DIGEST, NUMBER)
    return keyed, repeated


def _digests(rows: pl.DataFrame) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Return the two halves of the digests as numbers."""
    pairs = rows[DIGEST].bin.reinterpret(dtype=pl.Array(pl.UInt64, 2), endianness="little").to_numpy()
    return np.ascontiguousarray(pairs[:, 0]), np.ascontiguousarray(pairs[:, 1])


def _files(rows: pl.DataFrame, within: str | None) -> NDArray[np.int32]:
    return rows[within].to_numpy() if within is not None else np.zeros(rows.height, dtype=np.int32)


@dataclass(frozen=True)
class _Runs:
    """Rows that share their digest with another row of their file, file by file, digest by digest.

    Attributes
    ----------
    rows
        Their places among all rows; within a run in the order of their numbers.
    starts
        Where the rows of one file and digest begin.
    """

    rows: Places
    starts: Flags

    def numbers(self) -> Places:
        """Return the number of each row in its run, from 1."""
        place = np.arange(len(self.rows))
        return place - np.maximum.accumulate(np.where(self.starts, place, 0)) + 1

    def ends(self) -> Flags:
        """Return where runs end."""
        return np.append(self.starts, True)[1:]


def _runs(digests: tuple[NDArray[np.uint64], NDArray[np.uint64]], files: NDArray[np.int32]) -> _Runs:
    one, other = digests
    # By file first, so that what is looked up next lies close together; then by as much of the digest as fits.
    bits = np.uint64(int(files.max(initial=0)).bit_length())
    keys = one >> bits
    if bits:
        keys |= files.astype(np.uint64) << (np.uint64(64) - bits)
    order = np.argsort(keys)
    again = _as_before(keys[order])
    if not (_as_before(one[order]) & _as_before(other[order]))[again].all():
        # Two digests of a file that begin alike: as good as never.
        order = np.lexsort((other, one, files))
        again = _as_before(files[order]) & _as_before(one[order]) & _as_before(other[order])
    several = again | np.append(again, False)[1:]
    run = np.cumsum(~again)[several].astype(np.uint64)
    # A run and a row as one number sort quickest.
    ordered = np.sort(run << np.uint64(32) | order[several].astype(np.uint64))
    return _Runs((ordered & np.uint64((1 << 32) - 1)).astype(np.int64), ~_as_before(ordered >> np.uint64(32)))


def _by_content(runs: _Runs, rows: pl.DataFrame, kind: FileKind, within: str | None) -> _Runs:
    """Order the rows of each run by what they say, so that the order of a file matters not."""
    # What is part of the identity is the same in all rows of a digest; numbers are so in whole steps only.
    same = {name for name in kind.identity if not rows.schema.get(name, pl.Null()).is_float()}
    apart = {"source_line", "geometry", *PROVENANCE, DIGEST, within, *same}
    content = [name for name in rows.columns if name not in apart and _differs(rows[name])]
    if not len(runs.rows) or not content:
        return runs
    told = rows.select(*content, "source_line")[runs.rows]
    other = told.select(pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift(1)) for name in content))
    run = np.cumsum(runs.starts)
    mixed = np.isin(run, run[other.to_series().to_numpy() & ~runs.starts])
    numbered = told.filter(mixed).with_columns(pl.Series("$run", run[mixed]), pl.Series("$row", runs.rows[mixed]))
    ordered = runs.rows.copy()
    ordered[mixed] = numbered.sort("$run", *content, "source_line", maintain_order=True)["$row"].to_numpy()
    return replace(runs, rows=ordered)


def _told_by_several(
    digests: tuple[NDArray[np.uint64], NDArray[np.uint64]], files: NDArray[np.int32], numbers: NDArray[np.int32]
) -> Flags:
    """Return which rows have the digest and the number of a row of another file."""
    one, other = digests
    told = np.zeros(len(files), dtype=np.bool_)
    if not len(files) or files.min() == files.max():
        return told
    # Whatever number is told twice, so is number 1.
    ascending = np.sort(one[numbers == 1])
    several = ascending[_as_before(ascending)]
    if len(several):
        met = np.flatnonzero(np.isin(one, several))
        order = met[np.lexsort((numbers[met], other[met], one[met]))]
        again = _as_before(one[order]) & _as_before(other[order]) & _as_before(numbers[order])
        told[order] = again | np.append(again, False)[1:]
    return told


def _as_before(values: NDArray[Any]) -> Flags:
    """Return where a value is that of the row before."""
    again = np.zeros(values.shape, dtype=np.bool_)
    again[1:] = values[1:] == values[:-1]
    return again


def _differs(column: pl.Series) -> bool:
    """Return whether a column may hold different values; texts are not looked through."""
    if column.null_count() == column.len():
        return False
    return column.dtype == pl.String or column.has_nulls() or column.min() != column.max()
