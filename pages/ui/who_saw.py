"""Who saw what is told of an area between two days, for which purpose and on which legal basis."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import streamlit as st

from data.errors import BeatwiseError
from pages.ui import ledger, places, tables
from pages.ui.formats import literal, moment, number
from pages.ui.language import current, t, term

if TYPE_CHECKING:
    import polars as pl

    from data.desk import Desk

#: Days that are offered to start with.
DAYS = 30
#: Widths of the list, pixels.
WIDTHS = {"seq": 56, "at": 150, "viewer": 136, "role": 80, "event": 88, "object": 96, "basis": 190, "how": 110}


def draw(desk: Desk, zone: str, last: date) -> None:
    """Draw the question and its answer.

    Parameters
    ----------
    last
        Local day of the newest row of the log.
    """
    st.subheader(t("audit.who_saw.title"), anchor=False)
    levels = {code: level for level in ("beat", "station", "sub_bureau") for code in places.codes(desk, level)}
    if not levels:
        st.caption(t("common.no_rows"))
        return
    names = {code: f"{places.named(desk, code, level)} ({code})" for code, level in levels.items()}
    with st.form("audit.who_saw", border=True):
        area, first, end, tap = st.columns([3, 1.6, 1.6, 1.2], vertical_alignment="bottom")
        code = area.selectbox(
            t("audit.who_saw.area"),
            list(levels),
            format_func=names.__getitem__,
            key=f"audit.who_saw.area.{current()}",
        )
        since = first.date_input(
            t("audit.who_saw.since"), last - timedelta(days=DAYS), format="YYYY-MM-DD", key="audit.who_saw.since"
        )
        until = end.date_input(t("audit.who_saw.until"), last, format="YYYY-MM-DD", key="audit.who_saw.until")
        asked = tap.form_submit_button(t("audit.who_saw.ask"), type="primary", width="stretch")
    tables.note(t("audit.who_saw.note"))
    if not asked:
        return
    try:
        found = desk.who_saw(code, since, until + timedelta(days=1))
    except BeatwiseError as error:
        st.warning(literal(error), icon=":material/info:")
        return
    tables.takeaway(summary_of(found))
    rows = rows_of(found, zone)
    columns = {
        name: st.column_config.TextColumn(t(f"audit.column.{name}"), width=width) for name, width in WIDTHS.items()
    }
    tables.draw_plain(rows, columns, alt=t("audit.who_saw.title"), height=tables.height_for(max(len(rows), 1), most=10))


def last_day(log: pl.DataFrame, zone: str) -> date:
    """Return the local day of the newest row that has one; rows that somebody changed may have none."""
    for at in log["at"]:
        try:
            return datetime.fromisoformat(at).astimezone(ZoneInfo(zone)).date()
        except ValueError:
            continue  # The verifier names the row.
    return date(2000, 1, 1) + timedelta(days=DAYS)


def summary_of(found: pl.DataFrame) -> str:
    """Return how many accounts saw it, and by how many rows of the log."""
    return t("audit.who_saw.summary", accounts=number(found["viewer"].n_unique()), rows=number(found.height))


def rows_of(found: pl.DataFrame, zone: str) -> list[dict[str, Any]]:
    """Return the rows in words, newest first."""
    return [
        {
            "seq": str(row["seq"]),
            "at": moment(row["at"], zone),
            "viewer": row["viewer"],
            "role": term("role", row["role"]),
            "event": term("event", row["event"]),
            "object": ledger.object_words(row["object"]),
            "basis": ledger.basis_words(row),
            "how": t(f"audit.who_saw.{'named' if row['named'] else 'within'}"),
        }
        for row in reversed(found.to_dicts())
    ]
