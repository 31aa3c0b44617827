"""The briefing as printable HTML: sections, tables, headlines, and the foot that says what it rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.ui import advice, looking_back, places, posts, tables, visits
from pages.ui.formats import interval, number, period, share
from pages.ui.frame import as_of_day, escape
from pages.ui.language import category_name, t

if TYPE_CHECKING:
    import polars as pl

    from data.desk import Desk

#: Lines of a table on one sheet.
MOST_LINES, MOST_VISITS = 6, 8


def draw_print_button(desk: Desk) -> None:
    """Draw the button; the audit row of the print is written before the browser's dialog opens."""
    if st.button(t("common.print"), icon=":material/print:", type="primary", key="print"):
        desk.opened("briefing", {"print": "1"})
        # A growing number makes every tap a new script for the browser.
        st.session_state["print.count"] = st.session_state.get("print.count", 0) + 1
        number_of_print = st.session_state["print.count"]
        script = f"<script>/*{number_of_print}*/setTimeout(() => window.print(), 600)</script>"
        st.html(script, unsafe_allow_javascript=True)


def section(title: str, body: str) -> str:
    """Return a titled part of the sheet."""
    return f'<section class="bw-sheet"><h2>{escape(title)}</h2>{body}</section>'


def headlines(desk: Desk, top: list[dict[str, Any]], beat: str | None, horizon_days: int) -> str:
    """Return the three or four sentences a reader should leave with."""
    lines = []
    if top:
        first = top[0]
        lines.append(
            t(
                "briefing.line.place",
                place=advice.title_of(desk, first),
                category=category_name(first["category"]),
                expected=interval(first["expected"], first["low"], first["high"]),
                reason=advice.short_reason(first),
                baseline=first["baseline_rank"],
                rank=first["rank"],
            )
        )
    if beat is None:
        lines.append(posts.summary_of(desk, desk.staffing().to_dicts()))
    by_station = _visits_of_stations(desk) if beat is None else {beat: _sum_of_first_week(desk, beat)}
    lines.append(
        t("briefing.no_register")
        if not by_station
        else t(
            "briefing.line.visits",
            due=number(sum(row["due"] for row in by_station.values())),
            overdue=number(sum(row["overdue"] for row in by_station.values())),
            hours=number(sum(row["minutes"] for row in by_station.values()) / 60),
        )
    )
    lines.append(
        looking_back.headline(desk, horizon_days)
        if beat is None
        else looking_back.headline_of_beat(desk, horizon_days, beat)
    )
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines if line) + "</ul>"


def staffing_title(desk: Desk) -> str:
    """Return the heading of that table, with the days its averages are about."""
    rows = desk.staffing().head(1).to_dicts()
    if not rows:
        return t("briefing.no_staffing")
    return t("briefing.staffing", period=period(rows[0]["period_start"], rows[0]["period_end"]))


def staffing_table(desk: Desk) -> str:
    """Return the posts that are shortest of officers."""
    rows = [row for row in desk.staffing().to_dicts() if row["gap"] is not None]
    every = sorted((row for row in rows if row["gap"] > 0), key=lambda row: -row["gap"])
    short = every[:MOST_LINES]
    if not short:
        return f'<p class="bw-note">{escape(posts.summary_of(desk, rows))}</p>'
    return tables.html_table(
        [t(f"staffing.column.{name}") for name in ("post", "need_p80", "available", "gap", "committed", "binding")],
        [
            [
                posts.title_of(desk, row),
                number(row["need_p80"], 1),
                number(row["available"], 1),
                posts.gap_words(row["gap"]),
                share(row["committed_share"]),
                t(f"codes.binding.{row['binding']}"),
            ]
            for row in short
        ],
        numeric=(1, 2, 4),
        classes={(line, 3): "short" for line in range(len(short))},
    ) + _rest(len(every) - len(short), "staffing")


def visits_by_station(desk: Desk) -> str:
    """Return this week's visits by station, most overdue first."""
    every = sorted(_visits_of_stations(desk).items(), key=lambda item: -item[1]["overdue"])
    rows = every[:MOST_LINES]
    if not rows:
        return f'<p class="bw-note">{escape(t("briefing.no_register"))}</p>'
    return tables.html_table(
        [t(f"briefing.column.{name}") for name in ("station", "due", "overdue", "triggered", "hours")],
        [
            [
                places.named(desk, station, "station"),
                number(row["due"]),
                number(row["overdue"]),
                number(row["triggered"], 1),
                interval(row["minutes"] / 60, row["minutes_low"] / 60, row["minutes_high"] / 60, 0),
            ]
            for station, row in rows
        ],
        numeric=(1, 2, 3, 4),
    ) + _rest(len(every) - len(rows), "visits")


def visits_first(desk: Desk, beat: str | None) -> str:
    """Return the first visits of a beat's plan."""
    names = ("rank", "object", "due", "overdue", "suggested", "minutes")
    plan = desk.visit_plan(beat or "").to_dicts()
    if not plan:
        return f'<p class="bw-note">{escape(t("my_beat.nothing_listed"))}</p>'
    rows = [visits.plan_row(row, {}, as_of_day(desk.manifest)) for row in plan[:MOST_VISITS]]
    return tables.html_table(
        [t(f"my_beat.column.{'label' if name == 'object' else name}") for name in names],
        [[number(row[name]) if name == "minutes" else row[name] for name in names] for row in rows],
        numeric=(0, 5),
    ) + _rest(len(plan) - len(rows), "plan")


def incidents(desk: Desk, beat: str | None) -> str:
    """Return the beat's incidents of the last weeks by category."""
    return visits.incidents_table(desk, beat, most=MOST_VISITS)


def foot(desk: Desk) -> str:
    """Return what the sheet rests on, and room for the name of the one who decides."""
    manifest = desk.manifest
    return (
        f'<footer class="bw-foot"><p>{escape(t("common.promise"))}</p>'
        f"<p>{escape(t('briefing.made', snapshot=manifest['snapshot_id'], code=manifest['code_version']))}</p>"
        f"<p>{escape(t('briefing.signature'))}</p></footer>"
    )


def _rest(lines: int, table: str) -> str:
    """Return a note that a table goes on elsewhere: what is cut off without a word looks like all there is."""
    return f'<p class="bw-note">{escape(t(f"briefing.rest.{table}", n=lines))}</p>' if lines > 0 else ""


def _visits_of_stations(desk: Desk) -> dict[str, dict[str, Any]]:
    """Return this week's visits added up by station; by beat where a beat has no station."""
    import polars as pl

    from analytics.visits.totals import total_workload

    week = _first_week(desk.visit_workload()).with_columns(pl.coalesce("station_code", "beat_code"))
    rows = total_workload(week, assumed_durations=_assumed(week)).to_dicts()
    return {row["station_code"]: row for row in rows}


def _sum_of_first_week(desk: Desk, beat: str) -> dict[str, Any]:
    from analytics.visits.totals import total_workload

    week = _first_week(desk.visit_workload(beat))
    return total_workload(week, by=(), assumed_durations=_assumed(week)).row(0, named=True)


def _first_week(workload: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    return workload.filter(pl.col("week_start") == pl.col("week_start").min())


def _assumed(workload: pl.DataFrame) -> list[str]:
    """Return the kinds of visit that rest on an assumption: they err alike in every beat."""
    return [str(kind) for kind in workload.filter("assumed")["visit_kind"].unique()]
