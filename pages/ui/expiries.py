"""The expiry list: what is past its retention, what comes next, and what was deleted."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl

from pages.ui import tables
from pages.ui.formats import day, number
from pages.ui.language import t, term

if TYPE_CHECKING:
    from pages.ui.holdings import Words

#: Lines shown of what comes next.
SHOWN = 12


def summary_of(due: pl.DataFrame) -> str:
    """Return how much is due and when the next thing will be."""
    passed = due.filter(pl.col("rows_due") > 0)
    ahead = due.filter(pl.col("rows_due") == 0)["due"].drop_nulls().sort()
    next_day = day(ahead[0]) if ahead.len() else t("catalogue.expiry.never")
    if passed.is_empty():
        return t("catalogue.expiry.nothing_due", day=next_day)
    return t(
        "catalogue.expiry.due", rows=number(int(passed["rows_due"].sum())), items=number(passed.height), day=next_day
    )


def expiry_table(due: pl.DataFrame, words: Words, today: date) -> str:
    """Return what is due and what comes next, one line for a table on a day; what is due stands first, in words."""
    keys = ["due", "kind", "source", "table", "retention", "columns"]
    listed = (
        due.filter(pl.col("due").is_not_null() & ((pl.col("rows_due") > 0) | (pl.col("due") > today)))
        .group_by(keys, maintain_order=True)
        .agg(pl.len().alias("holders"), pl.col("rows", "rows_due").sum())
        .sort("due", maintain_order=True)
        .head(SHOWN)
    )
    from pages.ui.holdings import say

    return tables.html_table(
        [t(f"catalogue.expiry.column.{name}") for name in ("due", "what", "rule", "how", "rows")],
        [
            [
                f"{day(row['due'])} · {t('catalogue.expiry.now')}" if row["rows_due"] else day(row["due"]),
                _what(row),
                say(words, "retention", row["retention"]),
                t("catalogue.expiry.columns", n=number(len(row["columns"])))
                if row["columns"]
                else t("catalogue.expiry.rows"),
                number(row["rows_due"] or row["rows"]),
            ]
            for row in listed.iter_rows(named=True)
        ],
        numeric=(4,),
    )


def _what(row: dict[str, Any]) -> str:
    holder = (
        t("catalogue.expiry.editions", n=number(row["holders"]))
        if row["kind"] == "edition"
        else t("catalogue.expiry.loads", source=term("source", row["source"]), n=number(row["holders"]))
    )
    return t("catalogue.expiry.of", table=term("table", row["table"]), holder=holder)


def report_words(reports: list[dict[str, Any]]) -> list[str]:
    """Return what earlier runs deleted, one sentence each."""
    return [
        t(
            "catalogue.expiry.deleted",
            day=day(date.fromisoformat(str(one["retained_at"])[:10])),
            by=one["retained_by"],
            rows=number(sum(item["rows"] for item in one["items"])),
            items=number(len(one["items"])),
            report=one["report"],
        )
        for one in reports
    ]
