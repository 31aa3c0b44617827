"""Pages on hostile material and in hostile hands: names that are markup, grants that ended, desks left alone."""

from __future__ import annotations

import re
from itertools import chain

import polars as pl
import pytest

from data.store import Store
from pages.ui.formats import literal
from tests.pages.conftest import OpenPage

#: What a street, a beat or a comment may be called by somebody who wants a reader's browser to fetch something.
HOSTILE = '![x](http://evil.test/a.png)<img src="http://evil.test/b.png">[here](http://evil.test)'
#: A link, a picture or a tag whose signs no backslash precedes.
READ_AS_MARKUP = re.compile(r"(?<!\\)\]\(|(?<!\\)<img")


def rename(town: Store, table: str, *columns: str) -> None:
    for path in town.editions.glob(f"*/{table}.parquet"):
        frame = pl.read_parquet(path)
        frame.with_columns(pl.lit(HOSTILE).alias(name) for name in columns).write_parquet(path)


@pytest.mark.parametrize(
    ("page", "role", "link"),
    [
        ("hotspots", "commander", {}),
        ("hotspots", "commander", {"level": "beat"}),
        ("hotspots", "commander", {"level": "segment"}),
        ("staffing", "commander", {}),
        ("my_beat", "officer", {}),
        ("briefing", "officer", {}),
        ("trends", "officer", {}),
    ],
)
def test_a_name_is_never_read_as_markup(
    open_page: OpenPage, town: Store, page: str, role: str, link: dict[str, str]
) -> None:
    rename(town, "areas", "name_zh", "name_en")
    rename(town, "visit_plan", "label")
    for table in ("hotspots", "unit_hotspots"):
        rename(town, table, "street")
    test = open_page(page, role, "en", **link)
    assert not test.exception
    elements = chain.from_iterable(test.main.get(kind) for kind in ("subheader", "markdown", "title", "success"))
    assert [text for text in (str(each.value) for each in elements) if READ_AS_MARKUP.search(text)] == []
    drawn = [str(each.proto.body) for each in test.main.get("html")]
    assert [text for text in drawn if "<img src=" in text and "evil" in text] == []
    assert any("evil.test" in text for text in (*drawn, *(str(each.value) for each in test.main.get("subheader"))))


def test_a_literal_text_has_no_sign_left_that_markdown_reads() -> None:
    assert literal("St. Mary's *old* [x](y)\n\n# $a$ :red[b]") == (
        "St. Mary's \\*old\\* \\[x\\](y) \\# \\$a\\$ \\:red\\[b\\]"
    )
    assert literal("第1警务区 · 人民路") == "第1警务区 · 人民路"
