"""The desk: what people do there is written with its audit row; what leaves as a file, too."""

from __future__ import annotations

import io
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime

import openpyxl
import polars as pl
import pytest
import shapely

from data.access import Viewer
from data.errors import AccessDeniedError, RequestError, StaleError
from data.exports import guard_formulas, make_export
from data.records import Records, grant_role, revoke_role
from data.version import code_version
from tests.data.desk.viewers import AUDITOR, CAPTAIN, CHIEF, OFFICER, RESEARCHER, SECURITY, last_row
from tests.data.tiny_edition import EDITION_ID, START


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


def test_a_decision_is_withdrawn_and_all_of_it_stays_on_record(desk_of) -> None:
    chief = desk_of(CHIEF)
    chief.decide("T1", "decline", "data_wrong")
    chief.decide("T1", "withdraw", "slip")
    seen = chief.decisions()
    assert seen.select("action", "reason", "current").rows() == [
        ("withdraw", "slip", True),
        ("decline", "data_wrong", False),
    ]
    with pytest.raises(RequestError, match="no decision to withdraw"):
        chief.decide("T1", "withdraw", "slip")


def test_nobody_decides_over_a_decision_not_seen(desk_of) -> None:
    first, second = desk_of(CHIEF), desk_of(CAPTAIN)
    stood = first.decide("T1", "accept", standing=None)
    with pytest.raises(StaleError, match="changed meanwhile by chief"):
        second.decide("T1", "decline", "data_wrong", standing=None)
    assert first.decisions().height == 1
    second.decide("T1", "decline", "data_wrong", standing=stood.decision_id)
    with pytest.raises(StaleError, match="changed meanwhile by captain"):
        first.decide("T1", "withdraw", "slip", standing=stood.decision_id)
    assert first.decisions()["action"].to_list() == ["decline", "accept"]


def test_two_who_decide_at_the_same_moment_do_not_both_decide(desk_of) -> None:
    def decide(number: int) -> bool:
        try:
            desk_of(CHIEF if number % 2 else CAPTAIN).decide("T1", "accept", standing=None)
        except StaleError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(decide, range(8)))
    assert done.count(True) == 1
    assert desk_of(CHIEF).decisions().height == 1


@pytest.mark.parametrize("ended", ["revoked", "granted anew for another area"])
def test_nothing_is_on_record_after_the_end_of_the_grant_behind_it(ended: str, desk_of, records: Records) -> None:
    grant_role(records, "chief", "commander", "F", "sub_bureau", granted_by="op")
    chief = desk_of(CHIEF)
    chief.decide("T1", "accept")
    listed = chief.staffing()
    revoke_role(records, "chief", revoked_by="op")
    if ended != "revoked":
        grant_role(records, "chief", "commander", "S2", "station", granted_by="op")
    for late in (
        lambda: chief.decide("T1", "decline", "data_wrong"),
        lambda: chief.export("staffing", listed, "csv"),
    ):
        with pytest.raises(AccessDeniedError, match="ended or changed meanwhile"):
            late()
        row = last_row(records)
        assert (row["viewer"], row["success"]) == ("chief", False)
    assert desk_of(AUDITOR).decisions().height == 1


def test_no_visit_is_recorded_after_the_end_of_a_grant(desk_of, records: Records) -> None:
    grant_role(records, OFFICER.name, "officer", "B1", "beat", granted_by="op")
    officer = desk_of(OFFICER)
    planned = officer.visit_plan("B1")["object_id"][0]
    officer.record_visit(planned, True, 10, "in_order")
    revoke_role(records, OFFICER.name, revoked_by="op")
    with pytest.raises(AccessDeniedError, match="ended or changed meanwhile"):
        officer.record_visit(planned, True, 10, "in_order")
    assert officer.visits_recorded("B1").height == 1


def test_the_log_keeps_the_advice_a_decision_was_about(desk_of, records: Records) -> None:
    chief = desk_of(CHIEF)
    chief.decide("H1", "accept", view={"category": "theft", "calm": "0.5"})
    details = json.loads(last_row(records)["details"])
    told = chief.hotspots("theft", 28).filter(pl.col("advice_id") == "H1").to_dicts()[0]
    assert details["view"] == {"category": "theft", "calm": "0.5"}
    assert details["advice"]["rank"] == told["rank"] and details["advice"]["expected"] == told["expected"]
    assert details["code"] == code_version()


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
        (("T1", "adjust", "data_wrong", float("nan")), "0 or more"),
        (("T1", "adjust", "data_wrong", -1.0), "0 or more"),
        (("T1", "adjust", "data_wrong", 1e300), "at most 10,000"),
        (("T1", "decline", "other"), "says which"),
        (("T1", "decline", "other", None, " . "), "says which"),
        (("T1", "withdraw", "slip"), "no decision to withdraw"),
        (("T1", "withdraw"), "needs a reason"),
        (("T1", "accept", None, None, "bell \x07"), "control characters"),
        (("T1", "accept", None, None, "delete \x7f"), "control characters"),
        (("T1", "accept", None, None, "turned \u202e0001"), "control characters"),
        (("T1", "accept", None, None, "hidden \u200b"), "control characters"),
        (("T1", "accept", None, None, "half a pair \ud800"), "control characters"),
        (("T1", "accept", None, None, "x" * 501), "500"),
        (("T1", "accept", None, None, "nul \0"), "control characters"),
        (("T1", "accept", None, None, "见 110101199003070038"), "identity number"),
        (("T1", "accept", None, None, "ask 138 0013 8000"), "identity number"),
        (("T1", "accept", None, None, "ask li@example.org"), "identity number"),
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


def test_a_visit_to_an_object_with_two_tasks_is_of_the_kind_that_was_chosen(
    desk_of, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = desk_of(OFFICER)
    plan = desk.visit_plan("B1")
    twice = pl.concat([plan, plan.with_columns(visit_kind=pl.lit("hotel").cast(plan.schema["visit_kind"]))])
    monkeypatch.setattr(desk, "_read", lambda table: twice)
    desk.record_visit("O1", True, 20, "in_order", visit_kind="hotel")
    assert desk_of(OFFICER).visits_recorded("B1")["visit_kind"].to_list() == ["hotel"]
    with pytest.raises(AccessDeniedError, match="not on the plan"):
        desk.record_visit("O1", True, 20, "in_order", visit_kind="dv_warning")


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


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
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
