"""What came in, in words: files, refusals, the funnel, and where every number comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.ui import tables
from pages.ui.formats import moment, number, share
from pages.ui.frame import phrases
from pages.ui.language import pick, t, term

if TYPE_CHECKING:
    import polars as pl

    from data.desk import Desk

#: Counts of a file, as the ingest reports them.
COUNTS = ("read", "kept", "new", "unchanged", "replaced")
#: What was refused stands beside what was read and kept: the right end of a row is off a small screen.
ORDERED = (*COUNTS[:2], "quarantined", *COUNTS[2:])
#: Files up to which each has a row of its own height, in which a long name goes over several lines.
MOST_WRITTEN = 100
#: Digits of a hash that are shown; the whole one is in the manifest.
HASH_DIGITS = 12


def file_rows(loads: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one row per loaded file, newest load first."""
    return [
        {
            "source": term("source", load["source"]),
            "file": file["file"],
            "table": term("table", file["table"]),
            **{name: file[name] for name in COUNTS},
            "quarantined": sum(file["quarantined"].values()),
            "loaded_at": moment(load["loaded_at"], load["jurisdiction"]["timezone"]),
        }
        for load in reversed(loads)
        for file in load["files"]
    ]


def draw_files(rows: list[dict[str, Any]]) -> None:
    """Draw the list of loaded files, every name whole: a grid, for many files, cuts what does not fit on a line."""
    if len(rows) > MOST_WRITTEN:
        tables.draw_plain(rows, file_columns(rows), alt=t("data_quality.files"), height=tables.height_for(len(rows)))
        return
    names = ("source", "file", "table", *ORDERED, "loaded_at")
    st.html(
        tables.html_table(
            [t(f"data_quality.column.{name}") for name in names],
            [[number(row[name]) if name in ORDERED else row[name] for name in names] for row in rows],
            numeric=range(3, 3 + len(ORDERED)),
            classes={(at, 1): "name" for at in range(len(rows))},
        )
    )


def file_columns(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the columns of the table of files."""
    column = st.column_config
    width = tables.width_for([row["file"] for row in rows], least=146, most=640)
    texts = {"source": 88, "file": width, "table": 124}
    found: dict[str, Any] = {
        name: column.TextColumn(t(f"data_quality.column.{name}"), width=width) for name, width in texts.items()
    }
    for name in ORDERED:
        found[name] = column.NumberColumn(t(f"data_quality.column.{name}"), format="localized", width=80)
    found["loaded_at"] = column.TextColumn(t("data_quality.column.loaded_at"), width=160)
    return found


def summary_of(rows: list[dict[str, Any]]) -> str:
    """Return the page's takeaway: rows in, kept, refused; and that they add up."""
    read, kept, refused = (sum(row[name] for row in rows) for name in ("read", "kept", "quarantined"))
    balanced = "balanced" if read == kept + refused else "unbalanced"
    return t(
        f"data_quality.{balanced}",
        files=number(len(rows)),
        read=number(read),
        kept=number(kept),
        refused=number(refused),
        share=share(refused / read if read else None, 2),
    )


def funnels(desk: Desk) -> dict[str, list[dict[str, Any]]]:
    """Return the funnel of every source; none before anything is published."""
    if not desk.has_edition:
        return {}
    found: dict[str, list[dict[str, Any]]] = {}
    for row in desk.funnel().to_dicts():
        found.setdefault(row["source"], []).append(row)
    return found


def funnel_words(steps: list[dict[str, Any]]) -> list[tuple[str, int]]:
    """Return the steps of a funnel in words."""
    return [(t(f"codes.step.{row['step']}"), row["rows"]) for row in steps]


def funnel_sentence(source: str, steps: list[dict[str, Any]]) -> str:
    """Return what share of the rows can be used."""
    first, last = steps[0]["rows"], steps[-1]["rows"]
    return t(
        "data_quality.funnel_sentence",
        source=term("source", source),
        first=number(first),
        last=number(last),
        share=share(last / first if first else None),
        step=t(f"codes.step.{steps[-1]['step']}"),
    )


def quarantine_table(counts: pl.DataFrame) -> str:
    """Return refused rows by table, column and reason; by file they are in the export."""
    import polars as pl

    rows = (
        counts.group_by("table", "column", "reason", maintain_order=True)
        .agg(pl.col("source_file").n_unique().alias("files"), pl.col("rows").sum())
        .sort("rows", descending=True)
        .to_dicts()
    )
    if not rows:
        return f'<p class="bw-note">{t("data_quality.nothing_refused")}</p>'
    return tables.html_table(
        [t(f"data_quality.column.{name}") for name in ("table", "column", "reason", "files", "rows")],
        [
            [
                term("table", row["table"]),
                row["column"] or "–",
                term("refusal", row["reason"]),
                number(row["files"]),
                number(row["rows"]),
            ]
            for row in rows
        ],
        caption=t("data_quality.quarantine_caption"),
        numeric=(3, 4),
    )


def quarantine_rows(desk: Desk) -> list[dict[str, Any]]:
    """Return the first refused rows, without their content."""
    return [
        {
            "file": row["source_file"],
            "line": row["source_line"],
            "table": term("table", row["table"]),
            "column": row["column"] or "–",
            "reason": term("refusal", row["reason"]),
        }
        for row in desk.quarantine_rows(200).to_dicts()
    ]


def quarantine_columns() -> dict[str, Any]:
    """Return the columns of the list of refused rows."""
    column = st.column_config
    return {
        "file": column.TextColumn(t("data_quality.column.file")),
        "line": column.NumberColumn(t("data_quality.column.line"), width=80),
        "table": column.TextColumn(t("data_quality.column.table")),
        "column": column.TextColumn(t("data_quality.column.column")),
        "reason": column.TextColumn(t("data_quality.column.reason")),
    }


def lineage_table(desk: Desk, loads: list[dict[str, Any]]) -> str:
    """Return where the numbers come from: snapshot, edition, and per load source, mapping, basis, purpose, hash."""
    lines = [[t("data_quality.lineage_row.snapshot"), desk.snapshot.snapshot_id]]
    if desk.has_edition:
        lines += [
            [t("data_quality.lineage_row.edition"), desk.edition_id],
            [t("data_quality.lineage_row.code"), desk.manifest["code_version"]],
        ]
    for load in reversed(loads):
        force = load["jurisdiction"]
        lines.append(
            [
                t("data_quality.lineage_row.load", id=load["load_id"]),
                t(
                    "data_quality.lineage_text",
                    source=term("source", load["source"]),
                    force=pick(force["name_zh"], force["name_en"]),
                    mapping=str(load.get("mapping_sha256") or "–")[:HASH_DIGITS],
                    crs=force["analysis_crs"],
                    zone=force["timezone"],
                    basis=phrases(load["legal_basis"]),
                    purpose=phrases(load["purpose"]),
                    by=load["loaded_by"],
                    at=moment(load["loaded_at"], force["timezone"]),
                ),
            ]
        )
        lines += [
            [
                file["file"],
                f"SHA-256 {str(file.get('sha256') or '–')[:HASH_DIGITS]}… · {number(file.get('bytes'))} B"
                + _packed(str(file.get("archive_sha256") or "")),
            ]
            for file in load["files"]
        ]
        lines += [[one["file"], t("data_quality.lineage_row.unread")] for one in load.get("unread", [])]
    return tables.html_table([t("data_quality.lineage_row.what"), t("data_quality.lineage_row.value")], lines)


def _packed(archive_sha256: str) -> str:
    """Return the digest of the packed file that a file came in, empty for a plain one."""
    return t("data_quality.lineage_row.packed", hash=archive_sha256[:HASH_DIGITS]) if archive_sha256 else ""
