"""Calls and the standard addresses they are linked to."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from data.integration.addresses import link_addresses, locate_calls
from data.integration.addresses.linking import text_key
from data.integration.addresses.roads import near_roads
from data.schemas import Addresses, AddressLinks, Calls

PROVENANCE = {"source": "town", "load_id": "L1", "source_file": "f.csv", "source_line": 2}
TEXTS = {
    "A1": "云澜市临澜区荷洲路 42 号",
    "A2": "云澜市临澜区荷洲路 46 号",
    "A3": "云澜市临澜区解放大道 7 号",
    "A4": "云澜市临澜区柳溪街2段 9 号",
    "A5": "云澜市临澜区柳溪街3段 9 号",
}


def standards() -> pl.DataFrame:
    rows = [
        {
            **PROVENANCE,
            "record_key": code,
            "address_code": code,
            "address": text,
            "lon": 113.9 + number / 1000,
            "lat": 30.1,
        }
        for number, (code, text) in enumerate(TEXTS.items())
    ]
    return pl.DataFrame(Addresses.cast(Addresses.create_empty().vstack(_shaped(rows, Addresses))))


def calls(*texts: str | None, **more: Any) -> pl.DataFrame:
    rows = [
        {
            **PROVENANCE,
            "record_key": f"k{number}",
            "location_level": "none",
            "time_precision": "day",
            "occurred_on": date(2026, 1, 1),
            "category": "theft",
            "invalid": False,
            "confidential": False,
            "weight": 1,
            "address": text,
            **more,
        }
        for number, text in enumerate(texts)
    ]
    return _shaped(rows, Calls)


def _shaped(rows: list[dict[str, Any]], schema: Any) -> pl.DataFrame:
    empty = schema.create_empty()
    return pl.DataFrame(rows, schema={name: empty.schema[name] for name in empty.columns})


def linked(text: str, reviews: pl.DataFrame | None = None, **more: Any) -> dict[str, Any]:
    links = link_addresses(calls(text, **more), standards(), reviews)
    AddressLinks.validate(links)
    return links.row(0, named=True)


@pytest.mark.parametrize(
    ("text", "code", "method"),
    [
        ("云澜市临澜区荷洲路42号", "A1", "exact"),
        ("雲瀾市臨瀾區荷洲路４２號", "A1", "exact"),
        ("荷洲路四十二号", "A1", "model"),
        ("临澜荷洲路42号3栋2单元502室", "A1", "model"),
        ("云澜市临澜区荷州路42号", "A1", "model"),
        ("云澜市临澜区柳溪街二段9号", "A4", "exact"),
    ],
)
def test_the_same_place_is_matched(text: str, code: str, method: str) -> None:
    found = linked(text)
    assert (found["outcome"], found["address_code"], found["method"]) == ("match", code, method)
    assert found["level"] == "building"
    assert found["probability"] > 0.9


@pytest.mark.parametrize(
    "text",
    [
        "云澜市临澜区荷洲路44号",
        "云澜市北澜区荷洲路42号",
        "江州市临澜区荷洲路42号",
        "云澜市临澜区友谊路42号",
        "云澜市临澜区荷洲路",
        "云澜市临澜区荷洲路31~60号",
        "云澜市临澜区柳溪街9段9号",
    ],
)
def test_another_place_is_not_matched(text: str) -> None:
    assert linked(text)["outcome"] != "match"


def test_a_text_that_leaves_the_section_open_waits_for_a_person() -> None:
    found = linked("云澜市临澜区柳溪街9号")
    assert found["outcome"] == "review"
    assert found["differences"] == ["section:only_table"]


def test_levels_and_points() -> None:
    assert linked("云澜市临澜区荷洲路42号附近")["level"] == "road"
    # 44 is not in the table: the nearest number of its side, for orientation.
    between = linked("云澜市临澜区荷洲路44号")
    assert (between["outcome"], between["level"], between["lat"]) == ("none", "road", 30.1)
    assert between["lon"] in (pytest.approx(113.9), pytest.approx(113.901))
    far_along = linked("云澜市临澜区荷洲路442号")
    assert (far_along["level"], far_along["lon"]) == ("road", None)
    assert linked("临澜区东风社区")["level"] == "community"
    # A road of that name in a district the table does not cover is another road.
    assert linked("云澜市北澜区荷洲路44号")["level"] == "none"


def test_a_point_far_away_casts_doubt() -> None:
    text = "云澜市临澜区荷州路42号"
    near = linked(text, lon=113.9001, lat=30.1, location_level="point")
    far = linked(text, lon=113.95, lat=30.1, location_level="point")
    assert near["outcome"] == "match"
    assert (far["outcome"], far["address_code"]) == ("review", "A1")
    assert far["differences"] == ["road:same_sound", "point:far"]
    # Where all elements agree the link stands and the point is what is told.
    exact = linked("云澜市临澜区荷洲路42号", lon=113.95, lat=30.1, location_level="point")
    assert (exact["outcome"], exact["differences"]) == ("match", ["point:far"])


def test_decisions_of_the_steward_hold_for_every_call_with_the_text() -> None:
    plain = "云澜市临澜区柳溪街9号"
    key = text_key(plain)

    def decided(decision: str, code: str) -> dict[str, Any]:
        reviews = pl.DataFrame({"text_key": [key], "address_code": [code], "decision": [decision]})
        return linked("雲澜市临澜区柳溪街 ９ 号", reviews)

    accepted = decided("accept", "A5")
    assert (accepted["outcome"], accepted["address_code"], accepted["method"]) == ("match", "A5", "steward")
    assert accepted["probability"] == 1.0
    assert decided("none", "A4")["outcome"] == "none"
    # What another police force decided about the same words, and its own addresses, decides nothing here.
    assert decided("none", "B1") == linked(plain)
    # With one of two refused, the other one stands alone.
    other = decided("reject", "A4")
    assert other["address_code"] in ("A5", None)
    assert other["probability"] > linked(plain)["probability"] or other["outcome"] == "none"


def test_calls_keep_their_order_and_take_points_only_when_they_have_none() -> None:
    some = calls("云澜市临澜区解放大道7号", None, "云澜市临澜区荷洲路44号", "胡同口")
    links = link_addresses(some, standards())
    assert links["incident_id"].to_list() == ["k0", "k2", "k3"]
    located = locate_calls(some, links)
    assert located.columns == some.columns
    assert located["location_level"].to_list() == ["building", "none", "road", "none"]
    assert located["lon"].is_not_null().to_list() == [True, False, True, False]
    own = calls("云澜市临澜区解放大道7号", lon=113.9021, lat=30.1, location_level="point")
    assert locate_calls(own, link_addresses(own, standards())).equals(own)


def test_no_addresses_no_links() -> None:
    assert link_addresses(calls("云澜市"), standards().clear()).is_empty()
    assert link_addresses(calls(None), standards()).is_empty()


@pytest.mark.parametrize(
    ("written", "relation"),
    [
        ("荷洲路", "same"),
        ("荷洲", "no_type"),
        ("荷州路", "same_sound"),
        ("荷洲街", "other_type"),
        ("荷光路", "one_edit_short"),
        ("洲荷路", "swapped"),
        ("农贸市场荷洲路", "prefixed"),
        # A place named before a road that is written wrong.
        ("农贸市场荷州路", "same_sound"),
        ("东风小区洲荷路", "swapped"),
    ],
)
def test_roads_that_look_or_sound_alike(written: str, relation: str) -> None:
    found = near_roads(pl.Series([written]), pl.Series(["荷洲路", "团结街"]))
    assert found.rows() == [(written, "荷洲路", relation)]


def test_a_road_named_after_a_landmark_keeps_its_name() -> None:
    known = pl.Series(["人民公园南路", "公园路"])
    assert near_roads(pl.Series(["人民公园南路"]), known)["near_road"].to_list()[0] == "人民公园南路"
    assert near_roads(pl.Series(["人民公圆南路"]), known)["near_road"].to_list()[0] == "人民公园南路"


def test_a_name_that_only_looks_like_a_type() -> None:
    assert near_roads(pl.Series(["青桥"]), pl.Series(["青桥路"])).rows() == [("青桥", "青桥路", "no_type")]
