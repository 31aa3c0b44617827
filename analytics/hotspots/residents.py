"""What the population platform says of a place: residents, rented dwellings, households at its addresses.

Counts of areas and addresses, never of a person. A place takes the density of the area it lies in; households are
counted at the addresses in the cell. All are relative to the mean place and in logs, like every other feature.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from analytics.cells import Floats, Integers
from analytics.hotspots.groups import LEVELS, count_residents
from analytics.hotspots.history import History
from analytics.hotspots.panel import Lattice
from analytics.hotspots.places import name_areas, valid_areas

#: Added to every share of the mean, so that the logarithm of an empty place is finite.
FLOOR = 0.05
#: Widths over which households are smoothed, cells.
HOUSEHOLD_WIDTHS = (0.0, 1.0)


@dataclass(frozen=True)
class Register:
    """Tables of the population platform: frames of schema Population and Addresses; either may be empty or None."""

    population: pl.DataFrame | None
    addresses: pl.DataFrame | None


class Residents:
    """Features of places from a register, by the day they are asked for.

    Attributes
    ----------
    names
        Names of the features; empty where the register says nothing of these places.

    Notes
    -----
    Population is that of each area's newest month before the day. A place of which nothing is known (before the first
    month, outside the areas counted, an area without size or dwellings) counts as the mean of the others.
    Addresses carry no date: a back-test sees those of today, which flatters it where much was built since.
    """

    def __init__(self, lattice: Lattice, areas: pl.DataFrame | None, register: Register | None, *, as_of: date) -> None:
        self._lattice, self._register, self._as_of = lattice, register, as_of
        self._areas = valid_areas(areas, as_of) if areas is not None else None
        self._kept: dict[date | None, Floats] = {}
        self._codes = self._name_places()
        now = self._areal(as_of)
        self._areal_names = [name for name, values in now.items() if values.max(initial=0.0) > values.min(initial=0.0)]
        self._fixed = self._households()
        self.names = (*self._areal_names, *self._fixed)

    def at(self, origin: int) -> Floats:
        """Return the features known before day number ``origin``: shape (places, features), log units."""
        day = date(1970, 1, 1) + timedelta(days=origin)
        month = self._month_before(day)
        if month not in self._kept:
            areal = self._areal(day)
            columns = [areal.get(name, np.zeros(self._lattice.size)) for name in self._areal_names]
            self._kept[month] = np.column_stack([*columns, *self._fixed.values()])
        return self._kept[month]

    def _name_places(self) -> pl.DataFrame | None:
        if self._areas is None or self._areas.is_empty() or self._register is None:
            return None
        lattice = self._lattice
        lon, lat = lattice.grid.unproject(*lattice.centres_metres())
        return name_areas(lon, lat, self._areas, self._as_of)

    def _month_before(self, day: date) -> date | None:
        population = self._register.population if self._register is not None else None
        if population is None or population.is_empty():
            return None
        months = population.filter(pl.col("month") < day)["month"]
        found = months.max()
        return found if isinstance(found, date) else None

    def _areal(self, day: date) -> dict[str, Floats]:
        """Return residents per square kilometre and the share of rented dwellings of the area around each place."""
        if self._codes is None or self._areas is None or self._register is None:
            return {}
        counted = count_residents(self._areas, self._register.population, day).with_columns(
            density=_finite(pl.col("residents") / pl.col("area_km2")), rented_share=_finite(pl.col("rented_share"))
        )
        if counted.is_empty():
            return {}
        codes = self._codes.select(area_code=LEVELS[str(counted["level"][0])])
        shown = codes.join(counted, on="area_code", how="left", maintain_order="left")
        columns = {"population_residents": "density", "population_rented": "rented_share"}
        return {name: _relative(_mean_where_unknown(shown[column])) for name, column in columns.items()}

    def _households(self) -> dict[str, Floats]:
        """Return the households at the addresses in each cell, alone and smoothed."""
        if self._register is None or self._register.addresses is None:
            return {}
        located = self._register.addresses.drop_nulls(["lon", "lat"]).sort("address_code")
        if located.is_empty():
            return {}
        lattice = self._lattice
        x_m, y_m = lattice.grid.project(located["lon"].to_numpy(), located["lat"].to_numpy())
        nothing: Integers = np.zeros(located.height, dtype=np.int64)
        # An address without a count of households is one.
        weight = located["households"].fill_null(1).cast(pl.Float64).to_numpy()
        points = History(x_m, y_m, nothing, nothing, weight, np.ones(located.height, dtype=bool))
        total = lattice.sum_up(lattice.locate(points), weight)
        if not total.reshape(-1)[lattice.flat].any():
            return {}
        return {
            f"population_households_w{width:g}": _relative(lattice.smooth(total, width).reshape(-1)[lattice.flat])
            for width in HOUSEHOLD_WIDTHS
        }


def _finite(ratio: pl.Expr) -> pl.Expr:
    """Return a ratio, null where it is none: rentals of an area without households, residents of one without area."""
    return pl.when(ratio.is_finite()).then(ratio)


def _mean_where_unknown(values: pl.Series) -> Floats:
    known = values.mean()
    return values.fill_null(known if isinstance(known, float) else 0.0).to_numpy()


def _relative(values: Floats) -> Floats:
    """Return the logarithm of values over their mean; all alike give zeros."""
    mean = float(values.mean())
    return np.asarray(np.log(values / mean + FLOOR) - np.log(1 + FLOOR)) if mean > 0 else np.zeros(len(values))
