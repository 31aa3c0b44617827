"""A store of two police forces with equal area codes, and the same store as it would be with the first one alone.

Every text of the second force that is no area code holds ``FOREIGN``; its codes of stations and beats are the first's.
"""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from data.editions import write_edition
from data.integration.ingest import ingest
from data.schemas import EDITION
from data.snapshots import current_snapshot
from data.store import Store
from tests.data.tiny_edition import tiny_tables

TOWN = Path(__file__).parent / "integration" / "addresses" / "town.toml"
OWN, OTHER = "zz-town", "zz-foreign"
OWN_EDITION, OTHER_EDITION = "E20260101-own", "E20260102-foreign"
FOREIGN = "foreign"
NOW = datetime(2026, 1, 15, tzinfo=UTC)
ADDRESSES = "BZDZBM,DZMC,JD,WD\nA1,云澜市临澜区荷洲路42号,120.50,30.50\nA4,云澜市临澜区柳溪街2段9号,120.51,30.50\n"
CALLS = (
    "JJDBH,BJSJ,BJLX,SFDZ\n1,20250301083000,01,荷洲路42号\n2,20250301083000,01,柳溪街9号\n3,20250301083000,01,\n"
    "4,never,01,荷洲路42号\n"
)
#: Texts that name an area or a class: the same in both forces.
SHARED = {"area_code", "parent_code", "beat_code", "station_code", "unit_code", "community_code", "category"}


def foreign_mapping(folder: Path) -> Path:
    """Write the mapping of the second force and return its path."""
    text = TOWN.read_text(encoding="utf-8").replace('"town"', f'"{FOREIGN}"').replace(OWN, OTHER)
    text = text.replace('"synthetic-data"', '"police-statutory-duty"').replace('"demonstration"', '"supervision"')
    for word in ("测试镇公安局", "Test town police"):
        text = text.replace(word, f"{FOREIGN} {word}")
    path = folder / f"{FOREIGN}.toml"
    path.write_text(text, encoding="utf-8")
    return path


def make_stores(folder: Path) -> tuple[Store, Store]:
    """Return the store of the first force alone, and the store of both."""
    for name, text in (("calls", CALLS), ("addresses", ADDRESSES)):
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
        changed = text.replace("荷洲路", f"{FOREIGN}路").replace("never", f"{FOREIGN}-day")
        (folder / f"{FOREIGN}-{name}.csv").write_text(changed, encoding="utf-8")
    alone = Store.create(folder / "alone")
    ingest(alone, TOWN, [folder / "calls.csv", folder / "addresses.csv"], loaded_by="tester", now=NOW)
    _publish(alone, OWN_EDITION, OWN, tiny_tables(), NOW)
    both = Store.open(shutil.copytree(alone.root, folder / "both"))
    files = [folder / f"{FOREIGN}-{name}.csv" for name in ("calls", "addresses")]
    later = NOW + timedelta(hours=1)
    ingest(both, foreign_mapping(folder), files, loaded_by=f"{FOREIGN}-clerk", now=later)
    marked_tables = {name: marked(name, table) for name, table in tiny_tables().items()}
    _publish(both, OTHER_EDITION, OTHER, marked_tables, later)
    return alone, both


def _publish(store: Store, edition_id: str, force: str, tables: dict[str, pl.DataFrame], at: datetime) -> None:
    snapshot = current_snapshot(store)
    about = vars(snapshot.jurisdictions[force])
    manifest = {
        "snapshot_id": snapshot.snapshot_id,
        "parameters": {"as_of": edition_id[1:5] + "-" + edition_id[5:7] + "-" + edition_id[7:9]},
        "code_version": "test",
        "created_at": at.isoformat(),
        "created_by": "tester",
        "jurisdiction": about,
        "demo": False,
    }
    write_edition(store, edition_id, tables, manifest)


def marked(name: str, table: pl.DataFrame) -> pl.DataFrame:
    """Return a table of an edition with the texts and counts of another police force, in areas of equal codes."""
    texts = [
        column for column, kind in table.schema.items() if kind == pl.String and column not in SHARED | _keys(name)
    ]
    counts = [column for column in ("incidents", "expected", "rows") if column in table.columns]
    larger = [(pl.col(column) * 1000).cast(table.schema[column]) for column in counts]
    return table.with_columns(*(pl.format(FOREIGN + "-{}", pl.col(column)).alias(column) for column in texts), *larger)


def _keys(name: str) -> set[str]:
    """Return texts of a table that are codes of the product, with rules of their own."""
    return {"level", "unit", "kind", "visit_kind", "shift_code", "area_level", "group_code", "model", "binding"} & set(
        EDITION[name].column_names()
    )
