"""The rule table of visits: how often each kind of object is due, from which text, and since when."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from pathlib import Path
from typing import Any

from data.errors import SourceError
from data.schemas.columns import VISIT_KINDS

#: The shipped table.
SHIPPED = Path(__file__).with_name("visit_rules.toml")
CADENCES = ("times_per_month", "every_months", "every_days")


@dataclass(frozen=True)
class VisitRule:
    """One rule. See ``data/visit_rules.toml`` for what each field means; at most one cadence is set."""

    rule_id: str
    visit_kind: str
    source: str
    assumed: bool
    grade: str | None = None
    times_per_month: int | None = None
    every_months: int | None = None
    every_days: int | None = None
    first_within_days: int | None = None
    triggered: bool = False
    priority: int = 3
    valid_from: date | None = None
    valid_to: date | None = None

    def __post_init__(self) -> None:
        where = f"visit rule {self.rule_id!r}"
        if self.visit_kind not in VISIT_KINDS:
            raise SourceError(
                f"visit_kind {self.visit_kind!r} is unknown.",
                where=where,
                remedy=f"Use one of {', '.join(VISIT_KINDS)}.",
            )
        if not self.source.strip():
            raise SourceError("the rule names no source.", where=where, remedy="Say which text it comes from.")
        stated = [name for name in CADENCES if getattr(self, name) is not None]
        if len(stated) > 1:
            raise SourceError(f"states {' and '.join(stated)}.", where=where, remedy="State one cadence only.")
        if not stated and self.first_within_days is None:
            raise SourceError(
                "states neither a cadence nor first_within_days.",
                where=where,
                remedy=f"Add one of {', '.join(CADENCES)}, or first_within_days for a visit made once.",
            )
        for name in (*CADENCES, "priority"):
            value = getattr(self, name)
            if value is not None and (type(value) is not int or not 1 <= value <= 10_000):
                raise SourceError(f"{name} must be a whole number of 1 or more, got {value!r}.", where=where)
        if self.times_per_month is not None and self.times_per_month > 28:
            raise SourceError(
                f"times_per_month must be 28 or fewer, got {self.times_per_month}.",
                where=where,
                remedy="Use every_days for daily visits.",
            )
        within = self.first_within_days
        if within is not None and (type(within) is not int or within < 0):
            raise SourceError(f"first_within_days must be a whole number of 0 or more, got {within!r}.", where=where)
        for name in ("valid_from", "valid_to"):
            value = getattr(self, name)
            if value is not None and type(value) is not date:
                raise SourceError(f"{name} must be a date such as 2015-01-01, got {value!r}.", where=where)
        if self.valid_from and self.valid_to and self.valid_to <= self.valid_from:
            raise SourceError("valid_to must lie after valid_from.", where=where)

    @property
    def once(self) -> bool:
        """Whether one visit with contact settles the matter for good."""
        return all(getattr(self, name) is None for name in CADENCES)

    def holds_on(self, day: date) -> bool:
        """Return whether the rule is in force on a day."""
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day < self.valid_to)


@dataclass(frozen=True)
class VisitMinutes:
    """Minutes on the spot of one visit, as quantiles, and officers present. An assumption."""

    p10: float
    p50: float
    p90: float
    crew: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.p10 <= self.p50 <= self.p90 or self.crew < 1:
            raise SourceError(
                "minutes need 0 < p10 <= p50 <= p90 and crew >= 1, got "
                f"p10={self.p10}, p50={self.p50}, p90={self.p90}, crew={self.crew}.",
                where="visit minutes",
            )


@dataclass(frozen=True)
class VisitRules:
    """The rule table and the default minutes by kind."""

    rules: tuple[VisitRule, ...]
    minutes: Mapping[str, VisitMinutes] = field(default_factory=dict)

    def in_force(self, day: date) -> tuple[VisitRule, ...]:
        """Return the rules that hold on a day.

        Raises
        ------
        SourceError
            If two rules for the same kind and grade hold on that day.
        """
        held = tuple(rule for rule in self.rules if rule.holds_on(day))
        seen: dict[tuple[str, str | None], str] = {}
        for rule in held:
            other = seen.setdefault((rule.visit_kind, rule.grade), rule.rule_id)
            if other != rule.rule_id:
                raise SourceError(
                    f"holds on {day} together with {other!r} for the same kind and grade.",
                    where=f"visit rule {rule.rule_id!r}",
                    remedy="End one with valid_to.",
                )
        return held


def load_visit_rules(path: Path | str | None = None) -> VisitRules:
    """Read a rule table.

    Parameters
    ----------
    path
        A TOML file of the form of ``data/visit_rules.toml``; the shipped one when left out.

    Raises
    ------
    SourceError
        If the file is missing, is not TOML, names an unknown field or kind, repeats a rule id, or lacks the default
        minutes of a kind it rules.
    """
    file = Path(path) if path is not None else SHIPPED
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SourceError(f"the rule table cannot be read ({error.strerror}).", where=str(path)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SourceError(f"the rule table is not valid TOML ({error}).", where=file.name) from error
    rules = tuple(_rule(entry, file.name) for entry in content.get("rules", []))
    if not rules:
        raise SourceError("holds no [[rules]].", where=file.name)
    ids = [rule.rule_id for rule in rules]
    repeated = sorted({rule_id for rule_id in ids if ids.count(rule_id) > 1})
    if repeated:
        raise SourceError(f"rule ids are used twice: {', '.join(repeated)}.", where=file.name)
    minutes = {kind: _minutes(kind, entry, file.name) for kind, entry in content.get("minutes", {}).items()}
    lacking = sorted({rule.visit_kind for rule in rules} - set(minutes))
    if lacking:
        raise SourceError(
            f"no default minutes for {', '.join(lacking)}.", where=file.name, remedy="Add them under [minutes]."
        )
    return VisitRules(rules, minutes)


def _rule(entry: dict[str, Any], file: str) -> VisitRule:
    known = {f.name for f in fields(VisitRule)}
    where = f"{file}, rule {entry.get('rule_id', '?')!r}"
    if unknown := sorted(set(entry) - known):
        raise SourceError(
            f"unknown fields: {', '.join(unknown)}.", where=where, remedy=f"Fields: {', '.join(sorted(known))}."
        )
    if lacking := sorted({"rule_id", "visit_kind", "source", "assumed"} - set(entry)):
        raise SourceError(f"fields are missing: {', '.join(lacking)}.", where=where)
    return VisitRule(**entry)


def _minutes(kind: str, entry: dict[str, Any], file: str) -> VisitMinutes:
    if kind not in VISIT_KINDS:
        raise SourceError(f"minutes are given for an unknown kind {kind!r}.", where=file)
    try:
        return VisitMinutes(**entry)
    except TypeError as error:
        raise SourceError(
            f"minutes of {kind} must give p10, p50, p90 and crew.", where=file, remedy="See data/visit_rules.toml."
        ) from error
