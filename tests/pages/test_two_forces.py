"""Pages on a store of two police forces: a page shows the force of the reader's grant and nothing of the other."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from data import permissions
from data.permissions import ALL_FORCES, ROLES
from data.records import Records, grant_role, read_audit
from data.store import Store
from pages.ui.language import words
from tests.conftest import ROOT
from tests.data.two_forces import FOREIGN
from tests.pages.conftest import OpenPage, everything_shown
from tests.pages.town import NEWER
from tests.pages.two_towns import HARBOUR, HARBOUR_EDITION, NAMES, TOWN, add_harbour

#: An area of either force.
AREAS = {"commander": ("b0", "sub_bureau"), "officer": ("b11", "beat")}
ALLOWED = [(page, role) for page in sorted(permissions.PAGES) for role in ROLES if role in permissions.PAGES[page]]


@pytest.fixture
def signed_in(town: Store, monkeypatch: pytest.MonkeyPatch):
    """Sign in an account with a role for a police force, in a store of two."""
    add_harbour(town)
    monkeypatch.setenv("BEATWISE_AUTH", "local")
    monkeypatch.setenv("BEATWISE_VIEWER", "someone")

    def sign_in(role: str, force: str | None) -> None:
        area = AREAS.get(role, (None, None))
        grant_role(Records.open(town), "someone", role, *area, granted_by="root", jurisdiction=force)

    return sign_in


def open_app(lang: str = "zh", **link: str) -> AppTest:
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=30)
    for key, value in {"lang": lang, **link}.items():
        test.query_params[key] = value
    return test.run()


def edition_options(test: AppTest) -> list[str]:
    (picker,) = [one for one in test.sidebar.selectbox if str(one.key).startswith("choose.edition.")]
    return list(picker.options)


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize(("page", "role"), ALLOWED)
def test_a_page_shows_the_own_force_only(open_page: OpenPage, signed_in, page: str, role: str, lang: str) -> None:
    signed_in(role, TOWN)
    test = open_page(page, None, lang)
    assert not test.exception
    assert not test.error
    assert test.title[0].value == words(lang)[f"common.pages.{page}"]
    shown = everything_shown(test)
    assert [part for part in (FOREIGN, HARBOUR_EDITION, *NAMES.values()) if part in shown] == []
    if role != "security":
        assert NEWER in shown


@pytest.mark.parametrize(("page", "role"), ALLOWED)
def test_the_reader_of_the_other_force_sees_that_one(open_page: OpenPage, signed_in, page: str, role: str) -> None:
    signed_in(role, HARBOUR)
    test = open_page(page, None)
    assert not test.exception
    assert not test.error
    shown = everything_shown(test)
    assert NEWER not in shown
    assert "demo-basis" not in shown.replace(f"{FOREIGN}-basis", "")
    if role != "security":
        assert HARBOUR_EDITION in shown
        assert NAMES["name_zh"] in shown


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize(("page", "role"), ALLOWED)
def test_a_link_into_an_edition_of_another_force_is_refused_once(
    town: Store, open_page: OpenPage, signed_in, page: str, role: str, lang: str
) -> None:
    signed_in(role, TOWN)
    records = Records.open(town)
    before = len(read_audit(records))
    test = open_page(page, None, lang, edition=HARBOUR_EDITION)
    assert not test.exception
    assert [title.value for title in test.title] == [words(lang)["common.refused.title"]]
    assert [error.value for error in test.error] == [words(lang)["common.refused.force"]]
    shown = everything_shown(test).replace(HARBOUR_EDITION, "")
    assert [part for part in (FOREIGN, *NAMES.values()) if part in shown] == []
    assert not test.dataframe
    row, *others = read_audit(records)
    assert (row["viewer"], row["object"], row["success"]) == ("someone", "edition", False)
    assert row["edition_id"] == HARBOUR_EDITION
    assert len(others) == before
    # The next click is on the own edition again.
    again = test.run()
    assert again.title[0].value == words(lang)[f"common.pages.{page}"]
    assert FOREIGN not in everything_shown(again)


@pytest.mark.parametrize(("page", "role"), ALLOWED)
def test_a_grant_without_a_force_opens_no_page(
    town: Store, open_page: OpenPage, signed_in, page: str, role: str
) -> None:
    signed_in(role, None)
    test = open_page(page, None)
    assert not test.exception
    assert [error.value for error in test.error] == [words("zh")["common.refused.force"]]
    shown = everything_shown(test)
    assert [part for part in (FOREIGN, NEWER, "人民路", *NAMES.values()) if part in shown] == []
    row = read_audit(Records.open(town), 1)[0]
    assert (row["object"], row["success"]) == (page, False)
    assert "href=" not in shown
    assert row["reason"] == "this grant names no police force, and the store holds several."


def test_the_menu_offers_the_editions_of_the_own_force_as_it_always_did(signed_in) -> None:
    signed_in("researcher", TOWN)
    test = open_app()
    assert edition_options(test) == ["2026年7月1日（town）", "2026年6月1日（town）"]
    assert len(test.sidebar.selectbox) == 1


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_who_reads_all_forces_chooses_one_and_gets_its_editions(signed_in, lang: str) -> None:
    signed_in("researcher", ALL_FORCES)
    test = open_app(lang)
    force = test.sidebar.selectbox[0]
    assert force.label == words(lang)["common.force"]
    names = {"zh": ["海港市公安局", "临江市公安局"], "en": ["Harbour police", "Linjiang police"]}
    assert list(force.options) == names[lang]
    assert (force.value, len(edition_options(test))) == (HARBOUR, 1)
    force.set_value(TOWN).run()
    assert not test.exception
    assert test.sidebar.selectbox[0].value == TOWN
    assert [one.value for one in test.sidebar.selectbox] == [TOWN, NEWER]
    assert len(edition_options(test)) == 2


def test_a_link_to_an_edition_says_which_force_is_shown(signed_in) -> None:
    signed_in("researcher", ALL_FORCES)
    assert [one.value for one in open_app(edition=NEWER).sidebar.selectbox] == [TOWN, NEWER]


def test_the_menu_beside_a_refused_edition_offers_the_own_ones(signed_in) -> None:
    signed_in("researcher", TOWN)
    test = open_app(edition=HARBOUR_EDITION)
    assert edition_options(test) == ["2026年7月1日（town）", "2026年6月1日（town）"]
    assert len(test.sidebar.selectbox) == 1


def test_the_menu_of_a_refused_reader_adds_no_second_refusal(town: Store, signed_in) -> None:
    signed_in("researcher", None)
    records = Records.open(town)
    before = len(read_audit(records))
    assert not open_app().exception
    assert len(read_audit(records)) == before + 1
