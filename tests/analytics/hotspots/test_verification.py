"""What earlier editions told against what then happened: counted by hand, area by area, and what is left out."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from analytics.hotspots.verification import PastEdition, Verification
from data.schemas.models import PastLists, PastPlaces

PAST_DAY = date(2022, 12, 4)  # Its 28 days end on 2023-01-01, the day of the forecast.


def list_of(grid, cells, *, day=PAST_DAY, horizon_days=28, expected=1.0, low=0.0, high=3.0):
    """A published list of cells (column, row), best first."""
    columns, rows = np.array(cells).T
    return pl.DataFrame(
        {
            "category": "THEFT",
            "horizon_days": pl.Series([horizon_days] * len(cells), dtype=pl.Int32),
            "period_start": day,
            "advice_id": [f"E1:{n}" for n in range(1, len(cells) + 1)],
            "place_id": grid.place_ids(columns, rows),
            "rank": pl.Series(range(1, len(cells) + 1), dtype=pl.Int32),
            "expected": float(expected),
            "low": float(low),
            "high": float(high),
            "interval_level": 0.8,
            "station_code": pl.Series([None] * len(cells), dtype=pl.String),
            "beat_code": pl.Series([None] * len(cells), dtype=pl.String),
        }
    )


def thefts_by_cell(incidents, grid, first, end, known_before=None):
    rows = incidents.filter(pl.col("category") == "THEFT", pl.col("occurred_on").is_between(first, end, closed="left"))
    if known_before:
        rows = rows.filter(pl.coalesce("known_on", "occurred_on") < known_before)
    column, row = grid.index(rows["lon"].to_numpy(), rows["lat"].to_numpy())
    found: dict[tuple[int, int], int] = {}
    for cell in zip(column.tolist(), row.tolist(), strict=True):
        found[cell] = found.get(cell, 0) + 1
    return found


def verify(forecast, past, areas=None, **asked):
    found, study = forecast(**asked)
    verification = Verification(areas, past)
    verification.look_at(found, study)
    return verification.tables()


def test_a_past_list_is_held_against_what_happened_and_against_the_plain_count_of_its_day(
    forecast, incidents, grid, as_of, two_stations
):
    cells = [(3, 3), (15, 4), (12, 12)]
    tables = verify(forecast, [PastEdition("E1", PAST_DAY, list_of(grid, cells))], two_stations)
    assert PastLists.is_valid(tables["past_lists"])
    assert PastPlaces.is_valid(tables["past_places"])
    happened = thefts_by_cell(incidents, grid, PAST_DAY, as_of)
    places = tables["past_places"]
    assert places["observed"].to_list() == [happened.get(cell, 0) for cell in cells]
    assert places["advice_id"].to_list() == ["E1:1", "E1:2", "E1:3"]
    rows = {row["area_code"]: row for row in tables["past_lists"].to_dicts()}
    assert set(rows) == {None, "F", "S1", "S2"}
    whole = rows[None]
    assert (whole["told_by"], whole["period_start"], whole["period_end"]) == ("E1", PAST_DAY, as_of)
    assert (whole["places"], whole["expected"]) == (3, 3.0)
    assert whole["hits"] == sum(happened.get(cell, 0) for cell in cells)
    assert whole["hits_low"] < whole["hits"] < whole["hits_high"]
    assert whole["events"] == sum(happened.values())
    assert whole["inside"] == sum(happened.get(cell, 0) <= 3 for cell in cells)
    year = thefts_by_cell(incidents, grid, PAST_DAY - timedelta(days=365), PAST_DAY)
    first, second, third = sorted(year, key=lambda cell: -year[cell])[:3]
    # Two cells tie for the third place; a plain count would take either.
    tied = [happened.get(cell, 0) for cell in year if year[cell] == year[third]]
    assert len(tied) == 2
    assert whole["plain_hits"] == happened.get(first, 0) + happened.get(second, 0) + sum(tied) / 2
    # A column below 10 lies in the first station.
    assert rows["S1"]["places"] == 1
    assert rows["S1"]["hits"] == happened.get((3, 3), 0)
    assert rows["S1"]["hits"] + rows["S2"]["hits"] == rows["F"]["hits"] == whole["hits"]
    west = max((cell for cell in year if cell[0] < 10), key=lambda cell: year[cell])
    assert rows["S1"]["plain_hits"] == happened.get(west, 0)


@pytest.mark.parametrize(
    ("day", "judged"),
    [(PAST_DAY, True), (PAST_DAY + timedelta(days=1), False)],
    ids=["over", "one day to go"],
)
def test_only_periods_that_are_over_are_judged(forecast, grid, day, judged):
    tables = verify(forecast, [PastEdition("E1", day, list_of(grid, [(3, 3)], day=day))])
    assert tables["past_lists"].is_empty() == (not judged)
    assert tables["past_places"].is_empty() == (not judged)


def test_a_period_is_not_judged_while_much_of_it_is_usually_unknown(forecast, incidents, grid, as_of):
    late = incidents.with_columns(known_on=pl.col("occurred_on") + pl.duration(days=20))
    past = [
        PastEdition("E0", date(2022, 11, 6), list_of(grid, [(3, 3)], day=date(2022, 11, 6))),
        PastEdition("E1", PAST_DAY, list_of(grid, [(3, 3)])),
    ]
    known = late.filter(pl.col("known_on") < as_of)
    tables = verify(forecast, past, rows=known)
    assert tables["past_lists"]["told_by"].to_list() == ["E0"]
    # The plain count of that day knew nothing of its last twenty days.
    year = thefts_by_cell(late, grid, date(2021, 11, 6), date(2022, 11, 6), known_before=date(2022, 11, 6))
    best = max(year, key=lambda cell: year[cell])
    happened = thefts_by_cell(late, grid, date(2022, 11, 6), PAST_DAY)
    assert tables["past_lists"]["plain_hits"].to_list() == [happened.get(best, 0)]


def test_a_month_without_record_judges_no_list(forecast, incidents, grid):
    hole = incidents.filter(~pl.col("occurred_on").is_between(date(2022, 11, 10), date(2022, 11, 30)))
    day = date(2022, 11, 6)
    tables = verify(forecast, [PastEdition("E0", day, list_of(grid, [(3, 3)], day=day))], rows=hole)
    assert tables["past_lists"].is_empty()


def test_lists_of_other_grids_categories_and_lengths_are_left_alone(forecast, grid):
    own = list_of(grid, [(3, 3)])
    others = [
        own.with_columns(place_id="x" + pl.col("place_id")),
        own.with_columns(category=pl.lit("NOISE")),
        own.with_columns(horizon_days=pl.lit(7, dtype=pl.Int32)),
        own.clear(),
    ]
    past = [PastEdition(f"E{n}", PAST_DAY, listed) for n, listed in enumerate(others)]
    assert verify(forecast, past)["past_lists"].is_empty()
    assert verify(forecast, [])["past_places"].is_empty()


def test_a_place_that_left_the_map_is_left_out_and_the_others_are_judged(forecast, incidents, grid, as_of):
    far_and_hot = list_of(grid, [(900, 900), (15, 4)])
    tables = verify(forecast, [PastEdition("E1", PAST_DAY, far_and_hot)])
    assert tables["past_places"]["rank"].to_list() == [2]
    happened = thefts_by_cell(incidents, grid, PAST_DAY, as_of)
    assert tables["past_lists"].select("places", "hits").rows() == [(1, happened.get((15, 4), 0))]
