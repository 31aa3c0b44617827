"""Layouts of systems no built-in mapping knows, as a list: published headers, made-up values, what must be found.

Values are forms that row ``n`` fills in: ``day`` 1 to 28, ``hour`` 1 to 9, ``kind`` theft, burglary or assault,
``code`` a number for each kind, ``district`` 0 to 3, ``month`` 1 to 6. What is wanted is canonical column → headers,
joined by +.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Layout:
    """One layout.

    Attributes
    ----------
    columns
        Header → form of its values.
    wanted
        Canonical column → headers that must be read for it; ``dispatches.`` before those of the table beside.
    personal
        Headers that must be dropped at the door.
    asked
        What must be asked besides what every new source is asked.
    precision
        How exactly the time is known.
    located
        Whether every row has a place.
    """

    columns: dict[str, str]
    wanted: dict[str, str]
    personal: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    precision: str = "exact"
    located: bool = True
    encoding: str = "utf-8"
    separator: str = ","


LON, LAT = "-104.9{n:02d}1", "39.7{n:02d}1"

#: When it happened, told in ways that differ.
TIMES: dict[str, Layout] = {
    "a clock time of digits that lost its zeros": Layout(
        {
            "DR_NO": "2001{n:05d}",
            "Date Rptd": "03/{day:02d}/2020 12:00:00 AM",
            "DATE OCC": "03/{day:02d}/2020 12:00:00 AM",
            "TIME OCC": "{hour}05",
            "AREA": "{district}1",
            "Rpt Dist No": "01{district}3",
            "Crm Cd": "{code}",
            "Crm Cd Desc": "{kind}",
            "Vict Age": "{n}",
            "Vict Descent": "H",
            "LOCATION": "{n}00    MAIN                         ST",
            "LAT": LAT,
            "LON": LON,
        },
        {
            "time.date": "DATE OCC",
            "time.clock": "TIME OCC",
            "known_on": "Date Rptd",
            "category": "Crm Cd Desc",
            "category_intake": "Crm Cd",
            "unit_code": "AREA",
            "community_code": "Rpt Dist No",
            "address": "LOCATION",
        },
        personal=("Vict Age", "Vict Descent"),
    ),
    "days and clock times from and to": Layout(
        {
            "CMPLNT_NUM": "2500{n:05d}",
            "CMPLNT_FR_DT": "03/{day:02d}/2020",
            "CMPLNT_FR_TM": "0{hour}:05:00",
            "CMPLNT_TO_DT": "03/{day:02d}/2020",
            "CMPLNT_TO_TM": "0{hour}:45:00",
            "ADDR_PCT_CD": "{district}1",
            "RPT_DT": "03/{day:02d}/2020",
            "KY_CD": "{code}",
            "OFNS_DESC": "{kind}",
            "SUSP_RACE": "(null)",
            "VIC_AGE_GROUP": "25-44",
            "Latitude": LAT,
            "Longitude": LON,
        },
        {
            "time.date": "CMPLNT_FR_DT",
            "time.clock": "CMPLNT_FR_TM",
            "time.until_date": "CMPLNT_TO_DT",
            "time.until_clock": "CMPLNT_TO_TM",
            "known_on": "RPT_DT",
            "call_id": "CMPLNT_NUM",
            "unit_code": "ADDR_PCT_CD",
        },
        personal=("SUSP_RACE", "VIC_AGE_GROUP"),
        precision="slot",
    ),
    "an American clock behind an ISO date": Layout(
        {
            "Incident Datetime": "2020/03/{day:02d} 0{hour}:05:00 AM",
            "Incident Date": "2020/03/{day:02d}",
            "Incident Time": "0{hour}:05",
            "Report Datetime": "2020/03/{day:02d} 11:59:00 PM",
            "Row ID": "9{n:06d}",
            "Incident Number": "200{n:06d}",
            "Incident Code": "{code}",
            "Incident Category": "{kind}",
            "Intersection": "{n}TH ST \\ MAIN ST",
            "Police District": "D{district}",
            "Supervisor District": "{district}",
            "Latitude": LAT,
            "Longitude": LON,
        },
        {
            "time.at": "Incident Datetime",
            "reported_at": "Report Datetime",
            "call_id": "Incident Number",
            "category": "Incident Category",
            "category_intake": "Incident Code",
            "address": "Intersection",
            "unit_code": "Police District",
        },
    ),
    "a start and an end, both called DateTime": Layout(
        {
            "Report Number": "2020-{n:06d}",
            "Offense Start DateTime": "03/{day:02d}/2020 0{hour}:05:00 AM",
            "Offense End DateTime": "03/{day:02d}/2020 0{hour}:45:00 AM",
            "Report DateTime": "03/{day:02d}/2020 11:59:00 PM",
            "Crime Against Category": "PROPERTY",
            "Offense Parent Group": "{kind}",
            "Offense Code": "{code}F",
            "Precinct": "N",
            "Beat": "N{district}",
            "100 Block Address": "{n}XX BLOCK OF MAIN ST",
            "Longitude": LON,
            "Latitude": LAT,
        },
        {
            "time.at": "Offense Start DateTime",
            "time.until": "Offense End DateTime",
            "reported_at": "Report DateTime",
            "category": "Offense Parent Group",
            "category_intake": "Offense Code",
            "beat_code": "Beat",
            "address": "100 Block Address",
        },
        precision="slot",
    ),
    "two moments in one cell": Layout(
        {
            "File Number": "2020-{n:05d}",
            "Date of Report": "03/{day:02d}/2020 11:59:00 PM",
            "Crime Date Time": "03/{day:02d}/2020 0{hour}:05 - 03/{day:02d}/2020 0{hour}:45",
            "Crime": "{kind}",
            "Neighborhood": "Area {district}",
            "Location": "{n} MAIN ST",
        },
        {
            "time.at": "Crime Date Time",
            "time.until": "Crime Date Time",
            "reported_at": "Date of Report",
            "category": "Crime",
        },
        precision="slot",
        located=False,
    ),
    "whole hours beside a day": Layout(
        {
            "Incident": "1000{n:04d}",
            "RMSOccurrenceDate": "2020-03-{day:02d}",
            "RMSOccurrenceHour": "{hour24}",
            "NIBRSClass": "{code}",
            "NIBRSDescription": "{kind}",
            "Beat": "1A{district}",
            "StreetNo": "{n}",
            "StreetName": "MAIN",
            "StreetType": "ST",
            "MapLongitude": LON,
            "MapLatitude": LAT,
        },
        {
            "time.date": "RMSOccurrenceDate",
            "time.hour": "RMSOccurrenceHour",
            "call_id": "Incident",
            "category": "NIBRSDescription",
            "category_intake": "NIBRSClass",
            "address": "StreetNo+StreetName+StreetType",
        },
        precision="hour",
    ),
    "first days that stand for months": Layout(
        {
            "Community Name": "Beltline {district}",
            "Category": "{kind}",
            "Date": "2020/{month:02d}/01",
            "Community Center Point": f"POINT ({LON} {LAT})",
        },
        {"time.month": "Date", "category": "Category", "community_code": "Community Name"},
        precision="month",
    ),
    "marked as UTC, but a clock beside it shows the local time": Layout(
        {
            "dispatch_date_time": "2020-03-{day:02d} 0{hour}:05:00+00",
            "dispatch_time": "0{hour}:05:00",
            "dc_key": "2020{n:06d}",
            "location_block": "{n}00 BLOCK MAIN ST",
            "ucr_general": "{code}",
            "text_general_code": "{kind}",
            "dc_dist": "{district}1",
            "lat": LAT,
            "lng": LON,
        },
        {"time.at": "dispatch_date_time", "call_id": "dc_key", "category": "text_general_code", "unit_code": "dc_dist"},
    ),
    "marked as UTC, and nothing shows whether it is": Layout(
        {
            "CCN": "2000{n:04d}",
            "REPORT_DAT": "2020/03/{day:02d} 23:59:00+00",
            "START_DATE": "2020/03/{day:02d} 0{hour}:05:00+00",
            "END_DATE": "2020/03/{day:02d} 0{hour}:45:00+00",
            "OFFENSE": "{kind}",
            "BLOCK": "{n}00 BLOCK OF MAIN ST",
            "XBLOCK": "39{n:04d}",
            "YBLOCK": "13{n:04d}",
            "PSA": "10{district}",
            "LATITUDE": LAT,
            "LONGITUDE": LON,
            "OBJECTID": "{n}",
        },
        {
            "time.at": "START_DATE",
            "time.until": "END_DATE",
            "reported_at": "REPORT_DAT",
            "call_id": "CCN",
            "address": "BLOCK",
        },
        asked=("zone of START_DATE",),
        precision="slot",
    ),
    "first and last occurrence": Layout(
        {
            "INCIDENT_ID": "2020{n:06d}",
            "OFFENSE_CODE": "{code}",
            "OFFENSE_CATEGORY_ID": "{kind}",
            "FIRST_OCCURRENCE_DATE": "3/{day}/2020 {hour}:05:00 AM",
            "LAST_OCCURRENCE_DATE": "3/{day}/2020 {hour}:45:00 AM",
            "REPORTED_DATE": "3/{day}/2020 11:59:00 PM",
            "INCIDENT_ADDRESS": "{n} BLOCK N OGDEN ST",
            "GEO_LON": "-104.9{n:02d}1",
            "GEO_LAT": "39.7{n:02d}1",
        },
        {
            "time.at": "FIRST_OCCURRENCE_DATE",
            "time.until": "LAST_OCCURRENCE_DATE",
            "reported_at": "REPORTED_DATE",
            "call_id": "INCIDENT_ID",
            "category": "OFFENSE_CATEGORY_ID",
            "category_intake": "OFFENSE_CODE",
        },
        precision="slot",
    ),
    "parts of a date": Layout(
        {
            "TYPE": "{kind}",
            "YEAR": "2020",
            "MONTH": "3",
            "DAY": "{day}",
            "HOUR": "{hour}",
            "MINUTE": "5",
            "HUNDRED_BLOCK": "{n}XX W GEORGIA ST",
            "LONGITUDE": "-123.1{n:02d}1",
            "LATITUDE": "49.2{n:02d}1",
        },
        {
            "time.at": "YEAR+MONTH+DAY+HOUR+MINUTE",
            "category": "TYPE",
            "address": "HUNDRED_BLOCK",
        },
    ),
    "parts of a date without minutes": Layout(
        {
            "编号": "{n}",
            "案类": "{kind}",
            "发生年": "2020",
            "发生月": "3",
            "发生日": "{day}",
            "发生时": "{hour}",
            "地点": "文一路{n}号",
        },
        {
            "time.date": "发生年+发生月+发生日",
            "time.hour": "发生时",
            "category": "案类",
        },
        precision="hour",
        located=False,
    ),
    "a point in the place of an address": Layout(
        {
            "INCIDENT_NUMBER": "I1820{n:05d}",
            "OFFENSE_CODE": "{code}",
            "OFFENSE_CODE_GROUP": "{kind}",
            "DISTRICT": "D{district}",
            "OCCURRED_ON_DATE": "2020-03-{day:02d} 0{hour}:05:00",
            "STREET": "LINCOLN ST",
            "Lat": "42.3{n:02d}1",
            "Long": "-71.0{n:02d}1",
            "Location": "(42.3{n:02d}1, -71.0{n:02d}1)",
        },
        {
            "time.at": "OCCURRED_ON_DATE",
            "address": "STREET",
            "category": "OFFENSE_CODE_GROUP",
        },
    ),
    "a point behind an address": Layout(
        {
            "Incident Number w/year": "{n:06d}-2020",
            "Type of Incident": "{kind}",
            "Date1 of Occurrence": "2020-03-{day:02d}",
            "Time1 of Occurrence": "0{hour}:05",
            "Incident Address": "{n} MAIN ST",
            "Location1": "{n} MAIN ST CITY, TX 75201 (32.7{n:02d}1, -96.8{n:02d}1)",
        },
        {
            "time.date": "Date1 of Occurrence",
            "time.clock": "Time1 of Occurrence",
            "call_id": "Incident Number w/year",
            "category": "Type of Incident",
            "point.x": "Location1",
            "point.y": "Location1",
        },
    ),
}
