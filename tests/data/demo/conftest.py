from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

import polars as pl
import pytest

from data.demo.city import DemoFiles, write_city
from data.integration.ingest import IngestReport, ingest
from data.snapshots import Snapshot, current_snapshot
from data.store import Store

SEED = 20260101


@dataclass(frozen=True)
class SmallCity:
    files: DemoFiles
    report: IngestReport
    snapshot: Snapshot

    def upstream(self, *names: str) -> pl.DataFrame:
        """All files whose names begin so, as text."""
        paths = [path for path in self.files.paths if path.name.startswith(names) and path.suffix == ".csv"]
        frames = [
            pl.read_csv(path.read_bytes().decode("gb18030").encode("utf-8"), infer_schema=False) for path in paths
        ]
        return pl.concat(frames)


@pytest.fixture(scope="session")
def small_city(tmp_path_factory: pytest.TempPathFactory) -> SmallCity:
    """The demo city with a twentieth of its incidents, ingested through the door like any real source."""
    folder = tmp_path_factory.mktemp("demo")
    files = write_city(folder / "files", seed=SEED, until=date(2026, 6, 30), scale=0.05)
    store = Store.create(folder / "store")
    now = datetime(2026, 7, 1, tzinfo=UTC)
    report = ingest(store, "demo", files.paths, loaded_by="test", now=now, demo=True)
    return SmallCity(files, report, current_snapshot(store))
