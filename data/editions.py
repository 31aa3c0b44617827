"""Editions (研判期次): what the models said from one snapshot at one ``as_of``; written once, never changed."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import polars as pl

from data.errors import SchemaError, StoreError
from data.files import digest_of, folder_appears_whole, read_json, sha256_of_file, write_json
from data.schemas import EDITION
from data.store import Store


class Edition:
    """One edition, opened for reading."""

    def __init__(self, store: Store, edition_id: str) -> None:
        self.store = store
        self.edition_id = edition_id
        self.folder = store.editions / edition_id
        if not (self.folder / "manifest.json").is_file():
            raise StoreError(
                f"there is no edition {edition_id!r}.",
                where=str(store.root),
                remedy=f"Known editions: {', '.join(store.edition_ids()) or 'none; run `beatwise publish` first'}.",
            )

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """Snapshot id, as-of day, parameters, code version, verdicts, file hashes; see :func:`write_edition`."""
        return dict(read_json(self.folder / "manifest.json"))

    def scan(self, table: str) -> pl.LazyFrame:
        """Return one table lazily, empty when the edition could not make it from its data.

        Raises
        ------
        StoreError
            If there is no such table, or it was deleted after its retention.
        """
        if table not in EDITION:
            raise StoreError(f"editions have no table {table!r}.", remedy=f"Tables: {', '.join(EDITION)}.")
        path = self.folder / f"{table}.parquet"
        empty = EDITION[table].create_empty()
        if not path.is_file():
            if table in self.manifest.get("tables", {}):
                raise StoreError(
                    f"{table} of this edition was deleted when its retention was over.",
                    where=self.edition_id,
                    remedy="Choose a newer edition; `beatwise retain` keeps the report of what was deleted.",
                )
            return empty.lazy()
        frame = pl.scan_parquet(path)
        # An edition never changes; one written before a column existed answers it with null.
        later = set(empty.columns) - set(frame.collect_schema().names())
        return frame.with_columns(pl.lit(None, dtype=empty.schema[name]).alias(name) for name in sorted(later))

    def holds(self, table: str) -> bool:
        """Return whether a table was made and has not been deleted after its retention."""
        return (self.folder / f"{table}.parquet").is_file()

    def read(self, table: str) -> pl.DataFrame:
        """Return one table in memory."""
        return self.scan(table).collect()


def newest_edition(store: Store) -> Edition:
    """Return the edition created last.

    Raises
    ------
    StoreError
        If nothing has been published yet.
    """
    return Edition(store, store.newest_edition_id())


@lru_cache(maxsize=1024)
def edition_summary(root: str, edition_id: str) -> dict[str, Any]:
    """Return what tells editions apart, kept in memory: snapshot, as-of day, time, and whose it is. Never change it.

    Parameters
    ----------
    root
        Folder of the store, resolved.

    Returns
    -------
    dict
        ``edition_id``, ``snapshot_id``, ``as_of``, ``created_at``; ``jurisdiction``, ``name_zh`` and ``name_en`` of the
        police force.
    """
    manifest = Edition(Store(Path(root)), edition_id).manifest
    force = manifest.get("jurisdiction") or {}
    return {
        "edition_id": edition_id,
        "snapshot_id": manifest["snapshot_id"],
        "as_of": manifest["parameters"]["as_of"],
        "created_at": manifest["created_at"],
        "jurisdiction": force.get("code"),
        "name_zh": force.get("name_zh"),
        "name_en": force.get("name_en"),
    }


def edition_id_of(snapshot_id: str, parameters: dict[str, Any], code_version: str) -> str:
    """Return the id an edition of these inputs has: same snapshot, parameters and code, same id."""
    as_of = str(parameters["as_of"]).replace("-", "")
    return f"E{as_of}-{digest_of([snapshot_id, parameters, code_version])[:10]}"


def write_edition(
    store: Store,
    edition_id: str,
    tables: dict[str, pl.DataFrame],
    manifest: dict[str, Any],
    announce: Callable[[str], None] | None = None,
) -> Edition:
    """Write an edition in one step.

    Parameters
    ----------
    tables
        Frames by name, see ``data.schemas.EDITION``. Each is validated against its schema.
    manifest
        Must hold ``snapshot_id``, ``parameters``, ``code_version``, ``created_at``, ``created_by``; row counts and
        file hashes are added.
    announce
        Called with the seal of the edition (see :func:`data.files.folder_appears_whole`) before it appears.

    Raises
    ------
    SchemaError
        If a table is unknown or does not fit its schema; nothing is written then.

    Notes
    -----
    Writing an id that exists already changes nothing: the first writing stands.
    """
    unknown = set(tables) - set(EDITION)
    if unknown:
        raise SchemaError(f"an edition has no table {sorted(unknown)}.", remedy=f"Tables: {', '.join(EDITION)}.")
    with folder_appears_whole(store.editions / edition_id, store.scratch, announce) as folder:
        contents: dict[str, dict[str, Any]] = {}
        for name, frame in tables.items():
            path = folder / f"{name}.parquet"
            fitting(name, frame).write_parquet(path, statistics=True)
            contents[name] = {"rows": frame.height, "sha256": sha256_of_file(path)}
        write_json(folder / "manifest.json", {"edition_id": edition_id, **manifest, "tables": contents})
    return Edition(store, edition_id)


def fitting(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Return a table of an edition in the types of its schema.

    Raises
    ------
    SchemaError
        If rows break its rules.
    """
    good, failures = EDITION[name].filter(frame, cast=True)
    if len(failures):
        raise SchemaError(f"rows of {name} break its rules: {failures.counts()}.", where=name)
    return good
