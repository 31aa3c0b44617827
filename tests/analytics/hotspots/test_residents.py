"""Population as a term of the models: used where a source has it and it helps, absent without a trace elsewhere."""

import tomllib
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.hotspots.choice import Evidence, choose_ranker
from analytics.hotspots.forecast import forecast_hotspots
from analytics.hotspots.groups import count_residents
from analytics.hotspots.history import day_number
from analytics.hotspots.panel import Lattice, feature_names
from analytics.hotspots.places import valid_areas
from analytics.hotspots.rankers import LADDER, POPULATED, RECORDED, fit_rankers, make_ranker
from analytics.hotspots.reasons import BACKGROUND, GROUPS, explain_places
from analytics.hotspots.residents import FLOOR, Register, Residents
from analytics.hotspots.selection import rungs_of
from analytics.hotspots.study import Study
from data.schemas import Addresses, Areas, Population
from data.schemas.advice import REASONS

LOCALES = Path(__file__).parents[3] / "pages" / "ui" / "locales"


def frame(schema, rows):
    """Return rows as a frame of a schema; columns that are not named stay null."""
    types = schema.create_empty().schema
    return pl.DataFrame([{name: row.get(name) for name in types} for row in rows], schema=types, strict=False)


@pytest.fixture(scope="module")
def areas(grid):
    """Two halves of the made-up city, two square kilometres each."""

    def half(code, left, right):
        ring = np.array([(left, 0), (right, 0), (right, 2000), (left, 2000)]) + np.array([500_000, 4_000_000])
        polygon = shapely.Polygon(np.column_stack(grid.unproject(*ring.T)))
        return {"area_code": code, "level": "community", "geometry": shapely.to_wkb(polygon), "area_km2": 2.0}

    return frame(Areas, [half("W", 0, 1000), half("E", 1000, 2000)])


@pytest.fixture(scope="module")
def register(grid):
    counts = [
        ("W", date(2022, 1, 1), 1000.0),
        ("E", date(2022, 1, 1), 3000.0),
        ("W", date(2022, 12, 1), 3000.0),
        ("E", date(2022, 12, 1), 3000.0),
        ("W", date(2023, 2, 1), 9000.0),
    ]
    population = frame(
        Population, [{"area_code": c, "month": m, "population_class": "total", "count": n} for c, m, n in counts]
    )
    lon, lat = grid.centres(np.array([3, 15]), np.array([3, 4]))
    addresses = frame(
        Addresses,
        [
            {"address_code": "A", "lon": lon[0], "lat": lat[0], "households": 39},
            {"address_code": "B", "lon": lon[1], "lat": lat[1], "households": None},
        ],
    )
    return Register(population, addresses)


@pytest.fixture(scope="module")
def lattice(grid):
    columns, rows = (part.ravel() for part in np.meshgrid(np.arange(20), np.arange(20)))
    return Lattice.of_cells(grid, columns, rows)


def test_places_take_the_density_of_their_area_in_the_newest_month_before(lattice, areas, register):
    known = Residents(lattice, areas, register, as_of=date(2022, 6, 1))
    assert known.names == ("population_residents", "population_households_w0", "population_households_w1")
    west = lattice.columns < 10
    told = known.at(day_number(date(2022, 6, 1)))[:, 0]
    # 500 and 1,500 per square kilometre, 1,000 in the mean.
    assert told[west] == pytest.approx(np.log(0.5 + FLOOR) - np.log(1 + FLOOR))
    assert told[~west] == pytest.approx(np.log(1.5 + FLOOR) - np.log(1 + FLOOR))
    # By December both halves are alike; January's word is not yet known on its first day, nor February's.
    assert known.at(day_number(date(2023, 1, 1)))[:, 0] == pytest.approx(0.0)
    # February tells of the west only: the east keeps its 3,000, which are half of the mean beside 9,000.
    told = known.at(day_number(date(2023, 3, 1)))[:, 0]
    assert told[west] == pytest.approx(np.log(1.5 + FLOOR) - np.log(1 + FLOOR))
    assert told[~west] == pytest.approx(np.log(0.5 + FLOOR) - np.log(1 + FLOOR))
    # Before the first month nothing sets one place apart.
    assert known.at(day_number(date(2021, 1, 1)))[:, 0] == pytest.approx(0.0)


def test_an_area_without_households_or_size_is_unknown_and_leaves_the_others_as_they_are(lattice, areas):
    classes = {"total": 1000.0, "households": 400.0, "rentals": 100.0}
    counts = [(code, name, count) for code in ("W", "E") for name, count in classes.items()]
    rows = [
        {"area_code": c, "month": month, "population_class": n, "count": 0.0 if (c, n, month.month) in empty else v}
        for month in (date(2022, 1, 1), date(2022, 2, 1))
        for c, n, v in counts
        for empty in [{("W", "households", 1), ("W", "rentals", 2)}]
    ]
    known = Residents(lattice, areas, Register(frame(Population, rows), None), as_of=date(2022, 3, 1))
    assert known.names == ("population_rented",)
    # January knows no dwelling of the west: it counts as the others do. February knows that none is rented.
    assert known.at(day_number(date(2022, 2, 1))) == pytest.approx(0.0)
    told = known.at(day_number(date(2022, 3, 1)))
    assert np.isfinite(told).all()
    assert (told[lattice.columns < 10] < told[lattice.columns >= 10].min()).all()
    without_size = areas.with_columns(area_km2=pl.when(pl.col("area_code") == "E").then(2.0).otherwise(0.0))
    told = Residents(lattice, without_size, Register(frame(Population, rows), None), as_of=date(2022, 3, 1))
    # The density of one area alone sets no place apart.
    assert told.names == ("population_rented",)
    assert np.isfinite(told.at(day_number(date(2022, 3, 1)))).all()


def test_what_is_not_known_of_an_area_is_never_nobody(areas):
    """Newest month by area; areas of no figure are left out, boundaries and levels of the past do not come back."""
    old = areas.head(1).with_columns(area_code=pl.lit("OLD"), valid_to=pl.lit(date(2022, 1, 1)))
    station = areas.head(1).with_columns(area_code=pl.lit("S"), level=pl.lit("station").cast(areas.schema["level"]))
    third = areas.head(1).with_columns(area_code=pl.lit("N"))
    rows = [
        ("W", 1, "registered", 700.0),
        ("W", 1, "floating", 300.0),
        ("W", 2, "households", 400.0),
        ("E", 2, "total", 2000.0),
        ("E", 2, "registered", 1500.0),
        ("N", 2, "households", 9.0),
        ("S", 1, "total", 3000.0),
        ("OLD", 1, "total", 5000.0),
    ]
    population = frame(
        Population,
        [{"area_code": c, "month": date(2022, m, 1), "population_class": k, "count": n} for c, m, k, n in rows],
    )
    every = pl.concat([areas, old, station, third])
    counted = count_residents(valid_areas(every, date(2022, 3, 1)), population, date(2022, 3, 1))
    assert dict(counted.select("area_code", "residents").iter_rows()) == {"W": 1000.0, "E": 2000.0}


def test_households_are_counted_at_the_addresses_of_a_cell(lattice, areas, register):
    known = Residents(lattice, areas, register, as_of=date(2022, 6, 1))
    told = np.exp(known.at(day_number(date(2022, 6, 1)))[:, 1] + np.log(1 + FLOOR)) - FLOOR
    cells = dict(zip(zip(lattice.columns.tolist(), lattice.rows.tolist(), strict=True), told, strict=True))
    # 40 households in 400 cells: an address without a count is one household.
    assert cells[3, 3] == pytest.approx(390)
    assert cells[15, 4] == pytest.approx(10)
    assert cells[9, 9] == pytest.approx(0, abs=1e-12)


def test_without_a_register_nothing_is_different(incidents, grid, as_of, areas):
    nothing = Register(Population.create_empty(), Addresses.create_empty())
    plain, empty = (Study.of(incidents, as_of=as_of, grid=grid, areas=areas, register=r) for r in (None, nothing))
    assert empty.residents is not None and empty.residents.names == ()
    for study in (plain, empty):
        panel = study.panel("THEFT")
        assert rungs_of(panel, LADDER) == list(LADDER)
        assert panel.period(day_number(as_of), 28, observed=False).features.shape[1] == len(feature_names())


def test_the_populated_ensemble_is_tried_only_beside_the_other(incidents, grid, as_of, areas, register):
    panel = Study.of(incidents, as_of=as_of, grid=grid, areas=areas, register=register).panel("THEFT")
    assert rungs_of(panel, LADDER) == [*LADDER, POPULATED]
    assert rungs_of(panel, ["ensemble"]) == ["ensemble"]
    assert rungs_of(panel, ["count_365", "kernel"]) == ["count_365", "kernel"]


def test_a_forecast_tries_it_and_other_models_never_see_it(incidents, grid, as_of, areas, register):
    asked = {"as_of": as_of, "horizon_days": 28, "category": "THEFT", "grid": grid, "area_km2": 0.04, "fitted": 6}
    told = {
        known is not None: forecast_hotspots(
            incidents, **asked, study=Study.of(incidents, as_of=as_of, grid=grid, areas=areas, register=known)
        )
        for known in (None, register)
    }
    assert POPULATED in told[True].backtest.scores
    assert POPULATED not in told[False].backtest.scores
    for name in LADDER:
        with_it, without = told[True].backtest.rolled.raw[name], told[False].backtest.rolled.raw[name]
        assert all((a == b).all() for a, b in zip(with_it, without, strict=True)), name


def evidence(hits, deviance):
    return Evidence(np.array(hits, dtype=float), np.array(hits) / 10, np.full(len(hits), deviance))


@pytest.mark.parametrize(
    ("hits", "deviance", "chosen"),
    [
        ([3, 3, 3, 3, 3, 3], 0.5, POPULATED),  # clearly more
        ([2, 2, 2, 2, 2, 2], 0.4, POPULATED),  # as many, clearly closer
        ([2, 2, 2, 2, 2, 2], 0.5, "ensemble"),  # nothing gained
        ([2, 2, 2, 2, 2, 1], 0.4, "ensemble"),  # closer, and fewer
    ],
)
def test_population_has_to_earn_its_place(hits, deviance, chosen):
    told = {
        "count_365": evidence([1] * 6, 1.0),
        "ensemble": evidence([2] * 6, 0.5),
        POPULATED: evidence(hits, deviance),
    }
    assert choose_ranker(list(told), told, 0)[0] == chosen


@given(seed=st.integers(0, 2**16), extra=st.integers(1, 3))
@settings(max_examples=8, deadline=None)
def test_reasons_with_population_sum_to_the_prediction(seed, extra):
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.normal(-5, 1, (1_500, RECORDED)), rng.normal(0, 1, (1_500, extra))])
    y = rng.poisson(np.exp(0.5 * X[:, 0] + 2 + 0.8 * X[:, -1])).astype(float)
    ranker = fit_rankers([POPULATED], X, y, np.ones(len(y)))[POPULATED]
    base, parts = ranker.explain(X)
    expected = ranker.predict(X)
    assert np.abs(base + parts.sum(axis=1) - np.log(expected)).max() < 1e-9
    for reasons, value in zip(explain_places(ranker, X[:50], expected[:50]), expected[:50], strict=True):
        assert [r["reason"] for r in reasons] == [*GROUPS, BACKGROUND]
        assert sum(r["contribution"] for r in reasons) == pytest.approx(np.log(value), abs=2e-6)
    # What the truth was made of is what the reader is told: population matters in every place but the emptiest.
    told = [
        next(r["contribution"] for r in each if r["reason"] == BACKGROUND)
        for each in explain_places(ranker, X, expected)
    ]
    assert np.corrcoef(told, X[:, -1])[0, 1] > 0.9


def test_fitted_together_or_alone_it_is_the_same():
    rng = np.random.default_rng(4)
    X = np.column_stack([rng.normal(-5, 1, (1_000, RECORDED)), rng.normal(0, 1, 1_000)])
    y, weight = rng.poisson(0.3, 1_000).astype(float), np.ones(1_000)
    together = fit_rankers([*LADDER, POPULATED], X, y, weight)[POPULATED].predict(X)
    assert together == pytest.approx(make_ranker(POPULATED).fit(X, y, weight).predict(X), rel=1e-9)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_both_languages_have_words_for_it(language):
    codes = tomllib.loads((LOCALES / language / "codes.toml").read_text(encoding="utf-8"))
    assert BACKGROUND in REASONS
    assert codes["reason"][BACKGROUND]
    assert codes["model"][POPULATED]


def test_a_register_of_the_future_is_not_looked_at(lattice, areas, register):
    known = Residents(lattice, areas, register, as_of=date(2022, 1, 1) + timedelta(days=1))
    later = Register(register.population.filter(pl.col("month") < date(2022, 2, 1)), register.addresses)
    told = known.at(day_number(date(2022, 1, 2)))
    assert (told == Residents(lattice, areas, later, as_of=date(2022, 1, 2)).at(day_number(date(2022, 1, 2)))).all()
