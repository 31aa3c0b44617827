"""What residents, rented dwellings and households add to a place forecast, on rolling origins.

    python -m benchmarks.population STORE AS_OF CELL_M FLAGGED CATEGORY...    a store with population tables
    python -m benchmarks.population toronto                                   residents of the boundary file

Twelve origins of 28 days before the day, both ensembles fitted once on the twelve periods before. Hits in the list and
Poisson deviance of the expected numbers, with 90 % paired bootstrap intervals of the differences; then the automatic
choice with and without the further rung, each origin's made on the origins that had ended before it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from analytics.cells import Grid
from analytics.hotspots.choice import BLEND
from analytics.hotspots.evaluation import average_hits, paired_interval, poisson_deviance
from analytics.hotspots.history import day_number
from analytics.hotspots.periods import past_periods
from analytics.hotspots.rankers import LADDER, POPULATED
from analytics.hotspots.residents import Register
from analytics.hotspots.selection import choose_beforehand, observed_counts, roll_rankers, rungs_of
from analytics.hotspots.study import Study
from analytics.scope import choose_jurisdiction, known_incidents, read_register
from benchmarks.cities import load_toronto, shared_data
from data.snapshots import current_snapshot
from data.store import Store

DAYS, TRIED, FITTED, LEVEL = 28, 12, 12, 0.9


def study_store(store: Path, as_of: date, cell_m: float) -> Study:
    """Return the places and incidents of a store, with what its population platform says of them."""
    snapshot = current_snapshot(Store.open(store))
    force = choose_jurisdiction(snapshot, None)
    return Study.of(
        known_incidents(snapshot, force, as_of),
        as_of=as_of,
        grid=Grid(force.analysis_crs, cell_m=cell_m),
        areas=snapshot.read("areas"),
        register=read_register(snapshot, force),
    )


def study_toronto() -> tuple[Study, int, Sequence[str]]:
    """Return Toronto before 2020 with the residents its neighbourhood file gives, places, categories.

    The file has one number, a projection for 2020; it stands for all years before, which flatters it a little.
    """
    import geopandas

    city = load_toronto(shared_data())
    drawn = geopandas.read_file(
        shared_data() / "toronto_mci" / "boundaries" / "neighbourhood_crime_rates.geojson"
    ).to_crs(4326)
    column = "F2020_Population_Projection"
    codes = [str(i) for i in range(len(drawn))]
    nothing = pl.lit(None, dtype=pl.String)
    areas = pl.DataFrame(
        {
            "area_code": codes,
            "level": ["community"] * len(codes),
            "geometry": drawn.geometry.to_wkb().tolist(),
            "area_km2": (drawn.to_crs(city.crs).area / 1e6).tolist(),
        }
    ).with_columns(parent_code=nothing, valid_from=pl.lit(None, dtype=pl.Date), valid_to=pl.lit(None, dtype=pl.Date))
    population = pl.DataFrame(
        {
            "area_code": codes,
            "month": [date(2014, 1, 1)] * len(codes),
            "population_class": ["total"] * len(codes),
            "count": drawn[column].astype(float).tolist(),
        }
    )
    study = Study.of(
        city.incidents,
        as_of=city.first,
        grid=Grid(city.crs, cell_m=city.cell_m),
        areas=areas,
        register=Register(population, None),
    )
    return study, round(city.area_share * study.lattice.size), city.categories


def compare(study: Study, category: str, flagged: int) -> str:
    """Return a line of the table."""
    panel = study.panel(category)
    periods = past_periods(panel, day_number(study.as_of), DAYS, TRIED + FITTED + 1)
    names = rungs_of(panel, LADDER)
    rolled = roll_rankers(
        panel, periods, horizon_days=DAYS, names=names, seed=0, tried=TRIED, fitted=FITTED, flagged=flagged
    )
    if rolled is None:
        raise SystemExit(f"{category}: the history is too short.")
    seen = [observed_counts(period) for period in rolled.newest]
    hits = {n: np.array([average_hits(e, y, flagged) for e, y in zip(rolled.raw[n], seen, strict=True)]) for n in names}
    far = {n: np.array([poisson_deviance(e, y) for e, y in zip(rolled.told[n], seen, strict=True)]) for n in names}
    gain, low, high = paired_interval(hits[POPULATED] - hits[BLEND], seed=0, level=LEVEL)
    _, closer, closest = paired_interval(far[BLEND] - far[POPULATED], seed=0, level=LEVEL)
    automatic = {}
    for rungs in (LADDER, (*LADDER, POPULATED)):
        chosen = choose_beforehand(rolled, rungs, flagged, 0)
        picked = [(i, name) for i, name in enumerate(chosen) if name is not None]
        told = sum(hits[name][i] for i, name in picked), float(np.mean([far[name][i] for i, name in picked]))
        automatic[rungs[-1]] = (*told, sum(name == POPULATED for _, name in picked), len(picked))
    before, after = automatic[BLEND], automatic[POPULATED]
    return (
        f"| {category} | {hits[BLEND].sum():.0f} → {hits[POPULATED].sum():.0f} "
        f"| {gain:+.2f} ({low:+.2f} to {high:+.2f}) "
        f"| {far[BLEND].mean():.5f} → {far[POPULATED].mean():.5f} ({1e5 * closer:+.0f} to {1e5 * closest:+.0f}) "
        f"| {before[0]:.0f} → {after[0]:.0f} | {before[1]:.5f} → {after[1]:.5f} | {after[2]} of {after[3]} |"
    )


def main() -> None:
    asked = sys.argv[1:]
    if not asked or (asked[0] != "toronto" and len(asked) < 5):
        raise SystemExit(__doc__)
    if asked[0] == "toronto":
        study, flagged, categories = study_toronto()
    else:
        study = study_store(Path(asked[0]), date.fromisoformat(asked[1]), float(asked[2]))
        flagged, categories = int(asked[3]), asked[4:]
    known = study.residents.names if study.residents else ()
    print(f"{study.lattice.size:,} places, {flagged} listed, before {study.as_of}: {', '.join(known)}\n")
    print("| category | hits | per origin | deviance (gain, 1e-5) | automatic: hits | deviance | chosen |")
    print("|---|---|---|---|---|---|---|")
    for category in categories:
        print(compare(study, category, flagged), flush=True)


if __name__ == "__main__":
    main()
