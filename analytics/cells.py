"""Equal, non-overlapping square cells in metres: cut a study area, index points, draw the cells.

A cell is ranked beside others only when all have the same size, so cells are cut in a projected reference system.
That system may count in feet; every length here is in metres, converted by the unit of the system's own axis
(76.2 m is exactly 250 international feet).
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from data.errors import RequestError

if TYPE_CHECKING:
    from pyproj import Transformer

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Grid:
    """Square cells in a projected reference system.

    Parameters
    ----------
    crs
        Projected coordinate reference system, for example ``"EPSG:2913"``; its axes may be in feet.
    cell_m
        Side of a cell in metres on the projection plane (not on the ground: the scale factor is ignored).
    origin_x_m, origin_y_m
        A corner of cell (0, 0): easting and northing in metres.
    rotation_deg
        Turn of the cells about the origin, anticlockwise, degrees.

    Raises
    ------
    RequestError
        If the side is not positive, the origin or the turn is not a number, or the reference system is unknown or not
        projected.
    """

    crs: str
    cell_m: float
    origin_x_m: float = 0.0
    origin_y_m: float = 0.0
    rotation_deg: float = 0.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.cell_m) and self.cell_m > 0):
            raise RequestError(f"The 'cell_m' parameter of Grid must be positive. Got {self.cell_m!r} instead.")
        if not all(map(math.isfinite, (self.origin_x_m, self.origin_y_m, self.rotation_deg))):
            raise RequestError("the origin and the turn of a grid must be numbers.", where="--offset-m, --rotation-deg")
        metres_per_unit(self.crs)

    @property
    def cell_km2(self) -> float:
        """Area of one cell in square kilometres."""
        return self.cell_m**2 / 1e6

    @property
    def key(self) -> str:
        """Six hexadecimal digits that tell this grid from another; part of every place id."""
        text = f"{self.crs}|{self.cell_m:.6f}|{self.origin_x_m:.4f}|{self.origin_y_m:.4f}|{self.rotation_deg:.6f}"
        return hashlib.sha256(text.encode()).hexdigest()[:6]

    def shifted(self, right_m: float, up_m: float, rotation_deg: float = 0.0) -> Grid:
        """Return the same cells moved by metres along the axes and turned further."""
        return replace(
            self,
            origin_x_m=self.origin_x_m + right_m,
            origin_y_m=self.origin_y_m + up_m,
            rotation_deg=self.rotation_deg + rotation_deg,
        )

    def project(self, lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
        """Return easting and northing in metres of points in EPSG:4326; shapes are kept."""
        unit = metres_per_unit(self.crs)
        x, y = _forward(self.crs).transform(np.asarray(lon, dtype=float), np.asarray(lat, dtype=float))
        return np.asarray(x) * unit, np.asarray(y) * unit

    def unproject(self, x_m: ArrayLike, y_m: ArrayLike) -> tuple[Floats, Floats]:
        """Return longitude and latitude (EPSG:4326) of points given in metres; shapes are kept."""
        unit = metres_per_unit(self.crs)
        lon, lat = _backward(self.crs).transform(
            np.asarray(x_m, dtype=float) / unit, np.asarray(y_m, dtype=float) / unit
        )
        return np.asarray(lon), np.asarray(lat)

    def index_metres(self, x_m: ArrayLike, y_m: ArrayLike) -> tuple[Integers, Integers]:
        """Return column and row of the cell that holds each point given in metres.

        A point on a shared side belongs to the cell to its right or above. Coordinates are first rounded to a tenth
        of a millimetre, so that a way through longitude and latitude and back does not move a point across a side.
        """
        cos, sin = self._turn()
        dx, dy = np.asarray(x_m, dtype=float) - self.origin_x_m, np.asarray(y_m, dtype=float) - self.origin_y_m
        u, v = np.round(dx * cos + dy * sin, 4), np.round(dy * cos - dx * sin, 4)
        return _floor_divide(u, self.cell_m), _floor_divide(v, self.cell_m)

    def index(self, lon: ArrayLike, lat: ArrayLike) -> tuple[Integers, Integers]:
        """Return column and row of the cell that holds each point in EPSG:4326."""
        return self.index_metres(*self.project(lon, lat))

    def centres_metres(self, column: ArrayLike, row: ArrayLike) -> tuple[Floats, Floats]:
        """Return easting and northing of the centres of cells, metres."""
        return self._to_metres(np.asarray(column) + 0.5, np.asarray(row) + 0.5)

    def centres(self, column: ArrayLike, row: ArrayLike) -> tuple[Floats, Floats]:
        """Return longitude and latitude of the centres of cells."""
        return self.unproject(*self.centres_metres(column, row))

    def rings(self, column: ArrayLike, row: ArrayLike) -> Floats:
        """Return the corners of cells in EPSG:4326: shape (cells, 8), lon and lat in turn, anticlockwise."""
        c, r = np.asarray(column, dtype=float), np.asarray(row, dtype=float)
        corners = [self.unproject(*self._to_metres(c + i, r + j)) for i, j in ((0, 0), (1, 0), (1, 1), (0, 1))]
        return np.stack([part for corner in corners for part in corner], axis=-1)

    def place_ids(self, column: ArrayLike, row: ArrayLike) -> list[str]:
        """Return one id per cell, the same as long as the grid is the same."""
        key = self.key
        return [f"{key}:{c}:{r}" for c, r in zip(np.asarray(column).tolist(), np.asarray(row).tolist(), strict=True)]

    def cells_touching(self, polygons: Any) -> tuple[Integers, Integers]:
        """Return column and row of every cell whose centre lies in the polygons or within half a diagonal of them.

        Parameters
        ----------
        polygons
            One shapely polygon or multipolygon in EPSG:4326.

        Notes
        -----
        Half a diagonal makes sure that no cell which holds a part of the area is left out. The few cells that only
        come near its edge add to the choice of places, never to the area that scores are computed with.
        """
        import shapely

        def to_frame(points: Floats) -> Floats:
            x, y = self.project(points[:, 0], points[:, 1])
            cos, sin = self._turn()
            dx, dy = x - self.origin_x_m, y - self.origin_y_m
            return np.column_stack([dx * cos + dy * sin, dy * cos - dx * sin]) / self.cell_m

        # A tenth of a cell of simplification keeps city outlines with 100,000 vertices fast.
        area = shapely.make_valid(shapely.transform(polygons, to_frame)).simplify(0.05).buffer(math.sqrt(0.5) + 0.05)
        if area.is_empty:
            raise RequestError("The study area is empty.", remedy="Give polygons in EPSG:4326, or none.")
        left, low, right, high = area.bounds
        columns, rows = np.meshgrid(
            np.arange(math.floor(left), math.ceil(right) + 1), np.arange(math.floor(low), math.ceil(high) + 1)
        )
        shapely.prepare(area)
        inside = shapely.contains_xy(area, columns + 0.5, rows + 0.5)
        return columns[inside].astype(np.int64), rows[inside].astype(np.int64)

    def area_km2(self, polygons: Any) -> float:
        """Return the area of polygons in EPSG:4326 on the projection plane, square kilometres."""
        import shapely

        plane = shapely.transform(polygons, lambda p: np.column_stack(self.project(p[:, 0], p[:, 1])))
        return float(shapely.area(shapely.make_valid(plane))) / 1e6

    def _turn(self) -> tuple[float, float]:
        angle = math.radians(self.rotation_deg)
        return math.cos(angle), math.sin(angle)

    def _to_metres(self, column: Floats, row: Floats) -> tuple[Floats, Floats]:
        cos, sin = self._turn()
        u, v = np.asarray(column) * self.cell_m, np.asarray(row) * self.cell_m
        return self.origin_x_m + u * cos - v * sin, self.origin_y_m + u * sin + v * cos


@lru_cache(maxsize=64)
def metres_per_unit(crs: str) -> float:
    """Return the length of one unit of a projected system's axes in metres.

    Raises
    ------
    RequestError
        If the system is unknown, geographic, or its axes differ in unit.
    """
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    try:
        found = CRS.from_user_input(crs)
    except CRSError as error:
        raise RequestError(
            f"{crs!r} is not a coordinate reference system.", remedy="Use a code such as EPSG:2913."
        ) from error
    factors = {axis.unit_conversion_factor for axis in found.axis_info[:2]}
    if not found.is_projected or len(factors) != 1:
        raise RequestError(
            f"cells need a projected reference system; {crs!r} is not one.",
            remedy="Name the local projected system, for example EPSG:2913 or EPSG:4546.",
        )
    return float(factors.pop())


def merge_polygons(polygons: Any) -> Any:
    """Return one geometry from WKB, shapely polygons or a list of them; invalid rings are mended."""
    import shapely

    items = polygons if isinstance(polygons, (list, tuple)) else [polygons]
    shapes = [shapely.from_wkb(item) if isinstance(item, bytes) else item for item in items]
    return shapely.union_all(shapely.make_valid(np.array(shapes, dtype=object)))


def cells_for_area(area_km2: float, grid: Grid) -> int:
    """Return the least number of cells whose total area reaches ``area_km2``.

    Raises
    ------
    RequestError
        If the area is not positive.
    """
    if not (math.isfinite(area_km2) and area_km2 > 0):
        raise RequestError(f"The 'area_km2' parameter must be positive. Got {area_km2!r} instead.")
    return max(1, math.ceil(area_km2 / grid.cell_km2 - 1e-9))


def _floor_divide(values: Floats, step: float) -> Integers:
    # 1e-9 of a cell: 76.2 * 3 / 76.2 must be cell 3, not cell 2.
    return np.floor(np.asarray(values) / step + 1e-9).astype(np.int64)


@lru_cache(maxsize=64)
def _forward(crs: str) -> Transformer:
    from pyproj import Transformer

    return Transformer.from_crs("EPSG:4326", crs, always_xy=True)


@lru_cache(maxsize=64)
def _backward(crs: str) -> Transformer:
    from pyproj import Transformer

    return Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
