"""Personal values: what is one, what only looks like one, and that none reaches a store."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.integration.ingest import ingest
from data.sources.personal import is_personal
from data.sources.personal_values import is_identity_number, redact, scrub, share_personal, without_personal
from data.store import Store

CITY = Path(__file__).parents[1] / "integration" / "city.toml"
NOW = datetime(2026, 1, 15, tzinfo=UTC)
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def identity_number(region: int, born: datetime, serial: int) -> str:
    """Make a valid number by the standard's own formula (written apart from the code under test)."""
    body = f"{region:06d}{born:%Y%m%d}{serial:03d}"
    remainder = sum(int(digit) * weight for digit, weight in zip(body, WEIGHTS, strict=True)) % 11
    return body + "10X98765432"[remainder]


SOUND = {
    "JJDBH": "",
    "BJSJ": "20260105083000",
    "BJLX": "0101",
    "GXDWDM": "440308000001",
    "SQDM": "S1",
    "SFDZ": "临澜路1号",
    "X": "113.9",
    "Y": "30.1",
    "BJNR": "吵闹",
}
PLACES = {"id": "JJDBH", "category": "BJLX", "address": "SFDZ", "time": "BJSJ", "x": "X", "extra": "BJNR"}

identity_numbers = st.builds(
    identity_number,
    st.sampled_from([110101, 310115, 440308, 510107, 650102]),
    st.datetimes(datetime(1930, 1, 1), datetime(2024, 12, 31)),
    st.integers(0, 999),
)
mobiles = st.builds(
    lambda prefix, rest, form: form.format(prefix=prefix, a=rest[:4], b=rest[4:]),
    st.sampled_from(["130", "138", "159", "166", "177", "189", "199"]),
    st.text("0123456789", min_size=8, max_size=8),
    st.sampled_from(
        ["{prefix}{a}{b}", "{prefix} {a} {b}", "{prefix}-{a}-{b}", "+86{prefix}{a}{b}", "86 {prefix}{a}{b}"]
    ),
)


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("11010519491231002X", True),  # the example of GB 11643-1999
        ("11010519491231002x", True),
        ("440308199901010012", True),
        ("440308199901010013", False),  # check digit
        ("440308199902300013", False),  # 30 February
        ("990308199901010012", False),  # no such province
        ("44030819990101001", False),
        ("ABCDEFGHIJKLMNOPQR", False),
    ],
)
def test_identity_number(text: str, is_one: bool) -> None:
    assert is_identity_number(text) is is_one


@pytest.mark.parametrize(
    ("text", "left", "kinds"),
    [
        ("家属13812345678到场", "家属***到场", ["mobile_number"]),
        ("１３８１２３４５６７８", None, ["mobile_number"]),
        ("电话1 138 1234 5678。", "电话1 ***。", ["mobile_number"]),
        ("身份证11010519491231002X，手机13812345678", "身份证***，手机***", ["identity_number", "mobile_number"]),
        ("拨013812345678", "拨***", ["mobile_number"]),  # as dialled from another city
        ("zhang.san@example.cn", None, ["email"]),
        ("20260105083000", "20260105083000", []),  # a 14-digit time
        ("23812345678", "23812345678", []),
        ("138123456789", "138123456789", []),  # 12 digits
        ("116.13812345678", "116.13812345678", []),  # a coordinate
        (f"{'c41944fe' * 4}13812345678f", f"{'c41944fe' * 4}13812345678f", []),  # a hash
        ("", "", []),
    ],
)
def test_redact(text: str, left: str | None, kinds: list[str]) -> None:
    assert redact(text) == (left, kinds)


@given(
    st.text("路号栋单元室 ,，", max_size=8), st.one_of(identity_numbers, mobiles), st.text("的人已到场 。,", max_size=8)
)
def test_no_planted_number_survives_in_text(before: str, planted: str, after: str) -> None:
    clean, kinds = redact(before + planted + after)
    assert kinds
    digits = [char for char in planted if char.isdigit()]
    assert "".join(digits[-8:]) not in "".join(char for char in clean or "" if char.isdigit())


def test_running_numbers_are_no_telephone_numbers() -> None:
    calls = [f"150000{number:05d}" for number in range(60)]
    column = pl.Series("id", [*calls, "13812345678", "YX-1"])
    clean, found = without_personal(column, identifies=True)
    assert clean.to_list() == [*calls, None, "YX-1"]
    assert {kind: int(mask.sum()) for kind, mask in found.items()} == {"mobile_number": 1}
    # The same values in a column of text are telephone numbers.
    assert without_personal(column)[0].null_count() == 61


def test_case_numbers_of_18_digits_are_kept_though_one_in_eleven_checks() -> None:
    cases = [f"44030820260105{number:04d}" for number in range(220)]
    chance = sum(map(is_identity_number, cases))
    assert 10 <= chance <= 30
    stranger = identity_number(110105, datetime(1949, 12, 31), 2)
    clean, found = without_personal(pl.Series([*cases, stranger]), identifies=True)
    assert clean.to_list() == [*cases, None]
    assert int(found["identity_number"].sum()) == 1


def test_a_column_of_identity_numbers_is_no_series() -> None:
    people = [identity_number(440308, datetime(1980, 1, 1 + number % 28), number) for number in range(60)]
    clean, _ = without_personal(pl.Series(people), identifies=True)
    assert clean.null_count() == 60
    assert share_personal(pl.Series(people)) == (1.0, "identity_number")


def test_one_telephone_number_on_every_row_is_no_series() -> None:
    column = pl.Series(["13812345678"] * 30)
    assert without_personal(column, identifies=True)[0].null_count() == 30


def test_tract_codes_of_a_state_that_begins_like_a_telephone_number_are_kept() -> None:
    tracts = [f"17031{number:06d}" for number in range(80)] + [f"17043{number:06d}" for number in range(20)]
    assert without_personal(pl.Series(tracts), identifies=True)[1] == {}


def test_scrub_counts_rows_by_kind_over_columns() -> None:
    frame = pl.DataFrame({"a": ["13812345678", "x", None], "b": ["y", "T 13812345678", "13912345678"], "n": [1, 2, 3]})
    clean, found = scrub(frame)
    assert clean.rows() == [(None, "y", 1), ("x", "T ***", 2), (None, None, 3)]
    assert found["personal_mobile_number_removed"].to_list() == [True, True, True]


@pytest.mark.parametrize("header", ["BJRXM", "联系电话", "身份证号", "护照号码", "sfzh", "Passport No", "mobile_phone"])
def test_headers_recognised_by_name(header: str) -> None:
    assert is_personal(header)


@pytest.mark.parametrize(
    "header", ["报警人", "負責人", "Complainant", "Victim Name", "Vict Age", "SUSP_RACE", "Suspect Sex"]
)
def test_headers_that_name_a_person_or_tell_of_one(header: str) -> None:
    assert is_personal(header)


@pytest.mark.parametrize(
    "header", ["报警人数", "VICTIM_COUNT", "Population Age 65", "报警方式", "Witness Statement Taken"]
)
def test_headers_that_count_or_tell_of_the_call(header: str) -> None:
    assert not is_personal(header)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    planted=st.lists(st.one_of(identity_numbers, mobiles), min_size=1, max_size=6),
    places=st.lists(
        st.sampled_from(["id", "category", "address", "time", "x", "extra", "ragged"]), min_size=6, max_size=6
    ),
)
def test_no_planted_number_reaches_store_or_quarantine(
    tmp_path_factory: pytest.TempPathFactory, planted: list[str], places: list[str]
) -> None:
    header = list(SOUND)
    lines = [",".join(header)]
    for number in range(8):
        cells = {**SOUND, "JJDBH": f"C{number}"}
        tail = ""
        if number < len(planted):
            value, place = planted[number], places[number]
            if place == "ragged":
                tail = f",,{value}"
            else:
                name = PLACES[place]
                cells[name] = value if place in ("id", "time", "x") else f"{cells[name]} {value}"
        lines.append(",".join(cells.values()) + tail)
    folder = tmp_path_factory.mktemp("planted")
    path = folder / "calls.csv"
    path.write_bytes(("\n".join(lines) + "\n").encode("gb18030"))
    report = ingest(Store.create(folder / "store"), CITY, [path], loaded_by="t", now=NOW)
    assert report.totals()["read"] == 8
    stored = b"".join(part.read_bytes() for part in (folder / "store").rglob("*.json")).decode()
    for part in (folder / "store").rglob("*.parquet"):
        frame = pl.read_parquet(part)
        stored += "\n".join(str(cell) for row in frame.select(pl.selectors.string()).rows() for cell in row)
        for column in frame.select(pl.selectors.numeric()):
            stored += "\n".join(f"{cell:.0f}" for cell in column.drop_nulls().to_list())
    for value in planted:
        assert value not in stored
        assert "".join(char for char in value if char.isalnum())[-11:] not in stored


def test_pinyin_initials_of_people() -> None:
    assert is_personal("BJR")
    assert is_personal("CJR")
    assert not is_personal("CJRQ")
