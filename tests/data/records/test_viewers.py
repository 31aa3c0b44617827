"""Grants: one role per account, three powers apart, everything in the audit log; on both databases."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import sqlalchemy as sa

from data.access import Viewer
from data.errors import AccessDeniedError, RequestError
from data.permissions import ALL_FORCES, ROLES, ROLES_OF_ALL_FORCES
from data.records import (
    Records,
    demo_viewers,
    find_viewer,
    grant_role,
    list_viewers,
    read_audit,
    resolve_viewer,
    revoke_role,
    verify_chain,
    verify_records,
)
from data.store import Store
from tests.data.tiny_edition import tiny_areas


def test_a_granted_account_is_resolved_with_role_and_area(records: Records) -> None:
    grant_role(records, "zhang", "officer", "B1", "beat", granted_by="security")
    assert resolve_viewer(records, "zhang", language="en") == Viewer("zhang", "officer", "B1", "beat", "en")
    row = read_audit(records, 1)[0]
    assert (row["viewer"], row["event"], row["object"], row["success"]) == ("security", "grant", "zhang", True)


def test_an_account_without_grant_is_refused_and_recorded(records: Records) -> None:
    with pytest.raises(AccessDeniedError, match="no role"):
        resolve_viewer(records, "stranger")
    row = read_audit(records, 1)[0]
    assert (row["viewer"], row["event"], row["success"]) == ("stranger", "sign_in", False)


def test_a_revoked_account_is_refused_at_once_and_its_grant_stays_on_record(records: Records) -> None:
    grant_role(records, "li", "researcher", granted_by="security")
    revoke_role(records, "li", revoked_by="security")
    with pytest.raises(AccessDeniedError):
        resolve_viewer(records, "li")
    grant = list_viewers(records)[0]
    assert (grant["name"], grant["revoked_by"], bool(grant["revoked_at"])) == ("li", "security", True)
    with pytest.raises(RequestError, match="no role"):
        revoke_role(records, "li", revoked_by="security")
    grant_role(records, "li", "commander", granted_by="security")
    assert resolve_viewer(records, "li").role == "commander"


def test_an_account_holds_one_role_at_a_time(records: Records) -> None:
    grant_role(records, "li", "researcher", granted_by="security")
    with pytest.raises(RequestError, match="Revoke it first"):
        grant_role(records, "li", "commander", granted_by="security")
    with pytest.raises(sa.exc.IntegrityError), records.writing() as connection:
        connection.exec_driver_sql(
            "INSERT INTO viewers (name, role, granted_at, granted_by) VALUES ('li', 'auditor', 'now', 'x')"
        )


POWERS = ["steward", "security", "auditor"]


@pytest.mark.parametrize(("first", "second"), [(a, b) for a in POWERS for b in POWERS if a != b])
@pytest.mark.parametrize("revoked", [False, True])
def test_system_security_and_audit_never_meet_in_one_account(
    tmp_path: Path, first: str, second: str, revoked: bool
) -> None:
    records = Records(f"sqlite:///{tmp_path / 'r.sqlite'}")
    grant_role(records, "wang", first, granted_by="root")
    if revoked:
        revoke_role(records, "wang", revoked_by="root")
    with pytest.raises(AccessDeniedError, match="apart"):
        grant_role(records, "wang", second, granted_by="root")
    row = read_audit(records, 1)[0]
    assert (row["event"], row["object"], row["success"]) == ("grant", "wang", False)
    assert [grant["role"] for grant in list_viewers(records)] == [first]
    assert verify_chain(records).whole
    records.close()


def test_only_a_security_administrator_or_the_machines_operator_grants_and_revokes(records: Records) -> None:
    grant_role(records, "qian", "security", granted_by="root")
    grant_role(records, "sun", "commander", granted_by="qian")
    assert [row["role"] for row in read_audit(records)] == ["security", "operator"]
    with pytest.raises(AccessDeniedError, match="commander"):
        grant_role(records, "friend", "commander", granted_by="sun")
    with pytest.raises(AccessDeniedError, match="commander"):
        revoke_role(records, "qian", revoked_by="sun")
    assert [row["success"] for row in read_audit(records, 2)] == [False, False]
    assert resolve_viewer(records, "qian").role == "security"
    assert find_names(records) == {"qian", "sun"}


def find_names(records: Records) -> set[str]:
    return {grant["name"] for grant in list_viewers(records)}


def test_nobody_grants_to_the_own_account(records: Records) -> None:
    with pytest.raises(AccessDeniedError, match="own account"):
        grant_role(records, "security", "auditor", granted_by="security")
    assert list_viewers(records) == []


def test_a_grant_that_makes_no_sense_is_refused(records: Records) -> None:
    with pytest.raises(RequestError, match="beat"):
        grant_role(records, "zhao", "officer", granted_by="security")
    assert read_audit(records) == []


def test_a_store_finds_its_viewers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BEATWISE_RECORDS_URL", raising=False)
    store = Store.create(tmp_path / "store")
    records = Records.open(store)
    grant_role(records, "zhang", "commander", "S1", "station", granted_by="security")
    assert find_viewer(store, "zhang") == Viewer("zhang", "commander", "S1", "station")
    assert find_viewer(store, "nobody") is None
    records.close()


def test_the_demo_has_one_of_each_role() -> None:
    found = demo_viewers(tiny_areas(), language="en")
    assert [(viewer.role, viewer.area_code) for viewer in found] == [
        ("commander", "F"),
        ("researcher", None),
        ("officer", "B1"),
        ("steward", None),
        ("security", None),
        ("auditor", None),
    ]
    assert {viewer.language for viewer in found} == {"en"}


def test_a_city_without_areas_has_a_commander_of_all_and_no_officer() -> None:
    found = {viewer.role: viewer for viewer in demo_viewers(tiny_areas().clear())}
    assert found["commander"].area_code is None
    assert "officer" not in found


FORCES = ("east", "west")


def test_a_grant_names_its_police_force_and_so_does_the_log(records: Records) -> None:
    grant_role(records, "zhang", "officer", "B1", "beat", granted_by="root", jurisdiction="east", forces=FORCES)
    assert resolve_viewer(records, "zhang") == Viewer("zhang", "officer", "B1", "beat", jurisdiction="east")
    details = json.loads(read_audit(records, 1)[0]["details"])
    assert details == {"role": "officer", "area": "B1", "level": "beat", "jurisdiction": "east"}
    revoke_role(records, "zhang", revoked_by="root", forces=FORCES)
    assert json.loads(read_audit(records, 1)[0]["details"]) == {"role": "officer", "jurisdiction": "east"}
    assert verify_records(records).whole


@pytest.mark.parametrize("role", ROLES)
def test_all_forces_are_granted_to_roles_that_look_after_a_store_only(records: Records, role: str) -> None:
    area = ("B1", "beat") if role == "officer" else (None, None)
    if role in ROLES_OF_ALL_FORCES:
        grant_role(records, "li", role, *area, granted_by="root", jurisdiction=ALL_FORCES, forces=FORCES)
        assert resolve_viewer(records, "li").jurisdiction == ALL_FORCES
        return
    with pytest.raises(RequestError, match="one police force"):
        grant_role(records, "li", role, *area, granted_by="root", jurisdiction=ALL_FORCES, forces=FORCES)
    assert list_viewers(records) == []


def test_among_several_forces_a_grant_names_one(records: Records) -> None:
    with pytest.raises(RequestError, match="several police forces"):
        grant_role(records, "li", "researcher", granted_by="root", forces=FORCES)
    grant_role(records, "li", "researcher", granted_by="root", forces=["east"])
    with pytest.raises(RequestError, match="needs its code"):
        grant_role(records, "wu", "researcher", granted_by="root", jurisdiction=" ")


@pytest.mark.parametrize(
    ("own", "forces", "wanted", "allowed"),
    [
        ("east", FORCES, "east", True),
        ("east", FORCES, "west", False),
        ("east", FORCES, ALL_FORCES, False),
        (ALL_FORCES, FORCES, "west", True),
        (ALL_FORCES, FORCES, ALL_FORCES, True),
        (None, ("east",), "east", True),
        (None, FORCES, "east", False),
    ],
)
def test_a_security_administrator_grants_and_revokes_for_the_own_force(
    records: Records, own: str | None, forces: tuple[str, ...], wanted: str, allowed: bool
) -> None:
    grant_role(records, "zhao", "security", granted_by="root", jurisdiction=own)
    grant_role(records, "held", "researcher", granted_by="root", jurisdiction=wanted, forces=FORCES)
    if allowed:
        grant_role(records, "li", "auditor", granted_by="zhao", jurisdiction=wanted, forces=forces)
        revoke_role(records, "held", revoked_by="zhao", forces=forces)
        return
    with pytest.raises(AccessDeniedError, match="another police force"):
        grant_role(records, "li", "auditor", granted_by="zhao", jurisdiction=wanted, forces=forces)
    with pytest.raises(AccessDeniedError, match="another police force"):
        revoke_role(records, "held", revoked_by="zhao", forces=forces)
    refused = [(row["event"], row["viewer"]) for row in read_audit(records, 2) if not row["success"]]
    assert refused == [("revoke", "zhao"), ("grant", "zhao")]
    assert [row["name"] for row in list_viewers(records) if row["revoked_at"] is None] == ["held", "zhao"]


def test_a_grant_without_a_force_is_ended_by_any_security_administrator(records: Records) -> None:
    grant_role(records, "zhao", "security", granted_by="root", jurisdiction="east")
    grant_role(records, "li", "researcher", granted_by="root")
    revoke_role(records, "li", revoked_by="zhao", forces=FORCES)
    with pytest.raises(AccessDeniedError):
        resolve_viewer(records, "li")
