"""A small made-up city: 20 x 20 cells of 100 m, three years, a few lasting hot cells and a newly rising one."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
import shapely

from analytics.cells import Grid
from analytics.hotspots.forecast import forecast_hotspots
from analytics.hotspots.study import Study

GRID = Grid("EPSG:32650", 100, 500_000, 4_000_000)
AS_OF = date(2023, 1, 1)
HOT = {(3, 3): 0.18, (15, 4): 0.15, (7, 16): 0.12, (12, 12): 0.10}


def make_incidents(seed: int = 1, days: int = 1095) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    rate = np.full((20, 20), 0.0015)
    for (column, row), per_day in HOT.items():
        rate[row, column] = per_day
    parts = []
    for category, factor in (("THEFT", 1.0), ("NOISE", 1.5)):
        counts = rng.poisson(rate * factor * days)
        row, column = np.nonzero(counts)
        n = counts[row, column]
        column, row = np.repeat(column, n), np.repeat(row, n)
        x = 500_000 + 100 * (column + rng.uniform(0.05, 0.95, len(column)))
        y = 4_000_000 + 100 * (row + rng.uniform(0.05, 0.95, len(row)))
        lon, lat = GRID.unproject(x, y)
        day = [AS_OF - timedelta(days=int(d)) for d in rng.integers(1, days + 1, len(column))]
        start = [datetime(d.year, d.month, d.day, 12, tzinfo=UTC) for d in day]
        parts.append(frame_of(category, lon, lat, day, start))
    return pl.concat(parts)


def frame_of(category, lon, lat, day, start=None, *, weight=1, known=None, level="point") -> pl.DataFrame:
    n = len(day)
    return pl.DataFrame(
        {
            "category": [category] * n,
            "valid": [True] * n,
            "weight": pl.Series([weight] * n, dtype=pl.Int16),
            "occurred_on": pl.Series(day, dtype=pl.Date),
            "known_on": pl.Series(known or [None] * n, dtype=pl.Date),
            "lon": np.asarray(lon, dtype=float),
            "lat": np.asarray(lat, dtype=float),
            "location_level": [level] * n,
            "time_precision": ["exact" if start else "day"] * n,
            "occurred_from": pl.Series(start or [None] * n, dtype=pl.Datetime("us", "UTC")),
            "occurred_to": pl.Series(start or [None] * n, dtype=pl.Datetime("us", "UTC")),
        }
    )


@pytest.fixture(scope="session")
def incidents() -> pl.DataFrame:
    return make_incidents()


@pytest.fixture(scope="session")
def grid() -> Grid:
    return GRID


@pytest.fixture(scope="session")
def as_of() -> date:
    return AS_OF


@pytest.fixture(scope="session")
def make_frame():
    return frame_of


@pytest.fixture(scope="session")
def forecast(incidents, grid, as_of):
    """A quick forecast of next month's thefts, from the city's incidents or others: the forecast and its study."""

    def made(rows=incidents, **asked):
        study = Study.of(rows, as_of=as_of, grid=grid)
        quick = {"area_km2": 0.05, "tried": 4, "candidates": ["count_365"]}
        found = forecast_hotspots(
            rows, as_of=as_of, horizon_days=28, category="THEFT", grid=grid, study=study, **(quick | asked)
        )
        return found, study

    return made


@pytest.fixture(scope="session")
def make_areas(grid):
    """Areas from rows of code, level, parent and box: left, low, width, height in metres of the grid, or None."""

    def shape(box):
        if box is None:
            return None
        left, low, width, height = box
        x, y = [left, left + width, left + width, left], [low, low, low + height, low + height]
        return shapely.Polygon(np.column_stack(grid.unproject(x, y))).wkb

    def made(*rows):
        shaped = [(*row[:3], shape(row[3])) for row in rows]
        frame = pl.DataFrame(shaped, schema=["area_code", "level", "parent_code", "geometry"], orient="row")
        return frame.with_columns(valid_from=pl.lit(None, dtype=pl.Date), valid_to=pl.lit(None, dtype=pl.Date))

    return made


@pytest.fixture(scope="session")
def two_stations(make_areas):
    """Two stations side by side that share the city between them, and their sub-bureau, which has no shape."""
    return make_areas(
        ("S1", "station", "F", (500_000, 4_000_000, 1000, 2000)),
        ("S2", "station", "F", (501_000, 4_000_000, 1000, 2000)),
        ("F", "sub_bureau", None, None),
    )
