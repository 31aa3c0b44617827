"""Batches and parts: whatever the size of the pieces, the same rows come out with the same keys and counts."""

from __future__ import annotations

import random
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from data.integration import batches, spill
from data.integration.batches import read_pieces
from data.integration.draft import Draft
from data.integration.ingest import ingest
from data.snapshots import current_snapshot, parts_of_table
from data.sources.mapping import load_mapping
from data.sources.reading import LINE, read_records
from data.store import Store

from .conftest import CITY, NOW

KINDS = {kind.name: kind for kind in load_mapping(CITY).files}


def sightings(rows: int, seed: int) -> list[str]:
    chance = random.Random(seed)
    lines = []
    for _ in range(rows):
        day = chance.choice(["2025-01-01", "2025-01-02", "2025-13-01", ""])
        x = chance.choice(["120", "120.5", "0", "abc"])
        lines.append(f"{chance.choice(['theft', 'fraud'])},{day},{x},30,{chance.choice(['a', 'b', ''])}")
    return lines


def load_all(root: Path, loads: list[list[Path]]) -> tuple[list[dict[str, Any]], dict[str, pl.DataFrame]]:
    store = Store.create(root)
    reports = [ingest(store, CITY, paths, loaded_by="t", now=NOW) for paths in loads]
    snapshot = current_snapshot(store)
    frames = {
        "calls": snapshot.read("calls").sort("record_key"),
        "incidents": snapshot.read("incidents").sort("incident_id"),
        "quarantine": snapshot.quarantine().collect().sort("source_file", "source_line", "reason"),
    }
    return [asdict(file) for report in reports for file in report.files], frames


def test_small_pieces_and_many_parts_give_what_one_piece_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    head = "kind,day,x,y,detail\n"
    numbered = "JJDBH,BJSJ,BJLX,GXDWDM\n"
    loads: list[list[Path]] = [[], []]
    for name, load, rows in (("a", 0, 300), ("b", 0, 40), ("c", 1, 400)):
        path = tmp_path / f"{name}.csv"
        path.write_text(head + "\n".join(sightings(rows, seed=rows)) + "\n")
        loads[load].append(path)
    for name, load, step in (("d", 0, 1), ("e", 1, 2)):
        path = tmp_path / f"{name}.csv"
        # Numbers come twice in a file (the later row stands) and again in the second load, with another category.
        calls = [f"{n % 70},20250301083000,0{step if n % 3 else 1}0000,S1" for n in range(100)]
        path.write_text(numbered + "\n".join(calls) + "\n")
        loads[load].append(path)
    reports, frames = load_all(tmp_path / "whole", loads)
    assert sum(report["quarantined"].get("repeated_in_file", 0) for report in reports) == 60
    assert any(report["replaced"] for report in reports)
    monkeypatch.setattr(batches, "PIECE_BYTES", 700)
    monkeypatch.setattr(batches, "PIECE_ROWS", 50)
    monkeypatch.setattr(spill, "PART_ROWS", 3)
    cut_reports, cut_frames = load_all(tmp_path / "cut", loads)
    assert len(parts_of_table(next((tmp_path / "cut" / "loads").iterdir()), "calls")) > 16
    assert cut_reports == reports
    for name, frame in frames.items():
        # Only the id of a load may not differ either: it depends on the files alone.
        assert_frame_equal(cut_frames[name], frame)
    monkeypatch.setattr(spill, "PART_ROWS", 40)
    store = Store.open(tmp_path / "cut")
    again = ingest(store, CITY, [*loads[0], *loads[1]], loaded_by="t", now=NOW)
    # Parts of another size read the earlier ones: all is known, but the numbered calls come in two versions.
    assert again.totals()["new"] == 0


CELLS = st.text(alphabet='ab,"\n1', max_size=6)


@settings(max_examples=150, deadline=None)
@given(rows=st.lists(st.lists(CELLS, min_size=1, max_size=6), max_size=30), size=st.integers(30, 120))
def test_cutting_a_text_file_changes_no_record(rows: list[list[str]], size: int, tmp_path_factory: Any) -> None:
    path = tmp_path_factory.mktemp("cut") / "a.csv"
    quoted = ["|".join('"' + cell.replace('"', '""') + '"' for cell in row).replace("|", ",") for row in rows]
    path.write_text("kind,day,x,y,detail\n" + "".join(line + "\n" for line in quoted))
    kind = KINDS["sightings"]
    whole = read_records(path, kind)
    pieces = list(read_pieces(path, kind, 0, piece_bytes=size))
    assert [ragged for piece in pieces for ragged in piece.raw.ragged] == whole.ragged
    assert_frame_equal(pl.concat([piece.raw.frame for piece in pieces]), whole.frame)


def test_a_parquet_file_is_cut_by_rows_and_keeps_its_row_numbers(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pl.DataFrame({"kind": ["t"] * 25, "day": ["2025-01-01"] * 25, "x": range(25), "y": 30}).write_parquet(path)
    kind = KINDS["sightings"].model_copy(update={"formats": ["parquet"]})
    pieces = list(read_pieces(path, kind, 0, piece_rows=10))
    assert [piece.raw.records for piece in pieces] == [10, 10, 5]
    assert pl.concat([piece.raw.frame for piece in pieces])[LINE].to_list() == list(range(2, 27))


def test_text_that_cannot_be_cut_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"kind,day,x,y,detail\r" + b"theft,2025-01-01,1,2,a\r" * 20)
    pieces = list(read_pieces(path, KINDS["sightings"], 0, piece_bytes=60))
    assert [piece.raw.records for piece in pieces] == [20]


def test_incidents_are_the_same_from_calls_in_memory_and_from_the_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("kind,day,x,y,detail\n" + "\n".join(sightings(60, seed=1)) + "\n")
    _, kept = load_all(tmp_path / "kept", [[path]])
    monkeypatch.setattr(Draft, "held", property(lambda draft: {}, lambda draft, held: None), raising=False)
    _, again = load_all(tmp_path / "again", [[path]])
    assert kept["incidents"].height > 20
    assert_frame_equal(kept["incidents"], again["incidents"])
