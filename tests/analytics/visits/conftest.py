from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest

from data.schemas import VisitRegister, Visits

_FROM = {"source": "test", "load_id": "L", "source_file": "f.csv", "source_line": 2}


@pytest.fixture
def register_of() -> Callable[..., pl.DataFrame]:
    """A register from a few columns; a hotel of beat b1 unless a row says otherwise."""

    def make(*rows: dict[str, Any]) -> pl.DataFrame:
        usual = (
            {name: None for name in VisitRegister.column_names()} | _FROM | {"beat_code": "b1", "visit_kind": "hotel"}
        )
        full = [usual | {"object_id": f"o{n}", "record_key": f"o{n}"} | row for n, row in enumerate(rows)]
        return VisitRegister.validate(pl.DataFrame(full, infer_schema_length=None), cast=True)

    return make


@pytest.fixture
def visits_of() -> Callable[..., pl.DataFrame]:
    """Visits from object, kind, UTC time, contact and, if given, minutes and crew."""

    def make(*rows: tuple[Any, ...]) -> pl.DataFrame:
        full = []
        for number, (object_id, kind, when, contact, *more) in enumerate(rows):
            time = when if isinstance(when, datetime) else datetime(when.year, when.month, when.day, 2, tzinfo=UTC)
            minutes, crew = (*more, None, None)[:2]
            full.append(
                _FROM
                | {"record_key": f"v{number}", "visit_id": f"v{number}", "object_id": object_id, "visit_kind": kind}
                | {"beat_code": "b1", "visited_at": time, "contact": contact, "minutes": minutes, "crew": crew}
            )
        if not full:
            return Visits.create_empty()
        frame = pl.DataFrame(full, infer_schema_length=None).select(Visits.column_names())
        return Visits.validate(frame, cast=True)

    return make


@pytest.fixture
def today() -> date:
    return date(2026, 3, 2)
