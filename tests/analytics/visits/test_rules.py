from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from data.errors import SourceError
from data.schemas.columns import VISIT_KINDS
from data.visit_rules import load_visit_rules

GOOD = """
[[rules]]
rule_id = "hotel"
visit_kind = "hotel"
times_per_month = 1
assumed = true
source = "Assumption."

[minutes]
hotel = { p10 = 10, p50 = 20, p90 = 40, crew = 2 }
"""


def test_the_shipped_table_covers_every_kind_and_says_what_is_assumed() -> None:
    table = load_visit_rules()
    held = table.in_force(date(2026, 3, 2))
    assert {rule.visit_kind for rule in held if rule.grade is None} == set(VISIT_KINDS)
    public = {rule.rule_id: rule.times_per_month for rule in held if not rule.assumed and rule.times_per_month}
    assert public == {"venue-a": 1, "venue-b": 3, "venue-c": 5, "group-rental": 1}
    assert {rule.visit_kind for rule in held if rule.triggered} == {"dv_warning", "dispute_revisit"}
    assert all(rule.source.startswith("Assumption") or not rule.assumed or "Assumption" in rule.source for rule in held)


def test_a_rule_not_yet_in_force_is_left_out() -> None:
    held = load_visit_rules().in_force(date(2014, 12, 31))
    assert "group-rental" not in {rule.rule_id for rule in held}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('visit_kind = "hotel"', 'visit_kind = "motel"', "visit_kind 'motel' is unknown"),
        ("times_per_month = 1", "times_per_month = 0", "times_per_month must be a whole number of 1 or more, got 0"),
        ("times_per_month = 1", 'times_per_month = "1"', "must be a whole number"),
        ("times_per_month = 1", "times_per_month = 40", "28 or fewer"),
        ("times_per_month = 1", "times_per_month = 1\nevery_days = 3", "states times_per_month and every_days"),
        ("times_per_month = 1", "", "neither a cadence nor first_within_days"),
        ("times_per_month = 1", "per_month = 1", "unknown fields: per_month"),
        ('source = "Assumption."', "", "fields are missing: source"),
        ('source = "Assumption."', 'source = " "', "names no source"),
        ("assumed = true", "assumed = true\nvalid_from = 2020-01-01\nvalid_to = 2020-01-01", "after valid_from"),
        ("assumed = true", 'assumed = true\nvalid_from = "soon"', "must be a date"),
        ("hotel = {", "rental = {", "no default minutes for hotel"),
        ("p50 = 20", "p50 = 5", "p10 <= p50"),
        ("p50 = 20, ", "", "must give p10, p50, p90"),
        ("[minutes]", "[minutes", "not valid TOML"),
        ("[[rules]]", "[[other]]", "holds no"),
    ],
)
def test_a_bad_table_is_refused_in_one_message(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in GOOD
    file = tmp_path / "rules.toml"
    file.write_text(GOOD.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(SourceError, match=message):
        load_visit_rules(file)


def test_a_force_may_bring_its_own_table(tmp_path: Path) -> None:
    file = tmp_path / "rules.toml"
    file.write_text(GOOD, encoding="utf-8")
    assert [rule.rule_id for rule in load_visit_rules(file).rules] == ["hotel"]


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be read"):
        load_visit_rules(tmp_path / "none.toml")


def test_two_rules_for_the_same_day_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "rules.toml"
    second = GOOD.split("[minutes]")[0].replace('"hotel"\nvisit', '"hotel-2"\nvisit')
    file.write_text(second + GOOD, encoding="utf-8")
    with pytest.raises(SourceError, match="together with 'hotel"):
        load_visit_rules(file).in_force(date(2026, 1, 1))
