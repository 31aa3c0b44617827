"""Grants at the command line: the only police force of a store by itself, among several the one that is named."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

import commands.shell
from cli import app
from data.access import Viewer
from data.desk import Desk
from data.errors import RequestError
from data.permissions import ALL_FORCES
from data.records import Records, find_viewer, grant_role, read_audit
from data.sources.mapping import BUILT_IN
from data.store import Store
from tests.data.two_forces import FOREIGN, OTHER, OTHER_EDITION, OWN, make_stores


@pytest.fixture
def stores(tmp_path: Path) -> tuple[Store, Store]:
    return make_stores(tmp_path)


def run(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def refused(*words: object) -> str:
    ran = run(*words)
    assert isinstance(ran.exception, RequestError)
    return str(ran.exception)


def test_a_store_of_one_force_asks_for_none_and_says_nothing_of_it(stores: tuple[Store, Store]) -> None:
    alone, _ = stores
    ran = run("viewer", "grant", "li", "--store", alone.root, "--role", "commander", "--area", "S1")
    assert ran.stdout == "li: commander S1\n"
    assert find_viewer(alone, "li") == Viewer("li", "commander", "S1", "station", jurisdiction=OWN)
    told = json.loads(run("viewer", "grant", "wu", "--store", alone.root, "--role", "auditor", "--json").stdout)
    assert told == {"name": "wu", "role": "auditor", "area": None, "jurisdiction": OWN}
    assert OWN not in run("viewer", "list", "--store", alone.root).stdout
    assert "unknown police force 'nowhere'" in refused(
        "viewer", "grant", "x", "--store", alone.root, "--role", "auditor", "--jurisdiction", "nowhere"
    )


def test_a_store_of_several_forces_asks_which(stores: tuple[Store, Store]) -> None:
    _, both = stores
    grant = ("viewer", "grant", "li", "--store", both.root, "--role")
    assert refused(*grant, "commander").endswith(f"several police forces. Choose one of: {OTHER}, {OWN}.")
    assert refused(*grant, "auditor").endswith(f"Choose one of: {OTHER}, {OWN}, all.")
    assert "the role officer is held for one police force" in refused(*grant, "officer", "--jurisdiction", "all")
    ran = run(*grant, "officer", "--area", "B1", "--jurisdiction", OWN)
    assert ran.stdout == f"li: officer B1 {OWN}\n"
    assert find_viewer(both, "li") == Viewer("li", "officer", "B1", "beat", jurisdiction=OWN)
    assert run("viewer", "grant", "wu", *grant[3:], "auditor", "--jurisdiction", "all").exit_code == 0
    assert find_viewer(both, "wu") == Viewer("wu", "auditor", jurisdiction=ALL_FORCES)
    # One from before grants named a force.
    grant_role(Records.open(both), "old", "researcher", granted_by="root")
    lines = run("viewer", "list", "--store", both.root).stdout.splitlines()
    assert [re.split(r"  +", line)[0::1][-1] for line in lines] == ["opens nothing: names no force", "all", OWN]


def test_the_areas_of_a_grant_are_those_of_its_force(stores: tuple[Store, Store]) -> None:
    _, both = stores
    # Only the other force is published now, and the own one has no areas of its own in its loads.
    for edition in both.editions.iterdir():
        if edition.name != OTHER_EDITION:
            for path in sorted(edition.rglob("*"), reverse=True):
                path.unlink()
            edition.rmdir()
    grant = ("viewer", "grant", "li", "--store", both.root, "--role", "officer", "--area", "B1", "--jurisdiction")
    assert "no beat has code 'B1'" in refused(*grant, OWN)
    assert run(*grant, OTHER).exit_code == 0


def test_a_security_administrator_of_one_force_grants_for_it(
    stores: tuple[Store, Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, both = stores
    run("viewer", "grant", "zhao", "--store", both.root, "--role", "security", "--jurisdiction", OWN)
    run("viewer", "grant", "theirs", "--store", both.root, "--role", "auditor", "--jurisdiction", OTHER)
    monkeypatch.setattr("commands.desk.operator", lambda: "zhao")
    grant = ("viewer", "grant", "li", "--store", both.root, "--role", "auditor", "--jurisdiction")
    for force in (OTHER, "all"):
        assert "for another police force" in str(run(*grant, force).exception)
    assert "for another police force" in str(run("viewer", "revoke", "theirs", "--store", both.root).exception)
    assert run(*grant, OWN).exit_code == 0
    assert run("viewer", "revoke", "li", "--store", both.root).exit_code == 0


def test_visits_are_written_back_to_the_force_they_were_made_for(stores: tuple[Store, Store], tmp_path: Path) -> None:
    _, both = stores
    for force in (OWN, OTHER):
        officer = Desk(both, Viewer("wang", "officer", "B1", "beat", jurisdiction=force))
        officer.record_visit(str(officer.visit_plan("B1")["object_id"][0]), True, 20, "in_order")
    layout = (BUILT_IN / "demo.toml").read_text(encoding="utf-8").replace("cn-demo-yunlan", OTHER)
    (tmp_path / "layout.toml").write_text(layout, encoding="utf-8")
    output = tmp_path / "visits.csv"
    ran = run("visits-export", "--store", both.root, "--source", tmp_path / "layout.toml", "--output", output)
    assert ran.exit_code == 0
    lines = output.read_bytes().decode("gb18030").splitlines()
    assert len(lines) == 2
    assert FOREIGN in lines[1]
    row = read_audit(Records.open(both), 1)[0]
    assert (row["role"], json.loads(row["details"])["jurisdiction"]) == ("command_line", OTHER)
    assert commands.shell.operator() == row["viewer"]
