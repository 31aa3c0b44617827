"""THE SPINE: from a snapshot to an edition, top to bottom.

Everything the models say is made here, in the order a reader would ask: where will it happen, what must be visited,
how many officers does that take, and what has the past looked like. Each step is one call to the room that knows.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl

from analytics.scope import choose_categories, choose_jurisdiction, known_before, known_incidents, read_register
from data.actions import load_actions
from data.editions import edition_id_of
from data.errors import RequestError
from data.quality.gaps import missing_days
from data.snapshots import Jurisdiction, Snapshot
from data.version import code_version

if TYPE_CHECKING:
    from analytics.cells import Grid
    from analytics.hotspots.budget import Budget
    from analytics.hotspots.forecast import HotspotForecast
    from analytics.hotspots.residents import Register
    from analytics.hotspots.study import Study
    from analytics.hotspots.units import UnitLattice
    from analytics.hotspots.verification import PastEdition


@dataclass(frozen=True)
class EditionParameters:
    """What an edition was asked for. Together with snapshot and code it decides every byte of the result.

    Attributes
    ----------
    as_of
        Local day. The edition uses nothing that happened or was known on or after it; its periods start on it.
    horizons_days
        Lengths of the forecast periods, days; the longest is also the period of the staffing table.
    categories
        First-level category codes to forecast; empty = the most frequent ones.
    jurisdiction
        Code of the police force; None when the snapshot holds only one.
    cell_m, area_km2
        Side of a cell, metres, and how much area the list of places may cover.
    interval_level
        Nominal coverage of all intervals.
    visit_weeks
        Weeks of visit workload to forecast.
    backtest_origins
        Past origins on which models are compared.
    seed
        Of every random draw.
    include_discovered
        Whether hotspots are made from incidents the police found themselves as well; they say where officers looked.
    calm, held_to
        How far the published lists of hotspots hold on to the places of the edition before, 0 (most accurate) to 1
        (calmest), see ``analytics.hotspots.calm``, and the id of that edition; None when there is none.
    verified
        Ids of earlier editions, oldest first, whose lists are held against what then happened
        (``analytics.hotspots.verification``).
    """

    as_of: date
    horizons_days: tuple[int, ...] = (7, 28)
    categories: tuple[str, ...] = ()
    jurisdiction: str | None = None
    cell_m: float = 150.0
    area_km2: float = 1.5
    interval_level: float = 0.8
    visit_weeks: int = 4
    backtest_origins: int = 6
    seed: int = 0
    include_discovered: bool = False
    calm: float = 0.0
    held_to: str | None = None
    verified: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        # Named twice is asked for once: rows of advice are known by category, period and rank.
        for name in ("horizons_days", "categories"):
            object.__setattr__(self, name, tuple(dict.fromkeys(getattr(self, name))))
        if not self.horizons_days or min(self.horizons_days) < 1 or max(self.horizons_days) > 366:
            raise RequestError("a forecast period must be 1 to 366 days.", where="--days")
        if not 10 <= self.cell_m <= 5_000:
            raise RequestError(f"a cell must be 10 to 5,000 m wide; got {self.cell_m}.", where="--cell-m")
        if not self.area_km2 > 0:
            raise RequestError(f"the area must be greater than 0; got {self.area_km2}.", where="--area-km2")
        if self.seed < 0:
            raise RequestError(f"a seed is 0 or greater; got {self.seed}.", where="--seed")
        if not 0 <= self.calm <= 1:
            raise RequestError(f"calm is a number from 0 to 1; got {self.calm}.", where="--calm")


@dataclass(frozen=True)
class EditionDraft:
    """An edition before it is written: id, tables by name (``data.schemas.EDITION``) and manifest."""

    edition_id: str
    tables: dict[str, pl.DataFrame]
    manifest: dict[str, Any] = field(default_factory=dict)


def make_edition(
    snapshot: Snapshot,
    parameters: EditionParameters,
    held_to: Mapping[str, pl.DataFrame] | None = None,
    past: Sequence[PastEdition] = (),
) -> EditionDraft:
    """Compute everything an edition holds.

    Parameters
    ----------
    snapshot
        Read, never changed.
    parameters
        What is asked for.
    held_to
        Tables ``hotspots`` and ``calm_lists`` of the edition that ``parameters.held_to`` names.
    past
        The editions that ``parameters.verified`` names.

    Returns
    -------
    EditionDraft
        Tables that a source cannot support (no register, no officer times) are empty or marked ``assumed``; they are
        never filled with invented rows.

    Raises
    ------
    RequestError
        If the jurisdiction or a category is unknown, or nothing is known before ``as_of``.
    """
    from analytics.cells import Grid
    from analytics.feedback.simulation import simulate_edition
    from analytics.hotspots.area_ranks import AreaRanks
    from analytics.hotspots.inspection import Inspection
    from analytics.hotspots.reach import Reach
    from analytics.hotspots.sensitivity import grid_sensitivity
    from analytics.hotspots.tables import hotspot_tables
    from analytics.hotspots.unit_ranks import rank_units
    from analytics.hotspots.verification import Verification
    from analytics.staffing.requirement import staffing_tables
    from analytics.trends.months import counted_whole_until, months_without_record
    from analytics.trends.series import daily_counts, funnel, hour_coverage, hourly_profile
    from analytics.visits.workload import forecast_visits

    force = choose_jurisdiction(snapshot, parameters.jurisdiction)
    incidents = known_incidents(snapshot, force, parameters.as_of)
    categories = choose_categories(incidents, parameters)
    areas, base_map = snapshot.read("areas", force.code), snapshot.read("base_map", force.code)
    edition_id = edition_id_of(snapshot.snapshot_id, asdict(parameters), code_version())
    grid = Grid(force.analysis_crs, cell_m=parameters.cell_m)
    register = read_register(snapshot, force)
    inspection = Inspection(incidents, areas, register.population, seed=parameters.seed)
    area_ranks = AreaRanks(areas, interval_level=parameters.interval_level)
    reach = Reach(areas)
    verification = Verification(areas, past)
    # What every ranking of places is asked alike.
    asked: dict[str, Any] = {
        "as_of": parameters.as_of,
        "grid": grid,
        "area_km2": parameters.area_km2,
        "seed": parameters.seed,
        "include_discovered": parameters.include_discovered,
    }
    longest = max(parameters.horizons_days)

    def look_at(found: HotspotForecast, study: Study) -> None:
        inspection.look_at(found, study)
        area_ranks.look_at(found, study)
        reach.look_at(found, study)
        verification.look_at(found, study)

    hotspots = hotspot_tables(
        incidents,
        areas,
        base_map,
        horizons=parameters.horizons_days,
        categories=categories,
        interval_level=parameters.interval_level,
        backtest_origins=parameters.backtest_origins,
        register=register,
        actions=load_actions(),
        edition_id=edition_id,
        timezone=force.timezone,
        calm=parameters.calm,
        previous=held_to,
        observe=look_at,
        **asked,
    )
    tested = hotspots.tables["model_scores"].filter(horizon_days=longest)["category"].unique()
    sensitivity = grid_sensitivity(
        incidents,
        areas,
        horizon_days=longest,
        categories=[category for category in categories if category in tested],
        origins=parameters.backtest_origins,
        **asked,
    )
    listed = hotspots.tables["hotspots"].filter(horizon_days=longest)["category"].unique()
    unit_ranks = rank_units(
        incidents,
        areas,
        base_map,
        horizon_days=longest,
        categories=[category for category in categories if category in listed],
        interval_level=parameters.interval_level,
        origins=parameters.backtest_origins,
        register=register,
        **asked,
    )
    visits = forecast_visits(
        snapshot.read("visit_register", force.code),
        snapshot.read("visits", force.code),
        incidents,
        areas=areas,
        as_of=parameters.as_of,
        weeks=parameters.visit_weeks,
        timezone=force.timezone,
        interval_level=parameters.interval_level,
        seed=parameters.seed,
        edition_id=edition_id,
    )
    staffing = staffing_tables(
        incidents,
        snapshot.read("shifts", force.code),
        visits.workload,
        as_of=parameters.as_of,
        horizon_days=longest,
        timezone=force.timezone,
        seed=parameters.seed,
        edition_id=edition_id,
    )
    counts = daily_counts(incidents, as_of=parameters.as_of)
    tables = {
        **hotspots.tables,
        "area_hotspots": area_ranks.table(),
        "unit_hotspots": unit_ranks.table,
        "patrol_reach": reach.table(),
        **inspection.tables(),
        **verification.tables(),
        "grid_sensitivity": sensitivity,
        "feedback": simulate_edition(
            hotspots.tables["hotspots"],
            hotspots.tables["hotspot_surface"],
            horizon_days=longest,
            seed=parameters.seed,
        ),
        "visit_workload": visits.workload,
        "visit_plan": visits.plan,
        "visit_scores": visits.scores,
        "staffing": staffing.staffing,
        "staffing_loads": staffing.loads,
        "daily_counts": counts,
        "hourly_profile": hourly_profile(incidents, as_of=parameters.as_of, timezone=force.timezone),
        "funnel": funnel(snapshot.read("calls", force.code).filter(known_before(parameters.as_of)), incidents),
        "areas": areas,
        "base_map": base_map,
    }
    manifest = {
        "snapshot_id": snapshot.snapshot_id,
        "parameters": asdict(parameters),
        "code_version": code_version(),
        "jurisdiction": asdict(force),
        "demo": snapshot.is_demo,
        "categories": categories,
        "category_names": snapshot.category_names(force.code),
        "verdicts": hotspots.verdicts,
        "area_verdicts": area_ranks.verdicts,
        "unit_verdicts": unit_ranks.verdicts,
        "months_without_record": [str(month) for month in months_without_record(counts, as_of=parameters.as_of)],
        "counted_whole_until": str(counted_whole_until(incidents, as_of=parameters.as_of)),
        "days_without_record": [str(day) for day in missing_days(incidents.lazy(), until=parameters.as_of)],
        "hour_coverage": hour_coverage(incidents, timezone=force.timezone, as_of=parameters.as_of),
        "last_known_on": str(incidents["occurred_on"].max()),
        "sources": sorted({load["source"] for load in snapshot.loads}),
        "legal_basis": sorted({load["legal_basis"] for load in snapshot.loads}),
        "purpose": sorted({load["purpose"] for load in snapshot.loads}),
    }
    return EditionDraft(edition_id, {name: at_stored_precision(frame) for name, frame in tables.items()}, manifest)


def rank_places(
    incidents: pl.DataFrame,
    areas: pl.DataFrame,
    force: Jurisdiction,
    parameters: EditionParameters,
    *,
    register: Register | None = None,
    study: Study | None = None,
    grid: Grid | None = None,
    units: UnitLattice | None = None,
    budget: Budget | None = None,
    listed_before: Collection[str] = (),
) -> HotspotForecast:
    """Rank the places of one category for one period: what ``beatwise hotspots`` writes and the scorecard scores.

    Parameters
    ----------
    incidents
        Those known before ``parameters.as_of`` (:func:`known_incidents`).
    parameters
        With exactly one category and one period.
    register
        What the population platform knows of places (:func:`read_register`).
    study
        Cells and incidents shared by several calls of one day and grid; saves reading them again.
    grid, units, budget
        Another grid than the unshifted one of ``parameters.cell_m``, other places than its cells
        (``analytics.hotspots.units``), another budget than ``parameters.area_km2``.
    listed_before
        Ids of the places that ``parameters.calm`` holds on to.
    """
    from analytics.cells import Grid
    from analytics.hotspots.forecast import forecast_hotspots
    from analytics.hotspots.study import Study

    (category,), (horizon_days,) = parameters.categories, parameters.horizons_days
    grid = grid or Grid(force.analysis_crs, cell_m=parameters.cell_m)
    if units is not None or study is None:
        study = Study.of(incidents, as_of=parameters.as_of, grid=grid, areas=areas, units=units, register=register)
    return forecast_hotspots(
        incidents,
        as_of=parameters.as_of,
        horizon_days=horizon_days,
        category=category,
        grid=grid,
        area_km2=parameters.area_km2,
        budget=budget,
        listed_before=listed_before,
        calm=parameters.calm,
        areas=areas,
        interval_level=parameters.interval_level,
        seed=parameters.seed,
        study=study,
    )


#: Significant digits of a stored number. Sums made by several threads differ in the 15th or 16th digit.
STORED_DIGITS = 10


def at_stored_precision(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the frame with every decimal number rounded, so that the same inputs give the same bytes."""
    return frame.with_columns(pl.col(pl.Float64).round_sig_figs(STORED_DIGITS))
