"""The command line as other programs rely on it: exit codes, JSON, files that appear whole or not at all."""

from __future__ import annotations

import json
import math
import shutil
import socket
from datetime import date
from pathlib import Path

import geopandas as gpd
import polars as pl
import pytest

from commands.archive import renamed
from data.records import Records, read_audit
from data.store import Store
from data.version import code_version
from tests.conftest import run_cli

pytestmark = pytest.mark.xdist_group("demo_cli")
AS_OF, LATER = "2026-07-01", "2026-07-08"


@pytest.fixture(scope="module")
def store(demo_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo city in a folder of its own, so that audit rows and editions may be written."""
    folder = tmp_path_factory.mktemp("cli") / "store"
    shutil.copytree(demo_store, folder)
    return folder


@pytest.fixture(scope="module")
def edition_id(store: Path) -> str:
    """The newest of the demo city's editions."""
    return max((store / "editions").iterdir()).name


def test_hotspots_are_equal_cells_just_enough_to_reach_the_area(store: Path, tmp_path: Path) -> None:
    output = tmp_path / "cells.geojson"
    asked = ["--as-of", AS_OF, "--days", 28, "--category", "010100", "--cell-m", 150, "--area-km2", 0.65]
    told = json.loads(run_cli("hotspots", "--store", store, *asked, "--output", output, "--json").stdout)
    cells = gpd.read_file(output)
    assert cells.crs.to_epsg() == 4326
    assert told["cells"] == len(cells) == math.ceil(0.65 / 0.150**2)
    assert set(cells.columns) == {"rank", "expected", "low", "high", "baseline_rank", "geometry"}
    assert cells["rank"].tolist() == list(range(1, len(cells) + 1))
    assert (cells["expected"].diff().dropna() <= 0).all()
    assert ((cells["low"] <= cells["expected"]) & (cells["expected"] <= cells["high"])).all()
    projected = cells.to_crs("EPSG:4547").geometry
    assert projected.area.between(22_495, 22_505).all()
    assert projected.union_all().area == pytest.approx(projected.area.sum(), rel=1e-4), "cells overlap"


def test_hotspots_of_street_segments_within_patrol_hours(store: Path, tmp_path: Path) -> None:
    output = tmp_path / "segments.geojson"
    asked = ["--as-of", AS_OF, "--days", 28, "--category", "020100", "--unit", "segment", "--patrol-hours", 6]
    told = json.loads(run_cli("hotspots", "--store", store, *asked, "--output", output, "--json").stdout)
    places = gpd.read_file(output)
    # 15 minutes four times a shift is one hour a place.
    assert told["cells"] == len(places) == 6
    assert set(places.geom_type) == {"LineString"}
    assert places.crs.to_epsg() == 4326
    assert places["place_id"].is_unique
    assert places["expected"].is_monotonic_decreasing
    assert places.to_crs("EPSG:4547").length.to_numpy() == pytest.approx(places["length_m"].to_numpy(), rel=0.01)


def test_a_calm_list_keeps_the_places_of_an_edition(store: Path, edition_id: str, tmp_path: Path) -> None:
    listed = pl.read_parquet(store / "editions" / edition_id / "hotspots.parquet")
    listed = listed.filter(pl.col("category") == "020100", pl.col("horizon_days") == 28)
    output = tmp_path / "calm.geojson"
    asked = ["--as-of", LATER, "--days", 28, "--category", "020100", "--cell-m", 150, "--area-km2", 1.5]
    run_cli("hotspots", "--store", store, *asked, "--calm", 1, "--held-to", edition_id, "--output", output)
    # Fully calm: every cell of the edition is on the list again.
    cells = gpd.read_file(output)
    centres = gpd.GeoSeries.from_xy(listed["lon"], listed["lat"], crs="EPSG:4326")
    assert len(cells) == len(centres)
    assert centres.within(cells.union_all()).all()


def test_hotspots_use_nothing_from_the_as_of_day_on(shared_data: Path, tmp_path: Path) -> None:
    calls = pl.read_parquet(shared_data / "nij_portland" / "calls_target3_2012-03_2017-02.parquet")
    thefts = calls.filter(pl.col("category") == "MOTOR VEHICLE THEFT", pl.col("occ_date") >= date(2014, 1, 1))
    written = []
    for name, rows in {"all": thefts, "before": thefts.filter(pl.col("occ_date") < date(2016, 6, 1))}.items():
        rows.write_parquet(tmp_path / f"{name}.parquet")
        run_cli("ingest", "--store", tmp_path / name, "--source", "portland", tmp_path / f"{name}.parquet")
        output = tmp_path / f"{name}.geojson"
        asked = ["--as-of", "2016-06-01", "--days", 28, "--category", "MOTOR VEHICLE THEFT", "--cell-m", 182.88]
        run_cli("hotspots", "--store", tmp_path / name, *asked, "--area-km2", 1.0, "--output", output)
        written.append(output.read_bytes())
    assert written[0] == written[1]


def test_a_second_force_in_the_store_changes_nothing(store: Path, shared_data: Path, tmp_path: Path) -> None:
    two, districts = tmp_path / "two", shared_data / "chicago" / "boundaries" / "police_beats.geojson"
    shutil.copytree(store, two)
    run_cli("ingest", "--store", two, "--source", "chicago", districts)
    written = []
    for folder in (store, two):
        output = tmp_path / f"{folder.name}.geojson"
        asked = ["--as-of", AS_OF, "--days", 28, "--category", "020100", "--cell-m", 300]
        run_cli("hotspots", "--store", folder, *asked, "--jurisdiction", "cn-demo-yunlan", "--output", output)
        written.append(output.read_bytes().replace(folder.name.encode(), b""))
    # Chicago has more beats than the demo city: its outline used to be taken for the city's.
    assert written[0] == written[1]


def test_staffing_and_visits_are_written_as_csv(store: Path, edition_id: str, tmp_path: Path) -> None:
    run_cli("staffing", "--store", store, "--edition", edition_id, "--output", tmp_path / "staffing.csv")
    posts = pl.read_csv(tmp_path / "staffing.csv", schema_overrides={"unit_code": pl.String})
    assert posts.select("unit_code", "shift_code").is_unique().all()
    assert posts.height == 18
    beat = pl.read_parquet(store / "editions" / edition_id / "visit_plan.parquet")["beat_code"][0]
    run_cli("visits", "--store", store, "--edition", edition_id, "--beat", beat, "--output", tmp_path / "visits.csv")
    plan = pl.read_csv(tmp_path / "visits.csv", schema_overrides={"beat_code": pl.String})
    assert set(plan["beat_code"]) == {beat}
    assert plan["rank"].to_list() == list(range(1, plan.height + 1))


@pytest.fixture
def own_store(store: Path, tmp_path: Path) -> Path:
    """A copy for editions that other tests must not meet: in the log they would stay for good."""
    return shutil.copytree(store, tmp_path / "own-store")


def test_an_edition_is_held_against_the_one_before_it(own_store: Path, tmp_path: Path) -> None:
    store = own_store
    asked = ["--days", 14, "--category", "030100", "--json"]
    ids = []
    for as_of in ("2025-09-01", "2025-09-15"):
        done = run_cli("publish", "--store", store, "--as-of", as_of, *asked)
        ids.append(json.loads(done.stdout)["edition_id"])
    told = json.loads(run_cli("lookback", "--store", store, "--edition", ids[1], "--json").stdout)["lists"]
    assert {row["told_by"] for row in told} == {ids[0]}
    (whole,) = (row for row in told if row["area_level"] is None)
    assert (whole["period_start"], whole["period_end"]) == ("2025-09-01", "2025-09-15")
    stations = [row for row in told if row["area_level"] == "station"]
    for name in ("places", "hits"):
        assert sum(row[name] for row in stations) == pytest.approx(whole[name])
    listed = pl.read_parquet(store / "editions" / ids[0] / "hotspots.parquet")
    assert whole["expected"] == pytest.approx(listed["expected"].sum())
    assert 0 < whole["hits"] <= whole["events"]
    assert run_cli("lookback", "--store", store, "--edition", ids[1]).stdout.count("expected") == 1
    run_cli("lookback", "--store", store, "--edition", ids[1], "--output", tmp_path / "past.csv")
    assert pl.read_csv(tmp_path / "past.csv").height == len(told)
    assert "No earlier edition" in run_cli("lookback", "--store", store, "--edition", ids[0]).stdout
    # Made again from its snapshot, with the edition it rests on, it is the same; with a row less it is not.
    again = json.loads(run_cli("reproduce", "--store", store, "--edition", ids[1], "--json").stdout)
    assert "past_lists" in again["same"] and not again["different"]
    staffing = store / "editions" / ids[1] / "staffing.parquet"
    pl.read_parquet(staffing).head(3).write_parquet(staffing)
    done = run_cli("reproduce", "--store", store, "--edition", ids[1], check=False)
    assert done.returncode == 2 and "NOT the same: staffing" in done.stdout
    shutil.rmtree(store / "editions" / ids[0])
    done = run_cli("reproduce", "--store", store, "--edition", ids[1], check=False)
    assert done.returncode == 2 and f"no edition '{ids[0]}'" in done.stderr


def test_advice_made_by_other_code_is_compared_under_the_number_it_was_told_by() -> None:
    told = pl.DataFrame({"advice_id": ["E1-a:H:1", "E1-a:H:2"], "rank": [1, 2]})
    made = told.with_columns(pl.col("advice_id").str.replace("E1-a", "E1-b"))
    assert renamed(made, "E1-b", "E1-a").equals(told) and not made.equals(told)
    assert renamed(told.select("rank"), "E1-b", "E1-a").equals(told.select("rank"))


def test_publishing_twice_gives_the_same_edition(own_store: Path) -> None:
    store = own_store
    asked = ["--as-of", "2026-01-01", "--days", 14, "--category", "030100", "--json"]
    first = json.loads(run_cli("publish", "--store", store, *asked).stdout)["edition_id"]
    folder = store / "editions" / first
    before = {path.name: path.read_bytes() for path in folder.glob("*.parquet")}
    shutil.rmtree(folder)
    assert json.loads(run_cli("publish", "--store", store, *asked).stdout)["edition_id"] == first
    assert {path.name: path.read_bytes() for path in folder.glob("*.parquet")} == before
    told = json.loads(run_cli("reproduce", "--store", store, "--edition", first, "--json").stdout)
    assert set(told["same"]) == {name.removesuffix(".parquet") for name in before} and not told["different"]
    # Published a second time, it agrees with the second announcement.
    assert json.loads(run_cli("verify", "--store", store, "--json").stdout)["whole"]


def test_the_audit_log_is_whole_after_all_that(store: Path) -> None:
    assert json.loads(run_cli("verify", "--store", store, "--json").stdout)["whole"]


HOTSPOTS = ("hotspots", "--as-of", AS_OF, "--days", 28, "--category", "010100")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["hotspots", "--as-of", AS_OF, "--days", 28, "--category", "nope"], "Known categories"),
        (["hotspots", "--as-of", AS_OF, "--days", 0, "--category", "010100"], "1 to 366 days"),
        (["hotspots", "--as-of", AS_OF, "--days", 28, "--category", "010100", "--cell-m", 1], "10 to 5,000"),
        (["hotspots", "--as-of", "1999-01-01", "--days", 28, "--category", "010100"], "nothing is known before"),
        ([*HOTSPOTS, "--unit", "segment"], "--length-km or --patrol-hours"),
        ([*HOTSPOTS, "--patrol-hours", 5, "--area-km2", 1], "one budget"),
        ([*HOTSPOTS, "--calm", 0.5], "--held-to"),
        ([*HOTSPOTS, "--calm", 0.5, "--held-to", "NEWEST"], "not from before"),
        ([*HOTSPOTS, "--unit", "h3", "--sensitivity"], "compared by area"),
        ([*HOTSPOTS, "--patrol-hours", "nan"], "must be a number"),
        ([*HOTSPOTS, "--patrol-hours", "inf"], "must be a number"),
        ([*HOTSPOTS, "--offset-m", "nan,0"], "must be numbers"),
        ([*HOTSPOTS, "--rotation-deg", "nan"], "must be numbers"),
        ([*HOTSPOTS, "--unit", "segment", "--snap-m", 0, "--length-km", 1], "reach its segment"),
        ([*HOTSPOTS, "--seed", -1], "--seed"),
        (["simulate", "--seed", -1], "--seed"),
        (["simulate", "--area-km2", "nan"], "greater than 0"),
        (["staffing", "--edition", "E0"], "no edition"),
        (["visits", "--edition", "NEWEST", "--beat", "nowhere"], "unknown beat"),
        (["lookback", "--edition", "E0"], "no edition"),
        (["hotspots", "--as-of", "yesterday", "--days", 28, "--category", "010100"], "yesterday"),
    ],
)
def test_bad_use_is_one_message_and_exit_2(
    store: Path, edition_id: str, tmp_path: Path, arguments: list[str], told: str
) -> None:
    output = tmp_path / "out"
    wanted = [edition_id if word == "NEWEST" else word for word in arguments]
    done = run_cli(wanted[0], "--store", store, *wanted[1:], "--output", output, check=False)
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert not done.stdout
    assert not list(tmp_path.iterdir()), "something was half-written"


def test_a_scorecard_of_months_the_store_lacks_is_refused_by_name(store: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.md"
    asked = ["--from", "2026-06-01", "--window", "2m", "--output", output]
    done = run_cli("scorecard", "nij", "--store", store, *asked, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "no incidents of 2026-07" in done.stderr
    assert not output.exists()


def test_the_simulation_takes_the_demo_citys_own_truth(store: Path, tmp_path: Path) -> None:
    asked = ["--category", "020100", "--periods", 3, "--runs", 2]
    told = json.loads(run_cli("simulate", "--store", store, *asked, "--json").stdout)
    assert told["truth"] == "the surface the demo city was drawn from"
    assert told["city"]["assumptions"]["listed"] == 150
    assert set(told["city"]["rules"]) == {"everything", "everything_limited", "reported", "reported_capped"}
    assert len(told["urns"]) == 10
    output = tmp_path / "out.md"
    done = run_cli("simulate", "--store", store, "--category", "nope", "--output", output, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "ranks no places for 'nope'" in done.stderr
    assert not output.exists()


def test_a_folder_that_is_no_store_is_refused(tmp_path: Path) -> None:
    done = run_cli("publish", "--store", tmp_path, "--as-of", AS_OF, "--days", 7, check=False)
    assert done.returncode == 2
    assert "not a beatwise store" in done.stderr


def test_demo_roles_do_not_open_real_data(shared_data: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    files = sorted((shared_data / "taipei_theft" / "raw").glob("*.csv"))
    report = json.loads(run_cli("ingest", "--store", store, "--source", "taipei", *files, "--json").stdout)
    assert report["read"] == report["kept"] + sum(report["quarantined"].values()) == 11_623
    run_cli("publish", "--store", store, "--as-of", "2022-10-01", "--days", 28)
    done = run_cli("serve", "--store", store, "--auth", "demo", check=False)
    assert done.returncode == 2
    assert "demo city only" in done.stderr


def test_serve_refuses_a_port_that_is_taken(store: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run_cli("serve", "--store", store, "--port", port, check=False)
    assert done.returncode == 2
    assert f"--port {port}" in done.stderr and "Traceback" not in done.stderr
    assert "http://" not in done.stdout


def test_the_version_is_the_one_editions_name(store: Path, edition_id: str) -> None:
    told = run_cli("--version").stdout.strip()
    assert told == code_version()
    manifest = json.loads((store / "editions" / edition_id / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["code_version"].partition("+")[0] == told.partition("+")[0]


def test_what_a_command_wrote_is_made_again_from_its_row(store: Path, edition_id: str, tmp_path: Path) -> None:
    beat = pl.read_parquet(store / "editions" / edition_id / "visit_plan.parquet")["beat_code"][0]
    output = tmp_path / "plan.csv"
    run_cli("visits", "--store", store, "--edition", edition_id, "--beat", beat, "--output", output)
    head = json.loads(run_cli("verify", "--store", store, "--json").stdout)
    # The verification writes a row of its own; the one before it is the export's.
    row = head["rows"] - 1
    told = json.loads(run_cli("reproduce", "--store", store, "--row", row, "--output", tmp_path, "--json").stdout)
    assert told["same"] is True and told["tables"] == {"visit_plan": pl.read_csv(output).height}
    [written] = told["written"]
    assert Path(written).read_bytes() == output.read_bytes()
    words = run_cli("reproduce", "--store", store, "--row", row).stdout
    assert "the same as was told" in words and "legal basis: synthetic-data" in words
    seen = json.loads(
        run_cli(
            *("who-saw", "--store", store, "--area", beat, "--since", "2020-01-01", "--until", "2100-01-01", "--json")
        ).stdout
    )
    export = next(one for one in seen["rows"] if one["seq"] == row)
    assert (export["object"], export["named"], export["purpose"]) == ("visit_plan", True, "demonstration")


def test_a_row_that_does_not_come_out_the_same_ends_with_2(store: Path, edition_id: str, tmp_path: Path) -> None:
    output = tmp_path / "staffing.csv"
    run_cli("staffing", "--store", store, "--edition", edition_id, "--output", output)
    row = json.loads(run_cli("verify", "--store", store, "--json").stdout)["rows"] - 1
    changed = tmp_path / "changed"
    shutil.copytree(store, changed)
    table = changed / "editions" / edition_id / "staffing.parquet"
    pl.read_parquet(table).head(1).write_parquet(table)
    done = run_cli("reproduce", "--store", changed, "--row", row, check=False)
    assert done.returncode == 2 and "staffing.parquet was changed" in done.stderr
    done = run_cli("verify", "--store", changed, check=False)
    assert done.returncode == 2
    assert f"does not agree with the audit log: editions/{edition_id}/staffing.parquet was changed" in done.stderr


@pytest.mark.parametrize("asked", [[], ["--row", "1", "--edition", "E"], ["--row", "999999"], ["--edition", "E"]])
def test_nothing_to_reproduce_is_said(asked: list[str], store: Path) -> None:
    done = run_cli("reproduce", "--store", store, *asked, check=False)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and not done.stdout


def test_every_command_states_purpose_and_basis(store: Path, edition_id: str) -> None:
    rows = read_audit(Records.open(Store.open(store)))
    about_data = [row for row in rows if row["role"] == "command_line" and row["snapshot_id"] is not None]
    assert {row["event"] for row in about_data} >= {"publish", "export"}
    for row in about_data:
        if row["event"] != "seal":
            assert (row["purpose"], row["legal_basis"]) == ("demonstration", "synthetic-data"), row
            assert json.loads(row["details"])["code"]
    assert any(row["event"] == "ingest" and row["legal_basis"] == "synthetic-data" for row in rows)
