"""A list that does not jump: places of the last list stay while their forecast is nearly as high, and what that costs.

``calm`` is the tolerance, 0 to 1: a place of the last list stays as long as its expectation is at least (1 - calm)
times that of the newcomer that would take its seat. 0 is the most accurate list; 1 keeps every place that is still
studied.

An edition holds the list of every tolerance in ``CHOICES``, so that whoever reads it can choose. Each holds on to the
list of the same tolerance before it: of the edition before or, for a first edition, of the method's own past forecasts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from analytics.cells import Floats, Integers
from analytics.hotspots.history import Flags

#: Tolerances whose price is told.
CHOICES = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class CalmPrice:
    """What one tolerance would have done on the past origins.

    Attributes
    ----------
    calm
        The tolerance.
    stay_share
        Share of places that stayed from one past list to the next, mean.
    hits, expected
        Incidents caught by, and expected in, all past lists.
    """

    calm: float
    stay_share: float
    hits: float
    expected: float

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain values."""
        return {name: round(value, 6) for name, value in asdict(self).items()}


def favour_listed(expected: Floats, listed: Flags, calm: float) -> Floats:
    """Return the scores the list is chosen by: those of places listed before are raised by 1 / (1 - calm)."""
    if not 0 <= calm <= 1:
        raise ValueError(f"The 'calm' parameter must lie between 0 and 1. Got {calm!r} instead.")
    if calm == 1:
        # All listed places come first, still in order of expectation.
        return np.where(listed, expected.max(initial=0.0) + expected, expected)
    return np.where(listed, expected / (1 - calm), expected)


def choose_calmly(expected: Floats, listed: Flags, k: int, calm: float) -> Integers:
    """Return the positions of the k places to list, highest expectation first."""
    chosen = np.argsort(-favour_listed(expected, listed, calm), kind="stable")[:k]
    return np.asarray(chosen[np.argsort(-expected[chosen], kind="stable")])


def price_calm(
    told: Sequence[Floats], observed: Sequence[Floats], k: int, choices: Sequence[float] = CHOICES
) -> list[CalmPrice]:
    """Return the price of each tolerance on past origins.

    Parameters
    ----------
    told, observed
        Expected and observed counts of all places per past origin, newest first. Each list remembers the one before
        it, the oldest remembers none and is left out of all figures.
    """
    prices = []
    for calm in choices:
        hits, expected, stayed = [], [], []
        for forecast, seen, (chosen, listed) in zip(
            told[::-1], observed[::-1], _walk_lists(told, k, calm), strict=True
        ):
            hits.append(float(seen[chosen].sum()))
            expected.append(float(forecast[chosen].sum()))
            stayed.append(float(listed[chosen].mean()))
        if len(hits) > 1:
            prices.append(CalmPrice(calm, float(np.mean(stayed[1:])), sum(hits[1:]), sum(expected[1:])))
    return prices


def lists_before(told: Sequence[Floats], k: int, choices: Sequence[float] = CHOICES) -> dict[float, Flags]:
    """Return for each tolerance the places that the newest past forecast would have listed; empty without any.

    Parameters
    ----------
    told
        Expected counts of all places per past origin, newest first.

    Notes
    -----
    What would have been told then, not what was: nobody saw these lists.
    """
    before = {}
    for calm in choices:
        for chosen, listed in _walk_lists(told, k, calm):
            before[calm] = _flags(chosen, len(listed))
    return before


def choose_lists(
    expected: Floats, order: Integers, k: int, before: Mapping[float, Flags]
) -> dict[float, tuple[Integers, Flags]]:
    """Return for each tolerance the k places to list, by expectation, and whether each was listed before.

    Parameters
    ----------
    order
        All places, highest expectation first; places that expect the same are taken in this order.
    before
        Tolerance to the places of the list it holds on to.
    """
    lists = {}
    for calm, listed in before.items():
        chosen = order[choose_calmly(expected[order], listed[order], k, calm)]
        lists[calm] = (chosen, listed[chosen])
    return lists


def _walk_lists(told: Sequence[Floats], k: int, calm: float) -> Iterator[tuple[Integers, Flags]]:
    """Yield the list of each past forecast, oldest first, and which places the list before it held."""
    listed = np.zeros(len(told[0]) if told else 0, dtype=bool)
    for forecast in told[::-1]:
        chosen = choose_calmly(forecast, listed, k, calm)
        yield chosen, listed
        listed = _flags(chosen, len(forecast))


def _flags(chosen: Integers, size: int) -> Flags:
    flags = np.zeros(size, dtype=bool)
    flags[chosen] = True
    return flags
