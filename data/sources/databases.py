"""Rows straight from an upstream database: PostgreSQL, or MySQL and MariaDB, named by a URL.

A ``[[file]]`` with ``format = "database"`` says what to ask (``query`` or ``table_name``) and which column only grows
(``watermark``). The answer is written to a Parquet file of text cells and goes the way of every other file. Personal
columns are emptied before anything is written; the URL, which may hold a password, is neither stored nor shown.
"""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import sqlalchemy as sa

from data.errors import SourceError
from data.files import digest_of
from data.snapshots import Snapshot
from data.sources.mapping import FileKind, Mapping
from data.sources.matching import EXTRACTED
from data.store import Store

#: Rows asked for at a time.
BATCH_ROWS = 50_000
#: URL scheme → SQLAlchemy driver.
DRIVERS = {
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mysql+pymysql",
}


@dataclass
class Extract:
    """What one [[file]] gave.

    Attributes
    ----------
    watermark
        ``type``, ``value`` and ``digest`` of the highest rows, for the next ingest; None without a watermark column.
    nothing_new
        Whether the database holds nothing beyond the last watermark.
    """

    kind: str
    path: Path
    rows: int
    watermark: dict[str, str] | None
    nothing_new: bool = False


def last_watermarks(store: Store, source: str) -> dict[str, dict[str, str]]:
    """Return the newest watermark of each [[file]] of a source in the current snapshot."""
    snapshot_id = store.current_snapshot_id()
    found: dict[str, dict[str, str]] = {}
    if snapshot_id is not None:
        for load in Snapshot(store, snapshot_id).loads:
            if load["source"] == source:
                found.update(load.get("watermarks", {}))
    return found


def extract_tables(mapping: Mapping, url: str, folder: Path, since: dict[str, dict[str, str]]) -> list[Extract]:
    """Ask a database for what every ``format = "database"`` block of a mapping describes.

    Parameters
    ----------
    url
        ``postgresql://…`` or ``mysql://…``; user and password may stand in it.
    folder
        Where the files go; delete them when they are loaded.
    since
        Watermarks of the last ingest by block, see :func:`last_watermarks`. Rows at a watermark are asked for again,
        so that rows written in the same instant are not lost; the ingest knows the ones it has.

    Raises
    ------
    SourceError
        If the mapping has no such block, the URL is not understood, or the database refuses. Never shows the password.
    """
    kinds = [kind for kind in mapping.files if "database" in kind.formats and kind.beside is None]
    if not kinds:
        raise SourceError(
            'no [[file]] has format = "database".',
            where=mapping.source.name,
            remedy="Add one with query or table_name; docs/sources.md shows how.",
        )
    zone = ZoneInfo(mapping.jurisdiction.timezone)
    with _connected(url) as connection:
        return [_extract(connection, kind, folder, since.get(kind.name), zone) for kind in kinds]


@contextmanager
def _connected(url: str) -> Iterator[sa.Connection]:
    engine = sa.create_engine(driver_url(url), isolation_level="REPEATABLE READ", hide_parameters=True)
    shown = safe_name(url)
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("SET TRANSACTION READ ONLY")
            yield connection.execution_options(stream_results=True, max_row_buffer=BATCH_ROWS)
    except sa.exc.SQLAlchemyError as error:
        cause = str(getattr(error, "orig", None) or type(error).__name__).splitlines()[0][:200]
        password = sa.make_url(url).password
        cause = cause.replace(str(password), "***") if password else cause
        raise SourceError(
            f"the database refused: {cause}.", where=shown, remedy="Check the URL, the account and the query."
        ) from None
    finally:
        engine.dispose()


def driver_url(url: str) -> sa.URL:
    """Return the SQLAlchemy URL of a database URL.

    Raises
    ------
    SourceError
        If it is not a URL, or of a database that is not supported.
    """
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError:
        raise SourceError(
            "this is not a database URL.", where="--database", remedy="Write postgresql://USER:PASSWORD@HOST/NAME."
        ) from None
    scheme = parsed.drivername.split("+")[0]
    if scheme not in DRIVERS:
        raise SourceError(
            f"databases of the kind {scheme!r} are not supported.",
            where="--database",
            remedy=f"Supported: {', '.join(DRIVERS)}.",
        )
    return parsed.set(drivername=DRIVERS[scheme])


def safe_name(url: str) -> str:
    """Return kind, host and name of a database without account, password or options."""
    parsed = driver_url(url)
    return f"{parsed.drivername.split('+')[0]}://{parsed.host or 'local'}/{parsed.database or ''}"


def _statement(connection: sa.Connection, kind: FileKind, since: Any) -> sa.TextClause:
    quote = connection.dialect.identifier_preparer.quote
    if kind.query is not None:
        # A colon of the query is a colon, not a parameter.
        rows = f"({kind.query.replace(':', chr(92) + ':')}) AS source_rows"
    else:
        rows = ".".join(quote(part) for part in str(kind.table_name).split("."))
    if kind.watermark is None or since is None:
        return sa.text(f"SELECT * FROM {rows}")
    column = quote(kind.watermark)
    return sa.text(f"SELECT * FROM {rows} WHERE {column} >= :since OR {column} IS NULL").bindparams(
        sa.bindparam("since", since, type_=sa.DateTime(timezone=True) if _has_zone(since) else None)
    )


def _has_zone(value: Any) -> bool:
    return isinstance(value, datetime.datetime) and value.tzinfo is not None


def _extract(
    connection: sa.Connection, kind: FileKind, folder: Path, known: dict[str, str] | None, zone: ZoneInfo
) -> Extract:
    import pyarrow.parquet as pq

    since = _from_text(known) if known else None
    answer = connection.execute(_statement(connection, kind, since))
    headers = [str(name) for name in answer.keys()]  # noqa: SIM118 - a result is not a dictionary
    place = _place_of(kind, headers)
    hidden = [number for number, header in enumerate(headers) if kind.is_personal(header)]
    path = folder / f"{kind.name}{EXTRACTED}"
    schema = dict.fromkeys(headers, pl.String)
    if len(schema) < len(headers):
        raise SourceError(
            "two columns of the answer have the same name.", where=kind.name, remedy="Name them in query."
        )
    rows = 0
    highest: Any = None
    at_highest: list[list[str | None]] = []
    with pq.ParquetWriter(path, pl.DataFrame(schema=schema).to_arrow().schema) as writer:
        for part in answer.partitions(BATCH_ROWS):
            texts = [[_text(value, zone) for value in row] for row in part]
            for cells in texts:
                for number in hidden:
                    cells[number] = None
            writer.write_table(pl.DataFrame(texts, schema=schema, orient="row").to_arrow())
            rows += len(texts)
            if place is not None:
                for row, cells in zip(part, texts, strict=True):
                    value = row[place]
                    if value is None:
                        continue
                    if highest is None or value > highest:
                        highest, at_highest = value, []
                    if value == highest:
                        at_highest.append(cells)
    if place is None:
        return Extract(kind.name, path, rows, None)
    if highest is None:
        return Extract(kind.name, path, rows, known, nothing_new=known is not None and rows == 0)
    mark = {**_to_text(highest, kind), "digest": digest_of(sorted(at_highest, key=str))}
    return Extract(kind.name, path, rows, mark, nothing_new=mark == known and rows == len(at_highest))


def _place_of(kind: FileKind, headers: list[str]) -> int | None:
    if kind.watermark is None:
        return None
    for number, header in enumerate(headers):
        if header.casefold() == kind.watermark.casefold():
            return number
    raise SourceError(
        f"the answer has no column {kind.watermark!r} to go on from.", where=kind.name, remedy="Correct watermark."
    )


def _text(value: Any, zone: ZoneInfo) -> str | None:
    """Return a cell as files would hold it; an instant with a zone as the local time of the force.

    Of two instants that the clock shows alike at the end of summer time, the later one keeps its offset.
    """
    if value is None or isinstance(value, bytes | memoryview):
        return None
    if isinstance(value, datetime.datetime):
        local = value.astimezone(zone) if value.tzinfo else value
        return (local if value.tzinfo and local.fold else local.replace(tzinfo=None)).isoformat(sep=" ")
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _to_text(value: Any, kind: FileKind) -> dict[str, str]:
    for name, type_ in (("datetime", datetime.datetime), ("date", datetime.date), ("integer", int), ("text", str)):
        if isinstance(value, type_):
            return {"type": name, "value": value.isoformat() if isinstance(value, datetime.date) else str(value)}
    if isinstance(value, decimal.Decimal):
        return {"type": "decimal", "value": str(value)}
    raise SourceError(f"{kind.watermark!r} is no column one can go on from ({type(value).__name__}).", where=kind.name)


def _from_text(mark: dict[str, str]) -> Any:
    reading: dict[str, Any] = {
        "datetime": datetime.datetime.fromisoformat,
        "date": datetime.date.fromisoformat,
        "integer": int,
        "decimal": decimal.Decimal,
        "text": str,
    }
    return reading[mark["type"]](mark["value"])
