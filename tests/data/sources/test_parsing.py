"""Parse words: the forms upstream systems write, and null for what none of them is."""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl
import pytest

from data.sources.mapping import Parse
from data.sources.parsing import moment_by_offset, parse_text, to_utc


def parse(text: str | None, word: Parse, formats: list[str] | None = None, zone: str = "Asia/Shanghai") -> object:
    return pl.select(parse_text(pl.lit(text, dtype=pl.String), word, formats or [], zone)).item()


@pytest.mark.parametrize(
    ("text", "word", "expected"),
    [
        ("1040101", "roc_date", date(2015, 1, 1)),
        ("110420", "roc_date", date(2021, 4, 20)),
        ("990420", "roc_date", date(2010, 4, 20)),
        ("1550101", "roc_date", date(2066, 1, 1)),
        ("1041301", "roc_date", None),
        ("104/01/02", "roc_date", date(2015, 1, 2)),
        ("20250301", "date", date(2025, 3, 1)),
        ("2025-03-01 00:00:00", "date", date(2025, 3, 1)),
        ("2025/3/1", "date", date(2025, 3, 1)),
        ("2025-02-30", "date", None),
        ("2018-04", "month_end", date(2018, 4, 30)),
        ("2020-02", "month_end", date(2020, 2, 29)),
        ("2018-04-17", "month_start", date(2018, 4, 1)),
        ("20250301083000", "datetime", datetime(2025, 3, 1, 0, 30, tzinfo=UTC)),
        ("2025-03-01 08:30", "datetime", datetime(2025, 3, 1, 0, 30, tzinfo=UTC)),
        ("20250301083", "datetime", None),
        ("1546300800000", "epoch_ms", datetime(2019, 1, 1, tzinfo=UTC)),
        ("1,234,567", "integer", 1234567),
        ("12,34", "integer", None),
        ("7.0", "integer", 7),
        ("7.5", "integer", None),
        ("1,563.5", "number", 1563.5),
        ("NaN", "number", None),
        ("inf", "number", None),
        ("是", "boolean", True),
        ("n", "boolean", False),
        ("maybe", "boolean", None),
        ("08:30", "hour", 8.5),
        ("16", "hour", 16.0),
        ("00123", "text", "00123"),
        (None, "date", None),
    ],
)
def test_forms(text: str | None, word: Parse, expected: object) -> None:
    assert parse(text, word) == expected


def test_formats_are_tried_in_order() -> None:
    assert parse("03/04/2018", "date", ["%d/%m/%Y", "%m/%d/%Y"]) == date(2018, 4, 3)
    assert parse("03/14/2018", "date", ["%d/%m/%Y", "%m/%d/%Y"]) == date(2018, 3, 14)


def test_no_local_time_is_lost_to_a_clock_change() -> None:
    skipped, repeated = datetime(2018, 3, 11, 2, 30), datetime(2018, 11, 4, 1, 30)
    found = pl.select(to_utc(pl.lit(pl.Series([skipped, repeated])), "America/Chicago")).to_series().to_list()
    # 02:30 did not exist and is read as 03:30 CDT; 01:30 came twice and the first (CDT) is taken.
    assert found == [datetime(2018, 3, 11, 8, 30, tzinfo=UTC), datetime(2018, 11, 4, 6, 30, tzinfo=UTC)]


def test_a_moment_that_ends_in_its_offset() -> None:
    texts = ["2025-10-26 02:30:00+01:00", "2025-10-26 02:30:00.5-03:30", "2025-10-26 02:30:00", "2025-10-26", "x", None]
    read = pl.DataFrame({"text": texts}).select(moment_by_offset(pl.col("text"), [])).to_series().to_list()
    assert read == [
        datetime(2025, 10, 26, 1, 30, tzinfo=UTC),
        datetime(2025, 10, 26, 6, 0, 0, 500_000, tzinfo=UTC),
        *[None] * 4,
    ]
