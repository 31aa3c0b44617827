"""Which police forces a store holds, and which editions are whose (decision 0003)."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from data.editions import edition_summary
from data.snapshots import Snapshot
from data.store import Store


def store_forces(store: Store) -> frozenset[str]:
    """Return the codes of the police forces of a store: those of its loads and of its editions."""
    root = str(store.root.resolve())
    current = store.current_snapshot_id()
    of_loads = _of_snapshot(root, current) if current is not None else frozenset[str]()
    of_editions = {edition_summary(root, edition_id)["jurisdiction"] for edition_id in store.edition_ids()}
    return of_loads | (of_editions - {None})


def editions_of(store: Store, forces: frozenset[str]) -> list[str]:
    """Return the ids of the editions made for some police forces, oldest first."""
    root = str(store.root.resolve())
    return [one for one in store.edition_ids() if edition_summary(root, one)["jurisdiction"] in forces]


def editions_beside_others(store: Store, force: str) -> list[str] | None:
    """Return the ids of the editions of one police force; None, for all, where there is no other to keep apart from.

    A force the store does not hold is that of a layout only: whatever is written in it, it tells nobody apart.
    """
    known = store_forces(store)
    return editions_of(store, frozenset({force})) if force in known and len(known) > 1 else None


@lru_cache(maxsize=64)
def _of_snapshot(root: str, snapshot_id: str) -> frozenset[str]:
    return frozenset(Snapshot(Store(Path(root)), snapshot_id).jurisdictions)
