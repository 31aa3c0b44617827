"""Tables on disk: columns that hold nothing are left out and come back."""

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
from polars.testing import assert_frame_equal

from data.schemas import CANONICAL
from data.tables import scan_table, write_table

TYPES = {name: column.dtype for name, column in CANONICAL["calls"].columns().items()}


def calls(count: int, **more: object) -> pl.DataFrame:
    rows = {
        "record_key": [f"s:{place}-1" for place in range(count)],
        "source": "s",
        "load_id": "L1",
        "source_file": "a.csv",
        "source_line": list(range(2, count + 2)),
        "location_level": "none",
        "time_precision": "unknown",
        "category": "theft",
        "invalid": False,
        "confidential": False,
        "weight": 1,
        **more,
    }
    frame = pl.DataFrame(rows)
    absent = [pl.lit(None).alias(name) for name in TYPES if name not in rows]
    return frame.with_columns(absent).select(list(TYPES)).cast(TYPES)


def test_a_column_of_nothing_is_not_written_and_comes_back(tmp_path: Path) -> None:
    rows = calls(3, occurred_on=[date(2025, 1, 1), None, None])
    path = tmp_path / "calls.parquet"
    write_table(rows, path)
    stored = pl.read_parquet_schema(path)
    assert "occurred_on" in stored and "reported_at" not in stored and "discovered_by" not in stored
    assert_frame_equal(scan_table("calls", path).collect(), rows)
    # Asked of a column that was left out, and in parts that fill different columns.
    assert scan_table("calls", path).filter(pl.col("reported_at").is_null()).collect().height == 3
    assert (
        scan_table("calls", path).filter(pl.col("reported_at") > datetime(2025, 1, 1, tzinfo=UTC)).collect().is_empty()
    )
    other = calls(2, lon=[1.0, None], lat=[2.0, None], discovered_by="police")
    write_table(other, tmp_path / "more" / "0.parquet")
    both = scan_table("calls", [path, tmp_path / "more" / "0.parquet"])
    assert_frame_equal(both.collect(), pl.concat([rows, other]))
    assert both.select(pl.col("lon").sum()).collect().item() == 1.0


def test_tables_written_whole_are_read_too(tmp_path: Path) -> None:
    rows = calls(2)
    rows.write_parquet(tmp_path / "calls.parquet")
    assert_frame_equal(scan_table("calls", tmp_path / "calls.parquet").collect(), rows)


def test_a_table_without_rows_keeps_its_columns(tmp_path: Path) -> None:
    write_table(calls(0), tmp_path / "calls.parquet")
    assert_frame_equal(scan_table("calls", tmp_path / "calls.parquet").collect(), calls(0))
