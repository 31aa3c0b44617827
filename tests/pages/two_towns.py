"""A second police force in the store of the small town: the same codes of areas, every text of the second marked."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import polars as pl

from data.editions import Edition, write_edition
from data.files import read_json, write_json
from data.snapshots import write_snapshot
from data.store import Store
from tests.data.two_forces import FOREIGN, marked
from tests.pages.town import NEWER, town_tables
from tests.pages.town_ground import AS_OF

TOWN, HARBOUR = "town", "harbour"
HARBOUR_EDITION = "E20260701-harbour"
NAMES = {"name_zh": "海港市公安局", "name_en": "Harbour police"}


def add_harbour(store: Store) -> None:
    """Load and publish a second police force after the town's."""
    force = {**read_json(store.loads / "L1" / "load.json")["jurisdiction"], "code": HARBOUR, **NAMES}
    text = (store.loads / "L1" / "load.json").read_text(encoding="utf-8")
    load = json.loads(text.replace("calls.csv", f"{FOREIGN}.csv").replace('"clerk"', f'"{FOREIGN}-clerk"'))
    load |= {"load_id": "L2", "source": FOREIGN, "jurisdiction": force, "legal_basis": f"{FOREIGN}-basis"}
    load |= {"purpose": f"{FOREIGN}-purpose"}
    (store.loads / "L2").mkdir()
    write_json(store.loads / "L2" / "load.json", load)
    refused = pl.read_parquet(store.loads / "L1" / "quarantine.parquet")
    changed = refused.with_columns(source=pl.lit(FOREIGN), load_id=pl.lit("L2"), source_file=pl.lit(f"{FOREIGN}.csv"))
    changed.write_parquet(store.loads / "L2" / "quarantine.parquet")
    at = datetime(2026, 7, 1, 6, tzinfo=UTC)
    snapshot = write_snapshot(store, ["L1", "L2"], {}, created_at=at, created_by="clerk")
    tables = {name: marked(name, table) for name, table in town_tables(AS_OF, NEWER).items()}
    manifest = {
        **Edition(store, NEWER).manifest,
        "snapshot_id": snapshot.snapshot_id,
        "created_at": at.isoformat(),
        "jurisdiction": force,
        "sources": [FOREIGN],
        "legal_basis": [f"{FOREIGN}-basis"],
        "purpose": [f"{FOREIGN}-purpose"],
    }
    for made in ("edition_id", "tables"):
        manifest.pop(made)
    write_edition(store, HARBOUR_EDITION, tables, manifest)
