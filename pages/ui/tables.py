"""Tables: one kind to work in (sortable, selectable) and one kind to print (plain HTML, read as a table)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal
from unicodedata import east_asian_width

import streamlit as st

from pages.ui.frame import escape
from pages.ui.language import t

#: Columns from which a printable table becomes a list of named values per row on a phone, where it would be cut off.
STACKED_FROM = 5


def height_for(rows: int, most: int = 12) -> int | str:
    """Return the height of a table: all of its rows while they are few, else a stretch to scroll in."""
    return "content" if rows <= most else 34 * most + 40


def draw_selectable(
    rows: list[dict[str, Any]],
    columns: dict[str, Any],
    *,
    key: str,
    alt: str,
    on_select: Callable[[], None] | Literal["rerun"],
    height: int | str = "auto",
    selected: int = 0,
) -> None:
    """Draw rows of which one is always selected; the chosen position is in the session under ``key``."""
    import polars as pl

    st.dataframe(
        pl.DataFrame(rows, infer_schema_length=None).select(list(columns)),
        column_config=columns,
        hide_index=True,
        key=key,
        alt=alt,
        on_select=on_select,
        selection_mode="single-row",
        selection_default={"selection": {"rows": [selected]}},
        height=height,
        width="stretch",
    )


def selected_row(key: str) -> int | None:
    """Return the position of the selected row of a table, or None."""
    state = st.session_state.get(key)
    rows = state["selection"]["rows"] if state else []
    return int(rows[0]) if rows else None


def tapped_place(key: str) -> str | None:
    """Return the ``place_id`` of the object tapped on a map, or None."""
    tapped = [each for found in st.session_state[key].selection.objects.values() for each in found]
    if not tapped:
        return None
    # A GeoJSON feature carries its columns as properties; a label or a line carries them itself.
    return str((tapped[0].get("properties") or tapped[0])["place_id"])


def take_row(ids: Sequence[str], table: str, chosen: str) -> None:
    """Keep the id of the row the reader tapped in a table under ``chosen`` in the session."""
    row = selected_row(table)
    if row is not None:
        st.session_state[chosen] = ids[row]


def take_tapped(drawn: str, chosen: str) -> None:
    """Keep the id of the place the reader tapped on a map under ``chosen`` in the session."""
    tapped = tapped_place(drawn)
    if tapped:
        st.session_state[chosen] = tapped


def draw_plain(rows: list[dict[str, Any]], columns: dict[str, Any], *, alt: str, height: int | str = "auto") -> None:
    """Draw rows to read and sort."""
    import polars as pl

    if not rows:
        st.caption(t("common.no_rows"))
        return
    st.dataframe(
        pl.DataFrame(rows, infer_schema_length=None).select(list(columns)),
        column_config=columns,
        hide_index=True,
        alt=alt,
        height=height,
        width="stretch",
    )


def html_table(
    headers: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    caption: str = "",
    numeric: Sequence[int] = (),
    classes: dict[tuple[int, int], str] | None = None,
) -> str:
    """Return an HTML table.

    Parameters
    ----------
    numeric
        Positions of columns of numbers, set right.
    classes
        A further class for single cells, by (row, column).
    """
    marked = classes or {}
    stacks = " stacks" if len(headers) >= STACKED_FROM else ""
    head = "".join(
        f'<th scope="col"{" class=num" if i in numeric else ""}>{escape(name)}</th>' for i, name in enumerate(headers)
    )
    body = "".join(
        "<tr>"
        + "".join(
            f'<td class="{"num " if i in numeric else ""}{marked.get((n, i), "")}" data-label="{escape(headers[i])}">'
            f"<span>{escape(value)}</span></td>"
            for i, value in enumerate(row)
        )
        + "</tr>"
        for n, row in enumerate(rows)
    )
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    whole = f'<table class="bw{stacks}">{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    return f'<div class="bw-scroll">{whole}</div>'


def details(told: Mapping[str, Sequence[str]]) -> str:
    """Return what is told of one thing as an HTML list of names with their values, full width."""
    pairs = "".join(
        f"<dt>{escape(name)}</dt><dd>{'<br>'.join(escape(value) for value in values)}</dd>"
        for name, values in told.items()
    )
    return f'<dl class="bw-details">{pairs}</dl>'


def width_for(texts: Iterable[str], *, least: int, most: int) -> int:
    """Return the width of a column in which the longest text stands whole, within bounds; pixels.

    The grid draws 14 px text: 14 px for a Chinese character, about half for a Latin one (more for a capital), and 8 px
    on either side.
    """
    longest = max((sum(map(_width_of, text)) for text in texts), default=0.0)
    return min(max(round(longest) + 18, least), most)


def _width_of(sign: str) -> float:
    return 14.0 if east_asian_width(sign) in "WF" else 9.0 if sign.isupper() else 6.5


def figures(named: dict[str, str]) -> None:
    """Draw a few figures with their names; they wrap instead of being cut off."""
    pairs = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in named.items())
    st.html(f'<dl class="bw-figures">{pairs}</dl>')


def takeaway(text: str) -> None:
    """Draw the sentence that says what a figure shows."""
    st.html(f'<p class="bw-takeaway">{escape(text)}</p>')


def note(text: str) -> None:
    """Draw a small remark."""
    st.html(f'<p class="bw-note">{escape(text)}</p>')
