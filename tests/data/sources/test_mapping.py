"""Mappings are checked when they are read, and a message names the key and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.errors import SourceError
from data.sources.mapping import BUILT_IN, built_in_mappings, load_mapping, parse_mapping

CITY = (Path(__file__).parents[1] / "integration" / "city.toml").read_text(encoding="utf-8")


def test_every_built_in_mapping_is_valid() -> None:
    assert {"portland", "st_louis", "taipei"} <= set(built_in_mappings())
    for name in built_in_mappings():
        assert load_mapping(name).source.name == name


def test_the_example_in_the_documentation_is_the_file() -> None:
    mapping = load_mapping("portland")
    assert [kind.name for kind in mapping.files] == ["calls", "districts"]
    assert mapping.jurisdiction.analysis_crs == "EPSG:2913"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('crs = "EPSG:4490"', 'crs = "EPSG:999999"', r"'EPSG:999999' is not known.*GCJ-02"),
        ('crs = "EPSG:4490"\nnowhere', "nowhere", r"crs\) of x and y is not stated"),
        ('analysis_crs = "EPSG:4549"', 'analysis_crs = "EPSG:4326"', r"not a projected system"),
        ('timezone = "Asia/Shanghai"', 'timezone = "Beijing"', r"'Beijing' is not an IANA time zone"),
        ('call_id = { from = "JJDBH" }', 'call_id = { from = "BJRXM" }', r"'BJRXM' holds personal data"),
        ('call_id = { from = "JJDBH" }', 'call_id = { from = "报警人姓名" }', r"holds personal data"),
        ('personal = ["CZRY"]', 'personal = ["SFDZ"]', r"SFDZ is listed as personal and read by a rule"),
        ('call_id = { from = "JJDBH" }', 'call_number = { from = "JJDBH" }', r"calls has no column call_number"),
        ('call_id = { from = "JJDBH" }', 'record_key = { from = "JJDBH" }', r"no column record_key a mapping may set"),
        ('identity = "call_id"', 'identity = "number"', r"identity names number"),
        ('identity = "call_id"\n', "", r"identity is empty"),
        ('legal_basis = "synthetic-data"\n', "", r"source\.legal_basis: Field required"),
        ('encoding = "gb18030"', 'encoding = "gb99"', r"encoding 'gb99' is not known"),
        ('table = "dispatches"', 'table = "patrols"', r"no table 'patrols'; tables: areas"),
        ('matches = "^测试"', 'matches = "("', r"is not a regular expression"),
        ('matches = "^测试"', 'matches = "(?=a)"', r"look-around"),
        ('at = { from = "BJSJ" }', 'at = { from = "BJSJ", formats = ["%Y %m %d %H"] }', r"both hour and minute"),
        (
            'at = { from = "BJSJ" }',
            'at = { from = "BJSJ", formats = ["YYYY-MM-DD"] }',
            r"not a format of dates such as",
        ),
        ('parse = "month_start"', 'parse = "monthly"', r"population\.columns\.month\.parse"),
        ('name = "sightings"', 'name = "calls"', r"same name"),
        ("identical_rows", "identicalrows", r"sightings\.identicalrows: Extra inputs"),
        ('[file.time]\nat = { from = "BJSJ" }', "[file.time]", r"needs at, date or month"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in CITY
    path = tmp_path / "broken.toml"
    path.write_text(CITY.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(SourceError, match=message) as caught:
        load_mapping(path)
    assert str(path) in str(caught.value)
    assert "docs/sources.md" in str(caught.value)


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(SourceError, match=r"no built-in source 'atlantis'.*portland"):
        load_mapping("atlantis")


def test_what_is_not_toml_says_so(tmp_path: Path) -> None:
    path = tmp_path / "m.toml"
    path.write_text("format = ")
    with pytest.raises(SourceError, match="not valid TOML"):
        load_mapping(path)
    with pytest.raises(SourceError, match="cannot be read"):
        load_mapping(tmp_path / "none.toml")


@pytest.mark.parametrize("code", ["all", " zz-town", ""])
def test_a_police_force_is_never_called_all(code: str) -> None:
    text = (BUILT_IN / "portland.toml").read_text(encoding="utf-8")
    own = load_mapping("portland").jurisdiction.code
    with pytest.raises(SourceError, match=r"source\.jurisdiction\.code"):
        parse_mapping(text.replace(f'code = "{own}"', f'code = "{code}"'))
