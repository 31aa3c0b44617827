"""The true risk surface of the demo city: kept beside the data, read by tests only, never by a model."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from data.errors import StoreError


@dataclass(frozen=True)
class Truth:
    """What the generator knew.

    ``surface``: ``category`` (the code forecasts are asked for), ``period_start``, ``period_end`` (day after the
    last), ``easting_m``, ``northing_m`` (centre of a 100 m cell, EPSG:4547) and ``expected``, the mean number of valid
    incidents of that period, near repeats included as an average. The hotspots that began lately are in it; they are
    listed in ``data.demo.risk.EMERGING``.
    """

    surface: pl.DataFrame

    def expected(self, category: str, start: date, end: date) -> pl.DataFrame:
        """Return ``easting_m, northing_m, expected`` of one category from ``start`` to ``end`` (exclusive).

        Periods that are covered in part count in proportion to their days.

        Raises
        ------
        StoreError
            If no period of the surface touches the days asked for.
        """
        low = pl.max_horizontal(pl.col("period_start"), pl.lit(start))
        high = pl.min_horizontal(pl.col("period_end"), pl.lit(end))
        covered = (high - low).dt.total_days().clip(lower_bound=0)
        whole = (pl.col("period_end") - pl.col("period_start")).dt.total_days()
        found = self.surface.filter(pl.col("category") == category).with_columns(share=covered / whole)
        found = found.filter(pl.col("share") > 0)
        if found.is_empty():
            raise StoreError(f"the true surface knows nothing of {category} from {start} to {end}.")
        return found.group_by("easting_m", "northing_m", maintain_order=True).agg(
            (pl.col("expected") * pl.col("share")).sum()
        )


def read_truth(path: Path) -> Truth:
    """Read the true surface from ``truth.parquet``."""
    return Truth(pl.read_parquet(path))
