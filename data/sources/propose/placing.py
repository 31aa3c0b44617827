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
#: Farthest a point may be from ``near`` for a system to be a candidate, degrees.
NEAR_DEGREES = 1.5
#: Zones that reach far beyond their city.
WIDE_ZONES = frozenset(
    {
        "America/Los_Angeles",
        "America/Denver",
        "America/Chicago",
        "America/New_York",
        "America/Toronto",
        "Asia/Shanghai",
        "Europe/London",
    }
)
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


def in_china(spot: Spot) -> bool:
    """Return whether a point lies where shifted Chinese systems are in use."""
    return 73 <= spot[0] <= 136 and 3 <= spot[1] <= 54


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
    return [code for _, _, code in sorted(found)[:20]]


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
        city = _cities()[zone]
        near = float(np.hypot((city[0] - lon) * squeeze, city[1] - lat))
        # The zones of whole regions carry the name of one far city; small ones lie in between.
        return near * (0.3 if zone in WIDE_ZONES else 1.0)

    return sorted(_cities(), key=away)[:4]
