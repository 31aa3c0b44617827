"""What a viewer may see: pages, tables, columns, rows, smallest count. Nothing else decides that.

Which roles may what stands in ``data.permissions`` as tables; only this module applies them to a viewer.
Pure functions over frames: no disk, no database, no clock. Rows and columns are dropped here, on the server; a column
hidden in a table widget still reaches the browser.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, cast

import polars as pl

from data.aggregates import AGGREGATES_ONLY, SMALL_COUNT_COLUMNS, areas_for, counts_for
from data.errors import AccessDeniedError, OtherForceError, RequestError
from data.hidden_signs import hidden_signs
from data.permissions import (
    ALL_FORCES,
    DOINGS,
    FINE_COLUMNS,
    HIDDEN_RECORD_COLUMNS,
    HIGHEST_GRADE,
    PAGES,
    ROLES,
    ROLES_OF_ALL_FORCES,
    TABLES,
    WITHOUT_AREA,
    Role,
)
from data.schemas import EDITION
from data.schemas.columns import AREA_LEVELS

#: Characters of an account name, as the records database keeps them.
LONGEST_NAME = 200


@dataclass(frozen=True)
class Viewer:
    """A person at the desk: account name, one role, and the police force and area the role is held for.

    Parameters
    ----------
    area_code, area_level
        Commander: a sub-bureau or a station, or both None for the whole force. Officer: a beat. Others: None.
    language
        ``zh`` or ``en``.
    jurisdiction
        Code of a police force, or ``ALL_FORCES``. None, in a grant from before grants named one, is the only force of
        a store, and none of several.

    Raises
    ------
    RequestError
        If role, force, area and language do not go together.
    """

    name: str
    role: Role
    area_code: str | None = None
    area_level: str | None = None
    language: str = "zh"
    jurisdiction: str | None = None

    def __post_init__(self) -> None:
        # Two accounts must not look the same in the log.
        if not self.name.strip() or len(self.name) > LONGEST_NAME or hidden_signs(self.name):
            raise RequestError(
                f"a viewer must have a name of at most {LONGEST_NAME} characters, without control characters and signs "
                "that do not show."
            )
        if self.role not in ROLES:
            raise RequestError(f"there is no role {self.role!r}.", remedy=f"Roles: {', '.join(ROLES)}.")
        if self.language not in ("zh", "en"):
            raise RequestError(f"there is no language {self.language!r}.", remedy="Languages: zh, en.")
        if (self.area_code is None) != (self.area_level is None):
            raise RequestError("an area needs both its code and its level.", where=self.name)
        allowed: dict[str, tuple[str | None, ...]] = {
            "officer": ("beat",),
            "commander": (None, "station", "sub_bureau"),
        }
        levels = allowed.get(self.role, (None,))
        if self.area_level not in levels:
            readable = " or ".join(level or "no area" for level in levels)
            raise RequestError(f"the role {self.role} is held for: {readable}.", where=self.name)
        if self.jurisdiction == ALL_FORCES and self.role not in ROLES_OF_ALL_FORCES:
            raise RequestError(f"the role {self.role} is held for one police force.", where=self.name)
        if self.jurisdiction is not None and not self.jurisdiction.strip():
            raise RequestError("a police force needs its code.", where=self.name)


@dataclass(frozen=True)
class Scope:
    """Areas a viewer's rows may lie in. ``whole_force`` lets every row pass, also rows without any area."""

    whole_force: bool = False
    communities: frozenset[str] = frozenset()
    beats: frozenset[str] = frozenset()
    stations: frozenset[str] = frozenset()
    sub_bureaus: frozenset[str] = frozenset()

    def of_level(self, level: str) -> frozenset[str]:
        """Return the codes of one level."""
        codes = {
            "community": self.communities,
            "beat": self.beats,
            "station": self.stations,
            "sub_bureau": self.sub_bureaus,
        }
        return codes[level]

    def covers(self, level: str, code: str) -> bool:
        """Return whether an area lies in the scope."""
        return self.whole_force or code in self.of_level(level)


def forces_of(viewer: Viewer, known: Collection[str]) -> frozenset[str]:
    """Return the police forces, of those a store holds, whose data a viewer reads."""
    if viewer.jurisdiction == ALL_FORCES:
        return frozenset(known)
    if viewer.jurisdiction is None:
        return frozenset(known) if len(known) == 1 else frozenset()
    return frozenset(known) & {viewer.jurisdiction}


def require_force(viewer: Viewer, known: Collection[str]) -> None:
    """Raise OtherForceError if none of the police forces a store holds is the viewer's."""
    if not known or forces_of(viewer, known):
        return
    problem = "this grant names no police force, and the store holds several."
    if viewer.jurisdiction is not None:
        problem = "the store holds nothing of the police force of this grant."
    raise OtherForceError(problem, where=viewer.name, remedy="Ask the security administrator for a new grant.")


def may_open(viewer: Viewer, page: str) -> bool:
    """Return whether a role may open a page. An unknown page is open to nobody."""
    return viewer.role in PAGES.get(page, frozenset())


def require_page(viewer: Viewer, page: str) -> None:
    """Raise AccessDeniedError unless the viewer may open the page."""
    if not may_open(viewer, page):
        raise AccessDeniedError(
            f"the role {viewer.role} has no access to this page.", where=page, remedy="Choose a page from the menu."
        )


def may_read(viewer: Viewer, table: str) -> bool:
    """Return whether a role may read a table at all."""
    return viewer.role in TABLES.get(table, frozenset())


def require_table(viewer: Viewer, table: str) -> None:
    """Raise AccessDeniedError unless the viewer may read the table."""
    if not may_read(viewer, table):
        raise AccessDeniedError(f"the role {viewer.role} does not read this table.", where=table)


def may_do(viewer: Viewer, doing: str) -> bool:
    """Return whether a role may do something, see ``DOINGS``."""
    return viewer.role in DOINGS.get(doing, frozenset())


def require_doing(viewer: Viewer, doing: str) -> None:
    """Raise AccessDeniedError unless the viewer may do it."""
    if not may_do(viewer, doing):
        raise AccessDeniedError(f"the role {viewer.role} may not do this.", where=doing)


def scope_of(viewer: Viewer, areas: pl.DataFrame) -> Scope:
    """Return the areas a viewer's rows may lie in: the own area and everything below it.

    Parameters
    ----------
    areas
        Frame of schema ``Areas``; parents chain community → beat → station → sub-bureau.

    Notes
    -----
    A code that no row of ``areas`` names is still in its own scope: a force without polygons has beats all the same.
    Nothing is below it then.
    """
    if viewer.role in ("researcher", "auditor", "steward"):
        return Scope(whole_force=True)
    if viewer.role == "security":
        return Scope()
    if viewer.area_code is None or viewer.area_level is None:
        return Scope(whole_force=viewer.role == "commander")
    codes: dict[str, frozenset[str]] = {viewer.area_level: frozenset({viewer.area_code})}
    for position in range(AREA_LEVELS.index(viewer.area_level), 0, -1):
        upper, lower = AREA_LEVELS[position], AREA_LEVELS[position - 1]
        below = areas.filter(pl.col("level") == lower, pl.col("parent_code").is_in(sorted(codes[upper])))
        codes[lower] = frozenset(below["area_code"].to_list())
    none: frozenset[str] = frozenset()
    return Scope(
        communities=codes.get("community", none),
        beats=codes.get("beat", none),
        stations=codes.get("station", none),
        sub_bureaus=codes.get("sub_bureau", none),
    )


def require_area(viewer: Viewer, scope: Scope, level: str, code: str) -> None:
    """Raise AccessDeniedError unless an area lies in the viewer's scope."""
    if not scope.covers(level, code):
        raise AccessDeniedError(
            f"the {level} {code!r} is outside the area of this account.",
            where=viewer.name,
            remedy="Ask the security administrator if your posting has changed.",
        )


def rows_in_scope(frame: pl.DataFrame, scope: Scope) -> pl.DataFrame:
    """Drop the rows outside a scope.

    A row is kept when its beat, or else its station, lies in the scope; an officer's scope has no station, so only
    the beat counts. Rows without any area belong to the whole force only.

    Raises
    ------
    AccessDeniedError
        If the frame has no area column and the scope is not the whole force: such rows cannot be told apart.
    """
    if scope.whole_force:
        return frame
    levels = {"beat_code": scope.beats, "station_code": scope.stations, "unit_code": scope.stations}
    present = {column: codes for column, codes in levels.items() if column in frame.columns}
    if not present:
        raise AccessDeniedError("these rows do not say where they belong; they are for the whole force only.")
    kept = [pl.col(column).is_in(sorted(codes)).fill_null(False) for column, codes in present.items()]
    return frame.filter(pl.any_horizontal(kept))


def areas_in_scope(areas: pl.DataFrame, scope: Scope) -> pl.DataFrame:
    """Drop the areas outside a scope."""
    if scope.whole_force:
        return areas
    kept = [
        (pl.col("level") == level) & pl.col("area_code").is_in(sorted(scope.of_level(level))) for level in AREA_LEVELS
    ]
    return areas.filter(pl.any_horizontal(kept))


def areas_with_parents(areas: pl.DataFrame, scope: Scope) -> pl.DataFrame:
    """Drop the areas outside a scope, but keep those above it: a reader may know the name of the own station."""
    kept = areas_in_scope(areas, scope)
    for lower, upper in pairwise(AREA_LEVELS):
        parents = kept.filter(pl.col("level") == lower)["parent_code"].drop_nulls().unique()
        above = areas.filter(pl.col("level") == upper, pl.col("area_code").is_in(parents.to_list()))
        kept = pl.concat([kept, above]).unique(["level", "area_code"], keep="first", maintain_order=True)
    return kept


def columns_for(viewer: Viewer, table: str) -> list[str]:
    """Return the columns of an edition's table whose grade the role may read, in the schema's order."""
    highest = HIGHEST_GRADE[viewer.role]
    return [name for name, column in EDITION[table].columns().items() if _grade(column.metadata) <= highest]


def rows_for(
    viewer: Viewer, table: str, frame: pl.DataFrame, scope: Scope, secret: Callable[[], str] | None = None
) -> pl.DataFrame:
    """Return the part of an edition's table that the viewer may see: table, columns, rows, small counts, in one.

    Parameters
    ----------
    secret
        Gives the secret counts are rounded by (``Store.rounding_secret``); without it counts to be rounded are null.

    Raises
    ------
    AccessDeniedError
        If the role does not read the table.

    Notes
    -----
    A table with a count of single cells gets a column ``suppressed`` (all false for those who see every count), so
    that pages can mark hidden counts as hidden; ranked areas get ``rounded_to``, see :func:`data.aggregates.areas_for`.
    Tables of counts (``daily_counts``, ``hourly_profile``) must be summed by :func:`data.aggregates.sums_for`.
    """
    require_table(viewer, table)
    kept = frame.select(columns_for(viewer, table))
    if table not in WITHOUT_AREA:
        kept = rows_in_scope(kept, scope)
    if table in SMALL_COUNT_COLUMNS:
        kept = counts_for(viewer, kept, SMALL_COUNT_COLUMNS[table], margins=())
        # Equal counts share a rank: among hidden places four ranks would be the counts 4, 3, 2 and 1.
        kept = kept.with_columns(pl.when(~pl.col("suppressed")).then("baseline_rank"))
    if table == "area_hotspots":
        kept = areas_for(viewer, kept, secret)
    if viewer.role in AGGREGATES_ONLY:
        kept = kept.with_columns(pl.lit(None, kept.schema[name]).alias(name) for name in FINE_COLUMNS.get(table, ()))
    return kept


def records_for(viewer: Viewer, table: str, frame: pl.DataFrame, scope: Scope) -> pl.DataFrame:
    """Return the part of a table of records (decisions, visits) that the viewer may see."""
    require_table(viewer, table)
    hidden = HIDDEN_RECORD_COLUMNS.get((table, viewer.role), frozenset())
    return rows_in_scope(frame, scope).drop(sorted(hidden))


def _grade(metadata: Any) -> int:
    return int(cast(dict[str, Any], metadata or {}).get("grade", 1))
