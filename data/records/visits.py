"""Visits recorded on the beat: three taps, no free text. Appended, never changed."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import polars as pl
import sqlalchemy as sa

from data.errors import RequestError
from data.records.agreement import announcing
from data.records.audit import AuditEvent, append_audit_with
from data.records.database import Records
from data.records.tables import audit_log, visit_records

#: What was found. Labels live in the locales; no free text, so that no personal data enters here.
NOTE_CODES = ("in_order", "nobody_there", "refused", "hazard_found", "changed", "closed_down", "follow_up")
#: No visit on the spot lasts longer, minutes; a larger number is a slip of the finger.
LONGEST_VISIT_MINUTES = 480.0


@dataclass(frozen=True)
class VisitRecord:
    """One visit as it was recorded."""

    visit_record_id: int
    object_id: str
    visit_kind: str
    beat_code: str
    contact: bool
    minutes: float
    note_code: str
    visited_at: str
    recorded_at: str
    recorded_by: str


def append_visit(
    records: Records,
    audit: AuditEvent,
    *,
    object_id: str,
    visit_kind: str,
    beat_code: str,
    contact: bool,
    minutes: float,
    note_code: str,
    recorded_by: str,
    visited_at: datetime | None = None,
    allowed: Callable[[sa.Connection], None] | None = None,
) -> VisitRecord:
    """Write the audit row, then the visit, in one transaction.

    Parameters
    ----------
    allowed
        Asked inside the transaction; refuses by raising.
    visited_at
        Zone-aware time of the visit; None means now.

    Raises
    ------
    RequestError
        If the note is unknown, the minutes are out of range, or the time has no zone or lies in the future.
    """
    if note_code not in NOTE_CODES:
        raise RequestError(f"there is no note {note_code!r}.", remedy=f"Notes: {', '.join(NOTE_CODES)}.")
    if not (math.isfinite(minutes) and 0 <= minutes <= LONGEST_VISIT_MINUTES):
        raise RequestError(f"the minutes of a visit must be 0 to {LONGEST_VISIT_MINUTES:.0f}. Got {minutes} instead.")
    now = records.now()
    visited = now
    if visited_at is not None:
        if visited_at.tzinfo is None:
            raise RequestError("the time of a visit needs a time zone.")
        visited = visited_at.astimezone(UTC).isoformat(timespec="microseconds")
        if visited > now:
            raise RequestError("a visit cannot be recorded before it was made.")
    values = {
        "object_id": object_id,
        "visit_kind": visit_kind,
        "beat_code": beat_code,
        "contact": contact,
        "minutes": minutes,
        "note_code": note_code,
        "visited_at": visited,
        "recorded_at": now,
        "recorded_by": recorded_by,
    }
    with records.writing() as connection:
        if allowed is not None:
            allowed(connection)
        append_audit_with(connection, announcing(audit, visit_records, values), now)
        query = visit_records.insert().values(**values).returning(*visit_records.c)
        return VisitRecord(**connection.execute(query).mappings().one())


def read_visits(records: Records, beat_code: str, editions: Collection[str] | None = None) -> pl.DataFrame:
    """Return the recorded visits of one beat, newest first.

    Parameters
    ----------
    editions
        Only visits recorded from the plans of these editions; None for all. Beats of two police forces may have one
        code: the editions tell them apart.
    """
    query = (
        recorded_from(sa.select(visit_records), editions)
        .where(visit_records.c.beat_code == beat_code)
        .order_by(visit_records.c.visited_at.desc(), visit_records.c.visit_record_id.desc())
    )
    with records.reading() as connection:
        rows = [asdict(VisitRecord(**row)) for row in connection.execute(query).mappings()]
    return pl.DataFrame(rows, schema=VISIT_RECORDS)


def read_all_visits(records: Records, editions: Collection[str] | None = None) -> pl.DataFrame:
    """Return every recorded visit, oldest first, to be written back to the upstream system.

    Parameters
    ----------
    editions
        As in :func:`read_visits`: those of one police force, where the store holds several.
    """
    query = recorded_from(sa.select(visit_records), editions).order_by(visit_records.c.visit_record_id)
    with records.reading() as connection:
        rows = [asdict(VisitRecord(**row)) for row in connection.execute(query).mappings()]
    return pl.DataFrame(rows, schema=VISIT_RECORDS)


def recorded_from(query: sa.Select[Any], editions: Collection[str] | None) -> sa.Select[Any]:
    """Narrow a query of visits to those whose audit row names one of some editions; None leaves it as it is."""
    if editions is None:
        return query
    announced = sa.and_(
        audit_log.c.at == visit_records.c.recorded_at,
        audit_log.c.event == "record_visit",
        audit_log.c.viewer == visit_records.c.recorded_by,
        audit_log.c.object == visit_records.c.object_id,
        audit_log.c.edition_id.in_(sorted(editions)),
    )
    return query.where(sa.exists().where(announced))


#: Columns of :func:`read_visits`.
VISIT_RECORDS = {
    "visit_record_id": pl.Int64,
    "object_id": pl.String,
    "visit_kind": pl.String,
    "beat_code": pl.String,
    "contact": pl.Boolean,
    "minutes": pl.Float64,
    "note_code": pl.String,
    "visited_at": pl.String,
    "recorded_at": pl.String,
    "recorded_by": pl.String,
}
