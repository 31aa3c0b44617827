"""How many places a list may hold: an area, a length of street, or what patrols have hours for."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from analytics.cells import Floats, Integers, cells_for_area
from analytics.hotspots.panel import Lattice
from analytics.hotspots.units import UnitLattice
from data.errors import RequestError

#: Minutes of one stop at a hotspot: 14 to 15 gave the longest quiet after leaving (Koper 1995, Justice Quarterly 12).
DWELL_MINUTES = 15.0
#: Stops at each place per shift: one every two hours of an eight-hour shift, as field trials of that rule did.
VISITS_PER_SHIFT = 4.0


@dataclass(frozen=True)
class Budget:
    """What the list may cover; exactly one of the three is given.

    Attributes
    ----------
    area_km2
        Area, for cells, hexagons and areas.
    length_km
        Length of street, for segments.
    places
        Number of places, whatever their size.
    """

    area_km2: float | None = None
    length_km: float | None = None
    places: int | None = None

    def __post_init__(self) -> None:
        given = [value for value in (self.area_km2, self.length_km, self.places) if value is not None]
        if len(given) != 1 or not (math.isfinite(given[0]) and given[0] > 0):
            raise RequestError(
                "a list needs one budget greater than 0.", remedy="Name an area, a length of street, or patrol hours."
            )

    def typical_places(self, lattice: Lattice) -> int:
        """Return how many places of average size the budget holds: what rankers are compared at."""
        if self.places is not None:
            return min(self.places, lattice.size)
        self._check(lattice)
        if self.area_km2 is not None:
            return min(cells_for_area(self.area_km2, lattice.grid), lattice.size)
        sizes = sizes_of(lattice)
        return min(max(1, round(float(self.length_km or 0.0) / float(sizes.mean()))), lattice.size)

    def scores(self, expected: Floats, lattice: Lattice) -> Floats:
        """Return what places are ordered by: the expected count, per unit of size where places differ in size.

        Notes
        -----
        By number of places every place costs the same, and the count itself decides.
        """
        if self.places is not None or not isinstance(lattice, UnitLattice):
            return expected
        sizes = sizes_of(lattice)
        return np.asarray(expected / (sizes / sizes.mean()))

    def fill(self, order: Integers, lattice: Lattice) -> Integers:
        """Return just enough places, in their order, to reach the budget."""
        if self.places is not None or not isinstance(lattice, UnitLattice):
            return order[: self.typical_places(lattice)]
        self._check(lattice)
        total = np.cumsum(sizes_of(lattice)[order])
        wanted = self.area_km2 if self.area_km2 is not None else self.length_km
        return order[: int(np.searchsorted(total, float(wanted or 0.0) - 1e-9)) + 1]

    def _check(self, lattice: Lattice) -> None:
        by_length = isinstance(lattice, UnitLattice) and lattice.kind == "segment"
        if by_length and self.length_km is None:
            raise RequestError(
                "street segments have a length, not an area.", remedy="Name --length-km or --patrol-hours."
            )
        if not by_length and self.length_km is not None:
            raise RequestError("only street segments have a length.", remedy="Name --area-km2 or --patrol-hours.")


def sizes_of(lattice: Lattice) -> Floats:
    """Return the size of every place: km², for street segments km."""
    return lattice.sizes if isinstance(lattice, UnitLattice) else np.full(lattice.size, lattice.grid.cell_km2)


def places_for_patrol(
    hours: float, *, dwell_minutes: float = DWELL_MINUTES, visits_per_shift: float = VISITS_PER_SHIFT
) -> int:
    """Return how many places patrols can hold with some hours per shift.

    Parameters
    ----------
    hours
        Officer- or car-hours per shift that are free for hotspots, the way between places not included.

    Raises
    ------
    RequestError
        If the hours are no number or do not suffice for one place.
    """
    if not (dwell_minutes > 0 and visits_per_shift > 0):
        raise RequestError("a stop takes some minutes, and a place needs some stops.", where="--dwell-minutes")
    if not math.isfinite(hours):
        raise RequestError(f"patrol hours must be a number; got {hours}.", where="--patrol-hours")
    each = dwell_minutes * visits_per_shift / 60
    places = math.floor(hours / each + 1e-9)
    if places < 1:
        raise RequestError(
            f"{hours:g} patrol hours do not hold one place of {each:g} h per shift.",
            where="--patrol-hours",
            remedy="Give more hours, shorter stops or fewer of them.",
        )
    return places
