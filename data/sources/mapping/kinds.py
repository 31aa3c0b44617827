"""One [[file]]: a kind of file and the canonical table it fills."""

from __future__ import annotations

import codecs
import re
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from data.schemas import CANONICAL
from data.sources.mapping.blocks import Parents, PointBlock, Refusal, TimeBlock, Unpivot
from data.sources.mapping.rules import Rule, Strict, listed
from data.sources.personal import is_personal, key_of_header

FileFormat = Literal["csv", "xlsx", "parquet", "json", "geojson", "shapefile_zip", "gpkg", "geoparquet", "database"]
#: Formats whose records have a shape each.
SHAPED: frozenset[FileFormat] = frozenset({"geojson", "shapefile_zip", "gpkg", "geoparquet"})
#: Columns every table gets from the ingest itself; a mapping must not set them.
PROVENANCE = frozenset({"record_key", "source", "load_id", "source_file", "source_line"})


#: Keys of a [[file]] that say how the file is recognised and read: a block beside it takes them over.
READING = (
    *("format", "file_name", "headers", "encoding", "fallback_encoding", "separator", "header_row", "header_rows"),
    *("sheet", "crs", "shape", "query", "table_name", "watermark", "personal"),
)


class FileKind(Strict):
    """One kind of file of the upstream system and the canonical table it fills.

    With ``beside`` it reads the same file as another block, for another table; ``only_with`` names the header that is
    filled in the rows which have something to tell for this table.
    """

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
    shape: str | None = None
    query: str | None = None
    table_name: str | None = Field(default=None, pattern=r"^[A-Za-z_][A-Za-z0-9_$]*(\.[A-Za-z_][A-Za-z0-9_$]*)?$")
    watermark: str | None = None
    identity: list[str] = Field(default_factory=list)
    identical_rows: Literal["legitimate", "duplicate", "same", "parts"] = "duplicate"
    beside: str | None = None
    only_with: str | None = None
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
        return listed(value)

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
        if self.shape is not None and SHAPED & set(self.formats):
            raise ValueError("shape names a column of text that holds shapes; files of shapes have their own")
        if self.shape is not None and is_personal(self.shape):
            raise ValueError(f"{self.shape} is personal by its name and never read")
        if "geometry" in known and (self.shape or SHAPED & set(self.formats)) and self.crs is None:
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
