"""The controls of every page about hotspots: what is forecast, for how long, and which of the edition's lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.ui import advice, certainty, tables, urls
from pages.ui.language import category_name, current, t

if TYPE_CHECKING:
    from data.desk import Desk

#: Code of the level that is no area: the grid's cells.
CELLS = "cell"


def draw(desk: Desk) -> tuple[str, int]:
    """Return the category and the days ahead the reader has chosen; stop the page where nothing was forecast."""
    with _controls():
        return _choose_forecast(desk)


def draw_with_lists(desk: Desk) -> tuple[str, int, str, float | None]:
    """Return category, days ahead, what is ranked (cells, or a level of area), and how calm a list the reader wants.

    No calm is the list that was published; it is a matter of cells only. An officer follows the published list, and
    sees another only through a link that asks for it.
    """
    with _controls():
        category, horizon_days = _choose_forecast(desk)
        level = _choose_level(desk)
        known = desk.calm_choices(category, horizon_days)
        if level != CELLS or not known or (desk.viewer.role == "officer" and urls.state("calm") is None):
            return category, horizon_days, level, None
        verdict = certainty.verdict_of(desk, category, horizon_days)
        codes = {f"{calm:g}": calm for calm in known}
        chosen = urls.choose(
            "calm",
            t("certainty.calm.choice"),
            list(codes),
            words=lambda code: certainty.choice_words(codes[code], verdict),
            # The price of a choice is that of one category and period.
            lang=f"{current()}.{category}.{horizon_days}",
            width=370,
            default=f"{verdict.get('calm', 0.0):g}",
            help=t("certainty.calm.choice_help"),
        )
    calm = codes[chosen]
    return category, horizon_days, level, None if calm == verdict.get("calm") else calm


def _controls() -> Any:
    return st.container(key="controls", horizontal=True, vertical_alignment="bottom")


def _choose_level(desk: Desk) -> str:
    levels, units = desk.ranked_levels(), desk.ranked_units()
    if not levels and not units:
        return CELLS
    chosen = urls.choose(
        "level",
        t("areas.level"),
        [CELLS, *units, *levels],
        words=lambda level: t("areas.cells") if level == CELLS else t(f"codes.level.{level}"),
        lang=current(),
        as_segments=True,
    )
    return str(chosen)


def _choose_forecast(desk: Desk) -> tuple[str, int]:
    if not advice.categories(desk) or not desk.horizons():
        tables.note(t("hotspots.nothing_located"))
        st.stop()
    category = urls.choose(
        "category",
        t("hotspots.category"),
        advice.categories(desk),
        words=lambda code: category_name(code),
        lang=current(),
        width=250,
        default=desk.first_listed(),
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
