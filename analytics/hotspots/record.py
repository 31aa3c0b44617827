"""Which days a source recorded at all: what a count has to be divided by.

Between its first day and an origin a record may have holes: months never loaded, a source that has published nothing
yet. Taken for days on which nothing happened they would make every rate too low, and past periods in them would teach
that hardly anything is to be expected.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from analytics.cells import Integers
from analytics.hotspots.history import BLOCK_DAYS, GAP_BLOCKS, SURELY_MISSED, History
from data.quality.gaps import thin_days

#: Fewest days in a row without any incident that may be a hole, days.
LEAST_HOLE_DAYS = 14
#: Fewest days in a row with next to no incident that are a hole: a file that never came, or came cut.
LEAST_THIN_DAYS = 3
#: Days since the newest incident after which a record is over rather than late.
LONGEST_HOLE_DAYS = GAP_BLOCKS * BLOCK_DAYS


@dataclass(frozen=True)
class Record:
    """Days a source recorded.

    Attributes
    ----------
    first_day
        First day the category was recorded as usual, days since 1970-01-01.
    holes
        First day and day after the last of every hole between incidents, of whatever category: days without any, or
        a few days of which next to nothing is known.
    known, newest
        Days of knowledge in rising order, and the newest day of an incident known by each.
    usual_share
        Share of the days that usually have an incident.
    """

    first_day: int
    holes: tuple[tuple[int, int], ...]
    known: Integers
    newest: Integers
    usual_share: float

    @classmethod
    def of(cls, history: History) -> Record:
        """Read the record of a category from its history; a hole is one that chance does not explain."""
        first_day = history.first_day
        age = history.day - first_day
        days = np.flatnonzero(np.bincount(age[age >= 0])) + first_day
        gaps = np.diff(days) - 1
        wide = gaps >= LEAST_HOLE_DAYS
        # Holes are in the span, so that the rarest records do not make holes of their own quiet weeks.
        share = (len(days) - 1) / max(int(days[-1] - days[0]), 1) if len(days) else 0.0
        sure = wide & (gaps * share > SURELY_MISSED)
        empty = [(int(day) + 1, int(day + gap) + 1) for day, gap in zip(days[:-1][sure], gaps[sure], strict=True)]
        known, day = history.known, history.day
        holes = _united([*empty, *_thin_runs(day[age >= 0], known[age >= 0])])
        if not bool((known[1:] >= known[:-1]).all()):
            order = np.argsort(known, kind="stable")
            known, day = known[order], day[order]
        last = np.flatnonzero(np.append(np.diff(known) > 0, len(known) > 0))
        return cls(first_day, holes, known[last], np.maximum.accumulate(day)[last], share)

    def days(self, origin: int, youngest: float, eldest: float) -> float:
        """Return the recorded days of an age above ``youngest`` and up to ``eldest`` days before ``origin``."""
        eldest = min(eldest, max(origin - self.first_day, 1))
        first, end = origin - eldest, origin - youngest
        missing = sum(max(min(end, stop) - max(first, start), 0.0) for start, stop in self._holes_before(origin))
        return max(eldest - youngest - missing, 0.0)

    def faded_days(self, origin: int, half_life: float) -> float:
        """Return the recorded days before ``origin``, a day counting half as much after every half-life."""
        decay = math.log(2) / half_life
        span = max(origin - self.first_day, 1)

        def between(youngest: float, eldest: float) -> float:
            return (math.exp(-decay * youngest) - math.exp(-decay * eldest)) / decay

        missing = sum(
            between(max(origin - stop, 0), min(origin - start, span))
            for start, stop in self._holes_before(origin)
            if origin - start > 0 and origin - stop < span
        )
        return float((1 - np.exp(-decay * span)) / decay) - missing

    def misses(self, start: int, end: int, *, as_of: int) -> bool:
        """Return whether a hole known as of a day reaches into the days from ``start`` to ``end`` (exclusive)."""
        return any(first < end and stop > start for first, stop in self._holes_before(as_of))

    def _holes_before(self, origin: int) -> Iterator[tuple[int, int]]:
        """Yield the holes that begin before ``origin``, the one from the newest known incident to it included."""
        end, at = origin, int(np.searchsorted(self.known, origin))
        if at:
            quiet_from = int(self.newest[at - 1]) + 1
            quiet = origin - quiet_from
            if LEAST_HOLE_DAYS <= quiet <= LONGEST_HOLE_DAYS and quiet * self.usual_share > SURELY_MISSED:
                end = quiet_from
                yield quiet_from, origin
        for start, stop in self.holes:
            if start < end:
                yield start, min(stop, end)


def _thin_runs(day: Integers, known: Integers) -> list[tuple[int, int]]:
    """Return the first day and the day after the last of every run of days of which next to nothing is known.

    A week whose file is missing is not empty: later files tell a little of it.
    """
    if not len(day):
        return []
    # Up to the newest incident: what is quiet from there on depends on the day of the forecast.
    first, thin = thin_days(day, known, end=int(day.max()) + 1)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], thin, [False]]).astype(np.int8)))
    runs = zip((edges[::2] + first).tolist(), (edges[1::2] + first).tolist(), strict=True)
    return [(start, stop) for start, stop in runs if stop - start >= LEAST_THIN_DAYS]


def _united(holes: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Return holes in order, those that meet as one."""
    found: list[tuple[int, int]] = []
    for start, stop in sorted(holes):
        if found and start <= found[-1][1]:
            start, stop = found[-1][0], max(found.pop()[1], stop)
        found.append((start, stop))
    return tuple(found)
