"""Where from: the popover that leads from the numbers of a page to snapshot, load, file and row counts."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import streamlit as st

from pages.ui import tables
from pages.ui.formats import day, moment, number
from pages.ui.frame import phrases
from pages.ui.language import t, term

if TYPE_CHECKING:
    from data.desk import Desk
    from data.lineage import FileBehind, Lineage

#: Digits of a hash that are shown; the whole one is in the manifest.
HASH_DIGITS = 12


def draw(desk: Desk, table: str, advice_id: str | None = None, *, named: bool = False) -> None:
    """Draw the popover for a table of the edition, or for one row of advice. Nothing is traced until it is opened.

    Parameters
    ----------
    named
        Whether the button names the table; where several stand together.

    Raises
    ------
    AccessDeniedError
        If the viewer may not see what the numbers are about.
    """
    popover = st.popover(
        t("lineage.title_of", table=term("table", table)) if named else t("lineage.title"),
        help=t("lineage.help"),
        icon=":material/account_tree:",
        type="tertiary",
        key=f"no_print.lineage.{table}",
        on_change="rerun",
    )
    if popover.open:
        with popover:
            _draw_found(desk, desk.lineage(table, advice_id))


def draw_snapshot(desk: Desk, named: tuple[str, ...]) -> None:
    """Draw the popover for numbers about the current snapshot: its loads and the files that filled some tables."""
    popover = st.popover(
        t("lineage.title"),
        help=t("lineage.help"),
        icon=":material/account_tree:",
        type="tertiary",
        key="no_print.lineage.snapshot",
        on_change="rerun",
    )
    if popover.open:
        with popover:
            found = desk.snapshot_behind(named)
            zone = found.timezone
            tables.takeaway(
                t(
                    "lineage.snapshot_chain",
                    snapshot=found.snapshot_id,
                    at=moment(found.created_at, zone),
                    by=found.created_by,
                    **_sums(found.files),
                )
            )
            for change in found.changes:
                tables.note(t(f"lineage.change.{change}"))
            st.html(f'<div class="bw-scroll">{files_table(found.files)}</div>')
            for line in load_words(found.files, zone):
                tables.note(line)


def _sums(files: list[FileBehind]) -> dict[str, str]:
    return {
        "loads": number(len({file.load_id for file in files})),
        "files": number(len(files)),
        "read": number(sum(file.read for file in files)),
        "kept": number(sum(file.kept for file in files)),
        "refused": number(sum(file.quarantined for file in files)),
    }


def _draw_found(desk: Desk, found: Lineage) -> None:
    tables.takeaway(chain_words(found))
    if found.erased_at:
        st.info(
            t("lineage.rows_gone", day=day(date.fromisoformat(found.erased_at[:10]))), icon=":material/auto_delete:"
        )
    if found.rows:
        counts = [row["rows"] for row in found.rows]
        total = number(sum(counts)) if None not in counts else t("lineage.hidden")
        st.markdown(t(f"lineage.rows_{found.rows_are}", rows=total))
        if removals := sum(row["removals"] or 0 for row in found.rows):
            tables.note(t("lineage.removals", rows=number(removals)))
        st.html("<ul>" + "".join(f"<li>{line}</li>" for line in _row_words(found)) + "</ul>")
    tables.note(
        t(
            "lineage.whole",
            table=term("table", found.table),
            tables=", ".join(
                t("lineage.table_rows", table=term("table", name), rows=number(rows))
                for name, rows in found.tables.items()
            ),
        )
    )
    st.html(f'<div class="bw-scroll">{files_table(found.files)}</div>')
    zone = str(desk.manifest["jurisdiction"]["timezone"])
    for line in load_words(found.files, zone):
        tables.note(line)


def chain_words(found: Lineage) -> str:
    """Return the way from the edition back to the files in one sentence."""
    return t(
        "lineage.chain",
        edition=found.edition_id,
        as_of=found.as_of,
        code=found.code_version,
        snapshot=found.snapshot_id,
        **_sums(found.files),
    )


def _row_words(found: Lineage) -> list[str]:
    from pages.ui.frame import escape

    return [
        escape(
            t(
                "lineage.from_file",
                rows=t("common.hidden") if row["rows"] is None else number(row["rows"]),
                file=row["source_file"],
                table=term("table", row["table"]),
                load=row["load_id"],
            )
        )
        for row in found.rows
    ]


def load_words(files: list[FileBehind], timezone: str) -> list[str]:
    """Return for each load when it came, from where, on which basis and for which purpose."""
    loads = {file.load_id: file for file in files}
    return [
        t(
            "lineage.load",
            load=load_id,
            source=term("source", file.source),
            at=moment(file.loaded_at, timezone),
            basis=phrases(file.legal_basis),
            purpose=phrases(file.purpose),
        )
        for load_id, file in loads.items()
    ]


def files_table(files: list[FileBehind]) -> str:
    """Return the files behind a table with their counts and hashes."""
    names = ("file", "table", "read", "kept", "quarantined", "load", "hash")
    return tables.html_table(
        [t(f"lineage.column.{name}") for name in names],
        [
            [
                file.file,
                term("table", file.table),
                number(file.read),
                number(file.kept),
                number(file.quarantined),
                file.load_id,
                f"{file.sha256[:HASH_DIGITS]}…"
                + (t("lineage.packed", hash=file.archive_sha256[:HASH_DIGITS]) if file.archive_sha256 else ""),
            ]
            for file in files
        ],
        caption=t("lineage.caption"),
        numeric=(2, 3, 4),
    )
