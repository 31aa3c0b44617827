"""What the newer edition of the small town has beside cells and areas: hexagons, streets, and how far patrols reach."""

from __future__ import annotations

from datetime import date, timedelta
from math import log

import polars as pl
import shapely

from tests.data.tiny_edition import rows_of
from tests.pages.town_ground import BEATS, CATEGORIES, HORIZONS, STEP, corner


def town_units(as_of: date) -> dict[str, pl.DataFrame]:
    """Return two hexagons and two pieces of street per category for 28 days, and the reach of the list of eight."""
    return {"unit_hotspots": _units(as_of), "patrol_reach": _reach()}


def _units(as_of: date) -> pl.DataFrame:
    rows = []
    for category in CATEGORIES:
        for unit in ("h3", "segment"):
            for number, beat in enumerate(list(BEATS)[:2]):
                lon, lat = (c + STEP / 2 for c in corner(beat))
                line = shapely.LineString([(lon - 0.003, lat), (lon + 0.003, lat)])
                shape = line if unit == "segment" else line.buffer(0.002)
                rows.append(
                    {
                        "category": category,
                        "horizon_days": 28,
                        "period_start": as_of,
                        "period_end": as_of + timedelta(days=28),
                        "unit": unit,
                        "rank": number + 1,
                        "place_id": f"{unit}-{number}",
                        "street": "人民路",
                        **({"from_street": "中山路", "to_street": "解放路"} if unit == "segment" else {}),
                        **({"length_m": 400.0} if unit == "segment" else {"area_km2": 0.1}),
                        "lon": lon,
                        "lat": lat,
                        "geometry": shapely.to_wkb(shape),
                        "expected": 6.0 - 2 * number,
                        "low": 2.0,
                        "high": 9.0,
                        "interval_level": 0.8,
                        "baseline_rank": 2 - number,
                        "baseline_count": 30.0 + number,
                        "reasons": [
                            {"reason": "base", "contribution": log(0.5)},
                            {"reason": "recent", "contribution": log((6.0 - 2 * number) / 0.5)},
                        ],
                        "beat_code": beat,
                        "station_code": BEATS[beat],
                    }
                )
    return rows_of("unit_hotspots", *rows)


def _reach() -> pl.DataFrame:
    """Return the sums of the whole force: the list expects 9, 8 … of 100, the plain count finds 5 each."""
    rows = [
        {
            "category": category,
            "horizon_days": days,
            "places": n,
            "expected": sum(9 - k for k in range(n)) * days / 28,
            "plain_expected": 5.0 * n * days / 28,
            "expected_all": 100.0 * days / 28,
            "periods": 6,
            "events": 200.0,
            "hits": 12.0 * n,
            "plain_hits": 10.0 * n,
        }
        for category in CATEGORIES
        for days in HORIZONS
        for n in range(1, 9)
    ]
    return rows_of("patrol_reach", *rows)
