"""A store: one folder that holds snapshots (data in), editions (advice out) and the records database.

::

    STORE/
      store.json                  format of the folder
      CURRENT                     id of the newest snapshot; replaced in one step
      loads/<load id>/            one folder per load: <table>.parquet, quarantine.parquet, load.json; a large table is
                                  a folder <table>/ with a file for the rows whose keys begin alike; columns that hold
                                  nothing are left out (``data.tables``)
      snapshots/<snapshot id>/    manifest.json (which loads), incidents.parquet or incidents/*.parquet (derived; put
                                  away when superseded and no edition rests on them, ``data.tidying``)
      editions/<edition id>/      manifest.json, <table>.parquet
      rounding.key                secret of this store: how counts are rounded for readers of aggregates; made at first
                                  need, to be kept with the editions (another one would round them otherwise)
      records.sqlite              decisions, visits, viewers, audit log (unless BEATWISE_RECORDS_URL names another)
      scratch/                    unfinished work; safe to delete when nothing runs
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from data.errors import StoreError
from data.files import create_once, disk_failures_told, read_json, write_atomically

FORMAT = 1


class Store:
    """A folder opened as a store. Holds paths only, no state: any number of processes may open it.

    Parameters
    ----------
    root
        The folder. Use :meth:`open` for one that must exist and :meth:`create` for one that may not.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.loads = root / "loads"
        self.snapshots = root / "snapshots"
        self.editions = root / "editions"
        self.scratch = root / "scratch"

    @classmethod
    def open(cls, root: Path | str) -> Store:
        """Open an existing store.

        Raises
        ------
        StoreError
            If the folder is missing, is not a store or was written by a newer beatwise.
        """
        store = cls(Path(root))
        marker = store.root / "store.json"
        if not marker.is_file():
            raise StoreError(
                "this folder is not a beatwise store.",
                where=str(root),
                remedy="Create one with `beatwise demo --store DIR` or `beatwise ingest --store DIR ...`.",
            )
        try:
            found = dict(read_json(marker)).get("format")
        except (TypeError, ValueError):
            raise StoreError(
                "store.json cannot be read: the file is damaged.",
                where=str(root),
                remedy=f'Bring the folder back from a backup; the file holds {{"format": {FORMAT}}} and nothing else.',
            ) from None
        if found != FORMAT:
            raise StoreError(
                f"the store has format {found}; this version reads format {FORMAT}.",
                where=str(root),
                remedy="Use the beatwise version that wrote it.",
            )
        return store

    @classmethod
    def create(cls, root: Path | str) -> Store:
        """Open a store, making the folder when it does not exist.

        Raises
        ------
        StoreError
            If the folder holds something else, or cannot be written.
        """
        path = Path(root)
        if (path / "store.json").is_file():
            return cls.open(path)
        # A kill while store.json was written leaves its beginning under another name.
        if path.exists() and (
            not path.is_dir() or any(not one.name.startswith(".store.json.") for one in path.iterdir())
        ):
            raise StoreError(
                "the folder exists and is not a beatwise store.",
                where=str(root),
                remedy="Name an empty folder.",
            )
        try:
            path.mkdir(parents=True, exist_ok=True)
            write_atomically(path / "store.json", f'{{\n "format": {FORMAT}\n}}\n'.encode())
        except OSError as error:
            raise StoreError(f"the folder cannot be written ({error.strerror}).", where=str(root)) from error
        return cls(path)

    def current_snapshot_id(self) -> str | None:
        """Return the id of the newest snapshot, or None in an empty store."""
        pointer = self.root / "CURRENT"
        return pointer.read_text(encoding="utf-8").strip() if pointer.is_file() else None

    def newest_snapshot_id(self) -> str:
        """Return the same.

        Raises
        ------
        StoreError
            If nothing has been loaded yet.
        """
        snapshot_id = self.current_snapshot_id()
        if snapshot_id is None:
            raise StoreError(
                "nothing has been loaded yet.", where=str(self.root), remedy="Run `beatwise ingest` first."
            )
        return snapshot_id

    def load_reports(self, snapshot_id: str) -> list[dict[str, Any]]:
        """Return the ``load.json`` of every load of a snapshot, oldest first: files, row counts, quarantine counts.

        Raises
        ------
        StoreError
            If the folder of a load is missing or damaged.
        """
        manifest = read_json(self.snapshots / snapshot_id / "manifest.json")
        return [self.load_report(str(load_id)) for load_id in manifest["loads"]]

    def load_report(self, load_id: str) -> dict[str, Any]:
        """Return the ``load.json`` of a load.

        Raises
        ------
        StoreError
            If the folder of the load is missing or damaged.
        """
        try:
            return dict(read_json(self.loads / load_id / "load.json"))
        except (OSError, ValueError) as error:
            raise StoreError(
                f"load {load_id} is not there or damaged ({type(error).__name__}).",
                where=str(self.root),
                remedy="Bring the folder loads/ back from a backup; nothing was changed.",
            ) from error

    def make_current(self, snapshot_id: str) -> None:
        """Point readers at a snapshot. The folder must be complete before this is called."""
        write_atomically(self.root / "CURRENT", f"{snapshot_id}\n".encode())

    def snapshot_ids(self) -> list[str]:
        """Return the ids of all snapshots, oldest first by time of creation."""
        return _ids_by_creation(self.snapshots)

    def edition_ids(self) -> list[str]:
        """Return the ids of all editions, oldest first by time of creation."""
        return _ids_by_creation(self.editions)

    def newest_edition_id(self) -> str:
        """Return the id of the edition created last.

        Raises
        ------
        StoreError
            If nothing has been published yet.
        """
        ids = self.edition_ids()
        if not ids:
            raise StoreError("nothing has been published yet.", where=str(self.root), remedy="Run `beatwise publish`.")
        return ids[-1]

    def rounding_secret(self) -> str:
        """Return the secret that decides how counts are rounded, see ``data.disclosure``; made at first need.

        Raises
        ------
        StoreError
            If it must be made and the disk is full or may not be written, or the file is empty.
        """
        path = self.root / "rounding.key"
        if not path.is_file():
            with disk_failures_told(self.root):
                create_once(path, secrets.token_hex(32).encode())
        secret = path.read_text(encoding="ascii").strip()
        if not secret:
            raise StoreError(
                "rounding.key is empty.", where=str(self.root), remedy="Bring the file back from a backup of the store."
            )
        return secret

    @property
    def records_url(self) -> str:
        """SQLAlchemy URL of the records database: BEATWISE_RECORDS_URL, else SQLite inside the store."""
        return os.environ.get("BEATWISE_RECORDS_URL") or f"sqlite:///{(self.root / 'records.sqlite').resolve()}"

    @contextmanager
    def locked_for_writing(self) -> Iterator[None]:
        """Hold the store's write lock; a second writer waits. Readers never need it.

        Raises
        ------
        StoreError
            If the disk is full or may not be written.
        """
        import fcntl

        with disk_failures_told(self.root), (self.root / "store.lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield


def only_demo(load_reports: Sequence[dict[str, Any]]) -> bool:
    """Return whether every row of some loads was made by the demo generator. Only then may roles be picked freely."""
    return bool(load_reports) and all(load.get("demo", False) for load in load_reports)


def stated(load_reports: Sequence[dict[str, Any]], key: str) -> str:
    """Return what loads state under a key (``purpose``, ``legal_basis``): each text once, in order, joined."""
    return "; ".join(dict.fromkeys(str(load[key]) for load in load_reports if load.get(key)))


def _ids_by_creation(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    found = [entry for entry in folder.iterdir() if (entry / "manifest.json").is_file()]
    return [entry.name for entry in sorted(found, key=lambda e: (read_json(e / "manifest.json")["created_at"], e.name))]
