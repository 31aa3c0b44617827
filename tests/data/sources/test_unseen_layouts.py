"""Layouts of systems no built-in mapping knows: the headers their publishers use, over values made up here."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from data.integration.ingest import ingest
from data.snapshots import current_snapshot
from data.sources.mapping import parse_mapping
from data.sources.propose import Known, propose_mapping
from data.store import Store

NOW = datetime(2026, 6, 1, tzinfo=UTC)
ROWS = 60

#: Name → header → the value of row n; and canonical column → headers that must be read for it.
LAYOUTS: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "first and last occurrence": (
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
    ),
    "parts of a date": (
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
        {"time.at": "YEAR+MONTH+DAY+HOUR+MINUTE", "category": "TYPE", "address": "HUNDRED_BLOCK"},
    ),
    "parts of a date without minutes": (
        {
            "编号": "{n}",
            "案类": "{kind}",
            "发生年": "2020",
            "发生月": "3",
            "发生日": "{day}",
            "发生时": "{hour}",
            "地点": "文一路{n}号",
        },
        {"time.date": "发生年+发生月+发生日", "time.hour": "发生时", "category": "案类"},
    ),
    "a point in the place of an address": (
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
        {"time.at": "OCCURRED_ON_DATE", "address": "STREET", "category": "OFFENSE_CODE_GROUP"},
    ),
    "a point behind an address": (
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
KINDS = ("theft", "burglary", "assault")


def write_layout(folder: Path, columns: dict[str, str]) -> Path:
    rows = [
        {
            header: form.format(
                n=n, kind=KINDS[n % 3], code=500 + n % 3, day=1 + n % 28, hour=1 + n % 9, district=n % 4
            )
            for header, form in columns.items()
        }
        for n in range(ROWS)
    ]
    path = folder / "export.csv"
    pl.DataFrame(rows).write_csv(path)
    return path


def load(folder: Path, path: Path) -> tuple[str, Store]:
    """Propose, confirm as a steward would, and ingest."""
    known = Known("town", "zz-town", "America/Denver", None, None, "published-open-data")
    toml = propose_mapping([path], known).toml
    mapping = folder / "town.toml"
    mapping.write_text("\n".join(line for line in toml.splitlines() if not line.startswith("unconfirmed")))
    store = Store.create(folder / "store")
    ingest(store, mapping, [path], loaded_by="test", now=NOW)
    return toml, store


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_layout_nobody_has_seen(tmp_path: Path, name: str) -> None:
    columns, wanted = LAYOUTS[name]
    toml, store = load(tmp_path, write_layout(tmp_path, columns))
    kind = parse_mapping(toml).files[0]
    found = {column: "+".join(rule.reads) for column, rule in kind.rules.items() if rule.reads}
    assert {column: found.get(column) for column in wanted} == wanted
    incidents = current_snapshot(store).read("incidents")
    assert incidents.height == ROWS
    hours = incidents["occurred_from"].dt.convert_time_zone("America/Denver").dt.hour()
    assert hours.to_list() == [1 + n % 9 for n in range(ROWS)]
    if any(column.startswith("point") for column in found):
        assert incidents["lat"].null_count() == 0


def test_an_hour_that_is_missing_is_no_midnight(tmp_path: Path) -> None:
    columns = dict(LAYOUTS["parts of a date"][0])
    path = write_layout(tmp_path, columns)
    frame = pl.read_csv(path, infer_schema=False)
    missing = pl.int_range(pl.len()) % 5 == 0
    frame.with_columns(pl.when(~missing).then(pl.col(name)).alias(name) for name in ("HOUR", "MINUTE")).write_csv(path)
    _, store = load(tmp_path, path)
    precision = current_snapshot(store).read("incidents")["time_precision"].cast(pl.String).to_list()
    assert precision == ["day" if n % 5 == 0 else "exact" for n in range(ROWS)]


def test_calls_and_their_dispatches_on_one_row(tmp_path: Path) -> None:
    columns = {
        "NOPD_Item": "A{n:05d}20",
        "TypeText": "{kind}",
        "Type": "{code}",
        "TimeCreate": "03/{day:02d}/2020 0{hour}:05:00",
        "TimeDispatch": "03/{day:02d}/2020 0{hour}:10:00",
        "TimeArrive": "03/{day:02d}/2020 0{hour}:20:00",
        "TimeClosed": "03/{day:02d}/2020 0{hour}:50:00",
        "SelfInitiated": "N",
    }
    path = write_layout(tmp_path, columns)
    frame = pl.read_csv(path, infer_schema=False).with_row_index("n")
    frame = frame.with_columns(
        # Every third call was started by an officer; every fourth was never answered.
        pl.when(pl.col("n") % 3 == 0).then(pl.lit("Y")).otherwise(pl.lit("N")).alias("SelfInitiated"),
        *(
            pl.when(pl.col("n") % 4 > 0).then(pl.col(name)).alias(name)
            for name in ("TimeDispatch", "TimeArrive", "TimeClosed")
        ),
    )
    frame.drop("n").write_csv(path)
    toml, store = load(tmp_path, path)
    blocks = {kind.name: kind for kind in parse_mapping(toml).files}
    assert blocks["dispatches"].beside == "calls"
    snapshot = current_snapshot(store)
    dispatches, incidents = snapshot.read("dispatches"), snapshot.read("incidents")
    assert dispatches.height == 45
    assert (dispatches["cleared_at"] - dispatches["arrived_at"]).dt.total_minutes().unique().to_list() == [30]
    assert incidents["arrived_at"].null_count() == 15
    assert incidents["discovered_by"].cast(pl.String).to_list() == [
        "police" if n % 3 == 0 else "reported" for n in range(ROWS)
    ]
