"""The desk: what each reader gets, and what is refused and recorded."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path

import pytest
import shapely

from data.access import Viewer
from data.desk import Desk
from data.errors import AccessDeniedError, RequestError, StoreError
from data.records import Records
from data.store import Store
from data.version import code_version
from tests.data.desk.viewers import AUDITOR, CAPTAIN, CHIEF, OFFICER, RESEARCHER, SECURITY, STEWARD, last_row
from tests.data.tiny_edition import EDITION_ID, make_tiny_store

READS = {
    "hotspots": lambda desk: desk.hotspots("theft", 28),
    "calm_lists": lambda desk: desk.calm_choices("theft", 28),
    "hotspot_surface": lambda desk: desk.hotspot_surface("theft", 28),
    "model_scores": lambda desk: desk.model_scores("theft", 28),
    "model_comparison": lambda desk: desk.model_comparison("theft", 28),
    "model_curves": lambda desk: desk.model_curves("theft", 28),
    "model_calibration": lambda desk: desk.model_calibration("theft", 28),
    "model_groups": lambda desk: desk.model_groups("theft", 28),
    "area_hotspots": lambda desk: desk.area_hotspots("theft", 28, "beat"),
    "unit_hotspots": lambda desk: desk.unit_hotspots("theft", 28, "h3"),
    "patrol_reach": lambda desk: desk.patrol_reach("theft", 28),
    "grid_sensitivity": lambda desk: desk.grid_sensitivity("theft"),
    "feedback": lambda desk: desk.feedback("theft"),
    "past_lists": lambda desk: desk.past_lists("theft", 28),
    "past_places": lambda desk: desk.past_places("theft", 28),
    "visit_workload": lambda desk: desk.visit_workload(),
    "visit_plan": lambda desk: desk.visit_plan("B1"),
    "visit_scores": lambda desk: desk.visit_scores(),
    "staffing": lambda desk: desk.staffing(),
    "staffing_loads": lambda desk: desk.staffing_loads(),
    "daily_counts": lambda desk: desk.daily_counts(period="month"),
    "hourly_profile": lambda desk: desk.hourly_profile(),
    "funnel": lambda desk: desk.funnel(),
    "areas": lambda desk: desk.areas("beat"),
    "base_map": lambda desk: desk.base_map(),
    "manifest": lambda desk: desk.manifest,
    "loads": lambda desk: desk.loads(),
    "quarantine_counts": lambda desk: desk.quarantine_counts(),
    "quarantine_rows": lambda desk: desk.quarantine_rows(),
    "decisions": lambda desk: desk.decisions(),
    "visits_recorded": lambda desk: desk.visits_recorded("B1"),
    "audit_log": lambda desk: desk.audit_log(),
}


@pytest.mark.parametrize("viewer", [CHIEF, RESEARCHER, OFFICER, STEWARD, SECURITY, AUDITOR], ids=lambda v: v.role)
def test_every_read_goes_by_the_matrix_and_every_refusal_is_recorded(viewer: Viewer, desk_of, records: Records) -> None:
    from data import permissions

    desk = desk_of(viewer)
    for table, read in READS.items():
        if viewer.role in permissions.TABLES[table]:
            read(desk)
            continue
        with pytest.raises(AccessDeniedError):
            read(desk)
        row = last_row(records)
        assert (row["viewer"], row["event"], row["object"], row["success"]) == (viewer.name, "read", table, False)


def test_a_page_view_is_recorded_with_purpose_basis_and_view(desk_of, records: Records) -> None:
    desk = desk_of(OFFICER)
    desk.opened("my_beat", {"beat": "B1"})
    row = last_row(records)
    assert (row["viewer"], row["role"], row["event"], row["object"]) == ("officer", "officer", "open", "my_beat")
    assert (row["edition_id"], row["snapshot_id"]) == (EDITION_ID, desk.snapshot.snapshot_id)
    assert (row["purpose"], row["legal_basis"], row["success"]) == ("purpose-1", "basis-1", True)
    assert json.loads(row["details"]) == {
        "area": "B1",
        "level": "beat",
        "view": {"beat": "B1"},
        "code": code_version(),
    }


@pytest.mark.parametrize(
    ("viewer", "page_key", "view"),
    [
        (OFFICER, "my_beat", {"beat": "B2"}),
        (OFFICER, "staffing", {}),
        (CAPTAIN, "my_beat", {"beat": "B3"}),
        (CAPTAIN, "staffing", {"unit": "S2"}),
        (RESEARCHER, "briefing", {}),
        (SECURITY, "hotspots", {}),
        (CHIEF, "audit", {}),
        (CHIEF, "no_such_page", {}),
    ],
)
def test_a_page_or_area_that_is_not_the_viewers_is_refused_and_recorded(
    viewer: Viewer, page_key: str, view: dict, desk_of, records: Records
) -> None:
    with pytest.raises(AccessDeniedError):
        desk_of(viewer).opened(page_key, view)
    row = last_row(records)
    assert (row["event"], row["object"], row["success"]) == ("open", page_key, False)
    assert row["reason"]


@pytest.mark.parametrize(
    "ask",
    [
        lambda desk: desk.visit_plan("B2"),
        lambda desk: desk.visit_workload("B2"),
        lambda desk: desk.visits_recorded("B2"),
        lambda desk: desk.daily_counts(beat_code="B2"),
        lambda desk: desk.daily_counts(station_code="S1"),
        lambda desk: desk.hourly_profile(beat_code="B3"),
    ],
)
def test_an_officer_who_asks_for_another_beat_is_refused_and_recorded(ask, desk_of, records: Records) -> None:
    with pytest.raises(AccessDeniedError, match="outside"):
        ask(desk_of(OFFICER))
    assert last_row(records)["success"] is False


def test_rows_of_other_areas_never_leave(desk_of) -> None:
    officer, captain = desk_of(OFFICER), desk_of(CAPTAIN)
    assert officer.hotspots("theft", 28)["advice_id"].to_list() == ["H1"]
    assert officer.areas("beat")["area_code"].to_list() == ["B1"]
    assert officer.areas("station").is_empty()
    assert {code for _, code in officer.area_names()} == {"C1", "B1", "S1", "F"}
    assert captain.staffing()["unit_code"].to_list() == ["S1"]
    assert captain.visit_workload()["beat_code"].to_list() == ["B1", "B2"]
    assert captain.areas("beat")["area_code"].to_list() == ["B1", "B2"]


def test_the_edition_says_what_it_covers(desk_of) -> None:
    desk = desk_of(CHIEF)
    assert (desk.edition_id, desk.categories(), desk.horizons()) == (EDITION_ID, ["theft"], [28])
    assert desk.period(28) == (date(2026, 1, 1), date(2026, 1, 29))
    assert desk.trend_categories() == ["fraud", "theft"]
    assert [row["edition_id"] for row in desk.editions()] == [EDITION_ID]
    with pytest.raises(RequestError, match="7 days"):
        desk.period(7)


@pytest.mark.parametrize(("page", "newer"), [("data_quality", True), ("addresses", True), ("catalogue", False)])
def test_a_page_about_the_data_is_recorded_with_the_data_it_shows(
    page: str, newer: bool, desk_of, store: Store, records: Records
) -> None:
    made_from = desk_of(STEWARD).snapshot.snapshot_id
    shutil.copytree(store.snapshots / made_from, store.snapshots / "later")
    store.make_current("later")
    desk_of(STEWARD).opened(page)
    row = last_row(records)
    assert (row["edition_id"], row["snapshot_id"]) == (EDITION_ID, "later" if newer else made_from)


def test_an_edition_id_is_never_a_path(store: Store) -> None:
    with pytest.raises(StoreError, match="not the id"):
        Desk(store, CHIEF, f"../editions/{EDITION_ID}")


def test_a_steward_works_before_anything_is_published(tmp_path: Path) -> None:
    desk = Desk(make_tiny_store(tmp_path, published=False), STEWARD)
    desk.opened("data_quality", {})
    assert [load["load_id"] for load in desk.loads()] == ["L1"]
    assert desk.quarantine_counts().select("reason", "rows").rows() == [("no date", 2), ("outside", 1)]
    assert desk.quarantine_rows(2)["source_line"].to_list() == [2, 3]
    with pytest.raises(StoreError, match="published"):
        _ = desk.edition_id


def test_counts_are_summed_by_period_and_split(desk_of) -> None:
    chief = desk_of(CHIEF)
    weeks = chief.daily_counts(period="week", category="theft")
    assert weeks.rows() == [(date(2025, 12, 29), 16, 1), (date(2026, 1, 5), 20, 1)]
    split = chief.daily_counts(period="all", split="beat_code", since=date(2026, 1, 1), until=date(2026, 1, 3))
    assert split.select("beat_code", "incidents").rows() == [("B1", 19), ("B2", 6)]
    own = desk_of(OFFICER).daily_counts(period="all")
    assert own["incidents"].to_list() == [19]


def test_a_researcher_gets_rounded_sums(desk_of) -> None:
    assert (desk_of(RESEARCHER).rounded_to, desk_of(CHIEF).rounded_to, desk_of(OFFICER).rounded_to) == (5, 1, 1)
    exact = {hour: count for _, hour, count, _, _ in desk_of(CHIEF).hourly_profile().iter_rows()}
    assert exact == {8: 6.5, 9: 8.0}
    hours = desk_of(RESEARCHER).hourly_profile()
    assert set(hours["rounded_to"]) == {5}
    for _, hour, count, _, _ in hours.iter_rows():
        assert count % 5 == 0 and abs(count - exact[hour]) < 5
    assert desk_of(RESEARCHER).hotspots("theft", 28)["baseline_count"].to_list() == [None, None, 6.0, 9.0]


@pytest.mark.parametrize("question", [{"period": "year"}, {"split": "name"}])
def test_an_unknown_period_or_split_is_refused(question: dict, desk_of) -> None:
    with pytest.raises(RequestError):
        desk_of(CHIEF).daily_counts(**question)


def test_maps_are_geojson_that_still_fits_together(desk_of) -> None:
    areas = desk_of(CHIEF).areas("beat")
    shapes = [shapely.from_geojson(text) for text in areas["geojson"]]
    assert shapely.union_all(shapes).equals(shapely.box(0, 0, 3, 1))
    assert desk_of(CHIEF).areas("station")["geojson"].to_list() == [None, None]
    line = shapely.from_geojson(desk_of(CHIEF).base_map()["geojson"][0])
    assert line.equals(shapely.LineString([(0, 0), (3, 1)]))
    with pytest.raises(RequestError, match="level"):
        desk_of(CHIEF).areas("planet")


# Decisions and visits -----------------------------------------------------------------------------------------------


def test_errors_by_group_keep_to_the_area_and_hide_small_counts(desk_of) -> None:
    researcher = desk_of(RESEARCHER).model_groups("theft", 28).to_dicts()
    shown = {row["group_code"]: row for row in researcher}
    # Two incidents of S1 are hidden, and the next smallest with them, so that the total does not give them back.
    assert [code for code, row in shown.items() if row["suppressed"]] == ["S1", "S3"]
    for code in ("S1", "S3"):
        hidden = ("incidents", "incident_share", "hits", "hit_rate", "ratio")
        assert [shown[code][name] for name in hidden] == [None] * 5
    assert (shown["S2"]["incidents"], shown["S2"]["hits"], shown["S2"]["ratio"]) == (30.0, 20.0, 1.2)
    # Three hits are few as well, though the incidents behind the rate are not.
    assert [(shown[c]["incidents"], shown[c]["hits"], shown[c]["hit_rate"]) for c in ("low", "high")] == [
        (25.0, None, None),
        (15.0, None, None),
    ]
    assert (shown["low"]["ratio"], shown["low"]["suppressed"]) == (1.2, False)
    assert {row["group_code"] for row in desk_of(CHIEF).model_groups("theft", 28).to_dicts()} >= {"S1", "low"}
    station = Viewer("chief-of-s1", "commander", "S1", "station")
    assert [row["group_code"] for row in desk_of(station).model_groups("theft", 28).to_dicts()] == ["S1", "high", "low"]


def test_areas_are_seen_by_scope_and_their_counts_rounded_for_a_researcher(desk_of) -> None:
    assert desk_of(CHIEF).area_hotspots("theft", 28, "beat")["baseline_count"].to_list() == [4.0, 8.0, 12.0]
    assert desk_of(OFFICER).area_hotspots("theft", 28, "beat")["area_code"].to_list() == ["B1"]
    assert desk_of(OFFICER).ranked_levels() == ["beat"]
    shown = desk_of(RESEARCHER).area_hotspots("theft", 28, "beat")
    for count, true in zip(shown["baseline_count"], [4.0, 8.0, 12.0], strict=True):
        assert count % 5 == 0 and abs(count - true) < 5
    # Ranks by the true counts would order what the rounded ones leave open.
    assert shown["baseline_rank"].to_list() == shown["baseline_count"].rank("min", descending=True).to_list()
    assert set(desk_of(CHIEF).area_hotspots("theft", 28, "beat")["rounded_to"]) == {1}


def test_hexagons_and_streets_are_seen_by_scope_and_small_counts_are_hidden(desk_of) -> None:
    assert desk_of(CHIEF).ranked_units() == {"h3": 28, "segment": 28}
    assert desk_of(CHIEF).unit_hotspots("theft", 28, "segment")["place_id"].to_list() == [
        "segment1",
        "segment2",
        "segment3",
    ]
    assert desk_of(OFFICER).unit_hotspots("theft", 28, "h3")["place_id"].to_list() == ["h31"]
    shown = desk_of(RESEARCHER).unit_hotspots("theft", 28, "h3")
    assert (shown["baseline_count"][0], shown["suppressed"][0]) == (None, True)


def test_patrol_hours_reach_down_the_list_of_the_own_area(desk_of) -> None:
    for viewer, places, expected_all in (
        (Viewer("all", "commander"), 4, 20.0),
        (CHIEF, 3, 18.0),
        (CAPTAIN, 2, 8.0),
    ):
        reach = desk_of(viewer).patrol_reach("theft", 28)
        assert reach["places"].to_list() == list(range(1, places + 1))
        assert reach["expected_all"].unique().to_list() == [expected_all]
    assert desk_of(Viewer("of-s2", "commander", "S2", "station")).patrol_reach("theft", 28).is_empty()


def test_past_lists_are_told_of_the_own_area_and_past_places_to_who_was_advised(desk_of) -> None:
    whole = Viewer("all", "commander")
    for viewer, hits in ((whole, 8.0), (CHIEF, 6.0), (CAPTAIN, 4.0), (RESEARCHER, 8.0)):
        lists = desk_of(viewer).past_lists("theft", 28)
        assert lists["told_by"].to_list() == ["E2", "E1"]
        assert lists["hits"].unique().to_list() == [hits]
        assert desk_of(viewer).past_lists(None, 28).equals(lists)
    assert desk_of(Viewer("of-s2", "commander", "S2", "station")).past_lists("theft", 28).is_empty()
    assert desk_of(whole).past_lists("theft", 7).is_empty()
    assert desk_of(OFFICER).past_places("theft", 28)["beat_code"].to_list() == ["B1"]
    assert desk_of(CAPTAIN).past_places("theft", 28)["station_code"].unique().to_list() == ["S1"]
    for refused in (RESEARCHER, AUDITOR):
        with pytest.raises(AccessDeniedError):
            desk_of(refused).past_places("theft", 28)


def test_a_calmer_list_is_made_of_stored_places(desk_of) -> None:
    desk = desk_of(CHIEF)
    assert desk.calm_choices("theft", 28) == [0.0, 1.0]
    assert desk.hotspots("theft", 28, 0.0)["place_id"].equals(desk.hotspots("theft", 28)["place_id"])
    calm = desk.hotspots("theft", 28, 1.0)
    assert calm.select("rank", "place_id").rows() == [(1, "p1"), (2, "p9"), (3, "p3")]
    assert calm["was_listed"].to_list() == [False, True, False]
    assert desk.calm_changes("theft", 28) == {0.0: (3, 3), 1.0: (3, 2)}
    assert desk_of(OFFICER).hotspots("theft", 28, 1.0)["place_id"].to_list() == ["p1", "p9"]
    # p9's two incidents stay hidden from aggregates, on this list too.
    assert desk_of(RESEARCHER).hotspots("theft", 28, 1.0)["baseline_count"].to_list() == [None, None, 6.0, 9.0]
    assert desk.decide("H-R9", "accept").advice_table == "spare_hotspots"
    with pytest.raises(RequestError, match=r"calm 0\.3"):
        desk.hotspots("theft", 28, 0.3)
