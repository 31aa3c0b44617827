"""Before the first edition steward and auditor work with the data; every other page says what has to be done."""

from __future__ import annotations

import shutil

import pytest
from typer.testing import CliRunner

import commands.desk
from cli import app
from data.permissions import PAGES
from data.records import Records, read_audit
from data.store import Store
from pages.ui.guard import BEFORE_PUBLISHING
from tests.pages.conftest import OpenPage, everything_shown

OPEN = [(page, role) for role in ("steward", "auditor") for page in sorted(BEFORE_PUBLISHING)]
OPEN = [(page, role) for page, role in OPEN if role in PAGES[page]]
WAITING = [
    ("briefing", "commander"),
    ("hotspots", "commander"),
    ("staffing", "commander"),
    ("trends", "researcher"),
    ("my_beat", "officer"),
    ("staffing", "auditor"),
]


@pytest.fixture
def unpublished(town: Store) -> Store:
    shutil.rmtree(town.editions)
    return town


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize(("page", "role"), OPEN)
def test_what_is_held_can_be_looked_at(
    unpublished: Store, open_page: OpenPage, page: str, role: str, lang: str
) -> None:
    test = open_page(page, role, lang)
    assert not test.exception
    shown = everything_shown(test)
    assert ("尚未发布研判" if lang == "zh" else "nothing published yet") in shown
    if page == "data_quality":
        assert "calls.csv" in shown
    row = read_audit(Records.open(unpublished), 1)[0]
    assert (row["object"], row["edition_id"], bool(row["success"])) == (page, None, True)


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize(("page", "role"), WAITING)
def test_every_other_page_says_what_to_do(
    unpublished: Store, open_page: OpenPage, page: str, role: str, lang: str
) -> None:
    test = open_page(page, role, lang)
    assert not test.exception
    assert not test.error
    assert [one.value for one in test.code] == ["beatwise publish --store … --as-of …"]
    assert len(test.info) == 1


def test_a_closed_page_is_refused_all_the_same(unpublished: Store, open_page: OpenPage) -> None:
    test = open_page("hotspots", "steward")
    assert not test.code
    assert read_audit(Records.open(unpublished), 1)[0]["success"] in (False, 0)


def test_serve_starts_and_says_what_waits(unpublished: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(commands.desk, "run_dashboard", started.append)
    monkeypatch.setattr("os.chdir", lambda folder: None)
    ran = CliRunner().invoke(app, ["serve", "--store", str(unpublished.root)], catch_exceptions=False)
    assert ran.exit_code == 0
    assert "Nothing is published yet" in ran.stdout
    assert len(started) == 1


def test_an_area_is_granted_from_the_data_before_the_first_edition(unpublished: Store) -> None:
    ran = CliRunner().invoke(
        app, ["viewer", "grant", "li", "--store", str(unpublished.root), "--role", "officer", "--area", "nowhere"]
    )
    assert ran.exit_code != 0
    assert "no beat has code" in str(ran.exception)
