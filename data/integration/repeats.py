"""Rows that a later row of the same file repeats: told again, or told otherwise."""

from __future__ import annotations

import polars as pl

from data.integration.keys import DIGEST
from data.integration.numbering import NUMBER, SHARED
from data.sources.mapping import FileKind

#: A row with the identity of a later one of its file: the later one stands.
REPEATED = "repeated_in_file"
#: The same, with the same content, in a file that tells one record on several rows.
TOLD_AGAIN = "told_again"
#: A row of a file for several tables that has nothing to tell for this one.
OTHER_TABLE = "other_table"
#: Reasons that name no fault of a row: nothing of it is lost.
NO_FAULT = frozenset({TOLD_AGAIN, OTHER_TABLE, "joined_as_part", "empty_row"})
_OWN = frozenset({DIGEST, NUMBER, SHARED, "record_key", "source_line", "source", "source_file", "load_id", "row_hash"})


def reasons_of_repeats(repeated: pl.DataFrame, kept: pl.DataFrame, kind: FileKind) -> pl.Series:
    """Return why each repeated row is not kept.

    Parameters
    ----------
    repeated, kept
        As :func:`data.integration.numbering.number_rows` returns them.
    kind
        With ``identical_rows = "same"`` a row that says what the kept one says is told again, not repeated by mistake.
    """
    said = pl.Series("reason", [REPEATED], dtype=pl.String).new_from_index(0, repeated.height)
    if kind.identical_rows != "same" or repeated.is_empty():
        return said
    content = [name for name in repeated.columns if name in kept.columns and name not in _OWN]
    numbered = repeated.with_row_index("$repeat")
    again = numbered.join(kept, on=content, how="semi", nulls_equal=True)["$repeat"]
    return said.scatter(again.to_list(), TOLD_AGAIN) if again.len() else said
