"""A cell in the last corner of a sheet does not end the process; a wide or a long table is read."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
import xlsxwriter

from data.errors import SourceError
from data.sources.reading.formats import require_readable
from data.sources.reading.workbooks import MOST_CELLS, require_within_reach


def workbook(path: Path, *cells: tuple[int, int]) -> Path:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        sheet = book.add_worksheet()
        for row, column in cells:
            sheet.write_string(row, column, "x")
    path.write_bytes(buffer.getvalue())
    return path


@pytest.mark.parametrize(
    ("cells", "spans"),
    [
        (((0, 0), (1_048_575, 16_383)), "1,048,576 rows and 16,384 columns"),
        (((0, 0), (1_048_575, 64)), "1,048,576 rows and 65 columns"),
        (((9, 9), (0, 16_383), (5000, 0)), "5,001 rows and 16,384 columns"),
    ],
)
def test_cells_too_far_apart_are_refused_before_the_workbook_is_opened(
    tmp_path: Path, cells: tuple[tuple[int, int], ...], spans: str
) -> None:
    with pytest.raises(SourceError, match=spans):
        require_readable(workbook(tmp_path / "t.xlsx", *cells))


@pytest.mark.parametrize("cells", [((0, 0), (1_048_575, 63)), ((0, 0), (4095, 16_383)), ((1_048_575, 16_383),), ()])
def test_a_table_that_can_be_held_is_let_through(tmp_path: Path, cells: tuple[tuple[int, int], ...]) -> None:
    assert MOST_CELLS == 1_048_576 * 64
    require_within_reach(workbook(tmp_path / "t.xlsx", *cells))


def test_a_damaged_workbook_is_left_to_its_reader(tmp_path: Path) -> None:
    path = workbook(tmp_path / "t.xlsx", (0, 0))
    path.write_bytes(path.read_bytes()[:-40])
    require_within_reach(path)
