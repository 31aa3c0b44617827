"""What a file looks like to the mappings: which [[file]] fits, which headers match, what cannot be read."""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from data.errors import SourceError
from data.integration.canonical import to_canonical
from data.shares import percent
from data.sources.mapping import FileKind, Mapping, built_in_mappings, load_mapping
from data.sources.matching import Fit, fit_of, match_kinds
from data.sources.packed import Unread, told_by_name, unpacked
from data.sources.reading import read_records, require_readable
from data.sources.reading.formats import first_line

#: Records mapped on trial; the rest are read by the same rules on ingest.
SAMPLE_ROWS = 5_000
#: A date beyond any believable load: a check has no clock, so only the earliest bound is tried.
NO_LATEST = date(9999, 12, 30)


@dataclass
class Trial:
    """What happened to the first records of a file under the [[file]] it fits.

    Attributes
    ----------
    problems
        "header: reason" → records, for instance ``{"發生日期: unreadable_value": 3}``.
    filled
        Canonical column → share of the kept records in which it has a value.
    """

    records: int
    sampled: int
    kept: int
    problems: dict[str, int] = field(default_factory=dict)
    notes: dict[str, int] = field(default_factory=dict)
    filled: dict[str, float] = field(default_factory=dict)


@dataclass
class MappingCheck:
    """How one mapping takes one file: every [[file]] with its fit, and a trial of those that would be used.

    Attributes
    ----------
    chosen, trial
        The block the file belongs to, and what happened to its first records; nothing is tried of a member of an
        archive whose layout was tried before.
    beside
        Blocks that read the same file for another table → their trial, of those that were tried.
    """

    mapping: str
    title: str
    chosen: str | None
    fits: list[Fit]
    trial: Trial | None = None
    beside: dict[str, Trial] = field(default_factory=dict)


@dataclass
class SourceCheck:
    """How the mappings take one file."""

    file: str
    mappings: list[MappingCheck]

    @property
    def fitting(self) -> list[str]:
        """Names of the mappings that would take the file."""
        return [check.mapping for check in self.mappings if check.chosen is not None]

    @property
    def nearest(self) -> list[MappingCheck]:
        """The mappings that read most headers of the file though they do not fit, where any does; three at most."""
        read = {check.mapping: max((len(fit.matched) for fit in check.fits), default=0) for check in self.mappings}
        some = [check for check in self.mappings if check.chosen is None and read[check.mapping] > 1]
        return sorted(some, key=lambda check: -read[check.mapping])[:3] if not self.fitting else []

    def to_dict(self) -> dict[str, Any]:
        """Return the check as JSON-able values."""
        return {**asdict(self), "fitting": self.fitting}

    def to_text(self) -> str:
        """Return the check for a terminal: the fitting mappings in full, the others in one line each."""
        lines = [f"{self.file}: fits {', '.join(self.fitting) or 'no mapping'}"]
        if not self.fitting:
            lines.append(f"Propose a new mapping: beatwise source new {self.file.partition('/')[0]} --output mine.toml")
        # With a mapping named, or one that fits, every reason is of interest; else only the nearest ones.
        near = {check.mapping for check in self.nearest} if len(self.mappings) > 1 else {self.mappings[0].mapping}
        for check in self.mappings:
            if check.chosen is None:
                if check.mapping in near:
                    lines += ["", f"{check.mapping} ({check.title}): does not fit"]
                    lines += [f"  {fit.kind} ({fit.table}): {fit.misfit}" for fit in check.fits]
                continue
            lines.append("")
            by_name = {fit.kind: fit for fit in check.fits}
            used = [by_name[check.chosen], *(by_name[name] for name in check.beside)]
            lines.append(f"{check.mapping} ({check.title}): " + _used_words(used))
            unread = set.intersection(*(set(fit.extra) for fit in used))
            for fit in used:
                if len(used) > 1:
                    lines.append(f"  as {fit.kind} into {fit.table}:")
                lines += [f"  {column:<24} ← {header}" for column, header in fit.matched.items()]
                if fit.missing:
                    lines.append(f"  not in the file, stays empty: {', '.join(fit.missing)}")
                trial = check.trial if fit.kind == check.chosen else check.beside[fit.kind]
                lines += _trial_lines(trial) if trial is not None else []
            if extra := [header for header in used[0].extra if header in unread]:
                lines.append(f"  in the file, not read: {', '.join(extra)}")
            if used[0].personal:
                lines.append(f"  personal, dropped at the door: {', '.join(used[0].personal)}")
            lines += [
                f"  beside it, but not read: {kind} ({misfit})"
                for kind, misfit in ((fit.kind, fit.misfit) for fit in check.fits if fit.beside == check.chosen)
                if misfit
            ]
        return "\n".join(lines)


def _used_words(used: list[Fit]) -> str:
    if len(used) == 1:
        return f"read as {used[0].kind} into {used[0].table}"
    return f"fills {len(used)} tables: {', '.join(fit.table for fit in used)}"


def _trial_lines(trial: Trial) -> list[str]:
    lines = [f"  {trial.sampled:,} of {trial.records:,} records tried: {trial.kept:,} kept"]
    lines += [f"    {count:,} × {problem}" for problem, count in trial.problems.items()]
    lines += [f"    {count:,} × {note} (row kept)" for note, count in trial.notes.items()]
    poor = [f"{name} {percent(share, 1)}" for name, share in trial.filled.items() if share < 1]
    return [*lines, f"    not always filled: {', '.join(poor)}"] if poor else lines


@dataclass
class PackedCheck:
    """How the mappings take the members of an archive."""

    file: str
    members: list[SourceCheck]
    unread: list[Unread]

    def to_dict(self) -> dict[str, Any]:
        """Return the checks as JSON-able values."""
        members = [check.to_dict() for check in self.members]
        return {"file": self.file, "members": members, "unread": [asdict(one) for one in self.unread]}

    def to_text(self) -> str:
        """Return the checks for a terminal: of members that fare alike the first in full, the others by their names."""
        lines = [f"{self.file}: an archive of {len(self.members) + len(self.unread)} files"]
        alike: dict[tuple[Any, ...], list[SourceCheck]] = {}
        for check in self.members:
            headers = tuple(tuple(fit.matched.items()) for one in check.mappings for fit in one.fits)
            alike.setdefault((*check.fitting, headers), []).append(check)
        for first, *others in alike.values():
            lines += ["", first.to_text()]
            if others:
                lines.append(f"  read alike: {', '.join(check.file for check in others)}")
        return "\n".join([*lines, *(f"{one.file}: {one.reason}" for one in self.unread)])


def check_file(path: Path, mapping: str | Path | None = None) -> SourceCheck | PackedCheck:
    """Say which mapping fits a file, or each member of an archive; nothing is stored.

    Raises
    ------
    SourceError
        As :func:`check_source`, or if a packed file cannot be unpacked.
    """
    with unpacked([path], Path(tempfile.gettempdir())) as (files, unread), told_by_name(files):
        if not files[0].is_member:
            return check_source(files[0].path, mapping, name=files[0].name)
        checked = PackedCheck(path.name, [], unread)
        mappings = _mappings(mapping)
        tried: set[tuple[bytes, str, str]] = set()
        for file in files:
            try:
                require_readable(file.path)
            except SourceError as error:
                checked.unread.append(Unread(file.name, error.problem))
                continue
            # An archive may hold thousands of files of one layout: one of each is tried, the others only compared.
            layout = first_line(file.path)
            checks = []
            for one in mappings:
                found = check_mapping(file.path, one, trial=False)
                if found.chosen is not None and (not layout or (layout, found.mapping, found.chosen) not in tried):
                    found = check_mapping(file.path, one)
                    tried.add((layout, found.mapping, str(found.chosen)))
                checks.append(found)
            checked.members.append(SourceCheck(file.name, checks))
        return checked


def check_source(path: Path, mapping: str | Path | None = None, *, name: str | None = None) -> SourceCheck:
    """Say which mapping fits a file and what does not; nothing is stored.

    Parameters
    ----------
    path
        The file.
    mapping
        Built-in name or TOML path; None tries every built-in mapping.
    name
        What the check calls the file, its own name by default.

    Raises
    ------
    SourceError
        If the file does not exist, its ending is unknown, or the mapping cannot be read.
    """
    require_readable(path)
    return SourceCheck(name or path.name, [check_mapping(path, one) for one in _mappings(mapping)])


def _mappings(mapping: str | Path | None) -> list[Mapping]:
    return [load_mapping(name) for name in (built_in_mappings() if mapping is None else [mapping])]


def check_mapping(path: Path, mapping: Mapping, *, trial: bool = True) -> MappingCheck:
    """Say how one mapping takes one file, and with ``trial`` what would become of its first records."""
    fits = [fit_of(path, kind) for kind in mapping.files]
    chosen = next((fit.kind for fit in fits if fit.fits and fit.beside is None), None)
    check = MappingCheck(mapping.source.name, mapping.source.title_en, chosen, fits)
    if chosen is not None:
        host, *others = match_kinds(path, mapping)
        if trial:
            check.trial = _try(path, host, mapping)
            check.beside = {kind.name: _try(path, kind, mapping) for kind in others}
    return check


def _try(path: Path, kind: FileKind, mapping: Mapping) -> Trial:
    raw = read_records(path, kind)
    records = raw.records
    raw.frame = raw.frame.head(SAMPLE_ROWS)
    if kind.table == "lookup":
        return Trial(records, raw.records, raw.frame.height)
    rows = to_canonical(
        raw, kind, mapping.jurisdiction, source=mapping.source.name, file_name=path.name, latest=NO_LATEST
    )
    said = [
        f"{column}: {reason}" if column else reason
        for column, reason in rows.refused.select("column", "reason").iter_rows()
    ]
    kept = rows.kept
    filled = {name: 1 - kept[name].null_count() / kept.height for name in sorted(rows.provided) if kept.height}
    return Trial(records, rows.read, kept.height, dict(Counter(said).most_common()), rows.notes, filled)
