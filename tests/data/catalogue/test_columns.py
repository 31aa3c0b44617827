"""The catalogue covers every column; derived columns inherit the highest grade of their inputs."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from data.catalogue import columns
from data.catalogue.bases import FILE, legal_bases, load_legal_bases, require_basis
from data.catalogue.columns import Derivation, catalogue, describe_columns, grade_of, grade_problems, tables_behind
from data.errors import SchemaError, SourceError
from data.schemas import CANONICAL, DERIVED, EDITION
from data.sources.mapping import built_in_mappings, load_mapping


def test_no_column_of_any_table_is_uncovered() -> None:
    described = describe_columns()
    covered = set(described.select("table", "column").iter_rows())
    tables = {**CANONICAL, **DERIVED, **EDITION}
    assert covered == {(table, column) for table, schema in tables.items() for column in schema.column_names()}
    for name in ("name_zh", "name_en", "class", "grade", "legal_basis", "retention"):
        assert described[name].null_count() == 0, name
    assert described["purposes"].list.len().min() >= 1  # type: ignore[operator]
    assert set(described["grade"]) == {1, 2, 3, 4}


def test_a_table_the_catalogue_forgets_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    known = catalogue()
    without = known.model_copy(update={"tables": {k: v for k, v in known.tables.items() if k != "shifts"}})
    monkeypatch.setattr(columns, "catalogue", lambda: without)
    with pytest.raises(SchemaError, match="shifts"):
        describe_columns()


def test_derived_columns_keep_the_highest_grade_of_their_inputs() -> None:
    assert grade_problems() == []


def test_a_grade_that_falls_without_a_reason_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    known = catalogue()
    hotspots = {**known.derivations["hotspots"], "lon": Derivation.model_validate({"from": ["incidents.lon"]})}
    del hotspots["rank"]
    changed = known.model_copy(update={"derivations": {**known.derivations, "hotspots": hotspots}})
    monkeypatch.setattr(columns, "catalogue", lambda: changed)
    assert grade_problems() == [
        "hotspots.rank: no derivation is stated",
        "hotspots.lon has grade 2, below its inputs' 3, without a reason",
    ]


def test_every_reason_for_a_lower_grade_is_needed() -> None:
    # A reason on a column whose grade did not fall would hide a later fall.
    known = catalogue()
    idle = [
        f"{table}.{column}"
        for table, stated in known.derivations.items()
        for column, derivation in stated.items()
        if derivation.because == "area" and grade_of(table, column) >= 3
    ]
    assert idle == []


def test_the_tables_behind_a_page() -> None:
    assert tables_behind("calls") == ("calls",)
    assert tables_behind("visit_plan") == ("areas", "visit_register", "visits")
    assert set(tables_behind("hotspots")) == {"areas", "base_map", "calls", "feedbacks"}
    assert "shifts" in tables_behind("staffing")


def test_personal_tables_rest_on_a_known_basis_and_have_an_end() -> None:
    known = catalogue()
    assert all(one.days is not None or name == "geography" for name, one in known.retentions.items())
    assert {entry.legal_basis for entry in known.tables.values()} <= {basis.id for basis in legal_bases().bases}


@pytest.mark.parametrize("name", built_in_mappings())
def test_every_built_in_mapping_rests_on_a_basis_of_the_register(name: str) -> None:
    source = load_mapping(name).source
    require_basis(source.legal_basis, source.purpose, date(2026, 1, 15))


def test_a_basis_says_what_it_said_on_the_day() -> None:
    logs = legal_bases().basis("network-log-duty")
    assert logs is not None
    before, after = logs.on(date(2025, 12, 31)), logs.on(date(2026, 1, 1))
    assert before is not None and "第二十一条" in before.article
    assert after is not None and "第二十三条" in after.article
    assert logs.on(date(2017, 5, 31)) is None


@pytest.mark.parametrize(
    ("basis", "purpose", "day", "message"),
    [
        ("because", "demonstration", date(2026, 1, 1), "no legal basis 'because'.*synthetic-data"),
        ("synthetic-data", "fun", date(2026, 1, 1), "no purpose 'fun'.*demonstration"),
        ("published-open-data", "community-visits", date(2026, 1, 1), "does not carry the purpose"),
        ("government-data-sharing", "supervision", date(2025, 7, 31), "does not hold on 2025-07-31"),
    ],
)
def test_a_load_without_a_basis_is_refused(basis: str, purpose: str, day: date, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        require_basis(basis, purpose, day)


def test_two_texts_on_one_day_are_refused(tmp_path: Path) -> None:
    broken = tmp_path / "bases.toml"
    text = FILE.read_text(encoding="utf-8").replace("valid_to = 2026-01-01", "valid_to = 2026-06-01")
    broken.write_text(text, encoding="utf-8")
    with pytest.raises(SourceError, match="two texts hold on 2026-01-01"):
        load_legal_bases(broken)
