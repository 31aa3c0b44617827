"""Audit: who did what on which basis, what was advised and decided, and whether the log is whole."""

from __future__ import annotations

from pages.ui.guard import guard

desk = guard("audit")

from collections.abc import Callable  # noqa: E402
from typing import Any  # noqa: E402

import streamlit as st  # noqa: E402

from pages.ui import advice, downloads, frame, ledger, tables, who_saw  # noqa: E402
from pages.ui.language import current, t  # noqa: E402

frame.head(desk, "audit")
zone = advice.timezone(desk)


def draw_list(
    name: str, rows: list[dict[str, Any]], columns: dict[str, Any], rest: Callable[[dict[str, Any]], str]
) -> dict[str, Any] | None:
    """Draw rows of which one is told in full below, and return that one."""
    if not rows:
        st.caption(t("common.no_rows"))
        return None
    key = f"audit.{name}.{current()}"
    tables.draw_selectable(
        rows,
        columns,
        key=key,
        alt=t(f"audit.{name.partition('.')[0]}"),
        on_select="rerun",
        height=tables.height_for(len(rows), most=8),
    )
    chosen = rows[min(tables.selected_row(key) or 0, len(rows) - 1)]
    with st.container(border=True):
        st.html(rest(chosen))
    return chosen


st.subheader(t("audit.chain"), anchor=False)
with st.container(horizontal=True, vertical_alignment="center"):
    checked = st.button(t("audit.verify"), type="primary", icon=":material/verified_user:", key="audit.verify")
    noted = st.text_input(
        t("audit.noted"), placeholder=t("audit.noted_hint"), label_visibility="collapsed", key="audit.noted", width=260
    )
tables.note(t("audit.chain_note"))
if checked:
    ledger.verify(desk, noted)

st.subheader(t("audit.decisions"), anchor=False)
decided = desk.decisions(all_editions=True)
tables.takeaway(ledger.decisions_summary(decided))
if decided.height:
    draw_list(
        "decisions", ledger.decision_rows(desk, decided, zone), ledger.decision_columns(), ledger.decision_details
    )
    asked = {"all_editions": True, "until": int(decided["decision_id"][0])}
    downloads.draw(desk, "decisions", asked, ("csv", "xlsx"))

st.subheader(t("audit.log"), anchor=False)
log = desk.audit_log(500)
tables.takeaway(ledger.log_summary(log))
only_refused = st.toggle(t("audit.only_refused"), key="audit.only_refused")
entries = ledger.log_rows(log, zone, only_refused=only_refused)
entry = draw_list(f"log.{only_refused}", entries, ledger.log_columns(), ledger.log_details)
if entry and st.button(
    t("audit.reproduce", seq=entry["seq"]),
    icon=":material/replay:",
    key="audit.reproduce",
    help=t("audit.reproduce_help"),
):
    ledger.reproduce(desk, entry["seq"])
if log.height:
    downloads.draw(desk, "audit_log", {"limit": 500, "until": int(log["seq"][0])}, ("csv", "xlsx"))
if log.height and desk.has_edition:
    who_saw.draw(desk, zone, who_saw.last_day(log, zone))
