"""Opening the records: made once, opened often, refused when something is wrong."""

from __future__ import annotations

import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa

from data.errors import StoreError
from data.records import AuditEvent, Records, append_audit, database, verify_chain
from data.records.database import SCHEMA_VERSION
from data.records.tables import schema_version
from data.store import Store


def test_opening_again_changes_nothing(records_url: str) -> None:
    for expected in (1, 2):
        records = Records(records_url)
        assert append_audit(records, AuditEvent("v", "auditor", "open", "audit")) == expected
        with records.reading() as connection:
            assert connection.scalars(sa.select(schema_version.c.version)).all() == [SCHEMA_VERSION]
        records.close()


def test_a_database_of_a_newer_version_is_refused(records: Records, records_url: str) -> None:
    with records.writing() as connection:
        connection.execute(schema_version.insert().values(version=SCHEMA_VERSION + 1, applied_at="later"))
    with pytest.raises(StoreError, match="Use the beatwise version"):
        Records(records_url)


def test_sqlite_waits_keeps_a_write_ahead_log_and_checks_keys(tmp_path: Path) -> None:
    records = Records(f"sqlite:///{tmp_path / 'r.sqlite'}")
    with records.reading() as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "foreign_keys", "busy_timeout")
        }
    assert settings == {"journal_mode": "wal", "foreign_keys": 1, "busy_timeout": 15_000}
    records.close()


def test_times_are_written_in_utc(tmp_path: Path) -> None:
    noon_in_beijing = datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=8)))
    records = Records(f"sqlite:///{tmp_path / 'r.sqlite'}", clock=lambda: noon_in_beijing)
    assert records.now() == "2026-01-01T04:00:00.000000+00:00"
    records.close()


@pytest.mark.parametrize("url", ["sqlite:////no/such/folder/r.sqlite", "mysql://u@h/d"])
def test_a_database_that_cannot_be_opened_is_told_plainly(url: str) -> None:
    with pytest.raises(StoreError, match="BEATWISE_RECORDS_URL"):
        Records(url)


def test_a_password_never_shows(tmp_path: Path) -> None:
    url = f"postgresql://u:hunter2@/d?host={tmp_path}"
    with pytest.raises(StoreError) as refused:
        Records(url)
    assert "hunter2" not in str(refused.value)


def test_a_store_has_its_own_records_unless_a_url_says_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BEATWISE_RECORDS_URL", raising=False)
    store = Store.create(tmp_path / "store")
    records = Records.open(store)
    assert verify_chain(records).whole
    records.close()
    assert (store.root / "records.sqlite").is_file()


def test_a_file_restored_under_a_running_process_gets_the_rows(tmp_path: Path) -> None:
    """A kept connection would write on into the file that was moved away: rows nobody ever finds."""
    path = tmp_path / "r.sqlite"
    records = Records(f"sqlite:///{path}")
    append_audit(records, AuditEvent("v", "auditor", "open", "before"))
    shutil.copy(path, tmp_path / "backup")
    append_audit(records, AuditEvent("v", "auditor", "open", "after"))
    path.rename(tmp_path / "away")
    shutil.copy(tmp_path / "backup", path)
    append_audit(records, AuditEvent("v", "auditor", "open", "restored"))
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("SELECT object FROM audit_log ORDER BY seq").fetchall() == [("before",), ("restored",)]


def test_a_damaged_file_is_told_plainly(tmp_path: Path) -> None:
    path = tmp_path / "r.sqlite"
    append_audit(Records(f"sqlite:///{path}"), AuditEvent("v", "auditor", "open", "x"))
    whole = path.read_bytes()
    for content in (b"no database at all, and longer than a header", whole[:4096] + b"\xff" * (len(whole) - 4096)):
        path.write_bytes(content)
        with pytest.raises(StoreError, match="cannot be used"):
            append_audit(Records(f"sqlite:///{path}"), AuditEvent("v", "auditor", "open", "x"))


def test_an_address_that_is_none_is_told_without_being_repeated() -> None:
    with pytest.raises(StoreError, match="BEATWISE_RECORDS_URL") as refused:
        Records("hunter2")
    assert "hunter2" not in str(refused.value)


def test_a_database_that_stays_busy_is_told_plainly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    records = Records(f"sqlite:///{tmp_path / 'r.sqlite'}")
    other = sqlite3.connect(tmp_path / "r.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    monkeypatch.setattr(database, "BUSY_TIMEOUT_MS", 10)
    with pytest.raises(StoreError, match="cannot be used"):
        append_audit(records, AuditEvent("v", "auditor", "open", "audit"))
    other.rollback()
    other.close()
    assert append_audit(records, AuditEvent("v", "auditor", "open", "audit")) == 1
    records.close()


def test_threads_of_one_process_keep_one_chain(records_url: str) -> None:
    records = Records(records_url)
    with ThreadPoolExecutor(8) as pool:
        numbers = pool.map(lambda n: append_audit(records, AuditEvent("v", "auditor", "open", f"p{n}")), range(80))
        assert sorted(numbers) == list(range(1, 81))
    assert verify_chain(records).whole
    records.close()
