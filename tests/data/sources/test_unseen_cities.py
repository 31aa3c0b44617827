"""Cities nobody has seen, with all they publish: calls, boundaries and population proposed and loaded together."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl
import polars as pl
import pytest
from pyproj import Transformer

from data.integration.ingest import ingest
from data.snapshots import Snapshot, current_snapshot
from data.sources.mapping import parse_mapping
from data.sources.propose import Known, Proposal, propose_mapping
from data.sources.propose.sampling import encoding_of
from data.store import Store

NOW = datetime(2026, 6, 1, tzinfo=UTC)
ROWS = 400
#: Hours that are quiet before dawn, as everywhere.
HOURS = [0, 1, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 18, 19, 19, 20, 20, 21, 21, 22, 23]


def moment(n: int) -> datetime:
    return datetime(2025, 1 + n % 12, 1 + n % 28, HOURS[n % 24], 5 + n % 50)


def write(path: Path, rows: list[dict[str, Any]], encoding: str = "utf-8", separator: str = ",") -> Path:
    frame = pl.DataFrame([{name: str(value) for name, value in row.items()} for row in rows])
    path.write_bytes(frame.write_csv(separator=separator).encode(encoding))
    return path


def squares(path: Path, lon: float, lat: float, properties: list[dict[str, Any]]) -> Path:
    features = []
    for n, told in enumerate(properties):
        x, y = lon + 0.03 * (n % 2), lat + 0.03 * (n // 2)
        ring = [[x, y], [x + 0.03, y], [x + 0.03, y + 0.03], [x, y + 0.03], [x, y]]
        shape = {"type": "Polygon", "coordinates": [ring]}
        features.append({"type": "Feature", "properties": told, "geometry": shape})
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return path


def load(folder: Path, *paths: Path, zone: str) -> tuple[Proposal, Snapshot]:
    """Propose, confirm as a steward would, and ingest."""
    known = Known("town", "zz-town", zone, None, None, "published-open-data")
    proposal = propose_mapping(paths, known)
    mapping = folder / "town.toml"
    lines = [line for line in proposal.toml.splitlines() if not line.startswith("unconfirmed")]
    mapping.write_text("\n".join(lines), encoding="utf-8")
    store = Store.create(folder / "store")
    report = ingest(store, mapping, list(paths), loaded_by="test", now=NOW).to_dict()
    assert report["read"] == report["kept"] + sum(report["quarantined"].values())
    return proposal, current_snapshot(store)


def asked(proposal: Proposal) -> set[str]:
    return {one.name for one in proposal.questions}


def rules_of(proposal: Proposal, table: str) -> dict[str, str]:
    (kind,) = [one for one in parse_mapping(proposal.toml).files if one.table == table]
    return {name: "+".join(rule.reads) for name, rule in kind.rules.items() if rule.reads}


def test_pinyin_initials_with_a_title_a_total_row_and_a_system_in_the_header(tmp_path: Path) -> None:
    calls = tmp_path / "2025年接处警.csv"
    rows = [
        {
            "JQBH": f"3301{n:016d}",
            "JJSJ": f"{moment(n):%Y%m%d%H%M%S}",
            "JQLBMC": ("刑事警情", "治安警情", "群众求助")[n % 3],
            "AFDD": f"文一路{n}号",
            "GXDWDM": f"33010{n % 4}000000",
            "JD_GCJ02": f"{120.1547 + 0.0001 * (n % 100):.6f}",
            "WD_GCJ02": f"{30.2676 + 0.0001 * (n % 100):.6f}",
            "JSSJ": f"{moment(n):%Y%m%d%H%M%S}",
            "BJR": "李某某",
        }
        for n in range(ROWS)
    ]
    write(calls, rows, "gb18030")
    body = calls.read_bytes().decode("gb18030")
    calls.write_bytes(("接处警信息表" + "," * 8 + "\n" + body + f"合计,{ROWS}" + "," * 7 + "\n").encode("gb18030"))
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["派出所代码", "派出所名称", "人口数", None])
    sheet.append([None, None, "流动人口", "合计"])
    for n in range(4):
        sheet.append([f"33010{n}000000", f"第{n}派出所", 100 + n, 1000 + n])
    sheet.append(["合计", None, 406, 4006])
    people = tmp_path / "2025年11月人口.xlsx"
    book.save(people)
    areas = squares(
        tmp_path / "辖区.geojson",
        120.14,
        30.25,
        [{"DWDM": f"33010{n}000000", "DWMC": f"第{n}派出所"} for n in range(4)],
    )
    proposal, snapshot = load(tmp_path, calls, people, areas, zone="Asia/Shanghai")
    # The headers state the system, so it is not asked.
    assert asked(proposal) == {"month"}
    found = snapshot.read("calls")
    assert (found.height, set(found["crs"])) == (ROWS, {"GCJ-02"})
    assert found["lon"].min() == pytest.approx(120.15, abs=0.001)
    assert rules_of(proposal, "calls")["time.at"] == "JJSJ"
    assert rules_of(proposal, "calls")["address"] == "AFDD"
    assert proposal.files[0].personal == {"BJR": "by its name"}
    assert snapshot.quarantine().collect()["reason"].to_list() == ["total_row"] * 2
    population = snapshot.read("population").sort("area_code")
    assert population["count"].to_list() == [1000, 1001, 1002, 1003]
    assert population["month"].unique().to_list() == [date(2025, 11, 1)]
    assert set(population["area_code"]) == set(snapshot.read("areas")["area_code"])
    assert snapshot.read("incidents")["station_code"].null_count() == 0


def test_chinese_headers_with_a_population_by_name_and_month(tmp_path: Path) -> None:
    calls = write(
        tmp_path / "警情导出.csv",
        [
            {
                "接警单号": f"J{n:09d}",
                "接警时间": f"{moment(n):%Y-%m-%d %H:%M:%S}",
                "报警类别名称": ("刑事", "治安", "求助")[n % 3],
                "所属社区": f"滨海{n % 4}社区",
                "经度(WGS84)": 121.5 + 0.0001 * (n % 90),
                "纬度(WGS84)": 31.2 + 0.0001 * (n % 90),
            }
            for n in range(ROWS)
        ],
    )
    people = write(
        tmp_path / "实有人口统计.csv",
        [
            {"社区名称": f"滨海{n}社区", "实有人口": 9000 + n, "户籍人口": 6000, "总户数": 2500, "统计月份": month}
            for n in range(4)
            for month in ("2025-10", "2025-11")
        ],
    )
    areas = squares(tmp_path / "社区边界.geojson", 121.49, 31.19, [{"社区名称": f"滨海{n}社区"} for n in range(4)])
    proposal, snapshot = load(tmp_path, calls, people, areas, zone="Asia/Shanghai")
    assert asked(proposal) == set()
    assert set(snapshot.read("calls")["crs"]) == {"EPSG:4326"}
    population = snapshot.read("population")
    assert (population.height, population["month"].n_unique()) == (8, 2)
    assert set(population["area_code"]) == set(snapshot.read("areas")["area_code"])


def test_years_of_the_republic_in_months_and_villages_by_name(tmp_path: Path) -> None:
    calls = write(
        tmp_path / "竊盜案件.csv",
        [
            {
                "編號": n + 1,
                "案類": ("住宅竊盜", "汽車竊盜", "搶奪")[n % 3],
                "發生日期": f"{moment(n).year - 1911}{moment(n):%m%d}",
                "發生時間": f"{moment(n):%H%M}",
                "村里": f"里{n % 4}里",
                "經度": 120.3 + 0.0001 * (n % 90),
                "緯度": 22.63 + 0.0001 * (n % 90),
            }
            for n in range(ROWS)
        ],
        "big5",
    )
    people = write(
        tmp_path / "人口.csv",
        [
            {
                "統計年月": "11411",
                "區域別代碼": f"6400{n}",
                "村里": f"里{n}里",
                "戶數": 900,
                "人口數_合計": 2000 + n,
                "人口數_男": 1000,
            }
            for n in range(4)
        ],
    )
    shapes = [{"VILLCODE": f"6400010{n:04d}", "VILLNAME": f"里{n}里"} for n in range(4)]
    areas = squares(tmp_path / "village.geojson", 120.29, 22.62, shapes)
    proposal, snapshot = load(tmp_path, calls, people, areas, zone="Asia/Taipei")
    assert asked(proposal) == set()
    population = snapshot.read("population").sort("area_code")
    assert population["month"].unique().to_list() == [date(2025, 11, 1)]
    assert population["count"].to_list() == [2000, 2001, 2002, 2003]
    assert set(population["area_code"]) == set(snapshot.read("areas")["area_code"])


def test_web_mercator_is_known_by_the_boundaries_which_carry_the_population(tmp_path: Path) -> None:
    to_web = Transformer.from_crs("EPSG:4326", "EPSG:3857", always_xy=True)
    rows = []
    for n in range(ROWS):
        x, y = to_web.transform(-75.69 + 0.0001 * (n % 90), 45.42 + 0.0001 * (n % 90))
        rows.append(
            {
                "X": x,
                "Y": y,
                "GO_Number": f"GO2025{n:06d}",
                "Occurred_Date": f"{moment(n):%Y/%m/%d} 05:00:00+00",
                "Occurred_Hour": f"{moment(n):%H%M}",
                "Offence_Summary": "Theft $5000 and Under",
                "Primary_Violation": ("Theft from vehicle", "Shoplifting", "Theft of bicycle")[n % 3],
                "Neighbourhood": f"Area {n % 4}",
            }
        )
    calls = write(tmp_path / "Criminal_Offences.csv", rows)
    areas = squares(
        tmp_path / "Neighbourhoods.geojson",
        -75.70,
        45.41,
        [{"ONS_ID": 3000 + n, "Name": f"Area {n}", "POPEST": 4000 + n} for n in range(4)],
    )
    proposal, snapshot = load(tmp_path, calls, areas, zone="America/Toronto")
    assert asked(proposal) == {"month"}
    # Cells are cut in metres on the ground, which those of web maps are not.
    assert parse_mapping(proposal.toml).jurisdiction.analysis_crs == "EPSG:32618"
    found = snapshot.read("calls")
    assert found["lat"].min() == pytest.approx(45.42, abs=1e-6)
    # One value throughout is no category where another header tells three.
    assert found["category"].n_unique() == 3
    population = snapshot.read("population").sort("area_code")
    assert population["count"].to_list() == [4000, 4001, 4002, 4003]
    assert set(population["area_code"]) == set(snapshot.read("areas")["area_code"])


def test_japanese_headers_in_shift_jis(tmp_path: Path) -> None:
    calls = write(
        tmp_path / "tokyo.csv",
        [
            {
                "罪名": "窃盗",
                "手口": ("ひったくり", "自転車盗", "車上ねらい")[n % 3],
                "管轄警察署（発生地）": f"丸の内{n % 2}",
                "管轄交番・駐在所（発生地）": f"駅前交番{n % 6}",
                "町丁目（発生地）": f"丸の内{n % 4}丁目",
                "発生年月日（始期）": f"{moment(n):%Y/%m/%d}",
                "発生時（始期）": f"{moment(n):%H}" if n % 20 else "不明",
                "被害者の性別": ("男性", "女性")[n % 2],
                "被害者の年齢": "20歳代",
            }
            for n in range(ROWS)
        ],
        "cp932",
    )
    assert encoding_of(calls.read_bytes()) == "cp932"
    proposal, snapshot = load(tmp_path, calls, zone="Asia/Tokyo")
    assert asked(proposal) == {"analysis_crs"}
    assert parse_mapping(proposal.toml).jurisdiction.analysis_crs == "EPSG:32654"
    read = rules_of(proposal, "calls")
    assert read["category"] == "手口"
    assert (read["time.date"], read["time.hour"]) == ("発生年月日（始期）", "発生時（始期）")
    assert (read["unit_code"], read["beat_code"]) == ("管轄警察署（発生地）", "管轄交番・駐在所（発生地）")
    assert set(proposal.files[0].personal) == {"被害者の性別", "被害者の年齢"}
    assert snapshot.read("incidents").height == ROWS


def test_german_headers_and_swiss_coordinates(tmp_path: Path) -> None:
    to_swiss = Transformer.from_crs("EPSG:4326", "EPSG:2056", always_xy=True)
    rows = []
    for n in range(ROWS):
        x, y = to_swiss.transform(8.54 + 0.0001 * (n % 90), 47.37 + 0.0001 * (n % 90))
        rows.append(
            {
                "Fallnummer": f"P{n:06d}",
                "Delikt": ("Einbruchdiebstahl", "Taschendiebstahl", "Sachbeschädigung")[n % 3],
                "Tatzeit Datum von": f"{moment(n):%d.%m.%Y}",
                "Tatzeit Zeit von": f"{moment(n):%H:%M}",
                "Tatzeit Datum bis": f"{moment(n):%d.%m.%Y}",
                "Tatzeit Zeit bis": f"{moment(n):%H:}59",
                "Kreis": f"Kreis {n % 4}",
                "E-Koordinate": f"{x:.0f}",
                "N-Koordinate": f"{y:.0f}",
                "Tatort": f"Bahnhofstrasse {n}",
            }
        )
    proposal, snapshot = load(tmp_path, write(tmp_path / "s.csv", rows, "cp1252", ";"), zone="Europe/Zurich")
    assert asked(proposal) == {"crs"}
    read = rules_of(proposal, "calls")
    assert (read["time.clock"], read["time.until_clock"]) == ("Tatzeit Zeit von", "Tatzeit Zeit bis")
    assert (read["call_id"], read["unit_code"], read["address"]) == ("Fallnummer", "Kreis", "Tatort")
    found = snapshot.read("incidents")
    assert set(found["time_precision"].cast(pl.String)) == {"slot"}
    assert found["lat"].min() == pytest.approx(47.37, abs=1e-4)


def written(at: datetime, form: str) -> str:
    return str(int(at.timestamp())) if form == "%s" else at.strftime(form)


def incidents(**more: Any) -> list[dict[str, Any]]:
    return [
        {
            "Incident Number": f"2025{n // 2:06d}",
            "Incident Occurred": f"{moment(n // 2):%m/%d/%Y %I:%M:%S %p}",
            "Offense Description": ("THEFT", "BURGLARY", "ASSAULT")[n % 3],
            "Police District": f"District {n % 4}",
            "Latitude": 36.16 + 0.0001 * (n % 90),
            "Longitude": -86.78 + 0.0001 * (n % 90),
            **{name: value(n) for name, value in more.items()},
        }
        for n in range(ROWS)
    ]


def test_what_would_be_counted_wrongly_is_asked(tmp_path: Path) -> None:
    known = Known("town", "zz-town", "America/Chicago", None, None, "published-open-data")
    several = write(tmp_path / "rows.csv", incidents(**{"Primary Key": lambda n: f"K{n:06d}"}))
    (records,) = propose_mapping([several], known).questions
    assert (records.name, records.value, records.choices) == ("records of calls", "Primary Key", ("Incident Number",))
    plain = incidents(**{"Incident Number": lambda n: f"2025{n:06d}"})
    assert not propose_mapping([write(tmp_path / "one.csv", plain)], known).questions
    for most, names in ((1, []), (3, ["sums of calls"])):
        rows = incidents(**{"Incident Number": lambda n: f"2025{n:06d}", "Offence count": lambda n, m=most: 1 + n % m})
        assert [one.name for one in propose_mapping([write(tmp_path / "sums.csv", rows)], known).questions] == names
    shapes = [
        {"the_geom": f"MULTIPOLYGON (((900 {n}, 901 {n}, 901 {n + 1}, 900 {n})))", "DISTRICT": f"District {n}"}
        for n in range(4)
    ]
    proposal = propose_mapping([tmp_path / "one.csv", write(tmp_path / "Districts.csv", shapes)], known)
    assert asked(proposal) == {"shapes of lookup"}
    degrees = [{**one, "the_geom": one["the_geom"].replace("90", "-8")} for one in shapes]
    proposal = propose_mapping([tmp_path / "one.csv", write(tmp_path / "Districts.csv", degrees)], known)
    assert not asked(proposal)
    assert 'shape = "the_geom"' in proposal.toml
    # People of areas that nobody drew would be counted nowhere.
    tracts = [{"GEOID": f"47037{n:06d}", "P1_001N": 1000 + n} for n in range(4)]
    drawn = squares(tmp_path / "Districts.geojson", -86.79, 36.15, [{"DISTRICT": f"District {n}"} for n in range(4)])
    proposal = propose_mapping([tmp_path / "one.csv", drawn, write(tmp_path / "pop_2020.csv", tracts)], known)
    assert asked(proposal) == {"month", "areas of population"}


def test_thousands_with_dots_are_no_thousandths_of_people(tmp_path: Path) -> None:
    rows = [{"BARRIO": f"BARRIO {n}", "POBLACION": f"{40 + n}.12{n}", "HOGARES": 4000} for n in range(4)]
    known = Known("town", "zz-town", "America/Bogota", None, None, "published-open-data")
    proposal = propose_mapping([write(tmp_path / "poblacion_2024.csv", rows, separator=";")], known)
    (kind,) = parse_mapping(proposal.toml).files
    assert (kind.table, kind.columns["count"].replace) == ("population", [(".", "")])


def test_small_lists_of_codes_are_no_calls(tmp_path: Path) -> None:
    rows = [{"id": n, "parent_id1": 1, "name": f"Krádež {n}", "from": "2012-01-01", "to": ""} for n in range(4)]
    proposal = propose_mapping([write(tmp_path / "types.csv", rows)], Known("town", "zz-town", "Europe/Prague"))
    assert [one.table for one in proposal.files] == ["lookup"]


@pytest.mark.parametrize("form", ["%Y/%m/%d %H:%M:%S+00", "%s"])
@pytest.mark.parametrize("zone", ["Europe/Paris", "Asia/Tokyo", "America/New_York"])
def test_midnights_that_a_server_tells_in_utc_keep_their_day(tmp_path: Path, zone: str, form: str) -> None:
    days = [moment(n).date() for n in range(ROWS)]
    midnights = [datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC) for day in days]
    rows = incidents(
        **{
            "Incident Number": lambda n: f"2025{n:06d}",
            "Incident Occurred": lambda n: written(midnights[n], form),
        }
    )
    rows = [{**row, "Occurred Date": row.pop("Incident Occurred")} for row in rows]
    proposal, snapshot = load(tmp_path, write(tmp_path / "calls.csv", rows), zone=zone)
    assert asked(proposal) == set()
    found = snapshot.read("calls").sort("call_id")
    assert found["occurred_on"].to_list() == days
    assert found["time_precision"].cast(pl.String).unique().to_list() == ["day"]


@pytest.mark.parametrize(
    "headers",
    [("常住人口2019", "常住人口2020", "常住人口2021"), ("2019年", "2020年", "2021年"), ("pop19", "pop20", "pop21")],
)
def test_a_population_with_one_column_a_year_becomes_one_row_a_year(tmp_path: Path, headers: tuple[str, ...]) -> None:
    drawn = squares(
        tmp_path / "sq.geojson", 120.3, 22.6, [{"SQDM": f"44030800{n}", "SQMC": f"社区{n}"} for n in range(4)]
    )
    rows = [
        {"SQDM": f"44030800{n}", **{name: 1000 + 10 * n + place for place, name in enumerate(headers)}, "备注": "无"}
        for n in range(4)
    ]
    proposal, snapshot = load(tmp_path, drawn, write(tmp_path / "rk.csv", rows, "gb18030"), zone="Asia/Shanghai")
    assert "month" in asked(proposal)
    people = snapshot.read("population").sort("area_code", "month")
    assert people.height == 12
    told = people.filter(pl.col("area_code") == "440308003").select("month", "count").rows()
    assert told == [(date(2019 + n, 1, 1), 1030 + n) for n in range(3)]


@pytest.mark.real_data
def test_a_published_population_by_years_is_proposed_as_its_mapping_reads_it(tmp_path: Path, shared_data: Path) -> None:
    folder = shared_data / "st_louis"
    paths = [folder / "boundaries" / "neighborhoods_88.geojson", folder / "population" / "STL_PopByNhood.csv"]
    _, snapshot = load(tmp_path, *paths, zone="America/Chicago")
    people = snapshot.read("population").with_columns(pl.col("month").dt.year())
    alone = parse_mapping(propose_mapping(paths[1:], Known("town", "zz-town", "America/Chicago")).toml)
    assert alone.files[0].columns["area_code"].reads == ["NHD_NUM"] and "area_code" in alone.source.unconfirmed
    # Margins of error (pop17_m) are no people. SOURCE.md: 79 neighbourhoods, 314,867 people in 2017.
    assert people.height == 79 * 15 and people["month"].unique().sort().to_list()[:2] == [1940, 1950]
    assert people.filter(month=2017)["count"].sum() == pytest.approx(314_867, abs=1)
