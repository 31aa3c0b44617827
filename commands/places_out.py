"""The command that ranks places and writes them out: cells, hexagons, areas or street segments."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.shell import (
    CategoryOption,
    CellOption,
    Day,
    ForceOption,
    JsonOption,
    OutputOption,
    SeedOption,
    StoreOption,
    app,
    progress_bar,
    record,
    tell,
    writable,
)
from data.errors import RequestError

if TYPE_CHECKING:
    from datetime import date

    import polars as pl

    from analytics.cells import Grid
    from analytics.edition import EditionParameters
    from analytics.hotspots.budget import Budget
    from analytics.hotspots.forecast import HotspotForecast
    from analytics.hotspots.sensitivity import GridScore
    from analytics.hotspots.units import UnitLattice
    from data.store import Store

#: Area covered when nothing else is asked for, km²: the middle of what a patrol can hold (0.25 to 0.75 sq mi).
AREA_KM2 = 0.65
#: H3 resolution when none is named: hexagons of about 0.015 km², the nearest to the default cell.
RESOLUTION = 10
#: What other programs read of a cell, and what is told of other units.
CONTRACT = ("rank", "expected", "low", "high", "baseline_rank")


@app.command()
def hotspots(
    store: StoreOption,
    as_of: Day,
    days: Annotated[int, typer.Option("--days", help="Length of the forecast period, days.")],
    category: CategoryOption,
    output: OutputOption,
    cell_m: CellOption = 76.2,
    area_km2: Annotated[
        float | None, typer.Option("--area-km2", help=f"Area to cover, km²; {AREA_KM2} when no budget is named.")
    ] = None,
    unit: Annotated[str, typer.Option("--unit", help="Places to rank: grid, h3, beat, community or segment.")] = "grid",
    offset_m: Annotated[str, typer.Option("--offset-m", help="Move the grid by X,Y metres.")] = "0,0",
    rotation_deg: Annotated[float, typer.Option("--rotation-deg", help="Turn the grid, anticlockwise.")] = 0.0,
    resolution: Annotated[
        int, typer.Option("--resolution", help="H3 resolution, 7 (5 km²) to 11 (0.2 ha).")
    ] = RESOLUTION,
    snap_m: Annotated[float, typer.Option("--snap-m", help="Farthest an incident may lie from its segment.")] = 50.0,
    length_km: Annotated[
        float | None, typer.Option("--length-km", help="Length of street to cover, km (segments).")
    ] = None,
    patrol_hours: Annotated[
        float | None,
        typer.Option("--patrol-hours", help="Hours per shift that patrols can spend in the places, ways not included."),
    ] = None,
    dwell_minutes: Annotated[
        float, typer.Option("--dwell-minutes", help="Length of one stop (Koper 1995: 15 minutes).")
    ] = 15.0,
    visits_per_shift: Annotated[
        float, typer.Option("--visits-per-shift", help="Stops at each place per shift: one every two hours.")
    ] = 4.0,
    calm: Annotated[
        float, typer.Option("--calm", min=0, max=1, help="Hold on to the places of an edition, as in publish.")
    ] = 0.0,
    held_to: Annotated[
        str | None, typer.Option("--held-to", help="Edition whose places are held on to; needs the same cells.")
    ] = None,
    sensitivity: Annotated[
        bool,
        typer.Option(
            "--sensitivity",
            help="Also try the ranker on grids moved, turned and resized, on past periods: how much hangs on the grid.",
        ),
    ] = False,
    jurisdiction: ForceOption = None,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Rank places for one category and write just enough of them to reach the budget, as GeoJSON (EPSG:4326).

    By default equal square cells until an area is reached. Hexagons, beats, communities and street segments differ in
    size and are ordered by what is expected per km² (per km of street); with --patrol-hours every place costs the same.
    """
    from analytics.cells import Grid
    from analytics.edition import EditionParameters, rank_places
    from analytics.hotspots.sensitivity import tell_sensitivity
    from analytics.scope import choose_categories, choose_jurisdiction, known_incidents, read_register
    from data.exports import make_export
    from data.files import write_atomically
    from data.snapshots import current_snapshot
    from data.store import Store

    writable(output)
    if sensitivity and (unit != "grid" or length_km or patrol_hours):
        raise RequestError("grids are compared by area.", where="--sensitivity", remedy="Use cells and --area-km2.")
    covered = AREA_KM2 if area_km2 is None else area_km2
    parameters = EditionParameters(
        as_of.date(), (days,), (category,), jurisdiction, cell_m=cell_m, area_km2=covered, seed=seed, calm=calm
    )
    budget = budget_of(area_km2, length_km, patrol_hours, dwell_minutes, visits_per_shift)
    opened = Store.open(store)
    snapshot = current_snapshot(opened)
    force = choose_jurisdiction(snapshot, jurisdiction, category=category)
    incidents = known_incidents(snapshot, force, parameters.as_of)
    choose_categories(incidents, parameters)
    grid = Grid(force.analysis_crs, cell_m=cell_m).shifted(*pair_of(offset_m), rotation_deg)
    areas = snapshot.read("areas", force.code)
    base_map = snapshot.read("base_map", force.code)
    units = units_of(unit, areas, base_map, incidents, grid, parameters.as_of, resolution=resolution, snap_m=snap_m)
    before = places_before(opened, held_to, parameters, grid) if calm else []
    with progress_bar() as progress:
        progress(0, 1, f"ranking places for {category}")
        forecast = rank_places(
            incidents,
            areas,
            force,
            parameters,
            register=read_register(snapshot, force),
            grid=grid,
            units=units,
            budget=budget,
            listed_before=before,
        )
        progress(1, 1, f"ranking places for {category}")
        tried = try_other_grids(incidents, areas, grid, parameters, forecast, progress) if sensitivity else []
    places = forecast.cells.select(*CONTRACT, "ring") if units is None else told_of_units(forecast.cells, unit)
    export = make_export(output.stem, places, "geojson")
    # All that is needed to make the same list again, and the digest to compare it with.
    told: dict[str, Any] = {
        "category": category,
        "as_of": as_of.date(),
        "days": days,
        "jurisdiction": force.code,
        "cell_m": cell_m,
        "area_km2": area_km2,
        "unit": unit,
        "offset_m": offset_m,
        "rotation_deg": rotation_deg,
        "resolution": resolution,
        "snap_m": snap_m,
        "length_km": length_km,
        "patrol_hours": patrol_hours,
        "dwell_minutes": dwell_minutes,
        "visits_per_shift": visits_per_shift,
        "calm": calm,
        "held_to": held_to,
        "seed": seed,
        "rows": places.height,
        "sha256": export.sha256,
    }
    record(opened, "export", "hotspots", snapshot_id=snapshot.snapshot_id, **told)
    write_atomically(output, export.content)
    result: dict[str, Any] = {
        "output": str(output),
        "cells": places.height,
        "unit": unit,
        "snapshot_id": snapshot.snapshot_id,
    }
    if tried:
        result["sensitivity"] = [score.to_dict() for score in tried]
    text = f"{places.height} {'cells' if units is None else 'places'} → {output}"
    tell({**result, "verdict": forecast.verdict}, as_json, f"{text}\n\n{tell_sensitivity(tried)}" if tried else text)


def places_before(store: Store, edition_id: str | None, parameters: EditionParameters, grid: Grid) -> list[str]:
    """Return the places an earlier edition lists, if they are cells of the same grid."""
    import polars as pl

    from data.editions import Edition

    if edition_id is None:
        raise RequestError("calm needs an edition to hold on to.", where="--calm", remedy="Name it with --held-to.")
    edition = Edition(store, edition_id)
    if str(edition.manifest["parameters"]["as_of"]) >= parameters.as_of.isoformat():
        raise RequestError(f"edition {edition_id} is not from before {parameters.as_of}.", where="--held-to")
    (category,), (horizon_days,) = parameters.categories, parameters.horizons_days
    same = (pl.col("category") == category) & (pl.col("horizon_days") == horizon_days)
    listed: list[str] = edition.scan("hotspots").filter(same).collect()["place_id"].to_list()
    if not any(place.startswith(f"{grid.key}:") for place in listed):
        raise RequestError(
            f"edition {edition_id} lists no cell of this grid for {category}, {horizon_days} days.",
            where="--held-to",
            remedy="Use its cell size, category and period.",
        )
    return listed


def try_other_grids(
    incidents: pl.DataFrame,
    areas: pl.DataFrame,
    grid: Grid,
    parameters: EditionParameters,
    forecast: HotspotForecast,
    progress: Callable[[int, int, str], None],
) -> list[GridScore]:
    """Return how the forecast's ranker does on other grids, on past periods."""
    from analytics.hotspots.sensitivity import change_grids, try_grids

    label = "trying other grids"
    return try_grids(
        incidents,
        change_grids(grid),
        as_of=parameters.as_of,
        horizon_days=parameters.horizons_days[0],
        category=parameters.categories[0],
        area_km2=parameters.area_km2,
        ranker=forecast.backtest.chosen,
        areas=areas,
        seed=parameters.seed,
        progress=lambda done, total: progress(done, total, label),
    )


def budget_of(
    area_km2: float | None,
    length_km: float | None,
    patrol_hours: float | None,
    dwell_minutes: float,
    visits_per_shift: float,
) -> Budget | None:
    """Return the one budget that was named, None when none was."""
    from analytics.hotspots.budget import Budget, places_for_patrol

    named = {"--area-km2": area_km2, "--length-km": length_km, "--patrol-hours": patrol_hours}
    given = [name for name, value in named.items() if value is not None]
    if len(given) > 1:
        raise RequestError("a list has one budget.", where=", ".join(given), remedy="Name one of them.")
    if patrol_hours is not None:
        places = places_for_patrol(patrol_hours, dwell_minutes=dwell_minutes, visits_per_shift=visits_per_shift)
        return Budget(places=places)
    return Budget(area_km2=area_km2, length_km=length_km) if given else None


def units_of(
    unit: str,
    areas: pl.DataFrame,
    base_map: pl.DataFrame,
    incidents: pl.DataFrame,
    grid: Grid,
    as_of: date,
    *,
    resolution: int,
    snap_m: float,
) -> UnitLattice | None:
    """Return the places of a kind, None for the grid."""
    import polars as pl

    from analytics.cells import merge_polygons
    from analytics.hotspots.history import LOCATED
    from analytics.hotspots.places import outline_of
    from analytics.hotspots.units import UNITS, cut_hexagons, cut_segments, take_areas

    if unit not in UNITS:
        raise RequestError(f"there is no unit {unit!r}.", where="--unit", remedy=f"Units: {', '.join(UNITS)}.")
    if unit == "grid":
        return None
    if unit == "segment":
        return cut_segments(grid, base_map, snap_m=snap_m)
    if unit == "h3":
        outline = outline_of(areas, as_of)
        if outline is not None:
            return cut_hexagons(grid, resolution, merge_polygons(outline))
        located = incidents.filter(
            pl.col("lon").is_not_null() & pl.col("lat").is_not_null() & pl.col("location_level").is_in(LOCATED)
        )
        return cut_hexagons(grid, resolution, around=(located["lon"].to_numpy(), located["lat"].to_numpy()))
    return take_areas(grid, areas, unit, as_of)


def told_of_units(places: pl.DataFrame, unit: str) -> pl.DataFrame:
    """Return what is written of places that are not cells: the contract, their id, name and size."""
    import polars as pl

    size = (pl.col("size") * 1e3).alias("length_m") if unit == "segment" else pl.col("size").alias("area_km2")
    return places.select(*CONTRACT, "place_id", pl.lit(unit).alias("unit"), "name", size, "geometry")


def pair_of(text: str) -> tuple[float, float]:
    """Return X,Y as two numbers."""
    try:
        x, y = (float(part) for part in text.split(","))
    except ValueError:
        raise RequestError(
            "this is not X,Y in metres.", where="--offset-m", remedy="For example --offset-m 75,0"
        ) from None
    return x, y
