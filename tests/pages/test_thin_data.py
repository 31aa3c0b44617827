"""Data that hold less than the demo city: no coordinates, no register, a record that ended. Pages say so, plainly."""

from __future__ import annotations

import json

import polars as pl
import pytest

from data import permissions
from data.store import Store
from pages.ui.language import LANGUAGES, words
from tests.pages.conftest import OpenPage, everything_shown

NOWHERE = ("hotspots", "spare_hotspots", "calm_lists", "hotspot_surface", "area_hotspots", "unit_hotspots")


def empty(town: Store, *tables: str) -> None:
    for folder in town.editions.iterdir():
        for table in tables:
            path = folder / f"{table}.parquet"
            if path.exists():
                pl.read_parquet(path).clear().write_parquet(path)


def known_until(town: Store, day: str) -> None:
    for folder in town.editions.iterdir():
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        (folder / "manifest.json").write_text(json.dumps({**manifest, "last_known_on": day}), encoding="utf-8")


@pytest.mark.parametrize("page", ["briefing", "hotspots", "model"])
def test_without_coordinates_there_are_no_hotspots_and_the_pages_say_why(
    open_page: OpenPage, town: Store, page: str
) -> None:
    empty(town, *NOWHERE)
    test = open_page(page, "commander", "en")
    assert not test.exception
    shown = everything_shown(test)
    assert words("en")["hotspots.nothing_located"] in shown
    # No heading without a number, no map of nothing.
    assert "()" not in shown and "a cell is 0 m wide" not in shown and "bw-sketch" not in shown


def test_without_a_register_nobody_is_told_that_no_visit_is_due(open_page: OpenPage, town: Store) -> None:
    empty(town, "visit_workload", "visit_plan", "staffing")
    shown = everything_shown(open_page("briefing", "commander", "en"))
    assert words("en")["briefing.no_register"] in shown
    assert "0 due" not in shown
    assert words("en")["briefing.no_staffing"] in shown


def test_a_record_that_ended_is_no_fall_to_nothing(open_page: OpenPage, town: Store) -> None:
    shown = everything_shown(open_page("trends", "commander", "en"))
    assert "The record ends" not in shown and "Jun 2026" in shown
    # A quiet week is no end.
    known_until(town, "2026-06-20")
    assert "The record ends" not in everything_shown(open_page("trends", "commander", "en"))
    known_until(town, "2026-03-31")
    test = open_page("trends", "commander", "en")
    assert not test.exception
    shown = everything_shown(test)
    assert "The record ends on 31 Mar 2026" in shown
    assert "Mar 2026" in shown and "Jun 2026" not in shown


def test_weeks_that_are_not_all_known_yet_are_no_fall(open_page: OpenPage, town: Store) -> None:
    for folder in town.editions.iterdir():
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        told = {**manifest, "counted_whole_until": "2026-06-02"}
        (folder / "manifest.json").write_text(json.dumps(told), encoding="utf-8")
    shown = everything_shown(open_page("trends", "commander", "en"))
    assert "Counted up to 1 Jun 2026" in shown and "The record ends" not in shown
    assert "May 2026: " in shown and shown.count("Jun 2026: ") == 1
    assert "28 days to 1 Jun 2026" in everything_shown(open_page("my_beat", "officer", "en"))


def test_a_force_without_beats_is_drawn_with_what_it_has(open_page: OpenPage, town: Store) -> None:
    for folder in town.editions.iterdir():
        areas = pl.read_parquet(folder / "areas.parquet")
        changed = areas.with_columns(
            level=pl.when(pl.col("level") == "beat")
            .then(pl.lit("community"))
            .otherwise("level")
            .cast(areas["level"].dtype)
        )
        changed.filter(pl.col("level") == "community").write_parquet(folder / "areas.parquet")
        base_map = pl.read_parquet(folder / "base_map.parquet")
        base_map.filter(pl.col("kind") == "street").write_parquet(folder / "base_map.parquet")
    test = open_page("hotspots", "commander", "en")
    assert not test.exception
    shown = everything_shown(test)
    assert words("en")["hotspots.legend.community"] in shown
    # A legend names no line the map does not have.
    for kind in ("beat", "river", "street"):
        assert f"</i>{words('en')[f'hotspots.legend.{kind}']}</span>" not in shown


@pytest.mark.parametrize("lang", LANGUAGES)
def test_whatever_the_log_can_be_about_has_words(lang: str) -> None:
    known = words(lang)
    things = {*permissions.PAGES, *permissions.TABLES}
    families = ("common.pages", "codes.object", "codes.table")
    assert {thing for thing in things if not any(f"{family}.{thing}" in known for family in families)} == set()
