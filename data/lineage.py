"""Lineage (血缘): from a table or a row of advice to the snapshot, loads, files and row counts behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from typing import Any

import polars as pl

from data.catalogue.columns import tables_behind
from data.editions import Edition
from data.errors import RequestError
from data.schemas import CANONICAL, EDITION
from data.snapshots import Snapshot
from data.store import Store

#: Tables whose rows carry an ``advice_id``.
ADVICE = ("hotspots", "spare_hotspots", "staffing", "visit_workload", "visit_plan")
#: Levels of location a hotspot is counted from; ``analytics.hotspots.history.LOCATED`` (a test keeps them equal).
LOCATED = ("point", "building")
#: Days of incidents a row of advice is traced to: what its plain count covers.
WINDOW_DAYS = 365


@dataclass(frozen=True)
class FileBehind:
    """One upstream file and what became of its rows; ``archive_sha256`` is that of the packed file it came in."""

    load_id: str
    source: str
    loaded_at: str
    loaded_by: str | None
    legal_basis: str
    purpose: str
    file: str
    table: str
    read: int
    kept: int
    quarantined: int
    sha256: str
    archive_sha256: str = ""


@dataclass(frozen=True)
class Lineage:
    """Where a number comes from.

    Attributes
    ----------
    tables
        Loaded tables behind it, and how many rows of each the snapshot holds of the police force.
    files
        Files that filled these tables, newest load first.
    rows
        Rows behind one row of advice by file: ``table``, ``source_file``, ``load_id``, ``rows``, ``removals``; empty
        for a whole table. What they are is said by ``rows_are``: ``incidents``, ``register`` or ``shifts``.
        ``removals`` are those among the rows that take an incident back (weight -1): a count is the rows less twice
        the removals.
    erased_at
        When the rows of the snapshot were deleted after their retention; counts, files and digests stay.
    """

    edition_id: str
    table: str
    advice_id: str | None
    snapshot_id: str
    code_version: str
    as_of: str
    published_at: str
    edition_sha256: str | None
    tables: dict[str, int]
    files: list[FileBehind]
    rows_are: str | None = None
    rows: list[dict[str, Any]] = field(default_factory=list)
    erased_at: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the lineage as JSON-able values."""
        return asdict(self)


@dataclass(frozen=True)
class SnapshotBehind:
    """What numbers about the current snapshot rest on.

    Attributes
    ----------
    changes
        What besides files made the snapshot: ``address_reviews``, ``retention``.
    files
        Files that filled the tables asked for, newest load first.
    """

    snapshot_id: str
    created_at: str
    created_by: str
    timezone: str
    changes: tuple[str, ...]
    files: list[FileBehind]


def trace_snapshot(snapshot: Snapshot, tables: Sequence[str]) -> SnapshotBehind:
    """Return the loads and files behind some tables of a snapshot."""
    manifest = snapshot.manifest
    return SnapshotBehind(
        snapshot.snapshot_id,
        str(manifest["created_at"]),
        str(manifest["created_by"]),
        next(iter(snapshot.jurisdictions.values())).timezone,
        tuple(sorted(manifest.get("changes", {}))),
        _files(snapshot.loads, list(tables)),
    )


def trace(store: Store, edition_id: str, *, table: str | None = None, advice_id: str | None = None) -> Lineage:
    """Trace a table of an edition, or one row of advice, to the files behind it.

    Parameters
    ----------
    table
        Table of the edition; not needed with an ``advice_id``, which is looked for in ``ADVICE``.

    Raises
    ------
    RequestError
        If neither is given, or the edition has no such table or advice.
    """
    edition = Edition(store, edition_id)
    row: dict[str, Any] | None = None
    if advice_id is not None:
        table, row = find_advice(edition, advice_id, table)
    if table is None:
        raise RequestError(
            "say what to trace.", where="--table", remedy=f"Name a table ({', '.join(EDITION)}) or an advice."
        )
    if table not in EDITION:
        raise RequestError(
            f"editions have no table {table!r}.", where="--table", remedy=f"Tables: {', '.join(EDITION)}."
        )
    manifest = edition.manifest
    snapshot = Snapshot(store, str(manifest["snapshot_id"]))
    behind = [table] if table in CANONICAL else list(tables_behind(table))
    jurisdiction = manifest["jurisdiction"]["code"]
    loads = [load for load in snapshot.loads if load["jurisdiction"]["code"] == jurisdiction]
    counts = [(name, load["tables"].get(name, {})) for name in behind for load in loads]
    counted = dict.fromkeys(behind, 0)
    for name, told in counts:
        counted[name] += told.get("rows", 0) - told.get("replaced", 0)
    of_force = pl.col("source").is_in(sorted({load["source"] for load in loads}))
    what, rows = (
        (None, []) if row is None or snapshot.erased else _rows_behind(snapshot, table, row, manifest, of_force)
    )
    return Lineage(
        edition_id=edition_id,
        table=table,
        advice_id=advice_id,
        snapshot_id=snapshot.snapshot_id,
        code_version=str(manifest["code_version"]),
        as_of=str(manifest["parameters"]["as_of"]),
        published_at=str(manifest["created_at"]),
        edition_sha256=manifest.get("tables", {}).get(table, {}).get("sha256"),
        tables={name: rows for name, rows in counted.items() if rows},
        files=_files(loads, behind),
        rows_are=what,
        rows=rows,
        erased_at=str(snapshot.erased["at"]) if snapshot.erased else None,
    )


def find_advice(edition: Edition, advice_id: str, table: str | None = None) -> tuple[str, dict[str, Any]]:
    """Return the table and the row of an advice.

    Raises
    ------
    RequestError
        If the edition has no such advice.
    """
    for name in [table] if table in ADVICE else ADVICE:
        found = edition.scan(str(name)).filter(pl.col("advice_id") == advice_id).head(1).collect()
        if found.height:
            return str(name), found.row(0, named=True)
    raise RequestError(
        f"the edition has no advice {advice_id!r}.",
        where=edition.edition_id,
        remedy=f"Choose a row of {', '.join(ADVICE)}.",
    )


def _files(loads: list[dict[str, Any]], tables: list[str]) -> list[FileBehind]:
    return [
        FileBehind(
            load_id=load["load_id"],
            source=load["source"],
            loaded_at=str(load["loaded_at"]),
            loaded_by=load["loaded_by"],
            legal_basis=load["legal_basis"],
            purpose=load["purpose"],
            file=file["file"],
            table=file["table"],
            read=file["read"],
            kept=file["kept"],
            quarantined=sum(file["quarantined"].values()),
            sha256=str(file.get("sha256") or ""),
            archive_sha256=str(file.get("archive_sha256") or ""),
        )
        for load in reversed(loads)
        for file in load["files"]
        if file["table"] in tables
    ]


def _rows_behind(
    snapshot: Snapshot, table: str, row: dict[str, Any], manifest: dict[str, Any], of_force: pl.Expr
) -> tuple[str, list[dict[str, Any]]]:
    incidents = _incidents(snapshot, manifest)
    if table in ("hotspots", "spare_hotspots"):
        located = pl.col("location_level").cast(pl.String).is_in(LOCATED)
        found = incidents.filter(pl.col("category") == row["category"], located, _inside(row["ring"]))
        if not manifest["parameters"].get("include_discovered", False):
            found = found.filter((pl.col("discovered_by").cast(pl.String) != "police").fill_null(True))
        return "incidents", _by_file(snapshot, "calls", found.select(pl.col("incident_id").alias("record_key")))
    if table == "staffing":
        found = incidents.filter(pl.col("station_code") == row["unit_code"])
        return "incidents", _by_file(snapshot, "calls", found.select(pl.col("incident_id").alias("record_key")))
    if table == "visit_plan":
        wanted = pl.col("object_id") == row["object_id"]
    else:
        same_kind = pl.col("visit_kind").cast(pl.String) == row["visit_kind"]
        wanted = (pl.col("beat_code") == row["beat_code"]) & same_kind
    return "register", [
        one
        for name in ("visit_register", "visits")
        for one in _by_file(snapshot, name, snapshot.scan(name).filter(wanted, of_force).select("record_key"))
    ]


def _incidents(snapshot: Snapshot, manifest: dict[str, Any]) -> pl.LazyFrame:
    """Return the valid incidents of the year before the as-of day that were known by then."""
    as_of = date.fromisoformat(str(manifest["parameters"]["as_of"]))
    own = pl.col("jurisdiction") == manifest["jurisdiction"]["code"]
    known = pl.coalesce("known_on", "occurred_on") < as_of
    year = pl.col("occurred_on").is_between(as_of - timedelta(days=WINDOW_DAYS), as_of, closed="left")
    return snapshot.scan("incidents").filter(own, pl.col("valid"), year, known)


def _inside(ring: list[float]) -> pl.Expr:
    """Return whether a point lies in a convex cell given by its corners, anticlockwise: left of every side."""
    corners = list(zip(ring[::2], ring[1::2], strict=True))
    inside = pl.lit(True)
    for (x1, y1), (x2, y2) in zip(corners, [*corners[1:], corners[0]], strict=True):
        inside &= (x2 - x1) * (pl.col("lat") - y1) - (y2 - y1) * (pl.col("lon") - x1) >= 0
    return inside.fill_null(False)


def _by_file(snapshot: Snapshot, table: str, keys: pl.LazyFrame) -> list[dict[str, Any]]:
    removals = (pl.col("weight") < 0).sum() if table == "calls" else pl.lit(0)
    counts = (
        snapshot.scan(table)
        .join(keys, on="record_key", how="semi")
        .group_by("source_file", "load_id")
        .agg(rows=pl.len(), removals=removals)
        .sort("source_file", "load_id")
        .collect()
    )
    return [{"table": table, **one} for one in counts.iter_rows(named=True)]
