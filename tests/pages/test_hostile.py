"""Pages on hostile material and in hostile hands: names that are markup, grants that ended, desks left alone."""

from __future__ import annotations

import re
from itertools import chain
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from data.access import Viewer
from data.desk import Desk
from data.errors import AccessDeniedError, RequestError
from data.records import Records, grant_role, read_audit, revoke_role
from data.store import Store
from pages.ui import address_reviews, downloads, identity, places
from pages.ui.formats import literal
from pages.ui.language import words
from pages.ui.ledger import details_of
from tests.conftest import ROOT
from tests.pages.conftest import OpenPage, announce_editions, everything_shown

#: What a street, a beat or a comment may be called by somebody who wants a reader's browser to fetch something.
HOSTILE = '![x](http://evil.test/a.png)<img src="http://evil.test/b.png">[here](http://evil.test)'
#: A link, a picture or a tag whose signs no backslash precedes.
READ_AS_MARKUP = re.compile(r"(?<!\\)\]\(|(?<!\\)<img")


def rename(town: Store, table: str, *columns: str) -> None:
    for path in town.editions.glob(f"*/{table}.parquet"):
        frame = pl.read_parquet(path)
        frame.with_columns(pl.lit(HOSTILE).alias(name) for name in columns).write_parquet(path)


@pytest.mark.parametrize(
    ("page", "role", "link"),
    [
        ("hotspots", "commander", {}),
        ("hotspots", "commander", {"level": "beat"}),
        ("hotspots", "commander", {"level": "segment"}),
        ("staffing", "commander", {}),
        ("my_beat", "officer", {}),
        ("briefing", "officer", {}),
        ("trends", "officer", {}),
    ],
)
def test_a_name_is_never_read_as_markup(
    open_page: OpenPage, town: Store, page: str, role: str, link: dict[str, str]
) -> None:
    rename(town, "areas", "name_zh", "name_en")
    rename(town, "visit_plan", "label")
    for table in ("hotspots", "unit_hotspots"):
        rename(town, table, "street")
    test = open_page(page, role, "en", **link)
    assert not test.exception
    elements = chain.from_iterable(test.main.get(kind) for kind in ("subheader", "markdown", "title", "success"))
    assert [text for text in (str(each.value) for each in elements) if READ_AS_MARKUP.search(text)] == []
    drawn = [str(each.proto.body) for each in test.main.get("html")]
    assert [text for text in drawn if "<img src=" in text and "evil" in text] == []
    assert any("evil.test" in text for text in (*drawn, *(str(each.value) for each in test.main.get("subheader"))))


def test_a_literal_text_has_no_sign_left_that_markdown_reads() -> None:
    assert literal("St. Mary's *old* [x](y)\n\n# $a$ :red[b]") == (
        "St. Mary's \\*old\\* \\[x\\](y) \\# \\$a\\$ \\:red\\[b\\]"
    )
    assert literal("第1警务区 · 人民路") == "第1警务区 · 人民路"


# Grants that end, desks left alone ----------------------------------------------------------------------------------


@pytest.fixture
def local_researcher(town: Store, monkeypatch: pytest.MonkeyPatch) -> Records:
    """Li, a researcher, signed in on this machine."""
    monkeypatch.setenv("BEATWISE_AUTH", "local")
    monkeypatch.setenv("BEATWISE_VIEWER", "li")
    records = Records.open(town)
    grant_role(records, "li", "researcher", granted_by="zhao")
    return records


@pytest.mark.parametrize("role_after", [None, "steward"])
def test_a_page_left_on_the_screen_gives_no_file_after_the_grant_ended(
    town: Store, local_researcher: Records, role_after: str | None
) -> None:
    desk = Desk(town, Viewer("li", "researcher"))
    at_desk = identity.lasting(desk.viewer, town)
    taken = downloads.content_of(desk, "model_scores", {"category": "040100", "horizon_days": 28}, "csv", at_desk)
    assert taken
    revoke_role(local_researcher, "li", revoked_by="zhao")
    if role_after:
        grant_role(local_researcher, "li", role_after, granted_by="zhao")
    with pytest.raises(AccessDeniedError):
        downloads.content_of(desk, "model_scores", {"category": "040100", "horizon_days": 28}, "csv", at_desk)
    last = read_audit(local_researcher, 1)[0]
    assert (last["event"], last["object"], last["success"]) == ("export", "model_scores", False)


def test_a_desk_left_alone_gives_no_file_and_clears_itself(open_page: OpenPage, town: Store) -> None:
    test = open_page("hotspots", "commander")
    assert test.dataframe
    test.session_state["identity.last_seen"] -= 31 * 60
    test.session_state["sources.files"] = {"names.csv": b"Zhang"}
    test.run()
    assert test.title[0].value == words("zh")["common.app"]
    assert not test.dataframe
    assert "sources.files" not in test.session_state
    # The same role, page and view again: a new reader's view is a new row.
    views = [row for row in read_audit(Records.open(town)) if row["event"] == "open"]
    next(button for button in test.button if button.key == "sign_in.commander").click().run()
    assert test.dataframe
    assert len([row for row in read_audit(Records.open(town)) if row["event"] == "open"]) == len(views) + 1


def test_an_account_of_openid_connect_left_alone_sees_nothing_more(
    open_page: OpenPage, town: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Streamlit keeps the account of a session until the browser has followed the way out."""
    left: list[bool] = []
    monkeypatch.setenv("BEATWISE_AUTH", "oidc")
    monkeypatch.setattr(identity.st, "user", SignedIn(email="li"))
    monkeypatch.setattr(identity.st, "logout", lambda: left.append(True))
    grant_role(Records.open(town), "li", "commander", granted_by="zhao")
    test = open_page("hotspots", None)
    assert test.dataframe
    test.session_state["identity.last_seen"] -= 31 * 60
    for _ in range(2):
        test.run()
        assert test.title[0].value == words("zh")["common.app"]
        assert not test.dataframe
    assert left == [True]


@pytest.mark.parametrize("verified", [False, "false"])
def test_an_address_the_provider_did_not_verify_is_no_account(
    open_page: OpenPage, town: Store, monkeypatch: pytest.MonkeyPatch, verified: object
) -> None:
    monkeypatch.setenv("BEATWISE_AUTH", "oidc")
    monkeypatch.setattr(identity.st, "user", SignedIn(email="li", email_verified=verified))
    grant_role(Records.open(town), "li", "commander", granted_by="zhao")
    assert not open_page("hotspots", None).dataframe


def test_a_sign_in_without_a_grant_is_on_record_once_a_session(
    open_page: OpenPage, town: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BEATWISE_AUTH", "local")
    monkeypatch.setenv("BEATWISE_VIEWER", "stranger")
    test = open_page("hotspots", None)
    test.run()
    assert "stranger" in everything_shown(test)
    (row,) = read_audit(Records.open(town))
    assert (row["viewer"], row["event"], row["success"]) == ("stranger", "sign_in", False)


def test_a_tap_on_a_page_left_on_the_screen_decides_nothing(town: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Streamlit runs the callback of a button before the page asks who is at the desk."""
    monkeypatch.setattr(identity, "current", lambda: None)
    desk = Desk(town, Viewer("demo-steward", "steward"))
    address_reviews._decide(desk, "text", "address", "accept")
    row = read_audit(desk.records, 1)[0]
    assert (row["event"], row["success"], row["reason"]) == (
        "review_address",
        False,
        "who is at the desk has changed.",
    )


class SignedIn(dict[str, object]):
    """``st.user`` of somebody who has signed in."""

    def __init__(self, **claims: object) -> None:
        super().__init__(is_logged_in=True, **claims)


def test_openid_connect_without_its_settings_shows_the_sign_in(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BEATWISE_AUTH", "oidc")
    test = open_page("hotspots", "commander")
    assert not test.exception
    assert test.title[0].value == words("zh")["common.app"]


@pytest.mark.parametrize(
    ("headers", "signed_in"),
    [
        ({"X-Forwarded-User": "li"}, False),
        ({"X-Forwarded-User": "li", "X-Gateway-Secret": "guess"}, False),
        ({"X-Forwarded-User": "li", "X-Gateway-Secret": "hunter2"}, True),
        ({"X-Gateway-Secret": "hunter2"}, False),
    ],
)
def test_a_header_counts_only_from_a_gateway_that_proves_itself(
    open_page: OpenPage, town: Store, monkeypatch: pytest.MonkeyPatch, headers: dict[str, str], signed_in: bool
) -> None:
    monkeypatch.setenv("BEATWISE_AUTH", "proxy")
    monkeypatch.setenv("BEATWISE_GATEWAY_SECRET", "hunter2")
    monkeypatch.setattr(identity.st, "context", SimpleNamespace(headers=headers, cookies={}))
    grant_role(Records.open(town), "li", "commander", granted_by="zhao")
    assert bool(open_page("hotspots", None).dataframe) is signed_in


@pytest.mark.parametrize(("told", "shown"), [("en", "en"), ("zh", "zh"), ("fr", "zh"), (None, "zh")])
def test_the_language_outlasts_a_sign_in_elsewhere(
    open_page: OpenPage, town: Store, monkeypatch: pytest.MonkeyPatch, told: str | None, shown: str
) -> None:
    """A provider of OpenID Connect sends the browser back to the bare address, in a new session."""
    monkeypatch.setattr(identity.st, "context", SimpleNamespace(headers={}, cookies={"beatwise_lang": told}))
    test = AppTest.from_file(str(ROOT / "pages" / "hotspots.py"), default_timeout=30)
    test.query_params["as"] = "commander"
    assert test.run().title[0].value == words(shown)["common.pages.hotspots"]
    # What a link says goes before it.
    other = open_page("hotspots", "commander", "zh" if shown == "en" else "en")
    assert other.title[0].value != test.title[0].value


# A log somebody tampered with ---------------------------------------------------------------------------------------


def test_the_audit_page_opens_on_a_log_somebody_tampered_with(open_page: OpenPage, town: Store) -> None:
    open_page("hotspots", "commander")
    with Records.open(town).writing() as connection:
        connection.exec_driver_sql("DROP TRIGGER audit_log_no_update")
        connection.exec_driver_sql("UPDATE audit_log SET details = '[not json', at = 'then' WHERE seq = 1")
    test = open_page("audit", "auditor", "en")
    assert not test.exception
    # The list shows the time as it stands there now; the rest of a row is told when it is tapped.
    assert ",then," in everything_shown(test)
    assert details_of("[not json") == "[not json"
    next(button for button in test.button if button.key == "audit.verify").click().run()
    assert test.error[0].value.startswith("Broken: row 1")


def test_the_auditor_hands_in_a_row_noted_earlier(open_page: OpenPage, town: Store) -> None:
    announce_editions(town)
    test = open_page("audit", "auditor", "en")
    for noted, told in (("7", "Nothing to compare with"), (f"1:{'0' * 16}", "Broken: row 1")):
        test.text_input(key="audit.noted").set_value(noted)
        next(button for button in test.button if button.key == "audit.verify").click().run()
        assert not test.exception
        assert any(told in str(each.value) for each in (*test.warning, *test.error))
    row = read_audit(Records.open(town), 1)[0]
    test.text_input(key="audit.noted").set_value(f"{row['seq']}:{row['row_hash'][:16]}…")
    next(button for button in test.button if button.key == "audit.verify").click().run()
    assert test.success[0].value.startswith("Whole: ")


# What is gone, what is alike ----------------------------------------------------------------------------------------


def test_a_table_past_its_retention_is_told_in_words_also_to_a_server_that_had_read_it(
    town: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def opened() -> AppTest:
        test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=30)
        test.query_params["as"], test.query_params["lang"] = "officer", "en"
        return test.switch_page("pages/my_beat.py").run()

    assert opened().dataframe
    for path in town.editions.glob("*/visit_plan.parquet"):
        path.unlink()
    test = opened()
    assert not test.exception
    assert not test.dataframe
    assert test.title[-1].value == words("en")["common.error.title"]
    assert "retention was over" in test.error[0].value


def test_two_areas_with_one_code_are_not_taken_for_each_other(town: Store) -> None:
    """Some forces number stations and sub-bureaus alike; outlines are kept in memory for all readers."""
    for path in town.editions.glob("*/areas.parquet"):
        frame = pl.read_parquet(path)
        stations = frame.filter(pl.col("level").cast(pl.String) == "station").head(1)
        upper = stations.with_columns(
            level=pl.lit("sub_bureau").cast(frame.schema["level"]),
            parent_code=pl.lit(None, dtype=pl.String),
            record_key=pl.lit("sub_bureau-alike"),
        )
        alike = stations["area_code"][0]
        under = frame.with_columns(
            parent_code=pl.when(pl.col("level").cast(pl.String) == "station")
            .then(pl.lit(alike))
            .otherwise("parent_code")
        )
        pl.concat([under, upper.select(frame.columns)]).write_parquet(path)
    whole = places.codes(Desk(town, Viewer("a", "commander", alike, "sub_bureau")), "beat")
    part = places.codes(Desk(town, Viewer("b", "commander", alike, "station")), "beat")
    assert set(part) < set(whole)


@pytest.mark.parametrize("settings", ["", '[auth]\nredirect_uri = "https://desk/oauth2callback"', "[auth"])
def test_openid_connect_without_its_settings_does_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: str
) -> None:
    from commands.desk import require_oidc

    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".streamlit").mkdir()
    secrets = tmp_path / ".streamlit" / "secrets.toml"
    secrets.write_text(settings, encoding="utf-8")
    with pytest.raises(RequestError, match=r"cookie_secret|cannot be read"):
        require_oidc()
    names = ("redirect_uri", "cookie_secret", "client_id", "client_secret", "server_metadata_url")
    secrets.write_text("[auth]\n" + "\n".join(f'{name} = "x"' for name in names), encoding="utf-8")
    require_oidc()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(RequestError, match="Authlib"):
        require_oidc()
