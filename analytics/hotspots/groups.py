"""Put places into groups between which flags and errors are compared: stations, thirds by density, thirds by housing.

Groups are of places, never of people; a place takes the group of the area it lies in.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from analytics.cells import Floats, Integers
from analytics.hotspots.places import name_areas
from data.schemas.models import THIRDS

#: Classes of the population platform that add up to residents, where a source gives no total.
RESIDENTS = ("registered", "floating", "lodging", "overseas", "unsettled")
#: Levels that may carry population counts, smallest first, and their column beside a place.
LEVELS = {"community": "community_code", "beat": "beat_code", "station": "station_code"}


@dataclass(frozen=True)
class Grouping:
    """One way of putting places together.

    Attributes
    ----------
    kind
        One of ``data.schemas.models.GROUP_KINDS``.
    codes
        Codes of the groups.
    member
        Position of each place's group in ``codes``, -1 for a place in none.
    population_share
        Share of the residents per group, or None where they are not known.
    """

    kind: str
    codes: tuple[str, ...]
    member: Integers
    population_share: Floats | None = None

    def sum_up(self, values: Floats) -> Floats:
        """Return the sum of values per group; places in none are left out."""
        inside = self.member >= 0
        return np.asarray(
            np.bincount(self.member[inside], weights=values[inside], minlength=len(self.codes)), dtype=float
        )


def group_places(
    lon: Floats, lat: Floats, areas: pl.DataFrame | None, population: pl.DataFrame | None, *, as_of: date
) -> list[Grouping]:
    """Return every grouping the data allow; none without areas.

    Parameters
    ----------
    lon, lat
        Centres of the places, EPSG:4326.
    areas, population
        Frames of schema Areas and Population, or None.
    as_of
        Day the boundaries must be valid on; population is that of the newest month before it.

    Notes
    -----
    Thirds hold about a third of the residents each (not of the area): ``low`` has the fewest residents per square
    kilometre, or the smallest share of rented dwellings.
    """
    if areas is None or areas.is_empty():
        return []
    named = name_areas(lon, lat, areas, as_of)
    residents = count_residents(areas, population, as_of)
    groupings = []
    if named["station_code"].null_count() < named.height:
        codes = named["station_code"].drop_nulls().unique().sort().to_list()
        at = {code: i for i, code in enumerate(codes)}
        member = np.array([at.get(code, -1) for code in named["station_code"].to_list()])
        groupings.append(Grouping("station", tuple(codes), member, _share_of_stations(residents, areas, codes)))
    for kind, value in (("density", pl.col("residents") / pl.col("area_km2")), ("housing", pl.col("rented_share"))):
        told = residents.with_columns(value=value).filter(pl.col("value").is_finite(), pl.col("residents") > 0)
        if told["value"].n_unique() < len(THIRDS):
            continue
        told = told.sort("value", "area_code")
        count = told["residents"].to_numpy()
        middle = (np.cumsum(count) - count / 2) / count.sum()
        third = np.searchsorted([1 / 3, 2 / 3], middle)
        of_area = dict(zip(told["area_code"].to_list(), third.tolist(), strict=True))
        column = LEVELS[str(told["level"][0])]
        member = np.array([of_area.get(code, -1) for code in named[column].to_list()])
        share = np.bincount(third, weights=count, minlength=len(THIRDS)) / count.sum()
        groupings.append(Grouping(kind, THIRDS, member, share))
    return groupings


def count_residents(areas: pl.DataFrame, population: pl.DataFrame | None, as_of: date) -> pl.DataFrame:
    """Return area_code, level, parent_code, area_km2, residents, rented_share of the level population is counted at."""
    empty = pl.DataFrame(
        schema={
            "area_code": pl.String,
            "level": pl.String,
            "parent_code": pl.String,
            "area_km2": pl.Float64,
            "residents": pl.Float64,
            "rented_share": pl.Float64,
        }
    )
    if population is None or population.is_empty():
        return empty
    newest = population.filter(pl.col("month") < as_of)
    newest = newest.filter(pl.col("month") == pl.col("month").max())
    classes = newest.pivot("population_class", index="area_code", values="count", aggregate_function="sum")
    if "total" in classes.columns:
        residents = pl.col("total")
    else:
        present = [name for name in RESIDENTS if name in classes.columns]
        if not present:
            return empty
        residents = pl.sum_horizontal(present)
    rented = (
        pl.col("rentals") / pl.col("households")
        if {"rentals", "households"} <= set(classes.columns)
        else pl.lit(None, dtype=pl.Float64)
    )
    levels = areas.with_columns(pl.col("level").cast(pl.String)).filter(pl.col("level").is_in(list(LEVELS)))
    counted = classes.with_columns(residents=residents, rented_share=rented).join(levels, on="area_code")
    if counted.is_empty():
        return empty
    # One level only: a total of a station and those of its communities are the same people.
    level = counted.group_by("level").len().sort("len", "level", descending=True)["level"][0]
    return counted.filter(pl.col("level") == level).select(empty.columns).unique("area_code", keep="first")


def _share_of_stations(residents: pl.DataFrame, areas: pl.DataFrame, stations: list[str]) -> Floats | None:
    if residents.is_empty() or residents["residents"].sum() <= 0:
        return None
    parents = dict(areas.select("area_code", "parent_code").iter_rows())
    total = dict.fromkeys(stations, 0.0)
    for code, count in residents.select("area_code", "residents").iter_rows():
        above: str | None = code
        while above is not None and above not in total:
            above = parents.get(above)
        if above is not None:
            total[above] += count
    known = sum(total.values())
    return np.array([total[code] / known for code in stations]) if known > 0 else None
