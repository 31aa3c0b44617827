"""What an ingest does with what a store holds already: corrections, overlapping files, mappings that were edited."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from data.errors import SourceError
from data.integration.ingest import IngestReport, ingest
from data.snapshots import Snapshot, current_snapshot
from data.store import Store

from .conftest import CITY, Load


def test_a_correction_replaces_and_the_old_snapshot_still_reads_as_it_did(load: Load, store: Store) -> None:
    head = "JJDBH,BJSJ,BJLX,GXDWDM\n"
    first = load({"calls.csv": head + "1,20250301083000,010000,S1\n2,20250301093000,010000,S1\n"})
    second = load(
        {"later.csv": head + "2,20250301093000,020000,S1\n3,20250301103000,010000,S1\n1,20250301083000,010000,S1\n"}
    )
    (file,) = second.files
    assert (file.new, file.unchanged, file.replaced) == (1, 1, 1)
    snapshot = current_snapshot(store)
    assert sorted(snapshot.read("incidents").select("category_intake").to_series()) == ["010000", "010000", "020000"]
    assert snapshot.manifest["tables"]["calls"]["rows"] == 3 == snapshot.read("calls").height
    assert Snapshot(store, first.snapshot_id).read("calls")["category_intake"].to_list() == ["010000", "010000"]


def test_an_old_file_beside_a_new_one_takes_no_correction_back(load: Load, store: Store) -> None:
    head = "JJDBH,BJSJ,BJLX\n"
    load({"january.csv": head + "1,20250101083000,010000\n2,20250101083000,010000\n"})
    load({"february.csv": head + "1,20250101083000,020000\n"})
    report = load(
        {
            "january.csv": head + "1,20250101083000,010000\n2,20250101083000,010000\n",
            "march.csv": head + "3,20250301083000,010000\n",
        }
    )
    assert [(file.file, file.kept, file.new, file.unchanged) for file in report.files] == [
        ("january.csv", 2, 0, 2),
        ("march.csv", 1, 1, 0),
    ]
    calls = dict(current_snapshot(store).read("calls").select("call_id", "category_intake").iter_rows())
    assert calls == {"1": "020000", "2": "010000", "3": "010000"}
    # All of them together, under other names: nothing new either.
    again = load({"a.csv": head + "1,20250101083000,020000\n", "b.csv": head + "3,20250301083000,010000\n"})
    assert (again.already_loaded, again.snapshot_id) == (True, report.snapshot_id)


@pytest.mark.parametrize("late", [True, False])
def test_a_week_that_comes_late_takes_back_what_later_files_corrected_only_if_nobody_says_that_it_is_late(
    store: Store, tmp_path: Path, late: bool
) -> None:
    head = "JJDBH,BJSJ,BJLX\n"

    def load_on(day: int, name: str, rows: str, files_of: date | None = None) -> IngestReport:
        (tmp_path / name).write_bytes((head + rows).encode("gb18030"))
        now = datetime(2025, 3, day, 4, tzinfo=UTC)
        return ingest(store, CITY, [tmp_path / name], loaded_by="tester", now=now, files_of=files_of)

    load_on(3, "first.csv", "1,20250228083000,010000\n2,20250228083000,010000\n")
    load_on(17, "third.csv", "3,20250305083000,020000\n2,20250228083000,010300\n")
    # The second week, of 10 March: 3 before it was corrected, a correction of 1 and of 2, and 4.
    rows = "3,20250305083000,010000\n1,20250228083000,010400\n2,20250228083000,010500\n4,20250306083000,010000\n"
    report = load_on(24, "second.csv", rows, date(2025, 3, 10) if late else None)
    (file,) = report.files
    assert (file.read, file.kept) == (4, 4)
    assert (file.new, file.replaced, file.unchanged) == ((1, 1, 2) if late else (1, 3, 0))
    calls = dict(current_snapshot(store).read("calls").select("call_id", "category_intake").iter_rows())
    whole = {"1": "010400", "2": "010300", "3": "020000", "4": "010000"}
    assert calls == (whole if late else {"1": "010400", "2": "010500", "3": "010000", "4": "010000"})
    assert current_snapshot(store).manifest["tables"]["calls"]["rows"] == 4
    # A load of a day that was told is older than what comes after it, whenever it was loaded.
    load_on(25, "fourth.csv", "4,20250306083000,010600\n", date(2025, 3, 9))
    after = dict(current_snapshot(store).read("calls").select("call_id", "category_intake").iter_rows())
    assert after["4"] == "010000"


def test_the_same_bytes_under_another_name_are_new_where_the_name_says_something(
    load: Load, store: Store, tmp_path: Path
) -> None:
    mapping = tmp_path / "named.toml"
    day = '[file.time]\ndate = { from = "day" }'
    named = '[file.time]\ndate = { file_name = "(\\\\d{4}-\\\\d\\\\d-\\\\d\\\\d)" }'
    text = CITY.read_text(encoding="utf-8")
    assert day in text
    mapping.write_text(text.replace(day, named), encoding="utf-8")
    rows = "kind,day,x,y\ntheft,,120,30\n"
    load({"2025-01-01.csv": rows}, mapping)
    assert load({"2025-01-02.csv": rows}, mapping).files[0].new == 1
    assert load({"2025-01-02.csv": rows}, mapping).already_loaded
    assert sorted(current_snapshot(store).read("calls")["occurred_on"]) == [date(2025, 1, 1), date(2025, 1, 2)]


def test_a_layout_without_a_column_erases_nothing(load: Load, store: Store) -> None:
    load({"a.csv": "kind,day,x,y,detail\ntheft,2025-01-01,120,30,bicycle\n"})
    report = load({"b.csv": "kind,day,x,y\ntheft,2025-01-01,120,30\n"})
    assert report.files[0].unchanged == 1
    assert current_snapshot(store).read("calls")["category_name"].to_list() == ["bicycle"]


def test_identical_rows_count_and_overlapping_files_do_not_count_twice(load: Load, store: Store) -> None:
    head, row = "kind,day,x,y,detail\n", "theft,2025-01-01,120,30,bicycle\n"
    load({"a.csv": head + row * 3})
    report = load({"b.csv": head + row * 2, "c.csv": head + row * 4})
    assert [(f.new, f.unchanged) for f in report.files] == [(0, 2), (1, 3)]
    assert current_snapshot(store).read("calls").height == 4


def test_an_extract_with_one_of_two_places_takes_neither_away(load: Load, store: Store) -> None:
    head, west, east = "kind,day,x,y\n", "theft,2025-01-01,120.0001,30\n", "theft,2025-01-01,120.0002,30\n"
    load({"a.csv": head + west + east})
    assert load({"b.csv": head + east}).files[0].unchanged == 1
    assert sorted(current_snapshot(store).read("calls")["lon"]) == [120.0001, 120.0002]


def test_an_edited_mapping_does_not_store_the_rows_of_a_file_twice(load: Load, store: Store, tmp_path: Path) -> None:
    mapping = tmp_path / "edited.toml"
    plain = CITY.read_text(encoding="utf-8")
    day = '[file.time]\ndate = { from = "day" }'
    assert day in plain
    rows = "kind,day,x,y\n" + "theft,2025-01-01 08:30:00,120,30\ntheft,2025-01-02 23:30:00,120,30\n" + ",,,\n"
    as_date = '[file.time]\ndate = { from = "day", formats = ["%Y-%m-%d %H:%M:%S"] }'
    mapping.write_text(plain.replace(day, as_date), encoding="utf-8")
    assert load({"a.csv": rows}, mapping).files[0].new == 2
    before = store.current_snapshot_id()
    # A day is a day, whether it is read as one or as a moment.
    as_moment = '[file.time]\ndate = { from = "day", parse = "datetime" }'
    mapping.write_text(plain.replace(day, as_moment), encoding="utf-8")
    report = load({"a.csv": rows}, mapping)
    assert (report.files[0].new, report.files[0].unchanged) == (0, 2)
    # Another identity is another key for each row.
    identity = 'identity = ["category", "occurred_on", "x", "y"]'
    assert identity in plain
    edited = plain.replace(day, as_moment).replace(identity, 'identity = ["category", "occurred_on", "x"]')
    mapping.write_text(edited, encoding="utf-8")
    loads = sorted(path.name for path in store.loads.iterdir())
    with pytest.raises(SourceError, match="would count twice in calls") as caught:
        load({"b.csv": rows}, mapping)
    assert "category, occurred_on, x" in str(caught.value)
    assert sorted(path.name for path in store.loads.iterdir()) == loads
    assert store.current_snapshot_id() == report.snapshot_id != before
    assert current_snapshot(store).read("calls").height == 2
    # A row that was refused may well be new when the mapping learns to read it.
    both = 'formats = ["%Y-%m-%d %H:%M:%S", "%d.%m.%Y"]'
    mapping.write_text(plain.replace(day, f'[file.time]\ndate = {{ from = "day", {both} }}'), encoding="utf-8")
    later = "kind,day,x,y\ntheft,01.02.2025,120,30\n"
    mapping.write_text(plain.replace(day, as_date), encoding="utf-8")
    assert load({"c.csv": later}, mapping).files[0].new == 0
    mapping.write_text(plain.replace(day, f'[file.time]\ndate = {{ from = "day", {both} }}'), encoding="utf-8")
    assert load({"c.csv": later}, mapping).files[0].new == 1


def test_a_moment_read_as_a_day_is_the_local_day_wherever_it_is_told(load: Load, store: Store, tmp_path: Path) -> None:
    """The same column as a moment and as a day gives the same day, and so the same key."""
    plain = CITY.read_text(encoding="utf-8")
    day = '[file.time]\ndate = { from = "day" }'
    told = 'from = "day", parse = "datetime", zone = "UTC"'
    mapping = tmp_path / "utc.toml"
    rows = "kind,day,x,y\ntheft,2025-01-01 20:30:00,120,30\ntheft,2025-01-02 08:00:00,120,30\n"
    for block in (f"at = {{ {told} }}", f"date = {{ {told} }}"):
        mapping.write_text(plain.replace(day, f"[file.time]\n{block}"), encoding="utf-8")
        report = load({"a.csv": rows}, mapping)
    assert (report.files[0].new, report.files[0].replaced) == (0, 2)
    assert sorted(current_snapshot(store).read("calls")["occurred_on"]) == [date(2025, 1, 2), date(2025, 1, 2)]


def test_reading_many_loads_scans_each_of_them_at_most_twice(load: Load, store: Store) -> None:
    head = "JJDBH,BJSJ,BJLX\n"
    for day in range(1, 9):
        # A new call every day, and a correction of the first and of the one before.
        known = f"{day - 1},2025030{day - 1}083000,010200\n" if day > 1 else ""
        load(
            {f"{day}.csv": head + f"{day},2025030{day}083000,010000\n0,20250228083000,0{day % 2 + 1}0{day}00\n" + known}
        )
    calls = current_snapshot(store).scan("calls")
    # A join for each load read the later ones again for every earlier one: 8 + 28.
    assert calls.explain(optimized=False).count("SCAN") <= 2 * 8
    found = dict(calls.collect().select("call_id", "category_intake").iter_rows())
    assert found == {"0": "010800", **{str(day): "010200" for day in range(1, 8)}, "8": "010000"}
