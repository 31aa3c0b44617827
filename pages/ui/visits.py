"""Visits in words: the list of a beat, its workload, and the form that records a visit in three taps."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import streamlit as st

from data.errors import BeatwiseError
from data.records.visits import LONGEST_VISIT_MINUTES, NOTE_CODES
from pages.ui import advice, places, tables
from pages.ui.formats import day, literal, near_day, number, sentences, share, short_day, signed
from pages.ui.frame import as_of_day, counted_until
from pages.ui.language import category_name, current, named, t

if TYPE_CHECKING:
    import polars as pl

    from data.desk import Desk

#: Note that goes with "somebody was met" and "nobody was"; the officer may pick another.
USUAL_NOTE = {True: "in_order", False: "nobody_there"}


def beat_words(desk: Desk, beat: str) -> str:
    """Return a beat with its station, for the picker."""
    parent = places.parent_of(desk, "beat", beat)
    name = places.named(desk, beat, "beat")
    return f"{places.named(desk, parent, 'station')} · {name}" if parent else name


#: Latest recorded visit by object and kind: an object may be on the plan for two kinds of visit.
Done = dict[tuple[str, str], dict[str, Any]]


def recorded(desk: Desk, beat: str) -> Done:
    """Return the latest recorded visit of each object and kind since the edition's as-of day.

    The day is the officer's: east of Greenwich a visit before breakfast is still yesterday's in UTC.
    """
    from pages.ui.frame import as_of_day

    since, zone = as_of_day(desk.manifest), ZoneInfo(advice.timezone(desk))
    return {
        (row["object_id"], str(row["visit_kind"])): row
        for row in reversed(desk.visits_recorded(beat).to_dicts())
        if datetime.fromisoformat(row["visited_at"]).astimezone(zone).date() >= since
    }


def contact_words(done: Done, as_of: date) -> str:
    """Return how many objects were visited since the as-of day, and at how many somebody was met."""
    if not done:
        return t("my_beat.no_contact_yet", day=day(as_of))
    met = sum(row["contact"] for row in done.values()) / len(done)
    return t("my_beat.contact_note", day=day(as_of), n=number(len(done)), share=share(met))


def this_week(plan: list[dict[str, Any]], as_of: date) -> list[dict[str, Any]]:
    """Return what is overdue or falls due within seven days, in the plan's order."""
    return [row for row in plan if row["due_on"] < as_of + timedelta(days=7)]


def choose_list(week: list[dict[str, Any]], plan: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Draw the choice between this week's list and the whole plan; return the rows chosen."""
    lists = {"week": week, "overdue": [row for row in plan if row["overdue_days"] > 0], "plan": plan}
    titles = {key: t(f"my_beat.list_{key}", n=len(rows)) for key, rows in lists.items()}
    name = st.segmented_control(
        t("my_beat.list"),
        list(lists),
        format_func=titles.__getitem__,
        default="week",
        required=True,
        key=f"my_beat.list.{current()}",
        label_visibility="collapsed",
    )
    return lists[name]


def figures_of(workload: pl.DataFrame, done: Done) -> dict[str, str]:
    """Return the head figures of a beat: overdue, due this week, expected triggered, hours.

    They count visits, as the briefing does; the list below them has one line per object, however many checks it lacks.
    """
    import polars as pl

    first = workload.filter(pl.col("week_start") == pl.col("week_start").min())
    sums = first.select(pl.col("overdue", "due", "triggered", "minutes").sum()).to_dicts()[0]
    return {
        t("my_beat.figure.overdue"): number(sums["overdue"]),
        t("my_beat.figure.due"): number(sums["due"]),
        t("my_beat.figure.triggered"): number(sums["triggered"], 1),
        t("my_beat.figure.hours"): t("my_beat.hours", n=number(sums["minutes"] / 60, 1)),
        t("my_beat.figure.done"): number(len(done)),
    }


def plan_row(row: dict[str, Any], done: Done, as_of: date) -> dict[str, Any]:
    """Return one visit as a row of the list."""
    visit = done.get((row.get("object_id", ""), str(row["visit_kind"])))
    return {
        "rank": row["rank"],
        # Where to go first: it must be read even where the column is narrow.
        "object": " · ".join(part for part in (row.get("label"), t(f"codes.visit_kind.{row['visit_kind']}")) if part),
        "due": near_day(row["due_on"], as_of.year),
        "overdue": t("common.days", n=row["overdue_days"]) if row["overdue_days"] else "",
        "suggested": short_day(row["suggested_on"]) if row["suggested_on"] else t("my_beat.no_room"),
        "minutes": row["minutes"],
        "done": t(f"codes.note.{visit['note_code']}") if visit else "",
    }


def plan_columns(rows: list[dict[str, Any]], *, named: bool, with_done: bool) -> dict[str, Any]:
    """Return the columns of the list; without names for those who only see workload.

    Parameters
    ----------
    rows
        Rows of the list: on a phone what is overdue is to stand beside the object.
    with_done
        Whether a visit was recorded; until then the column would be empty.
    """
    column = st.column_config
    width = tables.width_for((row["object"] for row in rows), least=120, most=236)
    # Before the minutes: on a narrow screen a visit just recorded must be seen, what it was reckoned at need not.
    done = {"done": column.TextColumn(t("my_beat.column.done"), width=84)} if with_done else {}
    return {
        "rank": column.NumberColumn(t("my_beat.column.rank"), width=46),
        "object": column.TextColumn(t("my_beat.column.label" if named else "my_beat.column.kind"), width=width),
        "overdue": column.TextColumn(t("my_beat.column.overdue"), width=62),
        "due": column.TextColumn(t("my_beat.column.due"), width=98),
        "suggested": column.TextColumn(t("my_beat.column.suggested"), width=70),
        **done,
        "minutes": column.NumberColumn(t("my_beat.column.minutes"), format="%.0f", width=76),
    }


def plan_words(plan: list[dict[str, Any]]) -> str:
    """Return how the list is ordered, what its minutes hold, and how much of the plan found no room, and why."""
    from analytics.visits.plan import BEAT_MINUTES_PER_DAY

    left = sum(row["suggested_on"] is None for row in plan)
    capacity = number(BEAT_MINUTES_PER_DAY)
    told = [t("my_beat.plan_note"), t("my_beat.minutes_note", minutes=capacity)]
    return sentences(*told, t("my_beat.left_note", n=left) if left else "")


def points_of(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the visits of a list that have a place, as numbered points."""
    return [
        {
            "lon": row["lon"],
            "lat": row["lat"],
            "text": str(row["rank"]),
            "title": row["label"] or t(f"codes.visit_kind.{row['visit_kind']}"),
            "detail": t("my_beat.due_on", day=short_day(row["due_on"])),
            "pressing": row["overdue_days"] > 0,
        }
        for row in rows[:60]
        if row.get("lon") is not None and row.get("lat") is not None
    ]


def draw_record_form(desk: Desk, row: dict[str, Any], done: Done) -> None:
    """Draw the form: met somebody or not, save. Minutes and note are filled in; no free text.

    The minutes filled in are those of one visit at the door. The plan's own minutes are officer-minutes with travel and
    failed tries: recorded as time on the spot they would make every later plan heavier than the one before.
    """
    name = row["label"] or t(f"codes.visit_kind.{row['visit_kind']}")
    st.markdown(f"**{t('my_beat.record.title', name=literal(name))}**")
    tables.note(
        t(
            "my_beat.record.why",
            kind=t(f"codes.visit_kind.{row['visit_kind']}"),
            due=day(row["due_on"]),
            last=day(row["last_visit_on"]),
        )
    )
    visit = row["object_id"], str(row["visit_kind"])
    if visit in done:
        st.success(
            t("my_beat.record.already", note=t(f"codes.note.{done[visit]['note_code']}")),
            icon=":material/check:",
        )
    saved = ".".join(("visited", *visit))
    turn = st.session_state.setdefault(saved, 0)
    prefix = ".".join(("visit", *visit, current()))
    met = st.segmented_control(
        t("my_beat.record.contact"),
        (True, False),
        format_func={True: t("my_beat.record.met"), False: t("my_beat.record.not_met")}.__getitem__,
        key=f"{prefix}.met.{turn}",
    )
    if met is None:
        return
    # An edition of an older release does not say: then the officer fills it in.
    usual = row.get("met_minutes" if met else "missed_minutes")
    minutes, note = st.columns(2)
    spent = minutes.number_input(
        t("my_beat.record.minutes"),
        min_value=0,
        max_value=int(LONGEST_VISIT_MINUTES),
        value=None if usual is None else min(round(usual), int(LONGEST_VISIT_MINUTES)),
        step=5,
        key=f"{prefix}.minutes.{met}.{turn}",
    )
    found = note.selectbox(
        t("my_beat.record.note"),
        NOTE_CODES,
        index=NOTE_CODES.index(USUAL_NOTE[met]),
        format_func=named("codes.note", NOTE_CODES).__getitem__,
        key=f"{prefix}.note.{met}.{turn}",
    )
    save = t("my_beat.record.save")
    tapped = st.button(save, type="primary", key=f"{prefix}.save.{turn}", width="stretch", disabled=spent is None)
    if tapped and spent is not None:
        try:
            desk.record_visit(row["object_id"], met, float(spent), found, visit_kind=visit[1])
        except BeatwiseError as error:
            st.error(literal(error))
            return
        st.session_state[saved] = turn + 1
        st.toast(t("my_beat.record.saved"), icon=":material/check:")
        st.rerun()


def workload_table(workload: pl.DataFrame) -> str:
    """Return the workload of a beat by week and kind, as an HTML table."""
    # Kinds with nothing to do in a week would bury the rest.
    rows = [row for row in workload.to_dicts() if row["due"] + row["overdue"] + row["triggered"] >= 0.05]
    return tables.html_table(
        [t(f"my_beat.work.{name}") for name in ("week", "kind", "due", "overdue", "triggered", "baseline", "hours")],
        [
            [
                short_day(row["week_start"]),
                t(f"codes.visit_kind.{row['visit_kind']}") + (" *" if row["assumed"] else ""),
                number(row["due"]),
                number(row["overdue"]),
                f"{row['triggered']:.1f} ({row['triggered_low']:.0f}–{row['triggered_high']:.0f})",
                number(row["baseline"], 1),
                f"{row['minutes'] / 60:.1f} ({row['minutes_low'] / 60:.1f}–{row['minutes_high'] / 60:.1f})",
            ]
            for row in rows
        ],
        caption=t("my_beat.work.caption"),
        numeric=(2, 3, 4, 5, 6),
    )


def incidents_table(desk: Desk, beat: str | None, window_days: int = 28, most: int | None = None) -> str:
    """Return incidents of the last weeks by category beside the same weeks a year before (364 days: same weekdays).

    The last weeks end where counts are whole: weeks of which a part is not known yet would look like a fall.
    """
    as_of = counted_until(desk.manifest)
    whole = as_of == as_of_day(desk.manifest)
    ended = "" if whole else day(as_of - timedelta(days=1))
    now = desk.daily_counts(
        beat_code=beat, since=as_of - timedelta(days=window_days), until=as_of, period="all", split="category"
    )
    before = desk.daily_counts(
        beat_code=beat,
        since=as_of - timedelta(days=window_days + 364),
        until=as_of - timedelta(days=364),
        period="all",
        split="category",
    )
    earlier = {row["category"]: row["incidents"] for row in before.to_dicts()}
    rows = sorted(now.to_dicts(), key=lambda row: -row["incidents"])
    return tables.html_table(
        [t("my_beat.count.category"), t("my_beat.count.now"), t("my_beat.count.before"), t("my_beat.count.change")],
        [
            [
                category_name(row["category"]),
                number(row["incidents"]),
                number(earlier.get(row["category"], 0)),
                signed(row["incidents"] - earlier.get(row["category"], 0), 0),
            ]
            for row in rows[:most]
        ],
        caption=t(f"my_beat.count.caption{'' if whole else '_until'}", days=window_days, day=ended),
        numeric=(1, 2, 3),
    )
