"""Files to take away. The desk writes the audit row before it hands over the bytes; nothing else offers a file."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from data.exports import MIME_TYPES
from pages.ui import identity, spreadsheet
from pages.ui.language import t

if TYPE_CHECKING:
    import polars as pl

    from data.desk import Desk
    from data.exports import Reading


def draw(desk: Desk, kind: str, asked: dict[str, Any], formats: tuple[str, ...]) -> None:
    """Draw one button per format, for those who may export.

    Parameters
    ----------
    kind
        Table the rows come from, see ``data.permissions.TABLES``, and the method of the desk that gives them.
    asked
        What that method is asked for, when somebody takes the file; the audit row keeps it.
    formats
        ``csv``, ``xlsx``, ``geojson``.

    Notes
    -----
    A workbook opens on headings and words of the reader's language; its second sheet and the CSV file have the names
    and codes of the tables. The bytes are made when the button is tapped, in a thread of the server without a session:
    the desk needs none, and a failing audit row fails the download.
    """
    if not desk.may("export"):
        return
    with st.container(horizontal=True, key=f"no_print.export.{kind}"):
        for form in formats:
            st.download_button(
                t("common.export", format=form.upper()),
                data=partial(
                    content_of,
                    desk,
                    kind,
                    asked,
                    form,
                    identity.lasting(desk.viewer, desk.store),
                    spreadsheet.reading_of(desk, kind) if form == "xlsx" else None,
                ),
                file_name=f"{kind}_{desk.edition_id}.{form}" if desk.has_edition else f"{kind}.{form}",
                mime=MIME_TYPES[form],
                key=f"export.{kind}.{form}",
                icon=":material/download:",
                on_click="ignore",
            )


def content_of(
    desk: Desk,
    kind: str,
    asked: dict[str, Any],
    form: str,
    at_desk: Callable[[], None],
    reading: Callable[[pl.DataFrame], Reading] | None = None,
) -> bytes:
    """Return the bytes of a file after its audit row was written. Shapes go into the format that draws them only.

    Parameters
    ----------
    at_desk
        Refuses when the viewer is no longer at the desk: a page on a screen outlives grants.
    reading
        Makes the first sheet of a workbook, which holds the second alone without it.
    """
    from data.desk.reproduction import asked_of

    desk.checked("export", kind, at_desk)
    rows = asked_of(desk, kind, asked, form)
    return desk.export(kind, rows, form, asked, None if reading is None else reading(rows)).content
