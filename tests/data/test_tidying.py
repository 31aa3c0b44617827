"""Superseded views go, and with them nothing anybody reads: loads, editions, the trend of quality stay."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

import cli
from data.editions import write_edition
from data.errors import StoreError
from data.integration.ingest import ingest
from data.quality import measures
from data.quality.measures import quality_history
from data.records import Records, read_audit
from data.snapshots import Snapshot, current_snapshot
from data.store import Store
from data.tidying import tidy
from tests.data.tiny_edition import tiny_areas

CITY = Path(__file__).parent / "integration" / "city.toml"
FIRST = datetime(2025, 3, 3, tzinfo=UTC)
LATER = FIRST + timedelta(days=60)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Five daily loads; an edition was made from the second."""
    made = Store.create(tmp_path / "store")
    for day in range(5):
        path = tmp_path / f"{day}.csv"
        path.write_bytes(
            f"JJDBH,BJSJ,BJLX,GXDWDM,X,Y\n{day},2025030{day + 1}080000,010100,S1,120.5,30.5\n".encode("gb18030")
        )
        ingest(made, CITY, [path], loaded_by="clerk", now=FIRST + timedelta(days=day))
        if day == 1:
            about = {"snapshot_id": made.current_snapshot_id(), "parameters": {"as_of": "2025-03-04"}}
            manifest = {**about, "code_version": "test", "created_at": str(FIRST), "created_by": "clerk"}
            write_edition(made, "E20250304-x", {"areas": tiny_areas()}, manifest)
    return made


def held(store: Store) -> list[bool]:
    return [(store.snapshots / one / "incidents.parquet").is_file() for one in store.snapshot_ids()]


def test_only_views_that_nobody_reads_go(store: Store) -> None:
    rows = [Snapshot(store, one).scan("calls").collect() for one in store.snapshot_ids()]
    before = quality_history(store)
    for one in store.snapshot_ids():
        (store.snapshots / one / measures.FILE).unlink()
    report = tidy(store, tidied_by="clerk", now=LATER)
    assert held(store) == [False, True, False, False, True]
    assert (len(report.snapshots), report.kept) == (3, 2) and report.freed_bytes > 1000
    assert current_snapshot(store).scan("incidents").collect().height == 5
    # The trend was kept before the rows went, and every snapshot still reads its loads.
    assert quality_history(store) == before
    for one, loaded in zip(store.snapshot_ids(), rows, strict=True):
        assert Snapshot(store, one).scan("calls").collect().equals(loaded)
    assert tidy(store, tidied_by="clerk", now=LATER).snapshots == []


def test_a_view_that_went_is_told_and_never_read_as_empty(store: Store) -> None:
    first = store.snapshot_ids()[0]
    tidy(store, tidied_by="clerk", now=LATER)
    with pytest.raises(StoreError, match="no edition was made from it"):
        Snapshot(store, first).scan("incidents")
    # A later version of beatwise may measure in another form: what cannot be measured again stands.
    monkeyed = json.loads((store.snapshots / first / measures.FILE).read_text("utf-8")) | {"format": 0}
    (store.snapshots / first / measures.FILE).write_text(json.dumps(monkeyed), "utf-8")
    assert quality_history(store)[0].snapshot_id == first


def test_young_views_stay_and_loading_goes_on_afterwards(store: Store, tmp_path: Path) -> None:
    tidy(store, tidied_by="clerk", now=FIRST + timedelta(days=8, hours=1))
    assert held(store) == [False, True, True, True, True]
    tidy(store, tidied_by="clerk", now=LATER)
    path = tmp_path / "later.csv"
    path.write_bytes(b"JJDBH,BJSJ,BJLX,GXDWDM,X,Y\n3,20250304080000,020100,S1,120.5,30.5\n")
    ingest(store, CITY, [path], loaded_by="clerk", now=LATER)
    incidents = current_snapshot(store).scan("incidents").sort("occurred_on").collect()
    assert incidents["category_intake"].to_list() == ["010100"] * 3 + ["020100", "010100"]


def test_the_command_is_on_record_and_a_dry_run_deletes_nothing(store: Store) -> None:
    def run(*words: str) -> dict[str, Any]:
        result = CliRunner().invoke(cli.app, ["tidy", "--store", str(store.root), "--json", *words])
        assert result.exit_code == 0, result.output
        return dict(json.loads(result.stdout))

    told = run("--dry-run")
    assert held(store) == [True] * 5 and told["dry_run"]
    assert run()["snapshots"] == told["snapshots"]
    assert held(store) == [False, True, False, False, True]
    assert pl.DataFrame(read_audit(Records.open(store), 10))["event"].to_list() == ["tidy"]
