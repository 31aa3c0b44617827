"""Hexagons and street segments of an edition, each ranked by a forecast of its own.

A cell's risk cannot honestly be shared out among the hexagons that cut through it, or among the streets it holds:
nothing is known of where in the cell it lies. So incidents are counted anew on these places and forecast as
``beatwise hotspots --unit`` does; their numbers need not add up to those of the cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from analytics.cells import Grid, cells_for_area, merge_polygons
from analytics.hotspots.budget import Budget
from analytics.hotspots.forecast import HotspotForecast, forecast_hotspots
from analytics.hotspots.history import LOCATED
from analytics.hotspots.places import name_areas, name_streets, outline_of
from analytics.hotspots.rankers import PLAIN
from analytics.hotspots.residents import Register
from analytics.hotspots.streets import name_ends
from analytics.hotspots.study import Study
from analytics.hotspots.tables import FITTED_IN_EDITION
from analytics.hotspots.units import UnitLattice, cut_hexagons, cut_segments
from data.errors import RequestError
from data.schemas.advice import RANKED_UNITS, UnitHotspots

#: Hexagons about 350 m across (0.1 km²): a few blocks, what a pair on foot can hold.
RESOLUTION = 9
#: Decimals of stored shares.
DECIMALS = 4


@dataclass(frozen=True)
class UnitRanks:
    """The table ``unit_hotspots`` and, for the manifest, what past rankings of each kind were worth."""

    table: pl.DataFrame
    verdicts: list[dict[str, Any]]


def rank_units(
    incidents: pl.DataFrame,
    areas: pl.DataFrame,
    base_map: pl.DataFrame,
    *,
    as_of: date,
    horizon_days: int,
    categories: Sequence[str],
    grid: Grid,
    area_km2: float,
    interval_level: float,
    origins: int,
    seed: int,
    include_discovered: bool = False,
    register: Register | None = None,
) -> UnitRanks:
    """Rank hexagons and, where streets are known, street segments: for one period, because each is a forecast.

    Parameters
    ----------
    areas, base_map
        Frames of schema Areas and BaseMap. Without an outline hexagons near any incident are studied; without streets
        there are no segments.
    categories
        Those that could be forecast on the grid.
    grid, area_km2
        The grid gives the reference system. Listed are as many hexagons as cover the area, and as many segments as the
        area has cells.
    """
    if not categories:
        return UnitRanks(UnitHotspots.create_empty(), [])
    tables: list[pl.DataFrame] = [UnitHotspots.create_empty()]
    verdicts: list[dict[str, Any]] = []
    for kind in RANKED_UNITS:
        units = _cut(kind, grid, areas, base_map, incidents, as_of)
        if units is None:
            continue
        # Hexagons are as good as equal in size; a segment costs a patrol one stop, however long it is. So the number of
        # places is the budget, and the expected count decides: per km of street a stub of ten metres would come first.
        budget = Budget(places=cells_for_area(area_km2, units.grid if kind == "h3" else grid))
        study = Study.of(
            incidents, as_of=as_of, grid=grid, units=units, register=register, include_discovered=include_discovered
        )
        for category in categories:
            try:
                found = forecast_hotspots(
                    incidents,
                    as_of=as_of,
                    horizon_days=horizon_days,
                    category=category,
                    grid=grid,
                    area_km2=area_km2,
                    budget=budget,
                    study=study,
                    interval_level=interval_level,
                    seed=seed,
                    tried=origins,
                    fitted=FITTED_IN_EDITION,
                )
            except RequestError as error:
                # Incidents may all lie off the streets; the cells still have their forecast, and the manifest says why.
                told = {"model": None, "verdict": f"no forecast: {error.problem}"}
                verdicts.append({"category": category, "horizon_days": horizon_days, "unit": kind, **told})
                continue
            tables.append(_tell(found, kind, study, units, areas, base_map))
            verdicts.append(_judge(found, kind, units))
    return UnitRanks(UnitHotspots.validate(pl.concat(tables), cast=True), verdicts)


def _cut(
    kind: str, grid: Grid, areas: pl.DataFrame, base_map: pl.DataFrame, incidents: pl.DataFrame, as_of: date
) -> UnitLattice | None:
    """Return the places of a kind; None where the source has no streets."""
    if kind == "segment":
        try:
            return cut_segments(grid, base_map)
        except RequestError:
            # No street, or none long enough: an edition is made without this kind of place.
            return None
    outline = outline_of(areas, as_of)
    if outline is not None:
        return cut_hexagons(grid, RESOLUTION, merge_polygons(outline))
    located = incidents.filter(
        pl.col("lon").is_not_null() & pl.col("lat").is_not_null() & pl.col("location_level").is_in(LOCATED)
    )
    return cut_hexagons(grid, RESOLUTION, around=(located["lon"].to_numpy(), located["lat"].to_numpy()))


def _tell(
    found: HotspotForecast,
    kind: str,
    study: Study,
    units: UnitLattice,
    areas: pl.DataFrame,
    base_map: pl.DataFrame,
) -> pl.DataFrame:
    cells, as_of, horizon_days = found.cells, study.as_of, int(found.parameters["horizon_days"])
    lon, lat = cells["lon"].to_numpy(), cells["lat"].to_numpy()
    if kind == "segment":
        streets = cells["name"]
        ends = name_ends(units, found.listed, base_map)
    else:
        streets = pl.Series(name_streets(lon, lat, base_map, units.grid), dtype=pl.String)
        ends = [(None, None)] * cells.height
    size = cells["size"]
    told = cells.with_columns(
        category=pl.lit(found.parameters["category"]),
        horizon_days=pl.lit(horizon_days),
        period_start=pl.lit(as_of),
        period_end=pl.lit(as_of + timedelta(days=horizon_days)),
        interval_level=pl.lit(float(found.parameters["interval_level"])),
        unit=pl.lit(kind),
        street=streets,
        from_street=pl.Series([start for start, _ in ends], dtype=pl.String),
        to_street=pl.Series([end for _, end in ends], dtype=pl.String),
        area_km2=size if kind == "h3" else pl.lit(None, dtype=pl.Float64),
        length_m=(size * 1e3).round() if kind == "segment" else pl.lit(None, dtype=pl.Float64),
    ).hstack(name_areas(lon, lat, areas, as_of))
    return UnitHotspots.cast(told.select(UnitHotspots.column_names()))


def _judge(found: HotspotForecast, kind: str, units: UnitLattice) -> dict[str, Any]:
    """Say how past lists of the kind did beside the plain count's of the same length."""
    backtest = found.backtest
    verdict: dict[str, Any] = {
        "category": str(found.parameters["category"]),
        "horizon_days": int(found.parameters["horizon_days"]),
        "unit": kind,
        "model": backtest.chosen,
        "verdict": found.verdict,
        "studied": units.size,
        "listed": len(found.listed),
        "periods": len(backtest.told),
    }
    if not backtest.told:
        return verdict
    scores, plain = backtest.scores[backtest.chosen], backtest.scores[PLAIN[0]]
    events = float(sum(score.events for score in scores))
    seen = float(sum(counts.sum() for counts in backtest.observed))
    return {
        **verdict,
        "coverage": round(float(np.mean(backtest.coverage[backtest.chosen])), DECIMALS),
        "events": events,
        "on_places": round(seen / events, DECIMALS) if events else None,
        "hits": sum(score.hits for score in scores),
        "plain_hits": sum(score.hits for score in plain),
    }
