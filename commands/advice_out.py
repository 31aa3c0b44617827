"""Commands that compute advice and write it out: publish, evaluate, staffing, visits, lookback."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.shell import (
    AreaOption,
    CategoryOption,
    CellOption,
    Day,
    ForceOption,
    JsonOption,
    OutputOption,
    SeedOption,
    StoreOption,
    app,
    now,
    operator,
    progress_bar,
    record,
    tell,
    writable,
)
from data.errors import RequestError

if TYPE_CHECKING:
    from analytics.edition import EditionDraft, EditionParameters

#: Most earlier editions that a new one is held against: a quarter of a year of weekly ones.
VERIFIED_EDITIONS = 13


@app.command()
def publish(
    store: StoreOption,
    as_of: Day,
    days: Annotated[list[int], typer.Option("--days", help="Forecast period; repeat for several.")],
    category: Annotated[list[str] | None, typer.Option(help="Category code; repeat for several.")] = None,
    cell_m: CellOption = 150.0,
    area_km2: AreaOption = 1.5,
    jurisdiction: ForceOption = None,
    seed: SeedOption = 0,
    calm: Annotated[
        float,
        typer.Option(
            "--calm",
            min=0,
            max=1,
            help="How calm the published list is; readers may choose another. 0 most accurate, 1 calmest: a "
            "place of the list before stays while it expects at least (1 - calm) of what its replacement does.",
        ),
    ] = 0.0,
    override_quality: Annotated[
        str | None, typer.Option("--override-quality", help="Reason to publish although the data break a threshold.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Compute an edition (hotspots, visits, staffing, trends) from the newest snapshot and publish it."""
    from data.editions import Edition
    from data.store import Store

    opened = Store.open(store)
    with progress_bar() as progress:
        edition_id = publish_edition(
            opened,
            as_of=as_of.date(),
            horizons_days=tuple(days),
            categories=tuple(category or ()),
            cell_m=cell_m,
            area_km2=area_km2,
            jurisdiction=jurisdiction,
            seed=seed,
            calm=calm,
            override_quality=override_quality,
            progress=progress,
        )
    lost = Edition(opened, edition_id).manifest.get("days_without_record", [])
    told = f"\nNext to no record of {len(lost)} days of the last eight weeks: {', '.join(lost)}" if lost else ""
    tell({"edition_id": edition_id, "days_without_record": lost}, as_json, f"Edition {edition_id}{told}")


def publish_edition(
    store: Any, *, progress: Callable[[int, int, str], None], override_quality: str | None = None, **asked: Any
) -> str:
    """Compute and write an edition; return its id. Data that break a blocking threshold are refused before the work."""
    from analytics.edition import EditionParameters
    from analytics.scope import choose_jurisdiction
    from data.editions import write_edition
    from data.quality.thresholds import judge_store, require_quality
    from data.seals import seal_of_edition
    from data.snapshots import current_snapshot

    progress(0, 1, "computing the edition")
    snapshot = current_snapshot(store)
    parameters = EditionParameters(**asked)
    force = choose_jurisdiction(snapshot, parameters.jurisdiction)
    earlier = editions_before(store, force.code, parameters.as_of)
    before = earlier[-1] if earlier else None
    past = [edition for edition in earlier[-VERIFIED_EDITIONS:] if edition.holds("hotspots")]
    parameters = replace(
        parameters,
        held_to=before and before.edition_id,
        verified=tuple(edition.edition_id for edition in past),
    )
    verdicts = judge_store(store, frozenset({force.code}))
    overridden = require_quality(verdicts, override=override_quality)
    quality = {
        "broken": [one.threshold for one in verdicts if one.status in ("blocked", "warned")],
        "overridden": [one.threshold for one in overridden],
        "overridden_words": [{"zh": one.zh, "en": one.en} for one in overridden],
        "override_reason": override_quality if overridden else None,
    }
    draft = make_draft(store, snapshot.snapshot_id, parameters)

    def announce(seal: str) -> None:
        ids = {"edition_id": draft.edition_id, "snapshot_id": snapshot.snapshot_id}
        told = {"quality": quality, "jurisdiction": force.code, **seal_of_edition(store, draft.edition_id, seal)}
        record(store, "publish", draft.edition_id, **ids, **told)

    written = {"created_at": now().isoformat(), "created_by": operator(), "quality": quality}
    write_edition(store, draft.edition_id, draft.tables, {**draft.manifest, **written}, announce)
    progress(1, 1, "computing the edition")
    return draft.edition_id


def make_draft(store: Any, snapshot_id: str, parameters: EditionParameters) -> EditionDraft:
    """Compute an edition from a snapshot and what it was asked for, the earlier editions it names included."""
    from analytics.edition import make_edition
    from analytics.hotspots.verification import PastEdition
    from data.editions import Edition
    from data.snapshots import Snapshot

    before = parameters.held_to and Edition(store, parameters.held_to)
    past = [Edition(store, edition_id) for edition_id in parameters.verified]
    return make_edition(
        Snapshot(store, snapshot_id),
        parameters,
        {name: before.read(name) for name in ("hotspots", "calm_lists")} if before else None,
        [PastEdition(edition.edition_id, day_of(edition), edition.read("hotspots")) for edition in past],
    )


def editions_before(store: Any, jurisdiction: str, as_of: date) -> list[Any]:
    """Return the editions of a force before a day, oldest first; of several for one day, the one made last."""
    from data.editions import Edition

    by_day: dict[date, Any] = {}
    for edition in (Edition(store, edition_id) for edition_id in store.edition_ids()):
        if edition.manifest["jurisdiction"]["code"] == jurisdiction and day_of(edition) < as_of:
            by_day[day_of(edition)] = edition
    return [by_day[day] for day in sorted(by_day)]


def day_of(edition: Any) -> date:
    """Return the first day of an edition's forecasts."""
    return date.fromisoformat(str(edition.manifest["parameters"]["as_of"]))


@app.command()
def evaluate(
    store: StoreOption,
    as_of: Day,
    days: Annotated[int, typer.Option("--days", help="Length of the forecast period, days.")],
    category: CategoryOption,
    cell_m: CellOption = 150.0,
    area_km2: AreaOption = 1.5,
    origins: Annotated[int, typer.Option(min=3, help="Past forecasts to score.")] = 12,
    output: Annotated[Path | None, typer.Option("--output", help="Markdown file to write.")] = None,
    include_discovered: Annotated[
        bool, typer.Option("--include-discovered", help="Count incidents the police found themselves as well.")
    ] = False,
    jurisdiction: ForceOption = None,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Back-test every ranker on past origins, beside plain counts and the oracle, as one document."""
    from analytics.cells import Grid
    from analytics.edition import EditionParameters
    from analytics.hotspots.groups import group_places
    from analytics.hotspots.report import evaluate_rankers
    from analytics.hotspots.study import Study
    from analytics.scope import choose_categories, choose_jurisdiction, known_incidents, read_register
    from data.files import write_atomically
    from data.snapshots import current_snapshot
    from data.store import Store

    if output is not None:
        writable(output)
    parameters = EditionParameters(
        as_of.date(), (days,), (category,), jurisdiction, cell_m=cell_m, area_km2=area_km2, seed=seed
    )
    opened = Store.open(store)
    snapshot = current_snapshot(opened)
    force = choose_jurisdiction(snapshot, jurisdiction, category=category)
    incidents = known_incidents(snapshot, force, parameters.as_of)
    choose_categories(incidents, parameters)
    asked: dict[str, Any] = {"as_of": as_of.date(), "days": days, "origins": origins, "jurisdiction": force.code}
    record(opened, "evaluate", category, snapshot_id=snapshot.snapshot_id, **asked)
    areas = snapshot.read("areas", force.code)
    study = Study.of(
        incidents,
        as_of=parameters.as_of,
        grid=Grid(force.analysis_crs, cell_m=cell_m),
        areas=areas,
        register=read_register(snapshot, force),
        include_discovered=include_discovered,
    )
    places = study.grid.centres(study.lattice.columns, study.lattice.rows)
    found = evaluate_rankers(
        study,
        category,
        horizon_days=days,
        area_km2=area_km2,
        origins=origins,
        interval_level=parameters.interval_level,
        seed=seed,
        groupings=group_places(*places, areas, snapshot.read("population", force.code), as_of=parameters.as_of),
    )
    document = found.to_markdown()
    if output is not None:
        write_atomically(output, document.encode("utf-8"))
    tell(
        {**found.to_dict(), "snapshot_id": snapshot.snapshot_id, "output": str(output) if output else None},
        as_json,
        f"back-test → {output}" if output else document,
    )


@app.command()
def staffing(
    store: StoreOption,
    edition: Annotated[str, typer.Option(help="Edition id.", show_default=False)],
    output: OutputOption,
    as_json: JsonOption = False,
) -> None:
    """Write the staffing table of an edition as CSV: one row per unit and shift."""
    from data.editions import Edition
    from data.store import Store

    opened = Edition(Store.open(store), edition)
    write_table(opened, "staffing", opened.read("staffing"), output, as_json)


@app.command()
def visits(
    store: StoreOption,
    edition: Annotated[str, typer.Option(help="Edition id.", show_default=False)],
    beat: Annotated[str, typer.Option(help="Beat code.", show_default=False)],
    output: OutputOption,
    as_json: JsonOption = False,
) -> None:
    """Write the visit plan of one beat as CSV, in the order the plan suggests."""
    import polars as pl

    from data.editions import Edition
    from data.store import Store

    opened = Edition(Store.open(store), edition)
    known = opened.scan("areas").filter(pl.col("level") == "beat").select("area_code").collect()["area_code"]
    planned = opened.read("visit_plan")
    if beat not in set(known) | set(planned["beat_code"]):
        shown = ", ".join(sorted(known)[:10]) or "none"
        raise RequestError(f"unknown beat {beat!r}.", where="--beat", remedy=f"Beats of the edition: {shown} …")
    write_table(
        opened, "visit_plan", planned.filter(pl.col("beat_code") == beat).sort("rank"), output, as_json, beat=beat
    )


@app.command()
def lookback(
    store: StoreOption,
    edition: Annotated[str, typer.Option(help="Edition id.", show_default=False)],
    output: Annotated[Path | None, typer.Option("--output", help="CSV file to write: areas included.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Tell what earlier editions had told and what then happened, beside the plain count of their day."""
    import polars as pl

    from data.editions import Edition
    from data.store import Store

    opened = Edition(Store.open(store), edition)
    lists = opened.read("past_lists").sort("period_start", "category", "horizon_days", descending=[True, False, False])
    if output is not None:
        write_table(opened, "past_lists", lists, output, as_json)
        return
    record(opened.store, "export", "past_lists", edition_id=edition, rows=lists.height)
    whole = lists.filter(pl.col("area_level").is_null())
    lines = [
        f"{row['period_start']} to {row['period_end']} (excluded)  {row['category']}: {row['places']} places, "
        f"expected {row['expected']:.1f}, happened {row['hits']:.0f} ({row['hits_low']:.0f} to {row['hits_high']:.0f}) "
        f"of {row['events']:.0f}, plain count {row['plain_hits']:.1f}"
        for row in whole.to_dicts()
    ]
    told = "\n".join(lines) or "No earlier edition is over and known whole."
    tell({"edition_id": edition, "lists": lists.to_dicts()}, as_json, told)


def write_table(edition: Any, table: str, frame: Any, output: Path, as_json: bool, **asked: Any) -> None:
    """Write a table of an edition as plain UTF-8 CSV and say so. The audit row, with what was asked, comes first."""
    from data.desk.reproduction import csv_of_command
    from data.files import sha256_of, write_atomically

    writable(output)
    content = csv_of_command(frame)
    told = {**asked, "rows": frame.height, "columns": frame.columns, "sha256": sha256_of(content)}
    record(edition.store, "export", table, edition_id=edition.edition_id, **told)
    write_atomically(output, content)
    tell({"output": str(output), "rows": frame.height}, as_json, f"{frame.height} rows → {output}")
