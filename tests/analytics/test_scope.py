"""Which force, which incidents, which categories an edition is about."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from types import SimpleNamespace

import polars as pl
import pytest

from analytics.edition import EditionParameters
from analytics.scope import (
    FEWEST_INCIDENTS,
    choose_categories,
    choose_jurisdiction,
    known_before,
    known_incidents,
)
from analytics.trends.series import funnel
from data.errors import RequestError

Make = Callable[..., pl.DataFrame]
AS_OF = date(2026, 3, 2)
DAY = {"occurred_on": date(2026, 2, 3), "time_precision": "day", "location_level": "point", "lon": 114.0, "lat": 22.5}


def snapshot_of(incidents: pl.DataFrame, *forces: str) -> SimpleNamespace:
    known = {code: SimpleNamespace(code=code) for code in forces}
    return SimpleNamespace(jurisdictions=known, scan=lambda table: incidents.lazy())


def test_one_force_needs_no_name_and_of_several_the_one_that_knows_the_category(incidents_of: Make) -> None:
    rows = incidents_of({**DAY, "jurisdiction": "a"}, {**DAY, "jurisdiction": "b", "category": "fraud"})
    assert choose_jurisdiction(snapshot_of(rows, "a"), None).code == "a"
    both = snapshot_of(rows, "a", "b")
    assert choose_jurisdiction(both, "b").code == "b"
    assert choose_jurisdiction(both, None, category="fraud").code == "b"
    with pytest.raises(RequestError, match="several police forces"):
        choose_jurisdiction(both, None)
    with pytest.raises(RequestError, match="unknown police force 'c'"):
        choose_jurisdiction(both, "c")


def test_nothing_is_taken_that_happened_or_became_known_on_the_day_or_later(incidents_of: Make) -> None:
    rows = incidents_of(
        DAY,
        {**DAY, "occurred_on": AS_OF},
        {**DAY, "known_on": AS_OF},
        {**DAY, "jurisdiction": "other"},
        {**DAY, "occurred_on": None},
    )
    snapshot = snapshot_of(rows, "j")
    # A row without a date still counts in the funnel.
    taken = known_incidents(snapshot, snapshot.jurisdictions["j"], AS_OF)
    assert taken["incident_id"].to_list() == ["i0", "i4"]
    with pytest.raises(RequestError, match="nothing is known before 2026-01-01"):
        known_incidents(snapshot, snapshot.jurisdictions["j"], date(2026, 1, 1))


def test_calls_of_later_days_are_no_losses_of_the_funnel(incidents_of: Make) -> None:
    rows = incidents_of(DAY, {**DAY, "occurred_on": AS_OF}, {**DAY, "known_on": AS_OF}, {**DAY, "occurred_on": None})
    calls = rows.select("source", "occurred_on", "known_on", parent_call_id=pl.lit(None, dtype=pl.String))
    taken = known_incidents(snapshot_of(rows, "j"), SimpleNamespace(code="j"), AS_OF)
    steps = funnel(calls.filter(known_before(AS_OF)), taken)
    assert steps.head(2).select("step", "rows").rows() == [("calls", 2), ("incidents", 2)]


def test_categories_are_the_frequent_ones_unless_asked_for(incidents_of: Make) -> None:
    rows = incidents_of(
        *[DAY] * FEWEST_INCIDENTS,
        *[{**DAY, "category": "noise"}] * (FEWEST_INCIDENTS + 1),
        *[{**DAY, "category": "fraud"}] * (FEWEST_INCIDENTS - 1),
    )
    assert choose_categories(rows, EditionParameters(AS_OF)) == ["noise", "theft"]
    assert choose_categories(rows, EditionParameters(AS_OF, categories=("fraud",))) == ["fraud"]
    with pytest.raises(RequestError, match="no incident before 2026-03-02 has category 'arson'"):
        choose_categories(rows, EditionParameters(AS_OF, categories=("arson",)))
