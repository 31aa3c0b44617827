"""The two controls of every page about hotspots: what is forecast, and for how long."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.ui import advice, tables, urls
from pages.ui.language import current, t, term

if TYPE_CHECKING:
    from data.desk import Desk


def draw(desk: Desk) -> tuple[str, int]:
    """Return the category and the days ahead the reader has chosen; stop the page where nothing was forecast."""
    if not advice.categories(desk) or not desk.horizons():
        tables.note(t("hotspots.empty"))
        st.stop()
    with st.container(key="controls", horizontal=True, vertical_alignment="bottom"):
        category = urls.choose(
            "category",
            t("hotspots.category"),
            advice.categories(desk),
            words=lambda code: term("category", code),
            lang=current(),
            width=320,
            default=first_listed(desk),
        )
        horizon_days = urls.choose(
            "horizon",
            t("hotspots.horizon"),
            desk.horizons(),
            words=lambda days: t("hotspots.days", n=days),
            lang=current(),
            as_segments=True,
            default=max(desk.horizons()),
        )
    return category, horizon_days


def first_listed(desk: Desk) -> str:
    """Return the most frequent category with a ranked place this reader may see: an officer's beat is on few lists."""
    known = advice.categories(desk)
    horizon_days = max(desk.horizons())
    return next((code for code in known if desk.hotspots(code, horizon_days).height), known[0])
