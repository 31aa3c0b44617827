"""The hotspot tables of an edition: ranked places, the surface behind them, and how good past forecasts were."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import polars as pl

from analytics.cells import Grid
from analytics.hotspots.forecast import HotspotForecast, forecast_hotspots
from analytics.hotspots.places import find_peaks, name_areas, name_streets, suggest_action
from analytics.hotspots.rankers import LADDER
from analytics.hotspots.study import Study
from data.actions import ActionTable
from data.errors import RequestError
from data.schemas.advice import Hotspots, HotspotSurface, ModelScores

#: Past periods an edition fits on: few enough for six categories in seconds.
FITTED_IN_EDITION = 8


@dataclass(frozen=True)
class HotspotTables:
    """Tables by name and, for the manifest, one verdict per category and horizon (also where no forecast was made)."""

    tables: dict[str, pl.DataFrame]
    verdicts: list[dict[str, Any]]


def hotspot_tables(
    incidents: pl.DataFrame,
    areas: pl.DataFrame | None = None,
    base_map: pl.DataFrame | None = None,
    *,
    as_of: date,
    horizons: Sequence[int],
    categories: Sequence[str],
    grid: Grid,
    area_km2: float,
    seed: int,
    edition_id: str,
    timezone: str,
    study_area: Any = None,
    interval_level: float = 0.8,
    backtest_origins: int = 6,
    candidates: Sequence[str] = LADDER,
    actions: ActionTable | None = None,
    include_discovered: bool = False,
    progress: Callable[[str], None] | None = None,
) -> HotspotTables:
    """Return the tables ``hotspots``, ``hotspot_surface`` and ``model_scores`` of an edition, valid by their schemas.

    Parameters
    ----------
    incidents, areas, base_map
        Frames of schema Incidents, Areas and BaseMap; the last two may be None or empty.
    horizons, categories
        Every pair is forecast. A category without any located incident known in time has no rows.
    study_area
        Polygons in EPSG:4326; None takes the union of ``areas``, else the cells near any known incident.
    backtest_origins
        Past periods the rankers are tried on.
    actions
        Suggested action per category (``data.actions.load_actions``); without it only the reasons decide.

    Notes
    -----
    See :func:`analytics.hotspots.forecast.forecast_hotspots` for the rest and for what would mislead.
    """
    hotspots: list[pl.DataFrame] = [Hotspots.create_empty()]
    surfaces: list[pl.DataFrame] = [HotspotSurface.create_empty()]
    scores: list[pl.DataFrame] = [ModelScores.create_empty()]
    verdicts: list[dict[str, Any]] = []
    study: Study | None = None
    for category in categories:
        for horizon_days in horizons:
            if progress:
                progress(f"{category}, {horizon_days} days")
            try:
                study = study or Study.of(
                    incidents,
                    as_of=as_of,
                    grid=grid,
                    study_area=study_area,
                    areas=areas,
                    include_discovered=include_discovered,
                )
                found = forecast_hotspots(
                    incidents,
                    as_of=as_of,
                    horizon_days=horizon_days,
                    category=category,
                    grid=grid,
                    area_km2=area_km2,
                    study=study,
                    interval_level=interval_level,
                    seed=seed,
                    candidates=candidates,
                    tried=backtest_origins,
                    fitted=FITTED_IN_EDITION,
                )
            except RequestError as error:
                # A category too thin to forecast must not keep the others from the reader; the manifest says why.
                told = {"model": None, "verdict": f"no forecast: {error.problem}"}
                verdicts.append({"category": category, "horizon_days": horizon_days, **told})
                continue
            verdicts.append(
                {
                    "category": category,
                    "horizon_days": horizon_days,
                    "model": found.backtest.chosen,
                    "verdict": found.verdict,
                }
            )
            hotspots.append(
                _advise(found, incidents, areas, base_map, grid, as_of, timezone, edition_id, actions or ActionTable())
            )
            surfaces.append(_draw_surface(found, areas, as_of))
            scores.append(_tell_scores(found))
    tables = {
        "hotspots": Hotspots.validate(pl.concat(hotspots), cast=True),
        "hotspot_surface": HotspotSurface.validate(pl.concat(surfaces), cast=True),
        "model_scores": ModelScores.validate(pl.concat(scores), cast=True),
    }
    return HotspotTables(dict(tables), verdicts)


def _advise(
    found: HotspotForecast,
    incidents: pl.DataFrame,
    areas: pl.DataFrame | None,
    base_map: pl.DataFrame | None,
    grid: Grid,
    as_of: date,
    timezone: str,
    edition_id: str,
    actions: ActionTable,
) -> pl.DataFrame:
    cells = found.cells
    category, horizon_days = str(found.parameters["category"]), int(found.parameters["horizon_days"])
    lon, lat = cells["lon"].to_numpy(), cells["lat"].to_numpy()
    weekday, hour = find_peaks(
        incidents,
        category,
        grid,
        lon,
        lat,
        as_of=as_of,
        timezone=timezone,
        include_discovered=bool(found.parameters["include_discovered"]),
    )
    suggested = [
        suggest_action(category, expected, reasons, actions, at)
        for expected, reasons, at in zip(cells["expected"].to_list(), cells["reasons"].to_list(), hour, strict=True)
    ]
    told = cells.with_columns(
        advice_id=pl.concat_str(
            pl.lit(f"{edition_id}:H:{category}:{horizon_days}:"), pl.col("rank").cast(pl.String).str.zfill(4)
        ),
        category=pl.lit(category),
        horizon_days=pl.lit(horizon_days),
        period_start=pl.lit(as_of),
        period_end=pl.lit(as_of + timedelta(days=horizon_days)),
        street=pl.Series(name_streets(lon, lat, base_map, grid), dtype=pl.String),
        cell_m=pl.lit(grid.cell_m),
        interval_level=pl.lit(float(found.parameters["interval_level"])),
        action=pl.Series(suggested, dtype=pl.String),
        peak_weekday=pl.Series(weekday, dtype=pl.Int8),
        peak_hour=pl.Series(hour, dtype=pl.Int8),
    ).hstack(name_areas(lon, lat, areas, as_of))
    return Hotspots.cast(told.select(Hotspots.column_names()))


def _draw_surface(found: HotspotForecast, areas: pl.DataFrame | None, as_of: date) -> pl.DataFrame:
    surface = found.surface
    named = name_areas(surface["lon"].to_numpy(), surface["lat"].to_numpy(), areas, as_of)
    told = surface.hstack(named).with_columns(
        category=pl.lit(found.parameters["category"]), horizon_days=pl.lit(found.parameters["horizon_days"])
    )
    return HotspotSurface.cast(told.select(HotspotSurface.column_names()))


def _tell_scores(found: HotspotForecast) -> pl.DataFrame:
    cell_km2 = float(found.parameters["cell_m"]) ** 2 / 1e6
    rows = [
        {
            "category": found.parameters["category"],
            "horizon_days": found.parameters["horizon_days"],
            "origin": date.fromordinal(date(1970, 1, 1).toordinal() + origin),
            "model": model,
            "area_km2": found.parameters["cells_flagged"] * cell_km2,
            "events": score.events,
            "hits": score.hits,
            "pai": score.pai,
            "pei": score.pei,
            "expected_hits": score.expected_hits,
            "auc": score.auc,
            "deviance": score.deviance,
            "coverage": found.backtest.coverage[model][i] if model in found.backtest.coverage else None,
        }
        for model, scores in found.backtest.scores.items()
        for i, (origin, score) in enumerate(zip(found.backtest.origins, scores, strict=True))
    ]
    return ModelScores.cast(pl.DataFrame(rows)) if rows else ModelScores.create_empty()
