"""Tables: one kind to work in (sortable, selectable) and one kind to print (plain HTML, read as a table)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import streamlit as st

from pages.ui.frame import escape
from pages.ui.language import t


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
    head = "".join(
        f'<th scope="col"{" class=num" if i in numeric else ""}>{escape(name)}</th>' for i, name in enumerate(headers)
    )
    body = "".join(
        "<tr>"
        + "".join(
            f'<td class="{"num " if i in numeric else ""}{marked.get((n, i), "")}">{escape(value)}</td>'
            for i, value in enumerate(row)
        )
        + "</tr>"
        for n, row in enumerate(rows)
    )
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    whole = f'<table class="bw">{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    return f'<div class="bw-scroll">{whole}</div>'


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
