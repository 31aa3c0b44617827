"""Records against the audit log, on both databases: what was written or changed beside the front door shows."""

from __future__ import annotations

from datetime import timedelta

import pytest

from data.errors import RequestError
from data.records import (
    AuditEvent,
    Decision,
    Records,
    append_audit,
    grant_role,
    noted_head,
    read_audit,
    revoke_role,
    verify_chain,
    verify_records,
)
from data.records.address_reviews import AddressReview, append_address_review
from data.records.audit import append_audit_with
from data.records.decisions import append_decision
from data.records.tables import APPEND_ONLY, decisions
from data.records.visits import append_visit
from tests.data.tiny_edition import START

DECISION = Decision(0, "", "E", "E:H:1", "hotspots", "s1", "b1", "adjust", "other", 3, "因为", "chief", "commander")


@pytest.fixture
def filled(records: Records) -> Records:
    """Two decisions, a visit, an address review, a grant that ended and one that stands."""
    chief = AuditEvent("chief", "commander", "decide", "E:H:1", details={"action": "adjust"})
    for _ in range(2):
        append_decision(records, DECISION, chief)
    append_visit(
        records,
        AuditEvent("wang", "officer", "record_visit", "O1"),
        object_id="O1",
        visit_kind="hotel",
        beat_code="b1",
        contact=True,
        minutes=20,
        note_code="in_order",
        recorded_by="wang",
    )
    append_address_review(
        records,
        AddressReview(0, "", "S", "text", "A1", "accept", 0.5, "steward"),
        AuditEvent("steward", "steward", "review_address", "text"),
    )
    grant_role(records, "li", "researcher", granted_by="operator")
    revoke_role(records, "li", revoked_by="operator")
    grant_role(records, "li", "commander", "s1", "station", granted_by="operator", jurisdiction="east")
    return records


def beside_the_front_door(records: Records, statement: str) -> None:
    """Do what somebody with the file or the server in hand could."""
    with records.writing() as connection:
        for table in (table.name for table in APPEND_ONLY):
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            else:
                for verb in ("update", "delete"):
                    connection.exec_driver_sql(f"DROP TRIGGER {table}_no_{verb}")
        connection.exec_driver_sql(statement)


def test_what_came_through_the_front_door_agrees(filled: Records) -> None:
    report = verify_records(filled)
    assert (report.whole, report.problem, report.rows) == (True, None, 7)


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("UPDATE decisions SET comment = 'harmless' WHERE decision_id = 2", "decisions 2"),
        ("UPDATE decisions SET adjusted = 9 WHERE decision_id = 1", "decisions 1"),
        ("UPDATE decisions SET viewer = 'somebody' WHERE decision_id = 1", "decisions 1"),
        ("DELETE FROM decisions WHERE decision_id = 2", "decisions is gone: E:H:1"),
        (
            "INSERT INTO decisions (decision_id, at, edition_id, advice_id, advice_table, action, comment, viewer,"
            " role) SELECT 9, at, edition_id, advice_id, advice_table, action, comment, viewer, role FROM decisions"
            " WHERE decision_id = 1",
            "decisions 9",
        ),
        ("UPDATE visit_records SET minutes = 480", "visit_records 1"),
        ("UPDATE visit_records SET visited_at = '2020-01-01T00:00:00.000000+00:00'", "visit_records 1"),
        ("DELETE FROM visit_records", "visit_records is gone: O1"),
        ("UPDATE address_reviews SET decision = 'reject'", "address_reviews 1"),
        (
            "UPDATE viewers SET role = 'auditor', area_code = NULL, area_level = NULL WHERE grant_id = 2",
            "grant 2 (auditor)",
        ),
        ("UPDATE viewers SET area_level = 'sub_bureau' WHERE grant_id = 2", "grant 2"),
        ("UPDATE viewers SET area_code = 's2' WHERE grant_id = 2", "grant 2"),
        ("UPDATE viewers SET jurisdiction = 'west' WHERE grant_id = 2", "grant 2"),
        ("UPDATE viewers SET jurisdiction = NULL WHERE grant_id = 2", "grant 2"),
        ("UPDATE address_reviews SET jurisdiction = 'west'", "address_reviews 1"),
        (
            "INSERT INTO viewers (grant_id, name, role, granted_at, granted_by)"
            " VALUES (3, 'mallory', 'auditor', '2026-01-01T00:00:00.000000+00:00', 'operator')",
            "grant 3 (auditor)",
        ),
        ("UPDATE viewers SET name = 'mallory', revoked_at = NULL, revoked_by = NULL WHERE grant_id = 1", "grant 1"),
        (
            "UPDATE viewers SET revoked_at = '2026-01-01T00:00:00.000000+00:00', revoked_by = 'operator'"
            " WHERE grant_id = 2",
            "the end of grant 2",
        ),
        ("DELETE FROM viewers WHERE grant_id = 2", "a grant is gone: commander"),
    ],
)
def test_a_record_changed_beside_the_front_door_shows(filled: Records, statement: str, problem: str) -> None:
    beside_the_front_door(filled, statement)
    assert verify_chain(filled).whole
    report = verify_records(filled)
    assert (report.whole, report.first_broken_seq) == (False, None)
    assert problem in (report.problem or "")


def test_a_revoked_grant_opened_again_shows(filled: Records) -> None:
    beside_the_front_door(filled, "DELETE FROM viewers WHERE grant_id = 2")
    with filled.writing() as connection:
        connection.exec_driver_sql("UPDATE viewers SET revoked_at = NULL, revoked_by = NULL WHERE grant_id = 1")
    assert not verify_records(filled).whole


def test_rows_from_before_there_were_digests_are_compared_by_who_when_and_what(records: Records) -> None:
    with records.writing() as connection:
        event = AuditEvent("chief", "commander", "decide", "E:H:1")
        append_audit_with(connection, event, "2026-01-01T00:00:00.000000+00:00")
        values = {**vars(DECISION), "at": "2026-01-01T00:00:00.000000+00:00"}
        del values["decision_id"]
        connection.execute(decisions.insert().values(**values))
    assert verify_records(records).whole
    beside_the_front_door(records, "UPDATE decisions SET advice_id = 'E:H:2'")
    assert not verify_records(records).whole


def test_a_chain_computed_anew_shows_against_a_noted_row_only(records: Records) -> None:
    for n in range(3):
        append_audit(records, AuditEvent("v", "auditor", "open", f"page-{n}"))
    report = verify_records(records)
    noted = f" {report.head_seq}:{report.head_hash[:16]}… "
    assert verify_records(records, noted_head(noted)).whole
    rows = list(reversed(read_audit(records)))
    beside_the_front_door(records, "DELETE FROM audit_log")
    for row in rows:
        told = {name: row[name] for name in AuditEvent.__dataclass_fields__ if name not in ("details", "viewer")}
        append_audit(records, AuditEvent(viewer="somebody", **told))
    assert verify_records(records).whole
    assert verify_records(records, noted_head(noted)).first_broken_seq == 3


@pytest.mark.parametrize(
    "text", ["", "12", "abc:1234567890ab", "3:xyz", "-1:1234567890ab", "²:1234567890ab", "3:12345"]
)
def test_what_is_no_noted_row_is_refused(records: Records, text: str) -> None:
    with pytest.raises(RequestError):
        verify_records(records, noted_head(text))


def test_a_clock_that_was_set_back_is_named_a_small_difference_is_not(tmp_path) -> None:
    now = START
    records = Records(f"sqlite:///{tmp_path / 'r.sqlite'}", clock=lambda: now)
    for n, step in enumerate((0, 3600, -30, -3600, 7200)):
        now += timedelta(seconds=step)
        append_audit(records, AuditEvent("v", "auditor", "open", f"page-{n}"))
    report = verify_records(records)
    assert (report.whole, report.went_back) == (True, 4)


def test_triggers_that_were_taken_away_are_named(filled: Records) -> None:
    assert verify_records(filled).unguarded == ()
    with filled.engine.begin() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("DROP TRIGGER audit_log_no_replace")
            connection.exec_driver_sql("DROP TRIGGER decisions_no_update")
        else:
            connection.exec_driver_sql("ALTER TABLE audit_log DISABLE TRIGGER audit_log_append_only")
            connection.exec_driver_sql("DROP TRIGGER decisions_append_only ON decisions")
    report = verify_records(filled)
    assert report.whole
    assert report.unguarded == ("audit_log", "decisions")


def test_an_ordinary_clock_goes_forward(filled: Records) -> None:
    assert verify_records(filled).went_back is None
