"""What the forecast of a place would be had nothing been recorded there and around it in the last weeks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.cells import Floats, Integers
from analytics.hotspots.history import day_number
from analytics.hotspots.rankers import Ranker
from analytics.hotspots.study import Study

#: Days whose incidents are taken away: "last month".
RECENT_DAYS = 28


@dataclass(frozen=True)
class WithoutRecent:
    """Expected count and rank of places without the last weeks' incidents; all other places keep theirs."""

    expected: Floats
    rank: Integers


def rank_without_recent(
    study: Study, category: str, ranker: Ranker, horizon_days: int, expected: Floats, which: Integers
) -> WithoutRecent:
    """Return what the ranker would say of places had the category's last RECENT_DAYS days not happened.

    Parameters
    ----------
    ranker
        As fitted; it is not fitted again.
    expected
        Expected counts of all studied places as told, which the place is ranked among.
    which
        Positions of the places to ask for.

    Notes
    -----
    This is the model itself on a shorter record, not an estimate from its reasons: a place with a fresh cluster falls
    far; one that was busy for years keeps that record, but an empty month there is news too. It says nothing of causes.
    """
    without = study.panel_without(category, RECENT_DAYS)
    features = without.period(day_number(study.as_of), horizon_days, observed=False).features[which]
    told = ranker.predict(features)
    others = np.sort(expected)
    higher = len(others) - np.searchsorted(others, told, side="right")
    # The place itself, as told, is not one of the others.
    return WithoutRecent(told, np.asarray(higher - (expected[which] > told) + 1))
