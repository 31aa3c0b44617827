"""Quality, lineage and catalogue as text for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from data.lineage import Lineage
from data.quality.measures import QualityReport
from data.quality.thresholds import Verdict
from data.shares import percent
from data.wide import padded


def quality_text(reports: Sequence[QualityReport], verdicts: Sequence[Verdict]) -> str:
    """Return the funnels of the newest report and every verdict, worst first."""
    lines: list[str] = []
    for funnel in reports[-1].funnels if reports else []:
        lines.append(f"{funnel['source']}")
        for step in funnel["steps"]:
            lost = ", ".join(f"{reason} {rows:,}" for reason, rows in step["lost"].items())
            lines.append(f"  {step['step']:<10}{step['rows']:>12,}{'   lost: ' + lost if lost else ''}")
        valid = funnel["valid"]
        lines.append(
            f"  of the valid: reported {valid['reported']:,}, discovered by police {valid['police']:,}, "
            f"unknown {valid['discovery_unknown']:,}; category changed at feedback {valid['category_changed']:,}; "
            f"officer-hours known {valid['with_officer_hours']:,}"
        )
    order = {"blocked": 0, "warned": 1, "too_few": 2, "passed": 3}
    for one in sorted(verdicts, key=lambda verdict: (order[verdict.status], verdict.source, verdict.threshold)):
        side = "≥" if one.bound_is == "at_least" else "≤"
        value = f"{one.value:.4g} days" if one.kind == "timeliness" else percent(one.value, 2)
        lines.append(f"{one.status:<8} {padded(one.source, 12)} {one.threshold:<20} {value:>10}  {side} {one.bound:g}")
    return "\n".join(lines) or "nothing has been loaded yet"


def lineage_text(found: Lineage) -> str:
    """Return the way from an edition to its files, one step a line."""
    lines = [
        f"edition  {found.edition_id}  as of {found.as_of}, published {found.published_at}, code {found.code_version}",
        f"table    {found.table}" + (f"  advice {found.advice_id}" if found.advice_id else ""),
        f"snapshot {found.snapshot_id}  " + ", ".join(f"{name} {rows:,}" for name, rows in found.tables.items()),
    ]
    for file in found.files:
        lines.append(
            f"  {file.load_id}  {padded(file.file, 28)} {file.table:<14} read {file.read:>9,}  kept {file.kept:>9,}  "
            f"quarantined {file.quarantined:>6,}  {file.sha256[:12]}"
            + (f", packed {file.archive_sha256[:12]}" if file.archive_sha256 else "")
        )
    for row in found.rows:
        back = f" ({row['removals']:,} of them take one back)" if row["removals"] else ""
        lines.append(f"  {found.rows_are}: {row['rows']:,} rows of {row['table']} from {row['source_file']}{back}")
    return "\n".join(lines)


def catalogue_text(described: pl.DataFrame) -> str:
    """Return one line per column: table, column, class, grade, purposes, basis, retention."""
    return "\n".join(
        f"{row['table']:<16} {row['column']:<22} {row['class']:<12} G{row['grade']}  {','.join(row['purposes'])}  "
        f"{row['legal_basis']}  {row['retention']}"
        for row in described.iter_rows(named=True)
    )
