"""Choose between rankers on past origins, and say so when the plain count wins.

All origins used lie before the forecast's own; a ranker that is tried on an origin was fitted on periods that had
ended before the oldest origin it is tried on. The rule of the choice itself is in ``choice.py``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from analytics.cells import Floats
from analytics.hotspots.calibration import CalibratedRanker, CalibrationMap
from analytics.hotspots.choice import BLEND, Evidence, choose_ranker, gather_evidence
from analytics.hotspots.evaluation import Score, score_ranking, shared_days
from analytics.hotspots.history import Flags
from analytics.hotspots.intervals import (
    coverage_of,
    estimate_dispersion,
    fit_width,
    randomised_coverage,
    ranked_probability,
)
from analytics.hotspots.levels import LevelModel
from analytics.hotspots.panel import Panel, Period, feature_names
from analytics.hotspots.periods import STEP_DAYS, past_periods, waiting_days
from analytics.hotspots.rankers import LADDER, PLAIN, POPULATED, Ranker, fit_rankers
from data.errors import RequestError

#: Periods a ranker is tried on, and fitted on.
TRIED = 8
FITTED = 12
#: Fewest periods to try rankers on; below that only the counts compete.
FEWEST_TRIED = 3
#: Most rows to fit on, a third each of high places, other places with incidents, and other places without.
MOST_ROWS = 60_000
#: Places that fits are about, in budgets, and the weight of all others. From origins before 2015-03 (Portland) or
#: before the last year (St. Louis, Chicago, New York, Toronto): 14 series, hits at one budget against the better plain
#: count 1.071 times, 1.042 times when all places weigh the same.
FOCUS, REST_WEIGHT = 10, 0.03
#: Fewest places that fits are about: a short list in a small town would leave too little to learn from.
LEAST_FOCUS = 500
#: Columns that say how high a place lies before anything is fitted.
FOCUS_COLUMNS = [feature_names().index(n) for n in ("lag_36m_w0", "lag_36m_w1", "lag_12m_w0", "lag_12m_w1")]


@dataclass(frozen=True)
class BackTest:
    """What the rolling origins showed.

    Attributes
    ----------
    scores
        Ranker name to one score per tried origin, newest first; same order as ``origins``.
    chosen, verdict
        Name of the ranker to use and one English sentence on why.
    dispersion
        Extra-Poisson variance: variance = mean + dispersion x mean^2, in the flagged cells.
    width
        Central level at which past intervals held the nominal share (``intervals.fit_width``).
    coverage
        Share of flagged cells and tried origins whose count fell in the interval, per ranker and origin.
    ranker
        The chosen ranker, fitted on the newest periods.
    told, observed
        Counts the chosen ranker told of every cell on each tried origin (corrected by the other origins), and those
        that then happened; same order as ``origins``.
    rolled
        Forecasts of every ranker tried and what then happened, for a closer look; None without a test.
    """

    origins: tuple[int, ...]
    scores: dict[str, tuple[Score, ...]]
    coverage: dict[str, tuple[float, ...]]
    chosen: str
    verdict: str
    dispersion: float
    width: float
    ranker: Ranker
    told: tuple[Floats, ...] = ()
    observed: tuple[Floats, ...] = ()
    rolled: Rolled | None = None


@dataclass(frozen=True)
class Rolled:
    """Forecasts of several rankers on past origins, and what then happened.

    Attributes
    ----------
    newest, older
        Periods the rankers were tried on, newest first, and those they were fitted on before.
    raw, told
        Ranker name to one array of expected counts per tried origin: as fitted, and corrected as a reader would have
        been told (the correction learnt on the other tried origins). Both are at the level forecast for the period.
    wait_days
        Days after its end until a period is known well enough to learn from, see :func:`waiting_days`.
    """

    newest: list[Period]
    older: list[Period]
    raw: dict[str, list[Floats]]
    told: dict[str, list[Floats]]
    horizon_days: int
    wait_days: int = 0


def roll_rankers(
    panel: Panel,
    periods: Sequence[Period],
    *,
    horizon_days: int,
    names: Sequence[str],
    seed: int,
    tried: int,
    fitted: int,
    flagged: int,
) -> Rolled | None:
    """Fit rankers on older periods and forecast the newest; None when there are too few periods for both.

    Periods without a single incident teach nothing: where the older ones are all empty there is nothing to fit on.
    """
    tried = min(tried, len(periods) // 2)
    newest = list(periods[:tried])
    wait = waiting_days(panel, horizon_days)
    older = [p for p in periods[tried:] if newest and p.origin + horizon_days + wait <= newest[-1].origin][:fitted]
    if tried < FEWEST_TRIED or not _any_incident(older):
        return None
    rankers = fit_rankers(names, *sample_rows(older, seed, flagged))
    level = LevelModel(panel, horizon_days).fit(older)
    levels = [level.predict(period.origin) for period in newest]
    raw = {
        name: [_bring_to(ranker.predict(p.features), total) for p, total in zip(newest, levels, strict=True)]
        for name, ranker in rankers.items()
    }
    told = {name: _calibrate_across(each, newest) for name, each in raw.items()}
    return Rolled(newest, older, raw, told, horizon_days, wait)


def select_ranker(
    panel: Panel,
    *,
    as_of: int,
    horizon_days: int,
    flagged: int,
    total_km2: float,
    interval_level: float,
    seed: int,
    candidates: Sequence[str] = LADDER,
    tried: int = TRIED,
    fitted: int = FITTED,
) -> BackTest:
    """Try the candidates on past origins and fit the best on the newest periods.

    Parameters
    ----------
    as_of
        Day number of the forecast; only periods that ended by then are used.
    flagged
        Cells in the budget.
    candidates
        Names from ``rankers.LADDER``, simple first. With one name nothing is chosen, but it is still scored.

    Raises
    ------
    RequestError
        If the history is too short, or no incident happened at a known place in the periods to fit on.
    """
    names = rungs_of(panel, candidates)
    periods = past_periods(panel, as_of, horizon_days, tried + fitted + horizon_days // STEP_DAYS)
    if periods and not _any_incident(periods[:fitted]):
        first = periods[:fitted][-1].origin
        raise RequestError(
            f"no incident of it is known at a place in the {as_of - first} days before the forecast.",
            remedy="Load files of these months that have coordinates, forecast an earlier day, or another category.",
        )
    rolled = roll_rankers(
        panel,
        periods,
        horizon_days=horizon_days,
        names=_with_baseline(names),
        seed=seed,
        tried=tried,
        fitted=fitted,
        flagged=flagged,
    )
    if rolled is None:
        return _without_test(names, periods, seed, interval_level, flagged)
    newest, raw, table = rolled.newest, rolled.raw, rolled.told
    cell_km2 = panel.lattice.grid.cell_km2
    scores = {
        name: tuple(
            score_ranking(
                expected,
                observed_counts(period),
                flagged=flagged,
                events=period.events or 0.0,
                cell_km2=cell_km2,
                total_km2=total_km2,
            )
            for expected, period in zip(expectations, newest, strict=True)
        )
        for name, expectations in table.items()
    }
    shared = shared_days([period.origin for period in newest], horizon_days)
    chosen, verdict = choose_ranker(names, _evidence_of(rolled, names, range(len(newest)), flagged), seed, shared)
    dispersion, width = fit_spread(table[chosen], newest, flagged, interval_level)
    shown = dict.fromkeys([PLAIN[0], chosen])
    coverage = {name: cover_across(table[name], newest, flagged, interval_level) for name in shown}
    fitted_ranker = fit_ranker(chosen, periods[:fitted], seed, flagged)
    total = LevelModel(panel, horizon_days).fit(periods).predict(as_of)
    now = fitted_ranker.predict(panel.period(as_of, horizon_days, observed=False).features)
    log_level = float(np.log(total / now.sum()))
    origins = tuple(p.origin for p in newest)
    observed = tuple(observed_counts(p) for p in newest)
    calibration = CalibrationMap.for_next(raw[chosen], observed, np.log(now) + log_level)
    ranker = CalibratedRanker(fitted_ranker, calibration, log_level)
    return BackTest(
        origins, scores, coverage, chosen, verdict, dispersion, width, ranker, tuple(table[chosen]), observed, rolled
    )


def rungs_of(panel: Panel, candidates: Sequence[str]) -> list[str]:
    """Return the candidates from simple to involved, and the ensemble with population where it may choose it."""
    names = [name for name in LADDER if name in candidates]
    return [*names, POPULATED] if panel.background and len(names) > 1 and BLEND in names else names


def sample_rows(periods: Sequence[Period], seed: int, flagged: int) -> tuple[Floats, Floats, Floats]:
    """Return features, counts and weights of places to fit on.

    Notes
    -----
    Places that a long smoothed count puts among the ``FOCUS`` x ``flagged`` highest are all kept and weigh 1; the
    others weigh ``REST_WEIGHT``. What tells the hundred riskiest places apart is not what tells a quiet street from a
    busy one, and a fit on all places is ruled by the second. The others are sampled, incidents first, and weighted up
    by the inverse of their chance. The choice rests on what was known at the origin, never on what then happened.
    """
    rng = np.random.default_rng(seed)
    counts = [observed_counts(p) for p in periods]
    high = [_is_high(p, max(FOCUS * flagged, LEAST_FOCUS)) for p in periods]
    n_high = sum(int(h.sum()) for h in high)
    n_seen = sum(int(((y > 0) & ~h).sum()) for y, h in zip(counts, high, strict=True))
    n_rest = sum(len(y) for y in counts) - n_high - n_seen
    share_high, share_seen, share_rest = (min(1.0, MOST_ROWS / 3 / max(n, 1)) for n in (n_high, n_seen, n_rest))
    features, kept, weights = [], [], []
    for period, y, is_high in zip(periods, counts, high, strict=True):
        share = np.where(is_high, share_high, np.where(y > 0, share_seen, share_rest))
        keep = rng.random(len(y)) < share
        features.append(period.features[keep])
        kept.append(y[keep])
        weights.append(np.where(is_high, 1.0, REST_WEIGHT)[keep] / share[keep])
    return np.vstack(features), np.concatenate(kept), np.concatenate(weights)


def _any_incident(periods: Sequence[Period]) -> bool:
    return any(observed_counts(period).any() for period in periods)


def _is_high(period: Period, most: int) -> Flags:
    """Return the places with the highest lasting and last year's level at the origin; about ``most`` of them."""
    score = np.exp(period.features[:, FOCUS_COLUMNS]).sum(axis=1)
    if most >= len(score):
        return np.ones(len(score), dtype=bool)
    return np.asarray(score >= np.partition(score, -most)[-most])


def fit_ranker(name: str, periods: Sequence[Period], seed: int, flagged: int) -> Ranker:
    """Fit one ranker on several periods, for a budget of ``flagged`` places."""
    return fit_rankers([name], *sample_rows(periods, seed, flagged))[name]


def _calibrate_across(expectations: Sequence[Floats], periods: Sequence[Period]) -> list[Floats]:
    """Correct every other origin by the ones between, so that scores are not flattered by their own outcome."""
    maps = []
    for parity in (0, 1):
        apart = [i for i in range(len(periods)) if i % 2 != parity]
        seen = np.concatenate([observed_counts(periods[i]) for i in apart])
        maps.append(CalibrationMap.fit(np.concatenate([expectations[i] for i in apart]), seen))
    return [np.exp(maps[i % 2].apply(np.log(expected))) for i, expected in enumerate(expectations)]


def _bring_to(expected: Floats, total: float) -> Floats:
    return np.asarray(expected * (total / expected.sum()))


def fit_spread(
    expectations: Sequence[Floats], periods: Sequence[Period], flagged: int, level: float
) -> tuple[float, float]:
    """Return dispersion and width learnt from the flagged cells of past forecasts."""
    expected, counts = _flagged_pairs(expectations, periods, flagged)
    dispersion = estimate_dispersion(expected, counts)
    return dispersion, fit_width(expected, counts, dispersion, level)


def cover_across(
    expectations: Sequence[Floats], periods: Sequence[Period], flagged: int, level: float
) -> tuple[float, ...]:
    """Return the coverage of each origin with dispersion and width learnt on every other one."""
    return tuple(
        coverage_of(*_flagged_pairs([told], [period], flagged), *spread)
        for told, period, spread in _spread_across(expectations, periods, flagged, level)
    )


def cover_randomised_across(
    expectations: Sequence[Floats], periods: Sequence[Period], flagged: int, level: float
) -> tuple[float, ...]:
    """Return the randomised coverage of each origin (``intervals.covered_shares``), dispersion from every other one."""
    return tuple(
        randomised_coverage(*_flagged_pairs([told], [period], flagged), dispersion, level)
        for told, period, (dispersion, _) in _spread_across(expectations, periods, flagged, level)
    )


def score_distributions_across(
    expectations: Sequence[Floats], periods: Sequence[Period], flagged: int, level: float
) -> tuple[float, ...]:
    """Return the ranked probability score of each origin's flagged cells, dispersion from every other origin."""
    return tuple(
        ranked_probability(*_flagged_pairs([told], [period], flagged), dispersion)
        for told, period, (dispersion, _) in _spread_across(expectations, periods, flagged, level)
    )


def _spread_across(
    expectations: Sequence[Floats], periods: Sequence[Period], flagged: int, level: float
) -> Iterator[tuple[Floats, Period, tuple[float, float]]]:
    spreads = []
    for parity in (0, 1):
        apart = [i for i in range(len(periods)) if i % 2 != parity]
        spreads.append(fit_spread([expectations[i] for i in apart], [periods[i] for i in apart], flagged, level))
    for i, (told, period) in enumerate(zip(expectations, periods, strict=True)):
        yield told, period, spreads[i % 2]


def choose_beforehand(rolled: Rolled, names: Sequence[str], flagged: int, seed: int) -> list[str | None]:
    """Return the ranker that older origins alone would have chosen for each origin; None with too few of them.

    Only origins whose period had ended and was known by then count, also for what corrects the expected counts of one
    another, so nothing is chosen on what was still to come.
    """
    origins = [p.origin for p in rolled.newest]
    chosen: list[str | None] = []
    for origin in origins:
        ended = [i for i, other in enumerate(origins) if other + rolled.horizon_days + rolled.wait_days <= origin]
        if len(ended) < FEWEST_TRIED:
            chosen.append(None)
            continue
        chosen.append(choose_ranker(names, _evidence_of(rolled, names, ended, flagged), seed)[0])
    return chosen


def _evidence_of(rolled: Rolled, names: Sequence[str], which: Sequence[int], flagged: int) -> dict[str, Evidence]:
    """Return what some of the origins show, as if there were no others."""
    periods = [rolled.newest[i] for i in which]
    raw = {name: [rolled.raw[name][i] for i in which] for name in _with_baseline(names) if name in rolled.raw}
    whole = len(periods) == len(rolled.newest)
    told = {name: rolled.told[name] if whole else _calibrate_across(each, periods) for name, each in raw.items()}
    seen = [observed_counts(period) for period in periods]
    return gather_evidence(raw, told, seen, [period.events or 0.0 for period in periods], flagged)


def _without_test(
    names: Sequence[str], periods: Sequence[Period], seed: int, interval_level: float, flagged: int
) -> BackTest:
    chosen = "gamma_poisson" if "gamma_poisson" in names and periods else names[0]
    if not periods:
        raise RequestError(
            "the history is too short to fit anything.", remedy="Load more months, or forecast a later day."
        )
    ranker = fit_ranker(chosen, periods, seed, flagged)
    # Fitted on these very periods, so the spread is rather too small; without it, it would be far too small. The width
    # stays as asked: what a fit held of its own periods is no reason to narrow it.
    told = [ranker.predict(period.features) for period in periods]
    dispersion = estimate_dispersion(*_flagged_pairs(told, periods, flagged))
    verdict = (
        f"{chosen} was used untested: the history is too short for a rolling back-test. Its intervals rest on the "
        "periods it was fitted on and are rather too narrow."
    )
    return BackTest((), {}, {}, chosen, verdict, dispersion, interval_level, ranker)


def _with_baseline(names: Sequence[str]) -> list[str]:
    return [name for name in (*LADDER, POPULATED) if name in names or name in PLAIN]


def _flagged_pairs(expected: Sequence[Floats], periods: Sequence[Period], flagged: int) -> tuple[Floats, Floats]:
    mean, seen = [], []
    for e, period in zip(expected, periods, strict=True):
        top = np.argsort(-e, kind="stable")[:flagged]
        mean.append(e[top])
        seen.append(observed_counts(period)[top])
    return np.concatenate(mean), np.concatenate(seen)


def observed_counts(period: Period) -> Floats:
    """Return the counts of a period that is over."""
    if period.counts is None:
        raise ValueError("The 'period' parameter must be one whose counts were observed.")
    return period.counts
