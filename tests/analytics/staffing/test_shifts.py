from __future__ import annotations

from collections.abc import Callable
from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.staffing.parameters import StaffingParameters
from analytics.staffing.shifts import share_hours, shifts_in_force
from data.errors import RequestError
from data.schemas import Shifts

TODAY = date(2026, 3, 2)


def test_relief_factor_of_an_eight_hour_and_a_round_the_clock_post() -> None:
    parameters = StaffingParameters()
    assert parameters.net_hours_per_year == 1824
    assert parameters.relief_factor(8) == pytest.approx(1.60, abs=0.005)
    assert parameters.relief_factor(24) == pytest.approx(4.80, abs=0.005)


@pytest.mark.parametrize(
    "wrong",
    [
        {"target_committed_share": 0.0},
        {"target_committed_share": 1.2},
        {"recent_days": 10},
        {"lost_hours_per_year": 3000},
        {"visit_hours_from": 20, "visit_hours_to": 8},
        {"minimum_crew": 0},
    ],
)
def test_parameters_out_of_range_are_refused_by_name(wrong: dict[str, float]) -> None:
    with pytest.raises(RequestError, match=r"staffing parameter '[a-z_]+' must"):
        StaffingParameters(**wrong)  # type: ignore[arg-type]


def test_units_without_shifts_get_three_assumed_ones_without_officers() -> None:
    table = shifts_in_force(Shifts.create_empty(), ["s1"], TODAY)
    assert table["shift_code"].to_list() == ["night", "day", "middle"]
    assert table["hours"].sum() == 24
    assert table["assumed"].all()
    assert table["available"].null_count() == 3


def test_the_row_in_force_is_taken(shifts_of: Callable[..., pl.DataFrame]) -> None:
    old, new, later = (shifts_of(("s1", "day", 8.0, 8.0, officers)) for officers in (3.0, 5.0, 9.0))
    table = pl.concat(
        [
            new.with_columns(valid_from=pl.lit(date(2026, 1, 1))),
            old.with_columns(valid_to=pl.lit(date(2026, 3, 1))),
            later.with_columns(valid_from=pl.lit(date(2026, 3, 3))),
        ]
    )
    assert shifts_in_force(table, [], TODAY)["available"].to_list() == [5.0]


def test_a_night_shift_belongs_to_the_day_it_began(shifts_of: Callable[..., pl.DataFrame]) -> None:
    table = shifts_in_force(shifts_of(("s1", "day", 8.0, 14.0, 4.0), ("s1", "night", 22.0, 10.0, 4.0)), [], TODAY)
    shares = share_hours(table)
    at = {row["hour"]: row for row in shares.iter_rows(named=True)}
    assert (at[23]["shift_code"], at[23]["day_offset"]) == ("night", 0)
    assert (at[3]["shift_code"], at[3]["day_offset"]) == ("night", -1)
    assert (at[8]["shift_code"], at[8]["day_offset"]) == ("day", 0)


def test_overlapping_shifts_share_by_officers_and_a_gap_waits_for_the_next_shift(
    shifts_of: Callable[..., pl.DataFrame],
) -> None:
    table = shifts_in_force(shifts_of(("s1", "a", 8.0, 8.0, 6.0), ("s1", "b", 12.0, 8.0, 2.0)), [], TODAY)
    shares = {
        (row["hour"], row["shift_code"], row["day_offset"]): row["share"] for row in share_hours(table).to_dicts()
    }
    assert shares[13, "a", 0] == pytest.approx(0.75)
    assert shares[13, "b", 0] == pytest.approx(0.25)
    assert shares[5, "a", 0] == pytest.approx(1.0)  # nobody on duty at five: the shift of eight takes it
    assert shares[22, "a", 1] == pytest.approx(1.0)  # nor at ten at night: tomorrow's does


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 47), st.integers(1, 48), st.integers(0, 9)), min_size=1, max_size=4))
def test_every_hour_is_given_out_exactly_once(spans: list[tuple[int, int, int]]) -> None:
    table = pl.DataFrame(
        [
            {
                "unit_code": "s1",
                "shift_code": f"c{number}",
                "start_hour": start / 2,
                "hours": length / 2,
                "available": float(officers),
            }
            for number, (start, length, officers) in enumerate(spans)
        ]
    )
    totals = share_hours(table).group_by("hour").agg(pl.col("share").sum()).sort("hour")
    assert totals["hour"].to_list() == list(range(24))
    assert totals["share"].to_list() == pytest.approx([1.0] * 24)
