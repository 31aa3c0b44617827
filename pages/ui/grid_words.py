"""How much of a list is the place and how much the grid, in words and a table."""

from __future__ import annotations

from typing import Any

from pages.ui import tables
from pages.ui.formats import number, share
from pages.ui.language import t, term

#: Share of the flagged area found again, above which a list says places rather than squares.
STEADY = 0.6


def sentence(rows: list[dict[str, Any]]) -> str:
    """Return how far hits and flagged area move with the grid; shifts and turns only, which change nothing else."""
    moved = [row for row in rows if row["change"] in ("shift", "turn")]
    rates = [_rate(row) for row in rows if row["change"] != "size"]
    again = sum(row["overlap"] for row in moved) / len(moved)
    return t(
        f"grids.sentence.{'steady' if again >= STEADY else 'loose'}",
        low=share(min(rates), 1),
        high=share(max(rates), 1),
        again=share(again),
    )


def table(rows: list[dict[str, Any]]) -> str:
    """Return one row per grid."""
    first = rows[0]
    return tables.html_table(
        [t(f"grids.column.{name}") for name in ("change", "cell_m", "places", "hits", "rate", "overlap")],
        [
            [
                _change(row),
                t("grids.metres", n=number(row["cell_m"])),
                number(row["places"]),
                f"{number(row['hits'])} / {number(row['events'])}",
                share(_rate(row), 1),
                share(row["overlap"]),
            ]
            for row in rows
        ],
        caption=t(
            "grids.caption", n=first["origins"], days=first["horizon_days"], method=term("model", first["model"])
        ),
        numeric=range(1, 6),
    )


def _rate(row: dict[str, Any]) -> float:
    return float(row["hits"] / row["events"]) if row["events"] else 0.0


def _change(row: dict[str, Any]) -> str:
    return t(
        f"grids.change.{row['change']}",
        right=number(row["shift_right_m"]),
        up=number(row["shift_up_m"]),
        degrees=number(row["rotation_deg"]),
    )
