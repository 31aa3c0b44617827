"""What a person does with one row of advice: accept, adjust or decline. Three taps: action, reason, save."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import streamlit as st

from data.access import may_read
from data.errors import BeatwiseError, StaleError
from data.records.decisions import (
    DECISION_ACTIONS,
    LARGEST_ADJUSTED,
    LONGEST_COMMENT,
    OTHER,
    REASON_CODES,
    WITHDRAW,
)
from pages.ui.formats import day, literal, moment, number
from pages.ui.language import current, named, t

if TYPE_CHECKING:
    from data.desk import Desk


def latest_by_advice(desk: Desk, advice_ids: list[str], *, all_editions: bool = False) -> dict[str, dict[str, Any]]:
    """Return the decision that stands for each row of advice that has one; none for those who do not read them.

    Advice whose decision was withdrawn has none.
    """
    if not may_read(desk.viewer, "decisions"):
        return {}
    frame = desk.decisions(advice_ids, all_editions=all_editions)
    return {row["advice_id"]: row for row in frame.to_dicts() if row["current"] and row["action"] != WITHDRAW}


def in_words(decision: dict[str, Any] | None) -> str:
    """Return a decision in a word or two, for a table cell; a dash when there is none."""
    if decision is None:
        return "–"
    words = t(f"codes.decision.{decision['action']}")
    return f"{words} {number(decision['adjusted'], 0)}" if decision["adjusted"] is not None else words


def in_full(decision: dict[str, Any], timezone: str) -> str:
    """Return a decision in a sentence: what, why, who, when."""
    reason = t(f"codes.decision_reason.{decision['reason']}") if decision["reason"] else ""
    parts = [in_words(decision), reason, decision["comment"], decision["viewer"], moment(decision["at"], timezone)]
    return " · ".join(part for part in parts if part)


def draw_form(
    desk: Desk,
    advice_id: str,
    *,
    decision: dict[str, Any] | None,
    adjusted_label: str,
    adjusted_from: float,
    timezone: str,
    view: dict[str, str],
) -> None:
    """Draw the standing decision and the form for a new one.

    Parameters
    ----------
    adjusted_label, adjusted_from
        What "adjust" sets, with its unit, and the value the advice has.
    view
        What the page shows, for the audit row.
    """
    st.markdown(f"**{t('decisions.title')}**")
    if decision:
        st.success(literal(in_full(decision, timezone)), icon=":material/how_to_reg:")
    newest = desk.editions()[0]
    if newest["edition_id"] != desk.edition_id:
        st.caption(t("decisions.older_edition", day=day(date.fromisoformat(newest["as_of"]))))
    # A saved form starts empty again: its controls get new names, because a browser keeps the values of old ones.
    saved = f"decided.{advice_id}"
    turn = st.session_state.setdefault(saved, 0)
    prefix = f"decide.{advice_id}.{current()}"
    # What stood on the screen when the button was pressed; this run may have read another decision already.
    stands, seen = decision["decision_id"] if decision else None, f"decided.{advice_id}.seen"
    shown = st.session_state.get(seen, stands)
    st.session_state[seen] = stands
    actions = (*DECISION_ACTIONS, WITHDRAW) if decision else DECISION_ACTIONS
    action = st.segmented_control(
        t("decisions.action"),
        actions,
        format_func=named("codes.decision", actions).__getitem__,
        key=f"{prefix}.action.{turn}",
        label_visibility="collapsed",
    )
    if action is None:
        st.caption(t("decisions.hint"))
        return
    reason, adjusted = None, None
    if action == "adjust":
        adjusted = st.number_input(
            adjusted_label,
            min_value=0.0,
            max_value=LARGEST_ADJUSTED,
            value=float(round(adjusted_from)),
            step=1.0,
            key=f"{prefix}.adjusted.{turn}",
        )
    if action != "accept":
        reason = st.pills(
            t("decisions.reason"),
            REASON_CODES,
            format_func=named("codes.decision_reason", REASON_CODES).__getitem__,
            key=f"{prefix}.reason.{turn}",
        )
    comment = st.text_input(
        t("decisions.comment"),
        max_chars=LONGEST_COMMENT,
        key=f"{prefix}.comment.{turn}",
        placeholder=t("decisions.comment_hint"),
    )
    if st.button(t("decisions.save"), type="primary", key=f"{prefix}.save.{turn}"):
        if action != "accept" and reason is None:
            st.warning(t("decisions.reason_missing"), icon=":material/info:")
            return
        if reason == OTHER and not comment.strip():
            st.warning(t("decisions.comment_missing"), icon=":material/info:")
            return
        try:
            desk.decide(
                advice_id, action, reason, adjusted=adjusted, comment=comment.strip(), view=view, standing=shown
            )
        except StaleError:
            st.warning(t("decisions.changed"), icon=":material/info:")
            return
        except BeatwiseError as error:
            st.error(literal(error))
            return
        st.session_state[saved] = turn + 1
        st.toast(t("decisions.saved"), icon=":material/check:")
        st.rerun()
