"""Incidents for the tests of staffing and trends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from data.schemas import Incidents


@pytest.fixture
def incidents_of() -> Callable[..., pl.DataFrame]:
    """Incidents from a few columns; a valid theft at a known hour of station s1 unless a row says otherwise."""

    def make(*rows: dict[str, Any]) -> pl.DataFrame:
        usual = {
            "jurisdiction": "j",
            "source": "test",
            "load_id": "L",
            "category": "theft",
            "valid": True,
            "weight": 1,
            "time_precision": "exact",
            "location_level": "station",
            "station_code": "s1",
        }
        filled = []
        for number, row in enumerate(rows):
            full = {name: None for name in Incidents.column_names()} | usual | {"incident_id": f"i{number}"} | row
            if full["occurred_on"] is None and full["occurred_from"] is not None:
                full["occurred_on"] = full["occurred_from"].date()
            filled.append(full)
        return Incidents.validate(pl.DataFrame(filled, infer_schema_length=None), cast=True)

    return make
