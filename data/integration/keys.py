"""Record keys: the same record gets the same key whichever file, load or version of a library reads it."""

from __future__ import annotations

from hashlib import blake2b

import polars as pl

from data.sources.mapping import FileKind

#: Bytes of the digest in a record key: 80 bits, a chance of one in 10^10 that two of 10^7 rows share one.
KEY_BYTES = 10


def with_keys(kept: pl.DataFrame, kind: FileKind, source: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Add ``record_key`` to the kept rows of one file.

    Parameters
    ----------
    kept
        Canonical columns and ``source_line``.
    kind
        Its ``identity`` names the columns the key is made of, its ``identical_rows`` what two equal keys mean.
    source
        Name of the mapping, first part of every key: keys of different sources never meet.

    Returns
    -------
    tuple of DataFrame
        The rows with their keys, and the rows that a later row of the same file repeats.
    """
    identity = pl.concat_str(
        [_stable_text(kept, column).fill_null("\x00") for column in kind.identity], separator="\x1f"
    ).alias("$identity")
    kept = kept.with_columns(identity).with_row_index("$row")
    repeated = kept.clear()
    number = pl.lit(1, dtype=pl.UInt32)
    if kind.identical_rows == "legitimate":
        # Numbered in the order of their content, so that the order of rows in the file does not matter.
        several = kept.filter(pl.len().over("$identity") > 1)
        content = [name for name in kept.columns if name not in ("$row", "source_line", "geometry")]
        numbered = several.sort(*content, "source_line").select(
            "$row", pl.int_range(1, pl.len() + 1, dtype=pl.UInt32).over("$identity").alias("$n")
        )
        kept = kept.join(numbered, on="$row", how="left", maintain_order="left")
        number = pl.col("$n").fill_null(1)
    else:
        last = pl.col("$identity").is_last_distinct()
        repeated, kept = kept.filter(~last), kept.filter(last)
    person = kind.table.encode()[:16]
    digests = [
        blake2b(text.encode(), digest_size=KEY_BYTES, person=person).hexdigest() for text in kept["$identity"].to_list()
    ]
    key = pl.Series("$key", digests, dtype=pl.String)
    kept = kept.with_columns(key).with_columns(
        (source + ":" + pl.col("$key") + "-" + number.cast(pl.String)).alias("record_key")
    )
    return kept.drop("$row", "$identity", "$n", "$key", strict=False), repeated.drop("$row", "$identity")


def _stable_text(frame: pl.DataFrame, name: str) -> pl.Expr:
    """Text of a value that never changes with the version of a library: numbers in thousandths, times in µs."""
    dtype = frame.schema[name]
    column = pl.col(name)
    if dtype.is_float():
        return (column * 1000).round().cast(pl.Int64).cast(pl.String)
    if isinstance(dtype, pl.Datetime):
        return column.dt.epoch("us").cast(pl.String)
    return column.dt.strftime("%Y-%m-%d") if dtype == pl.Date else column.cast(pl.String)
