from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.trends.aoristic import local_hours, spread_over_hours
from analytics.trends.series import daily_counts, funnel, hour_coverage, hourly_profile
from data.errors import RequestError
from data.schemas import Calls, Incidents

Make = Callable[..., pl.DataFrame]
AS_OF = date(2026, 3, 2)
ZONE = "Asia/Shanghai"


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """A moment of February 2026 by the clock in Shanghai."""
    return datetime(2026, 2, day, hour, minute, tzinfo=UTC) - timedelta(hours=8)


def test_days_are_summed_by_weight_and_only_what_was_known(incidents_of: Make) -> None:
    day = {"occurred_on": date(2026, 2, 3), "time_precision": "day"}
    rows = incidents_of(
        day,
        day,
        {**day, "weight": -1},
        {**day, "valid": False},
        {**day, "known_on": AS_OF},
        {**day, "occurred_on": AS_OF},
        {**day, "occurred_on": None},
        {**day, "category": "fraud", "beat_code": "b1", "known_on": date(2026, 3, 1)},
        {**day, "category": "taken back"},
        {**day, "category": "taken back", "weight": -1},
    )
    counts = daily_counts(rows, as_of=AS_OF)
    assert counts.select("day", "category", "beat_code", "incidents").rows() == [
        (date(2026, 2, 3), "fraud", "b1", 1),
        (date(2026, 2, 3), "theft", None, 1),
    ]


def test_an_interval_is_spread_over_its_hours_and_into_the_next_weekday(incidents_of: Make) -> None:
    rows = incidents_of(
        # 22:30 on Monday 2 February to 01:00: half an hour and two whole ones.
        {"occurred_from": at(2, 22, 30), "occurred_to": at(3, 1), "occurred_on": date(2026, 2, 2)},
        {"occurred_from": at(4, 9, 10), "occurred_to": at(4, 9, 10), "weight": 2},
        {"occurred_from": at(5, 8), "time_precision": "hour", "category": "fraud"},
    )
    profile = hourly_profile(rows, timezone=ZONE, as_of=AS_OF)
    assert profile.select("category", "weekday", "hour", "incidents").rows() == [
        ("fraud", 4, 8, 1.0),
        ("theft", 1, 22, pytest.approx(0.2)),
        ("theft", 1, 23, pytest.approx(0.4)),
        ("theft", 2, 0, pytest.approx(0.4)),
        ("theft", 3, 9, 2.0),
    ]
    assert profile["window_days"].unique().to_list() == [365]


def test_unknown_hours_are_not_guessed(incidents_of: Make) -> None:
    rows = incidents_of(
        {"occurred_from": at(2, 9), "occurred_to": at(2, 9)},
        {"occurred_on": date(2026, 2, 2), "time_precision": "day"},
        {"occurred_from": at(2, 0), "occurred_to": at(9, 0)},  # a week: says nothing about the hour
        {"occurred_on": date(2024, 2, 2), "time_precision": "day"},  # before the window
    )
    assert hourly_profile(rows, timezone=ZONE, as_of=AS_OF)["incidents"].sum() == 1.0
    with pytest.raises(RequestError, match="at least 1 day, got 0"):
        hourly_profile(rows, timezone=ZONE, as_of=AS_OF, window_days=0)


def test_midnight_written_for_unknown_is_left_out_of_its_own_category_and_its_share_is_told(
    incidents_of: Make,
) -> None:
    def many(number: int, category: str, hour: int, minute: int = 0) -> list[dict[str, object]]:
        return [
            {"category": category, "occurred_from": (when := at(1 + n % 27, hour, minute)), "occurred_to": when}
            for n in range(number)
        ]

    undated = [{"category": "theft", "occurred_on": date(2026, 2, 2), "time_precision": "day"}] * 20
    rows = incidents_of(
        # 60 at midnight against 5 at 01:00; the rest by day.
        *(many(60, "theft", 0) + many(5, "theft", 1) + many(15, "theft", 14, 20) + undated),
        # A busy night: as many at 23:00 and 01:00.
        *(many(50, "noise", 0) + many(40, "noise", 23) + many(30, "noise", 1)),
        # Too few to tell shares of.
        *(many(20, "fraud", 0, 1) + many(3, "fraud", 9)),
    )
    profile = hourly_profile(rows, timezone=ZONE, as_of=AS_OF)
    by_hour = profile.group_by("category", "hour").agg(pl.col("incidents").sum()).sort("category", "hour").rows()
    assert by_hour == [
        ("fraud", 9, 3.0),
        ("noise", 0, 50.0),
        ("noise", 1, 30.0),
        ("noise", 23, 40.0),
        ("theft", 1, 5.0),
        ("theft", 14, 15.0),
    ]
    # Of the 50 noises at midnight 10 are more than at 23:00.
    assert hour_coverage(rows, timezone=ZONE, as_of=AS_OF) == [
        {"category": None, "unknown": 0.08, "stand_in": 0.33, "doubtful": 0.04},
        {"category": "noise", "unknown": 0.0, "stand_in": 0.0, "doubtful": 0.08},
        {"category": "theft", "unknown": 0.2, "stand_in": 0.6, "doubtful": 0.0},
    ]


@settings(deadline=None, max_examples=60)
@given(
    start=st.datetimes(datetime(2025, 1, 1), datetime(2026, 12, 31)),
    minutes=st.integers(0, 4000),
    zone=st.sampled_from(["Asia/Shanghai", "America/Chicago", "Asia/Kolkata", "Australia/Lord_Howe"]),
)
def test_shares_of_an_interval_sum_to_one(start: datetime, minutes: int, zone: str) -> None:
    rows = pl.LazyFrame(
        {"start": [start], "end": [start + timedelta(minutes=minutes)]},
        schema={"start": pl.Datetime("us"), "end": pl.Datetime("us")},
    ).with_columns(pl.all().dt.replace_time_zone("UTC"))
    spread = spread_over_hours(rows, start="start", end="end", timezone=zone).collect()
    assert spread["share"].sum() == pytest.approx(1.0)
    assert (spread["share"] >= 0).all()
    assert spread.height <= minutes / 60 + 2


@pytest.mark.parametrize(
    ("zone", "day", "hours", "missing", "twice"),
    [
        ("America/Chicago", date(2026, 3, 8), 23, 2, None),
        ("America/Chicago", date(2026, 11, 1), 25, None, 1),
        ("America/Santiago", date(2025, 9, 7), 23, 0, None),  # summer time starts at midnight
        ("Asia/Shanghai", date(2026, 3, 8), 24, None, None),
    ],
)
def test_a_day_has_the_hours_its_clock_shows(
    zone: str, day: date, hours: int, missing: int | None, twice: int | None
) -> None:
    spread = local_hours(pl.LazyFrame({"day": [day]}), zone).collect()
    assert spread.height == hours
    assert spread["day"].unique().to_list() == [day]
    assert spread["share"].to_list() == pytest.approx([1 / hours] * hours)
    shown = spread["hour"].to_list()
    assert missing is None or missing not in shown
    assert twice is None or shown.count(twice) == 2


def test_the_funnel_never_widens(incidents_of: Make) -> None:
    here = {"occurred_on": date(2026, 2, 3), "time_precision": "day"}
    incidents = incidents_of(
        {**here},
        {**here, "station_code": None},
        {**here, "location_level": "none", "station_code": None},
        {"time_precision": "unknown"},
        {**here, "valid": False},
        {**here, "valid": False},
        {**here, "source": "other"},
    )
    calls = pl.DataFrame(
        [
            {"source": "test", "parent_call_id": parent, **{"location_level": "none", "time_precision": "day"}}
            for parent in (None, None, None, None, None, "c1")
        ]
    )
    steps = funnel(calls, incidents)
    assert steps.filter(pl.col("source") == "test").select("step", "rows").rows() == [
        ("calls", 6),
        ("incidents", 5),
        ("valid", 4),
        ("dated", 3),
        ("located", 2),
        ("in_area", 1),
    ]
    assert steps.filter(pl.col("source") == "other")["rows"].to_list() == [1] * 6


def test_empty_tables_stay_empty() -> None:
    nothing = Incidents.create_empty()
    assert daily_counts(nothing, as_of=AS_OF).is_empty()
    assert hourly_profile(nothing, timezone=ZONE, as_of=AS_OF).is_empty()
    assert hour_coverage(nothing, timezone=ZONE, as_of=AS_OF) == []
    assert funnel(Calls.create_empty(), nothing).is_empty()


def test_a_profile_of_intervals_is_the_same_to_the_last_bit_every_time(incidents_of: Make) -> None:
    rows = incidents_of(
        *(
            {
                "occurred_from": (start := datetime(2025, 7, 1, tzinfo=UTC) + timedelta(minutes=197 * n)),
                "occurred_to": start + timedelta(minutes=137),
                "time_precision": "slot",
            }
            for n in range(1700)
        )
    )
    first, *others = (
        hourly_profile(
            rows.sample(fraction=1, shuffle=True, seed=n), as_of=date(2026, 3, 2), timezone="Asia/Shanghai"
        ).rows()
        for n in range(8)
    )
    assert all(other == first for other in others)
