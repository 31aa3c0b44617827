"""The challenge's windows, small: hits by day, runs in pieces, the interval over windows that lie in one another."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from analytics.cells import Grid
from analytics.hotspots.study import Study
from analytics.scorecard import MAP_SQ_FT, SQ_FT_PER_KM2, cells_within
from benchmarks.challenge import (
    AREA_SQ_MI,
    AUTOMATIC,
    compare_over_windows,
    plain_count,
    read_windows,
    score_windows,
    seats_of,
    summarise_windows,
    to_line,
)
from benchmarks.cities import City
from benchmarks.speed import GRID, make_incidents

CELL_M = 182.88


@pytest.fixture(scope="module")
def city():
    incidents = make_incidents(3000).with_columns(occurred_on=pl.col("occurred_on").dt.offset_by("-4y"))
    return City("Made up", incidents, None, GRID.crs, CELL_M, 0.01, date(2019, 3, 1), date(2019, 3, 1), ("theft",))


def test_a_window_is_scored_as_the_product_would_have_told_it(city):
    told = []
    (row,) = score_windows(city, years=[2019], windows=["2w"], cell_m=CELL_M, tell=told.append)
    assert told == [row]
    inside = city.incidents.filter(pl.col("occurred_on").is_between(date(2019, 3, 1), date(2019, 3, 14)))
    assert row["events"] == inside.height == sum(row["events_by_day"])
    assert len(row["events_by_day"]) == 14
    assert row["hits"][AUTOMATIC] == pytest.approx(sum(row["by_day"][AUTOMATIC]))
    flagged = cells_within(AREA_SQ_MI, Grid(GRID.crs, CELL_M))
    assert row["share"] == pytest.approx(flagged * CELL_M**2 / 1e6 * SQ_FT_PER_KM2 / MAP_SQ_FT)
    for name in (AUTOMATIC, "count_365", "count_1095"):
        assert row["pai"][name] == pytest.approx(row["hits"][name] / row["events"] / row["share"])
        assert row["hits"][name] <= row["best"]
    assert f"/ {row['events']:g} (" in to_line(row)


def test_windows_already_scored_are_not_made_again(city, tmp_path):
    assert read_windows(tmp_path / "none.jsonl") == []
    known = [("theft", 2019, window) for window in ("1w", "2w", "1m", "2m", "3m")]
    assert score_windows(city, years=[2019], cell_m=CELL_M, known=known) == []


def test_a_plain_count_counts_what_was_known_in_its_window(city):
    day = date(2019, 3, 1)
    study = Study.of(city.incidents, as_of=day, grid=Grid(GRID.crs, CELL_M))
    recent = city.incidents.filter(
        pl.col("occurred_on") < day, pl.col("occurred_on") >= pl.lit(day).dt.offset_by("-365d")
    )
    assert plain_count(study, "theft", 365).sum() == recent.height


def test_tied_last_seats_are_shared():
    assert seats_of(np.array([3.0, 1.0, 1.0, 0.0]), 2).tolist() == [1.0, 0.5, 0.5, 0.0]


def _row(window_days, own, plain, events):
    hits = {AUTOMATIC: float(sum(own)), "count_365": float(sum(plain)), "count_1095": float(sum(plain))}
    total = float(sum(events))
    return {
        "year": 2015,
        "share": 0.01,
        "events": total,
        "hits": hits,
        "pai": {name: n / total / 0.01 for name, n in hits.items()},
        "by_day": {AUTOMATIC: own, "count_365": plain, "count_1095": plain},
        "events_by_day": events,
    }


def test_the_interval_over_windows_is_exact_where_every_day_is_alike():
    rows = [_row(2, [2, 2], [1, 1], [10, 10]), _row(4, [2, 2, 2, 2], [1, 1, 1, 1], [10, 10, 10, 10])]
    found = compare_over_windows(rows, "count_365")
    assert (found["automatic"], found["plain"]) == (pytest.approx(20.0), pytest.approx(10.0))
    assert (found["low"], found["high"]) == (pytest.approx(10.0), pytest.approx(10.0))
    assert (found["better"], found["worse"]) == (2, 0)
    assert "| 2015 | 365-day count | 2 | 2 / 0 / 0 | 20.0 | 10.0 | +10.0 (+10.0 to +10.0) |" in summarise_windows(rows)


def test_the_interval_over_windows_grows_where_one_day_decides():
    found = compare_over_windows([_row(4, [8, 0, 0, 0], [0, 0, 0, 0], [10, 10, 10, 10])], "count_1095")
    assert found["gain"] == pytest.approx(20.0)
    assert found["low"] == 0.0 < found["gain"] < found["high"]
