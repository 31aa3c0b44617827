"""The desk: what each reader gets, what is refused and recorded, what is written, what leaves as a file."""

from __future__ import annotations

import io
import json
import shutil
from datetime import UTC, date, datetime
from pathlib import Path

import openpyxl
import polars as pl
import pytest
import shapely

from data.access import Viewer
from data.desk import Desk
from data.errors import AccessDeniedError, RequestError, StoreError
from data.exports import guard_formulas, make_export
from data.records import Records
from data.store import Store
from tests.data.tiny_edition import EDITION_ID, START, make_tiny_store, ticking_clock

CHIEF = Viewer("chief", "commander", "F", "sub_bureau")
CAPTAIN = Viewer("captain", "commander", "S1", "station")
OFFICER = Viewer("officer", "officer", "B1", "beat")
RESEARCHER = Viewer("researcher", "researcher")
STEWARD = Viewer("steward", "steward")
SECURITY = Viewer("security", "security")
AUDITOR = Viewer("auditor", "auditor")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store made once; every test works on a copy."""
    return make_tiny_store(tmp_path_factory.mktemp("template")).root


@pytest.fixture
def store(template: Path, tmp_path: Path) -> Store:
    return Store.open(shutil.copytree(template, tmp_path / "store"))


@pytest.fixture
def records(store: Store) -> Records:
    records = Records.open(store, clock=ticking_clock())
    yield records
    records.close()


@pytest.fixture
def desk_of(store: Store, records: Records):
    return lambda viewer: Desk(store, viewer, records=records)


def last_row(records: Records) -> dict:
    from data.records import read_audit

    return read_audit(records, 1)[0]


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
    "grid_sensitivity": lambda desk: desk.grid_sensitivity("theft"),
    "feedback": lambda desk: desk.feedback("theft"),
    "visit_workload": lambda desk: desk.visit_workload(),
    "visit_plan": lambda desk: desk.visit_plan("B1"),
    "staffing": lambda desk: desk.staffing(),
    "daily_counts": lambda desk: desk.daily_counts(),
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
    from data import access

    desk = desk_of(viewer)
    for table, read in READS.items():
        if viewer.role in access.TABLES[table]:
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
    assert json.loads(row["details"]) == {"area": "B1", "view": {"beat": "B1"}}


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
    assert weeks.rows() == [(date(2025, 12, 29), 16, False), (date(2026, 1, 5), 20, False)]
    split = chief.daily_counts(period="all", split="beat_code", since=date(2026, 1, 1), until=date(2026, 1, 3))
    assert split.select("beat_code", "incidents").rows() == [("B1", 19), ("B2", 6)]
    own = desk_of(OFFICER).daily_counts(period="all")
    assert own["incidents"].to_list() == [19]


def test_a_researcher_gets_sums_with_small_ones_hidden(desk_of) -> None:
    days = desk_of(RESEARCHER).daily_counts(split="category", beat_code="B3")
    assert days.select("category", "incidents", "suppressed").rows() == [("fraud", None, True), ("theft", None, True)]
    # B3 on Monday: 4.0 at eight and 8.0 at nine; the first is small, the second would give it away.
    hours = desk_of(RESEARCHER).hourly_profile()
    assert hours.select("hour", "incidents", "suppressed").rows() == [(8, 6.5, False), (9, 8.0, False)]
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


def test_a_decision_is_recorded_and_a_later_one_supersedes_it(desk_of, records: Records) -> None:
    chief = desk_of(CHIEF)
    chief.decide("T1", "accept")
    assert last_row(records)["event"] == "decide"
    chief.decide("T1", "adjust", "local_knowledge", adjusted=4, comment="市场日")
    seen = desk_of(CAPTAIN).decisions()
    assert seen.select("action", "reason", "adjusted", "comment", "current").rows() == [
        ("adjust", "local_knowledge", 4.0, "市场日", True),
        ("accept", None, None, "", False),
    ]
    assert seen["edition_id"].unique().to_list() == [EDITION_ID]
    assert chief.decisions(["T2"]).is_empty()


def test_decisions_about_another_area_are_not_shown(desk_of) -> None:
    desk_of(CHIEF).decide("T2", "accept")
    desk_of(CHIEF).decide("H1", "accept")
    assert desk_of(CAPTAIN).decisions()["advice_id"].to_list() == ["H1"]
    assert desk_of(OFFICER).decisions()["advice_id"].to_list() == ["H1"]
    assert desk_of(AUDITOR).decisions().height == 2


@pytest.mark.parametrize(
    ("viewer", "advice_id"), [(OFFICER, "H1"), (RESEARCHER, "H1"), (AUDITOR, "T1"), (CAPTAIN, "T2"), (CAPTAIN, "H4")]
)
def test_nobody_decides_without_the_role_or_outside_the_area(
    viewer: Viewer, advice_id: str, desk_of, records: Records
) -> None:
    with pytest.raises(AccessDeniedError):
        desk_of(viewer).decide(advice_id, "accept")
    row = last_row(records)
    assert (row["event"], row["object"], row["success"]) == ("decide", advice_id, False)
    assert desk_of(AUDITOR).decisions().is_empty()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("T9", "accept"), "no advice"),
        (("T1", "execute"), "no action"),
        (("T1", "decline"), "needs a reason"),
        (("T1", "decline", "because"), "needs a reason"),
        (("T1", "accept", "other"), "takes no reason"),
        (("T1", "adjust", "other"), "adjusted value"),
        (("T1", "decline", "other", 3.0), "adjusted value"),
        (("T1", "adjust", "other", float("nan")), "0 or more"),
        (("T1", "adjust", "other", -1.0), "0 or more"),
        (("T1", "accept", None, None, "x" * 501), "500"),
    ],
)
def test_an_incomplete_decision_is_refused_and_leaves_nothing(arguments: tuple, message: str, desk_of) -> None:
    with pytest.raises(RequestError, match=message):
        desk_of(CHIEF).decide(*arguments)
    assert desk_of(CHIEF).decisions().is_empty()


def test_a_visit_is_recorded_with_kind_and_beat_from_the_plan(desk_of, records: Records) -> None:
    desk_of(OFFICER).record_visit("O1", True, 20, "in_order", visited_at=START)
    assert last_row(records)["event"] == "record_visit"
    visit = desk_of(OFFICER).visits_recorded("B1").row(0, named=True)
    assert (visit["object_id"], visit["visit_kind"], visit["beat_code"]) == ("O1", "entertainment_venue", "B1")
    assert (visit["contact"], visit["minutes"], visit["recorded_by"]) == (True, 20.0, "officer")
    assert datetime.fromisoformat(visit["visited_at"]) == START
    assert "recorded_by" not in desk_of(CAPTAIN).visits_recorded("B1").columns


@pytest.mark.parametrize(("viewer", "object_id"), [(OFFICER, "O2"), (OFFICER, "O9"), (CHIEF, "O1")])
def test_a_visit_off_the_own_plan_is_refused(viewer: Viewer, object_id: str, desk_of, records: Records) -> None:
    with pytest.raises(AccessDeniedError):
        desk_of(viewer).record_visit(object_id, True, 20, "in_order")
    assert any(not row["success"] and row["event"] == "record_visit" for row in [last_row(records)])


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"note_code": "free text"}, "no note"),
        ({"minutes": -1}, "minutes"),
        ({"minutes": float("inf")}, "minutes"),
        ({"visited_at": datetime(2026, 1, 1)}, "time zone"),
        ({"visited_at": datetime(2027, 1, 1, tzinfo=UTC)}, "before it was made"),
    ],
)
def test_a_wrong_visit_is_refused_and_leaves_nothing(changed: dict, message: str, desk_of) -> None:
    with pytest.raises(RequestError, match=message):
        desk_of(OFFICER).record_visit(
            **{"object_id": "O1", "contact": True, "minutes": 5, "note_code": "refused", **changed}
        )
    assert desk_of(OFFICER).visits_recorded("B1").is_empty()


def test_an_action_whose_audit_row_cannot_be_written_does_not_happen(desk_of, monkeypatch: pytest.MonkeyPatch) -> None:
    def full_disk(*_args: object, **_more: object) -> int:
        raise OSError("disk full")

    for module in ("audit", "decisions", "visits"):
        monkeypatch.setattr(f"data.records.{module}.append_audit_with", full_disk)
    for act in (
        lambda: desk_of(CHIEF).decide("T1", "accept"),
        lambda: desk_of(OFFICER).record_visit("O1", True, 5, "in_order"),
        lambda: desk_of(CHIEF).export("staffing", desk_of(CHIEF).staffing(), "csv"),
        lambda: desk_of(CHIEF).opened("staffing", {}),
        lambda: desk_of(AUDITOR).verify_audit(),
    ):
        with pytest.raises(OSError, match="disk full"):
            act()
    assert desk_of(CHIEF).decisions().is_empty()
    assert desk_of(OFFICER).visits_recorded("B1").is_empty()


# Exports ------------------------------------------------------------------------------------------------------------


def test_an_export_is_recorded_with_its_hash(desk_of, records: Records) -> None:
    desk = desk_of(CHIEF)
    export = desk.export("staffing", desk.staffing(), "csv")
    row = last_row(records)
    assert (row["event"], row["object"], export.filename) == ("export", "staffing", f"staffing_{EDITION_ID}.csv")
    assert json.loads(row["details"])["sha256"] == export.sha256
    assert json.loads(row["details"])["rows"] == 2


@pytest.mark.parametrize(("viewer", "kind"), [(OFFICER, "hotspots"), (RESEARCHER, "staffing"), (SECURITY, "viewers")])
def test_an_export_outside_the_role_is_refused_and_recorded(
    viewer: Viewer, kind: str, desk_of, records: Records
) -> None:
    with pytest.raises(AccessDeniedError):
        desk_of(viewer).export(kind, pl.DataFrame({"n": [1]}), "csv")
    assert (last_row(records)["event"], last_row(records)["success"]) == ("export", False)


def test_a_column_the_role_may_not_read_is_not_exported(desk_of) -> None:
    with pytest.raises(AccessDeniedError, match="label"):
        desk_of(CHIEF).export("visit_plan", desk_of(OFFICER).visit_plan("B1"), "csv")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_text_cell_of_a_csv_starts_a_formula(start: str) -> None:
    guarded = guard_formulas(pl.DataFrame({f"{start}head": [f"{start}1+1", "safe", None], "n": [-1, 2, 3]}))
    assert guarded.columns == [f"'{start}head", "n"]
    assert guarded.rows() == [(f"'{start}1+1", -1), ("safe", 2), (None, 3)]


def test_a_csv_opens_in_chinese() -> None:
    export = make_export("简报", pl.DataFrame({"单位": ["一所"], "ring": [[1.0, 2.0]]}), "csv")
    assert export.content == '\ufeff单位,ring\r\n一所,"[1.0, 2.0]"\r\n'.encode()
    assert export.filename == "简报.csv"


def test_an_xlsx_keeps_types_and_runs_no_formula() -> None:
    frame = pl.DataFrame(
        {"text": ["=1+1", None], "n": [1.5, -2.0], "day": [date(2026, 1, 2), None], "at": [START, None]}
    )
    sheet = openpyxl.load_workbook(io.BytesIO(make_export("n", frame, "xlsx").content)).active
    assert [cell.value for cell in sheet[1]] == ["text", "n", "day", "at"]
    assert (sheet["A2"].value, sheet["A2"].data_type) == ("=1+1", "s")
    assert (sheet["B3"].value, sheet["C2"].value.date()) == (-2, date(2026, 1, 2))
    assert sheet["D2"].value == START.isoformat()


def test_the_same_rows_give_the_same_bytes() -> None:
    frame = pl.DataFrame({"n": [1]})
    assert make_export("n", frame, "xlsx").content == make_export("n", frame, "xlsx").content


def test_geojson_draws_the_cells(desk_of) -> None:
    desk = desk_of(CHIEF)
    export = desk.export("hotspots", desk.hotspots("theft", 28), "geojson")
    features = json.loads(export.content)["features"]
    assert shapely.from_geojson(json.dumps(features[0]["geometry"])).equals(shapely.box(0, 0, 0.1, 0.1))
    assert [feature["properties"]["rank"] for feature in features] == [1, 2, 3]
    assert "ring" not in features[0]["properties"]


@pytest.mark.parametrize(("frame", "format"), [({"n": [1]}, "pdf"), ({"n": [1]}, "geojson"), ({"b": [b"x"]}, "csv")])
def test_what_cannot_be_exported_is_said(frame: dict, format: str) -> None:
    with pytest.raises(RequestError):
        make_export("n", pl.DataFrame(frame), format)


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


def test_areas_are_seen_by_scope_and_a_hidden_count_is_not_given_back_by_its_total(desk_of) -> None:
    assert desk_of(CHIEF).area_hotspots("theft", 28, "beat")["baseline_count"].to_list() == [4.0, 8.0, 12.0]
    assert desk_of(OFFICER).area_hotspots("theft", 28, "beat")["area_code"].to_list() == ["B1"]
    assert desk_of(OFFICER).ranked_levels() == ["beat"]
    # 4 is too small to be shown; with 8 beside it the total of the station would give it back.
    assert desk_of(RESEARCHER).area_hotspots("theft", 28, "beat")["baseline_count"].to_list() == [None, None, 12.0]


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
