"""Decisions: what a person did with one row of advice. Appended, never changed; the latest one counts."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass
from typing import Literal

import polars as pl
import sqlalchemy as sa

from data.errors import RequestError, StaleError
from data.hidden_signs import hidden_signs
from data.records.agreement import announcing
from data.records.audit import AuditEvent, append_audit_with
from data.records.database import Records
from data.records.tables import decisions
from data.sources.personal_values import redact

#: What is done with advice.
DECISION_ACTIONS = ("accept", "adjust", "decline")
#: What takes the standing decision on advice back: the advice is open again, and all of it stays on record.
WITHDRAW = "withdraw"
#: Why advice was adjusted or declined. Labels live in the locales.
REASON_CODES = (
    "local_knowledge",
    "already_covered",
    "not_enough_officers",
    "other_priority",
    "planned_event",
    "data_wrong",
    "data_stale",
    "not_convincing",
    "slip",
    "other",
)
#: Says nothing by itself: it needs a comment of at least so many letters or digits (下雨 is a reason).
OTHER, LEAST_SAID = "other", 2
LONGEST_COMMENT = 500
#: No unit of advice (officers, visits, officer-hours) is put higher by anybody who means it.
LARGEST_ADJUSTED = 10_000.0


@dataclass(frozen=True)
class Decision:
    """One decision as it was recorded. ``adjusted`` is in the unit of the advice: officers on duty, or visits."""

    decision_id: int
    at: str
    edition_id: str
    advice_id: str
    advice_table: str
    station_code: str | None
    beat_code: str | None
    action: str
    reason: str | None
    adjusted: float | None
    comment: str
    viewer: str
    role: str


def check_decision(action: str, reason: str | None, adjusted: float | None, comment: str) -> None:
    """Refuse a decision that is incomplete or contradicts itself.

    Raises
    ------
    RequestError
        If the action or reason is unknown, a reason or the adjusted value is missing or out of place, or the comment
        is too long.
    """
    known = (*DECISION_ACTIONS, WITHDRAW)
    if action not in known:
        raise RequestError(f"there is no action {action!r}.", remedy=f"Actions: {', '.join(known)}.")
    if action == "accept" and reason is not None:
        raise RequestError("accepting advice takes no reason.", where=action)
    if action != "accept" and reason not in REASON_CODES:
        raise RequestError(
            f"adjusting, declining or withdrawing needs a reason; got {reason!r}.",
            remedy=f"Reasons: {', '.join(REASON_CODES)}.",
        )
    if (action == "adjust") != (adjusted is not None):
        raise RequestError("an adjusted value belongs to 'adjust', and only there.", where=action)
    if adjusted is not None and not (math.isfinite(adjusted) and 0 <= adjusted <= LARGEST_ADJUSTED):
        raise RequestError(
            f"the adjusted value must be 0 or more and at most {LARGEST_ADJUSTED:,.0f}. Got {adjusted} instead."
        )
    if len(comment) > LONGEST_COMMENT:
        raise RequestError(f"a comment has at most {LONGEST_COMMENT} characters; this one has {len(comment)}.")
    if reason == OTHER and sum(sign.isalnum() for sign in comment) < LEAST_SAID:
        raise RequestError("the reason 'other' needs a comment that says which.", where=action)
    if hidden_signs(comment, allowed="\n\t"):
        raise RequestError("a comment must not hold control characters.")
    if redact(comment)[1]:
        # Never changed and never deleted: what identifies a person must not enter.
        raise RequestError(
            "a comment must not hold an identity number, a telephone number or an e-mail address.",
            remedy="Name the place or the number of the case instead.",
        )


def append_decision(
    records: Records,
    decision: Decision,
    audit: AuditEvent,
    *,
    allowed: Callable[[sa.Connection], None] | None = None,
    standing: int | Literal["any"] | None = "any",
) -> Decision:
    """Write the audit row, then the decision, in one transaction: both stand or neither.

    ``decision_id`` and ``at`` of the argument are replaced by those of the database and the clock.

    Parameters
    ----------
    allowed
        Asked inside the transaction, so that nothing changes between the question and the record; refuses by raising.
    standing
        Number of the decision that stood when the viewer was shown the advice, None for none; ``any`` does not ask.

    Raises
    ------
    StaleError
        If another decision stands by now than ``standing``.
    RequestError
        If the decision is incomplete, or there is none to withdraw.
    """
    check_decision(decision.action, decision.reason, decision.adjusted, decision.comment)
    with records.writing() as connection:
        # After the lock was taken: rows of one log are in the order of their times.
        at = records.now()
        values = {**asdict(decision), "at": at}
        del values["decision_id"]
        if allowed is not None:
            allowed(connection)
        _require_standing(connection, decision, standing)
        append_audit_with(connection, announcing(audit, decisions, values), at)
        number = connection.execute(decisions.insert().values(**values).returning(decisions.c.decision_id)).scalar_one()
    return Decision(decision_id=number, **values)


def _require_standing(connection: sa.Connection, decision: Decision, expected: int | Literal["any"] | None) -> None:
    """Refuse a decision made over another one its viewer has not seen, and the withdrawal of none."""
    same = sa.and_(decisions.c.edition_id == decision.edition_id, decisions.c.advice_id == decision.advice_id)
    query = sa.select(decisions.c.decision_id, decisions.c.action, decisions.c.viewer).where(same)
    last = connection.execute(query.order_by(decisions.c.decision_id.desc()).limit(1)).first()
    stands = last if last is not None and last.action != WITHDRAW else None
    if expected != "any" and (stands.decision_id if stands else None) != expected:
        who = f" by {stands.viewer}" if stands else ": it was withdrawn"
        raise StaleError(
            f"the decision on this advice changed meanwhile{who}.",
            where=decision.advice_id,
            remedy="Look at it and decide again.",
        )
    if decision.action == WITHDRAW and stands is None:
        raise RequestError("there is no decision to withdraw.", where=decision.advice_id)


def read_decisions(
    records: Records,
    editions: Collection[str] | None,
    advice_ids: Collection[str] | None = None,
    until: int | None = None,
) -> pl.DataFrame:
    """Return decisions, newest first, with ``current`` = the latest on its advice.

    Parameters
    ----------
    editions
        Decisions on these editions; None for all.
    advice_ids
        Only these rows of advice; None for all.
    until
        Only decisions up to this number.
    """
    query = sa.select(decisions).order_by(decisions.c.decision_id.desc())
    if editions is not None:
        query = query.where(decisions.c.edition_id.in_(sorted(editions)))
    if until is not None:
        query = query.where(decisions.c.decision_id <= until)
    with records.reading() as connection:
        rows = [dict(row) for row in connection.execute(query).mappings()]
    frame = pl.DataFrame(rows, schema=DECISIONS)
    if advice_ids is not None:
        # Filtered here: a long list of ids would pass SQLite's limit of parameters.
        frame = frame.filter(pl.col("advice_id").is_in(sorted(advice_ids)))
    return frame.with_columns(current=pl.struct("edition_id", "advice_id").is_first_distinct())


#: Columns of :func:`read_decisions`, ``current`` excepted.
DECISIONS = {
    "decision_id": pl.Int64,
    "at": pl.String,
    "edition_id": pl.String,
    "advice_id": pl.String,
    "advice_table": pl.String,
    "station_code": pl.String,
    "beat_code": pl.String,
    "action": pl.String,
    "reason": pl.String,
    "adjusted": pl.Float64,
    "comment": pl.String,
    "viewer": pl.String,
    "role": pl.String,
}
