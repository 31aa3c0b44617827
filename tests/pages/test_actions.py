"""What people do on pages: decide, record a visit, try a move, verify the log."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime

import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from commands.archive import what_if_again
from data.access import Viewer
from data.desk import Desk
from data.errors import AccessDeniedError
from data.records import Records
from data.store import Store
from pages.ui.language import words
from tests.data.tiny_edition import rows_of
from tests.pages.conftest import OpenPage, announce_editions, everything_shown
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


def test_a_decision_on_an_older_edition_says_so(open_page: OpenPage, town: Store) -> None:
    older, newest = town.edition_ids()[0], town.edition_ids()[-1]
    assert older != newest
    told = words("en")["decisions.older_edition"].partition("{")[0]
    assert told not in everything_shown(open_page("staffing", "commander", "en"))
    assert told in everything_shown(open_page("staffing", "commander", "en", edition=older))
    desk = Desk(town, Viewer("demo-commander", "commander"), older)
    desk.decide(desk.staffing()["advice_id"][0], "accept")
    row = Desk(town, Viewer("checker", "auditor")).audit_log(1).to_dicts()[0]
    assert (row["edition_id"], json.loads(row["details"])["newer_edition"]) == (older, newest)


def test_the_reason_other_needs_a_word(open_page: OpenPage, town: Store) -> None:
    test = open_page("hotspots", "commander", "en")
    group(test, f"decide.{FIRST}").set_value("decline").run()
    group(test, f"{FIRST}.en.reason").set_value("other").run()
    press(test, f"{FIRST}.en.save")
    assert test.warning[0].value == words("en")["decisions.comment_missing"]
    assert commander(town).decisions().is_empty()


def test_a_decision_is_withdrawn_on_the_page_and_the_advice_is_open_again(open_page: OpenPage, town: Store) -> None:
    commander(town).decide(FIRST, "accept")
    test = open_page("hotspots", "commander", "en")
    group(test, f"decide.{FIRST}").set_value("withdraw").run()
    group(test, f"{FIRST}.en.reason").set_value("slip").run()
    press(test, f"{FIRST}.en.save")
    assert not test.exception
    assert commander(town).decisions()["action"].to_list() == ["withdraw", "accept"]
    assert not test.success
    audit = everything_shown(open_page("audit", "auditor", "en"))
    assert words("en")["codes.decision.withdraw"] in audit and words("en")["audit.no_decisions"] in audit


def test_a_decision_made_meanwhile_is_shown_before_another_one(open_page: OpenPage, town: Store) -> None:
    test = open_page("hotspots", "commander", "en")
    group(test, f"decide.{FIRST}").set_value("accept").run()
    Desk(town, Viewer("second", "commander")).decide(FIRST, "decline", "data_wrong")
    press(test, f"{FIRST}.en.save")
    assert test.warning[0].value == words("en")["decisions.changed"]
    assert commander(town).decisions()["viewer"].to_list() == ["second"]
    # What stands is on the screen now: pressing again is a decision over it.
    press(test, f"{FIRST}.en.save")
    assert commander(town).decisions()["viewer"].to_list() == ["demo-commander", "second"]


def test_a_what_if_is_on_record_with_the_digest_of_its_answer(open_page: OpenPage, town: Store) -> None:
    test = open_page("staffing", "commander", "en")
    next(button for button in test.button if button.label == words("en")["staffing.what_if.try"]).click().run()
    assert not test.exception
    row = Desk(town, Viewer("checker", "auditor")).audit_log(1).to_dicts()[0]
    assert (row["event"], row["viewer"]) == ("what_if", "demo-commander")
    details = json.loads(row["details"])
    assert details["asked"]["officers"] == 2 and len(details["sha256"]) == 64
    found = what_if_again(town, Records.open(town), row["seq"])
    assert found is not None and found.same is True


def test_the_auditor_reproduces_the_entry_that_is_chosen(open_page: OpenPage, town: Store) -> None:
    announce_editions(town)
    desk = commander(town)
    desk.export("staffing", desk.staffing(), "csv", {})
    seq = Desk(town, Viewer("checker", "auditor")).audit_log(1)["seq"][0]
    checker = Desk(town, Viewer("checker", "auditor"))
    found = checker.reproduce(seq)
    assert (found.same, found.rows) == (True, {"staffing": desk.staffing().height})
    with pytest.raises(AccessDeniedError):
        desk.reproduce(seq)
    test = open_page("audit", "auditor", "en")
    press(test, "audit.reproduce")
    assert not test.exception
    # The newest entry is the view of this page, which is about records, not advice.
    assert "shows data and records of that moment" in test.warning[0].value


def test_the_auditor_asks_who_saw_an_area(open_page: OpenPage, town: Store) -> None:
    Desk(town, Viewer("captain", "commander", "s1", "station")).opened("hotspots")
    test = open_page("audit", "auditor", "en")
    press(test, "audit.who_saw")
    assert not test.exception
    shown = everything_shown(test)
    assert words("en")["audit.who_saw.summary"].format(accounts=1, rows=1) in shown
    assert Desk(town, Viewer("checker", "auditor")).audit_log(1)["event"].to_list() == ["who_saw"]


def test_a_control_that_remembers_says_so_in_the_log(open_page: OpenPage, town: Store) -> None:
    test = open_page("hotspots", "commander", "en")
    first = Desk(town, Viewer("demo-commander", "commander")).first_listed()
    other = next(code for code in commander(town).categories() if code != first)
    control = next(box for box in test.selectbox if "choose.category" in str(box.key))
    test.session_state[control.key] = other
    test.run()
    assert not test.exception
    row = Desk(town, Viewer("checker", "auditor")).audit_log(1).to_dicts()[0]
    assert json.loads(row["details"])["view"]["category"] == other


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
    # Filled in are the minutes of one visit at the door, not the 62 officer-minutes the plan reckons with.
    press(test, "visit.obj-b11-0.elderly_alone.zh.save")
    assert not test.exception
    rows = commander(town).visits_recorded("b11").to_dicts()
    assert [(row["object_id"], row["contact"], row["minutes"], row["note_code"]) for row in rows] == [
        ("obj-b11-0", True, 25.0, "in_order")
    ]


def test_a_closed_door_takes_less_time(open_page: OpenPage) -> None:
    test = open_page("my_beat", "officer")
    group(test, "visit.obj-b11-0").set_value(False).run()
    assert [field.value for field in test.number_input] == [5]


def test_an_officer_fills_in_minutes_an_older_edition_does_not_tell(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        Desk,
        "visit_plan",
        lambda desk, beat, read=Desk.visit_plan: read(desk, beat).with_columns(met_minutes=pl.lit(None, pl.Float64)),
    )
    test = open_page("my_beat", "officer")
    group(test, "visit.obj-b11-0").set_value(True).run()
    save = next(button for button in test.button if ".save" in str(button.key))
    assert test.number_input[0].value is None and save.disabled
    test.number_input[0].set_value(15).run()
    assert not next(button for button in test.button if ".save" in str(button.key)).disabled


@pytest.mark.parametrize(
    ("visited_at", "counted"),
    [
        (datetime(2026, 6, 30, 23, 10, tzinfo=UTC), 1),  # 07:10 in Shanghai on the as-of day
        (datetime(2026, 6, 30, 15, 59, tzinfo=UTC), 0),  # a minute before it began there
    ],
)
def test_a_visit_before_breakfast_is_one_of_the_day(
    open_page: OpenPage, town: Store, visited_at: datetime, counted: int
) -> None:
    officer = Desk(town, Viewer("demo-officer", "officer", area_level="beat", area_code="b11"))
    officer.record_visit("obj-b11-0", True, 20, "in_order", visited_at=visited_at)
    shown = everything_shown(open_page("my_beat", "officer", "en"))
    assert (f"visits recorded: {counted};" in shown) is bool(counted)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_my_beat_and_the_briefing_tell_the_same_visits(open_page: OpenPage, lang: str) -> None:
    """The town's plan has one line for an object, its workload every check: 8 due and 4 overdue."""
    beat, briefing = (everything_shown(open_page(page, "officer", lang)) for page in ("my_beat", "briefing"))
    text = words(lang)
    for key, count in (("my_beat.figure.overdue", 4), ("my_beat.figure.due", 8)):
        assert re.search(rf"{re.escape(text[key])}\W.{{0,60}}?\b{count}\b", beat, re.DOTALL), key
    assert text["briefing.line.visits"].format(due=8, overdue=4, hours=6) in briefing


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_what_finds_no_room_says_so_and_why(open_page: OpenPage, lang: str) -> None:
    shown = everything_shown(open_page("my_beat", "commander", lang, beat="b11"))
    text = words(lang)
    assert text["my_beat.no_room"] in shown
    assert text["my_beat.left_note"].format(n=1) in shown
    assert text["my_beat.minutes_note"].format(minutes=240) in shown


@pytest.mark.parametrize("role", ["officer", "commander"])
@pytest.mark.parametrize("page", ["my_beat", "briefing"])
def test_a_beat_without_objects_says_so(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch, page: str, role: str
) -> None:
    for name in ("visit_plan", "visit_workload"):
        read = getattr(Desk, name)
        monkeypatch.setattr(Desk, name, lambda desk, beat=None, read=read: read(desk, beat or "b11").clear())
    test = open_page(page, role, "en", **({"beat": "b11"} if page == "my_beat" else {}))
    assert not test.exception
    nothing = "briefing.no_register" if (page, role) == ("briefing", "commander") else "my_beat.nothing_listed"
    assert words("en")[nothing] in everything_shown(test)


def test_a_table_cut_short_on_the_briefing_says_so(open_page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    text = words("en")
    assert text["briefing.rest.plan"].format(n=2) not in everything_shown(open_page("briefing", "officer", "en"))
    monkeypatch.setattr("pages.ui.sheet.MOST_VISITS", 4)
    monkeypatch.setattr("pages.ui.sheet.MOST_LINES", 1)
    assert text["briefing.rest.plan"].format(n=2) in everything_shown(open_page("briefing", "officer", "en"))
    shown = everything_shown(open_page("briefing", "commander", "en"))
    assert text["briefing.rest.visits"].format(n=1) in shown


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_hours_that_are_not_known_are_told_where_they_matter(open_page: OpenPage, lang: str) -> None:
    told = words(lang)["staffing.undated"]
    assert told.format(share="25%") in everything_shown(open_page("staffing", "commander", lang, unit="s1"))
    assert told.split("{share}")[1][:12] not in everything_shown(open_page("staffing", "commander", lang, unit="s2"))


def test_what_sets_the_need_names_the_largest_part_of_the_work(open_page: OpenPage) -> None:
    told = words("en")["staffing.binding.workload"].format(part="incidents", share="54%")
    assert told in everything_shown(open_page("staffing", "commander", "en", unit="s1"))


def test_moving_officers_shows_before_and_after_and_records_nothing(open_page: OpenPage, town: Store) -> None:
    test = open_page("staffing", "commander", "en")
    test.button(key=next(b.key for b in test.button if "what_if" in str(b.key))).click().run()
    assert not test.exception
    shown = everything_shown(test)
    # s1 night has 6 on duty, s1 day has 6; two move.
    assert "6.0 → 4.0" in shown and "6.0 → 8.0" in shown
    assert commander(town).decisions().is_empty()


def test_moving_more_officers_than_are_there_is_told_in_the_readers_language(open_page: OpenPage) -> None:
    test = open_page("staffing", "commander", "zh")
    test.number_input(key=next(n.key for n in test.number_input if n.max == 50)).set_value(7)
    test.button(key=next(b.key for b in test.button if "what_if" in str(b.key))).click().run()
    assert not test.error
    assert words("zh")["staffing.what_if.too_many"].split("{n}")[1] in test.warning[0].value


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


def test_what_fell_to_nothing_is_among_the_largest_changes(open_page: OpenPage, town: Store) -> None:
    rows = [
        {"day": day, "category": category, "station_code": "s1", "incidents": incidents}
        for category, counts in (("010100", (40, 43)), ("040100", (30, 0)))
        for day, incidents in zip((date(2025, 6, 1), date(2026, 6, 1)), counts, strict=True)
        if incidents
    ]
    rows_of("daily_counts", *rows).write_parquet(town.editions / NEWER / "daily_counts.parquet")
    shown = everything_shown(open_page("trends", "commander", "en"))
    assert "−30" in shown and "+3" in shown


def test_a_researcher_is_told_busiest_hours_only_of_enough_incidents(open_page: OpenPage, town: Store) -> None:
    few = words("en")["trends.sentence.hours_few"]
    assert few not in everything_shown(open_page("trends", "researcher", "en"))
    assert few in everything_shown(open_page("trends", "researcher", "en", beat="b11", category="040100"))
    assert few not in everything_shown(open_page("trends", "commander", "en", beat="b11", category="040100"))


def test_the_auditor_verifies_the_log(open_page: OpenPage, town: Store) -> None:
    announce_editions(town)
    test = open_page("audit", "auditor", "en")
    press(test, "audit.verify")
    assert test.success[0].value.startswith("Whole: ")


def test_exports_are_offered_only_to_those_who_may(open_page: OpenPage) -> None:
    assert open_page("hotspots", "researcher").get("download_button")
    assert not open_page("hotspots", "officer").get("download_button")


def test_an_export_is_recorded_before_it_is_handed_over(town: Store) -> None:
    from pages.ui.downloads import content_of

    desk = commander(town)
    content = content_of(desk, "staffing", {}, "csv", lambda: None)
    assert content.startswith(b"\xef\xbb\xbf")
    log = Desk(town, Viewer("checker", "auditor")).audit_log(5).to_dicts()
    assert (log[0]["event"], log[0]["object"]) == ("export", "staffing")
