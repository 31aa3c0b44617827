"""One canonical value from one row, and what all parts of a mapping have in common."""

from __future__ import annotations

import datetime
import re
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from data.sources.personal import is_personal

Parse = Literal[
    "text",
    "integer",
    "number",
    "boolean",
    "date",
    "datetime",
    "roc_date",
    "month_start",
    "month_end",
    "epoch_ms",
    "epoch_ms_local",
    "sheet_serial",
    "hour",
    "clock",
]
#: Words that read a moment of the local clock.
LOCAL_MOMENTS: frozenset[Parse] = frozenset({"datetime", "epoch_ms_local", "sheet_serial"})
#: Words that can fill a column of dates and times.
MOMENTS: frozenset[Parse] = LOCAL_MOMENTS | {"epoch_ms"}


class Strict(BaseModel):
    """A part of a mapping; keys nobody knows are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


def listed(value: Any) -> Any:
    """Return one text as a list of one."""
    return [value] if isinstance(value, str) else value


class Rule(Strict):
    """How one canonical value is read from a row; the keys apply in the order of docs/sources.md."""

    headers: list[str] = Field(default_factory=list, alias="from")
    combine: list[str] = Field(default_factory=list)
    separator: str = " "
    #: Header → text; the text of the first header in this order whose cell says yes.
    first_of: list[tuple[str, str]] = Field(default_factory=list)
    constant: str | None = None
    file_name: str | None = None
    replace: list[tuple[str, str]] = Field(default_factory=list)
    extract: str | None = None
    blank: list[str] = Field(default_factory=list)
    pad: int | None = Field(default=None, ge=1, le=64)
    slice: tuple[int, int] | None = None
    prefix: str = ""
    suffix: str = ""
    values: dict[str, str] = Field(default_factory=dict)
    otherwise: str = "refuse"
    parse: Parse | None = None
    formats: list[str] = Field(default_factory=list)
    zone: str | None = None
    scale: float | None = None
    default: str | None = None
    on_error: Literal["refuse", "null"] = "refuse"
    required: bool = False

    @field_validator("headers", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return listed(value)

    @field_validator("constant", "default", mode="before")
    @classmethod
    def _any_scalar_as_text(cls, value: Any) -> Any:
        if isinstance(value, bool):
            return "true" if value else "false"
        return str(value) if isinstance(value, int | float | datetime.date) else value

    @field_validator("file_name")
    @classmethod
    def _one_group(cls, value: str | None) -> str | None:
        return value if value is None else expression(value, groups=1)

    @field_validator("extract")
    @classmethod
    def _one_group_in_cells(cls, value: str | None) -> str | None:
        return value if value is None else cell_expression(value, groups=1)

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        return value if value is None else zone_name(value)

    @field_validator("formats")
    @classmethod
    def _readable(cls, value: list[str]) -> list[str]:
        return [time_format(one) for one in value]

    @model_validator(mode="after")
    def _has_one_origin(self) -> Rule:
        origins = [bool(self.headers), bool(self.combine), bool(self.first_of)]
        if sum([*origins, self.constant is not None, self.file_name is not None]) != 1:
            raise ValueError("a rule needs exactly one of from, combine, first_of, constant, file_name")
        for header in self.reads:
            if is_personal(header):
                raise ValueError(
                    f"the header {header!r} holds personal data and is dropped at the door; no rule may read it"
                )
        return self

    @property
    def reads(self) -> list[str]:
        """Headers the rule may read, as written in the mapping."""
        return [*self.headers, *self.combine, *(header for header, _ in self.first_of)]


def expression(value: str, groups: int = 0) -> str:
    """Check a regular expression and the number of its groups."""
    try:
        compiled = re.compile(value)
    except re.error as error:
        raise ValueError(f"{value!r} is not a regular expression ({error})") from None
    if compiled.groups < groups:
        raise ValueError(f"{value!r} needs a group in brackets: what to take out")
    return value


def cell_expression(value: str, groups: int = 0) -> str:
    """Check an expression that Polars will run over cells; its language has no look-around and no back-references."""
    expression(value, groups)
    try:
        pl.select(pl.lit("").str.contains(value))
    except pl.exceptions.ComputeError:
        raise ValueError(f"{value!r} uses look-around or a back-reference, which cannot be used here") from None
    return value


def time_format(value: str) -> str:
    """Check a strptime format that Polars will read cells with."""
    if "%" not in value:
        raise ValueError(f"{value!r} is not a format of dates such as %Y-%m-%d or %d/%m/%Y %H:%M")
    cell = pl.lit("")
    try:
        if "%H" in value or "%I" in value:
            pl.select(cell.str.to_datetime(value, strict=False))
        else:
            pl.select(cell.str.to_date(value, strict=False))
    except pl.exceptions.ComputeError as error:
        why = str(error).splitlines()[0].removeprefix("Invalid format string: ")
        raise ValueError(f"{value!r} cannot be read with ({why})") from None
    return value


def zone_name(value: str) -> str:
    """Check the name of a time zone."""
    try:
        return ZoneInfo(value).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{value!r} is not an IANA time zone such as Asia/Shanghai") from None
