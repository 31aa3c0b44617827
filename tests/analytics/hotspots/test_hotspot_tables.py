"""The tables of an edition: valid, located in areas and streets, with a time and an action."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
import shapely

from analytics.edition import at_stored_precision
from analytics.hotspots.places import name_areas, name_streets, outline_of, suggest_action
from analytics.hotspots.study import Study
from analytics.hotspots.tables import hotspot_tables
from data.actions import load_actions
from data.schemas.advice import ACTIONS, CalmLists, Hotspots, HotspotSurface, SpareHotspots
from data.schemas.models import ModelScores


def square(grid, left, low, side):
    x = [left, left + side, left + side, left]
    y = [low, low, low + side, low + side]
    return shapely.Polygon(np.column_stack(grid.unproject(x, y))).wkb


@pytest.fixture(scope="module")
def areas(grid):
    rows = [
        ("B1", "beat", "S1", square(grid, 500_000, 4_000_000, 1000)),
        ("B2", "beat", "S1", square(grid, 501_000, 4_000_000, 1000)),
        ("S1", "station", None, None),
    ]
    frame = pl.DataFrame(rows, schema=["area_code", "level", "parent_code", "geometry"], orient="row")
    return frame.with_columns(valid_from=pl.lit(None, dtype=pl.Date), valid_to=pl.lit(None, dtype=pl.Date))


@pytest.fixture(scope="module")
def base_map(grid):
    def line(y):
        return shapely.LineString(np.column_stack(grid.unproject([500_000, 502_000], [y, y]))).wkb

    rows = [
        ("1", "street", "临河路", "River Road", line(4_000_300)),
        ("2", "main_street", None, "Hill Road", line(4_001_600)),
        ("3", "river", "清河", None, line(4_000_350)),
    ]
    return pl.DataFrame(rows, schema=["feature_id", "kind", "name_zh", "name_en", "geometry"], orient="row")


def test_areas_come_from_polygons_and_parents(areas, grid):
    lon, lat = grid.unproject([500_500, 501_500, 509_000], [4_000_500] * 3)
    named = name_areas(lon, lat, areas, date(2023, 1, 1))
    assert named["beat_code"].to_list() == ["B1", "B2", None]
    assert named["station_code"].to_list() == ["S1", "S1", None]
    ended = areas.with_columns(valid_to=pl.lit(date(2022, 1, 1)))
    assert name_areas(lon, lat, ended, date(2023, 1, 1))["beat_code"].to_list() == [None] * 3


def test_land_that_is_added_later_is_no_part_of_the_map(incidents, areas, grid, as_of):
    later = areas.head(1).with_columns(
        area_code=pl.lit("B9"),
        geometry=pl.lit(square(grid, 502_000, 4_000_000, 1000)),
        valid_from=pl.lit(as_of + timedelta(days=1), dtype=pl.Date),
    )
    both = pl.concat([areas, later])
    now = Study.of(incidents, as_of=as_of, grid=grid, areas=both)
    assert now.total_km2 == Study.of(incidents, as_of=as_of, grid=grid, areas=areas).total_km2
    # A source that has today's boundaries only is not left without a map of the years before.
    assert outline_of(both.tail(1), as_of) == later["geometry"].to_list()


def test_the_nearest_street_is_named_and_a_river_is_not(base_map, grid):
    lon, lat = grid.unproject([500_500, 500_500, 500_500], [4_000_380, 4_001_500, 4_009_000])
    assert name_streets(lon, lat, base_map, grid) == ["临河路", "Hill Road", None]
    assert name_streets(lon, lat, None, grid) == [None] * 3


def test_actions_follow_the_rule_table():
    near = [{"reason": "neighbours", "contribution": 2.0}, {"reason": "recent", "contribution": 1.0}]
    own = [{"reason": "neighbours", "contribution": 1.0}, {"reason": "recent", "contribution": 2.0}]
    table = load_actions()
    assert suggest_action("BURGLARY", 0.5, own, table) == "prevention_visit"
    assert suggest_action("MOTOR VEHICLE THEFT", 0.5, own, table) == "vehicle_patrol"
    assert suggest_action("STREET CRIMES", 0.5, own, table) == "foot_patrol"
    assert suggest_action("STREET CRIMES", 0.5, near, table) == "vehicle_patrol"
    assert suggest_action("BURGLARY", 0.001, own, table) == "observe"
    # Codes of the demo city: burglary, a detail of it, e-bike theft, crashes, fights by day and at night.
    assert suggest_action("010100", 0.5, near, table) == "prevention_visit"
    assert suggest_action("010102", 0.5, near, table) == "prevention_visit"
    assert suggest_action("010200", 0.5, near, table) == "foot_patrol"
    assert suggest_action("030100", 0.5, own, table) == "vehicle_patrol"
    assert suggest_action("020100", 0.5, near, table, 10) == "foot_patrol"
    assert suggest_action("020100", 0.5, near, table, 22) == "venue_check"
    # Another length is another code list.
    assert suggest_action("0101", 0.5, own, table) == "foot_patrol"


def assert_lists_hold_together(tables):
    """Every list of an edition: as long as the published one, of rows that are stored, and calmer ones keep more."""
    lists, spare = tables["calm_lists"], tables["spare_hotspots"]
    assert CalmLists.is_valid(lists) and SpareHotspots.is_valid(spare)
    key = ["category", "horizon_days"]
    stored = pl.concat([tables["hotspots"], spare])
    assert stored.select(*key, "place_id").is_unique().all()
    assert stored["advice_id"].is_unique().all()
    assert lists.join(stored, on=[*key, "place_id"], how="anti").is_empty()
    assert spare.join(lists, on=[*key, "place_id"], how="anti").is_empty()
    same = tables["hotspots"].select(*key, "rank", "place_id").sort(*key, "rank")
    assert lists.filter(calm=0.0).select(*key, "rank", "place_id").sort(*key, "rank").equals(same)
    for _, part in lists.group_by(key):
        kept = part.group_by("calm").agg(pl.col("was_listed").sum(), pl.len()).sort("calm")
        assert kept["len"].n_unique() == 1
        assert kept["was_listed"].is_sorted()
        assert part.filter(calm=1.0)["was_listed"].all()


def test_lists_hold_on_to_the_same_list_of_the_edition_before(incidents, grid, as_of):
    asked = {"as_of": as_of, "horizons": [28], "categories": ["THEFT"], "grid": grid, "area_km2": 0.05, "seed": 0}
    asked |= {"edition_id": "E2", "timezone": "UTC", "backtest_origins": 3, "candidates": ["count_365"]}
    first = hotspot_tables(incidents, **asked).tables
    surface = first["hotspot_surface"].sort("expected", descending=True)["place_id"].to_list()
    # The edition before had places 1-4 and 20 in its accurate list, and 1-4 and 30 in its calmest.
    listed = {0.0: [*surface[:4], surface[19]], 1.0: [*surface[:4], surface[29]]}
    rows = [
        {"category": "THEFT", "horizon_days": 28, "calm": calm, "rank": rank, "place_id": place}
        for calm, places in listed.items()
        for rank, place in enumerate(places, start=1)
    ]
    before = {"hotspots": pl.DataFrame(rows[:5]).drop("calm"), "calm_lists": pl.DataFrame(rows)}
    made = hotspot_tables(incidents, **asked, previous=before)
    assert made.verdicts[0]["held_to"] == "edition"
    assert_lists_hold_together(made.tables)
    kept = made.tables["calm_lists"].filter(calm=1.0)
    assert set(kept["place_id"]) == set(listed[1.0])
    assert made.tables["hotspots"]["place_id"].to_list() == first["hotspots"]["place_id"].to_list()
    assert made.tables["hotspots"].sort("rank")["was_listed"].to_list() == [True] * 4 + [False]
    spare = made.tables["spare_hotspots"].filter(place_id=surface[29])
    assert spare["advice_id"].to_list() == [f"E2:H:THEFT:28:R{spare['rank'][0]:04d}"]
    # The same places of another grid are other places.
    elsewhere = {name: frame.with_columns(place_id="x" + pl.col("place_id")) for name, frame in before.items()}
    assert hotspot_tables(incidents, **asked, previous=elsewhere).verdicts[0]["held_to"] == "past_forecast"


def test_no_place_of_a_calmer_list_is_surer_than_a_better_one(incidents, grid, as_of):
    asked = {"as_of": as_of, "horizons": [28], "categories": ["THEFT"], "grid": grid, "area_km2": 0.4, "seed": 0}
    asked |= {"timezone": "Asia/Shanghai", "candidates": ["gamma_poisson"]}
    first = hotspot_tables(incidents, **asked, edition_id="E1")
    surface = first.tables["hotspot_surface"].sort("expected", descending=True)["place_id"].to_list()
    worse = first.tables["hotspots"].head(40).with_columns(place_id=pl.Series(surface[40:80]))
    earlier = {"hotspots": worse, "calm_lists": first.tables["calm_lists"].clear()}
    made = hotspot_tables(incidents, **asked, edition_id="E2", previous=earlier)
    stored = pl.concat([made.tables["hotspots"], made.tables["spare_hotspots"]])
    assert stored.height > 60
    assert stored.sort("expected", "top_chance")["top_chance"].is_sorted()


def test_an_edition_gets_valid_tables(incidents, areas, base_map, grid, as_of):
    made = hotspot_tables(
        incidents,
        areas,
        base_map,
        as_of=as_of,
        horizons=[7, 28],
        categories=["THEFT", "UNHEARD OF"],
        grid=grid,
        area_km2=0.05,
        seed=0,
        edition_id="E1",
        timezone="Asia/Shanghai",
        backtest_origins=4,
        candidates=["count_365", "kernel"],
    )
    tables = made.tables
    assert set(tables) == {"hotspots", "spare_hotspots", "calm_lists", "hotspot_surface", "model_scores"}
    for name, schema in (("hotspots", Hotspots), ("hotspot_surface", HotspotSurface), ("model_scores", ModelScores)):
        assert schema.is_valid(tables[name]), name
    hotspots = tables["hotspots"]
    assert hotspots.group_by("horizon_days").len().sort("horizon_days").rows() == [(7, 5), (28, 5)]
    assert hotspots["advice_id"].n_unique() == 10
    assert hotspots["beat_code"].drop_nulls().is_in(["B1", "B2"]).all()
    assert set(hotspots["action"]) <= set(ACTIONS)
    # The occurrences are all at 12:00 UTC, 20:00 in Shanghai: every busiest four-hour block holds it.
    assert hotspots["peak_hour"].is_between(17, 20).all()
    weeks = hotspots["hours"].to_list()
    assert all(len(week) == 168 and abs(sum(week) - 1) < 1e-3 for week in weeks)
    assert all(sum(week[20::24]) > 0.9 for week in weeks)
    assert hotspots["hours_own_share"].is_between(0, 1).all()
    stored = at_stored_precision(hotspots)
    for expected, reasons in stored.select("expected", "reasons").iter_rows():
        assert abs(sum(part["contribution"] for part in reasons) - np.log(expected)) <= 1e-6
    assert hotspots["top_chance"].is_between(0, 1).all()
    # A higher expectation never has a lower chance.
    for _, listed in hotspots.group_by("horizon_days"):
        assert listed.sort("rank")["top_chance"].is_sorted(descending=True)
    assert (hotspots["rank_without_recent"] >= 1).all()
    assert (hotspots["expected_without_recent"] <= hotspots["expected"] * 1.05).all()
    # Without an edition before, lists hold on to what the method would have listed 28 days ago.
    assert hotspots["was_listed"].null_count() == 0
    assert {v.get("held_to") for v in made.verdicts} == {None, "past_forecast"}
    assert_lists_hold_together(tables)
    scores = tables["model_scores"]
    assert set(scores["model"]) == {"count_365", "count_1095", "kernel"}
    assert scores.filter(pl.col("horizon_days") == 28)["origin"].n_unique() == 4
    # Both horizons are tried on the same days, the newest 28 days before.
    assert scores.group_by("horizon_days").agg(pl.col("origin").max())["origin"].to_list() == [date(2022, 12, 4)] * 2
    assert scores["auc"].is_between(0.5, 1).all()
    assert (scores["deviance"] > 0).all()
    told = {(v["category"], v["horizon_days"]): v for v in made.verdicts}
    assert told["UNHEARD OF", 7]["model"] is None
    assert told["UNHEARD OF", 7]["verdict"].startswith("no forecast")
    assert told["THEFT", 28]["model"] in {"count_365", "kernel"}
    assert told["THEFT", 28]["listed"] == 5
    assert 0 < told["THEFT", 28]["top_promised"] <= 1
    assert 0 < told["THEFT", 28]["top_kept"] <= 1
    prices = told["THEFT", 28]["calm_prices"]
    assert [price["calm"] for price in prices] == [0, 0.1, 0.25, 0.5, 0.75, 1]
    assert prices[-1]["stay_share"] == 1
