"""Damaged files: a message or a whole account, never a traceback, a lost row, a personal value or a hang."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.fuzzing.bases import Base, demo_bases, packed_bases, real_bases
from benchmarks.fuzzing.trials import try_one
from data.integration.ingest import ingest
from data.store import Store

DEMO = demo_bases()


@pytest.mark.parametrize("start", (0, 20))
def test_damaged_demo_files(start: int, tmp_path: Path) -> None:
    ended = set()
    for seed in range(start, start + 20):
        outcome, _ = try_one(seed, DEMO, tmp_path)
        assert outcome.ended in ("loaded", "refused"), f"seed {seed} {outcome.damages}: {outcome.message}"
        ended.add(outcome.ended)
    assert ended == {"loaded", "refused"}


def test_damaged_packed_files(tmp_path: Path) -> None:
    bases = packed_bases(DEMO)
    assert [base.name for base in bases] == ["jjd_202601.csv.gz", "pjd_202601.csv.bz2", "demo.zip"]
    ended = set()
    for seed in range(30):
        outcome, _ = try_one(seed, bases, tmp_path)
        assert outcome.ended in ("loaded", "refused"), f"seed {seed} {outcome.damages}: {outcome.message}"
        ended.add((outcome.ended, outcome.damages[0].partition(":")[0]))
    assert {("loaded", "inside"), ("refused", "packed")} <= ended


@settings(max_examples=12, deadline=None)
@given(
    st.binary(max_size=600),
    st.sampled_from([".csv", ".xlsx", ".parquet", ".geojson", ".zip", ".json", ".csv.gz", ".csv.xz"]),
)
def test_any_bytes(content: bytes, ending: str) -> None:
    base = Base(f"jjd_any{ending}", "demo", content)
    with tempfile.TemporaryDirectory() as folder:
        outcome, _ = try_one(0, [base], Path(folder))
    assert outcome.ended in ("loaded", "refused"), outcome.message


@settings(max_examples=12, deadline=None)
@given(st.text(alphabet='JJDBH,"\n\r\t 0123456789路号;|\x00', max_size=400))
def test_any_rows_under_a_sound_header(rows: str) -> None:
    header, _, _ = DEMO[0].content.partition(b"\n")
    base = Base("jjd_any.csv", "demo", header + b"\n" + rows.encode("gb18030"), "gb18030")
    with tempfile.TemporaryDirectory() as folder:
        outcome, counts = try_one(7, [base], Path(folder))
    assert outcome.ended in ("loaded", "refused"), f"{outcome.damages}: {outcome.message}"
    if counts:
        assert counts["read"] == counts["kept"] + counts["quarantined"]


@pytest.mark.real_data
def test_damaged_real_files(shared_data: Path, tmp_path: Path) -> None:
    bases = real_bases(shared_data)
    assert len(bases) == 12
    for seed in range(24):
        outcome, _ = try_one(seed, bases, tmp_path)
        assert outcome.ended in ("loaded", "refused"), f"seed {seed} {outcome.base}: {outcome.message}"


@pytest.mark.real_data
def test_what_is_damaged_loads_as_it_is(shared_data: Path, tmp_path: Path) -> None:
    # Otherwise every damage of it would be refused for the same reason, and would try nothing.
    plain = [*DEMO, *real_bases(shared_data)]
    for number, base in enumerate([*plain, *packed_bases(plain)]):
        path = tmp_path / base.name
        inside = {member.name: member.content for member in base.members}
        path.write_bytes(base.pack(inside) if inside else base.content)
        report = ingest(
            Store.create(tmp_path / str(number)),
            base.source,
            [path],
            loaded_by="fuzz",
            now=datetime(2026, 6, 1, tzinfo=UTC),
        )
        assert report.totals()["kept"] > 0, base.name
