"""The work of the small town: visits, shifts, incidents by day and hour."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from tests.data.tiny_edition import rows_of
from tests.pages.town_ground import BEATS, CATEGORIES, corner


def town_workload(as_of: date, edition_id: str) -> pl.DataFrame:
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


def town_plan(as_of: date, edition_id: str) -> pl.DataFrame:
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
                    "minutes": 62.0,
                    "met_minutes": 25.0,
                    "missed_minutes": 5.0,
                    "rule_id": "hotel",
                    "lon": corner(beat)[0] + 0.003 * number,
                    "lat": corner(beat)[1] + 0.003 * number,
                }
            )
    return rows_of("visit_plan", *rows)


def town_visit_scores() -> pl.DataFrame:
    """Disputes: what was chosen on older weeks lost on newer ones. Warnings: it did not. Hotels: nothing to test on."""
    rows = [
        ("dispute_revisit", "poisson_regression", True, 13, 0.571, 0.94, 0.98),
        ("dispute_revisit", "gamma_poisson", False, 13, 0.569, 0.9, 0.98),
        ("dispute_revisit", "seasonal_naive", False, 13, 1.135, 1.06, 0.88),
        ("dv_warning", "gamma_poisson", True, 13, 0.344, 0.97, 1.0),
        ("dv_warning", "poisson_regression", False, 13, 0.351, 0.87, 1.0),
        ("hotel", "gamma_poisson", True, 0, None, None, None),
    ]
    names = ("visit_kind", "model", "chosen", "origins", "deviance", "bias", "coverage")
    return rows_of("visit_scores", *({**dict(zip(names, row, strict=True)), "interval_level": 0.8} for row in rows))


def town_staffing(as_of: date, edition_id: str) -> pl.DataFrame:
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
                    "undated_share": 0.25 if unit == "s1" else 0.01,
                    "assumed": True,
                }
            )
    return rows_of("staffing", *rows)


def town_daily(as_of: date) -> pl.DataFrame:
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


def town_hourly() -> pl.DataFrame:
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
