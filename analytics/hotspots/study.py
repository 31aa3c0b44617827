"""Where and with what a forecast is made: cells under study, located incidents, and one panel per category.

Made once for all categories and horizons of an edition: projecting half a million points, cutting a city into cells
and smoothing the maps of all incidents are the same work for each of them.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import polars as pl

from analytics.cells import Floats, Grid, Integers, merge_polygons
from analytics.hotspots.history import Flags, History, Located, day_number, read_located
from analytics.hotspots.panel import Lattice, Panel, Surroundings
from analytics.hotspots.places import outline_of
from analytics.hotspots.residents import Register, Residents
from analytics.hotspots.units import UnitLattice
from data.errors import RequestError

#: How far a cell may lie from any incident and still be studied when no study area is given, cells.
REACH_CELLS = 2
#: Largest rectangle around these cells, positions: maps of it are held in memory. Beyond it stray points are left out.
MOST_POSITIONS = 4_000_000
#: Shares of the points between which a city lies, and how many times that stretch may lie on either side of it.
CORE_SHARES, CORE_MARGIN = (0.01, 0.99), 2.0


class Study:
    """Cells and incidents that several forecasts as of one day share.

    Attributes
    ----------
    grid, as_of, lattice
        Cells, first day of the forecasts, and the cells laid out as a rectangle.
    total_km2
        Area of the map, the denominator of every PAI.
    discovered
        Incidents left out because the police found them themselves.
    """

    def __init__(
        self,
        grid: Grid,
        as_of: date,
        located: Located,
        lattice: Lattice,
        total_km2: float,
        *,
        include_discovered: bool,
        residents: Residents | None = None,
    ) -> None:
        self.grid, self.as_of, self.lattice, self.total_km2 = grid, as_of, lattice, total_km2
        self.include_discovered = include_discovered
        self.discovered = located.discovered
        self.residents = residents
        self._located = located
        self._position = lattice.locate(located.rows)
        self._surroundings = Surroundings(located.rows, self._position, lattice)
        self._panel: tuple[str, Panel] | None = None

    @classmethod
    def of(
        cls,
        incidents: pl.DataFrame,
        *,
        as_of: date,
        grid: Grid,
        study_area: Any = None,
        areas: pl.DataFrame | None = None,
        units: UnitLattice | None = None,
        register: Register | None = None,
        include_discovered: bool = False,
    ) -> Study:
        """Read incidents and cut the cells.

        Parameters
        ----------
        incidents
            Frame of schema Incidents; the order of rows does not matter.
        as_of
            Nothing that happened or was known on this day or later is used.
        study_area
            Polygons in EPSG:4326 (WKB, shapely, or a list); None takes the outline of ``areas`` (frame of schema
            Areas), and without that the cells near any known incident.
        units
            Places to rank instead of the grid's cells (``analytics.hotspots.units``); they are the whole map then.
        register
            What the population platform knows of these places; None where the source has none.
        include_discovered
            Whether incidents the police found themselves count, see ``history.read_located``.

        Raises
        ------
        RequestError
            If nothing located was known in time, or the study area is empty.
        """
        located = read_located(incidents, grid, as_of=as_of, include_discovered=include_discovered)
        if units is not None:
            lattice: Lattice = units
            grid, total_km2 = units.grid, units.total_size
        else:
            outline = study_area if study_area is not None else outline_of(areas, as_of)
            lattice, total_km2 = _cut(grid, located.rows, outline)
        residents = Residents(lattice, areas, register, as_of=as_of) if register is not None else None
        return cls(grid, as_of, located, lattice, total_km2, include_discovered=include_discovered, residents=residents)

    def panel(self, category: str) -> Panel:
        """Return the panel of a category; the last one is kept, so ask for all horizons of a category in turn."""
        if self._panel is None or self._panel[0] != category:
            history = self._located.history(category, as_of=self.as_of)
            self._panel = (category, Panel(history, self._position, self.lattice, self._surroundings, self.residents))
        return self._panel[1]

    def with_discovered(self, incidents: pl.DataFrame) -> Study:
        """Return the same places with the incidents the police found themselves counted as well."""
        located = read_located(incidents, self.grid, as_of=self.as_of, include_discovered=True)
        return Study(
            self.grid,
            self.as_of,
            located,
            self.lattice,
            self.total_km2,
            include_discovered=True,
            residents=self.residents,
        )

    def panel_without(self, category: str, days: int) -> Panel:
        """Return the panel as if nothing of the category had been recorded in the last ``days`` days, anywhere."""
        history = self._located.history(category, as_of=self.as_of)
        kept = ~(history.is_target & (history.day >= day_number(self.as_of) - days))
        # What is taken away was recorded all the same, and a place with nothing of it near is to stay as it is.
        whole = self.panel(category)
        return Panel(history.where(kept), self._position[kept], self.lattice, background=self.residents, whole=whole)


def _cut(grid: Grid, rows: History, study_area: Any) -> tuple[Lattice, float]:
    if study_area is not None:
        merged = merge_polygons(study_area)
        return Lattice.of_cells(grid, *grid.cells_touching(merged)), grid.area_km2(merged)
    columns, lines = _visited(grid, rows)
    # One number per cell: rows of two numbers take unique thirty times as long to sort.
    left, low = columns.min() - REACH_CELLS, lines.min() - REACH_CELLS
    width = int(columns.max()) - int(left) + REACH_CELLS + 1
    visited = np.unique((lines - low) * width + columns - left)
    steps = range(-REACH_CELLS, REACH_CELLS + 1)
    near_cells = np.unique(np.concatenate([visited + width * j + i for i in steps for j in steps]))
    size_km2 = len(near_cells) * grid.cell_km2
    return Lattice.of_cells(grid, near_cells % width + left, near_cells // width + low), size_km2


def _visited(grid: Grid, rows: History) -> tuple[Integers, Integers]:
    """Return column and row of the cell of every point, stray ones left out where they would stretch the map.

    Without an outline one wrong coordinate (0° 0°, a digit too many) makes a rectangle from there to the city. Such a
    point still counts as an incident, of no place.
    """
    for near in (np.ones(len(rows.x_m), dtype=bool), _near_core(rows.x_m) & _near_core(rows.y_m)):
        columns, lines = grid.index_metres(rows.x_m[near], rows.y_m[near])
        if len(columns) and float(np.ptp(columns) + 1) * float(np.ptp(lines) + 1) <= MOST_POSITIONS:
            return columns, lines
    raise RequestError(
        f"the incidents reach too far for cells of {grid.cell_m:g} m to be laid over all of them.",
        remedy="Load the boundaries of the areas they belong to, correct their coordinates, or choose larger cells.",
    )


def _near_core(values: Floats) -> Flags:
    low, high = np.quantile(values, CORE_SHARES)
    margin = CORE_MARGIN * max(high - low, 1.0)
    return np.asarray((values >= low - margin) & (values <= high + margin))
