"""A new snapshot without a new file: the same loads, derived again after something else about them has changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import polars as pl

from data.integration.addresses.snapshots import SnapshotLinks
from data.integration.ingest import incidents_of
from data.snapshots import Snapshot, parts_of_table, write_snapshot
from data.store import Store
from data.tables import scan_table


def rederive(
    store: Store,
    loads: list[dict[str, Any]],
    jurisdictions: Sequence[str],
    *,
    changes: dict[str, Any],
    created_at: datetime,
    created_by: str,
) -> Snapshot:
    """Write a snapshot of some loads with the incidents and address links of some police forces derived anew.

    The caller holds the store's write lock. Incidents and links of the other forces are those of the current snapshot.

    Parameters
    ----------
    loads
        The ``load.json`` of every load of the new snapshot, oldest first; their folders must be complete.
    jurisdictions
        Codes of the forces derived anew.
    changes
        What makes this snapshot another one than that of the same loads; JSON-able, part of its id.
    """
    previous = store.current_snapshot_id()
    links = {code: SnapshotLinks(store, None, loads, code) for code in jurisdictions}
    sources = {load["source"] for load in loads if load["jurisdiction"]["code"] in set(jurisdictions)}
    notes: dict[str, int] = {}

    def incidents() -> Iterator[pl.DataFrame]:
        yield from _others(store, previous, "incidents", ~pl.col("jurisdiction").is_in(list(jurisdictions)))
        for code in jurisdictions:
            yield from incidents_of(store, None, loads, code, links[code], notes)

    def all_links() -> Iterator[pl.DataFrame]:
        yield from _others(store, previous, "address_links", ~pl.col("source").is_in(sorted(sources)))
        for code in jurisdictions:
            yield from links[code].parts()

    return write_snapshot(
        store,
        [str(load["load_id"]) for load in loads],
        {"incidents": incidents(), "address_links": all_links()},
        created_at=created_at,
        created_by=created_by,
        notes=notes,
        changes=changes,
    )


def _others(store: Store, previous: str | None, table: str, kept: pl.Expr) -> Iterator[pl.DataFrame]:
    if previous is None:
        return
    for path in parts_of_table(store.snapshots / previous, table):
        yield scan_table(table, path).filter(kept).collect()
