"""The population platform: standard addresses and monthly counts by community (one standard, three realities)."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from data.demo.coordinates import to_lon_lat
from data.demo.land import Land
from data.demo.names import CITY, DISTRICT
from data.demo.places import Places
from data.demo.territory import Territory


def list_addresses(rng: np.random.Generator, places: Places, land: Land, territory: Territory) -> pl.DataFrame:
    """Return the standard addresses as their platform exports them, one row per building, in the order of the spots.

    Households follow the density of residents around the building.
    """
    spots = places.addresses
    lon, lat = to_lon_lat(spots.x, spots.y)
    share = places.residents[spots.cell] / np.maximum(spots.count_in_cell[spots.cell], 1)
    households = rng.poisson(share * rng.gamma(2.0, 0.5, len(share)) / 2.7)
    road = pl.Series([way.name_zh for way in land.ways])[spots.road]
    community = pl.Series(territory.community_codes)[spots.community]
    frame = pl.DataFrame({"community": community, "road": road, "number": spots.number})
    return frame.select(
        BZDZBM=pl.col("community") + pl.int_range(1, pl.len() + 1).cast(pl.String).str.zfill(6),
        DZMC=pl.concat_str(pl.lit(CITY[0] + DISTRICT[0]), "road", pl.format(" {} 号", "number")),
        JLX="road",
        SQDM="community",
        JD=pl.Series(np.round(lon, 6)).cast(pl.String),
        WD=pl.Series(np.round(lat, 6)).cast(pl.String),
        HS=pl.Series(households).cast(pl.String),
    )


def count_people(rng: np.random.Generator, places: Places, territory: Territory, months: list[date]) -> pl.DataFrame:
    """Return one row per community and month with a column per class of population.

    Notes
    -----
    The floating population leaves around Spring Festival, so January and February are low; classes add up to about
    half a million residents in an ordinary month.
    """
    size = len(territory.community_codes)
    renters = np.bincount(places.community, places.rental * places.residents, minlength=size)
    rental = renters / np.maximum(np.bincount(places.community, places.residents, minlength=size), 1)
    floating_share = np.clip(0.16 + 0.42 * rental + rng.normal(0, 0.03, size), 0.06, 0.65)
    residents = territory.community_residents
    trend = rng.normal(0.004, 0.012, size)
    elderly = residents * np.clip(rng.normal(0.011, 0.004, size), 0.003, 0.03)
    frames = []
    for index, month in enumerate(months):
        away = {1: 0.86, 2: 0.74}.get(month.month, 1.0)
        stock = residents * (1 + trend) ** (index / 12)
        floating = stock * floating_share * away * np.exp(rng.normal(0, 0.008, size))
        registered = stock * (1 - floating_share) * 0.965
        people = registered + floating
        columns = {
            "CZRK": registered,
            "LDRK": floating,
            "JZRK": stock * (1 - floating_share) * 0.027,
            "JWRK": stock * (0.0006 + 0.002 * (places_centrality(places, size))),
            "WLHRK": stock * (1 - floating_share) * 0.008,
            "HS": people / 2.7,
            "QRS": rng.poisson(people * (0.006 + 0.02 * floating_share)),
            "QCS": rng.poisson(people * (0.006 + 0.02 * floating_share) * (1.8 if month.month == 1 else 1.0)),
            "DJLR": elderly,
            "CZFW": floating / away / 2.9,
        }
        rounded = {name: pl.Series(np.rint(values).astype(int)).cast(pl.String) for name, values in columns.items()}
        frames.append(pl.DataFrame({"SQDM": territory.community_codes, "TJYF": [f"{month:%Y%m}"] * size, **rounded}))
    return pl.concat(frames)


def places_centrality(places: Places, communities: int) -> np.ndarray:
    """Return the mean centrality of each community, between 0 and about 1."""
    total = np.bincount(places.community, places.centrality, minlength=communities)
    return np.asarray(total / np.maximum(np.bincount(places.community, minlength=communities), 1))
