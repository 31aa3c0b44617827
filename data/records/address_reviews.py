"""Address reviews: what the data steward decided about a proposed link. Appended, never changed; the latest counts.

The address text is not stored here, only its digest: the text stays in the calls, grade 4.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass

import polars as pl
import sqlalchemy as sa

from data.errors import RequestError
from data.permissions import ALL_FORCES
from data.records.agreement import announcing
from data.records.audit import AuditEvent, append_audit_with
from data.records.database import Records
from data.records.tables import address_reviews

#: ``accept``: the text means this address; ``reject``: not this one; ``none``: no standard address is meant.
REVIEW_DECISIONS = ("accept", "reject", "none")


@dataclass(frozen=True)
class AddressReview:
    """One decision as it was recorded. It holds for every call with the same text.

    ``jurisdiction`` is that of the steward's grant: a decision holds for the calls of that police force, and for all
    without one or with ``data.permissions.ALL_FORCES``.
    """

    review_id: int
    at: str
    snapshot_id: str
    text_key: str
    address_code: str
    decision: str
    probability: float
    viewer: str
    jurisdiction: str | None = None


def append_address_review(records: Records, review: AddressReview, audit: AuditEvent) -> AddressReview:
    """Write the audit row, then the review, in one transaction: both stand or neither.

    ``review_id`` and ``at`` of the argument are replaced by those of the database and the clock.

    Raises
    ------
    RequestError
        If the decision is unknown.
    """
    if review.decision not in REVIEW_DECISIONS:
        raise RequestError(
            f"there is no decision {review.decision!r} on an address.", remedy=f"One of {', '.join(REVIEW_DECISIONS)}."
        )
    at = records.now()
    values = {**asdict(review), "at": at}
    del values["review_id"]
    with records.writing() as connection:
        append_audit_with(connection, announcing(audit, address_reviews, values), at)
        query = address_reviews.insert().values(**values).returning(address_reviews.c.review_id)
        number = connection.execute(query).scalar_one()
    return AddressReview(review_id=number, **values)


def read_address_reviews(records: Records, forces: Collection[str] | None = None) -> pl.DataFrame:
    """Return reviews, oldest first, as the address linkage takes them.

    Parameters
    ----------
    forces
        Only those that hold for the calls of every one of these police forces; None for all.
    """
    with records.reading() as connection:
        rows = connection.execute(sa.select(address_reviews).order_by(address_reviews.c.review_id)).mappings()
        found = pl.DataFrame([dict(row) for row in rows], schema=ADDRESS_REVIEWS)
    if forces is None:
        return found
    everywhere = pl.col("jurisdiction").is_null() | (pl.col("jurisdiction") == ALL_FORCES)
    only = next(iter(forces)) if len(forces) == 1 else None
    return found.filter(everywhere | pl.col("jurisdiction").eq_missing(pl.lit(only, dtype=pl.String)))


#: Columns of :func:`read_address_reviews`.
ADDRESS_REVIEWS = {
    "review_id": pl.Int64,
    "at": pl.String,
    "snapshot_id": pl.String,
    "text_key": pl.String,
    "address_code": pl.String,
    "decision": pl.String,
    "probability": pl.Float64,
    "viewer": pl.String,
    "jurisdiction": pl.String,
}
