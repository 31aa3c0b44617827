"""Days of which a force's record does not hold what it holds today.

Files that were not loaded leave days without calls, a category recorded only since last summer leaves days with fewer.
Counted as calm days they would lower every level learnt from them, and with it the officers a shift is said to need.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

#: Fewest silent days in a row that are asked about.
LEAST_SILENT_DAYS = 3
#: A row of silent days is a hole in the record when chance brings it once in e^10, 22,000, times.
SURELY_SILENT = 10.0
#: Share of all incidents from which a category that begins late changes what a day's count means.
NEW_SHARE = 0.05
#: Share of a category's incidents that may be strays before it begins: codes mistyped, dates mistyped.
STRAY_SHARE = 0.005
#: Days before and after a beginning that are compared: a category renamed adds nothing.
COMPARED_DAYS = 56


@dataclass(frozen=True)
class Silence:
    """Days without a record.

    ``days`` lie between incidents; ``ended_on`` is the day after the newest incident where the record fell silent
    before its end, else None.
    """

    days: frozenset[date]
    ended_on: date | None


def find_silence(days: pl.Series, *, until: date) -> Silence:
    """Find the holes in a record, and whether it fell silent before its end.

    Parameters
    ----------
    days
        Local days of the incidents of the whole force, in any order; days of one unit would make its calm a hole.
    until
        Day after the last one on which incidents should be known.

    Notes
    -----
    A day is silent by chance as often as days between the first and the newest incident are, single ones counted: a
    force with calls on every day of a year is missed after three days, one with calls every other day after fifteen.
    Misleading where calls come in seasons and nothing happens between them.
    """
    known = days.drop_nulls().unique().sort()
    if known.len() < 2:
        return Silence(frozenset(), None)
    number = known.to_physical().to_numpy()
    gaps = np.diff(number) - 1
    short = gaps[gaps < _first_guess(gaps)]
    chance = (short.sum() + 1.0) / (short.sum() + number.size + 1.0)
    least = max(LEAST_SILENT_DAYS, int(np.ceil(SURELY_SILENT / -np.log(chance))))
    silent = frozenset(
        date.fromordinal(date(1970, 1, 1).toordinal() + int(day) + 1 + step)
        for day, gap in zip(number[:-1], gaps, strict=True)
        if gap >= least
        for step in range(int(gap))
    )
    newest: date = known[-1]
    ended = (until - newest).days - 1 >= least
    return Silence(silent, newest + timedelta(days=1) if ended else None)


def comparable_from(incidents: pl.DataFrame, first_day: date) -> date:
    """Return the first day from which the record holds what it holds today.

    Parameters
    ----------
    incidents
        Columns ``occurred_on`` and ``category``, of the whole force.
    first_day
        First day asked about.

    Notes
    -----
    A category that makes up ``NEW_SHARE`` of all incidents since it begins, and whose absence before is no chance, is
    new: days before it are left out, unless their total was as high, for then it was renamed. A category that ends is
    not looked for. Misleading where something new really happens that often from one day on.
    """
    known = incidents.select("occurred_on", "category").filter(pl.col("occurred_on") >= first_day)
    daily = known.group_by("occurred_on").len().sort("occurred_on")
    start = first_day
    newest: date | None = known["occurred_on"].max()  # type: ignore[assignment]
    if newest is None:
        return start
    for (_,), rows in known.group_by(["category"], maintain_order=True):
        days = rows["occurred_on"].sort()
        begun: date = days[int(STRAY_SHARE * days.len())]
        span = (newest - begun).days + 1
        usual = min(1.0, days.filter(days >= begun).n_unique() / span)
        share = rows.height / known.filter(pl.col("occurred_on") >= begun).height
        if (begun - first_day).days * usual <= SURELY_SILENT or share < NEW_SHARE:
            continue
        before, after = (
            _mean_per_day(daily, max(first_day, begun + timedelta(days=shift)), begun + timedelta(days=shift + length))
            for shift, length in ((-COMPARED_DAYS, COMPARED_DAYS), (0, min(span, COMPARED_DAYS)))
        )
        if after > before * (1 + share / 2):
            start = max(start, begun)
    return start


def _mean_per_day(daily: pl.DataFrame, start: date, end: date) -> float:
    inside = daily.filter((pl.col("occurred_on") >= start) & (pl.col("occurred_on") < end))
    return float(inside["len"].sum()) / max(1, (end - start).days)


def _first_guess(gaps: np.typing.NDArray[np.int64]) -> float:
    """Return the length from which a gap is not used to learn how often days are silent: it may be a hole itself."""
    return float(np.quantile(gaps, 0.99)) + LEAST_SILENT_DAYS
