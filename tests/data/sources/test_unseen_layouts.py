"""Layouts of systems no built-in mapping knows: the headers their publishers use, over values made up here."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from data.integration.ingest import ingest
from data.snapshots import current_snapshot
from data.sources.mapping import parse_mapping
from data.sources.propose import Known, Proposal, propose_mapping
from data.store import Store
from tests.data.sources.unseen_languages import LAYOUTS

NOW = datetime(2026, 6, 1, tzinfo=UTC)
ROWS = 60

KINDS = ("theft", "burglary", "assault")
SHIFTS = ("jour", "soir", "nuit")


def write_layout(folder: Path, columns: dict[str, str], encoding: str = "utf-8", separator: str = ",") -> Path:
    rows = [
        {
            header: form.format(
                n=n,
                kind=KINDS[n % 3],
                code=500 + n % 3,
                day=1 + n % 28,
                hour=1 + n % 9,
                hour24=n % 24,
                district=n % 4,
                month=1 + n % 6,
                shift=SHIFTS[n % 3],
            )
            for header, form in columns.items()
        }
        for n in range(ROWS)
    ]
    path = folder / "export.csv"
    path.write_bytes(pl.DataFrame(rows).write_csv(separator=separator).encode(encoding))
    return path


def load(folder: Path, *paths: Path) -> tuple[Proposal, Store]:
    """Propose, confirm as a steward would, and ingest."""
    known = Known("town", "zz-town", "America/Denver", None, None, "published-open-data")
    proposal = propose_mapping(paths, known)
    mapping = folder / "town.toml"
    mapping.write_text("\n".join(line for line in proposal.toml.splitlines() if not line.startswith("unconfirmed")))
    store = Store.create(folder / "store")
    report = ingest(store, mapping, list(paths), loaded_by="test", now=NOW).to_dict()
    assert report["read"] == report["kept"] + sum(report["quarantined"].values())
    return proposal, store


def read_headers(proposal: Proposal) -> dict[str, str]:
    """Return canonical column → headers its rule reads."""
    found = {}
    for kind in parse_mapping(proposal.toml).files:
        before = f"{kind.name}." if kind.table == "dispatches" else ""
        found |= {before + column: "+".join(rule.reads) for column, rule in kind.rules.items() if rule.reads}
    return found


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_layout_nobody_has_seen(tmp_path: Path, name: str) -> None:
    layout = LAYOUTS[name]
    path = write_layout(tmp_path, layout.columns, layout.encoding, layout.separator)
    proposal, store = load(tmp_path, path)
    found = read_headers(proposal)
    assert {column: found.get(column) for column in layout.wanted} == layout.wanted
    assert set(proposal.files[0].personal) == set(layout.personal)
    usual = {"analysis_crs", "crs"}
    assert {one.name for one in proposal.questions} - usual == set(layout.asked)
    incidents = current_snapshot(store).read("incidents")
    assert incidents.height == ROWS
    assert set(incidents["time_precision"].cast(pl.String)) == {layout.precision}
    if "{hour}" in "".join(layout.columns.values()) and not layout.asked:
        hours = incidents["occurred_from"].dt.convert_time_zone("America/Denver").dt.hour()
        assert hours.to_list() == [1 + n % 9 for n in range(ROWS)]
    assert (incidents["lat"].null_count() == 0) == layout.located


def test_an_hour_that_is_missing_is_no_midnight(tmp_path: Path) -> None:
    columns = dict(LAYOUTS["parts of a date"].columns)
    path = write_layout(tmp_path, columns)
    frame = pl.read_csv(path, infer_schema=False)
    missing = pl.int_range(pl.len()) % 5 == 0
    frame.with_columns(pl.when(~missing).then(pl.col(name)).alias(name) for name in ("HOUR", "MINUTE")).write_csv(path)
    _, store = load(tmp_path, path)
    precision = current_snapshot(store).read("incidents")["time_precision"].cast(pl.String).to_list()
    assert precision == ["day" if n % 5 == 0 else "exact" for n in range(ROWS)]


def test_calls_and_their_dispatches_on_one_row(tmp_path: Path) -> None:
    columns = {
        "NOPD_Item": "A{n:05d}20",
        "TypeText": "{kind}",
        "Type": "{code}",
        "TimeCreate": "03/{day:02d}/2020 0{hour}:05:00",
        "TimeDispatch": "03/{day:02d}/2020 0{hour}:10:00",
        "TimeArrive": "03/{day:02d}/2020 0{hour}:20:00",
        "TimeClosed": "03/{day:02d}/2020 0{hour}:50:00",
        "SelfInitiated": "N",
    }
    path = write_layout(tmp_path, columns)
    frame = pl.read_csv(path, infer_schema=False).with_row_index("n")
    frame = frame.with_columns(
        # Every third call was started by an officer; every fourth was never answered.
        pl.when(pl.col("n") % 3 == 0).then(pl.lit("Y")).otherwise(pl.lit("N")).alias("SelfInitiated"),
        *(
            pl.when(pl.col("n") % 4 > 0).then(pl.col(name)).alias(name)
            for name in ("TimeDispatch", "TimeArrive", "TimeClosed")
        ),
    )
    frame.drop("n").write_csv(path)
    proposal, store = load(tmp_path, path)
    blocks = {kind.name: kind for kind in parse_mapping(proposal.toml).files}
    assert blocks["dispatches"].beside == "calls"
    snapshot = current_snapshot(store)
    dispatches, incidents = snapshot.read("dispatches"), snapshot.read("incidents")
    assert dispatches.height == 45
    assert (dispatches["cleared_at"] - dispatches["arrived_at"]).dt.total_minutes().unique().to_list() == [30]
    assert incidents["arrived_at"].null_count() == 15
    assert incidents["discovered_by"].cast(pl.String).to_list() == [
        "police" if n % 3 == 0 else "reported" for n in range(ROWS)
    ]
