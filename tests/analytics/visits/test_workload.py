from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analytics.visits.due import find_due_visits
from analytics.visits.triggered import choose_model, forecast_triggered, negative_binomial_interval, poisson_deviance
from analytics.visits.workload import forecast_visits, stations_of_beats
from data.errors import RequestError
from data.schemas import Areas, VisitRegister, Visits
from data.visit_rules import load_visit_rules

Make = Callable[..., pl.DataFrame]
ZONE = "Asia/Shanghai"
TODAY = date(2026, 3, 2)


def forecast(register: pl.DataFrame, visits: pl.DataFrame, **more: object) -> tuple[pl.DataFrame, pl.DataFrame]:
    usual = {"as_of": TODAY, "weeks": 4, "rules": load_visit_rules(), "timezone": ZONE, "edition_id": "E1"}
    return forecast_visits(register, visits, None, **(usual | more))[:2]  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def three_years() -> pl.DataFrame:
    """Disputes of 12 beats over 156 weeks: beat k opens a Poisson number with mean (k + 1) / 4 and a strong season."""
    generator = np.random.default_rng(7)
    rows = []
    for week in range(156):
        season = 1 + 0.6 * np.sin(2 * np.pi * week / 52.18)
        for beat in range(12):
            for _ in range(generator.poisson((beat + 1) / 4 * season)):
                opened = TODAY - timedelta(days=7 * (156 - week) - int(generator.integers(0, 7)))
                rows.append({"beat_code": f"b{beat:02}", "opened_on": opened, "object_id": f"d{len(rows)}"})
    frame = pl.DataFrame(rows).with_columns(
        visit_kind=pl.lit("dispute_revisit"),
        closed_on=pl.col("opened_on") + pl.duration(days=7),
        record_key="object_id",
        source=pl.lit("test"),
        load_id=pl.lit("L"),
        source_file=pl.lit("f"),
        source_line=pl.lit(2),
        **{name: pl.lit(None) for name in ("grade", "label", "address_code", "community_code", "lon", "lat")},
    )
    return VisitRegister.validate(frame.select(VisitRegister.column_names()), cast=True)


def test_a_beat_of_two_hotels(register_of: Make, visits_of: Make) -> None:
    register = register_of(
        {"object_id": "late", "opened_on": date(2025, 1, 1), "label": "旅馆甲"},
        {"object_id": "done", "opened_on": date(2025, 1, 1)},
    )
    visits = visits_of(("late", "hotel", date(2026, 1, 9), True), ("done", "hotel", date(2026, 3, 1), True))
    workload, plan = forecast(register, visits, weeks=8)
    assert workload["week_start"].to_list() == [TODAY + timedelta(weeks=n) for n in range(8)]
    # "late" was due on 28 February, its late visit is March's; both are due again on 30 April, in the ninth week.
    assert workload["overdue"].to_list() == [1, 0, 0, 0, 0, 0, 0, 0]
    assert workload["due"].sum() == 0
    assert forecast(register, visits, weeks=9)[0]["due"].to_list() == [0, 0, 0, 0, 0, 0, 0, 0, 2]
    assert workload["advice_id"][0] == "E1:visits:b1:2026-03-02:hotel"
    assert workload["assumed"].all()
    first = workload.row(0, named=True)
    assert first["minutes_low"] < first["minutes"] < first["minutes_high"]
    assert first["attempts"] == pytest.approx(first["minutes"] / forecast_minutes_per_try(first), rel=1e-9)
    assert plan.select("advice_id", "object_id", "rank", "overdue_days", "suggested_on", "label").rows() == [
        ("E1:plan:late:hotel", "late", 1, 2, TODAY, "旅馆甲")
    ]


def forecast_minutes_per_try(row: dict[str, float]) -> float:
    """Two officers, the mean of 10-20-40 minutes by Swanson's rule, a fifth of it per failed try, per try."""
    mean, tries = 0.3 * 10 + 0.4 * 20 + 0.3 * 40, row["attempts"]
    return 2 * (mean + 0.2 * mean * (tries - 1)) / tries


def test_the_plan_puts_urgent_first_then_walks_to_the_nearest(register_of: Make, visits_of: Make) -> None:
    usual = {"visit_kind": "entertainment_venue", "opened_on": date(2025, 1, 1), "lat": 30.0}
    register = register_of(
        {**usual, "object_id": "west", "grade": "A", "lon": 120.00},
        {**usual, "object_id": "east", "grade": "A", "lon": 120.03},
        {**usual, "object_id": "middle", "grade": "A", "lon": 120.01},
        {**usual, "object_id": "nowhere", "grade": "A", "lat": None},
        {**usual, "object_id": "strict", "grade": "C", "lon": 120.021},
        {"object_id": "warning", "visit_kind": "dv_warning", "opened_on": date(2026, 3, 1)},
    )
    visits = visits_of(
        *((name, "entertainment_venue", date(2026, 2, 27), True) for name in ["west", "east", "middle", "nowhere"])
    )
    _, plan = forecast(register, visits, plan_days=40, minutes_per_day=150.0)
    # The warning is due today; the C venue is long overdue; the rest are due on 31 March, nearest to "strict" first.
    assert plan["object_id"].to_list()[:2] == ["warning", "strict"]
    assert plan["object_id"].to_list()[2:] == ["east", "middle", "west", "nowhere"]
    assert plan["rank"].to_list() == [1, 2, 3, 4, 5, 6]
    days = plan["suggested_on"].to_list()
    assert days == sorted(days)
    assert all(day.weekday() < 5 for day in days)
    spent = plan.group_by("suggested_on").agg(pl.col("minutes").sum(), pl.len())
    assert spent.filter((pl.col("minutes") > 150) & (pl.col("len") > 1)).is_empty()


def test_what_is_not_late_yet_goes_by_its_date(register_of: Make, visits_of: Make) -> None:
    """By priority of the rule the venue, due in four weeks, would make the home, due in ten days, late."""
    register = register_of(
        {"object_id": "venue", "visit_kind": "entertainment_venue", "grade": "A", "opened_on": date(2025, 1, 1)},
        {"object_id": "home", "visit_kind": "elderly_alone", "opened_on": date(2025, 1, 1)},
    )
    visits = visits_of(
        ("venue", "entertainment_venue", date(2026, 2, 27), True), ("home", "elderly_alone", date(2026, 2, 12), True)
    )
    _, plan = forecast(register, visits, plan_days=40)
    assert plan.select("object_id", "due_on").rows() == [("home", date(2026, 3, 12)), ("venue", date(2026, 3, 31))]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(
    objects=st.lists(
        st.tuples(
            st.sampled_from(["b1", "b2"]),
            st.sampled_from(
                [("entertainment_venue", "C"), ("elderly_alone", None), ("dv_warning", None), ("rental", None)]
            ),
            st.integers(0, 900),
            st.sampled_from([None, 120.01, 120.02]),
            st.lists(st.integers(1, 400), max_size=4),
        ),
        max_size=25,
    ),
    as_of=st.dates(date(2024, 2, 26), date(2024, 3, 4)) | st.dates(date(2025, 12, 28), date(2026, 1, 4)),
    minutes_per_day=st.sampled_from([1.0, 100.0, 240.0, 5000.0]),
    plan_days=st.sampled_from([1, 2, 14]),
)
def test_every_due_object_is_planned_once_within_capacity_or_left_over(
    register_of: Make, visits_of: Make, objects: list, as_of: date, minutes_per_day: float, plan_days: int
) -> None:
    """Also over a leap day, a turn of the year, without a place or a visit, and with days too short for one visit."""
    if not objects:
        return
    register = register_of(
        *(
            {
                "object_id": f"o{n}",
                "beat_code": beat,
                "visit_kind": kind,
                "grade": grade,
                "lon": lon,
                "lat": lon and 30.0,
            }
            | {"opened_on": as_of - timedelta(days=opened)}
            for n, (beat, (kind, grade), opened, lon, _) in enumerate(objects)
        )
    )
    visits = visits_of(
        *(
            (f"o{n}", kind, as_of - timedelta(days=day), day % 3 > 0)
            for n, (_, (kind, _), _, _, made) in enumerate(objects)
            for day in made
        )
    )
    until = as_of + timedelta(days=plan_days)
    due = find_due_visits(register, visits, load_visit_rules(), as_of=as_of, until=until, timezone=ZONE)
    workload, plan = forecast(register, visits, as_of=as_of, plan_days=plan_days, minutes_per_day=minutes_per_day)
    wanted = due.filter(pl.col("due_on") < until)["object_id"].sort()
    assert plan["object_id"].sort().to_list() == wanted.to_list()
    for (_,), beat in plan.group_by(["beat_code"]):
        assert beat["rank"].sort().to_list() == list(range(1, beat.height + 1))
        days = beat.sort("rank")["suggested_on"].to_list()
        kept = [day for day in days if day is not None]
        assert kept == sorted(kept) and days == kept + [None] * (len(days) - len(kept))
        assert all(as_of <= day < until and day.weekday() < 5 for day in kept)
        spent = beat.drop_nulls("suggested_on").group_by("suggested_on").agg(pl.col("minutes").sum(), pl.len())
        assert spent.filter((pl.col("minutes") > minutes_per_day) & (pl.col("len") > 1)).is_empty()
    # What the week's figures say is what the objects say.
    first = workload.filter(pl.col("week_start") == as_of)
    assert first["overdue"].sum() == due["overdue_visits"].sum()
    assert workload["overdue"].sum() == first["overdue"].sum()
    assert (due["overdue_visits"] > 0).to_list() == (due["due_on"] < as_of).to_list()


def test_days_run_out(register_of: Make, visits_of: Make) -> None:
    register = register_of(*({"opened_on": date(2025, 1, 1)} for _ in range(40)))
    record = visits_of(("elsewhere", "hotel", date(2025, 1, 1), True))
    _, plan = forecast(register, record, plan_days=7, minutes_per_day=140.0)
    assert plan.height == 40
    assert plan["suggested_on"].null_count() == 30  # two hotels fit into a day, five working days
    assert plan["suggested_on"].head(10).null_count() == 0


def test_triggered_visits_learn_beat_and_season(three_years: pl.DataFrame) -> None:
    usual = {"as_of": TODAY, "weeks": 4, "timezone": ZONE, "edition_id": "E1"}
    scores = forecast_visits(three_years, Visits.create_empty(), **usual).scores  # type: ignore[arg-type]
    by_model = {row["model"]: row for row in scores.filter(pl.col("visit_kind") == "dispute_revisit").to_dicts()}
    chosen = scores.filter("chosen")["model"].to_list()
    assert chosen == ["poisson_regression"]
    assert by_model["poisson_regression"]["deviance"] < by_model["gamma_poisson"]["deviance"]
    assert by_model["poisson_regression"]["deviance"] < by_model["seasonal_naive"]["deviance"]
    assert by_model["poisson_regression"]["coverage"] >= 0.78  # 80 % asked for; counts are coarse, so more is usual
    assert 0.8 < by_model["poisson_regression"]["bias"] < 1.25


def test_a_handful_of_openings_in_years_is_forecast_by_the_mean(register_of: Make) -> None:
    """Two warnings in 28 months: the regression overflowed on some such registers."""
    register = register_of(
        *(
            {
                "object_id": f"o{n}",
                "beat_code": beat,
                "visit_kind": "dv_warning",
                "opened_on": TODAY - timedelta(days=ago),
            }
            for n, (beat, ago) in enumerate([("b1", 900), ("b1", 10), ("b2", 11), ("b2", 12)])
        )
    )
    usual = {"as_of": TODAY, "weeks": 4, "timezone": ZONE, "edition_id": "E1"}
    found = forecast_visits(register, Visits.create_empty(), **usual)  # type: ignore[arg-type]
    assert found.scores.select("model", "chosen", "origins").rows() == [("gamma_poisson", True, 0)]
    assert found.workload["triggered"].is_finite().all()


def test_a_regression_is_used_only_where_it_is_surely_better() -> None:
    generator = np.random.default_rng(3)
    mean = 0.57 + 0.05 * generator.standard_normal(13)
    methods = {"gamma_poisson": mean, "seasonal_naive": mean + 0.5}
    noise = 0.01 * generator.standard_normal(13)
    assert choose_model({**methods, "poisson_regression": mean - 0.03 + noise}) == "poisson_regression"
    assert choose_model({**methods, "poisson_regression": mean - 0.001 + noise}) == "gamma_poisson"
    assert choose_model({**methods, "poisson_regression": mean}) == "gamma_poisson"
    assert choose_model({**methods, "poisson_regression": mean, "seasonal_naive": mean - 0.1}) == "seasonal_naive"


def test_triggered_visits_are_ordered_as_the_beats_are_and_bounded(three_years: pl.DataFrame) -> None:
    workload, _ = forecast(three_years, Visits.create_empty())
    total = workload.group_by("beat_code").agg(pl.col("triggered").sum()).sort("beat_code")["triggered"].to_list()
    assert total[11] > 2 * total[2]
    assert total[11] == pytest.approx(4 * 3 * (1 + 0.6 * np.sin(2 * np.pi * 157.5 / 52.18)), rel=0.3)
    assert (workload["triggered_low"] <= workload["triggered"]).all()
    assert (workload["triggered"] <= workload["triggered_high"]).all()
    year_before = three_years.filter(
        (pl.col("beat_code") == "b11") & pl.col("opened_on").is_between(date(2025, 3, 3), date(2025, 3, 9))
    )
    first = workload.filter((pl.col("beat_code") == "b11") & (pl.col("week_start") == TODAY))
    assert first["baseline"].item() == year_before.height


def test_the_future_does_not_leak(three_years: pl.DataFrame) -> None:
    past = three_years.filter(pl.col("opened_on") < date(2025, 12, 1))
    early, late = (
        forecast_triggered(frame, kinds=["dispute_revisit"], beats=["b03"], as_of=date(2025, 12, 1), weeks=2).openings
        for frame in (past, three_years)
    )
    assert early.equals(late)


def test_a_short_history_is_forecast_by_the_mean(register_of: Make) -> None:
    rows = [
        {"visit_kind": "dv_warning", "opened_on": TODAY - timedelta(days=1 + 7 * week), "beat_code": "b1"}
        for week in range(10)
    ]
    found = forecast_triggered(register_of(*rows), kinds=["dv_warning"], beats=["b1"], as_of=TODAY, weeks=3)
    # Nine whole weeks with one each.
    assert found.openings["expected"].to_list() == pytest.approx([1.0, 1.0, 1.0])
    assert found.scores.select("model", "chosen", "coverage").rows() == [("gamma_poisson", True, None)]


def test_intervals_and_deviance_by_hand() -> None:
    low, high = negative_binomial_interval(np.array([0.0, 4.0]), 0.0, 0.8)
    assert low.tolist() == [0, 2] and high.tolist() == [0, 7]
    wider = negative_binomial_interval(np.array([4.0]), 1.0, 0.8)
    assert wider[0][0] < 2 and wider[1][0] > 7
    observed, predicted = np.array([0.0, 2.0]), np.array([1.0, 1.0])
    assert poisson_deviance(observed, predicted) == pytest.approx((2 + 2 * (2 * np.log(2) - 1)) / 2)


def test_stations_come_from_the_areas() -> None:
    areas = pl.DataFrame({"area_code": ["b1", "s1"], "level": ["beat", "station"], "parent_code": ["s1", "sub"]})
    assert stations_of_beats(areas) == {"b1": "s1"}


def test_a_source_without_a_register_gives_empty_tables() -> None:
    workload, plan = forecast(VisitRegister.create_empty(), Visits.create_empty(), areas=Areas.create_empty())
    assert workload.is_empty() and plan.is_empty()


@pytest.mark.parametrize("wrong", [{"weeks": 0}, {"plan_days": 0}, {"interval_level": 1.0}])
def test_arguments_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(RequestError):
        forecast(VisitRegister.create_empty(), Visits.create_empty(), **wrong)
