"""A store of two police forces with equal area codes: a reader of one reads what that force's own store would give."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from cli import app
from data.access import Viewer
from data.desk import Desk
from data.errors import AccessDeniedError, BeatwiseError, OtherForceError, SourceError, StoreError
from data.forces import editions_beside_others, store_forces
from data.permissions import ALL_FORCES, ROLES
from data.quality.measures import QualityReport
from data.records import (
    AuditEvent,
    Records,
    append_audit,
    grant_role,
    read_audit,
    revoke_role,
    verify_records,
)
from data.store import Store
from tests.data.two_forces import FOREIGN, OTHER, OTHER_EDITION, OWN, OWN_EDITION, TOWN, foreign_mapping, make_stores

#: Role → area and level of the grant: an area of this code exists in both forces.
AREAS = {"commander": ("S1", "station"), "officer": ("B1", "beat")}
ASKED = ("theft", 28)

#: Every method of the desk that reads. A new one has to be added: the test below says so.
READS: dict[str, Callable[[Desk], Any]] = {
    "address_link_counts": lambda desk: desk.address_link_counts(),
    "address_reviews": lambda desk: desk.address_reviews(),
    "address_reviews_waiting": lambda desk: desk.address_reviews_waiting(),
    "area_hotspots": lambda desk: desk.area_hotspots(*ASKED, "beat"),
    "area_names": lambda desk: desk.area_names(),
    "own_area_in_force": lambda desk: desk.own_area_in_force(),
    "areas": lambda desk: desk.areas("beat"),
    "base_map": lambda desk: desk.base_map(),
    "calm_changes": lambda desk: desk.calm_changes(*ASKED),
    "calm_choices": lambda desk: desk.calm_choices(*ASKED),
    "catalogue_columns": lambda desk: desk.catalogue_columns(),
    "catalogue_rules": lambda desk: desk.catalogue_rules(),
    "catalogue_words": lambda desk: desk.catalogue_words(),
    "categories": lambda desk: desk.categories(),
    "daily_counts": lambda desk: desk.daily_counts(period="month", split="beat_code"),
    "decisions": lambda desk: desk.decisions(all_editions=True),
    "edition_id": lambda desk: desk.edition_id,
    "editions": lambda desk: desk.editions(),
    "entries": lambda desk: desk.entries(),
    "feedback": lambda desk: desk.feedback("theft"),
    "first_listed": lambda desk: desk.first_listed(),
    "funnel": lambda desk: desk.funnel(),
    "funnels": lambda desk: desk.funnels(),
    "grade_problems": lambda desk: desk.grade_problems(),
    "grid_sensitivity": lambda desk: desk.grid_sensitivity("theft"),
    "has_edition": lambda desk: desk.has_edition,
    "horizons": lambda desk: desk.horizons(),
    "hotspot_surface": lambda desk: desk.hotspot_surface(*ASKED),
    "hotspots": lambda desk: desk.hotspots(*ASKED),
    "hourly_profile": lambda desk: desk.hourly_profile(),
    "inbox": lambda desk: desk.inbox(),
    "is_demo": lambda desk: desk.is_demo,
    "legal_bases": lambda desk: desk.legal_bases(),
    "legal_basis": lambda desk: desk.legal_basis,
    "lineage": lambda desk: desk.lineage("hotspots"),
    "lineage_of_advice": lambda desk: desk.lineage(advice_id="H1"),
    "loads": lambda desk: desk.loads(),
    "manifest": lambda desk: desk.manifest,
    "mapping_choices": lambda desk: desk.mapping_choices("calls"),
    "mapping_text": lambda desk: desk.mapping_text("portland"),
    "mappings": lambda desk: desk.mappings(),
    "model_calibration": lambda desk: desk.model_calibration(*ASKED),
    "model_comparison": lambda desk: desk.model_comparison(*ASKED),
    "model_curves": lambda desk: desk.model_curves(*ASKED),
    "model_groups": lambda desk: desk.model_groups(*ASKED),
    "model_scores": lambda desk: desk.model_scores(*ASKED),
    "past_lists": lambda desk: desk.past_lists(*ASKED),
    "past_places": lambda desk: desk.past_places(*ASKED),
    "patrol_reach": lambda desk: desk.patrol_reach(*ASKED),
    "period": lambda desk: desk.period(28),
    "purpose": lambda desk: desk.purpose,
    "quality_reports": lambda desk: desk.quality_reports(),
    "quality_verdicts": lambda desk: desk.quality_verdicts(),
    "quarantine_counts": lambda desk: desk.quarantine_counts(),
    "quarantine_rows": lambda desk: desk.quarantine_rows(),
    "ranked_levels": lambda desk: desk.ranked_levels(),
    "ranked_units": lambda desk: desk.ranked_units(),
    "retention_due": lambda desk: desk.retention_due(date(2040, 1, 1)),
    "retention_reports": lambda desk: desk.retention_reports(),
    "routed": lambda desk: desk.routed("hotspots"),
    "routing": lambda desk: desk.routing(),
    "scope": lambda desk: desk.scope,
    "snapshot": lambda desk: (desk.snapshot.loads, desk.snapshot.read("calls"), desk.snapshot.read("incidents")),
    "snapshot_behind": lambda desk: desk.snapshot_behind(["calls"]).files,
    "staffing": lambda desk: desk.staffing(),
    "staffing_loads": lambda desk: desk.staffing_loads(),
    "trend_categories": lambda desk: desk.trend_categories(),
    "unit_hotspots": lambda desk: desk.unit_hotspots(*ASKED, "h3"),
    "viewers": lambda desk: desk.viewers(),
    "visit_plan": lambda desk: desk.visit_plan("B1"),
    "visit_scores": lambda desk: desk.visit_scores(),
    "visit_workload": lambda desk: desk.visit_workload(),
    "visits_layouts": lambda desk: desk.visits_layouts(),
    "visits_recorded": lambda desk: desk.visits_recorded("B1"),
}
#: What writes, or reads nothing of the store; each has a test of its own below or reads no row of a force.
OTHERWISE = {
    *("apply_address_reviews", "audit_log", "checked", "decide", "edition", "export", "export_visits", "forces", "may"),
    *("choose_columns", "mapping_files", "opened", "propose_mapping", "record_visit", "review_address", "save_mapping"),
    *("reproduce", "rounded_to", "today", "told_what_if", "try_mapping", "verify_audit", "view_sample"),
    *("visits_file_name", "who_saw"),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, Store]:
    folder = tmp_path_factory.mktemp("forces")
    alone, both = make_stores(folder)
    # What is rounded, is rounded by the secret of a store.
    (both.root / "rounding.key").write_text(alone.rounding_secret())
    _work_at(both, OTHER)
    # A saved mapping of each.
    (both.root / "mappings").mkdir()
    (both.root / "mappings" / f"{FOREIGN}.toml").write_bytes(foreign_mapping(folder).read_bytes())
    return alone, both


@pytest.fixture
def alone(made: tuple[Store, Store]) -> Store:
    return made[0]


@pytest.fixture
def both(made: tuple[Store, Store]) -> Store:
    return made[1]


@pytest.fixture
def own_both(tmp_path: Path) -> Store:
    """A store of both forces that one test may write into."""
    return make_stores(tmp_path)[1]


def viewer(role: str, force: str | None, name: str | None = None) -> Viewer:
    return Viewer(name or role, role, *AREAS.get(role, (None, None)), jurisdiction=force)  # type: ignore[arg-type]


def _work_at(store: Store, force: str) -> None:
    """Do at the desk of a force what people do there: decide, visit, read the queue of addresses."""
    desk = Desk(store, viewer("commander", force, f"{force}-chief"))
    desk.decide(str(desk.hotspots(*ASKED)["advice_id"][0]), "decline", "other", comment=f"{force}: no")
    officer = Desk(store, viewer("officer", force, f"{force}-officer"))
    officer.opened("my_beat", {"beat": "B1"})
    officer.record_visit(str(officer.visit_plan("B1")["object_id"][0]), True, 20, "in_order")
    with pytest.raises(AccessDeniedError):
        officer.opened("audit")
    steward = Desk(store, viewer("steward", force, f"{force}-steward"))
    steward.opened("data_quality")
    assert steward.address_reviews().height == 1


def told(read: Callable[[Desk], Any], desk: Desk) -> str:
    """Return all that a method of the desk tells as text, refusals included."""
    try:
        return _as_text(read(desk))
    except BeatwiseError as error:
        return f"{type(error).__name__}: {error.problem}"


def _as_text(found: Any) -> str:
    if isinstance(found, pl.DataFrame):
        return json.dumps(found.to_dicts(), default=str, ensure_ascii=False)
    if isinstance(found, tuple | list):
        return "\n".join(map(_as_text, found))
    return str(found)


def test_every_method_of_the_desk_is_tried() -> None:
    known = {name for name in dir(Desk) if not name.startswith("_")}
    assert known == {name for name in READS if name != "lineage_of_advice"} | OTHERWISE


def test_the_store_holds_two_forces_with_areas_of_equal_codes(both: Store) -> None:
    assert store_forces(both) == {OWN, OTHER}
    codes = [
        Desk(both, Viewer("r", "researcher", jurisdiction=force)).areas("beat")["area_code"] for force in (OWN, OTHER)
    ]
    assert codes[0].to_list() == codes[1].to_list() == ["B1", "B2", "B3"]


@pytest.mark.parametrize("name", READS)
@pytest.mark.parametrize("role", ROLES)
def test_a_reader_of_one_force_reads_what_its_own_store_would_give(
    alone: Store, both: Store, role: str, name: str
) -> None:
    read = READS[name]
    found = told(read, Desk(both, viewer(role, OWN)))
    assert found == told(read, Desk(alone, viewer(role, OWN)))
    # And a grant from before grants named a force reads the same in a store of one.
    assert found == told(read, Desk(alone, viewer(role, None)))
    assert FOREIGN not in found


@pytest.mark.parametrize("name", READS)
@pytest.mark.parametrize("role", ROLES)
def test_a_grant_that_names_no_force_opens_nothing_of_several(both: Store, role: str, name: str) -> None:
    desk = Desk(both, viewer(role, None))
    found = told(READS[name], desk)
    told_anyway = {"has_edition": "False", "is_demo": "False", "legal_basis": "", "purpose": "", "edition_id": "Store"}
    if name in ("snapshot", "scope"):
        assert FOREIGN not in found
        assert "荷洲路" not in found
    elif name in told_anyway:
        assert found.startswith(told_anyway[name])
    else:
        assert found == "OtherForceError: this grant names no police force, and the store holds several."
        assert read_audit(desk.records, 1)[0]["success"] is False


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("force", [OWN, None])
def test_a_link_to_an_edition_of_another_force_is_refused_and_on_record(
    both: Store, role: str, force: str | None
) -> None:
    with pytest.raises(OtherForceError) as refused:
        Desk(both, viewer(role, force), OTHER_EDITION)
    assert FOREIGN not in str(refused.value).replace(OTHER_EDITION, "")
    row = read_audit(Desk(both, viewer(role, OWN)).records, 1)[0]
    assert (row["event"], row["object"], row["edition_id"]) == ("open", "edition", OTHER_EDITION)
    assert (row["viewer"], row["success"]) == (role, False)


@pytest.mark.parametrize("role", ROLES)
def test_an_edition_of_the_own_force_is_opened_by_its_link(both: Store, role: str) -> None:
    assert Desk(both, viewer(role, OWN), OWN_EDITION).edition_id == OWN_EDITION
    assert Desk(both, viewer(role, OTHER), OTHER_EDITION).edition_id == OTHER_EDITION


def test_an_edition_that_is_none_names_only_the_own_ones(both: Store) -> None:
    with pytest.raises(StoreError, match=OWN_EDITION) as refused:
        Desk(both, viewer("auditor", OWN), "E20250101-none")
    assert OTHER_EDITION not in str(refused.value)


@pytest.mark.parametrize("role", ["researcher", "steward", "security", "auditor"])
def test_all_forces_are_read_by_who_was_granted_all(both: Store, role: str) -> None:
    desk = Desk(both, viewer(role, ALL_FORCES))
    assert desk.forces is None
    assert Desk(both, viewer(role, ALL_FORCES), OTHER_EDITION).edition_id == OTHER_EDITION
    assert Desk(both, viewer(role, ALL_FORCES), OWN_EDITION).edition_id == OWN_EDITION
    if role in ("steward", "auditor"):
        assert {load["jurisdiction"]["code"] for load in desk.loads()} == {OWN, OTHER}
        assert desk.quarantine_counts()["source"].sort().to_list() == [FOREIGN, "town"]
        assert {one.jurisdiction for one in desk.quality_reports() if isinstance(one, QualityReport)} == {OWN, OTHER}
    if role == "auditor":
        assert desk.decisions(all_editions=True)["viewer"].to_list() == [f"{OTHER}-chief"]


def test_the_log_shows_an_auditor_the_rows_about_the_own_force(own_both: Store) -> None:
    for force in (OTHER, OWN):
        _work_at(own_both, force)
    everywhere = Desk(own_both, viewer("steward", ALL_FORCES, "everywhere"))
    everywhere.opened("data_quality")
    everywhere.export_visits("demo")
    Desk(own_both, viewer("auditor", ALL_FORCES, "everywhere"), OTHER_EDITION).opened("staffing")
    with pytest.raises(OtherForceError):
        Desk(own_both, viewer("commander", OTHER, "intruder"), OWN_EDITION)
    auditor = Desk(own_both, viewer("auditor", OWN))
    seen = auditor.audit_log()
    assert set(seen["viewer"]) == {f"{OWN}-chief", f"{OWN}-officer", f"{OWN}-steward", "everywhere", "intruder"}
    # The intruder's row names the own edition; of the reader of all forces, what is not about the other force's.
    assert seen.filter(pl.col("viewer") == "everywhere")["object"].to_list() == ["visits_export", "data_quality"]
    assert set(seen["edition_id"].drop_nulls()) <= {OWN_EDITION, OTHER_EDITION}
    assert seen.filter(pl.col("edition_id") == OTHER_EDITION)["viewer"].unique().to_list() == ["everywhere"]
    # The newest, not those among the newest rows of all.
    assert auditor.audit_log(1)["viewer"].to_list() == ["intruder"]
    # Made without the command line, which announces what it publishes.
    for edition_id in own_both.edition_ids():
        event = AuditEvent("op", "command_line", "publish", edition_id, edition_id)
        append_audit(Records.open(own_both), event)
    report = auditor.verify_audit()
    assert (report.whole, report.problem) == (True, None)
    assert report.rows > seen.height


def test_an_auditor_of_one_force_asks_about_the_own_force_only(own_both: Store) -> None:
    for force in (OWN, OTHER):
        _work_at(own_both, force)
    day = datetime.now(UTC).date()
    window = day - timedelta(days=2), day + timedelta(days=2)
    for force, others in ((OWN, OTHER), (OTHER, OWN)):
        auditor = Desk(own_both, viewer("auditor", force))
        seen = auditor.who_saw("B1", *window)
        assert f"{force}-officer" in set(seen["viewer"])
        assert all(name.startswith(force) for name in seen["viewer"])
        foreign = [
            row["seq"]
            for row in read_audit(Records.open(own_both))
            if row["viewer"].startswith(others) and row["success"]
        ]
        assert foreign
        with pytest.raises(AccessDeniedError, match="another police force"):
            auditor.reproduce(foreign[0])


def test_grants_are_those_of_the_own_force_and_of_all(own_both: Store) -> None:
    records = Records.open(own_both)
    for name, force in (("own", OWN), ("other", OTHER), ("every", ALL_FORCES)):
        grant_role(records, name, "auditor", granted_by="root", jurisdiction=force)
    revoke_role(records, "own", revoked_by="root")
    for role in ("security", "auditor"):
        found = {row["name"]: row for row in Desk(own_both, viewer(role, OWN)).viewers().to_dicts()}
        assert set(found) == {"own", "every"}
        assert found["own"]["revoked_by"] == "root"
        assert [found[name]["all_forces"] for name in ("own", "every")] == [False, True]
        assert Desk(own_both, viewer(role, ALL_FORCES)).viewers().height == 3


@pytest.mark.parametrize("content", ["no json", "[]", '"text"'])
def test_the_log_of_one_force_opens_on_rows_somebody_changed(own_both: Store, content: str) -> None:
    _work_at(own_both, OWN)
    auditor = Desk(own_both, viewer("auditor", OWN))
    rows = auditor.audit_log().height
    with auditor.records.writing() as connection:
        connection.exec_driver_sql("DROP TRIGGER audit_log_no_update")
        connection.exec_driver_sql(f"UPDATE audit_log SET details = '{content}' WHERE event = 'record_visit'")
    # It names an edition of the own force.
    assert auditor.audit_log().height == rows
    assert not auditor.verify_audit().whole


def test_nobody_decides_on_advice_of_another_force(own_both: Store) -> None:
    foreign = str(Desk(own_both, viewer("commander", OTHER)).hotspots(*ASKED)["advice_id"][0])
    chief = Desk(own_both, viewer("commander", OWN))
    with pytest.raises(BeatwiseError, match="no advice"):
        chief.decide(foreign, "accept")
    with pytest.raises(BeatwiseError, match="no advice"):
        chief.lineage(advice_id=foreign)
    with pytest.raises(AccessDeniedError, match="not on the plan"):
        Desk(own_both, viewer("officer", OWN)).record_visit(f"{FOREIGN}-O1", True, 5, "in_order")


def test_decisions_and_visits_of_equal_codes_stay_apart(own_both: Store) -> None:
    for force in (OWN, OTHER):
        _work_at(own_both, force)
    for force in (OWN, OTHER):
        chief = Desk(own_both, viewer("commander", force))
        assert chief.decisions(all_editions=True)["comment"].to_list() == [f"{force}: no"]
        assert chief.visits_recorded("B1").height == 1
        officer = Desk(own_both, viewer("officer", force))
        assert officer.visits_recorded("B1")["recorded_by"].to_list() == [f"{force}-officer"]
        steward = Desk(own_both, viewer("steward", force))
        assert steward.entries()["records"].to_list() == [1, 1]
        lines = steward.export_visits("demo").content.decode("gb18030").splitlines()
        assert len(lines) == 2
        assert (FOREIGN in lines[1]) == (force == OTHER)
    assert len(Desk(own_both, viewer("steward", ALL_FORCES)).export_visits("demo").content.splitlines()) == 3
    assert editions_beside_others(own_both, OWN) == [OWN_EDITION]
    assert editions_beside_others(own_both, "cn-demo-yunlan") is None


@pytest.mark.parametrize("decision", ["accept", "none"])
def test_a_decision_on_an_address_holds_in_the_own_force(own_both: Store, decision: str) -> None:
    own, other = (Desk(own_both, viewer("steward", force)) for force in (OWN, OTHER))
    (waiting,) = other.address_reviews().to_dicts()
    other.review_address(waiting["text_key"], waiting["address_code"], decision)
    assert other.address_reviews_waiting() == {"texts": 0, "calls": 0, "decided": 1}
    assert own.address_reviews_waiting() == {"texts": 1, "calls": 1, "decided": 0}
    before = own.address_link_counts()
    with pytest.raises(BeatwiseError, match="no decision on an address waits"):
        own.apply_address_reviews()
    applied = other.apply_address_reviews()
    assert (applied.texts, applied.calls, applied.linked) == (1, 1, int(decision == "accept"))
    assert own.address_link_counts().equals(before)
    assert "steward" in other.address_link_counts()["method"].to_list()
    # The same text, decided otherwise for the own calls.
    own.review_address(waiting["text_key"], waiting["address_code"], "reject")
    own.apply_address_reviews()
    assert not own.address_link_counts().equals(before)
    assert "steward" in other.address_link_counts()["method"].to_list()
    assert verify_records(own.records).whole


def test_the_decision_of_one_force_is_applied_by_the_operator_in_that_force(own_both: Store) -> None:
    own, other = (Desk(own_both, viewer("steward", force)) for force in (OWN, OTHER))
    before = own.address_link_counts()
    (waiting,) = other.address_reviews().to_dicts()
    other.review_address(waiting["text_key"], waiting["address_code"], "accept")
    # Who reads all forces still finds the text of the other one, which nobody decided.
    assert Desk(own_both, viewer("steward", ALL_FORCES)).address_reviews_waiting()["texts"] == 1
    ran = CliRunner().invoke(app, ["addresses", "apply", "--store", str(own_both.root), "--json"])
    assert ran.exit_code == 0
    applied = json.loads(ran.stdout)
    assert (applied["texts"], applied["calls"], applied["linked"]) == (1, 1, 1)
    assert own.address_link_counts().equals(before)
    assert "steward" in other.address_link_counts()["method"].to_list()
    again = CliRunner().invoke(app, ["addresses", "apply", "--store", str(own_both.root)])
    assert "no decision on an address waits" in str(again.exception)


def test_the_saved_mapping_of_another_force_is_neither_read_nor_replaced(own_both: Store, tmp_path: Path) -> None:
    theirs = Desk(own_both, viewer("steward", OTHER))
    text = foreign_mapping(tmp_path).read_text(encoding="utf-8")
    theirs.save_mapping(text)
    own = Desk(own_both, viewer("steward", OWN))
    assert FOREIGN not in {one["name"] for one in own.mappings()}
    assert FOREIGN in {one["name"] for one in theirs.mappings()}
    with pytest.raises(OtherForceError):
        own.mapping_text(FOREIGN)
    assert theirs.mapping_text(FOREIGN) == text
    same_name = TOWN.read_text(encoding="utf-8").replace('name = "town"', f'name = "{FOREIGN}"')
    for attempt in (text, same_name):
        with pytest.raises(OtherForceError):
            own.save_mapping(attempt)
        assert read_audit(own.records, 1)[0]["success"] is False
    assert theirs.mapping_text(FOREIGN) == text
    (own_both.root / "mappings" / "broken.toml").write_text("no mapping", encoding="utf-8")
    assert "broken" not in {one["name"] for one in own.mappings()}
    with pytest.raises((SourceError, AccessDeniedError)):
        own.mapping_text("broken")


def test_exports_are_named_after_the_own_edition(both: Store) -> None:
    desk = Desk(both, viewer("commander", OWN))
    export = desk.export("hotspots", desk.hotspots(*ASKED).drop("reasons", "ring", "hours"), "csv")
    assert OWN_EDITION in export.filename
    assert FOREIGN.encode() not in export.content
