"""Pages on a small town, opened as each role by Streamlit's own test driver: no browser, no server."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from data.records import AuditEvent, Records, append_audit
from data.store import Store
from tests.conftest import ROOT
from tests.pages.town import build_town

#: Opens a page: key, role (None = signed out), language, further keys of the link.
OpenPage = Callable[..., AppTest]


@pytest.fixture(scope="session")
def built_town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("town") / "store"
    build_town(root)
    return root


@pytest.fixture
def town(built_town: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store of its own for every test: what one records, no other sees."""
    root = tmp_path / "store"
    shutil.copytree(built_town, root)
    # A key of its own would round counts differently from run to run, and with them what a page says.
    (root / "rounding.key").write_text("town", encoding="ascii")
    monkeypatch.setenv("BEATWISE_STORE", str(root))
    monkeypatch.setenv("BEATWISE_AUTH", "demo")
    monkeypatch.delenv("BEATWISE_RECORDS_URL", raising=False)
    return Store.open(root)


def announce_editions(town: Store) -> None:
    """Write the rows of publications that a town made without the command line lacks: else the log is not whole."""
    for edition_id in town.edition_ids():
        append_audit(Records.open(town), AuditEvent("op", "command_line", "publish", edition_id, edition_id))


@pytest.fixture
def open_page(town: Store) -> OpenPage:
    def opened(page: str, role: str | None, lang: str = "zh", **link: str) -> AppTest:
        test = AppTest.from_file(str(ROOT / "pages" / f"{page}.py"), default_timeout=30)
        test.query_params["lang"] = lang
        for key, value in {**({"as": role} if role else {}), **link}.items():
            test.query_params[key] = value
        return test.run()

    return opened


def everything_shown(test: AppTest) -> str:
    """Return all text that reaches the browser: names, values, tables, HTML."""
    parts: list[str] = []
    for block in (test.main, test.sidebar):
        for kind in (
            "title",
            "header",
            "subheader",
            "markdown",
            "caption",
            "text",
            "error",
            "warning",
            "info",
            "success",
        ):
            parts += [str(element.value) for element in getattr(block, kind)]
        parts += [str(element.proto.body) for element in block.get("html")]
        parts += [frame.value.to_csv() for frame in block.dataframe]
        parts += [str(element.proto) for kind in ("deck_gl_json_chart", "plotly_chart") for element in block.get(kind)]
    return "\n".join(parts)
