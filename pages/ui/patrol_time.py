"""How far down the list patrol hours reach: the commander's own hours, the stated assumptions, what that covers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.ui import advice, tables, urls
from pages.ui.formats import number, sentences, share
from pages.ui.language import current, t

if TYPE_CHECKING:
    from data.desk import Desk

#: Lengths of the list the table of other hours has a line for.
LENGTHS = (1, 2, 5, 10, 15, 20, 30, 40, 50, 75, 100, 150, 200)


@dataclass(frozen=True)
class PatrolTime:
    """What a commander can spend in a shift.

    Attributes
    ----------
    hours
        Officer- or car-hours; None where nothing was said.
    dwell_minutes, stops
        Length of a stop, and stops at each place.
    """

    hours: float | None
    dwell_minutes: float
    stops: float

    @property
    def hours_a_place(self) -> float:
        """Hours one place takes in a shift."""
        return self.dwell_minutes * self.stops / 60

    @property
    def places(self) -> int:
        """Places these hours hold, 0 when not even one."""
        from analytics.hotspots.budget import places_for_patrol

        if self.hours is None or self.hours < self.hours_a_place:
            return 0
        return places_for_patrol(self.hours, dwell_minutes=self.dwell_minutes, visits_per_shift=self.stops)


def may_ask(desk: Desk) -> bool:
    """Return whether hours are this reader's to give."""
    return desk.may("decide")


def draw(desk: Desk, ranked: list[dict[str, Any]], category: str, horizon_days: int, *, published: bool) -> int:
    """Draw the question and its answer; return how many places of the list the hours reach.

    Parameters
    ----------
    ranked
        The list shown, best first.
    published
        Whether it is the list the edition was published with.
    """
    st.subheader(t("patrol.title"), anchor=False)
    with st.container(key="patrol", horizontal=True, vertical_alignment="bottom"):
        time = ask()
    reach = desk.patrol_reach(category, horizon_days).to_dicts()
    if time.hours is None:
        tables.note(t("patrol.ask", n=len(ranked), hours=number(len(ranked) * time.hours_a_place, 1)))
    else:
        tables.takeaway(answer(desk, ranked, reach, time))
        past = past_sentence(reach, min(time.places, len(ranked)))
        if past:
            tables.note(past)
    with st.expander(t("patrol.others")):
        if reach:
            st.html(table_of(ranked, reach, time))
            tables.note(sentences(t("patrol.table_note"), "" if published else t("patrol.other_list")))
        else:
            tables.note(t("patrol.older_edition"))
        tables.note(t("patrol.assumptions"))
    return min(time.places, len(ranked))


def ask() -> PatrolTime:
    """Draw the three fields and return what they say."""
    from analytics.hotspots.budget import DWELL_MINUTES, VISITS_PER_SHIFT

    lang = current()
    hours = urls.number("hours", t("patrol.hours"), default=None, step=1.0, lang=lang, placeholder="–", width=230)
    dwell = urls.number("dwell", t("patrol.dwell"), default=DWELL_MINUTES, step=5.0, lang=lang, width=190)
    stops = urls.number("stops", t("patrol.stops"), default=VISITS_PER_SHIFT, step=1.0, lang=lang, width=210)
    # A field that was emptied stands for what is assumed.
    return PatrolTime(hours, dwell or DWELL_MINUTES, stops or VISITS_PER_SHIFT)


def answer(desk: Desk, ranked: list[dict[str, Any]], reach: list[dict[str, Any]], time: PatrolTime) -> str:
    """Return how far the hours reach, and what that covers of all that is expected beside the plain count's choice."""
    spent = {"hours": f"{time.hours:g}", "each": f"{time.hours_a_place:.2g}"}
    n = min(time.places, len(ranked))
    if n == 0:
        return t("patrol.none", **spent)
    last = ranked[n - 1]
    if time.places > len(ranked):
        told = t("patrol.whole", **spent, n=n, left=number((time.hours or 0.0) - n * time.hours_a_place, 1))
    else:
        told = t("patrol.reached", **spent, n=n, rank=last["rank"], place=advice.title_of(desk, last))
    expected = sum(row["expected"] for row in ranked[:n])
    row = _row(reach, n)
    if row is None or not row["expected_all"]:
        return sentences(told, t("patrol.expected", expected=number(expected, 1)))
    covered = t(
        "patrol.covered",
        expected=number(expected, 1),
        share=share(expected / row["expected_all"], 1),
        plain=share(row["plain_expected"] / row["expected_all"], 1),
    )
    return sentences(told, covered)


def past_sentence(reach: list[dict[str, Any]], n: int) -> str:
    """Return what so many places caught on past periods beside the plain count's; empty without a back-test."""
    row = _row(reach, n)
    if row is None or not row["events"]:
        return ""
    gain = row["hits"] - row["plain_hits"]
    equal = abs(gain) <= advice.EQUAL_WITHIN * max(row["plain_hits"], 1.0)
    return t(
        f"patrol.past.{'equal' if equal else 'better' if gain > 0 else 'worse'}",
        periods=row["periods"],
        n=n,
        hits=share(row["hits"] / row["events"], 1),
        plain=share(row["plain_hits"] / row["events"], 1),
    )


def table_of(ranked: list[dict[str, Any]], reach: list[dict[str, Any]], time: PatrolTime) -> str:
    """Return other lengths of the list with the hours they take, as an HTML table."""
    chosen = min(time.places, len(ranked))
    lengths = sorted({n for n in (*LENGTHS, chosen, len(ranked)) if 0 < n <= min(len(ranked), len(reach))})
    rows = []
    for n in lengths:
        row = reach[n - 1]
        expected = sum(each["expected"] for each in ranked[:n])
        rows.append(
            [
                number(n),
                number(n * time.hours_a_place, 1),
                share(expected / row["expected_all"] if row["expected_all"] else None, 1),
                share(row["plain_expected"] / row["expected_all"] if row["expected_all"] else None, 1),
                share(row["hits"] / row["events"] if row["events"] else None, 1),
                share(row["plain_hits"] / row["events"] if row["events"] else None, 1),
            ]
        )
    names = ("places", "hours", "expected", "plain_expected", "hits", "plain_hits")
    return tables.html_table(
        [t(f"patrol.column.{name}") for name in names],
        rows,
        caption=t("patrol.caption", each=f"{time.hours_a_place:.2g}"),
        numeric=range(len(names)),
        classes={(line, 0): "chosen" for line, n in enumerate(lengths) if n == chosen},
    )


def mark_of(position: int, reached: int | None) -> dict[str, str]:
    """Return whether the hours reach a place, as a cell of the list's table; nothing where no hours were given."""
    return {} if not reached else {"patrol": t("patrol.within") if position < reached else t("patrol.beyond")}


def mark_column(reached: int | None) -> dict[str, Any]:
    """Return that column with its words; nothing where no hours were given."""
    return {"patrol": st.column_config.TextColumn(t("patrol.column.mark"), width=96)} if reached else {}


def _row(reach: list[dict[str, Any]], n: int) -> dict[str, Any] | None:
    return reach[n - 1] if 0 < n <= len(reach) else None
