"""The demo city, whose true risk is known: the chosen model finds it better than counting does."""

from datetime import date, timedelta

import numpy as np
import pytest
from scipy.stats import spearmanr

from analytics.cells import Grid
from analytics.hotspots.certainty import check_chances
from analytics.hotspots.history import day_number
from analytics.hotspots.panel import feature_names
from analytics.hotspots.selection import select_ranker
from analytics.hotspots.study import Study
from analytics.scope import choose_jurisdiction, known_incidents
from data.demo.truth import read_truth
from data.snapshots import current_snapshot
from data.store import Store

AS_OF, DAYS = date(2026, 7, 1), 28
#: Cells of four true ones, and the least number of true incidents in the period that makes a cell worth ranking.
CELL_M, EXPOSED = 200.0, 0.05


@pytest.mark.slow
@pytest.mark.parametrize(("category", "least"), [("010100", 0.75), ("030100", 0.91)])
def test_the_chosen_model_is_nearer_to_the_true_surface_than_the_counts(demo_store, category, least):
    snapshot = current_snapshot(Store.open(demo_store))
    force = choose_jurisdiction(snapshot, None)
    study = Study.of(
        known_incidents(snapshot, force, AS_OF),
        as_of=AS_OF,
        grid=Grid(force.analysis_crs, cell_m=CELL_M),
        areas=snapshot.read("areas"),
    )
    truth = read_truth(demo_store / "demo_truth" / "truth.parquet")
    surface = truth.expected(category, AS_OF, AS_OF + timedelta(days=DAYS))
    column, row = study.grid.index_metres(surface["easting_m"].to_numpy(), surface["northing_m"].to_numpy())
    risk: dict[tuple[int, int], float] = {}
    for cell, expected in zip(zip(column.tolist(), row.tolist(), strict=True), surface["expected"], strict=True):
        risk[cell] = risk.get(cell, 0.0) + expected
    cells = zip(study.lattice.columns.tolist(), study.lattice.rows.tolist(), strict=True)
    true = np.array([risk.get(cell, 0.0) for cell in cells])

    panel, origin = study.panel(category), day_number(AS_OF)
    chosen = select_ranker(
        panel,
        as_of=origin,
        horizon_days=DAYS,
        flagged=38,
        total_km2=study.total_km2,
        interval_level=0.8,
        seed=0,
        tried=6,
        fitted=8,
    )
    now = panel.period(origin, DAYS, observed=False)
    exposed = true > EXPOSED
    assert exposed.sum() > 200

    def agreement(score):
        return spearmanr(score[exposed], true[exposed])[0]

    model = agreement(chosen.ranker.predict(now.features))
    assert model >= least
    for count in ("count_365d", "count_1095d"):
        assert model > agreement(now.features[:, feature_names().index(count)])


@pytest.mark.slow
def test_chances_told_of_the_demo_city_were_kept_on_past_periods(demo_store):
    snapshot = current_snapshot(Store.open(demo_store))
    force = choose_jurisdiction(snapshot, None)
    study = Study.of(
        known_incidents(snapshot, force, AS_OF),
        as_of=AS_OF,
        grid=Grid(force.analysis_crs, 150),
        areas=snapshot.read("areas"),
    )
    k = 67
    promised, kept = [], []
    for category in ("010100", "030100", "040100"):
        backtest = select_ranker(
            study.panel(category),
            as_of=day_number(AS_OF),
            horizon_days=DAYS,
            flagged=k,
            total_km2=study.total_km2,
            interval_level=0.8,
            seed=0,
            candidates=["gamma_poisson"],
            tried=6,
            fitted=8,
        )
        checked = check_chances(backtest, k, seed=0)
        assert checked.kept == pytest.approx(checked.promised, abs=0.08), category
        promised.append(checked.chances)
        kept.append(checked.membership)
    chance, came_true = np.concatenate(promised), np.concatenate(kept)
    for low, high in ((0.1, 0.3), (0.3, 0.5), (0.5, 1.0)):
        inside = (chance >= low) & (chance < high)
        assert inside.sum() > 30
        assert came_true[inside].mean() == pytest.approx(chance[inside].mean(), abs=0.1), (low, high)
