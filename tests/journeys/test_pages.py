"""Every page, each language, each role, in a real browser: what is shown, what is refused, what leaves the machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import polars as pl
import pytest
from playwright.sync_api import expect

from data.editions import newest_edition
from data.permissions import PAGES
from data.records.audit import read_audit
from data.records.database import Records
from data.store import Store
from tests.journeys.conftest import ROOT, Dashboard, Visitor, serve, stop

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("journeys")]

#: Of the demo role picker. A security administrator sees no data; tests/pages and tests/data ask for that role.
ROLES = ("commander", "researcher", "officer", "steward", "auditor")
#: Commanders see the workload of a beat without the places behind it, so no map there.
MAPS = {("hotspots", role) for role in ROLES} | {("my_beat", "officer")}
SHOTS = ROOT / "test-results" / "screenshots"
LEFT_OVER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def link(page: str, **query: str) -> str:
    return f"{page}?{urlencode(query)}"


def assert_nothing_shown(visitor: Visitor) -> None:
    """No table, chart, map or figure of the store is on the page."""
    for widget in ("stDataFrame", "stTable", "stPlotlyChart", "stDeckGlJsonChart", "stMetric", "stDownloadButton"):
        # What makes a browser load its scripts ahead holds nothing of the store.
        assert visitor.page.locator(f"[data-testid='{widget}']:not(.st-key-load_ahead *)").count() == 0, widget


def assert_nobody_else_was_asked(visitor: Visitor) -> None:
    hosts = {urlsplit(url).hostname for url in visitor.requests if not url.startswith(("data:", "blob:"))}
    assert hosts == {"127.0.0.1"}


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(
    ("page", "role"), [(page, role) for page, roles in PAGES.items() for role in ROLES if role in roles]
)
def test_page_opens_whole_for_a_role_that_may(visitor: Visitor, page: str, role: str, language: str) -> None:
    visitor.open(link(page, **{"as": role, "lang": language}))
    body = visitor.page.inner_text("[data-testid='stMain']")
    assert visitor.page.locator("[data-testid='stException']").count() == 0, body
    assert visitor.page.locator("[data-testid='stAlertContentError']").count() == 0, body
    assert visitor.page.locator("html").get_attribute("lang") == {"zh": "zh-CN", "en": "en"}[language]
    assert len(body) > 200
    if (page, role) in MAPS:
        visitor.await_map()
    assert visitor.page.evaluate(LEFT_OVER) <= 0, "the page is wider than the window"
    visitor.page.set_viewport_size({"width": 1440, "height": content_height(visitor)})
    visitor.page.wait_for_timeout(600)
    SHOTS.mkdir(parents=True, exist_ok=True)
    visitor.page.screenshot(path=SHOTS / f"{page}-{role}-{language}-1440.png")
    visitor.page.set_viewport_size({"width": 1024, "height": content_height(visitor)})
    visitor.page.wait_for_timeout(600)
    assert visitor.page.evaluate(LEFT_OVER) <= 0, "the page is wider than a tablet"
    visitor.page.screenshot(path=SHOTS / f"{page}-{role}-{language}-1024.png")
    assert_nobody_else_was_asked(visitor)


@pytest.mark.parametrize("page", [page for page, roles in PAGES.items() if "officer" in roles])
def test_on_a_phone_nothing_of_an_officers_page_is_off_the_screen(visitor: Visitor, page: str) -> None:
    visitor.page.set_viewport_size({"width": 390, "height": 844})
    visitor.open(link(page, **{"as": "officer", "lang": "zh"}))
    assert visitor.page.evaluate(LEFT_OVER) <= 0, "the page is wider than a phone"
    wider = "[...document.querySelectorAll('.bw-scroll')].filter(e => e.scrollWidth > e.clientWidth + 2).length"
    assert visitor.page.evaluate(wider) == 0, "a table is wider than a phone"
    visitor.page.screenshot(path=SHOTS / f"{page}-officer-zh-390.png")


def content_height(visitor: Visitor) -> int:
    """Height that shows the whole page, so that a screenshot does too."""
    height = visitor.page.evaluate(
        """() => { const block = document.querySelector("[data-testid='stMainBlockContainer']");
                   return block ? Math.ceil(block.getBoundingClientRect().height) : 0; }"""
    )
    return min(max(1_000, height + 20), 4_000)


@pytest.mark.parametrize(
    ("page", "role"), [(page, role) for page, roles in PAGES.items() for role in ROLES if role not in roles]
)
def test_page_is_refused_to_a_role_that_may_not(visitor: Visitor, page: str, role: str) -> None:
    visitor.open(link(page, **{"as": role, "lang": "en"}))
    assert_nothing_shown(visitor)
    assert "not" in visitor.page.inner_text("[data-testid='stMain']").lower()


@pytest.mark.parametrize("page", list(PAGES))
def test_signed_out_deep_link_shows_nothing(visitor: Visitor, page: str) -> None:
    visitor.open(page)
    assert_nothing_shown(visitor)
    assert visitor.page.locator("[data-testid='stSidebarNavLink']").count() == 0
    assert_nobody_else_was_asked(visitor)


@pytest.fixture(scope="module")
def fresh(demo_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    """A server nobody has visited: before the first st.navigation Streamlit would run a deep-linked page alone."""
    served = serve(demo_store, tmp_path_factory.mktemp("fresh") / "serve.log")
    yield served
    stop(served)


def test_first_visit_of_a_process_is_guarded_too(fresh: Dashboard, visitor: Visitor) -> None:
    visitor.url = fresh.url
    visitor.open("hotspots")
    assert_nothing_shown(visitor)


def test_officer_cannot_open_another_beat_by_editing_the_url(dashboard: Dashboard, visitor: Visitor) -> None:
    visitor.open(link("my_beat", **{"as": "officer", "lang": "en"}))
    assert visitor.page.locator("[data-testid='stMetric'], [data-testid='stDataFrame']").count() > 0
    own = _beat_in_address(visitor)
    beats = newest_edition(Store.open(dashboard.store)).read("areas").filter(pl.col("level") == "beat")["area_code"]
    other = next(code for code in sorted(beats) if code != own and code not in visitor.page.url)
    for page in ("my_beat", "hotspots", "trends", "briefing"):
        visitor.open(link(page, **{"as": "officer", "lang": "en", "beat": other}))
        assert_nothing_shown(visitor)
    visitor.open(link("audit", **{"as": "auditor", "lang": "en"}))
    assert visitor.page.locator("[data-testid='stException']").count() == 0


def _beat_in_address(visitor: Visitor) -> str | None:
    query = dict(pair.split("=", 1) for pair in urlsplit(visitor.page.url).query.split("&") if "=" in pair)
    return query.get("beat")


def test_a_decision_is_kept_and_shown_again(visitor: Visitor) -> None:
    visitor.open(link("hotspots", **{"as": "commander", "lang": "en"}))
    main = visitor.page.locator("[data-testid='stMain']")
    for words in ("Decline", "Local knowledge"):
        main.locator("button").filter(has_text=words).first.click()
        # On a busy machine the answer to a click takes its time, and the next click must not come before it.
        expect(main.locator("button[aria-checked='true']").filter(has_text=words).first).to_be_visible()
        visitor.settle()
    main.locator("button").filter(has_text="Save").first.click()
    expect(visitor.page.get_by_text("Decision saved")).to_be_visible()
    visitor.open(link("hotspots", **{"as": "commander", "lang": "en"}))
    expect(main).to_contain_text("Local knowledge")
    audit = read_audit(Records.open(Store.open(visitor.store)))
    decided = [row for row in audit if row["event"] == "decide" and row["viewer"] == "demo-commander"]
    assert len(decided) == 1
    assert decided[0]["success"]


def test_the_hotspots_page_leads_to_its_models_with_the_same_view(visitor: Visitor) -> None:
    visitor.open(link("hotspots", **{"as": "commander", "lang": "en", "category": "020100", "horizon": "7"}))
    visitor.page.get_by_text("model check").last.click()
    visitor.page.wait_for_url("**/model?*")
    expect(visitor.page.locator("[data-testid='stMain']")).to_contain_text("Every method on the same past periods")
    visitor.settle()
    assert all(part in visitor.page.url for part in ("as=commander", "lang=en", "category=020100", "horizon=7"))
    assert visitor.page.locator("[data-testid='stPlotlyChart']").count() >= 4
    assert_nobody_else_was_asked(visitor)


def test_the_address_reproduces_the_view_in_the_other_language(visitor: Visitor) -> None:
    visitor.open(link("hotspots", **{"as": "commander", "lang": "zh", "horizon": "7"}))
    address = visitor.page.url
    assert "horizon=7" in address
    assert all(ord(character) < 128 for character in address), "codes, never labels"
    visitor.open(address.removeprefix(visitor.url + "/").replace("lang=zh", "lang=en"))
    assert "7 days" in visitor.page.inner_text("[data-testid='stMain']")


def test_a_link_to_an_edition_that_is_not_there_is_explained_and_leads_on(visitor: Visitor) -> None:
    visitor.open(link("hotspots", **{"as": "commander", "lang": "en", "edition": "E19990101-none"}))
    body = visitor.page.inner_text("[data-testid='stMain']")
    assert "This page cannot be shown" in body
    assert "encountered an error" not in body
    assert "There is no edition E19990101-none here" in body
    assert visitor.store.as_posix() not in body
    # The picker names what was asked for, and offers the editions there are.
    held = visitor.page.locator("[data-testid='stSidebar'] input").evaluate_all("found => found.map(e => e.value)")
    assert "E19990101-none" in held
