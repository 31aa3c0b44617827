"""Rows of one identity that come again: which of them is which.

Rows that their identity does not tell apart are numbered by content, each file from 1. An extract that holds only some
of them would so give a row the number of another one, and take that one's place. Where contents differ, the rows of a
file are therefore matched with what is known first: equal ones keep their number; of the others each corrects one that
the file does not tell, and only then are there new ones.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import polars as pl

from data.integration.spill import FILE

#: Parts of the key of a numbered row: identity (source and digest) and number.
_KEY = r"^([^:]+:[0-9a-f]{32})-(\d+)$"
_IDENTITY, _NUMBER = pl.col("record_key").str.extract(_KEY, 1), pl.col("record_key").str.extract(_KEY, 2).cast(pl.Int64)


def keys_by_content(
    rows: pl.DataFrame,
    known: pl.LazyFrame | None,
    corrected: pl.Series,
    provided: Mapping[int, frozenset[str]],
    content: list[str],
) -> pl.Series | None:
    """Return the record keys of rows whose numbers are settled by content; None when no number has to change.

    Parameters
    ----------
    rows
        ``record_key``, ``$file`` and columns of the table.
    known
        All versions of the rows of earlier loads, oldest first.
    corrected
        Keys under which something else would be stored than before: only their identities are looked at.
    provided
        File → columns it tells; the others say nothing about which row is meant.
    content
        Columns to compare.
    """
    identities = corrected.to_frame("record_key").select(_IDENTITY.alias("$id")).drop_nulls().unique()
    mine = rows.with_row_index("$row").with_columns(_IDENTITY.alias("$id"), _NUMBER.alias("$n"))
    mine = mine.join(identities, on="$id", how="semi").sort("$id", FILE, "$n")
    stored = rows.clear().with_columns(_IDENTITY.alias("$id"), _NUMBER.alias("$n"))
    if known is not None:
        of_these = known.with_columns(_IDENTITY.alias("$id"), _NUMBER.alias("$n")).join(
            identities.lazy(), on="$id", how="semi", maintain_order="left"
        )
        stored = of_these.collect().unique("record_key", keep="last", maintain_order=True)
    # One row here and one there: that is a correction, whatever it says.
    several = pl.concat([mine.select("$id", "$n"), stored.select("$id", "$n")]).unique().group_by("$id").len()
    several = several.filter(pl.col("len") > 1)
    mine, stored = (frame.join(several, on="$id", how="semi", maintain_order="left") for frame in (mine, stored))
    if mine.is_empty():
        return None
    held = {identity: group for (identity,), group in stored.group_by("$id")}
    keys: dict[int, str] = {}
    for (identity,), group in mine.group_by("$id", maintain_order=True):
        state: dict[int, dict[str, Any]] = {}
        if identity in held:
            state = {row["$n"]: row for row in held[identity].iter_rows(named=True)}
        for (file,), of_file in group.group_by(FILE, maintain_order=True):
            told = [name for name in content if name in provided[int(str(file))] and name in rows.columns]
            for row, number in _settle(of_file, state, told):
                keys[row] = f"{identity}-{number}"
    found = rows["record_key"].scatter(list(keys), list(keys.values()))
    return None if found.equals(rows["record_key"]) else found


def _settle(rows: pl.DataFrame, state: dict[int, dict[str, Any]], told: list[str]) -> list[tuple[int, int]]:
    """Return place and number of the rows of one file and identity, and bring the state up to date."""
    alike: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for number in sorted(state, reverse=True):
        alike[tuple(state[number].get(name) for name in told)].append(number)
    each = list(rows.iter_rows(named=True))
    same = [numbers.pop() if (numbers := alike[tuple(row[name] for name in told)]) else None for row in each]
    left = iter(sorted(set(state) - {number for number in same if number is not None}))
    settled = []
    for row, found in zip(each, same, strict=True):
        number = found if found is not None else next(left, max(state, default=0) + 1)
        state[number] = {**state.get(number, row), **{name: row[name] for name in told}}
        settled.append((row["$row"], number))
    return settled
