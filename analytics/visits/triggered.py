"""Visits that events will trigger: a count model of register openings by beat and week.

What is modelled is demand, the openings, never the visits made: recorded visits are min(demand, capacity), and a
model of them would learn today's staffing. Weeks are counted back from ``as_of``, so that the last one is whole.

Three candidates are compared on past origins by Poisson deviance: the same week a year before (seasonal-naive), a
Gamma-Poisson mean of the last year, and a Poisson regression with the Gamma-Poisson mean as exposure. The better of the
two simple ones is used, unless the regression is surely better (``choose_model``). Intervals are negative-binomial at a
level calibrated on past forecasts; coverage is measured on later origins than the calibration used.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

Array = npt.NDArray[np.float64]

#: Weeks of history used, at most; three years show the season twice.
MOST_WEEKS = 156
YEAR_WEEKS = 52
#: Weeks of history below which nothing is compared and the Gamma-Poisson mean is used.
FEWEST_WEEKS = 78
#: Openings below which the same holds: ten for each figure the regression learns (Peduzzi et al. 1996). With a handful
#: its fit ran off to infinity.
FEWEST_OPENINGS = 80
#: Past origins in each of the two blocks: one to choose and calibrate, a later one to measure.
BLOCK_ORIGINS = 13
#: Standard errors by which the regression must beat the better simple method, origins paired (one-sided 95 %).
SURELY_BETTER = 1.645
#: Weight of the mean of all beats, in weeks, in a beat's own mean.
PRIOR_WEEKS = 8.0
#: Overdispersion below which counts are Poisson.
_NO_SPREAD = 1e-6
MODELS = ("poisson_regression", "gamma_poisson", "seasonal_naive")


@dataclass(frozen=True)
class TriggeredForecast:
    """Openings expected, and how good past forecasts were.

    ``openings``: beat_code, visit_kind, week (0 = first), expected, low, high, baseline.
    ``scores``: visit_kind, model, chosen, deviance, bias (predicted / observed), coverage, interval_level, origins;
    measured on the later block; null where history is too short to measure.
    """

    openings: pl.DataFrame
    scores: pl.DataFrame


def forecast_triggered(
    register: pl.DataFrame,
    *,
    kinds: Sequence[str],
    beats: Sequence[str],
    as_of: date,
    weeks: int,
    interval_level: float = 0.8,
) -> TriggeredForecast:
    """Forecast how many objects of each triggered kind will be opened, by beat and week.

    Parameters
    ----------
    register
        Frame of schema VisitRegister; openings before ``as_of`` are used, closed objects included.
    kinds
        Kinds opened by events.
    beats
        Beats to forecast; a beat without any opening gets the share the prior gives it.
    interval_level
        Nominal coverage of the interval of the count.

    Notes
    -----
    Misleading if the register loses closed objects: then the past looks emptier than it was and the trend too steep.
    """
    known = register.filter(pl.col("opened_on") < as_of).with_columns(pl.col("visit_kind").cast(pl.String))
    openings, scores = [], []
    for kind in kinds:
        counts = _weekly_counts(known.filter(pl.col("visit_kind") == kind), list(beats), as_of)
        if counts is None:
            continue
        forecast, judged = _forecast_kind(counts, as_of, weeks, interval_level)
        openings.append(
            pl.DataFrame(
                {
                    "beat_code": np.repeat(np.asarray(beats, dtype=object), weeks).tolist(),
                    "visit_kind": [kind] * (len(beats) * weeks),
                    "week": np.tile(np.arange(weeks), len(beats)),
                    **{name: values.ravel() for name, values in forecast.items()},
                }
            )
        )
        scores.append(judged.with_columns(pl.lit(kind).alias("visit_kind")))
    empty = TriggeredForecast(pl.DataFrame(schema=_OPENINGS), pl.DataFrame(schema=_SCORES))
    if not openings:
        return empty
    return TriggeredForecast(
        pl.concat(openings).select(_cast(_OPENINGS)),
        pl.concat(scores).select(_cast(_SCORES)),
    )


_OPENINGS: dict[str, Any] = {
    "beat_code": pl.String,
    "visit_kind": pl.String,
    "week": pl.Int64,
    "expected": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "baseline": pl.Float64,
}
_SCORES: dict[str, Any] = {
    "visit_kind": pl.String,
    "model": pl.String,
    "chosen": pl.Boolean,
    "deviance": pl.Float64,
    "bias": pl.Float64,
    "coverage": pl.Float64,
    "interval_level": pl.Float64,
    "origins": pl.Int32,
}


def _cast(schema: dict[str, Any]) -> list[pl.Expr]:
    return [pl.col(name).cast(dtype) for name, dtype in schema.items()]


def _weekly_counts(openings: pl.DataFrame, beats: list[str], as_of: date) -> Array | None:
    """Return counts, shape (beats, weeks), oldest week first; None without a whole week of history."""
    if openings.is_empty():
        return None
    days = (as_of - openings["opened_on"].min()).days  # type: ignore[operator,union-attr]
    weeks = min(MOST_WEEKS, days // 7)
    if weeks < 1:
        return None
    ago = ((pl.lit(as_of) - pl.col("opened_on")).dt.total_days() - 1) // 7
    counted = openings.with_columns(ago.alias("ago")).filter(pl.col("ago") < weeks).group_by("beat_code", "ago").len()
    row_of = {beat: row for row, beat in enumerate(beats)}
    counts = np.zeros((len(beats), weeks))
    for beat, week, number in counted.iter_rows():
        if beat in row_of:
            counts[row_of[beat], weeks - 1 - week] = number
    return counts


def _gamma_poisson_mean(counts: Array, origin: int) -> Array:
    """Return the weekly mean of each beat over the year before ``origin``, drawn toward the mean of all beats."""
    window = counts[:, max(0, origin - YEAR_WEEKS) : origin]
    overall = max(window.mean(), 1e-4)
    return np.asarray((window.sum(axis=1) + PRIOR_WEEKS * overall) / (window.shape[1] + PRIOR_WEEKS))


def _year_before(counts: Array, origin: int, horizon: int) -> Array:
    """Return counts of the same week a year before; the mean so far where history does not reach back."""
    week = origin + horizon - YEAR_WEEKS
    return counts[:, week] if week >= 0 else counts[:, :origin].mean(axis=1)


def _features(counts: Array, origin: int, horizon: int, as_of: date) -> Array:
    """Return the features of each beat, shape (beats, 8), from weeks before ``origin`` only."""
    mean = _gamma_poisson_mean(counts, origin)
    recent = [
        np.log((counts[:, max(0, origin - back) : origin].sum(axis=1) + 4 * mean) / (min(back, origin) + 4) / mean)
        for back in (4, 13)
    ]
    year_mean = counts[:, max(0, origin - YEAR_WEEKS) : origin].mean() + 1e-4
    level = np.log((counts[:, max(0, origin - 4) : origin].mean() + 0.1 * year_mean) / (1.1 * year_mean))
    around = origin + horizon - YEAR_WEEKS
    if around >= 1:
        nearby = counts[:, around - 1 : around + 2].mean()
        season = np.log((nearby + 0.1 * year_mean) / (1.1 * year_mean))
    else:
        season = 0.0
    day = as_of + timedelta(weeks=origin + horizon - counts.shape[1])
    angle = 2 * np.pi * day.timetuple().tm_yday / 365.25
    shared = [level, season, np.sin(angle), np.cos(angle), np.sin(2 * angle), np.cos(2 * angle)]
    return np.column_stack([*recent, *(np.full(len(mean), value) for value in shared)])


def _fit_regression(counts: Array, end: int, weeks: int, as_of: date) -> Callable[[int, int], Array]:
    """Fit on targets before week ``end``; return a function of origin and horizon that predicts every beat."""
    from sklearn.linear_model import PoissonRegressor

    features, rates, exposure = [], [], []
    for horizon in range(weeks):
        for origin in range(YEAR_WEEKS // 2, end - horizon):
            mean = _gamma_poisson_mean(counts, origin)
            features.append(_features(counts, origin, horizon, as_of))
            rates.append(counts[:, origin + horizon] / mean)
            exposure.append(mean)
    model = PoissonRegressor(alpha=1e-2, solver="newton-cholesky")
    model.fit(np.vstack(features), np.concatenate(rates), sample_weight=np.concatenate(exposure))

    def predict(origin: int, horizon: int) -> Array:
        ratio = model.predict(_features(counts, origin, horizon, as_of))
        return np.asarray(_gamma_poisson_mean(counts, origin) * ratio)

    return predict


def _predictors(counts: Array, end: int, weeks: int, as_of: date) -> dict[str, Callable[[int, int], Array]]:
    return {
        "poisson_regression": _fit_regression(counts, end, weeks, as_of),
        "gamma_poisson": lambda origin, horizon: _gamma_poisson_mean(counts, origin),
        "seasonal_naive": lambda origin, horizon: _year_before(counts, origin, horizon),
    }


def _forecast_kind(counts: Array, as_of: date, weeks: int, level: float) -> tuple[dict[str, Array], pl.DataFrame]:
    now = counts.shape[1]
    baseline = np.column_stack([_year_before(counts, now, h) for h in range(weeks)])
    if now < FEWEST_WEEKS + 2 * BLOCK_ORIGINS or counts.sum() < FEWEST_OPENINGS:
        expected = np.repeat(_gamma_poisson_mean(counts, now)[:, None], weeks, axis=1)
        spread = _overdispersion(counts, np.broadcast_to(counts.mean(axis=1, keepdims=True), counts.shape))
        low, high = _around(expected, spread, level)
        scores = pl.DataFrame([_score("gamma_poisson", True, level, 0)], schema_overrides=_SCORES)
        return {"expected": expected, "low": low, "high": high, "baseline": baseline}, scores

    last = now - weeks  # the last origin whose whole outlook is known
    blocks = [
        range(last - 2 * BLOCK_ORIGINS + 1, last - BLOCK_ORIGINS + 1),
        range(last - BLOCK_ORIGINS + 1, last + 1),
    ]
    seen: list[dict[str, Array]] = []
    truth: list[Array] = []
    for block in blocks:
        predictors = _predictors(counts, block[0], weeks, as_of)
        pairs = [(origin, horizon) for origin in block for horizon in range(weeks)]
        seen.append({name: np.concatenate([f(*pair) for pair in pairs]) for name, f in predictors.items()})
        truth.append(np.concatenate([counts[:, origin + horizon] for origin, horizon in pairs]))
    by_origin = {
        name: [
            poisson_deviance(*pair)
            for pair in zip(np.split(truth[0], BLOCK_ORIGINS), np.split(seen[0][name], BLOCK_ORIGINS), strict=True)
        ]
        for name in MODELS
    }
    chosen = choose_model({name: np.array(values) for name, values in by_origin.items()})

    rows = []
    for name in MODELS:
        spread = _overdispersion(truth[0], seen[0][name])
        calibrated = _calibrated_level(truth[0], seen[0][name], spread, level)
        low, high = _around(seen[1][name], spread, calibrated)
        rows.append(
            _score(
                name,
                name == chosen,
                level,
                BLOCK_ORIGINS,
                deviance=poisson_deviance(truth[1], seen[1][name]),
                bias=float(seen[1][name].sum() / truth[1].sum()) if truth[1].sum() else None,
                coverage=float(np.mean((truth[1] >= low) & (truth[1] <= high))),
            )
        )
    predict = _predictors(counts, now, weeks, as_of)[chosen]
    expected = np.column_stack([predict(now, horizon) for horizon in range(weeks)])
    all_truth, all_seen = np.concatenate(truth), np.concatenate([block[chosen] for block in seen])
    spread = _overdispersion(all_truth, all_seen)
    low, high = _around(expected, spread, _calibrated_level(all_truth, all_seen, spread, level))
    return (
        {"expected": expected, "low": low, "high": high, "baseline": baseline},
        pl.DataFrame(rows, schema_overrides=_SCORES),
    )


def choose_model(deviances: dict[str, Array]) -> str:
    """Return the method to use from its deviance at each past origin, the same origins for all.

    The regression learns eight figures where the mean learns one, and on few origins looks better by luck half of the
    time: it is used only when its mean gain over the better simple method exceeds ``SURELY_BETTER`` standard errors.
    Origins overlap in the weeks they look at, so the error is understated: a narrow lead may still be luck.
    """
    simple = min(("gamma_poisson", "seasonal_naive"), key=lambda name: float(deviances[name].mean()))
    gain = deviances[simple] - deviances["poisson_regression"]
    error = float(gain.std(ddof=1)) / len(gain) ** 0.5
    return "poisson_regression" if float(gain.mean()) > SURELY_BETTER * error else simple


def _score(model: str, chosen: bool, level: float, origins: int, **measured: float | None) -> dict[str, Any]:
    nothing = {"deviance": None, "bias": None, "coverage": None}
    return {"model": model, "chosen": chosen, "interval_level": level, "origins": origins, **nothing, **measured}


def poisson_deviance(observed: Array, predicted: Array) -> float:
    """Return the mean Poisson deviance; a prediction of 0 counts as 0.01, or one event would be an infinite miss."""
    mean = np.maximum(predicted, 0.01)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(observed > 0, observed * np.log(np.maximum(observed, 1e-12) / mean), 0.0)
    return float(np.mean(2 * (ratio - observed + mean)))


def _overdispersion(observed: Array, predicted: Array) -> float:
    """Return alpha of Var = mean + alpha mean² by moments; 0 is Poisson."""
    squares = float(np.sum(predicted**2))
    return max(0.0, float(np.sum((observed - predicted) ** 2 - predicted)) / squares) if squares > 0 else 0.0


def negative_binomial_interval(mean: Array, overdispersion: float, level: float) -> tuple[Array, Array]:
    """Return the central interval of counts with Var = mean + overdispersion mean²."""
    from scipy import stats

    tails = (1 - level) / 2, (1 + level) / 2
    safe = np.maximum(mean, 1e-9)
    if overdispersion < _NO_SPREAD:
        low, high = (stats.poisson.ppf(tail, safe) for tail in tails)
    else:
        size = 1 / overdispersion
        low, high = (stats.nbinom.ppf(tail, size, size / (size + safe)) for tail in tails)
    return np.maximum(np.asarray(low), 0.0), np.asarray(high)


def _calibrated_level(observed: Array, predicted: Array, spread: float, level: float) -> float:
    """Return the level whose negative-binomial intervals held a share ``level`` of past counts.

    The score of a past count is the level of the narrowest central interval that holds it; nested intervals make
    this split-conformal (Gupta, Kuchibhotla and Ramdas 2022).
    """
    below, upto = (_cumulative(observed - back, predicted, spread) for back in (1, 0))
    scores = 1 - 2 * np.minimum(np.minimum(upto, 1 - below), 0.5)
    rank = min(1.0, float(np.ceil((scores.size + 1) * level)) / scores.size)
    return float(min(np.quantile(scores, rank, method="higher"), 0.9999))


def _cumulative(counts: Array, mean: Array, spread: float) -> Array:
    from scipy import stats

    safe = np.maximum(mean, 1e-9)
    if spread < _NO_SPREAD:
        return np.asarray(stats.poisson.cdf(counts, safe))
    size = 1 / spread
    return np.asarray(stats.nbinom.cdf(counts, size, size / (size + safe)))


def _around(mean: Array, spread: float, level: float) -> tuple[Array, Array]:
    """Return the interval, widened to whole counts on either side of the mean where it would leave that out."""
    low, high = negative_binomial_interval(mean, spread, level)
    return np.minimum(low, np.floor(mean)), np.maximum(high, np.ceil(mean))
