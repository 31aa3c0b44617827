"""How sure a list is, in words: belonging to the busiest, the place without last month, and what calm costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.ui import tables
from pages.ui.formats import NONE, number, sentences, share
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


def choice_words(calm: float, verdict: dict[str, Any]) -> str:
    """Return one list of the edition as an option: how many places stay, and what it cost in hits on past periods."""
    prices = {row["calm"]: row for row in verdict.get("calm_prices") or []}
    n, price = verdict.get("listed"), prices.get(calm)
    name = calm_words(calm)
    if price is None or not n:
        told = name
    else:
        told = t(
            "certainty.calm.option" if calm else "certainty.calm.option_first",
            name=name,
            stay=round(price["stay_share"] * n),
            n=n,
            change=_change(price["hits"], prices[min(prices)]["hits"]),
        )
    return sentences(told, t("certainty.calm.published") if calm == verdict.get("calm") else "")


def calm_words(calm: float) -> str:
    """Return how calm a list is as a reader says it: most accurate, give way within 25 %, keep all."""
    if calm in (0, 1):
        return t(f"certainty.calm.level.{calm:g}")
    return t("certainty.calm.level.between", share=share(calm))


def calm_sentence(ranked: list[dict[str, Any]], calm: float, verdict: dict[str, Any]) -> str:
    """Return how many places a list kept of the one before it; empty when there was none."""
    known = [row["was_listed"] for row in ranked if row.get("was_listed") is not None]
    if not known or not verdict.get("held_to"):
        return ""
    return t(f"certainty.calm.kept.{verdict['held_to']}", name=calm_words(calm), kept=sum(known), n=len(known))


def other_list_sentence(
    ranked: list[dict[str, Any]], published: list[dict[str, Any]], calm: float, verdict: dict[str, Any]
) -> str:
    """Return that this is not the list the edition was published with, and by how many places it differs."""
    names = {row["place_id"] for row in published}
    return t(
        "certainty.calm.other",
        name=calm_words(calm),
        published=calm_words(verdict.get("calm", 0.0)),
        differ=sum(row["place_id"] not in names for row in ranked),
        n=len(ranked),
    )


def draw_calm(
    ranked: list[dict[str, Any]],
    calm: float | None,
    verdict: dict[str, Any],
    changes: dict[float, tuple[int, int]],
) -> None:
    """Draw what each list cost on past periods and how many of its places change.

    Parameters
    ----------
    calm
        The list shown; None is the published one.
    changes
        Places of each list, and how many of them are new this time; empty where only one list is stored.
    """
    shown = verdict.get("calm", 0.0) if calm is None else calm
    prices = verdict.get("calm_prices") or []
    kept = calm_sentence(ranked, shown, verdict)
    if kept:
        tables.takeaway(kept)
    if not changes:
        tables.note(t("certainty.calm.not_published"))
    if len(prices) < 2:
        tables.note(t("certainty.calm.untested"))
        return
    first, n = prices[0], verdict["listed"]
    st.html(
        tables.html_table(
            [t(f"certainty.calm.column.{name}") for name in ("calm", "new", "changed", "expected", "hits")],
            [
                [
                    sentences(
                        calm_words(row["calm"]),
                        t("certainty.calm.published") if row["calm"] == verdict.get("calm") else "",
                        t("certainty.calm.shown") if row["calm"] == shown else "",
                    ),
                    _new_of(changes.get(row["calm"])),
                    t("certainty.calm.of", changed=n - round(row["stay_share"] * n), n=n),
                    _change(row["expected"], first["expected"]),
                    f"{number(row['hits'])} ({_change(row['hits'], first['hits'])})",
                ]
                for row in prices
            ],
            caption=t("certainty.calm.caption"),
            numeric=(1, 2, 3, 4),
        )
    )
    tables.note(t("certainty.calm.note"))


def _new_of(change: tuple[int, int] | None) -> str:
    return NONE if change is None else t("certainty.calm.of", changed=change[1], n=change[0])


def _change(value: float, first: float) -> str:
    if not first:
        return "–"
    change = value / first - 1
    return "±0%" if abs(change) < 0.0005 else f"{'+' if change > 0 else '−'}{abs(change) * 100:.1f}%"
