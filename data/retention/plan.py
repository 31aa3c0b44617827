"""What is due: rows, columns and advice whose period in the catalogue has passed on a day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from functools import cache, reduce
from typing import Any

import polars as pl

from data.catalogue.columns import Retention, catalogue, describe_columns
from data.editions import Edition
from data.schemas import CANONICAL, EDITION
from data.snapshots import Snapshot, parts_of_table
from data.store import Store
from data.tables import scan_table


@dataclass(frozen=True)
class Expiry:
    """One table of one load or edition under one class of retention.

    Attributes
    ----------
    kind
        ``load`` or ``edition``.
    holder
        Id of the load or edition.
    columns
        Columns emptied when the row itself may stay; none when whole rows go.
    since
        Column whose day the period counts from; None for the day of the load or of publishing.
    due
        First day on which it must be gone; for ``since`` columns the first such day of any row, None without one.
    rows
        Rows it is about; of a list of what is to come, all rows of the table.
    """

    kind: str
    holder: str
    source: str | None
    table: str
    retention: str
    columns: tuple[str, ...]
    since: str | None
    due: date | None
    rows: int

    def to_dict(self) -> dict[str, Any]:
        """Return the item as JSON-able values."""
        return {**asdict(self), "columns": list(self.columns), "due": self.due and self.due.isoformat()}


def expiry_list(store: Store) -> list[Expiry]:
    """Return what the current snapshot and the editions hold and when it must go, the earliest first.

    Tables that are kept until a newer version replaces them, and rows whose period has not begun, are left out. Counts
    are those of the loads and manifests: nothing is read.
    """
    found = [*_of_loads(store), *_of_editions(store)]
    return sorted(found, key=lambda one: (one.due or date.max, one.kind, one.holder, one.table, one.columns))


def plan_retention(store: Store, as_of: date) -> list[Expiry]:
    """Return what is due on a day, with the rows it is about; nothing is changed.

    Items without any row left (emptied before) are left out.
    """
    due = []
    passed = [one for one in expiry_list(store) if one.due is not None and one.due <= as_of]
    whole = {(one.holder, one.table) for one in passed if not one.columns and one.since is None}
    for one in passed:
        # Where whole rows go, none of their columns is left to empty.
        if one.columns and (one.holder, one.table) in whole:
            continue
        rows = one.rows if one.kind == "edition" else _rows_due(store, one, as_of)
        if rows:
            due.append(Expiry(**{**asdict(one), "rows": rows}))
    return due


def due_rows(expiry: Expiry, as_of: date) -> pl.Expr:
    """Return which rows of its table an item is about."""
    if expiry.since is not None:
        last = as_of - timedelta(days=_period(expiry.retention))
        return (pl.col(expiry.since) <= last).fill_null(False)
    if expiry.columns:
        return pl.any_horizontal(pl.col(name).is_not_null() for name in expiry.columns)
    return pl.lit(True)


def _rows_due(store: Store, expiry: Expiry, as_of: date) -> int:
    parts = parts_of_table(store.loads / expiry.holder, expiry.table)
    if not parts:
        return 0
    return int(scan_table(expiry.table, parts).filter(due_rows(expiry, as_of)).select(pl.len()).collect().item())


def _of_loads(store: Store) -> Iterator[Expiry]:
    current = store.current_snapshot_id()
    if current is None:
        return
    for load in Snapshot(store, current).loads:
        loaded = datetime.fromisoformat(str(load["loaded_at"])).date()
        for table, counts in load["tables"].items():
            if table not in CANONICAL or not counts["rows"]:
                continue
            for retention, columns in rules_of(table):
                rule = catalogue().retentions[retention]
                if rule.days is None:
                    continue
                due = loaded + timedelta(days=rule.days) if rule.since is None else _first_due(store, load, table, rule)
                yield Expiry(
                    "load",
                    str(load["load_id"]),
                    str(load["source"]),
                    table,
                    retention,
                    columns,
                    rule.since,
                    due,
                    counts["rows"],
                )


def _first_due(store: Store, load: dict[str, Any], table: str, rule: Retention) -> date | None:
    parts = parts_of_table(store.loads / str(load["load_id"]), table)
    if not parts or rule.since is None or rule.days is None:
        return None
    first = scan_table(table, parts).select(pl.col(rule.since).min()).collect().item()
    return None if first is None else first + timedelta(days=rule.days)


def _of_editions(store: Store) -> Iterator[Expiry]:
    for edition_id in store.edition_ids():
        edition = Edition(store, edition_id)
        published = datetime.fromisoformat(str(edition.manifest["created_at"])).date()
        for table, counts in edition.manifest.get("tables", {}).items():
            if table not in EDITION or not (edition.folder / f"{table}.parquet").is_file():
                continue
            for retention, columns in rules_of(table):
                days = catalogue().retentions[retention].days
                # Editions never change: a table goes as a whole, when its own period is over.
                if days is not None and not columns:
                    due = published + timedelta(days=days)
                    yield Expiry("edition", edition_id, None, table, retention, (), None, due, counts["rows"])


@cache
def rules_of(table: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the classes of retention of a table: that of its rows with no columns, then shorter ones with theirs."""
    entry = catalogue().tables[table]
    described = describe_columns().filter(pl.col("table") == table)
    shorter: dict[str, tuple[str, ...]] = {}
    for column, retention in described.select("column", "retention").iter_rows():
        if retention != entry.retention and _period(retention) < _period(entry.retention):
            shorter[retention] = (*shorter.get(retention, ()), column)
    return ((entry.retention, ()), *sorted(shorter.items()))


def _period(retention: str) -> int:
    days = catalogue().retentions[retention].days
    return days if days is not None else reduce(max, (one.days or 0 for one in catalogue().retentions.values())) + 1
