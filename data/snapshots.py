"""Snapshots: immutable sets of validated tables, read lazily.

A snapshot is an ordered list of loads. A load is what one ``beatwise ingest`` brought in from one source. A later
load may replace a record of the same source (same ``record_key``); the earlier version stays on disk, so every
older snapshot reads as it did.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from data.errors import StoreError
from data.files import digest_of, folder_appears_whole, read_json, write_json
from data.schemas import CANONICAL, DERIVED
from data.store import Store, only_demo
from data.tables import scan_table, write_table


@dataclass(frozen=True)
class Jurisdiction:
    """A police force as the mappings describe it.

    ``timezone`` is an IANA name; ``analysis_crs`` a projected reference system in which cells are cut (lengths in it
    may be feet: use ``analytics.cells`` for the conversion);
    """

    code: str
    name_zh: str
    name_en: str
    timezone: str
    analysis_crs: str


class Snapshot:
    """One snapshot, opened for reading.

    Parameters
    ----------
    forces
        Codes of the police forces whose loads and rows are given out; None for all. The manifest is that of the whole
        snapshot.
    """

    def __init__(self, store: Store, snapshot_id: str, forces: frozenset[str] | None = None) -> None:
        self.store = store
        self.snapshot_id = snapshot_id
        self.forces = forces
        self.folder = store.snapshots / snapshot_id
        if not (self.folder / "manifest.json").is_file():
            raise StoreError(
                f"there is no snapshot {snapshot_id!r}.",
                where=str(store.root),
                remedy=f"Known snapshots: {', '.join(store.snapshot_ids()) or 'none'}.",
            )

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """Counts, sources, legal basis, hashes; see :func:`write_snapshot`."""
        return dict(read_json(self.folder / "manifest.json"))

    @cached_property
    def loads(self) -> list[dict[str, Any]]:
        """The ``load.json`` of every load, oldest first: files, row counts, quarantine counts."""
        loads = self.store.load_reports(self.snapshot_id)
        return [load for load in loads if self.forces is None or load["jurisdiction"]["code"] in self.forces]

    @cached_property
    def jurisdictions(self) -> dict[str, Jurisdiction]:
        """Police forces in the snapshot, by code."""
        found = {load["jurisdiction"]["code"]: Jurisdiction(**load["jurisdiction"]) for load in self.loads}
        return dict(sorted(found.items()))

    def category_names(self, jurisdiction: str) -> dict[str, dict[str, str]]:
        """Return category code → language → name, as the mappings of a police force declare them; the newest stands."""
        return {
            code: names
            for load in self.loads
            if load["jurisdiction"]["code"] == jurisdiction
            for code, names in load.get("category_names", {}).items()
        }

    @cached_property
    def erased(self) -> dict[str, Any] | None:
        """When and by whom its tables were deleted after their retention; None while they are there."""
        path = self.folder / ERASED
        return dict(read_json(path)) if path.is_file() else None

    def _require_rows(self) -> None:
        if self.erased is not None:
            raise StoreError(
                f"the rows of this snapshot were deleted on {str(self.erased['at'])[:10]}: "
                "their retention was over for a part of them.",
                where=self.snapshot_id,
                remedy=f"The current snapshot {self.store.current_snapshot_id()} holds what may still be read.",
            )

    def _require_view(self) -> None:
        if (self.folder / TIDIED).is_file():
            raise StoreError(
                "the incident view of this snapshot was put away: a later one stands in its place and no edition was "
                "made from it.",
                where=self.snapshot_id,
                remedy=f"Read the current snapshot {self.store.current_snapshot_id()}; the loads keep every row.",
            )

    @property
    def rows_are_gone(self) -> bool:
        """Whether nothing can be computed from its rows any more: deleted after their retention, or put away."""
        return any((self.folder / name).is_file() for name in (ERASED, TIDIED))

    @property
    def is_demo(self) -> bool:
        """Whether every row was made by the demo generator. Only then may roles be picked freely."""
        return only_demo(self.store.load_reports(self.snapshot_id))

    def has(self, table: str) -> bool:
        """Return whether a table holds at least one row."""
        return bool(self.manifest["tables"].get(table, {}).get("rows", 0))

    def scan(self, table: str) -> pl.LazyFrame:
        """Return a table as a lazy frame with the schema's columns; empty when nothing was loaded.

        Rows replaced by a later load of the same source are left out.

        Raises
        ------
        StoreError
            If there is no such table, or its rows were deleted after their retention.
        """
        self._require_rows()
        if table in DERIVED:
            self._require_view()
            parts = parts_of_table(self.folder, table)
            return self._own(scan_table(table, parts)) if parts else DERIVED[table].create_empty().lazy()
        if table not in CANONICAL:
            raise StoreError(f"there is no table {table!r}.", remedy=f"Tables: {', '.join([*CANONICAL, *DERIVED])}.")
        versions: list[pl.LazyFrame] = []
        replacing: list[pl.LazyFrame] = []
        for number, load in enumerate(self.loads):
            parts = parts_of_table(self.store.loads / str(load["load_id"]), table)
            if not parts:
                continue
            versions.append(scan_table(table, parts).with_columns(pl.lit(number, dtype=pl.Int32).alias("$load")))
            if load["tables"].get(table, {}).get("replaced", 0):
                replacing.append(versions[-1].select("record_key", pl.col("$load").alias("$newest")))
        if not versions:
            return CANONICAL[table].create_empty().lazy()
        rows = pl.concat(versions, how="vertical")
        if replacing:
            # One join for all loads: with one for each, a year of daily loads would be joined 70,000 times.
            newest = pl.concat(replacing).group_by("record_key").agg(pl.col("$newest").max())
            rows = rows.join(newest, on="record_key", how="left", maintain_order="left")
            rows = rows.filter((pl.col("$load") >= pl.col("$newest")).fill_null(True)).drop("$newest")
        return rows.drop("$load")

    def _own(self, derived: pl.LazyFrame) -> pl.LazyFrame:
        """Return the rows of a derived table that are of the forces read. A source belongs to one force."""
        if self.forces is None:
            return derived
        return derived.filter(pl.col("source").is_in(sorted({str(load["source"]) for load in self.loads})))

    def read(self, table: str, jurisdiction: str | None = None) -> pl.DataFrame:
        """Return a whole table in memory, or the rows that a police force's own loads brought."""
        frame = self.scan(table)
        if jurisdiction is not None:
            own = [load["load_id"] for load in self.loads if load["jurisdiction"]["code"] == jurisdiction]
            frame = frame.filter(pl.col("load_id").is_in(own))
        return frame.collect()

    def quarantine(self) -> pl.LazyFrame:
        """Return all rejected rows: source, load_id, source_file, source_line, column, reason (no personal values)."""
        self._require_rows()
        parts = [self.store.loads / load["load_id"] / "quarantine.parquet" for load in self.loads]
        found = [pl.scan_parquet(part) for part in parts if part.is_file()]
        return pl.concat(found, how="vertical") if found else pl.LazyFrame(schema=QUARANTINE)


def parts_of_table(folder: Path, table: str) -> list[Path]:
    """Return the Parquet files that hold a table in the folder of a load or a snapshot.

    A table is ``<table>.parquet`` or, when it is large, ``<table>/<first digits of the keys>.parquet``.
    """
    whole = folder / f"{table}.parquet"
    return [whole] if whole.is_file() else sorted((folder / table).glob("*.parquet"))


#: File in the folder of a snapshot, load or edition whose tables were deleted after their retention.
ERASED = "erased.json"
#: File in the folder of a snapshot whose derived tables were put away (``data.tidying``); its loads are all there.
TIDIED = "tidied.json"
#: Columns of quarantine.parquet. ``raw`` is the row as JSON text with personal columns already dropped.
QUARANTINE: dict[str, Any] = {
    "source": pl.String,
    "load_id": pl.String,
    "source_file": pl.String,
    "source_line": pl.Int64,
    "table": pl.String,
    "column": pl.String,
    "reason": pl.String,
    "raw": pl.String,
}


def current_snapshot(store: Store, forces: frozenset[str] | None = None) -> Snapshot:
    """Return the newest snapshot of a store, or what it holds of some police forces.

    Raises
    ------
    StoreError
        If nothing has been loaded yet.
    """
    return Snapshot(store, store.newest_snapshot_id(), forces)


def write_snapshot(
    store: Store,
    load_ids: list[str],
    derived: dict[str, pl.DataFrame | Iterator[pl.DataFrame]],
    *,
    created_at: datetime,
    created_by: str,
    notes: dict[str, int] | None = None,
    changes: dict[str, Any] | None = None,
) -> Snapshot:
    """Write a snapshot of the given loads and make it current.

    Parameters
    ----------
    load_ids
        Loads in order; their folders must be complete.
    derived
        Derived tables by name, see ``data.schemas.DERIVED``; large ones as an iterator of parts that share no key.
    created_at, created_by
        Recorded in the manifest; not part of the id, so that the same data always has the same id.
    notes
        What to know about derived rows, by kind; read after ``derived`` has been used up.
    changes
        What besides the loads makes this snapshot another one, such as decisions of the steward; part of the id.
    """
    loads = [read_json(store.loads / load_id / "load.json") for load_id in load_ids]
    tables: dict[str, dict[str, int]] = {}
    for load in loads:
        for name, counts in load["tables"].items():
            rows = tables.setdefault(name, {"rows": 0})
            rows["rows"] += counts["rows"] - counts.get("replaced", 0)
    made_of = [FORMAT_OF_SNAPSHOT, load_ids, changes] if changes else [FORMAT_OF_SNAPSHOT, load_ids]
    snapshot_id = "S" + digest_of(made_of)[:12]
    with folder_appears_whole(store.snapshots / snapshot_id, store.scratch) as folder:
        for name, given in derived.items():
            height = _write_derived(folder, name, iter([given]) if isinstance(given, pl.DataFrame) else given)
            if height:
                tables[name] = {"rows": height}
        write_json(
            folder / "manifest.json",
            {
                "snapshot_id": snapshot_id,
                "previous": store.current_snapshot_id(),
                "created_at": created_at.isoformat(),
                "created_by": created_by,
                "loads": load_ids,
                "tables": tables,
                "notes": notes or {},
                **({"changes": changes} if changes else {}),
            },
        )
    store.make_current(snapshot_id)
    return Snapshot(store, snapshot_id)


def _write_derived(folder: Path, name: str, parts: Iterator[pl.DataFrame]) -> int:
    """Write the parts of a derived table and return its rows; a single part is a single file."""
    rows = 0
    paths: list[Path] = []
    written: list[Future[None]] = []
    # Writing keeps one core busy: two parts are written at a time, and no more are held.
    with ThreadPoolExecutor(2, thread_name_prefix="writing") as pool:
        for frame in parts:
            if frame.is_empty():
                continue
            rows += frame.height
            path = folder / name / f"{len(paths):04d}.parquet" if paths else folder / f"{name}.parquet"
            paths.append(path)
            if len(written) > 1:
                written[-2].result()
            written.append(pool.submit(_write_valid, name, frame, path))
        for one in written:
            one.result()
    if len(paths) > 1:
        paths[0].rename(folder / name / "0000.parquet")
    return rows


def _write_valid(name: str, rows: pl.DataFrame, path: Path) -> None:
    # To validate copies the good rows, and tells what is wrong with others: it comes second.
    whole = rows if DERIVED[name].is_valid(rows) else DERIVED[name].validate(rows)
    write_table(whole.select(DERIVED[name].column_names()), path)


#: Part of every snapshot id: change it when the derivation of the incident view changes.
FORMAT_OF_SNAPSHOT = 1
