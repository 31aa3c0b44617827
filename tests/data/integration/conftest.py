"""A store, a small mapping, and a way to ingest text as files."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from data.integration.ingest import IngestReport, ingest
from data.store import Store

CITY = Path(__file__).parent / "city.toml"
NOW = datetime(2026, 1, 15, tzinfo=UTC)

Load = Callable[..., IngestReport]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "store")


@pytest.fixture
def load(store: Store, tmp_path: Path) -> Load:
    """Write name=text files and ingest them with the test city's mapping."""

    def load_files(files: dict[str, str | bytes], source: str | Path = CITY) -> IngestReport:
        paths = []
        for name, content in files.items():
            path = tmp_path / name
            path.write_bytes(content if isinstance(content, bytes) else content.encode("gb18030"))
            paths.append(path)
        return ingest(store, source, paths, loaded_by="tester", now=NOW)

    return load_files
