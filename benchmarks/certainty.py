"""Whether chances of belonging to the busiest were kept on past periods, and what calmer lists would have cost.

    beatwise benchmark certainty  (in full: python -m benchmarks.certainty STORE AS_OF CELL_M AREA_KM2 CATEGORY...)

Without arguments: the demo city of ``BEATWISE_DEMO_STORE``. Rolling origins before AS_OF only.
"""

from __future__ import annotations

import os
import sys
from datetime import date
from itertools import pairwise
from pathlib import Path

import numpy as np

from analytics.cells import Grid
from analytics.hotspots.calm import price_calm
from analytics.hotspots.certainty import check_chances
from analytics.hotspots.forecast import forecast_hotspots
from analytics.hotspots.study import Study
from analytics.scope import choose_jurisdiction, known_incidents
from data.snapshots import current_snapshot
from data.store import Store

DAYS = 28
ORIGINS, FITTED = 8, 12
EDGES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def main() -> None:
    if len(sys.argv) > 5:
        folder, as_of, cell_m, area_km2, *categories = sys.argv[1:]
    else:
        folder = os.environ.get("BEATWISE_DEMO_STORE", "build/demo")
        as_of, cell_m, area_km2 = "2026-07-01", "150", "1.5"
        categories = ["010100", "010200", "020100", "020200", "030100", "040100"]
    day = date.fromisoformat(as_of)
    snapshot = current_snapshot(Store.open(Path(folder)))
    force = choose_jurisdiction(snapshot, None)
    incidents = known_incidents(snapshot, force, day)
    grid = Grid(force.analysis_crs, cell_m=float(cell_m))
    study = Study.of(incidents, as_of=day, grid=grid, areas=snapshot.read("areas"))
    bins = " | ".join(f"{low:.1f}-{high:.1f}" for low, high in pairwise(EDGES))
    print(f"| category | ranker | promised | kept | {bins} | calm 0 / 0.25 / 1: stay | hits |")
    for category in categories:
        found = forecast_hotspots(
            incidents,
            as_of=day,
            horizon_days=DAYS,
            category=category,
            grid=grid,
            area_km2=float(area_km2),
            study=study,
            tried=ORIGINS,
            fitted=FITTED,
        )
        k = len(found.listed)
        checked = check_chances(found.backtest, k, seed=0)
        groups = np.clip(np.digitize(checked.chances, EDGES) - 1, 0, len(EDGES) - 2)
        told = []
        for group in range(len(EDGES) - 1):
            inside = groups == group
            if inside.any():
                pair = f"{checked.chances[inside].mean():.2f}→{checked.membership[inside].mean():.2f}"
                told.append(f"{pair} ({int(inside.sum())})")
            else:
                told.append("–")
        prices = price_calm(found.backtest.told, found.backtest.observed, k, (0.0, 0.25, 1.0))
        stay = " / ".join(f"{price.stay_share:.2f}" for price in prices)
        hits = " / ".join(f"{price.hits:g}" for price in prices)
        print(
            f"| {category} | {found.backtest.chosen} | {checked.promised:.2f} | {checked.kept:.2f} | "
            f"{' | '.join(told)} | {stay} | {hits} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
