"""When in the week a place needs attention: weekday by hour as a small drawing, and the sentence that says it.

HTML for the same reason as ``reasons.py``: it stands on the page with the first map.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from pages.ui import theme
from pages.ui.formats import hours_from, sentences, share, weekday
from pages.ui.frame import escape
from pages.ui.language import t

#: Hours of the block that is marked; what the edition's ``peak_hour`` begins.
BLOCK_HOURS = 4
#: Share of the week four hours have when nothing stands out.
EVEN_SHARE = BLOCK_HOURS / 168
#: How many times that four hours must hold to be called the time of need.
MARKED = 1.6
#: Edges of the five shades, as multiples of an even hour: the same for every place, so that a flat week looks flat.
STEPS = (0.5, 1.0, 1.5, 2.5)
#: Weight of the place's own record below which a reader is told that the category's week speaks.
MOSTLY_OWN = 0.5


def sentence(row: dict[str, Any]) -> str:
    """Return when most is to be expected, how much of the week that is, and whose record says so."""
    if row["peak_weekday"] is None:
        return t("week.unknown")
    if row["peak_hour"] is None:
        return t("week.day_only", weekday=weekday(row["peak_weekday"]))
    if row["peak_share"] is None:
        return t("week.plain", weekday=weekday(row["peak_weekday"]), hours=hours_from(row["peak_hour"], BLOCK_HOURS))
    times = row["peak_share"] / EVEN_SHARE
    told = t(
        "week.sentence" if times >= MARKED else "week.even",
        weekday=weekday(row["peak_weekday"]),
        hours=hours_from(row["peak_hour"], BLOCK_HOURS),
        share=share(row["peak_share"]),
        times=f"{times:.1f}",
    )
    own = row["hours_own_share"] or 0.0
    return sentences(told, t("week.own" if own >= MOSTLY_OWN else "week.category", own=share(own)))


def drawing(row: dict[str, Any]) -> str:
    """Return the week as HTML, the busiest hours framed; empty when no hours are known."""
    shares: Sequence[float] | None = row.get("hours")
    if shares is None:
        return ""
    start = (row["peak_weekday"] - 1) * 24 + row["peak_hour"]
    block = {(start + step) % 168 for step in range(BLOCK_HOURS)}
    head = "".join(f"<b>{hour}</b>" if hour % 3 == 0 else "<b></b>" for hour in range(24))
    lines = [f'<span class="head"><em></em>{head}</span>']
    for number in range(7):
        cells = "".join(
            f'<i style="background:{_colour(shares[24 * number + hour])}"'
            f"{' class=peak' if 24 * number + hour in block else ''}></i>"
            for hour in range(24)
        )
        lines.append(f"<span><em>{escape(weekday(number + 1))}</em>{cells}</span>")
    return f'<div class="bw-week" role="img" aria-label="{escape(sentence(row))}">{"".join(lines)}</div>'


def _colour(value: float) -> str:
    return theme.RISK[bisect_right(STEPS, value * 168)]
