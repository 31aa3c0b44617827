"""A city of four areas with known risk: what visits become when the ranking learns from them."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from analytics.feedback.patrols import PatrolPlan, limit_changes, send_patrols
from analytics.feedback.simulation import OTHERS, name_groups, simulate_city, simulate_edition, write_document
from data.errors import RequestError
from data.schemas.models import LEARNING_RULES, Feedback
from tests.data.tiny_edition import rows_of

SEEDS = (0, 1, 2)


@pytest.fixture(scope="module")
def city() -> tuple[np.ndarray, np.ndarray]:
    """600 places in four areas; risk is uneven everywhere and somewhat higher in the first area."""
    rng = np.random.default_rng(42)
    group = np.repeat(np.arange(4), 150)
    rate = rng.lognormal(-1.0, 1.2, 600) * np.array([1.5, 1.0, 0.8, 0.7])[group]
    return rate, group


@pytest.fixture(scope="module")
def runs(city):
    plan = PatrolPlan(listed=60)
    return {rule: [send_patrols(*city, plan, rule=rule, seed=seed) for seed in SEEDS] for rule in LEARNING_RULES}


def last(runs, rule: str, name: str) -> list[float]:
    return [float(getattr(one, name)[-1].mean()) for one in runs[rule]]


def test_learning_from_everything_runs_away_and_from_reports_it_stays(runs) -> None:
    for seed in range(len(SEEDS)):
        everything, reported = runs["everything"][seed], runs["reported"][seed]
        assert everything.distance[-1].mean() > 0.15
        assert everything.distance[-1].mean() > everything.distance[13].mean() + 0.02
        assert reported.distance[-1].mean() < 0.05
        # Not one run of the one comes near any run of the other.
        assert np.quantile(everything.distance[-1], 0.05) > 2 * np.quantile(reported.distance[-1], 0.95)


def test_visits_crowd_in_few_places_only_where_their_finds_are_learned(runs) -> None:
    truth = runs["reported"][0].true_concentration
    assert min(last(runs, "everything", "concentration")) > truth + 0.25
    assert last(runs, "reported", "concentration") == pytest.approx([truth] * 3, abs=0.04)


def test_the_loop_is_bounded_where_unreported_incidents_run_out(runs) -> None:
    for limited, everything in zip(
        last(runs, "everything_limited", "distance"), last(runs, "everything", "distance"), strict=True
    ):
        assert limited < 0.6 * everything


def test_the_cap_holds_and_ends_at_the_same_place(runs) -> None:
    for capped, reported in zip(runs["reported_capped"], runs["reported"], strict=True):
        assert np.abs(np.diff(capped.share, axis=0)).max() <= 0.02 + 1e-9
        assert np.abs(np.diff(reported.share, axis=0)).max() > 0.04
        assert capped.distance[-1].mean() == pytest.approx(reported.distance[-1].mean(), abs=0.02)
        # The past was tilted; under the cap it is left behind by steps.
        assert capped.distance[1].mean() > reported.distance[1].mean()


def test_uneven_reporting_is_learned_as_if_it_were_risk(city, runs) -> None:
    uneven = send_patrols(*city, PatrolPlan(listed=60, uneven_reporting=0.5), rule="reported", seed=0)
    even = runs["reported"][0]
    most = int(np.bincount(city[1], weights=city[0]).argmax())
    assert even.share[-1, :, most].mean() == pytest.approx(even.true_share[most], abs=0.03)
    assert uneven.share[-1, :, most].mean() < uneven.true_share[most] - 0.1


@pytest.mark.parametrize("rule", LEARNING_RULES)
def test_shares_are_shares_and_a_seed_is_a_seed(city, rule: str) -> None:
    plan = PatrolPlan(listed=30, periods=4, runs=3)
    one, again = (send_patrols(*city, plan, rule=rule, seed=9) for _ in range(2))
    assert np.array_equal(one.share, again.share)
    assert one.share.shape == (5, 3, 4)
    assert one.share.sum(axis=2) == pytest.approx(np.ones((5, 3)))
    assert one.true_share.sum() == pytest.approx(1)
    assert ((one.distance >= 0) & (one.distance <= 1)).all()


shares = arrays(float, (1, 4), elements=st.floats(0.001, 1)).map(lambda a: a / a.sum())


@given(shares, shares, st.floats(0.001, 1))
def test_a_capped_change_is_within_the_cap_towards_the_wish_and_keeps_the_sum(before, wanted, cap: float) -> None:
    after = limit_changes(before, wanted, cap)
    assert np.abs(after - before).max() <= cap + 1e-12
    assert after.sum() == pytest.approx(1)
    assert (after >= -1e-12).all()
    # Nobody is moved away from, or beyond, what the ranking asks for.
    assert ((after - before) * (wanted - before) >= -1e-12).all()
    assert (np.abs(after - before) <= np.abs(wanted - before) + 1e-12).all()


def test_a_simulation_told_as_table_and_document(city) -> None:
    rate, group = city
    codes = [("s1", "s2", "s3", "")[g] for g in group.tolist()]
    plan = PatrolPlan(listed=30, periods=3, runs=4)
    found = simulate_city("020100", rate, codes, plan, seed=1)
    assert found.codes == (OTHERS, "s1", "s2", "s3")
    table = found.to_table()
    # 4 rules x 4 periods x (2 measures + 4 groups).
    assert table.height == 4 * 4 * 6
    Feedback.validate(table)
    sums = (
        table.filter(pl.col("measure") == "visit_share").group_by("rule", "period").agg(pl.col("value", "truth").sum())
    )
    assert sums["value"].to_list() == pytest.approx([1.0] * 16, abs=1e-5)
    assert sums["truth"].to_list() == pytest.approx([1.0] * 16, abs=1e-5)
    assert table.filter(pl.col("low") > pl.col("value") + 1e-6).is_empty()
    document = write_document(found, [], truth="made up")
    assert "Truth: made up. 30 places listed" in document
    assert document.count("times that)") == 1
    assert "points a period.\n\n| learned from |" in document
    assert all(f"| {rule} |" in document for rule in LEARNING_RULES)
    assert found.to_dict()["assumptions"]["listed"] == 30


def test_a_large_force_has_its_smaller_areas_put_together() -> None:
    codes = [f"a{i:02d}" for i in range(20)] * 2
    found = simulate_city(
        "x", np.arange(1.0, 41.0), codes, PatrolPlan(5, periods=1, runs=2), seed=0, rules=["reported"]
    )
    assert len(found.codes) == 12
    assert found.codes[-1] == OTHERS
    assert "a19" in found.codes and "a00" not in found.codes


def test_an_edition_is_simulated_on_its_own_surface() -> None:
    cells = [
        {
            "category": "c",
            "horizon_days": days,
            "place_id": f"p{i:02d}",
            "lon": i % 5,
            "lat": i // 5,
            "expected": 1.0 + i,
            "station_code": f"s{i % 2}",
        }
        for i in range(20)
        for days in (7, 28)
    ]
    listed = [{"category": "c", "horizon_days": 28, "advice_id": f"a{i}", "place_id": f"p{i}"} for i in range(4)]
    listed = [{**row, "action": "observe", "ring": [0.0] * 8, "reasons": []} for row in listed]
    hotspots, surface = rows_of("hotspots", *listed), rows_of("hotspot_surface", *cells)
    table = simulate_edition(hotspots, surface, horizon_days=28, seed=0, periods=2, runs=3)
    assert set(table["group_code"].drop_nulls()) == {"s0", "s1"}
    assert table["period"].max() == 2
    assert table.equals(simulate_edition(hotspots, surface.reverse(), horizon_days=28, seed=0, periods=2, runs=3))
    # Nothing listed, nothing simulated.
    assert simulate_edition(hotspots.clear(), surface, horizon_days=28, seed=0).is_empty()
    nowhere = surface.with_columns(station_code=pl.lit(None, dtype=pl.String)).filter(pl.col("horizon_days") == 28)
    assert set(name_groups(nowhere)) == {"southwest", "southeast", "northwest", "northeast"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"reported_share": 0.0},
        {"uneven_reporting": 0.0},
        {"found_per_visit": 2.0},
        {"cap": 0.0},
        {"runs": 0},
        {"half_life": 0},
    ],
)
def test_assumptions_that_make_no_sense_are_refused(wrong: dict) -> None:
    with pytest.raises(RequestError):
        PatrolPlan(**{"listed": 5, **wrong})
