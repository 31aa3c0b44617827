from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from analytics.staffing.demand import measure_incident_demand
from analytics.staffing.parameters import StaffingParameters
from analytics.staffing.requirement import share_visit_hours, staffing_tables
from analytics.staffing.shifts import share_hours, shifts_in_force
from data.errors import RequestError
from data.schemas import Incidents, Shifts, VisitWorkload

AS_OF = date(2026, 3, 2)
ZONE = "Asia/Shanghai"
Make = Callable[..., pl.DataFrame]


def table_of(incidents: pl.DataFrame, shifts: pl.DataFrame, workload: pl.DataFrame, **more: object) -> pl.DataFrame:
    asked = {"as_of": AS_OF, "horizon_days": 28, "timezone": ZONE, "edition_id": "E1", **more}
    return staffing_tables(incidents, shifts, workload, **asked).staffing  # type: ignore[arg-type]


def row_of(table: pl.DataFrame, unit: str, shift: str) -> dict[str, object]:
    return table.row(by_predicate=(pl.col("unit_code") == unit) & (pl.col("shift_code") == shift), named=True)


def test_a_call_a_day_of_two_officer_hours(steady_year: pl.DataFrame, shifts_of: Make) -> None:
    shifts = shifts_of(("s1", "day", 8.0, 8.0, 4.0), ("s1", "rest", 16.0, 16.0, 4.0))
    table = table_of(steady_year, shifts, VisitWorkload.create_empty())
    day = row_of(table, "s1", "day")
    assert day["advice_id"] == "E1:staffing:s1:day"
    assert (day["period_start"], day["period_end"]) == (AS_OF, date(2026, 3, 30))
    assert day["incident_hours"] == pytest.approx(2.0)
    assert day["duty_hours"] == pytest.approx(2.0)
    assert day["demand_hours"] == pytest.approx(4.0)
    assert day["committed_share"] == pytest.approx(4 / 32)
    assert day["need_p50"] <= day["need_p80"] <= day["need_p90"]
    assert day["fte"] == pytest.approx(day["need_p80"] * 2920 / 1824)
    assert day["gap"] == pytest.approx(day["need_p80"] - 4)
    assert day["time_completeness"] == 1.0
    assert not day["assumed"]
    # Every call comes at ten o'clock: one an hour of one crew-hour, a load of 1 on 2 crews, so one in three waits.
    assert day["wait_share"] == pytest.approx(1 / 3)
    rest = row_of(table, "s1", "rest")
    assert rest["incident_hours"] == 0.0
    assert rest["wait_share"] == 0.0
    assert (rest["binding"], rest["need_p80"]) == ("minimum_crew", 2.0)


def test_the_busiest_hour_and_the_minimum_crew_can_bind(steady_year: pl.DataFrame, shifts_of: Make) -> None:
    shifts = shifts_of(("s1", "day", 8.0, 8.0, 4.0), ("s1", "rest", 16.0, 16.0, 4.0))
    peaked = table_of(
        steady_year, shifts, VisitWorkload.create_empty(), parameters=StaffingParameters(duty_officers=0.0)
    )
    day, rest = row_of(peaked, "s1", "day"), row_of(peaked, "s1", "rest")
    # Two officers busy all through ten o'clock, at most 85 % of the hour each.
    assert day["binding"] == "peak_hour"
    assert day["need_p80"] == pytest.approx(2 / 0.85)
    assert (rest["binding"], rest["need_p80"]) == ("minimum_crew", 2.0)


def test_nothing_of_the_day_itself_or_known_later_is_used(steady_year: pl.DataFrame, incidents_of: Make) -> None:
    later = incidents_of(
        *(
            {
                "incident_id": f"later{n}",
                "occurred_from": datetime(2026, 2, 20, 2, tzinfo=UTC),
                "known_on": AS_OF,
                "officer_hours": 9.0,
            }
            for n in range(500)
        ),
        *({"incident_id": f"today{n}", "occurred_from": datetime(2026, 3, 2, 2, tzinfo=UTC)} for n in range(500)),
    )
    none = Shifts.create_empty(), VisitWorkload.create_empty()
    assert table_of(pl.concat([steady_year, later]), *none).equals(table_of(steady_year, *none))


def test_without_shifts_the_default_ones_are_flagged(steady_year: pl.DataFrame) -> None:
    table = table_of(steady_year, Shifts.create_empty(), VisitWorkload.create_empty())
    assert table.height == 3
    assert table["assumed"].all()
    for name in ("established", "available", "committed_share", "gap", "wait_share", "next_officer_value"):
        assert table[name].null_count() == 3
    assert table["incident_hours"].sum() == pytest.approx(2.0)


def test_dates_without_hours_are_spread_evenly_and_default_minutes_flagged(incidents_of: Make) -> None:
    rows = incidents_of(
        *(
            {
                "occurred_on": AS_OF - timedelta(days=day + 1),
                "time_precision": "day",
                "reported_at": datetime(2026, 3, 1, 16, tzinfo=UTC) - timedelta(days=day + 1),
            }
            for day in range(140)
        )
    )
    table = table_of(rows, Shifts.create_empty(), VisitWorkload.create_empty())
    assert table["incident_hours"].to_list() == pytest.approx([0.5, 0.5, 0.5])  # 45 min x 2 officers / 3 shifts
    assert table["travel_hours"].to_list() == pytest.approx([1 / 9] * 3)  # 10 min x 2 officers / 3 shifts
    assert table["assumed"].all()
    assert table["time_completeness"].to_list() == [0.0, 0.0, 0.0]


def test_hours_are_the_same_on_the_clock_as_on_the_record(incidents_of: Make) -> None:
    rows = incidents_of(
        {
            "occurred_from": datetime(2026, 2, 1, 15, 30, tzinfo=UTC),
            "dispatched_at": datetime(2026, 2, 1, 15, 30, tzinfo=UTC),
            "departed_at": datetime(2026, 2, 1, 15, 30, tzinfo=UTC),
            "cleared_at": datetime(2026, 2, 1, 17, 0, tzinfo=UTC),
            "officer_hours": 3.0,
        },
        {"occurred_on": date(2026, 2, 3), "time_precision": "day", "officer_hours": 4.8},
        {
            "occurred_from": datetime(2026, 2, 5, 1, tzinfo=UTC),
            "occurred_to": datetime(2026, 2, 5, 5, tzinfo=UTC),
            "officer_hours": 1.2,
        },
    )
    cells = measure_incident_demand(
        rows, as_of=AS_OF, timezone=ZONE, parameters=StaffingParameters()
    ).cells  # half past eleven at night to one: 1 h before midnight in 2 cells, 1 h after it
    first = cells.filter(pl.col("day").is_in([date(2026, 2, 1), date(2026, 2, 2)]))
    assert first.select("day", "hour", "officer_hours").rows() == [
        (date(2026, 2, 1), 23, pytest.approx(1.0)),
        (date(2026, 2, 2), 0, pytest.approx(2.0)),
    ]
    assert cells["incidents"].sum() == pytest.approx(3)
    assert cells["officer_hours"].sum() == pytest.approx(9.0)
    assert cells["undated_hour"].sum() == pytest.approx(1)
    even = cells.filter(pl.col("day") == date(2026, 2, 3))
    assert even["officer_hours"].to_list() == pytest.approx([0.2] * 24)
    slots = cells.filter((pl.col("day") == date(2026, 2, 5)) & (pl.col("incidents") > 0))
    assert slots.select("hour", "incidents").rows() == [(hour, 0.25) for hour in (9, 10, 11, 12)]


def test_the_visits_of_a_station_are_kept_whole_across_shifts(workload_of: Make, shifts_of: Make) -> None:
    work = workload_of(
        {"week_start": AS_OF, "due": 3.0, "overdue": 1.0, "minutes": 400.0, "travel_minutes": 96.0},
        {
            "week_start": AS_OF + timedelta(days=7),
            "due": 2.0,
            "minutes": 200.0,
            "travel_minutes": 24.0,
            "beat_code": "b2",
        },
        {"week_start": AS_OF + timedelta(days=14), "due": 9.0, "minutes": 900.0, "travel_minutes": 108.0},
    )
    shifts = shifts_of(("s1", "a", 6.0, 8.0, 2.0), ("s1", "b", 14.0, 8.0, 2.0), ("s1", "c", 22.0, 8.0, 2.0))
    hours = share_hours(shifts_in_force(shifts, [], AS_OF))
    parameters = StaffingParameters(visit_hours_from=8, visit_hours_to=20)
    shared = share_visit_hours(work, hours, as_of=AS_OF, horizon_days=10, parameters=parameters)
    assert shared["shift_code"].to_list() == ["a", "b"]
    # 300 of 400 minutes are due in the first week, 3/7 of the second week's 200; the third lies beyond the period.
    assert shared["visit_hours"].sum() * 10 * 60 == pytest.approx(300 + 200 * 3 / 7)
    assert shared["backlog_hours"].sum() * 10 * 60 == pytest.approx(100)
    assert shared["travel_hours"].sum() * 10 * 60 == pytest.approx((8 + 2 * 3 / 7) * 12)
    assert shared["visit_hours"].to_list() == pytest.approx([shared["visit_hours"].sum() / 2] * 2)


def test_a_period_longer_than_the_workload_goes_on_at_its_pace(workload_of: Make, shifts_of: Make) -> None:
    """A quarter with four weeks of workload has no two months without visits."""
    work = workload_of(
        *(
            {"week_start": AS_OF + timedelta(weeks=week), "due": 10.0, "overdue": 5.0 * (week == 0)}
            | {"minutes": 300.0 + 150.0 * (week == 0), "travel_minutes": 240.0 + 120.0 * (week == 0)}
            for week in range(4)
        )
    )
    hours = share_hours(shifts_in_force(shifts_of(("s1", "a", 8.0, 8.0, 2.0)), [], AS_OF))
    month, quarter = (
        share_visit_hours(work, hours, as_of=AS_OF, horizon_days=days, parameters=StaffingParameters()).row(
            0, named=True
        )
        for days in (28, 84)
    )
    assert quarter["visit_hours"] == pytest.approx(month["visit_hours"]) == pytest.approx(300 / 60 / 7)
    assert quarter["backlog_hours"] == pytest.approx(month["backlog_hours"] / 3) == pytest.approx(150 / 60 / 84)
    assert quarter["travel_hours"] == pytest.approx((20 / 7 + 10 / 84) * 12 / 60)


def test_assumed_durations_err_alike_in_every_beat(workload_of: Make, shifts_of: Make) -> None:
    hours = share_hours(shifts_in_force(shifts_of(("s1", "a", 8.0, 8.0, 2.0)), [], AS_OF))

    def ratios(assumed: bool) -> tuple[float, float]:
        work = workload_of(
            *(
                {"week_start": AS_OF, "beat_code": f"b{n}", "due": 1.0, "attempts": 1.0, "assumed": assumed}
                | {"minutes": 60.0, "minutes_low": 30.0, "minutes_high": 90.0}
                for n in range(25)
            )
        )
        shared = share_visit_hours(work, hours, as_of=AS_OF, horizon_days=7, parameters=StaffingParameters())
        return shared.select("low_ratio", "high_ratio").row(0)

    assert ratios(True) == pytest.approx((0.5, 0.5))
    assert ratios(False) == pytest.approx((0.1, 0.1))


def test_a_file_that_was_not_loaded_is_no_calm_month(incidents_of: Make, shifts_of: Make) -> None:
    """The need of a force whose newest file is three weeks old, or that lacks a month, is not lower for it."""

    def need_of(missing: Callable[[int], bool]) -> float:
        rows = incidents_of(
            *(
                {"occurred_from": datetime(2025, 7, 1, hour, tzinfo=UTC) + timedelta(days=day), "officer_hours": 4.0}
                for day in range((AS_OF - date(2025, 7, 1)).days)
                for hour in (1, 3, 5, 7)
                if not missing(day)
            )
        )
        table = table_of(rows, shifts_of(("s1", "day", 8.0, 8.0, 6.0)), VisitWorkload.create_empty())
        assert table["incidents_p50"].item() == 4
        return float(table["incident_hours"].item())

    whole = need_of(lambda day: False)
    assert whole == pytest.approx(16.0)
    newest = (AS_OF - date(2025, 7, 1)).days
    assert need_of(lambda day: day >= newest - 21) == pytest.approx(whole)
    assert need_of(lambda day: newest - 40 <= day < newest - 10) == pytest.approx(whole)


def test_rows_in_any_order_give_the_same_table_to_the_last_bit(incidents_of: Make, shifts_of: Make) -> None:
    """Sums of floats depend on the order of rows, and threads shuffle them: an edition must be the same twice."""
    rows = incidents_of(
        *(
            {
                "occurred_from": datetime(2025, 7, 1, tzinfo=UTC) + timedelta(minutes=67 * n),
                "cleared_at": datetime(2025, 7, 1, tzinfo=UTC) + timedelta(minutes=67 * n + 37 + n % 101),
                "officer_hours": 1 + math.sin(n),
                "station_code": f"s{n % 3}",
            }
            for n in range(5000)
        )
    )
    shifts = shifts_of(*((unit, code, at, 8.0, 4.0) for unit in ("s0", "s1") for code, at in (("a", 7.0), ("b", 15.0))))
    first, *others = (
        table_of(rows.sample(fraction=1, shuffle=True, seed=n), shifts, VisitWorkload.create_empty()).rows()
        for n in range(8)
    )
    assert all(other == first for other in others)


def test_nobody_on_duty_and_nobody_calling(shifts_of: Make) -> None:
    shifts = shifts_of(("s1", "day", 8.0, 8.0, 0.0), ("s1", "late", 16.0, 8.0, 1.0))
    table = table_of(Incidents.create_empty(), shifts, VisitWorkload.create_empty())
    assert table.select("shift_code", "wait_share", "gap").rows() == [("day", 1.0, 2.0), ("late", 0.0, 1.0)]


def test_midnight_written_for_unknown_is_no_rush_at_midnight(incidents_of: Make, shifts_of: Make) -> None:
    """A source that writes 00:00 where it knows the day only would make the night shift the busiest."""
    day = datetime(2025, 9, 1, tzinfo=UTC) - timedelta(hours=8)  # local midnight
    rows = incidents_of(
        *(
            {"occurred_from": day + timedelta(days=n, hours=hour), "occurred_on": date(2025, 9, 1) + timedelta(days=n)}
            for n in range(182)
            for hour in (0, 0, 0, 0, 0, 0, 9, 12, 15, 18, 21, 22)
        )
    )
    shifts = shifts_of(*((("s1", code, start, 8.0, 6.0)) for code, start in (("n", 0.0), ("d", 8.0), ("l", 16.0))))
    table = table_of(rows, shifts, VisitWorkload.create_empty())
    night, late = row_of(table, "s1", "n"), row_of(table, "s1", "l")
    assert night["incident_hours"] == pytest.approx(2 * 2 * 0.75)  # six without an hour, a third of them here
    assert night["undated_share"] == pytest.approx(1.0)
    assert late["incident_hours"] == pytest.approx((2 + 3) * 2 * 0.75)
    assert late["undated_share"] == pytest.approx(2 / 5)


def test_days_without_calls_are_calm_where_calls_are_rare(incidents_of: Make, shifts_of: Make) -> None:
    rows = incidents_of(
        *(
            {"occurred_from": datetime(2025, 7, 1, 2, tzinfo=UTC) + timedelta(days=5 * n), "officer_hours": 4.0}
            for n in range(49)
        )
    )
    table = table_of(rows, shifts_of(("s1", "day", 8.0, 8.0, 6.0)), VisitWorkload.create_empty())
    assert table["incident_hours"].item() == pytest.approx(4.0 / 5, rel=0.1)


def test_a_source_without_stations_is_one_unit(incidents_of: Make) -> None:
    rows = incidents_of(
        *({"occurred_from": datetime(2026, 2, 1, 2, tzinfo=UTC), "station_code": None} for _ in range(5))
    )
    table = table_of(rows, Shifts.create_empty(), VisitWorkload.create_empty())
    assert table["unit_code"].unique().to_list() == ["j"]


def test_nothing_at_all_gives_an_empty_table() -> None:
    table = table_of(Incidents.create_empty(), Shifts.create_empty(), VisitWorkload.create_empty())
    assert table.is_empty()


def test_a_period_of_no_days_is_refused(steady_year: pl.DataFrame) -> None:
    with pytest.raises(RequestError, match="1 to 366 days, got 0"):
        table_of(steady_year, Shifts.create_empty(), VisitWorkload.create_empty(), horizon_days=0)
