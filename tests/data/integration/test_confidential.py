"""Confidential calls: counted for the station in charge, and nothing of their place or detail for anybody."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest

from analytics.edition import EditionParameters, make_edition
from data.access import Viewer
from data.desk import Desk
from data.editions import write_edition
from data.errors import AccessDeniedError, BeatwiseError
from data.integration.ingest import ingest
from data.snapshots import current_snapshot
from data.store import Store

NOW = datetime(2026, 1, 15, tzinfo=UTC)
AS_OF = date(2026, 1, 1)
#: What tells the confidential call apart from the others.
ADDRESS, DETAIL, LON, LAT = "澜山路7777号", "020777", 120.1777, 30.0777
MAPPING = """
format = 1
[source]
name = "hush"
title_zh = "保密"
title_en = "Hush"
legal_basis = "synthetic-data"
purpose = "demonstration"
[source.jurisdiction]
code = "zz-hush"
name_zh = "测试"
name_en = "Test"
timezone = "Asia/Shanghai"
analysis_crs = "EPSG:4549"

[[file]]
name = "calls"
table = "calls"
format = "csv"
headers = ["JJDBH", "SFBM"]
identity = "call_id"
[file.columns]
call_id = { from = "JJDBH" }
category_intake = { from = "BJLX" }
category = { from = "BJLX", slice = [0, 2] }
address = { from = "SFDZ" }
confidential = { from = "SFBM" }
[file.time]
at = { from = "BJSJ" }
[file.point]
x = { from = "X" }
y = { from = "Y" }
crs = "EPSG:4490"

[[file]]
name = "addresses"
table = "addresses"
format = "csv"
headers = ["BZDZBM", "DZMC"]
identity = "address_code"
[file.columns]
address_code = { from = "BZDZBM" }
address = { from = "DZMC" }
[file.point]
x = { from = "JD" }
y = { from = "WD" }
crs = "EPSG:4490"

[[file]]
name = "areas"
table = "areas"
format = "geojson"
headers = ["code", "level"]
crs = "EPSG:4326"
identity = ["level", "area_code", "valid_from"]
[file.columns]
area_code = { from = "code" }
level = { from = "level" }
parent_code = { from = "parent" }
name_zh = { from = "code" }
name_en = { from = "code" }
"""


def square(code: str, level: str, parent: str | None, west: float, east: float) -> dict[str, Any]:
    ring = [[west, 30.0], [east, 30.0], [east, 30.1], [west, 30.1], [west, 30.0]]
    return {
        "type": "Feature",
        "properties": {"code": code, "level": level, "parent": parent},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Sixty ordinary calls in beat B1; in B2 one confidential call, and one ordinary with an unclear address."""
    folder = tmp_path_factory.mktemp("hush")
    days = [f"2025{1 + n // 28:02d}{1 + n % 28:02d}083000" for n in range(60)]
    lines = [f"{n},{day},020100,荷洲路{n + 1}号,0,120.05{n:02d},30.05" for n, day in enumerate(days)]
    lines += [
        f"70,20251201083000,{DETAIL},{ADDRESS},1,{LON},{LAT}",
        "71,20251202083000,020100,柳溪街9号,0,120.15,30.05",
    ]
    files = {
        "mapping.toml": MAPPING,
        "calls.csv": "JJDBH,BJSJ,BJLX,SFDZ,SFBM,X,Y\n" + "\n".join(lines) + "\n",
        "addresses.csv": f"BZDZBM,DZMC,JD,WD\nA1,{ADDRESS},{LON},{LAT}\nA2,柳溪街2段9号,120.15,30.05\n",
        "areas.geojson": json.dumps(
            {
                "type": "FeatureCollection",
                "features": [
                    square("S1", "station", None, 120.0, 120.2),
                    square("B1", "beat", "S1", 120.0, 120.1),
                    square("B2", "beat", "S1", 120.1, 120.2),
                ],
            }
        ),
    }
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    made = Store.create(folder / "store")
    paths = [folder / name for name in files if name != "mapping.toml"]
    report = ingest(made, folder / "mapping.toml", paths, loaded_by="tester", now=NOW)
    assert report.notes == {"confidential_withheld": 1}
    draft = make_edition(current_snapshot(made), EditionParameters(as_of=AS_OF, horizons_days=(28,)))
    written = {"created_at": NOW.isoformat(), "created_by": "tester"}
    write_edition(made, draft.edition_id, draft.tables, {**draft.manifest, **written})
    return made


def test_the_view_keeps_the_station_the_day_and_the_first_level_only(store: Store) -> None:
    snapshot = current_snapshot(store)
    calls = snapshot.read("calls").filter("confidential")
    (row,) = snapshot.read("incidents").filter(pl.col("incident_id").is_in(calls["record_key"].implode())).to_dicts()
    assert (row["category"], row["station_code"], row["location_level"]) == ("02", "S1", "station")
    assert (row["valid"], str(row["occurred_on"])) == (True, "2025-12-01")
    withheld = ("lon", "lat", "community_code", "beat_code", "category_detail", "category_intake")
    assert {name: row[name] for name in withheld} == dict.fromkeys(withheld)
    links = snapshot.read("address_links")
    assert links.height == 61
    assert not links["incident_id"].is_in(calls["record_key"].implode()).any()


VIEWERS = {
    "commander": Viewer("c", "commander"),
    "station commander": Viewer("k", "commander", "S1", "station"),
    "researcher": Viewer("r", "researcher"),
    "officer": Viewer("o", "officer", "B2", "beat"),
    "steward": Viewer("s", "steward"),
    "security": Viewer("x", "security"),
    "auditor": Viewer("a", "auditor"),
}
COUNTED = {"commander": 62, "station commander": 62, "researcher": 62, "officer": 1}
MONTHS = (28, 28, 4, 2)
RESEARCHERS_SUMS = range(sum(n // 5 * 5 for n in MONTHS), sum(-(-n // 5) * 5 for n in MONTHS) + 1, 5)


@pytest.mark.parametrize("who", VIEWERS)
def test_totals_count_it_and_nothing_a_role_reads_tells_where(store: Store, who: str) -> None:
    desk = Desk(store, VIEWERS[who])
    reads: dict[str, Callable[[], Any]] = {
        "daily_counts": lambda: desk.daily_counts(period="all"),
        "by_beat": lambda: desk.daily_counts(period="all", split="beat_code"),
        "hourly_profile": desk.hourly_profile,
        "funnel": desk.funnel,
        "funnels": desk.funnels,
        "hotspots": lambda: desk.hotspots("02", 28),
        "surface": lambda: desk.hotspot_surface("02", 28),
        "staffing": desk.staffing,
        "workload": desk.visit_workload,
        "plan": lambda: desk.visit_plan("B2"),
        "loads": desk.loads,
        "quarantine": lambda: desk.quarantine_rows(100),
        "reviews": lambda: desk.address_reviews(50),
        "links": desk.address_link_counts,
        "lineage": lambda: desk.lineage(table="hotspots"),
        "export": lambda: desk.export("daily_counts", desk.daily_counts(period="month"), "csv").content.decode(
            "utf-8-sig"
        ),
    }
    seen, refused = {}, set()
    for name, read in reads.items():
        try:
            seen[name] = read()
        except AccessDeniedError:
            refused.add(name)
        except BeatwiseError:
            continue
    if who == "security":
        assert not {"daily_counts", "reviews", "hotspots", "quarantine"} & set(seen)
    for name, answer in seen.items():
        told = str(answer.to_dicts()) if isinstance(answer, pl.DataFrame) else str(answer)
        for secret in (ADDRESS, "7777号", DETAIL, str(LON), str(LAT)):
            assert secret not in told, f"{who} reads {secret} in {name}"
    if who in COUNTED:
        counted = seen["daily_counts"]["incidents"].sum()
        # A researcher's months are rounded to multiples of five each, up or down by the secret of this store.
        assert counted in RESEARCHERS_SUMS if who == "researcher" else counted == COUNTED[who]
    if who in ("commander", "station commander"):
        by_beat = dict(seen["by_beat"].select("beat_code", "incidents").iter_rows())
        assert by_beat == {"B1": 60, "B2": 1, None: 1}
    if who == "steward":
        assert seen["reviews"]["written"].to_list() == ["柳溪街9号"]
    else:
        assert "reviews" in refused


def test_an_edition_of_an_earlier_day_loses_no_call_that_came_later(store: Store) -> None:
    draft = make_edition(current_snapshot(store), EditionParameters(as_of=date(2025, 12, 2), horizons_days=(28,)))
    steps = dict(draft.tables["funnel"].select("step", "rows").iter_rows())
    assert (steps["calls"], steps["incidents"]) == (61, 61)
    assert draft.manifest["counted_whole_until"] == "2025-12-02"
