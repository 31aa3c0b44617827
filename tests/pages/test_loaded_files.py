"""The list of loaded files shows every name whole, however long and however many; shares do not look whole."""

from __future__ import annotations

import pytest

from data.files import read_json, write_json
from data.store import Store
from pages.ui import formats, intake
from tests.pages.conftest import OpenPage, everything_shown

LONG = "2025年1月至12月滨海市公安局接处警综合应用平台警情导出结果表（含已撤销）_NYPD_Complaint_Data_Historic.csv"


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_long_name_stands_whole(town: Store, open_page: OpenPage, lang: str) -> None:
    path = next(town.loads.glob("*/load.json"))
    load = read_json(path)
    load["files"][0]["file"] = LONG
    write_json(path, load)
    page = open_page("data_quality", "steward", lang)
    assert not page.exception
    shown = everything_shown(page)
    # In a cell that breaks anywhere; a grid would cut it at the end of its column.
    assert f'class="name" data-label="{ {"zh": "文件", "en": "File"}[lang] }"><span>{LONG}</span>' in shown
    assert not any("loaded_at" in frame.value.columns for frame in page.dataframe)
    load["files"] = [{**load["files"][0], "file": f"{number}{LONG}"} for number in range(intake.MOST_WRITTEN + 1)]
    write_json(path, load)
    page = open_page("data_quality", "steward", lang)
    (listed,) = [frame for frame in page.dataframe if "loaded_at" in frame.value.columns]
    assert listed.value["file"].to_list()[-1] == f"{intake.MOST_WRITTEN}{LONG}"


def test_what_is_not_all_never_reads_100() -> None:
    assert formats.share(11_774 / 11_809) == "99.7%"
    assert formats.share(None) == formats.NONE
    assert formats.share(1.0, 1) == "100.0%"
