"""How good, and for whom: on four places and three past periods, counted by hand; then on the made-up city."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from analytics.hotspots.evaluation import score_ranking
from analytics.hotspots.groups import Grouping, group_places
from analytics.hotspots.inspection import (
    Inspection,
    calibrate,
    compare_groups,
    compare_methods,
    draw_curves,
    poisson_interval,
    split_by_source,
)
from analytics.hotspots.panel import Period
from analytics.hotspots.selection import Rolled, observed_counts
from analytics.hotspots.study import Study
from tests.data.tiny_edition import rows_of

AS_OF = date(2026, 1, 1)
#: Four places of 1 km² on a map of 10 km², one flagged; three periods.
COUNTS = ([4.0, 0.0, 1.0, 0.0], [2.0, 3.0, 0.0, 0.0], [3.0, 1.0, 0.0, 1.0])
PAST = [10.0, 10.0, 0.0, 0.0]
TOLD = {
    "count_365": [[2.0, 2.0, 0.5, 0.5]] * 3,
    "count_1095": [[1.0, 3.0, 0.5, 0.5]] * 3,
    "kernel": [[3.0, 1.0, 0.5, 0.5]] * 3,
}


@pytest.fixture
def rolled() -> Rolled:
    periods = [
        Period(300 - 30 * i, np.zeros((4, 1)), np.array(PAST), np.array(c), float(sum(c))) for i, c in enumerate(COUNTS)
    ]
    told = {name: [np.array(e) for e in each] for name, each in TOLD.items()}
    return Rolled(periods, [], told, told, 28)


def scores_of(rolled: Rolled) -> dict:
    return {
        name: tuple(
            score_ranking(e, observed_counts(p), flagged=1, events=p.events or 0, cell_km2=1.0, total_km2=10.0)
            for e, p in zip(each, rolled.newest, strict=True)
        )
        for name, each in rolled.told.items()
    }


def test_methods_side_by_side(rolled: Rolled) -> None:
    rows = compare_methods(rolled, scores_of(rolled), "kernel", 1, cell_km2=1.0, total_km2=10.0, seed=0)
    found = {row["model"]: row for row in rows}
    assert set(found) == {*TOLD, "oracle"}
    assert [name for name, row in found.items() if row["chosen"]] == ["kernel"]
    kernel, plain, oracle = found["kernel"], found["count_365"], found["oracle"]
    # The kernel flags place 0: 4 + 2 + 3 of 5 + 5 + 5; the count ties place 0 and 1: half of each.
    assert (kernel["hits"], kernel["events"], kernel["hit_rate"]) == (9.0, 15.0, 0.6)
    assert plain["hits"] == pytest.approx((4 + 0) / 2 + (2 + 3) / 2 + (3 + 1) / 2)
    assert kernel["pai"] == pytest.approx((8 + 4 + 6) / 3)
    assert oracle["hits"] == 4 + 3 + 3
    assert oracle["pei"] == 1.0
    assert (oracle["auc"], oracle["expected_hits"]) == (None, None)
    # Half of the year before lies in place 0, 9 of 15 now: it kept 1.2 times its share.
    assert kernel["rri"] == pytest.approx((9 / 30) / (15 / 60))
    # Paired: 8 - 4, 4 - 5, 6 - 4.
    assert kernel["gain_365"] == pytest.approx((4 - 1 + 2) / 3)
    assert kernel["gain_365_low"] < kernel["gain_365"] < kernel["gain_365_high"]
    assert (plain["gain_365"], plain["gain_365_low"]) == (None, None)
    assert found["count_1095"]["gain_1095"] is None


def test_incidents_off_the_map_do_not_lower_the_recapture_rate(rolled: Rolled) -> None:
    wider = replace(rolled, newest=[replace(p, events=2 * (p.events or 0.0)) for p in rolled.newest])
    rows = [
        compare_methods(each, scores_of(each), "kernel", 1, cell_km2=1.0, total_km2=10.0, seed=0)
        for each in (rolled, wider)
    ]
    assert [row["rri"] for row in rows[1]] == [row["rri"] for row in rows[0]]
    assert rows[1][0]["hit_rate"] == pytest.approx(rows[0][0]["hit_rate"] / 2, abs=1e-6)


def test_a_curve_ends_with_everything_and_never_passes_the_oracle(rolled: Rolled) -> None:
    rows = draw_curves(rolled, "kernel", 2, cell_km2=1.0, total_km2=4.0, seed=0)
    curves: dict[str, dict[float, float]] = {}
    for row in rows:
        curves.setdefault(row["model"], {})[row["area_km2"]] = row["hit_rate"]
        assert row["low"] <= row["hit_rate"] <= row["high"]
        assert row["is_budget"] is (row["area_km2"] == 2.0)
    assert list(curves) == ["kernel", "count_365", "count_1095", "oracle"]
    assert curves["kernel"] == {1.0: 0.6, 2.0: pytest.approx(13 / 15), 4.0: 1.0}
    assert curves["oracle"][1.0] == pytest.approx(10 / 15)
    for curve in curves.values():
        assert all(value <= curves["oracle"][area] + 1e-9 for area, value in curve.items())


def test_bands_hold_every_place_once_and_band_0_the_flagged(rolled: Rolled) -> None:
    rows = calibrate(rolled, "kernel", 1)
    first, bands = rows[0], rows[1:]
    assert (first["band"], first["places"], first["expected"], first["observed"]) == (0, 3, 9.0, 9.0)
    assert sum(row["places"] for row in bands) == 12
    assert sum(row["expected"] for row in bands) == pytest.approx(15.0)
    assert sum(row["observed"] for row in bands) == 15.0
    means = [row["expected"] / row["places"] for row in bands]
    assert means == sorted(means, reverse=True)
    assert 0 <= first["cover_50"] <= first["cover_80"] <= first["cover_95"] <= 1


def test_groups_are_flagged_hit_and_told_as_counted(rolled: Rolled) -> None:
    grouping = Grouping("station", ("east", "empty", "west"), np.array([2, 0, 0, -1]), np.array([0.3, 0.1, 0.6]))
    east, west = compare_groups(rolled.told["kernel"], rolled.newest, 1, [grouping])
    assert (east["group_code"], west["group_code"]) == ("east", "west")
    assert (west["flagged_share"], west["hits"], west["incidents"], west["hit_rate"]) == (1.0, 9.0, 9.0, 1.0)
    assert (east["flagged_share"], east["hits"], east["incidents"], east["hit_rate"]) == (0.0, 0.0, 5.0, 0.0)
    assert (east["incident_share"], west["population_share"]) == (pytest.approx(1 / 3, abs=1e-6), 0.6)
    assert west["ratio"] == 1.0
    assert east["ratio"] == pytest.approx(4.5 / 5)
    assert east["ratio_low"] < east["ratio"] < east["ratio_high"]


@given(st.integers(0, 400))
def test_an_interval_of_a_count_holds_it(count: int) -> None:
    low, high = poisson_interval(float(count))
    assert low <= count <= high
    # Garwood: 90 % after 0 events ends at -log(0.05).
    assert poisson_interval(0.0) == (0.0, pytest.approx(2.995732, abs=1e-5))


def squares() -> pl.DataFrame:
    rows = [{"record_key": "f", "area_code": "f", "level": "sub_bureau"}]
    for station, beats in {"s1": ("b1", "b2"), "s2": ("b3", "b4")}.items():
        rows.append({"record_key": station, "area_code": station, "level": "station", "parent_code": "f"})
        rows += [{"record_key": b, "area_code": b, "level": "beat", "parent_code": station} for b in beats]
    for row in rows:
        if row["level"] == "beat":
            x = int(row["area_code"][1]) - 1
            row |= {"geometry": shapely.to_wkb(shapely.box(x, 0, x + 1, 1)), "area_km2": 2.0}
    return rows_of("areas", *rows)


def population(**counts: tuple[float, ...]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {"area_code": f"b{i + 1}", "month": month, "population_class": name, "count": value * factor}
            for name, values in counts.items()
            for i, value in enumerate(values)
            # An older month with other figures, and one that as-of may not know.
            for month, factor in ((date(2025, 11, 1), 9.0), (date(2025, 12, 1), 1.0), (date(2026, 1, 1), 5.0))
        ]
    )


def test_places_are_grouped_by_station_density_and_housing() -> None:
    lon, lat = np.array([0.5, 1.5, 2.5, 3.5, 9.0]), np.full(5, 0.5)
    people = population(
        registered=(100.0, 200.0, 250.0, 250.0),
        floating=(0.0, 0.0, 50.0, 350.0),
        households=(10.0, 10.0, 10.0, 10.0),
        rentals=(9.0, 5.0, 1.0, 3.0),
    )
    found = {g.kind: g for g in group_places(lon, lat, squares(), people, as_of=AS_OF)}
    assert set(found) == {"station", "density", "housing"}
    assert (found["station"].codes, found["station"].member.tolist()) == (("s1", "s2"), [0, 0, 1, 1, -1])
    assert found["station"].population_share == pytest.approx([0.25, 0.75])
    # Residents 100, 200, 300, 600 of 1,200 on equal areas: b4 holds the upper third alone, and more.
    assert found["density"].member.tolist() == [0, 0, 1, 2, -1]
    assert found["density"].population_share == pytest.approx([0.25, 0.25, 0.5])
    # Shares of rented dwellings: b3 .1 (a quarter of residents), b4 .3 (half), b2 .5, b1 .9.
    assert found["housing"].member.tolist() == [2, 2, 0, 1, -1]


def test_without_areas_or_people_there_are_fewer_groups() -> None:
    lon, lat = np.array([0.5]), np.array([0.5])
    assert group_places(lon, lat, None, None, as_of=AS_OF) == []
    (station,) = group_places(lon, lat, squares(), None, as_of=AS_OF)
    assert (station.kind, station.population_share) == ("station", None)


def test_a_source_is_excluded_only_when_it_is(incidents: pl.DataFrame, grid, as_of: date) -> None:
    found_by = pl.Series((["police", "reported", None] * incidents.height)[: incidents.height])
    told = incidents.with_columns(discovered_by=found_by)
    study = Study.of(told, as_of=as_of, grid=grid)
    rows = {row["group_code"]: row for row in split_by_source(told, "THEFT", study)}
    assert [name for name, row in rows.items() if row["excluded"]] == ["police"]
    assert sum(row["incidents"] for row in rows.values()) == told.filter(pl.col("category") == "THEFT").height
    everything = Study.of(told, as_of=as_of, grid=grid, include_discovered=True)
    assert not any(row["excluded"] for row in split_by_source(told, "THEFT", everything))


def test_an_inspection_agrees_with_the_forecast_it_looked_at(incidents: pl.DataFrame, forecast) -> None:
    found, study = forecast(area_km2=0.2, candidates=["count_365", "count_1095", "gamma_poisson"], fitted=3)
    inspection = Inspection(incidents, None, None, seed=0)
    inspection.look_at(found, study)
    tables = inspection.tables()
    chosen = tables["model_comparison"].filter("chosen").row(0, named=True)
    scores = found.backtest.scores[found.backtest.chosen]
    assert chosen["model"] == found.backtest.chosen
    assert chosen["hits"] == pytest.approx(sum(score.hits for score in scores))
    budget = tables["model_curves"].filter("is_budget", pl.col("model") == chosen["model"]).row(0, named=True)
    assert budget["hit_rate"] == pytest.approx(chosen["hits"] / chosen["events"], abs=1e-6)
    assert tables["model_calibration"].filter(pl.col("band") == 0)["places"].to_list() == [20 * 4]
    assert set(tables["model_groups"]["kind"]) == {"source"}
    assert Inspection(incidents, None, None, seed=0).tables()["model_curves"].is_empty()


def test_a_list_with_what_the_police_found_has_other_places(incidents: pl.DataFrame, grid, forecast) -> None:
    # Officers found two hundred thefts last month in one quiet corner.
    lon, lat = grid.centres(np.array([18]), np.array([18]))
    found_there = incidents.filter(pl.col("category") == "THEFT").head(200)
    found_there = found_there.with_columns(
        lon=pl.lit(float(lon[0])), lat=pl.lit(float(lat[0])), occurred_on=pl.lit(date(2022, 12, 20))
    )
    told = pl.concat(
        [
            incidents.with_columns(discovered_by=pl.lit("reported")),
            found_there.with_columns(discovered_by=pl.lit("police")),
        ]
    )
    found, study = forecast(told, area_km2=0.04, candidates=["gamma_poisson"], tried=3, fitted=3)
    corner = grid.place_ids(np.array([18]), np.array([18]))[0]
    assert corner not in found.cells["place_id"].to_list()
    inspection = Inspection(told, None, None, seed=0)
    inspection.look_at(found, study)
    police = inspection.tables()["model_groups"].filter(pl.col("group_code") == "police").row(0, named=True)
    # One of the four places on the list gives way to the corner.
    assert (police["incidents"], police["excluded"], police["list_change"]) == (200.0, True, 0.25)
    reported = inspection.tables()["model_groups"].filter(pl.col("group_code") == "reported")
    assert reported["list_change"].to_list() == [None]
