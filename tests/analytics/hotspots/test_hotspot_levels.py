"""The level of a period: rates known at the origin, weighted by what they were worth before."""

from datetime import timedelta

import numpy as np
import pytest

from analytics.hotspots.history import day_number
from analytics.hotspots.levels import LevelModel
from analytics.hotspots.periods import past_periods
from analytics.hotspots.study import Study


def study_of(make_frame, grid, as_of, days_back):
    lon, lat = grid.centres([3] * len(days_back), [3] * len(days_back))
    rows = make_frame("THEFT", lon, lat, [as_of - timedelta(days=int(d)) for d in days_back])
    return Study.of(rows, as_of=as_of, grid=grid).panel("THEFT")


def test_rates_by_hand(make_frame, grid, as_of):
    # 2 a day in the last 28 days, 1 a day before that, for 800 days.
    panel = study_of(make_frame, grid, as_of, np.concatenate([np.arange(1, 29), np.arange(1, 801)]))
    month, quarter, year, season = LevelModel(panel, 28).rates(day_number(as_of))
    assert month == pytest.approx(56)
    assert quarter == pytest.approx((91 + 28) * 28 / 91)
    assert year == pytest.approx((365 + 28) * 28 / 365)
    # Last year's season had 1 a day; the year's trend is 393 / 365.
    assert season == pytest.approx(28 * 393 / 365)


def test_a_rising_level_is_followed(make_frame, grid, as_of):
    rng = np.random.default_rng(0)
    # Doubles every 280 days: each month is 1.07 times the last.
    days = np.arange(1, 1400)
    panel = study_of(make_frame, grid, as_of, np.repeat(days, rng.poisson(20 * 0.5 ** (days / 280))))
    periods = past_periods(panel, day_number(as_of), 28, 12)
    model = LevelModel(panel, 28).fit(periods)
    assert model.weights.sum() == pytest.approx(1)
    assert (model.weights >= 0).all()
    # The plain year is a third too low; what comes is 20 x 28 x about 1.035.
    assert model.rates(day_number(as_of))[2] < 420
    assert model.predict(day_number(as_of)) == pytest.approx(20 * 28 * 1.035, rel=0.1)


def test_nothing_recent_is_little_but_not_nothing(make_frame, grid, as_of):
    panel = study_of(make_frame, grid, as_of, np.arange(400, 1000))
    model = LevelModel(panel, 7).fit(past_periods(panel, day_number(as_of), 7, 4))
    assert model.predict(day_number(as_of)) == 0.5
