"""Whether the week told of a place describes the next half year there better than the category's or its own alone.

    beatwise benchmark hours  (in full: python -m benchmarks.hours STORE AS_OF CELL_M CATEGORY...)

Gain in log-likelihood per incident over an even week, on the 182 days after AS_OF within the same reach of the places
with most incidents in the two years before. Without arguments: the demo city of ``BEATWISE_DEMO_STORE``.
"""

from __future__ import annotations

import os
import sys
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from analytics.cells import Floats, Grid
from analytics.hotspots.hours import PROFILE_DAYS, WEEK_HOURS, TimesOfNeed
from analytics.scope import choose_jurisdiction, known_incidents
from data.snapshots import current_snapshot
from data.store import Store

PLACES, LATER_DAYS = 60, 182
#: Incidents spread evenly over the week that keep a place's own week from being 0 anywhere.
FLOOR_INCIDENTS = 5.0


def main() -> None:
    if len(sys.argv) > 4:
        folder, as_of, cell_m, *categories = sys.argv[1:]
    else:
        folder, as_of, cell_m = os.environ.get("BEATWISE_DEMO_STORE", "build/demo"), "2026-01-01", "150"
        categories = ["010200", "020100", "020200", "030100", "040100"]
    day = date.fromisoformat(as_of)
    later = day + timedelta(days=LATER_DAYS)
    snapshot = current_snapshot(Store.open(Path(folder)))
    force = choose_jurisdiction(snapshot, None)
    incidents = known_incidents(snapshot, force, later)
    grid = Grid(force.analysis_crs, cell_m=float(cell_m))
    print("| category | incidents after | category's week | own alone | as told | own weight |")
    for category in categories:
        rows = incidents.filter((pl.col("category") == category) & pl.col("lon").is_not_null())
        before = rows.filter(pl.col("occurred_on").is_between(day - timedelta(days=PROFILE_DAYS), day, closed="left"))
        column, row = grid.index(before["lon"].to_numpy(), before["lat"].to_numpy())
        cells, count = np.unique(np.column_stack([column, row]), axis=0, return_counts=True)
        top = cells[np.argsort(-count, kind="stable")[:PLACES]]
        lon, lat = grid.centres(top[:, 0], top[:, 1])
        past = TimesOfNeed(incidents, category, grid, as_of=day, timezone=force.timezone)
        then = TimesOfNeed(
            incidents.filter(pl.col("occurred_on") >= day), category, grid, as_of=later, timezone=force.timezone
        )
        told = np.array([week.shares for week in past.at(lon, lat)])
        own, seen = past.counts_near(lon, lat), then.counts_near(lon, lat)
        alone = own + FLOOR_INCIDENTS / WEEK_HOURS
        weeks = {
            "category": np.tile(past.category_week, (len(top), 1)),
            "own": alone / alone.sum(axis=1, keepdims=True),
            "told": told,
        }
        gains = {name: _gain(week, seen) for name, week in weeks.items()}
        weight = np.mean([week.own_share for week in past.at(lon, lat)])
        print(
            f"| {category} | {seen.sum():.0f} | {gains['category']:.3f} | {gains['own']:.3f} | {gains['told']:.3f} "
            f"| {weight:.2f} |"
        )


def _gain(week: Floats, seen: Floats) -> float:
    return float((seen * np.log(np.maximum(week, 1e-9) * WEEK_HOURS)).sum() / seen.sum())


if __name__ == "__main__":
    main()
