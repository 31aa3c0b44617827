"""Files of the sources we have, as their publishers wrote them in other years: none may be refused.

Headers are the published ones, values are made up.
"""

from __future__ import annotations

import zipfile
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from data.integration.ingest import ingest
from data.snapshots import current_snapshot
from data.store import Store

NOW = datetime(2026, 6, 1, tzinfo=UTC)

#: Name → mapping, file name, encoding, text; and column of the calls → its values.
LATER: dict[str, tuple[str, str, str, str, dict[str, list[object]]]] = {
    "Portland, dates as in the United States": (
        "portland",
        "NIJ2017_MAR06_MAR12.csv",
        "utf-8",
        "CATEGORY,CALL GROUPS,final_case_type,CASE DESC,occ_date,x_coordinate,y_coordinate,census_tract\n"
        "BURGLARY,PROPERTY CRIME,BURGP,BURGLARY - PRIORITY *H,3/6/2017,7654321,683456,4900\n",
        {"occurred_on": [date(2017, 3, 6)], "category_intake": ["BURGP"]},
    ),
    "St. Louis, months rewritten by a spreadsheet": (
        "st_louis",
        "January2019.CSV",
        "cp1252",
        "Complaint,CodedMonth,DateOccur,FlagCrime,FlagUnfounded,FlagAdministrative,Count,FlagCleanup,Crime,District,"
        "Description,ILEADSAddress,ILEADSStreet,Neighborhood,LocationName,LocationComment,CADAddress,CADStreet,XCoord,"
        "YCoord\n"
        "19-000001,2019-01,1/2/2019 13:05,Y,,,1,,64701,4,LARCENY,1,MAIN ST,36,,,,,899000.1,1018000.2\n"
        "19-000002,Jan-19,01/03/2019 01:05:00 PM,Y,,,1,,64701,4,LARCENY,1,MAIN ST,36,,,,,899000.1,1018000.2\n",
        {"occurred_on": [date(2019, 1, 2), date(2019, 1, 3)], "known_on": [date(2019, 1, 31)] * 2},
    ),
    "Toronto since 2022": (
        "toronto",
        "Major_Crime_Indicators_Open_Data.csv",
        "utf-8",
        "X,Y,OBJECTID,EVENT_UNIQUE_ID,REPORT_DATE,OCC_DATE,REPORT_HOUR,OCC_HOUR,DIVISION,LOCATION_TYPE,PREMISES_TYPE,"
        "UCR_CODE,UCR_EXT,OFFENCE,MCI_CATEGORY,HOOD_158,NEIGHBOURHOOD_158,HOOD_140,NEIGHBOURHOOD_140,"
        "LONG_WGS84,LAT_WGS84\n"
        "-8809036.8,5431523.4,1,GO-20211,2021/01/02 05:00:00+00,2021/01/01 05:00:00+00,9,21,D32,Street,Outside,1430,"
        "100,Assault,Assault,38,Lansing-Westgate (38),38,Lansing-Westgate (38),-79.42,43.76\n"
        "0,0,2,GO-20212,1/2/2021 5:00:00 AM,1/1/2021 5:00:00 AM,9,22,NSA,Street,Outside,1430,100,Assault,Assault,NSA,"
        "NSA,NSA,NSA,0,0\n",
        {
            "occurred_on": [date(2021, 1, 1)] * 2,
            "time_precision": ["hour", "hour"],
            "community_code": ["Lansing-Westgate", None],
            "lat": [43.76, None],
        },
    ),
    "Chicago as the portal exports it": (
        "chicago",
        "Crimes_-_2001_to_Present.csv",
        "utf-8",
        "ID,Case Number,Date,Block,IUCR,Primary Type,Description,Location Description,Arrest,Domestic,Beat,District,"
        "Ward,Community Area,FBI Code,X Coordinate,Y Coordinate,Year,Updated On,Latitude,Longitude,Location\n"
        "1,JB1,10/05/2022 03:30:00 PM,001XX N STATE ST,0820,THEFT,$500 AND UNDER,STREET,false,false,0111,001,42,32,06,"
        '1176352,1900927,2022,10/12/2022 03:41:24 PM,41.88,-87.62,"(41.88, -87.62)"\n',
        {"occurred_on": [date(2022, 10, 5)], "time_precision": ["exact"], "beat_code": ["0111"]},
    ),
    "New York complaints": (
        "nyc",
        "NYPD_Complaint_Data_Historic.csv",
        "utf-8",
        "CMPLNT_NUM,CMPLNT_FR_DT,CMPLNT_FR_TM,CMPLNT_TO_DT,CMPLNT_TO_TM,ADDR_PCT_CD,RPT_DT,KY_CD,OFNS_DESC,PD_CD,"
        "PD_DESC,SUSP_AGE_GROUP,SUSP_RACE,SUSP_SEX,Latitude,Longitude,VIC_AGE_GROUP,VIC_RACE,VIC_SEX\n"
        "1,01/05/2017,13:45:00,01/05/2017,14:00:00,75,01/06/2017,341,PETIT LARCENY,338,LARCENY,,X,M,40.6,-73.9,U,X,F\n"
        "2,01/05/2017,13:45:00,,(null),75,01/06/2017,341,(null),338,LARCENY,(null),,,40.6,-73.9,UNK,X,F\n"
        "3,01/05/2017,13:45:00,01/04/2017,14:00:00,75,01/06/2017,341,ARSON,338,,(null),,,40.6,-73.9,UNK,X,F\n",
        {
            "time_precision": ["slot", "exact", "exact"],
            "category": ["PETIT LARCENY", "UNKNOWN", "ARSON"],
            "known_on": [date(2017, 1, 6)] * 3,
        },
    ),
    "Taipei in UTF-8, another kind of theft": (
        "taipei",
        "theft.csv",
        "utf-8-sig",
        "編號,案類,發生日期,發生時段,發生(現)地點\n1,普通竊盜,112/1/5,22~24,台北市中山區林森北路1~30號\n",
        {"occurred_on": [date(2023, 1, 5)], "category": ["普通竊盜"], "unit_code": ["63000040"]},
    ),
    "a police.uk force with no boundary": (
        "uk_police",
        "2019-02-northumbria-street.csv",
        "utf-8",
        "Crime ID,Month,Reported by,Falls within,Longitude,Latitude,Location,LSOA code,LSOA name,Crime type,"
        "Last outcome category,Context\n"
        ",2019-02,Northumbria Police,Northumbria Police,-1.61,54.97,On or near High Street,E01008290,Newcastle 1,"
        "Anti-social behaviour,,\n",
        {"known_on": [date(2019, 2, 28)], "unit_code": ["Northumbria Police"]},
    ),
    "anti-social behaviour of another force": (
        "uk_police",
        "cleveland_asb_2023.tab",
        "utf-8",
        "month\tlongitude\tlatitude\tlocation\tlsoa_code\n2023-01-01\t-1.2\t54.5\tHigh Street\tE01012001\n",
        {"unit_code": ["cleveland"], "time_precision": ["month"]},
    ),
}


def load(folder: Path, source: str, *paths: Path) -> tuple[Store, dict[str, object]]:
    store = Store.create(folder / "store")
    return store, ingest(store, source, list(paths), loaded_by="test", now=NOW).to_dict()


@pytest.mark.parametrize("name", LATER)
def test_another_year_of_a_source(tmp_path: Path, name: str) -> None:
    source, file_name, encoding, text, wanted = LATER[name]
    path = tmp_path / file_name
    path.write_text(text, encoding=encoding)
    store, report = load(tmp_path, source, path)
    calls = current_snapshot(store).read("calls").sort("source_line")
    assert report["quarantined"] == {}
    found = {column: calls[column].cast(pl.String).to_list() for column in wanted}
    assert found == {column: [None if v is None else str(v) for v in values] for column, values in wanted.items()}


def test_a_month_of_police_uk_holds_more_than_crimes(tmp_path: Path) -> None:
    street = tmp_path / "2019-02-surrey-street.csv"
    street.write_text(LATER["a police.uk force with no boundary"][3])
    outcomes = tmp_path / "2019-02-surrey-outcomes.csv"
    outcomes.write_text(
        "Crime ID,Month,Reported by,Falls within,Longitude,Latitude,Location,LSOA code,LSOA name,Outcome type\n"
        "ab,2019-02,Surrey Police,Surrey Police,-0.5,51.2,On or near High Street,E01030000,X,Local resolution\n"
    )
    searches = tmp_path / "2019-02-surrey-stop-and-search.csv"
    searches.write_text(
        "Type,Date,Part of a policing operation,Policing operation,Latitude,Longitude,Gender,Age range,"
        "Self-defined ethnicity,Officer-defined ethnicity,Legislation,Object of search,Outcome\n"
        "Person search,2019-02-01T10:00:00+00:00,,,51.2,-0.5,Male,18-24,White - any,White,PACE,Stolen goods,Arrest\n"
    )
    # As it is downloaded: one archive of all forces and months asked for, a folder each month.
    archive = tmp_path / "download.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in (street, outcomes, searches):
            packed.write(path, f"2019-02/{path.name}")
    store, report = load(tmp_path, "uk_police", archive)
    assert (report["read"], report["kept"], report["unread"]) == (3, 3, [])
    assert [one["file"] for one in report["files"]] == [
        f"download.zip/2019-02/2019-02-surrey-{kind}.csv" for kind in ("street", "outcomes", "stop-and-search")
    ]
    assert current_snapshot(store).read("calls").height == 1
    for part in store.root.rglob("*.parquet"):
        assert not {"gender", "agerange"} & set(pl.read_parquet_schema(part)), part


def test_wards_as_the_statistics_office_names_them(tmp_path: Path) -> None:
    import geopandas
    import shapely

    path = tmp_path / "wards.gpkg"
    frame = geopandas.GeoDataFrame(
        {"WD21CD": ["E05001063"], "WD21NM": ["Arthur's Hill"]}, geometry=[shapely.box(0, 0, 1, 1)]
    )
    frame.set_crs("EPSG:27700").to_file(path)
    store, _ = load(tmp_path, "uk_police", path)
    areas = current_snapshot(store).read("areas")
    assert areas.select("area_code", "name_en").rows() == [("E05001063", "Arthur's Hill")]
