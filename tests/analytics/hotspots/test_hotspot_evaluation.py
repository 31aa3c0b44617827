"""Scores on tables small enough to work out by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.hotspots.calibration import HALF_LIFE_ORIGINS, LEVEL_PRIOR_EVENTS, CalibrationMap
from analytics.hotspots.evaluation import (
    average_hits,
    jaccard,
    paired_bootstrap,
    paired_interval,
    poisson_deviance,
    rank_auc,
    score_ranking,
    shared_days,
    stretch_of,
)
from analytics.hotspots.intervals import (
    count_interval,
    count_law,
    coverage_of,
    covered_shares,
    estimate_dispersion,
    fit_width,
    randomised_coverage,
    ranked_probability,
)


def test_scores_of_four_cells():
    expected, counts = np.array([3.0, 2.0, 1.0, 0.5]), np.array([2.0, 0.0, 4.0, 0.0])
    score = score_ranking(expected, counts, flagged=2, events=8, cell_km2=0.5, total_km2=10)
    # Two cells of 0.5 km2 are a tenth of the map and catch 2 of 8; the best two would have caught 6.
    assert score.hits == 2
    assert score.pai == pytest.approx((2 / 8) / (1 / 10))
    assert score.pei == pytest.approx(2 / 6)
    # Pairs (with, without): 3>2, 3>0.5, 1<2, 1>0.5.
    assert score.auc == pytest.approx(3 / 4)
    assert score.expected_hits == 5


def test_a_real_contest_entry():
    # Street crime, one week: 70 of 630 in 0.25 square miles of 4,117,743,415 square feet.
    counts = np.concatenate([np.full(70, 1.0), np.zeros(930)])
    expected = np.concatenate([np.full(70, 2.0), np.zeros(930)])
    mile2 = 5280**2
    score = score_ranking(
        expected, counts, flagged=100, events=630, cell_km2=0.25 * mile2 / 100, total_km2=4_117_743_415
    )
    assert score.pai == pytest.approx(70 / 630 / (0.25 * mile2 / 4_117_743_415))


def test_ties_are_averaged_over_all_orders():
    # One sure cell, then two of three equal ones with 6, 0, 0: on average 2/3 of 6.
    assert average_hits(np.array([5.0, 1.0, 1.0, 1.0, 0.0]), np.array([1.0, 6.0, 0.0, 0.0, 9.0]), 3) == pytest.approx(5)


@given(st.permutations(range(8)), st.integers(1, 8))
def test_hits_do_not_depend_on_the_order_of_cells(order, flagged):
    score, counts = np.array([3, 1, 1, 2, 2, 2, 0, 0.0]), np.array([1, 0, 2, 5, 0, 1, 1, 0.0])
    order = list(order)
    assert average_hits(score[order], counts[order], flagged) == pytest.approx(average_hits(score, counts, flagged))


def test_no_events_leaves_scores_undefined():
    score = score_ranking(np.ones(3), np.zeros(3), flagged=1, events=0, cell_km2=1, total_km2=3)
    assert (score.pai, score.pei, score.auc) == (None, None, None)


def test_auc_of_ties_is_a_half():
    assert rank_auc(np.ones(4), np.array([True, False, True, False])) == 0.5


def test_deviance_by_hand():
    # 2 (2 ln 2 - 2 + 1) and 2 x 1, averaged
    assert poisson_deviance(np.array([1.0, 1.0]), np.array([2.0, 0.0])) == pytest.approx(2 * np.log(2))


def test_jaccard():
    assert jaccard({1, 2, 3}, {2, 3, 4}) == 0.5
    assert jaccard(set(), set()) == 1


@pytest.mark.parametrize(("step", "horizon_days", "level"), [(28, 28, 0.9), (28, 28, 0.95), (28, 91, 0.9)])
def test_intervals_of_few_periods_hold_the_truth_as_often_as_they_say(step, horizon_days, level):
    # What happens on different days is independent, and no method is better: the truth is 0.
    rng, periods = np.random.default_rng(5), 8
    shared = shared_days([step * k for k in range(periods)], horizon_days)
    held, plain = 0, 0
    for _ in range(400):
        days = np.concatenate([[0.0], np.cumsum(rng.normal(size=step * periods + horizon_days))])
        gains = np.array([days[step * k + horizon_days] - days[step * k] for k in range(periods)])
        _, low, high = paired_interval(gains, seed=0, level=level, shared=shared)
        held += low <= 0 <= high
        _, low, high = paired_bootstrap(gains, seed=0, level=level)
        plain += low <= 0 <= high
    assert held / 400 == pytest.approx(level, abs=0.04)
    # Without widening: 0.82, 0.88 and, where periods of 91 days overlap, 0.51.
    assert plain / 400 < level - 0.04


def test_the_ranked_probability_score_is_that_of_another_library():
    # properscoring 0.1, crps_ensemble over 20,001 quantiles of scipy's distributions.
    told = [(0.3, 0.5, 0, 0.0617), (2.5, 0.5, 4, 1.1616), (7.0, 0.1, 3, 2.2926), (1.2, 0.0, 1, 0.2203)]
    for mean, dispersion, count, score in told:
        found = ranked_probability(np.array([mean]), np.array([float(count)]), dispersion)
        assert found == pytest.approx(score, abs=2e-4)
    assert ranked_probability(np.array([0.05]), np.array([1.0]), 2.0) == pytest.approx(0.9091, abs=2e-4)
    both = ranked_probability(np.array([2.5, 2.5]), np.array([4.0, 2.0]), 0.5)
    assert both < ranked_probability(np.array([2.5]), np.array([4.0]), 0.5)


def test_auc_and_deviance_are_those_of_scikit_learn():
    from sklearn.metrics import mean_poisson_deviance, roc_auc_score

    rng = np.random.default_rng(4)
    for tied in (False, True):
        expected = rng.integers(1, 5, 400) / 10 if tied else rng.gamma(0.5, 0.5, 400) + 1e-6
        counts = rng.poisson(expected).astype(float)
        assert rank_auc(expected, counts > 0) == pytest.approx(roc_auc_score(counts > 0, expected), abs=1e-12)
        assert poisson_deviance(expected, counts) == pytest.approx(mean_poisson_deviance(counts, expected), rel=1e-12)


def test_the_widening_is_that_of_students_t():
    # scipy.stats.t.interval over scipy.stats.norm.interval of 12 values, and the bootstrap's missing n / (n - 1).
    assert stretch_of(12, 0.95) == pytest.approx(2.200985 / 1.959964 * np.sqrt(12 / 11), rel=1e-6)
    assert stretch_of(12, 0.95, np.eye(12)) == stretch_of(12, 0.95)
    assert stretch_of(10_000, 0.9) == pytest.approx(1, abs=1e-3)
    # Periods of 28 days at 28-day steps share nothing; of 56 days, half with each neighbour.
    assert shared_days([56, 28, 0], 28).tolist() == np.eye(3).tolist()
    assert shared_days([56, 28, 0], 56).tolist() == [[1, 0.5, 0], [0.5, 1, 0.5], [0, 0.5, 1]]


def test_paired_bootstrap_is_the_same_each_time_and_holds_the_mean():
    values = np.array([0.1, 0.3, -0.1, 0.2, 0.2])
    mean, low, high = paired_bootstrap(values, seed=3)
    assert paired_bootstrap(values, seed=3) == (mean, low, high)
    assert low < mean < high
    assert mean == pytest.approx(0.14)
    assert paired_bootstrap(np.full(4, 0.5), seed=0) == (0.5, 0.5, 0.5)


def test_dispersion_is_recovered_and_never_negative():
    rng = np.random.default_rng(0)
    mean = np.full(40_000, 4.0)
    counts = rng.negative_binomial(2, 2 / (2 + mean)).astype(float)
    assert estimate_dispersion(mean, counts) == pytest.approx(0.5, abs=0.03)
    assert estimate_dispersion(mean, mean) == 0.0


@given(st.floats(0.01, 50), st.floats(0, 3), st.sampled_from([0.5, 0.8, 0.95]))
def test_an_interval_covers_at_least_its_level(mean, dispersion, level):
    from scipy.stats import nbinom, poisson

    low, high = count_interval(np.array([mean]), dispersion, level)
    law = poisson(mean) if dispersion < 1e-9 else nbinom(1 / dispersion, 1 / (1 + dispersion * mean))
    assert law.cdf(high[0]) - law.cdf(low[0] - 1) >= level - 1e-9


@pytest.mark.parametrize("level", [0.5, 0.8, 0.95])
def test_a_fitted_width_covers_new_places_as_promised(level):
    rng = np.random.default_rng(4)
    mean = rng.gamma(2.0, 1.5, 12_000)
    counts = rng.negative_binomial(2, 2 / (2 + mean)).astype(float)
    width = fit_width(mean[:6000], counts[:6000], 0.5, level)
    covered = coverage_of(mean[6000:], counts[6000:], 0.5, width)
    assert covered == pytest.approx(level, abs=0.03)
    # A central interval of the nominal level holds more, because counts are whole numbers.
    assert covered < coverage_of(mean[6000:], counts[6000:], 0.5, level)


def test_a_width_never_more_than_doubles_the_tails():
    # All counts at the median: even the narrowest interval holds them, and 80 % may not become less than 60 %.
    assert fit_width(np.full(50, 4.0), np.full(50, 4.0), 0.0, 0.8) == pytest.approx(0.6)
    assert fit_width(np.full(50, 4.0), np.full(50, 40.0), 0.0, 0.8) == pytest.approx(0.96)


def test_coverage_counts_both_ends():
    low, high = count_interval(np.array([4.0]), 0.0, 0.8)
    assert (low[0], high[0]) == (2.0, 7.0)
    assert coverage_of(np.full(4, 4.0), np.array([1.0, 2.0, 7.0, 8.0]), 0.0, 0.8) == 0.5


def test_a_count_at_the_edge_is_covered_in_part():
    # Poisson(ln 2): P(0) = 0.5, P(1) = 0.34657. The central half reaches from .25 to .75.
    mean = np.log(2.0)
    assert randomised_coverage(np.array([mean]), np.array([0.0]), 0.0, 0.5) == pytest.approx(0.5)
    assert randomised_coverage(np.array([mean]), np.array([1.0]), 0.0, 0.5) == pytest.approx(0.25 / (0.5 * mean))
    assert randomised_coverage(np.array([mean]), np.array([2.0]), 0.0, 0.5) == 0.0
    assert randomised_coverage(np.array([1e-6]), np.array([5000.0]), 0.0, 0.5) == 0.0


@given(st.floats(0.01, 20), st.sampled_from([0.0, 0.4, 3.0]), st.floats(0.05, 0.99))
def test_the_randomised_coverage_of_the_right_law_is_the_level_itself(mean, dispersion, level):
    counts = np.arange(3000.0)
    chance = count_law(np.array([mean]), dispersion).pmf(counts)
    shares = covered_shares(np.full(3000, mean), counts, dispersion, level)
    assert chance @ shares == pytest.approx(level, abs=1e-6)


def test_rare_counts_show_a_spread_too_narrow_only_when_randomised():
    rng = np.random.default_rng(3)
    mean = np.full(60_000, 0.6)
    counts = rng.negative_binomial(0.4, 0.4 / (0.4 + mean)).astype(float)
    for level in (0.5, 0.8, 0.95):
        assert randomised_coverage(mean, counts, 2.5, level) == pytest.approx(level, abs=0.01)
    # Poisson around the same mean: 80 % is 72 %, which the interval of whole numbers hides.
    assert randomised_coverage(mean, counts, 0.0, 0.8) < 0.77
    assert coverage_of(mean, counts, 0.0, 0.8) > 0.77


@given(st.lists(st.floats(0.001, 20), min_size=5, max_size=60), st.integers(0, 5))
def test_calibration_never_changes_ranks(expected, seed):
    mean = np.array(expected)
    counts = np.random.default_rng(seed).poisson(mean * 2).astype(float)
    told = CalibrationMap.fit(mean, counts).apply(np.log(np.sort(mean)))
    steps, moved = np.diff(np.sort(np.log(mean))), np.diff(told)
    assert (moved[steps > 1e-6] > 0).all()


def test_calibration_mends_an_expectation_twice_too_high():
    rng = np.random.default_rng(1)
    truth = rng.gamma(0.5, 1.0, 20_000) + 0.01
    counts = rng.poisson(truth).astype(float)
    told = np.exp(CalibrationMap.fit(2 * truth, counts).apply(np.log(2 * truth)))
    top = np.argsort(-truth)[:200]
    assert told[top].sum() == pytest.approx(counts[top].sum(), rel=0.08)
    assert told.sum() == pytest.approx(counts.sum(), rel=0.05)


def test_the_next_forecast_leans_on_the_newest_origins():
    mean = np.full(1000, 0.5)
    # Four origins, newest first: half of what was expected, then as expected. Weights 1, .71, .5, .35.
    seen = [np.tile([0.0, 0.5], 500), mean, mean, mean]
    weight = 0.5 ** (np.arange(4) / HALF_LIFE_ORIGINS)
    ratio = (250 * weight[0] + 500 * weight[1:].sum() + LEVEL_PRIOR_EVENTS) / (500 * weight.sum() + LEVEL_PRIOR_EVENTS)
    told = np.exp(CalibrationMap.for_next([mean] * 4, seen, np.log(mean)).apply(np.log(mean)))
    assert told.sum() == pytest.approx(500 * ratio)
    older = np.exp(CalibrationMap.for_next([mean] * 4, seen[::-1], np.log(mean)).apply(np.log(mean)))
    assert told.sum() < older.sum() < 500


def test_the_next_forecast_keeps_the_total_forecast_and_the_order():
    rng = np.random.default_rng(2)
    truth = rng.gamma(0.5, 1.0, 4000) + 0.01
    past = [rng.poisson(truth).astype(float) for _ in range(6)]
    # Right in all, too even between places, as a ranker is that shrinks; the coming period is a tenth busier.
    even = np.sqrt(truth) * truth.sum() / np.sqrt(truth).sum()
    told = np.exp(CalibrationMap.for_next([even] * 6, past, np.log(1.1 * even)).apply(np.log(1.1 * even)))
    assert told.sum() == pytest.approx(1.1 * truth.sum(), rel=0.05)
    assert (np.argsort(-told, kind="stable") == np.argsort(-even, kind="stable")).all()
    top = np.argsort(-truth)[:60]
    assert even[top].sum() < 0.5 * truth[top].sum()
    assert told[top].sum() == pytest.approx(1.1 * truth[top].sum(), rel=0.15)
