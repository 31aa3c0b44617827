"""Real incident series as frames the forecasts read, with their outlines: what the forecast benchmark runs on."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

#: First two digits of a St. Louis offence code and what they stand for.
ST_LOUIS = {"03": "robbery", "04": "assault", "05": "burglary", "06": "larceny", "07": "vehicle theft"}


def shared_data() -> Path:
    """Return the folder of the project's real data."""
    root = Path(__file__).resolve().parents[1]
    return Path(os.environ.get("BEATWISE_SHARED_DATA", root.parent / "shared" / "data"))


@dataclass(frozen=True)
class City:
    """One source: incidents, outline, reference system, side of a cell, and the years judged.

    Attributes
    ----------
    incidents
        Columns as in ``analytics.hotspots.history.COLUMNS``.
    outline
        Polygons (EPSG:4326), or None.
    area_share
        Share of the map that is flagged.
    first, last
        First days of the oldest and the newest month forecast.
    """

    name: str
    incidents: pl.DataFrame
    outline: list[Any] | None
    crs: str
    cell_m: float
    area_share: float
    first: date
    last: date
    categories: tuple[str, ...]


def _frame(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(
        valid=pl.lit(True),
        weight=pl.col("weight").cast(pl.Int16) if "weight" in rows.columns else pl.lit(1, dtype=pl.Int16),
        known_on=pl.lit(None, dtype=pl.Date),
        location_level=pl.lit("point"),
    ).filter(pl.col("lon").is_finite() & pl.col("lat").is_finite())


def _polygons(path: Path) -> list[Any]:
    import geopandas

    return list(geopandas.read_file(path).to_crs(4326).geometry)


def load_portland(data: Path) -> City:
    """Return the three target categories of the challenge, on the 600-ft cells of the published table."""
    from pyproj import Transformer

    rows = pl.read_parquet(data / "nij_portland" / "calls_target3_2012-03_2017-02.parquet")
    lon, lat = Transformer.from_crs("EPSG:2913", "EPSG:4326", always_xy=True).transform(
        rows["x_coordinate"].to_numpy(), rows["y_coordinate"].to_numpy()
    )
    incidents = _frame(rows.select("category", occurred_on="occ_date").with_columns(lon=lon, lat=lat))
    outline = _polygons(data / "nij_portland" / "portland_police_districts.geojson")
    # 0.75 of 147.7 square miles, the largest area the challenge allowed.
    share = 0.75 * 5280**2 / 4_117_743_415
    kinds = ("BURGLARY", "MOTOR VEHICLE THEFT", "STREET CRIMES")
    return City("Portland", incidents, outline, "EPSG:2913", 182.88, share, date(2015, 3, 1), date(2017, 2, 1), kinds)


def load_st_louis(data: Path) -> City:
    """Return five offence groups, removals with weight -1, on 500-ft cells; 2018 is judged."""
    code = pl.col("Crime").cast(pl.String).str.zfill(6).str.slice(0, 2)
    rows = (
        pl.read_parquet(data / "st_louis" / "incidents_2008_2018.parquet")
        .with_columns(
            occurred_on=pl.col("occurred_at").dt.date(), category=code.replace_strict(ST_LOUIS, default="other")
        )
        .filter(pl.col("occurred_on") >= date(2008, 1, 1))
        .select("category", "occurred_on", "lon", "lat", weight="Count")
    )
    outline = _polygons(data / "st_louis" / "boundaries" / "city_boundary_wgs84.geojson")
    return City(
        "St. Louis",
        _frame(rows),
        outline,
        "EPSG:32615",
        152.4,
        0.01,
        date(2018, 1, 1),
        date(2018, 12, 1),
        tuple(sorted(ST_LOUIS.values())),
    )


def load_toronto(data: Path) -> City:
    """Return the major crime indicators, placed at the nearest crossing by their publisher; 2020 is judged."""
    rows = (
        pl.read_parquet(data / "toronto_mci" / "mci_to_2020.parquet")
        .filter(pl.col("occ_date") >= date(2014, 1, 1))
        .select(category="MCI", occurred_on="occ_date", lon="Long", lat="Lat")
    )
    outline = _polygons(data / "toronto_mci" / "boundaries" / "neighbourhood_crime_rates.geojson")
    kinds = ("Assault", "Auto Theft", "Break and Enter", "Robbery", "Theft Over")
    return City("Toronto", _frame(rows), outline, "EPSG:32617", 200.0, 0.01, date(2020, 1, 1), date(2020, 12, 1), kinds)


def load_chicago(data: Path) -> City:
    """Return aggravated assaults; 2018 is judged."""
    rows = pl.read_parquet(data / "chicago" / "aggravated_assaults_2010_2018.parquet").select(
        category=pl.lit("assault"), occurred_on=pl.col("date").dt.date(), lon="longitude", lat="latitude"
    )
    outline = _polygons(data / "chicago" / "boundaries" / "police_beats.geojson")
    return City(
        "Chicago", _frame(rows), outline, "EPSG:32616", 200.0, 0.01, date(2018, 1, 1), date(2018, 12, 1), ("assault",)
    )


def load_new_york(data: Path) -> City:
    """Return vehicle thefts by the middle of their interval, cells near any of them; 2016 is judged."""
    rows = pl.read_parquet(data / "nyc_vehicle_thefts" / "vehicle_thefts_2014_2016.parquet").select(
        category=pl.lit("vehicle theft"),
        occurred_on=pl.col("date_single").str.slice(0, 10).str.to_date(),
        lon="longitude",
        lat="latitude",
    )
    return City(
        "New York",
        _frame(rows),
        None,
        "EPSG:32618",
        200.0,
        0.01,
        date(2016, 1, 1),
        date(2016, 12, 1),
        ("vehicle theft",),
    )


#: Cities by the name they are asked for.
CITIES: dict[str, Callable[[Path], City]] = {
    "portland": load_portland,
    "st_louis": load_st_louis,
    "toronto": load_toronto,
    "chicago": load_chicago,
    "new_york": load_new_york,
}


def load_city(name: str) -> City:
    """Return a city of :data:`CITIES` from the project's shared data."""
    return CITIES[name](shared_data())
