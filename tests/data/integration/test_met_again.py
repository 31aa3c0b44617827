"""Rows of one identity that come again: equal ones are the same, others correct what is not told any more."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.integration.ingest import ingest
from data.snapshots import current_snapshot
from data.store import Store

from .conftest import CITY, NOW, Load

HEAD, ROW = "kind,day,x,y,detail\n", "theft,2025-01-01,120,30,{}\n"


def details(store: Store) -> list[str | None]:
    return sorted(current_snapshot(store).read("calls")["category_name"].to_list(), key=str)


def content(*told: str) -> str:
    return HEAD + "".join(ROW.format(one) for one in told)


@pytest.mark.parametrize("at_once", [False, True])
def test_an_extract_with_some_of_the_rows_of_one_identity_takes_none_away(
    load: Load, store: Store, at_once: bool
) -> None:
    files = {"a.csv": content("bicycle", "scooter"), "b.csv": content("scooter")}
    if at_once:
        told = load(files).files[1]
    else:
        load({"a.csv": files["a.csv"]})
        told = load({"b.csv": files["b.csv"]}).files[0]
    assert (told.new, told.unchanged, told.replaced) == (0, 1, 0)
    assert details(store) == ["bicycle", "scooter"]


def test_what_an_extract_adds_to_one_identity_is_new_and_the_rest_stays(load: Load, store: Store) -> None:
    load({"a.csv": content("scooter")})
    told = load({"b.csv": content("bicycle", "scooter", "bicycle")}).files[0]
    assert (told.new, told.unchanged, told.replaced) == (2, 1, 0)
    assert details(store) == ["bicycle", "bicycle", "scooter"]
    again = load({"c.csv": content("scooter", "bicycle", "bicycle")}).files[0]
    assert (again.new, again.unchanged, again.replaced) == (0, 3, 0)


def test_a_correction_among_rows_of_one_identity_replaces_the_row_that_is_not_told_any_more(
    load: Load, store: Store
) -> None:
    load({"a.csv": content("bicycle", "scooter", "wheel")})
    told = load({"b.csv": content("bicycle", "tyre", "wheel")}).files[0]
    assert (told.new, told.unchanged, told.replaced) == (0, 2, 1)
    assert details(store) == ["bicycle", "tyre", "wheel"]


def test_an_extract_without_the_column_that_tells_rows_apart_changes_none_of_them(load: Load, store: Store) -> None:
    load({"a.csv": content("bicycle", "scooter")})
    told = load({"b.csv": "kind,day,x,y\n" + "theft,2025-01-01,120,30\n" * 2}).files[0]
    assert (told.new, told.unchanged, told.replaced) == (0, 2, 0)
    assert details(store) == ["bicycle", "scooter"]


@settings(max_examples=30, deadline=None)
@given(extracts=st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=4), min_size=1, max_size=4))
def test_rows_of_one_identity_are_never_fewer_than_an_extract_says(extracts: list[list[str]]) -> None:
    """Whatever the extracts of a day hold, the newest one's rows are all there, as often as it says."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store.create(Path(folder) / "store")
        for number, told in enumerate(extracts):
            path = Path(folder) / f"{number}.csv"
            path.write_text(content(*told), encoding="utf-8")
            report = ingest(store, CITY, [path], loaded_by="test", now=NOW)
            held = details(store)
            assert report.already_loaded or all(held.count(one) >= told.count(one) for one in told)
            assert len(held) == max(len(each) for each in extracts[: number + 1])
