"""What people do at the desk: decide on advice, record a visit, export. The audit row is written first."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, Literal

import polars as pl

from data import access
from data.desk.base import OF_THE_DATA, DeskBase
from data.errors import AccessDeniedError, RequestError
from data.exports import Export, Reading, make_export
from data.records.audit import append_audit
from data.records.decisions import Decision, append_decision, check_decision, read_decisions
from data.records.visits import VisitRecord, append_visit, read_visits
from data.schemas import EDITION

#: Tables whose rows can be decided on, in the order they are searched.
ADVICE_TABLES = ("hotspots", "spare_hotspots", "staffing", "visit_workload")
#: Columns of a row of advice that the audit row of a decision keeps: what was told, also when the edition is gone.
_OF_PLACES = ("rank", "expected", "low", "high", "interval_level", "baseline_rank", "top_chance", "action")
AS_TOLD: dict[str, tuple[str, ...]] = {
    "hotspots": _OF_PLACES,
    "spare_hotspots": _OF_PLACES,
    "staffing": ("need_p50", "need_p80", "need_p90", "available", "gap", "fte", "fte_low", "fte_high", "wait_share"),
    "visit_workload": ("due", "overdue", "triggered", "triggered_low", "triggered_high", "minutes"),
}


def digest_of_answer(answer: pl.DataFrame) -> str:
    """Return the digest of a table that was shown but is stored nowhere."""
    return make_export("answer", answer, "csv").sha256


class Actions(DeskBase):
    """Writes decisions, visits and exports of one viewer."""

    def decide(
        self,
        advice_id: str,
        action: str,
        reason: str | None = None,
        adjusted: float | None = None,
        comment: str = "",
        *,
        view: dict[str, Any] | None = None,
        standing: int | Literal["any"] | None = "any",
    ) -> Decision:
        """Record what the viewer does with one row of advice. The audit row keeps the advice as the edition gives it.

        Parameters
        ----------
        action
            ``accept``, ``adjust`` or ``decline``; ``withdraw`` takes the standing decision back.
        reason
            One of ``data.records.REASON_CODES``; None to accept. ``other`` needs a comment.
        adjusted
            The value the viewer puts in place of the advice, for ``adjust`` and only then: officers on duty for
            staffing, visits for workload, officer-hours for a hotspot.
        view
            What the page showed, as for :meth:`opened`: which list, which period.
        standing
            Number of the decision the page showed as standing, None for none; when another one stands by now, nothing
            is recorded. ``any`` does not ask.

        Raises
        ------
        AccessDeniedError
            If the role does not decide, the advice is about another area, or the grant ended meanwhile.
        RequestError
            If the advice is unknown, the decision incomplete, or another one stands than was shown.

        Notes
        -----
        A later decision on the same advice supersedes the earlier one; both stay on record.
        """
        details: dict[str, Any] = {
            "action": action,
            "reason": reason,
            "adjusted": adjusted,
            "comment_length": len(comment),
            **({"view": view} if view else {}),
        }
        with self._refusals_recorded("decide", advice_id, details):
            access.require_doing(self.viewer, "decide")
            table, row = self._advice(advice_id)
        check_decision(action, reason, adjusted, comment)
        decision = Decision(
            decision_id=0,
            at="",
            edition_id=self.edition_id,
            advice_id=advice_id,
            advice_table=table,
            station_code=row.get("station_code") or row.get("unit_code"),
            beat_code=row.get("beat_code"),
            action=action,
            reason=reason,
            adjusted=adjusted,
            comment=comment,
            viewer=self.viewer.name,
            role=self.viewer.role,
        )
        newest = self._own_edition_ids[-1]
        if newest != self.edition_id:
            details["newer_edition"] = newest
        told = {**details, "advice": {name: row[name] for name in AS_TOLD[table] if row[name] is not None}}
        event = self._event("decide", advice_id, details=told)
        with self._refusals_recorded("decide", advice_id, details):
            return append_decision(self.records, decision, event, allowed=self._still_granted, standing=standing)

    def decisions(
        self, advice_ids: Collection[str] | None = None, *, all_editions: bool = False, until: int | None = None
    ) -> pl.DataFrame:
        """Return decisions in the viewer's area, newest first; ``current`` marks the latest on its advice.

        Parameters
        ----------
        until
            Only decisions up to this number, as if no later ones had been made.
        """
        with self._refusals_recorded("read", "decisions"):
            access.require_table(self.viewer, "decisions")
            editions = [self.edition_id] if not all_editions else self._own_editions()
            found = read_decisions(self.records, editions, advice_ids, until)
            return access.records_for(self.viewer, "decisions", found, self.scope)

    def record_visit(
        self,
        object_id: str,
        contact: bool,
        minutes: float,
        note_code: str,
        visited_at: datetime | None = None,
        *,
        visit_kind: str | None = None,
    ) -> VisitRecord:
        """Record a visit to an object on the plan of the viewer's beat; kind and beat come from the plan.

        Parameters
        ----------
        minutes
            Time on the spot, travel excluded, however many officers came along.
        visit_kind
            Which of its visits it was, where the object is on the plan more than once; the first one where left out.

        Raises
        ------
        AccessDeniedError
            If the role does not record visits, or the object is not on the plan of the own beat.
        RequestError
            If the note is unknown, the minutes are out of range, or the time lies in the future.
        """
        with self._refusals_recorded("record_visit", object_id):
            access.require_doing(self.viewer, "record_visit")
            plan = self._read("visit_plan").filter(pl.col("object_id") == object_id).sort("rank")
            if visit_kind is not None:
                plan = plan.filter(pl.col("visit_kind").cast(pl.String) == visit_kind)
            if plan.is_empty():
                raise AccessDeniedError("this object is not on the plan of this beat.", where=self.viewer.name)
        row = plan.row(0, named=True)
        event = self._event("record_visit", object_id, details={"contact": contact, "note_code": note_code})
        with self._refusals_recorded("record_visit", object_id):
            return append_visit(
                self.records,
                event,
                object_id=object_id,
                visit_kind=row["visit_kind"],
                beat_code=row["beat_code"],
                contact=contact,
                minutes=minutes,
                note_code=note_code,
                recorded_by=self.viewer.name,
                visited_at=visited_at,
                allowed=self._still_granted,
            )

    def visits_recorded(self, beat_code: str) -> pl.DataFrame:
        """Return the visits recorded on a beat, newest first. Commanders do not see who made them."""
        with self._refusals_recorded("read", "visits_recorded", {"beat": beat_code}):
            access.require_table(self.viewer, "visits_recorded")
            access.require_area(self.viewer, self.scope, "beat", beat_code)
            # The area was checked above; a beat without a row in `areas` is in no commander's scope but the force's.
            found = read_visits(self.records, beat_code, self._own_editions())
            return access.records_for(self.viewer, "visits_recorded", found, self.scope)

    def may(self, doing: str) -> bool:
        """Return whether the viewer's role does something (``decide``, ``record_visit``, ``export`` …)."""
        return access.may_do(self.viewer, doing)

    def export(
        self,
        kind: str,
        table: pl.DataFrame,
        format: str,
        asked: dict[str, Any] | None = None,
        reading: Reading | None = None,
    ) -> Export:
        """Return a frame the desk gave out as a file. The audit row is written before the bytes are returned.

        Parameters
        ----------
        kind
            Table the frame came from, see ``data.permissions.TABLES``; also the start of the file name.
        table
            The rows as shown.
        format
            ``csv`` (UTF-8 with byte-order mark), ``xlsx`` or ``geojson`` (hotspots only).
        asked
            What the method of the desk named like the kind was asked for, so that the file can be made again.
        reading
            The same rows in the reader's words, the first sheet of a workbook.

        Raises
        ------
        AccessDeniedError
            If the role does not export, or not this table, or the frame has a column the role may not read.
        RequestError
            If the format is unknown or does not suit the table.
        """
        with self._refusals_recorded("export", kind, {"format": format}):
            access.require_doing(self.viewer, "export")
            access.require_table(self.viewer, kind)
            if kind in EDITION:
                foreign = set(EDITION[kind].column_names()) - set(access.columns_for(self.viewer, kind))
                if found := sorted(foreign & set(table.columns)):
                    raise AccessDeniedError(f"the role {self.viewer.role} does not read {found}.", where=kind)
        name = f"{kind}_{self.edition_id}" if self.has_edition else kind
        export = make_export(name, table, format, reading)
        details = {
            "format": format,
            "rows": table.height,
            "columns": table.columns,
            "sha256": export.sha256,
            **({} if asked is None else {"asked": asked}),
            # The first sheet is in the reader's words, which later versions may choose otherwise; the rows stay.
            **({} if reading is None else {"data_sha256": make_export(name, table, "csv").sha256}),
        }
        event = self._event("export", kind, details=details, of_the_data=kind in OF_THE_DATA)
        with self._refusals_recorded("export", kind, {"format": format}):
            append_audit(self.records, event, self._still_granted)
        return export

    def told_what_if(self, move: dict[str, Any], answer: pl.DataFrame) -> None:
        """Write the audit row of a staffing table computed for a move of officers, before it is shown.

        Parameters
        ----------
        move
            ``from`` and ``to`` (unit, shift) and ``officers``.
        answer
            Schema ``Staffing``, as the viewer is about to see it.
        """
        with self._refusals_recorded("what_if", "staffing"):
            access.require_doing(self.viewer, "decide")
            access.require_table(self.viewer, "staffing")
        details = {"asked": move, "sha256": digest_of_answer(answer)}
        append_audit(self.records, self._event("what_if", "staffing", details=details))

    def _advice(self, advice_id: str) -> tuple[str, dict[str, Any]]:
        """Return the table and the row of one piece of advice, as the viewer may see it.

        Raises
        ------
        AccessDeniedError
            If it is about another area.
        RequestError
            If the edition has no such advice.
        """
        for table in ADVICE_TABLES:
            found = self._table(table).filter(pl.col("advice_id") == advice_id)
            if found.is_empty():
                continue
            visible = access.rows_for(self.viewer, table, found, self.scope)
            if visible.is_empty():
                raise AccessDeniedError("this advice is about another area.", where=self.viewer.name)
            return table, visible.row(0, named=True)
        raise RequestError(
            f"the edition has no advice {advice_id!r}.",
            where=self.edition_id,
            remedy=f"Choose a row of {', '.join(ADVICE_TABLES)}.",
        )
