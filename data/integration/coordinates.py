"""Coordinates: any system pyproj knows, and the two shifted Chinese ones, to EPSG:4326.

GCJ-02 is about 500 m off WGS 84 and BD-09 more, so a system that is not stated is refused rather than guessed.
CGCS2000 (EPSG:4490) is taken as WGS 84: they differ by centimetres.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pyproj
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Shifted systems that have no EPSG code.
SHIFTED = ("GCJ-02", "BD-09")
#: Systems that are taken as EPSG:4326 as they are.
DEGREES = ("EPSG:4326", "EPSG:4490")
#: Semi-major axis (m) and squared eccentricity of the Krasovsky ellipsoid, on which GCJ-02 is defined.
AXIS_M, ECCENTRICITY_2 = 6_378_245.0, 0.006_693_421_622_965_943_23
#: The same of the WGS 84 ellipsoid.
WGS84_AXIS_M, WGS84_ECCENTRICITY_2 = 6_378_137.0, 0.006_694_379_990_141_317
#: How far BD-09 moves GCJ-02, degrees, besides a turn of a few metres.
BAIDU_EAST, BAIDU_NORTH = 0.0065, 0.006
BAIDU_TURN = np.pi * 3000.0 / 180.0
#: Steps that invert the shifts to well under a centimetre.
STEPS = 8
#: Decimals kept in degrees: about a centimetre.
DECIMALS = 7
#: Points projected at once.
POINTS_AT_ONCE = 16_384


def require_crs(crs: str, *, projected: bool = False) -> None:
    """Refuse a coordinate reference system that is not known.

    Raises
    ------
    ValueError
        With the code and what to write instead; mappings turn it into a SourceError.
    """
    if crs in SHIFTED and not projected:
        return
    try:
        known = pyproj.CRS.from_user_input(crs)
    except pyproj.exceptions.CRSError:
        raise ValueError(
            f"the coordinate reference system {crs!r} is not known; write an EPSG or ESRI code such as EPSG:4490, "
            f"or {' or '.join(SHIFTED)}"
        ) from None
    if projected and not known.is_projected:
        raise ValueError(f"{crs!r} is not a projected system; cells are cut in one with lengths, such as EPSG:4549")


@lru_cache(maxsize=32)
def in_degrees(crs: str | None) -> bool:
    """Return whether the coordinates of a known system are degrees."""
    return crs is not None and (crs in SHIFTED or crs in DEGREES or pyproj.CRS.from_user_input(crs).is_geographic)


@lru_cache(maxsize=32)
def _transformer(crs: str, to: str) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(crs, to, always_xy=True)


def metres_per_unit(crs: str) -> float:
    """Return the length of one unit of a projected system, metres (0.3048 for international feet)."""
    return float(pyproj.CRS.from_user_input(crs).axis_info[0].unit_conversion_factor)


def to_lon_lat(x: Floats, y: Floats, crs: str) -> tuple[Floats, Floats]:
    """Convert points to EPSG:4326.

    Parameters
    ----------
    x, y
        Shape (n,), in the units of ``crs``; x is east or longitude whatever axis order the system's definition has.
        NaN stays NaN.
    crs
        Any code pyproj knows, ``GCJ-02`` or ``BD-09``.

    Returns
    -------
    tuple of arrays
        Longitude and latitude, degrees, shape (n,). Points the projection cannot place are NaN.
    """
    if crs == "BD-09":
        x, y = _bd09_to_gcj02(x, y)
    if crs in SHIFTED:
        lon, lat = _gcj02_to_wgs84(x, y)
    elif crs in DEGREES:
        lon, lat = x, y
    else:
        lon, lat = _transformer(crs, "EPSG:4326").transform(x, y)
    lon, lat = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    placed = np.isfinite(lon) & np.isfinite(lat) & (np.abs(lon) <= 180) & (np.abs(lat) <= 90)
    nowhere = np.float64(np.nan)
    return np.where(placed, lon.round(DECIMALS), nowhere), np.where(placed, lat.round(DECIMALS), nowhere)


def to_equal_area_m(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Project longitude and latitude so that planar areas are areas on the WGS 84 ellipsoid.

    Parameters
    ----------
    points
        Shape (n, 2), degrees.

    Returns
    -------
    array
        Shape (n, 2), metres, of the cylindrical equal-area projection (Snyder 1987, *Map Projections: A Working
        Manual*, equations 10-13 to 10-15). Lengths and angles mean nothing in it.
    """
    eccentricity = np.sqrt(WGS84_ECCENTRICITY_2)
    projected = np.empty_like(points)
    # Some at a time: what is between then stays in the processor's own memory.
    for start in range(0, len(points), POINTS_AT_ONCE):
        lon, lat = np.radians(points[start : start + POINTS_AT_ONCE]).T
        sine = np.sin(lat)
        q = (1 - WGS84_ECCENTRICITY_2) * (
            sine / (1 - WGS84_ECCENTRICITY_2 * sine**2) + np.arctanh(eccentricity * sine) / eccentricity
        )
        some = projected[start : start + POINTS_AT_ONCE]
        some[:, 0], some[:, 1] = WGS84_AXIS_M * lon, WGS84_AXIS_M * q / 2
    return projected


def _gcj02_shift(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    x, y = lon - 105.0, lat - 35.0
    root = np.sqrt(np.abs(x))
    common = (20.0 * np.sin(6.0 * x * np.pi) + 20.0 * np.sin(2.0 * x * np.pi)) * 2.0 / 3.0
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + common
    north += (20.0 * np.sin(y * np.pi) + 40.0 * np.sin(y / 3.0 * np.pi)) * 2.0 / 3.0
    north += (160.0 * np.sin(y / 12.0 * np.pi) + 320.0 * np.sin(y * np.pi / 30.0)) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + common
    east += (20.0 * np.sin(x * np.pi) + 40.0 * np.sin(x / 3.0 * np.pi)) * 2.0 / 3.0
    east += (150.0 * np.sin(x / 12.0 * np.pi) + 300.0 * np.sin(x / 30.0 * np.pi)) * 2.0 / 3.0
    radians = np.radians(lat)
    magic = 1.0 - ECCENTRICITY_2 * np.sin(radians) ** 2
    d_lat = north * 180.0 / ((AXIS_M * (1.0 - ECCENTRICITY_2)) / (magic * np.sqrt(magic)) * np.pi)
    d_lon = east * 180.0 / (AXIS_M / np.sqrt(magic) * np.cos(radians) * np.pi)
    return d_lon, d_lat


def _in_china(lon: Floats, lat: Floats) -> NDArray[np.bool_]:
    return np.asarray((lon > 72.004) & (lon < 137.8347) & (lat > 0.8293) & (lat < 55.8271))


def _gcj02_to_wgs84(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    # The shift is published one way only; a few fixed-point steps invert it exactly.
    inside = _in_china(lon, lat)
    found_lon, found_lat = lon.copy(), lat.copy()
    for _ in range(STEPS):
        d_lon, d_lat = _gcj02_shift(found_lon, found_lat)
        found_lon = np.where(inside, lon - d_lon, lon)
        found_lat = np.where(inside, lat - d_lat, lat)
    return found_lon, found_lat


def _gcj02_to_bd09(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    radius = np.hypot(lon, lat) + 0.00002 * np.sin(lat * BAIDU_TURN)
    angle = np.arctan2(lat, lon) + 0.000003 * np.cos(lon * BAIDU_TURN)
    return radius * np.cos(angle) + BAIDU_EAST, radius * np.sin(angle) + BAIDU_NORTH


def _bd09_to_gcj02(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    # The inverse formula in use is off by up to half a metre; a few steps back from the published direction are exact.
    found_lon, found_lat = lon - BAIDU_EAST, lat - BAIDU_NORTH
    for _ in range(STEPS):
        there_lon, there_lat = _gcj02_to_bd09(found_lon, found_lat)
        found_lon, found_lat = found_lon + lon - there_lon, found_lat + lat - there_lat
    return found_lon, found_lat


def from_lon_lat(lon: Floats, lat: Floats, crs: str) -> tuple[Floats, Floats]:
    """Convert points in EPSG:4326 to a system; the inverse of :func:`to_lon_lat`.

    Parameters
    ----------
    lon, lat
        Degrees, shape (n,). NaN stays NaN.
    crs
        Any code pyproj knows, ``GCJ-02`` or ``BD-09``. Outside China the shifted systems leave a point where it is,
        except for the constant part of BD-09.
    """
    if crs not in SHIFTED:
        x, y = _transformer("EPSG:4326", crs).transform(lon, lat)
        return np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    d_lon, d_lat = _gcj02_shift(lon, lat)
    inside = _in_china(lon, lat)
    x, y = np.where(inside, lon + d_lon, lon), np.where(inside, lat + d_lat, lat)
    return _gcj02_to_bd09(x, y) if crs == "BD-09" else (x, y)
