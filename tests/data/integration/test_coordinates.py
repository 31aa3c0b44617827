"""Coordinates: known control points, the shifted Chinese systems, and refusal of unknown ones."""

from __future__ import annotations

import math

import numpy as np
import prcoords
import pyproj
import pytest
import shapely

from data.integration.coordinates import from_lon_lat, metres_per_unit, require_crs, to_equal_area_m, to_lon_lat


def test_feet_of_oregon_north() -> None:
    # Tilikum Crossing area: compared with the converted district file of the same publisher.
    lon, lat = to_lon_lat(np.array([7637348.0, np.nan]), np.array([708028.0, 1.0]), "EPSG:2913")
    assert (lon[0], lat[0]) == (pytest.approx(-122.7062973, abs=1e-6), pytest.approx(45.5875768, abs=1e-6))
    assert math.isnan(lon[1])
    assert math.isnan(lat[1])


def test_units() -> None:
    assert metres_per_unit("EPSG:2913") == pytest.approx(0.3048)
    assert metres_per_unit("EPSG:4549") == 1.0


def test_gcj02_of_tiananmen() -> None:
    # Published pair: WGS 84 116.391305, 39.905527 is GCJ-02 116.397548, 39.906930 (to about a metre).
    lon, lat = to_lon_lat(np.array([116.397548]), np.array([39.906930]), "GCJ-02")
    assert lon[0] == pytest.approx(116.391305, abs=2e-5)
    assert lat[0] == pytest.approx(39.905527, abs=2e-5)


def test_bd09_is_gcj02_moved_once_more() -> None:
    # Published pair: GCJ-02 116.404, 39.915 is BD-09 116.41036949371029, 39.92133699351021.
    from_bd = to_lon_lat(np.array([116.41036949371029]), np.array([39.92133699351021]), "BD-09")
    from_gcj = to_lon_lat(np.array([116.404]), np.array([39.915]), "GCJ-02")
    assert from_bd[0][0] == pytest.approx(from_gcj[0][0], abs=2e-6)
    assert from_bd[1][0] == pytest.approx(from_gcj[1][0], abs=2e-6)


def test_outside_china_gcj02_is_not_shifted() -> None:
    lon, lat = to_lon_lat(np.array([2.35]), np.array([48.85]), "GCJ-02")
    assert (lon[0], lat[0]) == (2.35, 48.85)


@pytest.mark.parametrize("crs", ["EPSG:4490", "ESRI:102696", "GCJ-02", "BD-09"])
def test_known_systems(crs: str) -> None:
    require_crs(crs)


def test_unknown_systems_are_refused() -> None:
    with pytest.raises(ValueError, match="'local' is not known"):
        require_crs("local")
    with pytest.raises(ValueError, match="not a projected system"):
        require_crs("EPSG:4490", projected=True)


def points_of_china(number: int = 2_000) -> tuple[np.ndarray, np.ndarray]:
    chance = np.random.default_rng(5)
    return chance.uniform(75, 134, number), chance.uniform(19, 53, number)


def test_the_shifted_systems_agree_with_an_independent_library() -> None:
    lon, lat = points_of_china()
    places = [prcoords.Coords(y, x) for x, y in zip(lon, lat, strict=True)]
    for crs, there in (("GCJ-02", prcoords.wgs_gcj), ("BD-09", prcoords.wgs_bd)):
        theirs = np.array([there(place, False) for place in places])
        ours = from_lon_lat(lon, lat, crs)
        # A tenth of a millimetre.
        assert np.abs(np.column_stack(ours)[:, ::-1] - theirs).max() < 1e-9
        back = to_lon_lat(theirs[:, 1], theirs[:, 0], crs)
        # The result is rounded to seven decimals, about a centimetre.
        assert np.abs(back[0] - lon).max() <= 0.51e-7
        assert np.abs(back[1] - lat).max() <= 0.51e-7


def test_there_and_back_in_any_system() -> None:
    lon, lat = points_of_china(200)
    for crs in ("GCJ-02", "BD-09", "EPSG:4490", "EPSG:3857"):
        back = to_lon_lat(*from_lon_lat(lon, lat, crs), crs)
        assert np.abs(back[0] - lon).max() < 1e-7
        assert np.abs(back[1] - lat).max() < 1e-7
    nowhere = to_lon_lat(np.array([np.nan]), np.array([30.0]), "BD-09")
    assert math.isnan(nowhere[0][0])


def test_areas_are_those_on_the_ellipsoid() -> None:
    boxes = [(-2.3, 53.0, -2.2, 53.1), (120.0, 30.0, 120.1, 30.1), (10.0, -0.1, 10.1, 0.1), (0.0, 69.9, 0.1, 70.0)]
    for west, south, east, north in boxes:
        # Densified along the parallels: there the geodesic leaves the line that is straight in degrees.
        lon = np.concatenate([np.linspace(west, east, 500), np.linspace(east, west, 500)])
        lat = np.repeat([south, north], 500).astype(float)
        expected, _ = pyproj.Geod(ellps="WGS84").polygon_area_perimeter(lon, lat)
        flat = to_equal_area_m(np.column_stack((lon, lat)))
        assert shapely.area(shapely.Polygon(flat)) == pytest.approx(expected, rel=1e-7)
