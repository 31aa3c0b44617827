"""Units of place other than square cells: hexagons, areas people work by, street segments.

The rankers see them as places in a row: an incident belongs to one of them or to none, and neighbours are those whose
centres are near. Places differ in size here, so they are ordered by what is expected per km² or km (``budget.py``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from analytics.cells import Floats, Grid, Integers
from analytics.hotspots.history import History
from analytics.hotspots.panel import Lattice
from data.errors import RequestError

#: Kinds of unit, the default first.
UNITS = ("grid", "h3", "beat", "community", "segment")
#: Standard deviations after which the Gaussian of the neighbourhood is cut off.
TRUNCATE = 2.5
#: Farthest an incident may lie from the segment it is counted on, metres: half a wide road with its pavements.
SNAP_M = 50.0
#: Shortest piece of street that is a place of its own, metres; shorter ones are stubs of crossings.
LEAST_SEGMENT_M = 5.0
#: Rings of hexagons around those with an incident, where no outline is known.
REACH_CELLS = 2
#: Finest and coarsest hexagons that make sense as places (0.9 ha to 5 km² on average).
RESOLUTIONS = range(7, 12)


@dataclass(frozen=True, eq=False)
class UnitLattice(Lattice):
    """Places of any shape, one after the other.

    Attributes
    ----------
    kind
        One of UNITS.
    ids, names
        Id of each place and what people call it (None where nothing).
    shapes
        Polygons or lines, EPSG:4326.
    sizes
        km², for segments km. ``grid.cell_m`` is the side of a square of the mean size, so that shares of the map
        (PAI) are meant in the same measure.
    x_m, y_m
        Centres, metres in the grid's reference system.
    """

    kind: str
    ids: tuple[str, ...]
    names: tuple[str | None, ...]
    shapes: NDArray[np.object_]
    sizes: Floats
    x_m: Floats
    y_m: Floats
    snap_m: float = 0.0
    _kernels: dict[float, Any] = field(default_factory=dict)

    @classmethod
    def of_shapes(
        cls,
        kind: str,
        grid: Grid,
        ids: list[str],
        names: list[str | None],
        shapes: NDArray[np.object_],
        *,
        snap_m: float = 0.0,
    ) -> UnitLattice:
        """Lay shapes (EPSG:4326) in a row, by id; their size is measured on the projection plane."""
        import shapely

        order = np.argsort(np.array(ids))
        shapes = shapes[order]
        plane = shapely.transform(shapes, lambda p: np.column_stack(grid.project(p[:, 0], p[:, 1])))
        sizes = shapely.length(plane) / 1e3 if kind == "segment" else shapely.area(plane) / 1e6
        middle = shapely.line_interpolate_point(plane, 0.5, normalized=True) if kind == "segment" else None
        centres = middle if middle is not None else shapely.centroid(plane)
        n = len(ids)
        return cls(
            Grid(grid.crs, cell_m=float(np.sqrt(sizes.mean())) * 1e3),
            np.arange(n, dtype=np.int64),
            np.zeros(n, dtype=np.int64),
            np.arange(n, dtype=np.int64),
            (1, n),
            (0, 0),
            kind,
            tuple(ids[i] for i in order),
            tuple(names[i] for i in order),
            shapes,
            sizes,
            shapely.get_x(centres),
            shapely.get_y(centres),
            snap_m,
        )

    @property
    def total_size(self) -> float:
        """Sum of all sizes: the map that shares are taken of."""
        return float(self.sizes.sum())

    def centres_metres(self) -> tuple[Floats, Floats]:
        """Return easting and northing of the centres of the places, metres."""
        return self.x_m, self.y_m

    def locate(self, history: History) -> Integers:
        """Return the place each incident belongs to, -1 for none: inside a polygon, or the nearest segment in reach."""
        import shapely

        plane = shapely.transform(self.shapes, lambda p: np.column_stack(self.grid.project(p[:, 0], p[:, 1])))
        tree = shapely.STRtree(plane)
        points = shapely.points(history.x_m, history.y_m)
        found = np.full(len(points), -1, dtype=np.int64)
        if self.kind == "segment":
            point, place = tree.query_nearest(points, max_distance=self.snap_m)
        else:
            point, place = tree.query(points, predicate="intersects")
        # On a shared boundary the first place counts, whatever order the tree answers in.
        order = np.lexsort((place, point))[::-1]
        found[point[order]] = place[order]
        return found

    def smooth(self, total: Floats, width: float) -> Floats:
        """Return totals averaged over near places with Gaussian weights of ``width`` typical distances."""
        total = np.maximum(total, 0.0)
        return np.asarray((self._kernel(width) @ total.ravel()).reshape(total.shape)) if width else total

    def _kernel(self, width: float) -> Any:
        from scipy.sparse import csr_array, diags_array
        from scipy.spatial import cKDTree

        if width not in self._kernels:
            points = np.column_stack([self.x_m, self.y_m])
            tree = cKDTree(points)
            # The typical distance is that to the nearest neighbour; a lone place has none.
            nearest = tree.query(points, k=min(2, self.size))[0]
            spacing = float(np.median(nearest[:, -1])) if self.size > 1 else 1.0
            reach = TRUNCATE * width * max(spacing, 1.0)
            near = tree.query_ball_point(points, reach, return_sorted=True)
            line = np.repeat(np.arange(self.size), [len(each) for each in near])
            column = np.concatenate([np.asarray(each) for each in near])
            apart = ((points[line] - points[column]) ** 2).sum(axis=1)
            weight = np.exp(-apart / (2 * (width * max(spacing, 1.0)) ** 2))
            kernel = csr_array((weight, (line, column)), shape=(self.size, self.size))
            self._kernels[width] = diags_array(1 / kernel.sum(axis=1)) @ kernel
        return self._kernels[width]


def cut_hexagons(
    grid: Grid, resolution: int, outline: Any = None, around: tuple[Floats, Floats] | None = None
) -> UnitLattice:
    """Return the H3 cells that touch an outline, or those near points.

    Parameters
    ----------
    grid
        Gives the reference system.
    resolution
        H3 resolution: 8 is about 0.7 km² a cell, 9 about 0.1, 10 about 0.015.
    outline
        One shapely polygon or multipolygon, EPSG:4326.
    around
        Without an outline: longitude and latitude of points, whose cells and REACH_CELLS rings around them are taken.

    Notes
    -----
    Hexagons of one resolution differ by a few per cent in area across a city, and by more across the globe.
    """
    import h3
    import shapely

    if resolution not in RESOLUTIONS:
        raise RequestError(
            f"hexagons of resolution {resolution} are no places to patrol.",
            where="--resolution",
            remedy=f"Choose {RESOLUTIONS.start} (large) to {RESOLUTIONS.stop - 1} (small).",
        )
    if outline is not None:
        shape = h3.geo_to_h3shape(shapely.geometry.mapping(shapely.simplify(outline, 1e-5)))
        cells = sorted(h3.h3shape_to_cells_experimental(shape, resolution, contain="overlap"))
    else:
        lon, lat = around if around is not None else (np.zeros(0), np.zeros(0))
        visited = {h3.latlng_to_cell(y, x, resolution) for x, y in zip(lon.tolist(), lat.tolist(), strict=True)}
        cells = sorted({near for cell in visited for near in h3.grid_disk(cell, REACH_CELLS)})
    if not cells:
        raise RequestError("the study area holds no hexagon.", where="--resolution")
    rings = [[(lon, lat) for lat, lon in h3.cell_to_boundary(cell)] for cell in cells]
    shapes = np.array([shapely.Polygon(ring) for ring in rings], dtype=object)
    return UnitLattice.of_shapes("h3", grid, cells, [None] * len(cells), shapes)


def take_areas(grid: Grid, areas: pl.DataFrame, level: str, as_of: date) -> UnitLattice:
    """Return the areas of one level as places.

    Parameters
    ----------
    areas
        Frame of schema Areas.
    as_of
        Day on which boundaries must be valid.

    Raises
    ------
    RequestError
        If no area of the level has a boundary.
    """
    import shapely

    drawn = areas.filter(
        pl.col("geometry").is_not_null()
        & (pl.col("valid_from").fill_null(date.min) <= as_of)
        & (pl.col("valid_to").fill_null(date.max) > as_of)
    ).with_columns(pl.col("level").cast(pl.String))
    chosen = drawn.filter(pl.col("level") == level)
    if chosen.is_empty():
        known = ", ".join(drawn["level"].unique().sort().to_list()) or "none"
        raise RequestError(f"the store has no boundaries of {level} areas.", where="--unit", remedy=f"It has: {known}.")
    named = [name for name in ("name_zh", "name_en") if name in chosen.columns]
    names = chosen.select(pl.coalesce(*named))[named[0]].to_list() if named else [None] * chosen.height
    shapes = shapely.make_valid(shapely.from_wkb(chosen["geometry"].to_numpy()))
    # A boundary that encloses nothing is no place; per km² it would come first.
    wide = np.flatnonzero(shapely.area(shapes) > 0)
    if not len(wide):
        raise RequestError(f"the boundaries of {level} areas enclose nothing.", where="--unit")
    codes = chosen["area_code"].to_list()
    return UnitLattice.of_shapes(level, grid, [codes[i] for i in wide], [names[i] for i in wide], shapes[wide])


def cut_segments(grid: Grid, base_map: pl.DataFrame | None, *, snap_m: float = SNAP_M) -> UnitLattice:
    """Return the pieces of street between crossings.

    Parameters
    ----------
    base_map
        Frame of schema BaseMap; its streets and main streets are used.
    snap_m
        Farthest an incident may lie from the segment it is counted on; incidents farther off belong to none.

    Raises
    ------
    RequestError
        If the store has no streets, or ``snap_m`` is not positive.
    """
    import shapely

    if not (math.isfinite(snap_m) and snap_m > 0):
        raise RequestError(f"an incident must be able to reach its segment; got {snap_m} m.", where="--snap-m")
    kinds = ("street", "main_street")
    streets = None if base_map is None else base_map.filter(pl.col("kind").cast(pl.String).is_in(kinds))
    if streets is None or streets.is_empty():
        raise RequestError("the store has no streets to cut into segments.", where="--unit segment")
    streets = streets.sort("feature_id")
    # A square drawn as a polygon is no street that patrols go along.
    drawn = shapely.get_dimensions(shapely.from_wkb(streets["geometry"].to_numpy())) == 1
    streets = streets.filter(pl.Series(drawn, dtype=pl.Boolean))
    lines = shapely.transform(
        shapely.from_wkb(streets["geometry"].to_numpy()), lambda p: np.column_stack(grid.project(p[:, 0], p[:, 1]))
    )
    # A millimetre of rounding lets crossings meet although their coordinates were computed twice.
    pieces = shapely.get_parts(shapely.node(shapely.set_precision(shapely.geometrycollections(lines), 1e-3)))
    pieces = pieces[shapely.length(pieces) >= LEAST_SEGMENT_M]
    if not len(pieces):
        raise RequestError("the store has no streets to cut into segments.", where="--unit segment")
    middle = shapely.line_interpolate_point(pieces, 0.5, normalized=True)
    at, owner = shapely.STRtree(lines).query_nearest(middle, all_matches=True)
    street = np.full(len(pieces), len(lines))
    np.minimum.at(street, at, owner)
    along = shapely.line_locate_point(lines[street], middle)
    order = np.lexsort((along, street))
    ids, names = [], []
    features = streets["feature_id"].to_list()
    called = streets.select(pl.coalesce("name_zh", "name_en").alias("name"))["name"].to_list()
    first = np.concatenate([[True], np.diff(street[order]) != 0])
    number = np.arange(len(order)) - np.maximum.accumulate(np.where(first, np.arange(len(order)), 0))
    for piece, n in zip(order.tolist(), number.tolist(), strict=True):
        ids.append(f"{features[street[piece]]}:{n + 1:03d}")
        names.append(called[street[piece]])
    shapes = shapely.transform(pieces[order], lambda p: np.column_stack(grid.unproject(p[:, 0], p[:, 1])))
    return UnitLattice.of_shapes("segment", grid, ids, names, shapes, snap_m=snap_m)
