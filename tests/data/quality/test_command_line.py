"""Quality on the command line: a broken threshold stops publishing with exit code 2, an override is on record."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import analytics.edition
import cli
from analytics.edition import EditionDraft
from data.editions import newest_edition
from data.errors import BeatwiseError, RequestError
from data.integration.ingest import ingest
from data.quality.thresholds import OWN
from data.records import Records, read_audit
from data.store import Store
from tests.data.tiny_edition import tiny_areas

CITY = Path(__file__).parents[1] / "integration" / "city.toml"
CALLS = "JJDBH,BJSJ,BJLX,GXDWDM,X,Y\n1,20250201080000,010100,S1,120.5,30.5\n,20250201080000,010100,S1,120.5,30.5\n"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store.create(tmp_path / "store")
    (tmp_path / "calls.csv").write_bytes(CALLS.encode("gb18030"))
    ingest(store, CITY, [tmp_path / "calls.csv"], loaded_by="clerk", now=datetime(2025, 3, 2, tzinfo=UTC))
    (store.root / OWN).write_text(
        '[[threshold]]\nid = "calls-valid"\nkind = "validity"\ntable = "calls"\nat_least = 0.9\nfewest_rows = 1\n'
        'blocks = true\nzh = "有效"\nen = "calls kept"\n',
        encoding="utf-8",
    )
    return store


def run(*words: str) -> Any:
    result = CliRunner().invoke(cli.app, [*words, "--json"])
    if isinstance(result.exception, BeatwiseError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def publish(store: Store, *more: str) -> Any:
    return run("publish", "--store", str(store.root), "--as-of", "2025-03-01", "--days", "7", *more)


def test_publishing_stops_before_the_work_and_names_the_threshold(
    store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["beatwise", "publish", "--store", str(store.root), "--as-of", "2025-03-01", "--days", "7"]
    monkeypatch.setattr("sys.argv", words)
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == 2
    said = capsys.readouterr().err
    assert "calls-valid" in said and "at least 0.9" in said and "--override-quality" in said
    assert store.edition_ids() == []


def test_an_override_is_in_the_manifest_and_in_the_audit_log(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def draft(snapshot: Any, parameters: Any, *before: Any) -> EditionDraft:
        manifest = {"snapshot_id": snapshot.snapshot_id, "parameters": {"as_of": str(date(2025, 3, 1))}}
        return EditionDraft("E20250301-x", {"areas": tiny_areas()}, {**manifest, "code_version": "test"})

    monkeypatch.setattr(analytics.edition, "make_edition", draft)
    publish(store, "--override-quality", "half the file was a test")
    quality = newest_edition(store).manifest["quality"]
    assert (quality["overridden"], quality["override_reason"]) == (["calls-valid"], "half the file was a test")
    row = read_audit(Records.open(store), 1)[0]
    assert row["event"] == "publish"
    assert json.loads(row["details"])["quality"]["override_reason"] == "half the file was a test"


def test_half_of_a_week_stops_publishing_until_the_rest_has_come(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "store")
    header = "JJDBH,BJSJ,BJLX,GXDWDM,X,Y"

    def load(name: str, now: datetime, rows: list[str]) -> dict[str, Any]:
        (tmp_path / name).write_bytes("\n".join([header, *rows, ""]).encode("gb18030"))
        ingest(store, CITY, [tmp_path / name], loaded_by="clerk", now=now)
        verdicts = run("quality", "--store", str(store.root))["verdicts"]
        return next((one for one in verdicts if one["threshold"] == "calls-newest-week"), {"status": "not tried"})

    def week(monday: datetime) -> list[str]:
        days = [monday - timedelta(days=ago) for ago in range(7, 0, -1)]
        return [f"{day:%m%d}{at:03},{day:%Y%m%d}080000,010100,S1,120.5,30.5" for day in days for at in range(20)]

    mondays = [datetime(2025, 2, 3, tzinfo=UTC) + timedelta(weeks=number) for number in range(5)]
    told = [load(f"{monday:%m%d}.csv", monday, week(monday))["status"] for monday in mondays[:4]]
    assert told == ["not tried", "not tried", "not tried", "passed"]
    cut = load("cut.csv", mondays[4], week(mondays[4])[::2])
    assert (cut["status"], cut["value"], cut["rows"]) == ("blocked", 0.5, 140)
    with pytest.raises(RequestError, match="calls-newest-week"):
        run("publish", "--store", str(store.root), "--as-of", "2025-03-03", "--days", "7")
    assert load("whole.csv", mondays[4] + timedelta(days=1), week(mondays[4]))["status"] == "passed"


def test_reports_for_machines(store: Store, tmp_path: Path) -> None:
    found = run("quality", "--store", str(store.root))
    (verdict,) = [one for one in found["verdicts"] if one["threshold"] == "calls-valid"]
    assert (verdict["value"], verdict["status"]) == (0.5, "blocked")
    assert found["reports"][0]["funnels"][0]["steps"][0] == {"step": "calls", "rows": 1, "lost": {}}
    described = run("catalogue", "--table", "staffing")
    assert described["grade_problems"] == []
    assert {row["table"] for row in described["columns"]} == {"staffing"}
    written = run(
        "visits-export", "--store", str(store.root), "--source", "demo", "--output", str(tmp_path / "zfjl_1.csv")
    )
    assert written["rows"] == 0 and (tmp_path / "zfjl_1.csv").read_bytes().startswith(b"ZFBH,")
    assert run("quality", "--store", str(store.root)) == found


def test_files_and_a_database_at_once_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "calls.csv").write_bytes(CALLS.encode("gb18030"))
    words = ["ingest", "--store", str(tmp_path / "store"), "--source", str(CITY), str(tmp_path / "calls.csv")]
    with pytest.raises(RequestError, match="files and a database were named"):
        run(*words, "--database", "postgresql://anna:geheim@db/jcj")
    assert not (tmp_path / "store").exists()
    # A variable that is set for good does not stand in the way of files.
    monkeypatch.setenv("BEATWISE_SOURCE_URL", "postgresql://anna:geheim@db/jcj")
    assert run(*words)["read"] == 2
