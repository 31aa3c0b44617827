"""Decisions of the steward on addresses, brought into a new snapshot without waiting for the next files."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import polars as pl

from data.errors import RequestError
from data.files import digest_of
from data.records.address_reviews import read_address_reviews
from data.records.database import Records
from data.snapshots import Snapshot, current_snapshot
from data.store import Store


@dataclass(frozen=True)
class AppliedReviews:
    """What became of the decisions that waited.

    Attributes
    ----------
    texts, calls
        Ways of writing decided since the snapshot before, and the calls that use them.
    linked
        Of these calls, those that have their standard address now.
    previous_id
        The snapshot before: it stays as it was.
    """

    snapshot_id: str
    previous_id: str
    texts: int
    calls: int
    linked: int

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON-able values."""
        return asdict(self)


@lru_cache(maxsize=8)
def review_queue(root: str, snapshot_id: str, forces: frozenset[str] | None = None) -> pl.DataFrame:
    """Return the texts in review of a snapshot, which never changes: both texts, ``source``, ``calls``.

    Parameters
    ----------
    forces
        Only calls and standard addresses of these police forces; None for all.
    """
    snapshot = Snapshot(Store(Path(root)), snapshot_id, forces)
    links = snapshot.scan("address_links").filter(pl.col("outcome") == "review")
    calls = snapshot.scan("calls").select(pl.col("record_key").alias("incident_id"), "address")
    standards = snapshot.scan("addresses").select("address_code", standard="address").unique("address_code")
    return (
        links.join(calls, on="incident_id")
        .group_by("text_key", "address_code")
        .agg(
            pl.col("address").sort().first().alias("written"),
            pl.len().alias("calls"),
            pl.col("probability").max(),
            pl.col("differences").first(),
            pl.col("source").unique().alias("sources"),
        )
        .join(standards, on="address_code", how="left")
        .sort(["calls", "probability", "text_key"], descending=[True, True, False])
        .collect()
    )


def decided_reviews(snapshot: Snapshot, records: Records) -> pl.DataFrame:
    """Return the rows of the queue that were decided since a snapshot was written."""
    queue = review_queue(str(snapshot.store.root.resolve()), snapshot.snapshot_id, snapshot.forces)
    decided = read_address_reviews(records, snapshot.jurisdictions).select("text_key", "address_code").unique()
    return queue.join(decided, on=["text_key", "address_code"], how="semi")


def _decided_of(snapshot: Snapshot, records: Records, forces: frozenset[str] | None) -> pl.DataFrame:
    """Return the decided rows force by force: a decision of one force's steward holds for its calls alone."""
    known = snapshot.jurisdictions
    if len(known) == 1:
        return decided_reviews(snapshot, records)
    own = [frozenset({force}) for force in known if forces is None or force in forces]
    return pl.concat(decided_reviews(Snapshot(snapshot.store, snapshot.snapshot_id, force), records) for force in own)


def apply_reviews(
    store: Store, records: Records, *, applied_by: str, now: datetime, forces: frozenset[str] | None = None
) -> AppliedReviews:
    """Write a new snapshot in which every decision of the steward holds; it is current from then on.

    Calls, dispatches and all other rows are those of the current snapshot; links, places and areas of the calls are
    found again. Editions published before keep their own snapshot.

    Parameters
    ----------
    forces
        Only calls of these police forces, while those of others wait on; None for all.

    Raises
    ------
    RequestError
        If no decision waits to be applied.
    """
    # The desk reads this module on every page; the ingest is needed here only.
    from data.integration.rederiving import rederive

    with store.locked_for_writing():
        before = current_snapshot(store)
        decided = _decided_of(before, records, forces)
        if decided.is_empty():
            raise RequestError(
                "no decision on an address waits to be applied.",
                where=str(store.root),
                remedy="Decide some on the page Addresses first.",
            )
        sources = set(decided["sources"].explode().to_list())
        affected = sorted({load["jurisdiction"]["code"] for load in before.loads if load["source"] in sources})
        reviews = read_address_reviews(records)
        after = rederive(
            store,
            before.loads,
            affected,
            changes={
                **before.manifest.get("changes", {}),
                "address_reviews": {
                    "decisions": reviews.height,
                    "digest": digest_of(reviews.select("text_key", "address_code", "decision").rows())[:16],
                    # The same decisions, applied for one force and then for another, make two snapshots.
                    **({} if forces is None else {"forces": sorted(forces)}),
                },
            },
            created_at=now,
            created_by=applied_by,
        )
    texts = decided["text_key"].unique()
    links = Snapshot(store, after.snapshot_id, forces).scan("address_links")
    by_steward = links.filter(pl.col("text_key").is_in(texts.implode()), pl.col("outcome") == "match")
    return AppliedReviews(
        after.snapshot_id,
        before.snapshot_id,
        texts.len(),
        int(decided["calls"].sum()),
        int(by_steward.select(pl.len()).collect().item()),
    )
