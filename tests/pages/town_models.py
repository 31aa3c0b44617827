"""How good the methods were in the small town: numbers by formula, no model behind them."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from tests.data.tiny_edition import rows_of
from tests.pages.town_ground import BEATS, CATEGORIES, HORIZONS, OLDER


def town_scores(as_of: date) -> pl.DataFrame:
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


def town_models() -> dict[str, pl.DataFrame]:
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


def town_past() -> dict[str, pl.DataFrame]:
    """Return what the older edition's lists told and what happened: too little for seven days, right for 28."""
    lists, places = [], []
    for category in CATEGORIES:
        for days in HORIZONS:
            about = {
                "category": category,
                "horizon_days": days,
                "told_by": OLDER,
                "period_start": date(2026, 6, 1),
                "period_end": date(2026, 6, 1) + timedelta(days=days),
            }
            told, hits, low, high = (2.5, 9.0, 4.7, 15.7) if days == 7 else (40.0, 42.0, 32.0, 55.0)
            lists += [
                {
                    **about,
                    "area_level": level,
                    "area_code": code,
                    "places": 8 // part,
                    "expected": told / part,
                    "hits": hits / part,
                    "hits_low": low / part,
                    "hits_high": high / part,
                    "plain_hits": 30.0 / part,
                    "events": 100.0 / part,
                    "inside": 6 // part,
                    "interval_level": 0.8,
                }
                for level, code, part in ((None, None, 1), ("sub_bureau", "b0", 1), ("station", "s1", 2))
            ]
            places += [
                {
                    **about,
                    "advice_id": f"{OLDER}-{category}-{days}-{number}",
                    "place_id": f"c{number}",
                    "beat_code": beat,
                    "station_code": BEATS[beat],
                    "rank": number + 1,
                    "expected": 4.0 - number,
                    "low": 0.0,
                    "high": 9.0,
                    "observed": 7.0 - number,
                }
                for number, beat in enumerate(BEATS)
            ]
    return {"past_lists": rows_of("past_lists", *lists), "past_places": rows_of("past_places", *places)}
