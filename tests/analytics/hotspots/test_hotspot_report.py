"""The back-test document: numbers are those of the periods, and a choice uses only what was over."""

import json
import shutil
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from analytics.hotspots.groups import Grouping
from analytics.hotspots.history import day_number
from analytics.hotspots.panel import Period
from analytics.hotspots.periods import past_periods
from analytics.hotspots.report import AUTOMATIC, _row, _scores, evaluate_rankers
from analytics.hotspots.selection import Rolled, _calibrate_across, choose_beforehand, roll_rankers
from analytics.hotspots.study import Study
from data.errors import RequestError
from tests.conftest import run_cli

NAMES = ("count_365", "count_1095", "kernel")


@pytest.fixture(scope="module")
def study(incidents, grid, as_of):
    return Study.of(incidents, as_of=as_of, grid=grid)


@pytest.fixture(scope="module")
def found(study):
    return evaluate_rankers(study, "THEFT", horizon_days=28, area_km2=0.04, origins=6, fitted=6, candidates=NAMES)


def test_origins_and_events_are_those_of_the_data(found, incidents, as_of):
    assert found.origins == tuple(as_of - timedelta(days=28 * k) for k in range(1, 7))
    theft = incidents.filter(pl.col("category") == "THEFT")["occurred_on"]
    expected = [theft.is_between(day, day + timedelta(days=28), closed="left").sum() for day in found.origins]
    assert list(found.events) == expected


def test_every_ranker_and_the_automatic_choice_have_every_metric(found):
    rows = {row["ranker"]: row for row in found.rows}
    assert set(rows) == {*NAMES, AUTOMATIC}
    assert [name is None for name in found.chosen] == [False] * 3 + [True] * 3
    assert rows[AUTOMATIC]["origins"] == 3
    assert rows["count_365"]["pai_gain_count_365"] is None
    for row in rows.values():
        assert row["pai"] > 0
        assert row["pei"] <= 1
        # The automatic row is a mean over fewer origins than the oracle's.
        assert row["pai"] <= found.oracle_pai or row["origins"] < len(found.origins)
        assert 0.5 < row["auc"] <= 1
        assert row["expected_over_observed"] == pytest.approx(1, abs=0.3)
        assert 0 <= row["coverage"] <= 1
        # Made-up incidents are Poisson: the distribution told behind the intervals is about right.
        assert row["randomised_coverage"] == pytest.approx(0.8, abs=0.12)
        assert 0 <= row["jaccard"] <= 1
        # In incidents of a flagged cell; better than saying nothing will happen there.
        assert 0 < row["crps"] < sum(found.events) / len(found.events)
    mean, low, high = rows["kernel"]["pai_gain_count_1095"]
    assert low <= mean <= high
    assert mean == pytest.approx(rows["kernel"]["pai"] - rows["count_1095"]["pai"])


def test_the_document_holds_the_table(found):
    text = found.to_markdown()
    assert text.count("\n| ") == 1 + len(found.rows)
    assert f"{found.rows[2]['pai']:.3f}" in text
    json.dumps(found.to_dict())


def test_a_choice_does_not_look_at_periods_that_were_not_over():
    # Four cells, five origins 28 days apart, horizon 28: origin i knows the periods i + 1 and older.
    counts = np.array([5.0, 0.0, 0.0, 0.0])
    good, bad = np.array([4.0, 3.0, 2.0, 1.0]), np.array([1.0, 2.0, 3.0, 4.0])
    periods = [Period(-28 * k, np.zeros((4, 1)), counts, counts, 5.0) for k in range(5)]
    # The kernel is right on the newest two only; at their start nobody could know.
    raw = {"count_365": [bad, bad, good, good, good], "kernel": [good, good, bad, bad, bad]}
    rolled = Rolled(periods, [], raw, raw, 28)
    assert choose_beforehand(rolled, ["count_365", "kernel"], 1, 0) == ["count_365", "count_365", None, None, None]
    longer = Rolled(periods, [], raw, raw, 56)
    assert choose_beforehand(longer, ["count_365", "kernel"], 1, 0) == ["count_365", None, None, None, None]


@pytest.mark.parametrize("seed", [7, 9, 12])
def test_what_happens_after_an_origin_does_not_change_the_choice_made_on_it(seed):
    def choices(newest_times: float) -> list[str | None]:
        rng = np.random.default_rng(seed)
        rate = rng.gamma(0.5, 1.0, 60) + 0.05
        counts = [rng.poisson(rate) * (newest_times if k == 0 else 1.0) for k in range(6)]
        periods = [Period(-28 * k, np.zeros((60, 1)), each, each, float(each.sum())) for k, each in enumerate(counts)]
        raw = {name: [rate * rng.gamma(3, 1 / 3, 60) for _ in periods] for name in ("count_365", "kernel")}
        # As rollings are made: each half of the origins is corrected by the other, the newest among them.
        told = {name: _calibrate_across(each, periods) for name, each in raw.items()}
        return choose_beforehand(Rolled(periods, [], raw, told, 28), list(raw), 6, 0)

    assert choices(1.0) == choices(6.0)


def test_periods_that_share_days_say_less(study):
    panel, flagged = study.panel("THEFT"), 30
    periods = past_periods(panel, day_number(study.as_of), 28, 12)
    rolled = roll_rankers(panel, periods, horizon_days=28, names=NAMES, seed=0, tried=6, fitted=6, flagged=flagged)
    # The same scores, told of periods of a year: six of them 28 days apart are hardly more than one.
    scores = {name: _scores(rolled, each, flagged, study) for name, each in rolled.told.items()}
    widths = []
    for horizon_days in (28, 365):
        same = replace(rolled, horizon_days=horizon_days)
        row = _row("kernel", scores["kernel"], same.told["kernel"], range(6), scores, same, flagged, 0.8)
        _, low, high = row["pai_gain_count_365"]
        widths.append(high - low)
    assert widths[1] > 5 * widths[0] > 0


def test_a_short_history_is_refused(incidents, grid, as_of):
    recent = incidents.filter(pl.col("occurred_on") >= as_of - timedelta(days=80))
    with pytest.raises(RequestError, match="too short"):
        evaluate_rankers(
            Study.of(recent, as_of=as_of, grid=grid), "THEFT", horizon_days=28, area_km2=0.04, candidates=NAMES
        )


def test_day_numbers_count_from_1970():
    assert day_number(date(1970, 1, 2)) == 1


@pytest.mark.slow
def test_the_command_writes_the_document(demo_store, tmp_path):
    store = shutil.copytree(demo_store, tmp_path / "store")
    output = tmp_path / "report.md"
    asked = ("--store", store, "--as-of", "2026-07-01", "--days", "7", "--category", "010100", "--origins", "3")
    done = run_cli("evaluate", *asked, "--json", "--output", output)
    told = json.loads(done.stdout)
    assert len(told["origins"]) == 3
    assert {row["ranker"] for row in told["rankers"]} >= {"count_365", "additive_boosting"}
    assert output.read_text(encoding="utf-8").startswith("# Back-test of hotspots: 010100, 7 days")


def test_groups_are_told_of_the_automatic_choice_where_they_are_given(study, found):
    west = np.asarray(study.lattice.columns < 10).astype(int)
    told = evaluate_rankers(
        study,
        "THEFT",
        horizon_days=28,
        area_km2=0.04,
        origins=6,
        fitted=6,
        candidates=NAMES,
        groupings=[Grouping("station", ("east", "west"), west)],
    )
    assert found.groups == ()
    assert "by group of places" not in found.to_markdown()
    groups = {row["group_code"]: row for row in told.groups}
    # The three origins that had older ones to choose on.
    assert sum(row["incidents"] for row in groups.values()) == sum(told.events[:3])
    assert sum(row["flagged_share"] for row in groups.values()) == pytest.approx(1)
    assert f"| station | west | {groups['west']['flagged_share']:.1%} |" in told.to_markdown()
    assert json.loads(json.dumps(told.to_dict()))["groups"][0]["group_code"] == "east"
