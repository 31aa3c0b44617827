from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.visits.totals import ADDED, total_workload
from data.errors import RequestError


def workload(*rows: dict[str, object]) -> pl.DataFrame:
    numbers = dict.fromkeys([*ADDED, "triggered_low", "triggered_high", "minutes_low", "minutes_high"], 0.0)
    usual = {"station_code": "s1", "beat_code": "b1", "week_start": date(2026, 3, 2), "visit_kind": "hotel"}
    return pl.DataFrame([{**numbers, **usual, "assumed": False, **row} for row in rows], infer_schema_length=None)


def test_independent_errors_add_as_squares_and_shared_ones_as_they_are() -> None:
    width = {"minutes": 100.0, "minutes_low": 70.0, "minutes_high": 130.0}
    other = {"minutes": 100.0, "minutes_low": 60.0, "minutes_high": 140.0, "beat_code": "b2"}
    recorded = total_workload(workload(width, other))
    assert recorded.select("minutes", "minutes_low", "minutes_high").rows() == [(200.0, 150.0, 250.0)]
    guessed = total_workload(workload(width, other), assumed_durations=["hotel"])
    assert guessed.select("minutes", "minutes_low", "minutes_high").rows() == [(200.0, 130.0, 270.0)]


def test_sub_bureaus_need_the_stations_parents() -> None:
    frame = workload({"due": 1.0}, {"due": 2.0, "station_code": "s2"}, {"due": 4.0, "station_code": "s3"})
    total = total_workload(frame, by=["sub_bureau_code"], parents={"s1": "east", "s2": "east", "s3": "west"})
    assert total.select("sub_bureau_code", "due").rows() == [("east", 3.0), ("west", 4.0)]
    with pytest.raises(RequestError, match="parent of each station"):
        total_workload(frame, by=["sub_bureau_code"])
    with pytest.raises(RequestError, match="cannot add up by officer"):
        total_workload(frame, by=["officer"])


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xy"), st.integers(0, 50)), min_size=1, max_size=20))
def test_totals_are_coherent(rows: list[tuple[str, str, int]]) -> None:
    frame = workload(
        *(
            {"station_code": station, "beat_code": station + beat, "due": float(n), "minutes": 10.0 * n,
             "minutes_low": 5.0 * n, "minutes_high": 20.0 * n}
            for station, beat, n in rows
        )
    )  # fmt: skip
    stations, beats, force = (total_workload(frame, by=by) for by in (["station_code"], ["beat_code"], []))
    for name in ("due", "minutes"):
        assert stations[name].sum() == beats[name].sum() == force[name].sum() == frame[name].sum()
    assert force.height == 1
    # Adding up never makes the relative interval wider.
    assert force["minutes_high"][0] <= frame["minutes_high"].sum() + 1e-9
    assert force["minutes_low"][0] >= frame["minutes_low"].sum() - 1e-9
