"""A commander types hours and gets an answer; the link takes it along. Streets and hexagons draw their maps."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Visitor

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("journeys")]


def test_typed_hours_are_answered_and_an_emptied_field_takes_them_back(visitor: Visitor) -> None:
    visitor.open("hotspots?as=commander&lang=en&horizon=28")
    field = visitor.page.get_by_label("Patrol hours per shift")
    field.fill("12")
    field.press("Enter")
    expect(visitor.page.get_by_text("12 hours per shift (1 a place) reach 12 cells, down to rank 12")).to_be_visible()
    # The address follows the text; a loaded machine takes its time.
    expect(visitor.page).to_have_url(re.compile("hours=12"))
    visitor.open(visitor.page.url.removeprefix(visitor.url + "/").replace("lang=en", "lang=zh"))
    expect(visitor.page.get_by_text("每班 12 小时（每处 1 小时）够 12 个网格，走到第 12 名")).to_be_visible()
    field = visitor.page.get_by_label("每班可用巡逻小时")
    field.fill("")
    field.press("Enter")
    expect(visitor.page.get_by_text("填写每班可用的巡逻小时")).to_be_visible()
    expect(visitor.page).not_to_have_url(re.compile("hours"))


@pytest.mark.parametrize(("level", "told"), [("h3", "hexagons"), ("segment", "street segments")])
def test_other_places_draw_their_map_and_explain_the_third(visitor: Visitor, level: str, told: str) -> None:
    visitor.open(f"hotspots?as=commander&lang=en&horizon=28&level={level}")
    page = visitor.page
    visitor.await_map()
    expect(page.locator("h3", has_text=told)).to_be_visible()
    visitor.tap_row(3)
    expect(page.locator("h3", has_text="Rank 3: ")).to_be_visible()
    expect(page.get_by_text("Main reason: ")).to_be_visible()
