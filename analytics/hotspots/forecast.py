"""Rank the places of one category for one period: expected count, interval, reasons, and the plain count beside it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from analytics.cells import Floats, Grid, Integers
from analytics.hotspots.budget import Budget
from analytics.hotspots.calm import choose_lists, favour_listed, lists_before
from analytics.hotspots.history import Flags, day_number
from analytics.hotspots.intervals import count_interval
from analytics.hotspots.panel import Lattice, feature_names
from analytics.hotspots.rankers import LADDER
from analytics.hotspots.reasons import explain_places
from analytics.hotspots.selection import FITTED, TRIED, BackTest, select_ranker
from analytics.hotspots.study import Study
from analytics.hotspots.units import UnitLattice
from data.errors import RequestError

#: Significant digits of stored numbers: fewer than any difference between two ways of summing the same floats.
DIGITS = 6
#: Rate below which a cell is left out of the stored surface, as a share of the mean.
SURFACE_SHARE = 0.5


@dataclass(frozen=True)
class HotspotForecast:
    """What :func:`forecast_hotspots` found.

    Attributes
    ----------
    cells
        Flagged places by rank: rank, place_id, column, row, lon, lat, expected, low, high, baseline_rank,
        baseline_count, was_listed, reasons, and ``ring`` (cells) or name, size (km², km) and geometry (WKB, other
        units). Just enough of them to reach the budget; where places differ in size, ordered by what is expected per
        km² or km.
    surface
        place_id, lon, lat, expected of every cell worth drawing.
    verdict
        One sentence on which ranker was chosen and why.
    backtest
        Scores on past origins.
    parameters
        Everything needed to make the same forecast again.
    expected, listed, baseline
        Expected counts of all studied places, the positions of the flagged ones in them by rank, and the plain counts
        of the last 365 days.
    choices
        How calm a list to the ids of the places it holds, by rank, and whether each was listed before; empty unless
        asked for.
    spare, spared
        Like ``cells`` and ``listed``: the places that only lists of ``choices`` hold. Their rank is that among all
        studied places.
    """

    cells: pl.DataFrame
    surface: pl.DataFrame
    verdict: str
    backtest: BackTest
    parameters: dict[str, Any]
    expected: Floats
    listed: Integers
    baseline: Floats
    choices: dict[float, tuple[list[str], list[bool]]] = field(default_factory=dict)
    spare: pl.DataFrame = field(default_factory=pl.DataFrame)
    spared: Integers = field(default_factory=lambda: np.zeros(0, dtype=np.int64))


def forecast_hotspots(
    incidents: pl.DataFrame,
    *,
    as_of: date,
    horizon_days: int,
    category: str,
    grid: Grid,
    area_km2: float,
    budget: Budget | None = None,
    study_area: Any = None,
    areas: pl.DataFrame | None = None,
    interval_level: float = 0.8,
    seed: int = 0,
    candidates: Sequence[str] = LADDER,
    tried: int = TRIED,
    fitted: int = FITTED,
    include_discovered: bool = False,
    listed_before: Collection[str] = (),
    calm: float = 0.0,
    choices: Mapping[float, Collection[str]] | None = None,
    study: Study | None = None,
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
    budget
        Another measure of how many places are flagged; replaces ``area_km2``.
    study_area
        Polygons in EPSG:4326 (WKB, shapely, or a list); None takes the outline of ``areas`` (frame of schema Areas),
        and without that the cells near any known incident.
    interval_level
        Nominal coverage of ``low`` to ``high``.
    candidates
        Names of rankers that may be chosen, see ``rankers.LADDER``. One name switches choosing off.
    tried, fitted
        Past periods rankers are tried on and fitted on.
    include_discovered
        Whether incidents the police found themselves count as target and as feature. By default they do not: they say
        where officers looked. Rows whose source is silent always count.
    listed_before, calm
        Place ids of an earlier list, and how far its places are held on to, see ``analytics.hotspots.calm``. Ranks
        are those within the list, by expectation.
    choices
        Further lists to make of the grid's cells: how calm, and the place ids that list holds on to (none: those of the
        newest past forecast at the same calm). With them ``calm`` itself, too, falls back on the past forecast.
    study
        Cells and incidents shared by several forecasts (:meth:`analytics.hotspots.study.Study.of` with the same
        arguments); it then replaces ``incidents``, ``as_of``, ``grid``, ``study_area``, ``areas`` and
        ``include_discovered``, and saves the time to read them again.

    Raises
    ------
    RequestError
        If an argument is out of range, or no located incident of the category was known in time.

    Notes
    -----
    Expected counts are of incidents as the source records them: where reporting differs between places, so does this.
    """
    _check(horizon_days, interval_level, candidates)
    if study is None:
        study = Study.of(
            incidents,
            as_of=as_of,
            grid=grid,
            study_area=study_area,
            areas=areas,
            include_discovered=include_discovered,
        )
    as_of, grid, lattice, total_km2 = study.as_of, study.grid, study.lattice, study.total_km2
    panel = study.panel(category)
    origin = day_number(as_of)
    budget = budget or Budget(area_km2=area_km2)
    flagged = budget.typical_places(lattice)
    if progress:
        progress(f"trying {len(candidates)} rankers on past periods over {lattice.size:,} cells")
    backtest = select_ranker(
        panel,
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
    now = panel.period(origin, horizon_days, observed=False)
    expected = round_significant(backtest.ranker.predict(now.features))
    scores = budget.scores(expected, lattice)
    order = _rank(scores, now.baseline, now.features, lattice)
    held = _hold_on({**(choices or {}), calm: listed_before}, lattice, backtest.told if choices else (), flagged)
    before = held.get(calm)
    if before is None:
        chosen = order
    else:
        chosen = _rank(favour_listed(scores, before, calm), now.baseline, now.features, lattice)
    # Chosen with a favour for the earlier list, ranked without.
    top = _sorted_by(budget.fill(chosen, lattice), scores)
    lists = choose_lists(
        scores, order, len(top), {each: flags for each, flags in held.items() if each in (choices or {})}
    )
    spared = _sorted_by(
        np.setdiff1d(np.concatenate([np.zeros(0, np.int64), *(c for c, _ in lists.values())]), top), scores
    )
    told = np.concatenate([top, spared])
    place = np.argsort(order)
    low, high = count_interval(expected[told], backtest.dispersion, backtest.width)
    cells = _draw(lattice, told, expected).with_columns(
        pl.Series("rank", np.concatenate([np.arange(len(top)), place[spared]]) + 1, dtype=pl.Int32),
        pl.Series("low", low),
        pl.Series("high", high),
        pl.Series("baseline_rank", _competition_rank(budget.scores(now.baseline, lattice))[told], dtype=pl.Int32),
        pl.Series("baseline_count", now.baseline[told]),
        pl.Series("was_listed", [None] * len(told) if before is None else before[told], dtype=pl.Boolean),
        pl.Series("reasons", explain_places(backtest.ranker, now.features[told], expected[told])),
    )
    cells = cells.with_columns(_shapes(lattice, told))
    worth = expected >= SURFACE_SHARE * expected.mean()
    worth[told] = True
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
        "unit": lattice.kind if isinstance(lattice, UnitLattice) else "grid",
        "area_km2": budget.area_km2,
        "length_km": budget.length_km,
        "places": budget.places,
        "total_km2": float(round_significant(np.array([total_km2]))[0]),
        "cells_studied": lattice.size,
        "cells_flagged": len(top),
        "interval_level": interval_level,
        "dispersion": float(round_significant(np.array([backtest.dispersion]))[0]),
        "interval_width": float(round_significant(np.array([backtest.width]))[0]),
        "candidates": list(candidates),
        "chosen": backtest.chosen,
        "tried": tried,
        "fitted": fitted,
        "seed": seed,
        "calm": calm,
        "include_discovered": study.include_discovered,
        "discovered_left_out": study.discovered,
    }
    surface = _draw(lattice, np.flatnonzero(worth), expected)
    return HotspotForecast(
        cells.head(len(top)),
        surface,
        backtest.verdict,
        backtest,
        parameters,
        expected,
        top,
        now.baseline,
        {each: (_place_ids(lattice, which), was.tolist()) for each, (which, was) in lists.items()},
        cells.slice(len(top)),
        spared,
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


def _rank(expected: Floats, baseline: Floats, features: Floats, lattice: Lattice) -> Integers:
    """Order cells: expectation, then the plain count, then the neighbourhood, then position (so never by chance)."""
    around = np.round(features[:, feature_names().index("lag_36m_w2")], DIGITS)
    return np.lexsort((lattice.columns, lattice.rows, -around, -baseline, -expected))


def _sorted_by(which: Integers, expected: Floats) -> Integers:
    """Order places by expectation, equal ones as they come."""
    return np.asarray(which[np.argsort(-expected[which], kind="stable")])


def _hold_on(
    earlier: Mapping[float, Collection[str]], lattice: Lattice, told: Sequence[Floats], k: int
) -> dict[float, Flags]:
    """Return the places each list holds on to: those named, else those of the newest past forecast, if it is given."""
    held = lists_before(told, k, list(earlier))
    named = {calm: listed for calm, listed in earlier.items() if len(listed)}
    if named:
        ids = _place_ids(lattice, np.arange(lattice.size))
        held |= {calm: np.isin(ids, list(listed)) for calm, listed in named.items()}
    return held


def _place_ids(lattice: Lattice, which: Integers) -> list[str]:
    if isinstance(lattice, UnitLattice):
        return [lattice.ids[i] for i in which]
    return lattice.grid.place_ids(lattice.columns[which], lattice.rows[which])


def _shapes(lattice: Lattice, which: Integers) -> list[pl.Series]:
    if not isinstance(lattice, UnitLattice):
        rings = np.round(lattice.grid.rings(lattice.columns[which], lattice.rows[which]), 8)
        return [pl.Series("ring", rings.tolist())]
    import shapely

    return [
        pl.Series("name", [lattice.names[i] for i in which], dtype=pl.String),
        pl.Series("size", round_significant(lattice.sizes[which])),
        pl.Series(
            "geometry", shapely.to_wkb(shapely.transform(lattice.shapes[which], lambda p: np.round(p, 8))).tolist()
        ),
    ]


def _competition_rank(values: Floats) -> Integers:
    """Return ranks from 1, highest first; equal values share the best rank."""
    ordered = np.sort(-values)
    return np.asarray(np.searchsorted(ordered, -values, side="left") + 1)


def _draw(lattice: Lattice, which: Integers, expected: Floats) -> pl.DataFrame:
    columns, rows = lattice.columns[which], lattice.rows[which]
    if isinstance(lattice, UnitLattice):
        lon, lat = lattice.grid.unproject(lattice.x_m[which], lattice.y_m[which])
    else:
        lon, lat = lattice.grid.centres(columns, rows)
    return pl.DataFrame(
        {
            "place_id": _place_ids(lattice, which),
            "column": columns,
            "row": rows,
            "lon": np.round(lon, 8),
            "lat": np.round(lat, 8),
            "expected": expected[which],
        }
    )
