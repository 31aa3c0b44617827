"""From files to links, to the steward's queue, to the next snapshot."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from typer.testing import CliRunner

from cli import app
from data.access import Viewer
from data.desk import Desk
from data.errors import AccessDeniedError, RequestError
from data.integration.ingest import ingest
from data.permissions import ALL_FORCES
from data.quality.measures import quality_history
from data.records import Records, read_audit
from data.records.address_reviews import read_address_reviews
from data.snapshots import current_snapshot
from data.store import Store

TOWN = Path(__file__).parent / "town.toml"
NOW = datetime(2026, 1, 15, tzinfo=UTC)
ADDRESSES = (
    "BZDZBM,DZMC,JD,WD\nA1,云澜市临澜区荷洲路42号,120.50,30.50\nA4,云澜市临澜区柳溪街2段9号,120.51,30.50\n"
    "A5,云澜市临澜区柳溪街3段9号,120.52,30.50\n"
)
CALLS = (
    "JJDBH,BJSJ,BJLX,SFDZ\n1,20250301083000,01,荷洲路４２号\n2,20250301083000,01,柳溪街9号\n"
    "3,20250301083000,01,柳溪街 9 號\n4,20250301083000,01,\n"
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "store")


def load(store: Store, tmp_path: Path, **files: str) -> None:
    paths = []
    for name, text in files.items():
        path = tmp_path / f"{name}.csv"
        path.write_text(text, encoding="utf-8")
        paths.append(path)
    ingest(store, TOWN, paths, loaded_by="tester", now=NOW)


def test_calls_are_linked_and_located_when_a_snapshot_is_written(store: Store, tmp_path: Path) -> None:
    load(store, tmp_path, calls=CALLS, addresses=ADDRESSES)
    snapshot = current_snapshot(store)
    links = snapshot.read("address_links")
    assert sorted(links.select("outcome", "address_code").rows())[0] == ("match", "A1")
    assert links.height == 3
    incidents = snapshot.read("incidents").sort("location_level")
    assert incidents.select("location_level", "lon").rows()[0] == ("building", pytest.approx(120.5))
    assert incidents["lon"].null_count() == 3
    assert set(links["incident_id"]) <= set(incidents["incident_id"])


def test_a_load_without_addresses_has_no_links_and_asks_nothing(store: Store, tmp_path: Path) -> None:
    load(store, tmp_path, calls=CALLS)
    assert not current_snapshot(store).has("address_links")
    assert not (store.root / "records.sqlite").exists()


def test_the_steward_decides_once_for_every_call_and_the_next_snapshot_obeys(store: Store, tmp_path: Path) -> None:
    load(store, tmp_path, calls=CALLS, addresses=ADDRESSES)
    desk = Desk(store, Viewer("steward", "steward"))
    (waiting,) = desk.address_reviews().to_dicts()
    assert (waiting["calls"], waiting["differences"][-1]) == (2, "section:only_table")
    assert (waiting["written_section"], waiting["standard_section"]) == (None, "2")
    read = read_audit(desk.records, 1)[0]
    assert (read["event"], read["object"], read["success"]) == ("read", "address_texts", True)
    assert "柳溪街" not in read["details"]

    desk.review_address(waiting["text_key"], waiting["address_code"], "accept")
    assert desk.address_reviews_waiting() == {"texts": 0, "calls": 0, "decided": 1}
    assert read_audit(desk.records, 1)[0]["event"] == "review_address"
    with pytest.raises(RequestError, match="does not wait"):
        desk.review_address(waiting["text_key"], waiting["address_code"], "none")

    load(store, tmp_path, more=CALLS.replace("4,2025", "5,2025").replace("\n1,", "\n6,"))
    links = current_snapshot(store).read("address_links")
    by_steward = links.filter(links["method"] == "steward")
    assert by_steward.select("outcome", "address_code", "probability").unique().rows() == [
        ("match", waiting["address_code"], 1.0)
    ]
    assert by_steward.height == 2


def decide(desk: Desk, decision: str) -> str:
    (waiting,) = desk.address_reviews().to_dicts()
    desk.review_address(waiting["text_key"], waiting["address_code"], decision)
    return str(waiting["address_code"])


def test_decisions_hold_in_a_new_snapshot_without_new_files(store: Store, tmp_path: Path) -> None:
    load(store, tmp_path, calls=CALLS, addresses=ADDRESSES)
    before = current_snapshot(store)
    old_links, old_incidents = before.read("address_links"), before.read("incidents")
    desk = Desk(store, Viewer("steward", "steward"))
    code = decide(desk, "accept")

    applied = desk.apply_address_reviews()
    assert [row["event"] for row in read_audit(desk.records, 2)] == ["seal", "apply_addresses"]
    assert (applied.texts, applied.calls, applied.linked, applied.previous_id) == (1, 2, 2, before.snapshot_id)
    after = current_snapshot(store)
    assert after.snapshot_id == applied.snapshot_id != before.snapshot_id
    assert after.manifest["previous"] == before.snapshot_id
    assert after.manifest["loads"] == before.manifest["loads"]
    assert after.manifest["changes"]["address_reviews"]["decisions"] == 1
    linked = after.read("address_links").filter(pl.col("method") == "steward")
    assert linked.select("outcome", "address_code").unique().rows() == [("match", code)]
    assert after.read("incidents")["lon"].drop_nulls().len() == 3
    assert desk.address_reviews_waiting() == {"texts": 0, "calls": 0, "decided": 0}
    # The snapshot before reads as it did, and the trend over loads counts no load twice.
    assert_frame_equal(before.read("address_links"), old_links)
    assert_frame_equal(before.read("incidents"), old_incidents)
    assert [report.snapshot_id for report in quality_history(store)] == [before.snapshot_id]

    with pytest.raises(RequestError, match="no decision on an address waits"):
        desk.apply_address_reviews()
    assert current_snapshot(store).snapshot_id == after.snapshot_id


@pytest.mark.parametrize("decision", ["accept", "reject", "none"])
def test_applying_gives_what_the_next_ingest_would_give(store: Store, tmp_path: Path, decision: str) -> None:
    load(store, tmp_path, calls=CALLS, addresses=ADDRESSES)
    decide(Desk(store, Viewer("steward", "steward")), decision)
    CliRunner().invoke(app, ["addresses", "apply", "--store", str(store.root)], catch_exceptions=False)
    applied = {name: current_snapshot(store).read(name) for name in ("incidents", "address_links")}
    load(store, tmp_path, more="JJDBH,BJSJ,BJLX,SFDZ\n9,20250301083000,01,\n")
    for name, key in (("incidents", "incident_id"), ("address_links", "incident_id")):
        ingested = current_snapshot(store).read(name).filter(pl.col(key).is_in(applied[name][key].implode()))
        assert_frame_equal(ingested.sort(key), applied[name].sort(key))


def test_a_text_of_two_forces_is_decided_in_both_and_no_row_is_lost(store: Store, tmp_path: Path) -> None:
    load(store, tmp_path, calls=CALLS, addresses=ADDRESSES)
    other = tmp_path / "other.toml"
    other.write_text(
        TOWN.read_text(encoding="utf-8").replace('"town"', '"other"').replace("zz-town", "zz-other"), encoding="utf-8"
    )
    ingest(store, other, [tmp_path / "calls.csv", tmp_path / "addresses.csv"], loaded_by="tester", now=NOW)
    before = current_snapshot(store)
    # Undecided in the other force: the queue holds both, one decision is about the text and holds in both.
    decide_all = Desk(store, Viewer("steward", "steward", jurisdiction=ALL_FORCES))
    row = decide_all.address_reviews().to_dicts()[0]
    decide_all.review_address(row["text_key"], row["address_code"], "none")
    decide_all.apply_address_reviews()
    after = current_snapshot(store)
    for name in ("incidents", "address_links"):
        assert after.read(name).height == before.read(name).height
        assert (
            after.read(name)["source"]
            .value_counts(sort=True)
            .sort("source")
            .equals(before.read(name)["source"].value_counts(sort=True).sort("source"))
        )
    assert set(after.read("address_links").filter(pl.col("method") == "steward")["outcome"]) == {"none"}


@pytest.mark.parametrize("role", ["auditor", "researcher", "security"])
def test_nobody_else_reads_texts_or_decides(store: Store, tmp_path: Path, role: str) -> None:
    load(store, tmp_path, calls=CALLS, addresses=ADDRESSES)
    desk = Desk(store, Viewer("somebody", role))  # type: ignore[arg-type]
    with pytest.raises(AccessDeniedError):
        desk.address_reviews()
    with pytest.raises(AccessDeniedError):
        desk.review_address("key", "A4", "accept")
    with pytest.raises(AccessDeniedError):
        desk.apply_address_reviews()
    assert [row["success"] for row in read_audit(desk.records, 3)] == [False, False, False]
    assert read_address_reviews(desk.records).is_empty()
    if role == "auditor":
        counts = desk.address_link_counts()
        assert counts["links"].sum() == 3


def test_an_unknown_decision_is_refused_and_not_recorded(store: Store, tmp_path: Path) -> None:
    load(store, tmp_path, calls=CALLS, addresses=ADDRESSES)
    desk = Desk(store, Viewer("steward", "steward"))
    (waiting,) = desk.address_reviews().to_dicts()
    with pytest.raises(RequestError, match="no decision 'perhaps'"):
        desk.review_address(waiting["text_key"], waiting["address_code"], "perhaps")
    assert read_address_reviews(desk.records).is_empty()


def test_records_of_the_version_before_get_the_new_table(store: Store) -> None:
    import sqlalchemy as sa

    records = Records.open(store)
    with records.writing() as connection:
        connection.exec_driver_sql("DROP TABLE address_reviews")
        connection.exec_driver_sql("DROP INDEX audit_log_by_time")
        connection.exec_driver_sql("ALTER TABLE viewers DROP COLUMN jurisdiction")
        connection.exec_driver_sql("DELETE FROM schema_version")
        connection.exec_driver_sql("INSERT INTO schema_version VALUES (1, 'earlier')")
    records.close()
    again = Records.open(store)
    assert read_address_reviews(again).is_empty()
    with again.reading() as connection:
        names = connection.scalars(sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all()
    assert "address_reviews_no_delete" in names
    again.close()
