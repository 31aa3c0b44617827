"""A small town to open pages on: two stations, four beats, two editions, numbers by formula, no model behind them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from math import log
from pathlib import Path

import polars as pl
import shapely

from data.editions import write_edition
from data.files import write_json
from data.schemas import EDITION
from data.snapshots import QUARANTINE, write_snapshot
from data.store import Store
from tests.data.tiny_edition import rows_of

AS_OF = date(2026, 7, 1)
NEWER, OLDER = "E20260701-town", "E20260601-town"
#: beat → station
BEATS = {"b11": "s1", "b12": "s1", "b21": "s2", "b22": "s2"}
CATEGORIES = ("010100", "040100")
HORIZONS = (7, 28)
WEST, SOUTH, STEP = 121.40, 31.20, 0.02
CELL = 0.0016


def build_town(root: Path) -> Store:
    """Write a demo store with one load, one snapshot and two editions."""
    store = Store.create(root)
    loaded_at = datetime(2026, 7, 1, 1, tzinfo=UTC)
    force = {
        "code": "town",
        "name_zh": "临江市公安局",
        "name_en": "Linjiang police",
        "timezone": "Asia/Shanghai",
        "analysis_crs": "EPSG:32651",
    }
    folder = store.loads / "L1"
    folder.mkdir(parents=True)
    write_json(
        folder / "load.json",
        {
            "load_id": "L1",
            "source": "demo",
            "demo": True,
            "jurisdiction": force,
            "mapping_sha256": "ab" * 32,
            "legal_basis": "demo-basis",
            "purpose": "demo-purpose",
            "loaded_at": loaded_at.isoformat(),
            "loaded_by": "clerk",
            "files": [
                {
                    "file": "calls.csv",
                    "table": "calls",
                    "read": 120,
                    "kept": 117,
                    "new": 110,
                    "unchanged": 5,
                    "replaced": 2,
                    "quarantined": {"bad_time": 2, "outside_area": 1},
                    "sha256": "cd" * 32,
                    "bytes": 4096,
                }
            ],
            "tables": {"calls": {"rows": 117, "replaced": 2}},
        },
    )
    blank = {"source": "demo", "load_id": "L1", "source_file": "calls.csv", "table": "calls", "raw": "{}"}
    pl.DataFrame(
        [
            {**blank, "source_line": 7, "column": "reported_at", "reason": "bad_time"},
            {**blank, "source_line": 9, "column": "reported_at", "reason": "bad_time"},
            {**blank, "source_line": 20, "column": "x", "reason": "outside_area"},
        ],
        schema=QUARANTINE,
    ).write_parquet(folder / "quarantine.parquet")
    snapshot = write_snapshot(store, ["L1"], {}, created_at=loaded_at, created_by="clerk")
    for edition_id, as_of in ((OLDER, date(2026, 6, 1)), (NEWER, AS_OF)):
        manifest = {
            "snapshot_id": snapshot.snapshot_id,
            "parameters": {"as_of": str(as_of), "horizons_days": list(HORIZONS), "interval_level": 0.8},
            "code_version": "0.1.0+test",
            "created_at": datetime(as_of.year, as_of.month, as_of.day, 2, tzinfo=UTC).isoformat(),
            "created_by": "clerk",
            "jurisdiction": force,
            "demo": True,
            "categories": list(CATEGORIES),
            "verdicts": [
                {
                    "category": category,
                    "horizon_days": days,
                    "model": "additive_boosting",
                    "verdict": "It won.",
                    "listed": 8,
                    "top_promised": 0.62,
                    "top_kept": 0.58,
                    "calm": 0.0,
                    "held_to": "edition",
                    "calm_prices": [
                        {"calm": 0.0, "stay_share": 0.75, "hits": 100.0, "expected": 96.0},
                        {"calm": 0.25, "stay_share": 0.875, "hits": 98.0, "expected": 95.0},
                    ],
                }
                for category in CATEGORIES[:1]
                for days in HORIZONS
            ],
            "area_verdicts": [
                {
                    "category": CATEGORIES[0],
                    "horizon_days": 28,
                    "level": "beat",
                    "periods": 2,
                    "coverage": 0.83,
                    "top": 1,
                    "events": 50.0,
                    "expected": 48.0,
                    "hits": 20.0,
                    "plain_hits": 24.0,
                }
            ],
            "last_known_on": str(as_of - timedelta(days=1)),
            "sources": ["demo"],
            "legal_basis": ["demo-basis"],
            "purpose": ["demo-purpose"],
        }
        write_edition(store, edition_id, town_tables(as_of, edition_id), manifest)
    return store


def town_tables(as_of: date, edition_id: str) -> dict[str, pl.DataFrame]:
    """Return the tables of one edition of the town."""
    return {
        "areas": _areas(),
        "base_map": _base_map(),
        "hotspots": _hotspots(as_of, edition_id),
        **({**_lists(as_of, edition_id), "area_hotspots": _area_ranks(as_of)} if edition_id == NEWER else {}),
        "hotspot_surface": _surface(),
        "model_scores": _scores(as_of),
        # The older edition is from before there were such tables.
        **(_models() if edition_id == NEWER else {}),
        "visit_workload": _workload(as_of, edition_id),
        "visit_plan": _plan(as_of, edition_id),
        "staffing": _staffing(as_of, edition_id),
        "daily_counts": _daily(as_of),
        "hourly_profile": _hourly(),
        "funnel": rows_of(
            "funnel",
            *(
                {"source": "demo", "step": step, "rows": rows}
                for step, rows in (("calls", 117), ("incidents", 117), ("valid", 60), ("dated", 60), ("located", 55))
            ),
        ),
    }


def _corner(beat: str) -> tuple[float, float]:
    station, number = int(beat[1]) - 1, int(beat[2]) - 1
    return WEST + STEP * station, SOUTH + STEP * number


def _areas() -> pl.DataFrame:
    boxes = {beat: shapely.box(*_corner(beat), *(c + STEP for c in _corner(beat))) for beat in BEATS}
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


def _base_map() -> pl.DataFrame:
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


def _hotspots(as_of: date, edition_id: str) -> pl.DataFrame:
    rows = []
    for category in CATEGORIES:
        for days in HORIZONS:
            for number in range(8):
                beat = list(BEATS)[number % 4]
                lon, lat = (c + 0.004 + 0.004 * (number // 4) for c in _corner(beat))
                expected = (9 - number) * days / 28
                half = CELL / 2
                reasons = [("base", log(0.5)), ("recent", log(expected / 1.0)), ("neighbours", log(2.0))]
                ring = [lon - half, lat - half, lon + half, lat - half, lon + half, lat + half, lon - half, lat + half]
                rows.append(
                    {
                        "advice_id": f"{edition_id}-{category}-{days}-{number}",
                        "category": category,
                        "horizon_days": days,
                        "period_start": as_of,
                        "period_end": as_of + timedelta(days=days),
                        "rank": number + 1,
                        "place_id": f"c{number}",
                        "street": "人民路",
                        "cell_m": 150.0,
                        "lon": lon,
                        "lat": lat,
                        "ring": ring,
                        "expected": expected,
                        "low": 0.0,
                        "high": float(round(2 * expected + 1)),
                        "interval_level": 0.8,
                        "baseline_rank": 8 - number,
                        "baseline_count": 3.0 * (number + 1),
                        "reasons": [{"reason": name, "contribution": value} for name, value in reasons],
                        "action": "foot_patrol",
                        "top_chance": 0.98 - 0.12 * number,
                        "expected_without_recent": expected / 2,
                        "rank_without_recent": number + 1 if number == 0 else 41,
                        "was_listed": number != 3,
                        "peak_weekday": 5,
                        "peak_hour": 22,
                        "peak_share": 0.12,
                        "hours": [0.03 if 118 <= hour < 122 else 0.88 / 164 for hour in range(168)],
                        "hours_own_share": 0.7,
                        "beat_code": beat,
                        "station_code": BEATS[beat],
                    }
                )
    return rows_of("hotspots", *rows)


def _lists(as_of: date, edition_id: str) -> dict[str, pl.DataFrame]:
    """Return a second list for each category and period: calmer, with c9 in the place of the last."""
    published = _hotspots(as_of, edition_id)
    last = published.filter(pl.col("rank") == 8)
    spare = last.with_columns(
        pl.lit("c9").alias("place_id"), pl.lit(9, pl.Int32).alias("rank"), pl.col("advice_id").str.replace("7$", "R9")
    )
    first = published.with_columns(calm=pl.lit(0.0))
    calmer = pl.concat(
        [
            published.filter(pl.col("rank") < 8).with_columns(was_listed=pl.lit(True)),
            spare.with_columns(rank=pl.lit(8, pl.Int32)),
        ]
    ).with_columns(calm=pl.lit(0.25))
    columns = EDITION["calm_lists"].column_names()
    return {"spare_hotspots": spare, "calm_lists": pl.concat([first.select(columns), calmer.select(columns)])}


def _area_ranks(as_of: date) -> pl.DataFrame:
    """Return the beats in the order of their names: 12 incidents expected in the first, 3 fewer in each further."""
    return rows_of(
        "area_hotspots",
        *(
            {
                "category": category,
                "horizon_days": days,
                "period_start": as_of,
                "period_end": as_of + timedelta(days=days),
                "level": "beat",
                "area_code": beat,
                "rank": number + 1,
                "expected": 12.0 - 3 * number,
                "low": 2.0,
                "high": 20.0,
                "interval_level": 0.8,
                "area_km2": 4.0,
                "baseline_rank": 4 - number,
                "baseline_count": 40.0 + number,
                "listed_places": 2,
                "beat_code": beat,
                "station_code": station,
            }
            for category in CATEGORIES
            for days in HORIZONS
            for number, (beat, station) in enumerate(BEATS.items())
        ),
    )


def _surface() -> pl.DataFrame:
    rows = [
        {
            "category": category,
            "horizon_days": days,
            "place_id": f"g{beat}{i}",
            "lon": _corner(beat)[0] + CELL * i,
            "lat": _corner(beat)[1] + CELL * i,
            "expected": 0.1 * i,
            "beat_code": beat,
            "station_code": BEATS[beat],
        }
        for category in CATEGORIES
        for days in HORIZONS
        for beat in BEATS
        for i in range(1, 11)
    ]
    return rows_of("hotspot_surface", *rows)


def _scores(as_of: date) -> pl.DataFrame:
    rows = [
        {
            "category": category,
            "horizon_days": days,
            "origin": as_of - timedelta(days=30 * back),
            "model": model,
            "area_km2": 0.18,
            "events": 50.0,
            "hits": hits,
            "pai": hits,
            "pei": hits / 20,
            "expected_hits": hits + 1,
            "coverage": 0.82,
        }
        for category in CATEGORIES
        for days in HORIZONS
        for back in (1, 2)
        for model, hits in (("additive_boosting", 12.0), ("count_365", 10.0))
    ]
    return rows_of("model_scores", *rows)


def _models() -> dict[str, pl.DataFrame]:
    """Return how good the method was: better than the one-year count, no better than the three-year count."""
    keys = [{"category": category, "horizon_days": days} for category in CATEGORIES for days in HORIZONS]
    methods = (
        {"model": "additive_boosting", "chosen": True, "hits": 12.0, "gain_365": 2.0, "gain_365_low": 0.5},
        {"model": "count_365", "hits": 10.0},
        {"model": "count_1095", "hits": 11.5},
        {"model": "oracle", "hits": 20.0},
    )
    gains = {"gain_365_high": 3.0, "gain_1095": 0.2, "gain_1095_low": -1.0, "gain_1095_high": 1.5}
    shared = {"origins": 2, "area_km2": 0.18, "total_km2": 16.0, "events": 50.0}
    groups = (
        {"kind": "station", "group_code": "s1", "incidents": 40.0, "ratio": 1.6, "ratio_low": 1.3, "ratio_high": 2.0},
        {"kind": "station", "group_code": "s2", "incidents": 8.0, "ratio": 1.0, "ratio_low": 0.5, "ratio_high": 2.1},
        {"kind": "density", "group_code": "low", "incidents": 2.0, "ratio": 4.0, "ratio_low": 1.2, "ratio_high": None},
        {"kind": "density", "group_code": "high", "incidents": 46.0, "ratio": 1.0, "ratio_low": 0.9, "ratio_high": 1.1},
        {
            "kind": "source",
            "group_code": "police",
            "incidents": 30.0,
            "incident_share": 0.1,
            "excluded": True,
            "list_change": 0.25,
        },
        {"kind": "source", "group_code": "reported", "incidents": 270.0, "incident_share": 0.9},
    )
    ends = {"everything": 0.4, "everything_limited": 0.1, "reported": 0.03, "reported_capped": 0.03}
    feedback = [
        {"category": category, "rule": rule, "period": period, "measure": measure, "group_code": code, **told}
        for category in CATEGORIES
        for rule, end in ends.items()
        for period in range(5)
        for measure, code, told in (
            ("distance", None, _spread(0.05 + (end - 0.05) * period / 4, 0.0)),
            ("concentration", None, _spread(0.3 + end / 2, 0.3)),
            ("visit_share", "s1", _spread(0.5 + end / 2, 0.5)),
            ("visit_share", "s2", _spread(0.5 - end / 2, 0.5)),
        )
    ]
    return {
        "model_comparison": rows_of(
            "model_comparison",
            *(
                {
                    **key,
                    **shared,
                    **row,
                    "hit_rate": row["hits"] / 50,
                    "pai": row["hits"],
                    **(gains if row.get("chosen") else {}),
                }
                for key in keys
                for row in methods
            ),
        ),
        "model_curves": rows_of(
            "model_curves",
            *(
                {
                    **key,
                    "model": row["model"],
                    "area_share": area,
                    "is_budget": area == 0.01,
                    "hit_rate": row["hits"] / 50 * area**0.2 / 0.01**0.2,
                }
                for key in keys
                for row in methods
                for area in (0.002, 0.01, 0.05)
            ),
        ),
        "model_calibration": rows_of(
            "model_calibration",
            *(
                {
                    **key,
                    "band": band,
                    "places": 10 * 4**band,
                    "expected": 12.5,
                    "observed": 12.0 - band,
                    "observed_low": 7.0 - band,
                    "observed_high": 19.0,
                    **({"cover_50": 0.55, "cover_80": 0.82, "cover_95": 0.96} if band == 0 else {}),
                }
                for key in keys
                for band in range(4)
            ),
        ),
        "model_groups": rows_of(
            "model_groups",
            *(
                {**key, "flagged_share": 0.5, "hits": 1.0, "hit_rate": 0.25, "expected": 5.0, **row}
                for key in keys
                for row in groups
            ),
        ),
        "grid_sensitivity": rows_of(
            "grid_sensitivity",
            *(
                {"category": category, "horizon_days": 28, "model": "kernel", "origins": 2, "events": 50.0, **row}
                for category in CATEGORIES
                for row in (
                    {"change": "as_asked", "cell_m": 150.0, "places": 8, "hits": 12.0, "overlap": 1.0},
                    {"change": "shift", "cell_m": 150.0, "shift_right_m": 75.0, "shift_up_m": 0.0, "places": 8}
                    | {"hits": 11.0, "overlap": 0.4},
                    {"change": "size", "cell_m": 225.0, "places": 4, "hits": 5.0, "overlap": 0.5},
                )
            ),
        ),
        "feedback": rows_of("feedback", *feedback),
    }


def _spread(value: float, truth: float) -> dict[str, float]:
    return {"value": value, "low": value - 0.01, "high": value + 0.01, "truth": truth}


def _workload(as_of: date, edition_id: str) -> pl.DataFrame:
    rows = [
        {
            "advice_id": f"{edition_id}-w-{beat}-{week}-{kind}",
            "beat_code": beat,
            "station_code": station,
            "week_start": as_of + timedelta(days=7 * week - as_of.weekday()),
            "visit_kind": kind,
            "due": 4.0,
            "overdue": 2.0 if week == 0 else 0.0,
            "triggered": 1.5,
            "triggered_low": 0.0,
            "triggered_high": 4.0,
            "baseline": 1.0,
            "attempts": 6.0,
            "minutes": 180.0,
            "minutes_low": 120.0,
            "minutes_high": 260.0,
            "assumed": kind == "elderly_alone",
        }
        for beat, station in BEATS.items()
        for week in range(4)
        for kind in ("hotel", "elderly_alone")
    ]
    return rows_of("visit_workload", *rows)


def _plan(as_of: date, edition_id: str) -> pl.DataFrame:
    rows = []
    for beat, station in BEATS.items():
        for number in range(6):
            due = as_of + timedelta(days=3 * number - 5)
            rows.append(
                {
                    "advice_id": f"{edition_id}-v-{beat}-{number}",
                    "station_code": station,
                    "beat_code": beat,
                    "rank": number + 1,
                    "object_id": f"obj-{beat}-{number}",
                    "visit_kind": "hotel" if number % 2 else "elderly_alone",
                    "label": f"秘密旅馆{beat}{number}",
                    "due_on": due,
                    "overdue_days": max((as_of - due).days, 0),
                    "last_visit_on": as_of - timedelta(days=90),
                    "suggested_on": as_of + timedelta(days=number) if number < 5 else None,
                    "minutes": 25.0,
                    "rule_id": "hotel",
                    "lon": _corner(beat)[0] + 0.003 * number,
                    "lat": _corner(beat)[1] + 0.003 * number,
                }
            )
    return rows_of("visit_plan", *rows)


def _staffing(as_of: date, edition_id: str) -> pl.DataFrame:
    shifts = (("day", "白班", "Day", 8.0), ("middle", "中班", "Middle", 16.0), ("night", "夜班", "Night", 0.0))
    rows = []
    for unit, available in (("s1", 6.0), ("s2", 9.0)):
        for shift, zh, en, start in shifts:
            need = 7.4 if shift == "middle" else 5.2
            rows.append(
                {
                    "advice_id": f"{edition_id}-s-{unit}-{shift}",
                    "unit_code": unit,
                    "shift_code": shift,
                    "shift_name_zh": zh,
                    "shift_name_en": en,
                    "start_hour": start,
                    "hours": 8.0,
                    "period_start": as_of,
                    "period_end": as_of + timedelta(days=28),
                    "incidents_p10": 4.0,
                    "incidents_p50": 8.0,
                    "incidents_p90": 13.0,
                    "incident_hours": 14.0,
                    "visit_hours": 6.0,
                    "backlog_hours": 1.0,
                    "travel_hours": 2.0,
                    "duty_hours": 3.0,
                    "demand_hours": 26.0,
                    "established": available,
                    "available": available,
                    "relief_factor": 1.6,
                    "committed_share": 26 / (available * 8),
                    "need_p50": need - 1,
                    "need_p80": need,
                    "need_p90": need + 1,
                    "fte": need * 1.6,
                    "fte_low": need * 1.4,
                    "fte_high": need * 1.8,
                    "gap": need - available,
                    "wait_share": 0.08,
                    "next_officer_value": 0.03,
                    "binding": "workload",
                    "time_completeness": 0.95,
                    "assumed": True,
                }
            )
    return rows_of("staffing", *rows)


def _daily(as_of: date) -> pl.DataFrame:
    rows = [
        {
            "day": as_of - timedelta(days=back),
            "category": category,
            "station_code": station,
            "beat_code": beat,
            "discovered_by": "reported",
            "incidents": 1 + (back + number) % 3,
        }
        for category in CATEGORIES
        for number, (beat, station) in enumerate(BEATS.items())
        for back in range(1, 1100, 5)
    ]
    # One event in a month of its own: too few to show to a researcher.
    lonely = {"day": date(2026, 6, 30), "category": "020300", "station_code": "s1", "beat_code": "b11", "incidents": 2}
    return rows_of("daily_counts", *rows, lonely)


def _hourly() -> pl.DataFrame:
    rows = [
        {
            "category": category,
            "station_code": station,
            "beat_code": beat,
            "weekday": weekday,
            "hour": hour,
            "incidents": 0.5 + (hour + weekday) % 6,
            "window_days": 365,
        }
        for category in CATEGORIES
        for beat, station in BEATS.items()
        for weekday in range(1, 8)
        for hour in range(24)
    ]
    return rows_of("hourly_profile", *rows)
