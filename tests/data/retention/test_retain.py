"""What is past its retention is deleted from every folder of the store, and nothing else is."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

import data.retention.deletion as deletion
from cli import app
from data.access import Viewer
from data.desk import Desk
from data.editions import Edition, write_edition
from data.errors import AccessDeniedError, RequestError, StoreError
from data.integration.ingest import ingest
from data.quality.measures import quality_history
from data.records import Records, read_audit
from data.retention import expiry_list, plan_retention, retain
from data.retention.plan import rules_of
from data.seals import verify_store
from data.snapshots import Snapshot, current_snapshot
from data.store import Store
from tests.data.tiny_edition import rows_of

MAPPING = Path(__file__).parent / "kept.toml"
FIRST = datetime(2018, 1, 10, tzinfo=UTC)
SECOND = datetime(2021, 6, 1, tzinfo=UTC)
#: exact-place: 1,825 days after FIRST; incident-record: 3,650 days.
PLACES_DUE = date(2018, 1, 10) + timedelta(days=1825)
RECORDS_DUE = date(2018, 1, 10) + timedelta(days=3650)
SECRET = "荷洲路42号"
CALLS = (
    "JJDBH,BJSJ,BJLX,SFDZ,JD,WD\n"
    f"1,20171201083000,01,{SECRET},120.05,30.05\n"
    f"2,20171202083000,02,{SECRET},120.15,30.05\n"
    f"3,20171203083000,01,{SECRET},,\n"
    f"4,20171203083000,,{SECRET},,\n"
)
#: Call 2 again with another category: it replaces the earlier version; 5 is new.
LATER = (
    "JJDBH,BJSJ,BJLX,SFDZ,JD,WD\n2,20171202083000,03,柳溪街9号,120.15,30.05\n"
    "5,20210501083000,01,柳溪街9号,120.15,30.05\n"
)
REGISTER = (
    "ZFDXBH,LB,JWQ,LGRQ,CGRQ\n"
    "closed,rental,B1,20150101,20170101\nlate,rental,B1,20150101,20190601\nopen,rental,B1,20150101,\n"
)


def features() -> str:
    def square(code: str, level: str, parent: str | None, west: float, east: float) -> dict[str, object]:
        ring = [[west, 30.0], [east, 30.0], [east, 30.1], [west, 30.1], [west, 30.0]]
        return {
            "type": "Feature",
            "properties": {"code": code, "level": level, "parent": parent},
            "geometry": {"type": "Polygon", "coordinates": [ring]},
        }

    shapes = [square("S1", "station", None, 120.0, 120.2), square("B1", "beat", "S1", 120.0, 120.1)]
    shapes.append(square("B2", "beat", "S1", 120.1, 120.2))
    return json.dumps({"type": "FeatureCollection", "features": shapes})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    files = {"calls.csv": CALLS, "register.csv": REGISTER, "areas.geojson": features(), "later.csv": LATER}
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    made = Store.create(tmp_path / "store")
    first = [tmp_path / name for name in ("calls.csv", "register.csv", "areas.geojson")]
    ingest(made, MAPPING, first, loaded_by="tester", now=FIRST)
    ingest(made, MAPPING, [tmp_path / "later.csv"], loaded_by="tester", now=SECOND)
    return made


def at_noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def carry_out(store: Store, day: date) -> deletion.RetentionReport:
    return retain(store, as_of=day, retained_by="tester", now=at_noon(day))


def all_text(folder: Path) -> str:
    """Return every text cell of every Parquet file below a folder."""
    cells = [
        str(value)
        for path in folder.rglob("*.parquet")
        for column in pl.read_parquet(path).select(pl.selectors.string() | pl.selectors.numeric())
        for value in column.drop_nulls().to_list()
    ]
    return "\n".join(cells)


def numbers(store: Store) -> dict[str, dict[str, object]]:
    snapshot = current_snapshot(store)
    names = dict(snapshot.read("calls").select("record_key", "call_id").iter_rows())
    return {names[row["incident_id"]]: row for row in snapshot.read("incidents").iter_rows(named=True)}


def test_the_catalogue_says_what_goes_with_a_row_and_what_before_it() -> None:
    rules = dict(rules_of("calls"))
    assert rules["incident-record"] == ()
    assert set(rules["exact-place"]) == {"address", "x", "y", "crs", "lon", "lat"}
    assert rules_of("areas") == (("geography", ()),)


def test_nothing_is_due_a_day_early_and_a_dry_run_changes_nothing(store: Store) -> None:
    before = sorted((path, path.stat().st_mtime_ns) for path in store.root.rglob("*.parquet"))
    assert {one.table for one in plan_retention(store, PLACES_DUE - timedelta(days=1))} == {"visit_register"}
    report = retain(store, as_of=RECORDS_DUE, retained_by="tester", now=at_noon(PLACES_DUE), dry_run=True)
    told = {(one["table"], one["retention"]): one["rows"] for one in report.items}
    assert told["calls", "incident-record"] == 3
    assert ("calls", "exact-place") in told  # of the second load
    assert sorted((path, path.stat().st_mtime_ns) for path in store.root.rglob("*.parquet")) == before
    with pytest.raises(RequestError, match="lies ahead"):
        retain(store, as_of=RECORDS_DUE, retained_by="tester", now=at_noon(PLACES_DUE))


def test_places_go_after_five_years_and_the_area_stays(store: Store) -> None:
    before, old = numbers(store), store.snapshot_ids()
    report = carry_out(store, PLACES_DUE)
    after = numbers(store)
    assert {one["table"]: one["rows"] for one in report.items} == {"calls": 3, "visit_register": 2}
    assert set(after) == set(before) == {"1", "2", "3", "5"}
    for name in ("1", "2", "3", "5"):
        for column in ("community_code", "beat_code", "station_code", "category", "occurred_on", "valid"):
            assert after[name][column] == before[name][column], (name, column)
    assert (after["1"]["lon"], after["1"]["beat_code"], after["1"]["location_level"]) == (None, "B1", "beat")
    # The corrected version of call 2 came with the second load and keeps its place; so does what it replaced count.
    assert (after["2"]["lon"], after["2"]["category"], after["5"]["lon"]) == (120.15, "03", 120.15)
    snapshot = current_snapshot(store)
    assert snapshot.manifest["tables"]["calls"]["rows"] == snapshot.read("calls").height == 4
    # Nowhere in the store is the address of the first load, in no older snapshot and no refused row.
    left = all_text(store.root)
    assert SECRET not in left
    assert "柳溪街9号" in left
    assert set(report.erased["snapshots"]) == set(old)
    with pytest.raises(StoreError, match="deleted on 2023"):
        Snapshot(store, old[0]).read("incidents")
    assert Snapshot(store, old[0]).manifest["tables"]["calls"]["rows"] == 3
    assert Snapshot(store, old[0]).loads[0]["files"][0]["file"] == "calls.csv"


def test_places_of_one_load_go_while_those_of_several_later_loads_stay(store: Store, tmp_path: Path) -> None:
    # The reduced load has no column of places any more, and the loads after it have.
    (tmp_path / "third.csv").write_text(
        "JJDBH,BJSJ,BJLX,SFDZ,JD,WD\n5,20210501083000,02,柳溪街9号,120.15,30.05\n", encoding="utf-8"
    )
    third = datetime(2021, 7, 1, tzinfo=UTC)
    ingest(store, MAPPING, [tmp_path / "third.csv"], loaded_by="tester", now=third)
    carry_out(store, PLACES_DUE)
    places = dict(current_snapshot(store).read("calls").select("call_id", "lon").iter_rows())
    assert places == {"1": None, "2": 120.15, "3": None, "5": 120.15}
    replaced = [load["tables"]["calls"]["replaced"] for load in current_snapshot(store).loads]
    assert replaced == [0, 1, 1]


def test_the_register_counts_from_the_day_an_object_left_it(store: Store) -> None:
    day = date(2017, 1, 1) + timedelta(days=1095)
    assert {one.table for one in plan_retention(store, day - timedelta(days=1))} == set()
    carry_out(store, day)
    assert current_snapshot(store).read("visit_register")["object_id"].sort().to_list() == ["late", "open"]
    carry_out(store, PLACES_DUE)
    assert current_snapshot(store).read("visit_register")["object_id"].to_list() == ["open"]


def test_records_go_after_ten_years_and_a_later_version_stays(store: Store) -> None:
    carry_out(store, PLACES_DUE)
    report = carry_out(store, RECORDS_DUE)
    assert {(one["table"], one["retention"]) for one in report.items} >= {("calls", "incident-record")}
    snapshot = current_snapshot(store)
    assert set(numbers(store)) == {"2", "5"}
    # What call 2 once replaced is gone: it replaces nothing any more, and the counts say so.
    assert snapshot.manifest["tables"]["calls"]["rows"] == 2
    assert snapshot.loads[-1]["tables"]["calls"] == {"rows": 2, "replaced": 0}
    assert snapshot.quarantine().collect().filter(pl.col("table") == "calls").is_empty()
    again = carry_out(store, RECORDS_DUE)
    assert (again.items, again.erased, again.report) == ([], {"snapshots": [], "loads": [], "editions": []}, None)


def test_loading_goes_on_afterwards_and_the_same_files_bring_nothing_back(store: Store, tmp_path: Path) -> None:
    carry_out(store, RECORDS_DUE)
    report = ingest(
        store,
        MAPPING,
        [tmp_path / name for name in ("calls.csv", "register.csv", "areas.geojson")],
        loaded_by="tester",
        now=at_noon(RECORDS_DUE),
    )
    assert report.already_loaded
    # By then the places of the second load are gone too: call 2, sent again with its place, is another version.
    (tmp_path / "new.csv").write_text(LATER.replace("\n5,", "\n6,"), encoding="utf-8")
    report = ingest(store, MAPPING, [tmp_path / "new.csv"], loaded_by="tester", now=at_noon(RECORDS_DUE))
    assert (report.files[0].new, report.files[0].replaced) == (1, 1)
    assert set(numbers(store)) == {"2", "5", "6"}


def test_the_trend_over_loads_outlives_the_rows(store: Store) -> None:
    carry_out(store, PLACES_DUE)
    assert [report.loaded_at[:4] for report in quality_history(store)] == ["2018", "2021"]


@pytest.mark.parametrize("moment", ["_erase_superseded", "_erase", "rederive"])
def test_killed_in_between_it_reads_as_before_or_after_and_finishes_next_time(
    store: Store, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    class KilledError(Exception):
        pass

    def kill(*_: object, **__: object) -> None:
        raise KilledError

    before = numbers(store)
    with monkeypatch.context() as patched:
        if moment == "rederive":
            patched.setattr("data.integration.rederiving.rederive", kill)
        else:
            patched.setattr(deletion, moment, kill)
        with pytest.raises(KilledError):
            carry_out(store, PLACES_DUE)
    now = numbers(store)
    assert now["1"]["lon"] == (before["1"]["lon"] if moment == "rederive" else None)
    assert set(now) == set(before)
    carry_out(store, PLACES_DUE)
    assert SECRET not in all_text(store.root)


def test_an_edition_keeps_its_own_time_and_says_so_afterwards(store: Store) -> None:
    snapshot = current_snapshot(store)
    manifest = {
        "snapshot_id": snapshot.snapshot_id,
        "parameters": {"as_of": "2021-06-01"},
        "code_version": "test",
        "created_at": SECOND.isoformat(),
        "created_by": "tester",
        "jurisdiction": snapshot.loads[0]["jurisdiction"],
    }
    edition = write_edition(
        store,
        "E20210601-kept",
        {"daily_counts": rows_of("daily_counts", {"day": date(2021, 5, 1), "category": "01"})},
        manifest,
    )
    carry_out(store, RECORDS_DUE)
    assert edition.read("daily_counts").height == 1
    assert Desk(store, Viewer("a", "auditor")).manifest["snapshot_id"] == snapshot.snapshot_id
    assert Desk(store, Viewer("a", "auditor")).lineage(table="daily_counts").erased_at is not None
    over = SECOND.date() + timedelta(days=3650)
    report = carry_out(store, over)
    assert report.erased["editions"] == ["E20210601-kept"]
    with pytest.raises(StoreError, match="retention was over"):
        Edition(store, "E20210601-kept").read("daily_counts")
    assert Edition(store, "E20210601-kept").manifest["tables"]["daily_counts"]["rows"] == 1


def test_the_command_writes_the_audit_row_first_and_keeps_a_report(store: Store) -> None:
    ran = CliRunner().invoke(
        app,
        ["retain", "--store", str(store.root), "--as-of", PLACES_DUE.isoformat(), "--json"],
        catch_exceptions=False,
    )
    told = json.loads(ran.stdout)
    [seal, row] = read_audit(Records.open(store), 2)
    assert (seal["event"], seal["object"]) == ("seal", told["snapshot_after"])
    assert verify_store(store, Records.open(store)).problem is None
    assert (row["event"], row["object"], row["role"]) == ("retain", PLACES_DUE.isoformat(), "command_line")
    details = json.loads(row["details"]) if isinstance(row["details"], str) else row["details"]
    assert [one["rows"] for one in details["items"]] == [one["rows"] for one in told["items"]]
    kept = json.loads((store.root / told["report"]).read_text(encoding="utf-8"))
    assert kept["items"] == told["items"]
    assert {one["retention"] for one in kept["items"]} == {"exact-place", "register"}


@pytest.mark.parametrize("role", ["commander", "researcher", "security"])
def test_the_expiry_list_is_for_steward_and_auditor(store: Store, role: str) -> None:
    due = Desk(store, Viewer("s", "steward")).retention_due(PLACES_DUE)
    assert due.filter(pl.col("rows_due") > 0).select("table", "rows_due").rows() == [
        ("visit_register", 2),
        ("calls", 3),
    ]
    assert due["due"].is_sorted()
    assert len(expiry_list(store)) == due.height
    with pytest.raises(AccessDeniedError):
        Desk(store, Viewer("n", role)).retention_due(PLACES_DUE)  # type: ignore[arg-type]
