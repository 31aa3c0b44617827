from __future__ import annotations

from datetime import date, timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from analytics.staffing.silence import comparable_from, find_silence

FIRST = date(2025, 1, 1)


def days_of(*numbers: int) -> pl.Series:
    return pl.Series([FIRST + timedelta(days=n) for n in numbers], dtype=pl.Date)


def test_a_busy_record_is_missed_after_three_days() -> None:
    found = find_silence(days_of(*range(100), *range(103, 200)), until=FIRST + timedelta(days=203))
    assert found.days == {FIRST + timedelta(days=n) for n in (100, 101, 102)}
    assert found.ended_on == FIRST + timedelta(days=200)
    assert find_silence(days_of(*range(200)), until=FIRST + timedelta(days=202)).ended_on is None


def test_a_quiet_record_is_not() -> None:
    """With a call every other day, a fortnight without one is chance; a month is not."""
    every_other = [*range(0, 200, 2)]
    assert find_silence(days_of(*every_other), until=FIRST + timedelta(days=212)).ended_on is None
    assert find_silence(days_of(*every_other), until=FIRST + timedelta(days=230)).ended_on == FIRST + timedelta(
        days=199
    )


def test_a_record_of_nothing_or_of_a_day_says_nothing() -> None:
    for days in (days_of(), days_of(3), days_of(3, 3)):
        found = find_silence(days, until=FIRST + timedelta(days=300))
        assert (found.days, found.ended_on) == (frozenset(), None)


@given(st.lists(st.integers(0, 400), min_size=0, max_size=60), st.integers(401, 800))
def test_days_with_incidents_are_never_silent_and_order_does_not_matter(numbers: list[int], until: int) -> None:
    end = FIRST + timedelta(days=until)
    found = find_silence(days_of(*numbers), until=end)
    assert not found.days & set(days_of(*numbers))
    assert found == find_silence(days_of(*reversed(numbers)), until=end)


def record_of(*spans: tuple[str, int, int, int]) -> pl.DataFrame:
    """Incidents of a category from one day to another, so many a day."""
    rows = [
        (FIRST + timedelta(days=day), category)
        for category, start, end, each in spans
        for day in range(start, end)
        for _ in range(each)
    ]
    return pl.DataFrame(rows, schema={"occurred_on": pl.Date, "category": pl.String}, orient="row")


def test_days_before_a_large_category_was_recorded_are_not_compared() -> None:
    """Portland held burglaries and thefts until August 2016 and every call after it: five times as many."""
    begun = FIRST + timedelta(days=300)
    assert comparable_from(record_of(("theft", 0, 400, 10), ("other", 300, 400, 40)), FIRST) == begun
    # A stray or two before it do not make it older.
    strays = (("other", 17, 18, 1), ("other", 90, 91, 1))
    assert comparable_from(record_of(("theft", 0, 400, 10), ("other", 300, 400, 40), *strays), FIRST) == begun


def test_a_category_renamed_small_or_rare_changes_nothing() -> None:
    renamed = record_of(("theft", 0, 400, 10), ("call", 0, 300, 40), ("other", 300, 400, 40))
    small = record_of(("theft", 0, 400, 100), ("drones", 300, 400, 1))
    rare = record_of(("theft", 0, 50, 1), ("flood", 5, 6, 20))
    for record in (renamed, small, rare, record_of()):
        assert comparable_from(record, FIRST) == FIRST
