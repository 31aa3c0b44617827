"""Days that were recorded: holes in a record are no days on which nothing happened."""

from __future__ import annotations

import math
from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from analytics.hotspots.forecast import forecast_hotspots
from analytics.hotspots.history import History, day_number
from analytics.hotspots.periods import past_periods
from analytics.hotspots.record import Record
from analytics.hotspots.study import Study

END = 20_000


def record_of(days, known=None) -> Record:
    days = np.sort(np.asarray(days, dtype=np.int64))
    nothing = np.zeros(len(days))
    return Record.of(History(nothing, nothing, days, days if known is None else known, nothing + 1, nothing == 0))


def test_without_holes_every_day_counts():
    record = record_of(np.arange(END - 1000, END))
    assert record.holes == ()
    assert record.days(END, 0, 365) == 365
    assert record.days(END, 0, 5000) == 1000
    assert record.faded_days(END, 100) == pytest.approx(100 / math.log(2) * (1 - 0.5**10))


def test_a_hole_is_taken_out_of_every_window():
    record = record_of(np.setdiff1d(np.arange(END - 1000, END), np.arange(END - 200, END - 100)))
    assert record.holes == ((END - 200, END - 100),)
    assert record.days(END, 0, 50) == 50
    assert record.days(END, 0, 150) == 100
    assert record.days(END, 0, 1000) == 900
    assert record.days(END, 120, 180) == 0
    assert record.faded_days(END, 100) == pytest.approx(100 / math.log(2) * (1 - 0.5**10 - 0.5 + 0.25))
    # Before it began, and from within it: only what was missing by then.
    assert record.days(END - 200, 0, 100) == 100
    assert record.days(END - 150, 0, 100) == 50
    assert record.misses(END - 128, END - 99, as_of=END) and not record.misses(END - 100, END - 72, as_of=END)


def test_a_week_whose_file_is_missing_is_a_hole_although_later_files_tell_a_little_of_it():
    rng = np.random.default_rng(4)
    days = np.repeat(np.arange(END - 400, END), rng.poisson(40, 400))
    known = days + rng.geometric(0.7, len(days)) - 1
    lost = (days >= END - 21) & (days < END - 14)
    assert record_of(days, known).holes == ()
    kept = ~lost | (rng.random(len(days)) < 0.1)
    record = record_of(days[kept], known[kept])
    assert record.holes == ((END - 21, END - 14),)
    assert record.days(END, 0, 28) == 21
    assert record.misses(END - 28, END, as_of=END)


def test_what_is_not_in_yet_is_a_hole_until_it_is():
    # Published every 50 days: on the 40th nothing of the last 40 days is known.
    days = np.arange(END - 1000, END)
    record = record_of(days, days // 50 * 50 + 50)
    assert record.days(END - 10, 0, 100) == 60
    assert record.days(END + 1, 0, 100) == 100
    assert record.misses(END - 30, END - 20, as_of=END - 10) and not record.misses(END - 30, END - 20, as_of=END + 1)


def test_quiet_weeks_of_a_rare_category_are_days_like_others():
    rng = np.random.default_rng(3)
    record = record_of(np.unique(rng.integers(END - 3000, END, 60)))
    assert record.holes == ()
    assert record.days(END + 90, 0, 90) == 90


def test_a_record_that_ended_years_ago_is_over_not_late():
    record = record_of(np.arange(END - 1000, END))
    assert record.days(END + 100, 0, 100) == 0
    assert record.days(END + 400, 0, 100) == 100


@pytest.mark.parametrize(("newest", "oldest"), [(60, 210), (28, 200), (0, 60)])
def test_months_that_were_not_loaded_do_not_lower_the_forecast(incidents, grid, as_of, newest, oldest):
    at = pl.col("occurred_on")
    lost = (at < as_of - timedelta(days=newest)) & (at >= as_of - timedelta(days=oldest))
    asked = {"as_of": as_of, "horizon_days": 28, "category": "THEFT", "grid": grid, "area_km2": 0.1}
    told = forecast_hotspots(incidents.filter(~lost), **asked).expected.sum()
    # Taken for quiet months they left 0.56, 0.38 and 0.47 of what happens.
    assert 0.8 < told / forecast_hotspots(incidents, **asked).expected.sum() < 1.2


def test_no_period_is_learnt_from_that_was_not_recorded_to_its_end(incidents, grid, as_of):
    at = pl.col("occurred_on")
    lost = (at < as_of - timedelta(days=50)) & (at >= as_of - timedelta(days=100))
    panel = Study.of(incidents.filter(~lost), as_of=as_of, grid=grid).panel("THEFT")
    origins = [day_number(as_of) - period.origin for period in past_periods(panel, day_number(as_of), 28, 5)]
    assert origins == [28, 140, 168, 196, 224]


def test_the_counterfactual_takes_incidents_away_and_no_days(incidents, grid, as_of):
    only = incidents.filter(pl.col("category") == "THEFT")
    study = Study.of(only, as_of=as_of, grid=grid)
    without = study.panel_without("THEFT", 28)
    assert without.record is study.panel("THEFT").record
    assert without.first_day == study.panel("THEFT").first_day
