"""The blocks of a [[file]]: time, point, parents, unpivot, refuse."""

from __future__ import annotations

import datetime
import re
from typing import Literal

from pydantic import Field, field_validator, model_validator

from data.schemas.columns import LOCATION_LEVELS
from data.sources.mapping.rules import Rule, Strict, cell_expression, expression
from data.sources.personal import key_of_header

#: What the blocks of a [[file]] fill in calls; set there or as a column, not both.
TIME_COLUMNS = ("occurred_from", "occurred_to", "occurred_on", "time_precision")


class TimeBlock(Strict):
    """When a call happened; fills occurred_from, occurred_to, occurred_on and time_precision."""

    at: Rule | None = None
    until: Rule | None = None
    date: Rule | None = None
    slot: Rule | None = None
    hour: Rule | None = None
    clock: Rule | None = None
    until_date: Rule | None = None
    until_clock: Rule | None = None
    month: Rule | None = None
    precision: Literal["exact", "hour"] = "exact"
    unknown_at: list[str] = Field(default_factory=list)
    earliest: datetime.date = datetime.date(1900, 1, 1)

    @model_validator(mode="after")
    def _says_when(self) -> TimeBlock:
        if not (self.at or self.date or self.month):
            raise ValueError("a time block needs at, date or month")
        beside = [name for name in ("slot", "hour", "clock") if getattr(self, name)]
        if beside and not self.date:
            raise ValueError("slot, hour and clock need date beside them")
        if len(beside) > 1:
            raise ValueError(f"say {' or '.join(beside)}, not both")
        if (self.until_date or self.until_clock) and not (self.until_date and self.until_clock and self.clock):
            raise ValueError("until_date and until_clock go together, beside date and clock")
        for text in self.unknown_at:
            if not re.fullmatch(r"\d\d:\d\d", text):
                raise ValueError(f"unknown_at holds clock times such as 00:01; got {text!r}")
        return self

    @property
    def rules(self) -> dict[str, Rule]:
        """The rules that are set, by key."""
        keys = ("at", "until", "date", "slot", "hour", "clock", "until_date", "until_clock", "month")
        return {key: rule for key in keys if (rule := getattr(self, key)) is not None}


class PointBlock(Strict):
    """Where something is; fills x, y, crs, lon, lat, location_level (or lon and lat only)."""

    x: Rule | None = None
    y: Rule | None = None
    crs: str | None = None
    nowhere: list[tuple[float, float]] = Field(default_factory=list)
    otherwise: list[tuple[str, str]] = Field(default_factory=list)

    @model_validator(mode="after")
    def _is_complete(self) -> PointBlock:
        if (self.x is None) != (self.y is None):
            raise ValueError("a point block needs both x and y, or neither")
        if self.x is not None and self.crs is None:
            raise ValueError("the coordinate reference system (crs) of x and y is not stated; it must be")
        for _, level in self.otherwise:
            if level not in LOCATION_LEVELS:
                raise ValueError(f"otherwise names the unknown level {level!r}; known: {', '.join(LOCATION_LEVELS)}")
        return self

    @property
    def rules(self) -> dict[str, Rule]:
        """The rules that are set, by key."""
        return {key: rule for key, rule in (("x", self.x), ("y", self.y)) if rule is not None}


class Parents(Strict):
    """Areas one level up that the source only names: made by joining the shapes of their children."""

    level: Literal["beat", "station", "sub_bureau"]
    name_zh: dict[str, str] = Field(default_factory=dict)
    name_en: dict[str, str] = Field(default_factory=dict)


class Unpivot(Strict):
    """One row with many values becomes many rows with ``$name`` and ``$value``."""

    headers: list[str] | str

    @field_validator("headers")
    @classmethod
    def _readable(cls, value: list[str] | str) -> list[str] | str:
        return expression(value) if isinstance(value, str) else value

    def name_of(self, header: str) -> str | None:
        """Return ``$name`` for a header, or None when the header is not a value column."""
        if isinstance(self.headers, str):
            found = re.search(self.headers, header)
            return None if found is None else (found.group(1) if found.re.groups else header)
        wanted = {key_of_header(one) for one in self.headers}
        return header if key_of_header(header) in wanted else None


class Refusal(Strict):
    """A rule of the steward: rows whose published text matches go to quarantine."""

    reason: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    header: str
    matches: str

    @field_validator("matches")
    @classmethod
    def _readable(cls, value: str) -> str:
        return cell_expression(value)
