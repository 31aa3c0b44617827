"""Numbers of identical rows: what makes a key of a digest, found out for all rows of some files at once.

What is sorted are numbers, not rows: a digest is taken as two 64-bit numbers, and only rows of one file and digest that say
different things are looked at column by column.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.integration.keys import DIGEST
from data.sources.mapping import PROVENANCE, FileKind

#: Column of :func:`number_rows`: whether another file tells the same key.
SHARED = "$shared"
#: A group and a row as one number, which sorts by both.
ROW_BITS, ROW_MASK = np.uint64(32), np.uint64((1 << 32) - 1)


def number_rows(
    rows: pl.DataFrame, kind: FileKind, source: str, *, within: str | None = None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Give all rows of one file, or of several, their ``record_key``.

    Parameters
    ----------
    rows
        Canonical columns, ``$digest`` and ``source_line``; a file's rows in their order.
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
    same = _same_digests(rows, within)
    repeated = rows.clear()
    numbers = np.ones(rows.height, dtype=np.int64)
    shared = np.zeros(rows.height, dtype=np.bool_)
    if kind.identical_rows == "legitimate":
        same = _by_content(same, rows, kind, within)
        numbers[same.rows] = same.numbers()
        shared[same.rows] = same.told_elsewhere()
    elif len(same.rows):
        last = np.ones(rows.height, dtype=np.bool_)
        last[same.rows] = same.ends()
        left = same.only(same.ends())
        shared[left.rows] = left.told_elsewhere()
        repeated, rows = rows.filter(~last), rows.filter(last)
        numbers, shared = numbers[last], shared[last]
    # Endings are written out once each, not once a row.
    endings = ("-" + pl.int_range(int(numbers.max(initial=1)) + 1, eager=True).cast(pl.String)).gather(numbers)
    key = pl.concat_str(pl.lit(f"{source}:"), pl.col(DIGEST).bin.encode("hex"), pl.lit(endings))
    return rows.with_columns(key.alias("record_key"), pl.Series(SHARED, shared)).drop(DIGEST), repeated


@dataclass(frozen=True)
class _SameDigests:
    """Rows that share their digest with another one, by digest, file, and then in the order of their numbers.

    Attributes
    ----------
    rows
        Their places among all rows.
    digest
        A number for the digest of each, ascending.
    starts
        Where the rows of one digest and file begin.
    """

    rows: NDArray[np.int64]
    digest: NDArray[np.uint64]
    starts: NDArray[np.bool_]

    def numbers(self) -> NDArray[np.int64]:
        """Return the number of each row among those of its digest and file, from 1."""
        place = np.arange(len(self.rows))
        return place - np.maximum.accumulate(np.where(self.starts, place, 0)) + 1

    def ends(self) -> NDArray[np.bool_]:
        """Return where the rows of one digest and file end."""
        return np.append(self.starts, True)[1:]

    def only(self, wanted: NDArray[np.bool_]) -> _SameDigests:
        """Return these rows without others; at least one of each digest and file is wanted."""
        digest = self.digest[wanted]
        return _SameDigests(self.rows[wanted], digest, np.ones(len(digest), dtype=np.bool_))

    def told_elsewhere(self) -> NDArray[np.bool_]:
        """Return which rows have the digest and the number of a row of another file."""
        told = np.zeros(len(self.rows), dtype=np.bool_)
        if (self.starts[1:] & (self.digest[1:] == self.digest[:-1])).any():
            keys = self.digest << ROW_BITS | self.numbers().astype(np.uint64)
            order = np.argsort(keys)
            told[order] = _beside_equal(keys[order])
        return told


def _same_digests(rows: pl.DataFrame, within: str | None) -> _SameDigests:
    halves = rows[DIGEST].bin.reinterpret(dtype=pl.Array(pl.UInt64, 2), endianness="little").to_numpy()
    high, low = halves[:, 0], halves[:, 1]
    order = np.argsort(high)
    again = high[order[1:]] == high[order[:-1]]
    if not np.array_equal(low[order[1:]][again], low[order[:-1]][again]):
        # Two digests with one half, as good as never.
        order = np.lexsort((low, high))
        again = (halves[order[1:]] == halves[order[:-1]]).all(axis=1)
    begins = np.append(True, ~again)[: len(order)]
    several = ~(begins & np.append(begins, True)[1:])
    places, digest = order[several], np.cumsum(begins)[several].astype(np.uint64)
    # By file and row within a digest: rows of several files may come mixed.
    files = rows[within].to_numpy() if within is not None else np.zeros(rows.height, dtype=np.int32)
    by_file = None if (files[1:] >= files[:-1]).all() else np.argsort(files, kind="stable")
    if by_file is not None:
        rank = np.empty(rows.height, dtype=np.int64)
        rank[by_file] = np.arange(rows.height)
        places = rank[places]
    keys = np.sort(digest << ROW_BITS | places.astype(np.uint64))
    places, digest = (keys & ROW_MASK).astype(np.int64), keys >> ROW_BITS
    if by_file is not None:
        places = by_file[places]
    files = files[places]
    starts = np.append(True, (digest[1:] != digest[:-1]) | (files[1:] != files[:-1]))[: len(places)]
    return _SameDigests(places, digest, starts)


def _by_content(same: _SameDigests, rows: pl.DataFrame, kind: FileKind, within: str | None) -> _SameDigests:
    """Order the rows of one digest and file by what they say, so that the order of a file matters not."""
    # What is part of the identity is the same in all rows of a digest; numbers are so in thousandths only.
    equal = {name for name in kind.identity if not rows.schema.get(name, pl.Null()).is_float()}
    apart = {"source_line", "geometry", *PROVENANCE, DIGEST, within, *equal}
    content = [name for name in rows.columns if name not in apart and _differs(rows[name])]
    several = np.flatnonzero(~(same.starts & same.ends()))
    if not len(several) or not content:
        return same
    group = np.cumsum(same.starts[several])
    told = rows.select(*content, "source_line")[same.rows[several]]
    other = told.select(pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift(1)) for name in content))
    differs = other.to_series().to_numpy() & ~same.starts[several]
    mixed = np.isin(group, group[differs])
    at = several[mixed]
    numbered = told.filter(mixed).with_columns(pl.Series("$group", group[mixed]), pl.Series("$row", same.rows[at]))
    ordered = same.rows.copy()
    ordered[at] = numbered.sort("$group", *content, "source_line", maintain_order=True)["$row"].to_numpy()
    return replace(same, rows=ordered)


def _beside_equal(ascending: NDArray[np.uint64]) -> NDArray[np.bool_]:
    again = ascending[1:] == ascending[:-1]
    return np.append(False, again) | np.append(again, False)


def _differs(column: pl.Series) -> bool:
    """Return whether a column may hold different values; texts are not looked through."""
    if column.null_count() == column.len():
        return False
    return column.dtype == pl.String or column.has_nulls() or column.min() != column.max()
