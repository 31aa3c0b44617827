"""A [[file]] block in the making: the sample, what its values look like, and what has been decided so far."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from data.shares import percent
from data.sources.personal import key_of_header
from data.sources.personal_values import MOSTLY, redact, share_personal, without_personal
from data.sources.propose.findings import ColumnProposal, FileProposal, Known, Question
from data.sources.propose.lexicon import matches
from data.sources.propose.profiling import Profile, profile_column
from data.sources.propose.sampling import Sample
from data.sources.reading import GEOMETRY, POINT_LAT, POINT_LON

#: What the first cell of a row says that adds up the others.
TOTAL = r"(?i)^(?:[合总小總]\s*[计計]|(?:grand |sub)?total(?: general)?|gesamt|insgesamt|summe)\s*[:：]?$"


class Draft:
    """The [[file]] block of one sample while it is being found.

    Attributes
    ----------
    profiles
        What the values of each header look like, personal headers left out.
    taken
        Headers that a rule reads already.
    spot
        Longitude and latitude, degrees, of where the records lie, as soon as it is known.
    near
        The same, of the steward or of another file.
    totals
        Key of the column in which some rows say that they add up the others; they are no records.
    clocks_are_local
        Times marked as UTC turned out to be those of the local clock.
    """

    def __init__(self, sample: Sample, known: Known) -> None:
        self.sample = sample
        self.known = known
        self.questions: list[Question] = []
        self.columns: list[ColumnProposal] = []
        self.taken: set[str] = set()
        self.projected_crs: str | None = None
        self.spot: tuple[float, float] | None = None
        self.near = known.near
        self.clocks_are_local = False
        self.totals = _total_rows(sample)
        texts = sample.texts if self.totals is None else sample.texts.filter(~_is_total(self.totals))
        made_up = {name: name for name in (POINT_LON, POINT_LAT) if name in texts.columns}
        named = {**sample.raw.headers, **made_up}
        self.profiles = [profile_column(key, header, texts[key]) for key, header in named.items() if key != GEOMETRY]
        self.personal = dict.fromkeys(sample.raw.dropped, "by its name")
        for profile in list(self.profiles):
            share, kind = share_personal(profile.texts)
            if share >= MOSTLY and not _is_series(profile):
                self.personal[profile.header] = f"{percent(share)} of its values are of the kind {kind}"
                self.profiles.remove(profile)
        self.chinese = any(re.search(r"[\u4e00-\u9fff]", profile.header) for profile in self.profiles) or any(
            matches("jjdbh|bjsj|jqlb.*|gxdwdm|pjdbh|fkdbh|bzdz.*", profile.header) for profile in self.profiles
        )
        self.signature = (sample.form, tuple(sample.raw.headers))
        self.table = ""
        self.block: dict[str, Any] = {}

    def use(
        self, column: str, profile: Profile, confidence: float, reason: str, rule: dict[str, Any] | None = None
    ) -> None:
        """Fill a canonical column (or ``time.*``, ``point.*``) from a header, and say why."""
        rule = {"from": name_of(profile), **(rule or {})}
        block, _, key = column.rpartition(".")
        target = self.block.setdefault(block or "columns", {})
        target[key] = rule
        self.taken.add(profile.header)
        self.columns.append(ColumnProposal(profile.header or profile.key, column, round(confidence, 2), reason))

    @property
    def headers_read(self) -> list[str]:
        """Headers that rules read, without made-up ones."""
        read = [one for one in self.columns if one.column and not one.header.startswith(("(", "$"))]
        return list(dict.fromkeys(part for one in read for part in one.header.split(" + ")))

    def proposal(self) -> FileProposal:
        """Return what was found."""
        shown = [replace(one, header=redact(one.header)[0] or "***") for one in self.columns]
        return FileProposal(self.sample.name, self.table, self.block, shown, self.personal, self.questions)


def _is_total(key: str) -> pl.Expr:
    return pl.col(key).str.contains(TOTAL).fill_null(False)


def _total_rows(sample: Sample) -> str | None:
    """Return the key of the first columns in which a few cells of the file say "total"."""
    for key in list(sample.raw.headers)[:3]:
        if key != GEOMETRY and key in sample.texts.columns:
            rows = sample.texts.select(_is_total(key).sum()).item()
            if 0 < rows <= max(1, 0.1 * sample.texts.height):
                return key
    return None


def _is_series(profile: Profile) -> bool:
    _, found = without_personal(profile.texts, identifies=True)
    return sum(int(mask.sum()) for mask in found.values()) < MOSTLY * profile.texts.len()


def name_of(profile: Profile) -> str:
    """Return what a rule calls a column: its header; the key when that is empty or repeated."""
    return profile.key if profile.key != key_of_header(profile.header) else profile.header


def glob_of(path: Path) -> str:
    """Return a pattern for a file's name and those like it: every number may be another one."""
    return re.sub(r"\d+", "*", redact(path.name)[0] or "*").replace("[", "?").replace("**", "*").lower()
