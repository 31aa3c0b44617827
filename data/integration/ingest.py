"""Ingest: upstream files → a load → a snapshot, all or nothing.

Files are matched to the mapping before anything is read. A load and a snapshot are put together in the store's scratch
folder and each come into being by one rename, and readers follow one pointer: killed at any moment the store holds the
old snapshot or the new one. Rows pass through in batches and parts, so that memory does not grow with the load.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from data.catalogue.bases import require_basis
from data.errors import SourceError, StoreError
from data.files import digest_of, folder_appears_whole, write_json
from data.integration.addresses.snapshots import SnapshotLinks
from data.integration.areas import AreaFinder
from data.integration.batches import ahead
from data.integration.draft import Draft
from data.integration.incidents import CALL_COLUMNS, IncidentContext
from data.integration.keys import KEY_FORMAT
from data.integration.merging import read_loads, scan_loads
from data.integration.reports import FileReport, IngestReport
from data.integration.reread import as_before, loaded_before, require_known_keys
from data.integration.spill import digits_for, prefixes
from data.snapshots import Snapshot, parts_of_table, write_snapshot
from data.sources.mapping import Mapping, load_mapping
from data.sources.matching import match_upstream
from data.sources.packed import Unread, Upstream, told_by_name, unpacked
from data.store import Store
from data.tables import scan_table

__all__ = ["FileReport", "IngestReport", "incidents_of", "ingest"]

#: Fewest rows in a file of the incident view when there are several.
ROWS_PER_FILE = 500_000
#: Parts of the incident view derived before they are asked for.
PARTS_AHEAD = 2
Progress = Callable[[int, int, str], None]


def ingest(
    store: Store,
    source: str | Path,
    paths: Sequence[Path],
    *,
    loaded_by: str,
    now: datetime,
    progress: Progress | None = None,
    demo: bool = False,
    watermarks: dict[str, dict[str, str]] | None = None,
    files_of: date | None = None,
) -> IngestReport:
    """Load upstream files into a new snapshot.

    Parameters
    ----------
    store
        Where to.
    source
        Name of a built-in mapping, or path of one.
    paths
        The files, in the order of their age: of two versions of a record the later one stands. Packed files are
        unpacked first: each member is a file of its own.
    loaded_by, now
        Recorded in the load. A date more than a day after ``now`` is refused as impossible.
    progress
        Called with (steps done, all steps, what is being done).
    demo
        Whether the rows are synthetic; only a store of such loads may be opened with a role picker.
    watermarks
        How far an upstream database was read, by [[file]]; kept in the load for the next time.
    files_of
        Local day the files are from, where they come later than younger ones: what those told of a record stands.

    Returns
    -------
    IngestReport
        Counts per file. A file that was loaded before with the same mapping changes nothing, whatever it comes with.

    Raises
    ------
    SourceError
        If a file is missing, unreadable or fits nothing in the mapping, or its rows were loaded under other keys
        before the mapping was edited; nothing is written then.
    SchemaError
        If the counts do not add up; nothing is written then.
    StoreError
        If earlier loads of the source have record keys of an older beatwise or are of another police force, or the
        disk refuses; nothing is written then.
    """
    mapping = load_mapping(source)
    mapping.require_confirmed()
    require_basis(mapping.source.legal_basis, mapping.source.purpose, now.date())
    if not paths:
        raise SourceError("no file was named.", remedy="Name the files to load.")
    say = progress or _silent
    unpacking = unpacked(
        [Path(path) for path in paths], store.scratch, tell=lambda name: say(0, len(paths), f"unpacking {name}")
    )
    with unpacking as (upstream, unread), told_by_name(upstream):
        return _ingest(store, mapping, upstream, unread, loaded_by, now, progress, demo, watermarks, files_of)


def _ingest(
    store: Store,
    mapping: Mapping,
    upstream: list[Upstream],
    unread: list[Unread],
    loaded_by: str,
    now: datetime,
    progress: Progress | None,
    demo: bool,
    watermarks: dict[str, dict[str, str]] | None,
    files_of: date | None,
) -> IngestReport:
    with ThreadPoolExecutor(1, thread_name_prefix="digests") as pool:
        digests = pool.map(Upstream.with_digest, upstream)
        matched, unfit = match_upstream(upstream, mapping)
        unread = [*unread, *unfit]
        # A file that fills several tables is read once for each, and accounted for in each.
        reports = [
            FileReport(
                file.name,
                kind.name,
                kind.table,
                file.sha256,
                file.path.stat().st_size,
                archive_sha256=file.archive_sha256,
            )
            for file, kinds_of_file in zip(digests, matched, strict=True)
            for kind in kinds_of_file
        ]
    files = [file.path for file, kinds_of_file in zip(upstream, matched, strict=True) for _ in kinds_of_file]
    kinds = [kind for kinds_of_file in matched for kind in kinds_of_file]
    with store.locked_for_writing():
        previous = store.current_snapshot_id()
        loads = Snapshot(store, previous).loads if previous else []
        known = loaded_before(reports, kinds, loads, mapping, newest_only=watermarks is not None)
        if previous is not None and all(one is not None for one in known):
            return _known_already(reports, known, previous, mapping.source.name, unread)
        _require_key_format(store, loads, mapping.source.name)
        _require_same_force(store, loads, mapping)
        # A file read again would put its old rows in the place of later corrections.
        fresh = [number for number, one in enumerate(known) if one is None]
        told_before = [as_before(reports[number], one[1]) for number, one in enumerate(known) if one is not None]
        files, kinds = [files[number] for number in fresh], [kinds[number] for number in fresh]
        reports = [reports[number] for number in fresh]
        inputs = digest_of([mapping.sha256, sorted({report.sha256 for report in reports})])
        steps = len(reports) + 2
        tell = progress or _silent
        late = [str(files_of)] if files_of is not None else []
        load_id = "L" + digest_of([inputs, [load["load_id"] for load in loads], *late])[:12]
        _sweep(store, load_id)
        latest = now.astimezone(ZoneInfo(mapping.jurisdiction.timezone)).date() + timedelta(days=1)
        about = {
            "load_id": load_id,
            "source": mapping.source.name,
            "demo": demo,
            "jurisdiction": asdict(mapping.jurisdiction),
            "mapping_sha256": mapping.sha256,
            "inputs_sha256": inputs,
            "key_format": KEY_FORMAT,
            "first_level_characters": mapping.source.first_level_characters,
            "category_names": {
                code: names.model_dump(exclude_none=True) for code, names in mapping.source.category_names.items()
            },
            "legal_basis": mapping.source.legal_basis,
            "purpose": mapping.source.purpose,
            "loaded_at": now.isoformat(),
            "loaded_by": loaded_by,
            **({"watermarks": watermarks} if watermarks else {}),
            **({"files_of": str(files_of)} if files_of is not None else {}),
        }
        with folder_appears_whole(store.loads / load_id, store.scratch) as folder:
            newer = _younger_loads(loads, mapping, files_of)
            draft = Draft(store, mapping, loads, load_id, folder, files, kinds, reports, newer=newer)
            try:
                draft.read(latest, lambda step, name: tell(step, steps, name))
                tell(steps - 2, steps, "writing the load")
                tables = draft.write()
                require_known_keys(reports, kinds, loads, mapping)
                told = [asdict(report) for report in reports]
                left = {"unread": [asdict(one) for one in unread]} if unread else {}
                written = {**about, "files": told, **left, "tables": tables}
                write_json(folder / "load.json", written)
                notes: dict[str, int] = {}

                # With all it needs in memory, the first incidents are derived while their calls are written.
                at_once = set(draft.held) == set(tables) and "addresses" not in tables

                def derive() -> tuple[SnapshotLinks, Iterator[pl.DataFrame]]:
                    every, code = [*loads, written], mapping.jurisdiction.code
                    links = SnapshotLinks(store, previous, every, code)
                    held = {mapping.source.name: draft.held}
                    return links, incidents_of(store, previous, every, code, links, notes, held)

                derived = derive() if at_once else None
            finally:
                draft.finish()
        tell(steps - 1, steps, "deriving incidents")
        links, incidents = derived or derive()
        snapshot = write_snapshot(
            store,
            [*(load["load_id"] for load in loads), load_id],
            {"incidents": incidents, "address_links": links.parts()},
            created_at=now,
            created_by=loaded_by,
            notes=notes,
        )
        tell(steps, steps, "done")
    notes = snapshot.manifest["notes"]
    return IngestReport(
        snapshot.snapshot_id, load_id, mapping.source.name, [*told_before, *reports], notes=notes, unread=unread
    )


def _silent(done: int, total: int, label: str) -> None:
    """Report progress to nobody."""


def _known_already(
    reports: list[FileReport],
    known: list[tuple[str, dict[str, Any]] | None],
    snapshot_id: str,
    source: str,
    unread: list[Unread],
) -> IngestReport:
    told = [(one[0], as_before(report, one[1])) for report, one in zip(reports, known, strict=True) if one is not None]
    files = [report for _, report in told]
    return IngestReport(snapshot_id, told[-1][0], source, files, already_loaded=True, unread=unread)


def _require_key_format(store: Store, loads: list[dict[str, Any]], source: str) -> None:
    """Refuse to add to loads whose keys were made in another way: every row would count twice."""
    if any(load["source"] == source and load.get("key_format", 1) != KEY_FORMAT for load in loads):
        raise StoreError(
            f"{source} was loaded by another version of beatwise, which made other record keys.",
            where=str(store.root),
            remedy="Ingest all files of the source into a new store.",
        )


def _require_same_force(store: Store, loads: list[dict[str, Any]], mapping: Mapping) -> None:
    """Refuse a source that moved to another police force: rows known already would stay with the one before."""
    codes = {load["jurisdiction"]["code"] for load in loads if load["source"] == mapping.source.name}
    if codes and mapping.jurisdiction.code not in codes:
        raise StoreError(
            f"{mapping.source.name} was loaded for the police force {', '.join(sorted(codes))}, "
            f"not for {mapping.jurisdiction.code}.",
            where=str(store.root),
            remedy="Give the mapping another source name, or ingest all its files into a new store.",
        )


def _younger_loads(loads: list[dict[str, Any]], mapping: Mapping, files_of: date | None) -> frozenset[str]:
    """Return the loads of a source whose files are of a later day: the one they are said to be of, else the load's."""
    if files_of is None:
        return frozenset()
    zone = ZoneInfo(mapping.jurisdiction.timezone)

    def day_of(load: dict[str, Any]) -> date:
        if "files_of" in load:
            return date.fromisoformat(load["files_of"])
        return datetime.fromisoformat(load["loaded_at"]).astimezone(zone).date()

    own = [load for load in loads if load["source"] == mapping.source.name]
    return frozenset(str(load["load_id"]) for load in own if day_of(load) > files_of)


def _sweep(store: Store, load_id: str) -> None:
    """Remove what a killed ingest left; loads and snapshots are only put together under the write lock.

    A load that no snapshot names may have been read on another day or by another version: it is read again.
    """
    if store.scratch.is_dir():
        for entry in store.scratch.iterdir():
            if entry.name.startswith(("L", "S")):
                shutil.rmtree(entry)
    left = store.loads / load_id
    if left.exists() and not any(
        load_id in Snapshot(store, snapshot_id).manifest["loads"] for snapshot_id in store.snapshot_ids()
    ):
        shutil.rmtree(left)


def incidents_of(
    store: Store,
    previous: str | None,
    loads: list[dict[str, Any]],
    jurisdiction: str,
    links: SnapshotLinks,
    notes: dict[str, int],
    held: dict[str, dict[str, pl.DataFrame]] | None = None,
) -> Iterator[pl.DataFrame]:
    """Derive the incidents of one police force in parts; those of the others are taken over from the last snapshot.

    Parameters
    ----------
    previous
        Snapshot the others are taken from; None for none of them.
    notes
        Filled when the parts have been used up: calls whose point nobody believes, by kind.
    held
        Source → table → all its rows, of tables that are in memory; they are not read again.
    """
    parts = _parts_of_incidents(store, previous, loads, jurisdiction, links, notes, held or {})
    # The next parts are derived while one is written, and the first from now on.
    return _in_files(ahead(parts, PARTS_AHEAD))


def _in_files(parts: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Put parts together until they are worth a file."""
    gathered: list[pl.DataFrame] = []
    rows = 0
    for part in parts:
        gathered.append(part)
        rows += part.height
        if rows > ROWS_PER_FILE:
            yield pl.concat(gathered)
            gathered, rows = [], 0
    if rows:
        yield pl.concat(gathered)


def _parts_of_incidents(
    store: Store,
    previous: str | None,
    loads: list[dict[str, Any]],
    jurisdiction: str,
    links: SnapshotLinks,
    notes: dict[str, int],
    held: dict[str, dict[str, pl.DataFrame]],
) -> Iterator[pl.DataFrame]:
    if previous is not None:
        for path in parts_of_table(store.snapshots / previous, "incidents"):
            yield scan_table("incidents", path).filter(pl.col("jurisdiction") != jurisdiction).collect()
    by_source = _by_source(loads, jurisdiction)

    def table(name: str, table: str) -> pl.DataFrame:
        here = held.get(name, {}).get(table)
        return read_loads(store.loads, by_source[name], table) if here is None else here

    # Areas of all sources of the police force, whichever brings the calls.
    areas = [table(name, "areas") for name in by_source]
    finder = AreaFinder(pl.concat(areas))
    for name, some in by_source.items():
        known = held.get(name, {}).get("calls")
        calls = scan_loads(store.loads, some, "calls") if known is None else known.lazy()
        if calls is None:
            continue
        # Replaced versions may be among these calls: they weigh a little in what a category at intake usually is.
        context = IncidentContext.of(
            calls,
            table(name, "dispatches"),
            table(name, "feedbacks"),
            finder,
            jurisdiction=jurisdiction,
            first_level_characters=some[-1].get("first_level_characters"),
        )
        rows = sum(load["tables"].get("calls", {}).get("rows", 0) for load in some)
        columns = [*CALL_COLUMNS, *links.columns]
        if known is not None:
            pieces = max(1, known.height // ROWS_PER_FILE)
            for some_calls in known.select(columns).iter_slices(max(1, -(-known.height // pieces))):
                yield context.derive(links.locate(some_calls))
        for part in prefixes(digits_for(rows)) if known is None else ():
            calls_of_part = read_loads(store.loads, some, "calls", part, columns=columns)
            yield context.derive(links.locate(calls_of_part))
        for note, count in context.notes.items():
            notes[note] = notes.get(note, 0) + count


def _by_source(loads: list[dict[str, Any]], jurisdiction: str) -> dict[str, list[dict[str, Any]]]:
    own = [load for load in loads if load["jurisdiction"]["code"] == jurisdiction]
    names = dict.fromkeys(load["source"] for load in own)
    return {name: [load for load in own if load["source"] == name] for name in names}
