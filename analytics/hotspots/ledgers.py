"""Sums of incidents per place for many origins, without weighing every earlier incident again for each of them.

An exponential decay forgets in proportion: the map of an origin is the map of an earlier one, faded, plus what became
known in between. Windows of days are slices of incidents in order of day. Both give each origin the same bits
whichever origins were asked for before, so that a forecast of one period equals that of the same period in an edition.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from analytics.cells import Floats, Integers

#: Days after which a decayed map is carried on; fixed in the calendar, so that sums never depend on what was asked.
BLOCK_DAYS = 28


class DecayedMaps:
    """Sums per place in which an incident of a given age counts half as much after every half-life.

    Parameters
    ----------
    position
        Place of each incident, 0 to ``size`` - 1; -1 is left out.
    day, known, weight
        Days of the event and of knowledge (not before it), and weights; all of one length.
    half_lives
        Days, one map each.

    Notes
    -----
    Origins are cheapest in rising order: an older one than the last starts from the beginning.
    """

    def __init__(
        self,
        position: Integers,
        day: Integers,
        known: Integers,
        weight: Floats,
        *,
        size: int,
        half_lives: Sequence[float],
    ) -> None:
        order = _order(known)
        self._known, self._total = known[order], np.concatenate([[0.0], np.cumsum(weight[order])])
        inside = position[order] >= 0
        self._rows_before = np.concatenate([[0], np.cumsum(inside)])
        order = order[inside] if isinstance(order, np.ndarray) else np.flatnonzero(inside)
        self._position, self._day, self._weight = position[order], day[order], weight[order]
        self._rates = [np.log(2) / half_life for half_life in half_lives]
        self._size = size
        self._restart()

    def at(self, origin: int) -> Floats:
        """Return the maps as of a day from incidents known before it: shape (half-lives, size)."""
        block = origin // BLOCK_DAYS
        if block < self._block:
            self._restart()
        while self._block < block and self._rows(self._block * BLOCK_DAYS) < len(self._day):
            self._carry_on()
        start = self._block * BLOCK_DAYS
        rows = slice(self._rows(start), self._rows(origin))
        return self._state * self._fading(origin - start) + self._sum_up(rows, origin)

    def total(self, origin: int) -> float:
        """Return the sum of weights known before a day, those of no place included."""
        return float(self._total[np.searchsorted(self._known, origin)])

    def _restart(self) -> None:
        self._state = np.zeros((len(self._rates), self._size))
        self._block = int(self._known[0]) // BLOCK_DAYS if len(self._known) else 0

    def _carry_on(self) -> None:
        start, end = self._block * BLOCK_DAYS, (self._block + 1) * BLOCK_DAYS
        rows = slice(self._rows(start), self._rows(end))
        # Empty blocks are faded through one by one as well: sums of one category and of all then round alike.
        self._state *= self._fading(BLOCK_DAYS)
        if rows.stop > rows.start:
            self._state += self._sum_up(rows, end)
        self._block += 1

    def _fading(self, days: int) -> Floats:
        return np.exp([[-rate * days] for rate in self._rates])

    def _rows(self, before: int) -> int:
        return int(self._rows_before[np.searchsorted(self._known, before)])

    def _sum_up(self, rows: slice, origin: int) -> Floats:
        age = (origin - self._day[rows]).astype(float)
        position, weight = self._position[rows], self._weight[rows]
        return np.array([np.bincount(position, weight * np.exp(-rate * age), self._size) for rate in self._rates])


class DayWindows:
    """Sums per place over windows of days; parameters as in :class:`DecayedMaps`."""

    def __init__(self, position: Integers, day: Integers, known: Integers, weight: Floats, *, size: int) -> None:
        everywhere = _order(day)
        self._days, self._mass = day[everywhere], np.concatenate([[0.0], np.cumsum(weight[everywhere])])
        inside = np.flatnonzero(position >= 0)
        order = inside[_order(day[inside])]
        self._position, self._day = position[order], day[order]
        self._weight = None if bool((weight == 1).all()) else weight[order]
        self._known = known[order] if bool((known != day).any()) else None
        self._size = size

    def count(self, first: float, end: float, *, before: int | None = None) -> Floats:
        """Return the sum of weights per place of events with first <= day < end.

        Parameters
        ----------
        before
            Only incidents known before this day; None takes all.
        """
        end = end if before is None else min(end, before)
        rows = slice(*np.searchsorted(self._day, [math.ceil(first), math.ceil(end)]).tolist())
        position = self._position[rows]
        weight = None if self._weight is None else self._weight[rows]
        if before is not None and self._known is not None:
            seen = self._known[rows] < before
            position, weight = position[seen], None if weight is None else weight[seen]
        return np.asarray(np.bincount(position, weight, self._size), dtype=float)

    def total(self, first: int, end: int) -> float:
        """Return the sum of weights with first <= day < end, those of no place included."""
        start, stop = np.searchsorted(self._days, [first, end])
        return float(self._mass[stop] - self._mass[start])


def _order(days: Integers) -> Integers | slice:
    """Return the order by day, rows of one day as they come; nothing is moved where it is kept already."""
    return slice(None) if bool((days[1:] >= days[:-1]).all()) else np.argsort(days, kind="stable")
