from __future__ import annotations

from math import factorial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.staffing.queueing import erlang_b, erlang_c, load_of_wait
from data.errors import RequestError


@pytest.mark.parametrize(
    ("servers", "load", "wait"),
    [
        (1, 0.5, 0.5),  # one server: the share of time it is busy
        (2, 1.0, 1 / 3),
        (3, 2.0, 4 / 9),
        (5, 4.0, 0.5541125541125541),
        (3, 3.0, 1.0),  # saturated
        (0, 1.0, 1.0),
        (4, 0.0, 0.0),
    ],
)
def test_known_values_of_waiting(servers: int, load: float, wait: float) -> None:
    assert float(erlang_c(servers, load)) == pytest.approx(wait, abs=1e-12)


def test_loss_formula_agrees_with_the_sum_and_with_the_recursion() -> None:
    terms = [2.5**k / factorial(k) for k in range(5)]
    assert float(erlang_b(4, 2.5)) == pytest.approx(terms[4] / sum(terms), rel=1e-12)
    blocked = 1.0
    for servers in range(1, 401):
        blocked = 380.0 * blocked / (servers + 380.0 * blocked)
    assert float(erlang_b(400, 380.0)) == pytest.approx(blocked, rel=1e-9)


def test_a_load_far_above_the_servers_is_nearly_all_lost_and_does_not_overflow() -> None:
    assert float(erlang_b(1, 5000.0)) == pytest.approx(5000 / 5001, rel=1e-6)


@settings(deadline=None)  # the first call imports scipy
@given(st.floats(0.5, 60), st.floats(0.01, 0.98))
def test_one_more_server_never_makes_more_calls_wait(servers: float, busy: float) -> None:
    load = servers * busy
    few, more = erlang_c([servers, servers + 1], load)
    assert 0 <= more <= few <= 1


@settings(deadline=None)  # the first call imports scipy
@given(st.floats(1, 30), st.floats(0.05, 0.95))
def test_the_load_behind_a_share_of_waiting_is_found_again(servers: float, busy: float) -> None:
    load = servers * busy
    wait = float(erlang_c(servers, load))
    if 1e-6 < wait < 1 - 1e-6:
        assert load_of_wait(servers, wait) == pytest.approx(load, rel=1e-6)


@pytest.mark.parametrize(("servers", "load"), [(-1, 1.0), (1, -0.1), (np.nan, 1.0), (1, np.inf)])
def test_impossible_queues_are_refused(servers: float, load: float) -> None:
    with pytest.raises(RequestError, match="finite and not negative"):
        erlang_c(servers, load)
