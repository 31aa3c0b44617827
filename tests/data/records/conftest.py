"""A records database of each kind: a real SQLite file, and a real PostgreSQL server started for the tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

import pytest
import sqlalchemy as sa

from data.records import Records
from tests.conftest import missing
from tests.data.tiny_edition import ticking_clock


def _programs() -> Path | None:
    """Return the folder of the newest PostgreSQL server programs, or None."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("pg_ctl")
    if found:
        return found[-1].parent
    return Path(on_path).resolve().parent if on_path else None


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL of a server in a temporary folder, reached by a socket only; PostgreSQL refuses to run as root."""
    programs = _programs()
    if programs is None:
        missing("the PostgreSQL server programs (initdb, pg_ctl) are not installed")
    # Not pytest's own folder: the server's account must be able to enter it, and a socket path is short.
    home = Path(tempfile.mkdtemp(prefix="bw-pg-"))
    prefix: list[str] = []
    if os.geteuid() == 0:
        if shutil.which("runuser") is None or subprocess.run(["id", "postgres"], capture_output=True).returncode:
            missing("running as root without an account 'postgres' to start the server with")
        shutil.chown(home, "postgres")
        prefix = ["runuser", "-u", "postgres", "--"]

    def run(*command: str) -> None:
        done = subprocess.run([*prefix, *command], cwd=home, capture_output=True, text=True, timeout=120)
        if done.returncode:
            raise RuntimeError(f"{command[0]} failed: {done.stderr or done.stdout}")

    data = str(home / "data")
    try:
        run(str(programs / "initdb"), "-D", data, "-U", "beatwise", "--auth=trust", "-E", "UTF8", "--locale=C", "-N")
        options = f"-c listen_addresses='' -c unix_socket_directories='{home}' -c fsync=off"
        run(str(programs / "pg_ctl"), "-D", data, "-l", str(home / "log"), "-w", "-o", options, "start")
        try:
            yield f"postgresql://beatwise@/{{database}}?host={quote(str(home), safe='')}"
        finally:
            run(str(programs / "pg_ctl"), "-D", data, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(home)


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    """URL of a fresh database."""
    name = f"t{uuid4().hex}"
    admin = sa.create_engine(
        postgres_server.format(database="postgres").replace("postgresql://", "postgresql+psycopg://"),
        isolation_level="AUTOCOMMIT",
    )
    with admin.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    admin.dispose()
    return postgres_server.format(database=name)


@pytest.fixture(params=["sqlite", "postgresql"])
def records_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'records.sqlite'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def records(records_url: str) -> Iterator[Records]:
    records = Records(records_url, clock=ticking_clock())
    yield records
    records.close()
