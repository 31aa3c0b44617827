"""The two-neighbourhood result of Ensign et al. 2018, from several seeds, and the rules of the urn."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.feedback.urn import OAKLAND_TOP_AND_RANDOM, OAKLAND_TOP_TWO, draw_urns
from data.errors import RequestError

SEEDS = (1, 2, 3)


@pytest.mark.parametrize("districts", [OAKLAND_TOP_TWO, OAKLAND_TOP_AND_RANDOM], ids=["top_two", "top_and_random"])
def test_learning_from_what_visits_find_runs_away_and_the_remedy_stops_it(districts) -> None:
    for seed in SEEDS:
        runs = {rule: draw_urns(*districts, rule=rule, runs=100, seed=seed) for rule in ("discovered", "corrected")}
        truth = runs["discovered"].truth
        assert truth == pytest.approx(districts[0][0] / sum(districts[0]))
        last = {rule: urns.interval(1000) for rule, urns in runs.items()}
        # The district with 57 % (61 %) of the incidents ends with more than 90 % of the visits ...
        assert last["discovered"][0] > 0.9
        assert last["discovered"][1] > truth + 0.1
        # ... and with its own share where finds are weighed against the chance of the visit.
        assert last["corrected"][0] == pytest.approx(truth, abs=0.03)
        assert last["corrected"][1] < truth < last["corrected"][2]


def test_a_start_far_from_the_truth_is_kept_or_mended() -> None:
    # 609 balls to 7: the second district starts with a hundredth of the visits.
    for rule, tolerance in (("corrected", 0.04), ("reported", 0.04)):
        urns = draw_urns(
            *OAKLAND_TOP_AND_RANDOM, rule=rule, reported_share=0.5 if rule == "reported" else 0.0, runs=100, seed=4
        )
        assert urns.share[0].mean() == pytest.approx(609 / 616)
        assert urns.interval(1000)[0] == pytest.approx(urns.truth, abs=tolerance)


def test_reports_weaken_the_loop_and_do_not_end_it() -> None:
    gaps = []
    for reported in (0.0, 0.25, 0.5, 0.75):
        means = [
            draw_urns(
                *OAKLAND_TOP_TWO, rule="discovered", reported_share=reported, runs=100, days=1500, seed=seed
            ).interval(1500)[0]
            for seed in SEEDS
        ]
        gaps.append(np.mean(means) - 3.68511 / (3.68511 + 2.816466))
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[0] > 0.3
    assert gaps[2] > 0.015


def test_equal_districts_run_apart_although_nothing_differs() -> None:
    urns = draw_urns((3.0, 3.0), (1, 1), rule="discovered", runs=300, seed=5)
    assert urns.interval(1000)[0] == pytest.approx(0.5, abs=0.06)
    # Chance alone decides who gets the visits: most runs are far from half and half.
    assert (np.abs(urns.share[-1] - 0.5) > 0.2).mean() > 0.6
    mended = draw_urns((3.0, 3.0), (1, 1), rule="corrected", runs=300, seed=5)
    assert (np.abs(mended.share[-1] - 0.5) > 0.2).mean() < 0.05


def test_the_same_seed_gives_the_same_urns() -> None:
    one, two, other = (
        draw_urns(*OAKLAND_TOP_TWO, rule="discovered", runs=5, days=30, seed=seed).share for seed in (7, 7, 8)
    )
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)
    assert one.shape == (31, 5)


def test_an_urn_that_cannot_learn_is_refused() -> None:
    with pytest.raises(RequestError, match="reports only needs some"):
        draw_urns((1, 1), (1, 1), rule="reported", seed=0)
    with pytest.raises(RequestError, match="between 0 and 1"):
        draw_urns((1, 1), (1, 1), rule="discovered", reported_share=1.5, seed=0)
    with pytest.raises(RequestError, match="no rule 'guess'"):
        draw_urns((1, 1), (1, 1), rule="guess", seed=0)  # type: ignore[arg-type]
