"""The ground of the small town: days, categories, beats and their boxes, streets."""

from __future__ import annotations

from datetime import date

import polars as pl
import shapely

from tests.data.tiny_edition import rows_of

AS_OF = date(2026, 7, 1)
NEWER, OLDER = "E20260701-town", "E20260601-town"
#: beat → station
BEATS = {"b11": "s1", "b12": "s1", "b21": "s2", "b22": "s2"}
CATEGORIES = ("010100", "040100")
HORIZONS = (7, 28)
WEST, SOUTH, STEP = 121.40, 31.20, 0.02
CELL = 0.0016


def corner(beat: str) -> tuple[float, float]:
    station, number = int(beat[1]) - 1, int(beat[2]) - 1
    return WEST + STEP * station, SOUTH + STEP * number


def town_areas() -> pl.DataFrame:
    boxes = {beat: shapely.box(*corner(beat), *(c + STEP for c in corner(beat))) for beat in BEATS}
    rows = [{"area_code": "b0", "level": "sub_bureau", "name_zh": "临江分局", "name_en": "Linjiang sub-bureau"}]
    for number, station in enumerate(("s1", "s2"), 1):
        shape = shapely.union_all([box for beat, box in boxes.items() if BEATS[beat] == station])
        names = {"name_zh": f"第{number}派出所", "name_en": f"Station {number}", "geometry": shapely.to_wkb(shape)}
        rows.append({"area_code": station, "level": "station", "parent_code": "b0", **names})
    for beat, station in BEATS.items():
        names = {"name_zh": f"{beat[1:]}警务区", "name_en": f"Beat {beat[1:]}"}
        shape = {"geometry": shapely.to_wkb(boxes[beat]), "area_km2": 4.0}
        rows.append({"area_code": beat, "level": "beat", "parent_code": station, **names, **shape})
    return rows_of("areas", *({"record_key": f"{row['level']}-{row['area_code']}", **row} for row in rows))


def town_base_map() -> pl.DataFrame:
    end = WEST + 2 * STEP
    shapes = {
        "street": shapely.LineString([(WEST, SOUTH + 0.01), (end, SOUTH + 0.011)]),
        "main_street": shapely.LineString([(WEST + 0.02, SOUTH), (WEST + 0.021, SOUTH + 2 * STEP)]),
        "river": shapely.LineString([(WEST, SOUTH + 0.03), (end, SOUTH + 0.026)]),
        "park": shapely.box(WEST + 0.005, SOUTH + 0.005, WEST + 0.009, SOUTH + 0.009),
    }
    rows = (
        {"record_key": kind, "feature_id": kind, "kind": kind, "name_zh": kind, "geometry": shapely.to_wkb(shape)}
        for kind, shape in shapes.items()
    )
    return rows_of("base_map", *rows)
