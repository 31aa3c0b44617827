"""Small counts: what is done to the counts of a reader of aggregates, so that none of them tells about one event.

Two rules, each a pure function. A table that is told once, as it is, has small cells **hidden**, and enough others that
its totals give none back. Counts that are told in many overlapping answers (by month, by area, by category, in all) are
**rounded**: hidden cells of one answer would be the difference of two others.

References
----------
Hundepool et al. 2012, *Statistical Disclosure Control*, chapters 4 (suppression) and 5 (random rounding).
Fraser and Wooton 2005, *A proposed method for confidentialising tabular output to protect against differencing*: keys
of records decide what is done to a cell, so that the same records always come out the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import polars as pl
import polars_hash  # noqa: F401  (registers the namespaces `chash` and `nchash`)

from data.errors import RequestError

#: A positive count below this is hidden from readers of aggregates (governance: default 5, up to 10 by grade).
SMALLEST_COUNT = 5
#: In every total a reader can form, at least this many cells are hidden, or none.
SMALLEST_HIDDEN = 2
#: Rounded counts are multiples of this. A count moves by less, so a small one is 0 or this: which of them tells little.
ROUNDING_BASE = 5
#: Hexadecimal digits of a digest that make a number between 0 and 1.
_DIGITS = 12
_KEY = "$key"


def hide_small_counts(
    frame: pl.DataFrame, value: str, margins: Sequence[Sequence[str]] = ((),), smallest: int = SMALLEST_COUNT
) -> pl.DataFrame:
    """Hide positive counts below ``smallest``, and enough others that no total gives them back.

    Parameters
    ----------
    frame
        One row per cell of a table of counts. Not changed.
    value
        Column of counts, 0 or more; may be fractional. Nulls count as hidden already.
    margins
        Ways the cells are added up to totals the reader may know: each entry names the columns one total keeps.
        ``()`` is the grand total. For a table of weeks by category: ``(("week",), ("category",), ())``.
    smallest
        Counts from this on are shown.

    Returns
    -------
    frame with ``value`` null in hidden cells and a column ``suppressed`` that marks them.

    Raises
    ------
    RequestError
        If ``smallest`` is below 1 or a count is negative.

    Notes
    -----
    Zeros stay visible: they say that nothing happened. Under every total, the hidden cells are none, or at least
    ``SMALLEST_HIDDEN`` that add up to ``smallest`` or more, or all the positive cells there are (the total is then
    itself a hidden cell of the coarser table). The rule protects the totals named in ``margins`` of **this** table;
    counts that are told in several overlapping tables are rounded instead, see :func:`round_counts`.
    """
    if smallest < 1:
        raise RequestError(f"The 'smallest' parameter must be 1 or more. Got {smallest} instead.")
    counts: list[float | None] = frame[value].cast(pl.Float64).to_list()
    if any(count is not None and count < 0 for count in counts):
        raise RequestError("counts must not be negative.", where=value)
    hidden = [count is None or 0 < count < smallest for count in counts]
    groups = [_rows_of_each_total(frame, margin) for margin in margins]
    changed = True
    while changed:
        changed = False
        for rows in (rows for margin in groups for rows in margin):
            for row in _further_rows_to_hide(rows, counts, hidden, smallest):
                hidden[row] = changed = True
    mask = pl.Series("suppressed", hidden, dtype=pl.Boolean)
    return frame.with_columns(pl.when(~mask).then(pl.col(value)).alias(value), mask)


def round_counts(
    rows: pl.DataFrame, value: str, cells: Sequence[str], members: Sequence[str], secret: str
) -> pl.DataFrame:
    """Sum rows into cells and round every sum at random to a multiple of ``ROUNDING_BASE``, the same at every asking.

    Parameters
    ----------
    rows
        Rows of a table of counts. Not changed.
    value
        Column of counts; may be fractional.
    cells
        Columns that name the cells asked for.
    members
        Columns that tell the finest sums of the table apart, of values whose text never changes: texts, days, whole
        numbers.
    secret
        Who knows it can tell how a cell was rounded. Another secret rounds otherwise.

    Returns
    -------
    ``cells`` and ``value``, sorted; a cell that comes out as 0 has no row, like one of which there is nothing.

    Notes
    -----
    A sum of 7 becomes 5 with a chance of 3 in 5 and 10 with a chance of 2 in 5: on average right, less than the base
    away, and multiples of the base (0 among them) stay. The draw is a keyed digest of **which finest sums**, not 0,
    the cell consists of. So the same ones come out the same however they are asked for (all categories, or the only one
    there is), in every edition that holds them, and asking again tells nothing; others are drawn anew.
    Whoever may ask for arbitrary sums of the same rows can average the draws away: let readers ask for a fixed set of
    cells and add up what was rounded.
    """
    return (
        rows.group_by(list(dict.fromkeys([*members, *cells])))
        .agg(pl.col(value).sum())
        .filter(pl.col(value) != 0)
        .with_columns(_key_of(members).alias(_KEY))
        .group_by(cells)
        .agg(pl.col(value).cast(pl.Float64).sum(), pl.col(_KEY).bitwise_xor())
        .with_columns(_rounded(value, secret))
        .filter(pl.col(value) != 0)
        .select(*cells, value)
        .sort(cells, nulls_last=True)
    )


def round_each(rows: pl.DataFrame, value: str, members: Sequence[str], secret: str) -> pl.DataFrame:
    """Round every row's own count as :func:`round_counts` does, and keep all rows as they are otherwise."""
    return rows.with_columns(_key_of(members).alias(_KEY)).with_columns(_rounded(value, secret)).drop(_KEY)


def _key_of(members: Sequence[str]) -> pl.Expr:
    """Return the key of a finest row: XXH3 of its names, fixed by its specification. Only the draw has to be secret."""
    texts = [pl.col(name).cast(pl.String).fill_null("\x00") for name in members]
    key: pl.Expr = cast(Any, pl.concat_str(texts, separator="\x1f")).nchash.xxh3_64()
    return key


def _rounded(value: str, secret: str) -> pl.Expr:
    digest = cast(Any, pl.col(_KEY).cast(pl.String)).chash.hmac_sha256(key=secret)
    draw = digest.str.slice(0, _DIGITS).str.to_integer(base=16, dtype=pl.Int64) / 16**_DIGITS
    # Sums of shares of hours are whole numbers but for the last bits, and a multiple of the base has to stay.
    steps: pl.Expr = (pl.col(value).round(6) / ROUNDING_BASE + draw).floor()
    return (steps * ROUNDING_BASE).alias(value)


def _rows_of_each_total(frame: pl.DataFrame, margin: Sequence[str]) -> list[list[int]]:
    if not margin:
        return [list(range(frame.height))]
    rows = frame.select(margin).with_row_index("row").group_by(margin, maintain_order=True).agg("row")["row"]
    return [list(group) for group in rows.to_list()]


def _further_rows_to_hide(
    rows: list[int], counts: Sequence[float | None], hidden: Sequence[bool], smallest: int
) -> list[int]:
    """Return the smallest visible positive cells under one total that must be hidden with the others."""
    already = [row for row in rows if hidden[row]]
    if not already:
        return []
    number, total = len(already), sum(counts[row] or 0 for row in already)
    more: list[int] = []
    for row in sorted((r for r in rows if not hidden[r] and counts[r]), key=lambda r: (counts[r] or 0, r)):
        if number >= SMALLEST_HIDDEN and total >= smallest:
            break
        more.append(row)
        number, total = number + 1, total + (counts[row] or 0)
    return more
