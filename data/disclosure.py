"""Small counts: which cells of a table are hidden, so that neither a cell nor a total tells about one event.

The rule is two named constants and one pure function. Hidden cells are null and marked; they are never zero.

References
----------
Hundepool et al. 2012, *Statistical Disclosure Control*, chapter 4 (primary and secondary suppression).
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from data.errors import RequestError

#: A positive count below this is hidden from readers of aggregates (governance: default 5, up to 10 by grade).
SMALLEST_COUNT = 5
#: In every total a reader can form, at least this many cells are hidden, or none.
SMALLEST_HIDDEN = 2


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
    it does not protect against a reader who asks for many overlapping tables, which the audit log shows.
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
