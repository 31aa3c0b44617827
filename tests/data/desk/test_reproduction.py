"""What was given out is made again from its row in the log: by scope, question, edition and snapshot of that moment."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta

import polars as pl
import pytest

from data.access import Viewer
from data.desk import Desk
from data.desk.reproduction import asked_of, reproduce
from data.editions import write_edition
from data.errors import RequestError, StoreError
from data.files import write_json
from data.records import AuditEvent, Records, append_audit, read_audit
from data.seals import seal_of_edition
from data.store import Store
from tests.data.desk.viewers import AUDITOR, CAPTAIN, CHIEF, OFFICER, RESEARCHER
from tests.data.tiny_edition import EDITION_ID, tiny_tables

ASKED = {"category": "theft", "horizon_days": 28}


@pytest.fixture
def store(template, tmp_path) -> Store:
    """The tiny store, its edition in the log as one of an earlier version: with a row, without a seal."""
    store = Store.open(shutil.copytree(template, tmp_path / "store"))
    append_audit(Records.open(store), AuditEvent("op", "command_line", "publish", EDITION_ID, EDITION_ID))
    return store


def last(records: Records) -> int:
    return int(read_audit(records, 1)[0]["seq"])


def taken(desk: Desk, kind: str, asked: dict, format: str) -> bytes:
    return desk.export(kind, asked_of(desk, kind, asked, format), format, asked).content


def publish_newer(store: Store, records: Records) -> None:
    tables = tiny_tables()
    tables["hotspots"] = tables["hotspots"].with_columns(pl.col("expected") * 3)
    manifest = {**Desk(store, AUDITOR, EDITION_ID).manifest, "created_at": "2026-02-01"}

    def announce(seal: str) -> None:
        details = seal_of_edition(store, "E20260201-newer", seal)
        event = AuditEvent("op", "command_line", "publish", "E20260201-newer", "E20260201-newer", details=details)
        append_audit(records, event)

    write_edition(store, "E20260201-newer", tables, manifest, announce)


EXPORTS = [
    (CHIEF, "hotspots", {**ASKED, "calm": None}, "csv"),
    (CHIEF, "hotspots", {**ASKED, "calm": None}, "geojson"),
    (CAPTAIN, "hotspots", {**ASKED, "calm": None}, "xlsx"),
    (RESEARCHER, "hotspots", {**ASKED, "calm": None}, "csv"),
    (CHIEF, "daily_counts", {"beat_code": "B1", "period": "month"}, "csv"),
    (RESEARCHER, "area_hotspots", {**ASKED, "level": "beat"}, "csv"),
    (CHIEF, "staffing", {}, "xlsx"),
    (AUDITOR, "quarantine_counts", {}, "csv"),
]


@pytest.mark.parametrize(("viewer", "kind", "asked", "format"), EXPORTS)
def test_a_file_is_made_again_to_the_byte_also_after_newer_editions(
    viewer: Viewer, kind: str, asked: dict, format: str, store: Store, records: Records
) -> None:
    content = taken(Desk(store, viewer, records=records), kind, asked, format)
    row = last(records)
    publish_newer(store, records)
    assert Desk(store, viewer, records=records).edition_id == "E20260201-newer"
    rows = last(records)
    found = reproduce(store, records, row)
    assert found.same is True and found.file is not None
    assert found.file.content == content
    assert last(records) == rows, "a reproduction does not act in the name of the account"


def test_what_was_decided_and_logged_until_then_is_made_again(store: Store, records: Records) -> None:
    chief, auditor = Desk(store, CHIEF, records=records), Desk(store, AUDITOR, records=records)
    first = chief.decide("T1", "accept").decision_id
    files = {}
    for kind, asked in (
        ("decisions", {"all_editions": True, "until": first}),
        ("audit_log", {"limit": 500, "until": last(records)}),
    ):
        content = taken(auditor, kind, asked, "csv")
        files[last(records)] = content
    chief.decide("T1", "decline", "data_wrong")
    for row, content in files.items():
        found = reproduce(store, records, row)
        assert found.same and found.file is not None and found.file.content == content


@pytest.mark.parametrize(
    ("viewer", "page", "view", "read"),
    [
        (CAPTAIN, "hotspots", {}, lambda desk: {"hotspots": desk.hotspots("theft", 28)}),
        (CHIEF, "hotspots", {"level": "beat"}, lambda desk: {"area_hotspots": desk.area_hotspots("theft", 28, "beat")}),
        (CHIEF, "staffing", {}, lambda desk: {"staffing": desk.staffing()}),
        (OFFICER, "my_beat", {}, lambda desk: {"visit_plan": desk.visit_plan("B1")}),
        (RESEARCHER, "trends", {}, lambda desk: {"daily_counts": desk.daily_counts(period="month")}),
    ],
)
def test_a_page_is_made_again_with_the_area_and_the_view_of_its_row(
    viewer: Viewer, page: str, view: dict, read: Callable[[Desk], dict], store: Store, records: Records
) -> None:
    desk = Desk(store, viewer, records=records)
    desk.opened(page, view)
    row, shown = last(records), read(desk)
    publish_newer(store, records)
    found = reproduce(store, records, row)
    assert found.same is None
    for name, frame in shown.items():
        assert found.tables[name].equals(frame)
        assert frame.height or viewer is RESEARCHER


def test_a_decision_tells_the_advice_it_was_about(store: Store, records: Records) -> None:
    Desk(store, CHIEF, records=records).decide("H1", "accept")
    assert reproduce(store, records, last(records)).same is True


def test_what_somebody_changed_is_not_passed_off_as_what_was_told(store: Store, records: Records) -> None:
    taken(Desk(store, CHIEF, records=records), "staffing", {}, "csv")
    row, path = last(records), store.editions / EDITION_ID / "staffing.parquet"
    pl.read_parquet(path).with_columns(pl.col("need_p80") + 1).write_parquet(path)
    with pytest.raises(RequestError, match=r"cannot be made again: .*staffing.parquet was changed"):
        reproduce(store, records, row)


def test_another_secret_rounds_otherwise_and_that_is_said(store: Store, records: Records) -> None:
    taken(Desk(store, RESEARCHER, records=records), "area_hotspots", {**ASKED, "level": "beat"}, "csv")
    row, same = last(records), set()
    for digit in "0123456789abcdef":
        (store.root / "rounding.key").write_text(digit * 64)
        same.add(reproduce(store, records, row).same)
    assert False in same


def test_a_table_deleted_after_its_retention_is_said_to_be(store: Store, records: Records) -> None:
    taken(Desk(store, CHIEF, records=records), "staffing", {}, "csv")
    row = last(records)
    due = {"items": [{"holder": EDITION_ID, "table": "staffing"}]}
    append_audit(records, AuditEvent("op", "command_line", "retain", "2030-01-01", details=due))
    folder = store.editions / EDITION_ID
    write_json(folder / "erased.json", {"as_of": "2030-01-01", "tables": ["staffing"]})
    (folder / "staffing.parquet").unlink()
    with pytest.raises(StoreError, match="deleted when its retention was over"):
        reproduce(store, records, row)


def test_rows_that_give_nothing_out_are_said_to(store: Store, records: Records) -> None:
    desk = Desk(store, CHIEF, records=records)
    with pytest.raises(Exception, match="no access"):
        desk.opened("audit")
    refused = last(records)
    append_audit(records, AuditEvent("op", "command_line", "grant", "chief"))
    # As an earlier version wrote it.
    append_audit(records, AuditEvent("chief", "commander", "export", "staffing", details={"format": "csv"}))
    for row, words in (
        (refused, "is a refusal"),
        (refused + 1, "gives nothing out"),
        (refused + 2, "does not say what was asked for"),
        (999, "has no row 999"),
    ):
        with pytest.raises(RequestError, match=words):
            reproduce(store, records, row)


def test_who_saw_an_area_is_one_question(store: Store, records: Records) -> None:
    Desk(store, CHIEF, records=records).opened("hotspots")
    Desk(store, Viewer("captain-2", "commander", "S2", "station"), records=records).opened("staffing")
    Desk(store, OFFICER, records=records).opened("my_beat")
    Desk(store, RESEARCHER, records=records).opened("model")
    Desk(store, CHIEF, records=records).opened("trends", {"beat": "B3"})
    Desk(store, CHIEF, records=records).decide("H1", "accept")
    auditor = Desk(store, AUDITOR, records=records)
    day = records.clock().date()
    for code, seen in {
        "B1": [("chief", "open", False), ("officer", "open", True), ("chief", "decide", True)],
        "B3": [("chief", "open", False), ("captain-2", "open", False), ("chief", "open", True)],
        "S2": [("chief", "open", False), ("captain-2", "open", True), ("chief", "open", False)],
    }.items():
        found = auditor.who_saw(code, day, day + timedelta(days=1))
        assert found.select("viewer", "event", "named").rows() == seen, code
        assert set(found["legal_basis"]) == {"basis-1"} and set(found["purpose"]) == {"purpose-1"}
    assert auditor.who_saw("B1", day - timedelta(days=9), day).is_empty()
    assert read_audit(records, 1)[0]["event"] == "who_saw"
    with pytest.raises(RequestError, match="no edition knows"):
        auditor.who_saw("nowhere", day, day + timedelta(days=1))
    with pytest.raises(RequestError, match="are none"):
        auditor.who_saw("B1", day, day)
