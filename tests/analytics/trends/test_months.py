from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from analytics.trends.months import counted_whole_until, monthly_series, months_without_record
from data.errors import RequestError


def daily(*rows: tuple[date, int], category: str = "theft") -> pl.DataFrame:
    return pl.DataFrame(
        [{"day": day, "category": category, "incidents": number} for day, number in rows],
        schema={"day": pl.Date, "category": pl.String, "incidents": pl.Int32},
    )


def of_month(series: pl.DataFrame, month: date) -> dict[str, object]:
    return series.row(by_predicate=pl.col("month") == month, named=True)


def test_months_against_the_year_before() -> None:
    counts = daily((date(2025, 1, 1), 8), (date(2025, 1, 31), 2), (date(2026, 1, 5), 15), (date(2026, 2, 1), 4))
    series = monthly_series(counts, as_of=date(2026, 2, 10))
    assert series.height == 14
    assert series["incidents"].sum() == 29
    january = of_month(series, date(2026, 1, 1))
    assert (january["incidents"], january["year_before"], january["change"]) == (15, 10.0, 0.5)
    assert january["earlier_years"] == 1 and january["low"] is None
    february = of_month(series, date(2026, 2, 1))
    assert not february["complete"] and february["year_before"] is None
    assert of_month(series, date(2025, 6, 1))["incidents"] == 0


def every_month(*years: int, number: int) -> list[tuple[date, int]]:
    return [(date(year, month, 15), number) for year in years for month in range(1, 13)]


def test_months_that_were_never_loaded_are_no_quiet_months() -> None:
    counts = daily((date(2001, 5, 1), 1), *every_month(2022, 2023, 2025, number=200), (date(2024, 3, 9), 3))
    missing = months_without_record(counts, as_of=date(2026, 1, 1))
    assert missing == [date(2024, month, 1) for month in range(1, 13)]
    series = monthly_series(counts, as_of=date(2026, 1, 1), unrecorded=missing)
    march = of_month(series, date(2024, 3, 1))
    assert (march["incidents"], march["recorded"], march["complete"]) == (None, False, False)
    after = of_month(series, date(2025, 3, 1))
    assert (after["incidents"], after["year_before"], after["change"]) == (200, None, None)
    assert (after["earlier_years"], after["expected"]) == (2, 200.0)


def test_where_little_happens_an_empty_month_is_a_quiet_month() -> None:
    few = daily(*every_month(2023, 2025, number=5))
    assert months_without_record(few, as_of=date(2026, 1, 1)) == []
    assert months_without_record(few.clear(), as_of=date(2026, 1, 1)) == []
    # The month of the day the counts stand at is not over, and so not missing.
    assert months_without_record(daily(*every_month(2025, number=50)), as_of=date(2026, 1, 20)) == []


def test_a_day_more_in_february_is_no_rise() -> None:
    every_day = [(date(2021, 1, 1) + timedelta(days=k), 10) for k in range((date(2024, 3, 1) - date(2021, 1, 1)).days)]
    february = of_month(monthly_series(daily(*every_day), as_of=date(2024, 3, 1)), date(2024, 2, 1))
    assert (february["incidents"], february["expected"]) == (290, pytest.approx(290))


def late(*delays: int, as_of: date = date(2026, 6, 1)) -> pl.DataFrame:
    """An incident on every day of two years for each delay, those known before the day."""
    rows = [
        {"occurred_on": day, "known_on": day + timedelta(days=wait), "valid": True}
        for age in range(1, 731)
        for day in [as_of - timedelta(days=age)]
        for wait in delays
    ]
    return pl.DataFrame(rows).filter(pl.col("known_on") < as_of)


def test_counts_are_whole_once_a_month_is_known_but_for_a_twentieth() -> None:
    as_of = date(2026, 6, 1)
    assert counted_whole_until(late(0), as_of=as_of) == as_of
    # Half is known after 20 days: of a month that ended w days ago (20 - w) / 28 halves are missing, at w = 18 3.6 %.
    assert counted_whole_until(late(0, 20), as_of=as_of) == as_of - timedelta(days=18)
    # Of what was loaded years later nobody knows when it was known.
    assert counted_whole_until(late(0, 0, 400), as_of=as_of) == as_of
    assert counted_whole_until(late(20).head(50), as_of=as_of) == as_of
    unsaid = late(20).with_columns(known_on=pl.lit(None, dtype=pl.Date))
    assert counted_whole_until(unsaid, as_of=as_of) == as_of


def test_the_band_holds_what_it_says_where_months_vary_more_than_chance() -> None:
    """Simulated: gamma-Poisson months of a steady mean; without the spread of the earlier years 86 of 100 held."""
    rng = np.random.default_rng(11)
    months = [date(year, month, 1) for year in (2023, 2024, 2025) for month in range(1, 13)]
    frames = [
        daily(*zip(months, rng.poisson(500 * rng.gamma(20, 1 / 20, 36)).tolist(), strict=True), category=f"c{k}")
        for k in range(300)
    ]
    last = monthly_series(pl.concat(frames), as_of=date(2026, 1, 1), by=["category"]).filter(
        pl.col("low").is_not_null()
    )
    held = ((last["incidents"] >= last["low"]) & (last["incidents"] <= last["high"])).mean()
    assert last.height == 300 * 12
    assert held > 0.90


def test_the_band_rests_on_earlier_years_only() -> None:
    years = [(date(year, month, 1), 100) for year in range(2021, 2026) for month in range(1, 13)]
    calm = monthly_series(daily(*years, (date(2026, 1, 3), 100)), as_of=date(2026, 2, 1))
    surge = monthly_series(daily(*years, (date(2026, 1, 3), 300)), as_of=date(2026, 2, 1))
    now, then = (of_month(frame, date(2026, 1, 1)) for frame in (calm, surge))
    assert (now["expected"], now["earlier_years"]) == (100.0, 5)
    assert (now["low"], now["high"]) == (then["low"], then["high"])
    # Poisson with an uncertain mean: sd of sqrt(100 + 100 / 5) = 10.95.
    assert now["low"] == pytest.approx(100 - 1.96 * 10.95, abs=2)
    assert now["high"] == pytest.approx(100 + 1.96 * 10.95, abs=2)
    assert then["incidents"] > then["high"]


def test_a_restless_series_has_a_wider_band() -> None:
    restless = [(date(year, m, 1), 60 if (year + m) % 2 else 140) for year in range(2022, 2026) for m in range(1, 13)]
    band = of_month(monthly_series(daily(*restless, (date(2026, 1, 3), 9)), as_of=date(2026, 2, 1)), date(2026, 1, 1))
    assert band["expected"] == 100.0
    assert band["low"] < 45 and band["high"] > 160


def test_the_band_is_wider_by_what_was_added_to_the_counts() -> None:
    """Counts rounded at random differ from their past for no reason: the band must not call that a change."""
    steady = daily(*every_month(2022, 2023, 2024, 2025, number=20))
    bands = [
        of_month(monthly_series(steady, as_of=date(2026, 1, 1), noise=added), date(2025, 6, 1)) for added in (0, 4)
    ]
    assert bands[1]["low"] < bands[0]["low"] and bands[1]["high"] > bands[0]["high"]
    assert bands[1]["expected"] == bands[0]["expected"] == 20
    # 20 by chance and 4 by rounding, of this month and of the mean of three: 1.96 times the root of 32 is 11.
    assert (bands[1]["low"], bands[1]["high"]) == (10, 32)


def test_stray_old_dates_are_no_coverage() -> None:
    years = [(date(year, month, 1), 100) for year in range(2018, 2026) for month in range(1, 13)]
    series = monthly_series(daily((date(1950, 6, 1), 1), *years, (date(2026, 1, 3), 100)), as_of=date(2026, 2, 1))
    assert series["month"].min() == date(2021, 1, 1)
    january = of_month(series, date(2026, 1, 1))
    assert (january["expected"], january["earlier_years"]) == (100.0, 5)
    late_start = [(date(2022, 1, 5), 2), *((date(2024, month, 1), 100) for month in range(1, 13))]
    assert monthly_series(daily(*late_start), as_of=date(2025, 1, 1))["month"].min() == date(2024, 1, 1)


def test_series_are_kept_apart() -> None:
    both = pl.concat(
        [daily((date(2025, 1, 1), 5), (date(2026, 1, 1), 10)), daily((date(2026, 1, 1), 7), category="fraud")]
    )
    series = monthly_series(both, as_of=date(2026, 2, 1), by=["category"])
    january = series.filter(pl.col("month") == date(2026, 1, 1))
    assert january.select("category", "incidents", "year_before", "change").rows() == [
        ("fraud", 7, 0.0, None),
        ("theft", 10, 5.0, 1.0),
    ]


def test_no_counts_no_series() -> None:
    assert monthly_series(daily(), as_of=date(2026, 2, 1), by=["category"]).is_empty()
    with pytest.raises(RequestError, match=r"between 0\.5 and 0\.999"):
        monthly_series(daily(), as_of=date(2026, 2, 1), level=1.0)
