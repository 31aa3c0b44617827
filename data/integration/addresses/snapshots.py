"""Links of a whole snapshot, made part by part while its incidents are derived."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from data.integration.addresses.linking import AddressLinker, locate_calls
from data.integration.merging import read_loads
from data.schemas.links import AddressLinks
from data.snapshots import parts_of_table
from data.store import Store
from data.tables import scan_table


class SnapshotLinks:
    """Links the calls of one police force; those of the others are taken over from the last snapshot.

    Parameters
    ----------
    store
        Holds the loads and the records with the steward's decisions.
    previous
        The snapshot before, if any.
    loads
        All loads of the new snapshot.
    jurisdiction
        The police force whose incidents are derived anew.
    """

    def __init__(self, store: Store, previous: str | None, loads: list[dict[str, Any]], jurisdiction: str) -> None:
        own = [load for load in loads if load["jurisdiction"]["code"] == jurisdiction]
        self._sources = {load["source"] for load in own}
        self._earlier = parts_of_table(store.snapshots / previous, "address_links") if previous else []
        self._made: list[pl.DataFrame] = []
        by_source = [[load for load in own if load["source"] == name] for name in sorted(self._sources)]
        tables = [read_loads(store.loads, some, "addresses") for some in by_source]
        addresses = pl.concat(tables) if tables else pl.DataFrame()
        self._linker: AddressLinker | None = None
        if addresses.height:
            # Most stores have no standard addresses; opening the records takes a quarter of a second.
            from data.records.address_reviews import read_address_reviews
            from data.records.database import Records

            self._linker = AddressLinker(addresses, read_address_reviews(Records.open(store), {jurisdiction}))

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of calls the linkage reads besides those of the incident view: none without standard addresses."""
        return () if self._linker is None else ("address",)

    def locate(self, calls: pl.DataFrame) -> pl.DataFrame:
        """Link some calls, keep the links, and return the calls with the points their addresses give them.

        The address of a confidential call is read by nobody, so it has no link and never waits for the steward.
        """
        if self._linker is None:
            return calls
        links = self._linker.link(calls.filter(~pl.col("confidential").fill_null(False)))
        self._made.append(links)
        return locate_calls(calls, links)

    def parts(self) -> Iterator[pl.DataFrame]:
        """Return the table: links of other police forces first. Read it after all calls were located."""
        for path in self._earlier:
            yield scan_table("address_links", path).filter(~pl.col("source").is_in(sorted(self._sources))).collect()
        if self._made:
            yield AddressLinks.cast(pl.concat(self._made))
