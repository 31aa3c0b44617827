"""Editions stay readable when the schemas grow."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from data.editions import write_edition
from data.schemas import EDITION
from data.store import Store


def test_a_column_added_later_is_null_in_an_older_edition(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "store")
    table = EDITION["model_scores"].create_empty()
    edition = write_edition(store, "E1", {"model_scores": table}, {"created_at": "2026-01-01"})
    path = edition.folder / "model_scores.parquet"
    path.write_bytes(b"")
    row = {"category": "010100", "horizon_days": 28, "model": "count_365"}
    pl.DataFrame([row]).write_parquet(path)
    read = edition.read("model_scores")
    assert read["auc"].to_list() == [None]
    assert read.schema["auc"] == pl.Float64
    assert set(read.columns) == set(table.columns)
