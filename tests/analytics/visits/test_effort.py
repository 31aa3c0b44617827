from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.visits.effort import contact_rates, estimate_effort, expected_tries
from data.schemas import Visits
from data.visit_rules import load_visit_rules

Make = Callable[..., pl.DataFrame]
ZONE = "Asia/Shanghai"
TODAY = date(2026, 3, 2)


def test_tries_until_contact() -> None:
    assert expected_tries(1.0) == 1.0
    assert expected_tries(0.5) == pytest.approx(1.9375)  # 1 + 1/2 + 1/4 + 1/8 + 1/16
    assert expected_tries(0.0) == 5.0


@given(st.floats(0, 1))
def test_tries_lie_between_one_and_the_most(rate: float) -> None:
    assert 1 <= expected_tries(rate) <= 5


def test_contact_rates_are_drawn_toward_the_kind_and_the_kind_toward_all(visits_of: Make) -> None:
    monday_noon, monday_evening = (datetime(2026, 2, 23, hour, tzinfo=UTC) for hour in (4, 11))
    visits = visits_of(
        *[("h", "hotel", monday_noon, True)] * 10,
        *[("r", "rental", monday_noon, False)] * 8,
        *[("r", "rental", monday_evening, True)] * 2,
        ("r", "rental", datetime(2026, 3, 2, 4, tzinfo=UTC), True),  # as-of day: not known
    )
    rates = contact_rates(visits, as_of=TODAY, timezone=ZONE)
    overall = (12 + 7) / (20 + 10)
    rental = (2 + 10 * overall) / (10 + 10)
    assert rates.select("visit_kind", "slot", "tries", "contacts").rows() == [
        ("hotel", "weekday_day", 10, 10),
        ("rental", "evening", 2, 2),
        ("rental", "weekday_day", 8, 0),
    ]
    assert rates["kind_rate"].to_list() == pytest.approx([(10 + 10 * overall) / 20, rental, rental])
    assert rates["contact_rate"][1] == pytest.approx((2 + 10 * rental) / 12)
    assert rates["contact_rate"][2] == pytest.approx(10 * rental / 18)


def test_defaults_until_twenty_durations_are_recorded(visits_of: Make) -> None:
    few = visits_of(*[("h", "hotel", date(2026, 2, 1), True, 60.0, 3)] * 19)
    many = visits_of(*[("h", "hotel", date(2026, 2, 1), True, 60.0, 3)] * 20)
    by_few, by_many = (
        estimate_effort(visits, load_visit_rules(), as_of=TODAY, timezone=ZONE)["hotel"] for visits in (few, many)
    )
    assert by_few.assumed and by_few.crew == 2
    assert not by_many.assumed and by_many.crew == 3
    # 60 minutes x 3 officers, and a fifth of it for every failed try.
    assert by_many.mean == pytest.approx(180 + 36 * (by_many.attempts - 1))
    assert by_many.sd == 0.0


def test_recording_what_is_filled_in_does_not_make_the_next_plan_heavier(visits_of: Make) -> None:
    """The form fills in minutes by the clock; crew and travel come on top of them once, not again in every edition."""
    rules = load_visit_rules()
    before = estimate_effort(Visits.create_empty(), rules, as_of=TODAY, timezone=ZONE)
    for _ in range(5):
        record = visits_of(
            *(
                (
                    f"{kind}-{n}",
                    kind,
                    date(2026, 2, 1),
                    n % 10 < 7,
                    one.met_minutes if n % 10 < 7 else one.missed_minutes,
                )
                for kind, one in before.items()
                for n in range(40)
            )
        )
        after = estimate_effort(record, rules, as_of=TODAY, timezone=ZONE)
        for kind, one in after.items():
            assert (one.met_minutes, one.missed_minutes) == pytest.approx(
                (before[kind].met_minutes, before[kind].missed_minutes)
            )
            assert one.crew == before[kind].crew
            assert one.mean <= before[kind].mean * 1.01
        before = after


def test_old_visits_do_not_count(visits_of: Make) -> None:
    old = visits_of(*[("h", "hotel", TODAY - timedelta(days=731), True, 60.0, 3)] * 30)
    effort = estimate_effort(old, load_visit_rules(), as_of=TODAY, timezone=ZONE)["hotel"]
    assert effort.assumed
    assert effort.contact_rate == 0.7
