"""Who saw what the system tells about an area, when, and on which legal basis: one question to the audit log.

A row of the log says which account looked at which page or took which file, for which area it holds its role and what
the view was narrowed to. Whoever opened what tells of the area among others (the places of a whole station) counts as
having seen it; the answer says which rows named the area itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from datetime import UTC, date, datetime, time
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import sqlalchemy as sa

from data import access
from data.access import Scope, Viewer
from data.editions import Edition
from data.errors import RequestError
from data.permissions import ROLES, WITHOUT_AREA
from data.records.database import Records
from data.records.tables import audit_log
from data.schemas import EDITION
from data.schemas.columns import AREA_LEVELS
from data.snapshots import Snapshot
from data.store import Store

#: Pages, and things that are read, that tell of places.
PAGES = frozenset({"briefing", "hotspots", "my_beat", "staffing", "trends"})
OF_PLACES = (
    PAGES
    | (frozenset(EDITION) - WITHOUT_AREA)
    | {"decisions", "visits_recorded", "visits_export", "address_texts", "quarantine_rows"}
)
#: Events that give something out, or act on what was given out.
GIVES_OUT = ("open", "export", "read", "decide", "record_visit", "what_if")
#: Keys by which a view, or a question, names an area → its level.
NAMES = {"beat": "beat", "beat_code": "beat", "unit": "station", "unit_code": "station", "station_code": "station"}
#: Columns of :func:`who_saw`. ``named`` says that the row names the area itself, or something in it.
SIGHTINGS: dict[str, Any] = {
    **dict.fromkeys(("seq",), pl.Int64),
    **dict.fromkeys(("at", "viewer", "role", "event", "object", "edition_id", "snapshot_id"), pl.String),
    **dict.fromkeys(("purpose", "legal_basis"), pl.String),
    "named": pl.Boolean,
}


def who_saw(
    store: Store,
    records: Records,
    code: str,
    since: date,
    until: date,
    *,
    editions: Collection[str] | None = None,
    wanted: Callable[[dict[str, Any]], bool] | None = None,
) -> pl.DataFrame:
    """Return the rows of the log by which somebody saw what is told of an area: columns ``SIGHTINGS``, oldest first.

    Parameters
    ----------
    code
        A beat, station or sub-bureau of the newest edition, or of the one a row is about.
    since, until
        First day and the day after the last, in the time zone of the police force.
    editions
        Those whose areas are meant: two police forces may have areas of one code. None for all.
    wanted
        Rows an auditor may read; None for all.

    Raises
    ------
    RequestError
        If no edition knows the area, or the days are in the wrong order.
    """
    if since >= until:
        raise RequestError(f"the days from {since} until {until} are none.", remedy="The second is the day after.")
    root = str(store.root.resolve())
    own = store.edition_ids() if editions is None else editions
    known = [edition_id for edition_id in own if code in _above(root, edition_id)]
    if not known:
        raise RequestError(f"no edition knows the area {code!r}.", where=str(store.root))
    force = next(iter(Snapshot(store, str(Edition(store, known[-1]).manifest["snapshot_id"])).jurisdictions.values()))
    zone = ZoneInfo(force.timezone)
    first, last = (
        datetime.combine(day, time(), zone).astimezone(UTC).isoformat(timespec="microseconds") for day in (since, until)
    )
    query = sa.select(audit_log).where(
        audit_log.c.at >= first,
        audit_log.c.at < last,
        audit_log.c.event.in_(GIVES_OUT),
        audit_log.c.success.is_(True),
    )
    found = []
    with records.reading() as connection:
        for row in connection.execution_options(yield_per=1000).execute(query.order_by(audit_log.c.seq)).mappings():
            if wanted is not None and not wanted(dict(row)):
                continue
            named = _told(root, known, dict(row), code)
            if named is not None:
                found.append({**{name: row[name] for name in SIGHTINGS if name != "named"}, "named": named})
    return pl.DataFrame(found, schema=SIGHTINGS)


def _told(root: str, known: list[str], row: dict[str, Any], code: str) -> bool | None:
    """Return whether a row names the area; None where what it gave out does not tell of it."""
    details = json.loads(row["details"])
    edition_id = row["edition_id"] if row["edition_id"] in known else known[-1]
    above = _above(root, edition_id)
    if row["event"] in ("decide", "record_visit"):
        area = _area_of(root, row["edition_id"], row["object"])
        return True if area is not None and code in _line(above, area) else None
    if row["object"] not in OF_PLACES:
        return None
    asked = {**details, **(details.get("view") or {}), **(details.get("asked") or {})}
    narrowed = [str(asked[key]) for key in NAMES if asked.get(key)]
    # What is narrowed to a beat tells of its station, and what is about a station tells of its beats.
    if narrowed and not any(code in _line(above, one) or one in _line(above, code) for one in narrowed):
        return None
    if not _scope(root, edition_id, row["role"], details.get("area"), details.get("level")).covers(*above[code][:2]):
        return None
    return code in narrowed or code == details.get("area")


@lru_cache(maxsize=256)
def _scope(root: str, edition_id: str, role: str, area: str | None, level: str | None) -> Scope:
    if role not in ROLES:
        return Scope(whole_force=True)  # The operator, who has the files.
    if area is not None and level is None:
        # Rows of earlier versions name the area only.
        level = "beat" if role == "officer" else _above(root, edition_id).get(area, ("station",))[0]
    areas = Edition(Store(Path(root)), edition_id).read("areas")
    return access.scope_of(Viewer("-", role, area, level), areas)


@lru_cache(maxsize=64)
def _above(root: str, edition_id: str) -> dict[str, tuple[str, str, str | None]]:
    """Return code of an area → level, code, code of the area above, of an edition; empty once its areas are deleted."""
    edition = Edition(Store(Path(root)), edition_id)
    if not edition.holds("areas"):
        return {}
    areas = edition.read("areas").select("area_code", "level", "parent_code").sort("level")
    levels = [level for level in AREA_LEVELS if level != "community"]
    return {code: (level, code, parent) for code, level, parent in areas.iter_rows() if level in levels}


def _line(above: dict[str, tuple[str, str, str | None]], code: str | None) -> list[str]:
    """Return an area and those above it."""
    line: list[str] = []
    while code is not None and code not in line:
        line.append(code)
        code = above[code][2] if code in above else None
    return line


def _area_of(root: str, edition_id: str | None, subject: str) -> str | None:
    return None if edition_id is None else _areas_of_advice(root, edition_id).get(subject)


@lru_cache(maxsize=16)
def _areas_of_advice(root: str, edition_id: str) -> dict[str, str | None]:
    """Return advice, and object to visit → its beat, else its station."""
    edition = Edition(Store(Path(root)), edition_id)
    found: dict[str, str | None] = {}
    for table in ("hotspots", "spare_hotspots", "staffing", "visit_workload", "visit_plan"):
        if edition.holds(table):
            frame = edition.read(table)
            key = "object_id" if table == "visit_plan" else "advice_id"
            columns = [name for name in ("beat_code", "station_code", "unit_code") if name in frame.columns]
            found |= dict(frame.select(key, pl.coalesce(columns)).iter_rows())
    return found
