"""Which shift an hour of the day belongs to."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

import polars as pl

#: Used, and flagged as assumed, for units whose source has no shifts.
DEFAULT_SHIFTS = (
    {"shift_code": "day", "name_zh": "早班", "name_en": "Day", "start_hour": 8.0, "hours": 8.0},
    {"shift_code": "middle", "name_zh": "中班", "name_en": "Middle", "start_hour": 16.0, "hours": 8.0},
    {"shift_code": "night", "name_zh": "夜班", "name_en": "Night", "start_hour": 0.0, "hours": 8.0},
)
_SCHEMA: dict[str, Any] = {
    "unit_code": pl.String,
    "shift_code": pl.String,
    "name_zh": pl.String,
    "name_en": pl.String,
    "start_hour": pl.Float64,
    "hours": pl.Float64,
    "established": pl.Float64,
    "available": pl.Float64,
    "assumed": pl.Boolean,
}
#: Shifts may start on any five minutes.
_SLICES_PER_HOUR = 12


def shifts_in_force(shifts: pl.DataFrame, units: Iterable[str], as_of: date) -> pl.DataFrame:
    """Return one row per unit and shift in force on a day, with the default shifts for units that have none.

    Parameters
    ----------
    shifts
        Frame of schema Shifts; may be empty.
    units
        Units that need shifts besides those in ``shifts``.

    Returns
    -------
    polars.DataFrame
        unit_code, shift_code, names, start_hour, hours, established, available, assumed; the two numbers of officers
        are null where the shifts are assumed.
    """
    held = (
        shifts.filter(
            (pl.col("valid_from").is_null() | (pl.col("valid_from") <= as_of))
            & (pl.col("valid_to").is_null() | (pl.col("valid_to") > as_of))
        )
        .sort("valid_from", nulls_last=False, maintain_order=True)
        .unique(["unit_code", "shift_code"], keep="last", maintain_order=True)
        .with_columns(pl.lit(False).alias("assumed"))
    )
    lacking = sorted(set(units) - set(held["unit_code"]))
    assumed = [{"unit_code": unit, **shift, "assumed": True} for unit in lacking for shift in DEFAULT_SHIFTS]
    return pl.concat([held.select(_SCHEMA.keys()).cast(_SCHEMA), pl.DataFrame(assumed, schema=_SCHEMA)]).sort(  # type: ignore[arg-type]
        "unit_code", "start_hour", "shift_code"
    )


def share_hours(shifts: pl.DataFrame) -> pl.DataFrame:
    """Return which shift takes which part of each clock hour.

    Where shifts overlap, work is shared in proportion to the officers available (equally where unknown); where no
    shift runs, it waits for the next one to start. So nothing is lost: the shares of an hour sum to 1.

    Parameters
    ----------
    shifts
        Frame from :func:`shifts_in_force`.

    Returns
    -------
    polars.DataFrame
        unit_code, hour (0-23), shift_code, day_offset (-1: the shift that began the day before, 1: the next day's),
        share.
    """
    rows: list[dict[str, Any]] = []
    for (unit,), group in shifts.group_by(["unit_code"], maintain_order=True):
        entries = group.rows(named=True)
        for piece in range(24 * _SLICES_PER_HOUR):
            clock = (piece + 0.5) / _SLICES_PER_HOUR
            for shift, offset, part in _takers(entries, clock):
                rows.append(
                    {
                        "unit_code": unit,
                        "hour": int(clock),
                        "shift_code": shift,
                        "day_offset": offset,
                        "share": part / _SLICES_PER_HOUR,
                    }
                )
    schema: dict[str, Any] = {
        "unit_code": pl.String,
        "hour": pl.Int8,
        "shift_code": pl.String,
        "day_offset": pl.Int8,
        "share": pl.Float64,
    }
    keys = ["unit_code", "hour", "shift_code", "day_offset"]
    return pl.DataFrame(rows, schema=schema).group_by(keys, maintain_order=True).agg(pl.col("share").sum())


def _takers(entries: list[dict[str, Any]], clock: float) -> list[tuple[str, int, float]]:
    on = [
        (entry, offset)
        for entry in entries
        for offset in (0, -1)
        if entry["start_hour"] <= clock - 24 * offset < entry["start_hour"] + entry["hours"]
    ]
    if on:
        weights = [entry["available"] or 0.0 for entry, _ in on]
        if sum(weights) <= 0:
            weights = [1.0] * len(on)
        return [
            (entry["shift_code"], offset, weight / sum(weights))
            for (entry, offset), weight in zip(on, weights, strict=True)
        ]
    following = min(entries, key=lambda entry: ((entry["start_hour"] - clock) % 24, entry["shift_code"]))
    return [(following["shift_code"], 0 if following["start_hour"] >= clock else 1, 1.0)]
