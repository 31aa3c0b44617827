"""Sources that learn of incidents weeks later: what is not in yet must not pass for quiet."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from analytics.hotspots.forecast import forecast_hotspots
from analytics.hotspots.periods import STEP_DAYS, waiting_days
from analytics.hotspots.selection import choose_beforehand, roll_rankers
from analytics.hotspots.study import Study


def delayed(incidents: pl.DataFrame, days: int) -> pl.DataFrame:
    return incidents.with_columns(known_on=pl.col("occurred_on") + pl.duration(days=days))


def study_of(incidents: pl.DataFrame, grid, as_of) -> Study:
    return Study.of(incidents, as_of=as_of, grid=grid)


@pytest.mark.parametrize(("days", "horizon_days", "wait"), [(0, 28, 0), (1, 28, 0), (10, 28, 28), (40, 28, 56)])
def test_a_period_is_learnt_from_once_its_incidents_are_in(incidents, grid, as_of, days, horizon_days, wait):
    panel = study_of(delayed(incidents, days), grid, as_of).panel("THEFT")
    assert waiting_days(panel, horizon_days) == wait


def test_a_week_tried_a_month_back_waits_only_for_what_takes_longer(incidents, grid, as_of):
    panel = study_of(delayed(incidents, 20), grid, as_of).panel("THEFT")
    assert (waiting_days(panel, 7), waiting_days(panel, 28)) == (0, STEP_DAYS)


def test_a_record_loaded_at_once_years_later_is_not_waited_for(incidents, grid, as_of):
    rows = incidents.with_columns(known_on=pl.lit(as_of - timedelta(days=1)))
    assert waiting_days(study_of(rows, grid, as_of).panel("THEFT"), 28) == 0


def test_incidents_that_are_not_in_yet_do_not_lower_the_forecast(incidents, grid, as_of):
    expected = {}
    for days in (0, 30):
        found = forecast_hotspots(
            delayed(incidents, days), as_of=as_of, horizon_days=28, category="THEFT", grid=grid, area_km2=0.1
        )
        expected[days] = float(found.expected.sum())
        assert all(origin + 28 + days <= day_of(as_of) + 1 for origin in found.backtest.origins)
    # The plain way of learning from the newest months told 0.72 of the undelayed forecast.
    assert 0.85 < expected[30] / expected[0] < 1.15


def test_nothing_is_chosen_on_what_was_known_later(incidents, grid, as_of):
    panel = study_of(delayed(incidents, 40), grid, as_of).panel("THEFT")
    origins = [day_of(as_of) - 84 - STEP_DAYS * k for k in range(20)]
    periods = [panel.period(origin, 28, observed=True) for origin in origins]
    rolled = roll_rankers(
        panel, periods, horizon_days=28, names=["count_365", "count_1095"], seed=0, tried=8, fitted=8, flagged=10
    )
    assert rolled is not None and rolled.wait_days == 56
    assert rolled.older[0].origin + 28 + 56 <= rolled.newest[-1].origin
    chosen = choose_beforehand(rolled, ["count_365", "count_1095"], 10, 0)
    # Three origins are asked for, each three steps old at least: the newest two of eight have the third.
    assert [name is not None for name in chosen] == [True] * 3 + [False] * 5


def day_of(day) -> int:
    return int(np.datetime64(day, "D").astype(int))
