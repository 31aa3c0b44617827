"""What people do on pages: decide, record a visit, try a move, verify the log."""

from __future__ import annotations

from datetime import date

import pytest
from streamlit.testing.v1 import AppTest

from data.access import Viewer
from data.desk import Desk
from data.store import Store
from pages.ui.language import words
from tests.data.tiny_edition import rows_of
from tests.pages.conftest import OpenPage, everything_shown
from tests.pages.town import NEWER

FIRST = "E20260701-town-010100-28-0"


def group(test: AppTest, key_part: str):
    return next(element for element in test.button_group if key_part in str(element.key))


def press(test: AppTest, key_part: str) -> AppTest:
    return next(button for button in test.button if key_part in str(button.key)).click().run()


def commander(town: Store) -> Desk:
    return Desk(town, Viewer("demo-commander", "commander"))


def test_accepting_advice_takes_two_taps_and_is_shown_again(open_page: OpenPage, town: Store) -> None:
    test = open_page("hotspots", "commander")
    group(test, f"decide.{FIRST}").set_value("accept").run()
    press(test, f"{FIRST}.zh.save")
    assert not test.exception
    row = commander(town).decisions([FIRST]).to_dicts()[0]
    assert (row["action"], row["reason"], row["edition_id"], row["viewer"]) == (
        "accept",
        None,
        "E20260701-town",
        "demo-commander",
    )
    assert words("zh")["codes.decision.accept"] in test.success[0].value


def test_declining_needs_a_reason(open_page: OpenPage, town: Store) -> None:
    test = open_page("hotspots", "commander", "en")
    group(test, f"decide.{FIRST}").set_value("decline").run()
    press(test, f"{FIRST}.en.save")
    assert test.warning[0].value == words("en")["decisions.reason_missing"]
    assert commander(town).decisions().is_empty()
    group(test, f"{FIRST}.en.reason").set_value("local_knowledge").run()
    press(test, f"{FIRST}.en.save")
    assert commander(town).decisions()["reason"].to_list() == ["local_knowledge"]


def test_the_auditor_reads_a_decision_and_the_rest_of_it_below(open_page: OpenPage, town: Store) -> None:
    commander(town).decide(FIRST, "decline", reason="local_knowledge", comment="roadworks")
    test = open_page("audit", "auditor", "en")
    assert not test.exception
    listed = test.dataframe[0].value
    assert listed["viewer"].to_list() == ["demo-commander"]
    shown = everything_shown(test)
    assert "roadworks" in shown and "roadworks" not in listed.to_csv()
    assert words("en")["codes.decision_reason.local_knowledge"] in shown


def test_a_staffing_row_is_adjusted_to_a_number_of_officers(open_page: OpenPage, town: Store) -> None:
    test = open_page("staffing", "commander")
    # The page opens on the shift that is shortest of officers.
    key = "E20260701-town-s-s1-middle"
    group(test, f"decide.{key}").set_value("adjust").run()
    test.number_input(key=f"decide.{key}.zh.adjusted.0").set_value(7.0)
    group(test, f"{key}.zh.reason").set_value("planned_event").run()
    press(test, f"{key}.zh.save")
    row = commander(town).decisions([key]).to_dicts()[0]
    assert (row["adjusted"], row["reason"]) == (7.0, "planned_event")


def test_researchers_and_officers_get_no_decision_form(open_page: OpenPage) -> None:
    for role in ("researcher", "officer"):
        test = open_page("hotspots", role)
        assert words("zh")["decisions.title"] not in everything_shown(test)


def test_a_visit_is_recorded_in_three_taps(open_page: OpenPage, town: Store) -> None:
    test = open_page("my_beat", "officer")
    group(test, "visit.obj-b11-0").set_value(True).run()
    press(test, "visit.obj-b11-0.zh.save")
    assert not test.exception
    rows = commander(town).visits_recorded("b11").to_dicts()
    assert [(row["object_id"], row["contact"], row["minutes"], row["note_code"]) for row in rows] == [
        ("obj-b11-0", True, 25.0, "in_order")
    ]


def test_moving_officers_shows_before_and_after_and_records_nothing(open_page: OpenPage, town: Store) -> None:
    test = open_page("staffing", "commander", "en")
    test.button(key=next(b.key for b in test.button if "what_if" in str(b.key))).click().run()
    assert not test.exception
    shown = everything_shown(test)
    # s1 night has 6 on duty, s1 day has 6; two move.
    assert "6.0 → 4.0" in shown and "6.0 → 8.0" in shown
    assert commander(town).decisions().is_empty()


@pytest.mark.parametrize(("secret", "told"), [("a", "Jun 2026: 5 incidents"), ("b", None)])
def test_a_researcher_never_sees_a_small_count(open_page: OpenPage, town: Store, secret: str, told: str | None) -> None:
    link = {"category": "020300"}
    (town.root / "rounding.key").write_text(secret, encoding="ascii")
    commander_sees = everything_shown(open_page("trends", "commander", "en", **link))
    researcher_sees = everything_shown(open_page("trends", "researcher", "en", **link))
    note = words("en")["trends.rounded"].format(base=5, most=4)
    assert "Jun 2026: 2 incidents" in commander_sees and note not in commander_sees
    assert "Jun 2026: 2 incidents" not in researcher_sees and note in researcher_sees
    assert (told or words("en")["trends.sentence.few"].format(most=4)) in researcher_sees


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_rounded_zero_says_what_it_stands_for(open_page: OpenPage, town: Store, lang: str) -> None:
    """A place with one incident a month: some months come out as 0, and none of them says that nothing happened."""
    table = town.editions / NEWER / "daily_counts.parquet"
    rows = [
        {"day": date(2026, month, 9), "category": "020300", "station_code": "s1", "incidents": 1 + 5 * (month < 3)}
        for month in range(1, 7)
    ]
    rows_of("daily_counts", *rows).write_parquet(table)
    shown = everything_shown(open_page("trends", "researcher", lang, category="020300"))
    assert "<span>0–4</span>" in shown and "<span>0</span>" not in shown
    # Nor is there a range around what may be none; the commander has one for every month with two years before it.
    assert "<span>0–0</span>" not in shown


def test_a_researcher_is_told_busiest_hours_only_of_enough_incidents(open_page: OpenPage, town: Store) -> None:
    few = words("en")["trends.sentence.hours_few"]
    assert few not in everything_shown(open_page("trends", "researcher", "en"))
    assert few in everything_shown(open_page("trends", "researcher", "en", beat="b11", category="040100"))
    assert few not in everything_shown(open_page("trends", "commander", "en", beat="b11", category="040100"))


def test_the_auditor_verifies_the_log(open_page: OpenPage, town: Store) -> None:
    test = open_page("audit", "auditor", "en")
    press(test, "audit.verify")
    assert test.success[0].value.startswith("Whole: ")


def test_exports_are_offered_only_to_those_who_may(open_page: OpenPage) -> None:
    assert open_page("hotspots", "researcher").get("download_button")
    assert not open_page("hotspots", "officer").get("download_button")


def test_an_export_is_recorded_before_it_is_handed_over(town: Store) -> None:
    from pages.ui.downloads import content_of

    desk = commander(town)
    content = content_of(desk, "staffing", desk.staffing, "csv", lambda: None)
    assert content.startswith(b"\xef\xbb\xbf")
    log = Desk(town, Viewer("checker", "auditor")).audit_log(5).to_dicts()
    assert (log[0]["event"], log[0]["object"]) == ("export", "staffing")
