"""Routing: each row of advice goes to exactly one desk."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.catalogue.routing import RoutingRule, route, routing_rules
from data.errors import SchemaError
from data.schemas.columns import VISIT_KINDS


def plan(*kinds: str) -> pl.DataFrame:
    size = len(kinds)
    return pl.DataFrame({"visit_kind": kinds, "beat_code": ["b1"] * size, "station_code": ["s1"] * size})


def test_disputes_go_to_the_beat_and_venues_to_the_station() -> None:
    routed = route("visit_plan", plan("dispute_revisit", "hotel", "elderly_alone"))
    assert routed.select("rule_id", "desk_role", "desk_level", "desk_area").rows() == [
        ("dispute-follow-up", "officer", "beat", "b1"),
        ("venue-check", "commander", "station", "s1"),
        ("home-visit", "officer", "beat", "b1"),
    ]


def test_numbers_above_a_bound_and_missing_ones() -> None:
    rows = pl.DataFrame({"gap": [0.5, 0.0, -2.0, None], "unit_code": ["s1"] * 4})
    assert route("staffing", rows)["desk_level"].to_list() == ["force", "station", "station", "station"]
    assert route("staffing", rows)["desk_area"].to_list() == [None, "s1", "s1", "s1"]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(VISIT_KINDS), max_size=20))
def test_no_row_is_lost_and_none_goes_nowhere(kinds: list[str]) -> None:
    rows = plan(*kinds) if kinds else plan("hotel").clear()
    routed = route("visit_plan", rows)
    assert routed.select(rows.columns).equals(rows)
    assert routed["rule_id"].null_count() == 0


def test_a_table_without_rules_is_told() -> None:
    with pytest.raises(SchemaError, match="no routing rule"):
        route("model_scores", pl.DataFrame({"category": ["x"]}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"table": "calls"}, "no table"),
        ({"where": {"nothing": ["x"]}}, "has no column nothing"),
        ({"role": "officer", "level": "station"}, "officer's desk"),
        ({"table": "funnel", "where": {}}, "do not say which station"),
    ],
)
def test_a_rule_that_does_not_fit_is_refused(change: dict[str, object], message: str) -> None:
    good = routing_rules()[1].model_dump()
    with pytest.raises(ValueError, match=message):
        RoutingRule.model_validate({**good, **change})
