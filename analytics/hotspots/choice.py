"""The rule by which a more involved ranker replaces a simpler one, and the sentence that says so.

Two things are weighed on past origins: the incidents caught by a list of the length asked for (and of half and twice
that, because one length alone is noise) and how close the expected counts came. A more involved ranker has to catch
clearly more, or not clearly fewer and be clearly closer. So a plain count stays wherever it clearly catches more, and
wherever nothing that comes after is clearly closer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analytics.cells import Floats
from analytics.hotspots.evaluation import average_hits, paired_bootstrap, paired_interval, poisson_deviance
from analytics.hotspots.rankers import PLAIN, POPULATED
from data.shares import percent

#: Multiples of the budget over which hits are averaged when rankers are compared.
BUDGETS = (0.5, 1, 2)
#: Two-sided level of the interval that a more involved ranker must clear.
CHOICE_LEVEL = 0.8
#: The same for a single ranker that would replace the mean of all: one of six is easily lucky (decision 0116).
LEAVE_LEVEL = 0.95
#: The mean of several rankers, used instead of any one of them unless one is clearly better.
BLEND = "ensemble"


@dataclass(frozen=True)
class Evidence:
    """What one ranker showed on every tried origin, on scales on which differences may be averaged.

    Attributes
    ----------
    hits
        Share of incidents caught, over the mean of all rankers at the same budget, averaged over :data:`BUDGETS`.
    caught
        Share of incidents caught within the budget asked for.
    deviance
        Mean Poisson deviance per place of what a reader would have been told.
    """

    hits: Floats
    caught: Floats
    deviance: Floats


def gather_evidence(
    raw: Mapping[str, Sequence[Floats]],
    told: Mapping[str, Sequence[Floats]],
    seen: Sequence[Floats],
    events: Sequence[float],
    flagged: int,
) -> dict[str, Evidence]:
    """Return the evidence of every ranker tried.

    Parameters
    ----------
    raw, told
        Ranker to one array of expected counts per tried origin: as fitted, and as a reader would have been told.
    seen, events
        Counts per place that then happened, and all incidents of the period; same order.
    flagged
        Places in the budget.
    """
    total = np.maximum(np.array(events, dtype=float), 1.0)
    places = [max(1, round(flagged * budget)) for budget in BUDGETS]
    rates = {
        name: np.array([[average_hits(e, y, n) for n in places] for e, y in zip(each, seen, strict=True)])
        / total[:, None]
        for name, each in raw.items()
    }
    usual = np.maximum(np.mean([rate.mean(axis=0) for rate in rates.values()], axis=0), 1e-9)
    return {
        name: Evidence(
            (rate / usual).mean(axis=1),
            rate[:, BUDGETS.index(1)],
            np.array([poisson_deviance(e, y) for e, y in zip(told[name], seen, strict=True)]),
        )
        for name, rate in rates.items()
    }


def choose_ranker(
    names: Sequence[str], evidence: Mapping[str, Evidence], seed: int, shared: Floats | None = None
) -> tuple[str, str]:
    """Return the ranker to use, of names simple first, and English sentences on why.

    Parameters
    ----------
    shared
        Share of their days every two tried periods have in common (``evaluation.shared_days``); None where they lie
        apart.

    Notes
    -----
    The ensemble is tried against the best plain count before its members: which of several close rankers was luckiest
    on a few origins says little, and their mean varies least. It gives way to a simpler one only where that caught
    clearly more at :data:`LEAVE_LEVEL`. The one that knows the population replaces it only where it also caught no
    fewer on average.

    "Clearly" in the rule is a percentile bootstrap: a threshold that was tried on many series and holds less than its
    level. The interval told to the reader is ``evaluation.paired_interval``.
    """
    chosen = names[0]
    for name in [n for n in names[1:] if n in PLAIN]:
        if _is_better(evidence[name], evidence[chosen], seed):
            chosen = name
    others = [n for n in names if n not in PLAIN and n != chosen]
    if BLEND in others and _is_better(evidence[BLEND], evidence[chosen], seed):
        chosen = BLEND
        for name in others:
            if _caught_more(evidence[name], evidence[chosen], seed, LEAVE_LEVEL) > 0:
                chosen = name
        if POPULATED in others and chosen == BLEND and _is_no_worse(evidence[POPULATED], evidence[BLEND], seed):
            chosen = POPULATED
    else:
        for name in others:
            if _is_better(evidence[name], evidence[chosen], seed):
                chosen = name
    best = max((name for name in PLAIN if name in evidence), key=lambda name: float(evidence[name].hits.mean()))
    own, plain = evidence[chosen], evidence[best]
    n = len(plain.hits)
    days = best.removeprefix("count_")
    if chosen in PLAIN:
        return chosen, (
            f"The plain {chosen.removeprefix('count_')}-day count wins here: nothing was better on {n} past origins."
        )
    gain, low, high = paired_interval(own.caught - plain.caught, seed=seed, level=CHOICE_LEVEL, shared=shared)
    told = (
        f"{chosen} caught {percent(own.caught.mean(), 1, ' %')} of incidents on {n} past origins, the plain {days}-day "
        f"count {percent(plain.caught.mean(), 1, ' %')}; difference {100 * gain:+.1f} points "
        f"({100 * CHOICE_LEVEL:.0f} % interval {100 * low:+.1f} to {100 * high:+.1f})."
    )
    if low <= 0:
        level = "about as good" if high >= 0 else "clearly better"
        told += f" For the list alone the plain count is {level}; {_why_then(own, plain, seed)}."
    return chosen, told


def _why_then(own: Evidence, plain: Evidence, seed: int) -> str:
    """Return what speaks for a ranker whose list is not clearly better; every clause follows from a test made here."""
    reasons = []
    if _caught_more(own, plain, seed) > 0:
        reasons.append("over lists of half, once and twice this length it caught clearly fewer")
    if _is_closer(own, plain, seed):
        reasons.append("its expected numbers were clearly further off")
    return " and ".join(reasons) or "nothing else speaks clearly for either"


def _is_better(one: Evidence, other: Evidence, seed: int) -> bool:
    """Whether a more involved ranker earns its place: clearly more hits, or not clearly fewer and better numbers."""
    _, low, high = paired_bootstrap(one.hits - other.hits, seed=seed, level=CHOICE_LEVEL)
    return low > 0 or (high >= 0 and _is_closer(one, other, seed))


def _is_no_worse(one: Evidence, other: Evidence, seed: int) -> bool:
    """Whether a ranker is better and its hits are not even by chance fewer: what further data have to show."""
    return float((one.hits - other.hits).mean()) >= 0 and _is_better(one, other, seed)


def _is_closer(one: Evidence, other: Evidence, seed: int) -> bool:
    """Whether expected numbers came clearly closer: the interval of the difference in deviance lies above zero."""
    return paired_bootstrap(other.deviance - one.deviance, seed=seed, level=CHOICE_LEVEL)[1] > 0


def _caught_more(one: Evidence, other: Evidence, seed: int, level: float = CHOICE_LEVEL) -> float:
    """Return the lower end of the interval of the difference in hits."""
    return paired_bootstrap(one.hits - other.hits, seed=seed, level=level)[1]
