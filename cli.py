"""The door for machines: every command of ``beatwise``. Thin: each command is one call into ``data`` or ``analytics``.

Exit codes: 0 success, 2 bad use or bad input with one message on stderr. Output files appear whole or not at all.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from data.errors import BeatwiseError, RequestError, StoreError

app = typer.Typer(
    name="beatwise",
    help="beatwise · 社区警务参谋. Places, workload and staffing from incident and population data.\n\n"
    "Typical first run:  beatwise demo --store CITY  then  beatwise serve --store CITY",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
source_app = typer.Typer(help="Upstream systems: which mappings exist and how well a file fits.", no_args_is_help=True)
viewer_app = typer.Typer(help="People who may sign in: grant, revoke, list.", no_args_is_help=True)
app.add_typer(source_app, name="source")
app.add_typer(viewer_app, name="viewer")

StoreOption = Annotated[Path, typer.Option("--store", help="Folder of the store.", show_default=False)]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as one JSON object on stdout.")]
Day = Annotated[datetime, typer.Option("--as-of", formats=["%Y-%m-%d"], help="Nothing on or after this day is used.")]
OutputOption = Annotated[Path, typer.Option("--output", help="File to write; an existing one is replaced.")]
ForceOption = Annotated[str | None, typer.Option("--jurisdiction", help="Police force, when the store holds several.")]


AUTH_MODES = ("demo", "local", "oidc", "proxy")
LOOPBACK = ("127.0.0.1", "localhost", "::1")
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")


def main() -> None:
    """Run the command line; turn an expected error into one message and exit code 2."""
    try:
        app()
    except BeatwiseError as error:
        sys.stderr.write(f"beatwise: {error}\n")
        sys.exit(2)
    except BrokenPipeError:
        sys.exit(0)


@app.command()
def demo(
    store: StoreOption,
    seed: Annotated[int, typer.Option(help="Another seed makes another city.")] = 20260101,
    as_json: JsonOption = False,
) -> None:
    """Build the demo city: generate its upstream files, ingest them like any others, publish an edition."""
    from data.demo.build import build_demo_store

    with progress_bar() as progress:
        built = build_demo_store(store, seed=seed, loaded_by=operator(), now=now(), progress=progress)
        edition = publish_edition(built.store, as_of=built.as_of, horizons_days=(7, 28), progress=progress)
    tell(
        {**built.to_dict(), "edition_id": edition},
        as_json,
        f"Demo city in {store}: snapshot {built.snapshot_id}, edition {edition}.\n"
        f"Open it with: beatwise serve --store {store}",
    )


@app.command()
def ingest(
    store: StoreOption,
    source: Annotated[
        str, typer.Option(help="Mapping: built in, saved in the store, or a TOML path.", show_default=False)
    ],
    paths: Annotated[list[Path] | None, typer.Argument(help="Upstream files.", show_default=False)] = None,
    database: Annotated[
        str | None,
        typer.Option(
            envvar="BEATWISE_SOURCE_URL",
            show_envvar=True,
            help="postgresql:// or mysql:// URL; asks for the rows since the last ingest. Never stored or shown.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Load upstream files into a new snapshot. Every row is kept or quarantined, and the counts say which."""
    from data.integration.ingest import ingest as ingest_files
    from data.store import Store

    opened = Store.create(store)
    mapping = source_of(source, opened)
    files = list(paths or [])
    if not files and database:
        ingest_database(opened, mapping, database, as_json)
        return
    record(opened, "ingest", source, files=[path.name for path in files])
    with progress_bar() as progress:
        report = ingest_files(opened, mapping, files, loaded_by=operator(), now=now(), progress=progress)
    tell(report.to_dict(), as_json, report.to_text())


def ingest_database(store: Any, source: str | Path, url: str, as_json: bool) -> None:
    """Ask an upstream database for what a mapping describes and load the answer."""
    import tempfile

    from data.integration.ingest import ingest as ingest_files
    from data.sources.databases import extract_tables, last_watermarks, safe_name
    from data.sources.mapping import load_mapping

    mapping = load_mapping(source)
    mapping.require_confirmed()
    record(store, "ingest", str(source), database=safe_name(url))
    with tempfile.TemporaryDirectory(prefix="beatwise-database-") as folder, progress_bar() as progress:
        extracts = extract_tables(mapping, url, Path(folder), last_watermarks(store, mapping.source.name))
        if all(extract.nothing_new for extract in extracts):
            tell({"nothing_new": True, "read": 0}, as_json, "nothing new in the database since the last ingest")
            return
        marks = {extract.kind: extract.watermark for extract in extracts if extract.watermark is not None}
        report = ingest_files(
            store,
            source,
            [extract.path for extract in extracts],
            loaded_by=operator(),
            now=now(),
            progress=progress,
            watermarks=marks,
        )
    tell(report.to_dict(), as_json, report.to_text())


@app.command()
def publish(
    store: StoreOption,
    as_of: Day,
    days: Annotated[list[int], typer.Option("--days", help="Forecast period; repeat for several.")],
    category: Annotated[list[str] | None, typer.Option(help="Category code; repeat for several.")] = None,
    cell_m: Annotated[float, typer.Option("--cell-m", help="Side of a cell, metres.")] = 150.0,
    area_km2: Annotated[float, typer.Option("--area-km2", help="Area the list may cover, km².")] = 1.5,
    jurisdiction: ForceOption = None,
    seed: int = 0,
    override_quality: Annotated[
        str | None, typer.Option("--override-quality", help="Reason to publish although the data break a threshold.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Compute an edition (hotspots, visits, staffing, trends) from the newest snapshot and publish it."""
    from data.store import Store

    with progress_bar() as progress:
        edition_id = publish_edition(
            Store.open(store),
            as_of=as_of.date(),
            horizons_days=tuple(days),
            categories=tuple(category or ()),
            cell_m=cell_m,
            area_km2=area_km2,
            jurisdiction=jurisdiction,
            seed=seed,
            override_quality=override_quality,
            progress=progress,
        )
    tell({"edition_id": edition_id}, as_json, f"Edition {edition_id}")


@app.command()
def hotspots(
    store: StoreOption,
    as_of: Day,
    days: Annotated[int, typer.Option("--days", help="Length of the forecast period, days.")],
    category: Annotated[str, typer.Option(help="Category code.", show_default=False)],
    output: OutputOption,
    cell_m: Annotated[float, typer.Option("--cell-m", help="Side of a cell, metres.")] = 76.2,
    area_km2: Annotated[float, typer.Option("--area-km2", help="Area to cover, km².")] = 0.65,
    jurisdiction: ForceOption = None,
    seed: int = 0,
    as_json: JsonOption = False,
) -> None:
    """Rank equal cells for one category and write just enough of them to reach the area, as GeoJSON (EPSG:4326)."""
    from analytics.cells import Grid
    from analytics.edition import EditionParameters, choose_categories, choose_jurisdiction, known_incidents
    from analytics.hotspots.forecast import forecast_hotspots
    from data.exports import make_export
    from data.files import write_atomically
    from data.snapshots import current_snapshot
    from data.store import Store

    writable(output)
    parameters = EditionParameters(
        as_of.date(), (days,), (category,), jurisdiction, cell_m=cell_m, area_km2=area_km2, seed=seed
    )
    opened = Store.open(store)
    snapshot = current_snapshot(opened)
    force = choose_jurisdiction(snapshot, jurisdiction, category=category)
    incidents = known_incidents(snapshot, force, parameters.as_of)
    choose_categories(incidents, parameters)
    with progress_bar() as progress:
        progress(0, 1, f"ranking places for {category}")
        forecast = forecast_hotspots(
            incidents,
            as_of=parameters.as_of,
            horizon_days=days,
            category=category,
            grid=Grid(force.analysis_crs, cell_m=cell_m),
            area_km2=area_km2,
            areas=snapshot.read("areas"),
            interval_level=parameters.interval_level,
            seed=seed,
        )
        progress(1, 1, f"ranking places for {category}")
    record(
        opened, "export", "hotspots", snapshot_id=snapshot.snapshot_id, category=category, as_of=as_of.date(), days=days
    )
    cells = forecast.cells.select("rank", "expected", "low", "high", "baseline_rank", "ring")
    write_atomically(output, make_export(output.stem, cells, "geojson").content)
    result = {"output": str(output), "cells": forecast.cells.height, "snapshot_id": snapshot.snapshot_id}
    tell({**result, "verdict": forecast.verdict}, as_json, f"{forecast.cells.height} cells → {output}")


@app.command()
def evaluate(
    store: StoreOption,
    as_of: Day,
    days: Annotated[int, typer.Option("--days", help="Length of the forecast period, days.")],
    category: Annotated[str, typer.Option(help="Category code.", show_default=False)],
    cell_m: Annotated[float, typer.Option("--cell-m", help="Side of a cell, metres.")] = 150.0,
    area_km2: Annotated[float, typer.Option("--area-km2", help="Area the list may cover, km².")] = 1.5,
    origins: Annotated[int, typer.Option(min=3, help="Past forecasts to score.")] = 12,
    output: Annotated[Path | None, typer.Option("--output", help="Markdown file to write.")] = None,
    include_discovered: Annotated[
        bool, typer.Option("--include-discovered", help="Count incidents the police found themselves as well.")
    ] = False,
    jurisdiction: ForceOption = None,
    seed: int = 0,
    as_json: JsonOption = False,
) -> None:
    """Back-test every ranker on past origins, beside plain counts and the oracle, as one document."""
    from analytics.cells import Grid
    from analytics.edition import EditionParameters, choose_categories, choose_jurisdiction, known_incidents
    from analytics.hotspots.report import evaluate_rankers
    from analytics.hotspots.study import Study
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
    record(
        opened, "evaluate", category, snapshot_id=snapshot.snapshot_id, as_of=as_of.date(), days=days, origins=origins
    )
    study = Study.of(
        incidents,
        as_of=parameters.as_of,
        grid=Grid(force.analysis_crs, cell_m=cell_m),
        areas=snapshot.read("areas"),
        include_discovered=include_discovered,
    )
    found = evaluate_rankers(
        study,
        category,
        horizon_days=days,
        area_km2=area_km2,
        origins=origins,
        interval_level=parameters.interval_level,
        seed=seed,
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
    write_table(opened, "visit_plan", planned.filter(pl.col("beat_code") == beat).sort("rank"), output, as_json)


@app.command()
def serve(
    store: StoreOption,
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8501,
    address: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    auth: Annotated[
        str | None, typer.Option(help="demo, proxy, oidc or local; default: demo for the demo city, else proxy.")
    ] = None,
    viewer: Annotated[
        str | None, typer.Option("--as", help="Sign this granted viewer in; for one desk, on this machine only.")
    ] = None,
    host: Annotated[
        list[str] | None,
        typer.Option("--host", help="Name the desk is reached by, besides loopback; repeat for several."),
    ] = None,
) -> None:
    """Open the dashboard on a store."""
    from data.editions import newest_edition
    from data.snapshots import current_snapshot
    from data.store import Store

    opened = Store.open(store)
    is_demo = current_snapshot(opened).is_demo
    newest_edition(opened)
    mode = auth or ("local" if viewer else "demo" if is_demo else "proxy")
    if mode not in AUTH_MODES:
        raise RequestError(
            f"unknown way to sign in {mode!r}.", where="--auth", remedy=f"One of: {', '.join(AUTH_MODES)}."
        )
    if mode == "demo" and not is_demo:
        raise RequestError(
            "the role picker works on the demo city only.",
            where="--auth demo",
            remedy="Grant a viewer (`beatwise viewer grant`) and use `--as NAME` on this machine, or a gateway.",
        )
    if mode == "local" and (viewer is None or address not in LOOPBACK):
        raise RequestError(
            "signing one viewer in without a gateway is for this machine only.",
            where="--as",
            remedy="Name a granted viewer and keep `--address 127.0.0.1`.",
        )
    os.environ.update(BEATWISE_STORE=str(store.resolve()), BEATWISE_AUTH=mode, BEATWISE_VIEWER=viewer or "")
    root = Path(__file__).resolve().parent
    os.chdir(root)  # Streamlit reads .streamlit/config.toml from the working folder.
    typer.echo(f"beatwise: http://{address}:{port}")
    where = ["--server.port", str(port), "--server.address", address]
    # A request under any other name gets no data: a page elsewhere cannot borrow the reader's browser (DNS rebinding).
    for name in dict.fromkeys([*LOOPBACK_NAMES, *(host or ()), *([] if address in LOOPBACK else [address])]):
        where += ["--server.allowedHosts", name]
    os.execv(sys.executable, [sys.executable, "-m", "streamlit", "run", str(root / "app.py"), *where])


@source_app.command("list")
def list_sources(as_json: JsonOption = False) -> None:
    """List the built-in mappings."""
    from data.sources.mapping import built_in_mappings, load_mapping

    rows = [{"name": name, "title": load_mapping(name).source.title_en} for name in built_in_mappings()]
    tell({"sources": rows}, as_json, "\n".join(f"{row['name']:<12} {row['title']}" for row in rows))


@source_app.command("check")
def check(
    file: Annotated[Path, typer.Argument(help="Upstream file.", show_default=False)],
    source: Annotated[str | None, typer.Option(help="Only this mapping (name or TOML).")] = None,
    as_json: JsonOption = False,
) -> None:
    """Explain which mapping fits a file and what does not: headers, formats, coordinates, codes."""
    from data.sources.check import check_source

    result = check_source(file, source_of(source) if source else None)
    tell(result.to_dict(), as_json, result.to_text())


@source_app.command("new")
def new_source(
    files: Annotated[list[Path], typer.Argument(help="A sample of each kind of file.", show_default=False)],
    output: Annotated[Path | None, typer.Option("--output", help="TOML file to write; default: print it.")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the source: small letters, digits, _.")] = None,
    jurisdiction: Annotated[str | None, typer.Option(help="Code of the police force.")] = None,
    timezone: Annotated[str | None, typer.Option(help="IANA time zone of the local times.")] = None,
    crs: Annotated[str | None, typer.Option(help="Reference system of the coordinates, e.g. EPSG:4490.")] = None,
    near: Annotated[str | None, typer.Option(help="LON,LAT of any point of the area.")] = None,
    legal_basis: Annotated[str | None, typer.Option(help="Id in the catalogue.")] = None,
    purpose: Annotated[str | None, typer.Option(help="Id in the catalogue.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Propose a mapping from sample files, by names and values; what they cannot tell is left to confirm."""
    from data.files import write_atomically
    from data.sources.propose import Known, propose_mapping

    if output is not None:
        writable(output)
    known = Known(name, jurisdiction, timezone, crs, point_of(near), legal_basis, purpose)
    proposal = propose_mapping(files, known)
    if output is not None:
        write_atomically(output, proposal.toml.encode("utf-8"))
    told = proposal.to_text() + (f"\n→ {output}" if output is not None else f"\n\n{proposal.toml}")
    tell({**proposal.to_dict(), "output": str(output) if output else None}, as_json, told)


@viewer_app.command("grant")
def grant(
    name: Annotated[str, typer.Argument(help="Account name, as the gateway states it.", show_default=False)],
    store: StoreOption,
    role: Annotated[str, typer.Option(help="commander, researcher, officer, steward, security or auditor.")],
    area: Annotated[str | None, typer.Option(help="Code of the officer's beat or the commander's unit.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Let an account sign in with one role. No account may hold two of system, security and audit administration."""
    from data.editions import newest_edition
    from data.records.database import Records
    from data.records.viewers import grant_role
    from data.store import Store

    opened = Store.open(store)
    level = None
    if area is not None:
        areas = newest_edition(opened).read("areas")
        wanted = ("beat",) if role == "officer" else ("sub_bureau", "station")
        rows = areas.filter((areas["area_code"] == area) & areas["level"].is_in(wanted))
        if rows.is_empty():
            known = ", ".join(areas.filter(areas["level"].is_in(wanted))["area_code"].unique().sort()[:10])
            raise RequestError(f"no {' or '.join(wanted)} has code {area!r}.", where="--area", remedy=f"Known: {known}")
        level = rows["level"][0]
    grant_role(Records.open(opened), name, role, area, level, granted_by=operator())
    tell({"name": name, "role": role, "area": area}, as_json, f"{name}: {role} {area or ''}".rstrip())


@viewer_app.command("revoke")
def revoke(
    name: Annotated[str, typer.Argument(help="Account name.", show_default=False)],
    store: StoreOption,
    as_json: JsonOption = False,
) -> None:
    """Take an account's role back; takes effect on the next click."""
    from data.records.database import Records
    from data.records.viewers import revoke_role
    from data.store import Store

    revoke_role(Records.open(Store.open(store)), name, revoked_by=operator())
    tell({"name": name, "revoked": True}, as_json, f"{name}: revoked")


@viewer_app.command("list")
def viewers(store: StoreOption, as_json: JsonOption = False) -> None:
    """List every grant, open and ended."""
    from data.records.database import Records
    from data.records.viewers import list_viewers
    from data.store import Store

    rows = list_viewers(Records.open(Store.open(store)))
    lines = [
        f"{row['name']:<20} {row['role']:<12} {row['area_code'] or '':<14} {row['revoked_at'] or ''}" for row in rows
    ]
    tell({"viewers": rows}, as_json, "\n".join(line.rstrip() for line in lines) or "nobody yet")


@app.command()
def quality(store: StoreOption, as_json: JsonOption = False) -> None:
    """Report the quality of every load, the funnel from calls to usable incidents, and what the thresholds say."""
    from data.quality.measures import quality_history
    from data.quality.text import quality_text
    from data.quality.thresholds import judge, load_thresholds
    from data.store import Store

    opened = Store.open(store)
    reports = quality_history(opened)
    verdicts = judge(reports, load_thresholds(opened))
    result = {"reports": [one.to_dict() for one in reports], "verdicts": [one.to_dict() for one in verdicts]}
    tell(result, as_json, quality_text(reports, verdicts))


@app.command()
def lineage(
    store: StoreOption,
    edition: Annotated[str, typer.Option(help="Edition id.", show_default=False)],
    table: Annotated[str | None, typer.Option(help="Table of the edition.")] = None,
    advice: Annotated[str | None, typer.Option(help="Advice id: one row.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Trace a table of an edition, or one row of advice, to the snapshot, loads, files and row counts behind it."""
    from data.lineage import trace
    from data.quality.text import lineage_text
    from data.store import Store

    found = trace(Store.open(store), edition, table=table, advice_id=advice)
    tell(found.to_dict(), as_json, lineage_text(found))


@app.command()
def catalogue(
    table: Annotated[str | None, typer.Option(help="Only this table.")] = None, as_json: JsonOption = False
) -> None:
    """List every column of every table with class, grade, purposes, legal basis and retention."""
    from data.catalogue.columns import describe_columns, grade_problems
    from data.quality.text import catalogue_text

    described = describe_columns()
    if table is not None:
        known = described["table"].unique(maintain_order=True).to_list()
        if table not in known:
            raise RequestError(f"there is no table {table!r}.", where="--table", remedy=f"Tables: {', '.join(known)}.")
        described = described.filter(described["table"] == table)
    result = {"columns": described.to_dicts(), "grade_problems": grade_problems()}
    tell(result, as_json, catalogue_text(described))


@app.command("visits-export")
def export_visits(
    store: StoreOption,
    source: Annotated[str, typer.Option(help="Built-in mapping or path of a TOML mapping.", show_default=False)],
    output: OutputOption,
    as_json: JsonOption = False,
) -> None:
    """Write the visits recorded here in the upstream system's own column layout, to be loaded there and here again."""
    from data.files import write_atomically
    from data.integration.write_back import file_name_for, write_visits
    from data.records.database import Records
    from data.records.visits import read_all_visits
    from data.sources.mapping import load_mapping
    from data.store import Store

    writable(output)
    opened = Store.open(store)
    mapping = load_mapping(source_of(source))
    visits = read_all_visits(Records.open(opened))
    content = write_visits(visits, mapping)
    record(opened, "export", "visits_export", source=mapping.source.name, rows=visits.height)
    write_atomically(output, content)
    name = file_name_for(mapping, "beatwise")
    hint = f"{visits.height} visits → {output} (the mapping knows files named like {name})"
    tell({"output": str(output), "rows": visits.height, "named_like": name}, as_json, hint)


@app.command()
def verify(store: StoreOption, as_json: JsonOption = False) -> None:
    """Recompute the audit log's hash chain, first row to last, and say whether it is whole."""
    from data.records.audit import verify_chain
    from data.records.database import Records
    from data.store import Store

    report = verify_chain(Records.open(Store.open(store)))
    if not report.whole:
        raise StoreError(
            f"the audit log is broken at row {report.first_broken_seq}: {report.problem}", where=str(store)
        )
    tell(asdict(report), as_json, f"audit log whole: {report.rows} rows, head {report.head_hash[:12]}")


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def benchmark(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="Which one; without a name they are listed.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure on this machine. Options after the name go to the benchmark: `beatwise benchmark pages --store DIR`."""
    import ast
    import runpy

    folder = Path(__file__).resolve().parent / "benchmarks"
    known = {}
    for path in sorted(folder.glob("[a-z]*.py")):
        known[path.stem] = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").split("\n")[0]
    if name is None:
        tell({"benchmarks": known}, as_json, "\n".join(f"{stem:<12} {line}" for stem, line in known.items()))
        return
    if name not in known:
        raise RequestError(f"there is no benchmark {name!r}.", remedy=f"Known: {', '.join(known)}.")
    sys.argv = [f"beatwise benchmark {name}", *context.args]
    runpy.run_module(f"benchmarks.{name}", run_name="__main__")


def publish_edition(
    store: Any, *, progress: Callable[[int, int, str], None], override_quality: str | None = None, **asked: Any
) -> str:
    """Compute and write an edition; return its id. Data that break a blocking threshold are refused before the work."""
    from analytics.edition import EditionParameters, choose_jurisdiction, make_edition
    from data.editions import write_edition
    from data.quality.thresholds import judge_store, require_quality
    from data.snapshots import current_snapshot

    progress(0, 1, "computing the edition")
    snapshot = current_snapshot(store)
    parameters = EditionParameters(**asked)
    force = choose_jurisdiction(snapshot, parameters.jurisdiction)
    verdicts = judge_store(store, force.code)
    overridden = require_quality(verdicts, override=override_quality)
    quality = {
        "broken": [one.threshold for one in verdicts if one.status in ("blocked", "warned")],
        "overridden": [one.threshold for one in overridden],
        "override_reason": override_quality if overridden else None,
    }
    draft = make_edition(snapshot, parameters)
    ids = {"edition_id": draft.edition_id, "snapshot_id": snapshot.snapshot_id}
    record(store, "publish", draft.edition_id, **ids, quality=quality)
    written = {"created_at": now().isoformat(), "created_by": operator(), "quality": quality}
    write_edition(store, draft.edition_id, draft.tables, {**draft.manifest, **written})
    progress(1, 1, "computing the edition")
    return draft.edition_id


def write_table(edition: Any, table: str, frame: Any, output: Path, as_json: bool) -> None:
    """Write a table of an edition as plain UTF-8 CSV and say so. The audit row comes first."""
    from data.files import write_atomically

    writable(output)
    record(edition.store, "export", table, edition_id=edition.edition_id, rows=frame.height)
    write_atomically(output, frame.write_csv().encode("utf-8"))
    tell({"output": str(output), "rows": frame.height}, as_json, f"{frame.height} rows → {output}")


def writable(output: Path) -> None:
    """Refuse an output path whose folder does not exist, before any work is done."""
    if not output.parent.is_dir() or output.is_dir():
        raise RequestError(
            "this file cannot be written.", where=f"--output {output}", remedy="Name a file in a folder that exists."
        )


def record(
    store: Any,
    event: str,
    subject: str,
    *,
    edition_id: str | None = None,
    snapshot_id: str | None = None,
    **details: Any,
) -> None:
    """Write the audit row of a command before the command takes effect; when that fails, the command fails."""
    from data.records.audit import AuditEvent, append_audit
    from data.records.database import Records

    details = json.loads(json.dumps(details, default=str))
    append_audit(
        Records.open(store),
        AuditEvent(operator(), "command_line", event, subject, edition_id, snapshot_id, details=details),
    )


def source_of(text: str, store: Any = None) -> str | Path:
    """Return a path for something that looks like one, or is saved in the store; else a built-in name."""
    if text.endswith(".toml") or "/" in text:
        return Path(text)
    saved = store.root / "mappings" / f"{text}.toml" if store is not None else None
    return saved if saved is not None and saved.is_file() else text


def point_of(text: str | None) -> tuple[float, float] | None:
    """Return LON,LAT as two numbers."""
    if text is None:
        return None
    try:
        lon, lat = (float(part) for part in text.split(","))
    except ValueError:
        raise RequestError("this is not LON,LAT.", where="--near", remedy="For example --near 116.4,39.9") from None
    if abs(lon) > 180 or abs(lat) > 90:
        raise RequestError("longitude comes first, in degrees.", where="--near", remedy="For example --near 116.4,39.9")
    return lon, lat


def tell(result: dict[str, Any], as_json: bool, text: str) -> None:
    """Print a result for a machine or for a person."""
    typer.echo(json.dumps(result, ensure_ascii=False, default=str) if as_json else text)


def now() -> datetime:
    """Return the time written into manifests. The only clock of the command line."""
    return datetime.now(UTC)


def operator() -> str:
    """Return the name of the account that runs the command, for manifests and the audit log."""
    import getpass

    return getpass.getuser()


@contextmanager
def progress_bar() -> Iterator[Callable[[int, int, str], None]]:
    """Give a function ``progress(done, total, label)`` that draws a bar on stderr when a person is watching."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        tasks: dict[str, Any] = {}

        def progress(done: int, total: int, label: str) -> None:
            if label not in tasks:
                tasks[label] = bar.add_task(label, total=total)
            bar.update(tasks[label], completed=done, total=total)

        yield progress


if __name__ == "__main__":
    main()
