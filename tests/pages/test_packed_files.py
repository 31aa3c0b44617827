"""What came packed says so on the data-quality page, and what nothing read is named there."""

from __future__ import annotations

from data.files import read_json, write_json
from data.store import Store
from tests.pages.conftest import OpenPage, everything_shown


def test_the_archive_and_its_unread_members_are_on_the_data_quality_page(town: Store, open_page: OpenPage) -> None:
    path = next(town.loads.glob("*/load.json"))
    load = read_json(path)
    load["files"][0]["archive_sha256"] = "feedbeef" * 8
    load["unread"] = [{"file": "month.zip/notes.pdf", "reason": "the ending .pdf is not known"}]
    write_json(path, load)
    for lang, said in (("zh", "压缩包 feedbeef"), ("en", "packed feedbeef")):
        page = open_page("data_quality", "steward", lang)
        assert not page.exception
        shown = everything_shown(page)
        assert said in shown
        assert "month.zip/notes.pdf" in shown
