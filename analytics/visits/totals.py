"""The visit workload of beats added up to stations, sub-bureaus and the whole force."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import polars as pl

from data.errors import RequestError

#: Columns that add exactly.
ADDED = ("due", "overdue", "triggered", "baseline", "attempts", "minutes", "travel_minutes")
#: Intervals: half-widths add as squares, since beats err independently of each other.
BOUNDED = {"triggered": ("triggered_low", "triggered_high"), "minutes": ("minutes_low", "minutes_high")}


def total_workload(
    workload: pl.DataFrame,
    *,
    by: Sequence[str] = ("station_code",),
    parents: Mapping[str, str] | None = None,
    assumed_durations: Collection[str] = (),
) -> pl.DataFrame:
    """Add up the visit workload.

    Parameters
    ----------
    workload
        Frame of schema VisitWorkload.
    by
        Columns to keep, among station_code, sub_bureau_code, beat_code, week_start and visit_kind; none = one row.
    parents
        Sub-bureau of each station, needed for ``sub_bureau_code``.
    assumed_durations
        Kinds whose minutes are an assumption (``VisitEffort.assumed``): their error is the same in every beat.

    Returns
    -------
    polars.DataFrame
        The columns of ``by``, the sums, and the bounds; ``assumed`` where any part is.

    Raises
    ------
    RequestError
        If a column cannot be kept.

    Notes
    -----
    Expected values are coherent: a station is the sum of its beats to the last digit. Bounds are not sums: they
    suppose that beats err independently, except minutes of ``assumed_durations``, which err alike everywhere and are
    added as they are. A common shock, such as a festival, makes true intervals wider.
    """
    allowed = ("station_code", "sub_bureau_code", "beat_code", "week_start", "visit_kind")
    if unknown := sorted(set(by) - set(allowed)):
        raise RequestError(f"cannot add up by {', '.join(unknown)}.", remedy=f"Choose among {', '.join(allowed)}.")
    if "sub_bureau_code" in by and parents is None:
        raise RequestError("adding up to sub-bureaus needs the parent of each station.", where="parents")
    frame = workload.with_columns(
        pl.col("station_code").replace_strict(dict(parents or {}), default=None, return_dtype=pl.String)
        .alias("sub_bureau_code"),
        pl.col("visit_kind").cast(pl.String),
    )  # fmt: skip
    bounds = []
    for name, (low, high) in BOUNDED.items():
        alike = pl.col("visit_kind").is_in(list(assumed_durations)) if name == "minutes" else pl.lit(False)
        below, above = pl.col(name) - pl.col(low), pl.col(high) - pl.col(name)
        bounds += [
            (pl.col(name).sum() - together(below, alike)).clip(lower_bound=0.0).alias(low),
            (pl.col(name).sum() + together(above, alike)).alias(high),
        ]
    sums = [pl.col(*ADDED).sum(), *bounds, pl.col("assumed").any()]
    return frame.group_by(*by).agg(*sums).sort(*by) if by else frame.select(*sums)


def together(half_width: pl.Expr, alike: pl.Expr) -> pl.Expr:
    """Return the half-width of a sum: squares add where parts err independently, widths where they err alike."""
    independent = (half_width.filter(~alike) ** 2).sum().sqrt()
    return (independent**2 + half_width.filter(alike).sum() ** 2).sqrt()
