"""What a reader must know before reading an edition stands at the head of its pages."""

from __future__ import annotations

import json
from datetime import date, timedelta

import polars as pl
import pytest

from data.access import Viewer
from data.desk import Desk
from data.editions import Edition
from data.store import Store
from tests.pages.conftest import OpenPage, everything_shown
from tests.pages.town import NEWER, OLDER


@pytest.mark.parametrize("page", ["briefing", "hotspots", "staffing", "trends", "model"])
def test_what_an_edition_lacks_is_told_at_the_head_of_its_pages(open_page: OpenPage, town: Store, page: str) -> None:
    assert "bw-doubt" not in everything_shown(open_page(page, "commander", "en"))
    path = town.editions / NEWER / "manifest.json"
    lost = ["2026-05-04", "2026-05-05", "2026-05-06", "2026-05-09"]
    quality = {
        "overridden": ["calls-valid"],
        "overridden_words": [{"zh": "有效率", "en": "Calls kept of those read"}],
        "override_reason": "half of it <was> a test",
    }
    lacking = {"days_without_record": lost, "quality": quality}
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | lacking), "utf-8")
    found = everything_shown(open_page(page, "commander", "en"))
    assert "Of 4 days of the last eight weeks there is next to no record (4 May to 6 May 2026, 9 May 2026)" in found
    assert "Calls kept of those read" in found and "half of it &lt;was&gt; a test" in found


def test_who_holds_a_beat_that_has_ended_is_told_so_and_finds_it_on_no_map(open_page: OpenPage, town: Store) -> None:
    path = town.editions / NEWER / "areas.parquet"
    areas, as_of = pl.read_parquet(path), Edition(town, NEWER).manifest["parameters"]["as_of"]
    ended = date.fromisoformat(as_of) - timedelta(days=1)
    mine = (pl.col("level") == "beat") & (pl.col("area_code") == "b11")
    areas.with_columns(pl.when(mine).then(ended).otherwise("valid_to").alias("valid_to")).write_parquet(path)
    for page in ("my_beat", "briefing", "hotspots"):
        found = everything_shown(open_page(page, "officer", "en"))
        assert "is no longer one of those in force on the day of this edition" in found
    officer = Viewer("demo-officer", "officer", area_level="beat", area_code="b11")
    assert "b11" not in Desk(town, officer, NEWER).areas("beat")["area_code"]
    assert "b12" in Desk(town, Viewer("demo-chief", "commander"), NEWER).areas("beat")["area_code"]
    assert "bw-doubt" not in everything_shown(open_page("my_beat", "officer", "en", edition=OLDER))
