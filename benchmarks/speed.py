"""Seconds of one place forecast at 10 thousand to 10 million incidents, beside plain counting and a density estimate.

    python -m benchmarks.speed                      10 k, 100 k, 1 M; about a minute
    python -m benchmarks.speed --events 10000000    10 M; three minutes, 7 GB

Made-up incidents of five years on 120 x 120 cells of 200 m, a few places far busier than the rest. CPU seconds of
one process, both cores allowed, imports not counted; medians of ``--runs`` runs in turn.

- *polars*: bare Polars counts incidents per cell over the last year. The floor.
- *kde*: scikit-learn's ``KernelDensity`` (Gaussian, 365 m) at the centres of the cells, last two years; above 1 M once.
- *study*: incidents are projected, sorted and cut into cells; once for all categories and horizons.
- *forecast*: the ensemble fitted on twelve past periods and told, without choosing.
- *both*: study and forecast, from rows of longitude and latitude to expected counts.
- *chosen*: forecast with all rankers tried on eight past periods first: what `beatwise hotspots` does.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable
from datetime import date, timedelta
from statistics import median

import numpy as np
import polars as pl

from analytics.cells import Grid
from analytics.hotspots.forecast import forecast_hotspots
from analytics.hotspots.history import day_number
from analytics.hotspots.periods import past_periods
from analytics.hotspots.selection import FITTED, fit_ranker
from analytics.hotspots.study import Study

AS_OF = date(2024, 1, 1)
SIDE, CELL_M, DAYS = 120, 200.0, 1826
GRID = Grid("EPSG:32650", CELL_M, 500_000, 4_000_000)
FLAGGED = 72
KDE_M, KDE_MOST = 365.76, 1_000_000
RUNS = 5
WAYS = ("polars", "kde", "study", "forecast", "both", "chosen")


def make_incidents(events: int, seed: int = 0) -> pl.DataFrame:
    """Return made-up incidents: rates per cell follow a Gamma law with a long tail."""
    rng = np.random.default_rng(seed)
    rate = rng.gamma(0.3, size=SIDE * SIDE)
    cell = rng.choice(SIDE * SIDE, size=events, p=rate / rate.sum())
    x = 500_000 + CELL_M * (cell % SIDE + rng.random(events))
    y = 4_000_000 + CELL_M * (cell // SIDE + rng.random(events))
    lon, lat = GRID.unproject(x, y)
    first = AS_OF - timedelta(days=DAYS)
    return pl.DataFrame({"lon": lon, "lat": lat, "day": rng.integers(0, DAYS, events)}).select(
        category=pl.lit("theft"),
        valid=pl.lit(True),
        weight=pl.lit(1, dtype=pl.Int16),
        occurred_on=pl.lit(first) + pl.duration(days="day"),
        known_on=pl.lit(None, dtype=pl.Date),
        lon="lon",
        lat="lat",
        location_level=pl.lit("point"),
    )


def clock(work: Callable[[], object]) -> tuple[float, object]:
    """Return CPU seconds of a call and what it returned."""
    start = time.process_time()
    found = work()
    return time.process_time() - start, found


def count_with_polars(x_m: np.ndarray, y_m: np.ndarray, day: pl.Series) -> pl.DataFrame:
    """Return the cells with most incidents of the last year."""
    return (
        pl.DataFrame({"x": x_m, "y": y_m, "day": day})
        .lazy()
        .filter(pl.col("day") >= AS_OF - timedelta(days=365))
        .group_by((pl.col("x") / CELL_M).floor(), (pl.col("y") / CELL_M).floor())
        .len()
        .top_k(FLAGGED, by="len")
        .collect()
    )


def estimate_density(x_m: np.ndarray, y_m: np.ndarray, recent: np.ndarray) -> np.ndarray:
    """Return scikit-learn's density at the centres of all cells."""
    from sklearn.neighbors import KernelDensity

    columns, rows = (part.ravel() for part in np.meshgrid(np.arange(SIDE), np.arange(SIDE)))
    centres = np.column_stack(GRID.centres_metres(columns, rows))
    points = np.column_stack([x_m[recent], y_m[recent]])
    return np.asarray(KernelDensity(bandwidth=KDE_M, rtol=1e-3).fit(points).score_samples(centres))


def measure(incidents: pl.DataFrame, *, density: bool = True) -> dict[str, float]:
    """Return CPU seconds per way; ``density`` says whether scikit-learn's is measured too."""
    x_m, y_m = GRID.project(incidents["lon"].to_numpy(), incidents["lat"].to_numpy())
    recent = (incidents["occurred_on"] >= AS_OF - timedelta(days=730)).to_numpy()
    found: dict[str, float] = {}
    found["polars"], _ = clock(lambda: count_with_polars(x_m, y_m, incidents["occurred_on"]))
    if density:
        found["kde"], _ = clock(lambda: estimate_density(x_m, y_m, recent))
    area_km2 = FLAGGED * GRID.cell_km2
    found["study"], study = clock(lambda: Study.of(incidents, as_of=AS_OF, grid=GRID))
    assert isinstance(study, Study)

    def forecast() -> object:
        panel = study.panel("theft")
        at = day_number(AS_OF)
        ranker = fit_ranker("ensemble", past_periods(panel, at, 28, FITTED), 0, FLAGGED)
        return ranker.predict(panel.period(at, 28, observed=False).features)

    found["forecast"], _ = clock(forecast)
    found["both"] = found["study"] + found["forecast"]
    fresh = Study.of(incidents, as_of=AS_OF, grid=GRID)
    found["chosen"], _ = clock(
        lambda: forecast_hotspots(
            incidents, as_of=AS_OF, horizon_days=28, category="theft", grid=GRID, area_km2=area_km2, study=fresh
        )
    )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, nargs="*", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--runs", type=int, default=RUNS)
    asked = parser.parse_args()
    # Imports and caches are paid for before the clock starts.
    measure(make_incidents(2_000))
    print(f"| incidents | {' | '.join(WAYS)} | peak MB |\n|{'---|' * (len(WAYS) + 2)}")
    for events in asked.events:
        incidents = make_incidents(events)
        found = [measure(incidents, density=run == 0 or events <= KDE_MOST) for run in range(asked.runs)]
        shown = " | ".join(f"{median(one[way] for one in found if way in one):.3f}" for way in WAYS)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"| {events:,} | {shown} | {peak:.0f} |", flush=True)


if __name__ == "__main__":
    main()
