"""The files of a store against the audit log: what somebody exchanged, added or took away shows."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from data.editions import write_edition
from data.errors import StoreError
from data.files import FILE_LIST, read_json, sha256_of_file, write_json
from data.records import AuditEvent, Records, append_audit, read_audit
from data.seals import seal_of_edition, seal_snapshot, verify_store
from data.store import Store
from tests.conftest import run_cli
from tests.data.test_store import CITY
from tests.data.tiny_edition import make_tiny_store, tiny_tables

NEWER, OLDER = "E20260201-newer", "E20260101-older"


def publish(store: Store, edition_id: str) -> None:
    """Write an edition as ``beatwise publish`` does: its seal is in the log before it appears."""
    manifest = {"snapshot_id": store.newest_snapshot_id(), "parameters": {}, "created_at": edition_id}

    def announce(seal: str) -> None:
        details = seal_of_edition(store, edition_id, seal)
        event = AuditEvent("op", "command_line", "publish", edition_id, edition_id, details=details)
        append_audit(Records.open(store), event)

    write_edition(store, edition_id, tiny_tables(), manifest, announce)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = make_tiny_store(tmp_path_factory.mktemp("sealed"), published=False)
    seal_snapshot(store, Records.open(store), viewer="op", role="command_line")
    for edition_id in (OLDER, NEWER):
        publish(store, edition_id)
    return store.root


@pytest.fixture
def store(template: Path, tmp_path: Path) -> Store:
    return Store.open(shutil.copytree(template, tmp_path / "store"))


def problem_of(store: Store) -> str | None:
    report = verify_store(store, Records.open(store))
    assert report.whole == (report.problem is None)
    return report.problem


def test_what_was_announced_agrees_and_what_came_before_lists_is_named(store: Store) -> None:
    report = verify_store(store, Records.open(store))
    assert report.whole
    # The load was written without a list of files, as loads of earlier versions were.
    assert report.unsealed == ("loads/L1",)
    listed = sum(len(read_json(path)) for path in store.root.rglob(FILE_LIST))
    assert report.files == listed > 40


def table(store: Store) -> Path:
    return store.editions / NEWER / "hotspots.parquet"


def change(store: Store) -> None:
    frame = pl.read_parquet(table(store))
    frame.with_columns(pl.col("expected") * 2).write_parquet(table(store))


def change_with_list(store: Store) -> None:
    change(store)
    path = store.editions / NEWER / FILE_LIST
    write_json(path, {**read_json(path), "hotspots.parquet": sha256_of_file(table(store))})


def change_manifest(store: Store) -> None:
    path = store.editions / NEWER / "manifest.json"
    path.write_text(path.read_text(encoding="utf-8").replace(NEWER, OLDER), encoding="utf-8")


def exchange(store: Store) -> None:
    (store.editions / OLDER).rename(store.editions / "x")
    (store.editions / NEWER).rename(store.editions / OLDER)
    (store.editions / "x").rename(store.editions / NEWER)


def erase_without_retention(store: Store) -> None:
    write_json(store.editions / NEWER / "erased.json", {"as_of": "2026-02-01", "tables": ["hotspots"]})
    table(store).unlink()


TAMPERED: dict[str, tuple[Callable[[Store], object], str]] = {
    "a table": (change, f"editions/{NEWER}/hotspots.parquet was changed"),
    "a table and the list": (change_with_list, f"{NEWER} is not what row 3 announced"),
    "the manifest": (change_manifest, f"{NEWER}/manifest.json was changed"),
    "two editions": (exchange, "is not what row 2 announced"),
    "an edition gone": (lambda store: shutil.rmtree(store.editions / OLDER), f"{OLDER}, announced in row 2, is gone"),
    "an edition put there": (
        lambda store: shutil.copytree(store.editions / OLDER, store.editions / "E20260301-forged"),
        "E20260301-forged is there, but the log has no row of its publication",
    ),
    "a table put there": (
        lambda store: shutil.copyfile(table(store), store.editions / NEWER / "other.parquet"),
        "other.parquet was put there",
    ),
    "the list gone": (lambda store: (store.editions / NEWER / FILE_LIST).unlink(), f"{NEWER} is not what row 3"),
    "a false deletion": (erase_without_retention, f"{NEWER}/hotspots.parquet is gone"),
    "a snapshot": (
        lambda store: (store.snapshots / store.newest_snapshot_id() / "manifest.json").write_text("{}"),
        "manifest.json was changed",
    ),
    "the secret": (lambda store: (store.root / "rounding.key").write_text("ab" * 32), "rounding.key is not the one"),
    "the secret gone": (lambda store: (store.root / "rounding.key").unlink(), "rounding.key, in use in row 3, is gone"),
    "the pointer": (lambda store: (store.root / "CURRENT").write_text("Snone\n"), "CURRENT names the snapshot Snone"),
}


@pytest.mark.parametrize("case", TAMPERED)
def test_what_somebody_did_to_the_files_shows(case: str, store: Store) -> None:
    tamper, words = TAMPERED[case]
    tamper(store)
    assert words in str(problem_of(store))


def test_an_edition_does_not_appear_when_its_row_cannot_be_written(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise StoreError("the records database cannot be used.")

    monkeypatch.setattr(f"{__name__}.append_audit", full)
    with pytest.raises(StoreError, match="records database"):
        publish(store, "E20260301-third")
    assert store.edition_ids() == [OLDER, NEWER]
    assert not any(store.scratch.iterdir())


def test_an_edition_announced_and_killed_is_named_until_it_is_published_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            publish(store, "E20260301-third")
    assert "E20260301-third, announced in row 4, is gone or never appeared" in str(problem_of(store))
    publish(store, "E20260301-third")
    assert problem_of(store) is None


def test_what_retention_deleted_may_be_gone_and_nothing_else(store: Store) -> None:
    due = [{"kind": "edition", "holder": NEWER, "table": "hotspots"}]
    append_audit(Records.open(store), AuditEvent("op", "command_line", "retain", "2026-02-01", details={"items": due}))
    erase_without_retention(store)
    assert problem_of(store) is None
    (store.editions / NEWER / "staffing.parquet").unlink()
    assert "staffing.parquet is gone" in str(problem_of(store))


def test_an_edition_from_before_lists_is_compared_with_its_manifest(store: Store) -> None:
    # As earlier versions wrote it: a row without a seal, a folder without a list.
    append_audit(Records.open(store), AuditEvent("op", "command_line", "publish", "E20251201-old", "E20251201-old"))
    folder = store.editions / "E20251201-old"
    shutil.copytree(store.editions / OLDER, folder)
    (folder / FILE_LIST).unlink()
    report = verify_store(store, Records.open(store))
    assert report.whole
    assert report.unsealed == ("editions/E20251201-old", "loads/L1")
    shutil.copyfile(table(store), folder / "staffing.parquet")
    assert "E20251201-old/staffing.parquet was changed" in str(problem_of(store))


def test_seals_are_those_of_the_files_and_stand_in_the_log(store: Store) -> None:
    rows = verify_store(store, Records.open(store))
    assert rows.head_seq == 3
    with Records.open(store).reading() as connection:
        details = [json.loads(row[0]) for row in connection.exec_driver_sql("SELECT details FROM audit_log")]
    assert details[2]["seals"] == {f"editions/{NEWER}": sha256_of_file(store.editions / NEWER / FILE_LIST)}


def test_a_command_that_brings_data_in_announces_the_files(tmp_path: Path) -> None:
    (tmp_path / "calls.csv").write_text("kind,day,x,y\na,2025-01-01,1,1\n", encoding="utf-8")
    run_cli("ingest", "--store", tmp_path / "store", "--source", CITY, tmp_path / "calls.csv")
    store = Store.open(tmp_path / "store")
    report = verify_store(store, Records.open(store))
    assert (report.whole, report.unsealed) == (True, ())
    [ingest, seal] = reversed(read_audit(Records.open(store)))
    assert (ingest["event"], seal["event"], seal["object"]) == ("ingest", "seal", store.newest_snapshot_id())
    assert ingest["purpose"] and ingest["legal_basis"] and seal["snapshot_id"]
    # Loading the same again makes nothing new to announce.
    run_cli("ingest", "--store", store.root, "--source", CITY, tmp_path / "calls.csv")
    assert [row["event"] for row in read_audit(Records.open(store))] == ["ingest", "seal", "ingest"]
    [load] = store.loads.iterdir()
    (load / "load.json").write_text((load / "load.json").read_text(encoding="utf-8") + " ", encoding="utf-8")
    done = run_cli("verify", "--store", store.root, check=False)
    assert done.returncode == 2 and f"loads/{load.name}/load.json was changed" in done.stderr
