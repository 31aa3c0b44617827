"""Sources: which mappings are in force, and from a sample file to a new one without writing code."""

from __future__ import annotations

from pages.ui.guard import guard

desk = guard("sources")

import streamlit as st  # noqa: E402

from pages.ui import frame, mapping_desk, tables  # noqa: E402
from pages.ui.language import t  # noqa: E402

frame.head(desk, "sources")
mappings = desk.mappings()

tables.takeaway(mapping_desk.summary_of(mappings))
with st.expander(t("sources.mappings"), icon=":material/list_alt:", expanded=not desk.may("save_mapping")):
    st.html(mapping_desk.mappings_table(mappings))
    tables.note(t("sources.mappings_note"))
if desk.may("save_mapping"):
    mapping_desk.draw_desk(desk)
else:
    st.info(t("sources.steward_only"), icon=":material/lock:")
