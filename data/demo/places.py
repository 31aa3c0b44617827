"""Standard addresses and street points, and the 100 m cells of the true risk surface they lie in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from scipy.ndimage import gaussian_filter
from shapely.strtree import STRtree

from data.demo.land import Land
from data.demo.territory import Territory, density_per_hectare

#: Side of a cell of the true risk surface, metres. Cells are aligned to multiples of it in EPSG:4547.
TRUTH_CELL_M = 100
_LEFT_M, _BOTTOM_M, _COLUMNS, _ROWS = -5600, -4400, 112, 96


@dataclass(frozen=True)
class Spots:
    """Points on the ground, sorted by cell. ``road`` indexes ``Land.ways``; ``number`` is the house number or 0."""

    x: np.ndarray
    y: np.ndarray
    road: np.ndarray
    number: np.ndarray
    community: np.ndarray
    cell: np.ndarray
    first_in_cell: np.ndarray
    count_in_cell: np.ndarray


@dataclass(frozen=True)
class Places:
    """Land cells with what is in them, and the spots incidents happen at. Cell arrays have shape (cells,)."""

    cell_x: np.ndarray
    cell_y: np.ndarray
    raster_index: np.ndarray
    community: np.ndarray
    residents: np.ndarray
    main_street_m: np.ndarray
    street_m: np.ndarray
    centrality: np.ndarray
    night_life: np.ndarray
    rental: np.ndarray
    addresses: Spots
    streets: Spots

    def smooth(self, values: np.ndarray, width_m: float) -> np.ndarray:
        """Spread values of the land cells over their neighbours with a Gaussian; what falls off land is lost."""
        raster = np.zeros(_COLUMNS * _ROWS)
        raster[self.raster_index] = values
        spread = gaussian_filter(raster.reshape(_ROWS, _COLUMNS), width_m / TRUTH_CELL_M, mode="constant")
        return np.asarray(spread.ravel()[self.raster_index])

    def rough_field(self, rng: np.random.Generator, width_m: float) -> np.ndarray:
        """Return a random field over the land cells, mean 0 and standard deviation 1, smooth over ``width_m``."""
        noise = gaussian_filter(rng.normal(size=(_ROWS, _COLUMNS)), width_m / TRUTH_CELL_M).ravel()[self.raster_index]
        return np.asarray((noise - noise.mean()) / noise.std())


def cells_of(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the raster index of local points (clipped to the raster)."""
    column = np.clip(((x - _LEFT_M) // TRUTH_CELL_M).astype(int), 0, _COLUMNS - 1)
    row = np.clip(((y - _BOTTOM_M) // TRUTH_CELL_M).astype(int), 0, _ROWS - 1)
    return np.asarray(row * _COLUMNS + column)


def lay_out_places(rng: np.random.Generator, land: Land, territory: Territory) -> Places:
    """Put buildings along the streets and describe every 100 m cell of the city.

    Parameters
    ----------
    rng
        Decides which plots are built up, which streets have night life, and where rentals gather.
    """
    column, row = np.meshgrid(np.arange(_COLUMNS), np.arange(_ROWS))
    x = (_LEFT_M + (column.ravel() + 0.5) * TRUTH_CELL_M).astype(float)
    y = (_BOTTOM_M + (row.ravel() + 0.5) * TRUTH_CELL_M).astype(float)
    empty = shapely.union_all([land.water, *(park for _, _, park in land.parks)])
    square = shapely.box(x - 50, y - 50, x + 50, y + 50)
    usable = shapely.area(shapely.intersection(square, land.outline.difference(empty))) / 1e4
    on_land = np.flatnonzero(
        (usable > 0.15) & shapely.contains_xy(land.outline, x, y) & ~shapely.contains_xy(land.water, x, y)
    )
    position = np.full(_COLUMNS * _ROWS, -1)
    position[on_land] = np.arange(len(on_land))
    x, y, usable = x[on_land], y[on_land], usable[on_land]
    residents = usable * density_per_hectare(x, y)

    walls = _points_along(land, 10.0)
    length = np.array([way.level for way in land.ways])[walls[2]]
    cell = position[cells_of(walls[0], walls[1])]
    known = cell >= 0
    main_m = np.bincount(cell[known & (length == 1)], minlength=len(x)) * 10.0
    street_m = np.bincount(cell[known], minlength=len(x)) * 10.0

    centres = ((-250, 900, 700, 1.0), (1100, -1950, 520, 0.8), (2400, 1350, 380, 0.5), (-2500, 900, 380, 0.4))
    centrality = np.sum(
        [k * np.exp(-0.5 * ((x - a) ** 2 + (y - b) ** 2) / r**2) for a, b, r, k in centres],
        axis=0,
    )
    night = np.zeros(len(x))
    for a, b, r, k in ((-50, 690, 130, 1.0), (620, 1010, 120, 0.8), (1250, -1750, 160, 1.0), (2450, 1420, 110, 0.5)):
        night += k * np.exp(-0.5 * ((x - a) ** 2 + (y - b) ** 2) / r**2)
    rental = sum(
        np.exp(-0.5 * ((x - a) ** 2 + (y - b) ** 2) / r**2)
        for a, b, r in ((-3000, 150, 520), (3300, 1500, 460), (-900, -1900, 420), (300, 2450, 380))
    )
    return Places(
        cell_x=x,
        cell_y=y,
        raster_index=on_land,
        community=territory.community_at(x, y),
        residents=residents / residents.sum() * territory.community_residents.sum(),
        main_street_m=main_m,
        street_m=street_m,
        centrality=centrality,
        night_life=night,
        rental=np.asarray(rental),
        addresses=_addresses(rng, land, territory, empty, position),
        streets=_spots(*_points_along(land, 35.0), None, territory, position, len(x)),
    )


def _points_along(land: Land, step_m: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return x, y and street of points every ``step_m`` metres along all streets."""
    lines, road = [], []
    for index, way in enumerate(land.ways):
        parts = shapely.get_parts(way.line)
        lines.extend(parts)
        road.extend([index] * len(parts))
    pieces = np.array(lines, dtype=object)
    counts = np.maximum((shapely.length(pieces) / step_m).astype(int), 1)
    which = np.repeat(np.arange(len(pieces)), counts)
    nth = np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts)
    points = shapely.line_interpolate_point(pieces[which], (nth + 0.5) * step_m)
    return shapely.get_x(points), shapely.get_y(points), np.array(road)[which]


def _addresses(
    rng: np.random.Generator,
    land: Land,
    territory: Territory,
    empty: shapely.Geometry,
    position: np.ndarray,
) -> Spots:
    """Put a building on both sides of every street each 48 m, fewer in the outskirts; number them along the street."""
    x, y, road = _points_along(land, 48.0)
    ahead_x, ahead_y, _ = _points_along(land, 48.0)
    dx, dy = np.gradient(ahead_x), np.gradient(ahead_y)
    norm = np.maximum(np.hypot(dx, dy), 1e-9)
    rank = np.arange(len(road)) - np.searchsorted(road, road)
    # A third of the buildings stand in the yards behind the first row.
    behind = (rng.random((2, len(x))) < 0.35) & (np.array([way.level for way in land.ways])[road] < 3)
    setback = 19.0 + rng.normal(0, 3, (2, len(x))) + behind * rng.uniform(22, 105, (2, len(x)))
    side_x = np.concatenate([x - dy / norm * setback[0], x + dy / norm * setback[1]])
    side_y = np.concatenate([y + dx / norm * setback[0], y - dx / norm * setback[1]])
    number = np.concatenate([2 * rank + 1, 2 * rank + 2])
    road = np.concatenate([road, road])
    built = np.clip(density_per_hectare(side_x, side_y) / 90, 0.35, 1.0)
    keep = (rng.random(len(side_x)) < built) & ~shapely.contains_xy(empty, side_x, side_y)
    keep &= shapely.contains_xy(land.outline.buffer(-5), side_x, side_y) & (position[cells_of(side_x, side_y)] >= 0)
    kept = np.flatnonzero(keep)
    return _spots(side_x[kept], side_y[kept], road[kept], number[kept], territory, position, int(position.max()) + 1)


def _spots(
    x: np.ndarray,
    y: np.ndarray,
    road: np.ndarray,
    number: np.ndarray | None,
    territory: Territory,
    position: np.ndarray,
    cells: int,
) -> Spots:
    cell = position[cells_of(x, y)]
    community = territory.community_at(x, y)
    order = np.flatnonzero((cell >= 0) & (community >= 0))
    order = order[np.argsort(cell[order], kind="stable")]
    cell = cell[order]
    return Spots(
        x=x[order],
        y=y[order],
        road=road[order],
        number=number[order] if number is not None else np.zeros(len(order), dtype=int),
        community=community[order],
        cell=cell,
        first_in_cell=np.searchsorted(cell, np.arange(cells)),
        count_in_cell=np.bincount(cell, minlength=cells),
    )


def nearest_spot(spots: Spots, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the index of the spot nearest to each local point."""
    return np.asarray(STRtree(shapely.points(spots.x, spots.y)).nearest(shapely.points(x, y)))
