"""Lineage at the desk: from a number on a page to the files behind it, for whoever may see the number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from data import access
from data.aggregates import AGGREGATES_ONLY
from data.desk.base import DeskBase
from data.disclosure import hide_small_counts
from data.editions import Edition
from data.errors import AccessDeniedError
from data.lineage import Lineage, SnapshotBehind, find_advice, trace, trace_snapshot

#: Roles that see which account loaded a file.
SEE_THE_LOADER = ("steward", "auditor")


class Provenance(DeskBase):
    """Traces tables and rows of advice of the edition."""

    def lineage(self, table: str | None = None, advice_id: str | None = None) -> Lineage:
        """Return the snapshot, loads, files and row counts behind a table, or behind one row of advice.

        Raises
        ------
        AccessDeniedError
            If the role does not read the table, or the advice is about another area.
        RequestError
            If there is no such table or advice.

        Notes
        -----
        Roles that read aggregates only get no small count (null in its place), nor what would give it back, see
        ``data.disclosure``; only stewards and auditors learn which account loaded a file.
        """
        subject = advice_id or table or "lineage"
        with self._refusals_recorded("read", "lineage", {"subject": subject}):
            access.require_table(self.viewer, "lineage")
            if advice_id is not None:
                table, row = find_advice(Edition(self.store, self.edition_id), advice_id, table)
                access.require_table(self.viewer, table)
                if access.rows_for(self.viewer, table, self._one(table, row), self.scope).is_empty():
                    raise AccessDeniedError("this advice is about another area.", where=self.viewer.name)
        found = trace(self.store, self.edition_id, table=table, advice_id=advice_id)
        if self.viewer.role not in SEE_THE_LOADER:
            found = replace(found, files=[replace(file, loaded_by=None) for file in found.files])
        if self.viewer.role in AGGREGATES_ONLY:
            found = replace(found, rows=_without_small_counts(found.rows))
        return found

    def snapshot_behind(self, tables: Sequence[str]) -> SnapshotBehind:
        """Return the loads and files behind some tables of the current snapshot, for those who may see loads.

        Raises
        ------
        AccessDeniedError
            If the role does not read loads.
        """
        self._require("loads")
        return trace_snapshot(self._current_snapshot(), tables)

    def _one(self, table: str, row: dict[str, Any]) -> pl.DataFrame:
        return self._table(table).filter(pl.col("advice_id") == row["advice_id"])


def _without_small_counts(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Hide small numbers of rows and of removals, each with enough others that their total gives none back."""
    shown = {
        name: hide_small_counts(pl.DataFrame({name: [one[name] for one in rows]}, schema={name: pl.Int64}), name)[name]
        for name in ("rows", "removals")
    }
    return [{**one, **{name: values[at] for name, values in shown.items()}} for at, one in enumerate(rows)]
