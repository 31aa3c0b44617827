"""A small town to open pages on: two stations, four beats, two editions, numbers by formula, no model behind them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from math import log
from pathlib import Path

import polars as pl

from data.editions import write_edition
from data.files import write_json
from data.schemas import EDITION
from data.snapshots import QUARANTINE, write_snapshot
from data.store import Store
from tests.data.tiny_edition import rows_of
from tests.pages.town_ground import (
    AS_OF,
    BEATS,
    CATEGORIES,
    CELL,
    HORIZONS,
    NEWER,
    OLDER,
    corner,
    town_areas,
    town_base_map,
)
from tests.pages.town_models import town_models, town_past, town_scores
from tests.pages.town_units import town_units
from tests.pages.town_work import town_daily, town_hourly, town_plan, town_staffing, town_visit_scores, town_workload


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
            "unit_verdicts": [
                {
                    "category": CATEGORIES[0],
                    "horizon_days": 28,
                    "unit": "segment",
                    "model": "ensemble",
                    "verdict": "It won.",
                    "studied": 12,
                    "listed": 2,
                    "periods": 2,
                    "coverage": 0.83,
                    "events": 50.0,
                    "on_places": 0.9,
                    "hits": 20.0,
                    "plain_hits": 16.0,
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
        "areas": town_areas(),
        "base_map": town_base_map(),
        "hotspots": _hotspots(as_of, edition_id),
        **(
            {**_lists(as_of, edition_id), "area_hotspots": _area_ranks(as_of), **town_units(as_of)}
            if edition_id == NEWER
            else {}
        ),
        "hotspot_surface": _surface(),
        "model_scores": town_scores(as_of),
        # The older edition is from before there were such tables.
        **({**town_models(), **town_past()} if edition_id == NEWER else {}),
        "visit_workload": town_workload(as_of, edition_id),
        "visit_plan": town_plan(as_of, edition_id),
        **({"visit_scores": town_visit_scores()} if edition_id == NEWER else {}),
        "staffing": town_staffing(as_of, edition_id),
        "daily_counts": town_daily(as_of),
        "hourly_profile": town_hourly(),
        "funnel": rows_of(
            "funnel",
            *(
                {"source": "demo", "step": step, "rows": rows}
                for step, rows in (("calls", 117), ("incidents", 117), ("valid", 60), ("dated", 60), ("located", 55))
            ),
        ),
    }


def _hotspots(as_of: date, edition_id: str) -> pl.DataFrame:
    rows = []
    for category in CATEGORIES:
        for days in HORIZONS:
            for number in range(8):
                beat = list(BEATS)[number % 4]
                lon, lat = (c + 0.004 + 0.004 * (number // 4) for c in corner(beat))
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
            "lon": corner(beat)[0] + CELL * i,
            "lat": corner(beat)[1] + CELL * i,
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
