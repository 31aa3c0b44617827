"""Reasons of a rank: exact parts of log(expected), grouped into words a reader knows."""

from __future__ import annotations

import numpy as np

from analytics.cells import Floats
from analytics.hotspots.panel import feature_names
from analytics.hotspots.rankers import Ranker

#: Groups in the order they are listed in; a subset of ``data.schemas.advice.REASONS``.
GROUPS = ("base", "long_standing", "last_year", "recent", "neighbours", "season", "place")
#: The group of what the population platform knows; only told of by rankers that use it.
BACKGROUND = "population"
#: Decimals contributions are stored with; their sum still equals log(expected), see :func:`explain_places`.
DECIMALS = 6


def reason_of(feature: str) -> str:
    """Return the group a feature belongs to."""
    if feature.startswith("others_"):
        return "place"
    if feature.startswith("season_"):
        return "season"
    if not feature.endswith(("_w0", "d")):
        return "neighbours"
    if feature in ("lag_36m_w0", "count_1095d"):
        return "long_standing"
    return "last_year" if feature in ("lag_12m_w0", "count_365d") else "recent"


def explain_places(ranker: Ranker, features: Floats, expected: Floats) -> list[list[dict[str, str | float]]]:
    """Return per place the groups and their contributions, base first, the rest in order of :data:`GROUPS`.

    A ranker that knows the population adds :data:`BACKGROUND`.

    Parameters
    ----------
    features
        Rows of the places to explain, shape (places, features).
    expected
        Their stored expectation. Whatever rounding it went through is put into the base, so that the contributions
        sum to its logarithm within the last stored decimal.
    """
    _, parts = ranker.explain(features)
    named = [reason_of(name) for name in feature_names()]
    groups = [*named, *[BACKGROUND] * (parts.shape[1] - len(named))]
    listed = (*GROUPS, BACKGROUND) if parts[:, len(named) :].any() else GROUPS
    summed = {
        group: np.round(parts[:, [i for i, g in enumerate(groups) if g == group]].sum(axis=1), DECIMALS)
        for group in listed[1:]
    }
    rest = np.sum(list(summed.values()), axis=0)
    summed["base"] = np.round(np.log(expected) - rest, DECIMALS)
    return [
        [{"reason": group, "contribution": float(summed[group][i])} for group in listed] for i in range(len(expected))
    ]
