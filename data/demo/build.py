"""From nothing to a store with the demo city in it: the generator's files go through the same door as real ones."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from data.demo.city import write_city
from data.errors import StoreError
from data.integration.ingest import IngestReport, ingest
from data.snapshots import current_snapshot
from data.store import Store

#: Folder in the store with the city's true risk surface. Tests read it; no page and no model does.
TRUTH = "demo_truth"


@dataclass(frozen=True)
class BuiltDemo:
    """A finished demo store: where it is, what was loaded, and the day an edition of it should be as of."""

    store: Store
    report: IngestReport
    as_of: date

    @property
    def snapshot_id(self) -> str:
        """Id of the snapshot that was made."""
        return self.report.snapshot_id

    def to_dict(self) -> dict[str, Any]:
        """Return the counts for ``--json``."""
        return {**self.report.to_dict(), "as_of": str(self.as_of)}


def build_demo_store(
    root: Path, *, seed: int, loaded_by: str, now: datetime, progress: Callable[[int, int, str], None] | None = None
) -> BuiltDemo:
    """Generate the demo city and ingest it.

    Raises
    ------
    StoreError
        If the store already holds something that is not the demo city.
    """
    store = Store.create(root)
    # A demo that was cut off before its edition is finished, not refused: loading the same files adds nothing.
    if store.current_snapshot_id() is not None and not current_snapshot(store).is_demo:
        raise StoreError(
            "the store already holds data.", where=str(root), remedy="Name a new folder for the demo city."
        )
    until = date(2026, 6, 30)
    with tempfile.TemporaryDirectory(dir=store.root, prefix=".demo-") as scratch:
        files = write_city(Path(scratch), seed=seed, until=until, progress=progress)
        report = ingest(store, "demo", files.paths, loaded_by=loaded_by, now=now, progress=progress, demo=True)
        (store.root / TRUTH).mkdir(exist_ok=True)
        shutil.copy2(files.truth, store.root / TRUTH / files.truth.name)
    return BuiltDemo(store, report, until + timedelta(days=1))
