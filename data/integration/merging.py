"""What files change: rows that are new, rows known already, rows that correct an earlier version."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from data.errors import SchemaError
from data.integration.met_again import keys_by_content
from data.integration.numbering import SHARED
from data.integration.spill import FILE, key_start
from data.schemas import CANONICAL
from data.snapshots import parts_of_table
from data.sources.mapping import PROVENANCE
from data.tables import scan_table

#: What a version of a row is to the store.
NEW, UNCHANGED, REPLACED = "new", "unchanged", "replaced"


def scan_loads(loads_folder: Path, loads: list[dict[str, Any]], table: str, part: str = "") -> pl.LazyFrame | None:
    """Return all versions of the rows of a table over some loads, oldest load first; None when there are none.

    Parameters
    ----------
    loads
        Loads of one source.
    part
        First digits of the keys wanted; loads may be cut into parts of another size.
    """
    found = []
    for load in loads:
        for path in parts_of_table(loads_folder / load["load_id"], table):
            name = path.stem if path.parent.name == table else ""
            if name.startswith(part) or part.startswith(name):
                frame = scan_table(table, path)
                found.append(
                    frame if name.startswith(part) else frame.filter(key_start(load["source"], len(part)) == part)
                )
    return pl.concat(found, how="vertical") if found else None


def read_loads(
    loads_folder: Path,
    loads: list[dict[str, Any]],
    table: str,
    part: str = "",
    *,
    columns: Sequence[str] | None = None,
) -> pl.DataFrame:
    """Return the newest version of each row of a table over some loads of one source, oldest load first."""
    frame = scan_loads(loads_folder, loads, table, part)
    if frame is None:
        return pl.DataFrame(CANONICAL[table].create_empty())
    if columns is not None:
        frame = frame.select(columns)
    replaced = any(load["tables"].get(table, {}).get("replaced", 0) for load in loads)
    rows = frame.collect()
    return rows.unique("record_key", keep="last", maintain_order=True) if replaced else rows


@dataclass
class Merged:
    """What the rows of some files are to the store.

    Attributes
    ----------
    fresh
        Rows to store, one per key, in the order they came, with ``$file``.
    replaced
        How many of them replace a row of an earlier load.
    counts
        ``$file``, ``status`` (new, unchanged, replaced), ``len``: they add up to the rows given.
    """

    fresh: pl.DataFrame
    replaced: int
    counts: pl.DataFrame


def merge_versions(
    table: str,
    rows: pl.DataFrame,
    known: pl.LazyFrame | None,
    provided: Mapping[int, frozenset[str]],
    *,
    numbered: bool = False,
    newer: Collection[str] = (),
) -> Merged:
    """Tell new rows from known and corrected ones.

    Parameters
    ----------
    rows
        Columns of the table's schema (columns that are null throughout may be absent) and ``$file``, in the order of
        their age; a record key occurs once per file. ``$shared`` may say which keys several files tell.
    known
        All versions of the rows of earlier loads of the source, oldest first.
    provided
        File → columns it tells. Others keep what an earlier version told: a layout without a column erases nothing.
    numbered
        Whether rows of one identity are records of their own; which is which is then settled by content where one
        would take the place of another (``met_again``).
    newer
        Earlier loads whose files are younger than these: what they told of a record stands.

    Raises
    ------
    SchemaError
        If a row that several files tell together breaks the schema.
    """
    rows = rows.with_row_index("$at")
    old = pl.DataFrame()
    if known is not None and rows.height:
        keys = rows.lazy().select("record_key").unique()
        old = known.join(keys, on="record_key", how="semi", maintain_order="left").collect()
        old = old.unique("record_key", keep="last", maintain_order=True)
    overtaken = old.filter(pl.col("load_id").is_in(list(newer))) if newer and old.height else old.clear()
    if overtaken.height:
        late = rows["record_key"].is_in(overtaken["record_key"].implode())
        others = merge_versions(table, rows.filter(~late).drop("$at"), known, provided, numbered=numbered)
        told = rows.filter(late).select(FILE, pl.lit(UNCHANGED).alias("status")).group_by(FILE, "status").len()
        return Merged(others.fresh, others.replaced, pl.concat([others.counts, told]))
    met = _told_several_times(rows)
    if old.height:
        met = met | rows["record_key"].is_in(old["record_key"].implode())
    rows = rows.drop(SHARED, strict=False)
    if numbered and met.any():
        versions = _told(table, old, rows.filter(met), provided)
        corrected = versions.filter(pl.col("status") == REPLACED)["record_key"]
        content = _content(table, rows)
        settled = keys_by_content(rows, known, corrected, provided, content) if corrected.len() else None
        if settled is not None:
            return merge_versions(table, rows.drop("$at").with_columns(settled), known, provided)
    plain, rest = (rows.filter(~met), rows.filter(met)) if met.any() else (rows, rows.clear())
    counts = [plain.select(FILE, pl.lit(NEW).alias("status"))]
    replaced = 0
    fresh = plain
    if rest.height:
        versions = _told(table, old, rest, provided)
        counts.append(versions.filter(pl.col("$at").is_not_null()).select(FILE, "status"))
        winners = versions.filter(pl.col("$at").is_not_null() & (pl.col("status") != UNCHANGED)).unique(
            "record_key", keep="last", maintain_order=True
        )
        if old.height:
            replaced = winners.join(old.select("record_key"), on="record_key", how="semi").height
        winners = winners.drop("status", "source", "load_id", "source_file", strict=False)
        _check(table, winners)
        fresh = pl.concat([plain, winners], how="diagonal").sort("$at")
    counted = pl.concat(counts).group_by(FILE, "status").len()
    return Merged(fresh.drop("$at"), replaced, counted)


def _content(table: str, rows: pl.DataFrame) -> list[str]:
    return [name for name in CANONICAL[table].column_names() if name in rows.columns and name not in PROVENANCE]


def _told_several_times(rows: pl.DataFrame) -> pl.Series:
    """Return which rows have a key that another file tells too."""
    if SHARED in rows.columns:
        return rows[SHARED]
    if rows[FILE].n_unique() < 2:
        return pl.repeat(False, rows.height, eager=True)
    # Asked of the keys' hashes, which is faster: two keys with one hash only cost a second look.
    return rows["record_key"].hash().is_duplicated()


def _told(table: str, old: pl.DataFrame, rest: pl.DataFrame, provided: Mapping[int, frozenset[str]]) -> pl.DataFrame:
    """Return all versions of some rows, oldest first, each with what is known after it and its status."""
    at_first = old.with_columns(pl.lit(-1, dtype=pl.Int32).alias(FILE), pl.lit(None, dtype=pl.UInt32).alias("$at"))
    versions = pl.concat([at_first, rest], how="diagonal") if old.height else rest
    versions = versions.sort("record_key", FILE, maintain_order=True)
    content = _content(table, versions)
    first = (pl.col("record_key") != pl.col("record_key").shift(1)).fill_null(True)
    files = [file for file in versions[FILE].unique() if file >= 0]
    partly = [name for name in content if any(name not in provided[file] for file in files)]
    if partly:
        # The row of the last version that tells a column; the first version of a record tells whatever it holds.
        row = pl.int_range(pl.len(), dtype=pl.UInt32)
        tells = {name: [-1, *(file for file in files if name in provided[file])] for name in partly}
        from_row = {
            name: pl.when(first | pl.col(FILE).is_in(told)).then(row).forward_fill() for name, told in tells.items()
        }
        versions = versions.with_columns(pl.col(name).gather(index) for name, index in from_row.items())
    changed = pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift(1)) for name in content)
    status = pl.when(first).then(pl.lit(NEW)).when(changed).then(pl.lit(REPLACED)).otherwise(pl.lit(UNCHANGED))
    return versions.with_columns(status.alias("status"))


def whole_rows(table: str, rows: pl.DataFrame, **constants: pl.Expr) -> pl.DataFrame:
    """Return rows with all columns of the table's schema: constants where given, else null where the rows lack them."""
    types = {name: column.dtype for name, column in CANONICAL[table].columns().items()}
    absent = {name: pl.lit(None, dtype=dtype) for name, dtype in types.items() if name not in rows.columns}
    return rows.with_columns(**{**absent, **constants}).select(list(types))


def _check(table: str, rows: pl.DataFrame) -> None:
    # Each file obeys the schema; two files that tell parts of one row may not, together.
    unknown = {name: pl.lit("-") for name in ("source", "load_id", "source_file")}
    if not CANONICAL[table].is_valid(whole_rows(table, rows, **unknown)):
        raise SchemaError(
            f"rows of {table} that several files tell together break its rules.",
            remedy="Give the files identity columns that tell their records apart.",
        )
