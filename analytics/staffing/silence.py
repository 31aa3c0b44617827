"""Days of which a force's record holds nothing: files that were not loaded, not days without calls.

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


def _first_guess(gaps: np.typing.NDArray[np.int64]) -> float:
    """Return the length from which a gap is not used to learn how often days are silent: it may be a hole itself."""
    return float(np.quantile(gaps, 0.99)) + LEAST_SILENT_DAYS
