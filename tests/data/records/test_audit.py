"""The audit chain, on both databases: one chain from many writers, no change unseen, none by the front door."""

from __future__ import annotations

import hashlib
import json
import multiprocessing

import pytest
import sqlalchemy as sa

from data.records import AuditEvent, Records, append_audit, read_audit, verify_chain
from data.records.tables import append_only_triggers, audit_log
from tests.data.tiny_edition import START, ticking_clock

WRITERS, ROWS_EACH = 4, 25


def event(number: int = 0, **more: object) -> AuditEvent:
    return AuditEvent("警员", "officer", "open", f"page-{number}", details={"n": number, "名": "值"}, **more)


def tamper(records: Records, statement: str) -> None:
    """Change the table as somebody with the file or the server in hand could: without the triggers."""
    with records.writing() as connection:
        if connection.dialect.name == "sqlite":
            for trigger in ("no_update", "no_delete", "no_replace"):
                connection.exec_driver_sql(f"DROP TRIGGER audit_log_{trigger}")
        else:
            connection.exec_driver_sql("ALTER TABLE audit_log DISABLE TRIGGER USER")
        connection.exec_driver_sql(statement)


def test_an_empty_log_is_whole(records: Records) -> None:
    report = verify_chain(records)
    assert (report.whole, report.rows, report.head_seq, report.head_hash) == (True, 0, 0, "0" * 64)


def test_rows_are_numbered_chained_and_dated_by_the_clock(records: Records) -> None:
    assert [append_audit(records, event(n)) for n in range(3)] == [1, 2, 3]
    rows = list(reversed(read_audit(records)))
    assert [row["object"] for row in rows] == ["page-0", "page-1", "page-2"]
    assert [row["previous_hash"] for row in rows] == ["0" * 64, rows[0]["row_hash"], rows[1]["row_hash"]]
    assert rows[0]["at"].startswith(START.strftime("%Y-%m-%dT00:00:"))
    assert rows[0]["at"].endswith("+00:00")
    report = verify_chain(records)
    assert (report.whole, report.rows, report.head_hash) == (True, 3, rows[2]["row_hash"])


def test_a_hash_covers_the_row_before_and_every_column(records: Records) -> None:
    for n in range(2):
        append_audit(records, event(n, edition_id="E", purpose="目的"))
    row = read_audit(records, 1)[0]
    content = {name: value for name, value in row.items() if name not in ("previous_hash", "row_hash")}
    assert set(content) == {column.name for column in audit_log.columns} - {"previous_hash", "row_hash"}
    text = json.dumps([row["previous_hash"], content], sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    assert row["row_hash"] == hashlib.sha256(text.encode()).hexdigest()


def test_both_databases_make_the_same_chain(tmp_path, postgres_url: str) -> None:
    heads = []
    for url in (f"sqlite:///{tmp_path / 'r.sqlite'}", postgres_url):
        records = Records(url, clock=lambda: START)
        for n in range(3):
            append_audit(records, event(n, success=n != 1, reason="无权" if n == 1 else None))
        heads.append(verify_chain(records).head_hash)
        records.close()
    assert heads[0] == heads[1]


@pytest.mark.parametrize(
    ("statement", "seq", "problem"),
    [
        ("UPDATE audit_log SET viewer = 'somebody else' WHERE seq = 3", 3, "content was changed"),
        ("UPDATE audit_log SET details = '{}' WHERE seq = 2", 2, "content was changed"),
        ("UPDATE audit_log SET success = (1 = 0) WHERE seq = 1", 1, "content was changed"),
        ("UPDATE audit_log SET at = '2026-01-01T00:00:59+00:00' WHERE seq = 5", 5, "content was changed"),
        ("DELETE FROM audit_log WHERE seq = 2", 2, "missing"),
        ("DELETE FROM audit_log WHERE seq = 1", 1, "missing"),
        ("UPDATE audit_log SET previous_hash = repeat_it WHERE seq = 4", 4, "does not continue"),
        ("UPDATE audit_log SET row_hash = repeat_it WHERE seq = 4", 4, "content was changed"),
    ],
)
def test_the_first_row_that_was_tampered_with_is_named(
    records: Records, statement: str, seq: int, problem: str
) -> None:
    for n in range(5):
        append_audit(records, event(n))
    tamper(records, statement.replace("repeat_it", f"'{'a' * 64}'"))
    report = verify_chain(records)
    assert (report.whole, report.first_broken_seq, report.rows) == (False, seq, seq - 1)
    assert problem in (report.problem or "")


def test_a_cut_off_end_shows_against_a_head_noted_earlier(records: Records) -> None:
    for n in range(5):
        append_audit(records, event(n))
    before = verify_chain(records)
    head = (before.head_seq, before.head_hash)
    append_audit(records, event(5))
    assert verify_chain(records, head).whole
    tamper(records, "DELETE FROM audit_log WHERE seq >= 5")
    assert verify_chain(records).whole
    report = verify_chain(records, head)
    assert (report.whole, report.first_broken_seq) == (False, 5)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_log SET viewer = 'x'",
        "DELETE FROM audit_log",
        "UPDATE decisions SET action = 'accept'",
        "DELETE FROM decisions",
        "UPDATE visit_records SET minutes = 0",
        "DELETE FROM visit_records",
    ],
)
def test_the_database_refuses_to_change_what_was_written(records: Records, statement: str) -> None:
    append_audit(records, event())
    with records.writing() as connection:
        connection.exec_driver_sql(
            "INSERT INTO decisions"
            " (decision_id, at, edition_id, advice_id, advice_table, action, comment, viewer, role)"
            " VALUES (1, 'now', 'e', 'a', 't', 'decline', '', 'v', 'r')"
        )
        connection.exec_driver_sql(
            "INSERT INTO visit_records VALUES (1, 'o', 'k', 'b', (1 = 1), 5, 'n', 'now', 'now', 'v')"
        )
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), records.writing() as connection:
        connection.exec_driver_sql(statement)
    assert verify_chain(records).whole


def test_postgresql_refuses_truncate(postgres_url: str) -> None:
    records = Records(postgres_url)
    append_audit(records, event())
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), records.writing() as connection:
        connection.exec_driver_sql("TRUNCATE audit_log")
    assert verify_chain(records).rows == 1
    records.close()


def test_sqlite_refuses_to_replace_a_row(tmp_path) -> None:
    records = Records(f"sqlite:///{tmp_path / 'r.sqlite'}")
    append_audit(records, event())
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), records.writing() as connection:
        connection.exec_driver_sql("INSERT OR REPLACE INTO audit_log SELECT * FROM audit_log")
    records.close()


def test_every_append_only_table_has_triggers_on_both_databases() -> None:
    for dialect in ("sqlite", "postgresql"):
        text = "\n".join(append_only_triggers(dialect))
        for table in ("audit_log", "decisions", "visit_records"):
            assert f"ON {table}" in text


def test_a_row_is_gone_when_its_transaction_fails(records: Records) -> None:
    from data.records.audit import append_audit_with

    with pytest.raises(RuntimeError), records.writing() as connection:
        append_audit_with(connection, event(), records.now())
        raise RuntimeError("the action failed")
    assert verify_chain(records).rows == 0
    assert append_audit(records, event()) == 1


def _write_rows(url: str, writer: int) -> None:
    records = Records(url, clock=ticking_clock())
    for number in range(ROWS_EACH):
        append_audit(records, event(writer * ROWS_EACH + number))
    records.close()


def test_writers_in_several_processes_keep_one_chain(records_url: str) -> None:
    # Started on an empty database, so that making the tables is part of the race.
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write_rows, args=(records_url, n)) for n in range(WRITERS)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(timeout=120)
    assert [writer.exitcode for writer in writers] == [0] * WRITERS
    records = Records(records_url)
    report = verify_chain(records)
    assert (report.whole, report.rows) == (True, WRITERS * ROWS_EACH)
    with records.reading() as connection:
        objects = connection.scalars(sa.select(audit_log.c.object)).all()
    assert sorted(objects) == sorted(f"page-{n}" for n in range(WRITERS * ROWS_EACH))
    records.close()
