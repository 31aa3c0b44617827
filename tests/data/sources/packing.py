"""Calls packed in every way, and a way to ingest them with the test city's mapping."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from data.integration.ingest import IngestReport, ingest
from data.store import Store

CITY = Path(__file__).parents[1] / "integration" / "city.toml"
NOW = datetime(2026, 1, 15, tzinfo=UTC)
CALLS = "JJDBH,BJSJ,BJLX,X,Y\n" + "".join(f"{n:03d},202601{n:02d}083000,0101,114.1,22.5\n" for n in range(1, 10))
MORE = CALLS.replace("\n0", "\n1")
#: Ending → packed by a real tool.
ONE: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}


def load(store: Store, *paths: Path) -> IngestReport:
    return ingest(store, CITY, list(paths), loaded_by="tester", now=NOW)


def zipped(path: Path, members: dict[str, str | bytes], **how: int) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, **how) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path
