"""What all parts of the desk share: the edition, the viewer's scope, the audit row of a view or a refusal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import sqlalchemy as sa

from data import access
from data.access import Scope, Viewer
from data.editions import Edition, edition_summary, newest_edition
from data.errors import AccessDeniedError, OtherForceError, StoreError
from data.forces import editions_of, store_forces
from data.records.audit import AuditEvent, append_audit
from data.records.database import Records
from data.records.viewers import require_open_grant
from data.snapshots import Snapshot, current_snapshot
from data.store import Store, stated
from data.version import code_version

if TYPE_CHECKING:
    from data.sources.mapping import Mapping

#: Keys of a view that name an area, and the level they name.
AREA_KEYS = {
    "beat": "beat",
    "beat_code": "beat",
    "station": "station",
    "station_code": "station",
    "unit": "station",
    "unit_code": "station",
    "sub_bureau": "sub_bureau",
}
#: Pages and tables about the current snapshot, also while an older edition is being read.
OF_THE_DATA = frozenset({"data_quality", "addresses", "quarantine_counts"})


class DeskBase:
    """Edition, snapshot, scope and audit of one viewer; see :class:`data.desk.Desk` for the parameters."""

    def __init__(
        self, store: Store, viewer: Viewer, edition_id: str | None = None, *, records: Records | None = None
    ) -> None:
        if edition_id is not None and Path(edition_id).name != edition_id:
            raise StoreError(f"{edition_id!r} is not the id of an edition.", where=str(store.root))
        self.store = store
        self.viewer = viewer
        self.records = records or Records.open(store)
        self._asked_edition_id = edition_id
        self._require_own_edition()

    @cached_property
    def forces(self) -> frozenset[str] | None:
        """Police forces whose data the viewer reads; None where that is everything the store holds."""
        own = access.forces_of(self.viewer, self._known_forces)
        return None if own == self._known_forces else own

    @cached_property
    def edition(self) -> Edition:
        """The edition read; for tables ask the desk, which asks access first."""
        if self._asked_edition_id is not None:
            return Edition(self.store, self._asked_edition_id)
        if self.forces is None:
            return newest_edition(self.store)
        if not self._own_edition_ids:
            raise StoreError(
                "nothing has been published yet for this police force.",
                where=str(self.store.root),
                remedy="Run `beatwise publish --jurisdiction CODE`.",
            )
        return Edition(self.store, self._own_edition_ids[-1])

    @property
    def edition_id(self) -> str:
        """Id of the edition read."""
        return self.edition.edition_id

    @property
    def has_edition(self) -> bool:
        """Whether there is an edition to read."""
        return self._asked_edition_id is not None or bool(self._own_edition_ids)

    @property
    def manifest(self) -> dict[str, Any]:
        """Manifest of the edition: snapshot, as-of day, parameters, code version, verdicts."""
        self._require("manifest")
        return self.edition.manifest

    def editions(self) -> list[dict[str, Any]]:
        """Return every edition of the viewer's police forces, newest first, see :func:`edition_summary`."""
        self._require("manifest")
        root = str(self.store.root.resolve())
        return [dict(edition_summary(root, edition_id)) for edition_id in reversed(self._own_edition_ids)]

    @cached_property
    def snapshot(self) -> Snapshot:
        """What the snapshot behind the edition holds for the viewer; the current one while nothing is published."""
        if self.has_edition:
            return Snapshot(self.store, str(self.edition.manifest["snapshot_id"]), self.forces)
        return self._current_snapshot()

    @property
    def is_demo(self) -> bool:
        """Whether the data are the demo city's."""
        return self.snapshot.is_demo

    @property
    def purpose(self) -> str:
        """Purposes the loads behind the edition were made for, to be shown on every page."""
        return stated(self.snapshot.loads, "purpose")

    @property
    def legal_basis(self) -> str:
        """Legal bases of the loads behind the edition, to be shown on every page."""
        return stated(self.snapshot.loads, "legal_basis")

    @cached_property
    def scope(self) -> Scope:
        """Areas the viewer's rows may lie in."""
        areas = self._table("areas") if self.has_edition else pl.DataFrame(schema=_AREA_COLUMNS)
        return access.scope_of(self.viewer, areas)

    def opened(self, page: str, view: dict[str, Any] | None = None) -> None:
        """Write the audit row of a page view. Call it before anything of the page is shown.

        Parameters
        ----------
        page
            Page key, see ``data.permissions.PAGES``.
        view
            What is looked at, as codes: category, horizon, beat … An area outside the viewer's is refused.

        Raises
        ------
        AccessDeniedError
            If the page or an area of the view is not the viewer's, or the grant names no police force of the store;
            the refusal is in the audit log.
        """
        view = view or {}
        with self._refusals_recorded("open", page, view):
            access.require_page(self.viewer, page)
            for key, level in AREA_KEYS.items():
                if view.get(key):
                    access.require_area(self.viewer, self.scope, level, str(view[key]))
        append_audit(self.records, self._event("open", page, details={"view": view}, of_the_data=page in OF_THE_DATA))

    def checked(self, event: str, subject: str, check: Callable[[], None]) -> None:
        """Run a check of the caller's own before something is done; a refusal of it is in the audit log."""
        with self._refusals_recorded(event, subject):
            check()

    @cached_property
    def _known_forces(self) -> frozenset[str]:
        return store_forces(self.store)

    @cached_property
    def _own_edition_ids(self) -> list[str]:
        """Ids of the editions the viewer may read, oldest first."""
        return self.store.edition_ids() if self.forces is None else editions_of(self.store, self.forces)

    def _is_own(self, force: str) -> bool:
        return self.forces is None or force in self.forces

    def _require_own_mapping(self, mapping: Mapping) -> None:
        """Refuse a mapping of another police force of the store; that of a force it does not hold is nobody's."""
        if self.forces is not None and mapping.jurisdiction.code in self._known_forces - self.forces:
            raise OtherForceError("this mapping is another police force's.", where=mapping.source.name)

    def _own_editions(self) -> list[str] | None:
        """Return the editions whose records the viewer reads; None for all, also of editions that are gone."""
        return None if self.forces is None else self._own_edition_ids

    def _require_own_edition(self) -> None:
        """Refuse an edition of another police force, whoever sent the link to it; the refusal is in the audit log."""
        asked = self._asked_edition_id
        if asked is None or self.forces is None or asked in self._own_edition_ids:
            return
        if asked not in self.store.edition_ids():
            known = ", ".join(self._own_edition_ids) or "none"
            raise StoreError(
                f"there is no edition {asked!r}.", where=str(self.store.root), remedy=f"Known editions: {known}."
            )
        refusal = OtherForceError(
            "this edition was made for another police force.", where=asked, remedy="Choose an edition from the menu."
        )
        event = AuditEvent(self.viewer.name, self.viewer.role, "open", "edition", asked, details=self._whose())
        append_audit(self.records, replace(event, success=False, reason=refusal.problem))
        raise refusal

    def _whose(self) -> dict[str, Any]:
        """Return area and police force of the grant, and the version of the code that answers, for audit rows."""
        force, level = self.viewer.jurisdiction, self.viewer.area_level
        return {
            "area": self.viewer.area_code,
            **({} if level is None else {"level": level}),
            **({} if force is None else {"jurisdiction": force}),
            "code": code_version(),
        }

    def _current_snapshot(self) -> Snapshot:
        return current_snapshot(self.store, self.forces)

    def _require(self, table: str) -> None:
        with self._refusals_recorded("read", table):
            access.require_table(self.viewer, table)

    def _read(self, table: str) -> pl.DataFrame:
        """Return what the viewer may see of one table of the edition."""
        self._require(table)
        with self._refusals_recorded("read", table):
            return access.rows_for(self.viewer, table, self._table(table), self.scope, self.store.rounding_secret)

    def _require_area(self, table: str, level: str, code: str | None) -> None:
        if code is not None:
            with self._refusals_recorded("read", table, {level: code}):
                access.require_area(self.viewer, self.scope, level, code)

    def _table(self, table: str) -> pl.DataFrame:
        """Return a whole table. Not for pages: nothing has been dropped yet."""
        return edition_table(str(self.store.root.resolve()), self.edition_id, table)

    def _event(
        self,
        event: str,
        subject: str,
        *,
        success: bool = True,
        reason: str | None = None,
        details: dict[str, Any] | None = None,
        of_the_data: bool = False,
    ) -> AuditEvent:
        """Return the audit row of something; ``of_the_data`` when it reads the current snapshot, not the edition's."""
        snapshot = None
        if self.store.current_snapshot_id() is not None and (of_the_data or not self.has_edition):
            snapshot = self._current_snapshot()
        elif self.has_edition:
            snapshot = self.snapshot
        return AuditEvent(
            viewer=self.viewer.name,
            role=self.viewer.role,
            event=event,
            object=subject,
            edition_id=self.edition_id if self.has_edition else None,
            snapshot_id=snapshot.snapshot_id if snapshot else None,
            purpose=stated(snapshot.loads, "purpose") if snapshot else None,
            legal_basis=stated(snapshot.loads, "legal_basis") if snapshot else None,
            success=success,
            reason=reason,
            details={**self._whose(), **(details or {})},
        )

    def _still_granted(self, connection: sa.Connection) -> None:
        require_open_grant(connection, self.viewer)

    @contextmanager
    def _refusals_recorded(self, event: str, subject: str, view: dict[str, Any] | None = None) -> Iterator[None]:
        """Run the checks of the block; before all others, that the store holds a police force of the grant."""
        try:
            access.require_force(self.viewer, self._known_forces)
            yield
        except AccessDeniedError as error:
            details = {"view": view} if view else None
            append_audit(
                self.records, self._event(event, subject, success=False, reason=error.problem, details=details)
            )
            raise


def edition_table(root: str, edition_id: str, table: str) -> pl.DataFrame:
    """Return one table of an edition, kept in memory: editions never change. Never change the frame.

    Raises
    ------
    StoreError
        If the table was deleted after its retention, also when this process had read it before.
    """
    held = (Path(root) / "editions" / edition_id / f"{table}.parquet").is_file()
    return _kept_table(root, edition_id, table, held)


@lru_cache(maxsize=64)
def _kept_table(root: str, edition_id: str, table: str, held: bool) -> pl.DataFrame:
    return Edition(Store(Path(root)), edition_id).read(table)


_AREA_COLUMNS = {"area_code": pl.String, "level": pl.String, "parent_code": pl.String}
