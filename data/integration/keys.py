"""Record keys: the same record gets the same key whichever file, load or version of a library reads it.

A key is ``source:digest-number``. The digest is made of the identity columns of one row; the number tells identical
rows of one file apart, so it needs the whole file.
"""

from __future__ import annotations

from hashlib import blake2b

import polars as pl

from data.sources.mapping import PROVENANCE, FileKind

#: Bytes of the digest in a record key: 80 bits, a chance of one in 10^10 that two of 10^7 rows share one.
KEY_BYTES = 10


def with_base_keys(rows: pl.DataFrame, kind: FileKind, source: str) -> pl.DataFrame:
    """Add ``record_key`` without its number to canonical rows.

    Parameters
    ----------
    rows
        Canonical columns.
    kind
        Its ``identity`` names the columns the key is made of.
    source
        Name of the mapping, first part of every key: keys of different sources never meet.
    """
    identity = pl.concat_str(
        [_stable_text(rows, column).fill_null("\x00") for column in kind.identity], separator="\x1f"
    )
    texts = rows.select(identity.alias("$identity")).to_series()
    person = kind.table.encode()[:16]
    start = f"{source}:"
    keys = [start + blake2b(text.encode(), digest_size=KEY_BYTES, person=person).hexdigest() for text in texts]
    return rows.with_columns(pl.Series("record_key", keys, dtype=pl.String))


def number_rows(rows: pl.DataFrame, kind: FileKind, *, within: str | None = None) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Finish the keys of all rows of one file, or of several.

    Parameters
    ----------
    rows
        Canonical columns, keys from :func:`with_base_keys`, and ``source_line``; a file's rows in their order.
    kind
        Its ``identical_rows`` says what two equal keys mean.
    within
        Column that tells files apart when ``rows`` holds several; numbers start anew in each.

    Returns
    -------
    tuple of DataFrame
        The rows with their keys, in order, and the rows that a later row of the same file repeats.
    """
    groups = ["record_key"] if within is None else [within, "record_key"]
    number = pl.lit("-1")
    repeated = rows.clear()
    if kind.identical_rows == "legitimate":
        # Numbered in the order of their content, so that the order of rows in the file does not matter.
        rows = rows.with_row_index("$row")
        # First by hash, which is faster; a row that only shares its hash comes out as number 1 all the same.
        several = rows.filter(rows.select(pl.struct(groups).hash()).to_series().is_duplicated())
        apart = {"$row", "source_line", "geometry", *PROVENANCE, *groups}
        content = [
            name for name in several.columns if name not in apart and several[name].null_count() < several.height
        ]
        numbered = several.sort(*groups, *content, "source_line", maintain_order=True).select(
            "$row", pl.int_range(1, pl.len() + 1).over(groups).cast(pl.String).alias("$n")
        )
        if numbered.height:
            rows = rows.join(numbered, on="$row", how="left", maintain_order="left")
            number = "-" + pl.col("$n").fill_null("1")
    else:
        last = pl.struct(groups).is_last_distinct()
        repeated, rows = rows.filter(~last), rows.filter(last)
    return rows.with_columns(pl.col("record_key") + number).drop("$row", "$n", strict=False), repeated


def _stable_text(frame: pl.DataFrame, name: str) -> pl.Expr:
    """Text of a value that never changes with the version of a library: numbers in thousandths, times in µs."""
    dtype = frame.schema[name]
    column = pl.col(name)
    if dtype.is_float():
        # A number beyond all integers (damage, never a measurement) still tells its row from others.
        thousandths = (column * 1000).round().cast(pl.Int64, strict=False).cast(pl.String)
        return pl.coalesce(thousandths, column.cast(pl.String))
    if isinstance(dtype, pl.Datetime):
        return column.dt.epoch("us").cast(pl.String)
    return column.dt.strftime("%Y-%m-%d") if dtype == pl.Date else column.cast(pl.String)
