"""Ingest: upstream files → a load → a snapshot, all or nothing.

Files are matched to the mapping before anything is read, and everything is computed before anything is written. A load
and a snapshot each come into being by one rename, and readers follow one pointer: killed at any moment the store holds
the old snapshot or the new one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from data.catalogue.bases import require_basis
from data.errors import SchemaError, SourceError
from data.files import digest_of, folder_appears_whole, read_json, sha256_of_file, write_json
from data.integration.areas import join_children
from data.integration.canonical import RAGGED, to_canonical
from data.integration.incidents import derive_incidents
from data.integration.merging import TableState, read_loads
from data.integration.reports import FileReport, IngestReport
from data.schemas import CANONICAL, Incidents
from data.snapshots import QUARANTINE, Snapshot, write_snapshot
from data.sources.mapping import FileKind, Mapping, load_mapping
from data.sources.matching import match_file
from data.sources.reading import LINE, RawTable, read_records
from data.store import Store

__all__ = ["FileReport", "IngestReport", "ingest"]

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
) -> IngestReport:
    """Load upstream files into a new snapshot.

    Parameters
    ----------
    store
        Where to.
    source
        Name of a built-in mapping, or path of one.
    paths
        The files, in the order of their age: of two versions of a record the later one stands.
    loaded_by, now
        Recorded in the load. A date more than a day after ``now`` is refused as impossible.
    progress
        Called with (steps done, all steps, what is being done).
    demo
        Whether the rows are synthetic; only a store of such loads may be opened with a role picker.

    Returns
    -------
    IngestReport
        Counts per file. Files that were all loaded before with the same mapping change nothing.

    Raises
    ------
    SourceError
        If a file is missing, unreadable or fits nothing in the mapping; nothing is written then.
    SchemaError
        If the counts do not add up; nothing is written then.
    """
    mapping = load_mapping(source)
    require_basis(mapping.source.legal_basis, mapping.source.purpose, now.date())
    if not paths:
        raise SourceError("no file was named.", remedy="Name the files to load.")
    kinds = [match_file(Path(path), mapping) for path in paths]
    reports = [
        FileReport(path.name, kind.name, kind.table, sha256_of_file(path), path.stat().st_size)
        for path, kind in zip(map(Path, paths), kinds, strict=True)
    ]
    inputs = digest_of([mapping.sha256, sorted({report.sha256 for report in reports})])
    with store.locked_for_writing():
        previous = store.current_snapshot_id()
        loads = Snapshot(store, previous).loads if previous else []
        for load in loads:
            if load.get("inputs_sha256") == inputs and previous is not None:
                return _known_already(load, previous, mapping.source.name)
        steps = len(reports) + 2
        tell = progress or _silent
        load_id = "L" + digest_of([inputs, [load["load_id"] for load in loads]])[:12]
        draft = _Draft(store, mapping, loads, load_id)
        latest = now.astimezone(ZoneInfo(mapping.jurisdiction.timezone)).date() + timedelta(days=1)
        for step, (path, kind, report) in enumerate(zip(map(Path, paths), kinds, reports, strict=True)):
            tell(step, steps, path.name)
            draft.take(path, kind, report, latest)
        tell(steps - 2, steps, "writing the load")
        about = {
            "load_id": load_id,
            "source": mapping.source.name,
            "demo": demo,
            "jurisdiction": asdict(mapping.jurisdiction),
            "mapping_sha256": mapping.sha256,
            "inputs_sha256": inputs,
            "first_level_characters": mapping.source.first_level_characters,
            "legal_basis": mapping.source.legal_basis,
            "purpose": mapping.source.purpose,
            "loaded_at": now.isoformat(),
            "loaded_by": loaded_by,
            "files": [asdict(report) for report in reports],
        }
        draft.write(about)
        tell(steps - 1, steps, "deriving incidents")
        written = read_json(store.loads / load_id / "load.json")
        incidents = _derive(store, previous, [*loads, written], mapping.jurisdiction.code)
        snapshot = write_snapshot(
            store,
            [*(load["load_id"] for load in loads), load_id],
            {"incidents": incidents} if incidents.height else {},
            created_at=now,
            created_by=loaded_by,
        )
        tell(steps, steps, "done")
    return IngestReport(snapshot.snapshot_id, load_id, mapping.source.name, reports)


def _silent(done: int, total: int, label: str) -> None:
    """Report progress to nobody."""


def _known_already(load: dict[str, Any], snapshot_id: str, source: str) -> IngestReport:
    files = [FileReport(**{**report, "new": 0, "replaced": 0, "unchanged": report["kept"]}) for report in load["files"]]
    return IngestReport(snapshot_id, load["load_id"], source, files, already_loaded=True)


class _Draft:
    """A load before it is written."""

    def __init__(self, store: Store, mapping: Mapping, loads: list[dict[str, Any]], load_id: str) -> None:
        self.store = store
        self.mapping = mapping
        self.load_id = load_id
        self.loads = [load for load in loads if load["source"] == mapping.source.name]
        self.tables: dict[str, TableState] = {}
        self.lookups: dict[str, list[pl.DataFrame]] = {}
        self.refused: list[pl.DataFrame] = []

    def take(self, path: Path, kind: FileKind, report: FileReport, latest: Any) -> None:
        """Read one file and fill its report."""
        raw = read_records(path, kind)
        report.personal_dropped = raw.dropped
        if kind.table == "lookup":
            self._take_lookup(raw, kind, report)
        else:
            rows = to_canonical(
                raw,
                kind,
                self.mapping.jurisdiction,
                source=self.mapping.source.name,
                file_name=path.name,
                latest=latest,
            )
            state = self.tables.get(kind.table)
            if state is None:
                known = read_loads(self.store.loads, self.loads, kind.table)
                state = self.tables.setdefault(kind.table, TableState.of(kind.table, known))
            columns = list(CANONICAL[kind.table].column_names())
            kept = rows.kept.with_columns(pl.lit(self.load_id).alias("load_id")).select(columns)
            change = state.merge(kept, rows.provided)
            report.read, report.kept = rows.read, kept.height
            report.new, report.unchanged, report.replaced = change.new, change.unchanged, change.replaced
            if kind.parents is not None:
                made = join_children(kept, kind.parents, self.mapping.source.name)
                state.merge(made, set(columns))
                rows.notes["areas_joined_from_children"] = made.height
            report.quarantined = dict(sorted(Counter(rows.refused["reason"].to_list()).items()))
            report.notes = rows.notes
            self._quarantine(rows.refused, kind, path.name)
        report.check()

    def _take_lookup(self, raw: RawTable, kind: FileKind, report: FileReport) -> None:
        report.read, report.kept, report.new = raw.records, raw.frame.height, raw.frame.height
        if raw.ragged:
            report.quarantined = {RAGGED: len(raw.ragged)}
            lines = [line for line, _ in raw.ragged]
            refused = pl.DataFrame({"source_line": lines, "reason": [RAGGED] * len(lines)})
            nothing = [pl.lit(None, dtype=pl.String).alias(name) for name in ("column", "raw")]
            self._quarantine(refused.with_columns(nothing), kind, report.file)
        published = raw.frame.rename(raw.headers).cast({pl.Int64: pl.Int64})
        self.lookups.setdefault(kind.name, []).append(published.rename({LINE: "source_line"}))

    def _quarantine(self, refused: pl.DataFrame, kind: FileKind, file_name: str) -> None:
        named = refused.with_columns(
            pl.lit(self.mapping.source.name).alias("source"),
            pl.lit(self.load_id).alias("load_id"),
            pl.lit(file_name).alias("source_file"),
            pl.lit(kind.table).alias("table"),
        )
        self.refused.append(named.select(pl.col(name).cast(dtype) for name, dtype in QUARANTINE.items()))

    def write(self, about: dict[str, Any]) -> None:
        """Write the load's folder in one step."""
        with folder_appears_whole(self.store.loads / self.load_id, self.store.scratch) as folder:
            tables: dict[str, dict[str, int]] = {}
            for name in CANONICAL:
                if name in self.tables:
                    rows, replaced = self.tables[name].to_write()
                    if not CANONICAL[name].is_valid(rows):
                        # Each file obeys the schema; two files that tell parts of one row may not, together.
                        raise SchemaError(
                            f"rows of {name} that several files tell together break its rules.",
                            where=self.mapping.source.name,
                            remedy="Give the files identity columns that tell their records apart.",
                        )
                    rows.write_parquet(folder / f"{name}.parquet", statistics=True)
                    tables[name] = {"rows": rows.height, "replaced": replaced}
            for name, parts in self.lookups.items():
                pl.concat(parts, how="diagonal_relaxed").write_parquet(folder / f"lookup_{name}.parquet")
            refused = pl.concat(self.refused) if self.refused else pl.DataFrame(schema=QUARANTINE)
            refused.write_parquet(folder / "quarantine.parquet")
            write_json(folder / "load.json", {**about, "tables": tables})


def _derive(store: Store, previous: str | None, loads: list[dict[str, Any]], jurisdiction: str) -> pl.DataFrame:
    """Derive the incidents of one police force; those of the others are taken over from the previous snapshot."""
    parts = []
    if previous is not None:
        others = Snapshot(store, previous).scan("incidents").filter(pl.col("jurisdiction") != jurisdiction)
        parts.append(others.collect())
    own = [load for load in loads if load["jurisdiction"]["code"] == jurisdiction]
    names = list(dict.fromkeys(load["source"] for load in own))
    by_source = {name: [load for load in own if load["source"] == name] for name in names}
    areas = pl.concat([read_loads(store.loads, some, "areas") for some in by_source.values()])
    for some in by_source.values():
        calls = read_loads(store.loads, some, "calls")
        if calls.height:
            parts.append(
                derive_incidents(
                    calls,
                    read_loads(store.loads, some, "dispatches"),
                    read_loads(store.loads, some, "feedbacks"),
                    areas,
                    jurisdiction=jurisdiction,
                    first_level_characters=some[-1].get("first_level_characters"),
                )
            )
    return pl.concat(parts) if parts else pl.DataFrame(Incidents.create_empty())
