"""How lists of other places than cells did on past periods, beside the plain count's, in words and a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pages.ui import advice, tables
from pages.ui.formats import NONE, number, share
from pages.ui.language import t, term

if TYPE_CHECKING:
    from data.desk import Desk


def verdicts_of(desk: Desk, category: str, horizon_days: int) -> list[dict[str, Any]]:
    """Return what the manifest says of hexagons, segments and areas, as far as they were tried on past periods.

    Each has ``kind`` and ``listed``; areas have no method of their own, they are sums of cells.
    """
    found = []
    for name, kind, listed in (("unit_verdicts", "unit", "listed"), ("area_verdicts", "level", "top")):
        for row in desk.manifest.get(name) or []:
            if (row["category"], row["horizon_days"]) == (category, horizon_days) and row.get("events"):
                found.append({**row, "kind": row[kind], "listed": row[listed]})
    return found


def sentence(rows: list[dict[str, Any]]) -> str:
    """Return on how many kinds of place the list beats the plain count, equals it, and does worse."""
    words = [_verdict(row) for row in rows]
    return t("units.model.sentence", n=len(rows), **{name: words.count(name) for name in ("better", "equal", "worse")})


def table(rows: list[dict[str, Any]]) -> str:
    """Return one row per kind of place."""
    return tables.html_table(
        [
            t(f"units.model.column.{name}")
            for name in ("kind", "listed", "hits", "plain", "verdict", "coverage", "method")
        ],
        [
            [
                t(f"codes.level.{row['kind']}"),
                number(row["listed"]),
                share(row["hits"] / row["events"], 1),
                share(row["plain_hits"] / row["events"], 1),
                t(f"units.model.verdict.{_verdict(row)}"),
                share(row["coverage"]),
                term("model", row["model"]) if row.get("model") else NONE,
            ]
            for row in rows
        ],
        caption=t("units.model.caption", n=rows[0]["periods"], days=rows[0]["horizon_days"]),
        numeric=(1, 2, 3, 5),
    )


def _verdict(row: dict[str, Any]) -> str:
    gain = row["hits"] - row["plain_hits"]
    if abs(gain) <= advice.EQUAL_WITHIN * max(row["plain_hits"], 1.0):
        return "equal"
    return "better" if gain > 0 else "worse"
