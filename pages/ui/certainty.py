"""How sure a list is, in words: belonging to the busiest, the place without last month, and what calm costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.ui import tables
from pages.ui.formats import number, sentences, share
from pages.ui.language import t

if TYPE_CHECKING:
    from data.desk import Desk

#: Chances below and above which tenths would say 0 or 10.
FAINT, SURE = 0.05, 0.95
#: Chance below which a reader is told why even a first place may have little.
LOW = 0.5
#: Least expected count that is printed with a decimal.
PRINTED = 0.05


def verdict_of(desk: Desk, category: str, horizon_days: int) -> dict[str, Any]:
    """Return what the edition's manifest says of one list; empty for editions made before it said so."""
    verdicts = desk.manifest.get("verdicts") or []
    asked = (category, horizon_days)
    return next((row for row in verdicts if (row["category"], row["horizon_days"]) == asked), {})


def tenths(chance: float | None) -> str:
    """Return a chance as a reader says it: 8/10, or that it is below 1/20 or above 19/20."""
    if chance is None:
        return t("common.not_known")
    if chance < FAINT:
        return t("certainty.faint")
    return t("certainty.sure") if chance > SURE else t("certainty.tenths", n=max(round(chance * 10), 1))


def chance_sentence(row: dict[str, Any], verdict: dict[str, Any]) -> str:
    """Return how likely the place will be among the busiest, as many as the list is long."""
    if row.get("top_chance") is None:
        return t("certainty.unknown")
    told = t("certainty.chance", chance=tenths(row["top_chance"]), n=verdict.get("listed", "–"))
    return sentences(told, t("certainty.low") if row["top_chance"] < LOW else "")


def kept_sentence(verdict: dict[str, Any]) -> str:
    """Return how such chances were kept on past periods."""
    promised, kept = verdict.get("top_promised"), verdict.get("top_kept")
    if promised is None or kept is None:
        return t("certainty.untested")
    return t("certainty.kept", promised=share(promised), kept=share(kept))


def without_sentence(row: dict[str, Any]) -> str:
    """Return what would be said of the place had nothing happened there and around it in the last 28 days."""
    rank, expected = row.get("rank_without_recent"), row.get("expected_without_recent")
    if rank is None or expected is None:
        return ""
    key = "same" if rank == row["rank"] else "other"
    return t(
        f"certainty.without.{key}",
        rank=rank,
        now=row["rank"],
        without=number(expected, 1) if expected >= PRINTED else "<0.1",
        expected=number(row["expected"], 1) if row["expected"] >= PRINTED else "<0.1",
    )


def calm_sentence(ranked: list[dict[str, Any]], verdict: dict[str, Any]) -> str:
    """Return how calm this list was made, and how many places it kept; empty when it was not."""
    known = [row["was_listed"] for row in ranked if row.get("was_listed") is not None]
    if not known or not verdict.get("calm"):
        return ""
    return t("certainty.calm.this", calm=f"{verdict['calm']:g}", kept=sum(known), n=len(known))


def draw_calm(ranked: list[dict[str, Any]], verdict: dict[str, Any]) -> None:
    """Draw what a calmer list would have cost on past periods, one row per choice."""
    prices = verdict.get("calm_prices") or []
    if len(prices) < 2:
        tables.note(t("certainty.calm.untested"))
        return
    first = prices[0]
    n = verdict["listed"]
    # The choice this list was made with, else the first that keeps more places at all.
    used = [row for row in prices[1:] if row["calm"] == verdict.get("calm")]
    calmer = [row for row in prices[1:] if row["stay_share"] > first["stay_share"]]
    told = (used or calmer or prices[-1:])[0]
    tables.takeaway(
        t(
            "certainty.calm.sentence",
            calm=f"{told['calm']:g}",
            n=n,
            stay=round(told["stay_share"] * n),
            plain=round(first["stay_share"] * n),
            change=_change(told["hits"], first["hits"]),
        )
    )
    this = calm_sentence(ranked, verdict)
    if this:
        tables.note(this)
    st.html(
        tables.html_table(
            [t(f"certainty.calm.column.{name}") for name in ("calm", "stay", "expected", "hits")],
            [
                [
                    sentences(
                        f"{row['calm']:g}", t("certainty.calm.used") if row["calm"] == verdict.get("calm") else ""
                    ),
                    f"{round(row['stay_share'] * n)} / {n}",
                    _change(row["expected"], first["expected"]),
                    f"{number(row['hits'])} ({_change(row['hits'], first['hits'])})",
                ]
                for row in prices
            ],
            caption=t("certainty.calm.caption"),
            numeric=(1, 2, 3),
        )
    )
    tables.note(t("certainty.calm.note"))


def _change(value: float, first: float) -> str:
    if not first:
        return "–"
    change = value / first - 1
    return "±0%" if abs(change) < 0.0005 else f"{'+' if change > 0 else '−'}{abs(change) * 100:.1f}%"
