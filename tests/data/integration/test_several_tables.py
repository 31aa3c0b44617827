"""One upstream file that fills several tables: every row is accounted for in each of them."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.errors import SourceError
from data.integration.ingest import ingest
from data.quality.measures import report_quality
from data.snapshots import current_snapshot
from data.sources.check import check_source
from data.sources.mapping import load_mapping, parse_mapping
from data.store import Store

from .conftest import NOW, Load

JOINED = Path(__file__).parent / "joined.toml"
HEADER = "JJDBH,BJSJ,BJLX,GXDWDM,PJDBH,PJSJ,CJSJ01,DDXCSJ,XCCLWBSJ,CDRC,FKDBH,FKSJ,FKJQLXDM,WXBS\n"
#: Call 1: two dispatches, the second with two feedbacks. Call 2: nothing yet. Call 3: told twice with another category.
ROWS = (
    "1,20250301080000,010100,S1,p1,20250301080100,20250301080200,20250301081000,20250301093200,2,,,,\n"
    "1,20250301080000,010100,S1,p2,20250301080300,20250301080500,20250301081500,20250301083500,3,f1,20250301090000,010100,1\n"
    "1,20250301080000,010100,S1,p2,20250301080300,20250301080500,20250301081500,20250301083500,3,f2,20250301094000,020200,0\n"
    "2,20250301090000,020100,S2,,,,,,,,,,\n"
    "3,20250301100000,020200,S2,,,,,,,f3,20250301103000,020200,0\n"
    "3,20250301100000,030000,S2,,,,,,, ,,,\n"
    "bad,,020200,S2,p9,20250301100100,20250301100200,20250301095000,20250301100300,1,,,,\n"
)


def test_three_tables_from_one_export_and_each_row_in_each_account(load: Load, store: Store) -> None:
    report = load({"jcj_202503.csv": HEADER + ROWS}, JOINED)
    told = {one.table: one for one in report.files}
    assert {name: (one.file, one.read, one.kept) for name, one in told.items()} == {
        "calls": ("jcj_202503.csv", 7, 4),
        "dispatches": ("jcj_202503.csv", 7, 2),
        "feedbacks": ("jcj_202503.csv", 7, 3),
    }
    assert told["calls"].quarantined == {"repeated_in_file": 1, "told_again": 2}
    assert told["dispatches"].quarantined == {"other_table": 3, "rule_times_are_ordered": 1, "told_again": 1}
    assert told["feedbacks"].quarantined == {"other_table": 4}
    snapshot = current_snapshot(store)
    number = dict(snapshot.read("calls").select("record_key", "call_id").iter_rows())
    incidents = {number[row["incident_id"]]: row for row in snapshot.read("incidents").iter_rows(named=True)}
    # (09:32 - 08:02) x 2 + (08:35 - 08:05) x 3 hours; the last feedback says 0202 and valid.
    assert (incidents["1"]["officer_hours"], incidents["1"]["category_detail"], incidents["1"]["valid"]) == (
        4.5,
        "020200",
        True,
    )
    assert incidents["3"]["category_intake"] == "030000"
    refused = snapshot.quarantine().collect()
    assert refused.height == sum(sum(one.quarantined.values()) for one in report.files)
    assert refused.filter(pl.col("reason") == "other_table")["raw"].null_count() == 7
    # Rows that belong to another table of the file are no fault: 2 kept of the 4 that name a dispatch, 1 told again.
    validity = report_quality(snapshot).value("validity", "dispatches")
    assert validity is not None
    assert (validity.rows, validity.value) == (3, pytest.approx(2 / 3))


def test_the_same_export_again_and_a_longer_one(load: Load, store: Store) -> None:
    load({"jcj_202503.csv": HEADER + ROWS}, JOINED)
    assert load({"jcj_202503.csv": HEADER + ROWS}, JOINED).already_loaded
    more = ROWS + "2,20250301090000,020100,S2,p3,20250301091000,20250301091000,,,1,,,,\n"
    report = load({"jcj_202504.csv": HEADER + more}, JOINED)
    assert {one.table: (one.new, one.unchanged, one.replaced) for one in report.files} == {
        "calls": (0, 4, 0),
        "dispatches": (1, 2, 0),
        "feedbacks": (0, 3, 0),
    }


def test_addresses_and_people_counts_from_one_population_export(load: Load, store: Store) -> None:
    text = (
        "BZDZBM,DZMC,JD,WD,HS,CZRK,LDRK,XM\nA1,荷洲路42号,120.5,30.5,12,30,4,张三\n"
        "A2,荷洲路44号,120.5,30.5,8,19,,李四\n"
    )
    report = load({"rkfw_202503.csv": text.encode("utf-8")}, JOINED)
    assert {one.table: (one.read, one.kept) for one in report.files} == {"addresses": (2, 2), "population": (3, 3)}
    assert all(one.personal_dropped == ["XM"] for one in report.files)
    snapshot = current_snapshot(store)
    assert snapshot.read("addresses").sort("address_code")["households"].to_list() == [12, 8]
    counts = snapshot.read("population").sort("area_code", "count", descending=[False, True])
    assert counts.select("area_code", "population_class", "count", pl.col("month").cast(pl.String)).rows() == [
        ("A1", "permanent", 30, "2025-03-01"),
        ("A1", "floating", 4, "2025-03-01"),
        ("A2", "permanent", 19, "2025-03-01"),
    ]


def test_a_file_without_the_headers_of_a_table_fills_the_others(load: Load, store: Store) -> None:
    report = load({"jcj_old.csv": "JJDBH,BJSJ,BJLX,GXDWDM,PJDBH\n1,20250301080000,010100,S1,p1\n"}, JOINED)
    # Without FKDBH there is nothing to tell feedbacks by; dispatches have their number and nothing more.
    assert {one.table: one.kept for one in report.files} == {"calls": 1, "dispatches": 1}


def test_the_check_explains_every_table(tmp_path: Path) -> None:
    path = tmp_path / "jcj_202503.csv"
    path.write_bytes((HEADER.replace("WXBS", "WXBS,BZ") + ROWS.replace("\n", ",x\n")).encode("gb18030"))
    found = check_source(path, JOINED)
    (check,) = found.mappings
    assert (check.chosen, list(check.beside)) == ("calls", ["dispatches", "feedbacks"])
    assert check.beside["dispatches"].kept == 2
    assert check.beside["dispatches"].problems["PJDBH: other_table"] == 3
    text = found.to_text()
    assert "fills 3 tables: calls, dispatches, feedbacks" in text
    assert "as feedbacks into feedbacks:" in text
    # A header is "not read" only when no table of the file reads it.
    assert "in the file, not read: BZ\n" in text + "\n"
    path.write_text("JJDBH,BJSJ,BJLX,GXDWDM,PJDBH\n1,20250301080000,010100,S1,p1\n", encoding="utf-8")
    assert "beside it, but not read: feedbacks (it lacks the header FKDBH)" in check_source(path, JOINED).to_text()


def test_a_block_beside_takes_over_how_the_file_is_read_and_needs_one() -> None:
    kinds = {kind.name: kind for kind in load_mapping(JOINED).files}
    assert kinds["dispatches"].encoding == kinds["calls"].encoding == "gb18030"
    assert kinds["dispatches"].headers == kinds["calls"].headers
    text = JOINED.read_text(encoding="utf-8")
    with pytest.raises(SourceError, match="no block with a file of its own"):
        parse_mapping(text.replace('beside = "calls"', 'beside = "cals"', 1))
    with pytest.raises(SourceError, match="no block with a file of its own"):
        parse_mapping(
            text.replace('beside = "calls"\nonly_with = "FKDBH"', 'beside = "dispatches"\nonly_with = "FKDBH"')
        )


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.integers(1, 4), st.sampled_from(["", "p1", "p2", "p3"]), st.sampled_from(["", "f1", "f2"])),
        min_size=1,
        max_size=12,
    )
)
def test_no_row_is_unaccounted_for_whatever_is_joined(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, str, str]]
) -> None:
    folder = tmp_path_factory.mktemp("joined")
    lines = [f"{call},2025030108000{call},0101,S1,{p},,,,,,{f},,,\n" for call, p, f in rows]
    (folder / "jcj.csv").write_text(HEADER + "".join(lines), encoding="utf-8")
    report = ingest(Store.create(folder / "store"), JOINED, [folder / "jcj.csv"], loaded_by="tester", now=NOW)
    told = {one.table: one for one in report.files}
    assert all(one.read == len(rows) for one in told.values())
    assert told["calls"].kept == len({call for call, _, _ in rows})
    assert told["dispatches"].kept == len({p for _, p, _ in rows if p})
    assert told["feedbacks"].kept == len({f for _, _, f in rows if f})
    assert told["dispatches"].quarantined.get("other_table", 0) == sum(not p for _, p, _ in rows)
