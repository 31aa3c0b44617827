"""Files that come again: known ones are not read, and an edited mapping must give their rows the keys they have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from data.errors import SourceError
from data.integration.reports import FileReport
from data.sources.mapping import FileKind, Mapping


def loaded_before(
    reports: Sequence[FileReport],
    kinds: Sequence[FileKind],
    loads: Sequence[dict[str, Any]],
    mapping: Mapping,
    *,
    newest_only: bool,
) -> list[tuple[str, dict[str, Any]] | None]:
    """Return for each file the load that read it with the same mapping, and what it told of the file then.

    Parameters
    ----------
    newest_only
        What a database answers is its state now: it is known only if its last answer was the same, for a value may
        have been put back to what it was before.
    """
    found: dict[tuple[str, ...], tuple[str, dict[str, Any]]] = {}
    for load in loads:
        if load["source"] == mapping.source.name and load["mapping_sha256"] == mapping.sha256:
            for file in load["files"]:
                if newest_only:
                    found = {key: one for key, one in found.items() if key[0] != file["kind"]}
                found[file["kind"], file["sha256"], _own_name(file["file"])] = load["load_id"], file
                found[file["kind"], file["sha256"]] = load["load_id"], file
    return [
        found.get((report.kind, report.sha256, _own_name(report.file)))
        if _reads_names(kind)
        else found.get((report.kind, report.sha256))
        for report, kind in zip(reports, kinds, strict=True)
    ]


def as_before(report: FileReport, file: dict[str, Any]) -> FileReport:
    """Return the report of a file that is not read again: all it held is in the store."""
    now = {"file": report.file, "archive_sha256": report.archive_sha256}
    return FileReport(**{**file, **now, "new": 0, "replaced": 0, "unchanged": file["kept"]})


def require_known_keys(
    reports: Sequence[FileReport], kinds: Sequence[FileKind], loads: Sequence[dict[str, Any]], mapping: Mapping
) -> None:
    """Refuse a file whose rows were loaded before and would now be stored again under other record keys.

    Parameters
    ----------
    reports, kinds
        What became of the files, complete, and what each is.
    loads
        Earlier loads of the store; those of other sources are ignored.

    Raises
    ------
    SourceError
        If more rows of a file are new than were refused, or not read, when its bytes were loaded before.
    """
    by_name = {kind.table for kind in mapping.files if _reads_names(kind)}

    def same(sha256: str, table: str, file: str) -> tuple[str, str, str]:
        return sha256, table, _own_name(file) if table in by_name else ""

    before: dict[tuple[str, str, str], tuple[int, int]] = {}
    for load in loads:
        # Of a load that was reduced after its retention the rows are gone, not known under another key.
        if load["source"] != mapping.source.name or "reduced_from" in load:
            continue
        told: dict[tuple[str, str, str], list[tuple[int, int]]] = {}
        for file in load["files"]:
            counts = file["read"], sum(file["quarantined"].values())
            told.setdefault(same(file["sha256"], file["table"], file["file"]), []).append(counts)
        before |= {key: (sum(read for read, _ in some), sum(out for _, out in some)) for key, some in told.items()}
    now: dict[tuple[str, str, str], list[FileReport]] = {}
    for report in reports:
        if report.table != "lookup":
            now.setdefault(same(report.sha256, report.table, report.file), []).append(report)
    identities = {kind.table: ", ".join(kind.identity) for kind in kinds}
    for key in now.keys() & before.keys():
        read, refused = before[key]
        new = sum(report.new for report in now[key])
        if new > refused + max(0, sum(report.read for report in now[key]) - read):
            raise SourceError(
                f"the mapping was edited since this file was loaded, and {new:,} of its rows would get other record "
                f"keys than those they are stored under: they would count twice in {key[1]}.",
                where=now[key][0].file,
                remedy=f"Leave identity ({identities[key[1]]}), and how these columns are read, as they were; or "
                "ingest all files of the source into a new store.",
            )


def _reads_names(kind: FileKind) -> bool:
    """Return whether rules read the name of a file: the same bytes under another name then say something else."""
    return any(rule.file_name is not None for rule in kind.rules.values())


def _own_name(file: str) -> str:
    """Return the name of a file without the folders that told it apart from others: what a rule sees of it."""
    return file.rpartition("/")[2]
