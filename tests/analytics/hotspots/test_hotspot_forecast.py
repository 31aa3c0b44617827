"""The forecast: finds what is there, explains it exactly, uses nothing from the future, and is the same every time."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.cells import Grid
from analytics.hotspots.calibration import CalibratedRanker, CalibrationMap
from analytics.hotspots.forecast import forecast_hotspots, round_significant
from analytics.hotspots.history import day_number, read_located
from analytics.hotspots.intervals import count_interval
from analytics.hotspots.panel import Lattice, Panel, feature_names
from analytics.hotspots.rankers import LADDER, fit_rankers, make_ranker
from analytics.hotspots.reasons import GROUPS, explain_places, reason_of
from analytics.hotspots.study import Study
from data.errors import RequestError, SchemaError
from data.schemas.advice import REASONS

HOT_CELLS = {(3, 3), (15, 4), (7, 16), (12, 12)}


@pytest.fixture(scope="module")
def panel(incidents, grid, as_of):
    history = read_located(incidents, grid, as_of=as_of).history("THEFT", as_of=as_of)
    columns, rows = (part.ravel() for part in np.meshgrid(np.arange(20), np.arange(20)))
    lattice = Lattice.of_cells(grid, columns, rows)
    position = lattice.locate(history)
    panel = Panel(history, position, lattice)
    periods = [panel.period(day_number(as_of) - 28 * k, 28, observed=True) for k in (1, 2, 3, 4)]
    features = np.vstack([p.features for p in periods])
    return features, np.concatenate([p.counts for p in periods])


def forecast(incidents, grid, as_of, **more):
    return forecast_hotspots(
        incidents,
        **{"as_of": as_of, "horizon_days": 28, "category": "THEFT", "grid": grid, "area_km2": 0.04, "fitted": 6} | more,
    )


@pytest.fixture(scope="module")
def found(incidents, grid, as_of):
    return forecast(incidents, grid, as_of)


def test_the_true_hot_cells_are_flagged(found):
    assert set(found.cells.select("column", "row").iter_rows()) == HOT_CELLS
    assert found.cells["rank"].to_list() == [1, 2, 3, 4]
    assert found.cells["expected"].is_sorted(descending=True)
    # True expectations are 28 days x 0.18, 0.15, 0.12, 0.10.
    assert found.cells["expected"].sum() == pytest.approx(28 * 0.55, rel=0.2)
    assert (found.cells["low"] <= found.cells["expected"]).all()
    assert (found.cells["high"] >= found.cells["expected"]).all()
    assert found.cells["baseline_rank"].max() <= 6
    assert found.backtest.chosen in found.verdict or "plain 365-day count" in found.verdict


def test_reasons_sum_to_the_logarithm_of_what_is_shown(found):
    for expected, reasons in found.cells.select("expected", "reasons").iter_rows():
        assert [r["reason"] for r in reasons] == list(GROUPS)
        assert sum(r["contribution"] for r in reasons) == pytest.approx(np.log(expected), abs=2e-6)


def test_shuffled_rows_change_nothing(found, incidents, grid, as_of):
    again = forecast(incidents.sample(fraction=1.0, shuffle=True, seed=5), grid, as_of)
    assert again.cells.equals(found.cells)
    assert again.surface.equals(found.surface)
    assert again.parameters == found.parameters


@pytest.mark.parametrize("name", ["poisson_glm", "additive_boosting"])
def test_the_number_of_threads_changes_nothing(incidents, grid, as_of, name):
    from threadpoolctl import threadpool_limits

    results = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            results.append(forecast(incidents, grid, as_of, candidates=[name]))
    assert results[0].cells.equals(results[1].cells)
    assert results[0].surface.equals(results[1].surface)


def test_nothing_on_or_after_as_of_is_used(found, incidents, grid, as_of, make_frame):
    lon, lat = grid.centres([9] * 50, [9] * 50)
    later = make_frame("THEFT", lon, lat, [as_of + timedelta(days=i % 20) for i in range(50)])
    # Happened in time but known too late: a leak that event time alone does not show.
    late = make_frame("THEFT", lon, lat, [as_of - timedelta(days=5)] * 50, known=[as_of] * 50)
    unsure = make_frame("THEFT", lon, lat, [as_of - timedelta(days=5)] * 50, level="beat")
    more = pl.concat([incidents, later, late, unsure, late.with_columns(valid=pl.lit(False))])
    assert forecast(more, grid, as_of).cells.equals(found.cells)


def test_a_cluster_known_just_in_time_is_used(incidents, grid, as_of, make_frame):
    lon, lat = grid.centres([9] * 40, [9] * 40)
    fresh = make_frame("THEFT", lon, lat, [as_of - timedelta(days=2 + i % 20) for i in range(40)])
    cells = forecast(pl.concat([incidents, fresh]), grid, as_of, candidates=["count_365"]).cells
    assert (9, 9) in set(cells.select("column", "row").iter_rows())


def test_what_the_police_found_themselves_is_left_out_unless_asked_for(found, incidents, grid, as_of, make_frame):
    lon, lat = grid.centres([9] * 40, [9] * 40)
    days = [as_of - timedelta(days=2 + i % 20) for i in range(40)]
    silent = incidents.with_columns(discovered_by=pl.lit(None, dtype=pl.String))
    parts = [silent]
    for category in ("THEFT", "NOISE"):
        fresh = make_frame(category, lon, lat, days)
        parts.append(fresh.with_columns(discovered_by=pl.lit("police")))
    both = pl.concat(parts)
    # Neither a target (THEFT) nor a feature (NOISE): the forecast is that of the other rows alone.
    without = forecast(both, grid, as_of)
    assert without.cells.equals(found.cells)
    assert without.parameters["discovered_left_out"] == 80
    counted = forecast(both, grid, as_of, candidates=["count_365"], include_discovered=True)
    assert (9, 9) in set(counted.cells.select("column", "row").iter_rows())
    assert counted.parameters["discovered_left_out"] == 0
    reported = both.with_columns(discovered_by=pl.lit("reported"))
    reported_counted = forecast(reported, grid, as_of, candidates=["count_365"])
    assert reported_counted.cells.equals(counted.cells)


def test_removals_net_out(incidents, grid, as_of, make_frame):
    lon, lat = grid.centres([9] * 40, [9] * 40)
    days = [as_of - timedelta(days=2 + i % 20) for i in range(40)]
    wrong, removal = make_frame("THEFT", lon, lat, days), make_frame("THEFT", lon, lat, days, weight=-1)
    with_removal = forecast(pl.concat([incidents, wrong, removal]), grid, as_of, candidates=["kernel"], tried=0)
    assert with_removal.cells.equals(forecast(incidents, grid, as_of, candidates=["kernel"], tried=0).cells)


def test_the_plain_count_ranks_as_counting_does(incidents, grid, as_of):
    plain = forecast(incidents, grid, as_of, candidates=["count_365"])
    recent = incidents.filter((pl.col("category") == "THEFT") & (pl.col("occurred_on") >= as_of - timedelta(days=365)))
    column, row = grid.index(recent["lon"], recent["lat"])
    counts = pl.DataFrame({"column": column, "row": row}).group_by("column", "row").len()
    top = plain.cells.join(counts, on=["column", "row"], how="left", maintain_order="left")
    assert (top["baseline_count"] == top["len"]).all()
    assert sorted(top["len"], reverse=True) == sorted(counts["len"], reverse=True)[:4]
    assert plain.cells["baseline_rank"].to_list() == [1 + int((counts["len"] > n).sum()) for n in top["len"]]
    assert plain.backtest.chosen == "count_365"


def test_a_short_history_is_forecast_and_said_to_be_untested(incidents, grid, as_of):
    short = incidents.filter(pl.col("occurred_on") >= as_of - timedelta(days=70))
    told = forecast(short, grid, as_of)
    assert "untested" in told.verdict
    assert told.backtest.scores == {}
    assert told.cells.height == 4


def test_an_untested_forecast_does_not_take_its_counts_for_poisson(incidents, grid, as_of):
    short = incidents.filter(pl.col("occurred_on") >= as_of - timedelta(days=70))
    # Every incident of a place brings three more: counts vary far more than Poisson ones.
    own = short.filter(pl.col("category") == "THEFT")
    told = forecast(pl.concat([short, own, own, own]), grid, as_of)
    assert told.backtest.scores == {} and "too narrow" in told.verdict
    assert told.backtest.dispersion > 0.05
    wide = (told.cells["high"] - told.cells["low"]).to_numpy()
    poisson = count_interval(told.cells["expected"].to_numpy(), 0.0, 0.8)
    assert (wide > poisson[1] - poisson[0]).all()


def test_intervals_cover_about_what_they_promise(found):
    for model, shares in found.backtest.coverage.items():
        assert len(shares) == len(found.backtest.origins), model
        assert 0.7 <= float(np.mean(shares)) <= 1.0


@pytest.mark.parametrize("name", LADDER)
def test_parts_of_every_ranker_sum_to_its_prediction(panel, name):
    features, counts = panel
    ranker = make_ranker(name).fit(features, counts, np.ones(len(counts)))
    base, parts = ranker.explain(features)
    np.testing.assert_allclose(base + parts.sum(axis=1), np.log(ranker.predict(features)), atol=1e-9)
    assert ranker.predict(features).sum() == pytest.approx(counts.sum(), rel=0.02)


@settings(max_examples=25, deadline=None)
@given(data=st.data())
@pytest.mark.parametrize("name", ["kernel", "poisson_glm", "additive_boosting", "ensemble"])
def test_reasons_are_exact_for_places_never_seen(panel, name, data):
    features, counts = panel
    ranker = _fitted(name, features, counts)
    low, high = features.min(axis=0), features.max(axis=0)
    mix = np.array(data.draw(st.lists(st.floats(0, 1.2), min_size=len(low), max_size=len(low))))
    place = (low + mix * (high - low))[None, :]
    expected = round_significant(ranker.predict(place))
    reasons = explain_places(ranker, place, expected)[0]
    assert sum(float(r["contribution"]) for r in reasons) == pytest.approx(float(np.log(expected[0])), abs=2e-6)
    base, _ = ranker.explain(place)
    assert float(reasons[0]["contribution"]) == pytest.approx(base, abs=2e-5)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    level=st.floats(-2, 2),
    gaps=st.lists(st.floats(0.05, 2), min_size=2, max_size=6),
    slopes=st.lists(st.floats(0.05, 3), min_size=2, max_size=6),
)
@pytest.mark.parametrize("name", ["kernel", "additive_boosting"])
def test_reasons_of_what_is_told_are_exact_after_level_and_calibration(panel, name, seed, level, gaps, slopes):
    features, counts = panel
    knots = np.cumsum([-6.0, *gaps])
    steps = [gap * slope for gap, slope in zip(gaps, slopes + slopes * len(gaps), strict=False)]
    told = CalibratedRanker(
        _fitted(name, features, counts), CalibrationMap(knots, np.cumsum([-5.0, *steps])), log_level=level
    )
    places = features[np.random.default_rng(seed).choice(len(features), 20, replace=False)]
    base, parts = told.explain(places)
    np.testing.assert_allclose(base + parts.sum(axis=1), np.log(told.predict(places)), atol=1e-9)
    shown = round_significant(told.predict(places))
    for expected, reasons in zip(shown, explain_places(told, places, shown), strict=True):
        # Every contribution is stored with six decimals; their sum misses by half of the last one at most.
        assert abs(sum(float(r["contribution"]) for r in reasons) - np.log(expected)) <= 0.6e-6
    # Calibration stretches all parts of a place alike and never turns one round.
    raw = told.ranker.explain(places)[1]
    assert (np.sign(parts) == np.sign(raw))[np.abs(raw) > 1e-9].all()


_RANKERS: dict[str, object] = {}


def _fitted(name, features, counts):
    if name not in _RANKERS:
        _RANKERS[name] = make_ranker(name).fit(features, counts, np.ones(len(counts)))
    return _RANKERS[name]


def test_every_feature_has_a_reason_the_schema_knows():
    assert set(GROUPS) <= set(REASONS)
    assert {reason_of(name) for name in feature_names()} == set(GROUPS) - {"base"}
    assert reason_of("lag_1m_w0") == reason_of("repeat_7_w0") == "recent"
    assert reason_of("count_365d") == "last_year"


def test_features_by_hand(grid, make_frame):
    as_of = date(2022, 1, 1)
    lon, lat = grid.centres([2, 2, 4], [2, 2, 2])
    rows = make_frame("A", lon, lat, [as_of - timedelta(days=d) for d in (10, 400, 800)])
    history = read_located(rows, grid, as_of=as_of).history("A", as_of=as_of)
    lattice = Lattice.of_cells(grid, np.array([2, 3, 4]), np.array([2, 2, 2]))
    period = Panel(history, lattice.locate(history), lattice).period(day_number(as_of), 28, observed=False)
    assert period.baseline.tolist() == [1, 0, 0]
    names = feature_names()
    floor = 3 * 28 / 800 / 3
    count = np.exp(period.features[:, names.index("count_1095d")])
    np.testing.assert_allclose(count, np.array([2, 0, 1]) * 28 / 800 + 0.05 * floor)
    decay = np.log(2) / 30.4375
    exposure = (1 - np.exp(-decay * 800)) / decay
    lag = np.exp(period.features[:, names.index("lag_1m_w0")]) - floor
    np.testing.assert_allclose(lag[0], (np.exp(-decay * 10) + np.exp(-decay * 400)) * 28 / exposure)
    np.testing.assert_allclose(np.expm1(period.features[:, names.index("repeat_14_w0")]), [1, 0, 0])
    np.testing.assert_allclose(np.expm1(period.features[:, names.index("repeat_7_w0")]), [0, 0, 0], atol=1e-12)


def test_shared_fits_are_the_fits_made_alone(panel):
    features, counts = panel
    weight = 1.0 + np.arange(len(counts)) % 3
    together = fit_rankers(LADDER, features, counts, weight)
    for name in LADDER:
        alone = make_ranker(name).fit(features, counts, weight)
        np.testing.assert_array_equal(together[name].predict(features), alone.predict(features), err_msg=name)


def test_a_panel_asked_for_several_horizons_gives_each_its_own(incidents, grid, as_of):
    study = Study.of(incidents, as_of=as_of, grid=grid)
    origin = day_number(as_of) - 56
    study.panel("THEFT").period(origin, 7, observed=True)
    again = study.panel("THEFT").period(origin, 28, observed=True)
    fresh = Study.of(incidents, as_of=as_of, grid=grid).panel("THEFT").period(origin, 28, observed=True)
    np.testing.assert_array_equal(again.features, fresh.features)
    np.testing.assert_array_equal(again.counts, fresh.counts)


def test_features_of_a_lone_cell_by_hand(grid, make_frame):
    # Two incidents in cell (0, 0), 10 and 100 days back; one of another category 10 days back; history of 400 days.
    as_of = date(2023, 1, 1)
    lon, lat = grid.centres([0] * 2 + [5], [0] * 2 + [5])
    own = make_frame("THEFT", lon, lat, [as_of - timedelta(days=d) for d in (10, 100, 400)])
    other = make_frame("NOISE", lon[:1], lat[:1], [as_of - timedelta(days=10)])
    study = Study.of(pl.concat([own, other]), as_of=as_of, grid=grid)
    found = study.panel("THEFT").period(day_number(as_of), 28, observed=False)
    at = int(np.flatnonzero((study.lattice.columns == 0) & (study.lattice.rows == 0))[0])
    cell = dict(zip(feature_names(), found.features[at], strict=True))
    floor = 3 / 400 / study.lattice.size
    month = np.log(2) / 30.4375
    rate = (np.exp(-10 * month) + np.exp(-100 * month)) / ((1 - np.exp(-400 * month)) / month)
    assert cell["lag_1m_w0"] == pytest.approx(np.log(28 * (rate + floor)))
    assert cell["count_365d"] == pytest.approx(np.log(28 * (2 / 365 + 0.05 * floor)))
    assert cell["repeat_14_w0"] == pytest.approx(np.log(2))
    assert cell["repeat_7_w0"] == 0
    long = np.log(2) / (36 * 30.4375)
    rate = np.exp(-10 * long) / ((1 - np.exp(-400 * long)) / long)
    assert cell["others_w0"] == pytest.approx(np.log(28 * (rate + 1 / 400 / study.lattice.size)))
    assert found.baseline[at] == 2


def test_rounding_keeps_significant_digits():
    assert round_significant(np.array([0.0, 123456.7, 0.0001234567, -2.0])).tolist() == [
        0.0,
        123457.0,
        0.000123457,
        -2.0,
    ]


def test_refusals_say_what_to_do(incidents, grid, as_of):
    with pytest.raises(RequestError, match="Categories in the data: NOISE, THEFT"):
        forecast(incidents, grid, as_of, category="FRAUD")
    with pytest.raises(RequestError, match="horizon_days"):
        forecast(incidents, grid, as_of, horizon_days=0)
    with pytest.raises(RequestError, match="no ranker oracle"):
        forecast(incidents, grid, as_of, candidates=["oracle"])
    with pytest.raises(SchemaError, match="weight"):
        forecast(incidents.drop("weight"), grid, as_of)
    with pytest.raises(RequestError, match="no located incident"):
        forecast(incidents, Grid("EPSG:32650", 100), date(1999, 1, 1))
