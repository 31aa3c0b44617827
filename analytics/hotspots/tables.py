"""The hotspot tables of an edition: ranked places, the surface behind them, and how good past forecasts were."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from analytics.cells import Floats, Grid, Integers
from analytics.hotspots.calm import CHOICES, price_calm
from analytics.hotspots.certainty import chances_of_top, check_chances
from analytics.hotspots.counterfactual import rank_without_recent
from analytics.hotspots.forecast import HotspotForecast, forecast_hotspots, round_significant
from analytics.hotspots.hours import TimesOfNeed
from analytics.hotspots.places import name_areas, name_streets, suggest_action
from analytics.hotspots.rankers import LADDER
from analytics.hotspots.residents import Register
from analytics.hotspots.study import Study
from data.actions import ActionTable
from data.errors import RequestError
from data.schemas.advice import CalmLists, Hotspots, HotspotSurface, SpareHotspots
from data.schemas.models import ModelScores

#: Past periods an edition fits on: few enough for six categories in seconds.
FITTED_IN_EDITION = 8
#: Decimals of stored shares and chances.
DECIMALS = 4


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
    register: Register | None = None,
    calm: float = 0.0,
    previous: Mapping[str, pl.DataFrame] | None = None,
    observe: Callable[[HotspotForecast, Study], None] | None = None,
    progress: Callable[[str], None] | None = None,
) -> HotspotTables:
    """Return the tables of an edition that are about ranked places and their back-test, valid by their schemas.

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
    register
        What the population platform knows of places; None where the source has none.
    calm, previous
        How far the published list holds on to the one before, 0 to 1, and the tables ``hotspots`` and ``calm_lists``
        of the edition before. The lists of all other tolerances are made beside it (``analytics.hotspots.calm``).
        Places are the same only on the same grid; without an earlier list on it, lists hold on to the method's own
        newest past forecast.
    observe
        Shown every forecast with its cells, for a closer look (:class:`analytics.hotspots.inspection.Inspection`).

    Notes
    -----
    See :func:`analytics.hotspots.forecast.forecast_hotspots` for the rest and for what would mislead.
    """
    hotspots: list[pl.DataFrame] = [Hotspots.create_empty()]
    spares: list[pl.DataFrame] = [SpareHotspots.create_empty()]
    lists: list[pl.DataFrame] = [CalmLists.create_empty()]
    surfaces: list[pl.DataFrame] = [HotspotSurface.create_empty()]
    scores: list[pl.DataFrame] = [ModelScores.create_empty()]
    verdicts: list[dict[str, Any]] = []
    study: Study | None = None
    for category in categories:
        times = TimesOfNeed(
            incidents, category, grid, as_of=as_of, timezone=timezone, include_discovered=include_discovered
        )
        for horizon_days in horizons:
            if progress:
                progress(f"{category}, {horizon_days} days")
            earlier = EarlierLists.of(previous, category, horizon_days, grid)
            try:
                study = study or Study.of(
                    incidents,
                    as_of=as_of,
                    grid=grid,
                    study_area=study_area,
                    areas=areas,
                    register=register,
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
                    calm=calm,
                    listed_before=earlier.published,
                    choices={each: earlier.of_calm(each) for each in CHOICES if each != calm},
                )
            except RequestError as error:
                # A category too thin to forecast must not keep the others from the reader; the manifest says why.
                told = {"model": None, "verdict": f"no forecast: {error.problem}"}
                verdicts.append({"category": category, "horizon_days": horizon_days, **told})
                continue
            verdicts.append({**_tell_verdict(found, seed), "held_to": earlier.kind(found)})
            # Drawn once for both: no place of a calmer list seems surer to be among the busiest than a better one.
            chances = chances_of_top(
                found.expected,
                np.concatenate([found.listed, found.spared]),
                len(found.listed),
                dispersion=found.backtest.dispersion,
                seed=seed,
            )
            advised = [
                _advise(found, places, at, chance, study, times, areas, base_map, edition_id, actions or ActionTable())
                for places, at, chance in zip(
                    (found.cells, found.spare),
                    (found.listed, found.spared),
                    np.split(chances, [len(found.listed)]),
                    strict=True,
                )
            ]
            hotspots.append(advised[0])
            spares.append(SpareHotspots.cast(_named_apart(advised[1])))
            lists.append(_tell_lists(found, pl.concat(advised)))
            surfaces.append(_draw_surface(found, areas, as_of))
            scores.append(_tell_scores(found))
            if observe:
                observe(found, study)
    tables = {
        "hotspots": Hotspots.validate(pl.concat(hotspots), cast=True),
        "spare_hotspots": SpareHotspots.validate(pl.concat(spares), cast=True),
        "calm_lists": CalmLists.validate(pl.concat(lists), cast=True),
        "hotspot_surface": HotspotSurface.validate(pl.concat(surfaces), cast=True),
        "model_scores": ModelScores.validate(pl.concat(scores), cast=True),
    }
    return HotspotTables(dict(tables), verdicts)


@dataclass(frozen=True)
class EarlierLists:
    """Places of one category and period that the edition before listed.

    Attributes
    ----------
    published
        Those of the list it was published with; empty without one on the same grid.
    by_calm
        Those of its other lists.
    """

    published: list[str]
    by_calm: dict[float, list[str]]

    @classmethod
    def of(
        cls, previous: Mapping[str, pl.DataFrame] | None, category: str, horizon_days: int, grid: Grid
    ) -> EarlierLists:
        """Read the tables ``hotspots`` and ``calm_lists`` of an edition; both may be missing."""
        if previous is None:
            return cls([], {})
        same = (
            (pl.col("category") == category)
            & (pl.col("horizon_days") == horizon_days)
            & pl.col("place_id").str.starts_with(f"{grid.key}:")
        )
        lists = previous["calm_lists"].filter(same).sort("calm", "rank")
        return cls(
            previous["hotspots"].filter(same)["place_id"].to_list(),
            {calm: part["place_id"].to_list() for (calm,), part in lists.group_by("calm", maintain_order=True)},
        )

    def of_calm(self, calm: float) -> list[str]:
        """Return the list of the same calm, else the published one."""
        return self.by_calm.get(calm, self.published)

    def kind(self, found: HotspotForecast) -> str | None:
        """Return what the lists hold on to: ``edition``, ``past_forecast``, or None when there was neither."""
        return "edition" if self.published else "past_forecast" if found.choices else None


def _named_apart(spare: pl.DataFrame) -> pl.DataFrame:
    """Return spare places with ids of their own: their ranks are counted among all places, not within the list."""
    return spare.with_columns(pl.col("advice_id").str.replace(r":(\d+)$", ":R$1"))


def _tell_lists(found: HotspotForecast, advised: pl.DataFrame) -> pl.DataFrame:
    """Return every list of a forecast, the published one with it; nothing where it is the only one."""
    if not found.choices:
        return CalmLists.create_empty()
    published = found.cells.select("place_id", "was_listed")
    lists = {**found.choices, float(found.parameters["calm"]): (*published.to_dict(as_series=False).values(),)}
    rows = [
        {"calm": calm, "rank": rank, "place_id": place_id, "was_listed": was_listed}
        for calm, (places, listed) in sorted(lists.items())
        for rank, (place_id, was_listed) in enumerate(zip(places, listed, strict=True), start=1)
    ]
    where = advised.select("category", "horizon_days", "place_id", "station_code", "beat_code")
    told = pl.DataFrame(rows).join(where, on="place_id", how="left", maintain_order="left")
    return CalmLists.cast(told.select(CalmLists.column_names()))


def _tell_verdict(found: HotspotForecast, seed: int) -> dict[str, Any]:
    """Return what the manifest says of a forecast: the ranker, how past chances were kept, and what calm would cost."""
    k = len(found.listed)
    checked = check_chances(found.backtest, k, seed=seed)
    return {
        "category": str(found.parameters["category"]),
        "horizon_days": int(found.parameters["horizon_days"]),
        "model": found.backtest.chosen,
        "verdict": found.verdict,
        "listed": k,
        "top_promised": None if checked.promised is None else round(checked.promised, DECIMALS),
        "top_kept": None if checked.kept is None else round(checked.kept, DECIMALS),
        "calm": found.parameters["calm"],
        "calm_prices": [
            price.to_dict()
            for price in price_calm(
                found.backtest.told, found.backtest.observed, k, sorted({*CHOICES, found.parameters["calm"]})
            )
        ],
    }


def _advise(
    found: HotspotForecast,
    cells: pl.DataFrame,
    positions: Integers,
    chance: Floats,
    study: Study,
    times: TimesOfNeed,
    areas: pl.DataFrame | None,
    base_map: pl.DataFrame | None,
    edition_id: str,
    actions: ActionTable,
) -> pl.DataFrame:
    """Return cells of a forecast, at ``positions`` of its places, as rows of advice."""
    grid, as_of = study.grid, study.as_of
    category, horizon_days = str(found.parameters["category"]), int(found.parameters["horizon_days"])
    lon, lat = cells["lon"].to_numpy(), cells["lat"].to_numpy()
    weeks = times.at(lon, lat)
    without = rank_without_recent(study, category, found.backtest.ranker, horizon_days, found.expected, positions)
    suggested = [
        suggest_action(category, expected, reasons, actions, week.hour)
        for expected, reasons, week in zip(cells["expected"].to_list(), cells["reasons"].to_list(), weeks, strict=True)
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
        top_chance=pl.Series(np.round(chance, DECIMALS)),
        expected_without_recent=pl.Series(round_significant(without.expected)),
        rank_without_recent=pl.Series(without.rank, dtype=pl.Int32),
        action=pl.Series(suggested, dtype=pl.String),
        peak_weekday=pl.Series([week.weekday for week in weeks], dtype=pl.Int8),
        peak_hour=pl.Series([week.hour for week in weeks], dtype=pl.Int8),
        peak_share=pl.Series([week.block_share for week in weeks], dtype=pl.Float64),
        hours=pl.Series([week.shares for week in weeks], dtype=pl.List(pl.Float64)),
        hours_own_share=pl.Series([week.own_share for week in weeks], dtype=pl.Float64),
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
