"""Why is this place third, how sure is that, and when: each in two taps on the table beside the map."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Visitor

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("journeys")]


@pytest.mark.parametrize(
    ("language", "third", "tabs", "told"),
    [
        ("zh", "第 3 名：", ("为什么", "把握", "时段"), ("主要原因：", "的把握，本网格会是", "占全周的")),
        ("en", "Rank 3: ", ("Why", "How sure", "When"), ("Main reason: ", "Chance that this cell", "of the week")),
    ],
)
def test_why_is_this_place_third(
    visitor: Visitor, language: str, third: str, tabs: tuple[str, ...], told: tuple[str, ...]
) -> None:
    visitor.open(f"hotspots?as=commander&lang={language}&horizon=28")
    page = visitor.page
    visitor.tap_row(3)
    expect(page.locator("h3", has_text=third)).to_be_visible()
    for tab, words in zip(tabs, told, strict=True):
        page.get_by_role("tab", name=tab, exact=True).click()
        expect(page.locator("[role='tabpanel'] .bw-takeaway", has_text=words).first).to_be_visible()
    # The week is drawn as 168 hours, the four busiest framed, and says in words what it shows.
    week = page.locator(".bw-week")
    assert week.locator("i").count() == 168
    assert week.locator("i.peak").count() == 4
    assert week.get_attribute("aria-label")
