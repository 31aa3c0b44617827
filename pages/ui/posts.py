"""A row of the staffing table in words: a unit's shift, what it needs and why, and what moving officers changes."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.ui import decisions, places, tables
from pages.ui.formats import hours_from, interval, literal, number, share
from pages.ui.language import pick, t

if TYPE_CHECKING:
    import polars as pl

    from data.desk import Desk

#: Share of officer-hours that may be committed on average (ICMA/CPSM "rule of 60").
TARGET_SHARE = 0.6
#: Share of incidents without a known hour from which it is told: then they shape what shifts are said to need.
UNDATED_TOLD = 0.05
#: Parts of the demand, in the order of the table.
PARTS = ("incident_hours", "visit_hours", "backlog_hours", "travel_hours", "duty_hours")


def shift_name(row: dict[str, Any]) -> str:
    """Return the name of a shift, its code when it has none."""
    return pick(row["shift_name_zh"], row["shift_name_en"]) or str(row["shift_code"])


def title_of(desk: Desk, row: dict[str, Any]) -> str:
    """Return unit and shift."""
    return f"{places.named(desk, row['unit_code'], 'station')} · {shift_name(row)}"


def gap_words(gap: float | None) -> str:
    """Return a gap in words, so that its direction does not hang on a sign."""
    if gap is None:
        return t("common.not_known")
    if abs(gap) < 0.05:
        return t("staffing.gap.none")
    return t("staffing.gap.short" if gap > 0 else "staffing.gap.spare", n=number(abs(gap), 1))


def summary_of(desk: Desk, rows: list[dict[str, Any]]) -> str:
    """Return the page's takeaway: how many posts are short, by how many officers, which most."""
    known = [row for row in rows if row["gap"] is not None]
    short = [row for row in known if row["gap"] > 0]
    if not known:
        return t("staffing.summary.unknown")
    if not short:
        return t("staffing.summary.none", n=len(known))
    most = max(short, key=lambda row: row["gap"])
    return t(
        "staffing.summary.short",
        n=len(short),
        of=len(known),
        officers=number(sum(row["gap"] for row in short), 1),
        post=title_of(desk, most),
        most=number(most["gap"], 1),
    )


def tightest(rows: list[dict[str, Any]]) -> int:
    """Return the position of the post shortest of officers, the first where nobody knows who is on duty."""
    return max(range(len(rows)), key=lambda position: -inf if (gap := rows[position]["gap"]) is None else gap)


def share_grid(desk: Desk, rows: list[dict[str, Any]]) -> tuple[list[list[float | None]], list[str], list[str]]:
    """Return committed shares as a grid of units and shifts, with their names."""
    units = list(dict.fromkeys(row["unit_code"] for row in rows))
    shifts = {row["shift_code"]: row for row in sorted(rows, key=lambda row: row["start_hour"])}
    found = {(row["unit_code"], row["shift_code"]): row["committed_share"] for row in rows}
    return (
        [[found.get((unit, shift)) for shift in shifts] for unit in units],
        [places.named(desk, unit, "station") for unit in units],
        [f"{shift_name(row)}<br>{hours_from(row['start_hour'], row['hours'])}" for row in shifts.values()],
    )


def table_row(desk: Desk, row: dict[str, Any], decision: dict[str, Any] | None) -> dict[str, Any]:
    """Return a post as a row of the commander's table."""
    return {
        "unit": places.named(desk, row["unit_code"], "station"),
        "shift": f"{shift_name(row)} {hours_from(row['start_hour'], row['hours'])}",
        "incidents": interval(row["incidents_p50"], row["incidents_p10"], row["incidents_p90"], 0),
        "demand": row["demand_hours"],
        "available": number(row["available"], 1),
        "committed": share(row["committed_share"]),
        "need": f"{row['need_p50']:.1f} / {row['need_p80']:.1f} / {row['need_p90']:.1f}",
        "gap": gap_words(row["gap"]),
        "fte": interval(row["fte"], row["fte_low"], row["fte_high"]),
        "wait": share(row["wait_share"]),
        "binding": t(f"codes.binding.{row['binding']}"),
        "decision": decisions.in_words(decision),
    }


def table_columns() -> dict[str, Any]:
    """Return the columns of the commander's table with their words."""
    column = st.column_config
    return {
        "unit": column.TextColumn(t("staffing.column.unit"), width=154),
        "shift": column.TextColumn(t("staffing.column.shift"), width=136),
        "need": column.TextColumn(t("staffing.column.need"), width=158, help=t("staffing.column.need_help")),
        "available": column.TextColumn(t("staffing.column.available"), width=62),
        "gap": column.TextColumn(t("staffing.column.gap"), width=72),
        "decision": column.TextColumn(t("staffing.column.decision"), width=70),
        "committed": column.TextColumn(t("staffing.column.committed"), width=76),
        "fte": column.TextColumn(t("staffing.column.fte"), width=116, help=t("staffing.column.fte_help")),
        "wait": column.TextColumn(t("staffing.column.wait"), width=76),
        "binding": column.TextColumn(t("staffing.column.binding"), width=104),
        "incidents": column.TextColumn(t("staffing.column.incidents"), width=88),
        "demand": column.NumberColumn(t("staffing.column.demand"), format="%.1f", width=80),
    }


def demand_table(row: dict[str, Any]) -> str:
    """Return where the officer-hours of a post go, as an HTML table."""
    total = row["demand_hours"]
    lines = [
        [t(f"staffing.part.{part}"), number(row[part], 1), share(row[part] / total if total else None)]
        for part in PARTS
    ]
    lines.append([t("staffing.part.demand_hours"), number(total, 1), share(1.0 if total else None)])
    return tables.html_table(
        [t("staffing.part.title"), t("staffing.part.hours"), t("staffing.part.share")],
        lines,
        caption=t("staffing.part.caption"),
        numeric=(1, 2),
    )


def sentences_of(row: dict[str, Any]) -> list[str]:
    """Return what sets the need, what one more officer changes, and how far the figures can be trusted."""
    most = max(PARTS, key=lambda part: row[part])
    part, of_all = t(f"staffing.part.{most}").lower(), row[most] / row["demand_hours"] if row["demand_hours"] else None
    found = [
        t(f"staffing.binding.{row['binding']}", part=part, share=share(of_all)),
        t("staffing.relief", factor=number(row["relief_factor"], 2), fte=number(row["fte"], 1)),
    ]
    if row["wait_share"] is not None and row["next_officer_value"] is not None:
        found.append(
            t("staffing.next_officer", wait=share(row["wait_share"]), fall=number(100 * row["next_officer_value"], 1))
        )
    if row["time_completeness"] is not None:
        found.append(t("staffing.completeness", share=share(row["time_completeness"])))
    if (row["undated_share"] or 0.0) >= UNDATED_TOLD:
        found.append(t("staffing.undated", share=share(row["undated_share"])))
    if row["assumed"]:
        found.append(t("staffing.assumed"))
    return found


def draw_what_if(desk: Desk, table: pl.DataFrame, loads: pl.DataFrame) -> None:
    """Draw the form that moves officers between posts, and the table before and after."""
    posts = {
        (row["unit_code"], row["shift_code"]): title_of(desk, row)
        for row in table.to_dicts()
        if row["available"] is not None
    }
    with st.form("staffing.what_if", border=True):
        giver, taker, count, tap = st.columns([3, 3, 1.4, 1.4], vertical_alignment="bottom")
        source = giver.selectbox(t("staffing.what_if.from"), list(posts), format_func=posts.__getitem__)
        target = taker.selectbox(
            t("staffing.what_if.to"), list(posts), format_func=posts.__getitem__, index=min(1, len(posts) - 1)
        )
        officers = count.number_input(t("staffing.officers"), min_value=1, max_value=50, value=2, step=1)
        tried = tap.form_submit_button(t("staffing.what_if.try"), type="primary", width="stretch")
    if tried and source == target:
        st.warning(t("staffing.what_if.same"), icon=":material/info:")
    elif tried and officers > (most := _on_duty(table, source)):
        st.warning(
            t("staffing.what_if.too_many", post=literal(posts[source]), n=number(most, 1)), icon=":material/info:"
        )
    elif tried:
        _draw_moved(desk, table, loads, posts, source, target, float(officers))
    else:
        tables.note(t("staffing.what_if.note"))


def _on_duty(table: pl.DataFrame, post: tuple[str, str]) -> float:
    return next(row["available"] for row in table.to_dicts() if (row["unit_code"], row["shift_code"]) == post)


def _draw_moved(
    desk: Desk,
    table: pl.DataFrame,
    loads: pl.DataFrame,
    posts: dict[tuple[str, str], str],
    source: tuple[str, str],
    target: tuple[str, str],
    officers: float,
) -> None:
    from analytics.staffing.what_if import OfficerMove, move_officers
    from data.errors import BeatwiseError

    try:
        moved = move_officers(table, [OfficerMove(*source, *target, officers)], loads=loads)
        desk.told_what_if({"from": list(source), "to": list(target), "officers": officers}, moved)
    except BeatwiseError as error:
        st.error(literal(error))
        return
    before = {(row["unit_code"], row["shift_code"]): row for row in table.to_dicts()}
    after = {(row["unit_code"], row["shift_code"]): row for row in moved.to_dicts()}
    lines, marks = [], {}
    for number_of_line, post in enumerate((source, target)):
        old, new = before[post], after[post]
        lines.append(
            [
                posts[post],
                f"{number(old['available'], 1)} → {number(new['available'], 1)}",
                f"{gap_words(old['gap'])} → {gap_words(new['gap'])}",
                f"{share(old['committed_share'])} → {share(new['committed_share'])}",
                f"{share(old['wait_share'])} → {share(new['wait_share'])}",
            ]
        )
        marks[(number_of_line, 2)] = "short" if (new["gap"] or 0) > 0 else "spare"
    names = ("post", "available", "gap", "committed", "wait")
    st.html(
        tables.html_table(
            [t(f"staffing.column.{name}") for name in names],
            lines,
            caption=t("staffing.what_if.caption", change=number(officers)),
            numeric=(1, 3, 4),
            classes=marks,
        )
    )
    tables.note(t("staffing.what_if.after"))
