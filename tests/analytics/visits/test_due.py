from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.visits.due import add_months, due_dates, due_days_of_month, find_due_visits
from data.visit_rules import VisitRule, VisitRules, load_visit_rules

Make = Callable[..., pl.DataFrame]
ZONE = "Asia/Shanghai"


def rule(**cadence: int) -> VisitRule:
    return VisitRule(rule_id="r", visit_kind="hotel", source="test", assumed=False, **cadence)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2024, 1, 31), 1, date(2024, 2, 29)),
        (date(2025, 12, 31), 2, date(2026, 2, 28)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2026, 3, 15), 10, date(2027, 1, 15)),
    ],
)
def test_months_end_where_the_month_ends(day: date, months: int, later: date) -> None:
    assert add_months(day, months) == later


def test_a_monthly_visit_made_on_the_31st_returns_to_the_31st() -> None:
    found = due_dates(
        rule(every_months=1), date(2025, 1, 1), [date(2026, 1, 31)], as_of=date(2026, 2, 1), until=date(2026, 5, 1)
    )
    assert found.due_on == date(2026, 2, 28)
    assert found.upcoming == (date(2026, 2, 28), date(2026, 3, 28), date(2026, 4, 28))


def test_checks_of_a_month_are_due_in_equal_parts() -> None:
    assert [day.day for day in due_days_of_month(date(2026, 4, 1), 5)] == [6, 12, 18, 24, 30]
    assert due_days_of_month(date(2026, 2, 1), 1) == [date(2026, 2, 28)]
    assert [day.day for day in due_days_of_month(date(2026, 2, 1), 3)] == [9, 18, 28]


def test_a_quota_counts_the_checks_made_this_month() -> None:
    found = due_dates(
        rule(times_per_month=5),
        date(2025, 1, 1),
        [date(2026, 4, 2), date(2026, 4, 3)],
        as_of=date(2026, 4, 20),
        until=date(2026, 5, 8),
    )
    assert found.due_on == date(2026, 4, 18)  # the third; two are made
    assert found.overdue_visits == 1
    assert found.upcoming == (date(2026, 4, 24), date(2026, 4, 30), date(2026, 5, 6))


def test_a_check_missed_last_month_lapses_but_stays_overdue_until_somebody_comes() -> None:
    long_ago = due_dates(
        rule(times_per_month=1), date(2025, 1, 1), [date(2026, 1, 10)], as_of=date(2026, 4, 2), until=date(2026, 6, 1)
    )
    assert long_ago.due_on == date(2026, 2, 28)
    assert long_ago.overdue_visits == 1  # not three: February and March cannot be made good
    assert long_ago.upcoming == (date(2026, 5, 31),)  # the late visit is April's
    made = due_dates(
        rule(times_per_month=1), date(2025, 1, 1), [date(2026, 4, 1)], as_of=date(2026, 4, 2), until=date(2026, 6, 1)
    )
    assert (made.due_on, made.overdue_visits, made.upcoming) == (date(2026, 5, 31), 0, (date(2026, 5, 31),))


def test_a_case_is_visited_once() -> None:
    once = rule(first_within_days=7)
    opened = date(2026, 3, 1)
    due = due_dates(once, opened, [], as_of=date(2026, 3, 5), until=date(2026, 4, 1))
    assert (due.due_on, due.overdue_visits, due.upcoming) == (date(2026, 3, 8), 0, (date(2026, 3, 8),))
    late = due_dates(once, opened, [], as_of=date(2026, 3, 9), until=date(2026, 4, 1))
    assert (late.overdue_visits, late.upcoming) == (1, ())
    assert due_dates(once, opened, [date(2026, 3, 4)], as_of=date(2026, 3, 9), until=date(2026, 4, 1)).due_on is None


def test_the_first_visit_has_its_own_term() -> None:
    permit = rule(first_within_days=3, every_months=12)
    assert due_dates(permit, date(2026, 3, 1), [], as_of=date(2026, 3, 2), until=date(2026, 3, 9)).due_on == date(
        2026, 3, 4
    )
    endorsed = due_dates(permit, date(2024, 3, 1), [date(2024, 2, 29)], as_of=date(2025, 3, 9), until=date(2026, 3, 9))
    assert endorsed.due_on == date(2025, 2, 28)
    assert endorsed.overdue_visits == 1
    assert endorsed.upcoming == ()  # made now, it is due again on 9 March 2026, the end of the outlook


@settings(deadline=None)
@given(
    times=st.integers(1, 28),
    opened=st.dates(date(2025, 1, 1), date(2026, 2, 28)),
    offsets=st.lists(st.integers(0, 420), max_size=40),
    weeks=st.integers(1, 10),
)
def test_a_quota_is_never_exceeded_nor_forgotten(times: int, opened: date, offsets: list[int], weeks: int) -> None:
    as_of = date(2026, 3, 10)
    contacts = sorted(day for n in offsets if opened <= (day := opened + timedelta(days=n)) < as_of)
    until = as_of + timedelta(weeks=weeks)
    found = due_dates(rule(times_per_month=times), opened, contacts, as_of=as_of, until=until)
    made = sum(day >= date(2026, 3, 1) for day in contacts)
    in_march = found.overdue_visits + sum(day < date(2026, 4, 1) for day in found.upcoming)
    assert in_march + made <= max(times, made)
    if until >= date(2026, 4, 1):
        assert in_march + made >= times
    assert found.due_on is not None
    assert (found.due_on < as_of) == (found.overdue_visits > 0)
    assert list(found.upcoming) == sorted(found.upcoming)
    assert all(as_of <= day < until for day in found.upcoming)


def test_only_contact_settles_a_visit_and_only_the_past_is_known(register_of: Make, visits_of: Make) -> None:
    register = register_of(
        {"object_id": "h", "opened_on": date(2025, 1, 1)},
        {"object_id": "new", "opened_on": date(2026, 3, 2)},
        {"object_id": "shut", "opened_on": date(2025, 1, 1), "closed_on": date(2026, 2, 1)},
        {"object_id": "closing", "opened_on": date(2025, 1, 1), "closed_on": date(2026, 3, 2)},
    )
    visits = visits_of(
        ("h", "hotel", date(2026, 1, 5), True),
        ("h", "hotel", date(2026, 2, 5), False),  # nobody in
        ("h", "hotel", datetime(2026, 3, 1, 17, tzinfo=UTC), True),  # already 2 March in Shanghai
    )
    due = find_due_visits(
        register, visits, load_visit_rules(), as_of=date(2026, 3, 2), until=date(2026, 4, 1), timezone=ZONE
    )
    assert due["object_id"].to_list() == ["closing", "h"]
    row = due.row(1, named=True)
    assert (row["last_visit_on"], row["due_on"]) == (date(2026, 1, 5), date(2026, 2, 28))
    assert (row["overdue_days"], row["rule_id"], row["assumed"]) == (2, "hotel", True)


def test_nothing_is_overdue_since_before_the_record_began(register_of: Make, visits_of: Make) -> None:
    register = register_of({"object_id": "old", "visit_kind": "rental", "opened_on": date(2015, 1, 1)})
    for visits, due_on in (
        (visits_of(("other", "rental", date(2025, 8, 1), True)), date(2026, 2, 1)),
        (visits_of(), date(2026, 9, 2)),
    ):
        due = find_due_visits(
            register, visits, load_visit_rules(), as_of=date(2026, 3, 2), until=date(2026, 4, 1), timezone=ZONE
        )
        assert due["due_on"].to_list() == [due_on]


def test_the_rule_of_the_grade_wins_and_validity_is_kept(register_of: Make, visits_of: Make) -> None:
    def venue(rule_id: str, times: int, **more: object) -> VisitRule:
        return VisitRule(
            rule_id=rule_id,
            visit_kind="entertainment_venue",
            source="test",
            assumed=False,
            times_per_month=times,
            **more,  # type: ignore[arg-type]
        )

    rules = VisitRules(
        (
            venue("any", 1),
            venue("c-old", 2, grade="C", valid_to=date(2026, 3, 2)),
            venue("c-new", 5, grade="C", valid_from=date(2026, 3, 2)),
        )
    )
    register = register_of(
        *(
            {"object_id": name, "visit_kind": kind, "grade": grade, "opened_on": date(2025, 1, 1)}
            for name, kind, grade in (
                ("a", "entertainment_venue", "A"),
                ("c", "entertainment_venue", "C"),
                ("x", "rental", None),
            )
        )
    )
    for as_of, expected in ((date(2026, 3, 1), ["any", "c-old"]), (date(2026, 3, 2), ["any", "c-new"])):
        due = find_due_visits(register, visits_of(), rules, as_of=as_of, until=date(2026, 4, 1), timezone=ZONE)
        assert due["rule_id"].to_list() == expected
