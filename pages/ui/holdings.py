"""The catalogue in words: tables and grades, columns, routing rules, legal bases, retention."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl
import streamlit as st

from pages.ui import tables
from pages.ui.formats import day, listed, number, set_apart
from pages.ui.language import pick, t, term

if TYPE_CHECKING:
    from data.catalogue.bases import BasisVersion, LegalBases
    from data.catalogue.columns import Catalogue, Retention
    from data.catalogue.routing import RoutingRule

Words = dict[str, dict[str, tuple[str, str]]]
GRADES = (1, 2, 3, 4)


def say(words: Words, family: str, code: str) -> str:
    """Return the word for an id of the catalogue."""
    return pick(*words[family][code])


def summary_of(columns: pl.DataFrame) -> str:
    """Return the page's takeaway: how much there is, and how it is graded."""
    counts = Counter(columns["grade"].to_list())
    return t(
        "catalogue.summary",
        tables=number(columns["table"].n_unique()),
        columns=number(columns.height),
        **{f"g{grade}": number(counts[grade]) for grade in GRADES},
    )


def inheritance_words(columns: pl.DataFrame, problems: list[str]) -> str:
    """Return whether derived columns keep the grade of their inputs."""
    if problems:
        return t("catalogue.inherit_bad", n=number(len(problems)))
    return t("catalogue.inherit_ok", n=number(columns["because"].count()))


def table_rows(columns: pl.DataFrame) -> list[dict[str, Any]]:
    """Return one row per table: its kind, highest grade, and how many columns it has of each grade."""
    rows = []
    for (table,), part in columns.group_by(["table"], maintain_order=True):
        counts = Counter(part["grade"].to_list())
        rows.append(
            {
                "code": table,
                "table": term("table", table),
                "kind": t(f"catalogue.kind.{part['kind'][0]}"),
                "highest": t(f"catalogue.grade.{max(counts)}"),
                **{f"g{grade}": counts[grade] for grade in GRADES},
            }
        )
    return rows


def table_columns() -> dict[str, Any]:
    """Return the columns of the table of tables with their words."""
    column = st.column_config
    return {
        "table": column.TextColumn(t("catalogue.column.table"), width=200),
        "kind": column.TextColumn(t("catalogue.column.kind"), width=84),
        "highest": column.TextColumn(t("catalogue.column.highest"), width=130),
        **{f"g{grade}": column.NumberColumn(t("catalogue.column.of_grade", grade=grade), width=68) for grade in GRADES},
    }


def table_details(columns: pl.DataFrame, words: Words) -> str:
    """Return what is said of one table as a whole: classes, purposes, legal bases, retention; HTML, full width."""
    purposes = dict.fromkeys(purpose for many in columns["purposes"] for purpose in many)
    told = {
        "class": [say(words, "class", one) for one in dict.fromkeys(columns["class"])],
        "purposes": [say(words, "purpose", one) for one in purposes],
        "basis": [say(words, "basis", one) for one in dict.fromkeys(columns["legal_basis"])],
        "retention": [say(words, "retention", one) for one in dict.fromkeys(columns["retention"])],
    }
    return tables.details({t(f"catalogue.column.{name}"): values for name, values in told.items()})


def columns_table(columns: pl.DataFrame, words: Words) -> str:
    """Return the columns of one table."""
    derived = columns["inputs"].list.len().sum() > 0
    names = ("column", "name", "class", "grade", "purposes", "retention", *(("inputs", "because") if derived else ()))
    rows, marks = [], {}
    for number_of_row, row in enumerate(columns.iter_rows(named=True)):
        marks[number_of_row, 3] = f"g{row['grade']}"
        cells = [
            row["column"],
            pick(row["name_zh"], row["name_en"]),
            say(words, "class", row["class"]),
            t(f"catalogue.grade.{row['grade']}"),
            listed([say(words, "purpose", one) for one in row["purposes"]]),
            say(words, "retention", row["retention"]),
        ]
        if derived:
            cells += [
                listed([one for one in row["inputs"] if one != "parameter"]),
                say(words, "reason", row["because"]) if row["because"] else "",
            ]
        rows.append(cells)
    return tables.html_table([t(f"catalogue.column.{name}") for name in names], rows, classes=marks)


def routing_table(rules: tuple[RoutingRule, ...]) -> str:
    """Return the routing rules in the order they are tried."""
    return tables.html_table(
        [t(f"catalogue.column.{name}") for name in ("table", "where", "rule", "desk")],
        [
            [term("table", rule.table), _condition_words(rule), pick(rule.zh, rule.en), t(f"routing.{rule.level}")]
            for rule in rules
        ],
    )


def _condition_words(rule: RoutingRule) -> str:
    said = []
    for column, value in rule.where.items():
        if isinstance(value, list):
            said.append(listed([term("visit_kind" if column == "visit_kind" else column, one) for one in value]))
        else:
            said.append(f"{_column_name(rule.table, column)} > {value.above:g}")
    return set_apart(said) or t("common.all")


def _column_name(table: str, column: str) -> str:
    from data.schemas import EDITION

    about: dict[str, Any] = EDITION[table].columns()[column].metadata or {}
    return pick(about["zh"], column)


def bases_table(register: LegalBases, words: Words) -> str:
    """Return every legal basis with its texts over time, the one in force first."""
    rows: list[list[object]] = []
    for basis in register.bases:
        for version in sorted(basis.versions, key=lambda one: one.valid_from, reverse=True):
            rows.append(
                [
                    pick(basis.zh, basis.en),
                    version.article,
                    pick(version.zh, version.en),
                    _validity(version),
                    listed([say(words, "purpose", one) for one in basis.purposes]),
                ]
            )
    names = ("basis", "article", "says", "valid", "purposes")
    caption = "" if register.confirmed_by_counsel else t("catalogue.counsel")
    return tables.html_table([t(f"catalogue.column.{name}") for name in names], rows, caption=caption)


def _validity(version: BasisVersion) -> str:
    if version.valid_to is None:
        always = version.valid_from <= date(1970, 1, 1)
        return t("catalogue.still") if always else t("catalogue.since", day=day(version.valid_from))
    return t("catalogue.until", first=day(version.valid_from), last=day(version.valid_to))


def retention_table(known: Catalogue) -> str:
    """Return the retention classes; assumed ones are marked."""
    return tables.html_table(
        [t("catalogue.column.retention"), t("catalogue.column.period")],
        [
            [
                pick(one.zh, one.en) + (" *" if one.assumed else ""),
                _period(one),
            ]
            for one in known.retentions.values()
        ],
        numeric=(1,),
    )


def _period(rule: Retention) -> str:
    if rule.days is None:
        return t("catalogue.until_event")
    return t("catalogue.days_since_closed" if rule.since else "catalogue.days", n=number(rule.days))
