"""Command that shows what a ranking does to itself: simulate."""

from __future__ import annotations

import math
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.shell import AreaOption, JsonOption, SeedOption, StoreOption, app, record, tell, writable
from data.errors import RequestError

if TYPE_CHECKING:
    import polars as pl


@app.command()
def simulate(
    store: StoreOption,
    category: Annotated[
        str | None, typer.Option(help="Category code; default: the most frequent of the newest edition.")
    ] = None,
    area_km2: AreaOption = 1.5,
    periods: Annotated[int, typer.Option(min=1, max=500, help="Periods of 28 days.")] = 36,
    runs: Annotated[int, typer.Option(min=2, max=1000, help="Independent runs.")] = 20,
    reported_share: Annotated[
        float, typer.Option("--reported-share", help="Share of incidents residents report, 0 to 1.")
    ] = 0.3,
    uneven_reporting: Annotated[
        float, typer.Option("--uneven-reporting", help="Factor on the reported share of the largest area, 0 to 1.")
    ] = 1.0,
    found_per_visit: Annotated[
        float, typer.Option("--found-per-visit", help="Share of the unreported that one visit finds, 0 to 1.")
    ] = 0.5,
    cap: Annotated[float, typer.Option(help="Largest change of an area's share of visits per period.")] = 0.02,
    output: Annotated[Path | None, typer.Option("--output", help="Markdown file to write.")] = None,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Simulate what happens when a ranking learns from what its own visits find: two districts, then the whole city."""
    from analytics.feedback.patrols import PatrolPlan
    from analytics.feedback.simulation import simulate_city, simulate_urns, write_document
    from data.editions import newest_edition
    from data.files import write_atomically
    from data.store import Store

    if output is not None:
        writable(output)
    if not (math.isfinite(area_km2) and area_km2 > 0):
        raise RequestError(f"the area must be greater than 0; got {area_km2}.", where="--area-km2")
    opened = Store.open(store)
    edition = newest_edition(opened)
    known = sorted(edition.read("hotspots")["category"].unique())
    wanted = category or next(iter(edition.manifest["categories"]), "")
    if wanted not in known:
        raise RequestError(
            f"the newest edition ranks no places for {wanted!r}.",
            where="--category",
            remedy=f"Categories: {', '.join(known) or 'none'}.",
        )
    places, cell_km2, truth = _true_places(opened, edition, wanted)
    listed = max(1, min(round(area_km2 / cell_km2), places.height - 1))
    codes = places["code"].to_list()
    plan = PatrolPlan(
        listed,
        periods=periods,
        runs=runs,
        reported_share=reported_share,
        uneven_reporting=uneven_reporting,
        found_per_visit=found_per_visit,
        cap=cap,
    )
    record(opened, "simulate", "feedback", edition_id=edition.edition_id, category=wanted, seed=seed)
    city = simulate_city(wanted, places["expected"].to_numpy(), codes, plan, seed=seed)
    urns = simulate_urns(seed=seed)
    document = write_document(city, urns, truth=truth)
    if output is not None:
        write_atomically(output, document.encode("utf-8"))
    result = {"truth": truth, "urns": urns, "city": city.to_dict(), "output": str(output) if output else None}
    tell(result, as_json, f"simulation → {output}" if output else document)


def _true_places(store: Any, edition: Any, category: str) -> tuple[pl.DataFrame, float, str]:
    """Return code and expected incidents per place and period, the area of a place, and where that truth comes from."""
    from datetime import date

    import polars as pl

    from analytics.cells import Grid
    from analytics.feedback.simulation import OTHERS, name_groups
    from analytics.hotspots.places import name_areas
    from data.demo.build import TRUTH
    from data.demo.truth import read_truth

    as_of = date.fromisoformat(str(edition.manifest["parameters"]["as_of"]))
    path = store.root / TRUTH / "truth.parquet"
    if path.is_file() and edition.manifest["demo"]:
        found = read_truth(path).expected(category, as_of, as_of + timedelta(days=28))
        grid = Grid(edition.manifest["jurisdiction"]["analysis_crs"], cell_m=100.0)
        lon, lat = grid.unproject(found["easting_m"].to_numpy(), found["northing_m"].to_numpy())
        codes = name_areas(lon, lat, edition.read("areas"), as_of)["station_code"].fill_null(OTHERS)
        return found.select(code=codes, expected="expected"), grid.cell_km2, "the surface the demo city was drawn from"
    own = edition.read("hotspot_surface").filter(pl.col("category") == category)
    days = int(own["horizon_days"].max())
    cells = own.filter(pl.col("horizon_days") == days, pl.col("expected") > 0).sort("place_id")
    side = float(edition.read("hotspots")["cell_m"][0])
    told = f"the risk surface of edition {edition.edition_id}, {days} days, taken as if it were true"
    return (
        pl.DataFrame({"code": name_groups(cells), "expected": cells["expected"]}),
        side**2 / 1e6,
        told,
    )
