"""Which places belong to the whole force, to each sub-bureau and to each station: the areas a commander may have."""

from __future__ import annotations

import numpy as np
import polars as pl

from analytics.hotspots.history import Flags
from analytics.hotspots.places import name_areas
from analytics.hotspots.study import Study

#: Level and code of an area (None for the whole force), and which of the studied places lie in it.
CommandArea = tuple[str | None, str | None, Flags]


class CommandAreas:
    """Groups the places of a study by commander; those of the last study are kept.

    Parameters
    ----------
    areas
        Frame of schema Areas; None or empty where the source has none, then there is only the whole force.
    """

    def __init__(self, areas: pl.DataFrame | None) -> None:
        self.areas = areas
        self._kept: tuple[Study, list[CommandArea]] | None = None

    def of(self, study: Study) -> list[CommandArea]:
        """Return the whole force first, then stations and sub-bureaus that hold a place, by code."""
        if self._kept is None or self._kept[0] is not study:
            groups: list[CommandArea] = [(None, None, np.ones(study.lattice.size, dtype=bool))]
            if self.areas is not None and not self.areas.is_empty():
                centres = study.grid.centres(study.lattice.columns, study.lattice.rows)
                stations = name_areas(*centres, self.areas, study.as_of)["station_code"]
                level = pl.col("level").cast(pl.String)
                parents = dict(self.areas.filter(level == "station").select("area_code", "parent_code").iter_rows())
                bureaus = stations.replace_strict(parents, default=None, return_dtype=pl.String)
                for name, codes in (("station", stations), ("sub_bureau", bureaus)):
                    groups += [
                        (name, code, (codes == code).fill_null(False).to_numpy())
                        for code in codes.drop_nulls().unique().sort()
                    ]
            self._kept = (study, groups)
        return self._kept[1]
