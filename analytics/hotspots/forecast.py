"""Rank the places of one category for one period: expected count, interval, reasons, and the plain count beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from analytics.cells import Floats, Grid, Integers, cells_for_area, merge_polygons
from analytics.hotspots.history import History, day_number, read_history
from analytics.hotspots.intervals import count_interval
from analytics.hotspots.panel import Lattice, build_period, feature_names
from analytics.hotspots.places import outline_of
from analytics.hotspots.rankers import LADDER
from analytics.hotspots.reasons import explain_places
from analytics.hotspots.selection import FITTED, TRIED, BackTest, select_ranker
from data.errors import RequestError

#: Significant digits of stored numbers: fewer than any difference between two ways of summing the same floats.
DIGITS = 6
#: How far a cell may lie from any incident and still be studied when no study area is given, cells.
REACH_CELLS = 2
#: Rate below which a cell is left out of the stored surface, as a share of the mean.
SURFACE_SHARE = 0.5


@dataclass(frozen=True)
class HotspotForecast:
    """What :func:`forecast_hotspots` found.

    Attributes
    ----------
    cells
        Flagged cells by rank: rank, place_id, column, row, lon, lat, ring, expected, low, high, baseline_rank,
        baseline_count, reasons. Just enough of them to reach the area asked for.
    surface
        place_id, lon, lat, expected of every cell worth drawing.
    verdict
        One sentence on which ranker was chosen and why.
    backtest
        Scores on past origins.
    parameters
        Everything needed to make the same forecast again.
    """

    cells: pl.DataFrame
    surface: pl.DataFrame
    verdict: str
    backtest: BackTest
    parameters: dict[str, Any]


def forecast_hotspots(
    incidents: pl.DataFrame,
    *,
    as_of: date,
    horizon_days: int,
    category: str,
    grid: Grid,
    area_km2: float,
    study_area: Any = None,
    areas: pl.DataFrame | None = None,
    interval_level: float = 0.8,
    seed: int = 0,
    candidates: Sequence[str] = LADDER,
    tried: int = TRIED,
    fitted: int = FITTED,
    progress: Callable[[str], None] | None = None,
) -> HotspotForecast:
    """Rank cells by the incidents expected in ``horizon_days`` days from ``as_of``.

    Parameters
    ----------
    incidents
        Frame of schema Incidents; the order of rows does not matter.
    as_of
        First local day of the period. Nothing that happened or was known on it or later is used.
    category
        First-level category to forecast; the other categories describe the place.
    grid
        Cells to rank.
    area_km2
        Budget: the fewest cells that reach this area are flagged.
    study_area
        Polygons in EPSG:4326 (WKB, shapely, or a list); None takes the outline of ``areas`` (frame of schema Areas),
        and without that the cells near any known incident.
    interval_level
        Nominal coverage of ``low`` to ``high``.
    candidates
        Names of rankers that may be chosen, see ``rankers.LADDER``. One name switches choosing off.
    tried, fitted
        Past periods rankers are tried on and fitted on.

    Raises
    ------
    RequestError
        If an argument is out of range, or no located incident of the category was known in time.

    Notes
    -----
    Expected counts are of incidents as the source records them: where reporting differs between places, so does this.
    """
    _check(horizon_days, interval_level, candidates)
    history = read_history(incidents, category, grid, as_of=as_of)
    tell = progress or (lambda _: None)
    lattice, total_km2 = _study(grid, history, study_area if study_area is not None else outline_of(areas))
    position = lattice.locate(history)
    origin = day_number(as_of)
    flagged = min(cells_for_area(area_km2, grid), lattice.size)
    tell(f"trying {len(candidates)} rankers on past periods over {lattice.size:,} cells")
    backtest = select_ranker(
        history,
        position,
        lattice,
        as_of=origin,
        horizon_days=horizon_days,
        flagged=flagged,
        total_km2=total_km2,
        interval_level=interval_level,
        seed=seed,
        candidates=candidates,
        tried=tried,
        fitted=fitted,
    )
    now = build_period(history, position, lattice, origin, horizon_days, observed=False)
    expected = round_significant(backtest.ranker.predict(now.features))
    order = _rank(expected, now.baseline, now.features, lattice)
    top = order[:flagged]
    low, high = count_interval(expected[top], backtest.dispersion, interval_level)
    cells = _draw(lattice, top, expected).with_columns(
        pl.Series("rank", np.arange(1, len(top) + 1), dtype=pl.Int32),
        pl.Series("ring", np.round(grid.rings(lattice.columns[top], lattice.rows[top]), 8).tolist()),
        pl.Series("low", low),
        pl.Series("high", high),
        pl.Series("baseline_rank", _competition_rank(now.baseline)[top], dtype=pl.Int32),
        pl.Series("baseline_count", now.baseline[top]),
        pl.Series("reasons", explain_places(backtest.ranker, now.features[top], expected[top])),
    )
    worth = expected >= SURFACE_SHARE * expected.mean()
    worth[top] = True
    parameters = {
        "as_of": as_of.isoformat(),
        "period_end": (as_of + timedelta(days=horizon_days)).isoformat(),
        "horizon_days": horizon_days,
        "category": category,
        "crs": grid.crs,
        "cell_m": grid.cell_m,
        "origin_x_m": grid.origin_x_m,
        "origin_y_m": grid.origin_y_m,
        "rotation_deg": grid.rotation_deg,
        "area_km2": area_km2,
        "total_km2": float(round_significant(np.array([total_km2]))[0]),
        "cells_studied": lattice.size,
        "cells_flagged": len(top),
        "interval_level": interval_level,
        "dispersion": float(round_significant(np.array([backtest.dispersion]))[0]),
        "candidates": list(candidates),
        "chosen": backtest.chosen,
        "tried": tried,
        "fitted": fitted,
        "seed": seed,
    }
    return HotspotForecast(
        cells, _draw(lattice, np.flatnonzero(worth), expected), backtest.verdict, backtest, parameters
    )


def round_significant(values: Floats, digits: int = DIGITS) -> Floats:
    """Return values rounded to significant digits; zeros and signs are kept."""
    safe = np.where(values == 0, 1.0, np.abs(values))
    scale = 10.0 ** (digits - 1 - np.floor(np.log10(safe)))
    return np.asarray(np.where(values == 0, 0.0, np.round(values * scale) / scale))


def _check(horizon_days: int, interval_level: float, candidates: Sequence[str]) -> None:
    if not 1 <= horizon_days <= 366:
        raise RequestError(f"The 'horizon_days' parameter must lie between 1 and 366. Got {horizon_days!r} instead.")
    if not 0 < interval_level < 1:
        raise RequestError(f"The 'interval_level' parameter must lie between 0 and 1. Got {interval_level!r} instead.")
    unknown = sorted(set(candidates) - set(LADDER))
    if unknown or not candidates:
        raise RequestError(f"there is no ranker {', '.join(unknown) or ''}.", remedy=f"Rankers: {', '.join(LADDER)}.")


def _study(grid: Grid, history: History, study_area: Any) -> tuple[Lattice, float]:
    if study_area is not None:
        merged = merge_polygons(study_area)
        return Lattice.of_cells(grid, *grid.cells_touching(merged)), grid.area_km2(merged)
    columns, rows = grid.index_metres(history.x_m, history.y_m)
    visited = np.unique(np.column_stack([columns, rows]), axis=0)
    steps = range(-REACH_CELLS, REACH_CELLS + 1)
    moved = np.concatenate([visited + np.array([i, j]) for i in steps for j in steps])
    near_cells = np.unique(moved, axis=0)
    return Lattice.of_cells(grid, near_cells[:, 0], near_cells[:, 1]), len(near_cells) * grid.cell_km2


def _rank(expected: Floats, baseline: Floats, features: Floats, lattice: Lattice) -> Integers:
    """Order cells: expectation, then the plain count, then the neighbourhood, then position (so never by chance)."""
    around = np.round(features[:, feature_names().index("lag_36m_w2")], DIGITS)
    return np.lexsort((lattice.columns, lattice.rows, -around, -baseline, -expected))


def _competition_rank(values: Floats) -> Integers:
    """Return ranks from 1, highest first; equal values share the best rank."""
    ordered = np.sort(-values)
    return np.asarray(np.searchsorted(ordered, -values, side="left") + 1)


def _draw(lattice: Lattice, which: Integers, expected: Floats) -> pl.DataFrame:
    columns, rows = lattice.columns[which], lattice.rows[which]
    lon, lat = lattice.grid.centres(columns, rows)
    return pl.DataFrame(
        {
            "place_id": lattice.grid.place_ids(columns, rows),
            "column": columns,
            "row": rows,
            "lon": np.round(lon, 8),
            "lat": np.round(lat, 8),
            "expected": expected[which],
        }
    )
