"""A workbook opens on headings and words of the reader's language; the second sheet is for programs."""

from __future__ import annotations

import io
import re
from typing import Any

import openpyxl
import polars as pl
import pytest

from data.access import Viewer
from data.desk import Desk
from data.desk.reproduction import asked_of, reproduce
from data.records import Records, read_audit
from data.schemas import EDITION
from data.store import Store
from pages.ui import spreadsheet
from pages.ui.downloads import content_of
from pages.ui.language import LANGUAGES, words
from tests.conftest import ROOT
from tests.pages.conftest import announce_editions

#: Tables a page offers as a workbook, as downloads.draw names them.
OFFERED = sorted(
    {
        kind
        for path in (ROOT / "pages").rglob("*.py")
        for kind in re.findall(r'downloads\.draw\(\s*desk,\s*"(\w+)"', path.read_text(encoding="utf-8"))
    }
)


def test_every_offered_table_is_known() -> None:
    assert {"hotspots", "staffing", "audit_log", "quarantine_counts", "daily_counts"} <= set(OFFERED)


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("kind", OFFERED)
def test_every_column_has_a_heading_of_its_own_and_the_sheet_a_name(kind: str, lang: str) -> None:
    told = words(lang)
    name = told.get(f"codes.table.{kind}") or told[f"codes.object.{kind}"]
    assert 0 < len(name) <= 31 and not set(name) & set("[]:*?/\\")
    assert name != told["exports.data_sheet"]
    headings = [
        told[f"exports.column.{column}"] for column in (EDITION[kind].column_names() if kind in EDITION else [])
    ]
    assert len(set(headings)) == len(headings)


@pytest.mark.parametrize(
    ("lang", "heading", "unit", "binding"),
    [
        ("zh", "缺口（人，正数为缺）", "1派出所", "工作总量"),
        ("en", "Gap (officers, above 0 = short)", "Station 1", "Total workload"),
    ],
)
def test_staffing_is_read_without_knowing_a_column_or_a_code(
    town: Store, lang: str, heading: str, unit: str, binding: str
) -> None:
    desk = Desk(town, Viewer("demo-commander", "commander"))
    told = words(lang)
    areas = {(None, code): (names[0] if lang == "zh" else names[1]) for (_, code), names in desk.area_names().items()}
    shown = spreadsheet.readable(desk.staffing(), told, {}, areas)
    assert heading in shown.columns
    assert not [name for name in shown.columns if re.fullmatch(r"[a-z0-9_]+", name)]
    assert set(shown[told["exports.column.unit_code"]]) & set(areas.values())
    assert shown[told["exports.column.binding"]][0] in {
        told[f"codes.binding.{code}"] for code in desk.staffing()["binding"]
    }
    assert set(shown[told["exports.column.assumed"]]) <= {told["common.yes"], told["common.no"]}


def test_codes_reasons_and_missing_values_are_told_in_words() -> None:
    table = pl.DataFrame(
        {
            "category": ["010100", "9", None],
            "action": ["foot_patrol", "accept", None],
            "beat_code": ["b1", "b9", None],
            "success": [True, False, None],
            "expected": [1.234567, 2.0, None],
            "ring": [[1.0], [2.0], None],
            "reasons": [
                [
                    {"reason": "base", "contribution": -3.0},
                    {"reason": "recent", "contribution": 0.1},
                    {"reason": "long_standing", "contribution": 3.4012},
                    {"reason": "season", "contribution": 0.0},
                ],
                [],
                None,
            ],
        }
    )
    shown = spreadsheet.readable(table, words("zh"), {"010100": "入室盗窃"}, {("beat", "b1"): "东警务区"})
    assert shown.columns == [
        "类别",
        "行动或决定",
        "警务区",
        "成功",
        "预期（起）",
        "理由（与没有发案记录的地点相比的倍数）",
    ]
    assert shown.rows() == [
        ("入室盗窃", "步行巡逻", "东警务区", "是", 1.2346, "历年警情 ×30 · 近期警情 ×1.11"),
        ("9", "采纳", "b9", "否", 2.0, ""),
        (None, None, None, None, None, ""),
    ]


def test_a_column_without_a_heading_is_no_file() -> None:
    with pytest.raises(KeyError):
        spreadsheet.readable(pl.DataFrame({"brand_new": [1]}), words("en"), {}, {})


@pytest.mark.parametrize("kind", ["hotspots", "staffing"])
def test_the_second_sheet_is_the_csv(town: Store, kind: str) -> None:
    desk = Desk(town, Viewer("demo-commander", "commander"))
    questions: dict[str, dict[str, Any]] = {
        "hotspots": {"category": desk.categories()[0], "horizon_days": 28},
        "staffing": {},
    }
    rows = asked_of(desk, kind, questions[kind], "xlsx")
    reading = spreadsheet.reading_of(desk, kind)
    book = openpyxl.load_workbook(
        io.BytesIO(content_of(desk, kind, questions[kind], "xlsx", lambda: None, reading)), read_only=True
    )
    assert book.sheetnames == [words("zh")[f"codes.table.{kind}"], words("zh")["exports.data_sheet"]]
    first, second = ([[cell.value for cell in row] for row in sheet.iter_rows()] for sheet in book.worksheets)
    assert second[0] == rows.columns
    assert len(first) == len(second) == rows.height + 1
    assert first[0][0] != second[0][0]
    # In whatever words the first sheet was, the rows can be made again and compared.
    announce_editions(town)
    records = Records.open(town)
    (row,) = (one for one in read_audit(records) if one["event"] == "export")
    assert reproduce(town, records, row["seq"]).same is True
