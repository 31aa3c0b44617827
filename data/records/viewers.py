"""Viewers: which account holds which role for which area; granted, revoked and resolved without any web framework."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, cast

import polars as pl
import sqlalchemy as sa

from data.access import Viewer
from data.errors import AccessDeniedError, RequestError
from data.permissions import ALL_FORCES, DOINGS, SEPARATED_ROLES, Role
from data.records.audit import AuditEvent, append_audit, append_audit_with
from data.records.database import Records
from data.records.tables import viewers
from data.store import Store

#: Why an account without an open grant is refused.
NO_ROLE = "this account holds no role."


def find_viewer(store: Store, name: str, *, language: str = "zh") -> Viewer | None:
    """Return the viewer an account stands for at this moment, or None. Call it on every run: grants change."""
    return _open_grant(Records.open(store), name, language)


def resolve_viewer(records: Records, name: str, *, language: str = "zh") -> Viewer:
    """Return the viewer an account stands for, or refuse: for the moment somebody signs in.

    Raises
    ------
    AccessDeniedError
        If the account holds no open grant; the refusal is in the audit log.
    """
    viewer = _open_grant(records, name, language)
    if viewer is None:
        _record_unknown(records, name)
        raise AccessDeniedError(NO_ROLE, where=name, remedy="Ask the security administrator for a grant.")
    return viewer


def record_unknown_account(store: Store, name: str) -> None:
    """Write the audit row of a sign-in by an account that holds no open grant."""
    _record_unknown(Records.open(store), name)


def _record_unknown(records: Records, name: str) -> None:
    append_audit(records, AuditEvent(name, "none", "sign_in", "viewers", success=False, reason=NO_ROLE))


def grant_role(
    records: Records,
    name: str,
    role: str,
    area_code: str | None = None,
    area_level: str | None = None,
    *,
    granted_by: str,
    jurisdiction: str | None = None,
    forces: Collection[str] = (),
) -> Viewer:
    """Give an account its role. The audit row is written first, in the same transaction.

    Parameters
    ----------
    jurisdiction
        Code of the police force the role is held for, or ``data.permissions.ALL_FORCES``; None only while the store
        holds no more than one.
    forces
        Police forces of the store.

    Raises
    ------
    RequestError
        If role, police force and area do not go together, or the account holds a role already.
    AccessDeniedError
        If somebody grants a role to the own account, the one who grants holds a role other than security or security
        of another police force, or the account ever held another one of the three separated roles (system, security,
        audit). On record.

    Notes
    -----
    A ``granted_by`` without a role is the operator of the machine, who makes the first security administrator.
    """
    viewer = Viewer(name, cast(Role, role), area_code, area_level, jurisdiction=jurisdiction)
    if jurisdiction is None and len(forces) > 1:
        raise RequestError("the store holds several police forces; a grant names one.", where=name)
    details = {"role": role, "area": area_code, "level": area_level, "jurisdiction": jurisdiction}
    try:
        with records.writing() as connection:
            granter = _require_granter(connection, granted_by, jurisdiction, forces)
            event = AuditEvent(granted_by, granter, "grant", name, details=details)
            _refuse_wrong_grant(connection, viewer, granted_by)
            at = records.now()
            append_audit_with(connection, event, at)
            connection.execute(
                viewers.insert().values(
                    name=name,
                    role=role,
                    area_code=area_code,
                    area_level=area_level,
                    jurisdiction=jurisdiction,
                    granted_at=at,
                    granted_by=granted_by,
                )
            )
    except AccessDeniedError as error:
        refusal = AuditEvent(granted_by, "none", "grant", name, success=False, reason=error.problem, details=details)
        append_audit(records, refusal)
        raise
    return viewer


def revoke_role(records: Records, name: str, *, revoked_by: str, forces: Collection[str] = ()) -> None:
    """Take an account's role back. The row stays, with who ended it and when.

    Parameters
    ----------
    forces
        Police forces of the store.

    Raises
    ------
    RequestError
        If the account holds no role.
    AccessDeniedError
        If the one who revokes holds a role other than security, or security of another police force. On record.
    """
    try:
        with records.writing() as connection:
            open_grant = sa.and_(viewers.c.name == name, viewers.c.revoked_at.is_(None))
            held = connection.execute(sa.select(viewers.c.role, viewers.c.jurisdiction).where(open_grant)).first()
            granter = _require_granter(connection, revoked_by, held and held.jurisdiction, forces)
            if held is None:
                raise RequestError("this account holds no role.", where=name)
            at = records.now()
            details = {"role": held.role, "jurisdiction": held.jurisdiction}
            append_audit_with(connection, AuditEvent(revoked_by, granter, "revoke", name, details=details), at)
            connection.execute(viewers.update().where(open_grant).values(revoked_at=at, revoked_by=revoked_by))
    except AccessDeniedError as error:
        append_audit(records, AuditEvent(revoked_by, "none", "revoke", name, success=False, reason=error.problem))
        raise


def require_open_grant(connection: sa.Connection, viewer: Viewer) -> None:
    """Refuse what an account asks for whose grant has ended or changed since its page was drawn.

    To be asked inside the transaction that records what is done: a grant ends under the same lock, so that nothing is
    on record after the end of the grant behind it. Accounts that never held a grant (roles of the demo) pass.

    Raises
    ------
    AccessDeniedError
        If the account has held grants, and none like this is open.
    """
    held = connection.execute(sa.select(viewers).where(viewers.c.name == viewer.name)).mappings().all()
    now = (viewer.role, viewer.area_code, viewer.area_level, viewer.jurisdiction)
    same = [row for row in held if row["revoked_at"] is None and now == tuple(row[name] for name in _HELD)]
    if held and not same:
        raise AccessDeniedError(
            "the grant of this account ended or changed meanwhile.", where=viewer.name, remedy="Open the page again."
        )


#: Columns of a grant that make a viewer, besides the name.
_HELD = ("role", "area_code", "area_level", "jurisdiction")


def list_viewers(records: Records) -> list[dict[str, Any]]:
    """Return every grant, open and ended, newest first."""
    with records.reading() as connection:
        rows = connection.execute(sa.select(viewers).order_by(viewers.c.grant_id.desc()))
        return [dict(row) for row in rows.mappings()]


def demo_viewers(areas: pl.DataFrame, *, language: str = "zh") -> list[Viewer]:
    """Return the identities of the demo role picker; an officer and a sub-bureau only where the areas have them.

    Parameters
    ----------
    areas
        Frame of schema ``Areas``. The first beat by code is the officer's.
    """
    sub_bureau = areas.filter(pl.col("level") == "sub_bureau")["area_code"].sort()
    beat = areas.filter(pl.col("level") == "beat")["area_code"].sort()
    area, level = (sub_bureau[0], "sub_bureau") if len(sub_bureau) else (None, None)
    found = [
        Viewer("demo-commander", "commander", area, level, language),
        Viewer("demo-researcher", "researcher", language=language),
    ]
    if len(beat):
        found.append(Viewer("demo-officer", "officer", beat[0], "beat", language))
    roles: tuple[Role, ...] = ("steward", "security", "auditor")
    return found + [Viewer(f"demo-{role}", role, language=language) for role in roles]


def _open_grant(records: Records, name: str, language: str) -> Viewer | None:
    query = sa.select(viewers).where(viewers.c.name == name, viewers.c.revoked_at.is_(None))
    with records.reading() as connection:
        row = connection.execute(query).mappings().first()
    if row is None:
        return None
    role, area, level = cast(Role, row["role"]), row["area_code"], row["area_level"]
    return Viewer(row["name"], role, area, level, language, row["jurisdiction"])


def _require_granter(connection: sa.Connection, name: str, force: str | None, forces: Collection[str]) -> str:
    """Return the role somebody grants with; refuse an account that holds any role but security of the same force.

    A grant without a force is anybody's to end: among several forces it opens nothing.
    """
    query = sa.select(viewers.c.role, viewers.c.jurisdiction)
    held = connection.execute(query.where(viewers.c.name == name, viewers.c.revoked_at.is_(None))).first()
    if held is None:
        return "operator"
    if held.role not in DOINGS["grant"]:
        raise AccessDeniedError(f"the role {held.role} does not grant or revoke.", where=name)
    own = held.jurisdiction in (ALL_FORCES, force) or (held.jurisdiction is None and len(forces) < 2)
    if force is not None and not own:
        raise AccessDeniedError("this account grants and revokes for another police force.", where=name)
    return str(held.role)


def _refuse_wrong_grant(connection: sa.Connection, viewer: Viewer, granted_by: str) -> None:
    if granted_by == viewer.name:
        raise AccessDeniedError("nobody grants a role to the own account.", where=viewer.name)
    held = connection.execute(sa.select(viewers.c.role, viewers.c.revoked_at).where(viewers.c.name == viewer.name))
    for role, revoked_at in held.all():
        if viewer.role in SEPARATED_ROLES and role in SEPARATED_ROLES - {viewer.role}:
            raise AccessDeniedError(
                f"the account holds or held {role}; system, security and audit administration stay apart.",
                where=viewer.name,
                remedy="Grant the role to another person's account.",
            )
        if revoked_at is None:
            raise RequestError(f"the account holds the role {role}.", where=viewer.name, remedy="Revoke it first.")
