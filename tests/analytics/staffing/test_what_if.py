from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from analytics.staffing.requirement import StaffingTables, staffing_tables
from analytics.staffing.what_if import OfficerMove, move_officers
from data.errors import RequestError
from data.schemas import Shifts, VisitWorkload

Make = Callable[..., pl.DataFrame]


def tables_of(incidents: pl.DataFrame, shifts: pl.DataFrame) -> StaffingTables:
    return staffing_tables(
        incidents,
        shifts,
        VisitWorkload.create_empty(),
        as_of=date(2026, 3, 2),
        horizon_days=28,
        timezone="Asia/Shanghai",
        edition_id="E1",
    )


@pytest.fixture
def staffing(steady_year: pl.DataFrame, shifts_of: Make) -> pl.DataFrame:
    shifts = shifts_of(("s1", "day", 8.0, 8.0, 4.0), ("s1", "rest", 16.0, 16.0, 6.0), ("s2", "day", 8.0, 8.0, 3.0))
    return tables_of(steady_year, shifts).staffing


def test_two_officers_from_the_quiet_shift_to_the_busy_one(staffing: pl.DataFrame) -> None:
    moved = move_officers(staffing, [OfficerMove("s1", "rest", "s1", "day", 2)])
    before, after = (
        frame.row(by_predicate=(pl.col("unit_code") == "s1") & (pl.col("shift_code") == "day"), named=True)
        for frame in (staffing, moved)
    )
    assert after["available"] == 6
    assert after["committed_share"] == pytest.approx(4 / 48)
    assert after["gap"] == pytest.approx(before["gap"] - 2)
    # A load of 1 on 3 crews instead of 2: Erlang C of 1/11.
    assert before["wait_share"] == pytest.approx(1 / 3)
    assert after["wait_share"] == pytest.approx(1 / 11)
    assert moved["available"].sum() == staffing["available"].sum()


def test_waiting_after_a_move_is_that_of_a_table_made_with_the_officers_moved(
    incidents_of: Make, shifts_of: Make
) -> None:
    """A rush of an hour in a quiet shift: no steady load stands for both, the hours themselves must be kept."""
    first = datetime(2025, 11, 2, tzinfo=UTC)
    rows = incidents_of(
        *(
            {"occurred_from": first + timedelta(days=day, hours=hour, minutes=7 * n), "officer_hours": 2.0}
            for day in range(120)
            for hour, calls in ((1, 1), (3, 6), (6, 1), (11, 2))
            for n in range(calls)
        )
    )

    def made_with(day: float, late: float) -> StaffingTables:
        shifts = shifts_of(("s1", "day", 8.0, 8.0, day), ("s1", "late", 16.0, 16.0, late))
        return tables_of(rows, shifts)

    table, loads = made_with(6, 12)
    assert loads.group_by("shift_code").agg(pl.col("calls_share").sum())["calls_share"].to_list() == pytest.approx(
        [1.0, 1.0]
    )
    shown = ["shift_code", "available", "committed_share", "gap", "wait_share", "next_officer_value"]
    for officers in (1, 2, 5.5, 12):
        moved = move_officers(table, [OfficerMove("s1", "late", "s1", "day", officers)], loads=loads)
        assert_frame_equal(moved.select(shown), made_with(6 + officers, 12 - officers).staffing.select(shown))
    # What one more officer is said to bring is what the what-if then shows.
    day = table.row(by_predicate=pl.col("shift_code") == "day", named=True)
    one_more = move_officers(table, [OfficerMove("s1", "late", "s1", "day", 1)], loads=loads)
    after = one_more.row(by_predicate=pl.col("shift_code") == "day", named=True)
    assert day["wait_share"] - after["wait_share"] == pytest.approx(day["next_officer_value"])


def test_moving_there_and_back_changes_nothing(staffing: pl.DataFrame) -> None:
    there, back = OfficerMove("s1", "rest", "s2", "day", 1), OfficerMove("s2", "day", "s1", "rest", 1)
    assert move_officers(staffing, [there, back]).equals(staffing)
    assert move_officers(staffing, []).equals(staffing)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(moves=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.floats(0.1, 0.9)), max_size=3))
def test_officers_are_neither_made_nor_lost(staffing: pl.DataFrame, moves: list[tuple[int, int, float]]) -> None:
    keys = staffing.select("unit_code", "shift_code").rows()
    changes = [OfficerMove(*keys[origin], *keys[goal], officers) for origin, goal, officers in moves]
    moved = move_officers(staffing, changes)
    assert moved["available"].sum() == pytest.approx(staffing["available"].sum())
    assert moved["need_p80"].equals(staffing["need_p80"])


@pytest.mark.parametrize(
    ("move", "message"),
    [
        (OfficerMove("s9", "day", "s1", "day", 1), "no shift 'day' of unit 's9'"),
        (OfficerMove("s1", "day", "s1", "late", 1), "no shift 'late' of unit 's1'"),
        (OfficerMove("s1", "day", "s2", "day", 0), "positive number, got 0"),
        (OfficerMove("s1", "day", "s2", "day", float("nan")), "positive number, got nan"),
        (OfficerMove("s1", "day", "s2", "day", 5), "5 officers would leave where 4 are on duty"),
    ],
)
def test_impossible_moves_are_refused(staffing: pl.DataFrame, move: OfficerMove, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        move_officers(staffing, [move])


def test_officers_unknown_to_the_table_cannot_move(steady_year: pl.DataFrame) -> None:
    table = tables_of(steady_year, Shifts.create_empty()).staffing
    with pytest.raises(RequestError, match="no officers on duty are known"):
        move_officers(table, [OfficerMove("s1", "day", "s1", "night", 1)])
