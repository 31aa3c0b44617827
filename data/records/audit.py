"""The audit log: who read, exported, decided, loaded or published what; a chain of hashes that shows any change.

Each row's hash covers the hash of the row before it and the row's own content as canonical JSON. A change, a missing
row or a row put in between breaks the chain at that place. The chain alone cannot show that its **end** was cut off:
keep the head (number and hash of the last row) elsewhere and give it to :func:`verify_chain`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from data.errors import RequestError
from data.files import digest_of
from data.records.tables import audit_log

if TYPE_CHECKING:
    from data.records.database import Records

#: A noted hash is compared by at least so many digits.
LEAST_DIGITS = 12
#: How far one row may be dated before the last: machines differ, and a writer waits for the lock.
CLOCK_SLACK = timedelta(minutes=1)
#: Hash before the first row.
START = "0" * 64


@dataclass(frozen=True)
class AuditEvent:
    """What happened, before it happened.

    ``event`` is a verb (``open``, ``decide``, ``record_visit``, ``export``, ``grant``, ``revoke``, ``ingest``,
    ``publish``, ``verify``); ``object`` the page, advice, table or account it is about. ``details`` is JSON-able and
    must hold codes and counts only, never row values that could identify a person.
    """

    viewer: str
    role: str
    event: str
    object: str
    edition_id: str | None = None
    snapshot_id: str | None = None
    purpose: str | None = None
    legal_basis: str | None = None
    success: bool = True
    reason: str | None = None
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ChainReport:
    """Result of :func:`verify_chain`: whole or not, rows read, head of the chain, and the first broken row.

    ``first_broken_seq`` is None where the chain is whole but the records do not agree with it. ``went_back`` is the
    first row that is dated more than ``CLOCK_SLACK`` before the row it follows: no break, but somebody set a clock.
    ``files`` counts the files of the store that were compared, ``unsealed`` names folders of it that no row vouches for
    (:func:`data.seals.verify_store`). ``unguarded`` names tables whose rows the database would let anybody change: no
    break either, but somebody took the triggers away, or a backup came back without them.
    """

    whole: bool
    rows: int
    head_seq: int
    head_hash: str
    first_broken_seq: int | None = None
    problem: str | None = None
    went_back: int | None = None
    files: int = 0
    unsealed: tuple[str, ...] = ()
    unguarded: tuple[str, ...] = ()


def append_audit(records: Records, event: AuditEvent, allowed: Callable[[sa.Connection], None] | None = None) -> int:
    """Write one row and commit it; return its number. Whatever the row announces must come after this returns.

    Parameters
    ----------
    allowed
        Asked inside the transaction; refuses by raising, and there is no row then.
    """
    with records.writing() as connection:
        if allowed is not None:
            allowed(connection)
        return append_audit_with(connection, event, records.now())


def append_audit_with(connection: sa.Connection, event: AuditEvent, at: str) -> int:
    """Write one row inside a transaction of :meth:`Records.writing`, so that the action shares its fate."""
    last = connection.execute(
        sa.select(audit_log.c.seq, audit_log.c.row_hash).order_by(audit_log.c.seq.desc()).limit(1)
    ).first()
    content = {
        "seq": last.seq + 1 if last else 1,
        "at": at,
        **{name: value for name, value in vars(event).items() if name != "details"},
        # ASCII, so that no character a database refuses (NUL, half a surrogate pair) can stop the row.
        "details": json.dumps(event.details, sort_keys=True, default=str),
    }
    previous = last.row_hash if last else START
    row = {**content, "previous_hash": previous, "row_hash": _hash_of(previous, content)}
    connection.execute(audit_log.insert().values(**row))
    return int(row["seq"])


def read_audit(
    records: Records,
    limit: int = 500,
    wanted: Callable[[dict[str, Any]], bool] | None = None,
    until: int | None = None,
) -> list[dict[str, Any]]:
    """Return the last rows, newest first, or the last of those that are wanted; up to a number, where one is named."""
    query = sa.select(audit_log).order_by(audit_log.c.seq.desc())
    if until is not None:
        query = query.where(audit_log.c.seq <= until)
    if wanted is None:
        query = query.limit(limit)
    with records.reading() as connection, closing(connection.execution_options(yield_per=1000).execute(query)) as rows:
        found = (dict(row) for row in rows.mappings())
        return list(islice((row for row in found if wanted is None or wanted(row)), limit))


def noted_head(text: str) -> tuple[int, str]:
    """Return the number and hash of a row from how a verification tells them: ``1234:9f86d081884c…``.

    Raises
    ------
    RequestError
        If the text is something else.
    """
    seq, _, digits = text.strip().rstrip("…").partition(":")
    if not (seq.isascii() and seq.isdigit() and len(seq) < 19 and set(digits.lower()) <= set("0123456789abcdef")):
        raise RequestError("a noted row is NUMBER:HASH.", where=text, remedy="For example 1234:9f86d081884c7d65.")
    return int(seq), digits


def verify_chain(records: Records, expected_head: tuple[int, str] | None = None) -> ChainReport:
    """Recompute every hash, first row to last, and name the first row that does not fit.

    Parameters
    ----------
    expected_head
        Number and hash (or its first ``LEAST_DIGITS`` digits or more) of a row noted earlier; it must still be there,
        so that a cut-off end, and a chain computed anew, show too.

    Raises
    ------
    RequestError
        If the noted hash is too short to tell.
    """
    if expected_head is not None and len(expected_head[1]) < LEAST_DIGITS:
        raise RequestError(f"a noted hash needs at least {LEAST_DIGITS} digits.", where=expected_head[1])
    previous, seq, at = START, 0, ""
    met_head, went_back = expected_head is None, None
    query = sa.select(audit_log).order_by(audit_log.c.seq)
    with records.reading() as connection, closing(connection.execution_options(yield_per=1000).execute(query)) as rows:
        for row in rows.mappings():
            problem = _problem_of(dict(row), previous, seq + 1)
            if problem:
                return ChainReport(False, seq, seq, previous, seq + 1, problem)
            if row["at"] < at and went_back is None and _moment(row["at"]) < _moment(at) - CLOCK_SLACK:
                went_back = int(row["seq"])
            previous, seq, at = row["row_hash"], row["seq"], row["at"]
            if expected_head is not None and seq == expected_head[0]:
                met_head = previous.startswith(expected_head[1].lower())
    if not met_head and expected_head is not None:
        return ChainReport(False, seq, seq, previous, expected_head[0], "the row noted earlier is gone or differs")
    return ChainReport(True, seq, seq, previous, went_back=went_back)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _problem_of(row: dict[str, Any], previous: str, expected_seq: int) -> str | None:
    if row["seq"] != expected_seq:
        return f"row {expected_seq} is missing"
    if row["previous_hash"] != previous:
        return "the row does not continue the row before it"
    content = {name: value for name, value in row.items() if name not in ("previous_hash", "row_hash")}
    return None if row["row_hash"] == _hash_of(previous, content) else "the row's content was changed"


def _hash_of(previous: str, content: dict[str, Any]) -> str:
    return digest_of([previous, content])
