"""Whether the files of a store are those the audit log announced.

Every folder that is written once (load, snapshot, edition) holds a list of its files with their digests
(``data.files.FILE_LIST``). The digest of that list is the folder's **seal**: it stands for every byte. Seals go into
the audit log, editions' before they appear, so that a table, a manifest or a whole edition that somebody exchanged
shows, and so does an edition that is gone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from data.files import FILE_LIST, read_json, sha256_of_file
from data.records.agreement import verify_records
from data.records.audit import AuditEvent, ChainReport, append_audit
from data.records.database import Records
from data.records.tables import audit_log
from data.schemas import DERIVED
from data.snapshots import ERASED, TIDIED
from data.store import Store

#: Event of the audit row with the seals of loads and snapshots.
SEALED = "seal"
#: Keys of the details of ``seal`` and ``publish`` rows: folder → seal, and the digest of the rounding secret.
SEALS, ROUNDING = "seals", "rounding_key_sha256"
KINDS = ("loads", "snapshots", "editions")


def seal_snapshot(store: Store, records: Records, *, viewer: str, role: str) -> None:
    """Write the audit row with the seals of the current snapshot and of its loads that are not in the log yet.

    To be called when a snapshot was made. A folder from before there were lists of files has no seal.
    """
    snapshot_id = store.newest_snapshot_id()
    loads = read_json(store.snapshots / snapshot_id / "manifest.json")["loads"]
    log = _Log(records)
    seals: dict[str, str] = {}
    for folder in (store.snapshots / snapshot_id, *(store.loads / str(load_id) for load_id in loads)):
        name = f"{folder.parent.name}/{folder.name}"
        if name not in log.seals and (folder / FILE_LIST).is_file():
            seals[name] = sha256_of_file(folder / FILE_LIST)
    if seals or log.current != snapshot_id:
        details = {SEALS: dict(sorted(seals.items()))}
        append_audit(records, AuditEvent(viewer, role, SEALED, snapshot_id, None, snapshot_id, details=details))


def seal_of_edition(store: Store, edition_id: str, seal: str) -> dict[str, Any]:
    """Return what the audit row of a publication says besides: its seal, and which secret rounds counts."""
    secret = hashlib.sha256(store.rounding_secret().encode()).hexdigest()
    return {SEALS: {f"editions/{edition_id}": seal}, ROUNDING: secret}


def verify_store(store: Store, records: Records, expected_head: tuple[int, str] | None = None) -> ChainReport:
    """Return :func:`data.records.agreement.verify_records`, and of a whole log whether the store's files agree with it.

    Reads every file of the store once.
    """
    report = verify_records(records, expected_head)
    if not report.whole:
        return report
    check = _Files(store, records)
    problem = next(check.problems(), None)
    report = replace(report, files=check.read, unsealed=tuple(check.unsealed))
    return report if problem is None else replace(report, whole=False, problem=problem)


def problems_of(store: Store, records: Records, name: str) -> Iterator[str]:
    """Yield what does not agree in one folder of a store, such as ``editions/E…``."""
    yield from _Files(store, records).of_folder(name, store.root / name)


class _Log:
    """What the audit log says of the files of a store."""

    def __init__(self, records: Records) -> None:
        #: Folder → seal → the last row that announced it.
        self.seals: dict[str, dict[str, int]] = {}
        #: Digest of a rounding secret → the last row that named it.
        self.secrets: dict[str, int] = {}
        #: Editions with a row of their publication, those from before there were seals as well.
        self.published: set[str] = set()
        #: Snapshot that was made current last.
        self.current: str | None = None
        #: Snapshots whose superseded view was put away.
        self.tidied: set[str] = set()
        #: Day of a retention → holders and tables its row named as due.
        self.retained: dict[str, set[tuple[str, str]]] = {}
        for row in _rows(records):
            details = json.loads(row.details)
            for name, seal in details.get(SEALS, {}).items():
                self.seals.setdefault(name, {})[seal] = row.seq
            if ROUNDING in details:
                self.secrets[details[ROUNDING]] = row.seq
            if row.event == "publish":
                self.published.add(f"editions/{row.object}")
            elif row.event == SEALED:
                self.current = row.object
            elif row.event == "tidy":
                self.tidied.update(details.get("snapshots", []))
            else:
                due = {(str(one["holder"]), str(one["table"])) for one in details.get("items", [])}
                self.retained.setdefault(row.object, set()).update(due)


class _Files:
    """Compares folders with their lists, and lists with the log; counts what it read."""

    def __init__(self, store: Store, records: Records) -> None:
        self.store = store
        self.log = _Log(records)
        self.read = 0
        self.unsealed: list[str] = []

    def problems(self) -> Iterator[str]:
        """Yield what does not agree, folder by folder."""
        there = {f"{kind}/{one.name}": one for kind in KINDS for one in _folders(self.store.root / kind)}
        for name, row in self.log.seals.items():
            if name not in there:
                yield f"{name}, announced in row {min(row.values())}, is gone or never appeared"
        for name, folder in sorted(there.items()):
            yield from self.of_folder(name, folder)
        current = self.store.current_snapshot_id()
        known = f"snapshots/{current}" in self.log.seals or f"snapshots/{current}" not in there
        if self.log.current is not None and current != self.log.current and known:
            yield f"CURRENT names the snapshot {current}; the log says {self.log.current}"
        yield from self._of_secret()

    def of_folder(self, name: str, folder: Path) -> Iterator[str]:
        """Yield what does not agree in one folder."""
        path = folder / FILE_LIST
        seal = sha256_of_file(path) if path.is_file() else None
        announced = self.log.seals.get(name)
        if folder.parent.name == "editions" and name not in self.log.published:
            yield f"{name} is there, but the log has no row of its publication"
        elif announced is None:
            self.unsealed.append(name)
        elif seal not in announced:
            yield f"{name} is not what row {max(announced.values())} announced: its list of files differs"
            return
        listed = _listed(folder)
        if listed is None:
            yield f"{name}: its list of files cannot be read"
            return
        gone = _json_of(folder / ERASED) if (folder / ERASED).is_file() else None
        for file, digest in sorted(listed.items()):
            if not (folder / file).is_file():
                if not self._may_be_gone(folder, file, gone):
                    yield f"{name}/{file} is gone"
                continue
            self.read += 1
            if sha256_of_file(folder / file) != digest:
                yield f"{name}/{file} was changed"
        if seal is not None:
            for other in sorted(folder.rglob("*.parquet")):
                if other.relative_to(folder).as_posix() not in listed:
                    yield f"{name}/{other.relative_to(folder).as_posix()} was put there"

    def _may_be_gone(self, folder: Path, file: str, gone: dict[str, Any] | None) -> bool:
        """Return whether retention or tidying, which have audit rows, took a file away."""
        if (folder / TIDIED).is_file() and file.split("/")[0].removesuffix(".parquet") in DERIVED:
            return folder.parent.name == "snapshots" and folder.name in self.log.tidied
        if gone is None or not file.endswith(".parquet") or str(gone.get("as_of")) not in self.log.retained:
            return False
        if folder.parent.name != "editions":
            return self.store.current_snapshot_id() != folder.name
        return (folder.name, file.removesuffix(".parquet")) in self.log.retained[str(gone["as_of"])]

    def _of_secret(self) -> Iterator[str]:
        path = self.store.root / "rounding.key"
        if self.log.secrets and not path.is_file():
            yield f"rounding.key, in use in row {max(self.log.secrets.values())}, is gone: counts would be rounded anew"
        elif self.log.secrets and hashlib.sha256(path.read_bytes().strip()).hexdigest() not in self.log.secrets:
            yield f"rounding.key is not the one in use in row {max(self.log.secrets.values())}"


def _rows(records: Records) -> list[Any]:
    query = sa.select(audit_log.c.seq, audit_log.c.event, audit_log.c.object, audit_log.c.details).where(
        audit_log.c.event.in_(("publish", "retain", "tidy", SEALED)), audit_log.c.success.is_(True)
    )
    with records.reading() as connection:
        return list(connection.execute(query.order_by(audit_log.c.seq)).all())


def _folders(root: Path) -> list[Path]:
    return [one for one in root.iterdir() if one.is_dir()] if root.is_dir() else []


def _listed(folder: Path) -> dict[str, str] | None:
    """Return file → digest; of an edition from before there were lists, what its manifest says of its tables."""
    found = _json_of(folder / FILE_LIST) if (folder / FILE_LIST).is_file() else None
    if found is not None:
        return found
    if (folder / FILE_LIST).is_file():
        return None
    manifest = _json_of(folder / "manifest.json") if folder.parent.name == "editions" else {}
    if manifest is None:
        return None
    tables = manifest.get("tables", {})
    return {f"{name}.parquet": str(told["sha256"]) for name, told in tables.items()}


def _json_of(path: Path) -> dict[str, Any] | None:
    try:
        return dict(read_json(path))
    except (OSError, ValueError, TypeError):
        return None  # Damaged by somebody: the caller names it.
