"""Where the record of a source begins: a few events of long ago are no record; empty decades are not learnt from."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from analytics.hotspots.forecast import forecast_hotspots
from analytics.hotspots.history import History, day_number, record_start
from tests.analytics.hotspots.conftest import frame_of

END = day_number(date(2023, 1, 1))


def daily(first: int, last: int, per_day: int = 3) -> list[int]:
    return [day for day in range(first, last) for _ in range(per_day)]


@pytest.mark.parametrize(
    ("days", "start"),
    [
        pytest.param(daily(END - 800, END), END - 800, id="nothing before"),
        pytest.param([-25_567, *daily(END - 800, END)], END - 800, id="one at a default of 1900"),
        pytest.param(
            [*range(END - 9000, END - 850, 90), *daily(END - 800, END, 6)],
            END - 800,
            id="one every three months before",
        ),
        pytest.param([END - 5000, *range(END - 900, END, 45)], END - 900, id="so few that one a month is usual"),
        pytest.param([END - 400, END - 100, END - 10], END - 400, id="a gap of less than a year stays"),
        pytest.param(daily(END - 3000, END - 2000) + daily(END - 500, END), END - 500, id="kept, not kept, kept again"),
        pytest.param([END - 800, END - 400, END - 10], END - 800, id="so few that a year without one is nothing"),
        pytest.param([END - 7], END - 7, id="a single incident"),
    ],
)
def test_the_record_starts_where_it_is_kept_as_usual(days, start):
    found = record_start(np.array(days)[np.random.default_rng(0).permutation(len(days))])
    assert found == start


def history(days: list[int], target: list[bool]) -> History:
    n = len(days)
    day = np.array(days)
    return History(np.zeros(n), np.zeros(n), day, day, np.ones(n), np.array(target))


def test_a_category_recorded_later_than_the_others_starts_by_itself():
    others, own = daily(END - 1800, END), daily(END - 200, END, 1)
    found = history(others + own, [False] * len(others) + [True] * len(own))
    assert found.first_day == END - 200


def test_a_rare_category_starts_with_the_others():
    # Four incidents, the first 300 days after the others': by its own rate two would have been expected before.
    others, own = daily(END - 1000, END), [END - 700, END - 500, END - 300, END - 100]
    found = history(others + own, [False] * len(others) + [True] * len(own))
    assert found.first_day == END - 1000


def test_events_of_1900_change_no_forecast(incidents, grid, as_of):
    lon, lat = grid.centres([3, 9], [3, 9])
    old = frame_of("THEFT", lon, lat, [date(1900, 1, 1), date(1931, 6, 1)])
    told = [
        # A smooth ranker: trees would jump where an incident more moves the edge of a bin.
        forecast_hotspots(
            rows, as_of=as_of, horizon_days=28, category="THEFT", grid=grid, area_km2=0.1, candidates=("kernel",)
        )
        for rows in (incidents, pl.concat([incidents, old.select(incidents.columns)]))
    ]
    assert told[0].cells["place_id"].to_list() == told[1].cells["place_id"].to_list()
    np.testing.assert_allclose(told[1].expected, told[0].expected, rtol=0.02)
    assert told[0].backtest.origins == told[1].backtest.origins
