"""Supervision at the desk: loads, quarantine, audit log and its verification."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from data import access, permissions
from data.desk.base import DeskBase
from data.errors import OtherForceError
from data.records.audit import AuditEvent, ChainReport, append_audit, read_audit
from data.records.viewers import list_viewers
from data.schemas import EDITION
from data.seals import verify_store
from data.sightings import who_saw
from data.version import code_version

#: Pages and tables that are read from an edition; whatever else an audit row is about is the store's.
OF_AN_EDITION = frozenset(EDITION) | {"briefing", "hotspots", "model", "staffing", "my_beat", "trends"}


@dataclass(frozen=True)
class Reproduced:
    """Whether what was made again is what was told (None: a page has no digest), how many rows, by which code."""

    same: bool | None
    rows: dict[str, int]
    code_then: str | None
    code_now: str


class Supervision(DeskBase):
    """Reads what came in and what was done, for stewards and auditors.

    Loads and quarantine are those of the **current** snapshot, also while an older edition is being read.
    """

    def loads(self) -> list[dict[str, Any]]:
        """Return ``load.json`` of every load of the current snapshot, oldest first."""
        self._require("loads")
        return self._current_snapshot().loads

    def quarantine_counts(self) -> pl.DataFrame:
        """Return rejected rows by source, file, table, column and reason: ``rows``, most first."""
        self._require("quarantine_counts")
        keys = ["source", "source_file", "table", "column", "reason"]
        counts = self._current_snapshot().quarantine().group_by(keys).agg(rows=pl.len())
        return counts.sort("rows", *keys, descending=[True] + [False] * len(keys)).collect()

    def quarantine_rows(self, limit: int = 200) -> pl.DataFrame:
        """Return the first rejected rows with file, line, column and reason; personal columns were never stored."""
        self._require("quarantine_rows")
        return self._current_snapshot().quarantine().head(limit).collect()

    def audit_log(self, limit: int = 500, until: int | None = None) -> pl.DataFrame:
        """Return the last rows of the audit log, newest first: those about the viewer's police forces.

        In a store of several forces, what names none of them (a sign-in of an unknown account, most of what is done
        at the command line) is for auditors of all forces.

        Parameters
        ----------
        until
            Only rows up to this number.
        """
        self._require("audit_log")
        wanted = None if self.forces is None else self._of_own_force
        return pl.DataFrame(read_audit(self.records, limit, wanted, until), schema=AUDIT_LOG)

    def viewers(self) -> pl.DataFrame:
        """Return every grant of the viewer's police forces, open and ended, newest first.

        A grant for all forces (``all_forces``) concerns each of them. One that names no force opens nothing in a store
        of several; it is for who looks after all of them.
        """
        self._require("viewers")
        found = list_viewers(self.records)
        if self.forces is not None:
            found = [row for row in found if row["jurisdiction"] in (*self.forces, permissions.ALL_FORCES)]
        return pl.DataFrame(found, schema=VIEWERS).with_columns(
            all_forces=pl.col("jurisdiction").eq_missing(pl.lit(permissions.ALL_FORCES))
        )

    def verify_audit(self, expected_head: tuple[int, str] | None = None) -> ChainReport:
        """Recompute the audit log's hash chain, name the first broken row; compare records and files with the log.

        There is one chain for all police forces of a store, and it is whole or not; no row is given out.

        Parameters
        ----------
        expected_head
            Number and hash of a row noted at an earlier verification; shows a log whose end was cut off, or that was
            computed anew.
        """
        with self._refusals_recorded("verify", "audit_log"):
            access.require_doing(self.viewer, "verify_audit")
        append_audit(self.records, self._event("verify", "audit_log"))
        return verify_store(self.store, self.records, expected_head)

    def who_saw(self, code: str, since: date, until: date) -> pl.DataFrame:
        """Return by which rows of the log somebody saw what is told of an area, on which basis; on record itself.

        See :func:`data.sightings.who_saw`.
        """
        self._require("audit_log")
        details = {"asked": {"area_code": code, "since": since.isoformat(), "until": until.isoformat()}}
        append_audit(self.records, self._event("who_saw", "audit_log", details=details))
        wanted = None if self.forces is None else self._of_own_force
        return who_saw(self.store, self.records, code, since, until, editions=self._own_editions(), wanted=wanted)

    def reproduce(self, seq: int) -> Reproduced:
        """Make again what a row of the log gave out, and tell whether it is the same; nothing of it is given out here.

        Raises
        ------
        AccessDeniedError
            If the role does not verify the log, or the row is about another police force.
        RequestError
            If the row gave nothing out, or what it gave out cannot be made again, see
            :func:`data.desk.reproduction.reproduce`.
        """
        from data.desk.reproduction import reproduce  # It makes a desk.

        with self._refusals_recorded("reproduce", f"row {seq}"):
            access.require_doing(self.viewer, "verify_audit")
            rows = read_audit(self.records, 1, until=seq)
            if self.forces is not None and rows and not self._of_own_force(rows[0]):
                raise OtherForceError("this row is about another police force.", where=f"row {seq}")
        append_audit(self.records, self._event("reproduce", f"row {seq}"))
        made = reproduce(self.store, self.records, seq)
        rows_of = {name: table.height for name, table in made.tables.items()}
        return Reproduced(made.same, rows_of, made.code_then, code_version())

    def _of_own_force(self, row: dict[str, Any]) -> bool:
        """Return whether an audit row is about the viewer's forces: their accounts, their editions, their data.

        Who reads all forces concerns each of them, save where what is read is an edition of another one.
        """
        told = _force_told(row["details"])
        if told in (self.forces or ()) or row["edition_id"] in self._own_edition_ids:
            return True
        return told == permissions.ALL_FORCES and (row["edition_id"] is None or row["object"] not in OF_AN_EDITION)


def _force_told(details: str) -> object:
    try:
        told = json.loads(details)
    except ValueError:
        return None  # Changed by somebody: the verifier names the row.
    return told.get("jurisdiction") if isinstance(told, dict) else None


#: Columns of :meth:`Supervision.audit_log`.
AUDIT_LOG: dict[str, Any] = {
    "seq": pl.Int64,
    "at": pl.String,
    **{name: pl.Boolean if name == "success" else pl.String for name in AuditEvent.__dataclass_fields__},
    "previous_hash": pl.String,
    "row_hash": pl.String,
}
#: Columns of :meth:`Supervision.viewers`.
VIEWERS: dict[str, Any] = {
    "grant_id": pl.Int64,
    **dict.fromkeys(("name", "role", "area_code", "area_level", "jurisdiction", "granted_at", "granted_by"), pl.String),
    "revoked_at": pl.String,
    "revoked_by": pl.String,
}
