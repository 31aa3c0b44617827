"""Rows straight from real servers: PostgreSQL and MariaDB, incremental by a watermark, no secret anywhere."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import polars as pl
import pytest
import sqlalchemy as sa

from data.errors import SourceError
from data.integration.ingest import IngestReport, ingest
from data.snapshots import current_snapshot
from data.sources.databases import driver_url, extract_tables, last_watermarks, safe_name
from data.sources.mapping import load_mapping, parse_mapping
from data.store import Store
from tests.conftest import missing
from tests.data.records.conftest import postgres_server, postgres_url  # noqa: F401 - fixtures

NOW = datetime(2026, 3, 1, tzinfo=UTC)
MAPPING = """
format = 1
[source]
name = "platform"
title_zh = "接处警平台"
title_en = "Incident platform"
legal_basis = "synthetic-data"
purpose = "demonstration"
[source.jurisdiction]
code = "cn-test"
name_zh = "测试"
name_en = "Test"
timezone = "Asia/Shanghai"
analysis_crs = "EPSG:4547"
[[file]]
name = "calls"
table = "calls"
format = "database"
{asked}
watermark = "changed_at"
identity = ["call_id"]
[file.columns]
call_id = {{ from = "JJDBH", required = true }}
category = {{ from = "JQLBDM" }}
address = {{ from = "JQDZ" }}
reported_at = {{ from = "BJSJ" }}
[file.time]
at = {{ from = "BJSJ" }}
[file.point]
x = {{ from = "XZB", parse = "number" }}
y = {{ from = "YZB", parse = "number" }}
crs = "EPSG:4490"
"""
ROWS = [
    (
        1,
        "0101",
        "临澜路1号 电话13812345678",
        "2026-01-05 08:30:00",
        "113.9000001",
        "30.1",
        "张三",
        "2026-01-05 09:00:00",
    ),
    (2, "0201", "临澜路2号", "2026-01-05 23:59:59", None, None, "李四", "2026-01-06 00:00:00"),
    (3, "0101", "临澜路3号", "2026-01-06 01:00:00", "113.91", "30.11", "王五", "2026-01-06 00:00:00"),
]
INSERT = sa.text(
    "INSERT INTO jjd (jjdbh, jqlbdm, jqdz, bjsj, xzb, yzb, bjrxm, changed_at) VALUES (:a, :b, :c, :d, :e, :f, :g, :h)"
)


def insert(engine: sa.Engine, rows: list[tuple[object, ...]]) -> None:
    with engine.begin() as connection:
        connection.execute(INSERT, [dict(zip("abcdefgh", row, strict=True)) for row in rows])


def wait_for(address: Path, log: Path) -> None:
    """Wait until a server listens. Asked without PyMySQL, which leaves the socket of a refused connection open."""
    for _ in range(400):
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(str(address)) == 0:
                return
        time.sleep(0.15)
    raise RuntimeError(log.read_text(errors="replace")[-2000:])


@pytest.fixture(scope="session")
def mariadb_url() -> Iterator[str]:
    """URL of a MariaDB server in a temporary folder, reached by a socket only."""
    programs = (shutil.which("mariadb-install-db"), shutil.which("mariadbd") or shutil.which("mysqld"))
    if None in programs:
        missing("the MariaDB server programs (mariadb-install-db, mariadbd) are not installed")
    home = Path(tempfile.mkdtemp(prefix="bw-my-"))
    data, address, scratch = home / "data", home / "s", home / "tmp"
    # A starting server removes every temporary table it finds in its tmpdir, those of the server beside it too.
    scratch.mkdir()
    user = ["--user=root"] if os.geteuid() == 0 else []
    server: subprocess.Popen[bytes] | None = None
    try:
        own = ["--no-defaults", f"--datadir={data}", f"--tmpdir={scratch}", *user]
        install = [str(programs[0]), *own, "--auth-root-authentication-method=normal", "--skip-test-db"]
        done = subprocess.run(install, check=False, capture_output=True, text=True, timeout=120)
        if done.returncode != 0:
            raise RuntimeError(f"{programs[0]} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        options = [f"--socket={address}", "--skip-networking", f"--pid-file={home / 'pid'}"]
        with (home / "log").open("wb") as log:
            server = subprocess.Popen([str(programs[1]), *own, *options], stdout=log, stderr=log)
        url = f"mysql://root@localhost/beatwise?unix_socket={quote(str(address), safe='')}&charset=utf8mb4"
        wait_for(address, home / "log")
        admin = sa.create_engine(driver_url(url).set(database=""))
        with admin.begin() as connection:
            connection.execute(sa.text("CREATE DATABASE beatwise CHARACTER SET utf8mb4"))
        admin.dispose()
        yield url
    finally:
        if server is not None:
            server.terminate()
            server.wait(timeout=60)
        shutil.rmtree(home)


@pytest.fixture(params=["postgresql", "mariadb"])
def upstream(request: pytest.FixtureRequest) -> Iterator[tuple[str, sa.Engine]]:
    url = str(request.getfixturevalue("postgres_url" if request.param == "postgresql" else "mariadb_url"))
    engine = sa.create_engine(driver_url(url))
    number = "NUMERIC(12, 7)" if request.param == "postgresql" else "DECIMAL(12, 7)"
    moment = "TIMESTAMP" if request.param == "postgresql" else "DATETIME"
    with engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE IF EXISTS jjd"))
        connection.execute(
            sa.text(
                f"CREATE TABLE jjd (jjdbh BIGINT PRIMARY KEY, jqlbdm VARCHAR(6), jqdz VARCHAR(200), bjsj {moment},"
                f" xzb {number}, yzb {number}, bjrxm VARCHAR(30), changed_at {moment})"
            )
        )
    insert(engine, list(ROWS))
    yield url, engine
    engine.dispose()


def pull(store: Store, source: Path, url: str, folder: Path) -> tuple[IngestReport | None, int]:
    """Do what `beatwise ingest --database` does."""
    mapping = load_mapping(source)
    folder.mkdir(exist_ok=True)
    extracts = extract_tables(mapping, url, folder, last_watermarks(store, "platform"))
    rows = sum(extract.rows for extract in extracts)
    if all(extract.nothing_new for extract in extracts):
        return None, rows
    marks = {extract.kind: extract.watermark for extract in extracts if extract.watermark}
    files = [extract.path for extract in extracts]
    return ingest(store, source, files, loaded_by="t", now=NOW, watermarks=marks), rows


@pytest.mark.parametrize("asked", ['table_name = "jjd"', "query = \"SELECT * FROM jjd WHERE jqdz <> 'a:b'\""])
def test_incremental(upstream: tuple[str, sa.Engine], asked: str, tmp_path: Path) -> None:
    url, engine = upstream
    source = tmp_path / "platform.toml"
    source.write_text(MAPPING.format(asked=asked), encoding="utf-8")
    store = Store.create(tmp_path / "store")

    first, rows = pull(store, source, url, tmp_path / "one")
    assert first is not None
    assert (rows, first.totals()["read"], first.totals()["new"]) == (3, 3, 3)
    assert first.files[0].personal_dropped == ["bjrxm"]
    assert first.files[0].notes == {"personal_mobile_number_removed": 1}
    calls = current_snapshot(store).read("calls").sort("call_id")
    assert calls["call_id"].to_list() == ["1", "2", "3"]
    assert calls["lon"].to_list() == [113.9000001, None, 113.91]
    # 08:30 in Shanghai is 00:30 UTC.
    assert calls["occurred_from"][0] == datetime(2026, 1, 5, 0, 30, tzinfo=UTC)
    assert calls["address"][0] == "临澜路1号 电话***"

    second, rows = pull(store, source, url, tmp_path / "two")
    assert (second, rows) == (None, 2)  # the two rows at the watermark are asked for again, and known

    changed = sa.text("UPDATE jjd SET jqlbdm = '0301', changed_at = '2026-01-07 00:00:00' WHERE jjdbh = 1")
    with engine.begin() as connection:
        connection.execute(changed)
    insert(engine, [(4, "0101", "临澜路4号", "2026-01-06 02:00:00", "113.9", "30.1", "赵六", "2026-01-06 00:00:00")])
    third, rows = pull(store, source, url, tmp_path / "three")
    assert third is not None
    # Rows 2 and 3 again, row 4 written late in the instant of the watermark, row 1 corrected.
    assert rows == 4
    assert [third.totals()[name] for name in ("read", "new", "unchanged", "replaced")] == [4, 1, 2, 1]
    calls = current_snapshot(store).read("calls").sort("call_id")
    assert calls["category"].to_list() == ["0301", "0201", "0101", "0101"]


def test_rows_without_a_watermark_come_also_when_nothing_is_left_at_the_last_one(
    upstream: tuple[str, sa.Engine], tmp_path: Path
) -> None:
    url, engine = upstream
    source = tmp_path / "platform.toml"
    source.write_text(MAPPING.format(asked='table_name = "jjd"'), encoding="utf-8")
    store = Store.create(tmp_path / "store")
    pull(store, source, url, tmp_path / "one")
    with engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM jjd WHERE jjdbh > 1"))
    insert(engine, [(5, "0101", "临澜路5号", "2026-01-06 02:00:00", "113.9", "30.1", "赵六", None)])
    second, _ = pull(store, source, url, tmp_path / "two")
    assert second is not None
    assert second.totals()["new"] == 1
    assert last_watermarks(store, "platform")["calls"]["value"] == "2026-01-06T00:00:00"


def test_a_value_put_back_upstream_is_taken_in(upstream: tuple[str, sa.Engine], tmp_path: Path) -> None:
    url, engine = upstream
    source = tmp_path / "platform.toml"
    whole = MAPPING.format(asked='table_name = "jjd"').replace('watermark = "changed_at"\n', "")
    source.write_text(whole, encoding="utf-8")
    store = Store.create(tmp_path / "store")
    told = []
    for place, category in enumerate(("0101", "0301", "0101", "0101")):
        with engine.begin() as connection:
            connection.execute(sa.text("DELETE FROM jjd"))
        insert(engine, [(1, category, *ROWS[0][2:])])
        report, _ = pull(store, source, url, tmp_path / str(place))
        assert report is not None
        told.append((report.already_loaded, current_snapshot(store).read("calls")["category"].to_list()))
    assert told == [(False, ["0101"]), (False, ["0301"]), (False, ["0101"]), (True, ["0101"])]


def test_no_personal_value_is_written_to_the_file_in_between(upstream: tuple[str, sa.Engine], tmp_path: Path) -> None:
    url, _ = upstream
    mapping = parse_mapping(MAPPING.format(asked='table_name = "jjd"'))
    extract = extract_tables(mapping, url, tmp_path, {})[0]
    cells = pl.read_parquet(extract.path)
    assert "bjrxm" in cells.columns
    assert cells["bjrxm"].to_list() == [None] * 3


def test_a_refusal_names_no_secret(upstream: tuple[str, sa.Engine], tmp_path: Path) -> None:
    url, _ = upstream
    secret = url.replace("root@", "root:s3cret@").replace("beatwise@", "beatwise:s3cret@")
    mapping = parse_mapping(MAPPING.format(asked='table_name = "no_such_table"'))
    with pytest.raises(SourceError) as caught:
        extract_tables(mapping, secret, tmp_path, {})
    assert "the database refused" in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("upstream", ["postgresql"], indirect=True)  # MariaDB has no SELECT that writes.
def test_nothing_is_written_upstream(upstream: tuple[str, sa.Engine], tmp_path: Path) -> None:
    url, engine = upstream
    asked = 'query = "WITH gone AS (DELETE FROM jjd RETURNING *) SELECT * FROM gone"'
    with pytest.raises(SourceError, match="refused"):
        extract_tables(parse_mapping(MAPPING.format(asked=asked)), url, tmp_path, {})
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM jjd")).scalar() == 3


def test_urls() -> None:
    assert safe_name("postgresql://anna:geheim@db.police.example:5432/jcj?sslmode=require") == (
        "postgresql://db.police.example/jcj"
    )
    with pytest.raises(SourceError, match="not supported") as caught:
        driver_url("oracle://anna:geheim@db/x")
    assert "geheim" not in str(caught.value)
    with pytest.raises(SourceError, match="not a database URL"):
        driver_url("geheim")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("", "needs either query or table_name"),
        ('table_name = "a"\nquery = "SELECT 1"', "needs either query or table_name"),
        ('query = "DELETE FROM jjd"', "one SELECT"),
        ('query = "SELECT 1; DROP TABLE jjd"', "without a semicolon"),
        ('table_name = "jjd; DROP TABLE jjd"', "table_name"),
    ],
)
def test_what_a_mapping_may_not_ask(asked: str, said: str) -> None:
    with pytest.raises(SourceError, match=said):
        parse_mapping(MAPPING.format(asked=asked))


def test_the_hour_that_the_end_of_summer_time_repeats_is_told_apart(postgres_url: str, tmp_path: Path) -> None:  # noqa: F811
    engine = sa.create_engine(driver_url(postgres_url))
    instants = [datetime(2025, 10, 26, hour, 30, tzinfo=UTC) for hour in range(3)]
    with engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE IF EXISTS jjd"))
        columns = "jjdbh BIGINT, jqlbdm TEXT, jqdz TEXT, bjsj TIMESTAMPTZ, xzb TEXT, yzb TEXT, changed_at TIMESTAMPTZ"
        connection.execute(sa.text(f"CREATE TABLE jjd ({columns})"))
        for number, instant in enumerate(instants):
            connection.execute(
                sa.text("INSERT INTO jjd VALUES (:n, '0101', 'x', :at, '8.5', '50.1', :at)"),
                {"n": number, "at": instant},
            )
    engine.dispose()
    source = tmp_path / "platform.toml"
    berlin = MAPPING.format(asked='table_name = "jjd"').replace("Asia/Shanghai", "Europe/Berlin")
    source.write_text(berlin.replace("EPSG:4547", "EPSG:25832"), encoding="utf-8")
    store = Store.create(tmp_path / "store")
    report, _ = pull(store, source, postgres_url, tmp_path / "one")
    assert report is not None and report.totals()["kept"] == 3
    calls = current_snapshot(store).read("calls").sort("call_id")
    # 02:30 summer time, 02:30 winter time, 03:30.
    assert calls["occurred_from"].to_list() == instants
    assert calls["occurred_to"].to_list() == instants
    assert calls["reported_at"].to_list() == instants
    assert calls["occurred_on"].unique().to_list() == [instants[0].date()]
    second, rows = pull(store, source, postgres_url, tmp_path / "two")
    assert (second, rows) == (None, 1)
