"""Rounded counts: what a reader of aggregates finds out by combining answers, and that all told is near the truth."""

from __future__ import annotations

import stat
from collections import Counter
from datetime import date
from itertools import product
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.access import Scope, Viewer, rows_for
from data.desk import Desk
from data.disclosure import ROUNDING_BASE, round_counts, round_each
from data.editions import write_edition
from data.errors import AccessDeniedError, StoreError
from data.store import Store
from tests.data.tiny_edition import START, make_tiny_store, rows_of, tiny_tables

RESEARCHER, COMMANDER = Viewer("r", "researcher"), Viewer("c", "commander")
MEMBERS = ("month", "place", "category")
MONTHS = [date(2025, month, 1) for month in range(1, 13)]
AS_OF = "2026-01-15"


def counts(*values: float) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "month": ["2025-01"] * len(values),
            "place": [f"p{number}" for number in range(len(values))],
            "category": ["theft"] * len(values),
            "n": [float(value) for value in values],
        }
    )


def rounded(frame: pl.DataFrame, *cells: str, secret: str = "secret") -> dict:
    found = round_counts(frame, "n", cells or ("month",), MEMBERS, secret)
    return {row[:-1]: row[-1] for row in found.iter_rows()}


# The rule -----------------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.lists(st.integers(0, 60), min_size=1, max_size=30), st.text(min_size=1, max_size=5))
def test_a_rounded_count_is_a_multiple_of_five_less_than_five_away(values: list[int], secret: str) -> None:
    shown = rounded(counts(*values), "place", secret=secret)
    for number, value in enumerate(values):
        told = shown.get((f"p{number}",), 0)
        assert told % ROUNDING_BASE == 0 and abs(told - value) < ROUNDING_BASE
        assert value % ROUNDING_BASE or told == value


def test_rounding_is_right_on_average_and_by_the_chances_it_names() -> None:
    for value, higher in ((1, 0.2), (3, 0.6), (7, 0.4), (2.5, 0.5)):
        shown = rounded(counts(*[value] * 4000), "place")
        up = value // ROUNDING_BASE * ROUNDING_BASE + ROUNDING_BASE
        # Four standard deviations of 4,000 draws are .03.
        assert Counter(shown.values())[up] / 4000 == pytest.approx(higher, abs=0.032)


def test_a_small_count_that_comes_out_as_nothing_has_no_row() -> None:
    """A row with a 0 would tell it from a place where nothing happened."""
    shown = rounded(counts(*[1] * 50, *[0] * 50), "place")
    assert set(shown.values()) == {5.0} and 0 < len(shown) < 50


def test_the_same_sums_come_out_the_same_however_they_are_asked_for() -> None:
    frame = pl.concat([counts(value).with_columns(place=pl.lit(f"q{value}")) for value in range(1, 200)])
    one = rounded(frame, "place")
    # Every place has one category: "all of it" and "its thefts" are the same incidents.
    assert {key[:1]: n for key, n in rounded(frame, "place", "category").items()} == one
    assert rounded(frame.sample(fraction=1, shuffle=True, seed=3), "place") == one
    # What is loaded tomorrow about other places changes nothing either, nor days of a sum told apart.
    more = pl.concat([frame, counts(3).with_columns(place=pl.lit("new"))])
    assert {key: n for key, n in rounded(more, "place").items() if key != ("new",)} == one
    halves = pl.concat([frame.with_columns(pl.col("n") / 2)] * 2)
    assert rounded(halves, "place") == one
    assert rounded(frame, "place", secret="another") != one


EXPECTED = {
    ("p1",): 5.0,
    ("p2",): 5.0,
    ("p3",): 5.0,
    ("p4",): 5.0,
    ("p5",): 5.0,
    ("p6",): 5.0,
    ("p7",): 10.0,
    ("p8",): 10.0,
    ("p9",): 110.0,
}


def test_the_numbers_of_an_edition_stay_the_same_for_years() -> None:
    """Keys are XXH3 and HMAC-SHA-256, whose results no version of a library changes."""
    assert rounded(counts(1, 2, 3, 4, 6, 7, 8, 9, 11, 112), "place") == EXPECTED
    each = round_each(counts(1, 2, 3, 4, 6, 7, 8, 9, 11, 112), "n", MEMBERS, "secret")
    assert {(place,): n for place, n in each.select("place", "n").iter_rows() if n} == EXPECTED


# The desk -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Two stations of two beats, two categories, a year: mostly small counts, a few large ones."""
    made = make_tiny_store(tmp_path_factory.mktemp("rounding"))
    beats = {"B1": "S1", "B2": "S1", "B3": "S2", "B4": "S2"}
    rows = [
        {
            "day": month.replace(day=1 + number % 28),
            "category": category,
            "beat_code": beat,
            "station_code": station,
            "discovered_by": "police" if number % 5 == 0 else "reported",
            "incidents": 1,
        }
        for place, (beat, station) in enumerate(beats.items())
        for kind, category in enumerate(("fraud", "theft"))
        for month in [*MONTHS, date(2026, 1, 1)]
        for number in range((7 * place + 5 * month.month + 3 * kind) % 9 + (20 if place == 3 else 0))
    ]
    tables = {**tiny_tables(), "daily_counts": rows_of("daily_counts", *rows)}
    manifest = {
        "snapshot_id": made.newest_snapshot_id(),
        "parameters": {"as_of": AS_OF},
        "code_version": "test",
        "created_at": START.replace(year=2027).isoformat(),
        "created_by": "steward",
    }
    write_edition(made, "E20260115-rounding", tables, manifest)
    return made


def by_month(desk: Desk, **asked: object) -> dict:
    frame = desk.daily_counts(**{"period": "month", **asked})  # type: ignore[arg-type]
    return {row[:-2]: row[-2] for row in frame.iter_rows()}


def test_subtracting_answers_gives_no_count_back(store: Store) -> None:
    """The station less its other beat, all less the other category, the year to a month less the year before it."""
    researcher, commander = Desk(store, RESEARCHER), Desk(store, COMMANDER)
    guesses: list[tuple[int, float]] = []
    for month, category in product(MONTHS, ("fraud", "theft")):
        other = "theft" if category == "fraud" else "fraud"
        true = by_month(commander, category=category, split="beat_code").get((month, "B1"), 0)
        station = by_month(researcher, category=category, station_code="S1").get((month,), 0)
        beside = by_month(researcher, category=category, split="beat_code").get((month, "B2"), 0)
        everything = by_month(researcher, beat_code="B1").get((month,), 0)
        less = by_month(researcher, category=other, beat_code="B1").get((month,), 0)
        until = [date(2025, month.month % 12 + 1, 1).replace(year=2025 + month.month // 12), month]
        upto, before = (
            sum(
                by_month(
                    researcher, category=category, beat_code="B1", since=MONTHS[0], until=day, period="all"
                ).values()
            )
            for day in until
        )
        assert upto - before == by_month(researcher, category=category, beat_code="B1").get((month,), 0)
        guesses += [(true, station - beside), (true, everything - less), (true, upto - before)]
    small = [(true, guess) for true, guess in guesses if 0 < true < 5]
    assert len(small) > 20
    assert all(guess % ROUNDING_BASE == 0 for _, guess in small)


@pytest.mark.parametrize(
    "asked",
    [
        {"period": "day"},
        {"period": "week"},
        {"period": "month", "since": date(2025, 3, 2)},
        {"period": "all", "until": date(2025, 3, 31)},
    ],
)
def test_a_window_that_could_be_moved_by_a_day_is_refused(store: Store, asked: dict) -> None:
    with pytest.raises(AccessDeniedError, match="whole months"):
        Desk(store, RESEARCHER).daily_counts(**asked)
    assert Desk(store, COMMANDER).daily_counts(**asked).height > 0


def test_a_month_not_yet_over_is_not_told(store: Store) -> None:
    """An edition a day later would tell the day."""
    assert max(month for (month,) in by_month(Desk(store, COMMANDER))) == date(2026, 1, 1)
    assert max(month for (month,) in by_month(Desk(store, RESEARCHER))) == date(2025, 12, 1)


def test_everything_told_is_less_than_five_a_month_from_the_truth(store: Store) -> None:
    researcher, commander = Desk(store, RESEARCHER), Desk(store, COMMANDER)
    for split in (None, "category", "station_code", "beat_code", "discovered_by"):
        shown, true = by_month(researcher, split=split), by_month(commander, split=split, until=date(2026, 1, 1))
        assert set(shown) <= set(true)
        assert all(abs(shown.get(key, 0) - n) < ROUNDING_BASE for key, n in true.items())
        year = by_month(researcher, split=split, period="all")
        summed: Counter = Counter()
        for (_, *key), n in shown.items():
            summed[tuple(key)] += n
        assert {tuple(key): n for (_, *key), n in year.items()} == dict(summed)


def test_a_file_holds_the_numbers_of_the_page(store: Store) -> None:
    desk = Desk(store, RESEARCHER)
    frame = desk.daily_counts(period="month", split="beat_code")
    lines = desk.export("daily_counts", frame, "csv").content.decode("utf-8-sig").splitlines()
    assert lines[0] == "period_start,beat_code,incidents,rounded_to"
    assert lines[1:] == [f"{month},{beat},{n},{base}" for month, beat, n, base in frame.iter_rows()]
    assert set(frame["rounded_to"]) == {5}


# The secret ---------------------------------------------------------------------------------------------------------


def test_the_secret_is_made_once_and_is_for_the_owner_alone(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "store")
    secret = store.rounding_secret()
    assert len(secret) == 64
    assert Store.open(store.root).rounding_secret() == secret
    assert stat.S_IMODE((store.root / "rounding.key").stat().st_mode) == 0o600
    assert Store.create(tmp_path / "another").rounding_secret() != secret
    assert sorted(path.name for path in store.root.iterdir()) == ["rounding.key", "store.json"]


def test_an_empty_secret_is_told_and_not_replaced(tmp_path: Path) -> None:
    """Another one would round every count anew: two roundings of one count tell more than one."""
    store = Store.create(tmp_path / "store")
    (store.root / "rounding.key").touch()
    with pytest.raises(StoreError, match="empty"):
        store.rounding_secret()


# Areas --------------------------------------------------------------------------------------------------------------


def test_counts_of_areas_are_rounded_alike_for_every_period_and_null_without_the_secret() -> None:
    """Two lists of the same areas in another order hid different ones: the one was in the other."""
    areas = pl.concat(
        rows_of(
            "area_hotspots",
            *(
                {
                    "category": "theft",
                    "horizon_days": days,
                    "level": "beat",
                    "area_code": f"B{number}",
                    "beat_code": f"B{number}",
                    "baseline_count": float(number % 9),
                }
                for number in order
            ),
        )
        for days, order in ((7, range(40)), (28, reversed(range(40))))
    )
    whole = Scope(whole_force=True)
    shown = rows_for(RESEARCHER, "area_hotspots", areas, whole, lambda: "secret")
    assert shown.height == areas.height
    told = {
        days: dict(shown.filter(horizon_days=days).select("area_code", "baseline_count").iter_rows())
        for days in (7, 28)
    }
    assert told[7] == told[28]
    assert all(abs(n - int(code[1:]) % 9) < 5 and n % 5 == 0 for code, n in told[7].items())
    assert 0 in told[7].values() and 10 in told[7].values()
    hidden = rows_for(RESEARCHER, "area_hotspots", areas, whole)
    assert hidden["baseline_count"].null_count() == hidden["baseline_rank"].null_count() == areas.height
    full = rows_for(COMMANDER, "area_hotspots", areas, whole)
    assert full.drop("rounded_to").equals(areas.select(full.drop("rounded_to").columns))
