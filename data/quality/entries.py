"""No double entry: which fields a person fills in, which a source already tells, and how often that saved typing."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path
from typing import Literal

import polars as pl
import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, model_validator

from data.errors import SchemaError
from data.records.database import Records
from data.records.tables import decisions, visit_records
from data.records.visits import recorded_from
from data.schemas import CANONICAL

FILE = Path(__file__).with_name("entries.toml")
Origin = Literal["source", "edition", "system", "tap", "typed"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StoredField(_Strict):
    """Where the value of one stored field comes from."""

    origin: Origin
    column: str | None = None
    offered: bool = False

    @model_validator(mode="before")
    @classmethod
    def _from(cls, value: object) -> object:
        # `from` is a word of Python.
        return (
            {("origin" if key == "from" else key): one for key, one in value.items()}
            if isinstance(value, dict)
            else value
        )

    @model_validator(mode="after")
    def _names_its_column(self) -> StoredField:
        if (self.origin == "source") != (self.column is not None):
            raise ValueError("exactly a field from a source names its column")
        if self.column is not None:
            table, _, column = self.column.partition(".")
            if table not in CANONICAL or column not in CANONICAL[table].column_names():
                raise ValueError(f"no source has the column {self.column!r}")
        return self


class Form(_Strict):
    """One thing a person records, field by field."""

    zh: str
    en: str
    fields: dict[str, StoredField]

    def count(self, *origins: str) -> int:
        """Return how many fields come from some origins."""
        return sum(field.origin in origins for field in self.fields.values())


@cache
def forms() -> dict[str, Form]:
    """Return the forms of beatwise by name.

    Raises
    ------
    SchemaError
        If the table of fields is not valid.
    """
    try:
        return {
            name: Form.model_validate(form) for name, form in tomllib.loads(FILE.read_text(encoding="utf-8")).items()
        }
    except ValueError as error:
        raise SchemaError(f"the table of fields is not valid ({error}).", where=FILE.name) from error


def count_records(records: Records, editions: Collection[str] | None = None) -> dict[str, int]:
    """Return how many rows each form has on record, of some editions or of all."""
    made, visited = (sa.select(sa.func.count()).select_from(table) for table in (decisions, visit_records))
    if editions is not None:
        made = made.where(decisions.c.edition_id.in_(sorted(editions)))
    queries = {"visit": recorded_from(visited, editions), "decision": made}
    with records.reading() as connection:
        return {name: int(connection.execute(query).scalar_one()) for name, query in queries.items()}


def measure_entries(records: Mapping[str, int]) -> pl.DataFrame:
    """Count what was entered and what was not.

    Parameters
    ----------
    records
        Rows on record by form (``visit``, ``decision``).

    Returns
    -------
    One row per form: ``form``, ``records``, ``fields``, ``from_source``, ``from_edition``, ``from_system``,
    ``offered`` (filled in, a person confirms), ``tapped``, ``typed`` (both without those offered) and ``avoided``: the
    re-entries avoided, records x fields that a source or the advice already told.

    Notes
    -----
    Fields the system makes itself (running numbers, the clock, the account) are not counted as avoided: no upstream
    system holds them.
    """
    rows = []
    for name, form in forms().items():
        fields = form.fields.values()
        told = form.count("source", "edition")
        rows.append(
            {
                "form": name,
                "records": records.get(name, 0),
                "fields": len(form.fields),
                "from_source": form.count("source"),
                "from_edition": form.count("edition"),
                "from_system": form.count("system"),
                "offered": sum(field.offered for field in fields),
                "tapped": sum(field.origin == "tap" and not field.offered for field in fields),
                "typed": sum(field.origin == "typed" and not field.offered for field in fields),
                "avoided": records.get(name, 0) * told,
            }
        )
    return pl.DataFrame(rows, schema_overrides={"records": pl.Int64, "avoided": pl.Int64})
