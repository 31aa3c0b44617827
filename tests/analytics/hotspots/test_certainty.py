"""The chance to be among the busiest k: exact where it can be enumerated, and kept where it was promised."""

from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import nbinom, poisson

from analytics.hotspots import certainty
from analytics.hotspots.certainty import chances_of_top, check_chances, membership_of


def test_seats_of_ties_are_shared_and_a_quiet_place_never_belongs():
    assert membership_of(np.array([5.0, 3, 3, 0]), 2).tolist() == [1, 0.5, 0.5, 0]
    assert membership_of(np.array([5.0, 3, 3, 1]), 3).tolist() == [1, 1, 1, 0]
    assert membership_of(np.array([2.0, 0, 0]), 3).tolist() == [1, 0, 0]
    assert membership_of(np.array([1.0, 1, 1, 1]), 1).tolist() == [0.25] * 4


@pytest.mark.parametrize("dispersion", [0.0, 0.8])
@pytest.mark.parametrize("k", [1, 2])
def test_chances_are_those_of_enumeration(dispersion, k):
    expected = np.array([1.5, 0.8, 0.3])
    laws = (
        [nbinom(1 / dispersion, 1 / (1 + dispersion * mean)) for mean in expected]
        if dispersion
        else [poisson(mean) for mean in expected]
    )
    true = np.zeros(3)
    chances = np.array([law.pmf(np.arange(20)) for law in laws])
    for counts in product(range(20), repeat=3):
        true += chances[[0, 1, 2], counts].prod() * membership_of(np.array(counts, dtype=float), k)
    told = chances_of_top(expected, np.arange(3), k, dispersion=dispersion, seed=0, draws=40_000)
    np.testing.assert_allclose(told, true, atol=0.01)


def test_quiet_places_drawn_together_count_as_if_drawn_alone(monkeypatch):
    rng = np.random.default_rng(3)
    expected = np.concatenate([[3.0, 2.0, 1.0], rng.uniform(0.02, 0.3, 400)])
    which = np.arange(3)
    monkeypatch.setattr(certainty, "LEAST_ALONE", 20)
    together = chances_of_top(expected, which, 5, dispersion=0.3, seed=0, draws=20_000)
    monkeypatch.setattr(certainty, "LEAST_ALONE", 1000)
    alone = chances_of_top(expected, which, 5, dispersion=0.3, seed=1, draws=20_000)
    np.testing.assert_allclose(together, alone, atol=0.02)


@settings(max_examples=30, deadline=None)
@given(
    expected=st.lists(st.floats(1e-4, 30), min_size=1, max_size=40),
    k=st.integers(1, 10),
    dispersion=st.sampled_from([0.0, 0.5, 3.0]),
)
def test_chances_are_shares_that_follow_the_expectation(expected, k, dispersion):
    mean = np.array(expected)
    told = chances_of_top(mean, np.arange(len(mean)), k, dispersion=dispersion, seed=0, draws=50)
    assert ((told >= 0) & (told <= 1)).all()
    assert told.sum() <= k + 1e-9
    assert (np.diff(told[np.argsort(mean, kind="stable")]) >= -1e-12).all()
    again = chances_of_top(mean, np.arange(len(mean)), k, dispersion=dispersion, seed=0, draws=50)
    np.testing.assert_array_equal(told, again)


def test_the_check_finds_promises_kept_and_broken():
    rng = np.random.default_rng(1)
    rate = rng.gamma(0.5, 2.0, 500)
    seen = [rng.poisson(rate).astype(float) for _ in range(8)]
    honest = check_chances(SimpleNamespace(told=[rate] * 8, observed=seen), 25, seed=0)
    assert honest.promised == pytest.approx(honest.kept, abs=0.05)
    # Forecasts that have nothing to do with what happens promise more than they keep.
    shuffled = [rng.permutation(rate) for _ in range(8)]
    wrong = SimpleNamespace(told=[np.sort(rate) * 3] * 8, observed=shuffled)
    assert check_chances(wrong, 25, seed=0).kept < 0.2
    nothing = check_chances(SimpleNamespace(told=[], observed=[]), 25, seed=0)
    assert nothing.promised is None
    assert nothing.kept is None
