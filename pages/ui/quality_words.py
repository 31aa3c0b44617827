"""The quality of loads in words: thresholds, trend over loads, funnel losses, fields nobody has to enter again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pages.ui import tables
from pages.ui.formats import NONE, moment, number, set_apart, share
from pages.ui.language import pick, t, term

if TYPE_CHECKING:
    import polars as pl

    from data.desk import Desk
    from data.quality.measures import QualityReport
    from data.quality.thresholds import Verdict

#: Worst first.
STATUSES = ("blocked", "warned", "too_few", "passed")


def verdict_sentence(verdicts: list[Verdict]) -> str:
    """Return whether the data may be published from."""
    blocked, warned = (sum(one.status == status for one in verdicts) for status in ("blocked", "warned"))
    counts = {"n": number(len(verdicts)), "warned": number(warned), "blocked": number(blocked)}
    return t(f"quality.{'blocked' if blocked else 'warned' if warned else 'all_passed'}", **counts)


def verdict_table(verdicts: list[Verdict]) -> str:
    """Return every threshold with what it was tried on, worst first."""
    ordered = sorted(verdicts, key=lambda one: (STATUSES.index(one.status), one.source))
    names = ("status", "threshold", "source", "value", "bound", "rows", "load")
    return tables.html_table(
        [t(f"quality.column.{name}") for name in names],
        [
            [
                t(f"quality.status.{one.status}"),
                pick(one.zh, one.en),
                term("source", one.source),
                _value(one.kind, one.value),
                ("≥ " if one.bound_is == "at_least" else "≤ ") + _value(one.kind, one.bound, digits=0),
                number(one.rows),
                one.load_id,
            ]
            for one in ordered
        ],
        caption=t("quality.caption"),
        numeric=(3, 4, 5),
        classes={(n, 0): one.status for n, one in enumerate(ordered)},
    )


def _value(kind: str, value: float, digits: int = 2) -> str:
    return t("quality.unit.days", n=number(value)) if kind == "timeliness" else share(value, digits)


def trend_table(reports: list[QualityReport], timezone: str) -> str:
    """Return one row per load, newest first: validity, duplicates, joins, age, coverage, place, area."""
    names = (
        "loaded_at",
        "load",
        "source",
        "validity",
        "duplicates",
        "joins",
        "age",
        "newest_week",
        "days_missing",
        "located",
        "in_area",
    )
    return tables.html_table(
        [t(f"quality.column.{name}") for name in names],
        [
            [
                moment(report.loaded_at, timezone),
                report.load_id,
                term("source", report.source),
                share(_overall(report, "validity"), 2),
                share(_overall(report, "duplicates"), 2),
                share(_lowest(report, "joins"), 2),
                _measure(report, "timeliness", "calls", "age_days", as_share=False),
                _measure(report, "coverage", "calls", "newest_week"),
                _measure(report, "timeliness", "calls", "days_missing", as_share=False),
                _measure(report, "usable", "incidents", "located"),
                _measure(report, "usable", "incidents", "in_area"),
            ]
            for report in reversed(reports)
        ],
        numeric=tuple(range(3, len(names))),
    )


def _overall(report: QualityReport, kind: str) -> float | None:
    """Return a share over all tables of a load, weighted by their rows."""
    parts = [(one.value, one.rows) for one in report.measures if one.kind == kind and one.value is not None]
    rows = sum(n for _, n in parts)
    return sum(value * n for value, n in parts) / rows if rows else None


def _lowest(report: QualityReport, kind: str) -> float | None:
    return min((one.value for one in report.measures if one.kind == kind and one.value is not None), default=None)


def _measure(report: QualityReport, kind: str, table: str, item: str, *, as_share: bool = True) -> str:
    found = report.value(kind, table, item)
    if found is None or found.value is None:
        return NONE
    return share(found.value, 1) if as_share else number(found.value)


def completeness_rows(report: QualityReport) -> list[dict[str, Any]]:
    """Return the completeness of every column of the newest load."""
    return [
        {
            "table": term("table", one.table),
            "column": one.item,
            "share": share(one.value or 0, 1),
            "bar": one.value or 0,
            "rows": one.rows,
        }
        for one in report.measures
        if one.kind == "completeness"
    ]


def completeness_columns() -> dict[str, Any]:
    """Return the columns of the table of completeness."""
    import streamlit as st

    column = st.column_config
    return {
        "table": column.TextColumn(t("quality.column.table"), width=140),
        "column": column.TextColumn(t("quality.column.column"), width=180),
        # The bar's own figure would round: 99.97 % of a column is not all of it.
        "share": column.TextColumn(t("quality.column.share"), width=90, alignment="right"),
        "bar": column.ProgressColumn("", format=" ", min_value=0, max_value=1),
        "rows": column.NumberColumn(t("quality.column.rows"), format="localized", width=100),
    }


def funnel_sentences(funnel: dict[str, Any]) -> list[str]:
    """Return what is usable, what each step loses and why, and who brought the valid incidents to light."""
    steps, valid = funnel["steps"], funnel["valid"]
    first, last = steps[0]["rows"], steps[-1]["rows"]
    said = [
        t(
            "quality.funnel_full",
            source=term("source", funnel["source"]),
            first=number(first),
            last=number(last),
            share=share(last / first if first else None),
        )
    ]
    for step in steps:
        if step["lost"]:
            reasons = set_apart(t(f"quality.loss.{reason}", n=number(rows)) for reason, rows in step["lost"].items())
            said.append(t("quality.funnel_lost", step=t(f"codes.step.{step['step']}"), reasons=reasons))
    said.append(
        t(
            "quality.funnel_valid",
            reported=number(valid["reported"]),
            police=number(valid["police"]),
            unknown=number(valid["discovery_unknown"]),
            changed=number(valid["category_changed"]),
            hours=number(valid["with_officer_hours"]),
        )
    )
    return said


def entries_sentence(entries: pl.DataFrame) -> str:
    """Return how many fields did not have to be entered again."""
    records = dict(entries.select("form", "records").iter_rows())
    return t(
        "quality.entries_sentence",
        visits=number(records["visit"]),
        decisions=number(records["decision"]),
        avoided=number(entries["avoided"].sum()),
    )


def entries_table(entries: pl.DataFrame) -> str:
    """Return which fields of each form come from where."""
    names = ("fields", "from_source", "from_edition", "from_system", "offered", "tapped", "typed", "records", "avoided")
    return tables.html_table(
        [t(f"quality.column.{name}") for name in ("form", *names)],
        [
            [t(f"quality.form.{row['form']}"), *(number(row[name]) for name in names)]
            for row in entries.iter_rows(named=True)
        ],
        numeric=tuple(range(1, len(names) + 1)),
    )


def visits_content(desk: Desk, source: str, at_desk: Callable[[], None]) -> bytes:
    """Return the visits recorded here in the layout of a source, after the audit row was written."""
    desk.checked("export", "visits_export", at_desk)
    return desk.export_visits(source).content
