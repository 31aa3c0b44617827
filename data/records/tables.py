"""Tables of the records database, the same in SQLite and PostgreSQL, and the triggers that keep them append-only."""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()

schema_version = sa.Table(
    "schema_version",
    metadata,
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("applied_at", sa.String(40), nullable=False),
)

#: Times are ISO text in UTC, so that both databases give back the very characters the hash was made of.
audit_log = sa.Table(
    "audit_log",
    metadata,
    sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False),
    sa.Column("at", sa.String(40), nullable=False),
    sa.Column("viewer", sa.Text, nullable=False),
    sa.Column("role", sa.String(20), nullable=False),
    sa.Column("event", sa.String(40), nullable=False),
    sa.Column("object", sa.Text, nullable=False),
    sa.Column("edition_id", sa.String(64)),
    sa.Column("snapshot_id", sa.String(64)),
    sa.Column("purpose", sa.Text),
    sa.Column("legal_basis", sa.Text),
    sa.Column("success", sa.Boolean, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("details", sa.Text, nullable=False),
    sa.Column("previous_hash", sa.String(64), nullable=False),
    sa.Column("row_hash", sa.String(64), nullable=False, unique=True),
    # A visit is found again by the moment its audit row was written (``data.records.visits``).
    sa.Index("audit_log_by_time", "at"),
)

decisions = sa.Table(
    "decisions",
    metadata,
    sa.Column("decision_id", sa.Integer, primary_key=True),
    sa.Column("at", sa.String(40), nullable=False),
    sa.Column("edition_id", sa.String(64), nullable=False),
    sa.Column("advice_id", sa.String(200), nullable=False),
    sa.Column("advice_table", sa.String(40), nullable=False),
    sa.Column("station_code", sa.String(64)),
    sa.Column("beat_code", sa.String(64)),
    sa.Column("action", sa.String(10), nullable=False),
    sa.Column("reason", sa.String(40)),
    sa.Column("adjusted", sa.Float),
    sa.Column("comment", sa.Text, nullable=False),
    sa.Column("viewer", sa.String(200), nullable=False),
    sa.Column("role", sa.String(20), nullable=False),
    sa.Index("decisions_by_advice", "edition_id", "advice_id", "decision_id"),
)

visit_records = sa.Table(
    "visit_records",
    metadata,
    sa.Column("visit_record_id", sa.Integer, primary_key=True),
    sa.Column("object_id", sa.String(200), nullable=False),
    sa.Column("visit_kind", sa.String(40), nullable=False),
    sa.Column("beat_code", sa.String(64), nullable=False),
    sa.Column("contact", sa.Boolean, nullable=False),
    sa.Column("minutes", sa.Float, nullable=False),
    sa.Column("note_code", sa.String(40), nullable=False),
    sa.Column("visited_at", sa.String(40), nullable=False),
    sa.Column("recorded_at", sa.String(40), nullable=False),
    sa.Column("recorded_by", sa.String(200), nullable=False),
    sa.Index("visit_records_by_beat", "beat_code", "visited_at"),
)

address_reviews = sa.Table(
    "address_reviews",
    metadata,
    sa.Column("review_id", sa.Integer, primary_key=True),
    sa.Column("at", sa.String(40), nullable=False),
    sa.Column("snapshot_id", sa.String(64), nullable=False),
    sa.Column("text_key", sa.String(64), nullable=False),
    sa.Column("address_code", sa.String(200), nullable=False),
    sa.Column("decision", sa.String(10), nullable=False),
    sa.Column("probability", sa.Float, nullable=False),
    sa.Column("viewer", sa.String(200), nullable=False),
    # Police force of the steward's grant; null in reviews from before version 3, which hold for every force.
    sa.Column("jurisdiction", sa.Text),
    sa.Index("address_reviews_by_text", "text_key", "review_id"),
)

viewers = sa.Table(
    "viewers",
    metadata,
    sa.Column("grant_id", sa.Integer, primary_key=True),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("role", sa.String(20), nullable=False),
    sa.Column("area_code", sa.String(64)),
    sa.Column("area_level", sa.String(20)),
    # Police force; null in grants from before version 3.
    sa.Column("jurisdiction", sa.Text),
    sa.Column("granted_at", sa.String(40), nullable=False),
    sa.Column("granted_by", sa.String(200), nullable=False),
    sa.Column("revoked_at", sa.String(40)),
    sa.Column("revoked_by", sa.String(200)),
)
#: One role at a time: the database itself refuses a second open grant of one account.
sa.Index(
    "one_open_grant",
    viewers.c.name,
    unique=True,
    sqlite_where=viewers.c.revoked_at.is_(None),
    postgresql_where=viewers.c.revoked_at.is_(None),
)

#: Tables whose rows are written once. A later decision supersedes an earlier one; both stay.
APPEND_ONLY = (audit_log, decisions, visit_records, address_reviews)


def unguarded(connection: sa.Connection) -> tuple[str, ...]:
    """Return the tables whose written rows the database would let anybody change: triggers are missing or disabled."""
    if connection.dialect.name == "sqlite":
        found = "SELECT tbl_name, count(*) FROM sqlite_master WHERE type = 'trigger' GROUP BY tbl_name"
        wanted = {table.name: 3 if table is audit_log else 2 for table in APPEND_ONLY}
    else:
        found = (
            "SELECT c.relname, count(*) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
            "WHERE t.tgname = c.relname || '_append_only' AND t.tgenabled IN ('O', 'A') GROUP BY c.relname"
        )
        wanted = {table.name: 1 for table in APPEND_ONLY}
    there: dict[str, int] = {name: number for name, number in connection.execute(sa.text(found))}
    return tuple(name for name, number in wanted.items() if there.get(name, 0) < number)


def append_only_triggers(dialect: str) -> list[str]:
    """Return the statements that make the database refuse UPDATE, DELETE and replacement of written rows."""
    names = [table.name for table in APPEND_ONLY]
    if dialect == "sqlite":
        statements = [
            f"CREATE TRIGGER IF NOT EXISTS {name}_no_{verb.lower()} BEFORE {verb} ON {name} "
            f"BEGIN SELECT RAISE(ABORT, '{name} is append-only'); END"
            for name in names
            for verb in ("UPDATE", "DELETE")
        ]
        # INSERT OR REPLACE deletes without firing the trigger above.
        return [
            *statements,
            "CREATE TRIGGER IF NOT EXISTS audit_log_no_replace BEFORE INSERT ON audit_log "
            "WHEN NEW.seq <= (SELECT coalesce(max(seq), 0) FROM audit_log) "
            "BEGIN SELECT RAISE(ABORT, 'audit_log is append-only'); END",
        ]
    return [
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$",
        *(
            f"CREATE OR REPLACE TRIGGER {name}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {name} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
            for name in names
        ),
    ]
