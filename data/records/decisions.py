"""Decisions: what a person did with one row of advice. Appended, never changed; the latest one counts."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import asdict, dataclass

import polars as pl
import sqlalchemy as sa

from data.errors import RequestError
from data.records.agreement import announcing
from data.records.audit import AuditEvent, append_audit_with
from data.records.database import Records
from data.records.tables import decisions
from data.sources.personal_values import redact

DECISION_ACTIONS = ("accept", "adjust", "decline")
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
    "other",
)
LONGEST_COMMENT = 500


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
    if action not in DECISION_ACTIONS:
        raise RequestError(f"there is no action {action!r}.", remedy=f"Actions: {', '.join(DECISION_ACTIONS)}.")
    if action == "accept" and reason is not None:
        raise RequestError("accepting advice takes no reason.", where=action)
    if action != "accept" and reason not in REASON_CODES:
        raise RequestError(
            f"adjusting or declining needs a reason; got {reason!r}.", remedy=f"Reasons: {', '.join(REASON_CODES)}."
        )
    if (action == "adjust") != (adjusted is not None):
        raise RequestError("an adjusted value belongs to 'adjust', and only there.", where=action)
    if adjusted is not None and not (math.isfinite(adjusted) and adjusted >= 0):
        raise RequestError(f"the adjusted value must be a number of 0 or more. Got {adjusted} instead.")
    if len(comment) > LONGEST_COMMENT:
        raise RequestError(f"a comment has at most {LONGEST_COMMENT} characters; this one has {len(comment)}.")
    if any(sign < " " and sign not in "\n\t" for sign in comment):
        raise RequestError("a comment must not hold control characters.")
    if redact(comment)[1]:
        # Never changed and never deleted: what identifies a person must not enter.
        raise RequestError(
            "a comment must not hold an identity number, a telephone number or an e-mail address.",
            remedy="Name the place or the number of the case instead.",
        )


def append_decision(records: Records, decision: Decision, audit: AuditEvent) -> Decision:
    """Write the audit row, then the decision, in one transaction: both stand or neither.

    ``decision_id`` and ``at`` of the argument are replaced by those of the database and the clock.
    """
    check_decision(decision.action, decision.reason, decision.adjusted, decision.comment)
    at = records.now()
    values = {**asdict(decision), "at": at}
    del values["decision_id"]
    with records.writing() as connection:
        append_audit_with(connection, announcing(audit, decisions, values), at)
        number = connection.execute(decisions.insert().values(**values).returning(decisions.c.decision_id)).scalar_one()
    return Decision(decision_id=number, **values)


def read_decisions(
    records: Records, editions: Collection[str] | None, advice_ids: Collection[str] | None = None
) -> pl.DataFrame:
    """Return decisions, newest first, with ``current`` = the latest on its advice.

    Parameters
    ----------
    editions
        Decisions on these editions; None for all.
    advice_ids
        Only these rows of advice; None for all.
    """
    query = sa.select(decisions).order_by(decisions.c.decision_id.desc())
    if editions is not None:
        query = query.where(decisions.c.edition_id.in_(sorted(editions)))
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
