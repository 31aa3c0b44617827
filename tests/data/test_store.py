"""A store on a bad disk: one message, and what was there before still stands."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from data.errors import StoreError
from data.files import disk_failures_told, folder_appears_whole
from data.integration.ingest import ingest
from data.store import Store

ROOT = Path(__file__).parents[2]
CITY = ROOT / "tests" / "data" / "integration" / "city.toml"


def test_a_damaged_store_is_told(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "store")
    for damaged in ("", '{"form', "7"):
        (store.root / "store.json").write_text(damaged, encoding="utf-8")
        with pytest.raises(StoreError, match=r"store\.json cannot be read"):
            Store.open(store.root)


def test_a_store_whose_making_was_killed_is_made(tmp_path: Path) -> None:
    (tmp_path / ".store.json.0123").write_text('{"fo', encoding="utf-8")
    assert Store.open(Store.create(tmp_path).root).current_snapshot_id() is None
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "letter.txt").touch()
    with pytest.raises(StoreError, match="not a beatwise store"):
        Store.create(tmp_path / "other")


def test_a_load_that_is_gone_is_named(tmp_path: Path) -> None:
    (tmp_path / "calls.csv").write_text("kind,day,x,y\na,2025-01-01,1,1\n", encoding="utf-8")
    store = Store.create(tmp_path / "store")
    report = ingest(store, CITY, [tmp_path / "calls.csv"], loaded_by="t", now=datetime(2026, 1, 1, tzinfo=UTC))
    (store.loads / report.load_id / "load.json").write_text("{", encoding="utf-8")
    with pytest.raises(StoreError, match=f"load {report.load_id} is not there or damaged"):
        store.load_reports(report.snapshot_id)


def test_what_the_disk_refuses_is_one_message_and_nothing_appears(tmp_path: Path) -> None:
    with (
        pytest.raises(StoreError, match=r"the disk refused \(No space left on device\)"),
        folder_appears_whole(tmp_path / "loads" / "L1", tmp_path / "scratch"),
    ):
        raise OSError(28, "No space left on device")
    assert [path.name for path in tmp_path.iterdir()] == ["scratch"]
    assert not any((tmp_path / "scratch").iterdir())
    text = "parquet: File out of specification: underlying IO error: No space left on device (os error 28)"
    with pytest.raises(StoreError, match="No space left on device"), disk_failures_told(tmp_path):
        raise pl.exceptions.ComputeError(text)
    with pytest.raises(pl.exceptions.ComputeError, match="another"), disk_failures_told(tmp_path):
        raise pl.exceptions.ComputeError("another fault")


def test_an_ingest_that_may_write_no_large_file_ends_with_a_message(tmp_path: Path) -> None:
    rows = "".join(f"k{n},2025-01-01,{n / 7},{n / 11},{n * 7919}\n" for n in range(30_000))
    (tmp_path / "calls.csv").write_text("kind,day,x,y,detail\n" + rows, encoding="utf-8")
    words = f"-m cli ingest --store {tmp_path / 'store'} --source {CITY} {tmp_path / 'calls.csv'}"
    limited = f"ulimit -f 200; exec {sys.executable} {words}"
    done = subprocess.run(["bash", "-c", limited], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert "the disk refused (File too large" in done.stderr
    assert Store.open(tmp_path / "store").current_snapshot_id() is None
    assert not any((tmp_path / "store" / "scratch").iterdir())
