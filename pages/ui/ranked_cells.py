"""What the tables of ranked places say alike, whatever the places are: rank, expected count, interval, plain count."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages.ui.formats import counted, number, rank_change
from pages.ui.language import t


def cells_of(row: dict[str, Any]) -> dict[str, Any]:
    """Return rank, expected count, interval and plain count of a ranked place as cells of a table."""
    return {
        "rank": row["rank"],
        "expected": row["expected"],
        "interval": f"{number(row['low'])}–{number(row['high'])}",
        "baseline": rank_change(row["rank"], row["baseline_rank"]),
        "count": t("common.hidden")
        if row.get("suppressed")
        else counted(row["baseline_count"], row.get("rounded_to", 1)),
    }


def columns_around(after_rank: dict[str, Any], after_interval: dict[str, Any], last: dict[str, Any]) -> dict[str, Any]:
    """Return the columns of a table of ranked places with their words.

    Parameters
    ----------
    after_rank, after_interval, last
        Further columns: which place it is; what a reader of a small screen wants first; the rest.
    """
    column = st.column_config
    return {
        "rank": column.NumberColumn(t("hotspots.column.rank"), width=58),
        **after_rank,
        "expected": column.NumberColumn(t("hotspots.column.expected"), format="%.1f", width=76),
        "interval": column.TextColumn(t("hotspots.column.interval"), width=64),
        **after_interval,
        "baseline": column.TextColumn(
            t("hotspots.column.baseline"), help=t("hotspots.column.baseline_help"), width=112
        ),
        "count": column.TextColumn(t("hotspots.column.count"), width=92),
        **last,
    }
