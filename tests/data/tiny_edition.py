"""A store with one tiny edition: two stations, three beats, numbers small enough to add up by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path

import polars as pl
import shapely

from data.editions import write_edition
from data.files import write_json
from data.schemas import EDITION
from data.snapshots import QUARANTINE, write_snapshot
from data.store import Store

EDITION_ID = "E20260101-tiny"
START = datetime(2026, 1, 1, tzinfo=UTC)
#: beat → station; B1 and B2 belong to S1, B3 to S2; both stations to the sub-bureau F.
BEATS = {"B1": "S1", "B2": "S1", "B3": "S2"}
_FILL = {
    pl.String: "x",
    pl.Float64: 1.0,
    pl.Float32: 1.0,
    pl.Int64: 1,
    pl.Int32: 1,
    pl.Int16: 1,
    pl.Int8: 1,
    pl.Boolean: False,
    pl.Date: date(2026, 1, 1),
    pl.Binary: b"",
}


def rows_of(table: str, *rows: dict) -> pl.DataFrame:
    """Return valid rows of an edition's table; columns not given get a filler of their type."""
    schema = EDITION[table].create_empty().schema
    full = []
    for row in rows:
        blank = {}
        for name, kind in schema.items():
            nullable = EDITION[table].columns()[name].nullable
            first = kind.categories[0] if isinstance(kind, pl.Enum) else None
            blank[name] = None if nullable else first or _FILL.get(type(kind)) or _FILL.get(kind)
        full.append({**blank, **row})
    return pl.DataFrame(full, schema=schema)


def ticking_clock(step_s: int = 1):
    """Return a clock that moves on by a step at every look."""
    ticks = count()
    return lambda: START + timedelta(seconds=step_s * next(ticks))


def tiny_areas() -> pl.DataFrame:
    shapes = {beat: shapely.box(i, 0, i + 1, 1) for i, beat in enumerate(BEATS)}
    rows = [
        {"area_code": "F", "level": "sub_bureau", "name_zh": "分局", "name_en": "Sub-bureau"},
        {"area_code": "S1", "level": "station", "parent_code": "F", "name_zh": "一所", "name_en": "First"},
        {"area_code": "S2", "level": "station", "parent_code": "F", "name_zh": "二所", "name_en": "Second"},
        *(
            {"area_code": beat, "level": "beat", "parent_code": station, "geometry": shapely.to_wkb(shapes[beat])}
            for beat, station in BEATS.items()
        ),
        {"area_code": "C1", "level": "community", "parent_code": "B1"},
        {"area_code": "C3", "level": "community", "parent_code": "B3"},
    ]
    return rows_of("areas", *({"record_key": row["area_code"], **row} for row in rows))


def tiny_tables() -> dict[str, pl.DataFrame]:
    places = list(enumerate(BEATS.items(), start=1))
    base_map = {"feature_id": "1", "geometry": shapely.to_wkb(shapely.LineString([(0, 0), (3, 1)]))}
    hotspot = {
        "category": "theft",
        "horizon_days": 28,
        "period_start": date(2026, 1, 1),
        "period_end": date(2026, 1, 29),
        "interval_level": 0.8,
        "ring": [0.0, 0.0, 0.1, 0.0, 0.1, 0.1, 0.0, 0.1],
        "reasons": [{"reason": "base", "contribution": 0.5}],
    }
    # 1 January 2026 is a Thursday; the first week has 1-4 January.
    days = [
        (date(2026, 1, 1), "theft", "B1", 7),
        (date(2026, 1, 1), "theft", "B2", 6),
        (date(2026, 1, 2), "theft", "B1", 3),
        (date(2026, 1, 2), "fraud", "B1", 9),
        (date(2026, 1, 6), "theft", "B3", 20),
        (date(2026, 1, 6), "fraud", "B3", 4),
    ]
    return {
        "areas": tiny_areas(),
        "base_map": rows_of("base_map", {"record_key": "1", **base_map}),
        "hotspots": rows_of(
            "hotspots",
            *(
                {
                    **hotspot,
                    "advice_id": f"H{i}",
                    "rank": i,
                    "place_id": f"p{i}",
                    "beat_code": beat,
                    "station_code": station,
                    "baseline_count": float(2 * i),
                }
                for i, (beat, station) in places
            ),
            {**hotspot, "advice_id": "H4", "rank": 4, "place_id": "p4", "baseline_count": 9.0},
        ),
        # The calmer list keeps p9 in the place of p2.
        "spare_hotspots": rows_of(
            "spare_hotspots",
            {
                **hotspot,
                "advice_id": "H-R9",
                "rank": 9,
                "place_id": "p9",
                "beat_code": "B1",
                "station_code": "S1",
                "baseline_count": 1.0,
            },
        ),
        "calm_lists": rows_of(
            "calm_lists",
            *(
                {
                    "category": "theft",
                    "horizon_days": 28,
                    "calm": calm,
                    "rank": rank,
                    "place_id": place,
                    "was_listed": place == "p9",
                    **{"p9": {"beat_code": "B1", "station_code": "S1"}}.get(
                        place,
                        dict(zip(("beat_code", "station_code"), dict(places).get(rank, (None, None)), strict=True)),
                    ),
                }
                for calm, listed in ((0.0, ("p1", "p2", "p3", "p4")), (1.0, ("p1", "p9", "p3", "p4")))
                for rank, place in enumerate(listed, start=1)
            ),
        ),
        "area_hotspots": rows_of(
            "area_hotspots",
            *(
                {
                    "category": "theft",
                    "horizon_days": 28,
                    "level": "beat",
                    "rank": i,
                    "area_code": beat,
                    "beat_code": beat,
                    "station_code": station,
                    "baseline_count": float(4 * i),
                }
                for i, (beat, station) in places
            ),
        ),
        "unit_hotspots": rows_of(
            "unit_hotspots",
            *(
                {
                    "category": "theft",
                    "horizon_days": 28,
                    "unit": unit,
                    "rank": i,
                    "place_id": f"{unit}{i}",
                    "reasons": [{"reason": "base", "contribution": 0.0}],
                    "beat_code": beat,
                    "station_code": station,
                    "baseline_count": float(4 * i),
                }
                for unit in ("h3", "segment")
                for i, (beat, station) in places
            ),
        ),
        # Four listed places: three of them in an area, two in the first station.
        "patrol_reach": rows_of(
            "patrol_reach",
            *(
                {
                    "category": "theft",
                    "horizon_days": 28,
                    "area_level": level,
                    "area_code": code,
                    "places": n,
                    "expected": float(n),
                    "expected_all": all_of_it,
                }
                for level, code, most, all_of_it in (
                    (None, None, 4, 20.0),
                    ("sub_bureau", "F", 3, 18.0),
                    ("station", "S1", 2, 8.0),
                )
                for n in range(1, most + 1)
            ),
        ),
        "past_lists": rows_of(
            "past_lists",
            *(
                {
                    "category": "theft",
                    "horizon_days": 28,
                    "told_by": told_by,
                    "period_start": start,
                    "area_level": level,
                    "area_code": code,
                    "places": n,
                    "hits": 2.0 * n,
                }
                for told_by, start in (("E1", date(2026, 5, 6)), ("E2", date(2026, 6, 3)))
                for level, code, n in ((None, None, 4), ("sub_bureau", "F", 3), ("station", "S1", 2))
            ),
        ),
        "past_places": rows_of(
            "past_places",
            *(
                {
                    "category": "theft",
                    "horizon_days": 28,
                    "told_by": "E2",
                    "advice_id": f"E2:{i}",
                    "place_id": f"p{i}",
                    "rank": i,
                    "beat_code": beat,
                    "station_code": station,
                }
                for i, (beat, station) in places
            ),
        ),
        "hotspot_surface": rows_of(
            "hotspot_surface",
            *(
                {"category": "theft", "horizon_days": 28, "place_id": f"p{i}", "beat_code": b, "station_code": s}
                for i, (b, s) in places
            ),
        ),
        "model_scores": rows_of("model_scores", {"category": "theft", "horizon_days": 28}),
        **{
            table: rows_of(table, {"category": "theft", "horizon_days": 28})
            for table in ("model_comparison", "model_curves", "model_calibration", "grid_sensitivity")
        },
        "model_groups": rows_of(
            "model_groups",
            *(
                {"category": "theft", "horizon_days": 28, "hit_rate": 0.5, "ratio": 1.2, **found}
                for found in (
                    {"kind": "station", "group_code": "S1", "incidents": 2.0, "incident_share": 0.05, "hits": 1.0},
                    {"kind": "station", "group_code": "S2", "incidents": 30.0, "incident_share": 0.75, "hits": 20.0},
                    {"kind": "station", "group_code": "S3", "incidents": 8.0, "incident_share": 0.2, "hits": 7.0},
                    {"kind": "density", "group_code": "low", "incidents": 25.0, "incident_share": 0.6, "hits": 3.0},
                    {"kind": "density", "group_code": "high", "incidents": 15.0, "incident_share": 0.4, "hits": 9.0},
                )
            ),
        ),
        "feedback": rows_of("feedback", {"category": "theft", "rule": "reported", "measure": "distance"}),
        "staffing": rows_of(
            "staffing",
            {"advice_id": "T1", "unit_code": "S1", "shift_code": "day", "binding": "workload"},
            {"advice_id": "T2", "unit_code": "S2", "shift_code": "day", "binding": "workload"},
        ),
        "visit_scores": rows_of("visit_scores", {"visit_kind": "dispute_revisit", "model": "gamma_poisson"}),
        "staffing_loads": rows_of(
            "staffing_loads", *({"unit_code": unit, "shift_code": "day"} for unit in ("S1", "S2"))
        ),
        "visit_workload": rows_of(
            "visit_workload",
            *({"advice_id": f"W{i}", "beat_code": b, "station_code": s} for i, (b, s) in places),
        ),
        "visit_plan": rows_of(
            "visit_plan",
            *(
                {
                    "advice_id": f"V{i}",
                    "beat_code": b,
                    "station_code": s,
                    "object_id": f"O{i}",
                    "label": f"=Hotel {i}",
                    "lon": 0.5,
                    "lat": 0.5,
                }
                for i, (b, s) in places
            ),
        ),
        "daily_counts": rows_of(
            "daily_counts",
            *(
                {"day": d, "category": c, "beat_code": b, "station_code": BEATS[b], "incidents": n}
                for d, c, b, n in days
            ),
        ),
        "hourly_profile": rows_of(
            "hourly_profile",
            {"category": "theft", "beat_code": "B1", "station_code": "S1", "weekday": 1, "hour": 8, "incidents": 2.5},
            {"category": "theft", "beat_code": "B3", "station_code": "S2", "weekday": 1, "hour": 8, "incidents": 4.0},
            {"category": "theft", "beat_code": "B3", "station_code": "S2", "weekday": 1, "hour": 9, "incidents": 8.0},
        ),
        "funnel": rows_of("funnel", {"source": "tiny", "step": "calls", "rows": 49}),
    }


def make_tiny_store(root: Path, *, demo: bool = True, published: bool = True) -> Store:
    store = Store.create(root / "store")
    folder = store.loads / "L1"
    folder.mkdir(parents=True)
    force = {"code": "tiny", "name_zh": "小", "name_en": "Tiny", "timezone": "UTC", "analysis_crs": "EPSG:32650"}
    load = {
        "load_id": "L1",
        "source": "tiny",
        "demo": demo,
        "jurisdiction": force,
        "legal_basis": "basis-1",
        "purpose": "purpose-1",
        "loaded_at": START.isoformat(),
        "loaded_by": "steward",
        "files": [],
        "tables": {},
    }
    write_json(folder / "load.json", load)
    reasons = ["no date", "no date", "outside"]
    refused = pl.DataFrame(
        [
            {"source": "tiny", "load_id": "L1", "source_file": "f", "source_line": i, "table": "calls", "reason": r}
            for i, r in enumerate(reasons, start=2)
        ],
        schema=QUARANTINE,
    )
    refused.write_parquet(folder / "quarantine.parquet")
    snapshot = write_snapshot(store, ["L1"], {}, created_at=START, created_by="steward")
    if published:
        manifest = {
            "snapshot_id": snapshot.snapshot_id,
            "parameters": {"as_of": "2026-01-01"},
            "code_version": "test",
            "created_at": START.isoformat(),
            "created_by": "steward",
        }
        write_edition(store, EDITION_ID, tiny_tables(), manifest)
    return store
