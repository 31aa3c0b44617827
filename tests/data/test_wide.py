"""Tables of a terminal stand in columns where names are Chinese."""

from __future__ import annotations

import pytest

from data.integration.reports import FileReport, IngestReport
from data.wide import cells, padded


@pytest.mark.parametrize(
    ("text", "told"), [("", 0), ("ab", 2), ("接警单", 6), ("接警单.csv", 10), ("（甲）", 6), ("e\u0301", 1), (12, 2)]
)
def test_a_wide_sign_takes_two_cells_and_a_combined_one_none(text: object, told: int) -> None:
    assert cells(text) == told


def test_a_name_is_padded_to_cells_and_never_cut() -> None:
    assert padded("甲乙", 6) == "甲乙  "
    assert padded("甲乙丙丁", 6) == "甲乙丙丁"


def test_the_counts_of_a_load_stand_under_each_other() -> None:
    files = [
        FileReport(file=name, kind="crimes", table="calls", sha256="0" * 64, bytes=9, read=12, kept=12, new=12)
        for name in ("接警单2026年.csv", "jjd.csv")
    ]
    report = IngestReport(snapshot_id="S1", load_id="L1", source="demo", files=files)
    lines = [line for line in report.to_text().splitlines() if "calls" in line]
    assert len(lines) == 2
    assert len({cells(line) for line in lines}) == 1
    assert len({cells(line[: line.index("calls")]) for line in lines}) == 1
