"""Quality of a load and the explained funnel, on rows counted by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from data.errors import RequestError, SourceError
from data.integration.ingest import ingest
from data.quality.measures import FILE, QualityReport, quality_history, report_quality
from data.quality.thresholds import OWN, judge, judge_store, load_thresholds, require_quality
from data.snapshots import current_snapshot
from data.store import Store

CITY = Path(__file__).parents[1] / "integration" / "city.toml"
HEAD = "JJDBH,GLJJDBH,GLLX,BJSJ,BJLX,GXDWDM,X,Y\n"
CALLS = (
    HEAD + "1,,,20250301080000,010100,S1,120.5,30.5\n"
    "2,1,01,20250301081000,010100,S1,120.5,30.5\n"
    "3,gone,01,20250301090000,020100,S2,0,0\n"
    "4,,,20250301100000,020200,,0,0\n"
    "5,,,20250301110000,020200,S2,120.6,30.6\n"
    "5,,,20250301120000,020200,S2,120.6,30.6\n"
    ",,,20250301120000,020200,S2,120.6,30.6\n"
)
FEEDBACKS = "FKDBH,JJDBH,FKSJ,FKLX,WXBS\nf1,5,20250301113000,020200,1\nf2,nowhere,20250301113000,020200,0\n"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "store")


def load(store: Store, folder: Path, day: int = 3, **files: str) -> QualityReport:
    paths = []
    for name, text in files.items():
        path = folder / f"{name}.csv"
        path.write_bytes(text.encode("gb18030"))
        paths.append(path)
    ingest(store, CITY, paths, loaded_by="tester", now=datetime(2025, 3, day, tzinfo=UTC))
    return report_quality(current_snapshot(store))


def test_the_newest_load_is_the_last_one_also_by_a_clock_that_was_set_back(store: Store, tmp_path: Path) -> None:
    load(store, tmp_path, day=9, broken=HEAD + ",,,20250301120000,020200,S2,120.6,30.6\n")
    load(store, tmp_path, day=3, mended=HEAD + "6,,,20250301120000,020200,S2,120.6,30.6\n")
    (valid,) = [one for one in judge(quality_history(store), load_thresholds()) if one.threshold == "calls-valid"]
    assert valid.value == 1.0


def share(report: QualityReport, kind: str, table: str, item: str = "") -> tuple[float | None, int]:
    found = report.value(kind, table, item)
    assert found is not None
    return found.value, found.rows


def test_each_measure_by_hand(store: Store, tmp_path: Path) -> None:
    report = load(store, tmp_path, calls=CALLS, feedbacks=FEEDBACKS)
    # 7 read: one repeats number 5, one has no number; 5 kept.
    assert share(report, "validity", "calls") == (5 / 7, 7)
    assert share(report, "duplicates", "calls") == (1 / 7, 7)
    assert share(report, "completeness", "calls", "parent_call_id") == (2 / 5, 5)
    assert share(report, "joins", "feedbacks", "calls") == (1 / 2, 2)
    assert share(report, "joins", "calls", "calls") == (1 / 2, 2)
    assert report.value("joins", "dispatches", "calls") is None
    # Valid are 1 and 4: 2 and 3 are repeats, 5 was found not valid. 4 has neither point nor station.
    assert share(report, "usable", "incidents", "dated") == (1.0, 2)
    assert share(report, "usable", "incidents", "located") == (0.5, 2)
    # The newest call is of 1 March; loaded on 3 March, 08:00 in the city.
    assert share(report, "timeliness", "calls", "age_days") == (2.0, 5)


def test_the_funnel_says_what_each_step_loses(store: Store, tmp_path: Path) -> None:
    (funnel,) = load(store, tmp_path, calls=CALLS, feedbacks=FEEDBACKS).funnels
    assert [(step["step"], step["rows"], step["lost"]) for step in funnel["steps"]] == [
        ("calls", 5, {}),
        ("incidents", 4, {"repeat": 1}),
        ("valid", 2, {"first_call_missing": 1, "invalid_at_feedback": 1}),
        ("dated", 2, {}),
        ("located", 1, {"no_coordinates": 1}),
        ("in_area", 1, {}),
    ]
    assert funnel["valid"]["rows"] == 2


def test_a_repeat_that_names_no_first_call_was_not_refused_at_feedback(store: Store, tmp_path: Path) -> None:
    (funnel,) = load(store, tmp_path, calls=HEAD + "1,,01,20250301080000,010100,S1,120.5,30.5\n").funnels
    assert funnel["steps"][2] == {"step": "valid", "rows": 0, "lost": {"nuisance_alone": 1}}


def test_a_report_is_kept_and_does_not_change_with_later_loads(store: Store, tmp_path: Path) -> None:
    first = load(store, tmp_path, calls=CALLS)
    kept = (current_snapshot(store).folder / FILE).read_bytes()
    later = load(store, tmp_path, 4, calls=HEAD + "9,,,20250303080000,010100,S1,120.5,30.5\n")
    assert share(later, "completeness", "calls", "parent_call_id") == (0.0, 1)
    assert [one.load_id for one in quality_history(store)] == [first.load_id, later.load_id]
    assert (store.snapshots / first.snapshot_id / FILE).read_bytes() == kept
    assert quality_history(store)[0] == first


def strict(store: Store, *, blocks: bool = True) -> None:
    (store.root / OWN).write_text(
        '[[threshold]]\nid = "calls-valid"\nkind = "validity"\ntable = "calls"\nat_least = 0.9\nfewest_rows = 5\n'
        f'blocks = {str(blocks).lower()}\nzh = "有效"\nen = "calls kept"\n',
        encoding="utf-8",
    )


def test_a_broken_threshold_stops_publishing_and_is_named(store: Store, tmp_path: Path) -> None:
    report = load(store, tmp_path, calls=CALLS)
    # Too few rows for the shipped bound; enough for the store's own.
    assert {one.status for one in judge_store(store)} <= {"passed", "too_few"}
    strict(store)
    verdicts = judge_store(store)
    with pytest.raises(
        RequestError, match=rf"calls-valid \(calls kept\): 0.7143 in load {report.load_id}.*at least 0.9"
    ):
        require_quality(verdicts)
    assert [one.threshold for one in require_quality(verdicts, override="checked by hand")] == ["calls-valid"]
    with pytest.raises(RequestError, match="needs a reason"):
        require_quality(verdicts, override="  ")
    assert judge_store(store, frozenset({"another force"})) == []


def test_a_warning_stops_nothing_and_a_good_load_mends_a_bad_one(store: Store, tmp_path: Path) -> None:
    load(store, tmp_path, calls=CALLS)
    strict(store, blocks=False)
    assert require_quality(judge_store(store)) == []
    strict(store)
    good = "".join(f"{number},,,20250302080000,010100,S1,120.5,30.5\n" for number in range(10, 16))
    load(store, tmp_path, 4, calls=HEAD + good)
    assert [one.status for one in judge_store(store) if one.threshold == "calls-valid"] == ["passed"]


def test_a_load_too_small_to_be_judged_covers_no_bad_one_up(store: Store, tmp_path: Path) -> None:
    load(store, tmp_path, calls=CALLS)
    strict(store)
    load(store, tmp_path, 4, calls=HEAD + "10,,,20250302080000,010100,S1,120.5,30.5\n")
    assert [(one.status, one.rows) for one in judge_store(store) if one.threshold == "calls-valid"] == [("blocked", 7)]


def test_a_threshold_file_that_is_wrong_is_named(store: Store) -> None:
    (store.root / OWN).write_text('[[threshold]]\nid = "x"\nkind = "beauty"\n', encoding="utf-8")
    with pytest.raises(SourceError, match=r"quality\.toml"):
        load_thresholds(store)


def test_the_shipped_thresholds_name_things_that_are_measured(store: Store, tmp_path: Path) -> None:
    report = load(store, tmp_path, calls=CALLS, feedbacks=FEEDBACKS)
    tables = ("calls", "feedbacks", "incidents")
    # No call tells when it was known, and a newest week is compared with those of earlier loads.
    untold = ("calls-known", "calls-newest-week")
    own = [one for one in load_thresholds() if one.table in tables and one.id not in untold]
    assert len(judge([report], own)) == len(own)
