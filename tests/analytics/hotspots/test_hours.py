"""Time of need: local hours, spread intervals, days that say nothing, and few incidents drawn to their category."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from analytics.hotspots.hours import TimesOfNeed, busiest_block, choose_prior

AS_OF = date(2023, 1, 1)
#: 2022-12-05 is a Monday; 14:00 UTC is 22:00 in Shanghai.
MONDAY = datetime(2022, 12, 5, 14, tzinfo=UTC)


@pytest.fixture
def rows(grid, make_frame):
    lon, lat = grid.centres(5 + np.arange(9) / 100, [5] * 9)
    frame = make_frame("THEFT", lon, lat, [MONDAY.date()] * 9, [MONDAY] * 9)
    return frame.with_columns(occurred_to=pl.lit(MONDAY + timedelta(hours=4)).cast(pl.Datetime("us", "UTC")))


def week_at(rows, grid, column=5, row=5, **more):
    asked = {"as_of": AS_OF, "timezone": "Asia/Shanghai"} | more
    return TimesOfNeed(rows, "THEFT", grid, **asked).at(*grid.centres([column], [row]))[0]


def test_intervals_are_spread_over_local_hours_past_midnight(rows, grid):
    week = week_at(rows, grid)
    # Monday 22:00 to Tuesday 02:00 holds everything but the prior.
    assert (week.weekday, week.hour) == (1, 22)
    assert week.block_share == pytest.approx(sum(week.shares[22:26]), abs=1e-4)
    np.testing.assert_allclose(week.shares[22:26], [week.shares[22]] * 4, rtol=0.35)
    assert sum(week.shares) == pytest.approx(1, abs=1e-3)
    assert week.block_share > 5 * 4 / 168


def test_where_nothing_is_listed_no_place_has_a_week(rows, grid):
    times = TimesOfNeed(rows, "THEFT", grid, as_of=AS_OF, timezone="Asia/Shanghai")
    assert times.at(np.array([]), np.array([])) == []


def test_several_records_of_one_event_are_one(rows, grid):
    times = TimesOfNeed(pl.concat([rows] * 3), "THEFT", grid, as_of=AS_OF, timezone="Asia/Shanghai")
    counts = times.counts_near(*grid.centres([5], [5]))
    assert counts.sum() == pytest.approx(9)
    np.testing.assert_allclose(counts[0, 22:26], 9 / 4)
    assert week_at(pl.concat([rows] * 3), grid) == week_at(rows, grid)


def test_days_without_a_time_and_wide_intervals_say_nothing_of_the_hour(rows, grid):
    dated = week_at(rows.with_columns(time_precision=pl.lit("day")), grid)
    assert (dated.weekday, dated.hour, dated.shares) == (1, None, None)
    few = week_at(rows.with_columns(time_precision=pl.lit("day")).head(3), grid)
    assert (few.weekday, few.hour) == (None, None)
    wide = rows.with_columns(occurred_to=pl.lit(MONDAY + timedelta(days=4)).cast(pl.Datetime("us", "UTC")))
    assert week_at(wide, grid).shares is None
    found = rows.with_columns(discovered_by=pl.lit("police"))
    assert week_at(found, grid).weekday is None
    assert week_at(found, grid, include_discovered=True).hour == 22
    assert week_at(rows.clear(), grid).shares is None
    late = rows.with_columns(known_on=pl.lit(AS_OF))
    assert week_at(late, grid).shares is None


def test_a_place_with_few_incidents_is_drawn_to_its_category(grid, make_frame):
    rng = np.random.default_rng(0)
    parts = []
    for column in range(2, 18, 4):
        # Everywhere evenings; at column 18 mornings.
        lon, lat = grid.centres([column] * 120, [5] * 120)
        day = [AS_OF - timedelta(days=int(d)) for d in rng.integers(1, 300, 120)]
        hour = rng.choice([10, 11, 12, 13], 120)
        parts.append(
            make_frame(
                "THEFT",
                lon,
                lat,
                day,
                [datetime(d.year, d.month, d.day, int(h), 30, tzinfo=UTC) for d, h in zip(day, hour, strict=True)],
            )
        )
    for column, n in ((18, 200), (22, 3)):
        lon, lat = grid.centres([column] * n, [5] * n)
        day = [AS_OF - timedelta(days=7 * (i % 40) + 2) for i in range(n)]
        parts.append(
            make_frame("THEFT", lon, lat, day, [datetime(d.year, d.month, d.day, 1, 30, tzinfo=UTC) for d in day])
        )
    city = pl.concat(parts)
    own, few = week_at(city, grid, 18), week_at(city, grid, 22)
    assert own.hour in range(6, 10)
    assert own.own_share > few.own_share
    evening = sum(sum(few.shares[24 * day + 18 : 24 * day + 22]) for day in range(7))
    assert evening > 0.5
    assert few.own_share < 0.5


def test_the_prior_is_heavy_where_places_are_alike_and_light_where_they_differ():
    rng = np.random.default_rng(0)
    category = np.full(168, 1 / 168)
    alike = rng.multinomial(100, category, size=40).astype(float)
    apart = np.zeros((40, 168))
    apart[np.arange(40), rng.integers(0, 168, 40)] = 100
    assert choose_prior(alike, category) > 300
    assert choose_prior(apart, category) == 10


def test_the_busiest_block_runs_past_midnight_and_past_sunday():
    shares = np.zeros(168)
    shares[[167, 0, 1]] = 1 / 3
    weekday, hour, share = busiest_block(shares)
    assert (weekday, hour) == (7, 22)
    assert share == pytest.approx(1)


def test_midnight_written_for_unknown_is_left_out_and_a_busy_night_is_not(grid, make_frame):
    rng = np.random.default_rng(0)
    days = [AS_OF - timedelta(days=int(d)) for d in rng.integers(1, 300, 400)]
    lon, lat = grid.centres([5] * 400, [5] * 400)
    # 16:01 UTC is 00:01 in Shanghai; half of all incidents, against a few around noon.
    stand_ins = [datetime(d.year, d.month, d.day, 16, 1, tzinfo=UTC) for d in days[:200]]
    noon = [
        datetime(d.year, d.month, d.day, 4, int(m), tzinfo=UTC)
        for d, m in zip(days[200:], rng.integers(0, 60, 200), strict=True)
    ]
    week = week_at(make_frame("THEFT", lon, lat, days, [*stand_ins, *noon]), grid)
    assert sum(week.shares[12::24]) > 0.9
    # All through the night: as many at 23:00, 00:00 and 01:00.
    night = [
        datetime(d.year, d.month, d.day, int(h), 0, tzinfo=UTC)
        for d, h in zip(days, rng.choice([15, 16, 17], 400), strict=True)
    ]
    week = week_at(make_frame("THEFT", lon, lat, days, night), grid)
    assert sum(week.shares[0::24]) > 0.25
