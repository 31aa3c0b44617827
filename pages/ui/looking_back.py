"""What earlier editions told and what then happened: for the model page, the briefing and the card of a place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from data.access import may_read
from data.records.decisions import DECISION_ACTIONS
from pages.ui import decisions, downloads, provenance, tables
from pages.ui.formats import interval, number, period, share
from pages.ui.language import t

if TYPE_CHECKING:
    from data.desk import Desk

#: Advice nobody decided on, named like a decision.
OPEN = "open"
#: Expectations of sums above this are printed without a decimal.
WHOLE_FROM = 10


def draw(desk: Desk, category: str, horizon_days: int) -> None:
    """Draw the past lists of a category against what happened, and by what people had decided, for who may know."""
    st.subheader(t("looking_back.title"), anchor=False)
    lists = desk.past_lists(category, horizon_days).to_dicts()
    if not lists:
        tables.note(t("looking_back.none"))
        return
    tables.takeaway(list_sentence(lists[0]))
    st.html(lists_table(lists))
    tables.note(t("looking_back.note"))
    provenance.draw(desk, "past_lists")
    downloads.draw(desk, "past_lists", {"category": category, "horizon_days": horizon_days}, ("csv", "xlsx"))
    if may_read(desk.viewer, "past_places"):
        _draw_decided(desk, desk.past_places(category, horizon_days).to_dicts())


def list_sentence(row: dict[str, Any]) -> str:
    """Return what one past list told, what happened, and what the plain count would have caught."""
    return t(
        f"looking_back.list.{came_true(row)}",
        period=period(row["period_start"], row["period_end"]),
        n=number(row["places"]),
        expected=_amount(row["expected"]),
        hits=number(row["hits"]),
        low=number(row["hits_low"]),
        high=number(row["hits_high"]),
        plain=_amount(row["plain_hits"]),
    )


def came_true(row: dict[str, Any]) -> str:
    """Return whether what was told lies in the interval of what happened: ``right``, ``high`` or ``low``."""
    if row["expected"] > row["hits_high"]:
        return "high"
    return "low" if row["expected"] < row["hits_low"] else "right"


def lists_table(rows: list[dict[str, Any]]) -> str:
    """Return past lists as an HTML table, newest first."""
    columns = ("period", "places", "expected", "hits", "share", "plain", "inside")
    return tables.html_table(
        [t(f"looking_back.column.{name}") for name in columns],
        [
            [
                period(row["period_start"], row["period_end"]),
                number(row["places"]),
                _amount(row["expected"]),
                interval(row["hits"], row["hits_low"], row["hits_high"], 0),
                share(row["hits"] / row["events"] if row["events"] else None),
                _amount(row["plain_hits"]),
                t(
                    "looking_back.inside",
                    share=share(row["inside"] / row["places"]),
                    level=share(row["interval_level"]),
                ),
            ]
            for row in rows
        ],
        numeric=range(1, len(columns)),
    )


def _draw_decided(desk: Desk, places: list[dict[str, Any]]) -> None:
    standing = decisions.latest_by_advice(desk, [row["advice_id"] for row in places], all_editions=True)
    if not standing:
        tables.note(t("looking_back.undecided"))
        return
    st.html(decided_table(places, {advice_id: row["action"] for advice_id, row in standing.items()}))
    tables.note(t("looking_back.decided_note"))


def decided_table(places: list[dict[str, Any]], actions: dict[str, str]) -> str:
    """Return past places by what people had decided on them, as an HTML table.

    Parameters
    ----------
    actions
        Advice id → decision that stands; places without one are told apart.
    """
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in places:
        groups.setdefault(actions.get(row["advice_id"], OPEN), []).append(row)
    return tables.html_table(
        [t(f"looking_back.column.{name}") for name in ("decision", "places", "expected", "observed")],
        [
            [
                t("looking_back.open" if action == OPEN else f"codes.decision.{action}"),
                number(len(groups[action])),
                _amount(sum(row["expected"] for row in groups[action])),
                number(sum(row["observed"] for row in groups[action])),
            ]
            for action in (*DECISION_ACTIONS, OPEN)
            if action in groups
        ],
        caption=t("looking_back.decided_caption"),
        numeric=(1, 2, 3),
    )


def headline(desk: Desk, horizon_days: int) -> str:
    """Return how the lists of the newest judged edition did, over all categories; empty where none was judged."""
    rows = newest(desk.past_lists(None, horizon_days).to_dicts())
    if not rows:
        return ""
    return t(
        "looking_back.headline",
        period=period(rows[0]["period_start"], rows[0]["period_end"]),
        n=number(sum(row["places"] for row in rows)),
        expected=_amount(sum(row["expected"] for row in rows)),
        hits=number(sum(row["hits"] for row in rows)),
        plain=_amount(sum(row["plain_hits"] for row in rows)),
    )


def headline_of_beat(desk: Desk, horizon_days: int, beat: str | None) -> str:
    """Return how the listed places of a beat did in the newest judged edition; empty where it had none."""
    rows = newest(
        [row for row in desk.past_places(None, horizon_days).to_dicts() if beat is None or row["beat_code"] == beat]
    )
    if not rows:
        return ""
    return t(
        "looking_back.headline_beat",
        period=period(rows[0]["period_start"], rows[0]["period_end"]),
        n=number(len(rows)),
        expected=_amount(sum(row["expected"] for row in rows)),
        observed=number(sum(row["observed"] for row in rows)),
    )


def newest(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of the newest edition among rows that are newest first."""
    return [row for row in rows if row["told_by"] == rows[0]["told_by"]]


def place_sentence(desk: Desk, category: str, horizon_days: int, place_id: str) -> str:
    """Return what was told of a place the last time it was listed, and what happened; empty where it never was."""
    if not may_read(desk.viewer, "past_places"):
        return ""
    told = [row for row in desk.past_places(category, horizon_days).to_dicts() if row["place_id"] == place_id]
    if not told:
        return ""
    row = told[0]
    return t(
        "looking_back.place",
        period=period(row["period_start"], row["period_end"]),
        rank=row["rank"],
        expected=interval(row["expected"], row["low"], row["high"]),
        observed=number(row["observed"]),
    )


def _amount(value: float) -> str:
    return number(value, 0 if value >= WHOLE_FROM else 1)
