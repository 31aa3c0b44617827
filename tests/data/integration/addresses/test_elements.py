"""Address texts and the elements a reader of Chinese sees in them."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.demo.address_noise import chinese_numeral
from data.integration.addresses.elements import ELEMENTS, parse_addresses, read_numeral


def elements_of(text: str, **known: list[str]) -> dict[str, str]:
    row = parse_addresses(pl.Series([text]), **known).row(0, named=True)
    return {name: value for name, value in row.items() if value is not None}


HOME = {"city": "云澜市", "district": "临澜区", "road": "荷洲路", "number": "42"}


@pytest.mark.parametrize(
    "text",
    [
        "云澜市临澜区荷洲路42号",
        "云澜市临澜区荷洲路 42 号",
        "云澜市临澜区荷洲路４２号",
        "雲瀾市臨瀾區荷洲路42號",
        "云澜市临澜区荷洲路四十二号",
        "云澜市临澜区荷洲路042号",
        "云澜市临澜区荷洲路42",
        "云澜市，临澜区（荷洲路）42号",
    ],
)
def test_ways_of_writing_give_the_same_elements(text: str) -> None:
    assert elements_of(text) == HOME


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "广东省深圳市南山区粤海街道高新南七道12号A座1201室",
            {
                **{"province": "广东省", "city": "深圳市", "district": "南山区", "town": "粤海街道"},
                **{"road": "高新南七道", "number": "12", "building": "A", "room": "1201"},
            },
        ),
        (
            "解放路三十二号3栋2单元502室",
            {"road": "解放路", "number": "32", "building": "3", "unit": "2", "room": "502"},
        ),
        (
            "臺北市文山區博嘉里020鄰木柵路4段91~120號",
            {
                **{"city": "台北市", "district": "文山区", "community": "博嘉里", "group": "20", "road": "木柵路"},
                **{"section": "4", "number": "91", "number_to": "120"},
            },
        ),
        (
            "臺北市信義區永吉路225巷4弄1之1~30號",
            {
                **{"city": "台北市", "district": "信義区", "road": "永吉路", "lane": "225", "sub_lane": "4"},
                **{"number": "1", "number_sub": "1", "number_to": "30"},
            },
        ),
        ("解放路12-3号附近", {"road": "解放路", "number": "12", "number_sub": "3", "suffix": "附近"}),
        ("解放路31 - 60号", {"road": "解放路", "number": "31", "number_to": "60"}),
        ("解放路12号之3", {"road": "解放路", "number": "12", "number_sub": "3"}),
        ("幸福小区3号楼2单元", {"estate": "幸福小区", "building": "3", "unit": "2"}),
        ("解放路幸福巷5号", {"road": "解放路", "lane_name": "幸福巷", "number": "5"}),
        ("长湖里5号", {"road": "长湖里", "number": "5"}),
        ("三里河路5号", {"road": "三里河路", "number": "5"}),
        ("景德镇路18号", {"road": "景德镇路", "number": "18"}),
        ("市民大道8段361号", {"road": "市民大道", "section": "8", "number": "361"}),
        ("解放32号", {"road": "解放", "number": "32"}),
        ("二环路五百零三号门口", {"road": "二环路", "number": "503", "suffix": "门口"}),
        ("解放路20农贸市场", {"road": "解放路", "number": "20", "suffix": "农贸市场"}),
        ("信義路4段與敦化南路口", {"road": "信義路", "section": "4", "suffix": "与敦化南路口"}),
        ("", {}),
    ],
)
def test_elements(text: str, expected: dict[str, str]) -> None:
    assert elements_of(text) == expected


def test_known_names_complete_what_callers_leave_out() -> None:
    known = {"cities": ["云澜市"], "districts": ["临澜区"]}
    assert elements_of("云澜临澜荷洲路42号", **known) == HOME
    assert elements_of("临澜荷洲路42号", **known) == {key: HOME[key] for key in ("district", "road", "number")}
    # A road that is named after the district stays a road.
    for road in ("临澜大道", "临澜路", "临澜北路"):
        assert elements_of(f"{road}42号", **known) == {"road": road, "number": "42"}


def test_null_stays_null_and_rows_keep_their_order() -> None:
    parsed = parse_addresses(pl.Series(["解放路2号", None, "解放路1号", "解放路2号"]))
    assert parsed.columns == list(ELEMENTS)
    assert parsed["number"].to_list() == ["2", None, "1", "2"]


@given(st.integers(1, 9999))
def test_every_numeral_reads_back(number: int) -> None:
    assert read_numeral(chinese_numeral(number)) == str(number)
    assert read_numeral(f"{number:05d}") == str(number)


@given(st.text(max_size=40))
def test_any_text_is_read_without_failing(text: str) -> None:
    assert parse_addresses(pl.Series([text])).height == 1
