"""The true surface and what is drawn from it, at full size but without writing files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
import shapely
from scipy.spatial import cKDTree

from data.demo.calendar import Days, count_days, day_factors
from data.demo.land import ORIGIN_EASTING_M, ORIGIN_NORTHING_M, plan_land
from data.demo.places import Places, lay_out_places
from data.demo.risk import (
    COMPONENTS,
    EMERGING,
    EMERGING_DAYS,
    Drawn,
    Surface,
    draw_incidents,
    lay_surfaces,
    true_surface,
)
from data.demo.territory import divide_land
from data.demo.truth import Truth
from data.errors import StoreError

FIRST, UNTIL = date(2023, 7, 1), date(2026, 6, 30)
LAST = (UNTIL - FIRST).days


@dataclass(frozen=True)
class World:
    places: Places
    days: Days
    surfaces: list[Surface]
    drawn: Drawn


@pytest.fixture(scope="module")
def world() -> World:
    rng = np.random.default_rng(5)
    land = plan_land(rng)
    places = lay_out_places(rng, land, divide_land(rng, land))
    days = count_days(FIRST, UNTIL + timedelta(days=40))
    surfaces = lay_surfaces(rng, places, days, 1.0)
    return World(places, days, surfaces, draw_incidents(rng, surfaces, places, days, LAST))


@pytest.mark.parametrize("seed", [1, 3, 4])
def test_any_seed_gives_whole_areas_of_similar_size(seed: int) -> None:
    rng = np.random.default_rng(seed)
    land = plan_land(rng)
    territory = divide_land(rng, land)
    assert shapely.coverage_is_valid(territory.community_shapes)
    assert shapely.area(territory.community_shapes).sum() == pytest.approx(land.outline.area)
    for shapes in (territory.community_shapes, territory.beat_shapes, territory.station_shapes):
        assert {shape.geom_type for shape in shapes} == {"Polygon"}
    station = np.bincount(territory.station_of_beat[territory.beat_of_community], territory.community_residents)
    assert station.sum() == pytest.approx(500_000)
    assert station.max() / station.min() < 5


def test_drawn_numbers_agree_with_the_true_surface(world: World) -> None:
    start = UNTIL - timedelta(days=27)
    truth = true_surface(world.surfaces, world.places, world.days, LAST, [(start, UNTIL + timedelta(days=1))])
    when = world.drawn.time >= LAST - 27
    for category in {component.category for component in COMPONENTS}:
        expected = truth.filter(pl.col("category") == category)["expected"].sum()
        count = int(((world.drawn.category == category) & when).sum())
        # Near repeats make burglary counts wider than Poisson.
        assert abs(count - expected) < 5 * np.sqrt(2.5 * expected), category


def test_incidents_fall_where_the_surface_is_high(world: World) -> None:
    start = UNTIL - timedelta(days=27)
    truth = true_surface(world.surfaces, world.places, world.days, LAST, [(start, UNTIL + timedelta(days=1))])
    crashes = truth.filter(pl.col("category") == "030100")
    top = crashes.sort("expected", descending=True).head(crashes.height // 10)
    share = top["expected"].sum() / crashes["expected"].sum()
    mine = (world.drawn.category == "030100") & (world.drawn.time >= LAST - 27)
    cell = pl.DataFrame(
        {
            "easting_m": ((world.drawn.x[mine] + ORIGIN_EASTING_M) // 100 * 100 + 50).astype(np.int32),
            "northing_m": ((world.drawn.y[mine] + ORIGIN_NORTHING_M) // 100 * 100 + 50).astype(np.int32),
        }
    )
    hit = cell.join(top, on=["easting_m", "northing_m"], how="semi").height / cell.height
    assert share > 0.5
    assert hit == pytest.approx(share, abs=0.08)


def _knox_ratio(x: np.ndarray, y: np.ndarray, time: np.ndarray) -> float:
    """Pairs within 200 m and 14 days over what shuffled dates give."""
    pairs = np.array(sorted(cKDTree(np.column_stack([x, y])).query_pairs(200.0)))
    observed = (np.abs(time[pairs[:, 0]] - time[pairs[:, 1]]) <= 14).sum()
    rng = np.random.default_rng(0)
    shuffled = []
    for _ in range(20):
        other = rng.permutation(time)
        shuffled.append((np.abs(other[pairs[:, 0]] - other[pairs[:, 1]]) <= 14).sum())
    return float(observed / np.mean(shuffled))


def test_burglaries_repeat_near_by_and_soon(world: World) -> None:
    early = world.drawn.time < LAST - EMERGING_DAYS
    mine = (world.drawn.category == "010100") & early
    every = _knox_ratio(world.drawn.x[mine], world.drawn.y[mine], world.drawn.time[mine])
    alone = mine & ~world.drawn.offspring
    background = _knox_ratio(world.drawn.x[alone], world.drawn.y[alone], world.drawn.time[alone])
    assert every > 1.5
    assert background == pytest.approx(1.0, abs=0.25)


@pytest.mark.parametrize("spot", EMERGING, ids=lambda spot: spot[0])
def test_emerging_hotspots_emerge(world: World, spot: tuple[str, float, float, float, float]) -> None:
    category, x, y, radius_m, factor = spot
    edge = UNTIL - timedelta(days=EMERGING_DAYS - 1)
    before, after = (edge - timedelta(days=30), edge), (edge, edge + timedelta(days=30))
    truth = true_surface(world.surfaces, world.places, world.days, LAST, [before, after])
    near = truth.filter(
        pl.col("category") == category,
        (pl.col("easting_m") - ORIGIN_EASTING_M - x).abs() < radius_m / 2,
        (pl.col("northing_m") - ORIGIN_NORTHING_M - y).abs() < radius_m / 2,
    )
    early, late = (near.filter(pl.col("period_start") == start)["expected"].sum() for start, _ in (before, after))
    assert late / early > 0.55 * factor


def test_true_surface_counts_periods_by_their_days() -> None:
    surface = pl.DataFrame(
        {
            "category": ["a", "a", "b"],
            "period_start": [date(2026, 6, 1), date(2026, 6, 11), date(2026, 6, 1)],
            "period_end": [date(2026, 6, 11), date(2026, 6, 21), date(2026, 6, 11)],
            "easting_m": [50, 50, 50],
            "northing_m": [150, 150, 150],
            "expected": [10.0, 20.0, 99.0],
        }
    )
    found = Truth(surface).expected("a", date(2026, 6, 6), date(2026, 6, 13))
    assert found.to_dicts() == [{"easting_m": 50, "northing_m": 150, "expected": 5.0 + 4.0}]
    with pytest.raises(StoreError, match="knows nothing of a"):
        Truth(surface).expected("a", date(2027, 1, 1), date(2027, 2, 1))


def test_calendar_knows_festivals_and_exchanged_days() -> None:
    days = count_days(date(2026, 1, 1), date(2026, 12, 31))

    def at(month: int, day: int) -> int:
        return (date(2026, month, day) - days.first).days

    assert days.from_spring_festival[at(2, 17)] == 0
    assert days.from_spring_festival[at(2, 7)] == -10
    # 14 February 2026 is a Saturday worked in exchange for Friday the 20th.
    assert not days.day_off[at(2, 14)]
    assert days.day_off[at(2, 20)]
    assert days.day_off[at(2, 21)]
    assert days.eve_of_day_off[at(3, 6)]
    flat = day_factors(days)
    assert flat == pytest.approx(np.ones(365))
    factors = day_factors(days, in_festival=2.0, before_festival=1.5)
    assert (factors[at(2, 17)], factors[at(2, 1)], factors[at(3, 17)]) == (2.0, 1.5, 1.0)
