"""What somebody saw, made again from a row of the audit log: the same account, area, edition, snapshot and question.

An edition never changes and the log vouches for its files (``data.seals``), so the answer to the same question is the
same. A file that left the desk is compared with the digest in its row; a page has none, and its tables are given.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import polars as pl
import polars.selectors as cs
import sqlalchemy as sa

from data import access
from data.access import Viewer
from data.desk import Desk
from data.desk.actions import AS_TOLD
from data.editions import Edition
from data.errors import RequestError
from data.exports import Export, guard_formulas, make_export
from data.files import sha256_of
from data.permissions import ROLES, Role
from data.records.database import Records
from data.records.tables import audit_log
from data.seals import problems_of
from data.snapshots import Snapshot
from data.store import Store

#: Role in rows of commands: the operator reads whole tables.
COMMAND_LINE = "command_line"
#: Tables an answer is asked for by the method of the desk with the same name.
ASKED_BY_NAME = frozenset(
    {
        "area_hotspots",
        "audit_log",
        "daily_counts",
        "decisions",
        "feedback",
        "grid_sensitivity",
        "hotspots",
        "model_comparison",
        "model_curves",
        "model_groups",
        "past_lists",
        "quarantine_counts",
        "staffing",
        "unit_hotspots",
        "visit_scores",
    }
)


@dataclass(frozen=True)
class Reproduction:
    """What a row of the audit log was answered with.

    Attributes
    ----------
    row
        The row itself.
    tables
        The answer, by name of table: what the account was given, nothing else.
    file
        The file that was handed over, made again.
    same
        Whether the digest in the row is that of what was made; None where the row has none (a page).
    code_then
        Version of the code that wrote the row; None in rows of earlier versions, which did not say.
    """

    row: dict[str, Any]
    tables: dict[str, pl.DataFrame] = field(default_factory=dict)
    file: Export | None = None
    same: bool | None = None
    code_then: str | None = None


def reproduce(store: Store, records: Records, seq: int) -> Reproduction:
    """Make again what a row of the audit log gave out.

    Raises
    ------
    RequestError
        If there is no such row, it gave nothing out (a refusal, a grant), or does not say what was asked (rows of
        earlier versions); or the files of its edition or snapshot are not those the log announced.
    StoreError
        If the edition or the rows of the snapshot were deleted after their retention.
    """
    with records.reading() as connection:
        found = connection.execute(sa.select(audit_log).where(audit_log.c.seq == seq)).mappings().first()
    if found is None:
        raise RequestError(f"the audit log has no row {seq}.", where="row")
    row: dict[str, Any] = dict(found)
    details: dict[str, Any] = json.loads(row["details"])
    if not row["success"]:
        raise RequestError(f"row {seq} is a refusal ({row['reason']}); nothing was shown.", where=str(seq))
    make = _MAKERS.get(row["event"])
    if make is None:
        raise RequestError(f"a row of {row['event']!r} gives nothing out.", where=str(seq))
    if row["edition_id"] is not None:
        _require_as_announced(store, records, f"editions/{row['edition_id']}")
    tables, file, same = make(store, records, row, details)
    return Reproduction(row, tables, file, same, details.get("code"))


def desk_of_row(store: Store, records: Records, row: dict[str, Any]) -> PastDesk:
    """Return a desk that answers as it did to the account of a row: its role, area, force, edition and snapshot."""
    return PastDesk(store, records, row)


class PastDesk(Desk):
    """A desk of a moment of the past. Writes nothing: what it refuses is no attempt of the account it stands for."""

    def __init__(self, store: Store, records: Records, row: dict[str, Any]) -> None:
        if row["role"] not in ROLES:
            raise RequestError(f"row {row['seq']} was not written by a desk.", where=str(row["seq"]))
        self._snapshot_id = row["snapshot_id"]
        super().__init__(store, _viewer_of(store, row), row["edition_id"], records=records)

    def advice(self, advice_id: str) -> tuple[str, dict[str, Any]]:
        """Return the table and the row of one piece of advice."""
        return self._advice(advice_id)

    def _current_snapshot(self) -> Snapshot:
        return Snapshot(self.store, str(self._snapshot_id), self.forces)

    def _require_own_edition(self) -> None:
        """Let the edition of the row pass: the row says it was given."""

    @contextmanager
    def _refusals_recorded(self, event: str, subject: str, view: dict[str, Any] | None = None) -> Iterator[None]:
        access.require_force(self.viewer, self._known_forces)
        yield


def _viewer_of(store: Store, row: dict[str, Any]) -> Viewer:
    details = json.loads(row["details"])
    area, level = details.get("area"), details.get("level")
    if area is not None and level is None:
        # Rows of earlier versions name the area only.
        wanted = ("beat",) if row["role"] == "officer" else ("sub_bureau", "station")
        levels = Edition(store, row["edition_id"]).read("areas").filter(pl.col("area_code") == area)["level"].to_list()
        level = next((one for one in wanted if one in levels), wanted[0])
    return Viewer(row["viewer"], cast(Role, row["role"]), area, level, jurisdiction=details.get("jurisdiction"))


def _export(store: Store, records: Records, row: dict[str, Any], details: dict[str, Any]) -> tuple[Any, ...]:
    kind, asked = str(row["object"]), details.get("asked")
    if row["role"] == COMMAND_LINE:
        return _written_by_command(store, row, details)
    if asked is None or kind not in ASKED_BY_NAME:
        raise RequestError("this row does not say what was asked for.", where=f"row {row['seq']}")
    table = asked_of(desk_of_row(store, records, row), kind, asked, str(details["format"]))
    name = f"{kind}_{row['edition_id']}" if row["edition_id"] else kind
    # The first sheet of a workbook is in the words of a language and a version: the rows themselves are compared.
    in_words = "data_sha256" in details
    file = make_export(name, table, "csv" if in_words else str(details["format"]))
    return {kind: table}, file, file.sha256 == details["data_sha256" if in_words else "sha256"]


def asked_of(desk: Desk, kind: str, asked: dict[str, Any], format: str) -> pl.DataFrame:
    """Return what the desk answers to a question, as it goes into a file of a format: shapes into GeoJSON only."""
    table: pl.DataFrame = getattr(desk, kind)(**asked)
    return table if format == "geojson" else table.drop(cs.binary())


def _written_by_command(store: Store, row: dict[str, Any], details: dict[str, Any]) -> tuple[Any, ...]:
    """Return a table of an edition as `beatwise staffing` and its like write it."""
    if row["edition_id"] is None or "sha256" not in details:
        raise RequestError(
            "what this command wrote is made again by the same command.",
            where=f"row {row['seq']}",
            remedy="Its options and the digest of the file are in the row.",
        )
    table = told_by_command(Edition(store, row["edition_id"]), str(row["object"]), details.get("beat"))
    content = csv_of_command(table)
    file = Export(f"{row['object']}_{row['edition_id']}.csv", content, "text/csv")
    return {str(row["object"]): table}, file, sha256_of(content) == details["sha256"]


def told_by_command(edition: Edition, table: str, beat: str | None = None) -> pl.DataFrame:
    """Return a table of an edition as a command of the machine's operator gives it: whole, or one beat's plan."""
    frame = edition.read(table)
    if table == "visit_plan":
        return frame.filter(pl.col("beat_code") == beat).sort("rank")
    if table == "past_lists":
        return frame.sort("period_start", "category", "horizon_days", descending=[True, False, False])
    return frame


def csv_of_command(table: pl.DataFrame) -> bytes:
    """Return plain UTF-8 CSV in which no cell starts a formula."""
    return guard_formulas(table).write_csv().encode("utf-8")


def _page(store: Store, records: Records, row: dict[str, Any], details: dict[str, Any]) -> tuple[Any, ...]:
    read = _PAGES.get(str(row["object"]))
    if read is None:
        raise RequestError(
            f"the page {row['object']!r} shows data and records of that moment, not advice.",
            where=f"row {row['seq']}",
            remedy=f"Pages made again: {', '.join(sorted(_PAGES))}.",
        )
    desk = desk_of_row(store, records, row)
    return read(desk, details.get("view") or {}), None, None


def _hotspots(desk: Desk, view: dict[str, str]) -> dict[str, pl.DataFrame]:
    category, days = _forecast(desk, view)
    level = view.get("level", "cell")
    if level in desk.ranked_units():
        return {"unit_hotspots": desk.unit_hotspots(category, days, level)}
    if level in desk.ranked_levels():
        return {"area_hotspots": desk.area_hotspots(category, days, level)}
    known = {f"{calm:g}": calm for calm in desk.calm_choices(category, days)}
    calm = known.get(view.get("calm", ""))
    verdicts = desk.manifest.get("verdicts", [])
    of_list: dict[str, Any] = next(
        (one for one in verdicts if (one["category"], one["horizon_days"]) == (category, days)), {}
    )
    shown = None if calm == of_list.get("calm") else calm
    return {
        "hotspots": desk.hotspots(category, days, shown),
        "hotspot_surface": desk.hotspot_surface(category, days),
    }


def _model(desk: Desk, view: dict[str, str]) -> dict[str, pl.DataFrame]:
    asked = _forecast(desk, view)
    return {
        "model_comparison": desk.model_comparison(*asked),
        "model_curves": desk.model_curves(*asked),
        "model_calibration": desk.model_calibration(*asked),
        "model_groups": desk.model_groups(*asked),
        "past_lists": desk.past_lists(*asked),
    }


def _staffing(desk: Desk, view: dict[str, str]) -> dict[str, pl.DataFrame]:
    table = desk.staffing()
    return {"staffing": table.filter(pl.col("unit_code") == view["unit"]) if view.get("unit") else table}


def _my_beat(desk: Desk, view: dict[str, str]) -> dict[str, pl.DataFrame]:
    known = desk.areas("beat")["area_code"].sort()
    beat = view.get("beat") or desk.viewer.area_code or (known[0] if len(known) else None)
    if beat is None:
        return {}
    return {"visit_workload": desk.visit_workload(beat), "visit_plan": desk.visit_plan(beat)}


def _trends(desk: Desk, view: dict[str, str]) -> dict[str, pl.DataFrame]:
    own = desk.viewer.area_code if desk.viewer.role == "officer" else None
    beat, station = view.get("beat") or own, view.get("unit") if desk.viewer.role != "officer" else None
    where: dict[str, Any] = {"category": view.get("category"), "station_code": station, "beat_code": beat}
    return {"daily_counts": desk.daily_counts(**where, period="month"), "hourly_profile": desk.hourly_profile(**where)}


def _briefing(desk: Desk, view: dict[str, str]) -> dict[str, pl.DataFrame]:
    days = min(desk.horizons(), default=7)
    places = [desk.hotspots(category, days) for category in desk.categories()]
    told = {"hotspots": pl.concat(places)} if places else {}
    if desk.viewer.role == "officer":
        return {**told, **_my_beat(desk, view)}
    return {**told, "staffing": desk.staffing(), "visit_workload": desk.visit_workload()}


def _forecast(desk: Desk, view: dict[str, str]) -> tuple[str, int]:
    """Return category and days as the controls of a page take them: what the view names, else their defaults."""
    categories, days = desk.categories(), {str(one): one for one in desk.horizons()}
    if not categories or not days:
        raise RequestError("the edition ranks no places; the page said so.", where=desk.edition_id)
    category = view.get("category")
    return (
        category if category in categories else desk.first_listed(),
        days.get(view.get("horizon", ""), max(days.values())),
    )


def _decision(store: Store, records: Records, row: dict[str, Any], details: dict[str, Any]) -> tuple[Any, ...]:
    told = details.get("advice")
    if told is None:
        raise RequestError("this row does not hold the advice.", where=f"row {row['seq']}")
    desk = desk_of_row(store, records, row)
    table, advice = desk.advice(str(row["object"]))
    same = told == {name: advice[name] for name in AS_TOLD[table] if advice[name] is not None}
    return {table: pl.DataFrame([told])}, None, same


def _require_as_announced(store: Store, records: Records, folder: str) -> None:
    problem = next(problems_of(store, records, folder), None)
    if problem is not None:
        raise RequestError(f"what was shown cannot be made again: {problem}.", where=folder)


_MAKERS: dict[str, Callable[[Store, Records, dict[str, Any], dict[str, Any]], tuple[Any, ...]]] = {
    "export": _export,
    "open": _page,
    "decide": _decision,
}
_PAGES: dict[str, Callable[[Desk, dict[str, str]], dict[str, pl.DataFrame]]] = {
    "briefing": _briefing,
    "hotspots": _hotspots,
    "model": _model,
    "my_beat": _my_beat,
    "staffing": _staffing,
    "trends": _trends,
}
