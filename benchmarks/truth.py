"""How near forecasts come to the true risk of the demo city, and how near anybody could come on the same incidents.

    python -m benchmarks.truth STORE     a store of the demo city (`beatwise demo`); about a minute

Spearman correlation with the true expectation of the next 28 days, over places with more than ``EXPOSED`` true
incidents in them: elsewhere the truth is all but flat. Beside the automatic choice and the plain counts stand:

- *past truth*: the true expectation before the forecast, without any chance in it; what is lost to change.
- *drawn*: as many incidents as three years have, each drawn anew from the past truth, independently; mean of ``DRAWS``.
  What a plain count loses to chance alone. The real count lies lower: one incident breeds the next in its place for
  some weeks, hotspots began lately, and addresses are not all where the incident was.
- *taught by the truth*: the ensemble fitted not on later incidents but on the true expectations themselves, of four
  fifths of the places, and asked about the last fifth. Nobody can do that; it is how much of the truth the features
  made of these incidents hold, for a model of this kind.
"""

from __future__ import annotations

import argparse
from datetime import date, timedelta
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from analytics.cells import Floats, Grid
from analytics.hotspots.choice import BLEND
from analytics.hotspots.history import Flags, day_number
from analytics.hotspots.panel import feature_names
from analytics.hotspots.periods import past_periods
from analytics.hotspots.rankers import POPULATED, fit_rankers
from analytics.hotspots.selection import FITTED, REST_WEIGHT, fit_ranker, select_ranker
from analytics.hotspots.study import Study
from analytics.scope import choose_jurisdiction, known_incidents, read_register
from data.demo.truth import read_truth
from data.snapshots import current_snapshot
from data.store import Store

AS_OF, DAYS, HISTORY_DAYS = date(2026, 7, 1), 28, 1095
CELL_M, EXPOSED, DRAWS, FOLDS = 200.0, 0.05, 20, 5
CATEGORIES = ("010100", "030100", "010200", "040100", "010400", "020200", "020100")


def sum_truth(study: Study, store: Path, category: str, start: date, end: date) -> Floats:
    """Return the true expectation of a period per place of the study."""
    truth = read_truth(store / "demo_truth" / "truth.parquet")
    surface = truth.expected(category, start, end)
    column, row = study.grid.index_metres(surface["easting_m"].to_numpy(), surface["northing_m"].to_numpy())
    risk: dict[tuple[int, int], float] = {}
    for cell, expected in zip(zip(column.tolist(), row.tolist(), strict=True), surface["expected"], strict=True):
        risk[cell] = risk.get(cell, 0.0) + expected
    cells = zip(study.lattice.columns.tolist(), study.lattice.rows.tolist(), strict=True)
    return np.array([risk.get(cell, 0.0) for cell in cells])


def teach_truth(features: Floats, true: Floats, exposed: Flags, seed: int = 0) -> Floats:
    """Return what the ensemble tells of each place after seeing the truth of the other four fifths."""
    fold = np.random.default_rng(seed).integers(0, FOLDS, len(true))
    told = np.zeros(len(true))
    weight = np.where(exposed, 1.0, REST_WEIGHT)
    for one in range(FOLDS):
        held = fold == one
        ranker = fit_rankers([POPULATED], features[~held], true[~held], weight[~held])[POPULATED]
        told[held] = ranker.predict(features[held])
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path)
    parser.add_argument("--cell-m", type=float, default=CELL_M)
    asked = parser.parse_args()
    snapshot = current_snapshot(Store.open(asked.store))
    force = choose_jurisdiction(snapshot, None)
    study = Study.of(
        known_incidents(snapshot, force, AS_OF),
        as_of=AS_OF,
        grid=Grid(force.analysis_crs, cell_m=asked.cell_m),
        areas=snapshot.read("areas", force.code),
        register=read_register(snapshot, force),
    )
    flagged = max(1, round(1.5 / study.grid.cell_km2))
    origin = day_number(AS_OF)
    rng = np.random.default_rng(0)
    print(
        "| category | places | incidents per place in three years (median) | model | automatic | ensemble | 365 d "
        "| 1,095 d | past truth | drawn | taught by the truth |\n|---|---|---|---|---|---|---|---|---|---|---|"
    )
    for category in CATEGORIES:
        true = sum_truth(study, asked.store, category, AS_OF, AS_OF + timedelta(days=DAYS))
        # The truth is kept of the newest months only; its level is brought to the incidents of three years.
        past = sum_truth(study, asked.store, category, AS_OF - timedelta(days=HISTORY_DAYS), AS_OF)
        panel = study.panel(category)
        recent = (panel.day >= origin - HISTORY_DAYS) & (panel.position >= 0)
        past *= panel.weight[recent].sum() / past.sum()
        chosen = select_ranker(
            panel,
            as_of=origin,
            horizon_days=DAYS,
            flagged=flagged,
            total_km2=study.total_km2,
            interval_level=0.8,
            seed=0,
        )
        now = panel.period(origin, DAYS, observed=False)
        exposed = true > EXPOSED

        def near(score: Floats, true: Floats = true, exposed: np.ndarray = exposed) -> float:
            return float(spearmanr(score[exposed], true[exposed])[0])

        again = np.mean([near(rng.poisson(past).astype(float)) for _ in range(DRAWS)])
        names = feature_names()
        told = (
            near(chosen.ranker.predict(now.features)),
            near(fit_ranker(BLEND, past_periods(panel, origin, DAYS, FITTED), 0, flagged).predict(now.features)),
            near(now.features[:, names.index("count_365d")]),
            near(now.features[:, names.index("count_1095d")]),
            near(past),
            again,
            near(teach_truth(now.features, true, exposed)),
        )
        print(
            f"| {category} | {exposed.sum()} | {np.median(past[exposed]):.1f} | {chosen.chosen} | "
            + " | ".join(f"{value:.3f}" for value in told)
            + " |",
            flush=True,
        )


if __name__ == "__main__":
    main()
