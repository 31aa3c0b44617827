"""The accuracy tables, small: scored months of a made-up city, and the sentence that follows from the figures."""

from datetime import date

import polars as pl
import pytest

from analytics.cells import Grid
from benchmarks.cities import City
from benchmarks.forecasts import calibration_line, months_between, run_series, to_markdown, verdict_of
from benchmarks.speed import FLAGGED, GRID, count_with_polars, make_incidents


def test_months_run_over_the_turn_of_the_year():
    assert months_between(date(2015, 11, 1), date(2016, 1, 1)) == [
        date(2015, 11, 1),
        date(2015, 12, 1),
        date(2016, 1, 1),
    ]


def test_a_series_is_scored_with_every_method_beside_the_choice():
    incidents = make_incidents(4000)
    city = City("Made up", incidents, None, GRID.crs, 1000.0, 0.01, date(2023, 10, 1), date(2023, 11, 1), ("theft",))
    found = run_series(city, "theft", tell=lambda line: None)
    assert found["months"] == 2
    grid = Grid(GRID.crs, 1000.0)
    in_period = incidents.filter(pl.col("occurred_on").is_between(date(2023, 10, 1), date(2023, 11, 30)))
    assert found["events"] == in_period.height
    assert found["flagged"] >= 0.01 * found["cells"] and grid.cell_km2 == 1.0
    pai = {row["method"]: row["pai"] for row in found["rows"]}
    assert {"automatic", "count_365", "count_1095", "ensemble", "sklearn KDE 1,200 ft"} <= set(pai)
    gain = found["gains"]["count_1095"]
    assert gain["low"] <= gain["mean"] <= gain["high"]
    assert abs(gain["mean"] - (pai["automatic"] - pai["count_1095"])) < 1e-9
    for told in (found["coverage"], found["randomised"], found["everywhere"]):
        assert list(told) == ["50", "80", "95"] and told["50"] <= told["80"] <= told["95"] <= 1
    # Poisson counts of known, steady rates: the distribution behind the intervals is right.
    assert found["everywhere"] == pytest.approx({"50": 0.5, "80": 0.8, "95": 0.95}, abs=0.02)
    low, high = found["expected_range"]
    assert low < found["expected_over_observed"] < high
    assert f"{found['expected_over_observed']:.2f} ({low:.2f} to {high:.2f})" in calibration_line(found)
    text = to_markdown(found)
    assert f"| automatic | {pai['automatic']:.2f}" in text


def test_the_verdict_follows_the_interval_against_the_better_count():
    rows = [{"method": "count_365", "pai": 5.0}, {"method": "count_1095", "pai": 6.0}]
    gains = {"count_365": {"low": 1.0, "high": 2.0}, "count_1095": {"low": -1.0, "high": 0.5}}
    assert verdict_of({"rows": rows, "gains": gains}).startswith("Not told apart from the 1095-day count")
    gains["count_1095"] = {"low": -2.0, "high": -0.5}
    assert verdict_of({"rows": rows, "gains": gains}) == "The 1095-day count wins here."


def test_the_floor_counts_the_last_year():
    incidents = make_incidents(3000)
    x, y = GRID.project(incidents["lon"].to_numpy(), incidents["lat"].to_numpy())
    top = count_with_polars(x, y, incidents["occurred_on"])
    assert top.height == FLAGGED
    column, row = GRID.index_metres(x, y)
    last = (incidents["occurred_on"] >= date(2023, 1, 1)).to_numpy()
    counts = pl.DataFrame({"c": column[last], "r": row[last]}).group_by("c", "r").len()["len"]
    assert top["len"].sum() == counts.top_k(FLAGGED).sum()
