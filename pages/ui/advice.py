"""A ranked place in words: its title, its reasons, its table row, and how good such advice has been."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.ui import certainty, decisions, places, ranked_cells, reasons, tables, theme
from pages.ui.formats import baseline_place, day, interval, number, period, rank_change, share, when
from pages.ui.frame import escape
from pages.ui.language import category_name, t, term

if TYPE_CHECKING:
    from data.desk import Desk

#: Below this many hits more or fewer, relative to the plain count, the two are called equal.
EQUAL_WITHIN = 0.02
#: The baseline every rank stands beside.
PLAIN_COUNT = "count_365"
#: From this many times the reference place on, a list says no more than that: 340 or 890 times a place where nothing
#: was ever recorded tells an officer nothing. The exact figure stands with the chosen place and in the exports.
FAR_ABOVE = 20


def categories(desk: Desk) -> list[str]:
    """Return the categories with hotspots, the most frequent first."""
    known = desk.categories()
    frequent = [code for code in desk.manifest.get("categories", []) if code in known]
    return frequent + [code for code in known if code not in frequent]


def timezone(desk: Desk) -> str:
    """Return the time zone of the edition's police force."""
    if not desk.has_edition:
        return next(iter(desk.snapshot.jurisdictions.values())).timezone
    return str(desk.manifest["jurisdiction"]["timezone"])


def title_of(desk: Desk, row: dict[str, Any]) -> str:
    """Return where a cell lies: street, and the smallest area people work by that is known."""
    street = places.street_named(desk, row["street"])
    return " · ".join(part for part in (street, area_of(desk, row, street)) if part) or t(
        "hotspots.cell", id=row["place_id"]
    )


def area_of(desk: Desk, row: dict[str, Any], street: str | None) -> str | None:
    """Return the smallest area people work by; not the reader's own beat, where a street says where in it."""
    level = next((level for level in ("beat", "community", "station") if row[f"{level}_code"]), None)
    if level is None or (street and desk.viewer.area_level == level and desk.viewer.area_code == row[f"{level}_code"]):
        return None
    return places.named(desk, row[f"{level}_code"], level)


def detail_of(row: dict[str, Any], positions: dict[str, int]) -> str:
    """Return the second line of a cell's tooltip."""
    return t(
        "hotspots.tooltip",
        rank=row["rank"],
        of=len(positions),
        expected=interval(row["expected"], row["low"], row["high"]),
        baseline=baseline_place(row["baseline_rank"]),
    )


def baseline_words(row: dict[str, Any]) -> str:
    """Return the plain-count rank with the move against it."""
    return rank_change(row["rank"], row["baseline_rank"])


def reason_parts(row: dict[str, Any]) -> list[tuple[str, float]]:
    """Return reasons in words with their contributions: the base first, then the strongest."""
    parts = [(part["reason"], part["contribution"]) for part in row["reasons"]]
    base = [part for part in parts if part[0] == "base"] or [("base", 0.0)]
    rest = sorted((part for part in parts if part[0] != "base"), key=lambda part: -abs(part[1]))
    # A source without population, say, has a part that is exactly 0: it says nothing.
    return [(t(f"codes.reason.{code}"), value) for code, value in [*base, *rest] if code == "base" or value]


def main_reason(row: dict[str, Any]) -> tuple[str, float]:
    """Return the words and contribution of the reason that raises the place most."""
    return max(reason_parts(row)[1:], key=lambda part: part[1], default=(t("codes.reason.base"), 0.0))


def factor(contribution: float) -> str:
    """Return a contribution in log units as a factor with as many digits as it can bear: ×1.25, ×12, ×730."""
    value = exp(contribution)
    return f"×{value:.2f}" if value < 10 else f"×{value:.0f}" if value < 100 else f"×{round(value, -1):,.0f}"


def times(contribution: float) -> str:
    """Return a contribution in log units as a reader of a list takes it in: ×1.3, ×9.0, over ×20."""
    value = exp(contribution)
    if value >= FAR_ABOVE:
        return t("hotspots.times_far", n=FAR_ABOVE)
    return t("hotspots.times", n=f"{value:.1f}")


def short_reason(row: dict[str, Any]) -> str:
    """Return the main reason for a table cell: words and about how many times a place without any record."""
    words, contribution = main_reason(row)
    return f"{words} {times(contribution)}"


def reason_sentence(row: dict[str, Any]) -> str:
    """Return the main reason as a sentence; a factor beyond grasp in words, its figure stands in the bars below."""
    words, contribution = main_reason(row)
    if exp(contribution) >= FAR_ABOVE:
        return t("hotspots.reason_sentence_far", reason=words, n=FAR_ABOVE)
    return t("hotspots.reason_sentence", reason=words, n=f"{exp(contribution):.1f}")


def reason_bars(row: dict[str, Any], horizon_days: int) -> str:
    """Return how an expected count comes about as HTML bars."""
    parts = reason_parts(row)
    return reasons.bars(
        parts,
        [factor(value) for _, value in parts[1:]],
        start_label=t("codes.reason.base"),
        end_label=t("hotspots.expected_here"),
        caption=t("hotspots.expected_axis", n=horizon_days),
    )


def next_step(row: dict[str, Any]) -> str:
    """Return the advised action and the step to take, as Markdown."""
    action = row["action"]
    return f"**{t('hotspots.next_step')}** {t(f'codes.action.{action}')} — {t(f'codes.next_step.{action}')}"


def summary_of(desk: Desk, ranked: list[dict[str, Any]], category: str, horizon_days: int) -> str:
    """Return the page's takeaway: how many cells, how much is expected in them, which is first."""
    first = ranked[0]
    return t(
        "hotspots.summary",
        period=period(first["period_start"], first["period_end"]),
        days=horizon_days,
        category=category_name(category),
        n=len(ranked),
        km2=number(len(ranked) * first["cell_m"] ** 2 / 1e6, 2),
        expected=number(sum(row["expected"] for row in ranked), 0),
        place=title_of(desk, first),
        first=interval(first["expected"], first["low"], first["high"]),
    )


def table_of(row: dict[str, Any], published: list[dict[str, Any]]) -> str:
    """Return the table a ranked place is a row of: that of the published list, or that of the other lists."""
    return "hotspots" if any(row["advice_id"] == each["advice_id"] for each in published) else "spare_hotspots"


def corners(ranked: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the ranked cells as GeoJSON polygons."""
    return [{"type": "Polygon", "coordinates": [[row["ring"][i : i + 2] for i in (0, 2, 4, 6, 0)]]} for row in ranked]


def when_of(row: dict[str, Any]) -> str:
    """Return the busiest time of a place."""
    return when(row["peak_weekday"], row["peak_hour"])


#: Colours of the kinds of line a legend may have.
LINES = {
    **dict.fromkeys(("beat", "community", "station"), theme.BEAT_LINE),
    "street": theme.MAIN_STREET,
    "river": theme.RIVER,
}


def legend_of(edges: list[float], *, lines: Sequence[str] = ()) -> str:
    """Return the legend of the map: risk classes with their bounds, and the kinds of line it draws."""
    lows = [0.0, *edges[:-1]]
    digits = 2 if edges and edges[-1] < 10 else 1
    classes = "".join(
        f'<span><i style="background:{theme.RISK[i]}"></i>{low:.{digits}f}–{high:.{digits}f}</span>'
        for i, (low, high) in enumerate(zip(lows, edges, strict=True))
    )
    kinds = "".join(
        f'<span><i class="line" style="color:{LINES[name]}"></i>{escape(t(f"hotspots.legend.{name}"))}</span>'
        for name in lines
    )
    return f'<p class="bw-legend"><b>{escape(t("hotspots.legend.expected"))}</b>{classes}{kinds}</p>'


def table_row(desk: Desk, row: dict[str, Any], decision: dict[str, Any] | None) -> dict[str, Any]:
    """Return a ranked place as a row of the table twin."""
    return {
        **ranked_cells.cells_of(row),
        "place": title_of(desk, row),
        "chance": certainty.tenths(row.get("top_chance")),
        "when": when(row["peak_weekday"], row["peak_hour"]),
        "reason": short_reason(row),
        "action": t(f"codes.action.{row['action']}"),
        "decision": decisions.in_words(decision),
    }


def table_columns(
    rows: list[dict[str, Any]], *, with_decisions: bool, after_place: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Return the columns of the table twin with their words, further ones after the place.

    Parameters
    ----------
    rows
        Rows of the table: names of places are to be read whole.
    """
    column = st.column_config
    width = tables.width_for((row["place"] for row in rows), least=140, most=300)
    return ranked_cells.columns_around(
        {"place": column.TextColumn(t("hotspots.column.place"), width=width), **(after_place or {})},
        # What to do there and when comes before how it was found: the right end of a row is off a small screen.
        {
            "when": column.TextColumn(t("hotspots.column.when"), width=122),
            "action": column.TextColumn(t("hotspots.column.action"), width=110),
            **_decision_column(with_decisions),
            "chance": column.TextColumn(t("certainty.column"), help=t("certainty.column_help"), width=124),
        },
        {"reason": column.TextColumn(t("hotspots.column.reason"), width=190)},
    )


def _decision_column(shown: bool) -> dict[str, Any]:
    words = t("hotspots.column.decision")
    return {"decision": st.column_config.TextColumn(words, width=80)} if shown else {}


def strongest(
    desk: Desk, horizon_days: int, *, beat: str | None = None, most: int = 5, each: int = 2
) -> list[dict[str, Any]]:
    """Return the places with the highest expected counts over all categories, best first.

    Parameters
    ----------
    beat
        Only places of this beat.
    each
        Most places of one category, so that a frequent category does not crowd out the others.
    """
    found = []
    for category in categories(desk):
        rows = [
            row for row in desk.hotspots(category, horizon_days).to_dicts() if beat is None or row["beat_code"] == beat
        ]
        found += sorted(rows, key=lambda row: row["rank"])[:each]
    return sorted(found, key=lambda row: -row["expected"])[:most]


def places_table(desk: Desk, rows: list[dict[str, Any]], *, caption: str = "", none: str | None = None) -> str:
    """Return places of several categories as a printable table with reason, interval and plain-count rank.

    Parameters
    ----------
    none
        What is said where there are none.
    """
    if not rows:
        return f'<p class="bw-note">{escape(none or t("hotspots.empty"))}</p>'
    names = ("category", "place", "expected_interval", "rank", "baseline", "when", "reason", "action")
    return tables.html_table(
        [t(f"hotspots.column.{name}") for name in names],
        [
            [
                category_name(row["category"]),
                title_of(desk, row),
                interval(row["expected"], row["low"], row["high"]),
                row["rank"],
                baseline_words(row),
                when(row["peak_weekday"], row["peak_hour"]),
                short_reason(row),
                t(f"codes.action.{row['action']}"),
            ]
            for row in rows
        ],
        caption=caption,
        numeric=(2, 3, 4),
    )


def draw_verdict(desk: Desk, category: str, horizon_days: int) -> None:
    """Draw how the methods did on past periods beside the plain count, and say which was chosen and why."""
    import polars as pl

    scores = desk.model_scores(category, horizon_days)
    if scores.is_empty():
        tables.note(t("hotspots.verdict.none"))
        return
    chosen = chosen_model(desk, category, horizon_days)
    by_model = (
        scores.group_by("model", maintain_order=True)
        .agg(
            pl.len().alias("origins"),
            pl.col("events", "hits", "expected_hits").sum(),
            pl.col("pai", "pei", "coverage").mean(),
            pl.col("area_km2").mean(),
            pl.col("origin").min().alias("first"),
            pl.col("origin").max().alias("last"),
        )
        .sort(pl.col("model") != chosen, pl.col("model") != PLAIN_COUNT, -pl.col("hits"))
        .to_dicts()
    )
    tables.takeaway(verdict_sentence(by_model, chosen))
    with st.expander(t("hotspots.verdict_table"), icon=":material/table:"):
        st.html(_verdict_table(by_model, chosen))
        tables.note(t("hotspots.score.note"))


def _verdict_table(by_model: list[dict[str, Any]], chosen: str) -> str:
    columns = ("model", "hits", "share", "pai", "pei", "calibration", "coverage")
    return tables.html_table(
        [t(f"hotspots.score.{name}") for name in columns],
        [
            [
                term("model", row["model"]) + (f" {t('hotspots.score.used')}" if row["model"] == chosen else ""),
                f"{number(row['hits'])} / {number(row['events'])}",
                share(row["hits"] / row["events"] if row["events"] else None),
                number(row["pai"], 1),
                number(row["pei"], 2),
                number(row["expected_hits"] / row["hits"] if row["hits"] and row["expected_hits"] else None, 2),
                share(row["coverage"]),
            ]
            for row in by_model
        ],
        caption=t(
            "hotspots.score.caption",
            n=by_model[0]["origins"],
            first=day(by_model[0]["first"]),
            last=day(by_model[0]["last"]),
            km2=number(by_model[0]["area_km2"], 2),
        ),
        numeric=range(1, len(columns)),
    )


def chosen_model(desk: Desk, category: str, horizon_days: int) -> str:
    """Return the method the edition ranked a category with, empty when its manifest does not say."""
    return str(certainty.verdict_of(desk, category, horizon_days).get("model") or "")


def verdict_sentence(by_model: list[dict[str, Any]], chosen: str) -> str:
    """Return whether the method used caught more than the plain count, said also when it did not."""
    found = {row["model"]: row for row in by_model}
    plain, used = found.get(PLAIN_COUNT), found.get(chosen)
    if chosen == PLAIN_COUNT:
        return t("hotspots.verdict.plain")
    if plain is None or used is None or not plain["hits"]:
        return t("hotspots.verdict.alone")
    gain = used["hits"] / plain["hits"] - 1
    word = "equal" if abs(gain) <= EQUAL_WITHIN else "better" if gain > 0 else "worse"
    return t(
        f"hotspots.verdict.{word}",
        method=term("model", chosen),
        model=number(used["hits"]),
        plain=number(plain["hits"]),
        gain=share(abs(gain), 1),
    )
