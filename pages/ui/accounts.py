"""Grants in words: how many accounts hold which role, and one row for every grant."""

from __future__ import annotations

from typing import Any

import polars as pl
import streamlit as st

from pages.ui import tables
from pages.ui.formats import listed, moment, number
from pages.ui.language import t


def summary_of(found: pl.DataFrame) -> str:
    """Return how many grants are open, by role, and how many have ended."""
    standing = found.filter(found["revoked_at"].is_null())
    counts = dict(standing.group_by("role").len().iter_rows())
    roles = [t("grants.of_role", role=t(f"codes.role.{role}"), n=counts[role]) for role in sorted(counts)]
    ended = number(found.height - standing.height)
    if not roles:
        return t("grants.none_open", ended=ended)
    return t("grants.summary", n=number(standing.height), roles=listed(roles), ended=ended)


def rows_of(found: pl.DataFrame, *, only_open: bool) -> list[dict[str, Any]]:
    """Return grants as rows of a list, newest first; areas and forces by their codes, as they were granted."""
    return [
        {
            "name": row["name"],
            "role": t(f"codes.role.{row['role']}"),
            "area": _area_words(row),
            "force": t("grants.all_forces") if row["all_forces"] else row["jurisdiction"] or "",
            "granted": moment(row["granted_at"]),
            "granted_by": row["granted_by"],
            "ended": moment(row["revoked_at"]) if row["revoked_at"] else "",
            "ended_by": row["revoked_by"] or "",
        }
        for row in found.to_dicts()
        if not (only_open and row["revoked_at"])
    ]


def columns_of(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the columns of the list; of areas, forces and ended grants only where there are any."""
    names = ("name", "role", "area", "force", "granted", "granted_by", "ended", "ended_by")
    return {
        name: st.column_config.TextColumn(
            t(f"grants.column.{name}"), width=tables.width_for([row[name] for row in rows], least=90, most=230)
        )
        for name in names
        if any(row[name] for row in rows)
    }


def _area_words(row: dict[str, Any]) -> str:
    if not row["area_code"]:
        return ""
    return t("common.unnamed_area", level=t(f"codes.level.{row['area_level']}"), code=row["area_code"])
