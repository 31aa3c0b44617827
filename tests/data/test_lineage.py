"""Lineage: from a row of advice to the file and the number of rows behind it; for nobody who may not see the row."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

import data.desk.lineage
from analytics.hotspots import history
from data import lineage
from data.access import Viewer
from data.desk import Desk
from data.editions import write_edition
from data.errors import AccessDeniedError, RequestError
from data.integration.ingest import ingest
from data.lineage import trace
from data.quality.text import lineage_text
from data.records import Records, read_audit
from data.snapshots import current_snapshot
from data.store import Store
from tests.data.tiny_edition import rows_of, tiny_areas
from tests.pages.town import build_town

CITY = Path(__file__).parent / "integration" / "city.toml"
HEAD = "JJDBH,GLJJDBH,GLLX,BJSJ,BJLX,GXDWDM,X,Y\n"
OLD = HEAD + "1,,,20240401080000,010100,S1,120.5,30.5\n2,,,20240228080000,010100,S1,120.5,30.5\n"
NEW = HEAD + "".join(
    [
        "3,,,20250201080000,010100,S1,120.5004,30.5004\n",
        "4,,,20250201090000,010100,S1,120.5006,30.5006\n",
        "5,4,01,20250201091000,010100,S1,120.5006,30.5006\n",  # a repeat is no incident of its own
        "6,,,20250201100000,010100,S1,120.502,30.5005\n",  # outside the cell
        "7,,,20250301080000,010100,S1,120.5005,30.5005\n",  # on the as-of day: not known yet
    ]
)
EDITION_ID = "E20250301-lineage"
RING = [120.5, 30.5, 120.501, 30.5, 120.501, 30.501, 120.5, 30.501]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("lineage")
    store = Store.create(folder / "store")
    for name, text in (("old", OLD), ("new", NEW)):
        (folder / f"calls_{name}.csv").write_bytes(text.encode("gb18030"))
        now = datetime(2025, 3, 2, tzinfo=UTC)
        ingest(store, CITY, [folder / f"calls_{name}.csv"], loaded_by="clerk", now=now)
    snapshot = current_snapshot(store)
    (force,) = snapshot.jurisdictions.values()
    category = snapshot.read("incidents")["category"][0]
    place = {
        "category": category,
        "horizon_days": 28,
        "ring": RING,
        "reasons": [{"reason": "base", "contribution": 0.5}],
    }
    write_edition(
        store,
        EDITION_ID,
        {
            "areas": tiny_areas(),
            "hotspots": rows_of("hotspots", {"advice_id": "H1", "beat_code": "B1", "station_code": "S1", **place}),
            "staffing": rows_of(
                "staffing", {"advice_id": "T1", "unit_code": "S1", "shift_code": "day", "binding": "x"}
            ),
        },
        {
            "snapshot_id": snapshot.snapshot_id,
            "parameters": {"as_of": str(date(2025, 3, 1))},
            "code_version": "test",
            "created_at": datetime(2025, 3, 2, 1, tzinfo=UTC).isoformat(),
            "created_by": "clerk",
            "jurisdiction": asdict(force),
            "demo": False,
        },
    )
    return store


def test_an_advice_is_traced_to_the_rows_of_its_cell_and_year(store: Store) -> None:
    found = trace(store, EDITION_ID, advice_id="H1")
    # 1 of the old file lies on the corner and in the year; 2 is older; 3 and 4 of the new file count.
    assert [(row["source_file"], row["rows"]) for row in found.rows] == [("calls_new.csv", 2), ("calls_old.csv", 1)]
    assert found.rows_are == "incidents"
    # Files newest load first, with the counts of their loads.
    assert [(one.file, one.read, one.kept) for one in found.files] == [("calls_new.csv", 5, 5), ("calls_old.csv", 2, 2)]
    assert found.tables == {"calls": 7}
    assert all(len(one.sha256) == 64 for one in found.files)


def test_the_rows_behind_a_hotspot_are_those_its_count_is_made_of(tmp_path: Path) -> None:
    # Two offences, the removal of a third, one officers found themselves, one placed on its road only.
    mapping = tmp_path / "kept.toml"
    columns = 'weight = { from = "N" }\ndiscovered_by = { from = "BY" }\nlocation_level = { from = "LEVEL" }\n'
    mapping.write_text(
        CITY.read_text(encoding="utf-8").replace("call_id = {", columns + "call_id = {", 1),
        encoding="utf-8",
    )
    rows = ["1,1,reported,point", "2,1,,building", "3,-1,,point", "4,1,police,point", "5,1,,road"]
    calls = "JJDBH,N,BY,LEVEL,BJSJ,BJLX,X,Y\n" + "".join(
        f"{row},20250201080000,010100,120.5005,30.5005\n" for row in rows
    )
    (tmp_path / "calls.csv").write_bytes(calls.encode("gb18030"))
    store = Store.create(tmp_path / "store")
    ingest(store, mapping, [tmp_path / "calls.csv"], loaded_by="clerk", now=datetime(2025, 3, 2, tzinfo=UTC))
    other = tmp_path / "other.toml"
    other.write_text(
        mapping.read_text(encoding="utf-8").replace('"city"', '"town"').replace("zz-city", "zz-town"), encoding="utf-8"
    )
    ingest(store, other, [tmp_path / "calls.csv"], loaded_by="clerk", now=datetime(2025, 3, 2, 1, tzinfo=UTC))
    snapshot = current_snapshot(store)
    place = {
        "category": "criminal",
        "horizon_days": 28,
        "ring": RING,
        "reasons": [{"reason": "base", "contribution": 0.5}],
    }
    write_edition(
        store,
        EDITION_ID,
        {"hotspots": rows_of("hotspots", {"advice_id": "H1", "beat_code": "B1", "station_code": "S1", **place})},
        {
            "snapshot_id": snapshot.snapshot_id,
            "parameters": {"as_of": "2025-03-01"},
            "code_version": "test",
            "created_at": datetime(2025, 3, 2, 1, tzinfo=UTC).isoformat(),
            "created_by": "clerk",
            "jurisdiction": asdict(snapshot.jurisdictions["zz-city"]),
            "demo": False,
        },
    )
    found = trace(store, EDITION_ID, advice_id="H1")
    assert [(row["rows"], row["removals"]) for row in found.rows] == [(3, 1)]
    # The other force's calls are not behind this number.
    assert found.tables == {"calls": 5}
    assert "(1 of them take one back)" in lineage_text(found)
    assert lineage.LOCATED == history.LOCATED


def test_a_whole_table_is_traced_to_its_files_only(store: Store) -> None:
    found = trace(store, EDITION_ID, table="staffing")
    assert (found.rows, found.rows_are) == ([], None)
    assert {one.table for one in found.files} == {"calls"}


@pytest.mark.parametrize(
    ("what", "message"),
    [({}, "say what"), ({"table": "calls"}, "no table 'calls'"), ({"advice_id": "X9"}, "no advice 'X9'")],
)
def test_a_question_that_names_nothing_is_told(store: Store, what: dict[str, str], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        trace(store, EDITION_ID, **what)


@pytest.fixture
def records(store: Store, tmp_path: Path):  # type: ignore[no-untyped-def]
    records = Records.open(store)
    yield records
    records.close()


def test_who_may_see_the_number_may_see_where_it_is_from(store: Store, records: Records) -> None:
    def desk(viewer: Viewer) -> Desk:
        return Desk(store, viewer, records=records)

    own = desk(Viewer("captain", "commander", "S1", "station")).lineage(advice_id="H1")
    assert [row["rows"] for row in own.rows] == [2, 1]
    assert {one.loaded_by for one in own.files} == {None}
    with pytest.raises(AccessDeniedError, match="another area"):
        desk(Viewer("other", "commander", "S2", "station")).lineage(advice_id="H1")
    assert (read_audit(records, 1)[0]["object"], read_audit(records, 1)[0]["success"]) == ("lineage", False)
    with pytest.raises(AccessDeniedError):
        desk(Viewer("keeper", "security")).lineage("staffing")
    with pytest.raises(AccessDeniedError):
        desk(Viewer("clerk", "steward")).lineage(advice_id="H1")
    # A steward follows a table to its loads; an auditor reads no count below five.
    assert {one.loaded_by for one in desk(Viewer("clerk", "steward")).lineage("staffing").files} == {"clerk"}
    assert [row["rows"] for row in desk(Viewer("auditor", "auditor")).lineage(advice_id="H1").rows] == [None, None]


def test_routed_advice_is_the_viewers_own(store: Store, records: Records) -> None:
    captain = Desk(store, Viewer("captain", "commander", "S1", "station"), records=records)
    rows = {row["rule_id"]: (row["rows"], row["mine"]) for row in captain.inbox().iter_rows(named=True)}
    # The hotspot asks for patrol or a visit; the shift has no gap, so it stays with the station.
    assert rows["own-posts"] == (1, 1)
    assert sum(n for n, _ in rows.values()) == 2
    chief = Desk(store, Viewer("chief", "commander"), records=records)
    assert chief.inbox()["mine"].sum() == 0
    with pytest.raises(AccessDeniedError):
        Desk(store, Viewer("r", "researcher"), records=records).inbox()


def test_the_catalogue_is_open_to_those_who_keep_the_rules(store: Store, records: Records) -> None:
    for role in ("steward", "security", "auditor"):
        assert Desk(store, Viewer(role, role), records=records).catalogue_columns().height > 300
    with pytest.raises(AccessDeniedError):
        Desk(store, Viewer("c", "commander"), records=records).catalogue_columns()


def test_only_stewards_write_visits_back(store: Store, records: Records) -> None:
    export = Desk(store, Viewer("clerk", "steward"), records=records).export_visits("demo")
    assert export.content.decode("gb18030").splitlines() == ["ZFBH,ZFDXBH,DXLBDM,JWQDM,ZFSJ,SFJD,YS,RS"]
    row = read_audit(records, 1)[0]
    assert (row["event"], row["object"], row["success"]) == ("export", "visits_export", True)
    with pytest.raises(AccessDeniedError):
        Desk(store, Viewer("a", "auditor"), records=records).export_visits("demo")


def test_numbers_about_the_current_snapshot_lead_to_its_files(tmp_path: Path) -> None:
    store = build_town(tmp_path / "store")
    found = Desk(store, Viewer("s", "steward")).snapshot_behind(("calls", "addresses"))
    assert found.snapshot_id == store.current_snapshot_id()
    assert [(one.file, one.read, one.kept, one.quarantined) for one in found.files] == [("calls.csv", 120, 117, 3)]
    assert found.changes == ()
    with pytest.raises(AccessDeniedError):
        Desk(store, Viewer("r", "researcher")).snapshot_behind(("calls",))


def test_rows_behind_a_number_are_hidden_with_what_gives_them_back(
    store: Store, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole is known where all rows of a place are in its count: one hidden file would be the rest of it."""
    real = data.desk.lineage.trace
    told = [
        {"source_file": name, "rows": rows, "removals": 0} for name, rows in (("a", 3), ("b", 12), ("c", 40), ("d", 0))
    ]
    monkeypatch.setattr(data.desk.lineage, "trace", lambda *args, **more: replace(real(*args, **more), rows=told))

    def rows_for(role: str) -> list[int | None]:
        found = Desk(store, Viewer(role, role), records=records).lineage("hotspots")  # type: ignore[arg-type]
        return [row["rows"] for row in found.rows]

    assert rows_for("researcher") == [None, None, 40, 0]
    assert rows_for("commander") == [3, 12, 40, 0]
