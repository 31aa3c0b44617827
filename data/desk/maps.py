"""Maps on the desk: areas and base map as GeoJSON, simplified once per edition."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np
import polars as pl
import shapely

from data import access
from data.desk.base import DeskBase, edition_table
from data.errors import RequestError
from data.schemas.columns import AREA_LEVELS

#: Lines are simplified to about this many degrees (5 m): less than a pixel at the closest zoom a page uses.
TOLERANCE_DEG = 0.00005
#: Decimals of a coordinate sent to the browser (about 0.1 m).
PRECISION_DEG = 0.000001


class Maps(DeskBase):
    """Reads geometry and names of the edition for one viewer."""

    def areas(self, level: str) -> pl.DataFrame:
        """Return the viewer's areas of one level whose boundaries hold on the edition's day, by code.

        Returns
        -------
        Columns ``area_code``, ``level``, ``parent_code``, ``name_zh``, ``name_en``, ``area_km2`` and ``geojson``: a
        GeoJSON geometry as text (EPSG:4326), null where the source has no boundary.

        Raises
        ------
        RequestError
            If there is no such level.
        """
        if level not in AREA_LEVELS:
            raise RequestError(f"there is no level {level!r}.", remedy=f"Levels: {', '.join(AREA_LEVELS)}.")
        self._require("areas")
        drawn = _drawn_areas(str(self.store.root.resolve()), self.edition_id, level, self._as_of())
        return access.areas_in_scope(drawn, self.scope)

    def own_area_in_force(self) -> bool:
        """Return whether the area of the viewer's grant is one of the edition's day; True for a grant without one.

        Beats are cut anew: who was granted one that has ended reads empty lists, which must not pass for calm.
        """
        self._require("areas")
        viewer = self.viewer
        if viewer.area_code is None:
            return True
        level = self._table("areas").filter(pl.col("level") == viewer.area_level)
        return level.is_empty() or viewer.area_code in _in_force(level, self._as_of())["area_code"]

    def _as_of(self) -> date:
        return date.fromisoformat(str(self.edition.manifest["parameters"]["as_of"]))

    def area_names(self) -> dict[tuple[str, str], tuple[str, str]]:
        """Return (level, code) → (Chinese, English name) of the viewer's areas and those above them.

        The code stands in for a missing name. A code alone is not enough: some forces number districts and
        neighbourhoods alike.
        """
        self._require("areas")
        named = access.areas_with_parents(self._table("areas"), self.scope)
        return {
            (level, code): (zh or en or code, en or zh or code)
            for level, code, zh, en in named.select("level", "area_code", "name_zh", "name_en").iter_rows()
        }

    def base_map(self) -> pl.DataFrame:
        """Return streets, rivers and parks: ``feature_id``, ``kind``, ``name_zh``, ``name_en``, ``geojson`` (text)."""
        self._require("base_map")
        return _drawn_base_map(str(self.store.root.resolve()), self.edition_id)


@lru_cache(maxsize=32)
def _drawn_areas(root: str, edition_id: str, level: str, as_of: date) -> pl.DataFrame:
    areas = (
        _in_force(edition_table(root, edition_id, "areas").filter(pl.col("level") == level), as_of)
        .unique("area_code", keep="last", maintain_order=True)
        .sort("area_code")
    )
    shapes = shapely.from_wkb(areas["geometry"].to_numpy())
    present = ~shapely.is_missing(shapes)
    # Neighbours are simplified together, so that no gap opens along a shared boundary.
    shapes[present] = shapely.coverage_simplify(shapes[present], TOLERANCE_DEG)
    columns = ("area_code", "level", "parent_code", "name_zh", "name_en", "area_km2")
    return areas.select(columns).with_columns(_geojson(shapes))


def _in_force(areas: pl.DataFrame, day: date) -> pl.DataFrame:
    begun = pl.col("valid_from").fill_null(date.min) <= day
    return areas.filter(begun & (pl.col("valid_to").fill_null(date.max) > day))


@lru_cache(maxsize=8)
def _drawn_base_map(root: str, edition_id: str) -> pl.DataFrame:
    features = edition_table(root, edition_id, "base_map").sort("feature_id")
    shapes = shapely.simplify(shapely.from_wkb(features["geometry"].to_numpy()), TOLERANCE_DEG)
    return features.select("feature_id", "kind", "name_zh", "name_en").with_columns(_geojson(shapes))


def _geojson(shapes: np.ndarray[Any, Any]) -> pl.Series:
    rounded = shapely.set_precision(shapes, PRECISION_DEG, mode="pointwise")
    return pl.Series("geojson", list(shapely.to_geojson(rounded)), dtype=pl.String)
