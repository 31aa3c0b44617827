"""The true risk surface, and incidents drawn from it.

Each category is a sum of components. A component has a surface over the 100 m cells (what is there, times lasting
differences nobody can explain), a slow drift, a factor for each day and a profile over the hours. Burglary also breeds:
each one is followed with some probability by another close by and soon after (near repeats; Townsley, Homel &
Chaseling 2003), so its surface is the background spread by its offspring.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise

import numpy as np
import polars as pl

from data.demo.calendar import Days, day_factors
from data.demo.land import ORIGIN_EASTING_M, ORIGIN_NORTHING_M
from data.demo.places import TRUTH_CELL_M, Places

#: Mean number of burglaries one burglary leads to; how far (m, one axis) and how soon (days, mean) they follow.
OFFSPRING, OFFSPRING_SPREAD_M, OFFSPRING_DELAY_DAYS = 0.32, 65.0, 4.5
#: Days before the end of the calls on which the emerging hotspots begin.
EMERGING_DAYS = 90
#: Emerging hotspots: category, local x and y, radius (m), factor.
EMERGING = (
    ("010100", -3050.0, 250.0, 220.0, 4.0),
    ("010200", 1150.0, -1950.0, 220.0, 4.0),
    ("020100", 2450.0, 1400.0, 200.0, 4.0),
    ("020200", 350.0, 2450.0, 260.0, 3.5),
    ("030100", -2350.0, 900.0, 220.0, 3.0),
)


@dataclass(frozen=True)
class Component:
    """One way a category comes about.

    ``per_day`` is the number on an ordinary day, ``attraction`` the powers of what draws it (keys of
    :func:`_attractions`), ``peaks`` the hours as (hour, width in hours, share), ``calendar`` the arguments of
    :func:`data.demo.calendar.day_factors`. ``spot`` says whether it happens at an address or in a street.
    """

    category: str
    per_day: float
    attraction: dict[str, float]
    peaks: tuple[tuple[float, float, float], ...]
    spot: str = "address"
    unevenness: float = 0.75
    calendar: dict[str, float] = field(default_factory=dict)


_EVENING = ((20.0, 2.3, 0.6), (11.5, 3.0, 0.3), (1.0, 2.0, 0.1))
_NIGHT = ((23.0, 1.8, 0.7), (1.5, 1.3, 0.3))
_RUSH = ((8.0, 1.1, 0.33), (18.0, 1.4, 0.37), (13.0, 3.5, 0.3))
_OFFICE = ((10.0, 1.8, 0.5), (15.5, 2.0, 0.5))

COMPONENTS = (
    Component(
        "010100",
        2.1,
        {"homes": 0.8, "rental": 0.9},
        ((13.0, 3.5, 0.55), (3.0, 1.8, 0.45)),
        unevenness=0.9,
        calendar={"summer": -0.12, "before_festival": 1.5, "in_festival": 1.25, "growth": -0.07},
    ),
    Component(
        "010200",
        8.0,
        {"homes": 0.6, "rental": 0.7, "centre": 0.5},
        ((20.5, 2.5, 0.4), (3.0, 2.0, 0.3), (14.0, 3.0, 0.3)),
        unevenness=0.85,
        calendar={"summer": 0.25, "in_festival": 0.5, "growth": -0.04},
    ),
    Component(
        "010300",
        2.5,
        {"centre": 1.6, "main": 0.5},
        ((17.5, 2.5, 0.7), (10.5, 2.0, 0.3)),
        spot="street",
        unevenness=0.8,
        calendar={"day_off": 1.5, "in_festival": 1.4, "growth": -0.15},
    ),
    Component(
        "010400",
        7.0,
        {"homes": 1.0},
        ((10.5, 2.0, 0.4), (15.5, 2.5, 0.4), (20.0, 2.0, 0.2)),
        unevenness=0.2,
        calendar={"summer": 0.08, "in_festival": 0.6, "growth": 0.06},
    ),
    Component(
        "020100",
        3.6,
        {"night": 1.0},
        _NIGHT,
        spot="street",
        unevenness=0.5,
        calendar={"summer": 0.25, "weekend_eve": 1.6, "in_festival": 1.2},
    ),
    Component(
        "020100",
        3.9,
        {"homes": 0.7, "centre": 0.4, "rental": 0.4},
        _EVENING,
        unevenness=0.7,
        calendar={"summer": 0.25, "day_off": 1.15, "in_festival": 1.2},
    ),
    Component(
        "020200",
        9.5,
        {"homes": 1.0},
        ((21.8, 1.5, 0.75), (6.5, 0.8, 0.1), (13.0, 1.2, 0.15)),
        unevenness=0.7,
        calendar={"summer": 0.3, "weekend_eve": 1.1, "in_festival": 1.5, "growth": 0.05},
    ),
    Component(
        "020200",
        3.5,
        {"night": 1.0},
        _NIGHT,
        spot="street",
        unevenness=0.4,
        calendar={"summer": 0.45, "weekend_eve": 1.5},
    ),
    Component(
        "020300",
        1.2,
        {"homes": 0.6, "rental": 0.6},
        ((21.0, 2.5, 0.6), (15.0, 2.0, 0.4)),
        unevenness=0.8,
        calendar={"before_festival": 1.5, "in_festival": 1.8},
    ),
    Component(
        "030100",
        17.0,
        {"main": 1.5, "centre": 0.3},
        _RUSH,
        spot="street",
        unevenness=0.8,
        calendar={"day_off": 0.8, "summer": -0.05, "in_festival": 0.6, "growth": 0.02},
    ),
    Component(
        "030200",
        6.0,
        {"centre": 1.0, "main": 0.8},
        _RUSH,
        spot="street",
        unevenness=0.6,
        calendar={"day_off": 0.75, "in_festival": 0.7},
    ),
    Component(
        "040100",
        12.0,
        {"homes": 1.0, "rental": 0.3},
        _EVENING,
        unevenness=0.6,
        calendar={"summer": 0.1, "day_off": 1.12, "before_festival": 1.1, "in_festival": 1.35},
    ),
    Component(
        "040200",
        5.0,
        {"centre": 1.3, "main": 0.3},
        ((11.0, 2.0, 0.4), (17.0, 2.5, 0.6)),
        unevenness=0.6,
        calendar={"before_festival": 1.5, "in_festival": 0.5},
    ),
    Component("050100", 5.0, {"homes": 0.8, "centre": 0.3}, _EVENING, unevenness=0.4, calendar={"summer": 0.1}),
    Component("050200", 6.0, {"homes": 1.0}, _OFFICE, unevenness=0.4, calendar={"summer": 0.15}),
)


@dataclass(frozen=True)
class Surface:
    """A component laid on the map: ``weight`` and yearly ``drift`` (log units) per cell, ``per_day`` per day."""

    component: Component
    weight: np.ndarray
    drift: np.ndarray
    per_day: np.ndarray


@dataclass(frozen=True)
class Drawn:
    """Incidents drawn from the surfaces; arrays of shape (incidents,), times in days since the first day."""

    category: np.ndarray
    component: np.ndarray
    time: np.ndarray
    x: np.ndarray
    y: np.ndarray
    spot: np.ndarray
    spot_is_address: np.ndarray
    offspring: np.ndarray


def lay_surfaces(rng: np.random.Generator, places: Places, days: Days, scale: float) -> list[Surface]:
    """Lay every component on the map.

    Parameters
    ----------
    rng
        Decides the lasting differences between places and their drift.
    places, days
        Cells, and the days to cover (those before and after the last call alike).
    scale
        Factor on all numbers.
    """
    attractions = _attractions(places)
    surfaces = []
    for component in COMPONENTS:
        weight = np.ones(len(places.cell_x))
        for name, power in component.attraction.items():
            weight *= attractions[name] ** power
        rough = 0.7 * places.rough_field(rng, 220.0) + 0.7 * rng.normal(size=len(weight))
        weight *= np.exp(component.unevenness * rough)
        weight /= weight.sum()
        drift = 0.22 * places.rough_field(rng, 350.0)
        factors = day_factors(days, **component.calendar)  # type: ignore[arg-type]
        surfaces.append(Surface(component, weight, drift, scale * component.per_day * factors))
    return surfaces


def _attractions(places: Places) -> dict[str, np.ndarray]:
    def relative(values: np.ndarray, floor: float) -> np.ndarray:
        return np.asarray(values / values.mean() + floor)

    built = places.addresses.count_in_cell > 0
    return {
        "homes": relative(places.residents * (0.25 + built), 0.02),
        "rental": relative(places.rental, 0.35),
        "centre": relative(places.centrality, 0.12),
        "night": relative(places.night_life * (places.street_m > 0), 0.003),
        "main": relative(places.main_street_m + 0.25 * places.street_m, 0.02),
    }


def expected_per_cell(
    surface: Surface, places: Places, days: Days, from_day: int, to_day: int, last: int
) -> np.ndarray:
    """Return what a surface expects in each cell from one day to another (exclusive), without offspring.

    Parameters
    ----------
    from_day, to_day
        Indices into ``days``; short enough for the drift to stand still (a month).
    last
        Index of the last day with calls; the emerging hotspots begin ``EMERGING_DAYS`` before it.
    """
    middle = float(days.years[(from_day + to_day) // 2])
    weight = surface.weight * np.exp(surface.drift * (middle - 1.5))
    if from_day > last - EMERGING_DAYS:
        for category, x, y, radius_m, factor in EMERGING:
            if category == surface.component.category:
                inside = np.exp(-0.5 * ((places.cell_x - x) ** 2 + (places.cell_y - y) ** 2) / radius_m**2)
                weight = weight * (1 + (factor - 1) * inside)
    return np.asarray(weight * surface.per_day[from_day:to_day].sum())


def with_offspring(category: str, expected: np.ndarray, places: Places) -> np.ndarray:
    """Add to background burglaries all generations of near repeats, as an average over what may have happened."""
    if category != "010100":
        return expected
    return expected + OFFSPRING / (1 - OFFSPRING) * places.smooth(expected, OFFSPRING_SPREAD_M * 1.1)


def draw_incidents(rng: np.random.Generator, surfaces: list[Surface], places: Places, days: Days, last: int) -> Drawn:
    """Draw incidents of all days up to ``last`` (included).

    Returns
    -------
    Drawn
        In no particular order; burglaries include their near repeats, wherever those fall inside the period.
    """
    parts: list[tuple[np.ndarray, ...]] = []
    periods = _periods(days, last)
    for index, surface in enumerate(surfaces):
        cells, when = [], []
        for from_day, to_day in periods:
            expected = expected_per_cell(surface, places, days, from_day, to_day, last)
            number = int(rng.poisson(expected.sum()))
            cumulated = np.cumsum(expected)
            cells.append(np.searchsorted(cumulated, rng.random(number) * cumulated[-1], side="right"))
            by_day = np.cumsum(surface.per_day[from_day:to_day])
            day = np.searchsorted(by_day, rng.random(number) * by_day[-1], side="right")
            when.append(from_day + day)
        cell = np.minimum(np.concatenate(cells), len(places.cell_x) - 1)
        time = np.concatenate(when) + _hours(rng, surface.component.peaks, len(cell)) / 24.0
        x, y, spot, at_address = _pin(rng, places, cell, surface.component.spot)
        nothing = np.zeros(len(cell), dtype=bool)
        parts.append((np.full(len(cell), index), time, x, y, spot, at_address, nothing))
        if surface.component.category == "010100":
            parts.extend(_breed(rng, places, index, time, x, y, last + 1.0))
    component, time, x, y, spot, at_address, offspring = (np.concatenate(column) for column in zip(*parts, strict=True))
    category = np.array([surface.component.category for surface in surfaces])[component]
    return Drawn(category, component, time, x, y, spot, at_address, offspring)


def _periods(days: Days, last: int) -> list[tuple[int, int]]:
    """Cut the days into 30-day periods counted back from the last day, so that the emerging spots start with one."""
    edges = sorted({0, *range(last + 1, 0, -30)})
    return list(pairwise(edges))


def _hours(rng: np.random.Generator, peaks: tuple[tuple[float, float, float], ...], number: int) -> np.ndarray:
    share = np.array([peak[2] for peak in peaks])
    which = rng.choice(len(peaks), size=number, p=share / share.sum())
    hour = rng.normal(np.array([p[0] for p in peaks])[which], np.array([p[1] for p in peaks])[which])
    anytime = rng.random(number) < 0.12
    hour = np.where(anytime, rng.random(number) * 24, hour)
    return np.asarray(hour % 24)


def _pin(
    rng: np.random.Generator, places: Places, cell: np.ndarray, spot_kind: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Put each incident on a building or a street point of its cell, or anywhere in it where there is neither."""
    spots = places.addresses if spot_kind == "address" else places.streets
    count = spots.count_in_cell[cell]
    # Squaring the uniform number makes a few spots of a cell draw most of its incidents, as real addresses do.
    pick = np.minimum((rng.random(len(cell)) ** 2 * count).astype(int), np.maximum(count - 1, 0))
    spot = np.where(count > 0, spots.first_in_cell[cell] + pick, -1)
    jitter = rng.uniform(-0.5, 0.5, (2, len(cell))) * TRUTH_CELL_M
    x = np.where(spot >= 0, spots.x[spot], places.cell_x[cell] + jitter[0])
    y = np.where(spot >= 0, spots.y[spot], places.cell_y[cell] + jitter[1])
    return x, y, spot, np.full(len(cell), spot_kind == "address")


def _breed(
    rng: np.random.Generator, places: Places, index: int, time: np.ndarray, x: np.ndarray, y: np.ndarray, end: float
) -> list[tuple[np.ndarray, ...]]:
    """Let burglaries lead to others, generation by generation."""
    from data.demo.places import nearest_spot

    parts: list[tuple[np.ndarray, ...]] = []
    while len(time):
        number = rng.poisson(OFFSPRING, len(time))
        delay = rng.exponential(OFFSPRING_DELAY_DAYS, number.sum()) + 0.3
        child_x = np.repeat(x, number) + rng.normal(0, OFFSPRING_SPREAD_M, number.sum())
        child_y = np.repeat(y, number) + rng.normal(0, OFFSPRING_SPREAD_M, number.sum())
        time = np.repeat(time, number) + delay
        inside = time < end
        time = time[inside]
        spot = nearest_spot(places.addresses, child_x[inside], child_y[inside])
        x, y = places.addresses.x[spot], places.addresses.y[spot]
        yes = np.ones(len(time), dtype=bool)
        if len(time):
            parts.append((np.full(len(time), index), time, x, y, spot, yes, yes))
    return parts


def true_surface(
    surfaces: list[Surface], places: Places, days: Days, last: int, periods: list[tuple[date, date]]
) -> pl.DataFrame:
    """Return the expected number of valid incidents per category, period and 100 m cell.

    Parameters
    ----------
    periods
        First day and day after the last; each short enough for the drift to stand still.

    Returns
    -------
    pl.DataFrame
        ``category, period_start, period_end, easting_m, northing_m`` (centre of the cell in EPSG:4547), ``expected``.
    """
    frames = []
    for category in dict.fromkeys(component.category for component in COMPONENTS):
        for start, end in periods:
            low, high = (start - days.first).days, (end - days.first).days
            expected = np.zeros(len(places.cell_x))
            for surface in surfaces:
                if surface.component.category == category:
                    expected = expected + expected_per_cell(surface, places, days, low, high, last)
            frames.append(
                pl.DataFrame(
                    {
                        "category": pl.Series([category], dtype=pl.String).new_from_index(0, len(expected)),
                        "period_start": pl.Series([start]).new_from_index(0, len(expected)),
                        "period_end": pl.Series([end]).new_from_index(0, len(expected)),
                        "easting_m": (places.cell_x + ORIGIN_EASTING_M).astype(np.int32),
                        "northing_m": (places.cell_y + ORIGIN_NORTHING_M).astype(np.int32),
                        "expected": with_offspring(category, expected, places).astype(np.float32),
                    }
                )
            )
    return pl.concat(frames)
