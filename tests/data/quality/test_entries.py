"""Which fields nobody has to enter again, in step with what is really stored."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from data.quality.entries import StoredField, count_records, forms, measure_entries
from data.records import Records
from data.records.decisions import Decision
from data.records.visits import VisitRecord
from data.store import Store


@pytest.mark.parametrize(("form", "record"), [("visit", VisitRecord), ("decision", Decision)])
def test_the_forms_name_exactly_the_fields_that_are_stored(form: str, record: type) -> None:
    assert list(forms()[form].fields) == [one.name for one in fields(record)]


def test_fields_avoided_are_records_times_fields_told_already() -> None:
    rows = {row["form"]: row for row in measure_entries({"visit": 10, "decision": 2}).iter_rows(named=True)}
    assert (rows["visit"]["from_source"], rows["visit"]["tapped"], rows["visit"]["typed"]) == (3, 1, 0)
    assert rows["visit"]["avoided"] == 10 * 3
    assert rows["decision"]["avoided"] == 2 * (2 + 3)
    for row in rows.values():
        told = row["from_source"] + row["from_edition"] + row["from_system"]
        assert told + row["offered"] + row["tapped"] + row["typed"] == row["fields"]


def test_nothing_on_record_yet(tmp_path: Path) -> None:
    records = Records.open(Store.create(tmp_path / "store"))
    assert count_records(records) == {"visit": 0, "decision": 0}


@pytest.mark.parametrize("wrong", [{"from": "source"}, {"from": "source", "column": "calls.colour"}, {"from": "guess"}])
def test_a_field_must_name_a_column_that_exists(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"column|guess"):
        StoredField.model_validate(wrong)
