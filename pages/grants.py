"""Grants: who may sign in, as what and for where. Read only; grants are made on the server, with a row in the log."""

from __future__ import annotations

from pages.ui.guard import guard

desk = guard("grants")

import streamlit as st  # noqa: E402

from pages.ui import accounts, frame, tables  # noqa: E402
from pages.ui.language import t  # noqa: E402

if desk.viewer.role != "security":
    frame.head(desk, "grants")
else:
    frame.bare_head("grants")

found = desk.viewers()
if found.height:
    tables.takeaway(accounts.summary_of(found))
    only_open = st.toggle(t("grants.only_open"), value=True, key="grants.only_open")
    rows = accounts.rows_of(found, only_open=only_open)
    if rows:
        tables.draw_plain(
            rows, accounts.columns_of(rows), alt=t("common.pages.grants"), height=tables.height_for(len(rows))
        )
    else:
        tables.note(t("grants.nobody"))
else:
    # Where identities are picked freely, nobody needs a grant.
    tables.takeaway(t("grants.none_yet"))
tables.note(t("grants.note"))
if desk.may("grant"):
    with st.expander(t("grants.how")):
        tables.note(t("grants.how_note"))
        st.code(
            "beatwise viewer grant NAME --role ROLE --store …\nbeatwise viewer revoke NAME --store …", language=None
        )
