"""The first sheet of a workbook: the rows of an export under headings, and with words, of the reader's language.

The second sheet of the workbook, and the CSV file, keep the names and codes that a program reads.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from math import exp
from typing import TYPE_CHECKING, Any

import polars as pl

from data.exports import Reading
from pages.ui import language, places

if TYPE_CHECKING:
    from data.desk import Desk

#: Families of codes a column's values are words of, by column; the first that knows a value is used.
_FAMILIES: dict[str, tuple[str, ...]] = {
    "action": ("codes.action", "codes.decision"),
    "advice_table": ("codes.table",),
    "area_level": ("codes.level",),
    "binding": ("codes.binding",),
    "discovered_by": ("codes.discovered_by",),
    "event": ("codes.event",),
    "level": ("codes.level",),
    "model": ("codes.model", "visit_scores.model"),
    "object": ("common.pages", "codes.table", "codes.object"),
    "reason": ("codes.decision_reason", "codes.refusal"),
    "role": ("codes.role",),
    "rule": ("model.rule",),
    "source": ("codes.source",),
    "table": ("codes.table",),
    "unit": ("areas.many",),
    "visit_kind": ("codes.visit_kind",),
}
#: Columns with the code of an area, and the level it is of where the column says so.
_AREAS = {
    "area_code": None,
    "group_code": None,
    "unit_code": None,
    "beat_code": "beat",
    "community_code": "community",
    "station_code": "station",
}
#: Decimals in the first sheet; the second has every one.
_DIGITS = 4


def reading_of(desk: Desk, kind: str) -> Callable[[pl.DataFrame], Reading]:
    """Return what makes the sheet of a table, in the language of this run.

    Parameters
    ----------
    kind
        Table the rows come from; its name is the name of the sheet.

    Notes
    -----
    A file is made in a thread without a session, so everything the reader chose is taken over here.
    """
    words = language.words(language.current())
    categories = language.category_names()
    areas = names_of_areas(desk)
    name = words.get(f"codes.table.{kind}") or words[f"codes.object.{kind}"]

    def reading(table: pl.DataFrame) -> Reading:
        return Reading(name, readable(table, words, categories, areas), words["exports.data_sheet"])

    return reading


def names_of_areas(desk: Desk) -> dict[tuple[str | None, str], str]:
    """Return the names of areas in the reader's language by level and code, and by code alone where one area has it."""
    found = places.area_names(desk) if desk.has_edition and desk.viewer.role != "security" else {}
    named: dict[tuple[str | None, str], str] = {at: language.pick(*names) for at, names in found.items()}
    often = Counter(code for _, code in found)
    return named | {(None, code): name for (_, code), name in named.items() if often[code] == 1}


def readable(
    table: pl.DataFrame, words: dict[str, str], categories: dict[str, str], areas: dict[tuple[str | None, str], str]
) -> pl.DataFrame:
    """Return a table with headings and words of a language; lists of numbers are for programs and left out.

    Parameters
    ----------
    categories
        Names that sources declare for their categories, by code.
    areas
        Names of areas, as :func:`names_of_areas` returns them.

    Raises
    ------
    KeyError
        If a column has no heading: no file of a reader shows a bare name of a column.
    """
    columns = []
    for name, kind in table.schema.items():
        values = table[name]
        if name == "reasons":
            values = pl.Series([_reasons(parts, words) for parts in values.to_list()], dtype=pl.String)
        elif kind.is_nested() or kind == pl.Binary:
            continue
        elif kind == pl.Boolean:
            said = {True: words["common.yes"], False: words["common.no"], None: None}
            values = pl.Series([said[value] for value in values.to_list()], dtype=pl.String)
        elif kind.is_float():
            values = values.round(_DIGITS)
        elif name in _AREAS:
            values = pl.Series([areas.get((_AREAS[name], code), code) for code in values.to_list()], dtype=pl.String)
        elif name == "category" or name in _FAMILIES:
            values = pl.Series([_word(name, value, words, categories) for value in values.to_list()], dtype=pl.String)
        columns.append(values.alias(words[f"exports.column.{name}"]))
    return pl.DataFrame(columns)


def _word(column: str, value: str | None, words: dict[str, str], categories: dict[str, str]) -> str | None:
    if value is None:
        return None
    if column == "category":
        return categories.get(value) or words.get(f"codes.category.{value}", value)
    return next((words[f"{f}.{value}"] for f in _FAMILIES[column] if f"{f}.{value}" in words), value)


def _reasons(parts: list[dict[str, Any]] | None, words: dict[str, str]) -> str | None:
    """Return the reasons of a place with their factors, the strongest first; the reference itself is none."""
    told = [part for part in parts or [] if part["reason"] != "base" and part["contribution"]]
    told.sort(key=lambda part: -abs(part["contribution"]))
    return " · ".join(f"{words['codes.reason.' + part['reason']]} ×{exp(part['contribution']):.3g}" for part in told)
