"""Decayed maps and windows equal the sums they stand for, whichever origins were asked for before."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.hotspots.ledgers import DayWindows, DecayedMaps

SIZE, HALF_LIVES = 3, (10.0, 90.0)
incidents = st.lists(
    st.tuples(st.integers(-1, SIZE - 1), st.integers(-40, 400), st.integers(0, 120), st.sampled_from([1.0, 1.0, -1.0])),
    max_size=60,
)


def arrays(rows):
    position, day, lag = (np.array([row[i] for row in rows], dtype=np.int64) for i in range(3))
    return position, day, day + lag, np.array([row[3] for row in rows], dtype=float)


def plain_sum(position, weight):
    return [float(weight[position == place].sum()) for place in range(SIZE)]


def test_a_decayed_map_by_hand():
    """Ages 10 and 20 at a half-life of 10 days: a half and a quarter; what became known on the day does not count."""
    position, day, known = np.array([0, 0, 1, 1, -1]), np.array([80, 90, 90, 95, 90]), np.array([80, 90, 90, 100, 90])
    maps = DecayedMaps(position, day, known, np.ones(5), size=SIZE, half_lives=(10.0,))
    assert maps.at(100)[0] == pytest.approx([0.75, 0.5, 0.0], rel=1e-14)
    assert maps.total(100) == 4.0
    # A day later the late one counts, with the age of its event.
    assert maps.at(101)[0, 1] == pytest.approx(2 ** (-11 / 10) + 2 ** (-6 / 10), rel=1e-14)


@given(incidents, st.lists(st.integers(-50, 600), min_size=1, max_size=5))
def test_decayed_maps_equal_plain_sums_in_any_order_of_origins(rows, origins):
    position, day, known, weight = arrays(rows)
    maps = DecayedMaps(position, day, known, weight, size=SIZE, half_lives=HALF_LIVES)
    for origin in origins:
        found, seen = maps.at(origin), known < origin
        for half_life, told in zip(HALF_LIVES, found, strict=True):
            decayed = weight[seen] * 0.5 ** ((origin - day[seen]) / half_life)
            assert told == pytest.approx(plain_sum(position[seen], decayed), rel=1e-9, abs=1e-9)
        assert maps.total(origin) == weight[seen].sum()
        fresh = DecayedMaps(position, day, known, weight, size=SIZE, half_lives=HALF_LIVES)
        assert (fresh.at(origin) == found).all(), "the bits depend on what was asked before"


@given(incidents, st.floats(-60, 500), st.floats(0, 400), st.none() | st.integers(-50, 600))
def test_windows_equal_plain_sums(rows, first, length, before):
    position, day, known, weight = arrays(rows)
    windows = DayWindows(position, day, known, weight, size=SIZE)
    inside = (day >= first) & (day < first + length)
    seen = inside if before is None else inside & (known < before)
    assert windows.count(first, first + length, before=before).tolist() == plain_sum(position[seen], weight[seen])
    start, stop = int(first), int(first + length)
    assert windows.total(start, stop) == weight[(day >= start) & (day < stop)].sum()


def test_sums_of_one_category_alone_and_among_all_are_the_same_bits():
    """Otherwise "other categories" would be noise about zero where there are none."""
    rng = np.random.default_rng(3)
    day = np.sort(rng.integers(0, 2_000, 4_000))
    position, weight, own = rng.integers(0, SIZE, 4_000), np.ones(4_000), rng.random(4_000) < 0.05
    position[~own] = np.where(position[~own] == 1, 0, position[~own])
    every = DecayedMaps(position, day, day, weight, size=SIZE, half_lives=HALF_LIVES)
    one = DecayedMaps(position[own], day[own], day[own], weight[own], size=SIZE, half_lives=HALF_LIVES)
    assert (every.at(2_010)[:, 1] == one.at(2_010)[:, 1]).all()
