"""Measures of one load: completeness, validity, timeliness, duplicates, joins, coverage, and what of it can be used.

A report belongs to the snapshot a load made, because what joins depends on what was there by then. It never changes, so
it is computed once and kept beside the snapshot as ``quality.json``.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from data.files import read_json, write_atomically
from data.integration.folding import FOLDED_LINKS
from data.integration.parts import PART
from data.integration.repeats import NO_FAULT
from data.quality.funnel import explain_funnel
from data.quality.gaps import EARLIER_LOADS, LONGEST_TAIL, USUAL_WEEKS, WATCHED_DAYS, missing_days, newest_week
from data.schemas import CANONICAL
from data.snapshots import Snapshot, parts_of_table
from data.sources.mapping import PROVENANCE
from data.store import Store
from data.tables import scan_table

#: Form of quality.json; a file of another form is computed again.
FORMAT = 1
FILE = "quality.json"
KINDS = ("completeness", "validity", "timeliness", "duplicates", "joins", "usable", "coverage")
#: (table, column) whose value must be in (table, column).
JOINS = {
    ("dispatches", "calls"): ("call_id", "call_id"),
    ("feedbacks", "calls"): ("call_id", "call_id"),
    ("visits", "visit_register"): ("object_id", "object_id"),
    ("visit_register", "addresses"): ("address_code", "address_code"),
    ("population", "areas"): ("area_code", "area_code"),
}
#: What tells how old the newest row of a table is.
NEWEST = {
    "calls": "occurred_on",
    "dispatches": "dispatched_at",
    "feedbacks": "feedback_at",
    "visits": "visited_at",
    "population": "month",
}


@dataclass(frozen=True)
class Measure:
    """One number about a load.

    Attributes
    ----------
    kind
        One of ``KINDS``.
    table, item
        What it is about: a column (completeness), a table (joins), a step (usable), a lag (timeliness), or "".
    value
        A share (0-1; of coverage also above 1), or days for timeliness; None where there is nothing to measure.
    rows
        Rows it is a share of.
    """

    kind: str
    table: str
    item: str
    value: float | None
    rows: int


@dataclass(frozen=True)
class QualityReport:
    """The quality of the newest load of a snapshot, and the funnel of everything the snapshot holds."""

    snapshot_id: str
    load_id: str
    source: str
    jurisdiction: str
    loaded_at: str
    measures: list[Measure]
    funnels: list[dict[str, Any]]

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON-able values."""
        return asdict(self)

    def value(self, kind: str, table: str, item: str = "") -> Measure | None:
        """Return one measure, None when the load has nothing to measure it on."""
        same = (m for m in self.measures if (m.kind, m.table, m.item) == (kind, table, item))
        return next(same, None)


def report_quality(snapshot: Snapshot) -> QualityReport:
    """Return the quality report of a snapshot, from ``quality.json`` when it was computed before."""
    path = snapshot.folder / FILE
    if path.is_file():
        known = read_json(path)
        # Without its rows a report of an older form is the last there will be.
        if known.get("format") == FORMAT or snapshot.rows_are_gone:
            measures = [Measure(**one) for one in known["report"]["measures"]]
            return QualityReport(**{**known["report"], "measures": measures})
    report = measure_snapshot(snapshot)
    # A reader on storage it may only read computes it each time; nothing is lost but the time.
    if os.access(snapshot.folder, os.W_OK):
        content = json.dumps({"format": FORMAT, "report": report.to_dict()}, ensure_ascii=False, indent=1) + "\n"
        write_atomically(path, content.encode("utf-8"))
    return report


def quality_history(store: Store) -> list[QualityReport]:
    """Return the report of every load, oldest first: every load made a snapshot.

    Snapshots made without a new file (decisions on addresses, retention) add nothing to the trend of loads.
    """
    snapshots = [Snapshot(store, snapshot_id) for snapshot_id in store.snapshot_ids()]
    # Loads are only ever added. Two of one second, or a clock that was set back, must not turn their order round: the
    # newest one decides whether publishing is stopped.
    snapshots.sort(key=lambda one: len(one.manifest["loads"]))
    return [report_quality(snapshot) for snapshot in snapshots if not snapshot.manifest.get("changes")]


def measure_snapshot(snapshot: Snapshot) -> QualityReport:
    """Measure the newest load of a snapshot and the funnel of the whole snapshot."""
    load = snapshot.loads[-1]
    measures = [*_of_files(load), *_completeness(snapshot, load), *_joins(snapshot, load), *_timeliness(snapshot, load)]
    measures += [*_usable(snapshot, load), *_coverage(snapshot, load)]
    return QualityReport(
        snapshot_id=snapshot.snapshot_id,
        load_id=load["load_id"],
        source=load["source"],
        jurisdiction=load["jurisdiction"]["code"],
        loaded_at=str(load["loaded_at"]),
        measures=measures,
        funnels=explain_funnel(snapshot),
    )


def _of_files(load: dict[str, Any]) -> list[Measure]:
    """Return validity and duplicates, from the counts the ingest accounted for."""
    found = []
    tables = dict.fromkeys(file["table"] for file in load["files"] if file["table"] in CANONICAL)
    for table in tables:
        files = [file for file in load["files"] if file["table"] == table]
        # A row that is empty, or belongs to another table of its file, says nothing that could be right or wrong.
        silent = sum(file["quarantined"].get(reason, 0) for file in files for reason in NO_FAULT - {PART})
        read = sum(file["read"] for file in files) - silent
        repeated = sum(file["quarantined"].get("repeated_in_file", 0) for file in files)
        kept = sum(file["kept"] for file in files)
        found.append(Measure("validity", table, "", _share(kept, read), read))
        found.append(Measure("duplicates", table, "", _share(repeated, read), read))
    return found


def _rows(snapshot: Snapshot, table: str, load: dict[str, Any]) -> pl.LazyFrame:
    """Return the rows of the newest load: no later one replaces any, so no other load has to be read."""
    return scan_table(table, parts_of_table(snapshot.store.loads / str(load["load_id"]), table))


def _loaded_tables(load: dict[str, Any]) -> list[str]:
    return [name for name in CANONICAL if load["tables"].get(name, {}).get("rows", 0)]


def _completeness(snapshot: Snapshot, load: dict[str, Any]) -> list[Measure]:
    found = []
    for table in _loaded_tables(load):
        columns = [name for name in CANONICAL[table].column_names() if name not in PROVENANCE]
        counts = (
            _rows(snapshot, table, load)
            .select(pl.len().alias("$rows"), *(pl.col(name).count() for name in columns))
            .collect()
            .row(0, named=True)
        )
        rows = counts.pop("$rows")
        found += [Measure("completeness", table, name, _share(filled, rows), rows) for name, filled in counts.items()]
    return found


def _joins(snapshot: Snapshot, load: dict[str, Any]) -> list[Measure]:
    found = []
    loaded = _loaded_tables(load)
    own = pl.col("source") == load["source"]
    for (table, into), (left, right) in JOINS.items():
        if table not in loaded:
            continue
        stated = _rows(snapshot, table, load).filter(pl.col(left).is_not_null()).select(left)
        target = snapshot.scan(into)
        # Numbers of calls are those of their own system; codes of areas and addresses are shared.
        target = target.filter(own) if into == "calls" else target
        found.append(_joined(table, into, stated, target, left, right))
    if "calls" in loaded:
        follows = pl.col("parent_call_id").is_not_null() & pl.col("link_type").is_in(FOLDED_LINKS)
        linked = _rows(snapshot, "calls", load).filter(follows).select("parent_call_id")
        found.append(_joined("calls", "calls", linked, snapshot.scan("calls").filter(own), "parent_call_id", "call_id"))
    return found


def _joined(table: str, into: str, stated: pl.LazyFrame, target: pl.LazyFrame, left: str, right: str) -> Measure:
    rows = stated.select(pl.len()).collect().item()
    keys = target.select(right).unique()
    met = stated.join(keys, left_on=left, right_on=right, how="semi").select(pl.len()).collect().item()
    return Measure("joins", table, into, _share(met, rows), rows)


def _timeliness(snapshot: Snapshot, load: dict[str, Any]) -> list[Measure]:
    found = []
    zone = ZoneInfo(load["jurisdiction"]["timezone"])
    loaded_on = _local_day(load, zone)
    for table in _loaded_tables(load):
        if table not in NEWEST:
            continue
        rows = _rows(snapshot, table, load)
        newest, count = rows.select(pl.col(NEWEST[table]).max(), n=pl.col(NEWEST[table]).count()).collect().row(0)
        if newest is not None:
            day = newest.astimezone(zone).date() if isinstance(newest, datetime) else newest
            found.append(Measure("timeliness", table, "age_days", float((loaded_on - day).days), count))
    if "calls" in _loaded_tables(load):
        days = (pl.col("known_on") - pl.col("occurred_on")).dt.total_days()
        known = _rows(snapshot, "calls", load).select(days.alias("days")).drop_nulls()
        median, high, count = known.select(
            pl.col("days").median().alias("median"), pl.col("days").quantile(0.9, "higher").alias("p90"), n=pl.len()
        ).collect().row(0)  # fmt: skip
        if count:
            found.append(Measure("timeliness", "calls", "known_lag_days_p50", float(median), count))
            found.append(Measure("timeliness", "calls", "known_lag_days_p90", float(high), count))
    return found


def _coverage(snapshot: Snapshot, load: dict[str, Any]) -> list[Measure]:
    """Return which days of the source are missing, and how full its newest week is beside those of earlier loads."""
    if "calls" not in _loaded_tables(load):
        return []
    zone = ZoneInfo(load["jurisdiction"]["timezone"])
    own = [one for one in snapshot.loads if one["source"] == load["source"] and "calls" in _loaded_tables(one)]
    days = [(str(one["load_id"]), _local_day(one, zone)) for one in own]
    until = days[-1][1]
    incidents = snapshot.scan("incidents").filter(pl.col("source") == load["source"])
    watched = pl.col("occurred_on").is_between(until - timedelta(days=WATCHED_DAYS), until, closed="left")
    rows = incidents.filter(watched).select(pl.len()).collect().item()
    # Two newest weeks in turn are as far apart as loads are; none reaches farther back than this.
    oldest = days[-EARLIER_LOADS - 1 :][0][1] - timedelta(weeks=USUAL_WEEKS)
    recent = incidents.filter(pl.col("occurred_on") >= oldest).select("load_id", "occurred_on").collect()
    newest = newest_week(recent, days)
    # A day more than ever before is a file loaded on Tuesday instead of Monday; two are a file that ends too early.
    least_tail = LONGEST_TAIL if newest.usual_tail is None else min(newest.usual_tail + 2, LONGEST_TAIL)
    missing = missing_days(incidents, until=until, least_tail=least_tail)
    return [
        *([Measure("timeliness", "calls", "days_missing", float(len(missing)), rows)] if rows else []),
        *(
            [Measure("coverage", "calls", "newest_week", newest.share, newest.usual)]
            if newest.share is not None
            else []
        ),
    ]


def _local_day(load: dict[str, Any], zone: ZoneInfo) -> date:
    return datetime.fromisoformat(str(load["loaded_at"])).astimezone(zone).date()


def _usable(snapshot: Snapshot, load: dict[str, Any]) -> list[Measure]:
    """Of the valid incidents of the load: with a date, a place, a point, an area, officer-hours."""
    valid = snapshot.scan("incidents").filter(pl.col("load_id") == load["load_id"], pl.col("valid"))
    level = pl.col("location_level").cast(pl.String)
    inside = pl.any_horizontal(pl.col(name).is_not_null() for name in ("community_code", "beat_code", "station_code"))
    counts = (
        valid.select(
            pl.len().alias("$rows"),
            pl.col("occurred_on").count().alias("dated"),
            (level != "none").sum().alias("located"),
            (level == "point").sum().alias("point"),
            inside.sum().alias("in_area"),
            pl.col("officer_hours").count().alias("officer_hours"),
        )
        .collect()
        .row(0, named=True)
    )
    rows = counts.pop("$rows")
    return [Measure("usable", "incidents", name, _share(n, rows), rows) for name, n in counts.items()] if rows else []


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
