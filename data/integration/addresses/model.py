"""Probability that a text means a standard address: weights per level of agreement, the competition, a calibration.

The form is that of Fellegi and Sunter (1969): each level of agreement adds its weight to the log odds of a pair. The
weights are fitted together by logistic regression on labelled pairs, so that features that go together are not counted
twice. At most one standard address is right, so the odds of a pair are shared with its competitors and with "none";
isotonic regression on other labelled texts then makes the figure a frequency.

The weights live in ``weights.toml`` beside this file, written by ``python -m benchmarks.addresses --write``; loading
files needs no training and gives the same result everywhere.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from math import floor
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from data.integration.addresses.comparison import FEATURES

WEIGHTS = Path(__file__).with_name("weights.toml")
#: Inverse strength of the ridge penalty; weak, so that rare levels get a finite weight.
RIDGE_C = 3.0
#: Log odds that a level never seen in training lies below the worst one seen.
UNSEEN_PENALTY = 3.0


@dataclass(frozen=True)
class LinkModel:
    """Weights, calibration and thresholds.

    Attributes
    ----------
    intercept
        Log odds of a pair that agrees nowhere in the best way.
    weights
        Log odds each level adds, by feature and level.
    raw, calibrated
        Knots of the calibration, ascending; between them it is linear.
    match_from, review_from
        Probabilities from which a link is taken, or put before the steward.
    provenance
        What the weights were fitted on.
    """

    intercept: float
    weights: dict[str, dict[str, float]]
    raw: tuple[float, ...]
    calibrated: tuple[float, ...]
    match_from: float
    review_from: float
    provenance: dict[str, Any]

    def choose(self, pairs: pl.DataFrame) -> pl.DataFrame:
        """Return the best candidate of each text: ``query``, ``standard``, ``raw``, ``probability`` and the levels.

        Parameters
        ----------
        pairs
            As :func:`data.integration.addresses.comparison.pair_candidates` returns them.
        """
        log_odds = pl.lit(self.intercept) + pl.sum_horizontal(
            pl.col(name).replace_strict(self.weights[name], return_dtype=pl.Float64) for name in FEATURES
        )
        odds = pairs.with_columns(log_odds.clip(-30, 30).exp().alias("$odds"))
        shared = odds.with_columns((pl.col("$odds") / (1 + pl.col("$odds").sum().over("query"))).alias("raw"))
        best = shared.sort(["query", "raw", "standard"], descending=[False, True, False]).unique(
            "query", keep="first", maintain_order=True
        )
        probability = np.interp(best["raw"].to_numpy(), self.raw, self.calibrated)
        return best.drop("$odds").with_columns(probability=pl.Series(probability, dtype=pl.Float64))


@lru_cache(maxsize=4)
def load_model(path: Path = WEIGHTS) -> LinkModel:
    """Return the model that is part of this version."""
    found = tomllib.loads(path.read_text(encoding="utf-8"))
    return LinkModel(
        intercept=found["intercept"],
        weights=found["weights"],
        raw=tuple(found["calibration"]["raw"]),
        calibrated=tuple(found["calibration"]["probability"]),
        match_from=found["thresholds"]["match_from"],
        review_from=found["thresholds"]["review_from"],
        provenance=found["provenance"],
    )


def write_model(model: LinkModel, path: Path = WEIGHTS) -> None:
    """Write a model as TOML that a person can read."""
    lines = [
        "# Fitted by `python -m benchmarks.addresses --write`; do not edit by hand.",
        f"intercept = {model.intercept:.4f}",
        "",
        "[provenance]",
        *(f"{key} = {_toml(value)}" for key, value in model.provenance.items()),
        "",
        "[thresholds]",
        # Rounded down: rounded up, a threshold would shut out the very group it was set at.
        f"match_from = {floor(model.match_from * 1e6) / 1e6:.6f}",
        f"review_from = {floor(model.review_from * 1e6) / 1e6:.6f}",
        "",
        "[calibration]",
        "raw = [" + ", ".join(f"{value:.6f}" for value in model.raw) + "]",
        "probability = [" + ", ".join(f"{value:.6f}" for value in model.calibrated) + "]",
    ]
    for feature, levels in model.weights.items():
        lines += ["", f"[weights.{feature}]", *(f"{level} = {weight:.4f}" for level, weight in levels.items())]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _toml(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def fit_weights(pairs: pl.DataFrame, same: np.ndarray) -> tuple[float, dict[str, dict[str, float]]]:
    """Fit intercept and weights on labelled pairs.

    Parameters
    ----------
    pairs
        Candidate pairs with their levels.
    same
        Whether each pair is the same address, shape (pairs,).
    """
    from sklearn.linear_model import LogisticRegression

    names = [(feature, level) for feature, levels in FEATURES.items() for level in levels]
    design = np.column_stack([(pairs[feature] == level).to_numpy() for feature, level in names]).astype(float)
    fitted = LogisticRegression(C=RIDGE_C, max_iter=2000).fit(design, same)
    weights: dict[str, dict[str, float]] = {}
    seen = np.asarray(design.any(axis=0), dtype=bool).tolist()
    for feature, levels in FEATURES.items():
        mine = [k for k, (name, _) in enumerate(names) if name == feature]
        # What training never showed must not pass for agreement: below the worst level that it did show.
        lowest = min(float(fitted.coef_[0][k]) for k in mine if seen[k]) - UNSEEN_PENALTY
        known = {names[k][1]: float(fitted.coef_[0][k]) for k in mine if seen[k]}
        weights[feature] = {level: known.get(level, lowest) for level in levels}
    return float(fitted.intercept_[0]), weights


def calibrate(raw: np.ndarray, right: np.ndarray) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Fit the isotonic calibration of the best candidates' raw probabilities.

    Parameters
    ----------
    raw, right
        Shared probability of the best candidate, and whether it is the right one, shape (texts,).

    Returns
    -------
    raw, probability
        Knots. A group of n texts is moved towards a half by one success and one failure, so that a small group of
        texts never gives certainty.
    """
    from sklearn.isotonic import IsotonicRegression

    order = np.argsort(raw, kind="stable")
    fitted = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(raw[order], right[order].astype(float))
    steps = fitted.predict(raw[order])
    knots_x: list[float] = []
    knots_y: list[float] = []
    for step in np.unique(steps):
        inside = raw[order][steps == step]
        smoothed = float((step * len(inside) + 1) / (len(inside) + 2))
        ends = (float(inside[0]),) if inside[0] == inside[-1] else (float(inside[0]), float(inside[-1]))
        for end in ends:
            knots_x.append(end)
            # Smoothing small groups must not turn the order round.
            knots_y.append(max(smoothed, knots_y[-1] if knots_y else 0.0))
    return tuple(knots_x), tuple(knots_y)
