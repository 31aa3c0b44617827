"""Records of version 2, from before grants named a police force, brought up to date on both databases."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection
from pathlib import Path

import pytest
import sqlalchemy as sa

from data.access import Viewer
from data.errors import AccessDeniedError
from data.records import AuditEvent, Records, list_viewers, read_audit, resolve_viewer, revoke_role, verify_records
from data.records import migrations as steps
from data.records.address_reviews import read_address_reviews
from data.records.agreement import DIGEST
from data.records.audit import append_audit_with
from data.records.database import _engine
from data.records.tables import append_only_triggers, audit_log, metadata, schema_version
from tests.data.desk.viewers import last_row
from tests.data.tiny_edition import ticking_clock
from tests.data.two_forces import OTHER, OWN, make_stores

#: The two tables as version 2 had them.
VIEWERS_2 = (
    "CREATE TABLE viewers (grant_id {number}, name VARCHAR(200) NOT NULL, role VARCHAR(20) NOT NULL,"
    " area_code VARCHAR(64), area_level VARCHAR(20), granted_at VARCHAR(40) NOT NULL,"
    " granted_by VARCHAR(200) NOT NULL, revoked_at VARCHAR(40), revoked_by VARCHAR(200))"
)
REVIEWS_2 = (
    "CREATE TABLE address_reviews (review_id {number}, at VARCHAR(40) NOT NULL, snapshot_id VARCHAR(64) NOT NULL,"
    " text_key VARCHAR(64) NOT NULL, address_code VARCHAR(200) NOT NULL, decision VARCHAR(10) NOT NULL,"
    " probability {real} NOT NULL, viewer VARCHAR(200) NOT NULL)"
)
KINDS = {
    "sqlite": {"number": "INTEGER PRIMARY KEY", "real": "FLOAT"},
    "postgresql": {"number": "SERIAL PRIMARY KEY", "real": "FLOAT"},
}
#: A review as version 2 wrote it, without its number.
REVIEW = ("2025-01-01T00:00:03.000000+00:00", "S", "text", "A1", "accept", 0.5, "steward")
#: name, role, area, level, revoked: what version 2 had granted.
GRANTS = (
    ("zhang", "officer", "B1", "beat", False),
    ("li", "researcher", None, None, True),
    ("li", "commander", "S1", "station", False),
    ("zhao", "security", None, None, False),
)


def make_version_2(url: str) -> None:
    """Write a database as version 2 left it: tables, triggers, grants and a review with their audit rows."""
    engine = _engine(url)
    with engine.connect().execution_options(beatwise_writes=True) as connection, connection.begin():
        kind = connection.dialect.name
        same = [table for table in metadata.sorted_tables if table.name not in ("viewers", "address_reviews")]
        metadata.create_all(connection, tables=same)
        connection.exec_driver_sql("DROP INDEX audit_log_by_time")
        for statement in (VIEWERS_2, REVIEWS_2):
            connection.exec_driver_sql(statement.format(**KINDS[kind]))
        connection.exec_driver_sql("CREATE UNIQUE INDEX one_open_grant ON viewers (name) WHERE revoked_at IS NULL")
        for statement in append_only_triggers(kind):
            connection.execute(sa.text(statement))
        connection.execute(schema_version.insert().values(version=2, applied_at="2025-01-01T00:00:00.000000+00:00"))
        for number, (name, role, area, level, revoked) in enumerate(GRANTS):
            at = f"2025-01-01T00:00:0{number}.000000+00:00"
            details = {"role": role, "area": area, "level": level}
            append_audit_with(connection, AuditEvent("root", "operator", "grant", name, details=details), at)
            ended = {"until": at, "by": "root"} if revoked else {"until": None, "by": None}
            connection.execute(
                sa.text(
                    "INSERT INTO viewers (name, role, area_code, area_level, granted_at, granted_by, revoked_at,"
                    " revoked_by) VALUES (:name, :role, :area, :level, :at, 'root', :until, :by)"
                ),
                {"name": name, "role": role, "area": area, "level": level, "at": at, **ended},
            )
            if revoked:
                event = AuditEvent("root", "operator", "revoke", name, details={"role": role})
                append_audit_with(connection, event, at)
        columns = ("at", "snapshot_id", "text_key", "address_code", "decision", "probability", "viewer")
        review = dict(zip(columns, REVIEW, strict=True))
        details = {DIGEST: _digest_of_version_2(review)}
        event = AuditEvent("steward", "steward", "review_address", "text", details=details)
        append_audit_with(connection, event, review["at"])
        names = ", ".join(columns)
        marks = ", ".join(f":{name}" for name in columns)
        connection.execute(sa.text(f"INSERT INTO address_reviews ({names}) VALUES ({marks})"), review)
    engine.dispose()


def _digest_of_version_2(review: dict[str, object]) -> str:
    text = json.dumps(review, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture
def opened(records_url: str) -> Callable[..., Records]:
    """Open a database of version 2 with this version, in a store of some police forces."""
    make_version_2(records_url)

    def open_with(*forces: str) -> Records:
        asked: Callable[[], Collection[str]] = lambda: forces  # noqa: E731
        return Records(records_url, clock=ticking_clock(), forces=asked)

    return open_with


def test_grants_of_a_store_of_one_force_are_given_it_and_keep_what_they_had(opened: Callable[..., Records]) -> None:
    records = opened(OWN)
    assert resolve_viewer(records, "zhang") == Viewer("zhang", "officer", "B1", "beat", jurisdiction=OWN)
    assert resolve_viewer(records, "zhao") == Viewer("zhao", "security", jurisdiction=OWN)
    by_number = {row["grant_id"]: row["jurisdiction"] for row in list_viewers(records)}
    # A grant that ended stays as it was.
    assert by_number == {1: OWN, 2: None, 3: OWN, 4: OWN}
    row = last_row(records)
    assert (row["viewer"], row["role"], row["event"], row["object"]) == ("beatwise", "system", "name_force", "viewers")
    assert json.loads(row["details"]) == {"grants": [1, 3, 4], "jurisdiction": OWN}
    revoke_role(records, "zhang", revoked_by="zhao", forces=[OWN, OTHER])
    report = verify_records(records)
    assert (report.whole, report.problem) == (True, None)
    records.close()


@pytest.mark.parametrize("forces", [(), (OWN, OTHER)])
def test_grants_of_a_store_of_several_forces_stay_without(
    opened: Callable[..., Records], forces: tuple[str, ...]
) -> None:
    records = opened(*forces)
    assert {row["jurisdiction"] for row in list_viewers(records)} == {None}
    assert "name_force" not in {row["event"] for row in read_audit(records)}
    assert verify_records(records).whole
    records.close()


def test_a_database_is_brought_up_to_date_once(opened: Callable[..., Records], records_url: str) -> None:
    rows = len(read_audit(opened(OWN)))
    again = Records(records_url, forces=lambda: pytest.fail("asked again"))
    assert len(read_audit(again)) == rows
    with again.reading() as connection:
        assert connection.scalars(sa.select(schema_version.c.version).order_by("version")).all() == [2, 3]
        assert "audit_log_by_time" in {one["name"] for one in sa.inspect(connection).get_indexes(audit_log.name)}
    again.close()


def test_the_tables_are_those_a_new_database_gets(opened: Callable[..., Records]) -> None:
    records = opened(OWN)
    with records.reading() as connection:
        for table in metadata.sorted_tables:
            found = {
                one["name"]: (str(one["type"]), one["nullable"])
                for one in sa.inspect(connection).get_columns(table.name)
            }
            assert found.keys() == {column.name for column in table.columns}
            if "jurisdiction" in found:
                assert found["jurisdiction"] == ("TEXT", True)
    records.close()


def test_reviews_from_before_hold_for_every_force_and_keep_their_digest(opened: Callable[..., Records]) -> None:
    records = opened(OWN, OTHER)
    for forces in (None, {OWN}, {OTHER}, {OWN, OTHER}):
        assert read_address_reviews(records, forces)["text_key"].to_list() == ["text"]
    assert verify_records(records).whole
    records.close()


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        (f"UPDATE viewers SET jurisdiction = '{OTHER}' WHERE grant_id = 3", "grant 3"),
        ("UPDATE viewers SET jurisdiction = 'all' WHERE grant_id = 4", "grant 4"),
        ("UPDATE viewers SET jurisdiction = NULL WHERE grant_id = 1", "grant 1"),
        (f"UPDATE viewers SET jurisdiction = '{OWN}' WHERE grant_id = 2", "grant 2"),
        ("UPDATE viewers SET area_code = 'B2' WHERE grant_id = 1", "grant 1"),
    ],
)
def test_a_force_written_beside_the_front_door_shows(
    opened: Callable[..., Records], statement: str, problem: str
) -> None:
    records = opened(OWN)
    with records.writing() as connection:
        connection.exec_driver_sql(statement)
    report = verify_records(records)
    assert (report.whole, report.first_broken_seq) == (False, None)
    assert problem in (report.problem or "")
    records.close()


def test_a_migration_that_fails_leaves_the_database_as_it_was(
    opened: Callable[..., Records], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("power cut")

    with monkeypatch.context() as patched, pytest.raises(RuntimeError, match="power cut"):
        patched.setattr(steps, "append_audit_with", fails)
        opened(OWN)
    records = opened(OWN)
    assert {row["jurisdiction"] for row in list_viewers(records) if row["revoked_at"] is None} == {OWN}
    assert verify_records(records).whole
    records.close()


def test_a_store_tells_its_records_which_forces_it_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BEATWISE_RECORDS_URL", raising=False)
    for store, force in zip(make_stores(tmp_path), (OWN, None), strict=True):
        for path in store.root.glob("records.sqlite*"):
            path.unlink()
        make_version_2(store.records_url)
        records = Records.open(store, clock=ticking_clock())
        assert resolve_viewer(records, "li").jurisdiction == force
        with pytest.raises(AccessDeniedError):
            resolve_viewer(records, "nobody")
        records.close()
