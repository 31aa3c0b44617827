"""Audit: who did what on which basis, what was advised and decided, and whether the log is whole."""

from __future__ import annotations

from pages.ui.guard import guard

desk = guard("audit")

import streamlit as st  # noqa: E402

from pages.ui import advice, downloads, frame, ledger, tables  # noqa: E402
from pages.ui.language import t  # noqa: E402

frame.head(desk, "audit")
zone = advice.timezone(desk)

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
    tables.draw_plain(
        ledger.decision_rows(desk, decided, zone),
        ledger.decision_columns(),
        alt=t("audit.decisions"),
        height=tables.height_for(decided.height, most=8),
    )
    downloads.draw(desk, "decisions", lambda: decided, ("csv", "xlsx"))

st.subheader(t("audit.log"), anchor=False)
log = desk.audit_log(500)
tables.takeaway(ledger.log_summary(log))
only_refused = st.toggle(t("audit.only_refused"), key="audit.only_refused")
tables.draw_plain(
    ledger.log_rows(log, zone, only_refused=only_refused),
    ledger.log_columns(),
    alt=t("audit.log"),
    height=tables.height_for(log.height),
)
downloads.draw(desk, "audit_log", lambda: log, ("csv", "xlsx"))
