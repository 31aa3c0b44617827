"""How an expected count comes about, as a small table of bars.

HTML, not a Plotly chart: this stands on the page with the first map, and Plotly's 5 MB of script would keep the
browser from drawing that map (``docs/decisions/0404-no-plotly-beside-the-first-map.md``).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp

from pages.ui.frame import escape


def bars(
    parts: Sequence[tuple[str, float]], factors: Sequence[str], *, start_label: str, end_label: str, caption: str
) -> str:
    """Return the way from the base rate to the expected count as HTML: one row a step, a bar from where it starts.

    Parameters
    ----------
    parts
        ``(words, contribution)`` with the base first; contributions are in log units and add up to log(expected).
    factors
        Words of the contributions after the base.
    caption
        What the lengths mean, for everybody; the numbers stand beside the bars.

    Notes
    -----
    Positions are logarithmic in the count: equal lengths are equal factors.
    """
    spans = steps(parts)
    floor = min(min(span) for span in spans) - 0.25
    width = (max(max(span) for span in spans) - floor) or 1.0
    names = [start_label, *[words for words, _ in parts[1:]], end_label]
    values = [_count(exp(parts[0][1])), *factors, _count(exp(spans[-1][1]))]
    rows = []
    for number, (name, value, (begin, end)) in enumerate(zip(names, values, spans, strict=True)):
        total = number in (0, len(names) - 1)
        kind = "total" if total else "up" if end > begin else "down"
        left = 0.0 if total else 100 * (min(begin, end) - floor) / width
        length = 100 * ((end - floor) if total else abs(end - begin)) / width
        rows.append(
            f'<tr class="{kind}"><th scope="row">{escape(name)}</th><td class="num">{escape(value)}</td>'
            f'<td class="track"><i style="left:{left:.1f}%;width:{max(length, 0.8):.1f}%"></i></td></tr>'
        )
    return f'<table class="bw-reasons"><caption>{escape(caption)}</caption><tbody>{"".join(rows)}</tbody></table>'


def _count(value: float) -> str:
    """Return a count with the digits it can bear; never as a power of ten."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2g}"


def steps(parts: Sequence[tuple[str, float]]) -> list[tuple[float, float]]:
    """Return where each bar begins and ends, in log units: the base, every contribution, the result."""
    level = parts[0][1]
    spans = [(level, level)]
    for _, contribution in parts[1:]:
        spans.append((level, level + contribution))
        level += contribution
    return [*spans, (level, level)]
