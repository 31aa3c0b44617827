"""Where coordinates may be: degrees or lengths, which reference systems fit, which time zone is nearest."""

from __future__ import annotations

import zoneinfo
from functools import lru_cache
from pathlib import Path

import numpy as np
import polars as pl
import pyproj
from pyproj.aoi import AreaOfInterest
from pyproj.database import query_crs_info, query_utm_crs_info
from pyproj.enums import PJType

Spot = tuple[float, float]
#: The system of web maps: good for positions, not for cells or areas, which it stretches with the latitude.
WEB_MERCATOR = "EPSG:3857"
#: Farthest a point may be from ``near`` for a system to be a candidate, degrees.
NEAR_DEGREES = 1.5
#: Large cities of zones that reach far beyond the city they are named after: zone → longitude, latitude.
FAR_CITIES: dict[str, tuple[Spot, ...]] = {
    "America/New_York": (
        *((-71.1, 42.3), (-77.0, 38.9), (-80.8, 35.2), (-84.4, 33.7), (-80.2, 25.8), (-81.4, 28.5), (-81.7, 30.3)),
        *((-82.5, 27.9), (-80.0, 40.4), (-81.7, 41.5), (-83.0, 40.0), (-84.5, 39.1), (-83.9, 35.9), (-78.9, 42.9)),
        *((-72.7, 41.8), (-77.4, 37.5), (-79.9, 32.8), (-76.1, 43.0), (-85.3, 35.0), (-84.2, 39.8), (-83.6, 41.7)),
        *((-70.3, 43.7), (-76.3, 36.9), (-84.5, 38.0), (-82.3, 29.7), (-84.3, 30.4), (-75.2, 40.0), (-78.6, 35.8)),
    ),
    "America/Chicago": (
        *((-95.4, 29.8), (-96.8, 32.8), (-97.3, 32.7), (-98.5, 29.4), (-97.7, 30.3), (-90.1, 30.0), (-90.0, 35.1)),
        *((-86.8, 36.2), (-86.8, 33.5), (-90.2, 38.6), (-94.6, 39.1), (-96.0, 41.3), (-93.3, 45.0), (-87.9, 43.0)),
        *((-97.5, 35.5), (-96.0, 36.2), (-92.3, 34.7), (-88.0, 30.7), (-93.6, 41.6), (-97.3, 37.7), (-96.8, 46.9)),
        *((-97.4, 27.8), (-99.5, 27.5), (-101.9, 33.6), (-101.8, 35.2), (-102.1, 32.0), (-89.4, 43.1), (-91.2, 30.5)),
        *((-93.8, 32.5), (-90.2, 32.3), (-86.3, 32.4), (-96.7, 43.5), (-86.4, 37.0), (-94.2, 36.4), (-97.4, 26.0)),
    ),
    "America/Denver": ((-111.9, 40.8), (-106.6, 35.1), (-106.5, 31.8), (-108.5, 45.8), (-104.8, 38.8), (-104.8, 41.1)),
    "America/Los_Angeles": (
        *(
            (-122.3, 47.6),
            (-122.7, 45.5),
            (-122.4, 37.8),
            (-121.5, 38.6),
            (-117.2, 32.7),
            (-115.1, 36.2),
            (-119.8, 39.5),
        ),
        *((-117.4, 47.7), (-119.8, 36.7), (-119.0, 35.4), (-123.1, 44.1), (-121.9, 37.3)),
    ),
    "America/Toronto": ((-75.7, 45.4), (-73.6, 45.5), (-71.2, 46.8), (-81.2, 43.0), (-81.0, 46.5), (-89.2, 48.4)),
    "America/Edmonton": ((-114.1, 51.0),),
    "America/Vancouver": ((-123.4, 48.4), (-119.5, 49.9)),
    "America/Mexico_City": ((-103.3, 20.7), (-98.2, 19.0), (-96.1, 19.2), (-101.7, 21.1)),
    "America/Sao_Paulo": ((-43.2, -22.9), (-47.9, -15.8), (-43.9, -19.9), (-51.2, -30.0), (-49.3, -25.4)),
    "America/Bogota": ((-75.6, 6.2), (-76.5, 3.4), (-74.8, 11.0)),
    "Asia/Shanghai": (
        *((116.4, 39.9), (113.3, 23.1), (114.06, 22.6), (114.3, 30.6), (104.1, 30.7), (106.6, 29.6), (108.9, 34.3)),
        *((126.6, 45.8), (125.3, 43.9), (123.4, 41.8), (117.2, 39.1), (120.4, 36.1), (113.6, 34.8), (112.9, 28.2)),
        *((102.7, 25.0), (103.8, 36.1), (101.8, 36.6), (106.2, 38.5), (111.7, 40.8), (108.4, 22.8), (118.1, 24.5)),
        *((119.3, 26.1), (117.0, 36.7), (121.6, 38.9), (112.6, 37.9), (114.5, 38.0), (115.9, 28.7), (117.3, 31.9)),
        *((110.3, 20.0), (113.5, 22.3), (106.7, 26.6), (91.1, 29.7), (120.2, 30.3), (118.8, 32.1), (120.7, 28.0)),
    ),
    "Asia/Taipei": ((120.7, 24.1), (120.3, 22.6)),
    "Europe/London": ((-2.2, 53.5), (-1.5, 53.8), (-3.2, 55.9), (-4.3, 55.9), (-5.9, 54.6), (-3.2, 51.5), (-1.6, 55.0)),
    "Europe/Berlin": ((11.6, 48.1), (8.7, 50.1), (7.0, 51.2), (10.0, 53.6)),
    "Australia/Brisbane": ((153.4, -28.0),),
    "Africa/Johannesburg": ((18.4, -33.9), (31.0, -29.9)),
}
#: Zones of places whose maps may be shifted.
SHIFTED_ZONES = frozenset({"Asia/Shanghai", "Asia/Urumqi", "Asia/Hong_Kong", "Asia/Macau"})
#: Systems made for a whole country or the world say nothing about a place.
WIDEST_DEGREES = 15.0


def usual(texts: pl.Series) -> float | None:
    """Return the median of the numbers of a column, zeros and -1 (not located) left out."""
    numbers = texts.str.replace_all(",", "", literal=True).cast(pl.Float64, strict=False)
    known = numbers.filter(numbers.is_finite() & ~numbers.is_in([0.0, -1.0]))
    return None if known.is_empty() else float(known.median())  # type: ignore[arg-type]


def has_pair(east: pl.Series, north: pl.Series, pair: tuple[int, int]) -> bool:
    """Return whether both columns hold the values of a pair such as (0, 0)."""
    numbers = (east.cast(pl.Float64, strict=False), north.cast(pl.Float64, strict=False))
    return all(bool((column == value).any()) for column, value in zip(numbers, pair, strict=True))


def far_and_often(east: pl.Series, north: pl.Series) -> list[tuple[float, float]]:
    """Return points that stand on many rows far from all others: a place that stands for none."""
    points = pl.DataFrame(
        {"x": east.cast(pl.Float64, strict=False), "y": north.cast(pl.Float64, strict=False)}
    ).drop_nulls()
    points = points.filter((pl.col("x") != 0) & (pl.col("y") != 0))
    if points.height < 50:
        return []
    # Each place once: however many rows stand on the one in question, it does not stretch the others' spread.
    places = points.unique()
    far = pl.lit(False)
    for axis in ("x", "y"):
        column = places[axis]
        middle, low, high = (float(str(column.quantile(share))) for share in (0.5, 0.1, 0.9))
        far = far | ((pl.col(axis) - middle).abs() > 20 * max(high - low, 1e-3))
    often = points.filter(far).group_by("x", "y").len().filter(pl.col("len") >= max(5, points.height / 1000))
    return [(float(x), float(y)) for x, y, _ in often.sort("len", descending=True).head(3).iter_rows()]


def in_china(spot: Spot) -> bool:
    """Return whether a point lies where shifted Chinese systems are in use."""
    lon, lat = spot
    return 73 <= lon <= 136 and 3 <= lat <= 54 and likely_zones(spot)[0] in SHIFTED_ZONES


def is_swapped(x: float, y: float) -> bool:
    """Return whether degrees stand the other way round: the first is a latitude, the second cannot be one."""
    return abs(x) <= 90 < abs(y) <= 180


def is_micro(x: float, y: float) -> bool:
    """Return whether coordinates look like degrees in millionths, as some dispatch systems write them."""
    return abs(x) > 10e6 and abs(y) > 1e6 and abs(x) > abs(y) and abs(x) <= 180e6 and abs(y) <= 90e6 and abs(x) > 60e6


def is_projected(crs: str) -> bool:
    """Return whether a known code is a projected system."""
    try:
        return bool(pyproj.CRS.from_user_input(crs).is_projected)
    except pyproj.exceptions.CRSError:
        return False


def name_of(crs: str) -> str:
    """Return the name of a system."""
    return str(pyproj.CRS.from_user_input(crs).name)


def back(x: float, y: float, crs: str) -> Spot | None:
    """Return a projected point in degrees, or None where the system cannot place it."""
    try:
        lon, lat = pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(x, y)
    except pyproj.exceptions.ProjError:
        return None
    return (float(lon), float(lat)) if np.isfinite(lon) and np.isfinite(lat) else None


def utm_of(spot: Spot | None) -> str | None:
    """Return the WGS 84 UTM zone of a point, a projected system in metres."""
    if spot is None:
        return None
    lon, lat = spot
    found = query_utm_crs_info(datum_name="WGS 84", area_of_interest=AreaOfInterest(lon, lat, lon, lat))
    return f"{found[0].auth_name}:{found[0].code}" if found else None


def candidates(x: float, y: float, *, near: Spot | None, zone: str | None) -> list[str]:
    """Return projected systems in which a point falls into the area the system is made for, likeliest first.

    Parameters
    ----------
    near
        Any point of the area, degrees; without it the city of the time zone, without that nothing is proposed: lengths
        alone fit half the world.
    """
    reach = NEAR_DEGREES if near is not None else 10.0
    spot = near or city_of(zone)
    if spot is None:
        return []
    area = AreaOfInterest(spot[0] - 0.1, spot[1] - 0.1, spot[0] + 0.1, spot[1] + 0.1)
    if near is None:
        area = AreaOfInterest(max(-180, spot[0] - 8), spot[1] - 8, min(180, spot[0] + 8), spot[1] + 8)
    found: list[tuple[float, float, str]] = []
    for authority in ("EPSG", "ESRI") if near is not None else ("EPSG",):
        for info in query_crs_info(authority, pj_types=PJType.PROJECTED_CRS, area_of_interest=area):
            made_for = info.area_of_use
            if made_for is None or made_for.east - made_for.west > WIDEST_DEGREES:
                continue
            code = f"{info.auth_name}:{info.code}"
            point = _back_quietly(x, y, code)
            if point is None:
                continue
            slack = 0.2
            inside = (
                made_for.west - slack <= point[0] <= made_for.east + slack
                and made_for.south - slack <= point[1] <= made_for.north + slack
            )
            if not inside:
                continue
            away = max(abs(point[0] - spot[0]), abs(point[1] - spot[1]))
            if away <= reach:
                size = (made_for.east - made_for.west) * (made_for.north - made_for.south)
                found.append((round(away, 1), _rarity(code) + size / 1000, code))
    codes = [code for _, _, code in sorted(found)[:20]]
    # Made for no area at all, so no list of areas names it; web maps hand their coordinates on in it.
    there = _back_quietly(x, y, WEB_MERCATOR)
    if there is not None and max(abs(there[0] - spot[0]), abs(there[1] - spot[1])) <= reach:
        codes.append(WEB_MERCATOR)
    return codes


def _rarity(code: str) -> float:
    """Systems in everyday use first: EPSG before ESRI, feet of published US data, CGCS2000 and WGS 84 datums."""
    name = name_of(code)
    rank = 0.0 if code.startswith("EPSG") else 2.0
    for word in ("NAD83 /", "CGCS2000", "WGS 84", "ETRS89", "OSGB36", "British National Grid"):
        if word in name:
            rank -= 0.5
    return rank + 0.3 * any(word in name for word in ("HARN", "2011", "NSRS", "CORS96", "NAD27", "ensemble"))


@lru_cache(maxsize=8192)
def _back_quietly(x: float, y: float, code: str) -> Spot | None:
    try:
        return back(x, y, code)
    except (pyproj.exceptions.CRSError, pyproj.exceptions.ProjError):
        return None


@lru_cache(maxsize=1)
def _cities() -> dict[str, Spot]:
    """Return the city of each time zone from the table that comes with the zone files; empty where there is none."""
    for folder in zoneinfo.TZPATH:
        table = Path(folder) / "zone1970.tab"
        if table.is_file():
            rows = [
                line.split("\t") for line in table.read_text(encoding="utf-8").splitlines() if line[:1] not in ("#", "")
            ]
            return {row[2]: _iso6709(row[1]) for row in rows}
    return {}


def _iso6709(text: str) -> Spot:
    place = max(text.rfind("+"), text.rfind("-"))

    def degrees(part: str) -> float:
        sign, digits = (-1 if part[0] == "-" else 1), part[1:]
        whole = len(digits) - (4 if len(digits) > 5 else 2)
        minutes, seconds = digits[whole : whole + 2], digits[whole + 2 :] or "0"
        return sign * (int(digits[:whole]) + int(minutes) / 60 + int(seconds) / 3600)

    return degrees(text[place:]), degrees(text[:place])


def city_of(zone: str | None) -> Spot | None:
    """Return longitude and latitude of the city a time zone is named after."""
    return _cities().get(zone or "")


def likely_zones(spot: Spot | None) -> list[str]:
    """Return the time zones whose cities are nearest to a point, nearest first; guesses to be confirmed."""
    if spot is None:
        return []
    lon, lat = spot
    squeeze = np.cos(np.radians(lat))

    def away(zone: str) -> float:
        cities = (_cities()[zone], *FAR_CITIES.get(zone, ()))
        return min(float(np.hypot((city[0] - lon) * squeeze, city[1] - lat)) for city in cities)

    return sorted(_cities(), key=away)[:4]
