"""Local metres of the ground plan to degrees."""

from __future__ import annotations

from functools import cache

import numpy as np
import shapely
from pyproj import Transformer
from shapely.geometry.base import BaseGeometry

from data.demo.land import ORIGIN_EASTING_M, ORIGIN_NORTHING_M


@cache
def _transformer() -> Transformer:
    return Transformer.from_crs("EPSG:4547", "EPSG:4490", always_xy=True)


def to_lon_lat(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return longitude and latitude (EPSG:4490, degrees) of local metres."""
    lon, lat = _transformer().transform(np.asarray(x) + ORIGIN_EASTING_M, np.asarray(y) + ORIGIN_NORTHING_M)
    return np.asarray(lon), np.asarray(lat)


def shape_to_lon_lat(shape: BaseGeometry) -> BaseGeometry:
    """Return a shape in degrees, rounded to 7 decimals (a centimetre) so that shared corners stay shared."""

    def convert(points: np.ndarray) -> np.ndarray:
        return np.round(np.column_stack(to_lon_lat(points[:, 0], points[:, 1])), 7)

    return shapely.transform(shape, convert)
