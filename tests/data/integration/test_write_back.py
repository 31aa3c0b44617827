"""Recorded visits go out in the upstream layout and come in again through the same mapping, nothing refused."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import cli
from data.errors import SourceError
from data.integration.ingest import ingest
from data.integration.write_back import file_name_for, write_visits
from data.records.visits import VISIT_RECORDS
from data.schemas.columns import VISIT_KINDS
from data.snapshots import current_snapshot
from data.sources.mapping import Rule, load_mapping
from data.store import Store

NOW = datetime(2026, 7, 3, tzinfo=UTC)
ROOT = Path(__file__).parents[3]


def records_of(*rows: dict[str, object]) -> pl.DataFrame:
    blank = {
        "visit_record_id": 1,
        "object_id": "00310104000000000001",
        "visit_kind": "hotel",
        "beat_code": "310199000101",
        "contact": True,
        "minutes": 25.0,
        "note_code": "in_order",
        "visited_at": "2026-07-02T16:30:00.000000+00:00",
        "recorded_at": "2026-07-02T16:40:00.000000+00:00",
        "recorded_by": "demo-officer",
    }
    return pl.DataFrame([{**blank, **row} for row in rows], schema=VISIT_RECORDS)


def test_the_file_looks_like_the_upstream_system_wrote_it() -> None:
    records = records_of(
        {"visit_record_id": 7}, {"visit_record_id": 8, "contact": False, "visit_kind": "dispute_revisit"}
    )
    text = write_visits(records, load_mapping("demo")).decode("gb18030")
    assert text.splitlines() == [
        "ZFBH,ZFDXBH,DXLBDM,JWQDM,ZFSJ,SFJD,YS,RS",
        # 16:30 UTC is half past midnight of the next day in Shanghai.
        "BW00000000000007,00310104000000000001,02,310199000101,20260703003000,1,25,",
        "BW00000000000008,00310104000000000001,08,310199000101,20260703003000,0,25,",
    ]
    assert "demo-officer" not in text


@settings(max_examples=12, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "visit_kind": st.sampled_from(VISIT_KINDS),
                "contact": st.booleans(),
                "minutes": st.sampled_from([0.0, 1.0, 12.5, 480.0]),
                "visited_at": st.datetimes(datetime(2024, 1, 1), datetime(2026, 7, 2)).map(
                    lambda at: at.replace(microsecond=0, tzinfo=UTC).isoformat(timespec="microseconds")
                ),
                "object_id": st.sampled_from(["00310104000000000001", "9,9", "对象“甲”"]),
            }
        ),
        min_size=1,
        max_size=6,
    )
)
def test_what_goes_out_comes_in_again(tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, object]]) -> None:
    folder = tmp_path_factory.mktemp("round")
    records = records_of(*({**row, "visit_record_id": number} for number, row in enumerate(rows, 1)))
    mapping = load_mapping("demo")
    path = folder / file_name_for(mapping, "beatwise")
    path.write_bytes(write_visits(records, mapping))
    store = Store.create(folder / "store")
    report = ingest(store, "demo", [path], loaded_by="tester", now=NOW, demo=True)
    assert (report.files[0].table, report.files[0].kept, report.files[0].quarantined) == ("visits", len(rows), {})
    columns = ["object_id", "visit_kind", "beat_code", "contact", "minutes"]
    back = current_snapshot(store).read("visits").with_columns(pl.col("visit_kind").cast(pl.String)).sort("visit_id")
    assert back.select(columns).equals(records.select(columns))
    assert back["visited_at"].to_list() == [datetime.fromisoformat(str(row["visited_at"])) for row in rows]
    # The same file again changes nothing: no visit is counted twice.
    assert ingest(store, "demo", [path], loaded_by="tester", now=NOW, demo=True).already_loaded


def test_a_layout_that_cannot_be_turned_round_is_told() -> None:
    mapping = load_mapping("demo")
    kinds = [
        kind.model_copy(update={"columns": {**kind.columns, "beat_code": Rule(**{"from": "JWQDM", "slice": (0, 6)})}})
        if kind.table == "visits"
        else kind
        for kind in mapping.files
    ]
    with pytest.raises(SourceError, match=r"beat_code uses slice"):
        write_visits(records_of({}), mapping.model_copy(update={"files": kinds}))


def test_a_source_without_visits_is_told() -> None:
    with pytest.raises(SourceError, match="reads no visits"):
        write_visits(records_of({}), load_mapping("portland"))


def test_the_name_is_one_the_mapping_knows(tmp_path: Path) -> None:
    assert file_name_for(load_mapping("demo"), "beatwise_20260703") == "zfjl_beatwise_20260703.csv"


def test_the_command_knows_a_mapping_saved_in_the_store(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "store")
    (store.root / "mappings").mkdir()
    own = (ROOT / "data" / "sources" / "demo.toml").read_text(encoding="utf-8").replace('"demo"', '"own_visits"', 1)
    (store.root / "mappings" / "own_visits.toml").write_text(own, encoding="utf-8")
    words = ["visits-export", "--store", str(store.root), "--source", "own_visits", "--output", str(tmp_path / "v.csv")]
    result = CliRunner().invoke(cli.app, words)
    assert result.exit_code == 0, result.exception
    assert (tmp_path / "v.csv").read_bytes().startswith(b"ZFBH,")
