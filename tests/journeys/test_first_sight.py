"""What a reader sees first: the map before its script, the form before the list, the own language, the page's name."""

from __future__ import annotations

import pytest

from tests.journeys.conftest import Visitor

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("journeys")]
BOX = "element => { const box = element.getBoundingClientRect(); return [box.left, box.top, box.right, box.bottom]; }"


def box_of(visitor: Visitor, selector: str) -> list[float]:
    found: list[float] = visitor.page.locator(selector).first.evaluate(BOX)
    return found


def test_the_hotspots_are_seen_in_a_browser_that_never_gets_the_script_of_maps(visitor: Visitor) -> None:
    visitor.page.route("**/DeckGlJsonChart*.js", lambda route: route.abort())
    visitor.page.goto(f"{visitor.url}/hotspots?as=commander&lang=zh")
    picture = visitor.page.locator("img.bw-standin")
    picture.wait_for()
    visitor.page.locator(".bw-reasons").wait_for()
    # Not broken: the browser has drawn it, in the place of the map.
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") == 1100
    frame, column = box_of(visitor, ".st-key-map_picture"), box_of(visitor, ".st-key-map_frame")
    assert frame[0] == column[0] and frame[2] == column[2]
    assert frame[3] - frame[1] == 540
    colours = len(set(visitor.page.locator(".st-key-map_picture").screenshot()))
    assert colours > 200, "the picture is one colour"


def test_the_map_covers_its_picture(visitor: Visitor) -> None:
    visitor.open("hotspots?as=commander&lang=zh")
    canvas = ".st-key-map_itself [data-testid='stDeckGlJsonChart'] canvas"
    visitor.page.locator(canvas).first.wait_for()
    picture, drawn = box_of(visitor, ".st-key-map_picture"), box_of(visitor, canvas)
    assert [round(edge) for edge in drawn] == [round(edge) for edge in picture]


@pytest.mark.parametrize(("width", "form_first"), [(1024, True), (1440, False)])
def test_an_officer_on_a_tablet_has_the_form_above_the_list(visitor: Visitor, width: int, form_first: bool) -> None:
    visitor.page.set_viewport_size({"width": width, "height": 768})
    visitor.open("my_beat?as=officer&lang=zh")
    form, listed = box_of(visitor, ".st-key-record_form"), box_of(visitor, "[data-testid='stDataFrame']")
    assert (form[3] <= listed[1]) is form_first
    assert form_first or form[0] >= listed[2]
    assert form[3] < 768, "the form is below the fold"


@pytest.mark.parametrize(("width", "place_first"), [(1024, True), (1440, False)])
def test_patrol_hours_stand_under_the_map_or_after_the_place(visitor: Visitor, width: int, place_first: bool) -> None:
    visitor.page.set_viewport_size({"width": width, "height": 900})
    visitor.open("hotspots?as=commander&lang=zh")
    hours, reasons, picture = (
        box_of(visitor, selector) for selector in (".st-key-under_map", ".bw-reasons", ".st-key-map_frame")
    )
    assert picture[3] <= hours[1]
    assert (reasons[3] <= hours[1]) is place_first or hours[2] <= reasons[0]
    assert (reasons[0] < hours[2]) is place_first


def test_the_bare_address_opens_in_the_language_of_the_last_visit(visitor: Visitor) -> None:
    visitor.open("?lang=en")
    assert visitor.page.locator("html").get_attribute("lang") == "en"
    cookies = {cookie["name"]: cookie for cookie in visitor.page.context.cookies()}
    assert cookies["beatwise_lang"]["value"] == "en"
    visitor.open()
    assert visitor.page.locator("html").get_attribute("lang") == "en"
    visitor.open("?lang=zh")
    assert visitor.page.locator("html").get_attribute("lang") == "zh-CN"


@pytest.mark.parametrize(("lang", "name"), [("zh", "风险热点"), ("en", "Hotspots")])
def test_a_tab_of_the_browser_says_which_page_it_is(visitor: Visitor, lang: str, name: str) -> None:
    visitor.open(f"hotspots?as=commander&lang={lang}")
    assert visitor.page.title() == f"{name} · beatwise"
