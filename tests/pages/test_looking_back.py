"""Past lists against what happened, as each reader meets them: on the model page, a place's card, the briefing."""

from __future__ import annotations

import pytest

from data.access import Viewer
from data.desk import Desk
from data.store import Store
from pages.ui.formats import literal
from pages.ui.language import words
from tests.pages.conftest import OpenPage, everything_shown
from tests.pages.town_ground import OLDER


def told(lang: str, key: str) -> str:
    """The words of a key before its first figure."""
    return words(lang)[f"looking_back.{key}"].split("{")[0]


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("role", ["commander", "researcher", "auditor"])
def test_the_model_page_holds_past_lists_against_what_happened(open_page: OpenPage, role: str, lang: str) -> None:
    shown = everything_shown(open_page("model", role, lang, horizon="28"))
    assert words(lang)["looking_back.title"] in shown
    right = words(lang)["looking_back.list.right"]
    assert "42 (32–55)" in shown and right.split("{plain}")[0].rsplit("}", 1)[1] in shown
    assert "42%" in shown and "75%" in shown  # of all incidents; places inside their interval
    # A week before, too little was told.
    shown = everything_shown(open_page("model", role, lang, horizon="7"))
    assert words(lang)["looking_back.list.low"].split("{plain}")[0].rsplit("}", 1)[1] in shown
    assert "2.5" in shown and "9 (5–16)" in shown
    # Single places are for who was advised on them: nobody else is told how decisions went.
    assert (words(lang)["looking_back.undecided"] in shown) == (role == "commander")


def test_decided_places_are_told_apart_by_the_decision(open_page: OpenPage, town: Store) -> None:
    chief = Desk(town, Viewer("chief", "commander"), OLDER)
    chief.decide(f"{OLDER}-010100-28-0", "accept")
    chief.decide(f"{OLDER}-010100-28-1", "decline", "already_covered")
    chief.decide(f"{OLDER}-010100-28-1", "accept")
    shown = everything_shown(open_page("model", "commander", "en", horizon="28"))
    table = shown[shown.index(words("en")["looking_back.decided_caption"]) :]
    cells = [part.split("<")[0] for part in table.split(">")]
    row = [cell for cell in cells[cells.index("Accept") :] if cell.strip()][:4]
    # Two places: 4 + 3 were expected, 7 + 6 happened; the decision taken back does not stand.
    assert row == ["Accept", "2", "7.0", "13"]
    assert "Decline" not in cells
    rest = [cell for cell in cells[cells.index("No decision") :] if cell.strip()][:4]
    assert rest == ["No decision", "2", "3.0", "9"]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_place_says_what_was_told_of_it_before_to_who_was_advised(open_page: OpenPage, lang: str) -> None:
    before = told(lang, "place")
    for role, expected in (("commander", True), ("officer", True), ("researcher", False), ("auditor", False)):
        shown = everything_shown(open_page("hotspots", role, lang, horizon="28"))
        assert (before in shown) == expected, role
        assert ("4.0 (0–9)" in shown) == expected, role


def test_the_briefing_looks_back_over_all_categories(open_page: OpenPage) -> None:
    shown = everything_shown(open_page("briefing", "commander", "en"))
    # Two categories of seven days (a place listed in both is two entries): 8 places, 2.5 expected and 9 incidents each,
    # 30 by plain count.
    assert told("en", "headline") in shown
    assert "had 16 entries; 5.0 incidents were expected and 18 happened" in shown
    assert "plain count had 60" in shown
    shown = everything_shown(open_page("briefing", "officer", "en"))
    assert "this beat had 2 entries on the lists; 8.0 incidents were expected and 14 happened" in shown


@pytest.mark.parametrize("page", ["model", "hotspots", "briefing"])
def test_an_edition_without_a_past_says_so_or_keeps_quiet(open_page: OpenPage, page: str) -> None:
    opened = open_page(page, "commander", "zh", edition=OLDER)
    assert not opened.exception
    shown = everything_shown(opened)
    for key in ("headline", "place"):
        assert told("zh", key) not in shown
    assert literal("实际 42") not in shown
