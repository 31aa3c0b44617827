"""What an ingest did, for machines (``to_dict``) and for people (``to_text``)."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from data.errors import SchemaError
from data.sources.packed import Unread
from data.wide import cells, padded


@dataclass
class FileReport:
    """What became of the rows of one file: read = kept + quarantined, kept = new + unchanged + replaced.

    Attributes
    ----------
    file, kind, table
        Name of the file, the [[file]] block it fits, the canonical table (or ``lookup``).
    quarantined
        Reason → rows.
    personal_dropped
        Headers that were not read.
    notes
        Cells that could not be used although their row was kept, by kind.
    archive_sha256
        Digest of the packed file it came in, empty for a plain one; ``sha256`` is that of what was read.
    """

    file: str
    kind: str
    table: str
    sha256: str
    bytes: int
    read: int = 0
    kept: int = 0
    new: int = 0
    unchanged: int = 0
    replaced: int = 0
    quarantined: dict[str, int] = field(default_factory=dict)
    personal_dropped: list[str] = field(default_factory=list)
    notes: dict[str, int] = field(default_factory=dict)
    archive_sha256: str = ""

    def check(self) -> None:
        """Refuse counts that do not add up.

        Raises
        ------
        SchemaError
            If a row is unaccounted for.
        """
        if self.read != self.kept + sum(self.quarantined.values()):
            raise SchemaError(
                f"{self.read} rows were read but {self.kept} kept and {sum(self.quarantined.values())} quarantined.",
                where=self.file,
            )
        if self.kept != self.new + self.unchanged + self.replaced:
            raise SchemaError(f"{self.kept} rows were kept but not all were stored or known.", where=self.file)


@dataclass
class IngestReport:
    """What one ingest did.

    Attributes
    ----------
    already_loaded
        True when the same files had been loaded with the same mapping before; nothing was written then.
    notes
        Calls of the whole snapshot whose point is not believed, by kind: they are not located and count in totals.
    unread
        Members of archives that nothing in the mapping reads.
    """

    snapshot_id: str
    load_id: str
    source: str
    files: list[FileReport]
    already_loaded: bool = False
    notes: dict[str, int] = field(default_factory=dict)
    unread: list[Unread] = field(default_factory=list)

    def totals(self) -> dict[str, Any]:
        """Return the sums over all files, quarantined by reason."""
        quarantined: Counter[str] = Counter()
        for report in self.files:
            quarantined.update(report.quarantined)
        counts = {name: sum(getattr(one, name) for one in self.files) for name in _COUNTS}
        return {**counts, "quarantined": dict(sorted(quarantined.items()))}

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON-able values; the totals stand at the top level."""
        return {
            "snapshot_id": self.snapshot_id,
            "load_id": self.load_id,
            "source": self.source,
            "already_loaded": self.already_loaded,
            **self.totals(),
            "notes": self.notes,
            "files": [asdict(report) for report in self.files],
            "unread": [asdict(one) for one in self.unread],
        }

    def to_text(self) -> str:
        """Return the report as a table for a terminal."""
        width = max([cells(report.file) for report in self.files] + [5])
        lines = [f"{'file':<{width}}  {'table':<14}" + "".join(f"{name:>13}" for name in (*_COUNTS, "quarantined"))]
        for report in self.files:
            counts = [getattr(report, name) for name in _COUNTS] + [sum(report.quarantined.values())]
            lines.append(
                f"{padded(report.file, width)}  {report.table:<14}" + "".join(f"{count:>13,}" for count in counts)
            )
        totals = self.totals()
        counts = [totals[name] for name in _COUNTS] + [sum(totals["quarantined"].values())]
        lines.append(f"{'total':<{width}}  {'':<14}" + "".join(f"{count:>13,}" for count in counts))
        lines += [f"  quarantined {reason}: {count:,}" for reason, count in totals["quarantined"].items()]
        for report in self.files:
            lines += [f"  {report.file}: {count:,} {note}" for note, count in report.notes.items()]
            if report.personal_dropped:
                lines.append(f"  {report.file}: personal columns not read: {', '.join(report.personal_dropped)}")
        lines += [f"  snapshot: {count:,} {note} (kept, not located)" for note, count in self.notes.items()]
        lines += [f"  not read: {one.file}: {one.reason}" for one in self.unread]
        state = "nothing new: these files were loaded before" if self.already_loaded else f"load {self.load_id}"
        return "\n".join([*lines, f"snapshot {self.snapshot_id} ({state})"])


_COUNTS = ("read", "kept", "new", "unchanged", "replaced")
