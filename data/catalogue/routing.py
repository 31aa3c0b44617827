"""Routing (分流): which row of advice goes to whose desk. The rules are data (``routing.toml``)."""

from __future__ import annotations

import tomllib
from functools import cache, reduce
from operator import and_
from pathlib import Path
from typing import Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, model_validator

from data.errors import SchemaError
from data.schemas import EDITION

FILE = Path(__file__).with_name("routing.toml")
#: Column that names the area of a desk, by level and table.
AREA_COLUMNS = {"beat": ("beat_code",), "station": ("station_code", "unit_code"), "force": ()}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Above(_Strict):
    """A condition on a number: greater than a bound. A null number is not."""

    above: float


class RoutingRule(_Strict):
    """Rows of ``table`` that meet every condition of ``where`` go to ``role`` of the row's own ``level``."""

    id: str
    table: str
    where: dict[str, list[str] | Above] = Field(default_factory=dict)
    role: Literal["commander", "officer"]
    level: Literal["beat", "station", "force"]
    zh: str
    en: str

    @model_validator(mode="after")
    def _fits_the_schema(self) -> RoutingRule:
        if self.table not in EDITION:
            raise ValueError(f"rule {self.id}: editions have no table {self.table!r}")
        columns = EDITION[self.table].column_names()
        if wrong := sorted(set(self.where) - set(columns)):
            raise ValueError(f"rule {self.id}: {self.table} has no column {', '.join(wrong)}")
        if AREA_COLUMNS[self.level] and not set(AREA_COLUMNS[self.level]) & set(columns):
            raise ValueError(f"rule {self.id}: rows of {self.table} do not say which {self.level} they belong to")
        if (self.role == "officer") != (self.level == "beat"):
            raise ValueError(f"rule {self.id}: an officer's desk is that of a beat, a commander's is not")
        return self

    def area_column(self) -> str | None:
        """Return the column of the table that holds the code of the desk's area; None for the whole force."""
        columns = EDITION[self.table].column_names()
        return next((name for name in AREA_COLUMNS[self.level] if name in columns), None)

    def condition(self) -> pl.Expr:
        """Return where the rule holds."""
        parts = [
            (pl.col(name) > value.above if isinstance(value, Above) else pl.col(name).cast(pl.String).is_in(value))
            .fill_null(False)
            for name, value in self.where.items()
        ]  # fmt: skip
        return reduce(and_, parts, pl.lit(True))


@cache
def routing_rules() -> tuple[RoutingRule, ...]:
    """Return the rules that come with beatwise, in the order they are tried.

    Raises
    ------
    SchemaError
        If a rule does not fit the schemas, or the last rule of a table has a condition: some row would go nowhere.
    """
    document = tomllib.loads(FILE.read_text(encoding="utf-8"))
    try:
        rules = tuple(RoutingRule.model_validate(rule) for rule in document["rule"])
    except ValueError as error:
        raise SchemaError(f"a routing rule is not valid ({error}).", where=FILE.name) from error
    for table in dict.fromkeys(rule.table for rule in rules):
        own = [rule for rule in rules if rule.table == table]
        if own[-1].where or any(not rule.where for rule in own[:-1]):
            raise SchemaError(
                f"exactly the last rule of {table} must be without a condition.",
                where=FILE.name,
                remedy="Add a rule without `where` at the end of the table's rules.",
            )
    return rules


def route(table: str, rows: pl.DataFrame, rules: tuple[RoutingRule, ...] | None = None) -> pl.DataFrame:
    """Say for each row of an advice table whose desk it goes to.

    Parameters
    ----------
    rows
        Rows of an edition's table, whole or as a viewer sees them.

    Returns
    -------
    The rows with ``rule_id``, ``desk_role``, ``desk_level`` and ``desk_area`` (null for the whole force's desk).

    Raises
    ------
    SchemaError
        If no rule is about the table.
    """
    own = [rule for rule in (routing_rules() if rules is None else rules) if rule.table == table]
    if not own:
        raise SchemaError("no routing rule is about this table.", where=table)
    taken = pl.lit(None, dtype=pl.Int32)
    for number, rule in reversed(list(enumerate(own))):
        taken = pl.when(rule.condition()).then(pl.lit(number, dtype=pl.Int32)).otherwise(taken)
    numbered = rows.with_columns(taken.alias("$rule"))
    columns = [(rule.area_column(), number) for number, rule in enumerate(own)]
    areas = [
        pl.when(pl.col("$rule") == number).then(pl.col(column)) for column, number in columns if column is not None
    ]
    numbers = list(range(len(own)))

    def told(values: list[str]) -> pl.Expr:
        return pl.col("$rule").replace_strict(numbers, values, return_dtype=pl.String)

    return numbered.with_columns(
        told([rule.id for rule in own]).alias("rule_id"),
        told([rule.role for rule in own]).alias("desk_role"),
        told([rule.level for rule in own]).alias("desk_level"),
        (pl.coalesce(areas) if areas else pl.lit(None, dtype=pl.String)).alias("desk_area"),
    ).drop("$rule")
