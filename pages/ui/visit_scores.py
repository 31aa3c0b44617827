"""How good forecasts of the visits that events add were, in words and a table."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from pages.ui import tables
from pages.ui.formats import number, share
from pages.ui.language import t


def sentences(rows: list[dict[str, Any]]) -> list[str]:
    """Return one sentence a kind of visit: which method is used, and whether a simpler one was as good or better."""
    return [_sentence(kind, list(of_kind)) for kind, of_kind in groupby(rows, key=lambda row: str(row["visit_kind"]))]


def table(rows: list[dict[str, Any]]) -> str:
    """Return one row a kind of visit and method, the one used first."""
    return tables.html_table(
        [t(f"visit_scores.column.{name}") for name in ("kind", "model", "deviance", "bias", "coverage", "level")],
        [
            [
                t(f"codes.visit_kind.{row['visit_kind']}"),
                _name(row) + (t("visit_scores.used") if row["chosen"] else ""),
                number(row["deviance"], 3),
                number(row["bias"], 2),
                share(row["coverage"]),
                share(row["interval_level"]),
            ]
            for row in rows
        ],
        caption=t("visit_scores.caption", n=max(row["origins"] for row in rows)),
        numeric=(2, 3, 4, 5),
    )


def _sentence(kind: str, rows: list[dict[str, Any]]) -> str:
    name = t(f"codes.visit_kind.{kind}")
    used = next(row for row in rows if row["chosen"])
    if not used["origins"] or used["deviance"] is None:
        return t("visit_scores.untested", kind=name, model=_name(used))
    best = min((row for row in rows if row is not used and row["deviance"] is not None), key=lambda r: r["deviance"])
    # Told as it is: what was chosen on older weeks may have lost on newer ones.
    verdict = "better" if used["deviance"] < best["deviance"] else "worse"
    return t(
        f"visit_scores.{verdict}",
        kind=name,
        model=_name(used),
        error=number(used["deviance"], 3),
        other=_name(best),
        other_error=number(best["deviance"], 3),
    )


def _name(row: dict[str, Any]) -> str:
    return t(f"visit_scores.model.{row['model']}")
