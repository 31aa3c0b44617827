"""What a steward meets besides plain CSV: shapes, JSON, withheld places, boundaries, and files that are none."""

from __future__ import annotations

import json
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import geopandas
import polars as pl
import pytest
import shapely
import xlsxwriter

from data.errors import SourceError
from data.integration.ingest import ingest
from data.snapshots import current_snapshot
from data.sources.check import check_source
from data.sources.mapping import parse_mapping
from data.sources.propose import Known, Proposal, propose_mapping
from data.sources.propose.profiling import profile_column
from data.store import Store

NOW = datetime(2026, 6, 1, tzinfo=UTC)
KNOWN = Known("town", "zz-town", "America/Chicago", None, None, "published-open-data")
ROWS = 400
#: 1 March 2022, 08:05 in Chicago is 14:05 UTC.
FIRST = datetime(2022, 3, 1, 14, 5, tzinfo=UTC)


def load(folder: Path, *paths: Path, known: Known = KNOWN) -> tuple[Proposal, Store]:
    proposal = propose_mapping(list(paths), known)
    mapping = folder / "town.toml"
    mapping.write_text("\n".join(line for line in proposal.toml.splitlines() if not line.startswith("unconfirmed")))
    store = Store.create(folder / "store")
    ingest(store, mapping, list(paths), loaded_by="test", now=NOW)
    return proposal, store


def moment(n: int) -> datetime:
    return FIRST + timedelta(minutes=37 * n)


def milliseconds(n: int) -> int:
    return int(moment(n).timestamp() * 1000)


def features(n: int) -> dict[str, object]:
    return {"caseNumber": f"MP22{n:05d}", "beginDate": milliseconds(n), "description": f"THEFT {n % 3}"}


@pytest.mark.parametrize("form", ["geojson", "esri", "lines"])
def test_points_of_shapes_and_json(tmp_path: Path, form: str) -> None:
    path = tmp_path / ("calls.geojson" if form == "geojson" else "calls.json")
    lon, lat = -93.2, 44.9
    if form == "geojson":
        shapes = [{"type": "Point", "coordinates": [lon, lat]} if n % 10 else None for n in range(ROWS)]
        rows = [{"type": "Feature", "properties": features(n), "geometry": shapes[n]} for n in range(ROWS)]
        path.write_text(json.dumps({"type": "FeatureCollection", "features": rows}))
    elif form == "esri":
        fields = [
            {"name": "caseNumber", "type": "esriFieldTypeString"},
            {"name": "description", "type": "esriFieldTypeString"},
        ]
        fields.append({"name": "beginDate", "type": "esriFieldTypeDate"})
        rows = [{"attributes": features(n), "geometry": {"x": lon, "y": lat} if n % 10 else None} for n in range(ROWS)]
        head = {"geometryType": "esriGeometryPoint", "spatialReference": {"wkid": 4326}, "fields": fields}
        path.write_text(json.dumps({**head, "features": rows}))
    else:
        places = [{"latitude": lat, "longitude": lon} if n % 10 else {} for n in range(ROWS)]
        path.write_text("\n".join(json.dumps({**features(n), **places[n]}) for n in range(ROWS)))
    _, store = load(tmp_path, path)
    calls = current_snapshot(store).read("calls").sort("call_id")
    assert calls.height == ROWS
    # A call without a point is counted, not located; the point is read although no column holds it.
    assert calls["lat"].null_count() == ROWS // 10
    assert calls["occurred_from"][0] == FIRST
    assert calls["lon"].drop_nulls().unique().to_list() == [lon]


def test_places_that_are_withheld_or_made_up_are_not_located(tmp_path: Path) -> None:
    def place(n: int) -> str:
        if n % 4 == 0:
            return "REDACTED,REDACTED"
        return "-120.5,90" if n % 4 == 1 else f"-122.4{n:03d},37.7{n:03d}"

    path = tmp_path / "calls.csv"
    rows = [f"A{n},{moment(n):%Y-%m-%d %H:%M},THEFT {n % 3},{place(n)}" for n in range(ROWS)]
    path.write_text("case_number,date,offense,longitude,latitude\n" + "\n".join(rows))
    _, store = load(tmp_path, path)
    calls = current_snapshot(store).read("calls")
    assert (calls.height, calls["lat"].count()) == (ROWS, ROWS // 2)


@pytest.mark.parametrize("local", [True, False])
def test_quiet_hours_show_whether_utc_is_meant(tmp_path: Path, local: bool) -> None:
    # Nothing happens from one to six o'clock of the local clock, six hours behind UTC.
    clocks = [datetime(2022, 1, 1 + n % 28, 6 + (n * 7) % 19 if (n * 7) % 19 < 18 else 0, 5) for n in range(ROWS)]
    told = [clock if local else clock + timedelta(hours=6) for clock in clocks]
    path = tmp_path / "calls.csv"
    rows = [f"A{n},{told[n]:%Y/%m/%d %H:%M:%S}+00,THEFT {n % 3}" for n in range(ROWS)]
    path.write_text("case_number,occurred_date,offense\n" + "\n".join(rows))
    proposal, store = load(tmp_path, path)
    assert "zone of occurred_date" not in {one.name for one in proposal.questions}
    calls = current_snapshot(store).read("calls").with_columns(n=pl.col("call_id").str.slice(1).cast(int)).sort("n")
    found = calls["occurred_from"].dt.convert_time_zone("America/Chicago").dt.replace_time_zone(None)
    assert found.to_list() == clocks


@pytest.mark.parametrize("file_name", ["areas.geojson", "areas.zip"])
def test_boundaries_are_named_as_the_calls_name_them(tmp_path: Path, file_name: str) -> None:
    calls = tmp_path / "calls.csv"
    rows = [f"A{n},{moment(n):%Y-%m-%d %H:%M},THEFT {n % 3},{1 + n % 12}" for n in range(ROWS)]
    calls.write_text("case_number,date,offense,beat\n" + "\n".join(rows))
    shapes = [shapely.box(-90 + n, 40, -89 + n, 41) for n in range(12)]
    frame = {
        "OBJECTID": range(1, 13),
        "LABEL": [f"Beat {n}" for n in range(12)],
        "PB": [f"{n + 1:04d}" for n in range(12)],
    }
    areas = tmp_path / file_name
    shaped = geopandas.GeoDataFrame(frame, geometry=shapes, crs="EPSG:4326")
    if file_name.endswith("zip"):
        shaped.to_file(tmp_path / "areas.shp")
        with zipfile.ZipFile(areas, "w") as archive:
            for part in tmp_path.glob("areas.*"):
                if part != areas:
                    archive.write(part, part.name)
    else:
        shaped.to_file(areas)
    proposal, store = load(tmp_path, calls, areas)
    kinds = {kind.table: kind for kind in parse_mapping(proposal.toml).files}
    assert kinds["areas"].columns["area_code"].reads == ["PB"]
    assert kinds["calls"].columns["beat_code"].pad == 4
    assert not {one.name for one in proposal.questions} & {"area_code", "level of areas"}
    snapshot = current_snapshot(store)
    assert set(snapshot.read("calls")["beat_code"]) == set(snapshot.read("areas")["area_code"])


WRONG = {
    "empty.csv": (b"", "0 bytes"),
    "blank.csv": (b"\n\n\n", "blank lines only"),
    "report.csv": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj", "is a PDF document, not csv"),
    "login.csv": (b"<!DOCTYPE html>\n<html><body>Sign in</body></html>", "is a web page, not csv"),
    "login.json": (b"<html><body>Sign in</body></html>", "is a web page, not json"),
    "noise.csv": (bytes(range(256)) * 9, "is not text"),
    "failed.json": (b'{"error":{"code":400,"message":"Invalid URL"}}', "error message of a server"),
    "headers.csv": (b"Incident Number,Date,Offense\n", "headers but no records"),
    "sheet.csv": (b"PK\x03\x04" + b"x" * 99, "an Excel workbook or ZIP archive, not csv"),
    "cut.xlsx": (b"PK\x03\x04" + b"x" * 99, "cannot be read as a workbook: it is damaged"),
    "picture.xlsx": (b"\x89PNG\r\n\x1a\n" + b"x" * 99, "is a picture, not xlsx"),
    "nothing.parquet": (b"", "0 bytes"),
    "none.parquet": (b"hello world", "cannot be read as Parquet"),
    "calls.csv.gz": (b"\x1f\x8b", "damaged or incomplete"),
    "calls.7z": (b"7z\xbc\xaf", "packed in a way that is not read here"),
    "broken.zip": (b"PK\x03\x04none", "is no ZIP archive"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_file_that_is_no_data_is_named_for_what_it_is(tmp_path: Path, name: str) -> None:
    content, said = WRONG[name]
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(SourceError, match=said) as caught:
        propose_mapping([path])
    assert name in str(caught.value)
    # Whoever reads it is told what to do.
    assert str(caught.value).count(". ") >= 1


@pytest.mark.parametrize("damage", ["name", "version"])
def test_a_damaged_list_of_contents_is_refused_with_a_message(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "damaged.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("辖区.shp", b"x")
    content = bytearray(path.read_bytes())
    entry = content.index(b"PK\x01\x02")
    if damage == "name":
        # A byte of the name that UTF-8 does not allow, as found by the fuzzed readers.
        content[content.index("辖区".encode(), entry)] = 0xB1
    else:
        content[entry + 6] = 99
    path.write_bytes(content)
    with pytest.raises(SourceError, match=r"damaged\.zip: the file is no ZIP archive, or a damaged one") as caught:
        propose_mapping([path])
    assert "Ask for the file again." in str(caught.value)


def test_a_check_that_fits_nothing_says_how_to_go_on(tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    path.write_text("Case,When,What\n1,2022-01-01,THEFT\n")
    said = check_source(path, None).to_text()
    assert "fits no mapping" in said
    assert "beatwise source new calls.csv" in said
    # Twenty reasons of mappings that have nothing to do with the file help nobody.
    assert len(said.splitlines()) < 10


def test_two_years_of_one_city_are_told_apart(tmp_path: Path) -> None:
    # Six headers are the same; the later year has one more and calls the place by other names.
    same = "case_number,date,offense,address,district,beat"
    row = "{0},{1:%Y-%m-%d %H:%M},THEFT {2},{3} MAIN ST,D{2},B{2}"
    years = {"2021.csv": "lon,lat", "2022.csv": "longitude,latitude,priority"}
    for name, more in years.items():
        rows = [
            row.format(f"{name[:4]}-{n}", moment(n), n % 3, n)
            + f",-90.1{n:03d},40.1{n:03d}"
            + (",1" if "pri" in more else "")
            for n in range(ROWS)
        ]
        (tmp_path / name).write_text("\n".join([f"{same},{more}", *rows]))
    _, store = load(tmp_path, *(tmp_path / name for name in years))
    calls = current_snapshot(store).read("calls")
    assert (calls.height, calls["lat"].null_count()) == (2 * ROWS, 0)
    assert calls["level"].null_count() == ROWS


def test_the_sheet_that_holds_most_is_read_and_the_others_are_named(tmp_path: Path) -> None:
    rows = [{"Case": f"A{n}", "Date": moment(n).replace(tzinfo=None), "Offense": f"THEFT {n % 3}"} for n in range(ROWS)]
    path = tmp_path / "calls.xlsx"
    workbook = xlsxwriter.Workbook(path)
    pl.DataFrame({"About": ["published by", "the city"]}).write_excel(workbook, "Read me")
    pl.DataFrame(rows).write_excel(workbook, "Crimes")
    workbook.close()
    proposal, store = load(tmp_path, path)
    assert parse_mapping(proposal.toml).files[0].sheet == "Crimes"
    asked = {one.name: one for one in proposal.questions}
    assert "Read me" in asked["sheet of calls"].why
    assert current_snapshot(store).read("calls").height == ROWS


def test_codes_that_a_program_took_for_numbers(tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    rows = [f"{n + 500}.0,{moment(n):%Y-%m-%d %H:%M},THEFT {n % 3},{n % 9 + 1}.0" for n in range(ROWS)]
    path.write_text("case_number,date,offense,precinct\n" + "\n".join(rows))
    _, store = load(tmp_path, path)
    calls = current_snapshot(store).read("calls")
    assert set(calls["unit_code"]) == {str(n) for n in range(1, 10)}
    assert "500" in set(calls["call_id"])


@pytest.mark.parametrize(
    ("values", "kind", "formats"),
    [
        (["1-Jan-15", "28-Feb-15"], "day", ["%d-%b-%y"]),
        (["01/25/22", "12/31/21"], "day", ["%m/%d/%y"]),
        (["2022/03/05 01:30:00 PM", "2022/03/25 11:30:00 AM"], "moment", ["%Y/%m/%d %I:%M:%S %p"]),
        (["2024 Mar 05 01:30:00 PM", "2024 Dec 25 11:30:00 AM"], "moment", ["%Y %b %d %I:%M:%S %p"]),
        (["January 2022", "March 2022"], "month", ["%B %Y"]),
    ],
)
def test_forms_of_dates_found_elsewhere(values: list[str], kind: str, formats: list[str]) -> None:
    form = profile_column("date", "date", pl.Series(values)).dates
    assert form is not None
    assert (form.kind, form.forms) == (kind, formats)


def test_numbers_are_no_moments() -> None:
    # Thirteen characters with a sign and a point are no milliseconds since 1970, nor is a number of a case.
    assert profile_column("x", "Longitude", pl.Series(["-122.338146748", "-122.404612874"])).dates is None
    assert profile_column("c", "CAD Event Number", pl.Series(["2022000000001", "2022000000002"])).dates is None
    seconds = profile_column("date", "Date", pl.Series([str(1_646_092_800 + 3_601 * n) for n in range(60)])).dates
    assert seconds is not None
    assert seconds.keys == {"suffix": "000", "parse": "epoch_ms"}


def test_a_call_time_tells_more_than_the_same_day(tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    rows = [f"A{n},THEFT {n % 3},{moment(n):%m/%d/%Y},{moment(n):%m/%d/%Y %H:%M}" for n in range(ROWS)]
    path.write_text("Crime Id,Original Crime Type Name,Offense Date,Call Date Time\n" + "\n".join(rows))
    proposal, _ = load(tmp_path, path)
    time = parse_mapping(proposal.toml).files[0].time
    assert time is not None
    assert time.at is not None
    assert time.at.reads == ["Call Date Time"]


def test_a_wrong_end_costs_no_call(tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    rows = [f"A{n},THEFT,{moment(n):%Y-%m-%d %H:%M},{moment(n - 9 * (n % 2)):%Y-%m-%d %H:%M}" for n in range(ROWS)]
    path.write_text("case_number,offense,start_date,end_date\n" + "\n".join(rows))
    proposal, store = load(tmp_path, path)
    assert proposal.files[0].notes == {"end_before_start": ROWS // 2}
    assert current_snapshot(store).read("calls").height == ROWS
