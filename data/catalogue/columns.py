"""The catalogue of columns: every column of every table with class, grade, purposes, legal basis and retention."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, model_validator

from data.catalogue.bases import legal_bases
from data.errors import SchemaError
from data.schemas import CANONICAL, DERIVED, EDITION

COLUMNS_FILE = Path(__file__).with_name("columns.toml")
DERIVATIONS_FILE = Path(__file__).with_name("derivations.toml")
#: Every schema by table; editions carry copies of areas and base_map under their own name.
SCHEMAS = {**CANONICAL, **DERIVED, **EDITION}
#: Input of a derived column that is no data: what was asked for, or a rule table.
PARAMETER = "parameter"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Named(_Strict):
    """A class, or a reason, in both languages."""

    zh: str
    en: str


class Retention(_Strict):
    """How long something is kept. ``days`` counts from the load; None where another event ends it.

    ``since`` names a column whose day the period counts from instead; a row without that day stays.
    ``assumed`` marks a period that no public text settles.
    """

    zh: str
    en: str
    days: int | None = Field(default=None, ge=1)
    since: str | None = None
    assumed: bool = False


class ColumnEntry(_Strict):
    """What one column says differently from its table."""

    class_id: str | None = Field(default=None, alias="class")
    purposes: tuple[str, ...] | None = None
    legal_basis: str | None = None
    retention: str | None = None


class TableEntry(_Strict):
    """What the columns of a table have in common."""

    class_id: str = Field(alias="class")
    purposes: tuple[str, ...] = Field(min_length=1)
    legal_basis: str
    retention: str
    columns: dict[str, ColumnEntry] = Field(default_factory=dict)


class Derivation(_Strict):
    """Inputs of a derived column as ``table.column`` (or ``parameter``), and why its grade may be lower."""

    inputs: tuple[str, ...] = Field(alias="from", min_length=1)
    because: str | None = None


class Catalogue(_Strict):
    """Everything the catalogue says about columns."""

    classes: dict[str, Named]
    retentions: dict[str, Retention]
    shared: dict[str, ColumnEntry]
    tables: dict[str, TableEntry]
    reasons: dict[str, Named]
    derivations: dict[str, dict[str, Derivation]]

    @model_validator(mode="after")
    def _names_resolve(self) -> Catalogue:
        known = legal_bases()
        for table, entry in self.tables.items():
            if table not in SCHEMAS:
                raise ValueError(f"there is no table {table!r}")
            if wrong := sorted(set(entry.columns) - set(SCHEMAS[table].column_names())):
                raise ValueError(f"{table} has no column {', '.join(wrong)}")
            special = (*entry.columns.values(), *self.shared.values())
            own = ColumnEntry.model_validate(
                {"class": entry.class_id, **entry.model_dump(include={"purposes", "legal_basis", "retention"})}
            )
            for one in (own, *special):
                if one.class_id is not None and one.class_id not in self.classes:
                    raise ValueError(f"{table}: unknown class {one.class_id!r}")
                if one.retention is not None and one.retention not in self.retentions:
                    raise ValueError(f"{table}: unknown retention {one.retention!r}")
                since = self.retentions[one.retention].since if one.retention is not None else None
                if since is not None and since not in SCHEMAS[table].column_names():
                    raise ValueError(f"{table} has no column {since!r} that {one.retention} counts from")
                if one.legal_basis is not None and known.basis(one.legal_basis) is None:
                    raise ValueError(f"{table}: unknown legal basis {one.legal_basis!r}")
                if unknown := [name for name in one.purposes or () if known.purpose(name) is None]:
                    raise ValueError(f"{table}: unknown purpose {', '.join(unknown)}")
        for table, columns in self.derivations.items():
            for column, derivation in columns.items():
                if derivation.because is not None and derivation.because not in self.reasons:
                    raise ValueError(f"{table}.{column}: unknown reason {derivation.because!r}")
        return self


@cache
def catalogue() -> Catalogue:
    """Return the catalogue that comes with beatwise.

    Raises
    ------
    SchemaError
        If it contradicts itself or the schemas.
    """
    columns = tomllib.loads(COLUMNS_FILE.read_text(encoding="utf-8"))
    derived = tomllib.loads(DERIVATIONS_FILE.read_text(encoding="utf-8"))
    try:
        return Catalogue.model_validate({**columns, "reasons": derived["reasons"], "derivations": derived["tables"]})
    except ValueError as error:
        raise SchemaError(f"the catalogue is not valid ({error}).", where=COLUMNS_FILE.name) from error


def grade_of(table: str, column: str) -> int:
    """Return the grade of a column, 1-4, as its schema states it.

    Raises
    ------
    SchemaError
        If there is no such column, or it has no grade.
    """
    found = SCHEMAS[table].columns().get(column) if table in SCHEMAS else None
    grade = (found.metadata or {}).get("grade") if found is not None else None
    if grade is None:
        raise SchemaError("the column does not exist or has no grade.", where=f"{table}.{column}")
    return int(grade)


def describe_columns() -> pl.DataFrame:
    """Return the catalogue as a table, one row per column of every table, in the order of the schemas.

    Returns
    -------
    DataFrame
        Columns of ``DESCRIPTION``. ``kind`` is loaded, derived or edition; ``inputs`` and ``because`` are filled for
        derived columns.

    Raises
    ------
    SchemaError
        If a table or column is not covered: names it.
    """
    known = catalogue()
    rows: list[dict[str, Any]] = []
    for table, schema in SCHEMAS.items():
        entry = known.tables.get(table)
        if entry is None:
            raise SchemaError("the catalogue does not cover this table.", where=table, remedy="Add it to columns.toml.")
        kind = "loaded" if table in CANONICAL else "derived" if table in DERIVED else "edition"
        for name, column in schema.columns().items():
            about = column.metadata or {}
            special = entry.columns.get(name) or (known.shared.get(name) if kind == "loaded" else None) or ColumnEntry()
            derivation = known.derivations.get(table, {}).get(name)
            rows.append(
                {
                    "table": table,
                    "kind": kind,
                    "column": name,
                    "name_zh": about.get("zh"),
                    "name_en": about.get("en"),
                    "class": special.class_id or entry.class_id,
                    "grade": grade_of(table, name),
                    "purposes": list(special.purposes or entry.purposes),
                    "legal_basis": special.legal_basis or entry.legal_basis,
                    "retention": special.retention or entry.retention,
                    "inputs": list(derivation.inputs) if derivation else [],
                    "because": derivation.because if derivation else None,
                }
            )
    return pl.DataFrame(rows, schema=DESCRIPTION)


#: Columns of :func:`describe_columns`.
DESCRIPTION: dict[str, Any] = {
    "table": pl.String,
    "kind": pl.String,
    "column": pl.String,
    "name_zh": pl.String,
    "name_en": pl.String,
    "class": pl.String,
    "grade": pl.Int64,
    "purposes": pl.List(pl.String),
    "legal_basis": pl.String,
    "retention": pl.String,
    "inputs": pl.List(pl.String),
    "because": pl.String,
}


def grade_problems() -> list[str]:
    """Return what is wrong with the grades of derived columns: one sentence each, none when all is well.

    A derived column without a stated derivation, an input that does not exist, and a grade below the highest of the
    inputs without a reason are problems.
    """
    known = catalogue()
    problems = []
    for table in [name for name in SCHEMAS if name not in CANONICAL]:
        stated = known.derivations.get(table, {})
        for column in SCHEMAS[table].column_names():
            if column not in stated:
                problems.append(f"{table}.{column}: no derivation is stated")
                continue
            highest = max((_grade_of_input(one) for one in stated[column].inputs), default=1)
            if grade_of(table, column) < highest and stated[column].because is None:
                own = grade_of(table, column)
                problems.append(f"{table}.{column} has grade {own}, below its inputs' {highest}, without a reason")
    return problems


def tables_behind(table: str) -> tuple[str, ...]:
    """Return the loaded tables that a table is made from, directly or over other derived tables, in load order."""
    found: set[str] = set()
    waiting, seen = [(table, column) for column in SCHEMAS[table].column_names()], set()
    while waiting:
        name, column = waiting.pop()
        if (name, column) in seen:
            continue
        seen.add((name, column))
        if name in CANONICAL:
            found.add(name)
        elif derivation := catalogue().derivations.get(name, {}).get(column):
            parts = [one.partition(".") for one in derivation.inputs if one != PARAMETER]
            waiting += [(of, which) for of, _, which in parts]
    return tuple(name for name in CANONICAL if name in found)


def _grade_of_input(stated: str) -> int:
    if stated == PARAMETER:
        return 1
    table, _, column = stated.partition(".")
    return grade_of(table, column)
