"""Addresses at the desk: what the linkage found, and the queue of links the data steward decides."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from data import access
from data.desk.base import DeskBase
from data.errors import RequestError
from data.integration.addresses.elements import ELEMENTS, parse_addresses, plain_text
from data.integration.addresses.reviews import AppliedReviews, apply_reviews, review_queue
from data.records.address_reviews import AddressReview, append_address_review, read_address_reviews
from data.records.audit import append_audit
from data.schemas.links import LINK_LEVELS, LINK_OUTCOMES
from data.seals import seal_snapshot

#: Why the steward may read address texts, grade 4; written into the audit log at every reading.
TEXT_PURPOSE = "address linkage: decide which standard address a reported text means"


class Addresses(DeskBase):
    """Counts of links for steward and auditor; texts and decisions for the steward alone."""

    def address_link_counts(self) -> pl.DataFrame:
        """Return links of the current snapshot by ``outcome``, ``method`` and ``level``: ``links``, ``placed``.

        ``placed`` counts the links that give a point, for a call with or without one of its own.
        """
        self._require("address_links")
        links = self._current_snapshot().scan("address_links")
        counts = links.group_by("outcome", "method", "level").agg(
            pl.len().alias("links"), pl.col("lon").is_not_null().sum().alias("placed")
        )
        order = [pl.col("outcome").cast(pl.Enum(LINK_OUTCOMES)), pl.col("level").cast(pl.Enum(LINK_LEVELS)), "method"]
        return counts.sort(order).collect()

    def address_reviews(self, limit: int = 50) -> pl.DataFrame:
        """Return the texts that wait for a decision, most calls first.

        Parameters
        ----------
        limit
            How many texts at most.

        Returns
        -------
        DataFrame
            ``text_key``, ``address_code``, ``written`` (as reported, grade 4), ``standard``, ``calls``,
            ``probability``, ``differences`` (names of what differs), and for each element of ``ELEMENTS`` the two
            readings as ``written_<element>`` and ``standard_<element>``.

        Notes
        -----
        One decision holds for all calls with the same text. Texts decided since the snapshot was written are left out.
        The reading is in the audit log, with its purpose, before a text is returned.
        """
        with self._refusals_recorded("read", "address_texts"):
            access.require_table(self.viewer, "address_texts")
        waiting = self._waiting().head(limit)
        event = self._event(
            "read", "address_texts", details={"texts": waiting.height, "use": TEXT_PURPOSE}, of_the_data=True
        )
        append_audit(self.records, event)
        if waiting.is_empty():
            return waiting
        standard = parse_addresses(waiting["standard"])
        # As the linkage reads them: a caller may leave out the sign of a city or district.
        known = {name: standard[name].drop_nulls().unique().sort().to_list() for name in ("city", "district")}
        written = parse_addresses(plain_text(waiting["written"]), cities=known["city"], districts=known["district"])
        readings = {"written": written, "standard": standard}
        named = [
            elements.select(pl.col(name).alias(f"{side}_{name}") for name in ELEMENTS)
            for side, elements in readings.items()
        ]
        return pl.concat([waiting, *named], how="horizontal")

    def address_reviews_waiting(self) -> dict[str, int]:
        """Return how many texts wait, for how many calls, and how many were decided since the snapshot."""
        self._require("address_links")
        queue, decided = self._queue(), self._decided()
        open_ones = queue.join(decided, on=["text_key", "address_code"], how="anti")
        return {
            "texts": open_ones.height,
            "calls": int(open_ones["calls"].sum()),
            "decided": queue.height - open_ones.height,
        }

    def review_address(self, text_key: str, address_code: str, decision: str) -> AddressReview:
        """Record what a text means; used by :meth:`apply_address_reviews`, or when the next files are loaded.

        Parameters
        ----------
        text_key, address_code
            A row of :meth:`address_reviews`.
        decision
            ``accept``, ``reject`` or ``none``, see ``data.records.address_reviews.REVIEW_DECISIONS``.

        Raises
        ------
        AccessDeniedError
            If the role does not decide on addresses.
        RequestError
            If nothing of that text and address waits, or the decision is unknown.
        """
        details = {"text_key": text_key, "address_code": address_code, "decision": decision}
        with self._refusals_recorded("review_address", text_key, details):
            access.require_doing(self.viewer, "review_address")
        found = self._waiting().filter(pl.col("text_key") == text_key, pl.col("address_code") == address_code)
        if found.is_empty():
            raise RequestError(
                "this address does not wait for a decision.", where=text_key, remedy="It may have been decided already."
            )
        review = AddressReview(
            review_id=0,
            at="",
            snapshot_id=self._current_snapshot().snapshot_id,
            text_key=text_key,
            address_code=address_code,
            decision=decision,
            probability=float(found["probability"][0]),
            viewer=self.viewer.name,
            jurisdiction=self.viewer.jurisdiction,
        )
        event = self._event("review_address", text_key, details={**details, "use": TEXT_PURPOSE}, of_the_data=True)
        return append_address_review(self.records, review, event)

    def apply_address_reviews(self) -> AppliedReviews:
        """Write a new snapshot in which the decisions recorded so far hold; it is current from then on.

        Raises
        ------
        AccessDeniedError
            If the role does not decide on addresses.
        RequestError
            If no decision waits to be applied.
        """
        with self._refusals_recorded("apply_addresses", "address_links"):
            access.require_doing(self.viewer, "apply_addresses")
        before = self._current_snapshot()
        details = {"from_snapshot": before.snapshot_id, **self.address_reviews_waiting()}
        append_audit(self.records, self._event("apply_addresses", "address_links", details=details, of_the_data=True))
        now = datetime.fromisoformat(self.records.now())
        done = apply_reviews(self.store, self.records, applied_by=self.viewer.name, now=now, forces=self.forces)
        seal_snapshot(self.store, self.records, viewer=self.viewer.name, role=self.viewer.role)
        return done

    def _waiting(self) -> pl.DataFrame:
        return self._queue().join(self._decided(), on=["text_key", "address_code"], how="anti", maintain_order="left")

    def _queue(self) -> pl.DataFrame:
        snapshot_id = self._current_snapshot().snapshot_id
        return review_queue(str(self.store.root.resolve()), snapshot_id, self.forces).drop("sources")

    def _decided(self) -> pl.DataFrame:
        forces = self._current_snapshot().jurisdictions
        return read_address_reviews(self.records, forces).select("text_key", "address_code").unique()
