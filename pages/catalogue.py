"""Catalogue: what is held, of which class and grade, on which basis, for what, how long, and who gets it."""

from __future__ import annotations

from pages.ui.guard import guard

desk = guard("catalogue")

import streamlit as st  # noqa: E402

from data import access  # noqa: E402
from pages.ui import expiries, frame, holdings, tables  # noqa: E402
from pages.ui.language import current, t, term  # noqa: E402

if desk.viewer.role != "security":
    frame.head(desk, "catalogue")
else:
    frame.bare_head("catalogue")
columns, words = desk.catalogue_columns(), desk.catalogue_words()

tables.takeaway(holdings.summary_of(columns))
tables.takeaway(holdings.inheritance_words(columns, desk.grade_problems()))
tables.note(t("catalogue.metadata_only"))

# Five lists of their own: on one page they are seven screens, and a reader comes for one of them.
by_name = st.tabs([t(f"catalogue.{name}_title") for name in ("tables", "columns", "routing", "bases", "retention")])
with by_name[0]:
    rows = holdings.table_rows(columns)
    list_key = f"catalogue.tables.{current()}"
    tables.draw_selectable(
        rows,
        holdings.table_columns(),
        key=list_key,
        alt=t("catalogue.tables_title"),
        on_select="rerun",
        height=tables.height_for(len(rows)),
    )
    tables.note(t("catalogue.tables_note"))
    tapped = rows[tables.selected_row(list_key) or 0]
    with st.container(border=True):
        st.subheader(tapped["table"], anchor=False)
        st.html(holdings.table_details(columns.filter(columns["table"] == tapped["code"]), words))
with by_name[1]:
    table = st.selectbox(
        t("catalogue.choose"),
        columns["table"].unique(maintain_order=True).to_list(),
        format_func=lambda code: term("table", code),
        key=f"catalogue.table.{current()}",
    )
    chosen = columns.filter(columns["table"] == table)
    st.html(holdings.columns_table(chosen, words))
with by_name[2]:
    st.html(holdings.routing_table(desk.routing()))
    tables.note(t("catalogue.routing_note"))
with by_name[3]:
    st.html(holdings.bases_table(desk.legal_bases(), words))
    tables.note(t("catalogue.bases_note"))
with by_name[4]:
    st.html(holdings.retention_table(desk.catalogue_rules()))
    tables.note(t("catalogue.retention_note"))

    if access.may_read(desk.viewer, "retention"):
        today = desk.today()
        due = desk.retention_due(today)
        st.subheader(t("catalogue.expiry.title"), anchor=False)
        tables.takeaway(expiries.summary_of(due))
        if due.height:
            st.html(expiries.expiry_table(due, words, today))
        tables.note(t("catalogue.expiry.note"))
        for line in expiries.report_words(desk.retention_reports()):
            tables.note(line)
