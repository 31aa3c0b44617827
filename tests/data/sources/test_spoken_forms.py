"""Days of spreadsheets, clock times in words, local milliseconds, offences as yes-or-no columns: read and proposed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from data.errors import SourceError
from data.integration.ingest import IngestReport, ingest
from data.snapshots import current_snapshot
from data.sources.mapping import parse_mapping
from data.sources.parsing import clock_text, parse_text
from data.sources.propose import Known, Proposal, propose_mapping
from data.store import Store

NOW = datetime(2026, 6, 1, tzinfo=UTC)
ZONE = "America/Chicago"
HEAD = f"""
format = 1
[source]
name = "town"
title_zh = "t"
title_en = "t"
legal_basis = "published-open-data"
purpose = "workload-and-place-analysis"
[source.jurisdiction]
code = "zz-town"
name_zh = "t"
name_en = "t"
timezone = "{ZONE}"
analysis_crs = "EPSG:32616"
[[file]]
name = "calls"
table = "calls"
format = "csv"
headers = ["ID"]
identity = "call_id"
"""


def load(folder: Path, text: str, columns: str) -> tuple[IngestReport, pl.DataFrame]:
    mapping, path = folder / "town.toml", folder / "calls.csv"
    mapping.write_text(HEAD + columns)
    path.write_text(text)
    store = Store.create(folder / "store")
    report = ingest(store, mapping, [path], loaded_by="test", now=NOW)
    return report, current_snapshot(store).read("calls").sort("call_id")


def propose(folder: Path, frame: pl.DataFrame, **known: Any) -> tuple[Proposal, IngestReport, pl.DataFrame]:
    """Propose, confirm as a steward would, and ingest."""
    path = folder / "export.csv"
    frame.write_csv(path)
    proposal = propose_mapping(
        [path], Known("town", "zz-town", known.get("zone", ZONE), None, None, "published-open-data")
    )
    mapping = folder / "town.toml"
    mapping.write_text("\n".join(line for line in proposal.toml.splitlines() if not line.startswith("unconfirmed")))
    store = Store.create(folder / "store")
    report = ingest(store, mapping, [path], loaded_by="test", now=NOW)
    assert report.totals()["read"] == report.totals()["kept"] == frame.height
    return proposal, report, current_snapshot(store).read("calls").sort("call_id")


def local(calls: pl.DataFrame, column: str = "occurred_from") -> list[datetime]:
    return calls[column].dt.convert_time_zone(ZONE).dt.replace_time_zone(None).to_list()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(0754 Hrs)", "07:54:00"),
        ("7:54 a.m.", "07:54:00"),
        ("7.54 P.M.", "19:54:00"),
        ("0754", "07:54:00"),
        ("754", "07:54:00"),
        ("7 PM", "19:00:00"),
        ("12:05 AM", "00:05:00"),
        ("12 p.m.", "12:00:00"),
        ("07h54", "07:54:00"),
        ("1905 hours", "19:05:00"),
        ("9 o'clock", "09:00:00"),
        ("7时54分", "07:54:00"),
        ("上午7:54", "07:54:00"),
        ("下午 3点05分", "15:05:00"),
        ("中午12点", "12:00:00"),
        ("中午1点", "13:00:00"),
        ("凌晨2点", "02:00:00"),
        ("（晚上8点）", "20:00:00"),
        ("晚上12点", None),
        ("0.329166667", "07:54:00"),
        ("12:30:15 p.m.", "12:30:15"),
        ("2400", "24:00:00"),
        ("45", None),
        ("7", None),
        ("approx 7", None),
        ("-0754", None),
        ("54300", None),
        (None, None),
    ],
)
def test_clock_times_in_words(text: str | None, expected: str | None) -> None:
    assert pl.select(clock_text(pl.lit(text, dtype=pl.String))).item() == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("44562.5", datetime(2022, 1, 1, 12)),
        ("44562", datetime(2022, 1, 1)),
        ("44562.3333333333", datetime(2022, 1, 1, 8)),
        ("44,562.25", datetime(2022, 1, 1, 6)),
        ("61", datetime(1900, 3, 1)),
        ("60", None),
        ("-44562", None),
        ("1e300", None),
        ("2022-01-01", None),
    ],
)
def test_days_of_a_spreadsheet(text: str, expected: datetime | None) -> None:
    assert pl.select(parse_text(pl.lit(text), "sheet_serial", [], "UTC").dt.replace_time_zone(None)).item() == expected


def test_a_mapping_reads_days_of_a_spreadsheet_as_local_times(tmp_path: Path) -> None:
    text = "ID,WHEN,SEEN,KNOWN\n1,44562.5,44562.75,44563.9\n2,44743,,\n3,first of May,,\n"  # 44562: 1 January 2022
    rules = """
[file.columns]
call_id = { from = "ID" }
category = { constant = "x" }
reported_at = { from = "SEEN", parse = "sheet_serial" }
known_on = { from = "KNOWN", parse = "sheet_serial" }
[file.time]
at = { from = "WHEN", parse = "sheet_serial" }
"""
    report, calls = load(tmp_path, text, rules)
    assert local(calls) == [datetime(2022, 1, 1, 12), datetime(2022, 7, 1)]
    assert local(calls, "reported_at")[0] == datetime(2022, 1, 1, 18)
    assert calls["known_on"][0] == date(2022, 1, 2)
    assert report.totals()["quarantined"] == {"unreadable_value": 1}


def test_a_day_read_from_a_date_and_time_is_the_local_one(tmp_path: Path) -> None:
    rules = """
[file.columns]
call_id = { from = "ID" }
category = { constant = "x" }
known_on = { from = "AT", parse = "datetime" }
[file.time]
at = { from = "AT" }
"""
    _, calls = load(tmp_path, "ID,AT\n1,2022-01-01 23:00:00\n", rules)
    assert calls["known_on"].to_list() == [date(2022, 1, 1)]


def test_a_mapping_reads_the_day_and_a_clock_in_words(tmp_path: Path) -> None:
    text = "ID,DAY,TIME\n1,44562,(0754 Hrs)\n2,44562,7:54 p.m.\n3,44562,(2400 Hrs)\n4,44562,about noon\n5,44562,\n"
    rules = """
[file.columns]
call_id = { from = "ID" }
category = { constant = "x" }
[file.time]
date = { from = "DAY", parse = "sheet_serial" }
clock = { from = "TIME", parse = "clock" }
"""
    report, calls = load(tmp_path, text, rules)
    day = datetime(2022, 1, 1)
    hours = [
        timedelta(hours=7, minutes=54),
        timedelta(hours=19, minutes=54),
        timedelta(days=1),
        timedelta(0),
        timedelta(0),
    ]
    assert local(calls) == [day + one for one in hours]
    assert calls["time_precision"].cast(pl.String).to_list() == ["exact", "exact", "exact", "day", "day"]
    assert report.files[0].notes == {"unreadable_clock": 1}


def test_milliseconds_of_the_local_clock(tmp_path: Path) -> None:
    counted = 1_640_995_200_000 + 23 * 3_600_000  # 1 January 2022, 23:00
    rules = """
[file.columns]
call_id = { from = "ID" }
category = { constant = "x" }
reported_at = { from = "AT", parse = "epoch_ms_local" }
known_on = { from = "AT", parse = "epoch_ms_local" }
[file.time]
at = { from = "AT", parse = "epoch_ms_local" }
"""
    _, calls = load(tmp_path, f"ID,AT\n1,{counted}\n", rules)
    assert local(calls) == local(calls, "reported_at") == [datetime(2022, 1, 1, 23)]
    assert calls["known_on"].to_list() == [date(2022, 1, 1)]
    (tmp_path / "utc").mkdir()
    _, in_utc = load(tmp_path / "utc", f"ID,AT\n1,{counted}\n", rules.replace("epoch_ms_local", "epoch_ms"))
    assert local(in_utc) == [datetime(2022, 1, 1, 17)]


FLAGS = """
[file.columns]
call_id = { from = "ID" }
category = { first_of = [["Homicide", "homicide"], ["Theft", "theft"], ["Arson", "arson"]], default = "other" }
[file.time]
date = { from = "DAY" }
"""


def test_of_several_kinds_the_first_in_the_mapping_counts_and_the_row_is_counted(tmp_path: Path) -> None:
    text = (
        "ID,DAY,Arson,Theft,Homicide\n1,2022-01-01,1,0,0\n2,2022-01-01,Y,Y,N\n3,2022-01-01,1,1,2\n4,2022-01-01,0,,0\n"
        "5,2022-01-01,perhaps,1,0\n6,2022-01-01,nan,0,0\n"
    )
    report, calls = load(tmp_path, text, FLAGS)
    assert calls["category"].to_list() == ["arson", "theft", "homicide", "other"]
    assert report.files[0].notes["several_kinds"] == 2
    assert report.totals()["quarantined"] == {"unreadable_value": 2}


def test_a_layout_without_one_of_the_kinds_is_read(tmp_path: Path) -> None:
    _, calls = load(tmp_path, "ID,DAY,Arson\n1,2022-01-01,1\n", FLAGS)
    assert calls["category"].to_list() == ["arson"]


def test_a_rule_has_one_origin() -> None:
    both = FLAGS.replace("first_of", 'from = "X", first_of')
    with pytest.raises(SourceError, match="exactly one of from, combine, first_of"):
        parse_mapping(HEAD + both)
    personal = FLAGS.replace('"Arson"', '"姓名"')
    with pytest.raises(SourceError, match="holds personal data"):
        parse_mapping(HEAD + personal)


def rows(count: int = 400) -> pl.DataFrame:
    n = pl.int_range(count, eager=True)
    return pl.DataFrame({"IncidentNum": 22_000_000 + n, "Offense": ("THEFT " + (n % 5).cast(pl.String))})


def test_days_of_a_spreadsheet_are_proposed_where_the_header_says_date(tmp_path: Path) -> None:
    n = pl.int_range(400, eager=True)
    serial = 44_562 + n // 10 + (n % 24) / 24
    proposal, _, calls = propose(
        tmp_path, rows().with_columns(serial.alias("Date Reported"), serial.alias("Beat Factor"))
    )
    kind = parse_mapping(proposal.toml).files[0]
    assert kind.time is not None
    assert kind.time.at is not None
    assert (kind.time.at.headers, kind.time.at.parse) == (["Date Reported"], "sheet_serial")
    assert "Beat Factor" not in [header for rule in kind.rules.values() for header in rule.reads]
    assert local(calls)[25] == datetime(2022, 1, 3, 1)
    assert not {"time", "date"} & {one.name for one in proposal.questions}


def test_a_day_of_a_spreadsheet_and_a_clock_in_words_are_proposed(tmp_path: Path) -> None:
    n = pl.int_range(400, eager=True)
    clock = pl.Series(
        [f"({hour:02d}{minute:02d} Hrs)" for hour, minute in ((one % 24, one % 60) for one in n.to_list())]
    )
    proposal, report, calls = propose(
        tmp_path,
        rows().with_columns(
            (44_562 + n // 10).alias("Occurred Date"), clock.alias("Occurred Time"), clock.alias("Beat")
        ),
    )
    kind = parse_mapping(proposal.toml).files[0]
    assert kind.time is not None
    assert kind.time.date is not None
    assert kind.time.clock is not None
    assert (kind.time.date.parse, kind.time.clock.parse) == ("sheet_serial", "clock")
    assert kind.time.clock.headers == ["Occurred Time"]
    assert local(calls)[25] == datetime(2022, 1, 3, 1, 25)
    assert "unreadable_clock" not in report.files[0].notes


def moments(start: int, count: int = 2_000) -> pl.DataFrame:
    """Return rows with milliseconds since 1970, few of them in the five hours from ``start`` on."""
    n = pl.int_range(count, eager=True)
    hours = pl.Series(
        [(start + 5 + one % 19) % 24 if one % 50 else (start + one // 50 % 5) % 24 for one in range(count)]
    )
    at = 1_640_995_200_000 + (n // 20) * 86_400_000 + hours * 3_600_000 + (n % 60) * 60_000
    return rows(count).with_columns(at.alias("OccurredDate"))


def test_milliseconds_that_look_local_are_asked_about(tmp_path: Path) -> None:
    frame = moments(2)
    proposal, _, calls = propose(tmp_path, frame)
    assert 'parse = "epoch_ms_local"' in proposal.toml
    asked = next(one for one in proposal.questions if one.name == "clock of OccurredDate")
    assert (asked.value, asked.choices) == ("epoch_ms_local", ("epoch_ms",))
    assert "clock of OccurredDate" in parse_mapping(proposal.toml).source.unconfirmed
    first = pl.Series(frame["OccurredDate"]).cast(pl.Datetime("ms")).to_list()
    assert local(calls)[:50] == first[:50]


@pytest.mark.parametrize(("start", "zone"), [(8, ZONE), (2, "Europe/London")])
def test_milliseconds_of_utc_are_not_asked_about(tmp_path: Path, start: int, zone: str) -> None:
    proposal, _, _ = propose(tmp_path, moments(start), zone=zone)
    assert 'parse = "epoch_ms"' in proposal.toml
    assert "clock of OccurredDate" not in {one.name for one in proposal.questions}


def milwaukee(count: int = 500) -> pl.DataFrame:
    """Return rows under the published headers of Milwaukee's incidents; values made up."""
    kinds = (
        *("Arson", "AssaultOffense", "Burglary", "CriminalDamage", "Homicide", "LockedVehicle", "Robbery"),
        *("SexOffense", "Theft", "VehicleTheft"),
    )
    n = list(range(count))
    told = {
        "IncidentNum": [f"{220_000_000 + one}" for one in n],
        "ReportedDateTime": [f"2022-0{1 + one % 6}-{1 + one % 28:02d} {one % 24:02d}:{one % 60:02d}:00" for one in n],
        "Location": [f"{one * 10} N TEUTONIA AV" for one in n],
        "WeaponUsed": ["" for _ in n],
        "POLICE": [1 + one % 7 for one in n],
        "RoughX": [2_550_000 + one for one in n],
        "RoughY": [390_000 + one for one in n],
    }
    # Every tenth row has a second kind beside its own.
    flags = {kind: [int(one % 10 == at or (one % 10 == 0 and at == 6)) for one in n] for at, kind in enumerate(kinds)}
    return pl.DataFrame({**told, **flags})


def test_a_column_for_each_kind_of_offence_is_proposed(tmp_path: Path) -> None:
    proposal, report, calls = propose(tmp_path, milwaukee())
    rule = parse_mapping(proposal.toml).files[0].columns["category"]
    assert [header for header, _ in rule.first_of] == [
        *("Homicide", "SexOffense", "Robbery", "AssaultOffense", "Arson", "Burglary", "VehicleTheft", "LockedVehicle"),
        *("Theft", "CriminalDamage"),
    ]
    asked = next(one for one in proposal.questions if one.name == "order of categories")
    assert asked.value.startswith("Homicide, SexOffense")
    assert "category" not in {one.name for one in proposal.questions}
    # Arson and robbery on one row: the robbery, and the row is counted.
    assert report.files[0].notes["several_kinds"] == 50
    assert calls["category"].to_list()[:3] == ["Robbery", "AssaultOffense", "Burglary"]


def test_yes_or_no_beside_a_category_is_not_taken_for_one(tmp_path: Path) -> None:
    frame = milwaukee().with_columns(pl.Series("Offense Description", ["THEFT", "ASSAULT", "ROBBERY", "FRAUD"] * 125))
    proposal, _, _ = propose(tmp_path, frame)
    assert parse_mapping(proposal.toml).files[0].columns["category"].headers == ["Offense Description"]


def test_few_yeses_are_no_category(tmp_path: Path) -> None:
    n = pl.int_range(400, eager=True)
    few = {
        name: (n % 9 == at).cast(pl.Int64) for at, name in enumerate(("Robbery Linked", "Theft Linked", "Drug Linked"))
    }
    proposal, _, _ = propose(tmp_path, rows().drop("Offense").with_columns(**few, When=pl.lit("2022-01-01")))
    assert not parse_mapping(proposal.toml).files[0].columns["category"].first_of
