"""What a file changes: rows that are new, rows known already, rows that correct an earlier version."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from data.schemas import CANONICAL
from data.sources.mapping import PROVENANCE


def read_loads(loads_folder: Path, loads: list[dict[str, Any]], table: str) -> pl.DataFrame:
    """Return the newest version of each row of a table over some loads, oldest load first."""
    parts = [path for load in loads if (path := loads_folder / load["load_id"] / f"{table}.parquet").is_file()]
    if not parts:
        return pl.DataFrame(CANONICAL[table].create_empty())
    frame = pl.concat([pl.scan_parquet(part) for part in parts], how="vertical").collect()
    replaced = any(load["tables"].get(table, {}).get("replaced", 0) for load in loads)
    return frame.unique("record_key", keep="last", maintain_order=True) if replaced else frame


@dataclass(frozen=True)
class Change:
    """Rows of one file by what they changed; the three add up to the rows kept."""

    new: int
    unchanged: int
    replaced: int


@dataclass
class TableState:
    """One table of one source while a load is being put together.

    Attributes
    ----------
    current
        The newest version of each row, earlier loads and this one.
    earlier
        Keys that earlier loads hold.
    written
        Rows this load will store, in the order they came.
    """

    table: str
    current: pl.DataFrame
    earlier: pl.Series
    written: list[pl.DataFrame] = field(default_factory=list)

    @classmethod
    def of(cls, table: str, known: pl.DataFrame) -> TableState:
        """Start from what earlier loads of the source hold."""
        return cls(table, known, known["record_key"])

    def merge(self, rows: pl.DataFrame, provided: set[str]) -> Change:
        """Take in the kept rows of one file.

        Parameters
        ----------
        rows
            Schema of the table; record keys are unique.
        provided
            Columns the file tells. Others keep what an earlier file told: a layout without a column erases nothing.
        """
        columns = list(CANONICAL[self.table].column_names())
        content = [name for name in columns if name not in PROVENANCE]
        told = [name for name in content if name in provided]
        new = rows.join(self.current, on="record_key", how="anti", maintain_order="left")
        both = rows.join(self.current, on="record_key", how="inner", suffix="$old", maintain_order="left")
        changed = pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}$old")) for name in told)
        corrected = both.filter(changed if told else pl.lit(False))
        merged = corrected.select(
            pl.col(f"{name}$old").alias(name) if name in content and name not in told else pl.col(name)
            for name in columns
        )
        if merged.height:
            self.current = self.current.join(merged, on="record_key", how="anti", maintain_order="left")
        fresh = pl.concat([new.select(columns), merged])
        if fresh.height:
            self.current = pl.concat([self.current.select(columns), fresh])
            self.written.append(fresh)
        return Change(new.height, both.height - merged.height, merged.height)

    def to_write(self) -> tuple[pl.DataFrame, int]:
        """Return the rows to store, one per key, and how many of them replace a row of an earlier load."""
        if not self.written:
            return pl.DataFrame(CANONICAL[self.table].create_empty()), 0
        rows = pl.concat(self.written).unique("record_key", keep="last", maintain_order=True)
        replaced = rows.select(pl.col("record_key").is_in(self.earlier.implode()).sum()).item()
        return rows, int(replaced)
