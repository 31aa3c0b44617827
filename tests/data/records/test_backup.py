"""A restored copy of the records is as whole as the original, and refuses changes as it does."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from data.records import AuditEvent, Records, append_audit, grant_role, verify_records
from tests.conftest import missing
from tests.data.tiny_edition import ticking_clock


def work(records: Records, rows: int = 20) -> None:
    grant_role(records, "chief", "commander", granted_by="op")
    for number in range(rows):
        append_audit(records, AuditEvent("chief", "commander", "open", "hotspots", details={"n": number}))


def require_as_whole(copy: Records, original: Records) -> None:
    noted = verify_records(original)
    found = verify_records(copy, (noted.head_seq, noted.head_hash))
    assert found.whole and found.rows == noted.rows == 21
    with pytest.raises(sa.exc.DatabaseError, match="append-only"), copy.engine.begin() as connection:
        connection.execute(sa.text("UPDATE audit_log SET viewer = 'somebody'"))
    append_audit(copy, AuditEvent("chief", "commander", "open", "staffing"))
    assert verify_records(copy, (noted.head_seq, noted.head_hash)).whole


def test_a_copy_of_a_file_in_use_by_the_command_of_the_documentation(tmp_path: Path) -> None:
    records = Records(f"sqlite:///{tmp_path / 'records.sqlite'}", clock=ticking_clock())
    # A reader keeps the file open, so that the newest rows are in the write-ahead log.
    with closing(sqlite3.connect(tmp_path / "records.sqlite")) as reader:
        reader.execute("SELECT count(*) FROM audit_log").fetchall()
        work(records)
        with closing(sqlite3.connect(tmp_path / "copy.sqlite")) as copy:
            reader.backup(copy)
        shutil.copyfile(tmp_path / "records.sqlite", tmp_path / "plain.sqlite")
    require_as_whole(Records(f"sqlite:///{tmp_path / 'copy.sqlite'}", clock=ticking_clock()), records)
    # Why the documentation warns of a plain copy: it lacks rows, and a noted head says so.
    noted = verify_records(records)
    plain = Records(f"sqlite:///{tmp_path / 'plain.sqlite'}")
    assert not verify_records(plain, (noted.head_seq, noted.head_hash)).whole


def test_a_dump_of_postgresql_takes_the_triggers_along(postgres_server: str, tmp_path: Path) -> None:
    dump, psql = shutil.which("pg_dump"), shutil.which("psql")
    if dump is None or psql is None:
        missing("pg_dump and psql are not installed")
    assert dump is not None and psql is not None
    admin = sa.create_engine(
        postgres_server.format(database="postgres").replace("postgresql://", "postgresql+psycopg://"),
        isolation_level="AUTOCOMMIT",
    )
    with admin.connect() as connection:
        for name in ("original", "restored"):
            connection.execute(sa.text(f"CREATE DATABASE {name}"))
    admin.dispose()
    original = Records(postgres_server.format(database="original"), clock=ticking_clock())
    work(original)
    file = tmp_path / "records.sql"
    for command in (
        [dump, "--file", str(file), postgres_server.format(database="original")],
        [psql, "--quiet", "--set", "ON_ERROR_STOP=1", "--file", str(file), postgres_server.format(database="restored")],
    ):
        subprocess.run(command, check=True, capture_output=True, timeout=120)
    restored = Records(postgres_server.format(database="restored"), clock=ticking_clock())
    require_as_whole(restored, original)
    restored.close()
    original.close()
