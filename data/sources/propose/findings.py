"""What a proposal says: headers and what they would become, what is still to be asked, and the mapping's text."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from data.shares import percent
from data.sources.packed import Unread
from data.sources.propose.lexicon import STRONG, WEAK
from data.wide import cells, padded

#: Confidence of a column found by its values alone.
BY_VALUES = 0.5


@dataclass(frozen=True)
class ColumnProposal:
    """What one header would become.

    Attributes
    ----------
    header
        As published; several joined by " + ".
    column
        Canonical column, ``time.at``, ``point.x`` …; None when the header is not read.
    confidence
        0 to 1; how sure the proposal is. 0 for headers that are not read.
    reason
        Why, in one sentence.
    """

    header: str
    column: str | None
    confidence: float
    reason: str

    @property
    def code(self) -> str:
        """What the proposal rests on, as a code for pages in several languages."""
        if self.column is None:
            return "empty" if "always empty" in self.reason else "unread"
        for code, says in (("constant", self.header == "(constant)"), ("joined", " + " in self.header)):
            if says:
                return code
        block = self.column.partition(".")[0]
        if block in ("time", "point"):
            return {"time": "dates", "point": "coordinates"}[block] if self.confidence else "nothing"
        return "name" if self.confidence >= STRONG else "name_maybe" if self.confidence >= WEAK else "values"


@dataclass(frozen=True)
class Question:
    """Something the files do not tell: which value was filled in, why it is doubtful, what else it could be."""

    name: str
    value: str
    why: str
    choices: tuple[str, ...] = ()

    @property
    def code(self) -> str:
        """What is asked, as a code for pages in several languages: the first word, with "of" what it is about."""
        return self.name.split(" of ")[0].replace(" ", "_")


@dataclass
class FileProposal:
    """The [[file]] block for one file, and how the sample fares under it."""

    file: str
    table: str
    block: dict[str, Any]
    columns: list[ColumnProposal]
    personal: dict[str, str] = field(default_factory=dict)
    questions: list[Question] = field(default_factory=list)
    tried: int = 0
    kept: int = 0
    problems: dict[str, int] = field(default_factory=dict)
    notes: dict[str, int] = field(default_factory=dict)


@dataclass
class Proposal:
    """A mapping proposed for some files.

    Attributes
    ----------
    toml
        Text of the mapping; loads as it is.
    questions
        What must be confirmed before anything is ingested; the same names stand under ``unconfirmed``.
    unread
        Members of archives that were not looked at, and why.
    """

    name: str
    files: list[FileProposal]
    questions: list[Question]
    toml: str
    unread: list[Unread] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return the proposal as JSON-able values."""
        return asdict(self)

    def to_text(self) -> str:
        """Return the proposal for a terminal."""
        lines = []
        for one in self.files:
            lines.append(f"{one.file}: read into {one.table}; {one.kept:,} of {one.tried:,} records of the sample kept")
            width = max((cells(item.header) for item in one.columns if item.column), default=0)
            for item in sorted(one.columns, key=lambda item: -item.confidence):
                if item.column is not None:
                    name = padded(item.header, width)
                    lines.append(f"  {name}  → {item.column:<18} {percent(item.confidence):>4}  {item.reason}")
            if unread := [item.header for item in one.columns if item.column is None]:
                shown = ", ".join(unread[:20]) + (f" and {len(unread) - 20} more" if len(unread) > 20 else "")
                lines.append(f"  not read: {shown}")
            lines += [f"  {header}: personal, dropped at the door ({why})" for header, why in one.personal.items()]
            lines += [f"    quarantined: {count:,} × {problem}" for problem, count in one.problems.items()]
            lines += [f"    kept, but: {count:,} × {note}" for note, count in one.notes.items()]
            if one.table == "lookup":
                lines.append(
                    "  no column tells when or where: kept aside as a table of codes, no calls are read from it"
                )
        lines += [f"{one.file}: not read: {one.reason}" for one in self.unread]
        if self.questions:
            lines.append("To confirm before anything can be ingested (then delete the name from `unconfirmed`):")
            for question in self.questions:
                more = f" Or: {', '.join(question.choices)}." if question.choices else ""
                lines.append(f"  {question.name} = {question.value}: {question.why}{more}")
        return "\n".join(lines)


@dataclass(frozen=True)
class Known:
    """What the steward says beforehand; None = find out or ask.

    Attributes
    ----------
    near
        Longitude and latitude of any point of the area, degrees: tells projected systems of one family apart.
    """

    name: str | None = None
    jurisdiction: str | None = None
    timezone: str | None = None
    crs: str | None = None
    near: tuple[float, float] | None = None
    legal_basis: str | None = None
    purpose: str | None = None
