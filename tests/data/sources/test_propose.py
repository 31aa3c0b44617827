"""A mapping proposed from a sample: names, values, what is asked, what is refused until confirmed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from benchmarks.fuzzing.bases import demo_bases
from benchmarks.proposals import proposed_for
from data.errors import SourceError
from data.integration.ingest import ingest
from data.snapshots import current_snapshot
from data.sources.editing import choices_for, choose, chosen_columns
from data.sources.mapping import parse_mapping
from data.sources.propose import Known, propose_mapping
from data.sources.propose.points import system_in
from data.sources.propose.profiling import profile_column
from data.sources.propose.sampling import encoding_of, head_of, header_row
from data.store import Store

NOW = datetime(2026, 6, 1, tzinfo=UTC)
KNOWN = Known("town", "zz-town", "America/Chicago", None, None, "published-open-data")
PREFIXES = ("138", "159", "166", "177", "186", "135", "199")
CALLS = (
    "INC_NO,Received Date,Offense Type,Block Address,Precinct,Beat,Longitude,Latitude,Caller Name,Contact,"
    "Officer Notes\n{rows}"
)


def calls_file(folder: Path, name: str = "calls.csv") -> Path:
    rows = "\n".join(
        f"A{number:04d},{1 + number % 12:02d}/{1 + number % 28:02d}/2025 {number % 12 + 1:02d}:30:00 PM,"
        f"{['THEFT', 'ASSAULT', 'NOISE'][number % 3]},{number}00 MAIN ST,{number % 4},{number % 4}{number % 3},"
        f"-90.{number:03d},35.{number:03d},JOHN DOE,{PREFIXES[number % 7]}"
        f"{(number + 3) * 12_345_677 % 100_000_000:08d},"
        for number in range(60)
    )
    path = folder / name
    path.write_text(CALLS.format(rows=rows), encoding="utf-8")
    return path


def columns_of(toml: str) -> dict[str, str]:
    return {name: "+".join(rule.reads) for name, rule in parse_mapping(toml).files[0].rules.items() if rule.reads}


def test_an_english_file(tmp_path: Path) -> None:
    proposal = propose_mapping([calls_file(tmp_path)], KNOWN)
    assert columns_of(proposal.toml) == {
        "time.at": "Received Date",
        "call_id": "INC_NO",
        "reported_at": "Received Date",
        "category": "Offense Type",
        "category_intake": "Offense Type",
        "address": "Block Address",
        "unit_code": "Precinct",
        "beat_code": "Beat",
        "point.x": "Longitude",
        "point.y": "Latitude",
    }
    one = proposal.files[0]
    assert (one.tried, one.kept, one.problems) == (60, 60, {})
    assert set(one.personal) == {"Caller Name", "Contact"}  # one by its name, one by its values
    assert proposal.questions == []
    # "PM" is read as such: 02:30 in the afternoon of 2 February in Chicago is 20:30 UTC.
    path = tmp_path / "town.toml"
    path.write_text(proposal.toml, encoding="utf-8")
    store = Store.create(tmp_path / "store")
    ingest(store, path, [tmp_path / "calls.csv"], loaded_by="t", now=NOW)
    first = current_snapshot(store).read("calls").filter(pl.col("call_id") == "A0001")
    assert first["occurred_from"][0] == datetime(2025, 2, 2, 20, 30, tzinfo=UTC)
    assert (first["lon"][0], first["lat"][0]) == (-90.001, 35.001)


def test_a_pinyin_file_in_gb18030(tmp_path: Path) -> None:
    base = demo_bases()[0]
    path = tmp_path / base.name
    path.write_bytes(base.content)
    proposal = propose_mapping([path])
    found = columns_of(proposal.toml)
    assert found["category"] == "JQLXDM"
    assert found["category_intake"] == "JQXLDM"
    assert (found["call_id"], found["reported_at"], found["time.at"]) == ("JJDBH", "BJSJ", "JQFSSJQ")
    assert (found["point.x"], found["point.y"], found["beat_code"]) == ("BJRXZB", "BJRYZB", "JWQDM")
    assert parse_mapping(proposal.toml).files[0].encoding == "gb18030"
    asked = {one.name: one for one in proposal.questions}
    # Degrees in China may be shifted: never decided by the program.
    assert asked["crs"].choices == ("EPSG:4326", "GCJ-02", "BD-09")
    assert asked["timezone"].value == "Asia/Shanghai"


def test_what_is_not_confirmed_is_not_ingested(tmp_path: Path) -> None:
    path = calls_file(tmp_path)
    proposal = propose_mapping([path])
    mapping = tmp_path / "new.toml"
    mapping.write_text(proposal.toml, encoding="utf-8")
    store = Store.create(tmp_path / "store")
    with pytest.raises(SourceError, match="not confirmed: timezone, legal_basis, jurisdiction"):
        ingest(store, mapping, [path], loaded_by="t", now=NOW)
    assert store.current_snapshot_id() is None


@pytest.mark.parametrize(
    ("values", "kind", "keys"),
    [
        (["20260105083000", "20260106093000"], "moment", {"formats": ["%Y%m%d%H%M%S"]}),
        (["2026-01-05", "2026-02-28"], "day", {"formats": ["%Y-%m-%d"]}),
        (["1/25/2026", "12/31/2025"], "day", {"formats": ["%m/%d/%Y"]}),
        (["25/1/2026", "31/12/2025"], "day", {"formats": ["%d/%m/%Y"]}),
        (["1040101", "1041231"], "day", {"parse": "roc_date"}),
        (["2026-01", "2026-02"], "month", {"formats": ["%Y-%m"]}),
        (["202601", "202602"], "month", {"formats": ["%Y%m"]}),
        (["2026年1月5日", "2026年12月25日"], "day", {"formats": ["%Y年%m月%d日"]}),
        (
            ["1546300800000", "-2208988800000", "1546387200000"],
            "moment",
            {"parse": "epoch_ms", "blank": ["-2208988800000"]},
        ),
    ],
)
def test_forms_of_dates(values: list[str], kind: str, keys: dict[str, object]) -> None:
    form = profile_column("d", "d", pl.Series(values)).dates
    assert form is not None
    assert (form.kind, form.keys) == (kind, keys)
    assert form.midnight == (keys.get("parse") == "epoch_ms")


def test_day_and_month_that_cannot_be_told_apart_are_asked() -> None:
    form = profile_column("d", "d", pl.Series(["01/02/2026", "03/04/2026"])).dates
    assert form is not None
    assert "cannot be told apart" in form.doubt


@pytest.mark.parametrize(
    "values", [["1", "2", "3"], ["ABC", "DEF"], ["0101", "0201"], ["440308000001", "440308000002"]]
)
def test_codes_are_no_dates(values: list[str]) -> None:
    assert profile_column("c", "c", pl.Series(values)).dates is None


def test_projected_coordinates_are_asked(tmp_path: Path) -> None:
    path = tmp_path / "cad.csv"
    rows = "\n".join(f"{n},T{n % 3},2026-01-{1 + n % 28:02d},{6_712_800 + n},{1_970_500 + n}" for n in range(40))
    path.write_text(f"call_id,call_type,incident_date,x_coordinate,y_coordinate\n{rows}", encoding="utf-8")
    blind = {one.name: one for one in propose_mapping([path]).questions}
    assert "--near" in blind["crs"].why
    near = propose_mapping([path], Known(near=(-121.5, 38.6)))
    asked = {one.name: one for one in near.questions}
    assert asked["crs"].value == "EPSG:2226"
    assert asked["timezone"].value == "America/Los_Angeles"
    stated = propose_mapping([path], Known(crs="EPSG:2226"))
    assert "crs" not in {one.name for one in stated.questions}


@pytest.mark.parametrize(
    ("known", "said"),
    [
        (Known(crs="EPSG:0"), "not known"),
        (Known(timezone="Mars/Phobos"), "IANA"),
        (Known(name="Not A Name"), "name"),
    ],
)
def test_what_a_steward_says_wrongly_is_refused(tmp_path: Path, known: Known, said: str) -> None:
    with pytest.raises(SourceError, match=said):
        propose_mapping([calls_file(tmp_path)], known)


def test_swapped_axes_are_noticed(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    rows = "\n".join(f"{n},T{n % 3},2026-01-05 08:00:00,30.{n:03d},113.{n:03d}" for n in range(40))
    path.write_text(f"call_id,call_type,datetime,x,y\n{rows}", encoding="utf-8")
    point = parse_mapping(propose_mapping([path]).toml).files[0].point
    assert point is not None
    assert point.x is not None
    assert (point.x.headers, point.crs) == (["y"], "EPSG:4490")


def test_a_day_and_a_clock_time_in_two_columns(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    rows = "\n".join(
        f"{n},T{n % 3},{1 + n % 12:02d}/{1 + n % 28:02d}/2020 12:00:00 AM,{n % 24:02d}{n % 60:02d},"
        f"-118.{n:03d},34.{n:03d}"
        for n in range(90)
    )
    path.write_text(f"DR_NO,Crm Cd Desc,DATE OCC,TIME OCC,LON,LAT\n{rows}", encoding="utf-8")
    proposal = propose_mapping([path], KNOWN)
    found = columns_of(proposal.toml)
    assert (found["time.date"], found["time.clock"]) == ("DATE OCC", "TIME OCC")
    assert proposal.files[0].kept == 90
    mapping = tmp_path / "town.toml"
    mapping.write_text(proposal.toml, encoding="utf-8")
    store = Store.create(tmp_path / "store")
    ingest(store, mapping, [path], loaded_by="t", now=NOW)
    row = current_snapshot(store).read("calls").filter(pl.col("call_id") == "45")
    # Row 45: 18 October 2020, 21:45 in Chicago.
    assert row["occurred_from"][0] == datetime(2020, 10, 19, 2, 45, tzinfo=UTC)
    assert row["time_precision"][0] == "exact"


def test_several_files_make_one_mapping(tmp_path: Path) -> None:
    first, second = calls_file(tmp_path), calls_file(tmp_path, "more.csv")
    people = tmp_path / "population_2020.csv"
    people.write_text("geoid,population\n" + "\n".join(f"4715700{n:02d},{n * 10}" for n in range(20)), encoding="utf-8")
    mapping = parse_mapping(propose_mapping([first, second, people], KNOWN).toml)
    assert [(kind.name, kind.table) for kind in mapping.files] == [("calls", "calls"), ("population", "population")]
    assert mapping.files[1].columns["month"].constant == "2020-01-01"


@pytest.mark.parametrize("name", ["empty.csv", "one.csv", "quotes.csv", "numbers.csv", "wide.csv"])
def test_poor_files_give_a_proposal_or_a_message(tmp_path: Path, name: str) -> None:
    content = {
        "empty.csv": "",
        "one.csv": "a\n",
        "quotes.csv": 'a,"b\n1,2\n',
        "numbers.csv": "1,2,3\n4,5,6\n",
        "wide.csv": ",".join(f"c{n}" for n in range(400)) + "\n" + ",".join("x" * 400) + "\n",
    }[name]
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    try:
        proposal = propose_mapping([path])
    except SourceError as error:
        assert str(error)
    else:
        parse_mapping(proposal.toml)


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "big5"])
def test_encodings(encoding: str) -> None:
    text = "編號,案類,發生地點\n" if encoding == "big5" else "接警单编号,报警时间,事发地址\n"
    rows = ("1,住宅竊盜,臺北市中正區重慶南路\n" if encoding == "big5" else "1,盗窃,临澜区人民路派出所\n") * 20
    assert encoding_of((text + rows).encode(encoding)) == encoding


def test_header_under_a_title() -> None:
    assert header_row([["某市接处警统计表", "", ""], ["编号", "时间", "地址"], ["1", "2026", "某路"]]) == 2


def test_choosing_columns(tmp_path: Path) -> None:
    toml = propose_mapping([calls_file(tmp_path)], KNOWN).toml
    changed = choose(toml, "calls", {"Beat": "community_code", "Precinct": None, "Officer Notes": "category_name"})
    chosen = chosen_columns(parse_mapping(changed).files[0])
    assert chosen["Beat"] == "community_code"
    assert chosen["Officer Notes"] == "category_name"
    assert "Precinct" not in chosen
    assert chosen["Longitude"] == "point.x"
    # A date that moves keeps its form.
    moved = parse_mapping(choose(toml, "calls", {"Received Date": "known_on"})).files[0]
    assert moved.columns["known_on"].formats == ["%m/%d/%Y %I:%M:%S %p"]
    assert "record_key" not in choices_for("calls")
    with pytest.raises(SourceError, match="no \\[\\[file\\]\\]"):
        choose(toml, "nothing", {})


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("pattern", "near", "expected"),
    [
        (
            "sacramento_cad/*.csv",
            (-121.5, 38.6),
            {"call_id": "recordid", "category": "calltype", "time.date": "occurencedate", "point.x": "xcoordinate"},
        ),
        (
            "nyc_vehicle_thefts/*.parquet",
            None,
            {"time.at": "datestart", "time.until": "dateend", "call_id": "uid", "point.y": "latitude"},
        ),
        ("taipei_theft/raw/bicycle.csv", None, {"time.date": "發生日期", "time.slot": "發生時段", "category": "案類"}),
        (
            "toronto_mci/raw/*.csv",
            None,
            {"time.date": "occurrencedate", "time.hour": "occurrencehour", "category": "mci"},
        ),
    ],
)
def test_real_files(
    shared_data: Path, pattern: str, near: tuple[float, float] | None, expected: dict[str, str]
) -> None:
    proposal, found = proposed_for(sorted(shared_data.glob(pattern))[0], near)
    assert {name: next(iter(found[name])) for name in expected} == expected
    one = proposal.files[0]
    assert one.kept >= 0.99 * one.tried


@pytest.mark.parametrize(
    ("header", "system"),
    [
        ("JD_GCJ02", "GCJ-02"),
        ("经度（BD-09）", "BD-09"),
        ("lon_wgs84", "EPSG:4326"),
        ("纬度(CGCS2000)", "EPSG:4490"),
        ("lon", None),
        ("bd", None),
    ],
)
def test_systems_in_headers(header: str, system: str | None) -> None:
    assert system_in(header) == system


@pytest.mark.parametrize(
    ("rows", "head"),
    [
        ([["a", "b", ""], ["", "", "c"], ["1", "2", "3"]], {"header_row": 2, "header_rows": 2}),
        ([["a", "b", ""], ["x", "y", "z"]], {"header_row": 1}),
        ([["a", "b", "c"], ["", "x", "y"]], {"header_row": 1}),
        ([["a", "b", ""], ["", "", "3"]], {"header_row": 1}),
        ([["a", "b"]], {"header_row": 1}),
    ],
)
def test_two_rows_of_headers(rows: list[list[str]], head: dict[str, int]) -> None:
    assert head_of(rows) == head
