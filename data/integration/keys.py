"""Record keys: the same record gets the same key whichever file, load or version of a library reads it.

A key is ``source:digest-number``. The digest is made of the identity columns of one row; the number tells identical
rows of one file apart, so it needs the whole file. On its way through an ingest a row carries its digest as 16 bytes;
the key is written out once, when the number is known.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import polars as pl
import polars_hash  # noqa: F401  (registers the namespace `nchash`)

from data.integration.coordinates import in_degrees
from data.sources.mapping import FileKind

#: Digest of the identity of a row, 128 bits: a chance of one in 10^22 that two of 10^8 rows share one.
DIGEST = "$digest"
#: Parts of a number that still tell two of them apart: thousandths; of degrees millionths, about a decimetre.
STEPS, STEPS_OF_DEGREES = 1000, 1_000_000
#: From here on a number in thousandths may be no 64-bit integer.
BEYOND = 9e15
#: How keys are made. Change it with anything that changes a key: loads with other keys cannot be added to.
KEY_FORMAT = 3


def with_digests(rows: pl.DataFrame, kind: FileKind) -> pl.DataFrame:
    """Add ``$digest`` to canonical rows.

    Parameters
    ----------
    rows
        Canonical columns.
    kind
        Its ``identity`` names the columns the digest is made of; its table is part of it.

    Notes
    -----
    XXH3 with 128 bits, whose results are fixed by its specification (github.com/Cyan4973/xxHash). It is no
    cryptographic digest: somebody who writes a source's records could make two of them meet, and would then only have
    lost one of their own.
    """
    degrees = {"lon", "lat"} | ({"x", "y"} if kind.point is not None and in_degrees(kind.point.crs) else set())
    texts = [
        pl.lit(kind.table),
        *(
            _stable_text(rows, column, STEPS_OF_DEGREES if column in degrees else STEPS).fill_null("\x00")
            for column in kind.identity
        ),
    ]
    identity = cast(Any, pl.concat_str(texts, separator="\x1f"))
    return rows.with_columns(identity.nchash.xxh3_128(return_binary=True, byte_order="big").alias(DIGEST))


def digest_start(digits: int) -> pl.Expr:
    """Return the first hexadecimal digits of ``$digest``; in a finished key they follow ``source:``."""
    return pl.col(DIGEST).bin.slice(0, 1).bin.encode("hex").str.slice(0, digits)


def _stable_text(frame: pl.DataFrame, name: str, steps: int = STEPS) -> pl.Expr:
    """Text of a value that never changes with the version of a library: numbers in whole steps, times in µs."""
    dtype = frame.schema[name]
    column = pl.col(name)
    if dtype.is_float():
        whole = (column * steps).round().cast(pl.Int64, strict=False).cast(pl.String)
        beyond = frame.select((~(column.abs() < BEYOND * STEPS / steps)).alias("beyond")).to_series()
        if not beyond.any():
            return whole
        # A number beyond all integers (damage, never a measurement) still tells its row from others, by its bits.
        bits = frame[name].cast(pl.Float64).fill_null(0.0).to_numpy().view(np.int64)
        return pl.when(beyond).then(pl.lit("bits ") + pl.lit(pl.Series(bits)).cast(pl.String)).otherwise(whole)
    if isinstance(dtype, pl.Datetime):
        return column.dt.epoch("us").cast(pl.String)
    # Days since 1970, also six times as fast as writing a date out.
    return column.cast(pl.Int32).cast(pl.String) if dtype == pl.Date else column.cast(pl.String)
