from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import dataframely as dy
import polars as pl
import pytest

from data.schemas import Shifts, VisitWorkload


@pytest.fixture
def shifts_of() -> Callable[..., pl.DataFrame]:
    """Shifts from unit, code, start hour, hours, officers available."""

    def make(*rows: tuple[str, str, float, float, float]) -> pl.DataFrame:
        full = [
            {
                "record_key": f"{unit}-{shift}",
                "source": "test",
                "load_id": "L",
                "source_file": "shifts.csv",
                "source_line": line,
                "unit_code": unit,
                "shift_code": shift,
                "start_hour": start,
                "hours": hours,
                "established": available,
                "available": available,
            }
            for line, (unit, shift, start, hours, available) in enumerate(rows, start=2)
        ]
        empty = {name: None for name in Shifts.column_names()}
        return Shifts.validate(pl.DataFrame([empty | row for row in full], infer_schema_length=None), cast=True)

    return make


@pytest.fixture
def workload_of() -> Callable[..., pl.DataFrame]:
    """A visit workload row per mapping; numbers are 0 unless stated."""

    def make(*rows: dict[str, Any]) -> pl.DataFrame:
        numbers = [name for name, column in VisitWorkload.columns().items() if isinstance(column, dy.Float64)]
        usual = {name: 0.0 for name in numbers} | {
            "station_code": "s1",
            "beat_code": "b1",
            "visit_kind": "hotel",
            "assumed": False,
        }
        full = [usual | {"advice_id": f"a{number}"} | row for number, row in enumerate(rows)]
        return VisitWorkload.validate(pl.DataFrame(full).select(VisitWorkload.column_names()), cast=True)

    return make


@pytest.fixture
def steady_year(incidents_of: Callable[..., pl.DataFrame]) -> pl.DataFrame:
    """One call of two officer-hours at 10:00 local time (UTC+8) each day of 120 days before 2026-03-02."""
    from datetime import UTC, datetime

    first = datetime(2025, 11, 2, 2, 0, tzinfo=UTC)
    return incidents_of(
        *(
            {
                "occurred_from": first + timedelta(days=day),
                "reported_at": first + timedelta(days=day),
                "dispatched_at": first + timedelta(days=day),
                "departed_at": first + timedelta(days=day),
                "cleared_at": first + timedelta(days=day, hours=1),
                "officer_hours": 2.0,
            }
            for day in range(120)
        )
    )
