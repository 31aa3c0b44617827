"""Commands that bring data in and say what became of it: demo, ingest, source, quality, lineage, catalogue."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from commands.shell import (
    JsonOption,
    OutputOption,
    StoreOption,
    addresses_app,
    app,
    now,
    operator,
    point_of,
    progress_bar,
    record,
    seal,
    source_app,
    source_of,
    tell,
    writable,
)
from data.errors import RequestError


@app.command()
def demo(
    store: StoreOption,
    seed: Annotated[int, typer.Option(min=0, help="Another seed makes another city.")] = 20260101,
    as_json: JsonOption = False,
) -> None:
    """Build the demo city: generate its upstream files, ingest them like any others, publish an edition."""
    from commands.advice_out import publish_edition
    from data.demo.build import build_demo_store
    from data.sources.mapping import load_mapping
    from data.store import Store

    mapping = load_mapping("demo")
    told = {"seed": seed, "jurisdiction": mapping.jurisdiction.code}
    with progress_bar() as progress:
        record(Store.create(store), "ingest", "demo", upstream=mapping.source, **told)
        built = build_demo_store(store, seed=seed, loaded_by=operator(), now=now(), progress=progress)
        seal(built.store)
        # The edition of four weeks before comes first: it is what the newest one holds on to and is verified by.
        for as_of in (built.as_of - timedelta(days=28), built.as_of):
            edition = publish_edition(built.store, as_of=as_of, horizons_days=(7, 28), progress=progress)
    tell(
        {**built.to_dict(), "edition_id": edition},
        as_json,
        f"Demo city in {store}: snapshot {built.snapshot_id}, edition {edition}.\n"
        f"Open it with: beatwise serve --store {store}",
    )


@app.command()
def ingest(
    context: typer.Context,
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
            help="postgresql:// or mysql:// URL; asks for the rows since the last ingest, instead of reading files. "
            "Never stored or shown.",
        ),
    ] = None,
    files_of: Annotated[
        datetime | None,
        typer.Option(
            "--files-of",
            formats=["%Y-%m-%d"],
            help="Day the files are from, where they come late: what files loaded since told of a record stands.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Load upstream files into a new snapshot. Every row is kept or quarantined, and the counts say which."""
    from data.memory import keep_freed_memory

    keep_freed_memory()
    from data.integration.ingest import ingest as ingest_files
    from data.sources.mapping import load_mapping
    from data.sources.packed import names_apart
    from data.store import Store

    files = list(paths or [])
    # The variable may be set for good on a machine; who also names files means the files.
    named_by = context.get_parameter_source("database")
    if files and named_by is not None and named_by.name == "COMMANDLINE":
        raise RequestError(
            "files and a database were named; one ingest reads either.",
            where="--database",
            remedy="Run it once with the files and once with --database.",
        )
    opened = Store.create(store)
    mapping = source_of(source, opened)
    if not files and database:
        ingest_database(opened, mapping, database, as_json)
        return
    read = load_mapping(mapping)
    told = {"files": names_apart(files), "jurisdiction": read.jurisdiction.code}
    record(opened, "ingest", source, upstream=read.source, **told)
    with progress_bar() as progress:
        report = ingest_files(
            opened,
            mapping,
            files,
            loaded_by=operator(),
            now=now(),
            progress=progress,
            files_of=files_of.date() if files_of is not None else None,
        )
    seal(opened)
    tell(report.to_dict(), as_json, report.to_text())


def ingest_database(store: Any, source: str | Path, url: str, as_json: bool) -> None:
    """Ask an upstream database for what a mapping describes and load the answer."""
    import tempfile

    from data.integration.ingest import ingest as ingest_files
    from data.sources.databases import extract_tables, last_watermarks, safe_name
    from data.sources.mapping import load_mapping

    mapping = load_mapping(source)
    mapping.require_confirmed()
    told = {"database": safe_name(url), "jurisdiction": mapping.jurisdiction.code}
    record(store, "ingest", str(source), upstream=mapping.source, **told)
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
    seal(store)
    tell(report.to_dict(), as_json, report.to_text())


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
    from data.sources.check import check_file

    result = check_file(file, source_of(source) if source else None)
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


@addresses_app.command("apply")
def apply_address_reviews(store: StoreOption, as_json: JsonOption = False) -> None:
    """Write a new snapshot in which the steward's decisions on addresses hold, without waiting for the next files."""
    from data.integration.addresses.reviews import apply_reviews
    from data.records.database import Records
    from data.store import Store

    opened = Store.open(store)
    record(opened, "apply_addresses", "address_links", snapshot_id=opened.current_snapshot_id())
    done = apply_reviews(opened, Records.open(opened), applied_by=operator(), now=now())
    seal(opened)
    told = (
        f"snapshot {done.snapshot_id}: {done.texts} ways of writing decided, {done.calls} calls, {done.linked} linked"
    )
    tell(done.to_dict(), as_json, told)


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


@app.command()
def retain(
    store: StoreOption,
    as_of: Annotated[
        datetime | None,
        typer.Option("--as-of", formats=["%Y-%m-%d"], help="Judge periods on this day; default: today."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be deleted.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Delete what is past its retention in the catalogue, and keep a report of what was deleted under which rule."""
    from data.retention import plan_retention
    from data.retention import retain as carry_out
    from data.store import Store

    opened = Store.open(store)
    at = now()
    day = as_of.date() if as_of is not None else at.date()
    if not dry_run:
        items = [one.to_dict() for one in plan_retention(opened, day)]
        record(opened, "retain", str(day), snapshot_id=opened.current_snapshot_id(), items=items)
    report = carry_out(opened, as_of=day, retained_by=operator(), now=at, dry_run=dry_run)
    if not dry_run and opened.current_snapshot_id() is not None:
        seal(opened)
    tell(report.to_dict(), as_json, report.to_text())


@app.command()
def tidy(
    store: StoreOption,
    days: Annotated[int, typer.Option(min=0, help="Age a superseded view must have.")] = 7,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Free the space of superseded incident views that no edition was made from; loads and editions stay whole."""
    from data.store import Store
    from data.tidying import tidy as put_away

    opened = Store.open(store)
    report = put_away(opened, tidied_by=operator(), now=now(), days=days, dry_run=True)
    if not dry_run:
        # The row names what goes, first: `verify` takes a file that no row gave up for one that somebody took.
        going = report.snapshots
        record(opened, "tidy", str(days), snapshot_id=opened.current_snapshot_id(), snapshots=going)
        report = put_away(opened, tidied_by=operator(), now=now(), days=days, only=going)
    tell(report.to_dict(), as_json, report.to_text())


@app.command("visits-export")
def export_visits(
    store: StoreOption,
    source: Annotated[
        str, typer.Option(help="Mapping: built in, saved in the store, or a TOML path.", show_default=False)
    ],
    output: OutputOption,
    as_json: JsonOption = False,
) -> None:
    """Write the visits recorded here in the upstream system's own column layout, to be loaded there and here again."""
    from data.files import sha256_of, write_atomically
    from data.forces import editions_beside_others
    from data.integration.write_back import file_name_for, write_visits
    from data.records.database import Records
    from data.records.visits import read_all_visits
    from data.sources.mapping import load_mapping
    from data.store import Store

    writable(output)
    opened = Store.open(store)
    mapping = load_mapping(source_of(source, opened))
    visits = read_all_visits(Records.open(opened), editions_beside_others(opened, mapping.jurisdiction.code))
    content = write_visits(visits, mapping)
    force = mapping.jurisdiction.code
    told = {"source": mapping.source.name, "jurisdiction": force, "rows": visits.height, "sha256": sha256_of(content)}
    record(opened, "export", "visits_export", upstream=mapping.source, **told)
    write_atomically(output, content)
    name = file_name_for(mapping, "beatwise")
    hint = f"{visits.height} visits → {output} (the mapping knows files named like {name})"
    tell({"output": str(output), "rows": visits.height, "named_like": name}, as_json, hint)
