"""From one version of the records' tables to the next. Missing tables are made by their definitions, not here."""

from __future__ import annotations

from collections.abc import Callable, Collection

import sqlalchemy as sa

from data.records.audit import AuditEvent, append_audit_with
from data.records.tables import viewers

#: Version of the tables in ``data/records/tables.py``. Raise it together with an entry below.
SCHEMA_VERSION = 3
#: Columns and other statements that bring a database from the version before to the key, the same in SQLite and
#: PostgreSQL. A table that was missing, and was made a moment ago, has its columns.
COLUMNS: dict[int, tuple[tuple[str, str, str], ...]] = {
    3: (("viewers", "jurisdiction", "TEXT"), ("address_reviews", "jurisdiction", "TEXT")),
}
STATEMENTS: dict[int, tuple[str, ...]] = {3: ("CREATE INDEX audit_log_by_time ON audit_log (at)",)}
#: Event of the audit row that says which open grants were given the only police force of their store.
NAMED = "name_force"


def bring_up_to_date(
    connection: sa.Connection, found: int, at: str, forces: Callable[[], Collection[str]] | None
) -> None:
    """Bring the tables from a version to this one, inside a transaction that holds the write lock.

    Parameters
    ----------
    found
        Version of the database, 1 or later.
    at
        Time written into audit rows.
    forces
        Gives the police forces of the store the records belong to; None where that is not known.

    Notes
    -----
    Version 3: a grant names a police force. Where the store holds one, its open grants are given it, so that they
    stay with it when a second comes; an audit row says which. Where it holds several, or none yet, they stay without.
    """
    for version in range(found + 1, SCHEMA_VERSION + 1):
        for table, column, kind in COLUMNS.get(version, ()):
            if column not in {known["name"] for known in sa.inspect(connection).get_columns(table)}:
                connection.exec_driver_sql(f"ALTER TABLE {table} ADD COLUMN {column} {kind}")
        for statement in STATEMENTS.get(version, ()):
            connection.exec_driver_sql(statement)
    known = forces() if forces is not None and found < 3 else ()
    if len(known) == 1:
        _name_force(connection, next(iter(known)), at)


def _name_force(connection: sa.Connection, force: str, at: str) -> None:
    unnamed = sa.and_(viewers.c.revoked_at.is_(None), viewers.c.jurisdiction.is_(None))
    grants = connection.scalars(sa.select(viewers.c.grant_id).where(unnamed).order_by(viewers.c.grant_id)).all()
    if not grants:
        return
    details = {"jurisdiction": force, "grants": list(grants)}
    append_audit_with(connection, AuditEvent("beatwise", "system", NAMED, "viewers", details=details), at)
    connection.execute(viewers.update().where(unnamed).values(jurisdiction=force))
