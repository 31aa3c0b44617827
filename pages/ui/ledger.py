"""The audit log and the decisions in words."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import streamlit as st

from data.errors import BeatwiseError, RequestError
from data.records.decisions import WITHDRAW
from pages.ui import decisions, frame, places, tables
from pages.ui.formats import NONE, literal, moment, number, share
from pages.ui.language import current, t, term, words

if TYPE_CHECKING:
    import polars as pl

    from data.desk import Desk
    from data.records import ChainReport

#: Digits of a hash that are shown in a sentence.
HASH_DIGITS = 16


def draw_chain(report: ChainReport) -> None:
    """Draw the verifier's result: whole, or the first row that does not fit."""
    if report.whole:
        st.success(
            t(
                "audit.whole",
                rows=number(report.rows),
                seq=report.head_seq,
                hash=report.head_hash[:HASH_DIGITS],
                files=number(report.files),
            ),
            icon=":material/verified:",
        )
        if report.unsealed:
            st.info(t("audit.unsealed", names=literal(", ".join(report.unsealed))), icon=":material/info:")
        if report.unguarded:
            st.warning(t("audit.unguarded", tables=", ".join(report.unguarded)), icon=":material/lock_open:")
        if report.went_back is not None:
            st.warning(t("audit.went_back", seq=report.went_back), icon=":material/history:")
    elif report.first_broken_seq is None:
        st.error(t("audit.disagrees", problem=literal(report.problem)), icon=":material/gpp_bad:")
    else:
        st.error(t("audit.broken", seq=report.first_broken_seq, problem=report.problem), icon=":material/gpp_bad:")


def verify(desk: Desk, noted: str) -> None:
    """Draw the verification of the log, against a row noted earlier when one is named."""
    from data.records import noted_head

    try:
        report = desk.verify_audit(noted_head(noted) if noted.strip() else None)
    except RequestError as error:
        st.warning(t("audit.noted_wrong", problem=literal(error)), icon=":material/info:")
        return
    draw_chain(report)


def reproduce(desk: Desk, seq: int) -> None:
    """Draw whether what a row of the log gave out, made again, is the same."""
    try:
        found = desk.reproduce(seq)
    except BeatwiseError as error:
        st.warning(literal(error), icon=":material/info:")
        return
    rows = number(sum(found.rows.values()))
    if found.same is None:
        st.info(t("audit.reproduced.page", seq=seq, rows=rows), icon=":material/info:")
    elif found.same:
        st.success(t("audit.reproduced.same", seq=seq, rows=rows), icon=":material/verified:")
    else:
        st.error(t("audit.reproduced.other", seq=seq), icon=":material/gpp_bad:")
    if found.code_then != found.code_now:
        st.caption(t("audit.reproduced.code", then=literal(found.code_then or NONE), now=literal(found.code_now)))


def decisions_summary(decided: pl.DataFrame) -> str:
    """Return how much advice was accepted, adjusted and declined, latest decisions only."""
    standing = decided.filter(decided["current"] & (decided["action"] != WITHDRAW))
    if standing.is_empty():
        return t("audit.no_decisions")
    counts = dict(standing.group_by("action").len().iter_rows())
    return t(
        "audit.decided",
        n=number(standing.height),
        **{name: share(counts.get(name, 0) / standing.height) for name in ("accept", "adjust", "decline")},
    )


def decision_rows(desk: Desk, decided: pl.DataFrame, zone: str) -> list[dict[str, Any]]:
    """Return decisions, newest first; a later decision on the same advice supersedes the earlier one."""
    return [
        {
            "at": moment(row["at"], zone),
            "edition": row["edition_id"],
            "table": term("table", row["advice_table"]),
            "place": _place(desk, row),
            "decision": decisions.in_words(row),
            "reason": t(f"codes.decision_reason.{row['reason']}") if row["reason"] else None,
            "comment": row["comment"],
            "viewer": row["viewer"],
            "stands": t("common.yes" if row["current"] and row["action"] != WITHDRAW else "common.no"),
        }
        for row in decided.to_dicts()
    ]


#: Columns of the two lists, pixels: what fits a tablet. The rest of a row is told below it.
DECISION_WIDTHS = {"at": 136, "place": 150, "decision": 110, "viewer": 120, "stands": 78}
LOG_WIDTHS = {"at": 136, "viewer": 118, "event": 112, "object": 132, "success": 78}


def decision_columns() -> dict[str, Any]:
    """Return the columns of the list of decisions."""
    return _text_columns(DECISION_WIDTHS)


def decision_details(row: dict[str, Any]) -> str:
    """Return the rest of a decision: edition, table, reason, comment."""
    return _details(row, ("edition", "table", "reason", "comment"))


def log_summary(log: pl.DataFrame) -> str:
    """Return how many entries there are and how many were refusals."""
    refused = log.height - int(log["success"].sum() or 0)
    return t("audit.log_summary", n=number(log.height), refused=number(refused))


def log_rows(log: pl.DataFrame, zone: str, *, only_refused: bool) -> list[dict[str, Any]]:
    """Return the log, newest first."""
    return [
        {
            "seq": row["seq"],
            "at": _when(row["at"], zone),
            "viewer": row["viewer"],
            "role": term("role", row["role"]),
            "event": term("event", row["event"]),
            "object": object_words(row["object"]),
            "edition": row["edition_id"],
            "success": t("audit.done" if row["success"] else "audit.refused"),
            "reason": row["reason"],
            "basis": basis_words(row),
            "details": details_of(row["details"]),
            "hash": row["row_hash"],
        }
        for row in log.to_dicts()
        if not (only_refused and row["success"])
    ]


def basis_words(row: dict[str, Any]) -> str:
    """Return purposes and legal bases of an entry, known ones in the reader's words."""
    said = (frame.phrases(row[name].split("; ")) for name in ("purpose", "legal_basis") if row[name])
    return " / ".join(said)


def _when(text: str, zone: str) -> str:
    try:
        return moment(text, zone)
    except ValueError:
        return text  # As above.


def object_words(code: str) -> str:
    """Return what an entry is about in words: a page, a table, or another thing a role may read; else its code."""
    known = words(current())
    names = (f"common.pages.{code}", f"codes.object.{code}", f"codes.table.{code}")
    return next((known[name] for name in names if name in known), code)


def details_of(text: str | None) -> str:
    """Return the details of an entry as ``key=value`` pairs; nested ones are drawn flat, empty ones left out."""
    flat: dict[str, Any] = {}
    try:
        details = json.loads(text) if text else {}
        items = details.items()
    except (ValueError, AttributeError):
        return str(text)  # Changed by somebody: the verifier names the row, and the reader sees what it says now.
    for key, value in items:
        flat |= value if isinstance(value, dict) else {key: value}
    return ", ".join(f"{key}={value}" for key, value in flat.items() if value not in (None, "", []))


def log_columns() -> dict[str, Any]:
    """Return the columns of the log."""
    return {"seq": st.column_config.NumberColumn(t("audit.column.seq"), width=64), **_text_columns(LOG_WIDTHS)}


def log_details(row: dict[str, Any]) -> str:
    """Return the rest of an entry: role, why it was refused, purpose and basis, edition, details, hash."""
    return _details(row, ("role", "reason", "basis", "edition", "details", "hash"))


def _text_columns(widths: dict[str, int]) -> dict[str, Any]:
    return {name: st.column_config.TextColumn(t(f"audit.column.{name}"), width=width) for name, width in widths.items()}


def _details(row: dict[str, Any], names: tuple[str, ...]) -> str:
    return tables.details({t(f"audit.column.{name}"): [row[name] or NONE] for name in names})


def _place(desk: Desk, row: dict[str, Any]) -> str:
    """Return the beat a decision is about, else the station."""
    level = "beat" if row["beat_code"] else "station"
    return places.named(desk, row[f"{level}_code"], level)
