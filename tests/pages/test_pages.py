"""Every page, language and role: who may open it sees it, everybody else sees a refusal and nothing more."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta

import polars as pl
import pytest

from data import permissions
from data.access import Viewer
from data.desk import Desk
from data.records import Records, grant_role, revoke_role
from data.store import Store
from pages.ui import frame, identity
from pages.ui.language import words
from tests.pages.conftest import OpenPage, everything_shown
from tests.pages.town import CATEGORIES, NEWER

PAGES = sorted(permissions.PAGES)
ALLOWED = [(page, role) for page in PAGES for role in identity.DEMO_ROLES if role in permissions.PAGES[page]]
REFUSED = [(page, role) for page in PAGES for role in identity.DEMO_ROLES if role not in permissions.PAGES[page]]
#: Something only the content of a page can show.
CONTENT = ("人民路", "秘密旅馆", "b11", "第1派出所", "Station 1", "calls.csv")


def log_of(town: Store) -> list[dict]:
    return Desk(town, Viewer("checker", "auditor")).audit_log(100).to_dicts()


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize(("page", "role"), ALLOWED)
def test_a_page_opens_for_its_roles_in_both_languages(open_page: OpenPage, page: str, role: str, lang: str) -> None:
    test = open_page(page, role, lang)
    assert not test.exception
    assert not test.error
    assert test.title[0].value == words(lang)[f"common.pages.{page}"]
    # A demo page says so, and every page names edition, basis and purpose.
    shown = everything_shown(test)
    assert words(lang)["common.demo_banner"] in shown
    assert "E20260701-town" in shown
    assert "demo-basis" in shown and "demo-purpose" in shown


@pytest.mark.parametrize(("page", "role"), REFUSED)
def test_a_page_refuses_every_other_role_and_records_it(open_page: OpenPage, town: Store, page: str, role: str) -> None:
    test = open_page(page, role)
    assert not test.exception
    assert [title.value for title in test.title] == [words("zh")["common.refused.title"]]
    shown = everything_shown(test)
    assert [part for part in CONTENT if part in shown] == []
    assert not test.dataframe and not test.selectbox and not test.button
    refusal = log_of(town)[0]
    assert (refusal["viewer"], refusal["object"], refusal["success"]) == (f"demo-{role}", page, False)


def granted(town: Store, monkeypatch: pytest.MonkeyPatch, role: str) -> None:
    """Sign an account in that an administrator granted a role; the demo picker has no security administrator."""
    grant_role(Records.open(town), "someone", role, granted_by="test")
    monkeypatch.setenv("BEATWISE_AUTH", "local")
    monkeypatch.setenv("BEATWISE_VIEWER", "someone")


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_security_administrator_sees_the_catalogue_and_nothing_of_any_edition(
    open_page: OpenPage, town: Store, monkeypatch: pytest.MonkeyPatch, lang: str
) -> None:
    granted(town, monkeypatch, "security")
    test = open_page("catalogue", None, lang)
    assert not test.exception
    assert test.title[0].value == words(lang)["common.pages.catalogue"]
    assert [part for part in (*CONTENT, "E20260701") if part in everything_shown(test)] == []


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_security_administrator_reads_who_holds_which_grant(
    open_page: OpenPage, town: Store, monkeypatch: pytest.MonkeyPatch, lang: str
) -> None:
    records = Records.open(town)
    grant_role(records, "王警官", "officer", "b11", "beat", granted_by="test")
    grant_role(records, "gone", "researcher", granted_by="test")
    revoke_role(records, "gone", revoked_by="test")
    granted(town, monkeypatch, "security")
    test = open_page("grants", None, lang)
    assert not test.exception
    assert test.dataframe[0].value["name"].to_list() == ["someone", "王警官"]
    shown = everything_shown(test)
    assert words(lang)["codes.role.officer"] in shown
    # The code of the area that was granted is part of a grant; nothing else of the store is.
    assert [part for part in (*CONTENT, "E20260701") if part in shown] == ["b11"]
    test.toggle[0].set_value(False).run()
    assert test.dataframe[0].value["name"].to_list() == ["someone", "gone", "王警官"]
    assert log_of(town)[0]["object"] == "grants"


def test_a_store_without_grants_says_so_once(open_page: OpenPage) -> None:
    test = open_page("grants", "auditor", "en")
    assert words("en")["grants.none_yet"] in everything_shown(test) and not test.toggle


@pytest.mark.parametrize("page", [page for page in PAGES if "security" not in permissions.PAGES[page]])
def test_a_security_administrator_is_refused_every_other_page_and_shown_the_way(
    open_page: OpenPage, town: Store, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    granted(town, monkeypatch, "security")
    test = open_page(page, None)
    assert not test.exception
    assert [title.value for title in test.title] == [words("zh")["common.refused.title"]]
    assert 'href="catalogue?' in everything_shown(test)


@pytest.mark.parametrize("page", PAGES)
def test_signed_out_a_page_shows_the_sign_in_and_nothing_else(open_page: OpenPage, town: Store, page: str) -> None:
    test = open_page(page, None)
    assert [title.value for title in test.title] == [words("zh")["common.app"]]
    assert [button.key for button in test.button] == [f"sign_in.{role}" for role in identity.DEMO_ROLES]
    shown = everything_shown(test)
    assert [part for part in (*CONTENT, "E20260701") if part in shown] == []
    assert log_of(town) == []


def test_an_unknown_role_in_the_link_is_signed_out(open_page: OpenPage) -> None:
    assert open_page("hotspots", "chief").title[0].value == words("zh")["common.app"]


@pytest.mark.parametrize("page", ["briefing", "hotspots", "my_beat", "trends"])
def test_an_officer_gets_no_other_beat_by_editing_the_link(open_page: OpenPage, town: Store, page: str) -> None:
    own = open_page(page, "officer")
    assert own.title[0].value == words("zh")[f"common.pages.{page}"]
    other = open_page(page, "officer", beat="b22")
    assert other.title[0].value == words("zh")["common.refused.title"]
    assert not other.dataframe
    refusal = log_of(town)[0]
    assert refusal["success"] is False
    assert '"beat": "b22"' in refusal["details"]


def test_an_officer_sees_only_the_own_beat(open_page: OpenPage) -> None:
    for page in ("hotspots", "my_beat", "trends", "briefing"):
        shown = everything_shown(open_page(page, "officer"))
        assert "11警务区" in shown
        assert [name for name in ("12警务区", "21警务区", "22警务区") if name in shown] == []


def test_a_commander_sees_workload_without_names(open_page: OpenPage) -> None:
    officer = everything_shown(open_page("my_beat", "officer"))
    commander = everything_shown(open_page("my_beat", "commander"))
    assert "秘密旅馆" in officer
    assert "秘密旅馆" not in commander


def test_a_page_view_is_recorded_once_with_what_was_looked_at(open_page: OpenPage, town: Store) -> None:
    test = open_page("hotspots", "commander", category="040100", horizon="7")
    test.run()
    rows = [row for row in log_of(town) if row["event"] == "open"]
    assert len(rows) == 1
    assert '"category": "040100"' in rows[0]["details"] and '"horizon": "7"' in rows[0]["details"]


def test_a_link_reproduces_the_view(open_page: OpenPage) -> None:
    test = open_page("hotspots", "commander", "en", category="040100", horizon="7", edition="E20260601-town")
    assert test.selectbox[0].value == "040100"
    shown = everything_shown(test)
    assert "E20260601-town" in shown
    assert "1 Jun to 7 Jun 2026" in shown


def test_a_place_says_how_sure_what_without_last_month_and_when(open_page: OpenPage) -> None:
    shown = everything_shown(open_page("hotspots", "commander", "en", category="010100", horizon="28"))
    assert "Chance that this cell will be one of the 8 busiest of the period: more than 19 in 20." in shown
    assert "listed cells were given a 62% chance on average, and 58% came true" in shown
    assert "it would still rank 1 (expecting 4.5 instead of 9.0)" in shown
    assert "Most on Fri 22:00–02:00: 12% of the week, 5.0 times an average four hours. (The place" in shown
    # The four busiest hours are framed: Friday night into Saturday.
    assert shown.count("class=peak") == 4
    assert "Most accurate: 7 of 8 cells were on the list of the edition before." in shown


def lists_c9(shown: str) -> bool:
    # As a word of its own: the random ids of elements contain any two characters.
    return re.search(r"\bc9\b", shown) is not None


def test_a_commander_chooses_a_steadier_list_and_sees_what_it_costs(open_page: OpenPage, town: Store) -> None:
    test = open_page("hotspots", "commander", "en", category="010100", horizon="28")
    steady = test.selectbox[1]
    assert steady.options == [
        "Most accurate: about 6 of 8 stay (published)",
        "Stay within 25%: about 7 of 8 stay, hits −2.0%",
    ]
    assert not lists_c9(everything_shown(test))
    test = steady.select("0.25").run()
    shown = everything_shown(test)
    assert lists_c9(shown)
    assert "Of 8 cells 1 are not on the published list" in shown
    assert "Stay within 25%: 8 of 8 cells were on the list of the edition before." in shown
    assert "0.25" in test.query_params["calm"]
    rows = [row for row in log_of(town) if row["event"] == "open"]
    assert len(rows) == 2
    assert any('"calm": "0.25"' in row["details"] for row in rows)
    # The link shows the same list to others, an officer too; the officer's own page has no such control.
    assert lists_c9(everything_shown(open_page("hotspots", "researcher", category="010100", horizon="28", calm="0.25")))
    assert len(open_page("hotspots", "officer").selectbox) < len(
        open_page("hotspots", "officer", calm="0.25").selectbox
    )


def test_beats_are_ranked_beside_cells(open_page: OpenPage) -> None:
    test = open_page("hotspots", "commander", "en", category="010100", horizon="28", level="beat")
    shown = everything_shown(test)
    assert not test.exception
    assert "4 beats, 30 incidents expected in all; first is Beat 11 with 12.0 (2–20)." in shown
    assert "On 2 past periods the plain count was better: its first 1 beats held 48.0% of the incidents" in shown
    assert "Cells on the published list: 2 of 2" in shown
    assert len(test.get("deck_gl_json_chart")) == 1
    # An edition without such a ranking shows cells and offers nothing else.
    older = open_page("hotspots", "commander", "en", edition="E20260601-town", level="beat")
    assert "Ranking: 8 cells" in everything_shown(older)


def test_pieces_of_street_and_hexagons_are_ranked_beside_cells(open_page: OpenPage) -> None:
    link = {"category": "010100", "horizon": "28"}
    test = open_page("hotspots", "commander", "en", level="segment", **link)
    assert not test.exception
    shown = everything_shown(test)
    assert "2 street segments, 0.8 km of street, 10 incidents expected in them" in shown
    assert "Rank 1: 人民路 (中山路 – 解放路) · Beat 11" in shown
    assert (
        "On 2 past periods the 2 listed street segments held 40.0% of the incidents, as many by plain count 32.0%"
        in shown
    )
    assert "10% of the incidents lie more than 50 m from any street" in shown
    assert "Main reason: Recent incidents, 12." in shown
    assert len(test.get("deck_gl_json_chart")) == 1
    hexagons = everything_shown(open_page("hotspots", "officer", "zh", level="h3", **link))
    # The own beat is named once, above; every place lies in it.
    assert "11警务区：" in hexagons and "第 1 名：人民路一带" in hexagons and "12警务区" not in hexagons
    # They are ranked for one period only, and an edition from before has none.
    other = everything_shown(open_page("hotspots", "commander", "en", level="h3", category="010100", horizon="7"))
    assert "hexagons are ranked for the next 28 days only" in other
    older = open_page("hotspots", "commander", "en", edition="E20260601-town", level="segment")
    assert "Ranking: 8 cells" in everything_shown(older)


def test_patrol_hours_say_how_far_down_the_list_they_reach(open_page: OpenPage, town: Store) -> None:
    link = {"category": "010100", "horizon": "28"}
    test = open_page("hotspots", "commander", "en", hours="3.5", **link)
    assert not test.exception
    shown = everything_shown(test)
    # 3.5 hours at four stops of fifteen minutes: three places, 9 + 8 + 7 of 100.
    assert "3.5 hours per shift (1 a place) reach 3 cells, down to rank 3" in shown
    assert "24.0 incidents are expected in them, 24.0% of all; as many cells by plain count hold 15.0%." in shown
    assert "On 6 past periods the first 3 cells held 18.0% of the incidents, by plain count 15.0%." in shown
    marks = test.dataframe[0].value["patrol"].to_list()
    assert marks == ["reached"] * 3 + ["not reached"] * 5
    assert any('"hours": "3.5"' in row["details"] for row in log_of(town) if row["event"] == "open")
    # Half as long a stop holds twice as many; the link and the audit row follow.
    test.number_input[1].set_value(7.5).run()
    assert "reach 7 cells, down to rank 7" in everything_shown(test)
    assert (test.query_params["hours"], test.query_params["dwell"]) == ("3.5", "7.5")
    assert '"dwell": "7.5"' in log_of(town)[0]["details"]


@pytest.mark.parametrize(
    ("hours", "told"),
    [
        ("0.5", "0.5 hours do not hold one place: each takes 1 hours per shift."),
        ("30", "reach all 8 cells and leave 22.0 hours"),
        ("-3", "all 8 cells take 8.0 hours"),
        ("1e3", "all 8 cells take 8.0 hours"),
        ("many", "all 8 cells take 8.0 hours"),
    ],
)
def test_hours_too_few_too_many_and_no_number(open_page: OpenPage, town: Store, hours: str, told: str) -> None:
    test = open_page("hotspots", "commander", "en", category="010100", horizon="28", hours=hours)
    assert not test.exception
    assert told in everything_shown(test)
    recorded = '"hours"' in log_of(town)[0]["details"]
    assert recorded == (hours in ("0.5", "30"))


def test_patrol_hours_are_asked_of_commanders_only_and_an_older_edition_has_no_shares(open_page: OpenPage) -> None:
    for role in ("researcher", "officer"):
        shown = everything_shown(open_page("hotspots", role, "en", hours="3"))
        assert words("en")["patrol.title"] not in shown
    older = everything_shown(open_page("hotspots", "commander", "en", edition="E20260601-town", hours="2"))
    assert "reach 2 cells" in older and "17.0 incidents are expected in them." in older
    assert "there are no shares" in older


def test_an_edition_without_other_lists_says_so(open_page: OpenPage) -> None:
    shown = everything_shown(open_page("hotspots", "commander", "en", edition="E20260601-town", calm="0.25"))
    assert "made without lists of other steadiness" in shown


def test_single_hours_of_a_place_are_hidden_from_roles_of_aggregates(open_page: OpenPage) -> None:
    shown = everything_shown(open_page("hotspots", "researcher", "en", category="010100", horizon="28"))
    assert "bw-week" not in shown
    assert "hidden from roles that see aggregates only" in shown
    assert "Most on Fri 22:00–02:00: 12% of the week" in shown


def test_an_edition_from_before_says_what_it_does_not_know(open_page: OpenPage, town: Store) -> None:
    for folder in town.editions.iterdir():
        frame = pl.read_parquet(folder / "hotspots.parquet")
        later = ["top_chance", "expected_without_recent", "rank_without_recent", "was_listed", "peak_share", "hours"]
        frame.drop(*later, "hours_own_share").write_parquet(folder / "hotspots.parquet")
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        known = ("category", "horizon_days", "model", "verdict")
        manifest["verdicts"] = [{key: row[key] for key in known} for row in manifest["verdicts"]]
        (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    test = open_page("hotspots", "commander", "en")
    assert not test.exception
    shown = everything_shown(test)
    assert "This edition did not compute how sure that is." in shown
    assert "Most on Fri 22:00–02:00." in shown
    assert "Too few past forecasts to say what a steadier list costs." in shown


@pytest.mark.parametrize(
    ("lang", "shown", "not_shown"), [("zh", "电瓶车被盗", "Scooters"), ("en", "Scooters", "电瓶车被盗")]
)
def test_a_category_has_the_name_its_source_declares(
    open_page: OpenPage, town: Store, lang: str, shown: str, not_shown: str
) -> None:
    path = town.editions / NEWER / "manifest.json"
    named = {CATEGORIES[0]: {"zh": "电瓶车被盗", "en": "Scooters"}}
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | {"category_names": named}), "utf-8")
    for page in ("briefing", "hotspots"):
        found = everything_shown(open_page(page, "commander", lang))
        assert shown in found
        assert not_shown not in found


def test_months_that_were_never_loaded_are_named_and_compared_with_nothing(open_page: OpenPage, town: Store) -> None:
    path = town.editions / NEWER / "manifest.json"
    manifest = json.loads(path.read_text("utf-8"))
    last = date.fromisoformat(manifest["parameters"]["as_of"]).replace(day=1) - timedelta(days=1)
    missing = {"months_without_record": [str(last.replace(day=1))]}
    assert words("zh")["trends.no_record"] not in everything_shown(open_page("trends", "researcher"))
    path.write_text(json.dumps(manifest | missing), "utf-8")
    found = everything_shown(open_page("trends", "researcher"))
    assert words("zh")["trends.no_record"] in found
    assert words("zh")["trends.sentence.no_change_of_months"] in found


def test_times_left_out_of_the_hours_are_told_with_their_share(open_page: OpenPage, town: Store) -> None:
    path = town.editions / NEWER / "manifest.json"
    told = words("zh")["trends.left_out.stand_in"].format(share="23%")
    assert told not in everything_shown(open_page("trends", "researcher"))
    coverage = [
        {"category": None, "unknown": 0.0, "stand_in": 0.23},
        {"category": "other", "unknown": 0.5, "stand_in": 0},
    ]
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | {"hour_coverage": coverage}), "utf-8")
    found = everything_shown(open_page("trends", "researcher"))
    assert told in found
    assert "50%" not in found


@pytest.mark.parametrize(
    ("lang", "told"), [("zh", "安排并登记社区走访"), ("en", "Planning and recording community visits")]
)
def test_the_catalogue_tells_of_the_table_chosen_what_it_is_held_for(open_page: OpenPage, lang: str, told: str) -> None:
    test = open_page("catalogue", "steward", lang)
    tables = test.dataframe[0].value
    assert tables["table"][0] == words(lang)["codes.table.areas"]
    # Purposes are not in the list, where they would need a line for every word on a tablet.
    assert told not in tables.to_csv()
    assert told in everything_shown(test)


def test_the_audit_log_tells_the_rest_of_the_entry_chosen(open_page: OpenPage, town: Store) -> None:
    test = open_page("audit", "auditor")
    entry = log_of(town)[0]
    assert entry["row_hash"] not in test.dataframe[-1].value.to_csv()
    assert entry["row_hash"] in everything_shown(test)


def test_an_unknown_edition_is_explained(open_page: OpenPage) -> None:
    test = open_page("hotspots", "commander", edition="E19990101-none")
    assert not test.exception
    assert test.title[0].value == words("zh")["common.error.title"]
    assert "E19990101-none" in everything_shown(test)


def test_demo_roles_refuse_data_that_is_not_the_demo_city(
    open_page: OpenPage, town: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in town.editions.iterdir():
        manifest = folder / "manifest.json"
        manifest.write_text(
            manifest.read_text(encoding="utf-8").replace('"demo": true', '"demo": false'), encoding="utf-8"
        )
    test = open_page("hotspots", "commander")
    assert test.title[0].value == words("zh")["common.refused.title"]
    assert not test.dataframe


def test_local_mode_reads_the_grant_of_the_named_viewer(
    open_page: OpenPage, town: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    from data.records import Records, grant_role

    monkeypatch.setenv("BEATWISE_AUTH", "local")
    monkeypatch.setenv("BEATWISE_VIEWER", "li")
    assert open_page("trends", "commander").title[0].value == words("zh")["common.app"]
    grant_role(Records.open(town), "li", "researcher", granted_by="zhao")
    assert open_page("trends", "commander").title[0].value == words("zh")["common.pages.trends"]
    assert open_page("staffing", "commander").title[0].value == words("zh")["common.refused.title"]


def test_without_a_mode_nobody_is_signed_in(open_page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BEATWISE_AUTH")
    assert open_page("hotspots", "commander").title[0].value == words("zh")["common.app"]


def test_the_menu_names_every_page() -> None:
    assert set(frame.ORDER) == set(permissions.PAGES)
    assert set(frame.ICONS) == set(permissions.PAGES)
