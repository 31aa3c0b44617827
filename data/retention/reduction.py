"""Loads without what is past its period: new folders beside the old ones, which nothing reads any more afterwards."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from data.files import digest_of, folder_appears_whole, read_json, write_json
from data.retention.plan import Expiry, due_rows
from data.schemas import CANONICAL
from data.snapshots import QUARANTINE, Snapshot, parts_of_table
from data.store import Store
from data.tables import scan_table, write_table

#: Columns of the incident view → columns of calls that keep the area when the exact place goes.
AREA_OF_CALL = {"community_code": "community_code", "beat_code": "beat_code", "station_code": "unit_code"}


def reduce_loads(store: Store, expiries: Sequence[Expiry], as_of: date) -> list[dict[str, Any]]:
    """Write the loads of the current snapshot without what is due, and return the ``load.json`` of all, oldest first.

    A load of which nothing is due is returned as it is, unless an earlier version of its rows goes: then what it
    replaces is counted anew. Calls whose exact place goes keep the areas they were found in.
    """
    snapshot = Snapshot(store, store.newest_snapshot_id())
    due = [one for one in expiries if one.kind == "load"]
    written: list[dict[str, Any]] = []
    for load in snapshot.loads:
        own = [one for one in due if one.holder == load["load_id"]]
        replaced = _replaced(store, load, written) if own or any("reduced_from" in one for one in written) else {}
        same = all(load["tables"][table].get("replaced", 0) == count for table, count in replaced.items())
        written.append(load if not own and same else _reduced(store, snapshot, load, own, written, as_of))
    return written


def _reduced(
    store: Store,
    snapshot: Snapshot,
    load: dict[str, Any],
    due: list[Expiry],
    before: list[dict[str, Any]],
    as_of: date,
) -> dict[str, Any]:
    earlier = [one["load_id"] for one in before]
    load_id = "L" + digest_of([load["load_id"], earlier, as_of, [one.to_dict() for one in due]])[:12]
    source = store.loads / str(load["load_id"])
    with folder_appears_whole(store.loads / load_id, store.scratch) as folder:
        tables: dict[str, dict[str, int]] = {}
        for table in load["tables"]:
            rows = _write_table(source, folder, table, [one for one in due if one.table == table], snapshot, as_of)
            if rows:
                tables[table] = {"rows": rows, "replaced": 0}
        _write_quarantine(source, folder, due)
        for lookup in source.glob("lookup_*.parquet"):
            shutil.copyfile(lookup, folder / lookup.name)
        about = {**load, "load_id": load_id, "reduced_from": load["load_id"], "tables": tables}
        about["retained"] = [*load.get("retained", []), {"as_of": as_of, "items": [one.to_dict() for one in due]}]
        for table, count in _replaced_by(folder, store, about, before).items():
            tables[table]["replaced"] = count
        # Rows name the load they are in.
        for path in sorted(folder.rglob("*.parquet")):
            frame = pl.read_parquet(path)
            if "load_id" in frame.columns:
                frame.with_columns(pl.lit(load_id).alias("load_id")).write_parquet(path, compression_level=1)
        write_json(folder / "load.json", about)
    return dict(read_json(store.loads / load_id / "load.json"))


def _write_table(source: Path, folder: Path, table: str, due: list[Expiry], snapshot: Snapshot, as_of: date) -> int:
    rows = 0
    areas = _areas(snapshot) if table == "calls" and any(one.columns for one in due) else None
    for part in parts_of_table(source, table):
        frame = scan_table(table, part).collect()
        for one in due:
            whole = not one.columns
            frame = frame.filter(~due_rows(one, as_of)) if whole else _without_place(frame, one.columns, areas)
        if frame.is_empty():
            continue
        rows += frame.height
        path = folder / part.relative_to(source)
        write_table(CANONICAL[table].validate(frame), path)
    return rows


def _areas(snapshot: Snapshot) -> pl.DataFrame:
    return snapshot.scan("incidents").select(pl.col("incident_id").alias("record_key"), *AREA_OF_CALL).collect()


def _without_place(frame: pl.DataFrame, columns: tuple[str, ...], areas: pl.DataFrame | None) -> pl.DataFrame:
    """Empty columns; a call keeps the areas of the incident view, and its level of location is theirs."""
    emptied = [pl.lit(None, dtype=frame.schema[name]).alias(name) for name in columns]
    if areas is None:
        return frame.with_columns(emptied)
    found = areas.rename({name: f"${name}" for name in AREA_OF_CALL})
    joined = frame.join(found, on="record_key", how="left", maintain_order="left").with_columns(
        pl.coalesce(f"${view}", stated).alias(stated) for view, stated in AREA_OF_CALL.items()
    )
    level = pl.coalesce(
        *(
            pl.when(pl.col(column).is_not_null()).then(pl.lit(level))
            for level, column in (("community", "community_code"), ("beat", "beat_code"), ("station", "unit_code"))
        ),
        pl.lit("none"),
    )
    return joined.with_columns(*emptied, level.cast(frame.schema["location_level"]).alias("location_level")).select(
        frame.columns
    )


def _write_quarantine(source: Path, folder: Path, due: list[Expiry]) -> None:
    path = source / "quarantine.parquet"
    if not path.is_file():
        return
    frame = pl.read_parquet(path)
    whole = [one.table for one in due if not one.columns and one.since is None]
    partly = [one.table for one in due if one.columns]
    # Refused rows go with their table; their published cells go with the places of their table.
    frame = frame.filter(~pl.col("table").is_in(whole)).with_columns(
        pl.when(~pl.col("table").is_in(partly)).then("raw").alias("raw")
    )
    frame.select(list(QUARANTINE)).write_parquet(folder / "quarantine.parquet")


def _replaced(store: Store, load: dict[str, Any], before: list[dict[str, Any]]) -> dict[str, int]:
    return _replaced_by(store.loads / str(load["load_id"]), store, load, before)


def _replaced_by(folder: Path, store: Store, load: dict[str, Any], before: list[dict[str, Any]]) -> dict[str, int]:
    """Count the rows of a load, by table, of which an earlier load of the same source holds a version."""
    counts = {}
    for table in load["tables"]:
        own = parts_of_table(folder, table)
        earlier = [
            path
            for one in before
            if one["source"] == load["source"]
            for path in parts_of_table(store.loads / str(one["load_id"]), table)
        ]
        if own and earlier:
            # A load without its places has fewer columns than those beside it.
            keys = scan_table(table, own).select("record_key")
            versions = scan_table(table, earlier).select("record_key")
            counts[table] = int(keys.join(versions, on="record_key", how="semi").select(pl.len()).collect().item())
        else:
            counts[table] = 0
    return counts
