"""Whether busiest hours are told only where chance does not explain them: on hours drawn evenly, and on real nights."""

from __future__ import annotations

import numpy as np
import pytest

from pages.ui.series import _beyond_chance


@pytest.mark.parametrize("incidents", [6, 40, 600])
def test_even_hours_stand_out_one_time_in_twenty(incidents: int) -> None:
    rng = np.random.default_rng(3)
    told = 0
    for _ in range(200):
        hours = rng.multinomial(incidents, np.full(24, 1 / 24))
        busiest = max(hours[[(start + step) % 24 for step in range(4)]].sum() for start in range(24))
        told += _beyond_chance(incidents, 24, 4, busiest / incidents)
    assert told / 200 <= 0.09


def test_a_night_that_is_busy_stands_out_once_there_are_enough() -> None:
    # A third of all in four of 24 hours: of nine incidents that is nothing, of ninety it is much.
    assert not _beyond_chance(9, 24, 4, 1 / 3)
    assert _beyond_chance(90, 24, 4, 1 / 3)
    assert not _beyond_chance(90, 7, 1, 0.19)
    assert _beyond_chance(900, 7, 1, 0.19)
