"""A calmer list: what stays, what it costs, and that no calm is the most accurate list."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.hotspots.calm import CHOICES, choose_calmly, favour_listed, price_calm
from analytics.hotspots.forecast import forecast_hotspots


def test_a_listed_place_stays_while_it_is_within_the_tolerance():
    expected = np.array([10.0, 8.0, 7.0, 5.0])
    listed = np.array([False, False, True, True])
    assert choose_calmly(expected, listed, 2, 0.0).tolist() == [0, 1]
    # 7 is more than (1 - 0.15) x 8 = 6.8; 5 is not.
    assert choose_calmly(expected, listed, 2, 0.15).tolist() == [0, 2]
    assert choose_calmly(expected, listed, 2, 0.10).tolist() == [0, 1]
    assert choose_calmly(expected, listed, 2, 1.0).tolist() == [2, 3]
    assert choose_calmly(expected, listed, 3, 1.0).tolist() == [0, 2, 3]
    with pytest.raises(ValueError, match="calm"):
        favour_listed(expected, listed, 1.5)


def test_the_price_by_hand():
    # Newest first. The oldest list is {0, 1}; then place 2 rises just above place 1.
    told = [np.array([9.0, 6.0, 6.3]), np.array([9.0, 6.0, 6.3]), np.array([9.0, 6.0, 1.0])]
    seen = [np.array([5.0, 1.0, 3.0]), np.array([4.0, 2.0, 2.0]), np.array([7.0, 7.0, 7.0])]
    plain, calm = price_calm(told, seen, 2, choices=(0.0, 0.1))
    assert (plain.stay_share, plain.hits, plain.expected) == (0.75, 8 + 6, pytest.approx(30.6))
    assert (calm.stay_share, calm.hits, calm.expected) == (1.0, 6 + 6, pytest.approx(30.0))
    assert price_calm(told[:1], seen[:1], 2) == []
    assert price_calm([], [], 2) == []


@given(
    expected=st.lists(st.floats(0.001, 100), min_size=3, max_size=30),
    k=st.integers(1, 10),
    seed=st.integers(0, 99),
)
def test_more_calm_never_expects_more_and_never_keeps_less(expected, k, seed):
    mean = np.array(expected)
    listed = np.random.default_rng(seed).random(len(mean)) < 0.4
    lists = [choose_calmly(mean, listed, k, calm) for calm in CHOICES]
    sums = [mean[chosen].sum() for chosen in lists]
    kept = [listed[chosen].sum() for chosen in lists]
    assert all(a >= b - 1e-9 for a, b in itertools.pairwise(sums))
    assert all(a <= b for a, b in itertools.pairwise(kept))
    assert kept[-1] == min(k, listed.sum())
    assert sums[0] == pytest.approx(np.sort(mean)[::-1][:k].sum())


def test_a_forecast_holds_on_to_an_earlier_list(incidents, grid, as_of):
    asked = {"as_of": as_of, "horizon_days": 28, "category": "THEFT", "grid": grid, "area_km2": 0.04, "tried": 4}
    asked |= {"candidates": ["count_365"]}
    free = forecast_hotspots(incidents, **asked)
    assert free.cells["was_listed"].to_list() == [None] * 4
    quiet = next(place for place in free.surface["place_id"] if place not in set(free.cells["place_id"]))
    kept = forecast_hotspots(incidents, **asked, listed_before=[quiet, free.cells["place_id"][0]], calm=1.0)
    assert kept.cells["place_id"].to_list() == [*free.cells["place_id"][:3], quiet]
    assert kept.cells["was_listed"].to_list() == [True, False, False, True]
    assert kept.cells["expected"].is_sorted(descending=True)
    assert kept.cells["rank"].to_list() == [1, 2, 3, 4]
    unmoved = forecast_hotspots(incidents, **asked, listed_before=[quiet], calm=0.0)
    assert unmoved.cells["place_id"].equals(free.cells["place_id"])
