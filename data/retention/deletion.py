"""Retention on a store: the new snapshot first, then the erasure of what only older ones held, then the proof."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from data.errors import RequestError
from data.files import digest_of, read_json, write_atomically, write_json
from data.quality.measures import report_quality
from data.retention.plan import Expiry, plan_retention
from data.retention.reduction import reduce_loads
from data.snapshots import ERASED, Snapshot, current_snapshot
from data.store import Store

#: Folder of the reports inside a store: the proof of deletion.
REPORTS = "retention"


@dataclass(frozen=True)
class RetentionReport:
    """What was deleted (or would be), how much of it, and under which rule.

    Attributes
    ----------
    items
        What was due, one per table of a load or edition.
    snapshot_before, snapshot_after
        Ids; the same when no load held anything due.
    erased
        ``snapshots``, ``loads`` and ``editions`` of which tables were deleted, by id.
    """

    as_of: str
    dry_run: bool
    items: list[dict[str, Any]]
    snapshot_before: str | None
    snapshot_after: str | None
    erased: dict[str, list[str]] = field(default_factory=dict)
    retained_at: str | None = None
    retained_by: str | None = None
    report: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON-able values."""
        return asdict(self)

    def to_text(self) -> str:
        """Return the report for a terminal."""
        if not self.items and not any(self.erased.values()):
            return f"nothing is past its period on {self.as_of}"
        verb = "would be deleted" if self.dry_run else "deleted"
        lines = [
            f"{one['kind']} {one['holder']}  {one['table']}: {one['rows']:,} rows "
            + (f"without {', '.join(one['columns'])}" if one["columns"] else verb)
            + f"  ({one['retention']}, due {one['due']})"
            for one in self.items
        ]
        lines += [f"{kind}: {', '.join(ids)} hold no such rows any more" for kind, ids in self.erased.items() if ids]
        if self.report:
            lines.append(f"snapshot {self.snapshot_before} → {self.snapshot_after}; report {self.report}")
        return "\n".join(lines)


def retain(store: Store, *, as_of: date, retained_by: str, now: datetime, dry_run: bool = False) -> RetentionReport:
    """Delete what is past its period in the catalogue.

    A new snapshot without it becomes current; then older snapshots that still hold it lose their tables, and their
    loads theirs, while manifests, counts, file names and digests stay, so that it can be shown what was there. Tables
    of editions go when their own period is over. Decisions, visits recorded here and the audit log are not touched.

    Parameters
    ----------
    as_of
        Day on which periods are judged; not after ``now`` unless ``dry_run``.

    Raises
    ------
    RequestError
        If the day lies ahead: what is not yet due is not deleted.

    Notes
    -----
    Killed at any moment, the store reads as before or as after; running it again finishes what is left.
    """
    before = store.current_snapshot_id()
    if dry_run:
        items = [one.to_dict() for one in plan_retention(store, as_of)]
        return RetentionReport(as_of.isoformat(), True, items, before, before)
    if as_of > now.date():
        raise RequestError(
            f"{as_of} lies ahead: what is not yet due is not deleted.",
            where="--as-of",
            remedy="Use --dry-run to see what will be due.",
        )
    with store.locked_for_writing():
        due = plan_retention(store, as_of)
        if any(one.kind == "load" for one in due):
            _new_snapshot(store, due, as_of, retained_by, now)
        stamp = {"at": now.isoformat(), "by": retained_by, "as_of": as_of.isoformat()}
        erased = {**_erase_superseded(store, stamp), "editions": _erase_editions(store, due, stamp)}
        report = RetentionReport(
            as_of.isoformat(),
            False,
            [one.to_dict() for one in due],
            before,
            store.current_snapshot_id(),
            erased,
            now.isoformat(),
            retained_by,
        )
        if not due and not any(erased.values()):
            return report
        name = f"{REPORTS}/{as_of.isoformat()}-{digest_of(report.to_dict())[:10]}.json"
        report = RetentionReport(**{**asdict(report), "report": name})
        (store.root / REPORTS).mkdir(exist_ok=True)
        write_json(store.root / name, report.to_dict())
    return report


def retention_reports(store: Store) -> list[dict[str, Any]]:
    """Return the reports of earlier runs, newest first."""
    found = [read_json(path) for path in (store.root / REPORTS).glob("*.json")]
    return sorted(found, key=lambda one: str(one["retained_at"]), reverse=True)


def _new_snapshot(store: Store, due: Sequence[Expiry], as_of: date, retained_by: str, now: datetime) -> None:
    # The desk reads this module on every page; the ingest is needed here only.
    from data.integration.rederiving import rederive

    before = current_snapshot(store)
    loads = reduce_loads(store, due, as_of)
    rederive(
        store,
        loads,
        list(before.jurisdictions),
        changes={"retention": {"as_of": as_of.isoformat(), "items": len(due)}},
        created_at=now,
        created_by=retained_by,
    )


def _erase_superseded(store: Store, stamp: dict[str, str]) -> dict[str, list[str]]:
    """Delete the tables of loads that a reduced one stands for, and of the snapshots that hold such a load."""
    current = store.current_snapshot_id()
    if current is None:
        return {"snapshots": [], "loads": []}
    superseded: set[str] = set()
    for load in Snapshot(store, current).loads:
        while "reduced_from" in load:
            superseded.add(str(load["reduced_from"]))
            load = read_json(store.loads / str(load["reduced_from"]) / "load.json")
    snapshots = [
        one
        for snapshot_id in store.snapshot_ids()
        if superseded & set((one := Snapshot(store, snapshot_id)).manifest["loads"])
    ]
    for one in snapshots:
        # The report of its quality holds no row; the trend over loads needs it.
        if one.erased is None and not one.manifest.get("changes"):
            report_quality(one)
    erased_snapshots = [one.snapshot_id for one in snapshots if _erase(one.folder, stamp)]
    return {
        "snapshots": erased_snapshots,
        "loads": [load_id for load_id in sorted(superseded) if _erase(store.loads / load_id, stamp)],
    }


def _erase_editions(store: Store, due: Sequence[Expiry], stamp: dict[str, str]) -> list[str]:
    tables: dict[str, list[str]] = {}
    for one in due:
        if one.kind == "edition":
            tables.setdefault(one.holder, []).append(one.table)
    for edition_id, names in tables.items():
        folder = store.editions / edition_id
        _note(folder, {**stamp, "tables": sorted(names)})
        for name in names:
            (folder / f"{name}.parquet").unlink(missing_ok=True)
    return sorted(tables)


def _erase(folder: Path, stamp: dict[str, str]) -> bool:
    """Delete the Parquet files of a folder; its JSON files stay. Return whether there was anything to delete."""
    files = sorted(folder.rglob("*.parquet"))
    if not files:
        return False
    _note(folder, stamp)
    for path in files:
        path.unlink()
    for inner in sorted(folder.iterdir()):
        if inner.is_dir() and not any(inner.iterdir()):
            inner.rmdir()
    return True


def _note(folder: Path, stamp: dict[str, Any]) -> None:
    """Say that tables are gone before they go: a reader is told, never shown half."""
    write_atomically(folder / ERASED, (json.dumps(stamp, ensure_ascii=False) + "\n").encode("utf-8"))
