"""Put places into groups between which flags and errors are compared: stations, thirds by density, thirds by housing.

Groups are of places, never of people; a place takes the group of the area it lies in.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from analytics.cells import Floats, Integers
from analytics.hotspots.places import name_areas, valid_areas
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
        Day the boundaries must be valid on; population is that of each area's newest month before it.

    Notes
    -----
    Thirds hold about a third of the residents each (not of the area): ``low`` has the fewest residents per square
    kilometre, or the smallest share of rented dwellings.
    """
    if areas is None or areas.is_empty():
        return []
    areas = valid_areas(areas, as_of)
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
    """Return area_code, level, parent_code, area_km2, residents, rented_share of the level population is counted at.

    Each area has its own newest figure from before the day: one that is not in the newest month has not lost its
    residents. An area without any figure is not in the answer.
    """
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
    before = population.filter(pl.col("month") < as_of)
    residents = _newest(before, ["total", *RESIDENTS]).select(
        "area_code", "month", residents=pl.coalesce("total", _sum_known(RESIDENTS))
    )
    dwellings = _newest(before, ["rentals", "households"])
    rented = dwellings.select("area_code", rented_share=pl.col("rentals") / pl.col("households"))
    classes = residents.drop_nulls().join(rented, on="area_code", how="left")
    levels = areas.with_columns(pl.col("level").cast(pl.String)).filter(pl.col("level").is_in(list(LEVELS)))
    counted = classes.join(levels, on="area_code")
    if counted.is_empty():
        return empty
    # One level only: a total of a station and those of its communities are the same people. A level that is counted
    # no longer gives way to one that is.
    ranked = counted.group_by("level").agg(pl.col("month").max(), areas=pl.len())
    level = ranked.sort("month", "areas", "level", descending=True)["level"][0]
    return counted.filter(pl.col("level") == level).select(empty.columns).unique("area_code", keep="first")


def _newest(population: pl.DataFrame, classes: list[str]) -> pl.DataFrame:
    """Return one row per area with a column per class, of the newest month in which it has any of them."""
    told = population.filter(pl.col("population_class").is_in(classes))
    newest = told.filter(pl.col("month") == pl.col("month").max().over("area_code"))
    sums = [pl.col("count").filter(pl.col("population_class") == name) for name in classes]
    return newest.group_by("area_code", "month", maintain_order=True).agg(
        pl.when(some.len() > 0).then(some.sum()).alias(name) for name, some in zip(classes, sums, strict=True)
    )


def _sum_known(columns: tuple[str, ...]) -> pl.Expr:
    """Return the sum of what is known, null where nothing is."""
    return pl.when(pl.any_horizontal(pl.col(columns).is_not_null())).then(pl.sum_horizontal(columns))


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
