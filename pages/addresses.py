"""Addresses: how many reported addresses found their standard address, and the ones a person has to decide."""

from __future__ import annotations

from pages.ui.guard import guard

desk = guard("addresses")

import streamlit as st  # noqa: E402

from pages.ui import address_reviews, frame, provenance, tables  # noqa: E402
from pages.ui.language import t  # noqa: E402

frame.head(desk, "addresses")
counts = desk.address_link_counts()
if counts.is_empty():
    st.info(t("addresses.nothing"), icon=":material/info:")
    st.stop()

waiting = desk.address_reviews_waiting()
tables.takeaway(address_reviews.summary_of(counts, waiting))
tables.figures(address_reviews.figures_of(counts))
provenance.draw_snapshot(desk, ("calls", "addresses"))

tables.note(address_reviews.note_on_none(counts))
st.subheader(t("addresses.queue"), anchor=False)
if desk.viewer.role == "steward":
    address_reviews.draw_queue(desk, waiting)
else:
    st.info(t("addresses.steward_only", texts=waiting["texts"], calls=waiting["calls"]), icon=":material/lock:")

levels, methods = st.columns(2, gap="medium")
with levels:
    st.subheader(t("addresses.levels"), anchor=False)
    st.html(address_reviews.level_table(counts))
    tables.note(t("addresses.levels_note"))
with methods:
    st.subheader(t("addresses.how"), anchor=False)
    st.html(address_reviews.method_table(counts))
    tables.note(t("addresses.how_note"))
