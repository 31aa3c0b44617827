"""Views nobody reads any more: every load writes the incidents of the whole store anew, and most are soon superseded.

The rows stay in the loads. What goes is the derived view of a snapshot that is not the newest, that no edition was made
from, and that is older than a few days; its manifest and the report of its quality stay.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from data.editions import Edition
from data.files import write_atomically
from data.quality.measures import report_quality
from data.schemas import DERIVED
from data.snapshots import TIDIED, Snapshot, parts_of_table
from data.store import Store

#: Days a superseded view is kept: an edition may be being made from it.
KEPT_DAYS = 7


@dataclass(frozen=True)
class TidyReport:
    """Which snapshots lost their view (or would), how many bytes that frees, and how many keep it."""

    snapshots: list[str]
    freed_bytes: int
    kept: int
    dry_run: bool

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON-able values."""
        return asdict(self)

    def to_text(self) -> str:
        """Return the report for a terminal."""
        verb = "would be put away" if self.dry_run else "were put away"
        return (
            f"superseded views that {verb}: {len(self.snapshots)}, {self.freed_bytes / 1e6:,.1f} MB; "
            f"views that stay: {self.kept}"
        )


def tidy(
    store: Store,
    *,
    tidied_by: str,
    now: datetime,
    days: int = KEPT_DAYS,
    dry_run: bool = False,
    only: Collection[str] | None = None,
) -> TidyReport:
    """Delete the derived tables of superseded snapshots that no edition was made from.

    Parameters
    ----------
    days
        How old such a snapshot must be.
    only
        Snapshots that may lose theirs: those the audit log has named before. Without it any may.

    Notes
    -----
    Killed at any moment the store reads as before or as after; running it again finishes what is left.
    """
    with store.locked_for_writing():
        needed = {store.current_snapshot_id()}
        needed |= {str(Edition(store, one).manifest["snapshot_id"]) for one in store.edition_ids()}
        went: list[str] = []
        freed = kept = 0
        for snapshot in (Snapshot(store, one) for one in store.snapshot_ids()):
            paths = [path for table in DERIVED for path in parts_of_table(snapshot.folder, table)]
            if not paths:
                continue
            young = datetime.fromisoformat(str(snapshot.manifest["created_at"])) > now - timedelta(days=days)
            unnamed = only is not None and snapshot.snapshot_id not in only
            if snapshot.snapshot_id in needed or young or unnamed:
                kept += 1
                continue
            went.append(snapshot.snapshot_id)
            freed += sum(path.stat().st_size for path in paths)
            if not dry_run:
                _put_away(snapshot, {"at": now.isoformat(), "by": tidied_by})
    return TidyReport(went, freed, kept, dry_run)


def _put_away(snapshot: Snapshot, stamp: dict[str, str]) -> None:
    # The trend over loads needs the report, and nothing could compute it afterwards.
    if not snapshot.manifest.get("changes"):
        report_quality(snapshot)
    # A reader is told first, never shown half.
    write_atomically(snapshot.folder / TIDIED, (json.dumps(stamp, ensure_ascii=False) + "\n").encode("utf-8"))
    for table in DERIVED:
        for path in parts_of_table(snapshot.folder, table):
            path.unlink()
        if (folder := snapshot.folder / table).is_dir():
            folder.rmdir()
