"""The review queue of the address linkage: two texts element by element, and one tap to decide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import streamlit as st

from data.errors import BeatwiseError
from data.records.address_reviews import REVIEW_DECISIONS
from data.schemas.links import ELEMENTS, LINK_LEVELS, LINK_METHODS, LINK_OUTCOMES
from pages.ui import identity, tables
from pages.ui.formats import literal, number, share
from pages.ui.frame import escape
from pages.ui.language import t

if TYPE_CHECKING:
    from data.desk import Desk

#: Texts shown at a time: a queue that fits a few minutes.
SHOWN = 8
_SAVED, _PROBLEM, _APPLIED = "addresses.saved", "addresses.problem", "addresses.applied"
_ICONS = {"accept": ":material/check:", "reject": ":material/close:", "none": ":material/location_off:"}


def summary_of(counts: pl.DataFrame, waiting: dict[str, int]) -> str:
    """Return how much was linked and how much waits, in a sentence."""
    total = int(counts["links"].sum())
    matched = int(counts.filter(pl.col("outcome") == "match")["links"].sum())
    return t(
        "addresses.summary",
        total=number(total),
        matched=number(matched),
        share=share(matched / total, 1),
        texts=number(waiting["texts"]),
        calls=number(waiting["calls"]),
    )


def figures_of(counts: pl.DataFrame) -> dict[str, str]:
    """Return calls by outcome, with their share."""
    total = max(int(counts["links"].sum()), 1)
    found = dict(counts.group_by(pl.col("outcome").cast(pl.String)).agg(pl.col("links").sum()).iter_rows())
    return {
        t(f"addresses.outcome.{name}"): f"{number(found.get(name, 0))} ({share(found.get(name, 0) / total, 1)})"
        for name in LINK_OUTCOMES
    }


def note_on_none(counts: pl.DataFrame) -> str:
    """Return how many of the calls without a standard address name a road all the same."""
    without = counts.filter(pl.col("outcome") == "none")
    on_road = without.filter(pl.col("level") == "road")
    return t("addresses.none_note", none=number(int(without["links"].sum())), road=number(int(on_road["links"].sum())))


def level_table(counts: pl.DataFrame) -> str:
    """Return calls by the level of location their text reaches, as HTML."""
    rows = counts.group_by(pl.col("level").cast(pl.String)).agg(pl.col("links").sum(), pl.col("placed").sum())
    found = {row["level"]: row for row in rows.to_dicts()}
    body = [
        [t(f"addresses.level.{name}"), number(found[name]["links"]), number(found[name]["placed"])]
        for name in LINK_LEVELS
        if name in found
    ]
    headers = [t(f"addresses.column.{name}") for name in ("level", "links", "placed")]
    return tables.html_table(headers, body, numeric=(1, 2))


def method_table(counts: pl.DataFrame) -> str:
    """Return calls by outcome and by what decided, as HTML."""
    found = {
        (outcome, method): links
        for outcome, method, links in counts.group_by(
            pl.col("outcome").cast(pl.String), pl.col("method").cast(pl.String)
        )
        .agg(pl.col("links").sum())
        .iter_rows()
    }
    body = [
        [t(f"addresses.method.{method}"), *(number(found.get((outcome, method), 0)) for outcome in LINK_OUTCOMES)]
        for method in LINK_METHODS
    ]
    headers = [t("addresses.column.method"), *(t(f"addresses.outcome.{name}") for name in LINK_OUTCOMES)]
    return tables.html_table(headers, body, numeric=(1, 2, 3))


def draw_queue(desk: Desk, waiting: dict[str, int]) -> None:
    """Draw the texts that wait, most calls first, each with its three buttons."""
    tables.note(t("addresses.purpose"))
    if saved := st.session_state.pop(_SAVED, None):
        st.success(t("addresses.saved", decision=t(f"addresses.decision.{saved}")), icon=":material/how_to_reg:")
    if problem := st.session_state.pop(_PROBLEM, None):
        st.error(literal(problem), icon=":material/error:")
    _draw_apply(desk, waiting)
    if not waiting["texts"]:
        st.success(t("addresses.queue_empty"), icon=":material/done_all:")
        return
    rows = desk.address_reviews(SHOWN).to_dicts()
    st.caption(
        t("addresses.shown", shown=len(rows), texts=number(waiting["texts"]), decided=number(waiting["decided"]))
    )
    for row in rows:
        with st.container(border=True):
            texts, taps = st.columns([3, 1], gap="small", vertical_alignment="center")
            texts.html(compare(row))
            for decision in REVIEW_DECISIONS:
                taps.button(
                    t(f"addresses.decision.{decision}"),
                    key=f"addresses.{decision}.{row['text_key']}.{row['address_code']}",
                    icon=_ICONS[decision],
                    help=t(f"addresses.help.{decision}"),
                    type="primary" if decision == "accept" else "secondary",
                    width="stretch",
                    on_click=_decide,
                    args=(desk, row["text_key"], row["address_code"], decision),
                )


def _draw_apply(desk: Desk, waiting: dict[str, int]) -> None:
    """Draw the button that brings recorded decisions into a new snapshot, and what came of it."""
    if applied := st.session_state.pop(_APPLIED, None):
        figures = {name: number(applied[name]) for name in ("texts", "calls", "linked")}
        st.success(
            t("addresses.applied", snapshot=applied["snapshot_id"], **figures), icon=":material/published_with_changes:"
        )
    if not waiting["decided"]:
        return
    words, tap = st.columns([3, 1], gap="small", vertical_alignment="center")
    words.markdown(t("addresses.not_applied", decided=number(waiting["decided"])))
    if tap.button(
        t("addresses.apply"), key="addresses.apply", icon=":material/published_with_changes:", width="stretch"
    ):
        try:
            with st.spinner(t("addresses.applying")):
                st.session_state[_APPLIED] = desk.apply_address_reviews().to_dict()
        except BeatwiseError as error:
            st.session_state[_PROBLEM] = str(error)
        st.rerun()


def compare(row: dict[str, Any]) -> str:
    """Return the two texts and their elements side by side as HTML; what differs is marked and named in words."""
    named = [name for name in ELEMENTS if row[f"written_{name}"] or row[f"standard_{name}"]]
    head = "".join(f'<th scope="col">{escape(t(f"addresses.element.{name}"))}</th>' for name in named)
    lines = "".join(
        f'<tr><th scope="row">{escape(t(f"addresses.side.{side}"))}</th>'
        + "".join(_cell(row[f"{side}_{name}"], _differs(row, name)) for name in named)
        + "</tr>"
        for side in ("written", "standard")
    )
    facts = [
        t("addresses.calls", n=number(row["calls"])),
        t("addresses.probability", p=share(row["probability"])),
        *(t("addresses.far") for _ in range("point:far" in (row["differences"] or []))),
    ]
    return (
        f'<p class="bw-pair"><b>{escape(row["written"])}</b> <span aria-hidden="true">→</span> '
        f"{escape(row['standard'])}</p>"
        f'<p class="bw-note">{escape(" · ".join(facts))}</p>'
        f'<div class="bw-scroll"><table class="bw bw-compare"><thead><tr><td></td>{head}</tr></thead>'
        f"<tbody>{lines}</tbody></table></div>"
    )


def _differs(row: dict[str, Any], name: str) -> str:
    written, standard = row[f"written_{name}"], row[f"standard_{name}"]
    if written == standard:
        return ""
    return "differs" if written and standard else "absent"


def _cell(value: str | None, how: str) -> str:
    shown = escape(value) if value else "–"
    # Colour never speaks alone: what differs is also set in bold with a sign.
    return f'<td class="{how}">{"≠ " if how == "differs" else ""}{shown}</td>'


def _decide(desk: Desk, text_key: str, address_code: str, decision: str) -> None:
    try:
        desk.checked("review_address", text_key, lambda: identity.require_at_desk(desk.viewer))
        desk.review_address(text_key, address_code, decision)
    except BeatwiseError as error:
        st.session_state[_PROBLEM] = str(error)
    else:
        st.session_state[_SAVED] = decision
