"""The records database: SQLite inside the store, or PostgreSQL by URL; opened, versioned, locked for writing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from data.errors import StoreError
from data.records.migrations import SCHEMA_VERSION, bring_up_to_date
from data.records.tables import append_only_triggers, metadata, schema_version
from data.store import Store

#: Waiting time of a writer on a busy SQLite file, milliseconds.
BUSY_TIMEOUT_MS = 15_000
#: Key of the PostgreSQL advisory lock that keeps one audit chain ("beat" in ASCII).
ADVISORY_LOCK = 0x62656174

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the time of this machine in UTC. The only place where records read the clock."""
    return datetime.now(UTC)


class Records:
    """The records database, ready for use.

    Parameters
    ----------
    url
        SQLAlchemy URL; ``sqlite:///FILE`` or ``postgresql+psycopg://...`` (``postgresql://`` is understood too).
    clock
        Gives the time that is written into rows; a test passes its own.
    forces
        Gives the police forces of the store the records belong to; asked when older tables are brought up to date.

    Raises
    ------
    StoreError
        If the database cannot be opened, is neither SQLite nor PostgreSQL, or was written by a newer beatwise.
    """

    def __init__(
        self, url: str, *, clock: Clock = utc_now, forces: Callable[[], Collection[str]] | None = None
    ) -> None:
        self.clock = clock
        self.engine = _engine(url)
        self._forces = forces
        self._bring_up_to_date()

    @classmethod
    def open(cls, store: Store, *, clock: Clock = utc_now) -> Records:
        """Open the records of a store."""

        def forces() -> Collection[str]:
            # Snapshots and editions are read by it; every other opening of the records needs neither.
            from data.forces import store_forces

            return store_forces(store)

        return cls(store.records_url, clock=clock, forces=forces)

    def now(self) -> str:
        """Return the time of the clock as ISO text in UTC, microseconds included."""
        return self.clock().astimezone(UTC).isoformat(timespec="microseconds")

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Give a connection that only reads."""
        with self._failures_told(), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """Give a connection that holds the write lock until the block ends; one writer at a time.

        All is committed when the block ends, or nothing when it raises.

        Raises
        ------
        StoreError
            If the database cannot be reached, is full, or stays busy longer than ``BUSY_TIMEOUT_MS``.
        """
        with self._failures_told(), self.engine.connect() as connected:
            connection = connected.execution_options(beatwise_writes=True)
            with connection.begin():
                if connection.dialect.name == "postgresql":
                    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(ADVISORY_LOCK)))
                yield connection

    def close(self) -> None:
        """Close pooled connections of this process."""
        self.engine.dispose()

    @contextmanager
    def _failures_told(self) -> Iterator[None]:
        try:
            yield
        except sa.exc.DatabaseError as error:
            # A damaged file is a DatabaseError of no kind; the other kinds are mistakes in a statement or refusals.
            if type(error) not in (sa.exc.DatabaseError, sa.exc.OperationalError):
                raise
            raise StoreError(
                f"the records database cannot be used ({type(error.orig).__name__}).",
                where=self._where,
                remedy="Check the path or BEATWISE_RECORDS_URL, that the server runs, and that the disk is not full.",
            ) from error

    @property
    def _where(self) -> str:
        return self.engine.url.render_as_string(hide_password=True)

    def _bring_up_to_date(self) -> None:
        if self._found_version() == SCHEMA_VERSION:
            return
        with self.writing() as connection:
            # Another process may have made the tables while this one waited for the lock.
            metadata.create_all(connection, tables=[schema_version])
            found = connection.scalar(sa.select(sa.func.max(schema_version.c.version))) or 0
            if found > SCHEMA_VERSION:
                raise StoreError(
                    f"the records database has version {found}; this version knows {SCHEMA_VERSION}.",
                    where=self._where,
                    remedy="Use the beatwise version that wrote it.",
                )
            metadata.create_all(connection)
            if found:
                bring_up_to_date(connection, found, self.now(), self._forces)
            for statement in append_only_triggers(connection.dialect.name):
                connection.execute(sa.text(statement))
            if found < SCHEMA_VERSION:
                connection.execute(schema_version.insert().values(version=SCHEMA_VERSION, applied_at=self.now()))

    def _found_version(self) -> int:
        with self.reading() as connection:
            if not sa.inspect(connection).has_table(schema_version.name):
                return 0
            return connection.scalar(sa.select(sa.func.max(schema_version.c.version))) or 0


@lru_cache(maxsize=16)
def _engine(url: str) -> sa.Engine:
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError as error:
        # The text is not told: it may hold a password.
        raise StoreError("the address of the records database cannot be read.", where="BEATWISE_RECORDS_URL") from error
    if parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    kind = parsed.get_backend_name()
    if kind not in ("sqlite", "postgresql"):
        raise StoreError(
            f"records live in SQLite or PostgreSQL, not in {kind}.",
            remedy="Set BEATWISE_RECORDS_URL or leave it unset.",
        )
    if kind == "postgresql":
        return sa.create_engine(parsed, pool_pre_ping=True)
    # A connection that is kept would write on into a file that was moved away, when a store is restored under a server.
    engine = sa.create_engine(parsed, poolclass=sa.pool.NullPool)
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # The driver's own transactions start too late for BEGIN IMMEDIATE; SQLAlchemy's "begin" event starts them here.
    connection.isolation_level = None
    cursor = connection.cursor()
    for setting in (
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "recursive_triggers=ON",
    ):
        cursor.execute(f"PRAGMA {setting}")
    cursor.close()


def _begin_sqlite(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get("beatwise_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
