"""Command that scores the product by the rules of a public contest: scorecard nij."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.shell import ForceOption, JsonOption, SeedOption, StoreOption, app, progress_bar, record, tell, writable
from data.errors import RequestError

if TYPE_CHECKING:
    from analytics.hotspots.forecast import HotspotForecast
    from analytics.scorecard import Entry

scorecard_app = typer.Typer(help="Scores by the rules of public contests.", no_args_is_help=True)
app.add_typer(scorecard_app, name="scorecard")


@scorecard_app.command("nij")
def score_challenge(
    store: StoreOption,
    origins: Annotated[
        list[datetime],
        typer.Option(
            "--from",
            formats=["%Y-%m-%d"],
            help="First day of the windows; repeat for several. Forecasts use nothing on or after it.",
            show_default=False,
        ),
    ],
    category: Annotated[
        list[str] | None,
        typer.Option(
            help="Category code, ALL, or TARGETS (the three of the challenge together); repeat. "
            "Default: those of the challenge the store holds.",
            show_default=False,
        ),
    ] = None,
    window: Annotated[
        list[str] | None,
        typer.Option(help="1w, 2w, 1m, 2m, 3m or every; repeat. Default: 1w and 1m.", show_default=False),
    ] = None,
    area_sq_mi: Annotated[
        list[float] | None,
        typer.Option(
            "--area-sq-mi", help="Forecast area, 0.25 to 0.75; repeat. Default: both ends.", show_default=False
        ),
    ] = None,
    cell_ft: Annotated[float, typer.Option("--cell-ft", help="Side of a cell, feet (250 to 600).")] = 250.0,
    boundary: Annotated[
        Path | None,
        typer.Option(help="Polygons of the study area; default: the area of the challenge, 4,117,743,415 sq ft."),
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", help="Markdown file to write.")] = None,
    jurisdiction: ForceOption = None,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Score the hotspots by the rules of the 2017 NIJ challenge, on the months the store holds."""
    from analytics.scope import choose_jurisdiction
    from analytics.scorecard import SQ_FT_PER_KM2, WINDOWS, end_of_window, require_rules, write_document
    from data.files import write_atomically
    from data.snapshots import current_snapshot
    from data.store import Store
    from data.version import code_version

    if output is not None:
        writable(output)
    cell_m = cell_ft * 0.3048
    require_rules(cell_m**2 / 1e6 * SQ_FT_PER_KM2)
    windows = list(WINDOWS) if "every" in (window or []) else list(dict.fromkeys(window or ["1w", "1m"]))
    days = sorted({origin.date() for origin in origins})
    for day in days:
        for name in windows:
            end_of_window(day, name)
    polygons = read_boundary(boundary) if boundary is not None else None
    opened = Store.open(store)
    snapshot = current_snapshot(opened)
    force = choose_jurisdiction(snapshot, jurisdiction, category=(category or [None])[0])
    about: dict[str, Any] = {"origins": days, "windows": windows, "jurisdiction": force.code}
    record(opened, "evaluate", "scorecard nij", snapshot_id=snapshot.snapshot_id, **about)
    asked = {"cell_m": cell_m, "areas_sq_mi": tuple(area_sq_mi or (0.25, 0.75)), "seed": seed, "polygons": polygons}
    entries: list[Entry] = []
    left_out: list[str] = []
    with progress_bar() as progress:
        for day in days:
            found, reasons = score_origin(snapshot, force, day, windows, category, progress=progress, **asked)
            entries += found
            left_out += [reason for reason in reasons if reason not in left_out]
    document = write_document(
        entries, left_out, cell_sq_ft=cell_m**2 / 1e6 * SQ_FT_PER_KM2, code_version=code_version()
    )
    if output is not None:
        write_atomically(output, document.encode("utf-8"))
    result = {
        "entries": [entry.to_dict() for entry in entries],
        "left_out": left_out,
        "snapshot_id": snapshot.snapshot_id,
        "code_version": code_version(),
        "output": str(output) if output else None,
    }
    tell(result, as_json, f"{len(entries)} scores → {output}" if output else document)


def score_origin(
    snapshot: Any,
    force: Any,
    origin: date,
    windows: Sequence[str],
    wanted: Sequence[str] | None,
    *,
    cell_m: float,
    areas_sq_mi: Sequence[float],
    seed: int,
    polygons: Any,
    progress: Callable[[int, int, str], None],
    see: Callable[[HotspotForecast], None] | None = None,
) -> tuple[list[Entry], list[str]]:
    """Forecast from what was known before the origin, then read what happened and score it; ``see`` is shown each."""
    import polars as pl

    from analytics.cells import Grid
    from analytics.edition import EditionParameters, rank_places
    from analytics.hotspots.history import day_number
    from analytics.hotspots.study import Study
    from analytics.scope import known_incidents, read_register
    from analytics.scorecard import (
        MAP_SQ_FT,
        SQ_FT_PER_KM2,
        categories_to_score,
        cells_within,
        end_of_window,
        of_category,
        require_months,
        score_entry,
    )

    rows = snapshot.scan("incidents").filter(pl.col("jurisdiction") == force.code, pl.col("valid"))
    held = rows.select("category", "source", "occurred_on").collect()
    categories, left_out = (list(wanted), []) if wanted else categories_to_score(held, origin)
    if not categories:
        raise RequestError(
            "the store holds none of the challenge's categories long enough before this day.",
            where=f"--from {origin}",
            remedy="Name categories of the store with --category.",
        )
    for category in categories:
        require_months(held, origin, max(end_of_window(origin, window) for window in windows), category)
    areas, register = snapshot.read("areas", force.code), read_register(snapshot, force)
    known = known_incidents(snapshot, force, origin)
    grid = Grid(force.analysis_crs, cell_m=cell_m)
    entries: list[Entry] = []
    done, all_of_it = 0, len(categories) * len(windows) * len(areas_sq_mi)
    for category in categories:
        seen = of_category(known, category)
        study = Study.of(seen, as_of=origin, grid=grid, areas=areas, study_area=polygons, register=register)
        map_sq_ft = study.total_km2 * SQ_FT_PER_KM2 if polygons is not None else MAP_SQ_FT
        for window in windows:
            end = end_of_window(origin, window)
            then = of_category(
                rows.filter(pl.col("occurred_on") >= origin, pl.col("occurred_on") < end, pl.col("lon").is_not_null())
                .select("category", "lon", "lat", "weight")
                .collect(),
                category,
            ).filter(pl.col("category") == category)
            for sq_mi in areas_sq_mi:
                progress(done, all_of_it, f"scoring {origin}")
                parameters = EditionParameters(
                    origin,
                    ((end - origin).days,),
                    (category,),
                    force.code,
                    cell_m=cell_m,
                    area_km2=cells_within(sq_mi, grid) * grid.cell_km2,
                    seed=seed,
                )
                forecast = rank_places(seen, areas, force, parameters, study=study)
                if see:
                    see(forecast)
                baseline = (
                    study.panel(category).period(day_number(origin), (end - origin).days, observed=False).baseline
                )
                entries.append(
                    score_entry(
                        forecast.cells,
                        then,
                        baseline,
                        study.lattice,
                        origin=origin,
                        end=end,
                        category=category,
                        window=window,
                        chosen=forecast.backtest.chosen,
                        map_sq_ft=map_sq_ft,
                    )
                )
                done += 1
                progress(done, all_of_it, f"scoring {origin}")
    return entries, left_out


def read_boundary(path: Path) -> list[Any]:
    """Return the polygons of a file in EPSG:4326."""
    import geopandas

    if not path.is_file():
        raise RequestError("there is no such file.", where=f"--boundary {path}")
    try:
        frame = geopandas.read_file(path)
    except (OSError, ValueError, RuntimeError) as error:
        raise RequestError("this file holds no polygons.", where=f"--boundary {path}") from error
    if frame.crs is None or frame.empty:
        raise RequestError("the polygons do not say their reference system.", where=f"--boundary {path}")
    return list(frame.to_crs("EPSG:4326").geometry)
