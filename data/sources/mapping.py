"""Mappings: one TOML file per upstream system says how its files become canonical tables; see docs/sources.md."""

from __future__ import annotations

import codecs
import datetime
import hashlib
import re
import tomllib
from functools import cached_property
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from data.errors import SourceError
from data.schemas import CANONICAL
from data.schemas.columns import LOCATION_LEVELS
from data.snapshots import Jurisdiction
from data.sources.personal import is_personal, key_of_header

BUILT_IN = Path(__file__).parent

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
    "hour",
]
FileFormat = Literal["csv", "xlsx", "parquet", "json", "geojson", "shapefile_zip", "gpkg", "geoparquet", "database"]
#: Formats whose records have a shape each.
SHAPED: frozenset[FileFormat] = frozenset({"geojson", "shapefile_zip", "gpkg", "geoparquet"})

#: Columns every table gets from the ingest itself; a mapping must not set them.
PROVENANCE = frozenset({"record_key", "source", "load_id", "source_file", "source_line"})
#: What the blocks of a [[file]] fill in calls; set there or as a column, not both.
TIME_COLUMNS = ("occurred_from", "occurred_to", "occurred_on", "time_precision")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class Rule(_Strict):
    """How one canonical value is read from a row; the keys apply in the order of docs/sources.md."""

    headers: list[str] = Field(default_factory=list, alias="from")
    combine: list[str] = Field(default_factory=list)
    separator: str = " "
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
        return _listed(value)

    @field_validator("constant", "default", mode="before")
    @classmethod
    def _any_scalar_as_text(cls, value: Any) -> Any:
        if isinstance(value, bool):
            return "true" if value else "false"
        return str(value) if isinstance(value, int | float | datetime.date) else value

    @field_validator("file_name")
    @classmethod
    def _one_group(cls, value: str | None) -> str | None:
        return value if value is None else _expression(value, groups=1)

    @field_validator("extract")
    @classmethod
    def _one_group_in_cells(cls, value: str | None) -> str | None:
        return value if value is None else _cell_expression(value, groups=1)

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        return value if value is None else _zone(value)

    @model_validator(mode="after")
    def _has_one_origin(self) -> Rule:
        origins = [bool(self.headers), bool(self.combine), self.constant is not None, self.file_name is not None]
        if sum(origins) != 1:
            raise ValueError("a rule needs exactly one of from, combine, constant, file_name")
        for header in [*self.headers, *self.combine]:
            if is_personal(header):
                raise ValueError(
                    f"the header {header!r} holds personal data and is dropped at the door; no rule may read it"
                )
        return self

    @property
    def reads(self) -> list[str]:
        """Headers the rule may read, as written in the mapping."""
        return [*self.headers, *self.combine]


class TimeBlock(_Strict):
    """When a call happened; fills occurred_from, occurred_to, occurred_on and time_precision."""

    at: Rule | None = None
    until: Rule | None = None
    date: Rule | None = None
    slot: Rule | None = None
    hour: Rule | None = None
    month: Rule | None = None
    precision: Literal["exact", "hour"] = "exact"
    unknown_at: list[str] = Field(default_factory=list)
    earliest: datetime.date = datetime.date(1900, 1, 1)

    @model_validator(mode="after")
    def _says_when(self) -> TimeBlock:
        if not (self.at or self.date or self.month):
            raise ValueError("a time block needs at, date or month")
        if (self.slot or self.hour) and not self.date:
            raise ValueError("slot and hour need date beside them")
        if self.slot and self.hour:
            raise ValueError("say slot or hour, not both")
        for text in self.unknown_at:
            if not re.fullmatch(r"\d\d:\d\d", text):
                raise ValueError(f"unknown_at holds clock times such as 00:01; got {text!r}")
        return self

    @property
    def rules(self) -> dict[str, Rule]:
        """The rules that are set, by key."""
        keys = ("at", "until", "date", "slot", "hour", "month")
        return {key: rule for key in keys if (rule := getattr(self, key)) is not None}


class PointBlock(_Strict):
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


class Parents(_Strict):
    """Areas one level up that the source only names: made by joining the shapes of their children."""

    level: Literal["beat", "station", "sub_bureau"]
    name_zh: dict[str, str] = Field(default_factory=dict)
    name_en: dict[str, str] = Field(default_factory=dict)


class Unpivot(_Strict):
    """One row with many values becomes many rows with ``$name`` and ``$value``."""

    headers: list[str] | str

    @field_validator("headers")
    @classmethod
    def _readable(cls, value: list[str] | str) -> list[str] | str:
        return _expression(value) if isinstance(value, str) else value

    def name_of(self, header: str) -> str | None:
        """Return ``$name`` for a header, or None when the header is not a value column."""
        if isinstance(self.headers, str):
            found = re.search(self.headers, header)
            return None if found is None else (found.group(1) if found.re.groups else header)
        wanted = {key_of_header(one) for one in self.headers}
        return header if key_of_header(header) in wanted else None


class Refusal(_Strict):
    """A rule of the steward: rows whose published text matches go to quarantine."""

    reason: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    header: str
    matches: str

    @field_validator("matches")
    @classmethod
    def _readable(cls, value: str) -> str:
        return _cell_expression(value)


class FileKind(_Strict):
    """One kind of file of the upstream system and the canonical table it fills."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    table: str
    formats: list[FileFormat] = Field(alias="format", min_length=1)
    file_name: list[str] = Field(default_factory=list)
    headers: list[str] = Field(default_factory=list)
    encoding: str = "utf-8"
    fallback_encoding: str | None = None
    separator: str = Field(default=",", min_length=1, max_length=1)
    header_row: int = Field(default=1, ge=1)
    header_rows: int = Field(default=1, ge=1)
    sheet: str | None = None
    crs: str | None = None
    query: str | None = None
    table_name: str | None = Field(default=None, pattern=r"^[A-Za-z_][A-Za-z0-9_$]*(\.[A-Za-z_][A-Za-z0-9_$]*)?$")
    watermark: str | None = None
    identity: list[str] = Field(default_factory=list)
    identical_rows: Literal["legitimate", "duplicate", "parts"] = "duplicate"
    personal: list[str] = Field(default_factory=list)
    columns: dict[str, Rule] = Field(default_factory=dict)
    time: TimeBlock | None = None
    point: PointBlock | None = None
    parents: Parents | None = None
    unpivot: Unpivot | None = None
    refuse: list[Refusal] = Field(default_factory=list)

    @field_validator("formats", "file_name", "headers", "identity", "personal", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return _listed(value)

    @field_validator("encoding", "fallback_encoding")
    @classmethod
    def _known_encoding(cls, value: str | None) -> str | None:
        try:
            codecs.lookup(value or "utf-8")
        except LookupError:
            raise ValueError(f"the encoding {value!r} is not known") from None
        return value

    @model_validator(mode="after")
    def _fits_its_table(self) -> FileKind:
        self._asks_a_database()
        if not (self.file_name or self.headers or "database" in self.formats):
            raise ValueError("say how to recognise the file: file_name, headers or both")
        if self.header_rows > self.header_row:
            raise ValueError("header_row is the last line of the header: with header_rows = 2 it is at least 2")
        if self.table == "lookup":
            return self
        if self.table not in CANONICAL:
            raise ValueError(f"there is no table {self.table!r}; tables: {', '.join(CANONICAL)}, lookup")
        known = set(CANONICAL[self.table].column_names())
        if wrong := sorted(set(self.columns) - known | set(self.columns) & PROVENANCE):
            raise ValueError(
                f"{self.table} has no column {', '.join(wrong)} a mapping may set; "
                f"columns: {', '.join(sorted(known - PROVENANCE))}"
            )
        if wrong := sorted(set(self.identity) - known):
            raise ValueError(f"identity names {', '.join(wrong)}, which {self.table} does not have")
        if not self.identity:
            raise ValueError("identity is empty: name the canonical columns that make a row's record_key")
        if self.identical_rows == "parts" and "geometry" not in known:
            raise ValueError('identical_rows = "parts" joins shapes; only areas and base_map have them')
        if self.time is not None and self.table != "calls":
            raise ValueError("a time block belongs to calls only; use columns")
        if self.parents is not None and (self.table != "areas" or "parent_code" not in self.columns):
            raise ValueError("a parents block belongs to areas that have parent_code")
        if self.point is not None and "lon" not in known:
            raise ValueError(f"{self.table} has no lon and lat; drop the point block")
        if "geometry" in known and SHAPED & set(self.formats) and self.crs is None:
            raise ValueError('state the crs of the geometry, or crs = "file" to take what the file states')
        dropped = {key_of_header(header) for header in self.personal}
        if clash := [h for rule in self.rules.values() for h in rule.reads if key_of_header(h) in dropped]:
            raise ValueError(f"{', '.join(sorted(set(clash)))} is listed as personal and read by a rule; remove one")
        return self

    def _asks_a_database(self) -> None:
        asked = [name for name in ("query", "table_name") if getattr(self, name) is not None]
        if "database" not in self.formats:
            if asked or self.watermark:
                raise ValueError('query, table_name and watermark need format = "database"')
        elif len(asked) != 1:
            raise ValueError('format = "database" needs either query or table_name')
        elif self.query is not None and not re.match(r"\s*(SELECT|WITH)\b[^;]*$", self.query, re.IGNORECASE):
            raise ValueError("query must be one SELECT (or WITH) without a semicolon")

    @property
    def rules(self) -> dict[str, Rule]:
        """All rules of the kind by a name for messages: columns, time.*, point.*."""
        found = dict(self.columns)
        for block, part in (("time", self.time), ("point", self.point)):
            if part is not None:
                found.update({f"{block}.{key}": rule for key, rule in part.rules.items()})
        return found

    def is_personal(self, header: str) -> bool:
        """Return whether a header must be dropped while reading."""
        return is_personal(header) or key_of_header(header) in {key_of_header(one) for one in self.personal}


class JurisdictionBlock(_Strict):
    """The police force the files belong to."""

    code: str = Field(min_length=1)
    name_zh: str
    name_en: str
    timezone: str
    analysis_crs: str

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        return _zone(value)


class SourceBlock(_Strict):
    """The head of a mapping."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title_zh: str
    title_en: str
    legal_basis: str = Field(min_length=1)
    purpose: str = Field(min_length=1)
    first_level_characters: int | None = Field(default=None, ge=1)
    #: What a proposal could not know; while a name stands here the ingest refuses the mapping.
    unconfirmed: list[str] = Field(default_factory=list)
    jurisdiction: JurisdictionBlock


class Mapping(_Strict):
    """A whole mapping."""

    format: Literal[1]
    source: SourceBlock
    files: list[FileKind] = Field(alias="file", min_length=1)
    sha256: str = ""

    @cached_property
    def jurisdiction(self) -> Jurisdiction:
        """The police force as snapshots keep it."""
        return Jurisdiction(**self.source.jurisdiction.model_dump())

    @model_validator(mode="after")
    def _names_are_unique(self) -> Mapping:
        names = [kind.name for kind in self.files]
        if len(names) != len(set(names)):
            raise ValueError(f"two [[file]] blocks have the same name; names: {', '.join(names)}")
        return self

    @model_validator(mode="after")
    def _systems_are_known(self) -> Mapping:
        from data.integration.coordinates import require_crs

        require_crs(self.source.jurisdiction.analysis_crs, projected=True)
        for kind in self.files:
            for crs in (kind.crs, kind.point.crs if kind.point else None):
                if crs is not None and crs != "file":
                    require_crs(crs)
        return self

    def require_confirmed(self) -> None:
        """Refuse a mapping whose author has not confirmed what a proposal could only guess.

        Raises
        ------
        SourceError
            With the names still listed under ``unconfirmed``.
        """
        if self.source.unconfirmed:
            raise SourceError(
                f"values of the mapping are not confirmed: {', '.join(self.source.unconfirmed)}.",
                where=self.source.name,
                remedy="Check each value in the mapping, then delete its name from `unconfirmed`.",
            )


def _expression(value: str, groups: int = 0) -> str:
    try:
        compiled = re.compile(value)
    except re.error as error:
        raise ValueError(f"{value!r} is not a regular expression ({error})") from None
    if compiled.groups < groups:
        raise ValueError(f"{value!r} needs a group in brackets: what to take out")
    return value


def _cell_expression(value: str, groups: int = 0) -> str:
    """Check an expression that Polars will run over cells; its language has no look-around and no back-references."""
    _expression(value, groups)
    try:
        pl.select(pl.lit("").str.contains(value))
    except pl.exceptions.ComputeError:
        raise ValueError(f"{value!r} uses look-around or a back-reference, which cannot be used here") from None
    return value


def _zone(value: str) -> str:
    try:
        return ZoneInfo(value).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{value!r} is not an IANA time zone such as Asia/Shanghai") from None


def built_in_mappings() -> list[str]:
    """Return the names of the mappings that come with beatwise, in alphabetical order."""
    return sorted(path.stem for path in BUILT_IN.glob("*.toml"))


def load_mapping(source: str | Path) -> Mapping:
    """Read a mapping and check it.

    Parameters
    ----------
    source
        A built-in name such as ``"portland"``, or the path of a TOML file.

    Raises
    ------
    SourceError
        If there is no such mapping, or it is not one: names the key and what is wrong with it.
    """
    path = Path(source) if not isinstance(source, str) or "/" in source or source.endswith(".toml") else None
    if path is None:
        path = BUILT_IN / f"{source}.toml"
        if source not in built_in_mappings():
            raise SourceError(
                f"there is no built-in source {source!r}.",
                remedy=f"Built in: {', '.join(built_in_mappings())}; or name a TOML file.",
            )
    try:
        content = path.read_bytes()
        text = content.decode("utf-8")
    except OSError as error:
        raise SourceError(f"the mapping cannot be read ({error.strerror}).", where=str(path)) from error
    except UnicodeDecodeError as error:
        raise SourceError(f"the mapping is not valid TOML ({error}).", where=str(path)) from error
    return parse_mapping(text, where=str(path))


def parse_mapping(text: str, *, where: str = "mapping") -> Mapping:
    """Check the text of a mapping.

    Parameters
    ----------
    text
        TOML.
    where
        What messages call it.

    Raises
    ------
    SourceError
        If it is not a mapping: names the key and what is wrong with it.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SourceError(f"the mapping is not valid TOML ({error}).", where=where) from error
    try:
        return Mapping.model_validate({**document, "sha256": hashlib.sha256(text.encode("utf-8")).hexdigest()})
    except ValidationError as error:
        raise SourceError(
            _in_words(error, document), where=where, remedy="docs/sources.md describes every key."
        ) from error


def _in_words(error: ValidationError, document: dict[str, Any]) -> str:
    said = []
    for one in error.errors()[:5]:
        place: list[str] = []
        for step in one["loc"]:
            if isinstance(step, int) and place == ["file"]:
                kinds = document.get("file", [])
                name = kinds[step].get("name", step + 1) if step < len(kinds) else step + 1
                place = [f"[[file]] {name}"]
            else:
                place.append(str(step))
        message = one["msg"].removeprefix("Value error, ")
        said.append(f"{'.'.join(place) or 'mapping'}: {message}")
    return "; ".join(said) + "."
