"""How good a ranking of places was: PAI, PEI, AUC, deviance, calibration, coverage and stability, always together.

PAI = (n/N)/(a/A) after Chainey et al. 2008; PEI = n/n* after Hunt 2016. Places of equal score are resolved by
averaging over all orders, never by the order in which they happen to be stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analytics.cells import Floats
from analytics.hotspots.history import Flags


@dataclass(frozen=True)
class Score:
    """One ranking against what happened.

    Attributes
    ----------
    events, hits
        Incidents of the period (all of them, cells or not) and those in the flagged cells.
    pai, pei, auc, deviance
        None where undefined (no events; one class only). Deviance is the mean Poisson deviance per cell.
    expected_hits
        Sum of the expected counts in the flagged cells; hits / expected_hits below 1 is the winner's curse.
    """

    events: float
    hits: float
    pai: float | None
    pei: float | None
    auc: float | None
    deviance: float
    expected_hits: float


def average_hits(score: Floats, counts: Floats, flagged: int) -> float:
    """Return the counts caught by the ``flagged`` highest scores, averaged over every order of equal scores."""
    if flagged >= len(score):
        return float(counts.sum())
    threshold = np.partition(score, -flagged)[-flagged]
    above, equal = score > threshold, score == threshold
    return float(counts[above].sum() + counts[equal].mean() * (flagged - above.sum()))


def score_ranking(
    expected: Floats, counts: Floats, *, flagged: int, events: float, cell_km2: float, total_km2: float
) -> Score:
    """Return the scores of one ranking.

    Parameters
    ----------
    expected, counts
        Expected and observed counts per cell, same length.
    flagged
        Number of cells in the budget.
    events
        All incidents of the period, those outside the cells included.
    cell_km2, total_km2
        Area of a cell and of the whole map.
    """
    flagged = min(flagged, len(expected))
    hits = average_hits(expected, counts, flagged)
    best = average_hits(counts, counts, flagged)
    share = flagged * cell_km2 / total_km2
    return Score(
        events=events,
        hits=hits,
        pai=hits / events / share if events > 0 else None,
        pei=hits / best if best > 0 else None,
        auc=rank_auc(expected, counts > 0),
        deviance=poisson_deviance(expected, counts),
        expected_hits=average_hits(expected, expected, flagged),
    )


def rank_auc(score: Floats, positive: Flags) -> float | None:
    """Return the chance that a place with an incident scores above one without; ties count a half."""
    from scipy.stats import rankdata

    n_positive = int(positive.sum())
    n_negative = len(positive) - n_positive
    if n_positive == 0 or n_negative == 0:
        return None
    ranks = rankdata(score)
    return float((ranks[positive].sum() - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative))


def poisson_deviance(expected: Floats, counts: Floats) -> float:
    """Return the mean Poisson deviance per cell; expectations are floored at 1e-9."""
    mean = np.maximum(expected, 1e-9)
    ratio = np.where(counts > 0, counts / mean, 1.0)
    return float(np.mean(2 * (counts * np.log(ratio) - counts + mean)))


def jaccard(one: set[int], other: set[int]) -> float:
    """Return the share of places two lists have in common; 1 for two empty lists."""
    union = one | other
    return len(one & other) / len(union) if union else 1.0


def paired_bootstrap(
    differences: Floats, *, seed: int, level: float = 0.9, draws: int = 2000
) -> tuple[float, float, float]:
    """Return mean, lower and upper end of the percentile bootstrap of paired differences, one per origin.

    Notes
    -----
    A threshold for choosing, not an interval to tell a reader: of a dozen origins it holds the truth less often than
    its level (:func:`paired_interval`).
    """
    values = np.asarray(differences, dtype=float)
    rng = np.random.default_rng(seed)
    means = values[rng.integers(0, len(values), size=(draws, len(values)))].mean(axis=1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(values.mean()), float(low), float(high)


def paired_interval(
    differences: Floats, *, seed: int, level: float = 0.9, shared: Floats | None = None
) -> tuple[float, float, float]:
    """Return mean, lower and upper end of the interval of paired differences, one per origin.

    Parameters
    ----------
    shared
        Share of their days every two periods have in common (:func:`shared_days`); None where periods lie apart.

    Notes
    -----
    The percentile bootstrap, stretched from the mean by :func:`stretch_of`. It takes two differences at least.
    """
    mean, low, high = paired_bootstrap(differences, seed=seed, level=level)
    by = stretch_of(len(differences), level, shared)
    return mean, mean + by * (low - mean), mean + by * (high - mean)


def stretch_of(number: int, level: float, shared: Floats | None = None) -> float:
    """Return how many times as wide a percentile bootstrap over ``number`` periods has to be to hold its level.

    Notes
    -----
    Resampling a few values takes their spread about their own mean for that about the true one, and knows nothing of
    how uncertain it is: of eight values a 95 % interval holds the truth 88 times in 100. The remedy is that of
    Student's t (Hesterberg 2015, The American Statistician 69, as quantiles instead of a factor). Periods that share
    days say less than as many that lie apart: their mean varies more, and they differ less among themselves. Both
    follow from the shares, taking what happens on different days as independent; the degrees of freedom are
    Satterthwaite's.
    """
    from scipy.stats import norm, t

    apart = np.eye(number) if shared is None else shared
    centred = apart - apart.mean(axis=0)
    seen = float(np.trace(centred))
    freedom = seen**2 / float((centred * centred.T).sum())
    # Variance of the mean over what the bootstrap takes it for.
    wider = float(apart.mean()) / (seen / number**2)
    return float(np.sqrt(wider) * t.ppf((1 + level) / 2, freedom) / norm.ppf((1 + level) / 2))


def shared_days(origins: Sequence[int], horizon_days: int) -> Floats:
    """Return the share of their days that every two periods have in common: shape (periods, periods)."""
    first = np.asarray(origins, dtype=float)
    return np.asarray(np.maximum(1 - np.abs(first[:, None] - first[None, :]) / horizon_days, 0.0))
