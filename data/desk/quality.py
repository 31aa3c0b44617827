"""Quality and catalogue at the desk: how good the loads are, what may be published, what is held on which basis."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import polars as pl

from data import access
from data.catalogue.bases import LegalBases, legal_bases
from data.catalogue.columns import Catalogue, catalogue, describe_columns, grade_problems
from data.catalogue.routing import RoutingRule, route, routing_rules
from data.desk.base import DeskBase
from data.exports import Export
from data.forces import editions_beside_others
from data.integration.write_back import file_name_for, write_visits
from data.quality.entries import count_records, measure_entries
from data.quality.measures import QualityReport, quality_history, report_quality
from data.quality.thresholds import Verdict, judge_store
from data.records.audit import append_audit
from data.records.visits import read_all_visits
from data.retention import expiry_list, plan_retention, retention_reports
from data.snapshots import current_snapshot
from data.sources.mapping import Mapping, built_in_mappings, load_mapping


class Quality(DeskBase):
    """Reads quality, catalogue and routing. Quality is that of the **current** snapshot, like loads and quarantine."""

    def quality_reports(self) -> list[QualityReport]:
        """Return the quality report of every load, oldest first."""
        self._require("quality")
        return [self._of_own_sources(one) for one in quality_history(self.store) if self._is_own(one.jurisdiction)]

    def quality_verdicts(self) -> list[Verdict]:
        """Return every threshold tried on the newest load of each source that has its measure."""
        self._require("quality")
        return judge_store(self.store, self.forces)

    def funnels(self) -> list[dict[str, Any]]:
        """Return the funnel of every source with what each step loses, see ``data.quality.funnel``."""
        self._require("quality")
        return self._of_own_sources(report_quality(current_snapshot(self.store))).funnels

    def entries(self) -> pl.DataFrame:
        """Return which fields people fill in and which they need not, see ``data.quality.entries``."""
        self._require("quality")
        return measure_entries(count_records(self.records, self._own_editions()))

    def catalogue_columns(self) -> pl.DataFrame:
        """Return every column of every table with class, grade, purposes, basis and retention: metadata, no data."""
        self._require("catalogue")
        return describe_columns()

    def catalogue_words(self) -> dict[str, dict[str, tuple[str, str]]]:
        """Return the (Chinese, English) words of the catalogue's ids: class, retention, reason, purpose, basis."""
        self._require("catalogue")
        known, register = catalogue(), legal_bases()
        return {
            "class": {key: (one.zh, one.en) for key, one in known.classes.items()},
            "retention": {key: (one.zh, one.en) for key, one in known.retentions.items()},
            "reason": {key: (one.zh, one.en) for key, one in known.reasons.items()},
            "purpose": {one.id: (one.zh, one.en) for one in register.purposes},
            "basis": {one.id: (one.zh, one.en) for one in register.bases},
        }

    def today(self) -> date:
        """Return the day of the records' clock, in UTC: the day retention is judged on."""
        return date.fromisoformat(self.records.now()[:10])

    def retention_due(self, as_of: date) -> pl.DataFrame:
        """Return what the store holds and when it must go, the earliest first; nothing is deleted.

        Returns
        -------
        DataFrame
            Columns of ``RETENTION``. ``rows_due`` counts what is past its period on ``as_of``; 0 for what is to come.
        """
        self._require("retention")
        due = {(one.holder, one.table, one.columns): one.rows for one in plan_retention(self.store, as_of)}
        rows = [
            {**one.to_dict(), "due": one.due, "rows_due": due.get((one.holder, one.table, one.columns), 0)}
            for one in expiry_list(self.store)
            if self._holds_own(one.kind, one.holder)
        ]
        return pl.DataFrame(rows, schema=RETENTION)

    def retention_reports(self) -> list[dict[str, Any]]:
        """Return what earlier runs of ``beatwise retain`` deleted, newest first: counts and rules, no rows."""
        self._require("retention")
        reports = retention_reports(self.store)
        if self.forces is None:
            return reports
        own = [
            {**one, "items": [item for item in one["items"] if self._holds_own(item["kind"], item["holder"])]}
            for one in reports
        ]
        # What else was erased is told by ids of snapshots, which all forces share.
        return [{**one, "erased": {}} for one in own if one["items"]]

    def catalogue_rules(self) -> Catalogue:
        """Return classes, retention classes and derivations as the catalogue states them."""
        self._require("catalogue")
        return catalogue()

    def grade_problems(self) -> list[str]:
        """Return what is wrong with the grades of derived columns; none when each keeps that of its inputs."""
        self._require("catalogue")
        return grade_problems()

    def legal_bases(self) -> LegalBases:
        """Return the register of legal bases with their texts over time."""
        self._require("catalogue")
        return legal_bases()

    def routing(self) -> tuple[RoutingRule, ...]:
        """Return the rules that say which advice goes to whose desk."""
        self._require("routing")
        return routing_rules()

    def routed(self, table: str) -> pl.DataFrame:
        """Return the viewer's rows of an advice table with ``rule_id``, ``desk_role``, ``desk_level``, ``desk_area``.

        ``mine`` marks the rows that go to the viewer's own desk: an officer's beat, a commander's station (or the
        stations of the own sub-bureau), the whole force for its commander.
        """
        self._require("routing")
        routed = route(table, self._read(table))
        viewer = self.viewer
        own_area = pl.col("desk_area") == pl.lit(viewer.area_code, dtype=pl.String)
        if viewer.area_code is None:
            here = pl.col("desk_level") == "force"
        elif viewer.area_level == "sub_bureau":
            here = pl.col("desk_level") == "station"
        else:
            here = own_area
        return routed.with_columns(mine=((pl.col("desk_role") == viewer.role) & here).fill_null(False))

    def inbox(self) -> pl.DataFrame:
        """Return how much advice each routing rule sends where: ``rule_id``, ``table``, ``rows``, ``mine``."""
        self._require("routing")
        counts = []
        for table in dict.fromkeys(rule.table for rule in routing_rules()):
            if access.may_read(self.viewer, table):
                own = self.routed(table).group_by("rule_id").agg(rows=pl.len(), mine=pl.col("mine").sum())
                counts.append(own.with_columns(table=pl.lit(table)))
        order = {rule.id: number for number, rule in enumerate(routing_rules())}
        found = pl.concat(counts) if counts else pl.DataFrame(schema=INBOX)
        found = found.select(pl.col(name).cast(dtype) for name, dtype in INBOX.items())
        return found.sort(pl.col("rule_id").replace_strict(order, return_dtype=pl.Int64))

    def visits_layouts(self) -> list[str]:
        """Return the sources of the current snapshot whose column layout recorded visits can be written in."""
        self._require("visits_export")
        return [name for name, mapping in self._mappings().items() if _writes_visits(mapping)]

    def visits_file_name(self, source: str) -> str:
        """Return the name a file of visits in the layout of a source has, so that the mapping knows it again."""
        self._require("visits_export")
        return file_name_for(self._mappings()[source], f"beatwise_{self.records.now()[:10].replace('-', '')}")

    def export_visits(self, source: str) -> Export:
        """Return the visits recorded here in the column layout of a source. The audit row is written first.

        Where the store holds several police forces, the visits are those of the source's own force.

        Raises
        ------
        AccessDeniedError
            If the role does not write data back, or the source is another police force's.
        SourceError
            If the source has no layout visits could be written in.
        """
        with self._refusals_recorded("export", "visits_export", {"source": source}):
            access.require_doing(self.viewer, "export_visits")
            access.require_table(self.viewer, "visits_export")
            mapping = self._mappings().get(source) or load_mapping(source)
            self._require_own_mapping(mapping)
        editions = self._own_editions()
        if editions is None:
            editions = editions_beside_others(self.store, mapping.jurisdiction.code)
        records = read_all_visits(self.records, editions)
        content = write_visits(records, mapping)
        stem = f"beatwise_{self.records.now()[:10].replace('-', '')}"
        export = Export(file_name_for(mapping, stem), content, "text/csv")
        details = {"source": source, "rows": records.height, "sha256": export.sha256}
        append_audit(self.records, self._event("export", "visits_export", details=details))
        return export

    def _mappings(self) -> dict[str, Mapping]:
        named = {load["source"] for load in self._current_snapshot().loads}
        return {name: load_mapping(name) for name in built_in_mappings() if name in named}

    def _of_own_sources(self, report: QualityReport) -> QualityReport:
        """Return a report whose funnel, which is that of a whole snapshot, is of the viewer's forces only."""
        if self.forces is None:
            return report
        own = {load["source"] for load in self._current_snapshot().loads}
        return replace(report, funnels=[one for one in report.funnels if one["source"] in own])

    def _holds_own(self, kind: str, holder: str) -> bool:
        """Return whether a load or an edition is of the viewer's forces."""
        if self.forces is None:
            return True
        if kind == "edition":
            return holder in self._own_edition_ids
        return self._is_own(str(self.store.load_report(holder)["jurisdiction"]["code"]))


def _writes_visits(mapping: Mapping) -> bool:
    return any(kind.table == "visits" and "csv" in kind.formats for kind in mapping.files)


#: Columns of :meth:`Quality.inbox`.
INBOX = {"rule_id": pl.String, "table": pl.String, "rows": pl.Int64, "mine": pl.Int64}
#: Columns of :meth:`Quality.retention_due`.
RETENTION: dict[str, Any] = {
    "kind": pl.String,
    "holder": pl.String,
    "source": pl.String,
    "table": pl.String,
    "retention": pl.String,
    "columns": pl.List(pl.String),
    "since": pl.String,
    "due": pl.Date,
    "rows": pl.Int64,
    "rows_due": pl.Int64,
}
