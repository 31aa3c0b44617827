"""A week that never came, or came cut, is told apart from calm, from late knowledge and from quiet weekends."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from data.quality.gaps import NewestWeek, missing_days, newest_week

UNTIL = date(2026, 3, 2)
LOST = [UNTIL - timedelta(days=days) for days in range(14, 7, -1)]


def calls(*, days: int = 300, a_day: int = 60, rest: tuple[int, ...] = (), delay: str = "fast") -> pl.DataFrame:
    """Return ``a_day`` incidents a day, a tenth as many on weekdays that rest, known after a delay."""
    rng = np.random.default_rng(5)
    rows: list[tuple[date, date | None]] = []
    for ago in range(days, 0, -1):
        day = UNTIL - timedelta(days=ago)
        for _ in range(rng.poisson(a_day / 10 if day.isoweekday() in rest else a_day)):
            month_end = (day.replace(day=1) + timedelta(days=31)).replace(day=1)
            known = {
                "fast": day + timedelta(days=int(rng.geometric(0.6)) - 1),
                "monthly": month_end,
                "never told": None,
            }[delay]
            rows.append((day, known))
    return pl.DataFrame(rows, schema={"occurred_on": pl.Date, "known_on": pl.Date}, orient="row")


def known_by(rows: pl.DataFrame, day: date) -> pl.LazyFrame:
    return rows.lazy().filter(pl.coalesce("known_on", "occurred_on") < day)


@pytest.mark.parametrize("delay", ["fast", "never told"])
@pytest.mark.parametrize("rest", [(), (6, 7)])
def test_a_missing_week_is_named_and_a_whole_record_has_none(delay: str, rest: tuple[int, ...]) -> None:
    rows = calls(delay=delay, rest=rest)
    assert missing_days(known_by(rows, UNTIL), until=UNTIL) == []
    # What the next file tells of the lost week, a tenth of it, does not fill it.
    kept = ~pl.col("occurred_on").is_in(LOST) | (pl.int_range(pl.len()) % 10 == 0)
    found = missing_days(known_by(rows.filter(kept), UNTIL), until=UNTIL)
    assert found == [day for day in LOST if day.isoweekday() not in rest]


def test_the_newest_days_are_missing_only_where_they_are_not_merely_late() -> None:
    newest = [UNTIL - timedelta(days=days) for days in range(7, 0, -1)]
    rows = calls(delay="fast").filter(~pl.col("occurred_on").is_in(newest))
    assert missing_days(known_by(rows, UNTIL), until=UNTIL) == newest
    untold = calls(delay="never told").filter(~pl.col("occurred_on").is_in(newest))
    assert missing_days(known_by(untold, UNTIL), until=UNTIL) == []


def test_a_few_last_days_are_told_where_files_usually_reach_further() -> None:
    newest = [UNTIL - timedelta(days=days) for days in (3, 2, 1)]
    rows = known_by(calls(delay="fast").filter(~pl.col("occurred_on").is_in(newest)), UNTIL)
    assert missing_days(rows, until=UNTIL) == []
    assert missing_days(rows, until=UNTIL, least_tail=3) == newest
    assert missing_days(rows, until=UNTIL, least_tail=4) == []


def test_a_month_that_is_published_at_its_end_is_not_missing_before() -> None:
    rows = calls(delay="monthly")
    for day in (date(2026, 2, 10), date(2026, 2, 25), UNTIL):
        assert missing_days(known_by(rows, day), until=day) == []


def test_of_few_incidents_no_day_is_told_to_be_missing() -> None:
    rows = calls(a_day=8).filter(~pl.col("occurred_on").is_in(LOST))
    assert missing_days(known_by(rows, UNTIL), until=UNTIL) == []
    assert missing_days(known_by(rows.clear(), UNTIL), until=UNTIL) == []


def test_a_record_that_grew_for_good_has_no_hole_before_it() -> None:
    grown = date(2026, 1, 26)
    rows = calls(a_day=200, delay="never told")
    thin = rows.filter((pl.col("occurred_on") >= grown) | (pl.int_range(pl.len()) % 8 == 0))
    assert missing_days(known_by(thin, UNTIL), until=UNTIL) == []


def weekly(counts: list[int]) -> tuple[pl.DataFrame, list[tuple[str, date]]]:
    """Return loads of a Monday each, with so many incidents spread over the week before."""
    rows = []
    loads = []
    for week, count in enumerate(counts):
        monday = UNTIL + timedelta(weeks=week)
        loads.append((f"L{week}", monday))
        rows += [(f"L{week}", monday - timedelta(days=1 + at % 7)) for at in range(count)]
    return pl.DataFrame(rows, schema={"load_id": pl.String, "occurred_on": pl.Date}, orient="row"), loads


def test_a_cut_file_is_beside_those_before_it() -> None:
    assert newest_week(*weekly([700, 720, 680, 710, 350])) == NewestWeek(pytest.approx(350 / 705), 705, 0)
    assert newest_week(*weekly([700, 720, 680])) == NewestWeek(None, 0, None)


def test_the_rest_of_a_cut_file_mends_it_and_an_old_file_changes_nothing() -> None:
    rows, loads = weekly([700, 720, 680, 710, 350])
    tuesday = loads[-1][1] + timedelta(days=1)
    rest = rows.filter(load_id="L4").with_columns(load_id=pl.lit("L5"))
    assert newest_week(pl.concat([rows, rest]), [*loads, ("L5", tuesday)]).share == pytest.approx(700 / 700)
    # Corrections and years of long ago, loaded in mid-week: the newest week is still that of Monday.
    old = pl.DataFrame({"load_id": ["L5"] * 40, "occurred_on": [date(2020, 1, 1)] * 40})
    rows, loads = weekly([700, 720, 680, 710, 690])
    thursday = loads[-1][1] + timedelta(days=3)
    assert newest_week(pl.concat([rows, old]), [*loads, ("L5", thursday)]).share == pytest.approx(690 / 700)


def test_daily_loads_are_compared_with_daily_loads() -> None:
    days = [UNTIL + timedelta(days=at) for at in range(12)]
    rows = [(f"L{at}", day - timedelta(days=1)) for at, day in enumerate(days) for _ in range(100)]
    before = [("L0", UNTIL - timedelta(days=ago)) for ago in range(2, 60) for _ in range(100)]
    frame = pl.DataFrame(before + rows, schema={"load_id": pl.String, "occurred_on": pl.Date}, orient="row")
    found = newest_week(frame, [(f"L{at}", day) for at, day in enumerate(days)])
    assert found == NewestWeek(1.0, 700, 0)
