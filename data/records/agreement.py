"""Whether the records agree with the audit log.

A decision, a visit or a role that somebody wrote into the database, changed or took out beside the front door leaves
the hash chain whole; here it shows.

Every row of ``decisions``, ``visit_records`` and ``address_reviews`` was written together with an audit row that holds
the digest of all its columns (rows from before that are compared by when, who and what about). Every grant and its end
has an audit row too.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from data.files import digest_of
from data.records.audit import AuditEvent, ChainReport, verify_chain
from data.records.database import Records
from data.records.migrations import NAMED
from data.records.tables import address_reviews, audit_log, decisions, unguarded, viewers, visit_records

#: Key of an audit row's details with the digest of the record it announces.
DIGEST = "record_sha256"
#: Columns that tables of records got after the first digests were written.
LATER_COLUMNS = frozenset({"jurisdiction"})
#: Event → table of the records it announces, and their columns for when, by whom and what about.
ANNOUNCED: dict[str, tuple[sa.Table, tuple[str, str, str]]] = {
    "decide": (decisions, ("at", "viewer", "advice_id")),
    "record_visit": (visit_records, ("recorded_at", "recorded_by", "object_id")),
    "review_address": (address_reviews, ("at", "viewer", "text_key")),
}


def announcing(audit: AuditEvent, table: sa.Table, values: dict[str, Any]) -> AuditEvent:
    """Return the audit row of a record with the digest of that record in its details."""
    return replace(audit, details={**audit.details, DIGEST: _digest(table, values)})


def verify_records(records: Records, expected_head: tuple[int, str] | None = None) -> ChainReport:
    """Return :func:`data.records.audit.verify_chain`, and of a whole chain whether the records agree with it."""
    report = verify_chain(records, expected_head)
    with records.reading() as connection:
        report = replace(report, unguarded=unguarded(connection))
    problem = disagreement(records) if report.whole else None
    return report if problem is None else replace(report, whole=False, problem=problem)


def disagreement(records: Records) -> str | None:
    """Return the first way in which the records do not agree with the audit log, or None. The chain must be whole."""
    with records.reading() as connection:
        for event, (table, columns) in ANNOUNCED.items():
            found = _of_records(connection, event, table, columns)
            if found:
                return found
        return _of_grants(connection)


def _of_records(connection: sa.Connection, event: str, table: sa.Table, columns: tuple[str, str, str]) -> str | None:
    announced: dict[tuple[str, str, str], list[str | None]] = {}
    for row in _rows_of(connection, event):
        announced.setdefault((row["at"], row["viewer"], row["object"]), []).append(
            json.loads(row["details"]).get(DIGEST)
        )
    number = next(iter(table.primary_key.columns)).name
    for record in connection.execute(sa.select(table).order_by(table.c[number])).mappings():
        at, by, about = (str(record[name]) for name in columns)
        digests = announced.get((at, by, about), [])
        fitting = next((each for each in (_digest(table, dict(record)), None) if each in digests), "none")
        if fitting == "none":
            return f"{table.name} {record[number]} is not as the log says, or is not in it"
        digests.remove(fitting)
    if left := next((key for key, digests in announced.items() if digests), None):
        return f"a row of {table.name} is gone: {left[2]} of {left[0]}"
    return None


def _of_grants(connection: sa.Connection) -> str | None:
    granted = Counter(_grants_in_the_log(connection))
    named = _forces_named_later(connection)
    ended = Counter((row["at"], row["viewer"], row["object"]) for row in _rows_of(connection, "revoke"))
    for held in connection.execute(sa.select(viewers).order_by(viewers.c.grant_id)).mappings():
        later = named.get(held["grant_id"])
        # What the grant itself named: nothing, where the force was named for it later.
        force = None if later is not None else held["jurisdiction"]
        key = (held["granted_at"], held["granted_by"], held["name"], held["role"], force, held["area_code"])
        known = next((each for each in ((*key, held["area_level"]), (*key, None)) if granted[each] > 0), None)
        if known is None or later not in (None, held["jurisdiction"]):
            return f"grant {held['grant_id']} ({held['role']}) is not as the log says, or is not in it"
        granted[known] -= 1
        if held["revoked_at"] is not None:
            end = (held["revoked_at"], held["revoked_by"], held["name"])
            if ended[end] < 1:
                return f"the end of grant {held['grant_id']} is not in the log"
            ended[end] -= 1
    if +granted:
        return f"a grant is gone: {next(iter(+granted))[3]} of {next(iter(+granted))[0]}"
    if +ended:
        return f"a grant that ended on {next(iter(+ended))[0]} is open"
    return None


def _grants_in_the_log(connection: sa.Connection) -> Iterator[tuple[Any, ...]]:
    for row in _rows_of(connection, "grant"):
        details = json.loads(row["details"])
        force = details.get("jurisdiction")
        yield (row["at"], row["viewer"], row["object"], details["role"], force, details["area"], details.get("level"))


def _forces_named_later(connection: sa.Connection) -> dict[int, str]:
    """Return number of grant → police force it was given when grants began to name one."""
    rows = [json.loads(row["details"]) for row in _rows_of(connection, NAMED)]
    return {grant_id: told["jurisdiction"] for told in rows for grant_id in told["grants"]}


def _rows_of(connection: sa.Connection, event: str) -> Iterator[sa.RowMapping]:
    query = sa.select(audit_log).where(audit_log.c.event == event, audit_log.c.success.is_(True))
    yield from connection.execute(query.order_by(audit_log.c.seq)).mappings()


def _digest(table: sa.Table, values: dict[str, Any]) -> str:
    """Return the digest of all columns but the number, as the database gives them back.

    A column that came later is left out where it is null, so that earlier records keep their digest.
    """
    content = {
        column.name: float(values[column.name])
        if isinstance(column.type, sa.Float) and values[column.name] is not None
        else values[column.name]
        for column in table.columns
        if not column.primary_key and (column.name not in LATER_COLUMNS or values.get(column.name) is not None)
    }
    return digest_of(content)
